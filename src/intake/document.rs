//! A JSON document of log events, `{"events": […]}` or `[…]`, taken apart without holding it.
//!
//! Each event is cut out by its own braces. One whose JSON is broken would take those behind it along, because nobody knows where it
//! ends: it is cut where the next begins instead, which the first word of an event shows: within a text its quotes would be
//! escaped.

use std::io::BufRead;
use std::io::BufReader;
use std::io::Read;
use std::sync::LazyLock;

use regex::bytes::Regex;
use serde_json::value::RawValue;

use super::content::EVENT_BYTES;
use super::parts::Parts;

/// How an event begins, whatever word of it comes first.
static BEGINS: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r#"\{\s*"(logStreamName|timestamp|ingestionTime|eventId|message|eventVersion|sessionId|sessionData)"\s*:"#)
        .expect("a constant pattern")
});
/// Longest name of a member that is looked at.
const NAME: usize = 64;

/// What is missing or too much, if the document is not whole.
pub(super) fn read(body: impl Read, parts: &mut Parts) -> std::io::Result<Option<&'static str>> {
    let mut document = DocumentReader::default();
    let mut body = BufReader::with_capacity(256 << 10, body);
    loop {
        let bytes = body.fill_buf()?;
        if bytes.is_empty() {
            return document.finish(parts);
        }
        let used = bytes.len();
        document.push(bytes, parts)?;
        body.consume(used);
    }
}

#[derive(Default)]
struct DocumentReader {
    place: DocumentPlace,
    /// Open braces and brackets around what is no event.
    around: Vec<u8>,
    text: Text,
    /// The last text outside of events: it may be a name.
    name: Vec<u8>,
    /// The event that has begun.
    event: Vec<u8>,
    deep: usize,
    /// Something between events that is none.
    loose: Vec<u8>,
    any: bool,
    #[cfg(test)]
    work: usize,
}

#[derive(Clone, Copy, Default, PartialEq)]
enum DocumentPlace {
    #[default]
    Around,
    Between,
    Event,
}

/// Whether a byte stands within a JSON text.
#[derive(Clone, Copy, Default, PartialEq)]
enum Text {
    #[default]
    Outside,
    Inside,
    Escaped,
}

impl Text {
    fn next(self, byte: u8) -> Self {
        match (self, byte) {
            (Self::Outside, b'"') | (Self::Escaped, _) => Self::Inside,
            (Self::Inside, b'"') => Self::Outside,
            (Self::Inside, b'\\') => Self::Escaped,
            (it, _) => it,
        }
    }
}

impl DocumentReader {
    fn push(&mut self, bytes: &[u8], parts: &mut Parts) -> std::io::Result<()> {
        for byte in bytes {
            #[cfg(test)]
            {
                self.work += 1;
            }
            match self.place {
                DocumentPlace::Around => self.around(*byte),
                DocumentPlace::Between => self.between(*byte, parts)?,
                DocumentPlace::Event => {
                    self.event.push(*byte);
                    self.text = self.text.next(*byte);
                    if self.text == Text::Outside {
                        match byte {
                            b'{' | b'[' => self.deep += 1,
                            b'}' | b']' => self.deep -= 1,
                            _ => {}
                        }
                    }
                    if self.deep == 0 || self.event.len() >= EVENT_BYTES {
                        self.close(parts)?;
                    }
                }
            }
        }
        Ok(())
    }

    fn around(&mut self, byte: u8) {
        let before = self.text;
        self.text = self.text.next(byte);
        if self.text != Text::Outside {
            if before == Text::Outside {
                self.name.clear();
            } else if self.name.len() < NAME {
                self.name.push(byte);
            }
            return;
        }
        match byte {
            b'{' => self.around.push(byte),
            b'[' => {
                let named = self.around.as_slice() == b"{" && self.name == b"events";
                self.around.push(byte);
                if self.around.len() == 1 || named {
                    self.place = DocumentPlace::Between;
                    self.any = true;
                }
            }
            b'}' | b']' => {
                self.around.pop();
            }
            _ => {}
        }
    }

