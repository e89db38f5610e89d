//! `verify`: will the evidence survive.

use std::path::PathBuf;

use clap::Args;
use clap::ValueEnum;
use serde_json::json;

use super::answer::Answer;
use super::asking;
use super::formats::one_of;
use super::reach::Reach;
use super::setup::Setup;
use super::world::Here;
use crate::archive::judged;
use crate::archive::writer::Writer;
use crate::audit;
use crate::audit::Judgement;
use crate::audit::Severity;
use crate::audit::Verdict;
use crate::audit::diff;
use crate::audit::promise::Promise;
use crate::config;
use crate::config::Config;
use crate::config::PromiseSpec;
use crate::error::Error;
use crate::error::Kind;
use crate::error::Result;
use crate::output::Replace;
use crate::output::Target;
use crate::render;
use crate::render::Ui;
use crate::render::findings;
use crate::render::places;
use crate::settings::Survey;
use crate::text;
use crate::text::Safe;
use crate::text::Visible;
use crate::text::safe;

const EXAMPLES: &str = "\
Examples:
  ssmtrail verify                                 all that sessions are logged to, in every enabled Region
  ssmtrail verify --region eu-west-1 --promise pci-4.0.1
  ssmtrail verify s3://acme-session-logs/prod     one place alone
  ssmtrail verify --save-survey settings.json     keep what AWS said; judge it again without AWS:
  ssmtrail verify --survey settings.json --promise hipaa
  ssmtrail verify --diff                          what has changed since the last survey, which the archive keeps
  ssmtrail verify --survey today.json --diff=last-month.json
  ssmtrail verify --list                          the checks; --explain S3-RET-01 tells one

What could not be read is unknown, never a pass; the permission that is missing is named. The promise is that of [promise] in
ssmtrail.toml, or --promise. Exit 0: nothing fails. Exit 1: something does. Exit 3: with --strict something is unknown, or an
account or place could not be looked into at all.";

/// Stands for the survey that the archive kept last.
const LAST: &str = "the last one kept";

#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(super) struct Verify {
    /// Where transcripts are: s3://bucket/prefix, logs:GROUP, or a name from ssmtrail.toml
    #[arg(value_name = "SOURCE")]
    sources: Vec<String>,

    /// Profile to measure by
    #[arg(long, value_name = "PROFILE")]
    promise: Option<String>,

    /// Checks whose ids begin so, alone (repeatable)
    #[arg(long, value_name = "ID")]
    check: Vec<String>,

    /// Fail from this severity on
    #[arg(long, value_name = "SEVERITY", default_value = "low", value_parser = one_of(LEVELS))]
    fail_on: Severity,

    /// What is unknown is exit 3
    #[arg(long)]
    strict: bool,

    /// Write what AWS said to a file
    #[arg(long, value_name = "FILE", conflicts_with = "survey")]
    save_survey: Option<PathBuf>,

    /// Judge such a file; AWS is not asked
    #[arg(long, value_name = "FILE", conflicts_with = "sources")]
    survey: Option<PathBuf>,

    /// Tell what has changed since this older file; without one, since the survey that the archive kept last
    #[arg(long, value_name = "FILE", num_args = 0..=1, require_equals = true, default_missing_value = LAST)]
    diff: Option<PathBuf>,

    /// Transcripts of each prefix to look at, beside the newest and the oldest five
    #[arg(long, value_name = "N", default_value_t = asking::SAMPLE)]
    sample: usize,

    /// How to write the findings
    #[arg(long, value_name = "FORMAT", default_value = "table")]
    format: FindingsForm,

    /// Show what passes too
    #[arg(long)]
    all: bool,

    /// List the checks
    #[arg(long)]
    list: bool,

    /// Tell what a check is about
    #[arg(long, value_name = "ID")]
    explain: Option<String>,

    #[command(flatten)]
    reach: Reach,
}

#[derive(Clone, Copy, Debug, ValueEnum, PartialEq, Eq)]
enum FindingsForm {
    Table,
    Json,
    Csv,
    Junit,
    Sarif,
    Ocsf,
    Md,
    Html,
}

const LEVELS: &[(&str, Severity)] = &[
    ("low", Severity::Low),
    ("medium", Severity::Medium),
    ("high", Severity::High),
    ("critical", Severity::Critical),
];

