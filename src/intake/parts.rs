//! Log events on their way to their sessions: each to the stream that it names.
//!
//! What is no event goes where its name can still be read, or where the line before it went; where neither tells, every
//! session of the object has it. Memory is bounded by the number of streams, not of events.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::LazyLock;

use regex::bytes::Regex;

use super::content::Content;
use super::content::KeptBytes;
use super::content::MEMORY;
use super::content::Taken;
use super::repeats::Repeats;
use crate::session::SessionId;
use crate::transcript::wire::Event;
use crate::transcript::wire::Form;
use crate::transcript::wire::Streamed;

/// A stream's name in what is no JSON any more. Within a text, as a message is, its quotes would be escaped.
static NAMED: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r#"(?:^|[^\\])"(?:logStreamName|sessionId)"\s*:\s*"([^"\\]{1,512})""#)
        .expect("a constant pattern")
});

/// Events by stream.
#[derive(Default)]
pub(super) struct Parts {
    named: Option<SessionId>,
    scratch: PathBuf,
    numbers: BTreeMap<String, usize>,
    streams: Vec<SessionPart>,
    held: usize,
    spill: Option<Spill>,
    repeats: Repeats,
    /// Where the line before went.
    last: Option<usize>,
    /// Lines that tell no stream: where they lie, and how many.
    nobodys: Vec<(u64, u64)>,
    nobodys_lines: u64,
}

#[derive(Default)]
struct SessionPart {
    memory: Vec<u8>,
    extents: Vec<(u64, u64)>,
    bytes: u64,
    session_id: Option<SessionId>,
    /// A first message that no session would write.
    foreign: bool,
    events: u64,
    repeated: u64,
    unread: u64,
}

struct Spill {
    file: File,
    at: u64,
}

impl Spill {
    /// The one that is there, or a new one.
    fn open<'a>(spill: &'a mut Option<Self>, scratch: &Path) -> std::io::Result<&'a mut Self> {
        Ok(match spill {
            Some(it) => it,
            None => spill.insert(Self { file: tempfile::tempfile_in(scratch)?, at: 0 }),
        })
    }

    fn write(&mut self, bytes: &[u8], extents: &mut Vec<(u64, u64)>) -> std::io::Result<()> {
        self.file.write_all(bytes)?;
        let bytes = bytes.len() as u64;
        match extents.last_mut() {
            Some(last) if last.0 + last.1 == self.at => last.1 += bytes,
            _ => extents.push((self.at, bytes)),
        }
        self.at += bytes;
        Ok(())
    }
}

impl Parts {
    pub(super) fn new(named: Option<SessionId>, scratch: &Path) -> Self {
        Self { named, scratch: scratch.to_owned(), ..Self::default() }
    }

    fn number(&mut self, stream: &str) -> usize {
        if let Some(it) = self.numbers.get(stream) {
            return *it;
        }
        let number = self.streams.len();
        self.numbers.insert(stream.to_owned(), number);
        self.streams.push(SessionPart::default());
        number
    }

