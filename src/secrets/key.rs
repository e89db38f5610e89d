//! Lines of private keys: what begins one, what ends it, and what may stand between.

use std::sync::LazyLock;

use regex::Regex;

use super::find::entropy;

/// A line that begins or ends the text form of a private key, with what a prompt or indentation put before it.
static KEY_BEGINS: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----").expect("a constant pattern")
});

static KEY_ENDS: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"-----END [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----").expect("a constant pattern")
});

/// A header of an encrypted key (RFC 1421).
static KEY_HEADER: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r"^[\w:|> -]*(Proc-Type|DEK-Info|Comment|PublicKey|Encryption|[A-Z][A-Za-z]+-Lines): ?",
    )
    .expect("a constant pattern")
});

/// A line of a key's body. (A header of an encrypted key, such as `Proc-Type`, is no secret.)
pub(super) static KEY_BODY: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"[A-Za-z0-9+/=]{16,}").expect("a constant pattern"));

/// Where a line stands to a private key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum KeyLine {
    #[default]
    Outside,
    /// Behind its first line: what comes next may be none of it.
    Begun,
    /// Behind a line of its body.
    Inside,
}

impl KeyLine {
    /// Goes on to the next line, and tells the stretches of it that belong to a key's body.
    pub(super) fn next(&mut self, line: &str) -> Vec<(usize, usize)> {
        let mut from = 0;
        if *self == Self::Outside {
            let Some(it) = KEY_BEGINS.find(line) else { return Vec::new() };
            *self = Self::Begun;
            from = it.end();
        }
        let end = KEY_ENDS.find(&line[from..]).map(|it| from + it.start());
        let body = &line[from..end.unwrap_or(line.len())];
        if from == 0 && end.is_none() && !may_stand_in_key(body) {
            // Whoever prints the first line of a key alone must not hide what comes after it.
            *self = Self::Outside;
            return Vec::new();
        }
        let mut pieces: Vec<(usize, usize)> =
            KEY_BODY.find_iter(body).map(|it| (from + it.start(), from + it.end())).collect();
        if pieces.is_empty() && *self == Self::Inside && !KEY_HEADER.is_match(body) {
            // The last line of a body has any length.
            pieces.extend(last_word(body).map(|it| (from + it.0, from + it.1)));
        }
        if end.is_some() {
            *self = Self::Outside;
        } else if !pieces.is_empty() {
            *self = Self::Inside;
        }
        pieces
    }
}

/// Whether a line could hold a part of a private key's body, whatever `cat -n`, `grep` or YAML put before it. Its place among
/// the other lines tells.
pub fn may_be_in_key(text: &str) -> bool {
    KEY_BODY.find_iter(text).any(|it| is_mixed(it.as_str()))
        || last_word(text)
            .is_some_and(|(from, to)| text.len() <= to - from + 8 && is_mixed(&text[from..to]))
}

/// The last word of a line, if it is base64.
fn last_word(line: &str) -> Option<(usize, usize)> {
    let text = line.trim_end().trim_end_matches("\\n").trim_end_matches(['"', '\'']);
    let from = text.rfind([' ', '\t', ':', '|', '"', '\'']).map_or(0, |it| it + 1);
    let is_base64 = |it: u8| it.is_ascii_alphanumeric() || b"+/=".contains(&it);
    let word = &text[from..];
    (!word.is_empty() && word.bytes().all(is_base64)).then_some((from, text.len()))
}

/// Whether a line can stand between the first and the last line of a private key: a stretch of its body, whatever `cat -n`, `grep` or
/// YAML put before it, the last few letters of it, a header of an encrypted key, or nothing.
fn may_stand_in_key(line: &str) -> bool {
    let text = line.trim();
    text.is_empty()
        || KEY_HEADER.is_match(text)
        || KEY_BODY.is_match(text)
        || last_word(text).is_some_and(|(from, to)| text.len() <= to - from + 8)
}

/// Base64 of random bytes has small and capital letters; most paths and ids have not.
fn is_mixed(text: &str) -> bool {
    let has = |is: fn(&u8) -> bool| text.bytes().any(|it| is(&it));
    text.ends_with('=') || has(u8::is_ascii_uppercase) && has(u8::is_ascii_lowercase)
}

/// A text that looks like a line of a private key's body where its neighbours are not known.
pub(super) fn is_key_like(whole: &str, from: usize, to: usize) -> bool {
    let text = &whole[from..to];
    // Lines of PEM and GnuPG have 64 characters, of OpenSSH 70; the last one any number, and it stands alone: a checksum says
    // before it of what kind it is.
    let is_alone = !whole[..from].ends_with([':', '-', '"', '\'']);
    let bare = text.trim_end_matches('=');
    let mixed = is_mixed(bare) && bare.bytes().any(|it| it.is_ascii_digit());
    match text.len() {
        60.. => mixed && entropy(text) >= 4.0,
        _ => is_alone && mixed && (text.ends_with('=') || text.len() >= 40) && entropy(text) >= 3.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_goes_from_its_first_line_to_its_last_and_ends_where_something_else_stands() {
        let body = "b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQ";
        let whole = Some((0, body.len()));
        // Line, what of it is secret, where that leaves us.
        let table = [
            ("$ cat key", None, KeyLine::Outside),
            ("-----BEGIN RSA PRIVATE KEY-----", None, KeyLine::Begun),
            ("Proc-Type: 4,ENCRYPTED", None, KeyLine::Begun),
            ("", None, KeyLine::Begun),
            (body, whole, KeyLine::Inside),
            ("bm9u", Some((0, 4)), KeyLine::Inside),
            ("-----END RSA PRIVATE KEY-----", None, KeyLine::Outside),
            (body, None, KeyLine::Outside),
            ("-----BEGIN RSA PRIVATE KEY-----", None, KeyLine::Begun),
            ("[root@h ~]# ls -l /etc", None, KeyLine::Outside),
        ];
        let mut key = KeyLine::default();
        for (line, secret, after) in table {
            let pieces = key.next(line);
            assert_eq!((pieces, key), (Vec::from_iter(secret), after), "{line}");
        }
    }
}
