//! The table of all checks.

use super::buckets;
use super::check::Check;
use super::cost;
use super::documents;
use super::groups;
use super::keys;
use super::network;
use super::surroundings;
use super::writers;

/// All checks, by the order in which sessions meet what they are about.
pub fn checks() -> impl Iterator<Item = &'static Check> {
    [
        documents::CHECKS,
        groups::CHECKS,
        buckets::CHECKS,
        keys::CHECKS,
        writers::CHECKS,
        network::CHECKS,
        surroundings::CHECKS,
        cost::CHECKS,
    ]
    .into_iter()
    .flatten()
}
