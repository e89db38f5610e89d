//! The restorer: learns prompts, words and widths from the lines of a stretch, and puts back in each what was deleted from it.

use std::collections::HashSet;

use crate::transcript::prompt;
use crate::transcript::prompt::Learnt;
use crate::transcript::screen::bits;
use crate::transcript::shell;
use crate::transcript::streamed::erased;
use crate::transcript::streamed::erased::Words;
use crate::transcript::streamed::lines;
use crate::transcript::streamed::lines::Restored;
use crate::transcript::streamed::pasted;
use crate::transcript::streamed::recalled::Recalled;
use crate::transcript::streamed::returns;
use crate::transcript::streamed::returns::UnfilledLine;
use crate::transcript::streamed::steps;
use crate::transcript::streamed::steps::Step;
use crate::transcript::streamed::widths::Telling;
use crate::transcript::streamed::widths::known;
use crate::transcript::streamed::widths::rises;
use crate::transcript::streamed::widths::widths;
use crate::transcript::wire::RawLine;

/// Restores streamed lines, stretch by stretch, remembering the session's prompts and commands.
#[derive(Default)]
pub struct Restorer {
    learnt: Learnt,
    /// Commands as they stood on earlier lines, newest last: a recalled one is drawn over another.
    history: Vec<String>,
    words: Words,
}

/// Earlier commands kept.
const HISTORY: usize = 512;

impl Restorer {
    /// Pure: the same lines give the same answer.
    pub fn restore(&mut self, held: Vec<RawLine<Vec<u8>>>) -> Vec<Restored> {
        let mut lines: Vec<Option<UnfilledLine<'_>>> =
            held.iter().map(|it| self.learn(&it.bytes)).collect();
        for (split, it) in lines.iter_mut().zip(held.iter()) {
            if split.is_none() && !self.is_mere_output(&it.bytes) {
                *split = Some(UnfilledLine::of(&it.bytes));
            }
        }
        let prompts: Vec<Option<usize>> =
            lines.iter().map(|it| it.as_ref().and_then(|it| self.prompt_end(it))).collect();
        let typed: Vec<bool> = prompts.iter().map(Option::is_some).collect();
        let widths = widths(&self.tellings(&lines, &prompts));
        let changed: Vec<Option<(Vec<u8>, u16)>> = lines
            .iter()
            .zip(prompts.into_iter().zip(&widths))
            .map(|(it, (prompt, width))| Some(self.one(it.as_ref()?, prompt, *width)))
            .collect();
        let blocks = pasted::pasted_blocks(&held, &typed);
        let mut restored: Vec<Restored> = held
            .into_iter()
            .zip(widths)
            .zip(changed)
            .map(|((mut line, width), changed)| {
                let mut bits = 0;
                if let Some(it) = changed {
                    (line.bytes, bits) = it;
                }
                Restored { line, width, bits }
            })
            .collect();
        for block in blocks {
            block.apply(&mut restored);
        }
        restored
    }

    /// Text and nothing else, in which no prompt may end: nearly all lines.
    fn is_mere_output(&self, bytes: &[u8]) -> bool {
        const BLANKS: &[u8] = &[b' '; lines::FILLING];
        let Ok(text) = std::str::from_utf8(bytes) else { return false };
        !bytes.iter().any(|it| *it < 0x20 || *it == 0x7f)
            && memchr::memmem::find(bytes, BLANKS).is_none()
            && !returns::may_be_doubled(bytes)
            && !self.may_be_typed(prompt::head(text, 320))
    }

