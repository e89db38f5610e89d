//! Bring what is missing into the archive.
//!
//! Settle, then act: `decide` is a pure judgement about one listed object; the rest carries it out. Objects
//! are read and decoded on every core, gathered into batches, and each batch becomes one entry of the
//! manifest, so that a run stopped anywhere has kept all its finished batches and the next goes on. All
//! transcripts of one session become one session: its text from the form that kept every byte, its owner and times from
//! the form that tells them.

use std::collections::BTreeMap;
use std::collections::HashSet;
use std::hash::BuildHasher;
use std::io::Write;
use std::sync::Mutex;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::sync::mpsc::Receiver;
use std::sync::mpsc::SyncSender;

use crate::archive::Archive;
use crate::archive::Which;
use crate::archive::manifest::Alias;
use crate::archive::schema::SessionRow;
use crate::archive::schema::TranscriptRow;
use crate::archive::writer::Note;
use crate::archive::writer::Segment;
use crate::archive::writer::Writer;
use crate::error::Error;
use crate::error::Kind;
use crate::error::Result;
use crate::intake;
use crate::intake::Content;
use crate::session::SessionId;
use crate::session::Skip;
use crate::session::account_of;
use crate::source::Found;
use crate::source::Listed;
use crate::source::Source;
use crate::source::folder::plain;
use crate::transcript::decoder::Claims;
use crate::transcript::decoder::Decoder;
use crate::transcript::decoder::Flaw;
use crate::transcript::decoder::FlawKind;
use crate::transcript::decoder::Piece;
use crate::transcript::wire::Form;

use rows::Read;
use rows::Rows;

/// The rows of a session, on their way to the files of one segment.
mod rows;

/// Raised whenever the decoder would read the same bytes otherwise.
pub const DECODER: i64 = 2;

/// A batch is written when it holds this many bytes or objects.
const BATCH_BYTES: u64 = 24 << 20;
const BATCH_OBJECTS: usize = 4096;
/// Rows of one row group: small enough that reading one session reads little else.
const GROUP_ROWS: usize = 8192;
/// Bytes of one part of a long transcript, and of one row group of short ones.
const PART_BYTES: usize = 4 << 20;

/// What to do with one listed object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    Take,
    /// This version of it is kept already.
    Held,
}

/// Versions that the archive holds, as fingerprints: a million of them take 16 MB.
#[derive(Default)]
pub struct Ledger {
    versions: HashSet<u64>,
    bytes: HashSet<u64>,
    locators: HashSet<u64>,
}

static FIXED: std::hash::BuildHasherDefault<std::hash::DefaultHasher> =
    std::hash::BuildHasherDefault::new();

impl Ledger {
    /// From locator, version and digest of everything held.
    pub fn of(held: impl IntoIterator<Item = (String, String, String)>) -> Self {
        let mut ledger = Self::default();
        for (locator, version, digest) in held {
            // Parts of one object share its version.
            let object = locator.split('#').next().unwrap_or_default();
            ledger.versions.insert(FIXED.hash_one((object, &version)));
            ledger.bytes.insert(FIXED.hash_one((object, &digest)));
            ledger.locators.insert(FIXED.hash_one(object));
        }
        ledger
    }

    fn holds_bytes(&self, locator: &str, digest: &str) -> bool {
        self.bytes.contains(&FIXED.hash_one((locator, digest)))
    }

    fn knows(&self, locator: &str) -> bool {
        self.locators.contains(&FIXED.hash_one(locator))
    }
}

/// Whether an object is to be read. Depends on nothing but the listing and the ledger.
pub fn decide(it: &Listed, ledger: &Ledger) -> Decision {
    if ledger.versions.contains(&FIXED.hash_one((it.locator.as_str(), &it.version))) {
        Decision::Held
    } else {
        Decision::Take
    }
}

