//! What a file is, told by its first bytes: a transcript and in which form, events, or something else.

use std::sync::LazyLock;

use regex::bytes::Regex;

use crate::time::At;
use crate::transcript::wire::event::Event;
use crate::transcript::wire::form::Form;
use crate::transcript::wire::form::is_script_header;

/// What the first bytes of a file say it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Container {
    /// Terminal bytes of one session in this form.
    Transcript(Form),
    /// One JSON event (or one streamed message) a line.
    EventLines,
    /// One JSON document with an `events` array, as the AWS CLI prints it.
    EventDocument,
    /// `2026-11-23T13:39:19.123Z message`, as an export task writes it.
    ExportLines,
    /// The file has no bytes.
    Empty,
    /// Evidence in a form that is not read: what it is, and what gives a form that is.
    Unread(&'static str),
    /// Not a transcript, and why we think so.
    Other(&'static str),
}

/// Says what a file is from its name's session id and its first bytes (4 KiB are plenty).
pub fn recognise(named_as_session: bool, head: &[u8]) -> Container {
    let text = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
    let start = text.trim_ascii_start();
    if head.is_empty() {
        return Container::Empty;
    }
    if is_script_header(text) {
        return Container::Transcript(Form::Script);
    }
    if start.starts_with(b"**********************") {
        return Container::Transcript(Form::Windows);
    }
    if let Some(what) = unread(head, start) {
        return Container::Unread(what);
    }
    // `[root@host ~]# ` is a prompt.
    if is_json(start) || (!named_as_session && (start.starts_with(b"{") || start.starts_with(b"[")))
    {
        return match recognise_json(start) {
            // Whatever its first line looks like: what is named as a session is read.
            Container::Other(NO_EVENTS) if named_as_session => Container::Transcript(Form::Bare),
            it => it,
        };
    }
    if EXPORT_LINE.is_match(text) {
        return Container::ExportLines;
    }
    const MAGIC: &[(&[u8], &str)] = &[
        (b"\x89PNG", "a PNG image"),
        (b"\xff\xd8\xff", "a JPEG image"),
        (b"GIF8", "a GIF image"),
        (b"%PDF", "a PDF document"),
        (b"PK\x03\x04", "a ZIP archive"),
        (b"PAR1", "a Parquet file"),
        (b"\x7fELF", "a program"),
        (b"MZ", "a Windows program"),
        (b"SQLite format 3", "a database"),
    ];
    if let Some((_, what)) = MAGIC.iter().find(|it| head.starts_with(it.0)) {
        return Container::Other(what);
    }
    if named_as_session {
        return Container::Transcript(Form::Bare);
    }
    Container::Other("no script header, no log events, and its name is no session id")
}

const NO_EVENTS: &str = "JSON, but not log events";

/// Whether a text can go on as an object or as an array of objects.
fn is_json(start: &[u8]) -> bool {
    let Some((first, rest)) = start.split_first() else { return false };
    let next = rest.trim_ascii_start().first();
    match first {
        b'{' => matches!(next, None | Some(b'"' | b'}')),
        b'[' => matches!(next, None | Some(b'{' | b']')),
        _ => false,
    }
}

/// What a file is that holds evidence and is in none of our forms, with what gives one.
fn unread(head: &[u8], start: &[u8]) -> Option<&'static str> {
    let seen = |word: &str| memchr::memmem::find(head, word.as_bytes()).is_some();
    let is_of_a_session = || seen("\"sessionData\"") || seen("\"sessionId\"");
    // Every other byte of its ASCII is NUL; a terminal shows few of them.
    let nuls = memchr::memchr_iter(0, head).count();
    let is_wide = head.len() >= 16 && nuls * 5 >= head.len() * 2;
    let line = start.split(|it| *it == b'\n').next().unwrap_or_default().trim_ascii_end();
    let is = |name: &[u8]| line.split(|it| *it == b',').any(|it| it.trim_ascii() == name);
    let is_csv =
        line == b"timestamp,message" || is(b"@message") && (is(b"@timestamp") || is(b"@logStream"));
    Some(if head.starts_with(b"\xff\xfe") || head.starts_with(b"\xfe\xff") {
        "it is UTF-16, as `>` of Windows PowerShell writes it: `iconv -f UTF-16 -t UTF-8` gives what is read"
    } else if is_wide && !head.starts_with(b"Script started") {
        "it is UTF-16 without a byte order mark: `iconv -f UTF-16LE -t UTF-8` gives what is read"
    } else if TAILED.is_match(line) && is_of_a_session() {
        "it is the output of `aws logs tail`: `ssmtrail sync logs:GROUP` reads the group itself, and so is the output of `aws logs get-log-events` read"
    } else if line.starts_with(b"EVENTS\t") && is_of_a_session() {
        "it is the text output of `aws logs`: `--output json` gives what is read, and `ssmtrail sync logs:GROUP` reads the group itself"
    } else if is_csv {
        "it is a CSV download of the CloudWatch console: `ssmtrail sync logs:GROUP` reads the group itself, and so is the output of `aws logs get-log-events` read"
    } else if is_json(start) && seen("\"@message\"") {
        "it is a result of Logs Insights: `ssmtrail sync logs:GROUP` reads the group itself, and so is the output of `aws logs get-log-events` read"
    } else {
        return None;
    })
}

