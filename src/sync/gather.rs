//! Decoded transcripts on their way to their sessions.
//!
//! The one hand that writes while many read. Batches are cut by size and by time, so that what was fetched is soon found;
//! a session whose transcripts come in several batches, or whose stream has grown, is brought together again.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::collections::HashMap;
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
use super::draft::append;
use super::pieces::Decoded;
use super::pieces::Room;
use super::rows::Rows;
use super::rows::partition_of;
use super::summary::Options;
use super::summary::Progress;
use super::summary::Summary;
use super::together::Drafts;
use crate::archive::Archive;
use crate::archive::cursor::Cursor;
use crate::archive::cursor::Index;
use crate::archive::manifest::Alias;
use crate::archive::manifest::Brought;
use crate::archive::manifest::Other;
use crate::archive::schema::SESSIONS;
use crate::archive::schema::SessionRow;
use crate::archive::schema::TRANSCRIPTS;
use crate::archive::schema::TranscriptRow;
use crate::archive::value::Word;
use crate::archive::writer::Note;
use crate::archive::writer::Segment;
use crate::archive::writer::Writer;
use crate::archive::writer::bytes_of;
use crate::error::Error;
use crate::error::Result;
use crate::intake::Content;
use crate::session::SessionId;
use crate::session::Skip;
use crate::source::FIXED;
use crate::source::Listed;
use crate::source::Seen;
use crate::time::At;
use crate::transcript::commands::Kind as CommandKind;
use crate::transcript::decoder::Claims;
use crate::transcript::decoder::Flaw;
use crate::transcript::decoder::FlawKind;
use crate::uid;

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
                    written_at: At(self.options.now).rfc3339_seconds(),
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

    /// Parts transcripts of each id by account: two accounts can use one id. What tells no account goes with the first
    /// that does.
    fn part(
        &self,
        archive: &Archive,
        by_id: BTreeMap<String, (Vec<Draft>, Vec<Growth>)>,
    ) -> Result<Vec<Session>> {
        let mut before = match self.kept.as_ref() {
            Some(kept) => kept.sessions(archive, by_id.keys().map(String::as_str))?,
            None => HashMap::new(),
        };
        let mut out = Vec::with_capacity(by_id.len());
        for (id, (mut drafts, growths)) in by_id {
            // Workers finish in any order; which account comes first must not depend on it.
            drafts.sort_by(|one, other| {
                (&one.locator, &one.version).cmp(&(&other.locator, &other.version))
            });
            let mut groups: Vec<Drafts> = before
                .remove(&id)
                .unwrap_or_default()
                .into_iter()
                .map(|it| Drafts {
                    before: Some(it.clone()),
                    diverges: says_diverges(&it),
                    ..Drafts::new(&id, it.session_key)
                })
                .collect();
            if let Some(kept) = self.kept.as_ref() {
                // What the index lost and the bytes still tell.
                for key in kept.keys_of(&id) {
                    if !groups.iter().any(|it| it.key == key) {
                        groups.push(Drafts { is_orphan: true, ..Drafts::new(&id, key) });
                    }
                }
            }
            for growth in growths {
                // A stream goes on in the session it began in, whatever it claims.
                let key = growth.kept.session_key.clone();
                match groups.iter_mut().find(|it| it.key == key) {
                    Some(it) => it.growths.push(growth),
                    None => groups.push(Drafts {
                        growths: vec![growth],
                        is_orphan: true,
                        ..Drafts::new(&id, key)
                    }),
                }
            }
            let (told, untold): (Vec<Draft>, Vec<Draft>) =
                drafts.into_iter().partition(|it| it.account().is_some());
            for draft in told.into_iter().chain(untold) {
                let account = draft.account().map(str::to_owned);
                let fits = |it: &Drafts| {
                    let theirs = it.account();
                    account.is_none() || theirs.is_none() || theirs == account
                };
                // What is read again goes where it was, so that it makes good what is damaged there.
                let was = groups.iter().position(|it| {
                    fits(it) && it.before.as_ref().is_some_and(|it| it.locator == draft.locator)
                });
                match was.or_else(|| groups.iter().position(fits)) {
                    Some(it) => groups[it].drafts.push(draft),
                    None => {
                        let key = free_key(&id, &groups);
                        groups.push(Drafts { drafts: vec![draft], ..Drafts::new(&id, key) });
                    }
                }
            }
            // A sibling may be needed for what cannot go on.
            let touched = groups.iter().any(|it| !it.drafts.is_empty() || !it.growths.is_empty());
            if touched {
                let order = groups.iter().filter(|it| !it.is_idle()).map(|it| {
                    let partition = match &it.before {
                        Some(it) => it.partition.clone(),
                        None => partition_of(&it.drafts),
                    };
                    (partition, it.before.as_ref().map(|it| (it.generation, it.commands_at)))
                });
                out.push(Session { order: order.min(), id, groups });
            }
        }
        Ok(out)
    }

    /// Brings back what the archive kept of a session that something new came of.
    fn complete(
        &mut self,
        cursor: &mut Cursor<'_>,
        group: &mut Drafts,
        scratch: &std::path::Path,
    ) -> Result<()> {
        if group.is_idle() || (group.before.is_none() && !group.is_orphan) {
            return Ok(());
        }
        let Some(kept) = self.kept.as_ref() else { return Ok(()) };
        let (found, whole) = kept.drafts(cursor, &group.key, scratch)?;
        let wanted = group.before.as_ref().map_or(0, |it| it.transcripts);
        group.is_damaged = !whole || (found.len() as i64) < wanted;
        if group.is_damaged && group.before.is_some() {
            // What was read again and has the very digest that an entry knows makes good what is damaged.
            let root = self.writer.root().to_owned();
            let brought = self.brought.get_or_insert_with(|| self.writer.brought());
            let mut again = 0;
            for it in &group.drafts {
                let leaf = it.brought().map_err(|it| Error::file("read", &root, it))?;
                again += i64::from(brought.contains(&bytes_of(leaf)));
            }
            group.is_damaged = (found.len() as i64) + again < wanted;
        }
        group.kept = found;
        Ok(())
    }

    /// Two objects under one id that kept every byte and differ are no copies of each other: whoever is recorded may write under
    /// any id. What was kept first stays as it is; the other stands beside it as a session of its own, and both say so.
    fn apart(
        &mut self,
        cursor: &mut Cursor<'_>,
        id: &str,
        groups: &mut Vec<Drafts>,
        scratch: &std::path::Path,
    ) -> Result<()> {
        let fail = |it| Error::file("read", scratch, it);
        let mut others = Vec::new();
        for group in groups.iter_mut().filter(|it| !it.is_damaged) {
            let mut drafts = std::mem::take(&mut group.drafts);
            drafts.sort_by(|one, other| {
                (one.stored_at, &one.locator, &one.version).cmp(&(
                    other.stored_at,
                    &other.locator,
                    &other.version,
                ))
            });
            for draft in drafts {
                let fits = match draft.compared_with(group.kept.iter().chain(&group.drafts)) {
                    Some(first) => draft.goes_on_from(first).map_err(fail)?,
                    None => true,
                };
                match fits {
                    true => group.drafts.push(draft),
                    false => {
                        group.is_marked |= !group.diverges;
                        group.diverges = true;
                        others.push((group.account(), draft));
                    }
                }
            }
        }
        for (account, mut draft) in others {
            if !draft.object_flaws.contains(&FlawKind::Diverges) {
                draft.object_flaws.push(FlawKind::Diverges);
                draft.flaws.push(Flaw { kind: FlawKind::Diverges, at: 0, count: 1 });
            }
            let mut place = None;
            for (nth, it) in groups.iter_mut().enumerate() {
                let theirs = it.account();
                if it.is_damaged || account.is_some() && theirs.is_some() && theirs != account {
                    continue;
                }
                if it.is_idle()
                    && it.kept.is_empty()
                    && let Some(kept) = self.kept.as_ref()
                {
                    it.kept = kept.drafts(cursor, &it.key, scratch)?.0;
                }
                if let Some(first) = draft.compared_with(it.kept.iter().chain(&it.drafts))
                    && draft.goes_on_from(first).map_err(fail)?
                {
                    place = Some(nth);
                    break;
                }
            }
            match place {
                Some(nth) => {
                    groups[nth].drafts.push(draft);
                    self.complete(cursor, &mut groups[nth], scratch)?;
                }
                None => {
                    let key = free_key(id, groups);
                    groups.push(Drafts {
                        drafts: vec![draft],
                        diverges: true,
                        ..Drafts::new(id, key)
                    });
                }
            }
        }
        Ok(())
    }

    /// Where what is kept of a session cannot be read, its rows stay as they are: what is new stands beside them, with a
    /// flaw, and a stream that would be continued is read anew from its beginning. Returns how many will be.
    fn beside(&mut self, id: &str, groups: &mut Vec<Drafts>) -> u64 {
        let mut put_off = 0;
        for nth in 0..groups.len() {
            if !groups[nth].is_damaged {
                let kept = std::mem::take(&mut groups[nth].kept);
                groups[nth].drafts.extend(kept);
                continue;
            }
            for growth in std::mem::take(&mut groups[nth].growths) {
                put_off += 1;
                self.again.push(growth.listed);
            }
            let account = groups[nth].account();
            let mut drafts = std::mem::take(&mut groups[nth].drafts);
            for it in &mut drafts {
                let flaw = Flaw { kind: FlawKind::KeptDamaged, at: 0, count: 1 };
                it.object_flaws.push(flaw.kind);
                it.flaws.push(flaw);
                self.summary.damaged.push(Skip {
                    locator: it.locator.clone(),
                    why: "what the archive kept of this session before cannot be read; this stands beside it".into(),
                    loses: true,
                });
            }
            if drafts.is_empty() {
                continue;
            }
            let sibling = groups.iter().enumerate().position(|(other, it)| {
                let theirs = it.account();
                other != nth
                    && !it.is_damaged
                    && (theirs.is_none() || account.is_none() || theirs == account)
            });
            match sibling {
                Some(it) => groups[it].drafts.extend(drafts),
                None => {
                    let key = free_key(id, groups);
                    groups.push(Drafts { drafts, ..Drafts::new(id, key) });
                }
            }
        }
        groups.retain(|it| !it.is_damaged && !it.is_idle());
        put_off
    }
}

