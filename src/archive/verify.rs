//! The proof that nothing was changed, dropped or damaged since it was written.
//!
//! It asks what is there and not named as well as what is named and not there, and what was there before: the head of the
//! chain, noted somewhere else, shows an end that was cut off. No AWS, no network; the archive alone is read.

use std::collections::BTreeSet;
use std::collections::HashMap;
use std::collections::HashSet;
use std::path::Path;

use polars::prelude::DataFrame;
use polars::prelude::PolarsResult;
use sha2::Digest;
use sha2::Sha256;

use super::folder::FORMAT;
use super::folder::LOCK;
use super::folder::MARKER;
use super::folder::READERS;
use super::folder::There;
use super::kept::Archive;
use super::manifest;
use super::manifest::Brought;
use super::manifest::Entry;
use super::manifest::Seal;
use super::manifest::leaf;
use super::schema::SESSIONS;
use super::sides;
use super::state::read_lock;
use super::state::state;
use super::writer;
use crate::error::Error;
use crate::error::Kind;
use crate::error::Result;

/// Columns that tell which bytes a transcript is.
pub(crate) const READ: [&str; 7] =
    ["session_key", "locator", "version", "digest", "content_digest", "part", "generation"];
/// The same and the bytes.
const BYTES: [&str; 8] = [
    "session_key",
    "locator",
    "version",
    "digest",
    "content_digest",
    "part",
    "generation",
    "content",
];

/// One thing that is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Fault {
    /// A path below the archive, an entry, a session or an object's locator.
    pub place: String,
    /// What is wrong there, in words.
    pub why: String,
}

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Proof {
    /// A sound archive has none.
    pub faults: Vec<Fault>,
    /// What is no fault and should be known: repairs, a writer that was stopped.
    pub notes: Vec<String>,
    /// Entries in the chain.
    pub entries: u64,
    /// Files of tables that count, missing ones included.
    pub files: u64,
    /// Bytes in those of them that could be read.
    pub bytes: u64,
    /// `ENTRY:DIGEST`, which names all that is proved.
    pub head: Option<String>,
    /// The chain does not hold the head that was noted: no repair brings that back.
    pub is_other: bool,
    /// The faults, to say each once.
    said: HashSet<Fault>,
}

impl Proof {
    fn fault(&mut self, place: impl Into<String>, why: impl Into<String>) {
        let it = Fault { place: place.into(), why: why.into() };
        if self.said.insert(it.clone()) {
            self.faults.push(it);
        }
    }
}

/// A head that was noted earlier: `ENTRY:DIGEST`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// Number of the entry, from 1.
    pub entry: u64,
    /// The digest, or as much of its beginning as was noted.
    pub digest: String,
}

/// Fewest hex digits of a digest that name an entry: 64 bits, which nobody meets by chance.
const DIGITS: usize = 16;

impl Head {
    /// Reads `ENTRY:DIGEST`; the digest may be cut to its first 16 digits.
    pub fn parse(text: &str) -> Option<Self> {
        let (entry, digest) = text.trim().split_once(':')?;
        let entry = entry.parse().ok()?;
        let digest = digest.to_ascii_lowercase();
        let sound = (DIGITS..=64).contains(&digest.len())
            && digest.bytes().all(|it| it.is_ascii_hexdigit());
        sound.then_some(Self { entry, digest })
    }

    fn names(&self, it: &Entry) -> bool {
        it.entry == self.entry && it.digest.starts_with(&self.digest)
    }
}

