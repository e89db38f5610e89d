//! The one door for every file that a person names to be written: `-o`, `--cast`, `--save-survey`, the configuration.
//!
//! What is there is looked at before anything is read. A file appears whole or not at all; only `--force` replaces one. A pipe or
//! a device is written into and never replaced; a link is followed and stays one; folders, disks and sockets are refused.
//!
//! A file is written beside its place under a name that is told from it and locked while it is written. A killed run leaves such a
//! file; the next run that writes to the same place finds it unlocked and removes it.

use std::fs::File;
use std::fs::OpenOptions;
use std::fs::TryLockError;
use std::io::BufWriter;
use std::io::ErrorKind;
use std::io::Seek;
use std::io::SeekFrom;
use std::io::Write;
use std::os::unix::fs::FileTypeExt;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::sync::mpsc;
use std::time::Duration;

use sha2::Digest;
use sha2::Sha256;
use tempfile::TempPath;

use crate::archive::private;
use crate::error::Error;
use crate::error::Kind;
use crate::error::Result;
use crate::text;

/// Whether a file that is there may be replaced; where not, the option that names another.
#[derive(Clone, Copy, Debug)]
pub enum Replace {
    /// It is replaced.
    Yes,
    /// It is left alone, and the person is told so.
    No {
        /// The option that names another file.
        another: &'static str,
    },
}

impl Replace {
    /// As `--force` asks.
    pub fn forced(force: bool, another: &'static str) -> Self {
        if force { Self::Yes } else { Self::No { another } }
    }
}

/// What stands at the place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Existing {
    Nothing,
    /// A regular file.
    File,
    /// A pipe, a terminal, another character device.
    Stream,
}

/// A place that can be written to, as it was when it was looked at.
#[derive(Debug)]
pub struct Target {
    /// Of a file that is there, links followed.
    path: PathBuf,
    name: String,
    there: Existing,
    keeps_mode: bool,
}

impl Target {
    /// Looks at the place. `name` is what the person calls it.
    ///
    /// # Errors
    /// When nothing can be written there, or something stands there that may not be replaced.
    pub fn look(path: &Path, name: &str, replace: Replace) -> Result<Self> {
        let name = String::from(text::visible(name));
        let fail = |it| Error::file("write", Path::new(&name), it);
        let refused = |why: &str| Error::new(Kind::Refused, format!("{name} {why}"));
        let is_link = match path.symlink_metadata() {
            Err(it) if it.kind() == ErrorKind::NotFound => {
                let folder = folder_of(path);
                if !folder.is_dir() {
                    let folder = match Path::new(&name).parent() {
                        Some(it) if !it.as_os_str().is_empty() => it.display().to_string(),
                        _ => folder.display().to_string(),
                    };
                    return Err(Error::new(Kind::Missing, format!("there is no folder {folder}"))
                        .hint(format!("make it first: mkdir -p {folder}")));
                }
                let path = path.to_owned();
                return Ok(Self { path, name, there: Existing::Nothing, keeps_mode: false });
            }
            it => it.map_err(fail)?.is_symlink(),
        };
        let it = match path.metadata() {
            Err(it) if is_link && it.kind() == ErrorKind::NotFound => {
                return Err(
                    refused("is a link to nothing").hint("remove it, or name the file itself")
                );
            }
            it => it.map_err(fail)?.file_type(),
        };
        let there = match replace {
            _ if it.is_fifo() || it.is_char_device() => Existing::Stream,
            _ if it.is_dir() => return Err(refused("is a folder").hint("name a file in it")),
            Replace::No { another } if it.is_file() => {
                return Err(refused("exists")
                    .hint(format!("--force writes over it; {another} names another")));
            }
            Replace::Yes if it.is_file() => Existing::File,
            _ if it.is_block_device() => {
                return Err(refused("is a disk, which is never written over"));
            }
            _ => return Err(refused("is no file, pipe or device that can be written")),
        };
        // A link stays one.
        let path = match there {
            Existing::File => path.canonicalize().map_err(fail)?,
            _ => path.to_owned(),
        };
        Ok(Self { path, name, there, keeps_mode: false })
    }

    /// A file that is replaced keeps its permissions. Else, and where there was none, it is its owner's alone.
    #[must_use]
    pub fn keeping_mode(self) -> Self {
        Self { keeps_mode: true, ..self }
    }

