//! Lines and input regions → what was typed, with how sure we are and why.
//!
//! Only output was recorded, so a command is always an inference. Three habits keep it honest: nothing is
//! a prompt because it looks like one (the session's own prompts, a stack of shells and the marks of the line
//! editor decide); everything believed carries the evidence that was weighed; and what is not believed enough
//! is kept as *possible*, apart from the rest. A command that was not typed is worse than one missed.

use std::collections::HashSet;
use std::sync::Arc;

use unicode_width::UnicodeWidthChar;

use crate::transcript::prompt;
use crate::transcript::prompt::ByHash;
use crate::transcript::prompt::Candidate;
use crate::transcript::prompt::Identity;
use crate::transcript::prompt::Learnt;
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
use crate::transcript::shell::Does;

/// What a typed line was for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A shell ran it.
    Shell,
    /// A program with prompts of its own read it.
    Repl,
    /// Typed and never run: Ctrl-C, or the session was lost.
    Abandoned,
    /// Looks typed, but the evidence is too thin to say so.
    Possible,
}

impl Kind {
    pub const ALL: [Self; 4] = [Self::Shell, Self::Repl, Self::Abandoned, Self::Possible];

    pub fn name(self) -> &'static str {
        match self {
            Self::Shell => "shell",
            Self::Repl => "repl",
            Self::Abandoned => "abandoned",
            Self::Possible => "possible",
        }
    }
}

/// One thing that spoke for or against a command. The sum of weights is the log-odds of being right.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Evidence {
    pub what: &'static str,
    pub weight: f32,
}

/// A command as it was typed, as far as the bytes tell.
#[derive(Clone, Debug, PartialEq)]
pub struct Command {
    /// The text, its lines joined by LF. Blanks at the end are dropped.
    pub text: String,
    pub kind: Kind,
    /// The prompt it stood behind, as shown.
    pub prompt: Arc<str>,
    pub os_user: Option<Arc<str>>,
    pub host: Option<Arc<str>>,
    /// The directory as the prompt shows it: `~`, a path, or only its last part.
    pub cwd: Option<Arc<str>>,
    /// Shells around it: 0 is the session's own.
    pub depth: u16,
    /// Bytes it was read from.
    pub from: u64,
    pub to: u64,
    /// The line it starts on, as an index into the lines drawn so far.
    pub line: u64,
    pub evidence: Vec<Evidence>,
    /// A character of it was damaged on the way.
    pub damaged: bool,
    /// The reading that came second, if it was asked for: prompt and text.
    pub runner_up: Option<(String, String)>,
}

impl Command {
    /// Probability of being exactly what was typed, from the evidence: 0 to 1.
    pub fn confidence(&self) -> f64 {
        let sum: f32 = self.evidence.iter().map(|it| it.weight).sum();
        let odds = 1.0 / (1.0 + (-f64::from(sum)).exp());
        (odds * 1000.0).round() / 1000.0
    }
}

const ANNOUNCED: &str = "what this shell sends before each prompt came just before";
const EDITED: &str = "edited in place";
const MARKED: &str = "between the line editor's own marks";

/// Longer texts are not judged anew with every line that is added to them: a here-document of a hundred
/// thousand lines must cost no more than its length.
const JUDGED_BYTES: usize = 4 << 10;

/// Pieces of evidence that most commands have.
const EVIDENCE: usize = 6;

/// Evidence below this sum leaves a command merely possible.
const FLOOR: f32 = 0.0;

/// One shell or REPL of the stack.
#[derive(Clone, Debug)]
struct Level {
    prompt: Arc<str>,
    skeleton: String,
    identity: Identity,
    reads: Reads,
    /// The last prompt, if its shape is known everywhere.
    shape: Option<Shape>,
    user: Option<Arc<str>>,
    host: Option<Arc<str>>,
    /// The directory its last prompt showed.
    dir: Option<Arc<str>>,
    /// Its line editor sets bracketed-paste marks.
    marked: bool,
    /// Lines that the prompt has before the one with the command.
    rows_before: usize,
    titled: bool,
    /// Its end marks are followed by escapes.
    escapes: bool,
    /// Its line editor leaves the keypad's application mode at Enter.
    leaves_keypad: bool,
    /// It fills a row before each prompt.
    fills: bool,
    /// CRs that end its lines.
    crs: Option<u8>,
    /// Its `exit` is echoed by the shell itself, so that Ctrl-D can be told from a typed one.
    says_exit: bool,
}

/// A command being read, and what has come after it.
struct Current {
    command: Command,
    outputs: u32,
    /// Output lines that look like someone's prompt and are not taken for one.
    decoys: u32,
    marked: bool,
    /// It draws shells in panes.
    draws_panes: bool,
    /// A window title has told it.
    named: bool,
}

/// Reads commands window by window, in order.
#[derive(Default)]
pub struct Reader {
    learnt: Learnt,
    levels: Vec<Level>,
    current: Option<Current>,
    /// Text of the last command that was run: what may follow depends on it.
    last: Option<String>,
    /// It prints what other people wrote.
    prints: bool,
    /// The last command may have changed the prompt, and no prompt has followed yet.
    may_change: Option<Change>,
    commands: Vec<Command>,
    /// Possible commands met in the output of the current one.
    doubtful: Vec<Command>,
    /// The agent's own logger ran in the session's first shell; the last `exit` there is the agent's too.
    agent_shell: bool,
    lines_before: u64,
    first_lines: u32,
    /// CRs that end the lines of genuine input regions.
    region_crs: Option<u8>,
    /// A title came before a job notice; the prompt follows the notice.
    title_due: bool,
    /// The last line broke off at a margin of this many columns.
    margin: Option<usize>,
    /// A bell rang on the last line read: it may have been completed rather than run.
    bell: bool,
    /// Echo was turned off: what follows a prompt may be output.
    echo_off: bool,
    /// The session's document runs one command and reads nothing.
    silent: bool,
    /// Prompts of shells that seemed to have ended. One that is announced as before has not.
    gone: Vec<Identity>,
    /// The last command was damaged on the way: what it did is not known.
    unsure: bool,
    /// Lines were streamed, a second's worth in one event.
    streamed: bool,
    /// Lines that stood just before edited ones, by skeleton: the upper line of a prompt of two.
    heralds: ByHash<Herald>,
    panes: Panes,
    /// Prompts met again and again, the commonest first.
    usual: Vec<Usual>,
    /// Second readings are asked for.
    explains: bool,
    /// Genuine input regions met, and lines that a line editor may have drawn.
    regions: u64,
    drawn_lines: u64,
    /// Edited lines that were taken for output: how many, and the place of the first.
    unread: (u64, u64),
    /// Commands read so far.
    read: u64,
}

/// A prompt of an input region as it stands, and what spoke for it when it was judged.
struct Usual {
    prompt: Arc<str>,
    rows_before: usize,
    shape: Option<Shape>,
    judged: Evidence,
    met: u32,
}

const USUAL_MAX: usize = 16;

/// Shells seen through the panes that tmux or screen draws. Rows are drawn again and again, so a command counts
/// the first time it is seen.
#[derive(Default)]
struct Panes {
    /// What the shells in them show.
    identities: Vec<Identity>,
    seen: HashSet<(Identity, Box<str>)>,
    /// The last command read in a pane may have changed the prompt.
    changed: bool,
    /// Where the first multiplexer began to draw.
    first: Option<u64>,
}

/// Commands of panes told apart.
const PANE_COMMANDS_MAX: usize = 1 << 16;

#[derive(Default)]
struct Herald {
    count: u32,
    painted: bool,
    /// See [`prompt::is_wordy`].
    wordy: bool,
}

/// Kinds of lines before prompts that are told apart.
const HERALDS_MAX: usize = 1024;

struct Split {
    prompt: Arc<str>,
    rows_before: usize,
    text: String,
    shape: Option<Shape>,
    /// Line index of the row with the prompt.
    line: u32,
    evidence: Vec<Evidence>,
}

