//! How an instance gets to a service of its Region: by an endpoint, by a route, or not at all.
//!
//! Routes only tell what should be; a node that answers settles the question. A route that leads to where nobody here looked (a transit
//! gateway, a proxy) is unknown, never a failure.
//! Source: "Gateway endpoints for Amazon S3", "Centralized access to VPC private endpoints" (AWS PrivateLink).

use crate::audit::names::aws;
use crate::audit::preferences::Preferences;
use crate::audit::verdict::Judged;
use crate::audit::view::View;
use crate::settings::Corner;
use crate::settings::Endpoint;
use crate::settings::Instance;
use crate::settings::Reason;
use crate::settings::Route;
use crate::settings::RouteTable;
use crate::settings::Survey;
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

/// An instance where it stands, and what may be looked at around it.
#[derive(Clone, Copy)]
pub(super) struct Host<'a> {
    pub(super) it: &'a Instance,
    pub(super) corner: &'a Corner,
    pub(super) view: &'a View<'a>,
}

impl<'a> Host<'a> {
    pub(super) fn new((it, corner): (&'a Instance, &'a Corner), view: &'a View<'a>) -> Self {
        Self { it, corner, view }
    }

    /// The route table of its subnet.
    pub(super) fn table(self) -> Result<Option<&'a RouteTable>, Unread> {
        let tables = self.view.take(&self.corner.network.route_tables)?;
        let own = tables.iter().find(|it| it.subnets.contains(&self.it.subnet));
        Ok(own.or_else(|| tables.iter().find(|it| it.main && it.vpc == self.it.vpc)))
    }

    /// The endpoints of a service in its VPC.
    fn offered(self, service: &str) -> Result<impl Iterator<Item = &'a Endpoint>, Unread> {
        let name = format!(".{}.{service}", self.corner.region);
        let all = self.view.take(&self.corner.network.endpoints)?.iter();
        Ok(all.filter(move |it| {
            it.vpc == self.it.vpc && it.state == "available" && it.service.ends_with(&name)
        }))
    }

    /// The endpoint of a service that serves it.
    pub(super) fn endpoint(self, service: &str) -> Result<Option<&'a Endpoint>, Unread> {
        let mut found = None;
        for one in self.offered(service)? {
            let serves = match one.kind.as_str() {
                "Gateway" => self.table()?.is_some_and(|it| one.route_tables.contains(&it.id)),
                _ => one.private_dns,
            };
            // A gateway's route is the one that is taken.
            if serves && (one.kind == "Gateway" || found.is_none()) {
                found = Some(one);
            }
        }
        Ok(found)
    }

    /// Its way to a service of its Region.
    ///
    /// # Errors
    /// What was not read, and a route that leads where nobody here looked.
    pub(super) fn way(self, service: &str) -> Result<ServicePath<'a>, Unread> {
        if let Some(it) = self.endpoint(service)? {
            return Ok(ServicePath::Endpoint(it));
        }
        let Some(table) = self.table()? else {
            return Ok(ServicePath::None("its subnet has no route table".into()));
        };
        // An endpoint without a private name: a hosted zone of somebody may lead to it.
        let is_unnamed = self.offered(service)?.any(|it| it.kind == "Interface");
        let closed = |why: String| match is_unnamed {
            true => Err(Reason::NotUnderstood.because(format!(
                "an endpoint for {service} has no private name, and other names may lead to it"
            ))),
            false => Ok(ServicePath::None(why)),
        };
        let halves = default_routes(table, FOUR);
        if halves.iter().any(Option::is_some) {
            let [one, other] = halves.map(|it| self.out_by(it));
            return match (one?, other?) {
                (Ok(to), Ok(_)) => Ok(ServicePath::Route(to.to_owned())),
                (Err(why), Err(_)) => closed(why),
                _ => Err(Reason::NotUnderstood.because(
                    "only one half of all addresses has a way, and in which the service lies is not known",
                )),
            };
        }
        let has_six = default_routes(table, SIX).iter().any(Option::is_some);
        if self.it.ipv6 && has_six {
            let why = "it has a way by IPv6 alone, which the agent takes only where it is set to";
            return Err(Reason::NotUnderstood.because(why));
        }
        let mut open = table.routes.iter().filter(|it| it.state != "blackhole");
        // A gateway endpoint's list is its service's; of any other nobody here knows what it holds.
        let is_list =
            |it: &&Route| it.destination.starts_with("pl-") && !it.target.starts_with("vpce-");
        if let Some(it) = open.clone().find(is_list) {
            let why = format!("it has a route to the list {}, which was not read", it.destination);
            return Err(Reason::NotUnderstood.because(why));
        }
        // Endpoints may be shared by another network ("Centralized access to VPC private endpoints").
        let near = ["local", "vpce", "igw", "nat", "eigw", ""];
        if let Some(it) = open.find(|it| !near.contains(&it.kind())) {
            let why = format!("it has a route to {}, and what lies behind is not known", it.target);
            return Err(Reason::NotUnderstood.because(why));
        }
        closed("it has no endpoint and no default route".into())
    }

    /// Where a default route leads it, or why it leads nowhere.
    ///
    /// # Errors
    /// A target behind which nobody here looked.
    fn out_by(self, route: Option<&Route>) -> Result<Result<&str, String>, Unread> {
        let Some(route) = route else { return Ok(Err("its default route leads nowhere".into())) };
        let to = route.target.as_str();
        match route.kind() {
            "nat" => Ok(Ok(to)),
            "igw" if self.it.public_ip.is_some() => Ok(Ok(to)),
            "igw" => {
                Ok(Err(format!("its default route leads to {to}, and it has no public address")))
            }
            _ => Err(Reason::NotUnderstood.because(format!(
                "its default route leads to {to}, and what lies behind is not known"
            ))),
        }
    }

    /// Whether Systems Manager hears from it; `None` if it is no node.
    pub(super) fn online(self) -> Result<Option<bool>, Unread> {
        let nodes = self.view.take(&self.corner.nodes)?;
        Ok(nodes.iter().find(|it| it.id == self.it.id).map(|it| it.ping == "Online"))
    }

    /// Refuses to call a way closed where Systems Manager hears from an instance that routes lead nowhere: then there is another way,
    /// a proxy for one, that is not seen here.
    pub(super) fn not_by_routes_alone(self) -> Result<(), Unread> {
        if self.online()? != Some(true) {
            return Ok(());
        }
        for service in SESSIONS {
            if matches!(self.way(service)?, ServicePath::None(_)) {
                let why = "Systems Manager hears from it, and no route that is seen here leads there: there is another way, a proxy for one";
                return Err(Reason::NotUnderstood.because(why));
            }
        }
        Ok(())
    }

    /// The preferences where it is; `None` if there are none.
    pub(super) fn preferences(self) -> Result<Option<Preferences>, Unread> {
        let Some(document) = self.view.take(&self.corner.preferences)? else { return Ok(None) };
        Preferences::read(self.view.take(&document.content)?).map(Some).ok_or_else(|| {
            Reason::NotUnderstood.because("the content of the preferences is no JSON")
        })
    }

    /// Whether a transcript of it arrived of late, by our own archive.
    pub(super) fn arrived(self, kind: &str) -> bool {
        let Survey { arrivals, taken_at, .. } = self.view.survey;
        let mut of_it = arrivals.iter().filter(|it| it.target == self.it.id && it.kind == kind);
        of_it.any(|it| it.at.days_until(*taken_at) < RECENT)
    }

    /// With the commands that make endpoints for these services.
    pub(super) fn with_endpoints(self, services: &[&str], judged: Judged) -> Judged {
        let region = &self.corner.region;
        services.iter().fold(judged, |judged, service| {
            let options = [
                ("region", region.as_str()),
                ("vpc-id", &self.it.vpc),
                ("vpc-endpoint-type", "Interface"),
                ("service-name", &format!("com.amazonaws.{region}.{service}")),
                ("subnet-ids", &self.it.subnet),
                ("security-group-ids", "GROUP-THAT-ADMITS-443"),
            ];
            judged.fix(aws("ec2 create-vpc-endpoint", &options) + " --private-dns-enabled")
        })
    }
}

impl Route {
    /// What kind of thing it leads to, by its target's id.
    fn kind(&self) -> &str {
        self.target.split('-').next().unwrap_or_default()
    }
}

/// All addresses, and each half of them.
type Everywhere = [&'static str; 3];

pub(super) const FOUR: Everywhere = ["0.0.0.0/0", "0.0.0.0/1", "128.0.0.0/1"];

const SIX: Everywhere = ["::/0", "::/1", "8000::/1"];

/// The route that is taken for each half of all addresses, by the longer prefix; `None` where there is none, or it leads nowhere.
pub(super) fn default_routes(table: &RouteTable, everywhere: Everywhere) -> [Option<&Route>; 2] {
    let [all, one, other] =
        everywhere.map(|block| table.routes.iter().find(|it| it.destination == block));
    [one, other].map(|it| it.or(all).filter(|it| it.state != "blackhole"))
}

/// The services without which no session starts.
pub(super) const SESSIONS: [&str; 2] = ["ssm", "ssmmessages"];

/// Days within which a transcript that arrived proves the way.
const RECENT: i64 = 7;
