//! What the policies of endpoints let through of the calls that the agent makes.
//!
//! Source: "Control access to VPC endpoints using endpoint policies" (AWS PrivateLink).

use crate::audit::checks::network::path::ServicePath;
use crate::audit::iam::conditions::Truth;
use crate::audit::iam::policy::Policy;
use crate::audit::iam::policy::Statement;
use crate::audit::iam::policy::Which;
use crate::audit::iam::request::Request;
use crate::audit::iam::request::Said;
use crate::audit::iam::targets::any_group;
use crate::audit::iam::targets::stream_arn;
use crate::audit::iam::writer::CHANNEL;
use crate::audit::iam::writer::role_arn;
use crate::audit::iam::writer::writer;
use crate::audit::preferences::Preferences;
use crate::audit::verdict::unclear;
use crate::audit::view::View;
use crate::aws_names::AccountId;
use crate::aws_names::Arn;
use crate::settings::Corner;
use crate::settings::Endpoint;
use crate::settings::Instance;
use crate::settings::Reason;
use crate::settings::Unread;

/// Roles an instance may act by: of a node those that may write for it, one of which it is; else that of its profile, or the default one.
pub(super) fn roles_of(
    it: &Instance,
    corner: &Corner,
    view: &View<'_>,
) -> Result<Vec<String>, Unread> {
    let roles: Vec<String> = match view.take(&corner.nodes)?.iter().find(|one| one.id == it.id) {
        Some(node) => {
            let writer = writer(node, corner, view)?;
            writer.roles().into_iter().map(str::to_owned).collect()
        }
        None => {
            let name = match view.take(&it.role)?.as_ref() {
                Some(it) => Some(it),
                None => {
                    view.take(&corner.default_role)?.as_ref().filter(|_| it.metadata != Some(false))
                }
            };
            name.map(|it| role_arn(it, corner)).into_iter().collect()
        }
    };
    if roles.is_empty() {
        return Err(unclear(
            Reason::NotThere,
            "by which role it would ask is not known (IAM-ROLE-01)",
        ));
    }
    Ok(roles)
}

/// An endpoint's policy, where it may keep anything back: the one that AWS sets lets everybody do everything.
pub(super) fn narrow(endpoint: &Endpoint) -> Result<Option<Policy>, Unread> {
    let Some(text) = &endpoint.policy else { return Ok(None) };
    let id = &endpoint.id;
    let policy = Policy::read(text).ok_or_else(|| {
        unclear(Reason::NotUnderstood, format!("the policy of {id} is of a form that is not known"))
    })?;
    let is_all = |it: &Which| matches!(it, Which::These(many) if many.iter().any(|it| it == "*"));
    let opens = |it: &Statement| {
        it.allows
            && it.means_everybody()
            && it.conditions.is_empty()
            && is_all(&it.actions)
            && is_all(&it.resources)
    };
    let is_open =
        policy.statements.iter().all(|it| it.allows) && policy.statements.iter().any(opens);
    Ok(Some(policy).filter(|_| !is_open))
}

