//! The table of all checks.

use super::check::Check;
use super::checks::bucket;
use super::checks::cost;
use super::checks::document;
use super::checks::key;
use super::checks::log_group;
use super::checks::network;
use super::checks::node;
use super::checks::starter;
use super::checks::trail;
use super::checks::writer_role;

/// All checks, by the order in which sessions meet what they are about.
pub fn all() -> impl Iterator<Item = &'static Check> {
    [
        document::recording::CHECKS,
        document::others::CHECKS,
        document::sessions::CHECKS,
        log_group::retention::CHECKS,
        log_group::protection::CHECKS,
        bucket::exists::CHECKS,
        bucket::encryption::CHECKS,
        bucket::retention::CHECKS,
        bucket::lock::CHECKS,
        bucket::access::CHECKS,
        bucket::copies::CHECKS,
        key::CHECKS,
        writer_role::CHECKS,
        starter::CHECKS,
        network::route::CHECKS,
        network::endpoint::CHECKS,
        network::firewall::CHECKS,
        trail::CHECKS,
        node::CHECKS,
        cost::CHECKS,
    ]
    .into_iter()
    .flatten()
}
