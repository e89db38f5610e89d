//! Asking AWS how the places are set, for the commands that judge, explain or write policies.

use std::time::Instant;

use super::progress::patiently;
use super::reach::Reach;
use super::run::Run;
use super::sync::runtime;
use crate::archive::Archive;
use crate::archive::Which;
use crate::config::Place;
use crate::error::Error;
use crate::error::Kind;
use crate::error::Result;
use crate::session::Window;
use crate::settings::Arrival;
use crate::settings::Survey;
use crate::source::survey;
use crate::source::survey::Clock;
use crate::source::survey::SurveyScope;
use crate::source::survey::SurveyTarget;
use crate::text;
use crate::time::At;

/// Transcripts of each prefix that are looked at beside the newest and oldest five, where nobody says how many.
pub(super) const SAMPLE: usize = 20;

/// Asks about these places, or about all that sessions are logged to.
pub(super) fn ask(
    run: &mut Run<'_, '_>,
    sources: &[String],
    reach: &Reach,
    sample: usize,
) -> Result<Survey> {
    let config = run.config()?;
    let all = reach.region.iter().any(|it| it == "all");
    let regions = if all { Vec::new() } else { reach.region.clone() };
    let region = regions.first().map(String::as_str);
    let specs = match sources.is_empty() {
        true => config.sources.clone(),
        false => super::sync::specs(run, sources)?,
    };
    let mut targets = Vec::new();
    for spec in specs.iter().filter(|it| it.place.is_in_aws()) {
        let role = reach.role_arn.first().map(String::as_str);
        let access =
            reach.said(region, role).or(&spec.access).or(&run.environment()).or(&config.access);
        targets.push(SurveyTarget {
            place: spec.place.clone(),
            access,
            named_by: spec.from.to_string(),
            bucket_owner: spec.bucket_owner.clone(),
        });
    }
    // Places that are named are looked at alone; else the documents of each account tell more.
    let mut accounts = Vec::new();
    if sources.is_empty() {
        let way =
            |role: Option<&str>| reach.said(region, role).or(&run.environment()).or(&config.access);
        if reach.role_arn.is_empty() {
            accounts.push(way(None));
            for it in targets.iter().map(|it| &it.access).filter(|it| it.role_arn.is_some()) {
                if !accounts
                    .iter()
                    .any(|one| one.role_arn == it.role_arn && one.profile == it.profile)
                {
                    accounts.push(it.clone());
                }
            }
        }
        accounts.extend(reach.role_arn.iter().map(|it| way(Some(it))));
    }
    let starters = config.promise.starters.clone();
    let arrivals = arrivals(run);
    let scope = SurveyScope { accounts, regions, targets, sample, starters, arrivals };
    let clock = Clock { began: run.world.now, since: Instant::now() };
    let bar = run.world.progress.then(indicatif::ProgressBar::new_spinner);
    if let Some(it) = &bar {
        it.enable_steady_tick(std::time::Duration::from_millis(120));
    }
    let tell = |what: &str| {
        if let Some(it) = &bar {
            it.set_message(format!("reading {}", text::visible(what)));
        }
    };
    let runtime = runtime()?;
    let mut say = |text: &str| match &bar {
        Some(it) => it.println(text),
        None => run.ui.note(text),
    };
    let asked = patiently(
        &runtime,
        &mut say,
        run.world.stop,
        "how the places are set",
        survey::survey(&scope, clock, &tell),
    );
    runtime.shutdown_background();
    if let Some(it) = &bar {
        it.finish_and_clear();
    }
    asked.map_err(|it| Error { what: "stopped; nothing was judged".into(), ..it })
}

/// Tells what could not even be begun.
pub(super) fn tell_unread(run: &mut Run<'_, '_>, survey: &Survey) {
    for it in &survey.unread {
        let (what, why) = (text::visible(&it.what), text::visible(&it.unread.why));
        run.ui.note(&format!("could not look into {what}: {why}"));
    }
}

/// The archive, where there is one.
pub(super) fn kept(run: &mut Run<'_, '_>) -> Result<Option<Archive>> {
    match run.archive() {
        Ok(it) => Ok(Some(it)),
        Err(it) if it.kind == Kind::Missing => Ok(None),
        Err(it) => Err(it),
    }
}

/// Days that are looked back for transcripts that came: one more than a check asks for.
const BACK: i64 = 8;

/// When transcripts of each target last came to a bucket and to a log group, by our own archive. Where there is none, or it
/// cannot be read, nothing is known to have come, and that it cannot is said.
fn arrivals(run: &mut Run<'_, '_>) -> Vec<Arrival> {
    let from = Some(run.world.now - BACK * 86_400_000_000);
    let which = Which { window: Window { from, to: None }, ..Which::default() };
    let sessions = kept(run).and_then(|it| match it {
        None => Ok(Vec::new()),
        Some(archive) => {
            let sessions = archive.sessions(&which)?;
            run.tell(&archive.damages());
            Ok(sessions)
        }
    });
    let sessions = sessions.unwrap_or_else(|it| {
        let what = text::visible(&it.what).into_owned();
        run.ui.note(&format!("note: what came of late is not known: {what}"));
        Vec::new()
    });
    let mut out: Vec<Arrival> = Vec::new();
    for it in sessions {
        let last = it.last_event_at.0.or(it.ended_at.0).or(it.at.0);
        let (Some(target), Some(at)) = (it.target, last) else { continue };
        let streamed = it.forms.split('+').any(|it| it == "events");
        let whole = it.forms.split('+').any(|it| it != "events");
        let in_bucket = matches!(Place::parse(&it.source), Ok(Place::S3 { .. }));
        for (kind, came) in [("s3", whole && in_bucket), ("logs", streamed)] {
            if !came {
                continue;
            }
            match out.iter_mut().find(|it| it.target == target && it.kind == kind) {
                Some(it) => it.at = it.at.max(At(at)),
                None => out.push(Arrival { target: target.clone(), kind: kind.into(), at: At(at) }),
            }
        }
    }
    out
}
