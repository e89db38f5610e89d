//! One object's bytes, taken only if they are those that were listed: by length, ETag and checksum, after a resume too.
//!
//! Small objects come whole and proved. Large ones come as they are read: they are hashed on the way, and the last bytes are
//! handed over only when all of them are proved. What is not as it should be is fetched anew from the start.

use std::io::Read;

use aws_sdk_s3::Client;
use aws_sdk_s3::operation::get_object::GetObjectOutput;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::ChecksumMode;
use aws_sdk_s3::types::RequestPayer;
use bytes::Buf;
use bytes::Bytes;
use bytes::BytesMut;
use bytes::buf::Reader;
use tokio::runtime::Handle as Runtime;

use super::calls::Came;
use crate::source::Body;
use crate::source::Listed;
use crate::source::Opened;
use crate::source::Refusal;
use crate::source::RefusalKind;
use crate::source::Seen;
use crate::source::aws::Connection;
use crate::source::aws::at;
use crate::source::checksum::CHECKSUM;
use crate::source::checksum::ChecksumProof;
use crate::source::refused::Need;

/// Objects up to this size are fetched into memory at once.
const SMALL: u64 = 4 << 20;
/// How often a broken body is taken up again without a byte of progress.
const TAKES: u32 = 5;
/// How often an object is fetched from its start if what came is not what was listed: by then it is no accident of the way.
const WHOLES: u32 = 3;

/// What every request for an object carries.
#[derive(Clone)]
pub(super) struct ObjectReader {
    pub(super) connection: Connection,
    pub(super) client: Client,
    pub(super) bucket: String,
    pub(super) owner: Option<String>,
    pub(super) payer: Option<RequestPayer>,
    /// A service that is not Amazon's, which may not tell in its listing what was restored.
    pub(super) compatible: bool,
}

/// A request for one object.
pub(super) struct Get {
    pub(super) reader: ObjectReader,
    pub(super) version_id: Option<String>,
    /// Length and version as listed; the ETag is within the version where no version id is.
    pub(super) listed: Listed,
}

/// An answer that brings the whole object, before its bytes.
pub(super) struct WholeObject {
    body: ByteStream,
    /// How many bytes there are, if anybody said.
    wanted: Option<u64>,
    etag: Option<String>,
    seen: Seen,
    proof: ChecksumProof,
}

impl WholeObject {
    /// Proves all that came of it.
    fn settle(&mut self) -> Result<(), Refusal> {
        let proof = std::mem::replace(&mut self.proof, ChecksumProof::None);
        self.seen.checksum = proof.settle().map_err(unlike)?;
        Ok(())
    }
}

impl Get {
    /// The object: in memory if it is small, else as it is read.
    pub(super) async fn fetch(self) -> Opened {
        let mut takes = 0;
        loop {
            takes += 1;
            let wrong = match self.begin().await {
                Ok((it, all)) => return Ok(Box::new(ObjectStream::of(self, it, all))),
                Err(it) => it,
            };
            let most = match wrong.kind {
                RefusalKind::Unlike => WHOLES,
                RefusalKind::Broken => self.takes(),
                _ => return Err(wrong),
            };
            if takes >= most {
                if wrong.kind == RefusalKind::Broken {
                    self.reader.connection.calls.note(S3, GET, &Came::GivenUp);
                }
                return Err(times(takes, wrong));
            }
            tokio::time::sleep(pause(takes)).await;
        }
    }

    /// The answer for the whole object, and all bytes of a small one, proved.
    async fn begin(&self) -> Result<(WholeObject, Option<Bytes>), Refusal> {
        let mut it = self.whole().await?;
        let all = match it.wanted.filter(|it| *it <= SMALL) {
            Some(wanted) => Some(self.collect(&mut it, wanted).await?),
            None => None,
        };
        Ok((it, all))
    }

    /// How often a broken body is taken up: once where nothing comes whole any more.
    fn takes(&self) -> u32 {
        if self.reader.connection.calls.doubts(Some((S3, GET))) { 1 } else { TAKES }
    }

