//! The report's rows, column by column, for the forms that hold all of them: CSV, JSON and the spreadsheet.
//!
//! Columns are named as the archive names them. A column may be added, never renamed.

use serde_json::Value;

use super::paper::Paper;
use super::paper::outcome;
use crate::archive::value::ListItem;
use crate::archive::value::Word;
use crate::archive::value::list_text;
use crate::audit::Finding;
use crate::audit::frameworks::Mapping;
use crate::notable;
use crate::time::At;

/// Rows made one at a time: texts, numbers, and lists of words.
pub(super) struct ReportTable<'a> {
    pub(super) name: &'static str,
    pub(super) columns: Vec<&'static str>,
    pub(super) rows: Box<dyn Iterator<Item = Vec<Value>> + 'a>,
}

/// The words of a list in one text, for a form that has no lists.
pub(super) fn in_one(it: Value, between: &str) -> Value {
    match it {
        Value::Array(words) => {
            words.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(between).into()
        }
        it => it,
    }
}

/// UTC, whatever zone the reader sees: these rows are for programs too.
fn instant(it: Option<At>) -> Value {
    it.and_then(At::rfc3339).into()
}

fn list<T: ListItem>(items: &[T]) -> Value {
    items.iter().map(T::text).collect()
}

/// To thousandths; a whole number is written as one.
fn rounded(it: f64) -> Value {
    let it = (it * 1000.0).round() / 1000.0;
    if it.fract() == 0.0 { (it as i64).into() } else { it.into() }
}

/// Every table of the report, in reading order.
pub(super) fn tables<'a>(paper: &'a Paper<'a>) -> Vec<ReportTable<'a>> {
    let mut out = vec![commands(paper), sessions(paper), evidence(paper)];
    if paper.places.is_some() {
        out.push(findings(paper));
    }
    out
}

/// The name of a column, and what stands in it.
type Column<'a, T> = (&'static str, fn(&'a Paper<'a>, T) -> Value);

fn table<'a, T: Copy + 'a, const N: usize>(
    paper: &'a Paper<'a>,
    name: &'static str,
    rows: impl Iterator<Item = T> + 'a,
    columns: [Column<'a, T>; N],
) -> ReportTable<'a> {
    let names = columns.map(|it| it.0).into();
    let rows = rows.map(move |it| columns.iter().map(|(_, cell)| cell(paper, it)).collect());
    ReportTable { name, columns: names, rows: Box::new(rows) }
}

fn commands<'a>(paper: &'a Paper<'a>) -> ReportTable<'a> {
    table(
        paper,
        "commands",
        paper.report.commands.iter(),
        [
            ("session_id", |paper, it| paper.session(it).session_id.as_str().into()),
            ("session_key", |paper, it| paper.session(it).session_key.as_str().into()),
            ("seq", |_, it| it.seq.into()),
            ("at_earliest", |_, it| instant(it.earliest)),
            ("at_latest", |_, it| instant(it.latest)),
            ("owner", |paper, it| paper.session(it).owner.as_deref().into()),
            ("target", |paper, it| paper.session(it).target.as_deref().into()),
            ("account_id", |paper, it| paper.session(it).account_id.as_deref().into()),
            ("region", |paper, it| paper.session(it).region.as_deref().into()),
            ("os_user", |_, it| it.os_user.as_deref().into()),
            ("host", |_, it| it.host.as_deref().into()),
            ("cwd", |_, it| it.cwd.as_deref().into()),
            ("depth", |_, it| it.depth.into()),
            ("command", |_, it| it.text.as_str().into()),
            ("kind", |_, it| it.kind.as_str().into()),
            ("confidence", |_, it| rounded(it.confidence)),
            ("rules", |_, it| it.rules.iter().map(|nth| notable::RULES[*nth].id).collect()),
            ("flaws", |_, it| list(&it.flaws)),
            ("locator", |paper, it| paper.locator(&paper.session(it).locator).into()),
            ("byte_start", |_, it| it.byte_start.into()),
            ("byte_end", |_, it| it.byte_end.into()),
            ("line_number", |_, it| it.line_number.into()),
        ],
    )
}

