//! Every field of a survey is read by some check: what is asked of AWS, kept and never judged is either a fact that does not reach the
//! verdict, or a question too many.
//!
//! The worlds are those of `judging`: the sound one, and one for each row of the tables. A field is read where some world gets another
//! verdict once the field alone is set to something else.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;

use serde_json::Value;
use serde_json::json;
use ssmtrail::audit;
use ssmtrail::audit::Verdict;
use ssmtrail::audit::promise::Promise;
use ssmtrail::audit::promise::Worm;
use ssmtrail::settings::Survey;

use crate::judging::promise;
use crate::judging::worlds;

/// Fields that no finding reads, and why they are there.
const UNREAD: &[(&str, &str)] = &[
    ("/version", "a reader of another version refuses the file"),
    ("/taken_by", "which program asked"),
    ("/calls", "what asking cost"),
    ("/callers/*/arn", "who asked; the account it is of is judged"),
    ("/unread", "what could not even be begun: told beside the findings, and by the exit code"),
    ("/corners/*/documents/*/version", "which version it was whose content is judged"),
    ("/corners/*/network/instances/*/profile", "by it the role is found, which is judged"),
    (
        "/corners/*/subscription_policies/*/updated_at",
        "a subscription holds at once; of a policy of retention it tells when",
    ),
];

/// Fields that a finding only names, so that somebody finds the thing, or knows more of it.
const NAMED: &[&str] = &[
    "/buckets/*/lifecycle/minimum_size",
    "/buckets/*/lifecycle/rules/*/aborts_uploads",
    "/buckets/*/lifecycle/rules/*/id",
    "/buckets/*/prefixes/*/named_by",
    "/buckets/*/prefixes/*/sample/objects/*/head/customer_key",
    "/buckets/*/prefixes/*/sample/objects/*/key",
    "/buckets/*/prefixes/*/sample/small",
    "/buckets/*/tiering/*/id",
    "/corners/*/logs_policies/*/name",
    "/corners/*/network/acls/*/id",
    "/corners/*/network/endpoints/*/id",
    "/corners/*/preferences/version",
    "/corners/*/retention_policies/*/name",
    "/corners/*/retention_policies/*/updated_at",
    "/corners/*/subscription_policies/*/name",
    "/corners/*/trails/*/bucket",
    "/corners/*/trails/*/name",
    "/corners/*/trails/*/organization",
    "/groups/*/named_by",
    "/groups/*/policies/*/name",
    "/groups/*/subscriptions/*/name",
    "/groups/*/subscriptions/*/pattern",
    "/keys/*/region",
    "/keys/*/rotation/period_days",
    "/keys/*/state/deletion_at",
    "/keys/*/used_by/*/objects",
    "/roles/*/policies/*/name",
    "/roles/*/simulations/*/decisions/*/by_boundary",
    "/roles/*/simulations/*/decisions/*/by_organization",
];

/// How a field is read: it decides, or it is named, or neither.
#[derive(Clone, Copy, PartialEq, Eq)]
enum How {
    Judged,
    Named,
    Not,
}

/// What says how an answer was come by: it stands beneath a verdict as evidence, in every answer alike.
const EVIDENCE: [&str; 8] = [
    "/api",
    "/action",
    "/at",
    "/request_id",
    "/unread/reason",
    "/unread/why",
    "/unread/missing",
    "/unread/on",
];

/// Every leaf of a survey, by its path with `*` in the place of a position, and where it is.
fn leaves(it: &Value, path: &str, at: &str, out: &mut Vec<(String, String)>) {
    match it {
        Value::Object(map) if !map.is_empty() => {
            for (name, it) in map {
                leaves(it, &format!("{path}/{name}"), &format!("{at}/{name}"), out);
            }
        }
        // A list of texts is one field.
        Value::Array(many) if many.iter().any(|it| !it.is_string()) => {
            for (nth, it) in many.iter().enumerate() {
                leaves(it, &format!("{path}/*"), &format!("{at}/{nth}"), out);
            }
        }
        _ => out.push((path.to_owned(), at.to_owned())),
    }
}

/// What a survey comes to: the worst outcome of each check, of those that only tell what they tell; and all words of all findings.
#[derive(PartialEq)]
struct Outcome {
    verdicts: BTreeMap<&'static str, (Verdict, String)>,
    words: Vec<String>,
}

fn outcome(survey: &Value, promise: &Promise) -> Option<Outcome> {
    let survey: Survey = serde_json::from_value(survey.clone()).ok()?;
    let (mut verdicts, mut words) = (BTreeMap::new(), Vec::new());
    for it in audit::judge(&survey, promise, &[], &[]).findings {
        words.push(format!(
            "{} {} {} {:?} {:?}",
            it.check_id, it.place, it.seen, it.details, it.fixes
        ));
        let told = if it.status == Verdict::Info { it.seen } else { String::new() };
        let one = verdicts.entry(it.check_id).or_insert((it.status, told.clone()));
        if it.status < one.0 {
            *one = (it.status, told);
        }
    }
    Some(Outcome { verdicts, words })
}

