//! What the archive holds and from where, in a chain that proves it.
//!
//! One JSON object a line, only ever appended. Each entry lists the files it added with their digests, and holds the
//! digest of the entry before, so that no file and no entry can be changed or dropped unseen. Each entry lies a second
//! time in a file of its own, so that one damaged byte costs nothing. An entry is written down before its files move to
//! their places (`manifest.next`): what a crash leaves is named by it, and everything else that nobody names is damage.
//!
//! The digest of an entry is taken over its lists' digests, so that the chain can be shown to a stranger without the
//! names that stand in the lists.

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::Seek;
use std::io::SeekFrom;
use std::io::Write;
use std::path::Path;

use serde::Deserialize;
use serde::Serialize;
use sha2::Digest;
use sha2::Sha256;

use super::folder::There;
use super::folder::private_folder;
use super::folder::sync_folder;
use super::folder::unread;
use super::folder::write_whole;
use super::schema::TABLES;
use crate::error::Error;
use crate::error::Kind;
use crate::error::Result;
use crate::session::Skip;

/// Name of the file inside the archive.
pub const NAME: &str = "manifest.jsonl";

/// The entry that is being published, or was when the writer died.
pub const NEXT: &str = "manifest.next";

/// Folder of the entries one by one, and of the lists of what each brought.
pub const ENTRIES: &str = "entries";

/// Numbers of entries stay below this: one a second for thirty years. A forged or damaged digit must not carry the chain away.
pub(crate) const BEYOND: u64 = 1_000_000_000;

/// Form of the digest that entries carry now. The first form was taken over the whole entry.
const FORM: u64 = 2;

/// One file that an entry added.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileNote {
    /// Path below the archive, with `/`.
    pub path: String,
    /// Table that the file's rows are of, such as `sessions` or `lines`.
    pub table: String,
    /// Rows in the file.
    pub rows: u64,
    /// Size of the file in bytes.
    pub bytes: u64,
    /// SHA-256 of the whole file, in hex digits.
    pub sha256: String,
    /// Fast checksums of its pieces, which readers compare; empty in files of older entries.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub pieces: String,
}

/// A version of an object whose bytes were already held.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alias {
    /// Where the object lay, as its source writes it.
    pub locator: String,
    /// Version of the object that was seen and not stored again.
    pub version: String,
    /// SHA-256 of the bytes that the archive held already, in hex digits.
    pub digest: String,
}

/// A version of an object that was read and is no transcript, so that it need not be read again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Other {
    /// Where the object lay, as its source writes it.
    pub locator: String,
    /// Version of the object that was read.
    pub version: String,
    /// Why it counts as something else than a transcript, in words.
    pub why: String,
}

/// Source bytes that an entry brought: the proof of a transcript, whatever file its rows are moved to later.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Brought {
    /// Where the object lay, as its source writes it.
    pub locator: String,
    /// Version of the object that was read.
    pub version: String,
    /// SHA-256 of the object as its source held it; of a log stream, of the stretch that was read.
    pub digest: String,
    /// SHA-256 of the content kept of it.
    pub content_digest: String,
}

/// A list, as far as the chain speaks of it: how long it is, and the SHA-256 over the SHA-256 of each of its items.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seal {
    /// Items in the list.
    pub count: u64,
    /// SHA-256 over the digests of the items, in hex digits.
    pub sha256: String,
}

impl Default for Seal {
    fn default() -> Self {
        Self::of_leaves(std::iter::empty())
    }
}

impl Seal {
    /// The seal of a list, each item digested as JSON by [`leaf`].
    pub fn of<T: Serialize>(items: &[T]) -> Self {
        Self::of_leaves(items.iter().map(leaf))
    }

    /// The seal of a list whose items are digested already, in the order of the list.
    pub fn of_leaves(leaves: impl Iterator<Item = [u8; 32]>) -> Self {
        let mut hasher = Sha256::new();
        let mut count = 0;
        for it in leaves {
            hasher.update(it);
            count += 1;
        }
        Self { count, sha256: hex::encode(hasher.finalize()) }
    }
}

