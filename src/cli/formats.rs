//! Words of the command line, and what each stands for; how rows are written.

use clap::builder::PossibleValuesParser;
use clap::builder::TypedValueParser;

use crate::error::Error;
use crate::error::Result;
use crate::render::Format;
use crate::render::Ui;

/// One of these words, read as what stands beside it.
pub(super) fn one_of<T>(words: &'static [(&'static str, T)]) -> impl TypedValueParser<Value = T>
where
    T: Copy + Send + Sync + 'static,
{
    let read = move |word: String| {
        words.iter().find(|it| it.0 == word).map(|it| it.1).ok_or("no such word")
    };
    PossibleValuesParser::new(words.iter().map(|it| it.0)).try_map(read)
}

/// Forms of rows.
pub(super) const FORMATS: &[(&str, Format)] = &[
    ("table", Format::Table),
    ("json", Format::Json),
    ("jsonl", Format::Jsonl),
    ("csv", Format::Csv),
    ("parquet", Format::Parquet),
];

/// Forms of an answer of little structure.
pub(super) const ANSWERS: &[(&str, Format)] = &[("table", Format::Table), ("json", Format::Json)];

/// Refuses to pour binary data over a terminal.
pub(super) fn checked(format: Format, ui: &Ui<'_>) -> Result<()> {
    if format == Format::Parquet && ui.columns.is_some() {
        return Err(Error::misused("Parquet is binary and standard output is a terminal")
            .hint("write it to a file: … --format parquet > rows.parquet"));
    }
    Ok(())
}
