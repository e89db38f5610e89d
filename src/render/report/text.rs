//! The report for tickets and wikis (Markdown) and for programs (JSON, CSV).

use std::fmt::Write as _;
use std::io::Write;

use serde_json::Map;
use serde_json::Value;
use serde_json::json;

use super::paper::Paper;
use super::paper::flaw_names;
use super::paper::outcome;
use super::paper::sure;
use super::table::Cell;
use super::table::Table;
use super::table::tables;
use super::words::Words;
use super::words::fill;
use crate::audit::Verdict;
use crate::error::Error;
use crate::error::Kind;
use crate::error::Result;
use crate::notable;
use crate::render::findings::markdown_text;
use crate::report::Command;
use crate::text;
use crate::time::At;
use text::cell;
use text::count;

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
    let mut writer = csv::Writer::from_writer(out);
    writer.write_record(table.columns).map_err(|it| refused(&it))?;
    for row in table.rows {
        for value in row {
            match value {
                Cell::Nothing => writer.write_field(""),
                Cell::Text(it) => writer.write_field(&*cell(&it)),
                Cell::Number(it) => writer.write_field(it.to_string()),
                Cell::List(it) => writer.write_field(&*cell(&it.join("+"))),
            }
            .map_err(|it| refused(&it))?;
        }
        writer.write_record(None::<&[u8]>).map_err(|it| refused(&it))?;
    }
    writer.flush().map_err(|it| refused(&it))
}

