//! Checks of CloudWatch Logs: is the log group there, does it keep what it is given, and who else may touch it.
//!
//! Fields and their meaning: "LogGroup", "PutRetentionPolicy", "PutAccountPolicy" (Amazon CloudWatch Logs API Reference).

use super::buckets;
use super::check::About;
use super::check::Check;
use super::frameworks::Group;
use super::names::days;
use super::names::group_arn;
use super::names::quote;
use super::preferences::Preferences;
use super::promise::legal_retention;
use super::statements::Admits;
use super::statements::Policy;
use super::statements::account_of;
use super::subject::Sought;
use super::verdict::Answer;
use super::verdict::Judged;
use super::verdict::Severity::Critical;
use super::verdict::Severity::High;
use super::verdict::Severity::Info;
use super::verdict::Severity::Low;
use super::verdict::Severity::Medium;
use super::verdict::unclear;
use super::view::View;
use crate::settings::AccountPolicy;
use crate::settings::GroupSettings;
use crate::settings::LogGroup;
use crate::settings::Reason;
use crate::settings::Unread;

/// How long the group keeps them, and whether a bucket keeps them longer.
const STORES: &[&str] = &[
    "logs:DescribeLogGroups",
    "logs:DescribeAccountPolicies",
    "ssm:GetDocument",
    "s3:ListBucket",
    "s3:GetLifecycleConfiguration",
    "s3:GetBucketVersioning",
    "s3:GetBucketObjectLockConfiguration",
];

pub(super) const CHECKS: &[Check] = &[
    Check {
        id: "CWL-EXIST-01",
        title: "The log group exists",
        severity: Critical,
        groups: &[Group::Generation, Group::Failure],
        reads: &["logs:DescribeLogGroups"],
        why: "The agent never creates it: sessions run, nothing is streamed or uploaded, and nobody is told.",
        then: "Create it in the Region of the preferences, with a key and a retention.",
        ask: &About::<Sought<LogGroup>>(exists),
    },
    Check {
        id: "CWL-RET-01",
        title: "The log group keeps transcripts as long as promised",
        severity: High,
        groups: &[Group::Retention],
        reads: STORES,
        why: "A transcript that is gone proves nothing. Raising the retention later brings none back.",
        then: "Raise the retention to the next value that CloudWatch Logs takes.",
        ask: &About::<LogGroup>(retention),
    },
    Check {
        id: "CWL-RET-02",
        title: "Keeping for ever is a decision",
        severity: Low,
        groups: &[Group::Retention, Group::Capacity],
        reads: &["logs:DescribeLogGroups"],
        why: "A group that nobody set keeps, and costs, for ever.",
        then: "Set the retention that was decided.",
        ask: &About::<LogGroup>(forever),
    },
    Check {
        id: "CWL-RET-03",
        title: "No account policy shortens the retention",
        severity: High,
        groups: &[Group::Retention],
        reads: STORES,
        why: "An account's retention policy overrides a group's own, a day after it is set, and deletes what is older.",
        then: "Lengthen the account policy, or exclude this group from it.",
        ask: &About::<LogGroup>(account_retention),
    },
    Check {
        id: "CWL-ENC-01",
        title: "A KMS key protects the log group",
        severity: Medium,
        groups: &[Group::Encryption],
        reads: &["logs:DescribeLogGroups"],
        why: "Logs are always encrypted; a key of your own decides who can read them, and is what the agent's flag asks for.",
        then: "Associate a key whose policy admits CloudWatch Logs (KMS-POL-01). It covers what comes after.",
        ask: &About::<LogGroup>(key),
    },
    Check {
        id: "CWL-CLASS-01",
        title: "The class of the log group can be searched and alarmed on",
        severity: High,
        groups: &[Group::Review],
        reads: &["logs:DescribeLogGroups"],
        why: "DELIVERY keeps events a day; INFREQUENT_ACCESS knows neither filters nor subscriptions. A class cannot be changed.",
        then: "Create a new group of the class STANDARD, name it in the preferences, and keep the old one until it is empty.",
        ask: &About::<LogGroup>(class),
    },
    Check {
        id: "CWL-DEL-01",
        title: "The log group is protected from deletion",
        severity: Medium,
        groups: &[Group::Integrity],
        reads: &["logs:DescribeLogGroups"],
        why: "One call deletes a group and everything in it.",
        then: "Switch deletion protection on. It does not keep anybody from shortening the retention.",
        ask: &About::<LogGroup>(deletion),
    },
    Check {
        id: "CWL-ACC-01",
        title: "No resource policy opens the log group",
        severity: High,
        groups: &[Group::Access],
        reads: &["logs:DescribeResourcePolicies"],
        why: "Whoever may write can plant events; whoever may read can follow sessions.",
        then: "Remove the policy, or bind it by aws:SourceAccount, aws:SourceArn or aws:PrincipalOrgID.",
        ask: &About::<LogGroup>(open),
    },
    Check {
        id: "CWL-ACC-02",
        title: "Events cannot be written with bearer tokens",
        severity: Medium,
        groups: &[Group::Access],
        reads: &["logs:DescribeLogGroups"],
        why: "Whoever holds such a token can plant events in the record.",
        then: "Switch bearer tokens off for this group.",
        ask: &About::<LogGroup>(bearer),
    },
    Check {
        id: "CWL-SUB-01",
        title: "Subscriptions send transcripts to known accounts alone",
        severity: Medium,
        groups: &[Group::Access, Group::Review],
        reads: &[
            "logs:DescribeSubscriptionFilters",
            "logs:DescribeAccountPolicies",
            "logs:DescribeDestinations",
        ],
        why: "A subscription copies every session, live, to wherever it points.",
        then: "Delete the subscription, or name the account in the promise.",
        ask: &About::<LogGroup>(subscriptions),
    },
    Check {
        id: "CWL-DPP-01",
        title: "It is known whether events are masked",
        severity: Info,
        groups: &[Group::Review],
        reads: &["logs:DescribeLogGroups"],
        why: "A data protection policy masks text as it comes in: searches miss it, and so will an investigator.",
        then: "Know who holds logs:Unmask, or delete the policy if it harms the evidence.",
        ask: &About::<LogGroup>(masking),
    },
];

