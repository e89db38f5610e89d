//! Bytes in, transcript out: the one place that joins wire, screen and commands.
//!
//! Feed it with `Decoder::push` in any chunks, take what is ready with `Decoder::take`, and end with
//! `Decoder::finish`. What is not yet taken is bounded by the window.

use std::sync::Arc;

use crate::session::MASK;
use crate::transcript::both::Aligned;
use crate::transcript::both::CUT;
use crate::transcript::both::Diverged;
use crate::transcript::both::Stream;
use crate::transcript::commands::Command;
use crate::transcript::commands::CommandReader;
use crate::transcript::commands::Evidence;
use crate::transcript::prompt;
use crate::transcript::screen::Line;
use crate::transcript::screen::Screen;
use crate::transcript::streamed::HeldLine;
use crate::transcript::streamed::Restored;
use crate::transcript::streamed::Restorer;
use crate::transcript::width::WidthVotes;
use crate::transcript::wire;
use crate::transcript::wire::Event;
use crate::transcript::wire::Form;
use crate::transcript::wire::Frame;
use crate::transcript::wire::Lines;
use crate::transcript::wire::RawLine;
use crate::transcript::wire::Splitter;
use crate::transcript::wire::Streamed;
use crate::transcript::wire::Times;
use crate::transcript::wire::Unframe;
use crate::transcript::wire::without_crs;

/// Terminal bytes drawn before commands are read from them: at first many, to learn the session's prompts from, then
/// as few as a processor's cache holds. Borders depend on the bytes alone.
const FIRST_WINDOW: u64 = 2 << 20;
const WINDOW: u64 = 128 << 10;
/// A line that somebody is still typing is not cut before this.
const WINDOW_MAX: u64 = 4 << 20;
/// …and a window ends before that once what was drawn weighs as much, in bytes of memory: lines of a few bytes each are
/// many, and the commands in them weigh several times as much.
const DRAWN_MAX: usize = 8 << 20;
/// The same in the middle of an input region.
const DRAWN_IN_REGION_MAX: usize = 16 << 20;
/// As many bytes pushed at once are read without being copied, and their lines stay in a processor's cache.
pub const CHUNK: usize = WINDOW as usize;
/// Streamed text held before it is drawn.
const HELD: usize = 4 << 20;
/// Longest streamed text that is restored as one. The agent cuts its lines at 33,000 bytes; whoever writes longer ones
/// would have each rule look at all of it.
const STREAMED_MAX: usize = 1 << 16;

/// Times held of events that may tell nothing more: a stream has one with each.
const TICKS: usize = 1 << 14;

/// Something about a transcript that a reader must know before trusting it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FlawKind {
    /// No bytes at all.
    Empty,
    /// The footer that `script` writes last is missing: the end may be cut off.
    NoFooter,
    /// A line in the output looks like a header or footer and is none.
    FakeFrame,
    /// Bytes that are no UTF-8; shown as U+FFFD, kept as they are.
    InvalidUtf8,
    /// NUL bytes; not shown, kept as they are.
    Nul,
    /// The header names a time without a zone.
    TimeWithoutZone,
    /// Rows painted over more often than we keep versions of.
    VersionsDropped,
    /// An event that could not be read as one; kept as it is, not shown.
    EventUnreadable,
    /// The stream lost characters on its way through the agent.
    Lossy,
    /// Only a part of the object could be read: a damaged compressed file, a stream deleted meanwhile.
    ObjectDamaged,
    /// The object was replaced at its source; its older versions are kept too.
    Replaced,
    /// Events of a log stream came twice, as a batch that was sent again; kept once where an id proves it.
    Repeated,
    /// The two copies of the session do not show the same lines.
    Diverges,
    /// A terminal multiplexer drew panes: not every command typed in them can be told.
    Panes,
    /// Lines were edited as people edit, and no prompt was learnt that they stand behind.
    PromptUnknown,
    /// Something was typed that was not shown: behind a question for a password, or after `stty -echo`.
    NotEchoed,
    /// What the archive kept of the session before cannot be read: this was read from the source again and stands beside it.
    KeptDamaged,
    /// The recorded machine claims a time that AWS's own times contradict.
    Clock,
    /// A data protection policy of the log group put asterisks in the place of what it finds ("Help protect sensitive log data
    /// with masking").
    Masked,
    /// The transcript says that it is of another session than the one whose stream or file it lies in.
    IdDiffers,
    /// The session ended while a program had the whole screen: what was typed since it took it is at best possible.
    ScreenKept,
}

