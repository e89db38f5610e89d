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
use super::promise::Mute;
use crate::config::MuteSpec;
use crate::config::nearest;
use crate::error::Error;
use crate::error::Result;

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

/// The error about an id that no check has, with the nearest that one has.
pub fn unknown_check(id: &str) -> Error {
    let ids: Vec<&str> = all().map(|it| it.id).collect();
    let error = Error::misused(format!("there is no check {id}"));
    match nearest(&id.to_uppercase(), &ids) {
        Some(it) => error.hint(format!("did you mean {it}?")),
        None => error.hint("`ssmtrail verify --list` lists them"),
    }
}

/// What people have accepted, by the configuration.
///
/// ```
/// use ssmtrail::config::{Config, NAME};
/// let text = "[[mute]]\ncheck = \"S3-VER-01\"\nresource = \"*\"\nreason = \"moves\"\nuntil = \"2027-01-31\"\n";
/// let config = Config::read(text, NAME).unwrap();
/// assert_eq!(ssmtrail::audit::mutes(&config.mutes).unwrap()[0].check, "S3-VER-01");
/// ```
///
/// # Errors
/// A check that does not exist, with the place where it was said.
pub fn mutes(told: &[MuteSpec]) -> Result<Vec<Mute>> {
    let mut mutes = Vec::new();
    for it in told {
        if !all().any(|one| one.id == it.check) {
            let error = unknown_check(&it.check);
            return Err(Error { what: format!("{}: {}", it.from, error.what), ..error });
        }
        mutes.push(Mute {
            check: it.check.clone(),
            resource: it.resource.clone(),
            reason: it.reason.clone(),
            until: it.until.clone(),
            from: it.from.to_string(),
        });
    }
    Ok(mutes)
}
