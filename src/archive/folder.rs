//! The archive's folder: what lies where in it, and how a file of it is read and written so that it is whole, private and its own.

use std::fs::File;
use std::fs::OpenOptions;
use std::io::Read;
use std::io::Write;
use std::path::Path;

use crate::error::Error;
use crate::error::Kind;
use crate::error::Result;

/// Layout of the folder. Raised when a reader of the old one could be wrong about the new one.
pub const FORMAT: u64 = 1;

/// Name of the file that says the format.
pub const MARKER: &str = "archive.json";

/// Lock of the one writer.
pub(crate) const LOCK: &str = "lock";

/// Lock that readers share, and that a writer needs before it takes retired files away.
pub(crate) const READERS: &str = "readers";

/// Folder of files that are being written.
pub(crate) const TMP: &str = "tmp";

/// Folder of what a repair moved aside.
pub const LOST: &str = "lost";

/// What an unfinished file is called until it gets its name.
pub(crate) const BEGUN: &str = ".begun-";

/// How far each feed has come: a file for each, that holds a number and the digest of that entry.
pub(crate) const FEEDS: &str = "feeds";

/// Opens files so that only their owner can read them.
pub(crate) fn private(options: &mut OpenOptions) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    let _ = options;
}

/// A file without content that counts, such as a lock; it is made if it is missing, and its owner's alone.
pub(crate) fn open_private(path: &Path) -> std::io::Result<File> {
    let mut options = OpenOptions::new();
    options.create(true).truncate(false).write(true);
    private(&mut options);
    options.open(path)
}

/// Creates a folder that only its owner can enter.
pub(crate) fn private_folder(path: &Path) -> std::io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt;
        builder.mode(0o700);
    }
    builder.create(path)
}

/// Refuses a folder that a link leads out of the archive: whoever hands an archive over must not choose where we write.
pub(crate) fn stays_inside(root: &Path, folder: &Path) -> Result<()> {
    let there = folder.ancestors().find(|it| it.symlink_metadata().is_ok()).unwrap_or(root);
    let fail = |it| Error::file("read", there, it);
    let (own, real) = (root.canonicalize().map_err(fail)?, there.canonicalize().map_err(fail)?);
    match real.starts_with(&own) {
        true => Ok(()),
        false => Err(Error::new(
            Kind::Refused,
            format!("{} is a link that leads out of the archive", there.display()),
        )
        .hint(
            "remove the link, or put the folder itself in its place; nothing was moved through it",
        )),
    }
}

/// Refuses what is there and is no regular file: opening a pipe would wait for ever, and a link to nothing would make a file
/// wherever it points.
pub(crate) fn must_be_file(path: &Path) -> std::io::Result<()> {
    match std::fs::metadata(path) {
        Ok(it) if !it.is_file() => Err(std::io::Error::other("it is not a regular file")),
        Err(it) if it.kind() == std::io::ErrorKind::NotFound && path.is_symlink() => {
            Err(std::io::Error::other("it is a link to nothing"))
        }
        _ => Ok(()),
    }
}

/// Writes a file whole or not at all, for its owner alone, and makes it and its name last.
pub(crate) fn write_whole(path: &Path, bytes: &[u8]) -> Result<()> {
    let folder = path.parent().unwrap_or(path);
    let write = || -> std::io::Result<()> {
        let mut file = tempfile::Builder::new().prefix(BEGUN).tempfile_in(folder)?;
        file.write_all(bytes)?;
        file.as_file().sync_all()?;
        file.persist(path)?;
        File::open(folder)?.sync_all()
    };
    write().map_err(|it| Error::file("write", path, it))
}

/// The name of a file is durable only when its folder is.
pub(crate) fn sync_folder(path: &Path) -> Result<()> {
    File::open(path).and_then(|it| it.sync_all()).map_err(|it| Error::file("write", path, it))
}

/// What is in the place of a small file. Absent, unreadable and empty are three things.
pub(crate) enum There {
    Absent,
    /// Something is there that cannot be read as a file, and why.
    Unread(std::io::Error),
    Bytes(Vec<u8>),
}

impl There {
    pub(crate) fn at(path: &Path) -> Self {
        let read = || -> std::io::Result<Vec<u8>> {
            must_be_file(path)?;
            let mut bytes = Vec::new();
            File::open(path)?.read_to_end(&mut bytes)?;
            Ok(bytes)
        };
        match read() {
            Ok(it) => Self::Bytes(it),
            Err(it) if it.kind() == std::io::ErrorKind::NotFound => Self::Absent,
            // A file is where its folder should be.
            Err(it) if it.kind() == std::io::ErrorKind::NotADirectory => Self::Absent,
            Err(it) => Self::Unread(it),
        }
    }

    /// Its bytes; `None` if there are none, for whatever reason.
    pub(crate) fn bytes(self) -> Option<Vec<u8>> {
        match self {
            Self::Bytes(it) => Some(it),
            Self::Absent | Self::Unread(_) => None,
        }
    }
}

/// What is said of a thing that this user may not read. Whoever may not read it does not judge it.
pub(crate) const MAY_NOT: &str = "it may not be read";

/// Why something cannot be read, as it is said of it.
pub(crate) fn unread(why: &std::io::Error) -> String {
    match why.kind() {
        std::io::ErrorKind::PermissionDenied => MAY_NOT.into(),
        _ => format!("it cannot be read: {why}"),
    }
}

/// The bytes of a file; `None` if there is none.
pub(crate) fn whole(path: &Path) -> Result<Option<Vec<u8>>> {
    match There::at(path) {
        There::Bytes(it) => Ok(Some(it)),
        There::Absent => Ok(None),
        There::Unread(it) => Err(Error::file("read", path, it)),
    }
}