    /// The answer for the whole object, if it is the one that was listed or one that has replaced it.
    async fn whole(&self) -> Result<WholeObject, Refusal> {
        let answer = self.send(None).await?;
        let mut seen = seen_of(&answer);
        let bytes = answer.content_length().and_then(|it| u64::try_from(it).ok());
        let etag = answer.e_tag().map(str::to_owned);
        let listed = &self.listed;
        match (&self.version_id, &etag) {
            (Some(id), _) if answer.version_id() != Some(id) => {
                return Err(unlike("the answer is not of the version that was asked for"));
            }
            (None, None) if listed.version != version(None, "", listed.bytes) => {
                return Err(unlike(
                    "the answer has no ETag and the listing has, so that it may be of anything",
                ));
            }
            // It was replaced meanwhile.
            (None, Some(etag)) if listed.version != version(None, etag, listed.bytes) => {
                // A proxy may take the length off.
                seen.version = Some(version(None, etag, bytes.unwrap_or(listed.bytes)));
                seen.stored_at = answer.last_modified().and_then(at);
            }
            _ => {}
        }
        let replaced = seen.version.is_some();
        if let Some(bytes) = bytes.filter(|it| !replaced && *it != listed.bytes) {
            return Err(unlike(format!(
                "the answer is {bytes} bytes long, the listing says {}",
                listed.bytes
            )));
        }
        let wanted = bytes.or((!replaced).then_some(listed.bytes));
        let proof = ChecksumProof::of(&answer, &self.reader.bucket);
        Ok(WholeObject { body: answer.body, wanted, etag, seen, proof })
    }

    /// All bytes of a small object, proved.
    async fn collect(&self, it: &mut WholeObject, wanted: u64) -> Result<Bytes, Refusal> {
        let mut all = BytesMut::new();
        let _wait = self.reader.connection.calls.wait();
        while let Some(chunk) = self.next(&mut it.body).await? {
            it.proof.update(&chunk);
            all.extend_from_slice(&chunk);
            if all.len() as u64 > wanted {
                return Err(too_long(wanted));
            }
        }
        if all.len() as u64 != wanted {
            return Err(self.broke(format!("it ended after {} of {wanted} bytes", all.len())));
        }
        it.settle()?;
        self.reader.connection.calls.note(S3, GET, &Came::Good);
        Ok(all.freeze())
    }

    /// The next bytes of a body, waited for as long as is reasonable.
    async fn next(&self, body: &mut ByteStream) -> Result<Option<Bytes>, Refusal> {
        let patience = self.reader.connection.calls.limits().stalled;
        match tokio::time::timeout(patience, body.next()).await {
            Ok(None) => Ok(None),
            Ok(Some(Ok(it))) => {
                self.reader.connection.calls.came();
                Ok(Some(it))
            }
            Ok(Some(Err(it))) => {
                let text = aws_sdk_s3::error::DisplayErrorContext(&it).to_string();
                if text.to_lowercase().contains("checksum") {
                    return Err(unlike(CHECKSUM));
                }
                let stalled = text.contains("minimum throughput");
                Err(self.broke(if stalled { STALLED } else { "the connection broke off" }))
            }
            Err(_) => Err(self.broke(STALLED)),
        }
    }

    fn broke(&self, why: impl Into<String>) -> Refusal {
        let it = broken(why);
        self.reader.connection.calls.note(S3, GET, &Came::Trouble(it.why.clone()));
        it
    }

    /// The whole object, or what follows a byte of one with a known ETag.
    async fn send(&self, from: Option<(u64, Option<&str>)>) -> Result<GetObjectOutput, Refusal> {
        let mut get = self
            .reader
            .client
            .get_object()
            .bucket(&self.reader.bucket)
            .key(&self.listed.key)
            .set_version_id(self.version_id.clone())
            .set_expected_bucket_owner(self.reader.owner.clone())
            .set_request_payer(self.reader.payer.clone());
        get = match from {
            Some((at, etag)) => {
                get.range(format!("bytes={at}-")).set_if_match(etag.map(str::to_owned))
            }
            None => get.checksum_mode(ChecksumMode::Enabled),
        };
        let _turn = self.reader.connection.calls.turn().await;
        get.send().await.map_err(|it| {
            let action =
                if self.version_id.is_some() { "s3:GetObjectVersion" } else { "s3:GetObject" };
            let on = format!("{}/*", self.reader.connection.bucket_arn(&self.reader.bucket));
            self.reader.connection.refused(&it, &Need::of(action, on))
        })
    }
}

