//! Checks of the transcripts below a prefix: how long they live, and how long they are at hand.
//!
//! Fields and their meaning: "LifecycleRule", "IntelligentTieringConfiguration" (Amazon S3 API Reference).

use std::ops::ControlFlow;

use crate::audit::check::About;
use crate::audit::check::Check;
use crate::audit::checks::bucket::told::s3api;
use crate::audit::frameworks::Group;
use crate::audit::lifecycle::Fate;
use crate::audit::lifecycle::Fates;
use crate::audit::lifecycle::Meets;
use crate::audit::lifecycle::fates;
use crate::audit::lifecycle::meets;
use crate::audit::names::days;
use crate::audit::names::quote;
use crate::audit::verdict::Answer;
use crate::audit::verdict::Judged;
use crate::audit::verdict::Severity;
use crate::audit::view::View;
use crate::settings::Bucket;
use crate::settings::BucketRule;
use crate::settings::Existence;
use crate::settings::Lifecycle;
use crate::settings::Object;
use crate::settings::ObjectHead;
use crate::settings::Prefix;
use crate::settings::Reason;
use crate::settings::Tiering;
use crate::settings::Transition;
use crate::settings::Unread;
use crate::settings::Versioning;

/// The checks below, in the order of the table.
pub(crate) const CHECKS: &[Check] = &[LIVES, ENDS, AT_HAND, OLDEST];

/// What keeps or ends an object.
const LIFE: &[&str] = &[
    "s3:GetLifecycleConfiguration",
    "s3:GetBucketVersioning",
    "s3:GetBucketObjectLockConfiguration",
    "s3:ListBucket",
];

/// What the rules say where nothing keeps a version.
fn by_rules_alone(prefix: &str, it: &Bucket, view: &View<'_>) -> Result<Fates, Unread> {
    let lifecycle = view.take(&it.lifecycle)?.as_ref();
    Ok(fates(lifecycle, &Versioning::default(), None, prefix, view.survey.taken_at))
}

/// What the settings of life say together.
fn fate(prefix: &str, it: &Bucket, view: &View<'_>) -> Result<Fates, Unread> {
    let lifecycle = view.take(&it.lifecycle)?.as_ref();
    // Rules that leave it alone leave it alone whatever versions and locks there are.
    let plain = by_rules_alone(prefix, it, view)?;
    if plain.worst().all(|it| it.visible.is_none()) {
        return Ok(plain);
    }
    let versioning = view.take(&it.versioning)?;
    let lock = view.take(&it.lock)?.as_ref();
    Ok(fates(lifecycle, versioning, lock, prefix, view.survey.taken_at))
}

fn span(it: Option<i64>) -> String {
    it.map_or("for ever".into(), days)
}

/// Whether transcripts below a prefix are kept as long as promised, and stay in sight.
pub(crate) fn keeps(it: &Bucket, prefix: &str, view: &View<'_>) -> Result<bool, Unread> {
    if *view.take(&it.existence)? != Existence::Exists {
        return Ok(false);
    }
    let fates = fate(prefix, it, view)?;
    let wanted = view.promise.retention_days;
    Ok(fates.worst().all(|it| it.visible.is_none_or(|it| it >= wanted)))
}

const LIVES: Check = Check {
    id: "S3-RET-01",
    title: "No lifecycle rule destroys transcripts early",
    severity: Severity::High,
    groups: &[Group::Retention],
    reads: &[LIFE, &["s3:GetObject"]],
    why: "A rule that deletes after a day passes every check that asks whether there is a rule.",
    then: "Raise the days of the rule; the whole configuration is replaced by each change.",
    ask: &About::<Prefix>(lives),
};

