//! A run: one task lists, one fetches many objects at once, every core decodes, and one hand gathers.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures_util::StreamExt;
use tokio::sync::Semaphore;
use tokio::sync::mpsc::Receiver;

use crate::archive::Archive;
use crate::archive::writer::Writer;
use crate::error::Error;
use crate::error::Kind;
use crate::error::Result;
use crate::session::Skip;
use crate::source::Found;
use crate::source::Listed;
use crate::source::Refusal;
use crate::source::Source;
use crate::source::calls::Calls;
use crate::time::At;

use super::draft::*;
use super::gather::Gatherer;
use super::gather::fingerprint;
use super::objects::*;
use super::pieces::Room;
use super::pieces::Waiting;
use super::plan::Decision;
use super::plan::KeptStream;
use super::plan::Ledger;
use super::summary::*;

/// Bytes that are fetched and not yet gathered, in KiB.
const FETCHED_KIB: usize = 96 << 10;
/// What one fetched object counts at least and at most, in KiB: larger ones come as they are read.
const OBJECT_KIB: (u64, u64) = (64, 16 << 10);
const LARGE_AT_ONCE: usize = 2;
/// Objects that wait to be read: each may be an open file.
const BODIES: usize = 16;
/// Outcomes that wait to be gathered, so that decoding goes on while a batch is written. What they weigh is bounded by
/// [`Waiting`].
const OUTCOMES: usize = 1024;

/// An object to be read, and how far it is kept.
type Work = (Listed, Option<KeptStream>);

/// What a listing has told so far.
#[derive(Default)]
struct SoFar {
    told: Summary,
    /// Objects to be read.
    take: u64,
    /// Of those, streams to be continued.
    continued: u64,
}

/// What the archive holds, as far as it can be read; and the sessions that it has, as fingerprints.
fn holdings(archive: &Archive, now: At) -> Result<(Ledger, HashSet<u64>)> {
    let mut ledger = Ledger::new(now);
    let mut sessions: HashSet<u64> =
        archive.session_ids()?.iter().map(|it| fingerprint(it)).collect();
    archive.held(|it| {
        ledger.hold(&it);
        sessions.extend(it.session.map(|it| fingerprint(it.0)));
    })?;
    // What another decoder took for no transcript is read again.
    for entry in archive.manifest.entries.iter().filter(|it| it.decoder == DECODER) {
        for it in &entry.others {
            ledger.know(&it.locator, &it.version, &it.why);
        }
    }
    Ok((ledger, sessions))
}

/// Lists every source and says what is missing. Reads nothing of what is listed, and writes nothing.
///
/// # Errors
/// An archive that cannot be read.
pub fn look(
    runtime: &tokio::runtime::Runtime,
    archive: &Archive,
    sources: &[&dyn Source],
    options: &Options<'_>,
    progress: &mut dyn Progress,
) -> Result<Summary> {
    let (ledger, _) = holdings(archive, options.now)?;
    let mut summary = Summary::default();
    for &source in sources {
        if options.stop.load(Ordering::Relaxed) {
            break;
        }
        progress.source(source.name());
        let calls = || source.asked().map(Calls::by_name).unwrap_or_default();
        let before = calls();
        let (found_out, found_in) = tokio::sync::mpsc::channel::<Found>(1024);
        let listing = Mutex::new(SoFar::default());
        let walked = std::thread::scope(|scope| {
            let lister = scope.spawn(move || list(runtime, source, None, found_out, options.stop));
            let sorter = scope.spawn(|| sort(found_in, None, &ledger, options, &listing));
            while !sorter.is_finished() {
                std::thread::sleep(Duration::from_millis(20));
                if let Ok(it) = listing.lock() {
                    progress.listed(summary.listed + it.told.listed, summary.bytes + it.told.bytes);
                }
            }
            lister.join().unwrap_or_else(|_| Err(Refusal::new("the listing stopped")))
        });
        // Those of the listing alone.
        let mut made = calls();
        made.retain(|name, count| {
            *count -= before.get(name).unwrap_or(&0);
            *count > 0
        });
        let SoFar { told, take, continued } = listing.into_inner().unwrap_or_default();
        summary.would.push(Would {
            source: source.name().to_owned(),
            listed: told.listed,
            take,
            continued,
            held: told.held,
            bytes: told.bytes,
            calls: made,
            reads: source.reads(take, continued).filter(|it| it.1 > 0),
        });
        summary.heard(source.name(), told, walked);
    }
    progress.finished();
    summary.interrupted |= options.stop.load(Ordering::Relaxed);
    summary.unreadable(archive.damages());
    summary.settle();
    Ok(summary)
}

