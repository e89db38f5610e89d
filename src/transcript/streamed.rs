//! What streaming took out of a line, put back where the rest of the line proves it.
//!
//! The streaming agent deletes every CR; where it understands all escape sequences of a line it deletes them
//! too (a *clean* line), else it leaves them (a *raw* one). A line editor redraws with CRs, so without
//! them a redrawn line shows its prompt twice, a wrapped command has one character too many at each margin, and a
//! cursor goes where there is nothing. Each rule here puts a CR (or an erase) back only where the line
//! could not have come about without it, so that the same page can draw both forms. What had to be guessed is
//! reported as such.
//!
//! Sources: amazon-ssm-agent: agent/agentlogstocloudwatch/cloudwatchlogspublisher/cloudwatchlogsservice.go
//! (buildEventInfo), and pborman/ansi (Strip). Line editors: readline: display.c; zsh: Src/Zle/zle_refresh.c;
//! fish: src/screen.cpp.

use std::collections::HashSet;

use crate::transcript::prompt;
use crate::transcript::prompt::Learnt;
use crate::transcript::screen::bits;
use crate::transcript::shell;

/// Widths that people have; others need more proof.
const USUAL: [usize; 8] = [80, 100, 120, 132, 140, 160, 180, 200];
const NARROWEST: usize = 38;
const WIDEST: usize = 400;
/// Columns that every window has.
const LONG: usize = 60;
/// Blanks behind the mark that zsh and fish print to fill a row.
const FILLING: usize = 19;

/// One line that waits for the width that later lines may tell.
pub struct Held {
    pub bytes: Vec<u8>,
    pub ended: bool,
    pub from: u64,
    pub to: u64,
}

/// A line as it may have been before it was streamed.
pub struct Restored {
    pub bytes: Vec<u8>,
    /// Window width it was drawn for, where known.
    pub width: Option<usize>,
    /// What is to be said of it: see [`crate::transcript::screen::bits`].
    pub bits: u16,
}

/// One step of a terminal line.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Step<'a> {
    Print(char),
    Back,
    /// CSI n C, n times or more than once in a row.
    Right(usize),
    /// CSI with its final byte: erases, inserts, other moves.
    Csi(u8, usize),
    /// Private modes, colours, titles, other controls: they draw nothing.
    Silent(&'a [u8]),
}

struct Steps<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Steps<'a> {
    /// The step and its bytes.
    type Item = (Step<'a>, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let rest = self.rest;
        let first = *rest.first()?;
        let (step, used) = match first {
            0x08 => (Step::Back, 1),
            0x1b => sequence(rest),
            it if it < 0x20 || it == 0x7f => (Step::Silent(&rest[..1]), 1),
            it if it < 0x80 => (Step::Print(char::from(it)), 1),
            _ => {
                let end = (1..=4.min(rest.len())).rev().find(|it| {
                    std::str::from_utf8(&rest[..*it]).is_ok_and(|s| s.chars().count() == 1)
                });
                match end.and_then(|it| std::str::from_utf8(&rest[..it]).ok()) {
                    Some(text) => (Step::Print(text.chars().next()?), text.len()),
                    None => (Step::Silent(&rest[..1]), 1),
                }
            }
        };
        self.rest = &rest[used..];
        Some((step, &rest[..used]))
    }
}

fn sequence(rest: &[u8]) -> (Step<'_>, usize) {
    match rest.get(1) {
        Some(b'[') => {
            let Some(end) = rest[2..].iter().position(|it| (0x40..=0x7e).contains(it)) else {
                return (Step::Silent(rest), rest.len());
            };
            let used = end + 3;
            let inside = &rest[2..used - 1];
            let number = inside
                .iter()
                .take_while(|it| it.is_ascii_digit())
                .fold(0usize, |sum, it| (sum * 10 + usize::from(it - b'0')).min(9999));
            let last = rest[used - 1];
            let plain = inside.iter().all(|it| it.is_ascii_digit() || *it == b';');
            match last {
                b'C' if plain => (Step::Right(number.max(1)), used),
                b'm' => (Step::Silent(&rest[..used]), used),
                _ if plain => (Step::Csi(last, number), used),
                _ => (Step::Silent(&rest[..used]), used),
            }
        }
        Some(b']' | b'P' | b'_' | b'^' | b'X') => {
            let end = rest
                .iter()
                .position(|it| *it == 7)
                .map(|it| it + 1)
                .or_else(|| memchr::memmem::find(&rest[1..], b"\x1b\\").map(|it| it + 3));
            let used = end.unwrap_or(rest.len());
            (Step::Silent(&rest[..used]), used)
        }
        Some(b'(' | b')' | b'#' | b'*' | b'+') => {
            let used = 3.min(rest.len());
            (Step::Silent(&rest[..used]), used)
        }
        Some(_) => (Step::Silent(&rest[..2]), 2),
        None => (Step::Silent(rest), rest.len()),
    }
}

fn steps(bytes: &[u8]) -> Steps<'_> {
    Steps { rest: bytes }
}

/// What stands in the line before the cursor first goes back, as columns.
fn drawn_once(bytes: &[u8]) -> Vec<char> {
    let mut out = Vec::new();
    for (step, _) in steps(bytes) {
        match step {
            Step::Print(ch) => out.push(ch),
            Step::Silent(_) => {}
            Step::Back | Step::Right(_) | Step::Csi(..) => break,
        }
    }
    out
}

