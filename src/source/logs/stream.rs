//! One stream as it is asked about and told: its times, its events, their sum.

use std::hash::BuildHasher;
use std::time::UNIX_EPOCH;

use aws_sdk_cloudwatchlogs::Client;

use crate::source::FIXED;
use crate::source::aws::Connection;

/// Most events of a page and of a query ("GetLogEvents", "StartQuery").
pub(super) const MOST: i32 = 10_000;

/// What a listing says of the times of a stream, in milliseconds since the epoch; 0 where it says nothing. Its text is the
/// stream's version.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct StreamTimes {
    pub(super) created: i64,
    /// Of the newest event.
    pub(super) last: i64,
    /// When an event was last taken in.
    pub(super) taken_in: i64,
}

impl StreamTimes {
    pub(super) fn version(self) -> String {
        format!("{}-{}-{}", self.created, self.last, self.taken_in)
    }

    pub(super) fn newest(self) -> i64 {
        self.created.max(self.last).max(self.taken_in)
    }

    pub(super) fn of_version(text: &str) -> Option<Self> {
        let mut parts = text.splitn(3, '-').map(|it| it.parse::<i64>().ok());
        let (created, last, taken_in) = (parts.next()??, parts.next()??, parts.next()??);
        Some(Self { created, last, taken_in })
    }
}

/// What every question about one stream needs.
pub(super) struct StreamQuestion {
    pub(super) client: Client,
    pub(super) connection: Connection,
    pub(super) resource: String,
    /// The ARN of the group, or its name.
    pub(super) group: (Option<String>, Option<String>),
    pub(super) stream: String,
}

impl StreamQuestion {
    /// Seconds since the epoch.
    pub(super) fn now(&self) -> i64 {
        let now = self.connection.sdk.time_source().map(|it| it.now());
        now.and_then(|it| it.duration_since(UNIX_EPOCH).ok())
            .map_or(0, |it| i64::try_from(it.as_secs()).unwrap_or(0))
    }
}

/// One event as AWS tells it. Times in milliseconds since the epoch.
pub(super) struct LogEvent {
    pub(super) at: i64,
    pub(super) message: String,
    pub(super) taken_in: Option<i64>,
    pub(super) id: Option<String>,
}

/// Some events, in the order of their times.
#[derive(Default)]
pub(super) struct EventPage {
    pub(super) events: Vec<LogEvent>,
    pub(super) ended: bool,
    pub(super) damaged: Option<String>,
    /// Another run may bring what is missing.
    pub(super) again: bool,
}

impl EventPage {
    pub(super) fn part(&mut self, why: &str) {
        self.damaged.get_or_insert_with(|| why.to_owned());
        self.again = true;
    }
}

/// Events in whatever order they come: how many, and the sum of their fingerprints.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Sum {
    pub(super) events: u64,
    pub(super) sum: u64,
}

impl Sum {
    pub(super) fn add(&mut self, it: &LogEvent) {
        self.events += 1;
        self.sum = self.sum.wrapping_add(FIXED.hash_one((it.at, it.taken_in, &it.message)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_tells_the_times_of_the_listing() {
        let times = StreamTimes { created: 1, last: 22, taken_in: 333 };
        assert_eq!(times.version(), "1-22-333");
        assert_eq!(StreamTimes::of_version("1-22-333"), Some(times));
        assert_eq!(StreamTimes::of_version("1-22"), None);
    }

    #[test]
    fn a_sum_does_not_depend_on_the_order_and_tells_repeats() {
        let event = |at: i64, message: &str| LogEvent {
            at,
            message: message.into(),
            taken_in: Some(at),
            id: None,
        };
        let sum = |events: &[LogEvent]| {
            let mut sum = Sum::default();
            events.iter().for_each(|it| sum.add(it));
            sum
        };
        let one = sum(&[event(1, "a"), event(2, "b")]);
        assert_eq!(one, sum(&[event(2, "b"), event(1, "a")]));
        assert_ne!(one, sum(&[event(2, "b"), event(1, "c")]));
        assert_ne!(one, sum(&[event(1, "a"), event(2, "b"), event(2, "b")]));
    }
}
