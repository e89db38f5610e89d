//! Which session each transcript goes to: two accounts can use one id, two objects under one id can differ, and what is kept may be
//! damaged.

use std::collections::BTreeMap;
use std::collections::HashMap;
use std::path::Path;

use super::draft::Draft;
use super::draft::Growth;
use super::gather::Gatherer;
use super::gather::fingerprint;
use super::kept::Kept;
use super::kept::keys;
use super::kept::says_diverges;
use super::rows::partition_of;
use super::together::Drafts;
use crate::archive::Archive;
use crate::archive::cursor::Cursor;
use crate::archive::schema::SessionRow;
use crate::archive::writer::bytes_of;
use crate::error::Error;
use crate::error::Result;
use crate::session::Skip;
use crate::transcript::decoder::FlawKind;

/// All that came of one id, and what is known of it.
pub(super) struct Session {
    id: String,
    pub(super) groups: Vec<Drafts>,
}

impl Session {
    /// What the archive has of it: the rows of its index, and what that lost and the bytes still tell.
    fn known(id: String, rows: Vec<SessionRow>, kept: Option<&Kept>) -> Self {
        let group = |it: SessionRow| Drafts {
            diverges: says_diverges(&it),
            before: Some(it.clone()),
            ..Drafts::new(&id, it.session_key)
        };
        let groups = rows.into_iter().map(group).collect();
        let keys = kept.map_or_else(Vec::new, |it| it.keys_of(&id));
        let mut session = Self { id, groups };
        for key in keys {
            session.keyed(key);
        }
        session
    }

    /// The group of a key. One that is not known has been lost by the index.
    fn keyed(&mut self, key: String) -> &mut Drafts {
        let known = self.groups.iter().position(|it| it.key == key);
        let nth = known.unwrap_or_else(|| {
            self.groups.push(Drafts { is_orphan: true, ..Drafts::new(&self.id, key) });
            self.groups.len() - 1
        });
        &mut self.groups[nth]
    }

    /// Adds a group under a key that no other has.
    fn open(&mut self, group: Drafts) {
        let free = keys(&self.id).find(|key| self.groups.iter().all(|it| it.key != *key));
        let key = free.unwrap_or_else(|| self.id.clone());
        self.groups.push(Drafts { id: self.id.clone(), key, ..group });
    }

    /// Parts transcripts by account. What tells no account goes with the first that does.
    fn part(&mut self, mut drafts: Vec<Draft>) {
        // Workers finish in any order; which account comes first must not depend on it.
        drafts.sort_by_cached_key(|it| {
            (it.account().is_none(), it.locator.clone(), it.version.clone())
        });
        for draft in drafts {
            let fits = |it: &Drafts| it.fits(draft.account());
            // What is read again goes where it was, so that it makes good what is damaged there.
            let was = self.groups.iter().position(|it| {
                fits(it) && it.before.as_ref().is_some_and(|it| it.locator == draft.locator)
            });
            match was.or_else(|| self.groups.iter().position(fits)) {
                Some(it) => self.groups[it].drafts.push(draft),
                None => self.open(Drafts { drafts: vec![draft], ..Drafts::default() }),
            }
        }
    }

    /// Partition and place of what is there before.
    fn place(&self) -> Option<(String, Option<(i64, i64)>)> {
        let changing = self.groups.iter().filter(|it| !it.is_idle());
        let place = |it: &Drafts| match &it.before {
            Some(it) => (it.partition.clone(), Some((it.generation, it.commands_at))),
            None => (partition_of(&it.drafts), None),
        };
        changing.map(place).min()
    }
}

