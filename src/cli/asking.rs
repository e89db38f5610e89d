//! Asking AWS how the places are set, for the commands that judge, explain or write policies.

use std::path::Path;
use std::time::Instant;

use super::progress::Spinner;
use super::progress::patiently;
use super::reach::Reach;
use super::setup::Setup;
use super::sync::runtime;
use super::world::Here;
use crate::config::Access;
use crate::config::SourceSpec;
use crate::error::Error;
use crate::error::Kind;
use crate::error::Result;
use crate::render::Ui;
use crate::settings::Arrival;
use crate::settings::Survey;
use crate::source::survey;
use crate::source::survey::Clock;
use crate::source::survey::SurveyScope;
use crate::source::survey::SurveyTarget;
use crate::text::safe;

/// Transcripts of each prefix that are looked at beside the newest and oldest five, where nobody says how many.
pub(super) const SAMPLE: usize = 20;

/// The survey in this file; where none is named, AWS is asked about these places, or about all that sessions are logged to.
pub(super) fn survey(
    setup: &Setup<'_>,
    ui: &mut Ui<'_>,
    file: Option<&Path>,
    sources: &[String],
    reach: &Reach,
    sample: usize,
) -> Result<Survey> {
    if let Some(path) = file {
        return read(setup.here, path);
    }
    let (config, otherwise) = (setup.config()?, setup.access()?);
    let specs = match sources.is_empty() {
        true => config.sources.clone(),
        false => super::sync::specs(setup, sources)?,
    };
    let ways = reach.ways();
    let target = |spec: SourceSpec| {
        Some(SurveyTarget {
            access: ways.first()?.or(&spec.access).or(&otherwise),
            place: spec.place,
            named_by: spec.from.to_string(),
            bucket_owner: spec.bucket_owner,
        })
    };
    let places = specs.into_iter().filter(|it| it.place.is_in_aws());
    let targets: Vec<SurveyTarget> = places.filter_map(target).collect();
    // Places that are named are looked at alone; else the documents of each account tell more.
    let mut accounts = Vec::new();
    if sources.is_empty() {
        accounts.extend(ways.iter().map(|it| it.or(&otherwise)));
        if reach.role_arn.is_empty() {
            for it in targets.iter().map(|it| &it.access).filter(|it| it.role_arn.is_some()) {
                let known = |one: &Access| one.role_arn == it.role_arn && one.profile == it.profile;
                if !accounts.iter().any(known) {
                    accounts.push(it.clone());
                }
            }
        }
    }
    let regions = reach.regions();
    let starters = config.promise.starters.clone();
    let arrivals = arrivals(setup, ui);
    let scope = SurveyScope { accounts, regions, targets, sample, starters, arrivals };
    let clock = Clock { began: setup.here.now, since: Instant::now() };
    let spinner = Spinner::new(setup.here.progress);
    let tell = |what: &str| spinner.doing(safe!("reading {}", what));
    let runtime = runtime()?;
    let asked = patiently(
        &runtime,
        &mut |it| spinner.say(ui, it),
        setup.here.stop,
        "how the places are set",
        survey::survey(&scope, clock, &tell),
    );
    runtime.shutdown_background();
    asked.map_err(|it| Error { what: "stopped; nothing was judged".into(), ..it })
}

/// The survey that `verify --save-survey` wrote.
pub(super) fn read(here: Here<'_>, path: &Path) -> Result<Survey> {
    let text = std::fs::read_to_string(here.folder.join(path))
        .map_err(|it| Error::file("read", path, it))?;
    Survey::read(&text)
        .map_err(|why| Error::new(Kind::Damaged, format!("{}: {why}", path.display())))
}

/// Tells what could not even be begun.
pub(super) fn tell_unread(ui: &mut Ui<'_>, survey: &Survey) {
    for it in &survey.unread {
        ui.note(safe!("could not look into {}: {}", it.what, it.unread.why));
    }
}

/// Days that are looked back for transcripts that came: one more than a check asks for.
const BACK: i64 = 8;

/// When transcripts of each target last came to a bucket and to a log group, by our own archive. Where there is none, or it
/// cannot be read, nothing is known to have come, and that it cannot is said.
fn arrivals(setup: &Setup<'_>, ui: &mut Ui<'_>) -> Vec<Arrival> {
    match setup.ask(ui, |it| it.arrivals(setup.here.now.plus(-BACK * 86_400_000_000))) {
        Ok(None) => Vec::new(),
        Ok(Some(it)) => it.answer,
        Err(it) => {
            ui.note(safe!("note: what came of late is not known: {}", it.what));
            Vec::new()
        }
    }
}
