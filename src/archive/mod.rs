//! The kept copy: opened, questioned, appended to.
//!
//! A folder of Parquet files and a manifest. The `sessions` table is the index: its rows say in which file and
//! at which rows a session's commands, lines and bytes stand, so that one session, one owner or one
//! target reads a few row groups however many years lie beside them. Readers need no lock; they see what the
//! manifest names. One writer at a time, by a lock of the operating system that dies with its holder.
//!
//! Absent here: where transcripts come from.

use std::collections::HashMap;
use std::collections::HashSet;
use std::fs::File;
use std::fs::OpenOptions;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

use polars::prelude::*;
use sha2::Digest;

use crate::archive::manifest::FileNote;
use crate::archive::manifest::Manifest;
use crate::archive::schema::CommandRow;
use crate::archive::schema::LineRow;
use crate::archive::schema::SessionRow;
use crate::archive::schema::TABLES;
use crate::archive::schema::Table;
use crate::archive::schema::TranscriptRow;
use crate::error::Error;
use crate::error::Kind;
use crate::error::Result;
use crate::session::Skip;
use crate::session::Window;

/// What the archive holds, and the proof of it.
pub mod manifest;

/// The tables, column by column.
pub mod schema;

/// The one hand that writes.
pub mod writer;

/// Surveys and findings, kept.
pub mod judged;

/// Layout of the folder. Raised when a reader of the old one could be wrong about the new one.
pub const FORMAT: u64 = 1;

/// Name of the file that says the format.
pub const MARKER: &str = "archive.json";

/// Name of the file that makes marks of masked secrets this archive's own.
pub const SALT: &str = "salt";

/// Name of the record of who had secrets shown.
pub const REVEALS: &str = "reveals.jsonl";

/// How far each feed has come: a file for each, that holds a number.
const FEEDS: &str = "feeds";

/// Opens files so that only their owner can read them.
pub(crate) fn private(options: &mut OpenOptions) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    let _ = options;
}

/// Creates a folder that only its owner can enter.
pub(crate) fn private_folder(path: &Path) -> std::io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt;
        builder.mode(0o700);
    }
    builder.create(path)
}

/// Which sessions. Texts match as parts, whatever the case; empty fields match all.
#[derive(Clone, Debug, Default)]
pub struct Which {
    pub owners: Vec<String>,
    pub targets: Vec<String>,
    pub sessions: Vec<String>,
    pub run_as: Vec<String>,
    pub window: Window,
}

impl Which {
    pub fn is_all(&self) -> bool {
        self.owners.is_empty()
            && self.targets.is_empty()
            && self.sessions.is_empty()
            && self.run_as.is_empty()
            && self.window.is_open()
    }
}

/// How much was read to answer: row groups touched, of those that lie in the files of each table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RowGroups {
    pub read: u64,
    pub held: u64,
}

/// One kept object, or a version of one whose bytes were kept already.
#[derive(Clone, Copy, Debug)]
pub struct Held<'a> {
    pub locator: &'a str,
    pub version: &'a str,
    pub digest: &'a str,
    /// Id and key of its session; `None` of a mere version.
    pub session: Option<(&'a str, &'a str)>,
    /// UTC microseconds.
    pub read_at: i64,
    /// Where reading a log stream stopped.
    pub position: Option<&'a str>,
}

/// An archive, opened for reading.
pub struct Archive {
    pub root: PathBuf,
    pub manifest: Manifest,
    live: Vec<FileNote>,
    superseded: HashSet<(String, i64)>,
    damages: Mutex<Vec<Skip>>,
    groups_read: AtomicU64,
}

impl Archive {
    /// Opens the archive in this folder.
    pub fn open(root: &Path) -> Result<Self> {
        check_format(root)?;
        let manifest = Manifest::read(root)?;
        Ok(Self::over(root, manifest))
    }

    pub(crate) fn over(root: &Path, manifest: Manifest) -> Self {
        let retired: HashSet<&str> =
            manifest.entries.iter().flat_map(|it| it.retired.iter().map(String::as_str)).collect();
        let live = manifest
            .entries
            .iter()
            .flat_map(|it| it.added.iter())
            .filter(|it| !retired.contains(it.path.as_str()))
            .cloned()
            .collect();
        let live: Vec<FileNote> = live;
        let generations: HashSet<i64> =
            live.iter().filter(|it| it.table == "sessions").filter_map(generation_of).collect();
        // What is retired with its files needs no mention.
        let superseded = manifest
            .entries
            .iter()
            .flat_map(|it| it.superseded.iter().cloned())
            .filter(|it| generations.contains(&it.1))
            .collect();
        let damages = Mutex::new(manifest.damages.clone());
        Self {
            root: root.to_owned(),
            manifest,
            live,
            superseded,
            damages,
            groups_read: AtomicU64::new(0),
        }
    }

