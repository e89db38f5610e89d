//! Input regions, which stand between the marks of a line editor: where their prompt ends, and what was typed behind it.

use std::sync::Arc;

use crate::transcript::commands::Command;
use crate::transcript::commands::EVIDENCE;
use crate::transcript::commands::Evidence;
use crate::transcript::commands::JUDGED_BYTES;
use crate::transcript::commands::Kind;
use crate::transcript::commands::Reader;
use crate::transcript::commands::Split;
use crate::transcript::commands::learning::AS_EVER;
use crate::transcript::commands::lines::says_farewell;
use crate::transcript::commands::searched;
use crate::transcript::commands::weights;
use crate::transcript::prompt;
use crate::transcript::prompt::Candidate;
use crate::transcript::prompt::Identity;
use crate::transcript::prompt::Reads;
use crate::transcript::prompt::Shape;
use crate::transcript::screen;
use crate::transcript::screen::Drawn;
use crate::transcript::screen::Line;
use crate::transcript::screen::Region;
use crate::transcript::screen::RegionEnd;
use crate::transcript::screen::bits;
use crate::transcript::shell;
use crate::transcript::shell::Change;

/// A region without an end that has so many lines was left open: people type few lines at one prompt and leave them.
const LINES_LEFT_OPEN: usize = 12;

/// One row of an input region.
pub(super) struct RegionRow<'a> {
    pub(super) line: u32,
    pub(super) text: &'a str,
    pub(super) low: Option<usize>,
    pub(super) paint: Option<usize>,
}

impl RegionRow<'_> {
    /// The places where a prompt may end in it.
    pub(super) fn found(&self) -> Vec<Candidate> {
        let mut found = prompt::bounded(self.text, self.low, self.paint);
        if found.is_empty() || found.iter().all(|it| it.weight < 0.2) {
            found.push(Candidate { end: 0, weight: 0.1 });
        }
        found
    }
}

