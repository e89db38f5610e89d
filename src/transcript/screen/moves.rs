//! What the parser found → what it does to the page: printing, moving, erasing, inserting, modes, colours.

use unicode_width::UnicodeWidthChar;
use vte::Params;
use vte::Parser;
use vte::Perform;

use crate::transcript::screen::BEFORE;
use crate::transcript::screen::BLANK;
use crate::transcript::screen::Cell;
use crate::transcript::screen::FAINT;
use crate::transcript::screen::FILLER;
use crate::transcript::screen::INVERSE;
use crate::transcript::screen::Item;
use crate::transcript::screen::Page;
use crate::transcript::screen::REACH;
use crate::transcript::screen::RIGHT;
use crate::transcript::screen::ROW_CELLS_MAX;
use crate::transcript::screen::ROWS_AT_ONCE;
use crate::transcript::screen::Row;
use crate::transcript::screen::Sheet;
use crate::transcript::screen::WIDEST;
use crate::transcript::screen::bits;
use crate::transcript::screen::rows::set_cell;
use crate::transcript::screen::rows::tab;
use crate::transcript::screen::sequences::Numbers;
use crate::transcript::screen::sequences::character;
use crate::transcript::screen::sequences::painted;
use crate::transcript::screen::sequences::printable;
use crate::transcript::screen::sequences::whole_sequence;

impl Page {
    /// Draws what stands at the start of `bytes`, the parser being at rest: bytes used, and whether it still is.
    pub(super) fn read(&mut self, parser: &mut Parser, bytes: &[u8]) -> (usize, bool) {
        let mut at = 0;
        while at < bytes.len() {
            let rest = &bytes[at..];
            let run = printable(rest);
            if run > 0 {
                self.print_run(&rest[..run]);
                at += run;
                continue;
            }
            match rest[0] {
                it @ (b'\r' | 0x08 | b'\t' | 0x07) => {
                    self.execute(it);
                    at += 1;
                }
                0x1b => {
                    let Some(used) = whole_sequence(rest) else { break };
                    if !self.sequence(&rest[..used]) {
                        parser.advance(self, &rest[..used]);
                    }
                    at += used;
                    if self.stop {
                        return (at, true);
                    }
                }
                _ => {
                    let Some(ch) = character(rest) else { break };
                    self.print(ch);
                    at += ch.len_utf8();
                }
            }
        }
        if at == 0 {
            return (parser.advance_until_terminated(self, bytes).max(1), false);
        }
        (at, at == bytes.len())
    }

    /// Follows a whole control sequence of the plainest kind: parameters of digits alone. `false` if it is another.
    pub(super) fn sequence(&mut self, bytes: &[u8]) -> bool {
        let after_24 = std::mem::replace(&mut self.after_24, bytes == b"\x1b[24m");
        let [0x1b, b'[', inside @ .., action] = bytes else { return false };
        if *action == b'm' {
            let mut style = self.style;
            let Some((quiet, _)) = painted(bytes, &mut style) else { return false };
            self.printed = false;
            self.style = style;
            if !quiet {
                self.painted_here();
            }
            return true;
        }
        let (inside, private) = match inside {
            [b'?', rest @ ..] => (rest, true),
            _ => (inside, false),
        };
        let mut numbers = Numbers::default();
        for part in inside.split(|it| *it == b';') {
            let Some(number) = part.iter().try_fold(0u16, |sum, it| {
                let digit = it.is_ascii_digit().then(|| u16::from(it - b'0'))?;
                Some(sum.saturating_mul(10).saturating_add(digit))
            }) else {
                return false;
            };
            numbers.push(number);
        }
        self.printed = false;
        if *action == b'J' && after_24 {
            self.cleared_by_zle = true;
            self.prompt_inside();
        }
        self.control_sequence(&numbers, private, char::from(*action));
        true
    }

