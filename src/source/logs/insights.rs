//! The events of a stream as Logs Insights tells them, where GetLogEvents is refused: "log-group-class INFREQUENT_ACCESS … is
//! not supported for this log class".
//!
//! A query gives at most 10,000 rows, and its bounds are whole seconds ("StartQuery"). Reading goes on at the time of the
//! last row; where one second holds more, the query itself bounds milliseconds, and where one millisecond does, the time at
//! which the events were taken in. A full page that brings nothing new is no end: what it hides is said, and asked for again.

use std::time::Duration;

use aws_sdk_cloudwatchlogs::operation::get_query_results::GetQueryResultsOutput;
use aws_sdk_cloudwatchlogs::types::QueryStatus;
use aws_sdk_cloudwatchlogs::types::ResultField;

use super::pages::PAUSE;
use super::pages::TRIES;
use super::stream::EventPage;
use super::stream::LogEvent;
use super::stream::MOST;
use super::stream::StreamQuestion;
use crate::source::Refusal;
use crate::source::refused::Need;
use crate::time::At;

/// A query that shows no progress for this long is given up.
const STALLED: Duration = Duration::from_secs(60);
/// "Queries time out after 60 minutes" ("CloudWatch Logs quotas").
const LONGEST: Duration = Duration::from_secs(3600);
/// Queries spent on the events of one millisecond.
const QUERIES: u32 = 200;
/// Full pages in a row without an event that was not there before.
const IN_VAIN: u32 = 4;

const PART: &str =
    "Logs Insights gives 10,000 events a query, and one moment of this stream holds more";

/// Where reading stands.
pub(super) struct Insights {
    /// Events before this time have been handed on, milliseconds since the epoch.
    cursor: i64,
    /// Rows are asked for from the cursor's millisecond on rather than from its second.
    fine: bool,
    /// Statistics have been seen to count what the limit cut off.
    counts: bool,
    in_vain: u32,
    /// Time of the last event handed on.
    last: Option<i64>,
}

/// Which events a query asks for, besides the stream's name.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Bounds {
    /// First millisecond, and whether the query itself must heed it.
    from: i64,
    fine: bool,
    /// Of this millisecond alone, those taken in between these times.
    taken_in: Option<(i64, i64)>,
}

impl Bounds {
    fn query(&self, stream: &str) -> String {
        let name = stream.replace('\\', r"\\").replace('"', "\\\"");
        let mut query = format!(
            "fields @timestamp, @ingestionTime, @message, @ptr | filter @logStream = \"{name}\""
        );
        // "toMillis: converts the timestamp found in the named field into … milliseconds since the Unix epoch"
        // ("Boolean, comparison, numeric, datetime, and other functions").
        if let Some((from, to)) = self.taken_in {
            let at = self.from;
            query.push_str(&format!(
                " | filter toMillis(@timestamp) = {at} and toMillis(@ingestionTime) >= {from} and toMillis(@ingestionTime) <= {to}"
            ));
        } else if self.fine {
            query.push_str(&format!(" | filter toMillis(@timestamp) >= {}", self.from));
        }
        query.push_str(&format!(" | sort @timestamp asc | limit {MOST}"));
        query
    }
}

/// Rows of one query.
struct QueryRows {
    rows: Vec<LogEvent>,
    /// All that there is came.
    whole: bool,
    /// The query had ended, and fewer rows came than it had found.
    short: bool,
}

impl Insights {
    pub(super) fn from(since: i64) -> Self {
        Self { cursor: since, fine: false, counts: false, in_vain: 0, last: None }
    }

    pub(super) async fn next(&mut self, asked: &StreamQuestion) -> Result<EventPage, Refusal> {
        let bounds = Bounds { from: self.cursor, fine: self.fine, taken_in: None };
        let mut answer = self.ask(asked, bounds).await?;
        let mut page = EventPage::default();
        // A row whose time cannot be read is an event all the same: it is kept where reading stands, and said.
        for it in answer.rows.iter_mut().filter(|it| it.at == NO_TIME) {
            it.at = self.cursor;
            page.part("Logs Insights gave an event without a time that can be read");
        }
        answer.rows.retain(|it| it.at >= self.cursor);
        answer.rows.sort_by_key(|it| it.at);
        if answer.whole || answer.short {
            page.ended = true;
            if answer.short {
                page.part("Logs Insights told of more events than it gave");
            }
            self.hand_on(answer.rows, &mut page);
            return Ok(page);
        }
        let second = self.cursor.div_euclid(1000);
        match answer.rows.last().map(|it| it.at) {
            Some(last) if last > self.cursor => {
                // The last millisecond may go on; it comes with the next page.
                answer.rows.retain(|it| it.at < last);
                self.hand_on(answer.rows, &mut page);
                self.cursor = last;
                self.fine = last.div_euclid(1000) == second;
                self.in_vain = 0;
            }
            Some(at) => {
                let (rows, whole) = self.moment(asked, at, answer.rows).await?;
                if !whole {
                    page.part(PART);
                }
                self.hand_on(rows, &mut page);
                self.cursor = at + 1;
                self.fine = true;
                self.in_vain = 0;
            }
            // All of it was handed on before: the query must begin inside the second.
            None if !self.fine => self.fine = true,
            // It heeds no bound inside a second: what else that second holds cannot be reached.
            None => {
                page.part(PART);
                self.cursor = (second + 1) * 1000;
                self.fine = false;
                self.in_vain += 1;
                page.ended = self.in_vain >= IN_VAIN;
            }
        }
        Ok(page)
    }

