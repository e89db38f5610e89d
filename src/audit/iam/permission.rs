//! What a role may do: IAM's own simulator is asked once a role; where it is refused, or its answer depends on what it was not given, the
//! role's policies are read.
//!
//! Source: "SimulatePrincipalPolicy" (IAM API Reference).

use crate::audit::iam::policy::PolicyDocument;
use crate::audit::iam::policy::Statement;
use crate::audit::iam::request::Request;
use crate::audit::iam::request::Said;
use crate::audit::view::View;
use crate::settings::Encryption;
use crate::settings::Reason;
use crate::settings::Role;
use crate::settings::Unread;

/// What a principal may do, boundary and organization included.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Permission {
    Allowed,
    /// By whom, if it is denied and not merely not allowed.
    Denied(Option<String>),
}

/// One call that a role might make.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Call<'a> {
    pub(crate) role: &'a Role,
    pub(crate) action: &'a str,
    pub(crate) resource: &'a str,
}

/// What IAM said of one action on one resource; else what the role's own policies say.
pub(crate) fn may(call: &Call<'_>, view: &View<'_>) -> Result<Permission, Unread> {
    let Call { role, action, resource } = *call;
    let not_asked = || Reason::NotAsked.because(format!("{action} was not asked about"));
    let simulation = role.simulations.iter().find(|it| it.resource == resource);
    let simulation = simulation.ok_or_else(not_asked)?;
    let decisions = match view.take(&simulation.decisions) {
        Ok(it) => it,
        // An allowance may still be denied by a boundary or the organization.
        Err(why) => {
            return match own_policies(call, view) {
                Ok(Said::Nothing) => Ok(Permission::Denied(None)),
                Ok(Said::Denies(name)) => Ok(Permission::Denied(Some(name))),
                _ => Err(why),
            };
        }
    };
    let it = decisions.iter().find(|it| it.action.eq_ignore_ascii_case(action));
    let it = it.ok_or_else(not_asked)?;
    // With a key that the simulator was not given, such as a tag, an address or MFA, the answer may be another. It names the keys of
    // all the policies, though, not of those that are about this action; so the policies are read. A boundary's are not.
    let by_others = [it.by_organization, it.by_boundary].contains(&Some(false));
    if !it.missing_context.is_empty() && !by_others {
        let depends = || {
            let keys = it.missing_context.join(", ");
            Reason::MissingContextKey.because(format!("{action} depends on {keys}"))
        };
        return match (it.decision.as_str(), own_policies(call, view)) {
            ("allowed", Ok(Said::Allows(_))) if it.by_boundary.is_none() => Ok(Permission::Allowed),
            (_, Ok(Said::Denies(name))) => Ok(Permission::Denied(Some(name))),
            ("implicitDeny", Ok(Said::Nothing)) => Ok(Permission::Denied(None)),
            (_, Err(why)) if why.reason != Reason::NotAsked => Err(why),
            _ => Err(depends()),
        };
    }
    let by = match it.decision.as_str() {
        "allowed" => return Ok(Permission::Allowed),
        "explicitDeny" => Some("a policy"),
        _ if it.by_organization == Some(false) => Some("a service control policy"),
        _ if it.by_boundary == Some(false) => Some("its permissions boundary"),
        _ => None,
    };
    Ok(Permission::Denied(by.map(str::to_owned)))
}

/// What the role's own policies say together. A boundary and the organization count, too.
fn own_policies(call: &Call<'_>, view: &View<'_>) -> Result<Said, Unread> {
    let Call { role, action, resource } = *call;
    let mut all = PolicyDocument::default();
    for it in view.take(&role.policies)? {
        let name = format!("its policy {}", it.name);
        let statements = PolicyDocument::understood(&it.document, &name)?.statements.into_iter();
        all.statements.extend(statements.map(|one| Statement { sid: Some(name.clone()), ..one }));
    }
    let context = context();
    let request =
        Request { principal: &role.arn, action, resource, context: &context, absent: &[] };
    Ok(all.says(&request, false))
}

/// What each request of the agent carries, by keys in lower case.
pub(super) fn context() -> Vec<(String, String)> {
    carried(None).into_iter().map(|it| (it.0.to_lowercase(), it.2)).collect()
}

/// What a request of the agent carries, in the forms of the simulator.
pub(super) fn carried(
    encryption: Option<&Encryption>,
) -> Vec<(&'static str, &'static str, String)> {
    let mut out = vec![
        ("aws:SecureTransport", "boolean", "true".to_owned()),
        ("s3:x-amz-acl", "string", "bucket-owner-full-control".to_owned()),
    ];
    // Of a bucket encrypted by dsse, or one it cannot ask about, the agent sends no header.
    if let Some(it) = encryption.filter(|it| it.algorithm != "aws:kms:dsse") {
        out.push(("s3:x-amz-server-side-encryption", "string", it.algorithm.clone()));
        out.extend(
            it.kms_key
                .as_ref()
                .map(|it| ("s3:x-amz-server-side-encryption-aws-kms-key-id", "string", it.clone())),
        );
    }
    out
}
