//! The cursor goes elsewhere: what that says of the line it leaves, and of editing.

use crate::transcript::screen::cells;
use crate::transcript::screen::cells::Row;
use crate::transcript::screen::drawn::bits;
use crate::transcript::screen::page::Page;

impl Page {
    #[inline]
    pub(super) fn carriage_return(&mut self) {
        if let Some(right) = self.motion.cr_right.filter(|it| *it > 0)
            && self.input.region.as_ref().is_some_and(|it| !it.typed)
            && self.alt.is_none()
        {
            // fish goes to where input begins before anything is typed.
            self.row().goes_back_to(right);
        }
        let sheet = self.sheet();
        sheet.col = 0;
        sheet.wrap_due = false;
        self.motion.jumped = true;
        self.motion.cr_right = Some(0);
    }

    #[inline]
    pub(super) fn back(&mut self, by: usize) {
        self.prompt_may_end();
        let sheet = self.sheet();
        sheet.wrap_due = false;
        sheet.col = sheet.col.saturating_sub(by);
        let col = sheet.col;
        let row = self.row();
        row.bits |= bits::EDITED;
        row.goes_back_to(col);
        self.motion.cr_right = None;
    }

    /// The cursor goes to a column by its number: see [`bits::ABSOLUTE`].
    pub(super) fn by_number(&mut self, col: usize) {
        if self.alt.is_some() || self.input.region.is_some() {
            return;
        }
        let number = self.main.row;
        if col == 0 {
            self.motion.margin_row = Some(number);
            return;
        }
        if self.motion.margin_row != Some(number) {
            return;
        }
        let row = self.row();
        if row.cells.len() >= col {
            if row.bits & bits::ABSOLUTE != 0 && usize::from(row.low_col) < col {
                row.bits |= bits::ABSOLUTE_KEYS;
            }
            row.bits |= bits::ABSOLUTE;
            let col = cells::as_column(col);
            // At the margin it only asked where it stands.
            row.low_col = if row.low_col == 0 { col } else { row.low_col.min(col) };
        }
    }

    /// The cursor stands at the margin of such a row, and goes down: it was entered.
    pub(super) fn leaves_absolute(&self) -> bool {
        self.alt.is_none()
            && self.input.region.is_none()
            && self.main.col == 0
            && self.main.here().bits & bits::ABSOLUTE != 0
    }

    pub(super) fn up(&mut self, by: u64) {
        let alt = self.alt.is_some();
        // Where zle has shown the column of its input, it also knows the window.
        let region_row =
            self.input.region.as_ref().filter(|it| it.input_at.is_none()).map(|it| it.row);
        let sheet = self.sheet();
        sheet.wrap_due = false;
        // Moving up inside an input region never leaves it: where the width is not known, the rows
        // above are ours only in the real window.
        let top = sheet.base.max(sheet.top).max(region_row.unwrap_or(0));
        let floor = if alt { 0 } else { top };
        // A cursor put back above the page's top by a saved position does not go down by going up.
        sheet.row = sheet.row.saturating_sub(by).max(floor.min(sheet.row));
        self.motion.stray();
    }

    pub(super) fn down(&mut self, by: u64) {
        let sheet = self.sheet();
        sheet.wrap_due = false;
        sheet.row =
            (sheet.row + by.min(cells::REACH as u64 / 2)).min(sheet.base + cells::REACH as u64 * 4);
        sheet.new_row();
        self.motion.stray();
        self.trim();
    }

    #[inline]
    pub(super) fn right(&mut self, count: usize) {
        // One column may be a typed blank that was left as it was.
        let due = self.input.region.as_mut().is_some_and(|it| std::mem::take(&mut it.right_due));
        if due && count > 1 {
            self.pen.style |= cells::BEFORE;
        }
        let right = self.sheet().col + count;
        if due && self.width.is_some_and(|it| right >= it) && right < cells::WIDEST {
            // zle knows its window, and puts nothing at the right-hand side beyond it: it is wider now.
            self.width = None;
        }
        self.column(right);
        let col = self.sheet().col;
        self.motion.clipped = (count, right - col);
        if self.motion.cr_right.is_some() {
            self.motion.cr_right = Some(col);
        }
    }

    #[inline]
    pub(super) fn left(&mut self, count: usize) {
        if self.input.region.as_ref().is_some_and(|it| it.redrawing.is_none()) {
            self.pen.style &= !cells::BEFORE;
        }
        // zle goes right as far as an empty right-hand prompt, and back; after a resize, farther than we know.
        let (there, clipped) = std::mem::take(&mut self.motion.clipped);
        let again = count > 40 && count == there && !self.sheet().wrap_due;
        self.back(if again { count - clipped.min(count) } else { count });
    }

