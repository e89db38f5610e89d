//! Foreign text, made harmless; numbers and sizes as people say them.
//!
//! A transcript is written by whoever was recorded. Nothing of it may reach a terminal as a control sequence, a spreadsheet as a
//! formula, or a page as anything but text. What is escaped stays readable and is never dropped.

use std::borrow::Cow;
use std::io::Write;

use serde_json::ser::Formatter;

/// Whether a character could do something other than be seen: controls, bidirectional overrides,
/// invisible formatting. Joiners inside emoji and scripts are text.
pub(crate) fn is_hostile(ch: char) -> bool {
    match ch {
        '\u{200c}' | '\u{200d}' => false,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' => {
            true
        }
        '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' => true,
        '\u{e0000}'..='\u{e0fff}' => true,
        _ => ch.is_control(),
    }
}

/// Text for one line of a terminal: hostile characters are shown as escapes, line ends as a sign.
///
/// ```
/// use ssmtrail::text::visible;
/// assert_eq!(visible("ls"), "ls");
/// assert_eq!(visible("a\x1b[31mb"), "a\\x1b[31mb");
/// assert_eq!(visible("one\ntwo"), "one ⏎ two");
/// assert_eq!(visible("\u{202e}txt.exe"), "\\u{202e}txt.exe");
/// ```
pub fn visible(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_hostile) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for ch in text.chars() {
        match ch {
            '\n' => out.push_str(" ⏎ "),
            '\t' => out.push_str("    "),
            _ => escape(ch, &mut out),
        }
    }
    Cow::Owned(out)
}

/// Text for several lines of a terminal: tabs and line ends stay.
pub fn visible_lines(text: &str) -> Cow<'_, str> {
    if !text.chars().any(|it| is_hostile(it) && it != '\n' && it != '\t') {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for ch in text.chars() {
        if ch == '\n' || ch == '\t' { out.push(ch) } else { escape(ch, &mut out) }
    }
    Cow::Owned(out)
}

fn escape(ch: char, out: &mut String) {
    use std::fmt::Write as _;
    let _ = match ch {
        _ if !is_hostile(ch) => {
            out.push(ch);
            Ok(())
        }
        _ if (ch as u32) < 0x80 => write!(out, "\\x{:02x}", ch as u32),
        _ => write!(out, "\\u{{{:x}}}", ch as u32),
    };
}

/// Bytes for a terminal: line ends stay, everything hostile or not UTF-8 is shown as an escape.
pub fn visible_bytes(bytes: &[u8], out: &mut String) {
    use std::fmt::Write as _;
    for chunk in bytes.utf8_chunks() {
        for ch in chunk.valid().chars() {
            match ch {
                '\n' => out.push('\n'),
                '\t' => out.push('\t'),
                _ => escape(ch, out),
            }
        }
        for byte in chunk.invalid() {
            let _ = write!(out, "\\x{byte:02x}");
        }
    }
}

/// A cell that no spreadsheet takes for a formula. Excel, LibreOffice and Sheets all evaluate cells that begin
/// with one of these, quoted or not; a leading apostrophe makes them text.
pub fn cell(text: &str) -> Cow<'_, str> {
    let text = visible_lines(text);
    if text
        .trim_start_matches([' ', '"', '\''])
        .starts_with(['=', '+', '-', '@', '\t', '＝', '＋', '－', '＠'])
        || text.starts_with(['\t', '\n'])
    {
        return Cow::Owned(format!("'{text}"));
    }
    text
}

/// JSON whose text holds no hostile character, even when it is read on a terminal.
struct Harmless;

impl Formatter for Harmless {
    fn write_string_fragment<W: ?Sized + Write>(
        &mut self,
        out: &mut W,
        text: &str,
    ) -> std::io::Result<()> {
        let mut from = 0;
        for (at, ch) in text.char_indices().filter(|it| is_hostile(it.1)) {
            out.write_all(&text.as_bytes()[from..at])?;
            let mut units = [0; 2];
            for unit in ch.encode_utf16(&mut units) {
                write!(out, "\\u{unit:04x}")?;
            }
            from = at + ch.len_utf8();
        }
        out.write_all(&text.as_bytes()[from..])
    }
}

