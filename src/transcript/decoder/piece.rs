//! What comes out of a transcript: lines and commands with their times, and what it claims of its session.

use std::sync::Arc;

use crate::time::At;
use crate::transcript::both::Diverged;
use crate::transcript::commands::Command;
use crate::transcript::commands::Evidence;
use crate::transcript::screen::Line;
use crate::transcript::wire::Frame;

/// When something was shown, if events tell: not before and not after, each only where an event makes it
/// true.
pub type Shown = (Option<At>, Option<At>);

/// A command and when it was typed.
#[derive(Clone, Debug, PartialEq)]
pub struct Typed {
    /// What was typed, and how sure that is.
    pub command: Command,
    /// When it was typed; `None` if no event tells.
    pub at: Option<Shown>,
}

/// What is ready to be taken.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Piece {
    /// Arena that holds the texts of `lines`, one behind the other.
    pub text: String,
    /// Lines that were drawn, in order.
    pub lines: Vec<Line>,
    /// Commands that were read, in order.
    pub commands: Vec<Typed>,
    /// Lines from this one on were shown at this time. Few: an event brings many lines, and most transcripts have none.
    pub(super) times: Vec<(u32, Option<Shown>)>,
}

impl Piece {
    /// What a line of this piece shows.
    pub fn line_text(&self, line: &Line) -> &str {
        &self.text[line.text.0 as usize..line.text.1 as usize]
    }

    /// Its lines, each with the time that it was shown at.
    pub fn timed(&self) -> impl Iterator<Item = (&Line, Option<Shown>)> {
        let mut times = self.times.iter().peekable();
        let mut at = None;
        self.lines.iter().enumerate().map(move |(nth, line)| {
            while let Some(it) = times.next_if(|it| it.0 as usize <= nth) {
                at = it.1;
            }
            (line, at)
        })
    }

    /// Lines from here on were shown at this time.
    pub(super) fn shown(&mut self, nth: usize, at: Option<Shown>) {
        if self.times.last().map_or(at.is_some(), |it| it.1 != at) {
            self.times.push((nth as u32, at));
        }
    }

    /// Moves lines here, with the arena that their texts stand in.
    pub(super) fn take_lines(&mut self, text: &mut String, lines: &mut Vec<Line>) {
        if self.lines.is_empty() && self.text.is_empty() {
            std::mem::swap(&mut self.text, text);
            std::mem::swap(&mut self.lines, lines);
        } else {
            let shift = self.text.len() as u32;
            self.lines.extend(lines.iter().map(|it| it.behind(shift)));
            self.text.push_str(text);
        }
    }

    /// Bytes of memory it takes.
    pub fn weight(&self) -> usize {
        let shared = |it: &Option<Arc<str>>| it.as_ref().map_or(0, |it| it.len());
        let commands: usize = self
            .commands
            .iter()
            .map(|Typed { command, .. }| {
                size_of::<Typed>()
                    + command.text.capacity()
                    + command.evidence.capacity() * size_of::<Evidence>()
                    + command.prompt.len()
                    + shared(&command.os_user)
                    + shared(&command.host)
                    + shared(&command.cwd)
            })
            .sum();
        self.text.len()
            + self.lines.len() * size_of::<Line>()
            + self.times.len() * size_of::<(u32, Option<Shown>)>()
            + commands
    }

    /// Moves what follows here.
    pub fn append(&mut self, mut other: Self) {
        let before = self.lines.len();
        if other.times.first().is_none_or(|it| it.0 > 0) && !other.lines.is_empty() {
            self.shown(before, None);
        }
        for (nth, at) in other.times {
            self.shown(before + nth as usize, at);
        }
        self.take_lines(&mut other.text, &mut other.lines);
        self.commands.append(&mut other.commands);
    }
}

/// What the transcript says of its session. Claims, not proof.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Claims {
    /// What `script` or PowerShell wrote around the session.
    pub frame: Frame,
    /// ARN that a streamed event tells as `userIdentity.arn`; `None` without one, or where it is masked.
    pub owner: Option<String>,
    /// Account of the owner, even where the owner's name is masked.
    pub account: Option<String>,
    /// Region that a streamed event tells as `awsRegion`.
    pub region: Option<String>,
    /// What was connected to, as a streamed event tells it in `target.id`.
    pub target: Option<String>,
    /// Operating-system user, as a streamed event tells it in `runAsUser`.
    pub run_as: Option<String>,
    /// Session id that a streamed event tells as `sessionId`.
    pub session_id: Option<String>,
    /// Time of the first event; `None` without events.
    pub first_event_at: Option<At>,
    /// Time of the last event; `None` without events.
    pub last_event_at: Option<At>,
    /// First and last time that events claim and that AWS's own contradict.
    pub claimed: Option<(At, At)>,
    /// Whether any event held the structured message of a streaming agent.
    pub streamed: bool,
    /// Where its two copies differ, if it was read with both.
    pub diverged: Option<Diverged>,
}
