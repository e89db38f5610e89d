//! Plays a film on a terminal, steered by keys.
//!
//! The session's bytes end in an emulator: what is drawn is what its cells show. The terminal is as it was when this ends, whatever ends it.

use std::io::Write;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::time::Duration;
use std::time::Instant;

use crossterm::event;
use crossterm::event::Event;
use crossterm::event::KeyCode;
use crossterm::event::KeyEvent;
use crossterm::event::KeyEventKind;
use crossterm::event::KeyModifiers;
use crossterm::terminal;
use unicode_width::UnicodeWidthChar;

use crate::error::Error;
use crate::error::Kind;
use crate::error::Result;
use crate::render::screen::Canvas;
use crate::replay::Film;
use crate::replay::Stage;
use crate::text;

const KEYS: &str = "\
space     pause, go on
.         one step
n  p      next, previous command
→  ←      five seconds on, back
+  -      faster, slower
/  N      search, find the next
g  G      beginning, end
q         leave";

/// How a film is played at first; keys change some of it.
#[derive(Clone, Copy, Debug)]
pub struct HowToPlay {
    /// Number of the beat to start at, from 0.
    pub start: usize,
    /// Columns and rows of the session's window; the film's, or else the terminal's, if `None`.
    pub size: Option<(usize, usize)>,
    /// How many times as fast as it was.
    pub speed: f64,
    /// Longest wait, in microseconds.
    pub idle: u64,
    /// Whether colors and other attributes are drawn.
    pub color: bool,
}

impl Default for HowToPlay {
    fn default() -> Self {
        Self { start: 0, size: None, speed: 1.0, idle: 2_000_000, color: true }
    }
}

/// Plays until the end is left, `q` is pressed or `stop` is set. `out` is the terminal's.
///
/// # Errors
/// A terminal that cannot be read or written to.
pub fn play(
    film: &Film,
    title: &str,
    how: HowToPlay,
    out: &mut dyn Write,
    stop: &AtomicBool,
) -> Result<()> {
    let _screen = OwnScreen::enter()?;
    let mut player = Player::new(film, title, how);
    let (columns, rows) = terminal::size().unwrap_or((80, 24));
    player.resize(usize::from(columns), usize::from(rows));
    loop {
        let text = player.draw();
        out.write_all(text.as_bytes())
            .and_then(|()| out.flush())
            .map_err(|it| Error::new(Kind::Closed, it.to_string()))?;
        if stop.load(Ordering::Relaxed) {
            return Ok(());
        }
        let before = Instant::now();
        let wait = player.wait().min(Duration::from_millis(200));
        let has = event::poll(wait).map_err(|it| refused(&it))?;
        player.advance(before.elapsed());
        if has {
            match event::read().map_err(|it| refused(&it))? {
                Event::Key(it) => {
                    let goes_on = it.kind == KeyEventKind::Release || player.key(it);
                    if !goes_on {
                        return Ok(());
                    }
                }
                Event::Resize(columns, rows) => {
                    player.resize(usize::from(columns), usize::from(rows));
                }
                _ => {}
            }
        }
    }
}

fn refused(it: &std::io::Error) -> Error {
    Error::new(Kind::Refused, format!("the terminal cannot be read: {it}"))
}

/// The terminal is ours while this lives, and as it was behind it.
struct OwnScreen;

impl OwnScreen {
    fn enter() -> Result<Self> {
        terminal::enable_raw_mode().map_err(|it| refused(&it))?;
        let screen = Self;
        // Alternate screen, no wrap at the margin.
        write_out("\x1b[?1049h\x1b[?7l\x1b[2J")?;
        Ok(screen)
    }
}

impl Drop for OwnScreen {
    fn drop(&mut self) {
        let _ = write_out("\x1b[0m\x1b[?7h\x1b[?25h\x1b[?1049l");
        let _ = terminal::disable_raw_mode();
    }
}

/// Past the buffer of the data, which is empty here: also while a panic unwinds.
fn write_out(text: &str) -> Result<()> {
    let mut out =
        std::fs::File::options().write(true).open("/dev/tty").map_err(|it| refused(&it))?;
    out.write_all(text.as_bytes()).map_err(|it| refused(&it))
}

