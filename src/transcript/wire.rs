//! The forms a transcript arrives in → raw terminal lines with their place and time.
//!
//! One session can lie in S3 as a `script` file, in CloudWatch Logs as the same file cut into chunks, or as a
//! stream of JSON events; on Windows as a PowerShell transcript; on Alpine as bare bytes. The form is
//! found from the bytes, never from where they lay. Everything here is total: what does not fit is handed on
//! as terminal output, because a frame that an attacker printed must not hide what follows it.
//!
//! Sources: "Logging session activity" (AWS Systems Manager User Guide); amazon-ssm-agent:
//! agent/session/shell/shell_unix.go, agent/agentlogstocloudwatch/cloudwatchlogspublisher/
//! cloudwatchlogsservice.go; util-linux: term-utils/script.c, versions 2.23 to 2.38.

use std::sync::LazyLock;

use chrono::DateTime;
use chrono::NaiveDateTime;
use regex::bytes::Regex;
use serde::Deserialize;
use serde_json::value::RawValue;

/// Longest piece of one raw line held at once; longer lines are handed on in pieces.
const PIECE: usize = 1 << 20;

/// How the bytes of one transcript are laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Form {
    /// What `script` wrote: header line, terminal bytes, footer line.
    Script,
    /// Terminal bytes without any frame (busybox `script`, or a copy that lost it).
    Bare,
    /// A PowerShell transcript.
    Windows,
    /// CloudWatch Logs events, one JSON object a line, oldest first.
    Events,
}

impl Form {
    pub const ALL: [Self; 4] = [Self::Script, Self::Bare, Self::Windows, Self::Events];

    pub fn name(self) -> &'static str {
        match self {
            Self::Script => "script",
            Self::Bare => "bare",
            Self::Windows => "windows",
            Self::Events => "events",
        }
    }

    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.name() == name)
    }
}

