//! Cells and rows that go: erased, inserted before, pushed out, or left behind with the page. What they showed stays a line.

use crate::transcript::screen::cells;
use crate::transcript::screen::cells::Row;
use crate::transcript::screen::drawn::Item;
use crate::transcript::screen::drawn::bits;
use crate::transcript::screen::page::Page;
use crate::transcript::screen::sheet::Sheet;

impl Page {
    pub(super) fn erase_in_row(&mut self, from: usize, to: usize) {
        let row = self.sheet().here();
        let shown = row.plain.0 != row.plain.1
            || row.cells.iter().take(to).skip(from).any(|it| it.ch != ' ');
        let leaves_nothing = from == 0 && to >= row.cells.len();
        // A blank row of a screen is no line, so nothing would tell of what stood there.
        if shown && (self.motion.jumped || leaves_nothing && self.alt.is_some()) {
            self.keep_version();
            self.motion.jumped = false;
        }
        let row = self.row();
        if to >= row.cells.len() {
            row.cells.truncate(from);
            row.wrapped = false;
            row.marks.retain(|it| (it.0 as usize) < from);
        } else {
            for cell in row.cells.iter_mut().take(to).skip(from) {
                *cell = cells::BLANK;
            }
        }
    }

    /// Erases the row from the cursor on (0), up to it (1), or all of it.
    #[inline]
    pub(super) fn erase_line(&mut self, part: u16) {
        let col = self.sheet().col;
        self.prompt_ends();
        match part {
            0 => self.erase_in_row(col, usize::MAX),
            1 => self.erase_in_row(0, col + 1),
            _ => self.erase_in_row(0, usize::MAX),
        }
        if col > 0 {
            self.row().bits |= bits::EDITED;
        }
    }

    /// Inserts so many blanks before the cell under the cursor.
    #[inline]
    pub(super) fn insert_cells(&mut self, count: usize) {
        let col = self.sheet().col;
        let row = self.row();
        row.bits |= bits::EDITED;
        if col < row.cells.len() {
            let room = count.min(cells::ROW_CELLS_MAX - row.cells.len().min(cells::ROW_CELLS_MAX));
            row.cells.splice(col..col, std::iter::repeat_n(cells::BLANK, room));
        }
    }

    /// Deletes so many cells from the cursor on.
    pub(super) fn delete_cells(&mut self, count: usize) {
        let col = self.sheet().col;
        if col == 0 && self.alt.is_some() && count >= self.row().cells.len() {
            self.keep_version();
        }
        let row = self.row();
        row.bits |= bits::EDITED;
        let end = (col + count).min(row.cells.len());
        row.cells.drain(col.min(end)..end);
    }

    pub(super) fn erase_below(&mut self) {
        self.prompt_anew(false);
        let sheet = self.sheet();
        let (row, col, first, last) = (sheet.row, sheet.col, sheet.row + 1, sheet.end());
        if row == sheet.top && col == 0 && last > first {
            self.new_page();
            let sheet = self.sheet();
            sheet.row = sheet.top;
            return;
        }
        self.erase_in_row(col, usize::MAX);
        // Between the marks of a line editor it is its own prompts and lists that go.
        let drawn = match &self.input.region {
            Some(it) if self.alt.is_none() && row >= it.row => bits::INPUT | bits::OVERWRITTEN,
            _ => 0,
        };
        for number in first..last {
            self.sheet()[number].forget_blanks();
            self.commit(number, drawn);
        }
        let sheet = self.sheet();
        sheet.rows.truncate(sheet.place(first));
        if col == 0 && self.alt.is_none() && self.input.region.is_none() {
            self.input.cleared.row = Some(row);
        }
    }

    pub(super) fn insert_rows(&mut self, count: u64) {
        let count = count.min(cells::ROWS_AT_ONCE) as usize;
        let sheet = self.sheet();
        let index = sheet.place(sheet.row);
        if let Some((_, bottom)) = sheet.margins {
            for _ in 0..count {
                self.drop_row(bottom as usize);
            }
        }
        let sheet = self.sheet();
        let mut below = sheet.rows.split_off(index.min(sheet.rows.len()));
        sheet.rows.extend((0..count).map(|_| Row::new()));
        sheet.rows.append(&mut below);
        // Rows pushed far below the cursor are out of the window: they become lines.
        loop {
            let sheet = self.sheet();
            let last = sheet.end() - 1;
            if sheet.rows.len() <= cells::REACH || last <= sheet.row {
                break;
            }
            self.commit(last, 0);
            self.sheet().rows.pop_back();
        }
        self.trim();
    }

