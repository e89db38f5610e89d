//! How a bucket is set, whose it is and where, and what an account blocks for all of its buckets.

use super::context::AwsContext;
use super::context::at;
use super::context::own;
use super::context::told;
use super::pages::NextPage;
use super::sample::sample;
use crate::config::partition_of;
use crate::settings::*;

/// What is set once for an account.
pub(super) async fn account(aws: &AwsContext, id: String) -> Account {
    let need = aws.need("s3:GetAccountPublicAccessBlock", "*");
    let answer = crate::source::light::account_public_access(&aws.connection, &id).await;
    let absent = &["NoSuchPublicAccessBlockConfiguration"];
    // Never set is an answer; one of another form is none.
    let read =
        aws.read("s3:GetAccountPublicAccessBlock", &need, answer, absent, Some(None), |it| {
            let document = roxmltree::Document::parse(&it.text).ok()?;
            if document.root_element().tag_name().name() != "PublicAccessBlockConfiguration" {
                return None;
            }
            let it = crate::source::light::Element::root(&document);
            Some(Some(PublicAccess {
                block_acls: it.flag("BlockPublicAcls"),
                ignore_acls: it.flag("IgnorePublicAcls"),
                block_policy: it.flag("BlockPublicPolicy"),
                restrict_buckets: it.flag("RestrictPublicBuckets"),
            }))
        });
    let mut public_access = told(read, "s3:GetAccountPublicAccessBlock answered in another form");
    // A private endpoint or an emulator is one for S3, and what it says of a path that it takes for a bucket's tells nothing.
    if let Outcome::Unread(it) = &mut public_access.outcome
        && it.missing.is_none()
        && aws.connection.sdk.endpoint_url().is_some()
    {
        it.why = "the endpoint that is set does not answer for the account (S3 Control)".into();
    }
    Account { id, public_access }
}