/// Proves the archive in this folder, and that it is the one whose head was noted.
///
/// # Errors
/// No archive there, a newer one, the system's refusal.
pub fn verify(root: &Path, expect: Option<&Head>) -> Result<Proof> {
    let mut proof = Proof::default();
    if let Some(why) = marker_fault(root)? {
        proof.fault(MARKER, why);
    }
    let _readers = read_lock(root);
    for name in [LOCK, READERS] {
        if let Err(it) = super::folder::must_be_file(&root.join(name)) {
            proof.fault(name, format!("{it}; a lock holds nothing: remove it"));
        }
    }
    let manifest = state(root);
    for it in &manifest.damages {
        proof.fault(&it.locator, &it.why);
    }
    let archive = Archive::over(root, manifest);
    proof.entries = archive.manifest.entries.len() as u64;
    proof.head = archive.manifest.head();
    if archive.manifest.pending.is_some() {
        proof.notes.push(
            "a writer is at work, or was stopped while it published; the next sync finishes that"
                .into(),
        );
    }
    for note in archive.live_files() {
        proof.files += 1;
        match writer::digest(&archive.path_of(note)) {
            Ok((size, digest)) => {
                proof.bytes += size;
                if digest != note.sha256 {
                    proof.fault(&note.path, "it was changed after it was written");
                    archive.damaged(&note.path, "it was changed after it was written");
                }
            }
            Err(it) if it.kind() == std::io::ErrorKind::NotFound => {
                proof.fault(&note.path, "it is missing");
                archive.damaged(&note.path, "it is missing");
            }
            Err(it) => proof.fault(&note.path, super::folder::unread(&it)),
        }
    }
    let brought = entries(&archive, &mut proof);
    contents(&archive, &brought, &mut proof);
    for it in sides::faults(&archive) {
        proof.fault(it.place, it.why);
    }
    if let Some(head) = expect {
        expected(&archive, head, &mut proof);
    }
    Ok(proof)
}

/// Why the marker is not as it was written; `None` if it is. One that was changed, or is gone from beside a manifest, is damaged.
///
/// # Errors
/// No archive there, or a newer one.
pub(crate) fn marker_fault(root: &Path) -> Result<Option<String>> {
    match There::at(&root.join(MARKER)) {
        There::Bytes(it) if it == writer::marker().as_bytes() => Ok(None),
        There::Bytes(it) => {
            let said: Option<serde_json::Value> = serde_json::from_slice(&it).ok();
            let format = said.and_then(|it| it.get("format")?.as_u64());
            if format.is_some_and(|it| it > FORMAT) && !written_as(root, FORMAT) {
                super::state::check_format(root)?;
            }
            Ok(Some("it was changed after it was written".into()))
        }
        There::Unread(it) => Ok(Some(super::folder::unread(&it))),
        There::Absent
            if root.join(manifest::NAME).exists() || root.join(SESSIONS.name).exists() =>
        {
            Ok(Some("it is missing".into()))
        }
        There::Absent => super::state::check_format(root).map(|()| None),
    }
}

/// Whether the manifest says that the archive has this format, whatever its marker says.
fn written_as(root: &Path, format: u64) -> bool {
    let bytes = There::at(&root.join(manifest::NAME)).bytes().unwrap_or_default();
    let entries = manifest::Manifest::of_bytes(&bytes, None).entries;
    let said = entries.last().and_then(|it| it.sides.as_ref()).map(|it| it.format);
    said == Some(format)
}

