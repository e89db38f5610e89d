//! Checks of the network path: can a node reach Systems Manager, and can what it records reach the places.

/// How an instance gets to a service.
mod path;

/// What endpoints let through.
mod endpoint_policy;

/// What security groups and ACLs let through.
mod opening;

/// The way to Systems Manager.
pub(crate) mod route;

/// The ways to the places.
pub(crate) mod endpoint;

/// What stands between.
pub(crate) mod firewall;
