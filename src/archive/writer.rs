//! The one hand that writes: rows become files, files become an entry, the entry makes them count.
//!
//! Files are written under `tmp/` and made durable; the entry that will name them is written down; only then they move to
//! their place, and the manifest takes the entry up. So a run stopped at any byte leaves the archive as it was before its
//! last entry or after it, and the next writer finishes what was written down. Whoever finds anything else than what a
//! writer can have left does not write: nothing is deleted that cannot be proved superfluous.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::collections::HashSet;
use std::fs::File;
use std::fs::OpenOptions;
use std::io::Read;
use std::io::Write;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;

use polars::prelude::*;
use polars_io::parquet::write::BatchedWriter;
use polars_parquet::write::ZstdLevel;
use sha2::Digest;
use sha2::Sha256;

use super::folder::BEGUN;
use super::folder::FORMAT;
use super::folder::LOCK;
use super::folder::MARKER;
use super::folder::READERS;
use super::folder::TMP;
use super::folder::open_private;
use super::folder::private;
use super::folder::private_folder;
use super::folder::sync_folder;
use super::folder::write_whole;
use super::kept::Archive;
use super::manifest::list_bytes;
use super::manifest::read_list;
use super::state::check_format;
use super::state::state;
use crate::archive::manifest;
use crate::archive::manifest::Brought;
use crate::archive::manifest::Entry;
use crate::archive::manifest::FileNote;
use crate::archive::manifest::Manifest;
use crate::archive::manifest::Seal;
use crate::archive::pieces::Pieces;
use crate::archive::schema::Table;
use crate::archive::sides;
use crate::error::Error;
use crate::error::Kind;
use crate::error::Result;

/// Level of zstd for pages: beyond it, time grows faster than files shrink.
const ZSTD_LEVEL: i32 = 6;

/// Partitions that one segment writes to. Each has four files open, beside which there are those being read, and the
/// connections: fewer than 200 in all, for systems allow few at once (256 are usual on macOS).
pub const PARTITIONS: usize = 24;

/// The archive, locked for writing.
pub struct Writer {
    root: PathBuf,
    manifest: Manifest,
    /// Held open for as long as we write; the system lets go of it when we die.
    _lock: File,
}

/// The marker of an archive that is just being made, as earlier versions called it.
const MARKER_BEGUN: &str = "archive.json.begun";

/// The marker's whole text.
pub(crate) fn marker() -> String {
    format!("{{\"format\":{FORMAT}}}\n")
}

impl Writer {
    /// Opens an archive for writing, making it if there is none, and finishes what a writer that died had written down.
    ///
    /// # Errors
    /// A folder that is no archive, another writer, the system's refusal; and a chain that is damaged: then nothing is
    /// changed.
    pub fn open(root: &Path) -> Result<Self> {
        let is_new = !root.join(MARKER).exists();
        if is_new {
            begin(root)?;
        }
        let lock = lock(root)?;
        super::state::leads_nowhere_else(root)?;
        if is_new {
            make(root)?;
        }
        check_format(root)?;
        let manifest = state(root);
        if let Some(it) = manifest.damages.first() {
            let more = match manifest.damages.len() - 1 {
                0 => String::new(),
                more => format!(" (and {more} more)"),
            };
            return Err(Error::new(
                Kind::Damaged,
                format!("the archive is damaged: {}: {}{more}", it.locator, it.why),
            )
            .hint("nothing was changed; `ssmtrail archive verify` says more, and `ssmtrail archive repair` moves aside what is damaged"));
        }
        let mut writer = Self { root: root.to_owned(), manifest, _lock: lock };
        writer.finish_pending()?;
        writer.clear()?;
        Ok(writer)
    }

    /// Opens an archive in whatever state it is, to repair it.
    pub(crate) fn open_damaged(root: &Path) -> Result<Self> {
        let lock = lock(root)?;
        super::state::leads_nowhere_else(root)?;
        let manifest = state(root);
        Ok(Self { root: root.to_owned(), manifest, _lock: lock })
    }

    /// The archive as it stands now.
    pub fn archive(&self) -> Archive {
        Archive::over(&self.root, self.manifest.clone())
    }

    /// Folder that the archive lies in.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// `ENTRY:DIGEST` of the last entry.
    pub fn head(&self) -> Option<String> {
        self.manifest.head()
    }

