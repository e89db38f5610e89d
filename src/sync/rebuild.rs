//! Everything that is kept, decoded again, with a note of what that changed.

use std::collections::HashMap;
use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;

use polars::prelude::DataFrame;
use polars::prelude::PolarsResult;

use super::compared::Compared;
use super::kept::Kept;
use super::kept::says_diverges;
use super::rows::SegmentRows;
use super::summary::Progress;
use super::together::Drafts;
use crate::archive::Archive;
use crate::archive::cursor::Cursor;
use crate::archive::manifest::Entry;
use crate::archive::schema::SessionRow;
use crate::archive::writer::Writer;
use crate::error::Kind;
use crate::error::Result;
use crate::session::Skip;
use crate::time::At;

/// A batch is published when it has decoded this many bytes or sessions.
const BYTES: u64 = 24 << 20;
const SESSIONS: usize = 4096;

/// What a rebuild changed.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Rebuilt {
    /// Sessions that were decoded again.
    pub sessions: u64,
    /// Commands that the replaced rows had counted.
    pub commands_before: u64,
    /// Commands that they have now.
    pub commands: u64,
    /// Sessions in which a command came, went, or reads differently.
    pub changed: Vec<Changed>,
    /// Versions of the decoder that had written what was there before.
    pub decoders_before: Vec<i64>,
    /// Sessions that the index had lost and that came back from their bytes.
    pub back: u64,
    /// Keys of sessions whose bytes cannot all be read: they stay as they are.
    pub left: Vec<String>,
    /// Row groups that were read, and those that there were: what a test holds us to.
    pub groups_read: u64,
    /// Row groups that there were.
    pub groups_held: u64,
    /// What of the archive cannot be read.
    pub damages: Vec<Skip>,
    /// Whether the rebuild was stopped before its end.
    pub interrupted: bool,
}

/// What a rebuild changed in one session.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changed {
    /// Id of the session, as Session Manager gives it.
    pub session_id: String,
    /// Commands read now and not before.
    pub new: u64,
    /// Commands read before and not now.
    pub gone: u64,
    /// Commands at the same place with another text or kind.
    pub different: u64,
}

impl Changed {
    fn of(session_id: &str, compared: &Compared) -> Option<Self> {
        let changed = Self {
            session_id: session_id.to_owned(),
            new: compared.new,
            gone: compared.gone(),
            different: compared.different,
        };
        (changed.new + changed.gone + changed.different > 0).then_some(changed)
    }
}

/// Decodes every kept transcript again and puts the new rows in place of the old ones, a batch at a time; a rebuild that is
/// stopped has done the batches it finished, and can be run again.
///
/// It starts from the kept bytes, from which all else can be derived: a session that the index lost comes back. A session
/// whose bytes cannot all be read stays as it is, and no file is retired that holds rows of one.
///
/// # Errors
/// When the archive or its scratch folder cannot be written.
pub fn rebuild(
    writer: &mut Writer,
    now: At,
    stop: &AtomicBool,
    progress: &mut dyn Progress,
) -> Result<Rebuilt> {
    let archive = writer.archive();
    let kept = keys(&archive);
    progress.listed(kept.len() as u64, kept.iter().map(|it| it.bytes as u64).sum());
    let mut rebuild = Rebuild::of(&archive, &kept, writer.root().join("tmp"));
    let whole = match rebuild.sessions(writer, now, stop, kept, progress) {
        // Given up in the middle of a long transcript: this batch stays as it was.
        Err(it) if it.kind == Kind::Interrupted => false,
        it => it?,
    };
    progress.finished();
    let mut rebuilt = rebuild.rebuilt;
    rebuilt.interrupted = !whole;
    rebuilt.groups_read = archive.groups_read();
    let tables = ["sessions", "commands", "transcripts"];
    rebuilt.groups_held = tables.iter().map(|it| archive.groups_held(it)).sum();
    rebuilt.damages = archive.damages();
    Ok(rebuilt)
}

/// A rebuild on its way.
struct Rebuild<'a> {
    archive: &'a Archive,
    kept: Kept,
    old: Old,
    bytes: Cursor<'a>,
    index: Cursor<'a>,
    commands: Cursor<'a>,
    scratch: PathBuf,
    rebuilt: Rebuilt,
}

