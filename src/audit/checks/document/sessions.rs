//! Checks of what the preferences make of a session: its key, its end, its user, its shell, and whether every Region has the same.

use std::collections::BTreeMap;

use crate::audit::check::About;
use crate::audit::check::Check;
use crate::audit::checks::bucket::told::is_managed;
use crate::audit::checks::document::told::chosen;
use crate::audit::checks::document::told::read;
use crate::audit::frameworks::Group;
use crate::audit::names::aws;
use crate::audit::preferences::Input;
use crate::audit::preferences::Minutes;
use crate::audit::profile;
use crate::audit::subject::OwnPreferences;
use crate::audit::verdict::Answer;
use crate::audit::verdict::Judged;
use crate::audit::verdict::Severity;
use crate::audit::view::View;
use crate::settings::Corner;
use crate::settings::Document;
use crate::settings::Reason;

/// The checks below, in the order of the table.
pub(crate) const CHECKS: &[Check] = &[SESSION_KEY, IDLE, LONGEST, RUN_AS, DRIFT, SHELL_PROFILE];

const SESSION_KEY: Check = Check {
    id: "PREF-KMS-01",
    title: "Session data are encrypted with your key",
    severity: Severity::Medium,
    groups: &[Group::Transport, Group::Keys],
    reads: &[&["ssm:GetDocument", "kms:DescribeKey"]],
    why: "A key of your own lets you refuse a session by its key policy. It never applies to port forwarding.",
    then: "Set kmsKeyId in the preferences, and allow kms:Decrypt to the nodes and kms:GenerateDataKey to those who start sessions.",
    ask: &About::<OwnPreferences>(session_key),
};

fn session_key((it, corner): (&Document, &Corner), view: &View<'_>) -> Answer {
    let told = read(it, view)?;
    let promised = "a customer managed key";
    let edit = r#".inputs.kmsKeyId="KEY-ARN""#;
    Ok(match (&told.key, view.promise.customer_key) {
        (Input::Chosen(it), _) => return Err(chosen(it)),
        (Input::Is(key), true) if is_managed(Some(key), view)? => {
            Judged::fail(format!("with {key}, a key that AWS manages"))
                .promised(promised)
                .edited(it, corner, edit)
        }
        (Input::Is(key), _) => Judged::pass(format!("with {key}")),
        (Input::Absent, false) => Judged::info("with TLS alone, which was not promised otherwise"),
        (Input::Absent, true) => {
            Judged::fail("with TLS alone").promised(promised).edited(it, corner, edit)
        }
    })
}

const IDLE: Check = Check {
    id: "PREF-TIME-01",
    title: "Idle sessions end in time",
    severity: Severity::Low,
    groups: &[Group::Session],
    reads: &[&["ssm:GetDocument"]],
    why: "A shell that is left open is a shell for the next one at the desk.",
    then: "Set idleSessionTimeout.",
    ask: &About::<OwnPreferences>(idle),
};

fn idle((document, corner): (&Document, &Corner), view: &View<'_>) -> Answer {
    let (minutes, seen) = match read(document, view)?.idle {
        Minutes::Is(it) => (Some(it), format!("after {it} minutes")),
        // "Specify an idle session timeout value": 20 minutes unless another is set.
        Minutes::Absent => (Some(20), "after 20 minutes (the default)".into()),
        Minutes::Strange(it) => (None, it),
        Minutes::Chosen(it) => return Err(chosen(&it)),
    };
    let Some(most) = view.promise.idle_minutes else { return Ok(Judged::info(seen)) };
    let edit = format!(".inputs.idleSessionTimeout=\"{most}\"");
    Ok(at_most(most, minutes, seen, |it| it.edited(document, corner, &edit))
        .promised(format!("within {most} minutes")))
}

