//! Checks of the buckets that receive transcripts, and of the transcripts in them: judged at the prefix they go to.
//!
//! Fields and their meaning: Amazon S3 API Reference, by the name of each call.

use super::check::About;
use super::check::Check;
use super::conditions::Carried;
use super::conditions::Truth;
use super::conditions::holds;
use super::frameworks::Group;
use super::lifecycle::Fate;
use super::lifecycle::Meets;
use super::lifecycle::fates;
use super::lifecycle::meets;
use super::names::bucket_arn;
use super::names::days;
use super::names::quote;
use super::promise::Worm;
use super::statements::Admits;
use super::statements::Policy;
use super::statements::Which;
use super::statements::Who;
use super::subject::Sought;
use super::surroundings::takes;
use super::undoing;
use super::undoing::On;
use super::verdict::Answer;
use super::verdict::Judged;
use super::verdict::Severity;
use super::verdict::Severity::Critical;
use super::verdict::Severity::High;
use super::verdict::Severity::Info;
use super::verdict::Severity::Low;
use super::verdict::Severity::Medium;
use super::verdict::unclear;
use super::view::View;
use crate::settings::At;
use crate::settings::Bucket;
use crate::settings::Existence;
use crate::settings::Head;
use crate::settings::KeyUse;
use crate::settings::Lifecycle;
use crate::settings::Lock;
use crate::settings::Object;
use crate::settings::Prefix;
use crate::settings::PublicAccess;
use crate::settings::Reason;
use crate::settings::Replica;
use crate::settings::Sample;
use crate::settings::Selector;
use crate::settings::Tiering;
use crate::settings::Trail;
use crate::settings::TrailStatus;
use crate::settings::Unread;

const LIFE: &[&str] = &[
    "s3:GetLifecycleConfiguration",
    "s3:GetBucketVersioning",
    "s3:GetBucketObjectLockConfiguration",
    "s3:ListBucket",
    "s3:GetObject",
];

pub(super) const CHECKS: &[Check] = &[
    Check {
        id: "S3-EXIST-01",
        title: "The bucket exists, and is ours",
        severity: Critical,
        groups: &[Group::Generation],
        reads: &["s3:ListBucket"],
        why: "A bucket that is gone takes no transcripts; one that somebody else made under its name takes them all.",
        then: "Create the bucket, or correct the preferences.",
        ask: &About::<Sought<Bucket>>(exists),
    },
    Check {
        id: "S3-REGION-01",
        title: "The bucket is in a Region where evidence may lie",
        severity: Medium,
        groups: &[Group::Network, Group::Access],
        reads: &["s3:ListBucket"],
        why: "Evidence may have to stay in a country; and a gateway endpoint reaches buckets of its own Region alone.",
        then: "Use a bucket in the Region of the sessions, or an interface endpoint.",
        ask: &About::<Prefix>(region),
    },
    Check {
        id: "S3-ENC-01",
        title: "The bucket encrypts as promised",
        severity: High,
        groups: &[Group::Encryption],
        reads: &["s3:GetEncryptionConfiguration", "kms:DescribeKey"],
        why: "Everything in S3 is encrypted; a key of your own decides who can read it.",
        then: "Set the default encryption to your key.",
        ask: &About::<Bucket>(encryption),
    },
    Check {
        id: "S3-ENC-02",
        title: "The bucket key saves calls to KMS",
        severity: Info,
        groups: &[Group::Capacity],
        reads: &["s3:GetEncryptionConfiguration"],
        why: "Without it every upload is a call to KMS.",
        then: "Switch the bucket key on.",
        ask: &About::<Bucket>(bucket_key),
    },
    Check {
        id: "S3-ENC-03",
        title: "Transcripts are in truth encrypted as promised",
        severity: High,
        groups: &[Group::Encryption],
        reads: &["s3:ListBucket", "s3:GetObject", "kms:DescribeKey"],
        why: "A default is about what comes after it: old transcripts keep what they had, or have nothing.",
        then: "Encrypt the old transcripts anew.",
        ask: &About::<Prefix>(objects_encrypted),
    },
    Check {
        id: "S3-ENC-04",
        title: "Uploads cannot bring keys of their own",
        severity: Low,
        groups: &[Group::Encryption],
        reads: &["s3:GetEncryptionConfiguration", "s3:GetBucketPolicy"],
        why: "What was written with SSE-C can be read by its writer alone.",
        then: "Block SSE-C in the encryption configuration.",
        ask: &About::<Bucket>(customer_keys),
    },
    Check {
        id: "S3-RET-01",
        title: "No lifecycle rule destroys transcripts early",
        severity: High,
        groups: &[Group::Retention],
        reads: LIFE,
        why: "A rule that deletes after a day passes every check that asks whether there is a rule.",
        then: "Raise the days of the rule; the whole configuration is replaced by each change.",
        ask: &About::<Prefix>(lives),
    },
    Check {
        id: "S3-RET-02",
        title: "Transcripts end when they were promised to",
        severity: Low,
        groups: &[Group::Retention, Group::Capacity],
        reads: LIFE,
        why: "Personal data must not be kept longer than was promised; parts of broken uploads are paid for until removed.",
        then: "Add a rule that expires transcripts, and one that aborts unfinished uploads.",
        ask: &About::<Prefix>(ends),
    },
    Check {
        id: "S3-RET-03",
        title: "Transcripts stay at hand as long as promised",
        severity: Medium,
        groups: &[Group::Retention, Group::Review],
        reads: &[
            "s3:GetLifecycleConfiguration",
            "s3:GetIntelligentTieringConfiguration",
            "s3:ListBucket",
            "s3:GetObject",
        ],
        why: "An archived transcript is read after a restore of hours: not at three in the morning.",
        then: "Raise the days of the transition, or use GLACIER_IR.",
        ask: &About::<Prefix>(at_hand),
    },
    Check {
        id: "S3-RET-04",
        title: "The oldest transcript is as old as the promise lets expect",
        severity: High,
        groups: &[Group::Retention],
        reads: &["s3:ListBucket"],
        why: "Settings of today do not prove what was kept yesterday; what lies there does.",
        then: "Find out what was deleted, restore it, and write the gap down.",
        ask: &About::<Prefix>(oldest),
    },
    Check {
        id: "S3-VER-01",
        title: "Versioning is on",
        severity: Medium,
        groups: &[Group::Integrity],
        reads: &["s3:GetBucketVersioning"],
        why: "Whoever may write a transcript may write it again: without versions the first is gone.",
        then: "Switch versioning on.",
        ask: &About::<Bucket>(versioning),
    },
    Check {
        id: "S3-VER-02",
        title: "Versions are deleted with a second factor alone",
        severity: Low,
        groups: &[Group::Integrity],
        reads: &["s3:GetBucketVersioning", "s3:GetBucketObjectLockConfiguration"],
        why: "A stolen key can delete every version.",
        then: "The root user can switch MFA delete on; Object Lock is the stronger way.",
        ask: &About::<Bucket>(mfa_delete),
    },
    Check {
        id: "S3-LOCK-01",
        title: "Object Lock keeps transcripts as long as promised",
        severity: Medium,
        groups: &[Group::Integrity, Group::Retention],
        reads: &["s3:GetBucketObjectLockConfiguration"],
        why: "A locked version is deleted by nobody. Without a default rule nothing is locked, since the agent asks for no lock.",
        then: "Set a default retention. In compliance mode nobody can shorten it again, ever.",
        ask: &About::<Bucket>(lock),
    },
    Check {
        id: "S3-LOCK-02",
        title: "Transcripts are in truth locked",
        severity: Medium,
        groups: &[Group::Integrity],
        reads: &["s3:ListBucket", "s3:GetObject", "s3:GetBucketObjectLockConfiguration"],
        why: "A default rule locks what comes after it.",
        then: "Set a retention on the old versions.",
        ask: &About::<Prefix>(objects_locked),
    },
    Check {
        id: "S3-PUB-01",
        title: "Public access is blocked",
        severity: High,
        groups: &[Group::Access],
        reads: &["s3:GetBucketPublicAccessBlock", "s3:GetAccountPublicAccessBlock"],
        why: "The block holds whatever a policy or an ACL says tomorrow.",
        then: "Switch all four settings on, for the bucket or for the account.",
        ask: &About::<Bucket>(blocked),
    },
    Check {
        id: "S3-PUB-02",
        title: "The bucket is not public",
        severity: Critical,
        groups: &[Group::Access],
        reads: &[
            "s3:GetBucketPolicyStatus",
            "s3:GetBucketPolicy",
            "s3:GetBucketAcl",
            "s3:GetBucketOwnershipControls",
            "s3:GetBucketPublicAccessBlock",
            "s3:GetAccountPublicAccessBlock",
        ],
        why: "Transcripts hold whatever was typed and shown, secrets too.",
        then: "Remove the grant.",
        ask: &About::<Bucket>(public),
    },
    Check {
        id: "S3-TLS-01",
        title: "The bucket refuses plain HTTP",
        severity: Medium,
        groups: &[Group::Transport],
        reads: &["s3:GetBucketPolicy"],
        why: "Without a refusal one misconfigured reader sends transcripts in the clear.",
        then: "Add the statement that denies requests without TLS.",
        ask: &About::<Bucket>(tls),
    },
    Check {
        id: "S3-XACC-01",
        title: "Nobody from outside, and nobody at all by this policy, may destroy",
        severity: High,
        groups: &[Group::Access, Group::Integrity],
        reads: &[
            "s3:GetBucketPolicy",
            "s3:GetBucketAcl",
            "s3:GetBucketOwnershipControls",
            "s3:GetBucketPublicAccessBlock",
            "s3:GetAccountPublicAccessBlock",
        ],
        why: "A grant in the bucket's own policy reaches accounts that no role review sees.",
        then: "Tighten the policy: nodes need s3:PutObject alone.",
        ask: &About::<Bucket>(grants),
    },
    Check {
        id: "S3-LOG-01",
        title: "Reads of transcripts are themselves recorded",
        severity: Medium,
        groups: &[Group::Review],
        reads: &[
            "s3:GetBucketLogging",
            "cloudtrail:DescribeTrails",
            "cloudtrail:GetTrailStatus",
            "cloudtrail:GetEventSelectors",
        ],
        why: "Who read the transcripts is the first question after a leak.",
        then: "Switch server access logging on, or record S3 data events of the bucket in a trail.",
        ask: &About::<Bucket>(access_logged),
    },
    Check {
        id: "S3-OWN-01",
        title: "The bucket's owner owns every transcript",
        severity: Low,
        groups: &[Group::Access],
        reads: &["s3:GetBucketOwnershipControls"],
        why: "With ACLs a writer from another account owns what it wrote, and the bucket's owner may not read it.",
        then: "Set object ownership to BucketOwnerEnforced; the agent's uploads are accepted.",
        ask: &About::<Bucket>(ownership),
    },
    Check {
        id: "S3-REP-01",
        title: "It is known where copies go",
        severity: Low,
        groups: &[Group::Integrity],
        reads: &["s3:GetReplicationConfiguration", "s3:GetEncryptionConfiguration"],
        why: "A copy in another account survives whoever owns this one.",
        then: "Replicate the prefix to a bucket of another account.",
        ask: &About::<Prefix>(copies),
    },
];

