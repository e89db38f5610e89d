//! Writes a package as a stream: nothing of it is held but names and digests.

use std::collections::BTreeMap;
use std::io::Error;
use std::io::ErrorKind;
use std::io::Read;
use std::io::Write;

use super::form::BLOCK;
use super::form::MOST_FILES;
use super::form::PackagePlace;
use super::form::SUMS;
use super::form::folder;
use super::form::follows;
use super::form::header;
use super::form::padding;
use super::form::place;
use super::form::sums_of;
use crate::intake::DigestingReader;

/// Writes a package, file by file, in the order of a package.
pub struct Packer<W: Write> {
    out: W,
    top: String,
    last: Option<PackagePlace>,
    sums: BTreeMap<String, String>,
}

impl<W: Write> Packer<W> {
    /// `name` is that of the package, whose folder holds all.
    pub fn new(out: W, name: &str) -> Self {
        Self { out, top: folder(name), last: None, sums: BTreeMap::new() }
    }

    /// Adds a file.
    ///
    /// # Errors
    /// As [`Self::add_from`].
    pub fn add(&mut self, path: &str, bytes: &[u8]) -> std::io::Result<()> {
        self.add_from(path, bytes.len() as u64, bytes)
    }

    /// Adds what a reader gives, which must be so many bytes. The same content has the same header everywhere.
    ///
    /// # Errors
    /// A file that a package does not hold, or not there; a reader that gives another number of bytes; what the system refuses.
    pub fn add_from(&mut self, path: &str, length: u64, content: impl Read) -> std::io::Result<()> {
        let wrong = |why: &str| Error::new(ErrorKind::InvalidInput, format!("{path}: {why}"));
        let place = place(path).ok_or_else(|| wrong("no file of a package is called so"))?;
        if !follows(self.last, place) {
            return Err(wrong("a package holds it in another place"));
        }
        if self.sums.len() as u64 >= MOST_FILES {
            return Err(wrong("a package holds no more than a million files"));
        }
        let header = header(&format!("{}/{path}", self.top), length)?;
        self.out.write_all(header.as_bytes())?;
        let mut content = DigestingReader::new(content.take(length + 1));
        if std::io::copy(&mut content, &mut self.out)? != length {
            return Err(wrong("its length changed while it was packed"));
        }
        self.out.write_all(&[0; BLOCK][..padding(length)])?;
        self.last = Some(place);
        self.sums.insert(path.to_owned(), content.digest());
        Ok(())
    }

    /// Ends the package with the sums of all that is in it.
    ///
    /// # Errors
    /// What the system refuses.
    pub fn finish(mut self) -> std::io::Result<W> {
        let sums = sums_of(&self.sums);
        self.add(SUMS, sums.as_bytes())?;
        self.out.write_all(&[0; 2 * BLOCK])?;
        Ok(self.out)
    }
}
