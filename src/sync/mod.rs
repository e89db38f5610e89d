//! Bring what is missing into the archive.
//!
//! Settle, then act: `plan::decide` is a pure judgement about one listed object; the rest carries it out. One task lists,
//! one fetches many objects at once, every core decodes, and one hand gathers what is decoded into batches. Each batch
//! becomes one entry of the manifest, so that a run stopped anywhere has kept all its finished batches and the next
//! goes on, and a search meanwhile finds what is finished. All transcripts of one session become one session: its text
//! from the form that kept every byte, its owner and times from the form that tells them.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::collections::HashSet;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::sync::mpsc::SyncSender;
use std::time::Duration;

use futures_util::StreamExt;
use sha2::Digest;
use sha2::Sha256;
use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::Semaphore;
use tokio::sync::mpsc::Receiver;

use crate::archive::Archive;
use crate::archive::manifest::Alias;
use crate::archive::manifest::Other;
use crate::archive::writer::Writer;
use crate::error::Error;
use crate::error::Kind;
use crate::error::Result;
use crate::intake;
use crate::intake::Content;
use crate::session::MASK;
use crate::session::SessionId;
use crate::session::Skip;
use crate::source::Body;
use crate::source::FIXED;
use crate::source::Found;
use crate::source::Handle;
use crate::source::Listed;
use crate::source::Refusal;
use crate::source::Seen;
use crate::source::Source;
use crate::source::folder::plain;
use crate::transcript::decoder::CHUNK;
use crate::transcript::decoder::Claims;
use crate::transcript::decoder::Decoder;
use crate::transcript::decoder::Flaw;
use crate::transcript::decoder::FlawKind;
use crate::transcript::decoder::Piece;
use crate::transcript::wire::Form;
use crate::transcript::wire::is_cp932;

use pieces::Decoded;
use pieces::Room;
use pieces::Waiting;
use plan::Decision;
use plan::Ledger;

pub use rebuild::Changed;
pub use rebuild::Rebuilt;
pub use rebuild::rebuild;

/// What is missing.
pub mod plan;

/// Decoded transcripts on their way to their sessions.
mod gather;

/// Streams that were read anew.
mod anew;

/// Everything that is kept, decoded again.
mod rebuild;

/// What was decoded and waits to be written.
mod pieces;

/// The rows of a session, on their way to the files of one segment.
mod rows;

/// Raised whenever the decoder would read the same bytes otherwise.
pub const DECODER: i64 = 9;

/// Rows of one row group: small enough that reading one session reads little else.
const GROUP_ROWS: usize = 8192;
/// Bytes of one part of a long transcript, and of one row group of short ones.
const PART_BYTES: usize = 4 << 20;
/// Bytes that are fetched and not yet gathered, in KiB.
const FETCHED_KIB: usize = 96 << 10;
/// What one fetched object counts at least and at most, in KiB: larger ones come as they are read.
const OBJECT_KIB: (u64, u64) = (64, 16 << 10);
/// Objects that take so many KiB or more while they are read are read by few workers, however many there are.
const LARGE_KIB: usize = 2 << 10;
const LARGE_AT_ONCE: usize = 2;
/// Objects that wait to be read: each may be an open file.
const BODIES: usize = 16;
/// Outcomes that wait to be gathered, so that decoding goes on while a batch is written. What they weigh is bounded by
/// [`Waiting`].
const OUTCOMES: usize = 1024;

/// What a run did. Listed is the sum of stored, held, others and failed.
#[derive(Debug, Default)]
pub struct Summary {
    /// Objects that the listings told.
    pub listed: u64,
    /// Objects whose bytes were kept.
    pub stored: u64,
    /// Objects that the archive has already.
    pub held: u64,
    /// Objects that are no transcripts: said, no loss.
    pub others: Vec<Skip>,
    /// Objects that could not be read: evidence may be missing.
    pub failed: Vec<Skip>,
    /// Objects that were stored but could be read only in part.
    pub damaged: Vec<Skip>,
    /// Parts of stored objects that are no transcripts.
    pub parts: Vec<Skip>,
    /// What else a reader must know: an object that was replaced between listing and reading.
    pub told: Vec<Skip>,
    /// Sources of which nothing could be listed.
    pub closed: Vec<Skip>,
    /// Sources that could not be listed to their end.
    pub unlisted: Vec<Skip>,
    /// What of the archive cannot be read.
    pub archive: Vec<Skip>,
    /// What to do about the failures, each once.
    pub hints: BTreeSet<String>,
    /// Transcripts that were kept; one object may hold several.
    pub transcripts: u64,
    /// Sessions that the archive did not have.
    pub sessions_new: u64,
    /// Sessions that the archive had and whose rows were written anew.
    pub sessions_changed: u64,
    /// Commands of these sessions.
    pub commands: u64,
    /// Bytes that were read; in a dry run, those that would be.
    pub bytes: u64,
    /// Whether the run was stopped before its end.
    pub interrupted: bool,
    /// Objects that a dry run would take, by source.
    pub would: Vec<Would>,
    /// How often an index was looked through, and how often a file of the archive was opened: what a test holds us to.
    pub index_scans: u64,
    /// How often a file of the archive was opened.
    pub files_opened: u64,
}