/// Whether each entry lies a second time in a file of its own, and has its list; returns what all of them brought.
fn entries(archive: &Archive, proof: &mut Proof) -> HashSet<[u8; 32]> {
    let mut brought = HashSet::new();
    let damaged: HashSet<String> =
        archive.manifest.damages.iter().map(|it| it.locator.clone()).collect();
    let repaired: HashSet<&str> = archive
        .manifest
        .entries
        .iter()
        .flat_map(|it| &it.repaired)
        .map(|it| it.what.as_str())
        .collect();
    for entry in archive.manifest.entries.iter().filter(|it| it.sides.is_some()) {
        let copy = entry.copy();
        match There::at(&archive.root.join(&copy)) {
            There::Bytes(it)
                if serde_json::from_slice::<Entry>(&it).is_ok_and(|it| it == *entry) => {}
            // The copies of a damaged manifest are said with it.
            _ if damaged.contains(&copy) => {}
            There::Bytes(_) => proof.fault(&copy, "it was changed after it was written"),
            There::Absent => proof.fault(&copy, "it is missing"),
            There::Unread(it) => proof.fault(&copy, super::folder::unread(&it)),
        }
        // A repair that could not write it again has said so.
        let is_lost = |list: &String| repaired.contains(list.as_str());
        if let Some(list) = entry.list().filter(|it| !is_lost(it)) {
            match manifest::read_list(&archive.root.join(&list)) {
                Ok(it) if Some(Seal::of(&it)) == entry.brought => {
                    brought.extend(it.iter().map(leaf))
                }
                Err(it) if it.kind() == std::io::ErrorKind::NotFound => {
                    proof.fault(list, "it is missing");
                }
                Err(it) if it.kind() != std::io::ErrorKind::InvalidData => {
                    proof.fault(list, super::folder::unread(&it));
                }
                _ => proof.fault(list, "it was changed after it was written"),
            }
        }
        if entry.did == "repair" {
            let lost = entry.repaired.iter().filter(|it| !it.moved_to.is_empty());
            let (there, gone): (Vec<_>, Vec<_>) =
                lost.partition(|it| archive.root.join(&it.moved_to).symlink_metadata().is_ok());
            let moved = match (there.len(), gone.len()) {
                (0, 0) => String::new(),
                (1, 0) => "; 1 file lies in lost/".into(),
                (there, 0) => format!("; {there} files lie in lost/"),
                (there, gone) => {
                    format!("; {there} files lie in lost/, and {gone} are gone from it")
                }
            };
            proof.notes.push(format!(
                "entry {} repaired the archive at {}{moved}",
                entry.entry, entry.written_at
            ));
        }
    }
    brought
}

/// The bytes of one reading, while they are put together.
struct ReadBack {
    brought: Brought,
    generation: i64,
    hasher: Sha256,
}

/// Of rows of kept bytes what an entry says of them, with the number of the part and the generation.
pub(crate) fn brought(frame: &DataFrame) -> PolarsResult<Vec<(Brought, i64, i64)>> {
    let text = |name: &str| frame.column(name)?.str().cloned();
    let [locators, versions] = [text("locator")?, text("version")?];
    let [digests, contents] = [text("digest")?, text("content_digest")?];
    let parts = frame.column("part")?.i64()?.clone();
    let generations = frame.column("generation")?.i64()?.clone();
    let own = |it: Option<&str>| it.unwrap_or_default().to_owned();
    let rows = (0..frame.height()).map(|row| {
        let it = Brought {
            locator: own(locators.get(row)),
            version: own(versions.get(row)),
            digest: own(digests.get(row)),
            content_digest: own(contents.get(row)),
        };
        (it, parts.get(row).unwrap_or(0), generations.get(row).unwrap_or(0))
    });
    Ok(rows.collect())
}

