//! What a session teaches of its prompts before they are read: the places that line editors go back to, the lines that
//! stand above prompts, the prompts met again and again, and the titles that name a command.

use std::sync::Arc;

use crate::transcript::commands::Evidence;
use crate::transcript::commands::JUDGED_BYTES;
use crate::transcript::commands::Kind;
use crate::transcript::commands::Reader;
use crate::transcript::commands::Split;
use crate::transcript::commands::regions::low_byte;
use crate::transcript::commands::regions::region_rows;
use crate::transcript::commands::text;
use crate::transcript::commands::weights;
use crate::transcript::prompt;
use crate::transcript::prompt::Shape;
use crate::transcript::screen::Drawn;
use crate::transcript::screen::Item;
use crate::transcript::screen::Region;
use crate::transcript::screen::Told;
use crate::transcript::screen::bits;
use crate::transcript::shell;

pub(super) const USUAL_MAX: usize = 16;

/// Kinds of lines before prompts that are told apart.
pub(super) const HERALDS_MAX: usize = 1024;

/// Regions and lines of a session that are all learnt from; beyond, one in sixteen tells enough.
pub(super) const LEARNT_WHOLE: u64 = 1024;

/// A prompt met so often is not judged anew each time.
pub(super) const AS_EVER: u32 = 16;

/// A prompt of an input region as it stands, and what spoke for it when it was judged.
pub(super) struct Usual {
    pub(super) prompt: Arc<str>,
    pub(super) rows_before: usize,
    pub(super) shape: Option<Shape>,
    pub(super) judged: Evidence,
    pub(super) met: u32,
}

#[derive(Default)]
pub(super) struct Herald {
    pub(super) count: u32,
    pub(super) painted: bool,
    /// See [`prompt::is_wordy`].
    pub(super) wordy: bool,
}

impl Reader {
    pub(super) fn learn(&mut self, drawn: &Drawn) {
        for (nth, item) in drawn.items.iter().enumerate() {
            match item {
                Item::Region(index) => {
                    let region = &drawn.regions[*index as usize];
                    if !region.genuine || region.input_at.is_some() {
                        continue;
                    }
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
                        if edited && let Some(above) = line_above(drawn, nth) {
                            self.learn_herald(drawn, above, text);
                        }
                    }
                }
                _ => {}
            }
        }
    }

    /// Whether the region shows the prompt that this shell has shown many times: nothing is to be learnt from it.
    pub(super) fn is_as_ever(&self, drawn: &Drawn, region: &Region) -> bool {
        self.usual.iter().any(|usual| {
            usual.met >= AS_EVER
                && region_rows(drawn, region)
                    .nth(usual.rows_before)
                    .is_some_and(|it| it.text.starts_with(&*usual.prompt))
        })
    }

    /// Counts how often a prompt was met as it is.
    pub(super) fn met(&mut self, split: &Split) {
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

    pub(super) fn learn_herald(&mut self, drawn: &Drawn, above: u32, below: &str) {
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
        if text.trim().is_empty() || text.len() > 240 || begin_alike(text, below) {
            return false;
        }
        self.heralds.get(&prompt::skeleton_hash(text.trim_end())).is_some_and(|it| {
            // Any output may be a few words: those herald only in colours.
            let painted = it.painted && drawn.lines[above as usize].paint_col > 0;
            painted && it.count >= 2 || it.count >= 3 && !it.wordy
        })
    }

    /// Whether lines like this one stand above this session's prompts, again and again.
    pub(super) fn is_a_herald(&self, text: &str) -> bool {
        let seen = self.heralds.get(&prompt::skeleton_hash(text.trim_end()));
        text.len() <= 240 && seen.is_some_and(|it| it.count >= 3 && !it.wordy)
    }

    /// A window title. Many shells put the command there that they are about to run, whole or its beginning; some
    /// with what no line editor draws.
    pub(super) fn title(&mut self, title: &str) {
        let Some(current) = self.current.as_mut().filter(|it| it.outputs == 0 && !it.named) else {
            return;
        };
        let text = &current.command.text;
        if text.len() < 2 || text.len() > JUDGED_BYTES || text.contains('\n') {
            return;
        }
        if let Some(whole) = named(title, text) {
            current.named = true;
            current.command.evidence.push(weights::NAMED_BY_TITLE);
            if whole != *text {
                current.command.text = whole;
            }
        }
    }
}

