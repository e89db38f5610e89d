//! `export`: the archive as a feed for a SIEM.

use std::path::PathBuf;

use clap::Args;
use clap::ValueEnum;
use polars::prelude::*;
use serde_json::Value;

use super::answer::Answer;
use super::filters::Filters;
use super::filters::tell_owners;
use super::filters::tell_window;
use super::masking;
use super::masking::Masking;
use super::masking::Shown;
use super::output::Output;
use super::output::Replace;
use super::output::Target;
use super::run::Run;
use crate::archive::Archive;
use crate::archive::Which;
use crate::archive::private_folder;
use crate::archive::schema;
use crate::archive::schema::CommandRow;
use crate::archive::schema::SessionRow;
use crate::archive::sides::Feed;
use crate::error::Error;
use crate::error::Kind;
use crate::error::Result;
use crate::render::Ui;
use crate::render::batches::Batches;
use crate::render::feed;
use crate::search;
use crate::search::Pattern;
use crate::secrets::Masker;
use crate::text;
use crate::text::safe;
use crate::uid;
use crate::uid::Names;

const EXAMPLES: &str = "\
Examples:
  ssmtrail export > all.jsonl
  ssmtrail export --format ocsf --since-last >> feed.jsonl     in a cron job: what is new since it last ran
  ssmtrail export --what commands --format parquet -o commands.parquet
  ssmtrail export --owner alice --format asciicast -o casts    a file for each session, which asciinema plays
  ssmtrail export --schema                                     the JSON Schema of the records

With --since-last the archive remembers how far the feed has come, by its name, once all was written. A session that grew or was read
again comes again as a whole. Keep the last record of each uid: a command that a better reading no longer finds comes as a record
of schema ssmtrail.withdrawn/1 under its uid. What could not be read is told, exit 3, and comes with the next run that can read it.";

#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(super) struct Export {
    #[command(flatten)]
    filters: Filters,

    /// Which rows
    #[arg(long, value_name = "ROWS", default_value = "both")]
    what: Exported,

    /// Form of the records
    #[arg(long, value_name = "FORMAT", default_value = "jsonl")]
    format: RecordForm,

    /// Only what is new since the last run of the feed of this name
    #[arg(long, value_name = "NAME", num_args = 0..=1, require_equals = true, default_missing_value = "default")]
    since_last: Option<String>,

    /// File to write, whole or not at all; a pipe or device gets it as it comes [default: standard output]
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
enum Exported {
    Both,
    Commands,
    Sessions,
}

