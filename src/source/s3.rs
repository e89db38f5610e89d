//! A bucket and a prefix: every object below it, each read whole or not at all.
//!
//! Small objects are fetched into memory, many at once, and fetched again where the network broke off; large ones
//! stream, and are taken up again at the byte where they stopped, if they are still the same. How many bytes came is
//! compared with what was promised, because a connection that ends early looks like an end.

use std::collections::HashSet;
use std::hash::BuildHasher;
use std::io::Read;
use std::sync::OnceLock;

use aws_sdk_s3::Client;
use aws_sdk_s3::error::ProvideErrorMetadata;
use aws_sdk_s3::operation::get_object::GetObjectOutput;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::primitives::DateTime;
use aws_sdk_s3::types::ChecksumMode;
use aws_sdk_s3::types::OptionalObjectAttributes;
use aws_sdk_s3::types::RequestPayer;
use bytes::Bytes;
use tokio::runtime::Handle as Runtime;
use tokio::sync::mpsc::Sender;

use crate::config::SourceSpec;
use crate::config::partition_of;
use crate::session::Skip;
use crate::source::Body;
use crate::source::Found;
use crate::source::Handle;
use crate::source::Listed;
use crate::source::Position;
use crate::source::Refusal;
use crate::source::Seen;
use crate::source::Source;
use crate::source::aws::Connection;
use crate::source::aws::Need;

/// Objects up to this size are fetched into memory at once.
const SMALL: u64 = 4 << 20;
/// How often a broken body is taken up again without a byte of progress.
const TAKES: u32 = 5;

/// A prefix of a bucket.
pub struct Bucket {
    name: String,
    bucket: String,
    prefix: String,
    versions: bool,
    account: Option<String>,
    reader: Reader,
    connection: Connection,
    region: Option<String>,
    /// What ended all reading here.
    ended: OnceLock<Refusal>,
}

/// What every request for an object carries.
#[derive(Clone)]
struct Reader {
    client: Client,
    bucket: String,
    owner: Option<String>,
    payer: Option<RequestPayer>,
    /// A service that is not Amazon's, which may not tell in its listing what was restored.
    compatible: bool,
}

impl Bucket {
    /// Finds the bucket's Region and makes ready. Asks for one thing only: HeadBucket.
    pub async fn open(
        spec: &SourceSpec,
        bucket: &str,
        prefix: &str,
        connection: Connection,
    ) -> Result<Self, Refusal> {
        let owner = spec.bucket_owner.clone();
        let region = region_of(&connection, bucket, owner.as_deref()).await?;
        let connection = connection.in_region(&region);
        let reader = Reader {
            client: client(&connection),
            bucket: bucket.to_owned(),
            owner,
            payer: spec.requester_pays.then_some(RequestPayer::Requester),
            compatible: connection.sdk.endpoint_url().is_some(),
        };
        Ok(Self {
            name: format!("s3://{bucket}/{prefix}"),
            bucket: bucket.to_owned(),
            prefix: prefix.to_owned(),
            versions: spec.versions,
            account: spec.account.clone(),
            reader,
            connection,
            region: Some(region),
            ended: OnceLock::new(),
        })
    }

    pub fn region(&self) -> Option<&str> {
        self.region.as_deref()
    }

    pub fn connection(&self) -> &Connection {
        &self.connection
    }

    fn arn(&self) -> String {
        arn(&self.connection, &self.bucket)
    }

