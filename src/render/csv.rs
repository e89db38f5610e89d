//! CSV of which a spreadsheet evaluates nothing: every text is escaped here, and there is no other writer of it.

use std::io::Write;

use serde_json::Value;

use crate::error::Error;
use crate::error::Kind;
use crate::error::Result;
use crate::text::cell;

/// Records, one after the other.
pub(super) struct Csv<W: Write> {
    writer: csv::Writer<W>,
    /// What is being written, for whoever is told that it cannot be.
    what: &'static str,
}

impl<W: Write> Csv<W> {
    /// Nothing written yet.
    pub(super) fn new(out: W, what: &'static str) -> Self {
        Self { writer: csv::Writer::from_writer(out), what }
    }

    /// A record: texts that no spreadsheet takes for a formula, numbers, and nothing for null.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(super) fn record(
        &mut self,
        values: impl IntoIterator<Item = impl Into<Value>>,
    ) -> Result<()> {
        let what = self.what;
        let refused = |it: csv::Error| refused(what, &it);
        for value in values {
            match value.into() {
                Value::Null => self.writer.write_field(""),
                Value::Number(it) => self.writer.write_field(it.to_string()),
                Value::String(it) => self.writer.write_field(&*cell(&it)),
                it => self.writer.write_field(&*cell(&it.to_string())),
            }
            .map_err(refused)?;
        }
        self.writer.write_record(None::<&[u8]>).map_err(refused)
    }

    /// Everything is written; gives back what it was written into.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(super) fn finish(self) -> Result<W> {
        let what = self.what;
        self.writer.into_inner().map_err(|it| refused(what, it.error()))
    }
}

fn refused(what: &str, it: &dyn std::fmt::Display) -> Error {
    Error::new(Kind::Refused, format!("cannot write {what}: {it}"))
}
