//! The kept copy: opened, questioned, appended to.
//!
//! A folder of Parquet files and a manifest. The `sessions` table is the index: its rows say in which file and
//! at which rows a session's commands, lines and bytes stand, so that one session, one owner or one
//! target reads a few row groups however many years lie beside them. Readers need no lock; they see what the
//! manifest names, and hold a lock only so that no writer takes away what they may still read. One writer at a time, by
//! a lock of the operating system that dies with its holder.
//!
//! Absent, unreadable and empty are three things here: what the manifest names and is not there, what is there and no
//! entry names, and what does not read as it was written are damages, which reach the user and the exit code.
//!
//! Absent here: where transcripts come from.

/// What lies where, and how a file is read and written.
pub(crate) mod folder;

/// What a column can hold.
pub mod value;

/// Lines in columns.
pub mod line;

/// The tables, column by column.
pub mod schema;

/// What the archive holds, and the proof of it.
pub mod manifest;

/// Fast checksums of what is read.
mod pieces;

/// A panic over damaged bytes is an error.
mod guard;

/// One file, checked as it is read.
mod opened;

/// Whole tables, for SQL and lazy frames.
mod scan;

/// Which sessions are asked for.
mod filter;

/// Format, manifest and folder at one moment.
mod state;

/// The archive itself.
mod kept;

/// Rows in the order of the files, and where those of a text stand.
pub mod cursor;

/// Reading rows.
pub mod read;

/// The salt, the record of reveals, the feeds.
pub mod sides;

/// The one hand that writes.
pub mod writer;

/// The proof that nothing was changed, dropped or damaged.
pub mod verify;

/// What is damaged, and what to do about it.
mod diagnosis;

/// What is damaged, moved aside.
pub mod repair;

/// Surveys and findings, kept.
pub mod judged;

pub(crate) use filter::LONGEST;
pub use filter::Which;
pub(crate) use filter::own_key;
pub use folder::FORMAT;
pub use folder::LOST;
pub use folder::MARKER;
pub(crate) use folder::private;
pub(crate) use folder::private_folder;
pub use kept::Answered;
pub use kept::Archive;
pub use kept::Held;
pub use kept::Replaced;
pub(crate) use state::check_format;
