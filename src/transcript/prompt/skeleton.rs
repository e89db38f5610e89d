//! What stays of a prompt where all that changes from line to line is made equal, as a text and as a number.

use std::collections::HashMap;
use std::hash::BuildHasher;
use std::hash::BuildHasherDefault;
use std::hash::Hash;
use std::hash::Hasher;

/// At most `most` bytes of the text, cut between characters.
pub fn head(text: &str, most: usize) -> &str {
    &text[..text.floor_char_boundary(most)]
}

/// The prompt with everything that changes from line to line made equal: words, numbers, paths.
pub fn skeleton(prompt: &str) -> String {
    let mut out = String::with_capacity(prompt.len().min(32));
    each_of_skeleton(prompt, |part| out.push_str(part));
    out
}

/// Whether there is nothing but words and blanks in it, as in most lines of output.
pub fn is_wordy(prompt: &str) -> bool {
    prompt.split(' ').filter(|it| !it.is_empty()).all(|word| {
        word.chars().all(is_of_word)
            && (matches!(word, "/" | "~" | "~/") || word.chars().any(char::is_alphanumeric))
    })
}

/// Whether there are two words or more in it, so that it is seldom met by chance in another.
pub fn has_words(prompt: &str) -> bool {
    words(prompt).nth(1).is_some()
}

/// Its words, paths among them.
fn words(prompt: &str) -> impl Iterator<Item = &str> + Clone {
    prompt.split(|it| !is_of_word(it)).filter(|it| it.chars().any(char::is_alphanumeric))
}

/// Whether two prompts have a word in common, or too few words to tell.
pub fn shares_a_word(one: &str, other: &str) -> bool {
    !has_words(one) || shared_words(one, other) > 0
}

/// Words that two prompts have in common.
pub fn shared_words(one: &str, other: &str) -> usize {
    words(one).filter(|it| words(other).any(|other| other == *it)).count()
}

fn is_of_word(ch: char) -> bool {
    match ch {
        '/' | '~' | '.' | '-' | '_' | '+' => true,
        _ if ch.is_ascii() => ch.is_ascii_alphanumeric(),
        _ => ch.is_alphanumeric(),
    }
}

/// A table whose keys are hashes already.
pub type ByHash<V> = HashMap<u64, V, BuildHasherDefault<Hashed>>;

/// The value of a key, if it is held, or if there is room for it beside those that are: strangers choose the keys.
pub fn held_within<K: Eq + Hash, V: Default, S: BuildHasher>(
    table: &mut HashMap<K, V, S>,
    key: K,
    most: usize,
) -> Option<&mut V> {
    let room = table.len() < most || table.contains_key(&key);
    room.then(|| table.entry(key).or_default())
}

/// Takes a hash as it is.
#[derive(Default)]
pub struct Hashed(u64);

impl Hasher for Hashed {
    fn write(&mut self, bytes: &[u8]) {
        self.0 = bytes.iter().fold(self.0, |sum, it| sum.rotate_left(8) ^ u64::from(*it));
    }

    fn write_u64(&mut self, it: u64) {
        self.0 = it;
    }

    fn finish(&self) -> u64 {
        // FNV's high bits are its weakest, and the table looks at them first.
        self.0 ^ self.0.rotate_left(32)
    }
}

/// FNV-1a: fixed, so that the same bytes give the same answer on every run.
pub(super) const HASH_OF_NOTHING: u64 = 0xcbf2_9ce4_8422_2325;

pub(super) fn hashed(sum: u64, text: &str) -> u64 {
    text.bytes().fold(sum, |sum, it| (sum ^ u64::from(it)).wrapping_mul(0x0100_0000_01b3))
}

/// The skeleton as a number, for tables that see every line.
pub fn skeleton_hash(prompt: &str) -> u64 {
    let mut sum = HASH_OF_NOTHING;
    each_of_skeleton(prompt, |part| sum = hashed(sum, part));
    sum
}

