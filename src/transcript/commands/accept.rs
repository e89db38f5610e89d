//! A prompt was found in a line without marks: whether it is believed, and the command that begins behind it.

use std::sync::Arc;

use crate::transcript::commands::command::CommandKind;
use crate::transcript::commands::command::JUDGED_BYTES;
use crate::transcript::commands::context::LineContext;
use crate::transcript::commands::context::LineReading;
use crate::transcript::commands::context::ShownPrompt;
use crate::transcript::commands::signs;
use crate::transcript::commands::walk::Walk;
use crate::transcript::commands::weights;
use crate::transcript::prompt;
use crate::transcript::prompt::Reads;
use crate::transcript::screen::Item;
use crate::transcript::screen::bits;
use crate::transcript::shell;
use crate::transcript::shell::ShellChange;

/// Prompts in a row without what this shell sends before each, until it is thought to send it no more.
const UNTITLED: u32 = 2;

impl LineReading<'_> {
    /// The prompt becomes whole: it gets its last blank, and whatever the line shows of it once more.
    fn complete_prompt(&mut self) {
        let shown = &mut self.prompt.text;
        if self.prompt.shape.is_none()
            && !shown.is_empty()
            && !shown.ends_with(char::is_whitespace)
            && let Some(rest) = self.body.strip_prefix(' ').filter(|it| !it.starts_with(' '))
        {
            // It was met alone on a row first, where its last blank is not seen.
            (*shown, self.body) = (Arc::from(format!("{shown} ")), rest);
        }
        // The first window-size message makes the shell draw its prompt twice; a streamed copy shows both.
        while shown.len() > 2
            && let Some(rest) = self.body.strip_prefix(&**shown)
        {
            self.body = rest;
        }
    }
}

impl Walk {
    /// Begins a command, if what speaks for it is enough; `false` if it is merely possible.
    pub(super) fn accept(&mut self, at: LineContext<'_>, mut it: LineReading<'_>) -> bool {
        let line = at.line;
        it.complete_prompt();
        self.weigh_surroundings(at, &mut it);
        if weights::sum(&it.evidence) < weights::FLOOR {
            let is_untitled = it.evidence.iter().any(|it| it.is(weights::UNANNOUNCED));
            if is_untitled && (!self.known.after.prints || at.edited) {
                self.came_untitled(&it.prompt);
            }
            self.possible(at, it);
            return false;
        }
        if it.evidence.iter().any(|it| it.is(weights::TWO_NAMED)) {
            self.known.repeats.believe(&it.prompt.text);
        }
        it.evidence.push(self.known.settle(&it.prompt));
        self.meet_level(at, it.body);
        let crs = self.known.stack.last().and_then(|it| it.habits.crs);
        let broken =
            it.body.len() + it.prompt.text.len() >= 60 && crs.is_some_and(|it| line.crs == it + 1);
        self.last_line.margin = broken.then(|| at.drawn.line_text(at.index).chars().count());
        let body = if broken { it.body } else { it.body.trim_end() };
        let (body, broken_off) = signs::interrupted(signs::searched(body).unwrap_or(body));
        let cut_off = line.bits & bits::UNFINISHED != 0 && !body.is_empty();
        let kind = if cut_off || broken_off {
            CommandKind::Abandoned
        } else if self.known.stack.in_a_repl() {
            CommandKind::Repl
        } else {
            CommandKind::Shell
        };
        self.last_line.bell = line.bits & bits::BELL != 0;
        if self.left_by_key(at, body) {
            self.pending.close();
            self.known.after.may_change = Some(ShellChange::Leave);
            return true;
        }
        // Streaming loses the CR that goes back to where no prompt stands.
        let bare = self.streamed && at.edited && it.prompt.text.is_empty();
        let mut place = at.place();
        place.damaged |= bare;
        let mut command = self.command(kind, body.to_owned(), &it.prompt, it.evidence, place);
        if self.known.lessons.explains {
            let text = at.drawn.line_text(at.index);
            let text = &text[text.find(&*command.prompt).unwrap_or(0)..];
            let found = prompt::candidates(text);
            command.runner_up = self.known.lessons.runner_up(0, text, &found, command.prompt.len());
        }
        self.begin(command, false);
        if let Some(current) = self.pending.current.as_mut() {
            current.caret = broken_off;
        }
        true
    }

    /// What the line itself and those around it say for and against a command.
    fn weigh_surroundings(&self, at: LineContext<'_>, it: &mut LineReading<'_>) {
        let (body, evidence) = (it.body, &mut it.evidence);
        let is_bare = || body.trim().is_empty();
        evidence.extend(at.edited.then_some(weights::EDITED));
        let echoes = !at.edited && self.echoes(at) && !is_bare();
        evidence.extend(echoes.then_some(weights::ECHOES));
        let job_wrote =
            self.known.after.jobs > 0 && !at.edited && !is_bare() && !shell::looks_typed(body);
        evidence.extend(job_wrote.then_some(weights::JOB_WROTE));
        evidence.extend(self.in_one_burst(at).then_some(weights::ONE_BURST));
        let opens = signs::next_is_announced(at.drawn, at.nth)
            && shell::change(body) == Some(ShellChange::Shell);
        evidence.extend(opens.then_some(weights::NEXT_OPENED));
    }

