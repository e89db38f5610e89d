//! Trails and what they record, by CloudTrail.

use serde::Deserialize;
use serde::Serialize;

use super::read::At;
use super::read::Read;

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
