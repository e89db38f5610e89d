//! A report and the bytes it cites in one archive that proves itself.
//!
//! The package is a plain tar, so that it can be opened without this tool, and holds `SHA256SUMS` in the form of `sha256sum`, so that
//! it can be proved without it, too. The same content makes the same bytes, and those are the only ones that pass: each header is
//! made again from the file's path and length and compared byte by byte, the files stand in one order, padding is zero, and nothing
//! follows the end. So there is no member that another reader of the tar would name, write or skip otherwise than this one.
//!
//! What the sums prove is that nothing changed since it was packed; who packed it is what a signature proves. No file of any
//! system is touched here.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::collections::HashSet;
use std::io::Error;
use std::io::ErrorKind;
use std::io::Read;
use std::io::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use minisign::PublicKey;
use minisign::SecretKey;
use minisign::SecretKeyBox;
use minisign::SignatureBox;
use serde::Deserialize;
use serde::Serialize;
use serde_json::value::RawValue;
use sha2::Digest;
use sha2::Sha256;

use crate::archive::manifest::Brought;
use crate::archive::manifest::Entry;
use crate::archive::manifest::Seal;
use crate::archive::manifest::Sealed;
use crate::archive::manifest::hex;
use crate::archive::manifest::leaf;
use crate::archive::schema::TranscriptRow;

pub const SUMS: &str = "SHA256SUMS";
pub const INDEX: &str = "evidence.json";
pub const MANIFEST: &str = "manifest.jsonl";

/// Version of [`INDEX`] and [`MANIFEST`].
pub const VERSION: u64 = 2;

/// Most bytes of sums, index and manifest together that are held when a package is verified.
const MOST: u64 = 256 << 20;

/// Most files in a package, so that their names and digests fit into memory.
const MOST_FILES: u64 = 1_000_000;

/// Most faults that are told one by one.
const MOST_FAULTS: usize = 200;

/// Size of a tar's blocks ("ustar Interchange Format", POSIX.1-2017, pax).
const BLOCK: usize = 512;

/// Longest name of a package's folder, so that every path fits into a ustar header: 155 bytes of prefix hold it and `transcripts`.
const FOLDER: usize = 100;

/// What stands before the transcripts, in this order.
const BEFORE: [&str; 11] = [
    "README.txt",
    "report.html",
    "report.md",
    "report.json",
    "report.csv",
    "report.sessions.csv",
    "report.evidence.csv",
    "report.findings.csv",
    "report.xlsx",
    "survey.json",
    MANIFEST,
];

/// What stands behind them.
const BEHIND: [&str; 2] = [INDEX, SUMS];

/// What [`INDEX`] says of one transcript, as it was when it was read.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Cited {
    /// Below the package's folder.
    pub path: String,
    pub session_id: String,
    pub account_id: Option<String>,
    pub region: Option<String>,
    pub locator: String,
    pub version: String,
    pub form: String,
    /// SHA-256 of the bytes in this package: the content, decompressed if the source held it compressed.
    pub content_digest: String,
    /// SHA-256 of the object as its source held it; of a log stream, of the stretch that was read.
    pub digest: String,
    pub stored_bytes: i64,
    /// RFC 3339, UTC.
    pub stored_at: Option<String>,
    pub read_at: Option<String>,
    pub etag: Option<String>,
    pub version_id: Option<String>,
    pub checksum: Option<String>,
    pub encryption: Option<String>,
    pub storage_class: Option<String>,
}

impl Cited {
    /// What an entry of the chain knows of it.
    fn leaf(&self) -> [u8; 32] {
        leaf(&Brought {
            locator: self.locator.clone(),
            version: self.version.clone(),
            digest: self.digest.clone(),
            content_digest: self.content_digest.clone(),
        })
    }

    pub fn new(path: String, it: &TranscriptRow) -> Self {
        let time = |it: crate::archive::schema::Instant| {
            it.micros()
                .and_then(chrono::DateTime::from_timestamp_micros)
                .map(|it| it.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true))
        };
        Self {
            path,
            session_id: it.session_id.clone(),
            account_id: it.account_id.clone(),
            region: it.region.clone(),
            locator: it.locator.clone(),
            version: it.version.clone(),
            form: it.form.clone(),
            content_digest: it.content_digest.clone(),
            digest: it.digest.clone(),
            stored_bytes: it.stored_bytes,
            stored_at: time(it.stored_at),
            read_at: time(it.read_at),
            etag: it.etag.clone(),
            version_id: it.version_id.clone(),
            checksum: it.checksum.clone(),
            encryption: it.encryption.clone(),
            storage_class: it.storage_class.clone(),
        }
    }
}

/// One entry of the archive's chain, as a package shows it: without the names in its lists.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Link {
    #[serde(flatten)]
    what: LinkKind,
    /// Digests of all that it brought, where the package holds some of that.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    brought: Vec<String>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum LinkKind {
    Sealed(Box<Sealed>),
    /// An entry of an earlier version, which cannot be proved without its names.
    Named {
        entry: u64,
        previous: String,
        digest: String,
    },
}

/// The chain as a package shows it: every entry without its names, and of those that brought something of these the digests of
/// all that they brought. `lists` are what entries brought.
pub fn links<'a>(
    entries: &[Entry],
    lists: impl Fn(&Entry) -> Option<Vec<Brought>>,
    held: impl Iterator<Item = &'a TranscriptRow>,
) -> String {
    let held: HashSet<[u8; 32]> = held
        .map(|it| {
            leaf(&Brought {
                locator: it.locator.clone(),
                version: it.version.clone(),
                digest: it.digest.clone(),
                content_digest: it.content_digest.clone(),
            })
        })
        .collect();
    let mut out = String::new();
    for entry in entries {
        let leaves: Vec<[u8; 32]> = lists(entry).unwrap_or_default().iter().map(leaf).collect();
        let some = leaves.iter().any(|it| held.contains(it));
        let brought = leaves.iter().filter(|_| some).map(|it| hex(it)).collect();
        let what = match entry.sides {
            Some(_) => LinkKind::Sealed(Box::new(entry.sealed())),
            None => LinkKind::Named {
                entry: entry.entry,
                previous: entry.previous.clone(),
                digest: entry.digest.clone(),
            },
        };
        out.push_str(&serde_json::to_string(&Link { what, brought }).unwrap_or_default());
        out.push('\n');
    }
    out
}

/// A file's name for the n-th transcript: what the session's id says, without anything that a path could mean.
pub fn transcript_path(nth: u64, session_id: &str, form: &str) -> String {
    let name: String =
        session_id.chars().take(80).map(|it| if is_plain(it) { it } else { '_' }).collect();
    let ending = match form {
        "events" => "jsonl",
        "windows" => "txt",
        _ => "log",
    };
    format!("transcripts/{nth:05}-{name}.{ending}")
}

fn is_plain(it: char) -> bool {
    it.is_ascii_alphanumeric() || "-_@.".contains(it)
}