    async fn objects(&self, prefix: &str, listing: &mut Listing<'_>) -> Result<(), Refusal> {
        let need = Need::of("s3:ListBucket", self.arn());
        let mut token: Option<String> = None;
        loop {
            let page = self
                .reader
                .client
                .list_objects_v2()
                .bucket(&self.bucket)
                .prefix(prefix)
                .set_continuation_token(token.clone())
                .set_expected_bucket_owner(self.reader.owner.clone())
                .set_request_payer(self.reader.payer.clone())
                .optional_object_attributes(OptionalObjectAttributes::RestoreStatus)
                .send()
                .await
                .map_err(|it| self.connection.refused(&it, &need))?;
            for it in page.contents() {
                let restored =
                    it.restore_status().map(|it| it.is_restore_in_progress().unwrap_or(false));
                let object = Object {
                    key: it.key().unwrap_or_default(),
                    etag: it.e_tag().unwrap_or_default(),
                    bytes: it.size().unwrap_or(0),
                    changed: it.last_modified(),
                    class: it.storage_class().map(|it| it.as_str()),
                    restoring: restored,
                    version_id: None,
                };
                if !listing.put(self.listed(&object)).await {
                    return Ok(());
                }
            }
            match next(page.is_truncated(), page.next_continuation_token(), token.as_deref())? {
                Some(it) => token = Some(it),
                None => return Ok(()),
            }
        }
    }

    async fn object_versions(&self, listing: &mut Listing<'_>) -> Result<(), Refusal> {
        let need = Need::of("s3:ListBucketVersions", self.arn());
        let (mut key, mut id): (Option<String>, Option<String>) = (None, None);
        loop {
            let page = self
                .reader
                .client
                .list_object_versions()
                .bucket(&self.bucket)
                .prefix(&self.prefix)
                .set_key_marker(key.clone())
                .set_version_id_marker(id.clone())
                .set_expected_bucket_owner(self.reader.owner.clone())
                .set_request_payer(self.reader.payer.clone())
                .optional_object_attributes(OptionalObjectAttributes::RestoreStatus)
                .send()
                .await
                .map_err(|it| self.connection.refused(&it, &need))?;
            for it in page.versions() {
                let restored =
                    it.restore_status().map(|it| it.is_restore_in_progress().unwrap_or(false));
                let object = Object {
                    key: it.key().unwrap_or_default(),
                    etag: it.e_tag().unwrap_or_default(),
                    bytes: it.size().unwrap_or(0),
                    changed: it.last_modified(),
                    class: it.storage_class().map(|it| it.as_str()),
                    restoring: restored,
                    version_id: it.version_id(),
                };
                if !listing.put(self.listed(&object)).await {
                    return Ok(());
                }
            }
            let mark = |key: Option<&str>, id: Option<&str>| {
                key.map(|it| format!("{it}\0{}", id.unwrap_or_default()))
            };
            let (then, now) = (
                mark(key.as_deref(), id.as_deref()),
                mark(page.next_key_marker(), page.next_version_id_marker()),
            );
            if next(page.is_truncated(), now.as_deref(), then.as_deref())?.is_none() {
                return Ok(());
            }
            key = page.next_key_marker().map(str::to_owned);
            id = page.next_version_id_marker().map(str::to_owned);
        }
    }

    fn listed(&self, it: &Object<'_>) -> Found {
        let place = format!("s3://{}/{}", self.bucket, it.key);
        // Older versions are places of their own; the newest bears the plain name too where versions are off.
        let locator = match it.version_id {
            Some(id) => format!("{place}?versionId={id}"),
            None => place,
        };
        if it.key.ends_with('/') && it.bytes == 0 {
            return Found::Skip(Skip { locator, why: "a folder marker".into(), loses: false });
        }
        let blocked = match (it.class, it.restoring) {
            (Some("GLACIER" | "DEEP_ARCHIVE"), Some(true)) => Some(
                "it is being restored from its archive class; a later run will read it".to_owned(),
            ),
            (Some(class @ ("GLACIER" | "DEEP_ARCHIVE")), None) if !self.reader.compatible => {
                Some(self.needs_restore(class, it.key, it.version_id))
            }
            _ => None,
        };
        Found::Object(Listed {
            locator,
            key: it.key.to_owned(),
            version: version(it.version_id, it.etag, it.bytes),
            bytes: u64::try_from(it.bytes).unwrap_or(0),
            stored_at: it.changed.and_then(micros),
            grown_at: None,
            blocked,
            handle: Handle::Object {
                key: it.key.to_owned(),
                version_id: it.version_id.map(str::to_owned),
            },
        })
    }

