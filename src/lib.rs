//! map

/// Bytes as logged become lines as seen. No I/O, no clock.
pub mod transcript;