fn weigh(what: &'static str, weight: f32) -> Evidence {
    Evidence { what, weight }
}

impl Reader {
    /// Reads one window of lines and items. `last` says that no more follows.
    pub fn window(&mut self, drawn: &Drawn, last: bool) -> Vec<Command> {
        if self.silent {
            return Vec::new();
        }
        self.learn(drawn);
        for (nth, item) in drawn.items.iter().enumerate() {
            match item {
                Item::Line(index) => self.line(drawn, *index, nth),
                Item::Region(region) => self.region(drawn, region),
                Item::ScreenOn => self.output(),
                Item::Title(index) => self.title(&drawn.titles[*index as usize]),
            }
        }
        self.lines_before += drawn.lines.len() as u64;
        if last {
            let agents = self.agent_shell
                && self.current.as_ref().is_some_and(|it| it.command.text == "exit");
            if agents {
                self.current = None;
            } else if self.agent_shell {
                self.last_exits();
            }
            self.close();
        }
        std::mem::take(&mut self.commands)
    }

    /// A recorded shell ends with two lines of `exit`, whatever was printed before: the person's, and the agent's.
    fn last_exits(&mut self) {
        let [.., persons, agents] = &mut self.doubtful[..] else { return };
        let ends = agents.text == "exit"
            && persons.text == "exit"
            && agents.line == persons.line + 1
            && agents.line + 1 == self.lines_before;
        if ends {
            persons.kind = Kind::Shell;
            persons
                .evidence
                .push(weigh("the agent's own `exit` follows and ends the transcript", 5.0));
            self.doubtful.pop();
        }
    }

    /// The session runs one command of its document and reads nothing: whatever looks typed is output.
    pub fn nothing_is_typed(&mut self) {
        self.silent = true;
    }

    /// Keeps the reading that came second with each command.
    pub fn explain(&mut self) {
        self.explains = true;
    }

    /// The next best place where the prompt could have ended in this row: prompt and text.
    fn runner_up(
        &self,
        row: u8,
        text: &str,
        found: &[Candidate],
        end: usize,
    ) -> Option<(String, String)> {
        if !self.explains {
            return None;
        }
        let shape = prompt::known(text);
        let chosen = text.get(..end)?.trim_end();
        let score = |it: &Candidate| {
            let known = shape.as_ref().is_some_and(|shape| shape.end == it.end);
            let region = self.learnt.region_score(row, text, *it);
            let line = self.learnt.line_score(&text[..it.end], it.weight);
            region.max(line).max(if known { 1.0 } else { 0.0 })
        };
        let (it, _) = found
            .iter()
            .filter(|it| text[..it.end].trim_end() != chosen && !text[it.end..].trim().is_empty())
            .map(|it| (it, score(it)))
            .filter(|it| it.1 > 0.0)
            .max_by(|one, other| one.1.total_cmp(&other.1))?;
        Some((text[..it.end].to_owned(), text[it.end..].trim_end().to_owned()))
    }

    /// Lines come from a stream: those of one event have one place.
    pub fn is_streamed(&mut self) {
        self.streamed = true;
    }

    /// Whether the line came in one event with the command that prints what others wrote. People need longer
    /// than that for the next command.
    fn in_one_burst(&self, line: &Line) -> bool {
        self.streamed
            && self.prints
            && self.current.as_ref().is_some_and(|it| it.command.to == line.to)
    }

    fn learn(&mut self, drawn: &Drawn) {
        let mut before: Option<u32> = None;
        for item in &drawn.items {
            let above = before.take();
            if let Item::Line(index) = item {
                let line = &drawn.lines[*index as usize];
                before = if line.bits & bits::OVERWRITTEN != 0 { above } else { Some(*index) };
            }
            match item {
                Item::Region(region) if region.genuine && region.input_at.is_none() => {
                    self.regions += 1;
                    let sampled = self.regions <= LEARNT_WHOLE || self.regions.is_multiple_of(16);
                    if !sampled || self.is_as_ever(drawn, region) {
                        continue;
                    }
                    for (row, it) in region_rows(drawn, region).enumerate().take(4) {
                        self.learnt.region_row(row as u8, it.text, &it.found(), it.low);
                    }
                }
                Item::Line(index) => {
                    let line = &drawn.lines[*index as usize];
                    let skip = bits::INPUT | bits::SCREEN | bits::OVERWRITTEN;
                    let edited = line.bits & bits::EDITED != 0;
                    let asked = line.bits & bits::ASKED != 0;
                    if line.bits & skip == 0 && (edited || asked || line.title_col == 1) {
                        self.drawn_lines += 1;
                        if self.drawn_lines > LEARNT_WHOLE && !self.drawn_lines.is_multiple_of(16) {
                            continue;
                        }
                        let text = drawn.line_text(*index);
                        let low = low_byte(line, text, 0);
                        let found = prompt::bounded(text, low, None);
                        self.learnt.line(text, &found, low);
                        if let Some(above) = above.filter(|_| edited) {
                            self.learn_herald(drawn, above, text);
                        }
                    }
                }
                _ => {}
            }
        }
    }

    /// Whether the region shows the prompt that this shell has shown many times: nothing is to be learnt from it.
    fn is_as_ever(&self, drawn: &Drawn, region: &Region) -> bool {
        self.usual.iter().any(|usual| {
            usual.met >= AS_EVER
                && region_rows(drawn, region)
                    .nth(usual.rows_before)
                    .is_some_and(|it| it.text.starts_with(&*usual.prompt))
        })
    }

    /// Counts how often a prompt was met as it is.
    fn met(&mut self, split: &Split) {
        let Some(judged) = split.evidence.first().copied() else { return };
        let found = self
            .usual
            .iter()
            .position(|it| it.prompt == split.prompt && it.rows_before == split.rows_before);
        match found {
            Some(at) => {
                self.usual[at].met = self.usual[at].met.saturating_add(1);
                // The commonest first.
                if at > 0 && self.usual[at].met > self.usual[at - 1].met {
                    self.usual.swap(at, at - 1);
                }
            }
            None => {
                if self.usual.len() >= USUAL_MAX {
                    self.usual.pop();
                }
                self.usual.push(Usual {
                    prompt: Arc::clone(&split.prompt),
                    rows_before: split.rows_before,
                    shape: split.shape.clone(),
                    judged,
                    met: 1,
                });
            }
        }
    }

    fn learn_herald(&mut self, drawn: &Drawn, above: u32, below: &str) {
        let text = drawn.line_text(above);
        if text.trim().is_empty() || text.len() > 240 || begin_alike(text, below) {
            return;
        }
        let key = prompt::skeleton_hash(text.trim_end());
        if self.heralds.len() < HERALDS_MAX || self.heralds.contains_key(&key) {
            let seen = self.heralds.entry(key).or_default();
            seen.wordy = prompt::is_wordy(text);
            seen.count += 1;
            seen.painted |= drawn.lines[above as usize].paint_col > 0;
        }
    }

    /// Whether the line above is the upper line of this session's prompt.
    fn is_heralded(&self, drawn: &Drawn, nth: usize) -> bool {
        if self.heralds.is_empty() || nth == usize::MAX {
            return false;
        }
        let above = drawn.items[..nth].iter().rev().find_map(|it| match it {
            Item::Line(index) if drawn.lines[*index as usize].bits & bits::OVERWRITTEN == 0 => {
                Some(Some(*index))
            }
            Item::Line(_) | Item::Title(_) => None,
            _ => Some(None),
        });
        let Some(Some(above)) = above else { return false };
        let text = drawn.line_text(above);
        let below = match drawn.items.get(nth) {
            Some(Item::Line(index)) => drawn.line_text(*index),
            _ => "",
        };
        if text.trim().is_empty() || text.len() > 240 || begin_alike(text, below) {
            return false;
        }
        self.heralds.get(&prompt::skeleton_hash(text.trim_end())).is_some_and(|it| {
            // Any output may be a few words: those herald only in colours.
            let painted = it.painted && drawn.lines[above as usize].paint_col > 0;
            painted && it.count >= 2 || it.count >= 3 && !it.wordy
        })
    }