/// Which source read it is absent, as in `evidence` when: that is no fact of the session.
fn sessions<'a>(paper: &'a Paper<'a>) -> ReportTable<'a> {
    table(
        paper,
        "sessions",
        paper.report.sessions.iter().enumerate(),
        [
            ("session_id", |_, (_, it)| it.session_id.as_str().into()),
            ("session_key", |_, (_, it)| it.session_key.as_str().into()),
            ("account_id", |_, (_, it)| it.account_id.as_deref().into()),
            ("region", |_, (_, it)| it.region.as_deref().into()),
            ("owner", |_, (_, it)| it.owner.as_deref().into()),
            ("owner_from", |_, (_, it)| it.owner_from.as_ref().map(Word::as_str).into()),
            ("target", |_, (_, it)| it.target.as_deref().into()),
            ("run_as", |_, (_, it)| it.run_as.as_deref().into()),
            ("session_type", |_, (_, it)| it.session_type.as_deref().into()),
            ("claims", |_, (_, it)| (!it.claims.is_empty()).then(|| list_text(&it.claims)).into()),
            ("at", |_, (_, it)| instant(it.at)),
            ("at_from", |_, (_, it)| it.at_from.as_ref().map(Word::as_str).into()),
            ("first_event_at", |_, (_, it)| instant(it.first_event_at)),
            ("last_event_at", |_, (_, it)| instant(it.last_event_at)),
            ("ended_at", |_, (_, it)| instant(it.ended_at)),
            ("forms", |_, (_, it)| list(&it.forms)),
            ("transcripts", |_, (_, it)| it.transcripts.into()),
            ("transcript_bytes", |_, (_, it)| it.transcript_bytes.into()),
            ("line_count", |_, (_, it)| it.line_count.into()),
            ("command_count", |_, (_, it)| it.command_count.into()),
            ("abandoned_count", |_, (_, it)| it.abandoned_count.unwrap_or(0).into()),
            ("unconfirmed_count", |_, (_, it)| it.unconfirmed_count.unwrap_or(0).into()),
            ("possible_count", |_, (_, it)| it.possible_count.into()),
            ("notable_count", |paper, (nth, _)| paper.notable_in(nth).into()),
            ("flaws", |_, (_, it)| list(&it.flaws)),
            ("locator", |paper, (_, it)| paper.locator(&it.locator).into()),
        ],
    )
}

/// When a transcript was read is absent: two archives of the same transcripts must say the same.
fn evidence<'a>(paper: &'a Paper<'a>) -> ReportTable<'a> {
    table(
        paper,
        "evidence",
        paper.report.transcripts.iter(),
        [
            ("session_id", |_, it| it.session_id.as_str().into()),
            ("session_key", |_, it| it.session_key.as_str().into()),
            ("locator", |paper, it| paper.locator(&it.locator).into()),
            ("version", |_, it| it.version.as_str().into()),
            ("form", |_, it| it.form.as_str().into()),
            ("digest", |_, it| it.digest.as_str().into()),
            ("content_digest", |_, it| it.content_digest.as_str().into()),
            ("stored_bytes", |_, it| it.stored_bytes.into()),
            ("content_bytes", |_, it| it.content_bytes.into()),
            ("stored_at", |_, it| instant(it.stored_at)),
            ("etag", |_, it| it.etag.as_deref().into()),
            ("version_id", |_, it| it.version_id.as_deref().into()),
            ("checksum", |_, it| it.checksum.as_deref().into()),
            ("encryption", |_, it| it.encryption.as_deref().into()),
            ("storage_class", |_, it| it.storage_class.as_deref().into()),
            ("retention", |paper, it| paper.retention(&it.locator).into()),
            ("object_flaws", |_, it| list(&it.object_flaws)),
        ],
    )
}

fn findings<'a>(paper: &'a Paper<'a>) -> ReportTable<'a> {
    table(
        paper,
        "findings",
        paper.findings().into_iter(),
        [
            ("check_id", |_, it| it.check_id.into()),
            ("title", |_, it| it.title.into()),
            ("status", |_, it| outcome(it).into()),
            ("severity", |_, it| it.severity.word().into()),
            ("confidence", |_, it| it.confidence.word().into()),
            ("account_id", |_, it| it.account_id.as_str().into()),
            ("region", |_, it| it.region.as_str().into()),
            ("resource", |_, it| it.resource.as_str().into()),
            ("seen", |_, it| it.seen.as_str().into()),
            ("promised", |_, it| it.promised.as_str().into()),
            ("details", |_, it| it.details.join("\n").into()),
            ("accepted", |_, it| accepted(it).into()),
            ("frameworks", |_, it| frameworks(it).into()),
            ("asked", |_, it| asked(it).into()),
        ],
    )
}

fn accepted(it: &Finding) -> Option<String> {
    it.muted.as_ref().map(|it| format!("until {}: {}", it.until, it.reason))
}

fn frameworks(it: &Finding) -> String {
    let controls = |one: &&Mapping| format!("{} {}", one.standard, one.controls.join(", "));
    it.mappings.iter().map(controls).collect::<Vec<_>>().join("; ")
}

fn asked(it: &Finding) -> String {
    let asked = it.evidence.iter().map(|one| {
        let request = one.request_id.as_deref().unwrap_or("-");
        format!("{} at {} (request {request})", one.api, one.at)
    });
    asked.collect::<Vec<_>>().join("; ")
}
