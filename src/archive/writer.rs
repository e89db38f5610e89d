//! The one hand that writes: rows become files, files become an entry, the entry makes them count.
//!
//! Files are written under `tmp/`, made durable, moved to their place, and only then named by the manifest. So
//! a run stopped at any byte leaves the archive as it was before its last entry, and the next writer
//! sweeps away what was never named.

use std::collections::BTreeMap;
use std::collections::HashSet;
use std::fs::File;
use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;
use std::path::PathBuf;

use polars::io::parquet::write::BatchedWriter;
use polars::prelude::*;
use polars_parquet::write::ZstdLevel;
use sha2::Digest;
use sha2::Sha256;

use crate::archive::Archive;
use crate::archive::FORMAT;
use crate::archive::MARKER;
use crate::archive::check_format;
use crate::archive::manifest::Alias;
use crate::archive::manifest::Entry;
use crate::archive::manifest::FileNote;
use crate::archive::manifest::Manifest;
use crate::archive::manifest::Other;
use crate::archive::manifest::hex;
use crate::archive::private;
use crate::archive::private_folder;
use crate::archive::schema::Table;
use crate::error::Error;
use crate::error::Kind;
use crate::error::Result;

/// Level of zstd for pages: beyond it, time grows faster than files shrink.
const ZSTD_LEVEL: i32 = 6;

/// The archive, locked for writing.
pub struct Writer {
    root: PathBuf,
    manifest: Manifest,
    next_generation: i64,
    /// Held open for as long as we write; the system lets go of it when we die.
    _lock: File,
}

/// What an entry says of itself besides its files.
#[derive(Default)]
pub struct Note {
    pub did: String,
    pub written_at: String,
    pub decoder: i64,
    pub generation: i64,
    pub retired: Vec<String>,
    pub superseded: Vec<(String, i64)>,
    pub aliases: Vec<Alias>,
    pub others: Vec<Other>,
}

/// The marker of an archive that is just being made.
const MARKER_BEGUN: &str = "archive.json.begun";

impl Writer {
    /// Opens an archive for writing, making it if there is none.
    pub fn open(root: &Path) -> Result<Self> {
        private_folder(root).map_err(|it| Error::file("make", root, it))?;
        let lock = lock(root)?;
        if !root.join(MARKER).exists() {
            let others = std::fs::read_dir(root)
                .map_err(|it| Error::file("read", root, it))?
                .filter_map(|it| it.ok())
                .any(|it| it.file_name() != "lock" && it.file_name() != MARKER_BEGUN);
            if others {
                return Err(Error::new(
                    Kind::Misused,
                    format!("{} is not empty and is no archive", root.display()),
                )
                .hint("name an empty or new folder with --archive"));
            }
            // Whole or not at all, whenever the program is stopped.
            let (path, begun) = (root.join(MARKER), root.join(MARKER_BEGUN));
            write_whole(&begun, format!("{{\"format\":{FORMAT}}}\n").as_bytes())?;
            std::fs::rename(&begun, &path).map_err(|it| Error::file("write", &path, it))?;
        }
        check_format(root)?;
        let manifest = Manifest::read(root)?;
        let next_generation =
            manifest.entries.iter().map(|it| it.generation).max().unwrap_or(0) + 1;
        let writer = Self { root: root.to_owned(), manifest, next_generation, _lock: lock };
        writer.sweep()?;
        Ok(writer)
    }

    /// The archive as it stands now.
    pub fn archive(&self) -> Archive {
        Archive::over(&self.root, self.manifest.clone())
    }

    pub fn root(&self) -> &Path {
        &self.root
    }

    /// A generation for rows about to be written. Each is used once.
    pub fn generation(&mut self) -> i64 {
        let it = self.next_generation;
        self.next_generation += 1;
        it
    }

    /// Removes what a stopped run left behind: everything the manifest does not name.
    fn sweep(&self) -> Result<()> {
        let tmp = self.root.join("tmp");
        if tmp.exists() {
            std::fs::remove_dir_all(&tmp).map_err(|it| Error::file("clear", &tmp, it))?;
        }
        let archive = self.archive();
        let named: HashSet<&str> = archive.live_files().iter().map(|it| it.path.as_str()).collect();
        for table in crate::archive::schema::TABLES {
            let folder = self.root.join(table.name);
            for found in walkdir::WalkDir::new(&folder).into_iter().filter_map(|it| it.ok()) {
                let path = found.path();
                let Ok(below) = path.strip_prefix(&self.root) else { continue };
                let name = below.to_string_lossy().replace('\\', "/");
                let ours = name.ends_with(".parquet") && found.file_type().is_file();
                if ours && !named.contains(name.as_str()) {
                    std::fs::remove_file(path).map_err(|it| Error::file("remove", path, it))?;
                }
            }
        }
        Ok(())
    }

