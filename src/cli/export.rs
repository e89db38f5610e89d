//! `export`: the archive as a feed for a SIEM.

use std::path::PathBuf;

use clap::Args;
use clap::ValueEnum;
use polars::prelude::*;
use serde_json::Value;

use super::Answer;
use super::Filters;
use super::Run;
use super::masking;
use super::masking::Masking;
use super::tell_window;
use crate::archive::Archive;
use crate::archive::Which;
use crate::archive::schema::CommandRow;
use crate::archive::schema::SessionRow;
use crate::error::Error;
use crate::error::Kind;
use crate::error::Result;
use crate::render;
use crate::render::feed;
use crate::search;
use crate::search::Pattern;
use crate::secrets::Masker;

const EXAMPLES: &str = "\
Examples:
  ssmtrail export > all.jsonl
  ssmtrail export --format ocsf --since-last >> feed.jsonl     in a cron job: what is new since it last ran
  ssmtrail export --what commands --format parquet -o commands.parquet
  ssmtrail export --owner alice --format asciicast -o casts    a file for each session, which asciinema plays
  ssmtrail export --schema                                     the JSON Schema of the records

With --since-last the archive remembers how far the feed has come, by its name, once all was written. A session that grew or was read
again comes again as a whole: a record's uid stays the same, so what comes twice can be dropped. What could not be read is told,
exit 3, and comes with the next run that can read it.";

#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(super) struct Export {
    #[command(flatten)]
    filters: Filters,

    /// Which rows
    #[arg(long, value_name = "ROWS", default_value = "both")]
    what: What,

    /// Form of the records
    #[arg(long, value_name = "FORMAT", default_value = "jsonl")]
    format: Form,

    /// Only what is new since the last run of the feed of this name
    #[arg(long, value_name = "NAME", num_args = 0..=1, default_missing_value = "default")]
    since_last: Option<String>,

    /// File to write, whole or not at all [default: standard output]
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,

    /// Write over a file that exists
    #[arg(long, requires = "output")]
    force: bool,

    /// Print the JSON Schema of the records of --format jsonl
    #[arg(long)]
    schema: bool,

    #[command(flatten)]
    masking: Masking,
}

#[derive(Clone, Copy, Debug, ValueEnum, PartialEq, Eq)]
enum What {
    Both,
    Commands,
    Sessions,
}

#[derive(Clone, Copy, Debug, ValueEnum, PartialEq, Eq)]
enum Form {
    /// Our own records, a line each
    Jsonl,
    /// OCSF 1.8.0: Process Activity and Authentication, a line each
    Ocsf,
    /// A Parquet file of --what commands or sessions
    Parquet,
    /// An asciicast v2 of each session, in the folder -o
    Asciicast,
}

/// Sessions of a feed's run are looked up one by one up to this many; more are read file by file.
const FEW: usize = 2000;
const KINDS: [&str; 3] = ["shell", "repl", "abandoned"];

