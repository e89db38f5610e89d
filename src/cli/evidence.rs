//! `report --evidence` packs, `verify-evidence` proves.

use std::collections::HashSet;
use std::fs::File;
use std::io::Read;
use std::io::Seek;
use std::io::SeekFrom;
use std::io::Write;
use std::path::Path;
use std::path::PathBuf;

use clap::Args;
use minisign::PublicKey;
use minisign::SecretKey;
use serde_json::json;
use sha2::Digest;
use sha2::Sha256;

use super::Answer;
use super::Run;
use super::masking;
use crate::archive::Archive;
use crate::archive::manifest::hex;
use crate::archive::schema::TranscriptRow;
use crate::error::Error;
use crate::error::Kind;
use crate::error::Result;
use crate::evidence;
use crate::evidence::Cited;
use crate::evidence::KeyTrouble;
use crate::evidence::Packer;
use crate::render;
use crate::report::Report;
use crate::secrets::Masker;
use crate::session::Skip;

const EXAMPLES: &str = "\
Examples:
  ssmtrail verify-evidence audit.tar
  ssmtrail verify-evidence audit.tar --public-key minisign.pub

Without this tool the same is proved by
  tar -xf audit.tar && cd audit && sha256sum --check SHA256SUMS
and a signature by
  minisign -V -m audit.tar -p minisign.pub

The sums prove that the files are those that were packed, byte by byte as this tool packs them; whoever changes a package can make
its sums anew, so the signature alone proves whose key packed it. Exit 1: it is not sound, or a part of one.";

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
pub(super) struct Package<'a> {
    pub(super) archive: &'a Archive,
    pub(super) report: &'a Report,
    /// Names and bytes of the report's files, in the order of a package.
    pub(super) files: Vec<(String, Vec<u8>)>,
    pub(super) survey: Option<Vec<u8>>,
}

/// Bytes cannot be masked without breaking their digests: they are packed whole or not at all. What lines and commands show
/// counts as well as what only the bytes hold: a password that was typed and erased again, or a window's title.
pub(super) fn refuse_secrets(archive: &Archive, report: &Report, masker: &Masker) -> Result<()> {
    if masker.reveals() {
        return Ok(());
    }
    let mut showing = masking::showing_secrets(archive, &report.sessions)?;
    for (nth, session) in report.sessions.iter().enumerate() {
        if report.commands_of(nth).iter().any(|it| it.text.contains("[masked:")) {
            showing.insert(session.session_key.clone());
        }
    }
    if showing.is_empty() {
        return Ok(());
    }
    Err(Error::misused(format!(
        "{} of the report {} secrets, and bytes that are evidence cannot be masked",
        render::plural(showing.len() as u64, "session"),
        if showing.len() == 1 { "shows" } else { "show" }
    ))
    .hint("--reveal packs them as they are, and the archive records it; or leave --evidence out"))
}

/// Keys of the report's sessions, in its order, each once.
fn session_keys(report: &Report) -> Vec<&str> {
    let mut seen = HashSet::new();
    let keys = report.sessions.iter().map(|it| it.session_key.as_str());
    keys.filter(|it| seen.insert(*it)).collect()
}

impl Package<'_> {
    /// Writes the package; what could not be read is a damage.
    pub(super) fn write(self, top: &str, out: impl Write) -> Result<Vec<Skip>> {
        let fail = |it: std::io::Error| {
            Error::new(Kind::Refused, format!("cannot write the evidence: {it}"))
        };
        let mut packer = Packer::new(out, top);
        packer.add("README.txt", README.as_bytes()).map_err(fail)?;
        for (name, bytes) in &self.files {
            packer.add(name, bytes).map_err(fail)?;
        }
        if let Some(it) = &self.survey {
            packer.add("survey.json", it).map_err(fail)?;
        }
        let links = evidence::links(
            &self.archive.manifest.entries,
            |it| self.archive.brought_by(it),
            self.report.transcripts.iter(),
        );
        packer.add(evidence::MANIFEST, links.as_bytes()).map_err(fail)?;
        let mut cited = Vec::new();
        let mut damages = Vec::new();
        let mut reading: Option<TranscriptReading> = None;
        self.archive.transcripts_of(&session_keys(self.report), |row| {
            if !reading.as_ref().is_some_and(|it| it.goes_on(&row)) {
                if let Some(it) = reading.take() {
                    it.close(&mut packer, &mut cited, &mut damages)?;
                }
                reading = Some(TranscriptReading::new(&row)?);
            }
            match &mut reading {
                Some(it) => it.push(&row),
                None => Ok(()),
            }
        })?;
        if let Some(it) = reading.take() {
            it.close(&mut packer, &mut cited, &mut damages)?;
        }
        let index = json!({
            "version": evidence::VERSION,
            "made_with": format!("ssmtrail {}", env!("CARGO_PKG_VERSION")),
            "archive_digest": self.report.archive_digest,
            "archive_head": self.report.archive_head,
            "transcripts": cited,
        });
        packer
            .add(evidence::INDEX, format!("{}\n", render::json(&index)).as_bytes())
            .map_err(fail)?;
        packer.finish().and_then(|mut it| it.flush()).map_err(fail)?;
        Ok(damages)
    }
}

