//! Checks of a log group: who may read it, touch it or receive copies of it.
//!
//! Fields and their meaning: "LogGroup", "PutSubscriptionFilter", "PutResourcePolicy" (Amazon CloudWatch Logs API Reference).

use serde_json::Value;

use crate::audit::check::About;
use crate::audit::check::Check;
use crate::audit::check::ENDPOINTS;
use crate::audit::checks::log_group::told;
use crate::audit::frameworks::Group;
use crate::audit::iam::policy::PolicyDocument;
use crate::audit::names::aws;
use crate::audit::names::quote;
use crate::audit::verdict::Answer;
use crate::audit::verdict::Causes;
use crate::audit::verdict::Judged;
use crate::audit::verdict::Severity;
use crate::audit::view::View;
use crate::aws_names::AccountId;
use crate::aws_names::Partition;
use crate::aws_names::RegionCode;
use crate::settings::Corner;
use crate::settings::LogGroup;
use crate::settings::Reason;
use crate::settings::Unread;

/// The checks below, in the order of the table.
pub(crate) const CHECKS: &[Check] = &[KEY, CLASS, DELETION, OPEN, BEARER, SUBSCRIPTIONS, MASKING];

const KEY: Check = Check {
    id: "CWL-ENC-01",
    title: "A KMS key protects the log group",
    severity: Severity::Medium,
    groups: &[Group::Encryption],
    reads: &[&["logs:DescribeLogGroups"]],
    why: "Logs are always encrypted; a key of your own decides who can read them, and is what the agent's flag asks for.",
    then: "Associate a key whose policy admits CloudWatch Logs (KMS-POL-01). It covers what comes after.",
    ask: &About::<LogGroup>(key),
};

fn key(it: &LogGroup, view: &View<'_>) -> Answer {
    let group = told::settings(it, view)?;
    let fix = told::logs("associate-kms-key", it, "--kms-key-id KEY-ARN");
    Ok(match (&group.kms_key, view.promise.customer_key) {
        (Some(key), _) => Judged::pass(format!("with {key}")),
        (None, true) => Judged::fail("with a key that AWS owns")
            .promised("a customer managed key")
            .severity(Severity::High)
            .fix(fix),
        (None, false) => Judged::info("with a key that AWS owns, which was not promised otherwise"),
    })
}

const CLASS: Check = Check {
    id: "CWL-CLASS-01",
    title: "The class of the log group can be searched and alarmed on",
    severity: Severity::High,
    groups: &[Group::Review],
    reads: &[&["logs:DescribeLogGroups"]],
    why: "DELIVERY keeps events a day; INFREQUENT_ACCESS knows neither filters nor subscriptions. A class cannot be changed.",
    then: "Create a new group of the class STANDARD, name it in the preferences, and keep the old one until it is empty.",
    ask: &About::<LogGroup>(class),
};

fn class(it: &LogGroup, view: &View<'_>) -> Answer {
    let judged = match told::settings(it, view)?.class.as_deref() {
        // Older endpoints do not tell; there was one class then.
        None | Some("STANDARD") => Judged::pass("STANDARD"),
        Some("DELIVERY") => {
            let options = [
                ("region", it.region.as_str()),
                ("log-group-name", &format!("{}-standard", it.name)),
                ("log-group-class", "STANDARD"),
            ];
            Judged::fail("DELIVERY").fix(aws("logs create-log-group", &options))
        }
        Some("INFREQUENT_ACCESS") => Judged::info(
            "INFREQUENT_ACCESS: searched by Logs Insights alone, no filters and no subscriptions",
        ),
        Some(other) => Judged::info(format!("{other}, of which we do not know what it lacks")),
    };
    Ok(judged.promised("STANDARD"))
}

const DELETION: Check = Check {
    id: "CWL-DEL-01",
    title: "The log group is protected from deletion",
    severity: Severity::Medium,
    groups: &[Group::Integrity],
    reads: &[&["logs:DescribeLogGroups"]],
    why: "One call deletes a group and everything in it.",
    then: "Switch deletion protection on. It does not keep anybody from shortening the retention.",
    ask: &About::<LogGroup>(deletion),
};