/// What the first bytes of a file say it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Container {
    /// Terminal bytes of one session in this form.
    Transcript(Form),
    /// One JSON event (or one streamed message) a line.
    EventLines,
    /// One JSON document with an `events` array, as the AWS CLI prints it.
    EventDocument,
    /// `2026-11-23T13:39:19.123Z message`, as an export task writes it.
    ExportLines,
    Empty,
    /// Evidence in a form that is not read: what it is, and what gives a form that is.
    Unread(&'static str),
    /// Not a transcript, and why we think so.
    Other(&'static str),
}

/// Says what a file is from its name's session id and its first bytes (4 KiB are plenty).
pub fn recognise(named_as_session: bool, head: &[u8]) -> Container {
    let text = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
    let start = text.trim_ascii_start();
    if head.is_empty() {
        return Container::Empty;
    }
    if is_script_header(text) {
        return Container::Transcript(Form::Script);
    }
    if start.starts_with(b"**********************") {
        return Container::Transcript(Form::Windows);
    }
    if let Some(what) = unread(head, start) {
        return Container::Unread(what);
    }
    // `[root@host ~]# ` is a prompt.
    if is_json(start) || (!named_as_session && (start.starts_with(b"{") || start.starts_with(b"[")))
    {
        return match recognise_json(start) {
            // Whatever its first line looks like: what is named as a session is read.
            Container::Other(NO_EVENTS) if named_as_session => Container::Transcript(Form::Bare),
            it => it,
        };
    }
    if EXPORT_LINE.is_match(text) {
        return Container::ExportLines;
    }
    const MAGIC: &[(&[u8], &str)] = &[
        (b"\x89PNG", "a PNG image"),
        (b"\xff\xd8\xff", "a JPEG image"),
        (b"GIF8", "a GIF image"),
        (b"%PDF", "a PDF document"),
        (b"PK\x03\x04", "a ZIP archive"),
        (b"PAR1", "a Parquet file"),
        (b"\x7fELF", "a program"),
        (b"MZ", "a Windows program"),
        (b"SQLite format 3", "a database"),
    ];
    if let Some((_, what)) = MAGIC.iter().find(|it| head.starts_with(it.0)) {
        return Container::Other(what);
    }
    if named_as_session {
        return Container::Transcript(Form::Bare);
    }
    Container::Other("no script header, no log events, and its name is no session id")
}

const NO_EVENTS: &str = "JSON, but not log events";

/// Whether a text can go on as an object or as an array of objects.
fn is_json(start: &[u8]) -> bool {
    let Some((first, rest)) = start.split_first() else { return false };
    let next = rest.trim_ascii_start().first();
    match first {
        b'{' => matches!(next, None | Some(b'"' | b'}')),
        b'[' => matches!(next, None | Some(b'{' | b']')),
        _ => false,
    }
}

/// What a file is that holds evidence and is in none of our forms, with what gives one.
fn unread(head: &[u8], start: &[u8]) -> Option<&'static str> {
    if head.starts_with(b"\xff\xfe") || head.starts_with(b"\xfe\xff") {
        return Some(
            "it is UTF-16, as `>` of Windows PowerShell writes it: `iconv -f UTF-16 -t UTF-8` gives what is read",
        );
    }
    // Every other byte of its ASCII is NUL; a terminal shows few of them.
    let nuls = memchr::memchr_iter(0, head).count();
    if head.len() >= 16 && nuls * 5 >= head.len() * 2 && !head.starts_with(b"Script started") {
        return Some(
            "it is UTF-16 without a byte order mark: `iconv -f UTF-16LE -t UTF-8` gives what is read",
        );
    }
    let seen = |word: &str| memchr::memmem::find(head, word.as_bytes()).is_some();
    let line = start.split(|it| *it == b'\n').next().unwrap_or_default().trim_ascii_end();
    if TAILED.is_match(line) && (seen("\"sessionData\"") || seen("\"sessionId\"")) {
        return Some(
            "it is the output of `aws logs tail`: `ssmtrail sync logs:GROUP` reads the group itself, and so is the output of `aws logs get-log-events` read",
        );
    }
    if line.starts_with(b"EVENTS\t") && (seen("\"sessionData\"") || seen("\"sessionId\"")) {
        return Some(
            "it is the text output of `aws logs`: `--output json` gives what is read, and `ssmtrail sync logs:GROUP` reads the group itself",
        );
    }
    let columns: Vec<&[u8]> = line.split(|it| *it == b',').collect();
    let is = |name: &[u8]| columns.iter().any(|it| it.trim_ascii() == name);
    if line == b"timestamp,message" || is(b"@message") && (is(b"@timestamp") || is(b"@logStream")) {
        return Some(
            "it is a CSV download of the CloudWatch console: `ssmtrail sync logs:GROUP` reads the group itself, and so is the output of `aws logs get-log-events` read",
        );
    }
    if is_json(start) && seen("\"@message\"") {
        return Some(
            "it is a result of Logs Insights: `ssmtrail sync logs:GROUP` reads the group itself, and so is the output of `aws logs get-log-events` read",
        );
    }
    None
}

/// A line of `aws logs tail`, in its forms "detailed" and "short".
static TAILED: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^(\x1b\[[0-9;]*m)*\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+\+00:00(\x1b\[[0-9;]*m)* \S+)?(\x1b\[[0-9;]*m)* \{")
        .expect("a constant pattern")
});

fn recognise_json(start: &[u8]) -> Container {
    let seen = |word: &str| memchr::memmem::find(start, word.as_bytes()).is_some();
    if seen("\"Records\"") && (seen("\"eventSource\"") || seen("\"eventVersion\"")) {
        return Container::Other("a CloudTrail file");
    }
    let first_line = start.split(|it| *it == b'\n').next().unwrap_or_default();
    let complete: Option<Event> = serde_json::from_slice(first_line).ok();
    if complete.is_some_and(|it| it.message.is_some() || it.session_data.is_some()) {
        return Container::EventLines;
    }
    if seen("\"events\"") && (start.starts_with(b"{")) && !seen("\"eventSource\"") {
        return Container::EventDocument;
    }
    if seen("\"message\"") || seen("\"sessionData\"") {
        // A first event longer than the head.
        return if start.starts_with(b"[") {
            Container::EventDocument
        } else {
            Container::EventLines
        };
    }
    Container::Other(NO_EVENTS)
}

static EXPORT_LINE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z ").expect("a constant pattern")
});

