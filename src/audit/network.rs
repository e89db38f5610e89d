//! Checks of the network path: can a node reach Systems Manager, and can what it records reach the places.
//!
//! Routes only tell what should be; a node that answers, or whose transcripts arrive, settles the question. So what was seen
//! at run time comes first, and a route that leads to where nobody here looked (a transit gateway, a proxy) is unknown, never
//! a failure.
//! Source: "Improve the security of EC2 instances by using VPC endpoints for Systems Manager" (AWS Systems Manager User
//! Guide), "Gateway endpoints for Amazon S3" (AWS PrivateLink).

use core::net::IpAddr;
use core::net::Ipv4Addr;

use super::Answer;
use super::Ask;
use super::Check;
use super::Judged;
use super::Severity::High;
use super::Severity::Medium;
use super::View;
use super::frameworks::Group;
use super::preferences::Preferences;
use super::quote;
use super::statements::Policy;
use super::statements::Request;
use super::statements::Said;
use super::unclear;
use super::writers::writer;
use crate::config::partition_of;
use crate::settings::AclEntry;
use crate::settings::Corner;
use crate::settings::Endpoint;
use crate::settings::Instance;
use crate::settings::Opening;
use crate::settings::Reason;
use crate::settings::RouteTable;
use crate::settings::Unread;

pub(super) const CHECKS: &[Check] = &[
    Check {
        id: "NET-01",
        title: "The instance reaches Systems Manager",
        severity: High,
        groups: &[Group::Network],
        reads: &[
            "ec2:DescribeInstances",
            "ec2:DescribeRouteTables",
            "ec2:DescribeVpcEndpoints",
            "ssm:DescribeInstanceInformation",
        ],
        why: "An instance that cannot reach ssm and ssmmessages does not appear, and no session can be started on it.",
        then: "Give its subnet a way: endpoints for ssm and ssmmessages, or a NAT gateway.",
        ask: Ask::Instance(reaches),
    },
    Check {
        id: "NET-02",
        title: "An instance in a public subnet has a public address",
        severity: High,
        groups: &[Group::Network],
        reads: &[
            "ec2:DescribeInstances",
            "ec2:DescribeRouteTables",
            "ec2:DescribeVpcEndpoints",
            "ssm:DescribeInstanceInformation",
        ],
        why: "A route to an internet gateway carries nothing for an instance that nobody can answer to.",
        then: "Add endpoints, or move it behind a NAT gateway; a public address is the last resort.",
        ask: Ask::Instance(public),
    },
    Check {
        id: "NET-03",
        title: "Transcripts can reach the bucket",
        severity: High,
        groups: &[Group::Network, Group::Failure],
        reads: &[
            "ec2:DescribeInstances",
            "ec2:DescribeRouteTables",
            "ec2:DescribeVpcEndpoints",
            "ssm:GetDocument",
            "ssm:DescribeInstanceInformation",
            "s3:ListBucket",
            "iam:GetInstanceProfile",
            "ssm:GetServiceSetting",
            "iam:SimulatePrincipalPolicy",
        ],
        why: "The session itself runs through ssmmessages: it works, and its upload alone fails.",
        then: "Add a gateway endpoint for S3 to the subnet's route table, and let its policy admit the bucket.",
        ask: Ask::Instance(to_bucket),
    },
    Check {
        id: "NET-04",
        title: "Events can reach the log group",
        severity: High,
        groups: &[Group::Network, Group::Failure],
        reads: &[
            "ec2:DescribeInstances",
            "ec2:DescribeRouteTables",
            "ec2:DescribeVpcEndpoints",
            "ssm:GetDocument",
            "ssm:DescribeInstanceInformation",
        ],
        why: "Without a way to CloudWatch Logs the agent goes on and streams nothing; without one to KMS an encrypted session does not start.",
        then: "Add interface endpoints for logs, and for kms where sessions are encrypted.",
        ask: Ask::Instance(to_group),
    },
    Check {
        id: "NET-05",
        title: "Security groups, ACLs and names let the endpoints be reached",
        severity: Medium,
        groups: &[Group::Network],
        reads: &[
            "ec2:DescribeInstances",
            "ec2:DescribeVpcEndpoints",
            "ec2:DescribeSecurityGroups",
            "ec2:DescribeNetworkAcls",
            "ec2:DescribeVpcAttribute",
            "ssm:DescribeInstanceInformation",
        ],
        why: "An endpoint that drops port 443 is as good as none, and looks right in every list.",
        then: "Let port 443 into the endpoint's group from the instance, and out of the instance's.",
        ask: Ask::Instance(let_through),
    },
];