    /// The generation of rows about to be written: the number of the entry that will name them.
    pub fn generation(&self) -> i64 {
        self.manifest.next_number() as i64
    }

    /// What all entries brought, as far as their lists can be read.
    pub(crate) fn brought(&self) -> HashSet<[u8; 32]> {
        let lists = self.manifest.entries.iter().filter_map(|it| {
            let list = read_list(&self.root.join(it.list()?)).ok()?;
            (Some(Seal::of(&list)) == it.brought).then_some(list)
        });
        lists.flatten().map(bytes_of).collect()
    }

    /// Finishes the entry that a writer had written down when it died: its files were durable before.
    fn finish_pending(&mut self) -> Result<()> {
        let Some(entry) = self.manifest.pending.clone() else {
            // It was published, and only its copy has no name yet.
            let next = self.root.join(manifest::NEXT);
            if let Some(bytes) = super::folder::whole(&next)?
                && let Ok(entry) = serde_json::from_slice::<Entry>(&bytes)
            {
                let copy = self.root.join(entry.copy());
                std::fs::rename(&next, &copy).map_err(|it| Error::file("write", &copy, it))?;
            }
            return Ok(());
        };
        if let Some(path) = self.unsound(&entry) {
            return Err(unfinished(&self.root, &path));
        }
        self.put_in_place(&entry)?;
        self.manifest.append(&self.root, entry)
    }

    /// The first file of an announced entry that is whole neither in its place nor where it waits.
    pub(crate) fn unsound(&self, entry: &Entry) -> Option<String> {
        // What is in the place counts; only where nothing is, what waits.
        let lies = |path: &str| {
            let place = self.root.join(path);
            if place.symlink_metadata().is_ok() { place } else { self.root.join(waiting(path)) }
        };
        for it in &entry.added {
            let found = digest(&lies(&it.path));
            if found.ok() != Some((it.bytes, it.sha256.clone())) {
                return Some(it.path.clone());
            }
        }
        let list = entry.list()?;
        let found = read_list(&lies(&list));
        let is_sound = found.is_ok_and(|it| Some(Seal::of(&it)) == entry.brought);
        (!is_sound).then_some(list)
    }

    /// Moves the files of an entry from where they wait to their places.
    pub(crate) fn put_in_place(&self, entry: &Entry) -> Result<()> {
        let mut folders: BTreeSet<PathBuf> = BTreeSet::new();
        for path in entry.added.iter().map(|it| it.path.clone()).chain(entry.list()) {
            let (waiting, place) = (self.root.join(waiting(&path)), self.root.join(&path));
            let folder = place.parent().unwrap_or(&self.root);
            super::folder::stays_inside(&self.root, folder)?;
            private_folder(folder).map_err(|it| Error::file("make", folder, it))?;
            folders.extend(
                folder.ancestors().take_while(|it| it.starts_with(&self.root)).map(Path::to_owned),
            );
            // What lies in a place is never written over: whole it is the same, and else it is somebody's.
            if waiting.exists() && place.symlink_metadata().is_err() {
                std::fs::rename(&waiting, &place).map_err(|it| Error::file("write", &place, it))?;
            }
        }
        folders.iter().try_for_each(|it| sync_folder(it))
    }

    /// Removes what is proved to be superfluous: files that were never named and never will be, for they are not in their
    /// place, and files that an entry retired, if nobody reads.
    fn clear(&self) -> Result<()> {
        let tmp = self.root.join(TMP);
        if tmp.exists() {
            std::fs::remove_dir_all(&tmp).map_err(|it| Error::file("clear", &tmp, it))?;
        }
        for it in std::fs::read_dir(&self.root).into_iter().flatten().filter_map(|it| it.ok()) {
            if it.file_name().to_string_lossy().starts_with(BEGUN) {
                let _ = std::fs::remove_file(it.path());
            }
        }
        self.take_away_retired();
        Ok(())
    }

