//! Which session each transcript goes to: two accounts can use one id, two objects under one id can differ, and what is kept may be
//! damaged.

use std::collections::BTreeMap;
use std::collections::HashMap;

use super::draft::Draft;
use super::draft::Growth;
use super::gather::Gatherer;
use super::kept::keys;
use super::kept::says_diverges;
use super::rows::partition_of;
use super::together::Drafts;
use crate::archive::Archive;
use crate::archive::cursor::Cursor;
use crate::archive::writer::bytes_of;
use crate::error::Error;
use crate::error::Result;
use crate::session::Skip;
use crate::transcript::decoder::Flaw;
use crate::transcript::decoder::FlawKind;

impl Gatherer<'_> {
    /// Parts transcripts of each id by account: two accounts can use one id. What tells no account goes with the first
    /// that does.
    pub(super) fn part(
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
    pub(super) fn complete(
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
    pub(super) fn apart(
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
    pub(super) fn beside(&mut self, id: &str, groups: &mut Vec<Drafts>) -> u64 {
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

/// All that came of one id.
pub(super) struct Session {
    pub(super) id: String,
    pub(super) groups: Vec<Drafts>,
    /// Partition and place of what is there before.
    pub(super) order: Option<(String, Option<(i64, i64)>)>,
}

/// A key that no session of this id has.
pub(super) fn free_key(id: &str, groups: &[Drafts]) -> String {
    let mut free = keys(id).filter(|key| !groups.iter().any(|it| it.key == *key));
    free.next().unwrap_or_else(|| id.to_owned())
}
