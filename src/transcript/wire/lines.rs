//! Raw lines: bytes cut at their line ends, in whatever chunks they come, each with its place.

/// Longest piece of one raw line held at once; longer lines are handed on in pieces.
pub(super) const PIECE: usize = 1 << 20;

/// Where raw lines go. `crs` counts the CRs before the LF; `from..to` is the place in the kept bytes.
pub trait Lines {
    /// Takes one raw line without its end, or a piece of one; `ended` says whether an LF followed.
    fn line(&mut self, bytes: &[u8], crs: u8, ended: bool, from: u64, to: u64);
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
        if !self.carry.is_empty() {
            let end = memchr::memchr(b'\n', bytes).map_or(bytes.len(), |it| it + 1);
            let room = PIECE + 4 - self.carry.len().min(PIECE + 4);
            let take = end.min(room);
            self.carry.extend_from_slice(&bytes[..take]);
            bytes = &bytes[take..];
            if self.carry.last() == Some(&b'\n') || self.carry.len() >= PIECE + 4 {
                let carry = std::mem::take(&mut self.carry);
                let used = self.cut(&carry, out);
                let mut rest = carry[used..].to_vec();
                std::mem::swap(&mut self.carry, &mut rest);
                if !self.carry.is_empty() {
                    return self.push(bytes, out);
                }
            } else if bytes.is_empty() {
                return;
            } else {
                return self.push(bytes, out);
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
            match memchr::memchr(b'\n', &rest[..rest.len().min(PIECE + 4)]) {
                Some(end) => {
                    self.hand_on(&rest[..end], true, 1, out);
                    used += end + 1;
                }
                None if rest.len() >= PIECE + 4 => {
                    let end = boundary(rest, PIECE);
                    self.hand_on(&rest[..end], false, 0, out);
                    used += end;
                }
                None => return used,
            }
        }
    }

    fn hand_on(&mut self, raw: &[u8], ended: bool, lf: u64, out: &mut impl Lines) {
        let to = self.at + raw.len() as u64 + lf;
        let (bytes, crs) = if ended { without_crs(raw) } else { (raw, 0) };
        out.line(bytes, crs, ended, self.at, to);
        self.at = to;
    }

    /// Ends the bytes: what stands behind the last LF goes to `out`.
    pub fn finish(&mut self, out: &mut impl Lines) {
        let carry = std::mem::take(&mut self.carry);
        let mut rest = carry.as_slice();
        while !rest.is_empty() {
            let end = boundary(rest, PIECE.min(rest.len()));
            self.hand_on(&rest[..end], false, 0, out);
            rest = &rest[end..];
        }
    }

    /// Byte of the stream at which the next line begins.
    pub fn place(&self) -> u64 {
        self.at
    }
}

/// The last character boundary at or before `most`, so that no piece cuts a character.
fn boundary(bytes: &[u8], most: usize) -> usize {
    if most >= bytes.len() {
        return bytes.len();
    }
    let mut end = most;
    while end > most.saturating_sub(3) && bytes[end] & 0xc0 == 0x80 {
        end -= 1;
    }
    if bytes[end] & 0xc0 == 0x80 { most } else { end }
}

/// A line without the CRs that end it, and how many there were.
pub fn without_crs(raw: &[u8]) -> (&[u8], u8) {
    let end = raw.iter().rposition(|it| *it != b'\r').map_or(0, |it| it + 1);
    (&raw[..end], (raw.len() - end).min(255) as u8)
}

/// One raw line: its bytes without the line end, how it ended, and its place.
#[derive(Clone, Copy)]
pub struct RawLine<'a> {
    /// The line without its CRs and LF.
    pub bytes: &'a [u8],
    /// CRs before the LF, 255 at most; 0 if no LF followed.
    pub crs: u8,
    /// Whether an LF followed; `false` of a piece and of a last line without one.
    pub ended: bool,
    /// First byte of its place in the kept bytes.
    pub from: u64,
    /// One past the last byte of its place, the line end included.
    pub to: u64,
}

/// A raw line that is kept, its bytes its own.
pub(in crate::transcript) struct OwnedLine {
    pub(in crate::transcript) bytes: Vec<u8>,
    pub(in crate::transcript) crs: u8,
    pub(in crate::transcript) ended: bool,
    pub(in crate::transcript) from: u64,
    pub(in crate::transcript) to: u64,
}

impl From<RawLine<'_>> for OwnedLine {
    fn from(it: RawLine<'_>) -> Self {
        Self { bytes: it.bytes.to_vec(), crs: it.crs, ended: it.ended, from: it.from, to: it.to }
    }
}

impl OwnedLine {
    pub(in crate::transcript) fn raw(&self) -> RawLine<'_> {
        RawLine {
            bytes: &self.bytes,
            crs: self.crs,
            ended: self.ended,
            from: self.from,
            to: self.to,
        }
    }
}
