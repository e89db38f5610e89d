//! A place as a person named it → the source that reads it.
//!
//! One type for all kinds, so that one run can go over any mix of them.

use tokio::sync::mpsc::Sender;

use crate::config::Access;
use crate::config::Place;
use crate::config::SourceSpec;
use crate::config::Told;
use crate::error::Result as Outcome;
use crate::source::Body;
use crate::source::Found;
use crate::source::Listed;
use crate::source::Position;
use crate::source::Refusal;
use crate::source::Source;
use crate::source::aws::Connection;
use crate::source::folder::Folder;
use crate::source::logs::LogsSource;
use crate::source::s3::S3Source;

/// A folder, a bucket or a log group.
pub enum Any {
    /// A folder or file.
    Folder(Folder),
    /// A bucket and prefix.
    S3(S3Source),
    /// A log group.
    Logs(LogsSource),
}

macro_rules! each {
    ($any:expr, $it:ident => $what:expr) => {
        match $any {
            Any::Folder($it) => $what,
            Any::S3($it) => $what,
            Any::Logs($it) => $what,
        }
    };
}

impl Any {
    /// Opens a source; `access` is what its own settings and all others come to.
    ///
    /// # Errors
    /// The outer error: what was named cannot be right. The inner: the place refuses.
    pub async fn open(spec: &SourceSpec, access: &Access) -> Outcome<Result<Self, Refusal>> {
        let access = &access_to(spec, access);
        Ok(match &spec.place {
            Place::Folder(path) => Ok(Self::Folder(Folder::open(path)?)),
            Place::S3 { bucket, prefix } => match Connection::open(access).await {
                Ok(it) => S3Source::open(spec, bucket, prefix, it).await.map(Self::S3),
                Err(it) => Err(it),
            },
            Place::Logs { group, .. } => match Connection::open(access).await {
                Ok(it) => LogsSource::open(spec, group, it).await.map(Self::Logs),
                Err(it) => Err(it),
            },
        })
    }

    /// What it is, in words: "a bucket in eu-west-1".
    pub(super) fn described(&self) -> String {
        each!(self, it => it.described())
    }
}

/// The same access, in the Region that the place itself names.
pub(super) fn access_to(spec: &SourceSpec, access: &Access) -> Access {
    let mut access = access.clone();
    if let Place::Logs { region: Some(region), .. } = &spec.place {
        access.region = Some(Told { value: region.clone(), from: spec.from.clone() });
    }
    access
}

impl Source for Any {
    fn name(&self) -> &str {
        each!(self, it => it.name())
    }

    async fn list(&self, found: Sender<Found>) -> Result<(), Refusal> {
        each!(self, it => it.list(found).await)
    }

    async fn fetch(
        &self,
        what: &Listed,
        from: Option<&Position>,
    ) -> Result<Box<dyn Body>, Refusal> {
        each!(self, it => it.fetch(what, from).await)
    }

    fn concurrency(&self) -> usize {
        each!(self, it => it.concurrency())
    }

    fn calls(&self) -> Vec<(String, u64)> {
        each!(self, it => it.calls())
    }

    fn waiting(&self) -> Option<String> {
        each!(self, it => it.waiting())
    }

    fn whereabouts(&self) -> (Option<String>, Option<String>) {
        each!(self, it => it.whereabouts())
    }

    fn skew(&self) -> Option<i64> {
        each!(self, it => it.skew())
    }
}
