//! Control sequences → what a person saw, without ever letting them take it back.
//!
//! A terminal forgets: `clear` empties it, a full-screen program paints over it, a long session scrolls
//! out of it. Evidence must not. So this is a *page*, not a screen: it has no bottom, clearing it starts a
//! new page below, and a row that is about to be painted over is kept as an older version of itself.
//! The parser is `vte`; the page is ours because the decoder needs what ready screens hide: which
//! bytes drew a row, where input regions begin and end, how many CRs ended a line, and a width that nobody
//! recorded.
//!
//! Absent here: files, time, colour, and any idea of what a prompt is.

use std::collections::VecDeque;
use std::ops::Range;
use std::ops::RangeInclusive;

use unicode_width::UnicodeWidthChar;
use vte::Params;
use vte::Parser;
use vte::Perform;

use crate::transcript::prompt;

/// Rows kept within reach of the cursor; older ones are final. Taller than any window we have seen.
const REACH: usize = 400;
/// Cells in one row before it is cut. Longer lines are split, and the split is marked.
const ROW_CELLS_MAX: usize = 1 << 16;
/// No window is wider. A cursor beyond it, carried from row to row by line feeds without CR, would make each
/// row cost more than the one before.
const WIDEST: usize = 512;
/// Rows that one sequence may insert or delete; no window scrolls farther at once.
const ROWS_AT_ONCE: u64 = 128;
/// Older versions kept of one row; what is beyond is counted.
const VERSIONS_MAX: usize = 64;

/// What is remarkable about a line. Flags, because most lines have none.
pub mod bits {
    /// The line was edited in place (rubout, insertion, cursor keys): people do that, output rarely.
    pub const EDITED: u16 = 1;
    /// An older version of a row that was painted over.
    pub const OVERWRITTEN: u16 = 1 << 1;
    /// Drawn by a full-screen program.
    pub const SCREEN: u16 = 1 << 2;
    /// Part of an input region (between bracketed-paste marks).
    pub const INPUT: u16 = 1 << 3;
    /// Bytes that are no valid UTF-8 stand in it as U+FFFD.
    pub const DAMAGED: u16 = 1 << 4;
    /// Continues on the next line: the row was longer than we hold at once.
    pub const CONTINUED: u16 = 1 << 5;
    /// The bytes ended before the line did.
    pub const UNFINISHED: u16 = 1 << 6;
    /// The cursor stood at the end of the text when the line ended.
    pub const AT_END: u16 = 1 << 7;
    /// A bell rang on it: a completion that was not unique.
    pub const BELL: u16 = 1 << 8;
    /// The program asked where the cursor stands, as BusyBox does behind each prompt.
    pub const ASKED: u16 = 1 << 9;
    /// Part of it was lost on the way and is filled in by the likeliest reading.
    pub const GUESSED: u16 = 1 << 10;
    /// A further line of a block that was pasted at one prompt.
    pub const PASTED: u16 = 1 << 11;
}

/// One visible line, its text in [`Drawn::text`].
#[derive(Clone, Copy, Debug, Default)]
pub struct Line {
    /// Where its text stands in the arena.
    pub text: (u32, u32),
    /// Bytes of the stream it was drawn from: first, and one past the last.
    pub from: u64,
    pub to: u64,
    /// See [`bits`].
    pub bits: u16,
    /// CRs before the LF that ended it. Output of a stored transcript has one more than live output.
    pub crs: u8,
    /// Column at which a window title was set, plus one; 0 if none was.
    pub title_col: u16,
    /// Lowest column the cursor was moved back to: no prompt reaches beyond it. `u16::MAX` if it was not.
    pub low_col: u16,
    /// Column of the last colour change: a prompt reaches at least as far. 0 if none.
    pub paint_col: u16,
    /// Column that what is typed ends at, where a right-hand prompt stands behind; 0 if none does.
    pub end_col: u16,
}

/// How an input region ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RegionEnd {
    /// Enter.
    Accepted,
    /// Ctrl-C.
    Interrupted,
    /// No Enter was seen: Ctrl-D or hang-up.
    Left,
    /// The transcript ended inside.
    Open,
}

/// What stood between `ESC[?2004h` and `ESC[?2004l`: everything typed at one prompt of a modern shell.
#[derive(Clone, Debug)]
pub struct Region {
    pub from: u64,
    pub to: u64,
    pub end: RegionEnd,
    /// Its lines, oldest first, as indices into [`Drawn::lines`].
    pub lines: Range<u32>,
    /// Column of the first line at which the region began (output without newline stands before).
    pub start_col: u16,
    /// zsh sets the mark behind its prompt: the exact column at which input begins, and the row.
    pub input_at: Option<(u32, u16)>,
    /// Text of each row without what was there before the mark (right-hand prompts), for `input_at`.
    pub typed: Option<String>,
    /// A window title was set just before.
    pub titled: bool,
    /// CRs that ended its last line. A transcript printed by `cat` has one more than a live line.
    pub crs: u8,
    /// The end mark was followed by what a line editor sends, not by text.
    pub genuine: bool,
    /// It was followed by an escape sequence, as fish does, and not by the CR of readline and zle.
    pub escape_follows: bool,
    /// The keypad was still in the line editor's mode: zle leaves that mode at Enter, not at Ctrl-C.
    pub keypad_left_on: bool,
    /// A row was filled just before its prompt, as zsh does before each first prompt and no other.
    pub filled: bool,
    /// Where the cursor stood at Enter: what lies beyond, behind blanks, is a right-hand prompt.
    pub enter_col: u16,
}

/// What happens between lines.
#[derive(Clone, Debug)]
pub enum Item {
    /// Index into [`Drawn::lines`].
    Line(u32),
    Region(Box<Region>),
    /// A full-screen program took the screen.
    ScreenOn,
    /// A window title, as an index into [`Drawn::titles`]. Some shells put the running command there.
    Title(u32),
}

/// All that has been drawn since the last look.
#[derive(Default, Debug)]
pub struct Drawn {
    pub text: String,
    pub lines: Vec<Line>,
    pub items: Vec<Item>,
    pub titles: Vec<Box<str>>,
    /// Rows whose older versions were too many to keep: how many were dropped.
    pub dropped_versions: u64,
    /// NUL bytes met, and the place of the first.
    pub nul: Option<(u64, u64)>,
    /// Bytes that were no UTF-8, and the place of the first.
    pub invalid: Option<(u64, u64)>,
}

impl Drawn {
    pub fn line_text(&self, index: u32) -> &str {
        let line = &self.lines[index as usize];
        &self.text[line.text.0 as usize..line.text.1 as usize]
    }
}

#[derive(Clone, Copy, PartialEq)]
struct Cell {
    ch: char,
    bits: u8,
}

/// Second half of a wide character, or the blank left where one did not fit: never text.
const FILLER: u8 = 1;
/// On the row before the input region began.
const BEFORE: u8 = 2;
/// Painted grey: a suggestion of the shell, not typed.
const FAINT: u8 = 4;
/// Inverse: zle shows so what it cannot show.
const INVERSE: u8 = 8;
/// To the right of a place that the cursor was saved at and put back to.
const RIGHT: u8 = 16;
const BLANK: Cell = Cell { ch: ' ', bits: 0 };

#[derive(Default)]
struct Row {
    cells: Vec<Cell>,
    /// A row that was plain text from end to end lives in the arena until someone moves onto it.
    plain: (u32, u32),
    /// Continues on the next row because it met the margin.
    wrapped: bool,
    /// Changed since it was last committed.
    fresh: bool,
    from: u64,
    to: u64,
    bits: u16,
    title_col: u16,
    low_col: u16,
    paint_col: u16,
    /// Combining characters: column they stand on, and the character.
    marks: Vec<(u32, char)>,
    versions: Vec<(String, u64, u64)>,
}

impl Row {
    fn new() -> Self {
        Self { low_col: u16::MAX, ..Self::default() }
    }

    /// A row on which nothing is left and nothing was hidden is no line, though something was erased there.
    fn forget_blanks(&mut self) {
        if self.fresh && self.versions.is_empty() && self.is_blank() {
            self.fresh = false;
        }
    }

    /// See [`Line::end_col`].
    fn typed_end(&self) -> u16 {
        let right = |it: &Cell| it.ch != ' ' && it.bits & RIGHT != 0;
        if self.bits & bits::INPUT == 0 || !self.cells.last().is_some_and(right) {
            return 0;
        }
        let typed = self.cells.iter().rposition(|it| it.ch != ' ' && it.bits & RIGHT == 0);
        typed.map_or(0, |it| it + 1).min(u16::MAX as usize) as u16
    }

    fn is_blank(&self) -> bool {
        self.plain.0 == self.plain.1 && self.cells.iter().all(|it| it.ch == ' ')
    }
}

/// The main page, or the page of a full-screen program.
#[derive(Default)]
struct Sheet {
    rows: VecDeque<Row>,
    /// Number of the first row held; rows before it are final.
    base: u64,
    row: u64,
    col: usize,
    /// The last column was filled: the next character goes to the next row.
    wrap_due: bool,
    saved: (u64, usize),
    /// Row number that absolute addresses count from.
    top: u64,
    /// Scroll region, as row numbers from the top; only full-screen programs set one.
    margins: Option<(u64, u64)>,
}

