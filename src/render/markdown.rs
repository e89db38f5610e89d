//! Markdown in which nothing foreign is a mark, a link or a tag.

use crate::text::Safe;
use crate::text::visible;
use crate::time;
use crate::time::At;
use crate::time::Zone;

/// Text as it may stand in Markdown: our own words, or escaped.
pub(super) struct Markdown(String);

impl Markdown {
    /// Foreign text.
    pub(super) fn text(foreign: &str) -> Self {
        let mut out = String::new();
        for ch in visible(foreign).chars() {
            if "\\`*_{}[]<>()#+!|~@&".contains(ch) {
                out.push('\\');
            }
            out.push(ch);
        }
        // A bare address becomes a link by itself in many readers.
        Self(out.replace("://", "\\://").replace("www.", "www\\."))
    }

    /// Our words, each `{}` in them replaced by a value.
    pub(super) fn filled<const N: usize>(words: &'static str, values: [Self; N]) -> Self {
        let mut parts = words.split("{}");
        let mut out = parts.next().unwrap_or_default().to_owned();
        for (value, part) in values.iter().zip(parts) {
            out.push_str(&value.0);
            out.push_str(part);
        }
        Self(out)
    }

    /// When something was, as far as it is known.
    pub(super) fn when((earliest, latest): (Option<At>, Option<At>), zone: Zone) -> Self {
        Self(time::range(earliest, latest, zone))
    }
}

impl From<&'static str> for Markdown {
    fn from(ours: &'static str) -> Self {
        Self(ours.into())
    }
}

/// Numbers and sizes, and whatever else is text for a terminal.
impl From<Safe> for Markdown {
    fn from(it: Safe) -> Self {
        Self::text(&it)
    }
}

/// A page, from its beginning to its end.
#[derive(Default)]
pub(super) struct MarkdownPage(String);

impl MarkdownPage {
    /// A line, as [`Markdown::filled`] makes it.
    pub(super) fn line<const N: usize>(&mut self, words: &'static str, values: [Markdown; N]) {
        self.0.push_str(&Markdown::filled(words, values).0);
        self.0.push('\n');
    }

    /// A command to be copied, in a fence that is longer than any run of backticks within.
    pub(super) fn shell(&mut self, command: &str) {
        let command = visible(command);
        let longest = command.split(|it| it != '`').map(str::len).max().unwrap_or(0);
        let fence = "`".repeat(3.max(1 + longest));
        self.0.push_str(&format!("\n  {fence}sh\n  {}\n  {fence}\n", &*command));
    }

    /// A row of a table.
    pub(super) fn row(&mut self, cells: impl IntoIterator<Item = impl Into<Markdown>>) {
        let cells: Vec<Markdown> = cells.into_iter().map(Into::into).collect();
        let cells: Vec<&str> = cells.iter().map(|it| it.0.as_str()).collect();
        self.0.push_str(&format!("| {} |\n", cells.join(" | ")));
    }

    /// The first row of a table.
    pub(super) fn head(&mut self, names: &[&'static str]) {
        self.row(names.iter().copied());
        self.0.push_str(&format!("|{}\n", "---|".repeat(names.len())));
    }

    pub(super) fn finish(self) -> String {
        self.0
    }
}
