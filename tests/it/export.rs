//! The archive as a feed: records that hold by their schemas, and a watermark that loses nothing.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::io::Write as _;
use std::process::Command;
use std::process::Stdio;

use expect_test::expect;
use serde_json::Value;

use crate::hostile;
use crate::needs::python;
use crate::world::World;
use crate::world::words;

fn records(world: &World, line: &str) -> Vec<Value> {
    let (out, err, _) = world.parts(&words(&format!("export {line}")));
    out.lines()
        .map(|it| serde_json::from_str(it).unwrap_or_else(|_| panic!("{it}\n{err}")))
        .collect()
}

/// What a reader has who keeps the last record of each uid, and forgets what is withdrawn.
fn kept(feed: &[Value]) -> Vec<(String, String)> {
    let mut last: BTreeMap<&str, &Value> = BTreeMap::new();
    for it in feed {
        last.insert(it["uid"].as_str().expect("it is there"), it);
    }
    let commands = last.values().filter(|it| it["schema"] == "ssmtrail.command/1");
    let text = |it: &Value, name: &str| it[name].as_str().expect("it is there").to_owned();
    let mut out: Vec<_> =
        commands.map(|it| (text(it, "session_id"), text(it, "command"))).collect();
    out.sort();
    out
}

#[test]
fn whoever_keeps_the_last_of_each_uid_ends_with_the_commands_of_the_archive() {
    let demo = World::with_demo();
    let world = World::new();
    let copy = |name: &str, to: &str| {
        world.file(
            &format!("{to}/{name}"),
            &std::fs::read(demo.path("logs").join(name)).expect("it is there"),
        );
    };
    let alice = "alice-z81w3ijgndz9r8603r8bxzygn2";
    let bob = "bob.tanaka@example.com-rdob1n45o9axldi2ukjualhj8s";
    let mut feed: Vec<Value> = Vec::new();
    let all = |world: &World| kept(&records(world, "--what commands"));
    // A stream whose edits left their residue, and later the bytes: what was read before is withdrawn.
    let eve = "eve-0123456789abcdef0";
    let message = serde_json::json!({
        "sessionId": eve,
        "userIdentity": { "arn": "arn:aws:iam::111122223333:user/eve" },
        "sessionData": ["sh-4.2$ iid", "uid=0(root)", "sh-4.2$ uptime", "sh-4.2$ id", "uid=0(root)"],
    });
    let event = serde_json::json!({ "logStreamName": eve, "timestamp": 1_795_160_000_000_i64, "message": message.to_string() });
    world.file(&format!("logs/{eve}.jsonl"), event.to_string().as_bytes());
    world.run("sync logs");
    feed.extend(records(&world, "--since-last"));
    assert_eq!(kept(&feed), all(&world));
    let lines = ["sh-4.2$ id", "uid=0(root)", "sh-4.2$ uptime", "sh-4.2$ id", "uid=0(root)"];
    world.transcript(&format!("logs/{eve}.log"), &lines);
    // The lossy streams first, then the bytes: the account was known before, commands read otherwise, places shift.
    for (id, first, second) in [(alice, "jsonl", "log"), (bob, "log", "jsonl")] {
        for ending in [first, second] {
            copy(&format!("{id}.{ending}"), "logs");
            world.run("sync logs");
            feed.extend(records(&world, "--since-last"));
            assert_eq!(kept(&feed), all(&world), "after {id}.{ending}");
        }
    }
    assert!(
        feed.iter().any(|it| it["schema"] == "ssmtrail.withdrawn/1"),
        "something was read otherwise"
    );
    // Lost with the index, what was read before is still withdrawn.
    let ann = "ann-0123456789abcdef1";
    let lossy = event.to_string().replace(eve, ann);
    world.file(&format!("more/{ann}.jsonl"), lossy.as_bytes());
    world.run("sync more");
    feed.extend(records(&world, "--since-last"));
    std::fs::remove_dir_all(world.path("archive/sessions")).expect("it is there");
    world.run("archive repair");
    world.transcript(&format!("more/{ann}.log"), &lines);
    world.run("sync more");
    world.run("archive rebuild");
    feed.extend(records(&world, "--since-last"));
    assert_eq!(kept(&feed), all(&world));
    // A window shows a command under the name that it has without one.
    let uids = |line: &str| -> BTreeSet<String> {
        let all = records(&world, line);
        all.iter().map(|it| it["uid"].as_str().expect("it is there").to_owned()).collect()
    };
    let windowed = uids("--what commands --from 2026-08-02T05:32:50 --to 2026-08-02T05:33:10");
    assert!(!windowed.is_empty() && windowed.is_subset(&uids("--what commands")));
    assert_eq!(uids("--what commands"), uids("--what commands --reveal"));
    // A new feed begins with all that there is, and a rebuild tells nothing that is not so.
    world.run("archive rebuild");
    feed.extend(records(&world, "--since-last"));
    assert_eq!(kept(&feed), all(&world));
    let anew = records(&world, "--since-last=anew");
    assert_eq!(kept(&anew), all(&world));
}