#[derive(Clone, Copy, Debug, ValueEnum, PartialEq, Eq)]
enum RecordForm {
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

/// Sessions of one batch.
const CHUNK: usize = 1000;
const KINDS: [&str; 4] = crate::transcript::commands::Kind::TYPED;

impl Export {
    pub(super) fn run(self, run: &mut Run<'_, '_>) -> Result<Answer> {
        if self.schema {
            run.ui.line(text::json_lines(&feed::schema()))?;
            return Ok(Answer::Yes);
        }
        if self.format == RecordForm::Asciicast {
            return self.casts(run);
        }
        if self.format == RecordForm::Parquet && self.what == Exported::Both {
            return Err(Error::misused("a Parquet file holds one table")
                .hint("say which: --what commands or --what sessions"));
        }
        if self.format == RecordForm::Parquet && self.since_last.is_some() {
            return Err(Error::misused(
                "a feed names each record, and a Parquet file has no names",
            )
            .hint("--since-last goes with --format jsonl and --format ocsf"));
        }
        let to_output = self.output.as_ref().is_none_or(|it| it.as_os_str() == "-");
        if self.format == RecordForm::Parquet && to_output && run.world.columns.is_some() {
            return Err(Error::misused("Parquet is binary and standard output is a terminal")
                .hint("write it to a file: -o commands.parquet"));
        }
        let look = |it: &PathBuf| {
            let replace = Replace::forced(self.force, "-o");
            Target::look(&run.world.folder.join(it), &it.to_string_lossy(), replace)
        };
        let target = self.output.as_ref().filter(|_| !to_output).map(look).transpose()?;
        let which = self.filters.which(run.world.now, run.ui.zone)?;
        if self.since_last.is_some() && !which.is_all() {
            // A feed stands at an entry of the archive: what a filter leaves out now would never come.
            return Err(Error::misused(
                "a feed is of all sessions: --since-last takes no filter and no window",
            )
            .hint("filter what reads the feed, or export without --since-last"));
        }
        tell_window(run.ui, which.window);
        let archive = run.archive()?;
        tell_owners(run.ui, &archive, &which)?;
        let mut sessions = archive.sessions(&which)?;
        let newest = newest(&archive)?;
        // What a feed leaves out has its own place.
        let feed = self.since_last.as_ref().map(|name| match self.what {
            Exported::Both => Feed { name: name.clone(), rows: None },
            Exported::Commands => Feed { name: name.clone(), rows: Some("commands") },
            Exported::Sessions => Feed { name: name.clone(), rows: Some("sessions") },
        });
        let since = match &feed {
            Some(it) => archive.watermark(it)?,
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
        let mut masker = self.masking.masker(run, &archive, "export", Shown::Of(&which))?;
        crate::masking::sessions(&mut masker, &mut sessions);
        let to = target.map(|it| it.pour(run.world.stop)).transpose()?;
        let mut out = Out { form: self.format, to, batches: None, timeless: 0, rows: 0 };
        if self.what != Exported::Commands {
            for rows in sessions.chunks(CHUNK) {
                stopped(run)?;
                out.sessions(run.ui, rows)?;
            }
        }
        if self.what != Exported::Sessions {
            if self.since_last.is_some() {
                sessions.iter().try_for_each(|it| out.withdrawn(run.ui, it))?;
            }
            commands(run, &archive, &which, &sessions, since, &mut masker, &mut out)?;
        }
        out.end(run.ui, self.what)?;
        run.ui.flush()?;
        let mut damages = archive.damages();
        if out.timeless > 0 {
            damages.push(crate::session::Skip {
                locator: text::plural(out.timeless, "record").into(),
                why: "no time at all is known, and OCSF cannot say so; --format jsonl has them"
                    .into(),
                loses: true,
            });
        }
        run.tell(&damages);
        masking::tell(run, &masker);
        let whole = !archive.damages().iter().any(|it| it.loses);
        if let Some(it) = &feed {
            match whole {
                true => archive.set_watermark(it, newest)?,
                false => run
                    .ui
                    .note("note: the feed stays where it was: the next run exports the same again"),
            }
        }
        run.ui.note(safe!(
            "{} of {}",
            text::plural(out.rows, "record"),
            text::plural(sessions.len() as u64, "session")
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
        tell_owners(run.ui, &archive, &which)?;
        let mut sessions = archive.sessions(&which)?;
        let mut masker = self.masking.masker(run, &archive, "export", Shown::Of(&which))?;
        sessions.iter_mut().for_each(|it| crate::masking::names(&mut masker, it));
        private_folder(&folder).map_err(|it| Error::file("write", &folder, it))?;
        let mut written = 0;
        for it in &sessions {
            stopped(run).map_err(|it| it.hint("the casts that were written are whole"))?;
            let Some(bytes) = super::replay::cast_of(&archive, it, &mut masker)? else { continue };
            let path = folder.join(format!("{}.cast", super::replay::file_name(it)));
            let name = path.strip_prefix(&run.world.folder).unwrap_or(&path).to_string_lossy();
            Target::look(&path, &name, Replace::forced(self.force, "-o"))?
                .write(&bytes, run.world.stop)?;
            written += 1;
        }
        let damages = archive.damages();
        run.tell(&damages);
        run.ui.note(safe!(
            "{} of {}",
            text::plural(written, "cast"),
            text::plural(sessions.len() as u64, "session")
        ));
        Ok(Answer::found(written > 0).with(&damages))
    }
}

fn stopped(run: &Run<'_, '_>) -> Result<()> {
    match run.world.stop.load(std::sync::atomic::Ordering::Relaxed) {
        true => Err(Error::new(Kind::Interrupted, "stopped")),
        false => Ok(()),
    }
}

/// The newest generation that any session has.
fn newest(archive: &Archive) -> Result<i64> {
    let newest = || -> PolarsResult<Option<i64>> {
        let columns = ["session_key", "generation"];
        let newest =
            archive.scan(&schema::SESSIONS, Some(&columns))?.select([col("generation").max()]);
        let frame = archive.guarded(|| newest.collect())?;
        Ok(frame.column("generation")?.i64()?.get(0))
    };
    newest().map(Option::unwrap_or_default).map_err(|it| {
        Error::new(Kind::Damaged, format!("the archive cannot be read: {it}"))
            .hint("`ssmtrail archive verify` says which file is damaged")
    })
}

fn commands(
    run: &mut Run<'_, '_>,
    archive: &Archive,
    which: &Which,
    sessions: &[SessionRow],
    since: i64,
    masker: &mut Masker,
    out: &mut Out,
) -> Result<()> {
    let times: std::collections::HashMap<&str, Option<i64>> =
        sessions.iter().map(|it| (it.session_key.as_str(), it.at.micros())).collect();
    let mut names = Names::default();
    let mut take = |mut rows: Vec<CommandRow>| -> Result<()> {
        stopped(run)?;
        rows.retain(|it| times.contains_key(it.session_key.as_str()));
        let shown: Option<Vec<u64>> =
            masker.reveals().then(|| rows.iter().map(|it| uid::fingerprint(&it.command)).collect());
        crate::masking::commands(masker, &mut rows);
        // Names count what came before, whatever window was asked for.
        let mut uids: Vec<String> = Vec::with_capacity(rows.len());
        for (nth, it) in rows.iter().enumerate() {
            let text = match &shown {
                Some(shown) => shown[nth],
                None => uid::of_masked(&it.command),
            };
            uids.push(names.next(&it.session_key, text));
        }
        let (rows, uids): (Vec<CommandRow>, Vec<String>) =
            rows.into_iter().zip(uids).filter(|it| search::may_lie_in(which.window, &it.0)).unzip();
        out.commands(run.ui, &rows, &uids, |it| {
            times.get(it.session_key.as_str()).copied().flatten()
        })
    };
    if since > 0 && sessions.len() <= FEW {
        for it in sessions {
            search::commands_of(archive, it, &KINDS, &mut take)?;
        }
        return Ok(());
    }
    search::whole_commands(archive, which, &Pattern::All, &KINDS, take)
}

/// Columns that only the archive itself needs.
const INNER: [&str; 10] = [
    "session_key",
    "withdrawn",
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

/// Where records go as they come: nothing waits for the end of all.
struct Out {
    form: RecordForm,
    /// Standard output if there is none.
    to: Option<Output>,
    batches: Option<Batches>,
    /// Records without any time.
    timeless: u64,
    rows: u64,
}

impl Out {
    fn line(&mut self, ui: &mut Ui<'_>, value: Option<Value>) -> Result<()> {
        let Some(value) = value else {
            self.timeless += 1;
            return Ok(());
        };
        self.rows += 1;
        put(&mut self.to, ui, safe!("{}\n", text::json(&value)).as_bytes())
    }

    fn table(&mut self, ui: &mut Ui<'_>, frame: &DataFrame) -> Result<()> {
        self.rows += frame.height() as u64;
        let batches = match &mut self.batches {
            Some(it) => it,
            none => none.insert(Batches::new(&frame.clear())?),
        };
        batches.push(frame, |it| put(&mut self.to, ui, it))
    }

    fn sessions(&mut self, ui: &mut Ui<'_>, rows: &[SessionRow]) -> Result<()> {
        match self.form {
            RecordForm::Jsonl => {
                rows.iter().try_for_each(|it| self.line(ui, Some(feed::session(it))))
            }
            RecordForm::Ocsf => {
                rows.iter().try_for_each(|it| self.line(ui, feed::ocsf_session(it)))
            }
            RecordForm::Parquet => self.table(ui, &session_frame(rows)?),
            RecordForm::Asciicast => Ok(()),
        }
    }

    fn commands(
        &mut self,
        ui: &mut Ui<'_>,
        rows: &[CommandRow],
        uids: &[String],
        at: impl Fn(&CommandRow) -> Option<i64>,
    ) -> Result<()> {
        match self.form {
            RecordForm::Jsonl => {
                let mut named = rows.iter().zip(uids);
                named.try_for_each(|(it, uid)| self.line(ui, Some(feed::command(it, uid))))
            }
            RecordForm::Ocsf => {
                let mut named = rows.iter().zip(uids);
                named.try_for_each(|(it, uid)| self.line(ui, feed::ocsf_command(it, uid, at(it))))
            }
            RecordForm::Parquet => self.table(ui, &rows_frame(rows)?),
            RecordForm::Asciicast => Ok(()),
        }
    }

    /// What a reader of the feed has and is to forget.
    fn withdrawn(&mut self, ui: &mut Ui<'_>, it: &SessionRow) -> Result<()> {
        let uids = it.withdrawn.iter().flat_map(|it| it.split('+'));
        for uid in uids.filter(|it| !it.is_empty()) {
            match self.form {
                RecordForm::Jsonl => self.line(ui, Some(feed::withdrawn(it, uid)))?,
                RecordForm::Ocsf => self.line(ui, feed::ocsf_withdrawn(it, uid))?,
                RecordForm::Parquet | RecordForm::Asciicast => {}
            }
        }
        Ok(())
    }

    /// Ends the output; a file appears.
    fn end(&mut self, ui: &mut Ui<'_>, what: Exported) -> Result<()> {
        if self.form == RecordForm::Parquet {
            let batches = match (self.batches.take(), what) {
                (Some(it), _) => it,
                (None, Exported::Sessions) => Batches::new(&session_frame(&[])?)?,
                (None, _) => Batches::new(&rows_frame(&[])?)?,
            };
            batches.finish(|it| put(&mut self.to, ui, it))?;
        }
        self.to.take().map_or(Ok(()), |it| it.whole()?.appear())
    }
}

fn put(to: &mut Option<Output>, ui: &mut Ui<'_>, bytes: &[u8]) -> Result<()> {
    match to {
        Some(it) => it.put(bytes),
        None => ui.bytes(bytes),
    }
}
