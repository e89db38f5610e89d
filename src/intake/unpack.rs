//! Takes off compression within bounds, finds out what an object is, and parts what holds many sessions.

use std::hash::BuildHasher;
use std::io::BufRead;
use std::io::BufReader;
use std::io::Read;
use std::io::Write;
use std::path::Path;

use sha2::Digest;
use sha2::Sha256;

use crate::session::SessionId;
use crate::session::stem;
use crate::transcript::wire::Container;
use crate::transcript::wire::Event;
use crate::transcript::wire::Form;
use crate::transcript::wire::Streamed;
use crate::transcript::wire::export_line;
use crate::transcript::wire::recognise;

use super::content::*;
use super::document;
use super::parts::Parts;
use super::repeats::Repeats;

/// Bytes looked at to find out what an object is.
const HEAD: usize = 64 << 10;
/// Compressed objects may grow this large without question…
const EXPANDED_BYTES: u64 = 1 << 30;
/// …and beyond that only if at least one block of 4 KiB in this many differs from the one before. Terminal output
/// does; a bomb is the same all over.
const SAME_BLOCKS: u64 = 200;

/// Counts and digests the bytes of an object while they are read.
pub(crate) struct DigestingReader<R> {
    body: R,
    hasher: Sha256,
    bytes: u64,
}

impl<R> DigestingReader<R> {
    pub(crate) fn new(body: R) -> Self {
        Self { body, hasher: Sha256::new(), bytes: 0 }
    }

    /// SHA-256 of what was read, in hex digits.
    pub(crate) fn digest(self) -> String {
        hex::encode(self.hasher.finalize())
    }
}

impl<R: Read> Read for DigestingReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let used = self.body.read(buffer)?;
        self.hasher.update(&buffer[..used]);
        self.bytes += used as u64;
        Ok(used)
    }
}

/// What a log stream has grown by: its new events, as they came.
pub struct Grown {
    /// Events, one JSON object a line.
    pub content: Content,
    /// SHA-256 of what was read.
    pub digest: String,
    /// Events that came twice, kept once where that is proved.
    pub repeated: u64,
}

/// Reads what a log stream has grown by, one event a line.
///
/// # Errors
/// What the source or the scratch folder refuses.
pub fn grown(body: impl Read, scratch: &Path) -> std::io::Result<Grown> {
    let mut body = DigestingReader::new(body);
    let (mut content, mut repeats, mut repeated) = (Sink::new(scratch), Repeats::default(), 0);
    lines(&mut body, |line, _| {
        let event: Option<Event<'_>> = serde_json::from_slice(line).ok();
        if let Some(event @ Event { message: Some(text), .. }) = &event
            && !repeats.keeps(0, event, text, Streamed::read(text).as_ref(), &mut repeated)
        {
            return Ok(());
        }
        content.write_all(line)?;
        content.write_all(b"\n")
    })?;
    Ok(Grown { content: content.finish()?, digest: body.digest(), repeated })
}

/// Reads one object to its end.
///
/// # Errors
/// What the source or the scratch folder refuses. Bytes that make no sense are no error.
pub fn read(body: impl Read, key: &str, scratch: &Path) -> std::io::Result<Taken> {
    let mut body = DigestingReader::new(body);
    let mut magic = Vec::with_capacity(4);
    (&mut body).take(4).read_to_end(&mut magic)?;
    let mut taken = Taken::default();
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
    taken.stored_bytes = body.bytes;
    taken.digest = body.digest();
    Ok(taken)
}

/// What comes out of a decompressor. Where that fails it ends, and so does a bomb, which is long and the same all over: the compressed
/// size is not known while reading a stream, so sameness is measured on what comes out.
struct Unpacked<R> {
    inner: R,
    seen: u64,
    repeats: u64,
    last: u64,
    error: Option<String>,
}

impl<R> Unpacked<R> {
    fn is_bomb(&self) -> bool {
        self.seen > EXPANDED_BYTES
            && self.repeats.saturating_mul(SAME_BLOCKS) > self.seen.saturating_mul(SAME_BLOCKS - 1)
    }
}