    /// What the person calls it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Begins an output that can be read and sought in until it is whole. What goes to a pipe or device is held on disk until then.
    ///
    /// # Errors
    /// When it cannot be opened, another run writes there, or the person stops the wait for a pipe's reader.
    pub fn begin(self, stop: &AtomicBool) -> Result<Output> {
        if self.there != Existing::Stream {
            return self.beside();
        }
        let stream = self.open_stream(stop)?;
        let file = tempfile::tempfile().map_err(|it| {
            Error::new(Kind::Refused, format!("there is no place for scratch files: {it}"))
        })?;
        Ok(Output { file: BufWriter::new(file), way: Placing::Held(stream), target: self })
    }

    /// Begins an output that is written in order, of any length: a pipe or device gets it as it comes.
    ///
    /// # Errors
    /// As [`Self::begin`].
    pub fn pour(self, stop: &AtomicBool) -> Result<Output> {
        if self.there != Existing::Stream {
            return self.beside();
        }
        let stream = self.open_stream(stop)?;
        Ok(Output { file: BufWriter::new(stream), way: Placing::Poured, target: self })
    }

    /// All at once.
    ///
    /// # Errors
    /// As [`Self::begin`], and when it cannot be written.
    pub fn write(self, bytes: &[u8], stop: &AtomicBool) -> Result<()> {
        let mut out = self.pour(stop)?;
        out.put(bytes)?;
        out.whole()?.appear()
    }

    fn beside(self) -> Result<Output> {
        let (file, scratch) = scratch(&self.path, &self.name)?;
        Ok(Output { file: BufWriter::new(file), way: Placing::Beside(scratch), target: self })
    }

    /// A pipe opens once somebody reads it, which may be never: the wait ends when the person stops it.
    fn open_stream(&self, stop: &AtomicBool) -> Result<File> {
        let (told, opened) = mpsc::channel();
        let path = self.path.clone();
        let open = move || {
            // Neither created nor cut: it is there, and nothing in it is ours.
            let _ = told.send(OpenOptions::new().write(true).open(path));
        };
        std::thread::Builder::new().spawn(open).map_err(|it| self.fail(it))?;
        loop {
            match opened.recv_timeout(Duration::from_millis(50)) {
                Ok(it) => return it.map_err(|it| self.fail(it)),
                Err(mpsc::RecvTimeoutError::Timeout) if !stop.load(Ordering::Relaxed) => {}
                Err(_) => {
                    return Err(Error::new(Kind::Interrupted, "stopped; nothing was written"));
                }
            }
        }
    }

    fn fail(&self, it: std::io::Error) -> Error {
        Error::file("write", Path::new(&self.name), it)
    }
}

/// How the bytes come to their place.
#[derive(Debug)]
enum Placing {
    /// Beside it, and then by renaming. Dropped, it removes itself.
    Beside(TempPath),
    /// Held until whole, and then copied into this.
    Held(File),
    /// Straight into it.
    Poured,
}

/// An output that is being written. Dropped before [`Output::whole`], it leaves nothing behind.
#[derive(Debug)]
pub struct Output {
    file: BufWriter<File>,
    way: Placing,
    target: Target,
}

impl Output {
    /// Writes more.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn put(&mut self, bytes: &[u8]) -> Result<()> {
        self.file.write_all(bytes).map_err(|it| self.target.fail(it))
    }

    /// What was written so far, from its beginning.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn reader(&mut self) -> Result<File> {
        let read = |file: &mut BufWriter<File>| {
            file.seek(SeekFrom::Start(0))?;
            file.get_ref().try_clone()
        };
        read(&mut self.file).map_err(|it| self.target.fail(it))
    }

    /// All was written: it is made safe on the disk, and not yet seen.
    ///
    /// # Errors
    /// When it cannot be written to the disk.
    pub fn whole(self) -> Result<Whole> {
        let Self { file, way, target } = self;
        let file = file.into_inner().map_err(|it| target.fail(it.into_error()))?;
        if let Placing::Beside(_) = way {
            let keep = || -> std::io::Result<()> {
                if target.there == Existing::File && target.keeps_mode {
                    file.set_permissions(target.path.metadata()?.permissions())?;
                }
                file.sync_all()
            };
            keep().map_err(|it| target.fail(it))?;
        }
        Ok(Whole { file, way, target })
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.file.flush()
    }
}

impl Seek for Output {
    fn seek(&mut self, to: SeekFrom) -> std::io::Result<u64> {
        self.file.seek(to)
    }
}

/// An output that only has to appear.
#[derive(Debug)]
pub struct Whole {
    file: File,
    way: Placing,
    target: Target,
}

impl Whole {
    /// What the person calls it.
    pub fn name(&self) -> &str {
        &self.target.name
    }

