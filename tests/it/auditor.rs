//! The auditor's policy is what ssmtrail asks for: the calls of each verb are recorded by the emulator, and held against the document.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use aws_sdk_s3::types as s3;
use serde_json::Value;
use serde_json::json;

use crate::doctor::disaster;
use crate::faults::Faults;
use crate::faults::json_error;
use crate::peer::Aws;
use crate::peer::REGION;
use crate::peer::address;
use crate::peer::block_on;
use crate::peer::query;
use crate::peer::streamed;

/// The permission that an S3 request needs, by what it asks for.
/// Source: "Actions, resources, and condition keys for Amazon S3" (Service Authorization Reference).
fn of_s3(method: &str, path: &str) -> String {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    if path.ends_with("/configuration/publicAccessBlock") {
        return "s3:GetAccountPublicAccessBlock".into();
    }
    let has = |name: &str| query.split('&').any(|it| it.split('=').next() == Some(name));
    let settings = [
        ("versions", "ListBucketVersions"),
        ("encryption", "GetEncryptionConfiguration"),
        ("lifecycle", "GetLifecycleConfiguration"),
        ("versioning", "GetBucketVersioning"),
        ("object-lock", "GetBucketObjectLockConfiguration"),
        ("publicAccessBlock", "GetBucketPublicAccessBlock"),
        ("policyStatus", "GetBucketPolicyStatus"),
        ("policy", "GetBucketPolicy"),
        ("acl", "GetBucketAcl"),
        ("ownershipControls", "GetBucketOwnershipControls"),
        ("logging", "GetBucketLogging"),
        ("intelligent-tiering", "GetIntelligentTieringConfiguration"),
        ("replication", "GetReplicationConfiguration"),
        ("location", "GetBucketLocation"),
    ];
    if let Some(it) = settings.iter().find(|it| has(it.0)) {
        return format!("s3:{}", it.1);
    }
    let is_object = path.trim_start_matches('/').split_once('/').is_some_and(|it| !it.1.is_empty());
    match (method, is_object) {
        ("GET" | "HEAD", false) => "s3:ListBucket".into(),
        ("GET" | "HEAD", true) if has("versionId") => "s3:GetObjectVersion".into(),
        ("GET" | "HEAD", true) => "s3:GetObject".into(),
        _ => format!("s3: {method} {path}?{query}"),
    }
}

/// The permission that a request needs: the operation's name, but for REST.
fn permission(service: &str, what: &str) -> Option<String> {
    if let Some((method, path)) = what.split_once(' ') {
        return Some(match (service, path) {
            ("s3", path) => of_s3(method, path),
            ("account", "/listRegions") => "account:ListRegions".into(),
            _ => format!("{service}: {what}"),
        });
    }
    let operation = what.rsplit('.').next().unwrap_or(what);
    // "No permissions are required to perform this operation" ("GetCallerIdentity", AWS STS API Reference); roles are assumed by what the
    // configuration names, and their trust decides.
    (service != "sts").then(|| format!("{service}:{operation}"))
}

/// What an account's key has asked for so far, and how often.
fn asked(aws: &Aws) -> BTreeMap<(String, String), u64> {
    let all: Vec<(String, String, u64)> =
        serde_json::from_str(&aws.asked()).expect("what was asked");
    all.into_iter().map(|it| ((it.0, it.1), it.2)).collect()
}

/// Permissions that a command needed.
fn needs(aws: &Aws, line: &str) -> BTreeSet<String> {
    let before = asked(aws);
    let said = aws.run(line).0;
    assert!(!said.contains("[exit 2]"), "{line}: {said}");
    let after = asked(aws).into_iter().filter(|it| before.get(&it.0) != Some(&it.1));
    after.filter_map(|((service, what), _)| permission(&service, &what)).collect()
}

