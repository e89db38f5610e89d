//! A session as a film: what was shown, piece by piece, and when.
//!
//! A transcript tells what was shown, never how fast; streamed events tell when, to the event. So a film says how much of its pace
//! is recorded and how much is made up. The bytes are played through a ready emulator (`Stage`), and only the cells of its
//! screen leave it: titles, clipboards, links and queries end there. No I/O, no clock.

use std::collections::HashMap;

use crate::archive::Archive;
use crate::archive::schema::CommandRow;
use crate::archive::schema::LineKind;
use crate::archive::schema::LineRow;
use crate::archive::schema::SessionRow;
use crate::error::Result;
use crate::secrets::Masker;
use crate::secrets::find;
use crate::time::At;
use crate::transcript::commands::CommandKind;
use crate::transcript::decoder::Decoder;
use crate::transcript::wire::Form;

/// How much of the pace is recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Timing {
    /// Every line has the time of its event; between events the pace is made up.
    Recorded,
    /// Some lines have.
    Partly,
    /// None has: typing and waiting are made up.
    Reconstructed,
}

impl Timing {
    /// Of so many lines, of which so many have a recorded time.
    pub fn of(timed: usize, all: usize) -> Self {
        match timed {
            0 => Self::Reconstructed,
            it if it == all => Self::Recorded,
            _ => Self::Partly,
        }
    }

    /// The same in words, for people.
    pub fn says(self) -> &'static str {
        match self {
            Self::Recorded => "recorded to the event",
            Self::Partly => "recorded in part, else reconstructed",
            Self::Reconstructed => "reconstructed pace",
        }
    }
}

/// One thing that was shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Beat {
    /// Microseconds since the film's beginning.
    pub at: u64,
    /// What the session wrote, control sequences and secrets included; only the emulator gets it.
    pub text: String,
    /// The place in [`Film::lines`] of the line it belongs to.
    pub line: usize,
}

/// One line of the session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FilmLine {
    /// What the line shows, masked.
    pub text: String,
    /// First beat after it.
    pub end: usize,
}

/// A command, and the beat with which it begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    /// Number of the beat in [`Film::beats`], from 0.
    pub beat: usize,
    /// Place of the command in its session, from 1.
    pub seq: i64,
    /// Masked.
    pub command: String,
}

/// A session, ready to be played.
#[derive(Clone, Debug)]
pub struct Film {
    /// Everything that was shown, in order.
    pub beats: Vec<Beat>,
    /// Masked.
    pub lines: Vec<FilmLine>,
    /// Commands in order, where to jump to.
    pub marks: Vec<Mark>,
    /// How much of the times is recorded.
    pub pace: Timing,
    /// When it began, if any time is known.
    pub began: Option<At>,
    /// Columns of the session's window, where they could be told.
    pub width: Option<usize>,
    /// Its rows, if the transcript tells them.
    pub height: Option<usize>,
    secrets: Secrets,
}

/// Microseconds that a made-up pace takes: a key, a line of output, the pause before a prompt is typed at.
const KEY: u64 = 60_000;
const LINE: u64 = 30_000;
const THOUGHT: u64 = 500_000;
/// Keys of one line that are typed one by one; what is longer was pasted.
const KEYS: usize = 400;

impl Film {
    /// Columns and rows to play it in: those of a plain terminal where nothing tells.
    pub fn size(&self) -> (usize, usize) {
        (self.width.unwrap_or(80), self.height.unwrap_or(24))
    }

    /// What the archive holds of a session.
    ///
    /// # Errors
    /// A transcript that cannot be read.
    pub fn of(archive: &Archive, session: &SessionRow, masker: &mut Masker) -> Result<Self> {
        let lines = archive.lines_of(session);
        let commands = archive.commands_of(session);
        let (bytes, form) = archive.primary_bytes(session)?;
        // Events hold lines without what drew them, PowerShell writes text: there the lines themselves are played.
        let drawn = form.filter(|it| matches!(it, Form::Script | Form::Bare) && !bytes.is_empty());
        let told = drawn.map(|form| {
            let mut decoder = Decoder::new(form);
            decoder.push(&bytes);
            (decoder.width(), decoder.window())
        });
        let content = drawn.map(|_| bytes.as_slice());
        let mut film = Self::new(&lines, &commands, content, told.and_then(|it| it.0), masker);
        film.height = told.and_then(|it| it.1).map(|it| it.1.into());
        Ok(film)
    }

