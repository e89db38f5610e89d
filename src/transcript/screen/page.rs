//! The page: rows that may still change, and what was drawn of those that no longer can.

use crate::transcript::screen::cells::Cell;
use crate::transcript::screen::cells::Row;
use crate::transcript::screen::drawn::Drawn;
use crate::transcript::screen::drawn::Hidden;
use crate::transcript::screen::drawn::Item;
use crate::transcript::screen::input::OpenRegion;
use crate::transcript::screen::sheet::Sheet;

/// The page: rows that may still change, and all that was drawn and no longer can.
pub(super) struct Page {
    pub(super) out: Drawn,
    /// Empty, but with room.
    pub(super) spare: Drawn,
    pub(super) spare_cells: Vec<Vec<Cell>>,
    pub(super) main: Sheet,
    pub(super) alt: Option<Sheet>,
    pub(super) width: Option<usize>,
    pub(super) style: u8,
    pub(super) region: Option<OpenRegion>,
    /// The last raw line ended in clearing the rest of its row.
    pub(super) cleared_rest: bool,
    /// Where no marks are set: the cursor was last saved with nothing before it on its row.
    pub(super) saved_bare: bool,
    pub(super) last_char: char,
    /// What the cursor did last: decides whether overwriting is editing or repainting.
    pub(super) jumped: bool,
    /// Row on which the cursor went to the first column by its number.
    pub(super) margin_row: Option<u64>,
    pub(super) after_lf: bool,
    pub(super) after_caret_c: u8,
    /// Column reached after a CR by moving right alone.
    pub(super) cr_right: Option<usize>,
    pub(super) titled_row: Option<u64>,
    /// Row that the line editor of zsh cleared before it drew its prompt.
    pub(super) cleared_row: Option<u64>,
    /// It is the last row cleared, and with what zle sends.
    pub(super) cleared_by_zle: bool,
    /// CRs of the last line that ended inside an input region.
    pub(super) region_crs: u8,
    /// Bytes now being drawn.
    pub(super) at: (u64, u64),
    pub(super) line_crs: u8,
    pub(super) stop: bool,
    /// The last thing the parser did was to print: it is in no sequence.
    pub(super) printed: bool,
    pub(super) marked: bool,
    pub(super) closed_region: bool,
    pub(super) escape_follows: bool,
    /// Nothing but CRs stands behind the mark in its line.
    pub(super) ends_row: bool,
    /// The stream lost its CRs on the way.
    pub(super) lossy: bool,
    /// In a stream: row and column at which a line editor ended a line, and whether it began anew there.
    pub(super) broken_off: Option<(u64, usize, bool)>,
    /// See [`Screen::note`].
    pub(super) noted: u16,
    /// The keypad's application mode (DECCKM) was left, and nothing was printed since.
    pub(super) keypad_left: bool,
    /// The sequence just read is the last of those that zle sends before it draws its prompt.
    pub(super) after_24: bool,
    /// Column before the CRs that end the line.
    pub(super) enter_col: u16,
    /// Lines just drawn that have no rows yet: the last ones of the arena. See [`Page::catch_up`].
    pub(super) rowless: u64,
    /// The cursor has left a row otherwise than by a line feed, so that one may wait to become a line.
    pub(super) strayed: bool,
    /// A line editor may still draw its line in another way, up to the LF of this row.
    pub(super) closing: Option<u64>,
    /// The parser reads a string whose lines are kept as hidden ones.
    pub(super) spans_lines: bool,
    /// Columns of the last move to the right, and how many of them would have gone beyond the window.
    pub(super) clipped: (usize, usize),
}

impl Page {
    pub(super) fn new() -> Self {
        let mut main = Sheet::default();
        main.rows.push_back(Row::new());
        Self {
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
        }
    }

    /// Keeps a line of a control string, which no terminal shows.
    pub(super) fn hide(&mut self, bytes: &[u8], from: u64, to: u64) {
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

    pub(super) fn sheet(&mut self) -> &mut Sheet {
        self.alt.as_mut().unwrap_or(&mut self.main)
    }
}