    /// A window title. Many shells put the command there that they are about to run, whole or its beginning; some
    /// with what no line editor draws.
    fn title(&mut self, title: &str) {
        let Some(current) = self.current.as_mut().filter(|it| it.outputs == 0 && !it.named) else {
            return;
        };
        let text = &current.command.text;
        if text.len() < 2 || text.len() > JUDGED_BYTES || text.contains('\n') {
            return;
        }
        if let Some(whole) = named(title, text) {
            current.named = true;
            current.command.evidence.push(weigh("the window's title names it", 1.5));
            if whole != *text {
                current.command.text = whole;
            }
            return;
        }
        if title.len() >= 2
            && text.strip_prefix(title).is_some_and(|it| it.starts_with([' ', ';', '|', '&']))
        {
            // bash tells each simple command on its own.
            current.named = true;
            return;
        }
        // A prompt whose end was not known kept its last part before the command.
        let words = text.match_indices(' ').map(|it| it.0 + 1).take(16);
        let cut = words.into_iter().find(|at| {
            let rest = &text[*at..];
            rest.len() >= 2
                && !text[..*at].contains([';', '|', '&', '\'', '"'])
                && (title == rest || title.strip_prefix(rest).is_some_and(|it| it.starts_with(' ')))
        });
        let learnt = || prompt::known(&current.command.prompt).is_none_or(|it| !it.strong);
        if let Some(cut) = cut.filter(|_| learnt()) {
            current.named = true;
            current.command.prompt =
                Arc::from(format!("{}{}", current.command.prompt, &text[..cut]));
            current.command.text = text[cut..].to_owned();
            current.command.evidence.push(weigh("the window's title names it", 1.5));
        }
    }

    /// Whether lines like this one stand above this session's prompts, again and again.
    fn is_a_herald(&self, text: &str) -> bool {
        let seen = self.heralds.get(&prompt::skeleton_hash(text.trim_end()));
        text.len() <= 240 && seen.is_some_and(|it| it.count >= 3 && !it.wordy)
    }

    fn output(&mut self) {
        if let Some(current) = &mut self.current {
            current.outputs += 1;
        }
    }

    /// The current command is complete.
    fn close(&mut self) {
        let Some(current) = self.current.take() else { return };
        self.push(current.command);
        self.commands.append(&mut self.doubtful);
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
        if shell::is_open(&command.text) && command.kind == Kind::Shell {
            command.evidence.push(weigh("its syntax is open at the end", -0.7));
        }
        let sum: f32 = command.evidence.iter().map(|it| it.weight).sum();
        if sum < FLOOR && matches!(command.kind, Kind::Shell | Kind::Repl) {
            command.kind = Kind::Possible;
        }
        self.read += u64::from(command.kind != Kind::Possible);
        self.commands.push(command);
    }

    fn begin(&mut self, mut command: Command, marked: bool) {
        self.close();
        if self.echo_off && command.kind == Kind::Shell {
            if command.evidence.iter().any(|it| it.what == EDITED) {
                self.echo_off = false;
            } else {
                command.evidence.push(weigh("echo was off", -4.0));
            }
        }
        if command.text.contains("stty -echo") || command.text.contains("stty raw -echo") {
            self.echo_off = true;
        }
        if command.kind == Kind::Shell {
            self.may_change = shell::change(&command.text);
            // What a damaged command did is not known.
            self.unsure = command.damaged;
        }
        let mut does = Does::default();
        if matches!(command.kind, Kind::Shell | Kind::Repl) {
            let text = prompt::head(&command.text, JUDGED_BYTES);
            does = Does::of(text);
            self.prints = does.prints_files;
            text.clone_into(self.last.get_or_insert_default());
        }
        let draws_panes = command.kind == Kind::Shell && does.draws_panes;
        self.current =
            Some(Current { command, outputs: 0, decoys: 0, marked, draws_panes, named: false });
    }

    /// Adds a continuation line to the current command.
    fn extend(&mut self, text: &str, to: u64, kind: Kind) {
        let Some(current) = &mut self.current else { return };
        current.command.text.push('\n');
        current.command.text.push_str(text);
        current.command.to = current.command.to.max(to);
        if kind == Kind::Abandoned {
            current.command.kind = Kind::Abandoned;
        }
        if current.command.text.len() > JUDGED_BYTES {
            return;
        }
        let whole = current.command.text.clone();
        if current.command.kind == Kind::Shell {
            self.may_change = shell::change(&whole);
        }
        self.prints = Does::of(&whole).prints_files;
        self.last = Some(whole);
    }

    fn region(&mut self, drawn: &Drawn, region: &Region) {
        let crs = *self.region_crs.get_or_insert(region.crs);
        let replayed = region.input_at.is_none()
            && region.end == RegionEnd::Accepted
            && region.crs > crs
            && self.may_change.is_none();
        // readline and zle send a CR behind the mark; fish an escape. A shell does not change its ways.
        let foreign = region.escape_follows
            && !self.levels.is_empty()
            && !self.levels.iter().any(|it| it.escapes)
            && self.may_change != Some(Change::Shell);
        if !region.genuine || replayed || foreign {
            self.output();
            return;
        }
        let top_marked = self.levels.last().map(|it| it.marked);
        let explained = self.may_change.is_some() || self.levels.is_empty();
        if top_marked == Some(false) && !explained && !self.levels.iter().any(|it| it.marked) {
            // A shell that sets no marks does not begin to without a reason: someone printed them.
            self.output();
            return;
        }
        let Some(mut split) = self.split(drawn, region) else { return };
        let line = &drawn.lines[split.line as usize];
        let leaves_keypad = self.levels.last().is_some_and(|it| it.leaves_keypad);
        let kind = match region.end {
            RegionEnd::Accepted
                if region.keypad_left_on && leaves_keypad && region.input_at.is_some() =>
            {
                Kind::Abandoned
            }
            RegionEnd::Accepted => Kind::Shell,
            RegionEnd::Interrupted | RegionEnd::Left | RegionEnd::Open => Kind::Abandoned,
        };
        let mut text = std::mem::take(&mut split.text);
        text.truncate(text.trim_end().len());
        if let Some(found) = searched(&text) {
            text = found.to_owned();
        }
        if kind == Kind::Abandoned {
            text = text.strip_suffix("^C").unwrap_or(&text).trim_end().to_owned();
        }
        // Where each first prompt comes after a filled row, one without asks for more.
        let within = region.input_at.is_some()
            && !region.filled
            && self.levels.last().is_some_and(|it| it.fills)
            && self.current.as_ref().is_some_and(|it| {
                it.marked
                    && it.outputs == 0
                    && it.command.kind == Kind::Shell
                    && shell::is_open(&it.command.text)
            });
        if within || self.continues(&split, true, true) {
            self.extend(&text, region.to, kind);
            return;
        }
        if region.input_at.is_none() && !region.escape_follows && split.prompt.len() >= 2 {
            self.met(&split);
        }
        if region.escape_follows {
            self.thrown_away(drawn, region, &split.prompt);
        }
        let mut evidence = split.evidence;
        evidence.push(weigh(MARKED, 3.0));
        self.settle(&split.prompt, split.shape.as_ref(), true, split.rows_before, &mut evidence);
        if let Some(level) = self.levels.last_mut() {
            level.titled |= region.titled;
            level.escapes |= region.escape_follows;
            level.fills |= region.filled;
            level.leaves_keypad |= region.input_at.is_some() && !region.keypad_left_on;
        }
        let kind = match (kind, self.levels.last().map(|it| it.reads)) {
            (Kind::Shell, Some(Reads::Repl)) => Kind::Repl,
            (it, _) => it,
        };
        if line.bits & bits::EDITED != 0 {
            evidence.push(weigh(EDITED, 1.0));
        }
        let command =
            self.command(text, kind, &split.prompt, split.shape.as_ref(), evidence, |it| {
                it.from = region.from;
                it.to = region.to;
                it.line = u64::from(split.line);
                it.damaged = line.bits & bits::GUESSED != 0;
            });
        let mut command = command;
        if self.explains
            && let Some(row) = region_rows(drawn, region).nth(split.rows_before)
        {
            let found = row.found();
            command.runner_up =
                self.runner_up(split.rows_before as u8, row.text, &found, split.prompt.len());
        }
        if region.end == RegionEnd::Left && command.text.is_empty() {
            // Ctrl-D: this shell ends.
            self.begin(command, true);
            self.may_change = Some(Change::Leave);
            return;
        }
        self.begin(command, true);
    }

