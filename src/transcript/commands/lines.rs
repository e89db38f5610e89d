//! Lines of shells that set no marks: which go on with the current command, which are output, and which may begin with a prompt.

use std::sync::Arc;

use crate::transcript::commands::command::Command;
use crate::transcript::commands::command::CommandKind;
use crate::transcript::commands::command::JUDGED_BYTES;
use crate::transcript::commands::context::LineContext;
use crate::transcript::commands::context::LineReading;
use crate::transcript::commands::context::PromptClues;
use crate::transcript::commands::context::RegionContext;
use crate::transcript::commands::context::ShownPrompt;
use crate::transcript::commands::region_rows::low_byte;
use crate::transcript::commands::repeats;
use crate::transcript::commands::repeats::paint_of;
use crate::transcript::commands::signs;
use crate::transcript::commands::walk::Walk;
use crate::transcript::commands::weights;
use crate::transcript::prompt;
use crate::transcript::prompt::Reads;
use crate::transcript::prompt::Shape;
use crate::transcript::screen::Drawn;
use crate::transcript::screen::Item;
use crate::transcript::screen::Line;
use crate::transcript::screen::RegionEnd;
use crate::transcript::screen::bits;
use crate::transcript::shell;
use crate::transcript::shell::ShellChange;

/// Lines with anything in them among which the session's first prompt is looked for.
const FIRST_LINES: u64 = 40;

impl Walk {
    /// Reads a line, of whatever kind.
    #[inline]
    pub(super) fn line(&mut self, drawn: &Drawn, index: u32, nth: usize) {
        let line = &drawn.lines[index as usize];
        if line.bits & bits::SCREEN != 0 && self.in_panes() {
            self.pane_row(drawn, index);
        }
        if line.bits & bits::TAKEN_BACK != 0 {
            self.taken_back(drawn, index);
        }
        if line.bits & (bits::INPUT | bits::OVERWRITTEN) != 0 {
            return;
        }
        if line.bits & bits::SCREEN != 0 {
            self.pending.output();
            self.covered_row(drawn, index);
            return;
        }
        self.plain_line(LineContext::of(drawn, index, nth));
    }

    /// A line that was left in a walk through the history. What a program prints can look like it, so it is not lost.
    fn taken_back(&mut self, drawn: &Drawn, index: u32) {
        let Some(top) = self.known.stack.last() else { return };
        let prompt = top.prompt.clone();
        if !prompt.text.trim().is_empty()
            && let Some(body) = drawn.line_text(index).strip_prefix(&*prompt.text)
        {
            let evidence = vec![weights::TAKEN_BACK];
            let at = LineContext::of(drawn, index, usize::MAX);
            self.possible(at, LineReading { prompt, body, evidence });
        }
    }

    /// Lines between marks that no line editor of this session has set: as if the marks were not there.
    pub(super) fn between_printed_marks(&mut self, at: RegionContext<'_>) {
        self.pending.output();
        let RegionContext { drawn, region } = at;
        // The first row of one that was entered is possible already.
        let first = region.lines.start + u32::from(region.end == RegionEnd::Accepted);
        for index in first..region.lines.end {
            if drawn.lines[index as usize].bits & (bits::SCREEN | bits::OVERWRITTEN) == 0 {
                self.plain_line(LineContext::of(drawn, index, usize::MAX));
            }
        }
    }

