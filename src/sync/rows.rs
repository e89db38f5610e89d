//! The rows of a session: what its transcripts together tell, written to the files of one segment.
//!
//! All transcripts of a session meet here. Its text is taken from the one that kept every byte, owner and times from those
//! that tell them; all of them are claims, so nothing of them gets into a path unchecked. Short sessions are gathered
//! into row groups; a long one streams through, so that its size does not matter.

use super::draft::DECODER;
use super::draft::Draft;
use super::draft::GROUP_ROWS;
use super::draft::PART_BYTES;
use super::together::Drafts;
use crate::archive::LONGEST;
use crate::archive::line::LineColumns;
use crate::archive::line::NewLine;
use crate::archive::line::Shared;
use crate::archive::manifest::Brought;
use crate::archive::schema::AtFrom;
use crate::archive::schema::COMMANDS;
use crate::archive::schema::CommandRow;
use crate::archive::schema::Instant;
use crate::archive::schema::LINES;
use crate::archive::schema::LineKind;
use crate::archive::schema::OwnerFrom;
use crate::archive::schema::SESSIONS;
use crate::archive::schema::SessionFlaw;
use crate::archive::schema::SessionRow;
use crate::archive::schema::TRANSCRIPTS;
use crate::archive::schema::TranscriptRow;
use crate::archive::value::NullIfEmpty;
use crate::archive::value::Word;
use crate::archive::writer::PARTITIONS;
use crate::archive::writer::Segment;
use crate::config::Place;
use crate::error::Error;
use crate::error::Kind;
use crate::error::Result;
use crate::source::FIXED;
use crate::time::At;
use crate::transcript::both::Stream;
use crate::transcript::commands::CommandFlaw;
use crate::transcript::commands::Kind as CommandKind;
use crate::transcript::decoder::CHUNK;
use crate::transcript::decoder::Claims;
use crate::transcript::decoder::Decoder;
use crate::transcript::decoder::Flaw;
use crate::transcript::decoder::FlawKind;
use crate::transcript::decoder::Piece;
use crate::transcript::screen::bits;
use crate::transcript::wire::CLOCKS;
use crate::transcript::wire::FIRST;
use crate::transcript::wire::Form;
use crate::uid;
use std::collections::BTreeMap;
use std::hash::BuildHasher;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;

/// Rows of one segment on their way to its files.
pub(super) struct Rows<'a> {
    segment: &'a mut Segment,
    generation: i64,
    /// Looked at while a long transcript is written, which can take a minute.
    stop: &'a AtomicBool,
    partitions: BTreeMap<String, Pending>,
    /// Commands of the last session, for a comparison with what was there before; `None` if nobody compares.
    pub(super) read: Option<Compared>,
    /// Fingerprints of the commands of a session that is read anew; `None` if it is new.
    typed: Option<Vec<u64>>,
    /// Source bytes that are written here for the first time.
    pub(super) brought: Vec<Brought>,
}

/// Commands of an earlier reading of a session, to be compared with those that are read now: eight bytes each, for a session may
/// have millions.
#[derive(Debug, Default)]
pub(super) struct Compared {
    /// In order: where each stands, and in the last 24 bits what it says, or [`MET`] of one that was met again. Of sixteen million
    /// that read differently one may count as the same.
    before: Vec<u64>,
    pub(super) new: u64,
    pub(super) different: u64,
}

/// Bits of what a command says.
const SAYS: u32 = 24;

/// What no command says.
const MET: u64 = 0;

impl Compared {
    pub(super) fn with_capacity(commands: usize) -> Self {
        Self { before: Vec::with_capacity(commands), ..Self::default() }
    }

    pub(super) fn add(&mut self, byte_start: i64, kind: &str, text: &str) {
        self.before.push(Self::key(byte_start) | Self::says(kind, text));
    }

    /// All of them were added.
    pub(super) fn settle(&mut self) {
        self.before.sort_unstable();
    }

    fn key(byte_start: i64) -> u64 {
        (byte_start as u64) << SAYS
    }

    fn says(kind: &str, text: &str) -> u64 {
        (FIXED.hash_one((kind, text)) >> (u64::BITS - SAYS)).max(MET + 1)
    }