/// How an instance gets to a service.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Way<'a> {
    Endpoint(&'a Endpoint),
    /// By this target of its default route.
    Route(String),
    /// Not at all, and why.
    None(String),
}

/// The route table of an instance's subnet.
fn table<'a>(it: &Instance, corner: &'a Corner) -> Result<Option<&'a RouteTable>, Unread> {
    let tables = corner.network.route_tables.known()?;
    let own = tables.iter().find(|one| one.subnets.contains(&it.subnet));
    Ok(own.or_else(|| tables.iter().find(|one| one.main && one.vpc == it.vpc)))
}

/// The endpoint of a service that serves an instance.
fn endpoint<'a>(
    it: &Instance,
    corner: &'a Corner,
    service: &str,
) -> Result<Option<&'a Endpoint>, Unread> {
    let name = format!(".{}.{service}", corner.region);
    let mut found = None;
    for one in corner.network.endpoints.known()? {
        if one.vpc != it.vpc || one.state != "available" || !one.service.ends_with(&name) {
            continue;
        }
        let serves = match one.kind.as_str() {
            "Gateway" => table(it, corner)?.is_some_and(|it| one.route_tables.contains(&it.id)),
            _ => one.private_dns,
        };
        if serves {
            // A gateway's route is the one that is taken.
            let gateway = one.kind == "Gateway";
            found = if gateway || found.is_none() { Some(one) } else { found };
        }
    }
    Ok(found)
}

/// The way of an instance to a service of its Region.
///
/// # Errors
/// What was not read, and a route that leads where nobody here looked.
fn way<'a>(it: &Instance, corner: &'a Corner, service: &str) -> Result<Way<'a>, Unread> {
    if let Some(it) = endpoint(it, corner, service)? {
        return Ok(Way::Endpoint(it));
    }
    let Some(table) = table(it, corner)? else {
        return Ok(Way::None("its subnet has no route table".into()));
    };
    let active = |block: &str| {
        table.routes.iter().find(|it| it.destination == block && it.state != "blackhole")
    };
    if let Some(route) = active("0.0.0.0/0") {
        let to = route.target.as_str();
        return match to.split('-').next().unwrap_or_default() {
            "nat" => Ok(Way::Route(to.to_owned())),
            "igw" if it.public_ip.is_some() => Ok(Way::Route(to.to_owned())),
            "igw" => Ok(Way::None(format!(
                "its default route leads to {to}, and it has no public address"
            ))),
            _ => Err(unclear(
                Reason::NotUnderstood,
                format!("its default route leads to {to}, and what lies behind is not known"),
            )),
        };
    }
    if it.ipv6 && active("::/0").is_some() {
        let why = "it has a way by IPv6 alone, which the agent takes only where it is set to";
        return Err(unclear(Reason::NotUnderstood, why));
    }
    let unnamed = corner.network.endpoints.known()?.iter().any(|one| {
        one.vpc == it.vpc
            && one.state == "available"
            && one.service.ends_with(&format!(".{}.{service}", corner.region))
            && one.kind == "Interface"
    });
    if unnamed {
        let why = format!(
            "an endpoint for {service} has no private name, and other names may lead to it"
        );
        return Err(unclear(Reason::NotUnderstood, why));
    }
    Ok(Way::None("it has no endpoint and no default route".into()))
}