/// A package's folder, called like the package as far as a name can be that no system takes for something else.
pub fn folder(name: &str) -> Cow<'_, str> {
    let sound = |it: char| it.is_alphanumeric() || " -_@.,+=()".contains(it);
    let mut out: String = name.chars().map(|it| if sound(it) { it } else { '_' }).collect();
    let mut end = FOLDER.min(out.len());
    while !out.is_char_boundary(end) {
        end -= 1;
    }
    out.truncate(end);
    if out.starts_with(['.', '-', ' ']) {
        out.replace_range(..1, "_");
    }
    if out.is_empty() {
        return Cow::Borrowed("evidence");
    }
    if out == name { Cow::Borrowed(name) } else { Cow::Owned(out) }
}

/// Where a file stands in a package.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum PackagePlace {
    Before(usize),
    /// Counted from 1.
    Transcript(u64),
    Behind(usize),
}

/// The place of a file, if a package can hold such a file.
fn place(path: &str) -> Option<PackagePlace> {
    if let Some(at) = BEFORE.iter().position(|it| *it == path) {
        return Some(PackagePlace::Before(at));
    }
    if let Some(at) = BEHIND.iter().position(|it| *it == path) {
        return Some(PackagePlace::Behind(at));
    }
    let (digits, rest) = path.strip_prefix("transcripts/")?.split_once('-')?;
    let nth: u64 = digits.parse().ok()?;
    let (name, ending) = rest.rsplit_once('.')?;
    let sound = format!("{nth:05}") == digits
        && name.chars().all(is_plain)
        && name.len() <= 80
        && ["jsonl", "txt", "log"].contains(&ending);
    sound.then_some(PackagePlace::Transcript(nth))
}

/// Whether a file may follow another. Of the files before the transcripts any may be absent; transcripts are counted without a gap.
fn follows(last: Option<PackagePlace>, next: PackagePlace) -> bool {
    match (last, next) {
        (Some(PackagePlace::Transcript(last)), PackagePlace::Transcript(next)) => next == last + 1,
        (_, PackagePlace::Transcript(next)) if next != 1 => false,
        (last, next) => last < Some(next),
    }
}

/// The one header that a file of this path and length has.
fn header(path: &str, length: u64) -> std::io::Result<tar::Header> {
    let mut header = tar::Header::new_ustar();
    header.set_path(path)?;
    header.set_entry_type(tar::EntryType::Regular);
    header.set_size(length);
    header.set_mode(0o600);
    header.set_mtime(0);
    header.set_uid(0);
    header.set_gid(0);
    header.set_cksum();
    Ok(header)
}

/// Zeros behind so many bytes, up to the next block.
fn padding(length: u64) -> usize {
    (BLOCK - (length % BLOCK as u64) as usize) % BLOCK
}

/// The text of [`SUMS`] for these files.
fn sums_of(files: &BTreeMap<String, String>) -> String {
    let listed = files.iter().filter(|it| it.0 != SUMS);
    listed.map(|(path, digest)| format!("{digest}  {path}\n")).collect()
}

/// Writes a package, file by file, in the order of a package.
pub struct Packer<W: Write> {
    out: W,
    top: String,
    last: Option<PackagePlace>,
    sums: BTreeMap<String, String>,
}

impl<W: Write> Packer<W> {
    /// `name` is that of the package, whose folder holds all.
    pub fn new(out: W, name: &str) -> Self {
        let top = folder(name).into_owned();
        Self { out, top, last: None, sums: BTreeMap::new() }
    }

    /// Adds a file.
    ///
    /// # Errors
    /// As [`Self::add_from`].
    pub fn add(&mut self, path: &str, bytes: &[u8]) -> std::io::Result<()> {
        self.add_from(path, bytes.len() as u64, bytes)
    }

    /// Adds what a reader gives, which must be so many bytes. The same content has the same header everywhere.
    ///
    /// # Errors
    /// A file that a package does not hold, or not there; a reader that gives another number of bytes; what the system refuses.
    pub fn add_from(&mut self, path: &str, length: u64, content: impl Read) -> std::io::Result<()> {
        let wrong = |why: &str| Error::new(ErrorKind::InvalidInput, format!("{path}: {why}"));
        let place = place(path).ok_or_else(|| wrong("no file of a package is called so"))?;
        if !follows(self.last, place) {
            return Err(wrong("a package holds it in another place"));
        }
        if self.sums.len() as u64 >= MOST_FILES {
            return Err(wrong("a package holds no more than a million files"));
        }
        let header = header(&format!("{}/{path}", self.top), length)?;
        self.out.write_all(header.as_bytes())?;
        let mut content = HashedReader { content: content.take(length + 1), hasher: Sha256::new() };
        if std::io::copy(&mut content, &mut self.out)? != length {
            return Err(wrong("its length changed while it was packed"));
        }
        self.out.write_all(&[0; BLOCK][..padding(length)])?;
        self.last = Some(place);
        self.sums.insert(path.to_owned(), hex(&content.hasher.finalize()));
        Ok(())
    }

    /// Ends the package with the sums of all that is in it.
    ///
    /// # Errors
    /// What the system refuses.
    pub fn finish(mut self) -> std::io::Result<W> {
        let sums = sums_of(&self.sums);
        self.add(SUMS, sums.as_bytes())?;
        self.out.write_all(&[0; 2 * BLOCK])?;
        Ok(self.out)
    }
}

struct HashedReader<R> {
    content: R,
    hasher: Sha256,
}

impl<R: Read> Read for HashedReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let many = self.content.read(buffer)?;
        self.hasher.update(&buffer[..many]);
        Ok(many)
    }
}

/// What was found in a package.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Proof {
    pub files: u64,
    pub transcripts: u64,
    /// What is not as it should be; a sound package has none.
    pub faults: Vec<String>,
    /// Faults that are not told one by one.
    pub more_faults: u64,
    /// `ENTRY:DIGEST` of the last entry of the archive's chain, as it was when this was packed.
    pub head: Option<String>,
}

impl Proof {
    fn fault(&mut self, why: impl Into<String>) {
        match self.faults.len() < MOST_FAULTS {
            true => self.faults.push(why.into()),
            false => self.more_faults += 1,
        }
    }
}

/// Reads a package through once and compares all that it says with all that it holds, and its bytes with those that [`Packer`] writes.
/// It is not unpacked; nothing in it can write anywhere.
///
/// # Errors
/// Bytes that cannot be read. Whatever they are is a fault and no error.
pub fn verify(package: impl Read) -> std::io::Result<Proof> {
    let mut it = PackageReading::new(package);
    it.files()?;
    let PackageReading { mut proof, found, kept, is_cut, foreign, disorder, .. } = it;
    if foreign.0 > 0 {
        proof.fault(format!(
            "the tar was not written by ssmtrail: {} of its headers differ, first that of {}",
            foreign.0, foreign.1
        ));
    }
    if let Some(path) = disorder {
        proof.fault(format!("the files are not in the order of a package, first {path}"));
    }
    // Of a part nothing can be said of what is missing.
    if !is_cut {
        sums(&mut proof, &found, kept.get(SUMS).map(Vec::as_slice));
        let chain = chain(&mut proof, kept.get(MANIFEST).map(Vec::as_slice));
        index(&mut proof, &found, &chain, kept.get(INDEX).map(Vec::as_slice));
    }
    Ok(proof)
}