fn deletion(it: &LogGroup, view: &View<'_>) -> Answer {
    let judged = match told::settings(it, view)?.deletion_protection {
        Some(true) => Judged::pass("on"),
        // Absent means off where the feature is known; other partitions may not have it yet.
        None if RegionCode(&it.region).partition_or_aws() != Partition::AWS => {
            let why = "this partition does not tell whether it is on";
            return Err(Reason::NotUnderstood.because(why));
        }
        _ => {
            let protect = "--deletion-protection-enabled";
            Judged::fail("off").fix(told::logs_identified(
                "put-log-group-deletion-protection",
                it,
                protect,
            ))
        }
    };
    Ok(judged.promised("on"))
}

const OPEN: Check = Check {
    id: "CWL-ACC-01",
    title: "No resource policy opens the log group",
    severity: Severity::High,
    groups: &[Group::Access],
    reads: &[&["logs:DescribeResourcePolicies"], ENDPOINTS],
    why: "Whoever may write can plant events; whoever may read can follow sessions.",
    then: "Remove the policy, or bind it by aws:SourceAccount, aws:SourceArn or aws:PrincipalOrgID.",
    ask: &About::<LogGroup>(open),
};

fn open(it: &LogGroup, view: &View<'_>) -> Answer {
    let corner = told::corner_of(it, view)?;
    let arn = it.arn();
    let mut wrong = Causes::default();
    let mut strange = None;
    let mut fixes = Vec::new();
    // What one scope shows cannot be undone by what the other hides: a failure stands before an unknown.
    let scopes = [view.take(&it.policies), view.take(&corner.logs_policies)];
    for policy in scopes.iter().flatten().flat_map(|it| it.iter()) {
        let name = &policy.name;
        let read = match PolicyDocument::understood(&policy.document, format!("the policy {name}"))
        {
            Ok(it) => it,
            Err(it) => {
                strange = Some(it);
                continue;
            }
        };
        for one in read.statements.iter().filter(|it| it.allows) {
            let whom = view.admitted(one).outsiders();
            if !one.touches(&arn) && !one.touches(&format!("{arn}:*")) {
                continue;
            }
            let told = |whom: String| format!("{name} admits {whom} ({})", one.name());
            match whom {
                Ok(None) => {}
                Ok(Some(whom)) => {
                    wrong.found.push(told(whom));
                    let which = [("region", it.region.as_str()), ("policy-name", name)];
                    fixes.push(aws("logs delete-resource-policy", &which));
                }
                Err(whom) => wrong.lack(Reason::NotUnderstood.because(told(whom))),
            }
        }
    }
    strange.into_iter().for_each(|it| wrong.lack(it));
    scopes.into_iter().filter_map(Result::err).for_each(|it| wrong.lack(it));
    let found = wrong.proved()?;
    if found.is_empty() {
        return Ok(Judged::pass("nobody from outside"));
    }
    fixes.dedup();
    let judged = Judged::fail(found.join("; ")).promised("nobody from outside");
    Ok(fixes.into_iter().fold(judged, |it, fix| {
        it.risky(fix, "services that write through this policy stop doing so")
    }))
}

const BEARER: Check = Check {
    id: "CWL-ACC-02",
    title: "Events cannot be written with bearer tokens",
    severity: Severity::Medium,
    groups: &[Group::Access],
    reads: &[&["logs:DescribeLogGroups"]],
    why: "Whoever holds such a token can plant events in the record.",
    then: "Switch bearer tokens off for this group.",
    ask: &About::<LogGroup>(bearer),
};

fn bearer(it: &LogGroup, view: &View<'_>) -> Answer {
    let off = "--no-bearer-token-authentication-enabled";
    let fix = told::logs_identified("put-bearer-token-authentication", it, off);
    let judged = match told::settings(it, view)?.bearer_token {
        Some(true) => Judged::fail("on").fix(fix),
        _ => Judged::pass("off"),
    };
    Ok(judged.promised("off"))
}

const SUBSCRIPTIONS: Check = Check {
    id: "CWL-SUB-01",
    title: "Subscriptions send transcripts to known accounts alone",
    severity: Severity::Medium,
    groups: &[Group::Access, Group::Review],
    reads: &[&[
        "logs:DescribeSubscriptionFilters",
        "logs:DescribeAccountPolicies",
        "logs:DescribeDestinations",
    ]],
    why: "A subscription copies every session, live, to wherever it points.",
    then: "Delete the subscription, or name the account in the promise.",
    ask: &About::<LogGroup>(subscriptions),
};

