//! What is known of the session where a prompt is looked for: the shells it is in, what the last command may have done, and what was
//! learnt of its prompts. All that it decides, it decides from these alone.

use std::sync::Arc;

use crate::transcript::commands::aftermath::Aftermath;
use crate::transcript::commands::context::ShownPrompt;
use crate::transcript::commands::learning::Lessons;
use crate::transcript::commands::repeats::RepeatedPrompts;
use crate::transcript::commands::stack::Stack;
use crate::transcript::commands::weights;
use crate::transcript::commands::weights::Evidence;

/// What is known of the session so far.
#[derive(Default)]
pub(super) struct Known {
    pub(super) stack: Stack,
    pub(super) after: Aftermath,
    pub(super) lessons: Lessons,
    pub(super) repeats: RepeatedPrompts,
}

impl Known {
    /// Moves to the shell that shows this prompt; says what that move is worth.
    pub(super) fn settle(&mut self, shown: &ShownPrompt) -> Evidence {
        if self.after.may_change.is_none() && self.stack.shows_again(shown) {
            // Nearly always: the same prompt again.
            return weights::THIS_SHELL;
        }
        let change = self.after.may_change.take();
        self.stack.move_to(shown, change, self.after.last.as_deref())
    }

    /// A prompt as it is kept: the innermost shell's own, where it is the same.
    pub(super) fn shared(&self, literal: &str) -> Arc<str> {
        match self.stack.last() {
            Some(top) if &*top.prompt.text == literal => Arc::clone(&top.prompt.text),
            _ => Arc::from(literal),
        }
    }
}