/// What a run would take from one source.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Would {
    /// The source as the archive names it.
    pub source: String,
    /// Objects that the listing told.
    pub listed: u64,
    /// Objects that would be read.
    pub take: u64,
    /// Of those to take, streams that would be continued.
    pub continued: u64,
    /// Objects that the archive has already.
    pub held: u64,
    /// Bytes of the objects to take, as far as the listing tells.
    pub bytes: u64,
    /// Calls that the listing made.
    pub calls: BTreeMap<String, u64>,
}

impl Summary {
    fn refused(&mut self, locator: &str, it: &Refusal) {
        self.failed.push(Skip { locator: locator.to_owned(), why: it.why.clone(), loses: true });
        self.hints.extend(it.hint.clone());
    }

    /// A source that refused its listing, before or after it told something.
    pub fn cannot_list(&mut self, name: &str, it: Refusal, some: bool) {
        let list = if some { &mut self.unlisted } else { &mut self.closed };
        list.push(Skip { locator: name.to_owned(), why: it.why, loses: true });
        self.hints.extend(it.hint);
    }

    /// Files of the archive that could not be read, each once.
    fn unreadable(&mut self, damages: Vec<Skip>) {
        for it in damages {
            if !self.archive.iter().any(|seen| seen.locator == it.locator) {
                self.archive.push(it);
            }
        }
    }

    /// Nothing at all could be listed.
    pub fn is_blind(&self) -> bool {
        self.listed == 0 && !self.closed.is_empty()
    }
}

/// Watches a run. Called from one thread.
pub trait Progress {
    /// A source of this name begins.
    fn source(&mut self, _name: &str) {}
    /// So many objects and bytes were listed, all told.
    fn listed(&mut self, _objects: u64, _bytes: u64) {}
    /// So many more objects and bytes are done.
    fn took(&mut self, _objects: u64, _bytes: u64) {}
    /// The place has given nothing for a while, in words; `None` while it does. Told again and again.
    fn waiting(&mut self, _words: Option<&str>) {}
    /// The run is over.
    fn finished(&mut self) {}
}

/// No one watches.
impl Progress for () {}

/// Who watches a run is told what its source waits for, too.
struct Watched<'a, S> {
    source: &'a S,
    progress: &'a mut dyn Progress,
}

impl<S: Source> Progress for Watched<'_, S> {
    fn listed(&mut self, objects: u64, bytes: u64) {
        self.progress.waiting(self.source.waiting().as_deref());
        self.progress.listed(objects, bytes);
    }

    fn took(&mut self, objects: u64, bytes: u64) {
        self.progress.took(objects, bytes);
    }
}

/// The run's clock and limits, told from outside.
pub struct Options<'a> {
    /// Now, UTC microseconds.
    pub now: i64,
    /// Threads that decode; one at least is used.
    pub threads: usize,
    /// Ends the run early when it becomes `true`.
    pub stop: &'a AtomicBool,
}

/// One transcript, read and (unless it is large) decoded.
struct Draft {
    session_id: SessionId,
    source: String,
    locator: String,
    version: String,
    form: Form,
    digest: String,
    stored_bytes: u64,
    stored_at: Option<i64>,
    read_at: i64,
    content: Content,
    /// The archive holds its bytes already, in this many parts.
    kept: Option<i64>,
    /// What a log stream has grown by, of which all else is kept already.
    tail: Option<Tail>,
    seen: Seen,
    /// Account and Region that the source itself tells.
    place: (Option<String>, Option<String>),
    /// Flaws of the object rather than of its bytes.
    object_flaws: Vec<FlawKind>,
    claims: Claims,
    flaws: Vec<Flaw>,
    /// What was decoded, unless it is too much to hold: then it is decoded once more when it is written.
    piece: Option<Decoded>,
}

/// New events of a kept stream.
struct Tail {
    content: Content,
    digest: String,
    /// Where it stands in the whole.
    part: i64,
    start: i64,
}

impl Draft {
    fn account(&self) -> Option<&str> {
        self.claims.account.as_deref().or(self.place.0.as_deref())
    }

    /// Which copy a session's text is taken from: one that kept every byte, of these the longest, and of equal ones that which was
    /// kept first. (What differs in more than its length is no copy, see `Gatherer::apart`.)
    /// Of readings of a stream it is the one that holds the others.
    fn rank(&self) -> (bool, bool, u64, bool, i64) {
        let (whole, stored) = (self.is_whole(), self.stored_at.unwrap_or(i64::MIN + 1));
        (
            self.content.bytes() > 0,
            self.form != Form::Events || !self.claims.streamed,
            self.content.bytes(),
            whole && self.kept.is_some(),
            if whole { -stored } else { stored },
        )
    }