/// Of each session whose index is lost what names its commands, by the newest of its rows that can be read.
fn lost_commands(archive: &Archive) -> HashMap<String, uid::Before> {
    let damaged: HashSet<String> = archive.damages().into_iter().map(|it| it.locator).collect();
    let mut found: HashMap<String, (i64, uid::Before)> = HashMap::new();
    for note in archive.files("commands") {
        let index = note.path.replacen("commands/", "sessions/", 1);
        if archive.note_of(&index).is_some() && !damaged.contains(&index) {
            continue;
        }
        let all = [(0, note.rows as i64)];
        let columns = ["session_key", "generation", OLD[0], OLD[1]];
        archive.read_spans(&note.path, &all, Some(&columns), |_, frame| {
            let keys = frame.column("session_key")?.str()?.clone();
            let generations = frame.column("generation")?.i64()?.clone();
            let kinds = frame.column("kind")?.str()?.clone();
            let texts = frame.column("command")?.str()?.clone();
            for row in 0..frame.height() {
                let (key, generation) =
                    (keys.get(row).unwrap_or_default(), generations.get(row).unwrap_or(0));
                let is_typed = is_typed(kinds.get(row));
                if !is_typed || archive.replaced().holds(key, generation) {
                    continue;
                }
                let (newest, before) = found.entry(key.to_owned()).or_default();
                if *newest > generation {
                    continue;
                }
                if *newest < generation {
                    (*newest, *before) = (generation, uid::Before::default());
                }
                before.texts.push(uid::fingerprint(texts.get(row).unwrap_or_default()));
            }
            Ok(())
        });
    }
    found.into_iter().map(|(key, it)| (key, it.1)).collect()
}