fn settings<'a>(it: &'a LogGroup, view: &View<'_>) -> Result<&'a GroupSettings, Unread> {
    view.take(&it.settings)?
        .as_ref()
        .ok_or_else(|| unclear(Reason::NotThere, "there is no such log group"))
}

fn at(it: &LogGroup) -> String {
    format!("--region {} --log-group-name {}", quote(&it.region), quote(&it.name))
}

fn identified(it: &LogGroup) -> String {
    format!("--region {} --log-group-identifier {}", quote(&it.region), quote(&it.name))
}

fn exists(it: &LogGroup, view: &View<'_>) -> Answer {
    if view.take(&it.settings)?.is_some() {
        return Ok(Judged::pass("it is there"));
    }
    let create = format!("aws logs create-log-group {} --kms-key-id KEY-ARN", at(it));
    let keep = legal_retention(view.promise.retention_days.max(1));
    let retain = format!("aws logs put-retention-policy {} --retention-in-days {keep}", at(it));
    let named = it.named_by.iter().map(|it| format!("named by {it}"));
    Ok(Judged::fail("there is no such log group")
        .promised("it is there")
        .details(named)
        .fix(create)
        .fix(retain))
}

/// A bucket that keeps the same sessions as long as promised.
fn long_term<'a>(it: &LogGroup, view: &View<'a>) -> Result<Option<&'a str>, Unread> {
    let Some(corner) = view.corner(&it.account, &it.region) else { return Ok(None) };
    if !corner.is_asked() {
        return Ok(None);
    }
    let Some(preferences) = view.take(&corner.preferences)? else { return Ok(None) };
    let Some(told) = Preferences::read(view.take(&preferences.content)?) else { return Ok(None) };
    if told.group.text() != Some(it.name.as_str()) {
        return Ok(None);
    }
    let Some(bucket) = told.bucket.text().and_then(|it| view.bucket(it)) else { return Ok(None) };
    Ok(buckets::keeps(bucket, &told.prefix, view)?.then_some(bucket.name.as_str()))
}

