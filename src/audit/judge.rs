//! The judge: every check over everything that was surveyed, then what somebody has accepted, then the order.
//!
//! The present is the moment of the survey, so that a survey judged again in years gives the same findings.

use super::finding::Finding;
use super::finding::Judgement;
use super::finding::finding;
use super::iam::patterns::glob;
use super::promise::Mute;
use super::promise::Promise;
use super::table;
use super::verdict::Verdict;
use super::view::View;
use crate::settings::Survey;

/// Judges a survey by a promise. `only` limits the checks by the beginning of their ids; all if empty.
pub fn judge(survey: &Survey, promise: &Promise, mutes: &[Mute], only: &[String]) -> Judgement {
    let view = View::new(survey, promise);
    let mut findings = Vec::new();
    for check in table::all() {
        if !only.is_empty() && !only.iter().any(|it| check.id.starts_with(it.as_str())) {
            continue;
        }
        check.ask.ask(&view, &mut |label, evidence, answer| {
            findings.push(finding(check, label, evidence, answer));
        });
    }
    let stale = mute(&mut findings, mutes, survey);
    // A place comes as early as its worst finding; `gathered` brings them together.
    findings.sort_by_key(|it| (it.muted.is_some(), it.status, std::cmp::Reverse(it.severity)));
    Judgement { findings: gathered(findings), stale }
}

/// Brings findings of one place together; places in the order of their worst.
fn gathered(findings: Vec<Finding>) -> Vec<Finding> {
    let mut places: Vec<(String, Vec<Finding>)> = Vec::new();
    for it in findings {
        match places.iter_mut().find(|(place, _)| *place == it.place) {
            Some((_, many)) => many.push(it),
            None => places.push((it.place.clone(), vec![it])),
        }
    }
    places.into_iter().flat_map(|it| it.1).collect()
}

/// Marks what somebody has accepted; tells which mutes are over or meet nothing.
fn mute(findings: &mut [Finding], mutes: &[Mute], survey: &Survey) -> Vec<String> {
    let today = survey.taken_at.to_string();
    let today = today.get(..10).unwrap_or_default();
    let mut stale = Vec::new();
    for it in mutes {
        let told = format!("{}: the mute of {} for {}", it.from, it.check, it.resource);
        if it.until.as_str() < today {
            stale.push(format!("{told} ended on {}", it.until));
            continue;
        }
        let mut met = false;
        for one in findings.iter_mut() {
            let about = one.check_id == it.check && glob(&it.resource, &one.resource);
            if about && matches!(one.status, Verdict::Fail | Verdict::Unknown) {
                one.muted = Some(it.clone());
                met = true;
            }
        }
        if !met {
            stale.push(format!("{told} meets nothing; it can go"));
        }
    }
    stale
}