impl Reader {
    pub(super) fn region(&mut self, drawn: &Drawn, region: &Region) {
        if region.end == RegionEnd::Accepted {
            self.region_crs.get_or_insert(region.crs);
        }
        if region.printed {
            self.output();
        }
        let crs = self.region_crs.unwrap_or(region.crs);
        let replayed = region.input_at.is_none()
            && region.end == RegionEnd::Accepted
            && region.crs > crs
            && self.may_change.is_none();
        // readline and zle send a CR behind the mark; fish an escape. A shell does not change its ways.
        let by_repl = self.repl_split(drawn, region);
        let foreign = region.escape_follows
            && by_repl.is_none()
            && !self.levels.is_empty()
            && !self.levels.all().any(|it| it.escapes)
            && self.may_change != Some(Change::Shell);
        if !region.genuine || replayed || foreign {
            if foreign && !replayed {
                self.doubted(drawn, region, weights::FOREIGN_MARKS);
            }
            self.output();
            self.between_printed_marks(drawn, region);
            return;
        }
        if region.end == RegionEnd::Open
            && !region.pasted
            && !self.levels.last().is_some_and(|it| it.escapes)
            && region.lines.len() >= LINES_LEFT_OPEN
            && by_repl.is_none()
        {
            // Its program ended without the end mark: what stands in it are lines like others, or a paste that was cut off.
            self.output();
            let place = |it: &Self| it.current.as_ref().map(|it| it.command.from);
            let before = place(self);
            self.between_printed_marks(drawn, region);
            let marked = self.levels.last().is_some_and(|it| it.marked);
            if marked && place(self) == before {
                self.keep_apart(drawn, region, weights::MARK_WITHOUT_END);
            }
            return;
        }
        let top_marked = self.levels.last().map(|it| it.marked);
        let explained = self.may_change.is_some() || self.levels.is_empty();
        let again = top_marked == Some(false)
            && !explained
            && !self.prints
            && self.levels.last().is_some_and(|it| it.crs.is_none_or(|it| it == region.crs))
            && self.was_doubted_twice(drawn, region);
        if again {
            // It is a shell of its own, and the one around it may come back.
            self.may_change = Some(Change::Shell);
        }
        if top_marked == Some(false)
            && !explained
            && !again
            && !self.levels.all().any(|it| it.marked)
        {
            // A shell that sets no marks does not begin to without a reason: someone printed them, or something that we do
            // not know opened a shell.
            self.doubted(drawn, region, weights::FOREIGN_MARKS);
            self.output();
            self.between_printed_marks(drawn, region);
            return;
        }
        let is_repl = by_repl.is_some();
        let Some(mut split) = by_repl.or_else(|| self.split(drawn, region)) else { return };
        let line = &drawn.lines[split.line as usize];
        let leaves_keypad = self.levels.last().is_some_and(|it| it.leaves_keypad);
        let kind = match region.end {
            RegionEnd::Accepted
                if region.keypad_left_on && leaves_keypad && region.input_at.is_some() =>
            {
                Kind::Abandoned
            }
            RegionEnd::Accepted => Kind::Shell,
            RegionEnd::Interrupted | RegionEnd::Left | RegionEnd::Open => Kind::Abandoned,
        };
        let mut text = std::mem::take(&mut split.text);
        let lost = if region.end == RegionEnd::Accepted { None } else { farewell(&text) };
        if let Some(at) = lost {
            text.truncate(at);
        }
        text.truncate(text.trim_end().len());
        if let Some(found) = searched(&text) {
            text = found.to_owned();
        }
        if self.jobs > 0
            && !region.pasted
            && let Some((written, typed)) = text.rsplit_once('\n')
            && !shell::looks_typed(written)
            && !shell::is_open(written)
            && shell::begins_with_a_command(typed)
        {
            // What a job wrote stands behind the prompt, and what was typed below it; or both were typed.
            let (written, typed) = (written.to_owned(), typed.to_owned());
            let evidence = vec![weights::MARKED, weights::JOB_WROTE_ABOVE];
            let shape = split.shape.as_ref();
            let part =
                self.command(written, Kind::Possible, &split.prompt, shape, evidence, |it| {
                    (it.from, it.to) = (region.from, region.to);
                    it.line = u64::from(split.line);
                });
            self.doubtful.push(part);
            text = typed;
        }
        if kind == Kind::Abandoned {
            text = text.strip_suffix("^C").unwrap_or(&text).trim_end().to_owned();
        }
        // Where each first prompt comes after a filled row, one without asks for more.
        let within = region.input_at.is_some()
            && !region.filled
            && self.levels.last().is_some_and(|it| it.fills)
            && self.current.as_ref().is_some_and(|it| {
                it.marked
                    && it.outputs == 0
                    && it.command.kind == Kind::Shell
                    // As in `continues`: each line that is added would have all before it judged anew.
                    && (it.command.text.len() > JUDGED_BYTES || shell::is_open(&it.command.text))
            });
        // fish asks for more between the same marks.
        if within || !region.escape_follows && self.continues(&split, true, true) {
            self.extend(&text, region.to, kind);
            return;
        }
        if region.input_at.is_none() && !region.escape_follows && split.prompt.len() >= 2 {
            self.met(&split);
        }
        if region.escape_follows && !is_repl {
            self.thrown_away(drawn, region, &split.prompt);
        }
        let mut evidence = split.evidence;
        evidence.push(weights::MARKED);
        self.settle(&split.prompt, split.shape.as_ref(), true, split.rows_before, &mut evidence);
        if let Some(level) = self.levels.last_mut() {
            level.titled |= region.titled;
            level.escapes |= region.escape_follows && !is_repl;
            level.fills |= region.filled;
            level.leaves_keypad |= region.input_at.is_some() && !region.keypad_left_on;
        }
        let kind = match (kind, self.levels.last().map(|it| it.reads)) {
            (Kind::Shell, Some(Reads::Repl)) => Kind::Repl,
            (it, _) => it,
        };
        if line.bits & bits::EDITED != 0 {
            evidence.push(weights::EDITED_IN_MARKS);
        }
        let command =
            self.command(text, kind, &split.prompt, split.shape.as_ref(), evidence, |it| {
                it.from = region.from;
                it.to = region.to;
                it.line = u64::from(split.line);
                it.damaged = line.bits & bits::GUESSED != 0;
            });
        let mut command = command;
        if self.explains
            && let Some(row) = region_rows(drawn, region).nth(split.rows_before)
        {
            let found = row.found();
            command.runner_up =
                self.runner_up(split.rows_before as u8, row.text, &found, split.prompt.len());
        }
        if (region.end == RegionEnd::Left || lost.is_some()) && command.text.is_empty() {
            // Ctrl-D, or the connection was lost: this shell ends.
            self.begin(command, true);
            self.may_change = Some(Change::Leave);
            return;
        }
        // What is pasted into readline as a block runs line by line. zsh and fish run it as one.
        let readline = region.input_at.is_none() && !region.escape_follows;
        if readline
            && region.pasted
            && !command.damaged
            && command.text.contains('\n')
            && command.text.len() <= JUDGED_BYTES
        {
            let block = command.text.clone();
            for text in shell::apart(&block) {
                self.begin(Command { text: text.trim_end().to_owned(), ..command.clone() }, true);
            }
            return;
        }
        // zle alone sets its mark behind the prompt and is followed by a CR.
        let traceless = region.end == RegionEnd::Accepted
            && region.input_at.is_some()
            && !region.escape_follows
            && region.keypad_left_on
            // Behind a search the output begins in the editor's own row.
            && region.ends_row
            && !leaves_keypad;
        self.begin(command, true);
        if lost.is_some() {
            self.may_change = Some(Change::Leave);
        }
        if let Some(current) = self.current.as_mut() {
            current.traceless = traceless;
            current.caret = region.end == RegionEnd::Interrupted;
        }
    }