fn retention(it: &LogGroup, view: &View<'_>) -> Answer {
    let group = settings(it, view)?;
    let promise = view.promise;
    if group.class.as_deref() == Some("DELIVERY") {
        return Ok(Judged::fail(
            "the class DELIVERY keeps events one day, whatever is set (CWL-CLASS-01)",
        )
        .promised(days(promise.retention_days)));
    }
    if promise.retention_days == 0 {
        let seen = group.retention_days.map_or("for ever".into(), days);
        return Ok(Judged::info(seen).promised("no period was asked for"));
    }
    let kept = group.retention_days.unwrap_or(i64::MAX);
    let store = match long_term(it, view) {
        Ok(it) => it,
        // Long enough by itself, or too short whatever else keeps a copy.
        Err(_) if kept >= promise.retention_days || kept < promise.hot_days => None,
        Err(it) => return Err(it),
    };
    let (wanted, promised) = match store {
        Some(bucket) => (
            promise.hot_days,
            format!(
                "{} at hand; s3://{bucket} keeps them {}",
                days(promise.hot_days),
                days(promise.retention_days)
            ),
        ),
        None => (promise.retention_days, days(promise.retention_days)),
    };
    let by = group.retention_policy.as_ref();
    let by = by.map_or(String::new(), |it| format!(", by the account policy {it}"));
    let keep = legal_retention(wanted);
    let fix = format!("aws logs put-retention-policy {} --retention-in-days {keep}", at(it));
    Ok(match (group.retention_days, promise.max_days) {
        (Some(kept), _) if kept < wanted => {
            let judged = Judged::fail(format!("{}{by}", days(kept))).promised(promised);
            match by.is_empty() {
                true => judged.fix(fix),
                // The group's own setting would change nothing.
                false => judged.details([
                    "the account policy overrides the group's own setting: see CWL-RET-03"
                        .to_owned(),
                ]),
            }
        }
        (Some(kept), Some(most)) if kept > most => {
            let shorter = super::promise::RETENTIONS.iter().rev().find(|it| **it <= most);
            let judged =
                Judged::fail(days(kept)).promised(format!("no longer than {}", days(most)));
            match shorter {
                Some(most) => judged.risky(
                    format!("aws logs put-retention-policy {} --retention-in-days {most}", at(it)),
                    "events that are older are deleted",
                ),
                None => judged,
            }
        }
        (None, Some(most)) => {
            Judged::fail("for ever").promised(format!("no longer than {}", days(most)))
        }
        (Some(kept), _) => Judged::pass(format!("{}{by}", days(kept))).promised(promised),
        (None, None) => Judged::pass("for ever").promised(promised),
    })
}

fn forever(it: &LogGroup, view: &View<'_>) -> Answer {
    let group = settings(it, view)?;
    Ok(match (group.retention_days, &group.retention_policy, view.promise.max_days) {
        (Some(kept), ..) => Judged::pass(days(kept)),
        (None, Some(policy), _) => {
            Judged::pass(format!("for ever, by the account policy {policy}"))
        }
        (None, None, None) => Judged::info("for ever, since nothing was set"),
        (None, None, Some(most)) => {
            Judged::fail("for ever, since nothing was set").promised(days(most))
        }
    })
}