/// Permissions that a document grants.
fn grants(aws: &Aws, verb: &str) -> BTreeSet<String> {
    let said = aws.run(&format!("policy auditor --for {verb} --survey survey.json")).0;
    let it: Value = serde_json::from_str(&said).unwrap_or_else(|it| panic!("{it}: {said}"));
    let mut out = BTreeSet::new();
    for statement in it["Statement"].as_array().expect("statements") {
        match &statement["Action"] {
            Value::Array(many) => {
                out.extend(many.iter().filter_map(|it| it.as_str().map(str::to_owned)))
            }
            one => out.extend(one.as_str().map(str::to_owned)),
        }
    }
    out
}

/// An account in which every question is asked: of a bucket with versions and a key, a group, a trail, nodes with a role whose simulation
/// depends on what was not given, a principal that starts sessions, clusters, and an organization.
fn account(id: &str) -> Aws {
    let aws = disaster(id);
    let bucket = aws.name("acme-session-logs");
    let object = "prod/alice-0a1b2c3d4e5f6a7b8.log";
    let key = block_on(async {
        let versioning = s3::VersioningConfiguration::builder()
            .status(s3::BucketVersioningStatus::Enabled)
            .build();
        let put = aws.s3().put_bucket_versioning().bucket(&bucket);
        put.versioning_configuration(versioning).send().await.expect("versions");
        let config = aws_sdk_kms::Config::builder()
            .behavior_version_latest()
            .region(aws_sdk_kms::config::Region::new(REGION))
            .endpoint_url(&aws.endpoint)
            .credentials_provider(aws.credentials());
        let key = aws_sdk_kms::Client::from_conf(config.build()).create_key().send().await;
        key.expect("a key").key_metadata.expect("its metadata").arn.expect("its ARN")
    });
    aws.put(&bucket, object, b"$ ls\n");
    aws.put(&bucket, object, b"$ ls\n$ id\n");
    block_on(async {
        let default = s3::ServerSideEncryptionByDefault::builder()
            .sse_algorithm(s3::ServerSideEncryption::AwsKms)
            .kms_master_key_id(&key)
            .build()
            .expect("a default");
        let rule = s3::ServerSideEncryptionRule::builder()
            .apply_server_side_encryption_by_default(default)
            .build();
        let rules = s3::ServerSideEncryptionConfiguration::builder().rules(rule).build();
        let put = aws.s3().put_bucket_encryption().bucket(&bucket);
        let put = put.server_side_encryption_configuration(rules.expect("rules"));
        put.send().await.expect("an encryption");
    });
    // AWS CloudTrail API Reference: DescribeTrails, GetTrailStatus, GetEventSelectors.
    let trail = json!({ "Name": "all", "TrailARN": format!("arn:aws:cloudtrail:{REGION}:{id}:trail/all"), "HomeRegion": REGION });
    let target = |it: &str| format!("CloudTrail_20131101.{it}");
    aws.canned_whole_for(&target("DescribeTrails"), json!({ "trailList": [trail] }));
    aws.canned_whole_for(&target("GetTrailStatus"), json!({ "IsLogging": true }));
    aws.canned_whole_for(&target("GetEventSelectors"), json!({ "EventSelectors": [] }));
    // A policy that is attached, beside the one in the role.
    let statement = json!({ "Effect": "Allow", "Action": "ec2:DescribeTags", "Resource": "*" });
    let document = json!({ "Version": "2012-10-17", "Statement": [statement] }).to_string();
    let attached = format!("arn:aws:iam::{id}:policy/more");
    for words in [
        &[("Action", "CreatePolicy"), ("PolicyName", "more"), ("PolicyDocument", &document)][..],
        &[("Action", "AttachRolePolicy"), ("RoleName", "node"), ("PolicyArn", &attached)],
    ] {
        let words = [words, &[("Version", "2010-05-08")]].concat();
        let answer = query(&aws, REGION, "iam", &words);
        assert!(answer.contains("200 OK"), "{answer}");
    }
    // IAM API Reference: SimulatePrincipalPolicy.
    let simulated = "<SimulatePrincipalPolicyResponse><SimulatePrincipalPolicyResult><EvaluationResults><member>\
         <EvalActionName>s3:PutObject</EvalActionName><EvalDecision>allowed</EvalDecision>\
         <MissingContextValues><member>aws:SourceVpce</member></MissingContextValues></member></EvaluationResults>\
         <IsTruncated>false</IsTruncated></SimulatePrincipalPolicyResult></SimulatePrincipalPolicyResponse>";
    aws.canned_whole_for("SimulatePrincipalPolicy", json!(simulated));
    // Account Management, AWS Organizations and Amazon ECS API References.
    let region = json!({ "RegionName": REGION, "RegionOptStatus": "ENABLED_BY_DEFAULT" });
    aws.canned("/listRegions", "", "Regions", json!([region]));
    let accounts = json!([{ "Id": id, "Status": "ACTIVE" }]);
    aws.canned("AWSOrganizationsV20161128.ListAccounts", "", "Accounts", accounts);
    let ecs = |it: &str| format!("AmazonEC2ContainerServiceV20141113.{it}");
    let arn = format!("arn:aws:ecs:{REGION}:{id}:cluster/prod");
    let task = "arn:of/a/task";
    let definition = format!("arn:aws:ecs:{REGION}:{id}:task-definition/web:3");
    aws.canned_whole_for(&ecs("ListClusters"), json!({ "clusterArns": [arn] }));
    aws.canned_whole_for(
        &ecs("DescribeClusters"),
        json!({ "clusters": [{ "clusterName": "prod", "clusterArn": arn }] }),
    );
    aws.canned_whole_for(&ecs("ListTasks"), json!({ "taskArns": [task] }));
    aws.canned_whole_for(&ecs("DescribeTasks"), json!({ "tasks": [{ "taskArn": task, "enableExecuteCommand": true, "taskDefinitionArn": definition }] }));
    aws.canned_whole_for(&ecs("DescribeTaskDefinition"), json!({ "taskDefinition": { "taskDefinitionArn": definition, "containerDefinitions": [] } }));
    aws
}

