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

/// The screens of a session that is played again.
pub mod screen;

/// The audit report, in every form.
pub mod report;

use std::borrow::Cow;
use std::io::IsTerminal;
use std::io::Write;

use anstyle::AnsiColor;
use anstyle::Style;
use chrono::DateTime;
use chrono::SecondsFormat;
use polars::prelude::*;
use serde_json::ser::Formatter;
use unicode_width::UnicodeWidthStr;

use crate::error::Error;
use crate::error::Kind;
use crate::error::Result;
use crate::render::batches::Batches;

/// How rows are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Table,
    Json,
    Jsonl,
    Csv,
    Parquet,
}

/// Whether a character could do something other than be seen: controls, bidirectional overrides,
/// invisible formatting. Joiners inside emoji and scripts are text.
pub(crate) fn is_hostile(ch: char) -> bool {
    match ch {
        '\u{200c}' | '\u{200d}' => false,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' => {
            true
        }
        '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' => true,
        '\u{e0000}'..='\u{e0fff}' => true,
        _ => ch.is_control(),
    }
}

/// Text for one line of a terminal: hostile characters are shown as escapes, line ends as a sign.
///
/// ```
/// use ssmtrail::render::visible;
/// assert_eq!(visible("ls"), "ls");
/// assert_eq!(visible("a\x1b[31mb"), "a\\x1b[31mb");
/// assert_eq!(visible("one\ntwo"), "one ⏎ two");
/// assert_eq!(visible("\u{202e}txt.exe"), "\\u{202e}txt.exe");
/// ```
pub fn visible(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_hostile) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for ch in text.chars() {
        match ch {
            '\n' => out.push_str(" ⏎ "),
            '\t' => out.push_str("    "),
            _ => escape(ch, &mut out),
        }
    }
    Cow::Owned(out)
}

/// A message for the person, without the secrets that an argument, a file's name or a transcript brought into it.
pub fn message(text: &str) -> Cow<'_, str> {
    let mut salt = [0; 32];
    // Without chance the marks can be compared with guesses; that is all.
    let _ = getrandom::fill(&mut salt);
    crate::secrets::Masker::new(salt).text(text)
}

/// Text for several lines of a terminal: tabs and line ends stay.
pub fn visible_lines(text: &str) -> Cow<'_, str> {
    if !text.chars().any(|it| is_hostile(it) && it != '\n' && it != '\t') {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for ch in text.chars() {
        if ch == '\n' || ch == '\t' { out.push(ch) } else { escape(ch, &mut out) }
    }
    Cow::Owned(out)
}

fn escape(ch: char, out: &mut String) {
    use std::fmt::Write as _;
    let _ = match ch {
        _ if !is_hostile(ch) => {
            out.push(ch);
            Ok(())
        }
        _ if (ch as u32) < 0x80 => write!(out, "\\x{:02x}", ch as u32),
        _ => write!(out, "\\u{{{:x}}}", ch as u32),
    };
}

/// Bytes for a terminal: line ends stay, everything hostile or not UTF-8 is shown as an escape.
pub fn visible_bytes(bytes: &[u8], out: &mut String) {
    use std::fmt::Write as _;
    for chunk in bytes.utf8_chunks() {
        for ch in chunk.valid().chars() {
            match ch {
                '\n' => out.push('\n'),
                '\t' => out.push('\t'),
                _ => escape(ch, out),
            }
        }
        for byte in chunk.invalid() {
            let _ = write!(out, "\\x{byte:02x}");
        }
    }
}

/// A cell that no spreadsheet takes for a formula. Excel, LibreOffice and Sheets all evaluate cells that begin
/// with one of these, quoted or not; a leading apostrophe makes them text.
pub fn cell(text: &str) -> Cow<'_, str> {
    let text = visible_lines(text);
    if text
        .trim_start_matches([' ', '"', '\''])
        .starts_with(['=', '+', '-', '@', '\t', '＝', '＋', '－', '＠'])
        || text.starts_with(['\t', '\n'])
    {
        return Cow::Owned(format!("'{text}"));
    }
    text
}

/// JSON whose text holds no hostile character, even when it is read on a terminal.
struct Harmless;