/// What a [`Seal`] knows of one item.
pub fn leaf(item: &impl Serialize) -> [u8; 32] {
    Sha256::digest(serde_json::to_vec(item).unwrap_or_default()).into()
}

/// The small files beside the tables, as they were when an entry was written.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sides {
    /// Format that the marker names.
    pub format: u64,
    /// SHA-256 of the salt; empty if there was none.
    pub salt: String,
    /// Lines in the record of who had secrets shown, and the digest that its last line carries.
    pub reveals: u64,
    /// Digest that the last line of that record carries; empty if the record has no line.
    pub reveals_digest: String,
}

impl Sides {
    /// What an entry says of them behind another: what was changed or lost since then stays said as it was, so that no later
    /// entry covers it.
    #[must_use]
    pub fn after(mut self, told: &Self) -> Self {
        if !told.salt.is_empty() {
            self.salt.clone_from(&told.salt);
        }
        if self.reveals <= told.reveals {
            self.reveals = told.reveals;
            self.reveals_digest.clone_from(&told.reveals_digest);
        }
        self
    }
}

/// What is said of an entry whose files a repair took back in.
pub(crate) const ADOPTED: &str =
    "it proves and no longer hangs on the chain: its files were taken back in";

/// What a repair did with one thing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Repaired {
    /// What it is: a path below the archive, or an entry.
    pub what: String,
    /// Where it lies now; empty if it was not there.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub moved_to: String,
    /// SHA-256 of it as it was found.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub sha256: String,
    /// Why the repair touched it, in words.
    pub why: String,
}

/// One step in the life of the archive.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Form of its digest.
    #[serde(default, skip_serializing_if = "is_first_form")]
    pub form: u64,
    /// Number of the entry, from 1. No number is used twice.
    pub entry: u64,
    /// RFC 3339, UTC.
    pub written_at: String,
    /// Program and version that wrote the entry, as `ssmtrail 1.2.3`.
    pub tool: String,
    /// Version of the decoder that derived the rows; 0 if none were derived.
    pub decoder: i64,
    /// What was done: `sync`, `verify`, `rebuild-part`, `rebuild` (its last part) or `repair`.
    pub did: String,
    /// Generation of the rows it wrote; 0 if none.
    pub generation: i64,
    /// Files that the entry added to the tables.
    pub added: Vec<FileNote>,
    /// Files that count no longer.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub retired: Vec<String>,
    /// Rows that a newer generation of the same session replaces: session key and generation. A generation
    /// below zero stands for all that are earlier than the one without its sign: so an entry that brings back sessions of which
    /// the index was lost names each of them once, however many files of theirs nobody can look into.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub superseded: Vec<(String, i64)>,
    /// Objects seen and not stored again.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub aliases: Vec<Alias>,
    /// Objects that are no transcripts, as this decoder sees it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub others: Vec<Other>,
    /// What it brought; the list is in a file of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub brought: Option<Seal>,
    /// What a repair moved, took back in or could not find.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub repaired: Vec<Repaired>,
    /// The small files as they were then; `None` in an entry that says nothing of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sides: Option<Sides>,
    /// Digest of the entry before; empty for the first.
    pub previous: String,
    /// SHA-256 of [`Sealed`] with an empty digest; in the first form, of this entry with an empty digest.
    pub digest: String,
}

fn is_first_form(form: &u64) -> bool {
    *form < FORM
}

/// An entry without the names in its lists. All that its digest is taken over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sealed {
    /// Form of the digest, as in [`Entry::form`].
    pub form: u64,
    /// Number of the entry, from 1.
    pub entry: u64,
    /// When the entry was written: RFC 3339, UTC.
    pub written_at: String,
    /// Program and version that wrote the entry.
    pub tool: String,
    /// Version of the decoder; 0 if no rows were derived.
    pub decoder: i64,
    /// What was done, as in [`Entry::did`].
    pub did: String,
    /// Generation of the rows that the entry wrote; 0 if none.
    pub generation: i64,
    /// Seal of [`Entry::added`].
    pub added: Seal,
    /// Seal of [`Entry::retired`].
    pub retired: Seal,
    /// Seal of [`Entry::superseded`].
    pub superseded: Seal,
    /// Seal of [`Entry::aliases`].
    pub aliases: Seal,
    /// Seal of [`Entry::others`].
    pub others: Seal,
    /// Seal of the list of what the entry brought.
    pub brought: Seal,
    /// Seal of [`Entry::repaired`].
    pub repaired: Seal,
    /// The small files beside the tables, as they were then.
    pub sides: Sides,
    /// Digest of the entry before, in hex digits; empty for the first.
    pub previous: String,
    /// SHA-256 of this, taken while the field is empty; see [`Self::proof`].
    pub digest: String,
}

