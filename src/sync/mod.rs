//! Bring what is missing into the archive.
//!
//! Settle, then act: `plan::decide` is a pure judgement about one listed object; the rest carries it out. One task lists,
//! one fetches many objects at once, every core decodes, and one hand gathers what is decoded into batches. Each batch
//! becomes one entry of the manifest, so that a run stopped anywhere has kept all its finished batches and the next
//! goes on, and a search meanwhile finds what is finished. All transcripts of one session become one session: its text
//! from the form that kept every byte, its owner and times from the form that tells them.

/// What is asked, and what it comes to.
mod summary;

/// What is missing.
pub mod plan;

/// A transcript on its way, and what became of an object.
mod draft;

/// What was decoded and waits to be written.
mod pieces;

/// All transcripts of one session.
mod together;

/// What a newer reading changed.
mod compared;

/// Who, where and when.
mod facts;

/// The rows of a session, on their way to the files of one segment.
mod rows;

/// What is kept of sessions that come again.
mod kept;

/// Decoded transcripts on their way to their sessions.
mod gather;

/// Which session each goes to.
mod apart;

/// Everything that is kept, decoded again.
mod rebuild;

/// One object.
mod objects;

/// All of them.
mod run;

pub use draft::DECODER;
pub use rebuild::Changed;
pub use rebuild::Rebuilt;
pub use rebuild::rebuild;
pub use run::look;
pub use run::sync;
pub use summary::Options;
pub use summary::Progress;
pub use summary::Summary;
pub use summary::Would;
