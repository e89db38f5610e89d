//! What a person settled beforehand: the sources, how to reach them, where the archive is.
//!
//! Text in, settings out, each with where it was said, so that `config show` can tell and a typo is met with its line, the
//! word and the nearest one that exists. Arguments win over the environment, the environment over the file. No files are
//! opened here.

pub use access::*;
pub use file::*;
pub use learn::*;
pub use place::*;

/// Settings of the way to AWS, and where each was said.
mod access;

/// Places of transcripts.
mod place;

/// The file.
mod file;

/// The file, with what was found added.
mod learn;
