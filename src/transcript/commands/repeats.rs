//! Prompts that nothing marks and nobody edits: beginnings of lines that a session repeats before one command after another.
//!
//! dash shows `$ `, a container's shell `# `, many people something of their own, and whoever makes no typing mistake leaves no trace of a line
//! editor. Output repeats its beginnings as well: a README its `$ `, a script its `# `, a log its levels. So a beginning counts only with
//! what stands behind it, the names of commands; and it is looked for only where a prompt that is not known yet may
//! stand.

use std::sync::Arc;

use crate::transcript::commands::context::PromptClues;
use crate::transcript::commands::weights;
use crate::transcript::commands::weights::Evidence;
use crate::transcript::prompt;
use crate::transcript::prompt::ByHash;
use crate::transcript::prompt::Candidate;
use crate::transcript::prompt::Shape;
use crate::transcript::screen::Drawn;
use crate::transcript::screen::Item;
use crate::transcript::screen::Line;
use crate::transcript::screen::bits;
use crate::transcript::shell;

/// A prompt ends in one of these columns; what is longer is looked at as any other line is.
const WITHIN: usize = 120;

/// Lines of a window that are looked at, from its start: a prompt that has not come again in so many will not be learnt from more.
const LINES_READ: u32 = 4096;

/// Kinds of beginnings in one window that are told apart.
const SEEN_MAX: usize = 1024;

/// Kinds of beginnings that a session may add by repetition.
const BELIEVED_MAX: usize = 64;

/// Lines of one window that begin alike, words and numbers apart.
#[derive(Default)]
struct Beginning {
    lines: u32,
    /// Nothing stands behind it.
    bare: u32,
    /// What stands behind it begins with the name of a command.
    named: u32,
    /// The first and the last of them, as indices into the lines.
    first: u32,
    last: u32,
    /// The last one leaves a shell.
    leaves: bool,
}

/// Beginnings of the lines of one window.
#[derive(Default)]
pub(super) struct RepeatedPrompts {
    seen: ByHash<Beginning>,
    /// The window has been read.
    read: bool,
    /// First and last line with anything in it, and how many there are.
    pub(super) ends: (u32, u32),
    lines: u32,
    /// Lines that begin with a prompt which is the same everywhere.
    strong: u32,
    /// Skeletons of prompts that were believed for what is repeated behind them.
    believed: Vec<u64>,
}

impl RepeatedPrompts {
    /// Another window: what its lines begin with is not known.
    pub(super) fn forget_lines(&mut self) {
        self.read = false;
        self.seen.clear();
    }

    pub(super) fn has_read(&self) -> bool {
        self.read
    }

    pub(super) fn believes_any(&self) -> bool {
        !self.believed.is_empty()
    }

    /// Whether a prompt of this kind was believed before.
    pub(super) fn believes(&self, shown: &str) -> bool {
        !self.believed.is_empty()
            && self.believed.contains(&prompt::skeleton_hash(shown.trim_end()))
    }

    pub(super) fn believe(&mut self, shown: &Arc<str>) {
        let key = prompt::skeleton_hash(shown.trim_end());
        if self.believed.len() < BELIEVED_MAX && !self.believed.contains(&key) {
            self.believed.push(key);
        }
    }

    /// Reads the lines of the window, once.
    pub(super) fn read(&mut self, drawn: &Drawn) {
        if std::mem::replace(&mut self.read, true) {
            return;
        }
        self.ends = (u32::MAX, 0);
        (self.lines, self.strong) = (0, 0);
        for item in &drawn.items {
            let Item::Line(index) = item else { continue };
            let line = &drawn.lines[*index as usize];
            if line.bits & (bits::INPUT | bits::SCREEN | bits::OVERWRITTEN) != 0 {
                continue;
            }
            let text = drawn.line_text(*index);
            if text.is_empty() {
                continue;
            }
            self.ends = (self.ends.0.min(*index), *index);
            self.lines += 1;
            if self.lines > LINES_READ {
                continue;
            }
            self.strong += u32::from(prompt::known(text).is_some_and(|it| it.strong));
            let paint = paint_of(line, text);
            let mut before = None;
            for it in beginnings(text, paint) {
                // Blanks in a row are several places, and one beginning.
                let literal = text[..it.end].trim_end().len();
                if before.replace(literal) != Some(literal) {
                    self.count(*index, text, it);
                }
            }
        }
    }

