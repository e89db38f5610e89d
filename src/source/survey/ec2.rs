//! The network in front of the nodes, as EC2 tells it: instances, routes, endpoints, security groups, network ACLs.
//!
//! Instances are asked for everywhere, because one that never reached Systems Manager is in no other list; all else only where
//! there are instances. Member names follow the API (Amazon EC2 API Reference).

use std::collections::BTreeSet;

use super::context::AwsContext;
use super::context::told;
use super::pages::NextPage;
use crate::settings::*;
use crate::source::light::AwsAnswer;
use crate::source::light::Element;
use crate::source::light::ec2;

/// Asks for the items of one list, page by page.
async fn listed<T>(
    aws: &AwsContext,
    api: &'static str,
    list: &'static str,
    words: &[(&str, &str)],
    take: impl Fn(Element<'_, '_>) -> Vec<T>,
) -> Read<Vec<T>> {
    let ask = async |token: Option<String>| {
        let mut words = words.to_vec();
        words.extend(token.as_deref().map(|it| ("NextToken", it)));
        ec2(&aws.connection, api.trim_start_matches("ec2:"), &words).await
    };
    let page = |root: Element<'_, '_>| {
        // An empty list is there; a page of somebody in between has none.
        root.child(list)?;
        let items = root.items(list).flat_map(&take).collect();
        Some((items, NextPage::at(root.text("nextToken").as_deref())))
    };
    let page =
        |it: AwsAnswer<String>| it.read(page).unwrap_or((Vec::new(), NextPage::Without(list)));
    aws.call(api, "*").paged(ask, page).await
}

/// Asks about one corner.
pub(super) async fn network(aws: &AwsContext) -> Network {
    let alive = [
        ("Filter.1.Name", "instance-state-name"),
        ("Filter.1.Value.1", "pending"),
        ("Filter.1.Value.2", "running"),
        ("Filter.1.Value.3", "stopping"),
        ("Filter.1.Value.4", "stopped"),
        ("MaxResults", "1000"),
    ];
    let mut out = Network {
        instances: listed(aws, "ec2:DescribeInstances", "reservationSet", &alive, |it| {
            it.items("instancesSet").map(instance).collect()
        })
        .await,
        ..Network::default()
    };
    let Ok(instances) = out.instances.known() else { return out };
    let vpcs: BTreeSet<String> =
        instances.iter().map(|it| it.vpc.clone()).filter(|it| !it.is_empty()).collect();
    if vpcs.is_empty() {
        return out;
    }
    let (tables, endpoints, groups, acls) = tokio::join!(
        listed(aws, "ec2:DescribeRouteTables", "routeTableSet", &[], |it| vec![route_table(it)]),
        listed(aws, "ec2:DescribeVpcEndpoints", "vpcEndpointSet", &[], |it| vec![endpoint(it)]),
        listed(aws, "ec2:DescribeSecurityGroups", "securityGroupInfo", &[], |it| vec![
            security_group(it)
        ]),
        listed(aws, "ec2:DescribeNetworkAcls", "networkAclSet", &[], |it| vec![acl(it)]),
    );
    // What belongs to VPCs without instances says nothing about a node.
    let ours = |it: &str| vpcs.contains(it);
    out.route_tables = kept(tables, |it| ours(&it.vpc));
    out.endpoints = kept(endpoints, |it| ours(&it.vpc));
    let subnets: BTreeSet<&str> = instances.iter().map(|it| it.subnet.as_str()).collect();
    out.acls = kept(acls, |it| it.subnets.iter().any(|it| subnets.contains(it.as_str())));
    let mut used: BTreeSet<String> =
        instances.iter().flat_map(|it| it.security_groups.iter().cloned()).collect();
    let endpoints = out.endpoints.known().into_iter().flatten();
    used.extend(endpoints.flat_map(|it| it.security_groups.iter().cloned()));
    out.security_groups = kept(groups, |it| used.contains(&it.id));
    for id in vpcs {
        let attribute = async |name: &str| {
            let words = [("VpcId", id.as_str()), ("Attribute", name)];
            let answer = ec2(&aws.connection, "DescribeVpcAttribute", &words).await;
            let value = |it: Element<'_, '_>| Some(it.text(&format!("{name}/value"))? == "true");
            let read = aws.call("ec2:DescribeVpcAttribute", "*");
            let read = read.read(answer, |it| it.read(value));
            told(read, &format!("ec2:DescribeVpcAttribute answered without {name}"))
        };
        let (dns_support, dns_hostnames) =
            tokio::join!(attribute("enableDnsSupport"), attribute("enableDnsHostnames"));
        out.vpcs.push(Vpc { id: id.clone(), dns_support, dns_hostnames });
    }
    out
}

