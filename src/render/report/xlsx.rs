//! The spreadsheet twin: a sheet of sentences and a sheet for each table. Every text is written as a string, so that no
//! cell is ever a formula.

use std::io::Write;

use rust_xlsxwriter::DocProperties;
use rust_xlsxwriter::ExcelDateTime;
use rust_xlsxwriter::Format;
use rust_xlsxwriter::Workbook;
use rust_xlsxwriter::XlsxError;
use serde_json::Value;

use super::paper::Paper;
use super::table::in_one;
use super::table::tables;
use crate::error::Error;
use crate::error::Kind;
use crate::error::Result;
use crate::text;
use text::count;
use text::visible_lines;

/// Rows of a sheet and characters of a cell ("Excel specifications and limits").
const MOST_ROWS: usize = 1_048_576;
const MOST_CHARACTERS: usize = 32_767;

/// Writes the workbook.
///
/// # Errors
/// What stopped the writing.
pub fn xlsx<W: Write + std::io::Seek + Send>(paper: &Paper<'_>, out: W) -> Result<()> {
    write(paper, out)
        .map_err(|it| Error::new(Kind::Refused, format!("cannot write the spreadsheet: {it}")))
}

fn write<W: Write + std::io::Seek + Send>(paper: &Paper<'_>, out: W) -> Result<(), XlsxError> {
    let mut book = Workbook::new();
    // The same report is the same file whenever it is written.
    let written = ExcelDateTime::from_ymd(2000, 1, 1)?;
    book.set_properties(&DocProperties::new().set_creation_datetime(&written));
    let bold = Format::new().set_bold();
    let wrapped = Format::new().set_text_wrap();

    let words = paper.words;
    let sheet = book.add_worksheet_with_constant_memory()?;
    sheet.set_name("report")?;
    sheet.set_column_width(0, 28)?;
    sheet.set_column_width(1, 110)?;
    sheet.write_string_with_format(0, 0, words.title, &bold)?;
    let mut row = 2;
    // The head of the chain tells the order of reading; the workbook is the same whatever that was.
    for (name, text) in paper.cover().into_iter().filter(|it| it.0 != words.head) {
        sheet.write_string(row, 0, name)?;
        sheet.write_string_with_format(row, 1, text_of(&text), &wrapped)?;
        row += 1;
    }
    for (name, texts) in [(words.summary, paper.summary()), (words.limits, paper.limits())] {
        row += 1;
        sheet.write_string_with_format(row, 0, name, &bold)?;
        for text in texts {
            sheet.write_string_with_format(row, 1, text_of(&text), &wrapped)?;
            row += 1;
        }
    }

    for mut table in tables(paper) {
        let sheet = book.add_worksheet_with_constant_memory()?;
        sheet.set_name(table.name)?;
        sheet.set_freeze_panes(1, 0)?;
        for (column, name) in table.columns.iter().enumerate() {
            let width = match *name {
                "command" | "seen" | "details" | "locator" | "retention" => 60,
                "seq" | "depth" | "confidence" | "line_number" | "kind" => 10,
                _ => 22,
            };
            sheet.set_column_width(column as u16, width)?;
            sheet.write_string_with_format(0, column as u16, *name, &bold)?;
        }
        let mut rows = 1;
        // The last row is kept for saying what was left out.
        for cells in table.rows.by_ref().take(MOST_ROWS - 2) {
            for (column, cell) in cells.into_iter().enumerate() {
                let (row, column) = (rows as u32, column as u16);
                match in_one(cell, ", ") {
                    Value::String(it) => sheet.write_string(row, column, text_of(&it))?,
                    Value::Number(it) => {
                        sheet.write_number(row, column, it.as_f64().unwrap_or_default())?
                    }
                    _ => continue,
                };
            }
            rows += 1;
        }
        let left = table.rows.count();
        if left > 0 {
            let text = super::words::fill(words.more_n, &[&count(left as u64)]);
            sheet.write_string(rows as u32, 0, format!("… {text}: CSV, JSON"))?;
        }
        if rows > 1 {
            sheet.autofilter(0, 0, rows as u32 - 1, table.columns.len() as u16 - 1)?;
        }
    }
    book.save_to_writer(out)
}

/// Text that a cell can hold, nothing of which acts.
fn text_of(text: &str) -> String {
    let text = visible_lines(text);
    // Excel counts UTF-16 units.
    if text.len() <= MOST_CHARACTERS || text.encode_utf16().count() <= MOST_CHARACTERS {
        return text.into();
    }
    const CUT: &str = "… (cut)";
    let mut units = CUT.encode_utf16().count();
    let end = text.char_indices().find(|it| {
        units += it.1.len_utf16();
        units > MOST_CHARACTERS
    });
    format!("{}{CUT}", &text[..end.map_or(text.len(), |it| it.0)])
}
