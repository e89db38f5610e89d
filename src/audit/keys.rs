//! Checks of the keys without which transcripts cannot be read: a key that is gone outlives no promise.
//!
//! Source: "Key states of AWS KMS keys", "Encrypt log data in CloudWatch Logs using AWS KMS".

use super::Answer;
use super::Ask;
use super::Check;
use super::Judged;
use super::Severity::Critical;
use super::Severity::High;
use super::Severity::Low;
use super::View;
use super::frameworks::Group;
use super::quote;
use super::statements::Admits;
use super::statements::Policy;
use super::statements::Request;
use super::statements::Said;
use super::statements::Statement;
use super::statements::Who;
use super::statements::account_of;
use super::unclear;
use crate::config::domain_of;
use crate::settings::Key;
use crate::settings::KeyState;
use crate::settings::KeyUse;
use crate::settings::Reason;
use crate::settings::Unread;

pub(super) const CHECKS: &[Check] = &[
    Check {
        id: "KMS-STATE-01",
        title: "The key can be used, and is not about to go",
        severity: Critical,
        groups: &[Group::Keys],
        reads: &["kms:DescribeKey"],
        why: "Once a key is deleted everything it protects is unreadable for ever, whatever lock is on it.",
        then: "Cancel the deletion and enable the key, today.",
        ask: Ask::Key(state),
    },
    Check {
        id: "KMS-POL-01",
        title: "The key's policy admits those who write with it",
        severity: High,
        groups: &[Group::Keys, Group::Failure],
        reads: &["kms:GetKeyPolicy", "kms:DescribeKey"],
        why: "A policy edited after the key was associated stops the log group from being written and read.",
        then: "Admit the CloudWatch Logs service of the Region, bound to the log group by its encryption context.",
        ask: Ask::Key(admits),
    },
    Check {
        id: "KMS-ROT-01",
        title: "The key is rotated",
        severity: Low,
        groups: &[Group::Keys],
        reads: &["kms:GetKeyRotationStatus", "kms:DescribeKey"],
        why: "Rotation bounds what one leaked key can open.",
        then: "Switch rotation on.",
        ask: Ask::Key(rotation),
    },
    Check {
        id: "KMS-POL-02",
        title: "The key's policy is not open",
        severity: High,
        groups: &[Group::Keys, Group::Access],
        reads: &["kms:GetKeyPolicy", "kms:DescribeKey"],
        why: "Whoever may use the key can read what it protects, wherever a copy lies.",
        then: "Name principals, or bind the statement by kms:CallerAccount or aws:PrincipalOrgID.",
        ask: Ask::Key(open),
    },
];

fn state_of(it: &Key) -> Result<&KeyState, Unread> {
    it.state.known()?.as_ref().ok_or_else(|| unclear(Reason::NotThere, "there is no such key"))
}

fn uses(it: &Key) -> Vec<String> {
    it.used_by
        .iter()
        .map(|it| match it {
            KeyUse::LogGroup(arn) => format!("protects {arn}"),
            KeyUse::Bucket(name) => format!("is the default of s3://{name}"),
            KeyUse::Objects(name) => format!("protects transcripts in s3://{name}"),
            KeyUse::Sessions(name) => format!("encrypts session data by {name}"),
        })
        .collect()
}

fn at(it: &Key, arn: &str) -> String {
    format!("--region {} --key-id {}", quote(&it.region), quote(arn))
}

