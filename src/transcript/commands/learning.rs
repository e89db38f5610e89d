//! What a session teaches of its prompts before they are read: the places that line editors go back to, the lines that
//! stand above prompts, and the prompts met again and again.

use std::collections::HashMap;
use std::sync::Arc;

use crate::transcript::commands::context::RegionContext;
use crate::transcript::commands::context::ShownPrompt;
use crate::transcript::commands::region_rows::RegionRow;
use crate::transcript::commands::region_rows::SplitRegion;
use crate::transcript::commands::region_rows::low_byte;
use crate::transcript::commands::region_rows::region_rows;
use crate::transcript::commands::weights::Evidence;
use crate::transcript::prompt;
use crate::transcript::prompt::ByHash;
use crate::transcript::prompt::Candidate;
use crate::transcript::prompt::Identity;
use crate::transcript::prompt::Learnt;
use crate::transcript::screen;
use crate::transcript::screen::Drawn;
use crate::transcript::screen::Item;
use crate::transcript::screen::bits;

const USUAL_MAX: usize = 16;

/// Kinds of lines before prompts that are told apart.
const HERALDS_MAX: usize = 1024;

/// Longer lines herald no prompt.
const HERALD_BYTES: usize = 240;

/// Prompts of regions that no command explains, as far as they are counted.
const STRANGERS_MAX: usize = 32;

/// Regions and lines of a session that are all learnt from; beyond, one in sixteen tells enough.
const LEARNT_WHOLE: u64 = 1024;

/// A prompt met so often is not judged anew each time.
const AS_EVER: u32 = 16;

/// A prompt of an input region as it stands, and what spoke for it when it was judged.
pub(super) struct Usual {
    pub(super) prompt: ShownPrompt,
    pub(super) judged: Evidence,
    met: u32,
}

/// A line that stood just before edited ones: the upper line of a prompt of two.
#[derive(Default)]
struct Herald {
    count: u32,
    painted: bool,
    /// See [`prompt::is_wordy`].
    wordy: bool,
}

/// What the session has taught of its prompts.
#[derive(Default)]
pub(super) struct Lessons {
    pub(super) learnt: Learnt,
    /// By skeleton.
    heralds: ByHash<Herald>,
    /// One of them was met often enough to count.
    heralding: bool,
    /// Prompts met again and again, the commonest first.
    usual: Vec<Usual>,
    /// Prompts of regions that no command explains, and how often each has come.
    strangers: HashMap<Identity, u32>,
    /// Genuine input regions met, and lines that a line editor may have drawn.
    regions: u64,
    lines: u64,
    /// Second readings are asked for.
    pub(super) explains: bool,
}

/// Whether the region or line of this number is learnt from.
fn is_sampled(number: u64) -> bool {
    number <= LEARNT_WHOLE || number.is_multiple_of(16)
}

impl Lessons {
    /// Learns from a window before it is read.
    #[inline]
    pub(super) fn learn(&mut self, drawn: &Drawn) {
        for (nth, item) in drawn.items.iter().enumerate() {
            match item {
                Item::Region(index) => self.learn_region(RegionContext::of(drawn, *index)),
                Item::Line(index) => self.learn_line(drawn, *index, nth),
                _ => {}
            }
        }
    }

    fn learn_region(&mut self, at: RegionContext<'_>) {
        if !at.region.genuine || at.region.input_at.is_some() {
            return;
        }
        self.regions += 1;
        if !is_sampled(self.regions) || self.is_as_ever(at) {
            return;
        }
        for (row, it) in region_rows(at).enumerate().take(4) {
            self.learnt.region_row(row as u8, it.text, &it.found(), it.low);
        }
    }

    #[inline]
    fn learn_line(&mut self, drawn: &Drawn, index: u32, nth: usize) {
        let line = &drawn.lines[index as usize];
        let edited = line.bits & bits::EDITED != 0;
        let asked = line.bits & bits::ASKED != 0;
        if line.bits & (bits::INPUT | bits::SCREEN | bits::OVERWRITTEN) != 0
            || !(edited || asked || line.title_col == 1)
        {
            return;
        }
        self.lines += 1;
        if !is_sampled(self.lines) {
            return;
        }
        let text = drawn.line_text(index);
        let low = low_byte(line, text, 0);
        let found = prompt::bounded(text, low, None);
        self.learnt.line(text, &found, low);
        if edited && let Some(above) = line_above(drawn, nth) {
            self.learn_herald(drawn, above, text);
        }
    }

    /// Whether the region shows the prompt that this shell has shown many times: nothing is to be learnt from it.
    fn is_as_ever(&self, at: RegionContext<'_>) -> bool {
        self.usual.iter().any(|usual| {
            usual.met >= AS_EVER
                && region_rows(at)
                    .nth(usual.prompt.rows_before)
                    .is_some_and(|it| it.text.starts_with(&*usual.prompt.text))
        })
    }

