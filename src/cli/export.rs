//! `export`: the archive as a feed for a SIEM.

use std::collections::HashMap;
use std::path::PathBuf;

use clap::Args;
use clap::ValueEnum;
use polars::prelude::*;
use serde_json::Value;

use super::answer::Answer;
use super::answer::Ending;
use super::filters::Filters;
use super::reader::Reader;
use super::replay;
use super::revealing;
use super::revealing::Revealing;
use super::revealing::Whose;
use super::world::Here;
use crate::archive::Archive;
use crate::archive::Which;
use crate::archive::private_folder;
use crate::archive::schema;
use crate::archive::schema::CommandRow;
use crate::archive::schema::Handling;
use crate::archive::schema::SessionRow;
use crate::archive::sides::Feed;
use crate::error::Error;
use crate::error::Kind;
use crate::error::Result;
use crate::masking;
use crate::output::Output;
use crate::output::Replace;
use crate::output::Target;
use crate::render::Ui;
use crate::render::batches::Batches;
use crate::render::feed;
use crate::search;
use crate::search::Pattern;
use crate::secrets::Masker;
use crate::session::Skip;
use crate::text;
use crate::text::safe;
use crate::time::At;
use crate::transcript::commands::CommandKind;
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
    revealing: Revealing,
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

impl Export {
    pub(super) fn run(self, reader: &Reader<'_>, ui: &mut Ui<'_>) -> Result<Answer> {
        if self.schema {
            ui.line(text::json_lines(&feed::schema()))?;
            return Ok(Answer::Yes);
        }
        let form = match self.format {
            RecordForm::Jsonl => Written::Lines(JSONL),
            RecordForm::Ocsf => Written::Lines(OCSF),
            RecordForm::Parquet => Written::Table(Box::new(self.empty_table()?)),
            RecordForm::Asciicast => return self.casts(reader, ui),
        };
        let target = self.target(reader.here, ui)?;
        reader.ask_for(&self.filters, ui, |archive, which, ui| {
            self.records(reader, ui, (archive, which), form, target)
        })
    }

    /// Writes records to a file or to standard output.
    fn records(
        &self,
        reader: &Reader<'_>,
        ui: &mut Ui<'_>,
        (archive, which): (&Archive, &Which),
        form: Written,
        target: Option<Target>,
    ) -> Result<Ending> {
        let mut sessions = archive.sessions(which)?;
        let newest = newest(archive)?;
        let feed = self.feed();
        let since = feed.as_ref().map_or(Ok(0), |it| come_to(archive, it, newest))?;
        sessions.retain(|it| it.generation > since);
        let mut masker = self.revealing.masker(reader, ui, archive, "export", Whose::Of(which))?;
        masking::sessions(&mut masker, &mut sessions);
        let to = target.map(|it| it.pour(reader.here.stop)).transpose()?;
        let mut out = Out { here: reader.here, form, to, timeless: 0, rows: 0 };
        if self.what != Exported::Commands {
            sessions.chunks(CHUNK).try_for_each(|it| out.sessions(ui, it))?;
        }
        if self.what != Exported::Sessions {
            if feed.is_some() {
                sessions.iter().try_for_each(|it| out.withdrawn(ui, it))?;
            }
            commands(ui, archive, which, &sessions, since, &mut masker, &mut out)?;
        }
        let (rows, timeless) = out.end(ui)?;
        ui.flush()?;
        let whole = !archive.damages().iter().any(|it| it.loses);
        let mut lost = Vec::new();
        if timeless > 0 {
            lost.push(Skip {
                locator: text::plural(timeless, "record").into(),
                why: "no time at all is known, and OCSF cannot say so; --format jsonl has them"
                    .into(),
                loses: true,
            });
        }
        revealing::tell(ui, &masker);
        match &feed {
            Some(it) if whole => archive.set_watermark(it, newest)?,
            Some(_) => {
                ui.note("note: the feed stays where it was: the next run exports the same again");
            }
            None => {}
        }
        ui.note(safe!(
            "{} of {}",
            text::plural(rows, "record"),
            text::plural(sessions.len() as u64, "session")
        ));
        Ok(Ending { lost, ..Ending::any(rows > 0 || feed.is_some()) })
    }

