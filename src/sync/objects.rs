//! Reading one object: its body, what is in it, and what is done with it.

use std::sync::Mutex;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::sync::mpsc::SyncSender;

use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::mpsc::Receiver;

use crate::archive::manifest::Alias;
use crate::archive::manifest::Other;
use crate::archive::value::Word;
use crate::error::Result;
use crate::intake;
use crate::session::Skip;
use crate::source::Body;
use crate::source::Listed;
use crate::source::Refusal;
use crate::source::Seen;
use crate::source::Source;
use crate::source::folder::plain;
use crate::transcript::decoder::CHUNK;
use crate::transcript::decoder::Claims;
use crate::transcript::decoder::FlawKind;
use crate::transcript::wire::is_cp932;

use super::draft::*;
use super::pieces::Room;
use super::pieces::Waiting;
use super::plan::KeptStream;
use super::plan::Ledger;
use super::summary::*;

/// Objects that take so many KiB or more while they are read are read by few workers, however many there are.
const LARGE_KIB: usize = 2 << 10;

/// One object that was asked for.
pub(super) struct Fetched {
    pub(super) listed: Listed,
    pub(super) kept: Option<KeptStream>,
    pub(super) body: Result<Box<dyn Body>, Refusal>,
    /// Given back when what became of the bytes is gathered.
    pub(super) room: Option<OwnedSemaphorePermit>,
}

impl Fetched {
    /// KiB that it may take while it is read: of what is stored as it is so much, of what is compressed the most.
    fn expected(&self) -> usize {
        let Listed { key, bytes, .. } = &self.listed;
        let packed = [".gz", ".zst"].iter().any(|it| key.ends_with(it));
        let most = (intake::MEMORY >> 10) as u64;
        // What is as small unpacks to no more (RFC 1951: a thousand times at most).
        let kib = if packed { (bytes * 1032) >> 10 } else { (bytes * 2) >> 10 };
        kib.clamp(64, most) as usize
    }
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
pub(super) struct Shop<'a> {
    pub(super) source: &'a dyn Source,
    pub(super) ledger: &'a Ledger,
    pub(super) scratch: &'a std::path::Path,
    pub(super) options: &'a Options<'a>,
    pub(super) decoded: &'a Room,
    pub(super) runtime: &'a tokio::runtime::Runtime,
    pub(super) waiting: &'a Waiting,
}