impl Export {
    pub(super) fn run(self, run: &mut Run<'_, '_>) -> Result<Answer> {
        if self.schema {
            let text = format!("{:#}", feed::schema());
            run.ui.line(&text)?;
            return Ok(Answer::Yes);
        }
        if self.format == Form::Asciicast {
            return self.casts(run);
        }
        if self.format == Form::Parquet && self.what == What::Both {
            return Err(Error::misused("a Parquet file holds one table")
                .hint("say which: --what commands or --what sessions"));
        }
        if self.format == Form::Parquet && self.output.is_none() && run.world.columns.is_some() {
            return Err(Error::misused("Parquet is binary and standard output is a terminal")
                .hint("write it to a file: -o commands.parquet"));
        }
        let target = self.output.as_ref().map(|it| run.world.folder.join(it));
        if let Some(path) = target.as_ref().filter(|_| !self.force)
            && path.symlink_metadata().is_ok()
        {
            let name = self.output.as_deref().unwrap_or(path).display();
            return Err(Error::new(Kind::Refused, format!("{name} exists"))
                .hint("--force writes over it; -o names another"));
        }
        let which = self.filters.which(run.world.now, run.ui.zone)?;
        tell_window(run.ui, which.window);
        let archive = run.archive()?;
        let mut sessions = archive.sessions(&which)?;
        let newest =
            archive.sessions(&Which::default())?.iter().map(|it| it.generation).max().unwrap_or(0);
        let since = match &self.since_last {
            Some(name) => archive.watermark(name)?,
            None => 0,
        };
        if since > newest {
            let name = self.since_last.as_deref().unwrap_or_default();
            return Err(Error::new(
                Kind::Damaged,
                format!("the feed {name} has come to entry {since}, and the archive to {newest}"),
            )
            .hint("is it an older copy? `--since-last` with another name begins a feed anew"));
        }
        sessions.retain(|it| it.generation > since);
        let mut masker = self.masking.masker(run, &archive, "export")?;
        let mut out =
            Out { form: self.format, bytes: Vec::new(), frames: Vec::new(), timeless: 0, rows: 0 };
        // Standard output is written as it comes; a file appears whole.
        let direct = target.is_none() && self.format != Form::Parquet;
        if self.what != What::Commands {
            out.sessions(&sessions)?;
            flush(run, &mut out, direct)?;
        }
        if self.what != What::Sessions {
            commands(run, &archive, &which, &sessions, since, &mut masker, &mut out, direct)?;
        }
        if let Some(frame) = out.frame(&self.what)? {
            let mut frame = frame;
            ParquetWriter::new(&mut out.bytes)
                .finish(&mut frame)
                .map_err(|it| Error::new(Kind::Damaged, it.to_string()))?;
        }
        match &target {
            Some(path) => super::report::write_whole(path, &out.bytes, self.force)?,
            None => run.ui.raw(&out.bytes)?,
        }
        run.ui.out.flush().map_err(|it| match it.kind() {
            std::io::ErrorKind::BrokenPipe => Error::new(Kind::Closed, "broken pipe"),
            _ => Error::new(Kind::Refused, format!("cannot write the output: {it}")),
        })?;
        let mut damages = archive.damages();
        if out.timeless > 0 {
            damages.push(crate::session::Skip {
                locator: render::plural(out.timeless, "record"),
                why: "no time at all is known, and OCSF cannot say so; --format jsonl has them"
                    .into(),
                loses: true,
            });
        }
        run.tell(&damages);
        masking::tell(run, &masker);
        let whole = !archive.damages().iter().any(|it| it.loses);
        if let Some(name) = &self.since_last {
            match whole {
                true => archive.set_watermark(name, newest)?,
                false => run
                    .ui
                    .note("note: the feed stays where it was: the next run exports the same again"),
            }
        }
        run.ui.note(&format!(
            "{} of {}",
            render::plural(out.rows, "record"),
            render::plural(sessions.len() as u64, "session")
        ));
        Ok(Answer::found(out.rows > 0 || self.since_last.is_some()).with(&damages))
    }
}

impl Export {
    /// Writes a cast of each session into a folder.
    fn casts(&self, run: &mut Run<'_, '_>) -> Result<Answer> {
        let Some(folder) = self.output.as_ref().filter(|_| self.since_last.is_none()) else {
            return Err(Error::misused("asciicasts are files of their own, and no feed")
                .hint("name a folder for them: -o casts"));
        };
        let folder = run.world.folder.join(folder);
        let which = self.filters.which(run.world.now, run.ui.zone)?;
        tell_window(run.ui, which.window);
        let archive = run.archive()?;
        let sessions = archive.sessions(&which)?;
        let mut masker = self.masking.masker(run, &archive, "export")?;
        std::fs::create_dir_all(&folder).map_err(|it| Error::file("write", &folder, it))?;
        let mut written = 0;
        for it in &sessions {
            if run.world.stop.load(std::sync::atomic::Ordering::Relaxed) {
                return Err(Error::new(Kind::Interrupted, "stopped")
                    .hint("the casts that were written are whole"));
            }
            let Some(bytes) = super::replay::cast_of(&archive, it, &mut masker)? else { continue };
            let path = folder.join(format!("{}.cast", super::replay::file_name(it)));
            super::report::write_whole(&path, &bytes, self.force)?;
            written += 1;
        }
        let damages = archive.damages();
        run.tell(&damages);
        run.ui.note(&format!(
            "{} of {}",
            render::plural(written, "cast"),
            render::plural(sessions.len() as u64, "session")
        ));
        Ok(Answer::found(written > 0).with(&damages))
    }
}

