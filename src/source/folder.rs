//! A folder tree: what `aws s3 sync` leaves, an export task's files, evidence handed over on a disk.
//!
//! Every regular file is listed, whatever its name; what it is, its bytes tell. Links within the folder are followed and
//! loops are found. A link that leads out of it is told and not followed: whoever handed the folder over must not choose
//! what of the reader's own machine becomes evidence. What is no file (a pipe, a device) is never opened.

use std::fmt;
use std::fs::File;
use std::path::Path;
use std::path::PathBuf;
use std::time::UNIX_EPOCH;

use percent_encoding::percent_encode_byte;
use tokio::sync::mpsc::Sender;
use walkdir::WalkDir;

use crate::error::Error;
use crate::error::Kind;
use crate::error::Result;
use crate::session::Skip;
use crate::source::Body;
use crate::source::Eventual;
use crate::source::Found;
use crate::source::Handle;
use crate::source::Listed;
use crate::source::Opened;
use crate::source::Position;
use crate::source::Refusal;
use crate::source::Source;
use crate::time::At;

/// A folder, or a single file.
pub struct Folder {
    name: String,
    root: PathBuf,
}

impl Folder {
    /// The folder at this path, which must exist.
    ///
    /// # Errors
    /// When the folder does not exist or cannot be opened.
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

    fn described(&self) -> String {
        "a folder".into()
    }

    fn list(&self, found: Sender<Found>) -> Eventual<'_, Result<(), Refusal>> {
        let root = self.root.clone();
        Box::pin(async move {
            let walk = tokio::task::spawn_blocking(move || walk(&root, &found));
            walk.await.map_err(|it| Refusal::new(format!("the listing stopped: {it}")))
        })
    }

    fn fetch<'a>(&'a self, it: &'a Listed, _from: Option<&'a Position>) -> Eventual<'a, Opened> {
        Box::pin(async {
            let Handle::Path(path) = &it.handle else { return Err(Refusal::new("no path")) };
            // What was listed may be a link by now.
            let real = path.canonicalize().map_err(|it| Refusal::new(plain(&it)))?;
            if !real.starts_with(&self.root) {
                return Err(Refusal::new(out_of(&real)));
            }
            let file = File::open(&real).map_err(|it| Refusal::new(plain(&it)))?;
            Ok(Box::new(file) as Box<dyn Body>)
        })
    }

    fn concurrency(&self) -> usize {
        // Opening is quick; the workers read.
        4
    }
}

/// Everything below a folder into `found`, until nobody listens any more.
fn walk(root: &Path, found: &Sender<Found>) {
    let mut walk = WalkDir::new(root).follow_links(true).sort_by_file_name().into_iter();
    while let Some(entry) = walk.next() {
        let it = match entry {
            Ok(it) => match it.path_is_symlink().then(|| leaving(&it, root)).flatten() {
                Some(skip) => {
                    if it.file_type().is_dir() {
                        walk.skip_current_dir();
                    }
                    Err(skip)
                }
                None if it.file_type().is_dir() => continue,
                None => listed(it.path(), root, it.metadata()),
            },
            Err(it) => Err(skip(&it)),
        };
        if found.blocking_send(it).is_err() {
            return;
        }
    }
}

fn listed(path: &Path, root: &Path, metadata: walkdir::Result<std::fs::Metadata>) -> Found {
    let metadata = metadata.map_err(|it| skip(&it))?;
    if !metadata.is_file() {
        return Err(Skip::harmless(locator(path), "not a regular file"));
    }
    let changed = metadata.modified().ok().and_then(|it| it.duration_since(UNIX_EPOCH).ok());
    let stored_at = changed.and_then(|it| i64::try_from(it.as_micros()).ok()).map(At);
    let below = path.strip_prefix(root).ok().filter(|it| !it.as_os_str().is_empty());
    let key = below.or_else(|| path.file_name().map(Path::new)).unwrap_or(path);
    Ok(Listed {
        locator: locator(path),
        key: locator(key),
        version: format!("{}-{}", metadata.len(), stored_at.unwrap_or_default().0),
        bytes: metadata.len(),
        stored_at,
        grown_at: None,
        created: None,
        blocked: None,
        handle: Handle::Path(path.to_owned()),
    })
}

