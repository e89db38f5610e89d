//! What security groups and network ACLs let through, as far as addresses are known.
//!
//! Source: "Security group rules", "Network ACL rules", "Ephemeral ports" (Amazon VPC User Guide).

use core::net::IpAddr;
use core::net::Ipv4Addr;

use crate::audit::iam::conditions;
use crate::audit::iam::conditions::Truth;
use crate::settings::AclEntry;
use crate::settings::Endpoint;
use crate::settings::Instance;
use crate::settings::Opening;
use crate::settings::SecurityGroup;

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
    let read = block.contains('/').then(|| conditions::block(block)).flatten();
    read.is_some_and(|it| it.holds(IpAddr::V4(address)))
}

impl Opening {
    fn carries(&self, port: i64) -> bool {
        self.protocol == "-1"
            || (["tcp", "6"].contains(&self.protocol.as_str())
                && self.from_port.unwrap_or(0) <= port
                && self.to_port.unwrap_or(65535) >= port)
    }

    /// What it does by its blocks, or by its lists of prefixes, which nobody here has read.
    fn or_by_lists(&self, of_blocks: Truth) -> Truth {
        of_blocks.or(if self.prefix_lists.is_empty() { Truth::No } else { Truth::Unknown })
    }
}

/// What all the openings of some groups do together for port 443; a group that was not read may hold one.
pub(super) fn together(
    ids: &[String],
    groups: &[SecurityGroup],
    of: fn(&SecurityGroup) -> &[Opening],
    test: impl Fn(&Opening) -> Truth,
) -> Truth {
    Truth::any(ids.iter().map(|id| match groups.iter().find(|it| it.id == *id) {
        Some(it) => Truth::any(of(it).iter().filter(|it| it.carries(443)).map(&test)),
        None => Truth::Unknown,
    }))
}

/// What a network ACL does with TCP to a port, from or to anywhere. `None` if it depends on the address.
pub(super) fn acl(entries: &[AclEntry], egress: bool, port: i64) -> Option<bool> {
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
pub(super) fn answers(entries: &[AclEntry], platform: Option<&str>) -> Option<bool> {
    let of = |it: &(&str, i64, i64)| acl_of_range(entries, false, it.1, it.2);
    if let Some(it) = EPHEMERAL.iter().find(|it| Some(it.0) == platform) {
        return of(it);
    }
    let all: Vec<_> = EPHEMERAL.iter().map(of).collect();
    if all.iter().all(|it| *it == all[0]) { all[0] } else { None }
}

/// Whether a security group's opening lets an instance out to an endpoint.
pub(super) fn leads(way: &Opening, to: &Endpoint, from: Option<Ipv4Addr>) -> Truth {
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
    way.or_by_lists(Truth::any(way.blocks.iter().map(block)))
}

/// Whether a security group's opening lets an instance out to a service's own addresses, which lie in no private range.
pub(super) fn leads_outside(way: &Opening) -> Truth {
    let block = |it: &String| match it.as_str() {
        "0.0.0.0/0" => Truth::Yes,
        it if it.contains(':') || PRIVATE.iter().any(|range| within(range, it)) => Truth::No,
        _ => Truth::Unknown,
    };
    way.or_by_lists(Truth::any(way.blocks.iter().map(block)))
}

/// Whether a block lies in another.
fn within(outer: &str, inner: &str) -> bool {
    let bits = |it: &str| it.split('/').nth(1).and_then(|it| it.parse::<u32>().ok());
    let first = inner.split('/').next().and_then(|it| it.parse::<Ipv4Addr>().ok());
    first.is_some_and(|it| holds(outer, it)) && bits(inner) >= bits(outer)
}

/// Whether a security group's opening admits an instance.
pub(super) fn admits(opening: &Opening, it: &Instance, from: Option<Ipv4Addr>) -> Truth {
    if opening.security_groups.iter().any(|one| it.security_groups.contains(one)) {
        return Truth::Yes;
    }
    let of_blocks = match from {
        Some(from) => opening.blocks.iter().any(|it| holds(it, from)).into(),
        None if opening.blocks.is_empty() => Truth::No,
        None => Truth::Unknown,
    };
    opening.or_by_lists(of_blocks)
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
