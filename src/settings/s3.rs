//! Buckets, their prefixes and some of their objects, by S3.

use serde::Deserialize;
use serde::Serialize;

use super::read::At;
use super::read::Read;

/// What is set once for a whole account.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Account {
    pub id: String,
    /// Block Public Access of all buckets; `None` if it was never set.
    pub public_access: Read<Option<PublicAccess>>,
}

/// A bucket that sessions are logged to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Bucket {
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
    pub existence: Read<Existence>,
    pub encryption: Read<Option<Encryption>>,
    pub lifecycle: Read<Option<Lifecycle>>,
    pub versioning: Read<Versioning>,
    pub lock: Read<Option<Lock>>,
    pub public_access: Read<Option<PublicAccess>>,
    /// The bucket policy, JSON as it is.
    pub policy: Read<Option<String>>,
    /// AWS's own opinion whether the policy makes it public.
    pub policy_is_public: Read<Option<bool>>,
    pub acl: Read<Acl>,
    pub ownership: Read<Option<String>>,
    pub logging: Read<Option<String>>,
    pub tiering: Read<Vec<Tiering>>,
    pub replication: Read<Vec<Replica>>,
}

impl Bucket {
    /// The account that was proved to own it: the asker is no proof.
    pub fn proved(&self) -> Option<&str> {
        self.expected_owner.as_deref().or(self.owner.as_deref())
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Prefix {
    /// Empty, or ends with `/`.
    pub prefix: String,
    pub named_by: Vec<String>,
    /// Regions whose sessions are sent here.
    pub session_regions: Vec<String>,
    pub sample: Read<Sample>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Existence {
    Exists,
    Missing,
    /// It is there, and not the expected account's.
    Foreign,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Encryption {
    /// `AES256`, `aws:kms`, `aws:kms:dsse`.
    pub algorithm: String,
    pub kms_key: Option<String>,
    pub bucket_key: bool,
    /// Kinds of encryption that uploads may not use, as `SSE-C`; `None` where AWS did not tell.
    pub blocked: Option<Vec<String>>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Lifecycle {
    pub rules: Vec<Rule>,
    /// `all_storage_classes_128K`, `varies_by_storage_class`.
    pub minimum_size: Option<String>,
}

/// Source: "LifecycleRule" (Amazon S3 API Reference).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Rule {
    pub id: String,
    pub enabled: bool,
    pub prefix: String,
    /// It asks for object tags.
    pub tagged: bool,
    /// It asks for object sizes.
    pub sized: bool,
    pub expire_days: Option<i64>,
    pub expire_on: Option<At>,
    pub noncurrent_days: Option<i64>,
    /// Noncurrent versions it keeps whatever their age.
    pub noncurrent_kept: Option<i64>,
    pub transitions: Vec<Transition>,
    pub aborts_uploads: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Transition {
    pub class: String,
    pub days: Option<i64>,
    pub on: Option<At>,
    pub noncurrent: bool,
}

impl Transition {
    /// Days after an upload at which it moves what is uploaded now.
    pub fn after(&self, now: At) -> i64 {
        self.days.or(self.on.map(|on| now.days_until(on).max(0))).unwrap_or(0)
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Versioning {
    /// `Enabled`, `Suspended`; `None` if it was never on.
    pub status: Option<String>,
    pub mfa_delete: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Lock {
    /// `GOVERNANCE`, `COMPLIANCE`; `None` without a default rule.
    pub mode: Option<String>,
    /// Years count 365.
    pub days: Option<i64>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct PublicAccess {
    pub block_acls: bool,
    pub ignore_acls: bool,
    pub block_policy: bool,
    pub restrict_buckets: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Acl {
    pub owner: Option<String>,
    /// Grantee (a group's URI, or a canonical user id) and permission.
    pub grants: Vec<(String, String)>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Tiering {
    pub id: String,
    pub enabled: bool,
    pub prefix: String,
    /// It asks for object tags, which the agent sets none of.
    pub tagged: bool,
    /// Access tier and days, as (`ARCHIVE_ACCESS`, 90).
    pub tiers: Vec<(String, i64)>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Replica {
    pub enabled: bool,
    pub prefix: String,
    pub bucket: String,
    pub account: Option<String>,
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
    pub bytes: u64,
    /// Listed objects under 128 KiB.
    pub small: u64,
    pub oldest: Option<At>,
    pub newest: Option<At>,
    pub objects: Vec<Object>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Object {
    pub key: String,
    pub head: Read<Head>,
}

/// Source: "HeadObject" (Amazon S3 API Reference).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Head {
    pub encryption: Option<String>,
    pub kms_key: Option<String>,
    /// The customer's own key was sent with the upload.
    pub customer_key: bool,
    pub class: Option<String>,
    pub lock_mode: Option<String>,
    pub lock_until: Option<At>,
    pub legal_hold: Option<String>,
    /// The `x-amz-expiration` header.
    pub expiration: Option<String>,
    /// When it was stored.
    pub modified: Option<At>,
}

impl Head {
    /// When S3 will remove it, as it says itself: `expiry-date="Fri, 21 Dec 2012 00:00:00 GMT", rule-id="…"`. `None` if it says
    /// nothing; `Some(None)` if what it says is not understood.
    pub fn expires(&self) -> Option<Option<At>> {
        let told = self.expiration.as_deref()?;
        let date = told.split_once("expiry-date=\"").and_then(|it| it.1.split_once('"'));
        let date = date.and_then(|it| chrono::DateTime::parse_from_rfc2822(it.0).ok());
        Some(date.map(|it| At(it.timestamp_micros())))
    }
}