    /// What makes marks of masked secrets differ from archive to archive: made when first needed, and kept. Where it
    /// cannot be kept, marks tell reuse within one answer only.
    pub fn salt(&self) -> [u8; 32] {
        let path = self.root.join(SALT);
        let kept = || {
            let text = std::fs::read_to_string(&path).ok()?;
            let mut salt = [0; 32];
            let digits = text.trim().as_bytes();
            for (nth, pair) in digits.chunks(2).take(32).enumerate() {
                salt[nth] = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
            }
            (digits.len() == 64).then_some(salt)
        };
        if let Some(it) = kept() {
            return it;
        }
        let mut salt = [0; 32];
        // Without chance there is still the archive's own history, which the output does not tell.
        if getrandom::fill(&mut salt).is_err() {
            let last = self.manifest.entries.last().map_or("", |it| it.digest.as_str());
            salt = sha2::Sha256::digest(last.as_bytes()).into();
        }
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        private(&mut options);
        let written = options
            .open(&path)
            .and_then(|mut it| std::io::Write::write_all(&mut it, manifest::hex(&salt).as_bytes()));
        // Another process may have been first.
        if written.is_err() { kept().unwrap_or(salt) } else { salt }
    }

    /// Adds a line to the record of who had secrets shown.
    ///
    /// # Errors
    /// It cannot be written: then they must not be shown.
    pub fn record_reveal(&self, line: &str) -> Result<()> {
        let path = self.root.join(REVEALS);
        let mut options = OpenOptions::new();
        options.append(true).create(true);
        private(&mut options);
        options
            .open(&path)
            .and_then(|mut it| std::io::Write::write_all(&mut it, format!("{line}\n").as_bytes()))
            .map_err(|it| {
                Error::file("write", &path, it)
                    .hint("secrets are shown only where it can be recorded; leave out --reveal")
            })
    }

    /// The manifest entry up to which the feed of this name was written; 0 if it never was.
    ///
    /// # Errors
    /// A name that cannot be a file's, or a file that holds no number.
    pub fn watermark(&self, feed: &str) -> Result<i64> {
        let path = self.feed(feed)?;
        let text = match std::fs::read_to_string(&path) {
            Err(it) if it.kind() == std::io::ErrorKind::NotFound => return Ok(0),
            it => it.map_err(|it| Error::file("read", &path, it))?,
        };
        text.trim().parse().ok().filter(|it| *it >= 0).ok_or_else(|| {
            Error::new(Kind::Damaged, format!("{} holds no number", path.display()))
                .hint("remove it, and the feed begins anew")
        })
    }

    /// Remembers how far a feed was written; whole or not at all.
    ///
    /// # Errors
    /// The system's refusal.
    pub fn set_watermark(&self, feed: &str, entry: i64) -> Result<()> {
        let path = self.feed(feed)?;
        let folder = self.root.join(FEEDS);
        let write = || -> std::io::Result<()> {
            std::fs::create_dir_all(&folder)?;
            let mut file = tempfile::NamedTempFile::new_in(&folder)?;
            std::io::Write::write_all(&mut file, format!("{entry}\n").as_bytes())?;
            file.as_file().sync_all()?;
            file.persist(&path)?;
            Ok(())
        };
        write().map_err(|it| Error::file("write", &path, it))
    }

    fn feed(&self, name: &str) -> Result<PathBuf> {
        let sound = |it: char| it.is_ascii_alphanumeric() || it == '-' || it == '_';
        if name.is_empty() || name.len() > 100 || !name.chars().all(sound) {
            return Err(Error::misused(format!("a feed cannot be called {name}"))
                .hint("letters, digits, - and _"));
        }
        Ok(self.root.join(FEEDS).join(name))
    }

