//! What a command's own text says of how it was read. A prompt may be certain and the text behind it still wrong: drawn over a
//! margin that was guessed, with a second prompt in it, or with what an editor left of an older line.

use crate::transcript::commands::command::JUDGED_BYTES;
use crate::transcript::commands::weights;
use crate::transcript::commands::weights::Evidence;
use crate::transcript::prompt;
use crate::transcript::screen;

/// Blanks in a row that people seldom type.
const BLANKS: usize = 4;
/// Characters that a command seldom repeats of its own beginning.
const FRAGMENT: usize = 12;

/// Evidence against the text, none for nearly all.
pub(super) fn doubts(text: &str, shown: &str) -> impl Iterator<Item = Evidence> {
    let text = prompt::head(text, JUDGED_BYTES);
    let found = [
        has_blanks(text).then_some(weights::HAS_BLANKS),
        has_prompt(text, shown),
        (!text.is_ascii() && text.chars().any(screen::is_ornament))
            .then_some(weights::HAS_ORNAMENTS),
        repeats(text).then_some(weights::DRAWN_TWICE),
    ];
    found.into_iter().flatten()
}

/// Several blanks between words, outside quotes.
fn has_blanks(text: &str) -> bool {
    // Nearly all are turned away here.
    if !text.as_bytes().windows(BLANKS).any(|it| it.iter().all(|it| *it == b' ')) {
        return false;
    }
    let mut quote = None;
    for line in text.lines() {
        let mut blanks = 0;
        for ch in line.trim().chars() {
            match quote {
                Some(it) if it == ch => quote = None,
                None if matches!(ch, '\'' | '"') => quote = Some(ch),
                _ => {}
            }
            blanks = if ch == ' ' && quote.is_none() { blanks + 1 } else { 0 };
            if blanks >= BLANKS {
                return true;
            }
        }
    }
    false
}

fn has_prompt(text: &str, shown: &str) -> Option<Evidence> {
    let bare = shown.trim();
    if text.len() >= bare.len() && bare.chars().nth(5).is_some() {
        // What is typed stands behind a blank or a quote; what was drawn over stands anywhere.
        let is_within = |at: usize| text[..at].ends_with(|it: char| it.is_alphanumeric());
        let mut found = memchr::memmem::find_iter(text.as_bytes(), bare.as_bytes()).peekable();
        if found.peek().is_some() {
            let is_drawn_over = found.any(is_within);
            let why = if is_drawn_over { weights::HAS_PROMPT_WITHIN } else { weights::HAS_PROMPT };
            return Some(why);
        }
    }
    let known =
        |it: &str| prompt::known(it).is_some_and(|it| it.is_of_a_shell() && it.user.is_some());
    // Those that are known say whose they are.
    memchr::memchr(b'@', text.as_bytes())?;
    // At the start of a line, or where another word begins.
    let is_there = text.lines().any(known)
        || text.match_indices(['@', '[']).take(8).any(|(at, _)| {
            let before = text[..at].trim_end_matches(|it: char| !it.is_whitespace());
            !before.is_empty() && known(&text[before.len()..])
        });
    is_there.then_some(weights::HAS_PROMPT)
}

/// Its beginning stands in it once more, farther on.
fn repeats(text: &str) -> bool {
    let Some((end, _)) = text.char_indices().nth(FRAGMENT) else { return false };
    let begin = &text[..end];
    let words = begin.contains(' ');
    // `echo one; echo one` is typed; what goes on without a sign between is not.
    words
        && memchr::memmem::find_iter(&text.as_bytes()[end..], begin).any(|at| {
            let before = text[..end + at].trim_end_matches(' ');
            !before.ends_with(|it: char| it.is_ascii_punctuation() || it == '\n')
        })
}

#[cfg(test)]
mod tests {
    use super::doubts;

    #[test]
    fn only_what_people_seldom_type_is_doubted() {
        let many = |text: &str| doubts(text, "[dana@h ~]$ ").count();
        for typed in [
            "ls -la",
            "echo 'a    b'",
            "git commit -m \"x    y\"",
            "for i in 1 2; do\n    echo $i\ndone",
            "echo one two three; echo one two three",
            "ssh dana@web-1 uptime",
            "rsync -a x dana@h:/srv/",
            "git commit -m x\ngit commit -m y",
        ] {
            assert_eq!(many(typed), 0, "{typed:?}");
        }
        for odd in [
            "ls              20:07:20",
            "ls [dana@h ~]$ cat x",
            "tar xf a.ta[dana@h ~]$ ls",
            // Found by the fuzzer: a blank of two bytes.
            "ls\u{a0}root@web-1:~# id",
            "root@web-1:~# id",
            "ls \u{e0b0} cat",
            "curl http://x/echo curl http://x/echo",
        ] {
            assert_eq!(many(odd), 1, "{odd:?}");
        }
    }
}
