//! The check of what stands between an instance and its endpoints: security groups, ACLs and names.

use core::net::Ipv4Addr;

use crate::audit::check::About;
use crate::audit::check::Check;
use crate::audit::checks::network::opening;
use crate::audit::checks::network::path::Host;
use crate::audit::checks::network::path::SESSIONS;
use crate::audit::checks::network::path::ServicePath;
use crate::audit::frameworks::Group;
use crate::audit::iam::conditions::Truth;
use crate::audit::names::aws;
use crate::audit::preferences::Input;
use crate::audit::preferences::Preferences;
use crate::audit::verdict::Answer;
use crate::audit::verdict::Causes;
use crate::audit::verdict::Judged;
use crate::audit::verdict::Severity;
use crate::audit::view::View;
use crate::settings::Corner;
use crate::settings::Endpoint;
use crate::settings::Instance;
use crate::settings::Reason;
use crate::settings::SecurityGroup;
use crate::settings::Unread;

/// The checks below, in the order of the table.
pub(crate) const CHECKS: &[Check] = &[LET_THROUGH];

const LET_THROUGH: Check = Check {
    id: "NET-05",
    title: "Security groups, ACLs and names let the endpoints be reached",
    severity: Severity::Medium,
    groups: &[Group::Network],
    reads: &[&[
        "ec2:DescribeInstances",
        "ec2:DescribeVpcEndpoints",
        "ec2:DescribeSecurityGroups",
        "ec2:DescribeNetworkAcls",
        "ec2:DescribeVpcAttribute",
        "ssm:DescribeInstanceInformation",
        "ssm:GetDocument",
        "ec2:DescribeRouteTables",
    ]],
    why: "An endpoint that drops port 443 is as good as none, and looks right in every list.",
    then: "Let port 443 into the endpoint's group from the instance, and out of the instance's.",
    ask: &About::<Instance>(let_through),
};

fn let_through(one: (&Instance, &Corner), view: &View<'_>) -> Answer {
    let host = Host::new(one, view);
    let promised = "port 443 open on the way to each endpoint";
    // What answers Systems Manager reaches its endpoints, and where a transcript arrived of late it reached the others.
    let online = host.online()? == Some(true);
    let told = host.preferences();
    let mut services: Vec<&str> = if online { Vec::new() } else { SESSIONS.to_vec() };
    services.extend(needed(host, told.as_ref().ok().and_then(Option::as_ref)));
    let WaysTaken { used, outside, unread } = ways_taken(host, &services);
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
    let groups = view.take(&host.corner.network.security_groups);
    let unknown = told.as_ref().err().or(groups.as_ref().err()).cloned().or(unread);
    let groups = groups.map(Vec::as_slice).unwrap_or_default();
    let wrong = Causes { found: Vec::new(), unknown };
    let mut found = Obstacles { host, groups, wrong, fixes: Vec::new() };
    found.on_the_way_outside(&outside);
    for endpoint in &used {
        found.at_endpoint(endpoint);
    }
    found.in_acl()?;
    if !used.is_empty() {
        found.in_names();
    }
    let Obstacles { wrong, fixes, .. } = found;
    let wrong = wrong.proved()?;
    let judged = match wrong.as_slice() {
        [] => Judged::pass("nothing stands in the way").unsure(),
        [one] => Judged::fail(one.clone()),
        many => Judged::fail(format!("{} things stand in the way", many.len())).details(wrong),
    };
    Ok(fixes.into_iter().fold(judged.promised(promised), Judged::fix))
}

