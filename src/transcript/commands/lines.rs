//! Lines of shells that set no marks: whether this shell may show a prompt here, where it ends, and how sure that is.

use std::sync::Arc;

use crate::transcript::commands::Command;
use crate::transcript::commands::EVIDENCE;
use crate::transcript::commands::Evidence;
use crate::transcript::commands::JUDGED_BYTES;
use crate::transcript::commands::Kind;
use crate::transcript::commands::Reader;
use crate::transcript::commands::Split;
use crate::transcript::commands::regions::low_byte;
use crate::transcript::commands::repeats;
use crate::transcript::commands::repeats::paint_of;
use crate::transcript::commands::searched;
use crate::transcript::commands::stack::Level;
use crate::transcript::commands::weights;
use crate::transcript::prompt;
use crate::transcript::prompt::Candidate;
use crate::transcript::prompt::Identity;
use crate::transcript::prompt::Reads;
use crate::transcript::prompt::Shape;
use crate::transcript::screen::Drawn;
use crate::transcript::screen::Item;
use crate::transcript::screen::Line;
use crate::transcript::screen::Region;
use crate::transcript::screen::RegionEnd;
use crate::transcript::screen::bits;
use crate::transcript::shell;
use crate::transcript::shell::Change;

/// Prompts in a row without what this shell sends before each, until it is thought to send it no more.
const UNTITLED: u32 = 2;