impl Way<'_> {
    fn words(&self, service: &str) -> String {
        match self {
            Self::Endpoint(it) => format!("{service} by {}", it.id),
            Self::Route(it) => format!("{service} by {it}"),
            Self::None(why) => format!("{service}: {why}"),
        }
    }
}

/// Whether Systems Manager hears from it; `None` if it is no node.
fn online(it: &Instance, corner: &Corner) -> Result<Option<bool>, Unread> {
    let nodes = corner.nodes.known()?;
    Ok(nodes.iter().find(|one| one.id == it.id).map(|it| it.ping == "Online"))
}

const STOPPED: &str = "it does not run";

fn runs(it: &Instance) -> bool {
    it.state == "running" || it.state == "pending"
}

/// The commands that make endpoints for these services.
fn endpoints(it: &Instance, corner: &Corner, services: &[&str], judged: Judged) -> Judged {
    services.iter().fold(judged, |judged, service| {
        judged.fix(format!(
            "aws ec2 create-vpc-endpoint --region {} --vpc-id {} --vpc-endpoint-type Interface --service-name com.amazonaws.{}.{service} --subnet-ids {} --security-group-ids GROUP-THAT-ADMITS-443 --private-dns-enabled",
            quote(&corner.region), quote(&it.vpc), quote(&corner.region), quote(&it.subnet)
        ))
    })
}

const SESSIONS: [&str; 2] = ["ssm", "ssmmessages"];

fn reaches(it: &Instance, corner: &Corner, _: &View<'_>) -> Answer {
    if !runs(it) {
        return Ok(Judged::absent(STOPPED));
    }
    let promised = "a way to ssm and ssmmessages";
    let online = online(it, corner)?;
    if online == Some(true) {
        return Ok(Judged::pass("Systems Manager hears from it").promised(promised));
    }
    let ways = [way(it, corner, "ssm")?, way(it, corner, "ssmmessages")?];
    let words: Vec<String> = ways.iter().zip(SESSIONS).map(|(it, name)| it.words(name)).collect();
    let missing: Vec<&str> = ways
        .iter()
        .zip(SESSIONS)
        .filter(|it| matches!(it.0, Way::None(_)))
        .map(|it| it.1)
        .collect();
    if missing.is_empty() {
        return Ok(Judged::pass(words.join(", ")).promised(promised).unsure());
    }
    let judged = Judged::fail(words.join("; ")).promised(promised);
    Ok(endpoints(it, corner, &missing, judged))
}

fn public(it: &Instance, corner: &Corner, _: &View<'_>) -> Answer {
    if !runs(it) {
        return Ok(Judged::absent(STOPPED));
    }
    let open = table(it, corner)?.is_some_and(|it| {
        it.routes.iter().any(|it| {
            it.destination == "0.0.0.0/0"
                && it.target.starts_with("igw-")
                && it.state != "blackhole"
        })
    });
    if !open {
        return Ok(Judged::absent("its subnet is not public"));
    }
    let promised = "a public address, or endpoints";
    if let Some(address) = &it.public_ip {
        return Ok(Judged::pass(format!("its address is {address}")).promised(promised));
    }
    if endpoint(it, corner, "ssm")?.is_some() && endpoint(it, corner, "ssmmessages")?.is_some() {
        return Ok(Judged::pass("it has endpoints").promised(promised));
    }
    if online(it, corner)? == Some(true) {
        return Ok(Judged::pass("Systems Manager hears from it").promised(promised));
    }
    let judged =
        Judged::fail("its subnet is public, and it has no public address").promised(promised);
    Ok(endpoints(it, corner, &SESSIONS, judged))
}