struct OpenRegion {
    /// Something was printed behind a CR and a move to the right, as fish types.
    typed: bool,
    filled: bool,
    /// The line editor draws its prompt anew from this row on: what is printed is not typed.
    redrawing: Option<u64>,
    /// What stood before the cursor when input began: the last row of the prompt.
    prompt: Vec<char>,
    /// The prompt has just been drawn anew, and one at the right-hand side may follow.
    right_due: bool,
    from: u64,
    row: u64,
    start_col: u16,
    input_at: Option<(u64, u16)>,
    titled: bool,
}

struct Page {
    out: Drawn,
    /// Empty, but with room.
    spare: Drawn,
    spare_cells: Vec<Vec<Cell>>,
    main: Sheet,
    alt: Option<Sheet>,
    width: Option<usize>,
    style: u8,
    region: Option<OpenRegion>,
    last_char: char,
    /// What the cursor did last: decides whether overwriting is editing or repainting.
    jumped: bool,
    after_lf: bool,
    after_caret_c: u8,
    /// Column reached after a CR by moving right alone.
    cr_right: Option<usize>,
    titled_row: Option<u64>,
    /// Row that the line editor of zsh cleared before it drew its prompt.
    cleared_row: Option<u64>,
    /// It is the last row cleared, and with what zle sends.
    cleared_by_zle: bool,
    /// CRs of the last line that ended inside an input region.
    region_crs: u8,
    /// Bytes now being drawn.
    at: (u64, u64),
    line_crs: u8,
    stop: bool,
    /// The last thing the parser did was to print: it is in no sequence.
    printed: bool,
    marked: bool,
    closed_region: bool,
    escape_follows: bool,
    /// The stream lost its CRs on the way.
    lossy: bool,
    /// See [`Screen::note`].
    noted: u16,
    /// The keypad's application mode (DECCKM) was left, and nothing was printed since.
    keypad_left: bool,
    /// The sequence just read is the last of those that zle sends before it draws its prompt.
    after_24: bool,
    /// Column before the CRs that end the line.
    enter_col: u16,
    /// Lines just drawn that have no rows yet: the last ones of the arena. See [`Page::catch_up`].
    rowless: u64,
    /// The cursor has left a row otherwise than by a line feed, so that one may wait to become a line.
    strayed: bool,
    /// A line editor may still draw its line in another way, up to the LF of this row.
    closing: Option<u64>,
}

/// The page and its parser. Feed it lines of the terminal stream; take what has been drawn.
pub struct Screen {
    parser: Parser,
    page: Page,
    /// No sequence is half read, so that a plain line needs no parser.
    ground: bool,
}

impl Default for Screen {
    fn default() -> Self {
        Self::new()
    }
}

impl Screen {
    pub fn new() -> Self {
        let mut main = Sheet::default();
        main.rows.push_back(Row::new());
        Self {
            parser: Parser::new(),
            ground: true,
            page: Page {
                out: Drawn::default(),
                spare: Drawn::default(),
                spare_cells: Vec::new(),
                main,
                alt: None,
                width: None,
                style: 0,
                region: None,
                last_char: ' ',
                jumped: false,
                after_lf: true,
                after_caret_c: 0,
                cr_right: None,
                titled_row: None,
                cleared_row: None,
                cleared_by_zle: false,
                region_crs: 0,
                at: (0, 0),
                line_crs: 0,
                stop: false,
                printed: false,
                marked: false,
                closed_region: false,
                escape_follows: false,
                lossy: false,
                noted: 0,
                keypad_left: false,
                after_24: false,
                enter_col: 0,
                rowless: 0,
                strayed: false,
                closing: None,
            },
        }
    }

    /// The window's width, where bytes have told it; `None` never wraps.
    pub fn set_width(&mut self, width: Option<usize>) {
        self.page.width = width;
    }

    /// The stream lost its CRs: nothing can be told from them.
    pub fn set_lossy(&mut self) {
        self.page.lossy = true;
    }

    /// Something that is known of the line drawn next: see [`bits`].
    pub fn note(&mut self, bits: u16) {
        self.page.noted |= bits;
    }

    pub fn width(&self) -> Option<usize> {
        self.page.width
    }

    /// Whether an input region is open: no good place to stop.
    pub fn in_region(&self) -> bool {
        self.page.region.is_some()
    }

    pub fn on_screen(&self) -> bool {
        self.page.alt.is_some()
    }

    pub fn drawn(&self) -> &Drawn {
        &self.page.out
    }

    /// Draws a line that is nothing but text and colours, which most output is, without a parser or cells. `false` if
    /// it is another kind of line, or stands where one was begun: then nothing has changed.
    pub fn plain(&mut self, bytes: &[u8], crs: u8, ended: bool, from: u64, to: u64) -> bool {
        let page = &mut self.page;
        let simple = self.ground
            && ended
            && crs > 0
            && page.alt.is_none()
            && page.region.is_none()
            && page.main.col == 0
            && !page.main.wrap_due
            && page.noted == 0
            && page.main.row + 1 == page.main.base + page.main.rows.len() as u64
            && page.main.rows.back().is_some_and(|it| it.cells.is_empty() && !it.fresh)
            && bytes.len() <= ROW_CELLS_MAX
            && page.is_settled();
        if !simple {
            return false;
        }
        page.at = (from, to);
        page.line_crs = crs;
        match plain_text(bytes) {
            Some(text) => page.plain_line(text, 0),
            None => return page.painted_line(bytes),
        }
        true
    }

