//! Checks of those who write: the role behind each node, which must be allowed to write, and must not be allowed to erase.
//!
//! What it may do is asked of IAM's own simulator; the policies of bucket and key, which no simulator knows, are read beside it.

use std::collections::BTreeSet;

use crate::audit::check::About;
use crate::audit::check::Check;
use crate::audit::checks::document::recording::CW_REFUSAL;
use crate::audit::checks::document::recording::S3_REFUSAL;
use crate::audit::frameworks::Group;
use crate::audit::iam::granted::Granted;
use crate::audit::iam::granted::by_bucket;
use crate::audit::iam::granted::by_key;
use crate::audit::iam::permission::Call;
use crate::audit::iam::permission::Permission;
use crate::audit::iam::permission::may;
use crate::audit::iam::targets::READ_OBJECT;
use crate::audit::iam::targets::READ_STREAM;
use crate::audit::iam::targets::any_group;
use crate::audit::iam::targets::corners_of;
use crate::audit::iam::targets::destinations;
use crate::audit::iam::targets::documents_known;
use crate::audit::iam::targets::key_arn;
use crate::audit::iam::targets::keys_used;
use crate::audit::iam::targets::object_arn;
use crate::audit::iam::targets::own_preferences;
use crate::audit::iam::targets::stream_arn;
use crate::audit::iam::targets::whole_group;
use crate::audit::iam::writer::CHANNEL;
use crate::audit::iam::writer::Writer;
use crate::audit::iam::writer::writer;
use crate::audit::names::quote;
use crate::audit::preferences::NAME;
use crate::audit::undoing;
use crate::audit::undoing::On;
use crate::audit::verdict::Answer;
use crate::audit::verdict::Judged;
use crate::audit::verdict::Severity::High;
use crate::audit::view::View;
use crate::aws_names::AccountId;
use crate::aws_names::Arn;
use crate::aws_names::Home;
use crate::aws_names::NodeKind;
use crate::aws_names::Partition;
use crate::settings::Bucket;
use crate::settings::Corner;
use crate::settings::Existence;
use crate::settings::Key;
use crate::settings::Node;
use crate::settings::Reason;
use crate::settings::Role;
use crate::settings::Unread;

/// The checks below, in the order of the table.
pub(crate) const CHECKS: &[Check] = &[WRITES, CONNECTED, TO_BUCKET, TO_GROUP, WITH_KEYS, ERASES];

const WRITES: Check = Check {
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
};

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
            if NodeKind::of(&node.id) == Some(NodeKind::Instance) {
                judged.fix(fix)
            } else {
                judged
            }
        }
        Writer::Either(one, other) => {
            return Err(Reason::NotUnderstood.because(format!("{one} or {other}")));
        }
    })
}

const CONNECTED: Check = Check {
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
};

fn channel(role: &Role, view: &View<'_>) -> Answer {
    let asks = CHANNEL.iter().map(|it| (*it, "*".to_owned()));
    let missing = lacking(role, view, asks, plainly)?;
    Ok(outcome(role, missing, "allowed", "the five permissions of a managed node"))
}

const TO_BUCKET: Check = Check {
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
};

fn to_bucket(role: &Role, view: &View<'_>) -> Answer {
    let corners = corners_of(role, view);
    let (buckets, _) = destinations(&corners, view);
    if buckets.is_empty() {
        documents_known(&corners, view)?;
        return Ok(Judged::absent("no bucket is named where its nodes are"));
    }
    let partition = corners.first().map_or(Partition::AWS, |it| it.home().partition);
    let mut asks = Vec::new();
    for (name, prefix) in &buckets {
        asks.push(("s3:PutObject", object_arn(name, prefix, partition)));
        let flagged = corners.iter().any(|it| {
            own_preferences(it, view)
                .is_some_and(|it| it.bucket_encrypted && it.bucket.text() == Some(name))
        });
        // With the flag off the agent goes on without an answer.
        if flagged {
            asks.push(("s3:GetEncryptionConfiguration", partition.bucket(name)));
        }
        let owner = view.bucket(name).map(|it| it.proved().unwrap_or(&it.account));
        let foreign = owner.is_some_and(|it| AccountId::of(&role.arn).is_none_or(|own| own != it));
        if foreign {
            asks.push(("s3:PutObjectAcl", object_arn(name, prefix, partition)));
        }
    }
    let missing = lacking(role, view, asks, |call, said| {
        let bucket = Arn::parse(call.resource).and_then(Arn::bucket);
        match bucket.and_then(|it| view.bucket(it.0)) {
            Some(bucket) => {
                view.take(&bucket.existence)?;
                by_bucket(bucket, call, said, view)
            }
            None => Err(Reason::NotAsked.because("the bucket was not surveyed")),
        }
    })?;
    documents_known(&corners, view)
        .or_else(|it| if missing.is_empty() { Err(it) } else { Ok(()) })?;
    let refused = missing.iter().any(|it| it.starts_with("s3:GetEncryptionConfiguration"));
    let judged = outcome(role, missing, "allowed", "s3:PutObject below the prefix");
    Ok(judged.details(refused.then(|| refusal(S3_REFUSAL))))
}

const TO_GROUP: Check = Check {
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
};

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

const WITH_KEYS: Check = Check {
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
};

