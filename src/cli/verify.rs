//! `verify`: will the evidence survive.

use std::path::PathBuf;

use clap::Args;
use clap::ValueEnum;

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
use crate::render::Ui;
use crate::render::findings;
use crate::render::places;
use crate::render::verdicts;
use crate::session::Skip;
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
            Some(it) if it.as_os_str() == LAST => Some(earlier(setup, ui, &survey)?),
            Some(path) => Some((asking::read(setup.here, path)?, Vec::new())),
        };
        let judgement = audit::judge(&survey, &promise, &mutes, &self.check);
        // What AWS said of everything is kept; of single places or checks it would pass for less than it is.
        let mut kept = true;
        if self.survey.is_none() && self.sources.is_empty() && self.check.is_empty() {
            kept = keep(setup, ui, &survey, &judgement);
        }
        if let Some((before, lost)) = before {
            return Ok(changes(ui, &before, &survey)?.with(&lost));
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
        let text = match self.format {
            FindingsForm::Table => {
                return verdicts::table(ui, survey, promise, judgement, self.all);
            }
            FindingsForm::Json => {
                return ui.line(text::json(&verdicts::json(survey, promise, judgement)));
            }
            FindingsForm::Sarif => {
                return ui.line(text::json(&findings::sarif(survey, judgement, audit::checks())));
            }
            FindingsForm::Ocsf => {
                let events = findings::ocsf(survey, judgement);
                return events.iter().try_for_each(|it| ui.line(text::json(it)));
            }
            FindingsForm::Csv => verdicts::csv(judgement)?,
            FindingsForm::Junit => findings::junit(survey, judgement).into(),
            FindingsForm::Md => findings::markdown(survey, promise, judgement).into(),
            FindingsForm::Html => places::html(survey, promise, judgement).into(),
        };
        ui.bytes(&text)
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
    Target::look(&here.folder.join(path), &path.to_string_lossy(), Replace::Yes)?
        .write(survey.write().as_bytes(), here.stop)
}

/// The survey that was kept last of the same Regions and accounts, else the last of all, and what could not be read while it was
/// looked for: another may have been nearer.
fn earlier(setup: &Setup<'_>, ui: &mut Ui<'_>, now: &Survey) -> Result<(Survey, Vec<Skip>)> {
    const NONE: (&str, &str) = (
        "the archive has kept no survey yet",
        "`ssmtrail verify` keeps one each time it asks about everything; or name a file",
    );
    let corners = |it: &Survey| {
        let mut out: Vec<_> =
            it.corners.iter().map(|it| (it.account.clone(), it.region.clone())).collect();
        out.sort_unstable();
        out
    };
    let asked = setup.ask(ui, |archive| {
        let mut last = None;
        for it in archive.surveys()?.into_iter().filter(|it| *it < now.taken_at) {
            let it = archive.survey(it)?;
            if corners(&it) == corners(now) {
                return Ok(it);
            }
            last = last.or(Some(it));
        }
        last.ok_or_else(|| archive.absent(NONE.0, NONE.1))
    })?;
    let asked = asked.ok_or_else(|| Error::new(Kind::Missing, NONE.0).hint(NONE.1))?;
    Ok((asked.answer, asked.lost))
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