impl FlawKind {
    pub const ALL: [Self; 21] = [
        Self::Empty,
        Self::NoFooter,
        Self::FakeFrame,
        Self::InvalidUtf8,
        Self::Nul,
        Self::TimeWithoutZone,
        Self::VersionsDropped,
        Self::EventUnreadable,
        Self::Lossy,
        Self::ObjectDamaged,
        Self::Replaced,
        Self::Repeated,
        Self::Diverges,
        Self::Panes,
        Self::PromptUnknown,
        Self::NotEchoed,
        Self::KeptDamaged,
        Self::Clock,
        Self::Masked,
        Self::IdDiffers,
        Self::ScreenKept,
    ];

    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.name() == name)
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::NoFooter => "no-footer",
            Self::FakeFrame => "fake-frame",
            Self::InvalidUtf8 => "invalid-utf8",
            Self::Nul => "nul",
            Self::TimeWithoutZone => "time-without-zone",
            Self::VersionsDropped => "versions-dropped",
            Self::EventUnreadable => "event-unreadable",
            Self::Lossy => "lossy",
            Self::ObjectDamaged => "object-damaged",
            Self::Replaced => "replaced",
            Self::Repeated => "repeated",
            Self::Diverges => "diverges",
            Self::Panes => "panes",
            Self::PromptUnknown => "prompt-unknown",
            Self::NotEchoed => "not-echoed",
            Self::KeptDamaged => "kept-damaged",
            Self::Clock => "clock",
            Self::Masked => "masked",
            Self::IdDiffers => "id-differs",
            Self::ScreenKept => "screen-kept",
        }
    }

    /// What it means, for the reader.
    pub fn says(self) -> &'static str {
        match self {
            Self::Empty => "the transcript has no bytes",
            Self::NoFooter => "cut: the footer is missing, so the end may be",
            Self::FakeFrame => "the output prints a line like the transcript's own footer",
            Self::InvalidUtf8 => "damaged: bytes that are no UTF-8",
            Self::Nul => "NUL bytes in the output",
            Self::TimeWithoutZone => "the header's time names no zone, so the end is not known",
            Self::VersionsDropped => "rows were repainted more often than we keep",
            Self::EventUnreadable => "an event could not be read",
            Self::Lossy => "streamed: the agent removed control bytes, so edits show their residue",
            Self::ObjectDamaged => "only a part of the object could be read; that is kept",
            Self::Panes => {
                "a multiplexer (tmux, screen) drew panes: commands typed in them may be missing"
            }
            Self::PromptUnknown => {
                "no prompt could be learnt that commands stand behind: commands may be missing"
            }
            Self::NotEchoed => {
                "something was typed without echo, as a password is: no byte of it is here"
            }
            Self::Clock => {
                "the time that the machine claims is not possible by when the transcript was stored"
            }
            Self::Masked => {
                "a data protection policy masked the log events: what it hid is not here"
            }
            Self::IdDiffers => {
                "the transcript claims the id of another session than its stream or file is named by"
            }
            Self::ScreenKept => {
                "it ends while a program has the whole screen: commands typed there are at best possible"
            }
            Self::KeptDamaged => {
                "what the archive kept before cannot be read: this was read from the source again"
            }
            Self::Diverges => "copies of the session differ; each is kept and searched",
            Self::Repeated => {
                "log events came twice; each is kept once where an id proves it the same"
            }
            Self::Replaced => "the object was replaced at its source; older versions are kept too",
        }
    }
}

/// One flaw: what, where it begins, and how many bytes or times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flaw {
    pub kind: FlawKind,
    pub at: u64,
    pub count: u64,
}

/// When something was shown, if events tell: UTC microseconds, not before and not after, each only where an event makes it
/// true.
pub type Shown = (Option<i64>, Option<i64>);

/// A command and when it was typed.
#[derive(Clone, Debug, PartialEq)]
pub struct Typed {
    pub command: Command,
    pub at: Option<Shown>,
}

