//! What is missing: a judgement about each listed object, from nothing but the listing and the ledger.
//!
//! AWS's own times are not trusted. What an object is called and which version of it is there decides; a log stream whose
//! description stands still is looked at again until it has been silent for long enough, because descriptions lag.
//! No I/O here: the whole of it is a table in the tests below.

use std::collections::BTreeMap;
use std::collections::HashMap;
use std::collections::HashSet;
use std::hash::BuildHasher;

use super::summary::Would;
use crate::archive::Held;
use crate::source::FIXED;
use crate::source::Listed;
use crate::source::Position;
use crate::time::At;

/// How long after its last known change a log stream is looked at again although nothing seems new, in microseconds.
/// "lastEventTimestamp … updates on an eventual consistency basis. It typically updates in less than an hour from ingestion,
/// but in rare situations might take longer" ("LogStream", CloudWatch Logs API Reference).
pub const SETTLES: i64 = 3 * 3600 * 1_000_000;

/// What to do with one listed object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Read it whole.
    Take,
    /// Read what it has grown by.
    Continue(KeptStream),
    /// This version of it is kept already.
    Held,
    /// This version of it was read before and is no transcript, for this reason.
    Known(String),
}

/// How far a log stream was read, and into which session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptStream {
    /// Where reading stopped.
    pub position: Position,
    /// Id of the session, as Session Manager gives it.
    pub session_id: String,
    /// The session inside the archive.
    pub session_key: String,
}

/// What the archive holds, as fingerprints: a million objects take some tens of megabytes.
#[derive(Default)]
pub struct Ledger {
    /// The run's own clock.
    now: At,
    versions: HashSet<u64>,
    bytes: HashSet<u64>,
    locators: HashSet<u64>,
    /// When what grows was last read.
    read_at: HashMap<u64, At>,
    kept: HashMap<u64, KeptStream>,
    others: HashMap<u64, String>,
    forgotten: HashSet<u64>,
}

impl Ledger {
    /// A ledger that nothing was written into yet, and what time it is.
    pub fn new(now: At) -> Self {
        Self { now, ..Self::default() }
    }

    /// Adds one kept object; later ones outrank earlier ones.
    pub fn hold(&mut self, it: &Held<'_>) {
        // Parts of one object share its version: what stands before a `#` may be the object, and so may the whole.
        let ends = it.locator.match_indices('#').map(|it| it.0);
        let whole = it.locator.len();
        for object in ends.chain([whole]).map(|end| &it.locator[..end]) {
            self.versions.insert(FIXED.hash_one((object, it.version)));
            self.bytes.insert(FIXED.hash_one((object, it.digest)));
            self.locators.insert(FIXED.hash_one(object));
        }
        let locator = FIXED.hash_one(it.locator);
        let position = it.position.and_then(|it| serde_json::from_str::<Position>(it).ok());
        if let (Some(position), Some((id, key))) = (position, it.session) {
            let kept =
                KeptStream { position, session_id: id.to_owned(), session_key: key.to_owned() };
            self.kept.insert(locator, kept);
        }
        // What was read in our future was read by a clock that was wrong: it settles nothing.
        if self.kept.contains_key(&locator)
            && let Some(read_at) = it.read_at.filter(|it| *it <= self.now)
        {
            let last = self.read_at.entry(locator).or_default();
            *last = (*last).max(read_at);
        }
    }

    /// Adds an object that was read and is no transcript.
    pub fn know(&mut self, locator: &str, version: &str, why: &str) {
        self.others.insert(FIXED.hash_one((locator, version)), why.to_owned());
    }

    /// Whether bytes with this SHA-256 were kept from this place.
    pub fn holds_bytes(&self, locator: &str, digest: &str) -> bool {
        !self.is_forgotten(locator) && self.bytes.contains(&FIXED.hash_one((locator, digest)))
    }

    /// Whether anything was kept from this place.
    pub fn knows(&self, locator: &str) -> bool {
        !self.is_forgotten(locator) && self.locators.contains(&FIXED.hash_one(locator))
    }

    /// What is kept of this place cannot be gone on from: it is taken as if it had never been met.
    pub fn forget(&mut self, locator: &str) {
        self.forgotten.insert(FIXED.hash_one(locator));
    }

    fn is_forgotten(&self, locator: &str) -> bool {
        !self.forgotten.is_empty() && self.forgotten.contains(&FIXED.hash_one(locator))
    }

    /// Whether this version is in the archive.
    pub fn holds(&self, it: &Listed) -> bool {
        self.versions.contains(&FIXED.hash_one((it.locator.as_str(), it.version.as_str())))
    }
}

/// Whether an object is to be read, and from where.
pub fn decide(it: &Listed, ledger: &Ledger) -> Decision {
    if ledger.is_forgotten(&it.locator) {
        return Decision::Take;
    }
    let held = ledger.holds(it);
    if !held && let Some(why) = ledger.others.get(&FIXED.hash_one((&it.locator, &it.version))) {
        return Decision::Known(why.clone());
    }
    let locator = FIXED.hash_one(it.locator.as_str());
    // Another stream of the same name begins anew.
    let same = |kept: &&KeptStream| it.created == Some(kept.position.created);
    let kept = ledger.kept.get(&locator).filter(same);
    let Some(kept) = kept else { return if held { Decision::Held } else { Decision::Take } };
    let read_at = ledger.read_at.get(&locator).copied().unwrap_or(At(i64::MIN));
    let settled = it.grown_at.is_none_or(|grown| read_at >= grown.plus(SETTLES));
    if held && settled { Decision::Held } else { Decision::Continue(kept.clone()) }
}