    /// What a line may have been, and the bits that say so of it.
    fn one(
        &mut self,
        it: &UnfilledLine<'_>,
        prompt: Option<usize>,
        columns: Option<usize>,
    ) -> (Vec<u8>, u16) {
        let mut bytes = it.head.clone();
        let Some(prompt) = prompt else {
            bytes.extend_from_slice(it.tail);
            return (bytes, 0);
        };
        if let Some(text) = pasted::shown_inverse(it.tail) {
            bytes.extend_from_slice(&text);
            return (bytes, 0);
        }
        // Each margin added a character, and whether a blank there was typed is not told; a cursor that went up has gone
        // to columns that only lost CRs could tell.
        let moves = memchr::memchr2(0x08, 0x1b, it.tail).is_some();
        let drawn = it.drawn.len().max(if moves { steps::last_row(it.tail).len() } else { 0 });
        let long = drawn > columns.map_or(lines::LONG, |it| it.min(lines::LONG));
        let rises = steps::steps(it.tail).any(|it| matches!(it.0, Step::Csi(b'A', _)));
        let mut guessed = rises || long;
        let mut tail = returns::with_crs(it, columns, prompt);
        if memchr::memchr(0x1b, it.tail).is_none() {
            if let Some(other) = self.drawn_over(&tail, prompt) {
                tail = other;
                guessed = true;
            }
            if memchr::memchr(0x08, it.tail).is_some() {
                // What was erased is not shown; only rubbing out and typing on at once leaves no doubt.
                let other = erased::with_erases(&tail, prompt, &self.words);
                tail = other.0;
                guessed |= other.1;
            }
        }
        let text: String = steps::last_row(&tail).iter().skip(prompt).collect();
        if text.trim().len() > 1 {
            if self.history.len() >= HISTORY {
                self.history.remove(0);
            }
            self.history.push(text.trim_end().to_owned());
        }
        bytes.extend_from_slice(&tail);
        (bytes, if guessed { bits::GUESSED } else { 0 })
    }

