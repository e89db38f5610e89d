//! What was promised of the evidence: how long it is kept, how fast it is at hand, who holds the key.
//!
//! A profile is a set of numbers with the basis they rest on, because an auditor will ask; own numbers replace single ones.
//! Where a standard fixes no number none is invented: the basis says whose choice it is.

use serde::Serialize;

use crate::config::PromiseSpec;
use crate::error::Error;
use crate::error::Result;

/// Values that CloudWatch Logs takes as a retention ("PutRetentionPolicy", Amazon CloudWatch Logs API Reference).
pub const RETENTIONS: [i64; 22] = [
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922,
    3288, 3653,
];

/// The shortest legal retention of at least so many days; the longest there is if none is long enough.
///
/// ```
/// use ssmtrail::audit::promise::legal_retention;
/// assert_eq!([legal_retention(365), legal_retention(366), legal_retention(9999)], [365, 400, 3653]);
/// ```
pub fn legal_retention(days: i64) -> i64 {
    RETENTIONS.into_iter().find(|it| *it >= days).unwrap_or(3653)
}

/// Whether stored transcripts must be beyond the reach of everybody.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Worm {
    /// No lock is asked for.
    #[default]
    No,
    /// S3 Object Lock in `GOVERNANCE` or `COMPLIANCE` mode is asked for.
    Governance,
    /// S3 Object Lock in `COMPLIANCE` mode is asked for.
    Compliance,
}

/// A named set of numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Profile {
    /// The name that a person chooses it by, as `pci-4.0.1`.
    pub name: &'static str,
    /// Days a transcript is kept; 0 where the profile asks for none.
    pub retention_days: i64,
    /// Days within which it is read without a restore.
    pub hot_days: i64,
    /// The lock that it asks for.
    pub worm: Worm,
    /// Idle minutes at most before a session ends; `None` where the profile asks for none.
    pub idle_minutes: Option<i64>,
    /// Why these numbers.
    pub basis: &'static str,
}

const fn profile(
    name: &'static str,
    retention_days: i64,
    hot_days: i64,
    basis: &'static str,
) -> Profile {
    Profile { name, retention_days, hot_days, worm: Worm::No, idle_minutes: None, basis }
}

const USUAL: &str = "one year, three months at hand: what AWS Config, Security Hub CloudWatch.16, Prowler and Checkov take when nothing is said";
const PCI: &str = "PCI DSS 4.0.1, 10.5.1: twelve months (up to 366 days), the latest three (up to 92) immediately available; 8.2.8: 15 minutes idle";
const HIPAA: &str = "an interpretation: 45 CFR 164.316(b)(2)(i) keeps documentation six years and does not name audit logs";
const NIST: &str = "AU-11 leaves the period to the organization; 365 is ours, set your own";
const SOC: &str = "the Trust Services Criteria fix no period; 365 is ours, set your own";
const ISO: &str = "A.8.15 and A.5.33 fix no period; 365 is ours, set your own";
const CIS: &str = "the CIS AWS Foundations Benchmark asks for no period of log groups";
const JPCERT: &str = "JPCERT/CC recommends one year or more (by secondary source)";
const UNTOLD: &str = "no period was found in the public text; 365 is ours, set your own";

/// All profiles, the default first.
pub const PROFILES: [Profile; 10] = [
    profile("default", 365, 90, USUAL),
    Profile { idle_minutes: Some(15), ..profile("pci-4.0.1", 366, 92, PCI) },
    profile("hipaa", 2192, 90, HIPAA),
    profile("nist-800-53", 365, 90, NIST),
    profile("soc2", 365, 90, SOC),
    profile("iso27001-2022", 365, 90, ISO),
    profile("cis-aws-7.0.0", 0, 0, CIS),
    profile("jp-jpcert", 365, 90, JPCERT),
    profile("fisc", 365, 90, UNTOLD),
    profile("ismap", 365, 90, UNTOLD),
];

/// What the evidence is measured by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Promise {
    /// Name of the profile it started from.
    pub profile: &'static str,
    /// Why the numbers of that profile, in words.
    pub basis: &'static str,
    /// Days a transcript is kept at least; 0 where no period is asked for.
    pub retention_days: i64,
    /// Days within which it is read without a restore.
    pub hot_days: i64,
    /// Nothing is kept longer, where that was promised.
    pub max_days: Option<i64>,
    /// The lock that is asked for.
    pub worm: Worm,
    /// A customer managed key is asked for.
    pub customer_key: bool,
    /// Idle minutes at most before a session ends; `None` where none are asked for.
    pub idle_minutes: Option<i64>,
    /// Minutes a session lasts at most; `None` where none are asked for.
    pub max_session_minutes: Option<i64>,
    /// Accounts that may have a part in it, beside those surveyed.
    pub accounts: Vec<String>,
    /// Regions where evidence may lie; all if empty.
    pub regions: Vec<String>,
    /// ARNs of principals that start sessions.
    pub starters: Vec<String>,
}

