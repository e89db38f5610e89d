//! Bytes of a streamed line → steps of its cursor, and what they leave on a row that has no margins.

/// One step of a terminal line.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Step {
    Print(char),
    Back,
    /// CSI n C, n times or more than once in a row.
    Right(usize),
    /// CSI with its final byte: erases, inserts, other moves.
    Csi(u8, usize),
    /// Private modes, colours, titles, other controls: they draw nothing.
    Silent,
}

/// Nearly all lines are shorter.
pub(super) const ROOM: usize = 1024;

/// Columns of a row that blanks were put into: no window is as wide.
const WIDEST: usize = 1 << 14;

impl Step {
    /// The character that it prints, if it prints one.
    pub(super) fn printed(self) -> Option<char> {
        if let Self::Print(ch) = self { Some(ch) } else { None }
    }
}

pub(super) struct Steps<'a> {
    rest: &'a [u8],
    /// No BEL is in the rest.
    no_bell: bool,
}

impl<'a> Iterator for Steps<'a> {
    /// The step and its bytes.
    type Item = (Step, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let rest = self.rest;
        let first = *rest.first()?;
        let (step, used) = match first {
            0x08 => (Step::Back, 1),
            0x1b => sequence(rest, &mut self.no_bell),
            it if it < 0x20 || it == 0x7f => (Step::Silent, 1),
            it if it < 0x80 => (Step::Print(char::from(it)), 1),
            _ => {
                let text = rest[..rest.len().min(4)].utf8_chunks().next()?.valid();
                match text.chars().next() {
                    Some(ch) => (Step::Print(ch), ch.len_utf8()),
                    None => (Step::Silent, 1),
                }
            }
        };
        self.rest = &rest[used..];
        Some((step, &rest[..used]))
    }
}

fn sequence(rest: &[u8], no_bell: &mut bool) -> (Step, usize) {
    match rest.get(1) {
        Some(b'[') => {
            let Some(end) = rest[2..].iter().position(|it| (0x40..=0x7e).contains(it)) else {
                return (Step::Silent, rest.len());
            };
            let used = end + 3;
            let inside = &rest[2..used - 1];
            let number = inside
                .iter()
                .take_while(|it| it.is_ascii_digit())
                .fold(0usize, |sum, it| (sum * 10 + usize::from(it - b'0')).min(9999));
            let last = rest[used - 1];
            let plain = inside.iter().all(|it| it.is_ascii_digit() || *it == b';');
            let step = match last {
                b'C' if plain => Step::Right(number.max(1)),
                _ if plain && last != b'm' => Step::Csi(last, number),
                _ => Step::Silent,
            };
            (step, used)
        }
        Some(b']' | b'P' | b'_' | b'^' | b'X') => {
            let bell = if *no_bell { None } else { memchr::memchr(7, rest) };
            *no_bell = bell.is_none();
            let end = bell
                .map(|it| it + 1)
                .or_else(|| memchr::memmem::find(&rest[1..], b"\x1b\\").map(|it| it + 3));
            (Step::Silent, end.unwrap_or(rest.len()))
        }
        Some(b'(' | b')' | b'#' | b'*' | b'+') => (Step::Silent, 3.min(rest.len())),
        Some(_) => (Step::Silent, 2),
        None => (Step::Silent, rest.len()),
    }
}

pub(super) fn steps(bytes: &[u8]) -> Steps<'_> {
    Steps { rest: bytes, no_bell: false }
}

/// The characters that a line prints, wherever its cursor goes.
pub(super) fn printed(bytes: &[u8]) -> impl Iterator<Item = char> + '_ {
    steps(bytes).filter_map(|it| it.0.printed())
}

/// What stands in the line before the cursor first goes back, as columns.
pub(super) fn drawn_once(bytes: &[u8]) -> Vec<char> {
    let mut out = Vec::with_capacity(bytes.len().min(ROOM));
    for (step, _) in steps(bytes) {
        match step {
            Step::Print(ch) => out.push(ch),
            Step::Silent => {}
            Step::Back | Step::Right(_) | Step::Csi(..) => break,
        }
    }
    out
}

/// Lowest column the cursor went back to.
pub(super) fn lowest(bytes: &[u8]) -> usize {
    let (mut col, mut low) = (0usize, usize::MAX);
    for (step, _) in steps(bytes) {
        match step {
            Step::Print(_) => col += 1,
            Step::Back => {
                col = col.saturating_sub(1);
                low = low.min(col);
            }
            _ => {}
        }
    }
    low
}

/// The row as it stands in the end, for a line without margins.
pub(super) fn last_row(bytes: &[u8]) -> Vec<char> {
    let mut row: Vec<char> = Vec::with_capacity(bytes.len().min(ROOM));
    let mut col = 0usize;
    for (step, raw) in steps(bytes) {
        match step {
            Step::Print(ch) => {
                if col > row.len() {
                    row.resize(col.min(1 << 16), ' ');
                }
                if col < row.len() {
                    row[col] = ch;
                } else {
                    row.push(ch);
                }
                col += 1;
            }
            Step::Back => col = col.saturating_sub(1),
            Step::Right(by) => col = (col + by).min(1 << 16),
            Step::Silent if raw == b"\r" => col = 0,
            Step::Csi(b'D', by) => col = col.saturating_sub(by.max(1)),
            Step::Csi(b'K', 0) => row.truncate(col),
            Step::Csi(b'P', by) => {
                let end = (col + by.max(1)).min(row.len());
                row.drain(col.min(end)..end);
            }
            Step::Csi(b'@', by) if col < row.len() => {
                row.splice(col..col, std::iter::repeat_n(' ', by.clamp(1, 4096)));
                row.truncate(WIDEST.max(col + 1));
            }
            _ => {}
        }
    }
    row
}
