//! What a session has taught of its own prompts: they repeat literally, commands do not.

use std::collections::HashMap;

use unicode_width::UnicodeWidthChar;

use crate::transcript::prompt::ends::Candidate;
use crate::transcript::prompt::ends::is_blank;
use crate::transcript::prompt::ends::sign_weight;
use crate::transcript::prompt::skeleton::ByHash;
use crate::transcript::prompt::skeleton::hash;
use crate::transcript::prompt::skeleton::hashed;
use crate::transcript::prompt::skeleton::held_within;
use crate::transcript::prompt::skeleton::skeleton_hash;

/// How often one skeleton was seen where a prompt could be.
#[derive(Default, Debug)]
struct Support {
    count: u32,
    bare: u32,
    /// Different texts, as far as they are held apart.
    distinct: u32,
    /// Fewest blanks that stood between it and what followed, if anything did; else 0.
    blanks: u8,
    /// The prompts themselves, as far as there is room, and how often the line editor went back exactly to the end of each.
    literals: ByHash<u32>,
    /// How often the editor went back to the end of a text that it went back to more than once. Once can
    /// be chance: an edit in the middle of a command also goes back somewhere.
    tight: u32,
}

/// Last characters of prompts. One that ends in a word ends in another one elsewhere.
#[derive(Default, Debug)]
struct Ends {
    word: bool,
    ascii: u128,
    others: Vec<char>,
}

impl Ends {
    fn insert(&mut self, it: char) {
        if it.is_alphanumeric() {
            self.word = true;
        } else if it.is_ascii() {
            self.ascii |= 1 << u32::from(it);
        } else if !self.others.contains(&it) && self.others.len() < 64 {
            self.others.push(it);
        }
    }

    fn contains(&self, it: char) -> bool {
        if it.is_ascii() {
            self.ascii >> u32::from(it) & 1 == 1 || self.word && it.is_ascii_alphanumeric()
        } else {
            self.others.contains(&it) || self.word && it.is_alphanumeric()
        }
    }
}

/// What the session itself has taught. Grows with each window; never forgets.
#[derive(Default, Debug)]
pub struct Learnt {
    regions: ByHash<Support>,
    lines: ByHash<Support>,
    /// What prompts of lines may end with: most output is turned away by its last character.
    ends: Ends,
    /// Lines learnt from.
    seen: u32,
    /// Texts held apart, of all kinds.
    literals: usize,
    /// Columns at which rows of regions end behind blanks, and how often: right-hand prompts.
    right_ends: HashMap<u16, u32>,
    /// The same by what they say: an edit may have moved one.
    right_texts: ByHash<u32>,
    rows_seen: u32,
    /// The first sign in each row of regions that a blank follows and that commands seldom have, and how often it was that one.
    first_signs: HashMap<(u8, char), u32>,
}

/// The first sign of the row that ends most prompts, and the place behind it; root's is the same as anybody's.
fn first_sign(found: &[Candidate], text: &str) -> Option<(char, usize)> {
    found.iter().find_map(|it| {
        let sign = text[..it.end].strip_suffix(is_blank)?.chars().next_back()?;
        let sign = if matches!(sign, '#' | '%') { '$' } else { sign };
        (sign_weight(sign) >= 1.0).then_some((sign, it.end))
    })
}