/// What is ready to be taken.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Piece {
    pub text: String,
    pub lines: Vec<Line>,
    pub commands: Vec<Typed>,
    /// Lines from this one on were shown at this time. Few: an event brings many lines, and most transcripts have none.
    times: Vec<(u32, Option<Shown>)>,
}

impl Piece {
    pub fn line_text(&self, line: &Line) -> &str {
        &self.text[line.text.0 as usize..line.text.1 as usize]
    }

    /// Its lines, each with the time that it was shown at.
    pub fn timed(&self) -> impl Iterator<Item = (&Line, Option<Shown>)> {
        let mut times = self.times.iter().peekable();
        let mut at = None;
        self.lines.iter().enumerate().map(move |(nth, line)| {
            while let Some(it) = times.next_if(|it| it.0 as usize <= nth) {
                at = it.1;
            }
            (line, at)
        })
    }

    /// Lines from here on were shown at this time.
    fn shown(&mut self, nth: usize, at: Option<Shown>) {
        if self.times.last().map_or(at.is_some(), |it| it.1 != at) {
            self.times.push((nth as u32, at));
        }
    }

    /// Bytes of memory it takes.
    pub fn weight(&self) -> usize {
        let shared = |it: &Option<Arc<str>>| it.as_ref().map_or(0, |it| it.len());
        let commands: usize = self
            .commands
            .iter()
            .map(|Typed { command, .. }| {
                size_of::<Typed>()
                    + command.text.capacity()
                    + command.evidence.capacity() * size_of::<Evidence>()
                    + command.prompt.len()
                    + shared(&command.os_user)
                    + shared(&command.host)
                    + shared(&command.cwd)
            })
            .sum();
        self.text.len()
            + self.lines.len() * size_of::<Line>()
            + self.times.len() * size_of::<(u32, Option<Shown>)>()
            + commands
    }

    /// Moves what follows here.
    pub fn append(&mut self, mut other: Self) {
        let (shift, before) = (self.text.len() as u32, self.lines.len());
        if other.times.first().is_none_or(|it| it.0 > 0) && !other.lines.is_empty() {
            self.shown(before, None);
        }
        for (nth, at) in other.times {
            self.shown(before + nth as usize, at);
        }
        self.text.push_str(&other.text);
        self.lines.extend(other.lines.iter().map(|it| it.behind(shift)));
        self.commands.append(&mut other.commands);
    }
}

/// What the transcript says of its session. Claims, not proof.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Claims {
    pub frame: Frame,
    pub owner: Option<String>,
    /// Account of the owner, even where the owner's name is masked.
    pub account: Option<String>,
    pub region: Option<String>,
    pub target: Option<String>,
    pub run_as: Option<String>,
    pub session_id: Option<String>,
    /// First and last event, UTC microseconds.
    pub first_event_at: Option<i64>,
    pub last_event_at: Option<i64>,
    /// First and last time that events claim and that AWS's own contradict, UTC microseconds.
    pub claimed: Option<(i64, i64)>,
    pub streamed: bool,
    /// Where its two copies differ, if it was read with both.
    pub diverged: Option<Diverged>,
}

/// Decodes one transcript.
pub struct Decoder {
    form: Form,
    splitter: Splitter,
    inner: Inner,
    events: Splitter,
}

struct Inner {
    unframe: Unframe,
    draw: Draw,
    claims: Claims,
    flaws: Vec<Flaw>,
    bytes: u64,
    /// An event that has come in pieces so far.
    carry: Vec<u8>,
    /// Streamed lines that wait for the width that later ones may tell.
    held: Vec<HeldLine>,
    held_bytes: usize,
    restorer: Restorer,
}

/// Lines on their way to the screen, in windows.
struct Draw {
    screen: Screen,
    reader: CommandReader,
    width: WidthVotes,
    /// The header has told the width that the session began with.
    told_width: bool,
    window_from: u64,
    /// Where lines begin that another event shows, with its time; `None` where lines begin that no event shows.
    ticks: Vec<(u64, Option<i64>)>,
    /// So many are held before those are forgotten that tell nothing more.
    ticks_max: usize,
    piece: Piece,
    flaws: Vec<Flaw>,
    fake_frames: u64,
    fake_at: u64,
    /// The session's streamed copy, which tells the times.
    other: Option<Aligned>,
}

