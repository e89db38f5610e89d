//! What to ask AWS next, once the settings are read: the roles and keys that were found, and the questions to IAM's simulator.
//!
//! Nothing is judged here, and what is read here is no evidence: the view that notes it is thrown away.

use crate::audit::iam::permission::carried;
use crate::audit::iam::targets;
use crate::audit::iam::writer::CHANNEL;
use crate::audit::iam::writer::role_arn;
use crate::audit::names::via_s3;
use crate::audit::preferences::NAME;
use crate::audit::undoing::On;
use crate::audit::view::View;
use crate::aws_names::Home;
use crate::aws_names::NodeKind;
use crate::aws_names::RegionCode;
use crate::settings::Bucket;
use crate::settings::Corner;
use crate::settings::KeyUse;

/// One question to IAM's simulator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// The ARN to ask about, or `*` for all resources.
    pub resource: String,
    /// Actions to ask about, all on this resource.
    pub actions: Vec<&'static str>,
    /// Condition keys and values, with their types.
    pub context: Vec<(&'static str, &'static str, String)>,
}

/// Roles that a corner's nodes might write with, each with its nodes: the ones to ask the simulator about.
pub fn candidates(corner: &Corner) -> Vec<(String, Vec<String>)> {
    let mut out: Vec<(String, Vec<String>)> = Vec::new();
    for node in corner.nodes.known().into_iter().flatten() {
        let instances = corner.network.instances.known().into_iter().flatten();
        let instance = instances.into_iter().find(|it| it.id == node.id);
        let profile = instance.and_then(|it| it.role.known().ok()).and_then(Option::as_ref);
        let default = corner.default_role.known().ok().and_then(Option::as_ref);
        let names = [
            node.role.as_ref(),
            profile,
            default.filter(|_| NodeKind::of(&node.id) == Some(NodeKind::Instance)),
        ];
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

/// What to ask about the role behind nodes of these corners: what it must be able to do, and what would undo the record.
pub fn questions(corners: &[&Corner], view: &View<'_>) -> Vec<Question> {
    let region = corners.first().map_or("", |it| it.region.as_str());
    let partition = RegionCode(region).partition_or_aws();
    let (buckets, groups) = targets::destinations(corners, view);
    let mut out: Vec<Question> = Vec::new();
    let mut ask = |resource: String, needs: &[&'static str], undoes: Vec<&'static str>, context| {
        let mut actions = [needs, &undoes].concat();
        match out.iter_mut().find(|it| it.resource == resource) {
            Some(it) => {
                actions.retain(|one| !it.actions.contains(one));
                it.actions.extend(actions);
            }
            None => out.push(Question { resource, actions, context }),
        }
    };
    ask("*".into(), &CHANNEL, Vec::new(), Vec::new());
    for group in &groups {
        ask(targets::any_group(group), &["logs:DescribeLogGroups"], Vec::new(), Vec::new());
    }
    for (name, prefix) in &buckets {
        let encryption = view.bucket(name).and_then(|it| view.take(&it.encryption).ok());
        let sent = carried(encryption.and_then(Option::as_ref));
        let needs = ["s3:PutObject", "s3:PutObjectAcl", "s3:AbortMultipartUpload"];
        let object = targets::object_arn(name, prefix, partition);
        ask(object, &needs, targets::unneeded(On::Object), sent);
        let needs = ["s3:GetEncryptionConfiguration"];
        let context = vec![("aws:SecureTransport", "boolean", "true".to_owned())];
        let bucket = partition.bucket(name);
        ask(bucket, &needs, targets::unneeded(On::Bucket), context);
    }
    for group in &groups {
        let needs = ["logs:CreateLogStream", "logs:PutLogEvents", "logs:DescribeLogStreams"];
        let stream = targets::stream_arn(group);
        ask(stream, &needs, targets::unneeded(On::Stream), Vec::new());
        ask(targets::whole_group(group), &[], targets::unneeded(On::Group), Vec::new());
    }
    for (key, of_bucket) in targets::keys_used(corners, view) {
        let Some(arn) = targets::key_arn(key, view) else { continue };
        let (needs, context): (&[_], _) = match of_bucket {
            true => (
                &["kms:GenerateDataKey", "kms:Decrypt"],
                vec![("kms:ViaService", "string", via_s3(key))],
            ),
            false => (&["kms:Decrypt"], Vec::new()),
        };
        ask(arn.to_owned(), needs, targets::unneeded(On::Key), context);
    }
    for it in corners {
        let document = it.home().document(NAME);
        ask(document, &[], targets::unneeded(On::Document), Vec::new());
    }
    if !groups.is_empty() {
        ask("*".into(), &[], targets::unneeded(On::Logs), Vec::new());
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
        let home = corner.home();
        for document in UNLOGGED {
            let of_aws = Home { account: "", ..home };
            ask(of_aws.document(document), "ssm:StartSession", context("true"));
        }
        // The first of each kind that is there; the id of none where there is none, which a policy by wildcard means, too.
        let nodes = corner.nodes.known().map(Vec::as_slice).unwrap_or_default();
        let of = |kind: NodeKind| {
            nodes.iter().map(|it| it.id.as_str()).find(|it| NodeKind::of(it) == Some(kind))
        };
        let instance = of(NodeKind::Instance).unwrap_or("i-0123456789abcdef0");
        ask(home.node(instance), "ssm:StartSession", context("false"));
        if let Some(it) = of(NodeKind::Managed) {
            ask(home.node(it), "ssm:StartSession", context("false"));
        }
        ask(home.arn("ecs", "task/any/any"), "ecs:ExecuteCommand", Vec::new());
    }
    out
}

/// What each key found here is used for.
pub fn keys_of(it: &Bucket) -> Vec<(String, KeyUse)> {
    let mut out = Vec::new();
    if let Ok(Some(told)) = it.encryption.known()
        && let Some(key) = &told.kms_key
    {
        out.push((key.clone(), KeyUse::Bucket(it.name.clone())));
    }
    for prefix in &it.prefixes {
        let objects = prefix.sample.known().into_iter().flat_map(|it| &it.objects);
        for key in objects.filter_map(|it| it.head.known().ok()?.kms_key.clone()) {
            let it = (key, KeyUse::Objects(it.name.clone()));
            if !out.contains(&it) {
                out.push(it);
            }
        }
    }
    out
}
