//! The check of the nodes' agents.

use crate::audit::check::About;
use crate::audit::check::Check;
use crate::audit::frameworks::Group;
use crate::audit::names::aws;
use crate::audit::verdict::Answer;
use crate::audit::verdict::Judged;
use crate::audit::verdict::Severity;
use crate::audit::view::View;
use crate::settings::Corner;
use crate::settings::Node;
use crate::settings::Reason;

/// The checks below, in the order of the table.
pub(crate) const CHECKS: &[Check] = &[AGENT];

const AGENT: Check = Check {
    id: "COV-NODE-01",
    title: "Agents are new enough to stream",
    severity: Severity::Low,
    groups: &[Group::Generation],
    reads: &[&["ssm:DescribeInstanceInformation"]],
    why: "An agent before 3.0.356.0 cannot stream to CloudWatch Logs.",
    then: "Update the agent.",
    ask: &About::<Node>(agent),
};

fn agent((it, corner): (&Node, &Corner), _: &View<'_>) -> Answer {
    let parts = it.version();
    if parts.is_empty() {
        return Err(Reason::NotUnderstood.because("its agent's version is not told"));
    }
    if parts.as_slice() >= STREAMS.as_slice() {
        return Ok(Judged::pass(&it.agent_version).promised("3.0.356.0"));
    }
    let options = [
        ("region", corner.region.as_str()),
        ("document-name", "AWS-UpdateSSMAgent"),
        ("targets", &format!("Key=InstanceIds,Values={}", it.id)),
    ];
    Ok(Judged::fail(&it.agent_version).promised("3.0.356.0").fix(aws("ssm send-command", &options)))
}

/// amazon-ssm-agent: RELEASENOTES.md, "3.0.356.0: … stream session logs to CloudWatch".
const STREAMS: [u64; 4] = [3, 0, 356, 0];
