//! Buckets, their prefixes and some of their objects, by S3.

use serde::Deserialize;
use serde::Serialize;

use crate::aws_names::RegionCode;
use crate::time::At;

use super::read::Read;

/// What is set once for a whole account.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Account {
    /// Account id, 12 digits.
    pub id: String,
    /// Block Public Access of all buckets; `None` if it was never set.
    pub public_access: Read<Option<PublicAccess>>,
}

/// A bucket that sessions are logged to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Bucket {
    /// Name of the bucket, without its ARN.
    pub name: String,
    /// The account through which it was read.
    pub account: String,
    /// The account that must own it, where the configuration says so: a bucket that is there is its own.
    pub expected_owner: Option<String>,
    /// The account of which S3 said that it owns the bucket, where the configuration says nothing.
    pub owner: Option<String>,
    /// Where the bucket is, where AWS told.
    pub region: Option<String>,
    /// Prefixes below which transcripts go, and what sends them there.
    pub prefixes: Vec<Prefix>,
    /// What HeadBucket says of it.
    pub existence: Read<Existence>,
    /// Default encryption by GetBucketEncryption; `None` if none is set.
    pub encryption: Read<Option<Encryption>>,
    /// Rules by GetBucketLifecycleConfiguration; `None` if none are set.
    pub lifecycle: Read<Option<Lifecycle>>,
    /// What GetBucketVersioning says.
    pub versioning: Read<Versioning>,
    /// What GetObjectLockConfiguration says; `None` without Object Lock.
    pub lock: Read<Option<Lock>>,
    /// Block Public Access of this bucket; `None` if it was never set.
    pub public_access: Read<Option<PublicAccess>>,
    /// The bucket policy, JSON as it is.
    pub policy: Read<Option<String>>,
    /// AWS's own opinion whether the policy makes it public.
    pub policy_is_public: Read<Option<bool>>,
    /// What GetBucketAcl says.
    pub acl: Read<Acl>,
    /// Object Ownership, as `BucketOwnerEnforced`; `None` if no ownership controls are set.
    pub ownership: Read<Option<String>>,
    /// Where server access logs go, as `BUCKET/PREFIX`; `None` if logging is off.
    pub logging: Read<Option<String>>,
    /// S3 Intelligent-Tiering configurations; empty if none are set.
    pub tiering: Read<Vec<Tiering>>,
    /// Rules by GetBucketReplication; empty if none are set.
    pub replication: Read<Vec<Replica>>,
}

impl Bucket {
    /// The account that was proved to own it: the asker is no proof.
    pub fn proved(&self) -> Option<&str> {
        self.expected_owner.as_deref().or(self.owner.as_deref())
    }

    /// Its ARN, in the partition of its Region.
    pub fn arn(&self) -> String {
        let region = self.region.as_deref().unwrap_or_default();
        RegionCode(region).partition_or_aws().bucket(&self.name)
    }
}

/// A prefix of a bucket below which transcripts go.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Prefix {
    /// Empty, or ends with `/`.
    pub prefix: String,
    /// What sends sessions there, in words.
    pub named_by: Vec<String>,
    /// Regions whose sessions are sent here.
    pub session_regions: Vec<String>,
    /// What was listed below it, and a look at some of it.
    pub sample: Read<Sample>,
}

/// Whether a bucket is there, and whose it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Existence {
    /// HeadBucket answered.
    Exists,
    /// S3 knows no bucket of this name.
    Missing,
    /// It is there, and not the expected account's.
    Foreign,
}

/// Default encryption of a bucket (`ServerSideEncryptionRule`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Encryption {
    /// `AES256`, `aws:kms`, `aws:kms:dsse`.
    pub algorithm: String,
    /// Id, ARN or alias of the KMS key; `None` without one, where KMS algorithms take the key `aws/s3`.
    pub kms_key: Option<String>,
    /// Whether S3 Bucket Keys are on, which lowers the number of calls to KMS.
    pub bucket_key: bool,
    /// Kinds of encryption that uploads may not use, as `SSE-C`; `None` where AWS did not tell.
    pub blocked: Option<Vec<String>>,
}

/// Lifecycle configuration of a bucket.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Lifecycle {
    /// All rules, disabled ones included, in S3's order.
    pub rules: Vec<BucketRule>,
    /// `all_storage_classes_128K`, `varies_by_storage_class`.
    pub minimum_size: Option<String>,
}

/// Source: "LifecycleRule" (Amazon S3 API Reference).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct BucketRule {
    /// Id of the rule; empty if it has none.
    pub id: String,
    /// Whether its status is `Enabled`.
    pub enabled: bool,
    /// Keys begin with it; empty means the whole bucket.
    pub prefix: String,
    /// It asks for object tags.
    pub tagged: bool,
    /// It asks for object sizes.
    pub sized: bool,
    /// Days after creation at which current versions expire; `None` if the rule does not count days.
    pub expire_days: Option<i64>,
    /// The date on which current versions expire; `None` if the rule names none.
    pub expire_on: Option<At>,
    /// Days after a version becomes noncurrent at which it is deleted; `None` if the rule does not say.
    pub noncurrent_days: Option<i64>,
    /// Noncurrent versions it keeps whatever their age.
    pub noncurrent_kept: Option<i64>,
    /// Moves to other storage classes: of current versions, then of noncurrent ones.
    pub transitions: Vec<Transition>,
    /// Whether it aborts incomplete multipart uploads.
    pub aborts_uploads: bool,
}

