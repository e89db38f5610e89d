//! The archive proves itself, and says what is wrong with it.

use expect_test::expect;

use crate::world::World;

fn first_file(world: &World, table: &str) -> std::path::PathBuf {
    walkdir::WalkDir::new(world.path("archive").join(table))
        .sort_by_file_name()
        .into_iter()
        .filter_map(|it| it.ok())
        .find(|it| it.file_type().is_file())
        .expect("a file")
        .into_path()
}

#[test]
fn a_sound_archive_says_so() {
    let world = World::with_demo();
    let said = world.run("archive verify").0;
    assert!(said.starts_with("sound: 1 entry, ") && said.ends_with('\n'), "{said}");
}

#[test]
fn a_changed_byte_is_found_and_the_rest_still_answers() {
    let world = World::with_demo();
    let path = first_file(&world, "commands");
    let mut bytes = std::fs::read(&path).unwrap();
    let end = bytes.len();
    bytes[end - 20] ^= 0xff;
    bytes[40] ^= 0xff;
    std::fs::write(&path, bytes).unwrap();
    let said = world.run("archive verify").0;
    assert!(
        said.contains("it was changed after it was written") && said.contains("[exit 1]"),
        "{said}"
    );
    let said = world.run("search systemctl").0;
    assert!(said.contains("unreadable: commands/") && said.contains("[exit 3]"), "{said}");
    assert!(said.contains("systemctl stop auditd") || said.contains("systemctl status"), "{said}");
}

#[test]
fn a_missing_file_is_found() {
    let world = World::with_demo();
    std::fs::remove_file(first_file(&world, "lines")).unwrap();
    let said = world.run("archive verify").0;
    assert!(said.contains("it is missing") && said.contains("[exit 1]"), "{said}");
}

#[test]
fn a_changed_manifest_is_found_and_does_not_stop_the_search() {
    let world = World::with_demo();
    let path = world.path("archive/manifest.jsonl");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text.replace("\"did\":\"sync\"", "\"did\":\"cnys\"")).unwrap();
    let said = world.run("archive verify").0;
    assert!(said.contains("manifest.jsonl line 1: it was changed after it was written"), "{said}");
    let said = world.run("search auditd").0;
    assert!(said.contains("systemctl stop auditd") && said.contains("[exit 3]"), "{said}");
}

#[test]
fn an_archive_of_a_newer_version_is_left_alone() {
    let world = World::with_demo();
    std::fs::write(world.path("archive/archive.json"), "{\"format\":7}").unwrap();
    let expected = expect![[r#"
        ! ssmtrail: the archive in archive has format 7; this ssmtrail reads format 1
        ! hint: use the newer ssmtrail that wrote it; nothing was changed
        [exit 2]
    "#]];
    world.run("sessions").is_same(&expected);
    world.run("sync logs").is_same(&expected);
}

#[test]
fn a_folder_that_is_no_archive_is_not_written_to() {
    let world = World::new();
    world.file("archive/family.jpg", b"x").file("logs/x.txt", b"x");
    world.run("sync logs").is(expect![[r#"
        ! ssmtrail: archive is not empty and is no archive
        ! hint: name an empty or new folder with --archive
        [exit 2]
    "#]]);
    world.run("sessions").is(expect![[r#"
        ! ssmtrail: no archive in archive
        ! hint: `ssmtrail sync SOURCE` makes one; `--archive DIR` names another place
        [exit 2]
    "#]]);
}

#[test]
fn only_one_writes_at_a_time_and_everyone_reads() {
    let world = World::with_demo();
    let writer = ssmtrail::archive::writer::Writer::open(&world.path("archive")).unwrap();
    world.run("sync logs").is(expect![[r#"
        ! ssmtrail: another ssmtrail is writing to archive
        ! hint: wait for it to finish; reading works meanwhile
        [exit 2]
    "#]]);
    assert!(world.run("search auditd").0.contains("systemctl stop auditd"));
    drop(writer);
    assert!(world.run("sync logs").0.contains("held 9"));
}

#[test]
fn rebuild_decodes_everything_again_from_the_kept_bytes() {
    let world = World::with_demo();
    let before = world.run("search '' --format jsonl").0;
    // The sources are gone; the archive has what it needs.
    std::fs::remove_dir_all(world.path("logs")).unwrap();
    world.run("archive rebuild").is(expect![[r#"
        decoded 7 sessions again with decoder 10 (before: 10): 109 commands before, 109 now, 0 sessions changed
        ! head: 2:…
    "#]]);
    assert_eq!(world.run("search '' --format jsonl").0, before);
    assert!(world.run("archive verify").0.starts_with("sound: 2 entries"));
    world.run("archive rebuild");
    assert_eq!(world.run("search '' --format jsonl").0, before);
}

#[test]
fn other_engines_find_what_the_schema_promises() {
    let world = World::with_demo();
    world.run("archive schema").is_file(expect_test::expect_file![concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/answers/schema.txt"
    )]);
    world.run("query -e 'SELECT check FROM findings'").is(expect![[r#"
        ! no rows
        [exit 1]
    "#]]);
}

#[test]
fn files_belong_to_their_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let world = World::with_demo();
    for it in walkdir::WalkDir::new(world.path("archive")).into_iter().filter_map(|it| it.ok()) {
        let mode = it.metadata().unwrap().permissions().mode() & 0o777;
        let wanted = if it.file_type().is_dir() { 0o700 } else { 0o600 };
        assert_eq!(mode, wanted, "{}", it.path().display());
    }
}

#[test]
fn stats_are_looked_at_rather_than_read() {
    let world = World::with_demo();
    let said = world.run("archive stats").0;
    let shown: String =
        said.lines().filter(|it| !it.starts_with("archive ")).map(|it| format!("{it}\n")).collect();
    expect![[r#"
        sessions      7
        owners        6
        targets       7
        commands      109
        unconfirmed   0
        not run       2
        possible      2
        lines         314
        from          2026-01-18 13:17:47Z
        to            2026-11-20 03:12:45Z
        transcripts   61.9 KB of bytes
        entries       1

        sessions by month
          2026-01  ████████████████████████████████████████ 1
          2026-02  ████████████████████████████████████████ 1
          2026-03  ████████████████████████████████████████ 1
          2026-04  ████████████████████████████████████████ 1
          2026-08  ████████████████████████████████████████ 1
          2026-09  ████████████████████████████████████████ 1
          2026-11  ████████████████████████████████████████ 1

        commands by owner
          bob.tanaka@example.com   ████████████████████████████████████████ 24
          alice                    ███████████████████████████████████ 21
          dan@example.com          ████████████████████████████▎ 17
          haruka.sato@example.com  █████████████████████████ 15
          -                        █████████████████████▋ 13
          carol                    █████████████████████▋ 13
          mallory                  ██████████ 6

        sessions with flaws
          invalid-utf8  ████████████████████████████████████████ 1
          lossy         ████████████████████████████████████████ 1
          no-footer     ████████████████████████████████████████ 1
    "#]]
    .assert_eq(&shown);
}
