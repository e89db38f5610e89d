//! Secrets in bytes, which nobody can mask.

use std::sync::LazyLock;

use regex::Regex;

use super::masker::Masker;

/// Looks for secrets in bytes, which nobody can mask: also where they were typed and erased again, or never drawn at all.
///
/// Lines are what people saw; bytes hold more. Each stretch between line breaks is looked at three times: with its control
/// sequences gone, which joins what colours part; with each control character as a break, which shows what stands inside of a
/// window's title; and with the escapes of JSON undone, since log events are JSON within JSON.
#[derive(Debug)]
pub struct ByteSearch {
    masker: Masker,
    /// A line that has not ended.
    rest: Vec<u8>,
}

/// Control sequences ("XTerm Control Sequences": C1, CSI, OSC).
static SEQUENCES: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r"\x1b(?:\[[0-?]*[ -/]*[@-~]|[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\|$)|[ -/]*[0-~])|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]",
    )
    .expect("a constant pattern")
});

impl Default for ByteSearch {
    fn default() -> Self {
        Self { masker: Masker::new([0; 32]), rest: Vec::new() }
    }
}

impl ByteSearch {
    /// Longest line that is looked at as one, and how much of it is looked at again with the next.
    const LINE: usize = 1 << 20;
    const OVERLAP: usize = 4 << 10;

    /// Takes the next bytes, in chunks of any size.
    pub fn push(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let most = Self::LINE.saturating_sub(self.rest.len()).max(1);
            let end = bytes.iter().take(most).position(|it| *it == b'\n');
            let many = end.map_or(most.min(bytes.len()), |it| it + 1);
            self.rest.extend_from_slice(&bytes[..many]);
            bytes = &bytes[many..];
            if end.is_some() {
                self.line(0);
            } else if self.rest.len() >= Self::LINE {
                self.line(Self::OVERLAP);
            }
        }
    }

    /// Whether there were any.
    pub fn finish(mut self) -> bool {
        self.line(0);
        self.masker.masked > 0
    }

    fn line(&mut self, kept: usize) {
        let line = std::mem::take(&mut self.rest);
        self.rest.extend_from_slice(&line[line.len() - kept..]);
        if self.masker.masked > 0 {
            return;
        }
        let mut text = String::from_utf8_lossy(&line).into_owned();
        for level in 0..4 {
            if level > 0 && !text.contains('\\') {
                break;
            }
            if level > 0 {
                text = unescaped(&text);
            }
            let joined = SEQUENCES.replace_all(&text, "").replace('\r', "\n");
            // A private key goes on from line to line of the bytes themselves.
            if level == 0 {
                self.masker.line(&joined);
            } else {
                self.masker.text(&joined);
            }
            if text.chars().any(|it| it.is_control() && !matches!(it, '\n' | '\t')) {
                let apart: String =
                    text.chars().map(|it| if it.is_control() { '\n' } else { it }).collect();
                self.masker.text(&apart);
            }
        }
    }
}

/// One level of JSON's escapes undone.
fn unescaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        let Some(it) = rest.chars().next() else { break };
        rest = &rest[it.len_utf8()..];
        match it {
            'n' => out.push('\n'),
            'r' => out.push('\r'),
            't' => out.push('\t'),
            'b' => out.push('\u{8}'),
            'f' => out.push('\u{c}'),
            'u' => {
                let digits = rest.get(..4).filter(|it| it.bytes().all(|it| it.is_ascii_hexdigit()));
                let code = digits.and_then(|it| u32::from_str_radix(it, 16).ok());
                rest = if code.is_some() { &rest[4..] } else { rest };
                out.push(code.and_then(char::from_u32).unwrap_or('\u{fffd}'));
            }
            it => out.push(it),
        }
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(bytes: &[u8]) -> bool {
        let mut search = ByteSearch::default();
        bytes.chunks(7).for_each(|it| search.push(it));
        search.finish()
    }

    #[test]
    fn secrets_in_bytes_are_found_whatever_became_of_them_on_the_screen() {
        for bytes in [
            "$ mysql -u root -phunter2x\r\x1b[K$ ls\n",
            "\x1b]0;mysql -u root -phunter2x\x07$ ls\n",
            "\x1b]0;mysql -u root -phunter2x",
            "$ \x1b[32mmysql\x1b[0m -u root \x1b[4m-phunter2x\x1b[0m\r\n",
            r#"{"message":"{\"sessionData\":[\"$ mysql -u root -phunter2x\\r\\n\"]}"}"#,
            r#"{"message":"{\"sessionData\":[\"\\u001b[32mmysql -u root -phunter2x\\r\\n\"]}"}"#,
            "-----BEGIN OPENSSH PRIVATE KEY-----\r\nb3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAMwAAAAtz\r\n",
        ] {
            assert!(found(bytes.as_bytes()), "{bytes:?}");
        }
        assert!(found(&[b"x".repeat(2 << 20), b" mysql -u root -phunter2x ".to_vec()].concat()));
        for bytes in
            ["", "$ mysql -u root -p\r\nEnter password: \r\n", "$ ls \x1b[1m-la\x1b[0m\n", "\\u00"]
        {
            assert!(!found(bytes.as_bytes()), "{bytes:?}");
        }
    }
}
