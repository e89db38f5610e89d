//! Bytes of a transcript, in memory or in a scratch file, and what is taken out of one object.

use std::fs::File;
use std::io::Read;
use std::io::Write;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;

use sha2::Digest;
use sha2::Sha256;

use crate::session::SessionId;
use crate::transcript::wire::Form;

/// Bytes of one object held in memory; the rest goes to a scratch file.
pub const MEMORY: usize = 16 << 20;

/// Bytes gathered for one write, once an object goes to a scratch file: no worker holds [`MEMORY`] for the rest of a large object.
const BUFFER: usize = 64 << 10;

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

    /// The bytes from front to end, so many at a time.
    pub fn chunks(&self, most: usize) -> Chunks<'_> {
        Chunks::of(self.reader().take(u64::MAX), most.min(self.bytes().max(1) as usize))
    }

    /// SHA-256 of the bytes, in hex digits.
    ///
    /// # Errors
    /// When the scratch file cannot be read.
    pub fn digest(&self) -> std::io::Result<String> {
        self.digest_of_first(self.bytes())
    }

    /// The same of its first bytes, at most so many.
    ///
    /// # Errors
    /// When the scratch file cannot be read.
    pub fn digest_of_first(&self, bytes: u64) -> std::io::Result<String> {
        let most = bytes.clamp(1, 1 << 20) as usize;
        let mut chunks = Chunks::of(self.reader().take(bytes), most);
        let mut hasher = Sha256::new();
        while let Some(it) = chunks.next_chunk()? {
            hasher.update(it);
        }
        Ok(hex::encode(hasher.finalize()))
    }

    /// Its first bytes, at most so many.
    ///
    /// # Errors
    /// A scratch file that cannot be read.
    pub fn head(&self, most: usize) -> std::io::Result<Vec<u8>> {
        let mut head = Vec::new();
        self.reader().take(most as u64).read_to_end(&mut head)?;
        Ok(head)
    }

    /// Puts bytes behind it. A scratch file that it lies in must be its own.
    ///
    /// # Errors
    /// When the scratch folder cannot be written.
    pub fn push(&mut self, bytes: &[u8], scratch: &Path) -> std::io::Result<()> {
        let mut sink = Sink::new(scratch);
        match std::mem::take(self) {
            Self::Memory(it) => sink.memory = it,
            Self::Spooled { file, bytes, .. } => sink.file = Some((file, bytes)),
        }
        sink.write_all(bytes)?;
        *self = sink.finish()?;
        Ok(())
    }

    /// The bytes from front to end, to be pulled.
    pub(super) fn reader(&self) -> ContentReader<'_> {
        ContentReader { content: self, extent: 0, at: 0 }
    }
}

impl Default for Content {
    fn default() -> Self {
        Self::Memory(Vec::new())
    }
}

/// Bytes that are written one after the other, in memory as long as they are few.
pub(super) struct Sink<'a> {
    scratch: &'a Path,
    memory: Vec<u8>,
    file: Option<(Arc<File>, u64)>,
}

impl<'a> Sink<'a> {
    pub(super) fn new(scratch: &'a Path) -> Self {
        Self { scratch, memory: Vec::new(), file: None }
    }

    fn spill(&mut self) -> std::io::Result<()> {
        let (file, bytes) = match &mut self.file {
            Some(it) => it,
            None => self.file.insert((Arc::new(tempfile::tempfile_in(self.scratch)?), 0)),
        };
        file.write_all(&self.memory)?;
        *bytes += self.memory.len() as u64;
        self.memory.clear();
        self.memory.shrink_to(BUFFER);
        Ok(())
    }

    pub(super) fn finish(mut self) -> std::io::Result<Content> {
        if self.file.is_some() {
            self.spill()?;
        }
        Ok(match self.file {
            None => Content::Memory(self.memory),
            Some((file, bytes)) => Content::Spooled { file, extents: vec![(0, bytes)], bytes },
        })
    }
}

impl Write for Sink<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.memory.extend_from_slice(bytes);
        if self.memory.len() >= if self.file.is_some() { BUFFER } else { MEMORY } {
            self.spill()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// The bytes of a content, a buffer full at a time.
pub struct Chunks<'a> {
    rest: std::io::Take<ContentReader<'a>>,
    most: usize,
    buffer: Vec<u8>,
}

impl<'a> Chunks<'a> {
    fn of(rest: std::io::Take<ContentReader<'a>>, most: usize) -> Self {
        Self { rest, most, buffer: Vec::with_capacity(most) }
    }

    /// The next of them, at the end fewer; `None` behind it.
    ///
    /// # Errors
    /// When the scratch file cannot be read.
    pub fn next_chunk(&mut self) -> std::io::Result<Option<&[u8]>> {
        self.buffer.clear();
        self.rest.by_ref().take(self.most as u64).read_to_end(&mut self.buffer)?;
        Ok(Some(self.buffer.as_slice()).filter(|it| !it.is_empty()))
    }
}

/// Pulls the bytes of a content.
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
                // Parts of one object share a scratch file, so no one may rely on its position.
                file.read_exact_at(&mut buffer[..used], from + self.at)?;
                self.at += used as u64;
                return Ok(used);
            },
        }
    }
}

/// One transcript found in an object.
pub struct KeptBytes {
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
    pub transcripts: Vec<KeptBytes>,
    /// Parts that are no transcripts, and why.
    pub others: Vec<String>,
    /// The object ended too early or could not be unpacked to its end.
    pub damaged: Option<String>,
}

/// Fixed keys: the same bytes give the same answer on every run.
pub(super) static FIXED: std::hash::BuildHasherDefault<std::hash::DefaultHasher> =
    std::hash::BuildHasherDefault::new();
