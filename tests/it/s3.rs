//! A bucket goes in, an archive comes out: against an emulator, and through everything that can go wrong on the way.

use std::sync::Arc;
use std::time::Duration;

use expect_test::expect;

use crate::faults::Fault;
use crate::faults::Faults;
use crate::faults::changed;
use crate::faults::s3_error;
use crate::peer::Aws;
use crate::peer::address;
use crate::peer::block_on;
use crate::world::FOOTER;
use crate::world::HEADER;

fn transcript(lines: &[&str]) -> Vec<u8> {
    let body: String = lines.iter().map(|it| format!("{it}\r\r\n")).collect();
    format!("{HEADER}{body}{FOOTER}").into_bytes()
}

const ALICE: &str = "prod/alice-0123456789abcdef0.log";
const BOB: &str = "prod/eu/bob-0123456789abcdef1.log";

/// A bucket as Session Manager fills it, with what others put beside.
fn filled(aws: &Aws) -> String {
    aws.bucket(
        "acme-logs",
        &[
            (ALICE, &transcript(&["sh-4.2$ whoami", "ssm-user", "sh-4.2$ sudo -i"])),
            (BOB, &transcript(&["sh-4.2$ uptime", " 10:00 up 1 day"])),
            ("prod/logo.log", b"\x89PNG\r\n\x1a\n"),
            ("prod/", b""),
            ("production/eve-0123456789abcdef2.log", &transcript(&["sh-4.2$ id"])),
        ],
    )
}

