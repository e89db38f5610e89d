//! An archive, opened: its manifest, the files that count, and what could not be read of them so far.

use std::collections::HashMap;
use std::collections::HashSet;
use std::fs::File;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::AtomicU64;

use polars::prelude::*;

use super::manifest;
use super::manifest::FileNote;
use super::manifest::Manifest;
use super::opened::Opened;
use crate::error::Error;
use crate::error::Kind;
use crate::session::Skip;
use crate::time::At;

/// Tables that are derived from the kept bytes. The first is the index of the others.
pub(super) const DERIVED: [&str; 3] = ["sessions", "commands", "lines"];

/// One kept object, or a version of one whose bytes were kept already.
#[derive(Clone, Copy, Debug)]
pub struct Held<'a> {
    /// Where the object lay, as its source writes it: `s3://bucket/key`, or a path.
    pub locator: &'a str,
    /// Version of the object, as the `version` column of `transcripts` holds it.
    pub version: &'a str,
    /// SHA-256 of the object as its source held it, in hex digits; of a log stream, of the stretch that was read.
    pub digest: &'a str,
    /// Id and key of its session; `None` of a mere version.
    pub session: Option<(&'a str, &'a str)>,
    /// When it was read; `None` if that is not known.
    pub read_at: Option<At>,
    /// Where reading a log stream stopped.
    pub position: Option<&'a str>,
}

/// What the archive answered, and what of it could not be read: the one is not had without the other.
#[derive(Clone, Debug)]
#[must_use = "what could not be read reaches the user and the exit code"]
pub struct Answered<T> {
    /// As far as the archive could be read.
    pub answer: T,
    /// What could not be read while it was asked.
    pub lost: Vec<Skip>,
}

/// An archive, opened for reading.
pub struct Archive {
    /// Folder that the archive lies in.
    pub root: PathBuf,
    /// Entries of the chain, as they were when the archive was opened.
    pub manifest: Manifest,
    pub(super) live: Vec<FileNote>,
    /// Place of each path in `live`.
    pub(super) places: HashMap<String, usize>,
    pub(super) replaced: Replaced,
    pub(super) damages: Mutex<Vec<Skip>>,
    /// Files open for reading, the last used last.
    pub(super) open: Mutex<Vec<(String, Arc<Opened>)>>,
    pub(super) groups_read: AtomicU64,
    pub(super) files_opened: AtomicU64,
    pub(super) index_scans: AtomicU64,
    /// While it is held, no writer takes away files that were retired.
    pub(super) _readers: Option<File>,
}

/// Rows that newer rows of the same session replace.
#[derive(Debug, Default)]
pub struct Replaced {
    /// Session key and generation.
    rows: HashSet<(String, i64)>,
    /// Of these sessions all rows of an earlier generation: nobody could say in which there were any.
    before: HashMap<String, i64>,
}

impl Replaced {
    /// `live` are the generations of the files that still count: what is retired with its files needs no mention.
    fn of(entries: &[manifest::Entry], live: &HashSet<i64>) -> Self {
        let first = live.iter().copied().min().unwrap_or(i64::MAX);
        let mut out = Self::default();
        for entry in entries {
            for (key, generation) in &entry.superseded {
                if let Some(before) = generation.checked_neg().filter(|it| *it > 0) {
                    if before > first {
                        let known = out.before.entry(key.clone()).or_default();
                        *known = before.max(*known);
                    }
                } else if live.contains(generation) {
                    out.rows.insert((key.clone(), *generation));
                }
            }
        }
        out
    }