    /// Whether it is a copy of the session's bytes, every one kept, so that two of them must not differ.
    fn is_whole(&self) -> bool {
        self.form != Form::Events && self.content.bytes() > 0
    }

    /// Whether two copies must agree: both kept every byte, or both are readings of the log stream.
    fn is_comparable(&self, other: &Self) -> bool {
        let is_reading = |it: &Self| it.form == Form::Events && it.content.bytes() > 0;
        self.is_whole() && other.is_whole() || is_reading(self) && is_reading(other)
    }

    /// What it must agree with: the first copy that kept every byte, or the longest reading of the stream.
    fn compared_with<'a>(&self, mut all: impl Iterator<Item = &'a Self>) -> Option<&'a Self> {
        if self.is_whole() {
            return all.find(|it| it.is_whole());
        }
        all.filter(|it| it.is_comparable(self)).max_by_key(|it| it.content.bytes())
    }

    /// Whether one of two copies is the beginning of the other: it was taken earlier, or cut; of readings of a log stream, whether
    /// one holds all that the other does.
    fn goes_on_from(&self, other: &Self) -> std::io::Result<bool> {
        if self.form == Form::Events {
            return intake::one_holds_the_other(&self.content, &other.content);
        }
        let (long, short) = match self.content.bytes() >= other.content.bytes() {
            true => (self, other),
            false => (other, self),
        };
        if long.content.bytes() == short.content.bytes() {
            return Ok(long.content.digest()? == short.content.digest()?);
        }
        let mut hasher = Sha256::new();
        let mut left = short.content.bytes();
        let read = long.content.parts(1 << 20, |part| {
            let many = (part.len() as u64).min(left) as usize;
            hasher.update(&part[..many]);
            left -= many as u64;
            if left == 0 { Err(std::io::ErrorKind::Interrupted.into()) } else { Ok(()) }
        });
        if let Err(it) = read
            && it.kind() != std::io::ErrorKind::Interrupted
        {
            return Err(it);
        }
        Ok(hex::encode(hasher.finalize()) == short.content.digest()?)
    }

    /// Decodes a small transcript whole, and of a large one its beginning, for what it claims.
    fn decode(&mut self, room: &Room) -> std::io::Result<()> {
        let mut decoder = Decoder::new(self.form);
        if let Content::Memory(bytes) = &self.content {
            let mut piece = Piece::default();
            let mut held = Some(Decoded::new(room));
            for part in bytes.chunks(CHUNK) {
                decoder.push(part);
                decoder.take_into(&mut piece);
                held = held.and_then(|it| it.and(&mut piece));
            }
            let (mut last, claims, flaws) = decoder.finish();
            self.claims = claims;
            self.flaws = flaws;
            self.piece = held.and_then(|it| it.and(&mut last));
        } else {
            let mut pushed = false;
            let read = self.content.parts(1 << 20, |part| {
                if !pushed {
                    decoder.push(part);
                    pushed = true;
                    // The rest is read when it is written.
                    return Err(std::io::ErrorKind::Interrupted.into());
                }
                Ok(())
            });
            if let Err(it) = read
                && it.kind() != std::io::ErrorKind::Interrupted
            {
                return Err(it);
            }
            self.claims = decoder.finish().1;
        }
        let told = [self.claims.session_id.as_deref(), self.claims.frame.session_id.as_deref()];
        let is_other = |it: &&str| !it.contains(MASK) && *it != self.session_id.as_str();
        if told.into_iter().flatten().any(|it| is_other(&it)) {
            self.flaws.push(Flaw { kind: FlawKind::IdDiffers, at: 0, count: 1 });
        }
        let at = self.content.bytes();
        let flaw = |kind: &FlawKind| Flaw {
            kind: *kind,
            at: if *kind == FlawKind::ObjectDamaged { at } else { 0 },
            count: 1,
        };
        self.flaws.extend(self.object_flaws.iter().map(flaw));
        Ok(())
    }
}

/// The new events of a stream whose beginning is kept, with the key of its session.
struct Growth {
    kept: plan::Kept,
    /// The stream as listed now.
    listed: Listed,
    /// The version that is held from now on.
    version: String,
    stored_at: Option<i64>,
    content: Content,
    digest: String,
    repeated: u64,
    seen: Seen,
}

enum Outcome {
    Drafts {
        bytes: u64,
        drafts: Vec<Draft>,
        damage: Option<Skip>,
        others: Vec<Skip>,
        told: Option<Skip>,
    },
    Grown {
        growth: Box<Growth>,
        damage: Option<Skip>,
        told: Option<Skip>,
    },
    /// Nothing that is not held. The alias makes this version known.
    Held {
        bytes: u64,
        alias: Option<Alias>,
    },
    /// No transcript: remembered, so that it is not read again.
    Other {
        bytes: u64,
        other: Other,
    },
    Failed {
        locator: String,
        refusal: Refusal,
    },
}