    fn needs_restore(&self, class: &str, key: &str, version_id: Option<&str>) -> String {
        let version = version_id.map(|it| format!(" --version-id {it}")).unwrap_or_default();
        format!(
            "it lies in {class} and needs a restore: aws s3api restore-object --bucket {} --key {}{version} \
             --restore-request Days=7",
            quoted(&self.bucket),
            quoted(key)
        )
    }

    fn refuse(&self, it: Refusal) -> Refusal {
        if it.ends {
            let _ = self.ended.set(it.clone());
        }
        it
    }
}

impl Source for Bucket {
    fn name(&self) -> &str {
        &self.name
    }

    async fn list(&self, found: Sender<Found>) -> Result<(), Refusal> {
        let mut listing = Listing { found: &found, seen: HashSet::new(), count: 0 };
        if self.versions {
            return self.object_versions(&mut listing).await;
        }
        self.objects(&self.prefix, &mut listing).await?;
        if listing.count == 0 && !self.prefix.is_empty() {
            // The place may name one object rather than what lies below it.
            let key = self.prefix.trim_end_matches('/');
            let mut one = Listing { found: &found, seen: HashSet::new(), count: 0 };
            let head = self
                .reader
                .client
                .head_object()
                .bucket(&self.bucket)
                .key(key)
                .set_expected_bucket_owner(self.reader.owner.clone())
                .set_request_payer(self.reader.payer.clone())
                .send()
                .await;
            let it = match head {
                Ok(it) => it,
                Err(it) if it.raw_response().is_some_and(|it| it.status().as_u16() == 404) => {
                    return Ok(());
                }
                Err(it) => {
                    let need = Need::of("s3:GetObject", format!("{}/*", self.arn()));
                    return Err(self.connection.refused(&it, &need));
                }
            };
            let object = Object {
                key,
                etag: it.e_tag().unwrap_or_default(),
                bytes: it.content_length().unwrap_or(0),
                changed: it.last_modified(),
                class: it.storage_class().map(|it| it.as_str()),
                restoring: it.restore().map(|it| it.contains("ongoing-request=\"true\"")),
                version_id: None,
            };
            one.put(self.listed(&object)).await;
        }
        Ok(())
    }

    async fn fetch(&self, it: &Listed, _from: Option<&Position>) -> Result<Box<dyn Body>, Refusal> {
        if let Some(it) = self.ended.get() {
            return Err(it.clone());
        }
        let Handle::Object { key, version_id } = &it.handle else {
            return Err(Refusal::new("no object"));
        };
        let get = Get {
            reader: self.reader.clone(),
            connection: self.connection.clone(),
            key: key.clone(),
            version_id: version_id.clone(),
        };
        let mut takes = 0;
        loop {
            let answer = match get.send(None).await {
                Ok(it) => it,
                Err((Some(code), _)) if code == "InvalidObjectState" => {
                    return Err(Refusal::new(self.needs_restore(
                        "an archive class",
                        key,
                        version_id.as_deref(),
                    )));
                }
                Err((_, refusal)) => return Err(self.refuse(refusal)),
            };
            let mut seen = seen_of(&answer);
            let bytes = answer.content_length().and_then(|it| u64::try_from(it).ok());
            let now = version(
                version_id.as_deref(),
                answer.e_tag().unwrap_or_default(),
                answer.content_length().unwrap_or_else(|| i64::try_from(it.bytes).unwrap_or(0)),
            );
            if answer.e_tag().is_some() && now != it.version {
                seen.version = Some(now);
                seen.stored_at = answer.last_modified().and_then(micros);
            }
            // A proxy may take the length off; then the listing's counts, if this is what was listed.
            let wanted = bytes.or_else(|| seen.version.is_none().then_some(it.bytes));
            if wanted.is_none_or(|it| it > SMALL) {
                return Ok(Box::new(Stream {
                    get,
                    etag: answer.e_tag().map(str::to_owned),
                    wanted,
                    at: 0,
                    body: answer.body,
                    held: Bytes::new(),
                    takes: 0,
                    seen,
                    runtime: Runtime::current(),
                }));
            }
            takes += 1;
            let why = match answer.body.collect().await {
                Ok(all) => {
                    let all = all.into_bytes();
                    if wanted == Some(all.len() as u64) {
                        return Ok(Box::new(Small { bytes: all, at: 0, seen }));
                    }
                    format!("it ended after {} of {} bytes", all.len(), wanted.unwrap_or(0))
                }
                Err(it) => broken(&it),
            };
            if takes >= TAKES {
                return Err(Refusal::new(format!("{why}, {takes} times"))
                    .hint("run the same command again; what was read is kept"));
            }
            tokio::time::sleep(pause(takes)).await;
        }
    }

