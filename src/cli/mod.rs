//! The only room that knows the command line: what can be asked, and which answer is which exit code.
//!
//! A command is one file: its arguments, whose doc comments are its help, and one function. Arguments die here;
//! rooms further in get what they need and nothing else.

/// The exit code.
mod answer;

/// What surrounds a run.
mod world;

/// What was settled before the command.
mod setup;

/// Which sessions.
mod filters;

/// How rows are written.
mod formats;

/// Progress on a terminal.
mod progress;

/// How to reach AWS.
mod reach;

/// Mask, or record that it was not done.
mod revealing;

/// The way into the archive.
mod reader;

/// List sessions.
mod sessions;

/// Bring in what is missing.
mod sync;

/// Prove, describe and decode the archive again.
mod archive;

/// A hit, and the session it is in.
mod hits;

/// Play a session.
mod replay;

/// Find commands and lines.
mod search;

/// Show one session.
mod show;

/// Questions in SQL.
mod query;

/// The whole tool on transcripts that ship with it.
mod demo;

/// Feeds for a SIEM.
mod export;

/// Ask AWS how the places are set.
mod asking;

/// The configuration in force.
mod config;

/// Find the sources.
mod init;

/// Judge the places.
mod verify;

/// Why a source cannot be read, or a session does not start.
mod doctor;

/// Print policies.
mod policy;

/// Packages of evidence.
mod evidence;

/// An audit report.
mod report;

/// The command line.
mod line;

pub use answer::Answer;
pub use line::Cli;
pub use line::Usage;
pub use line::complain;
pub use line::parse;
pub use line::run;
pub use world::User;
pub use world::World;
