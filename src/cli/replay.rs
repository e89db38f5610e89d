//! `replay`: a session played again, in the terminal or into a file that asciinema plays.

use clap::Args;
use sha2::Digest;
use sha2::Sha256;

use super::answer::Answer;
use super::answer::Ending;
use super::formats::one_of;
use super::reader::Reader;
use super::revealing;
use super::revealing::Revealing;
use super::revealing::Whose;
use super::sessions::short_target;
use super::world::Here;
use crate::archive::Archive;
use crate::archive::schema::SessionRow;
use crate::aws_names::Arn;
use crate::error::Error;
use crate::error::Result;
use crate::masking;
use crate::output::Replace;
use crate::output::Target;
use crate::player;
use crate::player::HowToPlay;
use crate::render::Ui;
use crate::render::screen::Cast;
use crate::render::screen::cast;
use crate::replay::Film;
use crate::replay::Timing;
use crate::search;
use crate::secrets::Masker;
use crate::session::owner_apart;
use crate::session::short_owner;
use crate::text::Safe;
use crate::text::Visible;
use crate::text::safe;

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
    #[arg(long, value_name = "N", default_value = "2", requires = "cast", value_parser = one_of(VERSIONS))]
    cast_version: Cast,

    /// Write over a file that exists
    #[arg(long, requires = "cast")]
    force: bool,

    #[command(flatten)]
    revealing: Revealing,

    /// Start behind the line that says this.
    #[arg(skip)]
    behind: Option<String>,

    /// Key of the session, where it is known.
    #[arg(skip)]
    key: Option<String>,
}

const VERSIONS: &[(&str, Cast)] = &[("2", Cast::V2), ("3", Cast::V3)];

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
        revealing: Revealing,
    ) -> Self {
        Self {
            session: String::new(),
            key: Some(key),
            from,
            speed: 1.0,
            idle: 2.0,
            size: None,
            cast: None,
            cast_version: Cast::V2,
            force: false,
            revealing,
            behind,
        }
    }

    pub(super) fn run(self, reader: &Reader<'_>, ui: &mut Ui<'_>) -> Result<Answer> {
        self.check(ui)?;
        let look = |name: &String| {
            let replace = Replace::forced(self.force, "--cast");
            Target::look(&reader.here.folder.join(name), name, replace)
        };
        let target = self.cast.as_ref().filter(|it| *it != "-").map(look).transpose()?;
        reader.ask(ui, |archive, ui| self.play(reader, archive, ui, target))
    }

    /// Refuses what nobody can play.
    pub(super) fn check(&self, ui: &Ui<'_>) -> Result<()> {
        if !(self.speed > 0.0 && self.speed <= 1000.0) {
            return Err(Error::misused("--speed is a number above 0, at most 1000"));
        }
        if !(self.idle >= 0.0 && self.idle <= 1e6) {
            return Err(Error::misused("--idle is a number of seconds, 0 or more"));
        }
        if self.cast.is_none() && ui.columns.is_none() {
            return Err(Error::misused("standard output is no terminal to play on")
                .hint("--cast FILE writes what asciinema plays; `ssmtrail show` prints the text"));
        }
        Ok(())
    }

    /// Plays or writes a session of this archive.
    pub(super) fn play(
        &self,
        reader: &Reader<'_>,
        archive: &Archive,
        ui: &mut Ui<'_>,
        target: Option<Target>,
    ) -> Result<Ending> {
        let mut session = match &self.key {
            Some(it) => search::session_of_key(archive, it)?,
            None => search::session(archive, &self.session)?,
        };
        let mut masker =
            self.revealing.masker(reader, ui, archive, "replay", Whose::One(&session))?;
        masking::names(&mut masker, &mut session);
        let film = Film::of(archive, &session, &mut masker)?;
        if film.beats.is_empty() {
            return Ok(Ending::or(false, "there is nothing to play in it"));
        }
        let start = match self.from {
            None => self.behind.as_ref().and_then(|it| film.find(it, 0)).unwrap_or(0),
            Some(seq) => match film.marks.iter().find(|it| it.seq == seq) {
                Some(it) => it.beat,
                None => {
                    return Err(archive.absent(
                        &format!("the session has no command {seq}"),
                        "`ssmtrail show SESSION --commands` numbers them",
                    ));
                }
            },
        };
        match &self.cast {
            Some(_) => self.write(reader.here, ui, &film, &title(&session, &film), target)?,
            None => {
                let how = HowToPlay {
                    start,
                    size: self.size,
                    speed: self.speed,
                    idle: (self.idle * 1e6) as u64,
                    color: ui.color,
                };
                player::play(&film, &who(&session), how, ui.terminal(), reader.here.stop)?;
            }
        }
        revealing::tell(ui, &masker);
        Ok(Ending::any(true))
    }

    fn write(
        &self,
        here: Here<'_>,
        ui: &mut Ui<'_>,
        film: &Film,
        title: &str,
        target: Option<Target>,
    ) -> Result<()> {
        let size = self.size.unwrap_or(film.size());
        let idle = (self.idle * 1e6) as u64;
        let mut bytes = Vec::new();
        cast(film, self.cast_version, size, idle, title, &mut bytes)?;
        match target {
            None => ui.bytes(&bytes)?,
            Some(it) => {
                let name = it.name().safe();
                it.write(&bytes, here.stop)?;
                ui.line(name)?;
            }
        }
        if film.pace != Timing::Recorded {
            ui.note(safe!("note: {}", film.pace.says()));
        }
        Ok(())
    }
}

/// A session as an asciicast v2, or nothing if there is nothing to play.
pub(super) fn cast_of(
    archive: &Archive,
    session: &SessionRow,
    masker: &mut Masker,
) -> Result<Option<Vec<u8>>> {
    let film = Film::of(archive, session, masker)?;
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
    format!("{name}-{}", &hex::encode(Sha256::digest(key))[..16])
}

fn title(session: &SessionRow, film: &Film) -> Safe {
    safe!("{} ({})", who(session), film.pace.says())
}

fn who(session: &SessionRow) -> Safe {
    // A film stands alone: what tells a name apart is always beside it.
    let owner = session.owner.as_deref().map_or_else(
        || "-".to_owned(),
        |it| match Arn::is_begun(it) {
            true => format!("{} ({})", short_owner(it), owner_apart(it)),
            false => it.to_owned(),
        },
    );
    let target = short_target(session.target.as_deref());
    safe!("{} on {}, {}", owner, target, session.session_key)
}
