//! `archive`: prove it, describe it, decode it again.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use clap::Args;
use clap::Subcommand;

use super::answer::Answer;
use super::answer::Ending;
use super::answer::tell_lost;
use super::progress::Bar;
use super::reader::Reader;
use super::sessions::short_owner;
use crate::archive;
use crate::archive::Archive;
use crate::archive::Which;
use crate::archive::repair;
use crate::archive::schema::SessionRow;
use crate::archive::schema::TABLES;
use crate::archive::verify;
use crate::archive::verify::Head;
use crate::archive::writer::Writer;
use crate::error::Result;
use crate::masking;
use crate::query;
use crate::render;
use crate::render::BOLD;
use crate::render::DIM;
use crate::render::Ui;
use crate::search::Shared;
use crate::secrets::Masker;
use crate::sync;
use crate::text;
use crate::text::Safe;
use crate::text::Visible;
use crate::text::safe;
use crate::time::At;

#[derive(Args, Debug)]
pub(super) struct ArchiveArgs {
    #[command(subcommand)]
    what: ArchiveVerb,
}

#[derive(Subcommand, Debug)]
enum ArchiveVerb {
    /// Prove that nothing was changed, dropped or damaged since it was written
    #[command(
        after_help = "Examples:\n  ssmtrail archive verify && echo sound\n  ssmtrail archive verify --expect 12:9f86d081884c7d65\n\nOffline: every digest of the manifest is computed again. The head that it prints names all that is proved. Keep it\nelsewhere, on paper or in a ticket: --expect proves later that nothing before it was dropped or written anew."
    )]
    Verify {
        /// A head that was noted earlier: the chain must still hold it
        #[arg(long, value_name = "ENTRY:DIGEST")]
        expect: Option<String>,
    },
    /// Move aside what is damaged, so that the archive can be written to again
    #[command(
        after_help = "Example:\n  ssmtrail archive repair\n\nNothing is deleted: what is damaged moves into lost/ inside the archive. The manifest is restored from the copies\nof its entries as far as they prove, and a new entry says what was done."
    )]
    Repair,
    /// How much it holds, of whom, and how large it is
    #[command(after_help = "Example:\n  ssmtrail archive stats")]
    Stats,
    /// Decode every kept transcript again, after the decoder has become better
    #[command(after_help = "Example:\n  ssmtrail archive rebuild")]
    Rebuild,
    /// The tables and what each column means
    #[command(after_help = "Example:\n  ssmtrail archive schema | less")]
    Schema,
}

impl ArchiveArgs {
    pub(super) fn run(self, reader: &Reader<'_>, ui: &mut Ui<'_>) -> Result<Answer> {
        match self.what {
            ArchiveVerb::Verify { expect } => verify(reader, ui, expect.as_deref()),
            ArchiveVerb::Repair => repair(reader, ui),
            ArchiveVerb::Stats => stats(reader, ui),
            ArchiveVerb::Rebuild => rebuild(reader, ui),
            ArchiveVerb::Schema => schema(ui),
        }
    }
}

fn verify(reader: &Reader<'_>, ui: &mut Ui<'_>, expect: Option<&str>) -> Result<Answer> {
    let expect = expect.map(str::parse::<Head>).transpose()?;
    let proof = verify::verify(&reader.root()?, expect.as_ref())?;
    for it in &proof.faults {
        let text = format!("broken: {}: {}", it.place, it.why);
        ui.line(text::visible(&render::message(&text)))?;
    }
    for it in &proof.notes {
        ui.note(safe!("note: {}", it));
    }
    let entries = text::plural_of(proof.entries, "entry", "entries");
    let files = text::plural(proof.files, "file");
    ui.line(match proof.faults.len() {
        0 => safe!("sound: {}, {}, {}", entries, files, text::size(proof.bytes)),
        many => safe!("{} in {} and {}", text::plural(many as u64, "fault"), entries, files),
    })?;
    ui.line(head(proof.head.as_deref()))?;
    if proof.faults.is_empty() {
        return Ok(Answer::Yes);
    }
    if proof.is_other {
        ui.note("hint: it is another archive than the one whose head was noted, or its end was cut off; only a copy has what is missing");
    }
    if proof.faults.len() > usize::from(proof.is_other) {
        ui.note("hint: restore what is named above from a copy of the archive, or let `ssmtrail archive repair` move it aside");
    }
    Ok(Answer::No)
}

/// The chain's head, to be noted somewhere else.
pub(super) fn head(it: Option<&str>) -> Safe {
    safe!("head: {}", it.unwrap_or("none yet"))
}

