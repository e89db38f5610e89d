//! Checks of the network path: can a node reach Systems Manager, and can what it records reach the places.
//!
//! Routes only tell what should be; a node that answers, or whose transcripts arrive, settles the question. So what was seen
//! at run time comes first, and a route that leads to where nobody here looked (a transit gateway, a proxy) is unknown, never
//! a failure.
//! Source: "Improve the security of EC2 instances by using VPC endpoints for Systems Manager" (AWS Systems Manager User
//! Guide), "Gateway endpoints for Amazon S3" (AWS PrivateLink).

use core::net::IpAddr;
use core::net::Ipv4Addr;

use super::check::About;
use super::check::Check;
use super::conditions::Truth;
use super::frameworks::Group;
use super::names::quote;
use super::preferences::Preferences;
use super::statements::Policy;
use super::statements::Request;
use super::statements::Said;
use super::statements::Statement;
use super::statements::Which;
use super::statements::account_of;
use super::verdict::Answer;
use super::verdict::Judged;
use super::verdict::Severity::High;
use super::verdict::Severity::Medium;
use super::verdict::unclear;
use super::view::View;
use super::writers::CHANNEL;
use super::writers::any_group;
use super::writers::object_arn;
use super::writers::role_arn;
use super::writers::stream_arn;
use super::writers::writer;
use crate::config::partition_of;
use crate::settings::AclEntry;
use crate::settings::Corner;
use crate::settings::Endpoint;
use crate::settings::Instance;
use crate::settings::Opening;
use crate::settings::Reason;
use crate::settings::Route;
use crate::settings::RouteTable;
use crate::settings::SecurityGroup;
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
            "iam:GetInstanceProfile",
            "ssm:GetServiceSetting",
            "iam:SimulatePrincipalPolicy",
        ],
        why: "An instance that cannot reach ssm and ssmmessages does not appear, and no session can be started on it.",
        then: "Give its subnet a way: endpoints for ssm and ssmmessages, or a NAT gateway.",
        ask: &About::<Instance>(reaches),
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
        ask: &About::<Instance>(public),
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
            "ec2:DescribeSecurityGroups",
            "iam:GetInstanceProfile",
            "ssm:GetServiceSetting",
            "iam:SimulatePrincipalPolicy",
        ],
        why: "The session itself runs through ssmmessages: it works, and its upload alone fails.",
        then: "Add a gateway endpoint for S3 to the subnet's route table, and let its policy admit the bucket.",
        ask: &About::<Instance>(to_bucket),
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
            "iam:GetInstanceProfile",
            "ssm:GetServiceSetting",
            "iam:SimulatePrincipalPolicy",
        ],
        why: "Without a way to CloudWatch Logs the agent goes on and streams nothing; without one to KMS an encrypted session does not start.",
        then: "Add interface endpoints for logs, and for kms where sessions are encrypted.",
        ask: &About::<Instance>(to_group),
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
            "ssm:GetDocument",
            "ec2:DescribeRouteTables",
        ],
        why: "An endpoint that drops port 443 is as good as none, and looks right in every list.",
        then: "Let port 443 into the endpoint's group from the instance, and out of the instance's.",
        ask: &About::<Instance>(let_through),
    },
];

/// How an instance gets to a service.
#[derive(Clone, Debug, PartialEq, Eq)]
enum ServicePath<'a> {
    Endpoint(&'a Endpoint),
    /// By this target of its default route.
    Route(String),
    /// Not at all, and why.
    None(String),
}

/// The route table of an instance's subnet.
fn table<'a>(
    it: &Instance,
    corner: &'a Corner,
    view: &View<'_>,
) -> Result<Option<&'a RouteTable>, Unread> {
    let tables = view.take(&corner.network.route_tables)?;
    let own = tables.iter().find(|one| one.subnets.contains(&it.subnet));
    Ok(own.or_else(|| tables.iter().find(|one| one.main && one.vpc == it.vpc)))
}