pub(super) async fn bucket(
    aws: &AwsContext,
    mut it: Bucket,
    more: usize,
    accounts: &[String],
) -> (Bucket, AwsContext) {
    let arn = format!("arn:{}:s3:::{}", partition_of(&aws.region), it.name);
    let need = aws.need("s3:ListBucket", &arn);
    let mut aws = aws.clone();
    let mut client = aws.connection.s3();
    let owner = it.expected_owner.clone();
    let mut asked =
        client.head_bucket().bucket(&it.name).set_expected_bucket_owner(owner.clone()).send().await;
    if let Err(wrong) = &asked
        && let Some(region) =
            wrong.raw_response().and_then(|it| it.headers().get("x-amz-bucket-region"))
    {
        it.region = Some(region.to_owned());
        if wrong
            .raw_response()
            .is_some_and(|it| it.status().as_u16() == 301 || it.status().as_u16() == 400)
        {
            aws = AwsContext {
                connection: aws.connection.in_region(region),
                region: region.to_owned(),
                ..aws
            };
            client = aws.connection.s3();
            asked = client
                .head_bucket()
                .bucket(&it.name)
                .set_expected_bucket_owner(owner.clone())
                .send()
                .await;
        }
    }
    let status =
        asked.as_ref().err().and_then(|it| it.raw_response()).map(|it| it.status().as_u16());
    if let Ok(told) = &asked {
        it.region = told.bucket_region().map(str::to_owned).or(Some(aws.region.clone()));
    }
    it.existence = aws.read(
        "s3:HeadBucket",
        &need,
        asked,
        &["NotFound", "NoSuchBucket"],
        Existence::Missing,
        |_| Existence::Exists,
    );
    if status == Some(404) {
        it.existence.outcome = Outcome::Is(Existence::Missing);
    }
    if status == Some(403)
        && owner.is_some()
        && client.head_bucket().bucket(&it.name).send().await.is_ok()
    {
        it.existence.outcome = Outcome::Is(Existence::Foreign);
    }
    if matches!(it.existence.known(), Ok(Existence::Missing | Existence::Foreign)) {
        return (it, aws);
    }
    // Whose it is S3 tells only if it is asked about an account ("Verifying bucket ownership with bucket owner condition").
    if owner.is_none() && it.existence.known().is_ok() {
        for account in accounts {
            let ask = client.head_bucket().bucket(&it.name).expected_bucket_owner(account);
            if ask.send().await.is_ok() {
                it.owner = Some(account.clone());
                it.account.clone_from(account);
                break;
            }
        }
    }
    if let Some(region) = it.region.clone().filter(|it| *it != aws.region) {
        aws = AwsContext { connection: aws.connection.in_region(&region), region, ..aws };
        client = aws.connection.s3();
    }
    let name = it.name.clone();
    macro_rules! ask {
        ($call:ident, $api:literal, $action:literal, $absent:expr, $nothing:expr, $take:expr) => {{
            let need = aws.need($action, &arn);
            let got =
                client.$call().bucket(&name).set_expected_bucket_owner(owner.clone()).send().await;
            aws.read($api, &need, got, $absent, $nothing, $take)
        }};
    }
    it.encryption = ask!(
        get_bucket_encryption,
        "s3:GetBucketEncryption",
        "s3:GetEncryptionConfiguration",
        &["ServerSideEncryptionConfigurationNotFoundError"],
        None,
        |it| {
            let rule = it.server_side_encryption_configuration()?.rules().first()?.clone();
            let default = rule.apply_server_side_encryption_by_default()?;
            Some(Encryption {
                algorithm: default.sse_algorithm().as_str().to_owned(),
                kms_key: default.kms_master_key_id().map(str::to_owned),
                bucket_key: rule.bucket_key_enabled().unwrap_or(false),
                blocked: rule.blocked_encryption_types().map(|it| {
                    it.encryption_type().iter().map(|it| it.as_str().to_owned()).collect()
                }),
            })
        }
    );
    it.lifecycle = ask!(
        get_bucket_lifecycle_configuration,
        "s3:GetBucketLifecycleConfiguration",
        "s3:GetLifecycleConfiguration",
        &["NoSuchLifecycleConfiguration"],
        None,
        |it| {
            Some(Lifecycle {
                rules: it.rules().iter().map(rule).collect(),
                minimum_size: it
                    .transition_default_minimum_object_size()
                    .map(|it| it.as_str().to_owned()),
            })
        }
    );
    it.versioning = ask!(
        get_bucket_versioning,
        "s3:GetBucketVersioning",
        "s3:GetBucketVersioning",
        &[],
        Versioning::default(),
        |it| Versioning {
            status: it.status().map(|it| it.as_str().to_owned()),
            mfa_delete: it.mfa_delete().is_some_and(|it| it.as_str() == "Enabled"),
        }
    );
    it.lock = ask!(
        get_object_lock_configuration,
        "s3:GetObjectLockConfiguration",
        "s3:GetBucketObjectLockConfiguration",
        &["ObjectLockConfigurationNotFoundError"],
        None,
        |it| {
            let it = it.object_lock_configuration()?;
            let default = it.rule().and_then(|it| it.default_retention());
            Some(Lock {
                mode: default.and_then(|it| it.mode()).map(|it| it.as_str().to_owned()),
                days: default.and_then(|it| {
                    it.days().map(i64::from).or(it.years().map(|it| i64::from(it) * 365))
                }),
            })
        }
    );
    it.public_access = ask!(
        get_public_access_block,
        "s3:GetPublicAccessBlock",
        "s3:GetBucketPublicAccessBlock",
        &["NoSuchPublicAccessBlockConfiguration"],
        None,
        |it| {
            let it = it.public_access_block_configuration()?;
            Some(PublicAccess {
                block_acls: it.block_public_acls().unwrap_or(false),
                ignore_acls: it.ignore_public_acls().unwrap_or(false),
                block_policy: it.block_public_policy().unwrap_or(false),
                restrict_buckets: it.restrict_public_buckets().unwrap_or(false),
            })
        }
    );
    it.policy = ask!(
        get_bucket_policy,
        "s3:GetBucketPolicy",
        "s3:GetBucketPolicy",
        &["NoSuchBucketPolicy"],
        None,
        |it| it.policy().map(str::to_owned)
    );
    it.policy_is_public = ask!(
        get_bucket_policy_status,
        "s3:GetBucketPolicyStatus",
        "s3:GetBucketPolicyStatus",
        &["NoSuchBucketPolicy"],
        None,
        |it| it.policy_status()?.is_public()
    );
    it.acl =
        ask!(get_bucket_acl, "s3:GetBucketAcl", "s3:GetBucketAcl", &[], Acl::default(), |it| Acl {
            owner: it.owner().and_then(|it| it.id()).map(str::to_owned),
            grants: it
                .grants()
                .iter()
                .map(|it| {
                    let whom = it.grantee().and_then(|it| it.uri().or(it.id())).unwrap_or("?");
                    (
                        whom.to_owned(),
                        it.permission().map_or(String::new(), |it| it.as_str().to_owned()),
                    )
                })
                .collect(),
        });
    it.ownership = ask!(
        get_bucket_ownership_controls,
        "s3:GetBucketOwnershipControls",
        "s3:GetBucketOwnershipControls",
        &["OwnershipControlsNotFoundError"],
        None,
        |it| {
            it.ownership_controls()?
                .rules()
                .first()
                .map(|it| it.object_ownership().as_str().to_owned())
        }
    );
    it.logging =
        ask!(get_bucket_logging, "s3:GetBucketLogging", "s3:GetBucketLogging", &[], None, |it| {
            let it = it.logging_enabled()?;
            Some(format!("{}/{}", it.target_bucket(), it.target_prefix()))
        });
    let need = aws.need("s3:GetIntelligentTieringConfiguration", &arn);
    it.tiering = aws
        .paged(
            "s3:ListBucketIntelligentTieringConfigurations",
            &need,
            &["NoSuchConfiguration"],
            async |token| {
                client
                    .list_bucket_intelligent_tiering_configurations()
                    .bucket(&name)
                    .set_continuation_token(token)
                    .set_expected_bucket_owner(owner.clone())
                    .send()
                    .await
            },
            |page| {
                let all = page.intelligent_tiering_configuration_list().iter().map(|it| Tiering {
                    id: it.id().to_owned(),
                    enabled: it.status().as_str() == "Enabled",
                    prefix: own(it
                        .filter()
                        .and_then(|it| it.prefix().or(it.and().and_then(|it| it.prefix())))),
                    tagged: it.filter().is_some_and(|it| {
                        it.tag().is_some() || it.and().is_some_and(|it| !it.tags().is_empty())
                    }),
                    tiers: it
                        .tierings()
                        .iter()
                        .map(|it| (it.access_tier().as_str().to_owned(), i64::from(it.days())))
                        .collect(),
                });
                (
                    all.collect(),
                    NextPage::if_truncated(page.is_truncated(), page.next_continuation_token()),
                )
            },
        )
        .await;
    it.replication = ask!(
        get_bucket_replication,
        "s3:GetBucketReplication",
        "s3:GetReplicationConfiguration",
        &["ReplicationConfigurationNotFoundError"],
        Vec::new(),
        |it| {
            it.replication_configuration()
                .into_iter()
                .flat_map(|it| it.rules())
                .map(|it| Replica {
                    enabled: it.status().as_str() == "Enabled",
                    prefix: own(it
                        .filter()
                        .and_then(|it| it.prefix().or(it.and().and_then(|it| it.prefix())))),
                    bucket: own(it.destination().map(|it| it.bucket())),
                    account: it.destination().and_then(|it| it.account()).map(str::to_owned),
                    kms_objects: it
                        .source_selection_criteria()
                        .and_then(|it| it.sse_kms_encrypted_objects())
                        .is_some_and(|it| it.status().as_str() == "Enabled"),
                })
                .collect()
        }
    );
    for prefix in &mut it.prefixes {
        prefix.sample =
            sample(&aws, &client, &name, &arn, &prefix.prefix, owner.as_deref(), more).await;
    }
    (it, aws)
}

