//! A bucket as its checks read it: its policy, the transcripts that were looked at, whose a key is.

use crate::audit::iam::conditions::Truth;
use crate::audit::iam::conditions::holds;
use crate::audit::iam::patterns::Carried;
use crate::audit::iam::patterns::holds_all;
use crate::audit::iam::policy::PolicyDocument;
use crate::audit::iam::policy::Which;
use crate::audit::iam::policy::Who;
use crate::audit::names::aws;
use crate::audit::view::View;
use crate::aws_names::is_alias_of_aws;
use crate::settings::Bucket;
use crate::settings::Prefix;
use crate::settings::Reason;
use crate::settings::Sample;
use crate::settings::Unread;

/// A command about a bucket; the rest of it as it stands.
pub(super) fn s3api(command: &str, it: &Bucket, rest: &str) -> String {
    aws(&format!("s3api {command}"), &[("bucket", &it.name)]) + " " + rest
}

/// The command that makes a bucket encrypt by a key.
pub(in crate::audit::checks) fn encrypt(it: &Bucket) -> String {
    s3api(
        "put-bucket-encryption",
        it,
        r#"--server-side-encryption-configuration '{"Rules":[{"ApplyServerSideEncryptionByDefault":{"SSEAlgorithm":"aws:kms","KMSMasterKeyID":"KEY-ARN"},"BucketKeyEnabled":true}]}'"#,
    )
}

/// Whether a key id is one that AWS manages.
pub(crate) fn is_managed(key: Option<&str>, view: &View<'_>) -> Result<bool, Unread> {
    let Some(key) = key else { return Ok(true) };
    if is_alias_of_aws(key) {
        return Ok(true);
    }
    let none = || Reason::NotAsked.because(format!("whose key {key} is was not asked"));
    let state = view.take(&view.key(key).ok_or_else(none)?.state)?;
    // One that is gone was a customer's: AWS deletes none of its own.
    Ok(state.as_ref().is_some_and(|it| it.manager == "AWS"))
}

/// That objects were looked at, and each of them was told of.
pub(super) fn sampled(prefix: &Prefix, view: &View<'_>) -> Result<(), Unread> {
    let sample = view.take(&prefix.sample)?;
    if sample.listed == 0 {
        return Err(Reason::SampleEmpty.because("nothing lies below the prefix yet"));
    }
    if sample.objects.is_empty() {
        return Err(Reason::NotAsked.because("no transcript was looked at"));
    }
    sample.objects.iter().try_for_each(|it| view.take(&it.head).map(|_| ()))
}

pub(super) fn of(many: usize, sample: &Sample) -> String {
    let more = if sample.complete { "" } else { " or more" };
    format!("{many} of {}{more} looked at", sample.listed)
}

pub(super) fn policy(it: &Bucket, view: &View<'_>) -> Result<PolicyDocument, Unread> {
    match view.take(&it.policy)? {
        None => Ok(PolicyDocument::default()),
        Some(text) => PolicyDocument::understood(text, "the bucket policy"),
    }
}

/// What a request carries by a few keys alone; of all others nothing is known.
fn carries<'a>(these: &'a [(&'a str, Option<&'a str>)]) -> impl Fn(&str) -> Carried + use<'a> {
    |key| match these.iter().find(|it| it.0 == key) {
        Some((_, Some(value))) => Carried::one(*value),
        Some((_, None)) => Carried::Absent,
        None => Carried::Unknown,
    }
}

/// Whether a policy denies an action on every object to everybody who sends such a request. `None` in it stands for a key that the
/// request has not.
pub(super) fn denies_everybody(
    policy: &PolicyDocument,
    arn: &str,
    action: &str,
    request: &[(&str, Option<&str>)],
) -> bool {
    let everything = format!("{arn}/*");
    let carried = carries(request);
    policy.statements.iter().any(|it| {
        // `NotPrincipal` and `NotResource` leave somebody or something out.
        let covers = match &it.resources {
            Which::These(many) => many.iter().any(|it| holds_all(it, &everything)),
            Which::AllBut(_) => false,
        };
        !it.allows
            && matches!(it.principals, Who::These(_))
            && it.means_everybody()
            && it.actions.holds_action(action)
            && covers
            // What depends on more than that denies some of them only.
            && it.conditions.iter().all(|one| holds(one, it.has_variables, &carried) == Truth::Yes)
    })
}