/// The endpoint of a service that serves an instance.
fn endpoint<'a>(
    it: &Instance,
    corner: &'a Corner,
    service: &str,
    view: &View<'_>,
) -> Result<Option<&'a Endpoint>, Unread> {
    let name = format!(".{}.{service}", corner.region);
    let mut found = None;
    for one in view.take(&corner.network.endpoints)? {
        if one.vpc != it.vpc || one.state != "available" || !one.service.ends_with(&name) {
            continue;
        }
        let serves = match one.kind.as_str() {
            "Gateway" => {
                table(it, corner, view)?.is_some_and(|it| one.route_tables.contains(&it.id))
            }
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
fn way<'a>(
    it: &Instance,
    corner: &'a Corner,
    service: &str,
    view: &View<'_>,
) -> Result<ServicePath<'a>, Unread> {
    if let Some(it) = endpoint(it, corner, service, view)? {
        return Ok(ServicePath::Endpoint(it));
    }
    let Some(table) = table(it, corner, view)? else {
        return Ok(ServicePath::None("its subnet has no route table".into()));
    };
    let unnamed = unnamed(it, corner, service, view)?;
    let closed = |why: String| match &unnamed {
        Some(it) => Err(it.clone()),
        None => Ok(ServicePath::None(why)),
    };
    let halves = default_routes(table, &FOUR);
    if halves.iter().any(Option::is_some) {
        let mut ways: Vec<Result<&str, String>> = Vec::new();
        for route in halves {
            let Some(route) = route else {
                ways.push(Err("its default route leads nowhere".into()));
                continue;
            };
            let to = route.target.as_str();
            ways.push(match to.split('-').next().unwrap_or_default() {
                "nat" => Ok(to),
                "igw" if it.public_ip.is_some() => Ok(to),
                "igw" => {
                    Err(format!("its default route leads to {to}, and it has no public address"))
                }
                _ => {
                    return Err(unclear(
                        Reason::NotUnderstood,
                        format!(
                            "its default route leads to {to}, and what lies behind is not known"
                        ),
                    ));
                }
            });
        }
        return match ways.as_slice() {
            [Ok(to), Ok(_)] => Ok(ServicePath::Route((*to).to_owned())),
            [Err(why), Err(_)] => closed(why.clone()),
            _ => {
                let why = "only one half of all addresses has a way, and in which the service lies is not known";
                Err(unclear(Reason::NotUnderstood, why))
            }
        };
    }
    let has_six = default_routes(table, &SIX).iter().any(Option::is_some);
    if it.ipv6 && has_six {
        let why = "it has a way by IPv6 alone, which the agent takes only where it is set to";
        return Err(unclear(Reason::NotUnderstood, why));
    }
    // A gateway endpoint's list is its service's; of any other nobody here knows what it holds.
    let list = table.routes.iter().find(|it| {
        it.destination.starts_with("pl-")
            && !it.target.starts_with("vpce-")
            && it.state != "blackhole"
    });
    if let Some(it) = list {
        let why = format!("it has a route to the list {}, which was not read", it.destination);
        return Err(unclear(Reason::NotUnderstood, why));
    }
    // Endpoints may be shared by another network ("Centralized access to VPC private endpoints").
    let away = |it: &&Route| {
        let kind = it.target.split('-').next().unwrap_or_default();
        it.state != "blackhole" && !["local", "vpce", "igw", "nat", "eigw", ""].contains(&kind)
    };
    if let Some(it) = table.routes.iter().find(away) {
        let why = format!("it has a route to {}, and what lies behind is not known", it.target);
        return Err(unclear(Reason::NotUnderstood, why));
    }
    closed("it has no endpoint and no default route".into())
}

/// All addresses, and each half of them.
struct Everywhere {
    all: &'static str,
    halves: [&'static str; 2],
}

const FOUR: Everywhere = Everywhere { all: "0.0.0.0/0", halves: ["0.0.0.0/1", "128.0.0.0/1"] };
const SIX: Everywhere = Everywhere { all: "::/0", halves: ["::/1", "8000::/1"] };

/// The route that is taken for each half of all addresses, by the longer prefix; `None` where there is none, or it leads nowhere.
fn default_routes<'a>(table: &'a RouteTable, everywhere: &Everywhere) -> [Option<&'a Route>; 2] {
    let of = |block: &str| table.routes.iter().find(|it| it.destination == block);
    let all = of(everywhere.all);
    everywhere.halves.map(|it| of(it).or(all).filter(|it| it.state != "blackhole"))
}

/// That an endpoint of a service has no private name: a hosted zone of somebody may lead to it.
fn unnamed(
    it: &Instance,
    corner: &Corner,
    service: &str,
    view: &View<'_>,
) -> Result<Option<Unread>, Unread> {
    let is_one = view.take(&corner.network.endpoints)?.iter().any(|one| {
        one.vpc == it.vpc
            && one.state == "available"
            && one.service.ends_with(&format!(".{}.{service}", corner.region))
            && one.kind == "Interface"
    });
    Ok(is_one.then(|| {
        let why = format!(
            "an endpoint for {service} has no private name, and other names may lead to it"
        );
        unclear(Reason::NotUnderstood, why)
    }))
}

impl ServicePath<'_> {
    fn words(&self, service: &str) -> String {
        match self {
            Self::Endpoint(it) => format!("{service} by {}", it.id),
            Self::Route(it) => format!("{service} by {it}"),
            Self::None(why) => format!("{service}: {why}"),
        }
    }
}

