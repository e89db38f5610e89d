//! `demo`: the whole tool on transcripts that ship with it. No AWS, no configuration, nothing left behind.

use std::path::Path;
use std::path::PathBuf;

use clap::Args;

use super::answer::Answer;
use super::hits::command_line;
use super::hits::heading;
use super::sessions;
use super::sync::runtime;
use super::world::Here;
use crate::archive::Which;
use crate::archive::writer::Writer;
use crate::error::Error;
use crate::error::Result;
use crate::output::Replace;
use crate::output::Target;
use crate::render::BOLD;
use crate::render::DIM;
use crate::render::Ui;
use crate::render::summary;
use crate::search;
use crate::search::Pattern;
use crate::search::Shared;
use crate::source::folder::Folder;
use crate::sync;
use crate::sync::Options;
use crate::text::Safe;
use crate::text::safe;
use crate::transcript::commands::CommandKind;

#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  ssmtrail demo\n  ssmtrail demo --keep ./demo    leaves folder and archive there to try the other commands on"
)]
pub(super) struct Demo {
    /// Keep the transcripts and the archive in this folder
    #[arg(long, value_name = "DIR")]
    keep: Option<PathBuf>,
}

macro_rules! shipped {
    ($($name:literal),* $(,)?) => {
        &[$(($name, include_bytes!(concat!("../../tests/transcripts/demo/", $name)))),*]
    };
}

/// Transcripts of people who do not exist, on machines that never were.
const SHIPPED: &[(&str, &[u8])] = shipped![
    "alice-z81w3ijgndz9r8603r8bxzygn2.log",
    "alice-z81w3ijgndz9r8603r8bxzygn2.jsonl",
    "bob.tanaka@example.com-rdob1n45o9axldi2ukjualhj8s.log",
    "bob.tanaka@example.com-rdob1n45o9axldi2ukjualhj8s.jsonl",
    "carol-0641a17585d2f0e74.log",
    "dan@example.com-6d0v3ndr7272oun26inimngz6e.jsonl",
    "ecs-execute-command-if0v4cd176zg1trn3cim9k46ic.log",
    "haruka.sato@example.com-rxm058ynzi6hcjqsaq1rx8bv3x.log",
    "mallory-0c0ffee0c0ffee001.log",
    "notes.txt",
];

impl Demo {
    pub(super) fn run(self, here: Here<'_>, ui: &mut Ui<'_>) -> Result<Answer> {
        let scratch = tempfile::tempdir()
            .map_err(|it| Error::misused(format!("no place for scratch files: {it}")))?;
        let home = self.keep.clone().unwrap_or_else(|| scratch.path().to_owned());
        let folder = home.join("transcripts");
        std::fs::create_dir_all(&folder).map_err(|it| Error::file("write", &folder, it))?;
        ship(here, &folder)?;
        let root = home.join("archive");

        self.step(ui, "1. Transcripts become an archive", "ssmtrail sync ./transcripts")?;
        let mut writer = Writer::open(&root)?;
        let options = Options { now: here.now, threads: 2, stop: here.stop };
        let source = Folder::open(&folder)?;
        let mut summary = sync::sync(&runtime()?, &mut writer, &[&source], &options, &mut ())?;
        let below = format!("{}/", folder.canonicalize().unwrap_or(folder).display());
        for it in summary.others.iter_mut().chain(&mut summary.failed) {
            it.locator = it.locator.replace(&below, "");
        }
        for text in summary::words(&summary, false) {
            ui.line(text)?;
        }
        let archive = writer.archive();
        drop(writer);

        self.step(ui, "2. Who was where", "ssmtrail sessions")?;
        let sessions = archive.sessions(&Which::default())?;
        let shared = Shared::of(&archive)?;
        sessions::table(ui, &sessions, &shared, 50)?;

        self.step(
            ui,
            "3. Who piped the internet into a shell?",
            "ssmtrail search --regex 'curl .*\\| *sh'",
        )?;
        let pattern = Pattern::new(r"curl .*\| *sh", true, false)?;
        let mut hits = Vec::new();
        search::commands(&archive, &Which::default(), &pattern, &[CommandKind::Shell], |rows| {
            hits.extend(rows);
            Ok(())
        })?;
        for hit in &hits {
            if let Some(session) = sessions.iter().find(|it| it.session_key == hit.session_key) {
                heading(ui, session, &shared)?;
                command_line(ui, hit, &pattern, true)?;
            }
        }

        let Some(hit) = hits.first() else { return Ok(Answer::No) };
        let ask = safe!("ssmtrail show {} --commands", hit.session_id);
        self.step(ui, "4. What else happened there", ask)?;
        if let Some(session) = sessions.iter().find(|it| it.session_key == hit.session_key) {
            heading(ui, session, &shared)?;
            for it in archive.commands_of(session) {
                command_line(ui, &it, &Pattern::All, false)?;
            }
        }

        self.step(ui, "5. What the tool noticed", "ssmtrail sessions --format jsonl")?;
        for it in &sessions {
            for flaw in it.flaws.iter().filter_map(|it| it.kind.known()) {
                ui.line(safe!("{}: {}", it.session_id, flaw.says()))?;
            }
        }

        ui.line(ui.paint(BOLD, "\nNext"))?;
        let next = match &self.keep {
            Some(home) => {
                let archive = home.join("archive");
                safe!("  export SSMTRAIL_ARCHIVE={}\n  ssmtrail search sudo\n  ssmtrail query --list", archive.display())
            }
            None => "  ssmtrail demo --keep ./demo      keep this archive and try the other commands on it\n  ssmtrail init                    find where your sessions are logged to\n  ssmtrail sync                    archive them; or name a bucket, a log group, a folder\n  ssmtrail --help".into(),
        };
        ui.line(next)?;
        Ok(Answer::Yes)
    }

    fn step(&self, ui: &mut Ui<'_>, title: &'static str, ask: impl Into<Safe>) -> Result<()> {
        ui.line(ui.paint(BOLD, safe!("\n{}", title)))?;
        ui.line(ui.paint(DIM, safe!("$ {}", ask.into())))
    }
}

/// Writes the transcripts that ship with the tool.
fn ship(here: Here<'_>, folder: &Path) -> Result<()> {
    for (name, bytes) in SHIPPED {
        let path = folder.join(name);
        // They lie there from the last time.
        if std::fs::read(&path).is_ok_and(|it| it == *bytes) {
            continue;
        }
        Target::look(&path, &path.to_string_lossy(), Replace::No { another: "--keep" })
            .map_err(|it| it.hint("--keep names another folder"))?
            .write(bytes, here.stop)?;
    }
    Ok(())
}
