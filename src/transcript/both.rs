//! One session in two copies: exact text from the bytes, times from the stream, and whether they agree.
//!
//! The streaming agent sends the lines of the very file that ends up in S3, each through a transformation that is
//! known exactly. So the copies are aligned by applying that transformation to each line of the bytes: what is equal
//! is the same line, and its event says when it was shown. What is in one copy and not in the other is a
//! divergence: tampering, a gap in the stream, or a transcript of something else.
//!
//! Sources: amazon-ssm-agent: agent/agentlogstocloudwatch/cloudwatchlogspublisher/cloudwatchlogsservice.go
//! (buildEventInfo, getNextMessage); pborman/ansi: Strip.

use std::hash::Hash;
use std::hash::Hasher;

use crate::time::At;
use crate::transcript::wire::Event;
use crate::transcript::wire::Lines;
use crate::transcript::wire::RawLine;
use crate::transcript::wire::Splitter;
use crate::transcript::wire::Streamed;
use crate::transcript::wire::Times;

/// Streamed lines held of one session; what is beyond has no times of its own.
const LINES_MAX: usize = 4 << 20;
/// Streamed lines looked through for one that may have been missed.
const REACH: usize = 256;

/// Bytes of a piece that is no whole line.
pub const CUT: std::ops::RangeInclusive<usize> = 32_980..=33_000;
/// Longest line put together again.
const LINE_MAX: usize = 16 << 20;

/// One streamed line: what it says, when, and where it stands in its copy.
#[derive(Clone, Copy, Debug, PartialEq)]
struct StreamedLine {
    hash: u64,
    at: At,
    place: u64,
    /// Too short to find a line by.
    weak: bool,
}

/// The lines of a streamed copy, in order.
#[derive(Default)]
pub struct Stream {
    splitter: Splitter,
    lines: Heard,
}

#[derive(Default)]
struct Heard {
    told: Vec<StreamedLine>,
    carry: Vec<u8>,
    /// A line that the agent cut, up to here.
    cut: Option<(Vec<u8>, At, u64)>,
    overflown: bool,
}

/// Where the copies first differ, and how often.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Diverged {
    /// Byte in the copy that kept them all.
    pub at: u64,
    /// Byte in the streamed copy.
    pub stream_at: u64,
    /// At how many places the copies differ.
    pub count: u64,
}

impl Stream {
    /// Reads the streamed copy: JSON events, one a line, in any chunks.
    pub fn push(&mut self, bytes: &[u8]) {
        self.splitter.push(bytes, &mut self.lines);
    }

    /// Ends the streamed copy: its lines with their times, ready to be compared with the bytes.
    pub fn finish(mut self) -> Aligned {
        self.splitter.finish(&mut self.lines);
        if !self.lines.carry.is_empty() {
            // The last event may have no line end.
            self.lines.line(RawLine { bytes: b"", crs: 0, ended: true, from: 0, to: 0 });
        }
        if let Some((line, at, place)) = self.lines.cut.take() {
            // The stream ends in a piece: what there is of the line is compared.
            self.lines.tell(&line, at, place);
        }
        Aligned { told: self.lines.told, next: 0, diverged: None, overflown: self.lines.overflown }
    }
}

impl Heard {
    fn tell(&mut self, line: &[u8], at: At, place: u64) {
        let (hash, weak) = essence(line);
        self.told.push(StreamedLine { hash, at, place, weak });
    }
}

impl Lines for Heard {
    fn line(&mut self, it: RawLine<&[u8]>) {
        self.carry.extend_from_slice(it.bytes);
        if !it.ended {
            return;
        }
        let whole = std::mem::take(&mut self.carry);
        let Ok(event) = serde_json::from_slice::<Event<'_>>(&whole) else { return };
        let Some(streamed) = Streamed::read(event.message_in(&whole)) else { return };
        let Some(at) = streamed.at(Times::of(&event)).at else { return };
        for text in &streamed.session_data {
            if self.told.len() >= LINES_MAX {
                self.overflown = true;
                return;
            }
            let (mut line, at, place) = self.cut.take().unwrap_or((Vec::new(), at, it.from));
            line.extend_from_slice(text.as_bytes());
            // Longer lines are cut at 33,000 bytes without a mark, the rest opens the next event.
            if CUT.contains(&text.len()) && line.len() < LINE_MAX {
                self.cut = Some((line, at, place));
                continue;
            }
            self.tell(&line, at, place);
        }
    }
}

/// A walk through both copies at once.
pub struct Aligned {
    told: Vec<StreamedLine>,
    next: usize,
    diverged: Option<Diverged>,
    overflown: bool,
}

impl Aligned {
    /// The next line of the bytes, without its line end: when it was shown, if the stream shows it.
    pub fn line(&mut self, bytes: &[u8], place: u64) -> Option<At> {
        let (hash, weak) = essence(&as_streamed(bytes));
        let rest = self.told.get(self.next..)?;
        let reach = if weak { 1 } else { REACH };
        match rest.iter().take(reach).position(|it| it.hash == hash) {
            Some(skipped) => {
                let at = rest[skipped].at;
                let lost = rest[..skipped].iter().find(|it| !it.weak).map(|it| it.place);
                if let Some(stream_place) = lost {
                    self.differs(place, stream_place);
                }
                self.next += skipped + 1;
                Some(at)
            }
            None => {
                // A stream that breaks off has lost its end; one longer than we hold has not.
                let here = rest.first().or(self.told.last()).map(|it| it.place);
                let held = !rest.is_empty() || !self.overflown;
                if let Some(stream_place) = here.filter(|_| !weak && held) {
                    self.differs(place, stream_place);
                }
                None
            }
        }
    }

