//! What a reader must know of a transcript before trusting it.

macro_rules! flaw_kinds {
    ($($(#[$doc:meta])* $kind:ident, $name:literal, $says:literal;)*) => {
        /// Something about a transcript that a reader must know before trusting it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum FlawKind {
            $($(#[$doc])* $kind,)*
        }

        impl FlawKind {
            /// All kinds, in the order of their declaration.
            pub const ALL: [Self; [$($name),*].len()] = [$(Self::$kind),*];

            /// The word that the `flaws` columns hold, such as `no-footer`.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$kind => $name,)*
                }
            }

            /// What it means, for the reader.
            pub fn says(self) -> &'static str {
                match self {
                    $(Self::$kind => $says,)*
                }
            }
        }
    };
}

// Each kind with its name, and what it means for the reader.
flaw_kinds! {
    /// No bytes at all.
    Empty, "empty", "the transcript has no bytes";
    /// The footer that `script` writes last is missing: the end may be cut off.
    NoFooter, "no-footer", "cut: the footer is missing, so the end may be";
    /// A line in the output looks like a header or footer and is none.
    FakeFrame, "fake-frame", "the output prints a line like the transcript's own footer";
    /// Bytes that are no UTF-8; shown as U+FFFD, kept as they are.
    InvalidUtf8, "invalid-utf8", "damaged: bytes that are no UTF-8";
    /// NUL bytes; not shown, kept as they are.
    Nul, "nul", "NUL bytes in the output";
    /// The header names a time without a zone.
    TimeWithoutZone, "time-without-zone", "the header's time names no zone, so the end is not known";
    /// Rows painted over more often than we keep versions of.
    VersionsDropped, "versions-dropped", "rows were repainted more often than we keep";
    /// An event that could not be read as one; kept as it is, not shown.
    EventUnreadable, "event-unreadable", "an event could not be read";
    /// The stream lost characters on its way through the agent.
    Lossy, "lossy", "streamed: the agent removed control bytes, so edits show their residue";
    /// Only a part of the object could be read: a damaged compressed file, a stream deleted meanwhile.
    ObjectDamaged, "object-damaged", "only a part of the object could be read; that is kept";
    /// The object was replaced at its source; its older versions are kept too.
    Replaced, "replaced", "the object was replaced at its source; older versions are kept too";
    /// Events of a log stream came twice, as a batch that was sent again; kept once where an id proves it.
    Repeated, "repeated", "log events came twice; each is kept once where an id proves it the same";
    /// The two copies of the session do not show the same lines.
    Diverges, "diverges", "copies of the session differ; each is kept and searched";
    /// A terminal multiplexer drew panes: not every command typed in them can be told.
    Panes, "panes", "a multiplexer (tmux, screen) drew panes: commands typed in them may be missing";
    /// Lines were edited as people edit, and no prompt was learnt that they stand behind.
    PromptUnknown, "prompt-unknown", "no prompt could be learnt that commands stand behind: commands may be missing";
    /// Something was typed that was not shown: behind a question for a password, or after `stty -echo`.
    NotEchoed, "not-echoed", "something was typed without echo, as a password is: no byte of it is here";
    /// What the archive kept of the session before cannot be read: this was read from the source again and stands beside it.
    KeptDamaged, "kept-damaged", "what the archive kept before cannot be read: this was read from the source again";
    /// The recorded machine claims a time that AWS's own times contradict.
    Clock, "clock", "the time that the machine claims is not possible by when the transcript was stored";
    /// A data protection policy of the log group put asterisks in the place of what it finds ("Help protect sensitive log data
    /// with masking").
    Masked, "masked", "a data protection policy masked the log events: what it hid is not here";
    /// The transcript says that it is of another session than the one whose stream or file it lies in.
    IdDiffers, "id-differs", "the transcript claims the id of another session than its stream or file is named by";
    /// The session ended while a program had the whole screen: what was typed since it took it is at best possible.
    ScreenKept, "screen-kept", "it ends while a program has the whole screen: commands typed there are at best possible";
}

/// One flaw: what, where it begins, and how many bytes or times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flaw {
    /// What is wrong.
    pub kind: FlawKind,
    /// Byte of the transcript at which it first shows.
    pub at: u64,
    /// How many bytes, events or places show it.
    pub count: u64,
}

/// Flaws met so far: one a kind, with the place of the first and how many there are.
#[derive(Default)]
pub(super) struct Flaws(pub(super) Vec<Flaw>);

impl Flaws {
    /// So many of one kind were found from a place on.
    pub(super) fn count(&mut self, kind: FlawKind, at: u64, count: u64) {
        match self.0.iter_mut().find(|seen| seen.kind == kind) {
            Some(seen) => {
                seen.count += count;
                seen.at = seen.at.min(at);
            }
            None => self.0.push(Flaw { kind, at, count }),
        }
    }

    /// The same of several kinds, each with its place and number if it was found.
    pub(super) fn count_found(&mut self, found: &[(FlawKind, Option<(u64, u64)>)]) {
        for (kind, found) in found {
            if let Some((at, count)) = *found {
                self.count(*kind, at, count);
            }
        }
    }
}