impl Decoder {
    pub fn new(form: Form) -> Self {
        Self {
            form,
            splitter: Splitter::default(),
            events: Splitter::default(),
            inner: Inner {
                unframe: Unframe::new(form),
                draw: Draw {
                    screen: Screen::new(),
                    reader: CommandReader::default(),
                    width: WidthVotes::default(),
                    told_width: false,
                    window_from: 0,
                    ticks: Vec::new(),
                    ticks_max: TICKS,
                    piece: Piece::default(),
                    flaws: Vec::new(),
                    fake_frames: 0,
                    fake_at: 0,
                    other: None,
                },
                claims: Claims::default(),
                flaws: Vec::new(),
                bytes: 0,
                carry: Vec::new(),
                held: Vec::new(),
                held_bytes: 0,
                restorer: Restorer::default(),
            },
        }
    }

    /// Each command keeps the reading that came second.
    pub fn explaining(mut self) -> Self {
        self.inner.draw.reader.explain();
        self
    }

    /// Times are told by the session's streamed copy; what the two do not share is a flaw.
    pub fn with_stream(mut self, stream: Stream) -> Self {
        // PowerShell writes a transcript of its own, not the lines of the terminal.
        if matches!(self.form, Form::Script | Form::Bare) {
            self.inner.draw.other = Some(stream.finish());
        }
        self
    }

    pub fn push(&mut self, bytes: &[u8]) {
        self.inner.bytes += bytes.len() as u64;
        match self.form {
            Form::Events => {
                let mut sink = EventSink { inner: &mut self.inner };
                self.events.push(bytes, &mut sink);
            }
            _ => {
                let mut sink = ByteSink { inner: &mut self.inner };
                self.splitter.push(bytes, &mut sink);
            }
        }
    }

    /// Columns of the session's window, as far as what came so far tells.
    pub fn width(&self) -> Option<usize> {
        self.inner.draw.screen.width()
    }

    /// Columns and rows of the window that the session began in, if the header tells.
    pub fn window(&self) -> Option<(u16, u16)> {
        self.inner.unframe.frame.window
    }

    /// Lines and commands that are ready. The rest follows.
    pub fn take(&mut self) -> Piece {
        std::mem::take(&mut self.inner.draw.piece)
    }

    /// The same into a piece that has been used and has room: pages fresh from the system cost more than decoding.
    pub fn take_into(&mut self, piece: &mut Piece) {
        piece.text.clear();
        piece.lines.clear();
        piece.commands.clear();
        piece.times.clear();
        std::mem::swap(piece, &mut self.inner.draw.piece);
    }

    /// The end of the bytes: the last lines and commands, the claims, the flaws.
    pub fn finish(mut self) -> (Piece, Claims, Vec<Flaw>) {
        match self.form {
            Form::Events => {
                let mut sink = EventSink { inner: &mut self.inner };
                self.events.finish(&mut sink);
                // The last event may have no line end.
                let rest = std::mem::take(&mut self.inner.carry);
                let end = self.inner.bytes;
                self.inner.event(&rest, end - rest.len() as u64, end);
            }
            _ => {
                let mut sink = ByteSink { inner: &mut self.inner };
                self.splitter.finish(&mut sink);
            }
        }
        self.inner.release();
        let Inner { mut unframe, mut draw, mut claims, mut flaws, bytes, .. } = self.inner;
        unframe.finish(&mut draw);
        draw.screen.finish(bytes);
        draw.window(true);
        claims.frame = unframe.frame;
        claims.diverged = draw.other.take().and_then(|it| it.finish(bytes));
        if let Some(it) = claims.diverged {
            flaws.push(Flaw { kind: FlawKind::Diverges, at: it.places().0, count: it.count });
        }
        if bytes == 0 {
            flaws.push(Flaw { kind: FlawKind::Empty, at: 0, count: 1 });
        } else if claims.frame.header.is_some() && !claims.frame.has_footer {
            flaws.push(Flaw { kind: FlawKind::NoFooter, at: bytes, count: 1 });
        }
        if let Some(at) = draw.reader.panes_from() {
            flaws.push(Flaw { kind: FlawKind::Panes, at, count: 1 });
        }
        if let Some((at, count)) = draw.reader.unread() {
            flaws.push(Flaw { kind: FlawKind::PromptUnknown, at, count });
        }
        if let Some((at, count)) = draw.reader.covered() {
            flaws.push(Flaw { kind: FlawKind::ScreenKept, at, count });
        }
        if let Some((at, count)) = draw.reader.not_echoed() {
            flaws.push(Flaw { kind: FlawKind::NotEchoed, at, count });
        }
        if claims.frame.header_time_without_zone {
            flaws.push(Flaw { kind: FlawKind::TimeWithoutZone, at: 0, count: 1 });
        }
        if claims.streamed {
            flaws.push(Flaw { kind: FlawKind::Lossy, at: 0, count: 1 });
        }
        if draw.fake_frames > 0 {
            flaws.push(Flaw {
                kind: FlawKind::FakeFrame,
                at: draw.fake_at,
                count: draw.fake_frames,
            });
        }
        flaws.extend(merged(draw.flaws));
        flaws.sort_by_key(|it| (it.at, it.kind));
        (draw.piece, claims, flaws)
    }
}

