//! Rows → lines: when a row becomes one, what it said before it was painted over, and rows that live in the arena until a
//! cursor moves onto them.

use std::ops::RangeInclusive;

use crate::transcript::screen::cells;
use crate::transcript::screen::cells::Row;
use crate::transcript::screen::drawn::Item;
use crate::transcript::screen::drawn::Line;
use crate::transcript::screen::drawn::bits;
use crate::transcript::screen::page::Page;
use crate::transcript::screen::sequences::painted;
use crate::transcript::screen::sequences::plain_text;
use crate::transcript::screen::sheet::Sheet;

impl Page {
    /// A line of printable ASCII and colours, as `ls` and compilers write it, needs no cells. `false` if it is
    /// another kind of line: then nothing has changed.
    pub(super) fn painted_line(&mut self, bytes: &[u8]) -> bool {
        let start = self.out.text.len();
        let mut rest = bytes;
        let (mut style, mut paint_col) = (self.pen.style, 0);
        loop {
            let end = memchr::memchr(0x1b, rest).unwrap_or(rest.len());
            let Some(text) =
                plain_text(&rest[..end]).filter(|it| it.is_ascii() && !it.contains('\t'))
            else {
                break;
            };
            self.out.text.push_str(text);
            rest = &rest[end..];
            if rest.is_empty() {
                self.pen.style = style;
                self.plain_row(start, cells::as_column(paint_col));
                return true;
            }
            let Some((quiet, used)) = painted(rest, &mut style) else { break };
            if !quiet {
                paint_col = self.out.text.len() - start;
            }
            rest = &rest[used..];
        }
        self.out.text.truncate(start);
        false
    }

    pub(super) fn plain_line(&mut self, text: &str) {
        let start = self.out.text.len();
        self.out.text.push_str(text);
        self.plain_row(start, 0);
    }

    /// The arena's text from `start` on is a row.
    fn plain_row(&mut self, start: usize, paint_col: u16) {
        let (from, to) = self.raw.at;
        let (bits, crs) = (bits::AT_END, self.raw.crs);
        let mut line =
            Line { from, to, bits, crs, low_col: u16::MAX, paint_col, ..Line::default() };
        if self.rowless == 0 {
            // Only the first of several can stand on a row that something was sent to before.
            let titled = self.input.titled_row.take().is_some_and(|it| it == self.main.row);
            line.title_col = u16::from(titled);
            if let Some(row) = self.main.rows.back_mut() {
                line.paint_col = line.paint_col.max(row.paint_col);
                *row = Row::new();
            }
        }
        self.out.push_line(start, line);
        self.rowless += 1;
        self.input.after_lf = true;
        self.motion.jumped = false;
    }

    /// Whether each row above is a line already.
    pub(super) fn is_settled(&mut self) -> bool {
        if self.motion.strayed {
            self.motion.strayed = self.main.rows.iter().any(|it| it.fresh);
        }
        !self.motion.strayed
    }

    /// Most lines are never looked at again, so they get no row when they are drawn. Before the cursor may move, those
    /// within its reach get one.
    pub(super) fn catch_up(&mut self) {
        let rowless = std::mem::take(&mut self.rowless);
        if rowless == 0 {
            return;
        }
        let sheet = &mut self.main;
        let Some(current) = sheet.rows.pop_back() else { return };
        sheet.row += rowless;
        let base = sheet.base.max((sheet.row + 1).saturating_sub(cells::REACH as u64));
        let gone = (base - sheet.base).min(sheet.rows.len() as u64);
        sheet.rows.drain(..gone as usize);
        let held = sheet.rows.len() as u64;
        sheet.base = if held == 0 { base } else { sheet.base + gone };
        let more = (sheet.row - sheet.base - held) as usize;
        let first = self.out.lines.len() - more;
        sheet.rows.extend(self.out.lines[first..].iter().map(|it| Row {
            plain: it.text,
            from: it.from,
            to: it.to,
            ..Row::new()
        }));
        sheet.rows.push_back(current);
    }

