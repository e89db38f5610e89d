//! The report for tickets and wikis (Markdown) and for programs (JSON, CSV).

use std::io::Write;

use serde_json::Value;
use serde_json::json;

use super::paper::Paper;
use super::paper::flaw_names;
use super::paper::outcome;
use super::paper::sure;
use super::table::ReportTable;
use super::table::in_one;
use super::table::tables;
use super::words::Words;
use super::words::fill;
use crate::audit::Verdict;
use crate::error::Error;
use crate::error::Kind;
use crate::error::Result;
use crate::notable;
use crate::render::csv::Csv;
use crate::render::markdown::Markdown;
use crate::render::markdown::MarkdownPage;
use crate::report::Report;
use crate::report::ReportedCommand;
use crate::text;
use crate::text::count;
use crate::text::repeated;
use crate::text::safe;
use crate::time::At;

/// Rows of one table in the Markdown form; nobody scrolls through more of them in a ticket.
const MOST_ROWS: usize = 500;

/// Version of the JSON form: raised when a name changes its meaning.
const JSON_VERSION: u64 = 1;

fn refused(it: &dyn std::fmt::Display) -> Error {
    Error::new(Kind::Refused, format!("cannot write the report: {it}"))
}

/// Writes one of the tables as CSV, by its place among them.
///
/// # Errors
/// What stopped the writing.
pub fn csv(paper: &Paper<'_>, nth: usize, out: impl Write) -> Result<()> {
    let Some(table) = tables(paper).into_iter().nth(nth) else { return Ok(()) };
    let mut csv = Csv::new(out, "the report");
    csv.record(table.columns)?;
    for row in table.rows {
        csv.record(row.into_iter().map(|it| in_one(it, "+")))?;
    }
    csv.finish().map(drop)
}

/// Writes the JSON form, a row a line.
///
/// # Errors
/// What stopped the writing.
pub fn json(paper: &Paper<'_>, out: &mut dyn Write) -> Result<()> {
    let report = paper.report;
    let which = &report.scope.which;
    let at = |it: Option<At>| it.and_then(At::rfc3339);
    let tallies = |some: &[crate::report::Tally]| -> Value {
        some.iter()
            .map(|it| {
                json!({
                    "name": it.name,
                    "sessions": it.sessions,
                    "commands": it.commands,
                    "notable": it.notable,
                })
            })
            .collect()
    };
    let spans: Value = report
        .spans
        .iter()
        .map(|it| json!({ "from": it.name, "sessions": it.sessions, "notable": it.notable }))
        .collect();
    let rules: Value = report
        .notable()
        .iter()
        .map(|(nth, places)| {
            let rule = &notable::RULES[*nth];
            json!({
                "id": rule.id,
                "act": rule.act.name(),
                "title": paper.words.pick((rule.title, rule.title_ja)),
                "why": paper.words.pick(rule.act.why()),
                "commands": places.len(),
            })
        })
        .collect();
    let head = json!({
        "version": JSON_VERSION,
        "made_with": { "ssmtrail": env!("CARGO_PKG_VERSION"), "decoders": report.decoders },
        "window": { "from": at(report.window.from), "to": at(report.window.to) },
        "filters": {
            "owner": which.owners,
            "owner_contains": which.owners_containing,
            "target": which.targets,
            "session": which.sessions,
            "run_as": which.run_as,
            "account": report.scope.accounts,
        },
        "archive": {
            "sessions": report.archive_sessions,
            "transcripts": report.archive_transcripts,
            "digest": report.archive_digest,
            "head": report.archive_head,
        },
        "accounts": report.accounts,
        "regions": report.regions,
        "secrets_shown": report.reveals,
        "complete": !report.damages.iter().any(|it| it.loses),
        "summary": paper.summary(),
        "limits": paper.limits(),
        "spans": spans,
        "owners": tallies(&report.owners),
        "targets": tallies(&report.targets),
        "rules": rules,
    });
    let head = text::json(&head);
    // The tables are written into the same object, row by row.
    out.write_all(head.strip_suffix('}').unwrap_or(&head).as_bytes()).map_err(|it| refused(&it))?;
    for table in tables(paper) {
        json_table(table, out).map_err(|it| refused(&it))?;
    }
    out.write_all(b"\n}\n").map_err(|it| refused(&it))
}

