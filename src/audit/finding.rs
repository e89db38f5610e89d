//! A finding: what one check says of one thing, with the evidence beneath it; and all of a survey together.

use super::check::Check;
use super::frameworks::Mapping;
use super::promise::Mute;
use super::subject::Label;
use super::verdict::Answer;
use super::verdict::Confidence;
use super::verdict::Fix;
use super::verdict::Judged;
use super::verdict::Severity;
use super::verdict::Verdict;
use crate::settings::Asked;
use crate::settings::Unread;
use serde::Serialize;
use sha2::Digest;
use sha2::Sha256;
use std::collections::BTreeMap;

/// One check's outcome for one thing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The same for the same check and thing, on every run.
    pub uid: String,
    /// Id of the check, as `S3-RET-01`.
    pub check_id: &'static str,
    /// What must hold, in the check's words.
    pub title: &'static str,
    /// What came of it.
    pub status: Verdict,
    /// How bad it is, by the judgement or else by the check.
    pub severity: Severity,
    /// How sure the judgement is.
    pub confidence: Confidence,
    /// Account id, 12 digits.
    pub account_id: String,
    /// Region code; empty where the thing is in no Region.
    pub region: String,
    /// ARN of the thing, or what comes nearest.
    pub resource: String,
    /// What it is grouped under for people.
    pub place: String,
    /// What was found, in words.
    pub seen: String,
    /// What was promised, in words; empty where there is nothing to compare with.
    pub promised: String,
    /// More of what was found, one line each.
    pub details: Vec<String>,
    /// Why it is unknown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unread: Option<Unread>,
    /// What happens where it does not hold, in the check's words.
    pub why: &'static str,
    /// What to do about it, in the check's words.
    pub then: &'static str,
    /// Commands that mend it, in the order they are shown in; empty where no command does.
    pub fixes: Vec<Fix>,
    /// The calls whose answers were read for it.
    pub evidence: Vec<Asked>,
    /// The mute that accepts it; `None` if nobody has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub muted: Option<Mute>,
    /// Controls that the check speaks for.
    pub mappings: Vec<&'static Mapping>,
}

impl Finding {
    /// Whether it counts as a failure.
    pub fn fails(&self) -> bool {
        self.status == Verdict::Fail && self.muted.is_none()
    }
}

/// What was judged, as a whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judgement {
    /// One for each check and thing, muted ones included.
    pub findings: Vec<Finding>,
    /// Mutes that met nothing or are over, in words.
    pub stale: Vec<String>,
}

impl Judgement {
    /// Permissions that were missing, and the checks that are unknown for want of each (TOOL-PERM-01).
    pub fn missing(&self) -> BTreeMap<String, Vec<&'static str>> {
        let mut out: BTreeMap<String, Vec<&'static str>> = BTreeMap::new();
        for it in &self.findings {
            if let Some(action) = it.unread.as_ref().and_then(|it| it.missing.clone()) {
                let checks = out.entry(action).or_default();
                if !checks.contains(&it.check_id) {
                    checks.push(it.check_id);
                }
            }
        }
        out
    }

    /// How many findings ended so, muted ones left out.
    pub fn count(&self, verdict: Verdict) -> usize {
        self.findings.iter().filter(|it| it.muted.is_none() && it.status == verdict).count()
    }
}

pub(super) fn finding(
    check: &'static Check,
    label: Label,
    evidence: Vec<Asked>,
    answer: Answer,
) -> Finding {
    let judged = answer.unwrap_or_else(Judged::unknown);
    let mut digest = Sha256::new();
    for part in [check.id, &label.account, &label.region, &label.resource] {
        digest.update(part.as_bytes());
        digest.update([0]);
    }
    let digest = digest.finalize();
    let uid = hex::encode(&digest[..16]);
    Finding {
        uid,
        check_id: check.id,
        title: check.title,
        status: judged.verdict,
        severity: judged.severity.unwrap_or(check.severity),
        confidence: judged.confidence,
        account_id: label.account,
        region: label.region,
        resource: label.resource,
        place: label.place,
        seen: judged.seen,
        promised: judged.promised,
        details: judged.details,
        unread: judged.unread,
        why: check.why,
        then: check.then,
        fixes: judged.fixes,
        evidence,
        muted: None,
        mappings: check.mappings().collect(),
    }
}