/// The start of an export task's line: its time in milliseconds, and where the message begins.
pub fn export_line(line: &[u8]) -> Option<(i64, usize)> {
    // A file that went through Windows may begin with a byte order mark.
    let bare = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line);
    let found = EXPORT_LINE.find(bare)?;
    let stamp = std::str::from_utf8(&bare[..found.end() - 1]).ok()?;
    let at = DateTime::parse_from_rfc3339(stamp).ok()?;
    Some((at.timestamp_millis(), line.len() - bare.len() + found.end()))
}

/// One CloudWatch Logs event as GetLogEvents, FilterLogEvents and exports give it, or one streamed message on
/// its own. Every field can be missing.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Event<'a> {
    pub log_stream_name: Option<String>,
    pub timestamp: Option<i64>,
    pub ingestion_time: Option<i64>,
    pub event_id: Option<String>,
    pub message: Option<String>,
    /// Present when the line is a streamed message without its envelope.
    #[serde(borrow)]
    pub session_data: Option<&'a RawValue>,
    pub session_id: Option<String>,
}

/// The structured message of a streaming agent.
/// Source: amazon-ssm-agent: …/cloudwatchlogsservice.go (CloudWatchMessage).
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Streamed {
    pub event_version: Option<String>,
    pub event_time: Option<String>,
    pub aws_region: Option<String>,
    pub target: Option<StreamedTarget>,
    pub user_identity: Option<StreamedIdentity>,
    pub run_as_user: Option<String>,
    pub session_id: Option<String>,
    pub session_data: Vec<String>,
}

#[derive(Deserialize)]
pub struct StreamedTarget {
    pub id: Option<String>,
}

#[derive(Deserialize)]
pub struct StreamedIdentity {
    pub arn: Option<String>,
}

/// Session Manager was announced on 2018-09-11: no session is older.
pub const FIRST: i64 = 1_536_624_000_000_000;

/// By so much the clocks of a machine and of AWS may differ, and a message may wait to be sent.
pub const CLOCKS: i64 = 5 * 60 * 1_000_000;

/// By so much an event may come late: a node without a network sends what it kept.
pub const LATE: i64 = 24 * 60 * 60 * 1_000_000;

/// What CloudWatch Logs says of an event, UTC microseconds: when it was, as its sender said, and when it was taken in, which
/// alone is AWS's own word ("PutLogEvents", "OutputLogEvent").
#[derive(Clone, Copy, Debug, Default)]
pub struct Times {
    pub sent: Option<i64>,
    pub taken_in: Option<i64>,
}

/// When an event was shown, and what its sender claims if that cannot be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Shown {
    pub at: Option<i64>,
    pub claimed: Option<i64>,
}

impl Times {
    pub fn of(event: &Event<'_>) -> Self {
        let micros = |it: Option<i64>| it.map(|it| it.saturating_mul(1000));
        Self { sent: micros(event.timestamp), taken_in: micros(event.ingestion_time) }
    }

    /// The time of an event, given what its message claims: each claim only as far as the next bears it out.
    pub fn bound(self, told: Option<i64>) -> Shown {
        // What an export lost is not a time.
        let sent = self.sent.filter(|it| *it >= FIRST);
        let taken_in = self.taken_in.filter(|it| *it >= FIRST);
        let (at, claimed) = match (told, sent) {
            (Some(told), None) if told < FIRST => (None, Some(told)),
            (Some(told), Some(sent)) if told.abs_diff(sent) > CLOCKS.unsigned_abs() => {
                (Some(sent), Some(told))
            }
            (told, sent) => (told.or(sent), None),
        };
        let Some(taken_in) = taken_in else { return Shown { at, claimed } };
        let can_be =
            |it: i64| it <= taken_in.saturating_add(CLOCKS) && it >= taken_in.saturating_sub(LATE);
        match at {
            Some(at) if can_be(at) => Shown { at: Some(at), claimed },
            _ => Shown { at: Some(taken_in), claimed: claimed.or(at) },
        }
    }
}

impl Streamed {
    /// When it was shown, given what CloudWatch Logs says of the event.
    pub fn at(&self, event: Times) -> Shown {
        let told = self
            .event_time
            .as_deref()
            .and_then(|it| chrono::DateTime::parse_from_rfc3339(it).ok())
            .map(|it| it.timestamp_micros());
        event.bound(told)
    }

