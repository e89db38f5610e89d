//! The sources find themselves: from the preferences of each Region and account to a file that a person keeps editing; and
//! what is in force, and why something cannot be read.

use expect_test::expect;
use serde_json::json;

use crate::faults::Fault;
use crate::faults::Faults;
use crate::faults::json_error;
use crate::peer::Aws;
use crate::peer::address;
use crate::peer::undated;
use crate::world::Said;

/// An account of its own, whose enabled Regions are told.
fn account(id: &str, regions: &[&str]) -> Aws {
    let aws = Aws::new().in_account(id);
    let regions: Vec<_> = regions
        .iter()
        .map(|it| json!({ "RegionName": it, "RegionOptStatus": "ENABLED_BY_DEFAULT" }))
        .collect();
    // Account Management API Reference: ListRegions.
    aws.canned("/listRegions", "", "Regions", json!(regions));
    // Amazon ECS API Reference: ListClusters, DescribeClusters. No cluster unless a test says so.
    for region in ["us-east-1", "eu-west-1"] {
        let target = "AmazonEC2ContainerServiceV20141113.ListClusters";
        aws.canned(target, region, "clusterArns", json!([]));
    }
    aws
}

fn file(aws: &Aws) -> String {
    std::fs::read_to_string(aws.world.path("ssmtrail.toml")).unwrap_or_default()
}

/// All but the words at the top.
fn sources(file: &str) -> String {
    undated(file.split_once("\n\n").map_or("", |it| it.1))
}

