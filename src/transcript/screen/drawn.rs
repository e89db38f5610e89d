//! What has been drawn: lines, input regions, and what happens between them, in one arena of text.

use std::ops::Range;

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
    /// One past the last byte of the stream it was drawn from.
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
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RegionEnd {
    /// Enter.
    Accepted,
    /// Ctrl-C.
    Interrupted,
    /// No Enter was seen: Ctrl-D or hang-up.
    Left,
    /// The transcript ended inside.
    #[default]
    Open,
}

/// What stood between `ESC[?2004h` and `ESC[?2004l`: everything typed at one prompt of a modern shell.
#[derive(Clone, Debug, Default)]
pub struct Region {
    /// Byte of the stream at which the region begins.
    pub from: u64,
    /// Byte of the stream at which the region ends.
    pub to: u64,
    /// How it ended.
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
    Told(u32, ToldWhen),
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
    /// One past its last byte in the stream.
    pub to: u64,
}

/// When a shell says what it runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ToldWhen {
    /// As it starts, in full. Sources: fish-shell: src/reader.rs (OSC 133;C;cmdline_url), vscode: shellIntegration-bash.sh (OSC 633;E).
    Starts,
    /// When it has ended, with blanks for semicolons. Source: vte: src/vte.sh.in (OSC 777;notify).
    Ended,
}

/// All that has been drawn since the last look.
#[derive(Default, Debug)]
pub struct Drawn {
    /// Arena that holds the texts of `lines`, one behind the other.
    pub text: String,
    /// Lines that left the page, oldest first.
    pub lines: Vec<Line>,
    /// What happened, in order; items point into the other lists.
    pub items: Vec<Item>,
    /// Input regions that ended, oldest first.
    pub regions: Vec<Region>,
    /// Window titles, and commands that shells told, for items to point to.
    pub titles: Vec<Box<str>>,
    /// Lines within control strings.
    pub hidden: Vec<Hidden>,
    /// Bytes of memory that those take.
    pub(super) hidden_bytes: usize,
    /// Rows whose older versions were too many to keep: how many were dropped.
    pub dropped_versions: u64,
    /// Place of the first NUL byte met, and how many there were.
    pub nul: Option<(u64, u64)>,
    /// Place of the first byte that was no UTF-8, and how many there were.
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

    /// Another line: the arena's text from `start` on.
    pub(super) fn push_line(&mut self, start: usize, line: Line) {
        self.items.push(Item::Line(self.lines.len() as u32));
        self.lines.push(Line { text: (start as u32, self.text.len() as u32), ..line });
    }

    /// Keeps a title or a command that was told, as far as it is told apart: so many characters.
    pub(super) fn push_title(&mut self, text: &str, most: usize, item: impl Fn(u32) -> Item) {
        let end = text.char_indices().nth(most).map_or(text.len(), |it| it.0);
        self.items.push(item(self.titles.len() as u32));
        self.titles.push(text[..end].into());
    }

    /// What the line at this index into `lines` shows.
    pub fn line_text(&self, index: u32) -> &str {
        let line = &self.lines[index as usize];
        &self.text[line.text.0 as usize..line.text.1 as usize]
    }
}

/// Arrows and wedges of the powerline fonts: prompts are built of them, and nothing else is.
pub fn is_ornament(ch: char) -> bool {
    ('\u{e0a0}'..='\u{e0d7}').contains(&ch)
}
