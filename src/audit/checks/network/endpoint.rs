//! Checks of the ways to the places: can what a node records reach the bucket and the log group.
//!
//! What was seen at run time comes first: a transcript that arrived of late settles the question.

use crate::audit::check::About;
use crate::audit::check::Check;
use crate::audit::checks::network::endpoint_policy::narrow;
use crate::audit::checks::network::endpoint_policy::refused;
use crate::audit::checks::network::endpoint_policy::refused_on;
use crate::audit::checks::network::endpoint_policy::roles_of;
use crate::audit::checks::network::opening::leads_outside;
use crate::audit::checks::network::path::STOPPED;
use crate::audit::checks::network::path::ServicePath;
use crate::audit::checks::network::path::arrived;
use crate::audit::checks::network::path::endpoints;
use crate::audit::checks::network::path::not_by_routes_alone;
use crate::audit::checks::network::path::preferences;
use crate::audit::checks::network::path::runs;
use crate::audit::checks::network::path::table;
use crate::audit::checks::network::path::way;
use crate::audit::frameworks::Group;
use crate::audit::iam::conditions::Truth;
use crate::audit::iam::targets::object_arn;
use crate::audit::names::quote;
use crate::audit::verdict::Answer;
use crate::audit::verdict::Judged;
use crate::audit::verdict::Severity::High;
use crate::audit::verdict::unclear;
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
    severity: High,
    groups: &[Group::Network, Group::Failure],
    reads: &[
        "ec2:DescribeInstances",
        "ec2:DescribeRouteTables",
        "ec2:DescribeVpcEndpoints",
        "ssm:GetDocument",
        "ssm:DescribeInstanceInformation",
        "s3:ListBucket",
        "ec2:DescribeSecurityGroups",
        "iam:GetInstanceProfile",
        "ssm:GetServiceSetting",
        "iam:SimulatePrincipalPolicy",
    ],
    why: "The session itself runs through ssmmessages: it works, and its upload alone fails.",
    then: "Add a gateway endpoint for S3 to the subnet's route table, and let its policy admit the bucket.",
    ask: &About::<Instance>(to_bucket),
};

fn to_bucket((it, corner): (&Instance, &Corner), view: &View<'_>) -> Answer {
    if !runs(it) {
        return Ok(Judged::absent(STOPPED));
    }
    let told = preferences(corner, view)?;
    let Some((told, bucket)) = told.as_ref().and_then(|it| Some((it, it.bucket.text()?))) else {
        return Ok(Judged::absent("no bucket is named here"));
    };
    let promised = format!("a way to s3://{bucket}");
    if arrived(it, "s3", view) {
        return Ok(Judged::pass("a transcript of it arrived within a week").promised(promised));
    }
    let region = view.bucket(bucket).and_then(|it| it.region.as_deref());
    let chosen = way(it, corner, "s3", view)?;
    let endpoint = match chosen {
        ServicePath::None(_) => {
            not_by_routes_alone(it, corner, view)?;
            let route = table(it, corner, view)?.map_or(String::new(), |it| it.id.clone());
            let fix = format!(
                "aws ec2 create-vpc-endpoint --region {0} --vpc-id {1} --vpc-endpoint-type Gateway --service-name com.amazonaws.{0}.s3 --route-table-ids {2}",
                quote(&corner.region),
                quote(&it.vpc),
                quote(&route)
            );
            return Ok(Judged::fail(chosen.words("s3")).promised(promised).fix(fix));
        }
        ServicePath::Route(_) => {
            if let Some(why) = shut_in(it, corner, view)? {
                return Ok(Judged::fail(why).promised(promised));
            }
            return Ok(Judged::pass(chosen.words("s3")).promised(promised).unsure());
        }
        ServicePath::Endpoint(it) => it,
    };
    let id = &endpoint.id;
    if endpoint.kind == "Gateway"
        && let Some(why) = shut_in(it, corner, view)?
    {
        return Ok(Judged::fail(why).promised(promised));
    }
    match region {
        Some(one) if one != corner.region => {
            return Ok(elsewhere((it, corner), id, one, view)?.promised(promised));
        }
        Some(_) => {}
        // Which Region the bucket is in decides whether the endpoint leads to it.
        None => {
            let none = || unclear(Reason::NotAsked, "the bucket was not surveyed");
            view.take(&view.bucket(bucket).ok_or_else(none)?.existence)?;
            let why = format!("the Region of the bucket was not told, and {id} leads to one alone");
            return Err(unclear(Reason::NotAsked, why));
        }
    }
    let Some(policy) = narrow(endpoint)? else {
        return Ok(Judged::pass(format!("by {id}")).promised(promised).unsure());
    };
    let roles = roles_of(it, corner, view)?;
    let partition = corner.home().partition;
    let whole = partition.bucket(bucket);
    let object = object_arn(bucket, &told.prefix, partition);
    let mut asks = vec![("s3:PutObject", object)];
    // Where the flag is on the agent asks first, and refuses the session without an answer.
    if told.bucket_encrypted {
        asks.push(("s3:GetEncryptionConfiguration", whole));
    }
    let owner = view.bucket(bucket).and_then(|it| it.proved());
    Ok(match refused(endpoint, &policy, &roles, owner, &asks)? {
        Some(why) => Judged::fail(why).promised(promised),
        None => {
            Judged::pass(format!("by {id}, whose policy admits it")).promised(promised).unsure()
        }
    })
}