    /// The line of a REPL that sets the marks of a line editor and draws for itself, as Python does from 3.13 on
    /// (Lib/_pyrepl/unix_console.py) and IPython: behind each of its rows stands a prompt of its own.
    fn repl_split(&self, drawn: &Drawn, region: &Region) -> Option<Split> {
        let inside = self.levels.last().is_some_and(|it| it.reads == Reads::Repl);
        if !inside && self.may_change.is_none() {
            return None;
        }
        let rows: Vec<RegionRow<'_>> = region_rows(drawn, region).collect();
        let is_repl = |it: &Shape| it.reads == Reads::Repl && it.strong;
        let draws = |it: &RegionRow<'_>| it.text.starts_with("In [") || it.text.starts_with(">>> ");
        if !region.escape_follows && !rows.iter().take(3).any(draws) {
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
        Some(Split {
            prompt: Arc::from(&rows[first].text[..shape.end]),
            rows_before: 0,
            text,
            line: rows[first].line,
            shape: Some(shape),
            evidence: vec![weights::KNOWN_SHAPE_IN_MARKS],
        })
    }

    /// The prompt of a shell that no command opened, as far as we know, and that has come twice before between genuine marks: no belief
    /// outlasts that.
    fn was_doubted_twice(&mut self, drawn: &Drawn, region: &Region) -> bool {
        let Some(split) = self.split(drawn, region) else { return false };
        let Some(shape) = split.shape.filter(|it| it.strong && it.reads == Reads::Shell) else {
            return false;
        };
        let identity = Identity::of(&split.prompt, Some(&shape));
        match self.strangers.iter_mut().find(|it| it.0 == identity) {
            Some(it) => {
                it.1 += 1;
                it.1 > 2
            }
            None => {
                if self.strangers.len() < 32 {
                    self.strangers.push((identity, 1));
                }
                false
            }
        }
    }

    /// An input region that may be output: kept apart, and nothing follows from it.
    fn doubted(&mut self, drawn: &Drawn, region: &Region, why: Evidence) {
        if region.end == RegionEnd::Accepted {
            self.keep_apart(drawn, region, why);
        }
    }

    fn keep_apart(&mut self, drawn: &Drawn, region: &Region, why: Evidence) {
        let Some(split) = self.split(drawn, region) else { return };
        let text = prompt::head(split.text.trim_end(), JUDGED_BYTES).to_owned();
        if text.is_empty() {
            return;
        }
        let evidence = vec![weights::MARKED, why];
        let shape = split.shape.as_ref();
        let command = self.command(text, Kind::Possible, &split.prompt, shape, evidence, |it| {
            (it.from, it.to) = (region.from, region.to);
            it.line = u64::from(split.line);
        });
        self.doubtful.push(command);
    }

    /// Lines that Ctrl-C threw away between the same marks as the one that was run, as fish has them.
    pub(super) fn thrown_away(&mut self, drawn: &Drawn, region: &Region, prompt: &Arc<str>) {
        let rows: Vec<(u32, String)> = region_rows(drawn, region)
            .filter_map(|it| {
                let shown = it.text.trim_end().strip_suffix("^C")?;
                let at = shown.find(&**prompt).filter(|_| !prompt.trim().is_empty())?;
                let text = shown[at + prompt.len()..].trim_end();
                (!text.is_empty()).then(|| (it.line, text.to_owned()))
            })
            .collect();
        for (line, text) in rows {
            let evidence = vec![weights::MARKED];
            let command = self.command(text, Kind::Abandoned, prompt, None, evidence, |it| {
                (it.from, it.to) = (region.from, region.to);
                it.line = u64::from(line);
            });
            self.begin(command, true);
        }
    }

    /// Splits a region into prompt and text.
    pub(super) fn split(&self, drawn: &Drawn, region: &Region) -> Option<Split> {
        let rows: Vec<RegionRow<'_>> = region_rows(drawn, region).collect();
        if let (Some((line, col)), Some(typed)) = (region.input_at, &region.typed) {
            let text = drawn.line_text(line.min(drawn.lines.len() as u32 - 1));
            let end = prompt::byte_of_column(text, col as usize);
            let shown = &text[..end];
            let shape = prompt::known(shown).filter(|it| it.end == shown.len());
            return Some(Split {
                prompt: Arc::from(shown),
                rows_before: 0,
                text: typed.clone(),
                shape,
                line,
                evidence: vec![weights::INPUT_MARKED],
            });
        }
        if rows.is_empty() {
            return None;
        }
        let mut evidence = Vec::with_capacity(EVIDENCE);
        let fish = region.escape_follows;
        // fish goes on between the same marks after Ctrl-C.
        let thrown = rows.iter().rposition(|it| fish && it.text.trim_end().ends_with("^C"));
        let rows = &rows[thrown.map_or(0, |it| it + 1).min(rows.len() - 1)..];
        if let Some(row) = rows.iter().rposition(|it| searched(it.text).is_some()) {
            let top = self.levels.last();
            return Some(Split {
                prompt: top.map_or_else(|| Arc::from(""), |it| Arc::clone(&it.prompt)),
                rows_before: top.map_or(0, |it| it.rows_before),
                text: rows[row].text.to_owned(),
                shape: top.and_then(|it| prompt::known(&it.prompt)),
                line: rows[row].line,
                evidence: vec![weights::SEARCHED],
            });
        }
        let as_before = self.levels.last().filter(|it| fish && it.escapes).and_then(|top| {
            let row = rows.get(top.rows_before)?;
            let end = top.prompt.len();
            let stands = !top.prompt.trim().is_empty() && row.text.starts_with(&*top.prompt);
            // Drawn once more at Enter, the line is gone back to wherever the cursor was.
            let within = row.low.is_none_or(|it| it == 0 || it > end && region.redrawn);
            (stands && within).then(|| (top.rows_before, end, top.shape.clone()))
        });
        let drawn_end = rows.iter().enumerate().take(6).find_map(|(row, it)| {
            // fish goes to the margin and right over its prompt before each character.
            let end = it.low.filter(|end| fish && *end > 0)?;
            let shape = prompt::known(it.text).filter(|it| it.end == end);
            Some((row, end, shape))
        });
        let (row, end, shape) = match as_before.or(drawn_end) {
            Some(it) => {
                evidence.push(weights::GOES_BACK);
                it
            }
            None => self.prompt_end(rows, &mut evidence)?,
        };
        let literal = &rows[row].text[..end];
        let shown = match self.levels.last() {
            Some(top) if &*top.prompt == literal => Arc::clone(&top.prompt),
            _ => Arc::from(literal),
        };
        // Completion lists, Ctrl-L and Ctrl-R draw the prompt again: the last one counts.
        let bare = shown.trim_end();
        let last = if bare.is_empty() {
            row
        } else {
            rows.iter()
                .rposition(|it| it.text.starts_with(&*shown) || it.text == bare)
                .unwrap_or(row)
        };
        let mut text = rows[last].text.get(end..).unwrap_or_default().to_owned();
        let right = self.learnt.is_right_end(rows[last].text);
        if right && let Some(at) = text.trim_end().rfind("  ") {
            text.truncate(text[..at].trim_end().len());
        } else if fish {
            let entered = prompt::byte_of_column(rows[last].text, region.enter_col as usize);
            without_right_prompt(&mut text, entered.saturating_sub(end));
        }
        // A transient prompt: at Enter the line is drawn once more behind a shorter one.
        let typed = text.trim();
        let again = rows.last().is_some_and(|it| {
            !typed.is_empty()
                && rows.len() > last + 1
                && it.text.trim_end().strip_suffix(typed).is_some_and(is_bare_sign)
        });
        let more = if again { &[] } else { &rows[last + 1..] };
        for more in more {
            text.push('\n');
            // The indentation is how fish shows the line, and no part of it.
            text.push_str(if fish { more.text.trim_start() } else { more.text });
        }
        Some(Split {
            prompt: shown,
            rows_before: row,
            text,
            shape,
            line: rows[last].line,
            evidence,
        })
    }

    /// The row of the prompt's last line and the byte at which the prompt ends.
    pub(super) fn prompt_end(
        &self,
        rows: &[RegionRow<'_>],
        evidence: &mut Vec<Evidence>,
    ) -> Option<(usize, usize, Option<Shape>)> {
        let mut best: Option<(f32, usize, usize)> = None;
        let usual = self.usual.iter().find(|it| {
            !self.explains
                && it.met >= AS_EVER
                && rows.get(it.rows_before).is_some_and(|row| {
                    // A further segment, as for a failure, makes it another prompt.
                    row.text.strip_prefix(&*it.prompt).is_some_and(|rest| {
                        rest.is_ascii() || !rest.chars().take(24).any(screen::is_ornament)
                    })
                })
        });
        if let Some(it) = usual {
            // Judged often enough: the same prompt stands here again.
            evidence.push(it.judged);
            return Some((it.rows_before, it.prompt.len(), it.shape.clone()));
        }
        let founds: Vec<Vec<Candidate>> = rows.iter().take(4).map(RegionRow::found).collect();
        let mut shapes: Vec<Option<Shape>> =
            rows.iter().take(4).map(|it| prompt::known(it.text)).collect();
        for (row, (RegionRow { text, .. }, found)) in rows.iter().zip(&founds).enumerate() {
            let shape = &shapes[row];
            for it in found {
                let mut score = self.learnt.region_score(row as u8, text, *it);
                if let Some(shape) = shape
                    && shape.end == it.end
                {
                    score = score.max(1.0) * if shape.strong { 4.0 } else { 1.5 };
                }
                let literal = &text[..it.end];
                if it.weight >= 0.8 && shell::begins_with_a_command(&text[it.end..]) {
                    // The name of a command tells where one begins.
                    score *= 1.5;
                }
                if self
                    .levels
                    .all()
                    .any(|level| level.rows_before == row && &*level.prompt == literal)
                {
                    score = score.max(1.0) * 2.0;
                }
                if best.is_none_or(|(most, ..)| score > most) {
                    best = Some((score, row, it.end));
                }
            }
        }
        let (mut score, mut row, mut end) = best.unwrap_or((0.0, 0, 0));
        // A prompt seldom ends in a word; where a sign follows that others of this session end with, it goes on.
        if !rows[row].text[..end].trim_end().ends_with(|it: char| !it.is_alphanumeric()) {
            let text = rows[row].text;
            let farther = founds[row]
                .iter()
                .filter(|it| it.end > end && it.weight >= 0.8)
                .filter(|it| self.learnt.region_count(row as u8, &text[..it.end]) >= 2)
                .map(|it| (self.learnt.region_score(row as u8, text, *it), it.end))
                .max_by(|one, other| one.0.total_cmp(&other.0));
            if let Some((more, at)) = farther {
                (score, end) = (score.max(more), at);
            }
        }
        if !has_sign(&rows[row].text[..end])
            && let Some(at) = self.learnt.own_sign(row as u8, rows[row].text, &founds[row])
            && at > end
        {
            // A part that all prompts begin with, as the name of an environment, is commoner than any of them.
            end = at;
        }
        // A prompt of several lines is as common in its last one; commands of several lines are not.
        let here = self.learnt.region_count(row as u8, &rows[row].text[..end]);
        for (below, it) in rows.iter().enumerate().take(4).skip(row + 1) {
            let found = founds[below].iter().filter(|it| it.weight >= 0.8).filter(|found| {
                let count = self.learnt.region_count(below as u8, &it.text[..found.end]);
                count >= 3 && count * 4 >= here * 3
            });
            if let Some(found) = found.max_by_key(|it| it.end) {
                (row, end) = (below, found.end);
            }
        }
        let strong = shapes[row].as_ref().is_some_and(|it| it.strong);
        if !strong && let Some(it) = self.ends_as_before(rows, &founds, row, end) {
            (row, end) = it;
        }
        let text = rows[row].text;
        if shapes[row].as_ref().is_none_or(|it| it.end != end || !it.strong) {
            let count = |it: &str| self.learnt.region_count(row as u8, it);
            end = prompt::farthest(text, end, &founds[row], count);
            if rows[row].low != Some(end) {
                end = self.learnt.with_its_blanks(row as u8, text, end);
            }
        }
        let shape = shapes.swap_remove(row).filter(|it| it.end == end);
        evidence.push(match (&shape, score) {
            (Some(it), _) if it.strong => weights::KNOWN_SHAPE_IN_MARKS,
            (_, score) if score >= 3.0 => weights::REPEATS_IN_MARKS,
            (Some(_), _) => weights::BARE_SIGN,
            _ => weights::SELDOM,
        });
        Some((row, end, shape))
    }
}

impl Reader {
    /// A place beyond `end` where the prompt ends as this shell's last one did. A prompt of segments that come and go is
    /// seldom the same as a whole; the sign it ends with is.
    fn ends_as_before(
        &self,
        rows: &[RegionRow<'_>],
        founds: &[Vec<Candidate>],
        row: usize,
        end: usize,
    ) -> Option<(usize, usize)> {
        let top = self.levels.last().filter(|it| it.marked)?;
        let usual = self.usual.iter().filter(|it| it.met >= 3).map(|it| &it.prompt);
        let before = || std::iter::once(&top.prompt).chain(usual.clone()).map(|it| it.trim_end());
        let text = rows[row].text;
        let chosen = text[..end].trim_end();
        let sign = chosen.chars().next_back();
        let as_ever = sign.is_some_and(|sign| before().any(|it| it.ends_with(sign)));
        if as_ever {
            return None;
        }
        before().find_map(|it| ends_like(it, rows, founds, row, end))
    }
}

/// Where a prompt ends in the sign of this one, or is this one but for its sign.
fn ends_like(
    before: &str,
    rows: &[RegionRow<'_>],
    founds: &[Vec<Candidate>],
    row: usize,
    end: usize,
) -> Option<(usize, usize)> {
    let sign = before.chars().next_back().filter(|it| !it.is_alphanumeric())?;
    let ends =
        |it: &&Candidate, text: &str| it.weight >= 0.8 && text[..it.end].trim_end().ends_with(sign);
    // ASCII signs stand in commands too.
    let found = founds.iter().enumerate().skip(row).filter(|_| !sign.is_ascii()).find_map(
        |(nth, found)| {
            let from = if nth == row { end } else { 0 };
            let text = rows[nth].text;
            let it = found.iter().find(|it| it.end > from && ends(it, text))?;
            Some((nth, it.end))
        },
    );
    // No command begins with an empty line: another sign may tell that the last one failed.
    let nothing = rows[row].text[end..].trim().is_empty();
    found.or_else(|| {
        let segments = before.strip_suffix(sign).filter(|it| it.len() >= 3)?;
        let within = end <= segments.len();
        rows.iter().enumerate().take(4).skip(row).find_map(|(nth, it)| {
            if !(nothing && nth > row || within && nth == row) {
                return None;
            }
            let rest = it.text.strip_prefix(segments)?;
            let other = rest.chars().next().filter(|it| !it.is_whitespace())?;
            let behind = &rest[other.len_utf8()..];
            let end = it.text.len() - behind.len();
            let blanks = usize::from(behind.starts_with(' '));
            (behind.is_empty() || blanks == 1).then_some((nth, end + blanks))
        })
    })
}

/// Where in the text of a region the words stand that the program says by which its shell was reached, when that ends.
fn farewell(text: &str) -> Option<usize> {
    let mut at = 0;
    for (nth, line) in text.split('\n').enumerate() {
        if nth > 0 && says_farewell(line) && line.len() > 8 || nth == 0 && is_lost(line) {
            return Some(at);
        }
        at += line.len() + 1;
    }
    None
}

/// The words stand right behind the prompt where the cursor was.
fn is_lost(line: &str) -> bool {
    line.starts_with("Connection to ") && says_farewell(line)
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
pub(super) fn without_right_prompt(text: &mut String, entered: usize) {
    let from =
        (0..=entered.min(text.len())).rev().find(|it| text.is_char_boundary(*it)).unwrap_or(0);
    if let Some(at) = text[from..].find("  ") {
        text.truncate(from + at);
    }
}

/// The byte that the line editor went back to.
pub(super) fn low_byte(line: &Line, text: &str, skipped: usize) -> Option<usize> {
    (line.low_col != u16::MAX)
        .then(|| prompt::byte_of_column(text, (line.low_col as usize).saturating_sub(skipped)))
}

pub(super) fn region_rows<'a>(
    drawn: &'a Drawn,
    region: &'a Region,
) -> impl Iterator<Item = RegionRow<'a>> + 'a {
    let rows =
        region.lines.clone().filter(|it| drawn.lines[*it as usize].bits & bits::OVERWRITTEN == 0);
    rows.enumerate().map(|(nth, index)| {
        let line = &drawn.lines[index as usize];
        let mut text = drawn.line_text(index);
        let mut skipped = 0;
        if nth == 0 && region.start_col > 0 {
            skipped = region.start_col as usize;
            text = &text[prompt::byte_of_column(text, skipped)..];
        }
        if line.end_col > 0 {
            let end = (line.end_col as usize).saturating_sub(skipped);
            text = &text[..prompt::byte_of_column(text, end)];
        }
        let low = low_byte(line, text, skipped);
        // fish paints what is typed.
        let paint = (line.paint_col > 0 && !region.escape_follows).then(|| {
            prompt::byte_of_column(text, (line.paint_col as usize).saturating_sub(skipped))
        });
        RegionRow { line: index, text, low, paint }
    })
}
