//! Instances and the network in front of them, by EC2.

use serde::Deserialize;
use serde::Serialize;

use super::read::Read;

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
