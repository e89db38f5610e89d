//! The checks, judged from settings alone: each speaks, each is silent, each knows when it cannot know.
//!
//! One sound survey stands for the world; a row changes one thing in it and says what must follow. A check without a row
//! fails the test below, so that none is added untried.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use serde_json::Value;
use serde_json::json;
use ssmtrail::audit;
use ssmtrail::audit::Verdict;
use ssmtrail::audit::promise::Promise;
use ssmtrail::audit::undoing::On;
use ssmtrail::audit::undoing::actions;
use ssmtrail::aws_names::RegionCode;
use ssmtrail::settings::Survey;

const NOW: &str = "2026-11-23T00:00:00Z";

/// An answer, as a survey file holds it.
fn read(action: &str, is: Value) -> Value {
    json!({ "api": action, "action": action, "at": NOW, "request_id": "r", "is": is })
}

const KEY: &str = "arn:aws:kms:eu-west-1:111122223333:key/k";
const GROUP: &str = "arn:aws:logs:eu-west-1:111122223333:log-group:/ssm";

fn preferences() -> Value {
    json!({ "schemaVersion": "1.0", "sessionType": "Standard_Stream", "inputs": {
        "s3BucketName": "acme", "s3KeyPrefix": "prod", "s3EncryptionEnabled": true,
        "cloudWatchLogGroupName": "/ssm", "cloudWatchEncryptionEnabled": true, "cloudWatchStreamingEnabled": true,
        "kmsKeyId": KEY, "runAsEnabled": true, "runAsDefaultUser": "ops", "idleSessionTimeout": "15",
        "maxSessionDuration": "60", "shellProfile": { "linux": "cd ~" },
    } })
}

fn document(name: &str, content: Value) -> Value {
    let described = json!({ "default_version": "1", "latest_version": "1", "status": "Active" });
    json!({
        "name": name, "version": "1",
        "described": read("ssm:DescribeDocument", described),
        "content": read("ssm:GetDocument", json!(content.to_string())),
        "shared_with": read("ssm:DescribeDocumentPermission", json!([])),
    })
}

fn tls() -> Value {
    json!({ "Sid": "Tls", "Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": ["arn:aws:s3:::acme", "arn:aws:s3:::acme/*"],
        "Condition": { "Bool": { "aws:SecureTransport": ["false"] } } })
}

