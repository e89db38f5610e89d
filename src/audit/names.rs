//! How things are said in a finding: words for a shell, spans of days.

/// A word for a POSIX shell: quoted unless it is plainly one word. Names of resources are foreign text.
///
/// ```
/// use ssmtrail::audit::names::quote;
/// assert_eq!(quote("/aws/ssm"), "/aws/ssm");
/// assert_eq!(quote("a'b; rm -rf /"), r"'a'\''b; rm -rf /'");
/// ```
pub fn quote(word: &str) -> String {
    let plain = |it: char| it.is_ascii_alphanumeric() || "/_.:@%+=,-".contains(it);
    if !word.is_empty() && !word.starts_with('-') && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// Days as people say them.
pub(crate) fn days(it: i64) -> String {
    if it == 1 { "1 day".into() } else { format!("{it} days") }
}
