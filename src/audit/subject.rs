//! What checks are about: where each is shown, and what was asked about it.

use super::check::Ask;
use super::check::Check;
use super::check::Store;
use super::names::bucket_arn;
use super::names::document_arn;
use super::names::group_arn;
use super::preferences::NAME;
use super::statements::account_of;
use super::verdict::Answer;
use super::verdict::Judged;
use super::view::View;
use crate::config::partition_of;
use crate::settings::Asked;
use crate::settings::Bucket;
use crate::settings::Corner;
use crate::settings::Document;
use crate::settings::Existence;
use crate::settings::LogGroup;
use crate::settings::Outcome;
use crate::settings::Prefix;
use crate::settings::Read;
use crate::settings::Role;

/// Where a finding is shown.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Subject {
    /// The heading: a destination, a Region's preferences, a role.
    pub(super) place: String,
    pub(super) account: String,
    pub(super) region: String,
    /// ARN, or what comes nearest.
    pub(super) resource: String,
}

fn asked<T>(it: &Read<T>) -> Option<Asked> {
    (!it.asked.api.is_empty()).then(|| it.asked.clone())
}

impl Corner {
    /// Whether Session Manager was asked about here; where a place alone is named it is not.
    fn is_asked(&self) -> bool {
        !self.preferences.asked.api.is_empty()
    }

    fn asked(&self) -> Vec<Asked> {
        let it = self;
        [
            asked(&it.preferences),
            asked(&it.documents),
            asked(&it.nodes),
            asked(&it.retention_policies),
            asked(&it.subscription_policies),
            asked(&it.destinations),
            asked(&it.logs_policies),
            asked(&it.trails),
            asked(&it.default_role),
            asked(&it.network.instances),
            asked(&it.network.route_tables),
            asked(&it.network.endpoints),
            asked(&it.network.security_groups),
            asked(&it.network.acls),
        ]
        .into_iter()
        .flatten()
        .chain(
            it.trails
                .known()
                .into_iter()
                .flatten()
                .flat_map(|it| asked(&it.status).into_iter().chain(asked(&it.selectors))),
        )
        .collect()
    }
}

impl LogGroup {
    fn asked(&self) -> Vec<Asked> {
        [asked(&self.settings), asked(&self.subscriptions), asked(&self.policies)]
            .into_iter()
            .flatten()
            .collect()
    }
}