    pub(super) fn meet(&mut self, byte_start: i64, kind: &str, text: &str) {
        let (place, now) = (Self::key(byte_start), Self::says(kind, text));
        let of = |it: u64| (it >> SAYS) << SAYS;
        let from = self.before.partition_point(|it| of(*it) < place);
        let same = self.before[from..].iter_mut().take_while(|it| of(**it) == place);
        match same.filter(|it| **it != place | MET).min_by_key(|it| **it != place | now) {
            None => self.new += 1,
            Some(it) => {
                self.different += u64::from(*it != place | now);
                *it = place | MET;
            }
        }
    }

    /// Those that were not met again.
    pub(super) fn gone(&self) -> u64 {
        let says = (1 << SAYS) - 1;
        self.before.iter().filter(|it| **it & says != MET).count() as u64
    }
}

#[derive(Default)]
struct Pending {
    sessions: Vec<SessionRow>,
    commands: Vec<CommandRow>,
    /// Bytes of their texts.
    command_bytes: usize,
    lines: LineColumns,
    transcripts: Vec<TranscriptRow>,
    transcript_bytes: usize,
}

impl<'a> Rows<'a> {
    pub(super) fn new(segment: &'a mut Segment, generation: i64, stop: &'a AtomicBool) -> Self {
        let (partitions, brought) = (BTreeMap::new(), Vec::new());
        Self { segment, generation, stop, partitions, read: None, typed: None, brought }
    }

    /// Whether a session of these transcripts may go into this segment, which has a file open for each of its partitions.
    pub(super) fn has_room(&self, drafts: &[Draft]) -> bool {
        self.partitions.len() < PARTITIONS || self.partitions.contains_key(&partition_of(drafts))
    }