fn repair(reader: &Reader<'_>, ui: &mut Ui<'_>) -> Result<Answer> {
    let root = reader.root()?;
    let done = repair::repair(&root, &reader.here.now.rfc3339_seconds())?;
    if done.again > 0 {
        ui.line("copies beside the manifest were written again from what the archive still knows")?;
    }
    if done.entry == 0 {
        if done.again == 0 {
            ui.line("nothing to repair")?;
        }
        ui.line(head(done.head.as_deref()))?;
        return Ok(Answer::Yes);
    }
    let moved = done.done.iter().filter(|it| !it.moved_to.is_empty()).count() as u64;
    for it in &done.done {
        ui.line(match it.moved_to.as_str() {
            "" => safe!("{}: {}", it.what, it.why),
            place => safe!("moved {} to {}: {}", it.what, place, it.why),
        })?;
    }
    if done.restored > 0 {
        let entries = text::plural_of(done.restored, "entry", "entries");
        ui.line(safe!("the manifest has {} again", entries))?;
    }
    let moved = match moved {
        0 => "nothing was moved aside".into(),
        some => safe!(
            "{} moved into {}/{}, none deleted",
            text::plural(some, "file"),
            archive::LOST,
            format!("{:08}", done.entry)
        ),
    };
    ui.line(safe!("repaired: {}; entry {} says so", moved, done.entry))?;
    ui.line(head(done.head.as_deref()))?;
    let derived = ["sessions", "commands", "lines"];
    if done.tables.iter().any(|it| derived.contains(&it.as_str())) {
        ui.note("hint: `ssmtrail archive rebuild` derives again from the kept bytes what was moved aside");
    }
    if done.tables.iter().any(|it| it == "transcripts") {
        ui.note(
            "hint: kept bytes were lost; `ssmtrail sync` reads again what the sources still have",
        );
    }
    Ok(Answer::Yes)
}

fn stats(reader: &Reader<'_>, ui: &mut Ui<'_>) -> Result<Answer> {
    reader.ask(ui, counted)
}

/// Prints how much the archive holds, and of what.
fn counted(archive: &Archive, ui: &mut Ui<'_>) -> Result<Ending> {
    let mut sessions = archive.sessions(&Which::default())?;
    masking::sessions(&mut Masker::new(archive.salt()), &mut sessions);
    let zone = ui.zone;
    let shared = Shared::of(archive)?;
    let sum = |of: fn(&SessionRow) -> i64| sessions.iter().map(of).sum::<i64>() as u64;
    let distinct = |of: fn(&SessionRow) -> Option<&str>| {
        text::count(sessions.iter().filter_map(of).collect::<BTreeSet<_>>().len() as u64)
    };
    let times = || sessions.iter().filter_map(|it| it.at);
    let show = |it: Option<At>| it.map_or_else(|| "-".into(), |it| zone.show(it).safe());
    let raw = sum(|it| it.transcript_bytes);
    let held: u64 = archive.live_files().iter().map(|it| it.bytes).sum();
    let share = if raw > 0 { held as f64 * 100.0 / raw as f64 } else { 0.0 };
    let files = archive.live_files().len();
    let share = safe!("{} % of the bytes it keeps", format!("{share:.0}"));
    let rows = [
        ("sessions", text::count(sessions.len() as u64)),
        ("owners", distinct(|it| it.owner.as_deref())),
        ("targets", distinct(|it| it.target.as_deref())),
        ("commands", text::count(sum(|it| it.command_count))),
        ("unconfirmed", text::count(sum(|it| it.unconfirmed_count.unwrap_or(0)))),
        ("not run", text::count(sum(|it| it.abandoned_count.unwrap_or(0)))),
        ("possible", text::count(sum(|it| it.possible_count))),
        ("lines", text::count(sum(|it| it.line_count))),
        ("from", show(times().min())),
        ("to", show(times().max())),
        ("transcripts", safe!("{} of bytes", text::size(raw))),
        ("archive", safe!("{} in {} files, {}", text::size(held), files, share)),
        ("entries", text::count(archive.manifest.entries.len() as u64)),
    ];
    for (name, value) in rows {
        ui.line(safe!("{}  {}", ui.paint(BOLD, text::left(12, name)), value))?;
    }
    let month = |it: At| zone.show(it).chars().take(7).collect::<String>().safe();
    let months = sessions.iter().map(|it| it.at.map_or_else(|| "unknown".into(), month));
    bars(ui, "sessions by month", &tally(months.map(|it| (it, 1))))?;
    let owners = sessions
        .iter()
        .map(|it| (short_owner(it.owner.as_deref(), &shared), it.command_count as u64));
    let mut owners = tally(owners);
    owners.sort_by_key(|it| std::cmp::Reverse(it.1));
    owners.truncate(10);
    bars(ui, "commands by owner", &owners)?;
    let flaws =
        tally(sessions.iter().flat_map(|it| &it.flaws).map(|it| (it.kind.as_str().safe(), 1)));
    if !flaws.is_empty() {
        bars(ui, "sessions with flaws", &flaws)?;
    }
    Ok(Ending::any(!sessions.is_empty()))
}

