//! Values → what people and programs read. Every foreign byte is made harmless here.
//!
//! A transcript is written by whoever was recorded. Nothing of it may reach a terminal as a control sequence, a
//! spreadsheet as a formula, or a page as anything but text; so all output goes through the functions below, and
//! no other room prints. What is escaped stays readable and is never dropped.

/// Rows as a Parquet file.
pub mod batches;

/// Records for a SIEM.
pub mod feed;

/// Findings, for other programs.
pub mod findings;

/// Findings as one page.
pub mod places;

/// Findings on a terminal, and as rows.
pub mod verdicts;

/// The screens of a session that is played again.
pub mod screen;

/// The audit report, in every form.
pub mod report;

use std::borrow::Cow;
use std::io::IsTerminal;
use std::io::Write;

use anstyle::AnsiColor;
use anstyle::Style;
use polars::prelude::*;

use crate::error::Error;
use crate::error::Kind;
use crate::error::Result;
use crate::render::batches::Batches;
use crate::text::Safe;
use crate::text::cell;
use crate::text::json;
use crate::text::repeated;
use crate::text::visible;
use crate::text::visible_bytes;
use crate::time::At;
use crate::time::Zone;

/// How rows are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Aligned columns, for people.
    Table,
    /// One JSON object that lists all rows.
    Json,
    /// One JSON object a line, one line a row.
    Jsonl,
    /// CSV with a header line, its texts made harmless to spreadsheets.
    Csv,
    /// One Apache Parquet file.
    Parquet,
}

/// A message for the person, without the secrets that an argument, a file's name or a transcript brought into it.
pub fn message(text: &str) -> Cow<'_, str> {
    let mut salt = [0; 32];
    // Without chance the marks can be compared with guesses; that is all.
    let _ = getrandom::fill(&mut salt);
    crate::secrets::Masker::new(salt).text(text)
}

/// The face of the program: where output goes and what it may look like. It takes nothing but [`Safe`] text, and bytes that are escaped
/// wherever a terminal would read them.
pub struct Ui<'a> {
    out: &'a mut dyn Write,
    err: &'a mut dyn Write,
    /// Whether styles are written.
    pub color: bool,
    /// Standard output is a terminal of this many columns.
    pub columns: Option<usize>,
    /// Zone that times are shown in.
    pub zone: Zone,
}

/// To HTML it is text like any other.
impl maud::Render for Safe {
    fn render_to(&self, page: &mut String) {
        str::render_to(self, page);
    }
}

/// When to colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Color {
    /// On a terminal, unless `NO_COLOR` is set.
    Auto,
    /// Wherever the output goes.
    Always,
    /// Nowhere, terminals included.
    Never,
}

impl Color {
    /// Whether standard output takes colour. `NO_COLOR` is honoured unless colour is asked for by name.
    pub fn decide(self, no_color: bool) -> bool {
        match self {
            Self::Always => true,
            Self::Never => false,
            Self::Auto => std::io::stdout().is_terminal() && !no_color,
        }
    }
}

/// Titles and headings.
pub const BOLD: Style = Style::new().bold();
/// What matters less.
pub const DIM: Style = Style::new().dimmed();
/// What a pattern matched.
pub const MATCH: Style = Style::new().bold().fg_color(Some(anstyle::Color::Ansi(AnsiColor::Red)));
/// Names, such as an owner's.
pub const NAME: Style = Style::new().fg_color(Some(anstyle::Color::Ansi(AnsiColor::Cyan)));
/// What a reader must know, such as flaws.
pub const WARN: Style = Style::new().fg_color(Some(anstyle::Color::Ansi(AnsiColor::Yellow)));

impl<'a> Ui<'a> {
    /// Data goes to `out`, what is said to the person to `err`; there is no colour, no terminal, and UTC, unless the fields say otherwise.
    pub fn new(out: &'a mut dyn Write, err: &'a mut dyn Write) -> Self {
        Self { out, err, color: false, columns: None, zone: Zone::Utc }
    }

