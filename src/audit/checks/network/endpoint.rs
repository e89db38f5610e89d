//! Checks of the ways to the places: can what a node records reach the bucket and the log group.
//!
//! What was seen at run time comes first: a transcript that arrived of late settles the question.

use crate::audit::check::About;
use crate::audit::check::Check;
use crate::audit::check::ROLE;
use crate::audit::check::WAYS;
use crate::audit::check::WRITER;
use crate::audit::checks::network::endpoint_policy;
use crate::audit::checks::network::opening;
use crate::audit::checks::network::path::Host;
use crate::audit::checks::network::path::ServicePath;
use crate::audit::frameworks::Group;
use crate::audit::iam::conditions::Truth;
use crate::audit::iam::targets::object_arn;
use crate::audit::names::aws;
use crate::audit::preferences::Preferences;
use crate::audit::verdict::Answer;
use crate::audit::verdict::Judged;
use crate::audit::verdict::Severity;
use crate::audit::view::View;
use crate::audit::view::without_endpoint;
use crate::settings::Corner;
use crate::settings::Instance;
use crate::settings::Reason;
use crate::settings::Unread;

/// The checks below, in the order of the table.
pub(crate) const CHECKS: &[Check] = &[TO_BUCKET, TO_GROUP];

const TO_BUCKET: Check = Check {
    id: "NET-03",
    title: "Transcripts can reach the bucket",
    severity: Severity::High,
    groups: &[Group::Network, Group::Failure],
    reads: &[
        WAYS,
        &[
            "ssm:GetDocument",
            "ssm:DescribeInstanceInformation",
            "s3:ListBucket",
            "ec2:DescribeSecurityGroups",
        ],
        WRITER,
        ROLE,
    ],
    why: "The session itself runs through ssmmessages: it works, and its upload alone fails.",
    then: "Add a gateway endpoint for S3 to the subnet's route table, and let its policy admit the bucket.",
    ask: &About::<Instance>(to_bucket),
};

fn to_bucket(one: (&Instance, &Corner), view: &View<'_>) -> Answer {
    let host = Host::new(one, view);
    let told = host.preferences()?;
    let Some((told, name)) = told.as_ref().and_then(|it| Some((it, it.bucket.text()?))) else {
        return Ok(Judged::absent("no bucket is named here"));
    };
    let answer = match host.arrived("s3") {
        true => Judged::pass("a transcript of it arrived within a week"),
        false => way_to_bucket(host, told, name)?,
    };
    Ok(answer.promised(format!("a way to s3://{name}")))
}

fn way_to_bucket(host: Host<'_>, told: &Preferences, name: &str) -> Answer {
    let Host { it, corner, view } = host;
    let chosen = host.way("s3")?;
    let endpoint = match chosen {
        ServicePath::None(_) => {
            host.not_by_routes_alone()?;
            let table = host.table()?.map_or("", |it| it.id.as_str());
            let options = [
                ("region", corner.region.as_str()),
                ("vpc-id", &it.vpc),
                ("vpc-endpoint-type", "Gateway"),
                ("service-name", &format!("com.amazonaws.{}.s3", corner.region)),
                ("route-table-ids", table),
            ];
            let fix = aws("ec2 create-vpc-endpoint", &options);
            return Ok(Judged::fail(chosen.words("s3")).fix(fix));
        }
        ServicePath::Route(_) => {
            let shut = shut_in(host)?.map(Judged::fail);
            return Ok(shut.unwrap_or_else(|| Judged::pass(chosen.words("s3")).unsure()));
        }
        ServicePath::Endpoint(it) => it,
    };
    let id = &endpoint.id;
    if endpoint.kind == "Gateway"
        && let Some(why) = shut_in(host)?
    {
        return Ok(Judged::fail(why));
    }
    let bucket = view.bucket(name);
    match bucket.and_then(|it| it.region.as_deref()) {
        Some(one) if one != corner.region => return elsewhere(host, id, one),
        Some(_) => {}
        // Which Region the bucket is in decides whether the endpoint leads to it.
        None => {
            let none = || Reason::NotAsked.because("the bucket was not surveyed");
            view.take(&bucket.ok_or_else(none)?.existence)?;
            let why = format!("the Region of the bucket was not told, and {id} leads to one alone");
            return Err(Reason::NotAsked.because(why));
        }
    }
    let Some(policy) = endpoint_policy::narrow(endpoint)? else {
        return Ok(Judged::pass(format!("by {id}")).unsure());
    };
    let roles = endpoint_policy::roles_of(host)?;
    let partition = corner.home().partition;
    let mut asks = vec![("s3:PutObject", object_arn(name, &told.prefix, partition))];
    // Where the flag is on the agent asks first, and refuses the session without an answer.
    if told.bucket_encrypted {
        asks.push(("s3:GetEncryptionConfiguration", partition.bucket(name)));
    }
    let owner = bucket.and_then(|it| it.proved());
    Ok(match endpoint_policy::refused(endpoint, &policy, &roles, owner, &asks)? {
        Some(why) => Judged::fail(why),
        None => Judged::pass(format!("by {id}, whose policy admits it")).unsure(),
    })
}

