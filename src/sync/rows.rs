//! The rows of a session: what its transcripts together tell, written to the files of one segment.
//!
//! All transcripts of a session meet here. Its text is taken from the one that kept every byte, owner and times from those
//! that tell them; all of them are claims, so nothing of them gets into a path unchecked. Short sessions are gathered
//! into row groups; a long one streams through, so that its size does not matter.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;

use polars::prelude::DataFrame;
use polars::prelude::PolarsResult;

use super::compared::Compared;
use super::draft::DECODER;
use super::draft::Draft;
use super::draft::GROUP_ROWS;
use super::draft::PART_BYTES;
use super::draft::flaws_of;
use super::facts::facts;
use super::summary::Summary;
use super::together::Drafts;
use crate::archive::line::LineColumns;
use crate::archive::line::NewLine;
use crate::archive::manifest::Brought;
use crate::archive::manifest::Entry;
use crate::archive::schema::COMMANDS;
use crate::archive::schema::CommandRow;
use crate::archive::schema::LINES;
use crate::archive::schema::LineKind;
use crate::archive::schema::SESSIONS;
use crate::archive::schema::SessionFlaw;
use crate::archive::schema::SessionRow;
use crate::archive::schema::TRANSCRIPTS;
use crate::archive::schema::Table;
use crate::archive::schema::TranscriptRow;
use crate::archive::value::NullIfEmpty;
use crate::archive::value::Word;
use crate::archive::writer::PARTITIONS;
use crate::archive::writer::Segment;
use crate::archive::writer::Writer;
use crate::error::Error;
use crate::error::Kind;
use crate::error::Result;
use crate::transcript::both::Stream;
use crate::transcript::commands::CommandFlaw;
use crate::transcript::commands::CommandKind;
use crate::transcript::decoder::CHUNK;
use crate::transcript::decoder::Decoder;
use crate::transcript::decoder::FlawKind;
use crate::transcript::decoder::Piece;
use crate::transcript::decoder::Typed;
use crate::transcript::screen::bits;
use crate::transcript::wire::Form;
use crate::uid;

/// Rows of one segment on their way to its files.
pub(super) struct SegmentRows<'a> {
    segment: Segment,
    /// Looked at while a long transcript is written, which can take a minute.
    stop: &'a AtomicBool,
    partitions: BTreeMap<String, Pending>,
    /// Keys and generations of the rows that these replace; below zero, of all earlier ones.
    superseded: Vec<(String, i64)>,
    /// Source bytes that are written here for the first time.
    brought: Vec<Brought>,
    /// How many sessions were written, and commands that ran.
    pub(super) told: Summary,
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

impl<'a> SegmentRows<'a> {
    /// Begins the next segment.
    pub(super) fn begin(writer: &Writer, stop: &'a AtomicBool) -> Result<Self> {
        Ok(Self {
            segment: Segment::new(writer.root(), writer.generation())?,
            stop,
            partitions: BTreeMap::new(),
            superseded: Vec::new(),
            brought: Vec::new(),
            told: Summary::default(),
        })
    }

    /// Whether a session of these transcripts may go into this segment, which has a file open for each of its partitions.
    pub(super) fn has_room(&self, drafts: &[Draft]) -> bool {
        self.partitions.len() < PARTITIONS || self.partitions.contains_key(&partition_of(drafts))
    }

