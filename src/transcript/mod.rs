//! A transcript: what one session showed, as far as its bytes tell; every piece with the place it came from.
//!
//! Decoding is total. Any bytes give a transcript and a list of flaws; what could not be read is a
//! flaw, never an error and never silence. It runs in one pass and in bounded memory, in windows whose borders
//! depend on the bytes alone, so that the chunks in which they came make no difference.
//!
//! Absent here: files, network, clock, async, polars. The only inputs are bytes.

/// The forms a transcript arrives in → raw lines.
pub mod wire;

/// What streaming deleted from lines, put back where the lines prove it.
pub mod streamed;

/// One session in two copies, aligned.
pub mod both;

/// How wide the window was.
pub mod width;

/// Control sequences → what a person saw.
pub mod screen;

/// As much shell grammar as the decoder needs.
pub mod shell;

/// What a prompt looks like.
pub mod prompt;

/// What was typed.
pub mod commands;

/// The whole decoder: bytes in, lines and commands and flaws out.
pub mod decoder;

/// Marked transcripts, for tests.
#[cfg(test)]
mod testing;