fn key_policy(arn: &str) -> Value {
    json!({ "Statement": [
        { "Sid": "Root", "Effect": "Allow", "Principal": { "AWS": "arn:aws:iam::111122223333:root" }, "Action": "kms:*", "Resource": "*" },
        { "Sid": "Logs", "Effect": "Allow", "Principal": { "Service": "logs.eu-west-1.amazonaws.com" }, "Resource": "*",
          "Action": ["kms:Encrypt*", "kms:Decrypt*", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:Describe*"],
          "Condition": { "ArnEquals": { "kms:EncryptionContext:aws:logs:arn": arn } } },
    ] })
}

const ROLE: &str = "arn:aws:iam::111122223333:role/node";
const DEFAULT: &str = "arn:aws:iam::111122223333:role/service-role/default";
const OBJECT: &str = "arn:aws:s3:::acme/prod/someone-0123456789abcdef0.log";

/// What IAM's simulator says of a role that may write and nothing else, in the order of the questions.
fn role(arn: &str, node: &str) -> Value {
    let simulation = |resource: &str, allowed: &[&str], denied: &[&str]| {
        let decide = |actions: &[&str], decision: &str| -> Vec<Value> {
            actions.iter().map(|it| json!({ "action": it, "decision": decision })).collect()
        };
        let decisions = [decide(allowed, "allowed"), decide(denied, "implicitDeny")].concat();
        json!({ "resource": resource, "decisions": read("iam:SimulatePrincipalPolicy", json!(decisions)) })
    };
    let channel = [
        "ssm:UpdateInstanceInformation",
        "ssmmessages:CreateControlChannel",
        "ssmmessages:CreateDataChannel",
        "ssmmessages:OpenControlChannel",
        "ssmmessages:OpenDataChannel",
    ];
    json!({ "arn": arn, "nodes": [[node, "eu-west-1"]], "simulations": [
        simulation("*", &channel, &actions(On::Logs)),
        simulation(OBJECT, &["s3:PutObject", "s3:PutObjectAcl", "s3:AbortMultipartUpload"],
            &[actions(On::Object), vec!["s3:GetObject", "s3:GetObjectVersion"]].concat()),
        simulation("arn:aws:s3:::acme", &["s3:GetEncryptionConfiguration"], &actions(On::Bucket)),
        simulation(&format!("{GROUP}:log-stream:someone-0123456789abcdef0"), &["logs:CreateLogStream", "logs:PutLogEvents", "logs:DescribeLogStreams"],
            &[actions(On::Stream), vec!["logs:GetLogEvents"]].concat()),
        simulation(&format!("{GROUP}:log-stream:"), &[], &actions(On::Group)),
        simulation(KEY, &["kms:GenerateDataKey", "kms:Decrypt"], &actions(On::Key)),
        simulation("arn:aws:ssm:eu-west-1:111122223333:document/SSM-SessionManagerRunShell", &[], &actions(On::Document)),
        simulation("arn:aws:logs:eu-west-1:111122223333:log-group::log-stream:", &["logs:DescribeLogGroups"], &[]),
    ] })
}

/// Two instances in a public subnet that reach AWS by endpoints alone: one with an instance profile, one by the default role.
fn network() -> Value {
    let instance = |id: &str, profile: Value, role: Value| {
        json!({ "id": id, "state": "running", "vpc": "vpc-1", "subnet": "subnet-1", "private_ip": "10.0.0.5", "security_groups": ["sg-1"],
            "profile": profile, "role": read("iam:GetInstanceProfile", role), "metadata": true })
    };
    let interface = |service: &str| {
        json!({ "id": format!("vpce-{service}"), "service": format!("com.amazonaws.eu-west-1.{service}"), "kind": "Interface", "state": "available",
            "vpc": "vpc-1", "private_dns": true, "security_groups": ["sg-2"] })
    };
    let policy = json!({ "Statement": { "Effect": "Allow", "Principal": "*", "Action": "*", "Resource": ["arn:aws:s3:::acme", "arn:aws:s3:::acme/*"] } });
    let gateway = json!({ "id": "vpce-s3", "service": "com.amazonaws.eu-west-1.s3", "kind": "Gateway", "state": "available", "vpc": "vpc-1",
        "route_tables": ["rtb-1"], "policy": policy.to_string() });
    let entry = |number: i64, egress: bool| json!({ "number": number, "egress": egress, "allows": true, "protocol": "-1", "block": "0.0.0.0/0" });
    json!({
        "instances": read("ec2:DescribeInstances", json!([
            instance("i-1", json!("arn:aws:iam::111122223333:instance-profile/node"), json!(ROLE)),
            instance("i-2", Value::Null, Value::Null),
        ])),
        "route_tables": read("ec2:DescribeRouteTables", json!([{ "id": "rtb-1", "vpc": "vpc-1", "main": true,
            "routes": [{ "destination": "0.0.0.0/0", "target": "igw-1", "state": "active" }] }])),
        "endpoints": read("ec2:DescribeVpcEndpoints", json!([interface("ssm"), interface("ssmmessages"), interface("logs"), interface("kms"), gateway])),
        "security_groups": read("ec2:DescribeSecurityGroups", json!([
            { "id": "sg-1", "ingress": [], "egress": [{ "protocol": "-1", "blocks": ["0.0.0.0/0"] }] },
            { "id": "sg-2", "ingress": [{ "protocol": "tcp", "from_port": 443, "to_port": 443, "blocks": ["10.0.0.0/16"] }], "egress": [] },
        ])),
        "acls": read("ec2:DescribeNetworkAcls", json!([{ "id": "acl-1", "subnets": ["subnet-1"], "entries": [entry(100, true), entry(100, false)] }])),
        "vpcs": [{ "id": "vpc-1", "dns_support": read("ec2:DescribeVpcAttribute", json!(true)), "dns_hostnames": read("ec2:DescribeVpcAttribute", json!(true)) }],
    })
}

/// Everything as it should be, by a promise that asks for much.
pub(crate) fn sound() -> Value {
    let trail = json!({
        "arn": "arn:aws:cloudtrail:eu-west-1:111122223333:trail/all", "name": "all", "bucket": "trails",
        "multi_region": true, "organization": false, "validated": true,
        "status": read("cloudtrail:GetTrailStatus", json!({ "logging": true })),
        "selectors": read("cloudtrail:GetEventSelectors", json!([{ "plain": { "read_write": "All", "management": true,
            "data": [["AWS::S3::Object", ["arn:aws:s3:::acme/"]]] } }])),
    });
    // Which versions there are is asked of the preferences alone.
    let mut other = document("Other", preferences());
    other.as_object_mut().expect("a document").remove("described");
    let corner = json!({
        "account": "111122223333", "region": "eu-west-1",
        "preferences": read("ssm:GetDocument", document("SSM-SessionManagerRunShell", preferences())),
        "documents": read("ssm:ListDocuments", json!([other])),
        "nodes": read("ssm:DescribeInstanceInformation", json!([
            { "id": "i-1", "ping": "ConnectionLost", "platform": "Linux", "agent_version": "3.3.40.0" },
            { "id": "i-2", "ping": "ConnectionLost", "platform": "Linux", "agent_version": "3.3.40.0" },
        ])),
        "default_role": read("ssm:GetServiceSetting", json!("service-role/default")),
        "network": network(),
        "retention_policies": read("logs:DescribeAccountPolicies", json!([])),
        "subscription_policies": read("logs:DescribeAccountPolicies", json!([])),
        "destinations": read("logs:DescribeDestinations", json!([])),
        "logs_policies": read("logs:DescribeResourcePolicies", json!([])),
        "trails": read("cloudtrail:DescribeTrails", json!([trail])),
    });
    let group = json!({
        "name": "/ssm", "account": "111122223333", "region": "eu-west-1", "named_by": ["x"],
        "settings": read("logs:DescribeLogGroups", json!({ "created_at": "2020-01-01T00:00:00Z", "retention_days": 400,
            "kms_key": KEY, "class": "STANDARD", "deletion_protection": true, "bearer_token": false, "stored_bytes": 1 })),
        "subscriptions": read("logs:DescribeSubscriptionFilters", json!([])),
        "policies": read("logs:DescribeResourcePolicies", json!([])),
    });
    let head = json!({ "encryption": "aws:kms", "kms_key": KEY, "lock_mode": "COMPLIANCE", "lock_until": "2027-12-31T00:00:00Z" });
    let bucket = json!({
        "name": "acme", "account": "111122223333", "owner": "111122223333", "region": "eu-west-1",
        "prefixes": [{ "prefix": "prod/", "named_by": ["x"], "session_regions": ["eu-west-1"],
            "sample": read("s3:ListBucket", json!({ "listed": 1, "complete": true, "bytes": 9, "small": 1,
                "oldest": "2024-01-01T00:00:00Z", "newest": "2026-11-20T00:00:00Z",
                "objects": [{ "key": "prod/a-1.log", "head": read("s3:GetObject", head) }] })) }],
        "existence": read("s3:ListBucket", json!("exists")),
        "encryption": read("s3:GetEncryptionConfiguration", json!({ "algorithm": "aws:kms", "kms_key": KEY, "bucket_key": true, "blocked": ["SSE-C"] })),
        "lifecycle": read("s3:GetLifecycleConfiguration", json!({ "rules": [{ "id": "r", "enabled": true, "expire_days": 800,
            "noncurrent_days": 30, "transitions": [{ "class": "GLACIER", "days": 400 }], "aborts_uploads": true }] })),
        "versioning": read("s3:GetBucketVersioning", json!({ "status": "Enabled", "mfa_delete": true })),
        "lock": read("s3:GetBucketObjectLockConfiguration", json!({ "mode": "COMPLIANCE", "days": 400 })),
        "public_access": read("s3:GetBucketPublicAccessBlock", json!({ "block_acls": true, "ignore_acls": true, "block_policy": true, "restrict_buckets": true })),
        "policy": read("s3:GetBucketPolicy", json!(json!({ "Statement": [tls()] }).to_string())),
        "policy_is_public": read("s3:GetBucketPolicyStatus", json!(false)),
        "acl": read("s3:GetBucketAcl", json!({ "owner": "me", "grants": [["me", "FULL_CONTROL"]] })),
        "ownership": read("s3:GetBucketOwnershipControls", json!("BucketOwnerEnforced")),
        "logging": read("s3:GetBucketLogging", json!("access-logs/")),
        "tiering": read("s3:GetIntelligentTieringConfiguration", json!([])),
        "replication": read("s3:GetReplicationConfiguration", json!([{ "enabled": true, "prefix": "", "bucket": "arn:aws:s3:::copy", "account": "444455556666", "kms_objects": true }])),
    });
    let key = json!({
        "id": KEY, "account": "111122223333", "region": "eu-west-1", "used_by": [{ "log_group": GROUP }, { "bucket": "acme" }, { "sessions": "SSM-SessionManagerRunShell in eu-west-1" }],
        "state": read("kms:DescribeKey", json!({ "arn": KEY, "state": "Enabled", "manager": "CUSTOMER", "spec": "SYMMETRIC_DEFAULT", "origin": "AWS_KMS" })),
        "policy": read("kms:GetKeyPolicy", json!(key_policy(GROUP).to_string())),
        "rotation": read("kms:GetKeyRotationStatus", json!({ "enabled": true, "period_days": 365 })),
    });
    json!({
        "version": 1, "taken_by": "ssmtrail", "taken_at": NOW,
        "callers": [{ "account": "111122223333", "arn": "arn:aws:iam::111122223333:user/a" }],
        "corners": [corner], "groups": [group], "buckets": [bucket], "keys": [key],
        "accounts": [{ "id": "111122223333", "public_access": read("s3:GetAccountPublicAccessBlock", Value::Null) }],
        "roles": [role(ROLE, "i-1"), role(DEFAULT, "i-2")],
        "starters": [{ "arn": "arn:aws:iam::111122223333:role/ops", "simulations": [
            { "resource": "arn:aws:ec2:eu-west-1:111122223333:instance/i-0123456789abcdef0", "decisions": read("iam:SimulatePrincipalPolicy", json!([
                { "action": "ssm:StartSession", "decision": "implicitDeny" }])) },
        ] }],
    })
}

pub(crate) fn promise() -> Promise {
    Promise {
        customer_key: true,
        max_days: Some(1000),
        idle_minutes: Some(15),
        max_session_minutes: Some(60),
        regions: vec!["eu-west-1".into()],
        ..Promise::default()
    }
}

/// Worst outcome of each check.
fn outcomes(survey: &Value) -> BTreeMap<&'static str, Verdict> {
    let survey = Survey::read(&survey.to_string()).expect("a survey");
    outcomes_by(&survey, &promise())
}

