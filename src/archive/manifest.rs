//! What the archive holds and from where, in a chain that proves it.
//!
//! One JSON object a line, only ever appended. Each entry lists the files it added with their digests, and
//! holds the digest of the entry before, so that no file and no entry can be changed or dropped unseen. The
//! append is the moment at which an entry's files come into being for readers: a line cut off by a crash is not
//! an entry, and its files are swept away by the next writer.

use std::fs::File;
use std::fs::OpenOptions;
use std::io::Read;
use std::io::Seek;
use std::io::SeekFrom;
use std::io::Write;
use std::path::Path;

use serde::Deserialize;
use serde::Serialize;
use sha2::Digest;
use sha2::Sha256;

use crate::error::Error;
use crate::error::Result;
use crate::session::Skip;

/// Name of the file inside the archive.
pub const NAME: &str = "manifest.jsonl";

/// One file that an entry added.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileNote {
    /// Path below the archive, with `/`.
    pub path: String,
    pub table: String,
    pub rows: u64,
    pub bytes: u64,
    pub sha256: String,
}

/// A version of an object whose bytes were already held.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alias {
    pub locator: String,
    pub version: String,
    pub digest: String,
}

/// A version of an object that was read and is no transcript, so that it need not be read again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Other {
    pub locator: String,
    pub version: String,
    pub why: String,
}

/// One step in the life of the archive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Number of the entry, from 1.
    pub entry: u64,
    /// RFC 3339, UTC.
    pub written_at: String,
    pub tool: String,
    pub decoder: i64,
    /// What was done: `sync` or `rebuild`.
    pub did: String,
    /// Generation of the rows it wrote; 0 if none.
    pub generation: i64,
    pub added: Vec<FileNote>,
    /// Files that count no longer.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub retired: Vec<String>,
    /// Rows that a newer generation of the same session replaces: session key and generation.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub superseded: Vec<(String, i64)>,
    /// Objects seen and not stored again.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub aliases: Vec<Alias>,
    /// Objects that are no transcripts, as this decoder sees it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub others: Vec<Other>,
    /// Digest of the entry before; empty for the first.
    pub previous: String,
    /// SHA-256 of this entry with an empty digest.
    pub digest: String,
}

impl Entry {
    /// The digest that this entry should carry.
    pub fn proof(&self) -> String {
        let bare = Self { digest: String::new(), ..self.clone() };
        let text = serde_json::to_vec(&bare).unwrap_or_default();
        hex(&Sha256::digest(&text))
    }
}

pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut out, it| {
        let _ = write!(out, "{it:02x}");
        out
    })
}

/// The manifest as read.
#[derive(Clone, Debug, Default)]
pub struct Manifest {
    pub entries: Vec<Entry>,
    /// What could not be read or does not fit the chain.
    pub damages: Vec<Skip>,
    /// Bytes of sound entries; what lies behind is a line cut off by a crash.
    pub sound_bytes: u64,
    pub torn: bool,
}

impl Manifest {
    /// Reads the manifest of an archive. A missing file is an empty manifest.
    pub fn read(root: &Path) -> Result<Self> {
        let path = root.join(NAME);
        let mut bytes = Vec::new();
        match File::open(&path) {
            Ok(mut file) => {
                file.read_to_end(&mut bytes).map_err(|it| Error::file("read", &path, it))?;
            }
            Err(it) if it.kind() == std::io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(it) => return Err(Error::file("read", &path, it)),
        }
        Ok(Self::of_bytes(&bytes))
    }

    /// Entries that are sound, and a damage for each that is not.
    pub fn of_bytes(bytes: &[u8]) -> Self {
        let mut out = Self::default();
        let mut previous = Some(String::new());
        let mut at = 0;
        for (nth, line) in bytes.split_inclusive(|it| *it == b'\n').enumerate() {
            let number = nth as u64 + 1;
            let complete = line.ends_with(b"\n");
            if !complete {
                out.torn = true;
                break;
            }
            at += line.len() as u64;
            out.sound_bytes = at;
            let damage =
                |why: String| Skip { locator: format!("{NAME} line {number}"), why, loses: true };
            let entry: Entry = match serde_json::from_slice(line) {
                Ok(it) => it,
                Err(it) => {
                    out.damages.push(damage(format!("it is no manifest entry: {it}")));
                    previous = None;
                    continue;
                }
            };
            if entry.proof() != entry.digest {
                out.damages.push(damage("it was changed after it was written".into()));
            } else if previous.as_ref().is_some_and(|it| *it != entry.previous) {
                out.damages.push(damage("the entry before it is missing or was changed".into()));
            }
            previous = Some(entry.digest.clone());
            out.entries.push(entry);
        }
        out
    }