    /// The events of one millisecond that are more than a query gives, by the times at which they were taken in. `seen` are
    /// those that one query gave; also tells whether all came.
    async fn moment(
        &mut self,
        asked: &StreamQuestion,
        at: i64,
        seen: Vec<LogEvent>,
    ) -> Result<(Vec<LogEvent>, bool), Refusal> {
        let mut rest = vec![(0, i64::MAX)];
        let (mut found, mut whole) = (Vec::new(), true);
        let mut queries = 0;
        while let Some((from, to)) = rest.pop() {
            queries += 1;
            if queries > QUERIES {
                return Ok((found, false));
            }
            let bounds = Bounds { from: at, fine: true, taken_in: Some((from, to)) };
            let answer = self.ask(asked, bounds).await?;
            let heeded = answer
                .rows
                .iter()
                .all(|it| it.at == at && it.taken_in.is_some_and(|it| (from..=to).contains(&it)));
            if !heeded {
                return Ok((seen, false));
            }
            if answer.whole {
                found.extend(answer.rows);
                continue;
            }
            let mut times: Vec<i64> = answer.rows.iter().filter_map(|it| it.taken_in).collect();
            times.sort_unstable();
            let middle = times.get(times.len() / 2).copied().unwrap_or(from);
            if answer.short || from == to {
                found.extend(answer.rows);
                whole = false;
            } else if middle > from {
                rest.extend([(middle, to), (from, middle - 1)]);
            } else {
                rest.extend([(from + 1, to), (from, from)]);
            }
        }
        Ok((found, whole))
    }

    fn hand_on(&mut self, rows: Vec<LogEvent>, page: &mut EventPage) {
        for it in &rows {
            if self.last == Some(it.at) && !it.message.starts_with('{') && page.damaged.is_none() {
                page.damaged = Some(
                    "Logs Insights does not tell the order of events of the same millisecond"
                        .into(),
                );
            }
            self.last = Some(it.at);
        }
        page.events.extend(rows);
    }

    /// One query, asked again where it ends with fewer rows than it says it found.
    async fn ask(&mut self, asked: &StreamQuestion, bounds: Bounds) -> Result<QueryRows, Refusal> {
        let mut pause = PAUSE;
        for _ in 1..TRIES {
            let answer = self.once(asked, bounds).await?;
            if !answer.short {
                return Ok(answer);
            }
            tokio::time::sleep(pause).await;
            pause *= 2;
        }
        self.once(asked, bounds).await
    }

    async fn once(&mut self, asked: &StreamQuestion, bounds: Bounds) -> Result<QueryRows, Refusal> {
        let second = bounds.from.div_euclid(1000);
        let end = if bounds.taken_in.is_some() { second } else { asked.now().max(second) + 1 };
        let start = asked
            .client
            .start_query()
            .query_string(bounds.query(&asked.stream))
            .start_time(second)
            .end_time(end)
            .limit(MOST);
        let (identifier, name) = asked.group.clone();
        let start =
            start.set_log_group_identifiers(identifier.map(|it| vec![it])).set_log_group_name(name);
        let need = Need::of("logs:StartQuery", &*asked.resource);
        let id = start.send().await.map_err(|it| asked.connection.refused(&it, &need))?.query_id;
        let id = id.ok_or_else(|| Refusal::new("StartQuery answered without a query").again())?;
        let mut patience = Patience::default();
        let need = Need::of("logs:GetQueryResults", &*asked.resource);
        let results = loop {
            let it = asked.client.get_query_results().query_id(&id).send().await;
            let it = it.map_err(|it| asked.connection.refused(&it, &need))?;
            match it.status() {
                Some(QueryStatus::Complete) => break it,
                Some(QueryStatus::Running | QueryStatus::Scheduled) => {}
                other => {
                    let status = other.map_or("unknown", |it| it.as_str());
                    return Err(
                        Refusal::new(format!("the Logs Insights query ended as {status}")).again()
                    );
                }
            }
            let Some(wait) = patience.wait(progress(&it)) else {
                return Err(Refusal::new("the Logs Insights query did not end")
                    .hint("run the same command again later; what was read is kept"));
            };
            tokio::time::sleep(wait).await;
        };
        let rows: Vec<LogEvent> = results.results().iter().map(|it| row(it)).collect();
        let matched = results.statistics().map_or(0.0, |it| it.records_matched());
        self.counts |= matched > rows.len() as f64 && rows.len() >= MOST as usize;
        let full = rows.len() >= MOST as usize;
        let short = !full && matched > rows.len() as f64;
        // A full page is all that there is only where the statistics are known to count what the limit cuts off.
        let whole = !short && (!full || self.counts && matched <= rows.len() as f64);
        Ok(QueryRows { rows, whole, short })
    }
}

