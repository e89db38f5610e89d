//! Findings as `verify` and `doctor` print them: for a person at a terminal, as JSON and as CSV.

use serde_json::Value;
use serde_json::json;

use super::csv::Csv;
use super::ui::DIM;
use super::ui::MATCH;
use super::ui::NAME;
use super::ui::Ui;
use super::ui::WARN;
use crate::audit::Finding;
use crate::audit::Judgement;
use crate::audit::Verdict;
use crate::audit::promise::Promise;
use crate::audit::verdict::Fix;
use crate::error::Result;
use crate::settings::Survey;
use crate::text;
use crate::text::Safe;
use crate::text::Visible;
use crate::text::safe;

/// Findings for a person at a terminal, place by place; those that are no trouble only where `all` are asked for.
///
/// # Errors
/// When standard output cannot be written to.
pub fn table(
    ui: &mut Ui<'_>,
    survey: &Survey,
    promise: &Promise,
    judgement: &Judgement,
    all: bool,
) -> Result<()> {
    ui.note(safe!("promise: {} ({})", promise.profile, promise.words()));
    ui.note(safe!("basis: {}", promise.basis));
    let is_loud = |it: &&Finding| all || matches!(it.status, Verdict::Fail | Verdict::Unknown);
    let mut place = "";
    for it in judgement.findings.iter().filter(is_loud) {
        if it.place != place {
            place = &it.place;
            ui.line(ui.paint(NAME, place.safe()))?;
        }
        finding(ui, it)?;
    }
    let missing = judgement.missing();
    if !missing.is_empty() {
        ui.note("missing permissions, and what is unknown for want of each:");
        for (action, checks) in &missing {
            ui.note(safe!("  {}: {}", action, checks.join(", ")));
        }
    }
    let counts = [
        (Verdict::Fail, "fail"),
        (Verdict::Unknown, "unknown"),
        (Verdict::Pass, "pass"),
        (Verdict::Info, "info"),
        (Verdict::NotApplicable, "not applicable"),
    ];
    let mut said: Vec<Safe> =
        counts.iter().map(|it| safe!("{} {}", judgement.count(it.0), it.1)).collect();
    let muted = judgement.findings.iter().filter(|it| it.muted.is_some()).count();
    if muted > 0 {
        said.push(safe!("{} muted", muted));
    }
    let plural = |many: usize, word| text::plural(many as u64, word);
    ui.note(safe!(
        "{}: {}; {}, {}, {}; {} asked{}",
        plural(judgement.findings.len(), "finding"),
        text::joined(said, ", "),
        plural(survey.groups.len(), "log group"),
        plural(survey.buckets.len(), "bucket"),
        plural(survey.keys.len(), "key"),
        text::plural(survey.calls.values().sum(), "call"),
        if all { "" } else { "; --all shows every one" },
    ));
    Ok(())
}

fn finding(ui: &mut Ui<'_>, it: &Finding) -> Result<()> {
    let (word, style) = match (it.status, &it.muted) {
        (_, Some(_)) => ("muted", DIM),
        (Verdict::Fail, _) => ("FAIL", MATCH),
        (Verdict::Unknown, _) => ("unknown", WARN),
        (Verdict::Pass, _) => ("pass", DIM),
        (Verdict::Info, _) => ("info", DIM),
        (Verdict::NotApplicable, _) => ("n/a", DIM),
    };
    let severity = if it.status == Verdict::Fail { it.severity.word() } else { "" };
    let word = ui.paint(style, text::left(7, word));
    let (severity, check) = (text::left(8, severity), text::left(13, it.check_id));
    ui.line(safe!("  {}  {}  {}  {}", word, severity, check, it.title))?;
    let indent = text::repeated(" ", 21);
    let promised = match it.promised.is_empty() || it.status == Verdict::Unknown {
        true => Safe::default(),
        false => safe!("; promised: {}", it.promised),
    };
    ui.line(safe!("{}{}{}", indent, it.seen, promised))?;
    for it in &it.details {
        ui.line(safe!("{}- {}", indent, it))?;
    }
    match &it.muted {
        Some(it) => ui.line(safe!("{}accepted until {}: {}", indent, it.until, it.reason)),
        None => fixes(ui, &indent, &it.fixes),
    }
}

/// Commands that would mend something, each with what to beware of.
///
/// # Errors
/// When standard output cannot be written to.
pub fn fixes(ui: &mut Ui<'_>, indent: &Safe, fixes: &[Fix]) -> Result<()> {
    for it in fixes {
        ui.line(safe!("{}$ {}", indent, it.command))?;
        if let Some(it) = &it.warning {
            ui.line(safe!("{}  {} {}", indent, ui.paint(WARN, "careful:"), it))?;
        }
    }
    Ok(())
}

/// Findings as one JSON object.
pub fn json(survey: &Survey, promise: &Promise, judgement: &Judgement) -> Value {
    json!({
        "version": 1,
        "taken_at": survey.taken_at,
        "taken_by": survey.taken_by,
        "callers": survey.callers,
        "promise": promise,
        "missing_permissions": judgement.missing(),
        "unread": survey.unread,
        "findings": judgement.findings,
    })
}

/// The name of a column, and what stands in it.
type Column = (&'static str, fn(&Finding) -> String);

/// Columns of the CSV that are the same in all rows of a finding.
const COLUMNS: [Column; 14] = [
    ("check_id", |it| it.check_id.into()),
    ("title", |it| it.title.into()),
    ("status", |it| it.status.word().into()),
    ("severity", |it| it.severity.word().into()),
    ("confidence", |it| it.confidence.word().into()),
    ("account_id", |it| it.account_id.clone()),
    ("region", |it| it.region.clone()),
    ("resource", |it| it.resource.clone()),
    ("seen", |it| it.seen.clone()),
    ("promised", |it| it.promised.clone()),
    ("reason", |it| it.unread.as_ref().map_or_else(String::new, |it| it.reason.to_string())),
    ("missing_permission", |it| {
        it.unread.as_ref().and_then(|it| it.missing.clone()).unwrap_or_default()
    }),
    ("muted_until", |it| it.muted.as_ref().map_or_else(String::new, |it| it.until.clone())),
    ("fix", |it| {
        let fixes: Vec<&str> = it.fixes.iter().map(|it| it.command.as_str()).collect();
        fixes.join("\n")
    }),
];

/// Findings as CSV, a row for each standard that asks for one.
///
/// # Errors
/// Never today: nothing that is written into memory fails.
pub fn csv(judgement: &Judgement) -> Result<Vec<u8>> {
    let mut csv = Csv::new(Vec::new(), "the output");
    csv.record(COLUMNS.iter().map(|it| it.0).chain(["standard", "controls"]))?;
    for it in &judgement.findings {
        for mapping in &it.mappings {
            let control = [mapping.standard.to_owned(), mapping.controls.join(" ")];
            csv.record(COLUMNS.iter().map(|column| (column.1)(it)).chain(control))?;
        }
    }
    csv.finish()
}
