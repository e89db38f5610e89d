//! Control sequences → what a person saw, without ever letting them take it back.
//!
//! A terminal forgets: `clear` empties it, a full-screen program paints over it, a long session scrolls
//! out of it. Evidence must not. So this is a *page*, not a screen: it has no bottom, clearing it starts a
//! new page below, and a row that is about to be painted over is kept as an older version of itself.
//! The parser is `vte`, where text and the plainest sequences are not enough; the page is ours because the decoder needs what ready screens hide: which
//! bytes drew a row, where input regions begin and end, how many CRs ended a line, and a width that nobody
//! recorded.
//!
//! Absent here: files, time, colour, and any idea of what a prompt is.

use std::collections::VecDeque;
use std::ops::Range;

use vte::Parser;
use vte::Perform;

use crate::transcript::screen::editor::OpenRegion;
use crate::transcript::screen::sequences::plain_text;
use crate::transcript::screen::sequences::sequence_ends;
use crate::transcript::screen::strings::CANCEL;
use crate::transcript::screen::strings::End;
use crate::transcript::screen::strings::Noted;
use crate::transcript::screen::strings::OPENER;
use crate::transcript::screen::strings::StringKind;
use crate::transcript::screen::strings::Strings;
use crate::transcript::screen::strings::opens_a_string;
use crate::transcript::wire::RawLine;

/// What was found in the bytes.
mod dispatch;

/// What line editors draw.
mod editor;

/// Cells and rows that go.
mod erase;

/// The cursor goes elsewhere.
mod moves;

/// Characters that become cells.
mod print;

/// Rows that become lines.
mod rows;

/// Bytes that are read without state.
mod sequences;

/// Control strings that do not end with their line.
mod strings;

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
    /// Its editor cleared what stood below it and went back: it was left without Enter, unless a program says so that it started.
    pub const TAKEN_BACK: u16 = 1 << 12;
    /// Its editor goes to the margin and to the end of its prompt by numbers of columns, as those of REPLs do that draw for
    /// themselves and those of shells do not (Node: lib/internal/readline, Ruby: reline, lib/reline/io/ansi.rb).
    pub const ABSOLUTE: u16 = 1 << 13;
    /// So often that it draws the line anew with each key.
    pub const ABSOLUTE_KEYS: u16 = 1 << 15;
    /// Such a row was a line already, and was drawn on: what its editor showed below it, as a preview, had made it one.
    pub const AGAIN: u16 = 1 << 14;
}

/// One visible line, its text in the arena that it came with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
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

impl Line {
    /// The same line in an arena where so much text stands before.
    pub fn behind(self, text: u32) -> Self {
        Self { text: (self.text.0 + text, self.text.1 + text), ..self }
    }
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
    /// Nothing stands behind the end mark in its line.
    pub ends_row: bool,
    /// The keypad was still in the line editor's mode: zle leaves that mode at Enter, not at Ctrl-C.
    pub keypad_left_on: bool,
    /// A row was filled just before its prompt, as zsh does before each first prompt and no other.
    pub filled: bool,
    /// Output without a line end stood in that row.
    pub printed: bool,
    /// Its editor drew the prompt and the line anew after something had been typed.
    pub redrawn: bool,
    /// Lines were pasted into it as a block.
    pub pasted: bool,
    /// Where the cursor stood at Enter: what lies beyond, behind blanks, is a right-hand prompt.
    pub enter_col: u16,
}

/// What happens between lines.
#[derive(Clone, Copy, Debug)]
pub enum Item {
    /// Index into [`Drawn::lines`].
    Line(u32),
    /// Index into [`Drawn::regions`].
    Region(u32),
    /// A full-screen program took the screen.
    ScreenOn,
    /// It gave the screen back.
    ScreenOff,
    /// A line within a control string, which no terminal shows, as an index into [`Drawn::hidden`].
    Hidden(u32),
    /// A window title, as an index into [`Drawn::titles`]. Some shells put the running command there.
    Title(u32),
    /// The shell says what it runs (fish, VS Code) or has run (VTE), as an index into [`Drawn::titles`].
    Told(u32, Told),
}