fn state(it: &Key, view: &View<'_>) -> Answer {
    let Some(key) = it.state.known()? else {
        return Ok(Judged::fail("there is no such key: what it protected cannot be read")
            .promised("Enabled")
            .details(uses(it)));
    };
    let promised = "Enabled";
    let on_group = it.used_by.iter().any(|it| matches!(it, KeyUse::LogGroup(_)));
    if on_group && key.spec != "SYMMETRIC_DEFAULT" && !key.spec.is_empty() {
        return Ok(Judged::fail(format!(
            "{}: CloudWatch Logs takes symmetric keys alone",
            key.spec
        ))
        .promised("SYMMETRIC_DEFAULT")
        .details(uses(it)));
    }
    let at = at(it, &key.arn);
    Ok(match key.state.as_str() {
        "Enabled" => {
            let ends = key.valid_to.map(|it| view.survey.taken_at.days_until(it));
            match ends.filter(|it| *it < view.promise.retention_days) {
                Some(left) => Judged::fail(format!("its imported material ends in {left} days"))
                    .promised(format!("usable for {} days", view.promise.retention_days))
                    .details(uses(it)),
                None => Judged::pass("Enabled").promised(promised),
            }
        }
        "PendingDeletion" => {
            let when = key
                .deletion_at
                .map_or(String::new(), |it| format!(" on {}", &it.to_string()[..10]));
            Judged::fail(format!("it will be deleted{when}"))
                .promised(promised)
                .details(uses(it))
                .fix(format!("aws kms cancel-key-deletion {at} && aws kms enable-key {at}"))
        }
        "Disabled" => Judged::fail("Disabled")
            .promised(promised)
            .details(uses(it))
            .fix(format!("aws kms enable-key {at}")),
        other => Judged::fail(other).promised(promised).details(uses(it)),
    })
}

/// The statements of its policy; `None` for a key that AWS manages.
fn policy(it: &Key) -> Result<Option<Policy>, Unread> {
    if state_of(it)?.manager == "AWS" {
        return Ok(None);
    }
    let text = it.policy.known()?;
    Policy::read(text)
        .map(Some)
        .ok_or_else(|| unclear(Reason::NotUnderstood, "its policy is of a form that is not known"))
}

const FOR_LOGS: [&str; 6] = [
    "kms:Encrypt",
    "kms:Decrypt",
    "kms:ReEncryptFrom",
    "kms:ReEncryptTo",
    "kms:GenerateDataKey",
    "kms:DescribeKey",
];

/// What CloudWatch Logs would be told when it uses the key for a group.
fn for_group(policy: &Policy, key: &str, arn: &str) -> Result<Result<(), String>, Unread> {
    let region = arn.split(':').nth(3).unwrap_or_default();
    let domain = domain_of(region);
    let service = format!("logs.{region}.{domain}");
    let mut context = vec![
        ("kms:encryptioncontext:aws:logs:arn".to_owned(), arn.to_owned()),
        ("aws:sourcearn".to_owned(), arn.to_owned()),
    ];
    context.extend(account_of(arn).map(|it| ("aws:sourceaccount".to_owned(), it)));
    let mut missing = Vec::new();
    for action in FOR_LOGS {
        let request =
            Request { principal: &service, action, resource: key, context: &context, absent: &[] };
        match policy.says(&request, true) {
            Said::Allows(_) => {}
            Said::Denies(name) => {
                return Ok(Err(format!("{name} denies {action} to CloudWatch Logs")));
            }
            Said::Nothing => missing.push(action),
            Said::MayAllow(why) | Said::MayDeny(why) => {
                let why = format!("{why}, which only a real request carries");
                return Err(unclear(Reason::MissingContextKey, why));
            }
        }
    }
    Ok(if missing.is_empty() { Ok(()) } else { Err(missing.join(", ")) })
}

