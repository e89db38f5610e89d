//! The check of a bucket's copies: where they go, and whether every transcript is among them.

use crate::audit::check::About;
use crate::audit::check::Check;
use crate::audit::frameworks::Group;
use crate::audit::verdict::Answer;
use crate::audit::verdict::Judged;
use crate::audit::verdict::Severity;
use crate::audit::view::View;
use crate::aws_names::Arn;
use crate::settings::Bucket;
use crate::settings::Prefix;
use crate::settings::Replica;

/// The checks below, in the order of the table.
pub(crate) const CHECKS: &[Check] = &[COPIES];

const COPIES: Check = Check {
    id: "S3-REP-01",
    title: "It is known where copies go",
    severity: Severity::Low,
    groups: &[Group::Integrity],
    reads: &[&["s3:GetReplicationConfiguration", "s3:GetEncryptionConfiguration"]],
    why: "A copy in another account survives whoever owns this one.",
    then: "Replicate the prefix to a bucket of another account.",
    ask: &About::<Prefix>(copies),
};

fn copies((prefix, it): (&Prefix, &Bucket), view: &View<'_>) -> Answer {
    let told = view.take(&it.replication)?;
    let all: Vec<&Replica> =
        told.iter().filter(|it| it.enabled && prefix.prefix.starts_with(&it.prefix)).collect();
    let some: Vec<&Replica> =
        told.iter().filter(|it| it.enabled && it.prefix.starts_with(&prefix.prefix)).collect();
    let place = |it: &&Replica| {
        let to = Arn::parse(&it.bucket).map_or(it.bucket.as_str(), |it| it.resource);
        let whose = it.account.as_ref();
        let whose = whose.map_or("the same account".into(), |it| format!("account {it}"));
        format!("to s3://{to} of {whose}")
    };
    let places = |many: &[&Replica]| many.iter().map(place).collect::<Vec<_>>().join(", ");
    if all.is_empty() {
        return Ok(Judged::info(match some.is_empty() {
            true => "there is no copy".to_owned(),
            false => format!("some alone, {}", places(&some)),
        }));
    }
    let lacks = all.iter().any(|it| !it.kms_objects);
    let encryption = if lacks { view.take(&it.encryption)?.as_ref() } else { None };
    let kms = encryption.is_some_and(|it| it.algorithm.starts_with("aws:kms"));
    // Rules with different destinations all copy.
    let whole: Vec<&Replica> = all.iter().filter(|it| !kms || it.kms_objects).copied().collect();
    if !whole.is_empty() {
        return Ok(Judged::info(places(&whole)));
    }
    let seen = format!("{}, without objects under SSE-KMS, which all are", places(&all));
    Ok(Judged::fail(seen).promised("a copy of every transcript"))
}
