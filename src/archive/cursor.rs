//! Rows by where they stand: a cursor reads them in the order of the files and reads no row group twice in a row, an index says where
//! those of a text may stand. So what many sessions ask for is looked up together.

use std::collections::HashMap;
use std::hash::BuildHasher;
use std::sync::atomic::Ordering;

use polars::prelude::*;

use super::kept::Archive;
use super::manifest::FileNote;
use super::schema::Table;

/// Reads whole row groups and remembers the last of them, for rows that are asked for in the order of the files: what one
/// session has in several files, the next mostly has beside it.
pub(crate) struct Cursor<'a> {
    archive: &'a Archive,
    columns: Option<&'a [&'a str]>,
    /// Path, number of the row group, its rows; the last used last.
    last: Vec<(String, usize, DataFrame)>,
    bytes: usize,
}

/// Bytes of row groups that a cursor remembers.
const REMEMBERED: usize = 12 << 20;

impl<'a> Cursor<'a> {
    /// Reads these columns, all if `None`.
    pub(super) fn new(archive: &'a Archive, columns: Option<&'a [&'a str]>) -> Self {
        Self { archive, columns, last: Vec::new(), bytes: 0 }
    }

    /// Whether no file of this path counts.
    pub(crate) fn lacks(&self, path: &str) -> bool {
        self.archive.note_of(path).is_none()
    }

    /// Hands on these rows of a file, a frame for each row group. What cannot be read becomes a damage; false then.
    pub(crate) fn rows(
        &mut self,
        path: &str,
        at: i64,
        rows: i64,
        mut take: impl FnMut(DataFrame) -> PolarsResult<()>,
    ) -> bool {
        if rows == 0 {
            return true;
        }
        let mut read = || -> PolarsResult<()> {
            let opened = self.archive.opened(path)?;
            let mut row = at;
            while row < at + rows {
                let group = opened.group_of(row);
                let (first, end) = (opened.firsts.get(group).copied(), at + rows);
                let Some(first) = first.filter(|_| row < opened.end_of(group)) else {
                    polars_bail!(ComputeError: "it has fewer rows than the index says");
                };
                match self.last.iter().rposition(|it| it.0 == path && it.1 == group) {
                    Some(at) => {
                        let it = self.last.remove(at);
                        self.last.push(it);
                    }
                    None => {
                        self.archive.groups_read.fetch_add(1, Ordering::Relaxed);
                        let frame =
                            opened.rows(group, first, opened.end_of(group), self.columns)?;
                        self.bytes += frame.estimated_size();
                        self.last.push((path.to_owned(), group, frame));
                        while self.bytes > REMEMBERED && self.last.len() > 1 {
                            self.bytes -= self.last.remove(0).2.estimated_size();
                        }
                    }
                }
                let Some((_, _, frame)) = self.last.last() else { break };
                let to = opened.end_of(group).min(end);
                take(frame.slice(row - first, (to - row) as usize))?;
                row = to;
            }
            Ok(())
        };
        match read() {
            Ok(()) => true,
            Err(it) => {
                self.archive.damaged(path, it);
                false
            }
        }
    }
}

/// Where the rows of each session stand in a table: by fingerprint of a column, in the order of the files.
#[derive(Default)]
pub struct Index {
    files: Vec<String>,
    /// Fingerprint, file, row; sorted.
    sorted: Vec<(u64, u32, u32)>,
    /// What came after.
    more: HashMap<u64, Vec<(u32, u32)>>,
}

fn fingerprint(text: &str) -> u64 {
    std::hash::BuildHasherDefault::<std::hash::DefaultHasher>::new().hash_one(text)
}

impl Index {
    /// Looks through this column of all live files of a table, once.
    pub fn load(archive: &Archive, table: &Table, column: &str) -> Self {
        let mut index = Self::default();
        archive.index_scans.fetch_add(1, Ordering::Relaxed);
        for note in archive.files(table.name) {
            let file = index.files.len() as u32;
            index.files.push(note.path.clone());
            let sorted = &mut index.sorted;
            archive.read_spans(
                &note.path,
                &[(0, note.rows as i64)],
                Some(&[column]),
                |first, it| {
                    let texts = it.column(column)?.str()?.clone();
                    for (row, text) in texts.iter().enumerate() {
                        let row = first as u32 + row as u32;
                        sorted.push((fingerprint(text.unwrap_or_default()), file, row));
                    }
                    Ok(())
                },
            );
        }
        index.sorted.sort_unstable();
        index
    }

    /// Takes up a file that came after.
    pub fn extend(&mut self, archive: &Archive, note: &FileNote, column: &str) {
        let file = self.files.len() as u32;
        self.files.push(note.path.clone());
        let more = &mut self.more;
        archive.read_spans(&note.path, &[(0, note.rows as i64)], Some(&[column]), |first, it| {
            let texts = it.column(column)?.str()?.clone();
            for (row, text) in texts.iter().enumerate() {
                let at = (file, first as u32 + row as u32);
                more.entry(fingerprint(text.unwrap_or_default())).or_default().push(at);
            }
            Ok(())
        });
    }

    /// Files and rows where this text may stand: whoever reads them compares.
    pub fn find(&self, text: &str) -> impl Iterator<Item = (&str, i64)> {
        let wanted = fingerprint(text);
        let from = self.sorted.partition_point(|it| it.0 < wanted);
        let old = self.sorted[from..].iter().take_while(move |it| it.0 == wanted);
        let new = self.more.get(&wanted).into_iter().flatten();
        old.map(|it| (it.1, it.2))
            .chain(new.copied())
            .map(|(file, row)| (self.files[file as usize].as_str(), i64::from(row)))
    }
}