#[test]
fn every_region_is_looked_into_and_each_destination_is_written_with_what_named_it() {
    let aws = account("410000000001", &["us-east-1", "eu-west-1"]);
    let both = json!({
        "s3BucketName": "acme-session-logs",
        "s3KeyPrefix": "prod",
        "cloudWatchLogGroupName": "/aws/ssm/sessions",
        "cloudWatchStreamingEnabled": true,
    });
    aws.document("us-east-1", "SSM-SessionManagerRunShell", both);
    aws.document("us-east-1", "Break-Glass", json!({ "s3BucketName": "{{ bucket }}" }));
    aws.document("us-east-1", "Unlogged", json!({}));
    let bucket = json!({ "s3BucketName": "acme-session-logs", "s3KeyPrefix": "/prod/" });
    aws.document("eu-west-1", "SSM-SessionManagerRunShell", bucket);
    aws.run("init").is(expect![[r#"
        ! looked into 2 Regions: 2 sources added, 0 known
        ! added s3://acme-session-logs/prod/
        ! added logs:arn:aws:logs:us-east-1:410000000001:log-group:/aws/ssm/sessions
        ! note: Break-Glass (version 1) in us-east-1 of 410000000001: its bucket is {{ bucket }}: whoever starts a session chooses it
        ! note: Unlogged (version 1) in us-east-1 of 410000000001: it names no destination, so its sessions are not logged
        ! wrote ssmtrail.toml; next: `ssmtrail sync`
    "#]]);
    let written = file(&aws);
    expect![[r##"
        # learned DATE from SSM-SessionManagerRunShell (version 1) in eu-west-1 of 410000000001
        # and from SSM-SessionManagerRunShell (version 1) in us-east-1 of 410000000001
        [[source]]
        place = "s3://acme-session-logs/prod/"

        # learned DATE from SSM-SessionManagerRunShell (version 1) in us-east-1 of 410000000001
        [[source]]
        place = "logs:arn:aws:logs:us-east-1:410000000001:log-group:/aws/ssm/sessions"
    "##]]
    .assert_eq(&sources(&written));
    // Edited, then run again: nothing of it is lost, and nothing comes twice.
    let edited = written
        .replace("[[source]]\nplace = \"s3", "[[source]] # ours\nname = \"prod\"\nplace = \"s3");
    aws.world.file("ssmtrail.toml", edited.as_bytes());
    aws.run("init").is(expect![[r#"
        ! looked into 2 Regions: 0 sources added, 2 known
        ! known s3://acme-session-logs/prod/
        ! known logs:arn:aws:logs:us-east-1:410000000001:log-group:/aws/ssm/sessions
        ! note: Break-Glass (version 1) in us-east-1 of 410000000001: its bucket is {{ bucket }}: whoever starts a session chooses it
        ! note: Unlogged (version 1) in us-east-1 of 410000000001: it names no destination, so its sessions are not logged
    "#]]);
    assert_eq!(file(&aws), edited);
    // A file that is not there yet may be named.
    let said = aws.run("--config other.toml init").0;
    assert!(said.contains("wrote other.toml"), "{said}");
}

#[test]
fn ecs_clusters_tell_where_their_sessions_go() {
    let aws = account("410000000002", &["ap-southeast-2"]);
    let arn = "arn:aws:ecs:ap-southeast-2:410000000002:cluster";
    let target = "AmazonEC2ContainerServiceV20141113";
    aws.canned(&format!("{target}.ListClusters"), "ap-southeast-2", "clusterArns", json!([arn]));
    let configured = |logging: &str, log: serde_json::Value| json!({ "executeCommandConfiguration": { "logging": logging, "logConfiguration": log } });
    let override_ = json!({ "cloudWatchLogGroupName": "/ecs/exec", "s3BucketName": "acme-exec" });
    let clusters = json!([
        { "clusterName": "prod", "configuration": configured("OVERRIDE", override_) },
        { "clusterName": "test", "configuration": configured("NONE", json!({})) },
        { "clusterName": "old", "clusterArn": "arn:aws:ecs:ap-southeast-2:410000000002:cluster/old" },
    ]);
    // Amazon ECS API Reference: ListTasks, DescribeTasks.
    aws.canned(
        &format!("{target}.ListTasks"),
        "ap-southeast-2",
        "taskArns",
        json!(["arn:of/a/task", "arn:of/another"]),
    );
    let definition = "arn:aws:ecs:ap-southeast-2:410000000002:task-definition/web:3";
    let tasks = json!([
        { "taskArn": "arn:of/a/task", "enableExecuteCommand": true, "taskDefinitionArn": definition },
        { "taskArn": "arn:of/another", "enableExecuteCommand": false, "taskDefinitionArn": "arn:of/task-definition/quiet:1" },
    ]);
    aws.canned(&format!("{target}.DescribeTasks"), "ap-southeast-2", "tasks", tasks);
    let log = |driver: &str, options: serde_json::Value| json!({ "name": "x", "logConfiguration": { "logDriver": driver, "options": options } });
    let containers = [
        log(
            "awslogs",
            json!({ "awslogs-group": "/ecs/web", "awslogs-region": "us-west-2", "awslogs-stream-prefix": "ecs" }),
        ),
        log("awsfirelens", json!({ "Name": "s3" })),
    ];
    aws.canned_whole(&format!("{target}.DescribeTaskDefinition"), "ap-southeast-2", json!({
        "taskDefinition": { "taskDefinitionArn": definition, "containerDefinitions": containers }
    }));
    aws.canned(&format!("{target}.DescribeClusters"), "ap-southeast-2", "clusters", clusters);
    aws.run("init --dry-run").is(expect![[r##"
        # Sources of session transcripts, for ssmtrail. `ssmtrail init` adds what it finds and changes nothing else: edit freely.
        # To leave a source out, put # before its lines rather than delete them, so that it is not added again.
        #
        # Settings of a source: place, name, region, profile, role_arn, external_id, endpoint_url, account (of its sessions, where the
        # place does not tell), bucket_owner, requester_pays, versions. Those of the way to AWS may also stand above all sources.
        # `[promise]` says what `ssmtrail verify` measures by, `[[mute]]` what was accepted, why and until when.
        # `archive = "DIR"` names the folder of the archive. `ssmtrail config show` tells what is in force, and from where.

        # learned DATE from ECS Exec of the cluster prod in ap-southeast-2 of 410000000002
        [[source]]
        place = "s3://acme-exec/"

        # learned DATE from ECS Exec of the cluster prod in ap-southeast-2 of 410000000002
        [[source]]
        place = "logs:arn:aws:logs:ap-southeast-2:410000000002:log-group:/ecs/exec"

        # learned DATE from ECS Exec of the cluster old in ap-southeast-2 of 410000000002, task definition web:3
        [[source]]
        place = "logs:arn:aws:logs:us-west-2:410000000002:log-group:/ecs/web"
        ! looked into 1 Region: 3 sources added, 0 known
        ! added s3://acme-exec/
        ! added logs:arn:aws:logs:ap-southeast-2:410000000002:log-group:/ecs/exec
        ! added logs:arn:aws:logs:us-west-2:410000000002:log-group:/ecs/web
        ! note: ap-southeast-2 of 410000000002: there are no Session Manager preferences, so sessions there are not logged unless they name another document
        ! note: ECS Exec of the cluster test in ap-southeast-2 of 410000000002: logging is off
    "##]]);
    assert_eq!(file(&aws), "", "a dry run writes nothing");
}

#[test]
fn what_is_asked_without_an_sdk_is_asked_again_as_by_one() {
    let mut aws = account("410000000009", &["us-east-1"]);
    let faults = Faults::before(address());
    aws.endpoint = faults.endpoint.clone();
    faults.on("ListClusters", 0, 2, json_error(503, "ServiceUnavailableException"));
    let said = aws.run("init --dry-run --region us-east-1").0;
    assert!(!said.contains("could not"), "{said}");
    assert_eq!(faults.count("ListClusters"), 3);
    let nothing = Fault::Answer(200, "application/x-amz-json-1.1", "{}".into());
    faults.on("ListClusters", 0, 1, nothing);
    let said = aws.run("init --dry-run --region us-east-1").0;
    assert!(
        said.contains("the ECS clusters in us-east-1 of 410000000009: the answer came in a form that is not known"),
        "{said}"
    );
}

#[test]
fn what_may_not_be_read_is_said_with_the_missing_permission() {
    let mut aws = account("410000000003", &["us-east-1"]);
    let faults = Faults::before(address());
    aws.endpoint = faults.endpoint.clone();
    let group = json!({ "cloudWatchLogGroupName": "/aws/ssm/sessions" });
    aws.document("us-east-1", "SSM-SessionManagerRunShell", group);
    faults.on("ListDocuments", 0, 1, json_error(400, "AccessDeniedException"));
    faults.on("ListClusters", 0, 1, json_error(400, "AccessDeniedException"));
    aws.run("init --region us-east-1").is(expect![[r#"
        ! looked into 1 Region: 1 source added, 0 known
        ! added logs:arn:aws:logs:us-east-1:410000000003:log-group:/aws/ssm/sessions
        ! could not read the Session documents in us-east-1 of 410000000003: access denied: ssm:ListDocuments is missing
        ! could not read the ECS clusters in us-east-1 of 410000000003: access denied: ecs:ListClusters is missing
        ! hint: allow {"Effect":"Allow","Action":"ecs:ListClusters","Resource":"*"}
        ! hint: allow {"Effect":"Allow","Action":"ssm:ListDocuments","Resource":"*"}
        ! wrote ssmtrail.toml; next: `ssmtrail sync`
        [exit 3]
    "#]]);
    faults.on("GetDocument", 0, 1, json_error(400, "AccessDeniedException"));
    aws.run("init --region us-east-1").is(expect![[r#"
        ! looked into 1 Region: 0 sources added, 0 known
        ! could not read SSM-SessionManagerRunShell in us-east-1 of 410000000003: access denied: ssm:GetDocument is missing
        ! hint: allow {"Effect":"Allow","Action":"ssm:GetDocument","Resource":"arn:aws:ssm:us-east-1:410000000003:document/SSM-SessionManagerRunShell"}
        [exit 3]
    "#]]);
}

#[test]
fn accounts_are_reached_by_role_and_their_sources_carry_it() {
    let member = account("410000000004", &["us-east-1"]);
    let group = json!({ "cloudWatchLogGroupName": "/aws/ssm/sessions" });
    member.document("us-east-1", "SSM-SessionManagerRunShell", group);
    member.role("audit", None);
    let aws = account("410000000005", &["us-east-1"]);
    aws.run("init --region us-east-1 --role-arn arn:aws:iam::410000000004:role/audit").is(expect![
        [r#"
            ! looked into 1 Region: 1 source added, 0 known
            ! added logs:arn:aws:logs:us-east-1:410000000004:log-group:/aws/ssm/sessions
            ! wrote ssmtrail.toml; next: `ssmtrail sync`
        "#]
    ]);
    let written = file(&aws);
    expect![[r##"
        # learned DATE from SSM-SessionManagerRunShell (version 1) in us-east-1 of 410000000004
        [[source]]
        place = "logs:arn:aws:logs:us-east-1:410000000004:log-group:/aws/ssm/sessions"
        role_arn = "arn:aws:iam::410000000004:role/audit"
    "##]]
    .assert_eq(&sources(&written));
}

#[test]
fn the_accounts_of_the_organization_are_reached_by_a_role_of_one_name() {
    let member = account("410000000006", &["us-east-1"]);
    let group = json!({ "cloudWatchLogGroupName": "/aws/ssm/sessions" });
    member.document("us-east-1", "SSM-SessionManagerRunShell", group);
    member.role("audit", None);
    let aws = account("410000000007", &["us-east-1"]);
    let accounts = json!([
        { "Id": "410000000006", "Status": "ACTIVE" },
        { "Id": "410000000007", "Status": "ACTIVE" },
        { "Id": "410000000008", "Status": "ACTIVE" },
        { "Id": "410000000009", "Status": "SUSPENDED" },
    ]);
    // AWS Organizations API Reference: ListAccounts.
    aws.canned("AWSOrganizationsV20161128.ListAccounts", "", "Accounts", accounts);
    aws.run("init --region us-east-1 --organization-role audit").is(expect![[r#"
        ! looked into 2 Regions: 1 source added, 0 known
        ! added logs:arn:aws:logs:us-east-1:410000000006:log-group:/aws/ssm/sessions
        ! note: us-east-1 of 410000000007: there are no Session Manager preferences, so sessions there are not logged unless they name another document
        ! could not read arn:aws:iam::410000000008:role/audit: cannot assume arn:aws:iam::410000000008:role/audit: User: arn:aws:iam::410000000007:user/admin is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::410000000008:role/audit
        ! hint: the caller needs sts:AssumeRole on it, its trust policy must name the caller, and it may want an --external-id
        ! wrote ssmtrail.toml; next: `ssmtrail sync`
        [exit 3]
    "#]]);
}

#[test]
fn the_configuration_in_force_is_shown_with_where_each_setting_was_said() {
    let aws = Aws::new();
    let text = "region = \"eu-west-1\"\n\n[[source]]\nname = \"prod\"\nplace = \"s3://acme/prod\"\nversions = true\n\n[[source]]\nplace = \"./handed-over\"\nprofile = \"other\"\n\n[promise]\nretention_days = 400\n\n[[mute]]\ncheck = \"S3-VER-01\"\nresource = \"*\"\nreason = \"locked\"\nuntil = \"2030-01-01\"\n";
    aws.world.file("ssmtrail.toml", text.as_bytes());
    let said = aws.run("config show").0;
    let columns = regex::Regex::new("  +").unwrap();
    let said: Vec<String> =
        said.lines().map(|it| columns.replace_all(it.trim_start(), " | ").into_owned()).collect();
    Said(said.join("\n")).is(expect![[r#"
        SETTING | VALUE | FROM
        config | ssmtrail.toml
        archive | archive | the command line or SSMTRAIL_ARCHIVE
        region | us-east-1 | AWS_REGION
        endpoint_url | ENDPOINT | AWS_ENDPOINT_URL
        promise.retention_days | 400 | ssmtrail.toml line 13
        mute | S3-VER-01 for * until 2030-01-01: locked | ssmtrail.toml line 15
        prod | s3://acme/prod/ | ssmtrail.toml line 3
        versions | true | ssmtrail.toml line 3
        region | us-east-1 | AWS_REGION
        endpoint_url | ENDPOINT | AWS_ENDPOINT_URL
        source 2 | ./handed-over | ssmtrail.toml line 8
        profile | other | ssmtrail.toml line 10"#]]);
    let said = aws.run("config show --format json").0;
    let it: serde_json::Value = serde_json::from_str(&said).expect("JSON");
    let promised = json!({ "source": null, "setting": "promise.retention_days", "value": "400", "from": "ssmtrail.toml line 13" });
    assert!(it["settings"].as_array().expect("rows").contains(&promised), "{said}");
}

#[test]
fn the_doctor_says_who_we_are_and_what_is_missing() {
    let mut aws = Aws::new();
    let bucket = aws.bucket("acme-logs", &[("prod/alice-0123456789abcdef0.log", b"$ ls")]);
    let group = aws.group("sessions");
    aws.run(&format!("doctor s3://{bucket} logs:{group} s3://no-such-bucket-of-ours")).is(expect![
        [r#"
            s3://acme-logs/
              ok    identity  arn:aws:iam::123456789012:root
              ok    clock     right
              ok    place     a bucket in us-east-1
              ok    list      allowed
              ok    read      allowed, tried on prod/alice-0123456789abcdef0.log
            logs:sessions
              ok    identity  arn:aws:iam::123456789012:root
              ok    clock     right
              ok    place     a log group in us-east-1 of 123456789012
              ok    list      it is empty, so reading could not be tried
            s3://no-such-bucket-of-ours/
              ok    identity  arn:aws:iam::123456789012:root
              ok    clock     right
              no    place     there is no such bucket
                              check its name and the account
            [exit 1]
        "#]
    ]);
    let faults = Faults::before(address());
    aws.endpoint = faults.endpoint.clone();
    let kms = "<Error><Code>AccessDenied</Code><Message>User: arn:aws:sts::1:assumed-role/a/b is not authorized to perform: kms:Decrypt on resource: arn:aws:kms:eu-west-1:1:key/k because no identity-based policy allows the kms:Decrypt action</Message></Error>";
    faults.on("GetObject", 0, 1, Fault::Answer(403, "application/xml", kms.into()));
    aws.run(&format!("doctor s3://{bucket}")).is(expect![[r#"
        s3://acme-logs/
          ok    identity  arn:aws:iam::123456789012:root
          ok    clock     right
          ok    place     a bucket in us-east-1
          ok    list      allowed
          no    read      access denied: kms:Decrypt is missing
                          allow {"Effect":"Allow","Action":"kms:Decrypt","Resource":"arn:aws:kms:eu-west-1:1:key/k"}
        [exit 1]
    "#]]);
    faults.clear();
    let expired = "<ErrorResponse><Error><Type>Sender</Type><Code>ExpiredToken</Code><Message>The security token included in the request is expired</Message></Error></ErrorResponse>";
    faults.on("Query", 0, 1, Fault::Answer(403, "text/xml", expired.into()));
    aws.run(&format!("doctor s3://{bucket}")).is(expect![[r#"
        s3://acme-logs/
          no    identity  the credentials have expired
                          renew the credentials, then run the same command again; what was read is kept
        [exit 1]
    "#]]);
}