    /// Readers go on with the files that they found; the next writer takes away what is left.
    fn take_away_retired(&self) {
        // What a repair found changed or missing may be put back by hand from a copy of the archive.
        let replaced = self.manifest.entries.iter().filter(|it| it.did != "repair");
        let mut retired = replaced.flat_map(|it| it.retired.iter()).peekable();
        if retired.peek().is_none() {
            return;
        }
        let readers = self.root.join(READERS);
        if super::folder::must_be_file(&readers).is_err() {
            return;
        }
        let Ok(readers) = open_private(&readers) else { return };
        if readers.try_lock().is_ok() {
            for it in retired.map(|it| self.root.join(it)) {
                let folder = it.parent().unwrap_or(&self.root);
                if super::folder::stays_inside(&self.root, folder).is_ok() {
                    let _ = std::fs::remove_file(it);
                }
            }
        }
    }

    /// Finishes what a writer that died had written down.
    pub(crate) fn finish(&mut self) -> Result<()> {
        self.finish_pending()
    }

    /// Makes the files of a segment count, under an entry that says what it knows of itself: its number, its files and its proof
    /// come here. `brought` is what the entry brings of the sources.
    ///
    /// # Errors
    /// When a file cannot be written, made durable or moved to its place.
    pub fn publish(&mut self, segment: Segment, entry: Entry, brought: Vec<Brought>) -> Result<()> {
        self.publish_as(self.manifest.next_number(), segment, Vec::new(), (entry, brought))
    }

    /// The same under a number of its own, and with files that are in their places already.
    pub(crate) fn publish_as(
        &mut self,
        number: u64,
        segment: Segment,
        mut added: Vec<FileNote>,
        (entry, mut brought): (Entry, Vec<Brought>),
    ) -> Result<()> {
        added.extend(segment.finish()?);
        // In an order that can be told again from the rows.
        brought.sort_unstable();
        let retires = !entry.retired.is_empty();
        let told = self.manifest.entries.iter().rev().find_map(|it| it.sides.as_ref());
        let sides = sides::sides(&self.root);
        // A repair alone has moved aside what was changed.
        let sides = match told.filter(|_| entry.did != "repair") {
            Some(told) => sides.after(told),
            None => sides,
        };
        let entry = Entry {
            tool: format!("ssmtrail {}", env!("CARGO_PKG_VERSION")),
            added,
            brought: (!brought.is_empty()).then(|| Seal::of(&brought)),
            sides: Some(sides),
            ..entry
        }
        .chained(number, &self.manifest.last_digest());
        if let Some(list) = entry.list() {
            write_whole(&self.root.join(waiting(&list)), &list_bytes(&brought)?)?;
        }
        Manifest::announce(&self.root, &entry)?;
        self.put_in_place(&entry)?;
        self.manifest.append(&self.root, entry)?;
        if retires {
            self.take_away_retired();
        }
        Ok(())
    }

    /// Puts the entries of a repaired chain in the place of those that were found, and goes on from there.
    pub(crate) fn restore(&mut self, manifest: Manifest) {
        self.manifest = manifest;
    }
}

fn unfinished(root: &Path, path: &str) -> Error {
    Error::new(
        Kind::Damaged,
        format!("{}: a writer was stopped, and {path} of its entry is damaged", root.display()),
    )
    .hint("nothing was changed; `ssmtrail archive repair` moves aside what is damaged")
}

/// Where a file waits until its entry is written down.
pub(crate) fn waiting(path: &str) -> String {
    let name = hex::encode(Sha256::digest(path));
    format!("{TMP}/{}", &name[..24])
}

/// Size and SHA-256 of a file.
pub(crate) fn digest(path: &Path) -> std::io::Result<(u64, String)> {
    super::folder::must_be_file(path)?;
    let mut file = File::open(path)?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 1 << 20];
    let mut bytes = 0;
    loop {
        let used = file.read(&mut buffer)?;
        if used == 0 {
            return Ok((bytes, hex::encode(hasher.finalize())));
        }
        hasher.update(&buffer[..used]);
        bytes += used as u64;
    }
}

/// What two readings of the same bytes share, whatever version each was listed as.
pub(crate) fn bytes_of(brought: Brought) -> [u8; 32] {
    manifest::leaf(&Brought { version: String::new(), ..brought })
}