    fn plain_line(&mut self, at: LineContext<'_>) {
        let (line, text) = (at.line, at.text);
        if self.known.after.jobs > 0 && signs::is_job_notice(text) && !text.contains("Stopped") {
            self.known.after.jobs -= 1;
        }
        // Nearly all lines end in something else.
        if matches!(text.as_bytes().last(), Some(b':' | b' ' | 0x80..))
            && signs::asks_for_a_secret(text)
        {
            self.gaps.unseen.count(line.from);
        }
        if line.bits & bits::PASTED != 0 && self.pasted_line(at)
            || line.bits & bits::ABSOLUTE != 0 && self.may_ask(line) && self.drawn_by_repl(at)
        {
            return;
        }
        if self.known.stack.is_empty() {
            let early = self.gaps.unknown.many() < FIRST_LINES;
            self.nothing_is_known(line, text);
            if !early {
                self.pending.output();
                return;
            }
        }
        let top_marked = self.known.stack.last().is_some_and(|it| it.prompt.marked);
        if top_marked && self.known.after.may_change.is_none() && !self.known.stack.in_a_repl() {
            self.pending.output();
            self.unopened(at);
        } else if self.is_mere_output(line, text) {
            self.pending.output();
        } else if self.plain(at) {
            self.last_line.title_due = false;
        } else {
            self.plain_output(at);
        }
    }

    /// A further line of a block that was pasted. Output can show such a block too: it continues a command that nothing was printed after.
    fn pasted_line(&mut self, at: LineContext<'_>) -> bool {
        let Some(current) = self.pending.silent() else { return false };
        if shell::is_open(prompt::head(&current.command.text, JUDGED_BYTES)) {
            self.extend(at.text, at.line.to, false);
        } else if !at.text.trim().is_empty() {
            let next = Command {
                text: at.text.trim_end().to_owned(),
                from: at.line.from,
                to: at.line.to,
                line: u64::from(at.index) + self.lines_before,
                ..current.command.clone()
            };
            let marked = current.marked;
            self.begin(next, marked);
        }
        true
    }

    /// A line of output in which no prompt was found, though one was looked for.
    fn plain_output(&mut self, at: LineContext<'_>) {
        let (line, text) = (at.line, at.text);
        self.last_line.title_due = signs::is_announced(line) && signs::is_job_notice(text);
        if at.edited && signs::went_back(line) && !self.streamed {
            self.gaps.unread.count(line.from);
        }
        self.pending.output();
        let after = &mut self.known.after;
        if let Some(current) = &mut self.pending.current
            && after.jobs == 0
            && signs::looks_like_a_prompt(text)
        {
            current.decoys = current.decoys.saturating_add(1);
        }
        if signs::says_farewell(text) && !after.prints {
            after.may_change.get_or_insert(ShellChange::Leave);
        }
    }

    /// Counts a line with anything in it while no shell is known.
    pub(super) fn nothing_is_known(&mut self, line: &Line, text: &str) {
        if text.bytes().any(|it| !it.is_ascii_whitespace()) {
            self.gaps.unknown.count(line.from);
        }
    }

    /// A line in the output of a shell that sets marks may be the prompt of one that sets none: something unknown opened another shell, or
    /// this one lost its marks.
    fn unopened(&mut self, at: LineContext<'_>) {
        let text = at.text;
        let Some(top) = self.known.stack.last().filter(|_| !self.known.after.prints) else {
            return;
        };
        let (prompt, is_own) = if top.begins(text) {
            (top.prompt.clone(), true)
        } else {
            let shape = prompt::known(text).filter(|it| {
                it.is_of_a_shell()
                    && (it.user.is_some() || shell::begins_with_a_command(&text[it.end..]))
            });
            let Some(shape) = shape else { return };
            let prompt = ShownPrompt::plain(Arc::from(&text[..shape.end]), Some(shape));
            let is_own = prompt.identity() == top.identity;
            (prompt, is_own)
        };
        let body = &text[prompt.text.len()..];
        let why = if is_own { weights::UNMARKED } else { weights::UNOPENED };
        self.possible(at, LineReading { prompt, body, evidence: vec![weights::KNOWN_SHAPE, why] });
    }

    /// Any program can place its text by columns; one that was opened to be asked, or that draws with each key, is asked.
    fn may_ask(&self, line: &Line) -> bool {
        self.known.after.may_change == Some(ShellChange::Repl)
            || self.known.stack.in_a_repl()
            || line.bits & bits::ABSOLUTE_KEYS != 0 && !self.known.after.prints
    }

