//! What was pasted: readline shows it inverse, and at Enter once more as it is.

use crate::transcript::screen::bits;
use crate::transcript::streamed::lines::Restored;
use crate::transcript::streamed::steps::printed;
use crate::transcript::wire::RawLine;

/// A block of lines that was pasted at a prompt of readline: shown inverse, and at Enter once more as it is.
pub(super) struct PastedBlock {
    /// The line with the prompt.
    pub(super) first: usize,
    /// The line on which the block's last line and the second showing of its first run into each other.
    pub(super) turn: usize,
    /// The block's last line.
    pub(super) last: Vec<u8>,
}

impl PastedBlock {
    /// The lines below the first continue it; the second showing is an older version of nothing new.
    pub(super) fn apply(self, restored: &mut [Restored]) {
        let many = self.turn - self.first;
        for it in &mut restored[self.first + 1..self.turn] {
            it.bits |= bits::PASTED;
        }
        let turn = &mut restored[self.turn];
        turn.line.bytes = self.last;
        turn.bits = bits::PASTED;
        for it in &mut restored[self.turn + 1..=self.turn + many] {
            it.bits |= bits::OVERWRITTEN;
        }
    }
}

/// Lines of a block that are looked through.
const BLOCK_MAX: usize = 64;

/// Blocks that begin on a line with a prompt, as `typed` tells.
pub(super) fn pasted_blocks(held: &[RawLine<Vec<u8>>], typed: &[bool]) -> Vec<PastedBlock> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < held.len() {
        let block =
            inverse_end(&held[at].bytes).filter(|_| typed[at]).and_then(|text| {
                (at + 1..held.len().min(at + BLOCK_MAX)).find_map(|turn| {
                    let many = turn - at;
                    let shown = held[turn].bytes.strip_suffix(text)?;
                    let last = match memchr::memchr(0x1b, shown) {
                        None => shown,
                        Some(_) => {
                            let rest = shown.strip_prefix(b"\x1b[7m")?;
                            &rest[..memchr::memmem::find(rest, b"\x1b[27m")?]
                        }
                    };
                    let again = held.get(turn + 1..=turn + many)?;
                    let same = again[..many - 1]
                        .iter()
                        .zip(&held[at + 1..turn])
                        .all(|(one, other)| one.bytes == other.bytes);
                    (same && !last.is_empty() && again[many - 1].bytes == last)
                        .then(|| PastedBlock { first: at, turn, last: last.to_vec() })
                })
            });
        at = match block {
            Some(it) => {
                let next = it.turn + (it.turn - it.first) + 1;
                found.push(it);
                next
            }
            None => at + 1,
        };
    }
    found
}

/// One line that was pasted: readline shows it inverse, row by row, and at Enter once more as it is. The first showing
/// has no character too many. Gives the line as if it had been typed.
pub(super) fn shown_inverse(bytes: &[u8]) -> Option<Vec<u8>> {
    let start = memchr::memmem::find(bytes, b"\x1b[7m")?;
    let mut text: Vec<u8> = Vec::new();
    let mut rest = &bytes[start..];
    while let Some(inside) = rest.strip_prefix(b"\x1b[7m") {
        let end = memchr::memchr(0x1b, inside)?;
        text.extend_from_slice(&inside[..end]);
        rest = inside[end..].strip_prefix(b"\x1b[27m")?;
    }
    let once = std::str::from_utf8(&text).ok()?;
    let again: Vec<char> = printed(rest).collect();
    // The prompt may come before it again.
    let whole = again.len() >= once.chars().count()
        && (0..=again.len() - once.chars().count())
            .take(160)
            .any(|skipped| is_with_margins(&again[skipped..], once));
    whole.then(|| [&bytes[..start], &text].concat())
}

/// Whether the one is the other, but for characters that margins have added.
fn is_with_margins(shown: &[char], text: &str) -> bool {
    let mut at = 0;
    for ch in text.chars() {
        while shown.get(at).is_some_and(|it| *it != ch) {
            let added = shown[at] == ' ' || at > 0 && shown[at] == shown[at - 1];
            if !added {
                return false;
            }
            at += 1;
        }
        if at >= shown.len() {
            return false;
        }
        at += 1;
    }
    shown[at..].iter().all(|it| *it == ' ') || shown.len() - at <= 1
}

/// What stands inverse at the end of the line.
fn inverse_end(bytes: &[u8]) -> Option<&[u8]> {
    let shown = bytes.strip_suffix(b"\x1b[27m")?;
    let start = memchr::memmem::rfind(shown, b"\x1b[7m")? + 4;
    let text = &shown[start..];
    (!text.is_empty() && memchr::memchr(0x1b, text).is_none()).then_some(text)
}
