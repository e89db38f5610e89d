//! Findings as `verify` prints them: for a person at a terminal, as JSON and as CSV.

use super::Ui;
use crate::audit::Judgement;
use crate::audit::Verdict;
use crate::audit::promise::Promise;
use crate::error::Error;
use crate::error::Kind;
use crate::error::Result;
use crate::settings::Survey;
use crate::text;
use crate::text::Safe;
use crate::text::safe;

/// Findings for a person at a terminal, place by place; those that are no trouble only where `all` are asked for.
///
/// # Errors
/// When standard output cannot be written to.
pub fn table(
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
            ui.line(ui.paint(super::NAME, place.safe()))?;
        }
        let (word, style) = match (one.status, muted.is_some()) {
            (_, true) => ("muted", super::DIM),
            (Verdict::Fail, _) => ("FAIL", super::MATCH),
            (Verdict::Unknown, _) => ("unknown", super::WARN),
            (Verdict::Pass, _) => ("pass", super::DIM),
            (Verdict::Info, _) => ("info", super::DIM),
            (Verdict::NotApplicable, _) => ("n/a", super::DIM),
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
                let careful = ui.paint(super::WARN, "careful:");
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

/// Findings as one JSON object.
///
/// # Errors
/// When standard output cannot be written to.
pub fn json(ui: &mut Ui<'_>, survey: &Survey, promise: &Promise, it: &Judgement) -> Result<()> {
    let value = serde_json::json!({
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

/// Findings as CSV, a row for each standard that asks for one.
///
/// # Errors
/// When standard output cannot be written to.
pub fn csv(ui: &mut Ui<'_>, it: &Judgement) -> Result<()> {
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