/// Whether every session still has the bytes it was read from, all bytes have a session, they are what was read, and an
/// entry brought them.
fn contents(archive: &Archive, brought: &HashSet<[u8; 32]>, proof: &mut Proof) {
    let mut kept: BTreeSet<String> = BTreeSet::new();
    let mut open: Option<ReadBack> = None;
    // Entries of earlier versions do not say what they brought.
    let lists: HashMap<i64, bool> =
        archive.manifest.entries.iter().map(|it| (it.generation, it.sides.is_some())).collect();
    let close = |it: Option<ReadBack>, proof: &mut Proof| {
        let Some(it) = it else { return };
        if hex::encode(it.hasher.finalize()) != it.brought.content_digest {
            proof.fault(&it.brought.locator, "its kept bytes are not what was read");
        } else if lists.get(&it.generation) == Some(&true) && !brought.contains(&leaf(&it.brought))
        {
            proof.fault(&it.brought.locator, "no entry of the manifest brought these bytes");
        }
    };
    let unsound: HashSet<String> = archive.damages().into_iter().map(|it| it.locator).collect();
    for note in archive.files("transcripts") {
        if unsound.contains(&note.path) {
            continue;
        }
        let spans = [(0, note.rows as i64)];
        archive.read_spans(&note.path, &spans, Some(&BYTES), |_, frame| {
            let keys = frame.column("session_key")?.str()?.clone();
            let contents = frame.column("content")?.binary()?.clone();
            for (row, (it, part, generation)) in self::brought(&frame)?.into_iter().enumerate() {
                kept.insert(keys.get(row).unwrap_or_default().to_owned());
                // A stream that grew goes on with a digest of its own.
                if part == 0 || open.as_ref().is_none_or(|open| open.brought != it) {
                    close(open.take(), proof);
                    open = Some(ReadBack { brought: it, generation, hasher: Sha256::new() });
                }
                if let Some(it) = &mut open {
                    it.hasher.update(contents.get(row).unwrap_or_default());
                }
            }
            Ok(())
        });
    }
    close(open.take(), proof);
    let unreadable = |archive: &Archive, table: &str| {
        archive.damages().iter().any(|it| it.locator.starts_with(table))
    };
    let mut known: HashSet<String> = HashSet::new();
    archive.read_table("sessions", &["session_key"], |frame| {
        let keys = frame.column("session_key")?.str()?;
        known.extend(keys.iter().flatten().map(str::to_owned));
        Ok(())
    });
    // Where a file is damaged, what it held is said with it.
    let lost = archive.manifest.entries.iter().flat_map(|it| &it.repaired);
    let lost = lost.filter(|it| it.what.starts_with("transcripts/")).count();
    if !unreadable(archive, "transcripts/") {
        let gone: Vec<&String> = known.iter().filter(|it| !kept.contains(*it)).collect();
        if lost > 0 && !gone.is_empty() {
            proof.notes.push(format!(
                "the bytes of {} sessions were lost before a repair; what was read of them is kept",
                gone.len()
            ));
        } else {
            gone.iter().for_each(|it| proof.fault(format!("session {it}"), "its bytes are gone"));
        }
    }
    if !unreadable(archive, "sessions/") {
        for it in kept.iter().filter(|it| !known.contains(*it)) {
            proof.fault(
                format!("session {it}"),
                "its bytes are kept and the index does not know it; `ssmtrail archive rebuild` brings it back",
            );
        }
    }
    let places: HashSet<String> = proof.faults.iter().map(|it| it.place.clone()).collect();
    for it in archive.damages().into_iter().filter(|it| !places.contains(&it.locator)) {
        proof.fault(it.locator, it.why);
    }
}

/// Whether the chain goes on from a head that was noted.
fn expected(archive: &Archive, head: &Head, proof: &mut Proof) {
    if archive.manifest.entries.iter().any(|it| head.names(it)) {
        return;
    }
    let name = format!("{}:{}", head.entry, head.digest);
    let adopted = archive.manifest.entries.iter().flat_map(|it| &it.repaired);
    let word = format!("entry {name}");
    if adopted.filter(|it| it.why == super::manifest::ADOPTED).any(|it| it.what.starts_with(&word))
    {
        proof
            .notes
            .push(format!("entry {name} is not in the chain; a repair took its files back in"));
        return;
    }
    proof.is_other = true;
    proof.fault(
        manifest::NAME,
        format!("the chain does not hold entry {name}: entries were dropped or written anew since it was noted"),
    );
}

impl std::str::FromStr for Head {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Self::parse(text).ok_or_else(|| {
            Error::new(Kind::Misused, format!("{text:?} is no head of a chain"))
                .hint("it is ENTRY:DIGEST, as `ssmtrail sync` and `ssmtrail archive verify` print it; at least 16 digits of the digest")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_a_number_and_at_least_sixteen_digits() {
        let whole = format!("12:{}", "ab".repeat(32));
        assert_eq!(Head::parse(&whole).unwrap().entry, 12);
        assert!(Head::parse("12:abcdefabcdefabcd").is_some());
        for wrong in ["", "12", "12:", "12:abc", "x:abcdefabcdefabcd", "12:abcdefabcdefabcg"] {
            assert!(Head::parse(wrong).is_none(), "{wrong}");
        }
    }
}