    fn count(&mut self, index: u32, text: &str, it: Candidate) {
        let literal = text[..it.end].trim_end();
        let key = prompt::skeleton_hash(literal);
        let Some(seen) = prompt::held_within(&mut self.seen, key, SEEN_MAX) else { return };
        let body = text[it.end..].trim();
        if seen.lines == 0 {
            seen.first = index;
        }
        seen.lines += 1;
        seen.last = index;
        seen.leaves = matches!(body, "exit" | "logout");
        if body.is_empty() {
            seen.bare += 1;
        } else {
            seen.named += u32::from(shell::begins_with_a_command(body));
        }
    }

    /// What speaks for the shell's prompt ending here, and for how many lines.
    fn evidence(
        &self,
        index: u32,
        literal: &str,
        sign: f32,
        nested: bool,
    ) -> Option<(Evidence, u32)> {
        let key = prompt::skeleton_hash(literal.trim_end());
        let seen = self.seen.get(&key)?;
        let behind = seen.lines - seen.bare;
        let named = seen.named > 0 && seen.named * 2 >= behind;
        // A session begins with a prompt, and most end with one. A log is nothing but such lines, and commands say something.
        let at_an_end = seen.first == self.ends.0 || seen.last == self.ends.1;
        let answered = self.lines >= seen.lines + seen.lines / 2;
        let enough = if nested { behind >= 3 && answered || seen.leaves } else { at_an_end };
        let enough = enough && (sign >= 0.8 || seen.leaves && seen.named * 5 >= behind * 4);
        let row = if named && behind >= 4 && enough {
            weights::FOUR_NAMED
        } else if named && behind >= 2 && enough {
            weights::TWO_NAMED
        } else if named && sign >= 0.8 && index == self.ends.0 && !nested && self.strong == 0 {
            // Alone, at the very start, and nothing else in it looks like a prompt: where else should it come from?
            weights::ALONE
        } else {
            return None;
        };
        Some((row, seen.lines))
    }

    /// Where a prompt ends that this session repeats without ever editing a line, and what speaks for it. `nested`: in another shell.
    pub(super) fn prompt_end(
        &self,
        clues: &PromptClues<'_>,
        nested: bool,
    ) -> Option<(usize, Evidence)> {
        if !self.read {
            return None;
        }
        let (text, low) = (clues.text, clues.low);
        let mut best: Option<(usize, Evidence, u32)> = None;
        let found = beginnings(text, clues.paint);
        for it in found.iter().filter(|it| low.is_none_or(|low| it.end <= low)) {
            if best.is_some_and(|it| shell::begins_with_a_command(&text[it.0..])) {
                break;
            }
            let found = self.evidence(clues.index, &text[..it.end], it.weight, nested);
            let Some((row, lines)) = found else { continue };
            // The farthest that is about as common: a prompt of several parts is common in each of them.
            if best.is_none_or(|(_, _, before)| lines * 4 >= before * 3) {
                best = Some((it.end, row, lines));
            }
        }
        best.map(|it| (it.0, it.1))
    }
}

/// Byte of the last change of colour.
pub(super) fn paint_of(line: &Line, text: &str) -> Option<usize> {
    (line.paint_col > 0).then(|| prompt::byte_of_column(text, usize::from(line.paint_col)))
}

/// Places of a line where a prompt may end that nothing else tells of: behind signs, and behind the last colour and its blanks.
fn beginnings(text: &str, paint: Option<usize>) -> Vec<Candidate> {
    let mut found = prompt::candidates(prompt::head(text, WITHIN));
    // Where the part that is looked at ends, no prompt does.
    found.retain(|it| it.weight >= 0.5 && (it.end < WITHIN || text.len() <= WITHIN));
    if let Some(at) = paint.filter(|it| *it <= WITHIN) {
        let end = at + text[at..].bytes().take_while(|it| *it == b' ').count();
        if text[..end].ends_with(' ') && !found.iter().any(|it| it.end == end) {
            found.push(Candidate { end, weight: 1.0 });
            found.sort_by_key(|it| it.end);
        }
    }
    found
}

/// Whether a command may stand behind a prompt of this line that is not known everywhere. Only then it is worth to read all the others.
pub(super) fn may_begin(line: &Line, text: &str, shape: Option<&Shape>) -> bool {
    !text.is_empty()
        && !shape.is_some_and(|it| it.strong)
        && beginnings(text, paint_of(line, text)).iter().any(|it| {
            let body = text[it.end..].trim();
            body.is_empty() || shell::begins_with_a_command(body)
        })
}

#[cfg(test)]
mod tests {
    use crate::transcript::testing::check;

    #[test]
    fn a_text_of_prompts_behind_a_prompt_that_is_not_known_is_no_session() {
        check(
            "
=== demo ===
how to:
$ npm install
$ make
$ ls
that is all
",
        );
    }
}