impl Formatter for Harmless {
    fn write_string_fragment<W: ?Sized + Write>(
        &mut self,
        out: &mut W,
        text: &str,
    ) -> std::io::Result<()> {
        let mut from = 0;
        for (at, ch) in text.char_indices().filter(|it| is_hostile(it.1)) {
            out.write_all(&text.as_bytes()[from..at])?;
            let mut units = [0; 2];
            for unit in ch.encode_utf16(&mut units) {
                write!(out, "\\u{unit:04x}")?;
            }
            from = at + ch.len_utf8();
        }
        out.write_all(&text.as_bytes()[from..])
    }
}

/// A value as one line of JSON.
pub fn json(value: &serde_json::Value) -> String {
    let mut out = Vec::new();
    let mut serializer = serde_json::Serializer::with_formatter(&mut out, Harmless);
    match serde::Serialize::serialize(value, &mut serializer) {
        Ok(()) => String::from_utf8_lossy(&out).into_owned(),
        Err(_) => "null".into(),
    }
}

/// A value as lines of JSON for people to read and programs to take: hostile characters, which stand in its texts alone, are
/// written as escapes, so that it says the same.
///
/// ```
/// use ssmtrail::render::json_lines;
/// assert_eq!(json_lines(&serde_json::json!({ "a": "\u{202e}b" })), "{\n  \"a\": \"\\u202eb\"\n}");
/// ```
pub fn json_lines(value: &serde_json::Value) -> String {
    harmless_json(&serde_json::to_string_pretty(value).unwrap_or_default())
}

/// The same for text that holds JSON and is more.
pub fn harmless_json(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut units = [0; 2];
    for ch in text.chars() {
        if ch == '\n' || !is_hostile(ch) {
            out.push(ch);
        } else {
            ch.encode_utf16(&mut units).iter().for_each(|it| out.push_str(&format!("\\u{it:04x}")));
        }
    }
    out
}

/// Zone in which people want to read times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Zone {
    Utc,
    Offset(chrono::FixedOffset),
    Named(chrono_tz::Tz),
}

impl Zone {
    /// The instant with its offset: `2026-08-02 05:32:40Z`, `2026-08-02 14:32:40+09:00`.
    pub fn show(self, micros: i64) -> String {
        let Some(at) = DateTime::from_timestamp_micros(micros) else { return "?".into() };
        match self {
            Self::Utc => at.format("%Y-%m-%d %H:%M:%SZ").to_string(),
            Self::Offset(it) => at.with_timezone(&it).format("%Y-%m-%d %H:%M:%S%:z").to_string(),
            Self::Named(it) => at.with_timezone(&it).format("%Y-%m-%d %H:%M:%S%:z").to_string(),
        }
    }
}

/// When something was: an instant, a range, or what is known of it. `≤` says not after, `≥` not before.
pub fn when(earliest: Option<i64>, latest: Option<i64>, zone: Zone) -> String {
    match (earliest, latest) {
        (None, None) => "-".into(),
        (Some(one), Some(other)) if one == other => zone.show(one),
        (Some(one), Some(other)) => {
            let (one, other) = (zone.show(one), zone.show(other));
            // The day is said once.
            match (one.split_once(' '), other.split_once(' ')) {
                (Some((day, from)), Some((same, to))) if day == same => {
                    let from: String = from.chars().take(8).collect();
                    format!("{day} {from}–{to}")
                }
                _ => format!("{one} – {other}"),
            }
        }
        (None, Some(it)) => format!("≤ {}", zone.show(it)),
        (Some(it), None) => format!("≥ {}", zone.show(it)),
    }
}

/// Sizes as people say them.
pub fn size(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["B", "KB", "MB", "GB", "TB"];
    let mut value = bytes as f64;
    let mut unit = 0;
    while value >= 1000.0 && unit + 1 < UNITS.len() {
        value /= 1000.0;
        unit += 1;
    }
    if unit == 0 { format!("{bytes} B") } else { format!("{value:.1} {}", UNITS[unit]) }
}