fn rule(it: &aws_sdk_s3::types::LifecycleRule) -> Rule {
    let filter = it.filter();
    let and = filter.and_then(|it| it.and());
    #[expect(deprecated, reason = "old configurations still carry the prefix there")]
    let old = it.prefix();
    let prefix = and.and_then(|it| it.prefix()).or(filter.and_then(|it| it.prefix())).or(old);
    let sizes = [
        filter.and_then(|it| it.object_size_greater_than()),
        filter.and_then(|it| it.object_size_less_than()),
        and.and_then(|it| it.object_size_greater_than()),
        and.and_then(|it| it.object_size_less_than()),
    ];
    let expiration = it.expiration();
    let noncurrent = it.noncurrent_version_expiration();
    let days = |it: Option<i32>| it.map(i64::from);
    let now = it.transitions().iter().map(|it| Transition {
        class: it.storage_class().map_or(String::new(), |it| it.as_str().to_owned()),
        days: days(it.days()),
        on: it.date().and_then(at),
        noncurrent: false,
    });
    let later = it.noncurrent_version_transitions().iter().map(|it| Transition {
        class: it.storage_class().map_or(String::new(), |it| it.as_str().to_owned()),
        days: days(it.noncurrent_days()),
        on: None,
        noncurrent: true,
    });
    Rule {
        id: own(it.id()),
        enabled: it.status().as_str() == "Enabled",
        prefix: own(prefix),
        tagged: filter.is_some_and(|it| it.tag().is_some())
            || and.is_some_and(|it| !it.tags().is_empty()),
        sized: sizes.iter().any(Option::is_some),
        expire_days: days(expiration.and_then(|it| it.days())),
        expire_on: expiration.and_then(|it| it.date()).and_then(at),
        noncurrent_days: days(noncurrent.and_then(|it| it.noncurrent_days())),
        noncurrent_kept: days(noncurrent.and_then(|it| it.newer_noncurrent_versions())),
        transitions: now.chain(later).collect(),
        aborts_uploads: it.abort_incomplete_multipart_upload().is_some(),
    }
}
