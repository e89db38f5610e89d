//! Policies for the places that sessions really go to: a survey in, documents out. They are printed and never applied.
//!
//! What is widely copied is no JSON (trailing commas), grants what the agent never asks for (PutObjectTagging), and lacks what
//! it does (CreateLogStream, DescribeLogGroups, KMS). So each statement here names what the agent or ssmtrail asks for, on the
//! resource that the survey found, and nothing that would let a node erase its own record.
//! Source: "Create an IAM role with permissions for Session Manager and Amazon S3 and CloudWatch Logs", "Sample IAM policies
//! for Session Manager" (AWS Systems Manager User Guide); amazon-ssm-agent: agent/s3util, agent/agentlogstocloudwatch.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use serde_json::Value;
use serde_json::json;

use crate::audit;
use crate::audit::iam::writer::CHANNEL;
use crate::audit::names::via_s3;
use crate::audit::preferences::Preferences;
use crate::aws_names::AccountId;
use crate::aws_names::Arn;
use crate::aws_names::Home;
use crate::aws_names::Partition;
use crate::aws_names::RegionCode;
use crate::settings::Bucket;
use crate::settings::Key;
use crate::settings::KeyUse;
use crate::settings::LogGroup;
use crate::settings::Survey;

/// What a document is attached to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Holder {
    /// A role, user or group.
    Principal,
    /// The bucket of this name.
    Bucket(String),
    /// The key of this ARN.
    Key(String),
}

/// One policy document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Letters, digits and hyphens.
    pub name: String,
    /// What a person attaches it to.
    pub holder: Holder,
    /// The document itself, in IAM's JSON policy language.
    pub document: Value,
}

/// What an auditor is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Job {
    /// `ssmtrail init`: finds what can be collected.
    Init,
    /// `ssmtrail sync`: collects transcripts.
    Sync,
    /// `ssmtrail verify`: reads the settings and judges them.
    Verify,
}

fn statement(sid: &str, actions: &[&str], resources: Vec<String>) -> Value {
    let actions = actions.iter().map(|it| (*it).to_owned()).collect();
    json!({ "Sid": sid, "Effect": "Allow", "Action": one_or_many(actions), "Resource": one_or_many(resources) })
}

fn one_or_many(mut many: Vec<String>) -> Value {
    match many.len() {
        1 => many.remove(0).into(),
        _ => many.into(),
    }
}

fn conditioned(mut it: Value, condition: Value) -> Value {
    it["Condition"] = condition;
    it
}

fn document(statements: Vec<Value>) -> Value {
    json!({ "Version": "2012-10-17", "Statement": statements })
}

/// The one policy of a principal.
fn of_principal(name: &str, statements: Vec<Value>) -> Vec<Policy> {
    let document = document(statements);
    vec![Policy { name: name.into(), holder: Holder::Principal, document }]
}

fn partition(survey: &Survey) -> Partition<'static> {
    let region = survey.corners.first().map(|it| it.region.as_str());
    let region = region.or(survey.groups.first().map(|it| it.region.as_str()));
    region.map_or(Partition::AWS, |it| RegionCode(it).partition_or_aws())
}

/// ARN of a key that is somebody's own; those that AWS manages need no grant.
fn customer(key: &Key) -> Option<String> {
    match key.state.known() {
        Ok(Some(it)) => (it.manager != "AWS").then(|| it.arn.clone()),
        _ => {
            let arn = Arn::parse(&key.id).filter(|it| it.resource.starts_with("key/"));
            arn.map(|it| it.to_string())
        }
    }
}

fn customers(survey: &Survey) -> Vec<String> {
    survey.keys.iter().filter_map(customer).collect()
}

/// The objects below the prefixes of a bucket.
fn objects(it: &Bucket, partition: Partition<'_>) -> Vec<String> {
    let prefixes = it.prefixes.iter().map(|one| &one.prefix);
    prefixes.map(|prefix| partition.object(&it.name, &format!("{prefix}*"))).collect()
}

fn bucket_arns(survey: &Survey, partition: Partition<'_>) -> Vec<String> {
    survey.buckets.iter().map(|it| partition.bucket(&it.name)).collect()
}

fn group_arns(survey: &Survey, partition: Partition<'_>) -> Vec<String> {
    let groups = survey
        .groups
        .iter()
        .map(|it| Home { partition, region: &it.region, account: &it.account }.log_group(&it.name));
    // The service authorizes on the group's name alone for some calls, on what lies below it for others.
    groups.flat_map(|it| [it.clone(), format!("{it}:*")]).collect()
}

