//! Text → the same text with its secrets masked, each by a mark that tells reuse and nothing else.
//!
//! People type passwords behind `-p` and print keys with `cat`; an archive of sessions is an archive of secrets. So
//! whatever is shown of a transcript goes through here first. The kept bytes are never touched.
//!
//! Tokens that say what they are (`ghp_…`, `AKIA…`) are known by the rules of gitleaks (`NOTICE`), which the field
//! maintains; what stands on command lines and in the files that sessions print is known by the table of our own. A rule
//! costs nothing until one of its words stands in the text. Absent: files, clocks, chance; the salt comes from outside.

/// What is looked for.
mod rules;

/// In a text by itself.
mod find;

/// Lines of private keys.
mod key;

/// Marks in place of secrets.
mod masker;

/// In bytes.
mod bytes;

pub use bytes::ByteSearch;
pub use find::Found;
pub use find::find;
pub use key::may_be_in_key;
pub use masker::Masker;
pub use masker::blank;
pub use masker::marks;
pub use masker::unmarked;
