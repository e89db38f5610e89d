//! The forms a transcript arrives in → raw terminal lines with their place and time.
//!
//! One session can lie in S3 as a `script` file, in CloudWatch Logs as the same file cut into chunks, or as a
//! stream of JSON events; on Windows as a PowerShell transcript; on Alpine as bare bytes. The form is
//! found from the bytes, never from where they lay. Everything here is total: what does not fit is handed on
//! as terminal output, because a frame that an attacker printed must not hide what follows it.
//!
//! Sources: "Logging session activity" (AWS Systems Manager User Guide); amazon-ssm-agent:
//! agent/session/shell/shell_unix.go, agent/agentlogstocloudwatch/cloudwatchlogspublisher/
//! cloudwatchlogsservice.go; util-linux: term-utils/script.c, versions 2.23 to 2.38.

pub use crate::transcript::wire::event::CLOCKS;
pub use crate::transcript::wire::event::Event;
pub use crate::transcript::wire::event::FIRST;
pub use crate::transcript::wire::event::LATE;
pub use crate::transcript::wire::event::Shown;
pub use crate::transcript::wire::event::Streamed;
pub use crate::transcript::wire::event::StreamedIdentity;
pub use crate::transcript::wire::event::StreamedTarget;
pub use crate::transcript::wire::event::Times;
pub use crate::transcript::wire::form::Form;
pub use crate::transcript::wire::frame::Frame;
pub use crate::transcript::wire::frame::Unframe;
pub use crate::transcript::wire::lines::Lines;
pub use crate::transcript::wire::lines::RawLine;
pub use crate::transcript::wire::lines::Splitter;
pub use crate::transcript::wire::lines::without_crs;
pub use crate::transcript::wire::recognise::Container;
pub use crate::transcript::wire::recognise::export_line;
pub use crate::transcript::wire::recognise::is_cp932;
pub use crate::transcript::wire::recognise::recognise;

/// How bytes are laid out.
mod form;

/// Raw lines.
mod lines;

/// Events, and the messages in them.
mod event;

/// The frame around a session's bytes.
mod frame;

/// What first bytes tell.
mod recognise;
