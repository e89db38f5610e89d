//! What streaming took out of a line, put back where the rest of the line proves it.
//!
//! The streaming agent deletes every CR; where it understands all escape sequences of a line it deletes them
//! too (a *clean* line), else it leaves them (a *raw* one). A line editor redraws with CRs, so without
//! them a redrawn line shows its prompt twice, a wrapped command has one character too many at each margin, and a
//! cursor goes where there is nothing. Each rule here puts a CR (or an erase) back only where the line
//! could not have come about without it, so that the same page can draw both forms. What had to be guessed is
//! reported as such.
//!
//! Sources: amazon-ssm-agent: agent/agentlogstocloudwatch/cloudwatchlogspublisher/cloudwatchlogsservice.go
//! (buildEventInfo), and pborman/ansi (Strip). Line editors: readline: display.c; zsh: Src/Zle/zle_refresh.c;
//! fish: src/screen.cpp.

pub use crate::transcript::streamed::lines::Restored;
pub use crate::transcript::streamed::restorer::Restorer;

/// What waits to be restored, and what came of it.
mod lines;

/// Steps of the cursor.
mod steps;

/// Erases put back.
mod erased;

/// What was pasted.
mod pasted;

/// Commands of the history.
mod recalled;

/// CRs put back.
mod returns;

/// The window's width.
mod widths;

/// The restorer.
mod restorer;
