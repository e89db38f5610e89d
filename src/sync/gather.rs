//! Decoded transcripts on their way to their sessions.
//!
//! The one hand that writes while many read. Batches are cut by size and by time, so that what was fetched is soon found;
//! a session whose transcripts come in several batches, or whose stream has grown, is brought together again.

use std::collections::HashSet;
use std::hash::BuildHasher;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::sync::mpsc::Receiver;
use std::sync::mpsc::RecvTimeoutError;
use std::time::Duration;
use std::time::Instant;

use super::draft::Done;
use super::draft::Draft;
use super::draft::Growth;
use super::draft::ObjectOutcome;
use super::kept::Kept;
use super::kept::OLD;
use super::pieces::Decoded;
use super::pieces::Room;
use super::rows::SegmentRows;
use super::summary::Progress;
use super::summary::Summary;
use crate::archive::manifest::Alias;
use crate::archive::manifest::Entry;
use crate::archive::manifest::Other;
use crate::archive::writer::Writer;
use crate::error::Result;
use crate::source::FIXED;
use crate::source::Listed;
use crate::time::At;

/// A batch is written when it holds this many bytes or objects…
const BATCH_BYTES: u64 = 24 << 20;

const BATCH_OBJECTS: usize = 4096;

/// …or when its first object has waited this long, so that a search meanwhile finds it.
const BATCH_AGE: Duration = Duration::from_secs(20);

pub(super) fn fingerprint(session_id: &str) -> u64 {
    FIXED.hash_one(session_id)
}

pub(super) struct Gatherer<'a> {
    pub(super) writer: &'a mut Writer,
    /// Sessions that the archive has, as fingerprints.
    pub(super) known: HashSet<u64>,
    /// Where they stand, once anything has come twice.
    pub(super) kept: Option<Kept>,
    /// What all entries brought, once anything that was kept cannot be read.
    pub(super) brought: Option<HashSet<[u8; 32]>>,
    /// What is to be read anew as a whole, for it cannot go on from what is kept.
    pub(super) again: Vec<Listed>,
    /// Now, by the clock of what is read.
    pub(super) now: At,
    pub(super) stop: &'a AtomicBool,
    pub(super) summary: Summary,
}

impl Gatherer<'_> {
    /// Takes outcomes until there are no more; `tell` says now and then how far the listing is.
    pub(super) fn gather(
        &mut self,
        done: &Receiver<Done>,
        progress: &mut dyn Progress,
        tell: &dyn Fn(&mut dyn Progress),
    ) -> Result<()> {
        let mut batch = Batch::default();
        loop {
            let next = done.recv_timeout(Duration::from_millis(250));
            tell(progress);
            match next {
                Ok(it) => self.take(it.outcome, &mut batch, progress),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            if batch.is_full() {
                self.write(std::mem::take(&mut batch))?;
            }
            if self.stop.load(Ordering::Relaxed) {
                break;
            }
        }
        self.write(batch)
    }

    fn take(&mut self, it: ObjectOutcome, batch: &mut Batch, progress: &mut dyn Progress) {
        batch.since.get_or_insert_with(Instant::now);
        if it.told.failed.is_empty() {
            progress.took(1, it.told.bytes);
        }
        batch.objects += u64::from(!it.drafts.is_empty() || !it.growths.is_empty());
        for it in &it.drafts {
            batch.large |= it.content.is_large();
            batch.bytes += it.content.bytes();
            batch.weight += it.piece.as_ref().map_or(0, Decoded::weight);
        }
        batch.bytes += it.growths.iter().map(|it| it.content.bytes()).sum::<u64>();
        batch.drafts.extend(it.drafts);
        batch.growths.extend(it.growths);
        batch.aliases.extend(it.aliases);
        batch.others.extend(it.others);
        self.summary.add(it.told);
    }

    fn write(&mut self, batch: Batch) -> Result<()> {
        if batch.is_empty() {
            return Ok(());
        }
        let archive = self.writer.archive();
        // Counted once all of it is written: of what a run that is stopped leaves, the next may find a part held.
        let (mut stored, transcripts) = (batch.objects, batch.drafts.len() as u64);
        let sessions = self.sessions(&archive, batch.drafts, batch.growths);
        let scratch = self.writer.root().join("tmp");
        let mut cursor = archive.cursor(None);
        let mut commands = archive.cursor(Some(&OLD));
        let (aliases, others) = (batch.aliases, batch.others);
        let mut entry = Entry { aliases, others, ..Entry::default() };
        let mut rows = SegmentRows::begin(self.writer, self.stop)?;
        for mut session in sessions {
            for it in &mut session.groups {
                self.complete(&mut cursor, it, &scratch)?;
            }
            self.apart(&mut cursor, &mut session, &scratch)?;
            stored -= self.beside(&mut session);
            for mut group in session.groups {
                if !rows.has_room(&group.drafts) {
                    self.publish(rows, std::mem::take(&mut entry))?;
                    rows = SegmentRows::begin(self.writer, self.stop)?;
                }
                entry.aliases.extend(group.grow(&scratch, self.now)?);
                let kept = self.kept.as_ref();
                group.old = kept.and_then(|it| it.old(&archive, &mut commands, &group, |_| Ok(())));
                self.known.insert(fingerprint(&group.id));
                rows.session(group, None)?;
            }
        }
        self.publish(rows, entry)?;
        self.summary.stored += stored;
        self.summary.transcripts += transcripts;
        self.summary.index_scans += archive.index_scans();
        self.summary.files_opened += archive.files_opened();
        self.summary.unreadable(archive.damages());
        Ok(())
    }

    /// Makes a segment count.
    fn publish(&mut self, mut rows: SegmentRows<'_>, entry: Entry) -> Result<()> {
        let told = std::mem::take(&mut rows.told);
        let written_at = self.now.rfc3339_seconds();
        let entry = Entry { did: "sync".into(), written_at, ..entry };
        let generation = rows.publish(self.writer, entry)?;
        self.summary.add(told);
        if let Some(kept) = self.kept.as_mut() {
            kept.extend(&self.writer.archive(), generation);
        }
        Ok(())
    }
}

#[derive(Default)]
struct Batch {
    drafts: Vec<Draft>,
    growths: Vec<Growth>,
    aliases: Vec<Alias>,
    others: Vec<Other>,
    bytes: u64,
    /// Objects that it came from.
    objects: u64,
    /// What was decoded of them, in bytes of memory.
    weight: usize,
    /// A large transcript lies in a scratch file, and is written before the next comes.
    large: bool,
    since: Option<Instant>,
}

impl Batch {
    fn is_empty(&self) -> bool {
        self.drafts.is_empty()
            && self.growths.is_empty()
            && self.aliases.is_empty()
            && self.others.is_empty()
    }

    fn is_full(&self) -> bool {
        self.large
            || self.bytes >= BATCH_BYTES
            || Room::is_half_of_all(self.weight)
            || self.drafts.len() + self.growths.len() >= BATCH_OBJECTS
            || (!self.is_empty() && self.since.is_some_and(|it| it.elapsed() >= BATCH_AGE))
    }
}