fn lives((prefix, it): (&Prefix, &Bucket), view: &View<'_>) -> Answer {
    let wanted = view.promise.retention_days;
    let fates = match fate(&prefix.prefix, it, view) {
        Ok(it) => it,
        Err(why) => match without_versions(why, (prefix, it), view) {
            ControlFlow::Continue(it) => it,
            ControlFlow::Break(answer) => return answer,
        },
    };
    let is_tagged = |it: &String| {
        format!("the rule {it} is about tagged objects; the agent tags none, so it is left out")
    };
    let mut details: Vec<String> = fates.tagged.iter().map(is_tagged).collect();
    let promised = days(wanted);
    let Some(worst) = fates
        .worst()
        .filter(|it| is_early(it, wanted))
        .min_by_key(|it| (it.effective.unwrap_or(i64::MAX), it.visible))
    else {
        if let Some(seen) = removed_early(prefix, Some(&fates), view)? {
            return Ok(Judged::fail(seen)
                .promised(promised)
                .severity(Severity::High)
                .details(details));
        }
        let seen = span(fates.all.visible);
        return Ok(Judged::pass(seen).promised(promised).details(details));
    };
    details.extend(fates.worst().filter(|it| is_early(it, wanted)).map(hidden_by));
    let fix = lengthen(it, worst, view)?;
    let warning = "it replaces the whole lifecycle configuration; read lifecycle.json first";
    let (seen, severity) = match worst.effective.filter(|it| *it < wanted) {
        // Out of sight, but its versions outlive the promise: it must be looked for by version.
        None => {
            let (hidden, kept) = (span(worst.visible), span(worst.effective));
            let seen = format!("out of listings after {hidden}, as old versions kept {kept}");
            (seen, Severity::Medium)
        }
        Some(gone) => {
            let is_at_hand = gone < view.promise.hot_days;
            let severity = if is_at_hand { Severity::Critical } else { Severity::High };
            (format!("deleted after {}", days(gone)), severity)
        }
    };
    let judged = Judged::fail(seen).promised(promised).severity(severity);
    Ok(judged.details(details).risky(fix, warning))
}

/// What is known where versions or locks were not read, as they only keep longer: what S3 says of a transcript stands, and so do rules
/// that hide it, whatever the rest would have said.
fn without_versions(
    why: Unread,
    (prefix, it): (&Prefix, &Bucket),
    view: &View<'_>,
) -> ControlFlow<Answer, Fates> {
    let wanted = view.promise.retention_days;
    let hidden = by_rules_alone(&prefix.prefix, it, view).ok();
    let first = hidden.as_ref().and_then(|it| it.worst().filter_map(|it| it.visible).min());
    match (removed_early(prefix, None, view), hidden, first) {
        (Ok(Some(seen)), ..) => ControlFlow::Break(Ok(Judged::fail(seen).promised(days(wanted)))),
        (_, Some(_), Some(first)) if first < wanted => {
            let seen = format!("out of listings after {}", days(first));
            let rest = format!("whether old versions stay was not read: {}", why.why);
            ControlFlow::Break(Ok(Judged::fail(seen).promised(days(wanted)).details([rest])))
        }
        (_, Some(it), Some(_)) => ControlFlow::Continue(it),
        _ => ControlFlow::Break(Err(why)),
    }
}

fn is_early(it: &Fate, wanted: i64) -> bool {
    it.visible.is_some_and(|it| it < wanted)
}

/// In words, which rule hides which transcripts, and when they are gone.
fn hidden_by(it: &Fate) -> String {
    let whose = match &it.some {
        Some(which) if which.contains(" of some sizes") => format!("{which}: "),
        // Session ids begin with the name of their owner.
        Some(which) => format!("{which} (whose session ids begin so: often one person's): "),
        None => String::new(),
    };
    format!(
        "{whose}the rule {} hides them after {}, and they are gone after {}",
        it.rule.as_deref().unwrap_or("?"),
        span(it.visible),
        span(it.effective)
    )
}

/// The command that raises the days of a rule.
fn lengthen(it: &Bucket, by: &Fate, view: &View<'_>) -> Result<String, Unread> {
    let filter = format!(
        "{{Rules: .Rules}} | (.Rules[] | select(.ID=={}) | .Expiration) = {{\"Days\":{}}}",
        serde_json::Value::from(by.rule.as_deref().unwrap_or_default()),
        view.promise.retention_days.max(1)
    );
    // It is no part of the document, and falls back to its default where it is not said again.
    let least = view.take(&it.lifecycle)?.as_ref().and_then(|it| it.minimum_size.as_ref());
    let least = least.map_or(String::new(), |it| {
        format!("--transition-default-minimum-object-size {} ", quote(it))
    });
    let get = s3api("get-bucket-lifecycle-configuration", it, "| jq");
    let rest = least + "--lifecycle-configuration file://lifecycle.json";
    let put = s3api("put-bucket-lifecycle-configuration", it, &rest);
    Ok(format!("{get} {} > lifecycle.json && {put}", quote(&filter)))
}