/// Whether an account policy's selection criteria hold a group; `None` if they are of a form that is not known.
/// Source: "PutAccountPolicy", `selectionCriteria`: `LogGroupName NOT IN ["a", "b"]`, `LogGroupNamePrefix IN ["c"]`.
fn selects(criteria: Option<&str>, group: &str) -> Option<bool> {
    let criteria = criteria.unwrap_or_default().trim();
    if criteria.is_empty() {
        return Some(true);
    }
    let (head, list) = criteria.split_once('[')?;
    let names: Vec<String> = serde_json::from_str(&format!("[{list}")).ok()?;
    let is_meant = |by_prefix: bool| {
        names.iter().any(|it| if by_prefix { group.starts_with(it.as_str()) } else { group == it })
    };
    match head.split_whitespace().collect::<Vec<_>>().as_slice() {
        ["LogGroupName", "IN"] => Some(is_meant(false)),
        ["LogGroupName", "NOT", "IN"] => Some(!is_meant(false)),
        ["LogGroupNamePrefix", "IN"] => Some(is_meant(true)),
        ["LogGroupNamePrefix", "NOT", "IN"] => Some(!is_meant(true)),
        _ => None,
    }
}

/// One account policy of retention, understood.
/// Source: "PutAccountPolicy", policy type RETENTION_POLICY.
struct Shortening<'a> {
    policy: &'a AccountPolicy,
    /// `None` keeps for ever.
    days: Option<i64>,
}

/// Whether a group was made before a policy was set.
fn is_older(created: Option<crate::settings::At>, policy: &AccountPolicy) -> Result<bool, Unread> {
    let both = created.zip(policy.updated_at);
    both.map(|(made, set)| made <= set).ok_or_else(|| {
        let why =
            format!("the account policy {} is for new groups, and when was not told", policy.name);
        unclear(Reason::NotAsked, why)
    })
}

/// The policies that meet a group.
fn meeting<'a>(
    policies: &'a [AccountPolicy],
    group: &LogGroup,
    created: Option<crate::settings::At>,
) -> Result<Vec<Shortening<'a>>, Unread> {
    let mut out = Vec::new();
    for policy in policies {
        let strange = || {
            unclear(
                Reason::NotUnderstood,
                format!("the account policy {} is of a form that is not known", policy.name),
            )
        };
        let it: serde_json::Value =
            serde_json::from_str(&policy.document).map_err(|_| strange())?;
        let days = match it.get("retentionInDays") {
            Some(serde_json::Value::String(it)) if it == "NEVER_EXPIRE" => None,
            Some(serde_json::Value::String(it)) => Some(it.parse().map_err(|_| strange())?),
            Some(it) => Some(it.as_i64().ok_or_else(strange)?),
            None => return Err(strange()),
        };
        let meets = selects(policy.selection.as_deref(), &group.name).ok_or_else(strange)?;
        let new_only = it.get("enforcementMode").and_then(|it| it.as_str()) == Some("NEW_ONLY");
        if !meets || new_only && is_older(created, policy)? {
            continue;
        }
        out.push(Shortening { policy, days });
    }
    Ok(out)
}

