//! A log group: every stream that a session wrote, be it while it ran or at its end.
//!
//! A stream grows while its session lives, and what DescribeLogStreams says of it lags behind ("LogStream": "typically less
//! than an hour, but in rare situations it might take longer"), so its times are part of its version and never proof that
//! there is nothing new. Reading goes on where it stopped: by AWS's token as long as that holds, else from the beginning
//! past what was read, which is counted and summed up: order of happening is not order of arrival, and where the sum is
//! another, something came late, and the stream is read anew. Application streams may lie beside session streams; what is no
//! session by its name or its first event is said and left.

use std::collections::HashSet;
use std::hash::BuildHasher;
use std::io::Read;
use std::sync::OnceLock;
use std::time::UNIX_EPOCH;

use aws_sdk_cloudwatchlogs::Client;
use aws_sdk_cloudwatchlogs::types::LogStream;
use serde::Serialize;
use tokio::runtime::Handle as Runtime;
use tokio::sync::mpsc::Sender;

use crate::config::SourceSpec;
use crate::config::partition_of;
use crate::session::SessionId;
use crate::session::Skip;
use crate::source::Body;
use crate::source::FIXED;
use crate::source::Found;
use crate::source::Handle;
use crate::source::Listed;
use crate::source::Position;
use crate::source::Refusal;
use crate::source::Seen;
use crate::source::Source;
use crate::source::aws::Connection;
use crate::source::aws::Need;
use crate::transcript::wire::Streamed;

use insights::Insights;
use pages::Next;
use pages::Pages;

/// By GetLogEvents.
mod pages;

/// By Logs Insights, where GetLogEvents is refused.
mod insights;

/// Most events of a page and of a query ("GetLogEvents", "StartQuery").
const MOST: i32 = 10_000;
/// Bytes of a stream that are fetched before it is handed on; the rest comes as it is read.
const SMALL: usize = 1 << 20;
/// Events looked at to tell whether a stream of an odd name is a session's.
const PROBE: i32 = 4;
/// Why a run does not bring all.
const LATE: &str =
    "events came late, with earlier times than those that were read; the next run reads them";
const DAY: i64 = 24 * 3600 * 1000;
/// A stream that was silent for so long is looked at for the last time: what a listing says lags by "less than an hour, but in
/// rare situations … longer" ("LogStream").
const SETTLES: i64 = 3 * 3600 * 1000;

/// A log group.
pub struct Group {
    name: String,
    group: String,
    /// `arn:aws:logs:REGION:ACCOUNT:log-group:NAME`, where AWS told it.
    arn: Option<String>,
    account: Option<String>,
    region: Option<String>,
    /// Plain reads are refused for this class; Logs Insights answers.
    infrequent: bool,
    /// How long the group keeps events, in days, where AWS told it and it is not for ever.
    retention: Option<i32>,
    client: Client,
    connection: Connection,
    ended: OnceLock<Refusal>,
}

/// What a listing says of the times of a stream, in milliseconds since the epoch; 0 where it says nothing. Its text is the
/// stream's version.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct StreamTimes {
    created: i64,
    /// Of the newest event.
    last: i64,
    /// When an event was last taken in.
    taken_in: i64,
}

impl StreamTimes {
    fn version(self) -> String {
        format!("{}-{}-{}", self.created, self.last, self.taken_in)
    }

    fn newest(self) -> i64 {
        self.created.max(self.last).max(self.taken_in)
    }

    fn of_version(text: &str) -> Option<Self> {
        let mut parts = text.splitn(3, '-').map(|it| it.parse::<i64>().ok());
        let (created, last, taken_in) = (parts.next()??, parts.next()??, parts.next()??);
        Some(Self { created, last, taken_in })
    }
}

