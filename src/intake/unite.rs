//! What is kept of a log stream and what was read of it anew → one, in the order of time, and nothing twice.
//!
//! Neither reading holds all: events come late, with times that lie before those that were read; and retention takes the
//! oldest away. An event is known by its time, its text and the time at which it was taken in: that of a pointer of Logs Insights
//! may be another in each answer.

use std::hash::BuildHasher;
use std::io::BufRead;
use std::io::BufReader;
use std::io::Read;
use std::io::Write;
use std::path::Path;

use super::content::Content;
use super::content::EVENT_BYTES;
use super::content::FIXED;
use super::content::Sink;
use crate::transcript::wire::Event;

/// What a reading anew brought.
pub enum United {
    /// Events behind all that is kept, or none.
    Behind(Content),
    /// Events before the last that is kept: all events, in the order of time.
    Whole(Content),
}

/// # Errors
/// What the scratch folder refuses.
pub fn unite(kept: &Content, anew: &Content, scratch: &Path) -> std::io::Result<United> {
    let mut keys = Vec::new();
    let mut newest = i64::MIN;
    for it in UnitedLines::of(kept) {
        let it = it?;
        keys.push(it.key);
        newest = newest.max(it.at);
    }
    let mut known = EventCounts::of(keys);
    let mut behind = Sink::new(scratch);
    let mut late = false;
    let mut fresh = Vec::new();
    for it in UnitedLines::of(anew) {
        let it = it?;
        let new = !known.take(it.key);
        fresh.push(new);
        late |= new && it.at < newest;
        if new && !late {
            behind.write_all(&it.bytes)?;
        }
    }
    if !late {
        return Ok(United::Behind(behind.finish()?));
    }
    let mut whole = Sink::new(scratch);
    // What cannot be read is met below.
    let added = UnitedLines::of(anew).zip(fresh).filter(|(it, new)| *new || it.is_err());
    let mut added = added.map(|it| it.0).peekable();
    for it in UnitedLines::of(kept) {
        let it = it?;
        let is_before =
            |line: &std::io::Result<UnitedLine>| !line.as_ref().is_ok_and(|line| line.at >= it.at);
        while let Some(line) = added.next_if(is_before) {
            whole.write_all(&line?.bytes)?;
        }
        whole.write_all(&it.bytes)?;
    }
    for line in added {
        whole.write_all(&line?.bytes)?;
    }
    Ok(United::Whole(whole.finish()?))
}

/// Whether one of two readings of a stream holds all events of the other. An event is known by its time and its text: not every
/// reading tells when it was taken in.
///
/// # Errors
/// When a scratch file cannot be read.
pub fn one_holds_the_other(one: &Content, other: &Content) -> std::io::Result<bool> {
    let keys = |content: &Content| -> std::io::Result<Vec<u64>> {
        let keys = UnitedLines::of(content).map(|it| it.map(|it| it.shown));
        let mut keys: Vec<u64> = keys.collect::<Result<_, _>>()?;
        keys.sort_unstable();
        Ok(keys)
    };
    let (one, other) = (keys(one)?, keys(other)?);
    let (all, some) = if one.len() >= other.len() { (one, other) } else { (other, one) };
    let mut all = all.into_iter();
    Ok(some.iter().all(|wanted| all.by_ref().find(|it| it >= wanted) == Some(*wanted)))
}

/// How often each event is kept, a few bytes an event.
struct EventCounts {
    /// In order, each as often as it is kept.
    keys: Vec<u64>,
    /// Beside the first of equal keys: how many of them were taken off.
    taken: Vec<u32>,
}

impl EventCounts {
    fn of(mut keys: Vec<u64>) -> Self {
        keys.sort_unstable();
        Self { taken: vec![0; keys.len()], keys }
    }

    /// Takes one off, if there is one.
    fn take(&mut self, key: u64) -> bool {
        let first = self.keys.partition_point(|it| *it < key);
        let Some(taken) = self.taken.get_mut(first) else { return false };
        let is_left = self.keys.get(first + *taken as usize) == Some(&key);
        *taken += u32::from(is_left);
        is_left
    }
}

struct UnitedLine {
    bytes: Vec<u8>,
    at: i64,
    key: u64,
    /// Known by its time and text alone.
    shown: u64,
}

struct UnitedLines<'a> {
    content: BufReader<super::content::ContentReader<'a>>,
    at: i64,
}

impl<'a> UnitedLines<'a> {
    fn of(content: &'a Content) -> Self {
        let content = BufReader::with_capacity(256 << 10, content.reader());
        Self { content, at: i64::MIN }
    }

    fn read(&mut self) -> std::io::Result<Option<UnitedLine>> {
        let mut bytes = Vec::new();
        let most = EVENT_BYTES as u64 + 1;
        if self.content.by_ref().take(most).read_until(b'\n', &mut bytes)? == 0 {
            return Ok(None);
        }
        let event: Option<Event<'_>> = serde_json::from_slice(&bytes).ok();
        // What has no time stands where it stood.
        self.at = event.as_ref().and_then(|it| it.timestamp).unwrap_or(self.at);
        let key = match &event {
            Some(Event { timestamp, ingestion_time, message: Some(text), .. }) => {
                FIXED.hash_one((timestamp, ingestion_time, text))
            }
            _ => FIXED.hash_one(&bytes),
        };
        let shown = match &event {
            Some(Event { timestamp, message: Some(text), .. }) => FIXED.hash_one((timestamp, text)),
            _ => key,
        };
        Ok(Some(UnitedLine { at: self.at, key, shown, bytes }))
    }
}

impl Iterator for UnitedLines<'_> {
    type Item = std::io::Result<UnitedLine>;

    fn next(&mut self) -> Option<Self::Item> {
        self.read().transpose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(events: &[(i64, &str)]) -> Content {
        let lines = events.iter().map(|(at, text)| {
            let it = serde_json::json!({ "timestamp": at, "message": text, "ingestionTime": at });
            format!("{it}\n")
        });
        Content::Memory(lines.collect::<String>().into_bytes())
    }

    fn texts(content: &Content) -> String {
        let texts = UnitedLines::of(content).map(|it| {
            let line = it.unwrap();
            let event: Event<'_> = serde_json::from_slice(&line.bytes).unwrap();
            event.message.unwrap()
        });
        texts.collect::<Vec<_>>().join(" ")
    }

    fn united(kept: &[(i64, &str)], anew: &[(i64, &str)]) -> String {
        let scratch = tempfile::tempdir().unwrap();
        match unite(&lines(kept), &lines(anew), scratch.path()).unwrap() {
            United::Behind(it) => format!("+ {}", texts(&it)),
            United::Whole(it) => texts(&it),
        }
    }

    #[test]
    fn two_readings_of_a_stream_become_one() {
        let kept = [(1, "a"), (3, "c"), (3, "c")];
        // Nothing new; some of it gone; new behind; new between; new and gone; once more than before.
        assert_eq!(united(&kept, &kept), "+ ");
        assert_eq!(united(&kept, &kept[1..]), "+ ");
        assert_eq!(united(&kept, &[(3, "c"), (3, "d"), (4, "e")]), "+ d e");
        assert_eq!(united(&kept, &[(1, "a"), (2, "b"), (3, "c"), (4, "d")]), "a b c c d");
        assert_eq!(united(&kept, &[(2, "b"), (4, "d")]), "a b c c d");
        assert_eq!(united(&kept, &[(0, "z")]), "z a c c");
        assert_eq!(united(&kept, &[(3, "c"), (3, "c"), (3, "c")]), "+ c");
    }
}
