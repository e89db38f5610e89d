//! The page: rows that may still change, and what was drawn of those that no longer can.

use crate::transcript::screen::cells::Cell;
use crate::transcript::screen::cells::Row;
use crate::transcript::screen::drawn::Drawn;
use crate::transcript::screen::drawn::Hidden;
use crate::transcript::screen::drawn::Item;
use crate::transcript::screen::input::InputTracker;
use crate::transcript::screen::sheet::Sheet;

/// The raw line that is drawn now, and what is known of it.
#[derive(Default)]
pub(super) struct RawState {
    /// Bytes now being drawn.
    pub(super) at: (u64, u64),
    pub(super) crs: u8,
    /// See [`Screen::note`](crate::transcript::screen::Screen::note).
    pub(super) noted: u16,
    /// The stream lost its CRs on the way.
    pub(super) lossy: bool,
    /// The parser is to stop behind the sequence just read.
    pub(super) stop: bool,
    /// The last thing the parser did was to print: it is in no sequence.
    pub(super) printed: bool,
    /// The parser reads a string whose lines are kept as hidden ones.
    pub(super) spans_lines: bool,
    /// The last raw line ended in clearing the rest of its row.
    pub(super) cleared_rest: bool,
}

/// How characters are put on the page.
pub(super) struct Pen {
    /// Flags of the cells that are printed: see [`Cell`].
    pub(super) style: u8,
    pub(super) last_char: char,
}

/// What the cursor did last: it tells editing from painting over.
#[derive(Default)]
pub(super) struct Motion {
    /// It went elsewhere: what is printed next may hide something.
    pub(super) jumped: bool,
    /// Row on which it went to the first column by its number.
    pub(super) margin_row: Option<u64>,
    /// Column reached after a CR by moving right alone.
    pub(super) cr_right: Option<usize>,
    /// Columns of the last move to the right, and how many of them would have gone beyond the window.
    pub(super) clipped: (usize, usize),
    /// It has left a row otherwise than by a line feed, so that one may wait to become a line.
    pub(super) strayed: bool,
}

impl Motion {
    /// The cursor goes to another row otherwise than by a line feed.
    pub(super) fn stray(&mut self) {
        self.jumped = true;
        self.strayed = true;
    }
}

/// Memory that was used and has room: pages fresh from the system cost more than drawing on them.
#[derive(Default)]
pub(super) struct Spare {
    /// Empty, but with room.
    pub(super) drawn: Drawn,
    pub(super) cells: Vec<Vec<Cell>>,
}

impl Spare {
    /// The room of a row that is gone is for the next one.
    pub(super) fn keep(&mut self, row: Row) {
        let mut cells = row.cells;
        if self.cells.len() < 64 && (1..=1024).contains(&cells.capacity()) {
            cells.clear();
            self.cells.push(cells);
        }
    }
}

/// The page: rows that may still change, and all that was drawn and no longer can.
pub(super) struct Page {
    pub(super) out: Drawn,
    pub(super) main: Sheet,
    pub(super) alt: Option<Sheet>,
    /// Columns of the window, where known.
    pub(super) width: Option<usize>,
    pub(super) pen: Pen,
    pub(super) motion: Motion,
    pub(super) input: InputTracker,
    pub(super) raw: RawState,
    pub(super) spare: Spare,
    /// Lines just drawn that have no rows yet: the last ones of the arena. See [`Page::catch_up`].
    pub(super) rowless: u64,
}

impl Default for Page {
    fn default() -> Self {
        Self {
            out: Drawn::default(),
            main: Sheet::new(),
            alt: None,
            width: None,
            pen: Pen { style: 0, last_char: ' ' },
            motion: Motion::default(),
            input: InputTracker { after_lf: true, ..InputTracker::default() },
            raw: RawState::default(),
            spare: Spare::default(),
            rowless: 0,
        }
    }
}

impl Page {
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

    /// The sheet that is drawn on.
    #[inline]
    pub(super) fn sheet(&mut self) -> &mut Sheet {
        self.alt.as_mut().unwrap_or(&mut self.main)
    }
}
