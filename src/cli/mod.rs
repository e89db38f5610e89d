//! The only room that knows the command line: what can be asked, and which answer is which exit code.
//!
//! A command is one file: its arguments, whose doc comments are its help, and one function. Arguments die here;
//! rooms further in get what they need and nothing else.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;

use clap::Args;
use clap::CommandFactory;
use clap::Parser;
use clap::Subcommand;
use clap::ValueEnum;

use crate::archive::Archive;
use crate::archive::Which;
use crate::archive::schema::SessionRow;
use crate::config::Access;
use crate::config::Config;
use crate::config::Origin;
use crate::config::Place;
use crate::config::Told;
use crate::error::Error;
use crate::error::Result;
use crate::render::Color;
use crate::render::Format;
use crate::render::Ui;
use crate::secrets::Masker;
use crate::session::Skip;
use crate::session::Window;
use crate::session::is_owner;
use crate::session::short_owner;
use crate::text;
use crate::time;
use crate::time::Zone;

mod archive;
mod asking;
mod config;
mod demo;
mod doctor;
mod evidence;
mod export;
mod init;
mod masking;
mod output;
mod policy;
mod progress;
mod query;
mod reach;
mod replay;
mod report;
mod search;
mod sessions;
mod show;
mod sync;
mod verify;

/// The exit code. One list for all commands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// 0: found, clean, complete.
    Yes,
    /// 1: nothing found, a check failed, a broken archive.
    No,
    /// 2: the question could not be answered.
    Failed,
    /// 3: answered from part of the evidence.
    Partial,
}

impl Answer {
    pub fn code(self) -> u8 {
        match self {
            Self::Yes => 0,
            Self::No => 1,
            Self::Failed => 2,
            Self::Partial => 3,
        }
    }

    fn found(any: bool) -> Self {
        if any { Self::Yes } else { Self::No }
    }

    /// The answer when part of the evidence was unreadable: a definite no stays one.
    fn with(self, damages: &[Skip]) -> Self {
        match self {
            Self::Yes if damages.iter().any(|it| it.loses) => Self::Partial,
            Self::No if damages.iter().any(|it| it.loses) => Self::Partial,
            it => it,
        }
    }
}

const EXIT_CODES: &str = "\
Exit codes:
  0  yes: found, clean, complete
  1  no: nothing found, a check failed, a broken archive
  2  could not: wrong usage, nothing to read, the system refused
  3  answered from part of the evidence: something was unreadable";

/// Who ran what over AWS Session Manager: an archive of session transcripts that can be searched.
#[derive(Parser, Debug)]
#[command(name = "ssmtrail", version, after_help = EXIT_CODES, max_term_width = 100)]
#[command(disable_help_subcommand = true, arg_required_else_help = true)]
pub struct Cli {
    #[command(subcommand)]
    command: Verb,

    /// Folder of the archive [default: ssmtrail in the user's data folder]
    #[arg(
        long,
        global = true,
        value_name = "DIR",
        env = "SSMTRAIL_ARCHIVE",
        hide_env_values = true
    )]
    archive: Option<PathBuf>,

    /// Configuration file [default: ssmtrail.toml here, else in the user's configuration folder]
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        env = "SSMTRAIL_CONFIG",
        hide_env_values = true
    )]
    config: Option<PathBuf>,

    /// Colour the output
    #[arg(
        long,
        global = true,
        value_name = "WHEN",
        default_value = "auto",
        hide_possible_values = false
    )]
    color: ColorWhen,

    /// Zone to show times in and to read dates in: utc, +09:00, Asia/Tokyo
    #[arg(long, global = true, value_name = "ZONE", default_value = "utc")]
    tz: Zone,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum ColorWhen {
    Auto,
    Always,
    Never,
}

