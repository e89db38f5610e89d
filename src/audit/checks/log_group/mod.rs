//! Checks of CloudWatch Logs: is the log group there, does it keep what it is given, and who else may touch it.

/// What its checks read of it.
mod told;

/// Is it there, and does it keep.
pub(crate) mod retention;

/// Who may touch it.
pub(crate) mod protection;
