//! Erases put back: where the cursor went back, whether it rubbed out or only moved was deleted with the escapes.

use std::collections::HashSet;

use crate::transcript::prompt;
use crate::transcript::streamed::steps::Step;
use crate::transcript::streamed::steps::steps;

/// A text that is drawn again behind each character that was put before it: the text, and those characters.
pub(super) fn drawn_behind(printed: &[char]) -> Option<(&[char], String)> {
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

/// Words that the session shows, each as its hash.
pub(super) type Words = HashSet<u64>;

pub(super) fn words_of(text: &str) -> impl Iterator<Item = &str> {
    text.split(|it: char| !it.is_alphanumeric() && !matches!(it, '_' | '-' | '.'))
        .filter(|it| it.len() > 1)
}

/// Characters looked at for each byte of a line, in search of what going back meant: a person who edits a line of a
/// window's width looks at far fewer. Whoever goes back and forth at the end of an endless line would have all of it
/// looked at each time.
const LOOKED_AT: usize = 64;
/// The same of a line however short.
const LOOKED_AT_LEAST: usize = 1 << 16;

/// Puts erases back into a clean line. The cursor went back, and whether it rubbed out or only moved was
/// deleted with the escapes.
pub(super) fn with_erases(bytes: &[u8], prompt: usize, words: &Words) -> (Vec<u8>, bool) {
    let mut out: Vec<u8> = Vec::with_capacity(bytes.len() + 8);
    // The row, and the cursor on it, as drawn so far under the readings chosen.
    let mut row: Vec<char> = Vec::new();
    let mut col = 0usize;
    let mut guessed = false;
    let all: Vec<(Step, &[u8])> = steps(bytes).collect();
    let mut at = 0;
    let start = (prompt > 0).then_some(prompt);
    let mut looked_at = 0;
    while at < all.len() {
        let (step, raw) = all[at];
        if looked_at > LOOKED_AT_LEAST + LOOKED_AT * bytes.len() {
            // The rest stays as it came.
            all[at..].iter().for_each(|it| out.extend_from_slice(it.1));
            return (out, true);
        }
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
                let printed: Vec<char> = all[at..].iter().map_while(|it| it.0.printed()).collect();
                let (before, left) = row.split_at(col);
                let last = at + printed.len() >= all.len();
                looked_at += row.len() + printed.len();
                match reading(before, left, &printed, last, start, words) {
                    ErasedAs::Drawn => {}
                    ErasedAs::RubbedOut => {
                        out.extend_from_slice(b"\x1b[K");
                        row.truncate(col);
                        guessed = true;
                    }
                    ErasedAs::Inserted => {
                        out.extend_from_slice(format!("\x1b[{}@", printed.len()).as_bytes());
                        row.splice(col..col, printed.iter().copied());
                        guessed = true;
                    }
                }
            }
            _ => {
                out.extend_from_slice(raw);
                if raw == b"\r" {
                    col = 0;
                }
                at += 1;
            }
        }
    }
    (out, guessed)
}

#[derive(Clone, Copy, PartialEq, Debug)]
enum ErasedAs {
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
) -> ErasedAs {
    let blank = |it: &[char]| it.iter().all(|ch| *ch == ' ');
    // Moved left and left there, or rubbed out: the text that was drawn is what we have.
    if blank(left) || printed.is_empty() {
        return ErasedAs::Drawn;
    }
    if blank(printed) {
        // Blanks over what was there erase it; a blank alone, at the end, was put between.
        return if last && printed.len() == 1 && left.len() > 1 {
            ErasedAs::Inserted
        } else if last && printed.len() > 1 && printed.len() + 1 == left.len() {
            ErasedAs::RubbedOut
        } else {
            ErasedAs::Drawn
        };
    }
    // A line editor without insertion draws the rest of the line anew.
    if printed.len() > left.len()
        && (printed.ends_with(left) || blank(&printed[left.len() - 1..]) || !last)
    {
        return ErasedAs::Drawn;
    }
    let text = |parts: &[&[char]]| -> String { parts.iter().flat_map(|it| it.iter()).collect() };
    let prompt_end = start.unwrap_or(0).min(before.len());
    let typed = &before[prompt_end..];
    let rubbed = text(&[typed, printed]);
    let inserted = text(&[typed, printed, left]);
    if typed.is_empty() && start.is_some() {
        // Back to the start of the line: a new command, or words put before the old one.
        let joins = printed.last() == Some(&' ') || left.first() == Some(&' ');
        return if joins { ErasedAs::Inserted } else { ErasedAs::RubbedOut };
    }
    let score = |it: &str| {
        let (mut known, mut all) = (0i32, 0i32);
        for word in words_of(it) {
            all += 1;
            known += i32::from(words.contains(&prompt::hash(word)));
        }
        known * 2 - all
    };
    // A single character that was rubbed out and typed again is the commonest edit by far.
    let doubt = i32::from(printed.len() >= left.len());
    let is_inserted = score(&inserted) > score(&rubbed) + doubt;
    if is_inserted { ErasedAs::Inserted } else { ErasedAs::RubbedOut }
}
