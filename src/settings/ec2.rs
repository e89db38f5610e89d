//! Instances and the network in front of them, by EC2.

use serde::Deserialize;
use serde::Serialize;

use super::read::Read;

/// EC2 instances of a corner, and what lies between them and the endpoints of AWS. All but the instances is asked for only
/// where there are any. Source: "DescribeInstances" and its neighbours (Amazon EC2 API Reference).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Network {
    /// DescribeInstances, of all states but `shutting-down` and `terminated`.
    pub instances: Read<Vec<Instance>>,
    /// DescribeRouteTables, of VPCs that hold one of these instances.
    pub route_tables: Read<Vec<RouteTable>>,
    /// DescribeVpcEndpoints, of VPCs that hold one of these instances.
    pub endpoints: Read<Vec<Endpoint>>,
    /// DescribeSecurityGroups, of those that an instance or one of these endpoints uses.
    pub security_groups: Read<Vec<SecurityGroup>>,
    /// DescribeNetworkAcls, of those that an instance's subnet is associated with.
    pub acls: Read<Vec<NetworkAcl>>,
    /// The VPCs that hold one of these instances, in order of id.
    pub vpcs: Vec<Vpc>,
}

/// An EC2 instance that is not terminated.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Instance {
    /// Instance id, `i-…`.
    pub id: String,
    /// `running`, `stopped`, …
    pub state: String,
    /// VPC id, `vpc-…`; empty where EC2 names none.
    pub vpc: String,
    /// Subnet id, `subnet-…`; empty where EC2 names none.
    pub subnet: String,
    /// The private IPv4 address of its primary interface; `None` where EC2 names none.
    pub private_ip: Option<String>,
    /// An address that the internet can answer to, on any of its interfaces.
    pub public_ip: Option<String>,
    /// Whether any of its interfaces has an IPv6 address.
    pub ipv6: bool,
    /// Ids of the security groups of the instance and all its interfaces, sorted, each once.
    pub security_groups: Vec<String>,
    /// ARN of its instance profile.
    pub profile: Option<String>,
    /// The role within that profile.
    pub role: Read<Option<String>>,
    /// Whether its metadata service answers.
    pub metadata: Option<bool>,
}

/// A route table: which subnets it serves, and where it sends their packets.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RouteTable {
    /// Route table id, `rtb-…`.
    pub id: String,
    /// VPC id, `vpc-…`.
    pub vpc: String,
    /// It serves the subnets of its VPC that no other table names.
    pub main: bool,
    /// Ids of the subnets that are associated with it explicitly.
    pub subnets: Vec<String>,
    /// The rows of the table, in EC2's order.
    pub routes: Vec<Route>,
}

/// One row of a route table.
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

/// A VPC endpoint.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Endpoint {
    /// Endpoint id, `vpce-…`.
    pub id: String,
    /// As `com.amazonaws.eu-west-1.ssm`.
    pub service: String,
    /// `Interface`, `Gateway`, …
    pub kind: String,
    /// Its state in lower case, as `available` or `pendingacceptance`.
    pub state: String,
    /// VPC id, `vpc-…`.
    pub vpc: String,
    /// `PrivateDnsEnabled`: the service's public name leads to this endpoint from within the VPC.
    pub private_dns: bool,
    /// Ids of the route tables that a gateway endpoint stands in.
    pub route_tables: Vec<String>,
    /// Ids of the security groups of an interface endpoint.
    pub security_groups: Vec<String>,
    /// The endpoint policy, JSON as it is; `None` where EC2 returned none.
    pub policy: Option<String>,
}

/// A security group: what it lets in and out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SecurityGroup {
    /// Security group id, `sg-…`.
    pub id: String,
    /// `IpPermissions`: what it lets in.
    pub ingress: Vec<Opening>,
    /// `IpPermissionsEgress`: what it lets out.
    pub egress: Vec<Opening>,
}

/// What a security group lets through.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Opening {
    /// `tcp`, or `-1` for all.
    pub protocol: String,
    /// First port, or ICMP type; `None` where EC2 names none.
    pub from_port: Option<i64>,
    /// Last port, inclusive, or ICMP code; `None` where EC2 names none.
    pub to_port: Option<i64>,
    /// CIDR blocks, IPv4 first and IPv6 after them.
    pub blocks: Vec<String>,
    /// Ids of security groups whose members are let through.
    pub security_groups: Vec<String>,
    /// Ids of prefix lists, `pl-…`.
    pub prefix_lists: Vec<String>,
}

/// A network ACL: the numbered rules that stand before the subnets it is associated with.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct NetworkAcl {
    /// Network ACL id, `acl-…`.
    pub id: String,
    /// Ids of the subnets that are associated with it.
    pub subnets: Vec<String>,
    /// Its rules of both directions, in EC2's order.
    pub entries: Vec<AclEntry>,
}

/// One rule of a network ACL.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AclEntry {
    /// Rule number: the lowest that matches decides; `i64::MAX` where EC2 names none.
    pub number: i64,
    /// True for packets that leave the subnet, false for those that come in.
    pub egress: bool,
    /// True for `allow`, false for `deny`.
    pub allows: bool,
    /// Protocol number as a text, as `6` for TCP, or `-1` for all.
    pub protocol: String,
    /// CIDR block, IPv4 or IPv6.
    pub block: String,
    /// First port; `None` where the rule names no range of ports.
    pub from_port: Option<i64>,
    /// Last port, inclusive; `None` where the rule names no range of ports.
    pub to_port: Option<i64>,
}

/// A VPC that holds an instance.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Vpc {
    /// VPC id, `vpc-…`.
    pub id: String,
    /// `enableDnsSupport` of DescribeVpcAttribute.
    pub dns_support: Read<bool>,
    /// `enableDnsHostnames` of DescribeVpcAttribute.
    pub dns_hostnames: Read<bool>,
}
