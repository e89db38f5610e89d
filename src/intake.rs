//! An object's bytes → the transcripts in it, ready to be kept and decoded.
//!
//! Takes off compression, finds out what lies inside, and parts a file of log events by session. In bounded
//! memory: what is large goes to a scratch file. What is no transcript is said, not guessed at. The digest is of the
//! object as its source held it, so that it can be proved against the source later.

use std::collections::BTreeMap;
use std::collections::HashMap;
use std::collections::HashSet;
use std::fs::File;
use std::hash::BuildHasher;
use std::io::BufRead;
use std::io::BufReader;
use std::io::Read;
use std::io::Write;
use std::path::Path;

use serde::de::DeserializeSeed;
use serde::de::SeqAccess;
use serde::de::Visitor;
use serde_json::value::RawValue;
use sha2::Digest;
use sha2::Sha256;

use crate::archive::manifest::hex;
use crate::session::SessionId;
use crate::transcript::wire::Container;
use crate::transcript::wire::Event;
use crate::transcript::wire::Form;
use crate::transcript::wire::Streamed;
use crate::transcript::wire::export_line;
use crate::transcript::wire::recognise;

/// Bytes of one object held in memory; the rest goes to a scratch file.
pub const MEMORY: usize = 16 << 20;
/// Bytes looked at to find out what an object is.
const HEAD: usize = 64 << 10;
/// Longest event line. CloudWatch Logs takes events of 1 MiB ("CloudWatch Logs quotas").
const EVENT_BYTES: usize = 32 << 20;
/// Compressed objects may grow this large without question…
const EXPANDED_BYTES: u64 = 1 << 30;
/// …and beyond that only if at least one block of 4 KiB in this many differs from the one before. Terminal output
/// does; a bomb is the same all over.
const SAME_BLOCKS: u64 = 200;

/// Bytes of one transcript, in memory or in a scratch file.
pub enum Content {
    Memory(Vec<u8>),
    Spooled { file: File, extents: Vec<(u64, u64)>, bytes: u64 },
}

impl Content {
    pub fn bytes(&self) -> u64 {
        match self {
            Self::Memory(it) => it.len() as u64,
            Self::Spooled { bytes, .. } => *bytes,
        }
    }

    pub fn is_large(&self) -> bool {
        matches!(self, Self::Spooled { .. })
    }

    /// Hands on the bytes from front to end, in parts of at most `most` bytes.
    pub fn parts(
        &self,
        most: usize,
        mut take: impl FnMut(&[u8]) -> std::io::Result<()>,
    ) -> std::io::Result<()> {
        match self {
            Self::Memory(it) => it.chunks(most).try_for_each(take),
            Self::Spooled { file, extents, .. } => {
                let mut buffer = vec![0; most];
                let mut filled = 0;
                for (at, bytes) in extents {
                    let mut at = *at;
                    let end = at + bytes;
                    while at < end {
                        let room = (most - filled).min((end - at) as usize);
                        read_at(file, at, &mut buffer[filled..filled + room])?;
                        at += room as u64;
                        filled += room;
                        if filled == most {
                            take(&buffer)?;
                            filled = 0;
                        }
                    }
                }
                if filled > 0 { take(&buffer[..filled]) } else { Ok(()) }
            }
        }
    }

    pub fn digest(&self) -> std::io::Result<String> {
        let mut hasher = Sha256::new();
        self.parts(1 << 20, |it| {
            hasher.update(it);
            Ok(())
        })?;
        Ok(hex(&hasher.finalize()))
    }
}

fn read_at(file: &File, at: u64, buffer: &mut [u8]) -> std::io::Result<()> {
    use std::os::unix::fs::FileExt;
    // Parts of one object share a scratch file, so no one may rely on its position.
    file.read_exact_at(buffer, at)
}

/// One transcript found in an object.
pub struct Kept {
    pub session_id: SessionId,
    pub form: Form,
    /// The log stream, where the object holds several.
    pub stream: Option<String>,
    pub content: Content,
    /// Events that came twice and are kept once.
    pub repeated: u64,
}

/// What an object held.
pub struct Taken {
    /// SHA-256 of its bytes as the source held them.
    pub digest: String,
    pub stored_bytes: u64,
    pub transcripts: Vec<Kept>,
    /// Parts that are no transcripts, and why.
    pub others: Vec<String>,
    /// The object ended too early or could not be unpacked to its end.
    pub damaged: Option<String>,
}

