//! What line editors draw between their marks: where input begins, prompts that are drawn anew, right-hand prompts, and the
//! text that was typed.

use crate::transcript::screen::cells;
use crate::transcript::screen::cells::Cell;
use crate::transcript::screen::cells::Row;
use crate::transcript::screen::drawn::Item;
use crate::transcript::screen::drawn::Region;
use crate::transcript::screen::drawn::RegionEnd;
use crate::transcript::screen::drawn::bits;
use crate::transcript::screen::input::OpenRegion;
use crate::transcript::screen::page::Page;

/// Rows above a prompt in which the words of a lost connection are looked for: its own, and what a shell prints before.
const LOST_ROWS: u64 = 8;

impl Page {
    pub(super) fn open_region(&mut self, at: u64) {
        if self.alt.is_some() {
            return;
        }
        if let Some(open) = &self.input.region {
            if !self.has_lost_its_end(open) {
                return;
            }
            self.end_region(at, RegionEnd::Left, false);
        }
        let (number, col) = (self.main.row, self.main.col);
        if !self.is_settled() {
            // Rows that were drawn on from below, as an upper row of the prompt is for its right-hand side.
            for above in self.main.base..number {
                self.main[above].forget_blanks();
                self.commit_main(above, 0);
            }
        }
        self.materialise_main(self.main.place(number));
        let cleared = self.input.cleared.row.take();
        // What zle cleared for its own prompt, and set no mark behind, says nothing of another line editor's mark at the margin.
        let by_zle = std::mem::take(&mut self.input.cleared.by_zle) && cleared == Some(number);
        let titled = self.input.titled_row == Some(number);
        let known = Region { from: at, start_col: col as u16, titled, ..Region::default() };
        let mut region = OpenRegion { row: number, known, ..OpenRegion::default() };
        let row = self.main.here_mut();
        let is_near = cleared.is_some_and(|it| it + 4 > number && it <= number);
        if is_near && (col > 0 || by_zle) {
            region.known.start_col = 0;
            region.input_at = Some((number, col as u16));
            region.prompt.extend(row.cells.iter().take(col).map(|it| it.ch));
            for cell in &mut row.cells {
                cell.bits |= cells::BEFORE;
            }
        }
        // What the prompt says of itself is learnt afresh in each region.
        row.low_col = u16::MAX;
        row.paint_col = 0;
        row.title_col = 0;
        row.bits &= !bits::EDITED;
        if let Some(first) = cleared.filter(|it| *it >= self.main.base && *it <= number) {
            (region.known.filled, region.known.printed) = self.filled_before(first, number);
        }
        self.input.region = Some(region);
        self.input.caret_c = 0;
        self.input.after_lf = false;
        self.input.crs = u8::MAX;
    }

    /// A line editor sets its mark once a line. Another one on a later row says that the end of the first was lost, with the program
    /// that set it, or that it was printed: nothing that stands in between was typed there.
    fn has_lost_its_end(&self, open: &OpenRegion) -> bool {
        let is_before_prompt = open.input_at.is_none() && open.known.start_col == 0;
        // zle sets it behind its prompt: there it counts only where zle has just cleared the rest of the screen for one, as behind an
        // instant prompt of powerlevel10k, or a connection was lost in between.
        let row = self.main.row;
        if row <= open.row {
            return false;
        }
        // Its words stand just above the prompt that follows.
        let rows = (open.row + 1).max(row.saturating_sub(LOST_ROWS))..row;
        let cleared = &self.input.cleared;
        let by_zle = cleared.by_zle && cleared.row.is_some_and(|it| it > open.row);
        let is_lost = self.main.col == 0
            || by_zle
            || rows.into_iter().any(|it| self.tells_of_a_lost_connection(it));
        is_lost && is_before_prompt
    }

    /// Whether the rows that zle cleared for its prompt were filled before, and whether output without a line end stood in them.
    fn filled_before(&self, first: u64, last: u64) -> (bool, bool) {
        let base = self.main.base;
        let (mut filled, mut printed) = (false, false);
        let mut see = |text: &str| {
            let text = text.trim_end();
            let is_mark = matches!(text.chars().next_back(), Some('%' | '#'));
            filled |= is_mark;
            // Output without a line end stands before the mark.
            printed |= is_mark && text.chars().nth(1).is_some();
        };
        for it in first..=last {
            for version in &self.main[it].versions {
                see(&version.0);
            }
        }
        // The blanks that fill a row behind such output go on in the next one.
        let above = first.checked_sub(1).filter(|it| *it >= base);
        if let Some(row) = above.map(|it| &self.main[it])
            && row.wrapped
        {
            see(&row.cells.iter().map(|it| it.ch).collect::<String>());
        }
        (filled, printed)
    }

