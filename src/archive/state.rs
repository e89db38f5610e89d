//! What an archive is in at this moment: its format, its manifest, what lies in its folder without an entry, and who else is at work.

use std::collections::HashSet;
use std::fs::File;
use std::fs::TryLockError;
use std::path::Path;
use std::path::PathBuf;
use std::time::Duration;

use super::folder::BEGUN;
use super::folder::FEEDS;
use super::folder::FORMAT;
use super::folder::LOST;
use super::folder::MARKER;
use super::folder::READERS;
use super::folder::TMP;
use super::folder::There;
use super::folder::must_be_file;
use super::folder::open_private;
use super::folder::stays_inside;
use super::folder::unread;
use super::manifest;
use super::manifest::Manifest;
use super::schema::TABLES;
use crate::error::Error;
use crate::error::Kind;
use crate::error::Result;
use crate::session::Skip;

/// How often a reader looks again where a writer may just have been at work, and how long it waits between.
const LOOKS: u32 = 4;
const LOOK_AGAIN: Duration = Duration::from_millis(25);

/// How often a reader asks for the readers' lock: for two seconds.
const LOCK_LOOKS: u32 = 80;

/// The manifest, and what lies in the folder without an entry. A writer may be at work meanwhile: whatever looks damaged
/// is looked at again.
pub(crate) fn state(root: &Path) -> Manifest {
    let mut looks = 0;
    loop {
        // In this order: what a writer moves to its place is named before it gets there.
        let there = Below::of(root);
        let mut manifest = Manifest::read(root);
        let unnamed = there.unnamed(&manifest);
        manifest.damages.extend(unnamed.into_iter().map(|it| Skip {
            locator: it.to_string_lossy().into_owned(),
            why: "no entry of the manifest names it".into(),
            loses: true,
        }));
        manifest.damages.extend(there.unread);
        manifest.damages.extend(not_folders(root).into_iter().map(|it| Skip {
            locator: it.to_owned(),
            why: NO_FOLDER.into(),
            loses: true,
        }));
        looks += 1;
        if manifest.damages.is_empty() || looks == LOOKS {
            return manifest;
        }
        std::thread::sleep(LOOK_AGAIN);
    }
}

/// What is said of a file, pipe or link to nowhere in the place of a folder.
pub(crate) const NO_FOLDER: &str = "it is no folder";

/// Names in the archive that are no folders and should be.
pub(crate) fn not_folders(root: &Path) -> Vec<&'static str> {
    let names = TABLES.iter().map(|it| it.name).chain([manifest::ENTRIES, TMP, LOST, FEEDS]);
    let is_other = |it: &&str| {
        let path = root.join(it);
        path.symlink_metadata().is_ok() && !path.is_dir()
    };
    names.filter(is_other).collect()
}

/// Refuses an archive of which a folder is a link that leads out of it: what writers move and remove must not be another's.
pub(crate) fn leads_nowhere_else(root: &Path) -> Result<()> {
    let names = TABLES.iter().map(|it| it.name);
    let mut names = names.chain([manifest::ENTRIES, TMP, LOST, FEEDS]);
    names.try_for_each(|it| match root.join(it).is_dir() {
        true => stays_inside(root, &root.join(it)),
        false => Ok(()),
    })
}

/// What lies in the folders of tables and of entries, below the archive.
#[derive(Default)]
pub(super) struct Below {
    pub(super) files: Vec<PathBuf>,
    /// Folders that cannot be looked into.
    pub(super) unread: Vec<Skip>,
}