    fn concurrency(&self) -> usize {
        32
    }

    fn calls(&self) -> Vec<(String, u64)> {
        self.connection.calls.by_name()
    }

    fn skew(&self) -> Option<i64> {
        self.connection.calls.far_off()
    }

    fn whereabouts(&self) -> (Option<String>, Option<String>) {
        (self.account.clone(), None)
    }
}

/// One listed object, in the terms that both listings share.
struct Object<'a> {
    key: &'a str,
    etag: &'a str,
    bytes: i64,
    changed: Option<&'a DateTime>,
    class: Option<&'a str>,
    /// Whether a restore is under way; `None` if there was never one.
    restoring: Option<bool>,
    version_id: Option<&'a str>,
}

/// What goes out, each thing once however often pages repeat it.
struct Listing<'a> {
    found: &'a Sender<Found>,
    seen: HashSet<u64>,
    count: u64,
}

impl Listing<'_> {
    /// Hands on one thing; false if nobody listens any more.
    async fn put(&mut self, it: Found) -> bool {
        let locator = match &it {
            Found::Object(it) => &it.locator,
            Found::Skip(it) => &it.locator,
        };
        if !self.seen.insert(crate::source::FIXED.hash_one(locator)) {
            return true;
        }
        self.count += 1;
        self.found.send(it).await.is_ok()
    }
}

/// The token of the next page, or the end.
fn next(
    truncated: Option<bool>,
    token: Option<&str>,
    last: Option<&str>,
) -> Result<Option<String>, Refusal> {
    match token {
        Some(it) if truncated == Some(true) && Some(it) != last => Ok(Some(it.to_owned())),
        _ if truncated != Some(true) => Ok(None),
        _ => Err(Refusal::new("the listing does not go on: AWS repeats the same page")
            .hint("run the same command again; what was read is kept")),
    }
}

/// What changes whenever the bytes may have.
fn version(version_id: Option<&str>, etag: &str, bytes: i64) -> String {
    match version_id {
        Some(id) => id.to_owned(),
        None => format!("{}-{bytes}", etag.trim_matches('"')),
    }
}

fn micros(it: &DateTime) -> Option<i64> {
    it.to_millis().ok()?.checked_mul(1000)
}

