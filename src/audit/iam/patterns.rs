//! Texts of policies with `*`, `?` and variables in them: what is of a pattern, and what two patterns have in common.
//!
//! Pure: what a request carries under a variable's key is asked of the caller.
//! Source: "IAM policy elements: Variables and tags" (AWS IAM User Guide).

/// What a request carries under a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Carried {
    /// One value, or several of a key that has many.
    Values(Vec<String>),
    /// The request has no such key.
    Absent,
    /// Nobody knows what a real request would carry.
    Unknown,
}

impl Carried {
    /// A key with this single value.
    pub fn one(value: impl Into<String>) -> Self {
        Self::Values(vec![value.into()])
    }
}

/// One character of a pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Token {
    /// Any text.
    Star,
    /// Any one character.
    One,
    /// This very character.
    Char(char),
}

/// A text of a policy with its variables filled in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Resolved {
    /// The pattern, all variables filled in.
    Known(Vec<Token>),
    /// It depends on what is not known, or on a variable that the request does not have.
    Unknown,
}

/// Fills in `${key}` and `${key, 'default'}`; `${*}`, `${?}` and `${$}` stand for the characters themselves. What is filled in is no
/// pattern.
pub fn resolve(text: &str, variables: bool, carried: &dyn Fn(&str) -> Carried) -> Resolved {
    let mut out = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        if variables
            && let Some(behind) = rest.strip_prefix("${")
            && let Some((name, after)) = behind.split_once('}')
        {
            rest = after;
            let (key, default) = name.split_once(',').unwrap_or((name, ""));
            let (key, default) = (key.trim(), default.trim());
            let default = default.strip_prefix('\'').and_then(|it| it.strip_suffix('\''));
            let value = match (key, carried(&key.to_lowercase()), default) {
                ("*" | "?" | "$", _, _) => key.to_owned(),
                (_, Carried::Values(it), _) if it.len() == 1 => it[0].clone(),
                (_, Carried::Absent, Some(default)) => default.to_owned(),
                _ => return Resolved::Unknown,
            };
            out.extend(value.chars().map(Token::Char));
            continue;
        }
        out.push(match first {
            '*' => Token::Star,
            '?' => Token::One,
            it => Token::Char(it),
        });
        rest = &rest[first.len_utf8()..];
    }
    Resolved::Known(out)
}

/// The text of a pattern where its signs stand for themselves.
pub(crate) fn literal(pattern: &[Token]) -> String {
    let signs = pattern.iter().map(|it| match it {
        Token::Star => '*',
        Token::One => '?',
        Token::Char(it) => *it,
    });
    signs.collect()
}

/// Whether a text is of a pattern; of quadratic time at most, by falling back to the last star alone.
pub fn is_like(pattern: &[Token], text: &str) -> bool {
    let text: Vec<char> = text.chars().collect();
    let (mut at, mut from) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while from < text.len() {
        match pattern.get(at) {
            Some(Token::Star) => {
                star = Some((at, from));
                at += 1;
            }
            Some(it) if [Token::One, Token::Char(text[from])].contains(it) => {
                at += 1;
                from += 1;
            }
            _ => match &mut star {
                Some((back, taken)) => {
                    *taken += 1;
                    at = *back + 1;
                    from = *taken;
                }
                None => return false,
            },
        }
    }
    pattern[at..].iter().all(|it| *it == Token::Star)
}

/// `*` is any text, `?` one character; no variables in it.
///
/// ```
/// use ssmtrail::audit::iam::patterns::glob;
/// assert!(glob("arn:aws:logs:*:*:log-group:/aws/*", "arn:aws:logs:eu-west-1:1:log-group:/aws/ssm"));
/// assert!(glob("s3:Get?cl", "s3:GetAcl") && !glob("s3:*x", "s3:GetAcl"));
/// ```
pub fn glob(pattern: &str, text: &str) -> bool {
    match resolve(pattern, false, &|_| Carried::Unknown) {
        Resolved::Known(pattern) => is_like(&pattern, text),
        Resolved::Unknown => false,
    }
}

/// Whether a pattern holds whatever another one holds. Of one with signs in the middle that may be missed, and is then said not to.
pub fn holds_all(one: &str, other: &str) -> bool {
    // What no pattern has stands for what the signs may be: some text, none, and any one character.
    ["", "\u{1}", "\u{1}\u{2}\u{3}"]
        .iter()
        .all(|some| glob(one, &other.replace('*', some).replace('?', "\u{4}")))
}

/// A pattern in which each variable may be anything.
pub(crate) fn with_any(pattern: &str) -> String {
    let (mut out, mut rest) = (String::new(), pattern);
    while let Some((before, behind)) = rest.split_once("${") {
        let Some((_, after)) = behind.split_once('}') else { break };
        out.push_str(before);
        out.push('*');
        rest = after;
    }
    out + rest
}

/// Whether some text is of both patterns. In time of the product of their lengths.
pub(crate) fn can_meet(one: &str, other: &str) -> bool {
    let (one, other): (Vec<char>, Vec<char>) = (one.chars().collect(), other.chars().collect());
    // Whether what is left of both can meet, for each rest of the other.
    let mut below = vec![false; other.len() + 1];
    for at in (0..=one.len()).rev() {
        let mut row = vec![false; other.len() + 1];
        for from in (0..=other.len()).rev() {
            let (a, b) = (one.get(at), other.get(from));
            row[from] = match (a, b) {
                (None, None) => true,
                (Some('*'), Some(_)) | (Some(_), Some('*')) => below[from] || row[from + 1],
                (Some('*'), None) => below[from],
                (None, Some('*')) => row[from + 1],
                (Some(a), Some(b)) => (a == b || *a == '?' || *b == '?') && below[from + 1],
                _ => false,
            };
        }
        below = row;
    }
    below[0]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_that_was_filled_in_is_no_pattern_and_old_policies_have_no_variables() {
        let star = |_: &str| Carried::one("*");
        let Resolved::Known(pattern) = resolve("a/${k}", true, &star) else { panic!("known") };
        assert!(is_like(&pattern, "a/*") && !is_like(&pattern, "a/b"));
        let Resolved::Known(pattern) = resolve("${k}", false, &star) else { panic!("known") };
        assert!(is_like(&pattern, "${k}"));
    }

    #[test]
    fn two_patterns_meet_where_some_text_is_of_both() {
        for (one, other, wanted) in [
            ("a*", "*b", true),
            ("a*c", "ab?", true),
            ("a*c", "ab", false),
            ("*", "", true),
            ("a", "b", false),
            ("log-group:*:log-stream:a*", "log-group:/ssm:*", true),
            ("log-group:/s*:log-stream:a*", "log-group:/ssm:*", true),
            ("log-group:/other:*", "log-group:/ssm:*", false),
            ("*:log-group:/ssm", "arn:x:log-group:/ssm", true),
        ] {
            assert_eq!(can_meet(one, other), wanted, "{one} {other}");
            assert_eq!(can_meet(other, one), wanted, "{other} {one}");
        }
        assert!(!can_meet(&format!("{}b", "a*".repeat(200)), &"a".repeat(2000)));
    }

    #[test]
    fn a_pattern_of_many_stars_takes_no_time() {
        assert!(!glob(&format!("{}b", "a*".repeat(200)), &"a".repeat(5000)));
        assert!(glob("*a*b*", "xxaxxbxx"));
    }
}