/// The beginning of one row of input regions. Its last sign is one, whoever the user is: half a session as root is no other prompt.
fn region_key(row: u8, literal: &str) -> u64 {
    let key = match literal.strip_suffix(['#', '%']) {
        Some(rest) => hashed(skeleton_hash(rest), "$"),
        None => skeleton_hash(literal),
    };
    key ^ (u64::from(row) + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

/// Distinct skeletons held; output of any shape must not grow the table without bound.
const SKELETONS_MAX: usize = 4096;

/// Right-hand prompts that are told apart.
const RIGHT_MAX: usize = 512;

/// Each place once with what stands before it, blanks at the end apart: two places on both sides of a blank
/// are one.
fn distinct<'a>(
    text: &'a str,
    found: &'a [Candidate],
) -> impl Iterator<Item = (Candidate, &'a str)> {
    found.iter().enumerate().filter_map(move |(nth, it)| {
        let literal = text[..it.end].trim_end();
        // The farther of the two is where an edit goes back to.
        let again = found.iter().enumerate().any(|(other_nth, other)| {
            (other.end, other_nth) > (it.end, nth)
                && text[..other.end].trim_end().len() == literal.len()
        });
        (!again).then_some((*it, literal))
    })
}

/// Blanks that stand in the text behind what it begins with.
fn blanks_behind(text: &str, literal: &str) -> usize {
    text.as_bytes()[literal.len()..].iter().take_while(|it| **it == b' ').count()
}

impl Learnt {
    /// One row of an input region, `row` counted from its first line. `low` is the byte that the line
    /// editor went back to, if it did.
    pub fn region_row(&mut self, row: u8, text: &str, found: &[Candidate], low: Option<usize>) {
        if row == 0 {
            self.rows_seen += 1;
        }
        if let Some((sign, _)) = first_sign(found, text)
            && self.first_signs.len() < 64
        {
            *self.first_signs.entry((row, sign)).or_default() += 1;
        }
        if let Some((end, part)) = right_end(text) {
            let ends = held_within(&mut self.right_ends, end, RIGHT_MAX);
            let texts = held_within(&mut self.right_texts, hash(part), RIGHT_MAX);
            ends.into_iter().chain(texts).for_each(|it| *it += 1);
        }
        for (it, literal) in distinct(text, found) {
            let key = region_key(row, literal);
            let Some(seen) = held_within(&mut self.regions, key, SKELETONS_MAX) else { continue };
            let is_bare = text.trim_end().len() <= it.end;
            self.literals += seen.meet(literal, is_bare, low == Some(it.end), self.literals);
            if !is_bare {
                let blanks = blanks_behind(text, literal).min(255) as u8;
                seen.blanks = if seen.blanks == 0 { blanks } else { seen.blanks.min(blanks) };
            }
        }
    }

    /// Where the prompt's own sign ends, if nearly all rows of regions have that one first.
    pub fn own_sign(&self, row: u8, text: &str, found: &[Candidate]) -> Option<usize> {
        let (sign, end) = first_sign(found, text)?;
        let many = self.first_signs.get(&(row, sign)).copied().unwrap_or(0);
        (many >= 4 && many * 5 >= self.rows_seen * 4).then_some(end)
    }

    /// Where a prompt ends that blanks stand behind: as many of them as it always has. What is more was typed, as an
    /// indentation.
    pub fn with_its_blanks(&self, row: u8, text: &str, end: usize) -> usize {
        let literal = text[..end].trim_end();
        let stand = blanks_behind(text, literal);
        let seen = self.regions.get(&region_key(row, literal)).map_or(0, |it| it.blanks);
        // So many blanks fill a row; no prompt ends in them.
        if seen == 0 || stand > 40 { end } else { literal.len() + usize::from(seen).min(stand) }
    }

    /// One line that a line editor has drawn: it was edited, or a window title came before it.
    pub fn line(&mut self, text: &str, found: &[Candidate], low: Option<usize>) {
        self.seen += 1;
        for (it, literal) in distinct(text, found) {
            let key = skeleton_hash(literal);
            let Some(seen) = held_within(&mut self.lines, key, SKELETONS_MAX) else { continue };
            let is_bare = text.trim_end().len() <= it.end;
            self.literals += seen.meet(literal, is_bare, low == Some(it.end), self.literals);
            // Any edit goes back to some word; to the same one again, only where a prompt ends in it.
            if let Some(last) = literal.chars().next_back()
                && (seen.tight >= 2 || !last.is_alphanumeric())
            {
                self.ends.insert(last);
            }
        }
    }

    /// Whether a learnt prompt may end like this.
    pub fn may_end(&self, literal: &str) -> bool {
        literal.trim_end().chars().next_back().is_none_or(|it| self.ends.contains(it))
    }

    /// Whether a learnt prompt may end anywhere in the line.
    pub fn may_end_within(&self, text: &str) -> bool {
        self.ends.word || text.chars().any(|it| self.ends.contains(it))
    }

    /// No line that was edited has been seen.
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// Whether the row ends where this session's right-hand prompts do.
    pub fn is_right_end(&self, text: &str) -> bool {
        let often = |it: Option<&u32>| it.is_some_and(|it| *it >= 3 && *it * 3 >= self.rows_seen);
        !self.right_ends.is_empty()
            && right_end(text).is_some_and(|(end, part)| {
                often(self.right_ends.get(&end)) || often(self.right_texts.get(&hash(part)))
            })
    }

    /// Whether the line editor went back exactly to the end of this text, and did so again.
    pub fn is_returned_to(&self, literal: &str) -> bool {
        let literal = literal.trim_end();
        let seen = self.lines.get(&skeleton_hash(literal));
        seen.and_then(|it| it.literals.get(&hash(literal))).is_some_and(|it| *it >= 3)
    }

    /// How often lines had a beginning of this kind.
    pub fn line_count(&self, literal: &str) -> u32 {
        self.lines.get(&skeleton_hash(literal.trim_end())).map_or(0, |it| it.count)
    }

    /// How often this row of a region had a beginning of this kind.
    pub fn region_count(&self, row: u8, literal: &str) -> u32 {
        self.regions.get(&region_key(row, literal.trim_end())).map_or(0, |it| it.count)
    }

    /// How likely the region's row has its prompt end here.
    pub fn region_score(&self, row: u8, text: &str, it: Candidate) -> f32 {
        let literal = text[..it.end].trim_end();
        self.regions.get(&region_key(row, literal)).map_or(0.0, |seen| seen.score(it.weight))
    }

    /// How likely a line's prompt ends here: 0 if lines with this beginning never showed what only a line
    /// editor does.
    pub fn line_score(&self, literal: &str, weight: f32) -> f32 {
        self.hashed_score(skeleton_hash(literal.trim_end()), weight)
    }

    /// The same of a beginning that was hashed already.
    pub fn hashed_score(&self, beginning: u64, weight: f32) -> f32 {
        let Some(seen) = self.lines.get(&beginning) else { return 0.0 };
        let common = seen.count >= 3 && seen.count * 5 >= self.seen * 3;
        let enough = seen.count >= 2 && (weight >= 0.8 || seen.tight >= 2)
            || common && weight >= 0.3
            || seen.count >= 1 && weight >= 0.8 && seen.bare >= 1;
        if enough { seen.score(weight) } else { 0.0 }
    }
}

/// Texts of one kind that are held apart; those beyond count as different from all others.
const LITERALS_MAX: usize = 1024;
/// The same of all kinds together: a few megabytes, where so many kinds would be two hundred.
const LITERALS_IN_ALL: usize = 1 << 17;

impl Support {
    /// Counts a text, and holds it apart if there is room beside those held `in_all`; how many it is more.
    fn meet(&mut self, text: &str, is_bare: bool, tight: bool, in_all: usize) -> usize {
        self.count += 1;
        self.bare += u32::from(is_bare);
        let key = hash(text);
        if let Some(returns) = self.literals.get_mut(&key) {
            if tight {
                *returns += 1;
                self.tight += match *returns {
                    1 => 0,
                    2 => 2,
                    _ => 1,
                };
            }
            return 0;
        }
        self.distinct += 1;
        let room = self.literals.len() < LITERALS_MAX && in_all < LITERALS_IN_ALL;
        if room {
            self.literals.insert(key, u32::from(tight));
        }
        usize::from(room)
    }

    fn score(&self, weight: f32) -> f32 {
        let count = self.count as f32;
        let repeats = (count - self.distinct as f32) / count;
        let bare = if self.bare > 1 { 1.3 } else { 1.0 };
        let tight = self.tight as f32;
        (count * weight * (0.6 + repeats) + 3.0 * tight) * bare
    }
}

/// The column at which the text ends and its last part, if blanks stand before that.
fn right_end(text: &str) -> Option<(u16, &str)> {
    let bare = text.trim_end();
    if bare.len() > 1024 {
        return None;
    }
    let gap = bare.as_bytes().windows(2).rposition(|it| it == b"  ")?;
    (gap > 0 && bare.len() - gap < 120).then(|| {
        let end = bare.chars().filter_map(UnicodeWidthChar::width).sum::<usize>() as u16;
        (end, &bare[gap + 2..])
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transcript::prompt::ends::bounded;

    #[test]
    fn what_a_session_teaches_of_its_prompts_has_an_end() {
        let mut learnt = Learnt::default();
        for nth in 0..LITERALS_IN_ALL as u32 / 3 {
            // Many kinds, each with texts of its own.
            let kind: String =
                (0..8).map(|it| if nth >> it & 1 == 1 { "! " } else { "? " }).collect();
            let text = format!("{kind}u{nth} $ ls");
            learnt.line(&text, &bounded(&text, None, None), None);
            learnt.region_row(0, &text, &bounded(&text, None, None), None);
        }
        let held = |it: &ByHash<Support>| it.values().map(|it| it.literals.len()).sum::<usize>();
        assert_eq!(held(&learnt.lines) + held(&learnt.regions), LITERALS_IN_ALL);
    }
}