    /// `None` if the message is no streamed JSON: then it is plain text.
    pub fn read(message: &str) -> Option<Self> {
        let start = message.trim_start();
        if !start.starts_with('{') || !start.contains("\"sessionData\"") {
            return None;
        }
        serde_json::from_str(start).ok().or_else(|| Self::loosely(start))
    }

    /// The same where a field is of another type than the agent writes: no field may hide what was shown.
    fn loosely(message: &str) -> Option<Self> {
        let it: serde_json::Value = serde_json::from_str(message).ok()?;
        let text = |it: &serde_json::Value| match it {
            serde_json::Value::String(it) => it.clone(),
            other => other.to_string(),
        };
        let told = |name: &str| Some(it.get(name)?.as_str()?.to_owned());
        let within = |name: &str, field: &str| Some(it.get(name)?.get(field)?.as_str()?.to_owned());
        Some(Self {
            event_version: told("eventVersion"),
            event_time: told("eventTime"),
            aws_region: told("awsRegion"),
            target: Some(StreamedTarget { id: within("target", "id") }),
            user_identity: Some(StreamedIdentity { arn: within("userIdentity", "arn") }),
            run_as_user: told("runAsUser"),
            session_id: told("sessionId"),
            session_data: match it.get("sessionData")? {
                serde_json::Value::Null => Vec::new(),
                serde_json::Value::Array(lines) => lines.iter().map(text).collect(),
                one => vec![text(one)],
            },
        })
    }
}

/// Whether a text reads as CP932 (Shift_JIS), as Windows in Japanese writes it, and not as UTF-8: each of its bytes is a
/// character's, some are kana, and little of what is beyond ASCII is UTF-8.
pub fn is_cp932(bytes: &[u8]) -> bool {
    let (mut valid, mut invalid) = (0, 0);
    for it in bytes.utf8_chunks() {
        valid += it.valid().bytes().filter(|it| !it.is_ascii()).count();
        invalid += it.invalid().len();
    }
    if invalid <= valid {
        return false;
    }
    let (mut rest, mut kana) = (bytes, 0);
    while let Some((first, behind)) = rest.split_first() {
        rest = behind;
        match (first, behind.first()) {
            (0x00..=0x7f | 0xa1..=0xdf, _) => {}
            // Cut within a character.
            (0x81..=0x9f | 0xe0..=0xfc, None) => {}
            (0x81..=0x9f | 0xe0..=0xfc, Some(second @ (0x40..=0x7e | 0x80..=0xfc))) => {
                let is_kana = *first == 0x82 && (0x9f..=0xf1).contains(second)
                    || *first == 0x83 && (0x40..=0x96).contains(second);
                kana += u32::from(is_kana);
                rest = &behind[1..];
            }
            _ => return false,
        }
    }
    kana >= 2
}

/// What a frame says of its session. Nothing here is proof: whoever wrote the bytes wrote this too.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Frame {
    /// The header line as it stands.
    pub header: Option<String>,
    /// Time of the header or footer, UTC microseconds: the *end* of the session, because `script` runs
    /// after it.
    pub ended_at: Option<i64>,
    /// Windows transcripts do carry a start, in a zone they do not name.
    pub header_time_without_zone: bool,
    /// From the path in the header (util-linux 2.38 and later).
    pub target: Option<String>,
    pub session_id: Option<String>,
    /// `Standard_Stream`, `InteractiveCommands` or `NonInteractiveCommands`.
    pub session_type: Option<String>,
    pub has_footer: bool,
    /// Columns and rows of the window that `script` ran in (util-linux 2.35 and later, where it runs on a terminal).
    pub window: Option<(u16, u16)>,
}

fn is_script_header(bytes: &[u8]) -> bool {
    let line = bytes.split(|it| *it == b'\n').next().unwrap_or_default();
    line.starts_with(b"Script started on ")
        // The words are translated by gettext; the rest of the line is not.
        || (line.len() < 4096
            && memchr::memmem::find(line, b"/ipcTempFile.log\" <").is_some()
            && memchr::memmem::find(line, b"[COMMAND=\"").is_some())
}

static HEADER_PATH: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"([^/\s]+)/session/orchestration/([^/]+)/([^/]+)/ipcTempFile\.log")
        .expect("a constant pattern")
});

static ISO_TIME: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)([+-]\d\d):?(\d\d)").expect("a constant pattern")
});