/// The service and the operation, as the SDK names them.
const S3: &str = "S3";
const GET: &str = "GetObject";

const STALLED: &str = "its bytes stopped coming";

/// Bytes after which a body that was taken up again counts as going on: as many as are read at once.
const PROGRESS: u64 = 1 << 20;

/// The connection, or the service behind it, failed.
fn broken(why: impl Into<String>) -> Refusal {
    Refusal::new(why).kind(RefusalKind::Broken).again()
}

/// What came is not what was listed.
fn unlike(why: impl Into<String>) -> Refusal {
    Refusal::new(why).kind(RefusalKind::Unlike).hint(
        "nothing of it was kept: either the way to S3 changes what it carries, or the object is damaged where it lies; \
         fetch it by another way and compare",
    )
}

fn too_long(wanted: u64) -> Refusal {
    unlike(format!("more came than the {wanted} bytes that were promised"))
}

/// The same, said of so many tries.
fn times(tries: u32, mut it: Refusal) -> Refusal {
    if tries > 1 {
        it.why.push_str(&format!(", {tries} times"));
    }
    it
}

/// What changes whenever the bytes may have.
pub(super) fn version(version_id: Option<&str>, etag: &str, bytes: u64) -> String {
    match version_id {
        Some(id) => id.to_owned(),
        None => format!("{}-{bytes}", etag.trim_matches('"')),
    }
}

fn pause(takes: u32) -> std::time::Duration {
    std::time::Duration::from_millis(100 << takes.min(6))
}

fn seen_of(it: &GetObjectOutput) -> Seen {
    let encryption = it.server_side_encryption().map(|kind| match it.ssekms_key_id() {
        Some(key) => format!("{}:{key}", kind.as_str()),
        None => kind.as_str().to_owned(),
    });
    Seen {
        version_id: it.version_id().map(str::to_owned),
        etag: it.e_tag().map(|it| it.trim_matches('"').to_owned()),
        encryption,
        // "Amazon S3 returns this header for all objects except for S3 Standard" ("GetObject").
        storage_class: Some(it.storage_class().map_or("STANDARD", |it| it.as_str()).to_owned()),
        ..Seen::default()
    }
}

/// An object that comes as it is read. Reading must happen outside of the runtime's own threads.
struct ObjectStream {
    get: Get,
    whole: WholeObject,
    /// Bytes that came.
    at: u64,
    held: Reader<Bytes>,
    takes: u32,
    /// Where it was last taken up again.
    taken_up_at: u64,
    wholes: u32,
    proved: bool,
    /// Why it is not read on.
    failed: Option<Refusal>,
    runtime: Runtime,
}

impl ObjectStream {
    /// `all` are its bytes where they came already, proved.
    fn of(get: Get, whole: WholeObject, all: Option<Bytes>) -> Self {
        let proved = all.is_some();
        let held = all.unwrap_or_default();
        Self {
            get,
            whole,
            at: held.len() as u64,
            held: held.reader(),
            takes: 0,
            taken_up_at: 0,
            wholes: 1,
            proved,
            failed: None,
            runtime: Runtime::current(),
        }
    }

    /// Fetches until there are bytes to hand over; false at the end.
    fn fill(&mut self) -> Result<bool, Refusal> {
        loop {
            let came = match self.proved {
                true => Ok(None),
                false => {
                    let _wait = self.get.reader.connection.calls.wait();
                    self.runtime.block_on(self.get.next(&mut self.whole.body))
                }
            };
            match came {
                Ok(Some(it)) if it.is_empty() => {}
                Ok(Some(it)) => {
                    // It may have begun anew meanwhile.
                    self.taken_up_at = self.taken_up_at.min(self.at);
                    self.at += it.len() as u64;
                    // A few bytes for each try would go on for ever.
                    if self.at - self.taken_up_at >= PROGRESS {
                        self.takes = 0;
                    }
                    self.whole.proof.update(&it);
                    match self.whole.wanted {
                        Some(wanted) if self.at > wanted => return Err(too_long(wanted)),
                        Some(wanted) if self.at == wanted => self.settle()?,
                        _ => {}
                    }
                    self.held = it.reader();
                    return Ok(true);
                }
                Ok(None) => match self.whole.wanted {
                    Some(wanted) if self.at < wanted => {
                        let _ = self.get.broke("it ended");
                        self.take_up("it ended")?;
                    }
                    _ => {
                        self.settle()?;
                        return Ok(false);
                    }
                },
                Err(it) if it.kind == RefusalKind::Broken => self.take_up(&it.why)?,
                Err(it) => return Err(it),
            }
        }
    }

