//! A report and the bytes it cites in one archive that proves itself.
//!
//! The package is a plain tar, so that it can be opened without this tool, and holds `SHA256SUMS` in the form of `sha256sum`, so that
//! it can be proved without it, too. The same content makes the same bytes, and those are the only ones that pass: each header is
//! made again from the file's path and length and compared byte by byte, the files stand in one order, padding is zero, and nothing
//! follows the end. So there is no member that another reader of the tar would name, write or skip otherwise than this one.
//!
//! What the sums prove is that nothing changed since it was packed; who packed it is what a signature proves. Nothing is written here
//! but what is asked for and scratch files.

/// What a package holds, and where it stands in it.
pub mod form;

/// What a package says of its transcripts, and of the chain that they were kept in.
pub mod citation;

/// A package, file by file.
pub mod pack;

/// A package of a report and the transcripts that it is from.
pub mod package;

/// Whether a package is whole and unchanged.
pub mod proof;

/// Whose key packed it.
pub mod signature;

#[cfg(test)]
mod tests;
