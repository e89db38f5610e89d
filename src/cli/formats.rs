//! The names of the forms in which rows and answers are written.

use clap::ValueEnum;

use crate::error::Error;
use crate::error::Result;
use crate::render::Format;
use crate::render::Ui;

/// How an answer of little structure is written.
#[derive(Clone, Copy, Debug, ValueEnum, PartialEq, Eq)]
pub(super) enum AnswerForm {
    Table,
    Json,
}

#[derive(Clone, Copy, Debug, ValueEnum, PartialEq, Eq)]
pub(super) enum FormatName {
    Table,
    Json,
    Jsonl,
    Csv,
    Parquet,
}

impl FormatName {
    fn format(self) -> Format {
        match self {
            Self::Table => Format::Table,
            Self::Json => Format::Json,
            Self::Jsonl => Format::Jsonl,
            Self::Csv => Format::Csv,
            Self::Parquet => Format::Parquet,
        }
    }
}

/// Refuses to pour binary data over a terminal.
pub(super) fn checked(format: FormatName, ui: &Ui<'_>) -> Result<Format> {
    if format == FormatName::Parquet && ui.columns.is_some() {
        return Err(Error::misused("Parquet is binary and standard output is a terminal")
            .hint("write it to a file: … --format parquet > rows.parquet"));
    }
    Ok(format.format())
}
