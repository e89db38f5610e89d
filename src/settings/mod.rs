//! How the places are set to which sessions are logged, as AWS told it at one moment: a survey.
//!
//! A survey is data. It can be written to a file, kept, and judged again years later without AWS; so every answer carries
//! the call, its time and its request id, and whatever was refused is here as *unread*, with the action that was missing.
//! Nothing is judged here and nothing is asked here: `source::survey` fills these values, `audit` judges them.
//!
//! Names of fields follow the members of AWS's own answers, so that one can be looked up beside the other.

pub use cloudtrail::*;
pub use ec2::*;
pub use iam::*;
pub use kms::*;
pub use logs::*;
pub use read::*;
pub use s3::*;
pub use ssm::*;
pub use survey::*;

/// Known, or unread and why.
mod read;

/// Trails.
mod cloudtrail;

/// The network.
mod ec2;

/// Principals.
mod iam;

/// Keys.
mod kms;

/// Log groups.
mod logs;

/// Buckets.
mod s3;

/// Documents and nodes.
mod ssm;

/// All of it.
mod survey;