const LONGEST: Check = Check {
    id: "PREF-TIME-02",
    title: "Sessions have a longest duration",
    severity: Severity::Low,
    groups: &[Group::Session],
    reads: &[&["ssm:GetDocument"]],
    why: "A session that never ends is never uploaded to S3.",
    then: "Set maxSessionDuration.",
    ask: &About::<OwnPreferences>(longest),
};

fn longest((document, corner): (&Document, &Corner), view: &View<'_>) -> Answer {
    let (minutes, seen) = match read(document, view)?.longest {
        Minutes::Is(it) => (Some(it), format!("{it} minutes")),
        Minutes::Absent => (None, "none".into()),
        Minutes::Strange(it) => (None, it),
        Minutes::Chosen(it) => return Err(chosen(&it)),
    };
    let Some(most) = view.promise.max_session_minutes else { return Ok(Judged::info(seen)) };
    let edit = format!(".inputs.maxSessionDuration=\"{most}\"");
    Ok(at_most(most, minutes, seen, |it| it.edited(document, corner, &edit))
        .promised(format!("{most} minutes at most")))
}

/// A duration against the longest that was promised: minutes, where there are any, and what is seen, in words.
fn at_most(
    most: i64,
    minutes: Option<i64>,
    seen: String,
    clear: impl FnOnce(Judged) -> Judged,
) -> Judged {
    match minutes.is_some_and(|it| it <= most) {
        true => Judged::pass(seen),
        false => clear(Judged::fail(seen)),
    }
}

const RUN_AS: Check = Check {
    id: "PREF-RUNAS-01",
    title: "Sessions run as a named operating-system user",
    severity: Severity::Medium,
    groups: &[Group::Accountability],
    reads: &[&["ssm:GetDocument", "ssm:DescribeInstanceInformation"]],
    why: "Otherwise everybody is ssm-user, who may become root.",
    then: "Switch Run As on, and tag principals with SSMSessionRunAs.",
    ask: &About::<OwnPreferences>(run_as),
};

fn run_as((it, corner): (&Document, &Corner), view: &View<'_>) -> Answer {
    let told = read(it, view)?;
    let tagged = "the user in the tag SSMSessionRunAs";
    let (seen, edit) = match (told.run_as, &told.run_as_user) {
        (true, Input::Absent) => return Ok(Judged::pass(format!("as {tagged}"))),
        (true, Input::Chosen(it)) => return Err(chosen(it)),
        (true, Input::Is(root)) if root == "root" => (
            "everybody is root, unless the tag SSMSessionRunAs names another",
            "del(.inputs.runAsDefaultUser)",
        ),
        (true, Input::Is(user)) => return Ok(Judged::pass(format!("as {user}, or {tagged}"))),
        (false, _) => {
            let nodes = view.take(&corner.nodes)?;
            if !nodes.is_empty() && nodes.iter().all(|it| it.platform == "Windows") {
                return Ok(Judged::absent("all nodes run Windows, which has no Run As"));
            }
            ("everybody is ssm-user", ".inputs.runAsEnabled=true")
        }
    };
    Ok(Judged::fail(seen).promised("Run As").edited(it, corner, edit))
}

const DRIFT: Check = Check {
    id: "PREF-DRIFT-01",
    title: "Preferences are the same everywhere, and the newest are in force",
    severity: Severity::Medium,
    groups: &[Group::Failure],
    reads: &[&["ssm:GetDocument", "ssm:DescribeDocument"]],
    why: "The Region that differs is the one where logging was forgotten, or switched off.",
    then: "Make the Regions equal, and the newest version the default.",
    ask: &About::<OwnPreferences>(drift),
};

