//! How an instance gets to a service of its Region: by an endpoint, by a route, or not at all.
//!
//! Routes only tell what should be; a node that answers settles the question. A route that leads to where nobody here looked (a transit
//! gateway, a proxy) is unknown, never a failure.
//! Source: "Gateway endpoints for Amazon S3", "Centralized access to VPC private endpoints" (AWS PrivateLink).

use crate::audit::names::quote;
use crate::audit::preferences::Preferences;
use crate::audit::verdict::Judged;
use crate::audit::view::View;
use crate::settings::Corner;
use crate::settings::Endpoint;
use crate::settings::Instance;
use crate::settings::Reason;
use crate::settings::Route;
use crate::settings::RouteTable;
use crate::settings::Unread;

/// How an instance gets to a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ServicePath<'a> {
    Endpoint(&'a Endpoint),
    /// By this target of its default route.
    Route(String),
    /// Not at all, and why.
    None(String),
}

impl ServicePath<'_> {
    pub(super) fn words(&self, service: &str) -> String {
        match self {
            Self::Endpoint(it) => format!("{service} by {}", it.id),
            Self::Route(it) => format!("{service} by {it}"),
            Self::None(why) => format!("{service}: {why}"),
        }
    }
}

/// The route table of an instance's subnet.
pub(super) fn table<'a>(
    it: &Instance,
    corner: &'a Corner,
    view: &View<'_>,
) -> Result<Option<&'a RouteTable>, Unread> {
    let tables = view.take(&corner.network.route_tables)?;
    let own = tables.iter().find(|one| one.subnets.contains(&it.subnet));
    Ok(own.or_else(|| tables.iter().find(|one| one.main && one.vpc == it.vpc)))
}

/// The endpoint of a service that serves an instance.
pub(super) fn endpoint<'a>(
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
pub(super) fn way<'a>(
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
                    return Err(Reason::NotUnderstood.because(format!(
                        "its default route leads to {to}, and what lies behind is not known"
                    )));
                }
            });
        }
        return match ways.as_slice() {
            [Ok(to), Ok(_)] => Ok(ServicePath::Route((*to).to_owned())),
            [Err(why), Err(_)] => closed(why.clone()),
            _ => {
                let why = "only one half of all addresses has a way, and in which the service lies is not known";
                Err(Reason::NotUnderstood.because(why))
            }
        };
    }
    let has_six = default_routes(table, &SIX).iter().any(Option::is_some);
    if it.ipv6 && has_six {
        let why = "it has a way by IPv6 alone, which the agent takes only where it is set to";
        return Err(Reason::NotUnderstood.because(why));
    }
    // A gateway endpoint's list is its service's; of any other nobody here knows what it holds.
    let list = table.routes.iter().find(|it| {
        it.destination.starts_with("pl-")
            && !it.target.starts_with("vpce-")
            && it.state != "blackhole"
    });
    if let Some(it) = list {
        let why = format!("it has a route to the list {}, which was not read", it.destination);
        return Err(Reason::NotUnderstood.because(why));
    }
    // Endpoints may be shared by another network ("Centralized access to VPC private endpoints").
    let away = |it: &&Route| {
        let kind = it.target.split('-').next().unwrap_or_default();
        it.state != "blackhole" && !["local", "vpce", "igw", "nat", "eigw", ""].contains(&kind)
    };
    if let Some(it) = table.routes.iter().find(away) {
        let why = format!("it has a route to {}, and what lies behind is not known", it.target);
        return Err(Reason::NotUnderstood.because(why));
    }
    closed("it has no endpoint and no default route".into())
}

/// All addresses, and each half of them.
pub(super) struct Everywhere {
    all: &'static str,
    halves: [&'static str; 2],
}

pub(super) const FOUR: Everywhere =
    Everywhere { all: "0.0.0.0/0", halves: ["0.0.0.0/1", "128.0.0.0/1"] };

const SIX: Everywhere = Everywhere { all: "::/0", halves: ["::/1", "8000::/1"] };

/// The route that is taken for each half of all addresses, by the longer prefix; `None` where there is none, or it leads nowhere.
pub(super) fn default_routes<'a>(
    table: &'a RouteTable,
    everywhere: &Everywhere,
) -> [Option<&'a Route>; 2] {
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
        Reason::NotUnderstood.because(why)
    }))
}

/// Whether Systems Manager hears from it; `None` if it is no node.
pub(super) fn online(
    it: &Instance,
    corner: &Corner,
    view: &View<'_>,
) -> Result<Option<bool>, Unread> {
    let nodes = view.take(&corner.nodes)?;
    Ok(nodes.iter().find(|one| one.id == it.id).map(|it| it.ping == "Online"))
}

pub(super) const STOPPED: &str = "it does not run";

pub(super) fn runs(it: &Instance) -> bool {
    it.state == "running" || it.state == "pending"
}

/// The commands that make endpoints for these services.
pub(super) fn endpoints(
    it: &Instance,
    corner: &Corner,
    services: &[&str],
    judged: Judged,
) -> Judged {
    services.iter().fold(judged, |judged, service| {
        judged.fix(format!(
            "aws ec2 create-vpc-endpoint --region {} --vpc-id {} --vpc-endpoint-type Interface --service-name com.amazonaws.{}.{service} --subnet-ids {} --security-group-ids GROUP-THAT-ADMITS-443 --private-dns-enabled",
            quote(&corner.region), quote(&it.vpc), quote(&corner.region), quote(&it.subnet)
        ))
    })
}

pub(super) const SESSIONS: [&str; 2] = ["ssm", "ssmmessages"];

/// Refuses to call a way closed where Systems Manager hears from an instance that routes lead nowhere: then there is another way,
/// a proxy for one, that is not seen here.
pub(super) fn not_by_routes_alone(
    it: &Instance,
    corner: &Corner,
    view: &View<'_>,
) -> Result<(), Unread> {
    if online(it, corner, view)? != Some(true) {
        return Ok(());
    }
    for service in SESSIONS {
        if matches!(way(it, corner, service, view)?, ServicePath::None(_)) {
            let why = "Systems Manager hears from it, and no route that is seen here leads there: there is another way, a proxy for one";
            return Err(Reason::NotUnderstood.because(why));
        }
    }
    Ok(())
}

/// The preferences where the instance is; `None` if there are none.
pub(super) fn preferences(corner: &Corner, view: &View<'_>) -> Result<Option<Preferences>, Unread> {
    let Some(document) = view.take(&corner.preferences)?.as_ref() else { return Ok(None) };
    Preferences::read(view.take(&document.content)?)
        .map(Some)
        .ok_or_else(|| Reason::NotUnderstood.because("the content of the preferences is no JSON"))
}

/// Days within which a transcript that arrived proves the way.
const RECENT: i64 = 7;

/// Whether a transcript of it arrived of late, by our own archive.
pub(super) fn arrived(it: &Instance, kind: &str, view: &View<'_>) -> bool {
    view.survey.arrivals.iter().any(|one| {
        one.target == it.id && one.kind == kind && one.at.days_until(view.survey.taken_at) < RECENT
    })
}
