//! Where transcripts are. A source only reads, and only when told: `sync` decides.
//!
//! The one asynchronous room, because the network is, and the only one that knows AWS. Few verbs are all that a place
//! must offer, so that a folder, a bucket and a log group are equal citizens and one suite of tests runs over all.
//! Nothing here writes to a place.
//!
//! Another kind of place is a variant of `config::Place`, a file here that implements `Source`, and a row in `any`; the
//! compiler asks for the rest.

use std::path::PathBuf;

use futures_util::future::LocalBoxFuture;
use serde::Deserialize;
use serde::Serialize;
use tokio::sync::mpsc::Sender;

use crate::error::Error;
use crate::session::Skip;
use crate::settings::Reason;
use crate::source::calls::Calls;
use crate::time::At;

/// A folder tree.
pub mod folder;

/// What AWS says when it refuses.
mod refused;

/// Credentials and Regions.
pub mod aws;

/// How long AWS is waited for.
pub mod patience;

/// What is asked, counted and watched.
pub mod calls;

/// A bucket and prefix.
pub mod s3;

/// One object's bytes.
mod object;

/// Whether they are those that were stored.
mod checksum;

/// A log group.
pub mod logs;

/// Any of these.
pub mod any;

/// Services that are asked without their SDK.
mod light;

/// Answers of ECS.
mod ecs;

/// How the places are set.
pub mod survey;

/// Where sessions are logged to, as AWS itself is set up.
pub mod discover;

/// Whether a source can be read, and what is missing.
pub mod probe;

/// Something that may be a transcript.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Exactly where it is; the same on every listing.
    pub locator: String,
    /// Its key, name or path below the source, for reading a session id from.
    pub key: String,
    /// Which version of it: changes whenever its bytes may have.
    pub version: String,
    /// Its size, where the place tells it; 0 where it does not.
    pub bytes: u64,
    /// When the source last changed it.
    pub stored_at: Option<At>,
    /// The newest time at which something may have been added, for what grows (a log stream).
    pub grown_at: Option<At>,
    /// When what grows was created: another one of the same name begins anew. Milliseconds since the epoch.
    pub created: Option<i64>,
    /// Why it cannot be read now although it is there: an archived storage class.
    pub blocked: Option<String>,
    /// What the source needs to find it again, beside its key.
    pub handle: Handle,
}

/// What a source needs to find an object again, beside its key. Only the source itself looks into it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Handle {
    /// A file of a folder.
    Path(PathBuf),
    /// An object in S3.
    Object {
        /// S3's version id; `None` for the current version.
        version_id: Option<String>,
    },
    /// A log stream.
    Stream {
        /// `firstEventTimestamp` of the stream, milliseconds since the epoch; `None` if AWS tells none.
        first: Option<i64>,
    },
}

/// What a listing meets: something that may be a transcript; or a place that could not be looked into, or what is no transcript by
/// its name, and why.
pub type Found = Result<Listed, Skip>;

/// Where reading a growing object stopped, so that the next run goes on there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// Creation of the stream: another one of the same name begins anew. Milliseconds since the epoch.
    pub created: i64,
    /// The token that reads on, which AWS forgets after 24 hours ("GetLogEvents").
    pub token: Option<String>,
    /// Time of the newest event read, milliseconds since the epoch.
    pub at: i64,
    /// How many events of that very time were read.
    pub count: u32,
    /// How many events were read altogether, and the sum of their fingerprints; 0 where neither was counted yet.
    #[serde(default)]
    pub events: u64,
    /// Sum of the fingerprints of all events read; 0 where it was not counted yet.
    #[serde(default)]
    pub sum: u64,
    /// When the last of them was taken in, milliseconds since the epoch; 0 where it is not known.
    #[serde(default)]
    pub taken_in: i64,
}

/// What a place said of an object when it handed over the bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// The version that was read, where it is not the one that was listed.
    pub version: Option<String>,
    /// When the place last changed it; `None` if it does not tell.
    pub stored_at: Option<At>,
    /// S3's version id of the bytes; `None` where versions are off.
    pub version_id: Option<String>,
    /// S3's entity tag of the bytes.
    pub etag: Option<String>,
    /// Algorithm and value, as `crc64nvme:…`, proved over all bytes while they were read.
    pub checksum: Option<String>,
    /// `AES256`, or `aws:kms:` and the key.
    pub encryption: Option<String>,
    /// S3 storage class; `None` if it was not told.
    pub storage_class: Option<String>,
    /// Why these are not all of its bytes, where no later run could bring the rest.
    pub damaged: Option<String>,
    /// Where reading stopped; `None` for what does not grow.
    pub position: Option<Position>,
    /// A later run may bring the rest after all: this version does not count as held.
    pub again: bool,
    /// These are all its events, although those behind a position were asked for.
    pub anew: bool,
}