/// Counts and digests the bytes of an object while they are read.
struct Digesting<R> {
    body: R,
    hasher: Sha256,
    bytes: u64,
}

impl<R: Read> Read for Digesting<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let used = self.body.read(buffer)?;
        self.hasher.update(&buffer[..used]);
        self.bytes += used as u64;
        Ok(used)
    }
}

/// What a log stream has grown by: its new events, as they came.
pub fn grown(body: impl Read, scratch: &Path) -> std::io::Result<(Content, String)> {
    let mut body = Digesting { body, hasher: Sha256::new(), bytes: 0 };
    let content = spool(&mut body, scratch)?;
    Ok((content, hex(&body.hasher.finalize())))
}

/// Reads one object to its end.
///
/// # Errors
/// What the source or the scratch folder refuses. Bytes that make no sense are no error.
pub fn read(body: impl Read, key: &str, scratch: &Path) -> std::io::Result<Taken> {
    let mut body = Digesting { body, hasher: Sha256::new(), bytes: 0 };
    let mut magic = Vec::with_capacity(4);
    (&mut body).take(4).read_to_end(&mut magic)?;
    let mut taken = Taken {
        digest: String::new(),
        stored_bytes: 0,
        transcripts: Vec::new(),
        others: Vec::new(),
        damaged: None,
    };
    let whole = std::io::Cursor::new(magic.clone()).chain(&mut body);
    match magic.as_slice() {
        [0x1f, 0x8b, ..] => {
            unpack(flate2::read::MultiGzDecoder::new(whole), key, scratch, &mut taken)?
        }
        [0x28, 0xb5, 0x2f, 0xfd] => match zstd::stream::read::Decoder::new(whole) {
            Ok(it) => unpack(it, key, scratch, &mut taken)?,
            Err(it) => taken.damaged = Some(it.to_string()),
        },
        _ => take(&mut BufReader::with_capacity(256 << 10, whole), key, scratch, &mut taken)?,
    }
    // Whatever stands behind belongs to the object too; what is none of ours need not be fetched.
    // Of what is named as a session, that it is none must be proved by all of its bytes.
    if !taken.transcripts.is_empty() || named(key).is_some() {
        std::io::copy(&mut body, &mut std::io::sink())?;
    }
    taken.digest = hex(&body.hasher.finalize());
    taken.stored_bytes = body.bytes;
    Ok(taken)
}

/// Stops a decompressor that grows beyond all reason, and remembers its errors.
struct Bounded<R> {
    inner: R,
    bytes: u64,
    error: std::rc::Rc<std::cell::RefCell<Option<String>>>,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if self.error.borrow().is_some() {
            return Ok(0);
        }
        match self.inner.read(buffer) {
            Ok(used) => {
                self.bytes += used as u64;
                Ok(used)
            }
            Err(it) if it.kind() == std::io::ErrorKind::Interrupted => Err(it),
            // What was unpacked so far is kept; the rest is damage, said as such.
            Err(it) => {
                *self.error.borrow_mut() = Some(it.to_string());
                Ok(0)
            }
        }
    }
}

fn unpack(inner: impl Read, key: &str, scratch: &Path, taken: &mut Taken) -> std::io::Result<()> {
    let error = std::rc::Rc::new(std::cell::RefCell::new(None));
    let bounded = Bounded { inner, bytes: 0, error: std::rc::Rc::clone(&error) };
    let mut reader =
        BufReader::with_capacity(256 << 10, Guard { inner: bounded, seen: 0, repeats: 0, last: 0 });
    take(&mut reader, key, scratch, taken)?;
    let guard = reader.into_inner();
    if guard.is_bomb() {
        taken.transcripts.clear();
        taken.damaged = Some(format!(
            "it unpacks to more than {} bytes of nearly nothing: a decompression bomb",
            EXPANDED_BYTES
        ));
    } else {
        taken.damaged = error.borrow_mut().take();
    }
    Ok(())
}

/// Watches what comes out of a decompressor. A bomb is long and the same all over; the compressed size is
/// not known while reading a stream, so sameness is measured on what comes out.
struct Guard<R> {
    inner: R,
    seen: u64,
    repeats: u64,
    last: u64,
}

