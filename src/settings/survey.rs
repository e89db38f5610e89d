//! The survey: everything that was read in one run, and the file that it is kept in.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::Serialize;

use crate::aws_names::Home;
use crate::time::At;

use super::cloudtrail::Trail;
use super::ec2::Network;
use super::iam::Role;
use super::kms::Key;
use super::logs::AccountPolicy;
use super::logs::Destination;
use super::logs::LogGroup;
use super::logs::ResourcePolicy;
use super::read::Read;
use super::read::Unread;
use super::s3::Account;
use super::s3::Bucket;
use super::ssm::Document;
use super::ssm::Node;

/// Version of the file. Raised when an older reader would misread it.
pub const VERSION: u32 = 1;

/// Everything that was read in one run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Survey {
    /// [`VERSION`] of the program that wrote it.
    pub version: u32,
    /// Program and version that asked.
    pub taken_by: String,
    /// When the survey began.
    pub taken_at: At,
    /// Who asked, one for each way to AWS.
    pub callers: Vec<Caller>,
    /// One Region of one account each.
    pub corners: Vec<Corner>,
    /// Log groups that sessions are logged to, each read in its own Region.
    pub groups: Vec<LogGroup>,
    /// Buckets that sessions are logged to, each with its prefixes.
    pub buckets: Vec<Bucket>,
    /// KMS keys that preferences, log groups and buckets name.
    pub keys: Vec<Key>,
    /// Accounts that hold one of the buckets.
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

impl Survey {
    /// Reads a survey file.
    ///
    /// # Errors
    /// Why the text is none, in words.
    pub fn read(text: &str) -> Result<Self, String> {
        #[derive(Deserialize)]
        struct Versioned {
            version: u32,
        }
        let strange = |it: serde_json::Error| format!("it is no survey: {it}");
        let Versioned { version } = serde_json::from_str(text).map_err(strange)?;
        if version != VERSION {
            return Err(format!(
                "it is of version {version}, and this ssmtrail reads version {VERSION}"
            ));
        }
        serde_json::from_str(text).map_err(strange)
    }

    /// The text of a survey file: indented JSON that ends in a line feed.
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

/// A part of the work that could not be begun.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gap {
    /// What could not be looked into, in words: a place, or the enabled Regions of an account.
    pub what: String,
    /// Why it could not be begun.
    pub unread: Unread,
}

/// An identity that asked, as GetCallerIdentity names it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Caller {
    /// Account id, 12 digits.
    pub account: String,
    /// ARN of the user or role session.
    pub arn: String,
}

/// One Region of one account: what is set once for it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Corner {
    /// Account id, 12 digits.
    pub account: String,
    /// Region code, as `eu-west-1`.
    pub region: String,
    /// The document that a session uses unless its starter names another; `None` if there is none.
    pub preferences: Read<Option<Document>>,
    /// All other Session documents of the account.
    pub documents: Read<Vec<Document>>,
    /// What DescribeInstanceInformation says.
    pub nodes: Read<Vec<Node>>,
    /// CloudWatch Logs account policies of type `RETENTION_POLICY`.
    pub retention_policies: Read<Vec<AccountPolicy>>,
    /// CloudWatch Logs account policies of type `SUBSCRIPTION_FILTER_POLICY`.
    pub subscription_policies: Read<Vec<AccountPolicy>>,
    /// CloudWatch Logs destinations that subscriptions of other accounts may send to.
    pub destinations: Read<Vec<Destination>>,
    /// Resource policies of CloudWatch Logs, of account scope.
    pub logs_policies: Read<Vec<ResourcePolicy>>,
    /// What DescribeTrails says, with the status and the selectors of each.
    pub trails: Read<Vec<Trail>>,
    /// Role of the Default Host Management Configuration; `None` if that is off.
    pub default_role: Read<Option<String>>,
    /// EC2 instances and the network in front of them.
    pub network: Network,
}

impl Corner {
    /// Where the ARNs of what is in it lie.
    pub fn home(&self) -> Home<'_> {
        Home::new(&self.region, &self.account)
    }
}

/// When a transcript of a target last came to a place, by our own archive.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Arrival {
    /// What the session was connected to: `i-…`, `mi-…` or `ecs:…`.
    pub target: String,
    /// `s3` or `logs`.
    pub kind: String,
    /// The latest that the archive knows of such a session: its last event, its end, or when it was stored.
    pub at: At,
}