impl Gatherer<'_> {
    /// Sessions of all that came, in an order that puts together what goes into the same files, and in it what is kept in the same.
    pub(super) fn sessions(
        &mut self,
        archive: &Archive,
        drafts: Vec<Draft>,
        growths: Vec<Growth>,
    ) -> Vec<Session> {
        let mut by_id: BTreeMap<String, (Vec<Draft>, Vec<Growth>)> = BTreeMap::new();
        for draft in drafts {
            by_id.entry(draft.session_id.as_str().to_owned()).or_default().0.push(draft);
        }
        for growth in growths {
            by_id.entry(growth.kept.session_id.clone()).or_default().1.push(growth);
        }
        if self.kept.is_none() && by_id.keys().any(|it| self.known.contains(&fingerprint(it))) {
            self.kept = Some(Kept::load(archive));
        }
        let kept = self.kept.as_ref();
        let mut before = kept.map_or_else(HashMap::new, |it| {
            it.sessions(&mut archive.cursor(None), archive, by_id.keys().map(String::as_str))
        });
        let mut sessions = Vec::with_capacity(by_id.len());
        for (id, (drafts, growths)) in by_id {
            let rows = before.remove(&id).unwrap_or_default();
            let mut session = Session::known(id, rows, kept);
            for it in growths {
                // A stream goes on in the session it began in, whatever it claims.
                session.keyed(it.kept.session_key.clone()).growths.push(it);
            }
            session.part(drafts);
            sessions.push((session.place(), session));
        }
        sessions.sort_by(|one, other| one.0.cmp(&other.0));
        sessions.into_iter().map(|it| it.1).collect()
    }

    /// Brings back what the archive kept of a session that something new came of.
    pub(super) fn complete(
        &mut self,
        cursor: &mut Cursor<'_>,
        group: &mut Drafts,
        scratch: &Path,
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
            let brought = self.brought.get_or_insert_with(|| self.writer.brought());
            let mut again = 0;
            for it in &group.drafts {
                let leaf =
                    it.brought().map_err(|it| Error::file("read", self.writer.root(), it))?;
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
        session: &mut Session,
        scratch: &Path,
    ) -> Result<()> {
        let fail = |it| Error::file("read", scratch, it);
        let agrees = |draft: &Draft, group: &Drafts| {
            let first = draft.compared_with(group.kept.iter().chain(&group.drafts));
            first.map(|first| draft.goes_on_from(first)).transpose().map_err(fail)
        };
        let mut others = Vec::new();
        for group in session.groups.iter_mut().filter(|it| !it.is_damaged) {
            let mut drafts = std::mem::take(&mut group.drafts);
            drafts.sort_by_cached_key(|it| (it.stored_at, it.locator.clone(), it.version.clone()));
            for draft in drafts {
                if agrees(&draft, group)?.unwrap_or(true) {
                    group.drafts.push(draft);
                } else {
                    group.is_marked |= !group.diverges;
                    group.diverges = true;
                    others.push((group.account().map(str::to_owned), draft));
                }
            }
        }
        for (account, mut draft) in others {
            draft.mark(FlawKind::Diverges);
            let mut place = None;
            for (nth, it) in session.groups.iter_mut().enumerate() {
                if it.is_damaged || !it.fits(account.as_deref()) {
                    continue;
                }
                if it.is_idle()
                    && it.kept.is_empty()
                    && let Some(kept) = self.kept.as_ref()
                {
                    it.kept = kept.drafts(cursor, &it.key, scratch)?.0;
                }
                if agrees(&draft, it)? == Some(true) {
                    place = Some(nth);
                    break;
                }
            }
            match place {
                Some(nth) => {
                    session.groups[nth].drafts.push(draft);
                    self.complete(cursor, &mut session.groups[nth], scratch)?;
                }
                None => session.open(Drafts {
                    drafts: vec![draft],
                    diverges: true,
                    ..Drafts::default()
                }),
            }
        }
        Ok(())
    }

    /// Where what is kept of a session cannot be read, its rows stay as they are: what is new stands beside them, with a
    /// flaw, and a stream that would be continued is read anew from its beginning. Returns how many will be.
    pub(super) fn beside(&mut self, session: &mut Session) -> u64 {
        let mut put_off = 0;
        for nth in 0..session.groups.len() {
            let group = &mut session.groups[nth];
            if !group.is_damaged {
                group.drafts.append(&mut group.kept);
                continue;
            }
            put_off += group.growths.len() as u64;
            self.again.extend(group.growths.drain(..).map(|it| it.listed));
            let account = group.account().map(str::to_owned);
            let mut drafts = std::mem::take(&mut group.drafts);
            for it in &mut drafts {
                it.mark(FlawKind::KeptDamaged);
                self.summary.damaged.push(Skip::loss(
                    &it.locator,
                    "what the archive kept of this session before cannot be read; this stands beside it",
                ));
            }
            if drafts.is_empty() {
                continue;
            }
            let mut siblings = session.groups.iter_mut();
            match siblings.find(|it| !it.is_damaged && it.fits(account.as_deref())) {
                Some(it) => it.drafts.extend(drafts),
                None => session.open(Drafts { drafts, ..Drafts::default() }),
            }
        }
        session.groups.retain(|it| !it.is_damaged && !it.is_idle());
        put_off
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn transcripts_of_two_accounts_are_two_sessions_and_one_that_tells_none_goes_with_the_first() {
        let draft = |locator: &str, account: Option<&str>| Draft {
            place: (account.map(str::to_owned), None),
            ..Draft::sample(locator, "$ ls\r\n")
        };
        let drafts = vec![
            draft("a.log", None),
            draft("c.log", Some("444455556666")),
            draft("b.log", Some("111122223333")),
        ];
        let mut session = Session::known("alice-0123456789abcdef0".into(), Vec::new(), None);
        session.part(drafts);
        let told = session.groups.iter().map(|it| {
            let locators: Vec<&str> = it.drafts.iter().map(|it| it.locator.as_str()).collect();
            (it.key.as_str(), locators.join(" "))
        });
        let wanted = [
            ("alice-0123456789abcdef0", "b.log a.log".to_owned()),
            ("alice-0123456789abcdef0#2", "c.log".to_owned()),
        ];
        assert_eq!(told.collect::<Vec<_>>(), wanted);
    }

    #[test]
    fn what_is_read_again_goes_where_it_was() {
        let row = |key: &str, locator: &str| SessionRow {
            session_key: key.into(),
            locator: locator.into(),
            ..SessionRow::default()
        };
        let rows = vec![row("alice", "a.log"), row("alice#2", "b.log")];
        let mut session = Session::known("alice".into(), rows, None);
        session.part(vec![Draft::sample("b.log", "$ ls\r\n")]);
        let drafts: Vec<usize> = session.groups.iter().map(|it| it.drafts.len()).collect();
        assert_eq!(drafts, [0, 1]);
    }
}
