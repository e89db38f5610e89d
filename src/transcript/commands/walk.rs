//! The walk through what was drawn: what is known, what waits, and how a command begins, grows, or is kept apart as possible.

use std::sync::Arc;

use crate::transcript::commands::command::Command;
use crate::transcript::commands::command::CommandKind;
use crate::transcript::commands::command::has_damage;
use crate::transcript::commands::context::ShownPrompt;
use crate::transcript::commands::context::Sightings;
use crate::transcript::commands::context::TypedPlace;
use crate::transcript::commands::covered::Covered;
use crate::transcript::commands::known::Known;
use crate::transcript::commands::panes::Panes;
use crate::transcript::commands::pending::PendingCommands;
use crate::transcript::commands::weights;
use crate::transcript::commands::weights::Evidence;

/// How the last line ended, where that says something of the next.
#[derive(Default)]
pub(super) struct LastLine {
    /// It broke off at a margin of this many columns.
    pub(super) margin: Option<usize>,
    /// A bell rang on it: it may have been completed rather than run.
    pub(super) bell: bool,
    /// A title came before a job notice; the prompt follows the notice.
    pub(super) title_due: bool,
}

/// What was seen and not read.
#[derive(Default)]
pub(super) struct Gaps {
    /// Lines with anything in them while no shell was known.
    pub(super) unknown: Sightings,
    /// Questions that were answered without echo.
    pub(super) unseen: Sightings,
    /// Edited lines that were taken for output.
    pub(super) unread: Sightings,
}

/// A walk through the windows of a session, in order.
#[derive(Default)]
pub(super) struct Walk {
    pub(super) known: Known,
    pub(super) pending: PendingCommands,
    pub(super) panes: Panes,
    pub(super) covered: Covered,
    pub(super) last_line: LastLine,
    pub(super) gaps: Gaps,
    /// CRs that end the lines of genuine input regions.
    pub(super) region_crs: Option<u8>,
    /// Lines were streamed, a second's worth in one event.
    pub(super) streamed: bool,
    /// Lines of the windows before this one.
    pub(super) lines_before: u64,
}

impl Walk {
    /// What was typed behind a prompt, as a command of the innermost shell.
    pub(super) fn command(
        &self,
        kind: CommandKind,
        text: String,
        prompt: &ShownPrompt,
        mut evidence: Vec<Evidence>,
        place: TypedPlace,
    ) -> Command {
        let (level, shape) = (self.known.stack.last(), prompt.shape.as_ref());
        let has_damage = has_damage(&text);
        evidence.extend(has_damage.then_some(weights::DAMAGED_CHARACTER));
        evidence.extend(place.damaged.then_some(weights::LOST));
        // In the bytes a line that something was written into is seen to be broken; in a stream nothing shows it.
        let written_into = self.known.after.jobs > 0
            && (self.streamed || text.contains('\n'))
            && matches!(kind, CommandKind::Shell | CommandKind::Abandoned);
        evidence.extend(written_into.then_some(weights::WRITTEN_INTO));
        let root = shape.and_then(|it| it.root);
        Command {
            text,
            kind,
            prompt: Arc::clone(&prompt.text),
            os_user: shape
                .and_then(|it| it.user.clone())
                .or_else(|| level.and_then(|it| it.user.clone()))
                .or_else(|| (root == Some(true)).then(|| Arc::from("root"))),
            host: shape
                .and_then(|it| it.host.clone())
                .or_else(|| level.and_then(|it| it.host.clone())),
            cwd: shape.and_then(|it| it.dir.clone()),
            depth: self.known.stack.depth(),
            from: place.from,
            to: place.to,
            line: u64::from(place.line) + self.lines_before,
            evidence,
            damaged: place.damaged || written_into || has_damage,
            runner_up: None,
        }
    }

    /// A command begins, and the one before is complete.
    pub(super) fn begin(&mut self, mut command: Command, marked: bool) {
        if let Some(current) = &mut self.pending.current {
            current.confirm(&command);
            if current.command.kind == CommandKind::Shell
                && !current.said
                && let Some(level) = self.known.stack.last_mut()
            {
                level.habits.says = 0;
            }
        }
        let after = &mut self.known.after;
        after.doubt_without_echo(&mut command);
        if after.turns_echo_off(&command) {
            self.gaps.unseen.count(command.from);
        }
        let does = after.begin(&command);
        let draws_panes = command.kind == CommandKind::Shell && does.draws_panes;
        self.pending.begin(command, marked, draws_panes);
    }

    /// Adds a continuation line to the current command, which may be broken off in it.
    pub(super) fn extend(&mut self, text: &str, to: u64, broken_off: bool) {
        let Some(current) = &mut self.pending.current else { return };
        current.command.text.push('\n');
        current.command.text.push_str(text);
        current.command.to = current.command.to.max(to);
        if broken_off {
            current.command.kind = CommandKind::Abandoned;
        }
        self.known.after.extend(&current.command);
    }

    /// Whether this prompt asks for more of the current command. `marked`: where it ends is certain.
    pub(super) fn continues(&self, prompt: &str, marked: bool) -> bool {
        let same = self.known.stack.last().is_some_and(|it| &*it.prompt.text == prompt);
        self.pending.is_continued_by(prompt, marked, same)
    }

    /// Something that may have been typed: kept apart, and nothing follows from it.
    pub(super) fn keep_possible(
        &mut self,
        text: String,
        prompt: &ShownPrompt,
        evidence: Vec<Evidence>,
        place: TypedPlace,
    ) {
        if !text.is_empty() {
            let command = self.command(CommandKind::Possible, text, prompt, evidence, place);
            self.pending.doubtful.push(command);
        }
    }
}
