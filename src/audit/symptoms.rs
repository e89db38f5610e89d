//! The everyday disasters, in the words of those who meet them, and the findings that explain each.
//!
//! A symptom is another order of the same findings: nothing is judged here.

use super::finding::Finding;
use super::finding::Judgement;
use super::preferences::Preferences;
use super::verdict::Verdict;
use crate::settings::Corner;
use crate::settings::KeyUse;
use crate::settings::Survey;

/// What somebody complains of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Symptom {
    /// Sessions do not start.
    Refused,
    /// Sessions start, and leave no transcript.
    Unlogged,
    /// The instance does not register with Systems Manager.
    Absent,
}

impl Symptom {
    /// All three, in the order they are told in.
    pub const ALL: [Self; 3] = [Self::Refused, Self::Unlogged, Self::Absent];

    /// The complaint, in the words of a person.
    pub fn words(self) -> &'static str {
        match self {
            Self::Refused => "sessions refuse to start",
            Self::Unlogged => "sessions work, and nothing is logged",
            Self::Absent => "the instance does not appear",
        }
    }

    /// The word in JSON, in lower case.
    pub fn code(self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::Unlogged => "unlogged",
            Self::Absent => "absent",
        }
    }

    /// Checks whose failure explains it, the likeliest first.
    pub fn checks(self) -> &'static [&'static str] {
        match self {
            Self::Refused => &[
                "PREF-ENF-02",
                "IAM-ROLE-03",
                "IAM-ROLE-04",
                "IAM-ROLE-05",
                "KMS-STATE-01",
                "KMS-POL-01",
                "NET-04",
            ],
            Self::Unlogged => &[
                "PREF-DOC-01",
                "PREF-LOG-01",
                "PREF-DOC-02",
                "S3-EXIST-01",
                "CWL-EXIST-01",
                "IAM-ROLE-01",
                "IAM-ROLE-03",
                "IAM-ROLE-04",
                "IAM-ROLE-05",
                "KMS-STATE-01",
                "KMS-POL-01",
                "NET-03",
                "NET-04",
                "COV-NODE-01",
            ],
            Self::Absent => &["IAM-ROLE-01", "IAM-ROLE-02", "NET-01", "NET-02", "NET-05"],
        }
    }
}

/// One symptom, and what explains it.
#[derive(Clone, Debug)]
pub struct Explained<'a> {
    /// The complaint that is explained.
    pub symptom: Symptom,
    /// What fails: the causes.
    pub causes: Vec<&'a Finding>,
    /// What could not be known, and may be one.
    pub unknown: Vec<&'a Finding>,
    /// How many checks speak against it.
    pub passed: usize,
}

/// Explains each symptom: for one node, or for all.
pub fn explain<'a>(
    survey: &Survey,
    judgement: &'a Judgement,
    node: Option<&str>,
) -> Vec<Explained<'a>> {
    let about = |it: &&Finding| node.is_none_or(|node| concerns(it, node, survey));
    Symptom::ALL
        .into_iter()
        .map(|symptom| {
            let mut found: Vec<&Finding> = judgement
                .findings
                .iter()
                .filter(|it| symptom.checks().contains(&it.check_id))
                .filter(about)
                .collect();
            let rank = |it: &Finding| symptom.checks().iter().position(|id| *id == it.check_id);
            found.sort_by_key(|it| rank(it));
            let of = |verdict: Verdict| {
                found.iter().copied().filter(|it| it.status == verdict).collect::<Vec<_>>()
            };
            Explained {
                symptom,
                causes: of(Verdict::Fail),
                unknown: of(Verdict::Unknown),
                passed: of(Verdict::Pass).len(),
            }
        })
        .collect()
}

/// Corners in which a node or instance is known.
pub fn corners_of<'a>(node: &str, survey: &'a Survey) -> Vec<&'a Corner> {
    let holds = |it: &&Corner| {
        it.nodes.known().into_iter().flatten().any(|it| it.id == node)
            || it.network.instances.known().into_iter().flatten().any(|it| it.id == node)
    };
    survey.corners.iter().filter(holds).collect()
}

/// Whether a finding is about a node: itself, its role, its Region's preferences, or a place or key that these name.
fn concerns(it: &Finding, node: &str, survey: &Survey) -> bool {
    let corners = corners_of(node, survey);
    let here = corners.iter().any(|one| one.account == it.account_id && one.region == it.region);
    match it.check_id.split('-').next().unwrap_or_default() {
        "NET" | "COV" => it.resource.ends_with(&format!("/{node}")),
        "IAM" if it.check_id == "IAM-ROLE-01" => it.resource.ends_with(&format!("/{node}")),
        "IAM" => survey
            .roles
            .iter()
            .any(|one| one.arn == it.resource && one.nodes.iter().any(|it| it.0 == node)),
        "S3" => {
            let named = corners.iter().filter_map(|it| {
                let document = it.preferences.known().ok().and_then(Option::as_ref)?;
                Preferences::read(document.content.known().ok()?)?.bucket.text().map(str::to_owned)
            });
            named.into_iter().any(|name| it.place == format!("s3://{name}"))
        }
        "KMS" => survey.keys.iter().any(|key| {
            let arn = key.state.known().ok().and_then(Option::as_ref).map(|it| it.arn.as_str());
            (arn == Some(&it.resource) || key.id == it.resource)
                && key.used_by.iter().any(|it| match it {
                    KeyUse::LogGroup(arn) => corners
                        .iter()
                        .any(|one| arn.contains(&format!(":{}:{}:", one.region, one.account))),
                    KeyUse::Sessions(name) => {
                        corners.iter().any(|it| name.ends_with(&format!(" in {}", it.region)))
                    }
                    KeyUse::Bucket(_) | KeyUse::Objects(_) => true,
                })
        }),
        _ => here,
    }
}