    /// Lines that Ctrl-C threw away between the same marks as the one that was run, as fish has them.
    fn thrown_away(&mut self, drawn: &Drawn, region: &Region, prompt: &Arc<str>) {
        let rows: Vec<(u32, String)> = region_rows(drawn, region)
            .filter_map(|it| {
                let shown = it.text.trim_end().strip_suffix("^C")?;
                let at = shown.find(&**prompt).filter(|_| !prompt.trim().is_empty())?;
                let text = shown[at + prompt.len()..].trim_end();
                (!text.is_empty()).then(|| (it.line, text.to_owned()))
            })
            .collect();
        for (line, text) in rows {
            let evidence = vec![weigh(MARKED, 3.0)];
            let command = self.command(text, Kind::Abandoned, prompt, None, evidence, |it| {
                (it.from, it.to) = (region.from, region.to);
                it.line = u64::from(line);
            });
            self.begin(command, true);
        }
    }

    fn command(
        &self,
        text: String,
        kind: Kind,
        prompt: &Arc<str>,
        shape: Option<&Shape>,
        mut evidence: Vec<Evidence>,
        place: impl FnOnce(&mut Command),
    ) -> Command {
        let level = self.levels.last();
        if text.contains('\u{fffd}') {
            evidence.push(weigh("a character was damaged", -1.5));
        }
        let root = shape.and_then(|it| it.root);
        let user = shape
            .and_then(|it| it.user.clone())
            .or_else(|| level.and_then(|it| it.user.clone()))
            .or_else(|| (root == Some(true)).then(|| Arc::from("root")));
        let depth = self.levels.iter().filter(|it| it.reads != Reads::Repl).count();
        let mut command = Command {
            text,
            kind,
            prompt: Arc::clone(prompt),
            os_user: user,
            host: shape
                .and_then(|it| it.host.clone())
                .or_else(|| level.and_then(|it| it.host.clone())),
            cwd: shape.and_then(|it| it.dir.clone()),
            depth: depth.saturating_sub(1) as u16,
            from: 0,
            to: 0,
            line: 0,
            evidence,
            damaged: false,
            runner_up: None,
        };
        place(&mut command);
        if command.damaged {
            command.evidence.push(weigh(
                "part of the line was lost in streaming, and is the likeliest reading",
                -0.7,
            ));
        }
        command.damaged |= command.text.contains('\u{fffd}');
        command.line += self.lines_before;
        command
    }

    /// Whether this prompt asks for more of the current command.
    fn continues(&self, split: &Split, marked: bool, exact: bool) -> bool {
        let Some(current) = &self.current else { return false };
        if current.outputs > 0 || current.command.text.is_empty() || current.marked != marked {
            return false;
        }
        let prompt = &*split.prompt;
        if current.command.kind == Kind::Repl {
            let bare = prompt.trim();
            return matches!(bare, "..." | "...>" | "->" | "...:") || is_repl_continuation(prompt);
        }
        if current.command.kind != Kind::Shell {
            return false;
        }
        let same = self.levels.last().is_some_and(|it| &*it.prompt == prompt);
        let short = prompt.trim_end().ends_with('>') && prompt.chars().count() <= 24;
        let long = current.command.text.len() > JUDGED_BYTES;
        let open = long || shell::is_open(&current.command.text);
        (prompt == "> " || prompt == ">") && (open || !same)
            || open && !same && (short || exact || prompt.is_empty())
    }

    /// Moves the stack to the shell that shows this prompt; says what that move is worth.
    fn settle(
        &mut self,
        shown: &Arc<str>,
        shape: Option<&Shape>,
        marked: bool,
        rows_before: usize,
        evidence: &mut Vec<Evidence>,
    ) {
        if self.may_change.is_none()
            && let Some(top) = self.levels.last()
            && top.prompt == *shown
            && top.rows_before == rows_before
            && top.marked == marked
            && top.shape.as_ref() == shape
        {
            // Nearly always: the same prompt again.
            evidence.push(weigh("the prompt of this shell", 1.0));
            return;
        }
        let user = shape.and_then(|it| it.user.clone());
        let host = shape.and_then(|it| it.host.clone());
        let reads = shape.map_or(Reads::Shell, |it| it.reads);
        let change = self.may_change.take();
        let identity = Identity::of(shown, shape);
        let fits = |it: &Level| it.identity == identity && it.rows_before == rows_before;
        let new_level = || Level {
            prompt: Arc::clone(shown),
            skeleton: prompt::skeleton(shown.trim_end()),
            identity: identity.clone(),
            reads,
            shape: shape.cloned(),
            user: user.clone(),
            host: host.clone(),
            dir: shape.and_then(|it| it.dir.clone()),
            marked,
            rows_before,
            titled: false,
            escapes: false,
            leaves_keypad: false,
            fills: false,
            crs: None,
            says_exit: false,
        };
        if self.levels.is_empty() {
            self.levels.push(new_level());
            evidence.push(weigh("the session's first prompt", 0.5));
            return;
        }
        let top_fits = self.levels.last().is_some_and(fits);
        if top_fits && change != Some(Change::Leave) {
            // `bash` in bash shows the same prompt one level deeper.
            if change == Some(Change::Shell)
                && self.last.as_deref().is_some_and(opens_silently)
                && reads == Reads::Shell
            {
                self.levels.push(new_level());
            } else if let Some(top) = self.levels.last_mut() {
                if top.prompt.trim_end() != &**shown {
                    let blanks = &top.prompt[top.prompt.trim_end().len()..];
                    top.prompt = if shown.ends_with(' ') || blanks.is_empty() {
                        Arc::clone(shown)
                    } else {
                        Arc::from(format!("{shown}{blanks}"))
                    };
                    top.shape = shape.cloned();
                }
                top.marked = marked;
                top.dir = shape.and_then(|it| it.dir.clone());
            }
            evidence.push(weigh("the prompt of this shell", 1.0));
            return;
        }
        let lower = self.levels.len().saturating_sub(1);
        let found = self.levels[..lower].iter().rposition(fits);
        match change {
            Some(Change::Leave) => {
                if let Some(at) = found {
                    self.leave_to(at);
                    evidence.push(weigh("the prompt of the shell around it", 1.0));
                } else if top_fits {
                    evidence.push(weigh("the prompt of this shell", 1.0));
                } else {
                    if self.levels.len() > 1 {
                        self.levels.pop();
                    }
                    self.replace_top(new_level());
                    evidence.push(weigh("a prompt not seen before, after a shell ended", 0.0));
                }
            }
            Some(Change::Shell | Change::Repl) => {
                if let Some(at) = found {
                    // The program failed, or ended at once, or was left by a key.
                    self.leave_to(at);
                } else {
                    self.levels.push(new_level());
                }
                evidence.push(weigh("a new prompt, after a command that opens one", 1.0));
            }
            Some(Change::Prompt) => {
                self.replace_top(new_level());
                evidence.push(weigh("a new prompt, after a command that sets it", 0.8));
            }
            None => {
                if let Some(at) = found {
                    self.leave_to(at);
                    evidence.push(weigh("the prompt of a shell around it", 0.5));
                } else {
                    let same_place = self
                        .levels
                        .last()
                        .is_some_and(|it| it.user == user && it.host == host && it.reads == reads);
                    self.replace_top(new_level());
                    let weight = if same_place { 0.0 } else { -0.5 };
                    evidence.push(weigh("a prompt not seen before", weight));
                }
            }
        }
    }