/// What the role behind the nodes needs, and nothing by which it could erase.
pub fn writer(survey: &Survey) -> Vec<Policy> {
    let partition = partition(survey);
    let mut out = vec![statement("SessionManagerChannel", &CHANNEL, vec!["*".into()])];
    let below = |it: &Bucket| objects(it, partition);
    let buckets: Vec<String> = survey.buckets.iter().flat_map(below).collect();
    let is_foreign = |it: &&Bucket| {
        let owner = it.expected_owner.as_ref();
        owner.is_some_and(|owner| survey.corners.iter().any(|it| it.account != *owner))
    };
    let foreign: Vec<String> = survey.buckets.iter().filter(is_foreign).flat_map(below).collect();
    if !buckets.is_empty() {
        let actions = ["s3:PutObject", "s3:AbortMultipartUpload"];
        out.push(statement("TranscriptsToS3", &actions, buckets));
        let whole = bucket_arns(survey, partition);
        out.push(statement("ProbeBucketEncryption", &["s3:GetEncryptionConfiguration"], whole));
    }
    if !foreign.is_empty() {
        out.push(statement("OwnershipToTheBucketsAccount", &["s3:PutObjectAcl"], foreign));
    }
    let groups = group_arns(survey, partition);
    if !groups.is_empty() {
        out.push(statement("ProbeLogGroups", &["logs:DescribeLogGroups"], vec!["*".into()]));
        let actions = ["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"];
        out.push(statement("TranscriptsToLogs", &actions, groups));
    }
    // Of which Region's S3 a key is used through.
    let mut through: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut sessions = Vec::new();
    for key in &survey.keys {
        let Some(arn) = customer(key) else { continue };
        for it in &key.used_by {
            let arns = match it {
                KeyUse::Bucket(_) => through.entry(via_s3(key)).or_default(),
                KeyUse::Sessions(_) => &mut sessions,
                KeyUse::LogGroup(_) | KeyUse::Objects(_) => continue,
            };
            if !arns.contains(&arn) {
                arns.push(arn.clone());
            }
        }
    }
    for (nth, (service, arns)) in through.into_iter().enumerate() {
        let sid = match nth {
            0 => "KeysOfBuckets".to_owned(),
            nth => format!("KeysOfBuckets{}", nth + 1),
        };
        out.push(conditioned(
            // Decrypt is for transcripts over 5 MiB, which are uploaded in parts.
            statement(&sid, &["kms:GenerateDataKey", "kms:Decrypt"], arns),
            json!({ "StringEquals": { "kms:ViaService": service } }),
        ));
    }
    if !sessions.is_empty() {
        out.push(statement("KeysOfSessions", &["kms:Decrypt"], sessions));
    }
    of_principal("session-writer", out)
}

/// What `verify` asks beside what its checks judge from: the way to a role's own policies is longer than the answers.
const BESIDE_CHECKS: [&str; 4] = [
    "account:ListRegions",
    "iam:ListRolePolicies",
    "iam:ListAttachedRolePolicies",
    "iam:GetPolicy",
];

const FOR_INIT: [&str; 9] = [
    "account:ListRegions",
    "organizations:ListAccounts",
    "ssm:ListDocuments",
    "ssm:GetDocument",
    "ecs:ListClusters",
    "ecs:DescribeClusters",
    "ecs:ListTasks",
    "ecs:DescribeTasks",
    "ecs:DescribeTaskDefinition",
];

const FOR_SYNC: [&str; 7] = [
    "s3:ListBucket",
    "s3:ListBucketVersions",
    "s3:GetObject",
    "s3:GetObjectVersion",
    "logs:DescribeLogGroups",
    "logs:DescribeLogStreams",
    "logs:GetLogEvents",
];

/// What the jobs ask AWS for.
fn asked(survey: &Survey, jobs: &[Job]) -> BTreeSet<&'static str> {
    let mut out: BTreeSet<&str> = BTreeSet::new();
    if jobs.contains(&Job::Verify) {
        out.extend(audit::checks().flat_map(|it| it.reads()));
        out.extend(BESIDE_CHECKS);
    }
    if jobs.contains(&Job::Init) {
        out.extend(FOR_INIT);
    }
    if jobs.contains(&Job::Sync) {
        out.extend(FOR_SYNC);
        let is_infrequent = |it: &LogGroup| {
            let settings = it.settings.known().ok().and_then(Option::as_ref);
            settings.is_some_and(|it| it.class.as_deref() == Some("INFREQUENT_ACCESS"))
        };
        if survey.groups.iter().any(is_infrequent) {
            out.extend(["logs:StartQuery", "logs:GetQueryResults"]);
        }
    }
    out
}

