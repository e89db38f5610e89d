//! Bytes of a transcript, in memory or in a scratch file, and what is taken out of one object.

use std::fs::File;
use std::io::Read;
use std::sync::Arc;

use sha2::Digest;
use sha2::Sha256;

use crate::session::SessionId;
use crate::transcript::wire::Form;

/// Bytes of one object held in memory; the rest goes to a scratch file.
pub const MEMORY: usize = 16 << 20;

/// Longest event line. CloudWatch Logs takes events of 1 MiB ("CloudWatch Logs quotas").
pub(super) const EVENT_BYTES: usize = 32 << 20;

/// Bytes of one transcript, in memory or in a scratch file.
pub enum Content {
    /// All bytes, in memory.
    Memory(Vec<u8>),
    /// Bytes in a scratch file, which several transcripts may share.
    Spooled {
        /// The scratch file, read by place alone.
        file: Arc<File>,
        /// Start and length of each stretch, in bytes and in order.
        extents: Vec<(u64, u64)>,
        /// How many bytes there are.
        bytes: u64,
    },
}

impl Content {
    /// How many bytes there are.
    pub fn bytes(&self) -> u64 {
        match self {
            Self::Memory(it) => it.len() as u64,
            Self::Spooled { bytes, .. } => *bytes,
        }
    }

    /// Whether the bytes lie in a scratch file.
    pub fn is_large(&self) -> bool {
        matches!(self, Self::Spooled { .. })
    }

    /// Hands on the bytes from front to end, in parts of at most `most` bytes.
    ///
    /// # Errors
    /// When the scratch file cannot be read, or `take` fails.
    pub fn parts(
        &self,
        most: usize,
        mut take: impl FnMut(&[u8]) -> std::io::Result<()>,
    ) -> std::io::Result<()> {
        match self {
            Self::Memory(it) => it.chunks(most).try_for_each(take),
            Self::Spooled { file, extents, .. } => {
                // Many small transcripts can share a file.
                let most = most.min(self.bytes().max(1) as usize);
                let mut buffer = vec![0; most];
                let mut filled = 0;
                for (at, bytes) in extents {
                    let mut at = *at;
                    let end = at + bytes;
                    while at < end {
                        let room = (most - filled).min((end - at) as usize);
                        read_at(file, at, &mut buffer[filled..filled + room])?;
                        at += room as u64;
                        filled += room;
                        if filled == most {
                            take(&buffer)?;
                            filled = 0;
                        }
                    }
                }
                if filled > 0 { take(&buffer[..filled]) } else { Ok(()) }
            }
        }
    }

    /// SHA-256 of the bytes, in hex digits.
    ///
    /// # Errors
    /// When the scratch file cannot be read.
    pub fn digest(&self) -> std::io::Result<String> {
        let mut hasher = Sha256::new();
        self.parts(1 << 20, |it| {
            hasher.update(it);
            Ok(())
        })?;
        Ok(hex::encode(hasher.finalize()))
    }
}

impl Content {
    /// Its first bytes, at most so many.
    ///
    /// # Errors
    /// A scratch file that cannot be read.
    pub fn head(&self, most: usize) -> std::io::Result<Vec<u8>> {
        let mut head = Vec::new();
        self.reader().take(most as u64).read_to_end(&mut head)?;
        Ok(head)
    }

    /// The bytes from front to end, to be pulled.
    pub(super) fn reader(&self) -> ContentReader<'_> {
        ContentReader { content: self, extent: 0, at: 0 }
    }
}

pub(super) struct ContentReader<'a> {
    content: &'a Content,
    extent: usize,
    /// Within the extent.
    at: u64,
}

impl Read for ContentReader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        match self.content {
            Content::Memory(bytes) => {
                let mut rest = &bytes[self.at as usize..];
                let used = rest.read(buffer)?;
                self.at += used as u64;
                Ok(used)
            }
            Content::Spooled { file, extents, .. } => loop {
                let Some((from, bytes)) = extents.get(self.extent) else { return Ok(0) };
                let used = buffer.len().min((bytes - self.at) as usize);
                if used == 0 && !buffer.is_empty() {
                    self.extent += 1;
                    self.at = 0;
                    continue;
                }
                read_at(file, from + self.at, &mut buffer[..used])?;
                self.at += used as u64;
                return Ok(used);
            },
        }
    }
}

fn read_at(file: &File, at: u64, buffer: &mut [u8]) -> std::io::Result<()> {
    use std::os::unix::fs::FileExt;
    // Parts of one object share a scratch file, so no one may rely on its position.
    file.read_exact_at(buffer, at)
}

/// One transcript found in an object.
pub struct Kept {
    /// The session that it is a transcript of.
    pub session_id: SessionId,
    /// The object is named by another session.
    pub is_of_another: bool,
    /// How its bytes are laid out.
    pub form: Form,
    /// The log stream, where the object holds several.
    pub stream: Option<String>,
    /// Its bytes, without compression; of events, one JSON object a line.
    pub content: Content,
    /// Events that came twice, kept once where that is proved.
    pub repeated: u64,
    /// Events that could not be read as such; they are kept as they are.
    pub unread: u64,
}

/// What an object held.
#[derive(Default)]
pub struct Taken {
    /// SHA-256 of its bytes as the source held them.
    pub digest: String,
    /// Size of the object in bytes, as the source held it.
    pub stored_bytes: u64,
    /// Transcripts that were found, one or several.
    pub transcripts: Vec<Kept>,
    /// Parts that are no transcripts, and why.
    pub others: Vec<String>,
    /// The object ended too early or could not be unpacked to its end.
    pub damaged: Option<String>,
}

/// Fixed keys: the same bytes give the same answer on every run.
pub(super) static FIXED: std::hash::BuildHasherDefault<std::hash::DefaultHasher> =
    std::hash::BuildHasherDefault::new();