impl Shop<'_> {
    /// Reads objects as they come; large ones go to the few workers that read those.
    pub(super) fn work(
        &self,
        bodies: &Mutex<Receiver<Fetched>>,
        large: &SyncSender<Fetched>,
        done: &SyncSender<Done>,
    ) {
        while let Some(it) = bodies.lock().ok().and_then(|mut it| it.blocking_recv()) {
            let goes_on = match it.expected() {
                LARGE_KIB.. => large.send(it).is_ok(),
                _ => self.carry(it, done),
            };
            if !goes_on {
                return;
            }
        }
    }

    /// The same for large ones. Each thread keeps what memory it once took.
    pub(super) fn work_large(
        &self,
        large: &Mutex<std::sync::mpsc::Receiver<Fetched>>,
        done: &SyncSender<Done>,
    ) {
        while let Some(it) = large.lock().ok().and_then(|it| it.recv().ok()) {
            if !self.carry(it, done) {
                return;
            }
        }
    }

    /// Reads one object and hands on what became of it; false if nobody gathers any more.
    fn carry(&self, mut fetched: Fetched, done: &SyncSender<Done>) -> bool {
        let room = fetched.room.take();
        let expected = fetched.expected();
        let Some(mut waits) = self.runtime.block_on(self.waiting.admit(expected)) else {
            return false;
        };
        let outcome = self.read(fetched);
        // What was given up half-way is no failure: the next run reads it.
        if self.options.stop.load(Ordering::Relaxed) && !outcome.told.failed.is_empty() {
            return true;
        }
        // What is no longer needed is given back.
        drop(waits.split(expected.saturating_sub(outcome.weight().max(1))));
        done.send(Done { outcome, _room: (room, waits) }).is_ok()
    }

    fn read(&self, fetched: Fetched) -> ObjectOutcome {
        let Fetched { listed, kept, body, .. } = fetched;
        let mut body = match body {
            Ok(it) => it,
            Err(it) => return failed(&listed, it),
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
        read.unwrap_or_else(|it| {
            failed(&listed, body.refusal().unwrap_or_else(|| Refusal::new(plain(&it))))
        })
    }

    fn growth(
        &self,
        it: &Listed,
        kept: KeptStream,
        body: &mut dyn Body,
    ) -> std::io::Result<ObjectOutcome> {
        let intake::Grown { content, digest, repeated } =
            intake::grown(Stoppable { body: &mut *body, stop: self.options.stop }, self.scratch)?;
        let seen = body.seen();
        let known = seen.anew && self.ledger.holds_bytes(&it.locator, &digest);
        if content.bytes() == 0 || known {
            if seen.again {
                let why = seen.damaged.unwrap_or_else(|| "not all of it could be read".into());
                return Ok(failed(it, Refusal::new(why)));
            }
            // Worth a line in the manifest only if it spares a later look.
            let settles = it
                .grown_at
                .is_some_and(|grown| self.options.now >= grown.plus(super::plan::SETTLES));
            let alias = (settles || !self.ledger.holds(it)).then(|| Alias {
                locator: it.locator.clone(),
                version: it.version.clone(),
                digest,
            });
            return Ok(held(0, alias));
        }
        let anew = "read again from its first event, because some may have come late";
        let told = Summary {
            bytes: content.bytes(),
            damaged: seen.damaged.iter().map(|why| Skip::loss(&it.locator, why)).collect(),
            told: seen.anew.then(|| Skip::harmless(&it.locator, anew)).into_iter().collect(),
            ..Summary::default()
        };
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
        Ok(ObjectOutcome { told, growths: vec![growth], ..ObjectOutcome::default() })
    }

    fn whole(&self, it: &Listed, body: &mut dyn Body) -> std::io::Result<ObjectOutcome> {
        let body_of = Stoppable { body: &mut *body, stop: self.options.stop };
        let mut taken = intake::read(body_of, &it.key, self.scratch)?;
        let seen = body.seen();
        let version = version_of(&it.version, &seen);
        let bytes = taken.stored_bytes;
        if it.created.is_some() && bytes == 0 {
            let why =
                "the stream holds no events: the group's retention took them, or none came yet";
            return Ok(other(it, version, bytes, why.into()));
        }
        if self.ledger.holds_bytes(&it.locator, &taken.digest) {
            let alias = Alias { locator: it.locator.clone(), version, digest: taken.digest };
            return Ok(held(bytes, Some(alias)));
        }
        let damaged = taken.damaged.take().or_else(|| seen.damaged.clone());
        let others: Vec<String> =
            taken.others.iter().map(|why| format!("no transcript: {why}")).collect();
        if taken.transcripts.is_empty() {
            return Ok(match damaged {
                Some(why) => failed(it, Refusal::new(why)),
                None => {
                    let why = others.into_iter().next();
                    let why = why.unwrap_or_else(|| "no transcript: nothing in it".into());
                    other(it, version, bytes, why)
                }
            });
        }
        let unread = taken.transcripts.iter().map(|it| it.unread).sum();
        let drafts = self.drafts(it, taken, &version, &seen, damaged.is_some())?;
        let damage = why_damaged(damaged, &drafts, unread)?;
        let replaced = "it was replaced after it was listed; what is there now was read";
        let told = seen.version.map(|_| Skip::harmless(&it.locator, replaced));
        let told = Summary {
            bytes,
            damaged: damage.into_iter().map(|why| Skip::loss(&it.locator, why)).collect(),
            parts: others.into_iter().map(|why| Skip::harmless(&it.locator, why)).collect(),
            told: told.into_iter().collect(),
            ..Summary::default()
        };
        Ok(ObjectOutcome { told, drafts, ..ObjectOutcome::default() })
    }

    /// The transcripts of an object, decoded.
    fn drafts(
        &self,
        it: &Listed,
        taken: intake::Taken,
        version: &str,
        seen: &Seen,
        is_damaged: bool,
    ) -> std::io::Result<Vec<Draft>> {
        let replaced = self.ledger.knows(&it.locator);
        let mut drafts = Vec::new();
        for kept in taken.transcripts {
            let locator = match &kept.stream {
                Some(stream) => format!("{}#{stream}", it.locator),
                None => it.locator.clone(),
            };
            let mut draft = Draft {
                session_id: kept.session_id,
                source: self.source.name().to_owned(),
                locator,
                version: version.to_owned(),
                form: kept.form,
                digest: taken.digest.clone(),
                stored_bytes: taken.stored_bytes,
                stored_at: seen.stored_at.or(it.stored_at),
                read_at: self.options.now,
                content: kept.content,
                kept: None,
                tail: None,
                seen: seen.clone(),
                place: self.source.whereabouts(),
                object_flaws: flaws_of(&[
                    (is_damaged, FlawKind::ObjectDamaged),
                    (replaced, FlawKind::Replaced),
                    (kept.repeated > 0, FlawKind::Repeated),
                    (kept.is_of_another, FlawKind::IdDiffers),
                ])
                .into_iter()
                .map(Word::from)
                .collect(),
                claims: Claims::default(),
                flaws: Vec::new(),
                piece: None,
            };
            draft.decode(self.decoded)?;
            drafts.push(draft);
        }
        Ok(drafts)
    }
}

fn failed(it: &Listed, refusal: Refusal) -> ObjectOutcome {
    let mut told = Summary::default();
    told.refused(&it.locator, &refusal);
    ObjectOutcome { told, ..ObjectOutcome::default() }
}

fn held(bytes: u64, alias: Option<Alias>) -> ObjectOutcome {
    let told = Summary { bytes, held: 1, ..Summary::default() };
    ObjectOutcome { told, aliases: alias.into_iter().collect(), ..ObjectOutcome::default() }
}

fn other(it: &Listed, version: String, bytes: u64, why: String) -> ObjectOutcome {
    let others = vec![Skip::harmless(&it.locator, &why)];
    let told = Summary { bytes, others, ..Summary::default() };
    let other = Other { locator: it.locator.clone(), version, why };
    ObjectOutcome { told, others: vec![other], ..ObjectOutcome::default() }
}

/// The version under which what was read is kept: a part is not all that the listing tells of.
fn version_of(listed: &str, seen: &Seen) -> String {
    let version = seen.version.as_deref().unwrap_or(listed);
    if seen.again { format!("{version} in part") } else { version.to_owned() }
}

/// Why not all of an object is read, although it is kept.
fn why_damaged(
    damaged: Option<String>,
    drafts: &[Draft],
    unread: u64,
) -> std::io::Result<Option<String>> {
    if damaged.is_some() {
        return Ok(damaged);
    }
    for it in drafts {
        if is_cp932(&it.content.head(CHUNK)?) {
            return Ok(Some(
                "its text is CP932 (Shift_JIS), of which ASCII alone is read; it is kept as it is: `iconv -f CP932 -t UTF-8` gives what is read".into(),
            ));
        }
    }
    Ok(match unread {
        0 => None,
        1 => Some("a log event cannot be read as one; it is kept as it is".into()),
        many => {
            Some(format!("{many} log events cannot be read as such; they are kept as they are"))
        }
    })
}