/// Makes sure that a folder without a marker is ours to use: new, empty, or an archive that was just being made.
fn begin(root: &Path) -> Result<()> {
    let is_new = !root.exists();
    private_folder(root).map_err(|it| Error::file("make", root, it))?;
    if is_new {
        return Ok(());
    }
    let ours = [LOCK, READERS, sides::SALT, manifest::NAME, manifest::ENTRIES, TMP, MARKER_BEGUN];
    let found = std::fs::read_dir(root).map_err(|it| Error::file("read", root, it))?;
    let mut others = found.filter_map(|it| it.ok()).filter(|it| {
        let name = it.file_name().to_string_lossy().into_owned();
        !ours.contains(&name.as_str()) && !name.starts_with(BEGUN)
    });
    if others.next().is_some() {
        let lost_marker = root.join(manifest::NAME).exists();
        if lost_marker {
            return check_format(root);
        }
        return Err(Error::new(
            Kind::Misused,
            format!("{} is not empty and is no archive", root.display()),
        )
        .hint("name an empty or new folder with --archive"));
    }
    if super::folder::whole(&root.join(manifest::NAME))?.is_some_and(|it| !it.is_empty()) {
        return check_format(root);
    }
    Ok(())
}

/// Makes an archive in a folder that is ours, the marker last: whatever has one is whole.
fn make(root: &Path) -> Result<()> {
    if root.join(MARKER).exists() {
        // Another writer was quicker, and is gone.
        return Ok(());
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // The folder may have been there before, for everybody to look into.
        std::fs::set_permissions(root, std::fs::Permissions::from_mode(0o700))
            .map_err(|it| Error::file("make", root, it))?;
    }
    sides::make_salt(root)?;
    let entries = root.join(manifest::ENTRIES);
    private_folder(&entries).map_err(|it| Error::file("make", &entries, it))?;
    write_whole(&root.join(READERS), b"")?;
    write_whole(&root.join(manifest::NAME), b"")?;
    write_whole(&root.join(MARKER), marker().as_bytes())?;
    if let Some(parent) = root.parent().filter(|it| !it.as_os_str().is_empty()) {
        // A parent that may not be read keeps the name on its own.
        let _ = sync_folder(parent);
    }
    Ok(())
}

fn lock(root: &Path) -> Result<File> {
    let path = root.join(LOCK);
    super::folder::must_be_file(&path)
        .map_err(|it| Error::file("open", &path, it).hint("remove it: a lock holds nothing"))?;
    let file = open_private(&path).map_err(|it| Error::file("open", &path, it))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(std::fs::TryLockError::WouldBlock) => Err(Error::new(
            Kind::Busy,
            format!("another ssmtrail is writing to {}", root.display()),
        )
        .hint("wait for it to finish; reading works meanwhile")),
        Err(std::fs::TryLockError::Error(it)) => Err(Error::file("lock", &path, it)),
    }
}

/// Counts and digests what goes through it.
struct DigestingWriter {
    file: std::io::BufWriter<File>,
    hasher: Sha256,
    bytes: u64,
}

impl Write for DigestingWriter {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let used = self.file.write(bytes)?;
        self.hasher.update(&bytes[..used]);
        self.bytes += used as u64;
        Ok(used)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.file.flush()
    }
}

/// A writer that polars may consume while we keep what it counted.
#[derive(Clone)]
struct Hand(std::sync::Arc<std::sync::Mutex<DigestingWriter>>);

impl Write for Hand {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        match self.0.lock() {
            Ok(mut it) => it.write(bytes),
            Err(_) => Err(std::io::Error::other("a writer panicked")),
        }
    }

    fn flush(&mut self) -> std::io::Result<()> {
        match self.0.lock() {
            Ok(mut it) => it.flush(),
            Err(_) => Err(std::io::Error::other("a writer panicked")),
        }
    }
}

struct OpenFile {
    table: &'static str,
    path: String,
    tmp: PathBuf,
    writer: BatchedWriter<Hand>,
    hand: Hand,
    rows: u64,
}

/// Files of one generation, while they are written: one for each table and partition.
pub struct Segment {
    root: PathBuf,
    /// Number of the entry that will name the files.
    pub generation: i64,
    files: BTreeMap<(&'static str, String), OpenFile>,
}

impl Segment {
    /// Begins a segment below the archive's `tmp` folder, which is made if it is missing.
    ///
    /// # Errors
    /// When that folder cannot be made.
    pub fn new(root: &Path, generation: i64) -> Result<Self> {
        let tmp = root.join(TMP);
        private_folder(&tmp).map_err(|it| Error::file("make", &tmp, it))?;
        Ok(Self { root: root.to_owned(), generation, files: BTreeMap::new() })
    }