fn row(fields: &[ResultField]) -> LogEvent {
    let field =
        |name: &str| fields.iter().find(|it| it.field() == Some(name)).and_then(|it| it.value());
    LogEvent {
        at: field("@timestamp").and_then(time).unwrap_or(NO_TIME),
        message: field("@message").unwrap_or_default().to_owned(),
        taken_in: field("@ingestionTime").and_then(time),
        id: field("@ptr").map(str::to_owned),
    }
}

/// What stands for the time of an event that has none.
const NO_TIME: i64 = i64::MIN;

/// What a query has done so far.
fn progress(it: &GetQueryResultsOutput) -> (bool, u64, usize) {
    let scanned = it.statistics().map_or(0.0, |it| it.records_scanned() + it.bytes_scanned());
    (it.status() == Some(&QueryStatus::Running), scanned as u64, it.results().len())
}

/// How long a query is waited for: as long as it shows progress, within what AWS grants it.
#[derive(Default)]
struct Patience {
    last: Duration,
    waited: Duration,
    stalled: Duration,
    seen: Option<(bool, u64, usize)>,
}

impl Patience {
    /// How long to wait before the next look, or that it is enough.
    fn wait(&mut self, progress: (bool, u64, usize)) -> Option<Duration> {
        if self.seen.replace(progress) != Some(progress) {
            self.stalled = Duration::ZERO;
        }
        let wait = (self.last * 2).clamp(Duration::from_millis(200), Duration::from_secs(5));
        self.last = wait;
        self.waited += wait;
        self.stalled += wait;
        (self.stalled <= STALLED && self.waited <= LONGEST).then_some(wait)
    }
}

/// `2026-11-23 13:39:19.123`, UTC, as milliseconds since the epoch.
fn time(text: &str) -> Option<i64> {
    if let Ok(it) = text.parse() {
        return Some(it);
    }
    Some(At::read_plain(text)?.0.div_euclid(1000))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_times_of_logs_insights_are_read() {
        assert_eq!(time("1970-01-01 00:00:01.250"), Some(1250));
        assert_eq!(time("1250"), Some(1250));
        assert_eq!(time("soon"), None);
    }

    #[test]
    fn a_query_that_shows_no_progress_is_given_up() {
        let mut patience = Patience::default();
        let mut looks = 0;
        while patience.wait((true, 7, 0)).is_some() {
            looks += 1;
            assert!(looks < 1000, "it ends");
        }
        assert!(patience.waited <= STALLED + Duration::from_secs(5));
    }

    #[test]
    fn a_query_that_shows_progress_is_waited_for_as_long_as_aws_grants_it() {
        let mut patience = Patience::default();
        let mut looks = 0;
        while patience.wait((true, looks, 0)).is_some() {
            looks += 1;
            assert!(looks < 10_000, "it ends");
        }
        assert!(patience.waited > STALLED && patience.waited <= LONGEST + Duration::from_secs(5));
    }

    #[test]
    fn a_query_bounds_what_its_seconds_cannot() {
        let mut bounds = Bounds { from: 1500, fine: false, taken_in: None };
        assert!(!bounds.query("a").contains("toMillis"));
        bounds.fine = true;
        assert!(bounds.query("a").contains("| filter toMillis(@timestamp) >= 1500 |"));
        bounds.taken_in = Some((3, 4));
        let query = bounds.query("a\"b");
        assert!(query.contains("toMillis(@timestamp) = 1500 and toMillis(@ingestionTime) >= 3"));
        assert!(query.contains(r#"@logStream = "a\"b""#));
    }
}