    /// What ssh says on the terminal when its connection ends (openssh-portable: clientloop.c, ssh.c).
    fn tells_of_a_lost_connection(&self, number: u64) -> bool {
        const WORDS: &str = "Connection to ";
        let place = number.checked_sub(self.main.base);
        let cells = place.and_then(|it| self.main.rows.get(it as usize)).map(|it| &*it.cells);
        let begins = |it: &[Cell]| WORDS.chars().zip(it).all(|(ch, it)| it.ch == ch);
        cells.is_some_and(|it| it.len() > WORDS.len() && begins(it))
    }

    pub(super) fn close_region(&mut self, at: u64, genuine: bool) {
        if self.alt.is_some() {
            return;
        }
        let end = if self.input.caret_c == 2 {
            RegionEnd::Interrupted
        } else if self.input.after_lf
            || self.input.keypad_left
            || self.input.region.as_ref().is_some_and(|it| it.input_at.is_some())
        {
            RegionEnd::Accepted
        } else {
            RegionEnd::Left
        };
        self.end_region(at, end, genuine);
    }

    pub(super) fn end_region(&mut self, at: u64, end: RegionEnd, genuine: bool) {
        self.prompt_may_end();
        let Some(region) = self.input.region.take() else { return };
        let first_line = self.out.lines.len() as u32;
        let mut typed = None;
        let mut input_at = None;
        if let Some((row, col)) = region.input_at
            && row >= self.main.base
        {
            typed = Some(self.typed_after(row, col as usize));
            input_at = Some((0, col));
        }
        // Behind Enter the cursor stands below what was typed, though another prompt was drawn there before.
        let below =
            u64::from(self.input.after_lf && self.main.col == 0 && self.main.row > region.row);
        for number in region.row.max(self.main.base)..=self.main.row - below {
            let (last, col) = (self.main.row, self.main.col);
            let row = &mut self.main[number];
            if number == last && col == 0 && row.is_blank() {
                continue;
            }
            // fish goes back to no other column of its prompt than its end.
            let again = region
                .again
                .as_ref()
                .filter(|it| it.0 == number && self.input.marks.escape_follows);
            if let Some((_, before)) = again
                && row.cells.len() >= before.len()
                && row.cells.iter().zip(before).all(|it| it.0.ch == *it.1)
            {
                // It was the same prompt.
                row.low_col = row.low_col.min(before.len() as u16);
            }
            row.bits |= bits::INPUT;
            row.suggests = self.input.marks.escape_follows || region.input_at.is_some();
            if !row.fresh && row.is_blank() && number < last {
                // An empty line is a line.
                row.fresh = true;
                (row.from, row.to) = (region.known.from, at);
            }
            self.commit_main(number, bits::INPUT);
            if input_at.is_some()
                && let Some((_, col)) = region.input_at.filter(|it| it.0 == number)
            {
                // Older versions of the row stand before it.
                input_at = Some((self.out.lines.len().saturating_sub(1) as u32, col));
            }
        }
        if below > 0 {
            self.drop_below();
        }
        self.out.items.push(Item::Region(self.out.regions.len() as u32));
        self.out.regions.push(Region {
            to: at,
            end,
            lines: first_line..self.out.lines.len() as u32,
            input_at,
            typed,
            crs: self.input.crs,
            genuine,
            escape_follows: self.input.marks.escape_follows,
            ends_row: self.input.marks.ends_row,
            keypad_left_on: !self.input.keypad_left,
            enter_col: self.input.enter_col,
            ..region.known
        });
        self.pen.style &= !cells::BEFORE;
        self.input.closing = input_at.map(|_| self.main.row);
    }

    /// What was written from a row and column on since the region began.
    pub(super) fn typed_after(&self, first: u64, col: usize) -> String {
        let mut text = String::new();
        for number in first..=self.main.row {
            let row = &self.main[number];
            let shown = |it: &Cell| it.bits & (cells::BEFORE | cells::FAINT) == 0 && it.ch != ' ';
            let end = if row.wrapped {
                row.cells.len()
            } else {
                row.cells.iter().rposition(shown).map_or(0, |it| it + 1)
            };
            let mut skip = if number == first { col } else { 0 };
            for (at, cell) in row.cells.iter().enumerate().take(end) {
                if at < skip {
                    continue;
                }
                if let Some((ch, used)) = unshowable(&row.cells[at..end]) {
                    text.push(ch);
                    skip = at + used;
                    continue;
                }
                if cell.bits & (cells::FILLER | cells::BEFORE) == 0 {
                    text.push(cell.ch);
                    let from = row.marks.partition_point(|it| (it.0 as usize) < at);
                    let marks = row.marks[from..].iter().take_while(|it| it.0 as usize == at);
                    text.extend(marks.map(|it| it.1));
                }
            }
            if !row.wrapped && number < self.main.row {
                text.push('\n');
            }
        }
        text.truncate(text.trim_end_matches('\n').len());
        text
    }

