//! What every form of the report is made from: the facts, the words they are said in, and what is said of a thing in all of them alike.

use std::collections::HashMap;

use super::words::Words;
use super::words::fill;

use crate::archive::schema::SessionFlaw;
use crate::archive::schema::SessionRow;
use crate::audit::Finding;
use crate::audit::Judgement;
use crate::audit::Verdict;
use crate::audit::promise::Promise;
use crate::aws_names::Arn;
use crate::report::Played;
use crate::report::Report;
use crate::report::ReportedCommand;
use crate::settings::Survey;
use crate::text::count;
use crate::text::visible;
use crate::time;
use crate::time::At;
use crate::time::Zone;
use crate::transcript::commands::CommandKind;

/// The places as they were set, and what was judged of them.
pub struct Places {
    /// The settings, as they were surveyed.
    pub survey: Survey,
    /// What they were measured by.
    pub promise: Promise,
    /// What was found.
    pub judgement: Judgement,
}

/// Everything that a document is written from.
pub struct Paper<'a> {
    pub(super) report: &'a Report,
    pub(super) places: Option<&'a Places>,
    /// What the page's player can play.
    pub(super) played: &'a [Played],
    pub(super) words: &'static Words,
    pub(super) zone: Zone,
    /// What retention each place has, as the survey saw it.
    pub(super) retention: Vec<(String, String)>,
    /// Owners by the name that people know them by, where no other owner has it.
    pub(super) names: HashMap<&'a str, &'a str>,
}

/// The language of the words around what is quoted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    /// All words in English.
    English,
    /// All words in Japanese.
    Japanese,
}

impl<'a> Paper<'a> {
    /// A document on a report; without `places` nothing is said of settings, and times are shown in `zone`.
    pub fn new(
        report: &'a Report,
        places: Option<&'a Places>,
        played: &'a [Played],
        language: Language,
        zone: Zone,
    ) -> Self {
        let words = match language {
            Language::English => &super::words::EN,
            Language::Japanese => &super::words::JA,
        };
        Self {
            report,
            places,
            played,
            words,
            zone,
            retention: retention(places),
            names: names(report),
        }
    }

    /// How long the place of a transcript keeps it, as the survey saw it.
    pub(super) fn retention(&self, locator: &str) -> &str {
        // The ARN of a log group begins with a partition; what tells groups apart stands behind the service.
        let behind = locator.split_once(":logs:").map_or(locator, |it| it.1);
        let found = self.retention.iter().find(|it| behind.starts_with(&it.0));
        found.map_or(self.words.unknown, |it| &it.1)
    }

