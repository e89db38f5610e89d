//! The shells and REPLs that a session is in, one in another: which of them shows this prompt, and what a move from
//! one to another is worth as evidence.
//!
//! Whoever is recorded can open shells without end (`yes 'sh-4.2$ bash'`), and each prompt may be any of them. So the
//! innermost ones alone are held, and those farther out are a number.

use std::cell::Cell;
use std::sync::Arc;

use crate::transcript::commands::context::ShownPrompt;
use crate::transcript::commands::weights;
use crate::transcript::commands::weights::Evidence;
use crate::transcript::prompt;
use crate::transcript::prompt::Identity;
use crate::transcript::prompt::Reads;
use crate::transcript::shell;
use crate::transcript::shell::ShellChange;

/// One shell or REPL of the stack.
#[derive(Clone, Debug)]
pub(super) struct Level {
    /// Its last prompt.
    pub(super) prompt: ShownPrompt,
    pub(super) skeleton: String,
    pub(super) identity: Identity,
    pub(super) reads: Reads,
    pub(super) user: Option<Arc<str>>,
    pub(super) host: Option<Arc<str>>,
    /// It was opened by the name of another shell than bash.
    pub(super) is_no_bash: bool,
    pub(super) habits: Habits,
}

/// What the prompts and lines of one shell have been like.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Habits {
    /// Something always comes before its prompts.
    pub(super) titled: bool,
    /// Prompts of a strong shape before which it did not come.
    pub(super) untitled: u32,
    /// Prompts without marks, and how many of the last of them in a row something came before.
    pub(super) met: u32,
    pub(super) streak: u32,
    /// Its end marks are followed by escapes.
    pub(super) escapes: bool,
    /// Its line editor leaves the keypad's application mode at Enter.
    pub(super) leaves_keypad: bool,
    /// It fills a row before each prompt.
    pub(super) fills: bool,
    /// CRs that end its lines.
    pub(super) crs: Option<u8>,
    /// Commands in a row that it has named itself, as they were drawn.
    pub(super) says: u32,
    /// Its `exit` is echoed by the shell itself, so that Ctrl-D can be told from a typed one.
    pub(super) says_exit: bool,
}

/// Prompts of fewer characters stand at the start of many rows of output.
const LONG: usize = 4;

impl Level {
    /// One that shows its first prompt.
    fn new(shown: &ShownPrompt, identity: Identity, reads: Reads, is_no_bash: bool) -> Self {
        let shape = shown.shape.as_ref();
        Self {
            prompt: shown.clone(),
            skeleton: prompt::skeleton(shown.text.trim_end()),
            identity,
            reads,
            user: shape.and_then(|it| it.user.clone()),
            host: shape.and_then(|it| it.host.clone()),
            is_no_bash,
            habits: Habits::default(),
        }
    }

    /// Its prompt again, perhaps in another directory.
    fn show(&mut self, shown: &ShownPrompt) {
        let (old, new) = (&self.prompt.text, &shown.text);
        let bare = old.trim_end();
        if bare != &**new {
            let blanks = &old[bare.len()..];
            self.prompt.text = if new.ends_with(' ') || blanks.is_empty() {
                Arc::clone(new)
            } else {
                Arc::from(format!("{new}{blanks}"))
            };
            self.prompt.shape.clone_from(&shown.shape);
        }
        self.prompt.marked = shown.marked;
    }

    /// Another prompt of the same place: what its lines were like stays.
    fn give_way(&mut self, to: Self) {
        let habits = Habits { untitled: 0, escapes: false, says: 0, ..self.habits };
        *self = Self { is_no_bash: self.is_no_bash || to.is_no_bash, habits, ..to };
    }

    /// Whether the prompt is long enough to be told from output by itself.
    pub(super) fn is_long(&self) -> bool {
        self.prompt.text.trim().chars().nth(LONG - 1).is_some()
    }

