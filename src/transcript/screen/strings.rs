//! Control strings (titles, device control strings) that do not end with their line.
//!
//! A terminal shows nothing of a string until it ends, be it never. Some really span lines, as the title of a command of several
//! lines; others were never meant to be one: a binary file that was printed, or `printf '\e]'`. What a shell shows after
//! those must not be lost. So the lines are held: where the end of the string comes they are part of it, though named; where it
//! does not come, they are lines.

use crate::transcript::wire::Held;
use crate::transcript::wire::RawLine;

/// CAN ends whatever sequence is half read (ECMA-48, 8.3.6).
pub(super) const CANCEL: u8 = 0x18;
const SUBSTITUTE: u8 = 0x1a;
const BELL: u8 = 7;
const ESCAPE: u8 = 0x1b;

/// Bytes of a string that are held. Pictures are sent as strings of several hundred thousand bytes, each in one line or in pieces of 4096
/// ("The Kitty Graphics Protocol"); a title has some hundred.
const HELD_MAX: usize = 256 << 10;

/// What ends a control string.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    /// OSC: ESC `]`, ended by BEL too.
    Command,
    /// DCS, SOS, PM, APC.
    Other,
}

impl Kind {
    /// The kind of string that begins with these bytes, if one does.
    pub(super) fn of(bytes: &[u8]) -> Option<Self> {
        let is_cancelled = memchr::memchr2(CANCEL, SUBSTITUTE, bytes).is_some();
        match bytes.get(1) {
            _ if is_cancelled => None,
            Some(b']') => Some(Self::Command),
            Some(b'P' | b'X' | b'^' | b'_') => Some(Self::Other),
            _ => None,
        }
    }

    /// Whether a byte of this line may end it.
    pub(super) fn may_end(self, bytes: &[u8]) -> bool {
        memchr::memchr3(ESCAPE, CANCEL, SUBSTITUTE, bytes).is_some()
            || matches!(self, Self::Command) && memchr::memchr(BELL, bytes).is_some()
    }
}

/// The string that is open, and the lines it may span.
#[derive(Default)]
pub(super) struct Strings {
    pub(super) opened: Option<Kind>,
    lines: Vec<Held>,
    bytes: usize,
}

impl Strings {
    /// Takes the line, unless that were too many.
    pub(super) fn hold(&mut self, it: RawLine<'_>) -> bool {
        self.bytes += it.bytes.len() + size_of::<Held>();
        if self.bytes > HELD_MAX {
            return false;
        }
        self.lines.push(Held::from(it));
        true
    }

    pub(super) fn take(&mut self) -> Vec<Held> {
        self.bytes = 0;
        std::mem::take(&mut self.lines)
    }

    /// The place of the first line that is held.
    pub(super) fn oldest(&self) -> Option<u64> {
        self.lines.first().map(|it| it.from)
    }
}