impl Sealed {
    /// The digest that it should carry.
    pub fn proof(&self) -> String {
        hex::encode(leaf(&Self { digest: String::new(), ..self.clone() }))
    }
}

impl Entry {
    /// The same without the names in its lists.
    pub fn sealed(&self) -> Sealed {
        Sealed {
            form: self.form,
            entry: self.entry,
            written_at: self.written_at.clone(),
            tool: self.tool.clone(),
            decoder: self.decoder,
            did: self.did.clone(),
            generation: self.generation,
            added: Seal::of(&self.added),
            retired: Seal::of(&self.retired),
            superseded: Seal::of(&self.superseded),
            aliases: Seal::of(&self.aliases),
            others: Seal::of(&self.others),
            brought: self.brought.clone().unwrap_or_default(),
            repaired: Seal::of(&self.repaired),
            sides: self.sides.clone().unwrap_or_default(),
            previous: self.previous.clone(),
            digest: self.digest.clone(),
        }
    }

    /// The digest that this entry should carry.
    pub fn proof(&self) -> String {
        if !is_first_form(&self.form) {
            return self.sealed().proof();
        }
        hex::encode(leaf(&Self { digest: String::new(), ..self.clone() }))
    }

    /// Puts it behind another and proves it.
    #[must_use]
    pub fn chained(mut self, number: u64, previous: &str) -> Self {
        self.form = FORM;
        self.entry = number;
        self.previous = previous.to_owned();
        self.digest = self.proof();
        self
    }

    /// Reads an entry that proves; whoever changed it, it is none.
    pub(crate) fn proved(text: &[u8]) -> Option<Self> {
        let it: Self = serde_json::from_slice(text).ok()?;
        (it.proof() == it.digest && it.stays_inside()).then_some(it)
    }

    /// Whether it names nothing but files of the archive's own tables. Anybody can make an entry that proves, and hand over an
    /// archive with it: its paths are written to, moved and removed.
    fn stays_inside(&self) -> bool {
        let ours = |path: &str| {
            let parts: Vec<&str> = path.split('/').collect();
            let sound = |it: &&str| {
                !it.is_empty()
                    && *it != "."
                    && *it != ".."
                    && !it.contains(['\\', ':'])
                    && !it.chars().any(char::is_control)
            };
            let table =
                parts.first().is_some_and(|it| TABLES.iter().any(|table| table.name == *it));
            let number = parts.last().and_then(|it| it.strip_suffix(".parquet"));
            table
                && parts.len() > 1
                && parts.iter().all(sound)
                && number
                    .is_some_and(|it| !it.is_empty() && it.bytes().all(|it| it.is_ascii_digit()))
        };
        let numbers =
            self.entry < BEYOND && u64::try_from(self.generation).is_ok_and(|it| it < BEYOND);
        numbers
            && self.added.iter().all(|it| ours(&it.path))
            && self.retired.iter().all(|it| ours(it))
    }

    fn line(&self) -> std::io::Result<Vec<u8>> {
        let mut line = serde_json::to_vec(self).map_err(std::io::Error::other)?;
        line.push(b'\n');
        Ok(line)
    }

    /// Path of its copy, below the archive.
    pub fn copy(&self) -> String {
        format!("{ENTRIES}/{:08}.json", self.entry)
    }

    /// Path of the list of what it brought, below the archive; `None` if it brought nothing.
    pub fn list(&self) -> Option<String> {
        let some = self.brought.as_ref().is_some_and(|it| it.count > 0);
        some.then(|| list_of(self.entry))
    }

