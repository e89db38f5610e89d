//! Checks of a bucket: are old versions kept and locked, and the transcripts in it in truth locked.
//!
//! Fields and their meaning: "GetBucketVersioning", "ObjectLockRule", "HeadObject" (Amazon S3 API Reference).

use crate::audit::check::About;
use crate::audit::check::Check;
use crate::audit::checks::bucket::told::of;
use crate::audit::checks::bucket::told::s3api;
use crate::audit::checks::bucket::told::sampled;
use crate::audit::frameworks::Group;
use crate::audit::names::days;
use crate::audit::names::quote;
use crate::audit::promise::Worm;
use crate::audit::verdict::Answer;
use crate::audit::verdict::Judged;
use crate::audit::verdict::Severity;
use crate::audit::view::View;
use crate::settings::Bucket;
use crate::settings::Object;
use crate::settings::ObjectHead;
use crate::settings::Prefix;
use crate::settings::Reason;
use crate::settings::Unread;

/// The checks below, in the order of the table.
pub(crate) const CHECKS: &[Check] = &[VERSIONING, MFA_DELETE, LOCK, OBJECTS_LOCKED];

const VERSIONING: Check = Check {
    id: "S3-VER-01",
    title: "Versioning is on",
    severity: Severity::Medium,
    groups: &[Group::Integrity],
    reads: &[&["s3:GetBucketVersioning"]],
    why: "Whoever may write a transcript may write it again: without versions the first is gone.",
    then: "Switch versioning on.",
    ask: &About::<Bucket>(versioning),
};

fn versioning(it: &Bucket, view: &View<'_>) -> Answer {
    let fix = s3api("put-bucket-versioning", it, "--versioning-configuration Status=Enabled");
    let judged = match view.take(&it.versioning)?.status.as_deref() {
        Some("Enabled") => Judged::pass("Enabled"),
        other => Judged::fail(other.unwrap_or("never enabled")).fix(fix),
    };
    Ok(judged.promised("Enabled"))
}

const MFA_DELETE: Check = Check {
    id: "S3-VER-02",
    title: "Versions are deleted with a second factor alone",
    severity: Severity::Low,
    groups: &[Group::Integrity],
    reads: &[&["s3:GetBucketVersioning", "s3:GetBucketObjectLockConfiguration"]],
    why: "A stolen key can delete every version.",
    then: "The root user can switch MFA delete on; Object Lock is the stronger way.",
    ask: &About::<Bucket>(mfa_delete),
};

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

const LOCK: Check = Check {
    id: "S3-LOCK-01",
    title: "Object Lock keeps transcripts as long as promised",
    severity: Severity::Medium,
    groups: &[Group::Integrity, Group::Retention],
    reads: &[&["s3:GetBucketObjectLockConfiguration"]],
    why: "A locked version is deleted by nobody. Without a default rule nothing is locked, since the agent asks for no lock.",
    then: "Set a default retention. In compliance mode nobody can shorten it again, ever.",
    ask: &About::<Bucket>(lock),
};

fn lock(it: &Bucket, view: &View<'_>) -> Answer {
    let promise = view.promise;
    let (severity, mode, how) = match promise.worm {
        Worm::No => (Severity::Medium, "GOVERNANCE", " (advised, not promised)"),
        Worm::Governance => (Severity::High, "GOVERNANCE", ", governance or compliance"),
        Worm::Compliance => (Severity::High, "COMPLIANCE", ", compliance"),
    };
    let promised = format!("{}{how}", days(promise.retention_days));
    let warning = match mode {
        "COMPLIANCE" => {
            "nobody, not even root, can shorten it or delete what is locked, until it ends; it needs versioning"
        }
        _ => {
            "what is uploaded from then on is kept, and paid for, until it ends; it needs versioning"
        }
    };
    let rule = format!(
        "--object-lock-configuration 'ObjectLockEnabled=Enabled,Rule={{DefaultRetention={{Mode={mode},Days={}}}}}'",
        promise.retention_days.max(1)
    );
    let fix = s3api("put-object-lock-configuration", it, &rule);
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
    let is_weak = promise.worm == Worm::Compliance && told_mode != "COMPLIANCE";
    if kept < promise.retention_days || is_weak {
        return Ok(fail(seen));
    }
    let bypass = "whoever holds s3:BypassGovernanceRetention can still delete";
    let details = (told_mode == "GOVERNANCE").then(|| bypass.to_owned());
    Ok(Judged::pass(seen).promised(promised).details(details))
}

const OBJECTS_LOCKED: Check = Check {
    id: "S3-LOCK-02",
    title: "Transcripts are in truth locked",
    severity: Severity::Medium,
    groups: &[Group::Integrity],
    reads: &[&["s3:ListBucket", "s3:GetObject", "s3:GetBucketObjectLockConfiguration"]],
    why: "A default rule locks what comes after it.",
    then: "Set a retention on the old versions.",
    ask: &About::<Prefix>(objects_locked),
};

fn objects_locked((prefix, it): (&Prefix, &Bucket), view: &View<'_>) -> Answer {
    let Some(lock) = view.take(&it.lock)? else {
        return Ok(Judged::absent("Object Lock is off (S3-LOCK-01)"));
    };
    let told = view.take(&prefix.sample)?;
    let now = view.survey.taken_at;
    let promise = view.promise;
    // One that is read and is wrong proves a failure, whatever another would have said.
    let heads: Vec<(&Object, &ObjectHead)> =
        told.objects.iter().filter_map(|it| Some((it, view.take(&it.head).ok()?))).collect();
    let is_shown = |it: &ObjectHead| {
        it.lock_mode.is_some() || it.lock_until.is_some() || it.legal_hold.is_some()
    };
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
            on: Some(format!("{}/*", it.arn())),
            ..Reason::AccessDenied.because(
                "no lock is shown for any transcript, as when s3:GetObjectRetention is missing",
            )
        });
    }
    if let Some(first) = unlocked.first() {
        let how = "--retention Mode=GOVERNANCE,RetainUntilDate=YYYY-MM-DDT00:00:00Z";
        let fix = s3api("put-object-retention", it, &format!("--key {} {how}", quote(first)));
        let seen = format!("{} of {} are not", unlocked.len(), of(heads.len(), told));
        return Ok(Judged::fail(seen).promised("locked").details(unlocked).fix(fix));
    }
    if !weak.is_empty() {
        let seen = format!("{} of {} less than promised", weak.len(), of(heads.len(), told));
        let promised = format!("locked for {}", days(promise.retention_days));
        return Ok(Judged::fail(seen).promised(promised).details(weak));
    }
    sampled(prefix, view)?;
    Ok(Judged::pass(of(heads.len(), told)).promised("locked"))
}