/// What a run did. Listed is the sum of the others.
#[derive(Debug, Default)]
pub struct Summary {
    pub listed: u64,
    pub stored: u64,
    pub held: u64,
    /// Objects that are no transcripts: said, no loss.
    pub others: Vec<Skip>,
    /// Objects that could not be read: evidence may be missing.
    pub failed: Vec<Skip>,
    /// Objects that were stored but could be read only in part.
    pub damaged: Vec<Skip>,
    /// Parts of stored objects that are no transcripts.
    pub parts: Vec<Skip>,
    pub transcripts: u64,
    pub sessions_new: u64,
    pub sessions_changed: u64,
    pub commands: u64,
    pub bytes: u64,
    pub interrupted: bool,
    /// Objects that a dry run would take.
    pub would_take: u64,
}

/// Watches a run. Called from one thread.
pub trait Progress {
    fn listed(&mut self, _objects: u64, _bytes: u64) {}
    fn took(&mut self, _objects: u64, _bytes: u64) {}
    fn finished(&mut self) {}
}

/// No one watches.
impl Progress for () {}

/// The run's clock and limits, told from outside.
pub struct Options<'a> {
    /// Now, UTC microseconds.
    pub now: i64,
    pub threads: usize,
    pub dry_run: bool,
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
    /// The archive holds its bytes already.
    kept: bool,
    claims: Claims,
    flaws: Vec<Flaw>,
    piece: Option<Piece>,
}

impl Draft {
    fn account(&self) -> Option<&str> {
        self.claims.owner.as_deref().and_then(account_of)
    }

    /// Which copy a session's text is taken from: the one that kept every byte, and the newest of these.
    fn rank(&self) -> (bool, bool, Option<i64>) {
        (
            self.content.bytes() > 0,
            self.form != Form::Events || !self.claims.streamed,
            self.stored_at,
        )
    }
}

enum Outcome {
    Drafts { bytes: u64, drafts: Vec<Draft>, others: Vec<Skip>, damage: Option<Skip> },
    Alias { bytes: u64, alias: Alias },
    Failed(Skip),
}

/// Reads every source and archives what is missing.
///
/// # Errors
/// What stops the run as a whole: a source that cannot be listed at all, an archive that cannot be written.
/// Objects that cannot be read are in the summary.
pub fn sync<S: Source + Sync>(
    runtime: &tokio::runtime::Runtime,
    writer: &mut Writer,
    sources: &[S],
    options: &Options<'_>,
    progress: &mut dyn Progress,
) -> Result<Summary> {
    let archive = writer.archive();
    let ledger = Ledger::of(archive.held()?);
    let mut known: HashSet<u64> =
        archive.session_ids()?.iter().map(|it| FIXED.hash_one(it.as_str())).collect();
    let mut summary = Summary::default();
    for source in sources {
        if options.stop.load(Ordering::Relaxed) {
            summary.interrupted = true;
            break;
        }
        one_source(runtime, writer, source, &ledger, &mut known, options, progress, &mut summary)?;
    }
    progress.finished();
    // Workers finish in any order; the words must not depend on it.
    summary.others.sort_by(|one, other| one.locator.cmp(&other.locator));
    summary.damaged.sort_by(|one, other| one.locator.cmp(&other.locator));
    summary.parts.sort_by(|one, other| one.locator.cmp(&other.locator));
    summary.failed.sort_by(|one, other| one.locator.cmp(&other.locator));
    Ok(summary)
}