fn outcomes_by(survey: &Survey, promise: &Promise) -> BTreeMap<&'static str, Verdict> {
    let judged = audit::judge(survey, promise, &[], &[]);
    let mut out = BTreeMap::new();
    for it in judged.findings {
        let one = out.entry(it.check_id).or_insert(it.status);
        *one = (*one).min(it.status);
    }
    out
}

pub(crate) fn set(survey: &mut Value, pointer: &str, to: Value) {
    *survey.pointer_mut(pointer).unwrap_or_else(|| panic!("{pointer} is there")) = to;
}

const SETTINGS: &str = "/groups/0/settings/is";
const BUCKET: &str = "/buckets/0";

/// The content of the preferences with one input changed.
fn with(input: &str, to: Value) -> Value {
    let mut it = preferences();
    it["inputs"][input] = to;
    json!(it.to_string())
}

#[test]
fn a_sound_world_has_no_failure_and_nothing_unknown() {
    let wrong: Vec<_> = outcomes(&sound())
        .into_iter()
        .filter(|it| matches!(it.1, Verdict::Fail | Verdict::Unknown))
        .collect();
    assert_eq!(wrong, []);
}

/// Where the setting is, what it becomes, and the check that must then fail.
pub(crate) fn rows() -> Vec<(&'static str, String, Value)> {
    let document = "/corners/0/preferences/is/content/is";
    let other = "/corners/0/documents/is/0/content/is";
    let at = |rest: &str| format!("{BUCKET}{rest}");
    let statement = |it: Value| json!(json!({ "Statement": [tls(), it] }).to_string());
    let group = |rest: &str| format!("{SETTINGS}{rest}");
    let role = |rest: &str| format!("/roles/0/simulations/{rest}");
    let network = |rest: &str| format!("/corners/0/network/{rest}");
    vec![
        ("PREF-DOC-01", "/corners/0/preferences/is".into(), Value::Null),
        ("PREF-LOG-01", document.into(), json!("{\"inputs\":{}}")),
        ("PREF-LOG-02", document.into(), with("cloudWatchStreamingEnabled", json!("false"))),
        ("PREF-LOG-01", document.into(), with("cloudWatchLogGroupName", json!("arn:aws:logs:eu-west-1:111122223333:log-group:/ssm"))),
        ("PREF-LOG-02", document.into(), with("cloudWatchStreamingEnabled", json!("true"))),
        ("PREF-ENF-01", document.into(), with("s3EncryptionEnabled", json!(false))),
        ("PREF-ENF-02", group("/kms_key"), Value::Null),
        ("PREF-ENF-02", at("/encryption/is/algorithm"), json!("aws:kms:dsse")),
        ("PREF-ENF-02", "/groups/0/settings/is".into(), Value::Null),
        ("PREF-DOC-02", other.into(), json!("{\"sessionType\":\"InteractiveCommands\",\"inputs\":{}}")),
        ("PREF-DOC-02", other.into(), with("s3BucketName", json!("{{ bucket }}"))),
        ("PREF-DOC-03", "/corners/0/documents/is/0/shared_with/is".into(), json!(["all"])),
        ("PREF-KMS-01", document.into(), with("kmsKeyId", json!(""))),
        ("PREF-TIME-01", document.into(), with("idleSessionTimeout", Value::Null)),
        ("PREF-TIME-02", document.into(), with("maxSessionDuration", json!("1440"))),
        ("PREF-RUNAS-01", document.into(), with("runAsEnabled", json!(false))),
        ("PREF-DRIFT-01", "/corners/0/preferences/is/described/is/latest_version".into(), json!("2")),
        ("PREF-PROF-01", document.into(), with("shellProfile", json!({ "linux": "export HISTFILE=/dev/null" }))),
        ("PREF-PROF-01", document.into(), with("shellProfile", json!({ "linux": "ln -sf /dev/null ~/.bash_history" }))),
        ("PREF-PROF-01", document.into(), with("shellProfile", json!({ "linux": "exec zsh -f" }))),
        ("PREF-PROF-01", document.into(), with("shellProfile", json!({ "linux": "export TOKEN=ghp_a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8" }))),
        ("CWL-EXIST-01", "/groups/0/settings/is".into(), Value::Null),
        ("CWL-RET-01", group("/retention_days"), json!(30)),
        ("CWL-RET-01", group("/class"), json!("DELIVERY")),
        ("CWL-RET-01", group("/retention_days"), Value::Null),
        ("CWL-RET-02", group("/retention_days"), Value::Null),
        ("CWL-RET-03", "/corners/0/retention_policies/is".into(), json!([
            { "name": "short", "document": "{\"retentionInDays\":30,\"enforcementMode\":\"RETROACTIVE\"}",
              "selection": "LogGroupNamePrefix IN [\"/ss\"]", "updated_at": "2026-11-22T12:00:00Z" }])),
        ("CWL-ENC-01", group("/kms_key"), Value::Null),
        ("CWL-CLASS-01", group("/class"), json!("DELIVERY")),
        ("CWL-DEL-01", group("/deletion_protection"), Value::Null),
        ("CWL-ACC-01", "/corners/0/logs_policies/is".into(), json!([{ "name": "open", "document":
            "{\"Statement\":{\"Effect\":\"Allow\",\"Principal\":\"*\",\"Action\":\"logs:*\",\"Resource\":\"arn:aws:logs:*:*:log-group:/ss*\"}}" }])),
        ("CWL-ACC-02", group("/bearer_token"), json!(true)),
        ("CWL-SUB-01", "/groups/0/subscriptions/is".into(), json!([
            { "name": "copy", "destination": "arn:aws:logs:eu-west-1:999999999999:destination:d", "pattern": "" }])),
        ("S3-EXIST-01", at("/existence/is"), json!("missing")),
        ("S3-EXIST-01", at("/existence/is"), json!("foreign")),
        ("S3-REGION-01", at("/region"), json!("us-east-1")),
        ("S3-ENC-01", at("/encryption/is/algorithm"), json!("AES256")),
        ("S3-ENC-01", at("/encryption/is/kms_key"), Value::Null),
        ("S3-ENC-03", at("/prefixes/0/sample/is/objects/0/head/is/encryption"), Value::Null),
        ("S3-ENC-04", at("/encryption/is/blocked"), json!([])),
        ("S3-RET-01", at("/lifecycle/is/rules/0/expire_days"), json!(1)),
        ("S3-RET-01", at("/lifecycle/is/rules/0"), json!({ "id": "a", "enabled": true, "prefix": "prod/alice-", "expire_days": 1 })),
        ("S3-RET-02", at("/lifecycle/is/rules"), json!([])),
        ("S3-RET-03", at("/lifecycle/is/rules/0/transitions/0/days"), json!(30)),
        ("S3-VER-01", at("/versioning/is/status"), json!("Suspended")),
        ("S3-LOCK-01", at("/lock/is"), Value::Null),
        ("S3-LOCK-01", at("/lock/is/mode"), Value::Null),
        ("S3-LOCK-01", at("/lock/is/days"), json!(30)),
        ("S3-LOCK-02", at("/prefixes/0/sample/is/objects"), json!([
            { "key": "a", "head": read("s3:GetObject", json!({ "lock_until": "2027-12-31T00:00:00Z" })) },
            { "key": "b", "head": read("s3:GetObject", json!({})) }])),
        ("S3-PUB-02", at("/policy_is_public/is"), json!(true)),
        ("S3-TLS-01", at("/policy/is"), Value::Null),
        ("S3-TLS-01", at("/policy/is"), json!(json!({ "Statement": [{ "Effect": "Deny", "Principal": { "AWS": "111122223333" },
            "Action": "s3:*", "Resource": "arn:aws:s3:::acme/*", "Condition": { "Bool": { "aws:SecureTransport": "false" } } }] }).to_string())),
        ("S3-XACC-01", at("/policy/is"), statement(json!({ "Effect": "Allow", "Principal": { "AWS": "999999999999" }, "Action": "s3:GetObject", "Resource": "*" }))),
        ("S3-XACC-01", at("/policy/is"), statement(json!({ "Effect": "Allow", "Principal": { "AWS": "111122223333" }, "Action": "s3:Delete*", "Resource": "*" }))),
        ("S3-OWN-01", at("/ownership/is"), Value::Null),
        ("S3-REP-01", at("/replication/is/0/kms_objects"), json!(false)),
        ("KMS-STATE-01", "/keys/0/state/is/state".into(), json!("PendingDeletion")),
        ("KMS-STATE-01", "/keys/0/state/is".into(), Value::Null),
        ("KMS-POL-01", "/keys/0/policy/is".into(), json!(key_policy("arn:aws:logs:eu-west-1:111122223333:log-group:/other").to_string())),
        ("KMS-POL-02", "/keys/0/policy/is".into(), json!(key_policy(GROUP).to_string().replace("{\"AWS\":\"arn:aws:iam::111122223333:root\"}", "\"*\""))),
        ("KMS-ROT-01", "/keys/0/rotation/is/enabled".into(), json!(false)),
        ("S3-PUB-01", at("/public_access/is/block_acls"), json!(false)),
        ("IAM-ROLE-01", "/corners/0/default_role/is".into(), Value::Null),
        ("IAM-ROLE-02", role("0/decisions/is/1/decision"), json!("implicitDeny")),
        ("IAM-ROLE-03", role("1/decisions/is/0/decision"), json!("implicitDeny")),
        ("IAM-ROLE-03", role("2/decisions/is/0/decision"), json!("explicitDeny")),
        ("IAM-ROLE-03", at("/policy/is"), statement(json!({ "Effect": "Deny", "Principal": { "AWS": ROLE }, "Action": "s3:Put*", "Resource": "*" }))),
        ("IAM-ROLE-04", role("3/decisions/is/0/decision"), json!("implicitDeny")),
        ("IAM-ROLE-04", role("7/decisions/is/0/decision"), json!("implicitDeny")),
        ("IAM-ROLE-05", role("5/decisions/is/1/decision"), json!("implicitDeny")),
        ("IAM-ROLE-06", role("1/decisions/is/3/decision"), json!("allowed")),
        ("IAM-ROLE-06", role("4/decisions/is/1/decision"), json!("allowed")),
        ("IAM-USER-01", "/starters/0/simulations/0/decisions/is/0/decision".into(), json!("allowed")),
        ("NET-01", network("endpoints/is"), json!([])),
        ("NET-02", network("endpoints/is"), json!([])),
        ("NET-03", network("endpoints/is/4/route_tables"), json!([])),
        ("NET-03", network("endpoints/is/4/policy"), json!("{\"Statement\":[]}")),
        ("NET-03", network("endpoints/is/4/service"), json!("com.amazonaws.us-east-1.s3")),
        ("NET-04", network("endpoints/is/2/state"), json!("pending")),
        ("NET-05", network("security_groups/is/1/ingress"), json!([])),
        ("NET-05", network("acls/is/0/entries/1/allows"), json!(false)),
        ("NET-05", network("vpcs/0/dns_support/is"), json!(false)),
        ("COV-TRAIL-01", "/corners/0/trails/is/0/status/is/logging".into(), json!(false)),
        ("COV-TRAIL-01", "/corners/0/trails/is".into(), json!([])),
        ("COV-TRAIL-01", "/corners/0/trails/is/0/selectors/is/0/plain/read_write".into(), json!("ReadOnly")),
        ("COV-TRAIL-02", "/corners/0/trails/is/0/validated".into(), json!(false)),
        ("COV-NODE-01", "/corners/0/nodes/is/0/agent_version".into(), json!("3.0.196.0")),
    ]
}