/// One object that was asked for.
struct Fetched {
    listed: Listed,
    kept: Option<plan::Kept>,
    body: Result<Box<dyn Body>, Refusal>,
    /// Given back when what became of the bytes is gathered.
    room: Option<OwnedSemaphorePermit>,
}

impl Outcome {
    /// KiB that it takes while it waits to be gathered.
    fn weight(&self) -> usize {
        match self {
            Self::Drafts { drafts, .. } => pieces::weight_of(drafts.iter().map(|it| &it.content)),
            Self::Grown { growth, .. } => pieces::weight_of(std::iter::once(&growth.content)),
            Self::Held { .. } | Self::Other { .. } | Self::Failed { .. } => 0,
        }
    }
}

/// What became of one object.
struct Done {
    outcome: Outcome,
    _room: (Option<OwnedSemaphorePermit>, OwnedSemaphorePermit),
}

/// What the archive holds, as far as it can be read.
struct Holdings {
    ledger: Ledger,
    /// Sessions that it has, as fingerprints.
    sessions: HashSet<u64>,
}

impl Holdings {
    fn of(archive: &Archive, now: i64) -> Result<Self> {
        let mut ledger = Ledger::new(now);
        let mut sessions: HashSet<u64> =
            archive.session_ids()?.iter().map(|it| gather::fingerprint(it)).collect();
        archive.held(|it| {
            ledger.hold(&it);
            sessions.extend(it.session.map(|it| gather::fingerprint(it.0)));
        })?;
        // What another decoder took for no transcript is read again.
        for entry in archive.manifest.entries.iter().filter(|it| it.decoder == DECODER) {
            for it in &entry.others {
                ledger.know(&it.locator, &it.version, &it.why);
            }
        }
        Ok(Self { ledger, sessions })
    }
}

/// Lists every source and says what is missing. Reads nothing of what is listed, and writes nothing.
///
/// # Errors
/// An archive that cannot be read.
pub fn look<S: Source + Sync>(
    runtime: &tokio::runtime::Runtime,
    archive: &Archive,
    sources: &[S],
    options: &Options<'_>,
    progress: &mut dyn Progress,
) -> Result<Summary> {
    let known = Holdings::of(archive, options.now)?;
    let mut summary = Summary::default();
    for source in sources {
        if options.stop.load(Ordering::Relaxed) {
            break;
        }
        progress.source(source.name());
        let before = source.calls();
        let (found_out, found_in) = tokio::sync::mpsc::channel::<Found>(1024);
        let listing = Mutex::new((Summary::default(), Would::default()));
        let walked = std::thread::scope(|scope| {
            let lister = scope.spawn(move || list(runtime, source, found_out, options.stop));
            let ledger = &known.ledger;
            let sorter = scope.spawn(|| sort(found_in, None, ledger, options, &listing));
            while !sorter.is_finished() {
                std::thread::sleep(Duration::from_millis(20));
                if let Ok(it) = listing.lock() {
                    progress.listed(summary.listed + it.0.listed, summary.bytes + it.0.bytes);
                }
            }
            lister.join().unwrap_or_else(|_| Err(Refusal::new("the listing stopped")))
        });
        let (listed, mut would) = listing.into_inner().unwrap_or_default();
        summary.bytes += listed.bytes;
        would.source = source.name().to_owned();
        would.calls = since(&before, source.calls());
        summary.would.push(would);
        summary.heard(source.name(), listed, walked);
    }
    progress.finished();
    summary.interrupted |= options.stop.load(Ordering::Relaxed);
    summary.unreadable(archive.damages());
    summary.settle();
    Ok(summary)
}

async fn stoppable<S: Source>(
    source: &S,
    found: tokio::sync::mpsc::Sender<Found>,
    stop: &AtomicBool,
) -> Result<(), Refusal> {
    tokio::select! {
        it = source.list(found) => it,
        () = stopped(stop) => Ok(()),
    }
}

fn list<S: Source>(
    runtime: &tokio::runtime::Runtime,
    source: &S,
    found: tokio::sync::mpsc::Sender<Found>,
    stop: &AtomicBool,
) -> Result<(), Refusal> {
    runtime.block_on(stoppable(source, found, stop))
}

impl Summary {
    /// Takes up what the listing of a source told.
    fn heard(&mut self, name: &str, listed: Self, walked: Result<(), Refusal>) {
        self.listed += listed.listed;
        self.held += listed.held;
        self.others.extend(listed.others);
        self.failed.extend(listed.failed);
        if let Err(it) = walked {
            self.cannot_list(name, it, listed.listed > 0);
        }
    }

    /// Workers finish in any order; the words must not depend on it.
    fn settle(&mut self) {
        for list in [
            &mut self.others,
            &mut self.damaged,
            &mut self.parts,
            &mut self.failed,
            &mut self.told,
            &mut self.archive,
        ] {
            list.sort_by(|one, other| one.locator.cmp(&other.locator));
        }
    }
}