impl Group {
    /// Looks the group up, for its ARN and class; does without where that is refused.
    pub async fn open(
        spec: &SourceSpec,
        group: &str,
        connection: Connection,
    ) -> Result<Self, Refusal> {
        let region = connection.region().ok_or_else(super::aws::no_region)?;
        let config = aws_sdk_cloudwatchlogs::config::Builder::from(&connection.sdk)
            .retry_partition(super::aws::patience())
            .interceptor(connection.calls.clone());
        let client = Client::from_conf(config.build());
        let need = Need::of("logs:DescribeLogGroups", "*");
        let mut arn = None;
        let mut infrequent = false;
        let mut retention = None;
        let mut token: Option<String> = None;
        // The prefix finds siblings, too, and any page may hold the one that is meant.
        loop {
            let asked = client.describe_log_groups().log_group_name_prefix(group);
            let page = match asked.set_next_token(token.clone()).send().await {
                Ok(it) => it,
                Err(it) => {
                    let refusal = connection.refused(&it, &need);
                    // Listing streams may be allowed all the same.
                    if refusal.ends || !refusal.why.starts_with("access denied") {
                        return Err(refusal);
                    }
                    break;
                }
            };
            let found = page.log_groups().iter().find(|it| it.log_group_name() == Some(group));
            if let Some(found) = found {
                arn = found
                    .log_group_arn()
                    .or_else(|| found.arn())
                    .map(|it| it.strip_suffix(":*").unwrap_or(it).to_owned());
                retention = found.retention_in_days();
                infrequent =
                    found.log_group_class().is_some_and(|it| it.as_str() == "INFREQUENT_ACCESS");
                break;
            }
            match page.next_token() {
                Some(it) if Some(it) != token.as_deref() => token = Some(it.to_owned()),
                Some(_) => {
                    return Err(Refusal::new("log groups cannot be listed: AWS repeats one page")
                        .hint("run the same command again"));
                }
                None => {
                    let mut it = Refusal::new(format!("there is no such log group in {region}"))
                        .hint("check its name, the Region and the account");
                    it.ends = true;
                    return Err(it);
                }
            }
        }
        let account = arn.as_deref().and_then(|it| it.split(':').nth(4)).map(str::to_owned);
        Ok(Self {
            name: format!("logs:{group}"),
            group: group.to_owned(),
            arn,
            account: spec.account.clone().or(account),
            region: Some(region),
            infrequent,
            retention,
            client,
            connection,
            ended: OnceLock::new(),
        })
    }

    pub fn connection(&self) -> &Connection {
        &self.connection
    }

    pub fn is_infrequent(&self) -> bool {
        self.infrequent
    }

    fn resource(&self) -> String {
        let partition = partition_of(self.region.as_deref().unwrap_or_default());
        self.arn.as_ref().map_or_else(
            || format!("arn:{partition}:logs:*:*:log-group:{}:*", self.group),
            |it| format!("{it}:*"),
        )
    }

    fn locator(&self, stream: &str) -> String {
        let group = self.arn.clone().unwrap_or_else(|| {
            let region = self.region.as_deref().unwrap_or_default();
            format!(
                "arn:{}:logs:{region}:{}:log-group:{}",
                partition_of(region),
                self.account.as_deref().unwrap_or_default(),
                self.group
            )
        });
        format!("{group}:log-stream:{stream}")
    }

    fn listed(&self, it: &LogStream) -> Found {
        let name = it.log_stream_name().unwrap_or_default();
        let locator = self.locator(name);
        // A session id has no slash; the streams of Lambda and of ECS tasks have.
        if SessionId::new(name).is_none() {
            let why = "the stream of something that is no session, by its name".into();
            return Found::Skip(Skip { locator, why, loses: false });
        }
        let created = it.creation_time().unwrap_or(0);
        let (last, taken_in) = (it.last_event_timestamp(), it.last_ingestion_time());
        let times =
            StreamTimes { created, last: last.unwrap_or(0), taken_in: taken_in.unwrap_or(0) };
        let grown = times.newest();
        Found::Object(Listed {
            locator,
            key: name.to_owned(),
            version: times.version(),
            bytes: 0,
            stored_at: last.or(Some(created)).and_then(|it| it.checked_mul(1000)),
            grown_at: grown.checked_mul(1000),
            blocked: None,
            handle: Handle::Stream {
                name: name.to_owned(),
                created,
                first: it.first_event_timestamp(),
            },
        })
    }

    fn refuse(&self, it: Refusal) -> Refusal {
        if it.ends {
            let _ = self.ended.set(it.clone());
        }
        it
    }

    /// Whether it is known why a stream has no events: none ever came, or the group's retention took them all.
    fn is_empty(&self, first: Option<i64>, times: StreamTimes, now: i64) -> bool {
        // Retention counts from an event's own time ("PutRetentionPolicy").
        let newest = match first.unwrap_or(0).max(times.last) {
            0 => times.taken_in,
            it => it,
        };
        let kept = self.retention.map(|it| i64::from(it).saturating_mul(DAY));
        newest == 0 || kept.is_some_and(|it| newest.saturating_add(it) <= now)
    }
}

impl Source for Group {
    fn name(&self) -> &str {
        &self.name
    }