/// One reading of one transcript, on its way into the package: it may be longer than memory.
struct TranscriptReading {
    row: TranscriptRow,
    scratch: File,
    length: u64,
    hasher: Sha256,
}

fn scratch_fails(it: std::io::Error) -> Error {
    Error::new(Kind::Refused, format!("no place for scratch files: {it}"))
}

impl TranscriptReading {
    fn new(row: &TranscriptRow) -> Result<Self> {
        let row = TranscriptRow { content: Vec::new(), ..row.clone() };
        let scratch = tempfile::tempfile().map_err(scratch_fails)?;
        Ok(Self { row, scratch, length: 0, hasher: Sha256::new() })
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
        let digest = hex(&self.hasher.finalize());
        if digest != self.row.content_digest {
            damages.push(Skip {
                locator: self.row.locator.clone(),
                why: "its bytes in the archive are not those that were read, and are left out"
                    .into(),
                loses: true,
            });
            return Ok(());
        }
        let nth = cited.len() as u64 + 1;
        let path = evidence::transcript_path(nth, &self.row.session_id, &self.row.form);
        self.scratch.seek(SeekFrom::Start(0)).map_err(scratch_fails)?;
        packer
            .add_from(&path, self.length, self.scratch)
            .map_err(|it| Error::new(Kind::Refused, format!("cannot write the evidence: {it}")))?;
        cited.push(Cited::new(path, &self.row));
        Ok(())
    }
}

/// Variable that holds the password of a secret key.
const PASSWORD: &str = "SSMTRAIL_SIGN_PASSWORD";

/// The secret key in minisign's file; the password of one that has any is in the environment.
pub(super) fn secret_key(run: &Run<'_, '_>, named: &Path) -> Result<SecretKey> {
    let path = run.world.folder.join(named);
    let text = std::fs::read_to_string(&path).map_err(|it| Error::file("read", named, it))?;
    let password = run.world.environment.get(PASSWORD).map(String::as_str);
    let name = named.display();
    evidence::secret_key(&text, password).map_err(|it| match it {
        KeyTrouble::NoKey(why) => Error::misused(format!("{name} cannot sign: {why}"))
            .hint(format!("a key is made by `minisign -G`; its password is read from {PASSWORD}")),
        KeyTrouble::NeedsPassword => {
            Error::misused(format!("{name} has a password, and none was given"))
                .hint(format!("it is read from {PASSWORD}"))
        }
        KeyTrouble::WrongPassword => {
            Error::misused(format!("the password in {PASSWORD} is not that of {name}"))
        }
    })
}

/// Signs what a reader gives.
pub(super) fn sign(secret: &SecretKey, file: impl Read) -> Result<String> {
    let comment = "signed by ssmtrail: evidence of Session Manager sessions";
    minisign::sign(None, secret, file, Some(comment), Some("signature of a ssmtrail package"))
        .map(minisign::SignatureBox::into_string)
        .map_err(|it| Error::new(Kind::Refused, format!("cannot sign the package: {it}")))
}

/// Where the signature of a file is.
pub(super) fn signature_of(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".minisig");
    name.into()
}

#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(super) struct VerifyEvidence {
    /// The package that `report --evidence` wrote
    #[arg(value_name = "FILE")]
    file: PathBuf,

    /// Whose signature it must bear: a minisign public key, or a file that holds one
    #[arg(long, value_name = "KEY")]
    public_key: Option<String>,
}

