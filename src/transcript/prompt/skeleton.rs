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
    let mut parts = SkeletonParts::default();
    let mut chars = text.char_indices().peekable();
    for end in ends {
        while let Some((at, ch)) = chars.next_if(|it| it.0 < end) {
            parts.read(text, at, ch, |part| {
                sum = hashed(sum, part);
                solid = if part.trim().is_empty() { solid } else { sum };
            });
        }
        out.push(parts.word_up_to(text, end).map_or(solid, |part| hashed(sum, part)));
    }
    out
}

fn each_of_skeleton(prompt: &str, mut push: impl FnMut(&str)) {
    let mut parts = SkeletonParts::default();
    for (at, ch) in prompt.char_indices() {
        parts.read(prompt, at, ch, &mut push);
    }
    parts.word_up_to(prompt, prompt.len()).into_iter().for_each(push);
}

/// A text on its way to its skeleton.
#[derive(Default)]
struct SkeletonParts {
    /// Where the word begins that is read, and whether it is one: an arrow or a plus is a sign.
    word: Option<(usize, bool)>,
    /// A blank came last.
    blank: bool,
}

impl SkeletonParts {
    /// Reads the next character; `push` gets the parts that end with it.
    fn read(&mut self, text: &str, at: usize, ch: char, mut push: impl FnMut(&str)) {
        if is_of_word(ch) {
            let (_, is_word) = self.word.get_or_insert((at, false));
            *is_word = *is_word || ch.is_alphanumeric() || matches!(ch, '/' | '~');
            self.blank = false;
            return;
        }
        if let Some(word) = self.word_up_to(text, at) {
            push(word);
            self.word = None;
        }
        if !(ch == ' ' && self.blank) {
            push(&text[at..at + ch.len_utf8()]);
        }
        self.blank = ch == ' ';
    }

    /// The part that the word is which is read, if it ends here.
    fn word_up_to<'a>(&self, text: &'a str, end: usize) -> Option<&'a str> {
        self.word.map(|(start, is_word)| if is_word { "w" } else { &text[start..end] })
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