/// Services of the places that the preferences name, as far as no arrival of late shows that they are reached.
fn needed(host: Host<'_>, told: Option<&Preferences>) -> Vec<&'static str> {
    let needs = |input: Option<&Input>| input.is_some_and(|it| it.text().is_some());
    let name = format!(".{}.s3", host.corner.region);
    // Where endpoints were not read, the way is asked for, and says so.
    let has_interface = host.view.take(&host.corner.network.endpoints).map_or(true, |all| {
        all.iter().any(|it| it.kind == "Interface" && it.service.ends_with(&name))
    });
    let table = [
        ("logs", needs(told.map(|it| &it.group)) && !host.arrived("logs")),
        // Whether a gateway can be reached is asked of the way to the bucket (NET-03).
        ("s3", has_interface && needs(told.map(|it| &it.bucket)) && !host.arrived("s3")),
        ("kms", needs(told.map(|it| &it.key))),
    ];
    table.into_iter().filter(|it| it.1).map(|it| it.0).collect()
}

/// The ways that an instance takes, as far as they can be closed.
#[derive(Default)]
struct WaysTaken<'a> {
    used: Vec<&'a Endpoint>,
    /// Ways that leave the VPC, by the addresses of the service itself: service and target.
    outside: Vec<(&'a str, String)>,
    unread: Option<Unread>,
}

fn ways_taken<'a>(host: Host<'a>, services: &[&'a str]) -> WaysTaken<'a> {
    let mut out = WaysTaken::default();
    for service in services {
        // Where there is no way, or none that is known, the other checks tell.
        match host.way(service) {
            Ok(ServicePath::Endpoint(one)) if one.kind == "Interface" => out.used.push(one),
            Ok(ServicePath::Route(to)) if *service != "s3" => out.outside.push((service, to)),
            Err(it) if it.reason != Reason::NotUnderstood => out.unread = Some(it),
            Ok(_) | Err(_) => {}
        }
    }
    out
}

/// What stands in the way of an instance, what clears it, and the first thing that is not known.
struct Obstacles<'a> {
    host: Host<'a>,
    /// All security groups that were read.
    groups: &'a [SecurityGroup],
    wrong: Causes<String>,
    fixes: Vec<String>,
}

impl Obstacles<'_> {
    fn on_the_way_outside(&mut self, outside: &[(&str, String)]) {
        let own = &self.host.it.security_groups;
        let outward = opening::together(own, self.groups, |it| &it.egress, opening::leads_outside);
        for (service, to) in outside {
            match outward {
                Truth::Yes => {}
                Truth::No => self.wrong.found.push(format!(
                    "its own security groups do not let it out to {service} by {to}"
                )),
                Truth::Unknown => self.wrong.lack(Reason::NotUnderstood.because(format!(
                    "whether its security groups let it out to {service} depends on addresses"
                ))),
            }
        }
    }

    fn at_endpoint(&mut self, one: &Endpoint) {
        let Host { it, corner, .. } = self.host;
        let address: Option<Ipv4Addr> = it.private_ip.as_ref().and_then(|it| it.parse().ok());
        let inward = opening::together(
            &one.security_groups,
            self.groups,
            |it| &it.ingress,
            |opening| opening::admits(opening, it, address),
        );
        let outward = opening::together(
            &it.security_groups,
            self.groups,
            |it| &it.egress,
            |opening| opening::leads(opening, one, address),
        );
        let name = format!("{} ({})", one.id, one.service);
        if inward == Truth::No {
            self.wrong.found.push(format!("{name} does not admit port 443 from it"));
            if let (Some(to), Some(from)) =
                (one.security_groups.first(), it.security_groups.first())
            {
                let options = [
                    ("region", corner.region.as_str()),
                    ("group-id", to),
                    ("protocol", "tcp"),
                    ("port", "443"),
                    ("source-group", from),
                ];
                self.fixes.push(aws("ec2 authorize-security-group-ingress", &options));
            }
        }
        if outward == Truth::No {
            let why = format!("its own security groups do not let it out to port 443 of {name}");
            self.wrong.found.push(why);
        }
        if [inward, outward].contains(&Truth::Unknown) {
            let why = format!(
                "whether security groups let it through to {} depends on addresses that were not read",
                one.id
            );
            self.wrong.lack(Reason::NotUnderstood.because(why));
        }
    }

    fn in_acl(&mut self) -> Result<(), Unread> {
        let Host { it, corner, view } = self.host;
        let acls = match view.take(&corner.network.acls) {
            Ok(it) => it.as_slice(),
            Err(it) => {
                self.wrong.lack(it);
                &[]
            }
        };
        let Some(one) = acls.iter().find(|one| one.subnets.contains(&it.subnet)) else {
            let why = "the ACL of its subnet was not shown, and each subnet has one";
            self.wrong.lack(Reason::NotAsked.because(why));
            return Ok(());
        };
        let node = view.take(&corner.nodes)?.iter().find(|one| one.id == it.id);
        for (open, what) in [
            (opening::acl(&one.entries, true, 443), "lets nothing out to port 443"),
            (opening::answers(&one.entries, node.map(|it| it.platform.as_str())), "loses answers"),
        ] {
            match open {
                Some(true) => {}
                Some(false) => self.wrong.found.push(format!("the ACL {} {what}", one.id)),
                None => {
                    let why = format!("what the ACL {} does depends on addresses", one.id);
                    self.wrong.lack(Reason::NotUnderstood.because(why));
                }
            }
        }
        Ok(())
    }

    /// Whether the VPC resolves the names of endpoints.
    fn in_names(&mut self) {
        let Host { it, corner, view } = self.host;
        let Some(vpc) = corner.network.vpcs.iter().find(|one| one.id == it.vpc) else {
            let why = "whether the VPC resolves names was not read";
            self.wrong.lack(Reason::NotAsked.because(why));
            return;
        };
        for (name, on, flag) in [
            ("enableDnsSupport", &vpc.dns_support, "--enable-dns-support"),
            ("enableDnsHostnames", &vpc.dns_hostnames, "--enable-dns-hostnames"),
        ] {
            match view.take(on) {
                Ok(true) => {}
                Ok(false) => {
                    let why = format!("{name} is off, so that the endpoints' names lead elsewhere");
                    self.wrong.found.push(why);
                    let options = [("region", corner.region.as_str()), ("vpc-id", &vpc.id)];
                    self.fixes.push(aws("ec2 modify-vpc-attribute", &options) + " " + flag);
                }
                Err(it) => self.wrong.lack(it),
            }
        }
    }
}
