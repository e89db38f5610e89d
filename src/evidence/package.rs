//! A report, the settings that were surveyed, the chain of the archive and the bytes of each transcript, in one package.

use std::collections::HashSet;
use std::io::Seek;
use std::io::SeekFrom;
use std::io::Write;

use serde_json::json;
use sha2::Digest;
use sha2::Sha256;
use tempfile::SpooledTempFile;

use super::citation::Cited;
use super::citation::links;
use super::form::INDEX;
use super::form::MANIFEST;
use super::form::VERSION;
use super::form::transcript_path;
use super::pack::Packer;
use crate::archive::Archive;
use crate::archive::schema::TranscriptRow;
use crate::error::Error;
use crate::error::Kind;
use crate::error::Result;
use crate::masking;
use crate::report::Report;
use crate::secrets::Masker;
use crate::session::Skip;
use crate::text;
use crate::text::safe;

const README: &str = "\
This package was written by ssmtrail (https://github.com/ssmtrail/ssmtrail).

report.html      who ran what: open it in a browser; it needs no network. Its twins hold the same facts.
evidence.json    where each transcript lay, its version, digests, encryption, and when it was read
transcripts/     the bytes of the transcripts, as they were read (decompressed, if they were kept compressed)
manifest.jsonl   the chain of entries of the archive that they were kept in, names left out: each entry holds the digest of
                 the one before, and of what it brought
survey.json      how the places were set, if that was asked (ssmtrail verify)
SHA256SUMS       the SHA-256 of every file

To prove that nothing was changed:

  sha256sum --check SHA256SUMS

The bytes in transcripts/ may hold terminal control sequences: look at them with `less` or `cat -v`, not with `cat`.
";

/// What a package is made from.
pub struct Package<'a> {
    /// The archive that the transcripts and the chain are taken from.
    pub archive: &'a Archive,
    /// The report whose transcripts are packed.
    pub report: &'a Report,
    /// Names and bytes of the report's files, in the order of a package.
    pub files: Vec<(String, Vec<u8>)>,
    /// The survey as it is written down, if there was one.
    pub survey: Option<Vec<u8>>,
}

/// How many sessions of a report show secrets. Bytes cannot be masked without breaking their digests: they are packed whole or not
/// at all. What lines and commands show counts as well as what only the bytes hold: a password that was typed and erased again,
/// or a window's title.
///
/// # Errors
/// Transcripts that cannot be read.
pub fn showing_secrets(archive: &Archive, report: &Report, masker: &Masker) -> Result<usize> {
    if masker.reveals() {
        return Ok(0);
    }
    let mut showing = masking::showing_secrets(archive, &report.sessions)?;
    for (nth, session) in report.sessions.iter().enumerate() {
        if report.commands_of(nth).iter().any(|it| it.text.contains("[masked:")) {
            showing.insert(session.session_key.clone());
        }
    }
    Ok(showing.len())
}

/// Keys of the report's sessions, in its order, each once.
fn session_keys(report: &Report) -> Vec<&str> {
    let mut seen = HashSet::new();
    let keys = report.sessions.iter().map(|it| it.session_key.as_str());
    keys.filter(|it| seen.insert(*it)).collect()
}

impl Package<'_> {
    /// Writes the package, whose folder is called `top`, and tells what could not be read.
    ///
    /// # Errors
    /// What the system refuses, and an index that cannot be read.
    pub fn write(self, top: &str, out: impl Write) -> Result<Vec<Skip>> {
        let mut packer = Packer::new(out, top);
        packer.add("README.txt", README.as_bytes()).map_err(unwritten)?;
        for (name, bytes) in &self.files {
            packer.add(name, bytes).map_err(unwritten)?;
        }
        if let Some(it) = &self.survey {
            packer.add("survey.json", it).map_err(unwritten)?;
        }
        let links = links(
            &self.archive.manifest.entries,
            |it| self.archive.brought_by(it),
            self.report.transcripts.iter(),
        );
        packer.add(MANIFEST, links.as_bytes()).map_err(unwritten)?;
        let mut cited = Vec::new();
        let mut damages = Vec::new();
        let mut reading: Option<TranscriptReading> = None;
        self.archive.transcripts_of(&session_keys(self.report), |row| {
            if let Some(it) = reading.take_if(|it| !it.goes_on(&row)) {
                it.close(&mut packer, &mut cited, &mut damages)?;
            }
            reading.get_or_insert_with(|| TranscriptReading::new(&row)).push(&row)
        })?;
        if let Some(it) = reading {
            it.close(&mut packer, &mut cited, &mut damages)?;
        }
        let index = json!({
            "version": VERSION,
            "made_with": format!("ssmtrail {}", env!("CARGO_PKG_VERSION")),
            "archive_digest": self.report.archive_digest,
            "archive_head": self.report.archive_head,
            "transcripts": cited,
        });
        packer.add(INDEX, safe!("{}\n", text::json(&index)).as_bytes()).map_err(unwritten)?;
        packer.finish().and_then(|mut it| it.flush()).map_err(unwritten)?;
        Ok(damages)
    }
}

/// Bytes of a transcript that are held in memory before they go to a scratch file.
const IN_MEMORY: usize = 4 << 20;

/// One reading of one transcript, on its way into the package: it may be longer than memory.
struct TranscriptReading {
    row: TranscriptRow,
    scratch: SpooledTempFile,
    length: u64,
    hasher: Sha256,
}

fn unwritten(it: std::io::Error) -> Error {
    Error::new(Kind::Refused, format!("cannot write the evidence: {it}"))
}

fn scratch_fails(it: std::io::Error) -> Error {
    Error::new(Kind::Refused, format!("no place for scratch files: {it}"))
}

impl TranscriptReading {
    fn new(row: &TranscriptRow) -> Self {
        let row = TranscriptRow { content: Vec::new(), ..row.clone() };
        Self { row, scratch: SpooledTempFile::new(IN_MEMORY), length: 0, hasher: Sha256::new() }
    }

    fn goes_on(&self, row: &TranscriptRow) -> bool {
        let it = &self.row;
        row.part > it.part
            && (&it.locator, &it.version, &it.content_digest)
                == (&row.locator, &row.version, &row.content_digest)
    }

    fn push(&mut self, row: &TranscriptRow) -> Result<()> {
        self.hasher.update(&row.content);
        self.length += row.content.len() as u64;
        self.row.part = row.part;
        self.scratch.write_all(&row.content).map_err(scratch_fails)
    }

    fn close(
        mut self,
        packer: &mut Packer<impl Write>,
        cited: &mut Vec<Cited>,
        damages: &mut Vec<Skip>,
    ) -> Result<()> {
        let digest = hex::encode(self.hasher.finalize());
        if digest != self.row.content_digest {
            let why = "its bytes in the archive are not those that were read, and are left out";
            damages.push(Skip::loss(&self.row.locator, why));
            return Ok(());
        }
        let nth = cited.len() as u64 + 1;
        let path = transcript_path(nth, &self.row.session_id, &self.row.form);
        self.scratch.seek(SeekFrom::Start(0)).map_err(scratch_fails)?;
        packer.add_from(&path, self.length, self.scratch).map_err(unwritten)?;
        cited.push(Cited::new(path, &self.row));
        Ok(())
    }
}