/// Reads every source and archives what is missing.
///
/// # Errors
/// What stops the run as a whole: an archive that cannot be written. Sources that cannot be listed, objects that
/// cannot be read, and files of the archive that are damaged are in the summary.
pub fn sync<S: Source + Sync>(
    runtime: &tokio::runtime::Runtime,
    writer: &mut Writer,
    sources: &[S],
    options: &Options<'_>,
    progress: &mut dyn Progress,
) -> Result<Summary> {
    let archive = writer.archive();
    let known = Holdings::of(&archive, options.now)?;
    let mut run = SyncRun {
        runtime,
        known,
        kept: None,
        again: Vec::new(),
        options,
        summary: Summary::default(),
    };
    run.summary.unreadable(archive.damages());
    drop(archive);
    for source in sources {
        if options.stop.load(Ordering::Relaxed) {
            run.summary.interrupted = true;
            break;
        }
        progress.source(source.name());
        run.source(writer, source, progress)?;
        let again = std::mem::take(&mut run.again);
        if !again.is_empty() && !options.stop.load(Ordering::Relaxed) {
            // What cannot go on from what is kept is read from its beginning.
            for it in &again {
                run.known.ledger.forget(&it.locator);
            }
            let listed = run.summary.listed;
            run.source(writer, &Again { source, listed: again }, progress)?;
            run.summary.listed = listed;
            run.again.clear();
        }
    }
    progress.finished();
    let mut summary = run.summary;
    summary.settle();
    Ok(summary)
}

/// A source of which only these are wanted.
struct Again<'a, S> {
    source: &'a S,
    listed: Vec<Listed>,
}

impl<S: Source + Sync> Source for Again<'_, S> {
    fn name(&self) -> &str {
        self.source.name()
    }

    async fn list(&self, found: tokio::sync::mpsc::Sender<Found>) -> Result<(), Refusal> {
        for it in &self.listed {
            if found.send(Found::Object(it.clone())).await.is_err() {
                break;
            }
        }
        Ok(())
    }

    async fn fetch(
        &self,
        it: &Listed,
        _from: Option<&crate::source::Position>,
    ) -> Result<Box<dyn Body>, Refusal> {
        self.source.fetch(it, None).await
    }

    fn concurrency(&self) -> usize {
        self.source.concurrency()
    }

    fn calls(&self) -> Vec<(String, u64)> {
        self.source.calls()
    }

    fn whereabouts(&self) -> (Option<String>, Option<String>) {
        self.source.whereabouts()
    }

    fn skew(&self) -> Option<i64> {
        self.source.skew()
    }

    fn waiting(&self) -> Option<String> {
        self.source.waiting()
    }
}

/// One run over all sources.
struct SyncRun<'a> {
    runtime: &'a tokio::runtime::Runtime,
    known: Holdings,
    kept: Option<gather::Kept>,
    again: Vec<Listed>,
    options: &'a Options<'a>,
    summary: Summary,
}

