//! The command line itself: its commands, what all of them take, and what is said of one that is wrong.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::CommandFactory;
use clap::Parser;
use clap::Subcommand;

use super::answer::Answer;
use super::archive;
use super::config;
use super::demo;
use super::doctor;
use super::evidence;
use super::export;
use super::formats::one_of;
use super::init;
use super::policy;
use super::query;
use super::reader::Reader;
use super::replay;
use super::report;
use super::search;
use super::sessions;
use super::setup::Setup;
use super::show;
use super::sync;
use super::verify;
use super::world::World;
use crate::error::Error;
use crate::error::Result;
use crate::render::Color;
use crate::render::Ui;
use crate::text;
use crate::time::Zone;

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
        value_parser = one_of(COLORS)
    )]
    color: Color,

    /// Zone to show times in and to read dates in: utc, +09:00, Asia/Tokyo
    #[arg(long, global = true, value_name = "ZONE", default_value = "utc")]
    tz: Zone,
}

const COLORS: &[(&str, Color)] =
    &[("auto", Color::Auto), ("always", Color::Always), ("never", Color::Never)];

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
    Report(report::ReportArgs),
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
    let mut ui = Ui::new(out, err);
    ui.color = cli.color.decide(world.no_color);
    ui.columns = world.columns;
    ui.zone = cli.tz;
    let setup = Setup::new(world, cli.archive, cli.config);
    let (here, reader) = (setup.here, &Reader::new(&setup, world));
    match cli.command {
        Verb::Demo(it) => it.run(here, &mut ui),
        Verb::Sync(it) => it.run(&setup, &mut ui),
        Verb::Sessions(it) => it.run(reader, &mut ui),
        Verb::Search(it) => it.run(reader, &mut ui),
        Verb::Show(it) => it.run(reader, &mut ui),
        Verb::Report(it) => it.run(reader, &setup, &mut ui),
        Verb::Replay(it) => it.run(reader, &mut ui),
        Verb::Export(it) => it.run(reader, &mut ui),
        Verb::VerifyEvidence(it) => it.run(here, &mut ui),
        Verb::Query(it) => it.run(reader, &mut ui),
        Verb::Init(it) => it.run(&setup, &mut ui),
        Verb::Verify(it) => it.run(&setup, &mut ui),
        Verb::Doctor(it) => it.run(&setup, &mut ui),
        Verb::Policy(it) => it.run(&setup, &mut ui),
        Verb::Config(it) => it.run(&setup, &mut ui),
        Verb::Archive(it) => it.run(reader, &mut ui),
        Verb::Completions { shell } => {
            let mut bytes = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "ssmtrail", &mut bytes);
            ui.bytes(&bytes)?;
            Ok(Answer::Yes)
        }
        Verb::Man => {
            let mut bytes = Vec::new();
            clap_mangen::Man::new(Cli::command())
                .render(&mut bytes)
                .map_err(|it| Error::misused(format!("the manual cannot be made: {it}")))?;
            ui.bytes(&bytes)?;
            Ok(Answer::Yes)
        }
    }
}

/// What the command line parser says instead of a command line: help, or what is wrong.
#[derive(Debug)]
pub struct Usage {
    /// As it may be written to a terminal: what was typed is echoed, and may hold secrets and control characters.
    pub text: String,
    /// The number that the process exits with.
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
            text = text::visible_lines(&shown).into();
        }
        Box::new(Usage { text, code: u8::try_from(error.exit_code()).unwrap_or(2), error })
    })
}

/// Says an error: what, what beneath, what next.
pub fn complain(it: &Error, err: &mut dyn std::io::Write) {
    let shown = |text: &str| text::visible(&crate::render::message(text));
    let _ = writeln!(err, "ssmtrail: {}", &*shown(&it.what));
    if let Some(hint) = &it.hint {
        let _ = writeln!(err, "hint: {}", &*shown(hint));
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
}
