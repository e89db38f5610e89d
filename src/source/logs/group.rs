//! A log group: found by its name, its streams listed, one of them read.

use std::collections::HashSet;
use std::hash::BuildHasher;

use aws_sdk_cloudwatchlogs::Client;
use aws_sdk_cloudwatchlogs::types::LogGroup;
use aws_sdk_cloudwatchlogs::types::LogStream;
use tokio::sync::mpsc::Sender;

use super::reading::StreamReading;
use super::stream::MOST;
use super::stream::StreamQuestion;
use super::stream::StreamTimes;
use crate::aws_names::Arn;
use crate::aws_names::Home;
use crate::aws_names::without_any_stream;
use crate::config::SourceSpec;
use crate::session::SessionId;
use crate::session::Skip;
use crate::source::Eventual;
use crate::source::FIXED;
use crate::source::Found;
use crate::source::Handle;
use crate::source::Listed;
use crate::source::Opened;
use crate::source::Position;
use crate::source::Refusal;
use crate::source::Source;
use crate::source::aws::Connection;
use crate::source::aws::each_page;
use crate::source::aws::next_page;
use crate::source::calls::Calls;
use crate::source::refused::Need;
use crate::time::At;

/// Bytes of a stream that are fetched before it is handed on; the rest comes as it is read.
const SMALL: usize = 1 << 20;
/// Events looked at to tell whether a stream of an odd name is a session's.
const PROBE: i32 = 4;
const DAY: i64 = 24 * 3600 * 1000;
/// A stream that was silent for so long is looked at for the last time: what a listing says lags by "less than an hour, but in
/// rare situations … longer" ("LogStream").
const SETTLES: i64 = 3 * 3600 * 1000;

/// A log group.
pub struct LogsSource {
    name: String,
    group: String,
    /// `arn:aws:logs:REGION:ACCOUNT:log-group:NAME`, where AWS told it.
    arn: Option<String>,
    account: Option<String>,
    region: String,
    /// Plain reads are refused for this class; Logs Insights answers.
    infrequent: bool,
    /// How long the group keeps events, in days, where AWS told it and it is not for ever.
    retention: Option<i32>,
    client: Client,
    connection: Connection,
}

impl LogsSource {
    /// Looks the group up, for its ARN and class; does without where that is refused.
    ///
    /// # Errors
    /// When no Region is set, the group does not exist, or AWS fails other than by denying access.
    pub async fn open(
        spec: &SourceSpec,
        group: &str,
        connection: Connection,
    ) -> Result<Self, Refusal> {
        let region = connection.region().ok_or_else(crate::source::refused::no_region)?;
        let client = connection.logs();
        let found = match described(&connection, &client, group, &region).await {
            // Listing streams may be allowed all the same.
            Err(it) if it.is_denied() => None,
            it => Some(it?),
        };
        let found = found.as_ref();
        let arn = found.and_then(|it| it.log_group_arn().or_else(|| it.arn()));
        let account = arn.and_then(Arn::parse).map(|it| it.account.to_owned());
        let class = found.and_then(|it| it.log_group_class());
        Ok(Self {
            name: format!("logs:{group}"),
            group: group.to_owned(),
            arn: arn.map(|it| without_any_stream(it).to_owned()),
            account: spec.account.clone().or(account),
            region,
            infrequent: class.is_some_and(|it| it.as_str() == "INFREQUENT_ACCESS"),
            retention: found.and_then(|it| it.retention_in_days()),
            client,
            connection,
        })
    }

    /// As requests name it: by its ARN where that is known, else by its name.
    fn named(&self) -> (Option<String>, Option<String>) {
        (self.arn.clone(), self.arn.is_none().then(|| self.group.clone()))
    }

