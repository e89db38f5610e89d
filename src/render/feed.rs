//! Rows of the archive → records for a SIEM: our own JSON lines, whose schema is printed by `export --schema`, and OCSF.
//!
//! A record says what is known and how it is known. A command is inferred from terminal text, so OCSF gets no process id that
//! nobody recorded, and a text that was typed but never run is no launch.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::Map;
use serde_json::Value;
use serde_json::json;

use crate::archive::schema::COMMANDS;
use crate::archive::schema::CommandRow;
use crate::archive::schema::Handling;
use crate::archive::schema::SESSIONS;
use crate::archive::schema::SessionRow;
use crate::archive::schema::Table;
use crate::archive::schema::Type;
use crate::archive::value::ListItem;
use crate::aws_names::Arn;
use crate::aws_names::NodeKind;
use crate::text::safe;
use crate::text::visible;
use crate::text::visible_lines;
use crate::time::At;
use crate::transcript::commands::CommandKind;
use crate::uid;

/// Versions of our records. A field may be added; when one is renamed or means another thing, the number is raised.
const COMMAND: &str = "ssmtrail.command/1";
const SESSION: &str = "ssmtrail.session/1";
const WITHDRAWN: &str = "ssmtrail.withdrawn/1";

/// The release of the Open Cybersecurity Schema Framework ("schema.ocsf.io").
pub(super) const OCSF: &str = "1.8.0";

fn words<T: ListItem>(items: &[T]) -> Vec<Cow<'_, str>> {
    items.iter().map(T::text).collect()
}

/// A row as one of our records: what names the record, then each column that is not the archive's alone.
fn record(schema: &str, uid: &str, table: &Table, row: impl Serialize) -> Value {
    let mut out = Map::new();
    out.insert("schema".into(), schema.into());
    out.insert("uid".into(), uid.into());
    if let Ok(Value::Object(mut fields)) = serde_json::to_value(row) {
        for it in table.columns.iter().filter(|it| !it.is(Handling::Inner)) {
            out.extend(fields.remove_entry(it.name));
        }
    }
    out.into()
}

/// A command as one of our records, with its name (see [`crate::uid`]).
pub fn command(it: &CommandRow, uid: &str) -> Value {
    record(COMMAND, uid, &COMMANDS, it)
}

/// A session as one of our records.
pub fn session(it: &SessionRow) -> Value {
    record(SESSION, &uid::of_session(&it.session_key), &SESSIONS, it)
}

/// The news that a command, which an earlier record of this name told of, is none by a newer reading of its session.
pub fn withdrawn(it: &SessionRow, uid: &str) -> Value {
    json!({
        "schema": WITHDRAWN,
        "uid": uid,
        "session_id": it.session_id,
        "session_key": it.session_key,
        "account_id": it.account_id,
        "command": null,
        "kind": "withdrawn",
        "decoder": it.decoder,
    })
}

/// The JSON Schema (draft 2020-12) of our records.
pub fn schema() -> Value {
    let required = ["session_id", "seq", "command", "kind", "confidence", "locator"];
    let object = |name: &str, table: &Table, fields: &Value| {
        let mut properties = Map::new();
        properties.insert("schema".into(), json!({ "const": name }));
        let about = "name of the session or command, the same however often and in whatever place it comes: keep the last record of each";
        let uid = json!({ "type": "string", "pattern": "^[0-9a-f]{32}$", "description": about });
        properties.insert("uid".into(), uid);
        let names = fields.as_object().into_iter().flatten().map(|it| it.0);
        for column in names.filter_map(|name| table.columns.iter().find(|it| it.name == *name)) {
            let must = required.contains(&column.name);
            let mut it = match column.holds {
                Type::Integer => json!({ "type": "integer" }),
                Type::Real => json!({ "type": "number", "minimum": 0, "maximum": 1 }),
                Type::Truth => json!({ "type": "boolean" }),
                _ if matches!(column.name, "flaws" | "forms" | "claims") => {
                    json!({ "type": "array", "items": { "type": "string" } })
                }
                Type::Instant => json!({ "type": ["string", "null"], "format": "date-time" }),
                _ if must => json!({ "type": "string" }),
                _ => json!({ "type": ["string", "null"] }),
            };
            it["description"] = column.means.into();
            properties.insert(column.name.into(), it);
        }
        let names: Vec<&String> = properties.keys().collect();
        let names = json!(names);
        json!({ "type": "object", "properties": properties, "required": names })
    };
    // The fields are those of the records themselves.
    let commands = object(COMMAND, &COMMANDS, &command(&CommandRow::default(), ""));
    let sessions = object(SESSION, &SESSIONS, &session(&SessionRow::default()));
    let mut gone = object(WITHDRAWN, &SESSIONS, &withdrawn(&SessionRow::default(), ""));
    gone["description"] =
        "the command of this name is none by a newer reading of its session: forget it".into();
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Records of `ssmtrail export --format jsonl`, one a line",
        "oneOf": [commands, sessions, gone],
    })
}

