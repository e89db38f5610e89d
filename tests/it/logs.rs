//! A log group goes in, an archive comes out: streamed and whole sessions side by side, and what others write among them.

use std::sync::Arc;

use expect_test::expect;

use crate::faults::Fault;
use crate::faults::Faults;
use crate::faults::json_error;
use crate::peer::ACCOUNT;
use crate::peer::Aws;
use crate::peer::address;
use crate::peer::aged;
use crate::peer::block_on;
use crate::peer::streamed;
use crate::world::World;

const ALICE: &str = "alice-0123456789abcdef0";
const BOB: &str = "bob-0123456789abcdef1";
const ECS: &str = "ecs-execute-command-0123456789abcdef2";

/// Some hours ago, in milliseconds: CloudWatch Logs takes nothing older than fourteen days.
#[expect(clippy::disallowed_methods, reason = "the emulator refuses what is old by its own clock")]
pub(crate) fn hours_ago(hours: i64) -> i64 {
    chrono::Utc::now().timestamp_millis() - hours * 3_600_000
}

fn whole(lines: &[&str]) -> String {
    let body: String = lines.iter().map(|it| format!("{it}\r\n")).collect();
    format!(
        "Script started on 2026-11-20 10:00:00+00:00 [<not executed on terminal>]\n{body}\nScript done on 2026-11-20 10:00:00+00:00 [COMMAND_EXIT_CODE=\"0\"]"
    )
}

/// A group in which streamed sessions, whole ones and an application lie side by side.
fn filled(aws: &Aws) -> String {
    let group = aws.group("sessions");
    let at = hours_ago(30);
    aws.events(
        &group,
        ALICE,
        &[
            streamed(ACCOUNT, ALICE, at, &["sh-4.2$ whoami", "ssm-user"]),
            streamed(ACCOUNT, ALICE, at + 1000, &["sh-4.2$ sudo -i"]),
        ],
    );
    aws.events(&group, BOB, &[(at, whole(&["sh-4.2$ uptime", " 10:00 up 1 day", "sh-4.2$ exit"]))]);
    aws.events(&group, ECS, &[(at, whole(&["/ # id", "uid=0(root)", "/ # exit"]))]);
    aws.events(&group, "app/web/0123456789", &[(at, "GET /health 200".into())]);
    aws.events(&group, "web-worker", &[(at, "started".into())]);
    group
}

const COMMANDS: &str = "query -e 'SELECT session_id, seq, command, account_id, region FROM commands ORDER BY session_id, seq'";

