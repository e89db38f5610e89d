//! How the places are set to which sessions are logged, as AWS told it at one moment: a survey.
//!
//! A survey is data. It can be written to a file, kept, and judged again years later without AWS; so every answer carries
//! the call, its time and its request id, and whatever was refused is here as *unread*, with the action that was missing.
//! Nothing is judged here and nothing is asked here: `source::survey` fills these values, `audit` judges them.
//!
//! Names of fields follow the members of AWS's own answers, so that one can be looked up beside the other.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use serde::Deserializer;
use serde::Serialize;
use serde::Serializer;
use serde::de::Error as _;

/// Version of the file. Raised when an older reader would misread it.
pub const VERSION: u32 = 1;

/// An instant, UTC microseconds; in a file an RFC 3339 text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct At(pub i64);

impl At {
    /// ```
    /// use ssmtrail::settings::At;
    /// assert_eq!(At(1_795_392_000_000_000).to_string(), "2026-11-23T00:00:00Z");
    /// assert_eq!(At::read("2026-11-23T00:00:00Z"), Some(At(1_795_392_000_000_000)));
    /// ```
    pub fn read(text: &str) -> Option<Self> {
        let it = chrono::DateTime::parse_from_rfc3339(text).ok()?;
        Some(Self(it.timestamp_micros()))
    }

    /// Whole days from `self` to `other`; negative if `other` was before.
    pub fn days_until(self, other: Self) -> i64 {
        (other.0 - self.0).div_euclid(86_400_000_000)
    }
}

impl fmt::Display for At {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let it = chrono::DateTime::from_timestamp_micros(self.0).unwrap_or_default();
        out.write_str(&it.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true))
    }
}

impl Serialize for At {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for At {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        Self::read(&text).ok_or_else(|| D::Error::custom(format!("{text} is no RFC 3339 time")))
    }
}

/// One question to AWS and what came of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Read<T> {
    #[serde(flatten)]
    pub asked: Asked,
    #[serde(flatten)]
    pub outcome: Outcome<T>,
}

/// What was asked, and when: the evidence beneath a verdict.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Asked {
    /// The operation, as `s3:GetBucketLifecycleConfiguration`.
    pub api: String,
    /// The permission it needs, as `s3:GetLifecycleConfiguration`.
    pub action: String,
    pub at: At,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome<T> {
    Is(T),
    Unread(Unread),
}

/// Why a setting is not known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unread {
    pub reason: Reason,
    /// In the words of a message.
    pub why: String,
    /// The permission that would have been needed, where one was missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub missing: Option<String>,
    /// The ARN it would be needed on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on: Option<String>,
}

/// Reason codes of what is unknown. Machines branch on them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    AccessDenied,
    ExplicitDeny,
    Throttled,
    Unreachable,
    RegionNotEnabled,
    NotOwner,
    Credentials,
    NotThere,
    /// The answer was there, but not in a form we can judge.
    NotUnderstood,
    /// Nothing to look at: an empty prefix.
    SampleEmpty,
    PartialPage,
    /// A condition depends on what only a real request would carry.
    MissingContextKey,
    /// The API does not reach back so far.
    HorizonExceeded,
    /// It was not asked for in this survey.
    NotAsked,
    SdkError,
}

impl Reason {
    pub fn code(self) -> &'static str {
        match self {
            Self::AccessDenied => "access_denied",
            Self::ExplicitDeny => "explicit_deny",
            Self::Throttled => "throttled",
            Self::Unreachable => "unreachable",
            Self::RegionNotEnabled => "region_not_enabled",
            Self::NotOwner => "not_owner",
            Self::Credentials => "credentials",
            Self::NotThere => "not_there",
            Self::NotUnderstood => "not_understood",
            Self::SampleEmpty => "sample_empty",
            Self::PartialPage => "partial_page",
            Self::MissingContextKey => "missing_context_key",
            Self::HorizonExceeded => "horizon_exceeded",
            Self::NotAsked => "not_asked",
            Self::SdkError => "sdk_error",
        }
    }
}

impl Unread {
    pub fn new(reason: Reason, why: impl Into<String>) -> Self {
        Self { reason, why: why.into(), missing: None, on: None }
    }
}

impl<T> Read<T> {
    pub fn known(&self) -> Result<&T, Unread> {
        match &self.outcome {
            Outcome::Is(it) => Ok(it),
            Outcome::Unread(it) => Err(it.clone()),
        }
    }
}

