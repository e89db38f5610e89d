//! A sheet of rows with a cursor: the main page, or that of a full-screen program.

use std::collections::VecDeque;
use std::ops::Index;
use std::ops::IndexMut;
use std::ops::RangeInclusive;

use crate::transcript::screen::cells::Row;

/// The main page, or the page of a full-screen program. Its rows are found by their numbers.
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

impl Index<u64> for Sheet {
    type Output = Row;

    #[inline]
    fn index(&self, number: u64) -> &Row {
        &self.rows[self.place(number)]
    }
}

impl IndexMut<u64> for Sheet {
    #[inline]
    fn index_mut(&mut self, number: u64) -> &mut Row {
        let place = self.place(number);
        &mut self.rows[place]
    }
}

impl Sheet {
    /// One of an empty row.
    pub(super) fn new() -> Self {
        Self { rows: VecDeque::from([Row::new()]), ..Self::default() }
    }

    /// Where a row stands among those held.
    #[inline]
    pub(super) fn place(&self, number: u64) -> usize {
        (number - self.base) as usize
    }

    /// Number of the first row below those held.
    #[inline]
    pub(super) fn end(&self) -> u64 {
        self.base + self.rows.len() as u64
    }

    /// The row under the cursor.
    #[inline]
    pub(super) fn here(&self) -> &Row {
        &self[self.row]
    }

    /// The row under the cursor, there to be changed.
    #[inline]
    pub(super) fn here_mut(&mut self) -> &mut Row {
        let number = self.row;
        &mut self[number]
    }

    /// The row under the cursor is there.
    #[inline]
    pub(super) fn new_row(&mut self) {
        while self.row >= self.end() {
            self.rows.push_back(Row::new());
        }
    }

    /// The rows of the logical line that `number` belongs to, as places among those held.
    #[inline]
    pub(super) fn line_of(&self, number: u64) -> RangeInclusive<usize> {
        let here = self.place(number);
        let above = self.rows.range(..here).rev().take_while(|it| it.wrapped).count();
        let below = self.rows.range(here..).take_while(|it| it.wrapped).count();
        here - above..=(here + below).min(self.rows.len() - 1)
    }
}
