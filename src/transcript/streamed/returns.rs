//! CRs put back: between a prompt and its redrawing, at each margin, behind a filled row, and where the cursor would run over
//! the end of what is there.

use crate::transcript::prompt;
use crate::transcript::streamed::lines::FILLING;
use crate::transcript::streamed::steps::ROOM;
use crate::transcript::streamed::steps::Step;
use crate::transcript::streamed::steps::drawn_once;
use crate::transcript::streamed::steps::steps;

/// Length of a prompt that the line shows twice from its start: the first window-size message redraws it.
pub(super) fn doubled(drawn: &[char]) -> Option<usize> {
    (2..=drawn.len() / 2).take(160).find(|it| {
        drawn[it - 1] == ' '
            && !drawn[it - 2].is_alphanumeric()
            && drawn[..*it] == drawn[*it..2 * it]
            && drawn[0] != ' '
    })
}

/// Whether [`doubled`] may find anything: what any text must have for that.
pub(super) fn may_be_doubled(bytes: &[u8]) -> bool {
    let most = (bytes.len() / 2).min(640);
    bytes[..most].iter().enumerate().skip(1).any(|(at, it)| {
        *it == b' '
            && !bytes[at - 1].is_ascii_alphanumeric()
            && bytes.get(at + 1..2 * at + 2) == bytes.get(..at + 1)
    })
}

/// A row that zsh or fish filled: where the two CRs were, and the width.
pub(super) fn filled(drawn: &[char]) -> Option<([usize; 2], usize)> {
    for (at, ch) in drawn.iter().enumerate().take(4096) {
        if !matches!(ch, '%' | '#' | '⏎' | '¶') {
            continue;
        }
        let blanks = drawn[at + 1..].iter().take_while(|it| **it == ' ').count();
        if blanks < FILLING {
            continue;
        }
        return match ch {
            // fish: mark, blanks to the margin, CR, mark and blank again, CR.
            '⏎' | '¶' => Some(([at + 1 + blanks, at + 3 + blanks], blanks + 1)),
            // zsh: mark, blanks to one before the margin, CR, blank, CR.
            _ => Some(([at + blanks, at + blanks + 1], blanks)),
        };
    }
    None
}

/// A line without the row that zsh or fish filled before it.
pub(super) struct UnfilledLine<'a> {
    /// The filled row, its CRs put back.
    pub(super) head: Vec<u8>,
    pub(super) tail: &'a [u8],
    /// What stands in the tail before the cursor first goes back.
    pub(super) drawn: Vec<char>,
    /// See [`doubled`].
    pub(super) twice: Option<usize>,
    /// The width that a filled row tells.
    pub(super) columns: Option<usize>,
}

impl<'a> UnfilledLine<'a> {
    pub(super) fn of(bytes: &'a [u8]) -> Self {
        let mut drawn = drawn_once(bytes);
        let Some((crs, columns)) = filled(&drawn) else {
            let twice = doubled(&drawn);
            return Self { head: Vec::new(), tail: bytes, drawn, twice, columns: None };
        };
        drawn.drain(..crs[1].min(drawn.len()));
        let mut head = Vec::with_capacity(columns + 16);
        let (mut nth, mut used) = (0, 0);
        for (step, raw) in steps(bytes) {
            if nth == crs[1] {
                break;
            }
            if matches!(step, Step::Print(_)) {
                if nth == crs[0] {
                    head.push(b'\r');
                }
                nth += 1;
            }
            head.extend_from_slice(raw);
            used += raw.len();
        }
        // Whoever fills a row draws a prompt next.
        head.extend_from_slice(b"\r\x1b[?2004h");
        let twice = doubled(&drawn);
        Self { head, tail: &bytes[used..], drawn, twice, columns: Some(columns) }
    }

    /// The same without the first of two prompts.
    pub(super) fn drawn_last(&self) -> &[char] {
        &self.drawn[self.twice.unwrap_or(0)..]
    }
}

/// Puts CRs back: behind a filled row, between a prompt and its redrawing, at each margin, and where the
/// cursor would run over the end of what is there.
pub(super) fn with_crs(
    split: &UnfilledLine<'_>,
    width: Option<usize>,
    prompt_end: usize,
) -> Vec<u8> {
    let (bytes, twice) = (split.tail, split.twice);
    let mut all: Vec<(Step, &[u8])> = Vec::with_capacity(bytes.len().min(ROOM));
    all.extend(steps(bytes));
    let mut line = Returning {
        all: &all,
        at: 0,
        out: Vec::with_capacity(bytes.len() + 16),
        nth: 0,
        col: 0,
        end: 0,
        before: ' ',
        width,
        prompt: split.drawn_last().get(..prompt_end).unwrap_or_default(),
        prompt_end,
        skipped: twice.unwrap_or(0),
        twice,
    };
    let mut again = false;
    while let Some((step, raw)) = all.get(line.at).copied() {
        if twice == Some(line.nth) && !again && matches!(step, Step::Print(_) | Step::Silent) {
            // What the second prompt begins with, as a window title, belongs behind the CR.
            line.return_to_margin();
            again = true;
        }
        line.at += match step {
            Step::Print(ch) => line.print(ch, raw),
            Step::Back => {
                line.out.push(0x08);
                line.col = line.col.saturating_sub(1);
                1
            }
            Step::Right(first) => line.right(first),
            Step::Csi(last, number) => {
                line.sequence(last, number, raw);
                1
            }
            Step::Silent => {
                line.out.extend_from_slice(raw);
                1
            }
        };
    }
    line.out
}