fn kept<T>(mut it: Read<Vec<T>>, keep: impl Fn(&T) -> bool) -> Read<Vec<T>> {
    if let Outcome::Is(many) = &mut it.outcome {
        many.retain(keep);
    }
    it
}

fn instance(it: Element<'_, '_>) -> Instance {
    let interfaces: Vec<Element<'_, '_>> = it.items("networkInterfaceSet").collect();
    let public = interfaces.iter().find_map(|it| it.text("association/publicIp"));
    let mut security_groups = it.texts("groupSet", "groupId");
    security_groups.extend(interfaces.iter().flat_map(|it| it.texts("groupSet", "groupId")));
    security_groups.sort_unstable();
    security_groups.dedup();
    Instance {
        id: it.own("instanceId"),
        state: it.own("instanceState/name"),
        vpc: it.own("vpcId"),
        subnet: it.own("subnetId"),
        private_ip: it.text("privateIpAddress"),
        public_ip: public.or(it.text("ipAddress")),
        ipv6: interfaces.iter().any(|it| it.items("ipv6AddressesSet").next().is_some()),
        security_groups,
        profile: it.text("iamInstanceProfile/arn"),
        role: Read::default(),
        metadata: it.text("metadataOptions/httpEndpoint").map(|it| it == "enabled"),
    }
}

fn route_table(it: Element<'_, '_>) -> RouteTable {
    RouteTable {
        id: it.own("routeTableId"),
        vpc: it.own("vpcId"),
        main: it.items("associationSet").any(|it| it.flag("main")),
        subnets: it.texts("associationSet", "subnetId"),
        routes: it
            .items("routeSet")
            .map(|it| Route {
                destination: first(
                    it,
                    &[
                        "destinationCidrBlock",
                        "destinationIpv6CidrBlock",
                        "destinationPrefixListId",
                    ],
                ),
                target: first(
                    it,
                    &[
                        "natGatewayId",
                        "gatewayId",
                        "egressOnlyInternetGatewayId",
                        "transitGatewayId",
                        "vpcPeeringConnectionId",
                        "networkInterfaceId",
                        "instanceId",
                        "localGatewayId",
                        "carrierGatewayId",
                        "coreNetworkArn",
                    ],
                ),
                state: it.own("state"),
            })
            .collect(),
    }
}

fn first(it: Element<'_, '_>, names: &[&str]) -> String {
    names.iter().find_map(|name| it.text(name)).unwrap_or_default()
}

fn endpoint(it: Element<'_, '_>) -> Endpoint {
    Endpoint {
        id: it.own("vpcEndpointId"),
        service: it.own("serviceName"),
        kind: it.text("vpcEndpointType").unwrap_or_else(|| "Gateway".into()),
        state: it.own("state").to_lowercase(),
        vpc: it.own("vpcId"),
        private_dns: it.flag("privateDnsEnabled"),
        route_tables: it.items("routeTableIdSet").filter_map(Element::itself).collect(),
        security_groups: it.texts("groupSet", "groupId"),
        policy: it.text("policyDocument"),
    }
}

fn opening(it: Element<'_, '_>) -> Opening {
    let mut blocks = it.texts("ipRanges", "cidrIp");
    blocks.extend(it.texts("ipv6Ranges", "cidrIpv6"));
    Opening {
        protocol: it.own("ipProtocol"),
        from_port: it.number("fromPort"),
        to_port: it.number("toPort"),
        blocks,
        security_groups: it.texts("groups", "groupId"),
        prefix_lists: it.texts("prefixListIds", "prefixListId"),
    }
}

fn security_group(it: Element<'_, '_>) -> SecurityGroup {
    SecurityGroup {
        id: it.own("groupId"),
        ingress: it.items("ipPermissions").map(opening).collect(),
        egress: it.items("ipPermissionsEgress").map(opening).collect(),
    }
}

fn acl(it: Element<'_, '_>) -> NetworkAcl {
    NetworkAcl {
        id: it.own("networkAclId"),
        subnets: it.texts("associationSet", "subnetId"),
        entries: it
            .items("entrySet")
            .map(|it| AclEntry {
                number: it.number("ruleNumber").unwrap_or(i64::MAX),
                egress: it.flag("egress"),
                allows: it.own("ruleAction") == "allow",
                protocol: it.own("protocol"),
                block: first(it, &["cidrBlock", "ipv6CidrBlock"]),
                from_port: it.number("portRange/from"),
                to_port: it.number("portRange/to"),
            })
            .collect(),
    }
}