    /// Text in a style, if there is colour.
    pub fn paint(&self, style: Style, text: impl Into<Safe>) -> Safe {
        let text = text.into();
        if self.color { text.styled(style) } else { text }
    }

    /// A line of data.
    ///
    /// # Errors
    /// When standard output cannot be written to.
    pub fn line(&mut self, text: impl Into<Safe>) -> Result<()> {
        self.text(text)?;
        self.text("\n")
    }

    /// Data that is no line of its own.
    ///
    /// # Errors
    /// When standard output cannot be written to.
    pub fn text(&mut self, text: impl Into<Safe>) -> Result<()> {
        self.out.write_all(text.into().as_bytes()).map_err(|it| broken(&it))
    }

    /// The bytes of a file, as they are; on a terminal, what acts is shown as escapes.
    ///
    /// # Errors
    /// When standard output cannot be written to.
    pub fn bytes(&mut self, bytes: &[u8]) -> Result<()> {
        match self.columns {
            Some(_) => self.text(visible_bytes(bytes)),
            None => self.out.write_all(bytes).map_err(|it| broken(&it)),
        }
    }

    /// All data is written by now.
    ///
    /// # Errors
    /// When standard output cannot be written to.
    pub fn flush(&mut self) -> Result<()> {
        self.out.flush().map_err(|it| broken(&it))
    }

    /// The terminal itself, for what draws on it cell by cell.
    pub fn terminal(&mut self) -> &mut dyn Write {
        self.out
    }

    /// A line for the person, on standard error. Trouble with it is no trouble.
    pub fn note(&mut self, text: impl Into<Safe>) {
        // Data and notes meet on one terminal: what was said first is shown first.
        let _ = self.out.flush();
        let _ = writeln!(self.err, "{}", message(&text.into()));
    }

    /// Text with its matches marked, harmless and on one line.
    pub fn marked(&self, text: &str, spans: &[(usize, usize)]) -> Safe {
        let mut out = Safe::default();
        let mut at = 0;
        for (from, to) in spans {
            let (from, to) = ((*from).max(at), (*to).min(text.len()));
            if from < to && text.is_char_boundary(from) && text.is_char_boundary(to) {
                out.push(&&text[at..from]);
                out.push(&self.paint(MATCH, visible(&text[from..to])));
                at = to;
            }
        }
        out.push(&&text[at..]);
        out
    }

    /// Rows in columns, each as wide as it must be; those named in `right` stand at its right edge. The last column is cut to the
    /// terminal's width if there is one.
    ///
    /// # Errors
    /// When standard output cannot be written to.
    pub fn table<H>(&mut self, head: &[H], right: &[usize], rows: &[Vec<Safe>]) -> Result<()>
    where
        H: Into<Safe> + Clone,
    {
        let head: Vec<Safe> = head.iter().map(|it| it.clone().into()).collect();
        let mut widths: Vec<usize> = head.iter().map(Safe::width).collect();
        for row in rows {
            for (widest, text) in widths.iter_mut().zip(row) {
                *widest = (*widest).max(text.width());
            }
        }
        let head: Vec<Safe> = head.into_iter().map(|it| self.paint(BOLD, it)).collect();
        for row in std::iter::once(&head).chain(rows) {
            let mut line = Safe::default();
            let mut used = 0;
            for (nth, (text, width)) in row.iter().zip(&widths).enumerate() {
                let pad = repeated(" ", width.saturating_sub(text.width()));
                if nth > 0 {
                    line.push(&"  ");
                }
                if right.contains(&nth) {
                    line.push(&pad);
                    line.push(text);
                } else if nth + 1 < widths.len() {
                    line.push(text);
                    line.push(&pad);
                } else {
                    let text = text.clone();
                    let most = self.columns.map(|it| it.saturating_sub(used).max(24));
                    line.push(&most.map_or(text.clone(), |it| text.fitting(it)));
                }
                used += width + 2;
            }
            self.line(line.trimmed())?;
        }
        Ok(())
    }
}

fn broken(it: &std::io::Error) -> Error {
    if it.kind() == std::io::ErrorKind::BrokenPipe {
        // Whoever read our output has seen enough. `main` leaves politely.
        return Error::new(Kind::Closed, "broken pipe");
    }
    Error::new(Kind::Refused, format!("cannot write the output: {it}"))
}