    async fn list(&self, found: Sender<Found>) -> Result<(), Refusal> {
        let need = Need::of("logs:DescribeLogStreams", self.resource());
        let mut seen = HashSet::new();
        let mut token: Option<String> = None;
        loop {
            let request =
                self.client.describe_log_streams().set_next_token(token.clone()).limit(50);
            let request = match &self.arn {
                Some(it) => request.log_group_identifier(it),
                None => request.log_group_name(&self.group),
            };
            let page = request.send().await.map_err(|it| self.connection.refused(&it, &need))?;
            for it in page.log_streams() {
                // Pages overlap where streams come and go meanwhile.
                if seen.insert(FIXED.hash_one(it.log_stream_name()))
                    && found.send(self.listed(it)).await.is_err()
                {
                    return Ok(());
                }
            }
            match page.next_token() {
                None => return Ok(()),
                Some(it) if Some(it) == token.as_deref() => {
                    return Err(Refusal::new(
                        "the listing does not go on: AWS repeats the same page",
                    )
                    .hint("run the same command again; what was read is kept"));
                }
                Some(it) => token = Some(it.to_owned()),
            }
        }
    }

    async fn fetch(&self, it: &Listed, from: Option<&Position>) -> Result<Box<dyn Body>, Refusal> {
        if let Some(it) = self.ended.get() {
            return Err(it.clone());
        }
        let Handle::Stream { name, created, first } = &it.handle else {
            return Err(Refusal::new("no stream"));
        };
        let times = StreamTimes::of_version(&it.version).unwrap_or_default();
        let from = from.filter(|it| it.created == *created).cloned();
        let odd = from.is_none() && !SessionId::new(name).is_some_and(|it| it.is_well_formed());
        let asked = StreamQuestion {
            client: self.client.clone(),
            connection: self.connection.clone(),
            resource: self.resource(),
            group: self.arn.clone().unwrap_or_else(|| self.group.clone()),
            by_arn: self.arn.is_some(),
            stream: name.clone(),
        };
        let now = asked.now().saturating_mul(1000);
        let oldest = first.unwrap_or(*created).min(*created);
        let mut reading = StreamReading::new(asked, *created, oldest, times, from, self.infrequent);
        reading.settled = now >= times.newest().saturating_add(SETTLES);
        let limit = if odd { PROBE } else { MOST };
        while !reading.ended && reading.held.is_empty() {
            reading.more(limit).await.map_err(|it| self.refuse(it))?;
        }
        if odd && !reading.ended && !reading.is_session() {
            reading.ended = true;
            return Ok(Box::new(reading));
        }
        while !reading.ended && reading.held.len() < SMALL {
            reading.more(MOST).await.map_err(|it| self.refuse(it))?;
        }
        let nothing = reading.from.is_none() && reading.position.events == 0;
        if nothing && reading.ended && !self.is_empty(*first, times, now) {
            return Err(Refusal::new("AWS lists it as holding events, and none came")
                .hint("run the same command again; events that a shorter retention took stay listed for a while"));
        }
        Ok(Box::new(reading))
    }

    fn concurrency(&self) -> usize {
        // "GetLogEvents: 25 requests per second per account and Region" ("CloudWatch Logs quotas"): a few at once reach it.
        if self.infrequent { 4 } else { 10 }
    }

    fn calls(&self) -> Vec<(String, u64)> {
        self.connection.calls.by_name()
    }

    fn skew(&self) -> Option<i64> {
        self.connection.calls.far_off()
    }

    fn whereabouts(&self) -> (Option<String>, Option<String>) {
        (self.account.clone(), self.region.clone())
    }
}

/// An event as it is kept: as `aws logs filter-log-events` writes it, one a line.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct EventLine<'a> {
    log_stream_name: &'a str,
    timestamp: i64,
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    ingestion_time: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    event_id: Option<&'a str>,
}

/// What every question about one stream needs.
struct StreamQuestion {
    client: Client,
    connection: Connection,
    resource: String,
    group: String,
    by_arn: bool,
    stream: String,
}

impl StreamQuestion {
    /// Seconds since the epoch.
    fn now(&self) -> i64 {
        let now = self.connection.sdk.time_source().map(|it| it.now());
        now.and_then(|it| it.duration_since(UNIX_EPOCH).ok())
            .map_or(0, |it| i64::try_from(it.as_secs()).unwrap_or(0))
    }
}

/// One event as AWS tells it. Times in milliseconds since the epoch.
struct Event {
    at: i64,
    message: String,
    taken_in: Option<i64>,
    id: Option<String>,
}

/// Some events, in the order of their times.
#[derive(Default)]
struct Page {
    events: Vec<Event>,
    ended: bool,
    damaged: Option<String>,
    /// Another run may bring what is missing.
    again: bool,
}

impl Page {
    fn part(&mut self, why: &str) {
        self.damaged.get_or_insert_with(|| why.to_owned());
        self.again = true;
    }
}

