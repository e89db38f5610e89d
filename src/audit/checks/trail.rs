//! Checks of the trail that records who started sessions.

use crate::audit::check::About;
use crate::audit::check::Check;
use crate::audit::check::TRAILS;
use crate::audit::frameworks::Group;
use crate::audit::names::aws;
use crate::audit::verdict::Answer;
use crate::audit::verdict::Judged;
use crate::audit::verdict::Severity;
use crate::audit::view::View;
use crate::settings::Account;
use crate::settings::Corner;
use crate::settings::FieldSelector;
use crate::settings::Selector;
use crate::settings::Trail;
use crate::settings::Unread;

/// The checks below, in the order of the table.
pub(crate) const CHECKS: &[Check] = &[RECORDED, VALIDATED];

const RECORDED: Check = Check {
    id: "COV-TRAIL-01",
    title: "A trail records who starts sessions, in every Region",
    severity: Severity::High,
    groups: &[Group::Trail],
    reads: &[TRAILS],
    why: "A transcript tells what was typed; only CloudTrail tells who asked for the session, and from where.",
    then: "Keep one trail of all Regions that records management events, writes included.",
    ask: &About::<Account>(recorded),
};

fn recorded(account: &str, view: &View<'_>) -> Answer {
    let (trails, mut lacking) = trails(account, view, |it, view| {
        view.take(&it.status).is_ok() && view.take(&it.selectors).is_ok()
    });
    let promised = "a trail of all Regions with management writes, logging";
    let mut problems = Vec::new();
    let mut fixes = Vec::new();
    for (it, corner) in &trails {
        let (status, selectors) = match (view.take(&it.status), view.take(&it.selectors)) {
            (Ok(status), Ok(selectors)) => (status, selectors),
            (Err(why), _) | (_, Err(why)) => {
                lacking = Some(why);
                continue;
            }
        };
        let which = [("region", corner.region.as_str()), ("name", &it.arn)];
        let mut wrong = Vec::new();
        if !status.logging {
            wrong.push("it is not logging".to_owned());
            fixes.push(aws("cloudtrail start-logging", &which));
        }
        if !it.multi_region {
            wrong.push("it is of one Region alone".to_owned());
            fixes.push(aws("cloudtrail update-trail", &which) + " --is-multi-region-trail");
        }
        if !records_writes(selectors) {
            wrong.push("it leaves out management events that write".to_owned());
        }
        if let Some(error) = status.delivery_error.as_ref().filter(|it| !it.is_empty()) {
            wrong.push(format!("it cannot deliver: {error}"));
        }
        // Management events come every day wherever anything is used; files of them come within minutes.
        if let Some(last) =
            status.delivered_at.filter(|it| it.days_until(view.survey.taken_at) > SILENT)
        {
            wrong.push(format!("it delivered nothing since {}", &last.to_string()[..10]));
        }
        if wrong.is_empty() {
            let whose = if it.organization { ", for the whole organization" } else { "" };
            let seen = format!("{} records them in s3://{}{whose}", it.name, it.bucket);
            return Ok(Judged::pass(seen).promised(promised));
        }
        problems.push(format!("{}: {}", it.name, wrong.join(", ")));
    }
    // A trail that was not understood might be the one.
    if let Some(it) = lacking {
        return Err(it);
    }
    if trails.is_empty() {
        return Ok(Judged::fail("there is no trail").promised(promised).fix(
            "aws cloudtrail create-trail --name management --s3-bucket-name TRAIL-BUCKET --is-multi-region-trail --enable-log-file-validation",
        ));
    }
    let judged = Judged::fail("no trail does").promised(promised).details(problems);
    Ok(fixes.into_iter().fold(judged, Judged::fix))
}

/// Trails of an account, each once, and a refusal that hides others. `is_told` says whether one Region told of a trail what is asked.
fn trails<'a>(
    account: &str,
    view: &View<'a>,
    is_told: fn(&Trail, &View<'_>) -> bool,
) -> (Vec<(&'a Trail, &'a Corner)>, Option<Unread>) {
    let mut out: Vec<(&Trail, &Corner)> = Vec::new();
    let mut lacking = None;
    for corner in view.survey.corners.iter().filter(|it| it.account == account) {
        let told = view.take(&corner.trails);
        lacking = told.as_ref().err().cloned().or(lacking);
        for it in told.into_iter().flatten() {
            // A trail of all Regions is shown in each.
            match out.iter_mut().find(|one| one.0.arn == it.arn) {
                None => out.push((it, corner)),
                // What one Region did not tell another may.
                Some(one) if !is_told(one.0, view) => *one = (it, corner),
                Some(_) => {}
            }
        }
    }
    (out, lacking)
}