    /// `ENTRY:DIGEST`, which names the chain up to here.
    pub fn head(&self) -> String {
        format!("{}:{}", self.entry, self.digest)
    }
}

/// Path of the list of what an entry brought, below the archive.
pub fn list_of(entry: u64) -> String {
    format!("{ENTRIES}/{entry:08}.brought")
}

/// The list of what an entry brought, as it lies beside it: one JSON object a line.
pub(crate) fn list_bytes(brought: &[Brought]) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    for it in brought {
        serde_json::to_writer(&mut bytes, it)
            .map_err(|it| Error::new(Kind::Refused, format!("a list cannot be written: {it}")))?;
        bytes.push(b'\n');
    }
    Ok(bytes)
}

/// What an entry brought, from the list beside it.
///
/// # Errors
/// A file that cannot be read, or that is no list.
pub(crate) fn read_list(path: &Path) -> std::io::Result<Vec<Brought>> {
    let bytes = match There::at(path) {
        There::Bytes(it) => it,
        There::Absent => return Err(std::io::ErrorKind::NotFound.into()),
        There::Unread(it) => return Err(it),
    };
    serde_json::Deserializer::from_slice(&bytes)
        .into_iter()
        .collect::<serde_json::Result<_>>()
        .map_err(Into::into)
}

/// The manifest as read.
#[derive(Clone, Debug, Default)]
pub struct Manifest {
    /// Entries that prove, in order, wherever they were found.
    pub entries: Vec<Entry>,
    /// What could not be read or does not fit the chain. While there is any, nobody writes.
    pub damages: Vec<Skip>,
    /// The entry of a writer that is at work, or died at it: it may yet be finished.
    pub pending: Option<Entry>,
    /// Bytes of `manifest.jsonl` that are entries; what lies behind is the beginning of the pending one.
    sound_bytes: u64,
    /// The last line has no end, as an editor or a copy may leave it.
    open_ended: bool,
}

impl Manifest {
    /// Reads the manifest of an archive. One that is missing, damaged or cannot be read is a damage.
    pub fn read(root: &Path) -> Self {
        let (next, unread_next) = match There::at(&root.join(NEXT)) {
            There::Bytes(it) => (Some(it), None),
            There::Absent => (None, None),
            There::Unread(it) => (None, Some(unread(&it))),
        };
        let (bytes, why) = match There::at(&root.join(NAME)) {
            There::Bytes(it) => (it, None),
            There::Absent => (Vec::new(), Some("it is missing".to_owned())),
            There::Unread(it) => (Vec::new(), Some(unread(&it))),
        };
        let mut out = Self::of_bytes(&bytes, next.as_deref());
        if let Some(why) = why {
            out.damage(why);
        }
        out.damages.extend(unread_next.map(|why| Skip { locator: NEXT.into(), why, loses: true }));
        let last = out.entries.last().map_or(0, |it| it.entry);
        let beyond = Entry { entry: last + 1, ..Entry::default() };
        if out.damages.is_empty() && root.join(beyond.copy()).exists() {
            out.damage(format!("entry {} is missing at its end", last + 1));
        }
        if !out.damages.is_empty() {
            out.recall(root);
            // Its copy had its name already: it is an entry like any other.
            let known = |it: &Entry| out.entries.iter().any(|one| one.digest == it.digest);
            if out.pending.as_ref().is_some_and(known) {
                out.pending = None;
            }
        }
        out
    }

    fn damage(&mut self, why: String) {
        self.damages.push(Skip { locator: NAME.into(), why, loses: true });
    }