    #[inline]
    pub(super) fn column(&mut self, col: usize) {
        let width = self.width;
        let sheet = self.sheet();
        let held = sheet.here().cells.len();
        // No move leaves a window, and where its width is not known none goes farther than what was printed.
        let most = width.unwrap_or(cells::WIDEST.max(held)).max(1) - 1;
        sheet.wrap_due = false;
        sheet.col = col.min(most);
    }

    /// Absolute addressing. On the main page it counts from the last clear; where that is farther
    /// away than any window is tall, a new page begins instead of writing over old rows.
    pub(super) fn address(&mut self, row: u64, col: usize) {
        if self.alt.is_none() && self.main.row.saturating_sub(self.main.top) > 200 {
            self.new_page();
        }
        let sheet = self.sheet();
        sheet.row = (sheet.top + row.min(cells::REACH as u64)).max(sheet.base);
        sheet.new_row();
        self.column(col);
        self.motion.stray();
        self.trim();
    }

    pub(super) fn save(&mut self) {
        let sheet = self.sheet();
        sheet.saved = (sheet.row, sheet.col);
        let bare = sheet.here().cells.iter().take(sheet.col).all(|it| it.ch == ' ');
        match &mut self.input.region {
            Some(region) => region.saved_bare = bare,
            None => self.input.saved_bare = bare && self.alt.is_none(),
        }
    }

    pub(super) fn restore(&mut self) {
        // A prompt draws its right-hand side before itself. What came later may be typed, whoever moves the cursor.
        let bare = self.input.take_saved_bare();
        let sheet = self.sheet();
        let (row, col) = sheet.saved;
        if bare && row == sheet.row && row >= sheet.base && col < sheet.col {
            // What is drawn to the right of a place that the cursor goes back to is not typed there.
            for cell in sheet[row].cells.iter_mut().skip(col) {
                cell.bits |= cells::RIGHT;
            }
        }
        sheet.row = row.clamp(sheet.base, sheet.end() - 1);
        sheet.col = col;
        sheet.wrap_due = false;
        self.motion.stray();
    }

    #[inline]
    pub(super) fn line_feed(&mut self) {
        self.input.cleared.after_24 = false;
        let number = self.sheet().row;
        if self.alt.is_some() {
            self.commit(number, 0);
            self.screen_line_feed();
            return;
        }
        if self.input.region.is_some() {
            // Enter on an upper row of a long line sends several; the plainest one counts.
            self.input.crs = self.input.crs.min(self.raw.crs);
        } else {
            if let Some(last) = self.input.closing {
                let row = self.main.here_mut();
                if row.fresh {
                    row.bits |= bits::INPUT;
                }
                if self.main.row >= last {
                    self.input.closing = None;
                }
            }
            // Where the cursor stood tells a right-hand prompt from text.
            let (col, below) = (self.main.col, self.main.place(number) + 1);
            // The margin was passed with a blank alone, and the line entered there: it does not go on in the next row.
            let ends_here = self.main.rows.get(below).is_some_and(Row::is_blank);
            let row = self.main.here_mut();
            if col >= row.cells.len() {
                row.bits |= bits::AT_END;
            }
            row.wrapped &= !ends_here;
            if row.cells.is_empty() && row.plain.0 == row.plain.1 && !row.fresh {
                // An empty line is a line.
                row.fresh = true;
                row.from = self.raw.at.0;
                row.to = self.raw.at.1;
            }
            self.commit(number, 0);
        }
        self.main.row += 1;
        if self.main.col > cells::WIDEST {
            self.main.col = 0;
        }
        self.main.new_row();
        self.main.wrap_due = false;
        self.input.after_lf = true;
        // Where nothing stands, nothing is painted over.
        self.motion.jumped = self.main.row + 1 != self.main.end()
            || !self.main.rows.back().is_some_and(|it| it.cells.is_empty());
        self.trim();
    }

    pub(super) fn screen_line_feed(&mut self) {
        let Some(sheet) = &mut self.alt else { return };
        self.motion.jumped = true;
        sheet.wrap_due = false;
        if sheet.col > cells::WIDEST {
            sheet.col = 0;
        }
        if let Some((top, bottom)) = sheet.margins
            && sheet.row == bottom
        {
            if bottom < sheet.end() {
                self.commit(top, 0);
                let rows = &mut self.sheet().rows;
                rows.remove(top as usize);
                rows.insert(bottom as usize, Row::new());
            }
        } else {
            sheet.row += 1;
            if sheet.row >= cells::REACH as u64 * 4 {
                // No window is this tall: a program that never addresses rows. Start over.
                self.new_page();
                return;
            }
            sheet.new_row();
        }
        self.input.after_lf = true;
    }
}