#[test]
fn a_log_group_is_archived_and_the_next_run_lists_and_reads_nothing() {
    let mut aws = Aws::new();
    let group = filled(&aws);
    let faults = Faults::before(address());
    aws.endpoint = faults.endpoint.clone();
    aws.run(&format!("sync logs:{group}")).is(expect![[r#"
        ! listed 5 = stored 3 + held 0 + skipped 2 + failed 0
        ! 3 new sessions, 0 changed; 1.6 KB read, 6 commands found
        ! skipped arn:aws:logs:us-east-1:123456789012:log-group:sessions:log-stream:app/web/0123456789: the stream of something that is no session, by its name
        ! skipped arn:aws:logs:us-east-1:123456789012:log-group:sessions:log-stream:web-worker: no transcript: log events of something that is no session
        ! head: 1:…
    "#]]);
    aws.run(COMMANDS).is(expect![[r#"
        SESSION_ID                             SEQ  COMMAND  ACCOUNT_ID    REGION
        alice-0123456789abcdef0                  1  whoami   123456789012  us-east-1
        alice-0123456789abcdef0                  2  sudo -i  123456789012  us-east-1
        bob-0123456789abcdef1                    1  uptime   123456789012  us-east-1
        bob-0123456789abcdef1                    2  exit     123456789012  us-east-1
        ecs-execute-command-0123456789abcdef2    1  id       123456789012  us-east-1
        ecs-execute-command-0123456789abcdef2    2  exit     123456789012  us-east-1
    "#]]);
    faults.clear();
    aws.run(&format!("sync --dry-run logs:{group}")).is(expect![[r#"
        ! would read 3 objects of 5 listed in logs:sessions, 3 of them to go on with; 0 held already
        !   calls: 1 DescribeLogStreams, 3 GetLogEvents; requests free (list prices of us-east-1, 2026-11-23)
        ! skipped arn:aws:logs:us-east-1:123456789012:log-group:sessions:log-stream:app/web/0123456789: the stream of something that is no session, by its name
        ! skipped arn:aws:logs:us-east-1:123456789012:log-group:sessions:log-stream:web-worker: no transcript: log events of something that is no session
    "#]]);
    assert_eq!(faults.count("DescribeLogStreams"), 1);
    assert!(aws.run("archive verify").0.starts_with("sound"));
}

#[test]
fn a_group_can_be_named_by_its_arn() {
    let aws = Aws::new();
    let group = filled(&aws);
    let arn = format!("logs:arn:aws:logs:us-east-1:{ACCOUNT}:log-group:{group}:*");
    assert!(aws.run(&format!("sync {arn}")).0.contains("stored 3"));
}

#[test]
fn a_stream_that_grows_is_continued_and_no_event_comes_twice() {
    let mut aws = Aws::new();
    let group = aws.group("sessions");
    let at = hours_ago(1);
    aws.events(&group, ALICE, &[streamed(ACCOUNT, ALICE, at, &["sh-4.2$ echo 0"])]);
    let faults = Faults::before(address());
    aws.endpoint = faults.endpoint.clone();
    aws.run(&format!("sync logs:{group}"));
    for it in 1..4 {
        // Two events of one time; then none; then one of the same time as the last.
        let at = at + 1000 * ((it + 1) / 2);
        let line = format!("sh-4.2$ echo {it}");
        aws.events(&group, ALICE, &[streamed(ACCOUNT, ALICE, at, &[&line])]);
        let said = aws.run(&format!("sync logs:{group}")).0;
        assert!(said.contains("stored 1") && said.contains("0 new sessions, 1 changed"), "{said}");
        let said = aws.run(&format!("sync logs:{group}")).0;
        assert!(said.contains("stored 0 + held 1"), "{said}");
    }
    aws.run(COMMANDS).is(expect![[r#"
        SESSION_ID               SEQ  COMMAND  ACCOUNT_ID    REGION
        alice-0123456789abcdef0    1  echo 0   123456789012  us-east-1
        alice-0123456789abcdef0    2  echo 1   123456789012  us-east-1
        alice-0123456789abcdef0    3  echo 2   123456789012  us-east-1
        alice-0123456789abcdef0    4  echo 3   123456789012  us-east-1
    "#]]);
    aws.run(
        "query -e 'SELECT locator, part, part_start, content_bytes FROM transcripts ORDER BY part'",
    )
    .is(expect![[r#"
        LOCATOR                                                                                         PART  PART_START  CONTENT_BYTES
        arn:aws:logs:us-east-1:123456789012:log-group:sessions:log-stream:alice-0123456789abcdef0     0           0            436
        arn:aws:logs:us-east-1:123456789012:log-group:sessions:log-stream:alice-0123456789abcdef0     1         436            872
        arn:aws:logs:us-east-1:123456789012:log-group:sessions:log-stream:alice-0123456789abcdef0     2         872           1308
        arn:aws:logs:us-east-1:123456789012:log-group:sessions:log-stream:alice-0123456789abcdef0     3        1308           1744
    "#]]);
    assert!(aws.run("archive verify").0.starts_with("sound"));
    let raw = aws.run("show alice --raw").0;
    let messages: Vec<usize> = (0..4).filter_map(|it| raw.find(&format!("echo {it}"))).collect();
    assert!(messages.len() == 4 && messages.is_sorted() && raw.lines().count() == 4, "{raw}");
    // Decoded again from the parts that were kept.
    aws.run("archive rebuild").is(expect![[r#"
        decoded 1 session again with decoder 4 (before: 4): 4 commands before, 4 now, 0 sessions changed
        ! head: 5:…
    "#]]);
    // A token that AWS has forgotten: reading goes on behind the last event.
    faults.on("GetLogEvents", 0, 1, json_error(400, "InvalidParameterException"));
    aws.events(&group, ALICE, &[streamed(ACCOUNT, ALICE, at + 2000, &["sh-4.2$ echo 4"])]);
    aws.run(&format!("sync logs:{group}")).is(expect![[r#"
        ! listed 1 = stored 1 + held 0 + skipped 0 + failed 0
        ! 0 new sessions, 1 changed; 436 B read, 5 commands found
        ! head: 6:…
    "#]]);
    aws.run("search '' --count").is(expect![[r#"
        5
    "#]]);
}

#[test]
fn a_stream_that_has_been_silent_for_hours_is_not_read_again() {
    let world = World::new();
    let clock = world.path("clock");
    let Some(address) = aged(&clock) else { return };
    let mut aws = Aws::at(&address);
    let group = aws.group("sessions");
    let at = hours_ago(60 * 24 + 1);
    aws.events(&group, ALICE, &[streamed(ACCOUNT, ALICE, at, &["sh-4.2$ whoami"])]);
    std::fs::write(&clock, "+0").unwrap();
    let faults = Faults::before(&address);
    aws.endpoint = faults.endpoint.clone();
    assert!(aws.run(&format!("sync logs:{group}")).0.contains("stored 1"));
    faults.clear();
    aws.run(&format!("sync logs:{group}")).is(expect![[r#"
        ! listed 1 = stored 0 + held 1 + skipped 0 + failed 0
        ! head: 1:…
    "#]]);
    assert_eq!(faults.count("GetLogEvents"), 0, "it has settled long ago");
    // It speaks again after all.
    let now = hours_ago(1);
    aws.events(&group, ALICE, &[streamed(ACCOUNT, ALICE, now, &["sh-4.2$ uptime"])]);
    assert!(aws.run(&format!("sync logs:{group}")).0.contains("stored 1"));
    aws.run("search '' --count").is(expect![[r#"
        2
    "#]]);
}

#[test]
fn a_stream_made_anew_under_its_old_name_is_another_and_both_are_kept() {
    let aws = Aws::new();
    let group = aws.group("sessions");
    let at = hours_ago(30);
    aws.events(&group, ALICE, &[streamed(ACCOUNT, ALICE, at, &["sh-4.2$ whoami"])]);
    aws.run(&format!("sync logs:{group}"));
    block_on(async {
        let delete = aws.logs().delete_log_stream().log_group_name(&group).log_stream_name(ALICE);
        delete.send().await.expect("deleted");
    });
    std::thread::sleep(std::time::Duration::from_millis(5));
    aws.events(&group, ALICE, &[streamed(ACCOUNT, ALICE, at, &["sh-4.2$ true"])]);
    aws.run(&format!("sync logs:{group}")).is(expect![[r#"
        ! listed 1 = stored 1 + held 0 + skipped 0 + failed 0
        ! 0 new sessions, 1 changed; 434 B read, 1 command found
        ! head: 2:…
    "#]]);
    aws.run("query -e 'SELECT transcripts, command_count, flaws FROM sessions'").is(expect![[r#"
        TRANSCRIPTS  COMMAND_COUNT  FLAWS
                  2              1  lossy+replaced
    "#]]);
}

#[test]
fn many_pages_are_read_in_order_to_the_end() {
    let mut aws = Aws::new();
    let group = aws.group("sessions");
    let at = hours_ago(30);
    let events: Vec<(i64, String)> = (0..12_000)
        .map(|it| {
            let line = format!("sh-4.2$ echo {it}");
            // Many events of the same time.
            streamed(ACCOUNT, ALICE, at + it / 100, &[&line, "x"])
        })
        .collect();
    aws.events(&group, ALICE, &events);
    let faults = Faults::before(address());
    aws.endpoint = faults.endpoint.clone();
    let said = aws.run(&format!("sync logs:{group}")).0;
    assert!(said.contains("12,000 commands found"), "{said}");
    aws.run(
        "query -e 'SELECT command FROM commands WHERE seq IN (1, 101, 9999, 12000) ORDER BY seq'",
    )
    .is(expect![[r#"
        COMMAND
        echo 0
        echo 100
        echo 9998
        echo 11999
    "#]]);
}

#[test]
fn throttling_failing_and_breaking_connections_are_survived() {
    let ways: [(&str, Fault); 4] = [
        ("throttled", json_error(400, "ThrottlingException")),
        ("failing", json_error(500, "ServiceUnavailableException")),
        ("reset", Fault::Reset),
        ("cut", Fault::Truncated(40)),
    ];
    for (name, fault) in ways {
        let mut aws = Aws::new();
        let group = filled(&aws);
        let faults = Faults::before(address());
        aws.endpoint = faults.endpoint.clone();
        for operation in ["DescribeLogGroups", "DescribeLogStreams", "GetLogEvents"] {
            faults.on(operation, 0, 2, fault.clone());
        }
        let said = aws.run(&format!("sync logs:{group}")).0;
        assert!(said.contains("stored 3"), "{name}: {said}");
        assert_eq!(aws.run("search '' --count").0, "6\n", "{name}");
    }
}

#[test]
fn a_short_or_an_empty_page_is_no_end() {
    let mut aws = Aws::new();
    let group = aws.group("sessions");
    let at = hours_ago(30);
    aws.events(&group, ALICE, &[streamed(ACCOUNT, ALICE, at, &["sh-4.2$ whoami"])]);
    let faults = Faults::before(address());
    aws.endpoint = faults.endpoint.clone();
    // No emulator answers so ("GetLogEvents": "partially full or empty pages").
    let empty = r#"{"events":[],"nextForwardToken":"f/first","nextBackwardToken":"b/first"}"#;
    let kind = "application/x-amz-json-1.1";
    faults.on("GetLogEvents", 0, 1, Fault::Answer(200, kind, empty.into()));
    let one = |text: &str, token: &str| {
        let event = streamed(ACCOUNT, ALICE, at, &[text]).1;
        serde_json::json!({
            "events": [{ "timestamp": at, "message": event, "ingestionTime": at }],
            "nextForwardToken": token,
        })
        .to_string()
    };
    faults.on("GetLogEvents", 0, 1, Fault::Answer(200, kind, one("sh-4.2$ one", "f/second")));
    faults.on("GetLogEvents", 0, 1, Fault::Answer(200, kind, one("sh-4.2$ two", "f/third")));
    let end = r#"{"events":[],"nextForwardToken":"f/third"}"#;
    faults.on("GetLogEvents", 0, 1, Fault::Answer(200, kind, end.into()));
    aws.run(&format!("sync logs:{group}"));
    aws.run("query -e 'SELECT command FROM commands ORDER BY seq'").is(expect![[r#"
        COMMAND
        one
        two
    "#]]);
}

#[test]
fn a_batch_that_was_sent_again_is_kept_once_and_equal_lines_of_one_batch_are_all_kept() {
    let mut aws = Aws::new();
    let group = aws.group("sessions");
    let at = hours_ago(30);
    aws.events(&group, ALICE, &[streamed(ACCOUNT, ALICE, at, &["x"])]);
    let faults = Faults::before(address());
    aws.endpoint = faults.endpoint.clone();
    let event = |text: &str, at: i64, taken_in: i64| {
        let message = streamed(ACCOUNT, ALICE, at, &[text]).1;
        serde_json::json!({ "timestamp": at, "message": message, "ingestionTime": taken_in })
    };
    let answer = serde_json::json!({
        "events": [
            event("sh-4.2$ seq 2", at, at + 5),
            event("y", at + 1, at + 5),
            event("y", at + 1, at + 5),
            event("sh-4.2$ seq 2", at, at + 9),
            event("y", at + 1, at + 9),
        ],
        "nextForwardToken": "f/1",
    });
    let kind = "application/x-amz-json-1.1";
    faults.on("GetLogEvents", 0, 1, Fault::Answer(200, kind, answer.to_string()));
    let end = r#"{"events":[],"nextForwardToken":"f/1"}"#;
    faults.on("GetLogEvents", 0, 1, Fault::Answer(200, kind, end.into()));
    aws.run(&format!("sync logs:{group}"));
    aws.run("show alice").is(expect![[r#"
        sh-4.2$ seq 2
        y
        y
        ! note: streamed: the agent removed control bytes, so edits show their residue
        ! note: log events came twice and are kept once
    "#]]);
}

#[test]
fn a_stream_that_is_deleted_while_it_is_read_is_kept_as_far_as_it_came() {
    let mut aws = Aws::new();
    let group = aws.group("sessions");
    let at = hours_ago(30);
    let events: Vec<(i64, String)> = (0..11_000)
        .map(|it| streamed(ACCOUNT, ALICE, at, &[&format!("sh-4.2$ echo {it}")]))
        .collect();
    aws.events(&group, ALICE, &events);
    let faults = Faults::before(address());
    aws.endpoint = faults.endpoint.clone();
    let (client, name) = (aws.logs(), group.clone());
    let delete = move || {
        let delete = client.delete_log_stream().log_group_name(&name).log_stream_name(ALICE);
        block_on(delete.send()).expect("deleted");
    };
    faults.on("GetLogEvents", 1, 1, Fault::First(Arc::new(delete)));
    aws.run(&format!("sync logs:{group}")).is(expect![[r#"
        ! listed 1 = stored 1 + held 0 + skipped 0 + failed 0
        ! 1 new session, 0 changed; 4.4 MB read, 10,000 commands found
        ! read only a part of arn:aws:logs:us-east-1:123456789012:log-group:sessions:log-stream:alice-0123456789abcdef0: the stream was deleted while it was being read
        ! head: 1:…
        [exit 3]
    "#]]);
    aws.run("query -e 'SELECT transcripts, command_count, flaws FROM sessions'").is(expect![[r#"
        TRANSCRIPTS  COMMAND_COUNT  FLAWS
                  1          10000  lossy+object-damaged
    "#]]);
}

#[test]
fn a_group_of_something_else_is_counted_and_said_and_none_of_it_archived() {
    let aws = Aws::new();
    let group = aws.group("lambda");
    for it in 0..8 {
        let stream = format!("2026/11/23/[$LATEST]{it:032x}");
        aws.events(&group, &stream, &[(hours_ago(1), "START RequestId".into())]);
    }
    aws.run(&format!("sync logs:{group}")).is(expect![[r#"
        ! listed 8 = stored 0 + held 0 + skipped 8 + failed 0
        ! skipped arn:aws:logs:us-east-1:123456789012:log-group:lambda:log-stream:2026/11/23/[$LATEST]00000000000000000000000000000000 and 7 more: the stream of something that is no session, by its name
    "#]]);
    aws.run("search '' --count").is(expect![[r#"
        0
        [exit 1]
    "#]]);
}

#[test]
fn a_group_of_the_infrequent_access_class_is_read_through_logs_insights() {
    let mut aws = Aws::new();
    let group = aws.name("infrequent");
    block_on(async {
        let class = aws_sdk_cloudwatchlogs::types::LogGroupClass::InfrequentAccess;
        let create = aws.logs().create_log_group().log_group_name(&group).log_group_class(class);
        create.send().await.expect("a group");
    });
    let at = hours_ago(30);
    let lines = ["sh-4.2$ whoami", "sh-4.2$ uptime", "sh-4.2$ id"];
    for (nth, line) in lines.iter().enumerate() {
        aws.events(&group, ALICE, &[streamed(ACCOUNT, ALICE, at + 1000 * nth as i64, &[line])]);
    }
    let faults = Faults::before(address());
    aws.endpoint = faults.endpoint.clone();
    faults.on("GetLogEvents", 0, 99, json_error(400, "InvalidOperationException"));
    let said = aws.run(&format!("sync logs:{group}")).0;
    assert!(said.contains("listed 1 = stored 1") && said.contains("3 commands"), "{said}");
    aws.run(COMMANDS).is(expect![[r#"
        SESSION_ID               SEQ  COMMAND  ACCOUNT_ID    REGION
        alice-0123456789abcdef0    1  whoami   123456789012  us-east-1
        alice-0123456789abcdef0    2  uptime   123456789012  us-east-1
        alice-0123456789abcdef0    3  id       123456789012  us-east-1
    "#]]);
    aws.events(&group, ALICE, &[streamed(ACCOUNT, ALICE, at + 9000, &["sh-4.2$ date"])]);
    let said = aws.run(&format!("sync logs:{group}")).0;
    assert!(said.contains("0 new sessions, 1 changed") && said.contains("4 commands"), "{said}");
    aws.run("search '' --count").is(expect![[r#"
        4
    "#]]);
}

#[test]
fn a_group_that_may_not_be_described_tells_its_class_by_refusing() {
    let mut aws = Aws::new();
    let group = filled(&aws);
    let faults = Faults::before(address());
    aws.endpoint = faults.endpoint.clone();
    faults.on("DescribeLogGroups", 0, 9, json_error(400, "AccessDeniedException"));
    faults.on("GetLogEvents", 0, 99, json_error(400, "InvalidOperationException"));
    let said = aws.run(&format!("sync logs:{group}")).0;
    assert!(said.contains("listed 5 = stored 3 + held 0 + skipped 2 + failed 0"), "{said}");
    assert_eq!(aws.run("search '' --count").0, "6\n");
}

#[test]
fn one_session_id_in_two_accounts_is_two_sessions() {
    let aws = Aws::new();
    let here = aws.group("sessions");
    aws.events(&here, BOB, &[(hours_ago(30), whole(&["sh-4.2$ whoami"]))]);
    let other = Aws::new().in_account("222222222222");
    let there = other.group("sessions");
    other.events(&there, BOB, &[(hours_ago(30), whole(&["sh-4.2$ uptime"]))]);
    aws.run(&format!("sync logs:{here}"));
    let said = other.run_in(&aws.world, &format!("sync logs:{there}")).0;
    assert!(said.contains("1 new session"), "{said}");
    aws.run("query -e 'SELECT session_key, account_id, command FROM commands ORDER BY account_id'")
        .is(expect![[r#"
            SESSION_KEY              ACCOUNT_ID    COMMAND
            bob-0123456789abcdef1    123456789012  whoami
            bob-0123456789abcdef1#2  222222222222  uptime
        "#]]);
}

#[test]
fn roles_are_assumed_per_source_and_the_session_says_who_asks() {
    let other = Aws::new().in_account("333333333333");
    let group = other.group("sessions");
    other.events(&group, ALICE, &[streamed("333333333333", ALICE, hours_ago(30), &["sh-4.2$ id"])]);
    other.role("reader", Some("the-id"));
    let aws = Aws::new();
    let config = format!(
        "[[source]]\nname = \"other\"\nplace = \"logs:{group}\"\nrole_arn = \"arn:aws:iam::333333333333:role/reader\"\nexternal_id = \"the-id\"\n"
    );
    aws.world.file("ssmtrail.toml", config.as_bytes());
    aws.run("sync").is(expect![[r#"
        ! listed 1 = stored 1 + held 0 + skipped 0 + failed 0
        ! 1 new session, 0 changed; 432 B read, 1 command found
        ! head: 1:…
    "#]]);
    let wrong = config.replace("the-id", "another");
    aws.world.file("ssmtrail.toml", wrong.as_bytes());
    aws.run("sync").is(expect![[r#"
        ! could not list logs:sessions: cannot assume arn:aws:iam::333333333333:role/reader: User: arn:aws:iam::123456789012:root is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::333333333333:role/reader
        ! hint: the caller needs sts:AssumeRole on it, its trust policy must name the caller, and the external id may be wrong
        ! head: 1:…
        [exit 2]
    "#]]);
}

#[test]
fn a_group_that_is_not_there_or_refuses_is_said() {
    let mut aws = Aws::new();
    aws.run("sync logs:/no/such/group").is(expect![[r#"
        ! could not list logs:/no/such/group: there is no such log group in us-east-1
        ! hint: check its name, the Region and the account
        [exit 2]
    "#]]);
    let group = filled(&aws);
    let faults = Faults::before(address());
    aws.endpoint = faults.endpoint.clone();
    faults.on("DescribeLogStreams", 0, 1, json_error(400, "AccessDeniedException"));
    aws.run(&format!("sync logs:{group}")).is(expect![[r#"
        ! could not list logs:sessions: access denied: logs:DescribeLogStreams is missing
        ! hint: allow {"Effect":"Allow","Action":"logs:DescribeLogStreams","Resource":"arn:aws:logs:us-east-1:123456789012:log-group:sessions:*"}
        [exit 2]
    "#]]);
    // Looking the group up is not needed to read it.
    faults.clear();
    faults.on("DescribeLogGroups", 0, 1, json_error(400, "AccessDeniedException"));
    assert!(aws.run(&format!("sync logs:{group}")).0.contains("stored 3"));
}

#[test]
fn a_typo_in_the_configuration_is_met_with_its_line_and_the_nearest_word() {
    let aws = Aws::new();
    aws.world.file("ssmtrail.toml", b"[[source]]\nplcae = \"s3://acme\"\n");
    aws.run("sync").is(expect![[r#"
        ! ssmtrail: ssmtrail.toml line 2: there is no setting plcae
        ! hint: did you mean place?
        [exit 2]
    "#]]);
    aws.world.file("ssmtrail.toml", b"");
    aws.run("sync").is(expect![[r#"
        ! ssmtrail: no source is named and none is configured
        ! hint: name one, as `ssmtrail sync s3://bucket/prefix`, or let `ssmtrail init` find them
        [exit 2]
    "#]]);
}
