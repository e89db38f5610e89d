//! Foreign text, made harmless; numbers and sizes as people say them.
//!
//! A transcript is written by whoever was recorded. Nothing of it may reach a terminal as a control sequence, a spreadsheet as a
//! formula, or a page as anything but text. What is escaped stays readable and is never dropped.

use std::borrow::Cow;
use std::fmt::Display;
use std::io::Write;

use anstyle::Style;
use serde::Serialize;
use serde_json::ser::Formatter;
use unicode_width::UnicodeWidthChar;
use unicode_width::UnicodeWidthStr;

/// Text of which nothing acts but the styles that we put in: all that an output for people takes.
///
/// It is made of words that stand in the program, of foreign text by escaping it ([`visible`], [`json`], [`filled`]), and of such text
/// again. There is no other way:
///
/// ```compile_fail
/// fn raw(foreign: &str) -> ssmtrail::text::Safe {
///     foreign.into()
/// }
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct Safe(Cow<'static, str>);

impl Safe {
    /// The same in a style.
    pub fn styled(&self, style: Style) -> Self {
        if self.is_empty() {
            Self::default()
        } else {
            Self(format!("{style}{}{style:#}", self.0).into())
        }
    }

    /// The same with more behind it.
    pub fn push(&mut self, more: &dyn Visible) {
        self.0.to_mut().push_str(&more.safe());
    }

    /// The same without the white space at its end.
    pub fn trimmed(mut self) -> Self {
        let end = self.trim_end().len();
        if end < self.len() {
            self.0.to_mut().truncate(end);
        }
        self
    }

    /// Width on a terminal, without the styles.
    pub fn width(&self) -> usize {
        let mut width = 0;
        let mut rest = &*self.0;
        while let Some((before, styled)) = rest.split_once('\x1b') {
            width += before.width();
            rest = styled.split_once('m').map_or("", |it| it.1);
        }
        width + rest.width()
    }

    /// Cut to a width on a terminal, with a sign that it was cut. What is in a style stays whole.
    pub fn fitting(self, most: usize) -> Self {
        if self.contains('\x1b') || self.width() <= most {
            return self;
        }
        let mut width = 0;
        let end = self.char_indices().find(|(_, ch)| {
            width += ch.width().unwrap_or(0);
            width + 1 > most
        });
        Self(format!("{}…", &self[..end.map_or(self.len(), |it| it.0)]).into())
    }
}

impl std::ops::Deref for Safe {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl From<&'static str> for Safe {
    fn from(ours: &'static str) -> Self {
        Self(ours.into())
    }
}

impl From<&Self> for Safe {
    fn from(it: &Self) -> Self {
        it.clone()
    }
}

impl From<Safe> for String {
    fn from(it: Safe) -> Self {
        it.0.into_owned()
    }
}

impl From<Safe> for serde_json::Value {
    fn from(it: Safe) -> Self {
        Self::String(it.into())
    }
}

/// What can stand in a text for people: safe text as it is, everything else escaped.
pub trait Visible {
    /// As it may be shown.
    fn safe(&self) -> Safe;
}

// [`Safe`] cannot be displayed, so that this does not escape what is in a style.
impl<T: Display + ?Sized> Visible for T {
    fn safe(&self) -> Safe {
        visible(&self.to_string())
    }
}

impl Visible for Safe {
    fn safe(&self) -> Safe {
        self.clone()
    }
}

impl Visible for &Safe {
    fn safe(&self) -> Safe {
        (*self).clone()
    }
}

/// `safe!("{} of {}", shown, all)`: our words, with something [`Visible`] in each place.
macro_rules! safe {
    ($words:literal $(, $value:expr)* $(,)?) => {{
        const _: [&str; $crate::text::places($words)] = [$(stringify!($value)),*];
        $crate::text::filled($words, &[$(&$value),*])
    }};
}
pub(crate) use safe;

/// Places in our words, each a `{}`: more than that between braces would be taken from around the text, and unescaped.
pub const fn places(words: &str) -> usize {
    let bytes = words.as_bytes();
    let (mut at, mut places) = (0, 0);
    while at < bytes.len() {
        if bytes[at] == b'{' {
            assert!(
                at + 1 < bytes.len() && bytes[at + 1] == b'}',
                "a place is a pair of braces with nothing between"
            );
            places += 1;
        }
        at += 1;
    }
    places
}

/// Our words, each `{}` in them replaced by a value.
pub fn filled(words: &'static str, values: &[&dyn Visible]) -> Safe {
    let mut parts = words.split("{}");
    let mut out = parts.next().unwrap_or_default().to_owned();
    for (value, part) in values.iter().zip(parts) {
        out.push_str(&value.safe());
        out.push_str(part);
    }
    Safe(out.into())
}

/// Texts with our words between them.
pub fn joined(texts: impl IntoIterator<Item = impl Visible>, between: &'static str) -> Safe {
    let texts: Vec<Safe> = texts.into_iter().map(|it| it.safe()).collect();
    let texts: Vec<&str> = texts.iter().map(|it| &**it).collect();
    Safe(texts.join(between).into())
}

/// Our words so many times.
pub fn repeated(words: &'static str, times: usize) -> Safe {
    Safe(words.repeat(times).into())
}

/// Filled up with blanks at its end, to so many characters.
pub fn left(width: usize, it: impl Visible) -> Safe {
    Safe(format!("{:<width$}", &*it.safe()).into())
}

/// Filled up with blanks at its beginning, to so many characters.
pub fn right(width: usize, it: impl Visible) -> Safe {
    Safe(format!("{:>width$}", &*it.safe()).into())
}

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
/// assert_eq!(&*visible("ls"), "ls");
/// assert_eq!(&*visible("a\x1b[31mb"), "a\\x1b[31mb");
/// assert_eq!(&*visible("one\ntwo"), "one ⏎ two");
/// assert_eq!(&*visible("\u{202e}txt.exe"), "\\u{202e}txt.exe");
/// ```
pub fn visible(text: &str) -> Safe {
    let mut out = String::with_capacity(text.len());
    for ch in text.chars() {
        match ch {
            '\n' => out.push_str(" ⏎ "),
            '\t' => out.push_str("    "),
            _ => escape(ch, &mut out),
        }
    }
    Safe(out.into())
}

/// Text for several lines of a terminal: tabs and line ends stay.
pub fn visible_lines(text: &str) -> Safe {
    visible_bytes(text.as_bytes())
}

/// Bytes for a terminal: tabs and line ends stay, everything hostile or not UTF-8 is shown as an escape.
pub fn visible_bytes(bytes: &[u8]) -> Safe {
    let mut out = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        for ch in chunk.valid().chars() {
            if ch == '\n' || ch == '\t' { out.push(ch) } else { escape(ch, &mut out) }
        }
        for byte in chunk.invalid() {
            out.push_str(&format!("\\x{byte:02x}"));
        }
    }
    Safe(out.into())
}

