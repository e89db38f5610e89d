//! Checks of a bucket: who from outside may read, write or destroy, and whether reads are recorded.
//!
//! Fields and their meaning: "PublicAccessBlockConfiguration", "GetBucketAcl", "GetBucketLogging" (Amazon S3 API Reference).

use crate::audit::check::ACLS;
use crate::audit::check::About;
use crate::audit::check::Check;
use crate::audit::check::ENDPOINTS;
use crate::audit::check::TRAILS;
use crate::audit::checks::bucket::told::denies_everybody;
use crate::audit::checks::bucket::told::policy;
use crate::audit::checks::bucket::told::s3api;
use crate::audit::checks::trail::SILENT;
use crate::audit::checks::trail::takes;
use crate::audit::frameworks::Group;
use crate::audit::iam::admits::Admits;
use crate::audit::names::aws;
use crate::audit::names::quote;
use crate::audit::undoing;
use crate::audit::undoing::On;
use crate::audit::verdict::Answer;
use crate::audit::verdict::Judged;
use crate::audit::verdict::Severity;
use crate::audit::view::View;
use crate::aws_names::Arn;
use crate::settings::Bucket;
use crate::settings::PublicAccess;
use crate::settings::Reason;
use crate::settings::Selector;
use crate::settings::Trail;
use crate::settings::TrailStatus;
use crate::settings::Unread;
use crate::time::At;

/// The checks below, in the order of the table.
pub(crate) const CHECKS: &[Check] = &[BLOCKED, PUBLIC, TLS, GRANTS, ACCESS_LOGGED, OWNERSHIP];

const BLOCKED: Check = Check {
    id: "S3-PUB-01",
    title: "Public access is blocked",
    severity: Severity::High,
    groups: &[Group::Access],
    reads: &[&["s3:GetBucketPublicAccessBlock", "s3:GetAccountPublicAccessBlock"]],
    why: "The block holds whatever a policy or an ACL says tomorrow.",
    then: "Switch all four settings on, for the bucket or for the account.",
    ask: &About::<Bucket>(blocked),
};

fn blocked(it: &Bucket, view: &View<'_>) -> Answer {
    let promised = "all four, for the bucket or the account";
    // Each of the four holds if either says so.
    let account = account_block(it, view);
    let is_all = matches!(&account, Ok(Some(it)) if it.off().is_empty());
    if is_all && view.take(&it.public_access).is_err() {
        return Ok(Judged::pass("by the account").promised(promised));
    }
    let mut off = view.take(&it.public_access)?.unwrap_or_default().off();
    if off.is_empty() {
        return Ok(Judged::pass("by the bucket").promised(promised));
    }
    let account = account.map_err(|why| Unread {
        why: format!("the bucket is without {}; {}", off.join(", "), why.why),
        ..why
    })?;
    let off_there = account.unwrap_or_default().off();
    off.retain(|it| off_there.contains(it));
    if off.is_empty() {
        return Ok(Judged::pass("by the account").promised(promised));
    }
    let fix = s3api(
        "put-public-access-block",
        it,
        "--public-access-block-configuration BlockPublicAcls=true,IgnorePublicAcls=true,BlockPublicPolicy=true,RestrictPublicBuckets=true",
    );
    Ok(Judged::fail(format!("neither bucket nor account has {}", off.join(", ")))
        .promised(promised)
        .fix(fix))
}

impl PublicAccess {
    /// The settings that are off, by their names.
    fn off(self) -> Vec<&'static str> {
        let all = [
            ("BlockPublicAcls", self.block_acls),
            ("IgnorePublicAcls", self.ignore_acls),
            ("BlockPublicPolicy", self.block_policy),
            ("RestrictPublicBuckets", self.restrict_buckets),
        ];
        all.into_iter().filter(|it| !it.1).map(|it| it.0).collect()
    }
}

/// The Block Public Access of the account that owns a bucket; `None` if it was never set.
fn account_block(it: &Bucket, view: &View<'_>) -> Result<Option<PublicAccess>, Unread> {
    let owner = it
        .proved()
        .ok_or_else(|| Reason::NotAsked.because("whose account the bucket is in was not proved"))?;
    let account = view.survey.accounts.iter().find(|one| one.id == owner);
    let none = || Reason::NotAsked.because("its account's settings were not read");
    view.take(&account.ok_or_else(none)?.public_access).copied()
}

const PUBLIC: Check = Check {
    id: "S3-PUB-02",
    title: "The bucket is not public",
    severity: Severity::Critical,
    groups: &[Group::Access],
    reads: &[&["s3:GetBucketPolicyStatus", "s3:GetBucketPolicy"], ACLS, ENDPOINTS],
    why: "Transcripts hold whatever was typed and shown, secrets too.",
    then: "Remove the grant.",
    ask: &About::<Bucket>(public),
};

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
    let ignores = ignores_public(it, view);
    let ignored = has_no_acls(it, view) || ignores == Ok(true);
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
        let fix = s3api("put-bucket-acl", it, "--acl private");
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