/// The day whose list prices are in [`cost`]. They are written down from "Amazon S3 pricing" and "Amazon CloudWatch
/// pricing" for us-east-1; other Regions differ by some tens of per cent.
pub const PRICED: &str = "2026-11-23";

/// USD for 1,000 requests, by call. Calls of CloudWatch Logs that read events are free.
const REQUESTS: [(&str, f64); 5] = [
    ("GetObject", 0.0004),
    ("HeadBucket", 0.0004),
    ("HeadObject", 0.0004),
    ("ListObjectVersions", 0.005),
    ("ListObjectsV2", 0.005),
];
/// USD for a GB that leaves AWS for the internet; within the Region it is free.
const TRANSFER: f64 = 0.09;

/// What a run would ask and pay.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Cost {
    /// Calls by name: those that the listing needs, and those that reading would.
    pub calls: BTreeMap<String, u64>,
    /// US dollars for the calls.
    pub requests_usd: f64,
    /// US dollars for the bytes, if they leave AWS for the internet.
    pub transfer_usd: f64,
}

/// The price of what a run would take from a source. A folder costs nothing.
pub fn cost(it: &Would) -> Cost {
    let mut calls = it.calls.clone();
    if let Some((name, many)) = it.reads {
        *calls.entry(name.into()).or_default() += many;
    }
    let price = |name: &str| REQUESTS.iter().find(|it| it.0 == name).map_or(0.0, |it| it.1);
    let requests_usd = calls.iter().map(|(name, count)| *count as f64 * price(name) / 1000.0).sum();
    Cost { calls, requests_usd, transfer_usd: it.bytes as f64 * TRANSFER / 1e9 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Handle;

    const NOW: At = At(100 * 3_600_000_000);

    fn object(locator: &str, version: &str) -> Listed {
        Listed {
            locator: locator.into(),
            key: locator.into(),
            version: version.into(),
            bytes: 1,
            stored_at: None,
            grown_at: None,
            created: None,
            blocked: None,
            handle: Handle::Object { version_id: None },
        }
    }

    fn stream(locator: &str, version: &str, created: i64, grown_at: i64) -> Listed {
        Listed {
            grown_at: Some(At(grown_at)),
            created: Some(created),
            handle: Handle::Stream { first: None },
            ..object(locator, version)
        }
    }

    fn ledger(rows: &[(&str, &str, Option<&str>, i64)]) -> Ledger {
        let mut ledger = Ledger::new(NOW);
        for (locator, version, position, read_at) in rows {
            ledger.hold(&Held {
                locator,
                version,
                digest: "digest",
                session: Some(("alice", "alice")),
                read_at: Some(At(*read_at)),
                position: *position,
            });
        }
        ledger
    }

    #[test]
    fn an_object_is_taken_unless_this_version_of_it_is_held() {
        let mut ledger = ledger(&[
            ("a.log", "v1", None, 0),
            ("b.jsonl#alice-1", "v1", None, 0),
            ("x#y/e.log", "v1", None, 0),
        ]);
        ledger.know("c.png", "v1", "a PNG image");
        let rows = [
            ("a.log", "v1", Decision::Held),
            ("a.log", "v2", Decision::Take),
            ("d.log", "v1", Decision::Take),
            ("b.jsonl", "v1", Decision::Held),
            ("x#y/e.log", "v1", Decision::Held),
            ("x#y/f.log", "v1", Decision::Take),
            ("c.png", "v1", Decision::Known("a PNG image".into())),
            ("c.png", "v2", Decision::Take),
        ];
        for (locator, version, decision) in rows {
            let it = object(locator, version);
            assert_eq!(decide(&it, &ledger), decision, "{locator} {version}");
        }
    }

    #[test]
    fn a_stream_is_continued_until_it_has_been_silent_and_begun_anew_when_it_was_made_anew() {
        let at = |created: i64| format!(r#"{{"created":{created},"token":null,"at":5,"count":1}}"#);
        let hour = 3_600_000_000;
        let rows = |read_at: i64| ledger(&[("s", "v1", Some(&at(1)), read_at)]);
        let takes = |it: &Listed, ledger: &Ledger| match decide(it, ledger) {
            Decision::Continue(kept) => format!("continue at {}", kept.position.at),
            it => format!("{it:?}"),
        };
        // (version listed, created, last change, read at) → what is done
        let table = [
            ("v1", 1, 0, 4 * hour, "Held"),
            ("v1", 1, 0, 2 * hour, "continue at 5"),
            ("v2", 1, hour, 9 * hour, "continue at 5"),
            ("v2", 2, hour, 9 * hour, "Take"),
            // Read by a clock that stood in 2099.
            ("v1", 1, 0, NOW.0 + hour, "continue at 5"),
        ];
        for (version, created, grown, read_at, wanted) in table {
            let it = stream("s", version, created, grown);
            assert_eq!(takes(&it, &rows(read_at)), wanted, "{version} {created} {grown} {read_at}");
        }
    }

    #[test]
    fn a_price_is_that_of_the_calls_and_of_the_bytes() {
        let would = Would {
            source: "s3://acme/".into(),
            take: 1_000_000,
            bytes: 50_000_000_000,
            calls: BTreeMap::from([("ListObjectsV2".to_owned(), 1000)]),
            reads: Some(("GetObject", 1_000_000)),
            ..Would::default()
        };
        let cost = cost(&would);
        assert_eq!(format!("{:.3} {:.3}", cost.requests_usd, cost.transfer_usd), "0.405 4.500");
        let folder = Would { source: "/logs".into(), take: 9, ..Would::default() };
        assert_eq!(super::cost(&folder), Cost::default());
    }
}
