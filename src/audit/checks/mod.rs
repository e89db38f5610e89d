//! The checks, a file for each theme: each row of the table stands directly above its function.

/// Buckets, and the transcripts in them.
pub(crate) mod bucket;

/// Session documents.
pub(crate) mod document;

/// Log groups.
pub(crate) mod log_group;

/// Keys.
pub(crate) mod key;

/// The roles that write.
pub(crate) mod writer_role;

/// Those who start sessions.
pub(crate) mod starter;

/// The network between nodes and places.
pub(crate) mod network;

/// Trails.
pub(crate) mod trail;

/// The nodes' agents.
pub(crate) mod node;

/// What keeping costs.
pub(crate) mod cost;
