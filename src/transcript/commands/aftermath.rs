//! What the last command may do to what follows it: another prompt, output that somebody else wrote, jobs that write between,
//! typing that is not shown.

use crate::transcript::commands::command::Command;
use crate::transcript::commands::command::CommandKind;
use crate::transcript::commands::command::JUDGED_BYTES;
use crate::transcript::commands::weights;
use crate::transcript::prompt;
use crate::transcript::shell;
use crate::transcript::shell::Does;
use crate::transcript::shell::ShellChange;

/// What the last command may do to what follows it.
#[derive(Default)]
pub(super) struct Aftermath {
    /// Text of the last command that was run: what may follow depends on it.
    pub(super) last: Option<String>,
    /// It prints what other people wrote.
    pub(super) prints: bool,
    /// It may have changed the prompt, and no prompt has followed yet.
    pub(super) may_change: Option<ShellChange>,
    /// It was damaged on the way: what it did is not known.
    pub(super) unsure: bool,
    /// Jobs that run in the background, may write to the terminal, and have not been reported as done.
    pub(super) jobs: u32,
    /// Echo was turned off: what follows a prompt may be output.
    echo_off: bool,
}

impl Aftermath {
    /// Whether the last command goes to another directory.
    pub(super) fn moves(&self) -> bool {
        self.last.as_deref().is_some_and(shell::moves)
    }

    /// A command begins: what it does, if it runs.
    pub(super) fn begin(&mut self, command: &Command) -> Does {
        if command.kind == CommandKind::Shell {
            self.may_change = shell::change(&command.text);
            // What a damaged command did is not known.
            self.unsure = command.damaged;
            if self.may_change == Some(ShellChange::Leave) || command.text == "wait" {
                self.jobs = 0;
            }
            let job = u32::from(shell::starts_a_job(&command.text));
            self.jobs = self.jobs.saturating_add(job);
        }
        if !matches!(command.kind, CommandKind::Shell | CommandKind::Repl) {
            return Does::default();
        }
        let text = prompt::head(&command.text, JUDGED_BYTES);
        let does = Does::of(text);
        self.prints = does.prints_files;
        text.clone_into(self.last.get_or_insert_default());
        does
    }

    /// The last command has become longer by a line.
    pub(super) fn extend(&mut self, command: &Command) {
        if command.text.len() > JUDGED_BYTES {
            return;
        }
        if command.kind == CommandKind::Shell {
            self.may_change = shell::change(&command.text);
        }
        self.prints = Does::of(&command.text).prints_files;
        self.last = Some(command.text.clone());
    }

    /// Where echo is off, what stands behind a prompt is output, unless it is what people type.
    pub(super) fn doubt_without_echo(&mut self, command: &mut Command) {
        if !self.echo_off || command.kind != CommandKind::Shell {
            return;
        }
        if command.evidence.iter().any(|it| it.is(weights::EDITED)) {
            self.echo_off = false;
            return;
        }
        let first = command.text.split_ascii_whitespace().next().unwrap_or_default();
        let is_common = shell::is_common(first);
        command.evidence.push(if is_common { weights::ECHO_OFF_COMMON } else { weights::ECHO_OFF });
    }

    /// Whether the command hides what is typed behind it. From then on echo is off.
    pub(super) fn turns_echo_off(&mut self, command: &Command) -> bool {
        let hides = shell::hides_what_is_typed(prompt::head(&command.text, JUDGED_BYTES));
        self.echo_off |= hides;
        hides
    }
}

#[cfg(test)]
mod tests {
    use crate::transcript::testing::check;

    #[test]
    fn echo_turned_off_hides_no_command_that_is_seen() {
        check(
            "
sh-4.2$ grep 'stty -echo' x
//      ^^^^^^^^^^^^^^^^^^^ shell
sh-4.2$ id
//      ^^ shell
sh-4.2$ stty -echo
//      ^^^^^^^^^^ shell
sh-4.2$ rm -rf /srv
//      ^^^^^^^^^^^ shell
sh-4.2$ words that were printed
//      ^^^^^^^^^^^^^^^^^^^^^^^ possible
",
        );
    }
}
