//! Commands on their way out: the one that may still grow, and what is possible in its output.

use crate::transcript::commands::command::Command;
use crate::transcript::commands::command::CommandKind;
use crate::transcript::commands::command::JUDGED_BYTES;
use crate::transcript::commands::signs::is_repl_continuation;
use crate::transcript::commands::text;
use crate::transcript::commands::weights;
use crate::transcript::shell;

/// Possible commands in the output of one that are held until it is complete.
const DOUBTFUL_MAX: usize = 4096;

/// A command being read, and what has come after it.
pub(super) struct Current {
    pub(super) command: Command,
    pub(super) outputs: u32,
    /// Output lines that look like someone's prompt and are not taken for one.
    pub(super) decoys: u32,
    pub(super) marked: bool,
    /// It draws shells in panes.
    pub(super) draws_panes: bool,
    /// A window title has told it.
    pub(super) named: bool,
    /// The shell has said what it runs.
    pub(super) said: bool,
    /// It was handed on, because too much that is possible came after it.
    told: bool,
    /// Its shell draws the same whether a line ran or was thrown away.
    pub(super) traceless: bool,
    /// `^C` stands behind it: a key that broke it off, or two signs that somebody typed.
    pub(super) caret: bool,
}

impl Current {
    /// The next prompt has come. Where nothing was printed before it, no title told the command and the prompt shows nothing that
    /// the command explains, nothing tells whether that ran: a clock, a status or a number in the prompt goes on after Ctrl-C, too.
    pub(super) fn confirm(&mut self, next: &Command) {
        let now = &self.command;
        let moved = || now.prompt != next.prompt && shell::moves(&now.text);
        let other = || {
            now.os_user != next.os_user || now.host != next.host || next.kind == CommandKind::Repl
        };
        let unknown = self.traceless
            && self.outputs == 0
            && !self.named
            && now.kind == CommandKind::Shell
            && !moved()
            && !other();
        if unknown {
            self.command.kind = CommandKind::Unconfirmed;
        }
    }

    /// It was drawn again, farther to the right or in full: its text is this, up to there.
    pub(super) fn redraw(&mut self, text: &str, to: u64) {
        text.clone_into(&mut self.command.text);
        self.command.to = self.command.to.max(to);
    }

    /// Its text up to where it is judged asks for more.
    pub(super) fn is_open(&self) -> bool {
        // Each line that is added to a long one would have all before it judged anew.
        self.command.text.len() > JUDGED_BYTES || shell::is_open(&self.command.text)
    }
}

/// Commands that are not complete, and those that are and were not taken.
#[derive(Default)]
pub(super) struct PendingCommands {
    pub(super) current: Option<Current>,
    /// Possible commands met in the output of the current one.
    pub(super) doubtful: Vec<Command>,
    pub(super) complete: Vec<Command>,
    /// The agent's own logger ran in the session's first shell; the last `exit` there is the agent's too.
    agent_shell: bool,
    /// Commands read so far.
    pub(super) read: u64,
}

impl PendingCommands {
    /// A line of output.
    pub(super) fn output(&mut self) {
        if let Some(current) = &mut self.current {
            current.outputs = current.outputs.saturating_add(1);
        }
    }

    /// The current command, if nothing was printed behind it.
    pub(super) fn silent(&self) -> Option<&Current> {
        self.current.as_ref().filter(|it| it.outputs == 0)
    }

    /// Another command begins: the one before is complete.
    pub(super) fn begin(&mut self, command: Command, marked: bool, draws_panes: bool) {
        self.close();
        self.current = Some(Current {
            command,
            outputs: 0,
            decoys: 0,
            marked,
            draws_panes,
            named: false,
            said: false,
            told: false,
            traceless: false,
            caret: false,
        });
    }

    /// The current command is complete.
    pub(super) fn close(&mut self) {
        let Some(mut current) = self.current.take() else { return };
        if current.caret && current.outputs > 0 && current.command.kind == CommandKind::Abandoned {
            // What is broken off prints nothing, but a prompt may begin with rows of its own. So nothing tells whether the signs were
            // typed and it ran.
            current.command.kind = CommandKind::Unconfirmed;
        }
        if !current.told {
            self.push(current.command);
        }
        self.complete.append(&mut self.doubtful);
    }