    /// Refuses what cannot be written, and looks at the file that is to be; there is none for standard output.
    fn target(&self, here: Here<'_>, ui: &Ui<'_>) -> Result<Option<Target>> {
        if self.format == RecordForm::Parquet && self.since_last.is_some() {
            return Err(Error::misused(
                "a feed names each record, and a Parquet file has no names",
            )
            .hint("--since-last goes with --format jsonl and --format ocsf"));
        }
        let file = self.output.as_ref().filter(|it| it.as_os_str() != "-");
        if self.format == RecordForm::Parquet && file.is_none() && ui.columns.is_some() {
            return Err(Error::misused("Parquet is binary and standard output is a terminal")
                .hint("write it to a file: -o commands.parquet"));
        }
        let look = |it: &PathBuf| {
            let replace = Replace::forced(self.force, "-o");
            Target::look(&here.folder.join(it), &it.to_string_lossy(), replace)
        };
        let target = file.map(look).transpose()?;
        if self.since_last.is_some() && self.filters != Filters::default() {
            // A feed stands at an entry of the archive: what a filter leaves out now would never come.
            return Err(Error::misused(
                "a feed is of all sessions: --since-last takes no filter and no window",
            )
            .hint("filter what reads the feed, or export without --since-last"));
        }
        Ok(target)
    }

    /// The one table that a Parquet file holds, before its first row.
    fn empty_table(&self) -> Result<Batches> {
        let frame = match self.what {
            Exported::Both => {
                return Err(Error::misused("a Parquet file holds one table")
                    .hint("say which: --what commands or --what sessions"));
            }
            Exported::Commands => CommandRow::frame(&[]),
            Exported::Sessions => SessionRow::frame(&[]),
        };
        Batches::new(&outer(frame)?)
    }

    /// The feed that this is a run of. What a feed leaves out has its own place.
    fn feed(&self) -> Option<Feed> {
        let rows = match self.what {
            Exported::Both => None,
            Exported::Commands => Some("commands"),
            Exported::Sessions => Some("sessions"),
        };
        self.since_last.clone().map(|name| Feed { name, rows })
    }

    /// Writes a cast of each session into a folder.
    fn casts(&self, reader: &Reader<'_>, ui: &mut Ui<'_>) -> Result<Answer> {
        let here = reader.here;
        let Some(folder) = self.output.as_ref().filter(|_| self.since_last.is_none()) else {
            return Err(Error::misused("asciicasts are files of their own, and no feed")
                .hint("name a folder for them: -o casts"));
        };
        let folder = here.folder.join(folder);
        reader.ask_for(&self.filters, ui, |archive, which, ui| {
            let mut sessions = archive.sessions(which)?;
            let mut masker =
                self.revealing.masker(reader, ui, archive, "export", Whose::Of(which))?;
            sessions.iter_mut().for_each(|it| masking::names(&mut masker, it));
            private_folder(&folder).map_err(|it| Error::file("write", &folder, it))?;
            let mut written = 0;
            for it in &sessions {
                here.unless_stopped("stopped")
                    .map_err(|it| it.hint("the casts that were written are whole"))?;
                let Some(bytes) = replay::cast_of(archive, it, &mut masker)? else { continue };
                let path = folder.join(format!("{}.cast", replay::file_name(it)));
                Target::look(&path, &here.shown(&path), Replace::forced(self.force, "-o"))?
                    .write(&bytes, here.stop)?;
                written += 1;
            }
            ui.note(safe!(
                "{} of {}",
                text::plural(written, "cast"),
                text::plural(sessions.len() as u64, "session")
            ));
            revealing::tell(ui, &masker);
            Ok(Ending::any(written > 0))
        })
    }
}

/// The generation that a feed has come to.
fn come_to(archive: &Archive, feed: &Feed, newest: i64) -> Result<i64> {
    let since = archive.watermark(feed)?;
    if since <= newest {
        return Ok(since);
    }
    let why =
        format!("the feed {} has come to entry {since}, and the archive to {newest}", feed.name);
    Err(Error::new(Kind::Damaged, why)
        .hint("is it an older copy? `--since-last` with another name begins a feed anew"))
}

/// The newest generation. A file that is damaged in other columns still tells it.
fn newest(archive: &Archive) -> Result<i64> {
    let columns = ["session_key", "generation"];
    let newest = archive.scan(&schema::SESSIONS, Some(&columns))?.select([col("generation").max()]);
    let frame = archive.guarded(|| newest.collect())?;
    Ok(frame.column("generation")?.i64()?.get(0).unwrap_or_default())
}

fn commands(
    ui: &mut Ui<'_>,
    archive: &Archive,
    which: &Which,
    sessions: &[SessionRow],
    since: i64,
    masker: &mut Masker,
    out: &mut Out<'_>,
) -> Result<()> {
    let times: HashMap<&str, Option<At>> =
        sessions.iter().map(|it| (it.session_key.as_str(), it.at)).collect();
    let fingerprint = if masker.reveals() { uid::fingerprint } else { uid::of_masked };
    let mut names = Names::default();
    let mut take = |mut rows: Vec<CommandRow>| -> Result<()> {
        rows.retain(|it| times.contains_key(it.session_key.as_str()));
        masking::commands(masker, &mut rows);
        // Names count what came before, whatever window was asked for.
        let named = rows.into_iter().map(|it| {
            let uid = names.next(&it.session_key, fingerprint(&it.command));
            (it, uid)
        });
        let (rows, uids): (Vec<CommandRow>, Vec<String>) =
            named.filter(|it| search::may_lie_in(which.window, &it.0)).unzip();
        out.commands(ui, &rows, &uids, |it| times.get(it.session_key.as_str()).copied().flatten())
    };
    if since > 0 && sessions.len() <= FEW {
        for it in sessions {
            search::commands_of(archive, it, &CommandKind::TYPED, &mut take)?;
        }
        return Ok(());
    }
    search::whole_commands(archive, which, &Pattern::All, &CommandKind::TYPED, take)
}

