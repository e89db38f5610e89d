//! Reading: the one place that opens the archive's Parquet files.
//!
//! Whatever is read is compared with what the manifest says of it: length and footer when a file is opened, pieces when
//! rows are read from them. A file that is missing, changed or makes no sense is a damage that names it, and the rest
//! is read. Nothing here is done once for each session that is kept: what many sessions ask for is looked up together.

use std::collections::HashMap;
use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use polars::prelude::*;

use super::cursor::Cursor;
use super::filter;
use super::filter::Which;
use super::guard::guarded;
use super::kept::Answered;
use super::kept::Archive;
use super::kept::DERIVED;
use super::kept::Held;
use super::manifest::Brought;
use super::manifest::Entry;
use super::manifest::FileNote;
use super::manifest::Seal;
use super::opened::Opened;
use super::scan::TableScan;
use super::schema;
use super::schema::CommandRow;
use super::schema::LineRow;
use super::schema::SessionRow;
use super::schema::Table;
use super::schema::TranscriptRow;
use super::state::check_format;
use super::state::read_lock;
use super::state::state;
use crate::error::Result;
use crate::time::At;
use crate::transcript::wire::Form;

/// Files kept open for reading at once, whatever the number of partitions.
const OPEN_FILES: usize = 16;

/// Columns of kept objects that tell what is held.
const HELD: [&str; 9] = [
    "locator",
    "version",
    "digest",
    "session_id",
    "session_key",
    "read_at",
    "position",
    "part_start",
    "generation",
];

impl Archive {
    /// Opens the archive in this folder and asks it something. What could not be read meanwhile comes with the answer.
    ///
    /// ```
    /// # fn main() -> ssmtrail::error::Result<()> {
    /// use ssmtrail::archive::{Archive, Which};
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let root = folder.path().join("archive");
    /// # drop(ssmtrail::archive::writer::Writer::open(&root)?);
    /// let asked = Archive::ask(&root, |it| it.sessions(&Which::default()))?;
    /// assert!(asked.answer.is_empty() && asked.lost.is_empty());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// When the folder holds no archive, or one of another format; what the question meets.
    pub fn ask<T>(root: &Path, question: impl FnOnce(&Self) -> Result<T>) -> Result<Answered<T>> {
        Self::open(root)?.answered(question)
    }

    /// As [`Self::ask`], of an archive that is open.
    pub(crate) fn answered<T>(
        &self,
        question: impl FnOnce(&Self) -> Result<T>,
    ) -> Result<Answered<T>> {
        let answer = question(self)?;
        Ok(Answered { answer, lost: self.damages() })
    }

    /// Opens the archive in this folder, for what tells itself what could not be read.
    ///
    /// # Errors
    /// When the folder holds no archive, or one of another format.
    pub(crate) fn open(root: &Path) -> Result<Self> {
        check_format(root)?;
        let readers = read_lock(root);
        let manifest = state(root);
        let mut archive = Self::over(root, manifest);
        archive._readers = readers;
        archive.tell_underived();
        Ok(archive)
    }

    /// Row groups read so far.
    pub fn groups_read(&self) -> u64 {
        self.groups_read.load(Ordering::Relaxed)
    }

    /// What an entry brought, if its list can be read and proves. A list that does not is a damage.
    pub fn brought_by(&self, entry: &Entry) -> Option<Vec<Brought>> {
        let path = entry.list()?;
        let list = super::manifest::read_list(&self.root.join(&path)).ok();
        let list = list.filter(|it| Some(Seal::of(it)) == entry.brought);
        if list.is_none() {
            self.damaged(&path, "it is not what its entry brought");
        }
        list
    }

    /// How often a whole index was looked through so far.
    pub fn index_scans(&self) -> u64 {
        self.index_scans.load(Ordering::Relaxed)
    }

    /// Row groups in the live files of a table.
    pub fn groups_held(&self, table: &str) -> u64 {
        self.files(table)
            .filter_map(|it| Some(self.opened(&it.path).ok()?.metadata.row_groups.len() as u64))
            .sum()
    }