    /// The arena is about to be taken away: rows that live in it get cells of their own.
    pub(super) fn settle_plain_rows(&mut self) {
        self.catch_up();
        let keep = 64.min(self.main.rows.len());
        while self.main.rows.len() > keep && self.main.base < self.main.row {
            self.main.rows.pop_front();
            self.main.base += 1;
        }
        for index in 0..self.main.rows.len() {
            self.materialise_main(index);
        }
    }

    pub(super) fn materialise_main(&mut self, index: usize) {
        let (start, end) = self.main.rows[index].plain;
        if start == end {
            return;
        }
        let text = self.out.text[start as usize..end as usize].to_owned();
        let row = &mut self.main.rows[index];
        row.plain = (0, 0);
        row.cells.clear();
        row.cells.reserve(text.len());
        for ch in text.chars() {
            cells::push_cell(&mut row.cells, ch);
        }
    }

    /// Drops rows far above the cursor; they were committed when the cursor left them.
    pub(super) fn trim(&mut self) {
        while self.main.rows.len() > cells::REACH && self.main.base + 1 < self.main.row {
            if self.main.rows.front().is_some_and(|it| it.fresh) {
                self.commit_main(self.main.base, 0);
            }
            if let Some(row) = self.main.rows.pop_front() {
                self.spare.keep(row);
            }
            self.main.base += 1;
        }
    }

    /// The row under the cursor, there to be changed.
    #[inline]
    pub(super) fn row(&mut self) -> &mut Row {
        let at = self.raw.at;
        if self.alt.is_none() {
            self.materialise_main(self.main.place(self.main.row));
        }
        let row = self.sheet().here_mut();
        if !row.fresh {
            row.fresh = true;
            row.from = at.0;
            if row.bits & bits::ABSOLUTE != 0 {
                row.bits |= bits::AGAIN;
            }
        }
        row.to = at.1;
        row
    }

    /// The same on the sheet that is drawn on.
    pub(super) fn commit(&mut self, number: u64, extra: u16) {
        match self.alt.take() {
            Some(mut sheet) => {
                self.commit_in(&mut sheet, number, extra | bits::SCREEN);
                self.alt = Some(sheet);
            }
            None => self.commit_main(number, extra),
        }
    }

    pub(super) fn commit_main(&mut self, number: u64, extra: u16) {
        let mut sheet = std::mem::take(&mut self.main);
        self.commit_in(&mut sheet, number, extra);
        self.main = sheet;
    }

    /// readline goes down to clear what a longer line has left below, by line feeds, and up again: the line that it left so was not entered.
    /// Source: readline: display.c, rl_redisplay, _rl_move_vert.
    pub(super) fn take_back(&mut self, rows: usize) {
        let row = self.main.row;
        if self.alt.is_some() || self.input.region.is_some() || row < self.main.base + rows as u64 {
            return;
        }
        let lines = self.out.lines.len();
        let items = self.out.items.len();
        let are_lines = rows <= items.min(lines)
            && self.out.items[items - rows..]
                .iter()
                .zip(lines - rows..)
                .all(|(item, line)| matches!(item, Item::Line(it) if *it as usize == line));
        if !are_lines {
            return;
        }
        for nth in 1..=rows as u64 {
            let above = &mut self.main[row - nth];
            if above.plain == (0, 0) {
                above.fresh = !above.is_blank();
            }
        }
        for line in &mut self.out.lines[lines - rows..] {
            line.bits |= bits::OVERWRITTEN | bits::TAKEN_BACK;
        }
        self.motion.strayed = true;
    }