    /// Whether no row was replaced by a newer one.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty() && self.before.is_empty()
    }

    /// Whether newer rows replace the rows that this generation has of a session.
    pub fn holds(&self, key: &str, generation: i64) -> bool {
        self.before.get(key).is_some_and(|it| generation < *it)
            || !self.rows.is_empty() && self.rows.contains(&(key.to_owned(), generation))
    }

    /// Of a frame with a session key and a generation in each row, those rows that count.
    pub(super) fn filter(&self, frame: LazyFrame) -> PolarsResult<LazyFrame> {
        let on = [col("session_key"), col("generation")];
        let mut frame = frame;
        if !self.rows.is_empty() {
            let keys = self.rows.iter().map(|it| it.0.as_str());
            let keys = StringChunked::from_iter_values("session_key".into(), keys);
            let generations = self.rows.iter().map(|it| it.1);
            let generations = Int64Chunked::from_iter_values("generation".into(), generations);
            let columns = vec![keys.into_column(), generations.into_column()];
            let old = DataFrame::new(self.rows.len(), columns)?.lazy();
            frame = frame.join(old, on.clone(), on.clone(), JoinArgs::new(JoinType::Anti));
        }
        if !self.before.is_empty() {
            const BEFORE: &str = "replaced_before";
            let keys = self.before.keys().map(String::as_str);
            let keys = StringChunked::from_iter_values("session_key".into(), keys);
            let before =
                Int64Chunked::from_iter_values(BEFORE.into(), self.before.values().copied());
            let columns = vec![keys.into_column(), before.into_column()];
            let old = DataFrame::new(self.before.len(), columns)?.lazy();
            let [key, generation] = on;
            frame = frame
                .join(old, [key.clone()], [key], JoinArgs::new(JoinType::Left))
                .filter(col(BEFORE).is_null().or(generation.gt_eq(col(BEFORE))))
                .drop(cols([BEFORE]));
        }
        Ok(frame)
    }
}

impl Archive {
    /// An archive that nobody has made yet.
    pub fn none(root: &Path) -> Self {
        Self::over(root, Manifest::default())
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
        let derived = |it: &&FileNote| DERIVED.contains(&it.table.as_str());
        let generations: HashSet<i64> =
            live.iter().filter(derived).filter_map(generation_of).collect();
        let replaced = Replaced::of(&manifest.entries, &generations);
        let damages = Mutex::new(manifest.damages.clone());
        let places = live.iter().enumerate().map(|(at, it)| (it.path.clone(), at)).collect();
        Self {
            root: root.to_owned(),
            manifest,
            live,
            places,
            replaced,
            damages,
            open: Mutex::default(),
            groups_read: AtomicU64::new(0),
            files_opened: AtomicU64::new(0),
            index_scans: AtomicU64::new(0),
            _readers: None,
        }
    }

    /// Files of one table, oldest entry first.
    pub fn files<'a>(&'a self, table: &'a str) -> impl Iterator<Item = &'a FileNote> + 'a {
        self.live.iter().filter(move |it| it.table == table)
    }

    /// What the manifest says of the files that count, oldest entry first.
    pub fn live_files(&self) -> &[FileNote] {
        &self.live
    }

    /// Which rows newer ones replace.
    pub fn replaced(&self) -> &Replaced {
        &self.replaced
    }

    /// What the manifest says of a file that counts, whether or not it is there.
    pub(crate) fn note_of(&self, path: &str) -> Option<&FileNote> {
        self.live.get(*self.places.get(path)?)
    }

    /// The folder that it lies in.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Where a file lies on disk: its path below the archive, joined to the archive's folder.
    pub fn path_of(&self, note: &FileNote) -> PathBuf {
        self.root.join(&note.path)
    }

    /// What could not be read so far, for what tells it in a part of its answer. All of it is told by [`Answered`].
    pub(crate) fn damages(&self) -> Vec<Skip> {
        self.damages.lock().map(|it| it.clone()).unwrap_or_default()
    }

    /// That something is not there; where not all could be read, that it is not in what could: not found in a part is not absent.
    pub(crate) fn absent(&self, what: &str, hint: &str) -> Error {
        match self.damages().first() {
            None => Error::new(Kind::Missing, what).hint(hint),
            Some(it) => {
                let (place, why) = (&it.locator, &it.why);
                Error::new(Kind::Damaged, format!("{what} in what can be read: {place}: {why}"))
                    .hint("`ssmtrail archive verify` says what is damaged")
            }
        }
    }

    pub(crate) fn damaged(&self, path: &str, why: impl std::fmt::Display) {
        let why = why.to_string();
        let why = why.lines().next().unwrap_or("it cannot be read").to_owned();
        if let Ok(mut damages) = self.damages.lock()
            && !damages.iter().any(|it| it.locator == path)
        {
            damages.push(Skip { locator: path.to_owned(), why, loses: true });
        }
    }
}

/// What polars could not read is the archive; whoever writes with it says so in words of his own.
impl From<PolarsError> for Error {
    fn from(it: PolarsError) -> Self {
        Self::new(Kind::Damaged, format!("the archive cannot be read: {it}"))
            .hint("`ssmtrail archive verify` says which file is damaged")
    }
}

/// The generation in a file's name.
pub(crate) fn generation_of(note: &FileNote) -> Option<i64> {
    note.path.rsplit('/').next()?.strip_suffix(".parquet")?.parse().ok()
}