fn with_keys(role: &Role, view: &View<'_>) -> Answer {
    let corners = corners_of(role, view);
    let keys = keys_used(&corners, view);
    // A bucket whose encryption is not known may have a key.
    for (name, _) in destinations(&corners, view).0 {
        if let Some(it) = view.bucket(&name)
            && view.take(&it.existence).is_ok_and(|it| *it == Existence::Exists)
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

const ERASES: Check = Check {
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
};

fn erases(role: &Role, view: &View<'_>) -> Answer {
    let corners = corners_of(role, view);
    let (mut able, mut unknown) = (Vec::new(), None);
    for it in erasures(&corners, view) {
        match it.is_granted(role, view) {
            Ok(true) => able.push(format!("{} on {}", it.action, it.resource)),
            Ok(false) => {}
            // What a condition may still allow is not known to be harmless.
            Err(it) => unknown = unknown.or(Some(it)),
        }
    }
    let partition = corners.first().map_or(Partition::AWS, |it| it.home().partition);
    for (name, prefix) in destinations(&corners, view).0 {
        match writes_over(role, &name, &object_arn(&name, &prefix, partition), view) {
            Ok(it) => able.extend(it),
            Err(it) => unknown = unknown.or(Some(it)),
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

/// A call that would erase or read back, and the thing whose own policy has a word in it.
struct Erasure<'a> {
    action: &'static str,
    resource: String,
    of: Option<Guarded<'a>>,
}

/// What has a policy of its own.
#[derive(Clone, Copy)]
enum Guarded<'a> {
    Bucket(&'a Bucket),
    Key(&'a Key),
}

/// All such calls to the places and keys of some corners.
fn erasures<'a>(corners: &[&Corner], view: &View<'a>) -> Vec<Erasure<'a>> {
    let (buckets, groups) = destinations(corners, view);
    let partition = corners.first().map_or(Partition::AWS, |it| it.home().partition);
    let mut out = Vec::new();
    let mut add = |actions: Vec<&'static str>, resource: &str, of: Option<Guarded<'a>>| {
        let resource = resource.to_owned();
        out.extend(actions.into_iter().map(|action| Erasure {
            action,
            resource: resource.clone(),
            of,
        }));
    };
    for (name, prefix) in &buckets {
        let of = view.bucket(name).map(Guarded::Bucket);
        let of_object = [undoing::actions(On::Object), READ_OBJECT.to_vec()].concat();
        add(of_object, &object_arn(name, prefix, partition), of);
        add(undoing::actions(On::Bucket), &partition.bucket(name), of);
    }
    for it in &groups {
        let of_stream = [undoing::actions(On::Stream), vec![READ_STREAM]].concat();
        add(of_stream, &stream_arn(it), None);
        add(undoing::actions(On::Group), &whole_group(it), None);
    }
    if !groups.is_empty() {
        add(undoing::actions(On::Logs), "*", None);
    }
    for it in corners {
        let arn = Home { partition, ..it.home() }.document(NAME);
        add(undoing::actions(On::Document), &arn, None);
    }
    for (key, _) in keys_used(corners, view) {
        if let Some(arn) = key_arn(key, view) {
            add(undoing::actions(On::Key), arn, Some(Guarded::Key(key)));
        }
    }
    out
}

impl Erasure<'_> {
    fn is_granted(&self, role: &Role, view: &View<'_>) -> Result<bool, Unread> {
        let call = Call { role, action: self.action, resource: &self.resource };
        match self.of {
            None => Ok(may(&call, view)? == Permission::Allowed),
            // A bucket's policy grants by itself what the role's own policies do not.
            Some(Guarded::Bucket(bucket)) => match may(&call, view) {
                Ok(said) => Ok(by_bucket(bucket, &call, &said, view)? == Granted::Yes),
                Err(why) => match by_bucket(bucket, &call, &Permission::Denied(None), view) {
                    Ok(Granted::Yes) => Ok(true),
                    _ => Err(why),
                },
            },
            Some(Guarded::Key(key)) => {
                let state = view.take(&key.state).ok().and_then(Option::as_ref);
                // Nobody but AWS may do this to a key that AWS manages.
                if state.is_some_and(|it| it.manager == "AWS") {
                    return Ok(false);
                }
                by_key(key, false, &call, &may(&call, view)?, view)
            }
        }
    }
}

/// In words, that a transcript can be written over for good.
fn writes_over(
    role: &Role,
    name: &str,
    object: &str,
    view: &View<'_>,
) -> Result<Option<String>, Unread> {
    let Some(bucket) = view.bucket(name) else { return Ok(None) };
    let call = Call { role, action: "s3:PutObject", resource: object };
    let put = may(&call, view).and_then(|it| by_bucket(bucket, &call, &it, view));
    if put != Ok(Granted::Yes) {
        return Ok(None);
    }
    match (view.take(&bucket.versioning), view.take(&bucket.lock)) {
        (Ok(it), _) if it.status.as_deref() == Some("Enabled") => Ok(None),
        (_, Ok(Some(_))) => Ok(None),
        (Ok(_), Ok(None)) => Ok(Some(format!(
            "s3:PutObject on s3://{name} writes over a transcript, and the bucket keeps no versions"
        ))),
        (Err(it), _) | (_, Err(it)) => Err(it),
    }
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
    let name = Arn::parse(&role.arn).map_or(role.arn.as_str(), Arn::name);
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
