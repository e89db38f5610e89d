//! Checks of the keys without which transcripts cannot be read: a key that is gone outlives no promise.
//!
//! Source: "Key states of AWS KMS keys", "Encrypt log data in CloudWatch Logs using AWS KMS".

use crate::audit::check::About;
use crate::audit::check::Check;
use crate::audit::check::ENDPOINTS;
use crate::audit::check::NODES;
use crate::audit::frameworks::Group;
use crate::audit::iam::admits::Admits;
use crate::audit::iam::granted::of_key;
use crate::audit::iam::policy::PolicyDocument;
use crate::audit::iam::request::Request;
use crate::audit::iam::request::Said;
use crate::audit::names::quote;
use crate::audit::verdict::Answer;
use crate::audit::verdict::Causes;
use crate::audit::verdict::Judged;
use crate::audit::verdict::Severity;
use crate::audit::view::View;
use crate::aws_names::AccountId;
use crate::aws_names::Arn;
use crate::aws_names::Partition;
use crate::aws_names::RegionCode;
use crate::settings::Key;
use crate::settings::KeyState;
use crate::settings::KeyUse;
use crate::settings::Reason;
use crate::settings::Unread;
use crate::time::At;

/// The checks below, in the order of the table.
pub(crate) const CHECKS: &[Check] = &[STATE, ADMITS, ROTATION, OPEN];

fn state_of<'a>(it: &'a Key, view: &View<'_>) -> Result<&'a KeyState, Unread> {
    view.take(&it.state)?.as_ref().ok_or_else(|| Reason::NotThere.because("there is no such key"))
}

fn region_of(arn: &str) -> Option<&str> {
    Arn::parse(arn).map(|it| it.region).filter(|it| !it.is_empty())
}

fn at(it: &Key, arn: &str) -> String {
    format!("--region {} --key-id {}", quote(&it.region), quote(arn))
}

const STATE: Check = Check {
    id: "KMS-STATE-01",
    title: "The key can be used, and is not about to go",
    severity: Severity::Critical,
    groups: &[Group::Keys],
    reads: &[&["kms:DescribeKey", "s3:ListBucket"]],
    why: "Once a key is deleted everything it protects is unreadable for ever, whatever lock is on it.",
    then: "Cancel the deletion and enable the key, today.",
    ask: &About::<Key>(state),
};

