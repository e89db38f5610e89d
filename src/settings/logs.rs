//! Log groups, and the policies over them, by CloudWatch Logs.

use serde::Deserialize;
use serde::Serialize;

use super::read::At;
use super::read::Read;

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