/// A move to another storage class by a lifecycle rule.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Transition {
    /// The storage class it moves to, as `GLACIER` or `DEEP_ARCHIVE`.
    pub class: String,
    /// Days after creation, or after the version became noncurrent; `None` if the rule names a date.
    pub days: Option<i64>,
    /// The date on which it moves them; `None` if the rule counts days.
    pub on: Option<At>,
    /// True for noncurrent versions, false for current ones.
    pub noncurrent: bool,
}

impl Transition {
    /// Days after an upload at which it moves what is uploaded now.
    pub fn after(&self, now: At) -> i64 {
        self.days.or(self.on.map(|on| now.days_until(on).max(0))).unwrap_or(0)
    }
}

/// What GetBucketVersioning says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Versioning {
    /// `Enabled`, `Suspended`; `None` if it was never on.
    pub status: Option<String>,
    /// Whether `MFADelete` is `Enabled`.
    pub mfa_delete: bool,
}

/// Object Lock of a bucket, with its default retention.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Lock {
    /// `GOVERNANCE`, `COMPLIANCE`; `None` without a default rule.
    pub mode: Option<String>,
    /// Years count 365.
    pub days: Option<i64>,
}

/// The four settings of S3 Block Public Access, of a bucket or a whole account; false where S3 does not say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct PublicAccess {
    /// `BlockPublicAcls`: refuses new public ACLs.
    pub block_acls: bool,
    /// `IgnorePublicAcls`: gives public ACLs no effect.
    pub ignore_acls: bool,
    /// `BlockPublicPolicy`: refuses new public bucket policies.
    pub block_policy: bool,
    /// `RestrictPublicBuckets`: holds a public bucket to AWS services and the owner's account.
    pub restrict_buckets: bool,
}

/// What GetBucketAcl says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Acl {
    /// Canonical user id of the owner; `None` where S3 does not say.
    pub owner: Option<String>,
    /// Grantee (a group's URI, or a canonical user id) and permission.
    pub grants: Vec<(String, String)>,
}

/// An S3 Intelligent-Tiering configuration, which moves objects to archive tiers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Tiering {
    /// Id of the configuration.
    pub id: String,
    /// Whether its status is `Enabled`.
    pub enabled: bool,
    /// Keys begin with it; empty means the whole bucket.
    pub prefix: String,
    /// It asks for object tags, which the agent sets none of.
    pub tagged: bool,
    /// Access tier and days, as (`ARCHIVE_ACCESS`, 90).
    pub tiers: Vec<(String, i64)>,
}

/// A replication rule of a bucket.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Replica {
    /// Whether its status is `Enabled`.
    pub enabled: bool,
    /// Keys begin with it; empty means the whole bucket.
    pub prefix: String,
    /// ARN of the bucket that copies go to.
    pub bucket: String,
    /// The account that owns the copies; `None` if the rule names none.
    pub account: Option<String>,
    /// Whether objects under KMS keys are replicated, too (`SseKmsEncryptedObjects`).
    pub kms_objects: bool,
}

/// Some of the objects below a prefix, chosen so that the same choice is made again.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Sample {
    /// How many were listed.
    pub listed: u64,
    /// The listing reached its end.
    pub complete: bool,
    /// Bytes of all listed objects together.
    pub bytes: u64,
    /// Listed objects under 128 KiB.
    pub small: u64,
    /// When the oldest of the listed objects was stored; `None` if nothing was listed.
    pub oldest: Option<At>,
    /// When the newest of the listed objects was stored; `None` if nothing was listed.
    pub newest: Option<At>,
    /// The chosen objects, in order of key.
    pub objects: Vec<Object>,
}

/// One object of a sample.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Object {
    /// The whole key, the prefix included.
    pub key: String,
    /// What HeadObject says.
    pub head: Read<ObjectHead>,
}

/// Source: "HeadObject" (Amazon S3 API Reference).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ObjectHead {
    /// `x-amz-server-side-encryption`, as `AES256` or `aws:kms`; `None` if S3 did not send it.
    pub encryption: Option<String>,
    /// ARN of the KMS key that encrypts it; `None` without one.
    pub kms_key: Option<String>,
    /// The customer's own key was sent with the upload.
    pub customer_key: bool,
    /// Storage class; `None` for `STANDARD`, which S3 does not send.
    pub class: Option<String>,
    /// Object Lock mode of this version: `GOVERNANCE`, `COMPLIANCE`; `None` without a retention that may be read.
    pub lock_mode: Option<String>,
    /// Retain-until date of this version; `None` without a retention that may be read.
    pub lock_until: Option<At>,
    /// Legal hold: `ON`, `OFF`; `None` if none was set, or it may not be read.
    pub legal_hold: Option<String>,
    /// The `x-amz-expiration` header.
    pub expiration: Option<String>,
    /// When it was stored.
    pub modified: Option<At>,
}

impl ObjectHead {
    /// When S3 will remove it, as it says itself: `expiry-date="Fri, 21 Dec 2012 00:00:00 GMT", rule-id="…"`. `None` if it says
    /// nothing; `Some(None)` if what it says is not understood.
    pub fn expires(&self) -> Option<Option<At>> {
        let told = self.expiration.as_deref()?;
        let date = told.split_once("expiry-date=\"").and_then(|it| it.1.split_once('"'));
        Some(date.and_then(|it| At::read_rfc2822(it.0)))
    }
}
