//! The input region that is open: what its line editor has done so far.

/// An input region whose end has not come.
pub(super) struct OpenRegion {
    /// Something was printed behind a CR and a move to the right, as fish types.
    pub(super) typed: bool,
    /// The cursor was last saved with nothing before it on its row, between these marks.
    pub(super) saved_bare: bool,
    pub(super) filled: bool,
    pub(super) printed: bool,
    pub(super) redrawn: bool,
    pub(super) pasted: bool,
    /// A row that was drawn anew from its start, and the text before the lowest column that its editor had gone back to.
    pub(super) again: Option<(u64, Vec<char>)>,
    /// The line editor draws its prompt anew from this row on: what is printed is not typed.
    pub(super) redrawing: Option<u64>,
    /// What stood before the cursor when input began: the last row of the prompt.
    pub(super) prompt: Vec<char>,
    /// The prompt has just been drawn anew, and one at the right-hand side may follow.
    pub(super) right_due: bool,
    pub(super) from: u64,
    pub(super) row: u64,
    pub(super) start_col: u16,
    pub(super) input_at: Option<(u64, u16)>,
    pub(super) titled: bool,
}
