//! Log events that came twice, told from those that only look alike.
//!
//! AWS hands out an event twice in pages that overlap, and keeps it twice where a batch was sent again ("PutLogEvents"). Both
//! stand near each other: a page has 10,000 events at most, and events come in the order of their times, in which a batch
//! that was sent again has the times it had before. So a window over the last events is enough, however long the stream; what goes
//! back behind the window cannot be told, and is kept and marked.

use std::collections::HashMap;
use std::collections::VecDeque;
use std::hash::BuildHasher;

use super::content::FIXED;
use crate::transcript::wire::Event;
use crate::transcript::wire::Streamed;

/// What is remembered of events, at most: several pages of 10,000 ("GetLogEvents", "FilterLogEvents").
pub(super) const WINDOW: usize = 1 << 16;
/// Two equal streamed events of one millisecond with no more text than this would have been one: the agent fills an event with
/// lines until the next would pass 33,000 bytes, and sends what it has once a second (amazon-ssm-agent:
/// agent/agentlogstocloudwatch/cloudwatchlogspublisher/cloudwatchlogsservice.go).
const HALF: usize = 33_000 / 2;

/// What an event is to those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum RepeatVerdict {
    New,
    /// AWS's own id says that it is the same.
    Same,
    /// A batch that was sent again.
    SentAgain,
    /// It looks like one that came before, and nothing proves that it is that one.
    Alike,
}

#[derive(Clone, Copy)]
struct Met {
    id: Option<u64>,
    taken_in: Option<i64>,
    /// Of what has the id: its time and text.
    text: u64,
}

/// A window over the events of one object, whatever their streams.
#[derive(Default)]
pub(super) struct Repeats {
    met: HashMap<u64, Met>,
    /// Key, stream and time, oldest first.
    order: VecDeque<(u64, usize, i64)>,
    /// By stream: the newest time that has left the window.
    left: Vec<Option<i64>>,
}

impl Repeats {
    /// Whether the next event of a stream is to be kept; one that came before, kept or not, is counted.
    pub(super) fn keeps(
        &mut self,
        stream: usize,
        event: &Event<'_>,
        text: &str,
        streamed: Option<&Streamed>,
        repeated: &mut u64,
    ) -> bool {
        let verdict = self.judge(stream, event, text, streamed);
        *repeated += u64::from(matches!(verdict, RepeatVerdict::SentAgain | RepeatVerdict::Alike));
        matches!(verdict, RepeatVerdict::New | RepeatVerdict::Alike)
    }

    /// Judges the next event of a stream, which is known by its number.
    fn judge(
        &mut self,
        stream: usize,
        event: &Event<'_>,
        text: &str,
        streamed: Option<&Streamed>,
    ) -> RepeatVerdict {
        let at = event.timestamp;
        let text_key = FIXED.hash_one((0_u8, stream, at, text));
        let id_key = event.event_id.as_ref().map(|it| FIXED.hash_one((1_u8, stream, it)));
        let met = Met { id: id_key, taken_in: event.ingestion_time, text: text_key };
        if let Some(key) = id_key {
            match self.met.get(&key) {
                Some(it) if it.text == text_key => return RepeatVerdict::Same,
                // One id for two events: neither hides the other.
                Some(_) => return RepeatVerdict::Alike,
                None => self.remember(key, met, stream, at),
            }
        }
        let Some(before) = self.met.get(&text_key).copied() else {
            self.remember(text_key, met, stream, at);
            let left = self.left.get(stream).copied().flatten();
            let behind = left.is_some_and(|left| at.is_some_and(|at| at <= left));
            return if behind { RepeatVerdict::Alike } else { RepeatVerdict::New };
        };
        match (before.taken_in, met.taken_in) {
            (Some(one), Some(other)) if one != other => {
                let short = streamed.is_some_and(|it| {
                    it.session_data.iter().map(String::len).sum::<usize>() <= HALF
                });
                if at.is_some() && short { RepeatVerdict::SentAgain } else { RepeatVerdict::Alike }
            }
            // AWS tells the two apart.
            _ if before.id.is_some() && met.id.is_some() => RepeatVerdict::New,
            _ => RepeatVerdict::Alike,
        }
    }

