//! An archive that was damaged, in every way we could think of, and what each verb makes of it: nothing is lost, nothing
//! is answered in silence, and what is damaged can be moved aside.

#![expect(clippy::unwrap_used, reason = "what makes a test ready may end it")]

use std::collections::BTreeSet;
use std::path::Path;
use std::path::PathBuf;

use expect_test::expect;

use crate::world::Said;
use crate::world::World;

/// Three syncs, a feed and a revealed secret.
fn whole() -> World {
    let world = World::new();
    world.salted();
    for (nth, name) in ["ann", "bob", "eve"].iter().enumerate() {
        let line = format!("sh-4.2$ systemctl stop {name}");
        let lines = [&line, "sh-4.2$ export DB_PASSWORD=hunter2x", "sh-4.2$ exit"];
        world.transcript(&format!("{nth}/{name}-0123456789abcdef{nth}.log"), &lines);
        world.run(&format!("sync {nth}"));
    }
    world.run("export --since-last -o feed.jsonl");
    world.run("search hunter2x --reveal");
    world.transcript("more/zed-0123456789abcdef9.log", &["sh-4.2$ uptime", "sh-4.2$ exit"]);
    world
}

fn files(world: &World) -> Vec<PathBuf> {
    let archive = world.path("archive");
    let mut out: Vec<PathBuf> = walkdir::WalkDir::new(&archive)
        .into_iter()
        .filter_map(|it| it.ok())
        .filter(|it| it.file_type().is_file())
        .map(|it| it.path().strip_prefix(&archive).unwrap().to_owned())
        .collect();
    out.sort();
    out
}

fn copy(from: &Path, to: &Path) {
    for it in walkdir::WalkDir::new(from).into_iter().filter_map(|it| it.ok()) {
        let place = to.join(it.path().strip_prefix(from).unwrap());
        if it.file_type().is_dir() {
            std::fs::create_dir_all(&place).unwrap();
        } else {
            std::fs::copy(it.path(), &place).unwrap();
        }
    }
}

/// The table's n-th file, oldest entry first.
fn table(archive: &Path, table: &str, nth: usize) -> PathBuf {
    let mut found: Vec<PathBuf> = walkdir::WalkDir::new(archive.join(table))
        .into_iter()
        .filter_map(|it| it.ok())
        .filter(|it| it.file_type().is_file())
        .map(|it| it.into_path())
        .collect();
    found.sort();
    found.remove(nth)
}

fn flip(path: &Path, at: usize) {
    let mut bytes = std::fs::read(path).unwrap();
    let at = at.min(bytes.len() - 1);
    bytes[at] ^= 1;
    std::fs::write(path, bytes).unwrap();
}

fn edit(archive: &Path, change: impl Fn(Vec<&str>) -> String) {
    let path = archive.join("manifest.jsonl");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, change(text.split_inclusive('\n').collect())).unwrap();
}