impl Below {
    pub(super) fn of(root: &Path) -> Self {
        let mut out = Self::default();
        let folders = TABLES.iter().map(|it| it.name).chain([manifest::ENTRIES]);
        for folder in folders.map(|it| root.join(it)) {
            if !folder.is_dir() {
                continue;
            }
            for it in walkdir::WalkDir::new(&folder) {
                let it = match it {
                    Ok(it) => it,
                    Err(it) => {
                        let path = it.path().unwrap_or(&folder);
                        let path = path.strip_prefix(root).unwrap_or(path);
                        let locator = path.to_string_lossy().into_owned();
                        let why = unread(&it.into());
                        out.unread.push(Skip { locator, why, loses: true });
                        continue;
                    }
                };
                // A table may lie on another disk, behind a link.
                let is_folder = it.file_type().is_dir() || it.depth() == 0 && it.path().is_dir();
                let below = it.path().strip_prefix(root).ok().filter(|_| !is_folder);
                // What is being written to get its name is not there yet.
                let begun = it.file_name().to_string_lossy().starts_with(BEGUN);
                out.files.extend(below.filter(|_| !begun).map(Path::to_owned));
            }
        }
        out
    }

    /// Those of the files that no entry names, the pending one included.
    pub(super) fn unnamed(&self, manifest: &Manifest) -> Vec<PathBuf> {
        let entries = || manifest.entries.iter().chain(&manifest.pending);
        let named: HashSet<&Path> =
            entries().flat_map(|it| it.added.iter().map(|it| Path::new(&it.path))).collect();
        let own: HashSet<String> =
            entries().flat_map(|it| [Some(it.copy()), it.list()]).flatten().collect();
        let own: HashSet<&Path> = own.iter().map(Path::new).collect();
        let is_named = |it: &Path| named.contains(it) || own.contains(it);
        let mut out: Vec<PathBuf> = self.files.iter().filter(|it| !is_named(it)).cloned().collect();
        out.sort_unstable();
        out
    }
}

/// The lock that readers share; none where it cannot be had, as on a disk that nobody can write to.
pub(super) fn read_lock(root: &Path) -> Option<File> {
    let path = root.join(READERS);
    must_be_file(&path).ok()?;
    let file = File::open(&path).or_else(|_| open_private(&path)).ok()?;
    // A writer holds it while it takes retired files away, none of which the state names that is opened next. Whoever holds it
    // for longer must not keep everybody from reading.
    for _ in 0..LOCK_LOOKS {
        match file.try_lock_shared() {
            Ok(()) => return Some(file),
            Err(TryLockError::WouldBlock) => std::thread::sleep(LOOK_AGAIN),
            Err(TryLockError::Error(_)) => return None,
        }
    }
    None
}

/// Refuses folders that are no archive or are newer than this program.
pub(crate) fn check_format(root: &Path) -> Result<()> {
    let path = root.join(MARKER);
    let text = match There::at(&path) {
        There::Bytes(it) => String::from_utf8(it).unwrap_or_default(),
        There::Absent => {
            if root.join(manifest::NAME).exists() {
                return Err(Error::new(Kind::Damaged, format!("{} is missing", path.display()))
                    .hint("`ssmtrail archive repair` writes it again; nothing was changed"));
            }
            return Err(Error::new(Kind::Missing, format!("no archive in {}", root.display()))
                .hint("`ssmtrail sync SOURCE` makes one; `--archive DIR` names another place"));
        }
        There::Unread(it) if it.kind() == std::io::ErrorKind::PermissionDenied => {
            return Err(Error::file("read", &path, it));
        }
        There::Unread(_) => String::new(),
    };
    let format = serde_json::from_str::<serde_json::Value>(&text)
        .ok()
        .and_then(|it| it.get("format").and_then(serde_json::Value::as_u64));
    match format {
        Some(FORMAT) => Ok(()),
        Some(newer) if newer > FORMAT => Err(Error::new(
            Kind::Newer,
            format!(
                "the archive in {} has format {newer}; this ssmtrail reads format {FORMAT}",
                root.display()
            ),
        )
        .hint("use the newer ssmtrail that wrote it; nothing was changed")),
        _ => Err(Error::new(Kind::Damaged, format!("{} does not say its format", path.display()))
            .hint("`ssmtrail archive repair` writes it again; nothing was changed")),
    }
}
