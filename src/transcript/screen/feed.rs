//! Raw lines → the page: which of them need a parser, and where the strings stand that no terminal shows.

use std::ops::Range;

use vte::Parser;
use vte::Perform;

use crate::transcript::screen::cells;
use crate::transcript::screen::drawn::Drawn;
use crate::transcript::screen::drawn::RegionEnd;
use crate::transcript::screen::drawn::bits;
use crate::transcript::screen::page::Page;
use crate::transcript::screen::sequences::plain_text;
use crate::transcript::screen::sequences::sequence_ends;
use crate::transcript::screen::strings;
use crate::transcript::screen::strings::End;
use crate::transcript::screen::strings::Noted;
use crate::transcript::screen::strings::StringKind;
use crate::transcript::screen::strings::Strings;
use crate::transcript::wire::RawLine;

/// The page and its parser. Feed it lines of the terminal stream; take what has been drawn. An empty one knows no width.
#[derive(Default)]
pub struct Screen {
    parser: Parser,
    page: Page,
    /// A sequence is half read. Else a plain line needs no parser.
    in_sequence: bool,
    strings: Strings,
}

impl Screen {
    /// The window's width, where bytes have told it; `None` never wraps.
    pub fn set_width(&mut self, width: Option<usize>) {
        self.page.width = width;
    }

    /// The stream lost its CRs: nothing can be told from them.
    pub fn set_lossy(&mut self) {
        self.page.raw.lossy = true;
    }

    /// Something that is known of the line drawn next: see [`bits`].
    pub fn note(&mut self, bits: u16) {
        self.page.raw.noted |= bits;
    }

    /// Columns of the window; `None` if nothing told, and then lines never wrap.
    pub fn width(&self) -> Option<usize> {
        self.page.width
    }

    /// Whether an input region is open: no good place to stop.
    pub fn in_region(&self) -> bool {
        self.page.input.region.is_some()
    }

    /// Whether a full-screen program has the screen.
    pub fn on_screen(&self) -> bool {
        self.page.alt.is_some()
    }

    /// The first place that anything on the page came from, as far as it may still become a line.
    pub fn oldest(&self) -> Option<u64> {
        let page = &self.page;
        let rows = page.main.rows.iter().chain(page.alt.iter().flat_map(|it| &it.rows));
        let held = rows.flat_map(|row| {
            let shown = (row.fresh || row.from > 0).then_some(row.from);
            shown.into_iter().chain(row.versions.iter().map(|it| it.1))
        });
        let held = held.chain(page.input.region.as_ref().map(|it| it.known.from));
        held.chain(self.strings.oldest()).min()
    }

    /// What has been drawn since the last look.
    pub fn drawn(&self) -> &Drawn {
        &self.page.out
    }

    /// Draws a line that is nothing but text and colours, which most output is, without a parser or cells. `false` if
    /// it is another kind of line, or stands where one was begun: then nothing has changed.
    pub fn plain(&mut self, it: RawLine<&[u8]>) -> bool {
        let page = &mut self.page;
        let simple = !self.in_sequence
            && self.strings.opened().is_none()
            && it.ended
            && it.crs > 0
            && page.alt.is_none()
            && page.input.region.is_none()
            && page.input.closing.is_none()
            && page.main.col == 0
            && !page.main.wrap_due
            && page.raw.noted == 0
            && page.main.row + 1 == page.main.end()
            && page.main.rows.back().is_some_and(|it| it.cells.is_empty() && !it.fresh)
            && it.bytes.len() <= cells::ROW_CELLS_MAX
            && page.is_settled();
        if !simple {
            return false;
        }
        page.raw.at = (it.from, it.to);
        page.raw.crs = it.crs;
        match plain_text(it.bytes) {
            Some(text) => page.plain_line(text),
            None => return page.painted_line(it.bytes),
        }
        true
    }