#[test]
fn each_check_fails_on_the_setting_it_is_about() {
    for (check, pointer, to) in rows() {
        let mut survey = sound();
        set(&mut survey, &pointer, to.clone());
        assert_eq!(outcomes(&survey).get(check), Some(&Verdict::Fail), "{check} {pointer} {to}");
    }
    // Two settings at once: each alone would do.
    let mut survey = sound();
    set(&mut survey, "/buckets/0/versioning/is/mfa_delete", json!(false));
    set(&mut survey, "/buckets/0/lock/is/mode", json!("GOVERNANCE"));
    assert_eq!(outcomes(&survey)["S3-VER-02"], Verdict::Fail);
    let mut survey = sound();
    set(&mut survey, "/buckets/0/logging/is", Value::Null);
    assert_eq!(outcomes(&survey)["S3-LOG-01"], Verdict::Pass, "data events of a trail do");
    set(&mut survey, "/corners/0/trails/is/0/selectors/is/0/plain/data", json!([]));
    assert_eq!(outcomes(&survey)["S3-LOG-01"], Verdict::Fail);
}

/// Settings with a known right verdict: what of the sound world is set, and what the check must say; a policy may stand as what it
/// is, where a survey holds its text. Anybody can add one, with the AWS page that says so.
const VERDICTS: &str = include_str!("../verdicts/settings.jsonl");

