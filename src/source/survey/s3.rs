//! How a bucket is set, whose it is and where, and what an account blocks for all of its buckets.

use aws_sdk_s3::error::SdkError;
use aws_sdk_s3::operation::get_bucket_acl::GetBucketAclOutput;
use aws_sdk_s3::operation::get_bucket_encryption::GetBucketEncryptionOutput;
use aws_sdk_s3::operation::get_object_lock_configuration::GetObjectLockConfigurationOutput;
use aws_sdk_s3::operation::get_public_access_block::GetPublicAccessBlockOutput;
use aws_sdk_s3::operation::head_bucket::HeadBucketError;
use aws_sdk_s3::operation::head_bucket::HeadBucketOutput;
use aws_sdk_s3::types::IntelligentTieringConfiguration;
use aws_sdk_s3::types::LifecycleRule;
use aws_sdk_s3::types::ReplicationRule;

use super::context::AwsContext;
use super::context::BucketContext;
use super::context::own;
use super::context::told;
use super::pages::NextPage;
use super::sample::sample;
use crate::settings::*;
use crate::source::aws::at;
use crate::source::light;
use crate::source::light::Element;

/// What is set once for each account that has a bucket.
pub(super) async fn accounts(buckets: &[(Bucket, AwsContext)]) -> Vec<Account> {
    let mut out: Vec<Account> = Vec::new();
    for (it, aws) in buckets {
        if !out.iter().any(|one| one.id == it.account) {
            let public_access = account_public_access(aws, &it.account).await;
            out.push(Account { id: it.account.clone(), public_access });
        }
    }
    out
}

async fn account_public_access(aws: &AwsContext, id: &str) -> Read<Option<PublicAccess>> {
    let answer = light::account_public_access(&aws.connection, id).await;
    let call = aws
        .call("s3:GetAccountPublicAccessBlock", "*")
        .absent(&["NoSuchPublicAccessBlockConfiguration"]);
    // Never set is an answer; one of another form is none.
    let blocked = |it: Element<'_, '_>| {
        (it.name() == "PublicAccessBlockConfiguration").then(|| PublicAccess {
            block_acls: it.flag("BlockPublicAcls"),
            ignore_acls: it.flag("IgnorePublicAcls"),
            block_policy: it.flag("BlockPublicPolicy"),
            restrict_buckets: it.flag("RestrictPublicBuckets"),
        })
    };
    let read = call.read_or(Some(None), answer, |it| it.read(blocked).map(Some));
    let mut read = told(read, "s3:GetAccountPublicAccessBlock answered in another form");
    // A private endpoint or an emulator is one for S3, and what it says of a path that it takes for a bucket's tells nothing.
    if let Outcome::Unread(it) = &mut read.outcome
        && it.missing.is_none()
        && aws.connection.sdk.endpoint_url().is_some()
    {
        it.why = "the endpoint that is set does not answer for the account (S3 Control)".into();
    }
    read
}

/// Reads a bucket, and a sample below each of its prefixes; of one that is missing or foreign no more than that. The context is
/// that of its Region. `accounts` are those that may own it.
pub(super) async fn bucket(
    aws: &AwsContext,
    mut it: Bucket,
    more: usize,
    accounts: &[String],
) -> (Bucket, AwsContext) {
    let mut asked = find(aws, &mut it).await;
    if matches!(it.existence.known(), Ok(Existence::Missing | Existence::Foreign)) {
        return (it, asked.aws);
    }
    // Whose it is S3 tells only if it is asked about an account ("Verifying bucket ownership with bucket owner condition").
    if asked.owner.is_none() && it.existence.known().is_ok() {
        let mut accounts = accounts.to_vec();
        // That which asks first: it most likely owns it.
        accounts.sort_by_key(|one| *one != it.account);
        accounts.dedup();
        for account in accounts {
            if head(&asked, Some(&account)).await.is_ok() {
                it.owner = Some(account.clone());
                it.account = account;
                break;
            }
        }
    }
    if let Some(region) = it.region.as_ref().filter(|it| **it != asked.aws.region) {
        asked = in_region(asked, region);
    }
    read_settings(&asked, &mut it).await;
    for prefix in &mut it.prefixes {
        prefix.sample = sample(&asked, &prefix.prefix, more).await;
    }
    (it, asked.aws)
}

