//! Checks of those who write and those who start: the role behind each node, and the principals that open sessions.
//!
//! The agent uploads with the credentials it registered with, so it is the role behind a node that must be allowed to write,
//! and that must not be allowed to erase. What it may do is asked of IAM's own simulator, once a role; where the simulator is
//! refused, or its answer depends on what it was not given, its policies are read. The policies of bucket and key, which no simulator knows, are read here.
//! Source: amazon-ssm-agent: agent/managedInstances, agent/ec2roleprovider/ec2_role_provider.go, agent/s3util/s3util.go.

use std::collections::BTreeSet;

use super::check::About;
use super::check::Check;
use super::conditions::Truth;
use super::documents::CW_REFUSAL;
use super::documents::S3_REFUSAL;
use super::frameworks::Group;
use super::names::quote;
use super::preferences::NAME;
use super::preferences::Preferences;
use super::statements::Policy;
use super::statements::Request;
use super::statements::Said;
use super::statements::Statement;
use super::statements::account_of;
use super::subject::Starter;
use super::undoing;
use super::undoing::On;
use super::verdict::Answer;
use super::verdict::Judged;
use super::verdict::Severity::High;
use super::verdict::Severity::Medium;
use super::verdict::unclear;
use super::view::View;
use crate::config::domain_of;
use crate::config::partition_of;
use crate::settings::Bucket;
use crate::settings::Corner;
use crate::settings::Encryption;
use crate::settings::Instance;
use crate::settings::Key;
use crate::settings::Node;
use crate::settings::Reason;
use crate::settings::Role;
use crate::settings::Unread;

pub(super) const CHECKS: &[Check] = &[
    Check {
        id: "IAM-ROLE-01",
        title: "It is known which role writes for the node",
        severity: High,
        groups: &[Group::Generation],
        reads: &[
            "ssm:DescribeInstanceInformation",
            "ec2:DescribeInstances",
            "iam:GetInstanceProfile",
            "ssm:GetServiceSetting",
            "iam:SimulatePrincipalPolicy",
            "iam:GetRolePolicy",
            "iam:GetPolicyVersion",
        ],
        why: "The agent logs with the role it registered with; a policy on any other role changes nothing.",
        then: "Attach an instance profile, or switch the Default Host Management Configuration on.",
        ask: &About::<Node>(writes),
    },
    Check {
        id: "IAM-ROLE-02",
        title: "The role keeps the node connected",
        severity: High,
        groups: &[Group::Failure],
        reads: &[
            "iam:SimulatePrincipalPolicy",
            "iam:GetRolePolicy",
            "iam:GetPolicyVersion",
            "ssm:DescribeInstanceInformation",
            "ec2:DescribeInstances",
        ],
        why: "Without these permissions the node does not appear, and no session reaches it.",
        then: "Attach AmazonSSMManagedInstanceCore, or the statement of `ssmtrail policy writer`.",
        ask: &About::<Role>(channel),
    },
    Check {
        id: "IAM-ROLE-03",
        title: "The role may write transcripts to the bucket",
        severity: High,
        groups: &[Group::Generation, Group::Failure],
        reads: &[
            "iam:SimulatePrincipalPolicy",
            "iam:GetRolePolicy",
            "iam:GetPolicyVersion",
            "ssm:DescribeInstanceInformation",
            "ec2:DescribeInstances",
            "ssm:GetDocument",
            "ssm:ListDocuments",
            "s3:GetBucketPolicy",
            "s3:ListBucket",
        ],
        why: "No managed policy of Systems Manager grants it: sessions work, and their transcripts are lost.",
        then: "Attach what `ssmtrail policy writer` prints.",
        ask: &About::<Role>(to_bucket),
    },
    Check {
        id: "IAM-ROLE-04",
        title: "The role may write transcripts to the log group",
        severity: High,
        groups: &[Group::Generation, Group::Failure],
        reads: &[
            "iam:SimulatePrincipalPolicy",
            "iam:GetRolePolicy",
            "iam:GetPolicyVersion",
            "ssm:DescribeInstanceInformation",
            "ec2:DescribeInstances",
            "ssm:GetDocument",
            "ssm:ListDocuments",
        ],
        why: "The agent makes a stream for each session; a role that may only put events into streams loses every one.",
        then: "Attach what `ssmtrail policy writer` prints.",
        ask: &About::<Role>(to_group),
    },
    Check {
        id: "IAM-ROLE-05",
        title: "The role may use the keys of bucket and sessions",
        severity: High,
        groups: &[Group::Keys, Group::Failure],
        reads: &[
            "iam:SimulatePrincipalPolicy",
            "iam:GetRolePolicy",
            "iam:GetPolicyVersion",
            "ssm:DescribeInstanceInformation",
            "ec2:DescribeInstances",
            "ssm:GetDocument",
            "ssm:ListDocuments",
            "s3:GetEncryptionConfiguration",
            "s3:GetBucketPolicy",
            "kms:GetKeyPolicy",
            "kms:DescribeKey",
            "s3:ListBucket",
        ],
        why: "Without kms:GenerateDataKey nothing arrives; without kms:Decrypt long transcripts alone are lost, which nobody notices.",
        then: "Allow both on the bucket's key, and kms:Decrypt on the key of the sessions.",
        ask: &About::<Role>(with_keys),
    },
    Check {
        id: "IAM-ROLE-06",
        title: "The role that writes cannot erase",
        severity: High,
        groups: &[Group::Integrity],
        reads: &[
            "iam:SimulatePrincipalPolicy",
            "iam:GetRolePolicy",
            "iam:GetPolicyVersion",
            "ssm:DescribeInstanceInformation",
            "ec2:DescribeInstances",
            "ssm:GetDocument",
            "ssm:ListDocuments",
            "s3:GetBucketVersioning",
            "s3:GetBucketObjectLockConfiguration",
            "s3:GetBucketPolicy",
            "s3:GetEncryptionConfiguration",
            "kms:DescribeKey",
            "kms:GetKeyPolicy",
        ],
        why: "Whoever is root on the node has the role's credentials: what it may delete or shorten, they may.",
        then: "Take these permissions from the role; CloudWatchAgentServerPolicy and AmazonEC2RoleforSSM bring some of them.",
        ask: &About::<Role>(erases),
    },
    Check {
        id: "IAM-USER-01",
        title: "Those who start sessions are held to logged documents",
        severity: Medium,
        groups: &[Group::Generation],
        reads: &["iam:SimulatePrincipalPolicy"],
        why: "The document decides whether there is a log: whoever may name any document may choose one without.",
        then: "Allow ssm:StartSession on named documents, with ssm:SessionDocumentAccessCheck; `ssmtrail policy guard` prints it.",
        ask: &About::<Starter>(pinned),
    },
];