    /// The shells above this one have ended, as far as we can see.
    fn leave_to(&mut self, at: usize) {
        for level in self.levels.drain(at + 1..) {
            if self.gone.len() < 32 && !self.gone.contains(&level.identity) {
                self.gone.push(level.identity);
            }
        }
    }

    fn replace_top(&mut self, level: Level) {
        if let Some(top) = self.levels.last_mut() {
            let (titled, crs, says_exit) = (top.titled, top.crs, top.says_exit);
            let (leaves_keypad, fills) = (top.leaves_keypad, top.fills);
            *top = Level { titled, crs, says_exit, leaves_keypad, fills, ..level };
        }
    }

    /// Splits a region into prompt and text.
    fn split(&self, drawn: &Drawn, region: &Region) -> Option<Split> {
        let rows: Vec<RegionRow<'_>> = region_rows(drawn, region).collect();
        if let (Some((line, col)), Some(typed)) = (region.input_at, &region.typed) {
            let text = drawn.line_text(line.min(drawn.lines.len() as u32 - 1));
            let end = prompt::byte_of_column(text, col as usize);
            let shown = &text[..end];
            let shape = prompt::known(shown).filter(|it| it.end == shown.len());
            return Some(Split {
                prompt: Arc::from(shown),
                rows_before: 0,
                text: typed.clone(),
                shape,
                line,
                evidence: vec![weigh("the shell marks where input begins", 1.5)],
            });
        }
        if rows.is_empty() {
            return None;
        }
        let mut evidence = Vec::with_capacity(EVIDENCE);
        let fish = region.escape_follows;
        // fish goes on between the same marks after Ctrl-C.
        let thrown = rows.iter().rposition(|it| fish && it.text.trim_end().ends_with("^C"));
        let rows = &rows[thrown.map_or(0, |it| it + 1).min(rows.len() - 1)..];
        if let Some(row) = rows.iter().rposition(|it| searched(it.text).is_some()) {
            let top = self.levels.last();
            return Some(Split {
                prompt: top.map_or_else(|| Arc::from(""), |it| Arc::clone(&it.prompt)),
                rows_before: top.map_or(0, |it| it.rows_before),
                text: rows[row].text.to_owned(),
                shape: top.and_then(|it| prompt::known(&it.prompt)),
                line: rows[row].line,
                evidence: vec![weigh("found by a search in the history", 0.5)],
            });
        }
        let drawn_end = rows.iter().enumerate().take(6).find_map(|(row, it)| {
            // fish goes to the margin and right over its prompt before each character.
            let end = it.low.filter(|end| fish && *end > 0)?;
            let shape = prompt::known(it.text).filter(|it| it.end == end);
            Some((row, end, shape))
        });
        let (row, end, shape) = match drawn_end {
            Some(it) => {
                evidence.push(weigh("the line editor returns to where the prompt ends", 1.5));
                it
            }
            None => self.prompt_end(rows, &mut evidence)?,
        };
        let literal = &rows[row].text[..end];
        let shown = match self.levels.last() {
            Some(top) if &*top.prompt == literal => Arc::clone(&top.prompt),
            _ => Arc::from(literal),
        };
        // Completion lists, Ctrl-L and Ctrl-R draw the prompt again: the last one counts.
        let bare = shown.trim_end();
        let last = if bare.is_empty() {
            row
        } else {
            rows.iter()
                .rposition(|it| it.text.starts_with(&*shown) || it.text == bare)
                .unwrap_or(row)
        };
        let mut text = rows[last].text.get(end..).unwrap_or_default().to_owned();
        let right = self.learnt.is_right_end(rows[last].text);
        if right && let Some(at) = text.trim_end().rfind("  ") {
            text.truncate(text[..at].trim_end().len());
        } else if fish {
            let entered = prompt::byte_of_column(rows[last].text, region.enter_col as usize);
            without_right_prompt(&mut text, entered.saturating_sub(end));
        }
        // A transient prompt: at Enter the line is drawn once more behind a shorter one.
        let typed = text.trim();
        let again = rows.last().is_some_and(|it| {
            !typed.is_empty()
                && rows.len() > last + 1
                && it.text.trim_end().strip_suffix(typed).is_some_and(|it| it.chars().count() <= 4)
        });
        let more = if again { &[] } else { &rows[last + 1..] };
        for more in more {
            text.push('\n');
            // The indentation is how fish shows the line, and no part of it.
            text.push_str(if fish { more.text.trim_start() } else { more.text });
        }
        Some(Split {
            prompt: shown,
            rows_before: row,
            text,
            shape,
            line: rows[last].line,
            evidence,
        })
    }