#[derive(Subcommand, Debug)]
enum Verb {
    /// See the whole tool at work on transcripts that ship with it
    Demo(demo::Demo),
    /// Find the sources in AWS, and write ssmtrail.toml
    Init(init::Init),
    /// Bring what is missing from the sources into the archive
    Sync(sync::Sync),
    /// List sessions by owner, target and time
    Sessions(sessions::Sessions),
    /// Find who ran a command, or what a session showed
    Search(search::Search),
    /// Show one session: its text, its commands, its bytes
    Show(show::Show),
    /// Write one audit report: a page, and the same facts for spreadsheets and programs
    Report(report::Report),
    /// Prove that a package of evidence is whole and unchanged
    VerifyEvidence(evidence::VerifyEvidence),
    /// Play a session again, safely
    Replay(replay::Replay),
    /// Write commands and sessions as a feed for a SIEM: JSON lines, OCSF, Parquet
    Export(export::Export),
    /// Ask a saved question, or any SQL
    Query(query::Query),
    /// Check the retention and encryption of the places sessions are logged to
    Verify(verify::Verify),
    /// Print policies for the nodes' role, the auditor, the keys, the buckets and those who start sessions
    Policy(policy::PolicyArgs),
    /// Say why a source cannot be read, and why sessions are refused, unlogged or impossible
    Doctor(doctor::Doctor),
    /// Print the configuration in force, and where each setting was said
    Config(config::ConfigArgs),
    /// Check, describe and rebuild the archive
    Archive(archive::ArchiveArgs),
    /// Print completions for a shell
    #[command(
        after_help = "Example:\n  ssmtrail completions bash > ~/.local/share/bash-completion/completions/ssmtrail"
    )]
    Completions {
        /// Which shell
        shell: clap_complete::Shell,
    },
    /// Print the manual page
    #[command(after_help = "Example:\n  ssmtrail man | man -l -")]
    Man,
}

/// Who runs this, by the operating system's word.
#[derive(Clone, Debug, Default)]
pub struct User {
    pub name: Option<String>,
    pub uid: Option<u32>,
    /// Who logged in, whoever they became since ("pam_loginuid(8)"); Linux alone knows.
    pub login_uid: Option<u32>,
}

/// What surrounds a run, told from outside: `main` reads the world once.
pub struct World<'a> {
    /// Now, UTC microseconds.
    pub now: i64,
    pub no_color: bool,
    /// Columns of the terminal that standard output is, if it is one.
    pub columns: Option<usize>,
    /// Standard error is a terminal: progress may be shown.
    pub progress: bool,
    pub stop: &'a AtomicBool,
    pub data_home: Option<PathBuf>,
    pub config_home: Option<PathBuf>,
    /// The working folder.
    pub folder: PathBuf,
    /// Variables whose names begin with `AWS_` or `SSMTRAIL_`.
    pub environment: BTreeMap<String, String>,
    pub user: User,
    /// The command line, as it was given.
    pub arguments: Vec<String>,
}

/// What every command gets.
struct Run<'a, 'b> {
    ui: &'a mut Ui<'b>,
    world: &'a World<'a>,
    /// The archive as the arguments or the environment name it.
    root: Option<PathBuf>,
    /// The configuration file as they name it.
    config_path: Option<PathBuf>,
    config: Option<(PathBuf, Config)>,
}

impl Run<'_, '_> {
    fn root(&mut self) -> Result<PathBuf> {
        if let Some(it) = &self.root {
            return Ok(it.clone());
        }
        if let Some(it) = self.config()?.archive {
            return Ok(it.value.into());
        }
        self.world.data_home.as_ref().map(|it| it.join("ssmtrail")).ok_or_else(|| {
            Error::misused("there is no folder for the archive").hint("name one with --archive DIR")
        })
    }

    /// Where the configuration is, or would be if it were written.
    fn config_place(&self) -> PathBuf {
        if let Some(it) = &self.config_path {
            return it.clone();
        }
        let here = self.world.folder.join(crate::config::NAME);
        let home =
            self.world.config_home.as_ref().map(|it| it.join("ssmtrail").join(crate::config::NAME));
        match home {
            Some(home) if !here.exists() && home.exists() => home,
            _ => here,
        }
    }

    /// Name of the configuration that is in force because it lies in the working folder, and for no other reason.
    fn config_of_folder(&self) -> Option<String> {
        let here = self.world.folder.join(crate::config::NAME);
        let by_chance = self.config_path.is_none() && here.exists();
        by_chance.then(|| crate::config::NAME.to_owned())
    }

    /// The configuration; empty where there is none. Paths in it are relative to its own folder.
    fn config(&mut self) -> Result<Config> {
        if let Some((_, it)) = &self.config {
            return Ok(it.clone());
        }
        let path = self.config_place();
        let name = path.file_name().map_or(crate::config::NAME.into(), |it| it.to_string_lossy());
        let mut config = match std::fs::read_to_string(&path) {
            Ok(text) => Config::read(&text, &name)?,
            Err(it) if it.kind() == std::io::ErrorKind::NotFound && self.config_path.is_none() => {
                Config::default()
            }
            Err(it) => return Err(Error::file("read", &path, it)),
        };
        let folder = path.parent().unwrap_or(&path).to_owned();
        if let Some(it) = &mut config.archive {
            it.value = folder.join(&it.value).to_string_lossy().into_owned();
        }
        for it in &mut config.sources {
            if let Place::Folder(path) = &mut it.place {
                *path = folder.join(&*path);
            }
        }
        self.config = Some((path, config.clone()));
        Ok(config)
    }

