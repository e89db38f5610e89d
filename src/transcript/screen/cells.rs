//! Cells and rows: what stands where on the page, and what a row shows.

use unicode_width::UnicodeWidthChar;

use crate::transcript::screen::drawn::bits;
use crate::transcript::screen::drawn::is_ornament;

/// Rows kept within reach of the cursor; older ones are final. Taller than any window we have seen.
pub(super) const REACH: usize = 400;
/// Cells in one row before it is cut. Longer lines are split, and the split is marked.
pub(super) const ROW_CELLS_MAX: usize = 1 << 16;
/// No window is wider. A cursor beyond it, carried from row to row by line feeds without CR, would make each
/// row cost more than the one before.
pub(super) const WIDEST: usize = 512;
/// Rows that one sequence may insert or delete; no window scrolls farther at once.
pub(super) const ROWS_AT_ONCE: u64 = 128;
/// Older versions kept of one row; what is beyond is counted.
pub(super) const VERSIONS_MAX: usize = 64;

#[derive(Clone, Copy, PartialEq)]
pub(super) struct Cell {
    pub(super) ch: char,
    pub(super) bits: u8,
}

/// Second half of a wide character, or the blank left where one did not fit: never text.
pub(super) const FILLER: u8 = 1;
/// On the row before the input region began.
pub(super) const BEFORE: u8 = 2;
/// Painted grey: a suggestion of the shell, not typed.
pub(super) const FAINT: u8 = 4;
/// Inverse: zle shows so what it cannot show.
pub(super) const INVERSE: u8 = 8;
/// To the right of a place that the cursor was saved at and put back to.
pub(super) const RIGHT: u8 = 16;
pub(super) const BLANK: Cell = Cell { ch: ' ', bits: 0 };

#[derive(Default)]
pub(super) struct Row {
    pub(super) cells: Vec<Cell>,
    /// A row that was plain text from end to end lives in the arena until someone moves onto it.
    pub(super) plain: (u32, u32),
    /// Continues on the next row because it met the margin.
    pub(super) wrapped: bool,
    /// Changed since it was last committed.
    pub(super) fresh: bool,
    /// Its line editor suggests in grey (zle, fish). readline never does: grey is what was typed there.
    pub(super) suggests: bool,
    pub(super) from: u64,
    pub(super) to: u64,
    pub(super) bits: u16,
    pub(super) title_col: u16,
    pub(super) low_col: u16,
    pub(super) paint_col: u16,
    /// Combining characters: column they stand on, and the character. Columns ascend.
    pub(super) marks: Vec<(u32, char)>,
    pub(super) versions: Vec<(String, u64, u64)>,
}

impl Row {
    pub(super) fn new() -> Self {
        Self { low_col: u16::MAX, ..Self::default() }
    }

    /// The cursor went back to this column.
    pub(super) fn goes_back_to(&mut self, col: usize) {
        self.low_col = self.low_col.min(as_column(col));
    }

    /// A row on which nothing is left and nothing was hidden is no line, though something was erased there.
    pub(super) fn forget_blanks(&mut self) {
        if self.fresh && self.versions.is_empty() && self.is_blank() {
            self.fresh = false;
        }
    }

    /// See [`Line::end_col`](crate::transcript::screen::drawn::Line::end_col).
    pub(super) fn typed_end(&self) -> u16 {
        let right = |it: &Cell| it.ch != ' ' && it.bits & RIGHT != 0;
        if !self.cells.last().is_some_and(right) {
            return 0;
        }
        let typed = self.cells.iter().rposition(|it| it.ch != ' ' && it.bits & RIGHT == 0);
        typed.map_or(0, |it| as_column(it + 1))
    }

    pub(super) fn is_blank(&self) -> bool {
        self.plain.0 == self.plain.1 && self.cells.iter().all(|it| it.ch == ' ')
    }

    /// What the row shows. It must have cells: rows that live in the arena are lines already.
    pub(super) fn text_into(&self, out: &mut String) {
        let end = if self.wrapped {
            self.cells.len()
        } else {
            // A suggestion of the shell that stands at the end of an input row was not typed.
            let suggests = self.suggests && self.bits & bits::INPUT != 0;
            let shown = |it: &Cell| {
                it.ch != ' ' && !(suggests && it.bits & FAINT != 0 && !is_ornament(it.ch))
            };
            self.cells.iter().rposition(shown).map_or(0, |it| it + 1)
        };
        out.reserve(end);
        let shown = self.cells[..end].iter().enumerate();
        if self.marks.is_empty() {
            out.extend(shown.filter(|it| it.1.bits & FILLER == 0).map(|it| it.1.ch));
        } else {
            let mut marks = self.marks.iter().peekable();
            for (col, cell) in shown {
                if cell.bits & FILLER == 0 {
                    out.push(cell.ch);
                }
                while let Some((_, mark)) = marks.next_if(|it| it.0 as usize <= col) {
                    out.push(*mark);
                }
            }
        }
        // Blanks that someone typed at the end are kept: a trailing blank can matter in a here-document.
        if !self.wrapped && self.bits & bits::INPUT != 0 {
            let rest = &self.cells[end..];
            if !self.suggests || !rest.iter().any(|it| it.bits & FAINT != 0 && it.ch != ' ') {
                let typed = rest.iter().take_while(|it| it.bits & FILLER == 0).count();
                out.extend(std::iter::repeat_n(' ', typed.min(256)));
            }
        }
    }
}

/// A column as rows and lines hold it.
pub(super) fn as_column(col: usize) -> u16 {
    col.min(u16::MAX as usize) as u16
}

/// Text as cells, for rows that were never drawn cell by cell.
pub(super) fn push_cell(cells: &mut Vec<Cell>, ch: char) {
    if ch == '\t' {
        tab(cells);
        return;
    }
    let wide = UnicodeWidthChar::width(ch).unwrap_or(0);
    if wide > 0 {
        cells.push(Cell { ch, bits: 0 });
    }
    if wide == 2 {
        cells.push(Cell { ch: ' ', bits: FILLER });
    }
}

/// A tab at the end of a row stays a tab in the text, and takes the cells up to the next stop.
pub(super) fn tab(cells: &mut Vec<Cell>) {
    let stop = (cells.len() / 8 + 1) * 8;
    cells.push(Cell { ch: '\t', bits: 0 });
    cells.resize(stop, Cell { ch: ' ', bits: FILLER });
}

pub(super) fn set_cell(cells: &mut Vec<Cell>, col: usize, cell: Cell) {
    if cells.capacity() == 0 {
        cells.reserve(96);
    }
    if col >= cells.len() {
        cells.resize(col + 1, BLANK);
    }
    cells[col] = cell;
}
