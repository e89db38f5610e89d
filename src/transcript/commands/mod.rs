//! Lines and input regions → what was typed, with how sure we are and why.
//!
//! Only output was recorded, so a command is always an inference. Three habits keep it honest: nothing is
//! a prompt because it looks like one (the session's own prompts, a stack of shells and the marks of the line
//! editor decide); everything believed carries the evidence that was weighed; and what is not believed enough
//! is kept as *possible*, apart from the rest. A command that was not typed is worse than one missed.

use std::sync::Arc;

use crate::transcript::commands::covered::Covered;
use crate::transcript::commands::learning::Herald;
use crate::transcript::commands::learning::Usual;
use crate::transcript::commands::panes::Panes;
use crate::transcript::commands::repeats::Repeats;
use crate::transcript::commands::stack::Stack;
use crate::transcript::prompt;
use crate::transcript::prompt::ByHash;
use crate::transcript::prompt::Candidate;
use crate::transcript::prompt::Identity;
use crate::transcript::prompt::Learnt;
use crate::transcript::prompt::Shape;
use crate::transcript::screen::Drawn;
use crate::transcript::screen::Item;
use crate::transcript::screen::Line;
use crate::transcript::shell;
use crate::transcript::shell::Change;
use crate::transcript::shell::Does;

/// Shells on the screen of a program, and in strings that no terminal shows.
mod covered;

/// What a session teaches of its prompts.
mod learning;

/// Lines of shells that set no marks.
mod lines;

/// Shells in the panes of multiplexers.
mod panes;

/// Input regions.
mod regions;

/// Prompts that nothing marks.
mod repeats;

/// The shells a session is in.
mod stack;

/// What a text says of how it was read.
mod text;

/// What each piece of evidence is worth.
pub mod weights;

/// What a typed line was for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A shell ran it.
    Shell,
    /// A program with prompts of its own read it.
    Repl,
    /// Typed, and nothing tells whether it ran: in a zsh that leaves no trace, what was thrown away with Ctrl-C looks like what
    /// ran and printed nothing; and `^C` with something below it may be a key, or two signs that somebody typed.
    Unconfirmed,
    /// Typed and never run: Ctrl-C, or the session was lost.
    Abandoned,
    /// Looks typed, but the evidence is too thin to say so.
    Possible,
}

impl Kind {
    pub const ALL: [Self; 5] =
        [Self::Shell, Self::Repl, Self::Unconfirmed, Self::Abandoned, Self::Possible];

    pub fn name(self) -> &'static str {
        match self {
            Self::Shell => "shell",
            Self::Repl => "repl",
            Self::Unconfirmed => "unconfirmed",
            Self::Abandoned => "abandoned",
            Self::Possible => "possible",
        }
    }

    /// Kinds that ran, as rows name them. Only these are counted, and only these make somebody root or a session notable.
    pub const RAN: [&'static str; 2] = ["shell", "repl"];

    /// Those that ran, and what was perhaps typed: counted together only where somebody asks for both.
    pub const RAN_OR_POSSIBLE: [&'static str; 3] = ["shell", "repl", "possible"];

    /// Kinds that may have run: what an auditor reads first is looked for in these, and marked where it is not known to have run.
    pub const MAY_HAVE_RUN: [&'static str; 3] = ["shell", "repl", "unconfirmed"];

    /// Kinds that were typed: listed, and marked where they did not run or nothing tells.
    pub const TYPED: [&'static str; 4] = ["shell", "repl", "unconfirmed", "abandoned"];

    /// Those, and what was perhaps typed: only on request.
    pub const PERHAPS: [&'static str; 5] =
        ["shell", "repl", "unconfirmed", "abandoned", "possible"];

    /// Whether a row of this kind ran; what nobody knows did not.
    pub fn has_run(name: &str) -> bool {
        Self::RAN.contains(&name)
    }

    /// What stands behind the text of a row that is not a shell's command.
    pub fn mark(name: &str) -> &str {
        match name {
            "shell" => "",
            "abandoned" => "not run",
            it => it,
        }
    }
}

/// One thing that spoke for or against a command. The sum of weights is the log-odds of being right.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Evidence {
    pub what: &'static str,
    pub weight: f32,
}

impl Evidence {
    /// Whether this row of the table says the same, whatever it is worth here.
    fn is(&self, row: Self) -> bool {
        self.what == row.what
    }
}

/// Name of the flaw of a command a character of which was damaged on the way, or had to be guessed.
pub const DAMAGED: &str = "damaged";

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
        (weights::confidence(sum) * 1000.0).round() / 1000.0
    }
}

/// Longer texts are not judged anew with every line that is added to them: a here-document of a hundred
/// thousand lines must cost no more than its length.
const JUDGED_BYTES: usize = 4 << 10;

/// Pieces of evidence that most commands have.
const EVIDENCE: usize = 6;

/// Possible commands in the output of one that are held until it is complete.
const DOUBTFUL_MAX: usize = 4096;

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
    /// The shell has said what it runs.
    said: bool,
    /// It was handed on, because too much that is possible came after it.
    told: bool,
    /// Its shell draws the same whether a line ran or was thrown away.
    traceless: bool,
    /// `^C` stands behind it: a key that broke it off, or two signs that somebody typed.
    caret: bool,
}

