//! Input regions, which stand between the marks of a line editor: where their prompt ends, and what was typed behind it.

use std::sync::Arc;

use crate::transcript::commands::command::EVIDENCE;
use crate::transcript::commands::context::RegionContext;
use crate::transcript::commands::context::ShownPrompt;
use crate::transcript::commands::known::Known;
use crate::transcript::commands::region_rows::RegionRow;
use crate::transcript::commands::region_rows::SplitRegion;
use crate::transcript::commands::region_rows::region_rows;
use crate::transcript::commands::signs::searched;
use crate::transcript::commands::stack::Level;
use crate::transcript::commands::weights;
use crate::transcript::commands::weights::Evidence;
use crate::transcript::prompt;
use crate::transcript::prompt::Candidate;
use crate::transcript::prompt::Reads;
use crate::transcript::prompt::Shape;
use crate::transcript::screen::Region;
use crate::transcript::shell;

/// Rows of a region in which its prompt may end.
const PROMPT_ROWS: usize = 4;

/// Where the prompt of a region may end: row and byte.
type RowEnd = (usize, usize);

/// Where it ends: row, byte, and its shape if that is known everywhere.
type PromptEnd = (usize, usize, Option<Shape>);

/// The rows that a prompt may end in, with the places in each.
struct CandidateRows<'a> {
    rows: &'a [RegionRow<'a>],
    found: Vec<Vec<Candidate>>,
    shapes: Vec<Option<Shape>>,
}

impl<'a> CandidateRows<'a> {
    fn of(rows: &'a [RegionRow<'a>]) -> Self {
        let first = || rows.iter().take(PROMPT_ROWS);
        Self {
            rows,
            found: first().map(RegionRow::found).collect(),
            shapes: first().map(|it| prompt::known(it.text)).collect(),
        }
    }

    /// Rows with their places, those of a number at least.
    fn from(&self, row: usize) -> impl Iterator<Item = (usize, &'a str, &[Candidate])> {
        let rows = self.rows.iter().zip(&self.found).enumerate().skip(row);
        rows.map(|(nth, (row, found))| (nth, row.text, found.as_slice()))
    }
}

impl Known {
    /// The line of a REPL that sets the marks of a line editor and draws for itself, as Python does from 3.13 on
    /// (Lib/_pyrepl/unix_console.py) and IPython: behind each of its rows stands a prompt of its own.
    pub(super) fn repl_split(&self, at: RegionContext<'_>) -> Option<SplitRegion> {
        if !self.stack.in_a_repl() && self.after.may_change.is_none() {
            return None;
        }
        let rows: Vec<RegionRow<'_>> = region_rows(at).collect();
        let is_repl = |it: &Shape| it.reads == Reads::Repl && it.strong;
        let draws = |it: &RegionRow<'_>| it.text.starts_with("In [") || it.text.starts_with(">>> ");
        if !at.region.escape_follows && !rows.iter().take(3).any(draws) {
            return None;
        }
        let (first, shape) = rows
            .iter()
            .enumerate()
            .take(3)
            .find_map(|(nth, it)| Some((nth, prompt::known(it.text).filter(is_repl)?)))?;
        let mut text = rows[first].text[shape.end..].to_owned();
        for more in &rows[first + 1..] {
            let asked = prompt::known(more.text).filter(is_repl).map_or(0, |it| it.end);
            text.push('\n');
            text.push_str(&more.text[asked..]);
        }
        let shown = Arc::from(&rows[first].text[..shape.end]);
        let (prompt, line) = (marked(shown, Some(shape), 0), rows[first].line);
        let evidence = vec![weights::KNOWN_SHAPE_IN_MARKS];
        Some(SplitRegion { prompt, text, line, evidence })
    }

