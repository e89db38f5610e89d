//! Rows of the archive in the formats that people and programs ask for by name.

use polars::prelude::*;
use serde_json::Value;

use super::batches::Batches;
use super::batches::failed;
use super::csv::Csv;
use super::ui::Ui;
use crate::error::Result;
use crate::text::Safe;
use crate::text::Visible;
use crate::text::json;
use crate::text::visible;
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

impl Format {
    fn writer(self, names: RowNames) -> Box<dyn RowWriter> {
        match self {
            Self::Table => Box::new(TableRows::default()),
            Self::Json => Box::new(JsonRows { names, rows: 0 }),
            Self::Jsonl => Box::new(JsonLineRows { names }),
            Self::Csv => Box::new(CsvRows::default()),
            Self::Parquet => Box::new(ParquetRows::default()),
        }
    }
}

/// What JSON calls the rows, and the columns that it gives as arrays: in the archive their words are joined by `+`.
#[derive(Clone, Copy)]
struct RowNames {
    rows: &'static str,
    lists: &'static [&'static str],
}

/// Writes rows in one format; every frame has the same columns.
trait RowWriter {
    fn write(&mut self, ui: &mut Ui<'_>, frame: &DataFrame) -> Result<()>;

    /// Ends the output. `empty` has the columns, for a format that names them even where there are no rows.
    fn finish(&mut self, _: &mut Ui<'_>, _empty: &DataFrame) -> Result<()> {
        Ok(())
    }
}

/// Rows on their way out.
pub struct Rows {
    writer: Box<dyn RowWriter>,
    rows: usize,
}

impl Rows {
    /// Nothing written yet. JSON lists the rows under `what`, and the words of the columns named in `lists` as arrays.
    pub fn new(what: &'static str, format: Format, lists: &'static [&'static str]) -> Self {
        Self { writer: format.writer(RowNames { rows: what, lists }), rows: 0 }
    }

    /// Writes some rows; all calls must bring the same columns.
    ///
    /// # Errors
    /// When the output cannot be written, or a column cannot be read.
    pub fn write(&mut self, ui: &mut Ui<'_>, frame: &DataFrame) -> Result<()> {
        self.rows += frame.height();
        self.writer.write(ui, frame)
    }

    /// Ends the output; returns how many rows there were.
    ///
    /// # Errors
    /// When the output cannot be written, or a column cannot be read.
    pub fn finish(mut self, ui: &mut Ui<'_>, empty: &DataFrame) -> Result<usize> {
        self.writer.finish(ui, &empty.clear())?;
        Ok(self.rows)
    }
}

/// The widths of a table are known only at its end.
#[derive(Default)]
struct TableRows {
    head: Vec<Safe>,
    right: Vec<usize>,
    rows: Vec<Vec<Safe>>,
}

impl RowWriter for TableRows {
    fn write(&mut self, ui: &mut Ui<'_>, frame: &DataFrame) -> Result<()> {
        let names = frame.get_column_names();
        self.head = names.iter().map(|it| visible(&it.to_uppercase())).collect();
        let is_number = |nth: &usize| frame.columns()[*nth].dtype().is_primitive_numeric();
        self.right = (0..frame.width()).filter(is_number).collect();
        for row in 0..frame.height() {
            let cell = |it: AnyValue<'_>| table_value(&it, ui.zone);
            self.rows.push(values(frame, row).map(|it| it.map(cell)).collect::<Result<_>>()?);
        }
        Ok(())
    }

    fn finish(&mut self, ui: &mut Ui<'_>, _: &DataFrame) -> Result<()> {
        if self.head.is_empty() {
            return Ok(());
        }
        ui.table(&self.head, &self.right, &self.rows)
    }
}

struct JsonLineRows {
    names: RowNames,
}

impl RowWriter for JsonLineRows {
    fn write(&mut self, ui: &mut Ui<'_>, frame: &DataFrame) -> Result<()> {
        (0..frame.height()).try_for_each(|row| ui.line(json(&self.names.object(frame, row)?)))
    }
}

struct JsonRows {
    names: RowNames,
    rows: usize,
}

impl JsonRows {
    fn head(&self, ui: &mut Ui<'_>) -> Result<()> {
        ["{\"version\":1,\"", self.names.rows, "\":["].into_iter().try_for_each(|it| ui.text(it))
    }
}

impl RowWriter for JsonRows {
    fn write(&mut self, ui: &mut Ui<'_>, frame: &DataFrame) -> Result<()> {
        for row in 0..frame.height() {
            match self.rows {
                0 => self.head(ui)?,
                _ => ui.text(",")?,
            }
            self.rows += 1;
            ui.text("\n")?;
            ui.text(json(&self.names.object(frame, row)?))?;
        }
        Ok(())
    }