impl Verify {
    pub(super) fn run(self, setup: &Setup<'_>, ui: &mut Ui<'_>) -> Result<Answer> {
        if self.list {
            return list(ui);
        }
        if let Some(id) = &self.explain {
            return explain(ui, id);
        }
        let config = setup.config()?;
        let promise = Promise::told(&config.promise, self.promise.as_deref())?;
        for it in &self.check {
            if !audit::checks().any(|one| one.id.starts_with(it.as_str())) {
                return Err(audit::unknown_check(it));
            }
        }
        let mutes = audit::mutes(&config.mutes)?;
        tell_config(setup, ui, config);
        let file = self.survey.as_deref();
        let survey = asking::survey(setup, ui, file, &self.sources, &self.reach, self.sample)?;
        if let Some(path) = &self.save_survey {
            save(setup.here, path, &survey)?;
        }
        asking::tell_unread(ui, &survey);
        if survey.is_empty() {
            return match survey.unread.is_empty() {
                true => Err(Error::misused("there is nothing to verify")
                    .hint("name a place, or run `ssmtrail init`")),
                false => Ok(Answer::Failed),
            };
        }
        if survey.groups.is_empty() && survey.buckets.is_empty() {
            ui.note(
                "no Session document names a bucket or a log group here, and none is configured",
            );
        }
        let before = match &self.diff {
            None => None,
            Some(it) if it.as_os_str() == LAST => Some(earlier(setup, &survey)?),
            Some(path) => Some(asking::read(path)?),
        };
        let judgement = audit::judge(&survey, &promise, &mutes, &self.check);
        // What AWS said of everything is kept; of single places or checks it would pass for less than it is.
        let mut kept = true;
        if self.survey.is_none() && self.sources.is_empty() && self.check.is_empty() {
            kept = keep(setup, ui, &survey, &judgement);
        }
        if let Some(before) = before {
            return changes(ui, &before, &survey);
        }
        self.print(ui, &survey, &promise, &judgement)?;
        for it in &judgement.stale {
            ui.note(safe!("note: {}", it));
        }
        let failed = judgement.findings.iter().any(|it| it.fails() && it.severity >= self.fail_on);
        let unknown = judgement.count(Verdict::Unknown) > 0;
        Ok(match (failed, (self.strict && unknown) || !survey.unread.is_empty() || !kept) {
            (true, _) => Answer::No,
            (false, true) => Answer::Partial,
            (false, false) => Answer::Yes,
        })
    }

    /// The findings in the form that was asked for.
    fn print(
        &self,
        ui: &mut Ui<'_>,
        survey: &Survey,
        promise: &Promise,
        judgement: &Judgement,
    ) -> Result<()> {
        match self.format {
            FindingsForm::Table => table(ui, survey, promise, judgement, self.all)?,
            FindingsForm::Json => as_json(ui, survey, promise, judgement)?,
            FindingsForm::Csv => as_csv(ui, judgement)?,
            FindingsForm::Junit => ui.bytes(findings::junit(survey, judgement).as_bytes())?,
            FindingsForm::Sarif => {
                let value = findings::sarif(survey, judgement, audit::checks());
                ui.line(text::json(&value))?;
            }
            FindingsForm::Md => {
                let text = findings::markdown(survey, promise, judgement);
                ui.bytes(text.as_bytes())?;
            }
            FindingsForm::Html => {
                let text = places::html(survey, promise, judgement);
                ui.bytes(text.as_bytes())?;
            }
            FindingsForm::Ocsf => {
                for it in findings::ocsf(survey, judgement) {
                    ui.line(text::json(&it))?;
                }
            }
        }
        Ok(())
    }
}

/// Says that a configuration of the working folder, which nobody asked for, decides what is said: whoever hands a folder over can
/// put one into it.
pub(super) fn tell_config(setup: &Setup<'_>, ui: &mut Ui<'_>, config: &Config) {
    if !setup.is_of_folder() {
        return;
    }
    let mutes = match config.mutes.len() {
        0 => None,
        many => Some(text::plural(many as u64, "mute")),
    };
    let promise = (config.promise != PromiseSpec::default()).then(|| "the promise".into());
    let decides: Vec<Safe> = mutes.into_iter().chain(promise).collect();
    if !decides.is_empty() {
        let decides = text::joined(decides, " and ");
        ui.note(safe!("note: {} of this folder is in force: {}", config::NAME, decides));
    }
}

/// Names of resources are in it: it is its owner's alone. A survey that was saved there before is replaced.
fn save(here: Here<'_>, path: &std::path::Path, survey: &Survey) -> Result<()> {
    Target::look(path, &path.to_string_lossy(), Replace::Yes)?
        .write(survey.write().as_bytes(), here.stop)
}