/// Refuses to call a way closed where Systems Manager hears from an instance that routes lead nowhere: then there is another way,
/// a proxy for one, that is not seen here.
fn not_by_routes_alone(it: &Instance, corner: &Corner) -> Result<(), Unread> {
    if online(it, corner)? != Some(true) {
        return Ok(());
    }
    for service in SESSIONS {
        if matches!(way(it, corner, service)?, Way::None(_)) {
            let why = "Systems Manager hears from it, and no route that is seen here leads there: there is another way, a proxy for one";
            return Err(unclear(Reason::NotUnderstood, why));
        }
    }
    Ok(())
}

/// The preferences where the instance is; `None` if there are none.
fn preferences(corner: &Corner) -> Result<Option<Preferences>, Unread> {
    let Some(document) = corner.preferences.known()?.as_ref() else { return Ok(None) };
    Preferences::read(document.content.known()?)
        .map(Some)
        .ok_or_else(|| unclear(Reason::NotUnderstood, "the content of the preferences is no JSON"))
}

/// Days within which a transcript that arrived proves the way.
const RECENT: i64 = 7;

/// Whether a transcript of it arrived of late, by our own archive.
fn arrived(it: &Instance, kind: &str, view: &View<'_>) -> bool {
    view.survey.arrivals.iter().any(|one| {
        one.target == it.id && one.kind == kind && one.at.days_until(view.survey.taken_at) < RECENT
    })
}

fn to_bucket(it: &Instance, corner: &Corner, view: &View<'_>) -> Answer {
    if !runs(it) {
        return Ok(Judged::absent(STOPPED));
    }
    let told = preferences(corner)?;
    let Some((told, bucket)) = told.as_ref().and_then(|it| Some((it, it.bucket.text()?))) else {
        return Ok(Judged::absent("no bucket is named here"));
    };
    let promised = format!("a way to s3://{bucket}");
    if arrived(it, "s3", view) {
        return Ok(Judged::pass("a transcript of it arrived within a week").promised(promised));
    }
    let region = view.bucket(bucket).and_then(|it| it.region.as_deref());
    let chosen = way(it, corner, "s3")?;
    let endpoint = match chosen {
        Way::None(_) => {
            not_by_routes_alone(it, corner)?;
            let route = table(it, corner)?.map_or(String::new(), |it| it.id.clone());
            let fix = format!(
                "aws ec2 create-vpc-endpoint --region {0} --vpc-id {1} --vpc-endpoint-type Gateway --service-name com.amazonaws.{0}.s3 --route-table-ids {2}",
                quote(&corner.region),
                quote(&it.vpc),
                quote(&route)
            );
            return Ok(Judged::fail(chosen.words("s3")).promised(promised).fix(fix));
        }
        Way::Route(_) => return Ok(Judged::pass(chosen.words("s3")).promised(promised).unsure()),
        Way::Endpoint(it) => it,
    };
    let id = &endpoint.id;
    match region {
        Some(one) if one != corner.region => {
            let mut without = corner.clone();
            if let crate::settings::Outcome::Is(many) = &mut without.network.endpoints.outcome {
                many.retain(|it| it.id != *id);
            }
            return Ok(match way(it, &without, "s3")? {
                Way::None(why) => {
                    Judged::fail(format!("the bucket is in {one}, where {id} does not lead; {why}"))
                        .promised(promised)
                }
                other => Judged::pass(format!("the bucket is in {one}; {}", other.words("s3")))
                    .promised(promised)
                    .unsure(),
            });
        }
        Some(_) => {}
        // Which Region the bucket is in decides whether the endpoint leads to it.
        None => match view.bucket(bucket) {
            Some(it) => {
                it.existence.known()?;
            }
            None => return Err(unclear(Reason::NotAsked, "the bucket was not surveyed")),
        },
    }
    let Some(text) = &endpoint.policy else {
        return Ok(Judged::pass(format!("by {id}")).promised(promised).unsure());
    };
    let policy = Policy::read(text).ok_or_else(|| {
        unclear(Reason::NotUnderstood, format!("the policy of {id} is of a form that is not known"))
    })?;
    let nodes = corner.nodes.known()?;
    let Some(node) = nodes.iter().find(|one| one.id == it.id) else {
        return Ok(Judged::absent("it is no managed node (NET-01)"));
    };
    let arn = format!("arn:{}:s3:::{bucket}/{}x.log", partition_of(&corner.region), told.prefix);
    let mut worst = Judged::pass(format!("by {id}, whose policy admits it"))
        .promised(promised.clone())
        .unsure();
    let context = [("aws:securetransport".to_owned(), "true".to_owned())];
    for role in writer(node, corner, view.survey)?.roles() {
        let request = Request {
            principal: role,
            action: "s3:PutObject",
            resource: &arn,
            context: &context,
            absent: &[],
        };
        match policy.says(&request, true) {
            Said::Allows(_) => {}
            Said::MayAllow(why) | Said::MayDeny(why) => {
                return Err(unclear(
                    Reason::MissingContextKey,
                    format!("the policy of {id}: {why}"),
                ));
            }
            Said::Denies(name) => {
                worst = Judged::fail(format!("{name} in the policy of {id} denies s3:PutObject"))
                    .promised(promised.clone());
            }
            Said::Nothing => {
                worst = Judged::fail(format!(
                    "the policy of {id} does not admit s3:PutObject to {bucket}"
                ))
                .promised(promised.clone());
            }
        }
    }
    Ok(worst)
}

