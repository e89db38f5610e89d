//! Events of CloudWatch Logs, the messages of streaming agents in them, and when each was shown.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::time::At;

/// One CloudWatch Logs event as GetLogEvents, FilterLogEvents and exports give it, or one streamed message on
/// its own. Every field can be missing.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Event<'a> {
    /// `logStreamName`, which FilterLogEvents gives.
    pub log_stream_name: Option<String>,
    /// `timestamp`, which the sender set: milliseconds since the epoch.
    pub timestamp: Option<i64>,
    /// `ingestionTime`, at which CloudWatch Logs took the event in: milliseconds since the epoch.
    pub ingestion_time: Option<i64>,
    /// `eventId`, which FilterLogEvents gives.
    pub event_id: Option<String>,
    /// `message`: plain text, or the JSON of a streaming agent.
    pub message: Option<String>,
    /// Present when the line is a streamed message without its envelope.
    #[serde(borrow)]
    pub session_data: Option<&'a RawValue>,
    /// `sessionId` of a streamed message without its envelope.
    pub session_id: Option<String>,
}

impl Event<'_> {
    /// What it says: its message, or the line that it was read from, where that is a streamed message without its envelope.
    pub fn message_in<'a>(&'a self, line: &'a [u8]) -> &'a str {
        match (&self.message, self.session_data) {
            (Some(it), _) => it,
            (None, Some(_)) => std::str::from_utf8(line).unwrap_or_default(),
            (None, None) => "",
        }
    }
}

/// The structured message of a streaming agent.
/// Source: amazon-ssm-agent: …/cloudwatchlogsservice.go (CloudWatchMessage).
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Streamed {
    /// `eventVersion`: version of the message's form.
    pub event_version: Option<String>,
    /// `eventTime`: the time that the agent gives the message, RFC 3339.
    pub event_time: Option<String>,
    /// `awsRegion`: Region of the session.
    pub aws_region: Option<String>,
    /// `target`: what was connected to.
    pub target: Option<StreamedTarget>,
    /// `userIdentity`: who started the session.
    pub user_identity: Option<StreamedIdentity>,
    /// `runAsUser`: operating-system user of the session.
    pub run_as_user: Option<String>,
    /// `sessionId`: the session's id.
    pub session_id: Option<String>,
    /// `sessionData`: what was shown, one line an item.
    pub session_data: Vec<String>,
}

/// `target` of a streamed message.
#[derive(Deserialize)]
pub struct StreamedTarget {
    /// Id of the node or task: `i-…`, `mi-…` or `ecs:…`.
    pub id: Option<String>,
}

/// `userIdentity` of a streamed message.
#[derive(Deserialize)]
pub struct StreamedIdentity {
    /// ARN of the principal that started the session.
    pub arn: Option<String>,
}

/// Session Manager was announced on 2018-09-11: no session is older.
pub const FIRST: At = At(1_536_624_000_000_000);

/// By so many microseconds the clocks of a machine and of AWS may differ, and a message may wait to be sent.
pub const CLOCKS: i64 = 5 * 60 * 1_000_000;

/// By so many microseconds an event may come late: a node without a network sends what it kept.
pub const LATE: i64 = 24 * 60 * 60 * 1_000_000;

/// What CloudWatch Logs says of an event: when it was, as its sender said, and when it was taken in, which
/// alone is AWS's own word ("PutLogEvents", "OutputLogEvent").
#[derive(Clone, Copy, Debug, Default)]
pub struct Times {
    /// The event's `timestamp`, which its sender set.
    pub sent: Option<At>,
    /// The event's `ingestionTime`, which CloudWatch Logs set.
    pub taken_in: Option<At>,
}

/// When an event was shown, and what its sender claims if that cannot be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Shown {
    /// `None` if nothing tells.
    pub at: Option<At>,
    /// Time that the sender claims and that cannot be; `None` if it fits.
    pub claimed: Option<At>,
}

impl Times {
    /// The times of an event.
    pub fn of(event: &Event<'_>) -> Self {
        // What is beyond all instants is as far as there are any.
        let at = |it: Option<i64>| it.map(|it| At(it.saturating_mul(1000)));
        Self { sent: at(event.timestamp), taken_in: at(event.ingestion_time) }
    }

