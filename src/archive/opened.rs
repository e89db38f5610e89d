//! A Parquet file of the archive, opened: whatever is read of it is compared with what the manifest says of it.

use std::fs::File;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use polars::prelude::*;

use super::folder::must_be_file;
use super::guard::guarded;
use super::manifest::FileNote;
use super::pieces::Pieces;

/// A Parquet file whose footer was checked.
pub(crate) struct Opened {
    file: File,
    pub(crate) metadata: FileMetadataRef,
    /// Number of the first row of each row group.
    pub(super) firsts: Vec<i64>,
    /// `None` in files of earlier versions, whose pieces nobody noted.
    pieces: Option<Pieces>,
}

impl Opened {
    /// Opens a file of the archive.
    pub(crate) fn open(path: &Path, note: &FileNote) -> PolarsResult<Self> {
        must_be_file(path)?;
        let file = File::open(path).map_err(|it| match it.kind() {
            std::io::ErrorKind::NotFound => polars_err!(ComputeError: "it is missing"),
            _ => PolarsError::from(it),
        })?;
        let length = file.metadata()?.len();
        let changed = || polars_err!(ComputeError: "it was changed after it was written");
        let pieces = match note.pieces.is_empty() {
            true => None,
            false => Some(Pieces::read(&note.pieces, length).ok_or_else(changed)?),
        };
        if length != note.bytes {
            return Err(changed());
        }
        if let Some(it) = &pieces
            && !it.are_sound(&file, &it.footer())?
        {
            return Err(changed());
        }
        let reader = file.try_clone()?;
        let metadata = guarded(|| Ok(Arc::clone(ParquetReader::new(reader).get_metadata()?)))?;
        let mut firsts = Vec::with_capacity(metadata.row_groups.len());
        let mut first = 0;
        for it in &metadata.row_groups {
            firsts.push(first);
            first += it.num_rows() as i64;
        }
        if first as u64 != note.rows {
            return Err(changed());
        }
        Ok(Self { file, metadata, firsts, pieces })
    }

    /// Compares what a row group holds of these columns with what was written.
    fn check(&self, group: usize, columns: Option<&[&str]>) -> PolarsResult<()> {
        let Some(pieces) = &self.pieces else { return Ok(()) };
        let group = &self.metadata.row_groups[group];
        let wanted = |name: &str| columns.is_none_or(|it| it.contains(&name));
        for it in group.parquet_columns() {
            let name = it.descriptor().path_in_schema.first().map_or("", |it| it.as_str());
            let bytes: Range<u64> = it.byte_range();
            if wanted(name) && !pieces.are_sound(&self.file, &bytes)? {
                polars_bail!(ComputeError: "it was changed after it was written");
            }
        }
        Ok(())
    }

    pub(super) fn check_all(&self, columns: Option<&[&str]>) -> PolarsResult<()> {
        (0..self.metadata.row_groups.len()).try_for_each(|it| self.check(it, columns))
    }

    /// Rows of one row group, from and to (exclusive) by their numbers in the file.
    pub(super) fn rows(
        &self,
        group: usize,
        from: i64,
        to: i64,
        columns: Option<&[&str]>,
    ) -> PolarsResult<DataFrame> {
        self.check(group, columns)?;
        let columns = columns.map(|it| it.iter().map(|it| (*it).to_owned()).collect());
        let file = self.file.try_clone()?;
        guarded(|| {
            let mut reader = ParquetReader::new(file);
            reader.set_metadata(Arc::clone(&self.metadata));
            reader
                .with_slice(Some((from as usize, (to - from) as usize)))
                .with_columns(columns)
                .finish()
        })
    }

    /// How many row groups it has.
    pub(super) fn groups(&self) -> usize {
        self.firsts.len()
    }

    pub(super) fn rows_in(&self, group: usize) -> usize {
        self.metadata.row_groups[group].num_rows()
    }

    /// Whether it has this column: files of earlier versions lack some.
    pub(super) fn has(&self, column: &str) -> bool {
        self.metadata.schema_descr.fields().iter().any(|it| it.name() == column)
    }

    /// The first rows of a row group.
    pub(super) fn first_rows(
        &self,
        group: usize,
        rows: usize,
        columns: &[&str],
    ) -> PolarsResult<DataFrame> {
        let first = self.firsts[group];
        self.rows(group, first, first + rows as i64, Some(columns))
    }

    pub(super) fn group_of(&self, row: i64) -> usize {
        self.firsts.partition_point(|it| *it <= row).saturating_sub(1)
    }

    pub(super) fn end_of(&self, group: usize) -> i64 {
        self.firsts[group] + self.metadata.row_groups[group].num_rows() as i64
    }
}
