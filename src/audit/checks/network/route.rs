//! Checks of the way to Systems Manager: can an instance reach it.
//!
//! What was seen at run time comes first: an instance that Systems Manager hears from reaches it, whatever its routes say.
//! Source: "Improve the security of EC2 instances by using VPC endpoints for Systems Manager" (AWS Systems Manager User Guide).

use crate::audit::check::About;
use crate::audit::check::Check;
use crate::audit::check::ROLE;
use crate::audit::check::WAYS;
use crate::audit::check::WRITER;
use crate::audit::checks::network::endpoint_policy::reaches_all;
use crate::audit::checks::network::path::FOUR;
use crate::audit::checks::network::path::Host;
use crate::audit::checks::network::path::SESSIONS;
use crate::audit::checks::network::path::default_routes;
use crate::audit::frameworks::Group;
use crate::audit::preferences::Preferences;
use crate::audit::verdict::Answer;
use crate::audit::verdict::Judged;
use crate::audit::verdict::Severity;
use crate::audit::view::View;
use crate::settings::Corner;
use crate::settings::Instance;

/// The checks below, in the order of the table.
pub(crate) const CHECKS: &[Check] = &[REACHES, PUBLIC];

const REACHES: Check = Check {
    id: "NET-01",
    title: "The instance reaches Systems Manager",
    severity: Severity::High,
    groups: &[Group::Network],
    reads: &[WAYS, &["ssm:DescribeInstanceInformation"], WRITER, ROLE],
    why: "An instance that cannot reach ssm and ssmmessages does not appear, and no session can be started on it.",
    then: "Give its subnet a way: endpoints for ssm and ssmmessages, or a NAT gateway.",
    ask: &About::<Instance>(reaches),
};

fn reaches(one: (&Instance, &Corner), view: &View<'_>) -> Answer {
    let host = Host::new(one, view);
    let promised = "a way to ssm and ssmmessages";
    if host.online()? == Some(true) {
        return Ok(Judged::pass("Systems Manager hears from it").promised(promised));
    }
    Ok(reaches_all(&SESSIONS, host, &Preferences::default())?.promised(promised))
}

const PUBLIC: Check = Check {
    id: "NET-02",
    title: "An instance in a public subnet has a public address",
    severity: Severity::High,
    groups: &[Group::Network],
    reads: &[WAYS, &["ssm:DescribeInstanceInformation"]],
    why: "A route to an internet gateway carries nothing for an instance that nobody can answer to.",
    then: "Add endpoints, or move it behind a NAT gateway; a public address is the last resort.",
    ask: &About::<Instance>(public),
};

fn public(one: (&Instance, &Corner), view: &View<'_>) -> Answer {
    let host = Host::new(one, view);
    let open = host.table()?.is_some_and(|it| {
        let routes = default_routes(it, FOUR);
        routes.iter().flatten().any(|it| it.target.starts_with("igw-"))
    });
    if !open {
        return Ok(Judged::absent("its subnet is not public"));
    }
    let promised = "a public address, or endpoints";
    if let Some(address) = &host.it.public_ip {
        return Ok(Judged::pass(format!("its address is {address}")).promised(promised));
    }
    if host.endpoint("ssm")?.is_some() && host.endpoint("ssmmessages")?.is_some() {
        return Ok(Judged::pass("it has endpoints").promised(promised));
    }
    if host.online()? == Some(true) {
        return Ok(Judged::pass("Systems Manager hears from it").promised(promised));
    }
    let judged =
        Judged::fail("its subnet is public, and it has no public address").promised(promised);
    Ok(host.with_endpoints(&SESSIONS, judged))
}