/// Bytes of one object, to be read once from front to end.
pub trait Body: std::io::Read + Send {
    /// What is known of the object once its end was reached.
    fn seen(&self) -> Seen {
        Seen::default()
    }

    /// Why reading failed, where more is known than the error tells.
    fn refusal(&self) -> Option<Refusal> {
        None
    }

    /// Goes back to the start after reading failed, if what came was not what was promised and may be better now. All
    /// that was read before counts for nothing.
    fn anew(&mut self) -> bool {
        false
    }
}

impl Body for std::fs::File {}

/// Fixed keys: the same text gives the same fingerprint on every run.
pub(crate) static FIXED: std::hash::BuildHasherDefault<std::hash::DefaultHasher> =
    std::hash::BuildHasherDefault::new();

/// Why a place would not give something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// What a caller may branch on.
    pub kind: RefusalKind,
    /// Why, in words for a person.
    pub why: String,
    /// What to do about it, where we know.
    pub hint: Option<String>,
    /// Nothing else can be read from this source either: the credentials are gone, the place is.
    pub ends: bool,
}

impl Refusal {
    /// A refusal without advice, of this one thing alone.
    pub fn new(why: impl Into<String>) -> Self {
        Self { kind: Reason::SdkError.into(), why: why.into(), hint: None, ends: false }
    }

    /// The same of a kind that somebody branches on.
    #[must_use]
    pub(crate) fn kind(mut self, kind: impl Into<RefusalKind>) -> Self {
        self.kind = kind.into();
        self
    }

    /// The same with advice on what to do.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The same, where asking once more may help.
    #[must_use]
    pub(crate) fn again(self) -> Self {
        self.hint("run the same command again; what was read is kept")
    }

    /// The same for everything else in the source.
    #[must_use]
    pub(crate) fn ending(mut self) -> Self {
        self.ends = true;
        self
    }

    /// Whether a permission is missing, or a policy denies it.
    pub(crate) fn is_denied(&self) -> bool {
        matches!(self.kind, RefusalKind::Unread(Reason::AccessDenied | Reason::ExplicitDeny))
    }
}

impl From<Refusal> for std::io::Error {
    fn from(it: Refusal) -> Self {
        Self::other(it.why)
    }
}

impl From<Error> for Refusal {
    /// What was named cannot be right: nothing of it can be read.
    fn from(it: Error) -> Self {
        Self { hint: it.hint, ..Self::new(it.what).ending() }
    }
}

/// Kinds of refusals: one for each that somebody branches on, since nobody may branch on words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefusalKind {
    /// What a survey tells apart, too: a setting is unread for this reason.
    Unread(Reason),
    /// It lies in an archive class and needs a restore.
    Archived,
    /// It is no longer the one whose beginning was read.
    Replaced,
    /// It ends before the byte that was asked for.
    Shorter,
    /// Its bytes broke off.
    Broken,
    /// Its bytes are not those that were listed.
    Unlike,
}

impl From<Reason> for RefusalKind {
    fn from(it: Reason) -> Self {
        Self::Unread(it)
    }
}

/// What a place will answer.
pub type Eventual<'a, T> = LocalBoxFuture<'a, T>;

/// The bytes of an object, or why it cannot be opened.
pub type Opened = Result<Box<dyn Body>, Refusal>;

/// A place that holds transcripts.
pub trait Source: Send + Sync {
    /// How it is written on the command line and in the archive.
    fn name(&self) -> &str;

    /// What it is, in words: "a bucket in eu-west-1".
    fn described(&self) -> String;

    /// Everything there into `found`; a closed channel ends the listing. Opens no object.
    ///
    /// # Errors
    /// When the place, or part of it, cannot be listed.
    fn list(&self, found: Sender<Found>) -> Eventual<'_, Result<(), Refusal>>;

    /// One object's bytes, exactly as the place holds them; of what grows, those behind a position.
    ///
    /// # Errors
    /// When the object cannot be opened.
    fn fetch<'a>(&'a self, it: &'a Listed, from: Option<&'a Position>) -> Eventual<'a, Opened>;

    /// How many requests the place likes at once.
    fn concurrency(&self) -> usize;

    /// The call that reading so many objects would make, and how often; `continued` of them are gone on with.
    fn reads(&self, _objects: u64, _continued: u64) -> Option<(&'static str, u64)> {
        None
    }

    /// The count and the watch of what is asked of AWS. A folder asks nothing.
    fn asked(&self) -> Option<&Calls> {
        None
    }

    /// Account and Region of the sessions that are kept there, where the place itself tells.
    fn whereabouts(&self) -> (Option<String>, Option<String>) {
        (None, None)
    }
}
