//! The decoder: bytes in any chunks through their form, their frame and the screen, to pieces, claims and flaws.

use crate::aws_names::Arn;
use crate::session::MASK;
use crate::time::At;
use crate::transcript::both::CUT;
use crate::transcript::both::Stream;
use crate::transcript::decoder::draw::Draw;
use crate::transcript::decoder::flaw::Flaw;
use crate::transcript::decoder::flaw::FlawKind;
use crate::transcript::decoder::piece::Claims;
use crate::transcript::decoder::piece::Piece;
use crate::transcript::prompt;
use crate::transcript::streamed::Restorer;
use crate::transcript::wire;
use crate::transcript::wire::Event;
use crate::transcript::wire::Form;
use crate::transcript::wire::Lines;
use crate::transcript::wire::RawLine;
use crate::transcript::wire::Splitter;
use crate::transcript::wire::Streamed;
use crate::transcript::wire::Times;
use crate::transcript::wire::Unframe;
use crate::transcript::wire::without_crs;

/// Streamed text held before it is drawn.
const HELD: usize = 4 << 20;
/// Longest streamed text that is restored as one. The agent cuts its lines at 33,000 bytes; whoever writes longer ones
/// would have each rule look at all of it.
const STREAMED_MAX: usize = 1 << 16;

/// Decodes one transcript.
pub struct Decoder {
    splitter: Splitter,
    inner: Inner,
}

struct Inner {
    form: Form,
    unframe: Unframe,
    draw: Draw,
    claims: Claims,
    bytes: u64,
    /// An event that has come in pieces so far.
    carry: Vec<u8>,
    /// Streamed lines that wait for the width that later ones may tell.
    held: Vec<RawLine<Vec<u8>>>,
    held_bytes: usize,
    restorer: Restorer,
}