type Damage = (&'static str, fn(&Path));

/// The kinds of damage of the chain: nobody writes.
const CHAIN: [Damage; 9] = [
    ("no manifest", |it| std::fs::remove_file(it.join("manifest.jsonl")).unwrap()),
    ("manifest emptied", |it| std::fs::write(it.join("manifest.jsonl"), "").unwrap()),
    ("entry changed", |it| flip(&it.join("manifest.jsonl"), 30)),
    ("entry dropped", |it| edit(it, |lines| [lines[0], lines[2]].concat())),
    ("last entry dropped", |it| edit(it, |lines| lines[..2].concat())),
    ("last entry torn", |it| {
        edit(it, |lines| format!("{}{}{}", lines[0], lines[1], &lines[2][..99]));
    }),
    ("last line end changed", |it| {
        let length = std::fs::metadata(it.join("manifest.jsonl")).unwrap().len() as usize;
        flip(&it.join("manifest.jsonl"), length - 1);
    }),
    ("unnamed data file", |it| {
        let path = table(it, "commands", 0);
        std::fs::copy(&path, path.with_file_name("99999999.parquet")).unwrap();
    }),
    ("unnamed entry", |it| std::fs::write(it.join("entries/00000009.json"), "{}").unwrap()),
];

/// The kinds of damage of a file of data: all else goes on.
const DATA: [Damage; 7] = [
    ("sessions flipped", |it| flip(&table(it, "sessions", 1), 200)),
    ("commands flipped", |it| flip(&table(it, "commands", 1), 200)),
    ("commands, footer", |it| {
        let path = table(it, "commands", 1);
        let length = std::fs::metadata(&path).unwrap().len() as usize;
        flip(&path, length - 12);
    }),
    ("lines flipped", |it| flip(&table(it, "lines", 1), 200)),
    ("transcripts flipped", |it| flip(&table(it, "transcripts", 1), 200)),
    ("transcripts cut", |it| {
        let path = table(it, "transcripts", 1);
        let bytes = std::fs::read(&path).unwrap();
        std::fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
    }),
    ("transcripts gone", |it| std::fs::remove_file(table(it, "transcripts", 1)).unwrap()),
];

/// The kinds of damage of the small files beside the tables.
const SIDES: [Damage; 7] = [
    ("copy of an entry", |it| flip(&it.join("entries/00000002.json"), 30)),
    ("list of an entry", |it| flip(&it.join("entries/00000002.brought"), 30)),
    ("salt flipped", |it| flip(&it.join("salt"), 5)),
    ("salt emptied", |it| std::fs::write(it.join("salt"), "").unwrap()),
    ("reveals emptied", |it| std::fs::write(it.join("reveals.jsonl"), "").unwrap()),
    ("reveals flipped", |it| flip(&it.join("reveals.jsonl"), 30)),
    ("feed flipped", |it| flip(&it.join("feeds/default"), 0)),
];

const VERBS: [(&str, &str); 13] = [
    ("sync", "sync more"),
    ("dry-run", "sync --dry-run more"),
    ("rebuild", "archive rebuild"),
    ("sessions", "sessions"),
    ("search", "search systemctl"),
    ("output", "search --output systemctl"),
    ("show", "show bob-0123456789abcdef1"),
    ("raw", "show bob-0123456789abcdef1 --raw --reveal"),
    ("report", "report --format json -o -"),
    ("export", "export"),
    ("query", "query by-owner"),
    ("stats", "archive stats"),
    ("verify", "archive verify"),
];

fn code(said: &Said) -> &str {
    said.0.rsplit("[exit ").next().filter(|_| said.0.contains("[exit ")).map_or("0", |it| &it[..1])
}

/// Plays every verb on a damaged copy of the archive: one row of codes for each kind of damage.
fn codes(world: &World, kinds: &[Damage], mut seen: impl FnMut(&str, &str, &Said)) -> String {
    let (archive, sound) = (world.path("archive"), world.path("sound"));
    std::fs::rename(&archive, &sound).unwrap();
    let mut out = format!("{:<22}", "");
    VERBS.iter().for_each(|it| out.push_str(&format!("{:>9}", it.0)));
    out.push('\n');
    for (kind, damage) in kinds {
        out.push_str(&format!("{kind:<22}"));
        for (verb, line) in VERBS {
            copy(&sound, &archive);
            damage(&archive);
            let said = world.run(line);
            out.push_str(&format!("{:>9}", code(&said)));
            seen(kind, verb, &said);
            std::fs::remove_dir_all(&archive).unwrap();
        }
        out.push('\n');
    }
    std::fs::rename(&sound, &archive).unwrap();
    out
}

#[test]
fn over_a_damaged_chain_nobody_writes_and_readers_say_what_they_answer_from() {
    let world = whole();
    let table = codes(&world, &CHAIN, |kind, verb, said| match verb {
        "sync" | "rebuild" => {
            assert!(said.0.contains("the archive is damaged: "), "{kind}: {}", said.0);
            assert!(said.0.contains("`ssmtrail archive repair`"), "{kind}: {}", said.0);
        }
        "verify" => assert!(said.0.contains("broken: "), "{kind}: {}", said.0),
        "dry-run" => assert!(said.0.contains("unreadable in the archive: "), "{kind}: {}", said.0),
        // The copies of the entries prove, so nothing is missing from the answer.
        "search" => {
            assert!(said.0.contains("unreadable: "), "{kind}: {}", said.0);
            assert_eq!(said.0.matches("systemctl stop").count(), 3, "{kind}: {}", said.0);
        }
        "report" => assert!(said.0.contains("\"complete\":false"), "{kind}"),
        _ => assert!(said.0.contains("unreadable: "), "{kind}, {verb}: {}", said.0),
    });
    expect![[r#"
                                   sync  dry-run  rebuild sessions   search   output     show      raw   report   export    query    stats   verify
        no manifest                   2        3        2        3        3        3        3        3        3        3        3        3        1
        manifest emptied              2        3        2        3        3        3        3        3        3        3        3        3        1
        entry changed                 2        3        2        3        3        3        3        3        3        3        3        3        1
        entry dropped                 2        3        2        3        3        3        3        3        3        3        3        3        1
        last entry dropped            2        3        2        3        3        3        3        3        3        3        3        3        1
        last entry torn               2        3        2        3        3        3        3        3        3        3        3        3        1
        last line end changed         2        3        2        3        3        3        3        3        3        3        3        3        1
        unnamed data file             2        3        2        3        3        3        3        3        3        3        3        3        1
        unnamed entry                 2        3        2        3        3        3        3        3        3        3        3        3        1
    "#]].assert_eq(&table);
}

#[test]
fn over_a_damaged_file_everything_else_goes_on_and_it_is_said() {
    let world = whole();
    let table = codes(&world, &DATA, |kind, verb, said| match verb {
        "verify" => assert!(said.0.contains("broken: "), "{kind}: {}", said.0),
        "sync" => assert!(said.0.contains("1 new session"), "{kind}: {}", said.0),
        _ => {}
    });
    expect![[r#"
                                   sync  dry-run  rebuild sessions   search   output     show      raw   report   export    query    stats   verify
        sessions flipped              3        3        3        3        3        3        2        2        3        3        3        3        1
        commands flipped              0        0        3        0        3        0        0        0        3        3        3        0        1
        commands, footer              0        0        3        0        3        0        0        0        3        3        3        0        1
        lines flipped                 0        0        3        0        0        3        3        0        3        0        0        0        1
        transcripts flipped           3        3        3        0        0        0        0        3        3        0        0        0        1
        transcripts cut               3        3        3        0        0        0        0        3        3        0        0        0        1
        transcripts gone              3        3        3        0        0        0        0        3        3        0        0        0        1
    "#]].assert_eq(&table);
}

#[test]
fn a_damaged_small_file_is_found() {
    let world = whole();
    let table = codes(&world, &SIDES, |kind, verb, said| {
        if verb == "verify" {
            assert!(said.0.contains("broken: "), "{kind}: {}", said.0);
        }
    });
    expect![[r#"
                                   sync  dry-run  rebuild sessions   search   output     show      raw   report   export    query    stats   verify
        copy of an entry              0        0        0        0        0        0        0        0        0        0        0        0        1
        list of an entry              0        0        0        0        0        0        0        0        0        0        0        0        1
        salt flipped                  0        0        0        3        3        3        3        0        3        3        3        3        1
        salt emptied                  0        0        0        3        3        3        3        0        3        3        3        3        1
        reveals emptied               0        0        0        0        0        0        0        0        0        0        0        0        1
        reveals flipped               0        0        0        0        0        0        0        0        0        0        0        0        1
        feed flipped                  0        0        0        0        0        0        0        0        0        0        0        0        1
    "#]].assert_eq(&table);
}

#[test]
fn a_damaged_small_file_stays_found_whatever_is_written_after_it() {
    let world = whole();
    let (archive, sound) = (world.path("archive"), world.path("sound"));
    std::fs::rename(&archive, &sound).unwrap();
    for (kind, damage) in SIDES {
        copy(&sound, &archive);
        damage(&archive);
        for line in ["search hunter2x --reveal", "sync more", "archive rebuild"] {
            world.run(line);
            let said = world.run("archive verify").0;
            assert!(said.contains("broken: "), "{kind}, after `{line}`: {said}");
        }
        std::fs::remove_dir_all(&archive).unwrap();
    }
}

#[test]
fn a_damaged_archive_is_left_as_it_is_by_everyone_but_repair() {
    let world = whole();
    let (archive, sound) = (world.path("archive"), world.path("sound"));
    std::fs::rename(&archive, &sound).unwrap();
    for (kind, damage) in CHAIN {
        for line in ["sync more", "sync --dry-run more", "archive rebuild", "archive verify"] {
            copy(&sound, &archive);
            damage(&archive);
            let contents = || -> Vec<(PathBuf, Vec<u8>)> {
                let read = |it: PathBuf| (it.clone(), std::fs::read(archive.join(it)).unwrap());
                files(&world).into_iter().map(read).collect()
            };
            let before = contents();
            world.run(line);
            assert!(contents() == before, "{kind}: `{line}` changed something");
            std::fs::remove_dir_all(&archive).unwrap();
        }
    }
}

#[test]
fn a_repair_deletes_nothing_and_then_the_archive_is_sound_and_takes_what_comes() {
    let world = whole();
    let (archive, sound) = (world.path("archive"), world.path("sound"));
    std::fs::rename(&archive, &sound).unwrap();
    for (kind, damage) in CHAIN.into_iter().chain(DATA).chain(SIDES) {
        copy(&sound, &archive);
        damage(&archive);
        let digests = |world: &World| -> BTreeSet<Vec<u8>> {
            let data = files(world).into_iter().filter(|it| it.extension().is_some());
            data.filter(|it| it.extension().is_some_and(|it| it == "parquet"))
                .map(|it| std::fs::read(world.path("archive").join(it)).unwrap())
                .collect()
        };
        let before = digests(&world);
        let said = world.run("archive repair").0;
        assert!(!said.contains("[exit"), "{kind}: {said}");
        assert!(digests(&world).is_superset(&before), "{kind}: {said}");
        world.run("archive rebuild");
        let said = world.run("archive verify").0;
        assert!(said.contains("sound: "), "{kind}: {said}");
        let again = world.run("archive repair").0;
        assert!(again.starts_with("nothing to repair"), "{kind}: {again}");
        let said = world.run("sync more 0 1 2").0;
        assert!(said.contains("1 new session"), "{kind}: {said}");
        assert!(!said.contains("[exit"), "{kind}: {said}");
        let said = world.run("search systemctl").0;
        assert_eq!(said.matches("systemctl stop").count(), 3, "{kind}: {said}");
        let said = world.run("archive verify").0;
        assert!(said.contains("sound: "), "{kind}: {said}");
        std::fs::remove_dir_all(&archive).unwrap();
    }
}

#[test]
fn a_repair_says_what_it_moved_and_where_to() {
    let world = whole();
    std::fs::remove_file(world.path("archive/manifest.jsonl")).unwrap();
    flip(&table(&world.path("archive"), "sessions", 1), 200);
    world.run("archive repair").is(expect![[r#"
        moved sessions/account_id=__HIVE_DEFAULT_PARTITION__/region=__HIVE_DEFAULT_PARTITION__/month=2026-11/00000002.parquet to lost/00000004/sessions/account_id=__HIVE_DEFAULT_PARTITION__/region=__HIVE_DEFAULT_PARTITION__/month=2026-11/00000002.parquet: it was changed after it was written
        manifest.jsonl: it is missing
        the manifest has 3 entries again
        repaired: 1 file moved into lost/00000004, none deleted; entry 4 says so
        head: 4:…
        ! hint: `ssmtrail archive rebuild` derives again from the kept bytes what was moved aside
    "#]]);
    world.run("archive verify").is(expect![[r#"
        broken: session bob-0123456789abcdef1: its bytes are kept and the index does not know it; `ssmtrail archive rebuild` brings it back
        1 fault in 4 entries and 11 files
        head: 4:…
        ! note: entry 4 repaired the archive at 2026-11-23T12:00:00Z; 1 file lies in lost/
        ! hint: restore what is named above from a copy of the archive, or let `ssmtrail archive repair` move it aside
        [exit 1]
    "#]]);
    world.run("archive rebuild").is(expect![[r#"
        decoded 3 sessions again with decoder 10 (before: 10): 6 commands before, 9 now, 0 sessions changed
        1 session that the index had lost came back
        ! head: 5:…
    "#]]);
    assert!(!world.run("archive verify").0.contains("[exit"));
}

/// A repair that was killed has moved files, and perhaps not even its plan can be read.
#[test]
fn what_a_stopped_repair_moved_is_named_once_by_the_next() {
    for plan in [None, Some("[{]")] {
        let world = whole();
        let archive = world.path("archive");
        let lost = archive.join("lost/00000009");
        std::fs::create_dir_all(&lost).unwrap();
        std::fs::write(lost.join("salt"), "what was one").unwrap();
        if let Some(it) = plan {
            std::fs::write(lost.join("repair.json"), it).unwrap();
        }
        let said = world.run("archive repair").0;
        assert!(said.contains("moved salt to lost/00000009/salt: an earlier repair"), "{said}");
        assert!(said.contains("entry 10 says so"), "{said}");
        let again = world.run("archive repair").0;
        assert!(again.starts_with("nothing to repair"), "{again}");
        assert!(world.run("archive verify").0.contains("sound: "));
    }
}

/// Without the copies there is only what proves by itself, and what hangs on the chain.
#[test]
fn where_an_entry_is_lost_its_files_are_moved_aside_and_later_ones_are_taken_back_in() {
    let world = whole();
    let archive = world.path("archive");
    edit(&archive, |lines| [lines[0], lines[2]].concat());
    std::fs::remove_file(archive.join("entries/00000002.json")).unwrap();
    assert!(world.run("sync more").0.contains("[exit 2]"));
    let said = world.run("archive repair").0;
    assert!(said.contains("entry 3:") && said.contains("taken back in"), "{said}");
    let said = world.run("search systemctl").0;
    assert_eq!(said.matches("systemctl stop").count(), 2, "{said}");
    assert!(!said.contains("[exit"), "{said}");
    let said = world.run("archive verify").0;
    assert!(said.contains("sound: 2 entries"), "{said}");
    // What was moved aside is read from its source again, and no number is used twice.
    let said = world.run("sync 0 1 2").0;
    assert!(said.contains("stored 1 + held 2") && said.contains("head: 5:"), "{said}");
}

#[test]
fn a_head_that_was_noted_shows_an_end_that_was_cut_off() {
    let world = whole();
    let noted = |line: &str| {
        let said = world.parts(&crate::world::words(line)).0;
        said.lines().find_map(|it| it.strip_prefix("head: ")).unwrap().to_owned()
    };
    let head = noted("archive verify");
    world.run("sync more");
    assert!(!world.run(&format!("archive verify --expect {head}")).0.contains("[exit"));
    let later = noted("archive verify");
    // Somebody takes the last two entries away, with all that names them.
    let archive = world.path("archive");
    edit(&archive, |lines| lines[..2].concat());
    for it in files(&world) {
        let name = it.file_name().unwrap().to_string_lossy().into_owned();
        if name.starts_with("00000003") || name.starts_with("00000004") {
            std::fs::remove_file(archive.join(it)).unwrap();
        }
    }
    std::fs::remove_dir_all(archive.join("feeds")).unwrap();
    for name in ["reveals.jsonl", "reveals.head"] {
        std::fs::remove_file(archive.join(name)).unwrap();
    }
    assert!(world.run("archive verify").0.contains("sound: 2 entries"));
    for head in [head, later] {
        let said = world.run(&format!("archive verify --expect {head}")).0;
        assert!(said.contains("entries were dropped or written anew"), "{said}");
        assert!(said.contains("[exit 1]"), "{said}");
    }
    world.run("archive verify --expect soon").is(expect![[r#"
        ! ssmtrail: "soon" is no head of a chain
        ! hint: it is ENTRY:DIGEST, as `ssmtrail sync` and `ssmtrail archive verify` print it; at least 16 digits of the digest
        [exit 2]
    "#]]);
}

#[test]
fn no_flipped_bit_gives_another_answer_in_silence() {
    let world = whole();
    let (archive, sound) = (world.path("archive"), world.path("sound"));
    let asks = [
        "search '' --possible --format jsonl",
        "sessions --format csv",
        "search --output -E '[a-z]' --format csv",
        "query -e 'SELECT session_id, seq, command FROM commands ORDER BY session_id, seq' --format csv",
        "export",
    ];
    let wanted: Vec<String> = asks.iter().map(|it| world.run(it).0).collect();
    let all = files(&world);
    std::fs::rename(&archive, &sound).unwrap();
    // A fixed sequence of pseudo-random numbers: the same flips on every run.
    let mut state = 0x9e37_79b9_7f4a_7c15u64;
    let mut next = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % below as u64) as usize
    };
    copy(&sound, &archive);
    for turn in 0..150 {
        let name = &all[next(all.len())];
        let path = archive.join(name);
        let whole = std::fs::read(&path).unwrap();
        if whole.is_empty() {
            continue;
        }
        let (at, bit) = (next(whole.len()), 1u8 << next(8));
        let mut bytes = whole.clone();
        bytes[at] ^= bit;
        std::fs::write(&path, &bytes).unwrap();
        let what =
            format!("turn {turn}: {}, byte {at} of {}, bit {bit}", name.display(), whole.len());
        let said = world.run("archive verify").0;
        assert!(said.contains("broken: ") && said.contains("[exit 1]"), "{what}: {said}");
        for (ask, wanted) in asks.iter().zip(&wanted) {
            let said = world.run(ask).0;
            let told = said.contains("[exit 3]") || said.contains("[exit 2]");
            assert!(told || said == *wanted, "{what}: `{ask}`: {said}");
        }
        std::fs::write(&path, &whole).unwrap();
    }
}

#[test]
fn what_could_not_be_read_is_never_said_not_to_be_there() {
    let world = whole();
    for it in
        files(&world).iter().filter(|it| it.starts_with("commands") || it.starts_with("lines"))
    {
        flip(&world.path("archive").join(it), 60);
    }
    for line in ["search stop", "show ann --commands", "show ann --explain", "replay ann --cast -"]
    {
        let said = world.run(line).0;
        assert!(said.contains("! unreadable: ") && said.contains("[exit 3]"), "{line}: {said}");
        for word in ["nothing", "no commands"] {
            assert!(!said.contains(word), "{line}: {said}");
        }
    }
}

#[test]
fn a_package_from_a_damaged_list_says_what_it_lacks() {
    let world = whole();
    flip(&world.path("archive/entries/00000001.brought"), 30);
    let said = world.run("report --evidence --reveal -o audit.tar").0;
    assert!(
        said.contains("! unreadable: entries/00000001.brought: it is not what its entry brought"),
        "{said}"
    );
    assert!(said.contains("[exit 3]"), "{said}");
}

#[test]
fn a_reader_answers_from_the_state_it_opened_while_a_rebuild_retires_its_files() {
    let world = whole();
    let root = world.path("archive");
    let asked = ssmtrail::archive::Archive::ask(&root, |reader| {
        let sessions = reader.sessions(&Default::default())?;
        world.run("archive rebuild");
        let commands: usize = sessions.iter().map(|it| reader.commands_of(it).len()).sum();
        let old = reader.files("commands").map(|it| reader.path_of(it)).collect::<Vec<_>>();
        assert!(old.iter().all(|it| it.exists()), "a reader may still need them");
        Ok((commands, old))
    });
    let ssmtrail::archive::Answered { answer: (commands, old), lost } = asked.unwrap();
    assert_eq!((commands, lost), (9, Vec::new()));
    world.run("sync more");
    assert!(!old.iter().any(|it| it.exists()), "the next writer takes them away");
    assert!(!world.run("archive verify").0.contains("[exit"));
}

#[test]
fn a_dry_run_writes_nothing_and_takes_no_lock() {
    let world = World::new();
    world.transcript("logs/ann-0123456789abcdef0.log", &["sh-4.2$ id"]);
    let said = world.run("sync --dry-run logs").0;
    assert!(said.contains("would read 1 object"), "{said}");
    assert!(!world.path("archive").exists());
    world.run("sync logs");
    let before = files(&world);
    let writer = ssmtrail::archive::writer::Writer::open(&world.path("archive")).unwrap();
    let said = world.run("sync --dry-run logs").0;
    assert!(said.contains("1 held already") && !said.contains("[exit"), "{said}");
    drop(writer);
    assert_eq!(files(&world), before);
}

#[test]
fn what_a_writer_wrote_down_before_it_died_is_finished_by_the_next() {
    let world = whole();
    let archive = world.path("archive");
    let wanted = world.run("search '' --format jsonl").0;
    // The moment between the announcement and the append: the last entry's files wait or are in their places.
    let text = std::fs::read_to_string(archive.join("manifest.jsonl")).unwrap();
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    std::fs::write(archive.join("manifest.next"), lines[2]).unwrap();
    std::fs::remove_file(archive.join("entries/00000003.json")).unwrap();
    std::fs::remove_dir_all(archive.join("feeds")).unwrap();
    for torn in [0, 1, 40, lines[2].len() - 2] {
        let bytes = format!("{}{}{}", lines[0], lines[1], &lines[2][..torn]);
        std::fs::write(archive.join("manifest.jsonl"), bytes).unwrap();
        let said = world.run("search systemctl").0;
        assert_eq!(said.matches("systemctl stop").count(), 2, "{said}");
        assert!(!said.contains("[exit"), "a writer may be at work: {said}");
        let said = world.run("archive verify").0;
        assert!(said.contains("sound: 2 entries"), "{said}");
    }
    world.run("sync more");
    let said = world.run("archive verify").0;
    assert!(said.contains("sound: 4 entries"), "{said}");
    let got = world.run("search '' --format jsonl").0;
    assert!(wanted.lines().all(|it| got.contains(it)));
}

#[test]
fn a_session_whose_index_is_lost_comes_back_from_its_bytes() {
    let world = whole();
    let archive = world.path("archive");
    let wanted = world.run("search '' --format jsonl").0;
    flip(&table(&archive, "sessions", 1), 200);
    let said = world.run("archive rebuild").0;
    assert!(said.contains("1 session that the index had lost came back"), "{said}");
    assert!(said.contains("[exit 3]"), "the damaged file is still there: {said}");
    let strip = |text: &str| -> BTreeSet<String> {
        text.lines().filter(|it| it.starts_with('{')).map(str::to_owned).collect()
    };
    assert_eq!(strip(&world.run("search '' --format jsonl").0), strip(&wanted));
    world.run("archive repair");
    assert_eq!(world.run("search '' --format jsonl").0, wanted);
    assert!(!world.run("archive verify").0.contains("[exit"));
    // What the lost index spoke of lies beside its newer rows until the next rebuild, and then no more.
    let of_second =
        |it: &PathBuf| it.ends_with("00000002.parquet") && !it.starts_with("transcripts");
    assert_eq!(
        files(&world).iter().filter(|it| of_second(it) && !it.starts_with("lost")).count(),
        2
    );
    assert!(!world.run("archive rebuild").0.contains("[exit"));
    assert_eq!(
        files(&world).iter().filter(|it| of_second(it) && !it.starts_with("lost")).count(),
        0
    );
    assert_eq!(world.run("search '' --format jsonl").0, wanted);
}

#[test]
fn sessions_of_which_the_whole_index_is_lost_are_named_once_each_and_count_once() {
    let world = whole();
    world.run("sync more");
    let archive = world.path("archive");
    let wanted = world.run("search '' --format jsonl").0;
    let sound = world.path("sound");
    copy(&archive.join("sessions"), &sound);
    std::fs::remove_dir_all(archive.join("sessions")).unwrap();
    assert!(world.run("archive rebuild").0.contains("[exit 3]"));
    // Whoever finds the lost index again may put it back: nothing of it counts twice.
    copy(&sound, &archive.join("sessions"));
    assert_eq!(world.run("search '' --format jsonl").0, wanted);
    let manifest = ssmtrail::archive::manifest::Manifest::read(&archive);
    let named: Vec<_> = manifest.entries.iter().flat_map(|it| &it.superseded).collect();
    assert_eq!(named.len(), 4, "{named:?}");
    assert!(!world.run("archive rebuild").0.contains("[exit"));
    let commands = |it: &PathBuf| it.starts_with("commands");
    assert_eq!(files(&world).iter().filter(|it| commands(it)).count(), 1);
    assert!(!world.run("archive verify").0.contains("[exit"));
}

#[test]
fn a_rebuild_leaves_what_it_cannot_read_as_it_is() {
    let world = whole();
    let archive = world.path("archive");
    let wanted = world.run("search systemctl").0;
    flip(&table(&archive, "transcripts", 1), 200);
    let said = world.run("archive rebuild").0;
    assert!(said.contains("left as it was: bob-0123456789abcdef1"), "{said}");
    assert!(said.contains("[exit 3]"), "{said}");
    assert_eq!(world.run("search systemctl").0, wanted, "what was read of it once is kept");
    assert!(world.run("archive verify").0.contains("[exit 1]"));
}

#[test]
fn what_cannot_be_gone_on_from_stands_beside_what_is_new() {
    let world = whole();
    let archive = world.path("archive");
    flip(&table(&archive, "transcripts", 1), 200);
    // The object is there again, longer: a new version.
    world.transcript(
        "1/bob-0123456789abcdef1.log",
        &[
            "sh-4.2$ systemctl stop bob",
            "sh-4.2$ export DB_PASSWORD=hunter2x",
            "sh-4.2$ id",
            "sh-4.2$ exit",
        ],
    );
    world.run("sync 1").is(expect![[r#"
        ! listed 1 = stored 1 + held 0 + skipped 0 + failed 0
        ! 1 new session, 0 changed; 234 B read, 4 commands found
        ! read only a part of 1/bob-0123456789abcdef1.log: what the archive kept of this session before cannot be read; this stands beside it
        ! unreadable in the archive: transcripts/account_id=__HIVE_DEFAULT_PARTITION__/region=__HIVE_DEFAULT_PARTITION__/month=2026-11/00000002.parquet: it was changed after it was written
        ! hint: `ssmtrail archive verify` says what is damaged; nothing that was kept was changed
        ! head: 4:…
        [exit 3]
    "#]]);
    world.run("sessions").is(expect![[r#"
        WHEN                    OWNER  TARGET  COMMANDS  SESSION                                    FLAWS
        ≤ 2026-11-20 10:00:00Z  ann    -              3  ann-0123456789abcdef0
        ≤ 2026-11-20 10:00:00Z  bob    -              3  bob-0123456789abcdef1#1 (account unknown)
        ≤ 2026-11-20 10:00:00Z  bob    -              4  bob-0123456789abcdef1#2 (account unknown)  kept-damaged
        ≤ 2026-11-20 10:00:00Z  eve    -              3  eve-0123456789abcdef2
    "#]]);
    let said = world.run("search 'stop bob'").0;
    assert_eq!(said.matches("systemctl stop bob").count(), 2, "{said}");
}

#[test]
fn bytes_that_a_repair_found_lost_are_read_again_while_their_source_has_them() {
    let world = whole();
    for nth in 0..3 {
        let name = ["ann", "bob", "eve"][nth];
        world.touch(&format!("{nth}/{name}-0123456789abcdef{nth}.log"), 1_795_176_900);
    }
    // Versions of what is held are known from now on.
    assert!(world.run("sync 0 1 2").0.contains("held 3"));
    let path = table(&world.path("archive"), "transcripts", 1);
    let good = std::fs::read(&path).unwrap();
    flip(&path, 200);
    assert!(world.run("archive repair").0.contains("kept bytes were lost"));
    let said = world.run("sync 0 1 2").0;
    assert!(said.contains("stored 1 + held 2") && !said.contains("[exit"), "{said}");
    assert!(world.run("show bob --raw --reveal").0.contains("systemctl stop bob"));
    assert!(world.run("archive verify").0.contains("sound: "));
    assert!(world.run("sync 0 1 2").0.contains("stored 0 + held 3"), "and once is enough");
    // What somebody puts back from a copy of the archive is not taken away.
    std::fs::write(&path, &good).unwrap();
    world.run("sync more");
    assert!(path.exists());
}

/// Anybody can make an entry that proves.
#[test]
fn an_entry_that_names_anything_outside_of_the_archive_is_damage_and_nothing_is_touched() {
    use ssmtrail::archive::manifest::Entry;
    use ssmtrail::archive::manifest::Manifest;
    let world = whole();
    let archive = world.path("archive");
    world.file("victim/00000001.parquet", b"mine");
    let path = archive.join("manifest.jsonl");
    let before = std::fs::read(&path).unwrap();
    let manifest = Manifest::of_bytes(&before, None);
    let absolute = world.path("victim/00000001.parquet").to_string_lossy().into_owned();
    for name in [
        "../victim/00000001.parquet",
        "transcripts/../../victim/00000001.parquet",
        &absolute,
        "salt",
    ] {
        let entry = Entry {
            did: "sync".into(),
            written_at: "2026-11-23T12:00:00Z".into(),
            retired: vec![name.to_owned()],
            generation: 4,
            ..Entry::default()
        };
        let entry = entry.chained(4, &manifest.last_digest());
        let line = serde_json::to_string(&entry).unwrap();
        std::fs::write(&path, [before.as_slice(), line.as_bytes(), b"\n"].concat()).unwrap();
        let said = world.run("archive verify").0;
        assert!(said.contains("names a file outside the archive's tables"), "{said}");
        assert!(world.run("sync more").0.contains("[exit 2]"));
        world.run("archive repair");
        world.run("sync more");
        assert_eq!(std::fs::read(world.path("victim/00000001.parquet")).unwrap(), b"mine");
        assert!(world.run("archive verify").0.contains("sound: "), "{name}");
        std::fs::remove_dir_all(&archive).unwrap();
        world.salted();
        for nth in 0..3 {
            world.run(&format!("sync {nth}"));
        }
        let entries = Manifest::of_bytes(&std::fs::read(&path).unwrap(), None).entries;
        assert_eq!(entries.last().map(|it| it.digest.clone()), Some(manifest.last_digest()));
    }
}

#[test]
fn an_entry_of_another_archive_takes_nothing_from_this_one() {
    let (world, other) = (whole(), whole());
    other.run("archive rebuild");
    std::fs::copy(
        other.path("archive/entries/00000004.json"),
        world.path("archive/entries/00000004.json"),
    )
    .unwrap();
    std::fs::write(other.path("archive/salt"), "08".repeat(32)).unwrap();
    let files = |world: &World| {
        files(world).iter().filter(|it| it.extension().is_some_and(|it| it == "parquet")).count()
    };
    let before = files(&world);
    let salt = std::fs::read(world.path("archive/salt")).unwrap();
    assert!(world.run("sync more").0.contains("[exit 2]"));
    let said = world.run("archive repair").0;
    assert_eq!(files(&world), before, "{said}");
    assert_eq!(std::fs::read(world.path("archive/salt")).unwrap(), salt, "{said}");
    assert_eq!(world.run("search systemctl").0.matches("systemctl stop").count(), 3);
    assert!(world.run("archive verify").0.contains("sound: "));
}

#[cfg(unix)]
#[test]
fn what_is_no_file_is_damage_is_waited_for_by_nobody_and_can_be_moved_aside() {
    let world = whole();
    let (archive, sound) = (world.path("archive"), world.path("sound"));
    std::fs::rename(&archive, &sound).unwrap();
    let pipe: fn(&Path) = |path| {
        assert!(std::process::Command::new("mkfifo").arg(path).status().unwrap().success());
    };
    let folder: fn(&Path) = |path| {
        std::fs::create_dir_all(path).unwrap();
        std::fs::write(path.join("00000002.parquet"), "x").unwrap();
    };
    let kinds: [Damage; 2] = [("pipe", pipe), ("folder", folder)];
    for place in [
        "transcripts",
        "commands",
        "tmp",
        "entries",
        "manifest.jsonl",
        "manifest.next",
        "entries/00000002.json",
        "entries/00000002.brought",
        "salt",
        "archive.json",
        "feeds/default",
        "reveals.jsonl",
        "reveals.head",
    ] {
        for (kind, put) in kinds {
            copy(&sound, &archive);
            let path = match place {
                "transcripts" | "commands" => table(&archive, place, 1),
                it => archive.join(it),
            };
            let _ = std::fs::remove_file(&path);
            if ["tmp", "entries"].contains(&place) {
                if kind == "folder" {
                    continue;
                }
                let _ = std::fs::remove_dir_all(&path);
            }
            put(&path);
            // Without the marker nobody says that this is an archive.
            let no_marker = place == "archive.json";
            for line in [
                "sessions",
                "search systemctl",
                "export --since-last",
                "show bob-0123456789abcdef1",
            ] {
                let said = world.run(line);
                let feed = place == "feeds/default" && line.starts_with("export");
                let refused = no_marker || feed;
                assert_eq!(code(&said) == "2", refused, "{place} is a {kind}: {line}: {}", said.0);
                if refused {
                    assert!(said.0.contains("hint: "), "{place} is a {kind}: {line}: {}", said.0);
                }
            }
            let said = world.run("archive verify");
            assert!(said.0.contains("broken: "), "{place} is a {kind}: {}", said.0);
            world.run("sync more");
            let said = world.run("archive repair");
            assert!(!said.0.contains("[exit 2]"), "{place} is a {kind}: {}", said.0);
            let proof = world.run("archive verify");
            assert!(proof.0.contains("sound: "), "{place} is a {kind}: {}{}", said.0, proof.0);
            let _ = std::fs::remove_dir_all(&archive);
        }
    }
}

#[test]
fn an_entry_that_another_copy_of_the_archive_was_writing_takes_nothing_from_this_one() {
    let world = whole();
    let (archive, fork) = (world.path("archive"), world.path("fork"));
    // The copy was made after the second entry, and its writer died at a third of its own.
    copy(&archive, &fork);
    let text = std::fs::read_to_string(archive.join("manifest.jsonl")).unwrap();
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    std::fs::write(fork.join("manifest.jsonl"), lines[..2].concat()).unwrap();
    for it in files(&world).iter().filter(|it| it.to_string_lossy().contains("00000003")) {
        std::fs::remove_file(fork.join(it)).unwrap();
    }
    let (sound, swap) =
        (world.path("sound"), |from: &Path, to: &Path| std::fs::rename(from, to).unwrap());
    swap(&archive, &sound);
    swap(&fork, &archive);
    let said = world.run("sync more").0;
    assert!(!said.contains("[exit"), "{said}");
    swap(&archive, &fork);
    swap(&sound, &archive);
    let other = std::fs::read_to_string(fork.join("entries/00000003.json")).unwrap();
    std::fs::write(archive.join("manifest.next"), &other).unwrap();
    let entry: ssmtrail::archive::manifest::Entry = serde_json::from_str(&other).unwrap();
    std::fs::create_dir_all(archive.join("tmp")).unwrap();
    for it in entry.added.iter().map(|it| it.path.clone()).chain(entry.list()) {
        let name = hex::encode(<sha2::Sha256 as sha2::Digest>::digest(&it));
        std::fs::copy(fork.join(&it), archive.join("tmp").join(&name[..24])).unwrap();
    }
    let wanted = world.run("search systemctl --format jsonl").0;
    let said = world.run("archive repair").0;
    assert!(said.contains("manifest.next"), "{said}");
    let shown = |text: &str| -> BTreeSet<String> {
        text.lines().filter(|it| it.starts_with('{')).map(str::to_owned).collect()
    };
    assert_eq!(shown(&world.run("search systemctl --format jsonl").0), shown(&wanted));
    let said = world.run("archive verify").0;
    assert!(said.contains("sound: "), "{said}");
}

#[cfg(unix)]
#[test]
fn a_folder_that_is_a_link_out_of_the_archive_is_read_and_never_written_or_moved() {
    let world = whole();
    let archive = world.path("archive");
    for name in ["commands", "surveys", "entries", "tmp"] {
        let (own, disk) = (archive.join(name), world.path("disk"));
        std::fs::create_dir_all(&own).unwrap();
        std::fs::rename(&own, &disk).unwrap();
        std::fs::write(disk.join("diary.txt"), "mine").unwrap();
        std::os::unix::fs::symlink(&disk, &own).unwrap();
        assert!(world.run("search systemctl").0.contains("systemctl stop bob"), "{name}");
        for line in ["sync more", "archive rebuild", "archive repair"] {
            let said = world.run(line).0;
            assert!(said.contains("leads out of the archive"), "{name}: {line}: {said}");
            assert!(said.contains("[exit 2]"), "{name}: {line}: {said}");
        }
        assert_eq!(std::fs::read(disk.join("diary.txt")).unwrap(), b"mine");
        std::fs::remove_file(disk.join("diary.txt")).unwrap();
        std::fs::remove_file(&own).unwrap();
        std::fs::rename(&disk, &own).unwrap();
    }
    assert!(!world.run("sync more").0.contains("[exit"));
}

#[test]
fn what_a_repair_found_lost_is_missed_by_every_answer_until_it_is_derived_again() {
    let world = whole();
    let (archive, sound) = (world.path("archive"), world.path("sound"));
    std::fs::rename(&archive, &sound).unwrap();
    for (table, nth) in [("sessions", 1), ("commands", 1), ("lines", 1)] {
        copy(&sound, &archive);
        let wanted = world.run("search '' --format jsonl").0;
        std::fs::remove_file(self::table(&archive, table, nth)).unwrap();
        world.run("archive repair");
        for line in [
            "sessions",
            "search systemctl",
            "search --output zzz",
            "export",
            "report --format json -o -",
        ] {
            let said = world.run(line);
            assert_eq!(code(&said), "3", "{table}: {line}: {}", said.0);
            assert!(said.0.contains("archive rebuild"), "{table}: {line}: {}", said.0);
        }
        let said = world.run("archive rebuild").0;
        assert!(!said.contains("[exit"), "{table}: {said}");
        assert_eq!(world.run("search '' --format jsonl").0, wanted, "{table}");
        std::fs::remove_dir_all(&archive).unwrap();
    }
}

#[test]
fn what_nothing_can_derive_again_is_missed_for_good() {
    let world = whole();
    let archive = world.path("archive");
    std::fs::remove_file(table(&archive, "commands", 1)).unwrap();
    std::fs::remove_file(table(&archive, "transcripts", 1)).unwrap();
    world.run("archive repair");
    world.run("archive rebuild");
    for line in ["search systemctl", "export", "report --format json -o -"] {
        let said = world.run(line);
        assert_eq!(code(&said), "3", "{line}: {}", said.0);
    }
}

#[test]
fn an_entry_whose_copy_has_its_name_is_an_entry_whatever_still_announces_it() {
    let world = whole();
    let archive = world.path("archive");
    let wanted = world.run("search '' --format jsonl").0;
    let text = std::fs::read_to_string(archive.join("manifest.jsonl")).unwrap();
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    std::fs::write(archive.join("manifest.next"), lines[2]).unwrap();
    std::fs::write(archive.join("manifest.jsonl"), [lines[0], lines[1]].concat()).unwrap();
    world.run("archive repair");
    assert_eq!(world.run("search '' --format jsonl").0, wanted);
    let said = world.run("archive verify").0;
    assert!(said.contains("sound: "), "{said}");
}

#[test]
fn the_first_entry_and_all_copies_of_entries_come_back() {
    let world = World::new();
    world.transcript("l/ann-0123456789abcdef0.log", &["sh-4.2$ id", "sh-4.2$ exit"]);
    world.run("sync l");
    let archive = world.path("archive");
    std::fs::rename(archive.join("entries/00000001.json"), archive.join("manifest.next")).unwrap();
    std::fs::remove_file(archive.join("manifest.jsonl")).unwrap();
    world.run("archive repair");
    assert!(world.run("search id").0.contains("ann"));
    assert!(world.run("archive verify").0.contains("sound: "));
    std::fs::remove_dir_all(archive.join("entries")).unwrap();
    let said = world.run("archive repair").0;
    assert!(!said.contains("[exit"), "{said}");
    let said = world.run("archive verify").0;
    assert!(said.contains("sound: "), "{said}");
}

#[test]
fn whoever_holds_the_lock_of_readers_for_long_keeps_nobody_from_reading() {
    let world = whole();
    let sound = world.run("search ''").0;
    let lock = std::fs::File::create(world.path("archive/readers")).unwrap();
    lock.lock().unwrap();
    assert_eq!(world.run("search ''").0, sound);
    assert!(world.run("archive verify").0.contains("sound: "));
}

#[test]
fn a_repair_moves_a_changed_copy_or_list_aside_before_it_writes_it_again() {
    for name in ["entries/00000001.json", "entries/00000001.brought"] {
        let world = whole();
        let path = world.path("archive").join(name);
        let mut changed = std::fs::read(&path).unwrap();
        changed[0] ^= 1;
        std::fs::write(&path, &changed).unwrap();
        let said = world.run("archive repair").0;
        let lost = world.path("archive/lost/00000004").join(name);
        assert_eq!(std::fs::read(lost).unwrap(), changed, "{said}");
        assert_ne!(std::fs::read(&path).unwrap(), changed, "{said}");
        let said = world.run("archive verify").0;
        assert!(said.contains("sound: ") && said.contains("entry 4 repaired"), "{said}");
    }
}

#[test]
fn a_copy_whose_kept_bytes_are_damaged_is_made_good_in_its_own_place() {
    let world = World::new();
    for (nth, text) in ["ls", "id"].iter().enumerate() {
        let name = format!("logs/{nth}/alice-0123456789abcdef1.log");
        world.transcript(&name, &[&format!("sh-4.2$ {text}"), "sh-4.2$ exit"]);
        world.run("sync logs");
    }
    let before = world.run("sessions").0;
    assert!(before.contains("alice-0123456789abcdef1#2"), "{before}");
    std::fs::write(table(&world.path("archive"), "transcripts", 1), "").unwrap();
    world.run("sync logs");
    let rows = |said: &str| said.lines().filter(|it| !it.starts_with('!')).count();
    assert_eq!(rows(&world.run("sessions").0), rows(&before));
    world.run("archive repair");
    world.run("sync logs");
    world.run("archive rebuild");
    assert_eq!(world.run("sessions").0, before);
}

#[test]
fn what_is_no_archive_gets_no_file_of_ours() {
    let world = World::new();
    std::fs::create_dir(world.path("other")).unwrap();
    for folder in ["other", "none"] {
        for verb in ["repair", "rebuild", "verify", "stats"] {
            std::fs::rename(world.path(folder), world.path("archive")).unwrap_or_default();
            let said = world.run(&format!("archive {verb}")).0;
            std::fs::rename(world.path("archive"), world.path(folder)).unwrap_or_default();
            assert!(said.contains("no archive in") && said.contains("[exit 2]"), "{verb}: {said}");
        }
    }
    assert_eq!(std::fs::read_dir(world.path("other")).unwrap().count(), 0);
    assert!(!world.path("none").exists());
}

#[cfg(unix)]
#[test]
fn a_lock_or_a_folder_of_what_was_lost_that_is_none_is_named_with_the_way_on() {
    let world = whole();
    let (archive, sound) = (world.path("archive"), world.path("sound"));
    std::fs::rename(&archive, &sound).unwrap();
    for place in ["lock", "readers", "lost"] {
        for kind in ["folder", "link"] {
            if (place, kind) == ("lost", "folder") {
                continue;
            }
            copy(&sound, &archive);
            let path = archive.join(place);
            let _ = std::fs::remove_file(&path);
            match kind {
                "folder" => std::fs::create_dir(&path).unwrap(),
                _ => std::os::unix::fs::symlink(world.path("nowhere"), &path).unwrap(),
            }
            let said = world.run("archive verify").0;
            assert!(said.contains(&format!("broken: {place}: it is ")), "{place} {kind}: {said}");
            // Readers need none of them, and say of a folder what they say of any.
            let answer = if place == "lost" { "3" } else { "0" };
            assert_eq!(code(&world.run("sessions")), answer, "{place} {kind}");
            let said = world.run("sync more");
            let refused = if place == "readers" { "0" } else { "2" };
            assert_eq!(code(&said), refused, "{place} {kind}: {}", said.0);
            let said = world.run("archive repair").0;
            if place != "readers" {
                assert!(said.contains("[exit 2]") && said.contains("hint: "), "{place}: {said}");
            }
            assert!(!world.path("nowhere").exists(), "{place} {kind}: nothing is made elsewhere");
            match kind {
                "folder" => std::fs::remove_dir(&path).unwrap(),
                _ => std::fs::remove_file(&path).unwrap(),
            }
            assert!(world.run("archive verify").0.contains("sound: "), "{place} {kind}");
            std::fs::remove_dir_all(&archive).unwrap();
        }
    }
}

#[cfg(unix)]
#[test]
fn a_file_whose_name_is_no_text_is_moved_aside_like_any_other() {
    use std::os::unix::ffi::OsStrExt;
    let world = whole();
    let name = std::ffi::OsStr::from_bytes(b"commands/\xff\xfe.parquet");
    std::fs::write(world.path("archive").join(name), "x").unwrap();
    let feed = std::ffi::OsStr::from_bytes(b"feeds/\xff");
    std::fs::create_dir_all(world.path("archive/feeds")).unwrap();
    std::fs::write(world.path("archive").join(feed), "z").unwrap();
    // Another is named as that one is told.
    std::fs::write(world.path("archive").join("commands/%ff%fe.parquet"), "y").unwrap();
    assert!(world.run("sync more").0.contains("[exit 2]"));
    let said = world.run("archive repair").0;
    assert!(said.contains("commands/%ff%fe.parquet"), "{said}");
    let lost = |name: &str| {
        std::fs::read(world.path("archive/lost/00000004/commands").join(name)).unwrap()
    };
    assert_eq!(lost("%ff%fe.parquet"), b"x");
    assert_eq!(lost("%25ff%25fe.parquet"), b"y");
    assert_eq!(std::fs::read(world.path("archive/lost/00000004/feeds/%ff")).unwrap(), b"z");
    assert!(world.run("archive verify").0.contains("sound: "));
}

#[test]
fn what_a_writer_wrote_down_before_it_died_is_taken_in_whatever_else_is_damaged() {
    let world = whole();
    let archive = world.path("archive");
    let wanted = world.run("search '' --format jsonl").0;
    let text = std::fs::read_to_string(archive.join("manifest.jsonl")).unwrap();
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    std::fs::write(archive.join("manifest.next"), lines[2]).unwrap();
    std::fs::remove_file(archive.join("entries/00000003.json")).unwrap();
    std::fs::remove_dir_all(archive.join("feeds")).unwrap();
    std::fs::write(archive.join("manifest.jsonl"), [lines[0], lines[1]].concat()).unwrap();
    let path = table(&archive, "commands", 0);
    std::fs::copy(&path, path.with_file_name("99999999.parquet")).unwrap();
    let said = world.run("archive repair").0;
    assert!(said.contains("its files were taken back in"), "{said}");
    assert_eq!(world.run("search '' --format jsonl").0, wanted);
    assert!(world.run("archive verify").0.contains("sound: "));
}

#[test]
fn a_repair_that_is_stopped_anywhere_is_done_as_a_whole_by_the_next() {
    let world = whole();
    let (archive, sound) = (world.path("archive"), world.path("sound"));
    edit(&archive, |lines| [lines[0], lines[2]].concat());
    std::fs::remove_file(archive.join("entries/00000002.json")).unwrap();
    std::fs::rename(&archive, &sound).unwrap();
    copy(&sound, &archive);
    world.run("archive repair");
    let wanted = world.run("search systemctl").0;
    assert_eq!(wanted.matches("systemctl stop").count(), 2, "{wanted}");
    let lost: Vec<PathBuf> =
        files(&world).into_iter().filter(|it| it.starts_with("lost")).collect();
    for many in 1..lost.len() {
        std::fs::remove_dir_all(&archive).unwrap();
        copy(&sound, &archive);
        // The first so many were moved when it was stopped.
        for it in lost.iter().filter(|it| !it.ends_with("repair.json")).take(many) {
            let below: PathBuf = it.components().skip(2).collect();
            std::fs::create_dir_all(archive.join(it).parent().unwrap()).unwrap();
            let _ = std::fs::rename(archive.join(&below), archive.join(it));
        }
        let said = world.run("archive repair").0;
        assert_eq!(world.run("search systemctl").0, wanted, "{many} moved: {said}");
        assert!(world.run("archive verify").0.contains("sound: "), "{many} moved: {said}");
    }
}

#[cfg(unix)]
#[test]
fn a_link_in_an_archive_that_was_handed_over_leads_no_repair_out_of_it() {
    let world = whole();
    let archive = world.path("archive");
    std::fs::create_dir_all(world.path("home")).unwrap();
    std::os::unix::fs::symlink(world.path("home"), archive.join("x")).unwrap();
    std::fs::create_dir_all(archive.join("lost/00000009/x")).unwrap();
    std::fs::write(archive.join("lost/00000009/x/authorized_keys"), "evil").unwrap();
    let said = world.run("archive repair").0;
    assert!(said.contains("leads out of the archive") && said.contains("[exit 2]"), "{said}");
    assert!(!world.path("home/authorized_keys").exists());
    // What is moved aside goes into no other folder either.
    std::fs::remove_dir_all(archive.join("lost")).unwrap();
    std::os::unix::fs::symlink(world.path("home"), archive.join("lost")).unwrap();
    flip(&table(&archive, "commands", 1), 200);
    assert!(world.run("archive repair").0.contains("[exit 2]"));
    assert_eq!(std::fs::read_dir(world.path("home")).unwrap().count(), 0);
}