/// Permissions without which a node does not appear. `ec2messages` is for agents before 3.3.40.0.
/// Source: "AWSsystems manager: ec2messages and other API operations" (AWS Systems Manager User Guide).
pub const CHANNEL: [&str; 5] = [
    "ssm:UpdateInstanceInformation",
    "ssmmessages:CreateControlChannel",
    "ssmmessages:CreateDataChannel",
    "ssmmessages:OpenControlChannel",
    "ssmmessages:OpenDataChannel",
];

/// Agents from this version on use the Default Host Management role.
/// Source: "Managing EC2 instances automatically with Default Host Management Configuration".
const DEFAULT_HOST: [u64; 4] = [3, 2, 582, 0];

/// Who writes for a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Writer {
    /// ARN of the role.
    Is(String),
    /// One of these: which one cannot be told from outside.
    Either(String, String),
    /// Nobody, and why.
    Nobody(String),
}

impl Writer {
    pub fn roles(&self) -> Vec<&str> {
        match self {
            Self::Is(it) => vec![it],
            Self::Either(one, other) => vec![one, other],
            Self::Nobody(_) => Vec::new(),
        }
    }
}

/// ARN of a role that is told by its name.
pub(super) fn role_arn(name: &str, corner: &Corner) -> String {
    match name.starts_with("arn:") {
        true => name.to_owned(),
        false => format!(
            "arn:{}:iam::{}:role/{}",
            partition_of(&corner.region),
            corner.account,
            name.trim_start_matches('/')
        ),
    }
}

/// Roles that a corner's nodes might write with, each with its nodes: the ones to ask the simulator about.
pub fn candidates(corner: &Corner) -> Vec<(String, Vec<String>)> {
    let mut out: Vec<(String, Vec<String>)> = Vec::new();
    for node in corner.nodes.known().into_iter().flatten() {
        let instances = corner.network.instances.known().into_iter().flatten();
        let instance = instances.into_iter().find(|it| it.id == node.id);
        let profile = instance.and_then(|it| it.role.known().ok()).and_then(Option::as_ref);
        let default = corner.default_role.known().ok().and_then(Option::as_ref);
        let names = [node.role.as_ref(), profile, default.filter(|_| node.id.starts_with("i-"))];
        for name in names.into_iter().flatten() {
            let arn = role_arn(name, corner);
            match out.iter_mut().find(|it| it.0 == arn) {
                Some(it) if it.1.contains(&node.id) => {}
                Some(it) => it.1.push(node.id.clone()),
                None => out.push((arn, vec![node.id.clone()])),
            }
        }
    }
    out
}

fn instance_of<'a>(
    id: &str,
    corner: &'a Corner,
    view: &View<'_>,
) -> Result<Option<&'a Instance>, Unread> {
    Ok(view.take(&corner.network.instances)?.iter().find(|it| it.id == id))
}

/// Who writes for a node: its instance profile if that may register it, else the role of the Default Host Management
/// Configuration; of a hybrid node the role of its activation.
///
/// # Errors
/// What would have to be known.
pub fn writer(node: &Node, corner: &Corner, view: &View<'_>) -> Result<Writer, Unread> {
    if !node.id.starts_with("i-") {
        return Ok(match &node.role {
            Some(it) => Writer::Is(role_arn(it, corner)),
            None => Writer::Nobody("Systems Manager tells no role of this node".into()),
        });
    }
    let Some(instance) = instance_of(&node.id, corner, view)? else {
        return Err(unclear(Reason::NotThere, "EC2 knows no such instance any more"));
    };
    let default = || -> Result<Option<String>, Unread> {
        let able = node.version().as_slice() >= DEFAULT_HOST.as_slice();
        let role = view.take(&corner.default_role)?.as_ref().map(|it| role_arn(it, corner));
        Ok(role.filter(|_| able && instance.metadata != Some(false)))
    };
    let Some(profile) = view.take(&instance.role)?.as_ref().map(|it| role_arn(it, corner)) else {
        return Ok(match default()? {
            Some(it) => Writer::Is(it),
            None => Writer::Nobody(
                "it has no instance profile, and no Default Host Management role takes its place"
                    .into(),
            ),
        });
    };
    let may = view.survey.roles.iter().find(|it| it.arn == profile).map_or_else(
        || Err(unclear(Reason::NotAsked, "the role was not looked at")),
        |it| may(&Call { role: it, action: "ssm:UpdateInstanceInformation", resource: "*" }, view),
    );
    match may {
        Ok(Permission::Allowed) => Ok(Writer::Is(profile)),
        Ok(_) => Ok(Writer::Is(default()?.unwrap_or(profile))),
        Err(why) => match default() {
            Ok(None) => Ok(Writer::Is(profile)),
            Ok(Some(it)) => Ok(Writer::Either(profile, it)),
            Err(_) => Err(why),
        },
    }
}

/// One question to IAM's simulator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    pub resource: String,
    pub actions: Vec<&'static str>,
    /// Condition keys and values, with their types.
    pub context: Vec<(&'static str, &'static str, String)>,
}

/// Places that the documents of these corners send sessions to, as buckets with prefixes and as groups.
fn destinations(corners: &[&Corner], view: &View<'_>) -> (Vec<(String, String)>, Vec<String>) {
    let (mut buckets, mut groups) = (Vec::new(), Vec::new());
    for corner in corners {
        let own = view.take(&corner.preferences).ok().and_then(Option::as_ref);
        let others = view.take(&corner.documents).into_iter().flatten();
        for document in own.into_iter().chain(others) {
            let told = view.take(&document.content).ok().and_then(|it| Preferences::read(it));
            let Some(told) = told.filter(Preferences::is_shell) else { continue };
            if let Some(it) = told.bucket.text() {
                buckets.push((it.to_owned(), told.prefix.clone()));
            }
            if let Some(it) = told.group.text() {
                groups.push(format!(
                    "arn:{}:logs:{}:{}:log-group:{it}",
                    partition_of(&corner.region),
                    corner.region,
                    corner.account
                ));
            }
        }
    }
    groups.sort_unstable();
    groups.dedup();
    buckets.sort_unstable();
    buckets.dedup();
    (buckets, groups)
}

/// An object that a session would become.
pub(super) fn object_arn(bucket: &str, prefix: &str, partition: &str) -> String {
    format!("arn:{partition}:s3:::{bucket}/{prefix}someone-0123456789abcdef0.log")
}

