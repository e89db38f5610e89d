//! `verify`: will the evidence survive.

use std::path::PathBuf;

use clap::Args;
use clap::ValueEnum;
use serde_json::json;

use super::answer::Answer;
use super::asking;
use super::output::Replace;
use super::output::Target;
use super::reach::Reach;
use super::run::Run;
use crate::archive::judged;
use crate::archive::writer::Writer;
use crate::audit;
use crate::audit::Judgement;
use crate::audit::Severity;
use crate::audit::Verdict;
use crate::audit::diff;
use crate::audit::promise::Promise;
use crate::config::Config;
use crate::error::Error;
use crate::error::Kind;
use crate::error::Result;
use crate::render;
use crate::render::findings;
use crate::render::places;
use crate::settings::Survey;
use crate::text;

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
    #[arg(long, value_name = "SEVERITY", default_value = "low")]
    fail_on: FailLevel,

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

#[derive(Clone, Copy, Debug, ValueEnum, PartialEq, Eq)]
enum FailLevel {
    Low,
    Medium,
    High,
    Critical,
}

impl FailLevel {
    fn severity(self) -> Severity {
        match self {
            Self::Low => Severity::Low,
            Self::Medium => Severity::Medium,
            Self::High => Severity::High,
            Self::Critical => Severity::Critical,
        }
    }
}

impl Verify {
    pub(super) fn run(self, run: &mut Run<'_, '_>) -> Result<Answer> {
        if self.list {
            return list(run);
        }
        if let Some(id) = &self.explain {
            return explain(run, id);
        }
        let config = run.config()?;
        let promise = Promise::told(&config.promise, self.promise.as_deref())?;
        for it in &self.check {
            if !audit::checks().any(|one| one.id.starts_with(it.as_str())) {
                return Err(audit::unknown_check(it));
            }
        }
        let mutes = audit::mutes(&config.mutes)?;
        tell_config(run, &config);
        let survey = match &self.survey {
            Some(path) => read(path)?,
            None => asking::ask(run, &self.sources, &self.reach, self.sample)?,
        };
        if let Some(path) = &self.save_survey {
            save(run, path, &survey)?;
        }
        asking::tell_unread(run, &survey);
        if survey.is_empty() {
            return match survey.unread.is_empty() {
                true => Err(Error::misused("there is nothing to verify")
                    .hint("name a place, or run `ssmtrail init`")),
                false => Ok(Answer::Failed),
            };
        }
        if survey.groups.is_empty() && survey.buckets.is_empty() {
            run.ui.note(
                "no Session document names a bucket or a log group here, and none is configured",
            );
        }
        let before = match &self.diff {
            None => None,
            Some(it) if it.as_os_str() == LAST => Some(earlier(run, &survey)?),
            Some(path) => Some(read(path)?),
        };
        let judgement = audit::judge(&survey, &promise, &mutes, &self.check);
        // What AWS said of everything is kept; of single places or checks it would pass for less than it is.
        let mut kept = true;
        if self.survey.is_none() && self.sources.is_empty() && self.check.is_empty() {
            kept = keep(run, &survey, &judgement);
        }
        if let Some(before) = before {
            return changes(run, &before, &survey);
        }
        self.print(run, &survey, &promise, &judgement)?;
        for it in &judgement.stale {
            run.ui.note(&format!("note: {}", text::visible(it)));
        }
        let least = self.fail_on.severity();
        let failed = judgement.findings.iter().any(|it| it.fails() && it.severity >= least);
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
        run: &mut Run<'_, '_>,
        survey: &Survey,
        promise: &Promise,
        judgement: &Judgement,
    ) -> Result<()> {
        match self.format {
            FindingsForm::Table => table(run, survey, promise, judgement, self.all)?,
            FindingsForm::Json => as_json(run, survey, promise, judgement)?,
            FindingsForm::Csv => as_csv(run, judgement)?,
            FindingsForm::Junit => run.ui.raw(findings::junit(survey, judgement).as_bytes())?,
            FindingsForm::Sarif => {
                let value = findings::sarif(survey, judgement, audit::checks());
                run.ui.line(&text::json(&value))?;
            }
            FindingsForm::Md => {
                let text = findings::markdown(survey, promise, judgement);
                run.ui.raw(text.as_bytes())?;
            }
            FindingsForm::Html => {
                let text = places::html(survey, promise, judgement);
                run.ui.raw(text.as_bytes())?;
            }
            FindingsForm::Ocsf => {
                for it in findings::ocsf(survey, judgement) {
                    run.ui.line(&text::json(&it))?;
                }
            }
        }
        Ok(())
    }
}