impl Decoder {
    /// A decoder for bytes in this form.
    pub fn new(form: Form) -> Self {
        Self {
            splitter: Splitter::default(),
            inner: Inner {
                form,
                unframe: Unframe::new(form),
                draw: Draw::default(),
                claims: Claims::default(),
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
        if matches!(self.inner.form, Form::Script | Form::Bare) {
            self.inner.draw.other = Some(stream.finish());
        }
        self
    }

    /// Takes the next bytes, in chunks of any size.
    pub fn push(&mut self, bytes: &[u8]) {
        self.inner.bytes += bytes.len() as u64;
        self.splitter.push(bytes, &mut self.inner);
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
        self.splitter.finish(&mut self.inner);
        // The last event may have no line end.
        let rest = std::mem::take(&mut self.inner.carry);
        let end = self.inner.bytes;
        self.inner.event(&rest, end - rest.len() as u64, end);
        self.inner.release();
        let Inner { mut unframe, mut draw, mut claims, bytes, .. } = self.inner;
        unframe.finish(&mut draw);
        draw.screen.finish(bytes);
        draw.window(true);
        claims.frame = unframe.frame;
        claims.diverged = draw.other.take().and_then(|it| it.finish(bytes));
        let framed = claims.frame.header.is_some() && !claims.frame.has_footer;
        draw.flaws.count_found(&[
            (FlawKind::Diverges, claims.diverged.map(|it| (it.at, it.count))),
            (FlawKind::Empty, (bytes == 0).then_some((0, 1))),
            (FlawKind::NoFooter, (bytes > 0 && framed).then_some((bytes, 1))),
            (FlawKind::Panes, draw.reader.panes_from().map(|at| (at, 1))),
            (FlawKind::PromptUnknown, draw.reader.unread()),
            (FlawKind::ScreenKept, draw.reader.covered()),
            (FlawKind::NotEchoed, draw.reader.not_echoed()),
            (FlawKind::TimeWithoutZone, claims.frame.header_time_without_zone.then_some((0, 1))),
            (FlawKind::Lossy, claims.streamed.then_some((0, 1))),
        ]);
        let mut flaws = draw.flaws.0;
        flaws.sort_by_key(|it| (it.at, it.kind));
        (draw.piece, claims, flaws)
    }
}

impl Lines for Inner {
    fn line(&mut self, it: RawLine<&[u8]>) {
        if self.form != Form::Events {
            // An editor of Windows puts a mark before the file; it is no part of the first line.
            let bare = it.bytes.strip_prefix(b"\xef\xbb\xbf").filter(|_| it.from == 0);
            let bytes = bare.unwrap_or(it.bytes);
            self.unframe.line(RawLine { bytes, ..it }, &mut self.draw);
            self.draw.heed(&self.unframe);
        } else if it.ended && self.carry.is_empty() {
            self.event(it.bytes, it.from, it.to);
        } else {
            // One JSON object that comes in pieces.
            self.carry.extend_from_slice(it.bytes);
            if it.ended {
                let whole = std::mem::take(&mut self.carry);
                self.event(&whole, it.to.saturating_sub(whole.len() as u64), it.to);
            }
        }
    }
}

impl Inner {
    fn event(&mut self, bytes: &[u8], from: u64, to: u64) {
        if bytes.trim_ascii().is_empty() {
            return;
        }
        let Ok(event) = serde_json::from_slice::<Event<'_>>(bytes) else {
            self.draw.flaws.count(FlawKind::EventUnreadable, from, 1);
            return;
        };
        let message = event.message_in(bytes);
        let times = Times::of(&event);
        match Streamed::read(message) {
            Some(streamed) => self.streamed(streamed, times, from, to),
            None => self.plain(message, times, from, to),
        }
    }

    /// Takes up when an event was shown; returns it.
    fn seen(&mut self, shown: wire::Shown, from: u64) -> Option<At> {
        if let Some(it) = shown.claimed {
            let (first, last) = self.claims.claimed.unwrap_or((it, it));
            self.claims.claimed = Some((first.min(it), last.max(it)));
            self.draw.flaws.count(FlawKind::Clock, from, 1);
        }
        let at = shown.at?;
        self.claims.first_event_at = Some(self.claims.first_event_at.map_or(at, |it| it.min(at)));
        self.claims.last_event_at = Some(self.claims.last_event_at.map_or(at, |it| it.max(at)));
        Some(at)
    }

    fn streamed(&mut self, it: Streamed, times: Times, from: u64, to: u64) {
        let at = self.seen(it.at(times), from);
        self.unframe.flush(&mut self.draw);
        self.draw.screen.set_lossy();
        self.draw.reader.is_streamed();
        let claims = &mut self.claims;
        claims.streamed = true;
        let arn = it.user_identity.and_then(|it| it.arn);
        claims.account = claims
            .account
            .take()
            .or_else(|| Some(Arn::parse(arn.as_deref()?)?.account_id()?.to_string()));
        let (mut is_masked, mut session_id) = (false, None);
        for (claim, told) in [
            (&mut claims.owner, arn),
            (&mut claims.region, it.aws_region),
            (&mut claims.target, it.target.and_then(|it| it.id)),
            (&mut claims.run_as, it.run_as_user),
            (&mut claims.session_id, it.session_id),
        ] {
            let told = told.filter(|it| !it.is_empty());
            is_masked |= told.as_ref().is_some_and(|it| it.contains(MASK));
            let told = told.filter(|it| !it.contains(MASK));
            if claim.is_none() {
                claim.clone_from(&told);
            }
            // The last of them.
            session_id = told;
        }
        let is_other = session_id.is_some() && session_id != claims.session_id;
        self.draw.flaws.count_found(&[
            (FlawKind::Masked, is_masked.then_some((from, 1))),
            (FlawKind::IdDiffers, is_other.then_some((from, 1))),
        ]);
        self.draw.ticks.extend(at.map(|at| (from, Some(at))));
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
        self.held.push(RawLine { bytes, crs: 1, ended, from, to });
        if self.held_bytes >= HELD {
            self.release();
        }
    }

    /// Draws the streamed lines held so far. Borders depend on the bytes alone.
    fn release(&mut self) {
        self.held_bytes = 0;
        for it in self.restorer.restore(std::mem::take(&mut self.held)) {
            self.draw.restored(&it);
        }
    }

    /// A chunk of the finished file: the agent turned CR LF into LF and dropped the last LF of each event.
    fn plain(&mut self, message: &str, times: Times, from: u64, to: u64) {
        self.release();
        self.seen(times.bound(None), from);
        let cut = message.len() >= 199_900 && !message.contains('\n');
        for raw in message.split('\n') {
            let (bytes, crs) = without_crs(raw.as_bytes());
            self.unframe.line(RawLine { bytes, crs, ended: !cut, from, to }, &mut self.draw);
        }
        self.draw.heed(&self.unframe);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transcript::decoder::draw::CHUNK;
    use crate::transcript::decoder::draw::DRAWN_IN_REGION_MAX;
    use crate::transcript::decoder::draw::DRAWN_MAX;
    use crate::transcript::decoder::draw::TICKS;
    use crate::transcript::decoder::piece::Shown;

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
            |it: Option<Shown>| it.and_then(|it| it.1).map(|it| (it.0 - midnight) / 1_000_000);
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
                || at.and_then(|it| it.0) != Some(At(midnight + (second - 1) * 1_000_000))
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
