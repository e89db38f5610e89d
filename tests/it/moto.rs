//! A second emulator, of another make: what works against one alone may lean on its habits.
//!
//! moto, in the Python environment beside the build. `tests/run` installs it.

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

use crate::faults::Fault;
use crate::faults::Faults;
use crate::faults::json_error;
use crate::logs::hours_ago;
use crate::needs::python;
use crate::peer::ACCOUNT;
use crate::peer::Aws;
use crate::peer::block_on;
use crate::peer::query;
use crate::peer::streamed;
use crate::world::FOOTER;
use crate::world::HEADER;

/// Ends when its standard input does.
const SERVE: &str = "
import os, sys, threading
from moto.server import main
threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()
main(['-H', '127.0.0.1', '-p', sys.argv[1]])
";

fn moto() -> &'static str {
    static SERVER: OnceLock<(String, Child)> = OnceLock::new();
    let server = SERVER.get_or_init(|| {
        let free = TcpListener::bind("127.0.0.1:0").and_then(|it| it.local_addr());
        let port = free.expect("a free port").port();
        let mut server = Command::new(python("python"))
            .args(["-c", SERVE, &port.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("moto starts");
        let address = format!("127.0.0.1:{port}");
        let answers = (0..300).any(|_| {
            std::thread::sleep(Duration::from_millis(100));
            TcpStream::connect(&address).is_ok()
        });
        if !answers {
            let _ = server.kill();
            let _ = server.wait();
            panic!("moto does not answer within thirty seconds");
        }
        (address, server)
    });
    &server.0
}

const ALICE: &str = "alice-0123456789abcdef0";

#[test]
#[ignore = "needs moto"]
fn a_bucket_and_a_group_are_archived_from_moto_too() {
    let moto = moto();
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
        ! head: 2:…
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
        ! head: 3:…
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
#[ignore = "needs moto"]
fn preferences_and_real_clusters_are_found_in_moto() {
    let moto = moto();
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

/// Where no other test of this emulator has anything.
const WEST: &str = "eu-west-1";

/// What EC2 answers to a set-up call, and the id in it.
fn ec2(aws: &Aws, words: &[(&str, &str)], id: &str) -> String {
    let mut words = words.to_vec();
    words.push(("Version", "2016-11-15"));
    let answer = query(aws, WEST, "ec2", &words);
    let found = answer.split(&format!("<{id}>")).nth(1).and_then(|it| it.split('<').next());
    found.unwrap_or_else(|| panic!("{id} in {answer}")).to_owned()
}

#[test]
#[ignore = "needs moto"]
fn the_network_of_a_real_ec2_answers_is_read_and_judged() {
    let moto = moto();
    let mut aws = Aws::at(moto);
    // Named and never made: moto lists the streams of any group where there are two.
    let group = "/ssm";
    aws.document(
        "eu-west-1",
        "SSM-SessionManagerRunShell",
        json!({ "cloudWatchLogGroupName": group, "s3BucketName": aws.bucket("net", &[]) }),
    );
    let vpc = ec2(&aws, &[("Action", "CreateVpc"), ("CidrBlock", "10.7.0.0/16")], "vpcId");
    let subnet = ec2(
        &aws,
        &[("Action", "CreateSubnet"), ("VpcId", &vpc), ("CidrBlock", "10.7.1.0/24")],
        "subnetId",
    );
    let instance = ec2(
        &aws,
        &[
            ("Action", "RunInstances"),
            ("ImageId", "ami-12c6146b"),
            ("MinCount", "1"),
            ("MaxCount", "1"),
            ("SubnetId", &subnet),
        ],
        "instanceId",
    );
    // moto has neither managed nodes nor IAM's simulator, and answers what it lacks by a 500, which is tried again for long.
    let faults = Faults::before(moto);
    let none = Fault::Answer(
        200,
        "application/x-amz-json-1.1",
        json!({ "InstanceInformationList": [] }).to_string(),
    );
    faults.on("DescribeInstanceInformation", 0, 99, none);
    for it in ["DescribeAccountPolicies", "DescribeDestinations"] {
        faults.on(it, 0, 99, json_error(400, "AccessDeniedException"));
    }
    aws.endpoint = faults.endpoint.clone();
    let judge = |aws: &Aws| {
        let said = aws.run("verify --region eu-west-1 --check NET --format csv").0;
        let mut out: Vec<String> = csv::Reader::from_reader(said.as_bytes())
            .records()
            .filter_map(Result::ok)
            .filter(|it| it.get(7).is_some_and(|it| it.ends_with(&instance)))
            .map(|it| format!("{} {}", &it[0], &it[2]))
            .collect();
        out.sort_unstable();
        out.dedup();
        out
    };
    let all = |them: [&str; 5]| -> Vec<String> {
        them.iter().enumerate().map(|it| format!("NET-0{} {}", it.0 + 1, it.1)).collect()
    };
    assert_eq!(judge(&aws), all(["fail", "not applicable", "fail", "fail", "not applicable"]));
    let gateway = ec2(&aws, &[("Action", "CreateInternetGateway")], "internetGatewayId");
    query(
        &aws,
        WEST,
        "ec2",
        &[
            ("Action", "AttachInternetGateway"),
            ("InternetGatewayId", &gateway),
            ("VpcId", &vpc),
            ("Version", "2016-11-15"),
        ],
    );
    let table = ec2(
        &aws,
        &[
            ("Action", "DescribeRouteTables"),
            ("Filter.1.Name", "vpc-id"),
            ("Filter.1.Value.1", &vpc),
        ],
        "routeTableId",
    );
    query(
        &aws,
        WEST,
        "ec2",
        &[
            ("Action", "CreateRoute"),
            ("RouteTableId", &table),
            ("DestinationCidrBlock", "0.0.0.0/0"),
            ("GatewayId", &gateway),
            ("Version", "2016-11-15"),
        ],
    );
    assert_eq!(judge(&aws), all(["fail", "fail", "fail", "fail", "not applicable"]));
    for service in ["ssm", "ssmmessages", "logs"] {
        let name = format!("com.amazonaws.eu-west-1.{service}");
        ec2(
            &aws,
            &[
                ("Action", "CreateVpcEndpoint"),
                ("VpcId", &vpc),
                ("ServiceName", &name),
                ("VpcEndpointType", "Interface"),
                ("SubnetId.1", &subnet),
                ("PrivateDnsEnabled", "true"),
            ],
            "vpcEndpointId",
        );
    }
    let name = "com.amazonaws.eu-west-1.s3";
    ec2(
        &aws,
        &[
            ("Action", "CreateVpcEndpoint"),
            ("VpcId", &vpc),
            ("ServiceName", name),
            ("VpcEndpointType", "Gateway"),
            ("RouteTableId.1", &table),
        ],
        "vpcEndpointId",
    );
    // The bucket is in another Region, where a gateway endpoint does not lead; and nothing was said of security groups, so that
    // the endpoints admit nobody.
    assert_eq!(judge(&aws), all(["pass", "pass", "fail", "pass", "fail"]));
}
