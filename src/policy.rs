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
use crate::audit::preferences::Input;
use crate::audit::preferences::Preferences;
use crate::aws_names::AccountId;
use crate::aws_names::Arn;
use crate::aws_names::Home;
use crate::aws_names::Partition;
use crate::aws_names::RegionCode;
use crate::settings::Bucket;
use crate::settings::Document as SessionDocument;
use crate::settings::Key;
use crate::settings::KeyUse;
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
    json!({ "Sid": sid, "Effect": "Allow", "Action": one_or_many(actions.iter().map(|it| (*it).to_owned()).collect()), "Resource": one_or_many(resources) })
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

/// Documents that say where sessions go, with their Region and account.
fn session_documents(survey: &Survey) -> Vec<(&SessionDocument, Preferences, &str, &str)> {
    let mut out = Vec::new();
    for corner in &survey.corners {
        let own = corner.preferences.known().ok().and_then(Option::as_ref);
        for it in own.into_iter().chain(corner.documents.known().into_iter().flatten()) {
            let told = it.content.known().ok().and_then(|it| Preferences::read(it));
            if let Some(told) = told.filter(Preferences::is_shell) {
                out.push((it, told, corner.region.as_str(), corner.account.as_str()));
            }
        }
    }
    out
}

fn partition(survey: &Survey) -> Partition<'static> {
    let region = survey.corners.first().map(|it| it.region.as_str());
    let region = region.or(survey.groups.first().map(|it| it.region.as_str()));
    region.map_or(Partition::AWS, |it| RegionCode(it).partition_or_aws())
}

/// ARN of a key that is somebody's own; those that AWS manages need no grant.
fn customer(key: &Key) -> Option<String> {
    let state = key.state.known().ok().and_then(Option::as_ref);
    match state {
        Some(it) if it.manager == "AWS" => None,
        Some(it) => Some(it.arn.clone()),
        None => {
            let arn = Arn::parse(&key.id).filter(|it| it.resource.starts_with("key/"))?;
            Some(arn.to_string())
        }
    }
}

