//! What the archive says of a window → the documents that people and programs read. The same facts in the same words stand
//! in each form; what a form leaves out for size it says, and where the rest is.

/// Words in each language.
mod words;

/// The facts, and how each is said.
mod paper;

/// The tables that programs read.
mod table;

/// One page.
pub(in crate::render) mod html;

/// Markdown, JSON and CSV.
pub mod text;

/// A workbook.
mod xlsx;

pub use html::html;
pub use paper::Language;
pub use paper::Paper;
pub use paper::Places;
pub use xlsx::xlsx;
