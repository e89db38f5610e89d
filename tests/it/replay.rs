//! A session played again: into a cast that asciinema plays, and on a real terminal. Nothing of it acts on either.

use std::io::Write as _;
use std::process::Command;
use std::process::Stdio;

use expect_test::expect;
use serde_json::Value;

use crate::hostile;
use crate::needs::python;
use crate::world::World;
use crate::world::words;

struct Cast {
    head: Value,
    /// Time or interval, code, data.
    events: Vec<(f64, String, String)>,
}

fn cast(text: &str) -> Cast {
    let mut lines = text.lines().map(|it| serde_json::from_str::<Value>(it).expect("JSON"));
    let head = lines.next().expect("a header");
    let events = lines
        .map(|it| {
            let text = |nth: usize| it[nth].as_str().expect("a text").to_owned();
            (it[0].as_f64().expect("a time"), text(1), text(2))
        })
        .collect();
    Cast { head, events }
}

fn written(world: &World, line: &str) -> Cast {
    cast(&world.parts(&words(&format!("replay {line} --cast -"))).0)
}

/// What is left of text when the sequences that we write are taken away: cursor position, erase, attributes, modes.
fn without_ours(text: &str) -> String {
    let ours =
        regex::Regex::new(r"\x1b\[[0-9;]*[HmKJ]|\x1b\[\?(?:25|7|1049)[hl]").expect("a pattern");
    ours.replace_all(text, "").into_owned()
}

#[test]
fn a_cast_holds_redrawn_screens_and_a_marker_for_each_command() {
    let world = World::with_demo();
    for version in ["2", "3"] {
        let it = written(&world, &format!("alice --cast-version {version}"));
        assert_eq!(it.head["version"].to_string(), version);
        assert!(it.head["title"].as_str().is_some_and(|it| it.contains("recorded to the event")));
        let marks: Vec<&str> =
            it.events.iter().filter(|it| it.1 == "m").map(|it| it.2.as_str()).collect();
        assert_eq!(marks.len(), 21);
        assert_eq!(marks[0], "#1 whoami");
        assert!(it.events.iter().any(|it| it.2.contains("ssm-user")));
        for (_, _, data) in &it.events {
            assert!(!without_ours(data).contains(|it: char| it.is_control()), "{data:?}");
        }
        let length: f64 = match version {
            "2" => {
                assert!(it.events.windows(2).all(|it| it[0].0 <= it[1].0), "time runs backwards");
                it.events.last().map_or(0.0, |it| it.0)
            }
            _ => it.events.iter().map(|it| it.0).sum(),
        };
        // 05:32:40 to 05:34:29, and the typing of the first event before it.
        assert!((109.0..115.0).contains(&length), "{length}");
    }
}

