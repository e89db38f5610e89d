//! A log stream that was read anew: something came late, or what came before is not what is there now.
//!
//! Neither reading may lose what the other holds. Where all that is new lies behind what is kept, the stream goes on as ever;
//! else both become one, in the order of time, and the kept bytes stay beside it as the version that they are.

use std::path::Path;

use super::draft::Draft;
use super::draft::Growth;
use crate::archive::manifest::Alias;
use crate::intake::United;
use crate::intake::unite as united;
use crate::transcript::decoder::Claims;
use crate::transcript::decoder::FlawKind;

impl Growth {
    /// This version is held from now on.
    pub(super) fn alias(&self) -> Alias {
        Alias {
            locator: self.listed.locator.clone(),
            version: self.version.clone(),
            digest: self.digest.clone(),
        }
    }
}

/// What a stream that was read anew becomes, where it does not just go on; of the growth is left what it goes on with.
pub(super) fn unite(
    kept: &Draft,
    growth: &mut Growth,
    now: i64,
    scratch: &Path,
) -> std::io::Result<Option<Draft>> {
    let content = match united(&kept.content, &growth.content, scratch)? {
        United::Behind(content) => {
            growth.content = content;
            return Ok(None);
        }
        United::Whole(content) => content,
    };
    let flaws = [
        (growth.seen.damaged.is_some(), FlawKind::ObjectDamaged),
        (growth.repeated > 0, FlawKind::Repeated),
    ];
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
        object_flaws: flaws.iter().filter(|it| it.0).map(|it| it.1).collect(),
        claims: Claims::default(),
        flaws: Vec::new(),
        piece: None,
    };
    growth.content = crate::intake::Content::Memory(Vec::new());
    draft.decode(&super::pieces::Room::of_one_session())?;
    Ok(Some(draft))
}
