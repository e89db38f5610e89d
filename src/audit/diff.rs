//! What has changed between two surveys: a retention shortened, a key about to go, a rule added.
//!
//! Values are compared as values, whatever was asked when; what was read then and is refused now is a change too.

use serde_json::Value;

use crate::settings::Survey;

/// One setting that is not what it was.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
pub struct Change {
    /// The thing: a bucket, a log group, a key, a Region's preferences.
    pub place: String,
    /// Path of the setting, as `settings.retention_days`.
    pub setting: String,
    /// `None` if it was not there.
    pub before: Option<String>,
    pub after: Option<String>,
}

/// Everything in which the second differs, in order of place.
pub fn changes(before: &Survey, after: &Survey) -> Vec<Change> {
    let (before, after) = (things(before), things(after));
    let mut out = Vec::new();
    for (place, it) in &before {
        match after.iter().find(|one| one.0 == *place) {
            Some((_, now)) => compare(place, "", Some(it), Some(now), &mut out),
            None => out.push(Change {
                place: place.clone(),
                setting: "surveyed".into(),
                before: Some("yes".into()),
                after: None,
            }),
        }
    }
    for (place, _) in after.iter().filter(|it| !before.iter().any(|one| one.0 == it.0)) {
        out.push(Change {
            place: place.clone(),
            setting: "surveyed".into(),
            before: None,
            after: Some("yes".into()),
        });
    }
    out.sort();
    out
}

/// Everything that was surveyed, by name.
fn things(it: &Survey) -> Vec<(String, Value)> {
    let mut out: Vec<(String, Value)> = Vec::new();
    for one in &it.corners {
        out.push((format!("Session Manager in {} of {}", one.region, one.account), value(one)));
    }
    for one in &it.groups {
        out.push((format!("logs:{} in {} of {}", one.name, one.region, one.account), value(one)));
    }
    for one in &it.buckets {
        out.push((format!("s3://{}", one.name), value(one)));
    }
    for one in &it.keys {
        out.push((format!("key {} in {} of {}", one.id, one.region, one.account), value(one)));
    }
    for one in &it.accounts {
        out.push((format!("account {}", one.id), value(one)));
    }
    for one in it.roles.iter().chain(&it.starters) {
        out.push((format!("role {}", one.arn), value(one)));
    }
    out
}

fn value(it: &impl serde::Serialize) -> Value {
    serde_json::to_value(it).unwrap_or_default()
}

/// What was asked and how much lies there changes always, and tells nothing.
const PASSING: [&str; 14] = [
    "api",
    "action",
    "at",
    "request_id",
    "sample",
    "stored_bytes",
    "ping",
    "delivered_at",
    "why",
    "expiration",
    "named_by",
    "used_by",
    "nodes",
    "instances",
];

fn compare(
    place: &str,
    path: &str,
    before: Option<&Value>,
    after: Option<&Value>,
    out: &mut Vec<Change>,
) {
    if before == after {
        return;
    }
    let join = |key: &str| match (path, key) {
        // `settings.is.retention_days` reads `settings.retention_days`.
        ("", key) => key.to_owned(),
        (path, "is") => path.to_owned(),
        (path, key) => format!("{path}.{key}"),
    };
    let none = Value::Null;
    match (before.unwrap_or(&none), after.unwrap_or(&none)) {
        (Value::Object(one), Value::Object(other)) => {
            let mut keys: Vec<&String> = one.keys().chain(other.keys()).collect();
            keys.sort();
            keys.dedup();
            // A refusal and an answer stand beside each other.
            if one.contains_key("unread") != other.contains_key("unread") {
                let read = |it: &serde_json::Map<String, Value>| match it.get("unread") {
                    Some(it) => format!(
                        "unread: {}",
                        it.get("reason").and_then(|it| it.as_str()).unwrap_or("?")
                    ),
                    None => short(it.get("is").unwrap_or(&Value::Null)),
                };
                out.push(Change {
                    place: place.into(),
                    setting: path.into(),
                    before: Some(read(one)),
                    after: Some(read(other)),
                });
                return;
            }
            // The account of a thing names it; one that is named within its settings is a setting.
            let passes = |key: &str| match key {
                "account" => path.is_empty(),
                key => PASSING.contains(&key),
            };
            for key in keys.into_iter().filter(|it| !passes(it)) {
                compare(place, &join(key), one.get(key), other.get(key), out);
            }
        }
        (Value::Array(one), Value::Array(other)) => {
            // Lists of named things are compared by name, others as a whole.
            let name = |it: &Value| {
                if it.get("sample").is_some() {
                    // A prefix of a bucket; the empty one is all of it.
                    let prefix = it.get("prefix").and_then(Value::as_str).unwrap_or_default();
                    return Some(if prefix.is_empty() { "(all)" } else { prefix }.to_owned());
                }
                ["name", "id", "arn", "action", "resource"].iter().find_map(|key| {
                    Some(it.get(key)?.as_str()?.to_owned()).filter(|it| !it.is_empty())
                })
            };
            if one.iter().chain(other).all(|it| name(it).is_some()) {
                let mut names: Vec<String> = one.iter().chain(other).filter_map(name).collect();
                names.sort();
                names.dedup();
                let find = |many: &'_ [Value], which: &str| {
                    many.iter().find(|it| name(it).as_deref() == Some(which)).cloned()
                };
                for it in names {
                    compare(
                        place,
                        &join(&it),
                        find(one, &it).as_ref(),
                        find(other, &it).as_ref(),
                        out,
                    );
                }
                return;
            }
            out.push(Change {
                place: place.into(),
                setting: path.into(),
                before: before.map(short),
                after: after.map(short),
            });
        }
        _ => {
            let told = |it: Option<&Value>| it.filter(|it| !it.is_null()).map(short);
            out.push(Change {
                place: place.into(),
                setting: path.into(),
                before: told(before),
                after: told(after),
            });
        }
    }
}

fn short(it: &Value) -> String {
    match it {
        Value::String(it) => it.clone(),
        it => it.to_string(),
    }
}
