//! A report and the bytes it cites in one archive that proves itself.
//!
//! The package is a plain tar, so that it can be opened without this tool, and holds `SHA256SUMS` in the form of `sha256sum`, so that
//! it can be proved without it, too. The same content makes the same bytes. What the sums prove is that nothing changed since it
//! was packed; who packed it is what a signature proves. No file of any system is touched here.

use std::collections::BTreeMap;
use std::io::Read;
use std::io::Write;

use serde::Deserialize;
use serde::Serialize;
use sha2::Digest;
use sha2::Sha256;

use crate::archive::manifest::Manifest;
use crate::archive::manifest::hex;
use crate::archive::schema::TranscriptRow;

pub const SUMS: &str = "SHA256SUMS";
pub const INDEX: &str = "evidence.json";
pub const MANIFEST: &str = "manifest.jsonl";

/// Version of [`INDEX`].
pub const VERSION: u64 = 1;

/// Most bytes of a file that is read as a whole when a package is verified.
const MOST: u64 = 256 << 20;

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

/// A file's name for the n-th transcript: what the session's id says, without anything that a path could mean.
pub fn transcript_path(nth: usize, it: &TranscriptRow) -> String {
    let name: String = it
        .session_id
        .chars()
        .take(80)
        .map(|it| if it.is_ascii_alphanumeric() || "-_@.".contains(it) { it } else { '_' })
        .collect();
    let ending = match it.form.as_str() {
        "events" => "jsonl",
        "windows" => "txt",
        _ => "log",
    };
    format!("transcripts/{nth:05}-{name}.{ending}")
}

/// Writes a package, file by file.
pub struct Packer<W: Write> {
    tar: tar::Builder<W>,
    top: String,
    sums: BTreeMap<String, String>,
}

impl<W: Write> Packer<W> {
    /// `top` is the folder that holds all.
    pub fn new(out: W, top: &str) -> Self {
        Self { tar: tar::Builder::new(out), top: top.to_owned(), sums: BTreeMap::new() }
    }

    pub fn add(&mut self, path: &str, bytes: &[u8]) -> std::io::Result<()> {
        self.add_from(path, bytes.len() as u64, bytes)
    }

    /// Adds what a reader gives, which must be so many bytes. The same content has the same header everywhere.
    pub fn add_from(&mut self, path: &str, length: u64, content: impl Read) -> std::io::Result<()> {
        let mut header = tar::Header::new_ustar();
        header.set_size(length);
        header.set_mode(0o600);
        header.set_mtime(0);
        header.set_uid(0);
        header.set_gid(0);
        let mut content = Hashed { content, hasher: Sha256::new() };
        self.tar.append_data(&mut header, format!("{}/{path}", self.top), &mut content)?;
        self.sums.insert(path.to_owned(), hex(&content.hasher.finalize()));
        Ok(())
    }

    /// Ends the package with the sums of all that is in it.
    pub fn finish(mut self) -> std::io::Result<W> {
        let sums: String =
            self.sums.iter().map(|(path, digest)| format!("{digest}  {path}\n")).collect();
        self.add(SUMS, sums.as_bytes())?;
        self.tar.into_inner()
    }
}

struct Hashed<R> {
    content: R,
    hasher: Sha256,
}

impl<R: Read> Read for Hashed<R> {
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
}

#[derive(Deserialize)]
struct Index {
    version: u64,
    transcripts: Vec<Cited>,
}

/// Reads a package through once and compares all that it says with all that it holds. It is not unpacked; nothing in it can write
/// anywhere.
///
/// # Errors
/// What is no tar, or ends in the middle of one.
pub fn verify(package: impl Read) -> std::io::Result<Proof> {
    let mut proof = Proof::default();
    let mut found: BTreeMap<String, String> = BTreeMap::new();
    let mut read: BTreeMap<&str, Vec<u8>> = BTreeMap::new();
    let mut top: Option<String> = None;
    let mut archive = tar::Archive::new(package);
    for entry in archive.entries()? {
        let mut entry = entry?;
        let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        let mut fault = |why: &str| proof.faults.push(format!("{name}: {why}"));
        // Whoever packs an unpacked package again packs its folders, too.
        if entry.header().entry_type() == tar::EntryType::Directory {
            continue;
        }
        if entry.header().entry_type() != tar::EntryType::Regular {
            fault("it is no plain file");
            continue;
        }
        let Some((folder, path)) = name.split_once('/') else {
            fault("it lies beside the package's folder");
            continue;
        };
        if path.split('/').any(|it| matches!(it, "" | "." | "..")) || folder.is_empty() {
            fault("its path leads out of the package");
            continue;
        }
        if top.get_or_insert_with(|| folder.to_owned()) != folder {
            fault("it lies beside the package's folder");
            continue;
        }
        let mut hasher = Sha256::new();
        let kept = [SUMS, INDEX, MANIFEST].into_iter().find(|it| *it == path);
        if kept.is_some() && entry.size() > MOST {
            fault("it is too long to be read");
            continue;
        }
        let mut bytes = Vec::new();
        let mut buffer = vec![0; 64 << 10];
        loop {
            let many = entry.read(&mut buffer)?;
            if many == 0 {
                break;
            }
            hasher.update(&buffer[..many]);
            if kept.is_some() {
                bytes.extend_from_slice(&buffer[..many]);
            }
        }
        proof.files += 1;
        if found.insert(path.to_owned(), hex(&hasher.finalize())).is_some() {
            proof.faults.push(format!("{name}: it is there twice"));
        }
        if let Some(it) = kept {
            read.insert(it, bytes);
        }
    }
    sums(&mut proof, &found, read.get(SUMS));
    index(&mut proof, &found, read.get(INDEX));
    match read.get(MANIFEST).map(|it| Manifest::of_bytes(it, None)) {
        None => proof.faults.push(format!("{MANIFEST} is missing")),
        Some(it) => {
            proof.faults.extend(it.damages.iter().map(|it| format!("{}: {}", it.locator, it.why)));
        }
    }
    Ok(proof)
}

