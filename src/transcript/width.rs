//! The width of the window, which nobody recorded: line editors show it at their margins.
//!
//! Sources: readline: display.c; zsh: Src/Zle/zle_refresh.c, Src/utils.c (preprompt); fish: src/screen.cpp.

use std::collections::BTreeMap;
use std::collections::HashMap;

use unicode_width::UnicodeWidthChar;

use crate::transcript::prompt;

/// Columns of the narrowest window that is told.
const NARROWEST: usize = 20;

/// Widths that are told apart.
const WIDTHS_MAX: usize = 256;

/// The width of the window, from what line editors do at its margin.
///
/// Readline fills the last column, prints a blank (or the next row's first character) and a CR; zsh and
/// fish pad a row to its end before each prompt. One vote can be chance, so it must agree with others.
#[derive(Default)]
pub struct WidthVotes {
    /// How often each width was told.
    seen: HashMap<usize, u32>,
    /// zsh has told it: only it may tell another.
    certain: bool,
}

/// A width that a line shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Vote {
    width: usize,
    /// By a row that zsh filled from its mark to the margin. Programs fill rows as well, but set no such mark.
    certain: bool,
}

impl WidthVotes {
    /// Looks at one raw line, given the width believed so far; the width to believe from here on, if that tells one.
    pub fn vote(&mut self, bytes: &[u8], now: Option<usize>) -> Option<usize> {
        // A margin lies at least this far from the last CR.
        let far = |it: &[u8]| it.len() >= NARROWEST;
        if !memchr::memchr_iter(b'\r', bytes)
            .scan(0, |from, at| Some(&bytes[std::mem::replace(from, at + 1)..at]))
            .any(far)
            && (now.is_some() || memchr::memmem::find(bytes, b"\x1b[A").is_none())
        {
            return None;
        }
        let votes = margin_votes(bytes, now.is_none());
        if let Some(it) = votes.iter().rev().find(|it| it.certain) {
            self.certain = true;
            return Some(it.width);
        }
        if self.certain {
            return None;
        }
        // One line can vote as often as it has CRs.
        let mut counts: BTreeMap<usize, u32> = BTreeMap::new();
        for it in votes {
            *counts.entry(it.width).or_default() += 1;
        }
        for (width, count) in &counts {
            if let Some(seen) = prompt::held_within(&mut self.seen, *width, WIDTHS_MAX) {
                *seen = seen.saturating_add(*count);
            }
        }
        let total = |width: usize| self.seen.get(&width).copied().unwrap_or(0);
        let (best, count) = counts
            .into_iter()
            .max_by_key(|(it, count)| (*count, Some(*it) == now, total(*it), *it))?;
        let enough = Some(best) == now || count >= 2 || total(best) >= 2 || best >= 60;
        (enough || is_typed(bytes)).then_some(best)
    }
}

/// Whether a line editor draws the line: behind its mark, or behind a prompt that is the same everywhere. What it does at a margin it does
/// nowhere else.
fn is_typed(bytes: &[u8]) -> bool {
    const MARK: &[u8] = b"\x1b[?2004h";
    if let Some(at) = memchr::memmem::find(bytes, MARK) {
        // fish draws at the margin before its mark.
        return memchr::memchr(b'\r', &bytes[..at]).is_none();
    }
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(512)]);
    let row = without_sequences(text.chars()).take_while(|it| *it != '\r');
    let shown: String = row.filter(|it| !it.is_control()).collect();
    prompt::known(&shown).is_some_and(|it| it.is_of_a_shell())
}

/// Characters but for the sequences between them.
fn without_sequences(mut chars: std::str::Chars<'_>) -> impl Iterator<Item = char> {
    std::iter::from_fn(move || {
        loop {
            match chars.next()? {
                '\u{1b}' => skip_sequence(&mut chars, &mut 0),
                ch => return Some(ch),
            };
        }
    })
}

