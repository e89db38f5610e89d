//! Will the evidence survive: settings and a promise in, findings out. No I/O, no clock, no AWS here.
//!
//! A check is one row of one table: what must hold, why, what to do, which settings it reads, and a function from those
//! settings to a judgement. The walk over everything that was surveyed is written once, below; a check sees one thing at a
//! time. What could not be read makes a check *unknown*, by the `?` with which it takes each setting: no check can forget.
//!
//! The present is the moment of the survey, so that a survey judged again in years gives the same findings.

use std::collections::BTreeMap;

use serde::Serialize;
use sha2::Digest;
use sha2::Sha256;

use self::statements::Admits;
use self::statements::Named;
use self::statements::Statement;
use crate::audit::frameworks::Group;
use crate::audit::frameworks::Mapping;
use crate::audit::promise::Mute;
use crate::audit::promise::Promise;
use crate::config::partition_of;
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
use crate::settings::Reason;
use crate::settings::Role;
use crate::settings::Survey;
use crate::settings::Unread;

/// Conditions and variables of policies.
pub mod conditions;

/// What undoes each protection.
pub mod undoing;

/// Who may do what, as policy documents say.
pub mod statements;

/// How long, how fast, whose key.
pub mod promise;

/// Controls of standards.
pub mod frameworks;

/// How long objects live.
pub mod lifecycle;

/// A Session document, understood.
pub mod preferences;

/// What a shell profile does to the record.
mod profile;

/// Checks of Session documents.
pub mod documents;

/// Checks of log groups.
mod groups;

/// Checks of buckets and the transcripts in them.
pub mod buckets;

/// Checks of keys.
mod keys;

/// Checks of trails and of the nodes' agents.
mod surroundings;

/// Checks of the roles that write, and of those who start sessions.
pub mod writers;

/// Checks of the network between nodes and places.
mod network;

/// What keeping costs.
mod cost;

/// What has changed between two surveys.
pub mod diff;

/// The everyday disasters, and the checks that explain them.
pub mod symptoms;

/// How bad it is if the check fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    Info,
    Low,
    Medium,
    High,
    Critical,
}

impl Severity {
    pub const ALL: [Self; 5] = [Self::Info, Self::Low, Self::Medium, Self::High, Self::Critical];

    pub fn word(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}

/// How sure the judgement is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Confidence {
    Low,
    Medium,
    High,
}

impl Confidence {
    pub fn word(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
        }
    }
}

/// The outcome of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    Fail,
    Unknown,
    Pass,
    Info,
    NotApplicable,
}

impl Verdict {
    pub fn word(self) -> &'static str {
        match self {
            Self::Fail => "fail",
            Self::Unknown => "unknown",
            Self::Pass => "pass",
            Self::Info => "info",
            Self::NotApplicable => "not applicable",
        }
    }
}

/// A command that mends a finding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Fix {
    /// For a POSIX shell, every foreign word quoted.
    pub command: String,
    /// What it replaces or destroys, where it does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub warning: Option<String>,
}

/// What a check says of one thing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judged {
    pub verdict: Verdict,
    pub seen: String,
    pub promised: String,
    /// One line each, where one is not enough.
    pub details: Vec<String>,
    pub fixes: Vec<Fix>,
    /// Where it differs from the check's.
    pub severity: Option<Severity>,
    pub confidence: Confidence,
    pub unread: Option<Unread>,
}

/// A judgement, or the setting that could not be read.
pub type Answer = Result<Judged, Unread>;

impl Judged {
    fn new(verdict: Verdict, seen: impl Into<String>) -> Self {
        Self {
            verdict,
            seen: seen.into(),
            promised: String::new(),
            details: Vec::new(),
            fixes: Vec::new(),
            severity: None,
            confidence: Confidence::High,
            unread: None,
        }
    }

    pub(crate) fn pass(seen: impl Into<String>) -> Self {
        Self::new(Verdict::Pass, seen)
    }

    pub(crate) fn fail(seen: impl Into<String>) -> Self {
        Self::new(Verdict::Fail, seen)
    }

    pub(crate) fn info(seen: impl Into<String>) -> Self {
        Self::new(Verdict::Info, seen)
    }

    pub(crate) fn absent(why: impl Into<String>) -> Self {
        Self::new(Verdict::NotApplicable, why)
    }

    pub(crate) fn unknown(unread: Unread) -> Self {
        Self { unread: Some(unread.clone()), ..Self::new(Verdict::Unknown, unread.why) }
    }

    #[must_use]
    pub(crate) fn promised(mut self, what: impl Into<String>) -> Self {
        self.promised = what.into();
        self
    }

