//! The report's rows, column by column, for the forms that hold all of them: CSV, JSON and the spreadsheet.
//!
//! Columns are named as the archive names them. A column may be added, never renamed.

use std::borrow::Cow;

use super::paper::Paper;
use super::paper::outcome;
use crate::archive::schema::Instant;
use crate::archive::value::Item;
use crate::archive::value::Named;
use crate::archive::value::Word;
use crate::archive::value::joined;
use crate::notable;
use crate::time::At;

/// One value of a row.
pub(super) enum Cell<'a> {
    Nothing,
    Text(Cow<'a, str>),
    Number(f64),
    /// Several words.
    List(Vec<Cow<'a, str>>),
}

/// Rows made one at a time.
pub(super) struct Table<'a> {
    pub(super) name: &'static str,
    pub(super) columns: &'static [&'static str],
    pub(super) rows: Box<dyn Iterator<Item = Vec<Cell<'a>>> + 'a>,
}

impl<'a> From<&'a str> for Cell<'a> {
    fn from(it: &'a str) -> Self {
        Self::Text(it.into())
    }
}

impl From<String> for Cell<'_> {
    fn from(it: String) -> Self {
        Self::Text(it.into())
    }
}

impl<'a> From<&'a Option<String>> for Cell<'a> {
    fn from(it: &'a Option<String>) -> Self {
        it.as_deref().map_or(Self::Nothing, Self::from)
    }
}

impl<'a, T: Named> From<Option<&'a Word<T>>> for Cell<'a> {
    fn from(it: Option<&'a Word<T>>) -> Self {
        it.map_or(Self::Nothing, |it| it.as_str().into())
    }
}

impl From<i64> for Cell<'_> {
    fn from(it: i64) -> Self {
        Self::Number(it as f64)
    }
}

/// UTC, whatever zone the reader sees: these rows are for programs too.
fn instant<'a>(micros: Option<i64>) -> Cell<'a> {
    micros.and_then(|it| At(it).rfc3339()).map_or(Cell::Nothing, Cell::from)
}

fn moment<'a>(it: Instant) -> Cell<'a> {
    instant(it.micros())
}

fn list<T: Item>(items: &[T]) -> Cell<'_> {
    Cell::List(items.iter().map(T::text).collect())
}

/// Every table of the report, in reading order.
pub(super) fn tables<'a>(paper: &'a Paper<'a>) -> Vec<Table<'a>> {
    let mut out = vec![commands(paper), sessions(paper), evidence(paper)];
    if paper.places.is_some() {
        out.push(findings(paper));
    }
    out
}

fn commands<'a>(paper: &'a Paper<'a>) -> Table<'a> {
    let rows = paper.report.commands.iter().map(|it| {
        let session = &paper.report.sessions[it.session];
        vec![
            session.session_id.as_str().into(),
            session.session_key.as_str().into(),
            it.seq.into(),
            instant(it.earliest),
            instant(it.latest),
            (&session.owner).into(),
            (&session.target).into(),
            (&session.account_id).into(),
            (&session.region).into(),
            (&it.os_user).into(),
            (&it.host).into(),
            (&it.cwd).into(),
            it.depth.into(),
            it.text.as_str().into(),
            it.kind.as_str().into(),
            Cell::Number((it.confidence * 1000.0).round() / 1000.0),
            Cell::List(it.rules.iter().map(|nth| notable::RULES[*nth].id.into()).collect()),
            list(&it.flaws),
            paper.locator(&session.locator).into(),
            it.byte_start.into(),
            it.byte_end.into(),
            it.line_number.into(),
        ]
    });
    Table {
        name: "commands",
        columns: &[
            "session_id",
            "session_key",
            "seq",
            "at_earliest",
            "at_latest",
            "owner",
            "target",
            "account_id",
            "region",
            "os_user",
            "host",
            "cwd",
            "depth",
            "command",
            "kind",
            "confidence",
            "rules",
            "flaws",
            "locator",
            "byte_start",
            "byte_end",
            "line_number",
        ],
        rows: Box::new(rows),
    }
}

