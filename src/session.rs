//! The nouns: session id, locator, window of time. Parsed once, then trusted.
//!
//! Words are AWS's own where it has them ("Session", AWS Systems Manager API Reference).

use crate::aws_names::Arn;
use crate::time::At;

/// What stands in the place of masked data: as many asterisks as it had characters ("Help protect sensitive log data with
/// masking"). No ARN, id or name holds any.
pub const MASK: &str = "***";

/// Name of a session as Session Manager gives it: also the log stream, and the object key's stem.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SessionId(String);

impl SessionId {
    /// The id as some transcript states it. Length and characters are bounded so that it can be a name
    /// ("Session": 1 to 96 characters).
    pub fn new(text: &str) -> Option<Self> {
        let sound = (1..=200).contains(&text.len())
            && !text.chars().any(|it| it.is_control() || matches!(it, '/' | '\\'));
        sound.then(|| Self(text.to_owned()))
    }

    /// The id that a file or object is named by, or `None` for the other things a bucket holds.
    ///
    /// ```
    /// use ssmtrail::session::SessionId;
    /// let id = SessionId::from_object_key("prod/alice-0123456789abcdef0.log").unwrap();
    /// assert_eq!(id.as_str(), "alice-0123456789abcdef0");
    /// assert!(SessionId::from_object_key("prod/Standard_Stream/stderr").is_none());
    /// assert!(SessionId::from_object_key("README.md").is_none());
    /// ```
    pub fn from_object_key(key: &str) -> Option<Self> {
        let id = Self::new(stem(key)?)?;
        id.is_well_formed().then_some(id)
    }

    /// Whether a key ends as the key of a session does and yet cannot name one, for a character in it or its length.
    pub fn is_almost_named(key: &str) -> bool {
        stem(key).is_some_and(|it| Self::new(it).is_none() && Self(it.to_owned()).is_well_formed())
    }

    /// Whether it ends as every id does: 17 hex digits that begin with 0, or 26 letters and digits.
    /// Some published ids have other endings, so a transcript's own word is taken even where this is false.
    pub fn is_well_formed(&self) -> bool {
        let Some((principal, random)) = self.0.rsplit_once('-') else { return false };
        let old = random.len() == 17
            && random.starts_with('0')
            && random.bytes().all(|it| it.is_ascii_digit() || (b'a'..=b'f').contains(&it));
        let new = random.len() == 26
            && random.bytes().all(|it| it.is_ascii_digit() || it.is_ascii_lowercase());
        !principal.is_empty() && (old || new)
    }

    /// What stands before the last hyphen: a hint of the owner, never proof. Asterisks hint at nobody.
    pub fn owner_hint(&self) -> Option<&str> {
        let (principal, _) = self.0.rsplit_once('-')?;
        let is_one = principal != "ecs-execute-command"
            && !principal.is_empty()
            && !principal.contains(MASK);
        is_one.then_some(principal)
    }