impl<T> Default for Read<T> {
    /// A question that was not asked.
    fn default() -> Self {
        let asked =
            Asked { api: String::new(), action: String::new(), at: At(0), request_id: None };
        let why = "it was not read in this survey";
        Self { asked, outcome: Outcome::Unread(Unread::new(Reason::NotAsked, why)) }
    }
}

/// Everything that was read in one run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Survey {
    pub version: u32,
    /// Program and version that asked.
    pub taken_by: String,
    pub taken_at: At,
    /// Who asked, one for each way to AWS.
    pub callers: Vec<Caller>,
    /// One Region of one account each.
    pub corners: Vec<Corner>,
    pub groups: Vec<LogGroup>,
    pub buckets: Vec<Bucket>,
    pub keys: Vec<Key>,
    pub accounts: Vec<Account>,
    /// Roles by which nodes write transcripts.
    pub roles: Vec<Role>,
    /// Principals that start sessions, as the promise names them.
    pub starters: Vec<Role>,
    /// The newest transcripts that our own archive holds, by target and place.
    pub arrivals: Vec<Arrival>,
    /// What could not even be begun: an account, a source.
    pub unread: Vec<Gap>,
    /// Requests made, by operation.
    pub calls: BTreeMap<String, u64>,
}

/// A part of the work that could not be begun.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gap {
    pub what: String,
    pub unread: Unread,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Caller {
    pub account: String,
    pub arn: String,
}

/// One Region of one account: what is set once for it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Corner {
    pub account: String,
    pub region: String,
    /// The document that a session uses unless its starter names another; `None` if there is none.
    pub preferences: Read<Option<Document>>,
    /// All other Session documents of the account.
    pub documents: Read<Vec<Document>>,
    pub nodes: Read<Vec<Node>>,
    pub retention_policies: Read<Vec<AccountPolicy>>,
    pub subscription_policies: Read<Vec<AccountPolicy>>,
    pub destinations: Read<Vec<Destination>>,
    /// Resource policies of CloudWatch Logs, of account scope.
    pub logs_policies: Read<Vec<ResourcePolicy>>,
    pub trails: Read<Vec<Trail>>,
    /// Role of the Default Host Management Configuration; `None` if that is off.
    pub default_role: Read<Option<String>>,
    pub network: Network,
}

/// EC2 instances of a corner, and what lies between them and the endpoints of AWS. All but the instances is asked for only
/// where there are any. Source: "DescribeInstances" and its neighbours (Amazon EC2 API Reference).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Network {
    pub instances: Read<Vec<Instance>>,
    pub route_tables: Read<Vec<RouteTable>>,
    pub endpoints: Read<Vec<Endpoint>>,
    pub security_groups: Read<Vec<SecurityGroup>>,
    pub acls: Read<Vec<NetworkAcl>>,
    pub vpcs: Vec<Vpc>,
}

