//! Checks of those who write: the role behind each node, which must be allowed to write, and must not be allowed to erase.
//!
//! What it may do is asked of IAM's own simulator; the policies of bucket and key, which no simulator knows, are read beside it.

use std::collections::BTreeSet;

use crate::audit::check::About;
use crate::audit::check::Check;
use crate::audit::check::DOCUMENTS;
use crate::audit::check::NODES;
use crate::audit::check::ROLE;
use crate::audit::check::WRITER;
use crate::audit::checks::document::recording::CW_REFUSAL;
use crate::audit::checks::document::recording::S3_REFUSAL;
use crate::audit::frameworks::Group;
use crate::audit::iam::granted::Granted;
use crate::audit::iam::granted::by_bucket;
use crate::audit::iam::granted::by_key;
use crate::audit::iam::permission::Call;
use crate::audit::iam::permission::Permission;
use crate::audit::iam::permission::may;
use crate::audit::iam::targets;
use crate::audit::iam::writer::CHANNEL;
use crate::audit::iam::writer::LogWriter;
use crate::audit::iam::writer::writer;
use crate::audit::names::aws;
use crate::audit::names::quote;
use crate::audit::preferences::NAME;
use crate::audit::preferences::Preferences;
use crate::audit::undoing::On;
use crate::audit::verdict::Answer;
use crate::audit::verdict::Causes;
use crate::audit::verdict::Judged;
use crate::audit::verdict::Severity;
use crate::audit::view::View;
use crate::aws_names::AccountId;
use crate::aws_names::Arn;
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
    severity: Severity::High,
    groups: &[Group::Generation],
    reads: &[NODES, WRITER, ROLE],
    why: "The agent logs with the role it registered with; a policy on any other role changes nothing.",
    then: "Attach an instance profile, or switch the Default Host Management Configuration on.",
    ask: &About::<Node>(writes),
};

fn writes((node, corner): (&Node, &Corner), view: &View<'_>) -> Answer {
    let promised = "one role, and it is known";
    Ok(match writer(node, corner, view)? {
        LogWriter::Is(role) => Judged::pass(role).promised(promised),
        LogWriter::Nobody(why) => {
            let options = [
                ("region", corner.region.as_str()),
                ("instance-id", &node.id),
                ("iam-instance-profile", "Name=NAME-OF-PROFILE"),
            ];
            let fix = aws("ec2 associate-iam-instance-profile", &options);
            let judged = Judged::fail(why).promised(promised);
            if NodeKind::of(&node.id) == Some(NodeKind::Instance) {
                judged.fix(fix)
            } else {
                judged
            }
        }
        LogWriter::Either(one, other) => {
            return Err(Reason::NotUnderstood.because(format!("{one} or {other}")));
        }
    })
}

const CONNECTED: Check = Check {
    id: "IAM-ROLE-02",
    title: "The role keeps the node connected",
    severity: Severity::High,
    groups: &[Group::Failure],
    reads: &[ROLE, NODES],
    why: "Without these permissions the node does not appear, and no session reaches it.",
    then: "Attach AmazonSSMManagedInstanceCore, or the statement of `ssmtrail policy writer`.",
    ask: &About::<Role>(channel),
};

fn channel(role: &Role, view: &View<'_>) -> Answer {
    let asks = CHANNEL.iter().map(|it| (*it, "*".to_owned()));
    let missing = lacking(role, view, asks, plainly)?;
    Ok(outcome(role, missing, "the five permissions of a managed node"))
}

const TO_BUCKET: Check = Check {
    id: "IAM-ROLE-03",
    title: "The role may write transcripts to the bucket",
    severity: Severity::High,
    groups: &[Group::Generation, Group::Failure],
    reads: &[
        ROLE,
        NODES,
        DOCUMENTS,
        &["s3:GetBucketPolicy", "s3:ListBucket", "s3:GetEncryptionConfiguration"],
    ],
    why: "No managed policy of Systems Manager grants it: sessions work, and their transcripts are lost.",
    then: "Attach what `ssmtrail policy writer` prints.",
    ask: &About::<Role>(to_bucket),
};

