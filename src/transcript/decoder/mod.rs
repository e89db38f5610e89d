//! Bytes in, transcript out: the one place that joins wire, screen and commands.
//!
//! Feed it with `Decoder::push` in any chunks, take what is ready with `Decoder::take`, and end with
//! `Decoder::finish`. What is not yet taken is bounded by the window.

pub use crate::transcript::decoder::decode::Decoder;
pub use crate::transcript::decoder::draw::CHUNK;
pub use crate::transcript::decoder::flaw::Flaw;
pub use crate::transcript::decoder::flaw::FlawKind;
pub use crate::transcript::decoder::piece::Claims;
pub use crate::transcript::decoder::piece::Piece;
pub use crate::transcript::decoder::piece::Shown;
pub use crate::transcript::decoder::piece::Typed;

/// What a reader must know before trusting.
mod flaw;

/// What is ready to be taken.
mod piece;

/// Lines on their way to the screen.
mod draw;

/// Bytes in, pieces out.
mod decode;
