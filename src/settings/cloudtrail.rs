//! Trails and what they record, by CloudTrail.

use serde::Deserialize;
use serde::Serialize;

use super::read::Read;
use crate::time::At;

/// Source: "Trail", "GetTrailStatus", "GetEventSelectors" (AWS CloudTrail API Reference).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Trail {
    /// `TrailARN` of DescribeTrails.
    pub arn: String,
    /// `Name` of DescribeTrails, the last part of the ARN.
    pub name: String,
    /// Name of the S3 bucket that log files are delivered to.
    pub bucket: String,
    /// `IsMultiRegionTrail`; false where CloudTrail does not say.
    pub multi_region: bool,
    /// `IsOrganizationTrail`: it records all accounts of the organization; false where CloudTrail does not say.
    pub organization: bool,
    /// `LogFileValidationEnabled`: digest files are delivered beside the log files; false where CloudTrail does not say.
    pub validated: bool,
    /// What GetTrailStatus says.
    pub status: Read<TrailStatus>,
    /// What GetEventSelectors says: plain selectors first, then advanced ones.
    pub selectors: Read<Vec<Selector>>,
}

/// What GetTrailStatus says of a trail.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TrailStatus {
    /// `IsLogging`; false where CloudTrail does not say.
    pub logging: bool,
    /// `LatestDeliveryError`: the S3 error of the last log file; `None` if CloudTrail names none.
    pub delivery_error: Option<String>,
    /// `LatestDigestDeliveryError`: the S3 error of the last digest file; `None` if CloudTrail names none.
    pub digest_error: Option<String>,
    /// `LatestDeliveryTime`: when log files last came to the bucket; `None` if CloudTrail names no time.
    pub delivered_at: Option<At>,
}

/// What a trail records, of the plain or the advanced kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Selector {
    /// An `EventSelector`: management events, and data events by resource type and ARN.
    Plain {
        /// `All`, `ReadOnly`, `WriteOnly`.
        read_write: String,
        /// `IncludeManagementEvents`; true where CloudTrail does not say.
        management: bool,
        /// Resource types and ARNs.
        data: Vec<(String, Vec<String>)>,
    },
    /// An `AdvancedEventSelector`: events that meet all of its fields.
    Advanced {
        /// `FieldSelectors`, which all must hold.
        fields: Vec<FieldSelector>,
    },
}

/// An `AdvancedFieldSelector`: one field of an event, and what its value must be. Empty lists ask for nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct FieldSelector {
    /// The field, as `eventCategory` or `resources.ARN`.
    pub field: String,
    /// `Equals`: the value is one of these.
    pub equals: Vec<String>,
    /// `StartsWith`: the value begins with one of these.
    pub starts_with: Vec<String>,
    /// `NotEquals`: the value is none of these.
    pub not_equals: Vec<String>,
    /// `NotStartsWith`: the value begins with none of these.
    pub not_starts_with: Vec<String>,
    /// `EndsWith`: the value ends with one of these.
    pub ends_with: Vec<String>,
    /// `NotEndsWith`: the value ends with none of these.
    pub not_ends_with: Vec<String>,
}