/// An EC2 instance that is not terminated.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Instance {
    pub id: String,
    /// `running`, `stopped`, …
    pub state: String,
    pub vpc: String,
    pub subnet: String,
    pub private_ip: Option<String>,
    /// An address that the internet can answer to, on any of its interfaces.
    pub public_ip: Option<String>,
    pub ipv6: bool,
    pub security_groups: Vec<String>,
    /// ARN of its instance profile.
    pub profile: Option<String>,
    /// The role within that profile.
    pub role: Read<Option<String>>,
    /// Whether its metadata service answers.
    pub metadata: Option<bool>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RouteTable {
    pub id: String,
    pub vpc: String,
    /// It serves the subnets of its VPC that no other table names.
    pub main: bool,
    pub subnets: Vec<String>,
    pub routes: Vec<Route>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Route {
    /// A block of addresses, or a prefix list.
    pub destination: String,
    /// Id of a gateway, an interface, …
    pub target: String,
    /// `active`, `blackhole`.
    pub state: String,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Endpoint {
    pub id: String,
    /// As `com.amazonaws.eu-west-1.ssm`.
    pub service: String,
    /// `Interface`, `Gateway`, …
    pub kind: String,
    pub state: String,
    pub vpc: String,
    pub private_dns: bool,
    pub route_tables: Vec<String>,
    pub security_groups: Vec<String>,
    pub policy: Option<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SecurityGroup {
    pub id: String,
    pub ingress: Vec<Opening>,
    pub egress: Vec<Opening>,
}

/// What a security group lets through.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Opening {
    /// `tcp`, or `-1` for all.
    pub protocol: String,
    pub from_port: Option<i64>,
    pub to_port: Option<i64>,
    pub blocks: Vec<String>,
    pub security_groups: Vec<String>,
    pub prefix_lists: Vec<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct NetworkAcl {
    pub id: String,
    pub subnets: Vec<String>,
    pub entries: Vec<AclEntry>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AclEntry {
    pub number: i64,
    pub egress: bool,
    pub allows: bool,
    pub protocol: String,
    pub block: String,
    pub from_port: Option<i64>,
    pub to_port: Option<i64>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Vpc {
    pub id: String,
    pub dns_support: Read<bool>,
    pub dns_hostnames: Read<bool>,
}

/// What is set once for a whole account.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Account {
    pub id: String,
    /// Block Public Access of all buckets; `None` if it was never set.
    pub public_access: Read<Option<PublicAccess>>,
}

/// A principal, and what it may do to the places that sessions are logged to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Role {
    pub arn: String,
    /// Nodes that act by it, as ids, each with its Region.
    pub nodes: Vec<(String, String)>,
    /// What IAM's simulator said, a row for each resource and context.
    pub simulations: Vec<Simulation>,
    /// Its own policies, read where the simulator was refused.
    pub policies: Read<Vec<ResourcePolicy>>,
}

/// Source: "SimulatePrincipalPolicy" (IAM API Reference). Identity policies, boundary and service control policies are
/// in it; policies of buckets and keys are not.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Simulation {
    pub resource: String,
    pub decisions: Read<Vec<Decision>>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Decision {
    pub action: String,
    /// `allowed`, `explicitDeny`, `implicitDeny`.
    pub decision: String,
    /// Condition keys that only a real request carries.
    pub missing_context: Vec<String>,
    pub by_organization: Option<bool>,
    pub by_boundary: Option<bool>,
}

/// When a transcript of a target last came to a place, by our own archive.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Arrival {
    pub target: String,
    /// `s3` or `logs`.
    pub kind: String,
    pub at: At,
}

/// A Session document.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Document {
    pub name: String,
    /// The version that a session would use.
    pub version: String,
    /// Which versions there are, and its status.
    pub described: Read<Described>,
    /// The same in surveys that did not yet tell how they knew it.
    #[serde(flatten)]
    pub old: Described,
    /// As AWS gave it: JSON.
    pub content: Read<String>,
    /// Accounts it is shared with; `all` is everybody.
    pub shared_with: Read<Vec<String>>,
}

/// Which versions of a document there are. Source: "DescribeDocument" (AWS Systems Manager API Reference).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Described {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default_version: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub latest_version: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
}

impl Document {
    /// Which versions there are, as far as it is known.
    pub fn described(&self) -> Result<&Described, Unread> {
        match self.described.known() {
            Err(it) if it.reason == Reason::NotAsked && self.old.latest_version.is_some() => {
                Ok(&self.old)
            }
            it => it,
        }
    }
}

/// A managed node, as Systems Manager knows it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Node {
    pub id: String,
    /// `Online`, `ConnectionLost`, `Inactive`.
    pub ping: String,
    pub platform: String,
    pub agent_version: String,
    /// Role of a hybrid node, or of the Default Host Management Configuration.
    pub role: Option<String>,
}

impl Node {
    /// The agent's version, part by part; empty if it is not known.
    pub fn version(&self) -> Vec<u64> {
        let parts = self.agent_version.split('.').map(str::parse);
        parts.collect::<Result<_, _>>().unwrap_or_default()
    }
}

/// Source: "PutAccountPolicy" (Amazon CloudWatch Logs API Reference).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AccountPolicy {
    pub name: String,
    pub document: String,
    pub selection: Option<String>,
    pub updated_at: Option<At>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ResourcePolicy {
    pub name: String,
    pub document: String,
}

/// Where a subscription may send events to, in another account.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Destination {
    pub arn: String,
    pub target: String,
}

/// A log group that sessions are logged to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct LogGroup {
    pub name: String,
    pub account: String,
    pub region: String,
    /// What sends sessions there, in words.
    pub named_by: Vec<String>,
    pub settings: Read<Option<GroupSettings>>,
    pub subscriptions: Read<Vec<Subscription>>,
    /// Resource policies attached to the group itself.
    pub policies: Read<Vec<ResourcePolicy>>,
}