    /// Makes the logical line at row `number` a line of the transcript, unless it is one already.
    fn commit_in(&mut self, sheet: &mut Sheet, number: u64, extra: u16) {
        if !(sheet.base..sheet.end()).contains(&number) {
            return;
        }
        let span = sheet.line_of(number);
        if !span.clone().any(|it| sheet.rows[it].fresh) {
            return;
        }
        if span.clone().any(|it| !sheet.rows[it].versions.is_empty()) {
            self.commit_versions(sheet, span.clone(), extra);
        }
        let start = self.out.text.len();
        for index in span.clone() {
            sheet.rows[index].text_into(&mut self.out.text);
        }
        let text = &self.out.text[start..];
        let mut line = Line {
            from: u64::MAX,
            bits: extra,
            crs: self.raw.crs,
            low_col: u16::MAX,
            ..Line::default()
        };
        let (first, last) = (*span.start(), *span.end());
        for index in span {
            let row = &mut sheet.rows[index];
            row.fresh = false;
            line.from = line.from.min(row.from);
            line.to = line.to.max(row.to);
            line.bits |= row.bits;
            if line.title_col == 0 {
                line.title_col = row.title_col;
            }
            if first == last {
                line.end_col = row.typed_end();
            }
            if index == first {
                // What lies beyond the first row is the command, however it was edited.
                line.low_col = row.low_col;
                line.paint_col = row.paint_col;
            }
            row.bits &= !bits::CONTINUED;
        }
        if text.is_empty() && extra & bits::SCREEN != 0 {
            return;
        }
        if text.contains('\u{fffd}') {
            line.bits |= bits::DAMAGED;
        }
        self.out.push_line(start, line);
    }

    /// Older versions of these rows become lines, but for those that the next one only continues: redrawing the same
    /// text, or typing on, hides nothing.
    fn commit_versions(&mut self, sheet: &mut Sheet, span: RangeInclusive<usize>, extra: u16) {
        let mut whole = String::new();
        for index in span.clone() {
            sheet.rows[index].text_into(&mut whole);
        }
        for index in span {
            let versions = std::mem::take(&mut sheet.rows[index].versions);
            for (nth, (older, from, to)) in versions.iter().enumerate() {
                let next = versions.get(nth + 1).map_or(whole.as_str(), |it| &it.0);
                if next.starts_with(older.as_str()) {
                    continue;
                }
                let start = self.out.text.len();
                self.out.text.push_str(older);
                let bits = bits::OVERWRITTEN | (extra & bits::SCREEN);
                let (from, to, low_col) = (*from, *to, u16::MAX);
                self.out.push_line(start, Line { from, to, bits, low_col, ..Line::default() });
            }
        }
    }

    /// The row under the cursor is about to lose what it shows: keep it.
    pub(super) fn keep_version(&mut self) {
        if self.input.region.is_some() && self.alt.is_none() {
            return;
        }
        let row = self.sheet().here();
        if !row.fresh || row.is_blank() {
            return;
        }
        let mut text = String::new();
        row.text_into(&mut text);
        let (from, to) = (row.from, self.raw.at.1);
        let row = self.row();
        if row.versions.last().is_some_and(|it| it.0 == text) {
            return;
        }
        if row.versions.len() < cells::VERSIONS_MAX {
            row.versions.push((text, from, to));
        } else {
            self.out.dropped_versions += 1;
        }
    }

    pub(super) fn invalid(&mut self, bytes: &[u8], from: u64) {
        let mut at = from;
        for chunk in bytes.utf8_chunks() {
            at += chunk.valid().len() as u64;
            let bad = chunk.invalid().len() as u64;
            if bad > 0 {
                self.out.invalid.get_or_insert((at, 0)).1 += bad;
            }
            at += bad;
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::transcript::testing::lines;

    #[test]
    fn a_line_painted_over_is_kept_as_it_was() {
        let shown = lines(
            "
sh-4.2$ ./p
downloading evil␍␛[Kall is well
",
        );
        assert_eq!(shown, ["sh-4.2$ ./p", "older: downloading evil", "all is well"]);
    }

    #[test]
    fn clearing_the_screen_erases_no_evidence() {
        let shown = lines(
            "
sh-4.2$ cat secret
the secret
sh-4.2$ clear
␛[H␛[2Jsh-4.2$ id
␛[3J␛[H␛[2J
",
        );
        assert!(shown.contains(&"the secret".to_owned()), "{shown:?}");
    }

    /// readline goes down to clear what a longer line has left on the row below, and up again: what it leaves so was not run.
    #[test]
    fn a_line_that_its_editor_took_back_is_an_older_one() {
        let shown = lines(
            "
sh-4.2$ ls␛[K
␍␛[K␛[A␛[10C␈␈w␛[K
",
        );
        // It was a line, and `w` is drawn over it; the row that was cleared is an empty line.
        assert_eq!(shown, ["older: sh-4.2$ ls", "older: sh-4.2$ ls", "sh-4.2$ w", ""]);
    }
}
