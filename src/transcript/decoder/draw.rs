//! Lines on their way to the screen, in windows whose borders depend on the bytes alone, and the times they were shown at.

use std::collections::BTreeSet;

use crate::time::At;
use crate::transcript::both::Aligned;
use crate::transcript::commands::Command;
use crate::transcript::commands::CommandReader;
use crate::transcript::decoder::flaw::FlawKind;
use crate::transcript::decoder::flaw::Flaws;
use crate::transcript::decoder::piece::Piece;
use crate::transcript::decoder::piece::Shown;
use crate::transcript::decoder::piece::Typed;
use crate::transcript::screen::Screen;
use crate::transcript::streamed::Restored;
use crate::transcript::width::WidthVotes;
use crate::transcript::wire::Lines;
use crate::transcript::wire::RawLine;
use crate::transcript::wire::Unframe;

/// Terminal bytes drawn before commands are read from them: at first many, to learn the session's prompts from, then
/// as few as a processor's cache holds. Borders depend on the bytes alone.
const FIRST_WINDOW: u64 = 2 << 20;
const WINDOW: u64 = 128 << 10;
/// A line that somebody is still typing is not cut before this.
const WINDOW_MAX: u64 = 4 << 20;
/// …and a window ends before that once what was drawn weighs as much, in bytes of memory: lines of a few bytes each are
/// many, and the commands in them weigh several times as much.
pub(super) const DRAWN_MAX: usize = 8 << 20;
/// The same in the middle of an input region.
pub(super) const DRAWN_IN_REGION_MAX: usize = 16 << 20;
/// As many bytes pushed at once are read without being copied, and their lines stay in a processor's cache.
pub const CHUNK: usize = WINDOW as usize;
/// Times held of events that may tell nothing more: a stream has one with each.
pub(super) const TICKS: usize = 1 << 14;

/// Lines on their way to the screen, in windows.
#[derive(Default)]
pub(super) struct Draw {
    pub(super) screen: Screen,
    pub(super) reader: CommandReader,
    pub(super) width: WidthVotes,
    /// The header has told the width that the session began with.
    pub(super) told_width: bool,
    pub(super) window_from: u64,
    /// Where lines begin that another event shows, with its time; `None` where lines begin that no event shows.
    pub(super) ticks: Vec<(u64, Option<At>)>,
    /// How many were held when those were forgotten that tell nothing more.
    ticks_kept: usize,
    pub(super) piece: Piece,
    pub(super) flaws: Flaws,
    /// The session's streamed copy, which tells the times.
    pub(super) other: Option<Aligned>,
}

impl Lines for Draw {
    fn line(&mut self, it: RawLine<&[u8]>) {
        if it.bytes.starts_with(b"Script done on ") || it.bytes.starts_with(b"Script started on ") {
            self.flaws.count(FlawKind::FakeFrame, it.from, 1);
        }
        if let Some(other) = &mut self.other
            && let at = other.line(it.bytes, it.from)
            && self.ticks.last().map_or(at.is_some(), |it| it.1 != at)
        {
            self.ticks.push((it.from, at));
        }
        if !self.screen.plain(it) {
            if !self.screen.on_screen()
                && memchr::memchr(b'\r', it.bytes).is_some()
                && let Some(width) = self.width.vote(it.bytes, self.screen.width())
            {
                self.screen.set_width(Some(width));
            }
            self.screen.line(it);
        }
        self.drawn(it.to);
    }
}

impl Draw {
    /// A streamed line, made whole again as far as that is possible.
    pub(super) fn restored(&mut self, it: &Restored) {
        if it.width.is_some() {
            self.screen.set_width(it.width);
        }
        self.screen.note(it.bits);
        let line = it.line.raw();
        if !self.screen.plain(line) {
            self.screen.line(line);
        }
        self.drawn(line.to);
    }

    /// Reads commands where enough has been drawn, up to `to`.
    fn drawn(&mut self, to: u64) {
        let enough = if self.window_from == 0 { FIRST_WINDOW } else { WINDOW };
        let drawn = to - self.window_from;
        let weighs = self.screen.drawn().weight();
        let complete = drawn >= enough || weighs >= DRAWN_MAX;
        if complete && !self.screen.in_region()
            || drawn >= WINDOW_MAX
            || weighs >= DRAWN_IN_REGION_MAX
        {
            self.window_from = to;
            self.window(false);
        }
    }

    /// Sessions of this type run one command and have no prompt ("Session document schema": NonInteractiveCommands).
    pub(super) fn heed(&mut self, unframe: &Unframe) {
        if let Some((columns, _)) = unframe.frame.window.filter(|_| !self.told_width) {
            self.told_width = true;
            self.screen.set_width(Some(columns.into()));
        }
        if unframe.frame.session_type.as_deref() == Some("NonInteractiveCommands") {
            self.reader.nothing_is_typed();
        }
    }

    pub(super) fn window(&mut self, last: bool) {
        let mut drawn = self.screen.take();
        let typed = |command: Command| Typed { at: time(&self.ticks, command.from), command };
        self.piece.commands.extend(self.reader.window(&drawn, last).map(typed));
        let before = self.piece.lines.len();
        if !self.ticks.is_empty() {
            for (nth, it) in drawn.lines.iter().enumerate() {
                let at = time(&self.ticks, it.from);
                self.piece.shown(before + nth, at);
            }
        }
        self.piece.take_lines(&mut drawn.text, &mut drawn.lines);
        let dropped = drawn.dropped_versions;
        self.flaws.count_found(&[
            (FlawKind::Nul, drawn.nul),
            (FlawKind::InvalidUtf8, drawn.invalid),
            (FlawKind::VersionsDropped, (dropped > 0).then_some((self.window_from, dropped))),
        ]);
        self.screen.recycle(drawn);
        if self.ticks.len() > TICKS.max(self.ticks_kept * 2) {
            self.forget_ticks();
        }
    }

    /// Forgets the times that no line and no command to come was shown at.
    fn forget_ticks(&mut self) {
        let oldest = self.screen.oldest().unwrap_or(self.window_from).min(self.window_from);
        let after = |from: u64| self.ticks.partition_point(|it| it.0 <= from);
        // What is shown at one time was not shown before the one before.
        let recent = after(oldest).saturating_sub(3);
        let waiting = self.reader.waiting().map(after);
        let kept: BTreeSet<usize> = waiting
            .flat_map(|it| [it.saturating_sub(3), it.saturating_sub(2), it.saturating_sub(1)])
            .chain([0])
            .filter(|it| *it < recent)
            .collect();
        let kept = kept.into_iter().chain(recent..self.ticks.len());
        self.ticks = kept.map(|it| self.ticks[it]).collect();
        self.ticks_kept = self.ticks.len();
    }
}

/// When the bytes at a place were shown: not before the event before them, not after their own; what no event shows, not after
/// the next event, if there is one yet.
fn time(ticks: &[(u64, Option<At>)], from: u64) -> Option<Shown> {
    let first = ticks.first()?;
    let after = ticks.partition_point(|it| it.0 <= from);
    let Some(at) = after.checked_sub(1) else { return Some((None, first.1)) };
    let earliest = ticks[..at].iter().rev().take(2).find_map(|it| it.1);
    let latest = ticks[at].1.or_else(|| ticks.get(after).and_then(|it| it.1));
    Some((earliest, latest))
}
