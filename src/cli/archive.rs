//! `archive`: prove it, describe it, decode it again.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::io::Read;

use clap::Args;
use clap::Subcommand;
use sha2::Digest;
use sha2::Sha256;

use super::Answer;
use super::Run;
use super::progress::Bar;
use crate::archive::Archive;
use crate::archive::Which;
use crate::archive::manifest::hex;
use crate::archive::schema::TABLES;
use crate::archive::writer::Writer;
use crate::error::Result;
use crate::render;
use crate::render::BOLD;
use crate::render::DIM;
use crate::sync;

#[derive(Args, Debug)]
pub(super) struct ArchiveArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand, Debug)]
enum What {
    /// Prove that nothing was changed, dropped or damaged since it was written
    #[command(
        after_help = "Example:\n  ssmtrail archive verify && echo sound\n\nOffline: every digest of the manifest is computed again."
    )]
    Verify,
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
            What::Verify => verify(run),
            What::Stats => stats(run),
            What::Rebuild => rebuild(run),
            What::Schema => schema(run),
        }
    }
}

fn verify(run: &mut Run<'_, '_>) -> Result<Answer> {
    let archive = run.archive()?;
    let mut faults: Vec<String> = Vec::new();
    for it in &archive.manifest.damages {
        faults.push(format!("{}: {}", it.locator, it.why));
    }
    let mut bytes = 0;
    for note in archive.live_files() {
        match digest(&archive.path_of(note)) {
            Ok((size, digest)) => {
                bytes += size;
                if digest != note.sha256 {
                    faults.push(format!("{}: it was changed after it was written", note.path));
                }
            }
            Err(it) if it.kind() == std::io::ErrorKind::NotFound => {
                faults.push(format!("{}: it is missing", note.path));
            }
            Err(it) => faults.push(format!("{}: {it}", note.path)),
        }
    }
    contents(&archive, &mut faults)?;
    if archive.manifest.torn {
        run.ui.note(
            "note: a writer was stopped in the middle of its last entry; the next sync goes on",
        );
    }
    for it in &faults {
        let text = format!("broken: {}", render::visible(it));
        run.ui.line(&text)?;
    }
    let entries = archive.manifest.entries.len() as u64;
    let files = archive.live_files().len() as u64;
    if faults.is_empty() {
        let text = format!(
            "sound: {}, {}, {}; chain ends in {}",
            render::count(entries) + if entries == 1 { " entry" } else { " entries" },
            render::plural(files, "file"),
            render::size(bytes),
            archive.manifest.last_digest().get(..16).unwrap_or("nothing"),
        );
        run.ui.line(&text)?;
        return Ok(Answer::Yes);
    }
    let text = format!(
        "{} in {}",
        render::plural(faults.len() as u64, "fault"),
        render::plural(files, "file")
    );
    run.ui.line(&text)?;
    run.ui.note(
        "hint: restore the files named above from a copy of the archive, or sync into a new one",
    );
    Ok(Answer::No)
}

fn digest(path: &std::path::Path) -> std::io::Result<(u64, String)> {
    let mut file = std::fs::File::open(path)?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 1 << 20];
    let mut bytes = 0;
    loop {
        let used = file.read(&mut buffer)?;
        if used == 0 {
            return Ok((bytes, hex(&hasher.finalize())));
        }
        hasher.update(&buffer[..used]);
        bytes += used as u64;
    }
}

/// Whether every session still has the bytes it was read from, and they are what was read.
fn contents(archive: &Archive, faults: &mut Vec<String>) -> Result<()> {
    let mut kept: BTreeSet<String> = BTreeSet::new();
    let mut open: Option<(String, Sha256, String)> = None;
    let close = |it: Option<(String, Sha256, String)>, faults: &mut Vec<String>| {
        let Some((locator, hasher, wanted)) = it else { return };
        if hex(&hasher.finalize()) != wanted {
            faults.push(format!("{locator}: its kept bytes are not what was read"));
        }
    };
    for note in archive.files("transcripts") {
        let spans = [(0, note.rows as i64)];
        let columns = ["session_key", "locator", "version", "content_digest", "part", "content"];
        archive.read_spans(&note.path, &spans, Some(&columns), |_, frame| {
            let keys = frame.column("session_key")?.str()?.clone();
            let locators = frame.column("locator")?.str()?.clone();
            let digests = frame.column("content_digest")?.str()?.clone();
            let parts = frame.column("part")?.i64()?.clone();
            let contents = frame.column("content")?.binary()?.clone();
            for row in 0..frame.height() {
                kept.insert(keys.get(row).unwrap_or_default().to_owned());
                // A stream that grew goes on with a digest of its own.
                let digest = digests.get(row).unwrap_or_default();
                let other = open.as_ref().is_none_or(|it| it.2 != digest);
                if parts.get(row) == Some(0) || other {
                    close(open.take(), faults);
                    let text = |it: Option<&str>| it.unwrap_or_default().to_owned();
                    open = Some((text(locators.get(row)), Sha256::new(), text(digests.get(row))));
                }
                if let Some((_, hasher, _)) = &mut open {
                    hasher.update(contents.get(row).unwrap_or_default());
                }
            }
            Ok(())
        });
    }
    close(open.take(), faults);
    for it in archive.sessions(&Which::default())? {
        if !kept.contains(&it.session_key) {
            faults.push(format!("session {}: its bytes are gone", it.session_id));
        }
    }
    for it in archive.damages() {
        let fault = format!("{}: {}", it.locator, it.why);
        if !faults.iter().any(|seen| seen.starts_with(&format!("{}:", it.locator))) {
            faults.push(fault);
        }
    }
    Ok(())
}