    /// Whether the line ends in one of the further lines of the current command.
    fn echoes(&self, at: LineContext<'_>) -> bool {
        self.pending.current.as_ref().is_some_and(|it| {
            prompt::head(&it.command.text, JUDGED_BYTES).lines().skip(1).any(|typed| {
                typed.trim().len() > 1 && at.drawn.line_text(at.index).ends_with(typed)
            })
        })
    }

    /// Whether the line came in one event with the command that prints what others wrote. People need longer
    /// than that for the next command.
    fn in_one_burst(&self, at: LineContext<'_>) -> bool {
        self.streamed
            && self.known.after.prints
            && self.pending.current.as_ref().is_some_and(|it| it.command.to == at.line.to)
    }

    /// The innermost shell has shown its prompt once more, in this line.
    fn meet_level(&mut self, at: LineContext<'_>, body: &str) {
        // A title that names the command was set by the shell that ran it, not by the one it opened.
        let named = self.pending.silent().is_some_and(|it| it.named);
        // Lines above prompts add belief and take none away: any output may repeat itself there.
        let announced = !named && signs::is_announced(at.line);
        if let Some(level) = self.known.stack.last_mut() {
            level.habits.meet(announced);
            // Ctrl-C and the end of a session end a line otherwise than Enter does.
            let entered = at.line.bits & bits::UNFINISHED == 0 && !body.ends_with("^C");
            if level.habits.crs.is_none() && entered {
                level.habits.crs = Some(at.line.crs);
            }
        }
    }

    /// This shell's own prompt came without a title, and what a command prints is not edited: the second time in a row it is thought to
    /// send none any more.
    fn came_untitled(&mut self, shown: &ShownPrompt) {
        let Some(top) = self.known.stack.last_mut() else { return };
        let is_strong = shown.shape.as_ref().is_some_and(|it| it.strong);
        if is_strong || top.prompt.text == shown.text && top.is_long() {
            let it = &mut top.habits;
            it.untitled += 1;
            if it.untitled >= UNTITLED {
                (it.titled, it.untitled, it.streak) = (false, 0, 0);
            }
        }
    }

    /// A line of output that may have been typed.
    pub(super) fn possible(&mut self, at: LineContext<'_>, reading: LineReading<'_>) {
        let LineReading { prompt, body, evidence } = reading;
        self.keep_possible(body.trim_end().to_owned(), &prompt, evidence, at.place());
    }

    /// bash prints `exit` itself at Ctrl-D; a typed one is followed by the shell's own.
    fn left_by_key(&mut self, at: LineContext<'_>, body: &str) -> bool {
        if !matches!(body, "exit" | "logout") || at.nth == usize::MAX {
            return false;
        }
        let items = &at.drawn.items;
        let echoed = items[at.nth + 1..].iter().find_map(|it| match it {
            Item::Line(index) => {
                let next = at.drawn.line_text(*index).trim();
                Some(matches!(next, "exit" | "logout") || next.starts_with("There are "))
            }
            Item::Region(_) => Some(false),
            _ => None,
        });
        let echoed = echoed == Some(true);
        let asked = matches!(items[at.nth], Item::Line(it) if at.drawn.lines[it as usize].bits & bits::ASKED != 0);
        let Some(top) = self.known.stack.last_mut() else { return false };
        // Other shells print nothing at Ctrl-D: what stands there was typed.
        let shown = top.prompt.text.contains("sh-") || top.habits.titled || top.user.is_some();
        let bash = top.habits.says_exit || shown && !asked && !top.is_no_bash;
        top.habits.says_exit |= echoed;
        bash && !echoed && top.reads == Reads::Shell && at.nth + 1 < items.len()
    }
}

#[cfg(test)]
mod tests {
    use crate::transcript::testing::check;

    #[test]
    fn a_line_that_ends_in_signs_like_ctrl_c_and_prints_something_may_have_run() {
        check(
            "
[root@h ~]# id
//          ^^ shell
uid=0
[root@h ~]# cat /etc/shadow #^C
//          ^^^^^^^^^^^^^^^^^ unconfirmed
root:!:19000::
[root@h ~]# rm -rf /srv^C
//          ^^^^^^^^^^^ abandoned
[root@h ~]# exit
//          ^^^^ shell
",
        );
    }

    /// A shell of Alpine prints no `exit`; one that bash printed would be no command.
    #[test]
    fn shells_that_print_no_exit_were_left_by_typing_it() {
        check(
            "
sh-4.2$ sudo chroot /srv /bin/ash
//      ^^^^^^^^^^^^^^^^^^^^^^^^^ shell
/ # ␛[6nid
// shell: id
uid=0
/ # ␛[6nexit
// shell: exit
sh-4.2$ id
//      ^^ shell
",
        );
    }
}