    /// Entries that prove, and a damage for each line that does not, given the bytes of [`NEXT`].
    pub fn of_bytes(bytes: &[u8], next: Option<&[u8]>) -> Self {
        let mut out = Self::default();
        let next = next.filter(|it| !it.is_empty());
        let pending = next.and_then(Entry::proved);
        let mut previous = Some(String::new());
        for (nth, line) in bytes.split_inclusive(|it| *it == b'\n').enumerate() {
            let damage = |why: String| Skip {
                locator: format!("{NAME} line {}", nth + 1),
                why,
                loses: true,
            };
            out.open_ended = !line.ends_with(b"\n");
            let entry = match serde_json::from_slice::<Entry>(line) {
                Ok(it) => it,
                // A writer died while it appended this line, which it had written down whole before.
                Err(_) if out.open_ended && next.is_some_and(|it| it.starts_with(line)) => {
                    out.open_ended = false;
                    break;
                }
                Err(it) => {
                    let why = match out.open_ended {
                        true => "it is cut off".into(),
                        false => format!("it is no manifest entry: {it}"),
                    };
                    out.damages.push(damage(why));
                    previous = None;
                    continue;
                }
            };
            out.sound_bytes += line.len() as u64;
            // To the byte: what is written otherwise was written by somebody else.
            let own = is_first_form(&entry.form)
                || entry.line().is_ok_and(|it| it.trim_ascii_end() == line.trim_ascii_end());
            if entry.proof() != entry.digest || !own {
                out.damages.push(damage("it was changed after it was written".into()));
                previous = None;
                continue;
            }
            if !entry.stays_inside() {
                out.damages.push(damage("it names a file outside the archive's tables".into()));
                previous = None;
                continue;
            }
            if previous.as_ref().is_some_and(|it| *it != entry.previous) {
                out.damages.push(damage("the entry before it is missing or was changed".into()));
            }
            previous = Some(entry.digest.clone());
            out.entries.push(entry);
        }
        match pending {
            Some(it) if it.previous == out.last_digest() => out.pending = Some(it),
            Some(it) if out.entries.iter().any(|entry| entry.digest == it.digest) => {}
            None if next.is_none() => {}
            _ => out.damages.push(Skip {
                locator: NEXT.into(),
                why: "it does not go on where the manifest ends".into(),
                loses: true,
            }),
        }
        out
    }

    /// Takes what the manifest lost from the copies of its entries.
    fn recall(&mut self, root: &Path) {
        let mut found: BTreeMap<u64, Vec<Entry>> = BTreeMap::new();
        for it in self.entries.drain(..) {
            found.entry(it.entry).or_default().push(it);
        }
        let copies = std::fs::read_dir(root.join(ENTRIES)).into_iter().flatten();
        for path in copies.filter_map(|it| Some(it.ok()?.path())) {
            if path.extension().is_some_and(|it| it == "json")
                && let Some(bytes) = There::at(&path).bytes()
                && let Some(it) = Entry::proved(&bytes)
            {
                found.entry(it.entry).or_default().push(it);
            }
        }
        for (number, same) in found {
            let last = self.last_digest();
            let next = same.iter().find(|it| it.previous == last).or(same.first());
            // What does not go on from the entry right before it is of another archive; so is what has another salt.
            let behind = self.entries.last().map_or(0, |it| it.entry) + 1 == number;
            let salt = |it: &Entry| {
                it.sides.as_ref().map(|it| it.salt.clone()).filter(|it| !it.is_empty())
            };
            let known = self.entries.iter().rev().find_map(salt);
            let fits = |it: &&Entry| {
                it.previous == last
                    || !behind && (known.is_none() || salt(it).is_none() || known == salt(it))
            };
            self.entries.extend(next.filter(fits).cloned());
        }
    }

    /// Whether its entries are a chain without a gap, wherever they were found.
    pub fn is_whole(&self) -> bool {
        let mut previous = "";
        self.entries.iter().all(|it| {
            let fits = it.previous == previous;
            previous = &it.digest;
            fits
        })
    }

    /// Digest of the last entry, in hex digits; empty if there is no entry yet.
    pub fn last_digest(&self) -> String {
        self.entries.last().map(|it| it.digest.clone()).unwrap_or_default()
    }

    /// `ENTRY:DIGEST` of the last entry; `None` in an archive that has none yet.
    pub fn head(&self) -> Option<String> {
        self.entries.last().map(Entry::head)
    }

    /// The number that the next entry gets.
    pub fn next_number(&self) -> u64 {
        self.entries.last().map_or(0, |it| it.entry) + 1
    }

    /// Writes down the entry that is about to be published, so that whoever comes after a crash knows of it. All its
    /// files must already be durable.
    pub(crate) fn announce(root: &Path, entry: &Entry) -> Result<()> {
        let path = root.join(NEXT);
        let fail = |it| Error::file("write", &path, it);
        let line = entry.line().map_err(fail)?;
        write_whole(&path, &line)
    }