/// The size that the header of `script` names behind everything that it quotes. Source: util-linux: term-utils/script.c,
/// log_start.
fn header_window(line: &str) -> Option<(u16, u16)> {
    let number = |name: &str| -> Option<u16> {
        let at = line.rfind(name)? + name.len();
        line[at..].split_once('"')?.0.parse().ok()
    };
    let (columns, rows) = (number(" COLUMNS=\"")?, number(" LINES=\"")?);
    // No window that people work in is smaller or larger.
    ((20..=1000).contains(&columns) && (1..=1000).contains(&rows)).then_some((columns, rows))
}

/// Reads a time of a `script` line: UTC microseconds, or the news that it names no zone.
fn script_time(line: &str) -> (Option<i64>, bool) {
    if let Some(found) = ISO_TIME.captures(line.as_bytes()) {
        let part = |n: usize| String::from_utf8_lossy(&found[n]).into_owned();
        let stamp = format!("{}{}{}", part(1), part(2), part(3));
        let at = DateTime::parse_from_str(&stamp, "%Y-%m-%d %H:%M:%S%z").ok();
        return (at.map(|it| it.timestamp_micros()), false);
    }
    let words = line.split(" on ").nth(1).unwrap_or_default();
    let plain = words.trim().chars().take(24).collect::<String>();
    let found = NaiveDateTime::parse_from_str(&plain, "%a %b %e %H:%M:%S %Y").is_ok();
    (None, found)
}

/// Where raw lines go. `crs` counts the CRs before the LF; `from..to` is the place in the kept bytes.
pub trait Lines {
    fn line(&mut self, bytes: &[u8], crs: u8, ended: bool, from: u64, to: u64);
}

/// Cuts bytes into raw lines, in whatever chunks they come.
#[derive(Default)]
pub struct Splitter {
    carry: Vec<u8>,
    at: u64,
}

impl Splitter {
    pub fn push(&mut self, mut bytes: &[u8], out: &mut impl Lines) {
        if !self.carry.is_empty() {
            let end = memchr::memchr(b'\n', bytes).map_or(bytes.len(), |it| it + 1);
            let room = PIECE + 4 - self.carry.len().min(PIECE + 4);
            let take = end.min(room);
            self.carry.extend_from_slice(&bytes[..take]);
            bytes = &bytes[take..];
            if self.carry.last() == Some(&b'\n') || self.carry.len() >= PIECE + 4 {
                let carry = std::mem::take(&mut self.carry);
                let used = self.cut(&carry, out);
                let mut rest = carry[used..].to_vec();
                std::mem::swap(&mut self.carry, &mut rest);
                if !self.carry.is_empty() {
                    return self.push(bytes, out);
                }
            } else if bytes.is_empty() {
                return;
            } else {
                return self.push(bytes, out);
            }
        }
        let used = self.cut(bytes, out);
        self.carry.extend_from_slice(&bytes[used..]);
    }

    /// Hands on every complete line and every full piece; returns the bytes used.
    fn cut(&mut self, bytes: &[u8], out: &mut impl Lines) -> usize {
        let mut used = 0;
        loop {
            let rest = &bytes[used..];
            match memchr::memchr(b'\n', &rest[..rest.len().min(PIECE + 4)]) {
                Some(end) => {
                    self.hand_on(&rest[..end], true, 1, out);
                    used += end + 1;
                }
                None if rest.len() >= PIECE + 4 => {
                    let end = boundary(rest, PIECE);
                    self.hand_on(&rest[..end], false, 0, out);
                    used += end;
                }
                None => return used,
            }
        }
    }

    fn hand_on(&mut self, raw: &[u8], ended: bool, lf: u64, out: &mut impl Lines) {
        let to = self.at + raw.len() as u64 + lf;
        let (bytes, crs) = if ended { without_crs(raw) } else { (raw, 0) };
        out.line(bytes, crs, ended, self.at, to);
        self.at = to;
    }

    pub fn finish(&mut self, out: &mut impl Lines) {
        let carry = std::mem::take(&mut self.carry);
        let mut rest = carry.as_slice();
        while !rest.is_empty() {
            let end = boundary(rest, PIECE.min(rest.len()));
            self.hand_on(&rest[..end], false, 0, out);
            rest = &rest[end..];
        }
    }