/// A package on its way through.
struct PackageReading<R> {
    package: R,
    proof: Proof,
    /// Path below the package's folder, and digest.
    found: BTreeMap<String, String>,
    kept: BTreeMap<&'static str, Vec<u8>>,
    /// Bytes that may still be kept.
    left: u64,
    top: Option<String>,
    last: Option<PackagePlace>,
    is_cut: bool,
    buffer: Vec<u8>,
    /// Plain files whose header is not ours: how many, and the first.
    foreign: (u64, String),
    /// The first file that stands where it should not.
    disorder: Option<String>,
}

impl<R: Read> PackageReading<R> {
    fn new(package: R) -> Self {
        Self {
            package,
            proof: Proof::default(),
            found: BTreeMap::new(),
            kept: BTreeMap::new(),
            left: MOST,
            top: None,
            last: None,
            is_cut: false,
            buffer: vec![0; 64 << 10],
            foreign: (0, String::new()),
            disorder: None,
        }
    }

    /// Fills the buffer as far as there are bytes.
    fn fill(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let mut at = 0;
        while at < buffer.len() {
            match self.package.read(&mut buffer[at..]) {
                Ok(0) => break,
                Ok(many) => at += many,
                Err(it) if it.kind() == ErrorKind::Interrupted => {}
                Err(it) => return Err(it),
            }
        }
        Ok(at)
    }

    fn cut(&mut self, why: impl Into<String>) {
        self.is_cut = true;
        self.proof.fault(why);
    }

    fn files(&mut self) -> std::io::Result<()> {
        let mut block = [0; BLOCK];
        for nth in 0.. {
            let many = self.fill(&mut block)?;
            if many < BLOCK {
                match (nth, many) {
                    (0, _) => self.cut("it is no package"),
                    (_, 0) => self.cut("the package was cut: its end is missing"),
                    _ => self.cut("the package was cut in the middle of a header"),
                }
                break;
            }
            if block == [0; BLOCK] {
                return self.end();
            }
            let header = tar::Header::from_byte_slice(&block).clone();
            let mut summed = header.clone();
            summed.set_cksum();
            let is_header = summed.cksum().ok() == header.cksum().ok();
            let length = header.entry_size().ok().filter(|_| is_header);
            let Some(length) = length else {
                match nth {
                    0 => self.cut("it is no package"),
                    _ => self.cut("what follows is no tar, and was not read"),
                }
                break;
            };
            if nth >= MOST_FILES {
                self.cut("it holds more files than a package can");
                break;
            }
            if !self.file(&header, length)? {
                break;
            }
        }
        Ok(())
    }

    /// What stands behind the last file: two blocks of zeros, and nothing.
    fn end(&mut self) -> std::io::Result<()> {
        let mut rest = std::mem::take(&mut self.buffer);
        let many = self.fill(&mut rest)?;
        let is_empty = rest[..many].iter().all(|it| *it == 0);
        match many {
            BLOCK if is_empty => {}
            ..BLOCK if is_empty => self.proof.fault("the package was cut within its end"),
            // Whoever packs with another tar gets a longer end; that it was another is told already.
            _ if is_empty && many < rest.len() && self.foreign.0 > 0 => {}
            _ => self.proof.fault("bytes follow behind the end of the package"),
        }
        Ok(())
    }

    /// Whether to go on.
    fn file(&mut self, header: &tar::Header, length: u64) -> std::io::Result<bool> {
        let mut buffer = std::mem::take(&mut self.buffer);
        let goes_on = self.file_through(header, length, &mut buffer);
        self.buffer = buffer;
        goes_on
    }

    fn file_through(
        &mut self,
        header: &tar::Header,
        length: u64,
        buffer: &mut [u8],
    ) -> std::io::Result<bool> {
        let name = header.path_bytes();
        let path = self.path(header, length, &String::from_utf8_lossy(&name));
        let name = String::from_utf8_lossy(&name).into_owned();
        let kept = [SUMS, INDEX, MANIFEST].into_iter().find(|it| path.as_deref() == Some(*it));
        let kept = match kept {
            Some(it) if length > self.left => {
                self.proof.fault(format!("{it} is too long to be read"));
                None
            }
            it => it,
        };
        let mut hasher = Sha256::new();
        let mut bytes = Vec::new();
        let mut left = length;
        while left > 0 {
            let most = left.min(buffer.len() as u64) as usize;
            let many = self.fill(&mut buffer[..most])?;
            hasher.update(&buffer[..many]);
            if kept.is_some() {
                bytes.extend_from_slice(&buffer[..many]);
            }
            left -= many as u64;
            if many < most {
                self.cut(format!("the package was cut in the middle of {name}"));
                return Ok(false);
            }
        }
        let padding = padding(length);
        let many = self.fill(&mut buffer[..padding])?;
        if many < padding {
            self.cut(format!("the package was cut behind {name}"));
            return Ok(false);
        }
        if buffer[..padding].iter().any(|it| *it != 0) {
            self.proof.fault(format!("{name}: bytes stand between it and what follows"));
        }
        let Some(path) = path else { return Ok(true) };
        self.proof.files += 1;
        if let Some(it) = kept {
            self.left -= length;
            self.kept.insert(it, bytes);
        }
        if self.found.insert(path, hex(&hasher.finalize())).is_some() {
            self.proof.fault(format!("{name}: it is there twice"));
        }
        Ok(true)
    }

    /// The path of a plain file below the package's folder, if it can lie there; what is wrong with its header is told.
    fn path(&mut self, it: &tar::Header, length: u64, name: &str) -> Option<String> {
        use tar::EntryType::*;
        let why = match it.entry_type() {
            Regular => None,
            Directory => Some("it is a folder, and a package holds files alone"),
            Link | Symlink => Some("it is a link"),
            Char | Block | Fifo => Some("it is a device or a pipe"),
            XHeader | XGlobalHeader | GNULongName | GNULongLink => {
                Some("it is an extended header, which names what follows anew")
            }
            GNUSparse => Some("it is a file with holes"),
            _ => Some("it is no plain file"),
        };
        if let Some(why) = why {
            self.proof.fault(format!("{name}: {why}"));
            return None;
        }
        let (top, path) = name.split_once('/').unwrap_or(("", name));
        if path.split(['/', '\\']).any(|it| matches!(it, "" | "." | ".."))
            || name.contains(['\\', '\0'])
            || name.starts_with('/')
            || top == ".."
        {
            self.proof.fault(format!("{name}: its path leads out of the package"));
            return None;
        }
        let is_ours = !top.is_empty() && folder(top) == top;
        if !is_ours || self.top.get_or_insert_with(|| top.to_owned()) != top {
            self.proof.fault(format!("{name}: it lies beside the package's folder"));
            return None;
        }
        let Some(place) = place(path) else {
            self.proof.fault(format!("{path} was added: a package holds no such file"));
            return None;
        };
        if !header(name, length).is_ok_and(|ours| ours.as_bytes() == it.as_bytes()) {
            self.foreign.0 += 1;
            if self.foreign.0 == 1 {
                name.clone_into(&mut self.foreign.1);
            }
        }
        if !follows(self.last, place) && self.disorder.is_none() {
            self.disorder = Some(path.to_owned());
        }
        self.last = Some(place);
        Some(path.to_owned())
    }
}

