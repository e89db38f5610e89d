//! The small files beside the tables: the salt, the record of who had secrets shown, how far each feed has come.
//!
//! None of them is named by the manifest as a file, because readers write them. So each proves itself, and each entry
//! of the manifest says how they were when it was written: what is changed or emptied later is missed.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;
use std::path::PathBuf;

use serde_json::Value;
use sha2::Digest;
use sha2::Sha256;

use super::folder::BEGUN;
use super::folder::FEEDS;
use super::folder::There;
use super::folder::private;
use super::folder::private_folder;
use super::folder::unread;
use super::folder::whole;
use super::folder::write_whole;
use super::kept::Archive;
use super::manifest::Entry;
use super::manifest::Sides;
use crate::error::Error;
use crate::error::Kind;
use crate::error::Result;

/// Name of the file that makes marks of masked secrets this archive's own.
pub const SALT: &str = "salt";

/// Name of the record of who had secrets shown.
pub const REVEALS: &str = "reveals.jsonl";

/// How many lines that record has and the digest of the last, so that an end that was cut off is missed.
pub const REVEALS_HEAD: &str = "reveals.head";

/// Where a feed stands that was written before there was any entry.
const NO_ENTRY: &str = "-";

/// A feed: its name, and the table that it is of, if not of all. Each has a place of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Feed {
    /// The word that the person gave the feed; part of its file's name.
    pub name: String,
    /// `commands` or `sessions`; `None` if the feed is of both.
    pub rows: Option<&'static str>,
}

impl Feed {
    /// The feed that a file in the folder of feeds is of.
    fn of_file(name: &str) -> Option<Self> {
        let (name, rows) = match name.split_once('.') {
            None => (name, None),
            Some((name, "commands")) => (name, Some("commands")),
            Some((name, "sessions")) => (name, Some("sessions")),
            Some(_) => return None,
        };
        Some(Self { name: name.to_owned(), rows })
    }
}

/// A salt as its file holds it: 64 hex digits.
fn salt_of(text: &[u8]) -> Option<[u8; 32]> {
    let mut salt = [0; 32];
    hex::decode_to_slice(text.trim_ascii_end(), &mut salt).ok()?;
    Some(salt)
}

/// Makes the salt of a new archive, whole or not at all.
pub(crate) fn make_salt(root: &Path) -> Result<()> {
    let path = root.join(SALT);
    if whole(&path)?.is_some() {
        return Ok(());
    }
    let mut salt = [0; 32];
    getrandom::fill(&mut salt).map_err(|it| {
        Error::new(Kind::Refused, format!("the system gives no random bytes: {it}"))
    })?;
    write_whole(&path, hex::encode(salt).as_bytes())
}

/// The small files as they are now.
pub(crate) fn sides(root: &Path) -> Sides {
    let salt = There::at(&root.join(SALT)).bytes();
    let salt = salt.map(|it| hex::encode(Sha256::digest(it))).unwrap_or_default();
    let there = last_reveal(&There::at(&root.join(REVEALS)).bytes().unwrap_or_default());
    // Lines that are gone stay missed.
    let known = reveals_head(root).filter(|it| it.0 > there.0);
    let (reveals, reveals_digest) = known.unwrap_or(there);
    Sides { format: super::FORMAT, salt, reveals, reveals_digest }
}

/// How many lines the record of reveals has, and the digest that the last one carries.
fn last_reveal(bytes: &[u8]) -> (u64, String) {
    let lines = bytes.split(|it| *it == b'\n').filter(|it| !it.is_empty());
    let (count, last) = lines.fold((0, None), |(count, _), it| (count + 1, Some(it)));
    let digest = last
        .and_then(|it| serde_json::from_slice::<Value>(it).ok())
        .and_then(|it| Some(it.get("digest")?.as_str()?.to_owned()));
    (count, digest.unwrap_or_default())
}

/// How many lines the record had when one was last added, and the digest of that one.
fn reveals_head(root: &Path) -> Option<(u64, String)> {
    let text = String::from_utf8(There::at(&root.join(REVEALS_HEAD)).bytes()?).ok()?;
    let (count, digest) = text.trim_ascii_end().split_once(' ')?;
    Some((count.parse().ok()?, digest.to_owned()))
}

