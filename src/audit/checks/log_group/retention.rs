//! Checks of a log group: is it there, and does it keep what it is given.
//!
//! Fields and their meaning: "LogGroup", "PutRetentionPolicy", "PutAccountPolicy" (Amazon CloudWatch Logs API Reference).

use crate::audit::check::About;
use crate::audit::check::Check;
use crate::audit::checks::bucket::retention::keeps;
use crate::audit::checks::log_group::told;
use crate::audit::frameworks::Group;
use crate::audit::names::days;
use crate::audit::names::quote;
use crate::audit::preferences::Preferences;
use crate::audit::promise::RETENTIONS;
use crate::audit::promise::legal_retention;
use crate::audit::subject::Sought;
use crate::audit::verdict::Answer;
use crate::audit::verdict::Judged;
use crate::audit::verdict::Severity;
use crate::audit::view::View;
use crate::settings::AccountPolicy;
use crate::settings::LogGroup;
use crate::settings::Reason;
use crate::settings::Unread;
use crate::time::At;

/// The checks below, in the order of the table.
pub(crate) const CHECKS: &[Check] = &[EXISTS, RETENTION, FOREVER, ACCOUNT_RETENTION];

const EXISTS: Check = Check {
    id: "CWL-EXIST-01",
    title: "The log group exists",
    severity: Severity::Critical,
    groups: &[Group::Generation, Group::Failure],
    reads: &[&["logs:DescribeLogGroups"]],
    why: "The agent never creates it: sessions run, nothing is streamed or uploaded, and nobody is told.",
    then: "Create it in the Region of the preferences, with a key and a retention.",
    ask: &About::<Sought<LogGroup>>(exists),
};

fn exists(it: &LogGroup, view: &View<'_>) -> Answer {
    if view.take(&it.settings)?.is_some() {
        return Ok(Judged::pass("it is there"));
    }
    let create = told::logs("create-log-group", it, "--kms-key-id KEY-ARN");
    let keep = legal_retention(view.promise.retention_days.max(1));
    let retain = keep_for(keep, it);
    let named = it.named_by.iter().map(|it| format!("named by {it}"));
    Ok(Judged::fail("there is no such log group")
        .promised("it is there")
        .details(named)
        .fix(create)
        .fix(retain))
}

/// Whether a bucket keeps the same sessions longer than the group.
const STORES: &[&str] = &[
    "ssm:GetDocument",
    "s3:ListBucket",
    "s3:GetLifecycleConfiguration",
    "s3:GetBucketVersioning",
    "s3:GetBucketObjectLockConfiguration",
];

const RETENTION: Check = Check {
    id: "CWL-RET-01",
    title: "The log group keeps transcripts as long as promised",
    severity: Severity::High,
    groups: &[Group::Retention],
    reads: &[&["logs:DescribeLogGroups"], STORES],
    why: "A transcript that is gone proves nothing. Raising the retention later brings none back.",
    then: "Raise the retention to the next value that CloudWatch Logs takes.",
    ask: &About::<LogGroup>(retention),
};

fn retention(it: &LogGroup, view: &View<'_>) -> Answer {
    let group = told::settings(it, view)?;
    let promise = view.promise;
    if group.class.as_deref() == Some("DELIVERY") {
        let seen = "the class DELIVERY keeps events one day, whatever is set (CWL-CLASS-01)";
        return Ok(Judged::fail(seen).promised(days(promise.retention_days)));
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
        Some(bucket) => {
            let (hot, whole) = (days(promise.hot_days), days(promise.retention_days));
            (promise.hot_days, format!("{hot} at hand; s3://{bucket} keeps them {whole}"))
        }
        None => (promise.retention_days, days(promise.retention_days)),
    };
    let by = group.retention_policy.as_ref();
    let by = by.map_or(String::new(), |it| format!(", by the account policy {it}"));
    let fix = keep_for(legal_retention(wanted), it);
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
            let shorter = RETENTIONS.iter().rev().find(|it| **it <= most);
            let judged =
                Judged::fail(days(kept)).promised(format!("no longer than {}", days(most)));
            shorter.into_iter().fold(judged, |judged, most| {
                judged.risky(keep_for(*most, it), "events that are older are deleted")
            })
        }
        (None, Some(most)) => {
            Judged::fail("for ever").promised(format!("no longer than {}", days(most)))
        }
        (Some(kept), _) => Judged::pass(format!("{}{by}", days(kept))).promised(promised),
        (None, None) => Judged::pass("for ever").promised(promised),
    })
}