/// What a source lists, or only these of it.
fn list(
    runtime: &tokio::runtime::Runtime,
    source: &dyn Source,
    only: Option<Vec<Listed>>,
    found: tokio::sync::mpsc::Sender<Found>,
    stop: &AtomicBool,
) -> Result<(), Refusal> {
    if let Some(these) = only {
        // Until nobody hears of more: the person wants to stop.
        let _ = these.into_iter().all(|it| found.blocking_send(Ok(it)).is_ok());
        return Ok(());
    }
    runtime.block_on(async {
        tokio::select! {
            it = source.list(found) => it,
            () = stopped(stop) => Ok(()),
        }
    })
}

/// Reads every source and archives what is missing.
///
/// # Errors
/// What stops the run as a whole: an archive that cannot be written. Sources that cannot be listed, objects that
/// cannot be read, and files of the archive that are damaged are in the summary.
pub fn sync(
    runtime: &tokio::runtime::Runtime,
    writer: &mut Writer,
    sources: &[&dyn Source],
    options: &Options<'_>,
    progress: &mut dyn Progress,
) -> Result<Summary> {
    let archive = writer.archive();
    let (ledger, sessions) = holdings(&archive, options.now)?;
    let mut summary = Summary::default();
    summary.unreadable(archive.damages());
    drop(archive);
    let gatherer = Gatherer {
        writer,
        known: sessions,
        kept: None,
        brought: None,
        again: Vec::new(),
        now: options.now,
        stop: options.stop,
        summary,
    };
    let mut run = SyncRun { runtime, ledger, options, gatherer };
    for &source in sources {
        if options.stop.load(Ordering::Relaxed) {
            run.gatherer.summary.interrupted = true;
            break;
        }
        progress.source(source.name());
        run.source(source, None, progress)?;
        let again = std::mem::take(&mut run.gatherer.again);
        if !again.is_empty() && !options.stop.load(Ordering::Relaxed) {
            // What cannot go on from what is kept is read from its beginning.
            for it in &again {
                run.ledger.forget(&it.locator);
            }
            let listed = run.gatherer.summary.listed;
            run.source(source, Some(again), progress)?;
            run.gatherer.summary.listed = listed;
            run.gatherer.again.clear();
        }
    }
    progress.finished();
    let mut summary = run.gatherer.summary;
    summary.settle();
    Ok(summary)
}

/// One run over all sources.
struct SyncRun<'a> {
    runtime: &'a tokio::runtime::Runtime,
    ledger: Ledger,
    options: &'a Options<'a>,
    gatherer: Gatherer<'a>,
}