    /// Writes one session in place of what was there of it; its commands meet those before, if anybody compares.
    pub(super) fn session(
        &mut self,
        mut group: Drafts,
        compared: Option<&mut Compared>,
    ) -> Result<()> {
        group.drafts.sort_by_key(|it| std::cmp::Reverse(it.rank()));
        let (facts, is_clock_wrong) = facts(&group.drafts);
        for draft in group.drafts.iter().filter(|it| it.kept.is_none() || it.tail.is_some()) {
            self.transcript(&group.key, &facts, draft)?;
        }
        let replaced = has_versions(&group.drafts);
        let stream = stream_of(&group.drafts)?;
        let transcript_bytes: u64 = group.drafts.iter().map(|it| it.content.bytes()).sum();
        let Some(primary) = group.drafts.first_mut() else { return Ok(()) };
        primary.flaws.extend(flaws_of(&[
            (group.diverges, FlawKind::Diverges),
            (is_clock_wrong, FlawKind::Clock),
            (replaced, FlawKind::Replaced),
        ]));
        let partition = facts.partition.clone();
        let pending = self.partitions.entry(partition.clone()).or_default();
        let at = |table, waiting: usize| self.segment.rows(table, &partition) + waiting as i64;
        let row = SessionRow {
            session_id: primary.session_id.as_str().to_owned(),
            session_key: group.key,
            transcript_bytes: transcript_bytes as i64,
            abandoned_count: Some(0),
            unconfirmed_count: Some(0),
            locator: primary.locator.clone(),
            source: primary.source.clone(),
            decoder: DECODER,
            generation: self.segment.generation,
            commands_at: at(&COMMANDS, pending.commands.len()),
            lines_at: at(&LINES, pending.lines.len()),
            ..facts
        };
        pending.lines.begin(row.clone());
        let typed = group.old.as_ref().map(|it| Vec::with_capacity(it.texts.len()));
        let segment = &mut self.segment;
        let mut out = SessionOut { segment, pending, partition: &partition, row, compared, typed };
        out.decode(primary, stream, self.stop)?;
        let SessionOut { mut row, typed, .. } = out;
        row.lines_rows = row.line_count;
        row.transcripts = group.drafts.len() as i64;
        row.forms = unique(group.drafts.iter().map(|it| it.form.into()));
        row.flaws = told_flaws(&group.drafts);
        let typed = typed.unwrap_or_default();
        let withdrawn = group.old.map(|it| it.withdrawn(&row.session_key, typed));
        row.withdrawn = NullIfEmpty(withdrawn.unwrap_or_default());
        self.told.commands += row.command_count as u64;
        let replaced = match &group.before {
            Some(it) => Some(it.generation),
            // The index lost it: rows of it may lie in files that cannot be read now.
            None => group.is_orphan.then_some(-row.generation),
        };
        self.told.sessions_changed += u64::from(replaced.is_some());
        self.told.sessions_new += u64::from(replaced.is_none());
        self.superseded.extend(replaced.map(|it| (row.session_key.clone(), it)));
        self.partitions.entry(partition).or_default().sessions.push(row);
        Ok(())
    }

    fn transcript(&mut self, key: &str, session: &SessionRow, draft: &Draft) -> Result<()> {
        let partition = session.partition.as_str();
        let pending = self.partitions.entry(partition.to_owned()).or_default();
        let brought = draft.brought().map_err(|it| unreadable(draft, &it))?;
        let mut row = TranscriptRow {
            session_id: draft.session_id.as_str().to_owned(),
            session_key: key.to_owned(),
            account_id: session.account_id.clone(),
            region: session.region.clone(),
            source: draft.source.clone(),
            locator: draft.locator.clone(),
            version: draft.version.clone(),
            form: draft.form.into(),
            digest: brought.digest.clone(),
            content_digest: brought.content_digest.clone(),
            stored_bytes: draft.stored_bytes as i64,
            content_bytes: draft.content.bytes() as i64,
            stored_at: draft.stored_at,
            read_at: Some(draft.read_at),
            etag: draft.seen.etag.clone(),
            version_id: draft.seen.version_id.clone(),
            checksum: draft.seen.checksum.clone(),
            encryption: draft.seen.encryption.clone(),
            storage_class: draft.seen.storage_class.clone(),
            position: draft.seen.position.as_ref().and_then(|it| serde_json::to_string(it).ok()),
            object_flaws: NullIfEmpty(draft.object_flaws.clone()),
            // Of a stream that grew, all but its growth is kept already.
            part: draft.tail.as_ref().map_or(0, |it| it.part),
            part_start: draft.tail.as_ref().map_or(0, |it| it.start),
            content: Vec::new(),
            generation: self.segment.generation,
        };
        self.brought.push(brought);
        let content = draft.fresh();
        if content.bytes() == 0 {
            pending.transcripts.push(row);
            return Ok(());
        }
        let mut chunks = content.chunks(PART_BYTES);
        while let Some(bytes) = chunks.next_chunk().map_err(|it| unreadable(draft, &it))? {
            pending.transcripts.push(TranscriptRow { content: bytes.to_vec(), ..row.clone() });
            pending.transcript_bytes += bytes.len();
            row.part += 1;
            row.part_start += bytes.len() as i64;
            if pending.transcript_bytes >= PART_BYTES || pending.transcripts.len() >= GROUP_ROWS {
                pending.write_transcripts(&mut self.segment, partition)?;
            }
        }
        Ok(())
    }

