//! Transcripts below a prefix: how many, and how some of them are stored, the same ones on every run.

use sha2::Digest;
use sha2::Sha256;

use super::context::BucketContext;
use super::context::each;
use super::context::own;
use super::pages::NextPage;
use crate::settings::*;
use crate::source::aws::at;
use crate::time::At;

/// Keys of one prefix that are listed at most: ten pages.
const LISTED: u64 = 10_000;

/// Lists a prefix, and looks at the newest five, the oldest five and as many others as `more` says.
pub(super) async fn sample(bucket: &BucketContext, prefix: &str, more: usize) -> Read<Sample> {
    let mut read = listed(bucket, prefix).await;
    if let Outcome::Is((out, keys)) = &mut read.outcome {
        out.oldest = keys.first().map(|it| it.0);
        out.newest = keys.last().map(|it| it.0);
        out.objects = each(chosen(keys, more), |key| object(bucket, prefix, key)).await;
    }
    read.and_then(|(out, _)| Ok(out))
}

/// The totals of a prefix, and its keys by the time at which each was stored.
async fn listed(bucket: &BucketContext, prefix: &str) -> Read<(Sample, Vec<(At, String)>)> {
    let mut out = Sample::default();
    let ask = async |token| {
        let ask = bucket.client.list_objects_v2().bucket(&bucket.name).prefix(prefix);
        let ask = ask.set_expected_bucket_owner(bucket.owner.clone());
        ask.set_continuation_token(token).send().await
    };
    let call = bucket.aws.call("s3:ListObjectsV2", &bucket.arn).allowed_by("s3:ListBucket");
    let keys = call.paged(ask, |page| {
        let keys = page.contents().iter().map(|it| {
            let size = it.size().unwrap_or(0).unsigned_abs();
            out.listed += 1;
            out.bytes += size;
            out.small += u64::from(size < 128 * 1024);
            (it.last_modified().and_then(at).unwrap_or_default(), own(it.key()))
        });
        let keys = keys.collect();
        let next = NextPage::if_truncated(page.is_truncated(), page.next_continuation_token());
        out.complete = matches!(next, NextPage::End);
        match next {
            NextPage::At(_) if out.listed >= LISTED => (keys, NextPage::End),
            next => (keys, next),
        }
    });
    keys.await.and_then(|mut keys| {
        keys.sort();
        Ok((out, keys))
    })
}

/// The oldest, the newest, and others by their hashes: whatever comes or goes, most of them are chosen again.
fn chosen(keys: &[(At, String)], more: usize) -> Vec<String> {
    let mut others: Vec<(Vec<u8>, &String)> =
        keys.iter().map(|it| (Sha256::digest(it.1.as_bytes()).to_vec(), &it.1)).collect();
    others.sort();
    let ends = keys.iter().take(5).chain(keys.iter().rev().take(5)).map(|it| &it.1);
    let mut out: Vec<String> =
        ends.chain(others.into_iter().take(more).map(|it| it.1)).cloned().collect();
    out.sort();
    out.dedup();
    out
}

async fn object(bucket: &BucketContext, prefix: &str, key: String) -> Object {
    let ask = bucket.client.head_object().bucket(&bucket.name).key(&key);
    let got = ask.set_expected_bucket_owner(bucket.owner.clone()).send().await;
    let call = bucket.aws.call("s3:HeadObject", format!("{}/{prefix}*", bucket.arn));
    let head = call.allowed_by("s3:GetObject").read(got, |it| ObjectHead {
        encryption: it.server_side_encryption().map(|it| it.as_str().to_owned()),
        kms_key: it.ssekms_key_id().map(str::to_owned),
        customer_key: it.sse_customer_algorithm().is_some(),
        class: it.storage_class().map(|it| it.as_str().to_owned()),
        lock_mode: it.object_lock_mode().map(|it| it.as_str().to_owned()),
        lock_until: it.object_lock_retain_until_date().and_then(at),
        legal_hold: it.object_lock_legal_hold_status().map(|it| it.as_str().to_owned()),
        expiration: it.expiration().map(str::to_owned),
        modified: it.last_modified().and_then(at),
    });
    Object { key, head }
}