/// A film that is being played: keys and time go in, what a terminal is to show comes out.
///
/// ```
/// use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
/// use ssmtrail::archive::schema::LineRow;
/// use ssmtrail::player::{HowToPlay, Player};
/// use ssmtrail::replay::Film;
/// use ssmtrail::secrets::Masker;
/// let lines = [LineRow { text: "sh-4.2$ whoami".into(), ..Default::default() }];
/// let film = Film::new(&lines, &[], None, None, &mut Masker::new([0; 32]));
/// let mut player = Player::new(&film, "alice on i-1", HowToPlay::default());
/// player.resize(80, 24);
/// let press = |it| KeyEvent::new(KeyCode::Char(it), KeyModifiers::NONE);
/// assert!(player.key(press('G')), "to the end");
/// assert!(player.draw().contains("sh-4.2$ whoami"));
/// assert!(!player.key(press('q')), "and out");
/// ```
pub struct Player<'a> {
    film: &'a Film,
    stage: Stage<'a>,
    canvas: Canvas,
    /// What was asked for.
    size: Option<(usize, usize)>,
    /// Of the terminal.
    columns: usize,
    /// Place in the film, in microseconds.
    at: u64,
    is_playing: bool,
    speed: f64,
    idle: u64,
    title: String,
    told: String,
    /// What is being typed behind `/`.
    asked: Option<String>,
    wanted: String,
    shows_keys: bool,
}

impl<'a> Player<'a> {
    /// A film at the beat that it is to start at, for a terminal of 80 columns and 24 rows until [`Self::resize`] says another. The title stands in the line
    /// below the screen.
    pub fn new(film: &'a Film, title: &str, how: HowToPlay) -> Self {
        let mut stage = Stage::new(film, 80, 23);
        stage.seek(how.start);
        Self {
            film,
            stage,
            canvas: Canvas::new(how.color),
            size: how.size,
            columns: 80,
            at: film.beats.get(how.start).map_or(0, |it| it.at),
            is_playing: true,
            speed: how.speed,
            idle: how.idle,
            title: text::visible(title).into(),
            told: String::new(),
            asked: None,
            wanted: String::new(),
            shows_keys: false,
        }
    }

    /// The terminal has so many columns and rows.
    pub fn resize(&mut self, columns: usize, rows: usize) {
        let played = self.stage.played();
        let (wide, high) =
            self.size.unwrap_or((self.film.width.unwrap_or(columns), rows.saturating_sub(1)));
        self.stage = Stage::new(self.film, wide, high.min(rows.saturating_sub(1)).max(1));
        self.stage.seek(played);
        self.columns = columns;
        self.canvas.forget();
    }

    /// How long nothing happens, as it is played.
    pub fn wait(&self) -> Duration {
        match self.film.beats.get(self.stage.played()) {
            Some(next) if self.is_playing => {
                let wait = next.at.saturating_sub(self.at).min(self.idle);
                Duration::from_micros((wait as f64 / self.speed) as u64)
            }
            _ => Duration::from_secs(1),
        }
    }

    /// So much time has passed.
    pub fn advance(&mut self, passed: Duration) {
        if !self.is_playing {
            return;
        }
        let Some(next) = self.film.beats.get(self.stage.played()) else {
            self.is_playing = false;
            self.told = "the end".into();
            return;
        };
        // A longer wait than asked for is cut at its beginning.
        self.at = self.at.max(next.at.saturating_sub(self.idle));
        self.at += (passed.as_micros() as f64 * self.speed) as u64;
        let to = self.film.beats.partition_point(|it| it.at <= self.at);
        self.stage.seek(to.max(self.stage.played()));
    }

    fn go(&mut self, beat: usize) {
        let beat = beat.min(self.film.beats.len());
        self.stage.seek(beat);
        self.at = match beat.checked_sub(1) {
            Some(last) => self.film.beats[last].at,
            None => 0,
        };
    }

