//! Transcripts below a prefix: how many, and how some of them are stored, the same ones on every run.

use futures_util::StreamExt;
use sha2::Digest;
use sha2::Sha256;

use super::context::AT_ONCE;
use super::context::AwsContext;
use super::context::at;
use super::context::own;
use super::pages::NextPage;
use super::pages::PageCount;
use crate::settings::*;

/// Keys of one prefix that are listed at most: ten pages.
const LISTED: u64 = 10_000;

/// Lists a prefix, and looks at the newest five, the oldest five and as many others, the same on every run.
pub(super) async fn sample(
    aws: &AwsContext,
    client: &aws_sdk_s3::Client,
    bucket: &str,
    arn: &str,
    prefix: &str,
    owner: Option<&str>,
    more: usize,
) -> Read<Sample> {
    let need = aws.need("s3:ListBucket", arn);
    let mut out = Sample::default();
    let mut listed: Vec<(At, String)> = Vec::new();
    let mut pages = PageCount::default();
    let mut read;
    loop {
        let ask = client
            .list_objects_v2()
            .bucket(bucket)
            .prefix(prefix)
            .set_expected_bucket_owner(owner.map(str::to_owned))
            .set_continuation_token(pages.token());
        let mut token = NextPage::End;
        read =
            aws.read("s3:ListObjectsV2", &need, ask.send().await, &[], Sample::default(), |page| {
                token = NextPage::if_truncated(page.is_truncated(), page.next_continuation_token());
                for it in page.contents() {
                    let size = it.size().unwrap_or(0).unsigned_abs();
                    out.listed += 1;
                    out.bytes += size;
                    out.small += u64::from(size < 128 * 1024);
                    listed
                        .push((it.last_modified().and_then(at).unwrap_or_default(), own(it.key())));
                }
                Sample::default()
            });
        if matches!(read.outcome, Outcome::Unread(_)) {
            return read;
        }
        match pages.next("s3:ListObjectsV2", token) {
            Ok(true) if out.listed < LISTED => {}
            Ok(more) => {
                out.complete = !more;
                break;
            }
            Err(why) => return Read { asked: read.asked, outcome: Outcome::Unread(why) },
        }
    }
    listed.sort();
    out.oldest = listed.first().map(|it| it.0);
    out.newest = listed.last().map(|it| it.0);
    let mut chosen: Vec<String> =
        listed.iter().take(5).chain(listed.iter().rev().take(5)).map(|it| it.1.clone()).collect();
    let mut others: Vec<(Vec<u8>, &String)> =
        listed.iter().map(|it| (Sha256::digest(it.1.as_bytes()).to_vec(), &it.1)).collect();
    others.sort();
    chosen.extend(others.into_iter().take(more).map(|it| it.1.clone()));
    chosen.sort();
    chosen.dedup();
    let heads = futures_util::stream::iter(chosen).map(|key| async move {
        let need = aws.need("s3:GetObject", format!("{arn}/{prefix}*"));
        let got = client
            .head_object()
            .bucket(bucket)
            .key(&key)
            .set_expected_bucket_owner(owner.map(str::to_owned))
            .send()
            .await;
        let head = aws.read("s3:HeadObject", &need, got, &[], Head::default(), |it| Head {
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
    });
    out.objects = heads.buffered(AT_ONCE).collect().await;
    Read { asked: read.asked, outcome: Outcome::Is(out) }
}