/// Length of a prompt that the line shows twice from its start: the first window-size message redraws it.
fn doubled(drawn: &[char]) -> Option<usize> {
    (2..=drawn.len() / 2).take(160).find(|it| {
        drawn[it - 1] == ' '
            && !drawn[it - 2].is_alphanumeric()
            && drawn[..*it] == drawn[*it..2 * it]
            && drawn[0] != ' '
    })
}

/// Whether [`doubled`] may find anything: what any text must have for that.
fn may_be_doubled(bytes: &[u8]) -> bool {
    let most = (bytes.len() / 2).min(640);
    bytes[..most].iter().enumerate().skip(1).any(|(at, it)| {
        *it == b' '
            && !bytes[at - 1].is_ascii_alphanumeric()
            && bytes.get(at + 1..2 * at + 2) == bytes.get(..at + 1)
    })
}

/// A row that zsh or fish filled: where the two CRs were, and the width.
fn filled(drawn: &[char]) -> Option<([usize; 2], usize)> {
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

/// How well the line fits a window of this width: how many margins it shows, or that it contradicts.
fn margins(line: &Telling, width: usize) -> Option<usize> {
    let drawn = &line.drawn;
    let mut at = width;
    let mut seen = 0;
    while at < drawn.len() {
        let next = drawn.get(at + 1);
        let fits = drawn[at] == ' ' || next == Some(&drawn[at]);
        if !fits {
            return None;
        }
        // What this line shares with the one before is its prompt, and tells nothing new.
        seen += usize::from(at > line.shared + 1);
        at += width + 1;
    }
    Some(seen)
}

/// What one line tells about the width.
#[derive(Default)]
struct Telling {
    drawn: Vec<char>,
    /// Columns of its prompt, as far as known.
    shared: usize,
    /// A row was filled before it.
    filled: Option<usize>,
    /// See [`rises`].
    rises: Option<(usize, usize)>,
    /// See [`Restorer::joins`].
    joins: Vec<usize>,
}

/// The width at each line: the likeliest course of it, given that it seldom changes.
fn widths(lines: &[Telling]) -> Vec<Option<usize>> {
    const CHANGE: f32 = 6.0;
    let mut long: Vec<usize> = Vec::new();
    let mut marks: Vec<Option<usize>> = Vec::with_capacity(lines.len());
    for (nth, line) in lines.iter().enumerate() {
        let mark = line.filled;
        marks.push(mark);
        if mark.is_some() || line.drawn.len() > NARROWEST {
            long.push(nth);
        }
    }
    if long.is_empty() {
        return vec![None; lines.len()];
    }
    let states = WIDEST - NARROWEST + 2;
    let usual = |state: usize| {
        if state == 0 {
            return 0.0;
        }
        let width = state - 1 + NARROWEST;
        match USUAL.iter().position(|it| *it == width) {
            Some(0) => -2.0,
            Some(_) => -2.8,
            None => -4.0,
        }
    };
    let mut best: Vec<f32> = (0..states).map(usual).collect();
    let mut from: Vec<Vec<u16>> = Vec::with_capacity(long.len());
    for nth in &long {
        let line = &lines[*nth];
        let (top, most) = best
            .iter()
            .enumerate()
            .fold((0, f32::MIN), |a, (at, it)| if *it > a.1 { (at, *it) } else { a });
        let mut back: Vec<u16> = Vec::with_capacity(states);
        let pairs = line.drawn.windows(2).filter(|it| it[0] == ' ' || it[0] == it[1]).count();
        let chance = (pairs as f32 + 1.0) / (line.drawn.len() as f32 + 4.0);
        let worth = -chance.min(0.6).ln();
        let mut next = Vec::with_capacity(states);
        for (state, held) in best.iter().enumerate() {
            let moved = most - CHANGE + usual(state);
            let (base, came) = if moved > *held { (moved, top) } else { (*held, state) };
            let fit = match (state, marks[*nth]) {
                (0, Some(_)) => -8.0,
                (0, None) => 0.0,
                (_, Some(mark)) => {
                    if mark == state - 1 + NARROWEST {
                        8.0
                    } else {
                        -8.0
                    }
                }
                (_, None) => match margins(line, state - 1 + NARROWEST) {
                    Some(seen) => {
                        let width = state - 1 + NARROWEST;
                        let joins = line.joins.iter().any(|it| (it + 1) % (width + 1) == 0);
                        let rises = line.rises.is_some_and(|(printed, back)| {
                            printed > width
                                && printed >= back
                                && (printed - back) % (width + 1) == 0
                        });
                        worth * seen as f32
                            + if joins { 3.0 } else { 0.0 }
                            + if rises { 3.0 } else { 0.0 }
                    }
                    None => -7.0,
                },
            };
            next.push(base + fit);
            back.push(came as u16);
        }
        best = next;
        from.push(back);
    }
    let mut state = (0..states).max_by(|a, b| best[*a].total_cmp(&best[*b])).unwrap_or(0);
    let mut out = vec![None; lines.len()];
    for (at, nth) in long.iter().enumerate().rev() {
        if state > 0 {
            out[*nth] = Some(state - 1 + NARROWEST);
        }
        state = usize::from(from[at][state]);
    }
    // Lines too short to tell share the width of those around them.
    let mut last = None;
    for it in &mut out {
        match it {
            Some(width) => last = Some(*width),
            None => *it = last,
        }
    }
    out
}

/// Restores streamed lines, stretch by stretch, remembering the session's prompts and commands.
#[derive(Default)]
pub struct Restorer {
    learnt: Learnt,
    /// Commands as they stood on earlier lines, newest last: a recalled one is drawn over another.
    history: Vec<String>,
    words: Words,
}

/// Words that the session shows.
#[derive(Default)]
struct Words(HashSet<u64>);

impl Words {
    fn insert(&mut self, word: &str) {
        self.0.insert(prompt::hash(word));
    }

    fn contains(&self, word: &str) -> bool {
        self.0.contains(&prompt::hash(word))
    }
}

/// Earlier commands kept.
const HISTORY: usize = 512;

impl Restorer {
    /// Pure: the same lines give the same answer. The bytes of lines that are as they were are moved, not copied.
    pub fn restore(&mut self, held: &mut [Held]) -> Vec<Restored> {
        for it in held.iter() {
            self.learn(&it.bytes);
        }
        let lines: Vec<Option<Split<'_>>> = held
            .iter()
            .map(|it| (!self.is_mere_output(&it.bytes)).then(|| Split::of(&it.bytes)))
            .collect();
        let prompts: Vec<Option<usize>> =
            lines.iter().map(|it| it.as_ref().and_then(|it| self.prompt_end(it))).collect();
        let typed: Vec<bool> = prompts.iter().map(Option::is_some).collect();
        let widths = widths(&self.tellings(&lines, &prompts));
        let changed: Vec<Option<Restored>> = lines
            .iter()
            .zip(prompts.into_iter().zip(&widths))
            .map(|(it, (prompt, width))| Some(self.one(it.as_ref()?, prompt, *width)))
            .collect();
        let blocks = pasted_blocks(held, &typed);
        let mut restored: Vec<Restored> = changed
            .into_iter()
            .zip(held)
            .zip(widths)
            .map(|((it, held), width)| {
                it.unwrap_or_else(|| Restored {
                    bytes: std::mem::take(&mut held.bytes),
                    width,
                    bits: 0,
                })
            })
            .collect();
        for block in blocks {
            block.apply(&mut restored);
        }
        restored
    }

    /// Text and nothing else, in which no prompt may end: nearly all lines.
    fn is_mere_output(&self, bytes: &[u8]) -> bool {
        const BLANKS: &[u8] = &[b' '; FILLING];
        let Ok(text) = std::str::from_utf8(bytes) else { return false };
        !bytes.iter().any(|it| *it < 0x20 || *it == 0x7f)
            && memchr::memmem::find(bytes, BLANKS).is_none()
            && !may_be_doubled(bytes)
            && !self.may_be_typed(prompt::head(text, 320))
    }

    fn one(&mut self, it: &Split<'_>, prompt: Option<usize>, columns: Option<usize>) -> Restored {
        let mut bytes = it.head.clone();
        let Some(prompt) = prompt else {
            bytes.extend_from_slice(it.tail);
            return Restored { bytes, width: columns, bits: 0 };
        };
        if let Some(text) = shown_inverse(it.tail) {
            bytes.extend_from_slice(&text);
            return Restored { bytes, width: columns, bits: 0 };
        }
        // Each margin added a character, and whether a blank there was typed is not told; a cursor that went up has gone
        // to columns that only lost CRs could tell.
        let drawn = it.drawn.len().max(last_row(it.tail).len());
        let long = drawn > columns.map_or(LONG, |it| it.min(LONG));
        let rises = steps(it.tail).any(|it| matches!(it.0, Step::Csi(b'A', _)));
        let mut guessed = rises || long;
        let mut tail = with_crs(it.tail, &it.drawn, columns, prompt);
        if memchr::memchr(0x1b, it.tail).is_none() {
            if let Some(other) = self.drawn_over(&tail, prompt) {
                tail = other;
                guessed = true;
            }
            if memchr::memchr(0x08, it.tail).is_some() {
                // What was erased is not shown; only rubbing out and typing on at once leaves no doubt.
                let other = with_erases(&tail, prompt, &self.words);
                tail = other.0;
                guessed |= other.1;
            }
        }
        let text: String = last_row(&tail).iter().skip(prompt).collect();
        if text.trim().len() > 1 {
            if self.history.len() >= HISTORY {
                self.history.remove(0);
            }
            self.history.push(text.trim_end().to_owned());
        }
        bytes.extend_from_slice(&tail);
        let bits = if guessed { bits::GUESSED } else { 0 };
        Restored { bytes, width: columns, bits }
    }

    fn learn(&mut self, bytes: &[u8]) {
        if memchr::memchr(0x08, bytes).is_none() {
            if memchr::memchr(0x1b, bytes).is_none() && self.words.0.len() < 50_000 {
                let text = std::str::from_utf8(bytes).unwrap_or_default();
                words_of(prompt::head(text, 4096)).for_each(|it| self.words.insert(it));
            }
            return;
        }
        let it = Split::of(bytes);
        if it.drawn.len() > 4096 {
            return;
        }
        let drawn = &it.drawn[doubled(&it.drawn).unwrap_or(0)..];
        let low = lowest(it.tail).min(drawn.len());
        let text: String = drawn.iter().collect();
        let low = text.char_indices().nth(low).map_or(text.len(), |it| it.0);
        let found = prompt::bounded(&text, Some(low), None);
        self.learnt.line(&text, &found, Some(low));
    }

    /// Columns of the prompt, if someone typed on this line as far as it shows.
    fn prompt_end(&self, it: &Split<'_>) -> Option<usize> {
        let skipped = doubled(&it.drawn).unwrap_or(0);
        let announced = it.columns.is_some()
            || memchr::memmem::find(it.tail, b"\x1b[?2004h").is_some()
            || memchr::memmem::find(it.tail, b"\x1b]0;").is_some();
        let back = memchr::memchr(0x08, it.tail).is_some();
        let text: String = it.drawn[skipped..].iter().take(320).collect();
        if !announced && !back && skipped == 0 && !self.may_be_typed(&text) {
            return None;
        }
        let chars = |end: usize| text[..end].chars().count();
        if let Some(shape) = prompt::known(&text)
            && (shape.strong || announced || back || skipped > 0 || shape.end <= 2)
        {
            return Some(chars(shape.end));
        }
        let found = prompt::candidates(&text);
        let learnt = found
            .iter()
            .filter(|it| self.learnt.may_end(&text[..it.end]))
            .map(|it| (it.end, self.learnt.line_score(&text[..it.end], it.weight)))
            .filter(|it| it.1 >= 3.0)
            .max_by(|one, other| one.1.total_cmp(&other.1));
        match learnt {
            Some((end, _)) => {
                Some(chars(prompt::farthest(&text, end, &found, |it| self.learnt.line_count(it))))
            }
            None => (announced || skipped > 0).then_some(0),
        }
    }

    /// Whether any place in the line is worth a look: nearly all lines are output, and have none.
    fn may_be_typed(&self, text: &str) -> bool {
        prompt::may_be_known(text.as_bytes()) || self.learnt.may_end_within(text)
    }

    fn tellings(&self, lines: &[Option<Split<'_>>], prompts: &[Option<usize>]) -> Vec<Telling> {
        let mut before: Vec<Vec<char>> = Vec::new();
        lines
            .iter()
            .zip(prompts)
            .map(|(it, prompt)| {
                let Some(it) = it else { return Telling::default() };
                let Some(prompt) = *prompt else {
                    return Telling { filled: it.columns, ..Telling::default() };
                };
                let drawn = it.drawn[doubled(&it.drawn).unwrap_or(0)..].to_vec();
                let shared = before
                    .iter()
                    .map(|other| drawn.iter().zip(other).take_while(|it| it.0 == it.1).count())
                    .max()
                    .unwrap_or(0)
                    .max(prompt);
                if before.len() >= 8 {
                    before.remove(0);
                }
                before.push(drawn.clone());
                let joins = self.joins(&drawn);
                Telling { drawn, shared, filled: it.columns, rises: rises(it.tail), joins }
            })
            .collect()
    }

    /// Blanks that stand inside a word which this session shows elsewhere.
    fn joins(&self, drawn: &[char]) -> Vec<usize> {
        let of_word = |it: &char| it.is_alphanumeric() || matches!(it, '_' | '-' | '.');
        let mut found = Vec::new();
        if drawn.len() <= NARROWEST || drawn.len() > 1 << 14 {
            return found;
        }
        for at in NARROWEST..drawn.len() - 1 {
            if drawn[at] != ' ' || !of_word(&drawn[at - 1]) || !of_word(&drawn[at + 1]) {
                continue;
            }
            let left = drawn[..at].iter().rev().take_while(|it| of_word(it)).take(64).count();
            let right = drawn[at + 1..].iter().take_while(|it| of_word(it)).take(64).count();
            let whole: String =
                drawn[at - left..at].iter().chain(&drawn[at + 1..at + 1 + right]).collect();
            if self.words.contains(&whole) {
                found.push(at);
            }
        }
        found
    }

    /// Where the last of several recalled commands begins, each drawn over the one before.
    fn recalled_over(&self, whole: &str, deep: u8) -> Option<usize> {
        if deep == 0 {
            return None;
        }
        self.history.iter().rev().take(64).find_map(|older| {
            let rest = whole.strip_prefix(older.as_str())?;
            let first = rest.split(' ').next().unwrap_or_default();
            let ends = older.ends_with(|it: char| it.is_alphanumeric());
            let known = self.history.iter().any(|it| it == rest.trim_end());
            if rest.len() > 1 && (known || ends && rest.contains(' ') && shell::is_common(first)) {
                return Some(older.len());
            }
            (rest.len() > 1).then(|| self.recalled_over(rest, deep - 1))?.map(|it| older.len() + it)
        })
    }

    /// A line whose command was drawn more than once, with nothing left between: `T cT aT tT`, an
    /// insertion before the rest, or a recalled command over another.
    fn drawn_over(&self, bytes: &[u8], prompt: usize) -> Option<Vec<u8>> {
        let shown = drawn_once(bytes);
        let start = doubled(&shown).unwrap_or(0) + prompt;
        if start > shown.len() {
            return None;
        }
        let text = &shown[start..];
        let back = memchr::memchr(0x08, bytes).is_some();
        let over = |at: usize, insert: &str| -> Vec<u8> {
            // A CR, and the cursor behind the prompt again.
            let mut out: Vec<u8> = Vec::with_capacity(bytes.len() + 16);
            let mut nth = 0;
            for (step, raw) in steps(bytes) {
                if matches!(step, Step::Print(_)) {
                    if nth == start + at {
                        out.push(b'\r');
                        if prompt > 0 {
                            out.extend_from_slice(format!("\x1b[{prompt}C").as_bytes());
                        }
                        out.extend_from_slice(insert.as_bytes());
                    }
                    nth += 1;
                }
                out.extend_from_slice(raw);
            }
            out
        };
        // `T cT aT tT`: the rest of the line drawn anew behind each character put before it.
        let printed: Vec<char> = steps(bytes)
            .filter_map(|it| match it.0 {
                Step::Print(ch) => Some(ch),
                _ => None,
            })
            .skip(start)
            .collect();
        if let Some((rest, added)) = drawn_behind(&printed) {
            let mut out: Vec<u8> = shown[..start].iter().collect::<String>().into_bytes();
            let rest: String = rest.iter().collect();
            out.extend_from_slice(rest.as_bytes());
            out.push(b'\r');
            if prompt > 0 {
                out.extend_from_slice(format!("\x1b[{prompt}C").as_bytes());
            }
            out.extend_from_slice(added.as_bytes());
            out.extend_from_slice(rest.as_bytes());
            return Some(out);
        }
        if back {
            return None;
        }
        let whole: String = text.iter().collect();
        // A recalled command over another one.
        if let Some(at) = self.recalled_over(&whole, 8) {
            return Some(over(whole[..at].chars().count(), "\x1b[K"));
        }
        // Words put before the rest end in a blank, which nobody types at the end of a command.
        let bare = whole.trim_end();
        if whole.len() == bare.len() + 1 && bare.len() > 3 {
            let most = (1..bare.len())
                .rev()
                .take(24)
                .filter(|at| bare.is_char_boundary(*at))
                .filter(|at| {
                    let (old, new) = bare.split_at(*at);
                    let first = new.split(' ').next().unwrap_or_default();
                    !old.ends_with(' ')
                        && !new.starts_with(' ')
                        && (shell::is_common(first) || self.words.contains(first))
                        && !new.contains('/')
                })
                .max_by_key(|at| {
                    let (_, new) = bare.split_at(*at);
                    let first = new.split(' ').next().unwrap_or_default();
                    (shell::is_common(first), new.len())
                });
            if let Some(at) = most {
                let count = whole[at..].chars().count();
                return Some(over(whole[..at].chars().count(), &format!("\x1b[{count}@")));
            }
        }
        None
    }
}

/// A block of lines that was pasted at a prompt of readline: shown inverse, and at Enter once more as it is.
struct Block {
    /// The line with the prompt.
    first: usize,
    /// The line on which the block's last line and the second showing of its first run into each other.
    turn: usize,
    /// The block's last line.
    last: Vec<u8>,
}

impl Block {
    /// The lines below the first continue it; the second showing is an older version of nothing new.
    fn apply(self, restored: &mut [Restored]) {
        let many = self.turn - self.first;
        for it in &mut restored[self.first + 1..self.turn] {
            it.bits |= bits::PASTED;
        }
        let turn = &mut restored[self.turn];
        turn.bytes = self.last;
        turn.bits = bits::PASTED;
        for it in &mut restored[self.turn + 1..=self.turn + many] {
            it.bits |= bits::OVERWRITTEN;
        }
    }
}

/// Lines of a block that are looked through.
const BLOCK_MAX: usize = 64;

/// Blocks that begin on a line with a prompt, as `typed` tells.
fn pasted_blocks(held: &[Held], typed: &[bool]) -> Vec<Block> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < held.len() {
        let block = inverse_end(&held[at].bytes).filter(|_| typed[at]).and_then(|text| {
            (at + 1..held.len().min(at + BLOCK_MAX)).find_map(|turn| {
                let many = turn - at;
                let shown = held[turn].bytes.strip_suffix(text)?;
                let last = match memchr::memchr(0x1b, shown) {
                    None => shown,
                    Some(_) => {
                        let rest = shown.strip_prefix(b"\x1b[7m")?;
                        &rest[..memchr::memmem::find(rest, b"\x1b[27m")?]
                    }
                };
                let again = held.get(turn + 1..=turn + many)?;
                let same = again[..many - 1]
                    .iter()
                    .zip(&held[at + 1..turn])
                    .all(|(one, other)| one.bytes == other.bytes);
                (same && !last.is_empty() && again[many - 1].bytes == last).then(|| Block {
                    first: at,
                    turn,
                    last: last.to_vec(),
                })
            })
        });
        at = match block {
            Some(it) => {
                let next = it.turn + (it.turn - it.first) + 1;
                found.push(it);
                next
            }
            None => at + 1,
        };
    }
    found
}

/// One line that was pasted: readline shows it inverse, row by row, and at Enter once more as it is. The first showing
/// has no character too many. Gives the line as if it had been typed.
fn shown_inverse(bytes: &[u8]) -> Option<Vec<u8>> {
    let start = memchr::memmem::find(bytes, b"\x1b[7m")?;
    let mut text: Vec<u8> = Vec::new();
    let mut rest = &bytes[start..];
    while let Some(inside) = rest.strip_prefix(b"\x1b[7m") {
        let end = memchr::memchr(0x1b, inside)?;
        text.extend_from_slice(&inside[..end]);
        rest = inside[end..].strip_prefix(b"\x1b[27m")?;
    }
    let once = std::str::from_utf8(&text).ok()?;
    let again: Vec<char> = steps(rest)
        .filter_map(|it| match it.0 {
            Step::Print(ch) => Some(ch),
            _ => None,
        })
        .collect();
    // The prompt may come before it again.
    let whole = again.len() >= once.chars().count()
        && (0..=again.len() - once.chars().count())
            .take(160)
            .any(|skipped| is_with_margins(&again[skipped..], once));
    whole.then(|| [&bytes[..start], &text].concat())
}

/// Whether the one is the other, but for characters that margins have added.
fn is_with_margins(shown: &[char], text: &str) -> bool {
    let mut at = 0;
    for ch in text.chars() {
        while shown.get(at).is_some_and(|it| *it != ch) {
            let added = shown[at] == ' ' || at > 0 && shown[at] == shown[at - 1];
            if !added {
                return false;
            }
            at += 1;
        }
        if at >= shown.len() {
            return false;
        }
        at += 1;
    }
    shown[at..].iter().all(|it| *it == ' ') || shown.len() - at <= 1
}

/// What stands inverse at the end of the line.
fn inverse_end(bytes: &[u8]) -> Option<&[u8]> {
    let shown = bytes.strip_suffix(b"\x1b[27m")?;
    let start = memchr::memmem::rfind(shown, b"\x1b[7m")? + 4;
    let text = &shown[start..];
    (!text.is_empty() && memchr::memchr(0x1b, text).is_none()).then_some(text)
}

/// A line without the row that zsh or fish filled before it.
struct Split<'a> {
    /// The filled row, its CRs put back.
    head: Vec<u8>,
    tail: &'a [u8],
    /// What stands in the tail before the cursor first goes back.
    drawn: Vec<char>,
    /// The width that a filled row tells.
    columns: Option<usize>,
}