    /// Makes the film. `content` is the transcript that the lines were read from, where their bytes can be played; else the
    /// lines themselves are.
    pub fn new(
        lines: &[LineRow],
        commands: &[CommandRow],
        content: Option<&[u8]>,
        width: Option<usize>,
        masker: &mut Masker,
    ) -> Self {
        let secrets = Secrets::new(lines, commands, masker);
        // What nobody may have typed is no place to go to.
        let mut next = commands.iter().filter(|it| it.kind != CommandKind::Possible).peekable();
        let mut film = Self {
            beats: Vec::new(),
            lines: Vec::new(),
            marks: Vec::new(),
            pace: Timing::Reconstructed,
            began: None,
            width,
            height: None,
            secrets,
        };
        let mut place = 0;
        // Beats of one event, with how long each takes.
        let mut group: Vec<(u64, Beat)> = Vec::new();
        let mut group_time: Option<At> = None;
        let mut clock = 0;
        let mut timed = 0;
        masker.start();
        let mut all = 0;
        for line in lines {
            let text = match content {
                // Older versions of a repainted row are in the same bytes.
                Some(bytes) => {
                    let from = place.max(line.byte_start.max(0) as usize);
                    let to = (line.byte_end().max(0) as usize).min(bytes.len());
                    if to <= from {
                        continue;
                    }
                    place = to;
                    String::from_utf8_lossy(&bytes[from..to]).into_owned()
                }
                None if line.kind == LineKind::Overwritten => continue,
                None => format!("{}\r\n", line.text),
            };
            all += 1;
            let time = line.at_latest;
            timed += usize::from(time.is_some());
            if time.is_some() && time != group_time {
                film.close(&mut group, group_time, &mut clock);
                group_time = time;
            }
            let nth = film.lines.len();
            // Each command has its place: that of its line, or of the first that is played behind it, for a repainted line is
            // played with others.
            let mut command = None;
            while let Some(it) = next.next_if(|it| it.line_number <= line.line_number) {
                film.mark(it, film.beats.len() + group.len(), masker);
                command = (it.line_number == line.line_number).then_some(it);
            }
            for (takes, text) in pieces(&text, command.map(|it| it.command.as_str())) {
                group.push((takes, Beat { at: 0, text, line: nth }));
            }
            let text = masker.line(&line.text).into_owned();
            film.lines.push(FilmLine { text, end: film.beats.len() + group.len() });
        }
        film.close(&mut group, group_time, &mut clock);
        for it in next {
            film.mark(it, film.beats.len(), masker);
        }
        film.pace = Timing::of(timed, all);
        film
    }

    fn mark(&mut self, it: &CommandRow, beat: usize, masker: &mut Masker) {
        let mut command = masker.text(&it.command).into_owned();
        let mark = it.kind.mark();
        if !mark.is_empty() {
            command.push_str(&format!(" [{mark}]"));
        }
        self.marks.push(Mark { beat, seq: it.seq, command });
    }

    /// Ends the beats of one event: they end when the event's time is, and are hurried if there is less time than they take.
    fn close(&mut self, group: &mut Vec<(u64, Beat)>, time: Option<At>, clock: &mut u64) {
        let takes: u64 = group.iter().map(|it| it.0).sum();
        if let (Some(time), None) = (time, self.began) {
            // The first event takes its time before its own time.
            self.began =
                Some(At(time.0.saturating_sub_unsigned(*clock).saturating_sub_unsigned(takes)));
        }
        let end = match (time, self.began) {
            (Some(time), Some(began)) => {
                u64::try_from(time.0.saturating_sub(began.0)).unwrap_or(0).max(*clock)
            }
            _ => clock.saturating_add(takes),
        };
        let room = end - *clock;
        let mut at = if takes <= room { end - takes } else { *clock };
        for (takes_one, mut beat) in group.drain(..) {
            at += match takes <= room || takes == 0 {
                true => takes_one,
                false => (u128::from(takes_one) * u128::from(room) / u128::from(takes)) as u64,
            };
            beat.at = at;
            self.beats.push(beat);
        }
        *clock = end;
    }