fn text(it: &str) -> Value {
    visible(it).into()
}

/// A class of OCSF and its category.
const PROCESS_ACTIVITY: (i64, i64) = (1007, 1);
const AUTHENTICATION: (i64, i64) = (3002, 3);

/// Who says it, in every event.
pub(super) fn product() -> Value {
    let version = env!("CARGO_PKG_VERSION");
    json!({ "name": "ssmtrail", "vendor_name": "ssmtrail", "version": version })
}

/// Where in AWS, as far as it is known.
pub(super) fn cloud(account: Option<&str>, region: Option<&str>) -> Value {
    let mut cloud = json!({ "provider": "AWS" });
    if let Some(account) = account {
        cloud["account"] = json!({ "uid": text(account), "type_id": 10, "type": "AWS Account" });
    }
    if let Some(region) = region {
        cloud["region"] = text(region);
    }
    cloud
}

/// An event: what every one of ours has, then what this one has. The first time is the one that OCSF wants, the
/// others are its borders, as far as they are known.
fn event(
    (class, category): (i64, i64),
    activity: i64,
    uid: &str,
    (account, region): (&Option<String>, &Option<String>),
    (time, start, end): (At, Option<At>, Option<At>),
    fields: Value,
) -> Value {
    let mut event = json!({
        "category_uid": category,
        "class_uid": class,
        "activity_id": activity,
        "type_uid": class * 100 + activity,
        "time": time.millis(),
        "severity_id": 1,
        "severity": "Informational",
        "cloud": cloud(account.as_deref(), region.as_deref()),
        "metadata": {
            "version": OCSF,
            "profiles": ["cloud"],
            "uid": uid,
            "log_name": "Session Manager transcript",
            "product": product(),
        },
    });
    for (name, at) in [("start_time", start), ("end_time", end)] {
        if let Some(at) = at {
            event[name] = at.millis().into();
        }
    }
    if let (Value::Object(event), Value::Object(fields)) = (&mut event, fields) {
        event.extend(fields);
    }
    event
}

/// A user by the name that is known; that it is not known is said.
fn user(name: Option<&str>) -> Value {
    match name {
        Some(it) if Arn::is_begun(it) => {
            let short = it.rsplit('/').next().unwrap_or(it);
            json!({ "uid": text(it), "name": text(short), "type_id": 0, "type": "Unknown" })
        }
        Some(it) => json!({ "name": text(it), "type_id": 0, "type": "Unknown" }),
        None => json!({ "name": "unknown", "type_id": 0, "type": "Unknown" }),
    }
}

fn device(target: Option<&str>, host: Option<&str>) -> Value {
    let mut it = json!({ "type_id": 0, "type": "Unknown" });
    match target {
        Some(target) => {
            it["uid"] = text(target);
            if NodeKind::of(target) == Some(NodeKind::Instance) {
                it["type_id"] = 6.into();
                it["type"] = "Virtual".into();
                it["instance_uid"] = text(target);
            }
        }
        None => it["name"] = "unknown".into(),
    }
    if let Some(host) = host {
        it["hostname"] = text(host);
    }
    it
}

/// How it is known when a command was typed.
fn time_is(earliest: Option<At>, latest: Option<At>) -> &'static str {
    match (earliest, latest) {
        (Some(one), Some(other)) if one == other => "exact",
        (Some(_), Some(_)) => "between start_time and end_time",
        (None, Some(_)) => "not after end_time",
        (Some(_), None) => "not before start_time",
        (None, None) => "that of the session",
    }
}

