//! Decoded transcripts on their way to their sessions.
//!
//! The one hand that writes while many read. Batches are cut by size and by time, so that what was fetched is soon found;
//! a session whose transcripts come in several batches, or whose stream has grown, is brought together again.

use std::collections::BTreeMap;
use std::collections::HashSet;
use std::hash::BuildHasher;
use std::sync::atomic::Ordering;
use std::sync::mpsc::Receiver;
use std::sync::mpsc::RecvTimeoutError;
use std::time::Duration;
use std::time::Instant;

use super::draft::DECODER;
use super::draft::Done;
use super::draft::Draft;
use super::draft::Growth;
use super::draft::Outcome;
use super::kept::Kept;
use super::kept::OLD;
use super::kept::old;
use super::pieces::Decoded;
use super::pieces::Room;
use super::rows::Rows;
use super::summary::Options;
use super::summary::Progress;
use super::summary::Summary;
use super::together::Drafts;
use crate::archive::manifest::Alias;
use crate::archive::manifest::Other;
use crate::archive::writer::Note;
use crate::archive::writer::Segment;
use crate::archive::writer::Writer;
use crate::error::Result;
use crate::session::Skip;
use crate::source::FIXED;
use crate::source::Listed;
use crate::time;

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
    pub(super) known: &'a mut HashSet<u64>,
    /// Where they stand, once anything has come twice.
    pub(super) kept: &'a mut Option<Kept>,
    /// What all entries brought, once anything that was kept cannot be read.
    pub(super) brought: Option<HashSet<[u8; 32]>>,
    /// What is to be read anew as a whole, for it cannot go on from what is kept.
    pub(super) again: &'a mut Vec<Listed>,
    pub(super) options: &'a Options<'a>,
    pub(super) summary: &'a mut Summary,
}

