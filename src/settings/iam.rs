//! Principals and what they may do, by IAM.

use serde::Deserialize;
use serde::Serialize;

use super::logs::ResourcePolicy;
use super::read::Read;

/// A principal, and what it may do to the places that sessions are logged to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Role {
    /// ARN of the role or user.
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
    /// The ARN that was asked about, or `*` for all resources.
    pub resource: String,
    /// One decision for each action that was asked about.
    pub decisions: Read<Vec<SimulatedDecision>>,
}

/// An `EvaluationResult` of the simulator: one action on one resource.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SimulatedDecision {
    /// The action, as `s3:PutObject`.
    pub action: String,
    /// `allowed`, `explicitDeny`, `implicitDeny`.
    pub decision: String,
    /// Condition keys that only a real request carries.
    pub missing_context: Vec<String>,
    /// Whether service control policies allow it (`AllowedByOrganizations`); `None` where IAM does not say.
    pub by_organization: Option<bool>,
    /// Whether the permissions boundary allows it (`AllowedByPermissionsBoundary`); `None` where IAM does not say.
    pub by_boundary: Option<bool>,
}