/// Every event, held against the published schema of its class, as PyPI's `ocsf-json-schema` carries it.
pub(crate) fn is_ocsf(events: &[Value]) {
    const CHECK: &str = "
import json, sys
from jsonschema import Draft202012Validator
from ocsf_json_schema import OcsfJsonSchemaEmbedded, get_ocsf_schema
schema = OcsfJsonSchemaEmbedded(get_ocsf_schema(version='1.8.0'))
known, wrong, many = {}, 0, 0
for line in sys.stdin:
    it = json.loads(line)
    uid = it['class_uid']
    if uid not in known:
        name = schema.lookup_class_name_from_uid(class_uid=uid)
        known[uid] = Draft202012Validator(schema.get_class_schema(class_name=name, profiles=it['metadata']['profiles']))
    for error in known[uid].iter_errors(it):
        wrong += 1
        print(uid, error.json_path, error.message[:300])
    if it['type_uid'] != uid * 100 + it['activity_id']:
        wrong += 1
        print(uid, 'type_uid')
    many += 1
print(f'{many} events of {len(known)} classes, {wrong} wrong')
sys.exit(wrong > 0)
";
    let mut python = Command::new(python("python"))
        .args(["-c", CHECK])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("python runs");
    let mut input = python.stdin.take().expect("its input");
    let text: String = events.iter().map(|it| format!("{it}\n")).collect();
    let feed = std::thread::spawn(move || input.write_all(text.as_bytes()));
    let out = python.wait_with_output().expect("it ends");
    let _ = feed.join();
    let said = String::from_utf8_lossy(&out.stdout);
    assert!(out.status.success(), "{said}{}", String::from_utf8_lossy(&out.stderr));
}