    /// Writes what waits, and makes all of it count with what the entry says besides; returns its generation.
    pub(super) fn publish(mut self, writer: &mut Writer, entry: Entry) -> Result<i64> {
        let segment = &mut self.segment;
        for (partition, mut pending) in self.partitions {
            pending.write_transcripts(segment, &partition)?;
            // Of commands and lines no more waits than fits into one row group.
            write(segment, &COMMANDS, &partition, CommandRow::frame(&pending.commands))?;
            write(segment, &LINES, &partition, pending.lines.take())?;
            for rows in pending.sessions.chunks(GROUP_ROWS) {
                write(segment, &SESSIONS, &partition, SessionRow::frame(rows))?;
            }
        }
        let generation = self.segment.generation;
        let superseded = self.superseded;
        let entry = Entry { decoder: DECODER, generation, superseded, ..entry };
        writer.publish(self.segment, entry, self.brought)?;
        Ok(generation)
    }
}

impl Pending {
    fn write_transcripts(&mut self, segment: &mut Segment, partition: &str) -> Result<()> {
        write(segment, &TRANSCRIPTS, partition, TranscriptRow::frame(&self.transcripts))?;
        self.transcripts.clear();
        self.transcript_bytes = 0;
        Ok(())
    }
}

/// Writes rows as one row group.
fn write(
    segment: &mut Segment,
    table: &Table,
    partition: &str,
    rows: PolarsResult<DataFrame>,
) -> Result<()> {
    let rows =
        rows.map_err(|it| Error::new(Kind::Refused, format!("rows could not be written: {it}")))?;
    segment.write(table, partition, &rows)
}

fn unreadable(draft: &Draft, it: &std::io::Error) -> Error {
    Error::new(Kind::Refused, format!("cannot read back {}: {it}", draft.locator))
}

/// The folder of a session's files, as far as these transcripts tell.
pub(super) fn partition_of(drafts: &[Draft]) -> String {
    facts(drafts).0.partition
}

/// All of them in order, each once.
fn unique<T: Ord>(all: impl Iterator<Item = T>) -> Vec<T> {
    all.collect::<BTreeSet<T>>().into_iter().collect()
}

/// What a reader of a session must know before trusting it, by all its transcripts, of which the first is the one that was read.
fn told_flaws(drafts: &[Draft]) -> Vec<SessionFlaw> {
    let kinds = drafts.iter().enumerate().flat_map(|(nth, it)| {
        // That the streamed copy is lossy matters only where it is the one that was read.
        it.flaws.iter().filter(move |it| nth == 0 || **it != FlawKind::Lossy)
    });
    let kinds: Vec<Word<FlawKind>> = unique(kinds.map(|it| (*it).into()));
    let diverged = drafts.first().and_then(|it| it.claims.diverged);
    let flaw = |kind: Word<FlawKind>| {
        let places = diverged.filter(|_| kind == FlawKind::Diverges);
        SessionFlaw::new(kind, places.map(|it| (it.at, it.stream_at)))
    };
    kinds.into_iter().map(flaw).collect()
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
    let mut chunks = copy.content.chunks(CHUNK);
    while let Some(part) = chunks.next_chunk().map_err(|it| unreadable(copy, &it))? {
        stream.push(part);
    }
    Ok(Some(stream))
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
    /// What is known of it, with what was written so far counted.
    row: SessionRow,
    compared: Option<&'a mut Compared>,
    /// Fingerprints of the commands of a session that is read anew; `None` if it is new.
    typed: Option<Vec<u64>>,
}