    fn differs(&mut self, at: u64, stream_at: u64) {
        self.diverged.get_or_insert(Diverged { at, stream_at, count: 0 }).count += 1;
    }

    /// What the copies do not share. Lines that the stream alone has at its end count too.
    pub fn finish(mut self, place: u64) -> Option<Diverged> {
        if !self.overflown
            && let Some(it) = self.told[self.next.min(self.told.len())..].iter().find(|it| !it.weak)
        {
            let stream_at = it.place;
            self.differs(place, stream_at);
        }
        self.diverged
    }
}

/// What both copies must share of a line: its ASCII, and the controls that are never deleted. Other characters
/// may be damaged in the stream.
fn essence(bytes: &[u8]) -> (u64, bool) {
    // Fixed keys: the same bytes must give the same answer on every run.
    let mut hasher = std::hash::DefaultHasher::new();
    let mut many = 0;
    for it in bytes {
        if matches!(it, 0x20..=0x7e) {
            it.hash(&mut hasher);
            many += usize::from(*it != b' ');
        }
    }
    (hasher.finish(), many < 3)
}

/// The line as the agent streams it: all escape sequences deleted if it knows each of them, else none; no CR; a
/// blank for each TAB.
pub fn as_streamed(line: &[u8]) -> Vec<u8> {
    let kept = stripped(line).unwrap_or_else(|| line.to_vec());
    kept.into_iter()
        .filter(|it| *it != b'\r')
        .map(|it| if it == b'\t' { b' ' } else { it })
        .collect()
}

fn stripped(line: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(line.len());
    let mut at = 0;
    while at < line.len() {
        match line[at] {
            0x1b => match *line.get(at + 1)? {
                b'[' => at = past_final(line, at + 2)?,
                b']' | b'P' | b'_' | b'^' | b'X' => {
                    let end = memchr::memmem::find(&line[at + 2..], b"\x1b\\")?;
                    // The agent's parser knows BEL as no terminator, and gives up at it.
                    if memchr::memchr(7, &line[at + 2..at + 2 + end]).is_some() {
                        return None;
                    }
                    at += 2 + end + 2;
                }
                0x40..=0x7e => at += 2,
                _ => return None,
            },
            0x9b => at = past_final(line, at + 1)?,
            0x80..=0x9f => at += 1,
            it => {
                out.push(it);
                at += 1;
            }
        }
    }
    Some(out)
}

/// One past the final byte of a control sequence whose parameters begin at `at`.
fn past_final(line: &[u8], at: usize) -> Option<usize> {
    line[at..].iter().position(|it| (0x40..=0x7e).contains(it)).map(|it| at + it + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_agent_deletes_all_sequences_of_a_line_or_none() {
        assert_eq!(as_streamed(b"\x1b[31mred\x1b[0m\ttab\r"), b"red tab");
        let raw = b"\x1b]0;title\x07\x1b[31mred";
        assert_eq!(as_streamed(raw), raw);
        assert_eq!(as_streamed("é À".as_bytes()), b"\xc3\xa9 \xc3");
    }

    fn event(second: u32, lines: &[&str]) -> String {
        let message = serde_json::json!({
            "eventTime": format!("2026-03-02T10:00:{second:02}Z"),
            "sessionData": lines,
        });
        serde_json::json!({ "message": message.to_string() }).to_string() + "\n"
    }

    #[test]
    fn lines_that_agree_get_their_time_and_others_are_a_divergence() {
        let mut stream = Stream::default();
        stream.push(event(1, &["sh-5.2$ whoami", "root"]).as_bytes());
        stream.push(event(2, &["sh-5.2$ uptime", "sh-5.2$ rm evidence"]).as_bytes());
        let mut both = stream.finish();
        let second = |it: Option<At>| it.map(|it| it.seconds() % 60);
        assert_eq!(second(both.line(b"sh-5.2$ whoami", 0)), Some(1));
        assert_eq!(second(both.line(b"root", 20)), Some(1));
        assert_eq!(second(both.line(b"sh-5.2$ \x1b[Kuptime", 30)), Some(2));
        assert_eq!(both.line(b"sh-5.2$ echo nothing", 50), None);
        let diverged = both.finish(70).unwrap();
        assert_eq!(diverged.at, 50);
        assert_eq!(diverged.count, 2);
    }

    #[test]
    fn a_stream_that_breaks_off_is_a_divergence() {
        let mut stream = Stream::default();
        stream.push(event(1, &["sh-5.2$ whoami"]).as_bytes());
        let mut both = stream.finish();
        assert!(both.line(b"sh-5.2$ whoami", 0).is_some());
        assert_eq!(both.line(b"sh-5.2$ rm evidence", 20), None);
        assert_eq!(both.finish(40).map(|it| (it.at, it.count)), Some((20, 1)));
    }
}