/// A transcript of which S3 says that it will remove it before the promise ends, where no rule that was read does so; in words.
fn removed_early(
    prefix: &Prefix,
    fates: Option<&Fates>,
    view: &View<'_>,
) -> Result<Option<String>, Unread> {
    let wanted = view.promise.retention_days;
    let sample = view.take(&prefix.sample).ok();
    for one in sample.iter().flat_map(|it| &it.objects) {
        let Ok(head) = view.take(&one.head) else { continue };
        let Some(date) = head.expires() else { continue };
        let Some(date) = date else {
            let why = format!("S3 says when it removes {}, in a form that is not known", one.key);
            return Err(Reason::NotUnderstood.because(why));
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

const ENDS: Check = Check {
    id: "S3-RET-02",
    title: "Transcripts end when they were promised to",
    severity: Severity::Low,
    groups: &[Group::Retention, Group::Capacity],
    reads: &[LIFE],
    why: "Personal data must not be kept longer than was promised; parts of broken uploads are paid for until removed.",
    then: "Add a rule that expires transcripts, and one that aborts unfinished uploads.",
    ask: &About::<Prefix>(ends),
};

fn ends((prefix, it): (&Prefix, &Bucket), view: &View<'_>) -> Answer {
    let lifecycle = view.take(&it.lifecycle)?;
    let fates = fate(&prefix.prefix, it, view)?;
    let aborts = lifecycle
        .iter()
        .flat_map(|it| &it.rules)
        .any(|it| it.aborts_uploads && meets(it, &prefix.prefix) != Meets::None);
    let parts = if aborts { "" } else { "; parts of broken uploads stay" };
    let kept = fates.all.effective;
    let seen = format!("kept {}{parts}", span(kept));
    let Some(most) = view.promise.max_days else { return Ok(Judged::info(seen)) };
    let judged = match kept.is_some_and(|it| it <= most) {
        true => Judged::pass(seen),
        false => Judged::fail(format!("kept {}", span(kept))),
    };
    Ok(judged.promised(format!("no longer than {}", days(most))))
}

const AT_HAND: Check = Check {
    id: "S3-RET-03",
    title: "Transcripts stay at hand as long as promised",
    severity: Severity::Medium,
    groups: &[Group::Retention, Group::Review],
    reads: &[&[
        "s3:GetLifecycleConfiguration",
        "s3:GetIntelligentTieringConfiguration",
        "s3:ListBucket",
        "s3:GetObject",
    ]],
    why: "An archived transcript is read after a restore of hours: not at three in the morning.",
    then: "Raise the days of the transition, or use GLACIER_IR.",
    ask: &About::<Prefix>(at_hand),
};

fn at_hand((prefix, it): (&Prefix, &Bucket), view: &View<'_>) -> Answer {
    let wanted = view.promise.hot_days;
    let severity =
        if view.promise.profile.starts_with("pci") { Severity::High } else { Severity::Medium };
    let lifecycle = view.take(&it.lifecycle)?.as_ref();
    let now = view.survey.taken_at;
    let mut early = archived_by_rules(prefix, lifecycle, view);
    let tiering = view.take(&it.tiering);
    // It moves what is in its class alone, and the agent uploads into STANDARD.
    let tiered = tiered_after(prefix, lifecycle, view);
    let before = tiered.as_ref().ok().copied().flatten().unwrap_or(0);
    let all = tiering.as_ref().map_or(&[][..], |it| it.as_slice());
    let mut by_tiering = archived_by_tiers(prefix, all, before, wanted);
    match &tiered {
        Ok(Some(_)) => early.append(&mut by_tiering),
        Err(it) if early.is_empty() && !by_tiering.is_empty() => return Err(it.clone()),
        _ => {}
    }
    let mut details: Vec<String> = early.iter().map(|it| it.1.clone()).collect();
    let sample = view.take(&prefix.sample).ok();
    // "Objects smaller than 128 KB … will not transition" by default ("Lifecycle configuration elements").
    let small =
        lifecycle.and_then(|it| it.minimum_size.as_deref()) != Some("varies_by_storage_class");
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
    let seen = match (early.iter().map(|it| it.0).min(), young) {
        (Some(first), _) => Some(format!("archived after {}", days(first))),
        (None, Some(one)) => {
            let age = stored(one).map_or(0, |it| it.days_until(now));
            Some(format!("{} is archived at an age of {}", one.key, days(age)))
        }
        (None, None) => None,
    };
    let promised = format!("{} without a restore", days(wanted));
    if let Some(seen) = seen {
        return Ok(Judged::fail(seen).promised(promised).severity(severity).details(details));
    }
    if tiered != Ok(None) {
        tiering?;
    }
    if let Some(one) = cold.iter().find(|it| stored(it).is_none()) {
        let why = format!("{} is archived, and how old it is was not read", one.key);
        return Err(Reason::NotAsked.because(why));
    }
    for it in &view.take(&prefix.sample)?.objects {
        view.take(&it.head)?;
    }
    Ok(Judged::pass("nothing archives them earlier").promised(promised).details(details))
}

/// Rules that archive transcripts earlier than promised: after how many days, and in words.
fn archived_by_rules(
    prefix: &Prefix,
    lifecycle: Option<&Lifecycle>,
    view: &View<'_>,
) -> Vec<(i64, String)> {
    let told = moves(prefix, lifecycle, is_cold).map(|(rule, it)| {
        let after = it.after(view.survey.taken_at);
        let days = days(after);
        (after, format!("the rule {} moves them to {} after {days}", rule.id, it.class))
    });
    told.filter(|it| it.0 < view.promise.hot_days).collect()
}

/// What rules do to transcripts as they are: their moves to some classes, each with its rule.
fn moves<'a>(
    prefix: &Prefix,
    lifecycle: Option<&'a Lifecycle>,
    is_class: fn(&str) -> bool,
) -> impl Iterator<Item = (&'a BucketRule, &'a Transition)> {
    let rules = lifecycle.into_iter().flat_map(|it| &it.rules);
    let is_met =
        move |it: &&BucketRule| matches!(meets(it, &prefix.prefix), Meets::All | Meets::Some(_));
    let rules = rules.filter(is_met);
    let all = rules.flat_map(|rule| rule.transitions.iter().map(move |it| (rule, it)));
    all.filter(move |(_, it)| is_class(&it.class) && !it.noncurrent)
}

/// Tiers that do so, of transcripts that come into the class after some days.
fn archived_by_tiers(
    prefix: &Prefix,
    tiering: &[Tiering],
    before: i64,
    wanted: i64,
) -> Vec<(i64, String)> {
    let is_about = |it: &&Tiering| {
        let (one, other) = (&it.prefix, &prefix.prefix);
        it.enabled && !it.tagged && (other.starts_with(one) || one.starts_with(other.as_str()))
    };
    let of = tiering.iter().filter(is_about);
    let tiers = of.flat_map(|it| it.tiers.iter().map(move |tier| (&it.id, tier)));
    let told = tiers.filter(|it| is_cold(&it.1.0)).map(|(id, (tier, days_there))| {
        let after = days_there.saturating_add(before);
        let days = days(after);
        (after, format!("Intelligent-Tiering {id} moves them to {tier} after {days}"))
    });
    told.filter(|it| it.0 < wanted).collect()
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
    let moves = moves(prefix, lifecycle, is_class);
    if let Some(after) = moves.map(|(_, it)| it.after(view.survey.taken_at)).min() {
        return Ok(Some(after));
    }
    let objects = &view.take(&prefix.sample)?.objects;
    let heads: Vec<_> = objects.iter().map(|it| view.take(&it.head)).collect();
    let is_in = |it: &&ObjectHead| it.class.as_deref().is_some_and(is_class);
    if heads.iter().flatten().any(is_in) {
        return Ok(Some(0));
    }
    heads.into_iter().collect::<Result<Vec<_>, _>>().map(|_| None)
}

const OLDEST: Check = Check {
    id: "S3-RET-04",
    title: "The oldest transcript is as old as the promise lets expect",
    severity: Severity::High,
    groups: &[Group::Retention],
    reads: &[&["s3:ListBucket"]],
    why: "Settings of today do not prove what was kept yesterday; what lies there does.",
    then: "Find out what was deleted, restore it, and write the gap down.",
    ask: &About::<Prefix>(oldest),
};

fn oldest((prefix, _): (&Prefix, &Bucket), view: &View<'_>) -> Answer {
    let sample = view.take(&prefix.sample)?;
    let Some(oldest) = sample.oldest else {
        return Err(Reason::SampleEmpty.because("nothing lies below the prefix yet"));
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
    Err(Reason::HorizonExceeded.because(format!(
        "{seen}; whether there were sessions before, AWS tells for 90 days alone"
    )))
}