impl VerifyEvidence {
    pub(super) fn run(self, run: &mut Run<'_, '_>) -> Result<Answer> {
        let path = run.world.folder.join(&self.file);
        let key = self.public_key.as_ref().map(|it| public_key(run, it)).transpose()?;
        let fail = |it| Error::file("read", &self.file, it);
        let mut file = File::open(&path).map_err(fail)?;
        let proof = evidence::verify(std::io::BufReader::new(&file)).map_err(fail)?;
        let mut faults = proof.faults.clone();
        // The same file, whatever bears its name by now.
        file.seek(SeekFrom::Start(0)).map_err(fail)?;
        let signed = self.signed(&path, file, key.as_ref(), &mut faults)?;
        for it in &faults {
            let text = run.ui.paint(render::WARN, &render::visible(it));
            run.ui.line(&text)?;
        }
        if proof.more_faults > 0 {
            let text = format!("and {}", render::plural(proof.more_faults, "fault"));
            run.ui.line(&text)?;
        }
        let word = if faults.is_empty() { "sound" } else { "NOT SOUND" };
        run.ui.line(&format!(
            "{word}: {}, {}; {signed}",
            render::plural(proof.files, "file"),
            render::plural(proof.transcripts, "transcript"),
        ))?;
        if let Some(head) = proof.head.as_ref().filter(|_| faults.is_empty()) {
            run.ui.note(&format!("head: {head}"));
        }
        Ok(if faults.is_empty() { Answer::Yes } else { Answer::No })
    }

    /// What the signature beside the package says, and what is wrong with it.
    fn signed(
        &self,
        path: &Path,
        file: File,
        key: Option<&PublicKey>,
        faults: &mut Vec<String>,
    ) -> Result<String> {
        let name = signature_of(&self.file);
        let Some(signature) = beside(&signature_of(path), &name)? else {
            if key.is_some() {
                faults.push(format!("{} is missing", name.display()));
            }
            return Ok("not signed".to_owned());
        };
        let signature = match signature.and_then(|it| evidence::signature(&it)) {
            Ok(it) => it,
            Err(why) => {
                faults.push(format!("{} is no signature: {why}", name.display()));
                return Ok("not signed".to_owned());
            }
        };
        let id = evidence::key_id(signature.keynum());
        let Some(key) = key else {
            return Ok(format!(
                "a signature of key {id} lies beside it and was not checked: --public-key checks it"
            ));
        };
        if key.keynum() != signature.keynum() {
            let asked = evidence::key_id(key.keynum());
            faults.push(format!("the signature is of key {id}, and --public-key is key {asked}"));
            return Ok("the signature was not checked".to_owned());
        }
        match minisign::verify(key, &signature, file, true, false, false) {
            Ok(()) => {
                let comment = signature.trusted_comment().unwrap_or_default();
                Ok(format!("the signature is that of key {id}: {}", render::visible(&comment)))
            }
            Err(it) => {
                faults.push(format!("the signature of key {id} does not hold: {it}"));
                Ok("the signature does not hold".to_owned())
            }
        }
    }
}

/// What a signature file holds: nothing if there is none; why not, if it is no such file.
fn beside(path: &Path, name: &Path) -> Result<Option<Result<String, String>>> {
    let fail = |it| Error::file("read", name, it);
    match path.metadata() {
        Err(it) if it.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(it) => return Err(fail(it)),
        // A pipe would be waited for.
        Ok(it) if !it.is_file() => return Ok(Some(Err("it is no file".into()))),
        Ok(it) if it.len() > evidence::MOST_SIGNATURE => {
            return Ok(Some(Err("it is too long for one".into())));
        }
        Ok(_) => {}
    }
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|it| it.take(evidence::MOST_SIGNATURE).read_to_end(&mut bytes))
        .map_err(fail)?;
    Ok(Some(String::from_utf8(bytes).map_err(|_| "it is no text".into())))
}

fn public_key(run: &Run<'_, '_>, told: &str) -> Result<PublicKey> {
    let wrong = |it: minisign::PError| {
        Error::misused(format!("{told} is no minisign public key: {it}"))
            .hint("name the file that `minisign -G` wrote, or give the key itself: RW…")
    };
    let path = run.world.folder.join(told);
    if path.is_file() {
        let text = std::fs::read_to_string(&path).map_err(|it| Error::file("read", &path, it))?;
        return minisign::PublicKeyBox::from_string(&text)
            .and_then(minisign::PublicKeyBox::into_public_key)
            .map_err(wrong);
    }
    PublicKey::from_base64(told).map_err(wrong)
}