    /// What the environment says of the way to AWS.
    fn environment(&self) -> Access {
        let told = |names: &[&'static str]| {
            names.iter().find_map(|name| {
                let value = self.world.environment.get(*name).filter(|it| !it.is_empty())?;
                Some(Told { value: value.clone(), from: Origin::Environment(name) })
            })
        };
        Access {
            profile: told(&["AWS_PROFILE"]),
            region: told(&["AWS_REGION", "AWS_DEFAULT_REGION"]),
            endpoint_url: told(&["AWS_ENDPOINT_URL"]),
            ..Access::default()
        }
    }

    fn archive(&mut self) -> Result<Archive> {
        Archive::open(&self.root()?)
    }

    /// The archive, or one that nobody has made yet.
    fn archive_if_any(&mut self) -> Result<Archive> {
        match self.archive() {
            Err(it) if it.kind == crate::error::Kind::Missing => Ok(Archive::none(&self.root()?)),
            it => it,
        }
    }

    /// Tells what was unreadable, so that no gap is silent.
    fn tell(&mut self, damages: &[Skip]) {
        // A manifest that is gone leaves every file without a name: the first say enough.
        const SHOWN: usize = 10;
        let more = damages.len().saturating_sub(SHOWN);
        for it in damages.iter().take(SHOWN) {
            let (place, why) = (text::visible(&it.locator), text::visible(&it.why));
            let text = format!("unreadable: {place}: {why}");
            self.ui.note(&text);
        }
        if more > 0 {
            let text = format!("unreadable: {} more", text::count(more as u64));
            self.ui.note(&text);
        }
        if damages.iter().any(|it| it.loses) {
            self.ui.note(
                "hint: the answer is from what could be read; `ssmtrail archive verify` says more",
            );
        }
    }
}

/// Filters that many commands share.
#[derive(Args, Debug, Clone, Default)]
struct Filters {
    /// Sessions of this owner: an IAM user, a role session name, an e-mail address or an ARN (repeatable)
    #[arg(long, value_name = "NAME", help_heading = "Which sessions")]
    owner: Vec<String>,
    /// Sessions whose owner's ARN contains this (repeatable)
    #[arg(long, value_name = "TEXT", help_heading = "Which sessions")]
    owner_contains: Vec<String>,
    /// Sessions whose target contains this (repeatable)
    #[arg(long, value_name = "TEXT", help_heading = "Which sessions")]
    target: Vec<String>,
    /// Sessions whose id contains this (repeatable)
    #[arg(long, value_name = "ID", help_heading = "Which sessions")]
    session: Vec<String>,
    /// Sessions that began as this operating-system user
    #[arg(long, value_name = "USER", help_heading = "Which sessions")]
    run_as: Vec<String>,
    /// Sessions of the last while: 90m, 12h, 7d, 4w
    #[arg(long, value_name = "AGE", conflicts_with = "from", help_heading = "Which sessions")]
    since: Option<String>,
    /// Sessions on or after this: 2026-11-01, 2026-11-01T09:00:00Z
    #[arg(long, value_name = "TIME", help_heading = "Which sessions")]
    from: Option<String>,
    /// Sessions before this
    #[arg(long, value_name = "TIME", help_heading = "Which sessions")]
    to: Option<String>,
}

impl Filters {
    fn which(&self, now: i64, zone: Zone) -> Result<Which> {
        let read = |text: &Option<String>| {
            text.as_deref().map(|it| time::instant(it, now, zone)).transpose()
        };
        let since = self.since.as_deref().map(|it| time::age(it, now)).transpose()?;
        let window = Window { from: since.or(read(&self.from)?), to: read(&self.to)? };
        if let (Some(from), Some(to)) = (window.from, window.to)
            && from >= to
        {
            return Err(Error::misused("--from is not before --to, so nothing can lie between"));
        }
        Ok(Which {
            owners: self.owner.clone(),
            owners_containing: self.owner_contains.clone(),
            targets: self.target.clone(),
            sessions: self.session.clone(),
            run_as: self.run_as.clone(),
            window,
        })
    }
}