/// Source: "LogGroup" (Amazon CloudWatch Logs API Reference). What is absent there is `None` here.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct GroupSettings {
    pub created_at: Option<At>,
    /// The retention in force, account policies included; `None` keeps for ever.
    pub retention_days: Option<i64>,
    /// Name of the account policy that set it.
    pub retention_policy: Option<String>,
    pub kms_key: Option<String>,
    pub class: Option<String>,
    pub deletion_protection: Option<bool>,
    pub bearer_token: Option<bool>,
    pub stored_bytes: Option<i64>,
    pub data_protection: Option<String>,
    pub inherited: Vec<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Subscription {
    pub name: String,
    pub destination: String,
    pub pattern: String,
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

impl Transition {
    /// Days after an upload at which it moves what is uploaded now.
    pub fn after(&self, now: At) -> i64 {
        self.days.or(self.on.map(|on| now.days_until(on).max(0))).unwrap_or(0)
    }
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

/// A key that protects transcripts or sessions.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Key {
    /// As it is named where it is used: ARN, id or alias.
    pub id: String,
    pub account: String,
    pub region: String,
    pub used_by: Vec<KeyUse>,
    pub state: Read<Option<KeyState>>,
    pub policy: Read<String>,
    /// `None` where rotation cannot be set for such a key.
    pub rotation: Read<Option<Rotation>>,
}

/// What a key is used for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyUse {
    /// ARN of the group.
    LogGroup(String),
    /// Default encryption of this bucket.
    Bucket(String),
    /// Some transcripts in this bucket.
    Objects(String),
    /// Session data, by this document.
    Sessions(String),
}

/// Source: "KeyMetadata" (AWS KMS API Reference).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct KeyState {
    pub arn: String,
    /// `Enabled`, `Disabled`, `PendingDeletion`, …
    pub state: String,
    /// `AWS` or `CUSTOMER`.
    pub manager: String,
    pub spec: String,
    pub origin: String,
    pub deletion_at: Option<At>,
    /// When imported material ends.
    pub valid_to: Option<At>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Rotation {
    pub enabled: bool,
    pub period_days: Option<i64>,
}

/// Source: "Trail", "GetTrailStatus", "GetEventSelectors" (AWS CloudTrail API Reference).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Trail {
    pub arn: String,
    pub name: String,
    pub bucket: String,
    pub multi_region: bool,
    pub organization: bool,
    pub validated: bool,
    pub status: Read<TrailStatus>,
    pub selectors: Read<Vec<Selector>>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TrailStatus {
    pub logging: bool,
    pub delivery_error: Option<String>,
    pub digest_error: Option<String>,
    pub delivered_at: Option<At>,
}

/// What a trail records, of the plain or the advanced kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Selector {
    Plain {
        /// `All`, `ReadOnly`, `WriteOnly`.
        read_write: String,
        management: bool,
        /// Resource types and ARNs.
        data: Vec<(String, Vec<String>)>,
    },
    Advanced {
        fields: Vec<FieldSelector>,
    },
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct FieldSelector {
    pub field: String,
    pub equals: Vec<String>,
    pub starts_with: Vec<String>,
    pub not_equals: Vec<String>,
    pub not_starts_with: Vec<String>,
    pub ends_with: Vec<String>,
    pub not_ends_with: Vec<String>,
}

impl Survey {
    /// Reads a survey file.
    ///
    /// # Errors
    /// Why the text is none, in words.
    pub fn read(text: &str) -> Result<Self, String> {
        #[derive(Deserialize)]
        struct Head {
            version: u32,
        }
        let head: Head =
            serde_json::from_str(text).map_err(|it| format!("it is no survey: {it}"))?;
        if head.version != VERSION {
            return Err(format!(
                "it is of version {}, and this ssmtrail reads version {VERSION}",
                head.version
            ));
        }
        serde_json::from_str(text).map_err(|it| format!("it is no survey: {it}"))
    }

    pub fn write(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).unwrap_or_default();
        text.push('\n');
        text
    }

    /// Whether anything at all was read.
    pub fn is_empty(&self) -> bool {
        self.corners.is_empty() && self.groups.is_empty() && self.buckets.is_empty()
    }
}
