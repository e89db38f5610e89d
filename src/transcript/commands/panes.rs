//! Shells in the panes of tmux and screen: rows that are drawn again and again, and commands read where the drawing
//! allows it.

use std::collections::HashSet;
use std::sync::Arc;

use sha2::Digest;
use sha2::Sha256;

use crate::transcript::commands::Kind;
use crate::transcript::commands::Reader;
use crate::transcript::commands::weights;
use crate::transcript::prompt;
use crate::transcript::prompt::Identity;
use crate::transcript::prompt::Reads;
use crate::transcript::prompt::Shape;
use crate::transcript::screen::Drawn;
use crate::transcript::screen::bits;
use crate::transcript::shell;

/// Commands of panes told apart.
pub(super) const PANE_COMMANDS_MAX: usize = 1 << 16;

/// Shells in panes told apart: no window shows as many.
const PANE_SHELLS_MAX: usize = 1024;

/// Shells seen through the panes that tmux or screen draws. Rows are drawn again and again, so a command counts
/// the first time it is seen.
#[derive(Default)]
pub(super) struct Panes {
    /// What the shells in them show.
    pub(super) identities: HashSet<Identity>,
    /// Digests of what was typed behind them. A hash that strangers can foresee would let them hide a command behind
    /// another, and the texts themselves would fill the memory.
    pub(super) seen: HashSet<[u8; 32]>,
    /// The last command read in a pane may have changed the prompt.
    pub(super) changed: bool,
    /// Where the first multiplexer began to draw.
    pub(super) first: Option<u64>,
}

impl Reader {
    /// Whether a terminal multiplexer draws the screen.
    pub(super) fn in_panes(&self) -> bool {
        self.current.as_ref().is_some_and(|it| it.draws_panes)
    }

    /// Where a multiplexer first drew, if one did.
    pub fn panes_from(&self) -> Option<u64> {
        self.panes.first
    }

    /// A row that a multiplexer drew: each pane's part of it may be a prompt and a command.
    pub(super) fn pane_row(&mut self, drawn: &Drawn, index: u32) {
        let line = &drawn.lines[index as usize];
        self.panes.first.get_or_insert(line.from);
        let text = drawn.line_text(index);
        if text.len() > 4096
            || memchr::memchr3(b'$', b'#', b'>', text.as_bytes()).is_none() && text.is_ascii()
        {
            return;
        }
        let mut start = 0;
        for part in text.split('│') {
            let last = start + part.len() == text.len();
            self.pane_part(drawn, index, start, part, last);
            start += part.len() + '│'.len_utf8();
        }
    }

    pub(super) fn pane_part(
        &mut self,
        drawn: &Drawn,
        index: u32,
        start: usize,
        part: &str,
        last: bool,
    ) {
        let line = &drawn.lines[index as usize];
        if !last && !part.ends_with(' ') {
            // It goes on in the next row, and where it does is not known.
            return;
        }
        let Some((end, shape)) = self.pane_prompt(part) else { return };
        let typed = part.get(end..).unwrap_or_default().trim_end();
        let typed = typed.strip_suffix("^C").unwrap_or(typed).trim_end();
        let prompt: Arc<str> = Arc::from(&part[..end]);
        if typed.is_empty() {
            return;
        }
        if line.bits & bits::OVERWRITTEN != 0 {
            // A half typed line, and the same row when more was typed.
            let goes_on = drawn.lines.get(index as usize + 1).is_some_and(|next| {
                next.from == line.from
                    && drawn
                        .line_text(index + 1)
                        .get(start..)
                        .is_some_and(|it| it.starts_with(&*prompt))
            });
            if goes_on {
                return;
            }
        }
        let identity = Identity::of(&prompt, shape.as_ref());
        if self.panes.seen.len() >= PANE_COMMANDS_MAX
            || !self.panes.seen.insert(digest(&identity, typed))
        {
            return;
        }
        if self.panes.identities.len() < PANE_SHELLS_MAX {
            self.panes.identities.insert(identity);
        }
        self.panes.changed = shell::change(typed).is_some();
        let kind = if self.streamed {
            // Without CRs the panes run into each other.
            Kind::Possible
        } else if part.trim_end().ends_with("^C") {
            Kind::Abandoned
        } else {
            Kind::Shell
        };
        let evidence = vec![weights::PANES_PROMPT, weights::IN_A_PANE];
        let mut command =
            self.command(typed.to_owned(), kind, &prompt, shape.as_ref(), evidence, |it| {
                it.from = line.from;
                it.to = line.to;
                it.line = u64::from(index);
            });
        command.depth += 1;
        self.doubtful.push(command);
    }

    pub(super) fn pane_prompt(&self, part: &str) -> Option<(usize, Option<Shape>)> {
        if let Some(shape) = prompt::known(part).filter(|it| it.strong && it.reads == Reads::Shell)
        {
            let identity = Identity::of(&part[..shape.end], Some(&shape));
            let fits = self.panes.identities.is_empty()
                || self.panes.changed
                || self.panes.identities.contains(&identity)
                || self.levels.all().any(|it| it.identity == identity);
            return fits.then_some((shape.end, Some(shape)));
        }
        let level = self
            .levels
            .all()
            .find(|it| it.prompt.trim_end().len() >= 2 && part.starts_with(&*it.prompt))?;
        Some((level.prompt.len(), None))
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
