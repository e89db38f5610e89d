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
#[derive(Debug)]
pub struct Symptom {
    /// The word in JSON, in lower case.
    pub code: &'static str,
    /// The complaint, in the words of a person.
    pub words: &'static str,
    /// Checks whose failure explains it, the likeliest first.
    pub checks: &'static [&'static str],
}

/// All three, in the order they are told in.
pub const SYMPTOMS: &[Symptom] = &[
    Symptom {
        code: "refused",
        words: "sessions refuse to start",
        checks: &[
            "PREF-ENF-02",
            "IAM-ROLE-03",
            "IAM-ROLE-04",
            "IAM-ROLE-05",
            "KMS-STATE-01",
            "KMS-POL-01",
            "NET-04",
        ],
    },
    Symptom {
        code: "unlogged",
        words: "sessions work, and nothing is logged",
        checks: &[
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
    },
    Symptom {
        code: "absent",
        words: "the instance does not appear",
        checks: &["IAM-ROLE-01", "IAM-ROLE-02", "NET-01", "NET-02", "NET-05"],
    },
];

/// One symptom, and what explains it.
#[derive(Clone, Debug)]
pub struct Explained<'a> {
    /// The complaint that is explained.
    pub symptom: &'static Symptom,
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
    let explained = SYMPTOMS.iter().map(|symptom| {
        let rank = |it: &Finding| symptom.checks.iter().position(|id| *id == it.check_id);
        let found = judgement.findings.iter().filter(|it| rank(it).is_some());
        let mut found: Vec<&Finding> = found.filter(about).collect();
        found.sort_by_key(|it| rank(it));
        let of = |verdict: Verdict| -> Vec<&Finding> {
            found.iter().copied().filter(|it| it.status == verdict).collect()
        };
        Explained {
            symptom,
            causes: of(Verdict::Fail),
            unknown: of(Verdict::Unknown),
            passed: of(Verdict::Pass).len(),
        }
    });
    explained.collect()
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
