//! `replay`: a session played again, in the terminal or into a file that asciinema plays.

use std::io::Write as _;
use std::sync::atomic::Ordering;
use std::time::Duration;
use std::time::Instant;

use clap::Args;
use clap::ValueEnum;
use crossterm::event;
use crossterm::event::Event;
use crossterm::event::KeyCode;
use crossterm::event::KeyEvent;
use crossterm::event::KeyEventKind;
use crossterm::event::KeyModifiers;
use crossterm::terminal;
use sha2::Digest;
use sha2::Sha256;
use unicode_width::UnicodeWidthChar;

use super::Answer;
use super::Run;
use super::masking::Masking;
use super::masking::Shown;
use super::output::Replace;
use super::output::Target;
use super::sessions::short_target;
use super::show::primary_bytes;
use crate::archive::Archive;
use crate::archive::schema::SessionRow;
use crate::error::Error;
use crate::error::Kind;
use crate::error::Result;
use crate::render::screen::Canvas;
use crate::render::screen::Cast;
use crate::render::screen::cast;
use crate::replay::Film;
use crate::replay::Pace;
use crate::replay::Stage;
use crate::search;
use crate::secrets::Masker;
use crate::session::owner_apart;
use crate::session::short_owner;
use crate::text;
use crate::transcript::decoder::Decoder;
use crate::transcript::wire::Form;

const EXAMPLES: &str = "\
Examples:
  ssmtrail replay alice-z81                   the one session whose id contains that
  ssmtrail replay alice-z81 --from 7          from command 7 (`show --commands` numbers them)
  ssmtrail search sudo --replay               from the first hit
  ssmtrail replay alice-z81 --cast alice.cast --cast-version 3

Keys: space pauses, . steps, n and p go to the next and previous command, + and - change the speed, / searches and N finds
the next, g and G go to the beginning and the end, q leaves, ? shows this.

What is shown is redrawn from an emulator: nothing of the session reaches this terminal but text and colours. Secrets are masked.
The time is that of the streamed events where there are any; else, and between events, the pace is reconstructed, and said to be.";

const KEYS: &str = "\
space     pause, go on
.         one step
n  p      next, previous command
→  ←      five seconds on, back
+  -      faster, slower
/  N      search, find the next
g  G      beginning, end
q         leave";

#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(super) struct Replay {
    /// Id of the session, or a part that no other has
    #[arg(value_name = "SESSION")]
    session: String,

    /// Start at this command
    #[arg(long, value_name = "SEQ", conflicts_with = "cast")]
    from: Option<i64>,

    /// How many times as fast
    #[arg(long, value_name = "N", default_value_t = 1.0, conflicts_with = "cast")]
    speed: f64,

    /// Longest wait, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 2.0)]
    idle: f64,

    /// Columns and rows of the session's window [default: what the transcript tells, else this terminal's]
    #[arg(long, value_name = "COLSxROWS", value_parser = size)]
    size: Option<(usize, usize)>,

    /// Write an asciicast instead of playing; - is standard output
    #[arg(long, value_name = "FILE")]
    cast: Option<String>,

    /// Version of the asciicast
    #[arg(long, value_name = "N", default_value = "2", requires = "cast")]
    cast_version: CastVersion,

    /// Write over a file that exists
    #[arg(long, requires = "cast")]
    force: bool,

    #[command(flatten)]
    masking: Masking,

    /// Start behind the line that says this.
    #[arg(skip)]
    behind: Option<String>,

    /// Key of the session, where it is known.
    #[arg(skip)]
    key: Option<String>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum CastVersion {
    #[value(name = "2")]
    V2,
    #[value(name = "3")]
    V3,
}

/// Longest wait in a cast, in microseconds, unless another is asked for.
const IDLE: u64 = 2_000_000;

fn size(text: &str) -> Result<(usize, usize), String> {
    let wrong = || "say columns and rows: 120x40".to_owned();
    let (columns, rows) = text.split_once(['x', 'X']).ok_or_else(wrong)?;
    let read = |it: &str| it.parse().ok().filter(|it| (1..=1000).contains(it));
    match (read(columns), read(rows)) {
        (Some(columns), Some(rows)) => Ok((columns, rows)),
        _ => Err(wrong()),
    }
}