/// Writes a data frame in any format. `what` names the rows in JSON. Columns named in `lists` hold several words
/// joined by `+`, which JSON gives as an array.
pub struct Rows<'a> {
    /// Key under which JSON lists the rows.
    pub what: &'static str,
    /// How the rows are written.
    pub format: Format,
    /// Columns that JSON gives as arrays, their words parted at `+`.
    pub lists: &'a [&'a str],
    began: bool,
    /// Rows of a table, whose widths are known only at its end.
    held: Vec<DataFrame>,
    batches: Option<Batches>,
    rows: usize,
}

impl<'a> Rows<'a> {
    /// Nothing written yet; see the fields for what each argument means.
    pub fn new(what: &'static str, format: Format, lists: &'a [&'a str]) -> Self {
        Self { what, format, lists, began: false, held: Vec::new(), batches: None, rows: 0 }
    }

    /// Writes some rows; all calls must bring the same columns.
    ///
    /// # Errors
    /// When the output cannot be written, or a column cannot be read.
    pub fn write(&mut self, ui: &mut Ui<'_>, frame: &DataFrame) -> Result<()> {
        self.rows += frame.height();
        match self.format {
            Format::Jsonl => self.json_rows(frame, |row| ui.line(row)),
            Format::Json => {
                if !self.began {
                    self.began = true;
                    self.json_head(ui)?;
                }
                let mut first = self.rows == frame.height();
                self.json_rows(frame, |row| {
                    ui.text(if first { "\n" } else { ",\n" })?;
                    first = false;
                    ui.text(row)
                })
            }
            Format::Csv => self.csv(ui, frame),
            Format::Parquet => {
                let batches = match &mut self.batches {
                    Some(it) => it,
                    none => none.insert(Batches::new(&frame.clear())?),
                };
                batches.push(frame, |it| ui.bytes(it))
            }
            Format::Table => {
                self.held.push(frame.clone());
                Ok(())
            }
        }
    }

    fn json_head(&self, ui: &mut Ui<'_>) -> Result<()> {
        ui.text("{\"version\":1,\"")?;
        ui.text(self.what)?;
        ui.text("\":[")
    }

    fn json_rows(&self, frame: &DataFrame, mut take: impl FnMut(Safe) -> Result<()>) -> Result<()> {
        let names: Vec<&str> = frame.get_column_names().into_iter().map(|it| it.as_str()).collect();
        for row in 0..frame.height() {
            let mut object = serde_json::Map::new();
            for (column, name) in frame.columns().iter().zip(&names) {
                let value = column.get(row).map_err(|it| damaged(&it))?;
                let mut value = json_value(&value);
                if self.lists.contains(name)
                    && let serde_json::Value::String(text) = &value
                {
                    let words = text.split('+').filter(|it| !it.is_empty());
                    value = words.map(|it| serde_json::Value::String(it.to_owned())).collect();
                }
                object.insert((*name).to_owned(), value);
            }
            take(json(&serde_json::Value::Object(object)))?;
        }
        Ok(())
    }

    fn csv(&mut self, ui: &mut Ui<'_>, frame: &DataFrame) -> Result<()> {
        let mut writer = csv::Writer::from_writer(Vec::new());
        let fail = |it: csv::Error| Error::new(Kind::Refused, format!("cannot write CSV: {it}"));
        if !self.began {
            self.began = true;
            writer
                .write_record(frame.get_column_names().iter().map(|it| it.as_str()))
                .map_err(fail)?;
        }
        for row in 0..frame.height() {
            let mut record = Vec::with_capacity(frame.width());
            for column in frame.columns() {
                let value = column.get(row).map_err(|it| damaged(&it))?;
                let number = value.is_primitive_numeric() || value.is_boolean();
                let text = plain_value(&value);
                record.push(if number { text } else { cell(&text).into() });
            }
            writer.write_record(&record).map_err(fail)?;
        }
        let bytes = writer
            .into_inner()
            .map_err(|it| Error::new(Kind::Refused, format!("cannot write CSV: {it}")))?;
        ui.bytes(&bytes)
    }

    /// Ends the output; returns how many rows there were.
    ///
    /// # Errors
    /// When the output cannot be written, or a column cannot be read.
    pub fn finish(mut self, ui: &mut Ui<'_>, empty: &DataFrame) -> Result<usize> {
        match self.format {
            Format::Json => {
                if !self.began {
                    self.json_head(ui)?;
                }
                ui.text("\n]}\n")?;
            }
            Format::Csv if !self.began => self.csv(ui, empty)?,
            Format::Parquet => {
                let batches = match self.batches.take() {
                    Some(it) => it,
                    None => Batches::new(&empty.clear())?,
                };
                batches.finish(|it| ui.bytes(it))?;
            }
            Format::Table => {
                let frames = std::mem::take(&mut self.held);
                let zone = ui.zone;
                let Some(first) = frames.first() else { return Ok(self.rows) };
                let head: Vec<Safe> =
                    first.get_column_names().iter().map(|it| visible(&it.to_uppercase())).collect();
                let right: Vec<usize> = first
                    .columns()
                    .iter()
                    .enumerate()
                    .filter(|it| it.1.dtype().is_primitive_numeric())
                    .map(|it| it.0)
                    .collect();
                let mut rows = Vec::new();
                for frame in &frames {
                    for row in 0..frame.height() {
                        let mut cells = Vec::new();
                        for column in frame.columns() {
                            let value = column.get(row).map_err(|it| damaged(&it))?;
                            cells.push(visible(&table_value(&value, zone)));
                        }
                        rows.push(cells);
                    }
                }
                ui.table(&head, &right, &rows)?;
            }
            Format::Jsonl | Format::Csv => {}
        }
        Ok(self.rows)
    }
}

fn damaged(it: &PolarsError) -> Error {
    Error::new(Kind::Damaged, format!("the rows cannot be written: {it}"))
}

fn instant(value: &AnyValue<'_>) -> Option<i64> {
    match value {
        AnyValue::Datetime(at, unit, _) | AnyValue::DatetimeOwned(at, unit, _) => {
            Some(match unit {
                TimeUnit::Nanoseconds => at / 1000,
                TimeUnit::Microseconds => *at,
                TimeUnit::Milliseconds => at * 1000,
            })
        }
        _ => None,
    }
}

fn json_value(value: &AnyValue<'_>) -> serde_json::Value {
    if let Some(at) = instant(value) {
        return At(at).rfc3339().into();
    }
    match value {
        AnyValue::Null => serde_json::Value::Null,
        AnyValue::Boolean(it) => (*it).into(),
        AnyValue::String(it) => (*it).into(),
        AnyValue::StringOwned(it) => it.as_str().into(),
        AnyValue::Float64(it) => (*it).into(),
        AnyValue::Float32(it) => f64::from(*it).into(),
        AnyValue::UInt64(it) => (*it).into(),
        AnyValue::Binary(it) => hex::encode(it).into(),
        it if it.is_primitive_numeric() => it.extract::<i64>().into(),
        // Whole: what polars prints of a list leaves out its middle.
        AnyValue::List(many) => many.iter().map(|it| json_value(&it)).collect(),
        it => it.to_string().into(),
    }
}

fn plain_value(value: &AnyValue<'_>) -> String {
    match json_value(value) {
        serde_json::Value::Null => String::new(),
        serde_json::Value::String(it) => it,
        it => it.to_string(),
    }
}

fn table_value(value: &AnyValue<'_>, zone: Zone) -> String {
    match instant(value) {
        Some(at) => zone.show(at),
        None if value.is_null() => "-".into(),
        None => plain_value(value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_match_is_marked_on_a_terminal_and_everything_around_it_is_harmless() {
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let ui = Ui { color: true, ..Ui::new(&mut out, &mut err) };
        let shown = ui.marked("a\x1bb sudo c", &[(4, 8)]);
        assert_eq!(*shown, format!("a\\x1bb {MATCH}sudo{MATCH:#} c"));
    }
}