    fn between(&mut self, byte: u8, parts: &mut Parts) -> std::io::Result<()> {
        match byte {
            b'{' => {
                self.place = DocumentPlace::Event;
                self.text = Text::Outside;
                self.event.clear();
                self.event.push(byte);
                self.deep = 1;
            }
            b']' => {
                self.place = DocumentPlace::Around;
                self.text = Text::Outside;
                self.name.clear();
                self.around.pop();
            }
            _ => {
                let between = matches!(byte, b',' | b' ' | b'\t' | b'\n' | b'\r');
                if !between || !self.loose.is_empty() {
                    self.loose.push(byte);
                }
                if self.loose.len() < EVENT_BYTES {
                    return Ok(());
                }
            }
        }
        self.let_go(parts)
    }

    /// What stood between events and is none.
    fn let_go(&mut self, parts: &mut Parts) -> std::io::Result<()> {
        let loose = std::mem::take(&mut self.loose);
        if loose.is_empty() { Ok(()) } else { parts.broken(&one_line(loose.trim_ascii_end())) }
    }

    /// The event ends here, or grew longer than one can be.
    fn close(&mut self, parts: &mut Parts) -> std::io::Result<()> {
        let whole = std::mem::take(&mut self.event);
        self.place = DocumentPlace::Between;
        if self.deep == 0 && serde_json::from_slice::<&RawValue>(&whole).is_ok() {
            return parts.event(&one_line(&whole));
        }
        // A brace or a quote is missing or too much in it: it may have swallowed others.
        let begins: Vec<usize> =
            BEGINS.find_iter(&whole).map(|it| it.start()).filter(|it| *it > 0).collect();
        let mut from = 0;
        for to in begins {
            Self::piece(&whole[from..to], parts)?;
            from = to;
        }
        let last = &whole[from..];
        if from == 0 {
            return parts.broken(&one_line(last));
        }
        // The last of them may go on. In it no other begins, so that this goes no deeper.
        self.push(last, parts)
    }

    /// What stands between the beginnings of two events.
    fn piece(piece: &[u8], parts: &mut Parts) -> std::io::Result<()> {
        let mut values = serde_json::Deserializer::from_slice(piece).into_iter::<&RawValue>();
        if let Some(Ok(event)) = values.next() {
            let rest = piece[values.byte_offset()..].trim_ascii_start();
            parts.event(&one_line(event.get().as_bytes()))?;
            // Behind it a comma follows, or the end of the list.
            if rest.is_empty() || rest.starts_with(b"]") || rest.trim_ascii() == b"," {
                return Ok(());
            }
            return parts.broken(&one_line(rest));
        }
        let piece = piece.trim_ascii_end();
        parts.broken(&one_line(piece.strip_suffix(b",").unwrap_or(piece)))
    }

    fn finish(&mut self, parts: &mut Parts) -> std::io::Result<Option<&'static str>> {
        let open = self.place != DocumentPlace::Around || !self.around.is_empty();
        while self.place == DocumentPlace::Event {
            // Each turn takes an event off; what is left of the last is broken for good.
            let before = self.event.len();
            self.deep = self.deep.max(1);
            self.close(parts)?;
            if self.place == DocumentPlace::Event && self.event.len() >= before {
                let rest = std::mem::take(&mut self.event);
                self.place = DocumentPlace::Between;
                parts.broken(&one_line(&rest))?;
            }
        }
        self.let_go(parts)?;
        Ok(match (self.any, open) {
            (false, _) => Some("its JSON is broken: it has no list of events"),
            (true, true) => Some("its JSON is broken: it ends too early"),
            (true, false) => None,
        })
    }
}

