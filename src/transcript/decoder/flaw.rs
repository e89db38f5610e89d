//! What a reader must know of a transcript before trusting it.

/// Something about a transcript that a reader must know before trusting it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FlawKind {
    /// No bytes at all.
    Empty,
    /// The footer that `script` writes last is missing: the end may be cut off.
    NoFooter,
    /// A line in the output looks like a header or footer and is none.
    FakeFrame,
    /// Bytes that are no UTF-8; shown as U+FFFD, kept as they are.
    InvalidUtf8,
    /// NUL bytes; not shown, kept as they are.
    Nul,
    /// The header names a time without a zone.
    TimeWithoutZone,
    /// Rows painted over more often than we keep versions of.
    VersionsDropped,
    /// An event that could not be read as one; kept as it is, not shown.
    EventUnreadable,
    /// The stream lost characters on its way through the agent.
    Lossy,
    /// Only a part of the object could be read: a damaged compressed file, a stream deleted meanwhile.
    ObjectDamaged,
    /// The object was replaced at its source; its older versions are kept too.
    Replaced,
    /// Events of a log stream came twice, as a batch that was sent again; kept once where an id proves it.
    Repeated,
    /// The two copies of the session do not show the same lines.
    Diverges,
    /// A terminal multiplexer drew panes: not every command typed in them can be told.
    Panes,
    /// Lines were edited as people edit, and no prompt was learnt that they stand behind.
    PromptUnknown,
    /// Something was typed that was not shown: behind a question for a password, or after `stty -echo`.
    NotEchoed,
    /// What the archive kept of the session before cannot be read: this was read from the source again and stands beside it.
    KeptDamaged,
    /// The recorded machine claims a time that AWS's own times contradict.
    Clock,
    /// A data protection policy of the log group put asterisks in the place of what it finds ("Help protect sensitive log data
    /// with masking").
    Masked,
    /// The transcript says that it is of another session than the one whose stream or file it lies in.
    IdDiffers,
    /// The session ended while a program had the whole screen: what was typed since it took it is at best possible.
    ScreenKept,
}

impl FlawKind {
    pub const ALL: [Self; 21] = [
        Self::Empty,
        Self::NoFooter,
        Self::FakeFrame,
        Self::InvalidUtf8,
        Self::Nul,
        Self::TimeWithoutZone,
        Self::VersionsDropped,
        Self::EventUnreadable,
        Self::Lossy,
        Self::ObjectDamaged,
        Self::Replaced,
        Self::Repeated,
        Self::Diverges,
        Self::Panes,
        Self::PromptUnknown,
        Self::NotEchoed,
        Self::KeptDamaged,
        Self::Clock,
        Self::Masked,
        Self::IdDiffers,
        Self::ScreenKept,
    ];

    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.name() == name)
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::NoFooter => "no-footer",
            Self::FakeFrame => "fake-frame",
            Self::InvalidUtf8 => "invalid-utf8",
            Self::Nul => "nul",
            Self::TimeWithoutZone => "time-without-zone",
            Self::VersionsDropped => "versions-dropped",
            Self::EventUnreadable => "event-unreadable",
            Self::Lossy => "lossy",
            Self::ObjectDamaged => "object-damaged",
            Self::Replaced => "replaced",
            Self::Repeated => "repeated",
            Self::Diverges => "diverges",
            Self::Panes => "panes",
            Self::PromptUnknown => "prompt-unknown",
            Self::NotEchoed => "not-echoed",
            Self::KeptDamaged => "kept-damaged",
            Self::Clock => "clock",
            Self::Masked => "masked",
            Self::IdDiffers => "id-differs",
            Self::ScreenKept => "screen-kept",
        }
    }

    /// What it means, for the reader.
    pub fn says(self) -> &'static str {
        match self {
            Self::Empty => "the transcript has no bytes",
            Self::NoFooter => "cut: the footer is missing, so the end may be",
            Self::FakeFrame => "the output prints a line like the transcript's own footer",
            Self::InvalidUtf8 => "damaged: bytes that are no UTF-8",
            Self::Nul => "NUL bytes in the output",
            Self::TimeWithoutZone => "the header's time names no zone, so the end is not known",
            Self::VersionsDropped => "rows were repainted more often than we keep",
            Self::EventUnreadable => "an event could not be read",
            Self::Lossy => "streamed: the agent removed control bytes, so edits show their residue",
            Self::ObjectDamaged => "only a part of the object could be read; that is kept",
            Self::Panes => {
                "a multiplexer (tmux, screen) drew panes: commands typed in them may be missing"
            }
            Self::PromptUnknown => {
                "no prompt could be learnt that commands stand behind: commands may be missing"
            }
            Self::NotEchoed => {
                "something was typed without echo, as a password is: no byte of it is here"
            }
            Self::Clock => {
                "the time that the machine claims is not possible by when the transcript was stored"
            }
            Self::Masked => {
                "a data protection policy masked the log events: what it hid is not here"
            }
            Self::IdDiffers => {
                "the transcript claims the id of another session than its stream or file is named by"
            }
            Self::ScreenKept => {
                "it ends while a program has the whole screen: commands typed there are at best possible"
            }
            Self::KeptDamaged => {
                "what the archive kept before cannot be read: this was read from the source again"
            }
            Self::Diverges => "copies of the session differ; each is kept and searched",
            Self::Repeated => {
                "log events came twice; each is kept once where an id proves it the same"
            }
            Self::Replaced => "the object was replaced at its source; older versions are kept too",
        }
    }
}

/// One flaw: what, where it begins, and how many bytes or times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flaw {
    pub kind: FlawKind,
    pub at: u64,
    pub count: u64,
}

/// One flaw a kind: where the first is, and how many.
pub(super) fn merged(flaws: Vec<Flaw>) -> Vec<Flaw> {
    let mut out: Vec<Flaw> = Vec::new();
    for it in flaws {
        match out.iter_mut().find(|seen| seen.kind == it.kind) {
            Some(seen) => {
                seen.count += it.count;
                seen.at = seen.at.min(it.at);
            }
            None => out.push(it),
        }
    }
    out
}