    /// Rows that a taller prompt has left below the line that was entered: a line each, and then nothing, since what is
    /// printed there now has nothing to do with them.
    fn drop_below(&mut self) {
        for number in self.main.row..self.main.end() {
            if self.main[number].fresh && !self.main[number].is_blank() {
                self.commit_main(number, bits::INPUT | bits::OVERWRITTEN);
                self.main[number] = Row::new();
            }
        }
    }

    /// readline shows inverse what is pasted: from the margin on, it is a further line of a block.
    pub(super) fn pasted_below(&mut self) {
        let (row, col) = (self.main.row, self.main.col);
        if let Some(region) = &mut self.input.region {
            region.known.pasted |= self.alt.is_none() && col == 0 && row > region.row;
        }
    }

    /// The row is drawn anew from its start: what was learnt of its prompt may have been about another.
    pub(super) fn drawn_anew(&mut self) {
        let number = self.main.row;
        let main = self.alt.is_none();
        let row = self.row();
        if row.bits & bits::ABSOLUTE != 0 {
            // Its editor draws it anew with each key, and its prompt is as long as before.
            return;
        }
        let low = std::mem::replace(&mut row.low_col, u16::MAX);
        if let Some(region) = self.input.region.as_mut().filter(|it| main && it.typed) {
            region.known.redrawn = true;
        }
        let row = self.row();
        if low == u16::MAX || low == 0 || !main {
            return;
        }
        let before: Vec<char> = row.cells.iter().map(|it| it.ch).take(low.into()).collect();
        if let Some(region) = &mut self.input.region
            && before.len() == usize::from(low)
            && region.again.as_ref().is_none_or(|it| it.0 != number || it.1.len() > before.len())
        {
            region.again = Some((number, before));
        }
    }

    /// zle draws its prompt after the mark, where a widget of the user's has it do so.
    pub(super) fn prompt_inside(&mut self) {
        let (row, col) = (self.main.row, self.main.col);
        let blank = self.main.here().is_blank();
        if let Some(region) = &mut self.input.region
            && self.alt.is_none()
            && col == 0
            && region.input_at.is_none()
            && region.row == row
            && region.known.start_col == 0
            && (blank || region.prompt.is_empty())
        {
            region.input_at = Some((row, 0));
        }
    }

    /// zle draws its prompt anew: from the margin, after clearing all below. Farther down only after a notice about a
    /// job, with all that `zle` sends before a prompt.
    pub(super) fn prompt_anew(&mut self, by_zle: bool) {
        let (row, col) = (self.main.row, self.main.col);
        if let Some(region) = &mut self.input.region
            && self.alt.is_none()
            && col == 0
            && region.input_at.is_some_and(|it| row <= it.0 || by_zle)
        {
            region.redrawing = Some(row);
            region.row = region.row.min(row);
            self.pen.style |= cells::BEFORE;
        }
    }

    /// Row on which the prompt's last row stands as it was.
    pub(super) fn prompt_row(&self, first: u64, last: u64, col: usize) -> Option<u64> {
        let prompt = &self.input.region.as_ref()?.prompt;
        (first.max(self.main.base)..=last).rev().find(|number| {
            let cells = &self.main[*number].cells;
            !prompt.is_empty() && cells.len() >= prompt.len().min(col) && is_like(cells, prompt)
        })
    }

    /// After a resize the prompt is drawn anew and nothing is cleared behind it: where it stands as it was, what follows
    /// is typed.
    pub(super) fn prompt_may_end(&mut self) {
        let (row, col) = (self.main.row, self.main.col);
        let Some(region) = &self.input.region else { return };
        let Some(first) = region.redrawing.filter(|_| col >= region.prompt.len()) else { return };
        if self.prompt_row(first, row, col) == Some(row) {
            self.prompt_ends();
        }
    }

    /// Prompt and line have been drawn anew, and the rest of the row is cleared. The line begins where
    /// the prompt's last row ends, if that is as it was; else nothing was typed yet.
    pub(super) fn prompt_ends(&mut self) {
        let (row, col) = (self.main.row, self.main.col);
        let Some(region) = &mut self.input.region else { return };
        // Behind what was cleared, only the right-hand prompt is drawn.
        region.right_due = region.input_at.is_some();
        let Some(first) = region.redrawing.take() else { return };
        self.pen.style &= !cells::BEFORE;
        let found = self.prompt_row(first, row, col);
        let Some(region) = &mut self.input.region else { return };
        if let Some(number) = found {
            let end = region.prompt.len();
            region.input_at = Some((number, cells::as_column(end)));
            for number in number..=row {
                let skip = if Some(number) == found { end } else { 0 };
                for cell in self.main[number].cells.iter_mut().skip(skip) {
                    cell.bits &= !cells::BEFORE;
                }
            }
        } else {
            region.input_at = Some((row, cells::as_column(col)));
            if region.prompt.is_empty() {
                // It is drawn between the marks, and was not known before.
                region.prompt = self.main.here().cells.iter().map(|it| it.ch).take(col).collect();
            }
        }
    }
}

