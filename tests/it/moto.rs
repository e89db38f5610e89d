//! A second emulator, of another make: what works against one alone may lean on its habits.
//!
//! moto, in a Python environment that is made beside the build. Where there is no Python, that is said and passed over.

use std::net::TcpListener;
use std::net::TcpStream;
use std::process::Child;
use std::process::Command;
use std::process::Stdio;
use std::sync::OnceLock;
use std::time::Duration;

use aws_sdk_ecs::types::ClusterConfiguration;
use aws_sdk_ecs::types::ExecuteCommandConfiguration;
use aws_sdk_ecs::types::ExecuteCommandLogConfiguration;
use aws_sdk_ecs::types::ExecuteCommandLogging;
use expect_test::expect;
use serde_json::json;

use crate::logs::hours_ago;
use crate::peer::ACCOUNT;
use crate::peer::Aws;
use crate::peer::block_on;
use crate::peer::streamed;
use crate::peer::venv;
use crate::world::FOOTER;
use crate::world::HEADER;

const MOTO: &str = "moto[s3,ssm,iam,ec2,ecs,logs,sts]==5.2.5";

/// Ends when its standard input does.
const SERVE: &str = "
import os, sys, threading
from moto.server import main
threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()
main(['-H', '127.0.0.1', '-p', sys.argv[1]])
";

#[expect(clippy::print_stderr, reason = "what is passed over is said")]
fn moto() -> Option<&'static str> {
    static MOTO_SERVER: OnceLock<Option<(String, Child)>> = OnceLock::new();
    let server = MOTO_SERVER.get_or_init(|| {
        let venv = venv("moto-5.2.5", &[MOTO, "flask", "flask-cors"])?;
        let port = TcpListener::bind("127.0.0.1:0").ok()?.local_addr().ok()?.port();
        let server = Command::new(venv.join("bin/python"))
            .args(["-c", SERVE, &port.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .ok()?;
        let address = format!("127.0.0.1:{port}");
        for _ in 0..300 {
            if TcpStream::connect(&address).is_ok() {
                return Some((address, server));
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        None
    });
    if server.is_none() {
        eprintln!("passed over: moto could not be installed (python3 with venv and pip is needed)");
    }
    server.as_ref().map(|it| it.0.as_str())
}

const ALICE: &str = "alice-0123456789abcdef0";

#[test]
fn a_bucket_and_a_group_are_archived_from_moto_too() {
    let Some(moto) = moto() else { return };
    let aws = Aws::at(moto);
    let body = format!("{HEADER}sh-4.2$ whoami\r\r\nssm-user\r\r\n{FOOTER}");
    let key = format!("prod/{ALICE}.log");
    let bucket =
        aws.bucket("acme-logs", &[(&key, body.as_bytes()), ("prod/x.png", b"\x89PNG\r\n\x1a\n")]);
    let group = aws.group("sessions");
    let at = hours_ago(30);
    aws.events(&group, ALICE, &[streamed(ACCOUNT, ALICE, at, &["sh-4.2$ whoami", "ssm-user"])]);
    aws.events(&group, "web/app/1", &[(at, "GET /".into())]);
    let line = format!("sync s3://{bucket}/prod logs:{group}");
    aws.run(&line).is(expect![[r#"
        ! listed 4 = stored 2 + held 0 + skipped 2 + failed 0
        ! 1 new session, 1 changed; 624 B read, 2 commands found
        ! skipped arn:aws:logs:us-east-1:123456789012:log-group:sessions:log-stream:web/app/1: the stream of something that is no session, by its name
        ! skipped s3://acme-logs/prod/x.png: no transcript: a PNG image
    "#]]);
    aws.run(
        "query -e 'SELECT session_id, command, owner, at_latest IS NULL AS unknown FROM commands'",
    )
    .is(expect![[r#"
        SESSION_ID               COMMAND  OWNER                                             UNKNOWN
        alice-0123456789abcdef0  whoami   arn:aws:sts::123456789012:assumed-role/Ops/alice  false
    "#]]);
    aws.events(&group, ALICE, &[streamed(ACCOUNT, ALICE, at + 9000, &["sh-4.2$ uptime"])]);
    aws.run(&format!("sync logs:{group}")).is(expect![[r#"
        ! listed 2 = stored 1 + held 0 + skipped 1 + failed 0
        ! 0 new sessions, 1 changed; 436 B read, 1 command found
        ! skipped arn:aws:logs:us-east-1:123456789012:log-group:sessions:log-stream:web/app/1: the stream of something that is no session, by its name
    "#]]);
    aws.run(&format!("doctor s3://{bucket}")).is(expect![[r#"
        s3://acme-logs/
          ok    identity  arn:aws:sts::123456789012:user/moto
          ok    clock     right
          ok    place     a bucket in us-east-1
          ok    list      allowed
          ok    read      allowed, tried on prod/alice-0123456789abcdef0.log
    "#]]);
}

#[test]
fn preferences_and_real_clusters_are_found_in_moto() {
    let Some(moto) = moto() else { return };
    let aws = Aws::at(moto);
    let bucket = json!({ "s3BucketName": "acme-logs", "s3KeyPrefix": "ssm" });
    aws.document("us-east-1", "SSM-SessionManagerRunShell", bucket);
    let log = ExecuteCommandLogConfiguration::builder().cloud_watch_log_group_name("/ecs/exec");
    let exec = ExecuteCommandConfiguration::builder()
        .logging(ExecuteCommandLogging::Override)
        .log_configuration(log.build());
    let configuration =
        ClusterConfiguration::builder().execute_command_configuration(exec.build()).build();
    let create = aws.ecs().create_cluster().cluster_name("prod").configuration(configuration);
    block_on(create.send()).expect("a cluster");
    aws.run("init --region us-east-1").is(expect![[r#"
        ! looked into 1 Region: 2 sources added, 0 known
        ! added s3://acme-logs/ssm/
        ! added logs:arn:aws:logs:us-east-1:123456789012:log-group:/ecs/exec
        ! wrote ssmtrail.toml; next: `ssmtrail sync`
    "#]]);
}