/// A stream as the service names it when it refuses: with the group's name alone for what concerns the whole group.
pub(super) fn stream_arn(group: &str) -> String {
    format!("{group}:log-stream:someone-0123456789abcdef0")
}

/// What CloudWatch Logs names where all groups of a Region are asked for, which a policy by `log-group:*` allows, too.
pub(super) fn any_group(group: &str) -> String {
    let place = group.split(":log-group:").next().unwrap_or_default();
    format!("{place}:log-group::log-stream:")
}

fn whole_group(group: &str) -> String {
    format!("{group}:log-stream:")
}

/// What reads the record back, which a writer needs as little as what erases it.
const READ_OBJECT: [&str; 2] = ["s3:GetObject", "s3:GetObjectVersion"];
const READ_STREAM: &str = "logs:GetLogEvents";

/// Keys of the buckets and sessions of these corners, as ARNs where they are known; and whether the key serves a bucket.
fn keys_used<'a>(corners: &[&Corner], view: &View<'a>) -> Vec<(&'a Key, bool)> {
    let (buckets, _) = destinations(corners, view);
    let mut out: Vec<(&Key, bool)> = Vec::new();
    for key in &view.survey.keys {
        for it in &key.used_by {
            let used = match it {
                crate::settings::KeyUse::Bucket(name) => {
                    buckets.iter().any(|it| it.0 == *name).then_some(true)
                }
                crate::settings::KeyUse::Sessions(name) => corners
                    .iter()
                    .any(|it| {
                        it.account == key.account && *name == format!("{NAME} in {}", it.region)
                    })
                    .then_some(false),
                _ => None,
            };
            out.extend(used.filter(|it| !out.contains(&(key, *it))).map(|it| (key, it)));
        }
    }
    out
}

fn key_arn<'a>(key: &'a Key, view: &View<'_>) -> Option<&'a str> {
    let state = view.take(&key.state).ok().and_then(Option::as_ref);
    state.map(|it| it.arn.as_str()).or(Some(key.id.as_str())).filter(|it| it.starts_with("arn:"))
}

/// What a request of the agent carries, in the forms of the simulator.
fn carried(encryption: Option<&Encryption>) -> Vec<(&'static str, &'static str, String)> {
    let mut out = vec![
        ("aws:SecureTransport", "boolean", "true".to_owned()),
        ("s3:x-amz-acl", "string", "bucket-owner-full-control".to_owned()),
    ];
    // Of a bucket encrypted by dsse, or one it cannot ask about, the agent sends no header.
    if let Some(it) = encryption.filter(|it| it.algorithm != "aws:kms:dsse") {
        out.push(("s3:x-amz-server-side-encryption", "string", it.algorithm.clone()));
        out.extend(
            it.kms_key
                .as_ref()
                .map(|it| ("s3:x-amz-server-side-encryption-aws-kms-key-id", "string", it.clone())),
        );
    }
    out
}

/// What to ask about the role behind nodes of these corners.
pub fn questions(corners: &[&Corner], view: &View<'_>) -> Vec<Question> {
    let region = corners.first().map_or("", |it| it.region.as_str());
    let partition = partition_of(region);
    let (buckets, groups) = destinations(corners, view);
    let everywhere = CHANNEL.to_vec();
    let mut out = vec![Question { resource: "*".into(), actions: everywhere, context: Vec::new() }];
    for resource in groups.iter().map(|it| any_group(it)).collect::<BTreeSet<_>>() {
        let actions = vec!["logs:DescribeLogGroups"];
        out.push(Question { resource, actions, context: Vec::new() });
    }
    for (name, prefix) in &buckets {
        let encryption = view.bucket(name).and_then(|it| view.take(&it.encryption).ok());
        let encryption = encryption.and_then(Option::as_ref);
        let mut actions = vec!["s3:PutObject", "s3:PutObjectAcl", "s3:AbortMultipartUpload"];
        actions.extend(undoing::actions(On::Object));
        actions.extend(READ_OBJECT);
        let resource = object_arn(name, prefix, partition);
        out.push(Question { resource, actions, context: carried(encryption) });
        let resource = format!("arn:{partition}:s3:::{name}");
        let mut actions = vec!["s3:GetEncryptionConfiguration"];
        actions.extend(undoing::actions(On::Bucket));
        let context = vec![("aws:SecureTransport", "boolean", "true".to_owned())];
        if !out.iter().any(|it| it.resource == resource) {
            out.push(Question { resource, actions, context });
        }
    }
    for group in &groups {
        let mut actions =
            vec!["logs:CreateLogStream", "logs:PutLogEvents", "logs:DescribeLogStreams"];
        actions.extend(undoing::actions(On::Stream));
        actions.push(READ_STREAM);
        out.push(Question { resource: stream_arn(group), actions, context: Vec::new() });
        let actions = undoing::actions(On::Group);
        out.push(Question { resource: whole_group(group), actions, context: Vec::new() });
    }
    for (key, of_bucket) in keys_used(corners, view) {
        let Some(arn) = key_arn(key, view) else { continue };
        let resource = arn.to_owned();
        let (actions, context) = match of_bucket {
            true => {
                let service = format!("s3.{}.{}", key.region, domain_of(&key.region));
                (
                    vec!["kms:GenerateDataKey", "kms:Decrypt"],
                    vec![("kms:ViaService", "string", service)],
                )
            }
            false => (vec!["kms:Decrypt"], Vec::new()),
        };
        let actions = [actions, undoing::actions(On::Key)].concat();
        match out.iter_mut().find(|it| it.resource == resource) {
            Some(it) => it.actions.extend(
                actions.iter().filter(|one| !it.actions.contains(one)).copied().collect::<Vec<_>>(),
            ),
            None => out.push(Question { resource, actions, context }),
        }
    }
    for it in corners {
        let resource = format!("arn:{partition}:ssm:{}:{}:document/{NAME}", it.region, it.account);
        let actions = undoing::actions(On::Document);
        out.push(Question { resource, actions, context: Vec::new() });
    }
    if let (false, Some(it)) = (groups.is_empty(), out.first_mut()) {
        it.actions.extend(undoing::actions(On::Logs));
    }
    out
}

/// Documents of AWS by which a session is no shell whose log the preferences send anywhere: tunnels, through which SSH gives a shell,
/// and commands by documents with inputs of their own.
/// Source: "Logging session activity" ("… isn't available for sessions that connect through port forwarding or SSH").
const UNLOGGED: [&str; 5] = [
    "AWS-StartSSHSession",
    "AWS-StartPortForwardingSession",
    "AWS-StartPortForwardingSessionToRemoteHost",
    "AWS-StartInteractiveCommand",
    "AWS-StartNonInteractiveCommand",
];