/// Comes true when the person wants to stop.
async fn stopped(stop: &AtomicBool) {
    while !stop.load(Ordering::Relaxed) {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

impl SyncRun<'_> {
    fn source<S: Source + Sync>(
        &mut self,
        writer: &mut Writer,
        source: &S,
        progress: &mut dyn Progress,
    ) -> Result<()> {
        let scratch = writer.root().join("tmp");
        crate::archive::private_folder(&scratch).map_err(|it| Error::file("make", &scratch, it))?;
        let (found_out, found_in) = tokio::sync::mpsc::channel::<Found>(1024);
        let (work_out, work_in) = tokio::sync::mpsc::channel::<(Listed, Option<plan::Kept>)>(1024);
        let (body_out, body_in) = tokio::sync::mpsc::channel::<Fetched>(BODIES);
        let (done_out, done_in) = std::sync::mpsc::sync_channel::<Done>(OUTCOMES);
        let (large_out, large_in) = std::sync::mpsc::sync_channel::<Fetched>(1);
        let (body_in, large_in) = (&Mutex::new(body_in), Arc::new(Mutex::new(large_in)));
        let listing = Mutex::new((Summary::default(), Would::default()));
        let (room, waiting) = (Room::default(), Waiting::default());
        let Self { runtime, known, kept, again, options, summary } = self;
        // By AWS's clock where ours is far off: what is read in its future would settle what still grows.
        let now = options.now.saturating_add(source.skew().map_or(0, |it| it * 1_000_000));
        let options = &Options { now, ..**options };
        let runtime = *runtime;
        let Holdings { ledger, sessions } = known;
        let ledger = &*ledger;
        let (scratch, decoded, waiting) = (scratch.as_path(), &room, &waiting);
        let shop = &Shop { source, ledger, scratch, options, decoded, runtime, waiting };
        let walked = std::thread::scope(|scope| -> Result<Result<(), Refusal>> {
            let lister = scope.spawn(move || list(runtime, source, found_out, options.stop));
            scope.spawn(|| sort(found_in, Some(work_out), ledger, options, &listing));
            scope.spawn(move || {
                runtime.block_on(async {
                    let workers = body_out.clone();
                    tokio::select! {
                        () = fetch(source, work_in, body_out) => {}
                        () = workers.closed() => {}
                        () = stopped(options.stop) => {}
                    }
                });
            });
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
            let mut gatherer = gather::Gatherer {
                writer,
                known: sessions,
                kept,
                brought: None,
                again,
                options,
                summary: &mut *summary,
            };
            let mut watched = Watched { source, progress };
            let mut gathered = gatherer.gather(&done_in, &mut watched, &|| {
                let it = listing.lock();
                it.map_or((0, 0), |it| (it.0.listed, it.0.bytes))
            });
            if gathered.as_ref().is_err_and(|it| it.kind == Kind::Interrupted) {
                // A long transcript was given up half-way: nothing of it counts, and the next run reads it.
                summary.interrupted = true;
                gathered = Ok(());
            }
            // A gatherer that failed leaves workers with nowhere to send: they end, and so does the listing.
            drop(done_in);
            waiting.close();
            if gathered.is_err()
                && let Ok(mut it) = body_in.lock()
            {
                it.close();
            }
            let walked = lister.join();
            gathered?;
            Ok(walked.unwrap_or_else(|_| Err(Refusal::new("the listing stopped"))))
        })?;
        let (listed, _) = listing.into_inner().unwrap_or_default();
        summary.heard(source.name(), listed, walked);
        summary.interrupted |= options.stop.load(Ordering::Relaxed);
        Ok(())
    }
}

/// Calls made since an earlier count.
fn since(before: &[(String, u64)], now: Vec<(String, u64)>) -> BTreeMap<String, u64> {
    let old: BTreeMap<&str, u64> = before.iter().map(|it| (it.0.as_str(), it.1)).collect();
    now.iter()
        .map(|(name, count)| (name.clone(), count - old.get(name.as_str()).copied().unwrap_or(0)))
        .filter(|it| it.1 > 0)
        .collect()
}

/// Judges what is listed, and hands on what is to be fetched, if anybody fetches.
fn sort(
    mut found: Receiver<Found>,
    work: Option<tokio::sync::mpsc::Sender<(Listed, Option<plan::Kept>)>>,
    ledger: &Ledger,
    options: &Options<'_>,
    listing: &Mutex<(Summary, Would)>,
) {
    while let Some(found) = found.blocking_recv() {
        if options.stop.load(Ordering::Relaxed) {
            break;
        }
        let job = match listing.lock() {
            Ok(mut it) => {
                let (seen, would) = &mut *it;
                judge(found, ledger, seen, would)
            }
            Err(_) => break,
        };
        if let (Some(job), Some(work)) = (job, &work)
            && work.blocking_send(job).is_err()
        {
            break;
        }
    }
}

fn judge(
    found: Found,
    ledger: &Ledger,
    seen: &mut Summary,
    would: &mut Would,
) -> Option<(Listed, Option<plan::Kept>)> {
    seen.listed += 1;
    would.listed += 1;
    let mut it = match found {
        Found::Object(it) => it,
        Found::Skip(it) => {
            if it.loses { &mut seen.failed } else { &mut seen.others }.push(it);
            return None;
        }
    };
    let kept = match plan::decide(&it, ledger) {
        Decision::Held => {
            seen.held += 1;
            would.held += 1;
            return None;
        }
        Decision::Known(why) => {
            seen.others.push(Skip { locator: it.locator, why, loses: false });
            return None;
        }
        Decision::Take => None,
        Decision::Continue(kept) => Some(kept),
    };
    if let Some(why) = it.blocked.take() {
        seen.failed.push(Skip { locator: it.locator, why, loses: true });
        return None;
    }
    would.take += 1;
    would.continued += u64::from(kept.is_some());
    would.bytes += it.bytes;
    seen.bytes += it.bytes;
    Some((it, kept))
}

/// Asks for many objects at once, as many as the place likes and as fit into memory.
async fn fetch<S: Source>(
    source: &S,
    work: Receiver<(Listed, Option<plan::Kept>)>,
    bodies: tokio::sync::mpsc::Sender<Fetched>,
) {
    let room = Arc::new(Semaphore::new(FETCHED_KIB));
    let jobs = futures_util::stream::unfold(work, |mut work| async {
        let job = work.recv().await?;
        Some((job, work))
    });
    jobs.map(|(listed, kept)| {
        let (room, bodies) = (Arc::clone(&room), bodies.clone());
        async move {
            let needs = (listed.bytes >> 10).clamp(OBJECT_KIB.0, OBJECT_KIB.1);
            let room = room.acquire_many_owned(u32::try_from(needs).unwrap_or(64)).await.ok();
            let body = source.fetch(&listed, kept.as_ref().map(|it| &it.position)).await;
            // Nobody listens any more: the run ends.
            let _ = bodies.send(Fetched { listed, kept, body, room }).await;
        }
    })
    .buffer_unordered(source.concurrency().max(1))
    .for_each(|()| async {})
    .await;
}

/// A body that gives up when the person wants to stop.
struct Stoppable<'a> {
    body: &'a mut dyn Body,
    stop: &'a AtomicBool,
}

