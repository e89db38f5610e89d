//! Rows as a Parquet file, written batch by batch: what is held does not grow with what is written.

use std::cell::RefCell;
use std::io::Write;
use std::rc::Rc;

use polars::prelude::*;

use crate::error::Error;
use crate::error::Kind;
use crate::error::Result;

/// Rows of a row group, once there are so many: what readers of Parquet are made for, and small enough to hold.
const ROWS: usize = 65_536;

/// Bytes of rows that are held at most before they are written.
const BYTES: usize = 16 << 20;

/// What the writer has made and its reader has not yet taken.
#[derive(Clone, Default)]
struct Made(Rc<RefCell<Vec<u8>>>);

impl Write for Made {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.borrow_mut().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// A Parquet file on its way.
pub struct Batches {
    writer: polars_io::parquet::write::BatchedWriter<Made>,
    made: Made,
    /// Rows of the next row group.
    held: Option<DataFrame>,
    held_bytes: usize,
    most_held: usize,
}

impl Batches {
    /// `empty` has the columns of all rows.
    ///
    /// # Errors
    /// Columns that Parquet cannot hold.
    pub fn new(empty: &DataFrame) -> Result<Self> {
        let made = Made::default();
        let writer =
            ParquetWriter::new(made.clone()).batched(empty.schema()).map_err(|it| failed(&it))?;
        Ok(Self { writer, made, held: None, held_bytes: 0, most_held: 0 })
    }

    /// Takes some rows; `put` gets the bytes that are ready.
    ///
    /// # Errors
    /// Other columns, and whatever `put` says.
    pub fn push(
        &mut self,
        frame: &DataFrame,
        mut put: impl FnMut(&[u8]) -> Result<()>,
    ) -> Result<()> {
        let height = frame.height();
        let each = frame.estimated_size() / height.max(1) + 1;
        // Large frames are cut, so that no group is larger than promised but one of a single row.
        let step = (BYTES / each).clamp(1, ROWS);
        for from in (0..height).step_by(step) {
            let part = frame.slice(from as i64, step);
            let bytes = each * part.height();
            let rows = self.held.as_ref().map_or(0, DataFrame::height) + part.height();
            if self.held.is_some() && (rows > ROWS || self.held_bytes + bytes > BYTES) {
                self.group(&mut put)?;
            }
            match &mut self.held {
                Some(it) => it.vstack_mut(&part).map(drop).map_err(|it| failed(&it))?,
                None => self.held = Some(part),
            }
            self.held_bytes += bytes;
            self.note();
        }
        Ok(())
    }

    fn note(&mut self) {
        self.most_held = self.most_held.max(self.held_bytes + self.made.0.borrow().len());
    }

    /// Writes what is held as a row group.
    fn group(&mut self, mut put: impl FnMut(&[u8]) -> Result<()>) -> Result<()> {
        if let Some(mut it) = self.held.take() {
            it.rechunk_mut();
            self.writer.write_batch(&it).map_err(|it| failed(&it))?;
        }
        self.note();
        self.held_bytes = 0;
        let bytes = std::mem::take(&mut *self.made.0.borrow_mut());
        put(&bytes)
    }

    /// Ends the file. Returns the most bytes that were ever held.
    ///
    /// # Errors
    /// Whatever `put` says.
    pub fn finish(mut self, mut put: impl FnMut(&[u8]) -> Result<()>) -> Result<usize> {
        self.group(&mut put)?;
        self.writer.finish().map_err(|it| failed(&it))?;
        self.group(put)?;
        Ok(self.most_held)
    }
}

pub(super) fn failed(it: &PolarsError) -> Error {
    Error::new(Kind::Damaged, format!("the rows cannot be written: {it}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(rows: std::ops::Range<i64>, width: usize) -> DataFrame {
        let texts: Vec<String> = rows.clone().map(|it| format!("{it:0>width$}")).collect();
        let numbers = Int64Chunked::from_iter_values("number".into(), rows.clone());
        let texts =
            StringChunked::from_iter_values("text".into(), texts.iter().map(String::as_str));
        DataFrame::new(numbers.len(), vec![numbers.into_column(), texts.into_column()]).unwrap()
    }

    fn written(batches: Vec<DataFrame>) -> (Vec<u8>, usize) {
        let mut bytes = Vec::new();
        let mut out = Batches::new(&frame(0..0, 1)).unwrap();
        for it in batches {
            let put = |it: &[u8]| {
                bytes.extend_from_slice(it);
                Ok(())
            };
            out.push(&it, put).unwrap();
        }
        let most = out
            .finish(|it| {
                bytes.extend_from_slice(it);
                Ok(())
            })
            .unwrap();
        (bytes, most)
    }

    #[test]
    fn what_is_written_is_what_is_read() {
        let batches = vec![frame(0..3, 5), frame(3..3, 1), frame(3..70_000, 5)];
        let (bytes, _) = written(batches);
        let read = ParquetReader::new(std::io::Cursor::new(bytes)).finish().unwrap();
        assert!(read.equals(&frame(0..70_000, 5)));
        let (bytes, _) = written(Vec::new());
        let read = ParquetReader::new(std::io::Cursor::new(bytes)).finish().unwrap();
        assert_eq!((read.height(), read.width()), (0, 2));
    }

    #[test]
    fn what_is_held_does_not_grow_with_what_is_written() {
        let batch = || frame(0..8192, 400);
        let bytes = batch().estimated_size();
        // 64 times as much as may be held, in small pieces and in large ones.
        let many = 64 * BYTES / bytes;
        let mut out = Batches::new(&frame(0..0, 1)).unwrap();
        let mut length = 0;
        let put = |length: &mut usize, it: &[u8]| {
            *length += it.len();
            Ok(())
        };
        for _ in 0..many {
            out.push(&batch(), |it| put(&mut length, it)).unwrap();
        }
        out.push(&frame(0..200_000, 400), |it| put(&mut length, it)).unwrap();
        let most = out.finish(|it| put(&mut length, it)).unwrap();
        // A group, and the same once more as it was written.
        assert!(most <= 2 * BYTES + (1 << 20), "{most} bytes were held");
    }
}