/// The sums must be what the packer writes for these files; where they are not, as much as can be said of the difference is.
fn sums(proof: &mut Proof, found: &BTreeMap<String, String>, text: Option<&[u8]>) {
    let Some(text) = text else {
        proof.fault(format!("{SUMS} is missing: nothing can be proved"));
        return;
    };
    if text == sums_of(found).as_bytes() {
        return;
    }
    let before = (proof.faults.len(), proof.more_faults);
    let text = String::from_utf8_lossy(text);
    let mut listed = BTreeMap::new();
    for line in text.split_terminator('\n') {
        match line.split_once("  ") {
            Some(_) if line.ends_with('\r') => {
                proof.fault(format!("{SUMS} has a line that ends like one of Windows"));
            }
            Some((digest, path)) => {
                if listed.insert(path, digest).is_some() {
                    proof.fault(format!("{SUMS} has two lines of {path}"));
                }
            }
            None => proof.fault(format!("{SUMS} has a line that is no sum")),
        }
    }
    for (path, digest) in &listed {
        match found.get(*path) {
            None => proof.fault(format!("{path} is missing")),
            Some(it) if it != digest => proof.fault(format!("{path} was changed")),
            Some(_) => {}
        }
    }
    for path in found.keys().filter(|it| *it != SUMS && !listed.contains_key(it.as_str())) {
        proof.fault(format!("{path} was added: no sum speaks of it"));
    }
    if before == (proof.faults.len(), proof.more_faults) {
        proof.fault(format!("{SUMS} is not written as ssmtrail writes it"));
    }
}

#[derive(Deserialize)]
struct PackageIndex<'a> {
    version: u64,
    #[serde(default)]
    archive_head: Option<String>,
    // One at a time: there may be many.
    #[serde(borrow)]
    transcripts: Vec<&'a RawValue>,
}

fn index(proof: &mut Proof, found: &BTreeMap<String, String>, chain: &Chain, text: Option<&[u8]>) {
    let Some(text) = text else {
        proof.fault(format!("{INDEX} is missing"));
        return;
    };
    let index: PackageIndex<'_> = match serde_json::from_slice(text) {
        Ok(it) => it,
        Err(it) => {
            proof.fault(format!("{INDEX} cannot be read: {it}"));
            return;
        }
    };
    if index.version > VERSION {
        proof.fault(format!("{INDEX} is of a newer version, {}", index.version));
    }
    if index.archive_head != proof.head {
        proof.fault(format!("{INDEX} names another head of the chain than {MANIFEST} has"));
    }
    proof.transcripts = index.transcripts.len() as u64;
    for (nth, it) in index.transcripts.iter().enumerate() {
        let it: Cited = match serde_json::from_str(it.get()) {
            Ok(it) => it,
            Err(it) => {
                proof.fault(format!("{INDEX} cannot be read: transcript {}: {it}", nth + 1));
                continue;
            }
        };
        if it.path != transcript_path(nth as u64 + 1, &it.session_id, &it.form) {
            proof.fault(format!("{} is not what transcript {} is called", it.path, nth + 1));
        }
        match found.get(&it.path) {
            None => proof.fault(format!("{} is cited and missing", it.path)),
            Some(digest) if *digest != it.content_digest => {
                proof.fault(format!("{} is not what was read from {}", it.path, it.locator));
            }
            Some(_) if chain.brought.contains(&it.leaf()) || chain.is_named => {}
            Some(_) => proof.fault(format!("{}: no entry of the chain brought it", it.path)),
        }
    }
    let many = found.keys().filter(|it| it.starts_with("transcripts/")).count() as u64;
    if many > proof.transcripts {
        let word = if many - proof.transcripts == 1 { "transcript is" } else { "transcripts are" };
        proof.fault(format!("{} {word} cited nowhere", many - proof.transcripts));
    }
}

/// What the chain of the archive tells of what was brought.
#[derive(Default)]
struct Chain {
    brought: HashSet<[u8; 32]>,
    /// Some entries are of an earlier version, and do not tell.
    is_named: bool,
}

/// Proves the chain: each entry by its own digest, its place by the digest before, its list by the entry.
fn chain(proof: &mut Proof, text: Option<&[u8]>) -> Chain {
    let mut chain = Chain::default();
    let Some(text) = text else {
        proof.fault(format!("{MANIFEST} is missing"));
        return chain;
    };
    let mut before = String::new();
    for (nth, line) in text.split_inclusive(|it| *it == b'\n').enumerate() {
        let place = format!("{MANIFEST} line {}", nth + 1);
        let Ok(link) = serde_json::from_slice::<Link>(line) else {
            proof.fault(format!("{place}: it is no entry of a chain"));
            continue;
        };
        let (entry, previous, digest) = match &link.what {
            LinkKind::Sealed(it) => {
                if it.proof() != it.digest {
                    proof.fault(format!("{place}: it was changed after it was written"));
                }
                (it.entry, &it.previous, &it.digest)
            }
            LinkKind::Named { entry, previous, digest } => {
                chain.is_named = true;
                (*entry, previous, digest)
            }
        };
        if *previous != before {
            proof.fault(format!("{place}: the entry before it is missing or was changed"));
        }
        before = digest.clone();
        proof.head = Some(format!("{entry}:{digest}"));
        let leaves: Vec<[u8; 32]> = link.brought.iter().filter_map(|it| unhex(it)).collect();
        let told = match &link.what {
            LinkKind::Sealed(it) => Some(&it.brought),
            LinkKind::Named { .. } => None,
        };
        if !link.brought.is_empty() {
            if told == Some(&Seal::of_leaves(leaves.iter().copied())) {
                chain.brought.extend(leaves);
            } else {
                proof.fault(format!("{place}: it did not bring what stands beside it"));
            }
        }
    }
    chain
}

fn unhex(text: &str) -> Option<[u8; 32]> {
    let mut out = [0; 32];
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    for (nth, it) in out.iter_mut().enumerate() {
        *it = u8::from_str_radix(&text[2 * nth..2 * nth + 2], 16).ok()?;
    }
    Some(out)
}