/// Events in whatever order they come: how many, and the sum of their fingerprints.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Sum {
    events: u64,
    sum: u64,
}

impl Sum {
    fn add(&mut self, it: &Event) {
        self.events += 1;
        self.sum = self.sum.wrapping_add(FIXED.hash_one((it.at, it.taken_in, &it.message)));
    }
}

enum Way {
    Pages(Pages),
    Insights(Insights),
}

/// The beginning of a stream, read once more to see whether it is what was read before.
struct PrefixCheck {
    before: Position,
    sum: Sum,
    /// Events of the position's very time that are still to come.
    left: u32,
}

/// The events of one stream. Reading must happen outside of the runtime's own threads.
struct StreamReading {
    asked: StreamQuestion,
    way: Way,
    from: Option<Position>,
    /// Where a query for the whole stream begins.
    oldest: i64,
    times: StreamTimes,
    check: Option<PrefixCheck>,
    /// The stream's beginning has been compared.
    checked: bool,
    /// Nothing is expected any more: if something came late, this is the look that sees it.
    settled: bool,
    /// Events of the position's very time that were read before.
    to_skip: u32,
    position: Position,
    held: Vec<u8>,
    at: usize,
    /// Bytes have been handed on: there is no way back.
    handed_on: bool,
    ended: bool,
    damaged: Option<String>,
    again: bool,
    anew: bool,
    runtime: Runtime,
}

impl StreamReading {
    fn new(
        asked: StreamQuestion,
        created: i64,
        oldest: i64,
        times: StreamTimes,
        from: Option<Position>,
        infrequent: bool,
    ) -> Self {
        let nothing = Position::begin(created);
        let mut it = Self {
            asked,
            way: Way::Pages(Pages::default()),
            position: from.clone().unwrap_or(nothing),
            from,
            oldest,
            times,
            check: None,
            checked: false,
            settled: false,
            to_skip: 0,
            held: Vec::new(),
            at: 0,
            handed_on: false,
            ended: false,
            damaged: None,
            again: false,
            anew: false,
            runtime: Runtime::current(),
        };
        if infrequent {
            it.go_on_by_insights();
        } else if let Some(from) = &it.from {
            match from.token.clone() {
                Some(token) => it.way = Way::Pages(Pages::behind(Some(token))),
                None => it.compare(),
            }
        }
        it
    }

    /// Asks for some more events.
    async fn more(&mut self, limit: i32) -> Result<(), Refusal> {
        let page = match &mut self.way {
            Way::Insights(it) => it.next(&self.asked).await?,
            Way::Pages(it) => match it.next(&self.asked, limit).await? {
                Next::Page(it) => it,
                Next::Stale => {
                    self.compare();
                    return Ok(());
                }
                Next::Unsupported => {
                    self.go_on_by_insights();
                    return Ok(());
                }
            },
        };
        self.again |= page.again;
        self.damaged = self.damaged.take().or(page.damaged);
        self.ended = page.ended;
        for it in page.events {
            if !self.take(&it) {
                return Ok(());
            }
        }
        if let Way::Pages(it) = &self.way {
            self.position.token = it.token.clone();
        }
        if self.ended {
            self.end();
        }
        Ok(())
    }

    /// Takes one event. False if reading begins again.
    fn take(&mut self, it: &Event) -> bool {
        if let Some(check) = &mut self.check {
            let before = &check.before;
            let old = it.at < before.at || it.at == before.at && check.left > 0;
            if old {
                check.left -= u32::from(it.at == before.at);
                check.sum.add(it);
                return true;
            }
            if !self.compared() {
                return false;
            }
        }
        let from =
            self.from.as_ref().filter(|_| !self.checked && matches!(self.way, Way::Pages(_)));
        if from.is_some_and(|from| it.at <= from.at) && !self.again {
            // A token goes forward: this one should have come before.
            self.came_late();
            if !self.handed_on {
                return false;
            }
        }
        if self.to_skip > 0 {
            if self.position.at == it.at {
                self.to_skip -= 1;
                return true;
            }
            self.to_skip = 0;
        }
        self.add(it);
        true
    }

    fn add(&mut self, it: &Event) {
        let line = EventLine {
            log_stream_name: &self.asked.stream,
            timestamp: it.at,
            message: &it.message,
            ingestion_time: it.taken_in,
            event_id: it.id.as_deref(),
        };
        if serde_json::to_writer(&mut self.held, &line).is_ok() {
            self.held.push(b'\n');
        }
        self.position.add(it);
    }