    /// The prompt met many times that stands in these rows again.
    pub(super) fn usual_in(&self, rows: &[RegionRow<'_>]) -> Option<&Usual> {
        self.usual.iter().find(|it| {
            !self.explains
                && it.met >= AS_EVER
                && rows.get(it.prompt.rows_before).is_some_and(|row| {
                    // A further segment, as for a failure, makes it another prompt.
                    row.text.strip_prefix(&*it.prompt.text).is_some_and(|rest| {
                        rest.is_ascii() || !rest.chars().take(24).any(screen::is_ornament)
                    })
                })
        })
    }

    /// Prompts met several times, the commonest first.
    pub(super) fn repeating(&self) -> impl Iterator<Item = &Arc<str>> + Clone {
        self.usual.iter().filter(|it| it.met >= 3).map(|it| &it.prompt.text)
    }

    /// Counts how often a prompt was met as it is.
    pub(super) fn meet(&mut self, split: &SplitRegion) {
        let Some(judged) = split.evidence.first().copied() else { return };
        let shown = &split.prompt;
        let found = self.usual.iter().position(|it| {
            it.prompt.text == shown.text && it.prompt.rows_before == shown.rows_before
        });
        match found {
            Some(at) => {
                self.usual[at].met = self.usual[at].met.saturating_add(1);
                // The commonest first.
                if at > 0 && self.usual[at].met > self.usual[at - 1].met {
                    self.usual.swap(at, at - 1);
                }
            }
            None => {
                self.usual.truncate(USUAL_MAX - 1);
                self.usual.push(Usual { prompt: shown.clone(), judged, met: 1 });
            }
        }
    }

    /// The prompt of a shell that no command opened, as far as we know: whether it has come twice before. No belief outlasts that.
    pub(super) fn has_come_twice(&mut self, stranger: Identity) -> bool {
        let seen = prompt::held_within(&mut self.strangers, stranger, STRANGERS_MAX);
        seen.is_some_and(|it| {
            *it += 1;
            *it > 2
        })
    }

    fn learn_herald(&mut self, drawn: &Drawn, above: u32, below: &str) {
        let text = drawn.line_text(above);
        if !may_herald(text, below) {
            return;
        }
        let key = prompt::skeleton_hash(text.trim_end());
        if let Some(seen) = prompt::held_within(&mut self.heralds, key, HERALDS_MAX) {
            seen.wordy = prompt::is_wordy(text);
            seen.count += 1;
            seen.painted |= drawn.lines[above as usize].paint_col > 0;
            self.heralding |= seen.painted && seen.count >= 2 || seen.count >= 3 && !seen.wordy;
        }
    }

    /// Whether the line above is the upper line of this session's prompt.
    pub(super) fn is_heralded(&self, drawn: &Drawn, nth: usize) -> bool {
        if !self.heralding || nth == usize::MAX {
            return false;
        }
        let Some(above) = line_above(drawn, nth) else { return false };
        let text = drawn.line_text(above);
        let below = match drawn.items.get(nth) {
            Some(Item::Line(index)) => drawn.line_text(*index),
            _ => "",
        };
        let is_one = |it: &Herald| {
            // Any output may be a few words: those herald only in colours.
            let painted = it.painted && drawn.lines[above as usize].paint_col > 0;
            painted && it.count >= 2 || it.count >= 3 && !it.wordy
        };
        may_herald(text, below)
            && self.heralds.get(&prompt::skeleton_hash(text.trim_end())).is_some_and(is_one)
    }

    /// Whether lines like this one stand above this session's prompts, again and again.
    pub(super) fn is_a_herald(&self, text: &str) -> bool {
        let seen = self.heralds.get(&prompt::skeleton_hash(text.trim_end()));
        text.len() <= HERALD_BYTES && seen.is_some_and(|it| it.count >= 3 && !it.wordy)
    }

    /// The next best place where the prompt could have ended in this row: prompt and text.
    pub(super) fn runner_up(
        &self,
        row: u8,
        text: &str,
        found: &[Candidate],
        end: usize,
    ) -> Option<(String, String)> {
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

    /// The first prompt may have been cut short, where its line was drawn oddly: what has come since knows better.
    pub(super) fn farthest(&self, text: &str, end: usize, low: Option<usize>) -> usize {
        let found = prompt::bounded(text, low, None);
        prompt::farthest(text, end, &found, |it| self.learnt.line_count(it))
    }

    /// The best end of a learnt prompt at the start of the line, and how likely it is.
    pub(super) fn line_end(&self, text: &str, low: Option<usize>) -> Option<(usize, f32)> {
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

/// Whether a line may be the upper line of the prompt below it.
fn may_herald(text: &str, below: &str) -> bool {
    !text.trim().is_empty() && text.len() <= HERALD_BYTES && !begin_alike(text, below)
}

/// The line that stands above the one drawn as the `nth` item.
fn line_above(drawn: &Drawn, nth: usize) -> Option<u32> {
    drawn.items[..nth]
        .iter()
        .rev()
        .find_map(|it| match it {
            Item::Line(index) if drawn.lines[*index as usize].bits & bits::OVERWRITTEN == 0 => {
                Some(Some(*index))
            }
            Item::Line(_) => None,
            _ => Some(None),
        })
        .flatten()
}

/// Whether two lines begin alike, as two prompts of one shell do, and the two lines of a prompt seldom.
fn begin_alike(one: &str, other: &str) -> bool {
    one.chars().zip(other.chars()).take(3).filter(|it| it.0 == it.1).count() == 3
}

#[cfg(test)]
mod tests {
    use crate::transcript::testing::check;

    /// What stands above a prompt again and again may be output: a line that is missing there takes nothing away.
    #[test]
    fn output_that_stands_above_prompts_hides_no_prompt_without_it() {
        check(
            "
[dana@h ~]$ git statusx␈ ␈
// shell: git status
nothing to commit, working tree clean
[dana@h ~]$ git statusx␈ ␈
// shell: git status
nothing to commit, working tree clean
[dana@h ~]$ git statusx␈ ␈
// shell: git status
nothing to commit, working tree clean
[dana@h ~]$ git stx␈ ␈
// shell: git st
nothing to commit, working tree clean
[dana@h ~]$ ls
//          ^^ shell
app
[dana@h ~]$ ./deploy
//          ^^^^^^^^ shell
done
[dana@h ~]$ ssh db
//          ^^^^^^ shell
[dana@db ~]$ id
//           ^^ shell
uid=0
",
        );
    }
}