/// What to ask about a principal that starts sessions, in every corner of its account: may it name a document of AWS that is not
/// logged, may it start a session without any check of documents, on all nodes or on one that is there, and may it enter containers.
pub fn starter_questions(corners: &[&Corner]) -> Vec<Question> {
    let context = |it: &str| vec![("ssm:SessionDocumentAccessCheck", "boolean", it.to_owned())];
    let mut out = Vec::new();
    let mut ask = |resource: String, action, context| {
        out.push(Question { resource, actions: vec![action], context });
    };
    for corner in corners {
        let (partition, region, account) =
            (partition_of(&corner.region), &corner.region, &corner.account);
        for document in UNLOGGED {
            let resource = format!("arn:{partition}:ssm:{region}::document/{document}");
            ask(resource, "ssm:StartSession", context("true"));
        }
        // The first of each kind that is there; the id of none where there is none, which a policy by wildcard means, too.
        let nodes = corner.nodes.known().map(Vec::as_slice).unwrap_or_default();
        let of =
            |kind: &str| nodes.iter().find(|it| it.id.starts_with(kind)).map(|it| it.id.as_str());
        let instance = of("i-").unwrap_or("i-0123456789abcdef0");
        let resource = format!("arn:{partition}:ec2:{region}:{account}:instance/{instance}");
        ask(resource, "ssm:StartSession", context("false"));
        if let Some(it) = of("mi-") {
            let resource = format!("arn:{partition}:ssm:{region}:{account}:managed-instance/{it}");
            ask(resource, "ssm:StartSession", context("false"));
        }
        let resource = format!("arn:{partition}:ecs:{region}:{account}:task/any/any");
        ask(resource, "ecs:ExecuteCommand", Vec::new());
    }
    out
}

/// What a principal may do, boundary and organization included.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Permission {
    Allowed,
    /// By whom, if it is denied and not merely not allowed.
    Denied(Option<String>),
}

/// One call that a role might make.
#[derive(Clone, Copy, Debug)]
struct Call<'a> {
    role: &'a Role,
    action: &'a str,
    resource: &'a str,
}

/// What IAM said of one action on one resource; else what the role's own policies say.
fn may(call: &Call<'_>, view: &View<'_>) -> Result<Permission, Unread> {
    let Call { role, action, resource } = *call;
    let Some(simulation) = role.simulations.iter().find(|it| it.resource == resource) else {
        return Err(unclear(Reason::NotAsked, format!("{action} was not asked about")));
    };
    let decisions = match view.take(&simulation.decisions) {
        Ok(it) => it,
        // An allowance may still be denied by a boundary or the organization.
        Err(why) => {
            return match own_policies(call, view) {
                Ok(Said::Nothing) => Ok(Permission::Denied(None)),
                Ok(Said::Denies(name)) => Ok(Permission::Denied(Some(name))),
                _ => Err(why),
            };
        }
    };
    let Some(it) = decisions.iter().find(|it| it.action.eq_ignore_ascii_case(action)) else {
        return Err(unclear(Reason::NotAsked, format!("{action} was not asked about")));
    };
    // With a key that the simulator was not given, such as a tag, an address or MFA, the answer may be another. It names the keys of
    // all the policies, though, not of those that are about this action; so the policies are read. A boundary's are not.
    let by_others = [it.by_organization, it.by_boundary].contains(&Some(false));
    if !it.missing_context.is_empty() && !by_others {
        let depends = || {
            let keys = it.missing_context.join(", ");
            unclear(Reason::MissingContextKey, format!("{action} depends on {keys}"))
        };
        return match (it.decision.as_str(), own_policies(call, view)) {
            ("allowed", Ok(Said::Allows(_))) if it.by_boundary.is_none() => Ok(Permission::Allowed),
            (_, Ok(Said::Denies(name))) => Ok(Permission::Denied(Some(name))),
            ("implicitDeny", Ok(Said::Nothing)) => Ok(Permission::Denied(None)),
            (_, Err(why)) if why.reason != Reason::NotAsked => Err(why),
            _ => Err(depends()),
        };
    }
    match it.decision.as_str() {
        "allowed" => Ok(Permission::Allowed),
        "explicitDeny" => Ok(Permission::Denied(Some("a policy".into()))),
        _ if it.by_organization == Some(false) => {
            Ok(Permission::Denied(Some("a service control policy".into())))
        }
        _ if it.by_boundary == Some(false) => {
            Ok(Permission::Denied(Some("its permissions boundary".into())))
        }
        _ => Ok(Permission::Denied(None)),
    }
}

/// What the role's own policies say together. A boundary and the organization count, too.
fn own_policies(call: &Call<'_>, view: &View<'_>) -> Result<Said, Unread> {
    let Call { role, action, resource } = *call;
    let mut all = Policy::default();
    for it in view.take(&role.policies)? {
        let why = || {
            let why = format!("its policy {} is of a form that is not known", it.name);
            unclear(Reason::NotUnderstood, why)
        };
        let statements = Policy::read(&it.document).ok_or_else(why)?.statements.into_iter();
        all.statements.extend(
            statements.map(|one| Statement { sid: Some(format!("its policy {}", it.name)), ..one }),
        );
    }
    let context: Vec<(String, String)> =
        carried(None).into_iter().map(|it| (it.0.to_lowercase(), it.2)).collect();
    let request =
        Request { principal: &role.arn, action, resource, context: &context, absent: &[] };
    Ok(all.says(&request, false))
}

/// Corners whose nodes act by a role.
fn corners_of<'a>(role: &Role, view: &View<'a>) -> Vec<&'a Corner> {
    let account = account_of(&role.arn);
    let corners = view.survey.corners.iter();
    corners
        .filter(|it| account.as_deref().is_none_or(|one| one == it.account))
        .filter(|it| role.nodes.iter().any(|one| one.1 == it.region))
        .collect()
}

/// The preferences of a corner, as far as they are known.
fn own_preferences(corner: &Corner, view: &View<'_>) -> Option<Preferences> {
    let document = view.take(&corner.preferences).ok()?.as_ref()?;
    Preferences::read(view.take(&document.content).ok()?)
}

/// That the documents of all these corners could be read: places that are not known are not judged.
fn documents_known(corners: &[&Corner], view: &View<'_>) -> Result<(), Unread> {
    for it in corners {
        if let Some(it) = view.take(&it.preferences)?.as_ref() {
            view.take(&it.content)?;
        }
        for it in view.take(&it.documents)? {
            view.take(&it.content)?;
        }
    }
    Ok(())
}

