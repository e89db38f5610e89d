//! Bytes → text, escape sequences and their parameters, as far as that takes no state: what a full parser is not needed for.

use crate::transcript::screen::cells::FAINT;
use crate::transcript::screen::cells::INVERSE;

/// Parameters of a control sequence; one that is left out is 0.
#[derive(Default)]
pub(super) struct Numbers {
    pub(super) all: [u16; 16],
    pub(super) many: usize,
}

impl Numbers {
    /// Those beyond what any sequence we follow has are dropped.
    pub(super) fn push(&mut self, number: u16) {
        if let Some(it) = self.all.get_mut(self.many) {
            *it = number;
            self.many += 1;
        }
    }

    pub(super) fn held(&self) -> &[u16] {
        &self.all[..self.many]
    }

    pub(super) fn second(&self, otherwise: u16) -> u16 {
        self.held().get(1).map_or(otherwise, |it| (*it).max(otherwise))
    }

    pub(super) fn first(&self, otherwise: u16) -> u16 {
        match self.all[0] {
            0 => otherwise,
            it => it,
        }
    }
}

/// The line as text, if a terminal would do nothing but print it.
pub(super) fn plain_text(bytes: &[u8]) -> Option<&str> {
    if is_printable(bytes) {
        // ASCII is UTF-8; the check is as fast as the loop above.
        return std::str::from_utf8(bytes).ok();
    }
    if bytes.iter().any(|it| (*it < 0x20 && *it != b'\t') || *it == 0x7f) {
        return None;
    }
    let text = std::str::from_utf8(bytes).ok()?;
    // C1 controls (U+0080 to U+009F) print nothing and may start a sequence.
    (!text.chars().any(|it| ('\u{80}'..='\u{9f}').contains(&it))).then_some(text)
}

/// Whether all is printable ASCII or TAB.
pub(super) fn is_printable(bytes: &[u8]) -> bool {
    // Without a branch for each byte, so that the compiler takes many at once.
    let other = |it: &u8| it.wrapping_sub(0x20) > 0x5e && *it != b'\t';
    let any = |it: &[u8]| it.iter().fold(false, |any, it| any | other(it));
    let (long, short) = bytes.as_chunks::<32>();
    let (words, rest) = short.as_chunks::<8>();
    // Most lines are short: eight bytes of one word are in order if none has its top bit set or is below a blank.
    let in_order = |it: &[u8; 8]| {
        let it = u64::from_le_bytes(*it);
        let below = it.wrapping_sub(0x2020_2020_2020_2020);
        let delete = (it ^ 0x7f7f_7f7f_7f7f_7f7f).wrapping_sub(0x0101_0101_0101_0101);
        (it | below | delete) & 0x8080_8080_8080_8080 == 0
    };
    long.iter().all(|it| !any(it)) && words.iter().all(|it| in_order(it) || !any(it)) && !any(rest)
}

/// How many bytes at the start are printable ASCII.
pub(super) fn printable(bytes: &[u8]) -> usize {
    bytes.iter().position(|it| it.wrapping_sub(0x20) > 0x5e).unwrap_or(bytes.len())
}

/// Length of the escape sequence at the start of `bytes`, if it is complete and nothing strange is in it.
pub(super) fn whole_sequence(bytes: &[u8]) -> Option<usize> {
    /// Longer ones are left to the parser, which bounds what it keeps of them.
    pub(super) const LONGEST: usize = 1024;
    let bytes = &bytes[..bytes.len().min(LONGEST)];
    match bytes.get(1)? {
        b'[' => {
            let end = bytes.iter().skip(2).position(|it| !matches!(it, 0x20..=0x3f))? + 2;
            matches!(bytes[end], 0x40..=0x7e).then_some(end + 1)
        }
        b']' => {
            let end = bytes.iter().skip(2).position(|it| *it < 0x20)? + 2;
            match (bytes[end], bytes.get(end + 1)) {
                (7, _) => Some(end + 1),
                (0x1b, Some(b'\\')) => Some(end + 2),
                _ => None,
            }
        }
        b'P' | b'X' | b'^' | b'_' => None,
        0x30..=0x7e => Some(2),
        0x20..=0x2f => matches!(bytes.get(2)?, 0x30..=0x7e).then_some(3),
        _ => None,
    }
}

/// The first character of bytes that do not begin with ASCII; `None` if it is none, or a control (C1).
pub(super) fn character(bytes: &[u8]) -> Option<char> {
    let many = match bytes[0] {
        0xc2..=0xdf => 2,
        0xe0..=0xef => 3,
        0xf0..=0xf4 => 4,
        _ => return None,
    };
    let text = std::str::from_utf8(bytes.get(..many)?).ok()?;
    text.chars().next().filter(|it| !it.is_control())
}

/// Reads one colour sequence (CSI … m) at the start of `bytes`: whether it changes only what is inverse, and its
/// length. `None` if it is another sequence.
pub(super) fn painted(bytes: &[u8], style: &mut u8) -> Option<(bool, usize)> {
    if bytes.get(1) != Some(&b'[') {
        return None;
    }
    let end = bytes.iter().take(64).position(|it| *it == b'm')?;
    let inside = &bytes[2..end];
    if !inside.iter().all(|it| it.is_ascii_digit() || *it == b';') {
        return None;
    }
    let codes = inside.split(|it| *it == b';').map(|it| number(it).unwrap_or(0));
    Some((colours(codes, style), end + 1))
}

/// A parameter of digits alone; one that is left out is 0.
pub(super) fn number(digits: &[u8]) -> Option<u16> {
    digits.iter().try_fold(0u16, |sum, it| {
        let digit = it.is_ascii_digit().then(|| u16::from(it - b'0'))?;
        Some(sum.saturating_mul(10).saturating_add(digit))
    })
}

/// Follows the codes of a colour sequence: whether they change only what is inverse.
pub(super) fn colours(mut codes: impl Iterator<Item = u16>, style: &mut u8) -> bool {
    let mut quiet = true;
    while let Some(code) = codes.next() {
        match code {
            7 => {
                *style |= INVERSE;
                continue;
            }
            27 => {
                *style &= !INVERSE;
                continue;
            }
            0 => *style &= !(FAINT | INVERSE),
            2 | 90 => *style |= FAINT,
            22 | 30..=37 | 39 | 91..=97 => *style &= !FAINT,
            38 | 48 => {
                let many = if codes.next() == Some(2) { 3 } else { 1 };
                let mut last = 0;
                for _ in 0..many {
                    last = codes.next().unwrap_or(0);
                }
                if code == 38 && many == 1 && (last == 8 || (236..=246).contains(&last)) {
                    *style |= FAINT;
                } else if code == 38 {
                    *style &= !FAINT;
                }
            }
            _ => {}
        }
        quiet = false;
    }
    quiet
}

/// Whether the escape sequence at the start of `bytes` is complete in it.
pub(super) fn sequence_ends(bytes: &[u8]) -> bool {
    match bytes.get(1) {
        None => false,
        Some(b'[') => bytes[2..].iter().any(|it| (0x40..=0x7e).contains(it)),
        Some(b']') => memchr::memchr(7, bytes).is_some(),
        Some(b'P' | b'X' | b'^' | b'_') => false,
        Some(0x20..=0x2f) => bytes.len() > 2,
        Some(_) => true,
    }
}