/// Whether there is such a bucket, and in which Region.
async fn find(aws: &AwsContext, it: &mut Bucket) -> BucketContext {
    let mut asked = BucketContext {
        client: aws.connection.s3(),
        aws: aws.clone(),
        name: it.name.clone(),
        arn: aws.connection.bucket_arn(&it.name),
        owner: it.expected_owner.clone(),
    };
    let owner = it.expected_owner.as_deref();
    let mut answer = head(&asked, owner).await;
    if let Some(response) = answer.as_ref().err().and_then(|it| it.raw_response())
        && let Some(region) = response.headers().get("x-amz-bucket-region").map(str::to_owned)
    {
        if matches!(response.status().as_u16(), 301 | 400) {
            asked = in_region(asked, &region);
            answer = head(&asked, owner).await;
        }
        it.region = Some(region);
    }
    let response = answer.as_ref().err().and_then(|it| it.raw_response());
    let status = response.map(|it| it.status().as_u16());
    if let Ok(told) = &answer {
        it.region = told.bucket_region().or(Some(&*asked.aws.region)).map(str::to_owned);
    }
    it.existence = asked
        .aws
        .call("s3:HeadBucket", &asked.arn)
        .allowed_by("s3:ListBucket")
        .absent(&["NotFound", "NoSuchBucket"])
        .read_or(Existence::Missing, answer, |_| Existence::Exists);
    if status == Some(404) {
        it.existence.outcome = Outcome::Is(Existence::Missing);
    }
    if status == Some(403) && owner.is_some() && head(&asked, None).await.is_ok() {
        it.existence.outcome = Outcome::Is(Existence::Foreign);
    }
    asked
}

async fn head(
    asked: &BucketContext,
    owner: Option<&str>,
) -> Result<HeadBucketOutput, SdkError<HeadBucketError>> {
    let ask = asked.client.head_bucket().bucket(&asked.name);
    ask.set_expected_bucket_owner(owner.map(str::to_owned)).send().await
}

fn in_region(it: BucketContext, region: &str) -> BucketContext {
    let aws = it.aws.in_region(region);
    BucketContext { client: aws.connection.s3(), aws, ..it }
}

async fn read_settings(asked: &BucketContext, it: &mut Bucket) {
    // The setting and its operation, the API and the permission as IAM writes them, the code that means "not set", and how an
    // answer is read.
    macro_rules! settings {
        ($($field:ident: $call:ident, $api:literal, $action:literal, [$($absent:literal)?], $take:expr;)+) => {$(
            let ask = asked.client.$call().bucket(&asked.name);
            let got = ask.set_expected_bucket_owner(asked.owner.clone()).send().await;
            let call = asked.aws.call($api, &asked.arn).allowed_by($action).absent(&[$($absent)?]);
            it.$field = call.read(got, $take);
        )+};
    }
    settings! {
        encryption: get_bucket_encryption, "s3:GetBucketEncryption", "s3:GetEncryptionConfiguration",
            ["ServerSideEncryptionConfigurationNotFoundError"], encryption;
        lifecycle: get_bucket_lifecycle_configuration, "s3:GetBucketLifecycleConfiguration", "s3:GetLifecycleConfiguration",
            ["NoSuchLifecycleConfiguration"], |it| Some(Lifecycle {
                rules: it.rules().iter().map(rule).collect(),
                minimum_size: it.transition_default_minimum_object_size().map(|it| it.as_str().to_owned()),
            });
        versioning: get_bucket_versioning, "s3:GetBucketVersioning", "s3:GetBucketVersioning",
            [], |it| Versioning {
                status: it.status().map(|it| it.as_str().to_owned()),
                mfa_delete: it.mfa_delete().is_some_and(|it| it.as_str() == "Enabled"),
            };
        lock: get_object_lock_configuration, "s3:GetObjectLockConfiguration", "s3:GetBucketObjectLockConfiguration",
            ["ObjectLockConfigurationNotFoundError"], lock;
        public_access: get_public_access_block, "s3:GetPublicAccessBlock", "s3:GetBucketPublicAccessBlock",
            ["NoSuchPublicAccessBlockConfiguration"], public_access;
        policy: get_bucket_policy, "s3:GetBucketPolicy", "s3:GetBucketPolicy",
            ["NoSuchBucketPolicy"], |it| it.policy().map(str::to_owned);
        policy_is_public: get_bucket_policy_status, "s3:GetBucketPolicyStatus", "s3:GetBucketPolicyStatus",
            ["NoSuchBucketPolicy"], |it| it.policy_status()?.is_public();
        acl: get_bucket_acl, "s3:GetBucketAcl", "s3:GetBucketAcl",
            [], acl;
        ownership: get_bucket_ownership_controls, "s3:GetBucketOwnershipControls", "s3:GetBucketOwnershipControls",
            ["OwnershipControlsNotFoundError"],
            |it| it.ownership_controls()?.rules().first().map(|it| it.object_ownership().as_str().to_owned());
        logging: get_bucket_logging, "s3:GetBucketLogging", "s3:GetBucketLogging",
            [], |it| it.logging_enabled().map(|it| format!("{}/{}", it.target_bucket(), it.target_prefix()));
        replication: get_bucket_replication, "s3:GetBucketReplication", "s3:GetReplicationConfiguration",
            ["ReplicationConfigurationNotFoundError"],
            |it| it.replication_configuration().iter().flat_map(|it| it.rules()).map(replica).collect();
    }
    let ask = async |token| {
        let ask = asked.client.list_bucket_intelligent_tiering_configurations();
        let ask = ask.bucket(&asked.name).set_expected_bucket_owner(asked.owner.clone());
        ask.set_continuation_token(token).send().await
    };
    it.tiering = asked
        .aws
        .call("s3:ListBucketIntelligentTieringConfigurations", &asked.arn)
        .allowed_by("s3:GetIntelligentTieringConfiguration")
        .absent(&["NoSuchConfiguration"])
        .paged(ask, |it| {
            let all = it.intelligent_tiering_configuration_list().iter().map(tiering).collect();
            (all, NextPage::if_truncated(it.is_truncated(), it.next_continuation_token()))
        })
        .await;
}