#[expect(clippy::too_many_arguments, reason = "one caller, and each is its own thing")]
fn commands(
    run: &mut Run<'_, '_>,
    archive: &Archive,
    which: &Which,
    sessions: &[SessionRow],
    since: i64,
    masker: &mut Masker,
    out: &mut Out,
    direct: bool,
) -> Result<()> {
    let times: std::collections::HashMap<&str, Option<i64>> =
        sessions.iter().map(|it| (it.session_key.as_str(), it.at.micros())).collect();
    let mut take = |mut rows: Vec<CommandRow>| -> Result<()> {
        rows.retain(|it| times.contains_key(it.session_key.as_str()));
        masking::commands(masker, &mut rows);
        for it in &rows {
            out.command(it, times[it.session_key.as_str()]);
        }
        if out.form == Form::Parquet {
            out.frames.push(rows_frame(&rows)?);
        }
        flush(run, out, direct)
    };
    if since > 0 && sessions.len() <= FEW {
        for it in sessions {
            let mut rows = archive.commands_of(it);
            rows.retain(|it| KINDS.contains(&it.kind.as_str()));
            take(rows)?;
        }
        return Ok(());
    }
    search::commands(archive, which, &Pattern::All, &KINDS, take)
}

fn flush(run: &mut Run<'_, '_>, out: &mut Out, direct: bool) -> Result<()> {
    if direct {
        run.ui.raw(&out.bytes)?;
        out.bytes.clear();
    }
    Ok(())
}

/// Columns that only the archive itself needs.
const INNER: [&str; 9] = [
    "session_key",
    "generation",
    "commands_at",
    "commands_rows",
    "lines_at",
    "lines_rows",
    "partition",
    "prompt",
    "evidence",
];

fn rows_frame(rows: &[CommandRow]) -> Result<DataFrame> {
    CommandRow::frame(rows)
        .map(|it| it.drop_many(INNER))
        .map_err(|it| Error::new(Kind::Damaged, it.to_string()))
}

fn session_frame(rows: &[SessionRow]) -> Result<DataFrame> {
    SessionRow::frame(rows)
        .map(|it| it.drop_many(INNER))
        .map_err(|it| Error::new(Kind::Damaged, it.to_string()))
}

struct Out {
    form: Form,
    bytes: Vec<u8>,
    frames: Vec<DataFrame>,
    /// Records without any time.
    timeless: u64,
    rows: u64,
}

impl Out {
    fn line(&mut self, value: Option<Value>) {
        match value {
            None => self.timeless += 1,
            Some(it) => {
                self.rows += 1;
                self.bytes.extend_from_slice(render::json(&it).as_bytes());
                self.bytes.push(b'\n');
            }
        }
    }

    fn sessions(&mut self, rows: &[SessionRow]) -> Result<()> {
        match self.form {
            Form::Jsonl => rows.iter().for_each(|it| self.line(Some(feed::session(it)))),
            Form::Ocsf => rows.iter().for_each(|it| self.line(feed::ocsf_session(it))),
            Form::Parquet => {
                self.frames.push(session_frame(rows)?);
                self.rows += rows.len() as u64;
            }
            Form::Asciicast => {}
        }
        Ok(())
    }

    fn command(&mut self, it: &CommandRow, at: Option<i64>) {
        match self.form {
            Form::Jsonl => self.line(Some(feed::command(it))),
            Form::Ocsf => self.line(feed::ocsf_command(it, at)),
            Form::Parquet => self.rows += 1,
            Form::Asciicast => {}
        }
    }

    /// All rows as one frame, if that is the form.
    fn frame(&mut self, what: &What) -> Result<Option<DataFrame>> {
        if self.form != Form::Parquet {
            return Ok(None);
        }
        let damaged = |it: PolarsError| Error::new(Kind::Damaged, it.to_string());
        let mut whole = match what {
            What::Sessions => session_frame(&[])?,
            _ => rows_frame(&[])?,
        };
        for it in self.frames.drain(..) {
            whole.vstack_mut(&it).map_err(damaged)?;
        }
        Ok(Some(whole))
    }
}