impl<R: Read> Read for Unpacked<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if self.is_bomb() || self.error.is_some() {
            return Ok(0);
        }
        let used = match self.inner.read(buffer) {
            // What was unpacked so far is kept; the rest is damage, said as such.
            Err(it) if it.kind() != std::io::ErrorKind::Interrupted => {
                self.error = Some(it.to_string());
                0
            }
            it => it?,
        };
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

fn unpack(inner: impl Read, key: &str, scratch: &Path, taken: &mut Taken) -> std::io::Result<()> {
    let unpacked = Unpacked { inner, seen: 0, repeats: 0, last: 0, error: None };
    let mut reader = BufReader::with_capacity(256 << 10, unpacked);
    take(&mut reader, key, scratch, taken)?;
    let unpacked = reader.into_inner();
    if unpacked.is_bomb() {
        taken.transcripts.clear();
        taken.damaged = Some(format!(
            "it unpacks to more than {EXPANDED_BYTES} bytes of nearly nothing: a decompression bomb"
        ));
    } else {
        taken.damaged = unpacked.error;
    }
    Ok(())
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
    let mut parts = Parts::new(id.clone(), scratch);
    let kept = |session_id, form, content| KeptBytes {
        session_id,
        is_of_another: false,
        form,
        stream: None,
        content,
        repeated: 0,
        unread: 0,
    };
    match recognise(id.is_some() || SessionId::is_almost_named(key), &head) {
        Container::Transcript(form) => {
            let mut sink = Sink::new(scratch);
            std::io::copy(&mut whole, &mut sink)?;
            let content = sink.finish()?;
            match id.or_else(|| id_in_header(&head)).or_else(|| stem(key).and_then(SessionId::new))
            {
                Some(id) => taken.transcripts.push(kept(id, form, content)),
                // Kept under no name it would be lost, and what is lost is said on every run.
                None => {
                    taken.damaged =
                        Some("it holds a transcript, and its name cannot be a session id".into());
                }
            }
        }
        Container::Empty => match id {
            Some(id) => taken.transcripts.push(kept(id, Form::Script, Content::default())),
            None => taken.others.push("empty".into()),
        },
        Container::Unread(why) => taken.damaged = Some(why.into()),
        // What is named as a session and is none is evidence that may be missing.
        Container::Other(why) if id.is_some() => {
            taken.damaged = Some(format!("it is named as a session, and is {why}"));
        }
        Container::Other(why) => taken.others.push(why.into()),
        Container::EventLines => event_lines(&mut whole, &mut parts)?,
        Container::ExportLines => export_lines(&mut whole, &mut parts)?,
        Container::EventDocument => {
            taken.damaged = document::read(&mut whole, &mut parts)?.map(str::to_owned);
        }
    }
    parts.finish(taken)
}

fn id_in_header(head: &[u8]) -> Option<SessionId> {
    let line = head.split(|it| *it == b'\n').next()?;
    let line = String::from_utf8_lossy(line);
    let rest = line.split("/session/orchestration/").nth(1)?;
    SessionId::new(rest.split('/').next()?)
}

/// What a line is of the line that it stands for.
#[derive(Clone, Copy, PartialEq)]
enum Cut {
    Whole,
    /// The first piece of one that is longer than an event can be.
    First,
    Later,
}

/// Lines of a reader, without their ends; a line longer than an event can be comes in pieces.
fn lines(
    body: &mut impl Read,
    mut take: impl FnMut(&[u8], Cut) -> std::io::Result<()>,
) -> std::io::Result<()> {
    let mut body = BufReader::with_capacity(256 << 10, body);
    let mut line = Vec::new();
    let mut cut = Cut::Whole;
    loop {
        line.clear();
        let used = body.by_ref().take(EVENT_BYTES as u64).read_until(b'\n', &mut line)?;
        if used == 0 {
            return Ok(());
        }
        let ended = line.ends_with(b"\n") || used < EVENT_BYTES;
        let this = match (cut, ended) {
            (Cut::Whole, true) => Cut::Whole,
            (Cut::Whole, false) => Cut::First,
            _ => Cut::Later,
        };
        cut = if ended { Cut::Whole } else { this };
        let text = line.strip_suffix(b"\n").unwrap_or(&line);
        take(text.strip_suffix(b"\r").unwrap_or(text), this)?;
    }
}

