//! The frame around the bytes of a session: what `script` or PowerShell wrote before and behind them.

use std::sync::LazyLock;

use chrono::DateTime;
use chrono::NaiveDateTime;
use regex::bytes::Regex;

use crate::time::At;
use crate::transcript::wire::form::Form;
use crate::transcript::wire::form::is_script_header;
use crate::transcript::wire::lines::Lines;
use crate::transcript::wire::lines::PIECE;
use crate::transcript::wire::lines::RawLine;

/// What a frame says of its session. Nothing here is proof: whoever wrote the bytes wrote this too.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Frame {
    /// The header line as it stands.
    pub header: Option<String>,
    /// Time of the header or footer: the *end* of the session, because `script` runs
    /// after it.
    pub ended_at: Option<At>,
    /// Windows transcripts do carry a start, in a zone they do not name.
    pub header_time_without_zone: bool,
    /// From the path in the header (util-linux 2.38 and later).
    pub target: Option<String>,
    /// Session id from the same path.
    pub session_id: Option<String>,
    /// `Standard_Stream`, `InteractiveCommands` or `NonInteractiveCommands`.
    pub session_type: Option<String>,
    /// Whether the footer stood at the end.
    pub has_footer: bool,
    /// Columns and rows of the window that `script` ran in (util-linux 2.35 and later, where it runs on a terminal).
    pub window: Option<(u16, u16)>,
}

static HEADER_PATH: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"([^/\s]+)/session/orchestration/([^/]+)/([^/]+)/ipcTempFile\.log")
        .expect("a constant pattern")
});

static ISO_TIME: LazyLock<regex::Regex> = LazyLock::new(|| {
    regex::Regex::new(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d[+-]\d\d:?\d\d").expect("a constant pattern")
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

/// Reads a time of a `script` line, or the news that it names no zone.
fn script_time(line: &str) -> (Option<At>, bool) {
    // A year of more digits, or before the first, is none that `script` writes.
    let begins = |at: usize| !line[..at].ends_with(|it: char| it.is_ascii_digit() || it == '-');
    if let Some(found) = ISO_TIME.find(line).filter(|it| begins(it.start())) {
        let at = DateTime::parse_from_str(found.as_str(), "%Y-%m-%d %H:%M:%S%z").ok();
        return (at.map(|it| At(it.timestamp_micros())), false);
    }
    let words = line.split(" on ").nth(1).unwrap_or_default();
    let plain = words.trim().chars().take(24).collect::<String>();
    let found = NaiveDateTime::parse_from_str(&plain, "%a %b %e %H:%M:%S %Y").is_ok();
    (None, found)
}

/// Takes the frame off a `script` file or a PowerShell transcript, line by line.
pub struct Unframe {
    form: Form,
    /// What header and footer have told so far.
    pub frame: Frame,
    state: State,
    /// A line that may turn out to be the footer, or the one that only the footer ended.
    held: Vec<RawLine<Vec<u8>>>,
    /// Line ends counted until the `script` CR is known: with one extra, without.
    doubled: (u32, u32),
    waiting: Vec<RawLine<Vec<u8>>>,
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

/// Lines looked at before deciding whether `script` added a CR to each.
const SETTLE_LINES: u32 = 64;

impl Unframe {
    /// Begins with the first line of bytes in this form.
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

    /// Takes the next raw line; what belongs to the session goes on to `out`.
    pub fn line(&mut self, it: RawLine<&[u8]>, out: &mut impl Lines) {
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
    fn body(&mut self, it: RawLine<&[u8]>, out: &mut impl Lines) {
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
                self.held.push(it.kept());
                return;
            }
            self.release(out);
        }
        let bsd_status = it.bytes.starts_with(b"Command exit status:");
        if footer || bsd_status {
            self.held.push(it.kept());
        } else if it.crs == 0 && it.ended {
            self.release(out);
            self.held.push(it.kept());
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
        for it in std::mem::take(&mut self.held) {
            self.count(it.raw(), out);
        }
    }

    /// Counts line ends until it is clear whether `script` added a CR to each, then hands on.
    fn count(&mut self, it: RawLine<&[u8]>, out: &mut impl Lines) {
        if let Some(doubled) = self.settled {
            emit(it, doubled, out);
            return;
        }
        self.doubled.0 += u32::from(it.ended && it.crs >= 2);
        self.doubled.1 += u32::from(it.ended && it.crs == 1);
        self.waiting.push(it.kept());
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

    /// Ends the bytes: reads the footer if there is one, and hands on the lines that waited.
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

fn emit(it: RawLine<&[u8]>, doubled: bool, out: &mut impl Lines) {
    // Output that went through no terminal ends its lines in LF alone: it means the same.
    let bare = !doubled && it.ended && it.crs == 0;
    let crs = if doubled { it.crs.saturating_sub(1) } else { it.crs + u8::from(bare) };
    out.line(RawLine { crs, ..it });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_year_that_script_does_not_write_is_no_time_and_never_another_year() {
        let at =
            |year: &str| script_time(&format!("Script started on {year}-03-15 10:00:00+00:00")).0;
        assert_eq!(at("2026"), At::read("2026-03-15T10:00:00Z"));
        assert_eq!(at("292277"), None);
        assert_eq!(at("-0044"), None);
    }
}
