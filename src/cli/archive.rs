//! `archive`: prove it, describe it, decode it again.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use clap::Args;
use clap::Subcommand;

use super::answer::Answer;
use super::progress::Bar;
use super::run::Run;
use crate::archive::Which;
use crate::archive::repair;
use crate::archive::schema::TABLES;
use crate::archive::verify;
use crate::archive::verify::Head;
use crate::archive::writer::Writer;
use crate::error::Result;
use crate::render;
use crate::render::BOLD;
use crate::render::DIM;
use crate::secrets::Masker;
use crate::sync;
use crate::text;
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
    pub(super) fn run(self, run: &mut Run<'_, '_>) -> Result<Answer> {
        match self.what {
            ArchiveVerb::Verify { expect } => verify(run, expect.as_deref()),
            ArchiveVerb::Repair => repair(run),
            ArchiveVerb::Stats => stats(run),
            ArchiveVerb::Rebuild => rebuild(run),
            ArchiveVerb::Schema => schema(run),
        }
    }
}

fn verify(run: &mut Run<'_, '_>, expect: Option<&str>) -> Result<Answer> {
    let expect = expect.map(str::parse::<Head>).transpose()?;
    let proof = verify::verify(&run.root()?, expect.as_ref())?;
    for it in &proof.faults {
        let text = format!("broken: {}: {}", it.place, it.why);
        run.ui.line(&text::visible(&render::message(&text)))?;
    }
    for it in &proof.notes {
        let text = format!("note: {}", text::visible(it));
        run.ui.note(&text);
    }
    let entries = text::plural_of(proof.entries, "entry", "entries");
    if proof.faults.is_empty() {
        let text = format!(
            "sound: {entries}, {}, {}",
            text::plural(proof.files, "file"),
            text::size(proof.bytes)
        );
        run.ui.line(&text)?;
        run.ui.line(&head(proof.head.as_deref()))?;
        return Ok(Answer::Yes);
    }
    let text = format!(
        "{} in {entries} and {}",
        text::plural(proof.faults.len() as u64, "fault"),
        text::plural(proof.files, "file")
    );
    run.ui.line(&text)?;
    run.ui.line(&head(proof.head.as_deref()))?;
    if proof.is_other {
        run.ui.note("hint: it is another archive than the one whose head was noted, or its end was cut off; only a copy has what is missing");
    }
    if proof.faults.len() > usize::from(proof.is_other) {
        run.ui.note("hint: restore what is named above from a copy of the archive, or let `ssmtrail archive repair` move it aside");
    }
    Ok(Answer::No)
}

/// The chain's head, to be noted somewhere else.
pub(super) fn head(it: Option<&str>) -> String {
    format!("head: {}", it.unwrap_or("none yet"))
}

fn repair(run: &mut Run<'_, '_>) -> Result<Answer> {
    let root = run.root()?;
    let done = repair::repair(&root, &At(run.world.now).rfc3339_seconds())?;
    if done.again > 0 {
        run.ui.line(
            "copies beside the manifest were written again from what the archive still knows",
        )?;
    }
    if done.entry == 0 {
        if done.again == 0 {
            run.ui.line("nothing to repair")?;
        }
        run.ui.line(&head(done.head.as_deref()))?;
        return Ok(Answer::Yes);
    }
    let moved = done.done.iter().filter(|it| !it.moved_to.is_empty()).count() as u64;
    for it in &done.done {
        let (what, why) = (text::visible(&it.what), text::visible(&it.why));
        let text = match it.moved_to.as_str() {
            "" => format!("{what}: {why}"),
            place => format!("moved {what} to {}: {why}", text::visible(place)),
        };
        run.ui.line(&text)?;
    }
    if done.restored > 0 {
        let entries = text::plural_of(done.restored, "entry", "entries");
        run.ui.line(&format!("the manifest has {entries} again"))?;
    }
    let moved = match moved {
        0 => "nothing was moved aside".to_owned(),
        some => format!(
            "{} moved into {}/{:08}, none deleted",
            text::plural(some, "file"),
            crate::archive::LOST,
            done.entry
        ),
    };
    run.ui.line(&format!("repaired: {moved}; entry {} says so", done.entry))?;
    run.ui.line(&head(done.head.as_deref()))?;
    let derived = ["sessions", "commands", "lines"];
    if done.tables.iter().any(|it| derived.contains(&it.as_str())) {
        run.ui.note("hint: `ssmtrail archive rebuild` derives again from the kept bytes what was moved aside");
    }
    if done.tables.iter().any(|it| it == "transcripts") {
        run.ui.note(
            "hint: kept bytes were lost; `ssmtrail sync` reads again what the sources still have",
        );
    }
    Ok(Answer::Yes)
}

