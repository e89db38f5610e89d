//! Fast checksums of the pieces of a Parquet file, so that what is read can be checked without reading the rest.
//!
//! The pages of these files carry no checksum of their own, and a flipped bit in one can read as another value. So the
//! manifest cuts each file into pieces (the footer is the last) and knows each by length and XXH3-64, and a reader
//! compares the pieces that it reads from. That shows decay, not forgery: for forgery each entry has a SHA-256 of the
//! whole file.

use std::fs::File;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use polars::prelude::FileMetadataRef;
use xxhash_rust::xxh3::Xxh3;

/// A column of at least this many bytes in a row group is a piece of its own; what is smaller shares one. So a manifest
/// holds few pieces, and reading small columns beside a large one does not read the large one.
const COLUMN: u64 = 64 << 10;
/// Bytes of one piece as written down: its length and its checksum, both little-endian.
const WIDTH: usize = 12;
/// Bytes read at once.
const BUFFER: usize = 1 << 20;

struct KeptPiece {
    bytes: Range<u64>,
    sum: u64,
    /// It was read and is what was written.
    sound: AtomicBool,
}

/// The pieces of one file.
pub(crate) struct Pieces(Vec<KeptPiece>);

impl Pieces {
    /// Computes them from a file that was just written, as they stand in the manifest.
    pub(crate) fn note(file: &File, metadata: &FileMetadataRef) -> std::io::Result<String> {
        let length = file.metadata()?.len();
        let mut ends: Vec<u64> = Vec::new();
        for group in &metadata.row_groups {
            let mut columns: Vec<Range<u64>> = group.byte_ranges_iter().collect();
            columns.sort_unstable_by_key(|it| it.start);
            for it in &columns {
                if it.end - it.start >= COLUMN {
                    ends.extend([it.start, it.end]);
                }
            }
            ends.extend(columns.last().map(|it| it.end));
        }
        ends.push(length);
        let mut out = Vec::new();
        let mut start = 0;
        for end in ends {
            // The length is written in 32 bits.
            while start < end.min(length) {
                let stop = end.min(length).min(start + u64::from(u32::MAX));
                let sum = sum(file, start..stop)?;
                out.extend_from_slice(&((stop - start) as u32).to_le_bytes());
                out.extend_from_slice(&sum.to_le_bytes());
                start = stop;
            }
        }
        Ok(STANDARD_NO_PAD.encode(out))
    }

    /// The pieces as the manifest tells them; `None` if it does not, or not for a file of this length.
    pub(crate) fn read(note: &str, length: u64) -> Option<Self> {
        let bytes = STANDARD_NO_PAD.decode(note).ok().filter(|it| !it.is_empty())?;
        if bytes.len() % WIDTH != 0 {
            return None;
        }
        let mut start = 0;
        let mut pieces = Vec::with_capacity(bytes.len() / WIDTH);
        for it in bytes.chunks_exact(WIDTH) {
            let end = start + u64::from(u32::from_le_bytes(it[..4].try_into().ok()?));
            let sum = u64::from_le_bytes(it[4..].try_into().ok()?);
            pieces.push(KeptPiece { bytes: start..end, sum, sound: AtomicBool::new(false) });
            start = end;
        }
        (start == length).then_some(Self(pieces))
    }

    /// Where the footer stands.
    pub(crate) fn footer(&self) -> Range<u64> {
        self.0.last().map_or(0..0, |it| it.bytes.clone())
    }

    /// Whether all pieces that these bytes stand in are what was written. Each is read once.
    pub(crate) fn are_sound(&self, file: &File, bytes: &Range<u64>) -> std::io::Result<bool> {
        let first = self.0.partition_point(|it| it.bytes.end <= bytes.start);
        for it in self.0[first..].iter().take_while(|it| it.bytes.start < bytes.end) {
            if !it.sound.load(Ordering::Relaxed) {
                if sum(file, it.bytes.clone())? != it.sum {
                    return Ok(false);
                }
                it.sound.store(true, Ordering::Relaxed);
            }
        }
        Ok(true)
    }
}

fn sum(file: &File, bytes: Range<u64>) -> std::io::Result<u64> {
    let mut hasher = Xxh3::new();
    let mut buffer = vec![0; BUFFER.min((bytes.end - bytes.start) as usize)];
    let mut at = bytes.start;
    while at < bytes.end {
        let most = buffer.len().min((bytes.end - at) as usize);
        file.read_exact_at(&mut buffer[..most], at)?;
        hasher.update(&buffer[..most]);
        at += most as u64;
    }
    Ok(hasher.digest())
}
