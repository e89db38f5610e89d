//! Marks in place of secrets, and the private key that goes on from line to line.

use std::borrow::Cow;

use sha2::Digest;
use sha2::Sha256;

use super::find::Found;
use super::find::MARK;
use super::find::find;
use super::key::*;

/// A text without its secrets and without anything that is made of them.
pub fn blank(text: &str) -> Cow<'_, str> {
    match Masker::new([0; 32]).text(text) {
        Cow::Borrowed(it) => Cow::Borrowed(it),
        Cow::Owned(it) => Cow::Owned(unmarked(&it).into_owned()),
    }
}

/// Where the marks of a masked text stand, in order.
pub fn marks(masked: &str) -> Vec<(usize, usize)> {
    MARK.find_iter(masked).map(|it| (it.start(), it.end())).collect()
}

/// A masked text with the same word in place of each mark.
pub fn unmarked(masked: &str) -> Cow<'_, str> {
    MARK.replace_all(masked, "[masked]")
}

/// Masks secrets, or shows them if that was asked for.
#[derive(Clone, Debug)]
pub struct Masker {
    /// Told to nobody who reads the output, so that a weak password cannot be guessed from its mark.
    salt: Option<[u8; 32]>,
    key: KeyLine,
    /// Secrets masked so far.
    pub masked: u64,
}

impl Masker {
    /// Masks with marks of this salt: the archive's own.
    pub fn new(salt: [u8; 32]) -> Self {
        Self { salt: Some(salt), key: KeyLine::Outside, masked: 0 }
    }

    /// Masks nothing.
    pub fn revealing() -> Self {
        Self { salt: None, key: KeyLine::Outside, masked: 0 }
    }

    /// Whether the line that came last ended inside a private key.
    pub fn in_key(&self) -> bool {
        self.key != KeyLine::Outside
    }

    /// Masks what is known to be the body of a private key.
    pub fn key_body(&mut self, text: &mut String) {
        self.key = if self.salt.is_some() { KeyLine::Inside } else { KeyLine::Outside };
        self.apply_line(text);
        self.key = KeyLine::Outside;
    }

    /// Whether secrets are shown as they are.
    pub fn reveals(&self) -> bool {
        self.salt.is_none()
    }

    /// A new session begins: no key goes on from the one before.
    pub fn start(&mut self) {
        self.key = KeyLine::Outside;
    }

    /// What stands for a secret: the same for the same secret, whatever rule found it.
    pub fn mark(&self, kind: &str, secret: &str) -> String {
        let mut hasher = Sha256::new();
        hasher.update(self.salt.unwrap_or_default());
        hasher.update(secret.as_bytes());
        let digest = hasher.finalize();
        format!("[masked:{kind}:{:02x}{:02x}{:02x}]", digest[0], digest[1], digest[2])
    }