    pub(super) fn delete_rows(&mut self, count: u64) {
        let sheet = self.sheet();
        let number = sheet.row;
        let index = sheet.place(number);
        let bottom = sheet.margins.map(|it| it.1 as usize);
        let held = sheet.end() - number;
        for _ in 0..count.min(held).min(cells::ROWS_AT_ONCE) {
            self.commit(number, 0);
            let sheet = self.sheet();
            sheet.rows.remove(index);
            let at = bottom.unwrap_or(sheet.rows.len()).clamp(index, sheet.rows.len());
            sheet.rows.insert(at, Row::new());
        }
    }

    /// The rows between which a full-screen program scrolls, counted from 1.
    pub(super) fn set_margins(&mut self, top: u64, bottom: u64) {
        let Some(sheet) = &mut self.alt else { return };
        // A row of each up to it is held, and each is looked at when the screen is left.
        let bottom = bottom.min(cells::REACH as u64);
        sheet.margins = (bottom > top).then(|| (top - 1, bottom - 1));
        if let Some((_, bottom)) = sheet.margins {
            while (sheet.rows.len() as u64) <= bottom {
                sheet.rows.push_back(Row::new());
            }
        }
        sheet.row = 0;
        sheet.col = 0;
    }

    /// A row pushed out at the bottom margin is a line first.
    fn drop_row(&mut self, bottom: usize) {
        let sheet = self.sheet();
        if bottom < sheet.rows.len() {
            let number = sheet.base + bottom as u64;
            self.commit(number, 0);
            self.sheet().rows.remove(bottom);
        }
    }

    /// All rows become lines, and an empty page begins. What was there stays evidence.
    pub(super) fn new_page(&mut self) {
        if self.alt.is_some() {
            self.commit_screen();
            let sheet = self.sheet();
            sheet.rows.clear();
            sheet.row = sheet.row.min(cells::REACH as u64);
            sheet.col = if sheet.col > cells::WIDEST { 0 } else { sheet.col };
            sheet.new_row();
            return;
        }
        let end = self.main.end();
        // Rows of earlier pages are lines already.
        for row in self.main.base.max(self.main.top)..end {
            if self.input.region.as_ref().is_some_and(|it| row >= it.row) {
                // A prompt's last blank is part of it.
                self.main[row].bits |= bits::INPUT;
            }
            self.commit_main(row, 0);
        }
        let below = self.main.row.saturating_sub(self.main.top);
        self.main.top = end;
        self.main.row = end + below.min(cells::REACH as u64 / 2);
        self.main.wrap_due = false;
        if self.main.col > cells::WIDEST {
            self.main.col = 0;
        }
        self.main.new_row();
        if let Some(region) = &mut self.input.region {
            region.begin_anew(end);
        }
        self.trim();
    }

    pub(super) fn enter_screen(&mut self) {
        if self.alt.is_some() {
            return;
        }
        // vim asks for marks before it takes the screen, and for none of them on it: nothing was typed on this page.
        let row = self.main.row;
        let is_bare = self.main.here().is_blank();
        self.input.region.take_if(|it| is_bare && it.row == row && it.input_at.is_none());
        self.alt = Some(Sheet::new());
        self.out.items.push(Item::ScreenOn);
    }

    pub(super) fn leave_screen(&mut self) {
        if self.alt.is_some() {
            self.end_screen();
            self.out.items.push(Item::ScreenOff);
        }
    }

    /// All rows of the screen become lines.
    fn commit_screen(&mut self) {
        for row in 0..self.alt.as_ref().map_or(0, Sheet::end) {
            self.commit(row, 0);
        }
    }

    /// What still stands on the screen becomes lines.
    pub(super) fn end_screen(&mut self) {
        if self.alt.is_none() {
            return;
        }
        self.commit_screen();
        self.alt = None;
        self.motion.jumped = false;
        // Where the program's cursor stood says nothing of the line that is typed next.
        self.motion.cr_right = None;
    }
}
