//! As much shell grammar as the decoder needs: is this line the end of its command, and may what follows
//! come from another shell?
//!
//! Not a parser. A wrong "open" only means that a continuation prompt would be believed; a wrong "closed"
//! that it would be asked for better evidence.

pub use crate::transcript::shell::change::ShellChange;
pub use crate::transcript::shell::change::change;
pub use crate::transcript::shell::change::names_another_shell;
pub use crate::transcript::shell::change::starts_the_logger;
pub use crate::transcript::shell::does::Does;
pub use crate::transcript::shell::does::hides_what_is_typed;
pub use crate::transcript::shell::does::may_leave_a_line_open;
pub use crate::transcript::shell::does::moves;
pub use crate::transcript::shell::does::starts_a_job;
pub use crate::transcript::shell::names::begins_with_a_command;
pub use crate::transcript::shell::names::is_common;
pub use crate::transcript::shell::names::looks_typed;
pub use crate::transcript::shell::syntax::apart;
pub use crate::transcript::shell::syntax::is_open;

/// Names of programs.
mod names;

/// Commands that go on.
mod syntax;

/// What a command may do to the next prompt.
mod change;

/// What it does to the output that follows.
mod does;
