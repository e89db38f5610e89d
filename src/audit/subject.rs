//! What checks are about: each kind of thing in a survey, where a finding shows it, and what makes it absent.
//!
//! A kind of subject is one `impl Subject`; a row of the table names it by type, and the judge walks over all of them.

use std::collections::BTreeMap;
use std::marker::PhantomData;

use super::preferences::NAME;
use super::verdict::Judged;
use super::view::View;
use crate::aws_names::AccountId;
use crate::aws_names::Arn;
use crate::aws_names::Partition;
use crate::settings::Account;
use crate::settings::Asked;
use crate::settings::Bucket;
use crate::settings::Corner;
use crate::settings::Document;
use crate::settings::Existence;
use crate::settings::Instance;
use crate::settings::Key;
use crate::settings::LogGroup;
use crate::settings::Node;
use crate::settings::Outcome;
use crate::settings::Prefix;
use crate::settings::Read;
use crate::settings::Role;
use crate::settings::Survey;
use crate::settings::Unread;

/// Where a finding is shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Label {
    /// The heading: a destination, a Region's preferences, a role.
    pub place: String,
    pub account: String,
    /// Empty where it is in no Region.
    pub region: String,
    /// ARN, or what comes nearest.
    pub resource: String,
}

impl Label {
    fn new(place: String, account: &str, region: &str, resource: String) -> Self {
        Self { place, account: account.into(), region: region.into(), resource }
    }
}

/// One thing that a check is about, as a survey shows it.
#[derive(Clone, Debug)]
pub(crate) struct Sighting<'a, One> {
    pub label: Label,
    /// The call that told of it, where one did: the configuration names other things.
    pub by: Option<&'a Asked>,
    /// The thing, or why nobody knows which there are.
    pub one: Result<One, Unread>,
}

impl<'a, One> Sighting<'a, One> {
    fn named(label: Label, one: One) -> Self {
        Self { label, by: None, one: Ok(one) }
    }

    fn map<Other>(self, to: impl Fn(One) -> Other) -> Sighting<'a, Other> {
        Sighting { label: self.label, by: self.by, one: self.one.map(to) }
    }
}

/// A kind of thing that checks are about.
pub(crate) trait Subject {
    /// One of them, with what it is a part of.
    type One<'a>: Copy;

    /// Permissions by which it is known whether one is there. A check needs them beside those that it declares.
    const FOUND_BY: &'static [&'static str] = &[];

    /// All that a survey shows, in the order of their findings.
    fn each(survey: &Survey) -> Vec<Sighting<'_, Self::One<'_>>>;

    /// The answer of every check where one is not there; `None` where it is, or where nobody knows.
    fn absent(_one: Self::One<'_>, _view: &View<'_>) -> Option<Judged> {
        None
    }
}

/// Things of which a check asks whether they are there at all.
pub(super) struct Sought<S>(PhantomData<S>);

/// The preferences of a corner, where there are any.
pub(super) struct OwnPreferences;

/// A principal that starts sessions, as the promise names it.
pub(super) struct Starter;

/// A place that keeps transcripts, of either kind.
#[derive(Clone, Copy)]
pub(super) enum Store<'a> {
    Group(&'a LogGroup),
    Prefix(&'a Prefix, &'a Bucket),
}

impl Corner {
    /// Whether Session Manager was asked about here; where a place alone is named it is not.
    pub(super) fn is_asked(&self) -> bool {
        !self.preferences.asked.api.is_empty()
    }
}

fn corners(survey: &Survey) -> impl Iterator<Item = &Corner> {
    survey.corners.iter().filter(|it| it.is_asked())
}

/// Each item of a list that was read, with its corner; the list as a whole, by `*`, where it was not.
fn listed<'a, T>(
    list: &'a Read<Vec<T>>,
    corner: &'a Corner,
    name: fn(&T) -> &str,
    label: fn(&str, &Corner) -> Label,
) -> Vec<Sighting<'a, (&'a T, &'a Corner)>> {
    let by = Some(&list.asked);
    match &list.outcome {
        Outcome::Is(many) => {
            let one = |it| Sighting { label: label(name(it), corner), by, one: Ok((it, corner)) };
            many.iter().map(one).collect()
        }
        Outcome::Unread(why) => {
            vec![Sighting { label: label("*", corner), by, one: Err(why.clone()) }]
        }
    }
}

impl<S: Subject> Subject for Sought<S> {
    type One<'a> = S::One<'a>;

    fn each(survey: &Survey) -> Vec<Sighting<'_, Self::One<'_>>> {
        S::each(survey)
    }
}

impl Subject for Account {
    type One<'a> = &'a str;