#[expect(clippy::too_many_arguments, reason = "the state of one run, used nowhere else")]
fn one_source<S: Source + Sync>(
    runtime: &tokio::runtime::Runtime,
    writer: &mut Writer,
    source: &S,
    ledger: &Ledger,
    known: &mut HashSet<u64>,
    options: &Options<'_>,
    progress: &mut dyn Progress,
    summary: &mut Summary,
) -> Result<()> {
    let scratch = writer.root().join("tmp");
    crate::archive::private_folder(&scratch).map_err(|it| Error::file("make", &scratch, it))?;
    let (found_out, mut found_in) = tokio::sync::mpsc::channel::<Found>(1024);
    let (work_out, work_in) = std::sync::mpsc::sync_channel::<Listed>(64);
    let work_in = Mutex::new(work_in);
    let (done_out, done_in) = std::sync::mpsc::sync_channel::<Outcome>(16);
    let listing = Mutex::new(Summary::default());
    let listed = &listing;
    let work_in = &work_in;
    let scratch = &scratch;
    std::thread::scope(|scope| -> Result<()> {
        let lister = scope.spawn(move || runtime.block_on(source.list(found_out)));
        let sorter = scope.spawn(move || {
            while let Some(found) = found_in.blocking_recv() {
                if options.stop.load(Ordering::Relaxed) {
                    break;
                }
                let Ok(mut seen) = listed.lock() else { break };
                seen.listed += 1;
                let it = match found {
                    Found::Skip(it) if it.loses => {
                        seen.failed.push(it);
                        continue;
                    }
                    Found::Skip(it) => {
                        seen.others.push(it);
                        continue;
                    }
                    Found::Object(it) => it,
                };
                if decide(&it, ledger) == Decision::Held {
                    seen.held += 1;
                    continue;
                }
                seen.would_take += 1;
                seen.bytes += it.bytes;
                drop(seen);
                if !options.dry_run && work_out.send(it).is_err() {
                    break;
                }
            }
        });
        for _ in 0..options.threads.max(1) {
            let done_out = done_out.clone();
            scope
                .spawn(move || work(runtime, source, ledger, work_in, &done_out, scratch, options));
        }
        drop(done_out);
        let mut gathered = gather(writer, known, &done_in, listed, options, progress, summary);
        if gathered.as_ref().is_err_and(|it| it.kind == Kind::Interrupted) {
            // A long transcript was given up half-way: nothing of it counts, and the next run reads it.
            summary.interrupted = true;
            gathered = Ok(());
        }
        // A gatherer that failed leaves workers with nowhere to send: they end, and so does the listing.
        drop(done_in);
        let walked = lister.join();
        let _ = sorter.join();
        gathered?;
        match walked {
            Ok(it) => it,
            Err(_) => Err(Error::new(Kind::Refused, "the listing stopped")),
        }
    })?;
    let listed = listing.into_inner().unwrap_or_default();
    summary.listed += listed.listed;
    summary.held += listed.held;
    summary.others.extend(listed.others);
    summary.failed.extend(listed.failed);
    summary.would_take += listed.would_take;
    if options.dry_run {
        summary.bytes += listed.bytes;
    }
    summary.interrupted |= options.stop.load(Ordering::Relaxed);
    Ok(())
}

fn work<S: Source>(
    runtime: &tokio::runtime::Runtime,
    source: &S,
    ledger: &Ledger,
    work: &Mutex<Receiver<Listed>>,
    done: &SyncSender<Outcome>,
    scratch: &std::path::Path,
    options: &Options<'_>,
) {
    loop {
        let next = match work.lock() {
            Ok(it) => it.recv(),
            Err(_) => return,
        };
        let Ok(it) = next else { return };
        if options.stop.load(Ordering::Relaxed) {
            // Drain what was handed out, so that nobody waits.
            continue;
        }
        let outcome = match runtime.block_on(source.fetch(&it)) {
            Ok(body) => one_object(source.name(), &it, body, ledger, scratch, options.now),
            Err(error) => {
                Outcome::Failed(Skip { locator: it.locator, why: plain(&error), loses: true })
            }
        };
        if done.send(outcome).is_err() {
            return;
        }
    }
}

