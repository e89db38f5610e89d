//! Control strings (titles, device control strings) that do not end in the line they begin in.
//!
//! A terminal shows nothing of a string until it ends, even if it never does. Some strings do span lines: the title of a command of several
//! lines. Others were never meant to be strings: a binary file that was printed, or `printf '\e]'`. What a shell shows after those must
//! not be lost. So the lines are held. If the string ends, they are part of it, and kept as hidden; if another
//! sequence breaks it off, or it grows too long, or the transcript ends, they are lines.

use std::ops::Range;

use crate::transcript::wire::RawLine;

/// CAN ends whatever sequence is half read (ECMA-48, 8.3.6).
pub(super) const CANCEL: u8 = 0x18;
const SUBSTITUTE: u8 = 0x1a;
const BELL: u8 = 7;
const ESCAPE: u8 = 0x1b;

/// Bytes that open a string: ESC and one more.
pub(super) const OPENER: usize = 2;

/// Bytes of memory for held lines. A title has some hundred bytes. Pictures have more, and end in the line they begin in ("iTerm2 Images",
/// "The Kitty Graphics Protocol"), unless a program wraps them.
const HELD_MAX: usize = 1 << 20;

/// What ends a control string.
#[derive(Clone, Copy)]
pub(super) enum StringKind {
    /// ESC `]`, ended by BEL or ST.
    Osc,
    /// DCS, SOS, PM, APC, ended by ST.
    Other,
}

/// Whether a line ends the string it lies in.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum End {
    /// These bytes of it are the terminator.
    At(Range<usize>),
    /// Another sequence begins, or CAN or SUB: the string is broken off.
    Broken,
    /// It goes on in the next line.
    None,
}

impl StringKind {
    fn of(bytes: &[u8]) -> Option<Self> {
        match bytes.get(1)? {
            b']' => Some(Self::Osc),
            b'P' | b'X' | b'^' | b'_' => Some(Self::Other),
            _ => None,
        }
    }

    pub(super) fn end(self, bytes: &[u8]) -> End {
        let bell = match self {
            Self::Osc => memchr::memchr(BELL, bytes),
            Self::Other => None,
        };
        let other = memchr::memchr3(ESCAPE, CANCEL, SUBSTITUTE, bytes);
        match (bell, other) {
            (Some(bell), other) if other.is_none_or(|it| bell < it) => End::At(bell..bell + 1),
            (_, Some(at)) if bytes[at..].starts_with(b"\x1b\\") => End::At(at..at + 2),
            (_, Some(_)) => End::Broken,
            (_, None) => End::None,
        }
    }
}

/// Whether the last sequence of a line is a string that does not end in it.
pub(super) fn opens_a_string(sequence: &[u8]) -> bool {
    StringKind::of(sequence).is_some_and(|it| it.end(&sequence[OPENER..]) == End::None)
}

/// What the screen was told of a line before it came.
#[derive(Clone, Copy)]
pub(super) struct Noted {
    /// See [`bits`](crate::transcript::screen::bits).
    pub(super) bits: u16,
    pub(super) width: Option<usize>,
}

/// The lines of a string that is open. The first begins with its opener.
#[derive(Default)]
pub(super) struct Strings {
    lines: Vec<(RawLine<Vec<u8>>, Noted)>,
    bytes: usize,
}

impl Strings {
    /// The kind of the string that is open.
    pub(super) fn opened(&self) -> Option<StringKind> {
        StringKind::of(&self.lines.first()?.0.bytes)
    }

    /// Holds the line, unless the limit is exceeded.
    pub(super) fn hold(&mut self, it: RawLine<&[u8]>, noted: Noted) -> bool {
        let bytes = self.bytes + it.bytes.len() + size_of::<(RawLine<Vec<u8>>, Noted)>();
        if bytes <= HELD_MAX {
            self.bytes = bytes;
            self.lines.push((it.kept(), noted));
        }
        bytes <= HELD_MAX
    }

    pub(super) fn take(&mut self) -> Vec<(RawLine<Vec<u8>>, Noted)> {
        self.bytes = 0;
        std::mem::take(&mut self.lines)
    }

    /// The place of the first line that is held.
    pub(super) fn oldest(&self) -> Option<u64> {
        self.lines.first().map(|it| it.0.from)
    }
}

#[cfg(test)]
mod tests {
    use super::End;
    use super::StringKind;
    use super::opens_a_string;

    #[test]
    fn a_string_ends_at_bel_or_st_and_any_other_sequence_breaks_it_off() {
        assert_eq!(StringKind::Osc.end(b"ab\x07cd"), End::At(2..3));
        assert_eq!(StringKind::Osc.end(b"ab\x1b\\cd\x07"), End::At(2..4));
        assert_eq!(StringKind::Other.end(b"ab\x07cd"), End::None);
        assert_eq!(StringKind::Other.end(b"ab\x07\x1b\\"), End::At(3..5));
        for it in ["\x1b[0mls\x07", "\x18", "x\x1a\x07", "\x1b"] {
            assert_eq!(StringKind::Osc.end(it.as_bytes()), End::Broken, "{it:?}");
        }
        assert_eq!(StringKind::Osc.end(b"ab"), End::None);
    }

    #[test]
    fn a_string_that_ends_in_its_line_is_not_open() {
        for it in ["\x1b]0;x", "\x1bPq", "\x1b_G\x07"] {
            assert!(opens_a_string(it.as_bytes()), "{it:?}");
        }
        for it in ["\x1b]0;x\x07ab", "\x1b\\", "\x1bP\x18", "\x1b", "\x1b[0m"] {
            assert!(!opens_a_string(it.as_bytes()), "{it:?}");
        }
    }
}