    fn each(survey: &Survey) -> Vec<Sighting<'_, Self::One<'_>>> {
        // All Regions of an account are of one partition.
        let accounts: BTreeMap<&str, Partition<'_>> =
            corners(survey).map(|it| (it.account.as_str(), it.home().partition)).collect();
        let label = |account: &str, partition: Partition<'_>| {
            Label::new(format!("account {account}"), account, "", partition.root(account))
        };
        accounts.into_iter().map(|(it, of)| Sighting::named(label(it, of), it)).collect()
    }
}

impl Subject for Corner {
    type One<'a> = &'a Self;

    fn each(survey: &Survey) -> Vec<Sighting<'_, Self::One<'_>>> {
        corners(survey).map(|it| Sighting::named(document_label(NAME, it), it)).collect()
    }
}

fn document_label(name: &str, corner: &Corner) -> Label {
    let (account, region) = (&corner.account, &corner.region);
    let place = match name {
        NAME | "*" => format!("Session Manager in {region} of {account}"),
        name => format!("document {name} in {region} of {account}"),
    };
    Label::new(place, account, region, corner.home().document(name))
}

impl Subject for OwnPreferences {
    type One<'a> = (&'a Document, &'a Corner);

    fn each(survey: &Survey) -> Vec<Sighting<'_, Self::One<'_>>> {
        corners(survey).filter_map(own_preferences).collect()
    }
}

/// The preferences of a corner, or why they are not known; `None` where there are none.
fn own_preferences(corner: &Corner) -> Option<Sighting<'_, (&Document, &Corner)>> {
    let (name, one) = match &corner.preferences.outcome {
        Outcome::Is(it) => (it.as_ref()?.name.as_str(), Ok((it.as_ref()?, corner))),
        Outcome::Unread(why) => (NAME, Err(why.clone())),
    };
    let by = Some(&corner.preferences.asked);
    Some(Sighting { label: document_label(name, corner), by, one })
}

/// Any Session document, the preferences too.
impl Subject for Document {
    type One<'a> = (&'a Self, &'a Corner);

    fn each(survey: &Survey) -> Vec<Sighting<'_, Self::One<'_>>> {
        let all = corners(survey).flat_map(|corner| {
            let others = listed(&corner.documents, corner, |it| &it.name, document_label);
            own_preferences(corner).into_iter().chain(others)
        });
        all.collect()
    }
}

fn node_label(id: &str, corner: &Corner) -> Label {
    let (region, account) = (&corner.region, &corner.account);
    let place = match id {
        "*" => format!("nodes in {region} of {account}"),
        id => format!("node {id} in {region} of {account}"),
    };
    Label::new(place, account, region, corner.home().node(id))
}

impl Subject for Node {
    type One<'a> = (&'a Self, &'a Corner);

    fn each(survey: &Survey) -> Vec<Sighting<'_, Self::One<'_>>> {
        let of = corners(survey);
        of.flat_map(|it| listed(&it.nodes, it, |it| &it.id, node_label)).collect()
    }
}

/// An EC2 instance, managed or not.
impl Subject for Instance {
    type One<'a> = (&'a Self, &'a Corner);

    fn each(survey: &Survey) -> Vec<Sighting<'_, Self::One<'_>>> {
        let of = corners(survey);
        of.flat_map(|it| listed(&it.network.instances, it, |it| &it.id, node_label)).collect()
    }

    fn absent((it, _): Self::One<'_>, _: &View<'_>) -> Option<Judged> {
        let runs = ["running", "pending"].contains(&it.state.as_str());
        (!runs).then(|| Judged::absent("it does not run"))
    }
}

fn role(it: &Role) -> Sighting<'_, &Role> {
    let account = AccountId::of(&it.arn).map(String::from).unwrap_or_default();
    Sighting::named(Label::new(format!("role {}", it.arn), &account, "", it.arn.clone()), it)
}

/// Roles are known through their nodes: where those are not, neither are they.
fn unread_roles(corner: &Corner) -> Option<Sighting<'_, &Role>> {
    let Corner { nodes, network, account, .. } = corner;
    let (by, why) = match (&nodes.outcome, &network.instances.outcome) {
        (Outcome::Unread(it), _) => (&nodes.asked, it),
        (Outcome::Is(many), Outcome::Unread(it)) if !many.is_empty() => {
            (&network.instances.asked, it)
        }
        _ => return None,
    };
    let resource = corner.home().partition.role(account, "*");
    let label = Label { resource, ..node_label("*", corner) };
    Some(Sighting { label, by: Some(by), one: Err(why.clone()) })
}

/// A role by which nodes write.
impl Subject for Role {
    type One<'a> = &'a Self;