    /// Rows already written to a table's file in this partition.
    pub fn rows(&self, table: &Table, partition: &str) -> i64 {
        self.files.get(&(table.name, partition.to_owned())).map_or(0, |it| it.rows as i64)
    }

    /// Writes a data frame as one row group.
    ///
    /// # Errors
    /// When the file cannot be made or written.
    pub fn write(&mut self, table: &Table, partition: &str, frame: &DataFrame) -> Result<()> {
        if frame.height() == 0 {
            return Ok(());
        }
        let key = (table.name, partition.to_owned());
        if !self.files.contains_key(&key) {
            let file = self.create(table, partition)?;
            self.files.insert(key.clone(), file);
        }
        let Some(file) = self.files.get_mut(&key) else { return Ok(()) };
        let mut whole = frame.clone();
        whole.rechunk_mut();
        file.writer.write_batch(&whole).map_err(|it| written(&file.tmp, &it))?;
        file.rows += frame.height() as u64;
        Ok(())
    }

    fn create(&self, table: &Table, partition: &str) -> Result<OpenFile> {
        let path = format!("{}/{partition}/{:08}.parquet", table.name, self.generation);
        let tmp = self.root.join(waiting(&path));
        let mut options = OpenOptions::new();
        options.create(true).truncate(true).write(true);
        private(&mut options);
        let file = options.open(&tmp).map_err(|it| Error::file("write", &tmp, it))?;
        let hand = Hand(Arc::new(std::sync::Mutex::new(DigestingWriter {
            file: std::io::BufWriter::with_capacity(1 << 16, file),
            hasher: Sha256::new(),
            bytes: 0,
        })));
        let level = ZstdLevel::try_new(ZSTD_LEVEL).map_err(|it| written(&tmp, &it))?;
        let writer = ParquetWriter::new(hand.clone())
            .with_compression(ParquetCompression::Zstd(Some(level)))
            .with_statistics(StatisticsOptions::default())
            .batched(&table.schema())
            .map_err(|it| written(&tmp, &it))?;
        Ok(OpenFile { table: table.name, path, tmp, writer, hand, rows: 0 })
    }

    /// Closes every file and makes it durable where it waits.
    fn finish(self) -> Result<Vec<FileNote>> {
        let mut notes = Vec::new();
        for open in self.files.into_values() {
            open.writer.finish().map_err(|it| written(&open.tmp, &it))?;
            drop(open.writer);
            let (bytes, sha256) = close(open.hand, &open.tmp)?;
            let file = File::open(&open.tmp).map_err(|it| Error::file("read", &open.tmp, it))?;
            let metadata = file
                .try_clone()
                .map_err(PolarsError::from)
                .and_then(|it| Ok(Arc::clone(ParquetReader::new(it).get_metadata()?)));
            let metadata = metadata.map_err(|it| written(&open.tmp, &it))?;
            let pieces =
                Pieces::note(&file, &metadata).map_err(|it| Error::file("read", &open.tmp, it))?;
            notes.push(FileNote {
                path: open.path,
                table: open.table.to_owned(),
                rows: open.rows,
                bytes,
                sha256,
                pieces,
            });
        }
        Ok(notes)
    }
}

fn close(hand: Hand, tmp: &Path) -> Result<(u64, String)> {
    let fail = |it| Error::file("write", tmp, it);
    let mut it = hand.0.lock().map_err(|_| fail(std::io::Error::other("a writer panicked")))?;
    it.file.flush().map_err(fail)?;
    it.file.get_ref().sync_all().map_err(fail)?;
    let digest = std::mem::take(&mut it.hasher).finalize();
    Ok((it.bytes, hex::encode(digest)))
}

fn written(path: &Path, it: &PolarsError) -> Error {
    let text = it.to_string();
    let error = Error::new(Kind::Refused, format!("cannot write {}: {text}", path.display()));
    if text.contains("No space") || text.contains("os error 28") {
        return error.hint("free some space and run the same command again; nothing kept was lost");
    }
    error
}
