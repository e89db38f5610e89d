//! Who writes and who starts: instance profiles, and what IAM's simulator says of the principals that matter.

use std::collections::BTreeMap;

use aws_sdk_iam::Client;
use aws_sdk_iam::types::ContextEntry;
use aws_sdk_iam::types::ContextKeyTypeEnum;
use percent_encoding::percent_decode_str;

use super::context::AwsContext;
use super::context::each;
use super::context::one;
use super::context::own;
use super::context::told;
use super::pages::NextPage;
use super::pages::listed;
use crate::audit::View;
use crate::audit::iam::questions;
use crate::audit::iam::questions::Question;
use crate::audit::promise::Promise;
use crate::aws_names::AccountId;
use crate::aws_names::Arn;
use crate::settings::*;

/// The role within each instance profile of a corner, each asked for once.
pub(super) async fn profiles(aws: &AwsContext, instances: &mut [Instance]) {
    let client = aws.connection.iam();
    let mut known: BTreeMap<String, Read<Option<String>>> = BTreeMap::new();
    for it in instances {
        let Some(arn) = &it.profile else {
            // No profile has no role, which took no question.
            it.role.outcome = Outcome::Is(None);
            continue;
        };
        if !known.contains_key(arn) {
            let name = Arn::parse(arn).map_or(arn.as_str(), Arn::name);
            let got = client.get_instance_profile().instance_profile_name(name).send().await;
            let call = aws.call("iam:GetInstanceProfile", arn).absent(&["NoSuchEntity"]);
            let read = call.read(got, |it| {
                let roles = it.instance_profile().map(|it| it.roles()).unwrap_or_default();
                roles.first().map(|it| it.arn().to_owned())
            });
            known.insert(arn.clone(), read);
        }
        it.role = known.get(arn).cloned().unwrap_or_default();
    }
}

/// What the roles behind nodes may do, and those who start sessions: once for each.
pub(super) async fn principals(
    out: &mut Survey,
    contexts: &[AwsContext],
    starters: &[String],
    progress: &(dyn Fn(&str) + Sync),
) {
    // Role, nodes with their Regions, places of its corners.
    type Wanted = (String, Vec<(String, String)>, Vec<usize>);
    let mut wanted: Vec<Wanted> = Vec::new();
    for (nth, corner) in out.corners.iter().enumerate() {
        for (arn, nodes) in questions::candidates(corner) {
            let nodes = nodes.into_iter().map(|it| (it, corner.region.clone()));
            let new = (arn.clone(), Vec::new(), Vec::new());
            let it = one(&mut wanted, |it| it.0 == arn, new);
            it.1.extend(nodes);
            it.2.push(nth);
        }
    }
    // No promise is needed to ask.
    let promise = Promise::default();
    let view = View::new(out, &promise);
    let asked = wanted.into_iter().filter_map(|(arn, nodes, at)| {
        let corners: Vec<&Corner> = at.iter().map(|it| &out.corners[*it]).collect();
        let aws = contexts.get(*at.first()?)?;
        Some((aws, arn, nodes, questions::questions(&corners, &view)))
    });
    let asked: Vec<_> = asked.collect();
    let roles = each(asked, async |(aws, arn, nodes, questions)| {
        progress(&format!("the role {arn}"));
        simulate(aws, &arn, nodes, questions).await
    })
    .await;
    let mut asked = Vec::new();
    for arn in starters {
        let account = AccountId::of(arn);
        let is_there = |it: &Corner| account.is_some_and(|one| one == it.account);
        let at = out.corners.iter().position(is_there);
        let Some(aws) = at.and_then(|it| contexts.get(it)) else {
            let why = Reason::NotAsked.because("no Region of its account was looked into");
            asked.push(Role {
                arn: arn.clone(),
                simulations: vec![Simulation {
                    resource: "*".into(),
                    decisions: Read { outcome: Outcome::Unread(why), ..Read::default() },
                }],
                ..Role::default()
            });
            continue;
        };
        let corners: Vec<&Corner> = out.corners.iter().filter(|it| is_there(it)).collect();
        let questions = questions::starter_questions(&corners);
        asked.push(simulate(aws, arn, Vec::new(), questions).await);
    }
    (out.roles, out.starters) = (roles, asked);
}