    /// Appends the announced entry and makes it last, then keeps its copy. Everything it names must already be in place.
    pub(crate) fn append(&mut self, root: &Path, entry: Entry) -> Result<()> {
        let path = root.join(NAME);
        let fail = |it| Error::file("write", &path, it);
        let line = entry.line().map_err(fail)?;
        let mut options = OpenOptions::new();
        options.create(false).truncate(false).write(true);
        let mut file = options.open(&path).map_err(fail)?;
        // What a crash left of this very line gives way to it.
        file.set_len(self.sound_bytes).map_err(fail)?;
        file.seek(SeekFrom::Start(self.sound_bytes)).map_err(fail)?;
        if self.open_ended && self.sound_bytes > 0 {
            file.write_all(b"\n").map_err(fail)?;
            self.sound_bytes += 1;
        }
        self.open_ended = false;
        file.write_all(&line).map_err(fail)?;
        file.sync_data().map_err(fail)?;
        self.sound_bytes += line.len() as u64;
        let copy = root.join(entry.copy());
        private_folder(&root.join(ENTRIES)).map_err(|it| Error::file("make", &copy, it))?;
        std::fs::rename(root.join(NEXT), &copy).map_err(|it| Error::file("write", &copy, it))?;
        sync_folder(&root.join(ENTRIES))?;
        sync_folder(root)?;
        self.pending = None;
        self.entries.push(entry);
        Ok(())
    }