/// Whether Systems Manager hears from it; `None` if it is no node.
fn online(it: &Instance, corner: &Corner, view: &View<'_>) -> Result<Option<bool>, Unread> {
    let nodes = view.take(&corner.nodes)?;
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

fn reaches((it, corner): (&Instance, &Corner), view: &View<'_>) -> Answer {
    if !runs(it) {
        return Ok(Judged::absent(STOPPED));
    }
    let promised = "a way to ssm and ssmmessages";
    let online = online(it, corner, view)?;
    if online == Some(true) {
        return Ok(Judged::pass("Systems Manager hears from it").promised(promised));
    }
    let ways = [
        ("ssm", way(it, corner, "ssm", view)?),
        ("ssmmessages", way(it, corner, "ssmmessages", view)?),
    ];
    let words: Vec<String> = ways.iter().map(|(service, it)| it.words(service)).collect();
    let missing: Vec<&str> =
        ways.iter().filter(|it| matches!(it.1, ServicePath::None(_))).map(|it| it.0).collect();
    if missing.is_empty() {
        let refused = refused_on(&ways, it, corner, &Preferences::default(), view)?;
        if !refused.is_empty() {
            return Ok(Judged::fail(refused.join("; ")).promised(promised));
        }
        return Ok(Judged::pass(words.join(", ")).promised(promised).unsure());
    }
    let judged = Judged::fail(words.join("; ")).promised(promised);
    Ok(endpoints(it, corner, &missing, judged))
}

fn public((it, corner): (&Instance, &Corner), view: &View<'_>) -> Answer {
    if !runs(it) {
        return Ok(Judged::absent(STOPPED));
    }
    let open = table(it, corner, view)?.is_some_and(|it| {
        let routes = default_routes(it, &FOUR);
        routes.iter().flatten().any(|it| it.target.starts_with("igw-"))
    });
    if !open {
        return Ok(Judged::absent("its subnet is not public"));
    }
    let promised = "a public address, or endpoints";
    if let Some(address) = &it.public_ip {
        return Ok(Judged::pass(format!("its address is {address}")).promised(promised));
    }
    if endpoint(it, corner, "ssm", view)?.is_some()
        && endpoint(it, corner, "ssmmessages", view)?.is_some()
    {
        return Ok(Judged::pass("it has endpoints").promised(promised));
    }
    if online(it, corner, view)? == Some(true) {
        return Ok(Judged::pass("Systems Manager hears from it").promised(promised));
    }
    let judged =
        Judged::fail("its subnet is public, and it has no public address").promised(promised);
    Ok(endpoints(it, corner, &SESSIONS, judged))
}

/// Refuses to call a way closed where Systems Manager hears from an instance that routes lead nowhere: then there is another way,
/// a proxy for one, that is not seen here.
fn not_by_routes_alone(it: &Instance, corner: &Corner, view: &View<'_>) -> Result<(), Unread> {
    if online(it, corner, view)? != Some(true) {
        return Ok(());
    }
    for service in SESSIONS {
        if matches!(way(it, corner, service, view)?, ServicePath::None(_)) {
            let why = "Systems Manager hears from it, and no route that is seen here leads there: there is another way, a proxy for one";
            return Err(unclear(Reason::NotUnderstood, why));
        }
    }
    Ok(())
}

/// The preferences where the instance is; `None` if there are none.
fn preferences(corner: &Corner, view: &View<'_>) -> Result<Option<Preferences>, Unread> {
    let Some(document) = view.take(&corner.preferences)?.as_ref() else { return Ok(None) };
    Preferences::read(view.take(&document.content)?)
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

fn to_bucket((it, corner): (&Instance, &Corner), view: &View<'_>) -> Answer {
    if !runs(it) {
        return Ok(Judged::absent(STOPPED));
    }
    let told = preferences(corner, view)?;
    let Some((told, bucket)) = told.as_ref().and_then(|it| Some((it, it.bucket.text()?))) else {
        return Ok(Judged::absent("no bucket is named here"));
    };
    let promised = format!("a way to s3://{bucket}");
    if arrived(it, "s3", view) {
        return Ok(Judged::pass("a transcript of it arrived within a week").promised(promised));
    }
    let region = view.bucket(bucket).and_then(|it| it.region.as_deref());
    let chosen = way(it, corner, "s3", view)?;
    let endpoint = match chosen {
        ServicePath::None(_) => {
            not_by_routes_alone(it, corner, view)?;
            let route = table(it, corner, view)?.map_or(String::new(), |it| it.id.clone());
            let fix = format!(
                "aws ec2 create-vpc-endpoint --region {0} --vpc-id {1} --vpc-endpoint-type Gateway --service-name com.amazonaws.{0}.s3 --route-table-ids {2}",
                quote(&corner.region),
                quote(&it.vpc),
                quote(&route)
            );
            return Ok(Judged::fail(chosen.words("s3")).promised(promised).fix(fix));
        }
        ServicePath::Route(_) => {
            if let Some(why) = shut_in(it, corner, view)? {
                return Ok(Judged::fail(why).promised(promised));
            }
            return Ok(Judged::pass(chosen.words("s3")).promised(promised).unsure());
        }
        ServicePath::Endpoint(it) => it,
    };
    let id = &endpoint.id;
    if endpoint.kind == "Gateway"
        && let Some(why) = shut_in(it, corner, view)?
    {
        return Ok(Judged::fail(why).promised(promised));
    }
    match region {
        Some(one) if one != corner.region => {
            let mut without = corner.clone();
            if let crate::settings::Outcome::Is(many) = &mut without.network.endpoints.outcome {
                many.retain(|it| it.id != *id);
            }
            return Ok(match way(it, &without, "s3", view)? {
                ServicePath::None(why) => {
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
        None => {
            let none = || unclear(Reason::NotAsked, "the bucket was not surveyed");
            view.take(&view.bucket(bucket).ok_or_else(none)?.existence)?;
            let why = format!("the Region of the bucket was not told, and {id} leads to one alone");
            return Err(unclear(Reason::NotAsked, why));
        }
    }
    let Some(policy) = narrow(endpoint)? else {
        return Ok(Judged::pass(format!("by {id}")).promised(promised).unsure());
    };
    let roles = roles_of(it, corner, view)?;
    let whole = format!("arn:{}:s3:::{bucket}", partition_of(&corner.region));
    let object = object_arn(bucket, &told.prefix, partition_of(&corner.region));
    let mut asks = vec![("s3:PutObject", object)];
    // Where the flag is on the agent asks first, and refuses the session without an answer.
    if told.bucket_encrypted {
        asks.push(("s3:GetEncryptionConfiguration", whole));
    }
    let owner = view.bucket(bucket).and_then(|it| it.proved());
    Ok(match refused(endpoint, &policy, &roles, owner, &asks)? {
        Some(why) => Judged::fail(why).promised(promised),
        None => {
            Judged::pass(format!("by {id}, whose policy admits it")).promised(promised).unsure()
        }
    })
}

/// That an instance's security groups let it out to no address of S3, which a gateway keeps as they are ("Gateway endpoints for Amazon
/// S3"); in words. What is open to a list of prefixes is taken for open to S3's.
fn shut_in(it: &Instance, corner: &Corner, view: &View<'_>) -> Result<Option<String>, Unread> {
    let groups = view.take(&corner.network.security_groups)?;
    let mut open = Truth::No;
    for id in &it.security_groups {
        let group = groups.iter().find(|one| one.id == *id);
        let egress = group.into_iter().flat_map(|it| &it.egress).filter(|it| it.carries(443));
        let of_group = egress.map(leads_outside).fold(Truth::No, Truth::or);
        open = open.or(if group.is_some() { of_group } else { Truth::Unknown });
    }
    let why = "its own security groups do not let it out to port 443 of S3's addresses";
    Ok((open == Truth::No).then(|| why.to_owned()))
}

/// Roles an instance may act by: of a node those that may write for it, one of which it is; else that of its profile, or the default one.
fn roles_of(it: &Instance, corner: &Corner, view: &View<'_>) -> Result<Vec<String>, Unread> {
    let roles: Vec<String> = match view.take(&corner.nodes)?.iter().find(|one| one.id == it.id) {
        Some(node) => {
            let writer = writer(node, corner, view)?;
            writer.roles().into_iter().map(str::to_owned).collect()
        }
        None => {
            let name = match view.take(&it.role)?.as_ref() {
                Some(it) => Some(it),
                None => {
                    view.take(&corner.default_role)?.as_ref().filter(|_| it.metadata != Some(false))
                }
            };
            name.map(|it| role_arn(it, corner)).into_iter().collect()
        }
    };
    if roles.is_empty() {
        return Err(unclear(
            Reason::NotThere,
            "by which role it would ask is not known (IAM-ROLE-01)",
        ));
    }
    Ok(roles)
}

/// An endpoint's policy, where it may keep anything back: the one that AWS sets lets everybody do everything.
fn narrow(endpoint: &Endpoint) -> Result<Option<Policy>, Unread> {
    let Some(text) = &endpoint.policy else { return Ok(None) };
    let id = &endpoint.id;
    let policy = Policy::read(text).ok_or_else(|| {
        unclear(Reason::NotUnderstood, format!("the policy of {id} is of a form that is not known"))
    })?;
    let is_all = |it: &Which| matches!(it, Which::These(many) if many.iter().any(|it| it == "*"));
    let opens = |it: &Statement| {
        it.allows
            && it.means_everybody()
            && it.conditions.is_empty()
            && is_all(&it.actions)
            && is_all(&it.resources)
    };
    let is_open =
        policy.statements.iter().all(|it| it.allows) && policy.statements.iter().any(opens);
    Ok(Some(policy).filter(|_| !is_open))
}

/// What an endpoint's policy does not let through of these calls and resources, in words. One without a policy lets everything through.
/// `owner` is the account of the resources, where it is known.
/// Source: "Control access to VPC endpoints using endpoint policies" (AWS PrivateLink).
fn refused(
    endpoint: &Endpoint,
    policy: &Policy,
    roles: &[String],
    owner: Option<&str>,
    asks: &[(&str, String)],
) -> Result<Option<String>, Unread> {
    let id = &endpoint.id;
    let context = vec![
        ("aws:securetransport".to_owned(), "true".to_owned()),
        ("aws:sourcevpc".to_owned(), endpoint.vpc.clone()),
        ("aws:sourcevpce".to_owned(), id.clone()),
    ];
    // Which of several roles it is nobody knows: what is refused to all of them is refused.
    let mut all = Vec::new();
    for principal in roles {
        let mut answer = Ok(None);
        for (action, resource) in asks {
            let account = account_of(resource).or(owner.map(str::to_owned));
            let mut context = context.clone();
            for key in ["aws:resourceaccount", "s3:resourceaccount"] {
                context.extend(account.clone().map(|it| (key.to_owned(), it)));
            }
            let request = Request { principal, action, resource, context: &context, absent: &[] };
            let said = match policy.says(&request, true) {
                // A gateway takes an account for its root user alone ("Control access to VPC endpoints using endpoint policies").
                Said::Allows(name) if endpoint.kind == "Gateway" => match policy.grants(&request) {
                    Truth::Yes => Said::Allows(name),
                    Truth::No => Said::Nothing,
                    Truth::Unknown => Said::MayAllow(name),
                },
                other => other,
            };
            let why = match said {
                Said::Allows(_) => continue,
                Said::MayAllow(why) | Said::MayDeny(why) => {
                    let why = format!("the policy of {id}: {why}");
                    answer = answer.and(Err(unclear(Reason::MissingContextKey, why)));
                    continue;
                }
                Said::Denies(name) => format!("{name} in the policy of {id} denies {action}"),
                Said::Nothing => {
                    format!("the policy of {id} does not admit {action} to {resource}")
                }
            };
            answer = Ok(Some(why));
            break;
        }
        all.push(answer);
    }
    if let Some(it) = all.iter().find_map(|it| it.as_ref().err()) {
        return Err(it.clone());
    }
    let refused: Vec<String> = all.iter().filter_map(|it| it.clone().ok().flatten()).collect();
    match refused.len() {
        0 => Ok(None),
        some if some == all.len() => Ok(refused.into_iter().next()),
        _ => Err(unclear(Reason::NotUnderstood, format!("{}, if it is that role", refused[0]))),
    }
}

/// What the agent asks a service for, and of what.
fn asked_of(
    service: &str,
    it: &Instance,
    corner: &Corner,
    told: &Preferences,
    view: &View<'_>,
) -> Result<Vec<(&'static str, String)>, Unread> {
    let (partition, region, account) =
        (partition_of(&corner.region), &corner.region, &corner.account);
    let everywhere = || "*".to_owned();
    Ok(match service {
        "ssm" => {
            let instance = format!("arn:{partition}:ec2:{region}:{account}:instance/{}", it.id);
            vec![("ssm:UpdateInstanceInformation", instance)]
        }
        "ssmmessages" => CHANNEL
            .iter()
            .filter(|it| it.starts_with("ssmmessages:"))
            .map(|it| (*it, everywhere()))
            .collect(),
        "logs" => {
            let group = told.group.text().unwrap_or_default();
            let group = format!("arn:{partition}:logs:{region}:{account}:log-group:{group}");
            let stream = stream_arn(&group);
            let mut asks =
                vec![("logs:CreateLogStream", stream.clone()), ("logs:PutLogEvents", stream)];
            // Where the flag is on the agent asks for the group first, and refuses the session without an answer.
            asks.extend(
                told.group_encrypted.then(|| ("logs:DescribeLogGroups", any_group(&group))),
            );
            asks
        }
        "kms" => {
            let key = told.key.text().unwrap_or_default();
            let none = || unclear(Reason::NotAsked, format!("whose key {key} is was not asked"));
            let arn = match key.starts_with("arn:") && !key.contains(":alias/") {
                true => key.to_owned(),
                false => {
                    let state = view.take(&view.key(key).ok_or_else(none)?.state)?;
                    state.as_ref().ok_or_else(none)?.arn.clone()
                }
            };
            vec![("kms:Decrypt", arn)]
        }
        _ => Vec::new(),
    })
}

/// What the policies of the endpoints on these ways do not let through, in words.
fn refused_on(
    ways: &[(&str, ServicePath<'_>)],
    it: &Instance,
    corner: &Corner,
    told: &Preferences,
    view: &View<'_>,
) -> Result<Vec<String>, Unread> {
    let mut out = Vec::new();
    let mut unknown = None;
    for (service, way) in ways {
        let ServicePath::Endpoint(one) = way else { continue };
        let policy = match narrow(one) {
            Ok(Some(it)) => it,
            Ok(None) => continue,
            Err(it) => {
                unknown = Some(it);
                continue;
            }
        };
        let owner = Some(corner.account.as_str());
        let answer = asked_of(service, it, corner, told, view)
            .and_then(|asks| refused(one, &policy, &roles_of(it, corner, view)?, owner, &asks));
        match answer {
            Ok(why) => out.extend(why),
            Err(it) => unknown = Some(it),
        }
    }
    match unknown {
        Some(it) if out.is_empty() => Err(it),
        _ => Ok(out),
    }
}

fn to_group((it, corner): (&Instance, &Corner), view: &View<'_>) -> Answer {
    if !runs(it) {
        return Ok(Judged::absent(STOPPED));
    }
    let told = preferences(corner, view)?.unwrap_or_default();
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
    let mut ways = Vec::new();
    for service in services {
        ways.push((service, way(it, corner, service, view)?));
    }
    let words: Vec<String> = ways.iter().map(|(service, it)| it.words(service)).collect();
    let missing: Vec<&str> =
        ways.iter().filter(|it| matches!(it.1, ServicePath::None(_))).map(|it| it.0).collect();
    if missing.is_empty() {
        let refused = refused_on(&ways, it, corner, &told, view)?;
        if !refused.is_empty() {
            return Ok(Judged::fail(refused.join("; ")).promised(promised));
        }
        let seen = match words.is_empty() {
            true => "events of it arrived within a week".to_owned(),
            false => words.join(", "),
        };
        return Ok(Judged::pass(seen).promised(promised).unsure());
    }
    not_by_routes_alone(it, corner, view)?;
    Ok(endpoints(it, corner, &missing, Judged::fail(words.join("; ")).promised(promised)))
}

/// Ranges of private addresses (RFC 1918), and one that VPCs use, too (RFC 6598).
const PRIVATE: [&str; 4] = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10"];

fn is_private(address: Ipv4Addr) -> bool {
    PRIVATE.iter().any(|it| holds(it, address))
}

/// Whether a block and a range of private addresses have some in common: then the one holds where the other begins.
fn meets_private(block: &str) -> bool {
    let first = |it: &str| it.split('/').next().and_then(|it| it.parse::<Ipv4Addr>().ok());
    let within = |one: &str, other: &str| first(other).is_none_or(|it| holds(one, it));
    PRIVATE.iter().any(|it| within(it, block) || within(block, it))
}

/// Whether a block of addresses holds an address. What is no IPv4 block holds none.
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
    // What entries for some addresses do; it counts only where the one for all does otherwise.
    let mut narrow = Vec::new();
    for it in entries {
        let ports = it.protocol == "-1"
            || (it.protocol == "6"
                && it.from_port.unwrap_or(0) <= port
                && it.to_port.unwrap_or(65535) >= port);
        if !ports || it.block.contains(':') {
            continue;
        }
        if it.block == "0.0.0.0/0" {
            return narrow.iter().all(|one| *one == it.allows).then_some(it.allows);
        }
        narrow.push(it.allows);
    }
    narrow.iter().all(|it| !it).then_some(false)
}

/// Ports that answers come back to, by what the instance runs: Linux's default of `ip_local_port_range`, and Windows Server since 2008
/// ("Ephemeral ports", Amazon VPC User Guide).
const EPHEMERAL: [(&str, i64, i64); 2] = [("Linux", 32768, 60999), ("Windows", 49152, 65535)];

/// What an ACL does with answers to any of these ports: `None` if it depends on the address; `Some(false)` if any are lost.
fn acl_of_range(entries: &[AclEntry], egress: bool, first: i64, last: i64) -> Option<bool> {
    // It changes at most where an entry begins, or behind the end of one.
    let edges =
        entries.iter().flat_map(|it| [it.from_port, it.to_port.map(|it| it.saturating_add(1))]);
    let edges = edges.flatten().filter(|it| (first..=last).contains(it));
    let all: Vec<_> =
        std::iter::once(first).chain(edges).map(|it| acl(entries, egress, it)).collect();
    match (all.contains(&Some(false)), all.contains(&None)) {
        (true, _) => Some(false),
        (false, true) => None,
        (false, false) => Some(true),
    }
}

/// What an ACL does with the answers to an instance; of one whose system is not known only what it does for each.
fn answers(entries: &[AclEntry], platform: Option<&str>) -> Option<bool> {
    let of = |it: &(&str, i64, i64)| acl_of_range(entries, false, it.1, it.2);
    if let Some(it) = EPHEMERAL.iter().find(|it| Some(it.0) == platform) {
        return of(it);
    }
    let all: Vec<_> = EPHEMERAL.iter().map(of).collect();
    if all.iter().all(|it| *it == all[0]) { all[0] } else { None }
}

/// Whether a security group's opening lets an instance out to an endpoint.
fn leads(way: &Opening, to: &Endpoint, from: Option<Ipv4Addr>) -> Truth {
    if way.security_groups.iter().any(|it| to.security_groups.contains(it)) {
        return Truth::Yes;
    }
    let block = |text: &String| {
        let bits = text.split('/').nth(1).and_then(|it| it.parse::<u32>().ok());
        match (bits, from) {
            _ if text == "0.0.0.0/0" => Truth::Yes,
            // No VPC's block is wider than a /16 ("VPC CIDR blocks"), so a wider one that holds the instance holds its block; a narrower
            // one may be its own subnet alone.
            (Some(bits), Some(from)) if bits <= 16 && holds(text, from) => Truth::Yes,
            // Endpoints have addresses of IPv4 in the VPC, as the instance has, and none is its own.
            _ if text.contains(':') => Truth::No,
            (Some(32), Some(from)) if holds(text, from) => Truth::No,
            (_, Some(from)) if is_private(from) && !meets_private(text) => Truth::No,
            _ => Truth::Unknown,
        }
    };
    let of_blocks = way.blocks.iter().map(block).fold(Truth::No, Truth::or);
    let of_lists = if way.prefix_lists.is_empty() { Truth::No } else { Truth::Unknown };
    of_blocks.or(of_lists)
}

/// Whether a security group's opening lets an instance out to a service's own addresses, which lie in no private range.
fn leads_outside(way: &Opening) -> Truth {
    let block = |it: &String| match it.as_str() {
        "0.0.0.0/0" => Truth::Yes,
        it if it.contains(':') || PRIVATE.iter().any(|range| within(range, it)) => Truth::No,
        _ => Truth::Unknown,
    };
    let of_blocks = way.blocks.iter().map(block).fold(Truth::No, Truth::or);
    let of_lists = if way.prefix_lists.is_empty() { Truth::No } else { Truth::Unknown };
    of_blocks.or(of_lists)
}

/// Whether a block lies in another.
fn within(outer: &str, inner: &str) -> bool {
    let bits = |it: &str| it.split('/').nth(1).and_then(|it| it.parse::<u32>().ok());
    let first = inner.split('/').next().and_then(|it| it.parse::<Ipv4Addr>().ok());
    first.is_some_and(|it| holds(outer, it)) && bits(inner) >= bits(outer)
}

/// Whether a security group's opening admits an instance.
fn admits(opening: &Opening, it: &Instance, from: Option<Ipv4Addr>) -> Truth {
    if opening.security_groups.iter().any(|one| it.security_groups.contains(one)) {
        return Truth::Yes;
    }
    let of_blocks = match from {
        Some(from) => opening.blocks.iter().any(|it| holds(it, from)).into(),
        None if opening.blocks.is_empty() => Truth::No,
        None => Truth::Unknown,
    };
    let of_lists = if opening.prefix_lists.is_empty() { Truth::No } else { Truth::Unknown };
    of_blocks.or(of_lists)
}

fn let_through((it, corner): (&Instance, &Corner), view: &View<'_>) -> Answer {
    if !runs(it) {
        return Ok(Judged::absent(STOPPED));
    }
    let promised = "port 443 open on the way to each endpoint";
    // What answers Systems Manager reaches its endpoints, and where a transcript arrived of late it reached the others.
    let online = online(it, corner, view)? == Some(true);
    let told = preferences(corner, view);
    let named = told.as_ref().ok().and_then(Option::as_ref);
    let needs =
        |input: Option<&super::preferences::Input>| input.is_some_and(|it| it.text().is_some());
    let has_interface = |service: &str| {
        let name = format!(".{}.{service}", corner.region);
        // Where they were not read, the way is asked for, and says so.
        let all = view.take(&corner.network.endpoints);
        all.map_or(true, |all| {
            all.iter().any(|it| it.kind == "Interface" && it.service.ends_with(&name))
        })
    };
    let mut services: Vec<&str> = if online { Vec::new() } else { SESSIONS.to_vec() };
    for (service, is_needed) in [
        ("logs", needs(named.map(|it| &it.group)) && !arrived(it, "logs", view)),
        // Whether a gateway can be reached is asked of the way to the bucket (NET-03).
        (
            "s3",
            has_interface("s3") && needs(named.map(|it| &it.bucket)) && !arrived(it, "s3", view),
        ),
        ("kms", needs(named.map(|it| &it.key))),
    ] {
        services.extend(is_needed.then_some(service));
    }
    let mut used = Vec::new();
    // Ways that leave the VPC, by the addresses of the service itself.
    let mut outside = Vec::new();
    let mut unread = None;
    for service in services {
        // Where there is no way, or none that is known, the other checks tell.
        match way(it, corner, service, view) {
            Ok(ServicePath::Endpoint(one)) if one.kind == "Interface" => used.push(one),
            Ok(ServicePath::Route(to)) if service != "s3" => outside.push((service, to)),
            Err(it) if it.reason != Reason::NotUnderstood => unread = Some(it),
            Ok(_) | Err(_) => {}
        }
    }
    if used.is_empty() && outside.is_empty() {
        told?;
        if let Some(it) = unread {
            return Err(it);
        }
        return Ok(match online {
            true => Judged::pass("Systems Manager hears from it").promised(promised),
            false => Judged::absent("it has no way that could be closed"),
        });
    }
    let groups = view.take(&corner.network.security_groups);
    let mut unknown = told.as_ref().err().or(groups.as_ref().err()).cloned().or(unread);
    let groups = groups.map(Vec::as_slice).unwrap_or_default();
    let group = |id: &String| groups.iter().find(|it| it.id == *id);
    let address = it.private_ip.as_ref().and_then(|it| it.parse::<IpAddr>().ok());
    let address = address.and_then(|it| if let IpAddr::V4(it) = it { Some(it) } else { None });
    let mut wrong = Vec::new();
    let mut fixes = Vec::new();
    // What all the openings of some groups do together; a group that was not read may hold one.
    let together = |ids: &[String], of: &dyn Fn(&SecurityGroup) -> Truth| {
        let each = |id: &String| group(id).map_or(Truth::Unknown, of);
        ids.iter().map(each).fold(Truth::No, Truth::or)
    };
    let any = |many: &[Opening], test: &dyn Fn(&Opening) -> Truth| {
        many.iter().filter(|it| it.carries(443)).map(test).fold(Truth::No, Truth::or)
    };
    for (service, to) in outside {
        let outward = together(&it.security_groups, &|group| any(&group.egress, &leads_outside));
        if outward == Truth::No {
            let why = format!("its own security groups do not let it out to {service} by {to}");
            wrong.push(why);
        }
        if outward == Truth::Unknown {
            let why =
                format!("whether its security groups let it out to {service} depends on addresses");
            unknown = unknown.or(Some(unclear(Reason::NotUnderstood, why)));
        }
    }
    for one in &used {
        let inward = together(&one.security_groups, &|group| {
            any(&group.ingress, &|opening| admits(opening, it, address))
        });
        let outward = together(&it.security_groups, &|group| {
            any(&group.egress, &|way| leads(way, one, address))
        });
        if inward == Truth::No {
            wrong.push(format!("{} ({}) does not admit port 443 from it", one.id, one.service));
            if let (Some(to), Some(from)) =
                (one.security_groups.first(), it.security_groups.first())
            {
                fixes.push(format!(
                    "aws ec2 authorize-security-group-ingress --region {} --group-id {} --protocol tcp --port 443 --source-group {}",
                    quote(&corner.region), quote(to), quote(from)
                ));
            }
        }
        if outward == Truth::No {
            wrong.push(format!(
                "its own security groups do not let it out to port 443 of {} ({})",
                one.id, one.service
            ));
        }
        if [inward, outward].contains(&Truth::Unknown) {
            let why = format!(
                "whether security groups let it through to {} depends on addresses that were not read",
                one.id
            );
            unknown = unknown.or(Some(unclear(Reason::NotUnderstood, why)));
        }
    }
    let acls = match view.take(&corner.network.acls) {
        Ok(it) => it.as_slice(),
        Err(it) => {
            unknown = unknown.or(Some(it));
            &[]
        }
    };
    let own = acls.iter().find(|one| one.subnets.contains(&it.subnet));
    if own.is_none() {
        let why = "the ACL of its subnet was not shown, and each subnet has one";
        unknown = unknown.or(Some(unclear(Reason::NotAsked, why)));
    }
    if let Some(one) = own {
        let node = view.take(&corner.nodes)?.iter().find(|one| one.id == it.id);
        for (open, what) in [
            (acl(&one.entries, true, 443), "lets nothing out to port 443"),
            (answers(&one.entries, node.map(|it| it.platform.as_str())), "loses answers"),
        ] {
            match open {
                Some(true) => {}
                Some(false) => wrong.push(format!("the ACL {} {what}", one.id)),
                None => {
                    let why = format!("what the ACL {} does depends on addresses", one.id);
                    unknown = unknown.or(Some(unclear(Reason::NotUnderstood, why)));
                }
            }
        }
    }
    let vpc = corner.network.vpcs.iter().find(|one| one.id == it.vpc);
    // Only the names of endpoints depend on it.
    let vpc = vpc.filter(|_| !used.is_empty());
    if vpc.is_none() && !used.is_empty() {
        let why = "whether the VPC resolves names was not read";
        unknown = unknown.or(Some(unclear(Reason::NotAsked, why)));
    }
    if let Some(vpc) = vpc {
        for (name, on) in
            [("enableDnsSupport", &vpc.dns_support), ("enableDnsHostnames", &vpc.dns_hostnames)]
        {
            let is_on = match view.take(on) {
                Ok(it) => *it,
                Err(it) => {
                    unknown = unknown.or(Some(it));
                    continue;
                }
            };
            if !is_on {
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

    #[test]
    fn answers_need_every_port_that_the_system_takes() {
        let entry = |number, allows, from, to| AclEntry {
            number,
            allows,
            block: "0.0.0.0/0".into(),
            egress: false,
            protocol: "6".into(),
            from_port: Some(from),
            to_port: Some(to),
        };
        for (entries, linux, windows, either) in [
            (vec![entry(1, true, 1024, 65535)], Some(true), Some(true), Some(true)),
            (vec![entry(1, true, 32768, 60999)], Some(true), Some(false), None),
            (vec![entry(1, true, 49152, 65535)], Some(false), Some(true), None),
            (vec![entry(1, true, 40000, 40000)], Some(false), Some(false), Some(false)),
            (
                vec![entry(1, false, 50000, 50001), entry(2, true, 0, 65535)],
                Some(false),
                Some(false),
                Some(false),
            ),
            (vec![], Some(false), Some(false), Some(false)),
        ] {
            assert_eq!(answers(&entries, Some("Linux")), linux, "{entries:?}");
            assert_eq!(answers(&entries, Some("Windows")), windows, "{entries:?}");
            assert_eq!(answers(&entries, None), either, "{entries:?}");
        }
    }
}
