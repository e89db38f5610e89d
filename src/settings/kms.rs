//! Keys, by KMS.

use serde::Deserialize;
use serde::Serialize;

use crate::aws_names::Home;
use crate::time::At;

use super::read::Read;

/// A key that protects transcripts or sessions.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Key {
    /// As it is named where it is used: ARN, id or alias.
    pub id: String,
    /// Account (12 digits) through which the key was read.
    pub account: String,
    /// Region in which the key was read: its ARN's, else that of whatever names it.
    pub region: String,
    /// Every log group, bucket and document that was found to use it.
    pub used_by: Vec<KeyUse>,
    /// What DescribeKey says; `None` if KMS knows no such key.
    pub state: Read<Option<KeyState>>,
    /// The `default` key policy, JSON as it is; asked only of keys that are not AWS's own.
    pub policy: Read<String>,
    /// `None` where rotation cannot be set for such a key.
    pub rotation: Read<Option<Rotation>>,
}

impl Key {
    /// Where it lies.
    pub fn home(&self) -> Home<'_> {
        Home::new(&self.region, &self.account)
    }

    /// ARNs of the log groups that it protects.
    pub fn groups(&self) -> impl Iterator<Item = &str> {
        self.used_by.iter().filter_map(|it| match it {
            KeyUse::LogGroup(arn) => Some(arn.as_str()),
            _ => None,
        })
    }
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
    /// ARN of the key itself, even where it is used by an alias.
    pub arn: String,
    /// `Enabled`, `Disabled`, `PendingDeletion`, …
    pub state: String,
    /// `AWS` or `CUSTOMER`.
    pub manager: String,
    /// Key spec, as `SYMMETRIC_DEFAULT` or `RSA_2048`.
    pub spec: String,
    /// Where its material comes from: `AWS_KMS`, `EXTERNAL`, `AWS_CLOUDHSM`, …
    pub origin: String,
    /// When KMS deletes it; `None` if no deletion is scheduled.
    pub deletion_at: Option<At>,
    /// When imported material ends.
    pub valid_to: Option<At>,
}

/// What GetKeyRotationStatus says of a key.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Rotation {
    /// Whether KMS rotates it by itself.
    pub enabled: bool,
    /// Days between two rotations; `None` where KMS does not say.
    pub period_days: Option<i64>,
}