fn encryption(it: GetBucketEncryptionOutput) -> Option<Encryption> {
    let rule = it.server_side_encryption_configuration()?.rules().first()?;
    let default = rule.apply_server_side_encryption_by_default()?;
    Some(Encryption {
        algorithm: default.sse_algorithm().as_str().to_owned(),
        kms_key: default.kms_master_key_id().map(str::to_owned),
        bucket_key: rule.bucket_key_enabled().unwrap_or(false),
        blocked: rule
            .blocked_encryption_types()
            .map(|it| it.encryption_type().iter().map(|it| it.as_str().to_owned()).collect()),
    })
}

fn lock(it: GetObjectLockConfigurationOutput) -> Option<Lock> {
    let it = it.object_lock_configuration()?;
    let default = it.rule().and_then(|it| it.default_retention());
    Some(Lock {
        mode: default.and_then(|it| it.mode()).map(|it| it.as_str().to_owned()),
        days: default
            .and_then(|it| it.days().map(i64::from).or(it.years().map(|it| i64::from(it) * 365))),
    })
}

fn public_access(it: GetPublicAccessBlockOutput) -> Option<PublicAccess> {
    let it = it.public_access_block_configuration()?;
    Some(PublicAccess {
        block_acls: it.block_public_acls().unwrap_or(false),
        ignore_acls: it.ignore_public_acls().unwrap_or(false),
        block_policy: it.block_public_policy().unwrap_or(false),
        restrict_buckets: it.restrict_public_buckets().unwrap_or(false),
    })
}

fn acl(it: GetBucketAclOutput) -> Acl {
    let grants = it.grants().iter().map(|it| {
        let whom = it.grantee().and_then(|it| it.uri().or(it.id())).unwrap_or("?");
        (whom.to_owned(), own(it.permission()))
    });
    Acl { owner: it.owner().and_then(|it| it.id()).map(str::to_owned), grants: grants.collect() }
}

fn replica(it: &ReplicationRule) -> Replica {
    let filter = it.filter();
    Replica {
        enabled: it.status().as_str() == "Enabled",
        prefix: own(filter.and_then(|it| it.prefix().or(it.and().and_then(|it| it.prefix())))),
        bucket: own(it.destination().map(|it| it.bucket())),
        account: it.destination().and_then(|it| it.account()).map(str::to_owned),
        kms_objects: it
            .source_selection_criteria()
            .and_then(|it| it.sse_kms_encrypted_objects())
            .is_some_and(|it| it.status().as_str() == "Enabled"),
    }
}

fn tiering(it: &IntelligentTieringConfiguration) -> Tiering {
    let filter = it.filter();
    let tiers = it.tierings().iter();
    Tiering {
        id: it.id().to_owned(),
        enabled: it.status().as_str() == "Enabled",
        prefix: own(filter.and_then(|it| it.prefix().or(it.and().and_then(|it| it.prefix())))),
        tagged: filter.is_some_and(|it| {
            it.tag().is_some() || it.and().is_some_and(|it| !it.tags().is_empty())
        }),
        tiers: tiers.map(|it| (it.access_tier().as_str().to_owned(), it.days().into())).collect(),
    }
}

fn rule(it: &LifecycleRule) -> BucketRule {
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
    BucketRule {
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