/// Says which window is in force, where one was asked for.
fn tell_window(ui: &mut Ui<'_>, window: Window) {
    if window.is_open() {
        return;
    }
    let show = |it: Option<i64>, otherwise: &str| {
        it.map_or_else(|| otherwise.to_owned(), |it| ui.zone.show(it))
    };
    let text =
        format!("window: {} to {}", show(window.from, "the beginning"), show(window.to, "now"));
    ui.note(&text);
}

/// Says how many sessions are in a window only because they may have begun before their end, which is all that is known.
fn tell_edge(ui: &mut Ui<'_>, sessions: &[SessionRow], window: Window) {
    let Some(to) = window.to else { return };
    let may = |it: &&SessionRow| {
        let claimed = it.ended_at.micros().filter(|_| !it.flaws.contains("clock"));
        let end = claimed.or(it.at.micros());
        it.first_event_at.micros().is_none() && end.is_some_and(|end| end >= to)
    };
    let many = sessions.iter().filter(may).count() as u64;
    if many > 0 {
        let sessions = text::plural(many, "session");
        ui.note(&format!(
            "note: {sessions} ended after the window and may have begun in it, at most 24 hours before; only the end is known"
        ));
    }
}

/// Says whom an owner filter matched, so that nobody takes a name for the person that was meant; and where it matched nobody,
/// which names come near.
fn tell_owners(ui: &mut Ui<'_>, archive: &Archive, which: &Which) -> Result<()> {
    const SHOWN: usize = 5;
    if which.owners.is_empty() && which.owners_containing.is_empty() {
        return Ok(());
    }
    let mut all: Vec<String> = archive.owners()?;
    let mut masker = Masker::new(archive.salt());
    all.iter_mut().for_each(|it| masker.apply(it));
    all.sort_unstable();
    let asked = |exact: bool| if exact { &which.owners } else { &which.owners_containing };
    for (exact, text) in
        [true, false].into_iter().flat_map(|it| asked(it).iter().map(move |t| (it, t)))
    {
        let folded = text.to_lowercase();
        if folded.is_empty() {
            continue;
        }
        let matched: Vec<&String> = all
            .iter()
            .filter(|it| match exact {
                true => is_owner(it, text),
                false => it.to_lowercase().contains(&folded),
            })
            .collect();
        let names: Vec<&str> = matched.iter().take(SHOWN).map(|it| it.as_str()).collect();
        let more = match matched.len().saturating_sub(SHOWN) {
            0 => String::new(),
            many => format!(" and {many} more"),
        };
        let shown = text::visible(text);
        let said = if exact { "owner" } else { "owner contains" };
        if !matched.is_empty() {
            let names = names.join(", ");
            ui.note(&format!("{said} {shown}: {}{more}", text::visible(&names)));
            continue;
        }
        let mut near: Vec<&str> = all.iter().map(|it| short_owner(it)).collect();
        near.sort_unstable();
        near.dedup();
        near.sort_by_cached_key(|it| {
            let likeness = strsim::jaro_winkler(&folded, &it.to_lowercase());
            std::cmp::Reverse((likeness * 1000.0) as u32)
        });
        near.truncate(SHOWN);
        let hint = match exact && all.iter().any(|it| it.to_lowercase().contains(&folded)) {
            true => format!("; `--owner-contains {shown}` matches a part"),
            false => String::new(),
        };
        let near = match near.is_empty() {
            true => String::new(),
            false => format!("; the nearest are {}", text::visible(&near.join(", "))),
        };
        ui.note(&format!(
            "{said} {shown}: no session of the archive has such an owner{near}{hint}"
        ));
    }
    Ok(())
}

/// How an answer of little structure is written.
#[derive(Clone, Copy, Debug, ValueEnum, PartialEq, Eq)]
enum AnswerForm {
    Table,
    Json,
}

#[derive(Clone, Copy, Debug, ValueEnum, PartialEq, Eq)]
enum FormatName {
    Table,
    Json,
    Jsonl,
    Csv,
    Parquet,
}

impl FormatName {
    fn format(self) -> Format {
        match self {
            Self::Table => Format::Table,
            Self::Json => Format::Json,
            Self::Jsonl => Format::Jsonl,
            Self::Csv => Format::Csv,
            Self::Parquet => Format::Parquet,
        }
    }
}

/// Refuses to pour binary data over a terminal.
fn checked(format: FormatName, world: &World<'_>) -> Result<Format> {
    if format == FormatName::Parquet && world.columns.is_some() {
        return Err(Error::misused("Parquet is binary and standard output is a terminal")
            .hint("write it to a file: … --format parquet > rows.parquet"));
    }
    Ok(format.format())
}

