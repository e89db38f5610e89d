//! What a run is asked, what it says while it works, and what it comes to.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::sync::atomic::AtomicBool;

use crate::error::Result;
use crate::session::Skip;
use crate::source::Refusal;
use crate::time::At;

/// What a run did. Listed is the sum of stored, held, others and failed.
#[derive(Debug, Default)]
pub struct Summary {
    /// Objects that the listings told.
    pub listed: u64,
    /// Objects whose bytes were kept.
    pub stored: u64,
    /// Objects that the archive has already.
    pub held: u64,
    /// Objects that are no transcripts: said, no loss.
    pub others: Vec<Skip>,
    /// Objects that could not be read: evidence may be missing.
    pub failed: Vec<Skip>,
    /// Objects that were stored but could be read only in part.
    pub damaged: Vec<Skip>,
    /// Parts of stored objects that are no transcripts.
    pub parts: Vec<Skip>,
    /// What else a reader must know: an object that was replaced between listing and reading.
    pub told: Vec<Skip>,
    /// Sources of which nothing could be listed.
    pub closed: Vec<Skip>,
    /// Sources that could not be listed to their end.
    pub unlisted: Vec<Skip>,
    /// What of the archive cannot be read.
    pub archive: Vec<Skip>,
    /// What to do about the failures, each once.
    pub hints: BTreeSet<String>,
    /// Transcripts that were kept; one object may hold several.
    pub transcripts: u64,
    /// Sessions that the archive did not have.
    pub sessions_new: u64,
    /// Sessions that the archive had and whose rows were written anew.
    pub sessions_changed: u64,
    /// Commands of these sessions.
    pub commands: u64,
    /// Bytes that were read; in a dry run, those that would be.
    pub bytes: u64,
    /// Whether the run was stopped before its end.
    pub interrupted: bool,
    /// Objects that a dry run would take, by source.
    pub would: Vec<Would>,
    /// How often an index was looked through, and how often a file of the archive was opened: what a test holds us to.
    pub index_scans: u64,
    /// How often a file of the archive was opened.
    pub files_opened: u64,
}

/// What a run would take from one source.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Would {
    /// The source as the archive names it.
    pub source: String,
    /// Objects that the listing told.
    pub listed: u64,
    /// Objects that would be read.
    pub take: u64,
    /// Of those to take, streams that would be continued.
    pub continued: u64,
    /// Objects that the archive has already.
    pub held: u64,
    /// Bytes of the objects to take, as far as the listing tells.
    pub bytes: u64,
    /// Calls that the listing made.
    pub calls: BTreeMap<String, u64>,
    /// The call that reading would make, and how often; `None` if it would make none.
    pub reads: Option<(&'static str, u64)>,
}

impl Summary {
    pub(super) fn refused(&mut self, locator: &str, it: &Refusal) {
        self.failed.push(Skip::loss(locator, &it.why));
        self.hints.extend(it.hint.clone());
    }

    /// A source that refused its listing, before or after it told something.
    pub fn cannot_list(&mut self, name: &str, it: Refusal, some: bool) {
        let list = if some { &mut self.unlisted } else { &mut self.closed };
        list.push(Skip::loss(name, it.why));
        self.hints.extend(it.hint);
    }

    /// Files of the archive that could not be read, each once.
    pub(super) fn unreadable(&mut self, damages: Vec<Skip>) {
        for it in damages {
            if !self.archive.iter().any(|seen| seen.locator == it.locator) {
                self.archive.push(it);
            }
        }
    }

    /// Nothing at all could be listed.
    pub fn is_blind(&self) -> bool {
        self.listed == 0 && !self.closed.is_empty()
    }

    /// Takes up what the listing of a source told.
    pub(super) fn heard(&mut self, name: &str, listed: Self, walked: Result<(), Refusal>) {
        if let Err(it) = walked {
            self.cannot_list(name, it, listed.listed > 0);
        }
        self.add(listed);
    }

    /// Takes up what a worker tells of an object, and a batch of its sessions: they tell nothing else.
    pub(super) fn add(&mut self, told: Self) {
        self.listed += told.listed;
        self.held += told.held;
        self.bytes += told.bytes;
        self.sessions_new += told.sessions_new;
        self.sessions_changed += told.sessions_changed;
        self.commands += told.commands;
        self.others.extend(told.others);
        self.failed.extend(told.failed);
        self.damaged.extend(told.damaged);
        self.parts.extend(told.parts);
        self.told.extend(told.told);
        self.hints.extend(told.hints);
    }

    /// Workers finish in any order; the words must not depend on it.
    pub(super) fn settle(&mut self) {
        for list in [
            &mut self.others,
            &mut self.damaged,
            &mut self.parts,
            &mut self.failed,
            &mut self.told,
            &mut self.archive,
        ] {
            list.sort_by(|one, other| one.locator.cmp(&other.locator));
        }
    }
}

/// Watches a run. Called from one thread.
pub trait Progress {
    /// A source of this name begins.
    fn source(&mut self, _name: &str) {}
    /// So many objects and bytes were listed, all told.
    fn listed(&mut self, _objects: u64, _bytes: u64) {}
    /// So many more objects and bytes are done.
    fn took(&mut self, _objects: u64, _bytes: u64) {}
    /// The place has given nothing for a while, in words; `None` while it does. Told again and again.
    fn waiting(&mut self, _words: Option<&str>) {}
    /// The run is over.
    fn finished(&mut self) {}
}

/// No one watches.
impl Progress for () {}

/// The run's clock and limits, told from outside.
pub struct Options<'a> {
    /// Now.
    pub now: At,
    /// Threads that decode; one at least is used.
    pub threads: usize,
    /// Ends the run early when it becomes `true`.
    pub stop: &'a AtomicBool,
}