fn one_object(
    source: &str,
    it: &Listed,
    body: crate::source::Body,
    ledger: &Ledger,
    scratch: &std::path::Path,
    now: i64,
) -> Outcome {
    let skip = |why: String, loses| Skip { locator: it.locator.clone(), why, loses };
    let taken = match intake::read(body, &it.key, scratch) {
        Ok(taken) => taken,
        Err(error) => return Outcome::Failed(skip(plain(&error), true)),
    };
    if ledger.holds_bytes(&it.locator, &taken.digest) {
        let alias = Alias {
            locator: it.locator.clone(),
            version: it.version.clone(),
            digest: taken.digest,
        };
        return Outcome::Alias { bytes: taken.stored_bytes, alias };
    }
    let others =
        taken.others.iter().map(|why| skip(format!("no transcript: {why}"), false)).collect();
    let damage = taken.damaged.as_ref().map(|why| skip(why.clone(), true));
    let replaced = ledger.knows(&it.locator);
    let mut drafts = Vec::new();
    for kept in taken.transcripts {
        let locator = match &kept.stream {
            Some(stream) => format!("{}#{stream}", it.locator),
            None => it.locator.clone(),
        };
        let mut draft = Draft {
            session_id: kept.session_id,
            source: source.to_owned(),
            locator,
            version: it.version.clone(),
            form: kept.form,
            digest: taken.digest.clone(),
            stored_bytes: taken.stored_bytes,
            stored_at: it.stored_at,
            read_at: now,
            content: kept.content,
            kept: false,
            claims: Claims::default(),
            flaws: Vec::new(),
            piece: None,
        };
        if let Err(error) = decode(&mut draft) {
            return Outcome::Failed(skip(plain(&error), true));
        }
        if damage.is_some() {
            draft.flaws.push(Flaw {
                kind: FlawKind::ObjectDamaged,
                at: draft.content.bytes(),
                count: 1,
            });
        }
        if replaced {
            draft.flaws.push(Flaw { kind: FlawKind::Replaced, at: 0, count: 1 });
        }
        drafts.push(draft);
    }
    Outcome::Drafts { bytes: taken.stored_bytes, drafts, others, damage }
}

/// Decodes a small transcript whole, and of a large one its beginning, for what it claims.
fn decode(draft: &mut Draft) -> std::io::Result<()> {
    let mut decoder = Decoder::new(draft.form);
    if let Content::Memory(bytes) = &draft.content {
        decoder.push(bytes);
        let (piece, claims, flaws) = decoder.finish();
        draft.claims = claims;
        draft.flaws = flaws;
        draft.piece = Some(piece);
        return Ok(());
    }
    let mut pushed = false;
    draft
        .content
        .parts(1 << 20, |part| {
            if !pushed {
                decoder.push(part);
                pushed = true;
                // The rest is read when it is written.
                return Err(std::io::ErrorKind::Interrupted.into());
            }
            Ok(())
        })
        .or_else(
            |it| if it.kind() == std::io::ErrorKind::Interrupted { Ok(()) } else { Err(it) },
        )?;
    draft.claims = decoder.finish().1;
    Ok(())
}

fn gather(
    writer: &mut Writer,
    known: &mut HashSet<u64>,
    done: &Receiver<Outcome>,
    listed: &Mutex<Summary>,
    options: &Options<'_>,
    progress: &mut dyn Progress,
    summary: &mut Summary,
) -> Result<()> {
    let mut batch = Batch::default();
    for outcome in done {
        if let Ok(it) = listed.lock() {
            progress.listed(summary.listed + it.listed, summary.bytes + it.bytes);
        }
        match outcome {
            Outcome::Failed(it) => summary.failed.push(it),
            Outcome::Alias { bytes, alias } => {
                summary.held += 1;
                summary.bytes += bytes;
                batch.aliases.push(alias);
                progress.took(1, bytes);
            }
            Outcome::Drafts { bytes, drafts, others, damage } => {
                summary.bytes += bytes;
                progress.took(1, bytes);
                match (drafts.is_empty(), damage) {
                    (true, Some(it)) => summary.failed.push(it),
                    (true, None) => summary.others.extend(others.into_iter().take(1)),
                    (false, damage) => {
                        summary.stored += 1;
                        summary.damaged.extend(damage);
                        summary.parts.extend(others);
                    }
                }
                summary.transcripts += drafts.len() as u64;
                let large = drafts.iter().any(|it| it.content.is_large());
                batch.bytes += drafts.iter().map(|it| it.content.bytes()).sum::<u64>();
                batch.drafts.extend(drafts);
                if large || batch.bytes >= BATCH_BYTES || batch.drafts.len() >= BATCH_OBJECTS {
                    write(writer, known, std::mem::take(&mut batch), options, summary)?;
                }
            }
        }
        if options.stop.load(Ordering::Relaxed) {
            break;
        }
    }
    write(writer, known, batch, options, summary)
}

#[derive(Default)]
struct Batch {
    drafts: Vec<Draft>,
    aliases: Vec<Alias>,
    bytes: u64,
}

