//! Streamed lines before they are restored and after, and how wide a window is believed to be.

/// No window that we believe in is narrower.
pub(super) const NARROWEST: usize = 38;
/// Columns that every window has.
pub(super) const LONG: usize = 60;
/// Blanks behind the mark that zsh and fish print to fill a row.
pub(super) const FILLING: usize = 19;

use crate::transcript::wire::RawLine;

/// A line as it may have been before it was streamed.
pub struct Restored {
    /// The line, with the bytes that may have left the terminal.
    pub line: RawLine<Vec<u8>>,
    /// Window width it was drawn for, where known.
    pub width: Option<usize>,
    /// What is to be said of it: see [`bits`](crate::transcript::screen::bits).
    pub bits: u16,
}