fn to_bucket(role: &Role, view: &View<'_>) -> Answer {
    let corners = targets::corners_of(role, view);
    let (buckets, _) = targets::destinations(&corners, view);
    if buckets.is_empty() {
        targets::documents_known(&corners, view)?;
        return Ok(Judged::absent("no bucket is named where its nodes are"));
    }
    let partition = corners.first().map_or(Partition::AWS, |it| it.home().partition);
    let mut asks = Vec::new();
    for (name, prefix) in &buckets {
        asks.push(("s3:PutObject", targets::object_arn(name, prefix, partition)));
        // With the flag off the agent goes on without an answer.
        if flags(&corners, view, |it| it.bucket_encrypted && it.bucket.text() == Some(name)) {
            asks.push(("s3:GetEncryptionConfiguration", partition.bucket(name)));
        }
        let owner = view.bucket(name).map(|it| it.proved().unwrap_or(&it.account));
        let foreign = owner.is_some_and(|it| AccountId::of(&role.arn).is_none_or(|own| own != it));
        if foreign {
            asks.push(("s3:PutObjectAcl", targets::object_arn(name, prefix, partition)));
        }
    }
    let missing = lacking(role, view, asks, |call, said| {
        let name = call.resource.rsplit(":::").next().and_then(|it| it.split('/').next());
        match name.and_then(|it| view.bucket(it)) {
            Some(bucket) => {
                view.take(&bucket.existence)?;
                by_bucket(bucket, call, said, view)
            }
            None => Err(Reason::NotAsked.because("the bucket was not surveyed")),
        }
    })?;
    let refused = missing.iter().any(|it| it.starts_with("s3:GetEncryptionConfiguration"));
    let judged = of_places(role, missing, "s3:PutObject below the prefix", &corners, view)?;
    Ok(judged.details(refused.then(|| refusal(S3_REFUSAL))))
}

/// Whether the preferences of any of these corners set such a flag.
fn flags(corners: &[&Corner], view: &View<'_>, flag: impl Fn(&Preferences) -> bool) -> bool {
    corners.iter().any(|it| targets::own_preferences(it, view).is_some_and(|it| flag(&it)))
}

const TO_GROUP: Check = Check {
    id: "IAM-ROLE-04",
    title: "The role may write transcripts to the log group",
    severity: Severity::High,
    groups: &[Group::Generation, Group::Failure],
    reads: &[ROLE, NODES, DOCUMENTS],
    why: "The agent makes a stream for each session; a role that may only put events into streams loses every one.",
    then: "Attach what `ssmtrail policy writer` prints.",
    ask: &About::<Role>(to_group),
};

fn to_group(role: &Role, view: &View<'_>) -> Answer {
    let corners = targets::corners_of(role, view);
    let (_, groups) = targets::destinations(&corners, view);
    if groups.is_empty() {
        targets::documents_known(&corners, view)?;
        return Ok(Judged::absent("no log group is named where its nodes are"));
    }
    // Earlier surveys asked about everything.
    let was_asked = |it: &String| role.simulations.iter().any(|one| one.resource == *it);
    let everywhere = groups
        .iter()
        .map(|it| Some(targets::any_group(it)).filter(was_asked).unwrap_or_else(|| "*".to_owned()));
    let everywhere: BTreeSet<String> = everywhere.collect();
    let mut asks: Vec<(&str, String)> =
        everywhere.into_iter().map(|it| ("logs:DescribeLogGroups", it)).collect();
    for it in &groups {
        asks.push(("logs:CreateLogStream", targets::stream_arn(it)));
        asks.push(("logs:PutLogEvents", targets::stream_arn(it)));
    }
    let missing = lacking(role, view, asks, plainly)?;
    let refused = missing.iter().any(|it| it.starts_with("logs:DescribeLogGroups"));
    let promised = "DescribeLogGroups, CreateLogStream, PutLogEvents";
    let judged = of_places(role, missing, promised, &corners, view)?;
    let flagged = flags(&corners, view, |it| it.group_encrypted && it.group.text().is_some());
    Ok(judged.details((flagged && refused).then(|| refusal(CW_REFUSAL))))
}