    /// Draws one raw line.
    pub fn line(&mut self, mut raw: RawLine<&[u8]>) {
        if let Some(kind) = self.strings.opened() {
            match kind.end(raw.bytes) {
                End::None if self.hold(raw) => return,
                End::None | End::Broken => self.show_held(),
                End::At(end) => {
                    self.end_string(kind, raw, &end);
                    let from = raw.from + end.end as u64;
                    raw = RawLine { bytes: &raw.bytes[end.end..], from, ..raw };
                }
            }
        }
        let last = memchr::memrchr(0x1b, raw.bytes);
        let Some(at) = last.filter(|at| strings::opens_a_string(&raw.bytes[*at..])) else {
            self.draw(raw, last, None);
            return;
        };
        let (before, string) = raw.bytes.split_at(at);
        if !before.is_empty() {
            let last = memchr::memrchr(0x1b, before);
            let piece = RawLine { bytes: before, crs: 0, ended: false, ..raw };
            self.draw(piece, last, string.first().copied());
        }
        let held = RawLine { bytes: string, from: raw.from + at as u64, ..raw };
        if !self.hold(held) {
            self.draw(held, Some(0), None);
        }
    }

    /// Holds a line of an open string with all that was noted of it. `false` if the limit is exceeded.
    fn hold(&mut self, it: RawLine<&[u8]>) -> bool {
        let noted = Noted { bits: self.page.raw.noted, width: self.page.width };
        let is_held = self.strings.hold(it, noted);
        if is_held {
            self.page.raw.noted = 0;
        }
        is_held
    }

    /// The string ends in `last`, with the terminator at `end`: what was held belongs to it. Only an OSC does anything.
    fn end_string(&mut self, kind: StringKind, last: RawLine<&[u8]>, end: &Range<usize>) {
        self.page.catch_up();
        self.page.raw.spans_lines = true;
        let held = self.strings.take();
        let last = RawLine { bytes: &last.bytes[..end.end], ..last };
        for it in held.iter().map(|it| it.0.raw()).chain([last]) {
            self.page.raw.at = (it.from, it.to);
            if matches!(kind, StringKind::Osc) {
                self.parser.advance(&mut self.page, it.bytes);
            }
        }
        self.page.raw.spans_lines = false;
        self.in_sequence = false;
        for (nth, (it, _)) in held.iter().enumerate() {
            let opener = if nth == 0 { strings::OPENER } else { 0 };
            self.page.hide(&it.bytes[opener..], it.from, it.to);
        }
        self.page.hide(&last.bytes[..end.start], last.from, last.to);
    }

    /// The string has no end: what was held are lines, without the two bytes that opened it.
    fn show_held(&mut self) {
        let width = self.page.width;
        for (nth, (it, noted)) in self.strings.take().into_iter().enumerate() {
            let raw = it.raw();
            let opener = if nth == 0 { strings::OPENER } else { 0 };
            self.page.raw.noted |= noted.bits;
            self.page.width = noted.width;
            let (bytes, from) = (&raw.bytes[opener..], raw.from + opener as u64);
            // No line that is held has another ESC than its opener's.
            self.draw(RawLine { bytes, from, ..raw }, None, None);
        }
        self.page.width = width;
    }

    /// Draws a raw line, or the piece of one before a string. `last`: where its last ESC stands; `behind`: the byte that follows the piece.
    fn draw(&mut self, raw: RawLine<&[u8]>, last: Option<usize>, behind: Option<u8>) {
        let RawLine { bytes, crs, ended, from, to } = raw;
        let page = &mut self.page;
        page.raw.at = (from, to);
        page.raw.crs = crs;
        page.catch_up();
        let noted = std::mem::take(&mut page.raw.noted);
        if noted != 0 {
            page.row().bits |= noted;
        }
        page.raw.printed = false;
        page.raw.stop = false;
        // Only behind a line whose own rest was cleared: what a program prints first stands behind Enter.
        if let Some(rows) = goes_back_up(bytes).filter(|_| page.raw.cleared_rest) {
            page.take_back(rows);
        }
        page.raw.cleared_rest = ended && bytes.ends_with(b"\x1b[K");
        let mut rest = bytes;
        let mut place = from;
        // Where no sequence is half read, what a parser would find is found faster: text, single controls, and sequences
        // that are complete. The parser gets whatever else there is.
        let mut at_rest = !self.in_sequence;
        while !rest.is_empty() {
            if std::mem::take(&mut page.raw.stop) {
                page.raw.at = (place.clamp(from, to), to);
            }
            let used = if at_rest {
                let (used, stopped) = page.read(&mut self.parser, rest);
                at_rest = stopped;
                used
            } else {
                self.parser.advance_until_terminated(page, rest).max(1)
            };
            place += used as u64;
            rest = &rest[used..];
            if std::mem::take(&mut page.input.marks.opened) {
                page.open_region(place.min(to));
            }
            if std::mem::take(&mut page.input.marks.closed) {
                let next = rest.first().copied().or(behind);
                // Behind the mark stands a CR of the line editor. At the end of a line it is one more
                // than the line's own, or the session's last byte before the footer's LF.
                let genuine = page.raw.lossy
                    || matches!(next, Some(b'\r' | 0x1b))
                    || next.is_none() && (!ended || crs != 1 || page.input.ends_plainer(crs));
                page.input.marks.escape_follows = next == Some(0x1b)
                    && page.input.region.as_ref().is_some_and(|it| it.input_at.is_none());
                page.input.marks.ends_row = behind.is_none() && rest.iter().all(|it| *it == b'\r');
                page.close_region(place.min(to), genuine);
            }
        }
        let printed = page.raw.printed;
        page.raw.at = (from, to);
        if std::str::from_utf8(bytes).is_err() {
            page.invalid(bytes, from);
        }
        page.input.enter_col = cells::as_column(page.main.col);
        let here = (page.main.row, page.main.col, true);
        if page.input.broken_off.take() == Some(here) && page.alt.is_none() {
            page.row().bits |= bits::UNFINISHED;
        }
        self.end_line(raw, last, at_rest, printed);
    }