impl Replay {
    /// Plays from a hit of a search: a command by its number, a line by what it says.
    pub(super) fn hit(
        key: String,
        from: Option<i64>,
        behind: Option<String>,
        masking: Masking,
    ) -> Self {
        Self {
            session: String::new(),
            key: Some(key),
            from,
            speed: 1.0,
            idle: 2.0,
            size: None,
            cast: None,
            cast_version: CastVersion::V2,
            force: false,
            masking,
            behind,
        }
    }

    pub(super) fn run(self, run: &mut Run<'_, '_>) -> Result<Answer> {
        if !(self.speed > 0.0 && self.speed <= 1000.0) {
            return Err(Error::misused("--speed is a number above 0, at most 1000"));
        }
        if !(self.idle >= 0.0 && self.idle <= 1e6) {
            return Err(Error::misused("--idle is a number of seconds, 0 or more"));
        }
        if self.cast.is_none() && run.world.columns.is_none() {
            return Err(Error::misused("standard output is no terminal to play on")
                .hint("--cast FILE writes what asciinema plays; `ssmtrail show` prints the text"));
        }
        let look = |name: &String| {
            let replace = Replace::forced(self.force, "--cast");
            Target::look(&run.world.folder.join(name), name, replace)
        };
        let target = self.cast.as_ref().filter(|it| *it != "-").map(look).transpose()?;
        let archive = run.archive()?;
        let mut session = match &self.key {
            Some(it) => search::session_of_key(&archive, it)?,
            None => search::session(&archive, &self.session)?,
        };
        let mut masker = self.masking.masker(run, &archive, "replay", Shown::One(&session))?;
        crate::masking::names(&mut masker, &mut session);
        let film = film(&archive, &session, &mut masker)?;
        let damages = archive.damages();
        if film.beats.is_empty() {
            run.tell(&damages);
            run.ui.note("there is nothing to play in it");
            return Ok(Answer::No.with(&damages));
        }
        let start = match self.from {
            None => self.behind.as_ref().and_then(|it| film.find(it, 0)).unwrap_or(0),
            Some(seq) => match film.marks.iter().find(|it| it.seq == seq) {
                Some(it) => it.beat,
                None => {
                    return Err(Error::misused(format!("the session has no command {seq}"))
                        .hint("`ssmtrail show SESSION --commands` numbers them"));
                }
            },
        };
        match &self.cast {
            Some(_) => self.write(run, &film, &title(&session, &film), target)?,
            None => self.play(run, &film, &who(&session), start)?,
        }
        run.tell(&damages);
        Ok(Answer::Yes.with(&damages))
    }

    fn write(
        &self,
        run: &mut Run<'_, '_>,
        film: &Film,
        title: &str,
        target: Option<Target>,
    ) -> Result<()> {
        let version = match self.cast_version {
            CastVersion::V2 => Cast::V2,
            CastVersion::V3 => Cast::V3,
        };
        let size = self.size.unwrap_or(film.size());
        let idle = (self.idle * 1e6) as u64;
        let mut bytes = Vec::new();
        cast(film, version, size, idle, title, &mut bytes)?;
        match target {
            None => run.ui.raw(&bytes)?,
            Some(it) => {
                let name = it.name().to_owned();
                it.write(&bytes, run.world.stop)?;
                run.ui.line(&name)?;
            }
        }
        if film.pace != Pace::Recorded {
            run.ui.note(&format!("note: {}", film.pace.says()));
        }
        Ok(())
    }