impl<'a> Rebuild<'a> {
    fn of(archive: &'a Archive, kept: &[KeptSession], scratch: PathBuf) -> Self {
        let mut rebuilt = Rebuilt::default();
        Self {
            archive,
            kept: Kept::load(archive),
            old: Old::of(archive, kept, &mut rebuilt.left),
            bytes: archive.cursor(None),
            index: archive.cursor(None),
            commands: archive.cursor(Some(&["byte_start", "kind", "command", "decoder"])),
            scratch,
            rebuilt,
        }
    }

    /// Decodes all sessions; false if the person stops it before the last.
    fn sessions(
        &mut self,
        writer: &mut Writer,
        now: At,
        stop: &AtomicBool,
        kept: Vec<KeptSession>,
        progress: &mut dyn Progress,
    ) -> Result<bool> {
        let entry = |did: &str| Entry {
            did: did.into(),
            written_at: now.rfc3339_seconds(),
            ..Entry::default()
        };
        if stop.load(Ordering::Relaxed) {
            return Ok(kept.is_empty());
        }
        if kept.is_empty() {
            return Ok(true);
        }
        let mut rows = SegmentRows::begin(writer, stop)?;
        let (mut sessions, mut held) = (0, 0);
        for it in kept {
            let is_full = held >= BYTES || sessions >= SESSIONS;
            // Nothing is brought back that will not be written.
            if is_full && stop.load(Ordering::Relaxed) {
                rows.publish(writer, entry("rebuild-part"))?;
                return Ok(false);
            }
            progress.took(1, it.bytes as u64);
            let Some(group) = self.bring_back(it)? else { continue };
            if is_full || !rows.has_room(&group.drafts) {
                rows.publish(writer, entry("rebuild-part"))?;
                if stop.load(Ordering::Relaxed) {
                    return Ok(false);
                }
                rows = SegmentRows::begin(writer, stop)?;
                (sessions, held) = (0, 0);
            }
            sessions += 1;
            held += group.drafts.iter().map(|it| it.content.bytes()).sum::<u64>();
            self.session(&mut rows, group)?;
        }
        // The last batch takes the place of all old files at once. Only it has derived all, and only if nothing was left.
        let did = if self.rebuilt.left.is_empty() { "rebuild" } else { "rebuild-part" };
        let retired = self.old.superfluous(self.archive);
        rows.publish(writer, Entry { retired, ..entry(did) })?;
        Ok(true)
    }

    /// All that is kept of a session; `None` if not all of it can be read, and then its rows stay as they are.
    fn bring_back(&mut self, it: KeptSession) -> Result<Option<Drafts>> {
        let ids = std::iter::once(it.id.as_str());
        let current = self.kept.sessions(&mut self.index, self.archive, ids).remove(&it.id);
        let current = current.into_iter().flatten().filter(|row| row.session_key == it.key);
        let before = current.max_by_key(|it| it.generation);
        let (drafts, whole) = self.kept.drafts(&mut self.bytes, &it.key, &self.scratch)?;
        let wanted = before.as_ref().map_or(0, |it| it.transcripts);
        if !whole || (drafts.len() as i64) < wanted || drafts.is_empty() {
            self.rebuilt.left.push(it.key);
            return Ok(None);
        }
        let diverges = before.as_ref().is_some_and(says_diverges);
        let is_orphan = before.is_none();
        Ok(Some(Drafts { drafts, before, diverges, is_orphan, ..Drafts::new(&it.id, it.key) }))
    }

    /// Decodes one session and tells what that changed.
    fn session(&mut self, rows: &mut SegmentRows<'_>, mut group: Drafts) -> Result<()> {
        let before = group.before.clone();
        let many = before.as_ref().map_or(0, |it| it.commands_rows);
        let mut compared = Compared::with_capacity(many as usize);
        let decoders = &mut self.rebuilt.decoders_before;
        group.old = self.kept.old(self.archive, &mut self.commands, &group, |frame| {
            compare(frame, &mut compared, decoders)
        });
        compared.settle();
        self.old.done.insert(group.key.clone());
        let ran = rows.told.commands;
        rows.session(group, Some(&mut compared))?;
        self.rebuilt.sessions += 1;
        self.rebuilt.commands += rows.told.commands - ran;
        match before {
            Some(row) => {
                self.rebuilt.commands_before += row.command_count as u64;
                self.rebuilt.changed.extend(Changed::of(&row.session_id, &compared));
                self.old.replaced(&row);
            }
            None => self.rebuilt.back += 1,
        }
        Ok(())
    }
}

