//! `sync`: bring what is missing from the sources into the archive.

use std::path::Path;

use clap::Args;

use super::Answer;
use super::Run;
use super::progress::Bar;
use crate::archive::writer::Writer;
use crate::error::Error;
use crate::error::Kind;
use crate::error::Result;
use crate::render;
use crate::source::folder::Folder;
use crate::sync;
use crate::sync::Options;
use crate::sync::Summary;

const EXAMPLES: &str = "\
Examples:
  ssmtrail sync ./handed-over              every transcript below a folder
  ssmtrail sync --dry-run ./handed-over    what that would read
  aws s3 sync s3://acme-session-logs ./logs && ssmtrail sync ./logs

Running it again reads only what is new. Stopped anywhere, the next run finishes the work.";

#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(super) struct Sync {
    /// Where transcripts are: folders or files, in any mix of forms
    #[arg(required = true, value_name = "SOURCE")]
    sources: Vec<String>,

    /// Say what would be read, and read nothing
    #[arg(long)]
    dry_run: bool,

    /// Threads that read and decode [default: one a core]
    #[arg(long, value_name = "N")]
    threads: Option<usize>,
}

impl Sync {
    pub(super) fn run(self, run: &mut Run<'_, '_>) -> Result<Answer> {
        let sources: Vec<Folder> =
            self.sources.iter().map(|it| source(it)).collect::<Result<_>>()?;
        let runtime = runtime()?;
        let mut writer = Writer::open(&run.root()?)?;
        let threads = self.threads.unwrap_or_else(|| {
            std::thread::available_parallelism().map_or(2, std::num::NonZero::get)
        });
        let options =
            Options { now: run.world.now, threads, dry_run: self.dry_run, stop: run.world.stop };
        let mut bar = Bar::new(run.world.progress);
        let summary = sync::sync(&runtime, &mut writer, &sources, &options, &mut bar)?;
        for text in words(&summary, self.dry_run) {
            run.ui.note(&text);
        }
        Ok(answer(&summary))
    }
}

pub(super) fn runtime() -> Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|it| Error::new(Kind::Refused, format!("cannot start: {it}")))
}

fn source(text: &str) -> Result<Folder> {
    for (start, place) in [("s3://", "S3"), ("logs:", "CloudWatch Logs"), ("arn:", "AWS")] {
        if text.starts_with(start) {
            return Err(Error::misused(format!(
                "this ssmtrail cannot read {place} itself: {text}"
            ))
            .hint(
                "copy it to a folder first, for example with `aws s3 sync`, and name the folder",
            ));
        }
    }
    Folder::open(Path::new(text))
}

pub(super) fn answer(summary: &Summary) -> Answer {
    match (
        summary.failed.is_empty() && summary.damaged.is_empty(),
        summary.interrupted,
        summary.listed,
    ) {
        (false, ..) | (_, true, _) => Answer::Partial,
        (true, false, 0) => Answer::No,
        (true, false, _) => Answer::Yes,
    }
}

/// A summary that adds up, then each thing that was not read and why.
pub(super) fn words(it: &Summary, dry_run: bool) -> Vec<String> {
    let mut words = Vec::new();
    if dry_run {
        words.push(format!(
            "would read {} of {} listed ({}); {} held already",
            render::plural(it.would_take, "object"),
            render::count(it.listed),
            render::size(it.bytes),
            render::count(it.held)
        ));
        return words;
    }
    words.push(format!(
        "listed {} = stored {} + held {} + skipped {} + failed {}",
        render::count(it.listed),
        render::count(it.stored),
        render::count(it.held),
        render::count(it.others.len() as u64),
        render::count(it.failed.len() as u64),
    ));
    if it.stored > 0 {
        words.push(format!(
            "{}, {} changed; {} read, {} found",
            render::plural(it.sessions_new, "new session"),
            render::count(it.sessions_changed),
            render::size(it.bytes),
            render::plural(it.commands, "command"),
        ));
    }
    let lists = [
        ("skipped", &it.others),
        ("skipped a part of", &it.parts),
        ("read only a part of", &it.damaged),
        ("failed", &it.failed),
    ];
    for (word, list) in lists {
        for skip in list.iter().take(20) {
            let (place, why) = (render::visible(&skip.locator), render::visible(&skip.why));
            words.push(format!("{word} {place}: {why}"));
        }
        if list.len() > 20 {
            words.push(format!("{word} {} more", render::count(list.len() as u64 - 20)));
        }
    }
    if it.listed == 0 {
        words.push("nothing was found there; is it the right folder?".into());
    }
    if it.interrupted {
        words
            .push("interrupted: what was read is kept; run the same command again to go on".into());
    }
    words
}