    /// Prints ASCII, as many characters at once as nothing stands in the way of.
    pub(super) fn print_run(&mut self, text: &[u8]) {
        self.printed = true;
        self.after_lf = false;
        self.keypad_left = false;
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
        self.after_caret_c = match (text, self.after_caret_c) {
            ([.., b'^', b'C'], _) | ([b'C'], 1) => 2,
            ([.., b'^'], _) => 1,
            _ => 0,
        };
    }

    /// Puts characters behind the one before, as nearly all are: how many. Where that is 0, the next one needs
    /// [`Self::put`].
    pub(super) fn put_run(&mut self, text: &[u8]) -> usize {
        if self.cr_right.is_some() {
            return 0;
        }
        let sheet = self.alt.as_mut().unwrap_or(&mut self.main);
        let col = sheet.col;
        let mut room = (self.width.unwrap_or(ROW_CELLS_MAX) - 1).saturating_sub(col);
        let row = &mut sheet.rows[(sheet.row - sheet.base) as usize];
        let stands = sheet.wrap_due
            || !row.fresh
            || col > row.cells.len()
            || !row.marks.is_empty()
            || row.plain.0 != row.plain.1;
        if stands {
            return 0;
        }
        if self.jumped {
            // Up to the first character that would hide another.
            let hides = |(old, new): (&Cell, &u8)| old.ch != ' ' && old.ch != char::from(*new);
            room = row.cells[col..].iter().zip(text).position(hides).unwrap_or(room).min(room);
        }
        let used = text.len().min(room);
        if used == 0 {
            return 0;
        }
        let cell = |it: &u8| Cell { ch: char::from(*it), bits: self.style };
        let over = used.min(row.cells.len() - col);
        for (old, new) in row.cells[col..col + over].iter_mut().zip(text) {
            *old = cell(new);
        }
        if row.cells.capacity() == 0 {
            row.cells = self.spare_cells.pop().unwrap_or_else(|| Vec::with_capacity(96));
        }
        row.cells.extend(text[over..used].iter().map(cell));
        row.to = self.at.1;
        sheet.col += used;
        self.last_char = char::from(text[used - 1]);
        if let Some(region) = &mut self.region
            && self.style & BEFORE == 0
        {
            region.right_due = false;
        }
        used
    }

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
                set_cell(cells, col, Cell { ch: ' ', bits: FILLER });
            }
            self.wrap();
        }
        if self.sheet().col + wide > ROW_CELLS_MAX {
            let number = self.sheet().row;
            self.row().bits |= bits::CONTINUED;
            self.commit(number, 0);
            let sheet = self.sheet();
            sheet.row += 1;
            sheet.col = 0;
            Self::new_row(sheet);
            self.trim();
        }
        let col = self.sheet().col;
        if self.jumped && self.differs(col, ch) {
            self.keep_version();
            self.jumped = false;
        }
        if let Some(right) = self.cr_right.take() {
            if right > 0
                && let Some(region) = &mut self.region
            {
                region.typed = true;
            }
            let row = self.row();
            if right > 0 {
                row.low_col = row.low_col.min(right.min(u16::MAX as usize) as u16);
            } else {
                // The row is drawn anew from its start: what was learnt was about another prompt.
                row.low_col = u16::MAX;
            }
        }
        let style = self.style;
        if let Some(region) = &mut self.region
            && style & BEFORE == 0
        {
            region.right_due = false;
        }
        let row = self.row();
        if !row.marks.is_empty() {
            row.marks.retain(|it| !(col..col + wide).contains(&(it.0 as usize)));
        }
        set_cell(&mut row.cells, col, Cell { ch, bits: style });
        if wide == 2 {
            set_cell(&mut row.cells, col + 1, Cell { ch: ' ', bits: FILLER });
        }
        let sheet = self.sheet();
        if col + wide >= width {
            sheet.col = width - 1;
            sheet.wrap_due = true;
        } else {
            sheet.col = col + wide;
        }
        self.last_char = ch;
    }

    pub(super) fn differs(&mut self, col: usize, ch: char) -> bool {
        let sheet = self.sheet();
        let row = &sheet.rows[(sheet.row - sheet.base) as usize];
        row.cells.get(col).is_some_and(|it| it.ch != ' ' && it.ch != ch)
    }

    pub(super) fn wrap(&mut self) {
        self.row().wrapped = true;
        let sheet = self.sheet();
        sheet.wrap_due = false;
        sheet.col = 0;
        sheet.row += 1;
        Self::new_row(sheet);
        self.trim();
    }

    pub(super) fn carriage_return(&mut self) {
        if let Some(right) = self.cr_right.filter(|it| *it > 0)
            && self.region.as_ref().is_some_and(|it| !it.typed)
            && self.alt.is_none()
        {
            // fish goes to where input begins before anything is typed.
            let row = self.row();
            row.low_col = row.low_col.min(right.min(u16::MAX as usize) as u16);
        }
        let sheet = self.sheet();
        sheet.col = 0;
        sheet.wrap_due = false;
        self.jumped = true;
        self.cr_right = Some(0);
    }

    pub(super) fn back(&mut self, by: usize) {
        self.prompt_may_end();
        let sheet = self.sheet();
        sheet.wrap_due = false;
        sheet.col = sheet.col.saturating_sub(by);
        let col = sheet.col.min(u16::MAX as usize) as u16;
        let row = self.row();
        row.bits |= bits::EDITED;
        row.low_col = row.low_col.min(col);
        self.cr_right = None;
    }

    pub(super) fn up(&mut self, by: u64) {
        let alt = self.alt.is_some();
        // Where zle has shown the column of its input, it also knows the window.
        let region_row = self.region.as_ref().filter(|it| it.input_at.is_none()).map(|it| it.row);
        let sheet = self.sheet();
        sheet.wrap_due = false;
        let mut floor = if alt { 0 } else { sheet.base.max(sheet.top) };
        if !alt && let Some(region) = region_row {
            // Moving up inside an input region never leaves it: where the width is not known, the rows
            // above are ours only in the real window.
            floor = floor.max(region);
        }
        // A cursor put back above the page's top by a saved position does not go down by going up.
        sheet.row = sheet.row.saturating_sub(by).max(floor.min(sheet.row));
        self.jumped = true;
        self.strayed = true;
    }

    pub(super) fn down(&mut self, by: u64) {
        let sheet = self.sheet();
        sheet.wrap_due = false;
        sheet.row = (sheet.row + by.min(REACH as u64 / 2)).min(sheet.base + REACH as u64 * 4);
        Self::new_row(sheet);
        self.jumped = true;
        self.strayed = true;
        self.trim();
    }

    pub(super) fn column(&mut self, col: usize) {
        let width = self.width;
        let sheet = self.sheet();
        let held = sheet.rows[(sheet.row - sheet.base) as usize].cells.len();
        // No move leaves a window, and where its width is not known none goes farther than what was printed.
        let most = width.unwrap_or(WIDEST.max(held)).max(1) - 1;
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
        sheet.row = (sheet.top + row.min(REACH as u64)).max(sheet.base);
        Self::new_row(sheet);
        self.column(col);
        self.jumped = true;
        self.strayed = true;
        self.trim();
    }

    pub(super) fn erase_in_row(&mut self, from: usize, to: usize) {
        let sheet = self.sheet();
        let row = &sheet.rows[(sheet.row - sheet.base) as usize];
        let shown = row.plain.0 != row.plain.1
            || row.cells.iter().take(to).skip(from).any(|it| it.ch != ' ');
        if shown && self.jumped {
            self.keep_version();
            self.jumped = false;
        }
        let row = self.row();
        if to >= row.cells.len() {
            row.cells.truncate(from);
            row.wrapped = false;
            row.marks.retain(|it| (it.0 as usize) < from);
        } else {
            for cell in row.cells.iter_mut().take(to).skip(from) {
                *cell = BLANK;
            }
        }
    }

    pub(super) fn erase_below(&mut self) {
        self.prompt_anew();
        let (row, col, first, last) = {
            let sheet = self.sheet();
            let last = sheet.base + sheet.rows.len() as u64;
            (sheet.row, sheet.col, sheet.row + 1, last)
        };
        if row == self.sheet().top && col == 0 && last > first {
            self.new_page();
            let sheet = self.sheet();
            sheet.row = sheet.top;
            return;
        }
        self.erase_in_row(col, usize::MAX);
        for number in first..last {
            let sheet = self.sheet();
            sheet.rows[(number - sheet.base) as usize].forget_blanks();
            self.commit(number, 0);
        }
        let sheet = self.sheet();
        sheet.rows.truncate((first - sheet.base) as usize);
        if col == 0 && self.alt.is_none() && self.region.is_none() {
            self.cleared_row = Some(row);
        }
    }

    pub(super) fn insert_rows(&mut self, count: u64) {
        let count = count.min(ROWS_AT_ONCE) as usize;
        let sheet = self.sheet();
        let index = (sheet.row - sheet.base) as usize;
        if let Some((_, bottom)) = sheet.margins {
            for _ in 0..count {
                self.drop_row(Some(bottom as usize));
            }
        }
        let sheet = self.sheet();
        let mut below = sheet.rows.split_off(index.min(sheet.rows.len()));
        sheet.rows.extend((0..count).map(|_| Row::new()));
        sheet.rows.append(&mut below);
        // Rows pushed far below the cursor are out of the window: they become lines.
        loop {
            let sheet = self.sheet();
            let last = sheet.base + sheet.rows.len() as u64 - 1;
            if sheet.rows.len() <= REACH || last <= sheet.row {
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
        let index = (number - sheet.base) as usize;
        let bottom = sheet.margins.map(|it| it.1 as usize);
        let held = sheet.rows.len() as u64 - index as u64;
        for _ in 0..count.min(held).min(ROWS_AT_ONCE) {
            self.commit(number, 0);
            let sheet = self.sheet();
            sheet.rows.remove(index);
            let at = bottom.unwrap_or(sheet.rows.len()).clamp(index, sheet.rows.len());
            sheet.rows.insert(at, Row::new());
        }
    }

    /// A row pushed out at the bottom margin is a line first.
    pub(super) fn drop_row(&mut self, bottom: Option<usize>) {
        let Some(bottom) = bottom else { return };
        let sheet = self.sheet();
        if bottom < sheet.rows.len() {
            let number = sheet.base + bottom as u64;
            self.commit(number, 0);
            self.sheet().rows.remove(bottom);
        }
    }

    pub(super) fn paint(&mut self, params: &Params) {
        let mut quiet = true;
        let mut parts = params.iter();
        while let Some(part) = parts.next() {
            let code = part[0];
            match code {
                7 => {
                    self.style |= INVERSE;
                    continue;
                }
                27 => {
                    self.style &= !INVERSE;
                    continue;
                }
                0 => self.style &= !(FAINT | INVERSE),
                2 | 90 => self.style |= FAINT,
                22 | 30..=37 | 39 | 91..=97 => self.style &= !FAINT,
                38 => {
                    let (kind, colour) = if part.len() > 2 {
                        (part[1], part[part.len() - 1])
                    } else {
                        let kind = parts.next().map_or(0, |it| it[0]);
                        let many = if kind == 2 { 3 } else { 1 };
                        let mut last = 0;
                        for _ in 0..many {
                            last = parts.next().map_or(0, |it| it[0]);
                        }
                        (kind, last)
                    };
                    let grey = kind == 5 && (colour == 8 || (236..=246).contains(&colour));
                    if grey {
                        self.style |= FAINT;
                    } else {
                        self.style &= !FAINT;
                    }
                }
                48 if part.len() == 1 => {
                    let many = if parts.next().map_or(0, |it| it[0]) == 2 { 3 } else { 1 };
                    for _ in 0..many {
                        parts.next();
                    }
                }
                _ => {}
            }
            quiet = false;
        }
        if !quiet {
            self.painted_here();
        }
    }

    /// A colour changed under the cursor.
    pub(super) fn painted_here(&mut self) {
        if self.alt.is_none() {
            let col = self.main.col.min(u16::MAX as usize) as u16;
            let index = (self.main.row - self.main.base) as usize;
            let row = &mut self.main.rows[index];
            row.paint_col = row.paint_col.max(col);
        }
    }

    /// See [`Page::broken_off`]. `false` if another line begins here.
    fn breaks_off(&mut self, on: bool) -> bool {
        let (row, col) = (self.main.row, self.main.col);
        let again = self.broken_off.is_some_and(|it| (it.0, it.1) == (row, col));
        if !on || again {
            self.broken_off = Some((row, col, again));
        }
        !on || again
    }

    pub(super) fn mode(&mut self, numbers: &Numbers, on: bool) {
        let col = self.main.col.min(u16::MAX as usize - 1) as u16 + 1;
        let index = (self.main.row - self.main.base) as usize;
        for number in numbers.held() {
            match (*number, on) {
                // At Enter a line ends; one that its editor ends and begins anew without was thrown away.
                (2004, _) if self.lossy && self.main.col > 0 && self.breaks_off(on) => {}
                // Streaming keeps a mark or deletes it as the rest of its line decides: there it only announces.
                (2004, true)
                    if self.lossy && self.alt.is_none() && self.main.rows[index].title_col == 0 =>
                {
                    self.main.rows[index].title_col = col;
                }
                (2004, _) if self.lossy => {}
                (2004, true) => {
                    self.marked = true;
                    self.stop = true;
                }
                (2004, false) => {
                    self.closed_region = true;
                    self.stop = true;
                }
                (1, on) => self.keypad_left = !on,
                (1049 | 1047 | 47, true) => self.enter_screen(),
                (1049 | 1047 | 47, false) => self.leave_screen(),
                _ => {}
            }
        }
    }

    pub(super) fn control_sequence(&mut self, numbers: &Numbers, private: bool, action: char) {
        if private {
            match action {
                'h' => self.mode(numbers, true),
                'l' => self.mode(numbers, false),
                _ => {}
            }
            return;
        }
        let count = numbers.first(1) as usize;
        if matches!(action, 'K' | 'P' | '@' | 'X') {
            // What changes the row under the cursor undoes the margin, as in xterm (ResetWrap).
            self.sheet().wrap_due = false;
        }
        match action {
            'A' => {
                self.right_is_not_due();
                self.up(count as u64);
            }
            'B' | 'e' => {
                self.right_is_not_due();
                self.down(count as u64);
            }
            'C' | 'a' => {
                // One column may be a typed blank that was left as it was.
                let due = self.region.as_mut().is_some_and(|it| std::mem::take(&mut it.right_due));
                if due && count > 1 {
                    self.style |= BEFORE;
                }
                let right = self.sheet().col + count;
                self.column(right);
                if self.cr_right.is_some() {
                    self.cr_right = Some(self.sheet().col);
                }
            }
            'D' => {
                if self.region.as_ref().is_some_and(|it| it.redrawing.is_none()) {
                    self.style &= !BEFORE;
                }
                self.back(count);
            }
            'E' => {
                self.down(count as u64);
                self.column(0);
            }
            'F' => {
                self.up(count as u64);
                self.column(0);
            }
            'G' | '`' => {
                self.column(count - 1);
                self.jumped = true;
            }
            'd' => {
                let col = self.sheet().col;
                self.address(count as u64 - 1, col);
            }
            'H' | 'f' => {
                let col = numbers.second(1) as usize;
                self.address(count as u64 - 1, col - 1);
            }
            'J' => match numbers.first(0) {
                0 => self.erase_below(),
                2 => self.new_page(),
                _ => {}
            },
            'K' => {
                let col = self.sheet().col;
                self.prompt_ends();
                match numbers.first(0) {
                    0 => self.erase_in_row(col, usize::MAX),
                    1 => self.erase_in_row(0, col + 1),
                    _ => self.erase_in_row(0, usize::MAX),
                }
                if col > 0 {
                    self.row().bits |= bits::EDITED;
                }
            }
            'P' => {
                let col = self.sheet().col;
                let row = self.row();
                row.bits |= bits::EDITED;
                let end = (col + count).min(row.cells.len());
                if col < end {
                    row.cells.drain(col..end);
                }
            }
            '@' => {
                let col = self.sheet().col;
                let row = self.row();
                row.bits |= bits::EDITED;
                if col < row.cells.len() {
                    let room = count.min(ROW_CELLS_MAX - row.cells.len().min(ROW_CELLS_MAX));
                    row.cells.splice(col..col, std::iter::repeat_n(BLANK, room));
                }
            }
            'X' => {
                let col = self.sheet().col;
                self.erase_in_row(col, (col + count).min(ROW_CELLS_MAX));
            }
            'L' => self.insert_rows(count as u64),
            'M' => self.delete_rows(count as u64),
            'b' => {
                let ch = self.last_char;
                if ch.is_ascii() {
                    for _ in 0..count.min(WIDEST) {
                        self.put(ch, 1);
                    }
                }
            }
            'r' => {
                if let Some(sheet) = &mut self.alt {
                    let bottom = numbers.second(0) as u64;
                    sheet.margins = (bottom > count as u64).then(|| (count as u64 - 1, bottom - 1));
                    if let Some((_, bottom)) = sheet.margins {
                        while (sheet.rows.len() as u64) <= bottom {
                            sheet.rows.push_back(Row::new());
                        }
                    }
                    sheet.row = 0;
                    sheet.col = 0;
                }
            }
            'n' if numbers.first(0) == 6 && self.alt.is_none() => {
                let col = self.main.col.min(u16::MAX as usize) as u16;
                let row = self.row();
                row.bits |= bits::ASKED;
                row.low_col = row.low_col.min(col);
            }
            's' => {
                self.save();
            }
            'u' => self.restore(),
            _ => {}
        }
    }

    pub(super) fn save(&mut self) {
        let sheet = self.sheet();
        sheet.saved = (sheet.row, sheet.col);
        let cells = &sheet.rows[(sheet.row - sheet.base) as usize].cells;
        let bare = cells.iter().take(sheet.col).all(|it| it.ch == ' ');
        if let Some(region) = &mut self.region {
            region.saved_bare = bare;
        }
    }

    pub(super) fn restore(&mut self) {
        // A prompt draws its right-hand side before itself. What came later may be typed, whoever moves the cursor.
        let bare = self.region.as_mut().is_some_and(|it| std::mem::take(&mut it.saved_bare));
        let sheet = self.sheet();
        let (row, col) = sheet.saved;
        if bare && row == sheet.row && row >= sheet.base && col < sheet.col {
            // What is drawn to the right of a place that the cursor goes back to is not typed there.
            let index = (row - sheet.base) as usize;
            for cell in sheet.rows[index].cells.iter_mut().skip(col) {
                cell.bits |= RIGHT;
            }
        }
        sheet.row = row.clamp(sheet.base, sheet.base + sheet.rows.len() as u64 - 1);
        sheet.col = col;
        sheet.wrap_due = false;
        self.jumped = true;
        self.strayed = true;
    }

    pub(super) fn line_feed(&mut self) {
        let number = self.sheet().row;
        if self.alt.is_some() {
            self.commit(number, 0);
            self.screen_line_feed();
            return;
        }
        if self.region.is_some() {
            // Enter on an upper row of a long line sends several; the plainest one counts.
            self.region_crs = self.region_crs.min(self.line_crs);
        } else {
            if let Some(last) = self.closing {
                let index = (self.main.row - self.main.base) as usize;
                if self.main.rows[index].fresh {
                    self.main.rows[index].bits |= bits::INPUT;
                }
                if self.main.row >= last {
                    self.closing = None;
                }
            }
            // Where the cursor stood tells a right-hand prompt from text.
            let col = self.main.col;
            let index = (self.main.row - self.main.base) as usize;
            let row = &mut self.main.rows[index];
            if col >= row.cells.len() {
                row.bits |= bits::AT_END;
            }
            if row.cells.is_empty() && row.plain.0 == row.plain.1 && !row.fresh {
                // An empty line is a line.
                row.fresh = true;
                row.from = self.at.0;
                row.to = self.at.1;
            }
            self.commit(number, 0);
        }
        self.main.row += 1;
        if self.main.col > WIDEST {
            self.main.col = 0;
        }
        Self::new_row(&mut self.main);
        self.main.wrap_due = false;
        self.after_lf = true;
        if self.main.row + 1 == self.main.base + self.main.rows.len() as u64
            && self.main.rows.back().is_some_and(|it| it.cells.is_empty())
        {
            // Nothing is there to be painted over.
            self.jumped = false;
        }
        self.trim();
    }

    pub(super) fn screen_line_feed(&mut self) {
        let Some(sheet) = &mut self.alt else { return };
        sheet.wrap_due = false;
        if sheet.col > WIDEST {
            sheet.col = 0;
        }
        if let Some((top, bottom)) = sheet.margins
            && sheet.row == bottom
        {
            if bottom < sheet.rows.len() as u64 {
                self.commit_alt(top, 0);
                if let Some(sheet) = &mut self.alt {
                    sheet.rows.remove(top as usize);
                    sheet.rows.insert(bottom as usize, Row::new());
                }
            }
        } else {
            sheet.row += 1;
            if sheet.row >= REACH as u64 * 4 {
                // No window is this tall: a program that never addresses rows. Start over.
                self.new_page();
                return;
            }
            Self::new_row(sheet);
        }
        self.after_lf = true;
    }

    /// All rows become lines, and an empty page begins. What was there stays evidence.
    pub(super) fn new_page(&mut self) {
        if self.alt.is_some() {
            let count = self.alt.as_ref().map_or(0, |it| it.rows.len() as u64);
            for row in 0..count {
                self.commit_alt(row, 0);
            }
            if let Some(sheet) = &mut self.alt {
                sheet.rows.clear();
                sheet.row = sheet.row.min(REACH as u64);
                sheet.col = if sheet.col > WIDEST { 0 } else { sheet.col };
                Self::new_row(sheet);
            }
            return;
        }
        let end = self.main.base + self.main.rows.len() as u64;
        // Rows of earlier pages are lines already.
        for row in self.main.base.max(self.main.top)..end {
            if self.region.as_ref().is_some_and(|it| row >= it.row) {
                // A prompt's last blank is part of it.
                self.main.rows[(row - self.main.base) as usize].bits |= bits::INPUT;
            }
            self.commit_main(row, 0);
        }
        let below = self.main.row.saturating_sub(self.main.top);
        self.main.top = end;
        self.main.row = end + below.min(REACH as u64 / 2);
        self.main.wrap_due = false;
        if self.main.col > WIDEST {
            self.main.col = 0;
        }
        Self::new_row(&mut self.main);
        if let Some(region) = &mut self.region {
            // The line editor draws all anew: what stood there is kept, and no longer part of it.
            region.row = end;
            region.start_col = 0;
            if region.input_at.is_some() {
                // Until the prompt is drawn anew, whatever comes is typed.
                region.input_at = Some((end, 0));
            }
        }
        self.trim();
    }

    pub(super) fn enter_screen(&mut self) {
        if self.alt.is_some() {
            return;
        }
        let mut sheet = Sheet::default();
        sheet.rows.push_back(Row::new());
        self.alt = Some(sheet);
        self.out.items.push(Item::ScreenOn);
    }

    pub(super) fn leave_screen(&mut self) {
        let Some(sheet) = &self.alt else { return };
        for row in 0..sheet.rows.len() as u64 {
            self.commit_alt(row, 0);
        }
        self.alt = None;
        self.jumped = false;
    }
}

impl Perform for Page {
    fn print(&mut self, ch: char) {
        self.printed = true;
        self.after_lf = false;
        self.keypad_left = false;
        self.after_caret_c = match (self.after_caret_c, ch) {
            (_, '^') => 1,
            (1, 'C') => 2,
            _ => 0,
        };
        if ch.is_ascii() {
            let mut byte = [0];
            ch.encode_utf8(&mut byte);
            if self.put_run(&byte) == 0 {
                self.put(ch, 1);
            }
            return;
        }
        match UnicodeWidthChar::width(ch).unwrap_or(0) {
            0 => {
                let sheet = self.sheet();
                let at = sheet.col.saturating_sub(usize::from(!sheet.wrap_due)) as u32;
                let row = self.row();
                if row.marks.len() < 1024 {
                    row.marks.push((at, ch));
                    row.marks.sort_by_key(|it| it.0);
                }
            }
            wide => self.put(ch, wide),
        }
    }

    fn execute(&mut self, byte: u8) {
        self.printed = false;
        match byte {
            b'\n' | 0x0b | 0x0c => {
                self.after_caret_c = 0;
                self.cr_right = None;
                self.line_feed();
            }
            b'\r' => {
                self.right_is_not_due();
                self.carriage_return();
            }
            0x08 => self.back(1),
            b'\t' => {
                let sheet = self.sheet();
                let col = sheet.col;
                let row = self.row();
                if col == row.cells.len() && col < ROW_CELLS_MAX {
                    tab(&mut row.cells);
                    let end = row.cells.len();
                    self.column(end);
                } else {
                    self.column((col / 8 + 1) * 8);
                }
            }
            7 => self.row().bits |= bits::BELL,
            0 => {
                let at = self.at.0;
                self.out.nul.get_or_insert((0, at)).0 += 1;
            }
            _ => {}
        }
    }

    fn csi_dispatch(&mut self, params: &Params, between: &[u8], _ignored: bool, action: char) {
        self.printed = false;
        let private = between.first() == Some(&b'?');
        if action == 'm' && between.is_empty() {
            self.paint(params);
        } else if private || between.is_empty() {
            let mut numbers = Numbers::default();
            params.iter().for_each(|it| numbers.push(it[0]));
            self.control_sequence(&numbers, private, action);
        }
    }

    fn esc_dispatch(&mut self, between: &[u8], _ignored: bool, byte: u8) {
        self.printed = false;
        if !between.is_empty() {
            return;
        }
        match byte {
            b'7' => {
                self.save();
            }
            b'8' => self.restore(),
            b'M' => {
                let sheet = self.sheet();
                if let Some((top, _)) = sheet.margins
                    && sheet.row == top
                {
                    self.insert_rows(1);
                } else {
                    self.up(1);
                }
            }
            b'D' => self.line_feed(),
            b'E' => {
                self.line_feed();
                self.column(0);
            }
            b'c' => self.new_page(),
            _ => {}
        }
    }

    fn osc_dispatch(&mut self, params: &[&[u8]], _bell: bool) {
        self.printed = false;
        match params {
            [b"0" | b"2", title @ ..] => {
                let text = String::from_utf8_lossy(title.first().copied().unwrap_or_default());
                self.out.items.push(Item::Title(self.out.titles.len() as u32));
                let end = text.char_indices().nth(512).map_or(text.len(), |it| it.0);
                self.out.titles.push(text[..end].into());
                let number = self.main.row;
                self.titled_row = Some(number);
                if self.alt.is_none() {
                    let col = self.main.col.min(u16::MAX as usize - 1) as u16 + 1;
                    let index = (number - self.main.base) as usize;
                    self.main.rows[index].title_col = col;
                }
            }
            [b"133", [mark @ b'A'..=b'D', ..], ..] => {
                let col = self.main.col.min(u16::MAX as usize) as u16;
                if *mark == b'B' && self.alt.is_none() {
                    // The prompt ends here, says the shell itself.
                    let row = self.row();
                    row.low_col = col;
                    row.paint_col = col;
                }
            }
            _ => {}
        }
    }

    fn terminated(&self) -> bool {
        self.stop
    }
}