    /// Writes one session; returns how many commands it has.
    pub(super) fn session(&mut self, mut group: Drafts) -> Result<usize> {
        group.drafts.sort_by_key(|it| std::cmp::Reverse(it.rank()));
        let facts = Facts::of(&group.drafts);
        let partition = facts.partition();
        for draft in &group.drafts {
            if draft.kept.is_none() || draft.tail.is_some() {
                self.transcript(&partition, &group.key, &facts, draft)?;
            }
        }
        let replaced = has_versions(&group.drafts);
        let stream = stream_of(&group.drafts)?;
        let Some(primary) = group.drafts.first_mut() else { return Ok(0) };
        if group.diverges && primary.flaws.iter().all(|it| it.kind != FlawKind::Diverges) {
            primary.flaws.push(Flaw { kind: FlawKind::Diverges, at: 0, count: 1 });
        }
        if facts.clock && primary.flaws.iter().all(|it| it.kind != FlawKind::Clock) {
            primary.flaws.push(Flaw { kind: FlawKind::Clock, at: 0, count: 1 });
        }
        if replaced {
            primary.flaws.push(Flaw { kind: FlawKind::Replaced, at: 0, count: 1 });
        }
        let shared = Shared {
            session_id: primary.session_id.as_str().to_owned(),
            session_key: group.key.clone(),
            account_id: facts.account_id.clone(),
            region: facts.region.clone(),
            owner: facts.owner.clone(),
            target: facts.target.clone(),
            locator: primary.locator.clone(),
            generation: self.generation,
        };
        let pending = self.partitions.entry(partition.clone()).or_default();
        let commands_at = self.segment.rows(&COMMANDS, &partition) + pending.commands.len() as i64;
        let lines_at = self.segment.rows(&LINES, &partition) + pending.lines.len() as i64;
        pending.lines.begin(shared.clone());
        self.typed = group.old.as_ref().map(|it| Vec::with_capacity(it.texts.len()));
        let mut out = SessionOut {
            segment: self.segment,
            pending,
            partition: &partition,
            shared: &shared,
            facts: &facts,
            source: primary.source.clone(),
            read: self.read.as_mut(),
            typed: self.typed.as_mut(),
            lines: 0,
            seq: 0,
            ran: 0,
            unconfirmed: 0,
            abandoned: 0,
            possible: 0,
        };
        let cached = primary.piece.take().filter(|_| stream.is_none());
        match cached {
            Some(mut decoded) => out.piece(&mut decoded.piece)?,
            None => {
                let mut decoder = Decoder::new(primary.form);
                if let Some(stream) = stream {
                    decoder = decoder.with_stream(stream);
                }
                let mut failed = None;
                let mut piece = Piece::default();
                let stop = self.stop;
                let read = primary.content.parts(CHUNK, |part| {
                    if stop.load(Ordering::Relaxed) {
                        failed = Some(Error::new(Kind::Interrupted, "interrupted"));
                        return Err(std::io::ErrorKind::Other.into());
                    }
                    decoder.push(part);
                    decoder.take_into(&mut piece);
                    if let Err(it) = out.piece(&mut piece) {
                        failed = Some(it);
                        return Err(std::io::ErrorKind::Other.into());
                    }
                    Ok(())
                });
                if let Some(it) = failed {
                    return Err(it);
                }
                read.map_err(|it| {
                    Error::new(Kind::Refused, format!("cannot read back {}: {it}", primary.locator))
                })?;
                let (mut piece, claims, flaws) = decoder.finish();
                out.piece(&mut piece)?;
                primary.claims.frame.has_footer = claims.frame.has_footer;
                primary.claims.diverged = claims.diverged;
                primary.flaws.extend(flaws);
            }
        }
        let (lines, commands) = (out.lines, out.seq);
        let (ran, unconfirmed, abandoned) = (out.ran, out.unconfirmed, out.abandoned);
        let possible = out.possible;
        let mut forms: Vec<Word<Form>> = group.drafts.iter().map(|it| it.form.into()).collect();
        forms.sort_unstable();
        forms.dedup();
        let mut kinds: Vec<Word<FlawKind>> = group
            .drafts
            .iter()
            .enumerate()
            // That the streamed copy is lossy matters only where it is the one that was read.
            .flat_map(|(nth, it)| {
                it.flaws.iter().filter(move |it| nth == 0 || it.kind != FlawKind::Lossy)
            })
            .map(|it| it.kind.into())
            .collect();
        kinds.sort_unstable();
        kinds.dedup();
        let primary = &group.drafts[0];
        let flaw = |kind: Word<FlawKind>| {
            let places = primary.claims.diverged.filter(|_| kind == FlawKind::Diverges);
            SessionFlaw::new(kind, places.map(|it| it.places()))
        };
        let bytes: u64 = group.drafts.iter().map(|it| it.content.bytes()).sum();
        let typed = self.typed.take().unwrap_or_default();
        let withdrawn = group.old.map(|it| it.withdrawn(&group.key, typed)).unwrap_or_default();
        let row = SessionRow {
            session_id: shared.session_id.clone(),
            session_key: group.key,
            account_id: facts.account_id.clone(),
            region: facts.region.clone(),
            owner: facts.owner.clone(),
            owner_from: facts.owner_from.map(Word::Known),
            target: facts.target.clone(),
            run_as: facts.run_as.clone(),
            session_type: facts.session_type.clone(),
            claims: NullIfEmpty(facts.claims.clone()),
            at: Instant(facts.at),
            at_from: facts.at_from.map(Word::Known),
            first_event_at: Instant(facts.first_event_at),
            last_event_at: Instant(facts.last_event_at),
            ended_at: Instant(facts.ended_at),
            stored_at: Instant(facts.stored_at),
            forms,
            transcripts: group.drafts.len() as i64,
            transcript_bytes: bytes as i64,
            line_count: lines,
            command_count: ran,
            abandoned_count: Some(abandoned),
            unconfirmed_count: Some(unconfirmed),
            possible_count: possible,
            flaws: kinds.into_iter().map(flaw).collect(),
            locator: primary.locator.clone(),
            source: primary.source.clone(),
            decoder: DECODER,
            withdrawn: NullIfEmpty(withdrawn),
            generation: self.generation,
            commands_at,
            commands_rows: commands,
            lines_at,
            lines_rows: lines,
            partition: partition.clone(),
        };
        self.partitions.entry(partition).or_default().sessions.push(row);
        Ok(ran as usize)
    }