/// One session as the kept bytes tell of it.
struct KeptSession {
    id: String,
    key: String,
    bytes: i64,
}

/// All sessions of which bytes are kept, in the order of the files.
fn keys(archive: &Archive) -> Vec<KeptSession> {
    let columns = ["session_id", "session_key", "content_bytes", "part"];
    let mut seen: HashMap<String, usize> = HashMap::new();
    let mut out: Vec<KeptSession> = Vec::new();
    archive.read_table("transcripts", &columns, |frame| {
        let ids = frame.column("session_id")?.str()?;
        let keys = frame.column("session_key")?.str()?;
        let sizes = frame.column("content_bytes")?.i64()?;
        let parts = frame.column("part")?.i64()?;
        let rows = ids.iter().zip(keys.iter()).zip(sizes.iter()).zip(parts.iter());
        for (((id, key), size), part) in rows {
            let key = key.unwrap_or_default();
            let at = *seen.entry(key.to_owned()).or_insert_with(|| {
                let id = id.unwrap_or_default().to_owned();
                out.push(KeptSession { id, key: key.to_owned(), bytes: 0 });
                out.len() - 1
            });
            if part == Some(0) {
                out[at].bytes += size.unwrap_or(0);
            }
        }
        Ok(())
    });
    out
}

/// Commands as they were read before, to be compared.
fn compare(
    frame: &DataFrame,
    compared: &mut Compared,
    decoders: &mut Vec<i64>,
) -> PolarsResult<()> {
    let starts = frame.column("byte_start")?.i64()?;
    let kinds = frame.column("kind")?.str()?;
    let texts = frame.column("command")?.str()?;
    for ((start, kind), text) in starts.iter().zip(kinds.iter()).zip(texts.iter()) {
        compared.add(start.unwrap_or(0), kind.unwrap_or_default(), text.unwrap_or_default());
    }
    for version in frame.column("decoder")?.i64()?.iter() {
        let version = version.unwrap_or(0);
        if !decoders.contains(&version) {
            decoders.push(version);
        }
    }
    Ok(())
}

/// Looks at the keys of all rows of a file that no newer ones replace.
fn each_current(archive: &Archive, path: &str, mut look: impl FnMut(&str)) {
    let rows = archive.note_of(path).map_or(0, |it| it.rows);
    let columns = ["session_key", "generation"];
    archive.read_spans(path, &[(0, rows as i64)], Some(&columns), |_, frame| {
        let keys = frame.column("session_key")?.str()?;
        let generations = frame.column("generation")?.i64()?;
        for (key, generation) in keys.iter().zip(generations.iter()) {
            let key = key.unwrap_or_default();
            if !archive.replaced().holds(key, generation.unwrap_or(0)) {
                look(key);
            }
        }
        Ok(())
    });
}

/// The files of an index and what hangs on it, and how many of each one's sessions are still current.
struct Old {
    /// Sessions of each file of the index that no newer rows replace, by its path.
    current: HashMap<String, i64>,
    /// Files of the other tables, by partition and generation.
    others: Vec<String>,
    /// Sessions that were derived anew.
    done: HashSet<String>,
}

impl Old {
    /// Looks through the index. Sessions that it knows and of which no bytes could be read are `left`.
    fn of(archive: &Archive, kept: &[KeptSession], left: &mut Vec<String>) -> Self {
        let kept: HashSet<&str> = kept.iter().map(|it| it.key.as_str()).collect();
        let mut current = HashMap::new();
        for note in archive.files("sessions") {
            let mut count = 0;
            each_current(archive, &note.path, |key| {
                count += 1;
                if !kept.contains(key) {
                    left.push(key.to_owned());
                }
            });
            current.insert(note.path.clone(), count);
        }
        let damaged: HashSet<String> = archive.damages().into_iter().map(|it| it.locator).collect();
        current.retain(|path, _| !damaged.contains(path));
        let tables = ["commands", "lines"];
        let others = tables.iter().flat_map(|it| archive.files(it)).map(|it| it.path.clone());
        Self { current, others: others.collect(), done: HashSet::new() }
    }