/// Whether a command of this kind, as its row says, has a name in a feed.
pub(super) fn is_typed(kind: Option<&str>) -> bool {
    Word::of(kind.unwrap_or_default()).is_in(&CommandKind::TYPED)
}

/// What of commands names them.
const OLD: [&str; 2] = ["kind", "command"];

/// The commands that were read of a session before, by what names them.
fn old(cursor: &mut Cursor<'_>, before: &SessionRow) -> uid::Before {
    let mut texts = Vec::new();
    let path = Archive::file_of("commands", before);
    if cursor.lacks(&path) {
        return uid::Before { texts, withdrawn: before.withdrawn.to_vec() };
    }
    cursor.rows(&path, before.commands_at, before.commands_rows, |frame| {
        let kinds = frame.column("kind")?.str()?.clone();
        let commands = frame.column("command")?.str()?.clone();
        for (kind, text) in kinds.iter().zip(commands.iter()) {
            if is_typed(kind) {
                texts.push(uid::fingerprint(text.unwrap_or_default()));
            }
        }
        Ok(())
    });
    uid::Before { texts, withdrawn: before.withdrawn.to_vec() }
}

/// All that came of one id.
struct Session {
    id: String,
    groups: Vec<Drafts>,
    /// Partition and place of what is there before.
    order: Option<(String, Option<(i64, i64)>)>,
}

