//! Commands of the history, each drawn over the one before: where the last of them begins.
//!
//! Without its CRs such a line is one command behind another, and any of the earlier ones may be the first. Whoever is
//! recorded chooses them: the search has an end, however many ways there are through the line.

use std::collections::HashMap;

use crate::transcript::shell;

/// Earlier commands that are tried at one place.
const NEAREST: usize = 64;
/// Earlier commands that are tried in one line: far more than people draw over each other.
const TRIES: usize = 4096;

/// A search in one line.
pub(super) struct Recalled<'a> {
    history: &'a [String],
    tries: usize,
    /// Places, told by how much follows, from which as many commands lead nowhere.
    fruitless: HashMap<usize, u8>,
    /// Whether what follows a place is an earlier command.
    known: HashMap<usize, bool>,
}

impl<'a> Recalled<'a> {
    pub(super) fn new(history: &'a [String]) -> Self {
        Self { history, tries: 0, fruitless: HashMap::new(), known: HashMap::new() }
    }

    /// Where the last of up to `deep` commands begins that were drawn over each other.
    pub(super) fn over(&mut self, whole: &str, deep: u8) -> Option<usize> {
        if deep == 0 || self.fruitless.get(&whole.len()).is_some_and(|it| *it >= deep) {
            return None;
        }
        let history = self.history;
        for older in history.iter().rev().take(NEAREST) {
            self.tries += 1;
            if self.tries > TRIES {
                return None;
            }
            let Some(rest) = whole.strip_prefix(older.as_str()).filter(|it| it.len() > 1) else {
                continue;
            };
            let first = rest.split(' ').next().unwrap_or_default();
            let ends = older.ends_with(|it: char| it.is_alphanumeric());
            if ends && rest.contains(' ') && shell::is_common(first) || self.is_known(rest) {
                return Some(older.len());
            }
            if let Some(it) = self.over(rest, deep - 1) {
                return Some(older.len() + it);
            }
        }
        self.fruitless.insert(whole.len(), deep);
        None
    }

    fn is_known(&mut self, rest: &str) -> bool {
        let history = self.history;
        *self
            .known
            .entry(rest.len())
            .or_insert_with(|| history.iter().any(|it| it == rest.trim_end()))
    }
}
