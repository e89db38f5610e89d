//! The one form of a package: which files it holds, in which order, with which headers. What packs and what proves share it, so that
//! nothing passes that would not have been packed so.

use std::collections::BTreeMap;

use crate::archive::value::Word;
use crate::transcript::wire::Form;

/// Digests of all files, as `sha256sum` writes them.
pub const SUMS: &str = "SHA256SUMS";
/// What is said of each transcript.
pub const INDEX: &str = "evidence.json";
/// The chain of the archive's entries.
pub const MANIFEST: &str = "manifest.jsonl";

/// Version of [`INDEX`] and [`MANIFEST`].
pub const VERSION: u64 = 2;

/// Most files in a package, so that their names and digests fit into memory.
pub(super) const MOST_FILES: u64 = 1_000_000;

/// Size of a tar's blocks ("ustar Interchange Format", POSIX.1-2017, pax).
pub(super) const BLOCK: usize = 512;

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

/// A file's name for the n-th transcript: what the session's id says, without anything that a path could mean.
pub fn transcript_path(nth: u64, session_id: &str, form: &Word<Form>) -> String {
    let name: String =
        session_id.chars().take(80).map(|it| if is_plain(it) { it } else { '_' }).collect();
    let ending = match form.known() {
        Some(Form::Events) => "jsonl",
        Some(Form::Windows) => "txt",
        Some(Form::Script | Form::Bare) | None => "log",
    };
    format!("transcripts/{nth:05}-{name}.{ending}")
}

fn is_plain(it: char) -> bool {
    it.is_ascii_alphanumeric() || "-_@.".contains(it)
}

/// A package's folder, called like the package as far as a name can be that no system takes for something else.
pub fn folder(name: &str) -> String {
    let sound = |it: char| it.is_alphanumeric() || " -_@.,+=()".contains(it);
    let mut out: String = name.chars().map(|it| if sound(it) { it } else { '_' }).collect();
    out.truncate(out.floor_char_boundary(FOLDER));
    if out.starts_with(['.', '-', ' ']) {
        out.replace_range(..1, "_");
    }
    if out.is_empty() { "evidence".into() } else { out }
}

/// Where a file stands in a package.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum PackagePlace {
    Before(usize),
    /// Counted from 1.
    Transcript(u64),
    Behind(usize),
}

/// The place of a file, if a package can hold such a file.
pub(super) fn place(path: &str) -> Option<PackagePlace> {
    let at = |names: &[&str]| names.iter().position(|it| *it == path);
    let named = at(&BEFORE).map(PackagePlace::Before);
    if let Some(it) = named.or_else(|| at(&BEHIND).map(PackagePlace::Behind)) {
        return Some(it);
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
pub(super) fn follows(last: Option<PackagePlace>, next: PackagePlace) -> bool {
    match (last, next) {
        (Some(PackagePlace::Transcript(last)), PackagePlace::Transcript(next)) => next == last + 1,
        (_, PackagePlace::Transcript(next)) if next != 1 => false,
        (last, next) => last < Some(next),
    }
}

/// The one header that a file of this path and length has.
pub(super) fn header(path: &str, length: u64) -> std::io::Result<tar::Header> {
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
pub(super) fn padding(length: u64) -> usize {
    (BLOCK - (length % BLOCK as u64) as usize) % BLOCK
}

/// The text of [`SUMS`] for these files.
pub(super) fn sums_of(files: &BTreeMap<String, String>) -> String {
    let listed = files.iter().filter(|it| it.0 != SUMS);
    listed.map(|(path, digest)| format!("{digest}  {path}\n")).collect()
}