fn escape(ch: char, out: &mut String) {
    match ch as u32 {
        _ if !is_hostile(ch) => out.push(ch),
        it @ ..0x80 => out.push_str(&format!("\\x{it:02x}")),
        it => out.push_str(&format!("\\u{{{it:x}}}")),
    }
}

/// A cell that no spreadsheet takes for a formula. Excel, LibreOffice and Sheets all evaluate cells that begin
/// with one of these, quoted or not; a leading apostrophe makes them text.
pub fn cell(text: &str) -> Safe {
    let text = visible_lines(text);
    if text
        .trim_start_matches([' ', '"', '\''])
        .starts_with(['=', '+', '-', '@', '\t', '＝', '＋', '－', '＠'])
        || text.starts_with(['\t', '\n'])
    {
        return safe!("'{}", text);
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
pub fn json(value: &serde_json::Value) -> Safe {
    let mut out = Vec::new();
    let mut serializer = serde_json::Serializer::with_formatter(&mut out, Harmless);
    match value.serialize(&mut serializer) {
        Ok(()) => Safe(String::from_utf8(out).unwrap_or_default().into()),
        Err(_) => "null".into(),
    }
}

/// A value as lines of JSON for people to read and programs to take: hostile characters, which stand in its texts alone, are
/// written as escapes, so that it says the same.
///
/// ```
/// use ssmtrail::text::json_lines;
/// assert_eq!(&*json_lines(&serde_json::json!({ "a": "\u{202e}b" })), "{\n  \"a\": \"\\u202eb\"\n}");
/// ```
pub fn json_lines(value: &serde_json::Value) -> Safe {
    harmless_json(&serde_json::to_string_pretty(value).unwrap_or_default())
}

/// The same for text that holds JSON and is more.
pub fn harmless_json(text: &str) -> Safe {
    let mut out = String::with_capacity(text.len());
    let mut units = [0; 2];
    for ch in text.chars() {
        if ch == '\n' || !is_hostile(ch) {
            out.push(ch);
        } else {
            ch.encode_utf16(&mut units).iter().for_each(|it| out.push_str(&format!("\\u{it:04x}")));
        }
    }
    Safe(out.into())
}

/// Sizes as people say them.
pub fn size(bytes: u64) -> Safe {
    const UNITS: [&str; 5] = ["B", "KB", "MB", "GB", "TB"];
    let mut value = bytes as f64;
    let mut unit = 0;
    while value >= 1000.0 && unit + 1 < UNITS.len() {
        value /= 1000.0;
        unit += 1;
    }
    if unit == 0 {
        safe!("{} B", bytes)
    } else {
        safe!("{} {}", format!("{value:.1}"), UNITS[unit])
    }
}

/// Counts with a thin mark every three digits: 1,234,567.
pub fn count(number: u64) -> Safe {
    let digits = number.to_string();
    let mut out = String::new();
    for (nth, ch) in digits.chars().enumerate() {
        if nth > 0 && (digits.len() - nth).is_multiple_of(3) {
            out.push(',');
        }
        out.push(ch);
    }
    Safe(out.into())
}

/// `1 session`, `2 sessions`.
pub fn plural(number: u64, word: &'static str) -> Safe {
    safe!("{} {}{}", count(number), word, if number == 1 { "" } else { "s" })
}

/// The same of a word whose plural is no `s`.
pub fn plural_of(number: u64, one: &'static str, many: &'static str) -> Safe {
    safe!("{} {}", count(number), if number == 1 { one } else { many })
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
            assert_eq!(&*visible(text), text);
        }
    }

    #[test]
    fn no_cell_is_a_formula() {
        for attack in ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", " =1", "\"=1", "＝1"] {
            assert!(cell(attack).starts_with('\''), "{attack:?}");
        }
        assert_eq!(&*cell("ls -l"), "ls -l");
    }

    #[test]
    fn numbers_are_said_as_people_say_them() {
        assert_eq!(&*count(1_234_567), "1,234,567");
        assert_eq!(&*plural(1, "session"), "1 session");
        assert_eq!(&*size(1_500_000), "1.5 MB");
    }
}