/// Counts with a thin mark every three digits: 1,234,567.
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (nth, ch) in digits.chars().enumerate() {
        if nth > 0 && (digits.len() - nth).is_multiple_of(3) {
            out.push(',');
        }
        out.push(ch);
    }
    out
}

/// `1 session`, `2 sessions`.
pub fn plural(number: u64, word: &str) -> String {
    plural_of(number, word, &format!("{word}s"))
}

/// The same of a word whose plural is no `s`.
pub fn plural_of(number: u64, one: &str, many: &str) -> String {
    format!("{} {}", count(number), if number == 1 { one } else { many })
}

/// The face of the program: where output goes and what it may look like.
pub struct Ui<'a> {
    pub out: &'a mut dyn Write,
    pub err: &'a mut dyn Write,
    pub color: bool,
    /// Standard output is a terminal of this many columns.
    pub columns: Option<usize>,
    pub zone: Zone,
}

/// When to colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Color {
    Auto,
    Always,
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

pub const BOLD: Style = Style::new().bold();
pub const DIM: Style = Style::new().dimmed();
pub const MATCH: Style = Style::new().bold().fg_color(Some(anstyle::Color::Ansi(AnsiColor::Red)));
pub const NAME: Style = Style::new().fg_color(Some(anstyle::Color::Ansi(AnsiColor::Cyan)));
pub const WARN: Style = Style::new().fg_color(Some(anstyle::Color::Ansi(AnsiColor::Yellow)));

impl Ui<'_> {
    /// Text in a style, if there is colour.
    pub fn paint(&self, style: Style, text: &str) -> String {
        if self.color && !text.is_empty() {
            format!("{style}{text}{style:#}")
        } else {
            text.to_owned()
        }
    }

    /// A line of data. Text must be harmless already.
    pub fn line(&mut self, text: &str) -> Result<()> {
        writeln!(self.out, "{text}").map_err(|it| broken(&it))
    }

    /// Data as it is.
    pub fn raw(&mut self, bytes: &[u8]) -> Result<()> {
        self.out.write_all(bytes).map_err(|it| broken(&it))
    }

    /// A line for the person, on standard error. Trouble with it is no trouble.
    pub fn note(&mut self, text: &str) {
        // Data and notes meet on one terminal: what was said first is shown first.
        let _ = self.out.flush();
        let _ = writeln!(self.err, "{}", message(text));
    }

    /// Text with its matches marked, harmless and on one line.
    pub fn marked(&self, text: &str, spans: &[(usize, usize)]) -> String {
        if !self.color || spans.is_empty() {
            return visible(text).into_owned();
        }
        let mut out = String::new();
        let mut at = 0;
        for (from, to) in spans {
            let (from, to) = ((*from).max(at), (*to).min(text.len()));
            if from < to && text.is_char_boundary(from) && text.is_char_boundary(to) {
                out.push_str(&visible(&text[at..from]));
                out.push_str(&self.paint(MATCH, &visible(&text[from..to])));
                at = to;
            }
        }
        out.push_str(&visible(&text[at..]));
        out
    }

    /// Rows in columns, each as wide as it must be. Cells must be harmless already; the last column is cut to the
    /// terminal's width if there is one.
    pub fn table(&mut self, head: &[&str], right: &[usize], rows: &[Vec<String>]) -> Result<()> {
        let columns = head.len();
        let mut widths: Vec<usize> = head.iter().map(|it| it.width()).collect();
        for row in rows {
            for (nth, text) in row.iter().enumerate() {
                widths[nth] = widths[nth].max(shown_width(text));
            }
        }
        let line = |ui: &Self, row: &[String], bold: bool| {
            let mut out = String::new();
            for (nth, text) in row.iter().enumerate() {
                let pad = widths[nth].saturating_sub(shown_width(text));
                let body = if bold { ui.paint(BOLD, text) } else { text.clone() };
                if nth > 0 {
                    out.push_str("  ");
                }
                if right.contains(&nth) {
                    out.push_str(&" ".repeat(pad));
                    out.push_str(&body);
                } else if nth + 1 < columns {
                    out.push_str(&body);
                    out.push_str(&" ".repeat(pad));
                } else {
                    let used: usize = widths[..nth].iter().sum::<usize>() + 2 * nth;
                    out.push_str(&fit(&body, ui.columns.map(|it| it.saturating_sub(used).max(24))));
                }
            }
            out.trim_end().to_owned()
        };
        let names: Vec<String> = head.iter().map(|it| (*it).to_owned()).collect();
        let text = line(self, &names, true);
        self.line(&text)?;
        for row in rows {
            let text = line(self, row, false);
            self.line(&text)?;
        }
        Ok(())
    }
}

