//! Rows that a program drew on the screen it took, and lines within control strings: commands that are possible there, and those that are
//! read in panes.

use std::sync::Arc;

use crate::transcript::commands::command::CommandKind;
use crate::transcript::commands::command::JUDGED_BYTES;
use crate::transcript::commands::context::ShownPrompt;
use crate::transcript::commands::context::TypedPlace;
use crate::transcript::commands::signs;
use crate::transcript::commands::walk::Walk;
use crate::transcript::commands::weights;
use crate::transcript::prompt;
use crate::transcript::prompt::Shape;
use crate::transcript::screen::Drawn;
use crate::transcript::screen::Hidden;
use crate::transcript::screen::bits;

impl Walk {
    /// Whether a terminal multiplexer draws the screen.
    pub(super) fn in_panes(&self) -> bool {
        self.pending.current.as_ref().is_some_and(|it| it.draws_panes)
    }

    /// A row that a multiplexer drew: each pane's part of it may be a prompt and a command.
    pub(super) fn pane_row(&mut self, drawn: &Drawn, index: u32) {
        let line = &drawn.lines[index as usize];
        self.panes.first.get_or_insert(line.from);
        let text = drawn.line_text(index);
        if text.len() > 4096
            || memchr::memchr3(b'$', b'#', b'>', text.as_bytes()).is_none() && text.is_ascii()
        {
            return;
        }
        let mut start = 0;
        for part in text.split('│') {
            // One that fills its pane goes on in the next row, and where it does is not known.
            if start + part.len() == text.len() || part.ends_with(' ') {
                self.pane_part(drawn, index, part, start);
            }
            start += part.len() + '│'.len_utf8();
        }
    }

    /// The part of a row that lies in one pane, from the byte `start` on.
    fn pane_part(&mut self, drawn: &Drawn, index: u32, part: &str, start: usize) {
        let line = &drawn.lines[index as usize];
        let Some(prompt) = self.pane_prompt(part) else { return };
        let (typed, broken_off) = signs::interrupted(part[prompt.text.len()..].trim_end());
        if typed.is_empty() {
            return;
        }
        if line.bits & bits::OVERWRITTEN != 0 {
            // A half typed line, and the same row when more was typed.
            let goes_on = drawn.lines.get(index as usize + 1).is_some_and(|next| {
                let below = || drawn.line_text(index + 1).get(start..);
                next.from == line.from && below().is_some_and(|it| it.starts_with(&*prompt.text))
            });
            if goes_on {
                return;
            }
        }
        if !self.panes.see(prompt.identity(), typed) {
            return;
        }
        let kind = if self.streamed {
            // Without CRs the panes run into each other.
            CommandKind::Possible
        } else if broken_off {
            CommandKind::Abandoned
        } else {
            CommandKind::Shell
        };
        let why = vec![weights::PANES_PROMPT, weights::IN_A_PANE];
        let place = TypedPlace::of(line, index);
        let mut command = self.command(kind, typed.to_owned(), &prompt, why, place);
        command.depth += 1;
        self.pending.doubtful.push(command);
    }

    fn pane_prompt(&self, part: &str) -> Option<ShownPrompt> {
        let stack = &self.known.stack;
        if let Some(shape) = prompt::known(part).filter(Shape::is_of_a_shell) {
            let shown = ShownPrompt::plain(Arc::from(&part[..shape.end]), Some(shape));
            let identity = shown.identity();
            let fits =
                self.panes.may_show(&identity) || stack.all().any(|it| it.identity == identity);
            return fits.then_some(shown);
        }
        let mut held = stack.all().map(|it| &it.prompt.text);
        let own = held.find(|it| it.trim_end().len() >= 2 && part.starts_with(&***it))?;
        Some(ShownPrompt::plain(Arc::clone(own), None))
    }

    /// A row on the screen of a program that draws no panes.
    pub(super) fn covered_row(&mut self, drawn: &Drawn, index: u32) {
        let line = &drawn.lines[index as usize];
        let text = drawn.line_text(index);
        self.covered.rows.count(line.from);
        if self.known.stack.is_empty() {
            self.nothing_is_known(line, text);
        }
        if self.in_panes() {
            return;
        }
        let Some((at, prompt)) = self.known.prompt_within(text) else { return };
        let typed = &text[at + prompt.text.len()..];
        if self.covered.see(&prompt.identity(), typed) {
            let why = vec![weights::THIS_SHELL, weights::ON_A_SCREEN];
            self.keep_possible(judged(typed), &prompt, why, TypedPlace::of(line, index));
        }
    }

    /// A line that no terminal showed.
    pub(super) fn hidden_line(&mut self, hidden: &Hidden) {
        let text = &*hidden.text;
        let Some((at, prompt)) = self.known.prompt_within(text) else { return };
        let Hidden { from, to, line, is_damaged: damaged, .. } = *hidden;
        let why = vec![weights::THIS_SHELL, weights::IN_A_STRING];
        let typed = judged(&text[at + prompt.text.len()..]);
        self.keep_possible(typed, &prompt, why, TypedPlace { from, to, line, damaged });
    }
}

/// As much of a text as is judged.
fn judged(text: &str) -> String {
    prompt::head(text.trim_end(), JUDGED_BYTES).to_owned()
}