    pub fn place(&self) -> u64 {
        self.at
    }
}

/// The last character boundary at or before `most`, so that no piece cuts a character.
fn boundary(bytes: &[u8], most: usize) -> usize {
    if most >= bytes.len() {
        return bytes.len();
    }
    let mut end = most;
    while end > most.saturating_sub(3) && bytes[end] & 0xc0 == 0x80 {
        end -= 1;
    }
    if bytes[end] & 0xc0 == 0x80 { most } else { end }
}

/// A line without the CRs that end it, and how many there were.
pub fn without_crs(raw: &[u8]) -> (&[u8], u8) {
    let end = raw.iter().rposition(|it| *it != b'\r').map_or(0, |it| it + 1);
    (&raw[..end], (raw.len() - end).min(255) as u8)
}

/// Takes the frame off a `script` file or a PowerShell transcript, line by line.
pub struct Unframe {
    form: Form,
    pub frame: Frame,
    state: State,
    /// A line that may turn out to be the footer, or the one that only the footer ended.
    held: Vec<OwnedLine>,
    /// Line ends counted until the `script` CR is known: with one extra, without.
    doubled: (u32, u32),
    waiting: Vec<OwnedLine>,
    waiting_bytes: usize,
    settled: Option<bool>,
}

#[derive(PartialEq)]
enum State {
    First,
    AfterHeader,
    WindowsHeader(u8),
    Body,
}

/// A raw line that is kept, its bytes its own.
pub(super) struct OwnedLine {
    pub(super) bytes: Vec<u8>,
    pub(super) crs: u8,
    pub(super) ended: bool,
    pub(super) from: u64,
    pub(super) to: u64,
}

/// Lines looked at before deciding whether `script` added a CR to each.
const SETTLE_LINES: u32 = 64;

impl Unframe {
    pub fn new(form: Form) -> Self {
        Self {
            form,
            frame: Frame::default(),
            state: if form == Form::Bare { State::Body } else { State::First },
            held: Vec::new(),
            doubled: (0, 0),
            waiting: Vec::new(),
            waiting_bytes: 0,
            settled: if form == Form::Windows { Some(false) } else { None },
        }
    }

    pub fn line(&mut self, it: RawLine<'_>, out: &mut impl Lines) {
        match self.state {
            State::First => {
                self.state = State::Body;
                match self.form {
                    Form::Windows if it.bytes.starts_with(b"*****") => {
                        self.state = State::WindowsHeader(0);
                        return;
                    }
                    Form::Script | Form::Events if is_script_header(it.bytes) => {
                        self.read_header(it.bytes);
                        self.state = State::AfterHeader;
                        return;
                    }
                    _ => {}
                }
            }
            State::AfterHeader => {
                self.state = State::Body;
                // BSD `script` says what it ran (Apple shell_cmds: script/script.c).
                if it.bytes.starts_with(b"Command: ") && self.frame.session_id.is_none() {
                    self.read_path(it.bytes);
                    return;
                }
            }
            State::WindowsHeader(lines) => {
                let text = String::from_utf8_lossy(it.bytes);
                if it.bytes.starts_with(b"*****") && lines > 0 || lines > 40 {
                    self.state = State::Body;
                } else {
                    self.state = State::WindowsHeader(lines + 1);
                    if text.starts_with("Start time:") {
                        self.frame.header = Some(text.into_owned());
                        self.frame.header_time_without_zone = true;
                    }
                }
                return;
            }
            State::Body => {}
        }
        self.body(it, out);
    }

    fn read_header(&mut self, bytes: &[u8]) {
        let text = String::from_utf8_lossy(bytes).into_owned();
        let (at, without_zone) = script_time(&text);
        self.frame.ended_at = at;
        self.frame.header_time_without_zone = without_zone;
        self.read_path(bytes);
        self.frame.window = header_window(&text);
        self.frame.header = Some(text);
    }

    fn read_path(&mut self, bytes: &[u8]) {
        if let Some(found) = HEADER_PATH.captures(bytes) {
            let part = |n: usize| Some(String::from_utf8_lossy(&found[n]).into_owned());
            self.frame.target = part(1);
            self.frame.session_id = part(2);
            self.frame.session_type = part(3);
        }
    }