fn stats(run: &mut Run<'_, '_>) -> Result<Answer> {
    let archive = run.archive()?;
    let mut sessions = archive.sessions(&Which::default())?;
    crate::masking::sessions(&mut Masker::new(archive.salt()), &mut sessions);
    let known: BTreeSet<&str> = sessions.iter().filter_map(|it| it.owner.as_deref()).collect();
    let zone = run.ui.zone;
    let shared = crate::search::Shared::of(&archive)?;
    let mut owners: BTreeMap<String, i64> = BTreeMap::new();
    let mut targets: BTreeSet<&str> = BTreeSet::new();
    let mut months: BTreeMap<String, u64> = BTreeMap::new();
    let mut flaws: BTreeMap<&str, u64> = BTreeMap::new();
    for it in &sessions {
        let owner = super::sessions::short_owner(it.owner.as_deref(), &shared);
        *owners.entry(owner).or_default() += it.command_count;
        targets.extend(it.target.as_deref());
        let month =
            it.at.micros().map_or_else(|| "unknown".into(), |it| zone.show(it)[..7].to_owned());
        *months.entry(month).or_default() += 1;
        for flaw in it.flaws.split('+').filter(|it| !it.is_empty()) {
            *flaws.entry(flaw.split('@').next().unwrap_or(flaw)).or_default() += 1;
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
        ("from", first.map_or_else(|| "-".into(), |it| zone.show(it))),
        ("to", last.map_or_else(|| "-".into(), |it| zone.show(it))),
        ("transcripts", format!("{} of bytes", text::size(raw as u64))),
        (
            "archive",
            format!(
                "{} in {} files, {share:.0} % of the bytes it keeps",
                text::size(held),
                archive.live_files().len()
            ),
        ),
        ("entries", text::count(archive.manifest.entries.len() as u64)),
    ];
    for (name, value) in rows {
        let text = format!("{}  {value}", run.ui.paint(BOLD, &format!("{name:<12}")));
        run.ui.line(&text)?;
    }
    bars(
        run,
        "sessions by month",
        &months.iter().map(|it| (it.0.clone(), *it.1)).collect::<Vec<_>>(),
    )?;
    let mut by: Vec<(String, u64)> = owners.into_iter().map(|it| (it.0, it.1 as u64)).collect();
    by.sort_by(|one, other| other.1.cmp(&one.1).then_with(|| one.0.cmp(&other.0)));
    by.truncate(10);
    bars(run, "commands by owner", &by)?;
    if !flaws.is_empty() {
        let rows: Vec<(String, u64)> = flaws.iter().map(|it| ((*it.0).to_owned(), *it.1)).collect();
        bars(run, "sessions with flaws", &rows)?;
    }
    let damages = archive.damages();
    run.tell(&damages);
    Ok(Answer::found(!sessions.is_empty()).with(&damages))
}

/// People look rather than read.
fn bars(run: &mut Run<'_, '_>, title: &str, rows: &[(String, u64)]) -> Result<()> {
    let most = rows.iter().map(|it| it.1).max().unwrap_or(0).max(1);
    let width = rows
        .iter()
        .map(|it| unicode_width::UnicodeWidthStr::width(it.0.as_str()))
        .max()
        .unwrap_or(0);
    run.ui.line("")?;
    let text = run.ui.paint(BOLD, title);
    run.ui.line(&text)?;
    for (name, value) in rows {
        let eighths = (value * 320 / most) as usize;
        let mut bar = "█".repeat(eighths / 8);
        if !eighths.is_multiple_of(8) {
            bar.push(['▏', '▎', '▍', '▌', '▋', '▊', '▉'][eighths % 8 - 1]);
        }
        let pad = width - unicode_width::UnicodeWidthStr::width(name.as_str());
        let text = format!("  {name}{}  {bar} {}", " ".repeat(pad), text::count(*value));
        run.ui.line(&text)?;
    }
    Ok(())
}

/// Changed sessions named one by one; the rest is counted.
const CHANGED_SHOWN: usize = 20;

fn rebuild(run: &mut Run<'_, '_>) -> Result<Answer> {
    let root = run.root()?;
    crate::archive::check_format(&root)?;
    let mut writer = Writer::open(&root)?;
    let mut bar = Bar::new(run.world.progress, run.ui);
    let it = sync::rebuild(&mut writer, run.world.now, run.world.stop, &mut bar)?;
    let mut versions = it.decoders_before.clone();
    versions.sort_unstable();
    let versions: Vec<String> = versions.iter().map(ToString::to_string).collect();
    let text = format!(
        "decoded {} again with decoder {} (before: {}): {} before, {} now, {} changed",
        text::plural(it.sessions, "session"),
        sync::DECODER,
        if versions.is_empty() { "none".to_owned() } else { versions.join(", ") },
        text::plural(it.commands_before, "command"),
        text::count(it.commands),
        text::plural(it.changed.len() as u64, "session"),
    );
    run.ui.line(&text)?;
    for it in it.changed.iter().take(CHANGED_SHOWN) {
        let session = text::visible(&it.session_id);
        let text = format!(
            "  {session}  {} new, {} gone, {} read differently",
            text::count(it.new),
            text::count(it.gone),
            text::count(it.different)
        );
        run.ui.line(&text)?;
    }
    if it.changed.len() > CHANGED_SHOWN {
        let more = (it.changed.len() - CHANGED_SHOWN) as u64;
        run.ui.line(&format!("  … and {} more", text::plural(more, "session")))?;
    }
    if it.back > 0 {
        let text =
            format!("{} that the index had lost came back", text::plural(it.back, "session"));
        run.ui.line(&text)?;
    }
    for key in it.left.iter().take(CHANGED_SHOWN) {
        let text =
            format!("left as it was: {}: its kept bytes cannot all be read", text::visible(key));
        run.ui.note(&text);
    }
    if it.left.len() > CHANGED_SHOWN {
        let more = (it.left.len() - CHANGED_SHOWN) as u64;
        run.ui.note(&format!("left as it was: {} more", text::plural(more, "session")));
    }
    if let Some(it) = writer.head() {
        run.ui.note(&head(Some(&it)));
    }
    run.tell(&it.damages);
    if it.interrupted {
        run.ui.note("interrupted: the rest is as it was; run it again to go on");
        return Ok(Answer::Partial);
    }
    let whole = it.left.is_empty() && it.damages.is_empty();
    Ok(if whole { Answer::Yes } else { Answer::Partial })
}

fn schema(run: &mut Run<'_, '_>) -> Result<Answer> {
    for (nth, table) in TABLES.iter().enumerate() {
        if nth > 0 {
            run.ui.line("")?;
        }
        let text = format!("{}  {}", run.ui.paint(BOLD, table.name), table.about);
        run.ui.line(&text)?;
        let name = table.columns.iter().map(|it| it.name.len()).max().unwrap_or(0);
        for column in table.columns {
            let holds = run.ui.paint(DIM, &format!("{:<18}", column.holds.name()));
            let text = format!("  {:<name$}  {holds}  {}", column.name, column.means);
            run.ui.line(&text)?;
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
        let text = format!("\n{}  {about}", run.ui.paint(BOLD, name));
        run.ui.line(&text)?;
    }
    Ok(Answer::Yes)
}