/// The survey that was kept last of the same Regions and accounts, else the last of all.
fn earlier(setup: &Setup<'_>, now: &Survey) -> Result<Survey> {
    let none = || {
        Error::new(Kind::Missing, "the archive has kept no survey yet")
            .hint("`ssmtrail verify` keeps one each time it asks about everything; or name a file")
    };
    let archive = setup.kept()?.ok_or_else(none)?;
    let corners = |it: &Survey| {
        let mut out: Vec<_> =
            it.corners.iter().map(|it| (it.account.clone(), it.region.clone())).collect();
        out.sort_unstable();
        out
    };
    let times = archive.surveys()?;
    let mut last = None;
    for it in times.iter().filter(|it| **it < now.taken_at) {
        let it = archive.survey(*it)?;
        if corners(&it) == corners(now) {
            return Ok(it);
        }
        last = last.or(Some(it));
    }
    last.ok_or_else(none)
}

/// Keeps a survey and its findings in the archive, where there is one; false if the archive is damaged.
fn keep(setup: &Setup<'_>, ui: &mut Ui<'_>, survey: &Survey, judgement: &Judgement) -> bool {
    if matches!(setup.kept(), Ok(None)) {
        return true;
    }
    let at = survey.taken_at.to_string();
    let kept = setup
        .root()
        .and_then(|it| Writer::open(&it))
        .and_then(|mut it| judged::keep(&mut it, survey, &judgement.findings, &at));
    // The judgement stands all the same, whoever else writes and whatever the disk says.
    let Err(it) = kept else { return true };
    ui.note(safe!("note: the survey was not kept: {}", it.what));
    if let Some(hint) = it.hint.filter(|_| it.kind == Kind::Damaged) {
        ui.note(safe!("hint: {}", hint));
    }
    it.kind != Kind::Damaged
}

fn list(ui: &mut Ui<'_>) -> Result<Answer> {
    let rows: Vec<Vec<Safe>> = audit::checks()
        .map(|it| vec![it.id.into(), it.severity.word().into(), it.title.into()])
        .collect();
    ui.table(&["CHECK", "SEVERITY", "WHAT MUST HOLD"], &[], &rows)?;
    Ok(Answer::Yes)
}

fn explain(ui: &mut Ui<'_>, id: &str) -> Result<Answer> {
    let upper = id.to_uppercase();
    let it = audit::checks().find(|it| it.id == upper).ok_or_else(|| audit::unknown_check(id))?;
    ui.line(safe!("{}: {}", it.id, it.title))?;
    ui.line(safe!("severity  {}", it.severity.word()))?;
    ui.line(safe!("why       {}", it.why))?;
    ui.line(safe!("then      {}", it.then))?;
    ui.line(safe!("reads     {}", text::joined(it.reads(), ", ")))?;
    for one in it.mappings() {
        ui.line(safe!(
            "          {}: {} (by {})",
            one.standard,
            one.controls.join(", "),
            one.origin
        ))?;
    }
    Ok(Answer::Yes)
}

fn changes(ui: &mut Ui<'_>, before: &Survey, after: &Survey) -> Result<Answer> {
    let changes = diff::changes(before, after);
    ui.note(safe!("from {} to {}", before.taken_at, after.taken_at));
    let shown = |it: &Option<String>| it.as_deref().unwrap_or("-").safe();
    let rows: Vec<Vec<Safe>> = changes
        .iter()
        .map(|it| vec![it.place.safe(), it.setting.safe(), shown(&it.before), shown(&it.after)])
        .collect();
    if rows.is_empty() {
        ui.note("nothing has changed");
        return Ok(Answer::Yes);
    }
    ui.table(&["PLACE", "SETTING", "BEFORE", "AFTER"], &[], &rows)?;
    Ok(Answer::No)
}

