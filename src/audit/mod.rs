//! Will the evidence survive: settings and a promise in, findings out. No I/O, no clock, no AWS here.
//!
//! A check is one row of one table: what must hold, why, what to do, which settings it reads, and a function from those
//! settings to a judgement. The walk over everything that was surveyed is written once; a check sees one thing at a
//! time. What could not be read makes a check *unknown*, by the `?` with which it takes each setting: no check can forget.
//!
//! The files stand in the order of dependence: a file uses only those above it. `iam` alone stands on both sides of `view`: what policies
//! say is below it, what a role may do by a survey is above.

/// Severity, confidence, verdict, and what a check says of one thing.
pub mod verdict;

/// ARNs, words for a shell, spans of days.
pub mod names;

/// What undoes each protection.
pub mod undoing;

/// How long, how fast, whose key.
pub mod promise;

/// Controls of standards.
pub mod frameworks;

/// How long objects live.
pub mod lifecycle;

/// A Session document, understood.
pub mod preferences;

/// What a shell profile does to the record.
mod profile;

/// Who may do what, as IAM has it.
pub mod iam;

/// What a check may look at beside its subject.
pub mod view;

/// What checks are about.
mod subject;

/// A row of the table of checks.
pub mod check;

/// The checks, a file for each theme.
mod checks;

/// All checks, in their order.
pub mod table;

/// What one check says of one thing.
pub mod finding;

/// Every check over everything.
pub mod judge;

/// What has changed between two surveys.
pub mod diff;

/// The everyday disasters, and the checks that explain them.
pub mod symptoms;

pub use self::check::Check;
pub use self::finding::Finding;
pub use self::finding::Judgement;
pub use self::judge::judge;
pub use self::table::all as checks;
pub use self::table::mutes;
pub use self::table::unknown_check;
pub use self::verdict::Confidence;
pub use self::verdict::Severity;
pub use self::verdict::Verdict;
pub use self::view::View;
