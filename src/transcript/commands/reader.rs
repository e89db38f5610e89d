//! The reader: window by window, it hands each line, region, title and screen to those who read it.

use crate::transcript::commands::command::Command;
use crate::transcript::commands::context::RegionContext;
use crate::transcript::commands::covered::Covered;
use crate::transcript::commands::walk::Walk;
use crate::transcript::screen::Drawn;
use crate::transcript::screen::Item;

/// Reads commands window by window, in order.
#[derive(Default)]
pub struct CommandReader {
    pub(super) walk: Walk,
    /// The session's document runs one command and reads nothing.
    silent: bool,
}

impl CommandReader {
    /// Reads one window of lines and items. `last` says that no more follows.
    pub fn window(&mut self, drawn: &Drawn, last: bool) -> impl Iterator<Item = Command> {
        if !self.silent {
            self.read(drawn, last);
        }
        self.walk.pending.complete.drain(..)
    }

    fn read(&mut self, drawn: &Drawn, last: bool) {
        let walk = &mut self.walk;
        walk.known.lessons.learn(drawn);
        walk.known.repeats.forget_lines();
        for (nth, item) in drawn.items.iter().enumerate() {
            match item {
                Item::Line(index) => walk.line(drawn, *index, nth),
                Item::Region(index) => walk.region(RegionContext::of(drawn, *index)),
                Item::ScreenOn => {
                    walk.pending.output();
                    walk.covered = Covered::default();
                }
                Item::ScreenOff => walk.covered = Covered::default(),
                Item::Hidden(index) => walk.hidden_line(&drawn.hidden[*index as usize]),
                Item::Title(index) => walk.title(&drawn.titles[*index as usize]),
                Item::Told(index, when) => walk.told(&drawn.titles[*index as usize], *when),
            }
        }
        walk.lines_before += drawn.lines.len() as u64;
        if last {
            walk.pending.end(walk.lines_before);
        } else {
            walk.pending.hand_on();
        }
    }

    /// The session runs one command of its document and reads nothing: whatever looks typed is output.
    pub fn nothing_is_typed(&mut self) {
        self.silent = true;
    }

    /// Keeps the reading that came second with each command.
    pub fn explain(&mut self) {
        self.walk.known.lessons.explains = true;
    }

    /// Lines come from a stream: those of one event have one place.
    pub fn is_streamed(&mut self) {
        self.walk.streamed = true;
    }

    /// Places of the commands that are not complete yet.
    pub fn waiting(&self) -> impl Iterator<Item = u64> {
        self.walk.pending.waiting()
    }

    /// Where a multiplexer first drew, if one did.
    pub fn panes_from(&self) -> Option<u64> {
        self.walk.panes.first
    }

    /// A screen that was not given back when the transcript ended: the place of its first row, and how many there are.
    pub fn covered(&self) -> Option<(u64, u64)> {
        self.walk.covered.rows.0
    }

    /// What was typed without echo: the place of the first, and how often.
    pub fn not_echoed(&self) -> Option<(u64, u64)> {
        self.walk.gaps.unseen.0
    }

    /// Lines behind a prompt that could not be learnt: the place of the first, and how many. A few that were edited
    /// are what programs do that draw on one line.
    pub fn unread(&self) -> Option<(u64, u64)> {
        let gaps = &self.walk.gaps;
        if self.walk.known.stack.is_empty() && !self.silent && gaps.unknown.many() > 2 {
            // Somebody saw something, and not one prompt was told.
            return gaps.unknown.0;
        }
        gaps.unread.0.filter(|(_, many)| *many >= 5 && *many > self.walk.pending.read)
    }
}
