//! map

/// What stops a command.
pub mod error;

/// The nouns: session id, window, skip.
pub mod session;

/// Bytes as logged become lines as seen and commands as typed. No I/O, no clock.
pub mod transcript;

/// Where transcripts are. The only asynchronous room.
pub mod source;

/// The kept copy: tables, manifest, the one writer.
pub mod archive;

/// An object's bytes become the transcripts in it.
pub mod intake;

/// Bring what is missing into the archive.
pub mod sync;

/// Pattern and filters become hits.
pub mod search;

/// The catalogue of saved questions.
pub mod query;

/// Values become what people and programs read.
pub mod render;

/// The command line and its answers.
pub mod cli;