const WITH_KEYS: Check = Check {
    id: "IAM-ROLE-05",
    title: "The role may use the keys of bucket and sessions",
    severity: Severity::High,
    groups: &[Group::Keys, Group::Failure],
    reads: &[
        ROLE,
        NODES,
        DOCUMENTS,
        &["s3:GetEncryptionConfiguration", "kms:GetKeyPolicy", "kms:DescribeKey", "s3:ListBucket"],
    ],
    why: "Without kms:GenerateDataKey nothing arrives; without kms:Decrypt long transcripts alone are lost, which nobody notices.",
    then: "Allow both on the bucket's key, and kms:Decrypt on the key of the sessions.",
    ask: &About::<Role>(with_keys),
};

fn with_keys(role: &Role, view: &View<'_>) -> Answer {
    let corners = targets::corners_of(role, view);
    let keys = targets::keys_used(&corners, view);
    // A bucket whose encryption is not known may have a key.
    for (name, _) in targets::destinations(&corners, view).0 {
        if let Some(it) = view.bucket(&name)
            && view.take(&it.existence).is_ok_and(|it| *it == Existence::Exists)
        {
            view.take(&it.encryption)?;
        }
    }
    if keys.is_empty() {
        targets::documents_known(&corners, view)?;
        return Ok(Judged::absent("neither bucket nor sessions have a key of yours"));
    }
    let mut missing = Causes::default();
    for (key, of_bucket) in keys {
        view.take(&key.state)?;
        let Some(arn) = targets::key_arn(key, view) else { continue };
        let actions: &[&str] =
            if of_bucket { &["kms:GenerateDataKey", "kms:Decrypt"] } else { &["kms:Decrypt"] };
        let asks = actions.iter().map(|it| (*it, arn.to_owned()));
        let lacks = lacking(role, view, asks, |call, said| {
            by_key(key, of_bucket, call, said, view).map(Granted::from)
        });
        let told = |it: String| match of_bucket && it.starts_with("kms:Decrypt") {
            true => format!("{it} (transcripts over 5 MiB alone are lost)"),
            false => it,
        };
        missing.add(lacks.map(|some| some.into_iter().map(told)));
    }
    let promised = "GenerateDataKey and Decrypt on the keys in use";
    of_places(role, missing.proved()?, promised, &corners, view)
}

const ERASES: Check = Check {
    id: "IAM-ROLE-06",
    title: "The role that writes cannot erase",
    severity: Severity::High,
    groups: &[Group::Integrity],
    reads: &[
        ROLE,
        NODES,
        DOCUMENTS,
        &[
            "s3:GetBucketVersioning",
            "s3:GetBucketObjectLockConfiguration",
            "s3:GetBucketPolicy",
            "s3:GetEncryptionConfiguration",
            "kms:DescribeKey",
            "kms:GetKeyPolicy",
        ],
    ],
    why: "Whoever is root on the node has the role's credentials: what it may delete or shorten, they may.",
    then: "Take these permissions from the role; CloudWatchAgentServerPolicy and AmazonEC2RoleforSSM bring some of them.",
    ask: &About::<Role>(erases),
};