    /// Writes a manifest anew from its entries, whole or not at all, and each entry's copy.
    pub(crate) fn rewrite(root: &Path, entries: &[Entry]) -> Result<()> {
        let folder = root.join(ENTRIES);
        private_folder(&folder).map_err(|it| Error::file("make", &folder, it))?;
        let mut bytes = Vec::new();
        for it in entries {
            let path = root.join(it.copy());
            let line = it.line().map_err(|it| Error::file("write", &path, it))?;
            if There::at(&path).bytes().as_ref() != Some(&line) {
                write_whole(&path, &line)?;
            }
            bytes.extend_from_slice(&line);
        }
        write_whole(&root.join(NAME), &bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(did: &str) -> Entry {
        Entry {
            written_at: "2026-11-23T00:00:00Z".into(),
            tool: "ssmtrail test".into(),
            decoder: 1,
            did: did.into(),
            ..Entry::default()
        }
    }

    /// An archive's folder whose manifest has these entries.
    fn written(entries: &[&str]) -> (tempfile::TempDir, Manifest) {
        let root = tempfile::tempdir().unwrap();
        std::fs::write(root.path().join(NAME), b"").unwrap();
        let mut manifest = Manifest::default();
        for did in entries {
            let it = entry(did).chained(manifest.next_number(), &manifest.last_digest());
            Manifest::announce(root.path(), &it).unwrap();
            manifest.append(root.path(), it).unwrap();
        }
        (root, manifest)
    }

    fn bytes(root: &tempfile::TempDir) -> Vec<u8> {
        std::fs::read(root.path().join(NAME)).unwrap()
    }

    #[test]
    fn each_entry_holds_the_digest_of_the_one_before() {
        let (root, _) = written(&["one", "two"]);
        let read = Manifest::read(root.path());
        assert!(read.damages.is_empty() && read.is_whole());
        assert_eq!(read.entries[1].previous, read.entries[0].digest);
        assert_eq!(read.head(), Some(format!("2:{}", read.entries[1].digest)));
    }

    #[test]
    fn a_digest_speaks_of_every_list_and_shows_no_name() {
        let mut it = entry("sync");
        it.superseded = vec![("alice-1".into(), 1)];
        it.others =
            vec![Other { locator: "s3://b/k".into(), version: "v".into(), why: "x".into() }];
        let it = it.chained(1, "");
        let shown = serde_json::to_string(&it.sealed()).unwrap();
        assert!(!shown.contains("alice") && !shown.contains("s3://"), "{shown}");
        assert_eq!(it.sealed().proof(), it.digest);
        let mut other = it.clone();
        other.superseded[0].1 = 2;
        assert_ne!(other.proof(), it.digest);
    }

    #[test]
    fn every_changed_byte_of_the_manifest_is_seen_and_costs_nothing() {
        let (root, manifest) = written(&["one", "two", "three"]);
        let sound = bytes(&root);
        for at in 0..sound.len() {
            let mut bytes = sound.clone();
            bytes[at] ^= 1;
            std::fs::write(root.path().join(NAME), &bytes).unwrap();
            let read = Manifest::read(root.path());
            assert!(!read.damages.is_empty(), "byte {at}");
            assert_eq!(read.entries, manifest.entries, "byte {at}");
        }
    }

    #[test]
    fn dropped_entries_are_missed_wherever_they_stood() {
        let (root, manifest) = written(&["one", "two", "three"]);
        let text = String::from_utf8(bytes(&root)).unwrap();
        let lines: Vec<&str> = text.split_inclusive('\n').collect();
        for kept in [vec![], vec![0], vec![0, 1], vec![1, 2], vec![0, 2], vec![2]] {
            let kept: String = kept.into_iter().map(|it: usize| lines[it]).collect();
            std::fs::write(root.path().join(NAME), &kept).unwrap();
            let read = Manifest::read(root.path());
            assert!(!read.damages.is_empty(), "{kept}");
            assert_eq!(read.entries, manifest.entries);
        }
        std::fs::remove_file(root.path().join(NAME)).unwrap();
        let read = Manifest::read(root.path());
        assert_eq!(read.damages[0].why, "it is missing");
        assert_eq!(read.entries, manifest.entries);
    }

    #[test]
    fn a_last_line_that_proves_is_an_entry_even_without_its_end() {
        let (root, mut manifest) = written(&["one", "two"]);
        let whole = bytes(&root);
        std::fs::write(root.path().join(NAME), &whole[..whole.len() - 1]).unwrap();
        let mut read = Manifest::read(root.path());
        assert!(read.damages.is_empty() && read.entries.len() == 2);
        let it = entry("three").chained(3, &read.last_digest());
        Manifest::announce(root.path(), &it).unwrap();
        read.append(root.path(), it.clone()).unwrap();
        manifest.entries.push(it);
        let read = Manifest::read(root.path());
        assert!(read.damages.is_empty());
        assert_eq!(read.entries, manifest.entries);
    }

    #[test]
    fn a_line_that_a_writer_died_at_is_none_yet_and_no_damage_and_any_other_torn_line_is() {
        let (root, mut manifest) = written(&["one"]);
        let before = bytes(&root);
        let it = entry("two").chained(2, &manifest.last_digest());
        Manifest::announce(root.path(), &it).unwrap();
        let line = it.line().unwrap();
        for cut in 0..line.len() - 1 {
            let torn = [before.as_slice(), &line[..cut]].concat();
            std::fs::write(root.path().join(NAME), torn).unwrap();
            let read = Manifest::read(root.path());
            assert!(read.damages.is_empty(), "cut at {cut}: {:?}", read.damages);
            assert_eq!(read.pending.as_ref(), Some(&it));
            assert_eq!(read.entries, manifest.entries);
        }
        manifest = Manifest::read(root.path());
        manifest.append(root.path(), it).unwrap();
        let read = Manifest::read(root.path());
        assert!(read.damages.is_empty() && read.pending.is_none() && read.entries.len() == 2);
        // Without the announcement nobody knows who cut it off.
        let whole = bytes(&root);
        std::fs::write(root.path().join(NAME), &whole[..whole.len() - 5]).unwrap();
        assert!(!Manifest::read(root.path()).damages.is_empty());
    }

    #[test]
    fn entries_of_the_first_form_still_prove() {
        let line = br#"{"entry":1,"written_at":"2026-11-23T00:00:00Z","tool":"ssmtrail 0.1.0","decoder":4,"did":"sync","generation":1,"added":[],"previous":"","digest":""}"#;
        let mut it: Entry = serde_json::from_slice(line).unwrap();
        it.digest = hex::encode(Sha256::digest(line));
        assert_eq!(it.proof(), it.digest);
    }
}
