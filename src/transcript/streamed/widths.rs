//! How wide the window was, line by line: margins and filled rows tell it, and it seldom changes.

use std::collections::HashSet;

use crate::transcript::prompt;
use crate::transcript::streamed::lines::NARROWEST;
use crate::transcript::streamed::steps::Step;
use crate::transcript::streamed::steps::steps;

/// Widths that people have; others need more proof.
const USUAL: [usize; 8] = [80, 100, 120, 132, 140, 160, 180, 200];

const WIDEST: usize = 400;

/// What one line tells about the width.
#[derive(Default)]
pub(super) struct Telling {
    pub(super) drawn: Vec<char>,
    /// Columns of its prompt, as far as known.
    pub(super) shared: usize,
    /// A row was filled before it.
    pub(super) filled: Option<usize>,
    /// See [`rises`].
    pub(super) rises: Option<(usize, usize)>,
    /// See [`Restorer::joins`].
    pub(super) joins: Vec<usize>,
    /// Places at which something stands that earlier lines showed too, with what is before it: one command after another of a kind says
    /// no more than the first.
    pub(super) known: Vec<usize>,
}

/// Characters before a place that must be new for it to tell something.
const BEFORE: usize = 6;

/// Places of the line, as far as margins may lie there, at which text stands that was shown before.
pub(super) fn known(drawn: &[char], from: usize, shown: &mut HashSet<u64>) -> Vec<usize> {
    // Commands of a kind differ in their numbers.
    let plain = |it: &char| if it.is_ascii_digit() { '0' } else { *it };
    let part = |at: usize| prompt::hash_of(drawn[at - BEFORE..at + 2].iter().map(plain));
    (from.max(BEFORE)..drawn.len().saturating_sub(1).min(LOOKED_AT))
        .filter(|at| drawn[*at] == ' ' || drawn[*at] == drawn[at + 1])
        .filter(|at| !shown.insert(part(*at)))
        .collect()
}

/// Columns of a line that are looked at: beyond, a margin has been met many times.
const LOOKED_AT: usize = 4096;

/// How well the line fits a window of this width: how many margins it shows, or that it contradicts.
fn margins(line: &Telling, width: usize) -> Option<usize> {
    let drawn = &line.drawn;
    let mut at = width;
    let mut seen = 0;
    while at < drawn.len() {
        let next = drawn.get(at + 1);
        let fits = drawn[at] == ' ' || next == Some(&drawn[at]);
        if !fits {
            return None;
        }
        // What this line shares with the one before is its prompt, and tells nothing new.
        seen += usize::from(at > line.shared + 1 && line.known.binary_search(&at).is_err());
        at += width + 1;
    }
    Some(seen)
}

/// Window widths that a line may have, and 0 for one that is not known: a state.
const STATES: usize = WIDEST - NARROWEST + 2;

fn width_of(state: usize) -> usize {
    state - 1 + NARROWEST
}

/// How likely a width is before anything is seen, as a logarithm.
fn usual(state: usize) -> f32 {
    if state == 0 {
        return 0.0;
    }
    match USUAL.iter().position(|it| *it == width_of(state)) {
        Some(0) => -2.0,
        Some(_) => -2.8,
        None => -4.0,
    }
}

/// How well a line fits a state, as a logarithm. `worth`: what one margin says.
fn fit(line: &Telling, state: usize, worth: f32) -> f32 {
    match (state, line.filled) {
        (0, Some(_)) => -8.0,
        (0, None) => 0.0,
        (_, Some(mark)) if mark == width_of(state) => 8.0,
        (_, Some(_)) => -8.0,
        (_, None) => {
            let width = width_of(state);
            let Some(seen) = margins(line, width) else { return -7.0 };
            let joins = line.joins.iter().any(|it| (it + 1) % (width + 1) == 0);
            let rises = line.rises.is_some_and(|(printed, back)| {
                printed > width && printed >= back && (printed - back) % (width + 1) == 0
            });
            worth * seen as f32 + if joins { 3.0 } else { 0.0 } + if rises { 3.0 } else { 0.0 }
        }
    }
}

/// The likeliest way to each state at one line, given those at the line before, and the states that they come from.
fn one_line_on(line: &Telling, best: &[f32]) -> (Vec<f32>, Vec<u16>) {
    /// What a change of the width costs.
    const CHANGE: f32 = 6.0;
    let (top, most) = best
        .iter()
        .enumerate()
        .fold((0, f32::MIN), |a, (at, it)| if *it > a.1 { (at, *it) } else { a });
    let pairs = line.drawn.windows(2).filter(|it| it[0] == ' ' || it[0] == it[1]).count();
    let chance = (pairs as f32 + 1.0) / (line.drawn.len() as f32 + 4.0);
    let worth = -chance.min(0.6).ln();
    let (mut next, mut from) = (Vec::with_capacity(STATES), Vec::with_capacity(STATES));
    for (state, held) in best.iter().enumerate() {
        let moved = most - CHANGE + usual(state);
        let (base, came) = if moved > *held { (moved, top) } else { (*held, state) };
        next.push(base + fit(line, state, worth));
        from.push(came as u16);
    }
    (next, from)
}

/// The width at each line: the likeliest course of it, given that it seldom changes.
pub(super) fn widths(lines: &[Telling]) -> Vec<Option<usize>> {
    let tells = |it: &Telling| it.filled.is_some() || it.drawn.len() > NARROWEST;
    let long: Vec<usize> = (0..lines.len()).filter(|it| tells(&lines[*it])).collect();
    if long.is_empty() {
        return vec![None; lines.len()];
    }
    let mut best: Vec<f32> = (0..STATES).map(usual).collect();
    let mut from: Vec<Vec<u16>> = Vec::with_capacity(long.len());
    for nth in &long {
        let (next, back) = one_line_on(&lines[*nth], &best);
        best = next;
        from.push(back);
    }
    let mut state = (0..STATES).max_by(|a, b| best[*a].total_cmp(&best[*b])).unwrap_or(0);
    let mut out = vec![None; lines.len()];
    for (at, nth) in long.iter().enumerate().rev() {
        if state > 0 {
            out[*nth] = Some(width_of(state));
        }
        state = usize::from(from[at][state]);
    }
    // Lines too short to tell share the width of those around them.
    let mut last = None;
    for it in &mut out {
        match it {
            Some(width) => last = Some(*width),
            None => *it = last,
        }
    }
    out
}

/// Columns that the cursor went back to the margin from, before it went up: printed and gone back.
pub(super) fn rises(bytes: &[u8]) -> Option<(usize, usize)> {
    let (mut printed, mut back) = (0usize, 0usize);
    for (step, _) in steps(bytes) {
        match step {
            Step::Print(_) if back == 0 => printed += 1,
            Step::Back => back += 1,
            Step::Csi(b'A', _) if back > 0 => return Some((printed, back)),
            Step::Silent => {}
            _ => return None,
        }
    }
    None
}