/// A key as minisign writes it: the eight bytes as one number.
pub fn key_id(keynum: &[u8]) -> String {
    hex(&keynum.iter().rev().copied().collect::<Vec<u8>>()).to_uppercase()
}

/// Longest signature file that is read: minisign's own comments end at 1024 and 8192 bytes (jedisct1/minisign: src/minisign.h).
pub const MOST_SIGNATURE: u64 = 16 << 10;

/// A signature file, if it is one by its shape: two comments, a signature of 74 bytes over the file's hash, one of 64 over the comment.
///
/// # Errors
/// Why it is none.
pub fn signature(text: &str) -> Result<SignatureBox, String> {
    let lines: Vec<&str> = text.lines().collect();
    let [_, signature, _, global] = lines.as_slice() else {
        return Err(format!("it has {} lines, and a signature has four", lines.len()));
    };
    // `minisign::verify` takes these lengths for granted.
    for (line, length) in [(signature, 74), (global, 64)] {
        if BASE64.decode(line).map(|it| it.len()) != Ok(length) {
            return Err(format!("a line of it is no base64 of {length} bytes"));
        }
    }
    let it = SignatureBox::from_string(text).map_err(|it| it.to_string())?;
    match it.is_prehashed() {
        true => Ok(it),
        false => Err("it is of the old form, which minisign no longer writes".into()),
    }
}

/// Why a key cannot sign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyTrouble {
    NoKey(String),
    NeedsPassword,
    WrongPassword,
}

/// Length of a secret key, and where in it the way of encryption and the checksum stand (jedisct1/minisign: src/minisign.h, SeckeyStruct).
const SECRET_KEY: usize = 158;
const KDF: std::ops::Range<usize> = 2..4;
const CHECKSUM: std::ops::Range<usize> = 126..158;