fn account_retention(it: &LogGroup, view: &View<'_>) -> Answer {
    let none = unclear(Reason::NotAsked, "the Region was not surveyed");
    let corner = view.corner(&it.account, &it.region).ok_or(none)?;
    let policies = view.take(&corner.retention_policies)?;
    let created = settings(it, view)?.created_at;
    let meeting = meeting(policies, it, created)?;
    let least = meeting.iter().map(|it| it.days.unwrap_or(i64::MAX)).max().unwrap_or(i64::MAX);
    let wanted = match long_term(it, view) {
        Ok(Some(_)) => view.promise.hot_days,
        Ok(None) => view.promise.retention_days,
        Err(_) if least >= view.promise.retention_days || least < view.promise.hot_days => {
            view.promise.retention_days
        }
        Err(it) => return Err(it),
    };
    // "If more than one policy applies, the longest retention wins" ("PutAccountPolicy").
    let Some(longest) = meeting.iter().max_by_key(|it| it.days.unwrap_or(i64::MAX)) else {
        return Ok(Judged::pass("no account policy meets it"));
    };
    let name = &longest.policy.name;
    let Some(kept) = longest.days.filter(|it| *it < wanted) else {
        let kept = longest.days.map_or("for ever".into(), days);
        return Ok(Judged::pass(format!("{name}: {kept}")).promised(days(wanted)));
    };
    let hours =
        longest.policy.updated_at.map(|set| 24 - (view.survey.taken_at.0 - set.0) / 3_600_000_000);
    let soon = hours
        .filter(|it| *it > 0)
        .map_or(String::new(), |it| format!("; it takes effect within {it} hours"));
    let keep = legal_retention(wanted);
    let selection = longest.policy.selection.as_ref();
    let selection =
        selection.map_or(String::new(), |it| format!(" --selection-criteria {}", quote(it)));
    let fix = format!(
        "aws logs put-account-policy --region {} --policy-type RETENTION_POLICY --policy-name {} --policy-document '{{\"retentionInDays\":{keep},\"enforcementMode\":\"RETROACTIVE\"}}'{selection}",
        quote(&it.region),
        quote(name)
    );
    Ok(Judged::fail(format!("{name}: {}{soon}", days(kept)))
        .promised(days(wanted))
        .risky(fix, "an account policy is about every group that it selects"))
}

fn key(it: &LogGroup, view: &View<'_>) -> Answer {
    let group = settings(it, view)?;
    let fix = format!("aws logs associate-kms-key {} --kms-key-id KEY-ARN", at(it));
    Ok(match (&group.kms_key, view.promise.customer_key) {
        (Some(key), _) => Judged::pass(format!("with {key}")),
        (None, true) => Judged::fail("with a key that AWS owns")
            .promised("a customer managed key")
            .severity(High)
            .fix(fix),
        (None, false) => Judged::info("with a key that AWS owns, which was not promised otherwise"),
    })
}

fn class(it: &LogGroup, view: &View<'_>) -> Answer {
    let group = settings(it, view)?;
    Ok(match group.class.as_deref() {
        // Older endpoints do not tell; there was one class then.
        None | Some("STANDARD") => Judged::pass("STANDARD").promised("STANDARD"),
        Some("DELIVERY") => Judged::fail("DELIVERY").promised("STANDARD").fix(format!(
            "aws logs create-log-group --region {} --log-group-name {} --log-group-class STANDARD",
            quote(&it.region),
            quote(&format!("{}-standard", it.name))
        )),
        Some("INFREQUENT_ACCESS") => Judged::info(
            "INFREQUENT_ACCESS: searched by Logs Insights alone, no filters and no subscriptions",
        )
        .promised("STANDARD"),
        Some(other) => Judged::info(format!("{other}, of which we do not know what it lacks"))
            .promised("STANDARD"),
    })
}

fn deletion(it: &LogGroup, view: &View<'_>) -> Answer {
    let group = settings(it, view)?;
    let fix = format!(
        "aws logs put-log-group-deletion-protection {} --deletion-protection-enabled",
        identified(it)
    );
    match group.deletion_protection {
        Some(true) => Ok(Judged::pass("on").promised("on")),
        // Absent means off where the feature is known; other partitions may not have it yet.
        None if !it.region.is_empty() && crate::config::partition_of(&it.region) != "aws" => {
            Err(unclear(Reason::NotUnderstood, "this partition does not tell whether it is on"))
        }
        _ => Ok(Judged::fail("off").promised("on").fix(fix)),
    }
}