impl<R> Guard<R> {
    fn is_bomb(&self) -> bool {
        self.seen > EXPANDED_BYTES
            && self.repeats.saturating_mul(SAME_BLOCKS) > self.seen.saturating_mul(SAME_BLOCKS - 1)
    }
}

impl<R: Read> Read for Guard<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if self.is_bomb() {
            return Ok(0);
        }
        let used = self.inner.read(buffer)?;
        for chunk in buffer[..used].chunks(4096) {
            let hash = FIXED.hash_one(chunk);
            if hash == self.last {
                self.repeats += chunk.len() as u64;
            }
            self.last = hash;
        }
        self.seen += used as u64;
        Ok(used)
    }
}

/// Fixed keys: the same bytes give the same answer on every run.
static FIXED: std::hash::BuildHasherDefault<std::hash::DefaultHasher> =
    std::hash::BuildHasherDefault::new();

/// The file name of a key without its endings.
fn stem(key: &str) -> &str {
    let name = key.rsplit('/').next().unwrap_or(key);
    let mut stem = name;
    for ending in [".gz", ".zst", ".log", ".jsonl", ".json", ".txt"] {
        stem = stem.strip_suffix(ending).unwrap_or(stem);
    }
    stem
}

/// The session id a key is named by: its file, or its folder (an export task names the stream there).
fn named(key: &str) -> Option<SessionId> {
    SessionId::from_object_key(key).or_else(|| SessionId::from_object_key(key.rsplit_once('/')?.0))
}

fn take(
    body: &mut BufReader<impl Read>,
    key: &str,
    scratch: &Path,
    taken: &mut Taken,
) -> std::io::Result<()> {
    let mut head = Vec::with_capacity(4096);
    body.by_ref().take(HEAD as u64).read_to_end(&mut head)?;
    let id = named(key);
    let mut whole = std::io::Cursor::new(&head).chain(body);
    match recognise(id.is_some() || SessionId::is_almost_named(key), &head) {
        Container::Transcript(form) => {
            let content = spool(&mut whole, scratch)?;
            match id.or_else(|| id_in_header(&head)).or_else(|| SessionId::new(stem(key))) {
                Some(session_id) => {
                    taken.transcripts.push(Kept {
                        session_id,
                        form,
                        stream: None,
                        content,
                        repeated: 0,
                    });
                }
                // Kept under no name it would be lost, and what is lost is said on every run.
                None => {
                    taken.damaged =
                        Some("it holds a transcript, and its name cannot be a session id".into());
                }
            }
        }
        Container::Empty => match id {
            Some(session_id) => taken.transcripts.push(Kept {
                session_id,
                form: Form::Script,
                stream: None,
                content: Content::Memory(Vec::new()),
                repeated: 0,
            }),
            None => taken.others.push("empty".into()),
        },
        Container::Other(why) => taken.others.push(why.into()),
        Container::EventLines => {
            let mut parts = Parts::new(id, scratch);
            event_lines(&mut whole, &mut parts)?;
            parts.finish(taken);
        }
        Container::ExportLines => {
            let mut parts = Parts::new(id, scratch);
            export_lines(&mut whole, &mut parts)?;
            parts.finish(taken);
        }
        Container::EventDocument => {
            let mut parts = Parts::new(id, scratch);
            let mut failed = None;
            let mut parser = serde_json::Deserializer::from_reader(&mut whole);
            if let Err(it) =
                (EventsSeed { parts: &mut parts, failed: &mut failed }).deserialize(&mut parser)
            {
                taken.damaged = Some(format!("its JSON is broken: {it}"));
            }
            if let Some(it) = failed {
                return Err(it);
            }
            parts.finish(taken);
        }
    }
    Ok(())
}

fn id_in_header(head: &[u8]) -> Option<SessionId> {
    let line = head.split(|it| *it == b'\n').next()?;
    let line = String::from_utf8_lossy(line);
    let rest = line.split("/session/orchestration/").nth(1)?;
    SessionId::new(rest.split('/').next()?)
}

/// Reads everything, in memory as long as it is small.
fn spool(body: &mut impl Read, scratch: &Path) -> std::io::Result<Content> {
    let mut memory = Vec::new();
    body.by_ref().take(MEMORY as u64).read_to_end(&mut memory)?;
    if memory.len() < MEMORY {
        return Ok(Content::Memory(memory));
    }
    let mut file = tempfile::tempfile_in(scratch)?;
    file.write_all(&memory)?;
    drop(memory);
    let more = std::io::copy(body, &mut file)?;
    let bytes = MEMORY as u64 + more;
    Ok(Content::Spooled { file, extents: vec![(0, bytes)], bytes })
}

