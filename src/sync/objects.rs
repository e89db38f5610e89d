//! Reading one object: its body, what is in it, and what is done with it.

use std::sync::Mutex;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::sync::mpsc::SyncSender;

use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::mpsc::Receiver;

use crate::archive::manifest::Alias;
use crate::archive::manifest::Other;
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
use super::plan::Ledger;
use super::summary::*;

/// Objects that take so many KiB or more while they are read are read by few workers, however many there are.
pub(super) const LARGE_KIB: usize = 2 << 10;

/// One object that was asked for.
pub(super) struct Fetched {
    pub(super) listed: Listed,
    pub(super) kept: Option<super::plan::Kept>,
    pub(super) body: Result<Box<dyn Body>, Refusal>,
    /// Given back when what became of the bytes is gathered.
    pub(super) room: Option<OwnedSemaphorePermit>,
}

/// A body that gives up when the person wants to stop.
pub(super) struct Stoppable<'a> {
    pub(super) body: &'a mut dyn Body,
    pub(super) stop: &'a AtomicBool,
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
        loop {
            let next = match bodies.lock() {
                Ok(mut it) => it.blocking_recv(),
                Err(_) => return,
            };
            let Some(fetched) = next else { return };
            let goes_on = match super::pieces::expected(&fetched.listed.key, fetched.listed.bytes) {
                LARGE_KIB.. => large.send(fetched).is_ok(),
                _ => self.carry(fetched, done),
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
    pub(super) fn carry(&self, mut fetched: Fetched, done: &SyncSender<Done>) -> bool {
        let room = fetched.room.take();
        let expected = super::pieces::expected(&fetched.listed.key, fetched.listed.bytes);
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
pub(super) fn version_of(listed: &str, seen: &Seen) -> String {
    let version = seen.version.as_deref().unwrap_or(listed);
    if seen.again { format!("{version} in part") } else { version.to_owned() }
}

/// What reading one object needs to know.
pub(super) struct One<'a> {
    pub(super) source: &'a str,
    pub(super) place: (Option<String>, Option<String>),
    pub(super) ledger: &'a Ledger,
    pub(super) scratch: &'a std::path::Path,
    pub(super) options: &'a Options<'a>,
    pub(super) decoded: &'a Room,
}

impl One<'_> {
    pub(super) fn read(&self, fetched: Fetched) -> Outcome {
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

    pub(super) fn growth(
        &self,
        it: &Listed,
        kept: super::plan::Kept,
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
            let settles = it.grown_at.is_some_and(|grown| {
                self.options.now >= grown.saturating_add(super::plan::SETTLES)
            });
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

    pub(super) fn whole(&self, it: &Listed, body: &mut dyn Body) -> std::io::Result<Outcome> {
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
        if it.created.is_some() && taken.stored_bytes == 0 {
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