impl Reader {
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
            self.output();
            self.covered_row(drawn, index);
            return;
        }
        self.plain_line(drawn, index, nth);
    }

    /// A line that was left in a walk through the history. What a program prints can look like it, so it is not lost.
    fn taken_back(&mut self, drawn: &Drawn, index: u32) {
        let Some(top) = self.levels.last().filter(|it| !it.prompt.trim().is_empty()) else {
            return;
        };
        let (shown, shape) = (Arc::clone(&top.prompt), top.shape.clone());
        if let Some(body) = drawn.line_text(index).strip_prefix(&*shown) {
            let evidence = vec![weights::TAKEN_BACK];
            self.possible(drawn, index, &shown, body, shape.as_ref(), evidence);
        }
    }

    /// Lines between marks that no line editor of this session has set: as if the marks were not there.
    pub(super) fn between_printed_marks(&mut self, drawn: &Drawn, region: &Region) {
        // The first row of one that was entered is possible already.
        let first = region.lines.start + u32::from(region.end == RegionEnd::Accepted);
        for index in first..region.lines.end {
            if drawn.lines[index as usize].bits & (bits::SCREEN | bits::OVERWRITTEN) == 0 {
                self.plain_line(drawn, index, usize::MAX);
            }
        }
    }

    fn plain_line(&mut self, drawn: &Drawn, index: u32, nth: usize) {
        let line = &drawn.lines[index as usize];
        let mut text = drawn.line_text(index);
        if line.end_col > 0 {
            // Behind it stands a right-hand prompt.
            text = &text[..prompt::byte_of_column(text, line.end_col as usize)];
        }
        if self.jobs > 0 && is_job_notice(text) && !text.contains("Stopped") {
            self.jobs -= 1;
        }
        // Nearly all lines end in something else.
        if matches!(text.as_bytes().last(), Some(b':' | b' ' | 0x80..)) && asks_for_a_secret(text) {
            self.unseen_at(line.from);
        }
        // Output can show such a block too: it continues a command that nothing was printed after.
        let typed_on = self.current.as_ref().is_some_and(|it| it.outputs == 0);
        if line.bits & bits::PASTED != 0
            && typed_on
            && let Some(current) = &self.current
        {
            if shell::is_open(prompt::head(&current.command.text, JUDGED_BYTES)) {
                self.extend(text, line.to, Kind::Shell);
            } else if !text.trim().is_empty() {
                let next = Command {
                    text: text.trim_end().to_owned(),
                    from: line.from,
                    to: line.to,
                    line: u64::from(index) + self.lines_before,
                    ..current.command.clone()
                };
                let marked = current.marked;
                self.begin(next, marked);
            }
            return;
        }
        if line.bits & bits::ABSOLUTE != 0
            && self.may_ask(line)
            && self.drawn_by_repl(drawn, index, nth, text)
        {
            return;
        }
        if self.levels.is_empty() {
            let early = self.first_lines < 40;
            self.nothing_is_known(line, text);
            if !early {
                self.output();
                return;
            }
        }
        let top_marked = self.levels.last().is_some_and(|it| it.marked);
        let repl = self.levels.last().is_some_and(|it| it.reads == Reads::Repl);
        if top_marked && self.may_change.is_none() && !repl {
            self.output();
            self.unopened(drawn, index, text);
            return;
        }
        if self.is_mere_output(line, text) {
            self.output();
            return;
        }
        if self.plain(drawn, index, nth, text) {
            self.title_due = false;
            return;
        }
        self.title_due = is_announced(line) && is_job_notice(text);
        if line.bits & bits::EDITED != 0 && went_back(line) && !self.streamed {
            if self.unread.0 == 0 {
                self.unread.1 = line.from;
            }
            self.unread.0 += 1;
        }
        self.output();
        if let Some(current) = &mut self.current
            && self.jobs == 0
            && looks_like_a_prompt(text)
        {
            current.decoys = current.decoys.saturating_add(1);
        }
        let printed = self.prints;
        if says_farewell(text) && !printed {
            self.may_change.get_or_insert(Change::Leave);
        }
    }

    /// Counts a line with anything in it while no shell is known.
    pub(super) fn nothing_is_known(&mut self, line: &Line, text: &str) {
        if text.bytes().any(|it| !it.is_ascii_whitespace()) {
            if self.first_lines == 0 {
                self.first_at = line.from;
            }
            self.first_lines += 1;
        }
    }

    /// A line in the output of a shell that sets marks may be the prompt of one that sets none: something unknown opened another shell, or
    /// this one lost its marks.
    fn unopened(&mut self, drawn: &Drawn, index: u32, text: &str) {
        let Some(top) = self.levels.last().filter(|_| !self.prints) else { return };
        let found = if top.begins(text) {
            Some((Arc::clone(&top.prompt), top.shape.clone(), weights::UNMARKED))
        } else {
            let shape = prompt::known(text).filter(|it| {
                it.strong
                    && it.reads == Reads::Shell
                    && (it.user.is_some() || shell::begins_with_a_command(&text[it.end..]))
            });
            shape.map(|it| {
                let shown: Arc<str> = Arc::from(&text[..it.end]);
                let is_own = Identity::of(&shown, Some(&it)) == top.identity;
                (shown, Some(it), if is_own { weights::UNMARKED } else { weights::UNOPENED })
            })
        };
        if let Some((shown, shape, why)) = found {
            let evidence = vec![weights::KNOWN_SHAPE, why];
            self.possible(drawn, index, &shown, &text[shown.len()..], shape.as_ref(), evidence);
        }
    }

    /// Any program can place its text by columns; one that was opened to be asked, or that draws with each key, is asked.
    fn may_ask(&self, line: &Line) -> bool {
        self.may_change == Some(Change::Repl)
            || self.levels.last().is_some_and(|it| it.reads == Reads::Repl)
            || line.bits & bits::ABSOLUTE_KEYS != 0 && !self.prints
    }

    /// A line of a program that draws its own lines and says with each where its prompt ends.
    fn drawn_by_repl(&mut self, drawn: &Drawn, index: u32, nth: usize, text: &str) -> bool {
        let line = &drawn.lines[index as usize];
        let Some(end) = low_byte(line, text, 0).filter(|end| !text[..*end].trim().is_empty())
        else {
            return false;
        };
        let split = Split {
            prompt: Arc::from(&text[..end]),
            rows_before: 0,
            text: text[end..].trim_end().to_owned(),
            shape: None,
            line: index,
            evidence: Vec::new(),
        };
        if self.continues(&split, false, false) {
            self.extend(&split.text, line.to, Kind::Repl);
            return true;
        }
        if let Some(current) = self.current.as_mut().filter(|it| {
            line.bits & bits::AGAIN != 0
                && it.command.kind == Kind::Repl
                && it.command.prompt == split.prompt
        }) {
            current.command.text = split.text;
            current.command.to = line.to;
            current.outputs = 0;
            return true;
        }
        if self.levels.last().is_none_or(|it| it.reads != Reads::Repl) {
            self.may_change = Some(Change::Repl);
        }
        let mut evidence = vec![weights::GOES_BACK];
        let shape = Some(Shape::of_repl(end));
        self.accept(drawn, index, nth, split.prompt, &split.text, shape, &mut evidence, true)
    }

    /// Whether the line lacks whatever [`Self::plain`] asks of a line. Nearly all lines of output are turned away here,
    /// by a scan for one sign.
    pub(super) fn is_mere_output(&self, line: &Line, text: &str) -> bool {
        let Some(top) = self.levels.last() else { return false };
        let Some(sign) = sign_of(&top.prompt) else { return false };
        let quiet = !self.bell
            && !self.title_due
            && self.margin.is_none()
            && self.may_change.is_none()
            && top.reads != Reads::Repl
            && self.current.as_ref().is_some_and(|it| it.outputs > 0);
        quiet
            && line.bits & (bits::EDITED | bits::ASKED) == 0
            && line.title_col == 0
            && !has(text, sign)
            && !prompt::may_be_known(text.trim_start().as_bytes())
            && !says_farewell(text)
    }

    /// The session's first prompt comes with marks: lines before it are a banner.
    pub(super) fn starts_with_region(&self, drawn: &Drawn, nth: usize) -> bool {
        drawn
            .items
            .get(nth..)
            .unwrap_or_default()
            .iter()
            .take(40)
            .any(|it| matches!(it, Item::Region(it) if drawn.regions[*it as usize].genuine))
    }

    /// Reads a line of a shell without marks. `false` if it is output.
    pub(super) fn plain(&mut self, drawn: &Drawn, index: u32, nth: usize, text: &str) -> bool {
        let line = &drawn.lines[index as usize];
        let edited = line.bits & bits::EDITED != 0;
        let heralded = !is_announced(line) && self.is_heralded(drawn, nth);
        let titled = is_announced(line) || self.title_due || heralded;
        let start = if line.title_col > 1 {
            prompt::byte_of_column(text, line.title_col as usize - 1)
        } else {
            0
        };
        let rest = &text[start..];
        if self.bell
            && let Some(current) = &mut self.current
            && !current.marked
            && current.outputs > 0
            && let Some(whole) = text.strip_prefix(&*current.command.prompt)
            && whole.starts_with(current.command.text.as_str())
        {
            // The line was not run but broken off by a list of completions, and is drawn again.
            whole.trim_end().clone_into(&mut current.command.text);
            current.command.to = current.command.to.max(line.to);
            current.outputs = 0;
            self.bell = line.bits & bits::BELL != 0;
            self.may_change = shell::change(whole);
            self.last = Some(whole.trim_end().to_owned());
            return true;
        }
        if self.streamed
            && let Some(current) = &mut self.current
            && current.outputs == 0
            && current.command.text.len() >= 20
            && let Some(whole) = text.strip_prefix(&*current.command.prompt)
            && whole
                .starts_with(prompt::head(&current.command.text, current.command.text.len() - 1))
        {
            // A line longer than the window is drawn anew, in more than one streamed line.
            whole.trim_end().clone_into(&mut current.command.text);
            current.command.to = current.command.to.max(line.to);
            current.command.damaged = true;
            self.last = Some(prompt::head(whole.trim_end(), JUDGED_BYTES).to_owned());
            return true;
        }
        if let Some(columns) = self.margin.take() {
            // BusyBox breaks a long line with a plain CR LF at the margin, and goes on.
            if let Some(current) = &mut self.current {
                current.command.text.push_str(text);
                current.command.to = current.command.to.max(line.to);
                if current.command.kind == Kind::Shell {
                    self.last = Some(prompt::head(&current.command.text, JUDGED_BYTES).to_owned());
                }
                let full = text.chars().count() >= columns;
                self.margin = full.then_some(columns);
            }
            return true;
        }
        if let Some(current) = &self.current
            && !current.marked
            && current.outputs == 0
            && let Some(end) = continuation_end(rest)
        {
            let split = Split {
                prompt: Arc::from(&rest[..end]),
                rows_before: 0,
                text: rest[end..].to_owned(),
                shape: None,
                line: index,
                evidence: Vec::new(),
            };
            if self.continues(&split, false, false) {
                let (body, kind) = interrupted(&split.text);
                let body = body.to_owned();
                self.extend(&body, line.to, kind.unwrap_or(Kind::Shell));
                return true;
            }
        }
        let low = low_byte(line, text, 0).map(|it| it.saturating_sub(start));
        let shape = self.shape_of(rest);
        let may_be_new = self.levels.is_empty()
            || matches!(self.may_change, Some(Change::Shell | Change::Prompt))
            || self.repeats.believes_any() && !self.is_own_again(rest);
        if may_be_new && !self.repeats.has_read() && repeats::may_begin(line, rest, shape.as_ref())
        {
            self.repeats.read(drawn);
        }
        let paint = if self.repeats.has_read() { paint_of(line, text) } else { None };
        let place = (index, paint.and_then(|it| it.checked_sub(start)));
        if self.levels.is_empty() && !edited && self.is_a_herald(text) {
            // The upper line of the first prompt.
            return false;
        }
        if self.levels.is_empty()
            && !(edited && went_back(line))
            && self.starts_with_region(drawn, nth)
            && !shape.as_ref().is_some_and(|it| it.strong && it.reads == Reads::Shell)
            && self.repeated(place, rest, low).is_none_or(|it| {
                it.1.weight < weights::TWO_NAMED.weight && !self.repeats.is_first(index)
            })
        {
            return false;
        }
        if let Some(top) = self.levels.last().filter(|it| !it.marked && edited)
            && searched(rest).is_some()
        {
            let (shown, shape) = (top.prompt.clone(), prompt::known(&top.prompt));
            let mut evidence = vec![weights::SEARCHED];
            return self.accept(drawn, index, nth, shown, rest, shape, &mut evidence, edited);
        }
        let Some((end, shape, mut evidence)) =
            self.plain_prompt(place, rest, shape, line, titled, low)
        else {
            return self.inside(drawn, index, text, edited);
        };
        let literal = &rest[..end.min(rest.len())];
        let shown = match self.levels.last() {
            Some(top) if &*top.prompt == literal => Arc::clone(&top.prompt),
            _ => Arc::from(literal),
        };
        let body = rest.get(end..).unwrap_or_default();
        self.accept(drawn, index, nth, shown, body, shape, &mut evidence, edited)
    }

    /// Whether the line begins with the innermost shell's prompt as it was: no other one is looked for in it.
    fn is_own_again(&self, text: &str) -> bool {
        self.levels
            .last()
            .is_some_and(|it| !it.prompt.trim().is_empty() && text.starts_with(&*it.prompt))
    }

    /// A prompt that follows output without a newline.
    pub(super) fn inside(&mut self, drawn: &Drawn, index: u32, text: &str, edited: bool) -> bool {
        let Some(top) = self.levels.last() else { return false };
        if top.marked || top.prompt.len() < 2 || text.len() > 4096 {
            return false;
        }
        let shown = top.prompt.clone();
        let line = &drawn.lines[index as usize];
        let low = low_byte(line, text, 0);
        // BusyBox asks where the cursor stands right behind its prompt.
        let asked = low.filter(|end| {
            top.titled
                && line.bits & bits::ASKED != 0
                && text[..*end].ends_with(&*shown)
                && *end > shown.len()
        });
        let found = asked.map(|it| it - shown.len()).or_else(|| text.find(&*shown));
        let Some(at) = found.filter(|it| *it > 0) else { return false };
        let printed = self.prints;
        let body = &text[at + shown.len()..];
        // A sign and a blank stand in any output: nothing may have been printed yet, by what need not end a line, and a command must follow.
        let short = shown.trim_end().len() < 5;
        let follows = self.current.as_ref().is_some_and(|it| {
            it.outputs == 0 && shell::may_leave_a_line_open(prompt::head(&it.command.text, 4096))
        });
        if short && asked.is_none() && !(follows && shell::begins_with_a_command(body)) {
            return false;
        }
        if asked.is_none() && (top.titled || (printed && !edited && !body.is_empty()) && at > 40) {
            return false;
        }
        let shape = prompt::known(&text[at..]);
        let mut evidence = vec![weights::BEHIND_OUTPUT];
        let body = body.to_owned();
        self.accept(drawn, index, usize::MAX, shown, &body, shape, &mut evidence, edited)
    }

    #[expect(clippy::too_many_arguments, reason = "one place, called from two")]
    pub(super) fn accept(
        &mut self,
        drawn: &Drawn,
        index: u32,
        nth: usize,
        shown: Arc<str>,
        body: &str,
        shape: Option<Shape>,
        evidence: &mut Vec<Evidence>,
        edited: bool,
    ) -> bool {
        let line = &drawn.lines[index as usize];
        let (mut shown, mut body) = (shown, body);
        if shape.is_none()
            && !shown.is_empty()
            && !shown.ends_with(char::is_whitespace)
            && let Some(rest) = body.strip_prefix(' ').filter(|it| !it.starts_with(' '))
        {
            // It was met alone on a row first, where its last blank is not seen.
            (shown, body) = (Arc::from(format!("{shown} ")), rest);
        }
        // The first window-size message makes the shell draw its prompt twice; a streamed copy shows both.
        while shown.len() > 2
            && let Some(rest) = body.strip_prefix(&*shown)
        {
            body = rest;
        }
        if edited {
            evidence.push(weights::EDITED);
        }
        if self.current.as_ref().is_some_and(|it| {
            prompt::head(&it.command.text, JUDGED_BYTES)
                .lines()
                .skip(1)
                .any(|typed| typed.trim().len() > 1 && drawn.line_text(index).ends_with(typed))
                && !body.trim().is_empty()
        }) && !edited
        {
            evidence.push(weights::ECHOES);
        }
        if self.jobs > 0 && !edited && !body.trim().is_empty() && !shell::looks_typed(body) {
            evidence.push(weights::JOB_WROTE);
        }
        if self.in_one_burst(line) {
            evidence.push(weights::ONE_BURST);
        }
        if next_is_announced(drawn, nth) && shell::change(body) == Some(Change::Shell) {
            evidence.push(weights::NEXT_OPENED);
        }
        let sum: f32 = evidence.iter().map(|it| it.weight).sum();
        if sum < weights::FLOOR {
            let is_strong = shape.as_ref().is_some_and(|it| it.strong);
            if evidence.iter().any(|it| it.is(weights::UNANNOUNCED)) && (!self.prints || edited) {
                self.came_untitled(&shown, is_strong);
            }
            self.possible(drawn, index, &shown, body, shape.as_ref(), std::mem::take(evidence));
            return false;
        }
        if evidence.iter().any(|it| it.is(weights::TWO_NAMED)) {
            self.repeats.believe(&shown);
        }
        self.settle(&shown, shape.as_ref(), false, 0, evidence);
        // A title that names the command was set by the shell that ran it, not by the one it opened.
        let named = self.current.as_ref().is_some_and(|it| it.named && it.outputs == 0);
        // Lines above prompts add belief and take none away: any output may repeat itself there.
        let announced = !named && is_announced(line);
        if let Some(level) = self.levels.last_mut() {
            level.meet(announced);
            // Ctrl-C and the end of a session end a line otherwise than Enter does.
            let entered = line.bits & bits::UNFINISHED == 0 && !body.ends_with("^C");
            if level.crs.is_none() && entered {
                level.crs = Some(line.crs);
            }
        }
        let broken = body.len() + shown.len() >= 60
            && self.levels.last().and_then(|it| it.crs).is_some_and(|it| line.crs == it + 1);
        self.margin = broken.then(|| drawn.line_text(index).chars().count());
        let body = if broken { body } else { body.trim_end() };
        let body = searched(body).unwrap_or(body);
        let (body, mut kind) = interrupted(body);
        let caret = kind.is_some();
        if line.bits & bits::UNFINISHED != 0 && !body.is_empty() {
            kind = Some(Kind::Abandoned);
        }
        let reads = self.levels.last().map(|it| it.reads);
        let kind =
            kind.unwrap_or(if reads == Some(Reads::Repl) { Kind::Repl } else { Kind::Shell });
        self.bell = line.bits & bits::BELL != 0;
        if self.left_by_key(drawn, nth, body) {
            self.close();
            self.may_change = Some(Change::Leave);
            return true;
        }
        let command = self.command(
            body.to_owned(),
            kind,
            &shown,
            shape.as_ref(),
            std::mem::take(evidence),
            |it| {
                it.from = line.from;
                it.to = line.to;
                it.line = u64::from(index);
                // Streaming loses the CR that goes back to where no prompt stands.
                let bare = self.streamed && edited && shown.is_empty();
                it.damaged = line.bits & bits::GUESSED != 0 || bare;
            },
        );
        let mut command = command;
        if self.explains {
            let text = drawn.line_text(index);
            let start = text.find(&*command.prompt).unwrap_or(0);
            let found = prompt::candidates(&text[start..]);
            command.runner_up = self.runner_up(0, &text[start..], &found, command.prompt.len());
        }
        self.begin(command, false);
        if let Some(current) = self.current.as_mut() {
            current.caret = caret;
        }
        true
    }

    /// This shell's own prompt came without a title, and what a command prints is not edited: the second time in a row it is thought to
    /// send none any more.
    fn came_untitled(&mut self, shown: &Arc<str>, is_strong: bool) {
        let Some(top) = self.levels.last_mut() else { return };
        if is_strong || top.prompt == *shown && top.is_long() {
            top.untitled += 1;
            if top.untitled >= UNTITLED {
                (top.titled, top.untitled, top.streak) = (false, 0, 0);
            }
        }
    }

    /// Output that may have been typed: kept apart, and nothing follows from it.
    pub(super) fn possible(
        &mut self,
        drawn: &Drawn,
        index: u32,
        shown: &Arc<str>,
        body: &str,
        shape: Option<&Shape>,
        evidence: Vec<Evidence>,
    ) {
        let line = &drawn.lines[index as usize];
        let body = body.trim_end();
        if body.is_empty() {
            return;
        }
        let command = self.command(body.to_owned(), Kind::Possible, shown, shape, evidence, |it| {
            it.from = line.from;
            it.to = line.to;
            it.line = u64::from(index);
            it.damaged = line.bits & bits::GUESSED != 0;
        });
        self.doubtful.push(command);
    }

    /// bash prints `exit` itself at Ctrl-D; a typed one is followed by the shell's own.
    pub(super) fn left_by_key(&mut self, drawn: &Drawn, nth: usize, body: &str) -> bool {
        if !matches!(body, "exit" | "logout") || nth == usize::MAX {
            return false;
        }
        let next = drawn.items[nth + 1..].iter().find_map(|it| match it {
            Item::Line(index) => Some(drawn.line_text(*index).trim().to_owned()),
            Item::Region(_) => Some(String::new()),
            _ => None,
        });
        let echoed = next
            .as_deref()
            .is_some_and(|it| matches!(it, "exit" | "logout") || it.starts_with("There are "));
        let asked = matches!(drawn.items[nth], Item::Line(it) if drawn.lines[it as usize].bits & bits::ASKED != 0);
        let Some(top) = self.levels.last_mut() else { return false };
        // Other shells print nothing at Ctrl-D: what stands there was typed.
        let shown = top.prompt.contains("sh-") || top.titled || top.user.is_some();
        let bash = top.says_exit || shown && !asked && !top.is_no_bash;
        top.says_exit |= echoed;
        bash && !echoed && top.reads == Reads::Shell && nth + 1 < drawn.items.len()
    }

    /// Where the prompt of a line ends, if this shell may show it here.
    pub(super) fn plain_prompt(
        &self,
        place: (u32, Option<usize>),
        text: &str,
        shape: Option<Shape>,
        line: &Line,
        titled: bool,
        low: Option<usize>,
    ) -> Option<(usize, Option<Shape>, Vec<Evidence>)> {
        let (edited, crs) = (line.bits & bits::EDITED != 0, line.crs);
        let decoys = self.current.as_ref().map_or(0, |it| it.decoys);
        let prints = self.prints;
        let printed = prints && self.current.as_ref().is_some_and(|it| it.outputs > 0);
        if let Some(top) = self.levels.last()
            && !top.marked
        {
            let settled = self.may_change.is_none();
            let same = self.same_prompt(top, text, shape.as_ref(), titled, low);
            // This shell sets a title before each prompt; here is none.
            let bare = top.titled && !titled && top.reads == Reads::Shell;
            if bare && settled && same.is_none() {
                return None;
            }
            let margin =
                text.len() >= 60 && top.crs.is_some_and(|it| crs == it + 1) && (titled || !printed);
            if settled && !edited && !margin && top.crs.is_some_and(|it| crs > it) {
                // A stored transcript printed again: its lines end in one CR more than live ones.
                return None;
            }
            if let Some((end, shape)) = same {
                let mut evidence = Vec::with_capacity(EVIDENCE);
                if titled {
                    evidence.push(weights::ANNOUNCED);
                }
                if bare {
                    evidence.push(weights::UNANNOUNCED);
                }
                let strong = shape.as_ref().is_some_and(|it| it.strong);
                evidence.push(if strong { weights::KNOWN_SHAPE } else { weights::SESSIONS_PROMPT });
                let moved = match (&shape, &top.dir) {
                    (Some(it), Some(dir)) => it.dir.as_ref().is_some_and(|it| it != dir),
                    _ => false,
                };
                if moved && !titled && !self.last.as_deref().is_some_and(shell::moves) {
                    evidence.push(weights::MOVED);
                }
                if prints && !edited && !titled {
                    // A README shows default prompts; it does not know this host or this style.
                    let words = top.prompt.chars().filter(|it| it.is_alphanumeric()).count();
                    let own = shape
                        .as_ref()
                        .map_or(top.skeleton.len() >= 5 || words >= 3, |it| it.user.is_some());
                    evidence.push(match (decoys > 0, own, printed) {
                        (true, false, _) => weights::PRINTS_AMONG_PROMPTS,
                        (true, true, _) => weights::PRINTS_OWN_AMONG_PROMPTS,
                        (false, true, true) => weights::PRINTS_OWN,
                        (false, true, false) => weights::PRINTS_OWN_FIRST,
                        (false, false, true) => weights::PRINTS,
                        // Nothing else was printed yet: this may be all there is.
                        (false, false, false) => weights::PRINTS_FIRST,
                    });
                }
                return Some((end, shape, evidence));
            }
            if titled && top.titled && self.may_change.is_none() && !self.unsure {
                // The title says a prompt, and the prompt is not the one we know: it was emptied.
                return None;
            }
        }
        self.other_prompt(place, text, shape, edited, titled, low)
    }

    /// [`prompt::known`], remembered where the last prompt stands here again: its shape ends in a sign and a blank,
    /// and no shape looks beyond.
    pub(super) fn shape_of(&self, text: &str) -> Option<Shape> {
        if let Some(top) = self.levels.last()
            && let Some(shape) = &top.shape
            && shape.end == top.prompt.len()
            && top.prompt.ends_with(' ')
            && text.starts_with(&*top.prompt)
        {
            return Some(shape.clone());
        }
        prompt::known(text)
    }

    pub(super) fn same_prompt(
        &self,
        top: &Level,
        text: &str,
        shape: Option<&Shape>,
        titled_here: bool,
        low: Option<usize>,
    ) -> Option<(usize, Option<Shape>)> {
        if let Some(shape) = shape
            && (Identity::of(&text[..shape.end], Some(shape)) == top.identity
                || shape.strong && text[..shape.end].trim_end() == &*top.prompt)
        {
            return Some((shape.end, Some(shape.clone())));
        }
        if top.prompt.is_empty()
            && top.titled
            && titled_here
            && !shape.is_some_and(|it| it.strong)
            && self.may_change != Some(Change::Prompt)
        {
            return Some((0, None));
        }
        if !top.prompt.is_empty() && text.starts_with(&*top.prompt) {
            let shape = shape.filter(|it| it.end == top.prompt.len());
            let end = if shape.is_none() && !self.learnt.is_empty() {
                self.learnt_farthest(text, top.prompt.len(), low)
            } else {
                top.prompt.len()
            };
            return Some((end, shape.cloned()));
        }
        if !top.prompt.trim_end().is_empty() && text == top.prompt.trim_end() {
            return Some((text.len(), None));
        }
        if (shape.is_none() || top.user.is_none())
            && !prompt::is_wordy(&top.prompt)
            && shares_a_sign(&top.prompt, text)
        {
            let mut found = prompt::bounded(text, low, None);
            if let Some(low) = low {
                // An edit that went back exactly to the prompt's end says where that is.
                found.sort_by_key(|it| it.end != low);
            }
            let alike = top.prompt.len();
            if titled_here && text.is_char_boundary(alike) && alike <= low.unwrap_or(usize::MAX) {
                // A clock behind the prompt is as long as it was.
                found.insert(0, Candidate { end: alike, weight: 0.8 });
            }
            return found
                .into_iter()
                .filter(|it| {
                    // Output may look like it by chance: of several words at least one stays as it was.
                    titled_here
                        || low.is_some()
                        || self.last.as_deref().is_some_and(shell::moves)
                        || prompt::shares_a_word(&top.prompt, &text[..it.end])
                })
                .find(|it| {
                    let shown = &text[..it.end];
                    prompt::skeleton(shown.trim_end()) == top.skeleton
                        && (self.learnt.line_score(shown, it.weight) > 0.0
                            || prompt::has_words(shown) && self.repeats.believes(shown))
                })
                .map(|it| (self.learnt_farthest(text, it.end, low), None));
        }
        None
    }

    /// A prompt other than this shell's: only where one may appear.
    pub(super) fn other_prompt(
        &self,
        place: (u32, Option<usize>),
        text: &str,
        shape: Option<Shape>,
        edited: bool,
        titled: bool,
        low: Option<usize>,
    ) -> Option<(usize, Option<Shape>, Vec<Evidence>)> {
        let first = self.levels.is_empty();
        let repl = self.levels.last().is_some_and(|it| it.reads == Reads::Repl);
        if let Some(shape) = &shape
            && (self.may_change.is_some() || repl)
        {
            let identity = Identity::of(&text[..shape.end], Some(shape));
            let known_level = self.levels.around().any(|it| !it.marked && it.identity == identity);
            if known_level {
                let evidence = vec![weights::AROUND_KNOWN];
                return Some((shape.end, Some(shape.clone()), evidence));
            }
        } else if self.may_change.is_some() || repl {
            let around = self.levels.around().find_map(|it| {
                let fits = !it.marked && !it.prompt.trim().is_empty() && (titled || !it.titled);
                fits.then(|| self.same_prompt(it, text, None, titled, low)).flatten()
            });
            if let Some((end, _)) = around {
                let evidence = vec![weights::AROUND];
                return Some((end, None, evidence));
            }
        }
        if let Some(end) = self.in_an_environment(text) {
            let shape = shape.filter(|it| it.end == end);
            let evidence = vec![weights::ANOTHER_ENVIRONMENT];
            return Some((end, shape, evidence));
        }
        let change = self.may_change;
        let strong = shape.as_ref().is_some_and(|it| it.strong);
        let may_be_new = matches!(change, Some(Change::Shell | Change::Prompt));
        if !strong && (may_be_new || first || change.is_none()) {
            let own = |end: usize| match self.levels.last().filter(|_| change.is_none()) {
                // The same shell elsewhere, with more or fewer parts in its prompt.
                Some(top) => {
                    let sign = |it: &str| it.trim_end().chars().next_back();
                    let alike = prompt::shared_words(&top.prompt, &text[..end]);
                    let moved = self.last.as_deref().is_some_and(shell::moves);
                    // What others wrote does not know user, directory and branch.
                    self.repeats.believes_any()
                        && (alike >= 3 || !self.prints && (moved || alike >= 2))
                        && sign(&top.prompt) == sign(&text[..end])
                        && prompt::shares_a_word(&top.prompt, &text[..end])
                }
                None => true,
            };
            if let Some((end, named)) = self.repeated(place, text, low).filter(|it| own(it.0)) {
                let shape = shape.filter(|it| it.end == end);
                let mut evidence = vec![named];
                if titled {
                    evidence.push(weights::ANNOUNCED);
                }
                return Some((end, shape, evidence));
            }
        }
        if !first && change.is_none() {
            let shape = shape.filter(|it| it.strong)?;
            let identity = Identity::of(&text[..shape.end], Some(&shape));
            if titled && (self.unsure || self.gone.contains(&identity)) {
                let evidence = vec![weights::LEFT_BEFORE, weights::ANNOUNCED_LEFT];
                return Some((shape.end, Some(shape), evidence));
            }
            // A script of somebody's own may have opened a shell: what is edited there is typed, the rest may be.
            let own = self.levels.last().is_some_and(|it| text.contains(it.prompt.trim_end()));
            let typed = shape.reads == Reads::Shell && shape.user.is_some() && !self.prints && !own;
            let mut evidence = vec![weights::KNOWN_SHAPE, weights::UNOPENED];
            if titled {
                evidence.push(weights::ANNOUNCED_UNEXPLAINED);
            }
            return typed.then_some((shape.end, Some(shape), evidence));
        }
        if let Some(shape) = shape {
            let wanted = match change {
                Some(Change::Repl) => {
                    shape.reads == Reads::Repl || shape.strong && shape.user.is_some()
                }
                Some(Change::Leave) => shape.reads != Reads::Repl,
                _ => shape.reads != Reads::Repl || first,
            };
            let within = low.is_none_or(|it| shape.end <= it);
            let learnt = self.learnt.line_score(&text[..shape.end], 1.0) > 0.0;
            let enough = shape.strong || !first || learnt || (edited && shape.root != Some(true));
            if wanted && within && enough {
                let mut evidence = vec![if shape.strong {
                    weights::KNOWN_SHAPE
                } else {
                    weights::KNOWN_WEAK_SHAPE
                }];
                if titled {
                    evidence.push(weights::ANNOUNCED);
                }
                return Some((shape.end, Some(shape), evidence));
            }
        }
        if change == Some(Change::Repl) {
            return None;
        }
        // Learnt prompts: the line editor has shown its hand more than once.
        let floor = if first && !edited && !titled { 1.7 } else { 1.0 };
        let Some((end, _)) = self.learnt_end(text, low).filter(|it| it.1 >= floor) else {
            let emptied = change == Some(Change::Prompt) && titled && !text.is_empty();
            let evidence = vec![weights::EMPTIED];
            return emptied.then_some((0, None, evidence));
        };
        let mut evidence = vec![weights::REPEATS_AND_EDITS];
        if titled {
            evidence.push(weights::ANNOUNCED);
        }
        Some((end, None, evidence))
    }

    /// Where this shell's prompt ends if the name of an environment was put before it or taken away, as `activate` and `deactivate` do
    /// (Python: venv, conda).
    fn in_an_environment(&self, text: &str) -> Option<usize> {
        let named = |it: &str| it.starts_with('(');
        let top = self.levels.last().filter(|it| named(text) || named(&it.prompt))?;
        let changes = self.may_change == Some(Change::Prompt)
            || self.last.as_deref().is_some_and(|it| it.contains("activate"));
        if !changes || top.prompt.trim().is_empty() {
            return None;
        }
        let behind = |it: &str| {
            let name = it.strip_prefix('(')?.split_once(") ")?.0;
            let is_name = |it: char| it.is_alphanumeric() || matches!(it, '-' | '_' | '.');
            (!name.is_empty() && name.chars().all(is_name)).then_some(name.len() + 3)
        };
        if let Some(at) = behind(text)
            && text[at..].starts_with(&*top.prompt)
        {
            return Some(at + top.prompt.len());
        }
        let own = &top.prompt[behind(&top.prompt)?..];
        (!own.trim().is_empty() && text.starts_with(own)).then_some(own.len())
    }

    /// The first prompt may have been cut short, where its line was drawn oddly: what has come since knows better.
    fn learnt_farthest(&self, text: &str, end: usize, low: Option<usize>) -> usize {
        let found = prompt::bounded(text, low, None);
        prompt::farthest(text, end, &found, |it| self.learnt.line_count(it))
    }

    /// The best end of a learnt prompt at the start of the line.
    pub(super) fn learnt_end(&self, text: &str, low: Option<usize>) -> Option<(usize, f32)> {
        if self.learnt.is_empty()
            || low.is_none() && !self.learnt.may_end_within(prompt::head(text, 240))
        {
            return None;
        }
        let found = prompt::bounded(text, low, None);
        let (end, score) = found
            .iter()
            .filter(|it| self.learnt.may_end(&text[..it.end]))
            .map(|it| (it.end, self.learnt.line_score(&text[..it.end], it.weight)))
            .filter(|it| {
                let literal = &text[..it.0];
                it.1 > 0.0 && (!prompt::is_wordy(literal) || self.learnt.is_returned_to(literal))
            })
            .max_by(|one, other| one.1.total_cmp(&other.1))?;
        let end = prompt::farthest(text, end, &found, |it| self.learnt.line_count(it));
        Some((end, score))
    }
}

