//! Shells in the panes of tmux and screen: what was seen in rows that are drawn again and again.

use std::collections::HashSet;

use sha2::Digest;
use sha2::Sha256;

use crate::transcript::prompt::Identity;
use crate::transcript::shell;

/// Commands of panes told apart.
const PANE_COMMANDS_MAX: usize = 1 << 16;

/// Shells in panes told apart: no window shows as many.
const PANE_SHELLS_MAX: usize = 1024;

/// Shells seen through the panes that tmux or screen draws. Rows are drawn again and again, so a command counts
/// the first time it is seen.
#[derive(Default)]
pub(super) struct Panes {
    /// What the shells in them show.
    identities: HashSet<Identity>,
    /// Digests of what was typed behind them. A hash that strangers can foresee would let them hide a command behind
    /// another, and the texts themselves would fill the memory.
    seen: HashSet<[u8; 32]>,
    /// The last command read in a pane may have changed the prompt.
    changed: bool,
    /// Where the first multiplexer began to draw.
    pub(super) first: Option<u64>,
}

impl Panes {
    /// Takes up a command behind a prompt; `false` if it was seen before.
    pub(super) fn see(&mut self, identity: Identity, typed: &str) -> bool {
        if self.seen.len() >= PANE_COMMANDS_MAX || !self.seen.insert(digest(&identity, typed)) {
            return false;
        }
        if self.identities.len() < PANE_SHELLS_MAX {
            self.identities.insert(identity);
        }
        self.changed = shell::change(typed).is_some();
        true
    }

    /// Whether a prompt may be one of a shell in them, as far as they tell.
    pub(super) fn may_show(&self, identity: &Identity) -> bool {
        self.identities.is_empty() || self.changed || self.identities.contains(identity)
    }
}

/// A command behind the prompt of one shell, as a number that nobody can find another command for.
pub(super) fn digest(identity: &Identity, typed: &str) -> [u8; 32] {
    let mut digest = Sha256::new();
    digest.update(format!("{identity:?}"));
    digest.update([0]);
    digest.update(typed);
    digest.finalize().into()
}
