//! A log group goes in, an archive comes out: streamed and whole sessions side by side, and what others write among them.

use std::sync::Arc;
use std::sync::Mutex;

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
        decoded 1 session again with decoder 10 (before: 10): 4 commands before, 4 now, 0 sessions changed
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
#[ignore = "needs libfaketime"]
fn a_stream_that_has_been_silent_for_hours_is_not_read_again() {
    let world = World::new();
    let clock = world.path("clock");
    let address = aged(&clock);
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
        ! 1 new session, 1 changed; 434 B read, 2 commands found
        ! head: 2:…
    "#]]);
    aws.run("query -e 'SELECT transcripts, command_count, flaws FROM sessions'").is(expect![[r#"
        TRANSCRIPTS  COMMAND_COUNT  FLAWS
                  1              1  clock+diverges+lossy
                  1              1  clock+diverges+lossy+replaced
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
        ! note: log events came twice; each is kept once where an id proves it the same
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
                  1          10000  clock+lossy+object-damaged
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

/// No emulator answers so; seen of AWS behind a portal: status 200 and nothing in it.
fn nothing() -> Fault {
    Fault::Answer(200, "application/x-amz-json-1.1", "{}".into())
}

#[test]
fn an_answer_without_a_token_is_no_end_of_a_stream_and_is_asked_for_again() {
    let mut aws = Aws::new();
    let group = aws.group("sessions");
    aws.events(&group, ALICE, &[streamed(ACCOUNT, ALICE, hours_ago(30), &["sh-4.2$ whoami"])]);
    let faults = Faults::before(address());
    aws.endpoint = faults.endpoint.clone();
    faults.on("GetLogEvents", 0, 2, nothing()).on("GetLogEvents", 1, 1, nothing());
    aws.run(&format!("sync logs:{group}")).is(expect![[r#"
        ! listed 1 = stored 1 + held 0 + skipped 0 + failed 0
        ! 1 new session, 0 changed; 436 B read, 1 command found
        ! head: 1:…
    "#]]);
}

#[test]
fn a_stream_that_never_answers_with_a_token_is_a_failure_and_is_read_by_the_next_run() {
    let mut aws = Aws::new();
    let group = aws.group("sessions");
    aws.events(&group, ALICE, &[streamed(ACCOUNT, ALICE, hours_ago(30), &["sh-4.2$ whoami"])]);
    let faults = Faults::before(address());
    aws.endpoint = faults.endpoint.clone();
    faults.on("GetLogEvents", 0, 99, nothing());
    aws.run(&format!("sync logs:{group}")).is(expect![[r#"
        ! listed 1 = stored 0 + held 0 + skipped 0 + failed 1
        ! failed arn:aws:logs:us-east-1:123456789012:log-group:sessions:log-stream:alice-0123456789abcdef0: GetLogEvents answered 4 times without a token, so whether the stream goes on is not known
        ! hint: run the same command again; what was read is kept
        [exit 3]
    "#]]);
    assert!(faults.count("GetLogEvents") < 20, "it is not asked for ever");
    faults.clear();
    assert!(aws.run(&format!("sync logs:{group}")).0.contains("stored 1"));
}

#[test]
fn a_stream_that_is_listed_with_events_and_has_none_is_a_failure_and_is_asked_again() {
    let mut aws = Aws::new();
    let group = aws.group("sessions");
    aws.events(&group, ALICE, &[streamed(ACCOUNT, ALICE, hours_ago(30), &["sh-4.2$ whoami"])]);
    let faults = Faults::before(address());
    aws.endpoint = faults.endpoint.clone();
    // An end as AWS says it ("GetLogEvents"), and no event before it.
    let end = r#"{"events":[],"nextForwardToken":"f/1","nextBackwardToken":"b/1"}"#;
    let end = Fault::Answer(200, "application/x-amz-json-1.1", end.into());
    faults.on("GetLogEvents", 0, 99, end.clone());
    aws.run(&format!("sync logs:{group}")).is(expect![[r#"
        ! listed 1 = stored 0 + held 0 + skipped 0 + failed 1
        ! failed arn:aws:logs:us-east-1:123456789012:log-group:sessions:log-stream:alice-0123456789abcdef0: AWS lists it as holding events, and none came
        ! hint: run the same command again; events that a shorter retention took stay listed for a while
        [exit 3]
    "#]]);
    faults.clear();
    assert!(aws.run(&format!("sync logs:{group}")).0.contains("stored 1"));
}

#[test]
fn a_stream_without_events_is_skipped_where_its_listing_or_the_retention_says_why() {
    let mut aws = Aws::new();
    let group = aws.group("sessions");
    aws.events(&group, ALICE, &[streamed(ACCOUNT, ALICE, hours_ago(30), &["sh-4.2$ whoami"])]);
    block_on(async {
        let client = aws.logs();
        let create = client.create_log_stream().log_group_name(&group).log_stream_name(BOB);
        create.send().await.expect("a stream");
        let keep = client.put_retention_policy().log_group_name(&group).retention_in_days(1);
        keep.send().await.expect("a retention");
    });
    let faults = Faults::before(address());
    aws.endpoint = faults.endpoint.clone();
    let end = r#"{"events":[],"nextForwardToken":"f/1","nextBackwardToken":"b/1"}"#;
    let end = Fault::Answer(200, "application/x-amz-json-1.1", end.into());
    faults.on("GetLogEvents", 0, 99, end);
    let said = aws.run(&format!("sync logs:{group}")).0;
    assert!(said.contains("listed 2 = stored 0 + held 0 + skipped 2 + failed 0"), "{said}");
    assert!(said.contains("the stream holds no events"), "{said}");
    // Known from now on.
    faults.clear();
    let said = aws.run(&format!("sync logs:{group}")).0;
    assert!(said.contains("skipped 2 + failed 0"), "{said}");
    assert_eq!(faults.count("GetLogEvents"), 0);
}

#[test]
fn what_comes_late_is_read_whether_the_token_still_holds_or_not() {
    let read = expect![[r#"
        ! listed 1 = stored 1 + held 0 + skipped 0 + failed 0
        ! 0 new sessions, 1 changed; 1.8 KB read, 4 commands found
        ! note: arn:aws:logs:us-east-1:123456789012:log-group:sessions:log-stream:alice-0123456789abcdef0: read again from its first event, because some may have come late
        ! head: 2:…
    "#]];
    let commands = expect![[r#"
        SESSION_ID               SEQ  COMMAND                ACCOUNT_ID    REGION
        alice-0123456789abcdef0    1  echo first             123456789012  us-east-1
        alice-0123456789abcdef0    2  systemctl stop auditd  123456789012  us-east-1
        alice-0123456789abcdef0    3  echo third             123456789012  us-east-1
        alice-0123456789abcdef0    4  echo fourth            123456789012  us-east-1
    "#]];
    for stale in [true, false] {
        let mut aws = Aws::new();
        let group = aws.group("sessions");
        let at = hours_ago(30);
        let say = |seconds: i64, text: &str| {
            streamed(ACCOUNT, ALICE, at + seconds * 1000, &[&format!("sh-4.2$ {text}")])
        };
        aws.events(&group, ALICE, &[say(0, "echo first"), say(20, "echo third")]);
        let faults = Faults::before(address());
        aws.endpoint = faults.endpoint.clone();
        aws.run(&format!("sync logs:{group}"));
        aws.events(&group, ALICE, &[say(10, "systemctl stop auditd"), say(30, "echo fourth")]);
        if stale {
            faults.on("GetLogEvents", 0, 1, json_error(400, "InvalidParameterException"));
        }
        aws.run(&format!("sync logs:{group}")).is_same(&read);
        aws.run(COMMANDS).is_same(&commands);
        assert!(aws.run("archive verify").0.starts_with("sound"));
        aws.run("archive rebuild");
        aws.run(COMMANDS).is_same(&commands);
        // It goes on from there, by its new token and by none.
        aws.events(&group, ALICE, &[say(40, "echo fifth")]);
        let said = aws.run(&format!("sync logs:{group}")).0;
        assert!(said.contains("1 changed; ") && said.contains("5 commands"), "{said}");
        faults.on("GetLogEvents", 0, 1, json_error(400, "InvalidParameterException"));
        aws.events(&group, ALICE, &[say(50, "echo sixth")]);
        let said = aws.run(&format!("sync logs:{group}")).0;
        assert!(said.contains("6 commands") && !said.contains("read again"), "{said}");
        let said = aws.run(&format!("sync logs:{group}")).0;
        assert!(said.contains("stored 0 + held 1"), "{said}");
        assert_eq!(
            aws.run("query -e 'SELECT transcripts, flaws FROM sessions' --format csv").0,
            "transcripts,flaws\n2,clock+lossy+replaced\n"
        );
    }
}

#[test]
fn what_came_late_with_something_new_is_read_when_the_stream_is_silent() {
    let mut aws = Aws::new();
    let group = aws.group("sessions");
    let at = hours_ago(30);
    let say = |seconds: i64, text: &str| {
        streamed(ACCOUNT, ALICE, at + seconds * 1000, &[&format!("sh-4.2$ {text}")])
    };
    type Events = Vec<(i64, i64, String)>;
    let taken_in = |hours: i64, events: &[(i64, String)]| -> Events {
        events.iter().map(|(at, text)| (*at, hours_ago(hours), text.clone())).collect()
    };
    let events = Arc::new(Mutex::new(taken_in(9, &[say(0, "echo first"), say(20, "echo third")])));
    let faults = Faults::before(address());
    aws.endpoint = faults.endpoint.clone();
    // A token that goes forward in time alone, as AWS's do ("GetLogEvents"); the emulators' count events.
    let (one, other) = (Arc::clone(&events), Arc::clone(&events));
    let listing = move |_: &str| {
        let events = one.lock().expect("the events");
        let newest = |which: fn(&(i64, i64, String)) -> i64| events.iter().map(which).max();
        serde_json::json!({ "logStreams": [{
            "logStreamName": ALICE, "creationTime": 1, "lastEventTimestamp": newest(|it| it.0),
            "lastIngestionTime": newest(|it| it.1),
        }] })
        .to_string()
    };
    let page = move |body: &str| {
        let body: serde_json::Value = serde_json::from_str(body).expect("a question");
        let token = body["nextToken"].as_str().map(|it| it[2..].parse::<i64>().expect("a time"));
        let mut events = other.lock().expect("the events").clone();
        events.sort();
        events.retain(|it| token.is_none_or(|token| it.0 > token));
        let next = events.last().map_or(token.unwrap_or(0), |it| it.0);
        let events: Vec<_> = events
            .iter()
            .map(|(at, taken_in, text)| {
                serde_json::json!({ "timestamp": at, "ingestionTime": taken_in, "message": text })
            })
            .collect();
        serde_json::json!({ "events": events, "nextForwardToken": format!("f/{next}") }).to_string()
    };
    faults.on("DescribeLogStreams", 0, u32::MAX, Fault::Made(Arc::new(listing)));
    faults.on("GetLogEvents", 0, u32::MAX, Fault::Made(Arc::new(page)));
    aws.run(&format!("sync logs:{group}"));
    let late = [say(10, "systemctl stop auditd"), say(30, "echo fourth")];
    events.lock().expect("the events").extend(taken_in(8, &late));
    aws.run(&format!("sync logs:{group}"));
    aws.run("query -e 'SELECT command FROM commands ORDER BY seq'").is(expect![[r#"
        COMMAND
        echo first
        systemctl stop auditd
        echo third
        echo fourth
    "#]]);
}

#[test]
fn what_retention_took_meanwhile_stays_kept_beside_what_came_late() {
    let mut aws = Aws::new();
    let group = aws.group("sessions");
    let at = hours_ago(30);
    let say = |hours: i64, text: &str| {
        streamed(ACCOUNT, ALICE, at + hours * 3_600_000, &[&format!("sh-4.2$ {text}")])
    };
    aws.events(&group, ALICE, &[say(0, "echo first"), say(20, "echo third")]);
    let faults = Faults::before(address());
    aws.endpoint = faults.endpoint.clone();
    aws.run(&format!("sync logs:{group}"));
    block_on(async {
        let client = aws.logs();
        let keep = client.put_retention_policy().log_group_name(&group).retention_in_days(1);
        keep.send().await.expect("a retention");
    });
    aws.events(&group, ALICE, &[say(10, "systemctl stop auditd"), say(25, "echo fourth")]);
    faults.on("GetLogEvents", 0, 1, json_error(400, "InvalidParameterException"));
    aws.run(&format!("sync logs:{group}"));
    aws.run("query -e 'SELECT command FROM commands ORDER BY seq'").is(expect![[r#"
        COMMAND
        echo first
        systemctl stop auditd
        echo third
        echo fourth
    "#]]);
}

/// Logs Insights over these events, as "StartQuery" and "GetQueryResults" tell of it: no emulator bounds what is inside a
/// second. Where `heeds` is false, neither does this one.
struct Insights {
    stream: &'static str,
    events: Vec<(i64, i64, String)>,
    heeds: bool,
    /// Rows that it loses of each answer.
    loses: usize,
    queries: Vec<serde_json::Value>,
}

impl Insights {
    fn answer(&self, query: &serde_json::Value) -> String {
        let text = query["queryString"].as_str().expect("a query");
        let bound = |name: &str, sign: &str, default: i64| {
            let pattern = format!(r"toMillis\({name}\) {sign} (\d+)");
            let found = regex::Regex::new(&pattern).expect("a pattern");
            let found = found.captures(text).map(|it| it[1].parse().expect("a number"));
            found.filter(|_| self.heeds).unwrap_or(default)
        };
        let seconds = |name: &str| query[name].as_i64().expect("seconds") * 1000;
        let only = bound("@timestamp", "=", -1);
        let (from, to) = (bound("@timestamp", ">=", 0), i64::MAX);
        let taken_in = (bound("@ingestionTime", ">=", 0), bound("@ingestionTime", "<=", to));
        let mut rows: Vec<_> = self
            .events
            .iter()
            .filter(|_| text.contains(self.stream))
            .filter(|it| (seconds("startTime")..seconds("endTime") + 1000).contains(&it.0))
            .filter(|it| it.0 >= from && (only < 0 || it.0 == only))
            .filter(|it| (taken_in.0..=taken_in.1).contains(&it.1))
            .collect();
        rows.sort_by_key(|it| it.0);
        let matched = rows.len();
        rows.truncate(10_000);
        rows.truncate(rows.len().saturating_sub(self.loses));
        let rows: Vec<_> = rows
            .iter()
            .map(|(at, taken_in, message)| {
                serde_json::json!([
                    { "field": "@timestamp", "value": at.to_string() },
                    { "field": "@ingestionTime", "value": taken_in.to_string() },
                    { "field": "@message", "value": message },
                ])
            })
            .collect();
        let statistics = serde_json::json!({ "recordsMatched": matched });
        serde_json::json!({ "status": "Complete", "results": rows, "statistics": statistics })
            .to_string()
    }

    /// Answers in the emulator's place.
    fn before(self, faults: &Faults) -> Arc<Mutex<Self>> {
        let it = Arc::new(Mutex::new(self));
        let (one, other) = (Arc::clone(&it), Arc::clone(&it));
        faults.on("GetLogEvents", 0, u32::MAX, json_error(400, "InvalidOperationException"));
        let start = move |body: &str| {
            let mut it = one.lock().expect("the queries");
            it.queries.push(serde_json::from_str(body).expect("a query"));
            serde_json::json!({ "queryId": (it.queries.len() - 1).to_string() }).to_string()
        };
        let results = move |body: &str| {
            let it = other.lock().expect("the queries");
            let asked: serde_json::Value = serde_json::from_str(body).expect("a query's id");
            let id: usize = asked["queryId"].as_str().expect("an id").parse().expect("a number");
            it.answer(&it.queries[id])
        };
        faults.on("StartQuery", 0, u32::MAX, Fault::Made(Arc::new(start)));
        faults.on("GetQueryResults", 0, u32::MAX, Fault::Made(Arc::new(results)));
        it
    }
}

/// Many events of one second, the first session's last command a minute later, and who would answer for them.
fn burst(aws: &mut Aws, spread: impl Fn(i64) -> (i64, i64)) -> (String, Faults, Insights) {
    let group = aws.group("infrequent");
    let at = hours_ago(30) / 1000 * 1000;
    let last = streamed(ACCOUNT, ALICE, at + 60_000, &["sh-4.2$ systemctl stop auditd"]);
    aws.events(&group, ALICE, &[streamed(ACCOUNT, ALICE, at, &["x"]), last.clone()]);
    let mut events: Vec<_> = (0..15_000)
        .map(|it| {
            let (behind, taken_in) = spread(it);
            let line = format!("sh-4.2$ echo {it}");
            let message = streamed(ACCOUNT, ALICE, at, &[&line]).1;
            (at + behind, at + taken_in, message)
        })
        .collect();
    events.push((last.0, last.0, last.1));
    let faults = Faults::before(address());
    aws.endpoint = faults.endpoint.clone();
    let insights = Insights { stream: ALICE, events, heeds: true, loses: 0, queries: Vec::new() };
    (group, faults, insights)
}

#[test]
fn a_second_of_more_events_than_a_query_gives_is_read_by_milliseconds() {
    let mut aws = Aws::new();
    let (group, faults, insights) = burst(&mut aws, |it| (it / 1000, 5));
    let asked = insights.before(&faults);
    let said = aws.run(&format!("sync logs:{group}")).0;
    assert!(said.contains("15,001 commands") && !said.contains("[exit"), "{said}");
    assert!(asked.lock().expect("the queries").queries.len() < 20);
}

#[test]
fn a_millisecond_of_more_events_than_a_query_gives_is_read_by_when_they_were_taken_in() {
    let mut aws = Aws::new();
    let (group, faults, insights) = burst(&mut aws, |it| (7, it / 5000));
    let asked = insights.before(&faults);
    let said = aws.run(&format!("sync logs:{group}")).0;
    assert!(said.contains("15,001 commands") && !said.contains("[exit"), "{said}");
    assert!(asked.lock().expect("the queries").queries.len() < 40);
}

/// The first run gets a part and says so, and so does the next.
fn is_a_part(aws: &Aws, group: &str) {
    aws.run(&format!("sync logs:{group}")).is(expect![[r#"
        ! listed 1 = stored 1 + held 0 + skipped 0 + failed 0
        ! 1 new session, 0 changed; 4.4 MB read, 10,001 commands found
        ! read only a part of arn:aws:logs:us-east-1:123456789012:log-group:infrequent:log-stream:alice-0123456789abcdef0: Logs Insights gives 10,000 events a query, and one moment of this stream holds more
        ! head: 1:…
        [exit 3]
    "#]]);
    aws.run("search auditd --count").is(expect![[r#"
        1
    "#]]);
    aws.run("query -e 'SELECT command_count, flaws FROM sessions'").is(expect![[r#"
        COMMAND_COUNT  FLAWS
                10001  lossy+object-damaged
    "#]]);
    aws.run(&format!("sync logs:{group}")).is(expect![[r#"
        ! listed 1 = stored 0 + held 0 + skipped 0 + failed 1
        ! failed arn:aws:logs:us-east-1:123456789012:log-group:infrequent:log-stream:alice-0123456789abcdef0: Logs Insights gives 10,000 events a query, and one moment of this stream holds more
        ! head: 1:…
        [exit 3]
    "#]]);
}

#[test]
fn what_no_smaller_step_reaches_is_said_and_never_held_and_what_follows_is_read() {
    let mut aws = Aws::new();
    let (group, faults, insights) = burst(&mut aws, |_| (7, 5));
    insights.before(&faults);
    is_a_part(&aws, &group);
}

#[test]
fn bounds_that_are_not_heeded_are_noticed_and_the_rest_comes_when_they_are() {
    let mut aws = Aws::new();
    let (group, faults, mut insights) = burst(&mut aws, |it| (7, it / 5000));
    insights.heeds = false;
    let asked = insights.before(&faults);
    is_a_part(&aws, &group);
    asked.lock().expect("the queries").heeds = true;
    let said = aws.run(&format!("sync logs:{group}")).0;
    assert!(said.contains("15,001 commands") && !said.contains("[exit"), "{said}");
    aws.run("search auditd --count").is(expect![[r#"
        1
    "#]]);
}

#[test]
fn a_query_that_gives_fewer_rows_than_it_found_is_said_and_asked_again() {
    let mut aws = Aws::new();
    let group = aws.group("infrequent");
    let at = hours_ago(30);
    let events: Vec<_> = (0..3)
        .map(|it| streamed(ACCOUNT, ALICE, at + it, &[&format!("sh-4.2$ echo {it}")]))
        .collect();
    aws.events(&group, ALICE, &events);
    let faults = Faults::before(address());
    aws.endpoint = faults.endpoint.clone();
    let events = events.into_iter().map(|(at, message)| (at, at, message)).collect();
    let insights = Insights { stream: ALICE, events, heeds: true, loses: 1, queries: Vec::new() };
    let asked = insights.before(&faults);
    aws.run(&format!("sync logs:{group}")).is(expect![[r#"
        ! listed 1 = stored 1 + held 0 + skipped 0 + failed 0
        ! 1 new session, 0 changed; 872 B read, 2 commands found
        ! read only a part of arn:aws:logs:us-east-1:123456789012:log-group:infrequent:log-stream:alice-0123456789abcdef0: Logs Insights told of more events than it gave
        ! head: 1:…
        [exit 3]
    "#]]);
    asked.lock().expect("the queries").loses = 0;
    let said = aws.run(&format!("sync logs:{group}")).0;
    assert!(said.contains("3 commands") && !said.contains("[exit"), "{said}");
    let said = aws.run(&format!("sync logs:{group}")).0;
    assert!(!said.contains("[exit"), "{said}");
    aws.run("query -e 'SELECT command_count, flaws FROM sessions'").is(expect![[r#"
        COMMAND_COUNT  FLAWS
                    3  lossy
    "#]]);
}

#[test]
fn what_comes_late_to_a_group_of_the_infrequent_access_class_is_read() {
    let mut aws = Aws::new();
    let group = aws.group("infrequent");
    let at = hours_ago(30);
    let say = |seconds: i64, text: &str| {
        let it = streamed(ACCOUNT, ALICE, at + seconds * 1000, &[&format!("sh-4.2$ {text}")]);
        (it.0, at + 100_000, it.1)
    };
    let mut events = vec![say(0, "echo first"), say(20, "echo third")];
    let put = |aws: &Aws, events: &[(i64, i64, String)]| {
        let events: Vec<_> = events.iter().map(|it| (it.0, it.2.clone())).collect();
        aws.events(&group, ALICE, &events);
    };
    put(&aws, &events);
    let faults = Faults::before(address());
    aws.endpoint = faults.endpoint.clone();
    let insights = Insights {
        stream: ALICE,
        events: events.clone(),
        heeds: true,
        loses: 0,
        queries: Vec::new(),
    };
    let asked = insights.before(&faults);
    aws.run(&format!("sync logs:{group}"));
    events = vec![say(10, "systemctl stop auditd"), say(30, "echo fourth")];
    put(&aws, &events);
    asked.lock().expect("the events").events.extend(events);
    aws.run(&format!("sync logs:{group}"));
    aws.run("query -e 'SELECT command FROM commands ORDER BY seq'").is(expect![[r#"
        COMMAND
        echo first
        echo third
        echo fourth
    "#]]);
}

#[test]
fn an_exact_repeat_that_nothing_proves_is_kept_and_marked() {
    let mut aws = Aws::new();
    let group = aws.group("sessions");
    let at = hours_ago(30);
    aws.events(&group, ALICE, &[streamed(ACCOUNT, ALICE, at, &["x"])]);
    let faults = Faults::before(address());
    aws.endpoint = faults.endpoint.clone();
    let event = |text: &str, taken_in: i64| {
        let message = streamed(ACCOUNT, ALICE, at, &[text]).1;
        serde_json::json!({ "timestamp": at, "message": message, "ingestionTime": taken_in })
    };
    let long = "w".repeat(20_000);
    let answer = serde_json::json!({
        "events": [
            event("sh-4.2$ id", at), event("sh-4.2$ id", at), event(&long, at), event(&long, at + 1),
        ],
        "nextForwardToken": "f/1",
    });
    let kind = "application/x-amz-json-1.1";
    faults.on("GetLogEvents", 0, 1, Fault::Answer(200, kind, answer.to_string()));
    let end = r#"{"events":[],"nextForwardToken":"f/1"}"#;
    faults.on("GetLogEvents", 0, 1, Fault::Answer(200, kind, end.into()));
    aws.run(&format!("sync logs:{group}"));
    aws.run("query -e 'SELECT command_count, flaws FROM sessions'").is(expect![[r#"
        COMMAND_COUNT  FLAWS
                    2  lossy+repeated
    "#]]);
    assert_eq!(aws.run("search --output www --count").0, "2\n");
}
