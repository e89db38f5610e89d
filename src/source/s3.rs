//! A bucket and a prefix: every object below it, each read whole or not at all.
//!
//! Here is the listing, and what stands between a listed object and its bytes; how those come is in `object`.

use std::collections::HashSet;
use std::hash::BuildHasher;

use aws_sdk_s3::primitives::DateTime;
use aws_sdk_s3::types::OptionalObjectAttributes;
use aws_sdk_s3::types::RequestPayer;
use tokio::sync::mpsc::Sender;

use crate::config::SourceSpec;
use crate::session::Skip;
use crate::source::Eventual;
use crate::source::Found;
use crate::source::Handle;
use crate::source::Listed;
use crate::source::Opened;
use crate::source::Position;
use crate::source::Refusal;
use crate::source::RefusalKind;
use crate::source::Source;
use crate::source::aws::ANY_REGION;
use crate::source::aws::Connection;
use crate::source::aws::at;
use crate::source::aws::each_page;
use crate::source::calls::Calls;
use crate::source::object::Get;
use crate::source::object::ObjectReader;
use crate::source::object::version;
use crate::source::refused::Need;
use crate::source::refused::no_bucket;

/// A prefix of a bucket.
pub struct S3Source {
    name: String,
    prefix: String,
    versions: bool,
    account: Option<String>,
    reader: ObjectReader,
}

impl S3Source {
    /// Finds the bucket's Region and makes ready. Asks for one thing only: HeadBucket.
    ///
    /// # Errors
    /// When the bucket does not exist, HeadBucket fails, or access is denied and an owner was named.
    pub async fn open(
        spec: &SourceSpec,
        bucket: &str,
        prefix: &str,
        connection: Connection,
    ) -> Result<Self, Refusal> {
        let owner = spec.bucket_owner.clone();
        let region = region_of(&connection, bucket, owner.as_deref()).await?;
        let connection = connection.in_region(&region);
        let reader = ObjectReader {
            client: connection.s3(),
            bucket: bucket.to_owned(),
            owner,
            payer: spec.requester_pays.then_some(RequestPayer::Requester),
            compatible: connection.sdk.endpoint_url().is_some(),
            connection,
        };
        Ok(Self {
            name: format!("s3://{bucket}/{prefix}"),
            prefix: prefix.to_owned(),
            versions: spec.versions,
            account: spec.account.clone(),
            reader,
        })
    }

    fn arn(&self) -> String {
        self.reader.connection.bucket_arn(&self.reader.bucket)
    }

    async fn objects(&self, listing: &mut Listing<'_>) -> Result<(), Refusal> {
        let need = Need::of("s3:ListBucket", self.arn());
        let ask = async |token| {
            // What ended the reading ends the listing: nobody reads what it finds.
            self.reader.connection.goes_on()?;
            let ask = self.reader.client.list_objects_v2().bucket(&self.reader.bucket);
            let page = ask
                .prefix(&self.prefix)
                .set_continuation_token(token)
                .set_expected_bucket_owner(self.reader.owner.clone())
                .set_request_payer(self.reader.payer.clone())
                .optional_object_attributes(OptionalObjectAttributes::RestoreStatus);
            page.send().await.map_err(|it| self.reader.connection.refused(&it, &need))
        };
        each_page(ask, async |page| {
            let objects = page.contents().iter().map(|it| ListedObject {
                key: it.key(),
                etag: it.e_tag().unwrap_or_default(),
                bytes: it.size(),
                changed: it.last_modified(),
                class: it.storage_class().map(|it| it.as_str()),
                restoring: it.restore_status().map(|it| it.is_restore_in_progress() == Some(true)),
                version_id: None,
            });
            let heard = listing.put(objects.map(|it| self.listed(&it))).await;
            heard.then_some((page.is_truncated() == Some(true), page.next_continuation_token))
        })
        .await
    }