    /// The line end, and whether the parser is at rest behind it.
    fn end_line(&mut self, raw: RawLine<&[u8]>, last: Option<usize>, at_rest: bool, printed: bool) {
        let RawLine { bytes, crs, ended, .. } = raw;
        for _ in 0..crs {
            self.control(b'\r', at_rest);
        }
        if ended {
            self.control(b'\n', at_rest);
        }
        // A control character inside a sequence is executed without ending it (ECMA-48): only printing
        // proves that the parser is at rest. A line that ended without ESC is proof enough.
        self.in_sequence = match last {
            None => self.in_sequence && !printed,
            Some(at) => !sequence_ends(&bytes[at..]),
        };
        if ended && self.in_sequence {
            // Half a sequence that a line feed cut would take what comes next for its other half, be that the opener of a string.
            self.parser.advance(&mut self.page, &[strings::CANCEL]);
            self.in_sequence = false;
        }
    }

    fn control(&mut self, byte: u8, at_rest: bool) {
        if at_rest {
            self.page.execute(byte);
        } else {
            self.parser.advance(&mut self.page, &[byte]);
        }
    }

    /// Everything still on the page becomes lines. No more is fed after this.
    pub fn finish(&mut self, at: u64) {
        self.show_held();
        let page = &mut self.page;
        page.raw.at = (at, at);
        page.catch_up();
        page.end_screen();
        if page.input.region.is_some() {
            page.end_region(at, RegionEnd::Open, true);
        }
        for row in page.main.base..page.main.end() {
            let is_cut = row == page.main.row && page.main.col > 0;
            page.commit(row, if is_cut { bits::UNFINISHED } else { 0 });
        }
    }

    /// What has been drawn so far, leaving the page where it is.
    pub fn take(&mut self) -> Drawn {
        self.page.settle_plain_rows();
        std::mem::replace(&mut self.page.out, std::mem::take(&mut self.page.spare.drawn))
    }

    /// Gives back what was taken, for its memory: pages fresh from the system cost more than drawing on them.
    pub fn recycle(&mut self, drawn: Drawn) {
        let Drawn { mut text, mut lines, mut items, .. } = drawn;
        text.clear();
        lines.clear();
        items.clear();
        self.page.spare.drawn = Drawn { text, lines, items, ..Drawn::default() };
    }
}

/// Rows that a line editor goes back up at the start of a raw line, having cleared this one.
fn goes_back_up(bytes: &[u8]) -> Option<usize> {
    let mut rest = bytes.strip_prefix(b"\r\x1b[K")?;
    let mut rows = 0;
    while let Some(inside) = rest.strip_prefix(b"\x1b[") {
        let digits = inside.iter().take_while(|it| it.is_ascii_digit()).count().min(3);
        let Some(after) = inside[digits..].strip_prefix(b"A") else { break };
        let number: usize = std::str::from_utf8(&inside[..digits]).ok()?.parse().unwrap_or(1);
        rows += number.max(1);
        rest = after;
    }
    (1..cells::REACH).contains(&rows).then_some(rows)
}