    /// Files of one table, oldest entry first.
    pub fn files<'a>(&'a self, table: &'a str) -> impl Iterator<Item = &'a FileNote> + 'a {
        self.live.iter().filter(move |it| it.table == table)
    }

    pub fn live_files(&self) -> &[FileNote] {
        &self.live
    }

    pub fn superseded(&self) -> &HashSet<(String, i64)> {
        &self.superseded
    }

    /// The folder that it lies in.
    pub fn root(&self) -> &Path {
        &self.root
    }

    pub fn path_of(&self, note: &FileNote) -> PathBuf {
        self.root.join(&note.path)
    }

    /// What could not be read so far. Reaches the user and the exit code.
    pub fn damages(&self) -> Vec<Skip> {
        self.damages.lock().map(|it| it.clone()).unwrap_or_default()
    }

    fn damaged(&self, path: &str, why: impl std::fmt::Display) {
        let why = why.to_string();
        let why = why.lines().next().unwrap_or("it cannot be read").to_owned();
        if let Ok(mut damages) = self.damages.lock()
            && !damages.iter().any(|it| it.locator == path)
        {
            damages.push(Skip { locator: path.to_owned(), why, loses: true });
        }
    }

    /// Row groups read so far by [`Self::commands_of`], [`Self::lines_of`] and [`Self::transcripts_of`].
    pub fn groups_read(&self) -> u64 {
        self.groups_read.load(Ordering::Relaxed)
    }

    /// Row groups in the live files of a table.
    pub fn groups_held(&self, table: &str) -> u64 {
        self.files(table)
            .filter_map(|it| {
                let file = File::open(self.path_of(it)).ok()?;
                let mut reader = ParquetReader::new(file);
                reader.get_metadata().ok().map(|it| it.row_groups.len() as u64)
            })
            .sum()
    }

    /// A table as a lazy frame over its live files, without what newer generations replace.
    pub fn scan(&self, table: &Table) -> PolarsResult<LazyFrame> {
        let mut paths = Vec::new();
        for note in self.files(table.name) {
            let path = self.path_of(note);
            match sound_parquet(&path) {
                Ok(()) => paths.push(path),
                Err(it) => self.damaged(&note.path, it),
            }
        }
        if paths.is_empty() {
            return Ok(table.empty().lazy());
        }
        let paths: Vec<PlRefPath> =
            paths.iter().map(|it| PlRefPath::new(it.to_string_lossy().as_ref())).collect();
        let args = ScanArgsParquet {
            glob: false,
            allow_missing_columns: true,
            schema: Some(Arc::new(table.schema())),
            ..Default::default()
        };
        let frame = LazyFrame::scan_parquet_files(paths.into(), args)?;
        let derived = table.columns.iter().any(|it| it.name == "generation");
        if self.superseded.is_empty() || !derived || table.name == "transcripts" {
            return Ok(frame);
        }
        let keys = StringChunked::from_iter_values(
            "session_key".into(),
            self.superseded.iter().map(|it| it.0.as_str()),
        );
        let generations = Int64Chunked::from_iter_values(
            "generation".into(),
            self.superseded.iter().map(|it| it.1),
        );
        let old = DataFrame::new(keys.len(), vec![keys.into_column(), generations.into_column()])?;
        let on = [col("session_key"), col("generation")];
        Ok(frame.join(old.lazy(), on.clone(), on, JoinArgs::new(JoinType::Anti)))
    }

    /// The sessions asked for, oldest first.
    pub fn sessions(&self, which: &Which) -> Result<Vec<SessionRow>> {
        let frame = self.scan(&schema::SESSIONS).map_err(|it| unreadable(&it))?;
        let frame = match condition(which) {
            Some(condition) => frame.filter(condition),
            None => frame,
        };
        let frame = frame.collect().map_err(|it| unreadable(&it))?;
        let mut rows = SessionRow::rows(&frame).map_err(|it| unreadable(&it))?;
        rows.sort_by(|one, other| (one.at, &one.session_key).cmp(&(other.at, &other.session_key)));
        Ok(rows)
    }

    /// Ids of all sessions.
    pub fn session_ids(&self) -> Result<Vec<String>> {
        let frame = self
            .scan(&schema::SESSIONS)
            .and_then(|it| it.select([col("session_id")]).collect())
            .map_err(|it| unreadable(&it))?;
        let ids = frame.column("session_id").and_then(|it| it.str().cloned());
        Ok(ids.map_err(|it| unreadable(&it))?.iter().flatten().map(str::to_owned).collect())
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
    /// `None`. What cannot be read becomes a damage.
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
        let mut read = || -> PolarsResult<()> {
            let file = File::open(self.root.join(path))?;
            let metadata = Arc::clone(ParquetReader::new(file.try_clone()?).get_metadata()?);
            let mut first = 0i64;
            for group in &metadata.row_groups {
                let next = first + group.num_rows() as i64;
                let wanted: Vec<(i64, i64)> = spans
                    .iter()
                    .map(|(at, rows)| ((*at).max(first), (at + rows).min(next)))
                    .filter(|(from, to)| from < to)
                    .collect();
                if let (Some((from, _)), Some((_, to))) = (wanted.first(), wanted.last()) {
                    self.groups_read.fetch_add(1, Ordering::Relaxed);
                    let columns = columns.map(|it| it.iter().map(|it| (*it).to_owned()).collect());
                    let mut reader = ParquetReader::new(file.try_clone()?);
                    reader.set_metadata(Arc::clone(&metadata));
                    let frame = reader
                        .with_slice(Some((*from as usize, (to - from) as usize)))
                        .with_columns(columns)
                        .finish()?;
                    for (start, end) in &wanted {
                        take(*start, frame.slice(start - from, (end - start) as usize))?;
                    }
                }
                first = next;
            }
            Ok(())
        };
        if let Err(it) = read() {
            self.damaged(path, it);
        }
    }

    /// Every transcript kept of these sessions, whole, session by session, oldest version first. Content is read part by
    /// part through `take`, which gets each part's row. However many sessions are asked for, the files are looked
    /// through once.
    pub fn transcripts_of(
        &self,
        session_keys: &[&str],
        mut take: impl FnMut(TranscriptRow) -> Result<()>,
    ) -> Result<()> {
        let place: HashMap<&str, usize> =
            session_keys.iter().enumerate().map(|(nth, it)| (*it, nth)).collect();
        let notes: Vec<&FileNote> = self.files("transcripts").collect();
        // Session, file, row; in this order.
        let mut rows: Vec<(usize, usize, usize)> = Vec::new();
        for (file, note) in notes.iter().enumerate() {
            let found = File::open(self.path_of(note)).map_err(PolarsError::from).and_then(|it| {
                let keys = ParquetReader::new(it)
                    .with_columns(Some(vec!["session_key".into()]))
                    .finish()?;
                let keys = keys.column("session_key")?.str()?;
                let sessions = keys.iter().map(|it| place.get(it?).copied());
                rows.extend(
                    sessions.enumerate().filter_map(|(row, it)| it.map(|it| (it, file, row))),
                );
                Ok(())
            });
            if let Err(it) = found {
                self.damaged(&note.path, it);
            }
        }
        rows.sort_unstable();
        let mut open: Option<(usize, File, FileMetadataRef)> = None;
        for (_, file, row) in rows {
            let mut read = || -> PolarsResult<Vec<TranscriptRow>> {
                if open.as_ref().is_none_or(|it| it.0 != file) {
                    let it = File::open(self.path_of(notes[file]))?;
                    let metadata = Arc::clone(ParquetReader::new(it.try_clone()?).get_metadata()?);
                    open = Some((file, it, metadata));
                }
                let Some((_, it, metadata)) = &open else { return Ok(Vec::new()) };
                let mut reader = ParquetReader::new(it.try_clone()?);
                reader.set_metadata(Arc::clone(metadata));
                TranscriptRow::rows(&reader.with_slice(Some((row, 1))).finish()?)
            };
            self.groups_read.fetch_add(1, Ordering::Relaxed);
            match read() {
                Ok(rows) => rows.into_iter().try_for_each(&mut take)?,
                Err(it) => self.damaged(&notes[file].path, it),
            }
        }
        Ok(())
    }

    /// Every transcript kept, without its content; of a long one the first part alone, of a log stream that grew each
    /// stretch that was read.
    pub fn transcript_notes(&self) -> Result<Vec<TranscriptRow>> {
        let columns: Vec<Expr> = schema::TRANSCRIPTS
            .columns
            .iter()
            .map(|it| match it.name {
                "content" => lit(Vec::<u8>::new()).alias("content"),
                name => col(name),
            })
            .collect();
        let frame = self
            .scan(&schema::TRANSCRIPTS)
            .and_then(|it| {
                it.filter(col("part_start").eq(lit(0)).or(col("position").is_not_null()))
                    .select(columns)
                    .collect()
            })
            .map_err(|it| unreadable(&it))?;
        TranscriptRow::rows(&frame).map_err(|it| unreadable(&it))
    }

    /// Every kept object in the order in which it was kept, for deciding what is missing.
    pub fn held(&self, mut take: impl FnMut(Held<'_>)) -> Result<()> {
        let columns =
            ["locator", "version", "digest", "session_id", "session_key", "read_at", "position"];
        let frame = self
            .scan(&schema::TRANSCRIPTS)
            .and_then(|it| {
                it.filter(col("part_start").eq(lit(0)).or(col("position").is_not_null()))
                    .select(columns.map(col))
                    .collect()
            })
            .map_err(|it| unreadable(&it))?;
        let text = |name: &str| -> Result<StringChunked> {
            let column = frame.column(name).and_then(|it| it.str().cloned());
            column.map_err(|it| unreadable(&it))
        };
        let read_at = frame
            .column("read_at")
            .and_then(|it| it.datetime().cloned())
            .map_err(|it| unreadable(&it))?;
        let [locator, version, digest] = [text("locator")?, text("version")?, text("digest")?];
        let [id, key, position] = [text("session_id")?, text("session_key")?, text("position")?];
        for (row, read_at) in read_at.physical().iter().enumerate() {
            take(Held {
                locator: locator.get(row).unwrap_or_default(),
                version: version.get(row).unwrap_or_default(),
                digest: digest.get(row).unwrap_or_default(),
                session: Some((id.get(row).unwrap_or_default(), key.get(row).unwrap_or_default())),
                read_at: read_at.unwrap_or(0),
                position: position.get(row),
            });
        }
        for entry in &self.manifest.entries {
            let read_at = chrono::DateTime::parse_from_rfc3339(&entry.written_at)
                .map_or(0, |it| it.timestamp_micros());
            for it in &entry.aliases {
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

    /// Sum of rows in the live files of each table, superseded ones included.
    pub fn row_counts(&self) -> Vec<(&'static str, u64)> {
        TABLES
            .iter()
            .map(|table| (table.name, self.files(table.name).map(|it| it.rows).sum()))
            .collect()
    }
}

fn unreadable(it: &PolarsError) -> Error {
    Error::new(Kind::Damaged, format!("the archive cannot be read: {it}"))
        .hint("`ssmtrail archive verify` says which file is damaged")
}

/// The generation in a file's name.
fn generation_of(note: &FileNote) -> Option<i64> {
    note.path.rsplit('/').next()?.strip_suffix(".parquet")?.parse().ok()
}

/// Whether a Parquet file has a sound footer.
fn sound_parquet(path: &Path) -> PolarsResult<()> {
    let file = File::open(path)?;
    ParquetReader::new(file).get_metadata()?;
    Ok(())
}

/// Refuses folders that are no archive or are newer than this program.
pub(crate) fn check_format(root: &Path) -> Result<()> {
    let path = root.join(MARKER);
    let text = match std::fs::read_to_string(&path) {
        Ok(it) => it,
        Err(it) if it.kind() == std::io::ErrorKind::NotFound => {
            return Err(Error::new(Kind::Missing, format!("no archive in {}", root.display()))
                .hint("`ssmtrail sync SOURCE` makes one; `--archive DIR` names another place"));
        }
        Err(it) => return Err(Error::file("read", &path, it)),
    };
    let format = serde_json::from_str::<serde_json::Value>(&text)
        .ok()
        .and_then(|it| it.get("format").and_then(serde_json::Value::as_u64));
    match format {
        Some(FORMAT) => Ok(()),
        Some(newer) if newer > FORMAT => Err(Error::new(
            Kind::Newer,
            format!(
                "the archive in {} has format {newer}; this ssmtrail reads format {FORMAT}",
                root.display()
            ),
        )
        .hint("use the newer ssmtrail that wrote it; nothing was changed")),
        _ => Err(Error::new(Kind::Damaged, format!("{} does not say its format", path.display()))
            .hint("it should read {\"format\":1}")),
    }
}

/// The filter as an expression that polars can push down into the files.
fn condition(which: &Which) -> Option<Expr> {
    let any = |column: &str, texts: &[String]| {
        texts
            .iter()
            .map(|it| {
                col(column)
                    .str()
                    .to_lowercase()
                    .str()
                    .contains_literal(lit(it.to_lowercase()))
                    .fill_null(lit(false))
            })
            .reduce(Expr::or)
    };
    let instant = |micros: i64| {
        lit(micros).cast(DataType::Datetime(TimeUnit::Microseconds, Some(TimeZone::UTC)))
    };
    // A key begins with its id. The first of those that share an id has no number in its key, and is told as `#1`.
    let firsts = which.sessions.iter().filter_map(|it| it.strip_suffix("#1")).map(|id| {
        let id = lit(id.to_lowercase());
        let ends = col("session_id").str().to_lowercase().str().ends_with(id);
        ends.and(col("session_key").eq(col("session_id")))
    });
    let parts = [
        any("owner", &which.owners),
        any("target", &which.targets),
        any("session_key", &which.sessions).into_iter().chain(firsts).reduce(Expr::or),
        any("run_as", &which.run_as),
        which.window.from.map(|it| {
            // What ends after the window begins may lie in it.
            col("last_event_at").fill_null(col("at")).gt_eq(instant(it))
        }),
        which.window.to.map(|it| col("at").lt(instant(it))),
    ];
    parts.into_iter().flatten().reduce(Expr::and)
}