    /// Only the last footer is one: what an attacker prints is followed by more. So a line that looks like
    /// a footer, and a line that ended without CR just before it, wait until the next line is known.
    fn body(&mut self, it: RawLine<'_>, out: &mut impl Lines) {
        let footer = self.is_footer(it.bytes);
        if self.held.iter().any(|held| self.is_footer(&held.bytes)) {
            let trailer = match self.form {
                Form::Windows => {
                    footer
                        || it.bytes.starts_with(b"Windows PowerShell transcript end")
                        || it.bytes.starts_with(b"End time:")
                }
                _ => !footer && it.bytes.is_empty(),
            };
            if trailer && self.held.len() < 8 {
                self.held.push(OwnedLine::from(it));
                return;
            }
            self.release(out);
        }
        let bsd_status = it.bytes.starts_with(b"Command exit status:");
        if footer || bsd_status {
            self.held.push(OwnedLine::from(it));
        } else if it.crs == 0 && it.ended {
            self.release(out);
            self.held.push(OwnedLine::from(it));
        } else {
            self.release(out);
            self.count(it, out);
        }
    }

    fn is_footer(&self, bytes: &[u8]) -> bool {
        match self.form {
            Form::Windows => bytes.starts_with(b"**********************"),
            _ => bytes.starts_with(b"Script done on ") || is_translated_footer(bytes),
        }
    }

    fn release(&mut self, out: &mut impl Lines) {
        if self.held.is_empty() {
            return;
        }
        for it in std::mem::take(&mut self.held) {
            self.count(it.raw(), out);
        }
    }

    /// Counts line ends until it is clear whether `script` added a CR to each, then hands on.
    fn count(&mut self, it: RawLine<'_>, out: &mut impl Lines) {
        if let Some(doubled) = self.settled {
            emit(it, doubled, out);
            return;
        }
        if it.ended && it.crs >= 2 {
            self.doubled.0 += 1;
        } else if it.ended && it.crs == 1 {
            self.doubled.1 += 1;
        }
        self.waiting.push(OwnedLine::from(it));
        self.waiting_bytes += it.bytes.len();
        let enough = self.doubled.0 + self.doubled.1 >= SETTLE_LINES;
        // A line without end must not fill the memory while we wait for others.
        if enough || self.waiting.len() >= 512 || self.waiting_bytes >= PIECE {
            self.settle(out);
        }
    }

    fn settle(&mut self, out: &mut impl Lines) {
        let doubled = self.doubled.0 > self.doubled.1;
        self.settled = Some(doubled);
        for it in std::mem::take(&mut self.waiting) {
            emit(it.raw(), doubled, out);
        }
    }

    /// Hands on whatever waits: what comes next did not come through this frame.
    pub fn flush(&mut self, out: &mut impl Lines) {
        self.release(out);
        if !self.waiting.is_empty() {
            self.settle(out);
        }
    }

    pub fn finish(&mut self, out: &mut impl Lines) {
        let footer = self.held.iter().position(|it| self.is_footer(&it.bytes));
        let held = std::mem::take(&mut self.held);
        for (nth, it) in held.iter().enumerate() {
            match footer {
                None => self.count(it.raw(), out),
                Some(at) if nth >= at => {
                    let (time, _) = script_time(&String::from_utf8_lossy(&it.bytes));
                    // Of a recording that somebody made by hand the header tells its start.
                    self.frame.ended_at = self.frame.ended_at.max(time);
                    self.frame.has_footer = true;
                }
                Some(_) if it.bytes.is_empty() || it.bytes.starts_with(b"Command exit status:") => {
                }
                // Only the footer's own LF ended this line: the session stopped in the middle of it.
                Some(_) => self.count(RawLine { ended: false, ..it.raw() }, out),
            }
        }
        if self.settled.is_none() {
            self.settle(out);
        }
    }
}

fn is_translated_footer(bytes: &[u8]) -> bool {
    bytes.ends_with(b"\"]") && memchr::memmem::find(bytes, b"[COMMAND_EXIT_CODE=\"").is_some()
}