/// Events on their way to their sessions.
struct Parts<'a> {
    named: Option<SessionId>,
    scratch: &'a Path,
    streams: BTreeMap<String, Part>,
    held: usize,
    spill: Option<(File, u64)>,
}

#[derive(Default)]
struct Part {
    memory: Vec<u8>,
    extents: Vec<(u64, u64)>,
    bytes: u64,
    session_id: Option<SessionId>,
    /// A first message that no session would write.
    foreign: bool,
    seen: HashSet<u64>,
    /// When each event was taken in by CloudWatch Logs, by time and text.
    taken_in: HashMap<u64, i64>,
    repeated: u64,
    events: u64,
}

impl<'a> Parts<'a> {
    fn new(named: Option<SessionId>, scratch: &'a Path) -> Self {
        Self { named, scratch, streams: BTreeMap::new(), held: 0, spill: None }
    }

    /// One event, as its JSON text without line ends.
    fn event(&mut self, json: &[u8]) -> std::io::Result<()> {
        let Ok(event) = serde_json::from_slice::<Event<'_>>(json) else {
            // Kept where it stood; the decoder will say that it could not be read.
            let stream = self.streams.keys().next().cloned().unwrap_or_default();
            return self.add(&stream, json);
        };
        let streamed = match (&event.message, event.session_data.is_some()) {
            (Some(it), _) => Streamed::read(it),
            (None, true) => std::str::from_utf8(json).ok().and_then(Streamed::read),
            _ => None,
        };
        let told = streamed.as_ref().and_then(|it| it.session_id.as_deref());
        let stream = event
            .log_stream_name
            .clone()
            .or_else(|| told.map(str::to_owned))
            .or_else(|| self.named.as_ref().map(|it| it.as_str().to_owned()))
            .unwrap_or_default();
        let part = self.streams.entry(stream.clone()).or_default();
        if part.events == 0 {
            let named = SessionId::new(&stream).filter(SessionId::is_well_formed);
            let script =
                event.message.as_deref().is_some_and(|it| it.starts_with("Script started on "));
            part.session_id = told
                .and_then(SessionId::new)
                .or(named)
                .or_else(|| {
                    self.named.clone().filter(|_| script || event.log_stream_name.is_none())
                })
                .or_else(|| SessionId::new(&stream).filter(|_| script));
            part.foreign = part.session_id.is_none();
        }
        part.events += 1;
        // Overlapping pages and retried batches bring the same event twice.
        if let Some(id) = &event.event_id
            && !part.seen.insert(FIXED.hash_one(id))
        {
            return Ok(());
        }
        if part.foreign {
            return Ok(());
        }
        // A batch that was sent again: the same event, taken in at another time. Equal lines of one batch are no repeat.
        if let (Some(at), Some(text), Some(taken_in)) =
            (event.timestamp, &event.message, event.ingestion_time)
            && *part.taken_in.entry(FIXED.hash_one((at, text))).or_insert(taken_in) != taken_in
        {
            part.repeated += 1;
            return Ok(());
        }
        self.add(&stream, json)
    }

    fn add(&mut self, stream: &str, json: &[u8]) -> std::io::Result<()> {
        let part = self.streams.entry(stream.to_owned()).or_default();
        part.memory.extend_from_slice(json);
        part.memory.push(b'\n');
        part.bytes += json.len() as u64 + 1;
        self.held += json.len() + 1;
        if self.held > MEMORY { self.spill() } else { Ok(()) }
    }

    fn spill(&mut self) -> std::io::Result<()> {
        if self.spill.is_none() {
            self.spill = Some((tempfile::tempfile_in(self.scratch)?, 0));
        }
        let Some((file, at)) = &mut self.spill else { return Ok(()) };
        for part in self.streams.values_mut().filter(|it| !it.memory.is_empty()) {
            file.write_all(&part.memory)?;
            part.extents.push((*at, part.memory.len() as u64));
            *at += part.memory.len() as u64;
            part.memory = Vec::new();
        }
        self.held = 0;
        Ok(())
    }

    fn finish(mut self, taken: &mut Taken) {
        if self.spill.is_some()
            && let Err(it) = self.spill()
        {
            taken.damaged = Some(it.to_string());
        }
        let many = self.streams.len() > 1;
        let mut foreign = 0;
        for (stream, part) in self.streams {
            let Some(session_id) =
                part.session_id.or_else(|| self.named.clone().filter(|_| !part.foreign))
            else {
                foreign += 1;
                continue;
            };
            let content = match &self.spill {
                None => Content::Memory(part.memory),
                Some((file, _)) => match file.try_clone() {
                    Ok(file) => Content::Spooled { file, extents: part.extents, bytes: part.bytes },
                    Err(it) => {
                        taken.damaged = Some(it.to_string());
                        continue;
                    }
                },
            };
            let stream = many.then_some(stream);
            let repeated = part.repeated;
            taken.transcripts.push(Kept {
                session_id,
                form: Form::Events,
                stream,
                content,
                repeated,
            });
        }
        if foreign > 0 {
            taken.others.push(match foreign {
                1 => "log events of something that is no session".into(),
                many => format!("log events of {many} streams that are no sessions"),
            });
        }
    }
}