/// Where what is kept stands: looked up for a batch at a time, loaded once a run, and only if anything comes twice.
pub(super) struct Kept {
    sessions: Index,
    transcripts: Index,
    /// What names the commands of sessions that the index lost, once anybody asks.
    lost: Option<HashMap<String, uid::Before>>,
}

impl Kept {
    pub(super) fn load(archive: &Archive) -> Self {
        Self {
            sessions: Index::load(archive, &SESSIONS, "session_id"),
            transcripts: Index::load(archive, &TRANSCRIPTS, "session_key"),
            lost: None,
        }
    }

    /// The commands that were read before of a session that the index lost: they lie in files that no index speaks of. Which
    /// names had been withdrawn by then is lost with the index.
    pub(super) fn lost(&mut self, archive: &Archive, key: &str) -> Option<uid::Before> {
        self.lost.get_or_insert_with(|| lost_commands(archive)).remove(key)
    }

    /// Takes up what an entry has added.
    fn extend(&mut self, archive: &Archive, generation: i64) {
        let Some(entry) = archive.manifest.entries.iter().rfind(|it| it.generation == generation)
        else {
            return;
        };
        for note in &entry.added {
            match note.table.as_str() {
                "sessions" => self.sessions.extend(archive, note, "session_id"),
                "transcripts" => self.transcripts.extend(archive, note, "session_key"),
                _ => {}
            }
        }
    }

    /// The current rows of these sessions, by id.
    fn sessions<'a>(
        &self,
        archive: &Archive,
        ids: impl Iterator<Item = &'a str>,
    ) -> Result<HashMap<String, Vec<SessionRow>>> {
        let mut places: Vec<(&str, i64)> = ids.flat_map(|it| self.sessions.find(it)).collect();
        places.sort_unstable();
        places.dedup();
        let mut cursor = archive.cursor(None);
        let mut out: HashMap<String, Vec<SessionRow>> = HashMap::new();
        for (path, row) in places {
            cursor.rows(path, row, 1, |frame| {
                for it in SessionRow::rows(&frame)? {
                    if !archive.replaced().holds(&it.session_key, it.generation) {
                        out.entry(it.session_id.clone()).or_default().push(it);
                    }
                }
                Ok(())
            });
        }
        for rows in out.values_mut() {
            rows.sort_by(|one, other| {
                (one.at, &one.session_key).cmp(&(other.at, &other.session_key))
            });
        }
        Ok(out)
    }

    /// The current row of one session.
    pub(super) fn row(
        &self,
        cursor: &mut Cursor<'_>,
        archive: &Archive,
        key: &str,
    ) -> Option<SessionRow> {
        let mut out: Option<SessionRow> = None;
        let places: BTreeSet<(&str, i64)> = self.sessions.find(&id_of(key)).collect();
        for (path, row) in places {
            cursor.rows(path, row, 1, |frame| {
                out = SessionRow::rows(&frame)?
                    .into_iter()
                    .filter(|it| it.session_key == key)
                    .filter(|it| !archive.replaced().holds(key, it.generation))
                    .chain(out.take())
                    .max_by_key(|it| it.generation);
                Ok(())
            });
        }
        out
    }

    /// All transcripts that are kept of a session, and whether these are all of their bytes.
    pub(super) fn drafts(
        &self,
        cursor: &mut Cursor<'_>,
        key: &str,
        scratch: &std::path::Path,
    ) -> Result<(Vec<Draft>, bool)> {
        let places: Vec<(String, i64)> =
            self.transcripts.find(key).map(|it| (it.0.to_owned(), it.1)).collect();
        earlier(cursor, key, &places, scratch)
    }

    /// Keys under which bytes of this session are kept.
    fn keys_of(&self, id: &str) -> Vec<String> {
        keys(id).take_while(|it| self.transcripts.find(it).next().is_some()).collect()
    }
}

