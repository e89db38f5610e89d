//! How long an object lives under a bucket's lifecycle rules, versioning and lock: arithmetic over settings.
//!
//! Scanners that pass "any enabled rule" pass one that deletes everything after a day; so rules are applied here to the
//! very prefix that receives transcripts.
//! Source: "Lifecycle configuration elements", "Expiring objects", "How S3 Object Lock works" (Amazon S3 User Guide).

use crate::settings::BucketRule;
use crate::settings::Lifecycle;
use crate::settings::Lock;
use crate::settings::Versioning;
use crate::time::At;

/// What becomes of objects below a prefix.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fate {
    /// Days until an object leaves the listing; `None` is never.
    pub visible: Option<i64>,
    /// Days until its last version is gone; `None` is never.
    pub effective: Option<i64>,
    /// The rule that hides it.
    pub rule: Option<String>,
    /// The rule meets only objects below this longer prefix, or only some by their size.
    pub some: Option<String>,
}

/// What all rules together do to one prefix.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fates {
    /// What every object there meets.
    pub all: Fate,
    /// What only some meet, each by its own rule.
    pub some: Vec<Fate>,
    /// Rules that ask for object tags, which Session Manager's uploads do not carry.
    pub tagged: Vec<String>,
}

impl Fates {
    /// The worst for any object.
    pub fn worst(&self) -> impl Iterator<Item = &Fate> {
        std::iter::once(&self.all).chain(&self.some)
    }
}

/// How a rule meets a prefix.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Meets {
    /// All objects below the prefix.
    All,
    /// Only some of the objects, in words.
    Some(String),
    /// The rule is disabled or about other prefixes.
    None,
    /// Only objects with tags.
    Tagged,
}

/// Which of the objects below a prefix a rule is about.
pub fn meets(rule: &BucketRule, prefix: &str) -> Meets {
    if !rule.enabled {
        return Meets::None;
    }
    let (all, some) = (prefix.starts_with(&rule.prefix), rule.prefix.starts_with(prefix));
    if !all && !some {
        return Meets::None;
    }
    if rule.tagged {
        return Meets::Tagged;
    }
    match (all, rule.sized) {
        (true, false) => Meets::All,
        (true, true) => Meets::Some(format!("{prefix}* of some sizes")),
        (false, _) => Meets::Some(format!("{}*", rule.prefix)),
    }
}