/// All transcripts of one session, and what the archive knew of it.
struct Group {
    key: String,
    drafts: Vec<Draft>,
    before: Option<SessionRow>,
}

fn write(
    writer: &mut Writer,
    known: &mut HashSet<u64>,
    batch: Batch,
    options: &Options<'_>,
    summary: &mut Summary,
) -> Result<()> {
    if batch.drafts.is_empty() && batch.aliases.is_empty() {
        return Ok(());
    }
    let archive = writer.archive();
    let generation = writer.generation();
    let mut segment = Segment::new(writer.root(), generation)?;
    let mut superseded = Vec::new();
    let mut by_id: BTreeMap<String, Vec<Draft>> = BTreeMap::new();
    for draft in batch.drafts {
        by_id.entry(draft.session_id.as_str().to_owned()).or_default().push(draft);
    }
    let mut rows = Rows::new(&mut segment, generation, options.stop);
    for (id, drafts) in by_id {
        let met = known.contains(&FIXED.hash_one(id.as_str()));
        for mut group in part(&archive, &id, drafts, met)? {
            if let Some(before) = &group.before {
                superseded.push((group.key.clone(), before.generation));
                summary.sessions_changed += 1;
                earlier(&archive, &mut group, writer.root())?;
            } else {
                summary.sessions_new += 1;
            }
            known.insert(FIXED.hash_one(id.as_str()));
            summary.commands += rows.session(group)? as u64;
        }
    }
    rows.finish()?;
    writer.publish(
        segment,
        Note {
            did: "sync".into(),
            written_at: rfc3339(options.now),
            decoder: DECODER,
            generation,
            superseded,
            aliases: batch.aliases,
            ..Note::default()
        },
    )
}

fn rfc3339(micros: i64) -> String {
    chrono::DateTime::from_timestamp_micros(micros)
        .unwrap_or_default()
        .to_rfc3339_opts(chrono::SecondsFormat::Secs, true)
}

/// Parts transcripts of one id by account: two accounts can use one id. What tells no account goes with the
/// first that does.
fn part(archive: &Archive, id: &str, drafts: Vec<Draft>, met: bool) -> Result<Vec<Group>> {
    let mut before: Vec<SessionRow> = Vec::new();
    if met {
        let which = Which { sessions: vec![id.to_owned()], ..Which::default() };
        before = archive.sessions(&which)?;
        before.retain(|it| it.session_id == id);
    }
    let mut groups: Vec<Group> = before
        .into_iter()
        .map(|it| Group { key: it.session_key.clone(), drafts: Vec::new(), before: Some(it) })
        .collect();
    let (told, untold): (Vec<Draft>, Vec<Draft>) =
        drafts.into_iter().partition(|it| it.account().is_some());
    for draft in told.into_iter().chain(untold) {
        let account = draft.account().map(str::to_owned);
        let fits = |it: &Group| {
            let theirs = it
                .drafts
                .iter()
                .find_map(|it| it.account().map(str::to_owned))
                .or_else(|| it.before.as_ref().and_then(|it| it.account_id.clone()));
            account.is_none() || theirs.is_none() || theirs == account
        };
        match groups.iter_mut().find(|it| fits(it)) {
            Some(it) => it.drafts.push(draft),
            None => {
                let key = match groups.len() {
                    0 => id.to_owned(),
                    many => format!("{id}#{}", many + 1),
                };
                groups.push(Group { key, drafts: vec![draft], before: None });
            }
        }
    }
    groups.retain(|it| !it.drafts.is_empty());
    Ok(groups)
}

/// Brings back the transcripts that the archive kept of a session, to be read together with the new ones.
fn earlier(archive: &Archive, group: &mut Group, root: &std::path::Path) -> Result<()> {
    let scratch = root.join("tmp");
    let mut found: Vec<Draft> = Vec::new();
    archive.transcripts_of(&group.key, |row| {
        let fail = |it| Error::file("read", &scratch, it);
        if row.part == 0 {
            found.push(draft_of(&row).ok_or_else(|| {
                Error::new(Kind::Damaged, format!("a transcript of {} has no form", row.session_id))
            })?);
        }
        if let Some(draft) = found.last_mut() {
            append(&mut draft.content, &row.content, &scratch).map_err(fail)?;
        }
        Ok(())
    })?;
    for draft in &mut found {
        decode(draft).map_err(|it| Error::file("read", &scratch, it))?;
    }
    group.drafts.extend(found);
    Ok(())
}