    fn transcript(
        &mut self,
        partition: &str,
        key: &str,
        facts: &Facts,
        draft: &Draft,
    ) -> Result<()> {
        let Self { segment, generation, partitions, brought, .. } = self;
        let pending = partitions.entry(partition.to_owned()).or_default();
        let unreadable =
            |it| Error::new(Kind::Refused, format!("cannot read back {}: {it}", draft.locator));
        // Of a stream that grew, all but its growth is kept already.
        let (content, digest, first, start) = match &draft.tail {
            Some(it) => (&it.content, &it.digest, it.part, it.start),
            None => (&draft.content, &draft.digest, 0, 0),
        };
        let content_digest = content.digest().map_err(unreadable)?;
        brought.push(Brought {
            locator: draft.locator.clone(),
            version: draft.version.clone(),
            digest: digest.clone(),
            content_digest: content_digest.clone(),
        });
        let position = draft.seen.position.as_ref().and_then(|it| serde_json::to_string(it).ok());
        let row = |part: i64, part_start: i64, content: Vec<u8>| TranscriptRow {
            session_id: draft.session_id.as_str().to_owned(),
            session_key: key.to_owned(),
            account_id: facts.account_id.clone(),
            region: facts.region.clone(),
            source: draft.source.clone(),
            locator: draft.locator.clone(),
            version: draft.version.clone(),
            form: draft.form.into(),
            digest: digest.clone(),
            content_digest: content_digest.clone(),
            stored_bytes: draft.stored_bytes as i64,
            content_bytes: draft.content.bytes() as i64,
            stored_at: Instant(draft.stored_at),
            read_at: Instant(Some(draft.read_at)),
            etag: draft.seen.etag.clone(),
            version_id: draft.seen.version_id.clone(),
            checksum: draft.seen.checksum.clone(),
            encryption: draft.seen.encryption.clone(),
            storage_class: draft.seen.storage_class.clone(),
            position: position.clone(),
            object_flaws: NullIfEmpty(draft.object_flaws.iter().map(|it| (*it).into()).collect()),
            part,
            part_start,
            content,
            generation: *generation,
        };
        if content.bytes() == 0 {
            pending.transcripts.push(row(0, 0, Vec::new()));
            return Ok(());
        }
        let (mut part, mut at) = (first, start);
        let mut failed = None;
        let read = content.parts(PART_BYTES, |bytes| {
            pending.transcripts.push(row(part, at, bytes.to_vec()));
            pending.transcript_bytes += bytes.len();
            part += 1;
            at += bytes.len() as i64;
            let full =
                pending.transcript_bytes >= PART_BYTES || pending.transcripts.len() >= GROUP_ROWS;
            if full && let Err(it) = write_transcripts(segment, partition, pending) {
                failed = Some(it);
                return Err(std::io::ErrorKind::Other.into());
            }
            Ok(())
        });
        if let Some(it) = failed {
            return Err(it);
        }
        read.map_err(unreadable)
    }

    /// Writes what waits; returns what was brought.
    pub(super) fn finish(self) -> Result<Vec<Brought>> {
        for (partition, mut pending) in self.partitions {
            write_transcripts(self.segment, &partition, &mut pending)?;
            for rows in pending.commands.chunks(GROUP_ROWS) {
                let frame = CommandRow::frame(rows).map_err(|it| unwritten(&it))?;
                self.segment.write(&COMMANDS, &partition, &frame)?;
            }
            let frame = pending.lines.take().map_err(|it| unwritten(&it))?;
            self.segment.write(&LINES, &partition, &frame)?;
            for rows in pending.sessions.chunks(GROUP_ROWS) {
                let frame = SessionRow::frame(rows).map_err(|it| unwritten(&it))?;
                self.segment.write(&SESSIONS, &partition, &frame)?;
            }
        }
        Ok(self.brought)
    }
}

/// The folder of a session's files, as far as these transcripts tell.
pub(super) fn partition_of(drafts: &[Draft]) -> String {
    Facts::of(drafts).partition()
}

/// Whether one object is there in several versions that are not the same.
fn has_versions(drafts: &[Draft]) -> bool {
    let object = |it: &Draft| it.locator.split("?versionId=").next().map(str::to_owned);
    drafts.iter().enumerate().any(|(nth, one)| {
        drafts[..nth].iter().any(|it| it.digest != one.digest && object(it) == object(one))
    })
}

