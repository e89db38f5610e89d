//! Checks of the way to Systems Manager: can an instance reach it.
//!
//! What was seen at run time comes first: an instance that Systems Manager hears from reaches it, whatever its routes say.
//! Source: "Improve the security of EC2 instances by using VPC endpoints for Systems Manager" (AWS Systems Manager User Guide).

use crate::audit::check::About;
use crate::audit::check::Check;
use crate::audit::checks::network::endpoint_policy::refused_on;
use crate::audit::checks::network::path::FOUR;
use crate::audit::checks::network::path::SESSIONS;
use crate::audit::checks::network::path::STOPPED;
use crate::audit::checks::network::path::ServicePath;
use crate::audit::checks::network::path::default_routes;
use crate::audit::checks::network::path::endpoint;
use crate::audit::checks::network::path::endpoints;
use crate::audit::checks::network::path::online;
use crate::audit::checks::network::path::runs;
use crate::audit::checks::network::path::table;
use crate::audit::checks::network::path::way;
use crate::audit::frameworks::Group;
use crate::audit::preferences::Preferences;
use crate::audit::verdict::Answer;
use crate::audit::verdict::Judged;
use crate::audit::verdict::Severity::High;
use crate::audit::view::View;
use crate::settings::Corner;
use crate::settings::Instance;

/// The checks below, in the order of the table.
pub(crate) const CHECKS: &[Check] = &[REACHES, PUBLIC];

const REACHES: Check = Check {
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
};

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

const PUBLIC: Check = Check {
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
};

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