fn draft_of(row: &TranscriptRow) -> Option<Draft> {
    Some(Draft {
        session_id: SessionId::new(&row.session_id)?,
        source: row.source.clone(),
        locator: row.locator.clone(),
        version: row.version.clone(),
        form: Form::from_name(&row.form)?,
        digest: row.digest.clone(),
        stored_bytes: row.stored_bytes as u64,
        stored_at: row.stored_at.micros(),
        read_at: row.read_at.micros().unwrap_or(0),
        content: Content::Memory(Vec::new()),
        kept: true,
        claims: Claims::default(),
        flaws: Vec::new(),
        piece: None,
    })
}

fn append(content: &mut Content, bytes: &[u8], scratch: &std::path::Path) -> std::io::Result<()> {
    if let Content::Memory(memory) = content {
        if memory.len() + bytes.len() <= intake::MEMORY {
            memory.extend_from_slice(bytes);
            return Ok(());
        }
        let mut file = tempfile::tempfile_in(scratch)?;
        file.write_all(memory)?;
        let held = memory.len() as u64;
        *content = Content::Spooled { file, extents: vec![(0, held)], bytes: held };
    }
    if let Content::Spooled { file, extents, bytes: held } = content {
        file.write_all(bytes)?;
        *held += bytes.len() as u64;
        *extents = vec![(0, *held)];
    }
    Ok(())
}

/// What a rebuild changed.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Rebuilt {
    pub sessions: u64,
    pub commands_before: u64,
    pub commands: u64,
    /// Sessions in which a command came, went, or reads differently.
    pub changed: Vec<Changed>,
    /// Versions of the decoder that had written what was there before.
    pub decoders_before: Vec<i64>,
    pub interrupted: bool,
}

/// What a rebuild changed in one session.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changed {
    pub session_id: String,
    /// Commands read now and not before.
    pub new: u64,
    /// Commands read before and not now.
    pub gone: u64,
    /// Commands at the same place with another text or kind.
    pub different: u64,
}

impl Changed {
    fn between(session_id: &str, mut before: Vec<Read>, mut now: Vec<Read>) -> Option<Self> {
        before.sort_unstable();
        now.sort_unstable();
        let mut changed = Self { session_id: session_id.to_owned(), ..Self::default() };
        let (mut old, mut new) = (before.iter().peekable(), now.iter().peekable());
        loop {
            match (old.peek(), new.peek()) {
                (None, None) => break,
                (Some(a), Some(b)) if a.byte_start == b.byte_start => {
                    changed.different += u64::from(a != b);
                    old.next();
                    new.next();
                }
                (Some(a), other) if other.is_none_or(|b| a.byte_start < b.byte_start) => {
                    changed.gone += 1;
                    old.next();
                }
                _ => {
                    changed.new += 1;
                    new.next();
                }
            }
        }
        (changed.new + changed.gone + changed.different > 0).then_some(changed)
    }
}