/// An event in one line. A JSON text holds no line end.
fn one_line(json: &[u8]) -> Vec<u8> {
    let mut line = Vec::with_capacity(json.len());
    for (nth, it) in json.split(|it| *it == b'\n').enumerate() {
        if nth > 0 {
            line.push(b' ');
        }
        line.extend_from_slice(it.trim_ascii());
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(stream: &str, text: &str) -> String {
        format!(
            r#"{{"logStreamName":"{stream}-0123456789abcdef0","timestamp":1,"message":"Script started on x\n{text}"}}"#
        )
    }

    /// What is left of a document: by stream how many lines are events and how many are not; what is wrong; work a byte.
    type Left = (Vec<(String, usize, usize)>, Option<&'static str>, f64);

    fn read_all(document: &str) -> Left {
        let scratch = tempfile::tempdir().unwrap();
        let mut parts = Parts::new(None, scratch.path());
        let mut it = DocumentReader::default();
        it.push(document.as_bytes(), &mut parts).unwrap();
        let wrong = it.finish(&mut parts).unwrap();
        let work = it.work as f64 / document.len() as f64;
        let mut taken = super::super::content::Taken::default();
        parts.finish(&mut taken).unwrap();
        let lines = taken.transcripts.iter().map(|it| {
            let bytes = it.content.head(usize::MAX).unwrap();
            let lines: Vec<&[u8]> =
                bytes.split(|it| *it == b'\n').filter(|it| !it.is_empty()).collect();
            let good =
                lines.iter().filter(|it| serde_json::from_slice::<&RawValue>(it).is_ok()).count();
            (it.session_id.as_str().split('-').next().unwrap().to_owned(), good, lines.len() - good)
        });
        (lines.collect(), wrong, work)
    }

    fn named(name: &str, good: usize, bad: usize) -> (String, usize, usize) {
        (name.to_owned(), good, bad)
    }

    #[test]
    fn a_broken_event_takes_none_of_its_neighbours_with_it() {
        let (a, b, c) = (event("a", "1"), event("b", "{\\\"2\\\": ["), event("c", "3"));
        let whole = format!("{{\"events\": [{a},\n {b},{c}], \"nextToken\": \"x\"}}");
        assert_eq!(read_all(&whole).0, [named("a", 1, 0), named("b", 1, 0), named("c", 1, 0)]);
        assert_eq!(read_all(&whole).1, None);
        // Whichever byte of the middle event is lost, the others stay whole.
        let at = whole.find(&b).unwrap();
        for lost in at + 1..at + b.len() {
            let mut bytes = whole.clone().into_bytes();
            bytes.remove(lost);
            let (lines, ..) = read_all(std::str::from_utf8(&bytes).unwrap());
            let kept = |name: &str| lines.iter().any(|it| it.0 == name && it.1 == 1);
            assert!(kept("a") && kept("c"), "without byte {lost}: {lines:?}");
        }
    }

    #[test]
    fn a_document_that_ends_too_early_keeps_what_came() {
        let whole = format!("[{},{}]", event("a", "1"), event("b", "2"));
        let cut = &whole[..whole.len() - 9];
        let (lines, wrong, _) = read_all(cut);
        assert_eq!(lines, [named("a", 1, 0), named("b", 0, 1)]);
        assert_eq!(wrong, Some("its JSON is broken: it ends too early"));
    }

    #[test]
    fn documents_behind_each_other_are_all_read() {
        let page = |it: &str| format!("{{\"events\":[{it}],\"nextForwardToken\":\"f/1\"}}\n");
        let both = page(&event("a", "1")) + &page(&event("b", "2"));
        assert_eq!(read_all(&both).0, [named("a", 1, 0), named("b", 1, 0)]);
        assert_eq!(read_all(&both).1, None);
    }

    #[test]
    fn each_byte_is_looked_at_a_few_times_whatever_is_broken() {
        for bad in [
            "{\"message\":",
            "{\"message\":\"",
            "{\"timestamp\":1,\"message\":\"x},",
            "{{{[[",
            "\"{",
        ] {
            let document = format!("{{\"events\":[{}", bad.repeat(20_000));
            assert!(read_all(&document).2 <= 3.0, "{bad}");
        }
    }
}
