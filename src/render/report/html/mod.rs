//! The page: what its script works on, then what stands in it, then all of it.

/// What is held, and the script's part of it.
mod data;

/// What is shown in rows.
mod tables;

/// What is shown in bars.
mod charts;

/// The whole.
mod page;

pub(in crate::render) use page::STYLE;
pub(in crate::render) use page::hash;
pub use page::html;
