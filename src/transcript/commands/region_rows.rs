//! The rows of an input region, what its line editor has shown in each, and the region split into prompt and text.

use crate::transcript::commands::context::RegionContext;
use crate::transcript::commands::context::ShownPrompt;
use crate::transcript::commands::weights::Evidence;
use crate::transcript::prompt;
use crate::transcript::prompt::Candidate;
use crate::transcript::screen::Line;
use crate::transcript::screen::bits;

/// One row of an input region.
pub(super) struct RegionRow<'a> {
    pub(super) line: u32,
    pub(super) text: &'a str,
    pub(super) low: Option<usize>,
    pub(super) paint: Option<usize>,
}

impl RegionRow<'_> {
    /// The places where a prompt may end in it.
    pub(super) fn found(&self) -> Vec<Candidate> {
        let mut found = prompt::bounded(self.text, self.low, self.paint);
        if found.is_empty() || found.iter().all(|it| it.weight < 0.2) {
            found.push(Candidate { end: 0, weight: 0.1 });
        }
        found
    }
}

/// An input region, split into prompt and text.
pub(super) struct SplitRegion {
    pub(super) prompt: ShownPrompt,
    pub(super) text: String,
    /// Line index of the row with the prompt.
    pub(super) line: u32,
    pub(super) evidence: Vec<Evidence>,
}

/// The byte that the line editor went back to.
pub(super) fn low_byte(line: &Line, text: &str, skipped: usize) -> Option<usize> {
    (line.low_col != u16::MAX)
        .then(|| prompt::byte_of_column(text, (line.low_col as usize).saturating_sub(skipped)))
}

/// The rows of a region, as its line editor left them.
pub(super) fn region_rows(at: RegionContext<'_>) -> impl Iterator<Item = RegionRow<'_>> {
    let RegionContext { drawn, region } = at;
    let rows = region
        .lines
        .clone()
        .filter(move |it| drawn.lines[*it as usize].bits & bits::OVERWRITTEN == 0);
    rows.enumerate().map(move |(nth, index)| {
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