/// Comes true when the person wants to stop.
async fn stopped(stop: &AtomicBool) {
    while !stop.load(Ordering::Relaxed) {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

impl SyncRun<'_> {
    /// Reads a source: what it lists, or only these of it.
    fn source(
        &mut self,
        source: &dyn Source,
        only: Option<Vec<Listed>>,
        progress: &mut dyn Progress,
    ) -> Result<()> {
        let scratch = self.gatherer.writer.root().join("tmp");
        crate::archive::private_folder(&scratch).map_err(|it| Error::file("make", &scratch, it))?;
        let (found_out, found_in) = tokio::sync::mpsc::channel::<Found>(1024);
        let (work_out, work_in) = tokio::sync::mpsc::channel::<Work>(1024);
        let (body_out, body_in) = tokio::sync::mpsc::channel::<Fetched>(BODIES);
        let (done_out, done_in) = std::sync::mpsc::sync_channel::<Done>(OUTCOMES);
        let (large_out, large_in) = std::sync::mpsc::sync_channel::<Fetched>(1);
        let (body_in, large_in) = (&Mutex::new(body_in), Arc::new(Mutex::new(large_in)));
        let listing = Mutex::new(SoFar::default());
        let Self { runtime, ledger, options, gatherer } = self;
        // By AWS's clock where ours is far off: what is read in its future would settle what still grows.
        let skew = source.asked().and_then(Calls::far_off).unwrap_or(0);
        let now = options.now.plus(skew * 1_000_000);
        let options = &Options { now, ..**options };
        (gatherer.now, gatherer.brought) = (now, None);
        let (runtime, ledger) = (*runtime, &*ledger);
        let (decoded, waiting) = (&Room::default(), &Waiting::default());
        let scratch = scratch.as_path();
        let shop = &Shop { source, ledger, scratch, options, decoded, runtime, waiting };
        let (objects, bytes) = (gatherer.summary.listed, gatherer.summary.bytes);
        let tell = |progress: &mut dyn Progress| {
            progress.waiting(source.asked().and_then(Calls::waiting).as_deref());
            let listed = listing.lock().map_or((0, 0), |it| (it.told.listed, it.told.bytes));
            progress.listed(objects + listed.0, bytes + listed.1);
        };
        let walked = std::thread::scope(|scope| -> Result<Result<(), Refusal>> {
            let lister = scope.spawn(move || list(runtime, source, only, found_out, options.stop));
            scope.spawn(|| sort(found_in, Some(work_out), ledger, options, &listing));
            scope.spawn(move || runtime.block_on(fetch(source, work_in, body_out, options.stop)));
            let threads = options.threads.max(1);
            for _ in 0..threads {
                let (done_out, large_out) = (done_out.clone(), large_out.clone());
                scope.spawn(move || shop.work(body_in, &large_out, &done_out));
            }
            for _ in 0..threads.min(LARGE_AT_ONCE) {
                let (done_out, large_in) = (done_out.clone(), Arc::clone(&large_in));
                scope.spawn(move || shop.work_large(&large_in, &done_out));
            }
            // Whoever waits on another learns by these when that has ended.
            drop((done_out, large_out, large_in));
            let gathered = gatherer.gather(&done_in, progress, &tell);
            // A gatherer that failed leaves workers with nowhere to send: they end, and so does the listing.
            drop(done_in);
            waiting.close();
            let gathered = match gathered {
                // A long transcript was given up half-way: nothing of it counts, and the next run reads it.
                Err(it) if it.kind == Kind::Interrupted => {
                    gatherer.summary.interrupted = true;
                    Ok(())
                }
                it => it,
            };
            if gathered.is_err()
                && let Ok(mut it) = body_in.lock()
            {
                it.close();
            }
            let walked = lister.join();
            gathered?;
            Ok(walked.unwrap_or_else(|_| Err(Refusal::new("the listing stopped"))))
        })?;
        // What was listed is not what was read.
        let told = Summary { bytes: 0, ..listing.into_inner().unwrap_or_default().told };
        gatherer.summary.heard(source.name(), told, walked);
        gatherer.summary.interrupted |= options.stop.load(Ordering::Relaxed);
        Ok(())
    }
}

/// Judges what is listed, and hands on what is to be fetched, if anybody fetches.
fn sort(
    mut found: Receiver<Found>,
    work: Option<tokio::sync::mpsc::Sender<Work>>,
    ledger: &Ledger,
    options: &Options<'_>,
    listing: &Mutex<SoFar>,
) {
    while let Some(found) = found.blocking_recv() {
        if options.stop.load(Ordering::Relaxed) {
            break;
        }
        let job = match listing.lock() {
            Ok(mut it) => it.judge(found, ledger),
            Err(_) => break,
        };
        if let (Some(job), Some(work)) = (job, &work)
            && work.blocking_send(job).is_err()
        {
            break;
        }
    }
}

impl SoFar {
    /// What is to be read of what was found.
    fn judge(&mut self, found: Found, ledger: &Ledger) -> Option<Work> {
        let told = &mut self.told;
        told.listed += 1;
        let mut it = match found {
            Ok(it) => it,
            Err(it) => {
                if it.loses { &mut told.failed } else { &mut told.others }.push(it);
                return None;
            }
        };
        let kept = match super::plan::decide(&it, ledger) {
            Decision::Held => {
                told.held += 1;
                return None;
            }
            Decision::Known(why) => {
                told.others.push(Skip::harmless(it.locator, why));
                return None;
            }
            Decision::Take => None,
            Decision::Continue(kept) => Some(kept),
        };
        if let Some(why) = it.blocked.take() {
            told.failed.push(Skip::loss(it.locator, why));
            return None;
        }
        told.bytes += it.bytes;
        self.take += 1;
        self.continued += u64::from(kept.is_some());
        Some((it, kept))
    }
}

/// Asks for many objects at once, as many as the place likes and as fit into memory, until nobody reads them or the person wants to
/// stop.
async fn fetch(
    source: &dyn Source,
    work: Receiver<Work>,
    bodies: tokio::sync::mpsc::Sender<Fetched>,
    stop: &AtomicBool,
) {
    let room = Arc::new(Semaphore::new(FETCHED_KIB));
    let jobs = futures_util::stream::unfold(work, |mut work| async {
        let job = work.recv().await?;
        Some((job, work))
    });
    let workers = bodies.clone();
    let fetched = jobs.map(move |(listed, kept)| {
        let (room, bodies) = (Arc::clone(&room), bodies.clone());
        async move {
            let needs = (listed.bytes >> 10).clamp(OBJECT_KIB.0, OBJECT_KIB.1);
            let room = room.acquire_many_owned(u32::try_from(needs).unwrap_or(64)).await.ok();
            let body = source.fetch(&listed, kept.as_ref().map(|it| &it.position)).await;
            // Nobody listens any more: the run ends.
            let _ = bodies.send(Fetched { listed, kept, body, room }).await;
        }
    });
    tokio::select! {
        () = fetched.buffer_unordered(source.concurrency().max(1)).for_each(|()| async {}) => {}
        () = workers.closed() => {}
        () = stopped(stop) => {}
    }
}