/// The digest of a line of the record: of all its other fields, as they are written.
fn reveal_digest(line: &Value) -> String {
    let mut bare = line.clone();
    if let Some(it) = bare.as_object_mut() {
        it.remove("digest");
    }
    hex::encode(Sha256::digest(bare.to_string()))
}

/// What is wrong with a small file: where it lies below the archive, the place in it as people are told, and why.
pub(crate) struct SideFault {
    pub(crate) path: PathBuf,
    pub(crate) place: String,
    pub(crate) why: String,
}

/// What is wrong with the small files, given what the chain says of them: place and reason.
pub(crate) fn faults(archive: &Archive) -> Vec<SideFault> {
    let root = &archive.root;
    let told = archive.manifest.entries.iter().rev().find_map(|it| it.sides.as_ref());
    let mut faults = Vec::new();
    let mut fault = |place: &str, why: &str| {
        let path = PathBuf::from(place.split(" line ").next().unwrap_or(place));
        faults.push(SideFault { path, place: place.to_owned(), why: why.to_owned() });
    };
    match (There::at(&root.join(SALT)), told.filter(|it| !it.salt.is_empty())) {
        (There::Absent, Some(_)) => fault(SALT, "it is missing"),
        (There::Unread(it), _) => fault(SALT, &unread(&it)),
        (There::Bytes(it), Some(told)) if hex::encode(Sha256::digest(&it)) != told.salt => {
            fault(SALT, "it was changed, and with it every mark of a masked secret");
        }
        (There::Bytes(it), None) if salt_of(&it).is_none() => fault(SALT, "it is no salt"),
        _ => {}
    }
    let mut small = |name: &str| match There::at(&root.join(name)) {
        There::Bytes(it) => Some(it),
        There::Absent => None,
        There::Unread(it) => {
            fault(name, &unread(&it));
            None
        }
    };
    let (reveals, head) = (small(REVEALS).unwrap_or_default(), small(REVEALS_HEAD));
    let (mut previous, mut before) = (String::new(), String::new());
    let mut digests = Vec::new();
    for (nth, line) in reveals.split_inclusive(|it| *it == b'\n').enumerate() {
        let place = format!("{REVEALS} line {}", nth + 1);
        let Ok(value) = serde_json::from_slice::<Value>(line) else {
            fault(&place, "it is no record");
            continue;
        };
        let text = |name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
        // Lines of earlier versions stand before all that are chained.
        let Some(digest) = text("digest") else {
            if !previous.is_empty() {
                fault(&place, "it was changed or added");
            }
            digests.push(String::new());
            continue;
        };
        // To the byte: what is written otherwise was written by somebody else.
        if reveal_digest(&value) != digest || line != format!("{value}\n").as_bytes() {
            fault(&place, "it was changed after it was written");
        } else if text("previous").unwrap_or_default() != previous {
            fault(&place, "the line before it is missing or was changed");
        }
        before = std::mem::replace(&mut previous, digest.clone());
        digests.push(digest);
    }
    // Every entry, back to a repair that moved the record: a later one may know only what took the place of what was lost.
    let moved = |it: &&Entry| it.repaired.iter().any(|it| it.what == REVEALS);
    let entries = archive.manifest.entries.iter().rev().take_while(|it| !moved(it));
    let mut known = entries.filter_map(|it| it.sides.as_ref()).filter(|it| it.reveals > 0);
    if known.any(|it| digests.get(it.reveals as usize - 1) != Some(&it.reveals_digest)) {
        fault(REVEALS, "lines that the manifest knows of are missing");
    }
    let now = format!("{} {previous}\n", digests.len());
    match head {
        // Whoever died between the two left the head one line behind.
        Some(it) if it == format!("{} {before}\n", digests.len().saturating_sub(1)).as_bytes() => {}
        Some(it) if it != now.as_bytes() => {
            fault(REVEALS_HEAD, "the record of reveals has lost lines, or this file was changed");
        }
        None if !previous.is_empty() => fault(REVEALS_HEAD, "it is missing"),
        _ => {}
    }
    faults.extend(feed_faults(archive));
    faults
}

