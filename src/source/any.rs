//! A place as a person named it → the source that reads it: a row for each kind, so that one run can go over any mix.

use crate::config::Access;
use crate::config::Place;
use crate::config::SourceSpec;
use crate::config::Told;
use crate::error::Result as Outcome;
use crate::source::Refusal;
use crate::source::Source;
use crate::source::aws::Connection;
use crate::source::folder::Folder;
use crate::source::logs::LogsSource;
use crate::source::s3::S3Source;

/// Opens a source; `access` is what its own settings and all others come to.
///
/// # Errors
/// The outer error: what was named cannot be right. The inner: the place refuses.
pub async fn open(spec: &SourceSpec, access: &Access) -> Outcome<Result<Box<dyn Source>, Refusal>> {
    let access = access_to(spec, access);
    let opened: Result<Box<dyn Source>, Refusal> = match &spec.place {
        Place::Folder(path) => Ok(Box::new(Folder::open(path)?)),
        Place::S3 { bucket, prefix } => match Connection::open(&access).await {
            Ok(it) => S3Source::open(spec, bucket, prefix, it).await.map(|it| Box::new(it) as _),
            Err(it) => Err(it),
        },
        Place::Logs { group, .. } => match Connection::open(&access).await {
            Ok(it) => LogsSource::open(spec, group, it).await.map(|it| Box::new(it) as _),
            Err(it) => Err(it),
        },
    };
    Ok(opened)
}

/// The same access, in the Region that the place itself names.
pub(super) fn access_to(spec: &SourceSpec, access: &Access) -> Access {
    let mut access = access.clone();
    if let Place::Logs { region: Some(region), .. } = &spec.place {
        access.region = Some(Told { value: region.clone(), from: spec.from.clone() });
    }
    access
}