/// Columns at which the bytes behave as at a right margin.
fn margin_votes(bytes: &[u8], any: bool) -> Vec<Vote> {
    // Nearly always valid, which this finds faster.
    let text = std::str::from_utf8(bytes)
        .map_or_else(|_| String::from_utf8_lossy(bytes), std::borrow::Cow::Borrowed);
    let mut row = MarginRow::default();
    let mut chars = text.chars();
    let mut behind_cr = false;
    while let Some(ch) = chars.next() {
        let behind_cr = std::mem::replace(&mut behind_cr, ch == '\r');
        match ch {
            '\r' => row.carriage_return(),
            '\u{8}' => {
                row.col = row.col.saturating_sub(1);
                row.pending = None;
            }
            '\t' => row.col = (row.col / 8 + 1) * 8,
            '\u{1b}' => {
                if any {
                    row.look_at_sequence(chars.as_str(), behind_cr);
                }
                let starts = |it: &str| chars.as_str().starts_with(it);
                if starts("[?1049h") {
                    // What is drawn on another screen knows a margin, and is no line.
                    break;
                }
                row.inverse = row.inverse && !starts("[27m") && !starts("[0m") || starts("[7m");
                if skip_sequence(&mut chars, &mut row.col) {
                    row.pending = None;
                }
            }
            ch if ch.is_control() => {}
            ch => row.print(ch, chars.as_str()),
        }
    }
    row.votes.retain(|it| (NARROWEST..=1000).contains(&it.width));
    row.votes
}

/// A row as it is drawn, and the votes that it has given.
#[derive(Default)]
struct MarginRow {
    votes: Vec<Vote>,
    col: usize,
    /// The last character, and how many blanks in a row there were.
    last: char,
    blanks: usize,
    /// Column and character at the last CR that followed printing, and the blanks before it.
    pending: Option<(usize, char, usize)>,
    /// Where the mark of a line without an end stands, with nothing but blanks behind it.
    mark: Option<usize>,
    inverse: bool,
    /// How the line begins. What begins so again behind a CR is drawn anew, and tells no margin.
    begins: String,
    /// What was pasted has voted.
    pasted: bool,
}

impl MarginRow {
    fn vote(&mut self, width: usize, certain: bool) {
        self.votes.push(Vote { width, certain });
    }

    fn carriage_return(&mut self) {
        if self.col > 0 {
            self.pending = Some((self.col, self.last, self.blanks));
        }
        self.col = 0;
        self.blanks = 0;
    }

    /// What a sequence, of which the ESC has been read, tells of the margin.
    fn look_at_sequence(&mut self, rest: &str, behind_cr: bool) {
        let up = rest.starts_with("[A");
        if up
            && behind_cr
            && let Some((at, ' ', 1)) = self.pending
            && at > 1
        {
            // What was entered fills the last row to its margin: readline goes over it, and back up at Enter. Nothing else does so.
            self.vote(at - 1, false);
            self.vote(at - 1, false);
        } else if up && self.last == ' ' && self.col > 60 {
            // The last column was filled, and a blank went over the margin.
            self.vote(self.col - 1, false);
        }
        // readline shows inverse what is pasted, and the first character of each further row apart.
        const AGAIN: &str = "\u{1b}[27m\u{1b}[7m";
        if !self.pasted
            && self.last != '\0'
            && let Some(mut behind) = rest.strip_prefix(&AGAIN[1..]).map(str::chars)
            && behind.next().is_some()
            && behind.as_str().starts_with(AGAIN)
        {
            self.pasted = true;
            self.vote(self.col, false);
            self.vote(self.col, false);
        }
    }

