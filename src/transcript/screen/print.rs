//! Characters → cells: runs at once where nothing stands in the way, one by one where they paint over something.

use crate::transcript::screen::cells;
use crate::transcript::screen::cells::Cell;
use crate::transcript::screen::drawn::bits;
use crate::transcript::screen::page::Page;

impl Page {
    /// Prints ASCII, as many characters at once as nothing stands in the way of.
    #[inline]
    pub(super) fn print_run(&mut self, text: &[u8]) {
        self.raw.printed = true;
        self.input.print();
        let mut rest = text;
        while let [next, ..] = rest {
            let used = match self.put_run(rest) {
                0 => {
                    self.put(char::from(*next), 1);
                    1
                }
                it => it,
            };
            rest = &rest[used..];
        }
        self.input.see_carets(text);
    }

    /// Puts characters behind the one before, as nearly all are: how many. Where that is 0, the next one needs
    /// [`Self::put`].
    #[inline]
    pub(super) fn put_run(&mut self, text: &[u8]) -> usize {
        if self.motion.cr_right.is_some() {
            return 0;
        }
        let sheet = self.alt.as_mut().unwrap_or(&mut self.main);
        let col = sheet.col;
        let mut room = (self.width.unwrap_or(cells::ROW_CELLS_MAX) - 1).saturating_sub(col);
        let place = sheet.place(sheet.row);
        let row = &mut sheet.rows[place];
        let stands = sheet.wrap_due
            || !row.fresh
            || col > row.cells.len()
            || !row.marks.is_empty()
            || row.plain.0 != row.plain.1;
        if stands {
            return 0;
        }
        if self.motion.jumped {
            // Up to the first character that would hide another.
            let hides = |(old, new): (&Cell, &u8)| old.ch != ' ' && old.ch != char::from(*new);
            room = row.cells[col..].iter().zip(text).position(hides).unwrap_or(room).min(room);
        }
        let used = text.len().min(room);
        if used == 0 {
            return 0;
        }
        let cell = |it: &u8| Cell { ch: char::from(*it), bits: self.pen.style };
        let over = used.min(row.cells.len() - col);
        for (old, new) in row.cells[col..col + over].iter_mut().zip(text) {
            *old = cell(new);
        }
        if row.cells.capacity() == 0 {
            row.cells = self.spare.cells.pop().unwrap_or_else(|| Vec::with_capacity(96));
        }
        row.cells.extend(text[over..used].iter().map(cell));
        row.to = self.raw.at.1;
        sheet.col += used;
        self.pen.last_char = char::from(text[used - 1]);
        if self.pen.style & cells::BEFORE == 0 {
            self.input.right_is_not_due();
        }
        used
    }

    #[inline]
    pub(super) fn put(&mut self, ch: char, wide: usize) {
        if self.sheet().wrap_due {
            self.wrap();
        }
        let width = self.width.unwrap_or(usize::MAX);
        if wide == 2 && self.sheet().col + 1 == width {
            let col = self.sheet().col;
            let cells = &mut self.row().cells;
            if cells.get(col).is_none_or(|it| it.ch == ' ') {
                // A column that the character leaves free keeps what stands there.
                cells::set_cell(cells, col, Cell { ch: ' ', bits: cells::FILLER });
            }
            self.wrap();
        }
        if self.sheet().col + wide > cells::ROW_CELLS_MAX {
            let number = self.sheet().row;
            self.row().bits |= bits::CONTINUED;
            self.commit(number, 0);
            self.next_row();
        }
        let col = self.sheet().col;
        let hides = |old: &Cell| old.ch != ' ' && old.ch != ch;
        if self.motion.jumped && self.sheet().here().cells.get(col).is_some_and(hides) {
            self.keep_version();
            self.motion.jumped = false;
        }
        if let Some(right) = self.motion.cr_right.take() {
            if right > 0 {
                if let Some(region) = &mut self.input.region {
                    region.typed = true;
                }
                self.row().goes_back_to(right);
            } else {
                self.drawn_anew();
            }
        }
        let style = self.pen.style;
        if style & cells::BEFORE == 0 {
            self.input.right_is_not_due();
        }
        let row = self.row();
        if !row.marks.is_empty() {
            let from = row.marks.partition_point(|it| (it.0 as usize) < col);
            let to = row.marks.partition_point(|it| (it.0 as usize) < col + wide);
            row.marks.drain(from..to);
        }
        cells::set_cell(&mut row.cells, col, Cell { ch, bits: style });
        if wide == 2 {
            cells::set_cell(&mut row.cells, col + 1, Cell { ch: ' ', bits: cells::FILLER });
        }
        let sheet = self.sheet();
        if col + wide >= width {
            sheet.col = width - 1;
            sheet.wrap_due = true;
        } else {
            sheet.col = col + wide;
        }
        self.pen.last_char = ch;
    }

    /// Prints the last character so many times more.
    pub(super) fn repeat(&mut self, count: usize) {
        let ch = self.pen.last_char;
        if ch.is_ascii() {
            for _ in 0..count.min(cells::WIDEST) {
                self.put(ch, 1);
            }
        }
    }

    pub(super) fn wrap(&mut self) {
        self.row().wrapped = true;
        self.next_row();
    }

    /// The cursor goes to the start of the next row.
    fn next_row(&mut self) {
        let sheet = self.sheet();
        sheet.wrap_due = false;
        sheet.col = 0;
        sheet.row += 1;
        sheet.new_row();
        self.trim();
    }
}