fn json_table(table: ReportTable<'_>, out: &mut dyn Write) -> std::io::Result<()> {
    write!(out, ",\n\"{}\":[", table.name)?;
    for (nth, row) in table.rows.enumerate() {
        let names = table.columns.iter().map(|it| (*it).to_owned());
        let object: Value = names.zip(row).collect();
        out.write_all(if nth == 0 { b"\n" } else { b",\n" })?;
        out.write_all(text::json(&object).as_bytes())?;
    }
    out.write_all(b"]")
}

/// The Markdown form.
pub fn markdown(paper: &Paper<'_>) -> String {
    let words = paper.words;
    let mut out = MarkdownPage::default();
    out.line("# {}\n\n{}\n", [words.title.into(), words.subtitle.into()]);
    scope(paper, &mut out);
    activity(paper, &mut out);
    notable_commands(paper, &mut out);
    commands(paper, &mut out);
    sessions(paper, &mut out);
    out.line("## {}\n\n{}\n", [words.coverage.into(), words.coverage_note.into()]);
    findings(paper, &mut out);
    evidence(paper, &mut out);
    out.line("## {}\n", [words.limits.into()]);
    for it in paper.limits() {
        out.line("- {}", [Markdown::text(&it)]);
    }
    out.finish()
}

fn scope(paper: &Paper<'_>, out: &mut MarkdownPage) {
    out.line("## {}\n", [paper.words.scope.into()]);
    for (name, text) in paper.cover() {
        out.line("- {}: {}", [name.into(), Markdown::text(&text)]);
    }
    out.line("\n## {}\n", [paper.words.summary.into()]);
    for it in paper.summary() {
        out.line("{}\n", [Markdown::text(&it)]);
    }
}

fn activity(paper: &Paper<'_>, out: &mut MarkdownPage) {
    let (report, words) = (paper.report, paper.words);
    out.line("## {}\n", [words.activity.into()]);
    let most = report.spans.iter().map(|it| it.sessions).max().unwrap_or(1);
    let spans = report.spans.iter().filter(|it| it.sessions > 0);
    let spans = spans.map(|it| {
        let bar = repeated("█", (it.sessions * 24).div_ceil(most.max(1)) as usize);
        vec![Markdown::text(&it.name), count(it.sessions).into(), bar.into()]
    });
    table(paper, out, &[span_name(paper), words.sessions, ""], spans);
    for (name, some) in [(words.owner, &report.owners), (words.target, &report.targets)] {
        let head = [name, words.sessions, words.commands, words.notable];
        let rows = some.iter().map(|it| {
            let name = if it.name.is_empty() { words.unknown } else { &it.name };
            let numbers = [it.sessions, it.commands, it.notable].map(|it| count(it).into());
            std::iter::once(Markdown::text(name)).chain(numbers).collect()
        });
        table(paper, out, &head, rows);
    }
}

fn notable_commands(paper: &Paper<'_>, out: &mut MarkdownPage) {
    let (report, words) = (paper.report, paper.words);
    out.line("## {}\n\n{}\n", [words.notable.into(), words.notable_note.into()]);
    let notable = report.notable();
    if notable.is_empty() {
        out.line("{}\n", [words.notable_none.into()]);
    }
    for (nth, places) in notable {
        let rule = &notable::RULES[nth];
        let title = words.pick((rule.title, rule.title_ja));
        let (act, why) = (words.pick(rule.act.says()), words.pick(rule.act.why()));
        out.line("### {}: {}\n\n{}\n", [act.into(), title.into(), why.into()]);
        let head = [words.when, words.owner, words.target, words.command, words.session];
        let rows = places.iter().map(|nth| {
            let it = &report.commands[*nth];
            let session = paper.session(it);
            vec![
                Markdown::when(paper.span(it), paper.zone),
                Markdown::text(paper.owner(session)),
                Markdown::text(paper.target(session)),
                marked(words, it),
                Markdown::text(&session.session_key),
            ]
        });
        table(paper, out, &head, rows);
    }
}