    /// A file of the archive, opened and its footer checked; few are kept open.
    pub(crate) fn opened(&self, path: &str) -> PolarsResult<Arc<Opened>> {
        let Ok(mut open) = self.open.lock() else {
            polars_bail!(ComputeError: "another reader failed");
        };
        if let Some(at) = open.iter().position(|it| it.0 == path) {
            let it = open.remove(at);
            let opened = Arc::clone(&it.1);
            open.push(it);
            return Ok(opened);
        }
        let Some(note) = self.places.get(path).and_then(|it| self.live.get(*it)) else {
            polars_bail!(ComputeError: "no entry of the manifest names it");
        };
        self.files_opened.fetch_add(1, Ordering::Relaxed);
        let opened = Arc::new(Opened::open(&self.path_of(note), note)?);
        if open.len() >= OPEN_FILES {
            open.remove(0);
        }
        open.push((path.to_owned(), Arc::clone(&opened)));
        Ok(opened)
    }

    /// Carries out what reads frames of [`Self::scan`]: a panic over damaged bytes is an error.
    ///
    /// # Errors
    /// Whatever the reading meets.
    pub fn guarded<T>(&self, read: impl FnOnce() -> PolarsResult<T>) -> PolarsResult<T> {
        guarded(read)
    }

    /// Whether all of a file is as it was written. What is not becomes a damage.
    pub fn is_sound(&self, path: &str) -> bool {
        let checked = self.opened(path).and_then(|it| it.check_all(None));
        checked.map_err(|it| self.damaged(path, it)).is_ok()
    }

    /// How often a file was opened so far.
    pub fn files_opened(&self) -> u64 {
        self.files_opened.load(Ordering::Relaxed)
    }