/// A link whose end lies out of the root: what it leads to may have been meant as a transcript, if it is a file or a folder.
fn leaving(it: &walkdir::DirEntry, root: &Path) -> Option<Skip> {
    let end = it.path().canonicalize().ok().filter(|it| !it.starts_with(root))?;
    let loses = it.file_type().is_file() || it.file_type().is_dir();
    // As the link says it: where it comes out may have another name every time, as in /proc.
    let told = it.path().read_link().unwrap_or(end);
    Some(Skip { locator: locator(it.path()), why: out_of(&told), loses })
}

fn out_of(end: &Path) -> String {
    format!(
        "a link that leads out of the source, to {}: it was not followed; name that place as a source if it belongs here",
        locator(end)
    )
}

fn skip(it: &walkdir::Error) -> Skip {
    let place = it.path().map(locator).unwrap_or_default();
    if it.loop_ancestor().is_some() {
        // What a loop leads to has been listed where it really is.
        return Skip::harmless(place, "a symbolic link to a folder around it");
    }
    Skip::loss(place, it.io_error().map_or_else(|| it.to_string(), plain))
}

/// The system's reason without its number.
pub fn plain(it: &impl fmt::Display) -> String {
    let text = it.to_string();
    let end = text.find(" (os error").unwrap_or(text.len());
    text[..end].to_lowercase()
}

/// A path as text, no two paths as the same: bytes that are no UTF-8 are percent-encoded, and so is a `%` that would look
/// like one of these, or like itself encoded. All other text stays as it is.
pub fn locator(path: &Path) -> String {
    let bytes = path.as_os_str().as_encoded_bytes();
    let valid = std::str::from_utf8(bytes).is_ok();
    let mut out = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        let mut rest = chunk.valid();
        while let Some(at) = rest.find('%') {
            let (before, behind) = (&rest[..at], &rest[at + 1..]);
            out.push_str(before);
            out.push_str(if valid && !is_taken(behind.as_bytes()) { "%" } else { "%25" });
            rest = behind;
        }
        out.push_str(rest);
        for byte in chunk.invalid() {
            out.push_str(percent_encode_byte(*byte));
        }
    }
    out
}

/// Whether a `%` before this would be read as an encoded byte: one that no UTF-8 begins with or goes on with alone, or `%`.
fn is_taken(behind: &[u8]) -> bool {
    match behind {
        [b'2', b'5', ..] => true,
        [b'8' | b'9' | b'A'..=b'F', low, ..] => low.is_ascii_digit() || (b'A'..=b'F').contains(low),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;

    use super::*;

    fn text(path: &[u8]) -> String {
        locator(Path::new(OsStr::from_bytes(path)))
    }

    #[test]
    fn no_two_paths_have_one_locator() {
        let paths: [&[u8]; 9] = [
            b"a%FF-0.log",
            b"a\xff-0.log",
            b"a%25FF-0.log",
            b"a%2525FF-0.log",
            b"a%-0.log",
            b"a%\xff-0.log",
            b"a%25\xff-0.log",
            b"a%ff-0.log",
            b"a\xfe-0.log",
        ];
        let mut texts: Vec<String> = paths.iter().map(|it| text(it)).collect();
        texts.sort_unstable();
        texts.dedup();
        assert_eq!(texts.len(), paths.len(), "{texts:?}");
    }

    #[test]
    fn a_path_that_could_be_no_other_is_its_own_locator() {
        for it in
            ["prod/alice-0123456789abcdef0.log", "100% sure.log", "per%20cent.log", "a%2Fb", "日本"]
        {
            assert_eq!(text(it.as_bytes()), it);
        }
    }

    #[tokio::test]
    async fn a_file_that_became_a_link_out_of_the_folder_after_it_was_listed_is_not_opened() {
        let world = tempfile::tempdir().unwrap();
        let (root, notes) = (world.path().join("handed"), world.path().join("notes"));
        std::fs::create_dir(&root).unwrap();
        std::fs::write(&notes, "private").unwrap();
        let path = root.join("alice-0123456789abcdef0.log");
        std::fs::write(&path, "$ ls").unwrap();
        let folder = Folder::open(&root).unwrap();
        let (out, mut found) = tokio::sync::mpsc::channel(9);
        folder.list(out).await.unwrap();
        let Some(Ok(it)) = found.recv().await else { panic!("one object") };
        assert!(folder.fetch(&it, None).await.is_ok());
        std::fs::remove_file(&path).unwrap();
        std::os::unix::fs::symlink(&notes, &path).unwrap();
        let refusal = folder.fetch(&it, None).await.err().unwrap();
        assert!(refusal.why.starts_with("a link that leads out of the source"), "{}", refusal.why);
    }
}
