//! What surrounds a run, and the part of it that every command may know.

use std::collections::BTreeMap;
use std::path::Path;
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;

use crate::error::Error;
use crate::error::Kind;
use crate::error::Result;
use crate::text;
use crate::time::At;

/// Who runs this, by the operating system's word.
#[derive(Clone, Debug, Default)]
pub struct User {
    /// Login name; `None` if the system does not tell.
    pub name: Option<String>,
    /// Effective user id; `None` where the system does not tell, as Linux alone does.
    pub uid: Option<u32>,
    /// Who logged in, whoever they became since ("pam_loginuid(8)"); Linux alone knows.
    pub login_uid: Option<u32>,
}

/// What surrounds a run, told from outside: `main` reads the world once.
pub struct World<'a> {
    /// Now.
    pub now: At,
    /// Whether `NO_COLOR` is set and not empty.
    pub no_color: bool,
    /// Columns of the terminal that standard output is, if it is one.
    pub columns: Option<usize>,
    /// Standard error is a terminal: progress may be shown.
    pub progress: bool,
    /// Becomes `true` on a signal: what runs then ends early.
    pub stop: &'a AtomicBool,
    /// The user's folder for data, such as `~/.local/share`; `None` if none can be told.
    pub data_home: Option<PathBuf>,
    /// The user's folder for configuration, such as `~/.config`; `None` if none can be told.
    pub config_home: Option<PathBuf>,
    /// The working folder.
    pub folder: PathBuf,
    /// Variables whose names begin with `AWS_` or `SSMTRAIL_`.
    pub environment: BTreeMap<String, String>,
    /// Who runs this, by the operating system's word.
    pub user: User,
    /// The command line, as it was given.
    pub arguments: Vec<String>,
}

/// Where and when a command runs, and whether to go on: all that every command may know.
#[derive(Clone, Copy)]
pub(super) struct Here<'a> {
    /// Now.
    pub(super) now: At,
    /// The working folder: names of files are relative to it.
    pub(super) folder: &'a Path,
    /// Becomes `true` on a signal.
    pub(super) stop: &'a AtomicBool,
    /// Progress may be shown.
    pub(super) progress: bool,
}

impl Here<'_> {
    /// A file's name as the person may be shown it: from the working folder where it lies in it.
    pub(super) fn shown(self, path: &Path) -> String {
        let name = path.strip_prefix(self.folder).unwrap_or(path).to_string_lossy();
        text::visible(&name).into()
    }

    /// Goes on, unless the person stopped it.
    pub(super) fn unless_stopped(self, then: &str) -> Result<()> {
        match self.stop.load(Ordering::Relaxed) {
            true => Err(Error::new(Kind::Interrupted, then)),
            false => Ok(()),
        }
    }
}