    /// For rows that are asked for in the order of the files.
    pub(crate) fn cursor<'a>(&'a self, columns: Option<&'a [&'a str]>) -> Cursor<'a> {
        Cursor::new(self, columns)
    }

    /// A table as a lazy frame over its live files, without what newer generations replace. All that it may read is
    /// checked before: `columns` are those, all if `None`.
    ///
    /// # Errors
    /// When the files make no frame; a damaged file is noted and left out.
    pub fn scan(&self, table: &Table, columns: Option<&[&str]>) -> PolarsResult<LazyFrame> {
        let mut files = Vec::new();
        for note in self.files(table.name) {
            let checked = self.opened(&note.path).and_then(|it| it.check_all(columns));
            match checked {
                Ok(()) => files.push((self.path_of(note), note.clone())),
                Err(it) => self.damaged(&note.path, it),
            }
        }
        if files.is_empty() {
            return Ok(table.empty().lazy());
        }
        let frame = TableScan::frame(table.schema(), files)?;
        let derived = table.columns.iter().any(|it| it.name == "generation");
        if self.replaced.is_empty() || !derived || table.name == "transcripts" {
            return Ok(frame);
        }
        self.replaced.filter(frame)
    }

    /// A table as far as it is asked for, given the keys of the sessions that are (see [`Self::asked`]); of commands those that may
    /// have been typed in the window, as `search::commands` finds them. What belongs to no session is never left out.
    ///
    /// # Errors
    /// When the files make no frame; a damaged file is noted and left out.
    pub fn scan_of(
        &self,
        table: &Table,
        which: &Which,
        asked: Option<&DataFrame>,
    ) -> PolarsResult<LazyFrame> {
        let frame = self.scan(table, None)?;
        let has_key = table.columns.iter().any(|it| it.name == "session_key");
        let Some(asked) = asked.filter(|_| has_key) else { return Ok(frame) };
        let frame = match table.name == schema::COMMANDS.name {
            true => frame.filter(filter::command_may_lie_in(which.window)),
            false => frame,
        };
        let key = || col("session_key");
        let mut how = JoinArgs::new(JoinType::Semi);
        how.maintain_order = MaintainOrderJoin::Left;
        Ok(frame.join(asked.clone().lazy(), [key()], [key()], how))
    }

    /// Keys of the sessions that are asked for; `None` if all are.
    ///
    /// # Errors
    /// When the sessions table cannot be read.
    pub fn asked(&self, which: &Which) -> Result<Option<DataFrame>> {
        if which.is_all() {
            return Ok(None);
        }
        let keys: Vec<String> =
            self.sessions(which)?.into_iter().map(|it| it.session_key).collect();
        let keys =
            StringChunked::from_iter_values("session_key".into(), keys.iter().map(String::as_str));
        Ok(Some(DataFrame::new(keys.len(), vec![keys.into_column()])?))
    }

    /// The sessions asked for, oldest first.
    ///
    /// # Errors
    /// When the sessions table cannot be read.
    pub fn sessions(&self, which: &Which) -> Result<Vec<SessionRow>> {
        let frame = self.scan(&schema::SESSIONS, None)?;
        let frame = match filter::condition(which) {
            Some(condition) => frame.filter(condition),
            None => frame,
        };
        let frame = guarded(|| frame.collect())?;
        let mut rows = SessionRow::rows(&frame)?;
        rows.sort_by(|one, other| (one.at, &one.session_key).cmp(&(other.at, &other.session_key)));
        Ok(rows)
    }

    /// Ids of all sessions.
    ///
    /// # Errors
    /// When the sessions table cannot be read.
    pub fn session_ids(&self) -> Result<Vec<String>> {
        self.texts("session_id")
    }

    /// Owners of all sessions, each once.
    ///
    /// # Errors
    /// An index that cannot be read.
    pub fn owners(&self) -> Result<Vec<String>> {
        let mut owners = self.texts("owner")?;
        let mut seen = HashSet::new();
        owners.retain(|it| seen.insert(it.clone()));
        Ok(owners)
    }

    /// One column of all sessions, as far as it is known.
    fn texts(&self, column: &str) -> Result<Vec<String>> {
        let columns = [column, "session_key", "generation"];
        let frame = self.scan(&schema::SESSIONS, Some(&columns))?;
        let frame = guarded(|| frame.select([col(column)]).collect())?;
        Ok(frame.column(column)?.str()?.iter().flatten().map(str::to_owned).collect())
    }

    /// Commands of one session, in order. Reads the row groups that hold them and no others.
    pub fn commands_of(&self, session: &SessionRow) -> Vec<CommandRow> {
        let mut rows = Vec::new();
        let spans = [(session.commands_at, session.commands_rows)];
        self.read_spans(&Self::file_of("commands", session), &spans, None, |_, frame| {
            rows.extend(CommandRow::rows(&frame)?);
            Ok(())
        });
        rows
    }

    /// Lines of one session, in order.
    pub fn lines_of(&self, session: &SessionRow) -> Vec<LineRow> {
        let mut rows = Vec::new();
        let spans = [(session.lines_at, session.lines_rows)];
        self.read_spans(&Self::file_of("lines", session), &spans, None, |_, frame| {
            rows.extend(LineRow::rows(&frame)?);
            Ok(())
        });
        rows
    }

    /// Path of a session's file in a table, below the archive.
    pub fn file_of(table: &str, session: &SessionRow) -> String {
        format!("{table}/{}/{:08}.parquet", session.partition, session.generation)
    }

    /// Reads the row groups of a file that hold these spans of rows (first row, count; in order), one at a
    /// time, cut to the spans; `take` gets each cut and the number of its first row. `columns` is all if
    /// `None`. What cannot be read becomes a damage; the other row groups are read.
    pub fn read_spans(
        &self,
        path: &str,
        spans: &[(i64, i64)],
        columns: Option<&[&str]>,
        mut take: impl FnMut(i64, DataFrame) -> PolarsResult<()>,
    ) {
        if spans.iter().all(|it| it.1 == 0) {
            return;
        }
        let opened = match self.opened(path) {
            Ok(it) => it,
            Err(it) => return self.damaged(path, it),
        };
        for group in 0..opened.firsts.len() {
            let (first, next) = (opened.firsts[group], opened.end_of(group));
            let from = spans.partition_point(|it| it.0 + it.1 <= first);
            let wanted: Vec<(i64, i64)> = spans[from..]
                .iter()
                .take_while(|it| it.0 < next)
                .map(|(at, rows)| ((*at).max(first), (at + rows).min(next)))
                .filter(|(from, to)| from < to)
                .collect();
            if let (Some((from, _)), Some((_, to))) = (wanted.first(), wanted.last()) {
                self.groups_read.fetch_add(1, Ordering::Relaxed);
                let read = opened.rows(group, *from, *to, columns).and_then(|frame| {
                    wanted.iter().try_for_each(|(start, end)| {
                        take(*start, frame.slice(start - from, (end - start) as usize))
                    })
                });
                if let Err(it) = read {
                    self.damaged(path, it);
                }
            }
        }
    }

    /// Reads a whole table as [`Self::read_spans`] does, a row group at a time.
    pub(crate) fn read_table(
        &self,
        table: &str,
        columns: &[&str],
        mut take: impl FnMut(DataFrame) -> PolarsResult<()>,
    ) {
        for note in self.files(table) {
            let all = [(0, note.rows as i64)];
            self.read_spans(&note.path, &all, Some(columns), |_, frame| take(frame));
        }
    }

    /// Every transcript kept of these sessions, whole, session by session, oldest version first. Content is read part by
    /// part through `take`, which gets each part's row. However many sessions are asked for, the files are looked
    /// through once.
    ///
    /// # Errors
    /// When `take` fails; what cannot be read is noted as damage.
    pub fn transcripts_of(
        &self,
        session_keys: &[&str],
        mut take: impl FnMut(TranscriptRow) -> Result<()>,
    ) -> Result<()> {
        let place: HashMap<&str, usize> =
            session_keys.iter().enumerate().map(|(nth, it)| (*it, nth)).collect();
        let notes: Vec<&FileNote> = self.files("transcripts").collect();
        // Session, file, row; in this order.
        let mut rows: Vec<(usize, usize, i64)> = Vec::new();
        for (file, note) in notes.iter().enumerate() {
            let all = [(0, note.rows as i64)];
            self.read_spans(&note.path, &all, Some(&["session_key"]), |first, frame| {
                let keys = frame.column("session_key")?.str()?;
                let sessions = keys.iter().map(|it| place.get(it?).copied());
                rows.extend(
                    sessions
                        .enumerate()
                        .filter_map(|(row, it)| it.map(|it| (it, file, first + row as i64))),
                );
                Ok(())
            });
        }
        rows.sort_unstable();
        for (_, file, row) in rows {
            let mut found = Vec::new();
            self.read_spans(&notes[file].path, &[(row, 1)], None, |_, frame| {
                found.extend(TranscriptRow::rows(&frame)?);
                Ok(())
            });
            found.into_iter().try_for_each(&mut take)?;
        }
        Ok(())
    }

    /// Bytes of the transcript that commands and lines were read from, the first 64 MiB of them, and their form.
    ///
    /// # Errors
    /// As [`Self::transcripts_of`].
    pub fn primary_bytes(&self, session: &SessionRow) -> Result<(Vec<u8>, Option<Form>)> {
        const MOST: usize = 64 << 20;
        let mut bytes = Vec::new();
        let mut form = None;
        let mut version = None;
        self.transcripts_of(&[&session.session_key], |row| {
            if row.locator == session.locator {
                if row.part == 0 && version.as_ref() != Some(&row.version) {
                    bytes.clear();
                    version = Some(row.version.clone());
                    form = row.form.known();
                }
                if bytes.len() < MOST {
                    bytes.extend_from_slice(&row.content);
                }
            }
            Ok(())
        })?;
        Ok((bytes, form))
    }

    /// Every transcript kept, without its content; of a long one the first part alone, of a log stream that grew each
    /// stretch that was read.
    ///
    /// # Errors
    /// When the transcripts table cannot be read.
    pub fn transcript_notes(&self) -> Result<Vec<TranscriptRow>> {
        let names = schema::TRANSCRIPTS.columns.iter().map(|it| it.name);
        let names: Vec<&str> = names.filter(|it| *it != "content").collect();
        let frame = self.scan(&schema::TRANSCRIPTS, Some(&names))?;
        let firsts = frame.filter(col("part_start").eq(lit(0)).or(col("position").is_not_null()));
        let none = lit(Vec::<u8>::new()).alias("content");
        let frame = guarded(|| firsts.select([cols(names).as_expr(), none]).collect())?;
        Ok(TranscriptRow::rows(&frame)?)
    }

    /// Tells what a repair found lost and nobody derived again since: until then no answer is whole. Looked for only where there was
    /// such a repair and no rebuild after it.
    pub(super) fn tell_underived(&self) {
        let is_derived = |what: &str| {
            DERIVED.iter().any(|it| what.strip_prefix(it).is_some_and(|it| it.starts_with('/')))
        };
        let open = self.manifest.entries.iter().fold(false, |open, it| match it.did.as_str() {
            "rebuild" => false,
            _ => open || it.repaired.iter().any(|it| is_derived(&it.what)),
        });
        if !open {
            return;
        }
        let mut known: HashMap<String, ()> = HashMap::new();
        let (mut commands, mut lines) = (0, 0);
        let columns = ["session_key", "generation", "partition", "commands_rows", "lines_rows"];
        self.read_table("sessions", &columns, |frame| {
            let text = |name: &str| frame.column(name)?.str().cloned();
            let [keys, partitions] = [text("session_key")?, text("partition")?];
            let number = |name: &str| frame.column(name)?.i64().cloned();
            let generations = number("generation")?;
            let rows = [number("commands_rows")?, number("lines_rows")?];
            for row in 0..frame.height() {
                let key = keys.get(row).unwrap_or_default();
                let generation = generations.get(row).unwrap_or(0);
                if self.replaced.holds(key, generation) {
                    continue;
                }
                known.insert(key.to_owned(), ());
                let partition = partitions.get(row).unwrap_or_default();
                let is_lost = |nth: usize, table: &str| {
                    let path = format!("{table}/{partition}/{generation:08}.parquet");
                    rows[nth].get(row).unwrap_or(0) > 0 && self.note_of(&path).is_none()
                };
                commands += u64::from(is_lost(0, "commands"));
                lines += u64::from(is_lost(1, "lines"));
            }
            Ok(())
        });
        let mut unknown: HashSet<String> = HashSet::new();
        self.read_table("transcripts", &["session_key"], |frame| {
            let keys = frame.column("session_key")?.str()?.clone();
            let lost = keys.iter().flatten().filter(|it| !known.contains_key(*it));
            unknown.extend(lost.map(str::to_owned));
            Ok(())
        });
        let lost = [("sessions", unknown.len() as u64), ("commands", commands), ("lines", lines)];
        for (table, many) in lost.into_iter().filter(|it| it.1 > 0) {
            let of = if many == 1 { "1 session".to_owned() } else { format!("{many} sessions") };
            self.damaged(
                table,
                format!("what it held of {of} was lost before a repair; `ssmtrail archive rebuild` derives it again where their bytes are kept"),
            );
        }
    }

    /// Where transcripts lay whose kept bytes a repair found damaged or missing, and which nobody brought again since; `None` if
    /// that cannot be told.
    fn lost_locators(&self) -> Option<HashSet<String>> {
        let list = |entry: u64| -> Option<Vec<String>> {
            let path = self.root.join(super::manifest::list_of(entry));
            let list = super::manifest::read_list(&path).ok()?;
            Some(list.into_iter().map(|it| it.locator).collect())
        };
        let number = |it: &str| -> Option<u64> {
            it.rsplit('/').next()?.strip_suffix(".parquet")?.parse().ok()
        };
        let mut lost = HashSet::new();
        for entry in &self.manifest.entries {
            let brings = entry.did != "repair" && entry.list().is_some();
            if !lost.is_empty() && brings {
                // What cannot be read brought nothing.
                for it in list(entry.entry).unwrap_or_default() {
                    lost.remove(&it);
                }
            }
            let gone = entry.repaired.iter().filter(|it| it.what.starts_with("transcripts/"));
            let gone: std::collections::BTreeSet<u64> =
                gone.filter_map(|it| number(&it.what)).collect();
            for it in gone {
                lost.extend(list(it)?);
            }
        }
        Some(lost)
    }

    /// Every kept object in the order in which it was kept, for deciding what is missing.
    ///
    /// # Errors
    /// Never today: what cannot be read is noted as damage.
    pub fn held(&self, mut take: impl FnMut(Held<'_>)) -> Result<()> {
        self.read_table("transcripts", &HELD, |frame| {
            let text = |name: &str| frame.column(name)?.str().cloned();
            let [locator, version, digest] = [text("locator")?, text("version")?, text("digest")?];
            let [id, key, position] =
                [text("session_id")?, text("session_key")?, text("position")?];
            let starts = frame.column("part_start")?.i64()?.clone();
            let read_at = frame.column("read_at")?.datetime()?.clone();
            for (row, read_at) in read_at.physical().iter().enumerate() {
                if starts.get(row) != Some(0) && position.get(row).is_none() {
                    continue;
                }
                take(Held {
                    locator: locator.get(row).unwrap_or_default(),
                    version: version.get(row).unwrap_or_default(),
                    digest: digest.get(row).unwrap_or_default(),
                    session: Some((
                        id.get(row).unwrap_or_default(),
                        key.get(row).unwrap_or_default(),
                    )),
                    read_at: read_at.map(At),
                    position: position.get(row),
                });
            }
            Ok(())
        });
        let lost = self.lost_locators();
        for entry in &self.manifest.entries {
            let read_at = At::read(&entry.written_at);
            // A version is held because the bytes are, and these are gone.
            for it in entry
                .aliases
                .iter()
                .filter(|it| lost.as_ref().is_some_and(|lost| !lost.contains(&it.locator)))
            {
                take(Held {
                    locator: &it.locator,
                    version: &it.version,
                    digest: &it.digest,
                    session: None,
                    read_at,
                    position: None,
                });
            }
        }
        Ok(())
    }
}