    /// The time of an event, given what its message claims: each claim only as far as the next bears it out.
    pub fn bound(self, told: Option<At>) -> Shown {
        // What an export lost is not a time.
        let sent = self.sent.filter(|it| *it >= FIRST);
        let taken_in = self.taken_in.filter(|it| *it >= FIRST);
        let (at, claimed) = match (told, sent) {
            (Some(told), None) if told < FIRST => (None, Some(told)),
            (Some(told), Some(sent)) if told.0.abs_diff(sent.0) > CLOCKS.unsigned_abs() => {
                (Some(sent), Some(told))
            }
            (told, sent) => (told.or(sent), None),
        };
        let Some(taken_in) = taken_in else { return Shown { at, claimed } };
        let can_be = |it: At| it <= taken_in.plus(CLOCKS) && it >= taken_in.plus(-LATE);
        match at {
            Some(at) if can_be(at) => Shown { at: Some(at), claimed },
            _ => Shown { at: Some(taken_in), claimed: claimed.or(at) },
        }
    }
}

impl Streamed {
    /// When it was shown, given what CloudWatch Logs says of the event.
    pub fn at(&self, event: Times) -> Shown {
        event.bound(self.event_time.as_deref().and_then(At::read))
    }

    /// `None` if the message is no streamed JSON: then it is plain text.
    pub fn read(message: &str) -> Option<Self> {
        let start = message.trim_start();
        if !start.starts_with('{') || !start.contains("\"sessionData\"") {
            return None;
        }
        serde_json::from_str(start).ok().or_else(|| Self::loosely(start))
    }

    /// The same where a field is of another type than the agent writes: no field may hide what was shown.
    fn loosely(message: &str) -> Option<Self> {
        let it: serde_json::Value = serde_json::from_str(message).ok()?;
        let text = |it: &serde_json::Value| match it {
            serde_json::Value::String(it) => it.clone(),
            other => other.to_string(),
        };
        let told = |name: &str| Some(it.get(name)?.as_str()?.to_owned());
        let within = |name: &str, field: &str| Some(it.get(name)?.get(field)?.as_str()?.to_owned());
        Some(Self {
            event_version: told("eventVersion"),
            event_time: told("eventTime"),
            aws_region: told("awsRegion"),
            target: Some(StreamedTarget { id: within("target", "id") }),
            user_identity: Some(StreamedIdentity { arn: within("userIdentity", "arn") }),
            run_as_user: told("runAsUser"),
            session_id: told("sessionId"),
            session_data: match it.get("sessionData")? {
                serde_json::Value::Null => Vec::new(),
                serde_json::Value::Array(lines) => lines.iter().map(text).collect(),
                one => vec![text(one)],
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::At;
    use super::CLOCKS;
    use super::FIRST;
    use super::Streamed;
    use super::Times;

    #[test]
    fn a_field_of_another_type_hides_nothing_that_was_shown() {
        let lines = |it: &str| Streamed::read(it).map(|it| it.session_data);
        let of = |it: &[&str]| Some(it.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>());
        assert_eq!(lines(r#"{"sessionData":["a","b"]}"#), of(&["a", "b"]));
        assert_eq!(lines(r#"{"awsRegion":5,"sessionData":["a"]}"#), of(&["a"]));
        assert_eq!(lines(r#"{"target":"i-1","sessionData":"a"}"#), of(&["a"]));
        assert_eq!(lines(r#"{"sessionData":["a",{"b":1}]}"#), of(&["a", r#"{"b":1}"#]));
        assert_eq!(lines(r#"{"sessionData":null}"#), of(&[]));
        assert_eq!(lines(r#"{"sessionData":"#), None);
        let it = Streamed::read(r#"{"sessionId":"x","runAsUser":1,"sessionData":[]}"#).unwrap();
        assert_eq!((it.session_id.as_deref(), it.run_as_user), (Some("x"), None));
    }

    /// Found by the fuzzer: files that are handed over can claim any number.
    #[test]
    fn times_at_the_end_of_all_numbers_are_times() {
        let all = [i64::MIN, -1, 0, FIRST.0, FIRST.0 + CLOCKS + 1, i64::MAX].map(At);
        for (sent, taken_in) in all.iter().flat_map(|a| all.iter().map(move |b| (*a, *b))) {
            let times = Times { sent: Some(sent), taken_in: Some(taken_in) };
            for told in [None, Some(At(i64::MIN)), Some(At(i64::MAX))] {
                let shown = times.bound(told);
                assert!(shown.at.is_none_or(|it| it >= FIRST), "{times:?} {told:?}");
            }
        }
    }
}
