//! `sync`: bring what is missing from the sources into the archive.

use std::collections::BTreeMap;

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
use crate::session::Skip;
use crate::source::Refusal;
use crate::source::Source;
use crate::source::any;
use crate::sync;
use crate::sync::Options;
use crate::sync::Summary;
use crate::sync::plan;
use crate::text;
use crate::text::Safe;
use crate::text::safe;

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
        for text in words(&summary, self.dry_run) {
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

/// A summary that adds up, then what was not read and why.
pub(super) fn words(it: &Summary, dry_run: bool) -> Vec<Safe> {
    let mut words = Vec::new();
    if dry_run {
        words.extend(it.would.iter().flat_map(would));
    } else if !it.is_blind() {
        let (others, failed) = (it.others.len() as u64, it.failed.len() as u64);
        // What a run that was stopped listed and did not come to.
        let left = it.listed.saturating_sub(it.stored + it.held + others + failed);
        let left = match left {
            0 => Safe::default(),
            many => safe!(" + left {}", text::count(many)),
        };
        words.push(safe!(
            "listed {} = stored {} + held {} + skipped {} + failed {}{}",
            text::count(it.listed),
            text::count(it.stored),
            text::count(it.held),
            text::count(others),
            text::count(failed),
            left
        ));
    }
    if it.stored > 0 {
        words.push(safe!(
            "{}, {} changed; {} read, {} found",
            text::plural(it.sessions_new, "new session"),
            text::count(it.sessions_changed),
            text::size(it.bytes),
            text::plural(it.commands, "command"),
        ));
    }
    let lists = [
        ("skipped", &it.others),
        ("skipped a part of", &it.parts),
        ("note:", &it.told),
        ("read only a part of", &it.damaged),
        ("failed", &it.failed),
        ("could not list", &it.closed),
        ("could not list all of", &it.unlisted),
        ("unreadable in the archive:", &it.archive),
    ];
    for (word, list) in lists {
        reasons(word, list, &mut words);
    }
    if it.listed == 0 && it.closed.is_empty() && it.unlisted.is_empty() {
        words.push("nothing was found there; is it the right place?".into());
    }
    if it.interrupted {
        words.push(
            "interrupted: what was stored is kept; run the same command again to go on".into(),
        );
    }
    if !it.archive.is_empty() {
        words.push("hint: `ssmtrail archive verify` says what is damaged; nothing that was kept was changed".into());
    }
    words.extend(it.hints.iter().map(|it| safe!("hint: {}", it)));
    words
}

/// Each thing and its reason; one line for many of the same reason.
fn reasons(word: &'static str, list: &[Skip], words: &mut Vec<Safe>) {
    const ALONE: usize = 5;
    let mut same: BTreeMap<&str, usize> = BTreeMap::new();
    for it in list {
        *same.entry(&it.why).or_default() += 1;
    }
    let mut told = 0;
    for it in list {
        let Some(count) = same.get(it.why.as_str()).copied() else { continue };
        let (place, why) = (&it.locator, &it.why);
        if told == 20 {
            let rest: usize = same.values().sum();
            words.push(safe!("{} {} more", word, text::count(rest as u64)));
            return;
        }
        told += 1;
        if count > ALONE {
            same.remove(it.why.as_str());
            let more = text::count(count as u64 - 1);
            words.push(safe!("{} {} and {} more: {}", word, place, more, why));
        } else {
            if let Some(it) = same.get_mut(it.why.as_str()) {
                *it -= 1;
            }
            words.push(safe!("{} {}: {}", word, place, why));
        }
    }
}

/// What a run would do to one source.
fn would(it: &sync::Would) -> Vec<Safe> {
    let size = match it.bytes {
        0 => Safe::default(),
        some => safe!(" ({})", text::size(some)),
    };
    let continued = match it.continued {
        0 => Safe::default(),
        many => safe!(", {} of them to go on with", text::count(many)),
    };
    let mut words = vec![safe!(
        "would read {}{} of {} listed in {}{}; {} held already",
        text::plural(it.take, "object"),
        size,
        text::count(it.listed),
        it.source,
        continued,
        text::count(it.held)
    )];
    let cost = plan::cost(it);
    if !cost.calls.is_empty() {
        let calls = cost.calls.iter().map(|(name, many)| safe!("{} {}", text::count(*many), name));
        let transfer = match it.bytes {
            0 => Safe::default(),
            _ => safe!(", transfer up to {} if it leaves the Region", usd(cost.transfer_usd)),
        };
        words.push(safe!(
            "  calls: {}; requests {}{} (list prices of us-east-1, {})",
            text::joined(calls, ", "),
            usd(cost.requests_usd),
            transfer,
            plan::PRICED,
        ));
    }
    words
}

fn usd(it: f64) -> String {
    match it {
        it if it <= 0.0 => "free".into(),
        it if it < 0.01 => "under USD 0.01".into(),
        it => format!("USD {it:.2}"),
    }
}