/// Whether a grantee of an ACL is one of the groups that hold everybody ("Amazon S3 predefined groups").
fn is_everybody(grantee: &str) -> bool {
    ["/AllUsers", "/AuthenticatedUsers"].iter().any(|it| grantee.ends_with(it))
}

/// Whether ACLs are known to count for nothing.
fn has_no_acls(it: &Bucket, view: &View<'_>) -> bool {
    matches!(view.take(&it.ownership), Ok(Some(it)) if it == "BucketOwnerEnforced")
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

const TLS: Check = Check {
    id: "S3-TLS-01",
    title: "The bucket refuses plain HTTP",
    severity: Severity::Medium,
    groups: &[Group::Transport],
    reads: &[&["s3:GetBucketPolicy"]],
    why: "Without a refusal one misconfigured reader sends transcripts in the clear.",
    then: "Add the statement that denies requests without TLS.",
    ask: &About::<Bucket>(tls),
};

fn tls(it: &Bucket, view: &View<'_>) -> Answer {
    let policy = policy(it, view)?;
    let arn = it.arn();
    let promised = "a Deny for everybody, everything and every object";
    let objects = ["s3:PutObject", "s3:GetObject", "s3:GetObjectVersion"];
    if objects.iter().all(|it| denies_everybody(&policy, &arn, it, &PLAIN)) {
        return Ok(Judged::pass("plain HTTP is denied").promised(promised));
    }
    let statement = format!(
        "{{\"Sid\":\"DenyInsecureTransport\",\"Effect\":\"Deny\",\"Principal\":\"*\",\"Action\":\"s3:*\",\"Resource\":[\"{arn}\",\"{arn}/*\"],\"Condition\":{{\"Bool\":{{\"aws:SecureTransport\":\"false\"}}}}}}"
    );
    let fix = match view.take(&it.policy)? {
        Some(_) => {
            let get = s3api("get-bucket-policy", it, "--query Policy --output text | jq");
            let put = s3api("put-bucket-policy", it, "--policy file://policy.json");
            let filter = quote(&format!(".Statement += [{statement}]"));
            format!("{get} {filter} > policy.json && {put}")
        }
        None => {
            let policy = format!("{{\"Version\":\"2012-10-17\",\"Statement\":[{statement}]}}");
            aws("s3api put-bucket-policy", &[("bucket", &it.name), ("policy", &policy)])
        }
    };
    Ok(Judged::fail("plain HTTP is not denied").promised(promised).fix(fix))
}

/// A request by plain HTTP: it has no version of TLS.
const PLAIN: [(&str, Option<&str>); 2] =
    [("aws:securetransport", Some("false")), ("s3:tlsversion", None)];

const GRANTS: Check = Check {
    id: "S3-XACC-01",
    title: "Nobody from outside, and nobody at all by this policy, may destroy",
    severity: Severity::High,
    groups: &[Group::Access, Group::Integrity],
    reads: &[&["s3:GetBucketPolicy"], ACLS, ENDPOINTS],
    why: "A grant in the bucket's own policy reaches accounts that no role review sees.",
    then: "Tighten the policy: nodes need s3:PutObject alone.",
    ask: &About::<Bucket>(grants),
};

fn grants(it: &Bucket, view: &View<'_>) -> Answer {
    let policy = policy(it, view);
    let mut found = Vec::new();
    let mut notes = Vec::new();
    let mut unknown = None;
    let statements = policy.iter().flat_map(|it| &it.statements);
    for one in statements.filter(|it| it.allows) {
        let name = one.name();
        let arn = it.arn();
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
    if !has_no_acls(it, view)
        && let Some(whom) = granted_by_acl(it, view)?
    {
        view.take(&it.ownership)?;
        return Ok(Judged::fail(format!("its ACL grants to {whom}")).promised(promised));
    }
    policy?;
    if let Some(why) = unknown {
        return Err(Reason::NotUnderstood.because(why));
    }
    Ok(Judged::pass("nobody from outside, nothing destructive").promised(promised).details(notes))
}

/// Whom from outside a bucket's ACL lets in, in words.
fn granted_by_acl(it: &Bucket, view: &View<'_>) -> Result<Option<String>, Unread> {
    let acl = view.take(&it.acl)?;
    if acl.owner.is_none() && !acl.grants.is_empty() {
        return Err(Reason::NotUnderstood.because("its ACL does not tell whose the bucket is"));
    }
    let grantees = acl.grants.iter().map(|it| it.0.as_str());
    let foreign =
        grantees.filter(|it| Some(*it) != acl.owner.as_deref() && !it.ends_with("/LogDelivery"));
    let (everybody, mut foreign): (Vec<&str>, Vec<&str>) = foreign.partition(|it| is_everybody(it));
    // One from outside is a failure, whatever becomes of those to everybody.
    if !everybody.is_empty() && foreign.is_empty() && !ignores_public(it, view)? {
        foreign = everybody;
    }
    Ok((!foreign.is_empty()).then(|| foreign.join(", ")))
}

const ACCESS_LOGGED: Check = Check {
    id: "S3-LOG-01",
    title: "Reads of transcripts are themselves recorded",
    severity: Severity::Medium,
    groups: &[Group::Review],
    reads: &[&["s3:GetBucketLogging"], TRAILS],
    why: "Who read the transcripts is the first question after a leak.",
    then: "Switch server access logging on, or record S3 data events of the bucket in a trail.",
    ask: &About::<Bucket>(access_logged),
};

fn access_logged(it: &Bucket, view: &View<'_>) -> Answer {
    let logging = view.take(&it.logging);
    if let Ok(Some(to)) = &logging {
        return Ok(Judged::pass(format!("server access logging to s3://{to}")));
    }
    let arn = it.arn();
    let mut prefixes: Vec<String> =
        it.prefixes.iter().map(|it| format!("{arn}/{}", it.prefix)).collect();
    if prefixes.is_empty() {
        prefixes.push(format!("{arn}/"));
    }
    let mut lacking: Option<Unread> = None;
    let mut asked = false;
    for corner in view.survey.corners.iter().filter(|one| one.account == it.account) {
        let trails = view.take(&corner.trails);
        asked |= trails.is_ok();
        lacking = trails.as_ref().err().cloned().or(lacking);
        for trail in trails.into_iter().flatten() {
            match (view.take(&trail.selectors), view.take(&trail.status)) {
                (Ok(selectors), Ok(status)) => {
                    let is_recorded = status.logging
                        && delivers(status, view.survey.taken_at)
                        && covers_region(trail, it.region.as_deref())
                        && prefixes.iter().all(|it| records(selectors, it));
                    if is_recorded {
                        let seen = format!("data events in the trail {}", trail.name);
                        return Ok(Judged::pass(seen));
                    }
                }
                (Err(it), _) | (_, Err(it)) => lacking = Some(it),
            }
        }
    }
    logging?;
    if let Some(it) = lacking {
        return Err(it);
    }
    if !asked {
        return Err(Reason::NotAsked.because("access logging is off, and trails were not read"));
    }
    let status = format!(
        "--bucket-logging-status '{{\"LoggingEnabled\":{{\"TargetBucket\":\"ACCESS-LOG-BUCKET\",\"TargetPrefix\":{}}}}}'",
        serde_json::Value::from(format!("{}/", it.name))
    );
    let fix = s3api("put-bucket-logging", it, &status);
    Ok(Judged::fail("neither access logging nor data events").promised("one of the two").fix(fix))
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
        && it.delivered_at.is_none_or(|last| last.days_until(now) <= SILENT)
}

/// Whether a trail records what happens in a Region: all trails of all Regions do, others their own alone.
fn covers_region(trail: &Trail, region: Option<&str>) -> bool {
    let own = || Arn::parse(&trail.arn).map(|it| it.region);
    trail.multi_region || region.is_some() && own() == region
}

const OWNERSHIP: Check = Check {
    id: "S3-OWN-01",
    title: "The bucket's owner owns every transcript",
    severity: Severity::Low,
    groups: &[Group::Access],
    reads: &[&["s3:GetBucketOwnershipControls"]],
    why: "With ACLs a writer from another account owns what it wrote, and the bucket's owner may not read it.",
    then: "Set object ownership to BucketOwnerEnforced; the agent's uploads are accepted.",
    ask: &About::<Bucket>(ownership),
};

fn ownership(it: &Bucket, view: &View<'_>) -> Answer {
    let promised = "BucketOwnerEnforced";
    let seen = match view.take(&it.ownership)?.as_deref() {
        Some(it) if it == promised => return Ok(Judged::pass(it).promised(promised)),
        Some(other) => other,
        // Buckets from before April 2023 that nobody has set.
        None => "not set: ACLs are in force",
    };
    let rule = "--ownership-controls 'Rules=[{ObjectOwnership=BucketOwnerEnforced}]'";
    let fix = s3api("put-bucket-ownership-controls", it, rule);
    Ok(Judged::fail(seen).promised(promised).fix(fix))
}