/// The next line is a prompt that a line editor has drawn.
pub(super) fn next_is_announced(drawn: &Drawn, nth: usize) -> bool {
    drawn.items.get(nth.saturating_add(1)..).is_some_and(|rest| {
        rest.iter()
            .find_map(|it| match it {
                Item::Line(index) => {
                    let line = &drawn.lines[*index as usize];
                    let is_strong =
                        || prompt::known(drawn.line_text(*index)).is_some_and(|it| it.strong);
                    Some(line.bits & bits::INPUT != 0 || is_announced(line) && is_strong())
                }
                Item::Region(it) => Some(drawn.regions[*it as usize].genuine),
                _ => None,
            })
            .unwrap_or(false)
    })
}

/// Something that this shell always sends came right before the prompt: a window title, or a question
/// about the cursor.
pub(super) fn is_announced(line: &Line) -> bool {
    line.title_col > 0 || line.bits & bits::ASKED != 0
}

/// The cursor went back to some column of it.
fn went_back(line: &Line) -> bool {
    line.low_col != u16::MAX && line.low_col > 0
}

/// The sign that the prompt ends or begins with.
pub(super) fn sign_of(prompt: &str) -> Option<char> {
    let bare = prompt.trim();
    let ends = [bare.chars().next_back(), bare.chars().next()];
    ends.into_iter().flatten().find(|it| !it.is_alphanumeric())
}