/// Says that a configuration of the working folder, which nobody asked for, decides what is said: whoever hands a folder over can
/// put one into it.
pub(super) fn tell_config(run: &mut Run<'_, '_>, config: &Config) {
    let Some(name) = run.config_of_folder() else { return };
    let mutes = match config.mutes.len() {
        0 => None,
        many => Some(text::plural(many as u64, "mute")),
    };
    let promise =
        (config.promise != crate::config::PromiseSpec::default()).then(|| "the promise".to_owned());
    let decides: Vec<String> = mutes.into_iter().chain(promise).collect();
    if !decides.is_empty() {
        run.ui.note(&format!("note: {name} of this folder is in force: {}", decides.join(" and ")));
    }
}

pub(super) fn read(path: &std::path::Path) -> Result<Survey> {
    let text = std::fs::read_to_string(path).map_err(|it| Error::file("read", path, it))?;
    Survey::read(&text)
        .map_err(|why| Error::new(Kind::Damaged, format!("{}: {why}", path.display())))
}

/// Names of resources are in it: it is its owner's alone. A survey that was saved there before is replaced.
fn save(run: &Run<'_, '_>, path: &std::path::Path, survey: &Survey) -> Result<()> {
    Target::look(path, &path.to_string_lossy(), Replace::Yes)?
        .write(survey.write().as_bytes(), run.world.stop)
}

