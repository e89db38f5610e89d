//! Log groups, and the policies over them, by CloudWatch Logs.

use serde::Deserialize;
use serde::Serialize;

use crate::aws_names::Home;
use crate::time::At;

use super::read::Read;

/// Source: "PutAccountPolicy" (Amazon CloudWatch Logs API Reference).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AccountPolicy {
    /// Name of the account policy.
    pub name: String,
    /// The policy document, JSON as it is.
    pub document: String,
    /// Selection criteria: the log groups it is about; `None` if it names none.
    pub selection: Option<String>,
    /// When it was last changed; `None` where CloudWatch Logs does not say.
    pub updated_at: Option<At>,
}

/// A policy document with its name: of an account's logs, of a log group, or of a role.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ResourcePolicy {
    /// Name of the policy; empty where AWS gives none.
    pub name: String,
    /// The policy document, JSON as it is.
    pub document: String,
}

/// Where a subscription may send events to, in another account.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Destination {
    /// ARN of the destination, which a subscription filter names.
    pub arn: String,
    /// ARN of the stream that it hands events on to.
    pub target: String,
}

/// A log group that sessions are logged to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct LogGroup {
    /// Name of the log group, without its ARN.
    pub name: String,
    /// Account (12 digits) through which it was read.
    pub account: String,
    /// Region it lies in.
    pub region: String,
    /// What sends sessions there, in words.
    pub named_by: Vec<String>,
    /// What DescribeLogGroups says; `None` if no group has this name.
    pub settings: Read<Option<GroupSettings>>,
    /// What DescribeSubscriptionFilters says.
    pub subscriptions: Read<Vec<Subscription>>,
    /// Resource policies attached to the group itself.
    pub policies: Read<Vec<ResourcePolicy>>,
}

impl LogGroup {
    /// Its ARN, without what some calls put behind it.
    pub fn arn(&self) -> String {
        Home::new(&self.region, &self.account).log_group(&self.name)
    }
}

/// Source: "LogGroup" (Amazon CloudWatch Logs API Reference). What is absent there is `None` here.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct GroupSettings {
    /// When the group was created.
    pub created_at: Option<At>,
    /// The retention in force, account policies included; `None` keeps for ever.
    pub retention_days: Option<i64>,
    /// Name of the account policy that set it.
    pub retention_policy: Option<String>,
    /// ARN of the KMS key that is associated with it; `None` without one.
    pub kms_key: Option<String>,
    /// Log group class: `STANDARD`, `INFREQUENT_ACCESS`, `DELIVERY`.
    pub class: Option<String>,
    /// Whether DeleteLogGroup is refused until protection is switched off.
    pub deletion_protection: Option<bool>,
    /// Whether requests with a bearer token instead of a signature are taken.
    pub bearer_token: Option<bool>,
    /// Bytes that the group holds.
    pub stored_bytes: Option<i64>,
    /// Data protection status: `ACTIVATED`, `DELETED`, `ARCHIVED`, `DISABLED`.
    pub data_protection: Option<String>,
    /// Inherited properties, as `ACCOUNT_DATA_PROTECTION`.
    pub inherited: Vec<String>,
}

/// A subscription filter: events that match its pattern go elsewhere, too.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Subscription {
    /// Name of the filter.
    pub name: String,
    /// ARN of what the events are sent to.
    pub destination: String,
    /// Filter pattern; empty matches all events.
    pub pattern: String,
}