    /// A line of a program that draws its own lines and says with each where its prompt ends.
    fn drawn_by_repl(&mut self, at: LineContext<'_>) -> bool {
        let (line, text) = (at.line, at.text);
        let Some(end) = low_byte(line, text, 0).filter(|end| !text[..*end].trim().is_empty())
        else {
            return false;
        };
        let (shown, body) = (&text[..end], text[end..].trim_end());
        if self.continues(shown, false) {
            self.extend(body, line.to, false);
            return true;
        }
        if let Some(current) = self.pending.current.as_mut().filter(|it| {
            line.bits & bits::AGAIN != 0
                && it.command.kind == CommandKind::Repl
                && &*it.command.prompt == shown
        }) {
            body.clone_into(&mut current.command.text);
            current.command.to = line.to;
            current.outputs = 0;
            return true;
        }
        if !self.known.stack.in_a_repl() {
            self.known.after.may_change = Some(ShellChange::Repl);
        }
        let prompt = ShownPrompt::plain(Arc::from(shown), Some(Shape::of_repl(end)));
        let evidence = vec![weights::GOES_BACK];
        self.accept(LineContext { edited: true, ..at }, LineReading { prompt, body, evidence })
    }

    /// Whether the line lacks whatever [`Self::plain`] asks of a line. Nearly all lines of output are turned away here,
    /// by a scan for one sign.
    fn is_mere_output(&self, line: &Line, text: &str) -> bool {
        let Some(top) = self.known.stack.last() else { return false };
        let Some(sign) = signs::sign_of(&top.prompt.text) else { return false };
        let quiet = !self.last_line.bell
            && !self.last_line.title_due
            && self.last_line.margin.is_none()
            && self.known.after.may_change.is_none()
            && top.reads != Reads::Repl
            && self.pending.current.as_ref().is_some_and(|it| it.outputs > 0);
        quiet
            && line.bits & (bits::EDITED | bits::ASKED) == 0
            && line.title_col == 0
            && !signs::has(text, sign)
            && !prompt::may_be_known(text.trim_start().as_bytes())
            && !signs::says_farewell(text)
    }

    /// Reads a line of a shell without marks. `false` if it is output.
    fn plain(&mut self, at: LineContext<'_>) -> bool {
        let line = at.line;
        let heralded =
            !signs::is_announced(line) && self.known.lessons.is_heralded(at.drawn, at.nth);
        let titled = signs::is_announced(line) || self.last_line.title_due || heralded;
        let start = match line.title_col {
            2.. => prompt::byte_of_column(at.text, line.title_col as usize - 1),
            _ => 0,
        };
        let rest = &at.text[start..];
        if self.drawn_again(at) || self.goes_on_at_the_margin(at) || self.asks_for_more(at, rest) {
            return true;
        }
        let clues = self.clues(at, start, titled);
        if self.known.stack.is_empty()
            && (!at.edited && self.known.lessons.is_a_herald(at.text) || self.is_banner(at, &clues))
        {
            // The upper line of the first prompt, or what stands above it.
            return false;
        }
        if let Some(top) = self.known.stack.last().filter(|it| !it.prompt.marked && at.edited)
            && signs::searched(rest).is_some()
        {
            let shown = Arc::clone(&top.prompt.text);
            let shape = prompt::known(&shown);
            let prompt = ShownPrompt::plain(shown, shape);
            let evidence = vec![weights::SEARCHED];
            return self.accept(at, LineReading { prompt, body: rest, evidence });
        }
        let Some(found) = self.known.plain_prompt(&clues) else { return self.inside(at) };
        let shown = self.known.shared(&rest[..found.end.min(rest.len())]);
        let prompt = ShownPrompt::plain(shown, found.shape);
        let body = rest.get(found.end..).unwrap_or_default();
        self.accept(at, LineReading { prompt, body, evidence: found.evidence })
    }