/// One flaw a kind: where the first is, and how many.
fn merged(flaws: Vec<Flaw>) -> Vec<Flaw> {
    let mut out: Vec<Flaw> = Vec::new();
    for it in flaws {
        match out.iter_mut().find(|seen| seen.kind == it.kind) {
            Some(seen) => {
                seen.count += it.count;
                seen.at = seen.at.min(it.at);
            }
            None => out.push(it),
        }
    }
    out
}

struct ByteSink<'a> {
    inner: &'a mut Inner,
}

impl Lines for ByteSink<'_> {
    fn line(&mut self, bytes: &[u8], crs: u8, ended: bool, from: u64, to: u64) {
        let Inner { unframe, draw, .. } = &mut *self.inner;
        // An editor of Windows puts a mark before the file; it is no part of the first line.
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").filter(|_| from == 0).unwrap_or(bytes);
        unframe.line(RawLine { bytes, crs, ended, from, to }, draw);
        draw.heed(unframe);
    }
}

/// Events: each raw line is one JSON object, whole or in pieces.
struct EventSink<'a> {
    inner: &'a mut Inner,
}

impl Lines for EventSink<'_> {
    fn line(&mut self, bytes: &[u8], _crs: u8, ended: bool, from: u64, to: u64) {
        let carry = &mut self.inner.carry;
        if !ended || !carry.is_empty() {
            carry.extend_from_slice(bytes);
            if !ended {
                return;
            }
            let whole = std::mem::take(carry);
            self.inner.event(&whole, to - whole.len().min(to as usize) as u64, to);
            return;
        }
        self.inner.event(bytes, from, to);
    }
}