/// A line of `aws logs tail`, in its forms "detailed" and "short".
static TAILED: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^(\x1b\[[0-9;]*m)*\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+\+00:00(\x1b\[[0-9;]*m)* \S+)?(\x1b\[[0-9;]*m)* \{")
        .expect("a constant pattern")
});

fn recognise_json(start: &[u8]) -> Container {
    let seen = |word: &str| memchr::memmem::find(start, word.as_bytes()).is_some();
    if seen("\"Records\"") && (seen("\"eventSource\"") || seen("\"eventVersion\"")) {
        return Container::Other("a CloudTrail file");
    }
    let first_line = start.split(|it| *it == b'\n').next().unwrap_or_default();
    let complete: Option<Event> = serde_json::from_slice(first_line).ok();
    if complete.is_some_and(|it| it.message.is_some() || it.session_data.is_some()) {
        return Container::EventLines;
    }
    if seen("\"events\"") && (start.starts_with(b"{")) && !seen("\"eventSource\"") {
        return Container::EventDocument;
    }
    if seen("\"message\"") || seen("\"sessionData\"") {
        // A first event longer than the head.
        let is_list = start.starts_with(b"[");
        return if is_list { Container::EventDocument } else { Container::EventLines };
    }
    Container::Other(NO_EVENTS)
}

static EXPORT_LINE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z ").expect("a constant pattern")
});

/// The start of an export task's line: its time in milliseconds, and where the message begins.
pub fn export_line(line: &[u8]) -> Option<(i64, usize)> {
    // A file that went through Windows may begin with a byte order mark.
    let bare = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line);
    let found = EXPORT_LINE.find(bare)?;
    let stamp = std::str::from_utf8(&bare[..found.end() - 1]).ok()?;
    Some((At::read(stamp)?.millis(), line.len() - bare.len() + found.end()))
}

/// Whether a text reads as CP932 (Shift_JIS), as Windows in Japanese writes it, and not as UTF-8: each of its bytes is a
/// character's, some are kana, and little of what is beyond ASCII is UTF-8.
pub fn is_cp932(bytes: &[u8]) -> bool {
    let (mut valid, mut invalid) = (0, 0);
    for it in bytes.utf8_chunks() {
        valid += it.valid().bytes().filter(|it| !it.is_ascii()).count();
        invalid += it.invalid().len();
    }
    if invalid <= valid {
        return false;
    }
    let (mut rest, mut kana) = (bytes, 0);
    while let Some((first, behind)) = rest.split_first() {
        rest = behind;
        match (first, behind.first()) {
            (0x00..=0x7f | 0xa1..=0xdf, _) => {}
            // Cut within a character.
            (0x81..=0x9f | 0xe0..=0xfc, None) => {}
            (0x81..=0x9f | 0xe0..=0xfc, Some(second @ (0x40..=0x7e | 0x80..=0xfc))) => {
                let is_kana = *first == 0x82 && (0x9f..=0xf1).contains(second)
                    || *first == 0x83 && (0x40..=0x96).contains(second);
                kana += u32::from(is_kana);
                rest = &behind[1..];
            }
            _ => return false,
        }
    }
    kana >= 2
}

#[cfg(test)]
mod tests {
    use super::export_line;
    use super::is_cp932;

    #[test]
    fn cp932_is_told_by_its_kana_and_not_from_latin_text_or_chance() {
        // "完了しました" and "売上ヲ見ル", as Windows in Japanese writes them.
        assert!(is_cp932(b"$ echo \x8a\xae\x97\xb9\x82\xb5\x82\xdc\x82\xb5\x82\xbd\r\n"));
        assert!(is_cp932(b"\x94\x84\x8f\xe3\x83\x92\x8c\xa9\x83\x8b"));
        assert!(!is_cp932(b"caf\xe9 cr\xe8me"));
        assert!(!is_cp932("完了しました".as_bytes()));
        assert!(!is_cp932(&["ああああ".as_bytes(), b"\xb1"].concat()));
        assert!(!is_cp932(&["ああああ".as_bytes(), b"\xc3"].concat()));
        assert!(!is_cp932(b"\xff\x82\xb5\x82\xdc"));
        assert!(!is_cp932(b"plain"));
    }

    #[test]
    fn an_exported_line_is_read_behind_a_byte_order_mark_too() {
        let line = b"2026-11-23T13:39:19.123Z hello";
        let (at, start) = export_line(line).unwrap();
        assert_eq!(&line[start..], b"hello");
        let marked = [b"\xef\xbb\xbf", &line[..]].concat();
        assert_eq!(export_line(&marked), Some((at, start + 3)));
    }
}
