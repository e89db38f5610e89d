//! Keys, by KMS.

use serde::Deserialize;
use serde::Serialize;

use super::read::At;
use super::read::Read;

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