/// The streamed copy of a session whose bytes are kept too: it tells the times.
fn stream_of(drafts: &[Draft]) -> Result<Option<Stream>> {
    let [primary, rest @ ..] = drafts else { return Ok(None) };
    if primary.claims.streamed || !matches!(primary.form, Form::Script | Form::Bare) {
        return Ok(None);
    }
    let Some(copy) = rest.iter().find(|it| it.claims.streamed && it.form == Form::Events) else {
        return Ok(None);
    };
    let mut stream = Stream::default();
    let read = copy.content.parts(CHUNK, |part| {
        stream.push(part);
        Ok(())
    });
    read.map_err(|it| {
        Error::new(Kind::Refused, format!("cannot read back {}: {it}", copy.locator))
    })?;
    Ok(Some(stream))
}

fn unwritten(it: &polars::prelude::PolarsError) -> Error {
    Error::new(Kind::Refused, format!("rows could not be written: {it}"))
}

fn write_transcripts(segment: &mut Segment, partition: &str, pending: &mut Pending) -> Result<()> {
    let frame = TranscriptRow::frame(&pending.transcripts).map_err(|it| unwritten(&it))?;
    segment.write(&TRANSCRIPTS, partition, &frame)?;
    pending.transcripts.clear();
    pending.transcript_bytes = 0;
    Ok(())
}

/// By how much row groups grow in a session that has so many lines. A file's footer names each column of each group, and stays
/// in memory until the file is closed: two KB for each, which a session of gigabytes would feel.
fn grown(lines: i64) -> usize {
    match lines {
        0..1_000_000 => 1,
        1_000_000..8_000_000 => 2,
        _ => 4,
    }
}

/// One session's lines and commands on their way out.
struct SessionOut<'a> {
    segment: &'a mut Segment,
    pending: &'a mut Pending,
    partition: &'a str,
    shared: &'a Shared,
    facts: &'a Facts,
    source: String,
    read: Option<&'a mut Compared>,
    typed: Option<&'a mut Vec<u64>>,
    lines: i64,
    /// Commands of all kinds so far.
    seq: i64,
    ran: i64,
    unconfirmed: i64,
    abandoned: i64,
    possible: i64,
}

impl SessionOut<'_> {
    fn piece(&mut self, piece: &mut Piece) -> Result<()> {
        for (line, at) in piece.timed() {
            self.lines += 1;
            self.pending.lines.push(NewLine {
                number: self.lines,
                text: piece.line_text(line),
                kind: line_kind(line.bits),
                continued: line.bits & bits::CONTINUED != 0,
                at,
                start: line.from as i64,
                end: line.to as i64,
            });
            let grown = grown(self.lines);
            let pending = &self.pending.lines;
            if pending.len() >= GROUP_ROWS * grown || pending.bytes() >= PART_BYTES * grown {
                let frame = self.pending.lines.take().map_err(|it| unwritten(&it))?;
                self.segment.write(&LINES, self.partition, &frame)?;
            }
        }
        for typed in piece.commands.drain(..) {
            let row = self.command(typed);
            self.pending.command_bytes += row.command.len() + row.prompt.len();
            self.pending.commands.push(row);
            let many = self.pending.commands.len() >= GROUP_ROWS;
            if many || self.pending.command_bytes >= PART_BYTES {
                let frame =
                    CommandRow::frame(&self.pending.commands).map_err(|it| unwritten(&it))?;
                self.segment.write(&COMMANDS, self.partition, &frame)?;
                self.pending.commands.clear();
                self.pending.command_bytes = 0;
            }
        }
        Ok(())
    }

    fn command(&mut self, typed: crate::transcript::decoder::Typed) -> CommandRow {
        let confidence = typed.command.confidence();
        let it = typed.command;
        self.seq += 1;
        *match it.kind {
            CommandKind::Shell | CommandKind::Repl => &mut self.ran,
            CommandKind::Unconfirmed => &mut self.unconfirmed,
            CommandKind::Abandoned => &mut self.abandoned,
            CommandKind::Possible => &mut self.possible,
        } += 1;
        if let Some(read) = &mut self.read {
            read.meet(it.from as i64, it.kind.name(), &it.text);
        }
        if let Some(typed) = &mut self.typed
            && CommandKind::TYPED.contains(&it.kind)
        {
            typed.push(uid::fingerprint(&it.text));
        }
        let (earliest, latest) = typed.at.unwrap_or_default();
        // What no event shows was typed before the session's end, if that is after what came before it.
        let end = self.facts.ended_at.or(self.facts.last_event_at.filter(|_| typed.at.is_none()));
        let latest = latest.or(end.filter(|end| earliest.is_none_or(|it| it <= *end)));
        CommandRow {
            session_id: self.shared.session_id.clone(),
            session_key: self.shared.session_key.clone(),
            account_id: self.shared.account_id.clone(),
            region: self.shared.region.clone(),
            owner: self.shared.owner.clone(),
            target: self.shared.target.clone(),
            run_as: self.facts.run_as.clone(),
            seq: self.seq,
            command: it.text,
            kind: it.kind.into(),
            confidence,
            at: Instant(earliest.filter(|it| Some(*it) == latest)),
            at_earliest: Instant(earliest),
            at_latest: Instant(latest),
            os_user: it
                .os_user
                .map(|it| it.to_string())
                .or_else(|| self.facts.run_as.clone().filter(|_| it.depth == 0)),
            host: it.host.map(|it| it.to_string()),
            cwd: it.cwd.map(|it| it.to_string()),
            depth: i64::from(it.depth),
            prompt: it.prompt.to_string(),
            source: self.source.clone(),
            locator: self.shared.locator.clone(),
            byte_start: it.from as i64,
            byte_end: it.to as i64,
            line_number: it.line as i64 + 1,
            evidence: CommandRow::evidence_of(&it.evidence),
            flaws: it.damaged.then_some(CommandFlaw::Damaged.into()).into_iter().collect(),
            decoder: DECODER,
            generation: self.shared.generation,
        }
    }
}