/// Commands that a shell must have named as they were drawn before it is believed of one that was drawn otherwise.
const SAYS: u32 = 3;

impl Reader {
    /// The shell says what it runs or has run. Any program can say so too, of itself. So it speaks for the text that was drawn where
    /// the two agree; and it replaces that text only where the text itself is doubtful, and where this shell has named each of its
    /// last commands.
    pub(super) fn told(&mut self, told: &str, when: Told) {
        let Some(current) = self.current.as_mut() else { return };
        let Some(level) = self.levels.last_mut() else { return };
        let told = told.trim_end();
        let late = when == Told::Starts && current.outputs > 0;
        let is_text = !told.is_empty()
            && told.len() <= JUDGED_BYTES
            && !told.chars().any(|it| it.is_control() && it != '\n');
        if current.said || late || !is_text || current.command.kind != Kind::Shell {
            return;
        }
        current.said = true;
        let command = &mut current.command;
        let same = match when {
            Told::Starts => without_blanks(&command.text).eq(without_blanks(told)),
            Told::Ended => without_blanks(&command.text)
                .filter(|it| *it != ';')
                .eq(without_blanks(told).filter(|it| *it != ';')),
        };
        let doubtful =
            command.damaged || text::doubts(&command.text, &command.prompt).next().is_some();
        let trusted = when == Told::Starts && level.says >= SAYS;
        if same {
            level.says = level.says.saturating_add(1);
            command.evidence.push(weights::SAID);
        }
        let prompt = command.prompt.to_string();
        if doubtful && trusted && (same || alike(&command.text, told)) {
            let drawn = std::mem::replace(&mut command.text, told.to_owned());
            command.evidence.push(weights::SAID_OF_DOUBTFUL);
            command.runner_up = self.explains.then_some((prompt, drawn));
            self.may_change = shell::change(told);
            self.last = Some(told.to_owned());
        } else if !same && trusted && alike(&command.text, told) {
            command.evidence.push(weights::SAID_OTHERWISE);
            command.runner_up = self.explains.then(|| (prompt, told.to_owned()));
        } else if !same {
            level.says = 0;
        }
    }
}

fn without_blanks(text: &str) -> impl Iterator<Item = char> + '_ {
    text.chars().filter(|it| !it.is_whitespace())
}

/// Whether most of one stands at both ends of the other.
fn alike(one: &str, other: &str) -> bool {
    let (one, other): (Vec<char>, Vec<char>) =
        (without_blanks(one).collect(), without_blanks(other).collect());
    let ahead = one.iter().zip(&other).take_while(|it| it.0 == it.1).count();
    let behind = one.iter().rev().zip(other.iter().rev()).take_while(|it| it.0 == it.1).count();
    ahead > 0 && (ahead + behind) * 5 >= one.len().max(other.len()) * 3
}

/// The beginning of the title that is this command, if it is: with the joiners and selectors that no line editor
/// draws, and with nothing else, since whatever the command prints may set a title.
pub(super) fn named(title: &str, command: &str) -> Option<String> {
    let mut drawn = command.chars().peekable();
    let mut end = 0;
    for (at, ch) in title.char_indices() {
        let joins = matches!(ch, '\u{200c}' | '\u{200d}' | '\u{fe00}'..='\u{fe0f}');
        let undrawn = joins && drawn.peek().is_some();
        if drawn.next_if_eq(&ch).is_none() && !undrawn {
            break;
        }
        end = at + ch.len_utf8();
    }
    let whole = drawn.peek().is_none();
    (whole && title[end..].chars().next().is_none_or(char::is_whitespace))
        .then(|| title[..end].to_owned())
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
pub(super) fn begin_alike(one: &str, other: &str) -> bool {
    one.chars().zip(other.chars()).take(3).filter(|it| it.0 == it.1).count() == 3
}