impl Bucket {
    fn asked(&self) -> Vec<Asked> {
        let it = self;
        [
            asked(&it.existence),
            asked(&it.encryption),
            asked(&it.lifecycle),
            asked(&it.versioning),
            asked(&it.lock),
            asked(&it.public_access),
            asked(&it.policy),
            asked(&it.policy_is_public),
            asked(&it.acl),
            asked(&it.ownership),
            asked(&it.logging),
            asked(&it.tiering),
            asked(&it.replication),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}

/// Visits everything a check is about.
pub(super) fn walk(
    check: &Check,
    view: &View<'_>,
    visit: &mut dyn FnMut(Subject, Vec<Asked>, Answer),
) {
    let survey = view.survey;
    let corner_subject = |it: &Corner, what: &str| Subject {
        place: format!("{what} in {} of {}", it.region, it.account),
        account: it.account.clone(),
        region: it.region.clone(),
        resource: String::new(),
    };
    match check.ask {
        Ask::Account(ask) => {
            let asked = survey.corners.iter().filter(|it| it.is_asked());
            let mut accounts: Vec<&str> = asked.map(|it| it.account.as_str()).collect();
            accounts.sort_unstable();
            accounts.dedup();
            for account in accounts {
                let subject = Subject {
                    place: format!("account {account}"),
                    account: account.into(),
                    region: String::new(),
                    resource: format!("arn:aws:iam::{account}:root"),
                };
                let corners = survey.corners.iter().filter(|it| it.account == account);
                visit(subject, corners.flat_map(Corner::asked).collect(), ask(account, view));
            }
        }
        Ask::Corner(ask) => {
            for it in survey.corners.iter().filter(|it| it.is_asked()) {
                let partition = partition_of(&it.region);
                let resource =
                    format!("arn:{partition}:ssm:{}:{}:document/{}", it.region, it.account, NAME);
                let subject = Subject { resource, ..corner_subject(it, "Session Manager") };
                visit(subject, it.asked(), ask(it, view));
            }
        }
        Ask::Preferences(_) | Ask::Document(_) => walk_documents(check, view, visit),
        Ask::Group(ask) => {
            for it in &survey.groups {
                let subject = group_subject(it);
                let corner = view.corner(&it.account, &it.region);
                let mut evidence = it.asked();
                evidence.extend(corner.into_iter().flat_map(Corner::asked));
                let missing = matches!(it.settings.known(), Ok(None)) && check.id != "CWL-EXIST-01";
                let answer = match missing {
                    true => Ok(Judged::absent("there is no such log group")),
                    false => ask(it, view),
                };
                visit(subject, evidence, answer);
            }
        }
        Ask::Bucket(_) | Ask::Prefix(_) => walk_buckets(check, view, visit),
        Ask::Store(ask) => {
            for it in &survey.groups {
                visit(group_subject(it), it.asked(), ask(Store::Group(it), view));
            }
            walk_buckets(check, view, visit);
        }
        Ask::Instance(ask) => {
            for corner in survey.corners.iter().filter(|it| it.is_asked()) {
                match &corner.network.instances.outcome {
                    Outcome::Is(many) => {
                        for it in many {
                            let (subject, mut evidence) = node(&it.id, corner);
                            evidence.extend(asked(&it.role));
                            visit(subject, evidence, ask(it, corner, view));
                        }
                    }
                    Outcome::Unread(it) => {
                        let (subject, evidence) = node("*", corner);
                        visit(subject, evidence, Err(it.clone()));
                    }
                }
            }
        }
        Ask::Role(ask) => {
            for it in &survey.roles {
                visit(role(it), role_asked(it), ask(it, view));
            }
            // Roles are known through their nodes: where those are not, neither are they.
            for corner in survey.corners.iter().filter(|it| it.is_asked()) {
                let nodes = corner.nodes.known().map(Vec::len);
                let unread = match (nodes, corner.network.instances.known()) {
                    (Err(it), _) => it,
                    (Ok(many), Err(it)) if many > 0 => it,
                    _ => continue,
                };
                let (subject, evidence) = node("*", corner);
                let resource =
                    format!("arn:{}:iam::{}:role/*", partition_of(&corner.region), corner.account);
                visit(Subject { resource, ..subject }, evidence, Err(unread));
            }
        }
        Ask::Starter(ask) => {
            for it in &survey.starters {
                visit(role(it), role_asked(it), ask(it, view));
            }
        }
        Ask::Key(ask) => {
            for it in &survey.keys {
                let partition = partition_of(&it.region);
                let named = match &it.id {
                    id if id.starts_with("arn:") => id.clone(),
                    id if id.starts_with("alias/") => {
                        format!("arn:{partition}:kms:{}:{}:{id}", it.region, it.account)
                    }
                    id => format!("arn:{partition}:kms:{}:{}:key/{id}", it.region, it.account),
                };
                let resource = it
                    .state
                    .known()
                    .ok()
                    .and_then(Option::as_ref)
                    .map_or(named, |it| it.arn.clone());
                let subject = Subject {
                    place: format!("key {resource}"),
                    account: account_of(&resource).unwrap_or(it.account.clone()),
                    region: it.region.clone(),
                    resource,
                };
                let evidence = [asked(&it.state), asked(&it.policy), asked(&it.rotation)];
                visit(subject, evidence.into_iter().flatten().collect(), ask(it, view));
            }
        }
        Ask::Node(ask) => {
            for corner in survey.corners.iter().filter(|it| it.is_asked()) {
                match &corner.nodes.outcome {
                    Outcome::Is(many) => {
                        for it in many {
                            let (subject, evidence) = node(&it.id, corner);
                            visit(subject, evidence, ask(it, corner, view));
                        }
                    }
                    Outcome::Unread(it) => {
                        let (subject, evidence) = node("*", corner);
                        visit(subject, evidence, Err(it.clone()));
                    }
                }
            }
        }
    }
}

fn group_subject(it: &LogGroup) -> Subject {
    Subject {
        place: format!("logs:{} in {} of {}", it.name, it.region, it.account),
        account: it.account.clone(),
        region: it.region.clone(),
        resource: group_arn(it),
    }
}

fn role(it: &Role) -> Subject {
    let account = account_of(&it.arn).unwrap_or_default();
    Subject {
        place: format!("role {}", it.arn),
        account,
        region: String::new(),
        resource: it.arn.clone(),
    }
}

fn role_asked(it: &Role) -> Vec<Asked> {
    let simulations = it.simulations.iter().filter_map(|it| asked(&it.decisions));
    simulations.chain(asked(&it.policies)).collect()
}

fn node(id: &str, corner: &Corner) -> (Subject, Vec<Asked>) {
    let (region, account) = (&corner.region, &corner.account);
    let partition = partition_of(region);
    let resource = match id.starts_with("mi-") {
        true => format!("arn:{partition}:ssm:{region}:{account}:managed-instance/{id}"),
        false => format!("arn:{partition}:ec2:{region}:{account}:instance/{id}"),
    };
    let subject = Subject {
        place: match id {
            "*" => format!("nodes in {region} of {account}"),
            id => format!("node {id} in {region} of {account}"),
        },
        account: account.clone(),
        region: region.clone(),
        resource,
    };
    (subject, corner.asked())
}

fn walk_documents(
    check: &Check,
    view: &View<'_>,
    visit: &mut dyn FnMut(Subject, Vec<Asked>, Answer),
) {
    for corner in view.survey.corners.iter().filter(|it| it.is_asked()) {
        let one = |it: &Document| {
            let place = match it.name == NAME {
                true => format!("Session Manager in {} of {}", corner.region, corner.account),
                false => format!("document {} in {} of {}", it.name, corner.region, corner.account),
            };
            let subject = Subject {
                place,
                account: corner.account.clone(),
                region: corner.region.clone(),
                resource: document_arn(it, corner),
            };
            let mut evidence = corner.asked();
            evidence.extend(asked(&it.content));
            evidence.extend(asked(&it.shared_with));
            evidence.extend(asked(&it.described));
            (subject, evidence)
        };
        let unread = |name: &str| {
            let place = format!("Session Manager in {} of {}", corner.region, corner.account);
            let (subject, _) = one(&Document { name: name.into(), ..Document::default() });
            (Subject { place, ..subject }, corner.asked())
        };
        let (Ask::Preferences(ask) | Ask::Document(ask)) = check.ask else { continue };
        match &corner.preferences.outcome {
            Outcome::Is(Some(it)) => {
                let (subject, evidence) = one(it);
                visit(subject, evidence, ask(it, corner, view));
            }
            Outcome::Is(None) => {}
            Outcome::Unread(it) => {
                let (subject, evidence) = unread(NAME);
                visit(subject, evidence, Err(it.clone()));
            }
        }
        if !matches!(check.ask, Ask::Document(_)) {
            continue;
        }
        match &corner.documents.outcome {
            Outcome::Is(many) => {
                for it in many {
                    let (subject, evidence) = one(it);
                    visit(subject, evidence, ask(it, corner, view));
                }
            }
            Outcome::Unread(it) => {
                let (subject, evidence) = unread("*");
                visit(subject, evidence, Err(it.clone()));
            }
        }
    }
}

fn walk_buckets(
    check: &Check,
    view: &View<'_>,
    visit: &mut dyn FnMut(Subject, Vec<Asked>, Answer),
) {
    for it in &view.survey.buckets {
        let subject = |prefix: &str| Subject {
            place: format!("s3://{}", it.name),
            account: it.account.clone(),
            region: it.region.clone().unwrap_or_default(),
            resource: match prefix {
                "" => bucket_arn(it),
                _ => format!("{}/{prefix}*", bucket_arn(it)),
            },
        };
        let there = |answer: &dyn Fn() -> Answer| match it.existence.known() {
            Ok(Existence::Missing) if check.id != "S3-EXIST-01" => {
                Ok(Judged::absent("there is no such bucket"))
            }
            Ok(Existence::Foreign) if check.id != "S3-EXIST-01" => {
                Ok(Judged::absent("the bucket belongs to another account"))
            }
            _ => answer(),
        };
        let mut evidence = it.asked();
        evidence.extend(
            view.survey
                .corners
                .iter()
                .filter(|one| one.account == it.account)
                .flat_map(Corner::asked),
        );
        match check.ask {
            Ask::Bucket(ask) => visit(subject(""), evidence, there(&|| ask(it, view))),
            Ask::Prefix(_) | Ask::Store(_) => {
                for prefix in &it.prefixes {
                    let ask = |prefix: &Prefix| match check.ask {
                        Ask::Prefix(ask) => ask(prefix, it, view),
                        Ask::Store(ask) => ask(Store::Prefix(prefix, it), view),
                        _ => Ok(Judged::absent("")),
                    };
                    let mut evidence = evidence.clone();
                    evidence.extend(asked(&prefix.sample));
                    let heads = prefix.sample.known().ok().into_iter().flat_map(|it| &it.objects);
                    evidence.extend(heads.filter_map(|it| asked(&it.head)));
                    visit(subject(&prefix.prefix), evidence, there(&|| ask(prefix)));
                }
            }
            _ => {}
        }
    }
}
