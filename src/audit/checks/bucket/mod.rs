//! Checks of the buckets that receive transcripts, and of the transcripts in them: judged at the prefix they go to.

/// What its checks read of it.
pub(crate) mod told;

/// Is it there, and ours.
pub(crate) mod exists;

/// How it encrypts.
pub(crate) mod encryption;

/// How long transcripts live.
pub(crate) mod retention;

/// Old versions, and locks.
pub(crate) mod lock;

/// Who from outside.
pub(crate) mod access;

/// Where copies go.
pub(crate) mod copies;