    /// The session that a command was typed in.
    pub(super) fn session(&self, it: &ReportedCommand) -> &'a SessionRow {
        &self.report.sessions[it.session]
    }

    /// How many commands of a session are notable, by its place in the report.
    pub(super) fn notable_in(&self, session: usize) -> usize {
        self.report.commands_of(session).iter().filter(|it| !it.rules.is_empty()).count()
    }

    pub(super) fn owner<'b>(&self, session: &'b SessionRow) -> &'b str
    where
        'a: 'b,
    {
        session.owner.as_deref().unwrap_or(self.words.unknown)
    }

    /// Where a transcript lay, without a secret that its name may hold.
    pub(super) fn locator<'b>(&'b self, locator: &'b str) -> &'b str {
        self.report.masked_locators.get(locator).map_or(locator, String::as_str)
    }

    /// The name that people know the owner by: the end of an ARN, unless two owners share it.
    pub(super) fn known_as<'b>(&self, session: &'b SessionRow) -> &'b str
    where
        'a: 'b,
    {
        let owner = self.owner(session);
        self.names.get(owner).copied().unwrap_or(owner)
    }

    pub(super) fn target<'b>(&self, session: &'b SessionRow) -> &'b str
    where
        'a: 'b,
    {
        session.target.as_deref().unwrap_or(self.words.unknown)
    }

    pub(super) fn when(&self, session: &SessionRow) -> String {
        let (earliest, latest) = Report::when(session);
        time::range(earliest, latest, self.zone)
    }

    /// When a command was typed; of one without a time of its own, the session's.
    pub(super) fn span(&self, it: &ReportedCommand) -> (Option<At>, Option<At>) {
        match (it.earliest, it.latest) {
            (None, None) => Report::when(self.session(it)),
            its_own => its_own,
        }
    }

    /// The same in words.
    pub(super) fn typed(&self, it: &ReportedCommand) -> String {
        let (earliest, latest) = self.span(it);
        time::range(earliest, latest, self.zone)
    }

    /// What the report covers, name by name.
    pub(super) fn cover(&self) -> Vec<(&'static str, String)> {
        let (it, words) = (self.report, self.words);
        let edge = |at: Option<At>, open: &str| {
            at.map_or_else(|| open.to_owned(), |at| self.zone.show(at))
        };
        let window = fill(
            words.to,
            &[&edge(it.window.from, words.beginning), &edge(it.window.to, words.end)],
        );
        let which = &it.scope.which;
        let containing: Vec<String> = which
            .owners_containing
            .iter()
            .map(|it| fill(words.containing, &[&visible(it)]))
            .collect();
        let filters: Vec<String> = [
            (words.owner, &which.owners),
            (words.owner, &containing),
            (words.target, &which.targets),
            (words.session, &which.sessions),
            (words.user, &which.run_as),
            (words.accounts, &it.scope.accounts),
        ]
        .into_iter()
        .filter(|it| !it.1.is_empty())
        .map(|(name, texts)| format!("{name}: {}", texts.join(", ")))
        .collect();
        let filters =
            if filters.is_empty() { words.all_sessions.to_owned() } else { filters.join("; ") };
        let named = |some: Vec<&str>| {
            if some.is_empty() { words.unknown.to_owned() } else { some.join(", ") }
        };
        let mut accounts = named(it.accounts.iter().map(String::as_str).collect());
        if it.without_account > 0 && !it.accounts.is_empty() {
            accounts.push_str("; ");
            accounts.push_str(&fill(words.not_told, &[&count(it.without_account)]));
        }
        let decoders: Vec<String> = it.decoders.iter().map(ToString::to_string).collect();
        let made = format!(
            "ssmtrail {}, {}",
            env!("CARGO_PKG_VERSION"),
            fill(words.decoder, &[&named(decoders.iter().map(String::as_str).collect())])
        );
        let secrets = if it.reveals {
            words.secrets_shown.to_owned()
        } else {
            fill(words.secrets_masked, &[&count(it.masked)])
        };
        let zone = match self.zone {
            Zone::Utc => "UTC".to_owned(),
            Zone::Offset(it) => it.to_string(),
            Zone::Named(it) => it.to_string(),
        };
        vec![
            (words.window, window),
            (words.filters, filters),
            (words.accounts, accounts),
            (words.regions, named(it.regions.iter().map(String::as_str).collect())),
            (words.times_in, zone),
            (words.secrets, secrets),
            (
                words.archive,
                fill(
                    words.archive_holds,
                    &[&count(it.archive_sessions), &count(it.archive_transcripts)],
                ),
            ),
            (words.digest, it.archive_digest.clone()),
            (words.head, it.archive_head.clone().unwrap_or_else(|| "-".into())),
            (words.made_with, made),
        ]
    }

    /// The same in plain sentences.
    pub(super) fn summary(&self) -> Vec<String> {
        let (it, words) = (self.report, self.words);
        let mut out = Vec::new();
        if it.sessions.is_empty() {
            out.push(words.summary_empty.to_owned());
        } else {
            let known = |some: &[crate::report::Tally]| {
                some.iter().filter(|it| !it.name.is_empty()).count() as u64
            };
            let owners = words.many(known(&it.owners), words.owner_1, words.owners_n);
            let targets = words.many(known(&it.targets), words.target_1, words.targets_n);
            let sessions = words.sessions(it.sessions.len() as u64);
            let commands = words.commands(it.ran());
            out.push(fill(words.summary_sessions, &[&sessions, &owners, &targets, &commands]));
            for (kind, text) in [
                (CommandKind::Unconfirmed, words.summary_unconfirmed),
                (CommandKind::Abandoned, words.summary_abandoned),
            ] {
                let many = it.count(kind);
                if many > 0 {
                    out.push(fill(text, &[&words.commands(many)]));
                }
            }
            out.push(match it.rooted() as u64 {
                0 => words.summary_no_root.to_owned(),
                many => fill(words.summary_root, &[&words.sessions(many)]),
            });
            let notable = it.commands.iter().filter(|it| !it.rules.is_empty()).count() as u64;
            out.push(match notable {
                0 => words.summary_no_notable.to_owned(),
                many => fill(words.summary_notable, &[&words.commands(many)]),
            });
            let flawed = it.sessions.iter().filter(|it| !it.flaws.is_empty()).count() as u64;
            if flawed > 0 {
                out.push(fill(words.summary_flaws, &[&words.sessions(flawed)]));
            }
        }
        if let Some(it) = self.places {
            let told = |verdict| count(it.judgement.count(verdict) as u64);
            out.push(fill(
                words.summary_places,
                &[&told(Verdict::Fail), &told(Verdict::Unknown), &told(Verdict::Pass)],
            ));
        }
        if it.damages.iter().any(|it| it.loses) {
            out.push(words.summary_damage.to_owned());
        }
        out
    }

    /// What a reader must know before relying on it.
    pub(super) fn limits(&self) -> Vec<String> {
        let (it, words) = (self.report, self.words);
        let mut out = vec![
            words.limits_echo.to_owned(),
            words.limits_inferred.to_owned(),
            words.limits_owner.to_owned(),
            words.limits_window.to_owned(),
        ];
        if it.possible > 0 {
            out.push(fill(words.limits_possible, &[&count(it.possible)]));
        }
        if it.timeless > 0 {
            out.push(fill(words.limits_timeless, &[&words.sessions(it.timeless)]));
        }
        for (name, many) in &it.flaws {
            let says = name.known().map_or(name.as_str(), |it| words.flaw(it));
            out.push(fill(words.flaw_count, &[&words.sessions(*many), says]));
        }
        for it in &it.damages {
            let lost = if it.loses { words.unreadable } else { words.passed_over };
            out.push(format!("{lost}: {}: {}", it.locator, it.why));
        }
        if let Some(it) = self.places {
            for it in &it.survey.unread {
                out.push(format!("{}: {}: {}", words.unreadable, it.what, it.unread.why));
            }
        }
        out
    }

    /// Findings that a reader must see: what fails and what is unknown first, the worst before.
    pub(super) fn findings(&self) -> Vec<&'a Finding> {
        let mut out: Vec<&Finding> =
            self.places.iter().flat_map(|it| &it.judgement.findings).collect();
        let rank = |it: &Finding| match (it.muted.is_some(), it.status) {
            (false, Verdict::Fail) => 0,
            (false, Verdict::Unknown) => 1,
            (true, _) => 2,
            (_, Verdict::Pass) => 3,
            _ => 4,
        };
        out.sort_by_key(|it| (rank(it), std::cmp::Reverse(it.severity)));
        out
    }
}

