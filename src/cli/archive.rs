//! `archive`: prove it, describe it, decode it again.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use clap::Args;
use clap::Subcommand;

use super::answer::Answer;
use super::answer::tell_lost;
use super::progress::Bar;
use super::reader::Reader;
use crate::archive::Which;
use crate::archive::repair;
use crate::archive::schema::TABLES;
use crate::archive::value::Word;
use crate::archive::verify;
use crate::archive::verify::Head;
use crate::archive::writer::Writer;
use crate::error::Result;
use crate::masking;
use crate::render;
use crate::render::BOLD;
use crate::render::DIM;
use crate::render::Ui;
use crate::secrets::Masker;
use crate::sync;
use crate::text;
use crate::text::Safe;
use crate::text::Visible;
use crate::text::safe;
use crate::time::At;
use crate::transcript::decoder::FlawKind;

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
    if proof.faults.is_empty() {
        ui.line(safe!(
            "sound: {}, {}, {}",
            entries,
            text::plural(proof.files, "file"),
            text::size(proof.bytes)
        ))?;
        ui.line(head(proof.head.as_deref()))?;
        return Ok(Answer::Yes);
    }
    ui.line(safe!(
        "{} in {} and {}",
        text::plural(proof.faults.len() as u64, "fault"),
        entries,
        text::plural(proof.files, "file")
    ))?;
    ui.line(head(proof.head.as_deref()))?;
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
    let done = repair::repair(&root, &At(reader.here.now).rfc3339_seconds())?;
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
            crate::archive::LOST,
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
    let archive = reader.open()?;
    let mut sessions = archive.sessions(&Which::default())?;
    masking::sessions(&mut Masker::new(archive.salt()), &mut sessions);
    let known: BTreeSet<&str> = sessions.iter().filter_map(|it| it.owner.as_deref()).collect();
    let zone = ui.zone;
    let shared = crate::search::Shared::of(&archive)?;
    let mut owners: BTreeMap<Safe, u64> = BTreeMap::new();
    let mut targets: BTreeSet<&str> = BTreeSet::new();
    let mut months: BTreeMap<String, u64> = BTreeMap::new();
    let mut flaws: BTreeMap<&Word<FlawKind>, u64> = BTreeMap::new();
    for it in &sessions {
        let owner = super::sessions::short_owner(it.owner.as_deref(), &shared);
        *owners.entry(owner).or_default() += it.command_count as u64;
        targets.extend(it.target.as_deref());
        let month =
            it.at.micros().map_or_else(|| "unknown".into(), |it| zone.show(it)[..7].to_owned());
        *months.entry(month).or_default() += 1;
        for flaw in &it.flaws {
            *flaws.entry(&flaw.kind).or_default() += 1;
        }
    }
    let raw: i64 = sessions.iter().map(|it| it.transcript_bytes).sum();
    let held: u64 = archive.live_files().iter().map(|it| it.bytes).sum();
    let commands: i64 = sessions.iter().map(|it| it.command_count).sum();
    let abandoned: i64 = sessions.iter().filter_map(|it| it.abandoned_count).sum();
    let unconfirmed: i64 = sessions.iter().filter_map(|it| it.unconfirmed_count).sum();
    let possible: i64 = sessions.iter().map(|it| it.possible_count).sum();
    let lines: i64 = sessions.iter().map(|it| it.line_count).sum();
    let share = if raw > 0 { held as f64 * 100.0 / raw as f64 } else { 0.0 };
    let first = sessions.iter().filter_map(|it| it.at.micros()).min();
    let last = sessions.iter().filter_map(|it| it.at.micros()).max();
    let rows = [
        ("sessions", text::count(sessions.len() as u64)),
        ("owners", text::count(known.len() as u64)),
        ("targets", text::count(targets.len() as u64)),
        ("commands", text::count(commands as u64)),
        ("unconfirmed", text::count(unconfirmed as u64)),
        ("not run", text::count(abandoned as u64)),
        ("possible", text::count(possible as u64)),
        ("lines", text::count(lines as u64)),
        ("from", first.map_or_else(|| "-".into(), |it| zone.show(it).safe())),
        ("to", last.map_or_else(|| "-".into(), |it| zone.show(it).safe())),
        ("transcripts", safe!("{} of bytes", text::size(raw as u64))),
        (
            "archive",
            safe!(
                "{} in {} files, {} % of the bytes it keeps",
                text::size(held),
                archive.live_files().len(),
                format!("{share:.0}")
            ),
        ),
        ("entries", text::count(archive.manifest.entries.len() as u64)),
    ];
    for (name, value) in rows {
        ui.line(safe!("{}  {}", ui.paint(BOLD, text::left(12, name)), value))?;
    }
    let months: Vec<(Safe, u64)> = months.into_iter().map(|it| (it.0.safe(), it.1)).collect();
    bars(ui, "sessions by month", &months)?;
    let mut by: Vec<(Safe, u64)> = owners.into_iter().collect();
    by.sort_by(|one, other| other.1.cmp(&one.1).then_with(|| one.0.cmp(&other.0)));
    by.truncate(10);
    bars(ui, "commands by owner", &by)?;
    if !flaws.is_empty() {
        let rows: Vec<(Safe, u64)> = flaws.iter().map(|it| (it.0.as_str().safe(), *it.1)).collect();
        bars(ui, "sessions with flaws", &rows)?;
    }
    let damages = archive.damages();
    tell_lost(ui, &damages);
    Ok(Answer::found(!sessions.is_empty()).with(&damages))
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
    crate::archive::check_format(&root)?;
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
        (crate::query::RAN, "A view of commands: those that ran, of kind shell or repl."),
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
