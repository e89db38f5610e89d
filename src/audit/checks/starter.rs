//! The check of those who start sessions: are they held to documents that are logged.

use crate::audit::check::About;
use crate::audit::check::Check;
use crate::audit::frameworks::Group;
use crate::audit::iam::permission::Call;
use crate::audit::iam::permission::Permission;
use crate::audit::iam::permission::may;
use crate::audit::subject::Starter;
use crate::audit::verdict::Answer;
use crate::audit::verdict::Causes;
use crate::audit::verdict::Judged;
use crate::audit::verdict::Severity;
use crate::audit::view::View;
use crate::aws_names::Arn;
use crate::settings::Reason;
use crate::settings::Role;

/// The checks below, in the order of the table.
pub(crate) const CHECKS: &[Check] = &[PINNED];

const PINNED: Check = Check {
    id: "IAM-USER-01",
    title: "Those who start sessions are held to logged documents",
    severity: Severity::Medium,
    groups: &[Group::Generation],
    reads: &[&["iam:SimulatePrincipalPolicy"]],
    why: "The document decides whether there is a log: whoever may name any document may choose one without.",
    then: "Allow ssm:StartSession on named documents, with ssm:SessionDocumentAccessCheck; `ssmtrail policy guard` prints it.",
    ask: &About::<Starter>(pinned),
};

fn pinned(role: &Role, view: &View<'_>) -> Answer {
    let promised = "ssm:StartSession on named documents alone";
    let mut able = Causes::default();
    for it in &role.simulations {
        let region = Arn::parse(&it.resource).map_or("", |it| it.region);
        let (action, what) = match it.resource.split_once(":document/") {
            Some((_, document)) => (
                "ssm:StartSession",
                format!(
                    "it may start a session with {document} in {region}, which the preferences do not log"
                ),
            ),
            None if it.resource.contains(":ecs:") => (
                "ecs:ExecuteCommand",
                format!(
                    "it may run commands in containers in {region} (ecs:ExecuteCommand), which the cluster logs, or nobody"
                ),
            ),
            None => (
                "ssm:StartSession",
                format!("it may start a session in {region} without any check of the document"),
            ),
        };
        let may = may(&Call { role, action, resource: &it.resource }, view);
        able.add(may.map(|it| (it == Permission::Allowed).then_some(what)));
    }
    let able = able.proved()?;
    if role.simulations.is_empty() {
        return Err(Reason::NotAsked.because("it was not asked about"));
    }
    let judged = match able.is_empty() {
        true => Judged::pass("held to its documents"),
        false => Judged::fail(able.join("; ")),
    };
    Ok(judged.promised(promised))
}