fn erases(role: &Role, view: &View<'_>) -> Answer {
    let corners = targets::corners_of(role, view);
    let mut able = Causes::default();
    for it in erasures(&corners, view) {
        match it.is_granted(role, view) {
            Ok(true) => able.found.push(format!("{} on {}", it.action, it.resource)),
            Ok(false) => {}
            // What a condition may still allow is not known to be harmless.
            Err(it) => able.lack(it),
        }
    }
    let partition = corners.first().map_or(Partition::AWS, |it| it.home().partition);
    for (name, prefix) in targets::destinations(&corners, view).0 {
        match writes_over(role, &name, &targets::object_arn(&name, &prefix, partition), view) {
            Ok(it) => able.found.extend(it),
            Err(it) => able.lack(it),
        }
    }
    let promised = "no permission to delete, shorten, read back or write over";
    let able = able.proved()?;
    if !able.is_empty() {
        return Ok(Judged::failures("it has", able, "such permissions").promised(promised));
    }
    targets::documents_known(&corners, view)?;
    Ok(Judged::pass("none of these").promised(promised))
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
    let (buckets, groups) = targets::destinations(corners, view);
    let partition = corners.first().map_or(Partition::AWS, |it| it.home().partition);
    let mut out = Vec::new();
    let mut add = |on: On, resource: String, of: Option<Guarded<'a>>| {
        let actions = targets::unneeded(on).into_iter();
        out.extend(actions.map(|action| Erasure { action, resource: resource.clone(), of }));
    };
    for (name, prefix) in &buckets {
        let of = view.bucket(name).map(Guarded::Bucket);
        add(On::Object, targets::object_arn(name, prefix, partition), of);
        add(On::Bucket, partition.bucket(name), of);
    }
    for it in &groups {
        add(On::Stream, targets::stream_arn(it), None);
        add(On::Group, targets::whole_group(it), None);
    }
    if !groups.is_empty() {
        add(On::Logs, "*".into(), None);
    }
    for it in corners {
        add(On::Document, it.home().document(NAME), None);
    }
    for (key, _) in targets::keys_used(corners, view) {
        if let Some(arn) = targets::key_arn(key, view) {
            add(On::Key, arn.to_owned(), Some(Guarded::Key(key)));
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
    let mut missing = Causes::default();
    for (action, resource) in asks {
        let call = Call { role, action, resource: &resource };
        let granted =
            may(&call, view).and_then(|it| grants(&call, &it).map(|granted| (it, granted)));
        let why = match granted {
            Ok((_, Granted::Yes)) => continue,
            Ok((_, Granted::DeniedBy(name))) => format!(": {name} {BY_BUCKET}"),
            Ok((Permission::Denied(Some(by)), Granted::No)) => format!(": {by} denies it"),
            Ok((_, Granted::No)) => String::new(),
            Err(it) => {
                missing.lack(it);
                continue;
            }
        };
        missing.found.push(format!("{action} on {resource}{why}"));
    }
    missing.proved()
}

fn plainly(_: &Call<'_>, it: &Permission) -> Result<Granted, Unread> {
    Ok((*it == Permission::Allowed).into())
}

/// What stands behind a statement's name where no policy of the role helps.
const BY_BUCKET: &str = "in the bucket's policy denies it";

/// What comes of what a role lacks, once all documents that name places were read: what is missing is so whatever they say.
fn of_places(
    role: &Role,
    missing: Vec<String>,
    promised: &str,
    corners: &[&Corner],
    view: &View<'_>,
) -> Answer {
    let known = targets::documents_known(corners, view);
    if missing.is_empty() {
        known?;
    }
    Ok(outcome(role, missing, promised))
}

fn outcome(role: &Role, missing: Vec<String>, promised: &str) -> Judged {
    let Some(first) = missing.first() else {
        return Judged::pass("allowed").promised(promised);
    };
    if missing.iter().all(|it| it.ends_with(BY_BUCKET)) {
        // A remedy of the role would change nothing: the statement must let through what the agent sends.
        let bucket = first.split(":::").nth(1).and_then(|it| it.split(['/', ':']).next());
        let fix = aws("s3api get-bucket-policy", &[("bucket", bucket.unwrap_or_default())]);
        return Judged::failures("it is refused", missing, "requests")
            .promised(promised)
            .fix(fix + " --query Policy --output text");
    }
    let name = Arn::parse(&role.arn).map_or(role.arn.as_str(), Arn::name);
    let fix = format!(
        "ssmtrail policy writer > writer.json && aws iam put-role-policy --role-name {} --policy-name session-transcripts --policy-document file://writer.json",
        quote(name)
    );
    Judged::failures("it lacks", missing, "permissions").promised(promised).fix(fix)
}

/// What the agent answers where it may not look.
fn refusal(words: &str) -> String {
    format!(
        "the encryption flag is on, so that every session is refused; whoever starts one reads {words}"
    )
}
