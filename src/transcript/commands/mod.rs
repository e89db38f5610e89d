//! Lines and input regions → what was typed, with how sure we are and why.
//!
//! Only output was recorded, so a command is always an inference. Three habits keep it honest: nothing is
//! a prompt because it looks like one (the session's own prompts, a stack of shells and the marks of the line
//! editor decide); everything believed carries the evidence that was weighed; and what is not believed enough
//! is kept as *possible*, apart from the rest. A command that was not typed is worse than one missed.

pub use crate::transcript::commands::command::Command;
pub use crate::transcript::commands::command::CommandFlaw;
pub use crate::transcript::commands::command::CommandKind;
pub use crate::transcript::commands::reader::CommandReader;
pub use crate::transcript::commands::weights::Evidence;

/// What each piece of evidence is worth.
pub mod weights;

/// A command as it was typed.
mod command;

/// What a text says of how it was read.
mod text;

/// What single lines say by themselves.
mod signs;

/// Where a reader stands.
mod context;

/// The rows of an input region.
mod region_rows;

/// The shells a session is in.
mod stack;

/// What the last command may do.
mod aftermath;

/// What a session teaches of its prompts.
mod learning;

/// Prompts that nothing marks.
mod repeats;

/// All of that together.
mod known;

/// Where prompts without marks end.
mod unmarked;

/// Where prompts between marks end.
mod marked;

/// Shells in the panes of multiplexers.
mod panes;

/// Shells on the screen of a program, and in strings that no terminal shows.
mod covered;

/// Commands on their way out.
mod pending;

/// The walk through what was drawn.
mod walk;

/// Commands that begin in lines without marks.
mod accept;

/// Lines of shells that set no marks.
mod lines;

/// Input regions.
mod regions;

/// Rows on the screen of a program.
mod screens;

/// Commands that their shell names.
mod naming;

/// The reader, which drives them all.
mod reader;