    fn play(&self, run: &mut Run<'_, '_>, film: &Film, title: &str, start: usize) -> Result<()> {
        let _screen = OwnScreen::enter()?;
        let mut player = Player {
            film,
            stage: Stage::new(film, 1, 1),
            canvas: Canvas::new(run.ui.color),
            size: self.size,
            columns: 80,
            at: film.beats.get(start).map_or(0, |it| it.at),
            is_playing: true,
            speed: self.speed,
            idle: (self.idle * 1e6) as u64,
            title: text::visible(title).into_owned(),
            told: String::new(),
            asked: None,
            wanted: String::new(),
            shows_keys: false,
        };
        let (columns, rows) = terminal::size().unwrap_or((80, 24));
        player.resize(usize::from(columns), usize::from(rows));
        player.stage.seek(start);
        loop {
            let text = player.draw();
            run.ui.raw(text.as_bytes())?;
            run.ui.out.flush().map_err(|it| Error::new(Kind::Closed, it.to_string()))?;
            if run.world.stop.load(Ordering::Relaxed) {
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
}

fn refused(it: &std::io::Error) -> Error {
    Error::new(Kind::Refused, format!("the terminal cannot be read: {it}"))
}

/// A session as an asciicast v2, or nothing if there is nothing to play.
pub(super) fn cast_of(
    archive: &Archive,
    session: &SessionRow,
    masker: &mut Masker,
) -> Result<Option<Vec<u8>>> {
    let film = film(archive, session, masker)?;
    if film.beats.is_empty() {
        return Ok(None);
    }
    let mut bytes = Vec::new();
    let size = film.size();
    cast(&film, Cast::V2, size, IDLE, &title(session, &film), &mut bytes)?;
    Ok(Some(bytes))
}

/// The key of a session as the name of a file; where that cannot be it, as much of it as can, and what tells it from all others.
pub(super) fn file_name(session: &SessionRow) -> String {
    // Most file systems end names at 255 bytes; an ending has to fit, too.
    const MOST: usize = 200;
    let key = session.session_key.as_str();
    let sound = |it: char| it.is_ascii_alphanumeric() || "-_@.#".contains(it);
    let name: String = key.chars().map(|it| if sound(it) { it } else { '_' }).take(MOST).collect();
    let name = name.trim_start_matches('.');
    if name == key {
        return key.to_owned();
    }
    format!("{name}-{}", &hex::encode(&Sha256::digest(key))[..16])
}

fn title(session: &SessionRow, film: &Film) -> String {
    format!("{} ({})", who(session), film.pace.says())
}

fn who(session: &SessionRow) -> String {
    // A film stands alone: what tells a name apart is always beside it.
    let owner = session.owner.as_deref().map_or_else(
        || "-".to_owned(),
        |it| match it.starts_with("arn:") {
            true => format!("{} ({})", short_owner(it), owner_apart(it)),
            false => it.to_owned(),
        },
    );
    let (owner, target) = (text::visible(&owner), short_target(session.target.as_deref()));
    format!("{owner} on {target}, {}", session.session_key)
}

/// What the archive holds of a session, as a film.
fn film(archive: &Archive, session: &SessionRow, masker: &mut Masker) -> Result<Film> {
    let lines = archive.lines_of(session);
    let commands = archive.commands_of(session);
    let (bytes, form) = primary_bytes(archive, session)?;
    // Events hold lines without what drew them, PowerShell writes text: there the lines themselves are played.
    let drawn = form.filter(|it| matches!(it, Form::Script | Form::Bare) && !bytes.is_empty());
    let told = drawn.map(|form| {
        let mut decoder = Decoder::new(form);
        decoder.push(&bytes);
        (decoder.width(), decoder.window())
    });
    let content = drawn.map(|_| bytes.as_slice());
    let mut film = Film::new(&lines, &commands, content, told.and_then(|it| it.0), masker);
    film.height = told.and_then(|it| it.1).map(|it| it.1.into());
    Ok(film)
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

struct Player<'a> {
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

impl Player<'_> {
    fn resize(&mut self, columns: usize, rows: usize) {
        let played = self.stage.played();
        let (wide, high) =
            self.size.unwrap_or((self.film.width.unwrap_or(columns), rows.saturating_sub(1)));
        self.stage = Stage::new(self.film, wide, high.min(rows.saturating_sub(1)).max(1));
        self.stage.seek(played);
        self.columns = columns;
        self.canvas.forget();
    }

    /// How long nothing happens.
    fn wait(&self) -> Duration {
        match self.film.beats.get(self.stage.played()) {
            Some(next) if self.is_playing => {
                let wait = next.at.saturating_sub(self.at).min(self.idle);
                Duration::from_micros((wait as f64 / self.speed) as u64)
            }
            _ => Duration::from_secs(1),
        }
    }

    /// Time has passed.
    fn advance(&mut self, passed: Duration) {
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

    /// Whether to go on.
    fn key(&mut self, key: KeyEvent) -> bool {
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

    fn draw(&mut self) -> String {
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