impl Inner {
    fn event(&mut self, bytes: &[u8], from: u64, to: u64) {
        if bytes.trim_ascii().is_empty() {
            return;
        }
        let Ok(event) = serde_json::from_slice::<Event<'_>>(bytes) else {
            self.flaws.push(Flaw { kind: FlawKind::EventUnreadable, at: from, count: 1 });
            self.flaws = merged(std::mem::take(&mut self.flaws));
            return;
        };
        let bare = event.message.is_none() && event.session_data.is_some();
        let message = match &event.message {
            Some(it) => it.as_str(),
            None if bare => std::str::from_utf8(bytes).unwrap_or_default(),
            None => "",
        };
        let times = Times::of(&event);
        match Streamed::read(message) {
            Some(streamed) => self.streamed(streamed, times, from, to),
            None => self.plain(message, times, from, to),
        }
    }

    /// Takes up when an event was shown; returns it.
    fn seen(&mut self, shown: wire::Shown, from: u64) -> Option<i64> {
        if let Some(it) = shown.claimed {
            let (first, last) = self.claims.claimed.unwrap_or((it, it));
            self.claims.claimed = Some((first.min(it), last.max(it)));
            self.flaws.push(Flaw { kind: FlawKind::Clock, at: from, count: 1 });
            self.flaws = merged(std::mem::take(&mut self.flaws));
        }
        let at = shown.at?;
        self.claims.first_event_at = Some(self.claims.first_event_at.map_or(at, |it| it.min(at)));
        self.claims.last_event_at = Some(self.claims.last_event_at.map_or(at, |it| it.max(at)));
        Some(at)
    }

    fn streamed(&mut self, it: Streamed, times: Times, from: u64, to: u64) {
        let at = self.seen(it.at(times), from);
        let Self { unframe, draw, .. } = self;
        unframe.flush(draw);
        self.draw.screen.set_lossy();
        self.draw.reader.is_streamed();
        let claims = &mut self.claims;
        claims.streamed = true;
        let arn = it.user_identity.and_then(|it| it.arn);
        claims.account = claims
            .account
            .take()
            .or_else(|| arn.as_deref().and_then(crate::session::account_of).map(str::to_owned));
        let mut is_masked = false;
        let mut told = |it: Option<String>| {
            let it = it.filter(|it| !it.is_empty())?;
            is_masked |= it.contains(MASK);
            (!it.contains(MASK)).then_some(it)
        };
        let (owner, region) = (told(arn), told(it.aws_region));
        let (target, run_as) = (told(it.target.and_then(|it| it.id)), told(it.run_as_user));
        let session_id = told(it.session_id);
        let is_other = matches!((&claims.session_id, &session_id), (Some(a), Some(b)) if a != b);
        claims.owner = claims.owner.take().or(owner);
        claims.region = claims.region.take().or(region);
        claims.target = claims.target.take().or(target);
        claims.run_as = claims.run_as.take().or(run_as);
        claims.session_id = claims.session_id.take().or(session_id);
        for (is, kind) in [(is_masked, FlawKind::Masked), (is_other, FlawKind::IdDiffers)] {
            if is {
                self.flaws.push(Flaw { kind, at: from, count: 1 });
                self.flaws = merged(std::mem::take(&mut self.flaws));
            }
        }
        if let Some(at) = at {
            self.draw.tick(from, at);
        }
        for text in it.session_data {
            // Longer lines are cut at 33,000 bytes without a mark, the rest opens the next event.
            let ended = !CUT.contains(&text.len());
            let mut rest = text.as_str();
            while rest.len() > STREAMED_MAX {
                let first = prompt::head(rest, STREAMED_MAX);
                self.hold(first.as_bytes().to_vec(), false, from, to);
                rest = &rest[first.len()..];
            }
            let last = if rest.len() == text.len() { text } else { rest.to_owned() };
            self.hold(last.into_bytes(), ended, from, to);
        }
    }

    /// A streamed line, or a piece of one.
    fn hold(&mut self, bytes: Vec<u8>, ended: bool, from: u64, to: u64) {
        self.held_bytes += bytes.len() + 64;
        self.held.push(HeldLine { bytes, ended, from, to });
        if self.held_bytes >= HELD {
            self.release();
        }
    }

    /// Draws the streamed lines held so far. Borders depend on the bytes alone.
    fn release(&mut self) {
        self.held_bytes = 0;
        let mut held = std::mem::take(&mut self.held);
        let restored = self.restorer.restore(&mut held);
        for (it, restored) in held.iter().zip(restored) {
            self.draw.restored(&restored, it.ended, it.from, it.to);
        }
    }

    /// A chunk of the finished file: the agent turned CR LF into LF and dropped the last LF of each event.
    fn plain(&mut self, message: &str, times: Times, from: u64, to: u64) {
        self.release();
        self.seen(times.bound(None), from);
        let cut = message.len() >= 199_900 && !message.contains('\n');
        for raw in message.split('\n') {
            let (bytes, crs) = without_crs(raw.as_bytes());
            let Self { unframe, draw, .. } = self;
            unframe.line(RawLine { bytes, crs, ended: !cut, from, to }, draw);
        }
        self.draw.heed(&self.unframe);
    }
}