    /// Whether every row of a file that no index speaks of any more was derived anew, now or earlier.
    fn is_derived(&self, archive: &Archive, path: &str) -> bool {
        let mut all = true;
        each_current(archive, path, |key| all &= self.done.contains(key));
        // What could not be read is not sound, and stays.
        all
    }

    fn replaced(&mut self, row: &SessionRow) {
        if let Some(it) = self.current.get_mut(&Archive::file_of("sessions", row)) {
            *it -= 1;
        }
    }

    /// Files of which every row was derived anew. One that cannot be read stays: nobody can say what it held.
    fn superfluous(&self, archive: &Archive) -> Vec<String> {
        let done = |path: &str| self.current.get(path) == Some(&0);
        let mut out: Vec<String> =
            self.current.iter().filter(|it| *it.1 == 0).map(|it| it.0.clone()).collect();
        for path in &self.others {
            let index = path.split_once('/').map(|it| format!("sessions/{}", it.1));
            if index.as_deref().is_some_and(done)
                || index.is_some_and(|it| archive.note_of(&it).is_none())
                    && self.is_derived(archive, path)
            {
                out.push(path.clone());
            }
        }
        out.retain(|it| archive.is_sound(it));
        out.sort_unstable();
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::folder::Folder;
    use crate::sync::Options;

    /// Stops a rebuild when so many sessions were begun.
    struct Stopping<'a> {
        begun: usize,
        at: usize,
        stop: &'a AtomicBool,
    }

    impl Progress for Stopping<'_> {
        fn took(&mut self, objects: u64, _bytes: u64) {
            self.begun += objects as usize;
            self.stop.store(self.begun >= self.at, Ordering::Relaxed);
        }
    }

    #[test]
    fn a_rebuild_that_is_stopped_brings_nothing_back_behind_a_full_batch() {
        let world = tempfile::tempdir().unwrap();
        let line = "the quick brown fox jumps over the lazy dog\r\n";
        let text = line.repeat((9 << 20) / line.len());
        for it in 0..5 {
            let name = format!("alice-0123456789abcdef{it}.log");
            std::fs::write(world.path().join(name), &text).unwrap();
        }
        let archive = tempfile::tempdir().unwrap();
        let mut writer = Writer::open(archive.path()).unwrap();
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let stop = AtomicBool::new(false);
        let options = Options { now: At(0), threads: 1, stop: &stop };
        let folder = Folder::open(world.path()).unwrap();
        super::super::sync(&runtime, &mut writer, &[&folder], &options, &mut ()).unwrap();
        // Three of nine MiB are a batch.
        let mut progress = Stopping { begun: 0, at: 3, stop: &stop };
        let it = rebuild(&mut writer, At(0), &stop, &mut progress).unwrap();
        assert_eq!((it.sessions, progress.begun, it.interrupted), (3, 3, true));
    }

    #[test]
    fn a_rebuild_tells_what_came_what_went_and_what_reads_differently() {
        let changed = |before: &[(i64, &str)], now: &[(i64, &str)]| {
            let mut compared = Compared::default();
            before.iter().for_each(|it| compared.add(it.0, "shell", it.1));
            compared.settle();
            now.iter().for_each(|it| compared.meet(it.0, "shell", it.1));
            Changed::of("a", &compared).map(|it| (it.new, it.gone, it.different))
        };
        let before = [(0, "ls"), (10, "cta x"), (20, "Demo"), (20, "demo")];
        assert_eq!(changed(&before, &before), None);
        assert_eq!(changed(&before, &[(20, "demo"), (20, "Demo"), (10, "cta x"), (0, "ls")]), None);
        let now = [(0, "ls"), (10, "cat x"), (30, "pwd")];
        assert_eq!(changed(&before, &now), Some((1, 2, 1)));
    }
}