fn sums(proof: &mut Proof, found: &BTreeMap<String, String>, text: Option<&Vec<u8>>) {
    let Some(text) = text else {
        proof.faults.push(format!("{SUMS} is missing: nothing can be proved"));
        return;
    };
    let text = String::from_utf8_lossy(text);
    let mut listed = BTreeMap::new();
    for line in text.lines() {
        match line.split_once("  ") {
            Some((digest, path)) => drop(listed.insert(path, digest)),
            None => proof.faults.push(format!("{SUMS} has a line that is no sum")),
        }
    }
    for (path, digest) in &listed {
        match found.get(*path) {
            None => proof.faults.push(format!("{path} is missing")),
            Some(it) if it != digest => proof.faults.push(format!("{path} was changed")),
            Some(_) => {}
        }
    }
    for path in found.keys().filter(|it| *it != SUMS && !listed.contains_key(it.as_str())) {
        proof.faults.push(format!("{path} was added: no sum speaks of it"));
    }
}

fn index(proof: &mut Proof, found: &BTreeMap<String, String>, text: Option<&Vec<u8>>) {
    let Some(text) = text else {
        proof.faults.push(format!("{INDEX} is missing"));
        return;
    };
    let index: Index = match serde_json::from_slice(text) {
        Ok(it) => it,
        Err(it) => {
            proof.faults.push(format!("{INDEX} cannot be read: {it}"));
            return;
        }
    };
    if index.version > VERSION {
        proof.faults.push(format!("{INDEX} is of a newer version, {}", index.version));
    }
    proof.transcripts = index.transcripts.len() as u64;
    for it in &index.transcripts {
        match found.get(&it.path) {
            None => proof.faults.push(format!("{} is cited and missing", it.path)),
            Some(digest) if *digest != it.content_digest => {
                proof.faults.push(format!("{} is not what was read from {}", it.path, it.locator));
            }
            Some(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package() -> Vec<u8> {
        let mut packer = Packer::new(Vec::new(), "it");
        packer.add(INDEX, br#"{"version":1,"transcripts":[]}"#).unwrap();
        packer.add(MANIFEST, b"").unwrap();
        packer.add("report.md", b"# it").unwrap();
        packer.finish().unwrap()
    }

    #[test]
    fn a_package_is_sound_and_the_same_every_time() {
        let proof = verify(package().as_slice()).unwrap();
        assert_eq!(proof.faults, Vec::<String>::new());
        assert_eq!(proof.files, 4);
        assert_eq!(package(), package());
    }

    #[test]
    fn every_changed_byte_is_noticed() {
        let sound = package();
        // The two empty blocks at the end of a tar, and the padding of its entries, hold nothing.
        let mut unnoticed = 0;
        for at in (0..sound.len()).step_by(7) {
            let mut bytes = sound.clone();
            bytes[at] ^= 1;
            match verify(bytes.as_slice()) {
                Ok(it) if it.faults.is_empty() => unnoticed += usize::from(sound[at] != 0),
                _ => {}
            }
        }
        assert_eq!(unnoticed, 0);
    }

    #[test]
    fn what_was_added_or_leads_out_is_a_fault() {
        for path in ["it/more.txt", "other/more.txt", "more.txt"] {
            let mut tar = tar::Builder::new(Vec::new());
            let sound = package();
            for entry in tar::Archive::new(sound.as_slice()).entries().unwrap() {
                let entry = entry.unwrap();
                let header = entry.header().clone();
                tar.append(&header, entry).unwrap();
            }
            let mut header = tar::Header::new_ustar();
            header.set_size(1);
            tar.append_data(&mut header, path, b"x".as_slice()).unwrap();
            let proof = verify(tar.into_inner().unwrap().as_slice()).unwrap();
            assert_eq!(proof.faults.len(), 1, "{path}: {:?}", proof.faults);
        }
    }
}
