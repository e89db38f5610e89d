//! The forms that the bytes of a transcript are laid out in.

/// How the bytes of one transcript are laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Form {
    /// What `script` wrote: header line, terminal bytes, footer line.
    Script,
    /// Terminal bytes without any frame (busybox `script`, or a copy that lost it).
    Bare,
    /// A PowerShell transcript.
    Windows,
    /// CloudWatch Logs events, one JSON object a line, oldest first.
    Events,
}

impl Form {
    /// All forms, in the order of their declaration.
    pub const ALL: [Self; 4] = [Self::Script, Self::Bare, Self::Windows, Self::Events];

    /// The word that the `form` column of `transcripts` holds.
    pub fn name(self) -> &'static str {
        match self {
            Self::Script => "script",
            Self::Bare => "bare",
            Self::Windows => "windows",
            Self::Events => "events",
        }
    }
}

/// Whether a line is the header that `script` writes first.
pub(super) fn is_script_header(bytes: &[u8]) -> bool {
    let line = bytes.split(|it| *it == b'\n').next().unwrap_or_default();
    line.starts_with(b"Script started on ")
        // The words are translated by gettext; the rest of the line is not.
        || (line.len() < 4096
            && memchr::memmem::find(line, b"/ipcTempFile.log\" <").is_some()
            && memchr::memmem::find(line, b"[COMMAND=\"").is_some())
}