/// Lines of a reader, without their ends; a line longer than an event can be comes in pieces.
fn lines(
    body: &mut impl Read,
    mut take: impl FnMut(&[u8]) -> std::io::Result<()>,
) -> std::io::Result<()> {
    let mut body = BufReader::with_capacity(256 << 10, body);
    let mut line = Vec::new();
    loop {
        line.clear();
        let used = body.by_ref().take(EVENT_BYTES as u64).read_until(b'\n', &mut line)?;
        if used == 0 {
            return Ok(());
        }
        let text = line.strip_suffix(b"\n").unwrap_or(&line);
        take(text.strip_suffix(b"\r").unwrap_or(text))?;
    }
}

fn event_lines(body: &mut impl Read, parts: &mut Parts<'_>) -> std::io::Result<()> {
    lines(
        body,
        |line| {
            if line.trim_ascii().is_empty() { Ok(()) } else { parts.event(line.trim_ascii()) }
        },
    )
}

/// An export task's lines: a new event begins with a time, other lines go on with the last.
fn export_lines(body: &mut impl Read, parts: &mut Parts<'_>) -> std::io::Result<()> {
    let mut open: Option<(i64, String)> = None;
    let close = |open: Option<(i64, String)>, parts: &mut Parts<'_>| {
        let Some((timestamp, message)) = open else { return Ok(()) };
        let event = serde_json::json!({ "timestamp": timestamp, "message": message });
        parts.event(event.to_string().as_bytes())
    };
    lines(body, |line| {
        match export_line(line) {
            Some((at, start)) => {
                close(open.take(), parts)?;
                open = Some((at, String::from_utf8_lossy(&line[start..]).into_owned()));
            }
            None => {
                if let Some((_, message)) = &mut open
                    && message.len() < EVENT_BYTES
                {
                    message.push('\n');
                    message.push_str(&String::from_utf8_lossy(line));
                }
            }
        }
        Ok(())
    })?;
    close(open.take(), parts)
}

/// Walks `{"events": […]}` or `[…]` without holding the document.
struct EventsSeed<'a, 'b> {
    parts: &'a mut Parts<'b>,
    failed: &'a mut Option<std::io::Error>,
}