/// The way to a bucket of another Region, where an endpoint does not lead.
fn elsewhere(host: Host<'_>, endpoint: &str, region: &str) -> Answer {
    let without = without_endpoint(host.corner, endpoint);
    Ok(match (Host { corner: &without, ..host }).way("s3")? {
        ServicePath::None(why) => Judged::fail(format!(
            "the bucket is in {region}, where {endpoint} does not lead; {why}"
        )),
        other => Judged::pass(format!("the bucket is in {region}; {}", other.words("s3"))).unsure(),
    })
}

/// That an instance's security groups let it out to no address of S3, which a gateway keeps as they are ("Gateway endpoints for Amazon
/// S3"); in words. What is open to a list of prefixes is taken for open to S3's.
fn shut_in(host: Host<'_>) -> Result<Option<&'static str>, Unread> {
    let groups = host.view.take(&host.corner.network.security_groups)?;
    let open = opening::together(
        &host.it.security_groups,
        groups,
        |it| &it.egress,
        opening::leads_outside,
    );
    let why = "its own security groups do not let it out to port 443 of S3's addresses";
    Ok((open == Truth::No).then_some(why))
}

const TO_GROUP: Check = Check {
    id: "NET-04",
    title: "Events can reach the log group",
    severity: Severity::High,
    groups: &[Group::Network, Group::Failure],
    reads: &[WAYS, &["ssm:GetDocument", "ssm:DescribeInstanceInformation"], WRITER, ROLE],
    why: "Without a way to CloudWatch Logs the agent goes on and streams nothing; without one to KMS an encrypted session does not start.",
    then: "Add interface endpoints for logs, and for kms where sessions are encrypted.",
    ask: &About::<Instance>(to_group),
};

fn to_group(one: (&Instance, &Corner), view: &View<'_>) -> Answer {
    let host = Host::new(one, view);
    let told = host.preferences()?.unwrap_or_default();
    let (group, key) = (told.group.text().is_some(), told.key.text().is_some());
    let needed = [
        ("logs", group && !host.arrived("logs")),
        // The key of a bucket is used by S3, that of sessions by the agent.
        ("kms", key),
    ];
    let services: Vec<&str> = needed.into_iter().filter(|it| it.1).map(|it| it.0).collect();
    let judged = match services.as_slice() {
        [] if !group => return Ok(Judged::absent("neither a log group nor a key is named here")),
        [] => Judged::pass("events of it arrived within a week").unsure(),
        services => endpoint_policy::reaches_all(services, host, &told)?,
    };
    Ok(judged.promised("a way to what the preferences name"))
}
