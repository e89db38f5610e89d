//! A log group: every stream that a session wrote, be it while it ran or at its end.
//!
//! A stream grows while its session lives, and what DescribeLogStreams says of it lags behind ("LogStream": "typically less
//! than an hour, but in rare situations it might take longer"), so its times are part of its version and never proof that
//! there is nothing new. Reading goes on where it stopped: by AWS's token as long as that holds, else behind the last event.
//! Application streams may lie beside session streams; what is no session by its name or its first event is said and left.

use std::collections::HashSet;
use std::hash::BuildHasher;
use std::io::Read;
use std::sync::OnceLock;
use std::time::Duration;
use std::time::UNIX_EPOCH;

use aws_sdk_cloudwatchlogs::Client;
use aws_sdk_cloudwatchlogs::error::ProvideErrorMetadata;
use aws_sdk_cloudwatchlogs::types::LogStream;
use aws_sdk_cloudwatchlogs::types::OutputLogEvent;
use aws_sdk_cloudwatchlogs::types::QueryStatus;
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

/// Most events of a page and of a query ("GetLogEvents", "StartQuery").
const MOST: i32 = 10_000;
/// Bytes of a stream that are fetched before it is handed on; the rest comes as it is read.
const SMALL: usize = 1 << 20;
/// Events looked at to tell whether a stream of an odd name is a session's.
const PROBE: i32 = 4;

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
    client: Client,
    connection: Connection,
    ended: OnceLock<Refusal>,
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
        let described = client.describe_log_groups().log_group_name_prefix(group).send().await;
        let mut arn = None;
        let mut infrequent = false;
        match described {
            Ok(page) => {
                let Some(found) =
                    page.log_groups().iter().find(|it| it.log_group_name() == Some(group))
                else {
                    let mut it = Refusal::new(format!("there is no such log group in {region}"))
                        .hint("check its name, the Region and the account");
                    it.ends = true;
                    return Err(it);
                };
                arn = found
                    .log_group_arn()
                    .or_else(|| found.arn())
                    .map(|it| it.strip_suffix(":*").unwrap_or(it).to_owned());
                infrequent =
                    found.log_group_class().is_some_and(|it| it.as_str() == "INFREQUENT_ACCESS");
            }
            Err(it) => {
                let refusal = connection.refused(&it, &need);
                // Listing streams may be allowed all the same.
                if refusal.ends || !refusal.why.starts_with("access denied") {
                    return Err(refusal);
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
        let (last, ingested) = (it.last_event_timestamp(), it.last_ingestion_time());
        let grown = [Some(created), last, ingested].into_iter().flatten().max().unwrap_or(0);
        Found::Object(Listed {
            locator,
            key: name.to_owned(),
            version: format!("{created}-{}-{}", last.unwrap_or(0), ingested.unwrap_or(0)),
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
        let from = from.filter(|it| it.created == *created).cloned();
        let odd = !SessionId::new(name).is_some_and(|it| it.is_well_formed());
        let mut pages = Pages {
            client: self.client.clone(),
            connection: self.connection.clone(),
            resource: self.resource(),
            group: self.arn.clone().unwrap_or_else(|| self.group.clone()),
            by_arn: self.arn.is_some(),
            stream: name.clone(),
            token: from.as_ref().and_then(|it| it.token.clone()),
            from: from.clone(),
            by_time: false,
            to_skip: 0,
            position: from.clone().unwrap_or(Position {
                created: *created,
                token: None,
                at: 0,
                count: 0,
            }),
            held: Vec::new(),
            at: 0,
            ended: false,
            damaged: None,
            refused: false,
            pages: 0,
            runtime: Runtime::current(),
        };
        if pages.from.is_some() && pages.token.is_none() {
            pages.go_on_by_time();
        }
        // The class is not known where the group may not be described: then the refusal tells it.
        if !self.infrequent && !pages.ended {
            let limit = if odd && pages.from.is_none() { PROBE } else { MOST };
            pages.page(limit).await.map_err(|it| self.refuse(it))?;
        }
        if self.infrequent || pages.refused {
            let since = from.map_or(first.unwrap_or(*created).min(*created), |it| it.at);
            pages.to_skip = 0;
            pages.ask_insights(since).await.map_err(|it| self.refuse(it))?;
            return Ok(Box::new(pages));
        }
        if odd && pages.from.is_none() && !pages.is_session() {
            pages.ended = true;
            return Ok(Box::new(pages));
        }
        while !pages.ended && pages.held.len() < SMALL {
            pages.page(MOST).await.map_err(|it| self.refuse(it))?;
        }
        Ok(Box::new(pages))
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
struct Line<'a> {
    log_stream_name: &'a str,
    timestamp: i64,
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    ingestion_time: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    event_id: Option<&'a str>,
}

/// The events of one stream, page by page. Reading must happen outside of the runtime's own threads.
struct Pages {
    client: Client,
    connection: Connection,
    resource: String,
    group: String,
    by_arn: bool,
    stream: String,
    token: Option<String>,
    from: Option<Position>,
    by_time: bool,
    /// Events of the position's very time that were read before.
    to_skip: u32,
    position: Position,
    held: Vec<u8>,
    at: usize,
    ended: bool,
    damaged: Option<String>,
    /// This class of group has no GetLogEvents.
    refused: bool,
    pages: u32,
    runtime: Runtime,
}

impl Pages {
    async fn page(&mut self, limit: i32) -> Result<(), Refusal> {
        let request = self
            .client
            .get_log_events()
            .log_stream_name(&self.stream)
            .limit(limit)
            .start_from_head(true);
        let request = match self.by_arn {
            true => request.log_group_identifier(&self.group),
            false => request.log_group_name(&self.group),
        };
        let request = match (&self.token, &self.from) {
            (Some(it), _) => request.next_token(it),
            (None, _) => request,
        };
        // A token goes with the question it was an answer to.
        let request = match &self.from {
            Some(from) if self.by_time => request.start_time(from.at),
            _ => request,
        };
        let turn = self.connection.calls.turn().await;
        let answer = request.send().await;
        drop(turn);
        let page = match answer {
            Ok(it) => it,
            Err(it) => {
                let code = it.meta().code().unwrap_or_default();
                // A token holds for 24 hours; then we go on behind the last event.
                let stale =
                    self.pages == 0 && self.token.is_some() && code == "InvalidParameterException";
                if code == "InvalidOperationException" && self.pages == 0 {
                    self.refused = true;
                    return Ok(());
                }
                if stale {
                    self.go_on_by_time();
                    return Ok(());
                }
                let refusal =
                    self.connection.refused(&it, &Need::of("logs:GetLogEvents", &*self.resource));
                if code == "ResourceNotFoundException" && self.pages > 0 {
                    // There will be no other chance to read it: what came is kept, and said to be a part.
                    self.damaged = Some("the stream was deleted while it was being read".into());
                    self.ended = true;
                    return Ok(());
                }
                return Err(refusal);
            }
        };
        self.pages += 1;
        for it in page.events() {
            self.take(it);
        }
        let next = page.next_forward_token().map(str::to_owned);
        // "If you have reached the end of the stream, it returns the same token you passed in." A short or an empty page
        // is no end ("GetLogEvents").
        self.ended = next.is_none() || next == self.token;
        self.token = next.or(self.token.take());
        self.position.token = self.token.clone().filter(|_| !self.by_time);
        Ok(())
    }

    /// Reads on behind the last event rather than by a token.
    fn go_on_by_time(&mut self) {
        self.token = None;
        self.by_time = true;
        self.to_skip = self.from.as_ref().map_or(0, |it| it.count);
    }

    fn take(&mut self, it: &OutputLogEvent) {
        let at = it.timestamp().unwrap_or(0);
        if self.to_skip > 0 {
            if self.from.as_ref().is_some_and(|from| from.at == at) {
                self.to_skip -= 1;
                return;
            }
            self.to_skip = 0;
        }
        self.add(at, it.message().unwrap_or_default(), it.ingestion_time(), None);
    }

    fn add(
        &mut self,
        timestamp: i64,
        message: &str,
        ingestion_time: Option<i64>,
        event_id: Option<&str>,
    ) {
        let line =
            Line { log_stream_name: &self.stream, timestamp, message, ingestion_time, event_id };
        if serde_json::to_writer(&mut self.held, &line).is_ok() {
            self.held.push(b'\n');
        }
        if timestamp == self.position.at {
            self.position.count += 1;
        } else if timestamp > self.position.at {
            self.position.at = timestamp;
            self.position.count = 1;
        }
    }

    /// Whether the first event is one that the agent writes.
    fn is_session(&self) -> bool {
        let Some(line) = self.held.split(|it| *it == b'\n').next() else { return false };
        let event: Option<serde_json::Value> = serde_json::from_slice(line).ok();
        let message = event.as_ref().and_then(|it| it.get("message")?.as_str()).unwrap_or_default();
        message.starts_with("Script started on ") || Streamed::read(message).is_some()
    }

    /// Reads the stream through Logs Insights, which answers where GetLogEvents is refused: "log-group-class
    /// INFREQUENT_ACCESS … is not supported for this log class".
    async fn ask_insights(&mut self, since: i64) -> Result<(), Refusal> {
        let need = Need::of("logs:StartQuery", &*self.resource);
        let now = self.connection.sdk.time_source().map_or(0, |it| {
            it.now()
                .duration_since(UNIX_EPOCH)
                .map_or(0, |it| i64::try_from(it.as_secs()).unwrap_or(0))
        });
        let name = self.stream.replace('\\', r"\\").replace('"', "\\\"");
        let query = format!(
            "fields @timestamp, @ingestionTime, @message, @ptr | filter @logStream = \"{name}\" | sort @timestamp asc | limit {MOST}"
        );
        let mut since = since.div_euclid(1000);
        let mut seen = HashSet::new();
        let mut ties: Option<i64> = None;
        loop {
            let start = self
                .client
                .start_query()
                .query_string(&query)
                .start_time(since)
                .end_time(now.max(since) + 1)
                .limit(MOST);
            let start = match self.by_arn {
                true => start.log_group_identifiers(&self.group),
                false => start.log_group_name(&self.group),
            };
            let id = start.send().await.map_err(|it| self.connection.refused(&it, &need))?;
            let id = id.query_id().unwrap_or_default().to_owned();
            let mut wait = Duration::from_millis(200);
            let answer = loop {
                let need = Need::of("logs:GetQueryResults", &*self.resource);
                let it = self.client.get_query_results().query_id(&id).send().await;
                let it = it.map_err(|it| self.connection.refused(&it, &need))?;
                match it.status() {
                    Some(QueryStatus::Complete) => break it,
                    Some(QueryStatus::Running | QueryStatus::Scheduled) => {}
                    other => {
                        let status = other.map_or("unknown", |it| it.as_str());
                        return Err(Refusal::new(format!(
                            "the Logs Insights query ended as {status}"
                        ))
                        .hint("run the same command again; what was read is kept"));
                    }
                }
                tokio::time::sleep(wait).await;
                wait = (wait * 2).min(Duration::from_secs(5));
            };
            let before = seen.len();
            for row in answer.results() {
                let field = |name: &str| {
                    row.iter().find(|it| it.field() == Some(name)).and_then(|it| it.value())
                };
                let at = field("@timestamp").and_then(insights_time).unwrap_or(0);
                let message = field("@message").unwrap_or_default();
                if !seen.insert(FIXED.hash_one((field("@ptr"), at, message))) {
                    continue;
                }
                let from = self.from.as_ref().map(|it| it.at);
                if from.is_some_and(|from| at < from) || self.was_read(at) {
                    continue;
                }
                if ties == Some(at) && !message.starts_with('{') {
                    self.damaged = Some(
                        "Logs Insights does not tell the order of events of the same millisecond"
                            .into(),
                    );
                }
                ties = Some(at);
                let ingested = field("@ingestionTime").and_then(insights_time);
                self.add(at, message, ingested, field("@ptr"));
                since = since.max(at.div_euclid(1000));
            }
            if answer.results().len() < MOST as usize || seen.len() == before {
                break;
            }
        }
        self.ended = true;
        Ok(())
    }

    /// Whether an event of the position's very time was read before.
    fn was_read(&mut self, at: i64) -> bool {
        let count = match &self.from {
            Some(it) if it.at == at => it.count,
            _ => return false,
        };
        self.to_skip += 1;
        self.to_skip <= count
    }
}

/// `2026-11-23 13:39:19.123`, UTC, as milliseconds since the epoch.
fn insights_time(text: &str) -> Option<i64> {
    if let Ok(it) = text.parse() {
        return Some(it);
    }
    let time = chrono::NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S%.f").ok()?;
    Some(time.and_utc().timestamp_millis())
}

impl Read for Pages {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        loop {
            let rest = &self.held[self.at..];
            if !rest.is_empty() {
                let used = rest.len().min(buffer.len());
                buffer[..used].copy_from_slice(&rest[..used]);
                self.at += used;
                return Ok(used);
            }
            if self.ended {
                return Ok(0);
            }
            self.held.clear();
            self.at = 0;
            let runtime = self.runtime.clone();
            runtime.block_on(self.page(MOST))?;
        }
    }
}

impl Body for Pages {
    fn seen(&self) -> Seen {
        Seen {
            position: Some(self.position.clone()).filter(|it| it.at > 0),
            damaged: self.damaged.clone(),
            ..Seen::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_times_of_logs_insights_are_read() {
        assert_eq!(insights_time("1970-01-01 00:00:01.250"), Some(1250));
        assert_eq!(insights_time("1250"), Some(1250));
        assert_eq!(insights_time("soon"), None);
    }
}
