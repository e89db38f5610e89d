//! A folder tree: what `aws s3 sync` leaves, an export task's files, evidence handed over on a disk.
//!
//! Every regular file is listed, whatever its name; what it is, its bytes tell. Links are followed, loops
//! are found, and what is no file (a pipe, a device) is never opened.

use std::fs::File;
use std::path::Path;
use std::path::PathBuf;
use std::time::UNIX_EPOCH;

use tokio::sync::mpsc::Sender;
use walkdir::WalkDir;

use crate::error::Error;
use crate::error::Kind;
use crate::error::Result;
use crate::session::Skip;
use crate::source::Body;
use crate::source::Found;
use crate::source::Handle;
use crate::source::Listed;
use crate::source::Position;
use crate::source::Refusal;
use crate::source::Source;

/// A folder, or a single file.
pub struct Folder {
    name: String,
    root: PathBuf,
}

impl Folder {
    /// The folder at this path, which must exist.
    pub fn open(path: &Path) -> Result<Self> {
        let root = path.canonicalize().map_err(|it| match it.kind() {
            std::io::ErrorKind::NotFound => {
                Error::new(Kind::Missing, format!("no such folder: {}", path.display()))
                    .hint("a source is a folder or file; `./name` if it looks like something else")
            }
            _ => Error::file("open", path, it),
        })?;
        Ok(Self { name: locator(&root), root })
    }
}

impl Source for Folder {
    fn name(&self) -> &str {
        &self.name
    }

    async fn list(&self, found: Sender<Found>) -> Result<(), Refusal> {
        let root = self.root.clone();
        let walk = tokio::task::spawn_blocking(move || {
            for entry in WalkDir::new(&root).follow_links(true).sort_by_file_name() {
                let it = match entry {
                    Ok(it) if it.file_type().is_dir() => continue,
                    Ok(it) => listed(it.path(), &root, it.metadata()),
                    Err(it) => Some(Found::Skip(skip(&it))),
                };
                if let Some(it) = it
                    && found.blocking_send(it).is_err()
                {
                    return;
                }
            }
        });
        walk.await.map_err(|it| Refusal::new(format!("the listing stopped: {it}")))
    }

    async fn fetch(&self, it: &Listed, _from: Option<&Position>) -> Result<Box<dyn Body>, Refusal> {
        let Handle::Path(path) = &it.handle else { return Err(Refusal::new("no path")) };
        match File::open(path) {
            Ok(it) => Ok(Box::new(it)),
            Err(it) => Err(Refusal::new(plain(&it))),
        }
    }

    fn concurrency(&self) -> usize {
        // Opening is quick; the workers read.
        4
    }
}

fn listed(path: &Path, root: &Path, metadata: walkdir::Result<std::fs::Metadata>) -> Option<Found> {
    let metadata = match metadata {
        Ok(it) => it,
        Err(it) => return Some(Found::Skip(skip(&it))),
    };
    if !metadata.is_file() {
        return Some(Found::Skip(Skip {
            locator: locator(path),
            why: "not a regular file".into(),
            loses: false,
        }));
    }
    let stored_at = metadata
        .modified()
        .ok()
        .and_then(|it| it.duration_since(UNIX_EPOCH).ok())
        .and_then(|it| i64::try_from(it.as_micros()).ok());
    let below = path.strip_prefix(root).ok().filter(|it| !it.as_os_str().is_empty());
    let key = below.or_else(|| path.file_name().map(Path::new)).unwrap_or(path);
    Some(Found::Object(Listed {
        locator: locator(path),
        key: locator(key),
        version: format!("{}-{}", metadata.len(), stored_at.unwrap_or(0)),
        bytes: metadata.len(),
        stored_at,
        grown_at: None,
        blocked: None,
        handle: Handle::Path(path.to_owned()),
    }))
}

fn skip(it: &walkdir::Error) -> Skip {
    let place = it.path().map(locator).unwrap_or_default();
    if it.loop_ancestor().is_some() {
        // What a loop leads to has been listed where it really is.
        return Skip {
            locator: place,
            why: "a symbolic link to a folder around it".into(),
            loses: false,
        };
    }
    let why = it.io_error().map_or_else(|| it.to_string(), plain);
    Skip { locator: place, why, loses: true }
}

/// The system's reason without its number.
pub fn plain(it: &std::io::Error) -> String {
    let text = it.to_string();
    let end = text.find(" (os error").unwrap_or(text.len());
    text[..end].to_lowercase()
}

/// A path as text: bytes that are no UTF-8, and `%` before them, percent-encoded so that no two paths
/// become one.
pub fn locator(path: &Path) -> String {
    let bytes = path.as_os_str().as_encoded_bytes();
    let mut out = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        out.push_str(chunk.valid());
        for byte in chunk.invalid() {
            use std::fmt::Write as _;
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}