impl<'de> DeserializeSeed<'de> for EventsSeed<'_, '_> {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, it: D) -> Result<(), D::Error> {
        it.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for EventsSeed<'_, '_> {
    type Value = ();

    fn expecting(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("log events")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        while let Some(event) = seq.next_element::<Box<RawValue>>()? {
            let text: String = event.get().lines().map(str::trim).collect::<Vec<_>>().join(" ");
            if let Err(it) = self.parts.event(text.as_bytes()) {
                *self.failed = Some(it);
                break;
            }
        }
        Ok(())
    }

    fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<String>()? {
            if key == "events" {
                map.next_value_seed(EventsSeed { parts: self.parts, failed: self.failed })?;
            } else {
                map.next_value::<serde::de::IgnoredAny>()?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(key: &str, bytes: &[u8]) -> Taken {
        let scratch = tempfile::tempdir().unwrap();
        read(bytes, key, scratch.path()).unwrap()
    }

    fn gz(bytes: &[u8]) -> Vec<u8> {
        let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        out.write_all(bytes).unwrap();
        out.finish().unwrap()
    }

    const SCRIPT: &[u8] =
        b"Script started on 2026-11-23 13:39:19+0000\nsh-4.2$ ls\r\r\n\nScript done on x\n";

    #[test]
    fn the_form_is_found_from_the_bytes() {
        let forms = |key: &str, bytes: &[u8]| -> Vec<&str> {
            taken(key, bytes).transcripts.iter().map(|it| it.form.name()).collect()
        };
        assert_eq!(forms("x/alice-0123456789abcdef0.log", SCRIPT), ["script"]);
        assert_eq!(forms("x/alice-0123456789abcdef0.log.gz", &gz(SCRIPT)), ["script"]);
        let zst = zstd::encode_all(SCRIPT, 1).unwrap();
        assert_eq!(forms("x/alice-0123456789abcdef0.log.zst", &zst), ["script"]);
        assert_eq!(forms("alice-0123456789abcdef0.log", b"/ # ls\r\n"), ["bare"]);
        assert!(forms("notes.txt", b"hello\n").is_empty());
    }

    #[test]
    fn what_is_no_transcript_is_said() {
        let why = |key: &str, bytes: &[u8]| taken(key, bytes).others.join("; ");
        assert_eq!(why("pic.log", b"\x89PNG\r\n\x1a\n"), "a PNG image");
        assert_eq!(
            why(
                "trail.json",
                br#"{"Records":[{"eventVersion":"1.08","eventSource":"ssm.amazonaws.com"}]}"#
            ),
            "a CloudTrail file"
        );
        assert!(
            why("Standard_Stream/stderr", b"unable to generate log data").contains("no session id")
        );
    }

    #[test]
    fn a_document_of_events_is_parted_by_stream() {
        let doc = br#"{ "searchedLogStreams": [], "events": [
            {"logStreamName":"alice-0123456789abcdef0","timestamp":1,"message":"Script started on x\n$ ls","eventId":"1"},
            {"logStreamName":"bob-0123456789abcdef1","timestamp":2,"message":"Script started on x\n$ id","eventId":"2"},
            {"logStreamName":"bob-0123456789abcdef1","timestamp":2,"message":"Script started on x\n$ id","eventId":"2"},
            {"logStreamName":"2026/11/23/[$LATEST]abc","timestamp":3,"message":"START RequestId","eventId":"3"}
        ]}"#;
        let it = taken("events.json", doc);
        let ids: Vec<&str> = it.transcripts.iter().map(|it| it.session_id.as_str()).collect();
        assert_eq!(ids, ["alice-0123456789abcdef0", "bob-0123456789abcdef1"]);
        assert_eq!(it.others, ["log events of something that is no session"]);
        let Content::Memory(bob) = &it.transcripts[1].content else { panic!("small") };
        assert_eq!(
            bob.iter().filter(|it| **it == b'\n').count(),
            1,
            "the event that came twice is kept once"
        );
    }

    #[test]
    fn an_export_task_file_becomes_events_named_by_its_folder() {
        let text =
            b"2026-11-23T13:39:19.123Z Script started on 2026-11-23 13:39:19+0000\nsh-4.2$ ls\r\n";
        let it = taken("export/task/alice-0123456789abcdef0/000000.gz", &gz(text));
        assert_eq!(it.transcripts[0].session_id.as_str(), "alice-0123456789abcdef0");
        let Content::Memory(bytes) = &it.transcripts[0].content else { panic!("small") };
        assert!(String::from_utf8_lossy(bytes).contains("sh-4.2$ ls"));
    }

    #[test]
    fn a_truncated_gzip_keeps_what_could_be_read() {
        let whole = gz(&[SCRIPT, &b"x y z\r\r\n".repeat(2000)].concat());
        let it = taken("alice-0123456789abcdef0.log.gz", &whole[..whole.len() - 20]);
        assert!(it.damaged.is_some());
        assert!(it.transcripts[0].content.bytes() > 0);
    }

    #[test]
    fn the_digest_is_of_the_object_as_it_lay_there() {
        let packed = gz(SCRIPT);
        let it = taken("alice-0123456789abcdef0.log.gz", &packed);
        assert_eq!(it.digest, hex(&Sha256::digest(&packed)));
        assert_eq!(it.stored_bytes, packed.len() as u64);
    }
}