/// A value as one line of JSON.
pub fn json(value: &serde_json::Value) -> String {
    let mut out = Vec::new();
    let mut serializer = serde_json::Serializer::with_formatter(&mut out, Harmless);
    match serde::Serialize::serialize(value, &mut serializer) {
        Ok(()) => String::from_utf8_lossy(&out).into_owned(),
        Err(_) => "null".into(),
    }
}

/// A value as lines of JSON for people to read and programs to take: hostile characters, which stand in its texts alone, are
/// written as escapes, so that it says the same.
///
/// ```
/// use ssmtrail::text::json_lines;
/// assert_eq!(json_lines(&serde_json::json!({ "a": "\u{202e}b" })), "{\n  \"a\": \"\\u202eb\"\n}");
/// ```
pub fn json_lines(value: &serde_json::Value) -> String {
    harmless_json(&serde_json::to_string_pretty(value).unwrap_or_default())
}

/// The same for text that holds JSON and is more.
pub fn harmless_json(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut units = [0; 2];
    for ch in text.chars() {
        if ch == '\n' || !is_hostile(ch) {
            out.push(ch);
        } else {
            ch.encode_utf16(&mut units).iter().for_each(|it| out.push_str(&format!("\\u{it:04x}")));
        }
    }
    out
}

/// Sizes as people say them.
pub fn size(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["B", "KB", "MB", "GB", "TB"];
    let mut value = bytes as f64;
    let mut unit = 0;
    while value >= 1000.0 && unit + 1 < UNITS.len() {
        value /= 1000.0;
        unit += 1;
    }
    if unit == 0 { format!("{bytes} B") } else { format!("{value:.1} {}", UNITS[unit]) }
}

/// Counts with a thin mark every three digits: 1,234,567.
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (nth, ch) in digits.chars().enumerate() {
        if nth > 0 && (digits.len() - nth).is_multiple_of(3) {
            out.push(',');
        }
        out.push(ch);
    }
    out
}

/// `1 session`, `2 sessions`.
pub fn plural(number: u64, word: &str) -> String {
    plural_of(number, word, &format!("{word}s"))
}

/// The same of a word whose plural is no `s`.
pub fn plural_of(number: u64, one: &str, many: &str) -> String {
    format!("{} {}", count(number), if number == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_hostile_is_left_of_an_attack_on_the_terminal() {
        for attack in [
            "\x1b]0;owned\x07",
            "\x1b]52;c;cm0gLXJmIC8=\x07",
            "\x1b[2J\x1b[H",
            "\u{9b}31m",
            "safe\r\x1b[Krm -rf /",
            "\u{202e}gpj.exe",
            "a\u{200b}b",
            "\0\x08\x7f",
            "tag\u{e0041}s",
        ] {
            let shown = visible(attack);
            assert!(!shown.chars().any(is_hostile), "{attack:?} became {shown:?}");
            assert!(!visible_lines(attack).chars().any(|it| is_hostile(it) && it != '\n'));
            let json = json(&attack.into());
            assert!(!json.chars().any(is_hostile), "{attack:?} became {json:?}");
            assert_eq!(
                serde_json::from_str::<String>(&json).unwrap(),
                attack,
                "JSON keeps what it hides"
            );
        }
    }

    #[test]
    fn other_scripts_are_text() {
        for text in ["日本語のコマンド", "café", "👩‍🚀", "Привет", "שלום"]
        {
            assert_eq!(visible(text), text);
        }
    }

    #[test]
    fn no_cell_is_a_formula() {
        for attack in ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", " =1", "\"=1", "＝1"] {
            assert!(cell(attack).starts_with('\''), "{attack:?}");
        }
        assert_eq!(cell("ls -l"), "ls -l");
    }

    #[test]
    fn numbers_are_said_as_people_say_them() {
        assert_eq!(count(1_234_567), "1,234,567");
        assert_eq!(plural(1, "session"), "1 session");
        assert_eq!(size(1_500_000), "1.5 MB");
    }
}
