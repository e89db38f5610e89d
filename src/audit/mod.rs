//! Will the evidence survive: settings and a promise in, findings out. No I/O, no clock, no AWS here.
//!
//! A check is one row of one table: what must hold, why, what to do, which settings it reads, and a function from those
//! settings to a judgement. The walk over everything that was surveyed is written once; a check sees one thing at a
//! time. What could not be read makes a check *unknown*, by the `?` with which it takes each setting: no check can forget.
//!
//! The files stand in the order of dependence: a file uses only those above it.

/// Severity, confidence, verdict, and what a check says of one thing.
pub mod verdict;

/// ARNs, words for a shell, spans of days.
pub mod names;

/// Conditions and variables of policies.
pub mod conditions;

/// Who may do what, as policy documents say.
pub mod statements;

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

/// What a check may look at beside its subject.
pub mod view;

/// A row of the table of checks.
pub mod check;

/// Checks of buckets and the transcripts in them.
pub mod buckets;

/// Checks of Session documents.
pub mod documents;

/// Checks of log groups.
mod groups;

/// Checks of the roles that write, and of those who start sessions.
pub mod writers;

/// Checks of keys.
mod keys;

/// Checks of the network between nodes and places.
mod network;

/// Checks of trails and of the nodes' agents.
mod surroundings;

/// What keeping costs.
mod cost;

/// All checks, in their order.
pub mod table;

/// What checks are about.
mod subject;

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
pub use self::table::checks;
pub use self::verdict::Confidence;
pub use self::verdict::Severity;
pub use self::verdict::Verdict;
pub use self::view::View;