fn open(it: &LogGroup, view: &View<'_>) -> Answer {
    let none = unclear(Reason::NotAsked, "the Region was not surveyed");
    let corner = view.corner(&it.account, &it.region).ok_or(none)?;
    let arn = group_arn(it);
    let mut found = Vec::new();
    let (mut unknown, mut strange) = (None, None);
    let mut fixes = Vec::new();
    // What one scope shows cannot be undone by what the other hides: a failure stands before an unknown.
    let scopes = [view.take(&it.policies), view.take(&corner.logs_policies)];
    for policy in scopes.iter().flatten().flat_map(|it| it.iter()) {
        let Some(read) = Policy::read(&policy.document) else {
            strange = Some(unclear(
                Reason::NotUnderstood,
                format!("the policy {} is of a form that is not known", policy.name),
            ));
            continue;
        };
        for one in read.statements.iter().filter(|it| it.allows) {
            let about = one.touches(&arn) || one.touches(&format!("{arn}:*"));
            let whom = match view.admitted(one) {
                Admits::Ours => continue,
                Admits::Foreign(them) => them.join(", "),
                Admits::Everybody => "everybody".to_owned(),
                Admits::Unknown(whom) if about => {
                    let why = format!("{} admits {whom} ({})", policy.name, one.name());
                    unknown.get_or_insert(why);
                    continue;
                }
                Admits::Unknown(_) => continue,
            };
            if about {
                found.push(format!("{} admits {whom} ({})", policy.name, one.name()));
                fixes.push(format!(
                    "aws logs delete-resource-policy --region {} --policy-name {}",
                    quote(&it.region),
                    quote(&policy.name)
                ));
            }
        }
    }
    if found.is_empty() {
        if let Some(why) = unknown {
            return Err(unclear(Reason::NotUnderstood, why));
        }
        if let Some(it) = strange {
            return Err(it);
        }
        for it in scopes {
            it?;
        }
        return Ok(Judged::pass("nobody from outside"));
    }
    fixes.dedup();
    let judged = Judged::fail(found.join("; ")).promised("nobody from outside");
    Ok(fixes.into_iter().fold(judged, |it, fix| {
        it.risky(fix, "services that write through this policy stop doing so")
    }))
}

fn bearer(it: &LogGroup, view: &View<'_>) -> Answer {
    let group = settings(it, view)?;
    let fix = format!(
        "aws logs put-bearer-token-authentication {} --no-bearer-token-authentication-enabled",
        identified(it)
    );
    Ok(match group.bearer_token {
        Some(true) => Judged::fail("on").promised("off").fix(fix),
        _ => Judged::pass("off").promised("off"),
    })
}