/// A line within a control string.
#[derive(Clone, Debug)]
pub struct Hidden {
    /// Without its control characters.
    pub text: Box<str>,
    /// It had control characters, so that the text may not be what was typed.
    pub is_damaged: bool,
    /// Lines drawn before it.
    pub line: u32,
    /// Its bytes in the stream: first, and one past the last.
    pub from: u64,
    pub to: u64,
}

/// When a shell says what it runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    /// As it starts, in full. Sources: fish-shell: src/reader.rs (OSC 133;C;cmdline_url), vscode: shellIntegration-bash.sh (OSC 633;E).
    Starts,
    /// When it has ended, with blanks for semicolons. Source: vte: src/vte.sh.in (OSC 777;notify).
    Ended,
}

/// All that has been drawn since the last look.
#[derive(Default, Debug)]
pub struct Drawn {
    pub text: String,
    pub lines: Vec<Line>,
    pub items: Vec<Item>,
    pub regions: Vec<Region>,
    pub titles: Vec<Box<str>>,
    /// Lines within control strings.
    pub hidden: Vec<Hidden>,
    /// Bytes of memory that those take.
    hidden_bytes: usize,
    /// Rows whose older versions were too many to keep: how many were dropped.
    pub dropped_versions: u64,
    /// NUL bytes met, and the place of the first.
    pub nul: Option<(u64, u64)>,
    /// Bytes that were no UTF-8, and the place of the first.
    pub invalid: Option<(u64, u64)>,
}

impl Drawn {
    /// Bytes of memory that its lines take.
    pub fn weight(&self) -> usize {
        self.text.len()
            + self.lines.len() * size_of::<Line>()
            + self.items.len() * size_of::<Item>()
            + self.regions.len() * size_of::<Region>()
            + self.titles.len() * size_of::<Box<str>>()
            + self.hidden_bytes
    }

    pub fn line_text(&self, index: u32) -> &str {
        let line = &self.lines[index as usize];
        &self.text[line.text.0 as usize..line.text.1 as usize]
    }
}