impl Gatherer<'_> {
    /// Takes outcomes until there are no more. `listed` tells how many objects and bytes were listed so far.
    pub(super) fn gather(
        &mut self,
        done: &Receiver<Done>,
        progress: &mut dyn Progress,
        listed: &dyn Fn() -> (u64, u64),
    ) -> Result<()> {
        let mut batch = Batch::default();
        let (objects, bytes) = (self.summary.listed, self.summary.bytes);
        loop {
            let next = done.recv_timeout(Duration::from_millis(250));
            let (more, more_bytes) = listed();
            progress.listed(objects + more, bytes + more_bytes);
            match next {
                Ok(it) => self.take(it.outcome, &mut batch, progress),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            if batch.is_full() {
                self.write(std::mem::take(&mut batch))?;
            }
            if self.options.stop.load(Ordering::Relaxed) {
                break;
            }
        }
        self.write(batch)
    }

    fn take(&mut self, outcome: Outcome, batch: &mut Batch, progress: &mut dyn Progress) {
        let summary = &mut *self.summary;
        batch.since.get_or_insert_with(Instant::now);
        match outcome {
            Outcome::Failed { locator, refusal } => summary.refused(&locator, &refusal),
            Outcome::Other { bytes, other } => {
                summary.bytes += bytes;
                summary.others.push(Skip {
                    locator: other.locator.clone(),
                    why: other.why.clone(),
                    loses: false,
                });
                batch.others.push(other);
                progress.took(1, bytes);
            }
            Outcome::Held { bytes, alias } => {
                summary.held += 1;
                summary.bytes += bytes;
                batch.aliases.extend(alias);
                progress.took(1, bytes);
            }
            Outcome::Grown { growth, damage, told } => {
                let bytes = growth.content.bytes();
                summary.bytes += bytes;
                batch.objects += 1;
                summary.damaged.extend(damage);
                summary.told.extend(told);
                batch.bytes += bytes;
                batch.growths.push(*growth);
                progress.took(1, bytes);
            }
            Outcome::Drafts { bytes, drafts, others, damage, told } => {
                summary.bytes += bytes;
                batch.objects += 1;
                summary.damaged.extend(damage);
                summary.parts.extend(others);
                summary.told.extend(told);
                batch.large |= drafts.iter().any(|it| it.content.is_large());
                batch.bytes += drafts.iter().map(|it| it.content.bytes()).sum::<u64>();
                batch.weight += drafts
                    .iter()
                    .filter_map(|it| it.piece.as_ref())
                    .map(Decoded::weight)
                    .sum::<usize>();
                batch.drafts.extend(drafts);
                progress.took(1, bytes);
            }
        }
    }

    fn write(&mut self, batch: Batch) -> Result<()> {
        if batch.is_empty() {
            return Ok(());
        }
        let archive = self.writer.archive();
        let mut aliases = batch.aliases;
        let mut others = batch.others;
        // Counted once all of it is written: of what a run that is stopped leaves, the next may find a part held.
        let mut stored = (batch.objects, batch.drafts.len() as u64);
        let mut by_id: BTreeMap<String, (Vec<Draft>, Vec<Growth>)> = BTreeMap::new();
        for draft in batch.drafts {
            by_id.entry(draft.session_id.as_str().to_owned()).or_default().0.push(draft);
        }
        for growth in batch.growths {
            by_id.entry(growth.kept.session_id.clone()).or_default().1.push(growth);
        }
        let met = by_id.keys().any(|it| self.known.contains(&fingerprint(it)));
        if met && self.kept.is_none() {
            *self.kept = Some(Kept::load(&archive));
        }
        let mut waiting = self.part(&archive, by_id)?;
        // Together what goes into the same files, and in it what is kept in the same files.
        waiting.sort_by(|one, other| one.order.cmp(&other.order));
        let scratch = self.writer.root().join("tmp");
        let mut cursor = archive.cursor(None);
        let mut commands = archive.cursor(Some(&OLD));
        let mut rest = waiting.into_iter();
        let mut next: Option<Vec<Drafts>> = None;
        let mut more = true;
        while more {
            let generation = self.writer.generation();
            let mut segment = Segment::new(self.writer.root(), generation)?;
            let mut rows = Rows::new(&mut segment, generation, self.options.stop);
            let mut superseded = Vec::new();
            let (mut new, mut changed, mut commands_found) = (0, 0, 0);
            more = false;
            loop {
                if next.is_none() {
                    let Some(one) = rest.next() else { break };
                    let mut groups = one.groups;
                    for it in &mut groups {
                        self.complete(&mut cursor, it, &scratch)?;
                    }
                    self.apart(&mut cursor, &one.id, &mut groups, &scratch)?;
                    stored.0 -= self.beside(&one.id, &mut groups);
                    next = Some(groups);
                }
                let Some(groups) = &mut next else { break };
                while let Some(group) = groups.first() {
                    if !rows.has_room(&group.drafts) {
                        more = true;
                        break;
                    }
                    let mut group = groups.remove(0);
                    aliases.extend(group.grow(&scratch, self.options.now)?);
                    match &group.before {
                        Some(before) => {
                            group.old = Some(old(&mut commands, before));
                            superseded.push((group.key.clone(), before.generation));
                            changed += 1;
                        }
                        // The index lost it: rows of it may lie in files that cannot be read now.
                        None if group.is_orphan => {
                            group.old =
                                self.kept.as_mut().and_then(|it| it.lost(&archive, &group.key));
                            superseded.push((group.key.clone(), -generation));
                            changed += 1;
                        }
                        None => new += 1,
                    }
                    self.known.insert(fingerprint(&group.id));
                    commands_found += rows.session(group)? as u64;
                }
                if more {
                    break;
                }
                next = None;
            }
            let brought = rows.finish()?;
            self.writer.publish(
                segment,
                Note {
                    did: "sync".into(),
                    written_at: time::rfc3339_seconds(self.options.now),
                    decoder: DECODER,
                    generation,
                    superseded,
                    aliases: std::mem::take(&mut aliases),
                    others: std::mem::take(&mut others),
                    brought,
                    ..Note::default()
                },
            )?;
            self.summary.sessions_new += new;
            self.summary.sessions_changed += changed;
            self.summary.commands += commands_found;
            if let Some(kept) = self.kept.as_mut() {
                kept.extend(&self.writer.archive(), generation);
            }
        }
        self.summary.stored += stored.0;
        self.summary.transcripts += stored.1;
        self.summary.index_scans += archive.index_scans();
        self.summary.files_opened += archive.files_opened();
        self.summary.unreadable(archive.damages());
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