    /// Whether the row begins with the prompt as it was, and behind a short one with the name of a command.
    pub(super) fn begins(&self, text: &str) -> bool {
        text.strip_prefix(&*self.prompt.text).is_some_and(|body| {
            !self.prompt.text.trim().is_empty()
                && (self.is_long() || shell::begins_with_a_command(body))
        })
    }
}

impl Habits {
    /// One more prompt without marks. Once can be chance, or somebody's doing: a title that was printed, a line of
    /// colours that stood above.
    pub(super) fn meet(&mut self, announced: bool) {
        self.met = self.met.saturating_add(1);
        if announced {
            self.untitled = 0;
        }
        self.streak = if announced { self.streak.saturating_add(1) } else { 0 };
        self.titled |= announced && (self.streak == self.met || self.streak >= 3);
    }
}

/// Shells held. No person finds the way back through as many, and each of them costs something with each prompt.
const HELD: usize = 32;

/// Shells that were left, as far as they are remembered.
const GONE: usize = 32;

/// The shells and REPLs that the session is in, the outermost first.
#[derive(Default)]
pub(super) struct Stack {
    levels: Vec<Level>,
    /// Shells farther out than those held.
    beyond: u64,
    /// Prompts of shells that seemed to have ended. One that is announced as before has not.
    gone: Vec<Identity>,
    /// Levels looked at in search of one, so far.
    looked: Cell<u64>,
}

impl Stack {
    pub(super) fn is_empty(&self) -> bool {
        self.levels.is_empty()
    }

    pub(super) fn last(&self) -> Option<&Level> {
        self.levels.last()
    }

    pub(super) fn last_mut(&mut self) -> Option<&mut Level> {
        self.levels.last_mut()
    }

    /// All that are held, the innermost first.
    pub(super) fn all(&self) -> impl Iterator<Item = &Level> {
        self.levels.iter().rev().inspect(|_| self.looked.set(self.looked.get() + 1))
    }

    /// Those around the innermost, the nearest first.
    pub(super) fn around(&self) -> impl Iterator<Item = &Level> {
        self.all().skip(1)
    }

    /// Shells that a command typed now has around it.
    pub(super) fn depth(&self) -> u16 {
        let held = self.all().filter(|it| it.reads != Reads::Repl).count() as u64;
        u16::try_from(self.beyond.saturating_add(held).saturating_sub(1)).unwrap_or(u16::MAX)
    }

    /// Whether the innermost reads for a program that is no shell.
    pub(super) fn in_a_repl(&self) -> bool {
        self.last().is_some_and(|it| it.reads == Reads::Repl)
    }

    /// Whether a shell with such a prompt was left.
    pub(super) fn has_left(&self, identity: &Identity) -> bool {
        self.gone.contains(identity)
    }

    /// Whether the innermost shell shows this prompt as it was.
    pub(super) fn shows_again(&self, shown: &ShownPrompt) -> bool {
        self.last().is_some_and(|top| top.prompt == *shown)
    }