/// What is wrong with the files that say how far each feed has come.
fn feed_faults(archive: &Archive) -> Vec<SideFault> {
    let feeds = archive.root.join(FEEDS);
    let names = match std::fs::read_dir(&feeds) {
        Ok(it) => it.filter_map(|it| Some(it.ok()?.file_name())),
        Err(it) if it.kind() == std::io::ErrorKind::NotFound => return Vec::new(),
        Err(it) => {
            let place = FEEDS.to_owned();
            return vec![SideFault { path: PathBuf::from(FEEDS), place, why: unread(&it) }];
        }
    };
    let mut faults = Vec::new();
    for name in names {
        let told = match name.to_str() {
            // What was to become a feed's file when somebody was killed is none.
            Some(it) if it.starts_with(BEGUN) => continue,
            Some(it) => Feed::of_file(it),
            None => None,
        };
        let told = told.ok_or_else(|| "it is the place of no feed".to_owned());
        if let Err(why) = told.and_then(|it| archive.watermark(&it).map_err(|it| it.what)) {
            let path = Path::new(FEEDS).join(&name);
            faults.push(SideFault { place: path.to_string_lossy().into_owned(), path, why });
        }
    }
    faults
}

impl Archive {
    /// What makes marks of masked secrets differ from archive to archive. Where it cannot be kept, marks tell reuse within
    /// one answer only.
    pub fn salt(&self) -> [u8; 32] {
        let path = self.root.join(SALT);
        let there = There::at(&path);
        let is_absent = matches!(there, There::Absent);
        let told = self.manifest.entries.iter().rev().find_map(|it| it.sides.as_ref());
        let told = told.map(|it| it.salt.as_str()).filter(|it| !it.is_empty());
        let bytes = there.bytes();
        let proves = |it: &[u8]| told.is_none_or(|told| hex::encode(Sha256::digest(it)) == told);
        if let Some(it) = &bytes
            && let Some(salt) = salt_of(it).filter(|_| proves(it))
        {
            return salt;
        }
        if !is_absent || told.is_some() {
            // Never made anew: the marks of earlier answers would be somebody else's.
            self.damaged(
                SALT,
                "it was changed or is gone: marks of masked secrets are this answer's own",
            );
        }
        let mut salt = [0; 32];
        // Without chance there is still the archive's own history, which the output does not tell.
        if getrandom::fill(&mut salt).is_err() {
            salt = Sha256::digest(self.manifest.last_digest().as_bytes()).into();
        }
        if is_absent && told.is_none() {
            // An archive of an earlier version has none until it is needed.
            let _ = write_whole(&path, hex::encode(salt).as_bytes());
        }
        salt
    }

    /// Adds a line to the record of who had secrets shown: a JSON object.
    ///
    /// # Errors
    /// It cannot be written: then they must not be shown.
    pub fn record_reveal(&self, line: &str) -> Result<()> {
        let path = self.root.join(REVEALS);
        let fail = |it| {
            Error::file("write", &path, it)
                .hint("secrets are shown only where it can be recorded; leave out --reveal")
        };
        let mut value: Value =
            serde_json::from_str(line).map_err(|it| fail(std::io::Error::other(it)))?;
        let mut options = OpenOptions::new();
        options.append(true).read(true).create(true);
        private(&mut options);
        // Whoever hands an archive over must not choose which file of ours we write to.
        if path.symlink_metadata().is_ok_and(|it| !it.is_file()) {
            return Err(fail(std::io::Error::other("it is not a regular file")));
        }
        let mut file = options.open(&path).map_err(fail)?;
        // One line at a time, and each knows the one before.
        file.lock().map_err(fail)?;
        let there = whole(&path)?.unwrap_or_default();
        if !there.is_empty() && !there.ends_with(b"\n") {
            // Whoever wrote the last line was stopped: the next one begins its own.
            file.write_all(b"\n").map_err(fail)?;
        }
        let (mut count, mut previous) = last_reveal(&there);
        // Lines that the head knows of and that are gone stay missed: the new line does not begin the record anew.
        if let Some((known, digest)) = reveals_head(&self.root)
            && known > count
        {
            (count, previous) = (known, digest);
        }
        value["previous"] = previous.into();
        let digest = reveal_digest(&value);
        value["digest"] = digest.clone().into();
        file.write_all(format!("{value}\n").as_bytes()).map_err(fail)?;
        file.sync_all().map_err(fail)?;
        write_whole(&self.root.join(REVEALS_HEAD), format!("{} {digest}\n", count + 1).as_bytes())
    }

