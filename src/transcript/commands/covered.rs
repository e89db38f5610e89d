//! Shells on a screen that a program took, and in strings that no terminal shows.
//!
//! Nothing on the screen of an editor or a pager is a prompt. But any program, and any text that is printed, can take the screen
//! (`printf '\e[?1049h'`) or open a string (`printf '\e]'`) and leave the rest to the shell. What is typed then must not be lost. Rows there that
//! begin with a prompt of the session are possible commands, whichever program it was.

use std::collections::HashSet;
use std::sync::Arc;

use crate::transcript::commands::context::ShownPrompt;
use crate::transcript::commands::context::Sightings;
use crate::transcript::commands::known::Known;
use crate::transcript::commands::panes::digest;
use crate::transcript::commands::signs;
use crate::transcript::prompt;
use crate::transcript::prompt::Identity;
use crate::transcript::prompt::Shape;

/// Rows of one screen that are told apart: a pager draws the same ones again and again.
const ROWS_MAX: usize = 4096;

/// The screen that a program has taken.
#[derive(Default)]
pub(super) struct Covered {
    /// Rows on it.
    pub(super) rows: Sightings,
    /// Digests of what was read from its rows.
    seen: HashSet<[u8; 32]>,
}

impl Covered {
    /// Takes up what stands behind a prompt; `false` if it was seen before.
    pub(super) fn see(&mut self, identity: &Identity, typed: &str) -> bool {
        self.seen.len() >= ROWS_MAX || self.seen.insert(digest(identity, typed))
    }
}

impl Known {
    /// Where a prompt of the session stands in the row. The beginning of a string, as `0;`, or output without a newline may stand before it.
    pub(super) fn prompt_within(&self, text: &str) -> Option<(usize, ShownPrompt)> {
        let top = self.stack.last()?;
        // Nearly all rows begin otherwise and name no host, and most have no sign of a prompt.
        let may_begin = top.prompt.text.as_bytes().first() == text.as_bytes().first()
            || memchr::memchr(b'@', text.as_bytes()).is_some();
        if may_begin && let Some(shown) = self.prompt_of_the_session(text) {
            return Some((0, shown));
        }
        if !signs::sign_of(&top.prompt.text).is_none_or(|it| signs::has(text, it)) {
            return None;
        }
        let at = memchr::memmem::find(text.as_bytes(), top.prompt.text.as_bytes())
            .filter(|_| top.is_long())?;
        Some((at, top.prompt.clone()))
    }

    /// The prompt at the start of the row, if it is one of this session's shells, in whatever directory, or another one on their host.
    fn prompt_of_the_session(&self, text: &str) -> Option<ShownPrompt> {
        if let Some(it) = self.stack.all().find(|it| it.begins(text)) {
            return Some(it.prompt.clone());
        }
        if !self.stack.all().any(|it| it.prompt.shape.is_some()) {
            return None;
        }
        let shape = prompt::known(text).filter(Shape::is_of_a_shell)?;
        let host = shape.host.clone();
        let shown = ShownPrompt::plain(Arc::from(&text[..shape.end]), Some(shape));
        let identity = shown.identity();
        let is_known = self
            .stack
            .all()
            .any(|it| it.identity == identity || it.host.is_some() && it.host == host);
        is_known.then_some(shown)
    }
}