fn line_kind(line: u16) -> LineKind {
    match line {
        it if it & bits::OVERWRITTEN != 0 => LineKind::Overwritten,
        it if it & bits::SCREEN != 0 => LineKind::Screen,
        it if it & bits::INPUT != 0 => LineKind::Input,
        _ => LineKind::Output,
    }
}

/// What all transcripts of a session together tell of it.
#[derive(Debug, Default, PartialEq)]
struct Facts {
    account_id: Option<String>,
    region: Option<String>,
    owner: Option<String>,
    owner_from: Option<OwnerFrom>,
    target: Option<String>,
    run_as: Option<String>,
    session_type: Option<String>,
    /// Which of these only the transcripts themselves say.
    claims: Vec<String>,
    at: Option<i64>,
    at_from: Option<AtFrom>,
    first_event_at: Option<i64>,
    last_event_at: Option<i64>,
    ended_at: Option<i64>,
    stored_at: Option<i64>,
    /// The machine claims an end that when the transcript was stored contradicts.
    clock: bool,
}

/// Whether a session can have ended when its transcript says, given when that was stored. Of a file, the time of its last
/// change is what copying left: it says only that nothing in it is later.
fn contradicts(draft: &Draft) -> bool {
    let Some(ended) = draft.claims.frame.ended_at else { return false };
    let by_aws = Place::parse(&draft.source).is_ok_and(|it| it.is_in_aws());
    ended < FIRST
        || draft.stored_at.is_some_and(|stored| {
            ended > stored.saturating_add(CLOCKS)
                || by_aws && ended < stored.saturating_sub(LONGEST)
        })
}