/// Days without a file after which a trail is taken for one that does not deliver. Ours: CloudTrail says "within about 5 minutes".
pub(crate) const SILENT: i64 = 7;

/// Whether a field selector takes a value: by one of what it asks for of each kind, and by none of what it leaves out.
/// Source: "AdvancedFieldSelector" (AWS CloudTrail API Reference).
pub(crate) fn takes(it: &FieldSelector, value: &str) -> bool {
    let equals = |many: &[String]| many.iter().any(|it| value == it);
    let begins = |many: &[String]| many.iter().any(|it| value.starts_with(it.as_str()));
    let ends = |many: &[String]| many.iter().any(|it| value.ends_with(it.as_str()));
    let asks = [&it.equals, &it.starts_with, &it.ends_with];
    let wanted = equals(&it.equals) || begins(&it.starts_with) || ends(&it.ends_with);
    (wanted || asks.iter().all(|it| it.is_empty()))
        && !(equals(&it.not_equals) || begins(&it.not_starts_with) || ends(&it.not_ends_with))
}

/// Whether management events that change something are recorded: StartSession is one.
fn records_writes(selectors: &[Selector]) -> bool {
    selectors.iter().any(|it| match it {
        Selector::Plain { read_write, management, .. } => {
            *management && ["All", "WriteOnly"].contains(&read_write.as_str())
        }
        Selector::Advanced { fields, .. } => {
            let is_wide = fields.iter().all(|it| match it.field.as_str() {
                "eventCategory" => takes(it, "Management"),
                "readOnly" => takes(it, "false"),
                // Excluding KMS or the RDS Data API is usual; excluding ssm drops what we need.
                "eventSource" => takes(it, "ssm.amazonaws.com"),
                // Any other field leaves somebody or something out.
                _ => false,
            });
            is_wide && fields.iter().any(|it| it.field == "eventCategory")
        }
    })
}

const VALIDATED: Check = Check {
    id: "COV-TRAIL-02",
    title: "The trail's files can be validated",
    severity: Severity::Medium,
    groups: &[Group::Trail, Group::Integrity],
    reads: &[&["cloudtrail:DescribeTrails", "cloudtrail:GetTrailStatus"]],
    why: "Without digest files nobody can prove that no record was removed.",
    then: "Switch log file validation on.",
    ask: &About::<Account>(validated),
};

fn validated(account: &str, view: &View<'_>) -> Answer {
    let (trails, mut lacking) = trails(account, view, |it, view| view.take(&it.status).is_ok());
    let mut wrong = Vec::new();
    let mut fixes = Vec::new();
    let mut good = 0;
    for (it, corner) in &trails {
        let status = match view.take(&it.status) {
            // What logs nothing any more has nothing to validate.
            Ok(status) if !status.logging => continue,
            Ok(status) => status,
            Err(why) => {
                lacking = Some(why);
                continue;
            }
        };
        let error = status.digest_error.as_ref().filter(|it| !it.is_empty());
        if !it.validated {
            wrong.push(format!("off for {}", it.name));
            let which = [("region", corner.region.as_str()), ("name", &it.arn)];
            fixes.push(aws("cloudtrail update-trail", &which) + " --enable-log-file-validation");
        } else if let Some(error) = error {
            wrong.push(format!("{} cannot deliver its digests: {error}", it.name));
        } else {
            good += 1;
        }
    }
    if !wrong.is_empty() {
        let judged = Judged::fail(wrong.join("; ")).promised("on");
        return Ok(fixes.into_iter().fold(judged, Judged::fix));
    }
    if let Some(it) = lacking {
        return Err(it);
    }
    if good == 0 {
        return Ok(Judged::absent("no trail logs (COV-TRAIL-01)"));
    }
    Ok(Judged::pass("on").promised("on"))
}