/// The way to a bucket of another Region, where an endpoint does not lead.
fn elsewhere(
    (it, corner): (&Instance, &Corner),
    endpoint: &str,
    region: &str,
    view: &View<'_>,
) -> Answer {
    let without = without_endpoint(corner, endpoint);
    Ok(match way(it, &without, "s3", view)? {
        ServicePath::None(why) => Judged::fail(format!(
            "the bucket is in {region}, where {endpoint} does not lead; {why}"
        )),
        other => Judged::pass(format!("the bucket is in {region}; {}", other.words("s3"))).unsure(),
    })
}

/// That an instance's security groups let it out to no address of S3, which a gateway keeps as they are ("Gateway endpoints for Amazon
/// S3"); in words. What is open to a list of prefixes is taken for open to S3's.
fn shut_in(it: &Instance, corner: &Corner, view: &View<'_>) -> Result<Option<String>, Unread> {
    let groups = view.take(&corner.network.security_groups)?;
    let mut open = Truth::No;
    for id in &it.security_groups {
        let group = groups.iter().find(|one| one.id == *id);
        let egress = group.into_iter().flat_map(|it| &it.egress).filter(|it| it.carries(443));
        let of_group = egress.map(leads_outside).fold(Truth::No, Truth::or);
        open = open.or(if group.is_some() { of_group } else { Truth::Unknown });
    }
    let why = "its own security groups do not let it out to port 443 of S3's addresses";
    Ok((open == Truth::No).then(|| why.to_owned()))
}

const TO_GROUP: Check = Check {
    id: "NET-04",
    title: "Events can reach the log group",
    severity: High,
    groups: &[Group::Network, Group::Failure],
    reads: &[
        "ec2:DescribeInstances",
        "ec2:DescribeRouteTables",
        "ec2:DescribeVpcEndpoints",
        "ssm:GetDocument",
        "ssm:DescribeInstanceInformation",
        "iam:GetInstanceProfile",
        "ssm:GetServiceSetting",
        "iam:SimulatePrincipalPolicy",
    ],
    why: "Without a way to CloudWatch Logs the agent goes on and streams nothing; without one to KMS an encrypted session does not start.",
    then: "Add interface endpoints for logs, and for kms where sessions are encrypted.",
    ask: &About::<Instance>(to_group),
};

fn to_group((it, corner): (&Instance, &Corner), view: &View<'_>) -> Answer {
    if !runs(it) {
        return Ok(Judged::absent(STOPPED));
    }
    let told = preferences(corner, view)?.unwrap_or_default();
    let mut services = Vec::new();
    if told.group.text().is_some() && !arrived(it, "logs", view) {
        services.push("logs");
    }
    // The key of a bucket is used by S3, that of sessions by the agent.
    if told.key.text().is_some() {
        services.push("kms");
    }
    if told.group.text().is_none() && told.key.text().is_none() {
        return Ok(Judged::absent("neither a log group nor a key is named here"));
    }
    let promised = "a way to what the preferences name";
    let mut ways = Vec::new();
    for service in services {
        ways.push((service, way(it, corner, service, view)?));
    }
    let words: Vec<String> = ways.iter().map(|(service, it)| it.words(service)).collect();
    let missing: Vec<&str> =
        ways.iter().filter(|it| matches!(it.1, ServicePath::None(_))).map(|it| it.0).collect();
    if missing.is_empty() {
        let refused = refused_on(&ways, it, corner, &told, view)?;
        if !refused.is_empty() {
            return Ok(Judged::fail(refused.join("; ")).promised(promised));
        }
        let seen = match words.is_empty() {
            true => "events of it arrived within a week".to_owned(),
            false => words.join(", "),
        };
        return Ok(Judged::pass(seen).promised(promised).unsure());
    }
    not_by_routes_alone(it, corner, view)?;
    Ok(endpoints(it, corner, &missing, Judged::fail(words.join("; ")).promised(promised)))
}