    /// Microseconds from beginning to end.
    pub fn length(&self) -> u64 {
        self.beats.last().map_or(0, |it| it.at)
    }

    /// The first beat behind the next line that holds this text, from a beat on.
    pub fn find(&self, text: &str, from: usize) -> Option<usize> {
        let wanted = text.to_lowercase();
        let first = self.lines.partition_point(|it| it.end <= from);
        self.lines[first..]
            .iter()
            .find(|it| it.text.to_lowercase().contains(&wanted))
            .map(|it| it.end)
    }
}

/// A line in pieces, each with the time that it takes: what was typed key by key, the rest at once.
fn pieces(text: &str, command: Option<&str>) -> Vec<(u64, String)> {
    // The prompt ends where the command's first word begins.
    let typed = command.and_then(|it| {
        let word = it.split_whitespace().next()?;
        text.rfind(word).filter(|_| text.len() <= KEYS)
    });
    let Some(typed) = typed else {
        return vec![(LINE, text.to_owned())];
    };
    let mut out = vec![(LINE, text[..typed].to_owned())];
    let mut in_sequence = false;
    for (nth, ch) in text[typed..].chars().enumerate() {
        let is_key = !in_sequence && !ch.is_control();
        match ch {
            '\x1b' => in_sequence = true,
            '@'..='Z' | '\\'..='~' | '\x07' => in_sequence = false,
            _ => {}
        }
        let pause = if nth == 0 { THOUGHT } else { 0 };
        match (is_key, out.last_mut()) {
            (false, Some(last)) => last.1.push(ch),
            _ => out.push((KEY + pause, ch.to_string())),
        }
    }
    out.retain(|it| !it.1.is_empty());
    out
}

/// One cell of the screen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DrawnCell {
    /// Character that the cell shows.
    pub ch: char,
    /// Columns.
    pub width: u8,
    /// Colors and attributes that it is drawn with.
    pub pen: avt::Pen,
}

/// What the emulator shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    /// Rows of the screen from the top; a wide character is one cell.
    pub rows: Vec<Vec<DrawnCell>>,
    /// Column and row of the cursor, if it is shown.
    pub cursor: Option<(usize, usize)>,
}

/// The emulator, and how far the film has been played on it.
pub struct Stage<'a> {
    film: &'a Film,
    terminal: avt::Terminal,
    played: usize,
    /// What is masked in a line that was on the screen before: most rows stay as they are.
    seen: HashMap<String, Vec<Span>>,
}

/// Characters of a line that are masked, and the mark if all of a secret is there.
type Span = (usize, usize, Option<String>);

/// Lines that are remembered.
const SEEN: usize = 2000;

impl<'a> Stage<'a> {
    /// An empty screen of this size, at least one column and row.
    pub fn new(film: &'a Film, columns: usize, rows: usize) -> Self {
        Self { film, terminal: terminal(columns, rows), played: 0, seen: HashMap::new() }
    }

    /// Beats that were played.
    pub fn played(&self) -> usize {
        self.played
    }

    /// Plays to a beat; what lies before is played again from the beginning.
    pub fn seek(&mut self, beat: usize) {
        let beat = beat.min(self.film.beats.len());
        if beat < self.played {
            let (columns, rows) = self.terminal.size();
            self.terminal = terminal(columns, rows);
            self.played = 0;
        }
        for it in &self.film.beats[self.played..beat] {
            self.terminal.feed(it.text.as_str());
        }
        self.played = beat;
    }

