//! `report --evidence` packs, `verify-evidence` proves.

use std::fs::File;
use std::io::Read;
use std::io::Seek;
use std::io::SeekFrom;
use std::path::Path;
use std::path::PathBuf;

use clap::Args;
use minisign::PublicKey;
use minisign::SecretKey;

use super::answer::Answer;
use super::setup::Setup;
use super::world::Here;
use crate::error::Error;
use crate::error::Result;
use crate::evidence::proof;
use crate::evidence::signature;
use crate::evidence::signature::KeyTrouble;
use crate::evidence::signature::MOST_SIGNATURE;
use crate::evidence::signature::SignatureState;
use crate::evidence::signature::signature_of;
use crate::render;
use crate::render::Ui;
use crate::text;
use crate::text::Visible;
use crate::text::safe;

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

/// Variable that holds the password of a secret key.
const PASSWORD: &str = "SSMTRAIL_SIGN_PASSWORD";

/// The secret key in minisign's file; the password of one that has any is in the environment.
pub(super) fn secret_key(setup: &Setup<'_>, named: &Path) -> Result<SecretKey> {
    let path = setup.here.folder.join(named);
    let text = std::fs::read_to_string(&path).map_err(|it| Error::file("read", named, it))?;
    let password = setup.variable(PASSWORD);
    let name = named.display();
    signature::secret_key(&text, password).map_err(|it| match it {
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
    pub(super) fn run(self, here: Here<'_>, ui: &mut Ui<'_>) -> Result<Answer> {
        let path = here.folder.join(&self.file);
        let key = self.public_key.as_ref().map(|it| public_key(here, it)).transpose()?;
        let fail = |it| Error::file("read", &self.file, it);
        let mut file = File::open(&path).map_err(fail)?;
        let proof = proof::verify(std::io::BufReader::new(&file)).map_err(fail)?;
        let mut faults = proof.faults.clone();
        // The same file, whatever bears its name by now.
        file.seek(SeekFrom::Start(0)).map_err(fail)?;
        let signed = self.signed(&path, file, key.as_ref(), &mut faults)?;
        for it in &faults {
            ui.line(ui.paint(render::WARN, it.safe()))?;
        }
        if proof.more_faults > 0 {
            ui.line(safe!("and {}", text::plural(proof.more_faults, "fault")))?;
        }
        let word = if faults.is_empty() { "sound" } else { "NOT SOUND" };
        ui.line(safe!(
            "{}: {}, {}; {}",
            word,
            text::plural(proof.files, "file"),
            text::plural(proof.transcripts, "transcript"),
            signed
        ))?;
        if let Some(head) = proof.head.as_ref().filter(|_| faults.is_empty()) {
            ui.note(safe!("head: {}", head));
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
        let signature = match signature.and_then(|it| signature::signature(&it)) {
            Ok(it) => it,
            Err(why) => {
                faults.push(format!("{} is no signature: {why}", name.display()));
                return Ok("not signed".to_owned());
            }
        };
        Ok(match signature::check(&signature, key, file) {
            SignatureState::Unchecked { key } => format!(
                "a signature of key {key} lies beside it and was not checked: --public-key checks it"
            ),
            SignatureState::OfAnother { key, asked } => {
                faults.push(format!(
                    "the signature is of key {key}, and --public-key is key {asked}"
                ));
                "the signature was not checked".to_owned()
            }
            SignatureState::Holds { key, comment } => {
                format!("the signature is that of key {key}: {comment}")
            }
            SignatureState::DoesNotHold { key, why } => {
                faults.push(format!("the signature of key {key} does not hold: {why}"));
                "the signature does not hold".to_owned()
            }
        })
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
        Ok(it) if it.len() > MOST_SIGNATURE => {
            return Ok(Some(Err("it is too long for one".into())));
        }
        Ok(_) => {}
    }
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|it| it.take(MOST_SIGNATURE).read_to_end(&mut bytes))
        .map_err(fail)?;
    Ok(Some(String::from_utf8(bytes).map_err(|_| "it is no text".into())))
}

fn public_key(here: Here<'_>, told: &str) -> Result<PublicKey> {
    let wrong = |it: minisign::PError| {
        Error::misused(format!("{told} is no minisign public key: {it}"))
            .hint("name the file that `minisign -G` wrote, or give the key itself: RW…")
    };
    let path = here.folder.join(told);
    let text = match path.is_file() {
        true => std::fs::read_to_string(&path).map_err(|it| Error::file("read", &path, it))?,
        false => told.to_owned(),
    };
    signature::public_key(&text).map_err(wrong)
}