pub(super) fn has(text: &str, sign: char) -> bool {
    let mut bytes = [0; 4];
    let bytes = sign.encode_utf8(&mut bytes).as_bytes();
    match bytes {
        [one] => memchr::memchr(*one, text.as_bytes()).is_some(),
        _ => memchr::memmem::find(text.as_bytes(), bytes).is_some(),
    }
}

/// Whether the line has the sign that the prompt ends or begins with. Most output has neither, and
/// is turned away here before anything is built from it.
pub(super) fn shares_a_sign(prompt: &str, text: &str) -> bool {
    sign_of(prompt).is_none_or(|it| has(prompt::head(text, 240), it))
}

/// What a shell prints as it ends, or the program that it was reached by.
/// Source: openssh-portable: clientloop.c, packet.c.
pub(super) fn says_farewell(text: &str) -> bool {
    let text = text.trim();
    match text.as_bytes() {
        [b'e' | b'l', ..] => matches!(text, "exit" | "logout"),
        [b'C', ..] => {
            text.starts_with("Connection to ")
                && (text.ends_with(" closed.") || text.ends_with(" closed by remote host."))
        }
        [b'c', ..] => text.starts_with("client_loop: send disconnect: "),
        _ => false,
    }
}

/// A question whose answer is not shown, and no answer behind it.
fn asks_for_a_secret(text: &str) -> bool {
    let bare = text.trim_end();
    if !bare.ends_with(':') || bare.len() > 200 {
        return false;
    }
    let asked = bare.to_lowercase();
    ["password", "passphrase", "passcode", "verification code", "パスワード"]
        .iter()
        .any(|it| asked.contains(it))
}