/// Whether a session's row says that another object under its id holds other bytes. (Where its own two copies differ, the
/// flaw has a place.)
pub(super) fn says_diverges(row: &SessionRow) -> bool {
    row.flaws.contains(&FlawKind::Diverges.into())
}

/// A key that no session of this id has.
fn free_key(id: &str, groups: &[Drafts]) -> String {
    let mut free = keys(id).filter(|key| !groups.iter().any(|it| it.key == *key));
    free.next().unwrap_or_else(|| id.to_owned())
}

/// All keys that sessions of an id can have, in order. An id may hold a `#` of its own, which is written `#~` in them: whoever
/// names a file must not choose the key of another session.
fn keys(id: &str) -> impl Iterator<Item = String> {
    let own = id.replace('#', "#~");
    std::iter::once(own.clone()).chain((2..).map(move |nth| format!("{own}#{nth}")))
}

/// The id of a key's session.
fn id_of(key: &str) -> String {
    let numbered = key
        .rsplit_once('#')
        .filter(|(_, nth)| !nth.is_empty() && nth.bytes().all(|it| it.is_ascii_digit()));
    numbered.map_or(key, |it| it.0).replace("#~", "#")
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

/// Brings back the transcripts that the archive kept under a key, from where their rows stand, and tells whether these are
/// all of their bytes. What has a gap is left out.
fn earlier(
    cursor: &mut Cursor<'_>,
    key: &str,
    places: &[(String, i64)],
    scratch: &std::path::Path,
) -> Result<(Vec<Draft>, bool)> {
    let fail = |it| Error::file("read", scratch, it);
    let mut found: Vec<(Draft, i64)> = Vec::new();
    let mut whole = true;
    for (path, row) in places {
        let mut rows = Vec::new();
        whole &= cursor.rows(path, *row, 1, |frame| {
            rows.extend(TranscriptRow::rows(&frame)?);
            Ok(())
        });
        for row in rows.into_iter().filter(|it| it.session_key == key) {
            if row.part == 0 {
                match draft_of(&row) {
                    Some(it) => found.push((it, 0)),
                    None => whole = false,
                }
            }
            // A stream that grew goes on in a later file.
            let draft = found
                .iter_mut()
                .rfind(|it| it.0.locator == row.locator && it.0.kept == Some(row.part));
            let Some((draft, bytes)) = draft else {
                whole = false;
                continue;
            };
            append(&mut draft.content, &row.content, scratch).map_err(fail)?;
            draft.kept = Some(row.part + 1);
            draft.take_facts(&row);
            *bytes = row.content_bytes;
        }
    }
    let (sound, torn): (Vec<_>, Vec<_>) =
        found.into_iter().partition(|(it, bytes)| it.content.bytes() as i64 == *bytes);
    whole &= torn.is_empty();
    let mut found: Vec<Draft> = sound.into_iter().map(|it| it.0).collect();
    let room = Room::of_one_session();
    for draft in &mut found {
        draft.decode(&room).map_err(fail)?;
    }
    Ok((found, whole))
}

impl Draft {
    /// What an entry says of its bytes.
    pub(super) fn brought(&self) -> std::io::Result<Brought> {
        Ok(Brought {
            locator: self.locator.clone(),
            version: self.version.clone(),
            digest: self.digest.clone(),
            content_digest: self.content.digest()?,
        })
    }

    /// What the newest reading of a kept transcript told of its object.
    fn take_facts(&mut self, row: &TranscriptRow) {
        self.stored_at = row.stored_at.micros();
        self.object_flaws = row.object_flaws.iter().filter_map(|it| it.known()).collect();
    }
}

fn draft_of(row: &TranscriptRow) -> Option<Draft> {
    Some(Draft {
        session_id: SessionId::new(&row.session_id)?,
        source: row.source.clone(),
        locator: row.locator.clone(),
        version: row.version.clone(),
        form: row.form.known()?,
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
