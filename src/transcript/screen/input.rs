//! What is known of the line editor at work: its input region, its marks, what it cleared, and the state of its keypad.

use crate::transcript::screen::drawn::Region;

/// An input region whose end has not come.
#[derive(Default)]
pub(super) struct OpenRegion {
    /// Something was printed behind a CR and a move to the right, as fish types.
    pub(super) typed: bool,
    /// The cursor was last saved with nothing before it on its row, between these marks.
    pub(super) saved_bare: bool,
    /// A row that was drawn anew from its start, and the text before the lowest column that its editor had gone back to.
    pub(super) again: Option<(u64, Vec<char>)>,
    /// The line editor draws its prompt anew from this row on: what is printed is not typed.
    pub(super) redrawing: Option<u64>,
    /// What stood before the cursor when input began: the last row of the prompt.
    pub(super) prompt: Vec<char>,
    /// The prompt has just been drawn anew, and one at the right-hand side may follow.
    pub(super) right_due: bool,
    pub(super) row: u64,
    /// Row and column at which input begins, if zsh has told them.
    pub(super) input_at: Option<(u64, u16)>,
    /// What is known of it before its end.
    pub(super) known: Region,
}

impl OpenRegion {
    /// The page was cleared: the line editor draws all anew. What stood there is kept, and no longer part of it.
    pub(super) fn begin_anew(&mut self, row: u64) {
        self.row = row;
        self.known.start_col = 0;
        if self.input_at.is_some() {
            // Until the prompt is drawn anew, whatever comes is typed.
            self.input_at = Some((row, 0));
        }
    }
}

/// The marks of a line editor, and what stands behind the one that ends a region.
#[derive(Default)]
pub(super) struct EditorMarks {
    /// A region begins here.
    pub(super) opened: bool,
    /// A region ends here.
    pub(super) closed: bool,
    pub(super) escape_follows: bool,
    /// Nothing but CRs stands behind the mark in its line.
    pub(super) ends_row: bool,
}

/// What the line editor of zsh clears before it draws its prompt.
#[derive(Default)]
pub(super) struct ClearedRow {
    pub(super) row: Option<u64>,
    /// It is the last row cleared, and with what zle sends.
    pub(super) by_zle: bool,
    /// The sequence just read is the last of those that zle sends before it draws its prompt.
    pub(super) after_24: bool,
}

/// The line editor, as far as what it draws tells of it.
#[derive(Default)]
pub(super) struct InputTracker {
    pub(super) region: Option<OpenRegion>,
    pub(super) marks: EditorMarks,
    pub(super) cleared: ClearedRow,
    /// CRs of the last line that ended inside an input region.
    pub(super) crs: u8,
    /// Where no marks are set: the cursor was last saved with nothing before it on its row.
    pub(super) saved_bare: bool,
    pub(super) titled_row: Option<u64>,
    /// Nothing was printed since a line feed.
    pub(super) after_lf: bool,
    /// How much of `^C` was printed last.
    pub(super) caret_c: u8,
    /// The keypad's application mode (DECCKM) was left, and nothing was printed since.
    pub(super) keypad_left: bool,
    /// In a stream: row and column at which a line editor ended a line, and whether it began anew there.
    pub(super) broken_off: Option<(u64, usize, bool)>,
    /// Column before the CRs that end the line.
    pub(super) enter_col: u16,
    /// A line editor may still draw its line in another way, up to the LF of this row.
    pub(super) closing: Option<u64>,
}

impl InputTracker {
    /// Something is printed.
    #[inline]
    pub(super) fn print(&mut self) {
        self.after_lf = false;
        self.keypad_left = false;
    }

    /// What was printed: whether it ends in `^C`.
    #[inline]
    pub(super) fn see_carets(&mut self, text: &[u8]) {
        self.caret_c = match (text, self.caret_c) {
            ([.., b'^', b'C'], _) | ([b'C'], 1) => 2,
            ([.., b'^'], _) => 1,
            _ => 0,
        };
    }

    /// What is printed now is typed, or part of the prompt: no right-hand side of the prompt follows it.
    #[inline]
    pub(super) fn right_is_not_due(&mut self) {
        if let Some(region) = &mut self.region {
            region.right_due = false;
        }
    }

    /// Whether the cursor's place was saved with nothing before it on its row; asked once.
    pub(super) fn take_saved_bare(&mut self) -> bool {
        match &mut self.region {
            Some(region) => std::mem::take(&mut region.saved_bare),
            None => std::mem::take(&mut self.saved_bare),
        }
    }

    /// A mark at this place of a stream: see [`InputTracker::broken_off`]. `false` if another line begins here.
    pub(super) fn breaks_off(&mut self, row: u64, col: usize, on: bool) -> bool {
        let again = self.broken_off.is_some_and(|it| (it.0, it.1) == (row, col));
        if !on || again {
            self.broken_off = Some((row, col, again));
        }
        !on || again
    }

    /// A line that ends in fewer CRs than the one that was entered: the line editor's own is the last byte of the session, and the LF
    /// is the footer's.
    pub(super) fn ends_plainer(&self, crs: u8) -> bool {
        self.region.is_some() && self.crs != u8::MAX && crs < self.crs
    }
}
