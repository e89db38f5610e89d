//! Checks of a bucket: is it there, is it ours, and does it lie where it may.

use crate::audit::check::About;
use crate::audit::check::Check;
use crate::audit::frameworks::Group;
use crate::audit::names::aws;
use crate::audit::subject::Sought;
use crate::audit::verdict::Answer;
use crate::audit::verdict::Judged;
use crate::audit::verdict::Severity;
use crate::audit::view::View;
use crate::settings::Bucket;
use crate::settings::Existence;
use crate::settings::Prefix;
use crate::settings::Reason;

/// The checks below, in the order of the table.
pub(crate) const CHECKS: &[Check] = &[EXISTS, REGION];

const EXISTS: Check = Check {
    id: "S3-EXIST-01",
    title: "The bucket exists, and is ours",
    severity: Severity::Critical,
    groups: &[Group::Generation],
    reads: &[&["s3:ListBucket"]],
    why: "A bucket that is gone takes no transcripts; one that somebody else made under its name takes them all.",
    then: "Create the bucket, or correct the preferences.",
    ask: &About::<Sought<Bucket>>(exists),
};

fn exists(it: &Bucket, view: &View<'_>) -> Answer {
    Ok(match view.take(&it.existence)? {
        Existence::Exists => match it.proved() {
            Some(owner) if view.is_ours(owner) || it.expected_owner.is_some() => {
                Judged::pass(format!("it is there, and belongs to {owner}"))
            }
            Some(owner) => Judged::fail(format!("it is there, and belongs to {owner}"))
                .promised("it belongs to a known account"),
            // Somebody else may have made it under this name.
            None => {
                return Err(Reason::NotAsked.because("it is there, and none of the accounts that were looked into was proved to own it; bucket_owner in ssmtrail.toml says whose it is",
                ));
            }
        },
        Existence::Missing => {
            let named = it.prefixes.iter().flat_map(|it| &it.named_by);
            Judged::fail("there is no such bucket")
                .promised("it is there")
                .details(named.map(|it| format!("named by {it}")))
                .fix(aws("s3api create-bucket", &[("bucket", &it.name)]))
        }
        Existence::Foreign => Judged::fail("the bucket of this name belongs to another account")
            .promised(format!("it belongs to {}", it.expected_owner.as_deref().unwrap_or("us"))),
    })
}

const REGION: Check = Check {
    id: "S3-REGION-01",
    title: "The bucket is in a Region where evidence may lie",
    severity: Severity::Medium,
    groups: &[Group::Network, Group::Access],
    reads: &[&["s3:ListBucket"]],
    why: "Evidence may have to stay in a country; and a gateway endpoint reaches buckets of its own Region alone.",
    then: "Use a bucket in the Region of the sessions, or an interface endpoint.",
    ask: &About::<Prefix>(region),
};

fn region((prefix, it): (&Prefix, &Bucket), view: &View<'_>) -> Answer {
    view.take(&it.existence)?;
    let Some(region) = &it.region else {
        return Err(Reason::SdkError.because("the Region of the bucket was not told"));
    };
    let allowed = &view.promise.regions;
    if !allowed.is_empty() && !allowed.contains(region) {
        return Ok(Judged::fail(region).promised(allowed.join(", ")));
    }
    let far: Vec<&str> =
        prefix.session_regions.iter().filter(|it| *it != region).map(String::as_str).collect();
    Ok(match far.is_empty() {
        true => Judged::pass(region),
        false => Judged::info(format!(
            "{region}, and sessions come from {} too: a gateway endpoint there does not reach it",
            far.join(", ")
        )),
    })
}