/// The statement that lets CloudWatch Logs use a key for one group.
/// Source: "Encrypt log data in CloudWatch Logs using AWS Key Management Service".
fn admitting(arn: &str) -> serde_json::Value {
    let region = arn.split(':').nth(3).unwrap_or_default();
    serde_json::json!({
        "Effect": "Allow",
        "Principal": { "Service": format!("logs.{region}.{}", domain_of(region)) },
        "Action": ["kms:Encrypt*", "kms:Decrypt*", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:Describe*"],
        "Resource": "*",
        "Condition": { "ArnEquals": { "kms:EncryptionContext:aws:logs:arn": arn } },
    })
}

fn admits(it: &Key, view: &View<'_>) -> Answer {
    let key = state_of(it)?;
    let Some(policy) = policy(it)? else {
        let groups = it.used_by.iter().any(|it| matches!(it, KeyUse::LogGroup(_)));
        return Ok(match groups {
            true => Judged::fail("AWS manages it, and its policy cannot admit CloudWatch Logs")
                .promised("a customer managed key"),
            false => Judged::absent("AWS manages it"),
        });
    };
    let mut wrong = Vec::new();
    for it in &it.used_by {
        if let KeyUse::LogGroup(arn) = it
            && let Err(missing) = for_group(&policy, &key.arn, arn)?
        {
            wrong.push(format!("for {arn} CloudWatch Logs lacks {missing}"));
        }
    }
    // Roles of the account are admitted by a statement for its root and their own policies, else by name; of each role IAM-ROLE-05
    // tells. Here is asked whether anybody can be.
    let account = account_of(&key.arn).unwrap_or_default();
    let about: Vec<&Statement> = policy
        .statements
        .iter()
        .filter(|it| it.actions.holds_action("kms:GenerateDataKey"))
        .filter(|it| it.resources.holds_resource(&key.arn))
        .collect();
    let is_root = |it: &(String, String)| {
        it.0 == "AWS"
            && (it.1 == account || it.1 == "*" || it.1.ends_with(&format!(":{account}:root")))
    };
    let delegates = |it: &&&Statement| match &it.principals {
        Who::These(many) => it.allows && many.iter().any(is_root),
        Who::AllBut(_) => false,
    };
    let delegated = about.iter().any(|it| delegates(&it) && it.conditions.is_empty());
    let named: Vec<String> = about
        .iter()
        .filter(|it| it.allows)
        .flat_map(|it| match &it.principals {
            Who::These(many) => many.clone(),
            Who::AllBut(_) => Vec::new(),
        })
        .filter(|it| it.0 == "AWS")
        .map(|it| it.1)
        .collect();
    let writers: Vec<&str> = view.survey.roles.iter().map(|it| it.arn.as_str()).collect();
    let is_named = writers.iter().any(|it| named.iter().any(|one| one == it));
    let users: Vec<String> = it
        .used_by
        .iter()
        .filter_map(|it| match it {
            KeyUse::Bucket(name) => Some(format!("s3://{name}")),
            KeyUse::LogGroup(_) => None,
            _ => Some("sessions".to_owned()),
        })
        .collect();
    // What is denied to the account's root as it would ask is denied to its roles.
    let root = format!("arn:{}:iam::{account}:root", key.arn.split(':').nth(1).unwrap_or("aws"));
    let through = format!("s3.{}.{}", it.region, domain_of(&it.region));
    let of_buckets = it.used_by.iter().all(|it| !matches!(it, KeyUse::Sessions(_)));
    let mut context: Vec<(String, String)> =
        of_buckets.then(|| ("kms:viaservice".to_owned(), through)).into_iter().collect();
    // The guard against a confused deputy asks for whom a service acts.
    context.push(("aws:sourceaccount".to_owned(), account.clone()));
    let request = Request {
        principal: &root,
        action: "kms:GenerateDataKey",
        resource: &key.arn,
        context: &context,
        absent: &[],
    };
    let denied = match policy.says(&request, true) {
        Said::Denies(name) => Some(name),
        Said::MayDeny(why) if wrong.is_empty() && !users.is_empty() => {
            return Err(unclear(Reason::MissingContextKey, why));
        }
        Said::MayDeny(_) | Said::MayAllow(_) | Said::Allows(_) | Said::Nothing => None,
    };
    if let (Some(name), false) = (denied, users.is_empty()) {
        wrong.push(format!("{name} denies kms:GenerateDataKey to everybody of the account"));
    } else if !users.is_empty() && !delegated && !is_named {
        // A grant under a condition depends on the request that nobody has made.
        let perhaps = about.iter().find(|it| delegates(it));
        if let (Some(one), true) = (perhaps, wrong.is_empty()) {
            let why = format!("{} depends on what only a real request carries", one.name());
            return Err(unclear(Reason::MissingContextKey, why));
        }
        wrong.push(format!("nobody who writes may kms:GenerateDataKey for {}", users.join(", ")));
    }
    if wrong.is_empty() {
        return Ok(Judged::pass("those who write with it are admitted"));
    }
    let statements: Vec<serde_json::Value> = it
        .used_by
        .iter()
        .filter_map(|it| match it {
            KeyUse::LogGroup(arn) => Some(admitting(arn)),
            _ => None,
        })
        .collect();
    let at = at(it, &key.arn);
    let filter = format!(".Statement += {}", serde_json::Value::from(statements));
    let fix = format!(
        "aws kms get-key-policy {at} --policy-name default --query Policy --output text | jq {} > key.json && \
         aws kms put-key-policy {at} --policy-name default --policy file://key.json",
        quote(&filter)
    );
    Ok(Judged::fail(wrong.join("; "))
        .promised("CloudWatch Logs and the writers are admitted")
        .risky(fix, "it replaces the whole policy of the key; read key.json first"))
}

fn rotation(it: &Key, _: &View<'_>) -> Answer {
    let key = state_of(it)?;
    if key.manager == "AWS" {
        return Ok(Judged::absent("AWS manages it, and rotates it every year"));
    }
    let Some(rotation) = it.rotation.known()? else {
        return Ok(Judged::absent("such a key cannot be rotated by KMS"));
    };
    if key.origin == "EXTERNAL" || key.state == "PendingDeletion" {
        return Ok(Judged::absent("a key of this state or origin is not rotated by KMS"));
    }
    Ok(match rotation.enabled {
        true => Judged::pass(format!("every {} days", rotation.period_days.unwrap_or(365)))
            .promised("on"),
        false => Judged::fail("off").promised("on").fix(format!(
            "aws kms enable-key-rotation {} --rotation-period-in-days 365",
            at(it, &key.arn)
        )),
    })
}

fn open(it: &Key, view: &View<'_>) -> Answer {
    let key = state_of(it)?;
    let Some(policy) = policy(it)? else {
        return Ok(Judged::absent("AWS manages it"));
    };
    let (mut everybody, mut foreign, mut unknown) = (Vec::new(), Vec::new(), None);
    for one in policy.statements.iter().filter(|it| it.allows) {
        match view.admitted(one) {
            Admits::Ours => {}
            Admits::Foreign(them) => foreign.extend(them),
            Admits::Everybody => everybody.push(one.name()),
            Admits::Unknown(whom) => {
                unknown.get_or_insert_with(|| format!("{} admits {whom}", one.name()));
            }
        }
    }
    let account = account_of(&key.arn);
    foreign.retain(|it| Some(it) != account.as_ref());
    if let (Some(why), true) = (unknown, everybody.is_empty()) {
        return Err(unclear(Reason::NotUnderstood, why));
    }
    let promised = "named principals alone";
    foreign.sort_unstable();
    foreign.dedup();
    Ok(match (everybody.is_empty(), foreign.is_empty()) {
        (false, _) => {
            Judged::fail(format!("{} admits everybody", everybody.join(", "))).promised(promised)
        }
        (true, false) => {
            Judged::info(format!("other accounts are admitted: {}", foreign.join(", ")))
                .promised(promised)
        }
        (true, true) => Judged::pass("named principals alone").promised(promised),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "arn:aws:kms:eu-west-1:111122223333:key/1";

    #[test]
    fn the_statement_we_advise_is_one_that_passes() {
        let arn = "arn:aws:logs:eu-west-1:111122223333:log-group:/aws/ssm/sessions";
        let text = serde_json::json!({ "Statement": [admitting(arn)] }).to_string();
        let policy = Policy::read(&text).unwrap();
        assert_eq!(for_group(&policy, KEY, arn), Ok(Ok(())));
        assert!(matches!(for_group(&policy, KEY, &arn.replace("sessions", "other")), Ok(Err(_))));
    }

    #[test]
    fn a_condition_that_only_a_request_carries_makes_it_unknown() {
        let arn = "arn:aws:logs:eu-west-1:111122223333:log-group:/aws/ssm/sessions";
        let mut statement = admitting(arn);
        statement["Condition"] =
            serde_json::json!({ "StringEquals": { "aws:SourceVpce": "vpce-1" } });
        let text = serde_json::json!({ "Statement": [statement] }).to_string();
        let answer = for_group(&Policy::read(&text).unwrap(), KEY, arn);
        assert_eq!(answer.map_err(|it| it.reason), Err(Reason::MissingContextKey));
    }
}
