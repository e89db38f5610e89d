//! Stopped at any moment, the archive opens and the next run finishes with the same result as one unbroken run.
//! These run the real program, because signals and limits are the system's.

use std::process::Command;
use std::process::Stdio;
use std::time::Duration;

use crate::world::World;

fn program(world: &World) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ssmtrail"));
    command.env_clear().arg("--archive").arg(world.path("archive")).current_dir(world.path("."));
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn many(world: &World) {
    for it in 0..400 {
        let lines: Vec<String> = (0..40).map(|nth| format!("sh-4.2$ echo {it} {nth}")).collect();
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        world.transcript(&format!("logs/u{}-0{it:016x}.log", it % 5), &lines);
    }
}

fn everything(world: &World) -> String {
    let mut rows: Vec<String> =
        world.run("search '' --format csv").0.lines().map(str::to_owned).collect();
    rows.sort();
    rows.join("\n")
}

#[test]
fn killed_at_any_moment_the_next_run_ends_like_an_unbroken_one() {
    let whole = World::new();
    many(&whole);
    whole.run("sync logs");
    let wanted = everything(&whole).replace(&whole.path("").display().to_string(), "");
    for millis in [5, 20, 40, 80, 120, 160, 220, 300] {
        let world = World::new();
        many(&world);
        let mut child = program(&world).args(["sync", "logs"]).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(millis));
        child.kill().unwrap();
        child.wait().unwrap();
        let said = world.run("sync logs").0;
        assert!(said.contains("failed 0"), "after {millis} ms: {said}");
        let got = everything(&world).replace(&world.path("").display().to_string(), "");
        assert_eq!(got, wanted, "after {millis} ms");
        assert!(world.run("archive verify").0.starts_with("sound"), "after {millis} ms");
        let left: Vec<_> = std::fs::read_dir(world.path("archive/tmp")).unwrap().collect();
        assert!(left.is_empty(), "a run leaves no scratch files: {left:?}");
    }
}

/// A sync was killed between the first two bytes that it ever wrote.
#[test]
fn an_archive_that_was_just_being_made_is_made() {
    let world = World::new();
    many(&world);
    std::fs::create_dir_all(world.path("archive")).unwrap();
    std::fs::write(world.path("archive/lock"), "").unwrap();
    std::fs::write(world.path("archive/archive.json.begun"), "{").unwrap();
    let said = world.run("sync logs").0;
    assert!(said.contains("failed 0"), "{said}");
    assert!(world.run("archive verify").0.starts_with("sound"));
}

#[test]
fn interrupted_it_keeps_what_was_read_and_says_how_to_go_on() {
    let world = World::new();
    many(&world);
    let child = program(&world).args(["sync", "--threads", "1", "logs"]).spawn().unwrap();
    std::thread::sleep(Duration::from_millis(60));
    let pid = child.id().to_string();
    Command::new("bash").args(["-c", &format!("kill -INT {pid}")]).status().unwrap();
    let out = child.wait_with_output().unwrap();
    let err = String::from_utf8_lossy(&out.stderr).into_owned();
    let next = world.run("sync logs").0;
    assert!(next.contains("failed 0"), "{next}");
    match out.status.code() {
        Some(3) => {
            assert!(err.contains("interrupted: what was stored is kept"), "{err}");
            let sum = err.lines().next().unwrap_or_default().replace(',', "");
            let numbers: Vec<u64> = sum.split(' ').filter_map(|it| it.parse().ok()).collect();
            assert_eq!(numbers[0], numbers[1..].iter().sum::<u64>(), "it adds up: {sum}");
            // What a run counts as stored is there, and nothing else is.
            assert!(next.contains(&format!("+ held {} +", numbers[1])), "{sum}\n{next}");
        }
        // It was faster than the signal, or had not yet begun to listen.
        Some(0) | None => {}
        other => panic!("exit {other:?}: {err}"),
    }
    assert_eq!(world.run("search '' --count").0, "16000\n");
}

#[test]
fn a_full_disk_is_an_error_with_a_way_on_and_nothing_is_lost() {
    let world = World::new();
    many(&world);
    let script = format!(
        "trap '' XFSZ; ulimit -f 16; exec '{}' --archive '{}' sync logs",
        env!("CARGO_BIN_EXE_ssmtrail"),
        world.path("archive").display()
    );
    let out = Command::new("bash")
        .args(["-c", &script])
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .current_dir(world.path("."))
        .output()
        .unwrap();
    let err = String::from_utf8_lossy(&out.stderr).into_owned();
    assert_eq!(out.status.code(), Some(2), "{err}");
    assert!(err.contains("cannot write"), "{err}");
    assert!(world.run("sync logs").0.contains("stored 400"));
    assert!(world.run("archive verify").0.starts_with("sound"));
}

#[test]
fn a_reader_that_leaves_early_is_no_error() {
    let world = World::new();
    many(&world);
    world.run("sync logs");
    let mut child = program(&world).args(["search", "", "--format", "jsonl"]).spawn().unwrap();
    drop(child.stdout.take());
    let out = child.wait_with_output().unwrap();
    assert_eq!(out.status.code(), Some(0));
    assert_eq!(String::from_utf8_lossy(&out.stderr), "");
}