    async fn object_versions(&self, listing: &mut Listing<'_>) -> Result<(), Refusal> {
        let need = Need::of("s3:ListBucketVersions", self.arn());
        // A token is a key, and of which of its versions.
        let ask = async |token: Option<(String, Option<String>)>| {
            self.reader.connection.goes_on()?;
            let (key, id) = token.unzip();
            let ask = self.reader.client.list_object_versions().bucket(&self.reader.bucket);
            let page = ask
                .prefix(&self.prefix)
                .set_key_marker(key)
                .set_version_id_marker(id.flatten())
                .set_expected_bucket_owner(self.reader.owner.clone())
                .set_request_payer(self.reader.payer.clone())
                .optional_object_attributes(OptionalObjectAttributes::RestoreStatus);
            page.send().await.map_err(|it| self.reader.connection.refused(&it, &need))
        };
        each_page(ask, async |page| {
            let objects = page.versions().iter().map(|it| ListedObject {
                key: it.key(),
                etag: it.e_tag().unwrap_or_default(),
                bytes: it.size(),
                changed: it.last_modified(),
                class: it.storage_class().map(|it| it.as_str()),
                restoring: it.restore_status().map(|it| it.is_restore_in_progress() == Some(true)),
                version_id: it.version_id(),
            });
            let heard = listing.put(objects.map(|it| self.listed(&it))).await;
            let next = page.next_key_marker.map(|key| (key, page.next_version_id_marker));
            heard.then_some((page.is_truncated == Some(true), next))
        })
        .await
    }

    fn listed(&self, it: &ListedObject<'_>) -> Found {
        let untold = |what: &str| {
            let locator = format!("s3://{}/{}", self.reader.bucket, it.key.unwrap_or_default());
            Skip::loss(locator, format!("the listing does not tell its {what}"))
        };
        let key = it.key.filter(|it| !it.is_empty()).ok_or_else(|| untold("key"))?;
        let bytes = it.bytes.and_then(|it| u64::try_from(it).ok()).ok_or_else(|| untold("size"))?;
        let place = format!("s3://{}/{key}", self.reader.bucket);
        // Older versions are places of their own; the newest bears the plain name too where versions are off.
        let locator = match it.version_id {
            Some(id) => format!("{place}?versionId={id}"),
            None => place,
        };
        if key.ends_with('/') && bytes == 0 {
            return Err(Skip::harmless(locator, "a folder marker"));
        }
        let blocked = match (it.class, it.restoring) {
            (Some("GLACIER" | "DEEP_ARCHIVE"), Some(true)) => Some(
                "it is being restored from its archive class; a later run will read it".to_owned(),
            ),
            (Some(class @ ("GLACIER" | "DEEP_ARCHIVE")), None) if !self.reader.compatible => {
                Some(self.needs_restore(class, key, it.version_id))
            }
            _ => None,
        };
        Ok(Listed {
            locator,
            key: key.to_owned(),
            version: version(it.version_id, it.etag, bytes),
            bytes,
            stored_at: it.changed.and_then(at),
            grown_at: None,
            created: None,
            blocked,
            handle: Handle::Object { version_id: it.version_id.map(str::to_owned) },
        })
    }

    fn needs_restore(&self, class: &str, key: &str, version_id: Option<&str>) -> String {
        let version = version_id.map(|it| format!(" --version-id {it}")).unwrap_or_default();
        format!(
            "it lies in {class} and needs a restore: aws s3api restore-object --bucket {} --key {}{version} \
             --restore-request Days=7",
            quoted(&self.reader.bucket),
            quoted(key)
        )
    }