    /// The end of the stream: what else does the listing know of?
    fn end(&mut self) {
        if self.check.is_some() && !self.compared() {
            return;
        }
        if self.from.is_none() || self.checked {
            return;
        }
        // What came late lies before what was read, and no token leads there ("GetLogEvents": forward).
        let late = self.position.taken_in > 0 && self.times.taken_in > self.position.taken_in;
        if late {
            self.came_late();
        } else if self.settled {
            self.again |= self.handed_on;
            if !self.handed_on {
                self.compare();
            }
        }
    }

    /// Something that was not read lies before what was.
    fn came_late(&mut self) {
        if self.handed_on {
            self.again = true;
            self.damaged.get_or_insert_with(|| LATE.into());
        } else {
            self.compare();
        }
    }

    /// Begins with the first event again, past what was read, to see whether it is still the same.
    fn compare(&mut self) {
        let Some(before) = self.from.clone() else { return };
        if before.events == 0 {
            self.begin_anew();
            return;
        }
        self.restart();
        self.position = before.clone();
        self.check = Some(PrefixCheck { left: before.count, before, sum: Sum::default() });
    }

    /// Whether the beginning was the same; if not, all of the stream is read anew.
    fn compared(&mut self) -> bool {
        let Some(it) = self.check.take() else { return true };
        self.checked = true;
        let same = it.sum == Sum { events: it.before.events, sum: it.before.sum };
        if !same {
            self.begin_anew();
        }
        same
    }

    fn begin_anew(&mut self) {
        self.restart();
        self.anew = true;
        self.position = Position::begin(self.position.created);
    }

    fn restart(&mut self) {
        self.way = match &self.way {
            Way::Pages(_) => Way::Pages(Pages::default()),
            Way::Insights(_) => Way::Insights(Insights::from(self.oldest)),
        };
        self.check = None;
        self.checked = true;
        self.to_skip = 0;
        self.held.clear();
        self.at = 0;
        self.ended = false;
        self.damaged = None;
        self.again = false;
    }

    fn go_on_by_insights(&mut self) {
        let since = match &self.from {
            // The last run got only a part of it.
            Some(it) if it.at == 0 => {
                self.way = Way::Insights(Insights::from(self.oldest));
                self.begin_anew();
                return;
            }
            Some(it) => {
                self.to_skip = it.count;
                it.at
            }
            None => self.oldest,
        };
        self.check = None;
        self.way = Way::Insights(Insights::from(since));
    }

    /// Whether the first event is one that the agent writes.
    fn is_session(&self) -> bool {
        let Some(line) = self.held.split(|it| *it == b'\n').next() else { return false };
        let event: Option<serde_json::Value> = serde_json::from_slice(line).ok();
        let message = event.as_ref().and_then(|it| it.get("message")?.as_str()).unwrap_or_default();
        message.starts_with("Script started on ") || Streamed::read(message).is_some()
    }
}

impl Position {
    /// Before the first event.
    fn begin(created: i64) -> Self {
        Self { created, token: None, at: 0, count: 0, events: 0, sum: 0, taken_in: 0 }
    }

    fn add(&mut self, it: &Event) {
        if it.at == self.at {
            self.count += 1;
        } else if it.at > self.at {
            self.at = it.at;
            self.count = 1;
        }
        let mut sum = Sum { events: self.events, sum: self.sum };
        sum.add(it);
        (self.events, self.sum) = (sum.events, sum.sum);
        self.taken_in = self.taken_in.max(it.taken_in.unwrap_or(0));
    }
}

impl Read for StreamReading {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        loop {
            let rest = &self.held[self.at..];
            if !rest.is_empty() {
                let used = rest.len().min(buffer.len());
                buffer[..used].copy_from_slice(&rest[..used]);
                self.at += used;
                self.handed_on = true;
                return Ok(used);
            }
            if self.ended {
                return Ok(0);
            }
            self.held.clear();
            self.at = 0;
            let runtime = self.runtime.clone();
            runtime.block_on(self.more(MOST))?;
        }
    }
}

impl Body for StreamReading {
    fn seen(&self) -> Seen {
        // Of a part no position is kept: the next run begins with the first event.
        let position = match self.again && !matches!(self.way, Way::Pages(_)) {
            true => Some(Position::begin(self.position.created)),
            false => Some(self.position.clone()).filter(|it| it.at > 0),
        };
        Seen {
            position,
            damaged: self.damaged.clone(),
            again: self.again,
            anew: self.anew,
            ..Seen::default()
        }
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
        let event = |at: i64, message: &str| Event {
            at,
            message: message.into(),
            taken_in: Some(at),
            id: None,
        };
        let sum = |events: &[Event]| {
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