fn names(report: &Report) -> HashMap<&str, &str> {
    let short = |it: &'_ str| -> usize {
        if Arn::is_begun(it) { it.rfind('/').map_or(0, |at| at + 1) } else { 0 }
    };
    let mut shared: HashMap<&str, usize> = HashMap::new();
    for it in &report.owners {
        *shared.entry(&it.name[short(&it.name)..]).or_default() += 1;
    }
    let names = report.owners.iter().map(|it| (it.name.as_str(), &it.name[short(&it.name)..]));
    names.filter(|it| shared[it.1] == 1 && !it.1.is_empty()).collect()
}

/// The beginning of the locators of each place, and how long it keeps what lies there.
fn retention(places: Option<&Places>) -> Vec<(String, String)> {
    let findings = places.iter().flat_map(|it| &it.judgement.findings);
    let name = |it: &Finding| {
        let place = it.place.split(' ').next().unwrap_or_default().to_owned();
        match it.check_id {
            "S3-RET-01" => Some(format!("{place}/")),
            "CWL-RET-01" => {
                let group = place.strip_prefix("logs:")?;
                Some(format!("{}:{}:log-group:{group}:", it.region, it.account_id))
            }
            _ => None,
        }
    };
    findings
        .filter(|it| it.status != Verdict::NotApplicable)
        .filter_map(|it| Some((name(it)?, it.seen.clone())))
        .collect()
}

/// How a finding ended, in a word.
pub(super) fn outcome(it: &Finding) -> &'static str {
    if it.muted.is_some() { "muted" } else { it.status.word() }
}

/// `70 %`: cut, not rounded, so that nothing inferred is ever said to be certain.
pub(super) fn sure(confidence: f64) -> i64 {
    ((confidence * 100.0) as i64).min(99)
}

/// Flaws as a reader meets them: names without places.
pub(super) fn flaw_names(flaws: &[SessionFlaw]) -> String {
    let names: Vec<&str> = flaws.iter().map(|it| it.kind.as_str()).collect();
    visible(&names.join(", ")).into()
}
