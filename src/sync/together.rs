//! All transcripts of one session, brought together: those that are new, those that grew, and those that the archive keeps.

use super::draft::Draft;
use super::draft::Growth;
use super::draft::Tail;
use super::draft::append;
use super::pieces::Room;
use crate::archive::manifest::Alias;
use crate::archive::schema::SessionRow;
use crate::error::Error;
use crate::error::Kind;
use crate::error::Result;
use crate::transcript::decoder::FlawKind;
use crate::uid;

/// All transcripts of one session, and what the archive knew of it.
#[derive(Default)]
pub(super) struct Drafts {
    pub(super) id: String,
    pub(super) key: String,
    pub(super) drafts: Vec<Draft>,
    pub(super) growths: Vec<Growth>,
    pub(super) before: Option<SessionRow>,
    /// The commands that were read of it before.
    pub(super) old: Option<uid::Before>,
    /// Bytes of it are kept and the index does not know it.
    pub(super) is_orphan: bool,
    /// What was brought back from the archive.
    pub(super) kept: Vec<Draft>,
    /// Not all that is kept of it can be read.
    pub(super) is_damaged: bool,
    /// Another object under its id holds other bytes.
    pub(super) diverges: bool,
    /// It is to say so from now on.
    pub(super) is_marked: bool,
}

impl Drafts {
    pub(super) fn new(id: &str, key: String) -> Self {
        Self { id: id.to_owned(), key, ..Self::default() }
    }

    /// Nothing new came of it.
    pub(super) fn is_idle(&self) -> bool {
        self.drafts.is_empty() && self.growths.is_empty() && !self.is_marked
    }

    pub(super) fn account(&self) -> Option<String> {
        let told = self.drafts.iter().chain(&self.kept).find_map(|it| it.account());
        told.map(str::to_owned)
            .or_else(|| self.before.as_ref().and_then(|it| it.account_id.clone()))
    }

    /// Puts what streams have grown by behind what is kept of them; returns which versions are held by that.
    pub(super) fn grow(&mut self, scratch: &std::path::Path, now: i64) -> Result<Vec<Alias>> {
        let fail = |it| Error::file("read", scratch, it);
        let mut aliases = Vec::new();
        let mut united = Vec::new();
        for mut growth in std::mem::take(&mut self.growths) {
            let kept = self
                .drafts
                .iter_mut()
                .rfind(|it| it.locator == growth.listed.locator && it.kept.is_some());
            let Some(draft) = kept else {
                return Err(Error::new(
                    Kind::Damaged,
                    format!("the kept beginning of {} cannot be read", growth.listed.locator),
                )
                .hint(
                    "`ssmtrail archive verify` says which file is damaged; nothing was changed",
                ));
            };
            if growth.seen.anew {
                united.extend(super::anew::unite(draft, &mut growth, now, scratch).map_err(fail)?);
                if growth.content.bytes() == 0 {
                    aliases.push(growth.alias());
                    continue;
                }
            }
            let start = draft.content.bytes() as i64;
            growth
                .content
                .parts(1 << 20, |part| append(&mut draft.content, part, scratch))
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
            draft.decode(&Room::of_one_session()).map_err(fail)?;
        }
        self.drafts.splice(0..0, united);
        Ok(aliases)
    }
}
