//! Where transcripts are. A source only reads, and only when told: `sync` decides.
//!
//! The one asynchronous room, because the network is. Three verbs are all that a place must offer, so that a
//! folder, a bucket and a log group are equal citizens and one suite of tests runs over all.

use std::path::PathBuf;

use tokio::sync::mpsc::Sender;

use crate::error::Result;
use crate::session::Skip;

/// A folder tree.
pub mod folder;

/// Something that may be a transcript.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Exactly where it is; the same on every listing.
    pub locator: String,
    /// Its key or path below the source, for reading a session id from.
    pub key: String,
    /// Which version of it: changes whenever its bytes may have.
    pub version: String,
    pub bytes: u64,
    /// When the source last changed it, UTC microseconds.
    pub stored_at: Option<i64>,
    /// What the source needs to find it again.
    pub path: PathBuf,
}

/// What a listing meets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    Object(Listed),
    /// A place that could not be looked into, and why.
    Skip(Skip),
}

/// Bytes of one object, to be read once from front to end.
pub type Body = Box<dyn std::io::Read + Send>;

/// A place that holds transcripts.
#[expect(async_fn_in_trait, reason = "only this crate implements it, and never as a trait object")]
pub trait Source {
    /// How it is written on the command line and in the archive.
    fn name(&self) -> &str;

    /// Everything there, in a stable order, into `found`; a closed channel ends the listing. Opens no object.
    async fn list(&self, found: Sender<Found>) -> Result<()>;

    /// One object's bytes, exactly as the place holds them.
    async fn fetch(&self, it: &Listed) -> std::io::Result<Body>;
}