fn writes((node, corner): (&Node, &Corner), view: &View<'_>) -> Answer {
    let promised = "one role, and it is known";
    Ok(match writer(node, corner, view)? {
        Writer::Is(role) => Judged::pass(role).promised(promised),
        Writer::Nobody(why) => {
            let fix = format!(
                "aws ec2 associate-iam-instance-profile --region {} --instance-id {} --iam-instance-profile Name=NAME-OF-PROFILE",
                quote(&corner.region),
                quote(&node.id)
            );
            let judged = Judged::fail(why).promised(promised);
            if node.id.starts_with("i-") { judged.fix(fix) } else { judged }
        }
        Writer::Either(one, other) => {
            return Err(unclear(Reason::NotUnderstood, format!("{one} or {other}")));
        }
    })
}

/// What is missing, each with what denies it; or the first thing that is not known, where nothing is missing.
fn lacking<'a>(
    role: &Role,
    view: &View<'_>,
    asks: impl IntoIterator<Item = (&'a str, String)>,
    grants: impl Fn(&Call<'_>, &Permission) -> Result<Granted, Unread>,
) -> Result<Vec<String>, Unread> {
    let mut missing = Vec::new();
    let mut unknown = None;
    for (action, resource) in asks {
        let call = Call { role, action, resource: &resource };
        let granted =
            may(&call, view).and_then(|it| grants(&call, &it).map(|granted| (it, granted)));
        match granted {
            Ok((_, Granted::Yes)) => {}
            Ok((_, Granted::DeniedBy(name))) => {
                missing.push(format!("{action} on {resource}: {name} {BY_BUCKET}"));
            }
            Ok((Permission::Denied(Some(by)), Granted::No)) => {
                missing.push(format!("{action} on {resource}: {by} denies it"));
            }
            Ok((_, Granted::No)) => missing.push(format!("{action} on {resource}")),
            Err(it) => unknown = unknown.or(Some(it)),
        }
    }
    match unknown {
        Some(it) if missing.is_empty() => Err(it),
        _ => Ok(missing),
    }
}

fn plainly(_: &Call<'_>, it: &Permission) -> Result<Granted, Unread> {
    Ok((*it == Permission::Allowed).into())
}

/// What stands behind a statement's name where no policy of the role helps.
const BY_BUCKET: &str = "in the bucket's policy denies it";

/// How the statement is attached that this role lacks.
fn attach(role: &Role, judged: Judged) -> Judged {
    let name = role.arn.rsplit('/').next().unwrap_or(&role.arn);
    judged.fix(format!(
        "ssmtrail policy writer > writer.json && aws iam put-role-policy --role-name {} --policy-name session-transcripts --policy-document file://writer.json",
        quote(name)
    ))
}

fn outcome(role: &Role, missing: Vec<String>, seen: &str, promised: &str) -> Judged {
    if !missing.is_empty() && missing.iter().all(|it| it.ends_with(BY_BUCKET)) {
        // A remedy of the role would change nothing: the statement must let through what the agent sends.
        let judged = match missing.as_slice() {
            [one] => Judged::fail(format!("it is refused {one}")),
            many => Judged::fail(format!("it is refused {} requests", many.len())),
        };
        let bucket = missing[0].split(":::").nth(1).and_then(|it| it.split(['/', ':']).next());
        let bucket = bucket.unwrap_or_default().to_owned();
        let details = if missing.len() > 1 { missing } else { Vec::new() };
        return judged.promised(promised).details(details).fix(format!(
            "aws s3api get-bucket-policy --bucket {} --query Policy --output text",
            quote(&bucket)
        ));
    }
    match missing.as_slice() {
        [] => Judged::pass(seen).promised(promised),
        [one] => attach(role, Judged::fail(format!("it lacks {one}")).promised(promised)),
        many => attach(
            role,
            Judged::fail(format!("it lacks {} permissions", many.len())).promised(promised),
        )
        .details(missing),
    }
}

/// What the agent answers where it may not look.
fn refusal(words: &str) -> String {
    format!(
        "the encryption flag is on, so that every session is refused; whoever starts one reads {words}"
    )
}

fn channel(role: &Role, view: &View<'_>) -> Answer {
    let asks = CHANNEL.iter().map(|it| (*it, "*".to_owned()));
    let missing = lacking(role, view, asks, plainly)?;
    Ok(outcome(role, missing, "allowed", "the five permissions of a managed node"))
}

/// Whether a request is granted; if it is denied by a policy of the thing itself, by which statement.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Granted {
    Yes,
    No,
    DeniedBy(String),
}

impl From<bool> for Granted {
    fn from(it: bool) -> Self {
        if it { Self::Yes } else { Self::No }
    }
}

/// The headers of encryption that come with an upload.
enum Sent {
    These(Vec<(String, String)>),
    Nothing,
    Unknown,
}

/// From this version on the agent asks for the bucket's default encryption and says it with the upload.
/// Source: amazon-ssm-agent: RELEASENOTES.md.
const SAYS_ENCRYPTION: [u64; 4] = [3, 0, 502, 0];

/// Whether a version that is known is older than another.
fn is_before(version: &[u64], other: [u64; 4]) -> bool {
    !version.is_empty() && version < other.as_slice()
}

/// What the agents that write by this role say of encryption: they copy the bucket's default, if they may read it.
fn sent(bucket: &Bucket, role: &Role, view: &View<'_>) -> Vec<Sent> {
    let partition = role.arn.split(':').nth(1).unwrap_or("aws");
    let arn = format!("arn:{partition}:s3:::{}", bucket.name);
    let call = Call { role, action: "s3:GetEncryptionConfiguration", resource: &arn };
    let may_ask =
        may(&call, view).and_then(|it| by_bucket_alone(bucket, &call, &it, (&[], &[]), view));
    let usual = match (view.take(&bucket.encryption), may_ask) {
        (Ok(None), _) | (_, Ok(Granted::No | Granted::DeniedBy(_))) => Sent::Nothing,
        (Ok(Some(it)), _) if it.algorithm == "aws:kms:dsse" => Sent::Nothing,
        (Ok(Some(it)), Ok(Granted::Yes)) => {
            let all = carried(Some(it)).into_iter();
            let said = all.filter(|it| it.0.contains("server-side-encryption"));
            Sent::These(said.map(|it| (it.0.to_lowercase(), it.2)).collect())
        }
        _ => Sent::Unknown,
    };
    let is_old = |id: &str, region: &str| {
        let corners = view.survey.corners.iter().filter(|it| it.region == region);
        let mut nodes = corners.filter_map(|it| view.take(&it.nodes).ok()).flatten();
        nodes.any(|it| it.id == id && is_before(&it.version(), SAYS_ENCRYPTION))
    };
    let old = role.nodes.iter().any(|it| is_old(&it.0, &it.1));
    // How old an agent is that cannot be listed nobody knows.
    let hidden =
        view.survey.corners.iter().any(|it| {
            view.take(&it.nodes).is_err() && role.nodes.iter().any(|one| one.1 == it.region)
        });
    let more = [old.then_some(Sent::Nothing), hidden.then_some(Sent::Unknown)];
    [usual].into_iter().chain(more.into_iter().flatten()).collect()
}