fn stats(run: &mut Run<'_, '_>) -> Result<Answer> {
    let archive = run.archive()?;
    let sessions = archive.sessions(&Which::default())?;
    let zone = run.ui.zone;
    let mut owners: BTreeMap<String, i64> = BTreeMap::new();
    let mut targets: BTreeSet<&str> = BTreeSet::new();
    let mut months: BTreeMap<String, u64> = BTreeMap::new();
    let mut flaws: BTreeMap<&str, u64> = BTreeMap::new();
    for it in &sessions {
        let owner = super::sessions::short_owner(it.owner.as_deref());
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
    let lines: i64 = sessions.iter().map(|it| it.line_count).sum();
    let share = if raw > 0 { held as f64 * 100.0 / raw as f64 } else { 0.0 };
    let first = sessions.iter().filter_map(|it| it.at.micros()).min();
    let last = sessions.iter().filter_map(|it| it.at.micros()).max();
    let rows = [
        ("sessions", render::count(sessions.len() as u64)),
        ("owners", render::count(owners.len() as u64)),
        ("targets", render::count(targets.len() as u64)),
        ("commands", render::count(commands as u64)),
        ("lines", render::count(lines as u64)),
        ("from", first.map_or_else(|| "-".into(), |it| zone.show(it))),
        ("to", last.map_or_else(|| "-".into(), |it| zone.show(it))),
        ("transcripts", format!("{} of bytes", render::size(raw as u64))),
        (
            "archive",
            format!(
                "{} in {} files, {share:.0} % of the bytes it keeps",
                render::size(held),
                archive.live_files().len()
            ),
        ),
        ("entries", render::count(archive.manifest.entries.len() as u64)),
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
        let text = format!("  {name}{}  {bar} {}", " ".repeat(pad), render::count(*value));
        run.ui.line(&text)?;
    }
    Ok(())
}

/// Changed sessions named one by one; the rest is counted.
const CHANGED_SHOWN: usize = 20;

fn rebuild(run: &mut Run<'_, '_>) -> Result<Answer> {
    run.archive()?;
    let mut writer = Writer::open(&run.root()?)?;
    let mut bar = Bar::new(run.world.progress, run.ui);
    let it = sync::rebuild(&mut writer, run.world.now, run.world.stop, &mut bar)?;
    let mut versions = it.decoders_before.clone();
    versions.sort_unstable();
    let versions: Vec<String> = versions.iter().map(ToString::to_string).collect();
    let text = format!(
        "decoded {} again with decoder {} (before: {}): {} before, {} now, {} changed",
        render::plural(it.sessions, "session"),
        sync::DECODER,
        if versions.is_empty() { "none".to_owned() } else { versions.join(", ") },
        render::plural(it.commands_before, "command"),
        render::count(it.commands),
        render::plural(it.changed.len() as u64, "session"),
    );
    run.ui.line(&text)?;
    for it in it.changed.iter().take(CHANGED_SHOWN) {
        let session = render::visible(&it.session_id);
        let text = format!(
            "  {session}  {} new, {} gone, {} read differently",
            render::count(it.new),
            render::count(it.gone),
            render::count(it.different)
        );
        run.ui.line(&text)?;
    }
    if it.changed.len() > CHANGED_SHOWN {
        let more = (it.changed.len() - CHANGED_SHOWN) as u64;
        run.ui.line(&format!("  … and {} more", render::plural(more, "session")))?;
    }
    if it.interrupted {
        run.ui.note("interrupted: the rest is as it was; run it again to go on");
        return Ok(Answer::Partial);
    }
    Ok(Answer::Yes)
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
    Ok(Answer::Yes)
}
