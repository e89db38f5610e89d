//! `sync`: bring what is missing from the sources into the archive.

use clap::Args;

use super::answer::Answer;
use super::progress::Bar;
use super::progress::patiently;
use super::reach::Reach;
use super::setup::Setup;
use crate::archive::Archive;
use crate::archive::writer::Writer;
use crate::config::Origin;
use crate::config::Place;
use crate::config::SourceSpec;
use crate::error::Error;
use crate::error::Kind;
use crate::error::Result;
use crate::render::Ui;
use crate::render::summary;
use crate::source::Refusal;
use crate::source::Source;
use crate::source::any;
use crate::sync;
use crate::sync::Options;
use crate::sync::Summary;

const EXAMPLES: &str = "\
Examples:
  ssmtrail sync                                    every source in ssmtrail.toml
  ssmtrail sync s3://acme-session-logs/prod        a bucket and what lies below a prefix
  ssmtrail sync logs:/aws/ssm/sessions --region eu-west-1
  ssmtrail sync ./handed-over                      every transcript below a folder
  ssmtrail sync --dry-run s3://acme-session-logs   what that would read, and its price

Running it again reads only what is new; log streams that still grow are continued. Stopped anywhere, the next
run finishes the work. It only ever reads from AWS.";

#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(super) struct Sync {
    /// Where transcripts are: s3://bucket/prefix, logs:GROUP, a folder, or a name from ssmtrail.toml
    #[arg(value_name = "SOURCE")]
    sources: Vec<String>,

    /// Say what would be read, in how many calls and at what price, and read nothing
    #[arg(long)]
    dry_run: bool,

    /// Threads that decode [default: one a core]
    #[arg(long, value_name = "N")]
    threads: Option<usize>,

    #[command(flatten)]
    reach: Reach,
}

impl Sync {
    pub(super) fn run(self, setup: &Setup<'_>, ui: &mut Ui<'_>) -> Result<Answer> {
        let specs = specs(setup, &self.sources)?;
        let runtime = runtime()?;
        let root = setup.root()?;
        // A dry run takes no lock, and makes no archive.
        let mut target = match self.dry_run {
            true => {
                let kept = setup.kept()?;
                SyncTarget::Look(Box::new(kept.unwrap_or_else(|| Archive::none(&root))))
            }
            false => SyncTarget::Write(Box::new(Writer::open(&root)?)),
        };
        let mut ready: Vec<Box<dyn Source>> = Vec::new();
        let mut closed: Vec<(String, Refusal)> = Vec::new();
        for spec in &specs {
            let access = self.reach.access(setup, spec)?;
            let open = any::open(spec, &access);
            let place = spec.place.to_string();
            let opened =
                match patiently(&runtime, &mut |it| ui.note(it), setup.here.stop, &place, open)? {
                    Ok(it) => it,
                    // A folder that is not there ends a run over it alone.
                    Err(it) if specs.len() == 1 => return Err(it),
                    Err(it) => Err(it.into()),
                };
            match opened {
                Ok(it) => ready.push(it),
                Err(it) => closed.push((spec.place.to_string(), it)),
            }
        }
        let sources: Vec<&dyn Source> = ready.iter().map(|it| &**it).collect();
        let threads = self.threads.unwrap_or_else(|| {
            std::thread::available_parallelism().map_or(2, std::num::NonZero::get)
        });
        let options = Options { now: setup.here.now, threads, stop: setup.here.stop };
        let mut bar = Bar::new(setup.here.progress, ui);
        let mut summary = match &mut target {
            SyncTarget::Look(it) => sync::look(&runtime, it, &sources, &options, &mut bar)?,
            SyncTarget::Write(it) => sync::sync(&runtime, it, &sources, &options, &mut bar)?,
        };
        for (place, refusal) in closed {
            summary.cannot_list(&place, refusal, false);
        }
        for text in summary::words(&summary, self.dry_run) {
            ui.note(text);
        }
        if let SyncTarget::Write(it) = &target
            && let Some(head) = it.head()
        {
            ui.note(super::archive::head(Some(&head)));
        }
        // Requests under way end with the program.
        runtime.shutdown_background();
        Ok(answer(&summary))
    }
}

/// What a run works on.
enum SyncTarget {
    Look(Box<Archive>),
    Write(Box<Writer>),
}

pub(super) fn runtime() -> Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|it| Error::new(Kind::Refused, format!("cannot start: {it}")))
}

/// The sources that were named, or all that are configured.
pub(super) fn specs(setup: &Setup<'_>, named: &[String]) -> Result<Vec<SourceSpec>> {
    let config = setup.config()?;
    if named.is_empty() {
        if config.sources.is_empty() {
            return Err(Error::misused("no source is named and none is configured").hint(
                "name one, as `ssmtrail sync s3://bucket/prefix`, or let `ssmtrail init` find them",
            ));
        }
        return Ok(config.sources.clone());
    }
    let spec = |text: &String| -> Result<SourceSpec> {
        if let Some(it) = config.sources.iter().find(|it| it.name.as_ref() == Some(text)) {
            return Ok(it.clone());
        }
        let place = Place::parse(text)?;
        let known = config.sources.iter().find(|it| it.place == place);
        Ok(known.cloned().unwrap_or_else(|| SourceSpec::of(place, Origin::Argument)))
    };
    named.iter().map(spec).collect()
}

pub(super) fn answer(summary: &Summary) -> Answer {
    let whole = summary.failed.is_empty()
        && summary.damaged.is_empty()
        && summary.closed.is_empty()
        && summary.unlisted.is_empty()
        && summary.archive.is_empty()
        && !summary.interrupted;
    match (whole, summary.listed) {
        (false, _) if summary.is_blind() => Answer::Failed,
        (false, _) => Answer::Partial,
        (true, 0) => Answer::No,
        (true, _) => Answer::Yes,
    }
}