    fn each(survey: &Survey) -> Vec<Sighting<'_, Self::One<'_>>> {
        survey.roles.iter().map(role).chain(corners(survey).filter_map(unread_roles)).collect()
    }
}

impl Subject for Starter {
    type One<'a> = &'a Role;

    fn each(survey: &Survey) -> Vec<Sighting<'_, Self::One<'_>>> {
        survey.starters.iter().map(role).collect()
    }
}

impl Subject for LogGroup {
    type One<'a> = &'a Self;

    const FOUND_BY: &'static [&'static str] = &["logs:DescribeLogGroups"];

    fn each(survey: &Survey) -> Vec<Sighting<'_, Self::One<'_>>> {
        let label = |it: &Self| {
            let place = format!("logs:{} in {} of {}", it.name, it.region, it.account);
            Label::new(place, &it.account, &it.region, it.arn())
        };
        survey.groups.iter().map(|it| Sighting::named(label(it), it)).collect()
    }

    fn absent(one: &Self, view: &View<'_>) -> Option<Judged> {
        let is_missing = matches!(view.take(&one.settings), Ok(None));
        is_missing.then(|| Judged::absent("there is no such log group"))
    }
}

fn bucket_label(it: &Bucket, resource: String) -> Label {
    let region = it.region.as_deref().unwrap_or_default();
    Label::new(format!("s3://{}", it.name), &it.account, region, resource)
}

impl Subject for Bucket {
    type One<'a> = &'a Self;

    const FOUND_BY: &'static [&'static str] = &["s3:ListBucket"];

    fn each(survey: &Survey) -> Vec<Sighting<'_, Self::One<'_>>> {
        let buckets = survey.buckets.iter();
        buckets.map(|it| Sighting::named(bucket_label(it, it.arn()), it)).collect()
    }

    fn absent(one: &Self, view: &View<'_>) -> Option<Judged> {
        match view.take(&one.existence) {
            Ok(Existence::Missing) => Some(Judged::absent("there is no such bucket")),
            Ok(Existence::Foreign) => Some(Judged::absent("the bucket belongs to another account")),
            Ok(Existence::Exists) | Err(_) => None,
        }
    }
}

fn prefix_label(it: &Prefix, bucket: &Bucket) -> Label {
    let arn = bucket.arn();
    let resource = if it.prefix.is_empty() { arn } else { format!("{arn}/{}*", it.prefix) };
    bucket_label(bucket, resource)
}

/// Transcripts below a prefix of a bucket.
impl Subject for Prefix {
    type One<'a> = (&'a Self, &'a Bucket);

    const FOUND_BY: &'static [&'static str] = Bucket::FOUND_BY;

    fn each(survey: &Survey) -> Vec<Sighting<'_, Self::One<'_>>> {
        let buckets = survey.buckets.iter();
        let all = buckets.flat_map(|bucket| bucket.prefixes.iter().map(move |it| (it, bucket)));
        all.map(|(it, of)| Sighting::named(prefix_label(it, of), (it, of))).collect()
    }

    fn absent((_, bucket): Self::One<'_>, view: &View<'_>) -> Option<Judged> {
        Bucket::absent(bucket, view)
    }
}

impl Subject for Store<'_> {
    type One<'a> = Store<'a>;

    const FOUND_BY: &'static [&'static str] = Bucket::FOUND_BY;

    fn each(survey: &Survey) -> Vec<Sighting<'_, Self::One<'_>>> {
        let groups = LogGroup::each(survey).into_iter().map(|it| it.map(Store::Group));
        let prefixes = Prefix::each(survey).into_iter();
        groups.chain(prefixes.map(|it| it.map(|(it, of)| Store::Prefix(it, of)))).collect()
    }

    fn absent(one: Store<'_>, view: &View<'_>) -> Option<Judged> {
        match one {
            Store::Group(it) => LogGroup::absent(it, view),
            Store::Prefix(_, bucket) => Bucket::absent(bucket, view),
        }
    }
}

impl Subject for Key {
    type One<'a> = &'a Self;

    fn each(survey: &Survey) -> Vec<Sighting<'_, Self::One<'_>>> {
        survey.keys.iter().map(|it| Sighting::named(key_label(it), it)).collect()
    }
}

/// By its own ARN where that is known, else by the name that is used for it.
fn key_label(it: &Key) -> Label {
    let resource = match (&it.state.outcome, &it.id) {
        (Outcome::Is(Some(state)), _) => state.arn.clone(),
        (_, id) if Arn::is_begun(id) => id.clone(),
        (_, id) => it.home().key(id),
    };
    let account = AccountId::of(&resource).map_or_else(|| it.account.clone(), String::from);
    Label::new(format!("key {resource}"), &account, &it.region, resource)
}
