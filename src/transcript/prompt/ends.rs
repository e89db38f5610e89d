//! Places in a line where a prompt may end, and how much a prompt would end like that.

use unicode_width::UnicodeWidthChar;

use crate::transcript::prompt::skeleton::head;

/// Byte at which the column begins, counting as a terminal does.
#[inline]
pub fn byte_of_column(text: &str, column: usize) -> usize {
    let mut at = 0;
    for (byte, ch) in text.char_indices() {
        if at >= column {
            return byte;
        }
        at += if ch == '\t' { 8 - at % 8 } else { UnicodeWidthChar::width(ch).unwrap_or(0) };
    }
    text.len()
}

/// A place where a prompt may end, and how much a prompt would end like that.
#[derive(Clone, Copy, Debug)]
pub struct Candidate {
    /// Byte of the line, one past the last of the prompt.
    pub end: usize,
    /// How much a prompt would end like that; more is likelier.
    pub weight: f32,
}

/// Signs that people end prompts with.
pub(super) fn sign_weight(ch: char) -> f32 {
    match ch {
        '$' | '#' | '%' | '>' => 1.0,
        '❯' | '➜' | 'λ' | '»' | '›' | '▶' | '→' | '⟩' | '❱' | '⚡' => 1.0,
        '\u{e0a0}'..='\u{e0d7}' => 0.9,
        ':' | ')' | ']' | '}' | '|' | '~' | '!' | '?' | '*' | '@' | '^' | '&' => 0.5,
        _ if !ch.is_ascii() && !ch.is_alphanumeric() => 0.8,
        _ if ch.is_ascii_punctuation() => 0.3,
        _ => 0.2,
    }
}

/// A blank, or one that must not break: powerline is built with those.
pub(super) fn is_blank(ch: char) -> bool {
    matches!(ch, ' ' | '\u{a0}')
}

/// Every place in a line where a prompt may end: behind a sign and a blank, behind a sign, behind a blank.
pub fn candidates(text: &str) -> Vec<Candidate> {
    let mut found = Vec::with_capacity(8);
    let window = head(text, 240);
    let mut before = None;
    let mut sign = None;
    for (at, ch) in window.char_indices() {
        if is_blank(ch) {
            if let Some(last) = sign {
                found.push(Candidate { end: at + ch.len_utf8(), weight: sign_weight(last) });
            } else if before.is_some_and(is_blank) && !found.is_empty() {
                // A prompt may end in several blanks.
                let weight = found.last().map_or(0.1, |it| it.weight);
                found.push(Candidate { end: at + ch.len_utf8(), weight });
            }
            sign = None;
        } else {
            if let Some(last) = before
                && matches!(last, '>' | '$' | '#' | '%' | ':')
            {
                found.push(Candidate { end: at, weight: 0.25 });
            }
            sign = Some(ch);
        }
        before = Some(ch);
        if found.len() >= 24 {
            break;
        }
    }
    // The line may be the bare prompt, its last blank trimmed.
    if let Some(last) = sign
        && window.len() == text.len()
    {
        found.push(Candidate { end: text.len(), weight: sign_weight(last) * 0.6 });
    }
    found
}

/// The last change of colour stands at the prompt's end, or before the sign or blanks it ends with: readline
/// never paints what is typed.
fn painted(text: &str, paint: usize, low: Option<usize>, found: &mut Vec<Candidate>) {
    let Some(rest) = text.get(paint..).filter(|_| paint > 0) else { return };
    let sign = |it: char| {
        it.is_whitespace()
            || matches!(it, '$' | '#' | '%' | '>' | ':' | ')' | ']')
            || sign_weight(it) >= 0.8
    };
    let end = paint + rest.find(|it| !sign(it)).unwrap_or(rest.len());
    // A command may begin with a sign: then the blank before it is where the prompt ends.
    let behind_blank = |it: &str| it.trim_end_matches(|it: char| !it.is_whitespace()).len();
    let end = paint + behind_blank(&text[paint..end]);
    for (end, weight) in [(paint, 1.2), (end, 1.5)] {
        if low.is_some_and(|low| end > low) {
            continue;
        }
        match found.iter_mut().find(|it| it.end == end) {
            Some(it) => it.weight = it.weight.max(weight),
            None => found.push(Candidate { end, weight }),
        }
    }
}

/// The farthest place that is as common as `end`, and ends as prompts do: a prompt of several segments is
/// common in each of its parts, and commands differ.
pub fn farthest(text: &str, end: usize, found: &[Candidate], count: impl Fn(&str) -> u32) -> usize {
    let here = count(&text[..end]);
    if here < 3 {
        return end;
    }
    found
        .iter()
        .filter(|it| {
            it.weight >= 0.3 && text.get(end..it.end).is_some_and(|it| !it.trim().is_empty())
        })
        .filter(|it| count(&text[..it.end]) * 4 >= here * 3)
        .map(|it| it.end)
        .max()
        .unwrap_or(end)
}

/// Where the prompt of a drawn line may end, within what the line editor has shown: not behind the byte it
/// went back to, not before the last change of colour.
pub fn bounded(text: &str, low: Option<usize>, paint: Option<usize>) -> Vec<Candidate> {
    let mut found = candidates(text);
    if let Some(low) = low {
        found.retain(|it| it.end <= low);
        if low > 0 && !found.iter().any(|it| it.end == low) {
            found.push(Candidate { end: low, weight: 0.15 });
        }
    }
    if let Some(paint) = paint
        && low.is_none_or(|it| paint <= it)
    {
        if found.iter().any(|it| it.end >= paint) {
            found.retain(|it| it.end >= paint);
        }
        painted(text, paint, low, &mut found);
    }
    found
}