impl std::io::Read for Stoppable<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if self.stop.load(Ordering::Relaxed) {
            return Err(std::io::Error::other("interrupted"));
        }
        self.body.read(buffer)
    }
}

/// What workers share.
struct Shop<'a, S> {
    source: &'a S,
    ledger: &'a Ledger,
    scratch: &'a std::path::Path,
    options: &'a Options<'a>,
    decoded: &'a Room,
    runtime: &'a tokio::runtime::Runtime,
    waiting: &'a Waiting,
}

impl<S: Source> Shop<'_, S> {
    /// Reads objects as they come; large ones go to the few workers that read those.
    fn work(
        &self,
        bodies: &Mutex<Receiver<Fetched>>,
        large: &SyncSender<Fetched>,
        done: &SyncSender<Done>,
    ) {
        loop {
            let next = match bodies.lock() {
                Ok(mut it) => it.blocking_recv(),
                Err(_) => return,
            };
            let Some(fetched) = next else { return };
            let goes_on = match pieces::expected(&fetched.listed.key, fetched.listed.bytes) {
                LARGE_KIB.. => large.send(fetched).is_ok(),
                _ => self.carry(fetched, done),
            };
            if !goes_on {
                return;
            }
        }
    }

    /// The same for large ones. Each thread keeps what memory it once took.
    fn work_large(
        &self,
        large: &Mutex<std::sync::mpsc::Receiver<Fetched>>,
        done: &SyncSender<Done>,
    ) {
        loop {
            let next = match large.lock() {
                Ok(it) => it.recv(),
                Err(_) => return,
            };
            let Ok(fetched) = next else { return };
            if !self.carry(fetched, done) {
                return;
            }
        }
    }

    /// Reads one object and hands on what became of it; false if nobody gathers any more.
    fn carry(&self, mut fetched: Fetched, done: &SyncSender<Done>) -> bool {
        let room = fetched.room.take();
        let expected = pieces::expected(&fetched.listed.key, fetched.listed.bytes);
        let Some(mut waits) = self.runtime.block_on(self.waiting.admit(expected)) else {
            return false;
        };
        let one = One {
            source: self.source.name(),
            place: self.source.whereabouts(),
            ledger: self.ledger,
            scratch: self.scratch,
            options: self.options,
            decoded: self.decoded,
        };
        let outcome = one.read(fetched);
        // What was given up half-way is no failure: the next run reads it.
        if self.options.stop.load(Ordering::Relaxed) && matches!(outcome, Outcome::Failed { .. }) {
            return true;
        }
        // What is no longer needed is given back.
        drop(waits.split(expected.saturating_sub(outcome.weight().max(1))));
        done.send(Done { outcome, _room: (room, waits) }).is_ok()
    }
}

/// The version under which what was read is kept: a part is not all that the listing tells of.
fn version_of(listed: &str, seen: &Seen) -> String {
    let version = seen.version.as_deref().unwrap_or(listed);
    if seen.again { format!("{version} in part") } else { version.to_owned() }
}

/// What reading one object needs to know.
struct One<'a> {
    source: &'a str,
    place: (Option<String>, Option<String>),
    ledger: &'a Ledger,
    scratch: &'a std::path::Path,
    options: &'a Options<'a>,
    decoded: &'a Room,
}