/// Writes the JSON form, a row a line.
///
/// # Errors
/// What stopped the writing.
pub fn json(paper: &Paper<'_>, out: &mut dyn Write) -> Result<()> {
    let report = paper.report;
    let which = &report.scope.which;
    let at = |it: Option<i64>| it.and_then(|it| At(it).rfc3339());
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

fn json_table(table: Table<'_>, out: &mut dyn Write) -> std::io::Result<()> {
    write!(out, ",\n\"{}\":[", table.name)?;
    for (nth, row) in table.rows.enumerate() {
        let mut object = Map::new();
        for (name, value) in table.columns.iter().zip(row) {
            let value = match value {
                Cell::Nothing => Value::Null,
                Cell::Text(it) => it.into(),
                Cell::Number(it) if it.fract() == 0.0 => (it as i64).into(),
                Cell::Number(it) => it.into(),
                Cell::List(it) => it.into(),
            };
            object.insert((*name).to_owned(), value);
        }
        out.write_all(if nth == 0 { b"\n" } else { b",\n" })?;
        out.write_all(text::json(&Value::Object(object)).as_bytes())?;
    }
    out.write_all(b"]")
}

/// The Markdown form.
pub fn markdown(paper: &Paper<'_>) -> String {
    let (report, words) = (paper.report, paper.words);
    let mut out = format!("# {}\n\n{}\n\n## {}\n\n", words.title, words.subtitle, words.scope);
    for (name, text) in paper.cover() {
        let _ = writeln!(out, "- {name}: {}", markdown_text(&text));
    }
    let _ = writeln!(out, "\n## {}\n", words.summary);
    for it in paper.summary() {
        let _ = writeln!(out, "{}\n", markdown_text(&it));
    }

    let _ = writeln!(out, "## {}\n", words.activity);
    let span = span_name(paper);
    table(
        &mut out,
        &[span, words.sessions, ""],
        report.spans.iter().filter(|it| it.sessions > 0).map(|it| {
            let most = report.spans.iter().map(|it| it.sessions).max().unwrap_or(1);
            vec![it.name.clone(), count(it.sessions).into(), bar(it.sessions, most)]
        }),
        paper,
    );
    for (name, some) in [(words.owner, &report.owners), (words.target, &report.targets)] {
        table(
            &mut out,
            &[name, words.sessions, words.commands, words.notable],
            some.iter().map(|it| {
                let name = if it.name.is_empty() { words.unknown } else { &it.name };
                vec![
                    markdown_text(name),
                    count(it.sessions).into(),
                    count(it.commands).into(),
                    count(it.notable).into(),
                ]
            }),
            paper,
        );
    }

    let _ = writeln!(out, "## {}\n\n{}\n", words.notable, words.notable_note);
    let notable = report.notable();
    if notable.is_empty() {
        let _ = writeln!(out, "{}\n", words.notable_none);
    }
    for (nth, places) in notable {
        let rule = &notable::RULES[nth];
        let title = words.pick((rule.title, rule.title_ja));
        let act = words.pick(rule.act.says());
        let _ = writeln!(out, "### {act}: {title}\n\n{}\n", words.pick(rule.act.why()));
        table(
            &mut out,
            &[words.when, words.owner, words.target, words.command, words.session],
            places.iter().map(|nth| {
                let it = &report.commands[*nth];
                let session = &report.sessions[it.session];
                vec![
                    paper.typed(it),
                    markdown_text(paper.owner(session)),
                    markdown_text(paper.target(session)),
                    marked(words, it),
                    markdown_text(&session.session_key),
                ]
            }),
            paper,
        );
    }

    let _ = writeln!(out, "## {}\n\n{}\n", words.who_ran_what, words.commands_note);
    table(
        &mut out,
        &[
            words.when,
            words.owner,
            words.target,
            words.user,
            words.command,
            words.sure,
            words.session,
        ],
        report.commands.iter().map(|it| {
            let session = &report.sessions[it.session];
            vec![
                paper.typed(it),
                markdown_text(paper.owner(session)),
                markdown_text(paper.target(session)),
                markdown_text(it.os_user.as_deref().unwrap_or(words.unknown)),
                marked(words, it),
                format!("{} %", sure(it.confidence)),
                markdown_text(&session.session_key),
            ]
        }),
        paper,
    );
    let _ = writeln!(out, "## {}\n", words.sessions);
    table(
        &mut out,
        &[words.when, words.owner, words.target, words.commands, words.session, words.flaws],
        report.sessions.iter().map(|it| {
            vec![
                paper.when(it),
                markdown_text(paper.owner(it)),
                markdown_text(paper.target(it)),
                count(it.command_count as u64).into(),
                markdown_text(&it.session_key),
                markdown_text(&flaw_names(&it.flaws)),
            ]
        }),
        paper,
    );
    let _ = writeln!(out, "## {}\n\n{}\n", words.coverage, words.coverage_note);

    let _ = writeln!(out, "## {}\n", words.findings);
    match paper.places {
        None => {
            let _ = writeln!(out, "{}\n", words.findings_none);
        }
        Some(it) => {
            let told =
                fill(words.findings_taken, &[&it.survey.taken_at.to_string(), it.promise.profile]);
            let _ = writeln!(out, "{}\n", markdown_text(&told));
            table(
                &mut out,
                &[words.outcome, words.severity, words.check, words.resource, words.seen],
                paper.findings().into_iter().map(|it| {
                    let loud = matches!(it.status, Verdict::Fail | Verdict::Unknown);
                    let severity = if loud { it.severity.word() } else { "" };
                    vec![
                        outcome(it).to_owned(),
                        severity.to_owned(),
                        format!("{}: {}", it.check_id, markdown_text(it.title)),
                        markdown_text(&it.resource),
                        markdown_text(&it.seen),
                    ]
                }),
                paper,
            );
        }
    }

    let _ = writeln!(out, "## {}\n\n{}\n", words.evidence, words.evidence_note);
    table(
        &mut out,
        &[words.locator, words.version, words.sha256, words.encryption, words.retention],
        report.transcripts.iter().map(|it| {
            vec![
                markdown_text(paper.locator(&it.locator)),
                markdown_text(&it.version),
                it.digest.clone(),
                markdown_text(it.encryption.as_deref().unwrap_or(words.unknown)),
                markdown_text(paper.retention(&it.locator)),
            ]
        }),
        paper,
    );
    let _ = writeln!(out, "## {}\n", words.limits);
    for it in paper.limits() {
        let _ = writeln!(out, "- {}", markdown_text(&it));
    }
    out
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
fn marked(words: &Words, it: &Command) -> String {
    match words.marks(it) {
        None => markdown_text(&it.text),
        Some(mark) => format!("{} ({mark})", markdown_text(&it.text)),
    }
}

fn bar(value: u64, most: u64) -> String {
    "█".repeat(((value * 24).div_ceil(most.max(1))) as usize)
}

/// A table of so many rows, and how many more there are. Cells must be harmless already.
fn table(
    out: &mut String,
    head: &[&str],
    mut rows: impl Iterator<Item = Vec<String>>,
    paper: &Paper<'_>,
) {
    let _ = writeln!(out, "| {} |\n|{}", head.join(" | "), "---|".repeat(head.len()));
    for row in rows.by_ref().take(MOST_ROWS) {
        let _ = writeln!(out, "| {} |", row.join(" | "));
    }
    let left = rows.count();
    if left > 0 {
        let words = paper.words;
        let (shown, all) = (count(MOST_ROWS as u64), count((MOST_ROWS + left) as u64));
        let _ = writeln!(out, "\n{}", fill(words.left_to_twins, &[&shown, &all]));
    }
    out.push('\n');
}
