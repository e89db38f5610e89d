//! What the archive keeps of sessions that come again: where it stands, and brought back.

use std::cell::OnceCell;
use std::collections::HashMap;
use std::collections::HashSet;
use std::path::Path;

use polars::prelude::DataFrame;
use polars::prelude::PolarsResult;

use super::draft::Draft;
use super::pieces::Room;
use super::together::Drafts;
use crate::archive::Archive;
use crate::archive::cursor::Cursor;
use crate::archive::cursor::Index;
use crate::archive::schema::SESSIONS;
use crate::archive::schema::SessionRow;
use crate::archive::schema::TRANSCRIPTS;
use crate::archive::schema::TranscriptRow;
use crate::archive::value::Word;
use crate::error::Error;
use crate::error::Result;
use crate::intake::Content;
use crate::session::SessionId;
use crate::source::Seen;
use crate::transcript::commands::CommandKind;
use crate::transcript::decoder::Claims;
use crate::transcript::decoder::FlawKind;
use crate::uid;

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
            let keys = frame.column("session_key")?.str()?;
            let generations = frame.column("generation")?.i64()?;
            let kinds = frame.column("kind")?.str()?;
            let texts = frame.column("command")?.str()?;
            let rows = keys.iter().zip(generations.iter()).zip(kinds.iter()).zip(texts.iter());
            for (((key, generation), kind), text) in rows {
                let (key, generation) = (key.unwrap_or_default(), generation.unwrap_or(0));
                if !is_typed(kind) || archive.replaced().holds(key, generation) {
                    continue;
                }
                let (newest, before) = found.entry(key.to_owned()).or_default();
                if *newest > generation {
                    continue;
                }
                if *newest < generation {
                    (*newest, *before) = (generation, uid::Before::default());
                }
                before.texts.push(uid::fingerprint(text.unwrap_or_default()));
            }
            Ok(())
        });
    }
    found.into_iter().map(|(key, it)| (key, it.1)).collect()
}

/// Whether a command of this kind, as its row says, has a name in a feed.
fn is_typed(kind: Option<&str>) -> bool {
    Word::of(kind.unwrap_or_default()).is_in(&CommandKind::TYPED)
}

/// What of commands names them.
pub(super) const OLD: [&str; 2] = ["kind", "command"];

/// Where what is kept stands: looked up for a batch at a time, loaded once a run, and only if anything comes twice.
pub(super) struct Kept {
    sessions: Index,
    transcripts: Index,
    /// What names the commands of sessions that the index lost, once anybody asks.
    lost: OnceCell<HashMap<String, uid::Before>>,
}

impl Kept {
    pub(super) fn load(archive: &Archive) -> Self {
        Self {
            sessions: Index::load(archive, &SESSIONS, "session_id"),
            transcripts: Index::load(archive, &TRANSCRIPTS, "session_key"),
            lost: OnceCell::new(),
        }
    }

    /// The commands that were read of a session before, by what names them; `meet` is shown all of their rows. Of one that the index
    /// lost they lie in files that no index speaks of, and which names had been withdrawn by then is lost with the index.
    pub(super) fn old(
        &self,
        archive: &Archive,
        commands: &mut Cursor<'_>,
        group: &Drafts,
        mut meet: impl FnMut(&DataFrame) -> PolarsResult<()>,
    ) -> Option<uid::Before> {
        let Some(before) = &group.before else {
            let lost = || self.lost.get_or_init(|| lost_commands(archive));
            return group.is_orphan.then(lost)?.get(&group.key).cloned();
        };
        let mut texts = Vec::with_capacity(before.commands_rows as usize);
        let path = Archive::file_of("commands", before);
        // What a repair took away, it has said.
        if !commands.lacks(&path) {
            commands.rows(&path, before.commands_at, before.commands_rows, |frame| {
                meet(&frame)?;
                let (kinds, commands) =
                    (frame.column("kind")?.str()?, frame.column("command")?.str()?);
                for (kind, text) in kinds.iter().zip(commands.iter()) {
                    if is_typed(kind) {
                        texts.push(uid::fingerprint(text.unwrap_or_default()));
                    }
                }
                Ok(())
            });
        }
        Some(uid::Before { texts, withdrawn: before.withdrawn.to_vec() })
    }

    /// Takes up what an entry has added.
    pub(super) fn extend(&mut self, archive: &Archive, generation: i64) {
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
    pub(super) fn sessions<'a>(
        &self,
        cursor: &mut Cursor<'_>,
        archive: &Archive,
        ids: impl Iterator<Item = &'a str>,
    ) -> HashMap<String, Vec<SessionRow>> {
        let mut places: Vec<(&str, i64)> = ids.flat_map(|it| self.sessions.find(it)).collect();
        places.sort_unstable();
        places.dedup();
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
        out
    }

    /// Brings back the transcripts that are kept of a session, from where their rows stand, and tells whether these are all of their
    /// bytes. What has a gap is left out.
    pub(super) fn drafts(
        &self,
        cursor: &mut Cursor<'_>,
        key: &str,
        scratch: &Path,
    ) -> Result<(Vec<Draft>, bool)> {
        let fail = |it| Error::file("read", scratch, it);
        let mut found: Vec<(Draft, i64)> = Vec::new();
        let mut whole = true;
        for (path, row) in self.transcripts.find(key) {
            let mut rows = Vec::new();
            whole &= cursor.rows(path, row, 1, |frame| {
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
                draft.content.push(&row.content, scratch).map_err(fail)?;
                draft.kept = Some(row.part + 1);
                // What the newest reading told of the object.
                draft.stored_at = row.stored_at;
                draft.object_flaws = row.object_flaws.to_vec();
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

    /// Keys under which bytes of this session are kept.
    pub(super) fn keys_of(&self, id: &str) -> Vec<String> {
        keys(id).take_while(|it| self.transcripts.find(it).next().is_some()).collect()
    }
}

/// Whether a session's row says that another object under its id holds other bytes. (Where its own two copies differ, the
/// flaw has a place.)
pub(super) fn says_diverges(row: &SessionRow) -> bool {
    row.flaws.contains(&FlawKind::Diverges.into())
}

/// All keys that sessions of an id can have, in order. An id may hold a `#` of its own, which is written `#~` in them: whoever
/// names a file must not choose the key of another session.
pub(super) fn keys(id: &str) -> impl Iterator<Item = String> {
    let own = id.replace('#', "#~");
    std::iter::once(own.clone()).chain((2..).map(move |nth| format!("{own}#{nth}")))
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
        stored_at: row.stored_at,
        read_at: row.read_at.unwrap_or_default(),
        content: Content::default(),
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
