//! Shells on a screen that a program took, and in strings that no terminal shows.
//!
//! Nothing on the screen of an editor or a pager is a prompt. But any program, and any text that is printed, can take the screen
//! (`printf '\e[?1049h'`) or open a string (`printf '\e]'`) and leave the rest to the shell. What is typed then must not be lost. Rows there that
//! begin with a prompt of the session are possible commands, whichever program it was.

use std::collections::HashSet;
use std::sync::Arc;

use crate::transcript::commands::Command;
use crate::transcript::commands::Evidence;
use crate::transcript::commands::JUDGED_BYTES;
use crate::transcript::commands::Kind;
use crate::transcript::commands::Reader;
use crate::transcript::commands::lines::has;
use crate::transcript::commands::lines::sign_of;
use crate::transcript::commands::panes::digest;
use crate::transcript::commands::weights;
use crate::transcript::prompt;
use crate::transcript::prompt::Identity;
use crate::transcript::prompt::Reads;
use crate::transcript::prompt::Shape;
use crate::transcript::screen::Drawn;
use crate::transcript::screen::Hidden;

/// Rows of one screen that are told apart: a pager draws the same ones again and again.
const ROWS_MAX: usize = 4096;

/// The screen that a program has taken.
#[derive(Default)]
pub(super) struct Covered {
    /// Place of the first row on it, and how many there were.
    rows: Option<(u64, u64)>,
    /// Digests of what was read from its rows.
    seen: HashSet<[u8; 32]>,
}

impl Reader {
    /// A row on the screen of a program that draws no panes.
    pub(super) fn covered_row(&mut self, drawn: &Drawn, index: u32) {
        let line = &drawn.lines[index as usize];
        let text = drawn.line_text(index);
        let (_, many) = self.covered.rows.get_or_insert((line.from, 0));
        *many += 1;
        if self.levels.is_empty() {
            self.nothing_is_known(line, text);
        }
        if self.in_panes() {
            return;
        }
        let Some((at, shown, shape)) = self.within(text) else { return };
        let typed = &text[at + shown.len()..];
        let seen = &mut self.covered.seen;
        let is_new = seen.len() >= ROWS_MAX
            || seen.insert(digest(&Identity::of(&shown, shape.as_ref()), typed));
        if is_new {
            self.not_shown(typed, &shown, shape, weights::ON_A_SCREEN, |it| {
                (it.from, it.to, it.line) = (line.from, line.to, u64::from(index));
            });
        }
    }

    /// A line that no terminal showed.
    pub(super) fn hidden_line(&mut self, hidden: &Hidden) {
        let text = &*hidden.text;
        let Some((at, shown, shape)) = self.within(text) else { return };
        self.not_shown(&text[at + shown.len()..], &shown, shape, weights::IN_A_STRING, |it| {
            (it.from, it.to, it.line) = (hidden.from, hidden.to, u64::from(hidden.line));
            it.damaged = hidden.is_damaged;
        });
    }

    /// Where a prompt of the session stands in the row. The beginning of a string, as `0;`, or output without a newline may stand before it.
    fn within(&self, text: &str) -> Option<(usize, Arc<str>, Option<Shape>)> {
        let top = self.levels.last()?;
        // Nearly all rows begin otherwise and name no host, and most have no sign of a prompt.
        let may_begin = top.prompt.as_bytes().first() == text.as_bytes().first()
            || memchr::memchr(b'@', text.as_bytes()).is_some();
        if may_begin && let Some((shown, shape)) = self.prompt_of_the_session(text) {
            return Some((0, shown, shape));
        }
        if !sign_of(&top.prompt).is_none_or(|it| has(text, it)) {
            return None;
        }
        let at = memchr::memmem::find(text.as_bytes(), top.prompt.as_bytes())
            .filter(|_| top.is_long())?;
        Some((at, Arc::clone(&top.prompt), top.shape.clone()))
    }

    fn not_shown(
        &mut self,
        typed: &str,
        shown: &Arc<str>,
        shape: Option<Shape>,
        why: Evidence,
        place: impl FnOnce(&mut Command),
    ) {
        let typed = prompt::head(typed.trim_end(), JUDGED_BYTES).to_owned();
        if !typed.is_empty() {
            let evidence = vec![weights::THIS_SHELL, why];
            let row = self.command(typed, Kind::Possible, shown, shape.as_ref(), evidence, place);
            self.doubtful.push(row);
        }
    }

    /// The prompt at the start of the row, if it is one of this session's shells, in whatever directory, or another one on their host.
    fn prompt_of_the_session(&self, text: &str) -> Option<(Arc<str>, Option<Shape>)> {
        if let Some(it) = self.levels.all().find(|it| it.begins(text)) {
            return Some((Arc::clone(&it.prompt), it.shape.clone()));
        }
        if !self.levels.all().any(|it| it.shape.is_some()) {
            return None;
        }
        let shape = prompt::known(text).filter(|it| it.strong && it.reads == Reads::Shell)?;
        let shown = &text[..shape.end];
        let identity = Identity::of(shown, Some(&shape));
        let is_known = self
            .levels
            .all()
            .any(|it| it.identity == identity || it.host.is_some() && it.host == shape.host);
        is_known.then(|| (Arc::from(shown), Some(shape)))
    }

    /// A screen that was not given back when the transcript ended: the place of its first row, and how many there are.
    pub fn covered(&self) -> Option<(u64, u64)> {
        self.covered.rows
    }
}
