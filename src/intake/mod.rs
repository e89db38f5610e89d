//! An object's bytes → the transcripts in it, ready to be kept and decoded.
//!
//! Takes off compression, finds out what lies inside, and parts a file of log events by session. In bounded
//! memory: what is large goes to a scratch file. What is no transcript is said, not guessed at. The digest is of the
//! object as its source held it, so that it can be proved against the source later.

/// Bytes, and what an object yields.
mod content;

/// Events that came twice.
mod repeats;

/// Log events by session.
mod parts;

/// Events of a JSON document.
mod document;

/// Two readings of one stream.
mod unite;

/// From an object's bytes to its transcripts.
mod unpack;

pub use content::Chunks;
pub use content::Content;
pub use content::KeptBytes;
pub use content::MEMORY;
pub use content::Taken;
pub use unite::United;
pub use unite::one_holds_the_other;
pub use unite::unite;
pub(crate) use unpack::DigestingReader;
pub use unpack::Grown;
pub use unpack::grown;
pub use unpack::read;