fn to_group(it: &Instance, corner: &Corner, view: &View<'_>) -> Answer {
    if !runs(it) {
        return Ok(Judged::absent(STOPPED));
    }
    let told = preferences(corner)?.unwrap_or_default();
    let mut services = Vec::new();
    if told.group.text().is_some() && !arrived(it, "logs", view) {
        services.push("logs");
    }
    // The key of a bucket is used by S3, that of sessions by the agent.
    if told.key.text().is_some() {
        services.push("kms");
    }
    if told.group.text().is_none() && told.key.text().is_none() {
        return Ok(Judged::absent("neither a log group nor a key is named here"));
    }
    let promised = "a way to what the preferences name";
    let mut words = Vec::new();
    let mut missing = Vec::new();
    for service in services {
        let one = way(it, corner, service)?;
        words.push(one.words(service));
        if matches!(one, Way::None(_)) {
            missing.push(service);
        }
    }
    if missing.is_empty() {
        let seen = match words.is_empty() {
            true => "events of it arrived within a week".to_owned(),
            false => words.join(", "),
        };
        return Ok(Judged::pass(seen).promised(promised).unsure());
    }
    not_by_routes_alone(it, corner)?;
    Ok(endpoints(it, corner, &missing, Judged::fail(words.join("; ")).promised(promised)))
}

/// Whether a block of addresses holds an address. What is no IPv4 block holds none.
/// Whether a block begins in a range of private addresses (RFC 1918), or one that VPCs use, too (RFC 6598).
fn is_private(block: &str) -> bool {
    let first = block.split('/').next().and_then(|it| it.parse::<Ipv4Addr>().ok());
    first.is_none_or(|it| it.is_private() || it.octets()[0] == 100 && it.octets()[1] & 0xc0 == 64)
}

fn holds(block: &str, address: Ipv4Addr) -> bool {
    // EC2 writes every block with its bits.
    let read = block.contains('/').then(|| super::conditions::block(block)).flatten();
    read.is_some_and(|it| it.holds(IpAddr::V4(address)))
}

impl Opening {
    fn carries(&self, port: i64) -> bool {
        self.protocol == "-1"
            || (["tcp", "6"].contains(&self.protocol.as_str())
                && self.from_port.unwrap_or(0) <= port
                && self.to_port.unwrap_or(65535) >= port)
    }
}