#[test]
fn a_transcript_without_times_has_a_pace_that_is_said_to_be_made_up() {
    let world = World::with_demo();
    world.run("replay carol --cast carol.cast").is(expect![[r#"
        carol.cast
        ! note: reconstructed pace
    "#]]);
    let it = cast(&std::fs::read_to_string(world.path("carol.cast")).expect("the cast"));
    assert!(it.head["title"].as_str().is_some_and(|it| it.ends_with("(reconstructed pace)")));
    assert!(it.head.get("timestamp").is_none(), "a time nobody told");
}

#[test]
fn what_cannot_be_played_is_said() {
    let world = World::with_demo();
    world.run("replay carol").is(expect![[r#"
        ! ssmtrail: standard output is no terminal to play on
        ! hint: --cast FILE writes what asciinema plays; `ssmtrail show` prints the text
        [exit 2]
    "#]]);
    world.run("replay nobody --cast x.cast").is(expect![[r#"
        ! ssmtrail: no session like nobody
        ! hint: `ssmtrail sessions` lists what the archive holds
        [exit 2]
    "#]]);
    world.run("replay carol --cast x.cast --from 99").is(expect![[r#"
        ! error: the argument '--cast <FILE>' cannot be used with '--from <SEQ>'
        ! 
        ! Usage: ssmtrail replay --cast <FILE> <SESSION>
        ! 
        ! For more information, try '--help'.
        [exit 2]
    "#]]);
    world.run("replay carol --cast x.cast --size 0x5").is(expect![[r#"
        ! error: invalid value '0x5' for '--size <COLSxROWS>': say columns and rows: 120x40
        ! 
        ! For more information, try '--help'.
        [exit 2]
    "#]]);
    world.run("replay carol --speed 0").is(expect![[r#"
        ! ssmtrail: --speed is a number above 0, at most 1000
        [exit 2]
    "#]]);
    world.run("replay carol --cast-version 3").is(expect![[r#"
        ! error: the following required arguments were not provided:
        !   --cast <FILE>
        ! 
        ! Usage: ssmtrail replay --cast <FILE> --cast-version <N> <SESSION>
        ! 
        ! For more information, try '--help'.
        [exit 2]
    "#]]);
    world.run("replay carol --cast x.cast");
    world.run("replay carol --cast x.cast").is(expect![[r#"
        ! ssmtrail: x.cast exists
        ! hint: --force writes over it; --cast names another
        [exit 2]
    "#]]);
    world.run("search no-such-command --replay").is(expect![[r#"
        ! nothing matches, so there is nothing to play
        [exit 1]
    "#]]);
}

#[test]
fn each_of_two_sessions_with_one_id_can_be_opened_by_the_name_that_is_shown() {
    let world = World::new();
    for (name, account, typed) in
        [("a", "111122223333", "echo first account"), ("b", "444455556666", "echo second account")]
    {
        let event = serde_json::json!({
            "eventVersion": "1.0", "eventTime": "2026-11-20T10:00:00Z", "awsRegion": "eu-west-1",
            "target": { "id": "i-0e24f79031c6414e1" }, "runAsUser": "ssm-user",
            "userIdentity": { "arn": format!("arn:aws:iam::{account}:user/alice") },
            "sessionId": "alice-0123456789abcdef5", "sessionData": [format!("sh-4.2$ {typed}"), "out"],
        });
        let line = serde_json::json!({ "timestamp": 1, "message": event.to_string() }).to_string();
        world.file(&format!("logs/{name}.jsonl"), line.as_bytes());
    }
    world.transcript("logs/bob-0123456789abcdef0.log", &["sh-4.2$ ls", "a", "sh-4.2$ exit"]);
    world.run("sync logs");
    world.run("sessions").is(expect![[r#"
        WHEN                    OWNER                 TARGET               COMMANDS  SESSION                                           FLAWS
        2026-11-20 10:00:00Z    alice (111122223333)  i-0e24f79031c6414e1         1  alice-0123456789abcdef5#1 (account 111122223333)  lossy
        2026-11-20 10:00:00Z    alice (444455556666)  i-0e24f79031c6414e1         1  alice-0123456789abcdef5#2 (account 444455556666)  lossy
        ≤ 2026-11-20 10:00:00Z  bob                   -                           2  bob-0123456789abcdef0
    "#]]);
    for line in [
        "show alice-0123456789abcdef5",
        "show abcdef5 --commands",
        "replay alice-0123456789abcdef5 --cast x.cast",
    ] {
        world.run(line).is_same(&expect![[r#"
            ! ssmtrail: 2 sessions have the id alice-0123456789abcdef5
            ! hint: say which: alice-0123456789abcdef5#1 (account 111122223333), alice-0123456789abcdef5#2 (account 444455556666)
            [exit 2]
        "#]]);
    }
    world.run("show alice-0123456789abcdef5#1 --commands").is(expect![[r#"
        2026-11-20 10:00:00Z  alice (111122223333) on i-0e24f79031c6414e1  alice-0123456789abcdef5#1 (account 111122223333)
            1  ssm-user   echo first account
        ! note: streamed: the agent removed control bytes, so edits show their residue
    "#]]);
    world.run("show 0123456789abcdef5#2 --commands").is(expect![[r#"
        2026-11-20 10:00:00Z  alice (444455556666) on i-0e24f79031c6414e1  alice-0123456789abcdef5#2 (account 444455556666)
            1  ssm-user   echo second account
        ! note: streamed: the agent removed control bytes, so edits show their residue
    "#]]);
    world.run("search second").is(expect![[r#"
        2026-11-20 10:00:00Z  alice (444455556666) on i-0e24f79031c6414e1  alice-0123456789abcdef5#2 (account 444455556666)
            1  ssm-user   echo second account
    "#]]);
    world.run("search account --session alice-0123456789abcdef5#1").is(expect![[r#"
        2026-11-20 10:00:00Z  alice (111122223333) on i-0e24f79031c6414e1  alice-0123456789abcdef5#1 (account 111122223333)
            1  ssm-user   echo first account
    "#]]);
    world.run("search account --session alice-0123456789abcdef5#2").is(expect![[r#"
        2026-11-20 10:00:00Z  alice (444455556666) on i-0e24f79031c6414e1  alice-0123456789abcdef5#2 (account 444455556666)
            1  ssm-user   echo second account
    "#]]);
    world.run("replay alice-0123456789abcdef5#2 --cast two.cast").is(expect![[r#"
        two.cast
    "#]]);
    let it = cast(&std::fs::read_to_string(world.path("two.cast")).expect("the cast"));
    assert!(it.events.iter().any(|it| it.2.contains("second account")));
    // What a search found is played, and not the first of that id.
    let play = format!(
        "stty rows 24 columns 150; {} --archive {} search second --replay",
        env!("CARGO_BIN_EXE_ssmtrail"),
        world.path("archive").display()
    );
    let mut script = Command::new("script")
        .args(["-qec", &play, "/dev/null"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("script runs");
    std::thread::sleep(std::time::Duration::from_millis(1500));
    script.stdin.take().expect("its input").write_all(b"Gq").expect("keys");
    let out = script.wait_with_output().expect("it ends");
    let text = String::from_utf8_lossy(&out.stdout);
    assert!(text.contains("abcdef5#2"), "{text}");
    // Not the other way: a session that shares its id with none is called by it.
    world.run("show bob#1").is(expect![[r#"
        ! ssmtrail: no session like bob#1
        ! hint: `ssmtrail sessions` lists what the archive holds
        [exit 2]
    "#]]);
    world.run("show alice-0123456789abcdef5#3").is(expect![[r#"
        ! ssmtrail: no session like alice-0123456789abcdef5#3
        ! hint: `ssmtrail sessions` lists what the archive holds
        [exit 2]
    "#]]);
}

#[test]
fn a_session_whose_bytes_are_gone_is_played_from_its_lines_and_the_gap_is_told() {
    let world = World::with_demo();
    for it in
        walkdir::WalkDir::new(world.path("archive/transcripts")).into_iter().filter_map(Result::ok)
    {
        if it.file_type().is_file() {
            std::fs::remove_file(it.path()).expect("the bytes go");
        }
    }
    let said = world.run("replay carol --cast carol.cast").0;
    assert!(said.contains("unreadable: ") && said.contains("[exit 3]"), "{said}");
    let it = cast(&std::fs::read_to_string(world.path("carol.cast")).expect("the cast"));
    assert!(it.events.iter().any(|it| it.1 == "o"));
}

#[test]
fn nothing_of_a_hostile_session_is_in_its_cast() {
    let world = hostile::world();
    world.transcript(
        "more/zoe-0123456789abcdef0.log",
        &[
            "sh-4.2$ echo \x1b]52;c;cm0gLXJmIC8=\x07 \x1b]8;;https://evil.example\x07link\x1b]8;;\x07",
            "\x1b[?1049h\x1b[?2004h\x1b[?1000h\x1b[6n\x1b[c\x1bP+q544e\x1b\\\x1b^x\x1b\\\x1b_Gx\x1b\\",
            "\x1b[99999999999b\x1b[999999;999999H\x1b[8;9999;9999t",
            "a\u{202e}b\u{200b}\u{feff}\u{85}\u{9b}31m",
            "sh-4.2$ exit",
        ],
    );
    world.run("sync more");
    for session in ["zoe", "y-0123456789abcde10", "y-0123456789abcde17", "abcdef3"] {
        let it = written(&world, session);
        for (_, _, data) in &it.events {
            let left = without_ours(data);
            assert!(!left.contains(hostile::acts), "{session}: {data:?}");
            assert!(!left.contains("evil"), "{session}: {data:?}");
        }
    }
}

const KEY: &str = "AKIAQYLPMN5HHHFPZAM2";

fn secretive() -> World {
    let world = World::new();
    world.transcript(
        "logs/zoe-0123456789abcdef0.log",
        &[
            &format!("sh-4.2$ export AWS_ACCESS_KEY_ID={KEY}"),
            "sh-4.2$ env",
            &format!("AWS_ACCESS_KEY_ID={KEY}"),
            "sh-4.2$ exit",
        ],
    );
    world.salted();
    world.run("sync logs");
    world
}

#[test]
fn no_key_of_a_secret_is_seen_while_it_is_typed() {
    let world = secretive();
    let it = written(&world, "zoe");
    let all: String = it.events.iter().map(|it| it.2.as_str()).collect();
    assert!(!all.contains(&KEY[..5]), "{all}");
    assert!(all.contains("•••"));
    let shown = written(&world, "zoe --reveal");
    assert!(shown.events.iter().any(|it| it.2.contains(KEY)));
}

#[test]
#[ignore = "needs asciinema"]
fn asciinema_plays_the_cast() {
    let world = World::with_demo();
    world.run("replay alice --cast alice.cast");
    // It wants a terminal to stand before.
    let line =
        format!("{} cat {}", python("asciinema").display(), world.path("alice.cast").display());
    let out = Command::new("script")
        .args(["-qec", &line, "/dev/null"])
        .stdin(Stdio::null())
        .output()
        .expect("script runs");
    let text = String::from_utf8_lossy(&out.stdout);
    assert!(out.status.success(), "{text}");
    assert!(text.contains("ssm-user") && text.contains("/var/log/nginx"), "{text}");
}

/// Plays keys at a terminal, and prints all that it got.
const TERMINAL: &str = "
import os, pty, sys, time, select, fcntl, termios, struct
pid, fd = pty.fork()
if pid == 0:
    os.execv(sys.argv[1], sys.argv[1:])
fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack('HHHH', 24, 90, 0, 0))
got = b''
def read(seconds):
    global got
    end = time.time() + seconds
    while time.time() < end:
        if select.select([fd], [], [], 0.05)[0]:
            try:
                more = os.read(fd, 65536)
            except OSError:
                return False
            if not more:
                return False
            got += more
    return True
def wait(text):
    end = time.time() + 30
    while text not in got and time.time() < end and read(0.1):
        pass
    assert text in got, (text, got[-2000:])
wait(b'reconstructed')
for keys, until in [(b' ', '⏸'.encode()), (b'G', b'command 3/3'), (b'g', b'command 0/3'), (b'/', b'/_'), (b'env', b'/env_'), (b'\\r', b'command 2/3'), (b'?', b'next, previous command')]:
    got = b'' if keys != b' ' else got
    os.write(fd, keys)
    wait(until)
    sys.stdout.buffer.write(got)
got = b''
os.write(fd, b'q')
while read(0.5):
    pass
sys.stdout.buffer.write(got)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
";

#[test]
#[ignore = "needs Python"]
fn on_a_terminal_keys_steer_it_and_the_terminal_is_left_as_it_was() {
    let world = secretive();
    let mut python = Command::new(python("python"))
        .args(["-", env!("CARGO_BIN_EXE_ssmtrail"), "replay", "zoe", "--archive"])
        .arg(world.path("archive"))
        .env("TERM", "xterm-256color")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("python runs");
    python.stdin.take().expect("its input").write_all(TERMINAL.as_bytes()).expect("the script");
    let out = python.wait_with_output().expect("it ends");
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    let text = String::from_utf8_lossy(&out.stdout);
    assert!(
        text.contains("\x1b[?1049l") && text.contains("\x1b[?25h") && text.contains("\x1b[?7h")
    );
    assert!(!text.contains(&KEY[..5]), "{text}");
    assert!(
        !without_ours(&text).contains(|it: char| it.is_control() && it != '\r' && it != '\n'),
        "{text:?}"
    );
}