impl Current {
    /// The next prompt has come. Where nothing was printed before it, no title told the command and the prompt shows nothing that
    /// the command explains, nothing tells whether that ran: a clock, a status or a number in the prompt goes on after Ctrl-C, too.
    fn confirm(&mut self, next: &Command) {
        let now = &self.command;
        let moved = || now.prompt != next.prompt && shell::moves(&now.text);
        let other =
            || now.os_user != next.os_user || now.host != next.host || next.kind == Kind::Repl;
        let unknown = self.traceless
            && self.outputs == 0
            && !self.named
            && now.kind == Kind::Shell
            && !moved()
            && !other();
        if unknown {
            self.command.kind = Kind::Unconfirmed;
        }
    }
}

/// Reads commands window by window, in order.
#[derive(Default)]
pub struct Reader {
    learnt: Learnt,
    levels: Stack,
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
    /// Lines with anything in them while no shell was known, and the place of the first.
    first_lines: u64,
    first_at: u64,
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
    /// Jobs that run in the background, may write to the terminal, and have not been reported as done.
    jobs: u32,
    /// The session's document runs one command and reads nothing.
    silent: bool,
    /// Prompts of shells that seemed to have ended. One that is announced as before has not.
    gone: Vec<Identity>,
    /// Prompts of regions that no command explains, and how often each has come.
    strangers: Vec<(Identity, u32)>,
    /// The last command was damaged on the way: what it did is not known.
    unsure: bool,
    /// Lines were streamed, a second's worth in one event.
    streamed: bool,
    /// Lines that stood just before edited ones, by skeleton: the upper line of a prompt of two.
    heralds: ByHash<Herald>,
    /// One of them was met often enough to count.
    heralding: bool,
    panes: Panes,
    covered: Covered,
    repeats: Repeats,
    /// Prompts met again and again, the commonest first.
    usual: Vec<Usual>,
    /// Second readings are asked for.
    explains: bool,
    /// Genuine input regions met, and lines that a line editor may have drawn.
    regions: u64,
    drawn_lines: u64,
    /// Questions that were answered without echo: how many, and the place of the first.
    unseen: (u64, u64),
    /// Edited lines that were taken for output: how many, and the place of the first.
    unread: (u64, u64),
    /// Commands read so far.
    read: u64,
}

struct Split {
    prompt: Arc<str>,
    rows_before: usize,
    text: String,
    shape: Option<Shape>,
    /// Line index of the row with the prompt.
    line: u32,
    evidence: Vec<Evidence>,
}

impl Reader {
    /// Reads one window of lines and items. `last` says that no more follows.
    pub fn window(&mut self, drawn: &Drawn, last: bool) -> impl Iterator<Item = Command> {
        self.read_window(drawn, last);
        self.commands.drain(..)
    }