/// A row of the table: which check, what it must say, why, and the world in which it must.
struct Setting {
    line: usize,
    check: String,
    verdict: String,
    why: String,
    world: Value,
}

fn table() -> Vec<Setting> {
    let read = |(nth, line): (usize, &str)| {
        let line_of = nth + 1;
        let row: Value = serde_json::from_str(line).unwrap_or_else(|it| panic!("{line_of}: {it}"));
        let text =
            |name: &str| row[name].as_str().unwrap_or_else(|| panic!("{line_of}: {name}")).into();
        let page: String = text("page");
        assert!(!page.is_empty(), "{line_of}: it names the page of AWS that says so");
        let mut world = sound();
        for it in row["set"].as_array().expect("a list") {
            let pointer = it[0].as_str().expect("a pointer");
            let is_document = pointer.ends_with("/policy/is");
            let to = match is_document && !it[1].is_string() && !it[1].is_null() {
                true => json!(it[1].to_string()),
                false => it[1].clone(),
            };
            let (parent, name) = pointer.rsplit_once('/').expect("a pointer");
            match world.pointer_mut(parent) {
                Some(Value::Object(map)) => drop(map.insert(name.to_owned(), to)),
                _ => set(&mut world, pointer, to),
            }
        }
        Setting {
            line: line_of,
            check: text("check"),
            verdict: text("verdict"),
            why: text("why"),
            world,
        }
    };
    VERDICTS.lines().enumerate().map(read).collect()
}