    /// The current command once more: a line that was broken off by a list of completions, or that is longer than a streamed line.
    fn drawn_again(&mut self, at: LineContext<'_>) -> bool {
        if !self.last_line.bell && !self.streamed {
            return false;
        }
        let (line, text) = (at.line, at.text);
        let Some(current) = &mut self.pending.current else { return false };
        let Some(whole) = text.strip_prefix(&*current.command.prompt) else { return false };
        let before = current.command.text.as_str();
        if self.last_line.bell
            && !current.marked
            && current.outputs > 0
            && whole.starts_with(before)
        {
            // The line was not run but broken off by a list of completions, and is drawn again.
            current.redraw(whole.trim_end(), line.to);
            current.outputs = 0;
            self.last_line.bell = line.bits & bits::BELL != 0;
            self.known.after.may_change = shell::change(whole);
            self.known.after.last = Some(whole.trim_end().to_owned());
            return true;
        }
        if self.streamed
            && current.outputs == 0
            && before.len() >= 20
            && whole.starts_with(prompt::head(before, before.len() - 1))
        {
            // A line longer than the window is drawn anew, in more than one streamed line.
            current.redraw(whole.trim_end(), line.to);
            current.command.damaged = true;
            self.known.after.last = Some(prompt::head(whole.trim_end(), JUDGED_BYTES).to_owned());
            return true;
        }
        false
    }

    /// BusyBox breaks a long line with a plain CR LF at the margin, and goes on.
    fn goes_on_at_the_margin(&mut self, at: LineContext<'_>) -> bool {
        let Some(columns) = self.last_line.margin.take() else { return false };
        if let Some(current) = &mut self.pending.current {
            current.command.text.push_str(at.text);
            current.command.to = current.command.to.max(at.line.to);
            if current.command.kind == CommandKind::Shell {
                let last = prompt::head(&current.command.text, JUDGED_BYTES);
                self.known.after.last = Some(last.to_owned());
            }
            let full = at.text.chars().count() >= columns;
            self.last_line.margin = full.then_some(columns);
        }
        true
    }

    /// A further line of the current command, behind a prompt that asks for more.
    fn asks_for_more(&mut self, at: LineContext<'_>, rest: &str) -> bool {
        if self.pending.silent().is_some_and(|it| !it.marked)
            && let Some(end) = signs::continuation_end(rest)
            && self.continues(&rest[..end], false)
        {
            let (body, broken_off) = signs::interrupted(&rest[end..]);
            self.extend(body, at.line.to, broken_off);
            return true;
        }
        false
    }