/// A statement of the auditor: its name, its resources, and the actions that belong there.
type Place = (&'static str, Vec<String>, fn(&str) -> bool);

/// Where the auditor asks. An action belongs to the first place that takes it; the last takes all.
fn places(survey: &Survey) -> [Place; 8] {
    let partition = partition(survey);
    let corners = survey.corners.iter().map(|it| it.account.as_str());
    let callers = survey.callers.iter().map(|it| it.account.as_str());
    let accounts: BTreeSet<&str> = corners.chain(callers).collect();
    let of_ssm = |resource: &str| -> Vec<String> {
        let homes = accounts.iter().map(|account| Home { partition, region: "*", account });
        homes.map(|it| it.arn("ssm", resource)).collect()
    };
    let principals = ["role/*", "instance-profile/*", "user/*"];
    let principals = principals
        .map(|kind| -> Vec<String> { accounts.iter().map(|it| partition.iam(it, kind)).collect() });
    let below = survey.buckets.iter().flat_map(|it| objects(it, partition)).collect();
    [
        ("Transcripts", below, |it| it.starts_with("s3:GetObject")),
        ("Buckets", bucket_arns(survey, partition), |it| {
            it.starts_with("s3:") && it != "s3:GetAccountPublicAccessBlock"
        }),
        ("LogGroups", group_arns(survey, partition), |it| {
            [
                "logs:DescribeLogStreams",
                "logs:GetLogEvents",
                "logs:StartQuery",
                "logs:DescribeSubscriptionFilters",
            ]
            .contains(&it)
        }),
        ("Keys", customers(survey), |it| it.starts_with("kms:")),
        ("SessionDocuments", of_ssm("document/*"), |it| {
            ["ssm:GetDocument", "ssm:DescribeDocument", "ssm:DescribeDocumentPermission"]
                .contains(&it)
        }),
        (
            "DefaultHostManagement",
            of_ssm("servicesetting/ssm/managed-instance/default-ec2-instance-management-role"),
            |it| it == "ssm:GetServiceSetting",
        ),
        ("Roles", principals.concat(), |it| {
            it.starts_with("iam:") && !it.starts_with("iam:GetPolicy")
        }),
        ("Everywhere", vec!["*".into()], |_| true),
    ]
}

/// What ssmtrail itself asks for: no more than these jobs need. It never writes.
pub fn auditor(survey: &Survey, jobs: &[Job]) -> Vec<Policy> {
    let mut left = asked(survey, jobs);
    let mut out = Vec::new();
    for (sid, resources, belongs) in places(survey) {
        let some: Vec<&str> = left.extract_if(.., |it| belongs(it)).collect();
        if !some.is_empty() && !resources.is_empty() {
            out.push(statement(sid, &some, resources));
        }
    }
    let keys = customers(survey);
    if jobs.contains(&Job::Sync) && !keys.is_empty() {
        let services: BTreeSet<String> = survey.keys.iter().map(via_s3).collect();
        let services = one_or_many(services.into_iter().collect());
        out.push(conditioned(
            statement("DecryptTranscripts", &["kms:Decrypt"], keys),
            json!({ "StringEquals": { "kms:ViaService": services } }),
        ));
    }
    of_principal("session-auditor", out)
}

/// Accounts whose nodes write, beside the owner.
fn other_accounts(survey: &Survey, owner: &str) -> Vec<String> {
    let accounts: BTreeSet<&String> = survey.corners.iter().map(|it| &it.account).collect();
    accounts.into_iter().filter(|it| *it != owner).cloned().collect()
}

/// A policy for each key of your own: administration by the account, CloudWatch Logs for its groups alone, writers of other
/// accounts through S3 alone.
pub fn key(survey: &Survey) -> Vec<Policy> {
    let mut out = Vec::new();
    for key in &survey.keys {
        let Some(arn) = customer(key) else { continue };
        let owner = AccountId::of(&arn).map_or_else(|| key.account.clone(), String::from);
        let Home { partition, .. } = key.home();
        let mut statements = vec![json!({
            "Sid": "AccountAdministration",
            "Effect": "Allow",
            "Principal": { "AWS": partition.root(&owner) },
            "Action": "kms:*",
            "Resource": "*",
        })];
        let groups: Vec<String> = key.groups().map(str::to_owned).collect();
        if !groups.is_empty() {
            statements.push(json!({
                "Sid": "CloudWatchLogsForTheseGroups",
                "Effect": "Allow",
                "Principal": { "Service": RegionCode(&key.region).host("logs") },
                "Action": ["kms:Encrypt*", "kms:Decrypt*", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:Describe*"],
                "Resource": "*",
                "Condition": { "ArnEquals": { "kms:EncryptionContext:aws:logs:arn": one_or_many(groups) } },
            }));
        }
        let others = other_accounts(survey, &owner);
        let of_bucket = key.used_by.iter().any(|it| matches!(it, KeyUse::Bucket(_)));
        if of_bucket && !others.is_empty() {
            let roots = others.iter().map(|it| partition.root(it)).collect();
            statements.push(json!({
                "Sid": "WritersOfOtherAccountsThroughS3",
                "Effect": "Allow",
                "Principal": { "AWS": one_or_many(roots) },
                "Action": ["kms:GenerateDataKey", "kms:Decrypt"],
                "Resource": "*",
                "Condition": { "StringEquals": { "kms:ViaService": via_s3(key) } },
            }));
        }
        let id = Arn::parse(&arn).map_or("key", Arn::name);
        let mut document = document(statements);
        document["Id"] = "session-transcripts".into();
        out.push(Policy { name: format!("key-{}", slug(id)), holder: Holder::Key(arn), document });
    }
    out
}

/// A policy for each bucket: TLS alone, writers of other accounts by their account or organization, and nodes that can write and
/// do nothing else.
pub fn bucket(survey: &Survey, organization: Option<&str>) -> Vec<Policy> {
    let partition = partition(survey);
    let mut out = Vec::new();
    for it in &survey.buckets {
        let arn = partition.bucket(&it.name);
        let below = objects(it, partition);
        let owner = it.expected_owner.as_deref().unwrap_or(&it.account);
        let mut statements = vec![json!({
            "Sid": "DenyInsecureTransport",
            "Effect": "Deny",
            "Principal": "*",
            "Action": "s3:*",
            "Resource": [arn.clone(), format!("{arn}/*")],
            "Condition": { "Bool": { "aws:SecureTransport": "false" } },
        })];
        let others = other_accounts(survey, owner);
        let (principal, condition) = match organization {
            Some(it) => (json!("*"), Some(json!({ "StringEquals": { "aws:PrincipalOrgID": it } }))),
            None => {
                let roots = others.iter().map(|it| partition.root(it)).collect();
                (json!({ "AWS": one_or_many(roots) }), None)
            }
        };
        if organization.is_some() || !others.is_empty() {
            let put = ["s3:PutObject", "s3:PutObjectAcl"];
            let probe = ["s3:GetEncryptionConfiguration"];
            for mut one in [
                statement("WritersPutTranscripts", &put, below.clone()),
                statement("WritersProbeEncryption", &probe, vec![arn.clone()]),
            ] {
                one["Principal"] = principal.clone();
                if let Some(it) = &condition {
                    one["Condition"] = it.clone();
                }
                statements.push(one);
            }
        }
        let roles: Vec<String> = survey.roles.iter().map(|it| it.arn.clone()).collect();
        if !roles.is_empty() {
            statements.push(json!({
                "Sid": "NodesOnlyWrite",
                "Effect": "Deny",
                "Principal": { "AWS": one_or_many(roles) },
                "Action": ["s3:GetObject", "s3:GetObjectVersion", "s3:DeleteObject", "s3:DeleteObjectVersion", "s3:BypassGovernanceRetention"],
                "Resource": one_or_many(below),
            }));
        }
        out.push(Policy {
            name: format!("bucket-{}", slug(&it.name)),
            holder: Holder::Bucket(it.name.clone()),
            document: document(statements),
        });
    }
    out
}

/// What those who start sessions need, held to documents that are logged, and to sessions of their own.
pub fn guard(survey: &Survey) -> Vec<Policy> {
    let partition = partition(survey);
    let mut resources = BTreeSet::new();
    for corner in &survey.corners {
        let home = Home { partition, ..corner.home() };
        let own = corner.preferences.known().into_iter().flatten();
        for it in own.chain(corner.documents.known().into_iter().flatten()) {
            let told = it.content.known().ok().and_then(|it| Preferences::read(it));
            let Some(told) = told.filter(Preferences::is_shell) else { continue };
            let places = [&told.bucket, &told.group];
            let is_fixed = places.iter().any(|it| it.text().is_some());
            if is_fixed && places.iter().all(|it| it.chosen().is_none()) {
                resources.insert(home.document(&it.name));
                resources.insert(home.arn("ec2", "instance/*"));
                resources.insert(home.arn("ssm", "managed-instance/*"));
            }
        }
    }
    if resources.is_empty() {
        return Vec::new();
    }
    let start = statement("StartLoggedSessions", &["ssm:StartSession"], Vec::from_iter(resources));
    let checked = json!({ "BoolIfExists": { "ssm:SessionDocumentAccessCheck": "true" } });
    let everywhere = Home { partition, region: "*", account: "*" };
    let own = vec![everywhere.arn("ssm", "session/${aws:userid}-*")];
    let see =
        ["ssm:DescribeSessions", "ssm:GetConnectionStatus", "ssm:DescribeInstanceInformation"];
    let mut out = vec![
        conditioned(start, checked),
        statement("EndAndResumeOwnSessions", &["ssm:TerminateSession", "ssm:ResumeSession"], own),
        statement("SeeWhatThereIs", &see, vec!["*".into()]),
    ];
    let of_sessions = |it: &&Key| it.used_by.iter().any(|it| matches!(it, KeyUse::Sessions(_)));
    let keys: Vec<String> = survey.keys.iter().filter(of_sessions).filter_map(customer).collect();
    if !keys.is_empty() {
        out.push(statement("KeysOfSessions", &["kms:GenerateDataKey"], keys));
    }
    of_principal("session-starter", out)
}

/// Letters, digits and hyphens of a name.
fn slug(name: &str) -> String {
    let plain = |it: char| if it.is_ascii_alphanumeric() { it.to_ascii_lowercase() } else { '-' };
    name.chars().map(plain).collect()
}

/// Terraform: JSON is an expression of its language, once what it would interpolate is escaped.
/// Source: "Strings and Templates" (Terraform language documentation).
pub fn terraform(policies: &[Policy]) -> String {
    let mut out = String::new();
    for it in policies {
        let name = it.name.replace('-', "_");
        let escaped = |it: String| it.replace("${", "$${").replace("%{", "%%{");
        let quoted = |it: &str| escaped(serde_json::to_string(it).unwrap_or_default());
        let text = escaped(serde_json::to_string_pretty(&it.document).unwrap_or_default());
        let text = text.replace('\n', "\n  ");
        let (kind, first) = match &it.holder {
            Holder::Principal => ("aws_iam_policy", format!("name   = {}", quoted(&it.name))),
            Holder::Bucket(bucket) => {
                ("aws_s3_bucket_policy", format!("bucket = {}", quoted(bucket)))
            }
            Holder::Key(arn) => ("aws_kms_key_policy", format!("key_id = {}", quoted(arn))),
        };
        out.push_str(&format!(
            "resource \"{kind}\" \"{name}\" {{\n  {first}\n  policy = jsonencode({text})\n}}\n\n"
        ));
    }
    out.truncate(out.trim_end().len());
    out.push('\n');
    out
}

/// A CloudFormation template. A key's policy belongs to the key's own resource there: it is printed as one to be merged.
pub fn cloudformation(policies: &[Policy]) -> Value {
    let mut resources = serde_json::Map::new();
    for it in policies {
        let name: String = it
            .name
            .split('-')
            .map(|it| {
                let mut letters = it.chars();
                letters.next().map_or(String::new(), |first| {
                    first.to_ascii_uppercase().to_string() + letters.as_str()
                })
            })
            .collect();
        let resource = match &it.holder {
            Holder::Principal => json!({
                "Type": "AWS::IAM::ManagedPolicy",
                "Properties": { "ManagedPolicyName": it.name, "PolicyDocument": it.document },
            }),
            Holder::Bucket(bucket) => json!({
                "Type": "AWS::S3::BucketPolicy",
                "Properties": { "Bucket": bucket, "PolicyDocument": it.document },
            }),
            Holder::Key(_) => json!({
                "Type": "AWS::KMS::Key",
                "DeletionPolicy": "Retain",
                "UpdateReplacePolicy": "Retain",
                "Properties": { "EnableKeyRotation": true, "KeyPolicy": it.document },
            }),
        };
        resources.insert(name, resource);
    }
    json!({ "AWSTemplateFormatVersion": "2010-09-09", "Resources": resources })
}