    /// Learns from one line. One that somebody edited was split for that.
    fn learn<'a>(&mut self, bytes: &'a [u8]) -> Option<UnfilledLine<'a>> {
        if memchr::memchr(0x08, bytes).is_none() {
            if memchr::memchr(0x1b, bytes).is_none() && self.words.len() < 50_000 {
                let text = std::str::from_utf8(bytes).unwrap_or_default();
                self.words.extend(erased::words_of(prompt::head(text, 4096)).map(prompt::hash));
            }
            return None;
        }
        let it = UnfilledLine::of(bytes);
        if it.drawn.len() > 4096 {
            return Some(it);
        }
        let drawn = it.drawn_last();
        let low = steps::lowest(it.tail).min(drawn.len());
        let text: String = drawn.iter().collect();
        let low = text.char_indices().nth(low).map_or(text.len(), |it| it.0);
        let found = prompt::bounded(&text, Some(low), None);
        self.learnt.line(&text, &found, Some(low));
        Some(it)
    }

    /// Columns of the prompt, if someone typed on this line as far as it shows.
    fn prompt_end(&self, it: &UnfilledLine<'_>) -> Option<usize> {
        let announced = it.columns.is_some()
            || memchr::memmem::find(it.tail, b"\x1b[?2004h").is_some()
            || memchr::memmem::find(it.tail, b"\x1b]0;").is_some();
        let back = memchr::memchr(0x08, it.tail).is_some();
        let text: String = it.drawn_last().iter().take(320).collect();
        if !announced && !back && it.twice.is_none() && !self.may_be_typed(&text) {
            return None;
        }
        let chars = |end: usize| text[..end].chars().count();
        if let Some(shape) = prompt::known(&text)
            && (shape.strong || announced || back || it.twice.is_some() || shape.end <= 2)
        {
            return Some(chars(shape.end));
        }
        let found = prompt::candidates(&text);
        let beginnings = prompt::hashes_of_beginnings(&text, found.iter().map(|it| it.end));
        let learnt = found
            .iter()
            .zip(beginnings)
            .map(|(it, beginning)| (it.end, self.learnt.hashed_score(beginning, it.weight)))
            .filter(|it| it.1 >= 3.0)
            .max_by(|one, other| one.1.total_cmp(&other.1));
        match learnt {
            Some((end, _)) => {
                Some(chars(prompt::farthest(&text, end, &found, |it| self.learnt.line_count(it))))
            }
            None => (announced || it.twice.is_some()).then_some(0),
        }
    }

    /// Whether any place in the line is worth a look: nearly all lines are output, and have none.
    fn may_be_typed(&self, text: &str) -> bool {
        prompt::may_be_known(text.as_bytes()) || self.learnt.may_end_within(text)
    }

    fn tellings(
        &self,
        lines: &[Option<UnfilledLine<'_>>],
        prompts: &[Option<usize>],
    ) -> Vec<Telling> {
        let mut before: Vec<Vec<char>> = Vec::new();
        let mut shown: HashSet<u64> = HashSet::new();
        lines
            .iter()
            .zip(prompts)
            .map(|(it, prompt)| {
                let Some(it) = it else { return Telling::default() };
                let Some(prompt) = *prompt else {
                    return Telling { filled: it.columns, ..Telling::default() };
                };
                let drawn = it.drawn_last().to_vec();
                let shared = before
                    .iter()
                    .map(|other| drawn.iter().zip(other).take_while(|it| it.0 == it.1).count())
                    .max()
                    .unwrap_or(0)
                    .max(prompt);
                if before.len() >= 8 {
                    before.remove(0);
                }
                before.push(drawn.clone());
                let joins = self.joins(&drawn);
                let known = known(&drawn, lines::NARROWEST, &mut shown);
                let rises = rises(it.tail);
                Telling { drawn, shared, filled: it.columns, rises, joins, known }
            })
            .collect()
    }

    /// Blanks that stand inside a word which this session shows elsewhere.
    fn joins(&self, drawn: &[char]) -> Vec<usize> {
        let of_word = |it: &char| it.is_alphanumeric() || matches!(it, '_' | '-' | '.');
        if drawn.len() > 1 << 14 {
            return Vec::new();
        }
        let is_within =
            |at: &usize| drawn[*at] == ' ' && of_word(&drawn[at - 1]) && of_word(&drawn[at + 1]);
        let is_joined = |at: &usize| {
            let (before, behind) = (&drawn[..*at], &drawn[at + 1..]);
            let left = before.iter().rev().take_while(|it| of_word(it)).take(64).count();
            let right = behind.iter().take_while(|it| of_word(it)).take(64).count();
            let whole: String = before[at - left..].iter().chain(&behind[..right]).collect();
            self.words.contains(&prompt::hash(&whole))
        };
        let places = lines::NARROWEST..drawn.len().saturating_sub(1);
        places.filter(is_within).filter(is_joined).collect()
    }

    /// A line whose command was drawn more than once, with nothing left between: `T cT aT tT`, an
    /// insertion before the rest, or a recalled command over another.
    fn drawn_over(&self, bytes: &[u8], prompt: usize) -> Option<Vec<u8>> {
        let shown = steps::drawn_once(bytes);
        let start = returns::doubled(&shown).unwrap_or(0) + prompt;
        if start > shown.len() {
            return None;
        }
        // `T cT aT tT`: the rest of the line drawn anew behind each character put before it.
        let typed: Vec<char> = steps::printed(bytes).skip(start).collect();
        if let Some((rest, added)) = erased::drawn_behind(&typed) {
            let mut out: Vec<u8> = shown[..start].iter().collect::<String>().into_bytes();
            let rest: String = rest.iter().collect();
            out.extend_from_slice(rest.as_bytes());
            return_behind(prompt, &mut out);
            out.extend_from_slice(added.as_bytes());
            out.extend_from_slice(rest.as_bytes());
            return Some(out);
        }
        if memchr::memchr(0x08, bytes).is_some() {
            return None;
        }
        let whole: String = shown[start..].iter().collect();
        let (at, sequence) = match Recalled::new(&self.history).over(&whole, 8) {
            Some(at) => (at, "\x1b[K".to_owned()),
            None => {
                let at = self.words_put_before(&whole)?;
                (at, format!("\x1b[{}@", whole[at..].chars().count()))
            }
        };
        let nth = start + whole[..at].chars().count();
        Some(drawn_again(bytes, nth, prompt, &sequence))
    }

    /// Where words begin that were put before the rest of a command: then it ends in a blank, which nobody types at the end of one.
    fn words_put_before(&self, whole: &str) -> Option<usize> {
        let bare = whole.trim_end();
        if whole.len() != bare.len() + 1 || bare.len() <= 3 {
            return None;
        }
        let first_of = |it: &str| {
            let first = it.split(' ').next().unwrap_or_default();
            (shell::is_common(first), self.words.contains(&prompt::hash(first)))
        };
        (1..bare.len())
            .rev()
            .take(24)
            .filter(|at| bare.is_char_boundary(*at))
            .filter(|at| {
                let (old, new) = bare.split_at(*at);
                let (is_common, is_shown) = first_of(new);
                !old.ends_with(' ')
                    && !new.starts_with(' ')
                    && (is_common || is_shown)
                    && !new.contains('/')
            })
            .max_by_key(|at| (first_of(&bare[*at..]).0, bare.len() - at))
    }
}