/// Whether a bucket's own policy settles a request: allows what the role's policies do not, or denies what they allow.
fn by_bucket(
    bucket: &Bucket,
    call: &Call<'_>,
    said: &Permission,
    view: &View<'_>,
) -> Result<Granted, Unread> {
    if call.action != "s3:PutObject" {
        return by_bucket_alone(bucket, call, said, (&[], &[]), view);
    }
    const HEADERS: [&str; 2] =
        ["s3:x-amz-server-side-encryption", "s3:x-amz-server-side-encryption-aws-kms-key-id"];
    // Every agent must get through.
    let mut worst = Granted::Yes;
    let mut unknown = None;
    for it in sent(bucket, call.role, view) {
        let headers: Headers<'_> = match &it {
            Sent::These(headers) => (headers, &[]),
            Sent::Nothing => (&[], &HEADERS),
            Sent::Unknown => (&[], &[]),
        };
        match by_bucket_alone(bucket, call, said, headers, view) {
            Ok(Granted::Yes) => {}
            Ok(other) => worst = other,
            Err(it) => unknown = Some(it),
        }
    }
    match (worst, unknown) {
        (Granted::Yes, Some(it)) => Err(it),
        (it, _) => Ok(it),
    }
}

/// What a request carries beside what each of the agent's does, and what it surely does not.
type Headers<'a> = (&'a [(String, String)], &'a [&'a str]);

fn by_bucket_alone(
    bucket: &Bucket,
    call: &Call<'_>,
    said: &Permission,
    (more, absent): Headers<'_>,
    view: &View<'_>,
) -> Result<Granted, Unread> {
    let Call { role, action, resource } = *call;
    let text = view.take(&bucket.policy)?;
    let mut grants = Truth::No;
    let said_by_bucket = match text {
        None => Said::Nothing,
        Some(text) => {
            let policy = Policy::read(text).ok_or_else(|| {
                unclear(Reason::NotUnderstood, "the bucket's policy is of a form that is not known")
            })?;
            let mut context: Vec<(String, String)> =
                carried(None).into_iter().map(|it| (it.0.to_lowercase(), it.2)).collect();
            context.extend(more.iter().cloned());
            for key in ["aws:resourceaccount", "s3:resourceaccount"] {
                context.extend(bucket.proved().map(|it| (key.to_owned(), it.to_owned())));
            }
            let principal = &role.arn;
            // The agent brings no key of its own.
            let never = ["s3:x-amz-server-side-encryption-customer-algorithm"];
            let absent = &[absent, &never].concat();
            let request = Request { principal, action, resource, context: &context, absent };
            grants = policy.grants(&request);
            policy.says(&request, true)
        }
    };
    // Whose bucket it is decides whether it must say so itself. That nobody was proved to own it is S3-EXIST-01's to tell; it is taken for
    // the account's that asked, as the preferences name it.
    let owner = bucket.proved().unwrap_or(&bucket.account);
    let ours = account_of(&role.arn).as_deref() == Some(owner);
    match (said, said_by_bucket) {
        (_, Said::Denies(name)) => Ok(Granted::DeniedBy(name)),
        (Permission::Denied(Some(_)), _) => Ok(Granted::No),
        // What a role may do in its own account by its own policies needs no word of the bucket's.
        (Permission::Allowed, Said::MayAllow(_)) if ours => Ok(Granted::Yes),
        (_, Said::MayAllow(it) | Said::MayDeny(it)) => {
            Err(unclear(Reason::MissingContextKey, format!("the bucket's policy: {it}")))
        }
        (Permission::Allowed, Said::Allows(_)) => Ok(Granted::Yes),
        // Another account's bucket must say so itself.
        (Permission::Allowed, Said::Nothing) => Ok(ours.into()),
        // A statement that names the role needs nothing beside it; one that names its account does.
        (Permission::Denied(None), Said::Allows(name)) => match grants {
            Truth::Yes => Ok(ours.into()),
            Truth::No => Ok(Granted::No),
            Truth::Unknown => Err(unclear(
                Reason::MissingContextKey,
                format!("the bucket's policy: {name} and what only a real request carries"),
            )),
        },
        (Permission::Denied(None), Said::Nothing) => Ok(Granted::No),
    }
}

fn to_bucket(role: &Role, view: &View<'_>) -> Answer {
    let corners = corners_of(role, view);
    let (buckets, _) = destinations(&corners, view);
    if buckets.is_empty() {
        documents_known(&corners, view)?;
        return Ok(Judged::absent("no bucket is named where its nodes are"));
    }
    let partition = corners.first().map_or("aws", |it| partition_of(&it.region));
    let mut asks = Vec::new();
    for (name, prefix) in &buckets {
        asks.push(("s3:PutObject", object_arn(name, prefix, partition)));
        let flagged = corners.iter().any(|it| {
            own_preferences(it, view)
                .is_some_and(|it| it.bucket_encrypted && it.bucket.text() == Some(name))
        });
        // With the flag off the agent goes on without an answer.
        if flagged {
            asks.push(("s3:GetEncryptionConfiguration", format!("arn:{partition}:s3:::{name}")));
        }
        let owner = view.bucket(name).map(|it| it.proved().unwrap_or(&it.account));
        let foreign = owner.is_some_and(|it| account_of(&role.arn).as_deref() != Some(it));
        if foreign {
            asks.push(("s3:PutObjectAcl", object_arn(name, prefix, partition)));
        }
    }
    let missing = lacking(role, view, asks, |call, said| {
        let name = call.resource.rsplit(":::").next().and_then(|it| it.split('/').next());
        match name.and_then(|it| view.bucket(it)) {
            Some(bucket) => {
                view.take(&bucket.existence)?;
                by_bucket(bucket, call, said, view)
            }
            None => Err(unclear(Reason::NotAsked, "the bucket was not surveyed")),
        }
    })?;
    documents_known(&corners, view)
        .or_else(|it| if missing.is_empty() { Err(it) } else { Ok(()) })?;
    let refused = missing.iter().any(|it| it.starts_with("s3:GetEncryptionConfiguration"));
    let judged = outcome(role, missing, "allowed", "s3:PutObject below the prefix");
    Ok(judged.details(refused.then(|| refusal(S3_REFUSAL))))
}

