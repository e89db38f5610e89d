//! A command as it was typed, and what kind of thing it was.

use std::sync::Arc;

use crate::transcript::commands::weights;
use crate::transcript::commands::weights::Evidence;

/// What a typed line was for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
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

impl Kind {
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

    /// Kinds that ran, as rows name them. Only these are counted, and only these make somebody root or a session notable.
    pub const RAN: [&'static str; 2] = ["shell", "repl"];

    /// Those that ran, and what was perhaps typed: counted together only where somebody asks for both.
    pub const RAN_OR_POSSIBLE: [&'static str; 3] = ["shell", "repl", "possible"];

    /// Kinds that may have run: what an auditor reads first is looked for in these, and marked where it is not known to have run.
    pub const MAY_HAVE_RUN: [&'static str; 3] = ["shell", "repl", "unconfirmed"];

    /// Kinds that were typed: listed, and marked where they did not run or nothing tells.
    pub const TYPED: [&'static str; 4] = ["shell", "repl", "unconfirmed", "abandoned"];

    /// Those, and what was perhaps typed: only on request.
    pub const PERHAPS: [&'static str; 5] =
        ["shell", "repl", "unconfirmed", "abandoned", "possible"];

    /// Whether a row of this kind ran; what nobody knows did not.
    pub fn has_run(name: &str) -> bool {
        Self::RAN.contains(&name)
    }

    /// What stands behind the text of a row that is not a shell's command.
    pub fn mark(name: &str) -> &str {
        match name {
            "shell" => "",
            "abandoned" => "not run",
            it => it,
        }
    }
}

/// Name of the flaw of a command a character of which was damaged on the way, or had to be guessed.
pub const DAMAGED: &str = "damaged";

/// A command as it was typed, as far as the bytes tell.
#[derive(Clone, Debug, PartialEq)]
pub struct Command {
    /// The text, its lines joined by LF. Blanks at the end are dropped.
    pub text: String,
    /// What the typed line was for.
    pub kind: Kind,
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