fn subscriptions(it: &LogGroup, view: &View<'_>) -> Answer {
    let corner = told::corner_of(it, view)?;
    let own = view.take(&it.subscriptions);
    let policies = view.take(&corner.subscription_policies);
    let mut seen = Outflow::default();
    for one in own.iter().flat_map(|it| it.iter()) {
        if seen.sends(&one.name, (&one.destination, &one.pattern), corner, view) {
            let name = format!("--filter-name {}", quote(&one.name));
            seen.fixes.push(told::logs("delete-subscription-filter", it, &name));
        }
    }
    let mut strange = None;
    for policy in policies.iter().flat_map(|it| it.iter()) {
        let name = format!("account policy {}", policy.name);
        let document: Value = serde_json::from_str(&policy.document).unwrap_or_default();
        let text = |name: &str| document.get(name).and_then(Value::as_str);
        let Some(to) = text("DestinationArn") else {
            strange = Some(format!("where the {name} sends to is not understood"));
            continue;
        };
        match told::selects(policy.selection.as_deref(), &it.name) {
            Some(false) => {}
            Some(true) => {
                let pattern = text("FilterPattern").unwrap_or_default();
                seen.sends(&name, (to, pattern), corner, view);
            }
            None => strange = Some(format!("which groups the {name} selects is not known")),
        }
    }
    let Outflow { copies, foreign, hidden, fixes } = seen;
    if !foreign.is_empty() {
        let judged = Judged::fail(foreign.join("; ")).promised("known accounts alone");
        return Ok(fixes.into_iter().fold(judged.details(copies), |it, fix| {
            it.risky(fix, "whoever receives the copies no longer does")
        }));
    }
    if let Some(it) = strange.map(|it| Reason::NotUnderstood.because(it)).or(hidden) {
        return Err(it);
    }
    own?;
    policies?;
    if copies.is_empty() {
        return Ok(Judged::pass("there are none"));
    }
    Ok(Judged::pass(format!("{} within known accounts", copies.len())).details(copies))
}

/// Where events are copied to.
#[derive(Default)]
struct Outflow {
    /// Each, in words.
    copies: Vec<String>,
    /// Those to other accounts.
    foreign: Vec<String>,
    /// A destination behind which nobody looked.
    hidden: Option<Unread>,
    fixes: Vec<String>,
}

impl Outflow {
    /// Notes what a filter sends on; whether that goes to another account.
    fn sends(
        &mut self,
        name: &str,
        (to, pattern): (&str, &str),
        corner: &Corner,
        view: &View<'_>,
    ) -> bool {
        let destinations = view.take(&corner.destinations);
        let behind = destinations.as_ref().ok().and_then(|all| all.iter().find(|it| it.arn == to));
        // A CloudWatch Logs destination of another account names that account; what lies behind it is told only there. Our own
        // destination hands on to whatever its target is.
        let foreign = |arn: &str| AccountId::of(arn).filter(|it| !view.is_ours(it.as_str()));
        let account = foreign(to).or_else(|| foreign(&behind?.target));
        if behind.is_none() && account.is_none() && to.contains(":destination:") {
            let why = format!("where the destination {to} hands on to was not read");
            let why = destinations.err().unwrap_or_else(|| Reason::NotUnderstood.because(why));
            self.hidden.get_or_insert(why);
        }
        let behind = behind.map_or(String::new(), |it| format!(" ({})", it.target));
        let some =
            if pattern.is_empty() { String::new() } else { format!(", of events like {pattern}") };
        self.copies.push(format!("{name} → {to}{behind}{some}"));
        let is_foreign = account.is_some();
        self.foreign.extend(account.map(|it| format!("{name} sends to {it}")));
        is_foreign
    }
}

const MASKING: Check = Check {
    id: "CWL-DPP-01",
    title: "It is known whether events are masked",
    severity: Severity::Info,
    groups: &[Group::Review],
    reads: &[&["logs:DescribeLogGroups"]],
    why: "A data protection policy masks text as it comes in: searches miss it, and so will an investigator.",
    then: "Know who holds logs:Unmask, or delete the policy if it harms the evidence.",
    ask: &About::<LogGroup>(masking),
};

fn masking(it: &LogGroup, view: &View<'_>) -> Answer {
    let group = told::settings(it, view)?;
    let inherited = group.inherited.iter().any(|it| it == "ACCOUNT_DATA_PROTECTION");
    Ok(Judged::info(match (&group.data_protection, inherited) {
        (Some(status), true) => format!("its own policy is {status}; the account's applies too"),
        (Some(status), false) => format!("its policy is {status}"),
        (None, true) => "masked by the account's policy".to_owned(),
        (None, false) => "not masked".to_owned(),
    }))
}