/// A notice of the shell about a background job, printed before the prompt.
pub(super) fn is_job_notice(text: &str) -> bool {
    text.starts_with('[')
        && text[1..].split_once(']').is_some_and(|(number, rest)| {
            number.chars().all(|it| it.is_ascii_digit())
                && ["Done", "Exit", "Stopped", "Terminated", "Killed", "Running"]
                    .iter()
                    .any(|it| rest.trim_start_matches(['+', '-', ' ']).starts_with(it))
        })
}

/// Output that shows someone's prompt, indented or not: what surrounds it is to be doubted.
pub(super) fn looks_like_a_prompt(text: &str) -> bool {
    let start = text.trim_start();
    prompt::known(start)
        .is_some_and(|it| it.end < start.len() && (it.strong || start.starts_with("$ ")))
}

/// Text without the `^C` that interrupted it.
pub(super) fn interrupted(text: &str) -> (&str, Option<Kind>) {
    match text.strip_suffix("^C") {
        Some(rest) => (rest.trim_end(), Some(Kind::Abandoned)),
        None => (text, None),
    }
}

/// The end of a continuation prompt at the start of the line.
pub(super) fn continuation_end(text: &str) -> Option<usize> {
    for prompt in ["> ", ">> ", "... ", "   ...> ", "    -> "] {
        if text.starts_with(prompt) {
            return Some(prompt.len());
        }
    }
    if text == ">" || text == "..." || text == ">>" {
        return Some(text.len());
    }
    let end = text.find("> ")?;
    let word = &text[..end];
    let zsh = word.split(' ').all(|it| it.chars().all(|ch| ch.is_ascii_lowercase()));
    let psql = word.ends_with(['-', '\'', '(', '"'])
        && word[..word.len() - 1].chars().all(|ch| ch.is_alphanumeric() || ch == '_');
    (end > 0 && end <= 24 && (zsh || psql)).then_some(end + 2)
}