fn state(it: &Key, view: &View<'_>) -> Answer {
    let fail = |seen: &str| Judged::fail(seen).promised("Enabled").details(uses(it));
    let Some(key) = view.take(&it.state)? else {
        return Ok(fail("there is no such key: what it protected cannot be read"));
    };
    // "Amazon S3 supports only symmetric encryption KMS keys" ("Using server-side encryption with AWS KMS keys"), and so do CloudWatch
    // Logs and the data keys of sessions.
    if !it.used_by.is_empty() && key.spec != "SYMMETRIC_DEFAULT" && !key.spec.is_empty() {
        let why = "only symmetric encryption keys protect logs, buckets and sessions";
        return Ok(fail(&format!("{}: {why}", key.spec)).promised("SYMMETRIC_DEFAULT"));
    }
    let at = at(it, &key.arn);
    Ok(match key.state.as_str() {
        // While the primary Region of a multi-Region key changes it is used as before ("Key states of AWS KMS keys").
        "Enabled" | "Updating" => {
            let wanted = view.promise.retention_days;
            let ends = key.valid_to.map(|it| view.survey.taken_at.days_until(it));
            match ends.filter(|it| *it < wanted) {
                Some(left) => fail(&format!("its imported material ends in {left} days"))
                    .promised(format!("usable for {wanted} days")),
                None => in_place(it, key, view)?,
            }
        }
        "PendingDeletion" => {
            let on = |it: At| format!(" on {}", &it.to_string()[..10]);
            fail(&format!("it will be deleted{}", key.deletion_at.map_or(String::new(), on)))
                .fix(format!("aws kms cancel-key-deletion {at} && aws kms enable-key {at}"))
        }
        "Disabled" => fail("Disabled").fix(format!("aws kms enable-key {at}")),
        other => fail(other),
    })
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

/// What a key is used for, and in which Region; `None` of what is no use of today: what it once encrypted may have come from elsewhere.
fn used_in(it: &KeyUse, view: &View<'_>) -> Result<Option<(String, String)>, Unread> {
    let unknown =
        |what: &str| Reason::NotAsked.because(format!("the Region of {what} was not told"));
    Ok(Some(match it {
        KeyUse::LogGroup(arn) => {
            (arn.clone(), region_of(arn).ok_or_else(|| unknown(arn))?.to_owned())
        }
        KeyUse::Bucket(name) => {
            let what = format!("s3://{name}");
            let bucket = view.bucket(name).ok_or_else(|| unknown(&what))?;
            // The answer that the bucket is there tells its Region.
            let told = view.take(&bucket.existence);
            let Some(region) = &bucket.region else {
                return Err(told.err().unwrap_or_else(|| unknown(&what)));
            };
            (what, region.clone())
        }
        KeyUse::Sessions(by) => {
            let region = by.rsplit_once(" in ").ok_or_else(|| unknown(by))?.1;
            (by.clone(), region.to_owned())
        }
        KeyUse::Objects(_) => return Ok(None),
    }))
}

/// Each service looks for the key where it works itself; a replica of a multi-Region key has an ARN of its own.
fn in_place(it: &Key, key: &KeyState, view: &View<'_>) -> Answer {
    let own = region_of(&key.arn).unwrap_or(&it.region);
    let mut elsewhere = Causes::default();
    for one in &it.used_by {
        let used = used_in(one, view).map(|it| it.filter(|it| it.1 != own));
        elsewhere.add(used.map(|it| it.map(|(what, region)| format!("{what} is in {region}"))));
    }
    let elsewhere = elsewhere.proved()?;
    Ok(match elsewhere.is_empty() {
        true => Judged::pass(&key.state).promised("Enabled"),
        false => Judged::fail(format!("it is in {own}"))
            .promised("the Region of what it protects")
            .details(elsewhere),
    })
}

/// The statements of its policy; `None` for a key that AWS manages.
fn policy(it: &Key, view: &View<'_>) -> Result<Option<PolicyDocument>, Unread> {
    if state_of(it, view)?.manager == "AWS" {
        return Ok(None);
    }
    PolicyDocument::understood(view.take(&it.policy)?, "its policy").map(Some)
}

const ADMITS: Check = Check {
    id: "KMS-POL-01",
    title: "The key's policy admits those who write with it",
    severity: Severity::High,
    groups: &[Group::Keys, Group::Failure],
    reads: &[&["kms:GetKeyPolicy", "kms:DescribeKey"], NODES],
    why: "A policy edited after the key was associated stops the log group from being written and read.",
    then: "Admit the CloudWatch Logs service of the Region, bound to the log group by its encryption context.",
    ask: &About::<Key>(admits),
};

fn admits(it: &Key, view: &View<'_>) -> Answer {
    let key = state_of(it, view)?;
    let Some(policy) = policy(it, view)? else {
        return Ok(match it.groups().next().is_some() {
            true => Judged::fail("AWS manages it, and its policy cannot admit CloudWatch Logs")
                .promised("a customer managed key"),
            false => Judged::absent("AWS manages it"),
        });
    };
    let mut wrong = Causes::default();
    for arn in it.groups() {
        let missing = for_group(&policy, &key.arn, arn)?;
        let told = missing.map(|it| format!("for {arn} CloudWatch Logs lacks {it}"));
        wrong.found.extend(told);
    }
    let (who, unread) = writers(key, view);
    for one in &it.used_by {
        // A key of sessions makes data keys for those who start them, and decrypts for the nodes ("Turn on KMS key encryption of session
        // data").
        let (about, action, by_s3) = match one {
            KeyUse::Bucket(name) => (format!("for s3://{name}"), "kms:GenerateDataKey", true),
            KeyUse::Sessions(_) => ("for sessions".to_owned(), "kms:Decrypt", false),
            KeyUse::LogGroup(_) | KeyUse::Objects(_) => continue,
        };
        let said = who.iter().map(|role| of_key(&policy, it, &key.arn, role, action, by_s3).0);
        let best = said.min_by_key(|it| match it {
            Said::Allows(_) => 0,
            Said::MayAllow(_) | Said::MayDeny(_) => 1,
            Said::Denies(_) => 2,
            Said::Nothing => 3,
        });
        match (best, &unread) {
            (Some(Said::Allows(_)), _) => {}
            (Some(Said::MayAllow(why) | Said::MayDeny(why)), _) => {
                wrong.lack(Reason::MissingContextKey.because(why));
            }
            (Some(Said::Denies(name)), _) => {
                wrong.found.push(format!("{name} denies {action} {about} to those who write"));
            }
            (_, Some(unread)) => wrong.lack(unread.clone()),
            (_, None) => wrong.found.push(format!("nobody who writes may {action} {about}")),
        }
    }
    let wrong = wrong.proved()?;
    if wrong.is_empty() {
        return Ok(Judged::pass("those who write with it are admitted"));
    }
    let statements: Vec<serde_json::Value> = it.groups().map(admitting).collect();
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

const FOR_LOGS: [&str; 6] = [
    "kms:Encrypt",
    "kms:Decrypt",
    "kms:ReEncryptFrom",
    "kms:ReEncryptTo",
    "kms:GenerateDataKey",
    "kms:DescribeKey",
];

/// The principal of CloudWatch Logs in the Region of a group.
fn service_of_group(arn: &str) -> String {
    RegionCode(region_of(arn).unwrap_or_default()).host("logs")
}

/// What CloudWatch Logs lacks where it uses the key for a group, in words.
fn for_group(policy: &PolicyDocument, key: &str, arn: &str) -> Result<Option<String>, Unread> {
    let service = service_of_group(arn);
    let mut context = vec![
        ("kms:encryptioncontext:aws:logs:arn".to_owned(), arn.to_owned()),
        ("aws:sourcearn".to_owned(), arn.to_owned()),
    ];
    context.extend(AccountId::of(arn).map(|it| ("aws:sourceaccount".to_owned(), it.to_string())));
    let mut missing = Vec::new();
    for action in FOR_LOGS {
        let request =
            Request { principal: &service, action, resource: key, context: &context, absent: &[] };
        match policy.says(&request, true) {
            Said::Allows(_) => {}
            Said::Denies(name) => {
                return Ok(Some(format!("{name} denies {action} to CloudWatch Logs")));
            }
            Said::Nothing => missing.push(action),
            Said::MayAllow(why) | Said::MayDeny(why) => {
                let why = format!("{why}, which only a real request carries");
                return Err(Reason::MissingContextKey.because(why));
            }
        }
    }
    Ok((!missing.is_empty()).then(|| missing.join(", ")))
}

/// The statement that lets CloudWatch Logs use a key for one group.
/// Source: "Encrypt log data in CloudWatch Logs using AWS Key Management Service".
fn admitting(arn: &str) -> serde_json::Value {
    serde_json::json!({
        "Effect": "Allow",
        "Principal": { "Service": service_of_group(arn) },
        "Action": ["kms:Encrypt*", "kms:Decrypt*", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:Describe*"],
        "Resource": "*",
        "Condition": { "ArnEquals": { "kms:EncryptionContext:aws:logs:arn": arn } },
    })
}

/// Who writes with a key: the roles that are known, any of which is enough here, as IAM-ROLE-05 tells of each. Where none is, the account
/// as a whole must be let in; and what the roles are may not have been read.
fn writers(it: &KeyState, view: &View<'_>) -> (Vec<String>, Option<Unread>) {
    if !view.survey.roles.is_empty() {
        return (view.survey.roles.iter().map(|it| it.arn.clone()).collect(), None);
    }
    let arn = Arn::parse(&it.arn);
    let account = arn.and_then(Arn::account_id).map(String::from).unwrap_or_default();
    let root = arn.map_or(Partition::AWS, |it| it.partition).root(&account);
    let corners = view.survey.corners.iter().filter(|it| it.account == account);
    let unread = corners
        .flat_map(|it| [view.take(&it.nodes).err(), view.take(&it.network.instances).err()])
        .flatten()
        .next();
    (vec![root], unread)
}

const ROTATION: Check = Check {
    id: "KMS-ROT-01",
    title: "The key is rotated",
    severity: Severity::Low,
    groups: &[Group::Keys],
    reads: &[&["kms:GetKeyRotationStatus", "kms:DescribeKey"]],
    why: "Rotation bounds what one leaked key can open.",
    then: "Switch rotation on.",
    ask: &About::<Key>(rotation),
};

fn rotation(it: &Key, view: &View<'_>) -> Answer {
    let key = state_of(it, view)?;
    if key.manager == "AWS" {
        return Ok(Judged::absent("AWS manages it, and rotates it every year"));
    }
    let Some(rotation) = view.take(&it.rotation)? else {
        return Ok(Judged::absent("such a key cannot be rotated by KMS"));
    };
    // "You cannot enable automatic rotation of asymmetric KMS keys, HMAC KMS keys, KMS keys with imported key material, or KMS keys in a
    // custom key store" ("Rotate AWS KMS keys"); their status is off.
    let is_rotated = ["AWS_KMS", ""].contains(&key.origin.as_str())
        && ["SYMMETRIC_DEFAULT", ""].contains(&key.spec.as_str())
        && key.state != "PendingDeletion";
    if !is_rotated {
        return Ok(Judged::absent("a key of this kind, origin or state is not rotated by KMS"));
    }
    let fix =
        format!("aws kms enable-key-rotation {} --rotation-period-in-days 365", at(it, &key.arn));
    let judged = match rotation.enabled {
        true => Judged::pass(format!("every {} days", rotation.period_days.unwrap_or(365))),
        false => Judged::fail("off").fix(fix),
    };
    Ok(judged.promised("on"))
}

const OPEN: Check = Check {
    id: "KMS-POL-02",
    title: "The key's policy is not open",
    severity: Severity::High,
    groups: &[Group::Keys, Group::Access],
    reads: &[&["kms:GetKeyPolicy", "kms:DescribeKey"], ENDPOINTS],
    why: "Whoever may use the key can read what it protects, wherever a copy lies.",
    then: "Name principals, or bind the statement by kms:CallerAccount or aws:PrincipalOrgID.",
    ask: &About::<Key>(open),
};

fn open(it: &Key, view: &View<'_>) -> Answer {
    let key = state_of(it, view)?;
    let Some(policy) = policy(it, view)? else {
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
    let account = AccountId::of(&key.arn);
    foreign.retain(|it| account.is_none_or(|own| own != it));
    if let (Some(why), true) = (unknown, everybody.is_empty()) {
        return Err(Reason::NotUnderstood.because(why));
    }
    foreign.sort_unstable();
    foreign.dedup();
    let promised = "named principals alone";
    let judged = match (everybody.is_empty(), foreign.is_empty()) {
        (false, _) => Judged::fail(format!("{} admits everybody", everybody.join(", "))),
        (true, false) => {
            Judged::info(format!("other accounts are admitted: {}", foreign.join(", ")))
        }
        (true, true) => Judged::pass(promised),
    };
    Ok(judged.promised(promised))
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "arn:aws:kms:eu-west-1:111122223333:key/1";

    #[test]
    fn the_statement_we_advise_is_one_that_passes() {
        let arn = "arn:aws:logs:eu-west-1:111122223333:log-group:/aws/ssm/sessions";
        let text = serde_json::json!({ "Statement": [admitting(arn)] }).to_string();
        let policy = PolicyDocument::read(&text).unwrap();
        assert_eq!(for_group(&policy, KEY, arn), Ok(None));
        assert!(matches!(for_group(&policy, KEY, &arn.replace("sessions", "other")), Ok(Some(_))));
    }

    #[test]
    fn a_condition_that_only_a_request_carries_makes_it_unknown() {
        let arn = "arn:aws:logs:eu-west-1:111122223333:log-group:/aws/ssm/sessions";
        let mut statement = admitting(arn);
        statement["Condition"] =
            serde_json::json!({ "StringEquals": { "aws:SourceVpce": "vpce-1" } });
        let text = serde_json::json!({ "Statement": [statement] }).to_string();
        let answer = for_group(&PolicyDocument::read(&text).unwrap(), KEY, arn);
        assert_eq!(answer.map_err(|it| it.reason), Err(Reason::MissingContextKey));
    }
}