impl Promise {
    /// The numbers of a profile, with nothing asked beside them.
    pub fn of(profile: &Profile) -> Self {
        Self {
            profile: profile.name,
            basis: profile.basis,
            retention_days: profile.retention_days,
            hot_days: profile.hot_days,
            max_days: None,
            worm: profile.worm,
            customer_key: false,
            idle_minutes: profile.idle_minutes,
            max_session_minutes: None,
            accounts: Vec::new(),
            regions: Vec::new(),
            starters: Vec::new(),
        }
    }

    /// The promise of the profile so named; `None` if there is none.
    pub fn named(name: &str) -> Option<Self> {
        PROFILES.iter().find(|it| it.name == name).map(Self::of)
    }

    /// What a person settled: the profile that is named on the command line, else in the configuration, else the default, with the
    /// configuration's own numbers in place of the profile's.
    ///
    /// ```
    /// use ssmtrail::audit::promise::Promise;
    /// use ssmtrail::config::PromiseSpec;
    /// let told = PromiseSpec { retention_days: Some(400), ..PromiseSpec::default() };
    /// let promise = Promise::told(&told, Some("pci-4.0.1")).unwrap();
    /// assert_eq!((promise.profile, promise.retention_days, promise.idle_minutes), ("pci-4.0.1", 400, Some(15)));
    /// assert!(Promise::told(&told, Some("pci")).is_err());
    /// ```
    ///
    /// # Errors
    /// A profile that does not exist.
    pub fn told(told: &PromiseSpec, named: Option<&str>) -> Result<Self> {
        let name = named.or(told.profile.as_ref().map(|it| it.value.as_str())).unwrap_or("default");
        let mut out = Self::named(name).ok_or_else(|| {
            let names: Vec<&str> = PROFILES.iter().map(|it| it.name).collect();
            Error::misused(format!("there is no profile {name}"))
                .hint(format!("the profiles are {}", names.join(", ")))
        })?;
        out.retention_days = told.retention_days.unwrap_or(out.retention_days);
        out.hot_days = told.hot_days.unwrap_or(out.hot_days);
        out.max_days = told.max_days;
        out.worm = match told.worm.as_ref().map(|it| it.value.as_str()) {
            Some("governance") => Worm::Governance,
            Some("compliance") => Worm::Compliance,
            _ => out.worm,
        };
        out.customer_key = told.customer_key.unwrap_or(out.customer_key);
        out.idle_minutes = told.idle_minutes.or(out.idle_minutes);
        out.max_session_minutes = told.max_session_minutes;
        out.accounts.clone_from(&told.accounts);
        out.regions.clone_from(&told.regions);
        out.starters.clone_from(&told.starters);
        Ok(out)
    }

    /// In one line, for the head of every output.
    pub fn words(&self) -> String {
        let mut parts = vec![match self.retention_days {
            0 => "no period asked for".to_owned(),
            days => format!("kept {days} days, {} at hand", self.hot_days),
        }];
        parts.extend(self.max_days.map(|it| format!("no longer than {it} days")));
        match self.worm {
            Worm::No => {}
            Worm::Governance => parts.push("locked (governance or compliance)".into()),
            Worm::Compliance => parts.push("locked (compliance)".into()),
        }
        parts.extend(self.customer_key.then(|| "a customer managed key".to_owned()));
        parts.extend(self.idle_minutes.map(|it| format!("sessions idle {it} minutes at most")));
        parts.extend(self.max_session_minutes.map(|it| format!("sessions {it} minutes at most")));
        if !self.regions.is_empty() {
            parts.push(format!("in {}", self.regions.join(", ")));
        }
        parts.join("; ")
    }
}

impl Default for Promise {
    fn default() -> Self {
        Self::of(&PROFILES[0])
    }
}

/// A finding that somebody has accepted, with the reason, for a while.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Mute {
    /// Id of the check.
    pub check: String,
    /// Pattern of the resource's ARN: `*` is any text.
    pub resource: String,
    /// Why it was accepted, in the words of whoever did.
    pub reason: String,
    /// Last day on which it holds, as 2027-01-31.
    pub until: String,
    /// Where it was said.
    pub from: String,
}