    async fn walk(&self, found: Sender<Found>) -> Result<(), Refusal> {
        let mut listing = Listing { found: &found, seen: HashSet::new(), count: 0 };
        if self.versions {
            return self.object_versions(&mut listing).await;
        }
        self.objects(&mut listing).await?;
        if listing.count == 0 && !self.prefix.is_empty() {
            // The place may name one object rather than what lies below it.
            let key = self.prefix.trim_end_matches('/');
            let head = self
                .reader
                .client
                .head_object()
                .bucket(&self.reader.bucket)
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
                    return Err(self.reader.connection.refused(&it, &need));
                }
            };
            let object = ListedObject {
                key: Some(key),
                etag: it.e_tag().unwrap_or_default(),
                bytes: it.content_length(),
                changed: it.last_modified(),
                class: it.storage_class().map(|it| it.as_str()),
                restoring: it.restore().map(|it| it.contains("ongoing-request=\"true\"")),
                version_id: None,
            };
            listing.put(std::iter::once(self.listed(&object))).await;
        }
        Ok(())
    }

    async fn open_object(&self, it: &Listed) -> Opened {
        self.reader.connection.goes_on()?;
        let Handle::Object { version_id } = &it.handle else {
            return Err(Refusal::new("no object"));
        };
        let get =
            Get { reader: self.reader.clone(), version_id: version_id.clone(), listed: it.clone() };
        get.fetch().await.map_err(|no| match no.kind {
            RefusalKind::Archived => {
                let class = "an archive class";
                Refusal::new(self.needs_restore(class, &it.key, version_id.as_deref()))
            }
            _ => self.reader.connection.met(no),
        })
    }
}

impl Source for S3Source {
    fn name(&self) -> &str {
        &self.name
    }

    fn described(&self) -> String {
        format!("a bucket in {}", self.reader.connection.region().unwrap_or_default())
    }

    fn list(&self, found: Sender<Found>) -> Eventual<'_, Result<(), Refusal>> {
        Box::pin(self.walk(found))
    }

    fn fetch<'a>(&'a self, it: &'a Listed, _from: Option<&'a Position>) -> Eventual<'a, Opened> {
        Box::pin(self.open_object(it))
    }

    fn concurrency(&self) -> usize {
        32
    }

    fn reads(&self, objects: u64, _continued: u64) -> Option<(&'static str, u64)> {
        Some(("GetObject", objects))
    }

    fn asked(&self) -> Option<&Calls> {
        Some(&self.reader.connection.calls)
    }

    fn whereabouts(&self) -> (Option<String>, Option<String>) {
        (self.account.clone(), None)
    }
}

/// One listed object, in the terms that both listings share.
struct ListedObject<'a> {
    key: Option<&'a str>,
    etag: &'a str,
    bytes: Option<i64>,
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
    /// Hands on what a page tells; false if nobody listens any more.
    async fn put(&mut self, page: impl Iterator<Item = Found>) -> bool {
        for it in page {
            let locator = it.as_ref().map_or_else(|it| &it.locator, |it| &it.locator);
            if !self.seen.insert(crate::source::FIXED.hash_one(locator)) {
                continue;
            }
            self.count += 1;
            if self.found.send(it).await.is_err() {
                return false;
            }
        }
        true
    }
}

/// A word for a POSIX shell.
fn quoted(text: &str) -> String {
    let plain = |it: u8| it.is_ascii_alphanumeric() || b"/._-=@:,+".contains(&it);
    if !text.is_empty() && text.bytes().all(plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// Asks the bucket itself: it answers with its Region even where it refuses all else ("HeadBucket").
async fn region_of(
    connection: &Connection,
    bucket: &str,
    owner: Option<&str>,
) -> Result<String, Refusal> {
    let here = connection.region().unwrap_or_else(|| ANY_REGION.into());
    let client = connection.in_region(&here).s3();
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
                (Some(404), _) => Err(no_bucket()),
                (Some(301 | 307), Some(region)) => Ok(region),
                // Another account's, or ours without the permission: the listing will tell.
                (Some(403), told) => match owner {
                    Some(owner) => Err(Refusal::new(format!(
                            "access denied: the bucket does not belong to account {owner}, or s3:ListBucket is missing"
                        ))
                        .hint("check bucket_owner in the configuration before anything else: a bucket of this name in other hands gets your questions")
                        .ending()),
                    None => Ok(told.unwrap_or(here)),
                },
                _ => {
                    let need = Need::of("s3:ListBucket", connection.bucket_arn(bucket));
                    Err(connection.refused(&error, &need))
                }
            }
        }
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
}
