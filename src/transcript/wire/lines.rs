//! Raw lines: bytes cut at their line ends, in whatever chunks they come, each with its place.

/// Longest piece of one raw line held at once; longer lines are handed on in pieces.
pub(super) const PIECE: usize = 1 << 20;

/// Bytes of a full piece and of the rest of the character that it ends in.
const FULL: usize = PIECE + 4;

/// Where raw lines go.
pub trait Lines {
    /// Takes one raw line, or a piece of one.
    fn line(&mut self, it: RawLine<&[u8]>);
}

/// Cuts bytes into raw lines, in whatever chunks they come.
#[derive(Default)]
pub struct Splitter {
    carry: Vec<u8>,
    at: u64,
}

impl Splitter {
    /// Takes the next bytes; every whole line, and every full piece of a long one, goes to `out`.
    pub fn push(&mut self, mut bytes: &[u8], out: &mut impl Lines) {
        while !self.carry.is_empty() && !bytes.is_empty() {
            let end = memchr::memchr(b'\n', bytes).map_or(bytes.len(), |it| it + 1);
            let (more, rest) = bytes.split_at(end.min(FULL.saturating_sub(self.carry.len())));
            self.carry.extend_from_slice(more);
            bytes = rest;
            if self.carry.ends_with(b"\n") || self.carry.len() >= FULL {
                let mut carry = std::mem::take(&mut self.carry);
                carry.drain(..self.cut(&carry, out));
                self.carry = carry;
            }
        }
        let used = self.cut(bytes, out);
        self.carry.extend_from_slice(&bytes[used..]);
    }

    /// Hands on every complete line and every full piece; returns the bytes used.
    fn cut(&mut self, bytes: &[u8], out: &mut impl Lines) -> usize {
        let mut used = 0;
        loop {
            let rest = &bytes[used..];
            match memchr::memchr(b'\n', &rest[..rest.len().min(FULL)]) {
                Some(end) => {
                    self.hand_on(&rest[..end], true, out);
                    used += end + 1;
                }
                None if rest.len() >= FULL => {
                    let end = boundary(rest, PIECE);
                    self.hand_on(&rest[..end], false, out);
                    used += end;
                }
                None => return used,
            }
        }
    }

    fn hand_on(&mut self, raw: &[u8], ended: bool, out: &mut impl Lines) {
        let from = self.at;
        self.at += raw.len() as u64 + u64::from(ended);
        let (bytes, crs) = if ended { without_crs(raw) } else { (raw, 0) };
        out.line(RawLine { bytes, crs, ended, from, to: self.at });
    }

    /// Ends the bytes: what stands behind the last LF goes to `out`.
    pub fn finish(&mut self, out: &mut impl Lines) {
        let carry = std::mem::take(&mut self.carry);
        let mut rest = carry.as_slice();
        while !rest.is_empty() {
            let (piece, behind) = rest.split_at(boundary(rest, PIECE));
            self.hand_on(piece, false, out);
            rest = behind;
        }
    }
}

/// The last character boundary at or before `most`, so that no piece cuts a character.
fn boundary(bytes: &[u8], most: usize) -> usize {
    if most >= bytes.len() {
        return bytes.len();
    }
    let begins = |it: &usize| bytes[*it] & 0xc0 != 0x80;
    (most.saturating_sub(3)..=most).rev().find(begins).unwrap_or(most)
}

/// A line without the CRs that end it, and how many there were.
pub fn without_crs(raw: &[u8]) -> (&[u8], u8) {
    let end = raw.iter().rposition(|it| *it != b'\r').map_or(0, |it| it + 1);
    (&raw[..end], (raw.len() - end).min(255) as u8)
}

/// One raw line: its bytes without the line end, how it ended, and its place. They are borrowed, or its own where it is kept.
#[derive(Clone, Copy)]
pub struct RawLine<B> {
    /// The line without its CRs and LF.
    pub bytes: B,
    /// CRs before the LF, 255 at most; 0 if no LF followed.
    pub crs: u8,
    /// Whether an LF followed; `false` of a piece and of a last line without one.
    pub ended: bool,
    /// First byte of its place in the kept bytes.
    pub from: u64,
    /// One past the last byte of its place, the line end included.
    pub to: u64,
}

impl<B: AsRef<[u8]>> RawLine<B> {
    /// The same line, its bytes borrowed.
    pub fn raw(&self) -> RawLine<&[u8]> {
        self.with(self.bytes.as_ref())
    }

    /// The same line, to be kept.
    pub fn kept(&self) -> RawLine<Vec<u8>> {
        self.with(self.bytes.as_ref().to_vec())
    }

    fn with<C>(&self, bytes: C) -> RawLine<C> {
        RawLine { bytes, crs: self.crs, ended: self.ended, from: self.from, to: self.to }
    }
}