    /// The screen, secrets masked in their cells.
    pub fn picture(&mut self) -> Picture {
        let mut rows: Vec<Vec<DrawnCell>> = Vec::new();
        let mut joined: Vec<bool> = Vec::new();
        for line in self.terminal.screen().visible_lines() {
            let cells = line.cells().iter().filter(|it| it.width() > 0);
            rows.push(
                cells
                    .map(|it| DrawnCell { ch: it.char(), width: it.width(), pen: *it.pen() })
                    .collect(),
            );
            joined.push(line.is_wrapped());
        }
        if self.seen.len() > SEEN {
            self.seen.clear();
        }
        self.film.secrets.mask(&mut rows, &joined, &mut self.seen);
        Picture { rows, cursor: self.terminal.cursor().position() }
    }
}

fn terminal(columns: usize, rows: usize) -> avt::Terminal {
    let (columns, rows) = (columns.clamp(1, 1000), rows.clamp(1, 1000));
    avt::Terminal::new(columns, rows).unwrap_or_else(|_| unreachable!("both are positive"))
}

/// Every secret that the session shows, so that it is masked while it is being typed and where it is broken by a margin.
#[derive(Clone, Debug, Default)]
struct Secrets {
    /// The secret and its mark.
    known: Vec<(Vec<char>, String)>,
    reveals: bool,
}

/// Characters of a secret's beginning or end that are masked too. Fewer stand in too many words.
const PART: usize = 3;

impl Secrets {
    fn new(lines: &[LineRow], commands: &[CommandRow], masker: &mut Masker) -> Self {
        if masker.reveals() {
            return Self { known: Vec::new(), reveals: true };
        }
        let mut known: HashMap<String, String> = HashMap::new();
        let mut take = |masker: &mut Masker, text: &str| {
            for it in masker.spans(text) {
                let secret = &text[it.from..it.to];
                if !known.contains_key(secret) && secret.chars().count() >= PART {
                    known.insert(secret.to_owned(), masker.mark(&it.kind, secret));
                }
            }
        };
        masker.start();
        lines.iter().for_each(|it| take(masker, &it.text));
        masker.start();
        for it in commands {
            take(masker, &it.command);
            masker.start();
        }
        let mut known: Vec<(Vec<char>, String)> =
            known.into_iter().map(|(secret, mark)| (secret.chars().collect(), mark)).collect();
        // The longest first: one may begin like another.
        known.sort_by(|one, other| (other.0.len(), &one.0).cmp(&(one.0.len(), &other.0)));
        Self { known, reveals: false }
    }

    fn mask(
        &self,
        rows: &mut [Vec<DrawnCell>],
        joined: &[bool],
        seen: &mut HashMap<String, Vec<Span>>,
    ) {
        if self.reveals {
            return;
        }
        let mut first = 0;
        for (row, goes_on) in joined.iter().enumerate() {
            if *goes_on && row + 1 < rows.len() {
                continue;
            }
            // One line of text may be several rows.
            let places: Vec<(usize, usize)> = (first..=row)
                .flat_map(|row| (0..rows[row].len()).map(move |column| (row, column)))
                .collect();
            let line: String = places.iter().map(|it| rows[it.0][it.1].ch).collect();
            if !seen.contains_key(&line) {
                let spans = self.spans(&line);
                seen.insert(line.clone(), spans);
            }
            for (from, to, mark) in &seen[&line] {
                let whole = mark.as_ref().filter(|it| it.chars().count() <= to - from);
                let mut mark = whole.map_or("", String::as_str).chars();
                for (row, column) in &places[*from..*to] {
                    rows[*row][*column].ch = mark.next().unwrap_or('•');
                }
            }
            first = row + 1;
        }
    }