/// The objects below the prefixes of a bucket.
fn objects(it: &Bucket, partition: Partition<'_>) -> Vec<String> {
    let prefixes = it.prefixes.iter().map(|one| &one.prefix);
    prefixes.map(|prefix| partition.object(&it.name, &format!("{prefix}*"))).collect()
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
    let buckets: Vec<String> =
        survey.buckets.iter().flat_map(|it| objects(it, partition)).collect();
    let foreign = survey.buckets.iter().filter(|it| {
        it.expected_owner
            .as_ref()
            .is_some_and(|owner| survey.corners.iter().any(|it| it.account != *owner))
    });
    let foreign: Vec<String> = foreign.flat_map(|it| objects(it, partition)).collect();
    if !buckets.is_empty() {
        out.push(statement(
            "TranscriptsToS3",
            &["s3:PutObject", "s3:AbortMultipartUpload"],
            buckets,
        ));
        let names = survey.buckets.iter().map(|it| partition.bucket(&it.name));
        out.push(statement(
            "ProbeBucketEncryption",
            &["s3:GetEncryptionConfiguration"],
            names.collect(),
        ));
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
            match it {
                KeyUse::Bucket(_) => {
                    let service = RegionCode(&key.region).host("s3");
                    let arns = through.entry(service).or_default();
                    if !arns.contains(&arn) {
                        arns.push(arn.clone());
                    }
                }
                KeyUse::Sessions(_) if !sessions.contains(&arn) => sessions.push(arn.clone()),
                _ => {}
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
    vec![Policy {
        name: "session-writer".into(),
        holder: Holder::Principal,
        document: document(out),
    }]
}

/// What ssmtrail itself asks for: no more than these jobs need. It never writes.
pub fn auditor(survey: &Survey, jobs: &[Job]) -> Vec<Policy> {
    let partition = partition(survey);
    let has = |it: Job| jobs.contains(&it);
    let mut actions: BTreeSet<&str> = BTreeSet::new();
    if has(Job::Verify) {
        actions.extend(audit::checks().flat_map(|it| it.reads.iter().copied()));
        // The way to a role's own policies is longer than the answers that are judged.
        actions.extend([
            "account:ListRegions",
            "iam:ListRolePolicies",
            "iam:ListAttachedRolePolicies",
            "iam:GetPolicy",
        ]);
    }
    if has(Job::Init) {
        actions.extend([
            "account:ListRegions",
            "organizations:ListAccounts",
            "ssm:ListDocuments",
            "ssm:GetDocument",
            "ecs:ListClusters",
            "ecs:DescribeClusters",
            "ecs:ListTasks",
            "ecs:DescribeTasks",
            "ecs:DescribeTaskDefinition",
        ]);
    }
    if has(Job::Sync) {
        actions.extend([
            "s3:ListBucket",
            "s3:ListBucketVersions",
            "s3:GetObject",
            "s3:GetObjectVersion",
            "logs:DescribeLogGroups",
            "logs:DescribeLogStreams",
            "logs:GetLogEvents",
        ]);
        let infrequent = survey.groups.iter().any(|it| {
            let settings = it.settings.known().ok().and_then(Option::as_ref);
            settings.is_some_and(|it| it.class.as_deref() == Some("INFREQUENT_ACCESS"))
        });
        if infrequent {
            actions.extend(["logs:StartQuery", "logs:GetQueryResults"]);
        }
    }
    let accounts: BTreeSet<&str> = survey
        .corners
        .iter()
        .map(|it| it.account.as_str())
        .chain(survey.callers.iter().map(|it| it.account.as_str()))
        .collect();
    let of_ssm = |resource: &str| -> Vec<String> {
        let homes = accounts.iter().map(|account| Home { partition, region: "*", account });
        homes.map(|it| it.arn("ssm", resource)).collect()
    };
    let of_iam =
        |kind: &str| -> Vec<String> { accounts.iter().map(|it| partition.iam(it, kind)).collect() };
    let buckets: Vec<String> = survey.buckets.iter().map(|it| partition.bucket(&it.name)).collect();
    let below: Vec<String> = survey.buckets.iter().flat_map(|it| objects(it, partition)).collect();
    let groups = group_arns(survey, partition);
    let keys: Vec<String> = survey.keys.iter().filter_map(customer).collect();
    // Statement, resources, the actions that belong there.
    type Place<'a> = (&'a str, Vec<String>, fn(&str) -> bool);
    let of_object: fn(&str) -> bool = |it| it.starts_with("s3:GetObject");
    let places: [Place<'_>; 8] = [
        ("Transcripts", below, of_object),
        ("Buckets", buckets, |it| it.starts_with("s3:") && it != "s3:GetAccountPublicAccessBlock"),
        ("LogGroups", groups, |it| {
            [
                "logs:DescribeLogStreams",
                "logs:GetLogEvents",
                "logs:StartQuery",
                "logs:DescribeSubscriptionFilters",
            ]
            .contains(&it)
        }),
        ("Keys", keys.clone(), |it| it.starts_with("kms:")),
        ("SessionDocuments", of_ssm("document/*"), |it| {
            ["ssm:GetDocument", "ssm:DescribeDocument", "ssm:DescribeDocumentPermission"]
                .contains(&it)
        }),
        (
            "DefaultHostManagement",
            of_ssm("servicesetting/ssm/managed-instance/default-ec2-instance-management-role"),
            |it| it == "ssm:GetServiceSetting",
        ),
        ("Roles", ["role/*", "instance-profile/*", "user/*"].map(of_iam).concat(), |it| {
            it.starts_with("iam:") && !it.starts_with("iam:GetPolicy")
        }),
        ("Everywhere", vec!["*".into()], |_| true),
    ];
    let mut out = Vec::new();
    for (sid, resources, belongs) in places {
        let some: Vec<&str> = actions.iter().copied().filter(|it| belongs(it)).collect();
        some.iter().for_each(|it| {
            actions.remove(it);
        });
        if !some.is_empty() && !resources.is_empty() {
            out.push(statement(sid, &some, resources));
        }
    }
    if has(Job::Sync) && !keys.is_empty() {
        let regions: BTreeSet<String> =
            survey.keys.iter().map(|it| RegionCode(&it.region).host("s3")).collect();
        out.push(conditioned(
            statement("DecryptTranscripts", &["kms:Decrypt"], keys),
            json!({ "StringEquals": { "kms:ViaService": one_or_many(regions.into_iter().collect()) } }),
        ));
    }
    vec![Policy {
        name: "session-auditor".into(),
        holder: Holder::Principal,
        document: document(out),
    }]
}

/// Accounts whose nodes write, beside the owner.
fn other_accounts(survey: &Survey, owner: Option<&str>) -> Vec<String> {
    let mut out: Vec<String> = survey
        .corners
        .iter()
        .filter(|it| Some(it.account.as_str()) != owner)
        .map(|it| it.account.clone())
        .collect();
    out.sort_unstable();
    out.dedup();
    out
}

/// A policy for each key of your own: administration by the account, CloudWatch Logs for its groups alone, writers of other
/// accounts through S3 alone.
pub fn key(survey: &Survey) -> Vec<Policy> {
    let mut out = Vec::new();
    for key in &survey.keys {
        let Some(arn) = customer(key) else { continue };
        let owner = AccountId::of(&arn).map_or_else(|| key.account.clone(), |it| it.to_string());
        let Home { partition, .. } = key.home();
        let mut statements = vec![json!({
            "Sid": "AccountAdministration",
            "Effect": "Allow",
            "Principal": { "AWS": partition.root(&owner) },
            "Action": "kms:*",
            "Resource": "*",
        })];
        let groups: Vec<String> = key
            .used_by
            .iter()
            .filter_map(|it| if let KeyUse::LogGroup(arn) = it { Some(arn.clone()) } else { None })
            .collect();
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
        let others = other_accounts(survey, Some(&owner));
        let of_bucket = key.used_by.iter().any(|it| matches!(it, KeyUse::Bucket(_)));
        if of_bucket && !others.is_empty() {
            let roots = others.iter().map(|it| partition.root(it)).collect();
            statements.push(json!({
                "Sid": "WritersOfOtherAccountsThroughS3",
                "Effect": "Allow",
                "Principal": { "AWS": one_or_many(roots) },
                "Action": ["kms:GenerateDataKey", "kms:Decrypt"],
                "Resource": "*",
                "Condition": { "StringEquals": { "kms:ViaService": RegionCode(&key.region).host("s3") } },
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
        let others = other_accounts(survey, Some(owner));
        let (principal, condition) = match organization {
            Some(it) => (json!("*"), Some(json!({ "StringEquals": { "aws:PrincipalOrgID": it } }))),
            None => {
                let roots = others.iter().map(|it| partition.root(it)).collect();
                (json!({ "AWS": one_or_many(roots) }), None)
            }
        };
        if organization.is_some() || !others.is_empty() {
            for (sid, actions, resources) in [
                ("WritersPutTranscripts", vec!["s3:PutObject", "s3:PutObjectAcl"], below.clone()),
                (
                    "WritersProbeEncryption",
                    vec!["s3:GetEncryptionConfiguration"],
                    vec![arn.clone()],
                ),
            ] {
                let mut one = statement(sid, &actions, resources);
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
    for (it, told, region, account) in session_documents(survey) {
        let fixed = told.bucket.text().is_some() || told.group.text().is_some();
        let chosen = [&told.bucket, &told.group].iter().any(|it| matches!(it, Input::Chosen(_)));
        if fixed && !chosen {
            let home = Home { partition, region, account };
            resources.insert(home.document(&it.name));
            resources.insert(home.arn("ec2", "instance/*"));
            resources.insert(home.arn("ssm", "managed-instance/*"));
        }
    }
    if resources.is_empty() {
        return Vec::new();
    }
    let everywhere = Home { partition, region: "*", account: "*" };
    let mut out = vec![
        conditioned(
            statement(
                "StartLoggedSessions",
                &["ssm:StartSession"],
                resources.into_iter().collect(),
            ),
            json!({ "BoolIfExists": { "ssm:SessionDocumentAccessCheck": "true" } }),
        ),
        statement(
            "EndAndResumeOwnSessions",
            &["ssm:TerminateSession", "ssm:ResumeSession"],
            vec![everywhere.arn("ssm", "session/${aws:userid}-*")],
        ),
        statement(
            "SeeWhatThereIs",
            &["ssm:DescribeSessions", "ssm:GetConnectionStatus", "ssm:DescribeInstanceInformation"],
            vec!["*".into()],
        ),
    ];
    let keys: Vec<String> = survey
        .keys
        .iter()
        .filter(|it| it.used_by.iter().any(|it| matches!(it, KeyUse::Sessions(_))))
        .filter_map(customer)
        .collect();
    if !keys.is_empty() {
        out.push(statement("KeysOfSessions", &["kms:GenerateDataKey"], keys));
    }
    vec![Policy {
        name: "session-starter".into(),
        holder: Holder::Principal,
        document: document(out),
    }]
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
        let text = serde_json::to_string_pretty(&it.document).unwrap_or_default();
        let text = text.replace("${", "$${").replace("%{", "%%{").replace('\n', "\n  ");
        let quoted = |it: &str| {
            serde_json::to_string(it).unwrap_or_default().replace("${", "$${").replace("%{", "%%{")
        };
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
