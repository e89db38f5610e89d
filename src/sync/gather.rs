//! Decoded transcripts on their way to their sessions.
//!
//! The one hand that writes while many read. Batches are cut by size and by time, so that what was fetched is soon found;
//! a session whose transcripts come in several batches, or whose stream has grown, is brought together again.

use std::collections::BTreeMap;
use std::collections::HashSet;
use std::hash::BuildHasher;
use std::io::Write;
use std::sync::atomic::Ordering;
use std::sync::mpsc::Receiver;
use std::sync::mpsc::RecvTimeoutError;
use std::time::Duration;
use std::time::Instant;

use super::DECODER;
use super::Done;
use super::Draft;
use super::FIXED;
use super::Growth;
use super::Options;
use super::Outcome;
use super::Progress;
use super::Summary;
use super::Tail;
use super::rows::Rows;
use crate::archive::Archive;
use crate::archive::Which;
use crate::archive::manifest::Alias;
use crate::archive::manifest::Other;
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
use crate::source::Seen;
use crate::transcript::decoder::Claims;
use crate::transcript::decoder::FlawKind;
use crate::transcript::wire::Form;

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
                summary.stored += 1;
                summary.damaged.extend(damage);
                summary.told.extend(told);
                batch.bytes += bytes;
                batch.growths.push(*growth);
                progress.took(1, bytes);
            }
            Outcome::Drafts { bytes, drafts, others, damage, told } => {
                summary.bytes += bytes;
                summary.stored += 1;
                summary.transcripts += drafts.len() as u64;
                summary.damaged.extend(damage);
                summary.parts.extend(others);
                summary.told.extend(told);
                batch.large |= drafts.iter().any(|it| it.content.is_large());
                batch.bytes += drafts.iter().map(|it| it.content.bytes()).sum::<u64>();
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
        let generation = self.writer.generation();
        let mut segment = Segment::new(self.writer.root(), generation)?;
        let mut superseded = Vec::new();
        let mut aliases = batch.aliases;
        let mut by_id: BTreeMap<String, (Vec<Draft>, Vec<Growth>)> = BTreeMap::new();
        for draft in batch.drafts {
            by_id.entry(draft.session_id.as_str().to_owned()).or_default().0.push(draft);
        }
        for growth in batch.growths {
            by_id.entry(growth.kept.session_id.clone()).or_default().1.push(growth);
        }
        let mut rows = Rows::new(&mut segment, generation, self.options.stop);
        for (id, (drafts, growths)) in by_id {
            let met = self.known.contains(&fingerprint(&id));
            for mut group in part(&archive, &id, drafts, growths, met)? {
                if let Some(before) = &group.before {
                    superseded.push((group.key.clone(), before.generation));
                    self.summary.sessions_changed += 1;
                    earlier(&archive, &mut group, self.writer.root())?;
                    aliases.extend(group.grow(self.writer.root(), self.options.now)?);
                } else {
                    self.summary.sessions_new += 1;
                }
                self.known.insert(fingerprint(&id));
                self.summary.commands += rows.session(group)? as u64;
            }
        }
        rows.finish()?;
        self.writer.publish(
            segment,
            Note {
                did: "sync".into(),
                written_at: rfc3339(self.options.now),
                decoder: DECODER,
                generation,
                superseded,
                aliases,
                others: batch.others,
                ..Note::default()
            },
        )
    }
}

#[derive(Default)]
struct Batch {
    drafts: Vec<Draft>,
    growths: Vec<Growth>,
    aliases: Vec<Alias>,
    others: Vec<Other>,
    bytes: u64,
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
            || self.drafts.len() + self.growths.len() >= BATCH_OBJECTS
            || (!self.is_empty() && self.since.is_some_and(|it| it.elapsed() >= BATCH_AGE))
    }
}

/// All transcripts of one session, and what the archive knew of it.
pub(super) struct Group {
    pub(super) key: String,
    pub(super) drafts: Vec<Draft>,
    pub(super) growths: Vec<Growth>,
    pub(super) before: Option<SessionRow>,
}

