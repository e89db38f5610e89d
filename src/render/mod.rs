//! Values → what people and programs read. Every foreign byte is made harmless here.
//!
//! A transcript is written by whoever was recorded. Nothing of it may reach a terminal as a control sequence, a
//! spreadsheet as a formula, or a page as anything but text; so all output goes through the functions below, and
//! no other room prints. What is escaped stays readable and is never dropped.

/// The terminal, or whatever stands for it.
mod ui;

/// Rows as a Parquet file.
pub mod batches;

/// CSV, which spreadsheets read.
mod csv;

/// Rows in any format.
mod rows;

/// Markdown, for tickets and wikis.
mod markdown;

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

/// What a sync did.
pub mod summary;

/// The audit report, in every form.
pub mod report;

pub use rows::Format;
pub use rows::Rows;
pub use ui::BOLD;
pub use ui::Color;
pub use ui::DIM;
pub use ui::MATCH;
pub use ui::NAME;
pub use ui::Ui;
pub use ui::WARN;
pub use ui::message;