impl<'a> Split<'a> {
    fn of(bytes: &'a [u8]) -> Self {
        let drawn = drawn_once(bytes);
        let Some((crs, columns)) = filled(&drawn) else {
            return Self { head: Vec::new(), tail: bytes, drawn, columns: None };
        };
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
        Self {
            head,
            tail: &bytes[used..],
            drawn: drawn[crs[1].min(drawn.len())..].to_vec(),
            columns: Some(columns),
        }
    }
}

/// Columns that the cursor went back to the margin from, before it went up: printed and gone back.
fn rises(bytes: &[u8]) -> Option<(usize, usize)> {
    let (mut printed, mut back) = (0usize, 0usize);
    for (step, _) in steps(bytes) {
        match step {
            Step::Print(_) if back == 0 => printed += 1,
            Step::Back => back += 1,
            Step::Csi(b'A', _) if back > 0 => return Some((printed, back)),
            Step::Silent(_) => {}
            _ => return None,
        }
    }
    None
}

/// A text that is drawn again behind each character that was put before it: the text, and those characters.
fn drawn_behind(printed: &[char]) -> Option<(&[char], String)> {
    if printed.len() > 2048 {
        return None;
    }
    for len in (3..=printed.len().saturating_sub(1) / 2).rev() {
        let rest = &printed[printed.len() - len..];
        let first = usize::from(printed[..len] != *rest);
        if first == 1 && (printed[0] != rest[0] || printed[1..=len] != *rest) {
            continue;
        }
        let mut at = first + len;
        let mut added = String::new();
        while at < printed.len() {
            let gap = (1..=2).find(|gap| printed[at..].get(*gap..gap + len) == Some(rest));
            let Some(gap) = gap else { break };
            added.push(printed[at + gap - 1]);
            at += gap + len;
        }
        if at == printed.len() && !added.is_empty() {
            return Some((rest, added));
        }
    }
    None
}

