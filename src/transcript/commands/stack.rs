//! The shells and REPLs that a session is in, one in another: which of them shows this prompt, and what a move from
//! one to another is worth as evidence.

use std::sync::Arc;

use crate::transcript::commands::Evidence;
use crate::transcript::commands::Reader;
use crate::transcript::commands::weigh;
use crate::transcript::prompt;
use crate::transcript::prompt::Identity;
use crate::transcript::prompt::Reads;
use crate::transcript::prompt::Shape;
use crate::transcript::shell::Change;

/// One shell or REPL of the stack.
#[derive(Clone, Debug)]
pub(super) struct Level {
    pub(super) prompt: Arc<str>,
    pub(super) skeleton: String,
    pub(super) identity: Identity,
    pub(super) reads: Reads,
    /// The last prompt, if its shape is known everywhere.
    pub(super) shape: Option<Shape>,
    pub(super) user: Option<Arc<str>>,
    pub(super) host: Option<Arc<str>>,
    /// The directory its last prompt showed.
    pub(super) dir: Option<Arc<str>>,
    /// Its line editor sets bracketed-paste marks.
    pub(super) marked: bool,
    /// Lines that the prompt has before the one with the command.
    pub(super) rows_before: usize,
    /// Something always comes before its prompts.
    pub(super) titled: bool,
    /// Prompts without marks, and how many of the last of them in a row something came before.
    pub(super) met: u32,
    pub(super) streak: u32,
    /// Its end marks are followed by escapes.
    pub(super) escapes: bool,
    /// Its line editor leaves the keypad's application mode at Enter.
    pub(super) leaves_keypad: bool,
    /// It fills a row before each prompt.
    pub(super) fills: bool,
    /// CRs that end its lines.
    pub(super) crs: Option<u8>,
    /// Its `exit` is echoed by the shell itself, so that Ctrl-D can be told from a typed one.
    pub(super) says_exit: bool,
}

impl Level {
    /// One more prompt without marks. Once can be chance, or somebody's doing: a title that was printed, a line of
    /// colours that stood above.
    pub(super) fn meet(&mut self, announced: bool) {
        self.met = self.met.saturating_add(1);
        self.streak = if announced { self.streak.saturating_add(1) } else { 0 };
        self.titled |= announced && (self.streak == self.met || self.streak >= 3);
    }
}

impl Reader {
    /// Moves the stack to the shell that shows this prompt; says what that move is worth.
    pub(super) fn settle(
        &mut self,
        shown: &Arc<str>,
        shape: Option<&Shape>,
        marked: bool,
        rows_before: usize,
        evidence: &mut Vec<Evidence>,
    ) {
        if self.may_change.is_none()
            && let Some(top) = self.levels.last()
            && top.prompt == *shown
            && top.rows_before == rows_before
            && top.marked == marked
            && top.shape.as_ref() == shape
        {
            // Nearly always: the same prompt again.
            evidence.push(weigh("the prompt of this shell", 1.0));
            return;
        }
        let user = shape.and_then(|it| it.user.clone());
        let host = shape.and_then(|it| it.host.clone());
        let reads = shape.map_or(Reads::Shell, |it| it.reads);
        let change = self.may_change.take();
        let identity = Identity::of(shown, shape);
        let fits = |it: &Level| it.identity == identity && it.rows_before == rows_before;
        let new_level = || Level {
            prompt: Arc::clone(shown),
            skeleton: prompt::skeleton(shown.trim_end()),
            identity: identity.clone(),
            reads,
            shape: shape.cloned(),
            user: user.clone(),
            host: host.clone(),
            dir: shape.and_then(|it| it.dir.clone()),
            marked,
            rows_before,
            titled: false,
            met: 0,
            streak: 0,
            escapes: false,
            leaves_keypad: false,
            fills: false,
            crs: None,
            says_exit: false,
        };
        if self.levels.is_empty() {
            self.levels.push(new_level());
            evidence.push(weigh("the session's first prompt", 0.5));
            return;
        }
        let top_fits = self.levels.last().is_some_and(fits);
        if top_fits && change != Some(Change::Leave) {
            // `bash` in bash shows the same prompt one level deeper.
            if change == Some(Change::Shell)
                && self.last.as_deref().is_some_and(opens_silently)
                && reads == Reads::Shell
            {
                self.levels.push(new_level());
            } else if let Some(top) = self.levels.last_mut() {
                if top.prompt.trim_end() != &**shown {
                    let blanks = &top.prompt[top.prompt.trim_end().len()..];
                    top.prompt = if shown.ends_with(' ') || blanks.is_empty() {
                        Arc::clone(shown)
                    } else {
                        Arc::from(format!("{shown}{blanks}"))
                    };
                    top.shape = shape.cloned();
                }
                top.marked = marked;
                top.dir = shape.and_then(|it| it.dir.clone());
            }
            evidence.push(weigh("the prompt of this shell", 1.0));
            return;
        }
        let lower = self.levels.len().saturating_sub(1);
        let found = self.levels[..lower].iter().rposition(fits);
        match change {
            Some(Change::Leave) => {
                if let Some(at) = found {
                    self.leave_to(at);
                    evidence.push(weigh("the prompt of the shell around it", 1.0));
                } else if top_fits {
                    evidence.push(weigh("the prompt of this shell", 1.0));
                } else {
                    if self.levels.len() > 1 {
                        self.levels.pop();
                    }
                    self.replace_top(new_level());
                    evidence.push(weigh("a prompt not seen before, after a shell ended", 0.0));
                }
            }
            Some(Change::Shell | Change::Repl) => {
                if let Some(at) = found {
                    // The program failed, or ended at once, or was left by a key.
                    self.leave_to(at);
                } else {
                    self.levels.push(new_level());
                }
                evidence.push(weigh("a new prompt, after a command that opens one", 1.0));
            }
            Some(Change::Prompt) => {
                self.replace_top(new_level());
                evidence.push(weigh("a new prompt, after a command that sets it", 0.8));
            }
            None => {
                if let Some(at) = found {
                    self.leave_to(at);
                    evidence.push(weigh("the prompt of a shell around it", 0.5));
                } else {
                    let same_place = self
                        .levels
                        .last()
                        .is_some_and(|it| it.user == user && it.host == host && it.reads == reads);
                    self.replace_top(new_level());
                    let weight = if same_place { 0.0 } else { -0.5 };
                    evidence.push(weigh("a prompt not seen before", weight));
                }
            }
        }
    }

    /// The shells above this one have ended, as far as we can see.
    pub(super) fn leave_to(&mut self, at: usize) {
        for level in self.levels.drain(at + 1..) {
            if self.gone.len() < 32 && !self.gone.contains(&level.identity) {
                self.gone.push(level.identity);
            }
        }
    }

    pub(super) fn replace_top(&mut self, level: Level) {
        if let Some(top) = self.levels.last_mut() {
            let (titled, met, streak) = (top.titled, top.met, top.streak);
            let (crs, says_exit) = (top.crs, top.says_exit);
            let (leaves_keypad, fills) = (top.leaves_keypad, top.fills);
            *top = Level { titled, met, streak, crs, says_exit, leaves_keypad, fills, ..level };
        }
    }
}

/// Programs that start a shell with the prompt of the one around it.
pub(super) fn opens_silently(text: &str) -> bool {
    let first = text.split_whitespace().find(|it| *it != "sudo" && !it.starts_with('-'));
    matches!(first, Some("bash" | "sh" | "zsh" | "fish" | "dash" | "ksh" | "/bin/bash" | "/bin/sh"))
}