    /// What is to be masked in a line, by characters.
    fn spans(&self, line: &str) -> Vec<Span> {
        let text: Vec<char> = line.chars().collect();
        let mut out: Vec<Span> = Vec::new();
        for (secret, mark) in &self.known {
            for from in 0..text.len() {
                if text[from] != secret[0] {
                    continue;
                }
                let same = text[from..].iter().zip(secret).take_while(|it| it.0 == it.1).count();
                if same == secret.len() {
                    out.push((from, from + same, Some(mark.clone())));
                } else if same >= PART {
                    out.push((from, from + same, None));
                }
            }
            // The end of one that began on a row above.
            let longest = (PART..secret.len())
                .rev()
                .find(|many| text.starts_with(&secret[secret.len() - many..]));
            out.extend(longest.map(|many| (0, many, None)));
        }
        for it in find(line) {
            let from = line[..it.from].chars().count();
            let to = from + line[it.from..it.to].chars().count();
            if !out.iter().any(|one| one.0 <= from && to <= one.1) {
                out.push((from, to, None));
            }
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(number: i64, text: &str, at: Option<i64>) -> LineRow {
        LineRow {
            line_number: number,
            text: text.into(),
            kind: LineKind::Output.into(),
            continued: false,
            at_earliest: None,
            at_latest: at.map(At),
            byte_start: 0,
            byte_count: 0,
        }
    }

    fn film(lines: &[LineRow]) -> Film {
        Film::new(lines, &[], None, None, &mut Masker::new([7; 32]))
    }

    fn text_of(picture: &Picture) -> String {
        let rows = &picture.rows;
        let rows = rows.iter().map(|it| it.iter().map(|it| it.ch).collect::<String>());
        rows.map(|it| it.trim_end().to_owned()).collect::<Vec<_>>().join("\n").trim_end().to_owned()
    }

    #[test]
    fn events_end_when_their_time_is() {
        let second = 1_000_000;
        let film = film(&[
            line(1, "one", Some(10 * second)),
            line(2, "two", Some(10 * second)),
            line(3, "three", Some(70 * second)),
        ]);
        assert_eq!(film.pace, Timing::Recorded);
        assert_eq!(film.beats[2].at - film.beats[1].at, 60 * 1_000_000);
        assert_eq!(film.began.map(|it| it.plus(film.length() as i64)), Some(At(70 * second)));
    }

    #[test]
    fn time_never_runs_backwards_whatever_the_events_say() {
        let film = film(&[
            line(1, "one", Some(i64::MAX)),
            line(2, "two", Some(5)),
            line(3, "three", None),
            line(4, "four", Some(i64::MIN)),
        ]);
        assert!(film.beats.windows(2).all(|it| it[0].at <= it[1].at));
        assert_eq!(film.pace, Timing::Partly);
    }

    #[test]
    fn nothing_but_cells_leaves_the_stage() {
        let film = film(&[line(
            1,
            "\x1b]0;owned\x07\x1b]52;c;eA==\x07\x1b]8;;http://evil\x07link\x1b]8;;\x07\x1b[6n\x1b[?1000h ok",
            None,
        )]);
        let mut stage = Stage::new(&film, 40, 3);
        stage.seek(film.beats.len());
        assert_eq!(text_of(&stage.picture()), "link ok");
    }

    #[test]
    fn a_secret_is_masked_while_it_is_typed_and_across_a_margin() {
        let secret = "AKIAQYLPMN5HHHFPZAM2";
        let film = film(&[line(1, &format!("export AWS_ACCESS_KEY_ID={secret}"), None)]);
        for columns in [80, 33] {
            for shown in 0..=secret.len() {
                let mut stage = Stage::new(&film, columns, 4);
                stage
                    .terminal
                    .feed(format!("export AWS_ACCESS_KEY_ID={}", &secret[..shown]).as_str());
                let text = text_of(&stage.picture()).replace('\n', "");
                assert!(!text.contains(&secret[..shown]) || shown < PART, "{text}");
            }
        }
        // Torn by a program that draws its own margins.
        let mut stage = Stage::new(&film, 80, 4);
        stage.terminal.feed(format!("{}\x1b[2;1H{}", &secret[..9], &secret[9..]).as_str());
        assert_eq!(text_of(&stage.picture()), format!("{}\n{}", "•".repeat(9), "•".repeat(11)));
    }

    #[test]
    fn a_command_is_typed_key_by_key() {
        let out = pieces("sh-4.2$ ls -la\r\r\n", Some("ls -la"));
        let texts: Vec<&str> = out.iter().map(|it| it.1.as_str()).collect();
        assert_eq!(texts, ["sh-4.2$ ", "l", "s", " ", "-", "l", "a\r\r\n"]);
        assert_eq!(pieces("total 0\r\n", None).len(), 1);
    }
}