    /// The whole id, principal and ending, as it was given.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The name of a file or object without its endings, and without what browsers and file managers put around the name of a copy:
/// `x (1).log`, `x.log.txt`, `x.log.1`, `Copy of x.log`, `x - Copy.log`, `x copy 2.log`.
pub(crate) fn stem(key: &str) -> Option<&str> {
    const ENDINGS: [&str; 6] = [".gz", ".zst", ".log", ".jsonl", ".json", ".txt"];
    let mut stem = key.rsplit('/').next()?;
    let digits = |it: &str| !it.is_empty() && it.bytes().all(|it| it.is_ascii_digit());
    loop {
        let before = stem;
        stem = stem.trim();
        for it in ENDINGS {
            let place = stem.len().saturating_sub(it.len());
            if stem.get(place..).is_some_and(|end| end.eq_ignore_ascii_case(it)) {
                stem = &stem[..place];
            }
        }
        // A number in parentheses, behind the word, or behind the ending.
        let numbered = stem
            .strip_suffix(')')
            .and_then(|it| it.rsplit_once('('))
            .map(|(name, number)| (name.trim_end(), number))
            .or_else(|| {
                let words = [" copy", " Copy", "コピー"];
                stem.rsplit_once(' ').filter(|it| words.iter().any(|word| it.0.ends_with(word)))
            })
            .or_else(|| {
                let is_log = |it: &str| it.to_ascii_lowercase().ends_with(".log");
                stem.rsplit_once('.').filter(|it| is_log(it.0))
            });
        if let Some((name, number)) = numbered
            && digits(number)
        {
            stem = name;
        }
        for it in [" - Copy", " copy", " Copy", " - コピー", " のコピー"] {
            stem = stem.strip_suffix(it).unwrap_or(stem);
        }
        stem = stem.strip_prefix("Copy of ").unwrap_or(stem);
        if let Some((number, name)) =
            stem.strip_prefix("Copy (").and_then(|it| it.split_once(") of "))
            && digits(number)
        {
            stem = name;
        }
        if stem == before {
            return Some(stem);
        }
    }
}

/// The name that people know a principal by: the end of its ARN, which is the name of an IAM user, of a role session, or an
/// e-mail address ("IAM identifiers").
pub fn short_owner(owner: &str) -> &str {
    Arn::parse(owner).map_or(owner, Arn::name)
}

/// Whether a name is an owner's: the whole of it, or the name that people know it by. Never a part.
///
/// ```
/// use ssmtrail::session::is_owner;
/// let owner = "arn:aws:iam::111122223333:user/people/bob";
/// assert!(is_owner(owner, "bob") && is_owner(owner, owner));
/// assert!(!is_owner(owner, "BOB") && !is_owner(owner, "people/bob"));
/// ```
pub fn is_owner(owner: &str, name: &str) -> bool {
    !name.is_empty() && (owner == name || short_owner(owner) == name)
}

/// What tells two principals of one short name apart: the account, and the role that a role session is of.
pub fn owner_apart(owner: &str) -> String {
    let arn = Arn::parse(owner);
    let account = arn.and_then(Arn::account_id);
    let account = account.map_or("account unknown".to_owned(), |it| it.to_string());
    match arn.and_then(Arn::session_role) {
        Some(role) => format!("{account}, {role}"),
        None => account,
    }
}

/// From (inclusive) to (exclusive). Open where `None`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Window {
    /// The first instant inside; `None` reaches back without end.
    pub from: Option<At>,
    /// The first instant after it; `None` reaches on without end.
    pub to: Option<At>,
}

impl Window {
    /// Whether it has neither border.
    pub fn is_open(&self) -> bool {
        self.from.is_none() && self.to.is_none()
    }

    /// Whether something that happened between these two instants may lie inside. What has no time at all is
    /// kept only by a window without borders.
    pub fn may_hold(&self, earliest: Option<At>, latest: Option<At>) -> bool {
        if self.is_open() {
            return true;
        }
        if earliest.is_none() && latest.is_none() {
            return false;
        }
        let after_from = self.from.is_none_or(|from| latest.is_none_or(|it| it >= from));
        let before_to = self.to.is_none_or(|to| earliest.is_none_or(|it| it < to));
        after_from && before_to
    }
}

/// One thing that was not taken, and why. Reaches the user and the exit code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skip {
    /// Where it lay: a path, or the address of an object or a stream.
    pub locator: String,
    /// Why it was not taken, in words.
    pub why: String,
    /// Whether evidence may have been missed; a PNG among the logs is no loss.
    pub loses: bool,
}

impl Skip {
    /// One with which evidence may have been missed.
    pub fn loss(locator: impl Into<String>, why: impl Into<String>) -> Self {
        Self { locator: locator.into(), why: why.into(), loses: true }
    }