fn to_group(role: &Role, view: &View<'_>) -> Answer {
    let corners = corners_of(role, view);
    let (_, groups) = destinations(&corners, view);
    if groups.is_empty() {
        documents_known(&corners, view)?;
        return Ok(Judged::absent("no log group is named where its nodes are"));
    }
    // Earlier surveys asked about everything.
    let was_asked = |it: &String| role.simulations.iter().any(|one| one.resource == *it);
    let everywhere: BTreeSet<String> = groups
        .iter()
        .map(|it| Some(any_group(it)).filter(was_asked).unwrap_or_else(|| "*".to_owned()))
        .collect();
    let mut asks: Vec<(&str, String)> =
        everywhere.into_iter().map(|it| ("logs:DescribeLogGroups", it)).collect();
    for it in &groups {
        asks.push(("logs:CreateLogStream", stream_arn(it)));
        asks.push(("logs:PutLogEvents", stream_arn(it)));
    }
    let missing = lacking(role, view, asks, plainly)?;
    documents_known(&corners, view)
        .or_else(|it| if missing.is_empty() { Err(it) } else { Ok(()) })?;
    let flagged = corners.iter().any(|it| {
        own_preferences(it, view).is_some_and(|it| it.group_encrypted && it.group.text().is_some())
    });
    let refused = flagged && missing.iter().any(|it| it.starts_with("logs:DescribeLogGroups"));
    let judged =
        outcome(role, missing, "allowed", "DescribeLogGroups, CreateLogStream, PutLogEvents");
    Ok(judged.details(refused.then(|| refusal(CW_REFUSAL))))
}

/// Whether a key's own policy lets the role in, by name or through its account.
fn by_key(
    key: &Key,
    of_bucket: bool,
    call: &Call<'_>,
    said: &Permission,
    view: &View<'_>,
) -> Result<bool, Unread> {
    let Call { role, action, .. } = *call;
    let Some(state) = view.take(&key.state)?.as_ref() else {
        return Err(unclear(Reason::NotThere, "there is no such key"));
    };
    if state.manager == "AWS" {
        // Its policy admits everybody of the account who may use the service, unless something of theirs denies it.
        return Ok(!matches!(said, Permission::Denied(Some(_))));
    }
    let policy = Policy::read(view.take(&key.policy)?).ok_or_else(|| {
        unclear(Reason::NotUnderstood, "the key's policy is of a form that is not known")
    })?;
    let (says, grants) = of_key(&policy, key, &state.arn, &role.arn, action, of_bucket);
    match (said, says) {
        (Permission::Denied(Some(_)), _) | (_, Said::Denies(_) | Said::Nothing) => Ok(false),
        (_, Said::MayAllow(it) | Said::MayDeny(it)) => {
            Err(unclear(Reason::MissingContextKey, format!("the key's policy: {it}")))
        }
        (Permission::Allowed, Said::Allows(_)) => Ok(true),
        // A statement that names the role itself needs nothing beside it in its own account; one that names its account does.
        (Permission::Denied(None), Said::Allows(name)) => match grants {
            Truth::Yes => Ok(account_of(&role.arn) == account_of(&state.arn)),
            Truth::No => Ok(false),
            Truth::Unknown => Err(unclear(
                Reason::MissingContextKey,
                format!("the key's policy: {name} and what only a real request carries"),
            )),
        },
    }
}

/// What a key's policy says of a role that uses it, by itself as for sessions, or through S3; and whether it grants that by itself.
///
/// The guard against a confused deputy denies by `aws:SourceAccount`, for whom a service acts; a grant by it holds for services alone.
pub(super) fn of_key(
    policy: &Policy,
    key: &Key,
    resource: &str,
    principal: &str,
    action: &str,
    of_bucket: bool,
) -> (Said, Truth) {
    let service = format!("s3.{}.{}", key.region, domain_of(&key.region));
    let mut context = vec![("aws:securetransport".to_owned(), "true".to_owned())];
    let mut absent = vec!["aws:sourceaccount", "aws:sourcearn"];
    match of_bucket {
        true => context.push(("kms:viaservice".to_owned(), service)),
        false => absent.push("kms:viaservice"),
    }
    let of = |allows: bool| Policy {
        statements: policy.statements.iter().filter(|it| it.allows == allows).cloned().collect(),
    };
    let request = Request { principal, action, resource, context: &context, absent: &absent };
    let (allowed, grants) = (of(true).says(&request, true), of(true).grants(&request));
    let account = account_of(resource).unwrap_or_default();
    context.push(("aws:sourceaccount".to_owned(), account));
    let request = Request { principal, action, resource, context: &context, absent: &[] };
    let said = match of(false).says(&request, true) {
        Said::Nothing => allowed,
        denied => denied,
    };
    (said, grants)
}

fn with_keys(role: &Role, view: &View<'_>) -> Answer {
    let corners = corners_of(role, view);
    let keys = keys_used(&corners, view);
    // A bucket whose encryption is not known may have a key.
    for (name, _) in destinations(&corners, view).0 {
        if let Some(it) = view.bucket(&name)
            && view.take(&it.existence).is_ok_and(|it| *it == crate::settings::Existence::Exists)
        {
            view.take(&it.encryption)?;
        }
    }
    if keys.is_empty() {
        documents_known(&corners, view)?;
        return Ok(Judged::absent("neither bucket nor sessions have a key of yours"));
    }
    let mut missing = Vec::new();
    let mut unknown = None;
    for (key, of_bucket) in &keys {
        view.take(&key.state)?;
        let Some(arn) = key_arn(key, view) else { continue };
        let actions: &[&str] =
            if *of_bucket { &["kms:GenerateDataKey", "kms:Decrypt"] } else { &["kms:Decrypt"] };
        let asks = actions.iter().map(|it| (*it, arn.to_owned()));
        match lacking(role, view, asks, |call, said| {
            by_key(key, *of_bucket, call, said, view).map(Granted::from)
        }) {
            Ok(some) => missing.extend(some.into_iter().map(|it| {
                let large = *of_bucket && it.starts_with("kms:Decrypt");
                if large { format!("{it} (transcripts over 5 MiB alone are lost)") } else { it }
            })),
            Err(it) => unknown = Some(it),
        }
    }
    if let (Some(it), true) = (unknown, missing.is_empty()) {
        return Err(it);
    }
    documents_known(&corners, view)
        .or_else(|it| if missing.is_empty() { Err(it) } else { Ok(()) })?;
    Ok(outcome(role, missing, "allowed", "GenerateDataKey and Decrypt on the keys in use"))
}