    /// The manifest entry up to which the feed of this name was written; 0 if it never was.
    ///
    /// # Errors
    /// A name that cannot be a file's, or a file that names no entry of this archive.
    pub fn watermark(&self, feed: &Feed) -> Result<i64> {
        let path = self.feed(feed)?;
        let feed = &feed.name;
        let there = There::at(&path);
        let damaged = |why: &str| {
            Error::new(Kind::Damaged, format!("the feed {feed} {why}")).hint(
                "`--since-last` with another name begins a feed anew, and nothing is left out",
            )
        };
        let bytes = match there {
            There::Bytes(it) => it,
            There::Absent => return Ok(0),
            There::Unread(it) => return Err(damaged(&format!("cannot be read: {it}"))),
        };
        let text = String::from_utf8(bytes).map_err(|_| damaged("holds no number"))?;
        let line = text.strip_suffix('\n').ok_or_else(|| damaged("holds no number"))?;
        let (number, digest) = match line.split_once(' ') {
            Some((number, digest)) => (number, Some(digest)),
            // As earlier versions wrote it.
            None => (line, None),
        };
        let number = Some(number)
            .filter(|it| it.bytes().all(|it| it.is_ascii_digit()))
            .and_then(|it| it.parse::<i64>().ok())
            .ok_or_else(|| damaged("holds no number"))?;
        if digest.is_some_and(|it| it != self.digest_at(number) && !self.has_adopted(number, it)) {
            let last = self.manifest.entries.last().map_or(0, |it| it.entry);
            return Err(damaged(&format!(
                "has come to entry {number}, which this archive does not have as it was (it ends at entry {last})"
            )));
        }
        Ok(number)
    }

    /// Remembers how far a feed was written; whole or not at all.
    ///
    /// # Errors
    /// The system's refusal.
    pub fn set_watermark(&self, feed: &Feed, entry: i64) -> Result<()> {
        let path = self.feed(feed)?;
        let folder = self.root.join(FEEDS);
        super::folder::stays_inside(&self.root, &folder)?;
        private_folder(&folder).map_err(|it| Error::file("make", &folder, it))?;
        write_whole(&path, format!("{entry} {}\n", self.digest_at(entry)).as_bytes())
    }

    fn digest_at(&self, generation: i64) -> &str {
        let mut entries = self.manifest.entries.iter();
        entries.find(|it| it.generation == generation).map_or(NO_ENTRY, |it| it.digest.as_str())
    }

    /// Whether a repair took this entry's files back in.
    fn has_adopted(&self, number: i64, digest: &str) -> bool {
        let what = format!("entry {number}:{digest}");
        let repaired = self.manifest.entries.iter().flat_map(|it| &it.repaired);
        repaired.into_iter().any(|it| it.what == what && it.why == super::manifest::ADOPTED)
    }

    fn feed(&self, feed: &Feed) -> Result<PathBuf> {
        let name = &feed.name;
        let sound = |it: char| it.is_ascii_alphanumeric() || it == '-' || it == '_';
        if name.is_empty() || name.len() > 100 || !name.chars().all(sound) {
            return Err(Error::misused(format!("a feed cannot be called {name}"))
                .hint("letters, digits, - and _"));
        }
        Ok(self.root.join(FEEDS).join(match feed.rows {
            None => name.clone(),
            Some(rows) => format!("{name}.{rows}"),
        }))
    }
}