#[test]
#[ignore = "needs Python and ocsf-json-schema"]
fn ocsf_events_hold_by_the_published_schema() {
    let world = World::with_demo();
    let events = records(&world, "--format ocsf");
    assert_eq!(events.len(), 118);
    is_ocsf(&events);
    is_ocsf(&records(&hostile::world(), "--format ocsf"));
    let here = world.path("logs").canonicalize().expect("a folder").display().to_string();
    let launch = events.iter().find(|it| it["class_uid"] == 1007).expect("a command");
    expect![[r#"
        {
          "category_uid": 1,
          "class_uid": 1007,
          "activity_id": 1,
          "type_uid": 100701,
          "time": 1768742267000,
          "severity_id": 1,
          "severity": "Informational",
          "cloud": {
            "provider": "AWS",
            "account": {
              "uid": "444455556666",
              "type_id": 10,
              "type": "AWS Account"
            },
            "region": "us-east-1"
          },
          "metadata": {
            "version": "1.8.0",
            "profiles": [
              "cloud"
            ],
            "uid": "d9a29005d79b7e67039536a33d6c3c9a",
            "log_name": "Session Manager transcript",
            "product": {
              "name": "ssmtrail",
              "vendor_name": "ssmtrail",
              "version": "0.1.0"
            }
          },
          "end_time": 1768742267000,
          "activity_name": "Launch",
          "message": "inferred from terminal text: whoami",
          "actor": {
            "user": {
              "uid": "arn:aws:sts::444455556666:assumed-role/AWSReservedSSO_AdministratorAccess_31f10c1fe21e2fa1/bob.tanaka@example.com",
              "name": "bob.tanaka@example.com",
              "type_id": 0,
              "type": "Unknown"
            },
            "session": {
              "uid": "bob.tanaka@example.com-rdob1n45o9axldi2ukjualhj8s",
              "is_remote": true
            }
          },
          "device": {
            "type_id": 6,
            "type": "Virtual",
            "uid": "i-03473b785d777db9c",
            "instance_uid": "i-03473b785d777db9c"
          },
          "process": {
            "uid": "d9a29005d79b7e67039536a33d6c3c9a",
            "cmd_line": "whoami",
            "session": {
              "uid": "bob.tanaka@example.com-rdob1n45o9axldi2ukjualhj8s",
              "is_remote": true
            },
            "user": {
              "name": "ssm-user",
              "type_id": 0,
              "type": "Unknown"
            }
          },
          "unmapped": {
            "session_key": "bob.tanaka@example.com-rdob1n45o9axldi2ukjualhj8s",
            "confidence": 0.985,
            "kind": "shell",
            "seq": 1,
            "time_is": "not after end_time",
            "locator": "/logs/bob.tanaka@example.com-rdob1n45o9axldi2ukjualhj8s.log",
            "byte_start": 239,
            "byte_end": 277,
            "flaws": []
          }
        }
    "#]].assert_eq(&format!("{launch:#}\n").replace(&here, "/logs"));
}

#[test]
fn what_never_ran_or_ran_in_an_interpreter_is_no_launch() {
    let world = World::new();
    world.transcript(
        "logs/zoe-0123456789abcdef0.log",
        &["sh-4.2$ ls", "a", "sh-4.2$ rm -rf /srv^C", "sh-4.2$ ls -l", "b", "sh-4.2$ exit"],
    );
    world.run("sync logs");
    for it in records(&world, "--format ocsf --what commands") {
        let launched = it["activity_id"] == 1;
        assert_eq!(launched, it["unmapped"]["kind"] == "shell", "{it}");
        assert!(it["process"].get("pid").is_none(), "a pid nobody recorded");
    }
}

#[test]
fn records_hold_by_their_own_schema_which_is_printed() {
    let world = World::with_demo();
    let (text, ..) = world.parts(&words("export --schema"));
    let schema: Value = serde_json::from_str(&text).expect("a schema");
    let schema = jsonschema::validator_for(&schema).expect("a sound schema");
    for world in [world, hostile::world()] {
        let some = records(&world, "");
        assert!(some.len() > 8);
        for it in some {
            assert!(schema.is_valid(&it), "{it}");
        }
    }
}

#[test]
fn no_record_carries_a_control_sequence_or_a_secret() {
    let world = hostile::world();
    let key = "AKIAQYLPMN5HHHFPZAM2";
    world.transcript(
        "more/zoe-0123456789abcdef0.log",
        &[&format!("sh-4.2$ export AWS_ACCESS_KEY_ID={key}"), "sh-4.2$ exit"],
    );
    world.run("sync more");
    for format in ["jsonl", "ocsf"] {
        let (out, ..) = world.parts(&words(&format!("export --format {format}")));
        assert!(!out.contains(hostile::acts), "{format}");
        assert!(!out.contains(key), "{format}");
        // Nor when it has been read: OCSF is handed on by programs that know nothing of terminals.
        if format == "ocsf" {
            for it in out.lines().map(|it| serde_json::from_str::<Value>(it).expect("JSON")) {
                let text = it["process"]["cmd_line"].as_str().unwrap_or_default();
                assert!(!text.contains(hostile::acts), "{text:?}");
            }
        }
    }
    let (out, ..) = world.parts(&words("export --reveal"));
    assert!(out.contains(key));
}

#[test]
fn a_feed_goes_on_where_it_stopped() {
    let world = World::new();
    world.transcript("logs/ann-0123456789abcdef0.log", &["sh-4.2$ ls", "sh-4.2$ exit"]);
    world.run("sync logs");
    assert_eq!(records(&world, "--since-last").len(), 3);
    world.run("export --since-last").is(expect![[r#"
        ! 0 records of 0 sessions
    "#]]);
    world.transcript("logs/bea-0123456789abcdef1.log", &["sh-4.2$ pwd", "sh-4.2$ exit"]);
    world.run("sync logs");
    let new = records(&world, "--since-last");
    assert_eq!(new.len(), 3);
    assert!(new.iter().all(|it| it["owner"] == "bea"));
    // Another feed has its own place.
    assert_eq!(records(&world, "--since-last=siem").len(), 6);
    // What is exported again has the same uid.
    let all = records(&world, "");
    assert!(new.iter().all(|it| all.iter().any(|one| one["uid"] == it["uid"])));
    assert!(world.run("archive verify").0.contains("sound"), "{}", world.run("archive verify").0);
    world.run("export --since-last=../x").is(expect![[r#"
        ! ssmtrail: a feed cannot be called ../x
        ! hint: letters, digits, - and _
        [exit 2]
    "#]]);
    std::fs::write(world.path("archive/feeds/ahead"), "99\n").expect("a watermark");
    world.run("export --since-last=ahead").is(expect![[r#"
        ! ssmtrail: the feed ahead has come to entry 99, and the archive to 2
        ! hint: is it an older copy? `--since-last` with another name begins a feed anew
        [exit 2]
    "#]]);
}

#[test]
fn what_a_feed_leaves_out_has_a_place_of_its_own() {
    let world = World::with_demo();
    assert_eq!(records(&world, "--since-last --what sessions").len(), 7);
    assert_eq!(records(&world, "--since-last --what commands").len(), 111);
    assert_eq!(records(&world, "--since-last").len(), 118);
    assert_eq!(records(&world, "--since-last --what commands").len(), 0);
    assert!(world.run("archive verify").0.contains("sound: "));
    let said = world.run("export --since-last --what commands --format parquet -o c.parquet").0;
    assert!(said.contains("[exit 2]"), "{said}");
}

#[test]
fn a_feed_that_could_not_read_all_stays_where_it_was() {
    let world = World::with_demo();
    let path = walkdir::WalkDir::new(world.path("archive/commands"))
        .into_iter()
        .filter_map(Result::ok)
        .find(|it| it.file_type().is_file())
        .expect("a part")
        .into_path();
    let bytes = std::fs::read(&path).expect("the part");
    std::fs::write(&path, b"PAR1 no longer PAR1").expect("it breaks");
    let said = world.run("export --since-last").0;
    assert!(said.contains("the feed stays where it was") && said.contains("[exit 3]"), "{said}");
    std::fs::write(&path, bytes).expect("it is mended");
    assert_eq!(records(&world, "--since-last").len(), 118);
}

#[test]
fn parquet_is_a_table_in_a_file() {
    let world = World::with_demo();
    world.run("export --format parquet").is(expect![[r#"
        ! ssmtrail: a Parquet file holds one table
        ! hint: say which: --what commands or --what sessions
        [exit 2]
    "#]]);
    world.run("export --format parquet --what sessions -o sessions.parquet").is(expect![[r#"
        ! 7 records of 7 sessions
    "#]]);
    world.run("export --format parquet --what sessions -o sessions.parquet").is(expect![[r#"
        ! ssmtrail: sessions.parquet exists
        ! hint: --force writes over it; -o names another
        [exit 2]
    "#]]);
    world.run("export --format parquet --what commands -o commands.parquet");
    let bytes = std::fs::read(world.path("commands.parquet")).expect("the file");
    assert!(bytes.starts_with(b"PAR1") && bytes.ends_with(b"PAR1"));
    world.run("export --what commands --owner nobody").is(expect![[r#"
        ! owner nobody: no session of the archive has such an owner; the nearest are mallory, carol, bob.tanaka@example.com, haruka.sato@example.com, dan@example.com
        ! 0 records of 0 sessions
        [exit 1]
    "#]]);
}

#[test]
fn asciicasts_are_files_in_a_folder() {
    let world = World::with_demo();
    world.run("export --format asciicast").is(expect![[r#"
        ! ssmtrail: asciicasts are files of their own, and no feed
        ! hint: name a folder for them: -o casts
        [exit 2]
    "#]]);
    world.run("export --format asciicast -o casts").is(expect![[r#"
        ! 7 casts of 7 sessions
        ! note: 1 secret is masked; --reveal shows it
    "#]]);
    let mut names: Vec<_> = std::fs::read_dir(world.path("casts"))
        .expect("a folder")
        .map(|it| it.expect("a cast").file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    assert_eq!(names.len(), 7);
    assert_eq!(names[0], "alice-z81w3ijgndz9r8603r8bxzygn2.cast");
    // A session's id is foreign text, and no way out of the folder.
    let world = hostile::world();
    world.run("export --format asciicast -o casts");
    assert!(std::fs::read_dir(world.path("casts")).expect("a folder").count() >= 9);
}

/// Everything that writes a file which a person names, but `init` and `verify --save-survey`, which ask AWS first.
const WRITERS: [&str; 5] = [
    "export -o",
    "export --format parquet --what commands -o",
    "replay carol --cast",
    "report --format json -o",
    "report --owner alice --evidence -o",
];

/// The name of a file that this command takes.
fn ending(writer: &str) -> &'static str {
    match writer {
        it if it.contains("--evidence") => ".tar",
        it if it.starts_with("report") => ".json",
        _ => "",
    }
}

fn sh(world: &World, line: &str) {
    let done = Command::new("sh").args(["-c", line]).current_dir(world.path(".")).status();
    assert!(done.expect("sh").success(), "{line}");
}

#[test]
fn a_pipe_is_written_into_and_stays_a_pipe() {
    use std::os::unix::fs::FileTypeExt;
    let world = World::with_demo();
    for writer in WRITERS {
        for force in ["", " --force"] {
            let name = format!("pipe{}", ending(writer));
            sh(&world, &format!("rm -f {name} through; mkfifo {name}"));
            let mut reader = Command::new("sh")
                .args(["-c", &format!("cat {name} > through")])
                .current_dir(world.path("."))
                .spawn()
                .expect("a reader");
            let said = world.run(&format!("{writer} {name}{force}")).0;
            reader.wait().expect("it ends");
            assert!(!said.contains("[exit"), "{writer}: {said}");
            let kind = world.path(&name).symlink_metadata().expect("the pipe").file_type();
            assert!(kind.is_fifo(), "{writer}: {said}");
            world.run(&format!("{writer} plain{} --force", ending(writer)));
            let read = |name: &str| std::fs::read(world.path(name)).expect("what was written");
            let plain = read(&format!("plain{}", ending(writer)));
            // The folder in a package is called like the package.
            match ending(writer) {
                ".tar" => assert_eq!(read("through").len(), plain.len(), "{writer}"),
                _ => assert!(read("through") == plain, "{writer}"),
            }
        }
    }
}

/// Devices of our own, where we may make some: no test writes over those of the system, whatever the code does.
fn devices(world: &World) {
    // The numbers of null and full ("Linux allocated devices", admin-guide/devices.rst).
    let line = "mkdir dev && mknod dev/null c 1 3 && mknod dev/full c 1 7 && : > dev/null";
    let made = Command::new("sh").args(["-c", line]).current_dir(world.path(".")).output();
    assert!(made.is_ok_and(|it| it.status.success()), "root makes devices");
}

#[test]
#[ignore = "needs root"]
fn devices_are_written_into_and_stay_devices() {
    use std::os::unix::fs::FileTypeExt;
    let world = World::with_demo();
    devices(&world);
    for writer in WRITERS {
        let ending = ending(writer);
        sh(&world, &format!("ln -sf dev/null null{ending}; ln -sf dev/full full{ending}"));
        for force in ["", " --force"] {
            let said = world.run(&format!("{writer} null{ending}{force}")).0;
            assert!(!said.contains("[exit"), "{writer}: {said}");
            let said = world.run(&format!("{writer} full{ending}{force}")).0;
            let told = format!("! ssmtrail: cannot write full{ending}: ");
            assert!(said.contains(&told) && said.contains("[exit 2]"), "{writer}: {said}");
            for it in ["null", "full"] {
                let link = world.path(&format!("{it}{ending}")).symlink_metadata();
                assert!(link.expect("a link").is_symlink(), "{writer}: {it}");
                let device = world.path(&format!("dev/{it}")).symlink_metadata();
                assert!(device.expect("a device").file_type().is_char_device(), "{writer}: {it}");
            }
        }
    }
}

#[test]
fn links_and_folders_are_never_replaced() {
    let world = World::with_demo();
    for writer in WRITERS {
        let ending = ending(writer);
        for it in ["folder", "dangling", "link"] {
            sh(&world, &format!("rm -rf {it}{ending}"));
        }
        sh(
            &world,
            &format!(
                "mkdir folder{ending}; ln -s nowhere dangling{ending}; \
                 echo before > far; ln -s far link{ending}"
            ),
        );
        let run = |name: &str| world.run(&format!("{writer} {name}{ending} --force")).0;
        let said = run("folder");
        let told = format!("! ssmtrail: folder{ending} is a folder\n");
        assert!(said.contains(&told), "{writer}: {said}");
        let said = run("dangling");
        let told = format!("! ssmtrail: dangling{ending} is a link to nothing\n");
        assert!(said.contains(&told), "{writer}: {said}");
        let said = world.run(&format!("{writer} link{ending}")).0;
        assert!(said.contains(&format!("! ssmtrail: link{ending} exists\n")), "{writer}: {said}");
        assert_eq!(std::fs::read(world.path("far")).expect("the file"), b"before\n");
        let said = run("link");
        assert!(!said.contains("[exit"), "{writer}: {said}");
        assert!(std::fs::read(world.path("far")).expect("the file").len() > 100, "{writer}");
        for it in ["dangling", "link"] {
            let path = world.path(&format!("{it}{ending}"));
            assert!(path.symlink_metadata().expect("a link").is_symlink(), "{writer}: {it}");
        }
        let left: Vec<_> = std::fs::read_dir(world.path("."))
            .expect("a folder")
            .map(|it| it.expect("an entry").file_name().to_string_lossy().into_owned())
            .filter(|it| it.starts_with('.'))
            .collect();
        assert_eq!(left, Vec::<String>::new(), "{writer}");
    }
}

#[test]
fn a_file_that_a_killed_run_left_is_gone_after_the_next() {
    let world = World::with_demo();
    std::fs::write(world.path(".all.jsonl.ssmtrail-part"), "half a re").expect("what was left");
    world.run("export -o all.jsonl").is(expect![[r#"
        ! 118 records of 7 sessions
    "#]]);
    assert!(!world.path(".all.jsonl.ssmtrail-part").exists());
    assert!(world.path("all.jsonl").exists());
}

#[test]
fn a_dash_is_standard_output() {
    let world = World::with_demo();
    assert_eq!(world.run("export -o -").0, world.run("export").0);
    assert!(!world.path("-").exists());
    let (_, err, code) =
        world.parts_as(&words("export --format parquet --what sessions -o -"), Some(80));
    assert_eq!(code, 2, "{err}");
}

#[test]
fn sessions_whose_names_look_alike_have_casts_of_their_own() {
    let world = World::new();
    for (nth, id) in ["a_b", "a\u{202e}b", "a\u{200b}b"].iter().enumerate() {
        let event = serde_json::json!({
            "eventVersion": "1.0", "eventTime": "2026-11-20T10:00:00Z", "awsRegion": "eu-west-1",
            "target": { "id": "i-0e24f79031c6414e1" }, "userIdentity": { "arn": "arn:aws:iam::111122223333:user/a" },
            "runAsUser": "ssm-user", "sessionId": format!("{id}-0123456789abcdef0"), "sessionData": ["sh-4.2$ ls", "out"],
        });
        let line = serde_json::json!({ "timestamp": 1, "message": event.to_string() }).to_string();
        world.file(&format!("logs/e{nth}.jsonl"), line.as_bytes());
    }
    world.run("sync logs");
    let said = world.run("export --format asciicast -o casts").0;
    assert!(said.contains("! 3 casts of 3 sessions"), "{said}");
    assert_eq!(std::fs::read_dir(world.path("casts")).expect("a folder").count(), 3);
}

/// A row group of the archive (`sync::GROUP_ROWS`).
const GROUP: usize = 8192;

#[test]
fn commands_come_a_row_group_at_a_time_however_many_a_file_holds() {
    use ssmtrail::archive::Archive;
    use ssmtrail::archive::Which;
    use ssmtrail::search;
    let world = World::new();
    for it in 0..4 {
        let lines: Vec<String> = (0..5000).map(|nth| format!("sh-4.2$ echo {it} {nth}")).collect();
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        world.transcript(&format!("logs/u-0123456789abcdef{it}.log"), &lines);
    }
    world.run("sync logs");
    let (mut all, mut most) = (0, 0);
    let asked = Archive::ask(&world.path("archive"), |archive| {
        assert_eq!(archive.files("commands").count(), 1);
        search::commands(
            archive,
            &Which::default(),
            &search::Pattern::All,
            &[ssmtrail::transcript::commands::CommandKind::Shell],
            |rows| {
                all += rows.len();
                most = most.max(rows.len());
                Ok(())
            },
        )
    });
    assert!(asked.expect("commands").lost.is_empty());
    assert_eq!(all, 20_000);
    assert!(most <= GROUP, "{most} rows at once");
    let said = world.run("export --format parquet --what commands -o commands.parquet").0;
    assert!(said.contains("20,000 records"), "{said}");
}

#[test]
fn no_record_tells_a_secret_by_which_its_source_is_named() {
    let world = World::new();
    let key = "AKIAQYLPMN5HHHFPZAM2";
    world.transcript(&format!("l-{key}/zoe-0123456789abcdef0.log"), &["sh-4.2$ whoami"]);
    world.run(&format!("sync l-{key}"));
    for line in ["export", "search whoami --format jsonl", "sessions --format csv"] {
        let said = world.run(line).0;
        assert!(said.contains("zoe") && !said.contains(key), "{line}: {said}");
    }
}

#[test]
fn a_feed_takes_no_filter_that_would_leave_something_out_for_good() {
    let world = World::with_demo();
    for filter in ["--owner alice", "--since 7d", "--target i-0"] {
        let said = world.run(&format!("export --since-last {filter}")).0;
        assert!(said.contains("a feed is of all sessions") && said.contains("[exit 2]"), "{said}");
    }
    assert_eq!(records(&world, "--since-last").len(), 118);
}