    /// Makes the files of a segment count.
    pub fn publish(&mut self, segment: Segment, note: Note) -> Result<()> {
        let added = segment.finish(&self.root)?;
        let retired = note.retired.clone();
        let entry = Entry {
            entry: 0,
            written_at: note.written_at,
            tool: format!("ssmtrail {}", env!("CARGO_PKG_VERSION")),
            decoder: note.decoder,
            did: note.did,
            generation: note.generation,
            added,
            retired: note.retired,
            superseded: note.superseded,
            aliases: note.aliases,
            others: note.others,
            previous: String::new(),
            digest: String::new(),
        };
        self.manifest.append(&self.root, entry)?;
        for path in retired {
            let path = self.root.join(path);
            // The manifest no longer names it; what cannot be removed now, the next sweep removes.
            let _ = std::fs::remove_file(path);
        }
        Ok(())
    }
}

fn lock(root: &Path) -> Result<File> {
    let path = root.join("lock");
    let mut options = OpenOptions::new();
    options.create(true).truncate(false).write(true);
    private(&mut options);
    let file = options.open(&path).map_err(|it| Error::file("open", &path, it))?;
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

fn write_whole(path: &Path, bytes: &[u8]) -> Result<()> {
    let mut options = OpenOptions::new();
    options.create(true).truncate(true).write(true);
    private(&mut options);
    let write = || -> std::io::Result<()> {
        let mut file = options.open(path)?;
        file.write_all(bytes)?;
        file.sync_all()
    };
    write().map_err(|it| Error::file("write", path, it))
}

/// Counts and digests what goes through it.
struct Digesting {
    file: std::io::BufWriter<File>,
    hasher: Sha256,
    bytes: u64,
}

impl Write for Digesting {
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
struct Hand(std::sync::Arc<std::sync::Mutex<Digesting>>);

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
    tmp: PathBuf,
    writer: BatchedWriter<Hand>,
    hand: Hand,
    rows: u64,
}

/// Files of one generation, while they are written: one for each table and partition.
pub struct Segment {
    root: PathBuf,
    pub generation: i64,
    files: BTreeMap<(&'static str, String), OpenFile>,
}

impl Segment {
    pub fn new(root: &Path, generation: i64) -> Result<Self> {
        let tmp = root.join("tmp");
        private_folder(&tmp).map_err(|it| Error::file("make", &tmp, it))?;
        Ok(Self { root: root.to_owned(), generation, files: BTreeMap::new() })
    }

    /// Rows already written to a table's file in this partition.
    pub fn rows(&self, table: &Table, partition: &str) -> i64 {
        self.files.get(&(table.name, partition.to_owned())).map_or(0, |it| it.rows as i64)
    }

    /// Writes a data frame as one row group.
    pub fn write(&mut self, table: &Table, partition: &str, frame: &DataFrame) -> Result<()> {
        if frame.height() == 0 {
            return Ok(());
        }
        let key = (table.name, partition.to_owned());
        if !self.files.contains_key(&key) {
            let file = self.create(table)?;
            self.files.insert(key.clone(), file);
        }
        let Some(file) = self.files.get_mut(&key) else { return Ok(()) };
        let mut whole = frame.clone();
        whole.rechunk_mut();
        file.writer.write_batch(&whole).map_err(|it| written(&file.tmp, &it))?;
        file.rows += frame.height() as u64;
        Ok(())
    }

    fn create(&self, table: &Table) -> Result<OpenFile> {
        let name = format!("{:08}-{:04}.parquet", self.generation, self.files.len());
        let tmp = self.root.join("tmp").join(name);
        let mut options = OpenOptions::new();
        options.create_new(true).write(true);
        private(&mut options);
        let file = options.open(&tmp).map_err(|it| Error::file("write", &tmp, it))?;
        let hand = Hand(std::sync::Arc::new(std::sync::Mutex::new(Digesting {
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
        Ok(OpenFile { table: table.name, tmp, writer, hand, rows: 0 })
    }

    /// Closes every file, makes it durable and moves it to its place.
    fn finish(self, root: &Path) -> Result<Vec<FileNote>> {
        let mut notes = Vec::new();
        let mut folders = HashSet::new();
        for ((table, partition), open) in self.files {
            open.writer.finish().map_err(|it| written(&open.tmp, &it))?;
            drop(open.writer);
            let path = format!("{table}/{partition}/{:08}.parquet", self.generation);
            let place = root.join(&path);
            let (bytes, sha256) = close(open.hand, &open.tmp)?;
            if let Some(folder) = place.parent() {
                private_folder(folder).map_err(|it| Error::file("make", folder, it))?;
                folders.insert(folder.to_owned());
            }
            std::fs::rename(&open.tmp, &place).map_err(|it| Error::file("write", &place, it))?;
            notes.push(FileNote {
                path,
                table: open.table.to_owned(),
                rows: open.rows,
                bytes,
                sha256,
            });
        }
        for folder in folders {
            // The name of a file is durable only when its folder is.
            if let Ok(it) = File::open(&folder) {
                let _ = it.sync_all();
            }
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
    Ok((it.bytes, hex(&digest)))
}

fn written(path: &Path, it: &PolarsError) -> Error {
    let text = it.to_string();
    let error = Error::new(Kind::Refused, format!("cannot write {}: {text}", path.display()));
    if text.contains("No space") || text.contains("os error 28") {
        return error.hint("free some space and run the same command again; nothing kept was lost");
    }
    error
}
