//! The kept copy: opened, questioned, appended to.
//!
//! A folder of Parquet files and a manifest. The `sessions` table is the index: its rows say in which file and
//! at which rows a session's commands, lines and bytes stand, so that one session, one owner or one
//! target reads a few row groups however many years lie beside them. Readers need no lock; they see what the
//! manifest names, and hold a lock only so that no writer takes away what they may still read. One writer at a time, by
//! a lock of the operating system that dies with its holder.
//!
//! Absent, unreadable and empty are three things here: what the manifest names and is not there, what is there and no
//! entry names, and what does not read as it was written are damages, which reach the user and the exit code.
//!
//! Absent here: where transcripts come from.

use std::collections::HashMap;
use std::collections::HashSet;
use std::fs::File;
use std::fs::OpenOptions;
use std::fs::TryLockError;
use std::io::Write;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use polars::prelude::*;

use crate::archive::manifest::FileNote;
use crate::archive::manifest::Manifest;
use crate::archive::schema::TABLES;
use crate::error::Error;
use crate::error::Kind;
use crate::error::Result;
use crate::session::Skip;
use crate::session::Window;

/// What the archive holds, and the proof of it.
pub mod manifest;

/// The tables, column by column.
pub mod schema;

/// Fast checksums of what is read.
mod pieces;

/// Whole tables, for SQL and lazy frames.
mod scan;

/// A panic over damaged bytes is an error.
mod guard;

/// Opening files, and reading rows of them.
pub mod read;

/// The salt, the record of reveals, the feeds.
pub mod sides;

/// The one hand that writes.
pub mod writer;

/// The proof that nothing was changed, dropped or damaged.
pub mod verify;

/// What is damaged, moved aside.
pub mod repair;

/// Surveys and findings, kept.
pub mod judged;

/// Layout of the folder. Raised when a reader of the old one could be wrong about the new one.
pub const FORMAT: u64 = 1;

/// Name of the file that says the format.
pub const MARKER: &str = "archive.json";

/// Lock of the one writer.
pub(crate) const LOCK: &str = "lock";

/// Lock that readers share, and that a writer needs before it takes retired files away.
pub(crate) const READERS: &str = "readers";

/// Folder of files that are being written.
pub(crate) const TMP: &str = "tmp";

/// Folder of what a repair moved aside.
pub const LOST: &str = "lost";

/// What an unfinished file is called until it gets its name.
pub(crate) const BEGUN: &str = ".begun-";

/// Tables that are derived from the kept bytes. The first is the index of the others.
const DERIVED: [&str; 3] = ["sessions", "commands", "lines"];

/// How often a reader looks again where a writer may just have been at work, and how long it waits between.
const LOOKS: u32 = 4;
const LOOK_AGAIN: Duration = Duration::from_millis(25);

/// How often a reader asks for the readers' lock: for two seconds.
const LOCK_LOOKS: u32 = 80;

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

/// Which sessions, parts of texts whatever their case; empty fields match all, those that nothing is known of included.
#[derive(Clone, Debug, Default)]
pub struct Which {
    /// Whole names, in this very case: an IAM user's, a role session's, an e-mail address, an ARN.
    pub owners: Vec<String>,
    /// Parts of an owner.
    pub owners_containing: Vec<String>,
    /// Parts of a target.
    pub targets: Vec<String>,
    /// Parts of an id, or one session of those that share it: `id#2`.
    pub sessions: Vec<String>,
    /// Whole names of operating-system users.
    pub run_as: Vec<String>,
    pub window: Window,
}

impl Which {
    pub fn is_all(&self) -> bool {
        self.owners.is_empty()
            && self.owners_containing.is_empty()
            && self.targets.is_empty()
            && self.sessions.is_empty()
            && self.run_as.is_empty()
            && self.window.is_open()
    }
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
    /// Place of each path in `live`.
    places: HashMap<String, usize>,
    replaced: Replaced,
    damages: Mutex<Vec<Skip>>,
    /// Files open for reading, the last used last.
    open: Mutex<Vec<(String, Arc<read::Opened>)>>,
    groups_read: AtomicU64,
    files_opened: AtomicU64,
    index_scans: AtomicU64,
    /// While it is held, no writer takes away files that were retired.
    _readers: Option<File>,
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

