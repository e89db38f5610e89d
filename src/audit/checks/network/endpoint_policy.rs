//! What the policies of endpoints let through of the calls that the agent makes.
//!
//! Source: "Control access to VPC endpoints using endpoint policies" (AWS PrivateLink).

use crate::audit::checks::network::path::Host;
use crate::audit::checks::network::path::ServicePath;
use crate::audit::iam::conditions::Truth;
use crate::audit::iam::policy::PolicyDocument;
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
use crate::audit::verdict::Answer;
use crate::audit::verdict::Causes;
use crate::audit::verdict::Judged;
use crate::aws_names::AccountId;
use crate::aws_names::Arn;
use crate::settings::Endpoint;
use crate::settings::Reason;
use crate::settings::Unread;

/// Roles an instance may act by: of a node those that may write for it, one of which it is; else that of its profile, or the default one.
pub(super) fn roles_of(host: Host<'_>) -> Result<Vec<String>, Unread> {
    let Host { it, corner, view } = host;
    let roles: Vec<String> = match view.take(&corner.nodes)?.iter().find(|one| one.id == it.id) {
        Some(node) => writer(node, corner, view)?.roles(),
        None => {
            let name = match view.take(&it.role)? {
                Some(it) => Some(it),
                None => {
                    view.take(&corner.default_role)?.as_ref().filter(|_| it.metadata != Some(false))
                }
            };
            name.map(|it| role_arn(it, corner)).into_iter().collect()
        }
    };
    if roles.is_empty() {
        let why = "by which role it would ask is not known (IAM-ROLE-01)";
        return Err(Reason::NotThere.because(why));
    }
    Ok(roles)
}

/// An endpoint's policy, where it may keep anything back: the one that AWS sets lets everybody do everything.
pub(super) fn narrow(endpoint: &Endpoint) -> Result<Option<PolicyDocument>, Unread> {
    let Some(text) = &endpoint.policy else { return Ok(None) };
    let policy = PolicyDocument::understood(text, format!("the policy of {}", endpoint.id))?;
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
    policy: &PolicyDocument,
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
    let refused_to = |principal: &String| {
        let mut unknown = None;
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
            match said {
                Said::Allows(_) => {}
                Said::MayAllow(why) | Said::MayDeny(why) => {
                    unknown.get_or_insert(format!("the policy of {id}: {why}"));
                }
                Said::Denies(name) => {
                    return Ok(Some(format!("{name} in the policy of {id} denies {action}")));
                }
                Said::Nothing => {
                    let why = format!("the policy of {id} does not admit {action} to {resource}");
                    return Ok(Some(why));
                }
            }
        }
        unknown.map_or(Ok(None), |why| Err(Reason::MissingContextKey.because(why)))
    };
    // Which of several roles it is nobody knows: what is refused to all of them is refused.
    let all: Vec<Option<String>> = roles.iter().map(refused_to).collect::<Result<_, Unread>>()?;
    let refused: Vec<&String> = all.iter().flatten().collect();
    match refused.first() {
        None => Ok(None),
        Some(first) if refused.len() == all.len() => Ok(Some((*first).clone())),
        Some(first) => Err(Reason::NotUnderstood.because(format!("{first}, if it is that role"))),
    }
}

/// What the agent asks a service for, and of what.
fn asked_of(
    service: &str,
    host: Host<'_>,
    told: &Preferences,
) -> Result<Vec<(&'static str, String)>, Unread> {
    let Host { it, corner, view } = host;
    Ok(match service {
        "ssm" => vec![("ssm:UpdateInstanceInformation", corner.home().node(&it.id))],
        "ssmmessages" => {
            let channel = CHANNEL.iter().filter(|it| it.starts_with("ssmmessages:"));
            channel.map(|it| (*it, "*".to_owned())).collect()
        }
        "logs" => {
            let group = corner.home().log_group(told.group.text().unwrap_or_default());
            let stream = stream_arn(&group);
            let mut asks =
                vec![("logs:CreateLogStream", stream.clone()), ("logs:PutLogEvents", stream)];
            // Where the flag is on the agent asks for the group first, and refuses the session without an answer.
            if told.group_encrypted {
                asks.push(("logs:DescribeLogGroups", any_group(&group)));
            }
            asks
        }
        "kms" => {
            let key = told.key.text().unwrap_or_default();
            let none = || Reason::NotAsked.because(format!("whose key {key} is was not asked"));
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
fn refused_on(
    ways: &[(&str, ServicePath<'_>)],
    host: Host<'_>,
    told: &Preferences,
) -> Result<Vec<String>, Unread> {
    let refused_by = |service: &str, one: &Endpoint| {
        let Some(policy) = narrow(one)? else { return Ok(None) };
        let asks = asked_of(service, host, told)?;
        refused(one, &policy, &roles_of(host)?, Some(&host.corner.account), &asks)
    };
    let mut refused = Causes::default();
    for (service, way) in ways {
        if let ServicePath::Endpoint(one) = way {
            refused.add(refused_by(service, one));
        }
    }
    refused.proved()
}

/// Whether an instance has a way to all of these services, and the policies of endpoints on them let through what it asks.
pub(super) fn reaches_all(services: &[&str], host: Host<'_>, told: &Preferences) -> Answer {
    let mut ways = Vec::new();
    for service in services {
        ways.push((*service, host.way(service)?));
    }
    let words: Vec<String> = ways.iter().map(|(service, it)| it.words(service)).collect();
    let missing: Vec<&str> =
        ways.iter().filter(|it| matches!(it.1, ServicePath::None(_))).map(|it| it.0).collect();
    if !missing.is_empty() {
        host.not_by_routes_alone()?;
        return Ok(host.with_endpoints(&missing, Judged::fail(words.join("; "))));
    }
    let refused = refused_on(&ways, host, told)?;
    Ok(match refused.is_empty() {
        true => Judged::pass(words.join(", ")).unsure(),
        false => Judged::fail(refused.join("; ")),
    })
}