    fn home(&self) -> Home<'_> {
        Home::new(&self.region, self.account.as_deref().unwrap_or_default())
    }

    fn resource(&self) -> String {
        let arn = self.arn.clone().unwrap_or_else(|| {
            let anywhere = Home { region: "*", account: "*", ..self.home() };
            anywhere.log_group(&self.group)
        });
        format!("{arn}:*")
    }

    fn locator(&self, stream: &str) -> String {
        let group = self.arn.clone().unwrap_or_else(|| self.home().log_group(&self.group));
        format!("{group}:log-stream:{stream}")
    }

    fn listed(&self, it: &LogStream) -> Found {
        let name = it.log_stream_name().unwrap_or_default();
        let locator = self.locator(name);
        // A session id has no slash; the streams of Lambda and of ECS tasks have.
        if SessionId::new(name).is_none() {
            let why = "the stream of something that is no session, by its name";
            return Err(Skip::harmless(locator, why));
        }
        let created = it.creation_time().unwrap_or(0);
        let (last, taken_in) = (it.last_event_timestamp(), it.last_ingestion_time());
        let times =
            StreamTimes { created, last: last.unwrap_or(0), taken_in: taken_in.unwrap_or(0) };
        let grown = times.newest();
        Ok(Listed {
            locator,
            key: name.to_owned(),
            version: times.version(),
            bytes: 0,
            stored_at: At::of_millis(last.unwrap_or(created)),
            grown_at: At::of_millis(grown),
            created: Some(created),
            blocked: None,
            handle: Handle::Stream { first: it.first_event_timestamp() },
        })
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

    async fn walk(&self, found: Sender<Found>) -> Result<(), Refusal> {
        let need = Need::of("logs:DescribeLogStreams", self.resource());
        let mut seen = HashSet::new();
        let ask = async |token| {
            let ask = self.client.describe_log_streams().set_next_token(token).limit(50);
            let (identifier, name) = self.named();
            let ask = ask.set_log_group_identifier(identifier).set_log_group_name(name);
            ask.send().await.map_err(|it| self.connection.refused(&it, &need))
        };
        each_page(ask, async |page| {
            for it in page.log_streams() {
                // Pages overlap where streams come and go meanwhile.
                if seen.insert(FIXED.hash_one(it.log_stream_name()))
                    && found.send(self.listed(it)).await.is_err()
                {
                    return None;
                }
            }
            Some((page.next_token.is_some(), page.next_token))
        })
        .await
    }

    async fn open_stream(&self, it: &Listed, from: Option<&Position>) -> Opened {
        self.connection.goes_on()?;
        let (Handle::Stream { first }, Some(created)) = (&it.handle, it.created) else {
            return Err(Refusal::new("no stream"));
        };
        let times = StreamTimes::of_version(&it.version).unwrap_or_default();
        let from = from.filter(|it| it.created == created).cloned();
        let odd = from.is_none() && !SessionId::new(&it.key).is_some_and(|it| it.is_well_formed());
        let asked = StreamQuestion {
            client: self.client.clone(),
            connection: self.connection.clone(),
            resource: self.resource(),
            group: self.named(),
            stream: it.key.clone(),
        };
        let now = asked.now().saturating_mul(1000);
        let oldest = first.unwrap_or(created).min(created);
        let mut reading = StreamReading::new(asked, created, oldest, times, from, self.infrequent);
        reading.settled = now >= times.newest().saturating_add(SETTLES);
        let limit = if odd { PROBE } else { MOST };
        while !reading.ended && reading.held.is_empty() {
            reading.more(limit).await.map_err(|it| self.connection.met(it))?;
        }
        if odd && !reading.ended && !reading.is_session() {
            reading.ended = true;
            return Ok(Box::new(reading));
        }
        while !reading.ended && reading.held.len() < SMALL {
            reading.more(MOST).await.map_err(|it| self.connection.met(it))?;
        }
        let nothing = reading.from.is_none() && reading.position.events == 0;
        if nothing && reading.ended && !self.is_empty(*first, times, now) {
            return Err(Refusal::new("AWS lists it as holding events, and none came")
                .hint("run the same command again; events that a shorter retention took stay listed for a while"));
        }
        Ok(Box::new(reading))
    }
}

/// What is told of a group. Its name as a prefix finds siblings, too, and any page may hold the one that is meant.
async fn described(
    connection: &Connection,
    client: &Client,
    group: &str,
    region: &str,
) -> Result<LogGroup, Refusal> {
    let need = Need::of("logs:DescribeLogGroups", "*");
    let mut token: Option<String> = None;
    loop {
        let ask = client.describe_log_groups().log_group_name_prefix(group);
        let page = ask.set_next_token(token.clone()).send().await;
        let page = page.map_err(|it| connection.refused(&it, &need))?;
        let mut groups = page.log_groups.unwrap_or_default().into_iter();
        if let Some(it) = groups.find(|it| it.log_group_name() == Some(group)) {
            return Ok(it);
        }
        let next = next_page(page.next_token.is_some(), page.next_token, token.as_ref());
        token = next.map_err(|_| {
            Refusal::new("log groups cannot be listed: AWS repeats one page")
                .hint("run the same command again")
        })?;
        if token.is_none() {
            return Err(Refusal::new(format!("there is no such log group in {region}"))
                .hint("check its name, the Region and the account")
                .ending());
        }
    }
}

impl Source for LogsSource {
    fn name(&self) -> &str {
        &self.name
    }

    fn described(&self) -> String {
        let class = if self.infrequent { ", of the Infrequent Access class" } else { "" };
        let account = self.account.as_deref().unwrap_or("an account that may not be told");
        format!("a log group in {} of {account}{class}", self.region)
    }

    fn list(&self, found: Sender<Found>) -> Eventual<'_, Result<(), Refusal>> {
        Box::pin(self.walk(found))
    }

    fn fetch<'a>(&'a self, it: &'a Listed, from: Option<&'a Position>) -> Eventual<'a, Opened> {
        Box::pin(self.open_stream(it, from))
    }

    fn concurrency(&self) -> usize {
        // "GetLogEvents: 25 requests per second per account and Region" ("CloudWatch Logs quotas"): a few at once reach it.
        if self.infrequent { 4 } else { 10 }
    }

    fn reads(&self, objects: u64, continued: u64) -> Option<(&'static str, u64)> {
        // The last page of a stream is known by the one after it.
        Some(("GetLogEvents", objects * 2 - continued))
    }

    fn asked(&self) -> Option<&Calls> {
        Some(&self.connection.calls)
    }

    fn whereabouts(&self) -> (Option<String>, Option<String>) {
        (self.account.clone(), Some(self.region.clone()))
    }
}