fn named(it: &Bucket) -> String {
    format!("--bucket {}", quote(&it.name))
}

fn exists(it: &Bucket, view: &View<'_>) -> Answer {
    let fix = |it: &Bucket| format!("aws s3api create-bucket {}", named(it));
    Ok(match view.take(&it.existence)? {
        Existence::Exists => match it.proved() {
            Some(owner) if view.is_ours(owner) || it.expected_owner.is_some() => {
                Judged::pass(format!("it is there, and belongs to {owner}"))
            }
            Some(owner) => Judged::fail(format!("it is there, and belongs to {owner}"))
                .promised("it belongs to a known account"),
            // Somebody else may have made it under this name.
            None => {
                return Err(unclear(
                    Reason::NotAsked,
                    "it is there, and none of the accounts that were looked into was proved to own it; bucket_owner in ssmtrail.toml says whose it is",
                ));
            }
        },
        Existence::Missing => {
            let named = it.prefixes.iter().flat_map(|it| &it.named_by);
            Judged::fail("there is no such bucket")
                .promised("it is there")
                .details(named.map(|it| format!("named by {it}")))
                .fix(fix(it))
        }
        Existence::Foreign => Judged::fail("the bucket of this name belongs to another account")
            .promised(format!("it belongs to {}", it.expected_owner.as_deref().unwrap_or("us"))),
    })
}