    /// One that is no loss.
    pub fn harmless(locator: impl Into<String>, why: impl Into<String>) -> Self {
        Self { locator: locator.into(), why: why.into(), loses: false }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_owner_hint_is_what_stands_before_the_last_hyphen() {
        let hint = |text: &str| SessionId::new(text).unwrap().owner_hint().map(str::to_owned);
        assert_eq!(hint("first.last-0e34861185201706f").as_deref(), Some("first.last"));
        assert_eq!(
            hint("botocore-session-1725371830-eykx37cqw7lyrub3brtmzsi7ce").as_deref(),
            Some("botocore-session-1725371830")
        );
        assert_eq!(hint("ecs-execute-command-0123456789abcdef0"), None);
    }

    #[test]
    fn only_names_that_end_like_session_ids_are_taken_for_one() {
        assert!(SessionId::from_object_key("a/b/alice-0123456789abcdef0.log.gz").is_some());
        assert!(SessionId::from_object_key("alice-zkx37cqw7lyrub3brtmzsi7cea.jsonl").is_some());
        for it in [
            "alice-0123456789abcdef0 (1).log",
            "alice-0123456789abcdef0.log.txt",
            "Copy of alice-0123456789abcdef0.log",
            "alice-0123456789abcdef0 - Copy (2).log.gz",
            "alice-0123456789abcdef0 copy 3.log",
            "alice-0123456789abcdef0(1).log",
            "alice-0123456789abcdef0.LOG",
            "alice-0123456789abcdef0.log.1",
            "Copy (2) of alice-0123456789abcdef0.log",
            "alice-0123456789abcdef0 - コピー.log",
            " alice-0123456789abcdef0.log",
        ] {
            let id = SessionId::from_object_key(it).map(|it| it.as_str().to_owned());
            assert_eq!(id.as_deref(), Some("alice-0123456789abcdef0"), "{it}");
        }
        assert!(SessionId::from_object_key("report (1).log").is_none());
        assert!(SessionId::from_object_key("app-2026-11-23.log").is_none());
        assert!(SessionId::from_object_key("stdout").is_none());
    }

    #[test]
    fn a_name_with_a_character_that_no_id_has_is_almost_one() {
        for it in ["a/back\u{8}space-0123456789abcdef5.log", "line\nfeed-0123456789abcdefb.log.gz"]
        {
            assert!(SessionId::from_object_key(it).is_none());
            assert!(SessionId::is_almost_named(it), "{it:?}");
        }
        let long = format!("{}-0123456789abcdef0.log", "x".repeat(200));
        assert!(SessionId::is_almost_named(&long));
        assert!(!SessionId::is_almost_named("alice-0123456789abcdef0.log"));
        assert!(!SessionId::is_almost_named("no\tte.txt"));
    }

    #[test]
    fn a_window_keeps_what_may_lie_inside() {
        let window = Window { from: Some(At(10)), to: Some(At(20)) };
        assert!(window.may_hold(Some(At(5)), Some(At(10))));
        assert!(!window.may_hold(Some(At(5)), Some(At(9))));
        assert!(!window.may_hold(Some(At(20)), Some(At(25))));
        assert!(window.may_hold(None, Some(At(15))));
        assert!(!window.may_hold(None, None));
        assert!(Window::default().may_hold(None, None));
    }

    #[test]
    fn a_principal_has_a_short_name_and_what_tells_it_apart() {
        let role = "arn:aws:sts::111122223333:assumed-role/Admin/bob";
        assert_eq!((short_owner(role), owner_apart(role).as_str()), ("bob", "111122223333, Admin"));
        let user = "arn:aws:iam::444455556666:user/people/bob";
        assert_eq!((short_owner(user), owner_apart(user).as_str()), ("bob", "444455556666"));
        assert_eq!(short_owner("arn:aws:iam::444455556666:root"), "root");
        assert_eq!(short_owner("alice@example.com"), "alice@example.com");
    }
}
