//! Checks of Session documents: is a record made at all, and can it be switched off by choosing another document.

/// What its checks read of it.
mod told;

/// Is a record made.
pub(crate) mod recording;

/// Documents beside the preferences.
pub(crate) mod others;

/// What a session is like.
pub(crate) mod sessions;
