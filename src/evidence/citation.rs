//! What a package says of each transcript, and the chain of the archive's entries without the names in it.

use std::collections::HashSet;

use serde::Deserialize;
use serde::Serialize;

use crate::archive::manifest::Brought;
use crate::archive::manifest::Entry;
use crate::archive::manifest::Sealed;
use crate::archive::manifest::leaf;
use crate::archive::schema::TranscriptRow;
use crate::archive::value::Word;
use crate::time::At;
use crate::transcript::wire::Form;

/// What [`super::form::INDEX`] says of one transcript, as it was when it was read.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Cited {
    /// Below the package's folder.
    pub path: String,
    /// Id of the session, as Session Manager gives it.
    pub session_id: String,
    /// Account of the session, as far as the transcript tells.
    pub account_id: Option<String>,
    /// Region of the session, as far as the transcript tells.
    pub region: Option<String>,
    /// Where exactly the transcript lay, as its source writes it.
    pub locator: String,
    /// Which version of it was read, as the `version` column of `transcripts` holds it.
    pub version: String,
    /// How its bytes are laid out.
    pub form: Word<Form>,
    /// SHA-256 of the bytes in this package: the content, decompressed if the source held it compressed.
    pub content_digest: String,
    /// SHA-256 of the object as its source held it; of a log stream, of the stretch that was read.
    pub digest: String,
    /// Size of the object at its source, in bytes.
    pub stored_bytes: i64,
    /// RFC 3339, UTC.
    pub stored_at: Option<String>,
    /// When it was read: RFC 3339, UTC.
    pub read_at: Option<String>,
    /// S3's entity tag of the bytes that were read.
    pub etag: Option<String>,
    /// S3's version id of the bytes that were read; `None` where versions are off.
    pub version_id: Option<String>,
    /// S3's checksum as `algorithm:value` in base64, verified while reading; `None` if none was stored.
    pub checksum: Option<String>,
    /// How S3 said it was encrypted: `AES256`, or `aws:kms:` and the key.
    pub encryption: Option<String>,
    /// S3 storage class when it was read.
    pub storage_class: Option<String>,
}

impl Cited {
    /// What an entry of the chain knows of it.
    pub(super) fn leaf(&self) -> [u8; 32] {
        leaf(&Brought {
            locator: self.locator.clone(),
            version: self.version.clone(),
            digest: self.digest.clone(),
            content_digest: self.content_digest.clone(),
        })
    }

    /// What is said of the transcript in this row, whose bytes stand under this path.
    pub fn new(path: String, it: &TranscriptRow) -> Self {
        let at = |it: Option<At>| it.and_then(At::rfc3339);
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
            stored_at: at(it.stored_at),
            read_at: at(it.read_at),
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
pub(super) struct Link {
    #[serde(flatten)]
    pub(super) what: LinkKind,
    /// Digests of all that it brought, where the package holds some of that.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) brought: Vec<String>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum LinkKind {
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
    let held: HashSet<[u8; 32]> = held.map(|it| Cited::new(String::new(), it).leaf()).collect();
    let mut out = String::new();
    for entry in entries {
        let leaves: Vec<[u8; 32]> = lists(entry).unwrap_or_default().iter().map(leaf).collect();
        let some = leaves.iter().any(|it| held.contains(it));
        let brought = leaves.iter().filter(|_| some).map(hex::encode).collect();
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