/// How many there are of each name, in the order of the names.
fn tally(names: impl Iterator<Item = (Safe, u64)>) -> Vec<(Safe, u64)> {
    let mut by: BTreeMap<Safe, u64> = BTreeMap::new();
    names.for_each(|(name, many)| *by.entry(name).or_default() += many);
    by.into_iter().collect()
}

/// People look rather than read.
fn bars(ui: &mut Ui<'_>, title: &'static str, rows: &[(Safe, u64)]) -> Result<()> {
    let most = rows.iter().map(|it| it.1).max().unwrap_or(0).max(1);
    let width = rows.iter().map(|it| it.0.width()).max().unwrap_or(0);
    ui.line("")?;
    ui.line(ui.paint(BOLD, title))?;
    for (name, value) in rows {
        let eighths = (value * 320 / most) as usize;
        let end = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"][eighths % 8];
        let bar = safe!("{}{}", text::repeated("█", eighths / 8), end);
        let pad = text::repeated(" ", width - name.width());
        ui.line(safe!("  {}{}  {} {}", name, pad, bar, text::count(*value)))?;
    }
    Ok(())
}

/// Changed sessions named one by one; the rest is counted.
const CHANGED_SHOWN: usize = 20;

fn rebuild(reader: &Reader<'_>, ui: &mut Ui<'_>) -> Result<Answer> {
    let root = reader.root()?;
    archive::check_format(&root)?;
    let mut writer = Writer::open(&root)?;
    let mut bar = Bar::new(reader.here.progress, ui);
    let it = sync::rebuild(&mut writer, reader.here.now, reader.here.stop, &mut bar)?;
    let mut versions = it.decoders_before.clone();
    versions.sort_unstable();
    ui.line(safe!(
        "decoded {} again with decoder {} (before: {}): {} before, {} now, {} changed",
        text::plural(it.sessions, "session"),
        sync::DECODER,
        if versions.is_empty() { "none".into() } else { text::joined(versions, ", ") },
        text::plural(it.commands_before, "command"),
        text::count(it.commands),
        text::plural(it.changed.len() as u64, "session"),
    ))?;
    for it in it.changed.iter().take(CHANGED_SHOWN) {
        ui.line(safe!(
            "  {}  {} new, {} gone, {} read differently",
            it.session_id,
            text::count(it.new),
            text::count(it.gone),
            text::count(it.different)
        ))?;
    }
    if it.changed.len() > CHANGED_SHOWN {
        let more = (it.changed.len() - CHANGED_SHOWN) as u64;
        ui.line(safe!("  … and {} more", text::plural(more, "session")))?;
    }
    if it.back > 0 {
        let sessions = text::plural(it.back, "session");
        ui.line(safe!("{} that the index had lost came back", sessions))?;
    }
    for key in it.left.iter().take(CHANGED_SHOWN) {
        ui.note(safe!("left as it was: {}: its kept bytes cannot all be read", key));
    }
    if it.left.len() > CHANGED_SHOWN {
        let more = (it.left.len() - CHANGED_SHOWN) as u64;
        ui.note(safe!("left as it was: {} more", text::plural(more, "session")));
    }
    if let Some(it) = writer.head() {
        ui.note(head(Some(&it)));
    }
    tell_lost(ui, &it.damages);
    if it.interrupted {
        ui.note("interrupted: the rest is as it was; run it again to go on");
        return Ok(Answer::Partial);
    }
    let whole = it.left.is_empty() && it.damages.is_empty();
    Ok(if whole { Answer::Yes } else { Answer::Partial })
}

fn schema(ui: &mut Ui<'_>) -> Result<Answer> {
    for (nth, table) in TABLES.iter().enumerate() {
        if nth > 0 {
            ui.line("")?;
        }
        ui.line(safe!("{}  {}", ui.paint(BOLD, table.name), table.about))?;
        let name = table.columns.iter().map(|it| it.name.len()).max().unwrap_or(0);
        for column in table.columns {
            let name = text::left(name, column.name);
            let holds = ui.paint(DIM, text::left(18, column.holds.name()));
            ui.line(safe!("  {}  {}  {}", name, holds, column.means))?;
        }
    }
    let views = [
        (query::RAN, "A view of commands: those that ran, of kind shell or repl."),
        (
            "all_…",
            "Before any of these names, as in all_sessions: all that the archive holds, whatever `query` was asked for.",
        ),
    ];
    for (name, about) in views {
        ui.line(safe!("\n{}  {}", ui.paint(BOLD, name), about))?;
    }
    Ok(Answer::Yes)
}
