//! Everything that is kept, decoded again, with a note of what that changed.

use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;

use super::DECODER;
use super::Progress;
use super::gather::Group;
use super::gather::earlier;
use super::gather::rfc3339;
use super::rows::Read;
use super::rows::Rows;
use crate::archive::Which;
use crate::archive::writer::Note;
use crate::archive::writer::Segment;
use crate::archive::writer::Writer;
use crate::error::Error;
use crate::error::Kind;
use crate::error::Result;

/// A batch is published when it has decoded this many bytes or sessions.
const BYTES: u64 = 24 << 20;
const SESSIONS: usize = 4096;

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
        while held < BYTES as i64
            && superseded.len() < SESSIONS
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
            let mut group = Group {
                key: before.session_key.clone(),
                drafts: Vec::new(),
                growths: Vec::new(),
                before: None,
            };
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
}