/// Arrows and wedges of the powerline fonts: prompts are built of them, and nothing else is.
pub fn is_ornament(ch: char) -> bool {
    ('\u{e0a0}'..='\u{e0d7}').contains(&ch)
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
    /// Its line editor suggests in grey (zle, fish). readline never does: grey is what was typed there.
    suggests: bool,
    from: u64,
    to: u64,
    bits: u16,
    title_col: u16,
    low_col: u16,
    paint_col: u16,
    /// Combining characters: column they stand on, and the character. Columns ascend.
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
        if !self.cells.last().is_some_and(right) {
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
    /// The last raw line ended in clearing the rest of its row.
    cleared_rest: bool,
    /// Where no marks are set: the cursor was last saved with nothing before it on its row.
    saved_bare: bool,
    last_char: char,
    /// What the cursor did last: decides whether overwriting is editing or repainting.
    jumped: bool,
    /// Row on which the cursor went to the first column by its number.
    margin_row: Option<u64>,
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
    /// Nothing but CRs stands behind the mark in its line.
    ends_row: bool,
    /// The stream lost its CRs on the way.
    lossy: bool,
    /// In a stream: row and column at which a line editor ended a line, and whether it began anew there.
    broken_off: Option<(u64, usize, bool)>,
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
    /// The parser reads a string whose lines are kept as hidden ones.
    spans_lines: bool,
    /// Columns of the last move to the right, and how many of them would have gone beyond the window.
    clipped: (usize, usize),
}

/// The page and its parser. Feed it lines of the terminal stream; take what has been drawn.
pub struct Screen {
    parser: Parser,
    page: Page,
    /// No sequence is half read, so that a plain line needs no parser.
    ground: bool,
    strings: Strings,
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
            strings: Strings::default(),
            page: Page {
                out: Drawn::default(),
                spare: Drawn::default(),
                spare_cells: Vec::new(),
                main,
                alt: None,
                width: None,
                style: 0,
                region: None,
                cleared_rest: false,
                saved_bare: false,
                last_char: ' ',
                jumped: false,
                margin_row: None,
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
                ends_row: false,
                lossy: false,
                broken_off: None,
                noted: 0,
                keypad_left: false,
                after_24: false,
                enter_col: 0,
                rowless: 0,
                strayed: false,
                closing: None,
                spans_lines: false,
                clipped: (0, 0),
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

    /// The first place that anything on the page came from, as far as it may still become a line.
    pub fn oldest(&self) -> Option<u64> {
        let page = &self.page;
        let rows = page.main.rows.iter().chain(page.alt.iter().flat_map(|it| &it.rows));
        let held = rows.flat_map(|row| {
            let shown = (row.fresh || row.from > 0).then_some(row.from);
            shown.into_iter().chain(row.versions.iter().map(|it| it.1))
        });
        let held = held.chain(page.region.as_ref().map(|it| it.from));
        held.chain(self.strings.oldest()).min()
    }

    pub fn drawn(&self) -> &Drawn {
        &self.page.out
    }

    /// Draws a line that is nothing but text and colours, which most output is, without a parser or cells. `false` if
    /// it is another kind of line, or stands where one was begun: then nothing has changed.
    pub fn plain(&mut self, bytes: &[u8], crs: u8, ended: bool, from: u64, to: u64) -> bool {
        let page = &mut self.page;
        let simple = self.ground
            && self.strings.opened().is_none()
            && ended
            && crs > 0
            && page.alt.is_none()
            && page.region.is_none()
            && page.closing.is_none()
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
        let mut raw = RawLine { bytes, crs, ended, from, to };
        if let Some(kind) = self.strings.opened() {
            match kind.end(bytes) {
                End::None if self.hold(raw) => return,
                End::None | End::Broken => self.show_held(),
                End::At(end) => {
                    self.end_string(kind, raw, &end);
                    let from = from + end.end as u64;
                    raw = RawLine { bytes: &bytes[end.end..], from, ..raw };
                }
            }
        }
        let last = memchr::memrchr(0x1b, raw.bytes);
        let Some(at) = last.filter(|at| opens_a_string(&raw.bytes[*at..])) else {
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
    fn hold(&mut self, it: RawLine<'_>) -> bool {
        let noted = Noted { bits: self.page.noted, width: self.page.width };
        let is_held = self.strings.hold(it, noted);
        if is_held {
            self.page.noted = 0;
        }
        is_held
    }

    /// The string ends in `last`, with the terminator at `end`: what was held belongs to it. Only an OSC does anything.
    fn end_string(&mut self, kind: StringKind, last: RawLine<'_>, end: &Range<usize>) {
        self.page.catch_up();
        self.page.spans_lines = true;
        let held = self.strings.take();
        let last = RawLine { bytes: &last.bytes[..end.end], ..last };
        for it in held.iter().map(|it| it.0.raw()).chain([last]) {
            self.page.at = (it.from, it.to);
            if matches!(kind, StringKind::Osc) {
                self.parser.advance(&mut self.page, it.bytes);
            }
        }
        self.page.spans_lines = false;
        self.ground = true;
        for (nth, (it, _)) in held.iter().enumerate() {
            let opener = if nth == 0 { OPENER } else { 0 };
            self.page.hide(&it.bytes[opener..], it.from, it.to);
        }
        self.page.hide(&last.bytes[..end.start], last.from, last.to);
    }

    /// The string has no end: what was held are lines, without the two bytes that opened it.
    fn show_held(&mut self) {
        let width = self.page.width;
        for (nth, (it, noted)) in self.strings.take().into_iter().enumerate() {
            let raw = it.raw();
            let opener = if nth == 0 { OPENER } else { 0 };
            self.page.noted |= noted.bits;
            self.page.width = noted.width;
            let (bytes, from) = (&raw.bytes[opener..], raw.from + opener as u64);
            // No line that is held has another ESC than its opener's.
            self.draw(RawLine { bytes, from, ..raw }, None, None);
        }
        self.page.width = width;
    }

    /// Draws a raw line, or the piece of one before a string. `last`: where its last ESC stands; `behind`: the byte that follows the piece.
    fn draw(&mut self, raw: RawLine<'_>, last: Option<usize>, behind: Option<u8>) {
        let RawLine { bytes, crs, ended, from, to } = raw;
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
        // Only behind a line whose own rest was cleared: what a program prints first stands behind Enter.
        if let Some(rows) = goes_back_up(bytes).filter(|_| page.cleared_rest) {
            page.take_back(rows);
        }
        page.cleared_rest = ended && bytes.ends_with(b"\x1b[K");
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
                let next = rest.first().copied().or(behind);
                // Behind the mark stands a CR of the line editor. At the end of a line it is one more
                // than the line's own, or the session's last byte before the footer's LF.
                let genuine = page.lossy
                    || matches!(next, Some(b'\r' | 0x1b))
                    || next.is_none() && (!ended || crs != 1 || page.ends_plainer(crs));
                page.escape_follows = next == Some(0x1b)
                    && page.region.as_ref().is_some_and(|it| it.input_at.is_none());
                page.ends_row = behind.is_none() && rest.iter().all(|it| *it == b'\r');
                page.close_region(place.min(to), genuine);
            }
        }
        let printed = page.printed;
        page.at = (from, to);
        if std::str::from_utf8(bytes).is_err() {
            page.invalid(bytes, from);
        }
        page.enter_col = page.main.col.min(u16::MAX as usize) as u16;
        if let Some(it) = page.broken_off.take()
            && it == (page.main.row, page.main.col, true)
            && page.alt.is_none()
        {
            page.row().bits |= bits::UNFINISHED;
        }
        self.end_line(raw, last, at_rest, printed);
    }

    /// The line end, and whether the parser is at rest behind it.
    fn end_line(&mut self, raw: RawLine<'_>, last: Option<usize>, at_rest: bool, printed: bool) {
        let RawLine { bytes, crs, ended, .. } = raw;
        for _ in 0..crs {
            self.control(b'\r', at_rest);
        }
        if ended {
            self.control(b'\n', at_rest);
        }
        // A control character inside a sequence is executed without ending it (ECMA-48): only printing
        // proves that the parser is at rest. A line that ended without ESC is proof enough.
        self.ground = match last {
            None => self.ground || printed,
            Some(at) => sequence_ends(&bytes[at..]),
        };
        if ended && !self.ground {
            // Half a sequence that a line feed cut would take what comes next for its other half, be that the opener of a string.
            self.parser.advance(&mut self.page, &[CANCEL]);
            self.ground = true;
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
        page.at = (at, at);
        page.catch_up();
        page.end_screen();
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
        let Drawn { text, lines, items, regions, titles, hidden, .. } = &mut drawn;
        text.clear();
        lines.clear();
        items.clear();
        regions.clear();
        titles.clear();
        hidden.clear();
        self.page.spare =
            Drawn { dropped_versions: 0, nul: None, invalid: None, hidden_bytes: 0, ..drawn };
    }
}

/// Rows that a line editor goes back up at the start of a raw line, having cleared this one.
fn goes_back_up(bytes: &[u8]) -> Option<usize> {
    let mut rest = bytes.strip_prefix(b"\r\x1b[K\x1b[")?;
    let mut rows = 0usize;
    loop {
        let digits = rest.iter().take_while(|it| it.is_ascii_digit()).count().min(3);
        let number = std::str::from_utf8(&rest[..digits]).ok()?.parse().unwrap_or(1);
        let Some(after) = rest[digits..].strip_prefix(b"A") else { break };
        rows += usize::max(number, 1);
        match after.strip_prefix(b"\x1b[") {
            Some(more) => rest = more,
            None => break,
        }
    }
    (1..REACH).contains(&rows).then_some(rows)
}

impl Page {
    /// Keeps a line of a control string, which no terminal shows.
    fn hide(&mut self, bytes: &[u8], from: u64, to: u64) {
        let text = String::from_utf8_lossy(bytes);
        let shown: String = text.chars().filter(|it| !it.is_control() || *it == '\t').collect();
        if shown.trim().is_empty() {
            return;
        }
        let is_damaged = shown.len() < text.len();
        let line = self.out.lines.len() as u32;
        let out = &mut self.out;
        out.hidden_bytes += size_of::<Hidden>() + shown.len();
        out.items.push(Item::Hidden(out.hidden.len() as u32));
        out.hidden.push(Hidden { text: shown.into(), is_damaged, line, from, to });
    }

    fn sheet(&mut self) -> &mut Sheet {
        self.alt.as_mut().unwrap_or(&mut self.main)
    }
}
