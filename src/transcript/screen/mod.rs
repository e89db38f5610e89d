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

pub use crate::transcript::screen::drawn::Drawn;
pub use crate::transcript::screen::drawn::Hidden;
pub use crate::transcript::screen::drawn::Item;
pub use crate::transcript::screen::drawn::Line;
pub use crate::transcript::screen::drawn::Region;
pub use crate::transcript::screen::drawn::RegionEnd;
pub use crate::transcript::screen::drawn::ToldWhen;
pub use crate::transcript::screen::drawn::bits;
pub use crate::transcript::screen::drawn::is_ornament;
pub use crate::transcript::screen::feed::Screen;

/// What has been drawn.
mod drawn;

/// Cells and rows.
mod cells;

/// Rows with a cursor.
mod sheet;

/// The input region that is open.
mod input;

/// The page.
mod page;

/// Bytes that are read without state.
mod sequences;

/// Control strings that do not end with their line.
mod strings;

/// Rows that become lines.
mod rows;

/// Cells and rows that go.
mod erase;

/// The cursor goes elsewhere.
mod moves;

/// What line editors draw.
mod editor;

/// Characters that become cells.
mod print;

/// What was found in the bytes.
mod dispatch;

/// Raw lines, fed.
mod feed;