fn emit(it: RawLine<'_>, doubled: bool, out: &mut impl Lines) {
    // Output that went through no terminal ends its lines in LF alone: it means the same.
    let bare = !doubled && it.ended && it.crs == 0;
    let crs = if doubled { it.crs.saturating_sub(1) } else { it.crs + u8::from(bare) };
    out.line(it.bytes, crs, it.ended, it.from, it.to);
}

/// One raw line: its bytes without the line end, how it ended, and its place.
#[derive(Clone, Copy)]
pub struct RawLine<'a> {
    pub bytes: &'a [u8],
    pub crs: u8,
    pub ended: bool,
    pub from: u64,
    pub to: u64,
}

impl From<RawLine<'_>> for OwnedLine {
    fn from(it: RawLine<'_>) -> Self {
        Self { bytes: it.bytes.to_vec(), crs: it.crs, ended: it.ended, from: it.from, to: it.to }
    }
}

impl OwnedLine {
    pub(super) fn raw(&self) -> RawLine<'_> {
        RawLine {
            bytes: &self.bytes,
            crs: self.crs,
            ended: self.ended,
            from: self.from,
            to: self.to,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::CLOCKS;
    use super::FIRST;
    use super::Streamed;
    use super::Times;
    use super::export_line;
    use super::is_cp932;

    #[test]
    fn a_field_of_another_type_hides_nothing_that_was_shown() {
        let lines = |it: &str| Streamed::read(it).map(|it| it.session_data);
        let of = |it: &[&str]| Some(it.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>());
        assert_eq!(lines(r#"{"sessionData":["a","b"]}"#), of(&["a", "b"]));
        assert_eq!(lines(r#"{"awsRegion":5,"sessionData":["a"]}"#), of(&["a"]));
        assert_eq!(lines(r#"{"target":"i-1","sessionData":"a"}"#), of(&["a"]));
        assert_eq!(lines(r#"{"sessionData":["a",{"b":1}]}"#), of(&["a", r#"{"b":1}"#]));
        assert_eq!(lines(r#"{"sessionData":null}"#), of(&[]));
        assert_eq!(lines(r#"{"sessionData":"#), None);
        let it = Streamed::read(r#"{"sessionId":"x","runAsUser":1,"sessionData":[]}"#).unwrap();
        assert_eq!((it.session_id.as_deref(), it.run_as_user), (Some("x"), None));
    }

    /// Found by the fuzzer: files that are handed over can claim any number.
    #[test]
    fn times_at_the_end_of_all_numbers_are_times() {
        let all = [i64::MIN, -1, 0, FIRST, FIRST + CLOCKS + 1, i64::MAX];
        for (sent, taken_in) in all.iter().flat_map(|a| all.iter().map(move |b| (*a, *b))) {
            let times = Times { sent: Some(sent), taken_in: Some(taken_in) };
            for told in [None, Some(i64::MIN), Some(i64::MAX)] {
                let shown = times.bound(told);
                assert!(shown.at.is_none_or(|it| it >= FIRST), "{times:?} {told:?}");
            }
        }
    }

    #[test]
    fn cp932_is_told_by_its_kana_and_not_from_latin_text_or_chance() {
        // "完了しました" and "売上ヲ見ル", as Windows in Japanese writes them.
        assert!(is_cp932(b"$ echo \x8a\xae\x97\xb9\x82\xb5\x82\xdc\x82\xb5\x82\xbd\r\n"));
        assert!(is_cp932(b"\x94\x84\x8f\xe3\x83\x92\x8c\xa9\x83\x8b"));
        assert!(!is_cp932(b"caf\xe9 cr\xe8me"));
        assert!(!is_cp932("完了しました".as_bytes()));
        assert!(!is_cp932(&["ああああ".as_bytes(), b"\xb1"].concat()));
        assert!(!is_cp932(&["ああああ".as_bytes(), b"\xc3"].concat()));
        assert!(!is_cp932(b"\xff\x82\xb5\x82\xdc"));
        assert!(!is_cp932(b"plain"));
    }

    #[test]
    fn an_exported_line_is_read_behind_a_byte_order_mark_too() {
        let line = b"2026-11-23T13:39:19.123Z hello";
        let (at, start) = export_line(line).unwrap();
        assert_eq!(&line[start..], b"hello");
        let marked = [b"\xef\xbb\xbf", &line[..]].concat();
        assert_eq!(export_line(&marked), Some((at, start + 3)));
    }
}