fn commands(paper: &Paper<'_>, out: &mut MarkdownPage) {
    let words = paper.words;
    out.line("## {}\n\n{}\n", [words.who_ran_what.into(), words.commands_note.into()]);
    let head = [
        words.when,
        words.owner,
        words.target,
        words.user,
        words.command,
        words.sure,
        words.session,
    ];
    let rows = paper.report.commands.iter().map(|it| {
        let session = paper.session(it);
        vec![
            Markdown::when(paper.span(it), paper.zone),
            Markdown::text(paper.owner(session)),
            Markdown::text(paper.target(session)),
            Markdown::text(it.os_user.as_deref().unwrap_or(words.unknown)),
            marked(words, it),
            safe!("{} %", sure(it.confidence)).into(),
            Markdown::text(&session.session_key),
        ]
    });
    table(paper, out, &head, rows);
}

fn sessions(paper: &Paper<'_>, out: &mut MarkdownPage) {
    let words = paper.words;
    out.line("## {}\n", [words.sessions.into()]);
    let head = [words.when, words.owner, words.target, words.commands, words.session, words.flaws];
    let rows = paper.report.sessions.iter().map(|it| {
        vec![
            Markdown::when(Report::when(it), paper.zone),
            Markdown::text(paper.owner(it)),
            Markdown::text(paper.target(it)),
            count(it.command_count as u64).into(),
            Markdown::text(&it.session_key),
            Markdown::text(&flaw_names(&it.flaws)),
        ]
    });
    table(paper, out, &head, rows);
}

fn findings(paper: &Paper<'_>, out: &mut MarkdownPage) {
    let words = paper.words;
    out.line("## {}\n", [words.findings.into()]);
    let Some(it) = paper.places else {
        out.line("{}\n", [words.findings_none.into()]);
        return;
    };
    let told = fill(words.findings_taken, &[&it.survey.taken_at.to_string(), it.promise.profile]);
    out.line("{}\n", [Markdown::text(&told)]);
    let head = [words.outcome, words.severity, words.check, words.resource, words.seen];
    let rows = paper.findings().into_iter().map(|it| {
        let loud = matches!(it.status, Verdict::Fail | Verdict::Unknown);
        vec![
            outcome(it).into(),
            if loud { it.severity.word() } else { "" }.into(),
            Markdown::text(&format!("{}: {}", it.check_id, it.title)),
            Markdown::text(&it.resource),
            Markdown::text(&it.seen),
        ]
    });
    table(paper, out, &head, rows);
}

fn evidence(paper: &Paper<'_>, out: &mut MarkdownPage) {
    let words = paper.words;
    out.line("## {}\n\n{}\n", [words.evidence.into(), words.evidence_note.into()]);
    let head = [words.locator, words.version, words.sha256, words.encryption, words.retention];
    let rows = paper.report.transcripts.iter().map(|it| {
        let cells = [
            paper.locator(&it.locator),
            &it.version,
            &it.digest,
            it.encryption.as_deref().unwrap_or(words.unknown),
            paper.retention(&it.locator),
        ];
        cells.map(Markdown::text).into()
    });
    table(paper, out, &head, rows);
}

/// What the spans of the activity are called.
pub(super) fn span_name(paper: &Paper<'_>) -> &'static str {
    match paper.report.pace {
        crate::report::Pace::Day => paper.words.per_day,
        crate::report::Pace::Week => paper.words.per_week,
        crate::report::Pace::Month => paper.words.per_month,
    }
}

/// A command with what marks one that is not known to have run.
fn marked(words: &Words, it: &ReportedCommand) -> Markdown {
    let command = Markdown::text(&it.text);
    match words.marks(it) {
        None => command,
        Some(mark) => Markdown::filled("{} ({})", [command, Markdown::text(&mark)]),
    }
}

/// A table of so many rows, and how many more there are.
fn table(
    paper: &Paper<'_>,
    out: &mut MarkdownPage,
    head: &[&'static str],
    mut rows: impl Iterator<Item = Vec<Markdown>>,
) {
    out.head(head);
    rows.by_ref().take(MOST_ROWS).for_each(|it| out.row(it));
    let left = rows.count();
    if left > 0 {
        let (shown, all) = (count(MOST_ROWS as u64), count((MOST_ROWS + left) as u64));
        out.line("\n{}", [Markdown::text(&fill(paper.words.left_to_twins, &[&shown, &all]))]);
    }
    out.line("", []);
}