    /// What is possible waits for the command that printed it. Output without end must not fill the memory meanwhile.
    pub(super) fn hand_on(&mut self) {
        if self.doubtful.len() <= DOUBTFUL_MAX {
            return;
        }
        if let Some(current) = self.current.as_mut().filter(|it| !it.told) {
            current.told = true;
            let command = current.command.clone();
            self.push(command);
        }
        self.complete.append(&mut self.doubtful);
    }

    /// The session ends behind so many lines.
    pub(super) fn end(&mut self, lines: u64) {
        let agents =
            self.agent_shell && self.current.as_ref().is_some_and(|it| it.command.text == "exit");
        if agents {
            self.current = None;
        } else if self.agent_shell {
            self.last_exits(lines);
        }
        self.close();
    }

    /// A recorded shell ends with two lines of `exit`, whatever was printed before: the person's, and the agent's.
    fn last_exits(&mut self, lines: u64) {
        let [.., persons, agents] = &mut self.doubtful[..] else { return };
        let is_shown = |it: &Command| {
            let hidden = [weights::ON_A_SCREEN, weights::IN_A_STRING];
            !it.evidence.iter().any(|it| hidden.iter().any(|row| it.is(*row)))
        };
        let ends = agents.text == "exit"
            && persons.text == "exit"
            && is_shown(persons)
            && is_shown(agents)
            && agents.line == persons.line + 1
            && agents.line + 1 == lines;
        if ends {
            persons.kind = CommandKind::Shell;
            persons.evidence.push(weights::AGENTS_EXIT);
            self.doubtful.pop();
        }
    }

    fn push(&mut self, mut command: Command) {
        if command.text.is_empty() {
            return;
        }
        if shell::starts_the_logger(&command.text) {
            // Typed by the agent itself: on Windows, and everywhere before 2.3.978.
            self.agent_shell = true;
            return;
        }
        if shell::is_open(&command.text) && command.kind == CommandKind::Shell {
            command.evidence.push(weights::OPEN_SYNTAX);
        }
        if matches!(command.kind, CommandKind::Shell | CommandKind::Unconfirmed) {
            command.evidence.extend(text::doubts(&command.text, &command.prompt));
        }
        let sum = weights::sum(&command.evidence);
        let guess = command
            .evidence
            .iter_mut()
            .find(|it| it.is(weights::LOST) || it.is(weights::WRITTEN_INTO));
        if let Some(it) = guess.filter(|_| sum > weights::MOST_IF_GUESSED) {
            it.weight -= sum - weights::MOST_IF_GUESSED;
        }
        if sum < weights::FLOOR && matches!(command.kind, CommandKind::Shell | CommandKind::Repl) {
            command.kind = CommandKind::Possible;
        }
        self.read += u64::from(command.kind != CommandKind::Possible);
        self.complete.push(command);
    }

    /// Places of the commands that are not complete yet.
    pub(super) fn waiting(&self) -> impl Iterator<Item = u64> {
        let current = self.current.iter().map(|it| it.command.from);
        current.chain(self.doubtful.iter().map(|it| it.from))
    }

    /// Whether a prompt asks for more of the current command. `marked`: where it ends is certain; `same`: it is the innermost shell's own.
    pub(super) fn is_continued_by(&self, prompt: &str, marked: bool, same: bool) -> bool {
        let Some(current) = self.silent() else { return false };
        if current.command.text.is_empty() || current.marked != marked {
            return false;
        }
        if current.command.kind == CommandKind::Repl {
            return is_repl_continuation(prompt);
        }
        if current.command.kind != CommandKind::Shell {
            return false;
        }
        let short = prompt.trim_end().ends_with('>') && prompt.chars().count() <= 24;
        let open = current.is_open();
        (prompt == "> " || prompt == ">") && (open || !same)
            || open && !same && (short || marked || prompt.is_empty())
    }
}
