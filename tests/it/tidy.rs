//! The house keeps its own rules: the map in `lib.rs` is the order of the rooms, and what is absent is absent.

use std::path::Path;

struct Room {
    name: String,
    text: String,
}

/// The rooms in the order of the map, each with all its text, tests cut off.
fn rooms() -> Vec<Room> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let map = std::fs::read_to_string(source.join("lib.rs")).expect("the map");
    map.lines()
        .filter_map(|it| it.strip_prefix("pub mod ")?.strip_suffix(';'))
        .map(|name| {
            let file = source.join(format!("{name}.rs"));
            let mut text = std::fs::read_to_string(&file).unwrap_or_default();
            for it in walkdir::WalkDir::new(source.join(name)).into_iter().filter_map(|it| it.ok())
            {
                if it.path().extension().is_some_and(|it| it == "rs") {
                    let more = std::fs::read_to_string(it.path()).expect("a room");
                    text.push_str(without_tests(&more));
                }
            }
            assert!(!text.is_empty(), "{name} is on the map and is no room");
            Room { name: name.to_owned(), text: without_tests(&text).to_owned() }
        })
        .collect()
}

fn without_tests(text: &str) -> &str {
    text.split("#[cfg(test)]").next().unwrap_or(text)
}

#[test]
fn a_room_uses_only_the_rooms_above_it() {
    let rooms = rooms();
    for (nth, room) in rooms.iter().enumerate() {
        for below in &rooms[nth + 1..] {
            let path = format!("crate::{}", below.name);
            let reaches = room.text.match_indices(&path).any(|(at, _)| {
                !room.text[at + path.len()..]
                    .starts_with(|it: char| it.is_alphanumeric() || it == '_')
            });
            assert!(!reaches, "{} reaches down to {}", room.name, below.name);
        }
    }
}

#[test]
fn what_is_absent_is_absent() {
    // The word, and the rooms where it may stand.
    let table: &[(&str, &[&str])] = &[
        ("clap", &["cli"]),
        ("tokio", &["source", "sync", "cli"]),
        ("polars", &["archive", "sync", "search", "query", "render", "cli"]),
        ("std::fs", &["error", "source", "archive", "intake", "sync", "cli"]),
        ("std::net", &[]),
        ("SystemTime", &[]),
        ("Utc::now", &[]),
        ("println!", &[]),
        ("std::process", &[]),
        ("aws_sdk", &["source"]),
        ("crate::source", &["sync", "cli"]),
    ];
    for room in rooms() {
        for (word, allowed) in table {
            let inside = room.name == "source" && *word == "crate::source";
            let found = room
                .text
                .lines()
                .filter(|it| !it.trim_start().starts_with("//"))
                .any(|it| it.contains(word));
            assert!(
                inside || !found || allowed.contains(&room.name.as_str()),
                "{word} stands in {}",
                room.name
            );
        }
    }
}

#[test]
fn what_a_person_names_is_written_through_one_door() {
    let commands = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/cli");
    let words = [
        "fs::write",
        "fs::copy",
        "fs::rename",
        "File::create",
        "create_new",
        ".persist",
        "NamedTempFile",
    ];
    for it in walkdir::WalkDir::new(commands).into_iter().filter_map(|it| it.ok()) {
        if it.file_type().is_file() && it.file_name() != "output.rs" {
            let text = std::fs::read_to_string(it.path()).expect("a command");
            for word in words {
                let found = without_tests(&text).contains(word);
                assert!(!found, "{word} stands in {}, and not in output.rs", it.path().display());
            }
        }
    }
}

#[test]
fn one_factory_makes_all_clients_of_aws() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    for it in walkdir::WalkDir::new(source).into_iter().filter_map(|it| it.ok()) {
        // The room of log groups still makes its own, counted and patient like the others.
        let name = it.file_name().to_string_lossy().into_owned();
        if !name.ends_with(".rs") || ["aws.rs", "logs.rs"].contains(&&*name) {
            continue;
        }
        let text = std::fs::read_to_string(it.path()).expect("a file");
        for word in ["Client::new(", "Client::from_conf("] {
            assert!(!without_tests(&text).contains(word), "{} makes a client", it.path().display());
        }
    }
}

#[test]
fn every_file_begins_with_why_it_exists() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    for it in walkdir::WalkDir::new(source).into_iter().filter_map(|it| it.ok()) {
        if it.path().extension().is_some_and(|it| it == "rs") {
            let text = std::fs::read_to_string(it.path()).unwrap();
            assert!(text.starts_with("//! "), "{} does not say why it exists", it.path().display());
        }
    }
}