/// Asks the simulator about a principal; where it refuses, the principal's own policies are read.
async fn simulate(
    aws: &AwsContext,
    arn: &str,
    nodes: Vec<(String, String)>,
    questions: Vec<Question>,
) -> Role {
    let client = aws.connection.iam();
    let mut out = Role { arn: arn.into(), nodes, ..Role::default() };
    let mut refused = false;
    for it in questions {
        // Refused once, refused always: the question stands, and is not asked again.
        if let (true, Some(last)) = (refused, out.simulations.last()) {
            let decisions = last.decisions.clone();
            out.simulations.push(Simulation { resource: it.resource, decisions });
            continue;
        }
        let context = it.context.iter().map(|(key, kind, value)| {
            let kind = ContextKeyTypeEnum::from(*kind);
            let entry = ContextEntry::builder().context_key_name(*key).context_key_type(kind);
            entry.context_key_values(value).build()
        });
        let ask = client
            .simulate_principal_policy()
            .policy_source_arn(arn)
            .set_action_names(Some(it.actions.iter().map(|it| (*it).to_owned()).collect()))
            .resource_arns(&it.resource)
            .set_context_entries(Some(context.collect()).filter(|it: &Vec<_>| !it.is_empty()));
        let decisions = listed!(
            aws.call("iam:SimulatePrincipalPolicy", arn),
            ask.clone(),
            marked evaluation_results,
            |it| SimulatedDecision {
                action: it.eval_action_name().to_owned(),
                decision: it.eval_decision().as_str().to_owned(),
                missing_context: it.missing_context_values().to_vec(),
                by_organization: it
                    .organizations_decision_detail()
                    .map(|it| it.allowed_by_organizations()),
                by_boundary: it
                    .permissions_boundary_decision_detail()
                    .map(|it| it.allowed_by_permissions_boundary()),
            }
        );
        refused = decisions.known().is_err();
        out.simulations.push(Simulation { resource: it.resource, decisions });
    }
    let depends = |it: &Simulation| {
        it.decisions.known().is_ok_and(|it| it.iter().any(|it| !it.missing_context.is_empty()))
    };
    // What the simulator does not tell, they do: all of it, or which of its answers depend on what it was not given.
    if (refused || out.simulations.iter().any(depends)) && arn.contains(":role/") {
        out.policies = Read::from_result(policies(aws, &client, arn).await);
    }
    out
}

/// A role's own policies, inline and attached, beside the last call that told of them.
async fn policies(
    aws: &AwsContext,
    client: &Client,
    arn: &str,
) -> Result<(Asked, Vec<ResourcePolicy>), Box<(Asked, Unread)>> {
    let role = Arn::parse(arn).map_or(arn, Arn::name);
    let call = aws.call("iam:ListRolePolicies", arn);
    let ask = client.list_role_policies().role_name(role);
    let listed = listed!(call, ask.clone(), marked policy_names, String::clone);
    let (mut asked, names) = listed.into_result()?;
    let mut out = Vec::new();
    for name in names {
        let got = client.get_role_policy().role_name(role).policy_name(&name).send().await;
        let read = aws.call("iam:GetRolePolicy", arn).read(got, |it| decoded(it.policy_document()));
        let (this, document) = read.into_result()?;
        out.push(ResourcePolicy { name, document });
        asked = this;
    }
    let call = aws.call("iam:ListAttachedRolePolicies", arn);
    let ask = client.list_attached_role_policies().role_name(role);
    let attached = listed!(call, ask.clone(), marked attached_policies, |it| own(it.policy_arn()));
    for name in attached.into_result()?.1 {
        let got = client.get_policy().policy_arn(&name).send().await;
        let read = aws
            .call("iam:GetPolicy", &name)
            .read(got, |it| it.policy().and_then(|it| it.default_version_id()).map(str::to_owned));
        let read = told(read, "iam:GetPolicy answered without a version");
        let (_, version) = read.into_result()?;
        let got = client.get_policy_version().policy_arn(&name).version_id(version).send().await;
        let read = aws.call("iam:GetPolicyVersion", &name).read(got, |it| {
            decoded(it.policy_version().and_then(|it| it.document()).unwrap_or_default())
        });
        let (this, document) = read.into_result()?;
        out.push(ResourcePolicy { name, document });
        asked = this;
    }
    Ok((asked, out))
}

/// "Policies returned by this operation are URL-encoded" ("GetRolePolicy", IAM API Reference).
fn decoded(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_is_read_with_and_without_its_encoding() {
        assert_eq!(decoded("%7B%22a%22%3A%201%7D"), r#"{"a": 1}"#);
        assert_eq!(decoded(r#"{"a": "100%"}"#), r#"{"a": "100%"}"#);
    }

    #[test]
    fn what_is_no_encoding_stays_as_it_is() {
        for it in
            ["%", "%%", "%4", "%4g", "%g4", "a+b", "100% é", "%é1", "%2é", "% 1", "%-1", "%+A"]
        {
            assert_eq!(decoded(it), it);
        }
        assert_eq!(decoded("%%41%4"), "%A%4");
        assert_eq!(decoded("%c3%A9 %e9"), "é \u{fffd}", "bytes of either case, UTF-8 or not");
    }
}