/// A CR, and the cursor behind the prompt again.
fn return_behind(prompt: usize, out: &mut Vec<u8>) {
    out.push(b'\r');
    if prompt > 0 {
        out.extend_from_slice(format!("\x1b[{prompt}C").as_bytes());
    }
}

/// The line with the cursor behind the prompt again, and a sequence, before the character of this number.
fn drawn_again(bytes: &[u8], number: usize, prompt: usize, sequence: &str) -> Vec<u8> {
    let mut out: Vec<u8> = Vec::with_capacity(bytes.len() + 16);
    let mut nth = 0;
    for (step, raw) in steps::steps(bytes) {
        if matches!(step, Step::Print(_)) {
            if nth == number {
                return_behind(prompt, &mut out);
                out.extend_from_slice(sequence.as_bytes());
            }
            nth += 1;
        }
        out.extend_from_slice(raw);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held(lines: &[&str]) -> Vec<RawLine<Vec<u8>>> {
        let line = |it: &&str| {
            RawLine { bytes: it.as_bytes(), crs: 1, ended: true, from: 0, to: 0 }.kept()
        };
        lines.iter().map(line).collect()
    }

    fn restored(lines: &[&str]) -> Vec<String> {
        Restorer::default()
            .restore(held(lines))
            .into_iter()
            .map(|it| String::from_utf8_lossy(&it.line.bytes).into_owned())
            .collect()
    }

    #[test]
    fn a_doubled_prompt_was_drawn_twice() {
        assert_eq!(restored(&["sh-5.2$ sh-5.2$ whoami"]), ["sh-5.2$ \rsh-5.2$ whoami"]);
        assert_eq!(restored(&["total total 12"]), ["total total 12"]);
    }

    #[test]
    fn a_recalled_command_is_drawn_over_the_one_before() {
        let lines = ["sh-5.2$ cat a", "sh-5.2$ uptime -p", "sh-5.2$ cat auptime -p"];
        assert_eq!(restored(&lines)[2], "sh-5.2$ cat a\r\u{1b}[8C\u{1b}[Kuptime -p");
    }

    /// Each of these makes whoever looks back from each place look at all before it, or at each way to come there.
    #[test]
    fn lines_made_to_be_puzzled_over_are_only_long() {
        let prompt = "sh-5.2$ ";
        // Every beginning of the last line was a command once, and so was each of what follows it.
        let mut recalled: Vec<String> =
            (2..66).map(|it| format!("{prompt}{}", "a".repeat(it))).collect();
        recalled.push(format!("{prompt}{}b", "a".repeat(300)));
        let back = format!("{prompt}{}{}", "x".repeat(16_000), "\u{8}yz\u{8}".repeat(12_000));
        let inserted = format!("{prompt}\u{1b}[?2004hab\u{8}{}", "\u{1b}[9999@".repeat(8_000));
        let titled = format!("{prompt}\u{1b}[?2004h{}", "\u{1b}]0;t\u{1b}\\".repeat(9_000));
        for lines in [recalled, vec![back], vec![inserted], vec![titled]] {
            let many: Vec<&str> = lines.iter().map(String::as_str).collect();
            let bytes: usize = lines.iter().map(String::len).sum();
            let after: usize = restored(&many).iter().map(String::len).sum();
            assert!(after < bytes * 2, "{after} of {bytes}");
        }
    }

    #[test]
    fn a_cursor_that_runs_over_the_end_went_to_the_margin_first() {
        let fish = "\u{1b}[?2004h> c\u{1b}[3Cat";
        assert_eq!(restored(&[fish]), ["\u{1b}[?2004h> c\r\u{1b}[3Cat"]);
    }

    #[test]
    fn a_margin_shows_itself_by_a_character_too_many() {
        let prompt = "[root@ip-10-0-0-1 ~]# ";
        let long = "echo ".to_owned() + &"abcdefghij ".repeat(12);
        let whole: Vec<char> = format!("{prompt}{long}").chars().collect();
        let mut streamed = String::new();
        for (nth, ch) in whole.iter().enumerate() {
            if nth > 0 && nth % 80 == 0 {
                streamed.push(*ch);
            }
            streamed.push(*ch);
        }
        let restored = Restorer::default().restore(held(&[&streamed]));
        assert_eq!(restored[0].width, Some(80));
        assert_eq!(restored[0].line.bytes.iter().filter(|it| **it == b'\r').count(), 1);
    }
}