    /// Splits a region into prompt and text.
    pub(super) fn split(&self, at: RegionContext<'_>) -> Option<SplitRegion> {
        if let Some(it) = split_at_its_mark(at) {
            return Some(it);
        }
        let region = at.region;
        let rows: Vec<RegionRow<'_>> = region_rows(at).collect();
        if rows.is_empty() {
            return None;
        }
        let mut evidence = Vec::with_capacity(EVIDENCE);
        let fish = region.escape_follows;
        // fish goes on between the same marks after Ctrl-C.
        let thrown = rows.iter().rposition(|it| fish && it.text.trim_end().ends_with("^C"));
        let rows = &rows[thrown.map_or(0, |it| it + 1).min(rows.len() - 1)..];
        if let Some(row) = rows.iter().rfind(|it| searched(it.text).is_some()) {
            return Some(self.split_search(row));
        }
        let drawn = if fish { self.fishs_end(rows, region) } else { None };
        let (row, end, shape) = match drawn {
            Some(it) => {
                evidence.push(weights::GOES_BACK);
                it
            }
            None => self.prompt_end(rows, &mut evidence),
        };
        let shown = self.shared(&rows[row].text[..end]);
        // Completion lists, Ctrl-L and Ctrl-R draw the prompt again: the last one counts.
        let bare = shown.trim_end();
        let last = if bare.is_empty() {
            row
        } else {
            rows.iter()
                .rposition(|it| it.text.starts_with(&*shown) || it.text == bare)
                .unwrap_or(row)
        };
        let text = self.typed_behind(&rows[last..], end, region);
        let (prompt, line) = (marked(shown, shape, row), rows[last].line);
        Some(SplitRegion { prompt, text, line, evidence })
    }

    /// A region whose line was found in the history: the row of the search is what was typed.
    fn split_search(&self, row: &RegionRow<'_>) -> SplitRegion {
        let (shown, rows_before) = match self.stack.last() {
            Some(top) => (Arc::clone(&top.prompt.text), top.prompt.rows_before),
            None => (Arc::from(""), 0),
        };
        let shape = prompt::known(&shown);
        let prompt = marked(shown, shape, rows_before);
        let (text, evidence) = (row.text.to_owned(), vec![weights::SEARCHED]);
        SplitRegion { prompt, text, line: row.line, evidence }
    }

