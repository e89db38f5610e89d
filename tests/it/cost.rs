//! What is done does not grow with what is kept: counted, never timed.

#![expect(clippy::unwrap_used, reason = "what makes a test ready may end it")]

use std::process::Command;
use std::sync::atomic::AtomicBool;

use ssmtrail::archive::writer::Writer;
use ssmtrail::source::folder::Folder;
use ssmtrail::sync;
use ssmtrail::sync::Options;
use ssmtrail::sync::Summary;

use crate::world::NOW;
use crate::world::World;

static GO_ON: AtomicBool = AtomicBool::new(false);

fn synced(world: &World, folder: &str) -> Summary {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let mut writer = Writer::open(&world.path("archive")).unwrap();
    let folder = Folder::open(&world.path(folder)).unwrap();
    let options = Options { now: NOW, threads: 2, stop: &GO_ON };
    sync::sync(&runtime, &mut writer, &[&folder], &options, &mut ()).unwrap()
}

/// So many sessions, each as a file and as a copy of it that is another object.
fn twice(sessions: usize) -> World {
    let world = World::new();
    for it in 0..sessions {
        for folder in ["first", "second"] {
            let name = format!("{folder}/u{it}-0{it:016x}.log");
            world.transcript(&name, &["sh-4.2$ ls", &format!("sh-4.2$ echo {it}")]);
        }
    }
    world
}

#[test]
fn second_copies_are_looked_up_together_however_many_there_are() {
    let counts = |sessions: usize| {
        let world = twice(sessions);
        let first = synced(&world, "first");
        assert_eq!((first.sessions_new, first.index_scans), (sessions as u64, 0));
        let second = synced(&world, "second");
        assert_eq!(second.sessions_changed, sessions as u64);
        (second.index_scans, second.files_opened)
    };
    assert_eq!(counts(40), counts(320));
    assert_eq!(counts(40).0, 2, "the index of sessions and that of their bytes, once");
}

#[test]
fn a_rebuild_reads_each_row_group_a_few_times_however_many_sessions_there_are() {
    for sessions in [40, 320] {
        let world = twice(sessions);
        synced(&world, "first");
        synced(&world, "second");
        let mut writer = Writer::open(&world.path("archive")).unwrap();
        let it = sync::rebuild(&mut writer, NOW, &GO_ON, &mut ()).unwrap();
        assert_eq!((it.sessions, it.changed.len()), (sessions as u64, 0));
        assert!(
            it.groups_read <= 6 * it.groups_held,
            "{} reads of {} row groups for {sessions} sessions",
            it.groups_read,
            it.groups_held
        );
    }
}

#[test]
fn few_files_are_open_however_many_partitions_a_sync_writes_to() {
    let world = World::new();
    let mut events = String::new();
    for account in 0..10u64 {
        for month in 1..=12u64 {
            let id = format!("u{account}-0{:016x}", account * 100 + month);
            let message = serde_json::json!({
                "eventVersion": "1.0",
                "eventTime": format!("2025-{month:02}-05T10:00:00Z"),
                "awsRegion": "eu-west-1",
                "userIdentity": { "arn": format!("arn:aws:iam::{:012}:user/u", 100_000_000_000 + account) },
                "sessionId": id,
                "sessionData": ["sh-4.2$ id"],
            });
            let event = serde_json::json!({
                "logStreamName": id, "timestamp": 1, "message": message.to_string(),
            });
            events.push_str(&format!("{event}\n"));
        }
    }
    world.file("logs/events.jsonl", events.as_bytes());
    let script = format!(
        "ulimit -n 200; '{program}' --archive '{archive}' sync logs && '{program}' --archive '{archive}' archive rebuild",
        program = env!("CARGO_BIN_EXE_ssmtrail"),
        archive = world.path("archive").display()
    );
    let out = Command::new("bash")
        .args(["-c", &script])
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .current_dir(world.path("."))
        .output()
        .unwrap();
    let err = String::from_utf8_lossy(&out.stderr).into_owned();
    assert_eq!(out.status.code(), Some(0), "{err}");
    assert_eq!(world.run("sessions --format csv").0.lines().count(), 121, "120 and a head");
    let said = world.run("archive verify").0;
    assert!(said.contains("sound: "), "{said}");
}