/// Lowest column the cursor went back to.
fn lowest(bytes: &[u8]) -> usize {
    let (mut col, mut low) = (0usize, usize::MAX);
    for (step, _) in steps(bytes) {
        match step {
            Step::Print(_) => col += 1,
            Step::Back => {
                col = col.saturating_sub(1);
                low = low.min(col);
            }
            _ => {}
        }
    }
    low
}

/// The row as it stands in the end, for a line without margins.
fn last_row(bytes: &[u8]) -> Vec<char> {
    let mut row: Vec<char> = Vec::new();
    let mut col = 0usize;
    for (step, _) in steps(bytes) {
        match step {
            Step::Print(ch) => {
                if col > row.len() {
                    row.resize(col.min(1 << 16), ' ');
                }
                if col < row.len() {
                    row[col] = ch;
                } else {
                    row.push(ch);
                }
                col += 1;
            }
            Step::Back => col = col.saturating_sub(1),
            Step::Right(by) => col = (col + by).min(1 << 16),
            Step::Silent(b"\r") => col = 0,
            Step::Csi(b'D', by) => col = col.saturating_sub(by.max(1)),
            Step::Csi(b'K', 0) => row.truncate(col),
            Step::Csi(b'P', by) => {
                let end = (col + by.max(1)).min(row.len());
                if col < end {
                    row.drain(col..end);
                }
            }
            Step::Csi(b'@', by) if col < row.len() => {
                row.splice(col..col, std::iter::repeat_n(' ', by.clamp(1, 4096)));
            }
            _ => {}
        }
    }
    row
}

