//! What is secret in a text by itself.

use std::sync::LazyLock;

use regex::Regex;

use super::rules::awake;

/// What we put in place of a secret.
pub(super) static MARK: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"\[masked:[a-z0-9-]+:[0-9a-f]{6}\]").expect("a constant pattern"));

/// A secret found: where, and of what kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// First byte of the secret in its text.
    pub from: usize,
    /// One past its last byte.
    pub to: usize,
    /// The word that its mark shows.
    pub kind: String,
}

/// What the shell or a template puts there at run time, or what already stands for a secret.
fn is_placeholder(value: &str) -> bool {
    let mut chars = value.chars();
    let first = chars.next();
    let same = chars.all(|it| Some(it) == first);
    let begins = ["$", "<", "%", "`", "{{", "file:", "fileb:", "env:", "..."];
    begins.iter().any(|it| value.starts_with(it))
        || value == "-"
        || (same && value.len() > 1)
        || matches!(
            value.to_ascii_lowercase().as_str(),
            "for" | "none" | "null" | "true" | "false" | "yes" | "no" | "required" | "optional"
        )
}

/// Whether a value that follows a mere word looks like a secret: mixed as words are not.
fn looks_secret(value: &str) -> bool {
    let digits = value.bytes().filter(u8::is_ascii_digit).count();
    let marks = value.bytes().filter(|it| b"!@#$%^&*+=~?".contains(it)).count();
    let letters = value.bytes().filter(u8::is_ascii_alphabetic).count();
    let has = |is: fn(&u8) -> bool| value.bytes().any(|it| is(&it));
    let mixed = has(u8::is_ascii_lowercase) && has(u8::is_ascii_uppercase) && digits > 0;
    let path = value.contains('/') && !value.ends_with('=') || value.contains("::");
    !path && letters >= 2 && (digits + marks >= 2 || mixed) && entropy(value) >= 2.5
}

/// Bits a character, after Shannon.
pub(super) fn entropy(text: &str) -> f64 {
    let mut counts = [0u32; 256];
    text.bytes().for_each(|it| counts[it as usize] += 1);
    let all = text.len() as f64;
    let shares = counts.iter().filter(|it| **it > 0).map(|it| f64::from(*it) / all);
    shares.map(|it| -it * it.log2()).sum()
}

/// The secrets in a text, in order and apart from each other.
pub fn find(text: &str) -> Vec<Found> {
    let mut rules = awake(text).peekable();
    if rules.peek().is_none() {
        return Vec::new();
    }
    let marks: Vec<regex::Match<'_>> = MARK.find_iter(text).collect();
    let mut found: Vec<Found> = Vec::new();
    for rule in rules {
        let Some(regex) = rule.regex() else { continue };
        for captures in regex.captures_iter(text.as_bytes()) {
            let group = match rule.group {
                Some(it) => captures.get(it),
                None => captures.iter().skip(1).flatten().next().or_else(|| captures.get(0)),
            };
            let Some(group) = group else { continue };
            let (mut from, mut to) = (group.start(), group.end());
            let bytes = text.as_bytes();
            if to - from >= 2 && matches!(bytes[from], b'\'' | b'"') && bytes[to - 1] == bytes[from]
            {
                (from, to) = (from + 1, to - 1);
            }
            let Some(value) = text.get(from..to) else { continue };
            let is_one = !value.is_empty()
                && (rule.id == "password-hash" || !is_placeholder(value))
                && (rule.entropy == 0.0 || entropy(value) >= rule.entropy)
                && (!rule.picky || looks_secret(value));
            if !is_one {
                continue;
            }
            // Marks stay as they are. What somebody put one into is a secret all the same.
            let (mut at, mut pieces) = (from, Vec::new());
            for it in marks.iter().filter(|it| from < it.end() && it.start() < to) {
                pieces.push((at, it.start().max(at)));
                at = it.end();
            }
            let is_whole = pieces.is_empty();
            pieces.push((at, to.max(at)));
            found.extend(
                pieces
                    .into_iter()
                    .filter(|(from, to)| {
                        is_whole || text[*from..*to].bytes().any(|it| it.is_ascii_alphanumeric())
                    })
                    .map(|(from, to)| Found { from, to, kind: rule.id.clone() }),
            );
        }
    }
    // Of those that overlap, the one that says most of what it is; ours, then the longer.
    found.sort_by_key(|it| (it.from, std::cmp::Reverse(it.to)));
    let mut apart: Vec<Found> = Vec::with_capacity(found.len());
    for it in found {
        match apart.last_mut() {
            Some(last) if it.from < last.to => {
                last.to = last.to.max(it.to);
                if matches!(last.kind.as_str(), "variable" | "setting" | "option") {
                    last.kind = it.kind;
                }
            }
            _ => apart.push(it),
        }
    }
    apart
}