/// Carries out one command line.
///
/// # Errors
/// What stopped the command; `main` says it and exits with 2.
pub fn run(
    cli: Cli,
    world: &World<'_>,
    out: &mut dyn std::io::Write,
    err: &mut dyn std::io::Write,
) -> Result<Answer> {
    let color = match cli.color {
        ColorWhen::Auto => Color::Auto,
        ColorWhen::Always => Color::Always,
        ColorWhen::Never => Color::Never,
    };
    let mut ui =
        Ui { out, err, color: color.decide(world.no_color), columns: world.columns, zone: cli.tz };
    let mut run =
        Run { ui: &mut ui, world, root: cli.archive, config_path: cli.config, config: None };
    match cli.command {
        Verb::Demo(it) => it.run(&mut run),
        Verb::Sync(it) => it.run(&mut run),
        Verb::Sessions(it) => it.run(&mut run),
        Verb::Search(it) => it.run(&mut run),
        Verb::Show(it) => it.run(&mut run),
        Verb::Report(it) => it.run(&mut run),
        Verb::Replay(it) => it.run(&mut run),
        Verb::Export(it) => it.run(&mut run),
        Verb::VerifyEvidence(it) => it.run(&mut run),
        Verb::Query(it) => it.run(&mut run),
        Verb::Init(it) => it.run(&mut run),
        Verb::Verify(it) => it.run(&mut run),
        Verb::Doctor(it) => it.run(&mut run),
        Verb::Policy(it) => it.run(&mut run),
        Verb::Config(it) => it.run(&mut run),
        Verb::Archive(it) => it.run(&mut run),
        Verb::Completions { shell } => {
            let mut bytes = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "ssmtrail", &mut bytes);
            run.ui.raw(&bytes)?;
            Ok(Answer::Yes)
        }
        Verb::Man => {
            let mut bytes = Vec::new();
            clap_mangen::Man::new(Cli::command())
                .render(&mut bytes)
                .map_err(|it| Error::misused(format!("the manual cannot be made: {it}")))?;
            run.ui.raw(&bytes)?;
            Ok(Answer::Yes)
        }
    }
}

/// What the command line parser says instead of a command line: help, or what is wrong.
#[derive(Debug)]
pub struct Usage {
    /// As it may be written to a terminal: what was typed is echoed, and may hold secrets and control characters.
    pub text: String,
    pub code: u8,
    /// Help and versions go to standard output, and nothing in them was typed.
    pub error: clap::Error,
}

/// Reads a command line; the first word is the program's name.
///
/// # Errors
/// What to say instead.
pub fn parse(words: impl IntoIterator<Item = OsString>) -> std::result::Result<Cli, Box<Usage>> {
    let words: Vec<OsString> = words.into_iter().collect();
    Cli::try_parse_from(&words).map_err(|error| {
        let mut text = error.render().to_string();
        if error.kind() == clap::error::ErrorKind::UnknownArgument
            && let Some(name) = ["--explain", "--since-last", "--diff"]
                .into_iter()
                .find(|name| words.iter().any(|it| it == name))
        {
            text.push_str(&format!("hint: a value of {name} follows `=`: {name}=VALUE\n"));
        }
        if error.use_stderr() {
            let shown = crate::render::message(&text).into_owned();
            text = text::visible_lines(&shown).into_owned();
        }
        Box::new(Usage { text, code: u8::try_from(error.exit_code()).unwrap_or(2), error })
    })
}

/// Says an error: what, what beneath, what next.
pub fn complain(it: &Error, err: &mut dyn std::io::Write) {
    let _ = writeln!(err, "ssmtrail: {}", text::visible(&crate::render::message(&it.what)));
    if let Some(hint) = &it.hint {
        let _ = writeln!(err, "hint: {}", text::visible(&crate::render::message(hint)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_command_shows_an_example() {
        for command in Cli::command().get_subcommands() {
            let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            let nested = command.get_subcommands().all(|it| {
                it.get_after_help().is_some_and(|it| it.to_string().contains("ssmtrail"))
            });
            let shown = help.contains("Example") && help.contains("ssmtrail");
            assert!(shown || (command.has_subcommands() && nested), "{}", command.get_name());
        }
    }

    #[test]
    fn a_definite_answer_outranks_a_partial_one_only_when_it_cannot_change() {
        let lost = [Skip { locator: "x".into(), why: "y".into(), loses: true }];
        assert_eq!(Answer::Yes.with(&lost), Answer::Partial);
        assert_eq!(Answer::No.with(&lost), Answer::Partial);
        assert_eq!(Answer::Yes.with(&[]), Answer::Yes);
    }
}