/// A line that gets its CRs back, step by step.
struct Returning<'a> {
    all: &'a [(Step, &'a [u8])],
    /// The step that is looked at.
    at: usize,
    out: Vec<u8>,
    /// Characters printed so far.
    nth: usize,
    /// Columns of the cursor, and of the end of the row.
    col: usize,
    end: usize,
    /// The character printed last.
    before: char,
    width: Option<usize>,
    prompt: &'a [char],
    prompt_end: usize,
    /// Columns of a prompt that stands before it once more.
    skipped: usize,
    twice: Option<usize>,
}

impl Returning<'_> {
    fn return_to_margin(&mut self) {
        self.out.push(b'\r');
        (self.col, self.end) = (0, 0);
    }

    /// Prints a character; says how many steps that were.
    fn print(&mut self, ch: char, raw: &[u8]) -> usize {
        if self.twice != Some(self.nth)
            && self.nth >= self.skipped + self.prompt_end
            && !matches!(self.before, '\'' | '"' | '`')
            && redraws(&self.all[self.at..], self.prompt)
        {
            self.out.push(b'\r');
            self.col = 0;
        }
        self.before = ch;
        self.nth += 1;
        if let Some(width) = self.width
            && self.col == width
            && self.end <= width
        {
            if self.reaches_next_row(ch) {
                return self.over_the_margin(ch, raw);
            }
            (self.col, self.end) = (0, 0);
        }
        self.out.extend_from_slice(raw);
        self.col += unicode_width::UnicodeWidthChar::width(ch).unwrap_or(0);
        self.end = self.end.max(self.col);
        1
    }

    /// Whether the character at the margin was printed to reach the next row, and a CR followed.
    fn reaches_next_row(&self, ch: char) -> bool {
        let next = self.all[self.at + 1..].iter().find(|it| it.0 != Step::Silent);
        ch == ' ' || next.is_some_and(|it| it.0 == Step::Print(ch))
    }

    fn over_the_margin(&mut self, ch: char, raw: &[u8]) -> usize {
        self.out.extend_from_slice(raw);
        self.return_to_margin();
        // zsh draws the first character of the row twice more.
        if ch == ' '
            && let (Some(one), Some(two)) = (self.all.get(self.at + 1), self.all.get(self.at + 2))
            && one.0 == two.0
            && one.0 != Step::Print(' ')
        {
            self.out.extend_from_slice(one.1);
            self.out.push(b'\r');
            return 2;
        }
        1
    }

    /// Goes right; says how many steps that were, for one run of moves is one move.
    fn right(&mut self, first: usize) -> usize {
        let mut run = first;
        let mut many = 1;
        while let Some((Step::Right(more), _)) = self.all.get(self.at + many) {
            // fish counts from the margin each time; readline moves by one.
            if first > 1 || *more > 1 {
                break;
            }
            run += more;
            many += 1;
        }
        if self.col + run > self.end && !returns(&self.all[self.at + many..], run) {
            self.out.push(b'\r');
            self.col = 0;
        }
        for it in &self.all[self.at..self.at + many] {
            self.out.extend_from_slice(it.1);
        }
        self.col += run;
        self.end = self.end.max(self.col);
        many
    }

    fn sequence(&mut self, last: u8, number: usize, raw: &[u8]) {
        if matches!(last, b'P' | b'@')
            && self.nth >= self.prompt_end
            && redraws(&self.all[self.at + 1..], self.prompt)
        {
            self.out.push(b'\r');
            self.col = 0;
        }
        self.out.extend_from_slice(raw);
        let count = number.max(1);
        match last {
            b'D' => self.col = self.col.saturating_sub(count),
            b'K' | b'J' if number == 0 => self.end = self.col,
            b'P' => self.end = self.end.saturating_sub(count).max(self.col),
            b'@' => self.end += count,
            b'G' => self.col = count - 1,
            b'A' => self.end = self.width.unwrap_or(self.end).max(self.end),
            b'H' => (self.col, self.end) = (0, 0),
            _ => {}
        }
    }
}

/// Whether the cursor goes back by as much as it went right and printed: a right-hand prompt of zsh.
fn returns(rest: &[(Step, &[u8])], right: usize) -> bool {
    let mut printed = right;
    for (step, _) in rest {
        match step {
            Step::Print(ch) => printed += unicode_width::UnicodeWidthChar::width(*ch).unwrap_or(0),
            Step::Silent => {}
            Step::Csi(b'D', back) => return *back == printed,
            _ => return false,
        }
    }
    false
}

/// Whether what is printed next is the search's own prompt, or the shell's again.
fn redraws(rest: &[(Step, &[u8])], prompt: &[char]) -> bool {
    // The blank at the prompt's end may still be there.
    let bare = prompt.iter().rposition(|it| *it != ' ').map_or(0, |it| it + 1);
    prompt::SEARCHES.into_iter().any(|it| prints(rest, it.chars()))
        || bare >= 2 && prints(rest, prompt[..bare].iter().copied())
}

/// Whether the characters printed next, before the cursor goes elsewhere, begin with these.
fn prints(rest: &[(Step, &[u8])], mut these: impl Iterator<Item = char>) -> bool {
    let still = rest.iter().take_while(|it| matches!(it.0, Step::Print(_) | Step::Silent));
    let mut printed = still.filter_map(|it| it.0.printed());
    these.all(|it| printed.next() == Some(it))
}