fn subscriptions(it: &LogGroup, view: &View<'_>) -> Answer {
    let none = unclear(Reason::NotAsked, "the Region was not surveyed");
    let corner = view.corner(&it.account, &it.region).ok_or(none)?;
    let own = view.take(&it.subscriptions);
    let policies = view.take(&corner.subscription_policies);
    let mut copies = Vec::new();
    let mut judged = Judged::fail("");
    let mut foreign = Vec::new();
    let mut hidden: Option<Unread> = None;
    let mut see = |name: &str, to: &str, pattern: &str, judged: &mut Judged, mine: bool| {
        // A CloudWatch Logs destination of another account names that account; what lies behind it is told only there.
        let account = account_of(to).filter(|it| !view.is_ours(it));
        let behind =
            view.take(&corner.destinations).ok().and_then(|all| all.iter().find(|it| it.arn == to));
        // Our own destination hands on to whatever its target is.
        let account = account.or_else(|| {
            behind.and_then(|it| account_of(&it.target)).filter(|it| !view.is_ours(it))
        });
        if behind.is_none() && account.is_none() && to.contains(":destination:") {
            hidden.get_or_insert_with(|| match view.take(&corner.destinations) {
                Err(why) => why,
                Ok(_) => unclear(
                    Reason::NotUnderstood,
                    format!("where the destination {to} hands on to was not read"),
                ),
            });
        }
        let behind = behind.map_or(String::new(), |it| format!(" ({})", it.target));
        let some =
            if pattern.is_empty() { String::new() } else { format!(", of events like {pattern}") };
        copies.push(format!("{name} → {to}{behind}{some}"));
        if let Some(account) = account {
            foreign.push(format!("{name} sends to {account}"));
            if mine {
                let fix = format!(
                    "aws logs delete-subscription-filter {} --filter-name {}",
                    at(it),
                    quote(name)
                );
                *judged = judged.clone().risky(fix, "whoever receives the copies no longer does");
            }
        }
    };
    for one in own.iter().flat_map(|it| it.iter()) {
        see(&one.name, &one.destination, &one.pattern, &mut judged, true);
    }
    let mut strange = None;
    for policy in policies.iter().flat_map(|it| it.iter()) {
        let document: serde_json::Value =
            serde_json::from_str(&policy.document).unwrap_or_default();
        let Some(to) = document.get("DestinationArn").and_then(|it| it.as_str()) else {
            strange = Some(unclear(
                Reason::NotUnderstood,
                format!("where the account policy {} sends to is not understood", policy.name),
            ));
            continue;
        };
        let pattern = document.get("FilterPattern").and_then(|it| it.as_str()).unwrap_or_default();
        match selects(policy.selection.as_deref(), &it.name) {
            Some(false) => continue,
            Some(true) => {
                see(&format!("account policy {}", policy.name), to, pattern, &mut judged, false)
            }
            None => {
                strange = Some(unclear(
                    Reason::NotUnderstood,
                    format!("which groups the account policy {} selects is not known", policy.name),
                ));
            }
        }
    }
    if !foreign.is_empty() {
        judged.seen = foreign.join("; ");
        return Ok(judged.promised("known accounts alone").details(copies));
    }
    if let Some(it) = strange.or(hidden) {
        return Err(it);
    }
    own?;
    policies?;
    if copies.is_empty() {
        return Ok(Judged::pass("there are none"));
    }
    Ok(Judged::pass(format!("{} within known accounts", copies.len())).details(copies))
}

fn masking(it: &LogGroup, view: &View<'_>) -> Answer {
    let group = settings(it, view)?;
    let inherited = group.inherited.iter().any(|it| it == "ACCOUNT_DATA_PROTECTION");
    Ok(match (group.data_protection.as_deref(), inherited) {
        (Some(status), true) => {
            Judged::info(format!("its own policy is {status}; the account's applies too"))
        }
        (Some(status), false) => Judged::info(format!("its policy is {status}")),
        (None, true) => Judged::info("masked by the account's policy"),
        (None, false) => Judged::info("not masked"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_selection_holds_the_groups_it_names_and_no_others() {
        for (criteria, group, held) in [
            (None, "/ssm", Some(true)),
            (Some(""), "/ssm", Some(true)),
            (Some(r#"LogGroupName IN ["/ssm"]"#), "/ssm", Some(true)),
            (Some(r#"LogGroupName IN ["/ss"]"#), "/ssm", Some(false)),
            (Some(r#"LogGroupName NOT IN ["/ssm", "/b"]"#), "/ssm", Some(false)),
            (Some(r#"LogGroupName NOT IN ["/Prefix", "/b"]"#), "/Prefixed", Some(true)),
            (Some(r#"LogGroupName NOT IN ["/NOT IN"]"#), "/NOT IN", Some(false)),
            (Some(r#"LogGroupNamePrefix IN ["/ss"]"#), "/ssm", Some(true)),
            (Some(r#"LogGroupNamePrefix NOT IN ["/ss"]"#), "/ssm", Some(false)),
            (Some(r#"LogGroupName NOT IN []"#), "/ssm", Some(true)),
            (Some(r#"LogGroupName NOT IN ["/a"] AND LogGroupName NOT IN ["/ssm"]"#), "/ssm", None),
            (Some(r#"DataSourceName IN ["x"]"#), "/ssm", None),
            (Some("LogGroupName = /ssm"), "/ssm", None),
        ] {
            assert_eq!(selects(criteria, group), held, "{criteria:?} {group}");
        }
    }
}