    /// A key was pressed: whether to go on.
    pub fn key(&mut self, key: KeyEvent) -> bool {
        if key.code == KeyCode::Char('c') && key.modifiers.contains(KeyModifiers::CONTROL) {
            return false;
        }
        if let Some(mut asked) = self.asked.take() {
            match key.code {
                KeyCode::Enter => {
                    self.wanted = asked;
                    self.find();
                }
                KeyCode::Esc => {}
                KeyCode::Backspace if asked.is_empty() => {}
                KeyCode::Backspace => {
                    asked.pop();
                    self.asked = Some(asked);
                }
                KeyCode::Char(it) => {
                    asked.push(it);
                    self.asked = Some(asked);
                }
                _ => self.asked = Some(asked),
            }
            return true;
        }
        self.told.clear();
        if self.shows_keys {
            self.shows_keys = false;
            self.canvas.forget();
            return key.code != KeyCode::Char('q');
        }
        let played = self.stage.played();
        match key.code {
            KeyCode::Char('q') | KeyCode::Esc => return false,
            KeyCode::Char(' ') => {
                self.is_playing = !self.is_playing && played < self.film.beats.len()
            }
            KeyCode::Char('.') => {
                self.is_playing = false;
                self.go(played + 1);
            }
            KeyCode::Char('n') => match self.film.marks.iter().find(|it| it.beat > played) {
                Some(it) => self.go(it.beat),
                None => self.told = "no command behind this one".into(),
            },
            KeyCode::Char('p') => {
                // Just behind its beginning a command is the current one, and the one before is meant.
                match self.film.marks.iter().rev().find(|it| it.beat + 3 < played) {
                    Some(it) => self.go(it.beat),
                    None => self.go(0),
                }
            }
            KeyCode::Right | KeyCode::Left => {
                let at = match key.code {
                    KeyCode::Right => self.at.saturating_add(5_000_000),
                    _ => self.at.saturating_sub(5_000_000),
                };
                self.go(self.film.beats.partition_point(|it| it.at <= at));
                self.at = at.min(self.film.length());
            }
            KeyCode::Char('+' | '=') => self.speed = (self.speed * 2.0).min(1000.0),
            KeyCode::Char('-') => self.speed = (self.speed / 2.0).max(0.125),
            KeyCode::Char('/') => self.asked = Some(String::new()),
            KeyCode::Char('N') => self.find(),
            KeyCode::Char('g') => self.go(0),
            KeyCode::Char('G') => {
                self.is_playing = false;
                self.go(self.film.beats.len());
            }
            KeyCode::Char('?' | 'h') => {
                self.shows_keys = true;
                self.is_playing = false;
            }
            _ => {}
        }
        true
    }

    fn find(&mut self) {
        if self.wanted.is_empty() {
            return;
        }
        let found = self.film.find(&self.wanted, self.stage.played());
        match found.or_else(|| self.film.find(&self.wanted, 0)) {
            Some(beat) => {
                if found.is_none() {
                    self.told = "found again from the beginning".into();
                }
                self.is_playing = false;
                self.go(beat);
            }
            None => self.told = format!("not shown: {}", self.wanted),
        }
    }

    /// What to write to a terminal so that it shows this moment: text, colours and places of the cursor, and no byte of the session else.
    pub fn draw(&mut self) -> String {
        let mut picture = self.stage.picture();
        let rows = picture.rows.len();
        let cursor = picture.cursor;
        // The emulator may be wider than this terminal.
        picture.cursor = cursor.filter(|it| it.0 < self.columns);
        let mut out = String::from("\x1b[?25l");
        if self.shows_keys {
            out.push_str("\x1b[2J");
            for (nth, line) in KEYS.lines().enumerate() {
                out.push_str(&format!("\x1b[{};3H{line}", nth + 2));
            }
            self.canvas.forget();
            return out;
        }
        let drawn = self.canvas.draw(picture, self.columns);
        let status = self.status();
        out.push_str(&drawn);
        out.push_str(&format!("\x1b[{};1H\x1b[0;7m{status}\x1b[0m", rows + 1));
        if let Some((column, row)) = cursor.filter(|it| it.0 < self.columns) {
            out.push_str(&format!("\x1b[{};{}H\x1b[?25h", row + 1, column + 1));
        }
        out
    }

    /// The line below the screen, as wide as it.
    fn status(&self) -> String {
        let text = match &self.asked {
            Some(it) => format!("/{it}_"),
            None => {
                let sign = if self.is_playing { "▶" } else { "⏸" };
                let played = self.stage.played();
                let behind = self.film.marks.partition_point(|it| it.beat < played);
                let all = self.film.marks.len();
                let (now, end) = (minutes(self.at), minutes(self.film.length()));
                let told = if self.told.is_empty() { &self.title } else { &self.told };
                let pace = self.film.pace.says();
                format!(
                    " {sign} {now}/{end} {pace}  {}×  command {behind}/{all}  ? keys  {told}",
                    self.speed
                )
            }
        };
        let mut out = String::new();
        let mut used = 0;
        for ch in text::visible(&text).chars() {
            let wide = ch.width().unwrap_or(0);
            if used + wide > self.columns {
                break;
            }
            used += wide;
            out.push(ch);
        }
        out.push_str(&" ".repeat(self.columns.saturating_sub(used)));
        out
    }
}

/// `1:04`
fn minutes(micros: u64) -> String {
    let seconds = micros / 1_000_000;
    match seconds / 3600 {
        0 => format!("{}:{:02}", seconds / 60, seconds % 60),
        hours => format!("{hours}:{:02}:{:02}", seconds / 60 % 60, seconds % 60),
    }
}