impl Lines for Draw {
    fn line(&mut self, bytes: &[u8], crs: u8, ended: bool, from: u64, to: u64) {
        if bytes.starts_with(b"Script done on ") || bytes.starts_with(b"Script started on ") {
            if self.fake_frames == 0 {
                self.fake_at = from;
            }
            self.fake_frames += 1;
        }
        if let Some(other) = &mut self.other
            && let at = other.line(bytes, from)
            && self.ticks.last().map_or(at.is_some(), |it| it.1 != at)
        {
            self.ticks.push((from, at));
        }
        if self.screen.plain(bytes, crs, ended, from, to) {
            self.drawn(to);
            return;
        }
        if !self.screen.on_screen()
            && memchr::memchr(b'\r', bytes).is_some()
            && let Some(width) = self.width.vote(bytes, self.screen.width())
        {
            self.screen.set_width(Some(width));
        }
        self.screen.line(bytes, crs, ended, from, to);
        self.drawn(to);
    }
}

impl Draw {
    /// A streamed line, made whole again as far as that is possible.
    fn restored(&mut self, it: &Restored, ended: bool, from: u64, to: u64) {
        if it.width.is_some() {
            self.screen.set_width(it.width);
        }
        self.screen.note(it.bits);
        if !self.screen.plain(&it.bytes, 1, ended, from, to) {
            self.screen.line(&it.bytes, 1, ended, from, to);
        }
        self.drawn(to);
    }

    /// Reads commands where enough has been drawn, up to `to`.
    fn drawn(&mut self, to: u64) {
        let enough = if self.window_from == 0 { FIRST_WINDOW } else { WINDOW };
        let drawn = to - self.window_from;
        let weighs = self.screen.drawn().weight();
        let complete = drawn >= enough || weighs >= DRAWN_MAX;
        if complete && !self.screen.in_region()
            || drawn >= WINDOW_MAX
            || weighs >= DRAWN_IN_REGION_MAX
        {
            self.window_from = to;
            self.window(false);
        }
    }

    /// Sessions of this type run one command and have no prompt ("Session document schema": NonInteractiveCommands).
    fn heed(&mut self, unframe: &Unframe) {
        if let Some((columns, _)) = unframe.frame.window.filter(|_| !self.told_width) {
            self.told_width = true;
            self.screen.set_width(Some(columns.into()));
        }
        if unframe.frame.session_type.as_deref() == Some("NonInteractiveCommands") {
            self.reader.nothing_is_typed();
        }
    }

    fn tick(&mut self, from: u64, at: i64) {
        self.ticks.push((from, Some(at)));
    }

    fn window(&mut self, last: bool) {
        let mut drawn = self.screen.take();
        for command in self.reader.window(&drawn, last) {
            let at = time(&self.ticks, command.from);
            self.piece.commands.push(Typed { command, at });
        }
        let before = self.piece.lines.len();
        if !self.ticks.is_empty() {
            for (nth, it) in drawn.lines.iter().enumerate() {
                let at = time(&self.ticks, it.from);
                self.piece.shown(before + nth, at);
            }
        }
        if before == 0 && self.piece.text.is_empty() {
            std::mem::swap(&mut self.piece.text, &mut drawn.text);
            std::mem::swap(&mut self.piece.lines, &mut drawn.lines);
        } else {
            let shift = self.piece.text.len() as u32;
            self.piece.lines.extend(drawn.lines.iter().map(|it| it.behind(shift)));
            self.piece.text.push_str(&drawn.text);
        }
        let mut flaw = |kind, count: u64, at: u64| {
            if count > 0 {
                self.flaws.push(Flaw { kind, at, count });
            }
        };
        let (count, at) = drawn.nul.unwrap_or_default();
        flaw(FlawKind::Nul, count, at);
        let (count, at) = drawn.invalid.unwrap_or_default();
        flaw(FlawKind::InvalidUtf8, count, at);
        flaw(FlawKind::VersionsDropped, drawn.dropped_versions, self.window_from);
        self.screen.recycle(drawn);
        if self.ticks.len() > self.ticks_max {
            self.forget_ticks();
        }
    }