/// Puts CRs back: behind a filled row, between a prompt and its redrawing, at each margin, and where the
/// cursor would run over the end of what is there.
fn with_crs(bytes: &[u8], drawn: &[char], width: Option<usize>, prompt_end: usize) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len() + 16);
    let twice = doubled(drawn);
    let mut nth = 0;
    let (mut col, mut end) = (0usize, 0usize);
    let mut all: Vec<(Step<'_>, &[u8])> = Vec::new();
    for (step, raw) in steps(bytes) {
        // One run of moves to the right is one move.
        all.push((step, raw));
    }
    let skipped = twice.unwrap_or(0);
    let prompt: &[char] = drawn.get(skipped..skipped + prompt_end).unwrap_or_default();
    let (mut before, mut again) = (' ', false);
    let mut at = 0;
    while at < all.len() {
        let (step, raw) = all[at];
        if twice == Some(nth) && !again && matches!(step, Step::Print(_) | Step::Silent(_)) {
            // What the second prompt begins with, as a window title, belongs behind the CR.
            out.push(b'\r');
            (col, end) = (0, 0);
            again = true;
        }
        match step {
            Step::Print(ch) => {
                if twice != Some(nth)
                    && nth >= skipped + prompt_end
                    && !matches!(before, '\'' | '"' | '`')
                    && redraws(&all[at..], prompt)
                {
                    out.push(b'\r');
                    col = 0;
                }
                before = ch;
                nth += 1;
                if let Some(width) = width
                    && col == width
                    && end <= width
                {
                    // The margin: this character was printed to reach the next row, and a CR followed.
                    let next = all[at + 1..].iter().find_map(|it| match it.0 {
                        Step::Print(ch) => Some(Some(ch)),
                        Step::Silent(_) => None,
                        _ => Some(None),
                    });
                    if ch == ' ' || next == Some(Some(ch)) {
                        out.extend_from_slice(raw);
                        out.push(b'\r');
                        (col, end) = (0, 0);
                        at += 1;
                        // zsh draws the first character of the row twice more.
                        if ch == ' '
                            && let (Some(one), Some(two)) = (all.get(at), all.get(at + 1))
                            && one.0 == two.0
                            && one.0 != Step::Print(' ')
                        {
                            out.extend_from_slice(one.1);
                            out.push(b'\r');
                            at += 1;
                        }
                        continue;
                    }
                    (col, end) = (0, 0);
                }
                out.extend_from_slice(raw);
                col += unicode_width::UnicodeWidthChar::width(ch).unwrap_or(0);
                end = end.max(col);
            }
            Step::Back => {
                out.push(0x08);
                col = col.saturating_sub(1);
            }
            Step::Right(first) => {
                let mut run = first;
                let mut many = 1;
                while let Some((Step::Right(more), _)) = all.get(at + many) {
                    // fish counts from the margin each time; readline moves by one.
                    if first > 1 || *more > 1 {
                        break;
                    }
                    run += more;
                    many += 1;
                }
                if col + run > end && !returns(&all[at + many..], run) {
                    out.push(b'\r');
                    col = 0;
                }
                for it in &all[at..at + many] {
                    out.extend_from_slice(it.1);
                }
                col += run;
                end = end.max(col);
                at += many;
                continue;
            }
            Step::Csi(last, number) => {
                if matches!(last, b'P' | b'@')
                    && nth >= prompt_end
                    && redraws(&all[at + 1..], prompt)
                {
                    out.push(b'\r');
                    col = 0;
                }
                out.extend_from_slice(raw);
                let count = number.max(1);
                match last {
                    b'D' => col = col.saturating_sub(count),
                    b'K' if number == 0 => end = col,
                    b'J' if number == 0 => end = col,
                    b'P' => end = end.saturating_sub(count).max(col),
                    b'@' => end += count,
                    b'G' => col = count - 1,
                    b'A' => end = width.unwrap_or(end).max(end),
                    b'H' => (col, end) = (0, 0),
                    _ => {}
                }
            }
            Step::Silent(_) => out.extend_from_slice(raw),
        }
        at += 1;
    }
    out
}