    /// It is seen from now on.
    ///
    /// # Errors
    /// When something has come to stand at its place meanwhile, or it cannot be put there.
    pub fn appear(self) -> Result<()> {
        let Self { mut file, way, target } = self;
        match way {
            Placing::Poured => Ok(()),
            Placing::Held(mut stream) => {
                let mut copy = || -> std::io::Result<()> {
                    file.seek(SeekFrom::Start(0))?;
                    std::io::copy(&mut file, &mut stream)?;
                    stream.flush()
                };
                copy().map_err(|it| target.fail(it))
            }
            Placing::Beside(scratch) => {
                let path = &target.path;
                let put = match (target.there, path.symlink_metadata()) {
                    // What was a file when it was looked at may have become something else.
                    (Existing::File, Ok(it)) if !it.is_file() => {
                        let why = format!("{} is no longer a file", target.name);
                        return Err(Error::new(Kind::Refused, why));
                    }
                    (Existing::File, Err(it)) if it.kind() != ErrorKind::NotFound => {
                        return Err(target.fail(it));
                    }
                    (Existing::File, _) => scratch.persist(path),
                    _ => scratch.persist_noclobber(path),
                };
                put.map_err(|it| match it.error.kind() {
                    ErrorKind::AlreadyExists => {
                        Error::new(Kind::Refused, format!("{} exists by now", target.name))
                    }
                    _ => target.fail(it.error),
                })?;
                sync_folder(folder_of(path)).map_err(|it| target.fail(it))
            }
        }
    }
}