impl Facts {
    fn of(drafts: &[Draft]) -> Self {
        let first = |pick: fn(&Claims) -> Option<&String>| {
            drafts.iter().find_map(|it| pick(&it.claims).cloned())
        };
        let told = first(|it| it.owner.as_ref());
        let hint = drafts.first().and_then(|it| it.session_id.owner_hint().map(str::to_owned));
        let owner_from = match (&told, &hint) {
            (Some(_), _) => Some(OwnerFrom::Event),
            (None, Some(_)) => Some(OwnerFrom::SessionId),
            (None, None) => None,
        };
        let streamed = |it: &&Draft| it.claims.streamed;
        let first_event_at =
            drafts.iter().filter(streamed).filter_map(|it| it.claims.first_event_at).min();
        let last_event_at =
            drafts.iter().filter(streamed).filter_map(|it| it.claims.last_event_at).max();
        // A whole file in CloudWatch Logs is written when the session has ended.
        let uploaded = drafts.iter().filter_map(|it| it.claims.last_event_at).max();
        let ended_at = drafts.iter().find_map(|it| it.claims.frame.ended_at).or(uploaded);
        let stored_at = drafts.iter().filter_map(|it| it.stored_at).min();
        let clock = drafts.iter().any(contradicts);
        // A window holds the session by what it claims and by what AWS says; it stands where AWS says.
        let claimed = drafts.iter().filter_map(|it| it.claims.claimed);
        let claimed = claimed.reduce(|one, other| (one.0.min(other.0), one.1.max(other.1)));
        let trusted = first_event_at.or(uploaded.filter(|_| claimed.is_some()));
        let first_event_at = claimed.map_or(first_event_at, |it| {
            Some(first_event_at.map_or(it.0, |first| first.min(it.0)))
        });
        let last_event_at = claimed
            .map_or(last_event_at, |it| Some(last_event_at.map_or(it.1, |last| last.max(it.1))));
        let (at, at_from) = match (trusted, ended_at, stored_at) {
            (Some(it), ..) => (Some(it), Some(AtFrom::Event)),
            (None, Some(_), Some(it)) if clock => (Some(it), Some(AtFrom::Stored)),
            (None, Some(it), _) => (Some(it), Some(AtFrom::Header)),
            (None, None, Some(it)) => (Some(it), Some(AtFrom::Stored)),
            (None, None, None) => (None, None),
        };
        let says = |pick: fn(&Claims) -> bool| drafts.iter().any(|it| pick(&it.claims));
        let backs = |told: Option<&String>, pick: fn(&Draft) -> Option<&String>| {
            told.is_none() || drafts.iter().any(|it| pick(it) == told)
        };
        // The names of objects and log streams are those that AWS knows; what stands behind `#` is read from inside.
        let named = |it: &Draft| {
            let object = it.locator.split('#').next().unwrap_or_default();
            object.contains(it.session_id.as_str())
        };
        let is_named = drafts.iter().any(named);
        let (account, region) = (first(|it| it.account.as_ref()), first(|it| it.region.as_ref()));
        let claims = [
            ("session_id", !is_named),
            ("account_id", !backs(account.as_ref(), |it| it.place.0.as_ref())),
            ("region", !backs(region.as_ref(), |it| it.place.1.as_ref())),
            ("owner", told.is_some() || hint.is_some() && !is_named),
            ("target", says(|it| it.target.is_some() || it.frame.target.is_some())),
            ("run_as", says(|it| it.run_as.is_some())),
            ("session_type", says(|it| it.frame.session_type.is_some())),
        ];
        let claims = claims.into_iter().filter(|it| it.1).map(|it| it.0.to_owned()).collect();
        Self {
            claims,
            account_id: account.or_else(|| drafts.iter().find_map(|it| it.place.0.clone())),
            region: region.or_else(|| drafts.iter().find_map(|it| it.place.1.clone())),
            owner: told.or(hint),
            owner_from,
            target: first(|it| it.target.as_ref()).or_else(|| first(|it| it.frame.target.as_ref())),
            run_as: first(|it| it.run_as.as_ref()),
            session_type: first(|it| it.frame.session_type.as_ref()),
            at,
            at_from,
            first_event_at,
            last_event_at,
            ended_at,
            stored_at,
            clock,
        }
    }

    /// The folder of its files. Only what an account, a Region and a month can look like gets into a path:
    /// all of it was claimed by a transcript.
    fn partition(&self) -> String {
        let unknown = "__HIVE_DEFAULT_PARTITION__";
        let region = self.region.as_deref().filter(|it| {
            (4..=32).contains(&it.len())
                && it.bytes().all(|it| it.is_ascii_lowercase() || it.is_ascii_digit() || it == b'-')
        });
        let month = self
            .at
            .and_then(|it| At(it).utc())
            .map(|it| it.format("%Y-%m").to_string())
            .filter(|it| it.len() == 7);
        format!(
            "account_id={}/region={}/month={}",
            self.account_id.as_deref().unwrap_or(unknown),
            region.unwrap_or(unknown),
            month.as_deref().unwrap_or(unknown),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::Facts;

    #[test]
    fn what_a_transcript_claims_never_leaves_its_folder() {
        let facts = Facts { region: Some("../../etc".into()), ..Facts::default() };
        assert!(!facts.partition().contains(".."));
    }
}