/// The command by which a group keeps events so many days.
fn keep_for(days: i64, it: &LogGroup) -> String {
    told::logs("put-retention-policy", it, &format!("--retention-in-days {days}"))
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
    Ok(keeps(bucket, &told.prefix, view)?.then_some(bucket.name.as_str()))
}

const FOREVER: Check = Check {
    id: "CWL-RET-02",
    title: "Keeping for ever is a decision",
    severity: Severity::Low,
    groups: &[Group::Retention, Group::Capacity],
    reads: &[&["logs:DescribeLogGroups"]],
    why: "A group that nobody set keeps, and costs, for ever.",
    then: "Set the retention that was decided.",
    ask: &About::<LogGroup>(forever),
};

fn forever(it: &LogGroup, view: &View<'_>) -> Answer {
    let group = told::settings(it, view)?;
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

const ACCOUNT_RETENTION: Check = Check {
    id: "CWL-RET-03",
    title: "No account policy shortens the retention",
    severity: Severity::High,
    groups: &[Group::Retention],
    reads: &[&["logs:DescribeLogGroups", "logs:DescribeAccountPolicies"], STORES],
    why: "An account's retention policy overrides a group's own, a day after it is set, and deletes what is older.",
    then: "Lengthen the account policy, or exclude this group from it.",
    ask: &About::<LogGroup>(account_retention),
};

fn account_retention(it: &LogGroup, view: &View<'_>) -> Answer {
    let corner = told::corner_of(it, view)?;
    let policies = view.take(&corner.retention_policies)?;
    let created = told::settings(it, view)?.created_at;
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

/// One account policy of retention, understood.
/// Source: "PutAccountPolicy", policy type RETENTION_POLICY.
struct Shortening<'a> {
    policy: &'a AccountPolicy,
    /// `None` keeps for ever.
    days: Option<i64>,
}

/// The policies that meet a group.
fn meeting<'a>(
    policies: &'a [AccountPolicy],
    group: &LogGroup,
    created: Option<At>,
) -> Result<Vec<Shortening<'a>>, Unread> {
    let mut out = Vec::new();
    for policy in policies {
        let strange = || {
            Reason::NotUnderstood.because(format!(
                "the account policy {} is of a form that is not known",
                policy.name
            ))
        };
        let it: serde_json::Value =
            serde_json::from_str(&policy.document).map_err(|_| strange())?;
        let days = match it.get("retentionInDays") {
            Some(serde_json::Value::String(it)) if it == "NEVER_EXPIRE" => None,
            Some(serde_json::Value::String(it)) => Some(it.parse().map_err(|_| strange())?),
            Some(it) => Some(it.as_i64().ok_or_else(strange)?),
            None => return Err(strange()),
        };
        let meets = told::selects(policy.selection.as_deref(), &group.name).ok_or_else(strange)?;
        let new_only = it.get("enforcementMode").and_then(|it| it.as_str()) == Some("NEW_ONLY");
        if !meets || new_only && is_older(created, policy)? {
            continue;
        }
        out.push(Shortening { policy, days });
    }
    Ok(out)
}

/// Whether a group was made before a policy was set.
fn is_older(created: Option<At>, policy: &AccountPolicy) -> Result<bool, Unread> {
    let both = created.zip(policy.updated_at);
    both.map(|(made, set)| made <= set).ok_or_else(|| {
        let why =
            format!("the account policy {} is for new groups, and when was not told", policy.name);
        Reason::NotAsked.because(why)
    })
}
