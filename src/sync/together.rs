//! All transcripts of one session, brought together: those that are new, those that grew, and those that the archive keeps.

use std::path::Path;

use super::draft::Draft;
use super::draft::Growth;
use super::draft::Tail;
use super::draft::flaws_of;
use super::pieces::Room;
use crate::archive::manifest::Alias;
use crate::archive::schema::SessionRow;
use crate::archive::value::Word;
use crate::error::Error;
use crate::error::Kind;
use crate::error::Result;
use crate::intake;
use crate::intake::Content;
use crate::intake::United;
use crate::time::At;
use crate::transcript::decoder::Claims;
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

    pub(super) fn account(&self) -> Option<&str> {
        let told = self.drafts.iter().chain(&self.kept).find_map(|it| it.account());
        told.or_else(|| self.before.as_ref()?.account_id.as_deref())
    }

    /// Whether something of this account can belong to it: what nobody tells fits anywhere.
    pub(super) fn fits(&self, account: Option<&str>) -> bool {
        match (account, self.account()) {
            (Some(one), Some(other)) => one == other,
            _ => true,
        }
    }

    /// Puts what streams have grown by behind what is kept of them; returns which versions are held by that.
    pub(super) fn grow(&mut self, scratch: &Path, now: At) -> Result<Vec<Alias>> {
        let fail = |it| Error::file("read", scratch, it);
        let mut aliases = Vec::new();
        let mut united = Vec::new();
        for mut growth in std::mem::take(&mut self.growths) {
            let kept = self
                .drafts
                .iter_mut()
                .rfind(|it| it.locator == growth.listed.locator && it.kept.is_some());
            let Some(draft) = kept else {
                let why = format!("the kept beginning of {} cannot be read", growth.listed.locator);
                return Err(Error::new(Kind::Damaged, why).hint(
                    "`ssmtrail archive verify` says which file is damaged; nothing was changed",
                ));
            };
            aliases.push(Alias {
                locator: growth.listed.locator.clone(),
                version: growth.version.clone(),
                digest: growth.digest.clone(),
            });
            if growth.seen.anew {
                united.extend(unite(draft, &mut growth, now, scratch).map_err(fail)?);
            }
            if growth.content.bytes() > 0 {
                draft.go_on(growth, now, scratch).map_err(fail)?;
            }
        }
        self.drafts.splice(0..0, united);
        Ok(aliases)
    }
}

impl Draft {
    /// Goes on with new events.
    fn go_on(&mut self, growth: Growth, now: At, scratch: &Path) -> std::io::Result<()> {
        let start = self.content.bytes() as i64;
        let mut chunks = growth.content.chunks(1 << 20);
        while let Some(it) = chunks.next_chunk()? {
            self.content.push(it, scratch)?;
        }
        self.stored_at = growth.stored_at;
        self.read_at = now;
        // What was damaged then is there now.
        self.object_flaws.retain(|it| *it != FlawKind::ObjectDamaged);
        for it in growth.flaws() {
            self.mark(it);
        }
        self.seen = growth.seen;
        self.tail = Some(Tail {
            content: growth.content,
            digest: growth.digest,
            part: self.kept.unwrap_or(0),
            start,
        });
        self.piece = None;
        self.decode(&Room::of_one_session())
    }
}

impl Growth {
    /// Flaws of the events that came rather than of their bytes.
    fn flaws(&self) -> Vec<FlawKind> {
        flaws_of(&[
            (self.seen.damaged.is_some(), FlawKind::ObjectDamaged),
            (self.repeated > 0, FlawKind::Repeated),
        ])
    }
}

/// What a stream that was read anew becomes, where it does not just go on; of the growth is left what it goes on with.
///
/// Something came late, or what came before is not what is there now. Neither reading may lose what the other holds. Where all that
/// is new lies behind what is kept, the stream goes on as ever; else both become one, in the order of time, and the kept bytes
/// stay beside it as the version that they are.
fn unite(
    kept: &Draft,
    growth: &mut Growth,
    now: At,
    scratch: &Path,
) -> std::io::Result<Option<Draft>> {
    let content = match intake::unite(&kept.content, &growth.content, scratch)? {
        United::Behind(content) => {
            growth.content = content;
            return Ok(None);
        }
        United::Whole(content) => content,
    };
    let mut draft = Draft {
        session_id: kept.session_id.clone(),
        source: kept.source.clone(),
        locator: growth.listed.locator.clone(),
        version: growth.version.clone(),
        form: kept.form,
        digest: growth.digest.clone(),
        stored_bytes: growth.content.bytes(),
        stored_at: growth.stored_at,
        read_at: now,
        content,
        kept: None,
        tail: None,
        seen: growth.seen.clone(),
        place: kept.place.clone(),
        object_flaws: growth.flaws().into_iter().map(Word::from).collect(),
        claims: Claims::default(),
        flaws: Vec::new(),
        piece: None,
    };
    growth.content = Content::default();
    draft.decode(&Room::of_one_session())?;
    Ok(Some(draft))
}