impl One<'_> {
    fn read(&self, fetched: Fetched) -> Outcome {
        let Fetched { listed, kept, body, .. } = fetched;
        let fail = |refusal: Refusal| Outcome::Failed { locator: listed.locator.clone(), refusal };
        let mut body = match body {
            Ok(it) => it,
            Err(it) => return fail(it),
        };
        let read = match kept {
            Some(kept) => self.growth(&listed, kept, &mut *body),
            None => loop {
                match self.whole(&listed, &mut *body) {
                    // What came was not what was promised: none of it counts.
                    Err(_) if body.anew() => {}
                    it => break it,
                }
            },
        };
        read.unwrap_or_else(|it| fail(body.refusal().unwrap_or_else(|| Refusal::new(plain(&it)))))
    }

    fn growth(
        &self,
        it: &Listed,
        kept: plan::Kept,
        body: &mut dyn Body,
    ) -> std::io::Result<Outcome> {
        let intake::Grown { content, digest, repeated } =
            intake::grown(Stoppable { body: &mut *body, stop: self.options.stop }, self.scratch)?;
        let seen = body.seen();
        let known = seen.anew && self.ledger.holds_bytes(&it.locator, &digest);
        if content.bytes() == 0 || known {
            if seen.again {
                let why = seen.damaged.unwrap_or_else(|| "not all of it could be read".into());
                return Ok(Outcome::Failed {
                    locator: it.locator.clone(),
                    refusal: Refusal::new(why),
                });
            }
            // Worth a line in the manifest only if it spares a later look.
            let settles = it
                .grown_at
                .is_some_and(|grown| self.options.now >= grown.saturating_add(plan::SETTLES));
            let alias = (settles || !self.ledger.holds(it)).then(|| Alias {
                locator: it.locator.clone(),
                version: it.version.clone(),
                digest,
            });
            return Ok(Outcome::Held { bytes: 0, alias });
        }
        let damage = seen.damaged.as_ref().map(|why| Skip {
            locator: it.locator.clone(),
            why: why.clone(),
            loses: true,
        });
        let told = seen.anew.then(|| Skip {
            locator: it.locator.clone(),
            why: "read again from its first event, because some may have come late".into(),
            loses: false,
        });
        let growth = Growth {
            kept,
            listed: it.clone(),
            version: version_of(&it.version, &seen),
            // What came late changed it when it was taken in.
            stored_at: if seen.anew { it.grown_at.or(it.stored_at) } else { it.stored_at },
            content,
            digest,
            repeated,
            seen,
        };
        Ok(Outcome::Grown { growth: Box::new(growth), damage, told })
    }

    fn whole(&self, it: &Listed, body: &mut dyn Body) -> std::io::Result<Outcome> {
        let skip = |why: String, loses| Skip { locator: it.locator.clone(), why, loses };
        let mut taken = intake::read(
            Stoppable { body: &mut *body, stop: self.options.stop },
            &it.key,
            self.scratch,
        )?;
        let seen = body.seen();
        let version = version_of(&it.version, &seen);
        let other =
            |why: String, version: String| Other { locator: it.locator.clone(), version, why };
        if matches!(it.handle, Handle::Stream { .. }) && taken.stored_bytes == 0 {
            let why =
                "the stream holds no events: the group's retention took them, or none came yet";
            return Ok(Outcome::Other { bytes: 0, other: other(why.into(), version) });
        }
        if self.ledger.holds_bytes(&it.locator, &taken.digest) {
            let alias = Alias { locator: it.locator.clone(), version, digest: taken.digest };
            return Ok(Outcome::Held { bytes: taken.stored_bytes, alias: Some(alias) });
        }
        let damaged = taken.damaged.take().or_else(|| seen.damaged.clone());
        if taken.transcripts.is_empty() {
            let Some(why) = damaged else {
                let why = taken.others.into_iter().next().unwrap_or_else(|| "nothing in it".into());
                let other = other(format!("no transcript: {why}"), version);
                return Ok(Outcome::Other { bytes: taken.stored_bytes, other });
            };
            return Ok(Outcome::Failed { locator: it.locator.clone(), refusal: Refusal::new(why) });
        }
        let replaced = self.ledger.knows(&it.locator);
        let unread: u64 = taken.transcripts.iter().map(|it| it.unread).sum();
        let mut drafts = Vec::new();
        for kept in taken.transcripts {
            let locator = match &kept.stream {
                Some(stream) => format!("{}#{stream}", it.locator),
                None => it.locator.clone(),
            };
            let flaws = [
                (damaged.is_some(), FlawKind::ObjectDamaged),
                (replaced, FlawKind::Replaced),
                (kept.repeated > 0, FlawKind::Repeated),
                (kept.is_of_another, FlawKind::IdDiffers),
            ];
            let mut draft = Draft {
                session_id: kept.session_id,
                source: self.source.to_owned(),
                locator,
                version: version.clone(),
                form: kept.form,
                digest: taken.digest.clone(),
                stored_bytes: taken.stored_bytes,
                stored_at: seen.stored_at.or(it.stored_at),
                read_at: self.options.now,
                content: kept.content,
                kept: None,
                tail: None,
                seen: seen.clone(),
                place: self.place.clone(),
                object_flaws: flaws.iter().filter(|it| it.0).map(|it| it.1).collect(),
                claims: Claims::default(),
                flaws: Vec::new(),
                piece: None,
            };
            draft.decode(self.decoded)?;
            drafts.push(draft);
        }
        let others =
            taken.others.iter().map(|why| skip(format!("no transcript: {why}"), false)).collect();
        let told = seen.version.is_some().then(|| {
            skip("it was replaced after it was listed; what is there now was read".into(), false)
        });
        let unread = match unread {
            0 => None,
            1 => Some("a log event cannot be read as one; it is kept as it is".to_owned()),
            many => {
                Some(format!("{many} log events cannot be read as such; they are kept as they are"))
            }
        };
        let mut foreign = false;
        for it in &drafts {
            foreign |= is_cp932(&it.content.head(CHUNK)?);
        }
        let foreign = foreign.then(|| {
            "its text is CP932 (Shift_JIS), of which ASCII alone is read; it is kept as it is: `iconv -f CP932 -t UTF-8` gives what is read".to_owned()
        });
        let damage = damaged.or(foreign).or(unread).map(|why| skip(why, true));
        Ok(Outcome::Drafts { bytes: taken.stored_bytes, drafts, others, damage, told })
    }
}