/// A command as OCSF Process Activity (1007). A text that ran is a launch; what was typed into an interpreter, or never run, is
/// activity 99. `None` where no time at all is known, which OCSF cannot say.
///
/// `session_at` is the session's best known time.
pub fn ocsf_command(it: &CommandRow, uid: &str, session_at: Option<At>) -> Option<Value> {
    let (earliest, latest) = (it.at_earliest, it.at_latest);
    let time = latest.or(earliest).or(session_at)?;
    let (activity, name) = match it.kind.known() {
        Some(CommandKind::Shell) => (1, "Launch"),
        Some(CommandKind::Repl) => (99, "Typed into an interpreter"),
        Some(CommandKind::Unconfirmed) => (99, "Typed, and nothing tells whether it ran"),
        Some(CommandKind::Abandoned | CommandKind::Possible) | None => (99, "Typed and not run"),
    };
    let session = json!({ "uid": text(&it.session_id), "is_remote": true });
    let mut process =
        json!({ "uid": uid, "cmd_line": visible_lines(&it.command), "session": session });
    if it.os_user.is_some() {
        process["user"] = user(it.os_user.as_deref());
    }
    if let Some(cwd) = &it.cwd {
        process["working_directory"] = text(cwd);
    }
    let fields = json!({
        "activity_name": name,
        "message": safe!("inferred from terminal text: {}", it.command),
        "actor": { "user": user(it.owner.as_deref()), "session": session },
        "device": device(it.target.as_deref(), it.host.as_deref()),
        "process": process,
        "unmapped": {
            "session_key": text(&it.session_key),
            "confidence": it.confidence,
            "kind": it.kind,
            "seq": it.seq,
            "time_is": time_is(earliest, latest),
            "locator": text(&it.locator),
            "byte_start": it.byte_start,
            "byte_end": it.byte_end,
            "flaws": words(&it.flaws),
        },
    });
    let (place, times) = ((&it.account_id, &it.region), (time, earliest, latest));
    Some(event(PROCESS_ACTIVITY, activity, uid, place, times, fields))
}

/// The news that a command is none by a newer reading of its session, as OCSF Process Activity: the record of this name says so
/// from now on. `None` where no time at all is known.
pub fn ocsf_withdrawn(it: &SessionRow, uid: &str) -> Option<Value> {
    let time = it.at?;
    let session = json!({ "uid": text(&it.session_id), "is_remote": true });
    let fields = json!({
        "activity_name": "Withdrawn",
        "message": "a newer reading of the session has no such command: forget it",
        "actor": { "user": user(it.owner.as_deref()), "session": session },
        "device": device(it.target.as_deref(), None),
        "process": { "uid": uid, "session": session },
        "unmapped": {
            "session_key": text(&it.session_key),
            "kind": "withdrawn",
            "time_is": time_is(None, None),
        },
    });
    let place = (&it.account_id, &it.region);
    Some(event(PROCESS_ACTIVITY, 99, uid, place, (time, None, None), fields))
}

/// A session as OCSF Authentication (3002), a remote interactive logon: what a session of Session Manager is to the machine. `None`
/// where no time at all is known.
pub fn ocsf_session(it: &SessionRow) -> Option<Value> {
    let last = it.ended_at.or(it.last_event_at);
    let (earliest, latest) = (it.first_event_at, last);
    let time = earliest.or(latest).or(it.at)?;
    // The first event comes after the start; a logon does not last, so the end of the session is no end of it.
    let time_is = match (earliest, latest) {
        (Some(_), _) => "that of the first event: the session started before",
        (None, Some(_)) => "that of the session's end",
        (None, None) => "when the transcript was stored",
    };
    let mut endpoint = json!({ "uid": it.target.as_deref().map_or("unknown".into(), text) });
    if it.target.as_deref().and_then(NodeKind::of) == Some(NodeKind::Instance) {
        endpoint["instance_uid"] = endpoint["uid"].clone();
    }
    let fields = json!({
        "activity_name": "Logon",
        "message": "a Session Manager session that left a transcript",
        "user": user(it.owner.as_deref()),
        "is_remote": true,
        "logon_type_id": 10,
        "logon_type": "Remote Interactive",
        "service": { "name": "AWS Systems Manager Session Manager", "uid": "ssm.amazonaws.com" },
        "session": { "uid": text(&it.session_id), "is_remote": true },
        "dst_endpoint": endpoint,
        "unmapped": {
            "session_key": text(&it.session_key),
            "time_is": time_is,
            "owner_from": it.owner_from,
            "run_as": it.run_as.as_deref().map(text),
            "command_count": it.command_count,
            "abandoned_count": it.abandoned_count,
            "unconfirmed_count": it.unconfirmed_count,
            "locator": text(&it.locator),
            "flaws": words(&it.flaws),
        },
    });
    let (uid, place) = (uid::of_session(&it.session_key), (&it.account_id, &it.region));
    Some(event(AUTHENTICATION, 1, &uid, place, (time, earliest, latest), fields))
}