/// What a value might be instead.
fn others(it: &Value, seen: &BTreeMap<String, usize>) -> Vec<Value> {
    let mut out: Vec<Value> = match it {
        Value::Bool(it) => vec![json!(!it)],
        Value::Number(it) => {
            let it = it.as_i64().unwrap_or_default();
            [0, 1, 30, it + 1, 100_000].map(|it| json!(it)).into()
        }
        Value::String(it) if it.ends_with('Z') && it.contains("T0") => {
            ["2020-01-01T00:00:00Z", "2026-11-22T12:00:00Z", "2040-01-01T00:00:00Z"]
                .map(|it| json!(it))
                .into()
        }
        Value::String(_) => ["x", ""].map(|it| json!(it)).into(),
        Value::Array(many) => vec![json!(vec!["x"; many.len()]), json!([]), json!(["x"])],
        _ => Vec::new(),
    };
    let seen = seen.keys().take(8).filter_map(|it| serde_json::from_str(it).ok());
    out.extend(seen);
    out.push(Value::Null);
    out.retain(|one| one != it);
    out
}

#[test]
fn every_field_of_a_survey_is_read_by_a_check() {
    let strict = Promise { worm: Worm::Compliance, ..promise() };
    let mut worlds: Vec<(Value, Promise)> =
        worlds().into_iter().map(|it| (it, promise())).collect();
    worlds.insert(2, (worlds[0].0.clone(), strict));
    let worlds: Vec<(Value, Promise)> = worlds
        .into_iter()
        .map(|(it, by)| (Survey::read(&it.to_string()).expect("a survey"), by))
        .map(|(it, by)| (serde_json::to_value(it).expect("JSON"), by))
        .collect();
    let before: Vec<_> = worlds.iter().map(|it| outcome(&it.0, &it.1).expect("judged")).collect();
    // The worlds of the short table, and one for each outcome of each check, stand for all.
    let short = 3 + crate::judging::rows().len();
    let mut all = BTreeSet::new();
    let stands: Vec<bool> = before
        .iter()
        .enumerate()
        .map(|(nth, it)| {
            let new = it.verdicts.iter().filter(|it| all.insert((*it.0, it.1.0))).count();
            new > 0 || nth < short
        })
        .collect();
    let mut places: BTreeMap<String, Vec<(usize, String, bool)>> = BTreeMap::new();
    let mut seen: BTreeMap<String, BTreeMap<String, usize>> = BTreeMap::new();
    for (nth, (world, _)) in worlds.iter().enumerate() {
        let mut all = Vec::new();
        leaves(world, "", "", &mut all);
        for (path, at) in all {
            // Those who start sessions are described as those who write are.
            let path = path.replace("/starters/", "/roles/").replace("/is/", "/");
            let path = path.trim_end_matches("/is").to_owned();
            let value = world.pointer(&at).expect("a leaf").to_string();
            let values = seen.entry(path.clone()).or_default();
            // A world stands for a field where it brings a value that few others have brought.
            let many = values.len();
            let times = values.entry(value).or_insert(0);
            *times += 1;
            let is_new = *times <= 4 && many < 8;
            if is_new || stands[nth] || nth < 3 {
                places.entry(path).or_default().push((nth, at, is_new || nth < 3));
            }
        }
    }
    places.retain(|path, _| !EVIDENCE.iter().any(|it| path.ends_with(it)));
    // An empty list is no field where others have items.
    let all: Vec<String> = places.keys().cloned().collect();
    let is_list = |path: &str| all.iter().any(|it| it.starts_with(&format!("{path}/")));
    places.retain(|path, _| !is_list(path));
    let paths: Vec<&String> = places.keys().collect();
    let read = |path: &str| {
        let mut read = How::Not;
        // First where it brings something new, with all that it might be; then everywhere, with little.
        let (new, more): (Vec<_>, Vec<_>) = places[path].iter().partition(|it| it.2);
        for (nth, at, is_new) in new.into_iter().chain(more) {
            let was = worlds[*nth].0.pointer(at).expect("a leaf");
            let most = if *is_new { usize::MAX } else { 2 };
            for other in others(was, &seen[path]).into_iter().take(most) {
                let mut world = worlds[*nth].0.clone();
                *world.pointer_mut(at).expect("a leaf") = other;
                let Some(after) = outcome(&world, &worlds[*nth].1) else { continue };
                if after.verdicts != before[*nth].verdicts {
                    return How::Judged;
                }
                if after.words != before[*nth].words {
                    read = How::Named;
                    if NAMED.contains(&path) {
                        return read;
                    }
                }
            }
        }
        read
    };
    let next = AtomicUsize::new(0);
    let found: Vec<(&str, How)> = std::thread::scope(|scope| {
        let (next, paths, read) = (&next, &paths, &read);
        let work = move || {
            let mut out = Vec::new();
            while let Some(it) = paths.get(next.fetch_add(1, Ordering::Relaxed)) {
                out.push((it.as_str(), read(it)));
            }
            out
        };
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(work)).collect();
        threads.into_iter().flat_map(|it| it.join().expect("a walk")).collect()
    });
    let of = |how: How| -> BTreeSet<&str> {
        found.iter().filter(|it| it.1 == how).map(|it| it.0).collect()
    };
    assert_eq!(of(How::Not), UNREAD.iter().map(|it| it.0).collect());
    assert_eq!(of(How::Named), NAMED.iter().copied().collect());
    assert!(UNREAD.len() <= 10);
    assert!(UNREAD.iter().all(|it| !it.1.is_empty()));
}