/// [`skeleton_hash`] of several beginnings of a text, without the blanks that they end in. One pass, for `ends` ascend.
pub fn hashes_of_beginnings(text: &str, ends: impl Iterator<Item = usize>) -> Vec<u64> {
    let mut out = Vec::with_capacity(8);
    // All that was closed so far, with blanks and without those at its end.
    let (mut sum, mut solid) = (HASH_OF_NOTHING, HASH_OF_NOTHING);
    let mut word: Option<(usize, bool)> = None;
    let mut blank = false;
    let closed = |sum, word: &str, is_word: bool| hashed(sum, if is_word { "w" } else { word });
    let mut chars = text.char_indices().peekable();
    for end in ends {
        while let Some((at, ch)) = chars.next_if(|it| it.0 < end) {
            if is_of_word(ch) {
                let (_, is_word) = word.get_or_insert((at, false));
                *is_word |= ch.is_alphanumeric() || matches!(ch, '/' | '~');
                blank = false;
                continue;
            }
            if let Some((start, is_word)) = word.take() {
                sum = closed(sum, &text[start..at], is_word);
                solid = sum;
            }
            if !(ch == ' ' && blank) {
                sum = hashed(sum, &text[at..at + ch.len_utf8()]);
            }
            if !ch.is_whitespace() {
                solid = sum;
            }
            blank = ch == ' ';
        }
        out.push(match word {
            Some((start, is_word)) => closed(sum, &text[start..end], is_word),
            None => solid,
        });
    }
    out
}

fn each_of_skeleton(prompt: &str, mut push: impl FnMut(&str)) {
    let mut word: Option<usize> = None;
    let mut blank = false;
    let close = |word: &str, push: &mut dyn FnMut(&str)| {
        // An arrow or a plus is a sign, not a word.
        let is_word = word.chars().any(|it| it.is_alphanumeric() || matches!(it, '/' | '~'));
        push(if is_word { "w" } else { word });
    };
    for (at, ch) in prompt.char_indices() {
        if is_of_word(ch) {
            word.get_or_insert(at);
            blank = false;
            continue;
        }
        if let Some(start) = word.take() {
            close(&prompt[start..at], &mut push);
        }
        if !(ch == ' ' && blank) {
            push(&prompt[at..at + ch.len_utf8()]);
        }
        blank = ch == ' ';
    }
    if let Some(start) = word {
        close(&prompt[start..], &mut push);
    }
}

/// A text as a number, the same on every run.
pub fn hash(text: &str) -> u64 {
    hashed(HASH_OF_NOTHING, text)
}

/// The same of characters.
pub fn hash_of(chars: impl Iterator<Item = char>) -> u64 {
    chars.fold(HASH_OF_NOTHING, |sum, it| (sum ^ u64::from(it)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::hashes_of_beginnings;
    use super::skeleton;
    use super::skeleton_hash;

    #[test]
    fn beginnings_are_hashed_together_as_they_are_one_by_one() {
        for text in [
            "[dana@h ~]$ ls  -l",
            "  ->  + x",
            "a\u{a0}b\u{3000}c  d",
            "❯ né é~ //",
            "",
            "x",
            "x   ",
            "\tx\t",
            "word/~.. ++ 日本 $ 語 ",
        ] {
            let ends: Vec<usize> =
                (0..=text.len()).filter(|it| text.is_char_boundary(*it)).collect();
            let together = hashes_of_beginnings(text, ends.iter().copied());
            let apart: Vec<u64> =
                ends.iter().map(|it| skeleton_hash(text[..*it].trim_end())).collect();
            assert_eq!(together, apart, "{text:?}");
        }
    }

    #[test]
    fn a_skeleton_keeps_signs_and_forgets_words() {
        assert_eq!(skeleton("[ssm-user@ip-1 bin]$ "), "[w@w w]$ ");
        assert_eq!(skeleton("14:03:22 /opt $"), "w:w:w w $");
    }
}
