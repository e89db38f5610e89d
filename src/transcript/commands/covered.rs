//! Shells on a screen that a program took and did not give back.
//!
//! On the screen of an editor or a pager nothing is a prompt. But any program, and any word that is printed, can take the screen
//! (`printf '\e[?1049h'`) and leave it to the shell; what is typed then must not be lost for it.

use std::sync::Arc;

use crate::transcript::commands::Command;
use crate::transcript::commands::DOUBTFUL_MAX;
use crate::transcript::commands::Evidence;
use crate::transcript::commands::JUDGED_BYTES;
use crate::transcript::commands::Kind;
use crate::transcript::commands::Reader;
use crate::transcript::commands::weights;
use crate::transcript::prompt;
use crate::transcript::prompt::Identity;
use crate::transcript::prompt::Shape;
use crate::transcript::screen::Drawn;
use crate::transcript::screen::Hidden;
use crate::transcript::screen::bits;
use crate::transcript::shell;

/// Shortest prompt, in characters, that is looked for: a sign alone stands at the start of any row.
const SHORTEST: usize = 4;

/// What looks typed on the screen of a program.
#[derive(Default)]
pub(super) struct Covered {
    /// A program has the screen.
    pub(super) on: bool,
    /// Rows that begin with the prompt of a shell of the session, as possible commands.
    rows: Vec<Command>,
    /// Of those that were kept when the transcript ended: the place of the first, and how many.
    kept: (u64, u64),
}

impl Covered {
    /// As many are held until the screen is given back.
    pub(super) fn is_full(&self) -> bool {
        self.rows.len() >= DOUBTFUL_MAX
    }
}

impl Reader {
    /// A row on the screen of a program that draws no panes.
    pub(super) fn covered_row(&mut self, drawn: &Drawn, index: u32) {
        let line = &drawn.lines[index as usize];
        if !self.covered.on || line.bits & bits::OVERWRITTEN != 0 || self.in_panes() {
            return;
        }
        let place = (line.from, line.to, index);
        let row = self.behind_a_prompt(drawn.line_text(index), place, weights::ON_A_SCREEN);
        self.covered.rows.extend(row);
    }

    /// A line that no terminal showed.
    pub(super) fn hidden_line(&mut self, it: &Hidden) {
        let row = self.behind_a_prompt(&it.text, (it.from, it.to, it.line), weights::IN_A_STRING);
        self.doubtful.extend(row);
    }

    /// What stands behind the prompt of a shell of this session. `place`: the bytes it was read from, and the line.
    fn behind_a_prompt(
        &self,
        text: &str,
        (from, to, line): (u64, u64, u32),
        why: Evidence,
    ) -> Option<Command> {
        let (shown, shape) = self.prompt_of_the_session(text)?;
        let typed = prompt::head(text[shown.len()..].trim_end(), JUDGED_BYTES);
        if typed.is_empty() {
            return None;
        }
        let (typed, evidence) = (typed.to_owned(), vec![weights::THIS_SHELL, why]);
        Some(self.command(typed, Kind::Possible, &shown, shape.as_ref(), evidence, |it| {
            (it.from, it.to, it.line) = (from, to, u64::from(line));
        }))
    }

    /// The prompt of a shell of this session at the start of the row, in whatever directory.
    fn prompt_of_the_session(&self, text: &str) -> Option<(Arc<str>, Option<Shape>)> {
        // Nearly all rows begin otherwise.
        let first = text.as_bytes().first()?;
        if !self.levels.all().any(|it| it.prompt.as_bytes().first() == Some(first)) {
            return None;
        }
        let as_it_was = self.levels.all().find(|it| {
            it.prompt.trim().chars().nth(SHORTEST - 1).is_some() && text.starts_with(&*it.prompt)
        });
        if let Some(it) = as_it_was {
            return Some((Arc::clone(&it.prompt), it.shape.clone()));
        }
        let shape = prompt::known(text).filter(|it| it.strong)?;
        let shown = &text[..shape.end];
        let identity = Identity::of(shown, Some(&shape));
        let is_known = self.levels.all().any(|it| it.identity == identity);
        is_known.then(|| (Arc::from(shown), Some(shape)))
    }

    /// The screen was given back. What an editor or a pager showed was not typed; of another program nobody knows.
    pub(super) fn uncovered(&mut self) {
        self.covered.on = false;
        let rows = std::mem::take(&mut self.covered.rows);
        let is_known = |it: &str| shell::draws_the_screen(prompt::head(it, JUDGED_BYTES));
        if !self.current.as_ref().is_some_and(|it| is_known(&it.command.text)) {
            self.doubtful.extend(rows);
        }
    }

    /// The screen was not given back, or too much stands on it to be held any longer.
    pub(super) fn keep_covered(&mut self) {
        let rows = std::mem::take(&mut self.covered.rows);
        if let Some(first) = rows.first() {
            let (place, many) = self.covered.kept;
            let place = if many == 0 { first.from } else { place };
            self.covered.kept = (place, many + rows.len() as u64);
        }
        self.doubtful.extend(rows);
    }

    /// Rows on a screen that was not given back which may have been typed: the place of the first, and how many.
    pub fn covered(&self) -> Option<(u64, u64)> {
        let (place, many) = self.covered.kept;
        (many > 0).then_some((place, many))
    }
}