/// Mark of byte order, as Windows puts it before a file.
const MARK: &[u8] = b"\xef\xbb\xbf";

fn event_lines(body: &mut impl Read, parts: &mut Parts) -> std::io::Result<()> {
    let mut first = true;
    lines(body, |line, cut| {
        let line =
            if std::mem::take(&mut first) { line.strip_prefix(MARK).unwrap_or(line) } else { line };
        let line = line.trim_ascii();
        match cut {
            _ if line.is_empty() => Ok(()),
            Cut::Whole => parts.event(line),
            Cut::First => parts.broken(line),
            // No piece of a line is an event, whatever it looks like, and none may be read as one later.
            Cut::Later => {
                let (brace, rest) = line.split_at(usize::from(line.starts_with(b"{")));
                if !brace.is_empty() {
                    parts.beside(brace)?;
                }
                parts.beside(rest)
            }
        }
    })
}

/// An event of an export task that has begun.
struct ExportedEvent {
    at: i64,
    message: Vec<u8>,
    line_ends: usize,
    /// Those of its lines that are no UTF-8, as they stood.
    odd: Vec<Vec<u8>>,
}

impl ExportedEvent {
    fn begin(at: i64, line: &[u8], start: usize) -> Self {
        let mut it = Self { at, message: Vec::new(), line_ends: 0, odd: Vec::new() };
        it.add(line, start);
        it
    }

    fn add(&mut self, line: &[u8], start: usize) {
        self.message.extend_from_slice(&line[start..]);
        if std::str::from_utf8(line).is_err() {
            self.odd.push(line.to_vec());
        }
    }

    /// Whether it can end before this message, which would be the next of its stream. A line of a transcript may begin with a
    /// time, too, and nothing tells the two apart but how the agent cuts: a streamed event is JSON and one line; a chunk of a
    /// file ends where the next line would make it too long; and only who uploads a file again begins it again. The chunks of
    /// one file are uploaded one after the other.
    fn may_end_before(&self, next: &[u8], at: i64, first: &[u8]) -> bool {
        let streamed = |text: &[u8]| {
            let head = &text[..text.len().min(STREAMED_HEAD)];
            text.starts_with(b"{") && memchr::memmem::find(head, b"\"sessionData\"").is_some()
        };
        if self.line_ends == 0 && streamed(&self.message) {
            return next.starts_with(b"{");
        }
        // Counted before the agent turned each CR LF into LF.
        let is_full = self.message.len() + self.line_ends + next.len() + 2 >= CHUNK_BYTES;
        let is_again = next.starts_with(b"Script started on ") && next == first;
        (is_full || is_again)
            && at.checked_sub(self.at).is_some_and(|it| (0..=UPLOAD).contains(&it))
    }

    fn close(self, parts: &mut Parts) -> std::io::Result<()> {
        let message = String::from_utf8_lossy(&self.message);
        let event = serde_json::json!({ "timestamp": self.at, "message": message });
        parts.event(event.to_string().as_bytes())?;
        // JSON holds no other bytes: what it cannot hold is kept beside it.
        self.odd.iter().try_for_each(|it| parts.beside(it))
    }
}

/// Bytes of a finished transcript that the agent puts into one event at most (amazon-ssm-agent:
/// agent/agentlogstocloudwatch/cloudwatchlogspublisher/cloudwatchlogsservice.go, messageLengthThresholdInBytes).
const CHUNK_BYTES: usize = 200_000;
/// Milliseconds that an upload takes at most, with all that is tried again.
const UPLOAD: i64 = 24 * 60 * 60 * 1000;
/// Bytes of a streamed event in which its members stand, of which the last is the text (amazon-ssm-agent: the same file,
/// CloudWatchMessage).
const STREAMED_HEAD: usize = 4096;