    /// One event, as its JSON text without line ends.
    pub(super) fn event(&mut self, json: &[u8]) -> std::io::Result<()> {
        let Ok(event) = serde_json::from_slice::<Event<'_>>(json) else {
            return self.broken(json);
        };
        let bare = match (&event.message, event.session_data.is_some()) {
            (None, true) => std::str::from_utf8(json).ok(),
            _ => None,
        };
        let text = event.message.as_deref().or(bare);
        let streamed = text.and_then(Streamed::read);
        let told = streamed.as_ref().and_then(|it| it.session_id.as_deref());
        let named = self.named.as_ref().map(|it| it.as_str().to_owned());
        // The name of the stream and of the object are AWS's word; what the events say is the machine's.
        let stream =
            event.log_stream_name.as_deref().or(named.as_deref()).or(told).unwrap_or_default();
        let number = self.number(stream);
        self.last = Some(number);
        let part = &mut self.streams[number];
        if part.events == 0 {
            let named = SessionId::new(stream).filter(SessionId::is_well_formed);
            let script = text.is_some_and(|it| it.starts_with("Script started on "));
            part.session_id = named
                .or_else(|| self.named.clone().filter(|_| event.log_stream_name.is_none()))
                .or_else(|| told.and_then(SessionId::new))
                .or_else(|| self.named.clone().filter(|_| script))
                .or_else(|| SessionId::new(stream).filter(|_| script));
            part.foreign = part.session_id.is_none();
        }
        part.events += 1;
        if part.foreign {
            return Ok(());
        }
        let repeated = &mut part.repeated;
        let keeps = text.is_none_or(|text| {
            self.repeats.keeps(number, &event, text, streamed.as_ref(), repeated)
        });
        if keeps { self.add(number, json) } else { Ok(()) }
    }

    /// What should be an event and cannot be read as one; the decoder says so wherever it is kept.
    pub(super) fn broken(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        let name =
            NAMED.captures(bytes).and_then(|it| std::str::from_utf8(it.get(1)?.as_bytes()).ok());
        match name {
            Some(name) => {
                let number = self.number(name);
                let part = &mut self.streams[number];
                if part.events == 0 && part.session_id.is_none() {
                    part.session_id = SessionId::new(name).filter(SessionId::is_well_formed);
                }
                self.last = Some(number);
                if part.session_id.is_none() {
                    return Ok(());
                }
                part.unread += 1;
                self.add(number, bytes)
            }
            None => self.beside(bytes),
        }
    }

    /// The same, where nothing in it may tell whose it is.
    pub(super) fn beside(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        if self.last.is_none()
            && let Some(it) = self.named.clone()
        {
            let number = self.number(it.as_str());
            self.streams[number].session_id.get_or_insert(it);
            self.last = Some(number);
        }
        match self.last.filter(|it| self.streams[*it].session_id.is_some()) {
            Some(number) => {
                self.streams[number].unread += 1;
                self.add(number, bytes)
            }
            None => {
                self.nobodys_lines += 1;
                let spill = Spill::open(&mut self.spill, &self.scratch)?;
                spill.write(bytes, &mut self.nobodys)?;
                spill.write(b"\n", &mut self.nobodys)
            }
        }
    }

    fn add(&mut self, number: usize, json: &[u8]) -> std::io::Result<()> {
        let part = &mut self.streams[number];
        part.memory.extend_from_slice(json);
        part.memory.push(b'\n');
        part.bytes += json.len() as u64 + 1;
        self.held += json.len() + 1;
        if self.held > MEMORY { self.spill() } else { Ok(()) }
    }

    fn spill(&mut self) -> std::io::Result<()> {
        let spill = Spill::open(&mut self.spill, &self.scratch)?;
        for part in self.streams.iter_mut().filter(|it| !it.memory.is_empty()) {
            spill.write(&part.memory, &mut part.extents)?;
            part.memory = Vec::new();
        }
        self.held = 0;
        Ok(())
    }

    pub(super) fn finish(mut self, taken: &mut Taken) -> std::io::Result<()> {
        if self.spill.is_some() {
            self.spill()?;
        }
        let file = self.spill.take().map(|it| Arc::new(it.file));
        let many = self.numbers.len() > 1;
        let sessions = self.streams.iter().filter(|it| it.session_id.is_some()).count();
        let foreign = self.streams.len() - sessions;
        let nobodys: u64 = self.nobodys.iter().map(|it| it.1).sum();
        for (stream, number) in self.numbers {
            let part = std::mem::take(&mut self.streams[number]);
            let Some(session_id) = part.session_id else { continue };
            let content = match &file {
                None => Content::Memory(part.memory),
                Some(file) => Content::Spooled {
                    file: Arc::clone(file),
                    extents: self.nobodys.iter().copied().chain(part.extents).collect(),
                    bytes: part.bytes + nobodys,
                },
            };
            let is_of_another = self.named.as_ref().is_some_and(|it| *it != session_id);
            taken.transcripts.push(KeptBytes {
                session_id,
                is_of_another,
                form: Form::Events,
                stream: many.then_some(stream),
                content,
                repeated: part.repeated,
                unread: part.unread + self.nobodys_lines,
            });
        }
        if foreign > 0 {
            taken.others.push(match foreign {
                1 => "log events of something that is no session".into(),
                many => format!("log events of {many} streams that are no sessions"),
            });
        }
        let lines = match self.nobodys_lines {
            0 => return Ok(()),
            1 => "one of its lines is no event and does not tell whose it is".to_owned(),
            many => format!("{many} of its lines are no events and do not tell whose they are"),
        };
        match (sessions, foreign) {
            (0, 1..) => taken.others.push(lines),
            // Whose it is can be told: there is no other.
            (1, 0) => {}
            _ => taken.damaged = taken.damaged.take().or(Some(lines)),
        }
        Ok(())
    }
}
