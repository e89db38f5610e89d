//! What single lines say by themselves: what was sent before them, signs of prompts, what shells print as they end, and
//! prompts that ask for more.

use crate::transcript::prompt;
use crate::transcript::screen::Drawn;
use crate::transcript::screen::Item;
use crate::transcript::screen::Line;
use crate::transcript::screen::bits;

/// Something that this shell always sends came right before the prompt: a window title, or a question
/// about the cursor.
pub(super) fn is_announced(line: &Line) -> bool {
    line.title_col > 0 || line.bits & bits::ASKED != 0
}

/// The cursor went back to some column of it.
pub(super) fn went_back(line: &Line) -> bool {
    line.low_col != u16::MAX && line.low_col > 0
}

/// The next line is a prompt that a line editor has drawn.
pub(super) fn next_is_announced(drawn: &Drawn, nth: usize) -> bool {
    let behind = drawn.items.get(nth.saturating_add(1)..).unwrap_or_default();
    let is_one = behind.iter().find_map(|it| match it {
        Item::Line(index) => {
            let line = &drawn.lines[*index as usize];
            let is_strong = || prompt::known(drawn.line_text(*index)).is_some_and(|it| it.strong);
            Some(line.bits & bits::INPUT != 0 || is_announced(line) && is_strong())
        }
        Item::Region(it) => Some(drawn.regions[*it as usize].genuine),
        _ => None,
    });
    is_one == Some(true)
}

/// The sign that the prompt ends or begins with.
pub(super) fn sign_of(prompt: &str) -> Option<char> {
    let bare = prompt.trim();
    let ends = [bare.chars().next_back(), bare.chars().next()];
    ends.into_iter().flatten().find(|it| !it.is_alphanumeric())
}

pub(super) fn has(text: &str, sign: char) -> bool {
    let mut bytes = [0; 4];
    let bytes = sign.encode_utf8(&mut bytes).as_bytes();
    match bytes {
        [one] => memchr::memchr(*one, text.as_bytes()).is_some(),
        _ => memchr::memmem::find(text.as_bytes(), bytes).is_some(),
    }
}

/// Whether the line has the sign that the prompt ends or begins with. Most output has neither, and
/// is turned away here before anything is built from it.
pub(super) fn shares_a_sign(prompt: &str, text: &str) -> bool {
    sign_of(prompt).is_none_or(|it| has(prompt::head(text, 240), it))
}

/// What a shell prints as it ends, or the program that it was reached by.
/// Source: openssh-portable: clientloop.c, packet.c.
pub(super) fn says_farewell(text: &str) -> bool {
    let text = text.trim();
    match text.as_bytes() {
        [b'e' | b'l', ..] => matches!(text, "exit" | "logout"),
        [b'C', ..] => {
            text.starts_with("Connection to ")
                && (text.ends_with(" closed.") || text.ends_with(" closed by remote host."))
        }
        [b'c', ..] => text.starts_with("client_loop: send disconnect: "),
        _ => false,
    }
}

/// A question whose answer is not shown, and no answer behind it.
pub(super) fn asks_for_a_secret(text: &str) -> bool {
    let bare = text.trim_end();
    if !bare.ends_with(':') || bare.len() > 200 {
        return false;
    }
    let asked = bare.to_lowercase();
    ["password", "passphrase", "passcode", "verification code", "パスワード"]
        .iter()
        .any(|it| asked.contains(it))
}

/// A notice of the shell about a background job, printed before the prompt.
pub(super) fn is_job_notice(text: &str) -> bool {
    text.starts_with('[')
        && text[1..].split_once(']').is_some_and(|(number, rest)| {
            number.chars().all(|it| it.is_ascii_digit())
                && ["Done", "Exit", "Stopped", "Terminated", "Killed", "Running"]
                    .iter()
                    .any(|it| rest.trim_start_matches(['+', '-', ' ']).starts_with(it))
        })
}

/// Output that shows someone's prompt, indented or not: what surrounds it is to be doubted.
pub(super) fn looks_like_a_prompt(text: &str) -> bool {
    let start = text.trim_start();
    prompt::known(start)
        .is_some_and(|it| it.end < start.len() && (it.strong || start.starts_with("$ ")))
}

/// Text without the `^C` that interrupted it, and whether that stood there.
pub(super) fn interrupted(text: &str) -> (&str, bool) {
    match text.strip_suffix("^C") {
        Some(rest) => (rest.trim_end(), true),
        None => (text, false),
    }
}

/// The end of a continuation prompt at the start of the line.
pub(super) fn continuation_end(text: &str) -> Option<usize> {
    const KNOWN: [&str; 5] = ["> ", ">> ", "... ", "   ...> ", "    -> "];
    if let Some(prompt) = KNOWN.iter().find(|it| text.starts_with(**it)) {
        return Some(prompt.len());
    }
    if matches!(text, ">" | "..." | ">>") {
        return Some(text.len());
    }
    let end = text.find("> ")?;
    let word = &text[..end];
    let zsh = word.split(' ').all(|it| it.chars().all(|ch| ch.is_ascii_lowercase()));
    let psql = word.ends_with(['-', '\'', '(', '"'])
        && word[..word.len() - 1].chars().all(|ch| ch.is_alphanumeric() || ch == '_');
    (end > 0 && end <= 24 && (zsh || psql)).then_some(end + 2)
}

/// The command that a reverse search had found when Enter was pressed in the middle of it.
pub(super) fn searched(text: &str) -> Option<&str> {
    let rest = ["(reverse-i-search)`", "(i-search)`", "(failed reverse-i-search)`"]
        .iter()
        .find_map(|it| text.strip_prefix(it))?;
    rest.split_once("': ").map(|it| it.1)
}

/// Whether a REPL asks for more behind such a prompt.
pub(super) fn is_repl_continuation(prompt: &str) -> bool {
    let bare = prompt.trim();
    matches!(bare, "..." | "...>" | "...:")
        || bare.ends_with("->")
        || bare.ends_with("-#")
        || bare.ends_with("'>")
        || bare.ends_with("(>")
}