    /// Forgets the times that no line and no command to come was shown at.
    fn forget_ticks(&mut self) {
        let oldest = self.screen.oldest().unwrap_or(self.window_from).min(self.window_from);
        let after = |from: u64| self.ticks.partition_point(|it| it.0 <= from);
        // What is shown at one time was not shown before the one before.
        let recent = after(oldest).saturating_sub(3);
        let waiting = self.reader.waiting().map(after);
        let mut kept: Vec<usize> = waiting
            .flat_map(|it| [it.saturating_sub(3), it.saturating_sub(2), it.saturating_sub(1)])
            .chain([0])
            .filter(|it| *it < recent)
            .collect();
        kept.sort_unstable();
        kept.dedup();
        let mut ticks: Vec<(u64, Option<i64>)> =
            kept.into_iter().map(|it| self.ticks[it]).collect();
        ticks.extend_from_slice(&self.ticks[recent..]);
        self.ticks = ticks;
        self.ticks_max = TICKS.max(self.ticks.len() * 2);
    }
}

/// When the bytes at a place were shown: not before the event before them, not after their own; what no event shows, not after
/// the next event, if there is one yet.
fn time(ticks: &[(u64, Option<i64>)], from: u64) -> Option<Shown> {
    let first = ticks.first()?;
    let after = ticks.partition_point(|it| it.0 <= from);
    let Some(at) = after.checked_sub(1) else { return Some((None, first.1)) };
    let earliest = ticks[..at].iter().rev().take(2).find_map(|it| it.1);
    let latest = ticks[at].1.or_else(|| ticks.get(after).and_then(|it| it.1));
    Some((earliest, latest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(second: usize, lines: &[&str]) -> String {
        let message = serde_json::json!({
            "eventTime": format!("2026-08-02T{:02}:{:02}:{:02}Z", second / 3600, second / 60 % 60, second % 60),
            "sessionData": lines,
        });
        serde_json::json!({ "message": message.to_string() }).to_string() + "\n"
    }

    #[test]
    fn times_that_tell_nothing_more_are_forgotten_and_the_others_are_not() {
        let mut decoder = Decoder::new(Form::Events);
        let (mut whole, mut most) = (Piece::default(), 0);
        decoder.push(event(1, &["sh-4.2$ id", "uid=0"]).as_bytes());
        // One command, and what may be others in its output, for most of a day.
        for second in 2..60_000 {
            let line = match second {
                7 | 40_000 => format!("[dana@db ~]$ ls {second}"),
                30_000 => "sh-4.2$ ./run".to_owned(),
                _ => format!("output {second} of a command that runs and runs"),
            };
            decoder.push(event(second, &[&line]).as_bytes());
            whole.append(decoder.take());
            most = most.max(decoder.inner.draw.ticks.len());
        }
        whole.append(decoder.finish().0);
        // A window of events comes before any are forgotten.
        assert!(most < TICKS * 3, "{most} times were held");
        let midnight = 1_785_628_800_000_000;
        let seconds =
            |it: Option<Shown>| it.and_then(|it| it.1).map(|it| (it - midnight) / 1_000_000);
        let commands: Vec<(&str, Option<i64>)> =
            whole.commands.iter().map(|it| (it.command.text.as_str(), seconds(it.at))).collect();
        assert_eq!(
            commands,
            [
                ("id", Some(1)),
                ("ls 7", Some(7)),
                ("./run", Some(30_000)),
                ("ls 40000", Some(40_000)),
            ]
        );
        let wrong = whole.timed().skip(2).zip(2..).find(|((_, at), second)| {
            let second = *second;
            seconds(*at) != Some(second)
                || at.and_then(|it| it.0) != Some(midnight + (second - 1) * 1_000_000)
        });
        assert_eq!(wrong, None);
    }

    #[test]
    fn a_window_of_lines_of_nothing_ends_before_they_weigh_too_much() {
        for line in ["\n", "$ a\r\n", "\x1b[?2004h$ a\r\n\x1b[?2004l\r", "\x1b]0;\x07\n"] {
            let mut decoder = Decoder::new(Form::Bare);
            for chunk in line.repeat((4 << 20) / line.len()).as_bytes().chunks(CHUNK) {
                decoder.push(chunk);
                let weighs = decoder.inner.draw.screen.drawn().weight();
                let most = if line.contains("2004h") { DRAWN_IN_REGION_MAX } else { DRAWN_MAX };
                assert!(weighs < most, "{line:?} weighs {weighs}");
            }
        }
    }
}