impl SessionOut<'_> {
    /// Writes the session's text: as it was decoded before, or decoded now, piece by piece.
    fn decode(
        &mut self,
        primary: &mut Draft,
        stream: Option<Stream>,
        stop: &AtomicBool,
    ) -> Result<()> {
        let mut decoder = Decoder::new(primary.form);
        match (primary.piece.take(), stream) {
            (Some(mut decoded), None) => return self.piece(&mut decoded.piece),
            (None, None) => {}
            (_, Some(stream)) => decoder = decoder.with_stream(stream),
        }
        let mut piece = Piece::default();
        let mut chunks = primary.content.chunks(CHUNK);
        while let Some(part) = chunks.next_chunk().map_err(|it| unreadable(primary, &it))? {
            if stop.load(Ordering::Relaxed) {
                return Err(Error::new(Kind::Interrupted, "interrupted"));
            }
            decoder.push(part);
            decoder.take_into(&mut piece);
            self.piece(&mut piece)?;
        }
        let (mut piece, claims, flaws) = decoder.finish();
        self.piece(&mut piece)?;
        primary.claims.diverged = claims.diverged;
        primary.flaws.extend(flaws.iter().map(|it| it.kind));
        Ok(())
    }

    fn piece(&mut self, piece: &mut Piece) -> Result<()> {
        let Self { segment, pending, partition, row, .. } = self;
        for (line, at) in piece.timed() {
            row.line_count += 1;
            pending.lines.push(NewLine {
                number: row.line_count,
                text: piece.line_text(line),
                kind: line_kind(line.bits),
                continued: line.bits & bits::CONTINUED != 0,
                at,
                start: line.from as i64,
                end: line.to as i64,
            });
            let grown = grown(row.line_count);
            let lines = &mut pending.lines;
            if lines.len() >= GROUP_ROWS * grown || lines.bytes() >= PART_BYTES * grown {
                write(segment, &LINES, partition, lines.take())?;
            }
        }
        for typed in piece.commands.drain(..) {
            let row = self.command(typed);
            let pending = &mut *self.pending;
            pending.command_bytes += row.command.len() + row.prompt.len();
            pending.commands.push(row);
            if pending.commands.len() >= GROUP_ROWS || pending.command_bytes >= PART_BYTES {
                let rows = CommandRow::frame(&pending.commands);
                write(self.segment, &COMMANDS, self.partition, rows)?;
                pending.commands.clear();
                pending.command_bytes = 0;
            }
        }
        Ok(())
    }

    fn command(&mut self, typed: Typed) -> CommandRow {
        let row = &mut self.row;
        let confidence = typed.command.confidence();
        let it = typed.command;
        row.commands_rows += 1;
        *match it.kind {
            CommandKind::Shell | CommandKind::Repl => &mut row.command_count,
            CommandKind::Unconfirmed => row.unconfirmed_count.get_or_insert(0),
            CommandKind::Abandoned => row.abandoned_count.get_or_insert(0),
            CommandKind::Possible => &mut row.possible_count,
        } += 1;
        if let Some(compared) = &mut self.compared {
            compared.meet(it.from as i64, it.kind.name(), &it.text);
        }
        if let Some(typed) = &mut self.typed
            && CommandKind::TYPED.contains(&it.kind)
        {
            typed.push(uid::fingerprint(&it.text));
        }
        let (earliest, latest) = typed.at.unwrap_or_default();
        // What no event shows was typed before the session's end, if that is after what came before it.
        let last = row.last_event_at.filter(|_| typed.at.is_none());
        let end = row.ended_at.or(last);
        let latest = latest.or(end.filter(|end| earliest.is_none_or(|it| it <= *end)));
        CommandRow {
            session_id: row.session_id.clone(),
            session_key: row.session_key.clone(),
            account_id: row.account_id.clone(),
            region: row.region.clone(),
            owner: row.owner.clone(),
            target: row.target.clone(),
            run_as: row.run_as.clone(),
            seq: row.commands_rows,
            command: it.text,
            kind: it.kind.into(),
            confidence,
            at: earliest.filter(|it| Some(*it) == latest),
            at_earliest: earliest,
            at_latest: latest,
            os_user: it
                .os_user
                .map(|it| it.to_string())
                .or_else(|| row.run_as.clone().filter(|_| it.depth == 0)),
            host: it.host.map(|it| it.to_string()),
            cwd: it.cwd.map(|it| it.to_string()),
            depth: i64::from(it.depth),
            prompt: it.prompt.to_string(),
            source: row.source.clone(),
            locator: row.locator.clone(),
            byte_start: it.from as i64,
            byte_end: it.to as i64,
            line_number: it.line as i64 + 1,
            evidence: CommandRow::evidence_of(&it.evidence),
            flaws: it.damaged.then_some(CommandFlaw::Damaged.into()).into_iter().collect(),
            decoder: DECODER,
            generation: row.generation,
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