impl Group {
    /// Puts what streams have grown by behind what is kept of them; returns which versions are held by that.
    fn grow(&mut self, root: &std::path::Path, now: i64) -> Result<Vec<Alias>> {
        let scratch = root.join("tmp");
        let fail = |it| Error::file("read", &scratch, it);
        let mut aliases = Vec::new();
        let mut united = Vec::new();
        for mut growth in std::mem::take(&mut self.growths) {
            let kept = self
                .drafts
                .iter_mut()
                .rfind(|it| it.locator == growth.locator && it.kept.is_some());
            let Some(draft) = kept else {
                return Err(Error::new(
                    Kind::Damaged,
                    format!("the kept beginning of {} cannot be read", growth.locator),
                )
                .hint(
                    "`ssmtrail archive verify` says which file is damaged; nothing was changed",
                ));
            };
            if growth.seen.anew {
                united.extend(super::anew::unite(draft, &mut growth, now, &scratch).map_err(fail)?);
                if growth.content.bytes() == 0 {
                    aliases.push(growth.alias());
                    continue;
                }
            }
            let start = draft.content.bytes() as i64;
            growth
                .content
                .parts(1 << 20, |part| append(&mut draft.content, part, &scratch))
                .map_err(fail)?;
            draft.stored_at = growth.stored_at;
            draft.read_at = now;
            draft.object_flaws.retain(|it| *it != FlawKind::ObjectDamaged);
            if growth.seen.damaged.is_some() {
                draft.object_flaws.push(FlawKind::ObjectDamaged);
            }
            if growth.repeated > 0 && !draft.object_flaws.contains(&FlawKind::Repeated) {
                draft.object_flaws.push(FlawKind::Repeated);
            }
            aliases.push(growth.alias());
            draft.seen = growth.seen;
            draft.tail = Some(Tail {
                content: growth.content,
                digest: growth.digest,
                part: draft.kept.unwrap_or(0),
                start,
            });
            draft.piece = None;
            draft.decode().map_err(fail)?;
        }
        self.drafts.splice(0..0, united);
        Ok(aliases)
    }
}

pub(super) fn rfc3339(micros: i64) -> String {
    chrono::DateTime::from_timestamp_micros(micros)
        .unwrap_or_default()
        .to_rfc3339_opts(chrono::SecondsFormat::Secs, true)
}

/// Parts transcripts of one id by account: two accounts can use one id. What tells no account goes with the
/// first that does.
fn part(
    archive: &Archive,
    id: &str,
    drafts: Vec<Draft>,
    growths: Vec<Growth>,
    met: bool,
) -> Result<Vec<Group>> {
    let mut before: Vec<SessionRow> = Vec::new();
    if met {
        let which = Which { sessions: vec![id.to_owned()], ..Which::default() };
        before = archive.sessions(&which)?;
        before.retain(|it| it.session_id == id);
    }
    let mut groups: Vec<Group> = before
        .into_iter()
        .map(|it| Group {
            key: it.session_key.clone(),
            drafts: Vec::new(),
            growths: Vec::new(),
            before: Some(it),
        })
        .collect();
    for growth in growths {
        // A stream goes on in the session it began in, whatever it claims.
        match groups.iter_mut().find(|it| it.key == growth.kept.session_key) {
            Some(it) => it.growths.push(growth),
            None => {
                return Err(Error::new(
                    Kind::Damaged,
                    format!("the session of {} is gone from the archive", growth.locator),
                )
                .hint(
                    "`ssmtrail archive verify` says which file is damaged; nothing was changed",
                ));
            }
        }
    }
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
                groups.push(Group { key, drafts: vec![draft], growths: Vec::new(), before: None });
            }
        }
    }
    groups.retain(|it| !it.drafts.is_empty() || !it.growths.is_empty());
    Ok(groups)
}

/// Brings back the transcripts that the archive kept of a session, to be read together with the new ones.
pub(super) fn earlier(archive: &Archive, group: &mut Group, root: &std::path::Path) -> Result<()> {
    let scratch = root.join("tmp");
    let mut found: Vec<Draft> = Vec::new();
    archive.transcripts_of(&[&group.key], |row| {
        let fail = |it| Error::file("read", &scratch, it);
        if row.part == 0 {
            found.push(draft_of(&row).ok_or_else(|| {
                Error::new(Kind::Damaged, format!("a transcript of {} has no form", row.session_id))
            })?);
        }
        // A stream that grew goes on in a later file.
        let draft = found.iter_mut().rfind(|it| it.locator == row.locator);
        if let Some(draft) = draft {
            append(&mut draft.content, &row.content, &scratch).map_err(fail)?;
            draft.kept = Some(row.part + 1);
            draft.take_facts(&row);
        }
        Ok(())
    })?;
    for draft in &mut found {
        draft.decode().map_err(|it| Error::file("read", &scratch, it))?;
    }
    group.drafts.extend(found);
    Ok(())
}

impl Draft {
    /// What the newest reading of a kept transcript told of its object.
    fn take_facts(&mut self, row: &TranscriptRow) {
        self.stored_at = row.stored_at.micros();
        self.object_flaws = row
            .object_flaws
            .iter()
            .flat_map(|it| it.split('+'))
            .filter_map(FlawKind::from_name)
            .collect();
    }
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
        kept: Some(0),
        tail: None,
        seen: Seen::default(),
        place: (row.account_id.clone(), row.region.clone()),
        object_flaws: Vec::new(),
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
        *content = Content::Spooled { file: file.into(), extents: vec![(0, held)], bytes: held };
    }
    if let Content::Spooled { file, extents, bytes: held } = content {
        file.write_all(bytes)?;
        *held += bytes.len() as u64;
        *extents = vec![(0, *held)];
    }
    Ok(())
}