/// Every world that a test here judges.
pub(crate) fn worlds() -> Vec<Value> {
    let by_policies = ["iam:GetRolePolicy", "iam:GetPolicyVersion"].map(leaning_on_policies);
    let mut out = vec![sound(), leaning()];
    out.extend(by_policies);
    for (_, pointer, to) in rows() {
        let mut world = sound();
        set(&mut world, &pointer, to);
        out.push(world);
    }
    out.extend(table().into_iter().map(|it| it.world));
    out
}

/// Rows whose check says something else in a world.
fn wrong(of: impl Fn(&Setting) -> BTreeMap<&'static str, Verdict>) -> Vec<String> {
    let mut out = Vec::new();
    for it in table() {
        let outcome = of(&it).get(it.check.as_str()).copied();
        let said = outcome.map_or_else(|| "none".to_owned(), |it| it.word().to_owned());
        if said != it.verdict {
            let Setting { line, check, verdict, why, .. } = it;
            out.push(format!("{line}: {check} is {said}, right is {verdict}: {why}"));
        }
    }
    out
}

#[test]
fn every_setting_of_the_table_has_its_right_verdict() {
    let wrong = wrong(|it| outcomes(&it.world));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The same world in another partition of AWS.
fn moved(world: &Value, region: &str, other: &str) -> Value {
    let partition = RegionCode(region).partition().expect("a Region that is known");
    let text = world.to_string();
    let text = text.replace("eu-west-1", region).replace("us-east-1", other);
    let text = text.replace("arn:aws:", &format!("arn:{partition}:"));
    // Principals of services in a Region have its domain ("AWS JSON policy elements: Principal").
    let domain = RegionCode(region).domain();
    let text = text.replace(&format!("{region}.amazonaws.com"), &format!("{region}.{domain}"));
    serde_json::from_str(&text).expect("JSON")
}

#[test]
fn other_partitions_are_judged_as_the_first_one() {
    for (region, other) in [("cn-north-1", "cn-northwest-1"), ("us-gov-west-1", "us-gov-east-1")] {
        let by = Promise { regions: vec![region.into()], ..promise() };
        let judged = |world: &Value| {
            let text = moved(world, region, other).to_string();
            outcomes_by(&Survey::read(&text).expect("a survey"), &by)
        };
        let sound: Vec<_> = judged(&sound())
            .into_iter()
            .filter(|it| matches!(it.1, Verdict::Fail | Verdict::Unknown))
            .collect();
        assert_eq!(sound, [], "{region}");
        let wrong = wrong(|it| judged(&it.world));
        assert!(wrong.is_empty(), "{region}\n{}", wrong.join("\n"));
        for (check, pointer, to) in rows() {
            let mut survey = self::sound();
            set(&mut survey, &pointer, to.clone());
            let said = judged(&survey).get(check).copied();
            // Other partitions do not tell that it is off.
            let wanted = if check == "CWL-DEL-01" { Verdict::Unknown } else { Verdict::Fail };
            assert_eq!(said, Some(wanted), "{region}: {check} {pointer} {to}");
        }
    }
}

#[test]
fn no_check_is_untried_and_the_table_is_in_order() {
    let mut tried: BTreeSet<&str> = rows().iter().map(|it| it.0).collect();
    tried.extend(["S3-VER-02", "S3-LOG-01"]);
    // These tell and never fail, or fail by what no setting alone shows.
    tried.extend(["S3-ENC-02", "CWL-DPP-01", "S3-RET-04", "COST-EST-01"]);
    let all: Vec<&str> = audit::checks().map(|it| it.id).collect();
    assert_eq!(all.iter().copied().collect::<BTreeSet<_>>(), tried);
    assert_eq!(all.len(), tried.len(), "an id stands twice");
    for it in audit::checks() {
        assert!(it.why.ends_with('.') && it.then.ends_with('.'), "{}: sentences", it.id);
        assert!(
            !it.title.ends_with('.') && it.reads().count() > 0 && it.mappings().count() > 0,
            "{}",
            it.id
        );
    }
}

/// Every answer that needed a permission becomes a refusal.
fn deny(it: &mut Value, action: &str) {
    match it {
        Value::Object(map) => {
            if map.get("action").and_then(Value::as_str) == Some(action)
                && map.remove("is").is_some()
            {
                let why = format!("access denied: {action} is missing");
                map.insert(
                    "unread".into(),
                    json!({ "reason": "access_denied", "why": why, "missing": action }),
                );
            }
            map.values_mut().for_each(|it| deny(it, action));
        }
        Value::Array(many) => many.iter_mut().for_each(|it| deny(it, action)),
        _ => {}
    }
}

/// A world that is sound by its second means: its ACLs count, access logs alone tell of reads, the account blocks what the bucket does
/// not, and events are handed on within the account.
fn leaning() -> Value {
    let mut it = sound();
    let destination = "arn:aws:logs:eu-west-1:111122223333:destination:own";
    let stream = "arn:aws:kinesis:eu-west-1:111122223333:stream/own";
    for (pointer, to) in [
        ("/buckets/0/ownership/is", json!("BucketOwnerPreferred")),
        (
            "/buckets/0/public_access/is",
            json!({ "block_acls": false, "ignore_acls": false, "block_policy": false, "restrict_buckets": false }),
        ),
        (
            "/accounts/0/public_access/is",
            json!({ "block_acls": true, "ignore_acls": true, "block_policy": true, "restrict_buckets": true }),
        ),
        ("/corners/0/trails/is/0/selectors/is/0/plain/data", json!([])),
        (
            "/groups/0/subscriptions/is",
            json!([{ "name": "copy", "destination": destination, "pattern": "" }]),
        ),
        ("/corners/0/destinations/is", json!([{ "arn": destination, "target": stream }])),
        (
            "/buckets/0/lifecycle/is/rules/0/transitions",
            json!([{ "class": "INTELLIGENT_TIERING", "days": 0 }]),
        ),
    ] {
        set(&mut it, pointer, to);
    }
    // What the simulator says depends on what it was not given, and the roles' own policies tell.
    let document = json!({ "Statement": { "Effect": "Allow", "Action": "*", "Resource": "*" } });
    for (nth, action) in ["iam:GetRolePolicy", "iam:GetPolicyVersion"].into_iter().enumerate() {
        let put = json!({ "action": "s3:PutObject", "decision": "allowed", "missing_context": ["aws:PrincipalTag/team"] });
        set(&mut it, &format!("/roles/{nth}/simulations/1/decisions/is/0"), put);
        it["roles"][nth]["policies"] =
            read(action, json!([{ "name": "own", "document": document.to_string() }]));
    }
    it
}

/// A world in which who writes for a node, and so whom the endpoints must let through, is known by the roles' own policies alone; the
/// last call that told of them is this one.
fn leaning_on_policies(action: &str) -> Value {
    let mut it = leaning();
    let document = json!({ "Statement": { "Effect": "Allow", "Action": "*", "Resource": "*" } });
    let narrow = json!({ "Statement": { "Effect": "Allow", "Principal": "*", "Resource": "*",
        "Action": ["ssm:*", "ssmmessages:*", "logs:*", "kms:*", "s3:*"] } });
    for nth in 0..2 {
        let registers = json!({ "action": "ssm:UpdateInstanceInformation", "decision": "allowed", "missing_context": ["aws:PrincipalTag/team"] });
        set(&mut it, &format!("/roles/{nth}/simulations/0/decisions/is/0"), registers);
        it["roles"][nth]["policies"] =
            read(action, json!([{ "name": "own", "document": document.to_string() }]));
    }
    for nth in 0..5 {
        it["corners"][0]["network"]["endpoints"]["is"][nth]["policy"] = json!(narrow.to_string());
    }
    it
}

#[test]
fn a_permission_that_is_denied_makes_unknown_what_it_would_have_told_and_nothing_else() {
    let actions: BTreeSet<&str> = audit::checks().flat_map(|it| it.reads()).collect();
    // The world as it should be, and one in which everything that can be wrong is.
    let mut wrong = sound();
    for (_, pointer, to) in rows() {
        let keeps = [
            "/corners/0/preferences/is",
            "/groups/0/settings/is",
            "/buckets/0/existence/is",
            "/keys/0/state/is",
            "/corners/0/trails/is",
        ];
        if !keeps.contains(&pointer.as_str()) && wrong.pointer(&pointer).is_some() {
            set(&mut wrong, &pointer, to);
        }
    }
    for world in [sound(), wrong, leaning()] {
        let before = outcomes(&world);
        for action in &actions {
            let mut survey = world.clone();
            deny(&mut survey, action);
            let after = outcomes(&survey);
            for check in audit::checks() {
                let (was, is) = (before.get(check.id), after.get(check.id));
                if was == is {
                    continue;
                }
                assert!(
                    check.reads().any(|it| it == *action),
                    "{action} changed {} from {was:?} to {is:?}",
                    check.id
                );
                assert!(
                    is == Some(&Verdict::Unknown) || is.is_none() || was.is_none(),
                    "without {action} {} went from {was:?} to {is:?}",
                    check.id
                );
            }
        }
    }
    // Each permission is needed by something that says so.
    let worlds = [sound(), leaning()];
    for action in &actions {
        let missed = worlds.iter().any(|it| {
            let mut survey = it.clone();
            deny(&mut survey, action);
            let survey = Survey::read(&survey.to_string()).expect("a survey");
            audit::judge(&survey, &promise(), &[], &[]).missing().contains_key(*action)
        });
        assert!(missed, "{action} is missed by nothing");
    }
}

#[test]
fn what_is_unknown_is_never_a_pass_and_a_survey_reads_back_as_it_was() {
    let survey = Survey::read(&sound().to_string()).expect("a survey");
    assert_eq!(Survey::read(&survey.write()).expect("the same"), survey);
    assert!(Survey::read("{\"version\":2}").is_err_and(|it| it.contains("version 2")));
    let mut nothing = sound();
    for action in audit::checks().flat_map(|it| it.reads()) {
        deny(&mut nothing, action);
    }
    let passes: Vec<_> =
        outcomes(&nothing).into_iter().filter(|it| it.1 == Verdict::Pass).collect();
    assert_eq!(passes, []);
}

#[test]
fn what_is_not_understood_is_unknown_rather_than_harmless() {
    let policy = |it: Value| json!(json!({ "Statement": [tls(), it] }).to_string());
    let conditioned = |statement: Value| json!(json!({ "Statement": [statement] }).to_string());
    let rows = [
        (
            "CWL-RET-03",
            "/corners/0/retention_policies/is",
            json!([{ "name": "odd", "document": "{}" }]),
        ),
        (
            "CWL-SUB-01",
            "/corners/0/subscription_policies/is",
            json!([{ "name": "odd", "document": "{}" }]),
        ),
        (
            "S3-XACC-01",
            "/buckets/0/policy/is",
            policy(
                json!({ "Effect": "Allow", "Principal": { "CanonicalUser": "abc" }, "Action": "s3:GetObject", "Resource": "*" }),
            ),
        ),
        (
            "KMS-POL-02",
            "/keys/0/policy/is",
            conditioned(
                json!({ "Effect": "Allow", "Principal": { "AWS": "AIDAEXAMPLE" }, "Action": "kms:Decrypt", "Resource": "*" }),
            ),
        ),
    ];
    for (check, pointer, to) in rows {
        let mut survey = sound();
        set(&mut survey, pointer, to);
        assert_eq!(outcomes(&survey)[check], Verdict::Unknown, "{check}");
    }
    // A key of a bucket alone, which may be used under a condition only.
    let mut survey = sound();
    set(&mut survey, "/keys/0/used_by", json!([{ "bucket": "acme" }]));
    set(
        &mut survey,
        "/keys/0/policy/is",
        conditioned(
            json!({ "Effect": "Allow", "Principal": { "AWS": "111122223333" }, "Action": "kms:*",
        "Resource": "*", "Condition": { "StringEquals": { "aws:SourceVpce": "vpce-1" } } }),
        ),
    );
    assert_eq!(outcomes(&survey)["KMS-POL-01"], Verdict::Unknown);
}

#[test]
fn where_the_simulator_is_refused_a_roles_own_policies_show_what_is_missing_and_never_that_all_is_there()
 {
    let with = |actions: &[&str]| {
        let mut survey = sound();
        deny(&mut survey, "iam:SimulatePrincipalPolicy");
        let statement = json!({ "Effect": "Allow", "Action": actions, "Resource": "*" });
        let document = json!({ "Version": "2012-10-17", "Statement": statement }).to_string();
        survey["roles"][0]["policies"] =
            read("iam:GetRolePolicy", json!([{ "name": "own", "document": document }]));
        outcomes(&survey)
    };
    // The policy that is widely copied: events may be put, and no stream can be made.
    let copied = with(&["s3:PutObject", "logs:PutLogEvents"]);
    assert_eq!(copied["IAM-ROLE-04"], Verdict::Fail);
    assert_eq!(
        copied["IAM-ROLE-03"],
        Verdict::Fail,
        "the flag is on, and the bucket cannot be asked"
    );
    assert_eq!(copied["IAM-ROLE-06"], Verdict::Unknown, "s3:PutObject may be denied elsewhere");
    // A boundary or the organization may still deny it.
    assert_eq!(with(&["*"])["IAM-ROLE-04"], Verdict::Unknown);
}

#[test]
fn what_was_seen_at_run_time_outranks_routes() {
    let world = |ping: &str, arrived: Option<&str>| {
        let mut survey = sound();
        set(&mut survey, "/corners/0/network/endpoints/is", json!([]));
        for node in 0..2 {
            set(&mut survey, &format!("/corners/0/nodes/is/{node}/ping"), json!(ping));
        }
        let came = |kind: &str| {
            ["i-1", "i-2"].map(|it| json!({ "target": it, "kind": kind, "at": arrived }))
        };
        if arrived.is_some() {
            survey["arrivals"] = json!([came("s3"), came("logs")].concat());
            // The key is the agent's own business, and leaves no transcript.
            set(&mut survey, "/corners/0/preferences/is/content/is", with("kmsKeyId", json!("")));
        }
        let outcomes = outcomes(&survey);
        ["NET-01", "NET-02", "NET-03", "NET-04"].map(|it| outcomes[it])
    };
    use Verdict::*;
    assert_eq!(world("ConnectionLost", None), [Fail, Fail, Fail, Fail]);
    // There must be a way that is not seen here: which places it leads to is not known.
    assert_eq!(world("Online", None), [Pass, Pass, Unknown, Unknown]);
    assert_eq!(world("Online", Some("2026-11-20T00:00:00Z")), [Pass, Pass, Pass, Pass]);
    assert_eq!(world("Online", Some("2026-11-01T00:00:00Z")), [Pass, Pass, Unknown, Unknown]);
}

/// Permissions that a check takes beside those it declares and those by which it finds what it is about, and permissions that it declares
/// and takes in no world here: there are none.
#[test]
fn a_check_declares_the_permissions_whose_answers_it_takes() {
    let mut taken: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    let actions: BTreeSet<&str> = audit::checks().flat_map(|it| it.reads()).collect();
    let denied = actions.iter().flat_map(|action| {
        [sound(), leaning()].map(|mut it| {
            deny(&mut it, action);
            it
        })
    });
    for world in worlds().into_iter().chain(denied) {
        let survey = Survey::read(&world.to_string()).expect("a survey");
        for it in audit::judge(&survey, &promise(), &[], &[]).findings {
            // Some rows of the table name no permission.
            let actions = it.evidence.into_iter().map(|it| it.action).filter(|it| it != "x");
            taken.entry(it.check_id).or_default().extend(actions);
        }
    }
    let (mut undeclared, mut untaken) = (String::new(), String::new());
    for check in audit::checks() {
        let taken = taken.remove(check.id).unwrap_or_default();
        for it in &taken {
            let it = it.as_str();
            if !check.reads().any(|one| one == it) && !check.found_by().contains(&it) {
                undeclared += &format!("{} {it}\n", check.id);
            }
        }
        for it in check.reads().filter(|it| !taken.contains(*it)) {
            untaken += &format!("{} {it}\n", check.id);
        }
        for action in check.found_by() {
            assert!(audit::checks().any(|it| it.reads().any(|one| one == *action)), "{action}");
        }
    }
    assert_eq!((undeclared.as_str(), untaken.as_str()), ("", ""));
}