    fn read_window(&mut self, drawn: &Drawn, last: bool) {
        if self.silent {
            return;
        }
        self.learn(drawn);
        self.repeats.forget_lines();
        for (nth, item) in drawn.items.iter().enumerate() {
            match item {
                Item::Line(index) => self.line(drawn, *index, nth),
                Item::Region(index) => self.region(drawn, &drawn.regions[*index as usize]),
                Item::ScreenOn => {
                    self.output();
                    self.covered = Covered::default();
                }
                Item::ScreenOff => self.covered = Covered::default(),
                Item::Hidden(index) => self.hidden_line(&drawn.hidden[*index as usize]),
                Item::Title(index) => self.title(&drawn.titles[*index as usize]),
                Item::Told(index, when) => self.told(&drawn.titles[*index as usize], *when),
            }
        }
        self.lines_before += drawn.lines.len() as u64;
        if self.doubtful.len() > DOUBTFUL_MAX && !last {
            self.hand_on();
        }
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
    }

    /// A recorded shell ends with two lines of `exit`, whatever was printed before: the person's, and the agent's.
    fn last_exits(&mut self) {
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
            && agents.line + 1 == self.lines_before;
        if ends {
            persons.kind = Kind::Shell;
            persons.evidence.push(weights::AGENTS_EXIT);
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

    fn output(&mut self) {
        if let Some(current) = &mut self.current {
            current.outputs = current.outputs.saturating_add(1);
        }
    }

    /// The current command is complete.
    fn close(&mut self) {
        let Some(mut current) = self.current.take() else { return };
        if current.caret && current.outputs > 0 && current.command.kind == Kind::Abandoned {
            // What is broken off prints nothing, but a prompt may begin with rows of its own. So nothing tells whether the signs were
            // typed and it ran.
            current.command.kind = Kind::Unconfirmed;
        }
        if !current.told {
            self.push(current.command);
        }
        self.commands.append(&mut self.doubtful);
    }

    /// What is possible waits for the command that printed it. Output without end must not fill the memory meanwhile.
    fn hand_on(&mut self) {
        if let Some(current) = self.current.as_mut().filter(|it| !it.told) {
            current.told = true;
            let command = current.command.clone();
            self.push(command);
        }
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
            command.evidence.push(weights::OPEN_SYNTAX);
        }
        if matches!(command.kind, Kind::Shell | Kind::Unconfirmed) {
            command.evidence.extend(text::doubts(&command.text, &command.prompt));
        }
        let sum: f32 = command.evidence.iter().map(|it| it.weight).sum();
        let guess = command
            .evidence
            .iter_mut()
            .find(|it| it.is(weights::LOST) || it.is(weights::WRITTEN_INTO));
        if let Some(it) = guess.filter(|_| sum > weights::MOST_IF_GUESSED) {
            it.weight -= sum - weights::MOST_IF_GUESSED;
        }
        if sum < weights::FLOOR && matches!(command.kind, Kind::Shell | Kind::Repl) {
            command.kind = Kind::Possible;
        }
        self.read += u64::from(command.kind != Kind::Possible);
        self.commands.push(command);
    }

    fn begin(&mut self, mut command: Command, marked: bool) {
        if let Some(current) = &mut self.current {
            current.confirm(&command);
            if current.command.kind == Kind::Shell
                && !current.said
                && let Some(level) = self.levels.last_mut()
            {
                level.says = 0;
            }
        }
        self.close();
        if self.echo_off && command.kind == Kind::Shell {
            if command.evidence.iter().any(|it| it.is(weights::EDITED)) {
                self.echo_off = false;
            } else {
                // What stands behind a prompt then is output, unless it is what people type.
                let first = command.text.split_ascii_whitespace().next().unwrap_or_default();
                let is_common = shell::is_common(first);
                let row = if is_common { weights::ECHO_OFF_COMMON } else { weights::ECHO_OFF };
                command.evidence.push(row);
            }
        }
        if shell::hides_what_is_typed(prompt::head(&command.text, JUDGED_BYTES)) {
            self.echo_off = true;
            self.unseen_at(command.from);
        }
        if command.kind == Kind::Shell {
            self.may_change = shell::change(&command.text);
            // What a damaged command did is not known.
            self.unsure = command.damaged;
            if self.may_change == Some(Change::Leave) || command.text == "wait" {
                self.jobs = 0;
            }
            let job = u32::from(shell::starts_a_job(&command.text));
            self.jobs = self.jobs.saturating_add(job);
        }
        let mut does = Does::default();
        if matches!(command.kind, Kind::Shell | Kind::Repl) {
            let text = prompt::head(&command.text, JUDGED_BYTES);
            does = Does::of(text);
            self.prints = does.prints_files;
            text.clone_into(self.last.get_or_insert_default());
        }
        let draws_panes = command.kind == Kind::Shell && does.draws_panes;
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

    /// Something was typed here that was not shown.
    fn unseen_at(&mut self, place: u64) {
        if self.unseen.0 == 0 {
            self.unseen.1 = place;
        }
        self.unseen.0 += 1;
    }

    /// What was typed without echo: the place of the first, and how often.
    pub fn not_echoed(&self) -> Option<(u64, u64)> {
        (self.unseen.0 > 0).then_some((self.unseen.1, self.unseen.0))
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
        let is_damaged = has_damage(&text);
        if is_damaged {
            evidence.push(weights::DAMAGED_CHARACTER);
        }
        let root = shape.and_then(|it| it.root);
        let user = shape
            .and_then(|it| it.user.clone())
            .or_else(|| level.and_then(|it| it.user.clone()))
            .or_else(|| (root == Some(true)).then(|| Arc::from("root")));
        let mut command = Command {
            text,
            kind,
            prompt: Arc::clone(prompt),
            os_user: user,
            host: shape
                .and_then(|it| it.host.clone())
                .or_else(|| level.and_then(|it| it.host.clone())),
            cwd: shape.and_then(|it| it.dir.clone()),
            depth: self.levels.depth(),
            from: 0,
            to: 0,
            line: 0,
            evidence,
            damaged: false,
            runner_up: None,
        };
        place(&mut command);
        if command.damaged {
            command.evidence.push(weights::LOST);
        }
        // In the bytes a line that something was written into is seen to be broken; in a stream nothing shows it.
        let broken = self.streamed || command.text.contains('\n');
        if self.jobs > 0 && broken && matches!(kind, Kind::Shell | Kind::Abandoned) {
            command.damaged = true;
            command.evidence.push(weights::WRITTEN_INTO);
        }
        command.damaged |= is_damaged;
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

    /// Places of the commands that are not complete yet.
    pub fn waiting(&self) -> impl Iterator<Item = u64> {
        let current = self.current.iter().map(|it| it.command.from);
        current.chain(self.doubtful.iter().map(|it| it.from))
    }

    /// Lines behind a prompt that could not be learnt: the place of the first, and how many. A few that were edited
    /// are what programs do that draw on one line.
    pub fn unread(&self) -> Option<(u64, u64)> {
        let (many, first) = self.unread;
        if self.levels.is_empty() && !self.silent && self.first_lines > 2 {
            // Somebody saw something, and not one prompt was told.
            return Some((self.first_at, self.first_lines));
        }
        (many >= 5 && many > self.read).then_some((first, many))
    }
}

/// A character that stands for bytes which are no UTF-8.
fn has_damage(text: &str) -> bool {
    !text.is_ascii() && text.contains('\u{fffd}')
}

/// The command that a reverse search had found when Enter was pressed in the middle of it.
fn searched(text: &str) -> Option<&str> {
    let rest = ["(reverse-i-search)`", "(i-search)`", "(failed reverse-i-search)`"]
        .iter()
        .find_map(|it| text.strip_prefix(it))?;
    rest.split_once("': ").map(|it| it.1)
}

fn is_repl_continuation(prompt: &str) -> bool {
    let bare = prompt.trim();
    bare.ends_with("->") || bare.ends_with("-#") || bare.ends_with("'>") || bare.ends_with("(>")
}