/// A name is kept only when its folder is.
fn sync_folder(folder: &Path) -> std::io::Result<()> {
    match File::open(folder).and_then(|it| it.sync_all()) {
        // Some file systems cannot, and a folder that may be written need not be readable.
        Err(it)
            if matches!(
                it.kind(),
                ErrorKind::InvalidInput | ErrorKind::Unsupported | ErrorKind::PermissionDenied
            ) =>
        {
            Ok(())
        }
        it => it,
    }
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|it| !it.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Longest part of a file's name in the name of its scratch file: most file systems end names at 255 bytes.
const NAME: usize = 150;

/// Where a file is written before it is whole: told from its name, so that the next run finds what a killed one left.
fn scratch_path(place: &Path) -> PathBuf {
    let whole = place.file_name().unwrap_or_default();
    let mut name = whole.to_string_lossy().into_owned();
    if name.len() > NAME || name.as_str() != whole {
        name.truncate(name.floor_char_boundary(NAME));
        let digest = hex::encode(Sha256::digest(whole.as_encoded_bytes()));
        name = format!("{name}-{}", &digest[..16]);
    }
    folder_of(place).join(format!(".{name}.ssmtrail-part"))
}

/// Tries to get hold of a scratch file; each other run that comes between takes one.
const TRIES: usize = 20;

/// The file that is written beside its place, locked, and removed when dropped.
fn scratch(place: &Path, name: &str) -> Result<(File, TempPath)> {
    let path = scratch_path(place);
    let fail = |it| Error::file("write", Path::new(name), it);
    let busy = || {
        Error::new(Kind::Busy, format!("another ssmtrail is writing {name}"))
            .hint("wait for it to finish, or name another file")
    };
    for _ in 0..TRIES {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create_new(true);
        private(&mut options);
        match options.open(&path) {
            Ok(file) => {
                match file.try_lock() {
                    // A file system without locks: nobody else's scratch file is removed there either.
                    Ok(()) | Err(TryLockError::Error(_)) => {}
                    // Another run took it for a killed one's, and is about to remove it.
                    Err(TryLockError::WouldBlock) => continue,
                }
                if is_at(&file, &path) {
                    return Ok((file, TempPath::try_from_path(path).map_err(fail)?));
                }
            }
            Err(it) if it.kind() == ErrorKind::AlreadyExists => {
                let in_the_way = || {
                    let why = format!("{} stands where {name} is to be written", path.display());
                    Error::new(Kind::Refused, why)
                        .hint("if no other ssmtrail is writing there, remove it")
                };
                match path.symlink_metadata() {
                    Ok(it) if !it.is_file() => return Err(in_the_way()),
                    Err(it) if it.kind() != ErrorKind::NotFound => return Err(fail(it)),
                    Err(_) => continue,
                    Ok(_) => {}
                }
                let left = match OpenOptions::new().write(true).open(&path) {
                    Err(it) if it.kind() == ErrorKind::NotFound => continue,
                    it => it.map_err(fail)?,
                };
                match left.try_lock() {
                    Ok(()) if is_at(&left, &path) => std::fs::remove_file(&path).map_err(fail)?,
                    Ok(()) => {}
                    Err(TryLockError::WouldBlock) => return Err(busy()),
                    Err(TryLockError::Error(_)) => return Err(in_the_way()),
                }
            }
            Err(it) => return Err(fail(it)),
        }
    }
    Err(busy())
}

/// Whether the open file is the one that bears the name now.
fn is_at(file: &File, path: &Path) -> bool {
    match (file.metadata(), path.symlink_metadata()) {
        (Ok(one), Ok(other)) => (one.dev(), one.ino()) == (other.dev(), other.ino()),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use std::fs::Permissions;
    use std::io::Read;
    use std::os::unix::fs::PermissionsExt;
    use std::process::Command;

    use super::*;

    static GO_ON: AtomicBool = AtomicBool::new(false);
    const NO: Replace = Replace::No { another: "-o" };

    fn look(path: &Path, replace: Replace) -> Result<Target> {
        Target::look(path, &path.file_name().unwrap_or_default().to_string_lossy(), replace)
    }

    fn write(path: &Path, replace: Replace, bytes: &[u8]) -> Result<()> {
        look(path, replace)?.write(bytes, &GO_ON)
    }

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> = std::fs::read_dir(folder)
            .unwrap()
            .map(|it| it.unwrap().file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }

    fn mode(path: &Path) -> u32 {
        path.metadata().unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn a_file_is_replaced_only_by_request_and_is_its_owners_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out");
        write(&path, NO, b"one").unwrap();
        assert_eq!(mode(&path), 0o600);
        assert_eq!(write(&path, NO, b"two").unwrap_err().what, "out exists");
        std::fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
        write(&path, Replace::Yes, b"two").unwrap();
        assert_eq!((std::fs::read(&path).unwrap(), mode(&path)), (b"two".to_vec(), 0o600));
        std::fs::set_permissions(&path, Permissions::from_mode(0o640)).unwrap();
        look(&path, Replace::Yes).unwrap().keeping_mode().write(b"three", &GO_ON).unwrap();
        assert_eq!(mode(&path), 0o640);
        assert_eq!(names(folder.path()), ["out"]);
    }

    #[test]
    fn a_file_that_came_meanwhile_is_not_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out");
        let mut out = look(&path, NO).unwrap().begin(&GO_ON).unwrap();
        out.put(b"ours").unwrap();
        std::fs::write(&path, "theirs").unwrap();
        assert_eq!(out.whole().unwrap().appear().unwrap_err().what, "out exists by now");
        assert_eq!(std::fs::read(&path).unwrap(), b"theirs");
        assert_eq!(names(folder.path()), ["out"]);
    }

    #[test]
    fn a_file_that_became_a_pipe_is_not_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out");
        std::fs::write(&path, "before").unwrap();
        let out = look(&path, Replace::Yes).unwrap().begin(&GO_ON).unwrap();
        std::fs::remove_file(&path).unwrap();
        Command::new("mkfifo").arg(&path).status().unwrap();
        assert_eq!(out.whole().unwrap().appear().unwrap_err().what, "out is no longer a file");
        assert!(path.symlink_metadata().unwrap().file_type().is_fifo());
    }

    #[test]
    fn a_pipe_is_written_into_whatever_was_asked() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pipe");
        Command::new("mkfifo").arg(&path).status().unwrap();
        for (replace, held) in [(NO, true), (Replace::Yes, true), (NO, false)] {
            let from = path.clone();
            let reader = std::thread::spawn(move || {
                let mut text = String::new();
                File::open(from).unwrap().read_to_string(&mut text).unwrap();
                text
            });
            let target = look(&path, replace).unwrap();
            let mut out =
                if held { target.begin(&GO_ON).unwrap() } else { target.pour(&GO_ON).unwrap() };
            out.put(b"through").unwrap();
            out.whole().unwrap().appear().unwrap();
            assert_eq!(reader.join().unwrap(), "through");
            assert!(path.symlink_metadata().unwrap().file_type().is_fifo());
        }
        assert_eq!(names(folder.path()), ["pipe"]);
    }

    #[test]
    fn a_pipe_that_nobody_reads_can_be_given_up() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pipe");
        Command::new("mkfifo").arg(&path).status().unwrap();
        let stop = AtomicBool::new(true);
        let error = look(&path, NO).unwrap().begin(&stop).unwrap_err();
        assert_eq!(error.kind, Kind::Interrupted);
    }

    /// A device of our own, where we may make one: no test writes over those of the system, whatever the code does.
    #[expect(clippy::print_stderr, reason = "what is passed over is said")]
    fn device(path: &Path, minor: &str) -> bool {
        let made = Command::new("mknod").arg(path).args(["c", "1", minor]).output();
        let opens = made.is_ok_and(|it| it.status.success())
            && OpenOptions::new().write(true).open(path).is_ok();
        if !opens {
            eprintln!("passed over: no device can be made in {}", path.display());
        }
        opens
    }

    #[test]
    fn a_device_is_written_into_and_a_full_one_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        // The numbers of null and full ("Linux allocated devices", admin-guide/devices.rst).
        if !device(&at("null"), "3") || !device(&at("full"), "7") {
            return;
        }
        for (name, replace) in [("null", NO), ("null", Replace::Yes), ("full", NO)] {
            let written = write(&at(name), replace, b"gone");
            assert_eq!(written.is_ok(), name == "null");
            if let Err(it) = written {
                assert!(it.what.starts_with("cannot write full: "), "{it}");
            }
            assert!(at(name).symlink_metadata().unwrap().file_type().is_char_device());
        }
        std::os::unix::fs::symlink("null", at("link")).unwrap();
        write(&at("link"), Replace::Yes, b"gone").unwrap();
        assert!(at("link").symlink_metadata().unwrap().is_symlink());
        assert!(at("null").symlink_metadata().unwrap().file_type().is_char_device());
        assert_eq!(names(folder.path()), ["full", "link", "null"]);
    }

    #[test]
    fn a_link_stays_one() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::fs::create_dir(at("far")).unwrap();
        std::fs::write(at("far/file"), "before").unwrap();
        std::os::unix::fs::symlink("far/file", at("link")).unwrap();
        assert_eq!(write(&at("link"), NO, b"x").unwrap_err().what, "link exists");
        write(&at("link"), Replace::Yes, b"after").unwrap();
        assert!(at("link").symlink_metadata().unwrap().is_symlink());
        assert_eq!(std::fs::read(at("far/file")).unwrap(), b"after");
        std::os::unix::fs::symlink("nowhere", at("dangling")).unwrap();
        for replace in [NO, Replace::Yes] {
            let error = write(&at("dangling"), replace, b"x").unwrap_err();
            assert_eq!(error.what, "dangling is a link to nothing");
        }
        assert_eq!(names(folder.path()), ["dangling", "far", "link"]);
        assert_eq!(names(&at("far")), ["file"]);
    }

    #[test]
    fn folders_and_sockets_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::fs::create_dir(at("folder")).unwrap();
        let _socket = std::os::unix::net::UnixListener::bind(at("socket")).unwrap();
        for replace in [NO, Replace::Yes] {
            assert_eq!(look(&at("folder"), replace).unwrap_err().what, "folder is a folder");
            let why = look(&at("socket"), replace).unwrap_err().what;
            assert_eq!(why, "socket is no file, pipe or device that can be written");
        }
        assert_eq!(look(&at("no/file"), NO).unwrap_err().kind, Kind::Missing);
    }

    #[test]
    fn what_a_killed_run_left_is_removed_and_what_another_writes_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out");
        let left = scratch_path(&path);
        std::fs::write(&left, "half").unwrap();
        write(&path, NO, b"whole").unwrap();
        assert_eq!(names(folder.path()), ["out"]);
        // As long as another run holds it.
        let other = look(&path, Replace::Yes).unwrap().begin(&GO_ON).unwrap();
        let error = write(&path, Replace::Yes, b"second").unwrap_err();
        assert_eq!(
            (error.kind, error.what.as_str()),
            (Kind::Busy, "another ssmtrail is writing out")
        );
        drop(other);
        assert_eq!(names(folder.path()), ["out"]);
        // Whatever else bears that name stays.
        std::os::unix::fs::symlink("out", &left).unwrap();
        assert_eq!(write(&path, Replace::Yes, b"third").unwrap_err().kind, Kind::Refused);
        assert_eq!(std::fs::read(&path).unwrap(), b"whole");
    }

    #[test]
    fn a_scratch_name_fits_whatever_the_file_is_called() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["é".repeat(127), "x".repeat(255)] {
            write(&folder.path().join(&name), NO, b"x").unwrap();
            assert!(folder.path().join(&name).is_file());
        }
        let one = scratch_path(Path::new(&format!("{}1", "x".repeat(200))));
        let other = scratch_path(Path::new(&format!("{}2", "x".repeat(200))));
        assert_ne!(one, other);
    }
}