/// A secret key from minisign's file, which has a password or none.
///
/// # Errors
/// What stands in the way.
pub fn secret_key(text: &str, password: Option<&str>) -> Result<SecretKey, KeyTrouble> {
    let no_key = |why: &str| KeyTrouble::NoKey(why.to_owned());
    let line = text.lines().nth(1).ok_or_else(|| no_key("it has no second line"))?;
    let bytes = BASE64.decode(line.trim()).map_err(|_| no_key("its second line is no base64"))?;
    if bytes.len() != SECRET_KEY {
        return Err(no_key("its second line is no secret key"));
    }
    let whole = |it: minisign::PError| KeyTrouble::NoKey(it.to_string());
    let key = match &bytes[KDF] {
        // `minisign -G -W` leaves the checksum of such a key empty (0.11), where the crate demands one.
        [0, 0] if bytes[CHECKSUM].iter().all(|it| *it == 0) => {
            SecretKey::from_bytes(&bytes).map_err(whole)?
        }
        [0, 0] => {
            SecretKey::from_unencrypted_box(SecretKeyBox::from(text.to_owned())).map_err(whole)?
        }
        _ => {
            let password = password.ok_or(KeyTrouble::NeedsPassword)?.to_owned();
            let sealed = SecretKeyBox::from(text.to_owned());
            SecretKey::from_box(sealed, Some(password)).map_err(|it| match it.kind() {
                minisign::ErrorKind::Verify => KeyTrouble::WrongPassword,
                _ => KeyTrouble::NoKey(it.to_string()),
            })?
        }
    };
    // What it signs must hold by the public key in it.
    let public = PublicKey::from_secret_key(&key).map_err(whole)?;
    let tried = minisign::sign(Some(&public), &key, std::io::empty(), None, None);
    tried.map_err(|_| no_key("its two halves do not belong together"))?;
    Ok(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two transcripts, of which one fills its last block and the other does not.
    fn package() -> Vec<u8> {
        let first = [b'a'; BLOCK];
        let cited = |nth: u64, id: &str, bytes: &[u8]| {
            serde_json::json!({
                "path": transcript_path(nth, id, "script"), "session_id": id, "account_id": null, "region": null, "locator": format!("logs/{id}.log"),
                "version": "", "form": "script", "content_digest": hex(&Sha256::digest(bytes)), "digest": "", "stored_bytes": bytes.len(),
                "stored_at": null, "read_at": null, "etag": null, "version_id": null, "checksum": null, "encryption": null, "storage_class": null,
            })
        };
        let transcripts = vec![cited(1, "one", &first), cited(2, "two", b"other")];
        let (manifest, head) = chain_of(&transcripts);
        let index = serde_json::json!({ "version": VERSION, "archive_head": head, "transcripts": transcripts });
        let mut packer = Packer::new(Vec::new(), "it");
        packer.add("README.txt", b"read me").unwrap();
        packer.add("report.md", b"# it").unwrap();
        packer.add(MANIFEST, manifest.as_bytes()).unwrap();
        packer.add("transcripts/00001-one.log", &first).unwrap();
        packer.add("transcripts/00002-two.log", b"other").unwrap();
        packer.add(INDEX, index.to_string().as_bytes()).unwrap();
        packer.finish().unwrap()
    }

    /// A chain that brought these, and its head.
    fn chain_of(cited: &[serde_json::Value]) -> (String, String) {
        let text = |it: &serde_json::Value, name: &str| it[name].as_str().unwrap().to_owned();
        let list: Vec<Brought> = cited
            .iter()
            .map(|it| Brought {
                locator: text(it, "locator"),
                version: text(it, "version"),
                digest: text(it, "digest"),
                content_digest: text(it, "content_digest"),
            })
            .collect();
        let entry =
            Entry { did: "sync".into(), sides: Some(Default::default()), ..Entry::default() };
        let one = entry.clone().chained(1, "");
        let two = Entry { brought: Some(Seal::of(&list)), ..entry }.chained(2, &one.digest);
        let rows: Vec<TranscriptRow> = list
            .iter()
            .map(|it| TranscriptRow {
                locator: it.locator.clone(),
                version: it.version.clone(),
                digest: it.digest.clone(),
                content_digest: it.content_digest.clone(),
                ..TranscriptRow::default()
            })
            .collect();
        let brought = |it: &Entry| (it.entry == 2).then(|| list.clone());
        (links(&[one, two.clone()], brought, rows.iter()), two.head())
    }

    #[test]
    fn a_transcript_that_no_entry_brought_and_a_chain_that_was_changed_are_faults() {
        let sound = package();
        let manifest = members(&sound).into_iter().find(|it| it.path.ends_with(MANIFEST)).unwrap();
        let manifest = String::from_utf8(manifest.bytes).unwrap();
        let lines: Vec<&str> = manifest.split_inclusive('\n').collect();
        let refuse = |what: &str, text: &str, why: &str| {
            refused(what, &resealed(&sound, MANIFEST, text.as_bytes()), why);
        };
        refuse("an entry dropped", lines[1], "the entry before it is missing");
        refuse("the end dropped", lines[0], "names another head");
        refuse("the end dropped", lines[0], "no entry of the chain brought it");
        refuse("an entry changed", &manifest.replacen("sync", "cnys", 1), "it was changed after");
        let other = chain_of(&[]).0;
        refuse("another chain", &other, "no entry of the chain brought it");
        let forged =
            manifest.replace(lines[1].rsplit_once(r#""brought":["#).unwrap().1, "\"00\"]}\n");
        refuse("another list", &forged, "it did not bring what stands beside it");
    }

    struct Member {
        path: String,
        header: tar::Header,
        bytes: Vec<u8>,
    }

    fn members(package: &[u8]) -> Vec<Member> {
        let mut archive = tar::Archive::new(package);
        archive
            .entries()
            .unwrap()
            .map(|it| {
                let mut it = it.unwrap();
                let path = it.path().unwrap().to_string_lossy().into_owned();
                let mut bytes = Vec::new();
                it.read_to_end(&mut bytes).unwrap();
                Member { path, header: it.header().clone(), bytes }
            })
            .collect()
    }

    /// The same members by another hand, each after a change of its header.
    fn packed(members: &[Member], change: impl Fn(&str, &mut tar::Header)) -> Vec<u8> {
        let mut out = Vec::new();
        for it in members {
            let mut header = it.header.clone();
            change(&it.path, &mut header);
            header.set_cksum();
            out.extend_from_slice(header.as_bytes());
            out.extend_from_slice(&it.bytes);
            out.resize(out.len().next_multiple_of(BLOCK), 0);
        }
        out.resize(out.len() + 2 * BLOCK, 0);
        out
    }

    /// Members with other content for one of them, and sums that fit.
    fn resealed(package: &[u8], path: &str, bytes: &[u8]) -> Vec<u8> {
        let mut packer = Packer::new(Vec::new(), "it");
        for it in members(package) {
            let name = it.path.strip_prefix("it/").unwrap();
            if name != SUMS {
                packer.add(name, if name == path { bytes } else { &it.bytes }).unwrap();
            }
        }
        packer.finish().unwrap()
    }

    fn faults(package: &[u8]) -> Vec<String> {
        verify(package).unwrap().faults
    }

    #[track_caller]
    fn refused(what: &str, package: &[u8], why: &str) {
        let faults = faults(package);
        assert!(faults.iter().any(|it| it.contains(why)), "{what}: {faults:?}");
    }

    #[test]
    fn a_package_is_sound_and_the_same_every_time() {
        let proof = verify(package().as_slice()).unwrap();
        assert_eq!(proof.faults, Vec::<String>::new());
        assert_eq!((proof.files, proof.transcripts), (7, 2));
        assert_eq!(package(), package());
        // The hand that packs for the attacks below packs the same, where it changes nothing.
        assert_eq!(packed(&members(&package()), |_, _| {}), package());
    }

    #[test]
    fn every_changed_bit_is_noticed() {
        let sound = package();
        for at in 0..sound.len() {
            let mut bytes = sound.clone();
            bytes[at] ^= 1 << (at % 8);
            assert!(!faults(&bytes).is_empty(), "byte {at} of {} was changed", sound.len());
        }
    }

    #[test]
    fn every_cut_is_noticed_and_so_is_whatever_follows_the_end() {
        let sound = package();
        for length in 0..sound.len() {
            assert!(!faults(&sound[..length]).is_empty(), "cut to {length} of {}", sound.len());
        }
        let mut other = Packer::new(Vec::new(), "it");
        other.add("report.html", b"forged").unwrap();
        for more in [
            vec![0],
            vec![b'x'],
            vec![0; BLOCK],
            vec![0; 9 * 1024],
            vec![0; 1 << 20],
            other.finish().unwrap(),
        ] {
            let bytes = [sound.as_slice(), &more].concat();
            refused(&format!("{} more", more.len()), &bytes, "follow behind the end");
        }
        // What `tar -xi` finds behind blocks of zeros that a plain `tar -x` takes for the end.
        let end = sound.len() - 2 * BLOCK;
        for zeros in [BLOCK, 2 * BLOCK] {
            let bytes = [&sound[..end], &vec![0; zeros], sound.as_slice()].concat();
            refused("a second tar", &bytes, "follow behind the end");
        }
        refused("one block of zeros", &sound[..end + BLOCK], "cut within its end");
        refused("no end", &sound[..end], "its end is missing");
    }

    #[test]
    fn a_header_that_is_not_ours_is_a_fault() {
        let sound = members(&package());
        type Change = fn(&mut tar::Header);
        let changes: [(&str, Change); 14] = [
            ("mode", |it| it.set_mode(0o4755)),
            ("owner", |it| it.set_uid(1000)),
            ("group", |it| it.set_gid(1000)),
            ("time", |it| it.set_mtime(1)),
            ("user", |it| it.as_ustar_mut().unwrap().uname[0] = b'r'),
            ("group's name", |it| it.as_ustar_mut().unwrap().gname[0] = b'r'),
            ("device", |it| it.as_ustar_mut().unwrap().set_device_major(8)),
            ("link", |it| it.as_old_mut().linkname[0] = b'x'),
            ("padding", |it| it.as_ustar_mut().unwrap().pad[3] = 1),
            ("magic of GNU", |it| it.as_mut_bytes()[257..265].copy_from_slice(b"ustar  \0")),
            ("no magic", |it| it.as_mut_bytes()[257..265].fill(0)),
            ("type of old tars", |it| it.as_old_mut().linkflag = [0]),
            ("blanks in the size", |it| it.as_old_mut().size[0] = b' '),
            ("a name behind the name", |it| it.as_old_mut().name[90] = b'x'),
        ];
        for (what, change) in changes {
            let bytes = packed(&sound, |path, it| {
                if path == "it/report.md" {
                    change(it)
                }
            });
            refused(what, &bytes, "not written by ssmtrail: 1 of its headers");
        }
        // The same number, written in base 256.
        let bytes = packed(&sound, |path, it| {
            if path == "it/report.md" {
                it.as_old_mut().size = [0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4];
            }
        });
        refused("size in base 256", &bytes, "not written by ssmtrail");
        // The checksum as some tars wrote it: right, in another form.
        let mut bytes = package();
        let sum = tar::Header::from_byte_slice(&bytes[..BLOCK]).cksum().unwrap();
        bytes[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        assert!(!faults(&bytes).is_empty());
    }

    #[test]
    fn a_member_that_is_no_plain_file_is_a_fault() {
        use tar::EntryType as Kind;
        for (kind, why) in [
            (Kind::Directory, "it is a folder"),
            (Kind::Symlink, "it is a link"),
            (Kind::Link, "it is a link"),
            (Kind::Char, "a device"),
            (Kind::Block, "a device"),
            (Kind::Fifo, "a pipe"),
            (Kind::Continuous, "no plain file"),
            (Kind::GNUSparse, "holes"),
            (Kind::GNULongName, "names what follows anew"),
            (Kind::GNULongLink, "names what follows anew"),
            (Kind::XHeader, "names what follows anew"),
            (Kind::XGlobalHeader, "names what follows anew"),
            (Kind::new(b'V'), "no plain file"),
            (Kind::new(b'M'), "no plain file"),
        ] {
            let mut all = members(&package());
            let mut header = header("it/report.html", 0).unwrap();
            header.set_entry_type(kind);
            all.insert(1, Member { path: "it/report.html".into(), header, bytes: Vec::new() });
            refused(&format!("{kind:?}"), &packed(&all, |_, _| {}), why);
        }
        // A name told in an extended header, as GNU tar and pax write it.
        for (kind, content) in [
            (Kind::GNULongName, b"it/report.html\0".to_vec()),
            (Kind::XHeader, b"23 path=it/report.html\n".to_vec()),
            (Kind::XGlobalHeader, b"23 path=it/report.html\n".to_vec()),
        ] {
            let mut all = members(&package());
            let mut header = header("it/report.html", content.len() as u64).unwrap();
            header.set_entry_type(kind);
            all.insert(1, Member { path: "it/report.html".into(), header, bytes: content });
            refused(&format!("{kind:?}"), &packed(&all, |_, _| {}), "names what follows anew");
        }
    }

    #[test]
    fn a_member_that_does_not_belong_is_a_fault() {
        for (path, why) in [
            ("it/more.txt", "was added"),
            ("it/report.pdf", "was added"),
            ("it/transcripts/00003-x/y.log", "was added"),
            ("it/transcripts/3-x.log", "was added"),
            ("it/transcripts/00003-x.exe", "was added"),
            ("it/Report.md", "was added"),
            ("it/report.ḿd", "was added"),
            ("it/transcripts/00003-x.log", "cited nowhere"),
            ("other/report.html", "beside the package's folder"),
            ("more.txt", "beside the package's folder"),
            ("it", "beside the package's folder"),
            ("it/../../etc/passwd", "leads out"),
            ("../report.html", "leads out"),
            ("/etc/passwd", "leads out"),
            ("it//report.html", "leads out"),
            ("it/./report.html", "leads out"),
            ("it\\..\\report.html", "leads out"),
            ("it/transcripts/..\\x", "leads out"),
        ] {
            let mut all = members(&package());
            let mut header = header("it/x", 1).unwrap();
            header.as_old_mut().name = [0; 100];
            header.as_old_mut().name[..path.len()].copy_from_slice(path.as_bytes());
            let at = all.len() - 2;
            all.insert(at, Member { path: path.into(), header, bytes: b"x".to_vec() });
            refused(path, &packed(&all, |_, _| {}), why);
        }
    }

    #[test]
    fn members_stand_once_and_in_one_order() {
        let sound = || members(&package());
        let mut twice = sound();
        let again = sound().remove(1);
        twice.insert(2, again);
        refused("twice", &packed(&twice, |_, _| {}), "it is there twice");
        refused("twice", &packed(&twice, |_, _| {}), "not in the order");
        for (one, other) in [(0, 1), (3, 4), (4, 5), (5, 6)] {
            let mut all = sound();
            all.swap(one, other);
            refused("swapped", &packed(&all, |_, _| {}), "not in the order");
        }
        for gone in 0..7 {
            let mut all = sound();
            all.remove(gone);
            assert!(!faults(&packed(&all, |_, _| {})).is_empty(), "file {gone} is gone");
        }
    }

    #[test]
    fn sums_are_what_the_packer_writes() {
        let sound = package();
        let text = String::from_utf8(members(&sound).pop().unwrap().bytes).unwrap();
        let first = text.lines().next().unwrap().to_owned();
        let mut backwards: Vec<&str> = text.lines().collect();
        backwards.reverse();
        for (what, sums, why) in [
            ("a line twice", format!("{text}{first}\n"), "two lines of README.txt"),
            ("line ends", text.replace('\n', "\r\n"), "like one of Windows"),
            (
                "a name that is not there",
                format!("{text}{}  gone.txt\n", "0".repeat(64)),
                "gone.txt is missing",
            ),
            (
                "a name that leads out",
                format!("{text}{}  ../../x\n", "0".repeat(64)),
                "../../x is missing",
            ),
            ("binary mode", text.replace("  ", " *"), "no sum"),
            ("an escaped name", format!("\\{text}"), "README.txt was changed"),
            ("a comment", format!("# sums\n{text}"), "no sum"),
            ("order", backwards.join("\n") + "\n", "not written as ssmtrail writes it"),
            ("no last line end", text.trim_end().to_owned(), "not written as ssmtrail writes it"),
            ("capital digits", text.to_uppercase(), "no sum speaks of it"),
            ("an empty line", format!("{text}\n"), "no sum"),
            ("nothing", String::new(), "no sum speaks of it"),
        ] {
            let mut all = members(&sound);
            let last = all.last_mut().unwrap();
            last.bytes = sums.clone().into_bytes();
            last.header = header("it/SHA256SUMS", sums.len() as u64).unwrap();
            refused(what, &packed(&all, |_, _| {}), why);
        }
    }

    #[test]
    fn the_index_and_the_transcripts_are_of_each_other() {
        let sound = package();
        let index = members(&sound).swap_remove(5).bytes;
        let index: serde_json::Value = serde_json::from_slice(&index).unwrap();
        type Change = fn(&mut serde_json::Value);
        let changes: [(&str, Change, &str); 6] = [
            (
                "another session",
                |it| it["transcripts"][0]["session_id"] = "bob".into(),
                "not what transcript 1 is called",
            ),
            (
                "one twice",
                |it| it["transcripts"][1] = it["transcripts"][0].clone(),
                "not what transcript 2 is called",
            ),
            (
                "one gone",
                |it| drop(it["transcripts"].as_array_mut().unwrap().pop()),
                "1 transcript is cited nowhere",
            ),
            (
                "another digest",
                |it| it["transcripts"][0]["content_digest"] = "00".into(),
                "not what was read from logs/one.log",
            ),
            ("a newer version", |it| it["version"] = 99.into(), "newer version"),
            ("no transcript", |it| it["transcripts"][0] = 1.into(), "cannot be read"),
        ];
        for (what, change, why) in changes {
            let mut index = index.clone();
            change(&mut index);
            refused(what, &resealed(&sound, INDEX, index.to_string().as_bytes()), why);
        }
        let version = format!("\"version\":{VERSION}");
        let twice = index.to_string().replacen(&version, &format!("{version},{version}"), 1);
        refused("a field twice", &resealed(&sound, INDEX, twice.as_bytes()), "duplicate field");
        refused(
            "changed bytes",
            &resealed(&sound, "transcripts/00002-two.log", b"forged"),
            "not what was read",
        );
    }

    #[test]
    fn what_claims_to_be_giant_is_a_part_of_a_package_and_takes_no_memory() {
        for length in [8 << 30, u64::MAX / 2] {
            let mut bytes = package();
            let end = bytes.len() - 2 * BLOCK;
            bytes.truncate(end);
            let mut header = header("it/report.html", 0).unwrap();
            header.set_size(length);
            header.set_cksum();
            bytes.extend_from_slice(header.as_bytes());
            bytes.extend_from_slice(&[0; 4 * BLOCK]);
            refused("giant", &bytes, "in the middle of it/report.html");
            let mut header = tar::Header::new_ustar();
            header.set_path("it/SHA256SUMS").unwrap();
            header.set_size(length);
            header.set_cksum();
            refused("giant sums", header.as_bytes(), "too long to be read");
        }
    }

    #[test]
    fn what_is_no_package_is_told_in_one_line() {
        for bytes in [b"".as_slice(), b"no tar", &[b'x'; 4096], &[0; 100]] {
            assert_eq!(faults(bytes), ["it is no package"]);
        }
        let many = Packer::new(Vec::new(), "it").finish().unwrap();
        let mut bytes = Vec::new();
        for _ in 0..1000 {
            bytes.extend_from_slice(&many[..BLOCK]);
        }
        let proof = verify(bytes.as_slice()).unwrap();
        assert_eq!((proof.faults.len(), proof.more_faults > 700), (MOST_FAULTS, true));
    }

    #[test]
    fn a_packer_packs_nothing_that_the_proof_would_refuse() {
        let mut packer = Packer::new(Vec::new(), "it");
        packer.add("report.md", b"").unwrap();
        for (path, why) in [
            ("report.html", "in another place"),
            ("report.md", "in another place"),
            ("transcripts/00002-x.log", "in another place"),
            ("more.txt", "no file of a package"),
            ("../x", "no file of a package"),
        ] {
            assert!(packer.add(path, b"").unwrap_err().to_string().contains(why), "{path}");
        }
        for length in [0, 2] {
            let why = packer.add_from("report.json", length, b"x".as_slice()).unwrap_err();
            assert!(why.to_string().contains("its length changed"), "{why}");
        }
        let long = "x".repeat(300);
        let ids = [long.as_str(), "a/b", "..", "日本", "a\\b", "a\0b", "-rf", ""];
        for name in [
            "..",
            "...",
            ".",
            "",
            "-x",
            "a/b",
            "a\\b",
            "監査",
            &"監".repeat(90),
            &long,
            "a\u{202e}b",
            "C:",
            "~",
        ] {
            let mut packer = Packer::new(Vec::new(), name);
            let mut index = Vec::new();
            for (nth, id) in ids.iter().enumerate() {
                let path = transcript_path(nth as u64 + 1, id, "windows");
                index.push(serde_json::json!({
                    "path": path, "session_id": id, "locator": "", "version": "", "form": "windows",
                    "content_digest": hex(&Sha256::digest(b"")), "digest": "", "stored_bytes": 0,
                }));
            }
            let (manifest, head) = chain_of(&index);
            packer.add(MANIFEST, manifest.as_bytes()).unwrap();
            for it in &index {
                packer.add(it["path"].as_str().unwrap(), b"").unwrap();
            }
            let index = serde_json::json!({ "version": VERSION, "archive_head": head, "transcripts": index });
            packer.add(INDEX, index.to_string().as_bytes()).unwrap();
            let bytes = packer.finish().unwrap();
            assert_eq!(faults(&bytes), Vec::<String>::new(), "{name:?}");
        }
    }

    #[test]
    fn a_signature_has_one_shape() {
        let pair = minisign::KeyPair::generate_unencrypted_keypair().unwrap();
        let sound = minisign::sign(None, &pair.sk, b"x".as_slice(), Some("mine"), None).unwrap();
        let text = sound.to_string();
        assert_eq!(signature(&text).unwrap().keynum(), pair.pk.keynum());
        assert!(signature(&text.replace('\n', "\r\n")).is_ok());
        let lines: Vec<&str> = text.lines().collect();
        let old = BASE64.encode([b"Ed".as_slice(), &[7; 72]].concat());
        for (what, text) in [
            ("nothing", String::new()),
            ("garbage", "garbage\n".into()),
            ("four lines", "a\nb\nc\nd\n".into()),
            ("more", format!("{text}more\n")),
            ("a line less", lines[..3].join("\n")),
            (
                "a short signature",
                text.replace(lines[1], &BASE64.encode([b"ED".as_slice(), &[7; 20]].concat())),
            ),
            (
                "a long signature",
                text.replace(lines[1], &BASE64.encode([b"ED".as_slice(), &[7; 73]].concat())),
            ),
            ("a short one of the comment", text.replace(lines[3], &BASE64.encode([7; 8]))),
            ("the old form", text.replace(lines[1], &old)),
            ("another form", text.replace(lines[1], &BASE64.encode([7; 74]))),
            ("no comment", text.replace("untrusted comment", "comment")),
            ("no trusted comment", text.replace("\ntrusted comment", "\ncomment")),
        ] {
            assert!(signature(&text).is_err(), "{what}");
        }
    }

    #[test]
    fn keys_with_and_without_a_password_sign() {
        let plain = minisign::KeyPair::generate_unencrypted_keypair().unwrap();
        let text = plain.sk.to_box(None).unwrap().into_string();
        assert!(secret_key(&text, None).unwrap() == plain.sk);
        // A password that is not needed does no harm.
        assert!(secret_key(&text, Some("x")).is_ok());
        // As `minisign -G -W` writes it (0.11): all that encryption needs is zero, the checksum too.
        let line = text.lines().nth(1).unwrap();
        let mut bytes = BASE64.decode(line).unwrap();
        bytes[CHECKSUM].fill(0);
        let bare = text.replace(line, &BASE64.encode(&bytes));
        assert!(secret_key(&bare, None).unwrap() == plain.sk);
        let mut wrong = bytes.clone();
        wrong[70] ^= 1;
        let broken = text.replace(line, &BASE64.encode(&wrong));
        let why = secret_key(&broken, None).unwrap_err();
        assert_eq!(why, KeyTrouble::NoKey("its two halves do not belong together".into()));
        let sealed = minisign::KeyPair::generate_encrypted_keypair(Some("open".into())).unwrap();
        let text = sealed.sk.to_box(None).unwrap().into_string();
        assert!(secret_key(&text, Some("open")).is_ok());
        assert_eq!(secret_key(&text, Some("shut")).unwrap_err(), KeyTrouble::WrongPassword);
        assert_eq!(secret_key(&text, None).unwrap_err(), KeyTrouble::NeedsPassword);
        for no_key in ["", "one\n", "one\ntwo\n", "one\nAAAA\n"] {
            assert!(matches!(secret_key(no_key, None), Err(KeyTrouble::NoKey(_))), "{no_key:?}");
        }
    }
}