    fn remember(&mut self, key: u64, met: Met, stream: usize, at: Option<i64>) {
        self.met.insert(key, met);
        self.order.push_back((key, stream, at.unwrap_or(i64::MIN)));
        if self.order.len() > WINDOW
            && let Some((key, stream, at)) = self.order.pop_front()
        {
            self.met.remove(&key);
            if self.left.len() <= stream {
                self.left.resize(stream + 1, None);
            }
            let left = &mut self.left[stream];
            *left = Some(left.map_or(at, |it| it.max(at)));
        }
    }

    #[cfg(test)]
    pub(super) fn held(&self) -> usize {
        self.met.len().max(self.order.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct One<'a>(i64, Option<i64>, Option<&'a str>, &'a str);

    fn judge(repeats: &mut Repeats, it: &One<'_>) -> RepeatVerdict {
        let event = Event {
            log_stream_name: None,
            timestamp: Some(it.0),
            ingestion_time: it.1,
            event_id: it.2.map(str::to_owned),
            message: None,
            session_data: None,
            session_id: None,
        };
        repeats.judge(0, &event, it.3, Streamed::read(it.3).as_ref())
    }

    fn streamed(text: &str) -> String {
        serde_json::json!({ "sessionData": [text] }).to_string()
    }

    #[test]
    fn an_event_is_what_its_id_its_times_and_its_text_say() {
        let (short, long) = (streamed("x"), streamed(&"x".repeat(20_000)));
        use RepeatVerdict::*;
        // First event, second event, what the second is.
        let table = [
            (One(1, Some(5), None, "a"), One(2, Some(5), None, "a"), New),
            (One(1, Some(5), None, "a"), One(1, Some(5), None, "b"), New),
            (One(1, Some(5), None, &short), One(1, Some(9), None, &short), SentAgain),
            (One(1, Some(5), None, &long), One(1, Some(9), None, &long), Alike),
            (One(1, Some(5), None, "a"), One(1, Some(9), None, "a"), Alike),
            (One(1, Some(5), None, &short), One(1, Some(5), None, &short), Alike),
            (One(1, None, None, "a"), One(1, None, None, "a"), Alike),
            (One(1, Some(5), Some("i"), "a"), One(1, Some(5), Some("i"), "a"), Same),
            (One(1, Some(5), Some("i"), "a"), One(1, Some(5), Some("i"), "b"), Alike),
            (One(1, Some(5), Some("i"), "a"), One(1, Some(5), Some("j"), "a"), New),
        ];
        for (nth, (first, second, wanted)) in table.iter().enumerate() {
            let mut repeats = Repeats::default();
            assert_eq!(judge(&mut repeats, first), New);
            assert_eq!(judge(&mut repeats, second), *wanted, "row {nth}");
        }
    }

    #[test]
    fn what_is_remembered_does_not_grow_with_the_stream() {
        let mut repeats = Repeats::default();
        for it in 0..3 * WINDOW as i64 {
            let id = it.to_string();
            assert_eq!(judge(&mut repeats, &One(it, Some(it), Some(&id), "a")), RepeatVerdict::New);
            assert!(repeats.held() <= WINDOW);
        }
    }

    #[test]
    fn an_event_from_before_the_window_is_kept_and_marked() {
        let mut repeats = Repeats::default();
        for it in 0..2 * WINDOW as i64 {
            assert_eq!(judge(&mut repeats, &One(it, Some(9), None, "a")), RepeatVerdict::New);
        }
        assert_eq!(judge(&mut repeats, &One(3, Some(9), None, "a")), RepeatVerdict::Alike);
        let next = 2 * WINDOW as i64;
        assert_eq!(judge(&mut repeats, &One(next, Some(9), None, "a")), RepeatVerdict::New);
    }
}