    #[must_use]
    pub(crate) fn fix(mut self, command: impl Into<String>) -> Self {
        self.fixes.push(Fix { command: command.into(), warning: None });
        self
    }

    #[must_use]
    pub(crate) fn risky(mut self, command: impl Into<String>, warning: &str) -> Self {
        self.fixes.push(Fix { command: command.into(), warning: Some(warning.into()) });
        self
    }

    #[must_use]
    pub(crate) fn severity(mut self, it: Severity) -> Self {
        self.severity = Some(it);
        self
    }

    #[must_use]
    pub(crate) fn unsure(mut self) -> Self {
        self.confidence = Confidence::Medium;
        self
    }

    #[must_use]
    pub(crate) fn details(mut self, them: impl IntoIterator<Item = String>) -> Self {
        self.details.extend(them);
        self
    }
}

/// What a check looks at, one at a time.
#[derive(Clone, Copy)]
pub enum Ask {
    Account(fn(&str, &View<'_>) -> Answer),
    Corner(fn(&Corner, &View<'_>) -> Answer),
    /// The preferences of a corner, where there are any that can be read.
    Preferences(fn(&Document, &Corner, &View<'_>) -> Answer),
    /// Any Session document, the preferences too.
    Document(fn(&Document, &Corner, &View<'_>) -> Answer),
    Group(fn(&LogGroup, &View<'_>) -> Answer),
    Bucket(fn(&Bucket, &View<'_>) -> Answer),
    Prefix(fn(&Prefix, &Bucket, &View<'_>) -> Answer),
    Key(fn(&Key, &View<'_>) -> Answer),
    Node(fn(&Node, &Corner, &View<'_>) -> Answer),
    /// An EC2 instance, managed or not.
    Instance(fn(&Instance, &Corner, &View<'_>) -> Answer),
    /// A role by which nodes write.
    Role(fn(&Role, &View<'_>) -> Answer),
    /// A principal that starts sessions, as the promise names it.
    Starter(fn(&Role, &View<'_>) -> Answer),
    /// A place that keeps transcripts, of either kind.
    Store(fn(Store<'_>, &View<'_>) -> Answer),
}

/// A place that keeps transcripts.
#[derive(Clone, Copy)]
pub enum Store<'a> {
    Group(&'a LogGroup),
    Prefix(&'a Prefix, &'a Bucket),
}

/// One row of the table of checks.
#[derive(Clone, Copy)]
pub struct Check {
    /// Stable, never used again for something else.
    pub id: &'static str,
    /// What must hold.
    pub title: &'static str,
    pub severity: Severity,
    pub groups: &'static [Group],
    /// Permissions whose answers it judges from.
    pub reads: &'static [&'static str],
    pub why: &'static str,
    pub then: &'static str,
    pub ask: Ask,
}

impl Check {
    pub fn mappings(&self) -> impl Iterator<Item = &'static Mapping> {
        self.groups.iter().flat_map(|it| it.mappings())
    }
}

/// All checks, by the order in which sessions meet what they are about.
pub fn checks() -> impl Iterator<Item = &'static Check> {
    [
        documents::CHECKS,
        groups::CHECKS,
        buckets::CHECKS,
        keys::CHECKS,
        writers::CHECKS,
        network::CHECKS,
        surroundings::CHECKS,
        cost::CHECKS,
    ]
    .into_iter()
    .flatten()
}

/// Everything a check may look at beside its subject.
#[derive(Clone, Copy)]
pub struct View<'a> {
    pub survey: &'a Survey,
    pub promise: &'a Promise,
}

impl<'a> View<'a> {
    /// The group of this name in this corner.
    pub(crate) fn group(&self, name: &str, account: &str, region: &str) -> Option<&'a LogGroup> {
        self.survey
            .groups
            .iter()
            .find(|it| it.name == name && it.account == account && it.region == region)
    }

    pub(crate) fn bucket(&self, name: &str) -> Option<&'a Bucket> {
        self.survey.buckets.iter().find(|it| it.name == name)
    }

    /// The key of this ARN, id or alias, as it is named or as it turned out to be.
    pub(crate) fn key(&self, id: &str) -> Option<&'a Key> {
        self.survey.keys.iter().find(|it| {
            let arn = it.state.known().ok().and_then(Option::as_ref).map(|it| it.arn.as_str());
            it.id == id || arn == Some(id)
        })
    }

    pub(crate) fn corner(&self, account: &str, region: &str) -> Option<&'a Corner> {
        self.survey.corners.iter().find(|it| it.account == account && it.region == region)
    }

    /// Whether what a policy names is ours; `None` where nobody knows.
    pub(crate) fn knows(&self, named: Named<'_>) -> Option<bool> {
        let networks = || self.survey.corners.iter().map(|it| &it.network);
        match named {
            Named::Account(it) => Some(self.is_ours(it)),
            Named::Organization(_) => None,
            Named::Vpc(id) => {
                networks().any(|it| it.vpcs.iter().any(|it| it.id == id)).then_some(true)
            }
            Named::Endpoint(id) => networks()
                .filter_map(|it| it.endpoints.known().ok())
                .any(|it| it.iter().any(|it| it.id == id))
                .then_some(true),
        }
    }

    /// Whether a condition of a statement holds it to somebody of ours.
    pub(crate) fn binds(&self, by: &Statement, condition: &statements::Condition) -> bool {
        let bound = condition.binds(by.has_variables, &|it| self.knows(it));
        matches!(bound, Some(Admits::Ours))
    }

    /// Whom a statement lets in.
    pub(crate) fn admitted(&self, by: &Statement) -> Admits {
        by.admits(&|it| self.knows(it))
    }

    /// Whether an account is one that was surveyed or is named in the promise.
    pub(crate) fn is_ours(&self, account: &str) -> bool {
        self.promise.accounts.iter().any(|it| it == account)
            || self.survey.corners.iter().any(|it| it.account == account)
            || self.survey.callers.iter().any(|it| it.account == account)
    }
}

/// Where a finding is shown.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Subject {
    /// The heading: a destination, a Region's preferences, a role.
    place: String,
    account: String,
    region: String,
    /// ARN, or what comes nearest.
    resource: String,
}

/// One check's outcome for one thing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The same for the same check and thing, on every run.
    pub uid: String,
    pub check_id: &'static str,
    pub title: &'static str,
    pub status: Verdict,
    pub severity: Severity,
    pub confidence: Confidence,
    pub account_id: String,
    pub region: String,
    pub resource: String,
    /// What it is grouped under for people.
    pub place: String,
    pub seen: String,
    pub promised: String,
    pub details: Vec<String>,
    /// Why it is unknown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unread: Option<Unread>,
    pub why: &'static str,
    pub then: &'static str,
    pub fixes: Vec<Fix>,
    pub evidence: Vec<Asked>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub muted: Option<Mute>,
    pub mappings: Vec<&'static Mapping>,
}

impl Finding {
    /// Whether it counts as a failure.
    pub fn fails(&self) -> bool {
        self.status == Verdict::Fail && self.muted.is_none()
    }
}

/// What was judged, as a whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judgement {
    pub findings: Vec<Finding>,
    /// Mutes that met nothing or are over, in words.
    pub stale: Vec<String>,
}

impl Judgement {
    /// Permissions that were missing, and the checks that are unknown for want of each (TOOL-PERM-01).
    pub fn missing(&self) -> BTreeMap<String, Vec<&'static str>> {
        let mut out: BTreeMap<String, Vec<&'static str>> = BTreeMap::new();
        for it in &self.findings {
            if let Some(action) = it.unread.as_ref().and_then(|it| it.missing.clone()) {
                let checks = out.entry(action).or_default();
                if !checks.contains(&it.check_id) {
                    checks.push(it.check_id);
                }
            }
        }
        out
    }

    /// How many findings ended so, muted ones left out.
    pub fn count(&self, verdict: Verdict) -> usize {
        self.findings.iter().filter(|it| it.muted.is_none() && it.status == verdict).count()
    }
}

/// Judges a survey by a promise. `only` limits the checks by the beginning of their ids; all if empty.
pub fn judge(survey: &Survey, promise: &Promise, mutes: &[Mute], only: &[String]) -> Judgement {
    let view = View { survey, promise };
    let mut findings = Vec::new();
    for check in checks() {
        if !only.is_empty() && !only.iter().any(|it| check.id.starts_with(it.as_str())) {
            continue;
        }
        walk(check, &view, &mut |subject, asked, answer| {
            findings.push(finding(check, subject, asked, answer));
        });
    }
    let stale = mute(&mut findings, mutes, survey);
    findings.sort_by(|one, other| {
        let key = |it: &Finding| (it.muted.is_some(), it.status, std::cmp::Reverse(it.severity));
        // A place comes as early as its worst finding; `order` below gathers them.
        key(one).cmp(&key(other))
    });
    Judgement { findings: gathered(findings), stale }
}

/// Brings findings of one place together; places in the order of their worst.
fn gathered(findings: Vec<Finding>) -> Vec<Finding> {
    let mut places: Vec<(String, Vec<Finding>)> = Vec::new();
    for it in findings {
        match places.iter_mut().find(|(place, _)| *place == it.place) {
            Some((_, many)) => many.push(it),
            None => places.push((it.place.clone(), vec![it])),
        }
    }
    places.into_iter().flat_map(|it| it.1).collect()
}

fn finding(check: &'static Check, subject: Subject, asked: Vec<Asked>, answer: Answer) -> Finding {
    let judged = answer.unwrap_or_else(Judged::unknown);
    let mut digest = Sha256::new();
    for part in [check.id, &subject.account, &subject.region, &subject.resource] {
        digest.update(part.as_bytes());
        digest.update([0]);
    }
    let digest = digest.finalize();
    let uid: String = digest.iter().take(16).map(|it| format!("{it:02x}")).collect();
    let mut evidence: Vec<Asked> =
        asked.into_iter().filter(|it| check.reads.contains(&it.action.as_str())).collect();
    evidence.sort_unstable();
    evidence.dedup();
    Finding {
        uid,
        check_id: check.id,
        title: check.title,
        status: judged.verdict,
        severity: judged.severity.unwrap_or(check.severity),
        confidence: judged.confidence,
        account_id: subject.account,
        region: subject.region,
        resource: subject.resource,
        place: subject.place,
        seen: judged.seen,
        promised: judged.promised,
        details: judged.details,
        unread: judged.unread,
        why: check.why,
        then: check.then,
        fixes: judged.fixes,
        evidence,
        muted: None,
        mappings: check.mappings().collect(),
    }
}

/// Marks what somebody has accepted; tells which mutes are over or meet nothing.
fn mute(findings: &mut [Finding], mutes: &[Mute], survey: &Survey) -> Vec<String> {
    let today = survey.taken_at.to_string();
    let today = today.get(..10).unwrap_or_default();
    let mut stale = Vec::new();
    for it in mutes {
        if it.until.as_str() < today {
            stale.push(format!(
                "{}: the mute of {} for {} ended on {}",
                it.from, it.check, it.resource, it.until
            ));
            continue;
        }
        let mut met = false;
        for one in findings.iter_mut() {
            let about = one.check_id == it.check && statements::glob(&it.resource, &one.resource);
            if about && matches!(one.status, Verdict::Fail | Verdict::Unknown) {
                one.muted = Some(it.clone());
                met = true;
            }
        }
        if !met {
            stale.push(format!(
                "{}: the mute of {} for {} meets nothing; it can go",
                it.from, it.check, it.resource
            ));
        }
    }
    stale
}

fn asked<T>(it: &Read<T>) -> Option<Asked> {
    (!it.asked.api.is_empty()).then(|| it.asked.clone())
}

/// ARN of a document.
pub(crate) fn document_arn(it: &Document, corner: &Corner) -> String {
    let (region, account) = (&corner.region, &corner.account);
    format!("arn:{}:ssm:{region}:{account}:document/{}", partition_of(region), it.name)
}

pub(crate) fn group_arn(it: &LogGroup) -> String {
    let (region, account) = (&it.region, &it.account);
    format!("arn:{}:logs:{region}:{account}:log-group:{}", partition_of(region), it.name)
}

pub(crate) fn bucket_arn(it: &Bucket) -> String {
    let partition = it.region.as_deref().map_or("aws", partition_of);
    format!("arn:{partition}:s3:::{}", it.name)
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
fn walk(check: &Check, view: &View<'_>, visit: &mut dyn FnMut(Subject, Vec<Asked>, Answer)) {
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
                let resource = format!(
                    "arn:{partition}:ssm:{}:{}:document/{}",
                    it.region,
                    it.account,
                    preferences::NAME
                );
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
                    account: statements::account_of(&resource).unwrap_or(it.account.clone()),
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
    let account = statements::account_of(&it.arn).unwrap_or_default();
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
            let place = match it.name == preferences::NAME {
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
                let (subject, evidence) = unread(preferences::NAME);
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

/// A word for a POSIX shell: quoted unless it is plainly one word. Names of resources are foreign text.
///
/// ```
/// use ssmtrail::audit::quote;
/// assert_eq!(quote("/aws/ssm"), "/aws/ssm");
/// assert_eq!(quote("a'b; rm -rf /"), r"'a'\''b; rm -rf /'");
/// ```
pub fn quote(word: &str) -> String {
    let plain = |it: char| it.is_ascii_alphanumeric() || "/_.:@%+=,-".contains(it);
    if !word.is_empty() && !word.starts_with('-') && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// Days as people say them.
pub(crate) fn days(it: i64) -> String {
    if it == 1 { "1 day".into() } else { format!("{it} days") }
}

/// Something that cannot be judged from what was read.
pub(crate) fn unclear(reason: Reason, why: impl Into<String>) -> Unread {
    Unread::new(reason, why)
}