    /// Where fish ends its prompt: as before, or where it goes back to before each character.
    fn fishs_end(&self, rows: &[RegionRow<'_>], region: &Region) -> Option<PromptEnd> {
        let as_before = self.stack.last().filter(|it| it.habits.escapes).and_then(|top| {
            let ShownPrompt { text, shape, rows_before, .. } = &top.prompt;
            let row = rows.get(*rows_before)?;
            let end = text.len();
            let stands = !text.trim().is_empty() && row.text.starts_with(&**text);
            // Drawn once more at Enter, the line is gone back to wherever the cursor was.
            let within = row.low.is_none_or(|it| it == 0 || it > end && region.redrawn);
            (stands && within).then(|| (*rows_before, end, shape.clone()))
        });
        as_before.or_else(|| {
            rows.iter().enumerate().take(6).find_map(|(row, it)| {
                // fish goes to the margin and right over its prompt before each character.
                let end = it.low.filter(|end| *end > 0)?;
                let shape = prompt::known(it.text).filter(|it| it.end == end);
                Some((row, end, shape))
            })
        })
    }

    /// What was typed behind the prompt, of which the first of these rows has so many bytes.
    fn typed_behind(&self, rows: &[RegionRow<'_>], end: usize, region: &Region) -> String {
        let fish = region.escape_follows;
        let first = rows[0].text;
        let mut text = first.get(end..).unwrap_or_default().to_owned();
        let right = self.lessons.learnt.is_right_end(first);
        if right && let Some(at) = text.trim_end().rfind("  ") {
            text.truncate(text[..at].trim_end().len());
        } else if fish {
            let entered = prompt::byte_of_column(first, region.enter_col as usize);
            without_right_prompt(&mut text, entered.saturating_sub(end));
        }
        // A transient prompt: at Enter the line is drawn once more behind a shorter one.
        let typed = text.trim();
        let again = rows.last().is_some_and(|it| {
            !typed.is_empty()
                && rows.len() > 1
                && it.text.trim_end().strip_suffix(typed).is_some_and(is_bare_sign)
        });
        let more = if again { &[] } else { &rows[1..] };
        for more in more {
            text.push('\n');
            // The indentation is how fish shows the line, and no part of it.
            text.push_str(if fish { more.text.trim_start() } else { more.text });
        }
        text
    }

    /// The row of the prompt's last line and the byte at which the prompt ends.
    fn prompt_end(&self, rows: &[RegionRow<'_>], evidence: &mut Vec<Evidence>) -> PromptEnd {
        if let Some(it) = self.lessons.usual_in(rows) {
            // Judged often enough: the same prompt stands here again.
            evidence.push(it.judged);
            return (it.prompt.rows_before, it.prompt.text.len(), it.prompt.shape.clone());
        }
        let mut all = CandidateRows::of(rows);
        let (mut score, mut row, mut end) = self.likeliest_end(&all);
        if let Some((more, at)) = self.behind_a_sign(&all, (row, end)) {
            (score, end) = (score.max(more), at);
        }
        if !has_sign(&rows[row].text[..end])
            && let Some(at) =
                self.lessons.learnt.own_sign(row as u8, rows[row].text, &all.found[row])
            && at > end
        {
            // A part that all prompts begin with, as the name of an environment, is commoner than any of them.
            end = at;
        }
        (row, end) = self.last_line_of_prompt(&all, (row, end));
        let is_strong = all.shapes[row].as_ref().is_some_and(|it| it.strong);
        if !is_strong && let Some(it) = self.ends_as_before(&all, (row, end)) {
            (row, end) = it;
        }
        let text = rows[row].text;
        if all.shapes[row].as_ref().is_none_or(|it| it.end != end || !it.strong) {
            let learnt = &self.lessons.learnt;
            let count = |it: &str| learnt.region_count(row as u8, it);
            end = prompt::farthest(text, end, &all.found[row], count);
            if rows[row].low != Some(end) {
                end = learnt.with_its_blanks(row as u8, text, end);
            }
        }
        let shape = all.shapes.swap_remove(row).filter(|it| it.end == end);
        evidence.push(match (&shape, score) {
            (Some(it), _) if it.strong => weights::KNOWN_SHAPE_IN_MARKS,
            (_, score) if score >= 3.0 => weights::REPEATS_IN_MARKS,
            (Some(_), _) => weights::BARE_SIGN,
            _ => weights::SELDOM,
        });
        (row, end, shape)
    }

    /// The likeliest place of all: its score, the row and the byte.
    fn likeliest_end(&self, all: &CandidateRows<'_>) -> (f32, usize, usize) {
        let mut best: Option<(f32, usize, usize)> = None;
        for (row, text, found) in all.from(0) {
            for it in found {
                let mut score = self.lessons.learnt.region_score(row as u8, text, *it);
                if let Some(shape) = &all.shapes[row]
                    && shape.end == it.end
                {
                    score = score.max(1.0) * if shape.strong { 4.0 } else { 1.5 };
                }
                let literal = &text[..it.end];
                if it.weight >= 0.8 && shell::begins_with_a_command(&text[it.end..]) {
                    // The name of a command tells where one begins.
                    score *= 1.5;
                }
                let is_held =
                    |it: &Level| it.prompt.rows_before == row && &*it.prompt.text == literal;
                if self.stack.all().any(is_held) {
                    score = score.max(1.0) * 2.0;
                }
                if best.is_none_or(|(most, ..)| score > most) {
                    best = Some((score, row, it.end));
                }
            }
        }
        best.unwrap_or((0.0, 0, 0))
    }

    /// A prompt seldom ends in a word; where a sign follows that others of this session end with, it goes on: score and byte.
    fn behind_a_sign(&self, all: &CandidateRows<'_>, (row, end): RowEnd) -> Option<(f32, usize)> {
        let text = all.rows[row].text;
        if text[..end].trim_end().ends_with(|it: char| !it.is_alphanumeric()) {
            return None;
        }
        let learnt = &self.lessons.learnt;
        all.found[row]
            .iter()
            .filter(|it| it.end > end && it.weight >= 0.8)
            .filter(|it| learnt.region_count(row as u8, &text[..it.end]) >= 2)
            .map(|it| (learnt.region_score(row as u8, text, *it), it.end))
            .max_by(|one, other| one.0.total_cmp(&other.0))
    }

    /// A prompt of several lines is as common in its last one; commands of several lines are not.
    fn last_line_of_prompt(&self, all: &CandidateRows<'_>, (row, end): RowEnd) -> RowEnd {
        let learnt = &self.lessons.learnt;
        let here = learnt.region_count(row as u8, &all.rows[row].text[..end]);
        let below = all.from(row + 1).filter_map(|(below, text, found)| {
            let found = found.iter().filter(|it| it.weight >= 0.8).filter(|found| {
                let count = learnt.region_count(below as u8, &text[..found.end]);
                count >= 3 && count * 4 >= here * 3
            });
            found.max_by_key(|it| it.end).map(|it| (below, it.end))
        });
        below.last().unwrap_or((row, end))
    }

    /// A place beyond `end` where the prompt ends as this shell's last one did. A prompt of segments that come and go is
    /// seldom the same as a whole; the sign it ends with is.
    fn ends_as_before(&self, all: &CandidateRows<'_>, (row, end): RowEnd) -> Option<RowEnd> {
        let top = self.stack.last().filter(|it| it.prompt.marked)?;
        let usual = self.lessons.repeating();
        let last = std::iter::once(&top.prompt.text);
        let before = || last.clone().chain(usual.clone()).map(|it| it.trim_end());
        let chosen = all.rows[row].text[..end].trim_end();
        let sign = chosen.chars().next_back();
        if sign.is_some_and(|sign| before().any(|it| it.ends_with(sign))) {
            return None;
        }
        before().find_map(|it| ends_like(it, all, (row, end)))
    }
}

/// A prompt between the marks of a line editor.
fn marked(text: Arc<str>, shape: Option<Shape>, rows_before: usize) -> ShownPrompt {
    ShownPrompt { text, shape, marked: true, rows_before }
}

/// A region whose editor has told by its mark where input begins.
fn split_at_its_mark(at: RegionContext<'_>) -> Option<SplitRegion> {
    let (line, col) = at.region.input_at?;
    let typed = at.region.typed.as_ref()?;
    let text = at.drawn.line_text(line.min(at.drawn.lines.len() as u32 - 1));
    let end = prompt::byte_of_column(text, col as usize);
    let shown = &text[..end];
    let shape = prompt::known(shown).filter(|it| it.end == shown.len());
    let prompt = marked(Arc::from(shown), shape, 0);
    let evidence = vec![weights::INPUT_MARKED];
    Some(SplitRegion { prompt, text: typed.clone(), line, evidence })
}

/// Where a prompt ends in the sign of this one, or is this one but for its sign.
fn ends_like(before: &str, all: &CandidateRows<'_>, (row, end): RowEnd) -> Option<RowEnd> {
    let sign = before.chars().next_back().filter(|it| !it.is_alphanumeric())?;
    let ends =
        |it: &&Candidate, text: &str| it.weight >= 0.8 && text[..it.end].trim_end().ends_with(sign);
    // ASCII signs stand in commands too.
    let found = all.from(row).filter(|_| !sign.is_ascii()).find_map(|(nth, text, found)| {
        let from = if nth == row { end } else { 0 };
        let it = found.iter().find(|it| it.end > from && ends(it, text))?;
        Some((nth, it.end))
    });
    // No command begins with an empty line: another sign may tell that the last one failed.
    let nothing = all.rows[row].text[end..].trim().is_empty();
    found.or_else(|| {
        let segments = before.strip_suffix(sign).filter(|it| it.len() >= 3)?;
        let within = end <= segments.len();
        all.from(row).find_map(|(nth, text, _)| {
            if !(nothing && nth > row || within && nth == row) {
                return None;
            }
            let rest = text.strip_prefix(segments)?;
            let other = rest.chars().next().filter(|it| !it.is_whitespace())?;
            let behind = &rest[other.len_utf8()..];
            let end = text.len() - behind.len();
            let blanks = usize::from(behind.starts_with(' '));
            (behind.is_empty() || blanks == 1).then_some((nth, end + blanks))
        })
    })
}

/// Whether it ends in a sign that commands seldom have.
fn has_sign(prompt: &str) -> bool {
    prompt.trim_end().ends_with(|it: char| {
        matches!(it, '$' | '#' | '%' | '>') || !it.is_ascii() && !it.is_alphanumeric()
    })
}

/// A prompt of a sign or two, as transient ones are.
fn is_bare_sign(prompt: &str) -> bool {
    let sign = prompt.trim();
    !sign.is_empty() && sign.chars().count() <= 3 && !sign.chars().any(char::is_alphanumeric)
}

/// Cuts what stands behind two blanks or more, beyond the place where the cursor was at Enter.
fn without_right_prompt(text: &mut String, entered: usize) {
    let from = text.floor_char_boundary(entered);
    if let Some(at) = text[from..].find("  ") {
        text.truncate(from + at);
    }
}

#[cfg(test)]
mod tests {
    use crate::transcript::testing::check;

    /// The sign tells that the last command failed, and is no other prompt.
    #[test]
    fn a_prompt_whose_sign_tells_of_a_failure_is_the_same_prompt() {
        check(
            "
␛[?2004h
dana on box > ls
// shell: ls
␛[?2004l␍out
␛[?2004h
dana on box > pwd
// shell: pwd
␛[?2004l␍out
␛[?2004h
dana on box > id
// shell: id
␛[?2004l␍out
␛[?2004h
dana on box > w
// shell: w
␛[?2004l␍out
␛[?2004h
dana on box > uptime
// shell: uptime
␛[?2004l␍out
␛[?2004h
dana on box x false
// shell: false
␛[?2004l␍out
␛[?2004h
dana on box > true
// shell: true
␛[?2004l␍out
",
        );
    }
}
