//! Who may do what, as IAM has it: policies read and weighed, the simulator's answers, and what to ask it.
//!
//! Three values everywhere: what depends on what only a real request carries is unknown, neither open nor safe.

/// Wildcards and variables.
pub mod patterns;

/// Conditions, and whether they hold.
pub mod conditions;

/// Policy documents, read.
pub mod policy;

/// Whom a statement lets in.
pub mod admits;

/// What a document says of a request.
pub mod request;

/// What a role may do.
pub(crate) mod permission;

/// Whether a request is granted, the policy of the thing itself included.
pub(crate) mod granted;

/// Who writes for a node.
pub mod writer;

/// What a role writes to and with.
pub(crate) mod targets;

/// What to ask AWS next.
pub mod questions;