    /// Some text by itself: a command, a line that stands alone, a value.
    pub fn text<'a>(&mut self, text: &'a str) -> Cow<'a, str> {
        let was = std::mem::take(&mut self.key);
        let masked = self.line(text);
        self.key = was;
        masked
    }

    /// A value whose neighbours are not known, such as a cell of a query's answer: what looks like a line of a private key
    /// is masked, too.
    pub fn alone<'a>(&mut self, text: &'a str) -> Cow<'a, str> {
        let masked = self.text(text);
        if self.salt.is_none() || !may_be_in_key(&masked) {
            return masked;
        }
        let found: Vec<Found> = KEY_BODY
            .find_iter(&masked)
            .filter(|it| is_key_like(&masked, it.start(), it.end()))
            .map(|it| Found { from: it.start(), to: it.end(), kind: "private-key".into() })
            .collect();
        if found.is_empty() {
            return masked;
        }
        self.masked += found.len() as u64;
        Cow::Owned(self.marked(&masked, &found).0)
    }

    /// What is secret in the next line of a session, in order and apart; a private key goes on from the line before.
    ///
    /// What stands beside a secret may look like none only because of it. So the rest is looked at again, with the marks in
    /// place, until nothing more is found: masked text masks to itself.
    pub fn spans(&mut self, text: &str) -> Vec<Found> {
        let before = self.key;
        let mut found = self.seen(text);
        let after = self.key;
        for _ in 0..8 {
            if found.is_empty() {
                break;
            }
            let (shown, back) = self.marked(text, &found);
            self.key = before;
            let more = self.seen(&shown);
            if more.is_empty() {
                break;
            }
            // A place in the marked text is as far behind the last mark as it is behind that secret in the text.
            let place = |at: usize| {
                let nth = back.partition_point(|it| it.0 <= at);
                let (shown, own) = nth.checked_sub(1).map_or((0, 0), |it| back[it]);
                own + (at - shown)
            };
            found.extend(more.into_iter().map(|it| Found {
                from: place(it.from),
                to: place(it.to),
                kind: it.kind,
            }));
            found.sort_by_key(|it| it.from);
        }
        self.key = after;
        found
    }

    /// A text with marks in place of what was found, and where each mark ends there and the secret here.
    fn marked(&self, text: &str, found: &[Found]) -> (String, Vec<(usize, usize)>) {
        let mut out = String::with_capacity(text.len() + 16);
        let (mut at, mut back) = (0, Vec::with_capacity(found.len()));
        for it in found {
            out.push_str(&text[at..it.from]);
            out.push_str(&self.mark(&it.kind, &text[it.from..it.to]));
            at = it.to;
            back.push((out.len(), at));
        }
        out.push_str(&text[at..]);
        (out, back)
    }

    /// What one look finds.
    fn seen(&mut self, text: &str) -> Vec<Found> {
        let mut found = find(text);
        if self.in_key() || text.contains("PRIVATE KEY") {
            let mut at = 0;
            for line in text.split_inclusive('\n') {
                let pieces = self.key.next(line);
                found.extend(pieces.into_iter().map(|(from, to)| Found {
                    from: at + from,
                    to: at + to,
                    kind: "private-key".into(),
                }));
                at += line.len();
            }
            found.sort_by_key(|it| it.from);
        }
        let mut end = 0;
        found.retain(|it| {
            let apart = it.from >= end && it.to > it.from;
            end = if apart { it.to } else { end };
            apart
        });
        found
    }

    /// The next line of a session: a private key goes on from the line before.
    pub fn line<'a>(&mut self, text: &'a str) -> Cow<'a, str> {
        if self.salt.is_none() {
            return Cow::Borrowed(text);
        }
        let found = self.spans(text);
        if found.is_empty() {
            return Cow::Borrowed(text);
        }
        self.masked += found.len() as u64;
        Cow::Owned(self.marked(text, &found).0)
    }

    /// Masks a text in its place.
    pub fn apply(&mut self, text: &mut String) {
        if let Cow::Owned(it) = self.text(text) {
            *text = it;
        }
    }

    /// Masks the next line of a session in its place.
    pub fn apply_line(&mut self, text: &mut String) {
        if let Cow::Owned(it) = self.line(text) {
            *text = it;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn masker() -> Masker {
        Masker::new([7; 32])
    }

    #[test]
    fn the_same_secret_gets_the_same_mark_wherever_it_stands() {
        let one = masker().text("mysql -u root -phunter2x prod").into_owned();
        let other = masker().text("export DB_PASSWORD=hunter2x").into_owned();
        let mark = |text: &str| text.split(':').nth(2).unwrap()[..6].to_owned();
        assert_eq!(mark(&one), mark(&other));
        assert!(!one.contains("hunter2x") && one.starts_with("mysql -u root -p[masked:password:"));
        let elsewhere = Masker::new([8; 32]).text("mysql -u root -phunter2x prod").into_owned();
        assert_ne!(mark(&one), mark(&elsewhere), "another archive, another salt");
    }

    #[test]
    fn a_private_key_is_masked_line_by_line_and_no_further() {
        let mut masker = masker();
        let body = "b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAMwAAAAtz";
        let lines = [
            "-----BEGIN OPENSSH PRIVATE KEY-----",
            body,
            "-----END OPENSSH PRIVATE KEY-----",
            body,
        ];
        let shown: Vec<String> = lines.iter().map(|it| masker.line(it).into_owned()).collect();
        assert_eq!((shown[0].as_str(), shown[2].as_str()), (lines[0], lines[2]));
        assert!(shown[1].starts_with("[masked:private-key:"));
        assert_eq!(shown[3], body, "what follows the key is none");
    }

    #[test]
    fn what_is_masked_stays_as_it_is() {
        let once = masker().text("curl -u admin:s3cret! https://u:p4ss@h/").into_owned();
        assert_eq!(masker().text(&once), once);
    }

    #[test]
    fn whoever_reveals_changes_nothing() {
        assert_eq!(Masker::revealing().text("sshpass -p x1y2 ssh h"), "sshpass -p x1y2 ssh h");
    }
}