/// The survey that was kept last of the same Regions and accounts, else the last of all.
fn earlier(run: &mut Run<'_, '_>, now: &Survey) -> Result<Survey> {
    let none = || {
        Error::new(Kind::Missing, "the archive has kept no survey yet")
            .hint("`ssmtrail verify` keeps one each time it asks about everything; or name a file")
    };
    let archive = asking::kept(run)?.ok_or_else(none)?;
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
fn keep(run: &mut Run<'_, '_>, survey: &Survey, judgement: &Judgement) -> bool {
    if matches!(asking::kept(run), Ok(None)) {
        return true;
    }
    let at = survey.taken_at.to_string();
    let kept = run
        .root()
        .and_then(|it| Writer::open(&it))
        .and_then(|mut it| judged::keep(&mut it, survey, &judgement.findings, &at));
    // The judgement stands all the same, whoever else writes and whatever the disk says.
    let Err(it) = kept else { return true };
    run.ui.note(&format!("note: the survey was not kept: {}", text::visible(&it.what)));
    if let Some(hint) = it.hint.filter(|_| it.kind == Kind::Damaged) {
        run.ui.note(&format!("hint: {}", text::visible(&hint)));
    }
    it.kind != Kind::Damaged
}

fn list(run: &mut Run<'_, '_>) -> Result<Answer> {
    let rows: Vec<Vec<String>> = audit::checks()
        .map(|it| vec![it.id.into(), it.severity.word().into(), it.title.into()])
        .collect();
    run.ui.table(&["CHECK", "SEVERITY", "WHAT MUST HOLD"], &[], &rows)?;
    Ok(Answer::Yes)
}

fn explain(run: &mut Run<'_, '_>, id: &str) -> Result<Answer> {
    let upper = id.to_uppercase();
    let it = audit::checks().find(|it| it.id == upper).ok_or_else(|| audit::unknown_check(id))?;
    run.ui.line(&format!("{}: {}", it.id, it.title))?;
    run.ui.line(&format!("severity  {}", it.severity.word()))?;
    run.ui.line(&format!("why       {}", it.why))?;
    run.ui.line(&format!("then      {}", it.then))?;
    run.ui.line(&format!("reads     {}", it.reads().collect::<Vec<_>>().join(", ")))?;
    for one in it.mappings() {
        run.ui.line(&format!(
            "          {}: {} (by {})",
            one.standard,
            one.controls.join(", "),
            one.origin
        ))?;
    }
    Ok(Answer::Yes)
}

fn changes(run: &mut Run<'_, '_>, before: &Survey, after: &Survey) -> Result<Answer> {
    let changes = diff::changes(before, after);
    run.ui.note(&format!("from {} to {}", before.taken_at, after.taken_at));
    let shown =
        |it: &Option<String>| it.as_deref().map_or("-".into(), |it| text::visible(it).into_owned());
    let rows: Vec<Vec<String>> = changes
        .iter()
        .map(|it| {
            vec![
                text::visible(&it.place).into_owned(),
                text::visible(&it.setting).into_owned(),
                shown(&it.before),
                shown(&it.after),
            ]
        })
        .collect();
    if rows.is_empty() {
        run.ui.note("nothing has changed");
        return Ok(Answer::Yes);
    }
    run.ui.table(&["PLACE", "SETTING", "BEFORE", "AFTER"], &[], &rows)?;
    Ok(Answer::No)
}

fn table(
    run: &mut Run<'_, '_>,
    survey: &Survey,
    promise: &Promise,
    it: &Judgement,
    all: bool,
) -> Result<()> {
    run.ui.note(&format!("promise: {} ({})", promise.profile, promise.words()));
    run.ui.note(&format!("basis: {}", promise.basis));
    let mut place = "";
    for one in &it.findings {
        let muted = one.muted.as_ref();
        let quiet = matches!(one.status, Verdict::Pass | Verdict::Info | Verdict::NotApplicable);
        if quiet && !all {
            continue;
        }
        if one.place != place {
            place = &one.place;
            let head = run.ui.paint(render::NAME, &text::visible(place));
            run.ui.line(&head)?;
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
        let word = run.ui.paint(style, &format!("{word:<7}"));
        run.ui.line(&format!("  {word}  {severity:<8}  {:<13}  {}", one.check_id, one.title))?;
        let indent = " ".repeat(21);
        let seen = text::visible(&one.seen).into_owned();
        let promised = match one.promised.is_empty() || one.status == Verdict::Unknown {
            true => String::new(),
            false => format!("; promised: {}", text::visible(&one.promised)),
        };
        run.ui.line(&format!("{indent}{seen}{promised}"))?;
        for it in &one.details {
            run.ui.line(&format!("{indent}- {}", text::visible(it)))?;
        }
        if let Some(it) = muted {
            run.ui.line(&format!(
                "{indent}accepted until {}: {}",
                it.until,
                text::visible(&it.reason)
            ))?;
            continue;
        }
        for fix in &one.fixes {
            run.ui.line(&format!("{indent}$ {}", text::visible(&fix.command)))?;
            if let Some(it) = &fix.warning {
                let careful = run.ui.paint(render::WARN, "careful:");
                run.ui.line(&format!("{indent}  {careful} {it}"))?;
            }
        }
    }
    let missing = it.missing();
    if !missing.is_empty() {
        run.ui.note("missing permissions, and what is unknown for want of each:");
        for (action, checks) in &missing {
            run.ui.note(&format!("  {action}: {}", checks.join(", ")));
        }
    }
    let muted = it.findings.iter().filter(|it| it.muted.is_some()).count();
    let calls: u64 = survey.calls.values().sum();
    run.ui.note(&format!(
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

fn as_json(
    run: &mut Run<'_, '_>,
    survey: &Survey,
    promise: &Promise,
    it: &Judgement,
) -> Result<()> {
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
    run.ui.line(&text::json(&value))
}

fn as_csv(run: &mut Run<'_, '_>, it: &Judgement) -> Result<()> {
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
            let row: Vec<String> = row.map(|it| text::cell(&it).into_owned()).collect();
            out.write_record(&row).map_err(broken)?;
        }
    }
    let bytes = out.into_inner().map_err(|it| Error::new(Kind::Refused, it.to_string()))?;
    run.ui.raw(&bytes)
}