/// Which source read it is absent, as in `evidence` when: that is no fact of the session.
fn sessions<'a>(paper: &'a Paper<'a>) -> Table<'a> {
    let rows = paper.report.sessions.iter().enumerate().map(|(nth, it)| {
        let notable = paper.report.commands_of(nth).iter().filter(|it| !it.rules.is_empty());
        vec![
            it.session_id.as_str().into(),
            it.session_key.as_str().into(),
            (&it.account_id).into(),
            (&it.region).into(),
            (&it.owner).into(),
            it.owner_from.as_ref().into(),
            (&it.target).into(),
            (&it.run_as).into(),
            (&it.session_type).into(),
            match it.claims.is_empty() {
                true => Cell::Nothing,
                false => joined(&it.claims).into(),
            },
            moment(it.at),
            it.at_from.as_ref().into(),
            moment(it.first_event_at),
            moment(it.last_event_at),
            moment(it.ended_at),
            list(&it.forms),
            it.transcripts.into(),
            it.transcript_bytes.into(),
            it.line_count.into(),
            it.command_count.into(),
            it.abandoned_count.unwrap_or(0).into(),
            it.unconfirmed_count.unwrap_or(0).into(),
            it.possible_count.into(),
            Cell::Number(notable.count() as f64),
            list(&it.flaws),
            paper.locator(&it.locator).into(),
        ]
    });
    Table {
        name: "sessions",
        columns: &[
            "session_id",
            "session_key",
            "account_id",
            "region",
            "owner",
            "owner_from",
            "target",
            "run_as",
            "session_type",
            "claims",
            "at",
            "at_from",
            "first_event_at",
            "last_event_at",
            "ended_at",
            "forms",
            "transcripts",
            "transcript_bytes",
            "line_count",
            "command_count",
            "abandoned_count",
            "unconfirmed_count",
            "possible_count",
            "notable_count",
            "flaws",
            "locator",
        ],
        rows: Box::new(rows),
    }
}

/// When a transcript was read is absent: two archives of the same transcripts must say the same.
fn evidence<'a>(paper: &'a Paper<'a>) -> Table<'a> {
    let rows = paper.report.transcripts.iter().map(|it| {
        vec![
            it.session_id.as_str().into(),
            it.session_key.as_str().into(),
            paper.locator(&it.locator).into(),
            it.version.as_str().into(),
            it.form.as_str().into(),
            it.digest.as_str().into(),
            it.content_digest.as_str().into(),
            it.stored_bytes.into(),
            it.content_bytes.into(),
            moment(it.stored_at),
            (&it.etag).into(),
            (&it.version_id).into(),
            (&it.checksum).into(),
            (&it.encryption).into(),
            (&it.storage_class).into(),
            paper.retention(&it.locator).into(),
            list(&it.object_flaws),
        ]
    });
    Table {
        name: "evidence",
        columns: &[
            "session_id",
            "session_key",
            "locator",
            "version",
            "form",
            "digest",
            "content_digest",
            "stored_bytes",
            "content_bytes",
            "stored_at",
            "etag",
            "version_id",
            "checksum",
            "encryption",
            "storage_class",
            "retention",
            "object_flaws",
        ],
        rows: Box::new(rows),
    }
}

fn findings<'a>(paper: &'a Paper<'a>) -> Table<'a> {
    let rows = paper.findings().into_iter().map(|it| {
        let frameworks: Vec<String> = it
            .mappings
            .iter()
            .map(|one| format!("{} {}", one.standard, one.controls.join(", ")))
            .collect();
        let asked: Vec<String> = it
            .evidence
            .iter()
            .map(|one| {
                let request = one.request_id.as_deref().unwrap_or("-");
                format!("{} at {} (request {request})", one.api, one.at)
            })
            .collect();
        let accepted = it.muted.as_ref().map(|it| format!("until {}: {}", it.until, it.reason));
        vec![
            it.check_id.into(),
            it.title.into(),
            outcome(it).into(),
            it.severity.word().into(),
            it.confidence.word().into(),
            it.account_id.as_str().into(),
            it.region.as_str().into(),
            it.resource.as_str().into(),
            it.seen.as_str().into(),
            it.promised.as_str().into(),
            it.details.join("\n").into(),
            accepted.map_or(Cell::Nothing, Cell::from),
            frameworks.join("; ").into(),
            asked.join("; ").into(),
        ]
    });
    Table {
        name: "findings",
        columns: &[
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
            "details",
            "accepted",
            "frameworks",
            "asked",
        ],
        rows: Box::new(rows),
    }
}