    /// The row of the prompt's last line and the byte at which the prompt ends.
    fn prompt_end(
        &self,
        rows: &[RegionRow<'_>],
        evidence: &mut Vec<Evidence>,
    ) -> Option<(usize, usize, Option<Shape>)> {
        let mut best: Option<(f32, usize, usize)> = None;
        let usual = self.usual.iter().find(|it| {
            !self.explains
                && it.met >= AS_EVER
                && rows.get(it.rows_before).is_some_and(|row| {
                    // A further segment, as for a failure, makes it another prompt.
                    row.text.strip_prefix(&*it.prompt).is_some_and(|rest| {
                        rest.is_ascii() || !rest.chars().take(24).any(prompt::is_ornament)
                    })
                })
        });
        if let Some(it) = usual {
            // Judged often enough: the same prompt stands here again.
            evidence.push(it.judged);
            return Some((it.rows_before, it.prompt.len(), it.shape.clone()));
        }
        let founds: Vec<Vec<Candidate>> = rows.iter().take(4).map(RegionRow::found).collect();
        for (row, (RegionRow { text, .. }, found)) in rows.iter().zip(&founds).enumerate() {
            let shape = prompt::known(text);
            for it in found {
                let mut score = self.learnt.region_score(row as u8, text, *it);
                if let Some(shape) = &shape
                    && shape.end == it.end
                {
                    score = score.max(1.0) * if shape.strong { 4.0 } else { 1.5 };
                }
                let literal = &text[..it.end];
                if self
                    .levels
                    .iter()
                    .any(|level| level.rows_before == row && &*level.prompt == literal)
                {
                    score = score.max(1.0) * 2.0;
                }
                if best.is_none_or(|(most, ..)| score > most) {
                    best = Some((score, row, it.end));
                }
            }
        }
        let (mut score, mut row, mut end) = best.unwrap_or((0.0, 0, 0));
        // A prompt seldom ends in a word; where a sign follows that others of this session end with, it goes on.
        if !rows[row].text[..end].trim_end().ends_with(|it: char| !it.is_alphanumeric()) {
            let text = rows[row].text;
            let farther = founds[row]
                .iter()
                .filter(|it| it.end > end && it.weight >= 0.8)
                .filter(|it| self.learnt.region_count(row as u8, &text[..it.end]) >= 2)
                .map(|it| (self.learnt.region_score(row as u8, text, *it), it.end))
                .max_by(|one, other| one.0.total_cmp(&other.0));
            if let Some((more, at)) = farther {
                (score, end) = (score.max(more), at);
            }
        }
        // A prompt of several lines is as common in its last one; commands of several lines are not.
        let here = self.learnt.region_count(row as u8, &rows[row].text[..end]);
        for (below, it) in rows.iter().enumerate().take(4).skip(row + 1) {
            let found = founds[below].iter().filter(|it| it.weight >= 0.8).filter(|found| {
                let count = self.learnt.region_count(below as u8, &it.text[..found.end]);
                count >= 3 && count * 4 >= here * 3
            });
            if let Some(found) = found.max_by_key(|it| it.end) {
                (row, end) = (below, found.end);
            }
        }
        let text = rows[row].text;
        if prompt::known(text).is_none_or(|it| it.end != end || !it.strong) {
            let count = |it: &str| self.learnt.region_count(row as u8, it);
            end = prompt::farthest(text, end, &founds[row], count);
        }
        let shape = prompt::known(text).filter(|it| it.end == end);
        evidence.push(match (&shape, score) {
            (Some(it), _) if it.strong => weigh("a prompt of a known shape", 1.0),
            (_, score) if score >= 3.0 => weigh("a prompt that repeats in this session", 0.8),
            (Some(_), _) => weigh("a bare prompt sign", 0.2),
            _ => weigh("a prompt seen too seldom to be sure of", -1.5),
        });
        Some((row, end, shape))
    }

    fn line(&mut self, drawn: &Drawn, index: u32, nth: usize) {
        let line = &drawn.lines[index as usize];
        if line.bits & bits::SCREEN != 0 && self.in_panes() {
            self.pane_row(drawn, index);
        }
        if line.bits & (bits::INPUT | bits::OVERWRITTEN) != 0 {
            return;
        }
        if line.bits & bits::SCREEN != 0 {
            self.output();
            return;
        }
        let text = drawn.line_text(index);
        if line.bits & bits::PASTED != 0 && self.current.is_some() {
            self.extend(text, line.to, Kind::Shell);
            return;
        }
        let early = self.first_lines < 40;
        if !text.is_empty() {
            self.first_lines = self.first_lines.saturating_add(1);
        }
        let top_marked = self.levels.last().is_some_and(|it| it.marked);
        let repl = self.levels.last().is_some_and(|it| it.reads == Reads::Repl);
        let quiet = self.may_change.is_none() && !repl;
        let first = self.levels.is_empty();
        if top_marked && quiet || first && !early {
            self.output();
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
        let went_back = line.low_col != u16::MAX && line.low_col > 0;
        if line.bits & bits::EDITED != 0 && went_back && !self.streamed {
            if self.unread.0 == 0 {
                self.unread.1 = line.from;
            }
            self.unread.0 += 1;
        }
        self.output();
        if let Some(current) = &mut self.current
            && looks_like_a_prompt(text)
        {
            current.decoys += 1;
        }
        let printed = self.prints;
        if matches!(text.trim(), "exit" | "logout") && !printed {
            self.may_change.get_or_insert(Change::Leave);
        }
    }

    /// Whether the line lacks whatever [`Self::plain`] asks of a line. Nearly all lines of output are turned away here,
    /// by a scan for one sign.
    fn is_mere_output(&self, line: &Line, text: &str) -> bool {
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
            && !matches!(text.trim(), "exit" | "logout")
    }

    /// Whether a terminal multiplexer draws the screen.
    fn in_panes(&self) -> bool {
        self.current.as_ref().is_some_and(|it| it.draws_panes)
    }

    /// Edited lines behind a prompt that could not be learnt: the place of the first, and how many. A few
    /// are what programs do that draw on one line.
    pub fn unread(&self) -> Option<(u64, u64)> {
        let (many, first) = self.unread;
        (many >= 5 && many > self.read).then_some((first, many))
    }

    /// Where a multiplexer first drew, if one did.
    pub fn panes_from(&self) -> Option<u64> {
        self.panes.first
    }

    /// A row that a multiplexer drew: each pane's part of it may be a prompt and a command.
    fn pane_row(&mut self, drawn: &Drawn, index: u32) {
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

    fn pane_part(&mut self, drawn: &Drawn, index: u32, start: usize, part: &str, last: bool) {
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
            || !self.panes.seen.insert((identity.clone(), typed.into()))
        {
            return;
        }
        if !self.panes.identities.contains(&identity) {
            self.panes.identities.push(identity);
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
        let evidence = vec![
            weigh("a prompt of this session", 1.5),
            weigh("read from a pane that a multiplexer drew", -0.5),
        ];
        let mut command =
            self.command(typed.to_owned(), kind, &prompt, shape.as_ref(), evidence, |it| {
                it.from = line.from;
                it.to = line.to;
                it.line = u64::from(index);
            });
        command.depth += 1;
        self.doubtful.push(command);
    }

    fn pane_prompt(&self, part: &str) -> Option<(usize, Option<Shape>)> {
        if let Some(shape) = prompt::known(part).filter(|it| it.strong && it.reads == Reads::Shell)
        {
            let identity = Identity::of(&part[..shape.end], Some(&shape));
            let fits = self.panes.identities.is_empty()
                || self.panes.changed
                || self.panes.identities.contains(&identity)
                || self.levels.iter().any(|it| it.identity == identity);
            return fits.then_some((shape.end, Some(shape)));
        }
        let level = self
            .levels
            .iter()
            .rev()
            .find(|it| it.prompt.trim_end().len() >= 2 && part.starts_with(&*it.prompt))?;
        Some((level.prompt.len(), None))
    }

    /// The session's first prompt comes with marks: lines before it are a banner.
    fn starts_with_region(&self, drawn: &Drawn, nth: usize) -> bool {
        drawn.items[nth..]
            .iter()
            .take(40)
            .any(|it| matches!(it, Item::Region(region) if region.genuine))
    }

    /// Reads a line of a shell without marks. `false` if it is output.
    fn plain(&mut self, drawn: &Drawn, index: u32, nth: usize, text: &str) -> bool {
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
        if self.levels.is_empty() && !edited && self.is_a_herald(text) {
            // The upper line of the first prompt.
            return false;
        }
        if self.levels.is_empty()
            && self.starts_with_region(drawn, nth)
            && !prompt::known(rest).is_some_and(|it| it.strong && it.reads == Reads::Shell)
        {
            return false;
        }
        let low = low_byte(line, text, 0).map(|it| it.saturating_sub(start));
        if let Some(top) = self.levels.last().filter(|it| !it.marked && edited)
            && searched(rest).is_some()
        {
            let (shown, shape) = (top.prompt.clone(), prompt::known(&top.prompt));
            let mut evidence = vec![weigh("found by a search in the history", 1.0)];
            return self.accept(drawn, index, nth, shown, rest, shape, &mut evidence, edited);
        }
        let Some((end, shape, mut evidence)) =
            self.plain_prompt(rest, edited, titled, low, line.crs)
        else {
            return self.inside(drawn, index, text, edited);
        };
        let shown: Arc<str> = Arc::from(&rest[..end.min(rest.len())]);
        let body = rest.get(end..).unwrap_or_default();
        self.accept(drawn, index, nth, shown, body, shape, &mut evidence, edited)
    }

    /// A prompt that follows output without a newline.
    fn inside(&mut self, drawn: &Drawn, index: u32, text: &str, edited: bool) -> bool {
        let Some(top) = self.levels.last() else { return false };
        if top.marked || top.prompt.len() < 6 || text.len() > 4096 {
            return false;
        }
        let shown = top.prompt.clone();
        let Some(at) = text.find(&*shown).filter(|it| *it > 0) else { return false };
        let printed = self.prints;
        if top.titled || (printed && !edited && !text[at + shown.len()..].is_empty()) && at > 40 {
            return false;
        }
        let shape = prompt::known(&text[at..]);
        let mut evidence = vec![weigh("the prompt stands behind output without a newline", 0.5)];
        let body = text[at + shown.len()..].to_owned();
        self.accept(drawn, index, usize::MAX, shown, &body, shape, &mut evidence, edited)
    }

    #[expect(clippy::too_many_arguments, reason = "one place, called from two")]
    fn accept(
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
            evidence.push(weigh(EDITED, 1.5));
        }
        if self.current.as_ref().is_some_and(|it| {
            prompt::head(&it.command.text, JUDGED_BYTES)
                .lines()
                .skip(1)
                .any(|typed| drawn.line_text(index).ends_with(typed))
                && !body.trim().is_empty()
        }) && !edited
        {
            evidence.push(weigh("it repeats what was just typed", -3.0));
        }
        if self.in_one_burst(line) {
            evidence.push(weigh(
                "it came in one burst with a command that prints what others wrote",
                -9.0,
            ));
        }
        if shell::change(body) == Some(Change::Shell) && next_is_announced(drawn, nth) {
            evidence.push(weigh("a new shell's prompt follows at once", 3.0));
        }
        let sum: f32 = evidence.iter().map(|it| it.weight).sum();
        if sum < FLOOR {
            self.possible(drawn, index, &shown, body, shape.as_ref(), std::mem::take(evidence));
            return false;
        }
        self.settle(&shown, shape.as_ref(), false, 0, evidence);
        let announced = is_announced(line) || self.is_heralded(drawn, nth);
        if let Some(level) = self.levels.last_mut() {
            level.titled |= announced;
            if level.crs.is_none() && line.bits & bits::UNFINISHED == 0 {
                level.crs = Some(line.crs);
            }
        }
        let broken = body.len() + shown.len() >= 60
            && self.levels.last().and_then(|it| it.crs).is_some_and(|it| line.crs == it + 1);
        self.margin = broken.then(|| drawn.line_text(index).chars().count());
        let body = if broken { body } else { body.trim_end() };
        let body = searched(body).unwrap_or(body);
        let (body, mut kind) = interrupted(body);
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
                it.damaged = line.bits & bits::GUESSED != 0;
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
        true
    }

    /// Output that may have been typed: kept apart, and nothing follows from it.
    fn possible(
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
    fn left_by_key(&mut self, drawn: &Drawn, nth: usize, body: &str) -> bool {
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
        let Some(top) = self.levels.last_mut() else { return false };
        let bash = top.prompt.contains("sh-") || top.titled || top.user.is_some() || top.says_exit;
        top.says_exit |= echoed;
        bash && !echoed && top.reads == Reads::Shell && nth + 1 < drawn.items.len()
    }

    /// Where the prompt of a line ends, if this shell may show it here.
    fn plain_prompt(
        &self,
        text: &str,
        edited: bool,
        titled: bool,
        low: Option<usize>,
        crs: u8,
    ) -> Option<(usize, Option<Shape>, Vec<Evidence>)> {
        let shape = self.shape_of(text);
        let decoys = self.current.as_ref().map_or(0, |it| it.decoys);
        let prints = self.prints;
        let printed = prints && self.current.as_ref().is_some_and(|it| it.outputs > 0);
        if let Some(top) = self.levels.last()
            && !top.marked
        {
            let settled = self.may_change.is_none();
            let same = self.same_prompt(top, text, shape.as_ref(), titled, low);
            if top.titled && !titled && top.reads == Reads::Shell && (settled || same.is_some()) {
                // This shell sets a title before each prompt; here is none.
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
                    evidence.push(weigh(ANNOUNCED, 2.0));
                }
                let strong = shape.as_ref().is_some_and(|it| it.strong);
                evidence.push(if strong {
                    weigh("a prompt of a known shape", 1.5)
                } else {
                    weigh("the prompt of this session", 0.8)
                });
                let moved = match (&shape, &top.dir) {
                    (Some(it), Some(dir)) => it.dir.as_ref().is_some_and(|it| it != dir),
                    _ => false,
                };
                if moved && !titled && !self.last.as_deref().is_some_and(shell::moves) {
                    evidence.push(weigh("the directory changed without a reason", -1.5));
                }
                if prints && !edited && !titled {
                    // A README shows default prompts; it does not know this host or this style.
                    let words = top.prompt.chars().filter(|it| it.is_alphanumeric()).count();
                    let own = shape
                        .as_ref()
                        .map_or(top.skeleton.len() >= 5 || words >= 3, |it| it.user.is_some());
                    let weight = match (decoys > 0, own, printed) {
                        (true, false, _) => -3.0,
                        (true, true, _) => -0.7,
                        (false, true, true) => -0.3,
                        (false, true, false) => 0.0,
                        (false, false, true) => -0.6,
                        // Nothing else was printed yet: this may be all there is.
                        (false, false, false) => -1.2,
                    };
                    evidence.push(weigh("the command before prints what others wrote", weight));
                }
                return Some((end, shape, evidence));
            }
            if titled && top.titled && self.may_change.is_none() {
                // The title says a prompt, and the prompt is not the one we know: it was emptied.
                return None;
            }
        }
        self.other_prompt(text, shape, edited, titled, low)
    }

    /// [`prompt::known`], remembered where the last prompt stands here again: its shape ends in a sign and a blank,
    /// and no shape looks beyond.
    fn shape_of(&self, text: &str) -> Option<Shape> {
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

    fn same_prompt(
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
            return Some((
                top.prompt.len(),
                shape.filter(|it| it.end == top.prompt.len()).cloned(),
            ));
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
                        || prompt::shares_a_word(&top.prompt, &text[..it.end])
                })
                .find(|it| {
                    prompt::skeleton(text[..it.end].trim_end()) == top.skeleton
                        && self.learnt.line_score(&text[..it.end], it.weight) > 0.0
                })
                .map(|it| (it.end, None));
        }
        None
    }

    /// A prompt other than this shell's: only where one may appear.
    fn other_prompt(
        &self,
        text: &str,
        shape: Option<Shape>,
        edited: bool,
        titled: bool,
        low: Option<usize>,
    ) -> Option<(usize, Option<Shape>, Vec<Evidence>)> {
        let first = self.levels.is_empty();
        let lower = self.levels.len().saturating_sub(1);
        let repl = self.levels.last().is_some_and(|it| it.reads == Reads::Repl);
        if let Some(shape) = &shape
            && (self.may_change.is_some() || repl)
        {
            let identity = Identity::of(&text[..shape.end], Some(shape));
            let known_level =
                self.levels[..lower].iter().any(|it| !it.marked && it.identity == identity);
            if known_level {
                let evidence = vec![weigh("the prompt of a shell around it", 1.5)];
                return Some((shape.end, Some(shape.clone()), evidence));
            }
        } else if self.may_change.is_some() || repl {
            let around = self.levels[..lower].iter().rev().find_map(|it| {
                let fits = !it.marked && !it.prompt.trim().is_empty() && (titled || !it.titled);
                fits.then(|| self.same_prompt(it, text, None, titled, low)).flatten()
            });
            if let Some((end, _)) = around {
                let evidence = vec![weigh("the prompt of a shell around it", 1.0)];
                return Some((end, None, evidence));
            }
        }
        let change = self.may_change;
        if !first && change.is_none() {
            let shape = shape.filter(|it| titled && it.strong)?;
            let identity = Identity::of(&text[..shape.end], Some(&shape));
            let evidence = vec![
                weigh("the prompt of a shell that was left before", 0.5),
                weigh(ANNOUNCED, 1.0),
            ];
            return (self.unsure || self.gone.contains(&identity)).then_some((
                shape.end,
                Some(shape),
                evidence,
            ));
        }
        if let Some(shape) = shape {
            let wanted = match change {
                Some(Change::Repl) => shape.reads == Reads::Repl,
                Some(Change::Leave) => shape.reads != Reads::Repl,
                _ => shape.reads != Reads::Repl || first,
            };
            let within = low.is_none_or(|it| shape.end <= it);
            let learnt = self.learnt.line_score(&text[..shape.end], 1.0) > 0.0;
            let enough = shape.strong || !first || learnt || (edited && shape.root != Some(true));
            if wanted && within && enough {
                let weight = if shape.strong { 1.5 } else { 0.6 };
                let mut evidence = vec![weigh("a prompt of a known shape", weight)];
                if titled {
                    evidence.push(weigh(ANNOUNCED, 2.0));
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
            let evidence = vec![weigh("a window title was set, and the prompt was emptied", 1.0)];
            return emptied.then_some((0, None, evidence));
        };
        let mut evidence = vec![weigh("a prompt that this session repeats and edits", 0.8)];
        if titled {
            evidence.push(weigh(ANNOUNCED, 2.0));
        }
        Some((end, None, evidence))
    }

    /// The best end of a learnt prompt at the start of the line.
    fn learnt_end(&self, text: &str, low: Option<usize>) -> Option<(usize, f32)> {
        if self.learnt.is_empty() {
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

/// The beginning of the title that is this command, if it is: with characters that take no room and are not drawn.
fn named(title: &str, command: &str) -> Option<String> {
    let mut drawn = command.chars().peekable();
    let mut end = 0;
    for (at, ch) in title.char_indices() {
        let undrawn = UnicodeWidthChar::width(ch) == Some(0) && drawn.peek().is_some();
        if drawn.next_if_eq(&ch).is_none() && !undrawn {
            break;
        }
        end = at + ch.len_utf8();
    }
    let whole = drawn.peek().is_none();
    (whole && title[end..].chars().next().is_none_or(char::is_whitespace))
        .then(|| title[..end].to_owned())
}

/// Whether two lines begin alike, as two prompts of one shell do, and the two lines of a prompt seldom.
fn begin_alike(one: &str, other: &str) -> bool {
    one.chars().zip(other.chars()).take(3).filter(|it| it.0 == it.1).count() == 3
}

/// The command that a reverse search had found when Enter was pressed in the middle of it.
fn searched(text: &str) -> Option<&str> {
    let rest = ["(reverse-i-search)`", "(i-search)`", "(failed reverse-i-search)`"]
        .iter()
        .find_map(|it| text.strip_prefix(it))?;
    rest.split_once("': ").map(|it| it.1)
}

/// Cuts what stands behind two blanks or more, beyond the place where the cursor was at Enter.
fn without_right_prompt(text: &mut String, entered: usize) {
    let from =
        (0..=entered.min(text.len())).rev().find(|it| text.is_char_boundary(*it)).unwrap_or(0);
    if let Some(at) = text[from..].find("  ") {
        text.truncate(from + at);
    }
}

/// The next line is a prompt that a line editor has drawn.
fn next_is_announced(drawn: &Drawn, nth: usize) -> bool {
    drawn.items.get(nth.saturating_add(1)..).is_some_and(|rest| {
        rest.iter()
            .find_map(|it| match it {
                Item::Line(index) => {
                    let line = &drawn.lines[*index as usize];
                    let shape = prompt::known(drawn.line_text(*index));
                    let inside = line.bits & bits::INPUT != 0;
                    Some(inside || is_announced(line) && shape.is_some_and(|it| it.strong))
                }
                Item::Region(region) => Some(region.genuine),
                _ => None,
            })
            .unwrap_or(false)
    })
}

/// Something that this shell always sends came right before the prompt: a window title, or a question
/// about the cursor.
fn is_announced(line: &Line) -> bool {
    line.title_col > 0 || line.bits & bits::ASKED != 0
}

/// The sign that the prompt ends or begins with.
fn sign_of(prompt: &str) -> Option<char> {
    let bare = prompt.trim();
    let ends = [bare.chars().next_back(), bare.chars().next()];
    ends.into_iter().flatten().find(|it| !it.is_alphanumeric())
}

fn has(text: &str, sign: char) -> bool {
    let mut bytes = [0; 4];
    let bytes = sign.encode_utf8(&mut bytes).as_bytes();
    match bytes {
        [one] => memchr::memchr(*one, text.as_bytes()).is_some(),
        _ => memchr::memmem::find(text.as_bytes(), bytes).is_some(),
    }
}

/// Whether the line has the sign that the prompt ends or begins with. Most output has neither, and
/// is turned away here before anything is built from it.
fn shares_a_sign(prompt: &str, text: &str) -> bool {
    sign_of(prompt).is_none_or(|it| has(prompt::head(text, 240), it))
}

/// A notice of the shell about a background job, printed before the prompt.
fn is_job_notice(text: &str) -> bool {
    text.starts_with('[')
        && text[1..].split_once(']').is_some_and(|(number, rest)| {
            number.chars().all(|it| it.is_ascii_digit())
                && ["Done", "Exit", "Stopped", "Terminated", "Killed", "Running"]
                    .iter()
                    .any(|it| rest.trim_start_matches(['+', '-', ' ']).starts_with(it))
        })
}

/// Output that shows someone's prompt, indented or not: what surrounds it is to be doubted.
fn looks_like_a_prompt(text: &str) -> bool {
    let start = text.trim_start();
    prompt::known(start)
        .is_some_and(|it| it.end < start.len() && (it.strong || start.starts_with("$ ")))
}

/// Programs that start a shell with the prompt of the one around it.
fn opens_silently(text: &str) -> bool {
    let first = text.split_whitespace().find(|it| *it != "sudo" && !it.starts_with('-'));
    matches!(first, Some("bash" | "sh" | "zsh" | "fish" | "dash" | "ksh" | "/bin/bash" | "/bin/sh"))
}

fn is_repl_continuation(prompt: &str) -> bool {
    let bare = prompt.trim();
    bare.ends_with("->") || bare.ends_with("-#") || bare.ends_with("'>") || bare.ends_with("(>")
}

/// Text without the `^C` that interrupted it.
fn interrupted(text: &str) -> (&str, Option<Kind>) {
    match text.strip_suffix("^C") {
        Some(rest) => (rest.trim_end(), Some(Kind::Abandoned)),
        None => (text, None),
    }
}

/// The end of a continuation prompt at the start of the line.
fn continuation_end(text: &str) -> Option<usize> {
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

/// One row of an input region.
struct RegionRow<'a> {
    line: u32,
    text: &'a str,
    low: Option<usize>,
    paint: Option<usize>,
}

impl RegionRow<'_> {
    /// The places where a prompt may end in it.
    fn found(&self) -> Vec<Candidate> {
        let mut found = prompt::bounded(self.text, self.low, self.paint);
        if found.is_empty() || found.iter().all(|it| it.weight < 0.2) {
            found.push(Candidate { end: 0, weight: 0.1 });
        }
        found
    }
}

/// Regions and lines of a session that are all learnt from; beyond, one in sixteen tells enough.
const LEARNT_WHOLE: u64 = 1024;

/// A prompt met so often is not judged anew each time.
const AS_EVER: u32 = 16;

/// The byte that the line editor went back to.
fn low_byte(line: &Line, text: &str, skipped: usize) -> Option<usize> {
    (line.low_col != u16::MAX)
        .then(|| prompt::byte_of_column(text, (line.low_col as usize).saturating_sub(skipped)))
}

fn region_rows<'a>(
    drawn: &'a Drawn,
    region: &'a Region,
) -> impl Iterator<Item = RegionRow<'a>> + 'a {
    let rows =
        region.lines.clone().filter(|it| drawn.lines[*it as usize].bits & bits::OVERWRITTEN == 0);
    rows.enumerate().map(|(nth, index)| {
        let line = &drawn.lines[index as usize];
        let mut text = drawn.line_text(index);
        let mut skipped = 0;
        if nth == 0 && region.start_col > 0 {
            skipped = region.start_col as usize;
            text = &text[prompt::byte_of_column(text, skipped)..];
        }
        if line.end_col > 0 {
            let end = (line.end_col as usize).saturating_sub(skipped);
            text = &text[..prompt::byte_of_column(text, end)];
        }
        let low = low_byte(line, text, skipped);
        // fish paints what is typed.
        let paint = (line.paint_col > 0 && !region.escape_follows).then(|| {
            prompt::byte_of_column(text, (line.paint_col as usize).saturating_sub(skipped))
        });
        RegionRow { line: index, text, low, paint }
    })
}