/// What the rules do to objects uploaded below a prefix now.
pub fn fates(
    lifecycle: Option<&Lifecycle>,
    versioning: &Versioning,
    lock: Option<&Lock>,
    prefix: &str,
    now: At,
) -> Fates {
    let mut all = Vec::new();
    let mut out = Fates::default();
    let mut some = Vec::new();
    for rule in lifecycle.into_iter().flat_map(|it| &it.rules) {
        match meets(rule, prefix) {
            Meets::All => all.push(rule),
            Meets::Some(which) => some.push((which, rule)),
            Meets::Tagged => out.tagged.push(rule.id.clone()),
            Meets::None => {}
        }
    }
    let fate = |rules: &[&BucketRule], which: Option<String>| {
        let of_rule = |it: &BucketRule| {
            let by_date = it.expire_on.map(|on| now.days_until(on).max(0));
            it.expire_days.into_iter().chain(by_date).min()
        };
        let first =
            rules.iter().filter_map(|it| Some((of_rule(it)?, &it.id))).min_by_key(|it| it.0);
        let visible = first.map(|it| it.0);
        // A session's key is unique, so its one noncurrent version is always among the newest that are kept.
        let noncurrent = rules
            .iter()
            .filter(|it| it.noncurrent_kept.unwrap_or(0) == 0)
            .filter_map(|it| it.noncurrent_days)
            .min();
        let versioned = versioning.status.as_deref() == Some("Enabled");
        let effective = match versioned {
            // Without versions, or with the null version alone, deletion is deletion.
            false => visible,
            true => {
                let locked = lock.and_then(|it| it.mode.as_ref().and(it.days));
                let gone = visible.zip(noncurrent).map(|it| it.0.saturating_add(it.1));
                gone.and(gone.max(locked))
            }
        };
        Fate { visible, effective, rule: first.map(|it| it.1.clone()), some: which }
    };
    out.all = fate(&all, None);
    for (which, rule) in some {
        let mut rules = all.clone();
        rules.push(rule);
        let it = fate(&rules, Some(which));
        if (it.visible, it.effective) != (out.all.visible, out.all.effective) {
            out.some.push(it);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const PREFIX: &str = "session-logs/";

    fn rule(expire: Option<i64>, noncurrent: Option<i64>, kept: Option<i64>) -> BucketRule {
        BucketRule {
            id: "r".into(),
            enabled: true,
            expire_days: expire,
            noncurrent_days: noncurrent,
            noncurrent_kept: kept,
            ..BucketRule::default()
        }
    }

    /// Versioning, rule, days of lock → visible/effective of all, and of some.
    fn told(versioning: &str, rules: &[BucketRule], lock: Option<i64>) -> String {
        let lifecycle = Lifecycle { rules: rules.to_vec(), minimum_size: None };
        let versioning = Versioning {
            status: Some(versioning.to_owned()).filter(|it| it != "off"),
            mfa_delete: false,
        };
        let lock = lock.map(|days| Lock { mode: Some("GOVERNANCE".into()), days: Some(days) });
        let now = At::read("2026-11-23T00:00:00Z").unwrap();
        let it = fates(Some(&lifecycle), &versioning, lock.as_ref(), PREFIX, now);
        let days = |it: Option<i64>| it.map_or("∞".into(), |it| it.to_string());
        let mut out = format!("{}/{}", days(it.all.visible), days(it.all.effective));
        for some in &it.some {
            let (visible, effective) = (days(some.visible), days(some.effective));
            out.push_str(&format!(" {} {visible}/{effective}", some.some.as_deref().unwrap_or("")));
        }
        for id in &it.tagged {
            out.push_str(&format!(" tagged {id}"));
        }
        out
    }

    #[test]
    fn a_transcript_lives_as_long_as_rules_versions_and_lock_let_it() {
        let expire = |days| rule(Some(days), None, None);
        let below = |prefix: &str, days| BucketRule { prefix: prefix.into(), ..expire(days) };
        let on = |text: &str| BucketRule { expire_on: At::read(text), ..rule(None, None, None) };
        let cases: &[(&str, Vec<BucketRule>, Option<i64>, &str)] = &[
            ("off", vec![], None, "∞/∞"),
            ("off", vec![expire(90)], None, "90/90"),
            ("Enabled", vec![expire(90)], None, "90/∞"),
            ("Enabled", vec![rule(Some(90), Some(30), None)], None, "90/120"),
            ("Enabled", vec![rule(Some(365), Some(30), None)], None, "365/395"),
            ("Enabled", vec![rule(Some(90), Some(30), Some(1))], None, "90/∞"),
            ("Suspended", vec![expire(90)], None, "90/90"),
            ("off", vec![BucketRule { enabled: false, ..expire(90) }], None, "∞/∞"),
            ("off", vec![below("other/", 1)], None, "∞/∞"),
            ("off", vec![below("session-logs/alice-", 1)], None, "∞/∞ session-logs/alice-* 1/1"),
            ("off", vec![BucketRule { tagged: true, ..expire(1) }], None, "∞/∞ tagged r"),
            (
                "off",
                vec![BucketRule { sized: true, ..expire(1) }],
                None,
                "∞/∞ session-logs/* of some sizes 1/1",
            ),
            ("off", vec![on("2020-01-01T00:00:00Z")], None, "0/0"),
            ("off", vec![on("2026-12-23T00:00:00Z")], None, "30/30"),
            ("Enabled", vec![rule(Some(30), Some(1), None)], Some(365), "30/365"),
            // The lock of a bucket that is not versioned holds nothing.
            ("Suspended", vec![expire(30)], Some(365), "30/30"),
            // Two rules: the earlier one hides, and a rule for noncurrent versions alone ends them.
            ("Enabled", vec![expire(90), expire(30), rule(None, Some(7), None)], None, "30/37"),
            // A rule of a shorter prefix is about all that lies below it.
            ("off", vec![below("session", 40)], None, "40/40"),
            // A stronger rule for all makes a weaker one for some say nothing new.
            ("off", vec![expire(5), below("session-logs/alice-", 9)], None, "5/5"),
        ];
        for (versioning, rules, lock, wanted) in cases {
            assert_eq!(told(versioning, rules, *lock), *wanted, "{versioning} {rules:?}");
        }
    }
}