/// Whether the cursor goes back by as much as it went right and printed: a right-hand prompt of zsh.
fn returns(rest: &[(Step<'_>, &[u8])], right: usize) -> bool {
    let mut printed = right;
    for (step, _) in rest {
        match step {
            Step::Print(ch) => printed += unicode_width::UnicodeWidthChar::width(*ch).unwrap_or(0),
            Step::Silent(_) => {}
            Step::Csi(b'D', back) => return *back == printed,
            _ => return false,
        }
    }
    false
}

/// Whether what is printed next is the search's own prompt, or the shell's again.
fn redraws(rest: &[(Step<'_>, &[u8])], prompt: &[char]) -> bool {
    let printed = || {
        rest.iter().map_while(|it| match it.0 {
            Step::Print(ch) => Some(Some(ch)),
            Step::Silent(_) => Some(None),
            _ => None,
        })
    };
    let starts = |with: &str| {
        let mut printed = printed().flatten();
        with.chars().all(|it| printed.next() == Some(it))
    };
    if ["(reverse-i-search)", "(i-search)", "(failed reverse-i-search)", "(failed i-search)"]
        .into_iter()
        .any(starts)
    {
        return true;
    }
    // The blank at the prompt's end may still be there.
    let bare = prompt.iter().rposition(|it| *it != ' ').map_or(0, |it| it + 1);
    if bare < 2 {
        return false;
    }
    let mut printed = printed().flatten();
    prompt[..bare].iter().all(|it| printed.next() == Some(*it))
}

fn words_of(text: &str) -> impl Iterator<Item = &str> {
    text.split(|it: char| !it.is_alphanumeric() && !matches!(it, '_' | '-' | '.'))
        .filter(|it| it.len() > 1)
}

/// Puts erases back into a clean line. The cursor went back, and whether it rubbed out or only moved was
/// deleted with the escapes.
fn with_erases(bytes: &[u8], prompt: usize, words: &Words) -> (Vec<u8>, bool) {
    let mut out: Vec<u8> = Vec::with_capacity(bytes.len() + 8);
    // The row, and the cursor on it, as drawn so far under the readings chosen.
    let mut row: Vec<char> = Vec::new();
    let mut col = 0usize;
    let mut guessed = false;
    let all: Vec<(Step<'_>, &[u8])> = steps(bytes).collect();
    let mut at = 0;
    let start = (prompt > 0).then_some(prompt);
    while at < all.len() {
        let (step, raw) = all[at];
        match step {
            Step::Print(ch) => {
                if col < row.len() {
                    row[col] = ch;
                } else {
                    row.push(ch);
                }
                col += 1;
                out.extend_from_slice(raw);
                at += 1;
            }
            Step::Back => {
                let many = all[at..].iter().take_while(|it| it.0 == Step::Back).count();
                out.extend(std::iter::repeat_n(0x08, many));
                at += many;
                col = col.saturating_sub(many);
                let printed: Vec<char> = all[at..]
                    .iter()
                    .map_while(|it| match it.0 {
                        Step::Print(ch) => Some(ch),
                        _ => None,
                    })
                    .collect();
                let left: Vec<char> = row.get(col..).unwrap_or_default().to_vec();
                match reading(
                    &row[..col],
                    &left,
                    &printed,
                    at + printed.len() >= all.len(),
                    start,
                    words,
                ) {
                    Reading::Drawn => {}
                    Reading::RubbedOut => {
                        out.extend_from_slice(b"\x1b[K");
                        row.truncate(col);
                        guessed = true;
                    }
                    Reading::Inserted => {
                        out.extend_from_slice(format!("\x1b[{}@", printed.len()).as_bytes());
                        row.splice(col..col, printed.iter().copied());
                        guessed = true;
                    }
                }
            }
            _ => {
                out.extend_from_slice(raw);
                if matches!(step, Step::Silent(b"\r")) {
                    col = 0;
                }
                at += 1;
            }
        }
    }
    (out, guessed)
}

#[derive(Clone, Copy, PartialEq, Debug)]
enum Reading {
    /// What is printed next covers what was there, or draws it anew.
    Drawn,
    RubbedOut,
    Inserted,
}

/// What going back over `left` and printing `printed` meant.
fn reading(
    before: &[char],
    left: &[char],
    printed: &[char],
    last: bool,
    start: Option<usize>,
    words: &Words,
) -> Reading {
    let blank = |it: &[char]| it.iter().all(|ch| *ch == ' ');
    if left.is_empty() || blank(left) {
        return Reading::Drawn;
    }
    if blank(printed) && !printed.is_empty() {
        // Blanks over what was there erase it; a blank alone, at the end, was put between.
        return if last && printed.len() == 1 && left.len() > 1 {
            Reading::Inserted
        } else if last && printed.len() > 1 && printed.len() + 1 == left.len() {
            Reading::RubbedOut
        } else {
            Reading::Drawn
        };
    }
    if printed.is_empty() {
        // Moved left and left there, or rubbed out: the text that was drawn is what we have.
        return Reading::Drawn;
    }
    // A line editor without insertion draws the rest of the line anew.
    if printed.len() > left.len() && printed.ends_with(left) {
        return Reading::Drawn;
    }
    if printed.len() >= left.len()
        && (blank(&printed[left.len() - 1..]) || !last)
        && printed.len() > left.len()
    {
        return Reading::Drawn;
    }
    let text = |parts: &[&[char]]| -> String { parts.iter().flat_map(|it| it.iter()).collect() };
    let prompt_end = start.unwrap_or(0).min(before.len());
    let typed = &before[prompt_end..];
    let rubbed = text(&[typed, printed]);
    let inserted = text(&[typed, printed, left]);
    if typed.is_empty() && start.is_some() {
        // Back to the start of the line: a new command, or words put before the old one.
        let joins = printed.last() == Some(&' ') || left.first() == Some(&' ');
        return if joins { Reading::Inserted } else { Reading::RubbedOut };
    }
    let score = |it: &str| {
        let (mut known, mut all) = (0i32, 0i32);
        for word in words_of(it) {
            all += 1;
            known += i32::from(words.contains(word));
        }
        known * 2 - all
    };
    // A single character that was rubbed out and typed again is the commonest edit by far.
    if printed.len() >= left.len() {
        let clearly = score(&inserted) > score(&rubbed) + 1;
        return if clearly { Reading::Inserted } else { Reading::RubbedOut };
    }
    if score(&inserted) > score(&rubbed) { Reading::Inserted } else { Reading::RubbedOut }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held(lines: &[&str]) -> Vec<Held> {
        lines
            .iter()
            .map(|it| Held { bytes: it.as_bytes().to_vec(), ended: true, from: 0, to: 0 })
            .collect()
    }

    fn restored(lines: &[&str]) -> Vec<String> {
        Restorer::default()
            .restore(&mut held(lines))
            .into_iter()
            .map(|it| String::from_utf8_lossy(&it.bytes).into_owned())
            .collect()
    }

    #[test]
    fn a_doubled_prompt_was_drawn_twice() {
        assert_eq!(restored(&["sh-5.2$ sh-5.2$ whoami"]), ["sh-5.2$ \rsh-5.2$ whoami"]);
        assert_eq!(restored(&["total total 12"]), ["total total 12"]);
    }

    #[test]
    fn a_cursor_that_runs_over_the_end_went_to_the_margin_first() {
        let fish = "\u{1b}[?2004h> c\u{1b}[3Cat";
        assert_eq!(restored(&[fish]), ["\u{1b}[?2004h> c\r\u{1b}[3Cat"]);
    }

    #[test]
    fn a_margin_shows_itself_by_a_character_too_many() {
        let prompt = "[root@ip-10-0-0-1 ~]# ";
        let long = "echo ".to_owned() + &"abcdefghij ".repeat(12);
        let whole: Vec<char> = format!("{prompt}{long}").chars().collect();
        let mut streamed = String::new();
        for (nth, ch) in whole.iter().enumerate() {
            if nth > 0 && nth % 80 == 0 {
                streamed.push(*ch);
            }
            streamed.push(*ch);
        }
        let restored = Restorer::default().restore(&mut held(&[&streamed]));
        assert_eq!(restored[0].width, Some(80));
        assert_eq!(restored[0].bytes.iter().filter(|it| **it == b'\r').count(), 1);
    }
}