/// What a network ACL does with TCP to a port, from or to anywhere. `None` if it depends on the address.
fn acl(entries: &[AclEntry], egress: bool, port: i64) -> Option<bool> {
    let mut entries: Vec<&AclEntry> = entries.iter().filter(|it| it.egress == egress).collect();
    entries.sort_by_key(|it| it.number);
    let mut narrow = false;
    for it in entries {
        let ports = it.protocol == "-1"
            || (it.protocol == "6"
                && it.from_port.unwrap_or(0) <= port
                && it.to_port.unwrap_or(65535) >= port);
        if !ports || it.block.contains(':') {
            continue;
        }
        if it.block == "0.0.0.0/0" {
            return if narrow { None } else { Some(it.allows) };
        }
        narrow = true;
    }
    if narrow { None } else { Some(false) }
}

/// A port that answers come back to.
const EPHEMERAL: i64 = 40000;

fn let_through(it: &Instance, corner: &Corner, _: &View<'_>) -> Answer {
    if !runs(it) {
        return Ok(Judged::absent(STOPPED));
    }
    let promised = "port 443 open on the way to each endpoint";
    if online(it, corner)? == Some(true) {
        return Ok(Judged::pass("Systems Manager hears from it").promised(promised));
    }
    let mut used = Vec::new();
    for service in SESSIONS {
        used.extend(endpoint(it, corner, service)?.filter(|it| it.kind == "Interface"));
    }
    if used.is_empty() {
        return Ok(Judged::absent("it uses no interface endpoint"));
    }
    let groups = corner.network.security_groups.known()?;
    let group = |id: &String| groups.iter().find(|it| it.id == *id);
    let address = it.private_ip.as_ref().and_then(|it| it.parse::<IpAddr>().ok());
    let address = address.and_then(|it| if let IpAddr::V4(it) = it { Some(it) } else { None });
    let mut wrong = Vec::new();
    let mut fixes = Vec::new();
    let mut unknown = None;
    for one in used {
        let openings = || one.security_groups.iter().filter_map(group).flat_map(|it| &it.ingress);
        let admits = openings().filter(|it| it.carries(443)).any(|opening| {
            opening.security_groups.iter().any(|one| it.security_groups.contains(one))
                || address.is_some_and(|one| opening.blocks.iter().any(|it| holds(it, one)))
        });
        if admits {
            continue;
        }
        // A list of prefixes may hold it.
        if openings().any(|it| it.carries(443) && !it.prefix_lists.is_empty()) || address.is_none()
        {
            unknown =
                Some(unclear(Reason::NotUnderstood, format!("what {} admits is a list", one.id)));
            continue;
        }
        wrong.push(format!("{} ({}) does not admit port 443 from it", one.id, one.service));
        if let (Some(to), Some(from)) = (one.security_groups.first(), it.security_groups.first()) {
            fixes.push(format!(
                "aws ec2 authorize-security-group-ingress --region {} --group-id {} --protocol tcp --port 443 --source-group {}",
                quote(&corner.region), quote(to), quote(from)
            ));
        }
    }
    let all = corner.network.endpoints.known()?;
    let ways: Vec<&Opening> = it
        .security_groups
        .iter()
        .filter_map(group)
        .flat_map(|it| &it.egress)
        .filter(|it| it.carries(443))
        .collect();
    let theirs: Vec<&str> = all
        .iter()
        .filter(|it| it.kind == "Interface")
        .flat_map(|it| &it.security_groups)
        .map(String::as_str)
        .collect();
    // The endpoints have addresses of the VPC, as the instance has.
    let leads_there = |way: &&&Opening| {
        way.blocks.iter().any(|it| it == "0.0.0.0/0" || address.is_some_and(|one| holds(it, one)))
            || way.security_groups.iter().any(|it| theirs.contains(&it.as_str()))
    };
    if it.security_groups.iter().all(|it| group(it).is_some()) {
        if ways.is_empty() {
            wrong.push("its own security groups let nothing out to port 443".into());
        } else if !ways.iter().any(|it| leads_there(&it)) {
            let to: Vec<&str> = ways.iter().flat_map(|it| &it.blocks).map(String::as_str).collect();
            match address.is_some() && ways.iter().all(|it| it.prefix_lists.is_empty()) {
                // A block of the VPC beside its own may hold the endpoint.
                true if !to.iter().any(|it| is_private(it)) => wrong.push(format!(
                    "its own security groups let it out to port 443 of {} alone",
                    to.join(", ")
                )),
                _ => {
                    let why = "whether its own security groups let it out to the endpoints depends on their addresses";
                    unknown = unknown.or(Some(unclear(Reason::NotUnderstood, why)));
                }
            }
        }
    }
    let acls = corner.network.acls.known()?;
    if let Some(one) = acls.iter().find(|one| one.subnets.contains(&it.subnet)) {
        for (egress, port, what) in
            [(true, 443, "lets nothing out to port 443"), (false, EPHEMERAL, "lets no answers in")]
        {
            match acl(&one.entries, egress, port) {
                Some(true) => {}
                Some(false) => wrong.push(format!("the ACL {} {what}", one.id)),
                None => {
                    let why = format!("what the ACL {} does depends on addresses", one.id);
                    unknown = unknown.or(Some(unclear(Reason::NotUnderstood, why)));
                }
            }
        }
    }
    if let Some(vpc) = corner.network.vpcs.iter().find(|one| one.id == it.vpc) {
        for (name, on) in
            [("enableDnsSupport", &vpc.dns_support), ("enableDnsHostnames", &vpc.dns_hostnames)]
        {
            if !*on.known()? {
                wrong.push(format!("{name} is off, so that the endpoints' names lead elsewhere"));
                let flag = if name == "enableDnsSupport" {
                    "--enable-dns-support"
                } else {
                    "--enable-dns-hostnames"
                };
                fixes.push(format!(
                    "aws ec2 modify-vpc-attribute --region {} --vpc-id {} {flag}",
                    quote(&corner.region),
                    quote(&vpc.id)
                ));
            }
        }
    }
    if let (true, Some(it)) = (wrong.is_empty(), unknown) {
        return Err(it);
    }
    Ok(match wrong.as_slice() {
        [] => Judged::pass("nothing stands in the way").promised(promised).unsure(),
        [one] => Judged::fail(one.clone()).promised(promised),
        many => Judged::fail(format!("{} things stand in the way", many.len()))
            .promised(promised)
            .details(wrong),
    })
    .map(|judged| fixes.into_iter().fold(judged, Judged::fix))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_hold_their_addresses() {
        let at = Ipv4Addr::new(10, 1, 2, 3);
        for (block, held) in [
            ("10.1.2.3/32", true),
            ("10.1.0.0/16", true),
            ("10.2.0.0/16", false),
            ("0.0.0.0/0", true),
            ("::/0", false),
            ("10.1.2.3", false),
            ("10.1.2.3/99", false),
        ] {
            assert_eq!(holds(block, at), held, "{block}");
        }
    }

    #[test]
    fn the_first_entry_that_fits_decides_unless_it_depends_on_the_address() {
        let entry = |number, allows, block: &str, from| AclEntry {
            number,
            allows,
            block: block.into(),
            egress: true,
            protocol: "6".into(),
            from_port: from,
            to_port: from,
        };
        assert_eq!(acl(&[entry(100, true, "0.0.0.0/0", Some(443))], true, 443), Some(true));
        assert_eq!(acl(&[entry(100, true, "0.0.0.0/0", Some(80))], true, 443), Some(false));
        let both = [entry(200, true, "0.0.0.0/0", None), entry(100, false, "0.0.0.0/0", Some(443))];
        assert_eq!(acl(&both, true, 443), Some(false));
        let narrow = [entry(100, false, "10.0.0.0/8", None), entry(200, true, "0.0.0.0/0", None)];
        assert_eq!(acl(&narrow, true, 443), None);
    }
}