    /// Moves to the shell that shows this prompt behind the `last` command, which may have led there by `change`; says what that move is
    /// worth.
    pub(super) fn move_to(
        &mut self,
        shown: &ShownPrompt,
        change: Option<ShellChange>,
        last: Option<&str>,
    ) -> Evidence {
        let reads = self.reads_behind(shown, change);
        let identity = shown.identity();
        let fits =
            |it: &Level| it.identity == identity && it.prompt.rows_before == shown.rows_before;
        let new_level = || {
            let other =
                change == Some(ShellChange::Shell) && last.is_some_and(shell::names_another_shell);
            Level::new(shown, identity.clone(), reads, other)
        };
        if self.is_empty() {
            self.push(new_level());
            return weights::FIRST;
        }
        let top_fits = self.last().is_some_and(fits);
        if top_fits && change != Some(ShellChange::Leave) {
            // `bash` in bash shows the same prompt one level deeper.
            if change == Some(ShellChange::Shell)
                && last.is_some_and(opens_silently)
                && reads == Reads::Shell
            {
                self.push(new_level());
            } else if let Some(top) = self.last_mut() {
                top.show(shown);
            }
            return weights::THIS_SHELL;
        }
        let found = self.around().position(fits);
        match (change, found) {
            (Some(ShellChange::Leave), Some(at)) => {
                self.leave(at + 1);
                weights::AROUND
            }
            (Some(ShellChange::Leave), None) if top_fits => {
                self.leave_beyond(reads);
                weights::THIS_SHELL
            }
            (Some(ShellChange::Leave), None) => {
                self.leave_one(reads);
                self.replace_top(new_level());
                weights::NEW_AFTER_END
            }
            (Some(ShellChange::Shell | ShellChange::Repl), Some(at)) => {
                // The program failed, or ended at once, or was left by a key.
                self.leave(at + 1);
                weights::OPENED
            }
            (Some(ShellChange::Shell | ShellChange::Repl), None) => {
                self.push(new_level());
                weights::OPENED
            }
            (Some(ShellChange::Prompt), _) => {
                self.replace_top(new_level());
                weights::SET
            }
            (None, Some(at)) => {
                self.leave(at + 1);
                weights::AROUND_UNEXPLAINED
            }
            (None, None) => {
                let new = new_level();
                let same_place = self.last().is_some_and(|it| {
                    it.user == new.user && it.host == new.host && it.reads == reads
                });
                self.replace_top(new);
                if same_place { weights::NEW } else { weights::NEW_ELSEWHERE }
            }
        }
    }

    /// What asks behind this prompt. What asks first after a program that is no shell is that program, until it shows the prompt of a
    /// shell.
    fn reads_behind(&self, shown: &ShownPrompt, change: Option<ShellChange>) -> Reads {
        let inside =
            self.in_a_repl() && self.last().is_some_and(|it| it.prompt.marked == shown.marked);
        let asks = change == Some(ShellChange::Repl) || inside && change.is_none();
        let asks = if asks { Reads::Repl } else { Reads::Shell };
        let shape = shown.shape.as_ref().filter(|it| it.strong || it.reads == Reads::Repl);
        shape.map_or(asks, |it| it.reads)
    }

    /// So many of the innermost shells have ended, as far as we can see.
    fn leave(&mut self, many: usize) {
        for level in self.levels.drain(self.levels.len().saturating_sub(many)..) {
            if self.gone.len() < GONE && !self.gone.contains(&level.identity) {
                self.gone.push(level.identity);
            }
        }
    }

    fn replace_top(&mut self, level: Level) {
        if let Some(top) = self.last_mut() {
            top.give_way(level);
        }
    }

    fn push(&mut self, level: Level) {
        if self.levels.len() >= HELD {
            let outermost = self.levels.remove(0);
            self.beyond += u64::from(outermost.reads != Reads::Repl);
        }
        self.levels.push(level);
    }

    /// The innermost has ended, and a prompt of another one followed that is not held.
    fn leave_one(&mut self, into: Reads) {
        if self.levels.len() > 1 {
            self.levels.pop();
        } else {
            self.leave_beyond(into);
        }
    }

    /// The last one that is held has ended: one of those that are but a number, or a REPL, which none of them is, is
    /// the innermost now.
    fn leave_beyond(&mut self, into: Reads) {
        if self.levels.len() == 1 && into != Reads::Repl {
            self.beyond = self.beyond.saturating_sub(1);
        }
    }
}

/// Programs that start a shell with the prompt of the one around it.
fn opens_silently(text: &str) -> bool {
    let first = text.split_whitespace().find(|it| *it != "sudo" && !it.starts_with('-'));
    matches!(first, Some("bash" | "sh" | "zsh" | "fish" | "dash" | "ksh" | "/bin/bash" | "/bin/sh"))
}

#[cfg(test)]
mod tests {
    use super::HELD;
    use crate::transcript::commands::Command;
    use crate::transcript::commands::CommandReader;
    use crate::transcript::screen::Screen;
    use crate::transcript::testing::check;
    use crate::transcript::wire::RawLine;