fn region((prefix, it): (&Prefix, &Bucket), view: &View<'_>) -> Answer {
    view.take(&it.existence)?;
    let Some(region) = &it.region else {
        return Err(unclear(Reason::SdkError, "the Region of the bucket was not told"));
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

/// Whether a key id is one that AWS manages.
pub(super) fn is_managed(key: Option<&str>, view: &View<'_>) -> Result<bool, Unread> {
    let Some(key) = key else { return Ok(true) };
    // An alias under `aws/` is reserved for keys that AWS manages ("AWS KMS: Aliases").
    if key.split(':').next_back().is_some_and(|it| it.starts_with("alias/aws/")) {
        return Ok(true);
    }
    let none = || unclear(Reason::NotAsked, format!("whose key {key} is was not asked"));
    let state = view.take(&view.key(key).ok_or_else(none)?.state)?;
    // One that is gone was a customer's: AWS deletes none of its own.
    Ok(state.as_ref().is_some_and(|it| it.manager == "AWS"))
}

fn encryption(it: &Bucket, view: &View<'_>) -> Answer {
    let put = format!(
        "aws s3api put-bucket-encryption {} --server-side-encryption-configuration '{{\"Rules\":[{{\"ApplyServerSideEncryptionByDefault\":{{\"SSEAlgorithm\":\"aws:kms\",\"KMSMasterKeyID\":\"KEY-ARN\"}},\"BucketKeyEnabled\":true}}]}}'",
        named(it)
    );
    let Some(told) = view.take(&it.encryption)? else {
        // Since 2023-01-05 every bucket of AWS answers; one that does not is of another make, or older than its API.
        return Ok(Judged::fail("no default encryption is set")
            .promised("AES256 at least")
            .fix(put));
    };
    let key = told.kms_key.as_deref();
    let seen = match key {
        Some(key) => format!("{} with {key}", told.algorithm),
        None => told.algorithm.clone(),
    };
    if !view.promise.customer_key {
        return Ok(Judged::pass(seen).promised("AES256 at least"));
    }
    let promised = "a customer managed key";
    Ok(match told.algorithm.as_str() {
        "aws:kms" | "aws:kms:dsse" => match is_managed(key, view)? {
            false => Judged::pass(seen).promised(promised),
            true => {
                Judged::fail(format!("{seen}, a key that AWS manages")).promised(promised).fix(put)
            }
        },
        _ => Judged::fail(seen).promised(promised).fix(put),
    })
}

fn bucket_key(it: &Bucket, view: &View<'_>) -> Answer {
    let told = view.take(&it.encryption)?;
    Ok(match told {
        Some(told) if told.algorithm == "aws:kms" => {
            Judged::info(if told.bucket_key { "on" } else { "off: every upload calls KMS" })
        }
        _ => Judged::absent("the bucket does not encrypt with SSE-KMS"),
    })
}

fn customer_keys(it: &Bucket, view: &View<'_>) -> Answer {
    let promised = "blocked";
    let told = view.take(&it.encryption);
    let blocked = told.as_ref().ok().and_then(|it| it.as_ref()?.blocked.as_ref());
    if blocked.is_some_and(|it| it.iter().any(|it| it == "SSE-C")) {
        return Ok(Judged::pass("SSE-C is blocked").promised(promised));
    }
    let policy = policy(it, view);
    let denies = |it: &Policy, arn: &str| denies_everybody(it, arn, "s3:PutObject", &WITH_OWN_KEY);
    if policy.as_ref().is_ok_and(|policy| denies(policy, &bucket_arn(it))) {
        return Ok(Judged::pass("the bucket's policy denies SSE-C").promised(promised));
    }
    told?;
    policy?;
    Ok(match blocked {
        Some(_) => Judged::fail("SSE-C is not blocked").promised(promised),
        None => Judged::info("what is blocked is not told"),
    })
}

/// Objects, each with what was told of it.
type Heads<'a> = Vec<(&'a Object, &'a Head)>;

/// The objects that were looked at.
fn sample<'a>(prefix: &'a Prefix, view: &View<'_>) -> Result<(&'a Sample, Heads<'a>), Unread> {
    let sample = view.take(&prefix.sample)?;
    if sample.listed == 0 {
        return Err(unclear(Reason::SampleEmpty, "nothing lies below the prefix yet"));
    }
    if sample.objects.is_empty() {
        return Err(unclear(Reason::NotAsked, "no transcript was looked at"));
    }
    let mut heads = Vec::new();
    for it in &sample.objects {
        heads.push((it, view.take(&it.head)?));
    }
    Ok((sample, heads))
}

fn of(many: usize, sample: &Sample) -> String {
    let more = if sample.complete { "" } else { " or more" };
    format!("{many} of {}{more} looked at", sample.listed)
}

fn objects_encrypted((prefix, it): (&Prefix, &Bucket), view: &View<'_>) -> Answer {
    // One that is read and is wrong proves a failure, whatever another would have said.
    let told = view.take(&prefix.sample)?;
    let mut lacking = None;
    let wrong: Vec<String> = told
        .objects
        .iter()
        .filter_map(|one| Some((one, view.take(&one.head).ok()?)))
        .filter_map(|(one, head)| {
            let why = match (head.encryption.as_deref(), view.promise.customer_key) {
                (None, _) if head.customer_key => "encrypted with a key that only its writer has",
                (None, _) => "not encrypted",
                (Some("AES256"), true) => "encrypted with a key of S3's own",
                (Some(_), true) => match is_managed(head.kms_key.as_deref(), view) {
                    Ok(true) => "encrypted with a key that AWS manages",
                    Ok(false) => return None,
                    Err(it) => {
                        lacking = Some(it);
                        return None;
                    }
                },
                _ => return None,
            };
            Some(format!("{}: {why}", one.key))
        })
        .collect();
    let promised = if view.promise.customer_key { "a customer managed key" } else { "encrypted" };
    if !wrong.is_empty() {
        let key = wrong[0].rsplit_once(": ").map_or("", |it| it.0);
        let fix = format!(
            "aws s3api update-object-encryption {} --key {} --object-encryption '{{\"SSEKMS\":{{\"KMSKeyArn\":\"KEY-ARN\"}}}}'",
            named(it),
            quote(key)
        );
        return Ok(Judged::fail(format!("{} of {}", wrong.len(), of(told.objects.len(), told)))
            .promised(promised)
            .details(wrong)
            .fix(fix));
    }
    let (sample, heads) = sample(prefix, view)?;
    if let Some(it) = lacking {
        return Err(it);
    }
    Ok(Judged::pass(of(heads.len(), sample)).promised(promised))
}

/// What the rules say where nothing keeps a version.
fn by_rules_alone(
    prefix: &Prefix,
    it: &Bucket,
    view: &View<'_>,
) -> Result<super::lifecycle::Fates, Unread> {
    let versioning = crate::settings::Versioning::default();
    let lifecycle = view.take(&it.lifecycle)?.as_ref();
    Ok(fates(lifecycle, &versioning, None, &prefix.prefix, view.survey.taken_at))
}

/// What the settings of life say together.
fn fate(prefix: &Prefix, it: &Bucket, view: &View<'_>) -> Result<super::lifecycle::Fates, Unread> {
    let lifecycle = view.take(&it.lifecycle)?;
    let none = Lock::default();
    // Rules that leave it alone leave it alone whatever versions and locks there are.
    let plain = by_rules_alone(prefix, it, view)?;
    if plain.worst().all(|it| it.visible.is_none()) {
        return Ok(plain);
    }
    let versioning = view.take(&it.versioning)?;
    let lock = view.take(&it.lock)?.as_ref().unwrap_or(&none);
    Ok(fates(lifecycle.as_ref(), versioning, Some(lock), &prefix.prefix, view.survey.taken_at))
}

fn span(it: Option<i64>) -> String {
    it.map_or("for ever".into(), days)
}

/// Whether transcripts below a prefix are kept as long as promised, and stay in sight.
pub(super) fn keeps(it: &Bucket, prefix: &str, view: &View<'_>) -> Result<bool, Unread> {
    let prefix = Prefix { prefix: prefix.to_owned(), ..Prefix::default() };
    if *view.take(&it.existence)? != Existence::Exists {
        return Ok(false);
    }
    let fates = fate(&prefix, it, view)?;
    let wanted = view.promise.retention_days;
    Ok(fates.worst().all(|it| it.visible.is_none_or(|it| it >= wanted)))
}

fn lives((prefix, it): (&Prefix, &Bucket), view: &View<'_>) -> Answer {
    let wanted = view.promise.retention_days;
    let fates = match fate(prefix, it, view) {
        Ok(it) => it,
        // What S3 says of a transcript stands, and so do rules that hide it, whatever the rest would have said.
        Err(why) => {
            let hidden = by_rules_alone(prefix, it, view).ok();
            let first = hidden.as_ref().and_then(|it| it.worst().filter_map(|it| it.visible).min());
            match (removed_early(prefix, None, view), hidden, first) {
                (Ok(Some(seen)), ..) => return Ok(Judged::fail(seen).promised(days(wanted))),
                (_, Some(_), Some(first)) if first < wanted => {
                    let seen = format!("out of listings after {}", days(first));
                    let rest = format!("whether old versions stay was not read: {}", why.why);
                    return Ok(Judged::fail(seen).promised(days(wanted)).details([rest]));
                }
                // Versions and locks only keep longer.
                (_, Some(it), Some(_)) => it,
                _ => return Err(why),
            }
        }
    };
    let early = |it: &Fate| it.visible.is_some_and(|it| it < wanted);
    let mut details: Vec<String> = fates
        .tagged
        .iter()
        .map(|it| {
            format!("the rule {it} is about tagged objects; the agent tags none, so it is left out")
        })
        .collect();
    let promised = days(wanted);
    let Some(worst) = fates
        .worst()
        .filter(|it| early(it))
        .min_by_key(|it| (it.effective.unwrap_or(i64::MAX), it.visible))
    else {
        if let Some(seen) = removed_early(prefix, Some(&fates), view)? {
            return Ok(Judged::fail(seen).promised(promised).severity(High).details(details));
        }
        let seen = span(fates.all.visible);
        return Ok(Judged::pass(seen).promised(promised).details(details));
    };
    for one in fates.worst().filter(|it| early(it)) {
        let whose = match &one.some {
            Some(which) if which.contains(" of some sizes") => format!("{which}: "),
            // Session ids begin with the name of their owner.
            Some(which) => format!("{which} (whose session ids begin so: often one person's): "),
            None => String::new(),
        };
        details.push(format!(
            "{whose}the rule {} hides them after {}, and they are gone after {}",
            one.rule.as_deref().unwrap_or("?"),
            span(one.visible),
            span(one.effective)
        ));
    }
    let rule = worst.rule.as_deref().unwrap_or_default();
    let filter = format!(
        "{{Rules: .Rules}} | (.Rules[] | select(.ID=={}) | .Expiration) = {{\"Days\":{}}}",
        serde_json::Value::from(rule),
        wanted.max(1)
    );
    // It is no part of the document, and falls back to its default where it is not said again.
    let least = view.take(&it.lifecycle)?.as_ref().and_then(|it| it.minimum_size.as_ref());
    let least = least.map_or(String::new(), |it| {
        format!(" --transition-default-minimum-object-size {}", quote(it))
    });
    let fix = format!(
        "aws s3api get-bucket-lifecycle-configuration {0} | jq {1} > lifecycle.json && aws s3api put-bucket-lifecycle-configuration {0}{least} --lifecycle-configuration file://lifecycle.json",
        named(it),
        quote(&filter)
    );
    let warning = "it replaces the whole lifecycle configuration; read lifecycle.json first";
    // Out of sight, but its versions outlive the promise: it must be looked for by version.
    if worst.effective.is_none_or(|it| it >= wanted) {
        return Ok(Judged::fail(format!(
            "out of listings after {}, as old versions kept {}",
            span(worst.visible),
            span(worst.effective)
        ))
        .promised(promised)
        .severity(Medium)
        .details(details)
        .risky(fix, warning));
    }
    let gone = worst.effective.unwrap_or(0);
    let severity = if gone < view.promise.hot_days { Critical } else { High };
    Ok(Judged::fail(format!("deleted after {}", days(gone)))
        .promised(promised)
        .severity(severity)
        .details(details)
        .risky(fix, warning))
}

/// A transcript of which S3 says that it will remove it before the promise ends, where no rule that was read does so; in words.
fn removed_early(
    prefix: &Prefix,
    fates: Option<&super::lifecycle::Fates>,
    view: &View<'_>,
) -> Result<Option<String>, Unread> {
    let wanted = view.promise.retention_days;
    let sample = view.take(&prefix.sample).ok();
    for one in sample.iter().flat_map(|it| &it.objects) {
        let Ok(head) = view.take(&one.head) else { continue };
        let Some(date) = head.expires() else { continue };
        let Some(date) = date else {
            let why = format!("S3 says when it removes {}, in a form that is not known", one.key);
            return Err(unclear(Reason::NotUnderstood, why));
        };
        let kept = head.modified.map(|it| it.days_until(date));
        let is_early = kept.is_some_and(|it| it < wanted);
        // Its age was not read; but a rule that nobody has read ends it.
        let is_unexplained = kept.is_none() && fates.is_some_and(|it| it.all.effective.is_none());
        if is_early || is_unexplained {
            let when = &date.to_string()[..10];
            let after =
                kept.map_or(String::new(), |it| format!(", {} after it was stored", days(it)));
            return Ok(Some(format!("S3 says that it removes {} on {when}{after}", one.key)));
        }
    }
    Ok(None)
}

fn ends((prefix, it): (&Prefix, &Bucket), view: &View<'_>) -> Answer {
    let lifecycle = view.take(&it.lifecycle)?;
    let fates = fate(prefix, it, view)?;
    let aborts = lifecycle
        .iter()
        .flat_map(|it| &it.rules)
        .any(|it| it.aborts_uploads && meets(it, &prefix.prefix) != Meets::None);
    let parts = if aborts { "" } else { "; parts of broken uploads stay" };
    Ok(match (fates.all.effective, view.promise.max_days) {
        (None, None) => Judged::info(format!("kept for ever{parts}")),
        (Some(it), None) => Judged::info(format!("kept {}{parts}", days(it))),
        (Some(kept), Some(most)) if kept <= most => {
            Judged::pass(format!("kept {}{parts}", days(kept)))
                .promised(format!("no longer than {}", days(most)))
        }
        (kept, Some(most)) => Judged::fail(format!("kept {}", span(kept)))
            .promised(format!("no longer than {}", days(most))),
    })
}

/// Classes from which nothing is read without a restore.
fn is_cold(class: &str) -> bool {
    matches!(class, "GLACIER" | "DEEP_ARCHIVE" | "ARCHIVE_ACCESS" | "DEEP_ARCHIVE_ACCESS")
}

/// Days after which transcripts come into the class INTELLIGENT_TIERING, by a rule, or as the ones looked at show; `None` if they do not.
fn tiered_after(
    prefix: &Prefix,
    lifecycle: Option<&Lifecycle>,
    view: &View<'_>,
) -> Result<Option<i64>, Unread> {
    let is_class = |it: &str| it == "INTELLIGENT_TIERING";
    let rules = lifecycle.into_iter().flat_map(|it| &it.rules);
    let rules = rules.filter(|it| matches!(meets(it, &prefix.prefix), Meets::All | Meets::Some(_)));
    let moves = rules.flat_map(|it| &it.transitions);
    let moves = moves.filter(|it| is_class(&it.class) && !it.noncurrent);
    if let Some(after) = moves.map(|it| it.after(view.survey.taken_at)).min() {
        return Ok(Some(after));
    }
    let objects = &view.take(&prefix.sample)?.objects;
    let shows =
        |it: &Object| view.take(&it.head).map(|it| it.class.as_deref().is_some_and(is_class));
    let shown: Vec<_> = objects.iter().map(shows).collect();
    match shown.contains(&Ok(true)) {
        true => Ok(Some(0)),
        false => shown.into_iter().collect::<Result<Vec<_>, _>>().map(|_| None),
    }
}

fn at_hand((prefix, it): (&Prefix, &Bucket), view: &View<'_>) -> Answer {
    let wanted = view.promise.hot_days;
    let severity = if view.promise.profile.starts_with("pci") { High } else { Medium };
    let lifecycle = view.take(&it.lifecycle)?;
    let now = view.survey.taken_at;
    let mut early = Vec::new();
    for rule in lifecycle.iter().flat_map(|it| &it.rules) {
        if matches!(meets(rule, &prefix.prefix), Meets::None | Meets::Tagged) {
            continue;
        }
        for it in rule.transitions.iter().filter(|it| is_cold(&it.class) && !it.noncurrent) {
            let after = it.after(now);
            if after < wanted {
                early.push((
                    after,
                    format!(
                        "the rule {} moves them to {} after {}",
                        rule.id,
                        it.class,
                        days(after)
                    ),
                ));
            }
        }
    }
    let tiering = view.take(&it.tiering);
    let is_about = |it: &&Tiering| {
        let (one, other) = (&it.prefix, &prefix.prefix);
        it.enabled && !it.tagged && (other.starts_with(one) || one.starts_with(other.as_str()))
    };
    // It moves what is in its class alone, and the agent uploads into STANDARD.
    let tiered = tiered_after(prefix, lifecycle.as_ref(), view);
    let mut by_tiering = Vec::new();
    for it in tiering.iter().flat_map(|it| it.iter()).filter(is_about) {
        for (tier, days_there) in it.tiers.iter().filter(|it| is_cold(&it.0)) {
            let before = tiered.as_ref().ok().copied().flatten().unwrap_or(0);
            let after = days_there.saturating_add(before);
            if after < wanted {
                let what = format!(
                    "Intelligent-Tiering {} moves them to {tier} after {}",
                    it.id,
                    days(after)
                );
                by_tiering.push((after, what));
            }
        }
    }
    match &tiered {
        Ok(Some(_)) => early.append(&mut by_tiering),
        Err(it) if early.is_empty() && !by_tiering.is_empty() => return Err(it.clone()),
        _ => {}
    }
    let mut details: Vec<String> = early.iter().map(|it| it.1.clone()).collect();
    let sample = view.take(&prefix.sample).ok();
    // "Objects smaller than 128 KB … will not transition" by default ("Lifecycle configuration elements").
    let small = lifecycle.as_ref().and_then(|it| it.minimum_size.as_deref())
        != Some("varies_by_storage_class");
    if let Some(sample) = sample.filter(|it| small && it.small > 0 && !early.is_empty()) {
        details.push(format!(
            "{} of {} listed are under 128 KiB, which no rule moves",
            sample.small, sample.listed
        ));
    }
    let is_archived =
        |it: &&Object| view.take(&it.head).is_ok_and(|it| it.class.as_deref().is_some_and(is_cold));
    let cold: Vec<&Object> = sample.iter().flat_map(|it| &it.objects).filter(is_archived).collect();
    if !cold.is_empty() {
        details.push(format!("{} of the transcripts looked at are archived and need a restore before they can be searched", cold.len()));
    }
    // What is archived already tells more than any rule: it may have been put there, or by a rule that is gone.
    let only = sample.filter(|it| it.listed == 1).and_then(|it| it.newest);
    let stored = |it: &Object| view.take(&it.head).ok().and_then(|it| it.modified).or(only);
    let young = cold.iter().find(|it| stored(it).is_some_and(|it| it.days_until(now) < wanted));
    let promised = format!("{} without a restore", days(wanted));
    match (early.iter().map(|it| it.0).min(), young) {
        (Some(first), _) => Ok(Judged::fail(format!("archived after {}", days(first)))
            .promised(promised)
            .severity(severity)
            .details(details)),
        (None, Some(one)) => {
            let age = stored(one).map_or(0, |it| it.days_until(now));
            let seen = format!("{} is archived at an age of {}", one.key, days(age));
            Ok(Judged::fail(seen).promised(promised).severity(severity).details(details))
        }
        (None, None) => {
            if tiered != Ok(None) {
                tiering?;
            }
            if let Some(one) = cold.iter().find(|it| stored(it).is_none()) {
                let why = format!("{} is archived, and how old it is was not read", one.key);
                return Err(unclear(Reason::NotAsked, why));
            }
            for it in &view.take(&prefix.sample)?.objects {
                view.take(&it.head)?;
            }
            Ok(Judged::pass("nothing archives them earlier").promised(promised).details(details))
        }
    }
}

fn oldest((prefix, it): (&Prefix, &Bucket), view: &View<'_>) -> Answer {
    let sample = view.take(&prefix.sample)?;
    let Some(oldest) = sample.oldest else {
        return Err(unclear(Reason::SampleEmpty, "nothing lies below the prefix yet"));
    };
    let age = oldest.days_until(view.survey.taken_at);
    let seen = format!(
        "the oldest of {}{} is of {}",
        sample.listed,
        if sample.complete { "" } else { " or more" },
        &oldest.to_string()[..10]
    );
    if age >= view.promise.retention_days {
        return Ok(Judged::pass(seen));
    }
    // Whether there were sessions before cannot be told from here: the service's own records reach back 90 days.
    let _ = it;
    Err(unclear(
        Reason::HorizonExceeded,
        format!("{seen}; whether there were sessions before, AWS tells for 90 days alone"),
    ))
}

fn versioning(it: &Bucket, view: &View<'_>) -> Answer {
    let fix = format!(
        "aws s3api put-bucket-versioning {} --versioning-configuration Status=Enabled",
        named(it)
    );
    Ok(match view.take(&it.versioning)?.status.as_deref() {
        Some("Enabled") => Judged::pass("Enabled").promised("Enabled"),
        Some(other) => Judged::fail(other).promised("Enabled").fix(fix),
        None => Judged::fail("never enabled").promised("Enabled").fix(fix),
    })
}

fn mfa_delete(it: &Bucket, view: &View<'_>) -> Answer {
    if view.take(&it.versioning)?.mfa_delete {
        return Ok(Judged::pass("on"));
    }
    let wanted = view.promise.retention_days;
    if let Some(lock) = view.take(&it.lock)?
        && lock.mode.as_deref() == Some("COMPLIANCE")
        && lock.days.is_some_and(|it| it >= wanted)
    {
        return Ok(Judged::absent("Object Lock in compliance mode lets nobody delete"));
    }
    Ok(Judged::fail("off").promised("on"))
}

fn lock(it: &Bucket, view: &View<'_>) -> Answer {
    let promise = view.promise;
    let mode = if promise.worm == Worm::Compliance { "COMPLIANCE" } else { "GOVERNANCE" };
    let promised = match promise.worm {
        Worm::No => format!("{} (advised, not promised)", days(promise.retention_days)),
        Worm::Governance => format!("{}, governance or compliance", days(promise.retention_days)),
        Worm::Compliance => format!("{}, compliance", days(promise.retention_days)),
    };
    let severity: Severity = if promise.worm == Worm::No { Medium } else { High };
    let fix = format!(
        "aws s3api put-object-lock-configuration {} --object-lock-configuration 'ObjectLockEnabled=Enabled,Rule={{DefaultRetention={{Mode={mode},Days={}}}}}'",
        named(it),
        promise.retention_days.max(1)
    );
    let warning = match mode {
        "COMPLIANCE" => {
            "nobody, not even root, can shorten it or delete what is locked, until it ends; it needs versioning"
        }
        _ => {
            "what is uploaded from then on is kept, and paid for, until it ends; it needs versioning"
        }
    };
    let fail = |seen: String| {
        Judged::fail(seen).promised(promised.clone()).severity(severity).risky(fix.clone(), warning)
    };
    let Some(told) = view.take(&it.lock)? else {
        return Ok(fail("off".into()));
    };
    let (Some(told_mode), Some(kept)) = (&told.mode, told.days) else {
        return Ok(fail("on, without a default rule: nothing is locked".into()));
    };
    let seen = format!("{told_mode}, {}", days(kept));
    if kept < promise.retention_days
        || (promise.worm == Worm::Compliance && told_mode != "COMPLIANCE")
    {
        return Ok(fail(seen));
    }
    let judged = Judged::pass(seen).promised(promised);
    Ok(match told_mode.as_str() {
        "GOVERNANCE" => judged
            .details(["whoever holds s3:BypassGovernanceRetention can still delete".to_owned()]),
        _ => judged,
    })
}

fn objects_locked((prefix, it): (&Prefix, &Bucket), view: &View<'_>) -> Answer {
    let Some(lock) = view.take(&it.lock)? else {
        return Ok(Judged::absent("Object Lock is off (S3-LOCK-01)"));
    };
    let told = view.take(&prefix.sample)?;
    let now = view.survey.taken_at;
    let promise = view.promise;
    // One that is read and is wrong proves a failure, whatever another would have said.
    let heads: Heads<'_> =
        told.objects.iter().filter_map(|it| Some((it, view.take(&it.head).ok()?))).collect();
    let is_shown =
        |it: &Head| it.lock_mode.is_some() || it.lock_until.is_some() || it.legal_hold.is_some();
    let (mut unlocked, mut weak) = (Vec::new(), Vec::new());
    for (one, head) in &heads {
        if head.legal_hold.as_deref() == Some("ON") {
            continue;
        }
        let kept = head.lock_until.zip(head.modified).map(|it| it.1.days_until(it.0));
        let is_over = head.lock_until.is_none_or(|it| it < now);
        // One whose lock ended as late as promised was locked as promised.
        if is_over && kept.is_none_or(|it| it < promise.retention_days) {
            unlocked.push(one.key.clone());
            continue;
        }
        let mode = head.lock_mode.as_deref().unwrap_or_default();
        if promise.worm == Worm::Compliance && mode != "COMPLIANCE" {
            weak.push(format!("{} is locked in {mode} mode", one.key));
        } else if let Some(kept) = kept.filter(|it| *it < promise.retention_days) {
            weak.push(format!("{} is locked for {}", one.key, days(kept)));
        }
    }
    let none_shown = !heads.is_empty() && heads.iter().all(|it| !is_shown(it.1));
    // "The requester must have the s3:GetObjectRetention permission for this header to be returned" ("HeadObject").
    if none_shown && lock.mode.is_some() {
        return Err(Unread {
            missing: Some("s3:GetObjectRetention".into()),
            on: Some(format!("{}/*", bucket_arn(it))),
            ..unclear(
                Reason::AccessDenied,
                "no lock is shown for any transcript, as when s3:GetObjectRetention is missing",
            )
        });
    }
    if let Some(first) = unlocked.first() {
        let fix = format!(
            "aws s3api put-object-retention {} --key {} --retention Mode=GOVERNANCE,RetainUntilDate=YYYY-MM-DDT00:00:00Z",
            named(it),
            quote(first)
        );
        return Ok(Judged::fail(format!(
            "{} of {} are not",
            unlocked.len(),
            of(heads.len(), told)
        ))
        .promised("locked")
        .details(unlocked)
        .fix(fix));
    }
    if !weak.is_empty() {
        return Ok(Judged::fail(format!(
            "{} of {} less than promised",
            weak.len(),
            of(heads.len(), told)
        ))
        .promised(format!("locked for {}", days(promise.retention_days)))
        .details(weak));
    }
    let (sample, heads) = sample(prefix, view)?;
    Ok(Judged::pass(of(heads.len(), sample)).promised("locked"))
}

impl PublicAccess {
    fn each(self) -> [(&'static str, bool); 4] {
        [
            ("BlockPublicAcls", self.block_acls),
            ("IgnorePublicAcls", self.ignore_acls),
            ("BlockPublicPolicy", self.block_policy),
            ("RestrictPublicBuckets", self.restrict_buckets),
        ]
    }
}

/// The Block Public Access of the account that owns a bucket; `None` if it was never set.
fn account_block(it: &Bucket, view: &View<'_>) -> Result<Option<PublicAccess>, Unread> {
    let owner = it.proved().ok_or_else(|| {
        unclear(Reason::NotAsked, "whose account the bucket is in was not proved")
    })?;
    let account = view.survey.accounts.iter().find(|one| one.id == owner);
    let none = || unclear(Reason::NotAsked, "its account's settings were not read");
    view.take(&account.ok_or_else(none)?.public_access).copied()
}

fn blocked(it: &Bucket, view: &View<'_>) -> Answer {
    let promised = "all four, for the bucket or the account";
    // Each of the four holds if either says so.
    let account = account_block(it, view);
    let all = |it: &Result<Option<PublicAccess>, Unread>| matches!(it, Ok(Some(it)) if it.each().iter().all(|it| it.1));
    if all(&account) && view.take(&it.public_access).is_err() {
        return Ok(Judged::pass("by the account").promised(promised));
    }
    let own = view.take(&it.public_access)?.unwrap_or_default();
    let off: Vec<&str> = own.each().into_iter().filter(|it| !it.1).map(|it| it.0).collect();
    if off.is_empty() {
        return Ok(Judged::pass("by the bucket").promised(promised));
    }
    let account = account.map_err(|why| Unread {
        why: format!("the bucket is without {}; {}", off.join(", "), why.why),
        ..why
    })?;
    let account = account.unwrap_or_default();
    let both = own.each().into_iter().zip(account.each());
    let off: Vec<&str> = both.filter(|(one, other)| !one.1 && !other.1).map(|it| it.0.0).collect();
    if off.is_empty() {
        return Ok(Judged::pass("by the account").promised(promised));
    }
    let fix = format!(
        "aws s3api put-public-access-block {} --public-access-block-configuration BlockPublicAcls=true,IgnorePublicAcls=true,BlockPublicPolicy=true,RestrictPublicBuckets=true",
        named(it)
    );
    Ok(Judged::fail(format!("neither bucket nor account has {}", off.join(", ")))
        .promised(promised)
        .fix(fix))
}

/// Whether a grantee of an ACL is one of the groups that hold everybody ("Amazon S3 predefined groups").
fn is_everybody(grantee: &str) -> bool {
    ["/AllUsers", "/AuthenticatedUsers"].iter().any(|it| grantee.ends_with(it))
}

/// Whether grants to everybody in ACLs count for nothing, by the bucket or by its account.
fn ignores_public(it: &Bucket, view: &View<'_>) -> Result<bool, Unread> {
    let own = view.take(&it.public_access);
    let account = account_block(it, view);
    let says = |it: Option<PublicAccess>| it.is_some_and(|it| it.ignore_acls);
    if own.as_ref().is_ok_and(|it| says(**it)) || account.as_ref().is_ok_and(|it| says(*it)) {
        return Ok(true);
    }
    own?;
    account?;
    Ok(false)
}

fn public(it: &Bucket, view: &View<'_>) -> Answer {
    let promised = "not public";
    if let Ok(Some(true)) = view.take(&it.policy_is_public) {
        return Ok(Judged::fail("AWS says that its policy makes it public").promised(promised));
    }
    // What AWS calls public has fewer meanings than what admits everybody ("The meaning of public").
    let policy = policy(it, view);
    let statements = policy.iter().flat_map(|it| &it.statements);
    let mut open = statements.filter(|it| it.allows && view.admitted(it) == Admits::Everybody);
    if let Some(one) = open.next() {
        return Ok(Judged::fail(format!("{} admits everybody", one.name())).promised(promised));
    }
    let enforced = matches!(view.take(&it.ownership), Ok(Some(it)) if it == "BucketOwnerEnforced");
    let ignores = ignores_public(it, view);
    let ignored = enforced || ignores == Ok(true);
    let open: Vec<String> = match view.take(&it.acl) {
        Ok(acl) => acl
            .grants
            .iter()
            .filter(|it| is_everybody(&it.0))
            .map(|it| format!("{} to {}", it.1, it.0.rsplit('/').next().unwrap_or(&it.0)))
            .collect(),
        Err(_) if ignored => Vec::new(),
        Err(it) => return Err(it),
    };
    if !open.is_empty() && !ignored {
        // What would make the ACL count for nothing must be known before it counts.
        view.take(&it.ownership)?;
        ignores?;
        let fix = format!("aws s3api put-bucket-acl {} --acl private", named(it));
        return Ok(Judged::fail(format!("its ACL grants {}", open.join(", ")))
            .promised(promised)
            .fix(fix));
    }
    // What is open by the ACL is a failure, whatever the policy would have said.
    policy?;
    view.take(&it.policy_is_public)?;
    let note =
        (!open.is_empty()).then(|| format!("its ACL grants {}, which is ignored", open.join(", ")));
    Ok(Judged::pass("not public").promised(promised).details(note))
}

fn policy(it: &Bucket, view: &View<'_>) -> Result<Policy, Unread> {
    match view.take(&it.policy)? {
        None => Ok(Policy::default()),
        Some(text) => Policy::read(text).ok_or_else(|| {
            unclear(Reason::NotUnderstood, "the bucket policy is of a form that is not known")
        }),
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
fn denies_everybody(
    policy: &Policy,
    arn: &str,
    action: &str,
    request: &[(&str, Option<&str>)],
) -> bool {
    let everything = format!("{arn}/*");
    let carried = carries(request);
    policy.statements.iter().any(|it| {
        // `NotPrincipal` and `NotResource` leave somebody or something out.
        let covers = match &it.resources {
            Which::These(many) => {
                many.iter().any(|it| super::statements::holds_all(it, &everything))
            }
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

/// A request by plain HTTP: it has no version of TLS.
const PLAIN: [(&str, Option<&str>); 2] =
    [("aws:securetransport", Some("false")), ("s3:tlsversion", None)];

/// An upload with a key of its own.
const WITH_OWN_KEY: [(&str, Option<&str>); 2] = [
    ("s3:x-amz-server-side-encryption-customer-algorithm", Some("AES256")),
    ("s3:x-amz-server-side-encryption", None),
];

fn tls(it: &Bucket, view: &View<'_>) -> Answer {
    let policy = policy(it, view)?;
    let arn = bucket_arn(it);
    let promised = "a Deny for everybody, everything and every object";
    let objects = ["s3:PutObject", "s3:GetObject", "s3:GetObjectVersion"];
    if objects.iter().all(|it| denies_everybody(&policy, &arn, it, &PLAIN)) {
        return Ok(Judged::pass("plain HTTP is denied").promised(promised));
    }
    let statement = format!(
        "{{\"Sid\":\"DenyInsecureTransport\",\"Effect\":\"Deny\",\"Principal\":\"*\",\"Action\":\"s3:*\",\"Resource\":[\"{arn}\",\"{arn}/*\"],\"Condition\":{{\"Bool\":{{\"aws:SecureTransport\":\"false\"}}}}}}"
    );
    let fix = match view.take(&it.policy)? {
        Some(_) => format!(
            "aws s3api get-bucket-policy {0} --query Policy --output text | jq {1} > policy.json && aws s3api put-bucket-policy {0} --policy file://policy.json",
            named(it),
            quote(&format!(".Statement += [{statement}]"))
        ),
        None => format!(
            "aws s3api put-bucket-policy {} --policy {}",
            named(it),
            quote(&format!("{{\"Version\":\"2012-10-17\",\"Statement\":[{statement}]}}"))
        ),
    };
    Ok(Judged::fail("plain HTTP is not denied").promised(promised).fix(fix))
}

fn grants(it: &Bucket, view: &View<'_>) -> Answer {
    let policy = policy(it, view);
    let mut found = Vec::new();
    let mut notes = Vec::new();
    let mut unknown = None;
    let statements = policy.iter().flat_map(|it| &it.statements);
    for one in statements.filter(|it| it.allows) {
        let name = one.name();
        let arn = bucket_arn(it);
        let about_bucket = one.touches(&arn);
        // Where no transcript is, none is destroyed.
        let mut prefixes = it.prefixes.iter().map(|it| format!("{arn}/{}*", it.prefix));
        let about_objects = prefixes.any(|it| one.touches(&it)) || it.prefixes.is_empty();
        let of = |on, is_about: bool| undoing::actions(on).into_iter().filter(move |_| is_about);
        let destroys: Vec<&str> = of(On::Object, about_objects)
            .chain(of(On::Bucket, about_bucket))
            .filter(|it| one.actions.holds_action(it))
            .collect();
        if !destroys.is_empty() {
            found.push(format!("{name} allows {}", destroys.join(", ")));
        }
        let reads = ["s3:GetObject", "s3:GetObjectVersion"];
        match view.admitted(one) {
            // A service that reads for whomever has it do so, as CloudFront for anybody's distribution.
            Admits::Ours
                if !one.services().is_empty()
                    && !one.conditions.iter().any(|it| view.binds(one, it))
                    && reads.iter().any(|it| one.actions.holds_action(it)) =>
            {
                unknown.get_or_insert_with(|| {
                    format!("{name} admits {}, for whomever", one.services().join(", "))
                });
            }
            Admits::Ours if one.means_everybody() => {
                notes.push(format!("{name} admits everybody within its condition"));
            }
            Admits::Ours => {}
            Admits::Foreign(them) => found.push(format!("{name} admits {}", them.join(", "))),
            Admits::Everybody => found.push(format!("{name} admits everybody")),
            Admits::Unknown(whom) => {
                unknown.get_or_insert_with(|| format!("{name} admits {whom}"));
            }
        }
    }
    let promised = "writers alone, of known accounts";
    if !found.is_empty() {
        return Ok(Judged::fail(found.join("; ")).promised(promised).details(notes));
    }
    let enforced = matches!(view.take(&it.ownership), Ok(Some(it)) if it == "BucketOwnerEnforced");
    if !enforced {
        let acl = view.take(&it.acl)?;
        if acl.owner.is_none() && !acl.grants.is_empty() {
            return Err(unclear(
                Reason::NotUnderstood,
                "its ACL does not tell whose the bucket is",
            ));
        }
        let is_foreign = |one: &&(String, String)| {
            Some(&one.0) != acl.owner.as_ref() && !one.0.ends_with("/LogDelivery")
        };
        let grants = acl.grants.iter().filter(is_foreign);
        let (everybody, others): (Vec<&str>, Vec<&str>) =
            grants.map(|it| it.0.as_str()).partition(|it| is_everybody(it));
        let mut foreign = others;
        // One from outside is a failure, whatever becomes of those to everybody.
        if !everybody.is_empty() && foreign.is_empty() && !ignores_public(it, view)? {
            foreign.extend(everybody);
        }
        if !foreign.is_empty() {
            view.take(&it.ownership)?;
            return Ok(Judged::fail(format!("its ACL grants to {}", foreign.join(", ")))
                .promised(promised));
        }
    }
    policy?;
    if let Some(why) = unknown {
        return Err(unclear(Reason::NotUnderstood, why));
    }
    Ok(Judged::pass("nobody from outside, nothing destructive").promised(promised).details(notes))
}

/// Whether a trail records the reads of all objects below a prefix, given as the beginning of their ARNs.
fn records(selectors: &[Selector], objects: &str) -> bool {
    // The ARN of the service, `arn:aws:s3`, means all of its buckets.
    let service = objects.split(":::").next().unwrap_or_default();
    selectors.iter().any(|it| match it {
        Selector::Plain { read_write, data, .. } => {
            let all = |it: &String| it == service || objects.starts_with(it.as_str());
            ["All", "ReadOnly"].contains(&read_write.as_str())
                && data.iter().any(|(kind, arns)| kind == "AWS::S3::Object" && arns.iter().any(all))
        }
        Selector::Advanced { fields, .. } => {
            fields.iter().all(|it| match it.field.as_str() {
                "eventCategory" => takes(it, "Data"),
                "resources.type" => takes(it, "AWS::S3::Object"),
                "readOnly" => takes(it, "true"),
                "eventName" => takes(it, "GetObject"),
                "resources.ARN" => {
                    // What is equal is one object; what ends so, or is left out below the prefix, is some of them.
                    let leaves_out =
                        |it: &String| objects.starts_with(it.as_str()) || it.starts_with(objects);
                    let begins = it.starts_with.iter().any(|it| objects.starts_with(it.as_str()));
                    (begins || it.starts_with.is_empty() && it.equals.is_empty())
                        && !it.not_starts_with.iter().any(leaves_out)
                        && [&it.ends_with, &it.not_ends_with, &it.not_equals]
                            .iter()
                            .all(|it| it.is_empty())
                }
                // Any other field leaves somebody or something out.
                _ => false,
            }) && {
                let has = |name: &str| fields.iter().any(|it| it.field == name);
                has("eventCategory") && has("resources.type")
            }
        }
    })
}

/// Whether what a trail records arrives.
fn delivers(it: &TrailStatus, now: At) -> bool {
    it.delivery_error.as_deref().unwrap_or_default().is_empty()
        && it.delivered_at.is_none_or(|last| last.days_until(now) <= super::surroundings::SILENT)
}

/// Whether a trail records what happens in a Region: all trails of all Regions do, others their own alone.
fn covers_region(trail: &Trail, region: Option<&str>) -> bool {
    trail.multi_region || region.is_some() && trail.arn.split(':').nth(3) == region
}

fn access_logged(it: &Bucket, view: &View<'_>) -> Answer {
    let logging = view.take(&it.logging);
    if let Ok(Some(to)) = &logging {
        return Ok(Judged::pass(format!("server access logging to s3://{to}")));
    }
    let arn = bucket_arn(it);
    let mut prefixes: Vec<String> =
        it.prefixes.iter().map(|it| format!("{arn}/{}", it.prefix)).collect();
    if prefixes.is_empty() {
        prefixes.push(format!("{arn}/"));
    }
    let mut lacking: Option<Unread> = None;
    let mut asked = false;
    for corner in view.survey.corners.iter().filter(|one| one.account == it.account) {
        match view.take(&corner.trails) {
            Ok(trails) => {
                asked = true;
                for trail in trails {
                    match (view.take(&trail.selectors), view.take(&trail.status)) {
                        (Ok(selectors), Ok(status))
                            if status.logging
                                && delivers(status, view.survey.taken_at)
                                && covers_region(trail, it.region.as_deref())
                                && prefixes.iter().all(|it| records(selectors, it)) =>
                        {
                            return Ok(Judged::pass(format!(
                                "data events in the trail {}",
                                trail.name
                            )));
                        }
                        (Err(it), _) | (_, Err(it)) => lacking = Some(it),
                        _ => {}
                    }
                }
            }
            Err(it) => lacking = Some(it),
        }
    }
    logging?;
    if let Some(it) = lacking {
        return Err(it);
    }
    if !asked {
        return Err(unclear(Reason::NotAsked, "access logging is off, and trails were not read"));
    }
    let fix = format!(
        "aws s3api put-bucket-logging {} --bucket-logging-status '{{\"LoggingEnabled\":{{\"TargetBucket\":\"ACCESS-LOG-BUCKET\",\"TargetPrefix\":{}}}}}'",
        named(it),
        serde_json::Value::from(format!("{}/", it.name))
    );
    Ok(Judged::fail("neither access logging nor data events").promised("one of the two").fix(fix))
}

fn ownership(it: &Bucket, view: &View<'_>) -> Answer {
    let fix = format!(
        "aws s3api put-bucket-ownership-controls {} --ownership-controls 'Rules=[{{ObjectOwnership=BucketOwnerEnforced}}]'",
        named(it)
    );
    Ok(match view.take(&it.ownership)?.as_deref() {
        Some("BucketOwnerEnforced") => {
            Judged::pass("BucketOwnerEnforced").promised("BucketOwnerEnforced")
        }
        Some(other) => Judged::fail(other).promised("BucketOwnerEnforced").fix(fix),
        // Buckets from before April 2023 that nobody has set.
        None => Judged::fail("not set: ACLs are in force").promised("BucketOwnerEnforced").fix(fix),
    })
}

fn copies((prefix, it): (&Prefix, &Bucket), view: &View<'_>) -> Answer {
    let told = view.take(&it.replication)?;
    let all: Vec<&Replica> =
        told.iter().filter(|it| it.enabled && prefix.prefix.starts_with(&it.prefix)).collect();
    let some: Vec<&Replica> =
        told.iter().filter(|it| it.enabled && it.prefix.starts_with(&prefix.prefix)).collect();
    let place = |it: &&Replica| {
        let to = it.bucket.rsplit(':').next().unwrap_or(&it.bucket);
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

/// What each key found here is used for.
pub fn keys_of(it: &Bucket) -> Vec<(String, KeyUse)> {
    let mut out = Vec::new();
    if let Ok(Some(told)) = it.encryption.known()
        && let Some(key) = &told.kms_key
    {
        out.push((key.clone(), KeyUse::Bucket(it.name.clone())));
    }
    for prefix in &it.prefixes {
        let objects = prefix.sample.known().into_iter().flat_map(|it| &it.objects);
        for key in objects.filter_map(|it| it.head.known().ok()?.kms_key.clone()) {
            let it = (key, KeyUse::Objects(it.name.clone()));
            if !out.contains(&it) {
                out.push(it);
            }
        }
    }
    out
}