/// Decodes every kept transcript again and puts the new rows in place of the old ones, a batch at a time; a
/// rebuild that is stopped has done the batches it finished, and can be run again.
pub fn rebuild(
    writer: &mut Writer,
    now: i64,
    stop: &AtomicBool,
    progress: &mut dyn Progress,
) -> Result<Rebuilt> {
    let archive = writer.archive();
    let old: Vec<String> = ["sessions", "commands", "lines"]
        .iter()
        .flat_map(|table| archive.files(table).map(|it| it.path.clone()).collect::<Vec<_>>())
        .collect();
    let sessions = archive.sessions(&Which::default())?;
    let mut rebuilt = Rebuilt::default();
    let bytes: i64 = sessions.iter().map(|it| it.transcript_bytes).sum();
    progress.listed(sessions.len() as u64, bytes as u64);
    let mut rest = sessions.into_iter().peekable();
    while rest.peek().is_some() {
        if stop.load(Ordering::Relaxed) {
            rebuilt.interrupted = true;
            break;
        }
        let generation = writer.generation();
        let mut segment = Segment::new(writer.root(), generation)?;
        let mut rows = Rows::new(&mut segment, generation, stop);
        let mut superseded = Vec::new();
        let mut held = 0;
        while held < BATCH_BYTES as i64
            && superseded.len() < BATCH_OBJECTS
            && let Some(before) = rest.next()
        {
            held += before.transcript_bytes;
            let old_commands = archive.commands_of(&before);
            for it in old_commands.iter().map(|it| it.decoder) {
                if !rebuilt.decoders_before.contains(&it) {
                    rebuilt.decoders_before.push(it);
                }
            }
            rows.read = Some(Vec::new());
            let mut group =
                Group { key: before.session_key.clone(), drafts: Vec::new(), before: None };
            earlier(&archive, &mut group, writer.root())?;
            if group.drafts.is_empty() {
                return Err(Error::new(
                    Kind::Damaged,
                    format!("the transcript of {} cannot be read", before.session_id),
                )
                .hint(
                    "`ssmtrail archive verify` says which file is damaged; nothing was changed",
                ));
            }
            superseded.push((before.session_key.clone(), before.generation));
            let commands = match rows.session(group) {
                Ok(it) => it as u64,
                // Given up in the middle of a long transcript: this batch stays as it was.
                Err(it) if it.kind == Kind::Interrupted => {
                    rebuilt.interrupted = true;
                    progress.finished();
                    return Ok(rebuilt);
                }
                Err(it) => return Err(it),
            };
            rebuilt.sessions += 1;
            rebuilt.commands_before += before.command_count as u64;
            rebuilt.commands += commands;
            let old = old_commands
                .into_iter()
                .map(|it| Read { byte_start: it.byte_start, kind: it.kind, text: it.command })
                .collect();
            let now = rows.read.take().unwrap_or_default();
            rebuilt.changed.extend(Changed::between(&before.session_id, old, now));
            progress.took(1, before.transcript_bytes as u64);
        }
        rows.finish()?;
        // The last batch takes the place of all old files at once.
        let retired = if rest.peek().is_none() { old.clone() } else { Vec::new() };
        writer.publish(
            segment,
            Note {
                did: "rebuild".into(),
                written_at: rfc3339(now),
                decoder: DECODER,
                generation,
                retired,
                superseded,
                ..Note::default()
            },
        )?;
    }
    progress.finished();
    Ok(rebuilt)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(locator: &str, version: &str) -> Listed {
        Listed {
            locator: locator.into(),
            key: locator.into(),
            version: version.into(),
            bytes: 1,
            stored_at: None,
            path: locator.into(),
        }
    }

    #[test]
    fn a_rebuild_tells_what_came_what_went_and_what_reads_differently() {
        let read =
            |byte_start, text: &str| Read { byte_start, kind: "shell".into(), text: text.into() };
        let before = vec![read(0, "ls"), read(10, "cta x"), read(20, "Demo")];
        let now = vec![read(0, "ls"), read(10, "cat x"), read(30, "pwd")];
        assert_eq!(Changed::between("a", before.clone(), before.clone()), None);
        let changed = Changed::between("a", before, now).unwrap();
        assert_eq!((changed.new, changed.gone, changed.different), (1, 1, 1));
    }

    #[test]
    fn an_object_is_taken_unless_this_version_of_it_is_held() {
        let held = ("a.log".to_owned(), "v1".to_owned(), "digest".to_owned());
        let part = ("b.jsonl#alice-1".to_owned(), "v1".to_owned(), "digest".to_owned());
        let ledger = Ledger::of([held, part]);
        let rows = [
            ("a.log", "v1", Decision::Held),
            ("a.log", "v2", Decision::Take),
            ("c.log", "v1", Decision::Take),
            ("b.jsonl", "v1", Decision::Held),
        ];
        for (locator, version, decision) in rows {
            assert_eq!(decide(&listed(locator, version), &ledger), decision, "{locator} {version}");
        }
    }
}
