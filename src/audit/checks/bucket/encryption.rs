//! Checks of a bucket: how it encrypts, and how the transcripts in it are in truth encrypted.
//!
//! Fields and their meaning: "GetBucketEncryption", "HeadObject" (Amazon S3 API Reference).

use crate::audit::check::About;
use crate::audit::check::Check;
use crate::audit::checks::bucket::told::denies_everybody;
use crate::audit::checks::bucket::told::encrypt;
use crate::audit::checks::bucket::told::is_managed;
use crate::audit::checks::bucket::told::of;
use crate::audit::checks::bucket::told::policy;
use crate::audit::checks::bucket::told::s3api;
use crate::audit::checks::bucket::told::sampled;
use crate::audit::frameworks::Group;
use crate::audit::iam::policy::PolicyDocument;
use crate::audit::names::quote;
use crate::audit::verdict::Answer;
use crate::audit::verdict::Causes;
use crate::audit::verdict::Judged;
use crate::audit::verdict::Severity;
use crate::audit::view::View;
use crate::settings::Bucket;
use crate::settings::Prefix;

/// The checks below, in the order of the table.
pub(crate) const CHECKS: &[Check] = &[ENCRYPTION, BUCKET_KEY, OBJECTS_ENCRYPTED, CUSTOMER_KEYS];

const ENCRYPTION: Check = Check {
    id: "S3-ENC-01",
    title: "The bucket encrypts as promised",
    severity: Severity::High,
    groups: &[Group::Encryption],
    reads: &[&["s3:GetEncryptionConfiguration", "kms:DescribeKey"]],
    why: "Everything in S3 is encrypted; a key of your own decides who can read it.",
    then: "Set the default encryption to your key.",
    ask: &About::<Bucket>(encryption),
};

fn encryption(it: &Bucket, view: &View<'_>) -> Answer {
    let Some(told) = view.take(&it.encryption)? else {
        // Since 2023-01-05 every bucket of AWS answers; one that does not is of another make, or older than its API.
        return Ok(Judged::fail("no default encryption is set")
            .promised("AES256 at least")
            .fix(encrypt(it)));
    };
    let key = told.kms_key.as_deref();
    let seen = match key {
        Some(key) => format!("{} with {key}", told.algorithm),
        None => told.algorithm.clone(),
    };
    if !view.promise.customer_key {
        return Ok(Judged::pass(seen).promised("AES256 at least"));
    }
    let judged = match told.algorithm.as_str() {
        "aws:kms" | "aws:kms:dsse" if is_managed(key, view)? => {
            Judged::fail(format!("{seen}, a key that AWS manages")).fix(encrypt(it))
        }
        "aws:kms" | "aws:kms:dsse" => Judged::pass(seen),
        _ => Judged::fail(seen).fix(encrypt(it)),
    };
    Ok(judged.promised("a customer managed key"))
}

const BUCKET_KEY: Check = Check {
    id: "S3-ENC-02",
    title: "The bucket key saves calls to KMS",
    severity: Severity::Info,
    groups: &[Group::Capacity],
    reads: &[&["s3:GetEncryptionConfiguration"]],
    why: "Without it every upload is a call to KMS.",
    then: "Switch the bucket key on.",
    ask: &About::<Bucket>(bucket_key),
};

fn bucket_key(it: &Bucket, view: &View<'_>) -> Answer {
    let told = view.take(&it.encryption)?;
    Ok(match told {
        Some(told) if told.algorithm == "aws:kms" => {
            Judged::info(if told.bucket_key { "on" } else { "off: every upload calls KMS" })
        }
        _ => Judged::absent("the bucket does not encrypt with SSE-KMS"),
    })
}

const OBJECTS_ENCRYPTED: Check = Check {
    id: "S3-ENC-03",
    title: "Transcripts are in truth encrypted as promised",
    severity: Severity::High,
    groups: &[Group::Encryption],
    reads: &[&["s3:ListBucket", "s3:GetObject", "kms:DescribeKey"]],
    why: "A default is about what comes after it: old transcripts keep what they had, or have nothing.",
    then: "Encrypt the old transcripts anew.",
    ask: &About::<Prefix>(objects_encrypted),
};

fn objects_encrypted((prefix, it): (&Prefix, &Bucket), view: &View<'_>) -> Answer {
    // One that is read and is wrong proves a failure, whatever another would have said.
    let told = view.take(&prefix.sample)?;
    let mut wrong = Causes::default();
    for one in &told.objects {
        let Ok(head) = view.take(&one.head) else { continue };
        let why = match (head.encryption.as_deref(), view.promise.customer_key) {
            (None, _) if head.customer_key => Some("encrypted with a key that only its writer has"),
            (None, _) => Some("not encrypted"),
            (Some("AES256"), true) => Some("encrypted with a key of S3's own"),
            (Some(_), true) => match is_managed(head.kms_key.as_deref(), view) {
                Ok(it) => it.then_some("encrypted with a key that AWS manages"),
                Err(it) => {
                    wrong.unknown = Some(it);
                    None
                }
            },
            _ => None,
        };
        wrong.found.extend(why.map(|why| format!("{}: {why}", one.key)));
    }
    let promised = if view.promise.customer_key { "a customer managed key" } else { "encrypted" };
    if !wrong.found.is_empty() {
        let wrong = wrong.found;
        let key = wrong[0].rsplit_once(": ").map_or("", |it| it.0);
        let how = r#"--object-encryption '{"SSEKMS":{"KMSKeyArn":"KEY-ARN"}}'"#;
        let fix = s3api("update-object-encryption", it, &format!("--key {} {how}", quote(key)));
        return Ok(Judged::fail(format!("{} of {}", wrong.len(), of(told.objects.len(), told)))
            .promised(promised)
            .details(wrong)
            .fix(fix));
    }
    sampled(prefix, view)?;
    wrong.proved()?;
    Ok(Judged::pass(of(told.objects.len(), told)).promised(promised))
}

const CUSTOMER_KEYS: Check = Check {
    id: "S3-ENC-04",
    title: "Uploads cannot bring keys of their own",
    severity: Severity::Low,
    groups: &[Group::Encryption],
    reads: &[&["s3:GetEncryptionConfiguration", "s3:GetBucketPolicy"]],
    why: "What was written with SSE-C can be read by its writer alone.",
    then: "Block SSE-C in the encryption configuration.",
    ask: &About::<Bucket>(customer_keys),
};

fn customer_keys(it: &Bucket, view: &View<'_>) -> Answer {
    let promised = "blocked";
    let told = view.take(&it.encryption);
    let blocked = told.as_ref().ok().and_then(|it| it.as_ref()?.blocked.as_ref());
    if blocked.is_some_and(|it| it.iter().any(|it| it == "SSE-C")) {
        return Ok(Judged::pass("SSE-C is blocked").promised(promised));
    }
    let policy = policy(it, view);
    let denies =
        |it: &PolicyDocument, arn: &str| denies_everybody(it, arn, "s3:PutObject", &WITH_OWN_KEY);
    if policy.as_ref().is_ok_and(|policy| denies(policy, &it.arn())) {
        return Ok(Judged::pass("the bucket's policy denies SSE-C").promised(promised));
    }
    told?;
    policy?;
    Ok(match blocked {
        Some(_) => Judged::fail("SSE-C is not blocked").promised(promised),
        None => Judged::info("what is blocked is not told"),
    })
}

/// An upload with a key of its own.
const WITH_OWN_KEY: [(&str, Option<&str>); 2] = [
    ("s3:x-amz-server-side-encryption-customer-algorithm", Some("AES256")),
    ("s3:x-amz-server-side-encryption", None),
];