#[test]
fn a_bucket_is_archived_and_the_next_run_lists_and_reads_nothing() {
    let mut aws = Aws::new();
    let bucket = filled(&aws);
    let faults = Faults::before(address());
    aws.endpoint = faults.endpoint.clone();
    aws.run(&format!("sync s3://{bucket}/prod")).is(expect![[r#"
        ! listed 4 = stored 2 + held 0 + skipped 2 + failed 0
        ! 2 new sessions, 0 changed; 367 B read, 3 commands found
        ! skipped s3://acme-logs/prod/: a folder marker
        ! skipped s3://acme-logs/prod/logo.log: no transcript: a PNG image
        ! head: 1:…
    "#]]);
    aws.run("query -e 'SELECT session_id, seq, command, locator FROM commands ORDER BY session_id, seq'")
        .is(expect![[r#"
            SESSION_ID               SEQ  COMMAND  LOCATOR
            alice-0123456789abcdef0    1  whoami   s3://acme-logs/prod/alice-0123456789abcdef0.log
            alice-0123456789abcdef0    2  sudo -i  s3://acme-logs/prod/alice-0123456789abcdef0.log
            bob-0123456789abcdef1      1  uptime   s3://acme-logs/prod/eu/bob-0123456789abcdef1.log
        "#]]);
    faults.clear();
    aws.run(&format!("sync s3://{bucket}/prod")).is(expect![[r#"
        ! listed 4 = stored 0 + held 2 + skipped 2 + failed 0
        ! skipped s3://acme-logs/prod/: a folder marker
        ! skipped s3://acme-logs/prod/logo.log: no transcript: a PNG image
        ! head: 1:…
    "#]]);
    assert_eq!(faults.count("GetObject"), 0, "a run without news reads nothing");
    assert_eq!(faults.count("ListObjectsV2"), 1);
    // What appears hours later is found, wherever its name sorts.
    aws.put(&bucket, "prod/aaron-0123456789abcdef9.log", &transcript(&["sh-4.2$ date"]));
    aws.run(&format!("sync s3://{bucket}/prod")).is(expect![[r#"
        ! listed 5 = stored 1 + held 2 + skipped 2 + failed 0
        ! 1 new session, 0 changed; 154 B read, 1 command found
        ! skipped s3://acme-logs/prod/: a folder marker
        ! skipped s3://acme-logs/prod/logo.log: no transcript: a PNG image
        ! head: 2:…
    "#]]);
    aws.run("archive verify");
}

#[test]
fn what_s3_said_of_an_object_is_recorded_when_it_is_read() {
    let aws = Aws::new();
    let bucket = aws.bucket("acme-logs", &[]);
    block_on(async {
        let put = aws.s3().put_object().bucket(&bucket).key(ALICE);
        let put = put
            .checksum_algorithm(aws_sdk_s3::types::ChecksumAlgorithm::Sha256)
            .storage_class(aws_sdk_s3::types::StorageClass::StandardIa)
            .server_side_encryption(aws_sdk_s3::types::ServerSideEncryption::Aes256)
            .body(transcript(&["sh-4.2$ id"]).into());
        put.send().await.expect("an object put");
    });
    aws.run(&format!("sync s3://{bucket}"));
    aws.run("query -e 'SELECT version, digest, etag, checksum, encryption, storage_class FROM transcripts' --format jsonl")
        .is(expect![[r#"
            {"version":"23506740336b6fb7e694c4be4020fde9-152","digest":"bca3927b4d4ef3e29bc583141d4a910dfc404d0ff0da3dd6f41601cd7ec2822e","etag":"23506740336b6fb7e694c4be4020fde9","checksum":"sha256:vKOSe01O8+KbxYMUHUqRDfxATQ/w2j3W9BYBzX7Cgi4=","encryption":"AES256","storage_class":"STANDARD_IA"}
        "#]]);
}

#[test]
fn the_key_of_an_encrypted_object_is_recorded() {
    let aws = Aws::new();
    let bucket = aws.bucket("acme-logs", &[]);
    block_on(async {
        let put = aws.s3().put_object().bucket(&bucket).key(ALICE);
        let put = put.server_side_encryption(aws_sdk_s3::types::ServerSideEncryption::AwsKms);
        put.body(transcript(&["sh-4.2$ id"]).into()).send().await.expect("an object put");
    });
    aws.run(&format!("sync s3://{bucket}"));
    let said = aws.run("query -e 'SELECT encryption FROM transcripts' --format csv").0;
    assert!(
        said.starts_with("encryption\naws:kms:arn:aws:kms:us-east-1:123456789012:key/"),
        "{said}"
    );
}

#[test]
fn a_search_finds_what_is_archived_while_the_run_goes_on() {
    let mut aws = Aws::new();
    let bucket = aws.bucket("many", &[]);
    let long: Vec<String> = (0..4000).map(|it| format!("a line of some length {it}")).collect();
    let mut lines: Vec<&str> = long.iter().map(String::as_str).collect();
    lines.insert(0, "sh-4.2$ cat long");
    let body = transcript(&lines);
    for it in 0..260 {
        aws.put(&bucket, &format!("u-0{it:016x}.log"), &body);
    }
    let faults = Faults::before(address());
    aws.endpoint = faults.endpoint.clone();
    faults.on("GetObject", 258, 9, Fault::Slow(4, Duration::from_secs(2)));
    let words = ["sync".to_owned(), format!("s3://{bucket}")];
    let mut child = aws.command(&words).stderr(std::process::Stdio::null()).spawn().unwrap();
    let mut found = false;
    while child.try_wait().unwrap().is_none() {
        let count = aws.run("search long --count").0;
        let count: u32 = count.lines().next().and_then(|it| it.parse().ok()).unwrap_or(0);
        found |= (1..260).contains(&count);
        std::thread::sleep(Duration::from_millis(100));
    }
    assert!(found, "some were found before all were there");
    assert_eq!(aws.run("search long --count").0, "260\n");
}

#[test]
fn a_dry_run_tells_the_objects_the_calls_and_the_price_and_reads_nothing() {
    let mut aws = Aws::new();
    let bucket = filled(&aws);
    let faults = Faults::before(address());
    aws.endpoint = faults.endpoint.clone();
    aws.run(&format!("sync --dry-run s3://{bucket}")).is(expect![[r#"
        ! would read 4 objects (519 B) of 5 listed in s3://acme-logs/; 0 held already
        !   calls: 4 GetObject, 1 ListObjectsV2; requests under USD 0.01, transfer up to under USD 0.01 if it leaves the Region (list prices of us-east-1, 2026-11-23)
        ! skipped s3://acme-logs/prod/: a folder marker
    "#]]);
    assert_eq!(faults.count("GetObject"), 0);
}

#[test]
fn a_key_of_odd_characters_is_held_once_it_was_read() {
    let aws = Aws::new();
    let body = transcript(&["sh-4.2$ id"]);
    let keys = ["a b+c", "k%2Fz", "q?x=1#f", "é/日本"].map(|it| format!("{it}/{ALICE}"));
    let objects: Vec<(&str, &[u8])> = keys.iter().map(|it| (it.as_str(), &body[..])).collect();
    let bucket = aws.bucket("odd", &objects);
    let said = aws.run(&format!("sync s3://{bucket}")).0;
    assert!(said.contains("listed 4 = stored 4"), "{said}");
    let said = aws.run(&format!("sync s3://{bucket}")).0;
    assert!(said.contains("listed 4 = stored 0 + held 4"), "{said}");
}

#[test]
fn one_key_can_be_named_as_a_place() {
    let aws = Aws::new();
    let bucket = filled(&aws);
    aws.run(&format!("sync s3://{bucket}/{ALICE}")).is(expect![[r#"
        ! listed 1 = stored 1 + held 0 + skipped 0 + failed 0
        ! 1 new session, 0 changed; 185 B read, 2 commands found
        ! head: 1:…
    "#]]);
}

#[test]
fn pages_are_followed_to_the_end_and_what_they_repeat_counts_once() {
    let mut aws = Aws::new();
    let bucket = aws.bucket("many", &[]);
    block_on(async {
        let client = aws.s3();
        for it in 0..1100 {
            let key = format!("u-0{it:016x}.log");
            let body = transcript(&[&format!("sh-4.2$ echo {it}")]);
            client.put_object().bucket(&bucket).key(key).body(body.into()).send().await.unwrap();
        }
    });
    aws.run(&format!("sync s3://{bucket}")).is(expect![[r#"
        ! listed 1,100 = stored 1,100 + held 0 + skipped 0 + failed 0
        ! 1,100 new sessions, 0 changed; 173.8 KB read, 1,100 commands found
        ! head: 1:…
    "#]]);
    // A page that tells a key twice.
    let faults = Faults::before(address());
    aws.endpoint = faults.endpoint.clone();
    faults.on("ListObjectsV2", 1, 1, Fault::Edited("u-0000000000000044b", "u-0000000000000044a"));
    aws.run(&format!("sync s3://{bucket}")).is(expect![[r#"
        ! listed 1,099 = stored 0 + held 1,099 + skipped 0 + failed 0
        ! head: 1:…
    "#]]);
}

#[test]
fn throttling_failing_and_breaking_connections_are_survived_and_nothing_is_lost_or_doubled() {
    let ways: [(&str, Fault); 6] = [
        ("throttled", s3_error(503, "SlowDown")),
        ("failing", s3_error(500, "InternalError")),
        ("reset", Fault::Reset),
        ("cut at once", Fault::Truncated(0)),
        ("cut half way", Fault::Truncated(60)),
        ("slow", Fault::Slow(4, Duration::from_millis(40))),
    ];
    for (name, fault) in ways {
        let mut aws = Aws::new();
        let bucket = filled(&aws);
        let faults = Faults::before(address());
        aws.endpoint = faults.endpoint.clone();
        faults.on("ListObjectsV2", 0, 2, fault.clone());
        faults.on("GetObject", 1, 1, fault);
        aws.run(&format!("sync s3://{bucket}"));
        let said = aws.run(&format!("sync s3://{bucket}"));
        assert!(said.0.contains("listed 5 = stored 0 + held 3"), "{name}: {}", said.0);
        let said = aws.run("search '' --count").0;
        assert_eq!(said, "4\n", "{name}");
        assert!(aws.run("archive verify").0.starts_with("sound"), "{name}");
    }
}

#[test]
fn what_stays_refused_is_said_with_its_reason_and_the_next_run_brings_it() {
    let mut aws = Aws::new();
    let bucket = filled(&aws);
    let faults = Faults::before(address());
    aws.endpoint = faults.endpoint.clone();
    faults.on("GetObject", 0, 1, s3_error(403, "AccessDenied"));
    aws.run(&format!("sync s3://{bucket}/production")).is(expect![[r#"
        ! listed 1 = stored 0 + held 0 + skipped 0 + failed 1
        ! failed s3://acme-logs/production/eve-0123456789abcdef2.log: access denied: s3:GetObject is missing
        ! hint: allow {"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::acme-logs/*"}
        [exit 3]
    "#]]);
    aws.run(&format!("sync s3://{bucket}/production")).is(expect![[r#"
        ! listed 1 = stored 1 + held 0 + skipped 0 + failed 0
        ! 1 new session, 0 changed; 152 B read, 1 command found
        ! head: 1:…
    "#]]);
}

#[test]
fn credentials_that_expire_half_way_end_the_source_at_once() {
    let mut aws = Aws::new();
    let bucket = filled(&aws);
    let faults = Faults::before(address());
    aws.endpoint = faults.endpoint.clone();
    faults.on("GetObject", 0, 99, s3_error(400, "ExpiredToken"));
    let said = aws.run(&format!("sync s3://{bucket}/production"));
    said.is(expect![[r#"
        ! listed 1 = stored 0 + held 0 + skipped 0 + failed 1
        ! failed s3://acme-logs/production/eve-0123456789abcdef2.log: the credentials have expired
        ! hint: renew the credentials, then run the same command again; what was read is kept
        [exit 3]
    "#]]);
    faults.clear();
    assert!(aws.run(&format!("sync s3://{bucket}/production")).0.contains("stored 1"));
}

#[test]
fn a_clock_that_is_off_is_said_with_what_to_do() {
    let mut aws = Aws::new();
    let bucket = filled(&aws);
    let faults = Faults::before(address());
    aws.endpoint = faults.endpoint.clone();
    faults.on("ListObjectsV2", 0, 99, s3_error(403, "RequestTimeTooSkewed"));
    aws.run(&format!("sync s3://{bucket}")).is(expect![[r#"
        ! could not list s3://acme-logs/: this machine's clock is wrong: AWS accepts five minutes of difference for signatures
        ! hint: set the clock (for example `timedatectl set-ntp true`), then run the same command again
        [exit 2]
    "#]]);
}

#[test]
fn an_object_that_is_replaced_after_it_was_listed_is_read_as_it_is_now_and_that_is_said() {
    let mut aws = Aws::new();
    let bucket = aws.bucket("acme-logs", &[(ALICE, &transcript(&["sh-4.2$ whoami"]))]);
    let faults = Faults::before(address());
    aws.endpoint = faults.endpoint.clone();
    let (client, name) = (aws.s3(), bucket.clone());
    let replace = move || {
        let body = transcript(&["sh-4.2$ uptime", "sh-4.2$ exit"]);
        let put = client.put_object().bucket(&name).key(ALICE).body(body.into());
        block_on(put.send()).expect("replaced");
    };
    faults.on("GetObject", 0, 1, Fault::First(Arc::new(replace)));
    aws.run(&format!("sync s3://{bucket}")).is(expect![[r#"
        ! listed 1 = stored 1 + held 0 + skipped 0 + failed 0
        ! 1 new session, 0 changed; 171 B read, 2 commands found
        ! note: s3://acme-logs/prod/alice-0123456789abcdef0.log: it was replaced after it was listed; what is there now was read
        ! head: 1:…
    "#]]);
    aws.run(&format!("sync s3://{bucket}")).is(expect![[r#"
        ! listed 1 = stored 0 + held 1 + skipped 0 + failed 0
        ! head: 1:…
    "#]]);
    aws.run("search '' --count").is(expect![[r#"
        2
    "#]]);
}

#[test]
fn an_object_that_is_deleted_after_it_was_listed_is_a_loss_and_said() {
    let mut aws = Aws::new();
    let bucket = filled(&aws);
    let faults = Faults::before(address());
    aws.endpoint = faults.endpoint.clone();
    let (client, name) = (aws.s3(), bucket.clone());
    let delete = move || {
        let delete =
            client.delete_object().bucket(&name).key("production/eve-0123456789abcdef2.log");
        block_on(delete.send()).expect("deleted");
    };
    faults.on("GetObject", 0, 1, Fault::First(Arc::new(delete)));
    aws.run(&format!("sync s3://{bucket}/production")).is(expect![[r#"
        ! listed 1 = stored 0 + held 0 + skipped 0 + failed 1
        ! failed s3://acme-logs/production/eve-0123456789abcdef2.log: it was deleted after it was listed
        [exit 3]
    "#]]);
}

#[test]
fn a_large_object_is_taken_up_again_where_the_connection_broke() {
    let mut aws = Aws::new();
    let lines: Vec<String> =
        (0..400_000).map(|it| format!("line {it} of a long listing")).collect();
    let mut lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    lines.insert(0, "sh-4.2$ cat long");
    lines.push("sh-4.2$ exit");
    let bytes = transcript(&lines);
    let bucket = aws.bucket("acme-logs", &[(ALICE, &bytes)]);
    let faults = Faults::before(address());
    aws.endpoint = faults.endpoint.clone();
    faults.on("GetObject", 0, 1, Fault::Truncated(5_000_000));
    faults.on("GetObject", 0, 1, Fault::Truncated(3_000_000));
    let said = aws.run(&format!("sync s3://{bucket}"));
    assert!(said.0.contains("stored 1"), "{}", said.0);
    assert_eq!(faults.count("GetObject"), 3);
    let out = aws.command(&["show".into(), "alice".into(), "--raw".into()]).output().unwrap();
    assert!(out.stdout == bytes, "every byte, once, in order");
}

#[test]
fn an_archived_object_needs_a_restore_and_a_later_run_reads_it() {
    let aws = Aws::new();
    let bucket = aws.bucket("acme-logs", &[(BOB, &transcript(&["sh-4.2$ uptime"]))]);
    block_on(async {
        let put = aws.s3().put_object().bucket(&bucket).key(ALICE);
        let put = put.storage_class(aws_sdk_s3::types::StorageClass::Glacier);
        put.body(transcript(&["sh-4.2$ whoami"]).into()).send().await.expect("an object put");
    });
    aws.run(&format!("sync s3://{bucket}")).is(expect![[r#"
        ! listed 2 = stored 1 + held 0 + skipped 0 + failed 1
        ! 1 new session, 0 changed; 156 B read, 1 command found
        ! failed s3://acme-logs/prod/alice-0123456789abcdef0.log: it lies in an archive class and needs a restore: aws s3api restore-object --bucket acme-logs --key prod/alice-0123456789abcdef0.log --restore-request Days=7
        ! head: 1:…
        [exit 3]
    "#]]);
    block_on(async {
        let request = aws_sdk_s3::types::RestoreRequest::builder().days(7).build();
        let restore = aws.s3().restore_object().bucket(&bucket).key(ALICE);
        restore.restore_request(request).send().await.expect("restored");
    });
    aws.run(&format!("sync s3://{bucket}")).is(expect![[r#"
        ! listed 2 = stored 1 + held 1 + skipped 0 + failed 0
        ! 1 new session, 0 changed; 156 B read, 1 command found
        ! head: 2:…
    "#]]);
}

#[test]
fn older_versions_are_read_where_that_is_configured() {
    let aws = Aws::new();
    let bucket = aws.bucket("acme-logs", &[]);
    block_on(async {
        let on = aws_sdk_s3::types::VersioningConfiguration::builder()
            .status(aws_sdk_s3::types::BucketVersioningStatus::Enabled);
        let put = aws.s3().put_bucket_versioning().bucket(&bucket);
        put.versioning_configuration(on.build()).send().await.expect("versions on");
    });
    aws.put(&bucket, ALICE, &transcript(&["sh-4.2$ rm -rf /var/log/audit"]));
    aws.put(&bucket, ALICE, &transcript(&["sh-4.2$ ls"]));
    let config =
        format!("[[source]]\nname = \"prod\"\nplace = \"s3://{bucket}\"\nversions = true\n");
    aws.world.file("ssmtrail.toml", config.as_bytes());
    aws.run("sync").is(expect![[r#"
        ! listed 2 = stored 2 + held 0 + skipped 0 + failed 0
        ! 2 new sessions, 0 changed; 323 B read, 2 commands found
        ! head: 1:…
    "#]]);
    aws.run("sync prod").is(expect![[r#"
        ! listed 2 = stored 0 + held 2 + skipped 0 + failed 0
        ! head: 1:…
    "#]]);
    aws.run("query -e 'SELECT transcripts, command_count, flaws FROM sessions'").is(expect![[r#"
        TRANSCRIPTS  COMMAND_COUNT  FLAWS
                  1              1  clock+diverges
                  1              1  clock+diverges
    "#]]);
    aws.run("query -e 'SELECT COUNT(DISTINCT version_id) AS n FROM transcripts'").is(expect![[
        r#"
        N
        2
    "#
    ]]);
}

#[test]
fn a_place_that_is_not_there_or_refuses_is_said_and_the_others_are_read() {
    let mut aws = Aws::new();
    let bucket = filled(&aws);
    aws.run("sync s3://no-such-bucket-of-ours").is(expect![[r#"
        ! could not list s3://no-such-bucket-of-ours/: there is no such bucket
        ! hint: check its name and the account
        [exit 2]
    "#]]);
    aws.run(&format!("sync s3://no-such-bucket-of-ours ./nowhere s3://{bucket}/production")).is(
        expect![[r#"
            ! listed 1 = stored 1 + held 0 + skipped 0 + failed 0
            ! 1 new session, 0 changed; 152 B read, 1 command found
            ! could not list s3://no-such-bucket-of-ours/: there is no such bucket
            ! could not list ./nowhere: no such folder: ./nowhere
            ! hint: a source is a folder or file; `./name` if it looks like something else
            ! hint: check its name and the account
            ! head: 1:…
            [exit 3]
        "#]],
    );
    let faults = Faults::before(address());
    aws.endpoint = faults.endpoint.clone();
    faults.on("ListObjectsV2", 0, 9, s3_error(403, "AccessDenied"));
    aws.run(&format!("sync s3://{bucket}")).is(expect![[r#"
        ! could not list s3://acme-logs/: access denied: s3:ListBucket is missing
        ! hint: allow {"Effect":"Allow","Action":"s3:ListBucket","Resource":"arn:aws:s3:::acme-logs"}
        ! head: 1:…
        [exit 2]
    "#]]);
    aws.endpoint = "http://127.0.0.1:1".into();
    let said = aws.run(&format!("sync s3://{bucket}"));
    said.is(expect![[r#"
        ! could not list s3://acme-logs/: cannot reach ENDPOINT: connection refused
        ! hint: check the network, the Region and --endpoint-url, then run the same command again
        ! head: 1:…
        [exit 2]
    "#]]);
}

#[test]
fn without_credentials_nothing_is_asked_and_the_way_on_is_said() {
    let mut aws = Aws::new();
    aws.environment = vec![
        ("AWS_ACCESS_KEY_ID".into(), String::new()),
        ("AWS_SECRET_ACCESS_KEY".into(), String::new()),
    ];
    aws.run("sync s3://acme-logs").is(expect![[r#"
        ! could not list s3://acme-logs/: there are no AWS credentials
        ! hint: set AWS_PROFILE, use --profile, or run where a role is attached
        [exit 2]
    "#]]);
    // A single sign-on session whose token is too old.
    let config = "[profile audit]\nsso_start_url = https://acme.awsapps.com/start\nsso_region = us-east-1\nsso_account_id = 111122223333\nsso_role_name = audit\nregion = us-east-1\n";
    aws.world.file("aws-config", config.as_bytes());
    aws.run("sync s3://acme-logs --profile audit").is(expect![[r#"
        ! could not list s3://acme-logs/: there is no single sign-on session, or it has expired
        ! hint: run `aws sso login --profile audit`, then the same command again
        [exit 2]
    "#]]);
    aws.run("sync s3://acme-logs --profile nobody").is(expect![[r#"
        ! could not list s3://acme-logs/: there is no profile nobody
        ! hint: `aws configure list-profiles` lists those there are
        [exit 2]
    "#]]);
}

#[test]
fn interrupted_and_killed_the_next_run_ends_like_an_unbroken_one() {
    let aws = Aws::new();
    let bucket = aws.bucket("many", &[]);
    block_on(async {
        let client = aws.s3();
        for it in 0..300 {
            let key = format!("u-0{it:016x}.log");
            let body = transcript(&[&format!("sh-4.2$ echo {it}"), "sh-4.2$ exit"]);
            client.put_object().bucket(&bucket).key(key).body(body.into()).send().await.unwrap();
        }
    });
    for (nth, signal) in ["-KILL", "-INT", "-TERM", "-KILL"].iter().enumerate() {
        let words = ["sync".to_owned(), format!("s3://{bucket}")];
        let mut child = aws.command(&words).stderr(std::process::Stdio::null()).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(60 + 60 * nth as u64));
        let kill = format!("kill {signal} {}", child.id());
        std::process::Command::new("bash").args(["-c", &kill]).status().unwrap();
        child.wait().unwrap();
    }
    let said = aws.run(&format!("sync s3://{bucket}")).0;
    assert!(said.contains("listed 300") && said.contains("failed 0"), "{said}");
    assert_eq!(aws.run("search '' --count").0, "600\n");
    assert!(aws.run("archive verify").0.starts_with("sound"));
}

#[test]
fn a_bucket_tells_its_region_itself_and_must_belong_to_whom_it_should() {
    let mut aws = Aws::new();
    let bucket = aws.bucket("acme-logs", &[(ALICE, &transcript(&["sh-4.2$ whoami"]))]);
    let faults = Faults::before(address());
    aws.endpoint = faults.endpoint.clone();
    // No emulator redirects ("HeadBucket": x-amz-bucket-region comes with a refusal too).
    let elsewhere = "application/xml\r\nx-amz-bucket-region: eu-central-1";
    for status in [301, 403] {
        faults.on("HeadBucket", 0, 1, Fault::Answer(status, elsewhere, String::new()));
        let said = aws.run(&format!("doctor s3://{bucket}")).0;
        assert!(said.contains("ok    place     a bucket in eu-central-1"), "{status}: {said}");
    }
    let config =
        format!("[[source]]\nplace = \"s3://{bucket}\"\nbucket_owner = \"111122223333\"\n");
    aws.world.file("ssmtrail.toml", config.as_bytes());
    faults.on("HeadBucket", 0, 1, Fault::Answer(403, elsewhere, String::new()));
    aws.run("sync").is(expect![[r#"
        ! could not list s3://acme-logs/: access denied: the bucket does not belong to account 111122223333, or s3:ListBucket is missing
        ! hint: check bucket_owner in the configuration before anything else: a bucket of this name in other hands gets your questions
        [exit 2]
    "#]]);
}

/// A transcript that is streamed rather than fetched whole, with one line that matters near its end.
fn long() -> Vec<u8> {
    let lines: Vec<String> =
        (0..150_000).map(|it| format!("line {it:07} of output that is long enough")).collect();
    let mut lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    lines.insert(0, "sh-4.2$ cat long");
    lines.extend(["sh-4.2$ systemctl stop auditd", "sh-4.2$ exit"]);
    transcript(&lines)
}

/// Other bytes of the same length.
fn whitewashed(body: Vec<u8>) -> Vec<u8> {
    let from = b"systemctl stop auditd";
    let at = body.windows(from.len()).rposition(|it| it == from);
    let mut body = body;
    if let Some(at) = at {
        body[at..at + from.len()].copy_from_slice(b"systemctl show auditd");
    }
    body
}

fn put_with(aws: &Aws, bucket: &str, bytes: &[u8], sum: aws_sdk_s3::types::ChecksumAlgorithm) {
    block_on(async {
        let put = aws.s3().put_object().bucket(bucket).key(ALICE).checksum_algorithm(sum);
        put.body(bytes.to_vec().into()).send().await.expect("an object put");
    });
}

#[test]
fn a_large_object_that_was_taken_up_again_is_proved_as_a_whole() {
    let mut aws = Aws::new();
    let bucket = aws.bucket("acme-logs", &[]);
    put_with(&aws, &bucket, &long(), aws_sdk_s3::types::ChecksumAlgorithm::Sha256);
    let faults = Faults::before(address());
    aws.endpoint = faults.endpoint.clone();
    // Broken off, and what comes then is not what was stored: each time.
    for _ in 0..3 {
        faults.on("GetObject", 0, 1, Fault::Truncated(3 << 20));
        faults.on("GetObject", 0, 1, changed(&[], whitewashed));
    }
    aws.run(&format!("sync s3://{bucket}")).is(expect![[r#"
        ! listed 1 = stored 0 + held 0 + skipped 0 + failed 1
        ! failed s3://acme-logs/prod/alice-0123456789abcdef0.log: its bytes do not have the checksum they were stored with, 3 times
        ! hint: nothing of it was kept: either the way to S3 changes what it carries, or the object is damaged where it lies; fetch it by another way and compare
        [exit 3]
    "#]]);
    aws.run("search auditd").is(expect![[r#"
        ! nothing found; --output searches what was shown, -i ignores case, --reveal searches secrets, too
        [exit 1]
    "#]]);
    // Once by accident: it is fetched anew from its start, and proved.
    faults.clear();
    faults.on("GetObject", 0, 1, Fault::Truncated(3 << 20));
    faults.on("GetObject", 0, 1, changed(&[], whitewashed));
    aws.run(&format!("sync s3://{bucket}")).is(expect![[r#"
        ! listed 1 = stored 1 + held 0 + skipped 0 + failed 0
        ! 1 new session, 0 changed; 6.8 MB read, 3 commands found
        ! head: 1:…
    "#]]);
    assert_eq!(faults.count("GetObject"), 3);
    aws.run("search auditd --count").is(expect![[r#"
        1
    "#]]);
    let sums = "query -e 'SELECT checksum FROM transcripts WHERE part = 0' --format csv";
    assert!(aws.run(sums).0.starts_with("checksum\nsha256:"));
}

#[test]
fn bytes_without_the_checksum_they_were_stored_with_are_never_kept_whichever_it_is() {
    use aws_sdk_s3::types::ChecksumAlgorithm::*;
    for (nth, sum) in [Crc32, Crc32C, Crc64Nvme, Sha1, Sha256].into_iter().enumerate() {
        for (body, size) in
            [(long(), "large"), (transcript(&["sh-4.2$ systemctl stop auditd"]), "small")]
        {
            let mut aws = Aws::new();
            let bucket = aws.bucket("acme-logs", &[]);
            put_with(&aws, &bucket, &body, sum.clone());
            let faults = Faults::before(address());
            aws.endpoint = faults.endpoint.clone();
            faults.on("GetObject", 0, 99, changed(&[], whitewashed));
            let said = aws.run(&format!("sync s3://{bucket}"));
            let expected = expect![[r#"
                ! listed 1 = stored 0 + held 0 + skipped 0 + failed 1
                ! failed s3://acme-logs/prod/alice-0123456789abcdef0.log: its bytes do not have the checksum they were stored with, 3 times
                ! hint: nothing of it was kept: either the way to S3 changes what it carries, or the object is damaged where it lies; fetch it by another way and compare
                [exit 3]
            "#]];
            if nth == 0 && size == "large" {
                said.is_same(&expected);
            }
            assert!(
                said.0.contains("do not have the checksum they were stored with, 3 times"),
                "{sum} {size}: {}",
                said.0
            );
            assert_eq!(faults.count("GetObject"), 3, "{sum} {size}");
            faults.clear();
            assert!(aws.run(&format!("sync s3://{bucket}")).0.contains("stored 1"), "{sum} {size}");
        }
    }
}

#[test]
fn without_a_checksum_the_etag_of_a_plain_object_is_held_against_its_bytes() {
    let expected = expect![[r#"
        ! listed 1 = stored 0 + held 0 + skipped 0 + failed 1
        ! failed s3://acme-logs/prod/alice-0123456789abcdef0.log: its bytes do not have the MD5 that its ETag is, 3 times
        ! hint: nothing of it was kept: either the way to S3 changes what it carries, or the object is damaged where it lies; fetch it by another way and compare
        [exit 3]
    "#]];
    for body in [long(), transcript(&["sh-4.2$ systemctl stop auditd"])] {
        let mut aws = Aws::new();
        let bucket = aws.bucket("acme-logs", &[(ALICE, &body)]);
        let faults = Faults::before(address());
        aws.endpoint = faults.endpoint.clone();
        faults.on("GetObject", 0, 99, changed(&["x-amz-checksum"], whitewashed));
        let said = aws.run(&format!("sync s3://{bucket}"));
        said.is_same(&expected);
    }
}

#[test]
fn an_answer_that_is_not_of_the_object_that_was_listed_is_asked_for_again_and_never_kept() {
    let shorter = |body: Vec<u8>| body[..body.len() / 2].to_vec();
    let answers = [
        changed(&["etag", "x-amz-checksum"], shorter),
        changed(&["x-amz-checksum"], shorter),
        changed(&["etag", "x-amz-checksum"], |it| it),
        Fault::Answer(200, "text/html", "<html>Please log in</html>".into()),
    ];
    let mut told = String::new();
    for answer in answers {
        let mut aws = Aws::new();
        let bucket = aws.bucket("acme-logs", &[(ALICE, &transcript(&["sh-4.2$ whoami"]))]);
        let faults = Faults::before(address());
        aws.endpoint = faults.endpoint.clone();
        faults.on("GetObject", 0, 99, answer.clone());
        told.push_str(&aws.run(&format!("sync s3://{bucket}")).0);
        faults.clear();
        // Once by accident does no harm.
        faults.on("GetObject", 0, 1, answer);
        assert!(aws.run(&format!("sync s3://{bucket}")).0.contains("stored 1"));
    }
    expect![[r#"
        ! listed 1 = stored 0 + held 0 + skipped 0 + failed 1
        ! failed s3://acme-logs/prod/alice-0123456789abcdef0.log: the answer has no ETag and the listing has, so that it may be of anything, 3 times
        ! hint: nothing of it was kept: either the way to S3 changes what it carries, or the object is damaged where it lies; fetch it by another way and compare
        [exit 3]
        ! listed 1 = stored 0 + held 0 + skipped 0 + failed 1
        ! failed s3://acme-logs/prod/alice-0123456789abcdef0.log: the answer is 78 bytes long, the listing says 156, 3 times
        ! hint: nothing of it was kept: either the way to S3 changes what it carries, or the object is damaged where it lies; fetch it by another way and compare
        [exit 3]
        ! listed 1 = stored 0 + held 0 + skipped 0 + failed 1
        ! failed s3://acme-logs/prod/alice-0123456789abcdef0.log: the answer has no ETag and the listing has, so that it may be of anything, 3 times
        ! hint: nothing of it was kept: either the way to S3 changes what it carries, or the object is damaged where it lies; fetch it by another way and compare
        [exit 3]
        ! listed 1 = stored 0 + held 0 + skipped 0 + failed 1
        ! failed s3://acme-logs/prod/alice-0123456789abcdef0.log: the answer has no ETag and the listing has, so that it may be of anything, 3 times
        ! hint: nothing of it was kept: either the way to S3 changes what it carries, or the object is damaged where it lies; fetch it by another way and compare
        [exit 3]
    "#]].assert_eq(&told);
}

#[test]
fn a_checksum_of_parts_is_not_written_down_as_proved() {
    let mut aws = Aws::new();
    let bucket = aws.bucket("acme-logs", &[(ALICE, &transcript(&["sh-4.2$ whoami"]))]);
    let faults = Faults::before(address());
    aws.endpoint = faults.endpoint.clone();
    // The shape of an object that was uploaded in parts ("Checking object integrity", Amazon S3 User Guide).
    let in_parts = |answer: Vec<u8>| {
        let text = String::from_utf8_lossy(&answer).into_owned();
        let head = "\r\nx-amz-checksum-crc32: NhCmhg==-3\r\nx-amz-checksum-type: COMPOSITE\r\n\r\n";
        let lines = text.split_once("\r\n\r\n").expect("a head");
        let kept =
            lines.0.lines().filter(|it| !it.to_ascii_lowercase().starts_with("x-amz-checksum"));
        let kept: Vec<&str> = kept.collect();
        format!("{}{head}{}", kept.join("\r\n"), lines.1).into_bytes()
    };
    faults.on("GetObject", 0, 9, Fault::Changed(Arc::new(in_parts)));
    aws.run(&format!("sync s3://{bucket}"));
    aws.run("query -e 'SELECT checksum, content_bytes FROM transcripts' --format jsonl").is(
        expect![[r#"
            {"checksum":null,"content_bytes":156}
        "#]],
    );
}

#[test]
fn a_key_that_cannot_name_a_session_and_holds_one_is_a_loss_on_every_run() {
    let aws = Aws::new();
    let body = transcript(&["sh-4.2$ whoami"]);
    let bucket = aws.bucket(
        "acme-logs",
        &[
            (ALICE, &body),
            ("prod/back\u{8}space-0123456789abcdef5.log", &body),
            ("prod/bare\nbare-0123456789abcdef6.log", b"/ # whoami\r\nroot\r\n/ # "),
            ("prod/dir/", b""),
            ("prod/no\tte.txt", b"hello\n"),
        ],
    );
    aws.run(&format!("sync s3://{bucket}")).is(expect![[r#"
        ! listed 5 = stored 1 + held 0 + skipped 2 + failed 2
        ! 1 new session, 0 changed; 162 B read, 1 command found
        ! skipped s3://acme-logs/prod/dir/: a folder marker
        ! skipped s3://acme-logs/prod/no    te.txt: no transcript: no script header, no log events, and its name is no session id
        ! failed s3://acme-logs/prod/back\x08space-0123456789abcdef5.log: it holds a transcript, and its name cannot be a session id
        ! failed s3://acme-logs/prod/bare ⏎ bare-0123456789abcdef6.log: it holds a transcript, and its name cannot be a session id
        ! head: 1:…
        [exit 3]
    "#]]);
    aws.run(&format!("sync s3://{bucket}")).is(expect![[r#"
        ! listed 5 = stored 0 + held 1 + skipped 2 + failed 2
        ! skipped s3://acme-logs/prod/dir/: a folder marker
        ! skipped s3://acme-logs/prod/no    te.txt: no transcript: no script header, no log events, and its name is no session id
        ! failed s3://acme-logs/prod/back\x08space-0123456789abcdef5.log: it holds a transcript, and its name cannot be a session id
        ! failed s3://acme-logs/prod/bare ⏎ bare-0123456789abcdef6.log: it holds a transcript, and its name cannot be a session id
        ! head: 1:…
        [exit 3]
    "#]]);
}