/// A word for a POSIX shell.
fn quoted(text: &str) -> String {
    let plain = |it: u8| it.is_ascii_alphanumeric() || b"/._-=@:,+".contains(&it);
    if !text.is_empty() && text.bytes().all(plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

fn pause(takes: u32) -> std::time::Duration {
    std::time::Duration::from_millis(100 << takes.min(6))
}

fn broken(it: &aws_sdk_s3::primitives::ByteStreamError) -> String {
    let text = aws_sdk_s3::error::DisplayErrorContext(it).to_string();
    if text.to_lowercase().contains("checksum") {
        return "its bytes do not have the checksum they were stored with".into();
    }
    if text.contains("minimum throughput") {
        return "its bytes came too slowly".into();
    }
    "the connection broke off".into()
}

fn arn(connection: &Connection, bucket: &str) -> String {
    let region = connection.region().unwrap_or_default();
    format!("arn:{}:s3:::{bucket}", partition_of(&region))
}

fn client(connection: &Connection) -> Client {
    let config = aws_sdk_s3::config::Builder::from(&connection.sdk)
        .force_path_style(connection.sdk.endpoint_url().is_some())
        .retry_partition(super::aws::patience())
        .interceptor(connection.calls.clone());
    Client::from_conf(config.build())
}

/// Asks the bucket itself: it answers with its Region even where it refuses all else ("HeadBucket").
async fn region_of(
    connection: &Connection,
    bucket: &str,
    owner: Option<&str>,
) -> Result<String, Refusal> {
    let here = connection.region().unwrap_or_else(|| "us-east-1".into());
    let client = client(&connection.in_region(&here));
    let head = client
        .head_bucket()
        .bucket(bucket)
        .set_expected_bucket_owner(owner.map(str::to_owned))
        .send()
        .await;
    match head {
        Ok(it) => Ok(it.bucket_region().map_or(here, str::to_owned)),
        Err(error) => {
            let response = error.raw_response();
            let told =
                response.and_then(|it| it.headers().get("x-amz-bucket-region")).map(str::to_owned);
            match (response.map(|it| it.status().as_u16()), told) {
                (Some(404), _) => {
                    let mut it = Refusal::new("there is no such bucket")
                        .hint("check its name and the account");
                    it.ends = true;
                    Err(it)
                }
                (Some(301 | 307), Some(region)) => Ok(region),
                // Another account's, or ours without the permission: the listing will tell.
                (Some(403), told) => match owner {
                    Some(owner) => {
                        let mut it = Refusal::new(format!(
                            "access denied: the bucket does not belong to account {owner}, or s3:ListBucket is missing"
                        ))
                        .hint("check bucket_owner in the configuration before anything else: a bucket of this name in other hands gets your questions");
                        it.ends = true;
                        Err(it)
                    }
                    None => Ok(told.unwrap_or(here)),
                },
                _ => {
                    let need = Need::of("s3:ListBucket", arn(connection, bucket));
                    Err(connection.refused(&error, &need))
                }
            }
        }
    }
}

fn seen_of(it: &GetObjectOutput) -> Seen {
    let sums = [
        ("crc64nvme", it.checksum_crc64_nvme()),
        ("sha256", it.checksum_sha256()),
        ("crc32c", it.checksum_crc32_c()),
        ("crc32", it.checksum_crc32()),
        ("sha1", it.checksum_sha1()),
    ];
    let encryption = it.server_side_encryption().map(|kind| match it.ssekms_key_id() {
        Some(key) => format!("{}:{key}", kind.as_str()),
        None => kind.as_str().to_owned(),
    });
    Seen {
        version: None,
        stored_at: None,
        version_id: it.version_id().map(str::to_owned),
        etag: it.e_tag().map(|it| it.trim_matches('"').to_owned()),
        checksum: sums.into_iter().find_map(|(name, value)| Some(format!("{name}:{}", value?))),
        encryption,
        // "Amazon S3 returns this header for all objects except for S3 Standard" ("GetObject").
        storage_class: Some(it.storage_class().map_or("STANDARD", |it| it.as_str()).to_owned()),
        damaged: None,
        position: None,
        ..Seen::default()
    }
}

/// A request for one object.
struct Get {
    reader: Reader,
    connection: Connection,
    key: String,
    version_id: Option<String>,
}

impl Get {
    /// The whole object, or what follows a byte of one with a known ETag. An error comes with its code.
    async fn send(
        &self,
        from: Option<(u64, Option<&str>)>,
    ) -> Result<GetObjectOutput, (Option<String>, Refusal)> {
        let mut get = self
            .reader
            .client
            .get_object()
            .bucket(&self.reader.bucket)
            .key(&self.key)
            .set_version_id(self.version_id.clone())
            .set_expected_bucket_owner(self.reader.owner.clone())
            .set_request_payer(self.reader.payer.clone());
        get = match from {
            Some((at, etag)) => {
                get.range(format!("bytes={at}-")).set_if_match(etag.map(str::to_owned))
            }
            None => get.checksum_mode(ChecksumMode::Enabled),
        };
        let turn = self.connection.calls.turn().await;
        let answer = get.send().await;
        drop(turn);
        answer.map_err(|it| {
            let action =
                if self.version_id.is_some() { "s3:GetObjectVersion" } else { "s3:GetObject" };
            let need =
                Need::of(action, format!("{}/*", arn(&self.connection, &self.reader.bucket)));
            (it.meta().code().map(str::to_owned), self.connection.refused(&it, &need))
        })
    }
}

/// An object in memory.
struct Small {
    bytes: Bytes,
    at: usize,
    seen: Seen,
}

impl Read for Small {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let rest = &self.bytes[self.at..];
        let used = rest.len().min(buffer.len());
        buffer[..used].copy_from_slice(&rest[..used]);
        self.at += used;
        Ok(used)
    }
}

impl Body for Small {
    fn seen(&self) -> Seen {
        self.seen.clone()
    }
}

/// An object that comes as it is read. Reading must happen outside of the runtime's own threads.
struct Stream {
    get: Get,
    etag: Option<String>,
    /// How many bytes there are, if anybody said.
    wanted: Option<u64>,
    at: u64,
    body: ByteStream,
    held: Bytes,
    takes: u32,
    seen: Seen,
    runtime: Runtime,
}

impl Stream {
    fn take_up(&mut self, why: &str) -> std::io::Result<()> {
        loop {
            self.takes += 1;
            if self.takes > TAKES {
                let wanted = self.wanted.map_or_else(|| "?".into(), |it| it.to_string());
                let text = format!("{why} at byte {} of {wanted}, {TAKES} times", self.at);
                return Err(std::io::Error::other(text));
            }
            let wait = pause(self.takes);
            // A timer belongs to the runtime it is made in.
            self.runtime.block_on(async move { tokio::time::sleep(wait).await });
            match self.runtime.block_on(self.get.send(Some((self.at, self.etag.as_deref())))) {
                Ok(it) => {
                    self.body = it.body;
                    return Ok(());
                }
                Err((Some(code), _)) if code == "PreconditionFailed" => {
                    let text =
                        "it was replaced while it was being read; the next run reads the new one";
                    return Err(std::io::Error::other(text));
                }
                Err((_, refusal)) if self.takes == TAKES => return Err(refusal.into()),
                Err(_) => {}
            }
        }
    }
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        loop {
            if !self.held.is_empty() {
                let used = self.held.len().min(buffer.len());
                buffer[..used].copy_from_slice(&self.held.split_to(used));
                self.at += used as u64;
                return Ok(used);
            }
            match self.runtime.block_on(self.body.next()) {
                Some(Ok(it)) => {
                    if !it.is_empty() {
                        self.takes = 0;
                    }
                    self.held = it;
                }
                Some(Err(it)) => self.take_up(&broken(&it))?,
                None => match self.wanted {
                    Some(wanted) if self.at < wanted => self.take_up("it ended")?,
                    _ => return Ok(0),
                },
            }
        }
    }
}

impl Body for Stream {
    fn seen(&self) -> Seen {
        self.seen.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_quoted_for_the_shell_that_the_command_is_pasted_into() {
        assert_eq!(quoted("prod/alice-0123456789abcdef0.log"), "prod/alice-0123456789abcdef0.log");
        assert_eq!(quoted("a b$(x)'y"), r"'a b$(x)'\''y'");
    }

    #[test]
    fn a_listing_that_repeats_its_token_is_no_end() {
        assert_eq!(next(Some(false), None, None), Ok(None));
        assert_eq!(next(Some(true), Some("b"), Some("a")), Ok(Some("b".into())));
        assert!(next(Some(true), Some("a"), Some("a")).is_err());
        assert!(next(Some(true), None, None).is_err());
    }
}
