//! Who writes for a node: the agent uploads with the credentials it registered with, so it is the role behind a node.
//!
//! Source: amazon-ssm-agent: agent/managedInstances, agent/ec2roleprovider/ec2_role_provider.go.

use crate::audit::iam::permission::Call;
use crate::audit::iam::permission::Permission;
use crate::audit::iam::permission::may;
use crate::audit::view::View;
use crate::aws_names::Arn;
use crate::aws_names::NodeKind;
use crate::settings::Corner;
use crate::settings::Node;
use crate::settings::Reason;
use crate::settings::Unread;

/// Permissions without which a node does not appear. `ec2messages` is for agents before 3.3.40.0.
/// Source: "AWSsystems manager: ec2messages and other API operations" (AWS Systems Manager User Guide).
pub(crate) const CHANNEL: [&str; 5] = [
    "ssm:UpdateInstanceInformation",
    "ssmmessages:CreateControlChannel",
    "ssmmessages:CreateDataChannel",
    "ssmmessages:OpenControlChannel",
    "ssmmessages:OpenDataChannel",
];

/// Agents from this version on use the Default Host Management role.
/// Source: "Managing EC2 instances automatically with Default Host Management Configuration".
const DEFAULT_HOST: [u64; 4] = [3, 2, 582, 0];

/// Who writes for a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum LogWriter {
    /// ARN of the role.
    Is(String),
    /// One of these: which one cannot be told from outside.
    Either(String, String),
    /// Nobody, and why.
    Nobody(String),
}

impl LogWriter {
    pub(crate) fn roles(self) -> Vec<String> {
        match self {
            Self::Is(it) => vec![it],
            Self::Either(one, other) => vec![one, other],
            Self::Nobody(_) => Vec::new(),
        }
    }
}

/// ARN of a role that is told by its name.
pub(crate) fn role_arn(name: &str, corner: &Corner) -> String {
    match Arn::is_begun(name) {
        true => name.to_owned(),
        false => corner.home().partition.role(&corner.account, name.trim_start_matches('/')),
    }
}

/// Who writes for a node: its instance profile if that may register it, else the role of the Default Host Management
/// Configuration; of a hybrid node the role of its activation.
///
/// # Errors
/// What would have to be known.
pub(crate) fn writer(node: &Node, corner: &Corner, view: &View<'_>) -> Result<LogWriter, Unread> {
    if NodeKind::of(&node.id) != Some(NodeKind::Instance) {
        return Ok(match &node.role {
            Some(it) => LogWriter::Is(role_arn(it, corner)),
            None => LogWriter::Nobody("Systems Manager tells no role of this node".into()),
        });
    }
    let mut instances = view.take(&corner.network.instances)?.iter();
    let Some(instance) = instances.find(|it| it.id == node.id) else {
        return Err(Reason::NotThere.because("EC2 knows no such instance any more"));
    };
    let default = || -> Result<Option<String>, Unread> {
        let able = node.version().as_slice() >= DEFAULT_HOST.as_slice();
        let role = view.take(&corner.default_role)?.as_ref().map(|it| role_arn(it, corner));
        Ok(role.filter(|_| able && instance.metadata != Some(false)))
    };
    let Some(profile) = view.take(&instance.role)?.as_ref().map(|it| role_arn(it, corner)) else {
        return Ok(match default()? {
            Some(it) => LogWriter::Is(it),
            None => LogWriter::Nobody(
                "it has no instance profile, and no Default Host Management role takes its place"
                    .into(),
            ),
        });
    };
    let may = view.survey.roles.iter().find(|it| it.arn == profile).map_or_else(
        || Err(Reason::NotAsked.because("the role was not looked at")),
        |it| may(&Call { role: it, action: "ssm:UpdateInstanceInformation", resource: "*" }, view),
    );
    match may {
        Ok(Permission::Allowed) => Ok(LogWriter::Is(profile)),
        Ok(_) => Ok(LogWriter::Is(default()?.unwrap_or(profile))),
        Err(why) => match default() {
            Ok(None) => Ok(LogWriter::Is(profile)),
            Ok(Some(it)) => Ok(LogWriter::Either(profile, it)),
            Err(_) => Err(why),
        },
    }
}
