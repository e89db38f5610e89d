//! The check of what stands between an instance and its endpoints: security groups, ACLs and names.

use core::net::IpAddr;

use crate::audit::check::About;
use crate::audit::check::Check;
use crate::audit::checks::network::opening::acl;
use crate::audit::checks::network::opening::admits;
use crate::audit::checks::network::opening::answers;
use crate::audit::checks::network::opening::leads;
use crate::audit::checks::network::opening::leads_outside;
use crate::audit::checks::network::path::SESSIONS;
use crate::audit::checks::network::path::STOPPED;
use crate::audit::checks::network::path::ServicePath;
use crate::audit::checks::network::path::arrived;
use crate::audit::checks::network::path::online;
use crate::audit::checks::network::path::preferences;
use crate::audit::checks::network::path::runs;
use crate::audit::checks::network::path::way;
use crate::audit::frameworks::Group;
use crate::audit::iam::conditions::Truth;
use crate::audit::names::quote;
use crate::audit::preferences::Input;
use crate::audit::verdict::Answer;
use crate::audit::verdict::Judged;
use crate::audit::verdict::Severity::Medium;
use crate::audit::verdict::unclear;
use crate::audit::view::View;
use crate::settings::Corner;
use crate::settings::Instance;
use crate::settings::Opening;
use crate::settings::Reason;
use crate::settings::SecurityGroup;

pub(crate) const CHECKS: &[Check] = &[LET_THROUGH];

const LET_THROUGH: Check = Check {
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
};

fn let_through((it, corner): (&Instance, &Corner), view: &View<'_>) -> Answer {
    if !runs(it) {
        return Ok(Judged::absent(STOPPED));
    }
    let promised = "port 443 open on the way to each endpoint";
    // What answers Systems Manager reaches its endpoints, and where a transcript arrived of late it reached the others.
    let online = online(it, corner, view)? == Some(true);
    let told = preferences(corner, view);
    let named = told.as_ref().ok().and_then(Option::as_ref);
    let needs = |input: Option<&Input>| input.is_some_and(|it| it.text().is_some());
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