fn erases(role: &Role, view: &View<'_>) -> Answer {
    let corners = corners_of(role, view);
    let (buckets, groups) = destinations(&corners, view);
    let partition = corners.first().map_or("aws", |it| partition_of(&it.region));
    let mut asks: Vec<(&str, String, Option<&Bucket>)> = Vec::new();
    let mut keys: Vec<(&str, String, &Key)> = Vec::new();
    for (name, prefix) in &buckets {
        let bucket = view.bucket(name);
        let object = object_arn(name, prefix, partition);
        let of_object = undoing::actions(On::Object).into_iter().chain(READ_OBJECT);
        asks.extend(of_object.map(|it| (it, object.clone(), bucket)));
        let whole = format!("arn:{partition}:s3:::{name}");
        asks.extend(undoing::actions(On::Bucket).into_iter().map(|it| (it, whole.clone(), bucket)));
    }
    for it in &groups {
        let of_stream = undoing::actions(On::Stream).into_iter().chain([READ_STREAM]);
        asks.extend(of_stream.map(|one| (one, stream_arn(it), None)));
        asks.extend(
            undoing::actions(On::Group).into_iter().map(|one| (one, whole_group(it), None)),
        );
    }
    if !groups.is_empty() {
        asks.extend(undoing::actions(On::Logs).into_iter().map(|it| (it, "*".to_owned(), None)));
    }
    for (key, _) in keys_used(&corners, view) {
        if let Some(arn) = key_arn(key, view) {
            keys.extend(undoing::actions(On::Key).into_iter().map(|it| (it, arn.to_owned(), key)));
        }
    }
    for it in &corners {
        let arn = format!("arn:{partition}:ssm:{}:{}:document/{NAME}", it.region, it.account);
        asks.extend(undoing::actions(On::Document).into_iter().map(|it| (it, arn.clone(), None)));
    }
    let (mut able, mut unknown) = (Vec::new(), None);
    for (action, resource, bucket) in asks {
        let call = Call { role, action, resource: &resource };
        let said = may(&call, view);
        // A bucket's policy grants by itself what the role's own policies do not.
        let can = match (said, bucket) {
            (Ok(said), Some(bucket)) => {
                by_bucket(bucket, &call, &said, view).map(|it| it == Granted::Yes)
            }
            (Ok(said), None) => Ok(said == Permission::Allowed),
            (Err(why), Some(bucket)) => {
                match by_bucket(bucket, &call, &Permission::Denied(None), view) {
                    Ok(Granted::Yes) => Ok(true),
                    _ => Err(why),
                }
            }
            (Err(why), None) => Err(why),
        };
        match can {
            Ok(true) => able.push(format!("{action} on {resource}")),
            Ok(false) => {}
            // What a condition may still allow is not known to be harmless.
            Err(it) => unknown = unknown.or(Some(it)),
        }
    }
    for (action, resource, key) in keys {
        let managed = view
            .take(&key.state)
            .ok()
            .and_then(Option::as_ref)
            .is_some_and(|it| it.manager == "AWS");
        // Nobody but AWS may do this to a key that AWS manages.
        if managed {
            continue;
        }
        let call = Call { role, action, resource: &resource };
        match may(&call, view).and_then(|it| by_key(key, false, &call, &it, view)) {
            Ok(true) => able.push(format!("{action} on {resource}")),
            Ok(false) => {}
            Err(it) => unknown = unknown.or(Some(it)),
        }
    }
    for (name, prefix) in &buckets {
        let Some(bucket) = view.bucket(name) else { continue };
        let object = object_arn(name, prefix, partition);
        let call = Call { role, action: "s3:PutObject", resource: &object };
        let put = may(&call, view).and_then(|it| by_bucket(bucket, &call, &it, view));
        if put != Ok(Granted::Yes) {
            continue;
        }
        match (view.take(&bucket.versioning), view.take(&bucket.lock)) {
            (Ok(it), _) if it.status.as_deref() == Some("Enabled") => {}
            (_, Ok(Some(_))) => {}
            (Ok(_), Ok(None)) => {
                able.push(format!("s3:PutObject on s3://{name} writes over a transcript, and the bucket keeps no versions"));
            }
            (Err(it), _) | (_, Err(it)) => unknown = unknown.or(Some(it)),
        }
    }
    let promised = "no permission to delete, shorten, read back or write over";
    if able.is_empty() {
        return match unknown {
            Some(it) => Err(it),
            None => {
                documents_known(&corners, view)?;
                Ok(Judged::pass("none of these").promised(promised))
            }
        };
    }
    let seen = match able.len() {
        1 => format!("it has {}", able[0]),
        many => format!("it has {many} such permissions"),
    };
    let details = if able.len() > 1 { able } else { Vec::new() };
    Ok(Judged::fail(seen).promised(promised).details(details))
}

fn pinned(role: &Role, view: &View<'_>) -> Answer {
    let promised = "ssm:StartSession on named documents alone";
    let mut unknown = None;
    let mut able = Vec::new();
    for it in &role.simulations {
        let region = it.resource.split(':').nth(3).unwrap_or_default();
        let (action, what) = match it.resource.split_once(":document/") {
            Some((_, document)) => (
                "ssm:StartSession",
                format!(
                    "it may start a session with {document} in {region}, which the preferences do not log"
                ),
            ),
            None if it.resource.contains(":ecs:") => (
                "ecs:ExecuteCommand",
                format!(
                    "it may run commands in containers in {region} (ecs:ExecuteCommand), which the cluster logs, or nobody"
                ),
            ),
            None => (
                "ssm:StartSession",
                format!("it may start a session in {region} without any check of the document"),
            ),
        };
        match may(&Call { role, action, resource: &it.resource }, view) {
            Ok(Permission::Allowed) => able.push(what),
            Ok(Permission::Denied(_)) => {}
            Err(it) => unknown = Some(it),
        }
    }
    match (able.as_slice(), unknown) {
        ([], Some(it)) => Err(it),
        ([], None) if role.simulations.is_empty() => {
            Err(unclear(Reason::NotAsked, "it was not asked about"))
        }
        ([], None) => Ok(Judged::pass("held to its documents").promised(promised)),
        _ => Ok(Judged::fail(able.join("; ")).promised(promised)),
    }
}