fn table(
    ui: &mut Ui<'_>,
    survey: &Survey,
    promise: &Promise,
    it: &Judgement,
    all: bool,
) -> Result<()> {
    ui.note(safe!("promise: {} ({})", promise.profile, promise.words()));
    ui.note(safe!("basis: {}", promise.basis));
    let mut place = "";
    for one in &it.findings {
        let muted = one.muted.as_ref();
        let quiet = matches!(one.status, Verdict::Pass | Verdict::Info | Verdict::NotApplicable);
        if quiet && !all {
            continue;
        }
        if one.place != place {
            place = &one.place;
            ui.line(ui.paint(render::NAME, place.safe()))?;
        }
        let (word, style) = match (one.status, muted.is_some()) {
            (_, true) => ("muted", render::DIM),
            (Verdict::Fail, _) => ("FAIL", render::MATCH),
            (Verdict::Unknown, _) => ("unknown", render::WARN),
            (Verdict::Pass, _) => ("pass", render::DIM),
            (Verdict::Info, _) => ("info", render::DIM),
            (Verdict::NotApplicable, _) => ("n/a", render::DIM),
        };
        let severity = if one.status == Verdict::Fail { one.severity.word() } else { "" };
        let word = ui.paint(style, text::left(7, word));
        let (severity, check) = (text::left(8, severity), text::left(13, one.check_id));
        ui.line(safe!("  {}  {}  {}  {}", word, severity, check, one.title))?;
        let indent = text::repeated(" ", 21);
        let promised = match one.promised.is_empty() || one.status == Verdict::Unknown {
            true => Safe::default(),
            false => safe!("; promised: {}", one.promised),
        };
        ui.line(safe!("{}{}{}", indent, one.seen, promised))?;
        for it in &one.details {
            ui.line(safe!("{}- {}", indent, it))?;
        }
        if let Some(it) = muted {
            ui.line(safe!("{}accepted until {}: {}", indent, it.until, it.reason))?;
            continue;
        }
        for fix in &one.fixes {
            ui.line(safe!("{}$ {}", indent, fix.command))?;
            if let Some(it) = &fix.warning {
                let careful = ui.paint(render::WARN, "careful:");
                ui.line(safe!("{}  {} {}", indent, careful, it))?;
            }
        }
    }
    let missing = it.missing();
    if !missing.is_empty() {
        ui.note("missing permissions, and what is unknown for want of each:");
        for (action, checks) in &missing {
            ui.note(safe!("  {}: {}", action, checks.join(", ")));
        }
    }
    let muted = it.findings.iter().filter(|it| it.muted.is_some()).count();
    let calls: u64 = survey.calls.values().sum();
    ui.note(safe!(
        "{}: {} fail, {} unknown, {} pass, {} info, {} not applicable{}; {} log group{}, {} bucket{}, {} key{}; {} asked{}",
        text::plural(it.findings.len() as u64, "finding"),
        it.count(Verdict::Fail),
        it.count(Verdict::Unknown),
        it.count(Verdict::Pass),
        it.count(Verdict::Info),
        it.count(Verdict::NotApplicable),
        if muted > 0 { format!(", {muted} muted") } else { String::new() },
        survey.groups.len(),
        if survey.groups.len() == 1 { "" } else { "s" },
        survey.buckets.len(),
        if survey.buckets.len() == 1 { "" } else { "s" },
        survey.keys.len(),
        if survey.keys.len() == 1 { "" } else { "s" },
        text::plural(calls, "call"),
        if all { "" } else { "; --all shows every one" },
    ));
    Ok(())
}

fn as_json(ui: &mut Ui<'_>, survey: &Survey, promise: &Promise, it: &Judgement) -> Result<()> {
    let value = json!({
        "version": 1,
        "taken_at": survey.taken_at,
        "taken_by": survey.taken_by,
        "callers": survey.callers,
        "promise": promise,
        "missing_permissions": it.missing(),
        "unread": survey.unread,
        "findings": it.findings,
    });
    ui.line(text::json(&value))
}

fn as_csv(ui: &mut Ui<'_>, it: &Judgement) -> Result<()> {
    const HEAD: [&str; 16] = [
        "check_id",
        "title",
        "status",
        "severity",
        "confidence",
        "account_id",
        "region",
        "resource",
        "seen",
        "promised",
        "reason",
        "missing_permission",
        "muted_until",
        "fix",
        "standard",
        "controls",
    ];
    let mut out = csv::Writer::from_writer(Vec::new());
    let broken =
        |it: csv::Error| Error::new(Kind::Refused, format!("cannot write the output: {it}"));
    out.write_record(HEAD).map_err(broken)?;
    for one in &it.findings {
        let unread = one.unread.as_ref();
        let fixes: Vec<&str> = one.fixes.iter().map(|it| it.command.as_str()).collect();
        let start = [
            one.check_id.to_owned(),
            one.title.to_owned(),
            one.status.word().to_owned(),
            one.severity.word().to_owned(),
            one.confidence.word().to_owned(),
            one.account_id.clone(),
            one.region.clone(),
            one.resource.clone(),
            one.seen.clone(),
            one.promised.clone(),
            unread.map_or(String::new(), |it| it.reason.code().to_owned()),
            unread.and_then(|it| it.missing.clone()).unwrap_or_default(),
            one.muted.as_ref().map_or(String::new(), |it| it.until.clone()),
            fixes.join("\n"),
        ];
        for mapping in &one.mappings {
            let row = start
                .iter()
                .cloned()
                .chain([mapping.standard.to_owned(), mapping.controls.join(" ")]);
            let row = row.map(|it| String::from(text::cell(&it)));
            out.write_record(row).map_err(broken)?;
        }
    }
    let bytes = out.into_inner().map_err(|it| Error::new(Kind::Refused, it.to_string()))?;
    ui.bytes(&bytes)
}
