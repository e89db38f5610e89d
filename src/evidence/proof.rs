//! Reads a package through once and compares all that it says with all that it holds.

use std::collections::BTreeMap;
use std::collections::HashSet;
use std::io::ErrorKind;
use std::io::Read;

use hex::FromHex;
use serde::Deserialize;
use serde_json::value::RawValue;
use sha2::Digest;
use sha2::Sha256;

use super::citation::Cited;
use super::citation::Link;
use super::citation::LinkKind;
use super::form::BLOCK;
use super::form::INDEX;
use super::form::MANIFEST;
use super::form::MOST_FILES;
use super::form::PackagePlace;
use super::form::SUMS;
use super::form::VERSION;
use super::form::folder;
use super::form::follows;
use super::form::header;
use super::form::padding;
use super::form::place;
use super::form::sums_of;
use super::form::transcript_path;
use crate::archive::manifest::Seal;

/// Most bytes of sums, index and manifest together that are held when a package is verified.
const MOST: u64 = 256 << 20;

/// Most faults that are told one by one.
pub(super) const MOST_FAULTS: usize = 200;

/// What was found in a package.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PackageProof {
    /// Files that the package holds.
    pub files: u64,
    /// Transcripts that its index lists.
    pub transcripts: u64,
    /// What is not as it should be; a sound package has none.
    pub faults: Vec<String>,
    /// Faults that are not told one by one.
    pub more_faults: u64,
    /// `ENTRY:DIGEST` of the last entry of the archive's chain, as it was when this was packed.
    pub head: Option<String>,
}

impl PackageProof {
    fn fault(&mut self, why: impl Into<String>) {
        match self.faults.len() < MOST_FAULTS {
            true => self.faults.push(why.into()),
            false => self.more_faults += 1,
        }
    }
}

/// Reads a package through once and compares all that it says with all that it holds, and its bytes with those that [`super::pack::Packer`] writes.
/// It is not unpacked; nothing in it can write anywhere.
///
/// # Errors
/// Bytes that cannot be read. Whatever they are is a fault and no error.
pub fn verify(mut package: impl Read) -> std::io::Result<PackageProof> {
    let mut it = PackageReading::default();
    it.files(&mut package)?;
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

/// What was met of a package on its way through.
#[derive(Default)]
struct PackageReading {
    proof: PackageProof,
    /// Path below the package's folder, and digest.
    found: BTreeMap<String, String>,
    kept: BTreeMap<&'static str, Vec<u8>>,
    /// Bytes that were kept.
    kept_bytes: u64,
    top: Option<String>,
    last: Option<PackagePlace>,
    is_cut: bool,
    /// Plain files whose header is not ours: how many, and the first.
    foreign: (u64, String),
    /// The first file that stands where it should not.
    disorder: Option<String>,
}

/// Fills the buffer as far as there are bytes.
fn fill(package: &mut impl Read, buffer: &mut [u8]) -> std::io::Result<usize> {
    let mut at = 0;
    while at < buffer.len() {
        match package.read(&mut buffer[at..]) {
            Ok(0) => break,
            Ok(many) => at += many,
            Err(it) if it.kind() == ErrorKind::Interrupted => {}
            Err(it) => return Err(it),
        }
    }
    Ok(at)
}

impl PackageReading {
    fn cut(&mut self, why: impl Into<String>) {
        self.is_cut = true;
        self.proof.fault(why);
    }

    fn files(&mut self, package: &mut impl Read) -> std::io::Result<()> {
        let mut block = [0; BLOCK];
        let mut buffer = vec![0; 64 << 10];
        for nth in 0.. {
            let many = fill(package, &mut block)?;
            if many < BLOCK {
                match (nth, many) {
                    (0, _) => self.cut("it is no package"),
                    (_, 0) => self.cut("the package was cut: its end is missing"),
                    _ => self.cut("the package was cut in the middle of a header"),
                }
                break;
            }
            if block == [0; BLOCK] {
                return self.end(package, &mut buffer);
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
            if !self.file(package, &header, length, &mut buffer)? {
                break;
            }
        }
        Ok(())
    }

    /// What stands behind the last file: two blocks of zeros, and nothing.
    fn end(&mut self, package: &mut impl Read, rest: &mut [u8]) -> std::io::Result<()> {
        let many = fill(package, rest)?;
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
    fn file(
        &mut self,
        package: &mut impl Read,
        header: &tar::Header,
        length: u64,
        buffer: &mut [u8],
    ) -> std::io::Result<bool> {
        let name = header.path_bytes();
        let path = self.path(header, length, &String::from_utf8_lossy(&name));
        let name = String::from_utf8_lossy(&name).into_owned();
        let kept = [SUMS, INDEX, MANIFEST].into_iter().find(|it| path.as_deref() == Some(*it));
        let kept = match kept {
            Some(it) if length > MOST - self.kept_bytes => {
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
            let many = fill(package, &mut buffer[..most])?;
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
        let many = fill(package, &mut buffer[..padding])?;
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
            self.kept_bytes += length;
            self.kept.insert(it, bytes);
        }
        if self.found.insert(path, hex::encode(hasher.finalize())).is_some() {
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
fn sums(proof: &mut PackageProof, found: &BTreeMap<String, String>, text: Option<&[u8]>) {
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

fn index(
    proof: &mut PackageProof,
    found: &BTreeMap<String, String>,
    chain: &Chain,
    text: Option<&[u8]>,
) {
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
fn chain(proof: &mut PackageProof, text: Option<&[u8]>) -> Chain {
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
        let (entry, previous, digest, told) = match &link.what {
            LinkKind::Sealed(it) => {
                if it.proof() != it.digest {
                    proof.fault(format!("{place}: it was changed after it was written"));
                }
                (it.entry, &it.previous, &it.digest, Some(&it.brought))
            }
            LinkKind::Named { entry, previous, digest } => {
                chain.is_named = true;
                (*entry, previous, digest, None)
            }
        };
        if *previous != before {
            proof.fault(format!("{place}: the entry before it is missing or was changed"));
        }
        before = digest.clone();
        proof.head = Some(format!("{entry}:{digest}"));
        let leaves: Vec<[u8; 32]> =
            link.brought.iter().filter_map(|it| <[u8; 32]>::from_hex(it).ok()).collect();
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