    pub fn last_digest(&self) -> String {
        self.entries.last().map(|it| it.digest.clone()).unwrap_or_default()
    }

    /// Appends one entry and makes it last. Everything it names must already be durable.
    pub fn append(&mut self, root: &Path, mut entry: Entry) -> Result<()> {
        let path = root.join(NAME);
        entry.entry = self.entries.last().map_or(0, |it| it.entry) + 1;
        entry.previous = self.last_digest();
        entry.digest = entry.proof();
        let mut line = serde_json::to_vec(&entry)
            .map_err(|it| Error::file("write", &path, std::io::Error::other(it)))?;
        line.push(b'\n');
        let fail = |it| Error::file("write", &path, it);
        let mut options = OpenOptions::new();
        options.create(true).truncate(false).write(true);
        super::private(&mut options);
        let mut file = options.open(&path).map_err(fail)?;
        // A line that a crash cut off is no entry: it gives way.
        file.set_len(self.sound_bytes).map_err(fail)?;
        file.seek(SeekFrom::Start(self.sound_bytes)).map_err(fail)?;
        file.write_all(&line).map_err(fail)?;
        file.sync_data().map_err(fail)?;
        self.sound_bytes += line.len() as u64;
        self.torn = false;
        self.entries.push(entry);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(did: &str) -> Entry {
        Entry {
            entry: 0,
            written_at: "2026-11-23T00:00:00Z".into(),
            tool: "ssmtrail test".into(),
            decoder: 1,
            did: did.into(),
            generation: 1,
            added: Vec::new(),
            retired: Vec::new(),
            superseded: Vec::new(),
            aliases: Vec::new(),
            others: Vec::new(),
            previous: String::new(),
            digest: String::new(),
        }
    }

    #[test]
    fn each_entry_holds_the_digest_of_the_one_before() {
        let root = tempfile::tempdir().unwrap();
        let mut manifest = Manifest::default();
        manifest.append(root.path(), entry("one")).unwrap();
        manifest.append(root.path(), entry("two")).unwrap();
        let read = Manifest::read(root.path()).unwrap();
        assert!(read.damages.is_empty() && !read.torn);
        assert_eq!(read.entries[1].previous, read.entries[0].digest);
    }

    #[test]
    fn a_changed_or_missing_entry_is_seen() {
        let root = tempfile::tempdir().unwrap();
        let mut manifest = Manifest::default();
        for did in ["one", "two", "three"] {
            manifest.append(root.path(), entry(did)).unwrap();
        }
        let text = std::fs::read_to_string(root.path().join(NAME)).unwrap();
        let changed = Manifest::of_bytes(text.replacen("two", "owt", 1).as_bytes());
        assert_eq!(changed.damages[0].locator, "manifest.jsonl line 2");
        let lines: Vec<&str> = text.split_inclusive('\n').collect();
        let dropped = Manifest::of_bytes(format!("{}{}", lines[0], lines[2]).as_bytes());
        assert!(dropped.damages[0].why.contains("missing"));
    }

    #[test]
    fn a_line_cut_off_by_a_crash_is_no_entry_and_gives_way_to_the_next() {
        let root = tempfile::tempdir().unwrap();
        let mut manifest = Manifest::default();
        manifest.append(root.path(), entry("one")).unwrap();
        manifest.append(root.path(), entry("two")).unwrap();
        let whole = std::fs::read(root.path().join(NAME)).unwrap();
        for cut in 1..whole.len() {
            let read = Manifest::of_bytes(&whole[..cut]);
            assert!(read.damages.is_empty(), "cut at {cut}: {:?}", read.damages);
            assert!(read.entries.len() <= 2);
        }
        std::fs::write(root.path().join(NAME), &whole[..whole.len() - 5]).unwrap();
        let mut torn = Manifest::read(root.path()).unwrap();
        assert!(torn.torn && torn.entries.len() == 1);
        torn.append(root.path(), entry("again")).unwrap();
        let read = Manifest::read(root.path()).unwrap();
        assert!(read.damages.is_empty() && !read.torn);
        assert_eq!(read.entries[1].did, "again");
    }
}