#[test]
fn the_auditors_policy_for_each_verb_is_what_was_asked_for() {
    let id = "480000000001";
    let mut aws = account(id);
    let bucket = aws.name("acme-session-logs");
    let group = aws.name("/ssm");
    let starter = format!("arn:aws:iam::{id}:role/ops");
    aws.world.file("ssmtrail.toml", format!("[promise]\nstarters = [\"{starter}\"]\n").as_bytes());
    let verified = needs(&aws, "verify --save-survey survey.json");
    assert_eq!(grants(&aws, "verify"), verified);
    aws.world.file("ssmtrail.toml", b"");
    let started = needs(&aws, "init --organization-role audit");
    assert_eq!(grants(&aws, "init"), started);
    // What is read by Logs Insights is granted where a group is of that class.
    aws.events(
        &group,
        "bob-0123456789abcdef0",
        &[streamed(id, "bob-0123456789abcdef0", 1_795_000_000_000, &["$ id"])],
    );
    let source =
        format!("[[source]]\nname = \"prod\"\nplace = \"s3://{bucket}\"\nversions = true\n");
    aws.world.file("ssmtrail.toml", source.as_bytes());
    let mut synced = needs(&aws, "sync prod");
    aws.world.file("ssmtrail.toml", b"");
    synced.extend(needs(&aws, &format!("sync s3://{bucket}/prod/ --archive plain")));
    synced.extend(needs(&aws, &format!("sync logs:{group}")));
    // S3 asks KMS in the reader's name ("Using server-side encryption with AWS KMS keys").
    synced.insert("kms:Decrypt".into());
    assert_eq!(grants(&aws, "sync"), synced);
    let faults = Faults::before(address());
    aws.endpoint = faults.endpoint.clone();
    faults.on("GetLogEvents", 0, 99, json_error(400, "InvalidOperationException"));
    synced.extend(needs(&aws, &format!("sync logs:{group} --archive other")));
    let text = std::fs::read_to_string(aws.world.path("survey.json")).expect("a survey");
    let mut survey: Value = serde_json::from_str(&text).expect("JSON");
    survey["groups"][0]["settings"]["is"]["class"] = json!("INFREQUENT_ACCESS");
    aws.world.file("survey.json", survey.to_string().as_bytes());
    assert_eq!(grants(&aws, "sync"), synced);
}
