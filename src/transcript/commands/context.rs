//! Where a reader stands: a line or an input region with what was drawn around it, and the clues that a line gives of its prompt.

use std::sync::Arc;

use crate::transcript::commands::weights;
use crate::transcript::commands::weights::Evidence;
use crate::transcript::prompt;
use crate::transcript::prompt::Identity;
use crate::transcript::prompt::Shape;
use crate::transcript::screen::Drawn;
use crate::transcript::screen::Line;
use crate::transcript::screen::Region;
use crate::transcript::screen::bits;

/// Where something stands that was typed.
#[derive(Clone, Copy)]
pub(super) struct TypedPlace {
    /// Bytes it was read from: first, and one past the last.
    pub(super) from: u64,
    pub(super) to: u64,
    /// Index into the lines of the window.
    pub(super) line: u32,
    /// Part of it was lost on the way.
    pub(super) damaged: bool,
}

impl TypedPlace {
    /// That of a line, as if nothing of it was lost.
    pub(super) fn of(line: &Line, index: u32) -> Self {
        Self { from: line.from, to: line.to, line: index, damaged: false }
    }
}

/// A line, and where it stands.
#[derive(Clone, Copy)]
pub(super) struct LineContext<'a> {
    pub(super) drawn: &'a Drawn,
    pub(super) line: &'a Line,
    /// Its text, without a right-hand prompt.
    pub(super) text: &'a str,
    /// Index into the lines.
    pub(super) index: u32,
    /// Index into the items; `usize::MAX` where what stands around it tells nothing.
    pub(super) nth: usize,
    /// It was edited in place.
    pub(super) edited: bool,
}

impl<'a> LineContext<'a> {
    // Each line comes by here.
    #[inline]
    pub(super) fn of(drawn: &'a Drawn, index: u32, nth: usize) -> Self {
        let line = &drawn.lines[index as usize];
        let mut text = drawn.line_text(index);
        if line.end_col > 0 {
            // Behind it stands a right-hand prompt.
            text = &text[..prompt::byte_of_column(text, line.end_col as usize)];
        }
        Self { drawn, line, text, index, nth, edited: line.bits & bits::EDITED != 0 }
    }

    /// Where it stands, and whether part of it was lost.
    pub(super) fn place(&self) -> TypedPlace {
        let damaged = self.line.bits & bits::GUESSED != 0;
        TypedPlace { damaged, ..TypedPlace::of(self.line, self.index) }
    }
}

/// Place of the first of something that was met, and how often.
#[derive(Clone, Copy, Default)]
pub(super) struct Sightings(pub(super) Option<(u64, u64)>);

impl Sightings {
    pub(super) fn count(&mut self, place: u64) {
        self.0.get_or_insert((place, 0)).1 += 1;
    }

    pub(super) fn many(self) -> u64 {
        self.0.map_or(0, |it| it.1)
    }
}

/// An input region, and where it stands.
#[derive(Clone, Copy)]
pub(super) struct RegionContext<'a> {
    pub(super) drawn: &'a Drawn,
    pub(super) region: &'a Region,
}

impl<'a> RegionContext<'a> {
    pub(super) fn of(drawn: &'a Drawn, index: u32) -> Self {
        Self { drawn, region: &drawn.regions[index as usize] }
    }

    /// Where it stands, and the row of it that is meant.
    pub(super) fn place(&self, line: u32) -> TypedPlace {
        TypedPlace { from: self.region.from, to: self.region.to, line, damaged: false }
    }
}

/// What a line of a shell without marks says of where its prompt may end.
pub(super) struct PromptClues<'a> {
    pub(super) text: &'a str,
    /// Index into the lines.
    pub(super) index: u32,
    /// Byte of the last change of colour.
    pub(super) paint: Option<usize>,
    /// The byte that the line editor went back to.
    pub(super) low: Option<usize>,
    /// The prompt at its start, if it has a shape known everywhere.
    pub(super) shape: Option<Shape>,
    pub(super) edited: bool,
    /// What this shell sends before each prompt came before it.
    pub(super) titled: bool,
    /// CRs that ended it.
    pub(super) crs: u8,
    /// Lines of output since the last command, and those of them that look like someone's prompt.
    pub(super) outputs: u32,
    pub(super) decoys: u32,
}

impl PromptClues<'_> {
    /// A prompt that ends here. What this shell sends before each speaks for it too, if it came.
    pub(super) fn found(&self, end: usize, shape: Option<Shape>, why: Evidence) -> FoundPrompt {
        let announced = self.titled.then_some(weights::ANNOUNCED);
        FoundPrompt { end, shape, evidence: std::iter::once(why).chain(announced).collect() }
    }
}

/// Where a prompt ends, and what speaks for it.
pub(super) struct FoundPrompt {
    /// Bytes of the line that belong to it.
    pub(super) end: usize,
    pub(super) shape: Option<Shape>,
    pub(super) evidence: Vec<Evidence>,
}

/// A prompt as it is shown.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct ShownPrompt {
    pub(super) text: Arc<str>,
    /// Its shape, if that is known everywhere.
    pub(super) shape: Option<Shape>,
    /// It stands between the marks of a line editor.
    pub(super) marked: bool,
    /// Lines of it before the one with the command.
    pub(super) rows_before: usize,
}

impl ShownPrompt {
    /// One of one line, without marks.
    pub(super) fn plain(text: Arc<str>, shape: Option<Shape>) -> Self {
        Self { text, shape, marked: false, rows_before: 0 }
    }

    /// What stays the same in it.
    pub(super) fn identity(&self) -> Identity {
        Identity::of(&self.text, self.shape.as_ref())
    }
}

/// A line, read: the prompt and what stands behind it.
pub(super) struct LineReading<'a> {
    pub(super) prompt: ShownPrompt,
    pub(super) body: &'a str,
    pub(super) evidence: Vec<Evidence>,
}