    pub fn is_empty(&self) -> bool {
        self.rows.is_empty() && self.before.is_empty()
    }

    /// Whether newer rows replace the rows that this generation has of a session.
    pub fn holds(&self, key: &str, generation: i64) -> bool {
        self.before.get(key).is_some_and(|it| generation < *it)
            || !self.rows.is_empty() && self.rows.contains(&(key.to_owned(), generation))
    }

    /// Of a frame with a session key and a generation in each row, those rows that count.
    fn filter(&self, frame: LazyFrame) -> PolarsResult<LazyFrame> {
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
    /// Opens the archive in this folder.
    pub fn open(root: &Path) -> Result<Self> {
        check_format(root)?;
        let readers = read_lock(root);
        let manifest = state(root);
        let mut archive = Self::over(root, manifest);
        archive._readers = readers;
        archive.tell_underived();
        Ok(archive)
    }

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

    pub fn path_of(&self, note: &FileNote) -> PathBuf {
        self.root.join(&note.path)
    }

    /// What could not be read so far. Reaches the user and the exit code.
    pub fn damages(&self) -> Vec<Skip> {
        self.damages.lock().map(|it| it.clone()).unwrap_or_default()
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

fn unreadable(it: &PolarsError) -> Error {
    Error::new(Kind::Damaged, format!("the archive cannot be read: {it}"))
        .hint("`ssmtrail archive verify` says which file is damaged")
}

/// The generation in a file's name.
pub(crate) fn generation_of(note: &FileNote) -> Option<i64> {
    note.path.rsplit('/').next()?.strip_suffix(".parquet")?.parse().ok()
}

/// The manifest, and what lies in the folder without an entry. A writer may be at work meanwhile: whatever looks damaged
/// is looked at again.
pub(crate) fn state(root: &Path) -> Manifest {
    let mut looks = 0;
    loop {
        // In this order: what a writer moves to its place is named before it gets there.
        let there = Below::of(root);
        let mut manifest = Manifest::read(root);
        let unnamed = there.unnamed(&manifest);
        manifest.damages.extend(unnamed.into_iter().map(|it| Skip {
            locator: it.to_string_lossy().into_owned(),
            why: "no entry of the manifest names it".into(),
            loses: true,
        }));
        manifest.damages.extend(there.unread);
        manifest.damages.extend(not_folders(root).into_iter().map(|it| Skip {
            locator: it.to_owned(),
            why: NO_FOLDER.into(),
            loses: true,
        }));
        looks += 1;
        if manifest.damages.is_empty() || looks == LOOKS {
            return manifest;
        }
        std::thread::sleep(LOOK_AGAIN);
    }
}

/// What is said of a file, pipe or link to nowhere in the place of a folder.
pub(crate) const NO_FOLDER: &str = "it is no folder";

/// Names in the archive that are no folders and should be.
pub(crate) fn not_folders(root: &Path) -> Vec<&'static str> {
    let names = TABLES.iter().map(|it| it.name).chain([manifest::ENTRIES, TMP, LOST, sides::FEEDS]);
    let is_other = |it: &&str| {
        let path = root.join(it);
        path.symlink_metadata().is_ok() && !path.is_dir()
    };
    names.filter(is_other).collect()
}

/// Refuses an archive of which a folder is a link that leads out of it: what writers move and remove must not be another's.
pub(crate) fn leads_nowhere_else(root: &Path) -> Result<()> {
    let names = TABLES.iter().map(|it| it.name);
    let mut names = names.chain([manifest::ENTRIES, TMP, LOST, sides::FEEDS]);
    names.try_for_each(|it| match root.join(it).is_dir() {
        true => stays_inside(root, &root.join(it)),
        false => Ok(()),
    })
}

/// What lies in the folders of tables and of entries, below the archive.
#[derive(Default)]
struct Below {
    files: Vec<PathBuf>,
    /// Folders that cannot be looked into.
    unread: Vec<Skip>,
}

impl Below {
    fn of(root: &Path) -> Self {
        let mut out = Self::default();
        let folders = TABLES.iter().map(|it| it.name).chain([manifest::ENTRIES]);
        for folder in folders.map(|it| root.join(it)) {
            if !folder.is_dir() {
                continue;
            }
            for it in walkdir::WalkDir::new(&folder) {
                let it = match it {
                    Ok(it) => it,
                    Err(it) => {
                        let path = it.path().unwrap_or(&folder);
                        let path = path.strip_prefix(root).unwrap_or(path);
                        let locator = path.to_string_lossy().into_owned();
                        let why = manifest::unread(&it.into());
                        out.unread.push(Skip { locator, why, loses: true });
                        continue;
                    }
                };
                // A table may lie on another disk, behind a link.
                let is_folder = it.file_type().is_dir() || it.depth() == 0 && it.path().is_dir();
                let below = it.path().strip_prefix(root).ok().filter(|_| !is_folder);
                // What is being written to get its name is not there yet.
                let begun = it.file_name().to_string_lossy().starts_with(BEGUN);
                out.files.extend(below.filter(|_| !begun).map(Path::to_owned));
            }
        }
        out
    }

    /// Those of the files that no entry names, the pending one included.
    fn unnamed(&self, manifest: &Manifest) -> Vec<PathBuf> {
        let entries = || manifest.entries.iter().chain(&manifest.pending);
        let named: HashSet<&Path> =
            entries().flat_map(|it| it.added.iter().map(|it| Path::new(&it.path))).collect();
        let own: HashSet<String> =
            entries().flat_map(|it| [Some(it.copy()), it.list()]).flatten().collect();
        let own: HashSet<&Path> = own.iter().map(Path::new).collect();
        let is_named = |it: &Path| named.contains(it) || own.contains(it);
        let mut out: Vec<PathBuf> = self.files.iter().filter(|it| !is_named(it)).cloned().collect();
        out.sort_unstable();
        out
    }
}

/// The lock that readers share; none where it cannot be had, as on a disk that nobody can write to.
fn read_lock(root: &Path) -> Option<File> {
    let path = root.join(READERS);
    must_be_file(&path).ok()?;
    let file = File::open(&path).or_else(|_| {
        let mut options = OpenOptions::new();
        options.create(true).truncate(false).write(true);
        private(&mut options);
        options.open(&path)
    });
    let file = file.ok()?;
    // A writer holds it while it takes retired files away, none of which the state names that is opened next. Whoever holds it
    // for longer must not keep everybody from reading.
    for _ in 0..LOCK_LOOKS {
        match file.try_lock_shared() {
            Ok(()) => return Some(file),
            Err(TryLockError::WouldBlock) => std::thread::sleep(LOOK_AGAIN),
            Err(TryLockError::Error(_)) => return None,
        }
    }
    None
}

/// Refuses a folder that a link leads out of the archive: whoever hands an archive over must not choose where we write.
pub(crate) fn stays_inside(root: &Path, folder: &Path) -> Result<()> {
    let there = folder.ancestors().find(|it| it.symlink_metadata().is_ok()).unwrap_or(root);
    let fail = |it| Error::file("read", there, it);
    let (own, real) = (root.canonicalize().map_err(fail)?, there.canonicalize().map_err(fail)?);
    match real.starts_with(&own) {
        true => Ok(()),
        false => Err(Error::new(
            Kind::Refused,
            format!("{} is a link that leads out of the archive", there.display()),
        )
        .hint(
            "remove the link, or put the folder itself in its place; nothing was moved through it",
        )),
    }
}

/// Refuses what is there and is no regular file: opening a pipe would wait for ever, and a link to nothing would make a file
/// wherever it points.
pub(crate) fn must_be_file(path: &Path) -> std::io::Result<()> {
    match std::fs::metadata(path) {
        Ok(it) if !it.is_file() => Err(std::io::Error::other("it is not a regular file")),
        Err(it) if it.kind() == std::io::ErrorKind::NotFound && path.is_symlink() => {
            Err(std::io::Error::other("it is a link to nothing"))
        }
        _ => Ok(()),
    }
}

/// Writes a file whole or not at all, for its owner alone, and makes it and its name last.
pub(crate) fn write_whole(path: &Path, bytes: &[u8]) -> Result<()> {
    let folder = path.parent().unwrap_or(path);
    let write = || -> std::io::Result<()> {
        let mut file = tempfile::Builder::new().prefix(BEGUN).tempfile_in(folder)?;
        file.write_all(bytes)?;
        file.as_file().sync_all()?;
        file.persist(path)?;
        File::open(folder)?.sync_all()
    };
    write().map_err(|it| Error::file("write", path, it))
}

/// The name of a file is durable only when its folder is.
pub(crate) fn sync_folder(path: &Path) -> Result<()> {
    File::open(path).and_then(|it| it.sync_all()).map_err(|it| Error::file("write", path, it))
}

/// Refuses folders that are no archive or are newer than this program.
pub(crate) fn check_format(root: &Path) -> Result<()> {
    let path = root.join(MARKER);
    let text = match manifest::There::at(&path) {
        manifest::There::Bytes(it) => String::from_utf8(it).unwrap_or_default(),
        manifest::There::Absent => {
            if root.join(manifest::NAME).exists() {
                return Err(Error::new(Kind::Damaged, format!("{} is missing", path.display()))
                    .hint("`ssmtrail archive repair` writes it again; nothing was changed"));
            }
            return Err(Error::new(Kind::Missing, format!("no archive in {}", root.display()))
                .hint("`ssmtrail sync SOURCE` makes one; `--archive DIR` names another place"));
        }
        manifest::There::Unread(it) if it.kind() == std::io::ErrorKind::PermissionDenied => {
            return Err(Error::file("read", &path, it));
        }
        manifest::There::Unread(_) => String::new(),
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
            .hint("`ssmtrail archive repair` writes it again; nothing was changed")),
    }
}

/// The filter as an expression that polars can push down into the files.
fn condition(which: &Which) -> Option<Expr> {
    let any = |column: &str, texts: &[String]| {
        // A part that all have is one of what is not known, too.
        if texts.iter().any(String::is_empty) {
            return Some(lit(true));
        }
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
    let owners = (!which.owners.is_empty()).then(|| {
        let names = which.owners.clone();
        let named = move |column: Column| {
            let owners = column.str()?.iter();
            let named = owners.map(|owner| {
                owner.is_some_and(|it| names.iter().any(|name| crate::session::is_owner(it, name)))
            });
            let mut named: BooleanChunked = named.collect();
            named.rename(column.name().clone());
            Ok(named.into_column())
        };
        col("owner").map(named, |_, it| Ok(Field::new(it.name().clone(), DataType::Boolean)))
    });
    let owners = owners.into_iter().chain(any("owner", &which.owners_containing)).reduce(Expr::or);
    let instant = |micros: i64| {
        lit(micros).cast(DataType::Datetime(TimeUnit::Microseconds, Some(TimeZone::UTC)))
    };
    // `id#2` is one session, and not the twentieth; the first of those that share an id has no number in its key.
    let numbered = |it: &String| {
        let number = it.rsplit_once('#').map(|it| it.1).filter(|it| !it.is_empty());
        number.is_some_and(|it| it.bytes().all(|it| it.is_ascii_digit()))
    };
    let (numbered, parts): (Vec<String>, Vec<String>) =
        which.sessions.iter().cloned().partition(numbered);
    let ends = |column: &str, text: &str| {
        col(column).str().to_lowercase().str().ends_with(lit(text.to_lowercase()))
    };
    let numbered = numbered.iter().map(|it| {
        let (id, number) = it.rsplit_once('#').unwrap_or((it, ""));
        let key = format!("{}#{number}", id.replace("#~", "#").replace('#', "#~"));
        let named = ends("session_key", &key);
        let is_first = || col("session_key").eq(own_key()).and(ends("session_id", id));
        if number == "1" { named.or(is_first()) } else { named }
    });
    let sessions = any("session_key", &parts)
        .into_iter()
        .chain(any("session_id", &parts))
        .chain(numbered)
        .reduce(Expr::or);
    let parts = [
        owners,
        any("target", &which.targets),
        sessions,
        which
            .run_as
            .iter()
            .map(|it| col("run_as").eq(lit(it.clone())).fill_null(lit(it.is_empty())))
            .reduce(Expr::or),
        may_lie_in(which.window, instant),
    ];
    parts.into_iter().flatten().reduce(Expr::and)
}

/// The key of a session as if it were the first of its id, see `sync::gather`.
pub(crate) fn own_key() -> Expr {
    col("session_id").str().replace_all(lit("#"), lit("#~"), true)
}

/// Whether a command may have been typed in a window, see [`Window::may_hold`]. Of a session known only by its end all may.
fn command_may_lie_in(window: Window) -> Expr {
    let instant = |micros: i64| {
        lit(micros).cast(DataType::Datetime(TimeUnit::Microseconds, Some(TimeZone::UTC)))
    };
    let bound = |bound: Option<i64>, holds: &dyn Fn(Expr) -> Expr| {
        bound.map_or(lit(true), |it| holds(instant(it)).fill_null(lit(true)))
    };
    let after = bound(window.from, &|from| col("at_latest").gt_eq(from));
    let before = bound(window.to, &|to| col("at_earliest").lt(to));
    col("at_earliest").is_null().or(after.and(before))
}

/// Longest that a session lasts ("maxSessionDuration": at most 1,440 minutes).
pub(crate) const LONGEST: i64 = 24 * 60 * 60 * 1_000_000;

/// Whether a session may lie in a window: by what it claims, and where that is contradicted by when it was stored, too. One of
/// which only the end is known may have begun as long before as any session lasts.
fn may_lie_in(window: Window, instant: impl Fn(i64) -> Expr) -> Option<Expr> {
    if window.is_open() {
        return None;
    }
    let no = || lit(false);
    let (mut claimed, mut stored) = (lit(true), lit(true));
    if let Some(from) = window.from {
        let after = |name: &str| col(name).gt_eq(instant(from)).fill_null(no());
        let untold = col("ended_at").is_null().and(col("last_event_at").is_null());
        claimed =
            claimed.and(after("ended_at").or(after("last_event_at")).or(untold.and(after("at"))));
        stored = stored.and(after("stored_at"));
    }
    if let Some(to) = window.to {
        let end = to.saturating_add(LONGEST);
        let before = |name: &str, to: i64| col(name).lt(instant(to)).fill_null(no());
        let ended = col("ended_at").fill_null(col("at")).lt(instant(end)).fill_null(no());
        claimed = claimed
            .and(before("first_event_at", to).or(col("first_event_at").is_null().and(ended)));
        stored = stored.and(before("stored_at", end));
    }
    let clock = col("flaws").str().contains_literal(lit("clock")).fill_null(no());
    Some(claimed.or(clock.and(stored)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::archive::schema::CommandRow;
    use crate::archive::schema::Instant;

    #[test]
    fn a_query_sees_the_commands_of_a_window_that_a_search_finds() {
        let bounds = [None, Some(5), Some(10), Some(15), Some(20), Some(25)];
        let pairs = || bounds.iter().flat_map(|from| bounds.iter().map(move |to| (*from, *to)));
        let rows: Vec<CommandRow> = pairs()
            .map(|(earliest, latest)| CommandRow {
                at_earliest: Instant(earliest),
                at_latest: Instant(latest),
                ..CommandRow::default()
            })
            .collect();
        let frame = CommandRow::frame(&rows).unwrap();
        for (from, to) in pairs() {
            let window = Window { from, to };
            let found: Vec<bool> =
                rows.iter().map(|it| crate::search::may_lie_in(window, it)).collect();
            let seen = frame.clone().lazy().select([command_may_lie_in(window).alias("seen")]);
            let seen = seen.collect().unwrap();
            let seen: Vec<bool> =
                seen.column("seen").unwrap().bool().unwrap().iter().flatten().collect();
            // Where the window is open a constant stands for all rows.
            let seen = if seen.len() == 1 { vec![seen[0]; rows.len()] } else { seen };
            assert_eq!(seen, found, "{window:?}");
        }
    }
}
