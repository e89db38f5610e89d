//! The events of one stream as bytes: those behind a position, or all of them where something came late.

use std::collections::VecDeque;
use std::io::Read;

use serde::Serialize;
use tokio::runtime::Handle as Runtime;

use super::insights::Insights;
use super::pages::Next;
use super::pages::Pages;
use super::stream::LogEvent;
use super::stream::MOST;
use super::stream::StreamQuestion;
use super::stream::StreamTimes;
use super::stream::Sum;
use crate::source::Body;
use crate::source::Position;
use crate::source::Refusal;
use crate::source::Seen;
use crate::transcript::wire::Streamed;

/// Why a run does not bring all.
const LATE: &str =
    "events came late, with earlier times than those that were read; the next run reads them";

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
pub(super) struct StreamReading {
    asked: StreamQuestion,
    way: Way,
    pub(super) from: Option<Position>,
    /// Where a query for the whole stream begins.
    oldest: i64,
    times: StreamTimes,
    check: Option<PrefixCheck>,
    /// The stream's beginning has been compared.
    checked: bool,
    /// Nothing is expected any more: if something came late, this is the look that sees it.
    pub(super) settled: bool,
    /// Events of the position's very time that were read before.
    to_skip: u32,
    pub(super) position: Position,
    pub(super) held: VecDeque<u8>,
    /// Bytes have been handed on: there is no way back.
    handed_on: bool,
    pub(super) ended: bool,
    /// What is told of it at its end, but for the position.
    seen: Seen,
    runtime: Runtime,
}

impl StreamReading {
    pub(super) fn new(
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
            held: VecDeque::new(),
            handed_on: false,
            ended: false,
            seen: Seen::default(),
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
    pub(super) async fn more(&mut self, limit: i32) -> Result<(), Refusal> {
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
        self.seen.again |= page.again;
        self.seen.damaged = self.seen.damaged.take().or(page.damaged);
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
    fn take(&mut self, it: &LogEvent) -> bool {
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
        if from.is_some_and(|from| it.at <= from.at) && !self.seen.again {
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

    fn add(&mut self, it: &LogEvent) {
        let line = EventLine {
            log_stream_name: &self.asked.stream,
            timestamp: it.at,
            message: &it.message,
            ingestion_time: it.taken_in,
            event_id: it.id.as_deref(),
        };
        if serde_json::to_writer(&mut self.held, &line).is_ok() {
            self.held.push_back(b'\n');
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
            self.seen.again |= self.handed_on;
            if !self.handed_on {
                self.compare();
            }
        }
    }

    /// Something that was not read lies before what was.
    fn came_late(&mut self) {
        if self.handed_on {
            self.seen.again = true;
            self.seen.damaged.get_or_insert_with(|| LATE.into());
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
        self.seen.anew = true;
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
        self.ended = false;
        (self.seen.damaged, self.seen.again) = (None, false);
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
    pub(super) fn is_session(&self) -> bool {
        let line: Vec<u8> = self.held.iter().copied().take_while(|it| *it != b'\n').collect();
        let event: Option<serde_json::Value> = serde_json::from_slice(&line).ok();
        let message = event.as_ref().and_then(|it| it.get("message")?.as_str()).unwrap_or_default();
        message.starts_with("Script started on ") || Streamed::read(message).is_some()
    }
}

impl Position {
    /// Before the first event.
    fn begin(created: i64) -> Self {
        Self { created, token: None, at: 0, count: 0, events: 0, sum: 0, taken_in: 0 }
    }

    fn add(&mut self, it: &LogEvent) {
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
        while self.held.is_empty() && !self.ended {
            let runtime = self.runtime.clone();
            runtime.block_on(self.more(MOST))?;
        }
        self.handed_on |= !self.held.is_empty();
        self.held.read(buffer)
    }
}

impl Body for StreamReading {
    fn seen(&self) -> Seen {
        // Of a part no position is kept: the next run begins with the first event.
        let position = match self.seen.again && !matches!(self.way, Way::Pages(_)) {
            true => Some(Position::begin(self.position.created)),
            false => Some(self.position.clone()).filter(|it| it.at > 0),
        };
        Seen { position, ..self.seen.clone() }
    }
}