    /// Reads the lines so many times over: the commands, and how many shells were looked at in each quarter.
    fn read(lines: &[&str], times: usize) -> (Vec<Command>, Vec<u64>) {
        let (mut screen, mut reader) = (Screen::default(), CommandReader::default());
        let (mut commands, mut looked, mut at) = (Vec::new(), vec![0], 0);
        for quarter in 0..4 {
            for it in lines.repeat(times / 4) {
                let to = at + it.len() as u64 + 2;
                let raw = RawLine { bytes: it.as_bytes(), crs: 1, ended: true, from: at, to };
                if !screen.plain(raw) {
                    screen.line(raw);
                }
                at = to;
            }
            commands.extend(reader.window(&screen.take(), quarter == 3));
            looked.push(reader.walk.known.stack.looked.get());
        }
        (commands, looked.windows(2).map(|it| it[1] - it[0]).collect())
    }

    #[test]
    fn a_shell_costs_as_much_in_the_deepest_shell_as_in_the_thousandth() {
        let kinds: [(usize, &[&str]); 5] = [
            (40_000, &["sh-4.2$ bash"]),
            (4000, &["sh-4.2$ sudo su -", "[root@h ~]# bash"]),
            (4000, &["\x1b[?2004hsh-5.2$ bash", "\x1b[?2004l\r"]),
            (4000, &["sh-4.2$ python3", ">>> 1"]),
            // What follows may be the prompt of any shell around, and is none.
            (4000, &["sh-4.2$ bash", "sh-4.2$ bash", "[a@h ~]$ bash", "my> prompt> bash"]),
        ];
        for (times, kind) in kinds {
            let (_, looked) = read(kind, times);
            assert_eq!(looked[1], looked[3], "{kind:?}");
        }
    }

    #[test]
    fn the_depth_of_a_command_is_exact_where_shells_are_but_a_number() {
        let deep = HELD * 3;
        let lines = [vec!["sh-4.2$ bash"; deep], ["sh-4.2$ exit", "exit"].repeat(deep)].concat();
        let (commands, _) = read(&lines, 4);
        let depths: Vec<usize> = commands.iter().map(|it| usize::from(it.depth)).collect();
        let there_and_back: Vec<usize> = (0..deep).chain((1..=deep).rev()).collect();
        assert_eq!(depths, there_and_back.repeat(4));
    }

    #[test]
    fn a_command_in_more_shells_than_can_be_told_is_in_the_most_that_can() {
        let (commands, _) = read(&["sh-4.2$ bash"], 66_000);
        assert_eq!(commands.last().map(|it| it.depth), Some(u16::MAX));
    }

    /// ssh says that it ended, and nobody typed `exit`.
    #[test]
    fn a_shell_that_was_lost_gives_way_to_the_one_around_it() {
        for end in [
            "Connection to db closed by remote host.\nConnection to db closed.",
            "client_loop: send disconnect: Broken pipe",
        ] {
            check(&format!(
                "
␛]0;dana@h:~␇[dana@h ~]$ ssh db
// shell: ssh db
␛]0;dana@db:~␇[dana@db ~]$ sudo reboot
// shell: sudo reboot
{end}
␛]0;dana@h:~␇[dana@h ~]$ id
// shell: id
uid=0
␛]0;dana@h:~␇[dana@h ~]$ ssh db
// shell: ssh db
␛]0;dana@db:~␇[dana@db ~]$ w
// shell: w
"
            ));
        }
    }

    #[test]
    fn what_a_program_asks_first_is_no_shell() {
        check(
            "
␛[?2004hroot@h:/srv# lua
// shell: lua
␛[?2004l␍Lua 5.4
␛[?2004h> print(1)
// repl: print(1)
␛[?2004l␍1
␛[?2004h> os.exit()
// repl: os.exit()
␛[?2004l␍␛[?2004hroot@h:/srv# id
// shell: id
␛[?2004l␍x
",
        );
    }
}
