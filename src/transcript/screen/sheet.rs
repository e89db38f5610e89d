//! A sheet of rows with a cursor: the main page, or that of a full-screen program.

use std::collections::VecDeque;

use crate::transcript::screen::cells::Row;

/// The main page, or the page of a full-screen program.
#[derive(Default)]
pub(super) struct Sheet {
    pub(super) rows: VecDeque<Row>,
    /// Number of the first row held; rows before it are final.
    pub(super) base: u64,
    pub(super) row: u64,
    pub(super) col: usize,
    /// The last column was filled: the next character goes to the next row.
    pub(super) wrap_due: bool,
    pub(super) saved: (u64, usize),
    /// Row number that absolute addresses count from.
    pub(super) top: u64,
    /// Scroll region, as row numbers from the top; only full-screen programs set one.
    pub(super) margins: Option<(u64, u64)>,
}

impl Sheet {
    /// One of an empty row.
    pub(super) fn new() -> Self {
        Self { rows: VecDeque::from([Row::new()]), ..Self::default() }
    }

    /// The row under the cursor is there.
    #[inline]
    pub(super) fn new_row(&mut self) {
        while self.row >= self.base + self.rows.len() as u64 {
            self.rows.push_back(Row::new());
        }
    }

    /// First row of the logical line that `number` belongs to.
    #[inline]
    pub(super) fn line_start(&self, number: u64) -> u64 {
        let mut first = number;
        while first > self.base && self.rows[(first - 1 - self.base) as usize].wrapped {
            first -= 1;
        }
        first
    }
}