    fn finish(&mut self, ui: &mut Ui<'_>, _: &DataFrame) -> Result<()> {
        if self.rows == 0 {
            self.head(ui)?;
        }
        ui.text("\n]}\n")
    }
}

#[derive(Default)]
struct CsvRows {
    has_head: bool,
}

impl RowWriter for CsvRows {
    fn write(&mut self, ui: &mut Ui<'_>, frame: &DataFrame) -> Result<()> {
        let mut csv = Csv::new(Vec::new(), "CSV");
        if !self.has_head {
            self.has_head = true;
            csv.record(frame.get_column_names().iter().map(|it| it.as_str()))?;
        }
        for row in 0..frame.height() {
            let record: Vec<Value> =
                values(frame, row).map(|it| Ok(json_value(&it?))).collect::<Result<_>>()?;
            csv.record(record)?;
        }
        ui.bytes(&csv.finish()?)
    }

    fn finish(&mut self, ui: &mut Ui<'_>, empty: &DataFrame) -> Result<()> {
        if self.has_head { Ok(()) } else { self.write(ui, empty) }
    }
}

#[derive(Default)]
struct ParquetRows {
    batches: Option<Batches>,
}

impl RowWriter for ParquetRows {
    fn write(&mut self, ui: &mut Ui<'_>, frame: &DataFrame) -> Result<()> {
        let batches = match &mut self.batches {
            Some(it) => it,
            none => none.insert(Batches::new(&frame.clear())?),
        };
        batches.push(frame, |it| ui.bytes(it))
    }

    fn finish(&mut self, ui: &mut Ui<'_>, empty: &DataFrame) -> Result<()> {
        let batches = match self.batches.take() {
            Some(it) => it,
            None => Batches::new(empty)?,
        };
        batches.finish(|it| ui.bytes(it)).map(drop)
    }
}

impl RowNames {
    /// A row as JSON.
    fn object(&self, frame: &DataFrame, row: usize) -> Result<Value> {
        let names = frame.get_column_names().into_iter().map(|it| it.as_str());
        let fields = names.zip(values(frame, row)).map(|(name, value)| {
            let value = match json_value(&value?) {
                Value::String(text) if self.lists.contains(&name) => {
                    text.split('+').filter(|it| !it.is_empty()).collect()
                }
                it => it,
            };
            Ok((name.to_owned(), value))
        });
        Ok(Value::Object(fields.collect::<Result<_>>()?))
    }
}

/// The values of a row, in the order of the columns.
fn values(frame: &DataFrame, row: usize) -> impl Iterator<Item = Result<AnyValue<'_>>> {
    frame.columns().iter().map(move |it| it.get(row).map_err(|it| failed(&it)))
}

fn instant(value: &AnyValue<'_>) -> Option<At> {
    match value {
        AnyValue::Datetime(at, unit, _) | AnyValue::DatetimeOwned(at, unit, _) => {
            Some(At(match unit {
                TimeUnit::Nanoseconds => at / 1000,
                TimeUnit::Microseconds => *at,
                TimeUnit::Milliseconds => at.saturating_mul(1000),
            }))
        }
        _ => None,
    }
}

fn json_value(value: &AnyValue<'_>) -> Value {
    if let Some(at) = instant(value) {
        return at.rfc3339().into();
    }
    match value {
        AnyValue::Null => Value::Null,
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

fn table_value(value: &AnyValue<'_>, zone: Zone) -> Safe {
    if let Some(at) = instant(value) {
        return zone.show(at).safe();
    }
    match json_value(value) {
        Value::Null if value.is_null() => "-".into(),
        Value::Null => Safe::default(),
        Value::String(it) => it.safe(),
        it => it.safe(),
    }
}
