//! What has changed between two surveys: a retention shortened, a key about to go, a rule added.
//!
//! Values are compared as values, whatever was asked when; what was read then and is refused now is a change too.

use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::Map;
use serde_json::Value;

use crate::settings::Survey;

/// One setting that is not what it was.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Change {
    /// The thing: a bucket, a log group, a key, a Region's preferences.
    pub place: String,
    /// Path of the setting, as `settings.retention_days`.
    pub setting: String,
    /// `None` if it was not there.
    pub before: Option<String>,
    /// `None` if it is not there any more.
    pub after: Option<String>,
}

/// Everything in which the second differs, in order of place.
pub fn changes(before: &Survey, after: &Survey) -> Vec<Change> {
    let (before, after) = (things(before), things(after));
    let mut out = Vec::new();
    for (place, it) in &before {
        let mut of = Comparison { place, out: &mut out };
        match after.iter().find(|one| one.0 == *place) {
            Some((_, now)) => of.values("", Some(it), Some(now)),
            None => of.tell("surveyed", Some("yes".into()), None),
        }
    }
    for (place, _) in after.iter().filter(|it| !before.iter().any(|one| one.0 == it.0)) {
        Comparison { place, out: &mut out }.tell("surveyed", None, Some("yes".into()));
    }
    out.sort();
    out
}

/// Everything that was surveyed, by name.
fn things(it: &Survey) -> Vec<(String, Value)> {
    let mut out =
        named(&it.corners, |it| format!("Session Manager in {} of {}", it.region, it.account));
    out.extend(named(&it.groups, |it| {
        format!("logs:{} in {} of {}", it.name, it.region, it.account)
    }));
    out.extend(named(&it.buckets, |it| format!("s3://{}", it.name)));
    out.extend(named(&it.keys, |it| format!("key {} in {} of {}", it.id, it.region, it.account)));
    out.extend(named(&it.accounts, |it| format!("account {}", it.id)));
    out.extend(named(&it.roles, |it| format!("role {}", it.arn)));
    out.extend(named(&it.starters, |it| format!("role {}", it.arn)));
    out
}

fn named<T: Serialize>(many: &[T], name: fn(&T) -> String) -> Vec<(String, Value)> {
    many.iter().map(|it| (name(it), serde_json::to_value(it).unwrap_or_default())).collect()
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

/// The comparison of one thing, and what was found different so far.
struct Comparison<'a> {
    place: &'a str,
    out: &'a mut Vec<Change>,
}

/// A setting below another: `settings.is.retention_days` reads `settings.retention_days`.
fn join(path: &str, key: &str) -> String {
    match (path, key) {
        ("", key) => key.to_owned(),
        (path, "is") => path.to_owned(),
        (path, key) => format!("{path}.{key}"),
    }
}

/// By what an item of a list is called.
fn name(it: &Value) -> Option<String> {
    if it.get("sample").is_some() {
        // A prefix of a bucket; the empty one is all of it.
        let prefix = it.get("prefix").and_then(Value::as_str).unwrap_or_default();
        return Some(if prefix.is_empty() { "(all)" } else { prefix }.to_owned());
    }
    ["name", "id", "arn", "action", "resource"]
        .iter()
        .find_map(|key| Some(it.get(key)?.as_str()?.to_owned()).filter(|it| !it.is_empty()))
}

impl Comparison<'_> {
    fn tell(&mut self, path: &str, before: Option<String>, after: Option<String>) {
        let (place, setting) = (self.place.to_owned(), path.to_owned());
        self.out.push(Change { place, setting, before, after });
    }

    fn values(&mut self, path: &str, before: Option<&Value>, after: Option<&Value>) {
        if before == after {
            return;
        }
        match (before, after) {
            (Some(Value::Object(one)), Some(Value::Object(other))) => {
                self.objects(path, one, other)
            }
            (Some(Value::Array(one)), Some(Value::Array(other))) => self.lists(path, one, other),
            _ => {
                let told = |it: Option<&Value>| it.filter(|it| !it.is_null()).map(short);
                self.tell(path, told(before), told(after));
            }
        }
    }

    fn objects(&mut self, path: &str, one: &Map<String, Value>, other: &Map<String, Value>) {
        // A refusal and an answer stand beside each other.
        if one.contains_key("unread") != other.contains_key("unread") {
            let read = |it: &Map<String, Value>| match it.get("unread") {
                Some(it) => {
                    format!("unread: {}", it.get("reason").and_then(Value::as_str).unwrap_or("?"))
                }
                None => short(it.get("is").unwrap_or(&Value::Null)),
            };
            return self.tell(path, Some(read(one)), Some(read(other)));
        }
        // The account of a thing names it; one that is named within its settings is a setting.
        let passes = |key: &str| match key {
            "account" => path.is_empty(),
            key => PASSING.contains(&key),
        };
        let keys: BTreeSet<&String> = one.keys().chain(other.keys()).collect();
        for key in keys.into_iter().filter(|it| !passes(it)) {
            self.values(&join(path, key), one.get(key), other.get(key));
        }
    }

    /// Lists of named things are compared by name, others as a whole.
    fn lists(&mut self, path: &str, one: &[Value], other: &[Value]) {
        let all = || one.iter().chain(other);
        if !all().all(|it| name(it).is_some()) {
            let whole = |it: &[Value]| short(&Value::from(it));
            return self.tell(path, Some(whole(one)), Some(whole(other)));
        }
        let find = |many: &[Value], which: &str| {
            many.iter().find(|it| name(it).as_deref() == Some(which)).cloned()
        };
        for it in all().filter_map(name).collect::<BTreeSet<_>>() {
            let (one, other) = (find(one, &it), find(other, &it));
            self.values(&join(path, &it), one.as_ref(), other.as_ref());
        }
    }
}

fn short(it: &Value) -> String {
    match it {
        Value::String(it) => it.clone(),
        it => it.to_string(),
    }
}
