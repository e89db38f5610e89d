//! What a prompt looks like, and what this session's prompts look like.
//!
//! Two kinds of knowledge. *Shapes* are the defaults of shells and REPLs that are the same
//! everywhere. *Learning* is for all others: prompts repeat literally, commands do not; a prompt ends where the
//! line editor never goes back beyond and not before the last change of colour. A shape alone proves
//! nothing, because output can print any shape (a README does); the walk in `commands` asks for more.

pub use crate::transcript::prompt::ends::Candidate;
pub use crate::transcript::prompt::ends::bounded;
pub use crate::transcript::prompt::ends::byte_of_column;
pub use crate::transcript::prompt::ends::candidates;
pub use crate::transcript::prompt::ends::farthest;
pub use crate::transcript::prompt::learnt::Learnt;
pub use crate::transcript::prompt::shapes::Identity;
pub use crate::transcript::prompt::shapes::Reads;
pub use crate::transcript::prompt::shapes::SEARCHES;
pub use crate::transcript::prompt::shapes::Shape;
pub use crate::transcript::prompt::shapes::known;
pub use crate::transcript::prompt::shapes::may_be_known;
pub use crate::transcript::prompt::skeleton::ByHash;
pub use crate::transcript::prompt::skeleton::Hashed;
pub use crate::transcript::prompt::skeleton::has_words;
pub use crate::transcript::prompt::skeleton::hash;
pub use crate::transcript::prompt::skeleton::hash_of;
pub use crate::transcript::prompt::skeleton::hashes_of_beginnings;
pub use crate::transcript::prompt::skeleton::head;
pub use crate::transcript::prompt::skeleton::held_within;
pub use crate::transcript::prompt::skeleton::is_wordy;
pub use crate::transcript::prompt::skeleton::shared_words;
pub use crate::transcript::prompt::skeleton::shares_a_word;
pub use crate::transcript::prompt::skeleton::skeleton;
pub use crate::transcript::prompt::skeleton::skeleton_hash;

/// Prompts with all that changes made equal.
mod skeleton;

/// Prompts that are the same everywhere.
mod shapes;

/// Where a prompt may end.
mod ends;

/// What a session teaches.
mod learnt;