/// A table as others get it.
fn outer(frame: PolarsResult<DataFrame>) -> Result<DataFrame> {
    let inner = [schema::SESSIONS, schema::COMMANDS].map(|it| it.handled(Handling::Inner)).concat();
    frame.map(|it| it.drop_many(inner)).map_err(|it| Error::new(Kind::Damaged, it.to_string()))
}

/// What a row is written as.
enum Written {
    Lines(Records),
    Table(Box<Batches>),
}

/// Records of one kind: `None` where they cannot say it, for want of any time.
struct Records {
    session: fn(&SessionRow) -> Option<Value>,
    /// A command, its name, and the time of its session.
    command: fn(&CommandRow, &str, Option<At>) -> Option<Value>,
    /// A session, and the name of the command that a reader of the feed has and is to forget.
    withdrawn: fn(&SessionRow, &str) -> Option<Value>,
}

const JSONL: Records = Records {
    session: |it| Some(feed::session(it)),
    command: |it, uid, _| Some(feed::command(it, uid)),
    withdrawn: |it, uid| Some(feed::withdrawn(it, uid)),
};

const OCSF: Records = Records {
    session: feed::ocsf_session,
    command: feed::ocsf_command,
    withdrawn: feed::ocsf_withdrawn,
};

/// Where records go as they come: nothing waits for the end of all.
struct Out<'a> {
    here: Here<'a>,
    form: Written,
    /// Standard output if there is none.
    to: Option<Output>,
    /// Records without any time.
    timeless: u64,
    rows: u64,
}

impl Out<'_> {
    fn sessions(&mut self, ui: &mut Ui<'_>, rows: &[SessionRow]) -> Result<()> {
        match &self.form {
            Written::Lines(Records { session, .. }) => {
                let records = rows.iter().map(*session);
                self.lines(ui, records)
            }
            Written::Table(_) => self.table(ui, SessionRow::frame(rows)),
        }
    }

    fn commands(
        &mut self,
        ui: &mut Ui<'_>,
        rows: &[CommandRow],
        uids: &[String],
        at: impl Fn(&CommandRow) -> Option<At>,
    ) -> Result<()> {
        match &self.form {
            Written::Lines(Records { command, .. }) => {
                let command = *command;
                let records = rows.iter().zip(uids).map(|(it, uid)| command(it, uid, at(it)));
                self.lines(ui, records)
            }
            Written::Table(_) => self.table(ui, CommandRow::frame(rows)),
        }
    }

    fn withdrawn(&mut self, ui: &mut Ui<'_>, it: &SessionRow) -> Result<()> {
        let Written::Lines(Records { withdrawn, .. }) = &self.form else { return Ok(()) };
        let withdrawn = *withdrawn;
        self.lines(ui, it.withdrawn.iter().map(|uid| withdrawn(it, uid)))
    }

    fn lines(
        &mut self,
        ui: &mut Ui<'_>,
        records: impl Iterator<Item = Option<Value>>,
    ) -> Result<()> {
        self.here.unless_stopped("stopped")?;
        for record in records {
            let Some(record) = record else {
                self.timeless += 1;
                continue;
            };
            self.rows += 1;
            put(&mut self.to, ui, safe!("{}\n", text::json(&record)).as_bytes())?;
        }
        Ok(())
    }

    fn table(&mut self, ui: &mut Ui<'_>, frame: PolarsResult<DataFrame>) -> Result<()> {
        self.here.unless_stopped("stopped")?;
        let Written::Table(batches) = &mut self.form else { return Ok(()) };
        let frame = outer(frame)?;
        self.rows += frame.height() as u64;
        batches.push(&frame, |it| put(&mut self.to, ui, it))
    }

    /// Ends the output; a file appears. How many records it holds, and how many have no time.
    fn end(mut self, ui: &mut Ui<'_>) -> Result<(u64, u64)> {
        if let Written::Table(it) = self.form {
            it.finish(|it| put(&mut self.to, ui, it))?;
        }
        self.to.map_or(Ok(()), |it| it.whole()?.appear())?;
        Ok((self.rows, self.timeless))
    }
}

fn put(to: &mut Option<Output>, ui: &mut Ui<'_>, bytes: &[u8]) -> Result<()> {
    match to {
        Some(it) => it.put(bytes),
        None => ui.bytes(bytes),
    }
}