    /// What the line says of where its prompt may end, from the byte `start` on. The window's lines are read for what they repeat, once,
    /// where a prompt that is not known may stand in this one.
    fn clues<'a>(&mut self, at: LineContext<'a>, start: usize, titled: bool) -> PromptClues<'a> {
        let (line, text) = (at.line, &at.text[start..]);
        let known = &mut self.known;
        let shape = known.shape_of(text);
        let may_be_new = known.stack.is_empty()
            || matches!(known.after.may_change, Some(ShellChange::Shell | ShellChange::Prompt))
            || known.repeats.believes_any() && !known.is_own_again(text);
        if may_be_new && !known.repeats.has_read() && repeats::may_begin(line, text, shape.as_ref())
        {
            known.repeats.read(at.drawn);
        }
        let paint = if known.repeats.has_read() { paint_of(line, at.text) } else { None };
        let current = self.pending.current.as_ref();
        PromptClues {
            text,
            index: at.index,
            paint: paint.and_then(|it| it.checked_sub(start)),
            low: low_byte(line, at.text, 0).map(|it| it.saturating_sub(start)),
            shape,
            edited: at.edited,
            titled,
            crs: line.crs,
            outputs: current.map_or(0, |it| it.outputs),
            decoys: current.map_or(0, |it| it.decoys),
        }
    }

    /// Whether the session's first prompt comes with marks below this line, and nothing says that this one begins with a prompt too.
    fn is_banner(&self, at: LineContext<'_>, clues: &PromptClues<'_>) -> bool {
        !(at.edited && signs::went_back(at.line))
            && starts_with_region(at)
            && !clues.shape.as_ref().is_some_and(Shape::is_of_a_shell)
            && self.known.repeats.prompt_end(clues, false).is_none_or(|it| {
                it.1.weight < weights::TWO_NAMED.weight && self.known.repeats.ends.0 != at.index
            })
    }

    /// A prompt that follows output without a newline.
    fn inside(&mut self, at: LineContext<'_>) -> bool {
        let (line, text) = (at.line, at.text);
        let Some(top) = self.known.stack.last() else { return false };
        let shown = top.prompt.text.clone();
        if top.prompt.marked || shown.len() < 2 || text.len() > 4096 {
            return false;
        }
        // BusyBox asks where the cursor stands right behind its prompt.
        let asked = low_byte(line, text, 0).filter(|end| {
            top.habits.titled
                && line.bits & bits::ASKED != 0
                && text[..*end].ends_with(&*shown)
                && *end > shown.len()
        });
        let found = asked.map(|it| it - shown.len()).or_else(|| text.find(&*shown));
        let Some(start) = found.filter(|it| *it > 0) else { return false };
        let body = &text[start + shown.len()..];
        // A sign and a blank stand in any output: nothing may have been printed yet, by what need not end a line, and a command must follow.
        let short = shown.trim_end().len() < 5;
        let follows = self
            .pending
            .silent()
            .is_some_and(|it| shell::may_leave_a_line_open(prompt::head(&it.command.text, 4096)));
        if short && asked.is_none() && !(follows && shell::begins_with_a_command(body)) {
            return false;
        }
        let printed = self.known.after.prints && !at.edited && !body.is_empty();
        if asked.is_none() && (top.habits.titled || printed && start > 40) {
            return false;
        }
        let prompt = ShownPrompt::plain(shown, prompt::known(&text[start..]));
        let evidence = vec![weights::BEHIND_OUTPUT];
        self.accept(LineContext { nth: usize::MAX, ..at }, LineReading { prompt, body, evidence })
    }
}

/// Whether an input region follows soon: lines before it are a banner.
fn starts_with_region(at: LineContext<'_>) -> bool {
    let behind = at.drawn.items.get(at.nth..).unwrap_or_default();
    behind
        .iter()
        .take(40)
        .any(|it| matches!(it, Item::Region(it) if at.drawn.regions[*it as usize].genuine))
}

#[cfg(test)]
mod tests {
    use crate::transcript::testing::check;

    /// apt counts as zsh prompts, and a printed script has comments.
    #[test]
    fn what_a_piped_shell_prints_is_no_prompt() {
        check(
            "
[dana@h ~]$ curl -s get.example | sudo bash
//          ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ shell
# This script installs it.
0% [Working]
0% [Waiting for headers]
# done
[dana@h ~]$ id
//          ^^ shell
uid=0
",
        );
    }

    /// Whoever prints the mark of a line editor hides nothing that is typed behind it.
    #[test]
    fn a_mark_that_was_printed_hides_nothing_that_is_typed_later() {
        check(
            "
sh-4.2$ cat motd
//      ^^^^^^^^ shell
␛[?2004hsh-4.2$ rm -rf /srv
// shell: rm -rf /srv
sh-4.2$ id
//      ^^ shell
uid=0
sh-4.2$ w
//      ^ shell
",
        );
    }

    /// Every line ends in an empty one.
    #[test]
    fn an_empty_line_in_a_command_makes_no_later_one_doubtful() {
        check(
            "
[dana@h ~]$ echo \"dear
> 
> all\"
// shell: echo \"dear␊␊all\"
dear

all
[dana@h ~]$ jobs
//          ^^^^ shell
[dana@h ~]$ pwd
//          ^^^ shell
/srv
",
        );
    }

    #[test]
    fn what_a_job_writes_behind_a_prompt_is_not_typed() {
        check(
            "
sh-4.2$ (sleep 1; ./report) &
//      ^^^^^^^^^^^^^^^^^^^^^ shell
[1] 35
sh-4.2$ 12 rows done
//      ^^^^^^^^^^^^ possible
ls
x
sh-4.2$ id
//      ^^ shell
",
        );
    }
}