    /// Draws one raw line: `bytes` without its line end, `crs` CRs that stood before the LF, and whether
    /// there was an LF at all. `from` is the place of `bytes` in the stream, `to` one past the line end.
    pub fn line(&mut self, bytes: &[u8], crs: u8, ended: bool, from: u64, to: u64) {
        let page = &mut self.page;
        page.at = (from, to);
        page.line_crs = crs;
        page.catch_up();
        let noted = std::mem::take(&mut page.noted);
        if noted != 0 {
            page.row().bits |= noted;
        }
        page.printed = false;
        page.stop = false;
        let mut rest = bytes;
        let mut place = from;
        // Where no sequence is half read, what a parser would find is found faster: text, single controls, and sequences
        // that are complete. The parser gets whatever else there is.
        let mut at_rest = self.ground;
        while !rest.is_empty() {
            if std::mem::take(&mut page.stop) {
                page.at = (place.clamp(from, to), to);
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
            if page.marked {
                page.marked = false;
                page.open_region(place.min(to));
            }
            if page.closed_region {
                page.closed_region = false;
                let next = rest.first().copied();
                // Behind the mark stands a CR of the line editor. At the end of a line it is one more
                // than the line's own, or the session's last byte before the footer's LF.
                let genuine = page.lossy
                    || matches!(next, Some(b'\r' | 0x1b))
                    || next.is_none() && (!ended || crs != 1);
                page.escape_follows = next == Some(0x1b)
                    && page.region.as_ref().is_some_and(|it| it.input_at.is_none());
                page.close_region(place.min(to), genuine);
            }
        }
        let printed = page.printed;
        page.at = (from, to);
        if std::str::from_utf8(bytes).is_err() {
            page.invalid(bytes, from);
        }
        page.enter_col = page.main.col.min(u16::MAX as usize) as u16;
        for _ in 0..crs {
            self.control(b'\r', at_rest);
        }
        if ended {
            self.control(b'\n', at_rest);
        }
        // A control character inside a sequence is executed without ending it (ECMA-48): only printing
        // proves that the parser is at rest. A line that ended without ESC is proof enough.
        self.ground = match memchr::memrchr(0x1b, bytes) {
            None => self.ground || printed,
            Some(at) => sequence_ends(&bytes[at..]),
        };
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
        let page = &mut self.page;
        page.at = (at, at);
        page.catch_up();
        if page.alt.is_some() {
            page.leave_screen();
        }
        if page.region.is_some() {
            page.end_region(at, RegionEnd::Open, true);
        }
        let end = page.main.base + page.main.rows.len() as u64;
        let last = page.main.row;
        for row in page.main.base..end {
            let bits = if row == last && page.main.col > 0 { bits::UNFINISHED } else { 0 };
            page.commit(row, bits);
        }
    }

    /// What has been drawn so far, leaving the page where it is.
    pub fn take(&mut self) -> Drawn {
        self.page.settle_plain_rows();
        std::mem::replace(&mut self.page.out, std::mem::take(&mut self.page.spare))
    }

    /// Gives back what was taken, for its memory: pages fresh from the system cost more than drawing on them.
    pub fn recycle(&mut self, mut drawn: Drawn) {
        let Drawn { text, lines, items, titles, .. } = &mut drawn;
        text.clear();
        lines.clear();
        items.clear();
        titles.clear();
        self.page.spare = Drawn { dropped_versions: 0, nul: None, invalid: None, ..drawn };
    }
}

/// The line as text, if a terminal would do nothing but print it.
fn plain_text(bytes: &[u8]) -> Option<&str> {
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
fn is_printable(bytes: &[u8]) -> bool {
    // Without a branch for each byte, so that the compiler takes many at once.
    let other = |it: u8| it.wrapping_sub(0x20) > 0x5e && it != b'\t';
    bytes.chunks(64).all(|it| !it.iter().fold(false, |any, it| any | other(*it)))
}

/// How many bytes at the start are printable ASCII.
fn printable(bytes: &[u8]) -> usize {
    bytes.iter().position(|it| it.wrapping_sub(0x20) > 0x5e).unwrap_or(bytes.len())
}

/// Length of the escape sequence at the start of `bytes`, if it is complete and nothing strange is in it.
fn whole_sequence(bytes: &[u8]) -> Option<usize> {
    /// Longer ones are left to the parser, which bounds what it keeps of them.
    const LONGEST: usize = 1024;
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
fn character(bytes: &[u8]) -> Option<char> {
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
fn painted(bytes: &[u8], style: &mut u8) -> Option<(bool, usize)> {
    if bytes.get(1) != Some(&b'[') {
        return None;
    }
    let end = bytes.iter().take(64).position(|it| *it == b'm')?;
    let inside = &bytes[2..end];
    if !inside.iter().all(|it| it.is_ascii_digit() || *it == b';') {
        return None;
    }
    let mut codes = inside.split(|it| *it == b';').map(|it| {
        it.iter().fold(0u16, |sum, it| sum.saturating_mul(10).saturating_add(u16::from(it - b'0')))
    });
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
    Some((quiet, end + 1))
}

/// Whether the escape sequence at the start of `bytes` is complete in it.
fn sequence_ends(bytes: &[u8]) -> bool {
    match bytes.get(1) {
        None => false,
        Some(b'[') => bytes[2..].iter().any(|it| (0x40..=0x7e).contains(it)),
        Some(b']') => memchr::memchr(7, bytes).is_some(),
        Some(b'P' | b'X' | b'^' | b'_') => false,
        Some(b'\\') => true,
        Some(0x20..=0x2f) => bytes.len() > 2,
        Some(_) => true,
    }
}

impl Page {
    /// Draws what stands at the start of `bytes`, the parser being at rest: bytes used, and whether it still is.
    fn read(&mut self, parser: &mut Parser, bytes: &[u8]) -> (usize, bool) {
        let mut at = 0;
        while at < bytes.len() {
            let rest = &bytes[at..];
            let run = printable(rest);
            if run > 0 {
                self.print_run(&rest[..run]);
                at += run;
                continue;
            }
            match rest[0] {
                it @ (b'\r' | 0x08 | b'\t' | 0x07) => {
                    self.execute(it);
                    at += 1;
                }
                0x1b => {
                    let Some(used) = whole_sequence(rest) else { break };
                    if !self.sequence(&rest[..used]) {
                        parser.advance(self, &rest[..used]);
                    }
                    at += used;
                    if self.stop {
                        return (at, true);
                    }
                }
                _ => {
                    let Some(ch) = character(rest) else { break };
                    self.print(ch);
                    at += ch.len_utf8();
                }
            }
        }
        if at == 0 {
            return (parser.advance_until_terminated(self, bytes).max(1), false);
        }
        (at, at == bytes.len())
    }

    /// Follows a whole control sequence of the plainest kind: parameters of digits alone. `false` if it is another.
    fn sequence(&mut self, bytes: &[u8]) -> bool {
        let after_24 = std::mem::replace(&mut self.after_24, bytes == b"\x1b[24m");
        let [0x1b, b'[', inside @ .., action] = bytes else { return false };
        if *action == b'm' {
            let mut style = self.style;
            let Some((quiet, _)) = painted(bytes, &mut style) else { return false };
            self.printed = false;
            self.style = style;
            if !quiet {
                self.painted_here();
            }
            return true;
        }
        let (inside, private) = match inside {
            [b'?', rest @ ..] => (rest, true),
            _ => (inside, false),
        };
        let mut numbers = Numbers::default();
        for part in inside.split(|it| *it == b';') {
            let Some(number) = part.iter().try_fold(0u16, |sum, it| {
                let digit = it.is_ascii_digit().then(|| u16::from(it - b'0'))?;
                Some(sum.saturating_mul(10).saturating_add(digit))
            }) else {
                return false;
            };
            numbers.push(number);
        }
        self.printed = false;
        if *action == b'J' && after_24 {
            self.cleared_by_zle = true;
            self.prompt_inside();
        }
        self.control_sequence(&numbers, private, char::from(*action));
        true
    }

    /// Prints ASCII, as many characters at once as nothing stands in the way of.
    fn print_run(&mut self, text: &[u8]) {
        self.printed = true;
        self.after_lf = false;
        self.keypad_left = false;
        let mut rest = text;
        while let [next, ..] = rest {
            let used = match self.put_run(rest) {
                0 => {
                    self.put(char::from(*next), 1);
                    1
                }
                it => it,
            };
            rest = &rest[used..];
        }
        self.after_caret_c = match (text, self.after_caret_c) {
            ([.., b'^', b'C'], _) | ([b'C'], 1) => 2,
            ([.., b'^'], _) => 1,
            _ => 0,
        };
    }

    fn sheet(&mut self) -> &mut Sheet {
        self.alt.as_mut().unwrap_or(&mut self.main)
    }

    /// A line of printable ASCII and colours, as `ls` and compilers write it, needs no cells. `false` if it is
    /// another kind of line: then nothing has changed.
    fn painted_line(&mut self, bytes: &[u8]) -> bool {
        let start = self.out.text.len();
        let mut rest = bytes;
        let (mut style, mut paint_col) = (self.style, None);
        loop {
            let end = memchr::memchr(0x1b, rest).unwrap_or(rest.len());
            let Some(text) =
                plain_text(&rest[..end]).filter(|it| it.is_ascii() && !it.contains('\t'))
            else {
                break;
            };
            self.out.text.push_str(text);
            rest = &rest[end..];
            if rest.is_empty() {
                self.style = style;
                let text = (start as u32, self.out.text.len() as u32);
                self.plain_row(
                    text,
                    paint_col.map_or(0, |it: usize| it.min(u16::MAX as usize) as u16),
                );
                return true;
            }
            let Some((quiet, used)) = painted(rest, &mut style) else { break };
            if !quiet {
                paint_col = Some(self.out.text.len() - start);
            }
            rest = &rest[used..];
        }
        self.out.text.truncate(start);
        false
    }

    fn plain_line(&mut self, text: &str, paint_col: u16) {
        let start = self.out.text.len() as u32;
        self.out.text.push_str(text);
        self.plain_row((start, self.out.text.len() as u32), paint_col);
    }

    fn plain_row(&mut self, span: (u32, u32), paint_col: u16) {
        let (from, to) = self.at;
        self.out.items.push(Item::Line(self.out.lines.len() as u32));
        let mut line = Line {
            text: span,
            from,
            to,
            bits: bits::AT_END,
            crs: self.line_crs,
            title_col: 0,
            low_col: u16::MAX,
            paint_col,
            end_col: 0,
        };
        if self.rowless == 0 {
            // Only the first of several can stand on a row that something was sent to before.
            let titled = self.titled_row.take().is_some_and(|it| it == self.main.row);
            line.title_col = u16::from(titled);
            if let Some(row) = self.main.rows.back_mut() {
                line.paint_col = line.paint_col.max(row.paint_col);
                *row = Row::new();
            }
        }
        self.out.lines.push(line);
        self.rowless += 1;
        self.after_lf = true;
        self.jumped = false;
    }

    /// Whether each row above is a line already.
    fn is_settled(&mut self) -> bool {
        if self.strayed {
            self.strayed = self.main.rows.iter().any(|it| it.fresh);
        }
        !self.strayed
    }

    /// Most lines are never looked at again, so they get no row when they are drawn. Before the cursor may move, those
    /// within its reach get one.
    fn catch_up(&mut self) {
        let rowless = std::mem::take(&mut self.rowless);
        if rowless == 0 {
            return;
        }
        let sheet = &mut self.main;
        let Some(current) = sheet.rows.pop_back() else { return };
        sheet.row += rowless;
        let base = sheet.base.max((sheet.row + 1).saturating_sub(REACH as u64));
        let gone = (base - sheet.base).min(sheet.rows.len() as u64);
        sheet.rows.drain(..gone as usize);
        let held = sheet.rows.len() as u64;
        sheet.base = if held == 0 { base } else { sheet.base + gone };
        let more = (sheet.row - sheet.base - held) as usize;
        let first = self.out.lines.len() - more;
        sheet.rows.extend(self.out.lines[first..].iter().map(|it| Row {
            plain: it.text,
            from: it.from,
            to: it.to,
            ..Row::new()
        }));
        sheet.rows.push_back(current);
    }

    /// The arena is about to be taken away: rows that live in it get cells of their own.
    fn settle_plain_rows(&mut self) {
        self.catch_up();
        let keep = 64.min(self.main.rows.len());
        while self.main.rows.len() > keep && self.main.base < self.main.row {
            self.main.rows.pop_front();
            self.main.base += 1;
        }
        for index in 0..self.main.rows.len() {
            self.materialise_main(index);
        }
    }

    fn materialise_main(&mut self, index: usize) {
        let (start, end) = self.main.rows[index].plain;
        if start == end {
            return;
        }
        let text = self.out.text[start as usize..end as usize].to_owned();
        let row = &mut self.main.rows[index];
        row.plain = (0, 0);
        row.cells.clear();
        for ch in text.chars() {
            push_cell(&mut row.cells, ch);
        }
    }

    /// Drops rows far above the cursor; they were committed when the cursor left them.
    fn trim(&mut self) {
        while self.main.rows.len() > REACH && self.main.base + 1 < self.main.row {
            if self.main.rows.front().is_some_and(|it| it.fresh) {
                let number = self.main.base;
                self.commit_main(number, 0);
            }
            if let Some(row) = self.main.rows.pop_front() {
                self.keep_cells(row);
            }
            self.main.base += 1;
        }
    }

    /// The room of a row that is gone is for the next one.
    fn keep_cells(&mut self, row: Row) {
        let mut cells = row.cells;
        if self.spare_cells.len() < 64 && (1..=1024).contains(&cells.capacity()) {
            cells.clear();
            self.spare_cells.push(cells);
        }
    }

    /// The row under the cursor, there to be changed.
    fn row(&mut self) -> &mut Row {
        let at = self.at;
        if self.alt.is_none() {
            let index = (self.main.row - self.main.base) as usize;
            self.materialise_main(index);
        }
        let sheet = self.sheet();
        let index = (sheet.row - sheet.base) as usize;
        let row = &mut sheet.rows[index];
        if !row.fresh {
            row.fresh = true;
            row.from = at.0;
        }
        row.to = at.1;
        row
    }

    /// What the row shows. It must have cells: rows that live in the arena are lines already.
    fn text_of(row: &Row, out: &mut String) {
        let end = if row.wrapped {
            row.cells.len()
        } else {
            // A suggestion of the shell that stands at the end of an input row was not typed.
            let input = row.bits & bits::INPUT != 0;
            let shown = |it: &Cell| {
                it.ch != ' ' && !(input && it.bits & FAINT != 0 && !prompt::is_ornament(it.ch))
            };
            row.cells.iter().rposition(shown).map_or(0, |it| it + 1)
        };
        out.reserve(end);
        let shown = row.cells[..end].iter().enumerate();
        if row.marks.is_empty() {
            out.extend(shown.filter(|it| it.1.bits & FILLER == 0).map(|it| it.1.ch));
        } else {
            let mut marks = row.marks.iter().peekable();
            for (col, cell) in shown {
                if cell.bits & FILLER == 0 {
                    out.push(cell.ch);
                }
                while let Some((_, mark)) = marks.next_if(|it| it.0 as usize <= col) {
                    out.push(*mark);
                }
            }
        }
        // Blanks that someone typed at the end are kept: a trailing blank can matter in a here-document.
        if !row.wrapped && row.bits & bits::INPUT != 0 {
            let rest = &row.cells[end..];
            if !rest.iter().any(|it| it.bits & FAINT != 0 && it.ch != ' ') {
                let typed = rest.iter().take_while(|it| it.bits & FILLER == 0).count();
                out.extend(std::iter::repeat_n(' ', typed.min(256)));
            }
        }
    }

    /// First row of the logical line that `number` belongs to.
    fn line_start(sheet: &Sheet, number: u64) -> u64 {
        let mut first = number;
        while first > sheet.base && sheet.rows[(first - 1 - sheet.base) as usize].wrapped {
            first -= 1;
        }
        first
    }

    fn commit(&mut self, number: u64, extra: u16) {
        if self.alt.is_some() {
            self.commit_alt(number, extra);
        } else {
            self.commit_main(number, extra);
        }
    }

    fn commit_main(&mut self, number: u64, extra: u16) {
        let mut sheet = std::mem::take(&mut self.main);
        self.commit_in(&mut sheet, number, extra);
        self.main = sheet;
    }

    fn commit_alt(&mut self, number: u64, extra: u16) {
        if let Some(mut sheet) = self.alt.take() {
            self.commit_in(&mut sheet, number, extra | bits::SCREEN);
            self.alt = Some(sheet);
        }
    }

    /// Makes the logical line at row `number` a line of the transcript, unless it is one already.
    fn commit_in(&mut self, sheet: &mut Sheet, number: u64, extra: u16) {
        if number < sheet.base || number >= sheet.base + sheet.rows.len() as u64 {
            return;
        }
        let first = Self::line_start(sheet, number);
        let mut last = number;
        while sheet.rows[(last - sheet.base) as usize].wrapped
            && last + 1 < sheet.base + sheet.rows.len() as u64
        {
            last += 1;
        }
        let first_index = (first - sheet.base) as usize;
        let span = first_index..=(last - sheet.base) as usize;
        if !span.clone().any(|it| sheet.rows[it].fresh) {
            return;
        }
        if span.clone().any(|it| !sheet.rows[it].versions.is_empty()) {
            self.commit_versions(sheet, span.clone(), extra);
        }
        let start = self.out.text.len();
        for index in span.clone() {
            Self::text_of(&sheet.rows[index], &mut self.out.text);
        }
        let text = &self.out.text[start..];
        let mut line = Line {
            from: u64::MAX,
            bits: extra,
            crs: self.line_crs,
            low_col: u16::MAX,
            ..Line::default()
        };
        let span_is_one_row = span.start() == span.end();
        for index in span {
            let row = &mut sheet.rows[index];
            row.fresh = false;
            line.from = line.from.min(row.from);
            line.to = line.to.max(row.to);
            line.bits |= row.bits;
            if line.title_col == 0 {
                line.title_col = row.title_col;
            }
            if span_is_one_row {
                line.end_col = row.typed_end();
            }
            if index == first_index {
                // What lies beyond the first row is the command, however it was edited.
                line.low_col = row.low_col;
                line.paint_col = row.paint_col;
            }
            row.bits &= !bits::CONTINUED;
        }
        if text.is_empty() && extra & bits::SCREEN != 0 {
            return;
        }
        if text.contains('\u{fffd}') {
            line.bits |= bits::DAMAGED;
        }
        line.text = (start as u32, self.out.text.len() as u32);
        self.out.items.push(Item::Line(self.out.lines.len() as u32));
        self.out.lines.push(line);
    }

    /// Older versions of these rows become lines, but for those that the next one only continues: redrawing the same
    /// text, or typing on, hides nothing.
    fn commit_versions(&mut self, sheet: &mut Sheet, span: RangeInclusive<usize>, extra: u16) {
        let mut whole = String::new();
        for index in span.clone() {
            Self::text_of(&sheet.rows[index], &mut whole);
        }
        for index in span {
            let versions = std::mem::take(&mut sheet.rows[index].versions);
            for (nth, (older, from, to)) in versions.iter().enumerate() {
                let next = versions.get(nth + 1).map_or(whole.as_str(), |it| &it.0);
                if next.starts_with(older.as_str()) {
                    continue;
                }
                let at = self.out.text.len() as u32;
                self.out.text.push_str(older);
                self.out.items.push(Item::Line(self.out.lines.len() as u32));
                self.out.lines.push(Line {
                    text: (at, self.out.text.len() as u32),
                    from: *from,
                    to: *to,
                    bits: bits::OVERWRITTEN | (extra & bits::SCREEN),
                    low_col: u16::MAX,
                    ..Line::default()
                });
            }
        }
    }

    /// The row under the cursor is about to lose what it shows: keep it.
    fn keep_version(&mut self) {
        if self.region.is_some() && self.alt.is_none() {
            return;
        }
        let sheet = match &self.alt {
            Some(it) => it,
            None => &self.main,
        };
        let index = (sheet.row - sheet.base) as usize;
        let row = &sheet.rows[index];
        if !row.fresh || row.is_blank() {
            return;
        }
        let mut text = String::new();
        Self::text_of(row, &mut text);
        let (from, to) = (row.from, self.at.1);
        let row = self.row();
        if row.versions.last().is_some_and(|it| it.0 == text) {
            return;
        }
        if row.versions.len() < VERSIONS_MAX {
            row.versions.push((text, from, to));
        } else {
            self.out.dropped_versions += 1;
        }
    }

    fn invalid(&mut self, bytes: &[u8], from: u64) {
        let mut at = from;
        for chunk in bytes.utf8_chunks() {
            at += chunk.valid().len() as u64;
            let bad = chunk.invalid().len() as u64;
            if bad > 0 {
                let seen = self.out.invalid.get_or_insert((0, at));
                seen.0 += bad;
            }
            at += bad;
        }
    }

    fn new_row(sheet: &mut Sheet) {
        while sheet.row >= sheet.base + sheet.rows.len() as u64 {
            sheet.rows.push_back(Row::new());
        }
    }

    fn line_feed(&mut self) {
        let number = self.sheet().row;
        if self.alt.is_some() {
            self.commit(number, 0);
            self.screen_line_feed();
            return;
        }
        if self.region.is_some() {
            // Enter on an upper row of a long line sends several; the plainest one counts.
            self.region_crs = self.region_crs.min(self.line_crs);
        } else {
            if let Some(last) = self.closing {
                let index = (self.main.row - self.main.base) as usize;
                if self.main.rows[index].fresh {
                    self.main.rows[index].bits |= bits::INPUT;
                }
                if self.main.row >= last {
                    self.closing = None;
                }
            }
            // Where the cursor stood tells a right-hand prompt from text.
            let col = self.main.col;
            let index = (self.main.row - self.main.base) as usize;
            let row = &mut self.main.rows[index];
            if col >= row.cells.len() {
                row.bits |= bits::AT_END;
            }
            if row.cells.is_empty() && row.plain.0 == row.plain.1 && !row.fresh {
                // An empty line is a line.
                row.fresh = true;
                row.from = self.at.0;
                row.to = self.at.1;
            }
            self.commit(number, 0);
        }
        self.main.row += 1;
        if self.main.col > WIDEST {
            self.main.col = 0;
        }
        Self::new_row(&mut self.main);
        self.main.wrap_due = false;
        self.after_lf = true;
        if self.main.row + 1 == self.main.base + self.main.rows.len() as u64
            && self.main.rows.back().is_some_and(|it| it.cells.is_empty())
        {
            // Nothing is there to be painted over.
            self.jumped = false;
        }
        self.trim();
    }

    fn screen_line_feed(&mut self) {
        let Some(sheet) = &mut self.alt else { return };
        sheet.wrap_due = false;
        if sheet.col > WIDEST {
            sheet.col = 0;
        }
        if let Some((top, bottom)) = sheet.margins
            && sheet.row == bottom
        {
            if bottom < sheet.rows.len() as u64 {
                self.commit_alt(top, 0);
                if let Some(sheet) = &mut self.alt {
                    sheet.rows.remove(top as usize);
                    sheet.rows.insert(bottom as usize, Row::new());
                }
            }
        } else {
            sheet.row += 1;
            if sheet.row >= REACH as u64 * 4 {
                // No window is this tall: a program that never addresses rows. Start over.
                self.new_page();
                return;
            }
            Self::new_row(sheet);
        }
        self.after_lf = true;
    }

    /// All rows become lines, and an empty page begins. What was there stays evidence.
    fn new_page(&mut self) {
        if self.alt.is_some() {
            let count = self.alt.as_ref().map_or(0, |it| it.rows.len() as u64);
            for row in 0..count {
                self.commit_alt(row, 0);
            }
            if let Some(sheet) = &mut self.alt {
                sheet.rows.clear();
                sheet.row = sheet.row.min(REACH as u64);
                sheet.col = if sheet.col > WIDEST { 0 } else { sheet.col };
                Self::new_row(sheet);
            }
            return;
        }
        let end = self.main.base + self.main.rows.len() as u64;
        // Rows of earlier pages are lines already.
        for row in self.main.base.max(self.main.top)..end {
            if self.region.as_ref().is_some_and(|it| row >= it.row) {
                // A prompt's last blank is part of it.
                self.main.rows[(row - self.main.base) as usize].bits |= bits::INPUT;
            }
            self.commit_main(row, 0);
        }
        let below = self.main.row.saturating_sub(self.main.top);
        self.main.top = end;
        self.main.row = end + below.min(REACH as u64 / 2);
        self.main.wrap_due = false;
        if self.main.col > WIDEST {
            self.main.col = 0;
        }
        Self::new_row(&mut self.main);
        if let Some(region) = &mut self.region {
            // The line editor draws all anew: what stood there is kept, and no longer part of it.
            region.row = end;
            region.start_col = 0;
            if region.input_at.is_some() {
                // Until the prompt is drawn anew, whatever comes is typed.
                region.input_at = Some((end, 0));
            }
        }
        self.trim();
    }

    fn enter_screen(&mut self) {
        if self.alt.is_some() {
            return;
        }
        let mut sheet = Sheet::default();
        sheet.rows.push_back(Row::new());
        self.alt = Some(sheet);
        self.out.items.push(Item::ScreenOn);
    }

    fn leave_screen(&mut self) {
        let Some(sheet) = &self.alt else { return };
        for row in 0..sheet.rows.len() as u64 {
            self.commit_alt(row, 0);
        }
        self.alt = None;
        self.jumped = false;
    }

    fn open_region(&mut self, at: u64) {
        if self.region.is_some() || self.alt.is_some() {
            return;
        }
        let (number, col) = (self.main.row, self.main.col);
        if !self.is_settled() {
            // Rows that were drawn on from below, as an upper row of the prompt is for its right-hand side.
            for above in self.main.base..number {
                self.main.rows[(above - self.main.base) as usize].forget_blanks();
                self.commit_main(above, 0);
            }
        }
        let index = (number - self.main.base) as usize;
        self.materialise_main(index);
        let row = &mut self.main.rows[index];
        let mut input_at = None;
        let mut prompt = Vec::new();
        let cleared_row = self.cleared_row.take();
        let cleared = cleared_row.is_some_and(|it| it + 4 > number && it <= number);
        let by_zle = std::mem::take(&mut self.cleared_by_zle);
        if cleared && (col > 0 || by_zle) {
            input_at = Some((number, col as u16));
            prompt.extend(row.cells.iter().take(col).map(|it| it.ch));
            for cell in &mut row.cells {
                cell.bits |= BEFORE;
            }
        }
        let titled = self.titled_row == Some(number);
        let base = self.main.base;
        let filled = cleared_row.filter(|it| *it >= base && *it <= number).is_some_and(|first| {
            (first..=number).any(|it| {
                self.main.rows[(it - base) as usize]
                    .versions
                    .iter()
                    .any(|it| matches!(it.0.trim_end().chars().next_back(), Some('%' | '#')))
            })
        });
        let row = &mut self.main.rows[index];
        // What the prompt says of itself is learnt afresh in each region.
        row.low_col = u16::MAX;
        row.paint_col = 0;
        row.title_col = 0;
        row.bits &= !bits::EDITED;
        self.region = Some(OpenRegion {
            typed: false,
            filled,
            redrawing: None,
            prompt,
            right_due: false,
            from: at,
            row: number,
            start_col: if input_at.is_some() { 0 } else { col as u16 },
            input_at,
            titled,
        });
        self.after_caret_c = 0;
        self.after_lf = false;
        self.region_crs = u8::MAX;
    }

    fn close_region(&mut self, at: u64, genuine: bool) {
        if self.alt.is_some() {
            return;
        }
        let end = if self.after_caret_c == 2 {
            RegionEnd::Interrupted
        } else if self.after_lf
            || self.keypad_left
            || self.region.as_ref().is_some_and(|it| it.input_at.is_some())
        {
            RegionEnd::Accepted
        } else {
            RegionEnd::Left
        };
        self.end_region(at, end, genuine);
    }

    fn end_region(&mut self, at: u64, end: RegionEnd, genuine: bool) {
        self.prompt_may_end();
        let Some(region) = self.region.take() else { return };
        let first_line = self.out.lines.len() as u32;
        let mut typed = None;
        let mut input_at = None;
        if let Some((row, col)) = region.input_at
            && row >= self.main.base
        {
            typed = Some(self.typed_after(row, col as usize));
            input_at = Some((0, col));
        }
        for number in region.row.max(self.main.base)..=self.main.row {
            let index = (number - self.main.base) as usize;
            let row = &mut self.main.rows[index];
            if number == self.main.row && self.main.col == 0 && row.is_blank() {
                continue;
            }
            row.bits |= bits::INPUT;
            if !row.fresh && row.is_blank() && number < self.main.row {
                // An empty line is a line.
                row.fresh = true;
                (row.from, row.to) = (region.from, at);
            }
            self.commit_main(number, bits::INPUT);
            if input_at.is_some()
                && let Some((_, col)) = region.input_at.filter(|it| it.0 == number)
            {
                // Older versions of the row stand before it.
                input_at = Some((self.out.lines.len().saturating_sub(1) as u32, col));
            }
        }
        self.out.items.push(Item::Region(Box::new(Region {
            from: region.from,
            to: at,
            end,
            lines: first_line..self.out.lines.len() as u32,
            start_col: region.start_col,
            input_at,
            typed,
            titled: region.titled,
            crs: self.region_crs,
            genuine,
            escape_follows: self.escape_follows,
            keypad_left_on: !self.keypad_left,
            filled: region.filled,
            enter_col: self.enter_col,
        })));
        self.style &= !BEFORE;
        self.closing = input_at.map(|_| self.main.row);
    }

    /// What was written from a row and column on since the region began.
    fn typed_after(&self, first: u64, col: usize) -> String {
        let mut text = String::new();
        for number in first..=self.main.row {
            let row = &self.main.rows[(number - self.main.base) as usize];
            let shown = |it: &Cell| it.bits & (BEFORE | FAINT) == 0 && it.ch != ' ';
            let end = if row.wrapped {
                row.cells.len()
            } else {
                row.cells.iter().rposition(shown).map_or(0, |it| it + 1)
            };
            let mut skip = if number == first { col } else { 0 };
            for (at, cell) in row.cells.iter().enumerate().take(end) {
                if at < skip {
                    continue;
                }
                if let Some((ch, used)) = unshowable(&row.cells[at..end]) {
                    text.push(ch);
                    skip = at + used;
                    continue;
                }
                if cell.bits & (FILLER | BEFORE) == 0 {
                    text.push(cell.ch);
                    text.extend(row.marks.iter().filter(|it| it.0 as usize == at).map(|it| it.1));
                }
            }
            if !row.wrapped && number < self.main.row {
                text.push('\n');
            }
        }
        text.truncate(text.trim_end_matches('\n').len());
        text
    }

    /// Puts characters behind the one before, as nearly all are: how many. Where that is 0, the next one needs
    /// [`Self::put`].
    fn put_run(&mut self, text: &[u8]) -> usize {
        if self.cr_right.is_some() {
            return 0;
        }
        let sheet = self.alt.as_mut().unwrap_or(&mut self.main);
        let col = sheet.col;
        let mut room = (self.width.unwrap_or(ROW_CELLS_MAX) - 1).saturating_sub(col);
        let row = &mut sheet.rows[(sheet.row - sheet.base) as usize];
        let stands = sheet.wrap_due
            || !row.fresh
            || col > row.cells.len()
            || !row.marks.is_empty()
            || row.plain.0 != row.plain.1;
        if stands {
            return 0;
        }
        if self.jumped {
            // Up to the first character that would hide another.
            let hides = |(old, new): (&Cell, &u8)| old.ch != ' ' && old.ch != char::from(*new);
            room = row.cells[col..].iter().zip(text).position(hides).unwrap_or(room).min(room);
        }
        let used = text.len().min(room);
        if used == 0 {
            return 0;
        }
        let cell = |it: &u8| Cell { ch: char::from(*it), bits: self.style };
        let over = used.min(row.cells.len() - col);
        for (old, new) in row.cells[col..col + over].iter_mut().zip(text) {
            *old = cell(new);
        }
        if row.cells.capacity() == 0 {
            row.cells = self.spare_cells.pop().unwrap_or_else(|| Vec::with_capacity(96));
        }
        row.cells.extend(text[over..used].iter().map(cell));
        row.to = self.at.1;
        sheet.col += used;
        self.last_char = char::from(text[used - 1]);
        if let Some(region) = &mut self.region
            && self.style & BEFORE == 0
        {
            region.right_due = false;
        }
        used
    }

    fn put(&mut self, ch: char, wide: usize) {
        if self.sheet().wrap_due {
            self.wrap();
        }
        let width = self.width.unwrap_or(usize::MAX);
        if wide == 2 && self.sheet().col + 1 == width {
            let col = self.sheet().col;
            set_cell(&mut self.row().cells, col, Cell { ch: ' ', bits: FILLER });
            self.wrap();
        }
        if self.sheet().col + wide > ROW_CELLS_MAX {
            let number = self.sheet().row;
            self.row().bits |= bits::CONTINUED;
            self.commit(number, 0);
            let sheet = self.sheet();
            sheet.row += 1;
            sheet.col = 0;
            Self::new_row(sheet);
            self.trim();
        }
        let col = self.sheet().col;
        if self.jumped && self.differs(col, ch) {
            self.keep_version();
            self.jumped = false;
        }
        if let Some(right) = self.cr_right.take() {
            if right > 0
                && let Some(region) = &mut self.region
            {
                region.typed = true;
            }
            let row = self.row();
            if right > 0 {
                row.low_col = row.low_col.min(right.min(u16::MAX as usize) as u16);
            } else {
                // The row is drawn anew from its start: what was learnt was about another prompt.
                row.low_col = u16::MAX;
            }
        }
        let style = self.style;
        if let Some(region) = &mut self.region
            && style & BEFORE == 0
        {
            region.right_due = false;
        }
        let row = self.row();
        if !row.marks.is_empty() {
            row.marks.retain(|it| !(col..col + wide).contains(&(it.0 as usize)));
        }
        set_cell(&mut row.cells, col, Cell { ch, bits: style });
        if wide == 2 {
            set_cell(&mut row.cells, col + 1, Cell { ch: ' ', bits: FILLER });
        }
        let sheet = self.sheet();
        if col + wide >= width {
            sheet.col = width - 1;
            sheet.wrap_due = true;
        } else {
            sheet.col = col + wide;
        }
        self.last_char = ch;
    }

    fn differs(&mut self, col: usize, ch: char) -> bool {
        let sheet = self.sheet();
        let row = &sheet.rows[(sheet.row - sheet.base) as usize];
        row.cells.get(col).is_some_and(|it| it.ch != ' ' && it.ch != ch)
    }

    fn wrap(&mut self) {
        self.row().wrapped = true;
        let sheet = self.sheet();
        sheet.wrap_due = false;
        sheet.col = 0;
        sheet.row += 1;
        Self::new_row(sheet);
        self.trim();
    }

    fn carriage_return(&mut self) {
        if let Some(right) = self.cr_right.filter(|it| *it > 0)
            && self.region.as_ref().is_some_and(|it| !it.typed)
            && self.alt.is_none()
        {
            // fish goes to where input begins before anything is typed.
            let row = self.row();
            row.low_col = row.low_col.min(right.min(u16::MAX as usize) as u16);
        }
        let sheet = self.sheet();
        sheet.col = 0;
        sheet.wrap_due = false;
        self.jumped = true;
        self.cr_right = Some(0);
    }

    fn back(&mut self, by: usize) {
        self.prompt_may_end();
        let sheet = self.sheet();
        sheet.wrap_due = false;
        sheet.col = sheet.col.saturating_sub(by);
        let col = sheet.col.min(u16::MAX as usize) as u16;
        let row = self.row();
        row.bits |= bits::EDITED;
        row.low_col = row.low_col.min(col);
        self.cr_right = None;
    }

    fn up(&mut self, by: u64) {
        let alt = self.alt.is_some();
        // Where zle has shown the column of its input, it also knows the window.
        let region_row = self.region.as_ref().filter(|it| it.input_at.is_none()).map(|it| it.row);
        let sheet = self.sheet();
        sheet.wrap_due = false;
        let mut floor = if alt { 0 } else { sheet.base.max(sheet.top) };
        if !alt && let Some(region) = region_row {
            // Moving up inside an input region never leaves it: where the width is not known, the rows
            // above are ours only in the real window.
            floor = floor.max(region);
        }
        // A cursor put back above the page's top by a saved position does not go down by going up.
        sheet.row = sheet.row.saturating_sub(by).max(floor.min(sheet.row));
        self.jumped = true;
        self.strayed = true;
    }

    fn down(&mut self, by: u64) {
        let sheet = self.sheet();
        sheet.wrap_due = false;
        sheet.row = (sheet.row + by.min(REACH as u64 / 2)).min(sheet.base + REACH as u64 * 4);
        Self::new_row(sheet);
        self.jumped = true;
        self.strayed = true;
        self.trim();
    }

    fn column(&mut self, col: usize) {
        let width = self.width;
        let sheet = self.sheet();
        let held = sheet.rows[(sheet.row - sheet.base) as usize].cells.len();
        // No move leaves a window, and where its width is not known none goes farther than what was printed.
        let most = width.unwrap_or(WIDEST.max(held)).max(1) - 1;
        sheet.wrap_due = false;
        sheet.col = col.min(most);
    }

    /// Absolute addressing. On the main page it counts from the last clear; where that is farther
    /// away than any window is tall, a new page begins instead of writing over old rows.
    fn address(&mut self, row: u64, col: usize) {
        if self.alt.is_none() && self.main.row.saturating_sub(self.main.top) > 200 {
            self.new_page();
        }
        let sheet = self.sheet();
        sheet.row = (sheet.top + row.min(REACH as u64)).max(sheet.base);
        Self::new_row(sheet);
        self.column(col);
        self.jumped = true;
        self.strayed = true;
        self.trim();
    }

    fn erase_in_row(&mut self, from: usize, to: usize) {
        let sheet = self.sheet();
        let row = &sheet.rows[(sheet.row - sheet.base) as usize];
        let shown = row.plain.0 != row.plain.1
            || row.cells.iter().take(to).skip(from).any(|it| it.ch != ' ');
        if shown && self.jumped {
            self.keep_version();
            self.jumped = false;
        }
        let row = self.row();
        if to >= row.cells.len() {
            row.cells.truncate(from);
            row.wrapped = false;
            row.marks.retain(|it| (it.0 as usize) < from);
        } else {
            for cell in row.cells.iter_mut().take(to).skip(from) {
                *cell = BLANK;
            }
        }
    }

    /// zle draws its prompt after the mark, where a widget of the user's has it do so.
    fn prompt_inside(&mut self) {
        let (row, col) = (self.main.row, self.main.col);
        let index = (row - self.main.base) as usize;
        let blank = self.main.rows[index].is_blank();
        if let Some(region) = &mut self.region
            && self.alt.is_none()
            && col == 0
            && region.input_at.is_none()
            && region.row == row
            && region.start_col == 0
            && (blank || region.prompt.is_empty())
        {
            region.input_at = Some((row, 0));
        }
    }

    /// zle draws its prompt anew: from the margin, after clearing all below.
    fn prompt_anew(&mut self) {
        let (row, col) = (self.main.row, self.main.col);
        if let Some(region) = &mut self.region
            && self.alt.is_none()
            && col == 0
            && region.input_at.is_some_and(|it| row <= it.0)
        {
            region.redrawing = Some(row);
            region.row = region.row.min(row);
            self.style |= BEFORE;
        }
    }

    /// Row on which the prompt's last row stands as it was.
    fn prompt_row(&self, first: u64, last: u64, col: usize) -> Option<u64> {
        let prompt = &self.region.as_ref()?.prompt;
        (first.max(self.main.base)..=last).rev().find(|number| {
            let cells = &self.main.rows[(number - self.main.base) as usize].cells;
            !prompt.is_empty()
                && cells.len() >= prompt.len().min(col)
                && cells.iter().map(|it| it.ch).zip(prompt).all(|it| it.0 == *it.1)
        })
    }

    /// After a resize the prompt is drawn anew and nothing is cleared behind it: where it stands as it was, what follows
    /// is typed.
    fn prompt_may_end(&mut self) {
        let (row, col) = (self.main.row, self.main.col);
        let Some(region) = &self.region else { return };
        let Some(first) = region.redrawing.filter(|_| col >= region.prompt.len()) else { return };
        if self.prompt_row(first, row, col) == Some(row) {
            self.prompt_ends();
        }
    }

    /// Prompt and line have been drawn anew, and the rest of the row is cleared. The line begins where
    /// the prompt's last row ends, if that is as it was; else nothing was typed yet.
    fn prompt_ends(&mut self) {
        let (row, col) = (self.main.row, self.main.col);
        let Some(region) = &mut self.region else { return };
        // Behind what was cleared, only the right-hand prompt is drawn.
        region.right_due = region.input_at.is_some();
        let Some(first) = region.redrawing.take() else { return };
        self.style &= !BEFORE;
        let found = self.prompt_row(first, row, col);
        let Some(region) = &mut self.region else { return };
        let prompt = std::mem::take(&mut region.prompt);
        if let Some(number) = found {
            region.input_at = Some((number, prompt.len().min(u16::MAX as usize) as u16));
            for number in number..=row {
                let skip = if Some(number) == found { prompt.len() } else { 0 };
                let index = (number - self.main.base) as usize;
                for cell in self.main.rows[index].cells.iter_mut().skip(skip) {
                    cell.bits &= !BEFORE;
                }
            }
        } else {
            region.input_at = Some((row, col.min(u16::MAX as usize) as u16));
        }
        region.prompt = prompt;
    }

    fn erase_below(&mut self) {
        self.prompt_anew();
        let (row, col, first, last) = {
            let sheet = self.sheet();
            let last = sheet.base + sheet.rows.len() as u64;
            (sheet.row, sheet.col, sheet.row + 1, last)
        };
        if row == self.sheet().top && col == 0 && last > first {
            self.new_page();
            let sheet = self.sheet();
            sheet.row = sheet.top;
            return;
        }
        self.erase_in_row(col, usize::MAX);
        for number in first..last {
            let sheet = self.sheet();
            sheet.rows[(number - sheet.base) as usize].forget_blanks();
            self.commit(number, 0);
        }
        let sheet = self.sheet();
        sheet.rows.truncate((first - sheet.base) as usize);
        if col == 0 && self.alt.is_none() && self.region.is_none() {
            self.cleared_row = Some(row);
        }
    }

    fn insert_rows(&mut self, count: u64) {
        let count = count.min(ROWS_AT_ONCE) as usize;
        let sheet = self.sheet();
        let index = (sheet.row - sheet.base) as usize;
        if let Some((_, bottom)) = sheet.margins {
            for _ in 0..count {
                self.drop_row(Some(bottom as usize));
            }
        }
        let sheet = self.sheet();
        let mut below = sheet.rows.split_off(index.min(sheet.rows.len()));
        sheet.rows.extend((0..count).map(|_| Row::new()));
        sheet.rows.append(&mut below);
        // Rows pushed far below the cursor are out of the window: they become lines.
        loop {
            let sheet = self.sheet();
            let last = sheet.base + sheet.rows.len() as u64 - 1;
            if sheet.rows.len() <= REACH || last <= sheet.row {
                break;
            }
            self.commit(last, 0);
            self.sheet().rows.pop_back();
        }
        self.trim();
    }

    fn delete_rows(&mut self, count: u64) {
        let sheet = self.sheet();
        let number = sheet.row;
        let index = (number - sheet.base) as usize;
        let bottom = sheet.margins.map(|it| it.1 as usize);
        let held = sheet.rows.len() as u64 - index as u64;
        for _ in 0..count.min(held).min(ROWS_AT_ONCE) {
            self.commit(number, 0);
            let sheet = self.sheet();
            sheet.rows.remove(index);
            let at = bottom.unwrap_or(sheet.rows.len()).clamp(index, sheet.rows.len());
            sheet.rows.insert(at, Row::new());
        }
    }

    /// A row pushed out at the bottom margin is a line first.
    fn drop_row(&mut self, bottom: Option<usize>) {
        let Some(bottom) = bottom else { return };
        let sheet = self.sheet();
        if bottom < sheet.rows.len() {
            let number = sheet.base + bottom as u64;
            self.commit(number, 0);
            self.sheet().rows.remove(bottom);
        }
    }

    fn paint(&mut self, params: &Params) {
        let mut quiet = true;
        let mut parts = params.iter();
        while let Some(part) = parts.next() {
            let code = part[0];
            match code {
                7 => {
                    self.style |= INVERSE;
                    continue;
                }
                27 => {
                    self.style &= !INVERSE;
                    continue;
                }
                0 => self.style &= !(FAINT | INVERSE),
                2 | 90 => self.style |= FAINT,
                22 | 30..=37 | 39 | 91..=97 => self.style &= !FAINT,
                38 => {
                    let (kind, colour) = if part.len() > 2 {
                        (part[1], part[part.len() - 1])
                    } else {
                        let kind = parts.next().map_or(0, |it| it[0]);
                        let many = if kind == 2 { 3 } else { 1 };
                        let mut last = 0;
                        for _ in 0..many {
                            last = parts.next().map_or(0, |it| it[0]);
                        }
                        (kind, last)
                    };
                    let grey = kind == 5 && (colour == 8 || (236..=246).contains(&colour));
                    if grey {
                        self.style |= FAINT;
                    } else {
                        self.style &= !FAINT;
                    }
                }
                48 if part.len() == 1 => {
                    let many = if parts.next().map_or(0, |it| it[0]) == 2 { 3 } else { 1 };
                    for _ in 0..many {
                        parts.next();
                    }
                }
                _ => {}
            }
            quiet = false;
        }
        if !quiet {
            self.painted_here();
        }
    }

    /// A colour changed under the cursor.
    fn painted_here(&mut self) {
        if self.alt.is_none() {
            let col = self.main.col.min(u16::MAX as usize) as u16;
            let index = (self.main.row - self.main.base) as usize;
            let row = &mut self.main.rows[index];
            row.paint_col = row.paint_col.max(col);
        }
    }

    fn mode(&mut self, numbers: &Numbers, on: bool) {
        let col = self.main.col.min(u16::MAX as usize - 1) as u16 + 1;
        let index = (self.main.row - self.main.base) as usize;
        for number in numbers.held() {
            match (*number, on) {
                // Streaming keeps a mark or deletes it as the rest of its line decides: there it only announces.
                (2004, true)
                    if self.lossy && self.alt.is_none() && self.main.rows[index].title_col == 0 =>
                {
                    self.main.rows[index].title_col = col;
                }
                (2004, _) if self.lossy => {}
                (2004, true) => {
                    self.marked = true;
                    self.stop = true;
                }
                (2004, false) => {
                    self.closed_region = true;
                    self.stop = true;
                }
                (1, on) => self.keypad_left = !on,
                (1049 | 1047 | 47, true) => self.enter_screen(),
                (1049 | 1047 | 47, false) => self.leave_screen(),
                _ => {}
            }
        }
    }
}

/// What zle shows as `<200d>`, inverse, since no terminal shows it: the character, and the cells used.
fn unshowable(cells: &[Cell]) -> Option<(char, usize)> {
    let inverse = |it: &&Cell| it.bits & (INVERSE | BEFORE) == INVERSE;
    cells.first().filter(inverse).filter(|it| it.ch == '<')?;
    let digits: String = cells[1..]
        .iter()
        .take_while(inverse)
        .map(|it| it.ch)
        .take_while(char::is_ascii_hexdigit)
        .take(8)
        .collect();
    let close = cells.get(1 + digits.len()).filter(inverse).filter(|it| it.ch == '>');
    close.filter(|_| digits.len() >= 4)?;
    let ch = char::from_u32(u32::from_str_radix(&digits, 16).ok()?)?;
    Some((ch, digits.len() + 2))
}

fn set_cell(cells: &mut Vec<Cell>, col: usize, cell: Cell) {
    if col == cells.len() {
        if cells.capacity() == 0 {
            cells.reserve(96);
        }
        cells.push(cell);
        return;
    }
    if col > cells.len() {
        cells.resize(col + 1, BLANK);
    }
    cells[col] = cell;
}

/// Text as cells, for rows that were never drawn cell by cell.
fn push_cell(cells: &mut Vec<Cell>, ch: char) {
    if ch == '\t' {
        tab(cells);
        return;
    }
    match UnicodeWidthChar::width(ch).unwrap_or(0) {
        0 => {}
        wide => {
            cells.push(Cell { ch, bits: 0 });
            if wide == 2 {
                cells.push(Cell { ch: ' ', bits: FILLER });
            }
        }
    }
}

/// A tab at the end of a row stays a tab in the text, and takes the cells up to the next stop.
fn tab(cells: &mut Vec<Cell>) {
    let stop = (cells.len() / 8 + 1) * 8;
    cells.push(Cell { ch: '\t', bits: 0 });
    cells.resize(stop, Cell { ch: ' ', bits: FILLER });
}

/// Parameters of a control sequence; one that is left out is 0.
#[derive(Default)]
struct Numbers {
    all: [u16; 16],
    many: usize,
}

impl Numbers {
    /// Those beyond what any sequence we follow has are dropped.
    fn push(&mut self, number: u16) {
        if let Some(it) = self.all.get_mut(self.many) {
            *it = number;
            self.many += 1;
        }
    }

    fn held(&self) -> &[u16] {
        &self.all[..self.many]
    }

    fn second(&self, otherwise: u16) -> u16 {
        self.held().get(1).map_or(otherwise, |it| (*it).max(otherwise))
    }

    fn first(&self, otherwise: u16) -> u16 {
        match self.all[0] {
            0 => otherwise,
            it => it,
        }
    }
}

impl Perform for Page {
    fn print(&mut self, ch: char) {
        self.printed = true;
        self.after_lf = false;
        self.keypad_left = false;
        self.after_caret_c = match (self.after_caret_c, ch) {
            (_, '^') => 1,
            (1, 'C') => 2,
            _ => 0,
        };
        if ch.is_ascii() {
            let mut byte = [0];
            ch.encode_utf8(&mut byte);
            if self.put_run(&byte) == 0 {
                self.put(ch, 1);
            }
            return;
        }
        match UnicodeWidthChar::width(ch).unwrap_or(0) {
            0 => {
                let sheet = self.sheet();
                let at = sheet.col.saturating_sub(usize::from(!sheet.wrap_due)) as u32;
                let row = self.row();
                if row.marks.len() < 1024 {
                    row.marks.push((at, ch));
                    row.marks.sort_by_key(|it| it.0);
                }
            }
            wide => self.put(ch, wide),
        }
    }

    fn execute(&mut self, byte: u8) {
        self.printed = false;
        match byte {
            b'\n' | 0x0b | 0x0c => {
                self.after_caret_c = 0;
                self.cr_right = None;
                self.line_feed();
            }
            b'\r' => {
                self.right_is_not_due();
                self.carriage_return();
            }
            0x08 => self.back(1),
            b'\t' => {
                let sheet = self.sheet();
                let col = sheet.col;
                let row = self.row();
                if col == row.cells.len() && col < ROW_CELLS_MAX {
                    tab(&mut row.cells);
                    let end = row.cells.len();
                    self.column(end);
                } else {
                    self.column((col / 8 + 1) * 8);
                }
            }
            7 => self.row().bits |= bits::BELL,
            0 => {
                let at = self.at.0;
                self.out.nul.get_or_insert((0, at)).0 += 1;
            }
            _ => {}
        }
    }

    fn csi_dispatch(&mut self, params: &Params, between: &[u8], _ignored: bool, action: char) {
        self.printed = false;
        let private = between.first() == Some(&b'?');
        if action == 'm' && between.is_empty() {
            self.paint(params);
        } else if private || between.is_empty() {
            let mut numbers = Numbers::default();
            params.iter().for_each(|it| numbers.push(it[0]));
            self.control_sequence(&numbers, private, action);
        }
    }

    fn esc_dispatch(&mut self, between: &[u8], _ignored: bool, byte: u8) {
        self.printed = false;
        if !between.is_empty() {
            return;
        }
        match byte {
            b'7' => {
                let sheet = self.sheet();
                sheet.saved = (sheet.row, sheet.col);
            }
            b'8' => self.restore(),
            b'M' => {
                let sheet = self.sheet();
                if let Some((top, _)) = sheet.margins
                    && sheet.row == top
                {
                    self.insert_rows(1);
                } else {
                    self.up(1);
                }
            }
            b'D' => self.line_feed(),
            b'E' => {
                self.line_feed();
                self.column(0);
            }
            b'c' => self.new_page(),
            _ => {}
        }
    }

    fn osc_dispatch(&mut self, params: &[&[u8]], _bell: bool) {
        self.printed = false;
        match params {
            [b"0" | b"2", title @ ..] => {
                let text = String::from_utf8_lossy(title.first().copied().unwrap_or_default());
                self.out.items.push(Item::Title(self.out.titles.len() as u32));
                let end = text.char_indices().nth(512).map_or(text.len(), |it| it.0);
                self.out.titles.push(text[..end].into());
                let number = self.main.row;
                self.titled_row = Some(number);
                if self.alt.is_none() {
                    let col = self.main.col.min(u16::MAX as usize - 1) as u16 + 1;
                    let index = (number - self.main.base) as usize;
                    self.main.rows[index].title_col = col;
                }
            }
            [b"133", [mark @ b'A'..=b'D', ..], ..] => {
                let col = self.main.col.min(u16::MAX as usize) as u16;
                if *mark == b'B' && self.alt.is_none() {
                    // The prompt ends here, says the shell itself.
                    let row = self.row();
                    row.low_col = col;
                    row.paint_col = col;
                }
            }
            _ => {}
        }
    }

    fn terminated(&self) -> bool {
        self.stop
    }
}

impl Page {
    fn control_sequence(&mut self, numbers: &Numbers, private: bool, action: char) {
        if private {
            match action {
                'h' => self.mode(numbers, true),
                'l' => self.mode(numbers, false),
                _ => {}
            }
            return;
        }
        let count = numbers.first(1) as usize;
        if matches!(action, 'K' | 'P' | '@' | 'X') {
            // What changes the row under the cursor undoes the margin, as in xterm (ResetWrap).
            self.sheet().wrap_due = false;
        }
        match action {
            'A' => {
                self.right_is_not_due();
                self.up(count as u64);
            }
            'B' | 'e' => {
                self.right_is_not_due();
                self.down(count as u64);
            }
            'C' | 'a' => {
                // One column may be a typed blank that was left as it was.
                let due = self.region.as_mut().is_some_and(|it| std::mem::take(&mut it.right_due));
                if due && count > 1 {
                    self.style |= BEFORE;
                }
                let right = self.sheet().col + count;
                self.column(right);
                if self.cr_right.is_some() {
                    self.cr_right = Some(self.sheet().col);
                }
            }
            'D' => {
                if self.region.as_ref().is_some_and(|it| it.redrawing.is_none()) {
                    self.style &= !BEFORE;
                }
                self.back(count);
            }
            'E' => {
                self.down(count as u64);
                self.column(0);
            }
            'F' => {
                self.up(count as u64);
                self.column(0);
            }
            'G' | '`' => {
                self.column(count - 1);
                self.jumped = true;
            }
            'd' => {
                let col = self.sheet().col;
                self.address(count as u64 - 1, col);
            }
            'H' | 'f' => {
                let col = numbers.second(1) as usize;
                self.address(count as u64 - 1, col - 1);
            }
            'J' => match numbers.first(0) {
                0 => self.erase_below(),
                2 => self.new_page(),
                _ => {}
            },
            'K' => {
                let col = self.sheet().col;
                self.prompt_ends();
                match numbers.first(0) {
                    0 => self.erase_in_row(col, usize::MAX),
                    1 => self.erase_in_row(0, col + 1),
                    _ => self.erase_in_row(0, usize::MAX),
                }
                if col > 0 {
                    self.row().bits |= bits::EDITED;
                }
            }
            'P' => {
                let col = self.sheet().col;
                let row = self.row();
                row.bits |= bits::EDITED;
                let end = (col + count).min(row.cells.len());
                if col < end {
                    row.cells.drain(col..end);
                }
            }
            '@' => {
                let col = self.sheet().col;
                let row = self.row();
                row.bits |= bits::EDITED;
                if col < row.cells.len() {
                    let room = count.min(ROW_CELLS_MAX - row.cells.len().min(ROW_CELLS_MAX));
                    row.cells.splice(col..col, std::iter::repeat_n(BLANK, room));
                }
            }
            'X' => {
                let col = self.sheet().col;
                self.erase_in_row(col, (col + count).min(ROW_CELLS_MAX));
            }
            'L' => self.insert_rows(count as u64),
            'M' => self.delete_rows(count as u64),
            'b' => {
                let ch = self.last_char;
                if ch.is_ascii() {
                    for _ in 0..count.min(WIDEST) {
                        self.put(ch, 1);
                    }
                }
            }
            'r' => {
                if let Some(sheet) = &mut self.alt {
                    let bottom = numbers.second(0) as u64;
                    sheet.margins = (bottom > count as u64).then(|| (count as u64 - 1, bottom - 1));
                    if let Some((_, bottom)) = sheet.margins {
                        while (sheet.rows.len() as u64) <= bottom {
                            sheet.rows.push_back(Row::new());
                        }
                    }
                    sheet.row = 0;
                    sheet.col = 0;
                }
            }
            'n' if numbers.first(0) == 6 && self.alt.is_none() => {
                let col = self.main.col.min(u16::MAX as usize) as u16;
                let row = self.row();
                row.bits |= bits::ASKED;
                row.low_col = row.low_col.min(col);
            }
            's' => {
                let sheet = self.sheet();
                sheet.saved = (sheet.row, sheet.col);
            }
            'u' => self.restore(),
            _ => {}
        }
    }

    fn right_is_not_due(&mut self) {
        if let Some(region) = &mut self.region {
            region.right_due = false;
        }
    }

    fn restore(&mut self) {
        let sheet = self.sheet();
        let (row, col) = sheet.saved;
        if row == sheet.row && row >= sheet.base && col < sheet.col {
            // What is drawn to the right of a place that the cursor goes back to is not typed there.
            let index = (row - sheet.base) as usize;
            for cell in sheet.rows[index].cells.iter_mut().skip(col) {
                cell.bits |= RIGHT;
            }
        }
        sheet.row = row.clamp(sheet.base, sheet.base + sheet.rows.len() as u64 - 1);
        sheet.col = col;
        sheet.wrap_due = false;
        self.jumped = true;
        self.strayed = true;
    }
}