/// Whether the row begins with the prompt, but for a clock's last figures or the letter of a vi mode.
fn is_like(cells: &[Cell], prompt: &[char]) -> bool {
    let mut others = 0;
    for (cell, ch) in cells.iter().zip(prompt) {
        if cell.ch != *ch {
            others += 1;
            if cell.ch == ' ' || *ch == ' ' || others > 2 {
                return false;
            }
        }
    }
    // A sign alone is either the same or another.
    others == 0 || prompt.len() >= 8
}

/// What zle shows as `<200d>`, inverse, since no terminal shows it: the character, and the cells used.
pub(super) fn unshowable(cells: &[Cell]) -> Option<(char, usize)> {
    let inverse = |it: &&Cell| it.bits & (cells::INVERSE | cells::BEFORE) == cells::INVERSE;
    cells.first().filter(inverse).filter(|it| it.ch == '<')?;
    let digits: String = cells[1..]
        .iter()
        .take_while(inverse)
        .map(|it| it.ch)
        .take_while(char::is_ascii_hexdigit)
        .take(8)
        .collect();
    let close = cells.get(1 + digits.len()).filter(inverse).filter(|it| it.ch == '>');
    close.filter(|_| digits.len() >= 4)?;
    let ch = char::from_u32(u32::from_str_radix(&digits, 16).ok()?)?;
    Some((ch, digits.len() + 2))
}

#[cfg(test)]
mod tests {
    use crate::transcript::testing::check;

    /// fish with a prompt of two lines that shrinks to a sign at Enter: what it leaves below is no part of the command.
    #[test]
    fn a_prompt_that_shrinks_at_enter_leaves_nothing_in_the_command() {
        let command = |text: &str| {
            format!(
                "␛[?2004h␛]0;~/p␇~/project (main)␛[K
⟶ ␛[K␍␛[2C{text}␍␛[9C␛]0;~/p␇␍␛[A→ {text}␛[K␍␛[9C
// shell: {}
␛[?2004l␛[30m␍done
",
                text.trim_end()
            )
        };
        check(&["uptime", "id -un ", "ls /srv"].map(command).concat());
    }

    /// What zsh sends before its prompt and behind it.
    const ZSH: &str = "␛[0m␛[27m␛[24m␛[J[dana@h ~]% ␛[K␛[?2004h";

    #[test]
    fn a_notice_about_a_job_in_the_middle_of_a_line_is_no_part_of_it() {
        // Nothing tells whether the second ran: it printed nothing, and this zsh leaves no trace of Ctrl-C.
        check(&format!(
            "
{ZSH}sleep 1 &␛[?2004l␍
// shell: sleep 1 &
[1] 81
{ZSH}jo␍
[1]  + done       sleep 1
␛[0m␛[27m␛[24m␛[J[dana@h ~]% jo␛[Kbs␛[?2004l␍
// unconfirmed: jobs
{ZSH}␄
"
        ));
        // Output tells, another place tells, and what was running at the end.
        check(&format!(
            "
{ZSH}id␛[?2004l␍
// shell: id
uid=0(root)
{ZSH}cd /srv␛[?2004l␍
// shell: cd /srv
{}true␛[?2004l␍
// shell: true
",
            ZSH.replace('~', "srv")
        ));
        // A prompt that only goes on, as a clock or a status does, tells nothing.
        let clock = |at: &str| ZSH.replace("[dana@h", &format!("{at} [dana@h"));
        check(&format!(
            "
{}rm -rf /srv␛[?2004l␍
// unconfirmed: rm -rf /srv
{}id␛[?2004l␍
// shell: id
uid=0(root)
{}␄
",
            clock("12:00:02"),
            clock("12:00:09"),
            clock("12:00:10")
        ));
        // Output without a line end stands before the mark that zsh then draws.
        let mark = format!("␛[1m␛[7m%␛[27m␛[1m␛[0m{}␍ ␍␍", " ".repeat(79));
        check(&format!(
            "
{mark}{ZSH}printf foo␛[?2004l␍
// shell: printf foo
foo{mark}{ZSH}rm x␛[?2004l␍
// unconfirmed: rm x
{mark}{ZSH}␄
"
        ));
    }
}