/// What an endpoint's policy does not let through of these calls and resources, in words. One without a policy lets everything through.
/// `owner` is the account of the resources, where it is known.
/// Source: "Control access to VPC endpoints using endpoint policies" (AWS PrivateLink).
pub(super) fn refused(
    endpoint: &Endpoint,
    policy: &Policy,
    roles: &[String],
    owner: Option<&str>,
    asks: &[(&str, String)],
) -> Result<Option<String>, Unread> {
    let id = &endpoint.id;
    let context = vec![
        ("aws:securetransport".to_owned(), "true".to_owned()),
        ("aws:sourcevpc".to_owned(), endpoint.vpc.clone()),
        ("aws:sourcevpce".to_owned(), id.clone()),
    ];
    // Which of several roles it is nobody knows: what is refused to all of them is refused.
    let mut all = Vec::new();
    for principal in roles {
        let mut answer = Ok(None);
        for (action, resource) in asks {
            let account =
                AccountId::of(resource).map(|it| it.to_string()).or(owner.map(str::to_owned));
            let mut context = context.clone();
            for key in ["aws:resourceaccount", "s3:resourceaccount"] {
                context.extend(account.clone().map(|it| (key.to_owned(), it)));
            }
            let request = Request { principal, action, resource, context: &context, absent: &[] };
            let said = match policy.says(&request, true) {
                // A gateway takes an account for its root user alone ("Control access to VPC endpoints using endpoint policies").
                Said::Allows(name) if endpoint.kind == "Gateway" => match policy.grants(&request) {
                    Truth::Yes => Said::Allows(name),
                    Truth::No => Said::Nothing,
                    Truth::Unknown => Said::MayAllow(name),
                },
                other => other,
            };
            let why = match said {
                Said::Allows(_) => continue,
                Said::MayAllow(why) | Said::MayDeny(why) => {
                    let why = format!("the policy of {id}: {why}");
                    answer = answer.and(Err(unclear(Reason::MissingContextKey, why)));
                    continue;
                }
                Said::Denies(name) => format!("{name} in the policy of {id} denies {action}"),
                Said::Nothing => {
                    format!("the policy of {id} does not admit {action} to {resource}")
                }
            };
            answer = Ok(Some(why));
            break;
        }
        all.push(answer);
    }
    if let Some(it) = all.iter().find_map(|it| it.as_ref().err()) {
        return Err(it.clone());
    }
    let refused: Vec<String> = all.iter().filter_map(|it| it.clone().ok().flatten()).collect();
    match refused.len() {
        0 => Ok(None),
        some if some == all.len() => Ok(refused.into_iter().next()),
        _ => Err(unclear(Reason::NotUnderstood, format!("{}, if it is that role", refused[0]))),
    }
}

/// What the agent asks a service for, and of what.
fn asked_of(
    service: &str,
    it: &Instance,
    corner: &Corner,
    told: &Preferences,
    view: &View<'_>,
) -> Result<Vec<(&'static str, String)>, Unread> {
    let everywhere = || "*".to_owned();
    Ok(match service {
        "ssm" => vec![("ssm:UpdateInstanceInformation", corner.home().node(&it.id))],
        "ssmmessages" => CHANNEL
            .iter()
            .filter(|it| it.starts_with("ssmmessages:"))
            .map(|it| (*it, everywhere()))
            .collect(),
        "logs" => {
            let group = corner.home().log_group(told.group.text().unwrap_or_default());
            let stream = stream_arn(&group);
            let mut asks =
                vec![("logs:CreateLogStream", stream.clone()), ("logs:PutLogEvents", stream)];
            // Where the flag is on the agent asks for the group first, and refuses the session without an answer.
            asks.extend(
                told.group_encrypted.then(|| ("logs:DescribeLogGroups", any_group(&group))),
            );
            asks
        }
        "kms" => {
            let key = told.key.text().unwrap_or_default();
            let none = || unclear(Reason::NotAsked, format!("whose key {key} is was not asked"));
            let arn = match Arn::parse(key).filter(|it| !it.resource.starts_with("alias/")) {
                Some(arn) => arn.to_string(),
                None => {
                    let state = view.take(&view.key(key).ok_or_else(none)?.state)?;
                    state.as_ref().ok_or_else(none)?.arn.clone()
                }
            };
            vec![("kms:Decrypt", arn)]
        }
        _ => Vec::new(),
    })
}

/// What the policies of the endpoints on these ways do not let through, in words.
pub(super) fn refused_on(
    ways: &[(&str, ServicePath<'_>)],
    it: &Instance,
    corner: &Corner,
    told: &Preferences,
    view: &View<'_>,
) -> Result<Vec<String>, Unread> {
    let mut out = Vec::new();
    let mut unknown = None;
    for (service, way) in ways {
        let ServicePath::Endpoint(one) = way else { continue };
        let policy = match narrow(one) {
            Ok(Some(it)) => it,
            Ok(None) => continue,
            Err(it) => {
                unknown = Some(it);
                continue;
            }
        };
        let owner = Some(corner.account.as_str());
        let answer = asked_of(service, it, corner, told, view)
            .and_then(|asks| refused(one, &policy, &roles_of(it, corner, view)?, owner, &asks));
        match answer {
            Ok(why) => out.extend(why),
            Err(it) => unknown = Some(it),
        }
    }
    match unknown {
        Some(it) if out.is_empty() => Err(it),
        _ => Ok(out),
    }
}
