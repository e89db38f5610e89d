//! What stops a command: said once, in the reader's words, with what to do next.
//!
//! What does *not* stop a command is no error but a value in its result (a flaw, a skip). An error has a kind
//! only where someone branches on it.

use std::fmt;
use std::path::Path;

/// What a caller may branch on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The words were wrong: an option, a date, a pattern.
    Misused,
    /// What was named is not there.
    Missing,
    /// What is kept cannot be trusted or read.
    Damaged,
    /// Someone else is writing.
    Busy,
    /// Written by a newer ssmtrail.
    Newer,
    /// The system refused: a permission, a full disk.
    Refused,
    /// The person stopped it.
    Interrupted,
    /// Whoever read our output has left: no reason to complain.
    Closed,
}

/// What happened, what to do next where we know it, and what lay beneath.
#[derive(Debug)]
pub struct Error {
    /// What a caller may branch on.
    pub kind: Kind,
    /// What happened, in one sentence for a person.
    pub what: String,
    /// What to do next; `None` where nothing is known to help.
    pub hint: Option<String>,
    /// The error beneath, for `std::error::Error::source`; `None` if there is none.
    pub source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// A result whose error is [`Error`] unless said otherwise.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// An error without a hint and without a source.
    pub fn new(kind: Kind, what: impl Into<String>) -> Self {
        Self { kind, what: what.into(), hint: None, source: None }
    }

    /// An error of kind [`Kind::Misused`].
    pub fn misused(what: impl Into<String>) -> Self {
        Self::new(Kind::Misused, what)
    }

    /// A file that could not be used, with the system's reason.
    pub fn file(doing: &str, path: &Path, source: std::io::Error) -> Self {
        let full = source.kind() == std::io::ErrorKind::StorageFull;
        let error =
            Self::new(Kind::Refused, format!("cannot {doing} {}: {source}", path.display()));
        if full {
            return error
                .hint("free some space and run the same command again; nothing kept was lost");
        }
        error
    }

    /// The same error with what to do next.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The same error with the one that it came from.
    pub fn beneath(mut self, source: impl std::error::Error + Send + Sync + 'static) -> Self {
        self.source = Some(Box::new(source));
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.what)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_ref().map(|it| it.as_ref() as _)
    }
}