    /// What came is of no use; if it is not what was listed, what comes from the start on may be.
    fn fail(&mut self, it: Refusal) {
        let unlike = it.kind == RefusalKind::Unlike;
        self.failed = Some(if unlike { times(self.wholes, it) } else { it });
    }

    /// Waits before something is tried again.
    fn rest(&self, tries: u32) {
        // A timer belongs to the runtime it is made in.
        self.runtime.block_on(async { tokio::time::sleep(pause(tries)).await });
    }

    /// Proves all that came.
    fn settle(&mut self) -> Result<(), Refusal> {
        if !self.proved {
            self.whole.settle()?;
            self.proved = true;
            self.get.reader.connection.calls.note(S3, GET, &Came::Good);
        }
        Ok(())
    }

    /// Reads on where it broke off, if it is still the same.
    fn take_up(&mut self, why: &str) -> Result<(), Refusal> {
        loop {
            self.takes += 1;
            let most = self.get.takes();
            if self.takes > most {
                self.get.reader.connection.calls.note(S3, GET, &Came::GivenUp);
                let wanted = self.whole.wanted.map_or_else(|| "?".into(), |it| it.to_string());
                return Err(times(most, broken(format!("{why} at byte {} of {wanted}", self.at))));
            }
            self.rest(self.takes);
            let from = (self.at, self.whole.etag.as_deref());
            match self.runtime.block_on(self.get.send(Some(from))) {
                Ok(it) => {
                    let start = format!("bytes {}-", self.at);
                    let total = self.whole.wanted.map(|it| format!("/{it}")).unwrap_or_default();
                    let range = it.content_range().unwrap_or_default();
                    let same = it.e_tag().is_none() || it.e_tag() == self.whole.etag.as_deref();
                    if !range.starts_with(&start) || !range.ends_with(&total) || !same {
                        // Its bytes may be any others.
                        return Err(unlike("what came after a break is not its rest"));
                    }
                    self.whole.body = it.body;
                    self.taken_up_at = self.at;
                    return Ok(());
                }
                Err(it) => match it.kind {
                    RefusalKind::Replaced => {
                        let why = "it was replaced while it was being read; the next run reads the new one";
                        return Err(broken(why));
                    }
                    // It has no more bytes than came, and was promised to.
                    RefusalKind::Shorter => {
                        return Err(unlike(format!("it ends at byte {}", self.at)));
                    }
                    _ if it.ends || self.takes >= most => return Err(it),
                    _ => {}
                },
            }
        }
    }
}

impl Read for ObjectStream {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if self.failed.is_none() && !self.held.get_ref().has_remaining() {
            match self.fill() {
                Ok(true) => {}
                Ok(false) => return Ok(0),
                Err(it) => self.fail(it),
            }
        }
        if let Some(it) = &self.failed {
            return Err(it.clone().into());
        }
        self.held.read(buffer)
    }
}

impl Body for ObjectStream {
    fn seen(&self) -> Seen {
        self.whole.seen.clone()
    }

    fn refusal(&self) -> Option<Refusal> {
        self.failed.clone()
    }

    fn anew(&mut self) -> bool {
        while self.failed.as_ref().is_some_and(|it| it.kind == RefusalKind::Unlike)
            && self.wholes < WHOLES
        {
            self.wholes += 1;
            self.rest(self.wholes);
            match self.runtime.block_on(self.get.whole()) {
                Ok(whole) => {
                    self.whole = whole;
                    (self.at, self.held, self.takes) = (0, Bytes::new().reader(), 0);
                    (self.proved, self.failed) = (false, None);
                    return true;
                }
                Err(it) => self.fail(it),
            }
        }
        false
    }
}
