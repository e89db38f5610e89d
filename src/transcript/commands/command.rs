//! A command as it was typed, and what kind of thing it was.

use std::sync::Arc;

use crate::transcript::commands::weights;
use crate::transcript::commands::weights::Evidence;

/// What a typed line was for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CommandKind {
    /// A shell ran it.
    Shell,
    /// A program with prompts of its own read it.
    Repl,
    /// Typed, and nothing tells whether it ran: in a zsh that leaves no trace, what was thrown away with Ctrl-C looks like what
    /// ran and printed nothing; and `^C` with something below it may be a key, or two signs that somebody typed.
    Unconfirmed,
    /// Typed and never run: Ctrl-C, or the session was lost.
    Abandoned,
    /// Looks typed, but the evidence is too thin to say so.
    Possible,
}

impl CommandKind {
    /// All kinds, in the order of their declaration.
    pub const ALL: [Self; 5] =
        [Self::Shell, Self::Repl, Self::Unconfirmed, Self::Abandoned, Self::Possible];

    /// The word that the `kind` column of `commands` holds.
    pub fn name(self) -> &'static str {
        match self {
            Self::Shell => "shell",
            Self::Repl => "repl",
            Self::Unconfirmed => "unconfirmed",
            Self::Abandoned => "abandoned",
            Self::Possible => "possible",
        }
    }

    /// Kinds that ran. Only these are counted, and only these make somebody root or a session notable.
    pub const RAN: [Self; 2] = [Self::Shell, Self::Repl];

    /// Those that ran, and what was perhaps typed: counted together only where somebody asks for both.
    pub const RAN_OR_POSSIBLE: [Self; 3] = [Self::Shell, Self::Repl, Self::Possible];

    /// Kinds that may have run: what an auditor reads first is looked for in these, and marked where it is not known to have run.
    pub const MAY_HAVE_RUN: [Self; 3] = [Self::Shell, Self::Repl, Self::Unconfirmed];

    /// Kinds that were typed: listed, and marked where they did not run or nothing tells.
    pub const TYPED: [Self; 4] = [Self::Shell, Self::Repl, Self::Unconfirmed, Self::Abandoned];
}

/// What can be wrong with a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CommandFlaw {
    /// A character of it was damaged on the way, or had to be guessed.
    Damaged,
}

impl CommandFlaw {
    /// All of them.
    pub const ALL: [Self; 1] = [Self::Damaged];

    /// The word that the `flaws` column of `commands` holds.
    pub fn name(self) -> &'static str {
        match self {
            Self::Damaged => "damaged",
        }
    }
}

/// A command as it was typed, as far as the bytes tell.
#[derive(Clone, Debug, PartialEq)]
pub struct Command {
    /// The text, its lines joined by LF. Blanks at the end are dropped.
    pub text: String,
    /// What the typed line was for.
    pub kind: CommandKind,
    /// The prompt it stood behind, as shown.
    pub prompt: Arc<str>,
    /// Operating-system user that the prompt shows; `None` if it shows none.
    pub os_user: Option<Arc<str>>,
    /// Host that the prompt shows; `None` if it shows none.
    pub host: Option<Arc<str>>,
    /// The directory as the prompt shows it: `~`, a path, or only its last part.
    pub cwd: Option<Arc<str>>,
    /// Shells around it: 0 is the session's own.
    pub depth: u16,
    /// Bytes it was read from.
    pub from: u64,
    /// One past the last byte it was read from.
    pub to: u64,
    /// The line it starts on, as an index into the lines drawn so far.
    pub line: u64,
    /// What spoke for and against it.
    pub evidence: Vec<Evidence>,
    /// A character of it was damaged on the way.
    pub damaged: bool,
    /// The reading that came second, if it was asked for: prompt and text.
    pub runner_up: Option<(String, String)>,
}

impl Command {
    /// Probability of being exactly what was typed, from the evidence: 0 to 1.
    pub fn confidence(&self) -> f64 {
        (weights::confidence(weights::sum(&self.evidence)) * 1000.0).round() / 1000.0
    }
}

/// Longer texts are not judged anew with every line that is added to them: a here-document of a hundred
/// thousand lines must cost no more than its length.
pub(super) const JUDGED_BYTES: usize = 4 << 10;

/// Pieces of evidence that most commands have.
pub(super) const EVIDENCE: usize = 6;

/// A character that stands for bytes which are no UTF-8.
pub(super) fn has_damage(text: &str) -> bool {
    !text.is_ascii() && text.contains('\u{fffd}')
}