    /// Prints a character, with these behind it.
    fn print(&mut self, ch: char, rest: &str) {
        if let Some((at, before, run)) = self.pending.take() {
            if let Some(from) = self.mark.take().filter(|_| run >= NARROWEST - 1) {
                self.vote(at - from, true);
            } else if is_drawn_anew(&self.begins, ch, rest) {
            } else if before == ' ' && run >= NARROWEST {
                self.vote(at, false);
            } else if at > 1 && (before == ' ' || before == ch) {
                self.vote(at - 1, false);
            }
        }
        // zsh's mark of a line without an end, in inverse, with blanks for all other columns of a row (Src/utils.c, preprompt).
        match ch {
            '%' | '#' if self.inverse => self.mark = Some(self.col),
            ' ' => {}
            _ => self.mark = None,
        }
        self.blanks = if ch == ' ' { self.blanks + 1 } else { 0 };
        if self.begins.len() < 12 {
            self.begins.push(ch);
        }
        self.last = ch;
        self.col += UnicodeWidthChar::width(ch).unwrap_or(0);
    }
}

/// Whether what is printed from here on is the line again from its start, or the prompt of a search.
fn is_drawn_anew(begins: &str, first: char, rest: &str) -> bool {
    let mut rest = without_sequences(rest.chars()).take_while(|it| !it.is_control());
    let mut printed = String::from(first);
    while printed.len() < 12
        && let Some(ch) = rest.next()
    {
        printed.push(ch);
    }
    let alike = begins.chars().zip(printed.chars()).take_while(|it| it.0 == it.1).count();
    alike >= 4
        || prompt::SEARCHES
            .iter()
            .chain(&["bck-i-search", "fwd-i-search"])
            .any(|it| printed.starts_with(&it[..it.len().min(12)]))
}

/// Skips an escape sequence; says whether it moved the cursor.
fn skip_sequence(chars: &mut std::str::Chars<'_>, col: &mut usize) -> bool {
    match chars.next() {
        Some('[') => {
            let mut number = 0usize;
            for ch in chars.by_ref() {
                match ch {
                    '0'..='9' => number = (number * 10 + ch as usize - '0' as usize).min(9999),
                    '@'..='~' => {
                        match ch {
                            'C' => *col += number.max(1),
                            'D' => *col = col.saturating_sub(number.max(1)),
                            'G' => *col = number.max(1) - 1,
                            _ => {}
                        }
                        return matches!(ch, 'A'..='H');
                    }
                    ';' | '?' | '>' | ' '..='/' => {}
                    _ => return false,
                }
            }
        }
        Some(']') => {
            let end = chars.find(|it| matches!(it, '\u{7}' | '\u{1b}'));
            if end == Some('\u{1b}') {
                chars.next();
            }
        }
        Some('(' | ')' | '#' | '*' | '+') => {
            chars.next();
        }
        _ => {}
    }
    false
}

#[cfg(test)]
mod tests {
    use super::WidthVotes;

    /// The width believed after these raw lines.
    fn believed(lines: &[&str]) -> Option<usize> {
        let mut votes = WidthVotes::default();
        lines.iter().fold(None, |now, it| votes.vote(it.as_bytes(), now).or(now))
    }

    #[test]
    fn what_a_shell_has_told_no_program_untells() {
        let zsh = |before: &str, width: usize| {
            format!("{before}\x1b[1m\x1b[7m%\x1b[27m\x1b[1m\x1b[0m{}\r \r", " ".repeat(width - 1))
        };
        let apt = "0% [Working]            \rReading package lists... 0%\r\rReading package lists... 100%\r";
        assert_eq!(believed(&[&zsh("", 140)]), Some(140));
        assert_eq!(believed(&[&zsh("no line end here", 140)]), Some(140), "counted from the mark");
        assert_eq!(believed(&[&zsh("", 53), apt, apt]), Some(53), "at once, and under 60");
        assert_eq!(believed(&[&zsh("", 140), &zsh("", 100)]), Some(100), "the window was resized");
    }

    #[test]
    fn readline_shows_its_margin_by_one_character_more() {
        let line = format!("$ {}", "x".repeat(78));
        assert_eq!(believed(&[&format!("{line} \ryy")]), Some(80));
        assert_eq!(believed(&[&format!("{line}y\ryy")]), Some(80));
        let nano = format!("nano a\x1b[?1049h{line} \ryy{line} \ryy");
        assert_eq!(believed(&[&nano]), None, "drawn on another screen");
    }
}