fn drift((it, corner): (&Document, &Corner), view: &View<'_>) -> Answer {
    let promised = "the newest version in force, the same in every Region";
    let told = view.described(it);
    let versions = told.as_ref().ok().copied().cloned().unwrap_or_default();
    if let (Some(default), Some(latest)) = (&versions.default_version, &versions.latest_version)
        && default != latest
    {
        let fix = aws(
            "ssm update-document-default-version",
            &[("region", &corner.region), ("name", &it.name), ("document-version", latest)],
        );
        return Ok(Judged::fail(format!("version {default} is in force, the newest is {latest}"))
            .promised(promised)
            .fix(fix));
    }
    if let Some(status) = versions.status.as_ref().filter(|it| *it != "Active") {
        return Ok(Judged::fail(format!("its status is {status}")).promised(promised));
    }
    let content = view.take(&it.content)?;
    // Most Regions have the very same text.
    let mut read: BTreeMap<&str, String> = BTreeMap::new();
    let mut others: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for one in &view.survey.corners {
        if let Ok(Some(document)) = view.take(&one.preferences)
            && let Ok(text) = view.take(&document.content)
        {
            let place = format!("{} of {}", one.region, one.account);
            let text = read.entry(text).or_insert_with(|| normal(text));
            others.entry(text.clone()).or_default().push(place);
        }
    }
    let ours = normal(content);
    let mine = others.get(&ours).map_or(0, Vec::len);
    let most = others.iter().filter(|it| *it.0 != ours).max_by_key(|it| it.1.len());
    if versions.latest_version.is_none() && most.is_none_or(|it| it.1.len() <= mine) {
        told?;
        return Err(Reason::NotUnderstood.because("which version is the newest was not told"));
    }
    let judged = match most.map(|it| (it.1, it.1.len())) {
        None => Judged::pass("the newest version is in force, and no Region differs"),
        Some((them, many)) if many > mine => {
            let s = if many == 1 { "" } else { "s" };
            Judged::fail(format!("it differs from {many} other{s}"))
                .details([format!("these agree: {}", them.join(", "))])
        }
        Some((them, many)) if many == mine => {
            Judged::info(format!("it differs from {}", them.join(", ")))
        }
        Some(_) => Judged::pass("the newest version is in force; most Regions are like it"),
    };
    Ok(judged.promised(promised))
}

/// Inputs of a document, without what must differ between Regions.
fn normal(content: &str) -> String {
    let it: serde_json::Value = serde_json::from_str(content).unwrap_or_default();
    let mut sorted: BTreeMap<&str, String> = BTreeMap::new();
    for (key, value) in it.get("inputs").and_then(|it| it.as_object()).into_iter().flatten() {
        let text = value.as_str().map_or_else(|| value.to_string(), |it| it.trim().to_owned());
        if !text.is_empty() && text != "false" {
            // A key is Regional, and so often is a bucket.
            let regional = ["kmsKeyId", "s3BucketName"].contains(&key.as_str());
            sorted.insert(key, if regional { "set".into() } else { text });
        }
    }
    format!("{sorted:?}")
}

const SHELL_PROFILE: Check = Check {
    id: "PREF-PROF-01",
    title: "The shell profile neither weakens the record nor holds secrets",
    severity: Severity::Medium,
    groups: &[Group::Generation],
    reads: &[&["ssm:GetDocument"]],
    why: "It runs in every session: what it switches off is off for everybody, what it holds everybody can read.",
    then: "Remove the line.",
    ask: &About::<OwnPreferences>(shell_profile),
};

fn shell_profile((it, _): (&Document, &Corner), view: &View<'_>) -> Answer {
    let told = read(it, view)?;
    if told.shell_profiles.is_empty() {
        return Ok(Judged::absent("there is no shell profile"));
    }
    let mut found = Vec::new();
    for (system, text) in &told.shell_profiles {
        let mut effects: Vec<&str> = profile::effects(text).collect();
        if !crate::secrets::find(text).is_empty() {
            effects.push("it holds a secret");
        }
        found.extend(effects.into_iter().map(|it| format!("{system}: {it}")));
    }
    found.sort_unstable();
    found.dedup();
    Ok(match found.is_empty() {
        true => Judged::pass("nothing of the kind").unsure(),
        false => Judged::fail(found.join("; ")).unsure(),
    })
}