/// Width on a terminal, without the styles we put in ourselves.
fn shown_width(text: &str) -> usize {
    if !text.contains('\x1b') {
        return text.width();
    }
    let mut width = 0;
    let mut rest = text;
    while let Some(at) = rest.find('\x1b') {
        width += rest[..at].width();
        rest = rest[at..].split_once('m').map_or("", |it| it.1);
    }
    width + rest.width()
}

/// Cuts text to a width, with a sign that it was cut.
fn fit(text: &str, most: Option<usize>) -> String {
    let Some(most) = most else { return text.to_owned() };
    if text.contains('\x1b') || text.width() <= most {
        return text.to_owned();
    }
    let mut out = String::new();
    let mut width = 0;
    for ch in text.chars() {
        let wide = unicode_width::UnicodeWidthChar::width(ch).unwrap_or(0);
        if width + wide + 1 > most {
            break;
        }
        width += wide;
        out.push(ch);
    }
    out.push('…');
    out
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
    pub what: &'a str,
    pub format: Format,
    pub lists: &'a [&'a str],
    began: bool,
    /// Rows of a table, whose widths are known only at its end.
    held: Vec<DataFrame>,
    batches: Option<Batches>,
    rows: usize,
}

impl<'a> Rows<'a> {
    pub fn new(what: &'a str, format: Format, lists: &'a [&'a str]) -> Self {
        Self { what, format, lists, began: false, held: Vec::new(), batches: None, rows: 0 }
    }

    /// Writes some rows; all calls must bring the same columns.
    pub fn write(&mut self, ui: &mut Ui<'_>, frame: &DataFrame) -> Result<()> {
        self.rows += frame.height();
        match self.format {
            Format::Jsonl => self.json_rows(frame, |text| ui.line(&text)),
            Format::Json => {
                if !self.began {
                    self.began = true;
                    let head = format!("{{\"version\":1,\"{}\":[", self.what);
                    ui.raw(head.as_bytes())?;
                }
                let mut first = self.rows == frame.height();
                self.json_rows(frame, |text| {
                    let comma = if first { "\n" } else { ",\n" };
                    first = false;
                    ui.raw(comma.as_bytes())?;
                    ui.raw(text.as_bytes())
                })
            }
            Format::Csv => self.csv(ui, frame),
            Format::Parquet => {
                let batches = match &mut self.batches {
                    Some(it) => it,
                    none => none.insert(Batches::new(&frame.clear())?),
                };
                batches.push(frame, |it| ui.raw(it))
            }
            Format::Table => {
                self.held.push(frame.clone());
                Ok(())
            }
        }
    }

    fn json_rows(
        &self,
        frame: &DataFrame,
        mut take: impl FnMut(String) -> Result<()>,
    ) -> Result<()> {
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
                record.push(if number { text } else { cell(&text).into_owned() });
            }
            writer.write_record(&record).map_err(fail)?;
        }
        let bytes = writer
            .into_inner()
            .map_err(|it| Error::new(Kind::Refused, format!("cannot write CSV: {it}")))?;
        ui.raw(&bytes)
    }

    /// Ends the output; returns how many rows there were.
    pub fn finish(mut self, ui: &mut Ui<'_>, empty: &DataFrame) -> Result<usize> {
        match self.format {
            Format::Json => {
                if !self.began {
                    let head = format!("{{\"version\":1,\"{}\":[", self.what);
                    ui.raw(head.as_bytes())?;
                }
                ui.raw(b"\n]}\n")?;
            }
            Format::Csv if !self.began => self.csv(ui, empty)?,
            Format::Parquet => {
                let batches = match self.batches.take() {
                    Some(it) => it,
                    None => Batches::new(&empty.clear())?,
                };
                batches.finish(|it| ui.raw(it))?;
            }
            Format::Table => {
                let frames = std::mem::take(&mut self.held);
                let zone = ui.zone;
                let Some(first) = frames.first() else { return Ok(self.rows) };
                let names: Vec<String> =
                    first.get_column_names().iter().map(|it| it.to_uppercase()).collect();
                let head: Vec<&str> = names.iter().map(String::as_str).collect();
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
                            cells.push(visible(&table_value(&value, zone)).into_owned());
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
        return DateTime::from_timestamp_micros(at).map_or(serde_json::Value::Null, |it| {
            it.to_rfc3339_opts(SecondsFormat::AutoSi, true).into()
        });
    }
    match value {
        AnyValue::Null => serde_json::Value::Null,
        AnyValue::Boolean(it) => (*it).into(),
        AnyValue::String(it) => (*it).into(),
        AnyValue::StringOwned(it) => it.as_str().into(),
        AnyValue::Float64(it) => (*it).into(),
        AnyValue::Float32(it) => f64::from(*it).into(),
        AnyValue::UInt64(it) => (*it).into(),
        AnyValue::Binary(it) => crate::archive::manifest::hex(it).into(),
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
    fn nothing_hostile_is_left_of_an_attack_on_the_terminal() {
        for attack in [
            "\x1b]0;owned\x07",
            "\x1b]52;c;cm0gLXJmIC8=\x07",
            "\x1b[2J\x1b[H",
            "\u{9b}31m",
            "safe\r\x1b[Krm -rf /",
            "\u{202e}gpj.exe",
            "a\u{200b}b",
            "\0\x08\x7f",
            "tag\u{e0041}s",
        ] {
            let shown = visible(attack);
            assert!(!shown.chars().any(is_hostile), "{attack:?} became {shown:?}");
            assert!(!visible_lines(attack).chars().any(|it| is_hostile(it) && it != '\n'));
            let json = json(&attack.into());
            assert!(!json.chars().any(is_hostile), "{attack:?} became {json:?}");
            assert_eq!(
                serde_json::from_str::<String>(&json).unwrap(),
                attack,
                "JSON keeps what it hides"
            );
        }
    }

    #[test]
    fn a_match_is_marked_on_a_terminal_and_everything_around_it_is_harmless() {
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let ui =
            Ui { out: &mut out, err: &mut err, color: true, columns: Some(80), zone: Zone::Utc };
        let shown = ui.marked("a\x1bb sudo c", &[(4, 8)]);
        assert_eq!(shown, format!("a\\x1bb {MATCH}sudo{MATCH:#} c"));
    }

    #[test]
    fn other_scripts_are_text() {
        for text in ["日本語のコマンド", "café", "👩‍🚀", "Привет", "שלום"]
        {
            assert_eq!(visible(text), text);
        }
    }

    #[test]
    fn no_cell_is_a_formula() {
        for attack in ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", " =1", "\"=1", "＝1"] {
            assert!(cell(attack).starts_with('\''), "{attack:?}");
        }
        assert_eq!(cell("ls -l"), "ls -l");
    }

    #[test]
    fn a_range_says_its_day_once() {
        let at = |text: &str| DateTime::parse_from_rfc3339(text).unwrap().timestamp_micros();
        let (one, other) = (at("2026-08-02T05:32:40Z"), at("2026-08-02T05:32:44Z"));
        assert_eq!(when(Some(one), Some(other), Zone::Utc), "2026-08-02 05:32:40–05:32:44Z");
        assert_eq!(when(None, Some(one), Zone::Utc), "≤ 2026-08-02 05:32:40Z");
        assert_eq!(when(Some(one), Some(one), Zone::Utc), "2026-08-02 05:32:40Z");
        assert_eq!(when(None, None, Zone::Utc), "-");
    }

    #[test]
    fn numbers_are_said_as_people_say_them() {
        assert_eq!(count(1_234_567), "1,234,567");
        assert_eq!(plural(1, "session"), "1 session");
        assert_eq!(size(1_500_000), "1.5 MB");
    }
}