/// An export task's lines: a new event begins with a time, other lines go on with the last.
fn export_lines(body: &mut impl Read, parts: &mut Parts) -> std::io::Result<()> {
    let mut open: Option<ExportedEvent> = None;
    let mut first: Vec<u8> = Vec::new();
    lines(body, |line, cut| {
        let begins = if cut == Cut::Later { None } else { export_line(line) };
        let begins = begins.filter(|(at, start)| {
            open.as_ref().is_none_or(|it| it.may_end_before(&line[*start..], *at, &first))
        });
        if let Some((at, start)) = begins {
            if open.is_none() {
                first = line[start..].to_vec();
            }
            if let Some(it) = open.replace(ExportedEvent::begin(at, line, start)) {
                it.close(parts)?;
            }
            return Ok(());
        }
        let Some(it) = &mut open else {
            return if line.trim_ascii().is_empty() { Ok(()) } else { parts.beside(line) };
        };
        if it.message.len() + line.len() >= EVENT_BYTES {
            // No event is as long: the rest of it comes as another of its time.
            let at = it.at;
            if let Some(it) = open.replace(ExportedEvent::begin(at, line, 0)) {
                it.close(parts)?;
            }
            return Ok(());
        }
        if cut != Cut::Later {
            it.message.push(b'\n');
            it.line_ends += 1;
        }
        it.add(line, 0);
        Ok(())
    })?;
    open.map_or(Ok(()), |it| it.close(parts))
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
    fn bytes_of_an_export_that_are_no_text_are_kept_beside_what_is_shown_of_them() {
        let text = b"2026-11-23T13:39:19.123Z Script started on x\ncaf\xe9 {\"sessionId\":\"bob-0123456789abcdef1\"}\nsh-4.2$ ls\r\n";
        let it = taken("export/task/alice-0123456789abcdef0/000000.gz", &gz(text));
        let [kept] = it.transcripts.as_slice() else { panic!("one session, whatever it printed") };
        assert_eq!((kept.session_id.as_str(), kept.unread), ("alice-0123456789abcdef0", 1));
        let Content::Memory(bytes) = &kept.content else { panic!("small") };
        let lines: Vec<&[u8]> = bytes.split(|it| *it == b'\n').collect();
        assert!(String::from_utf8_lossy(lines[0]).contains("caf\u{fffd}"));
        assert!(lines[1].starts_with(b"caf\xe9 {"));
    }

    #[test]
    fn an_events_file_behind_a_byte_order_mark_is_one() {
        let text = b"\xef\xbb\xbf{\"logStreamName\":\"bob-0123456789abcdef1\",\"timestamp\":2,\"message\":\"Script started on x\"}\n";
        let it = taken("events.jsonl", text);
        assert_eq!((it.transcripts[0].unread, it.transcripts[0].content.bytes() > 0), (0, true));
    }

    #[test]
    fn the_events_of_one_stream_lie_in_one_piece_however_many_they_are() {
        let scratch = tempfile::tempdir().unwrap();
        let line = format!(
            "{{\"logStreamName\":\"bob-0123456789abcdef1\",\"timestamp\":1,\"message\":\"Script started on {}\"}}\n",
            "x".repeat(1 << 20)
        );
        let mut parts = Parts::new(None, scratch.path());
        for _ in 0..40 {
            parts.event(line.trim_end().as_bytes()).unwrap();
        }
        let mut taken = Taken::default();
        parts.finish(&mut taken).unwrap();
        let Content::Spooled { extents, bytes, .. } = &taken.transcripts[0].content else {
            panic!("large")
        };
        assert_eq!((extents.len(), *bytes), (1, 40 * line.len() as u64));
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
        assert_eq!(it.digest, hex::encode(Sha256::digest(&packed)));
        assert_eq!(it.stored_bytes, packed.len() as u64);
    }
}
