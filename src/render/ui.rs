//! The one door to the terminal: data goes out, what is said to the person beside it, and nothing but harmless text passes.

use std::borrow::Cow;
use std::io::IsTerminal;
use std::io::Write;

use anstyle::AnsiColor;
use anstyle::Style;

use crate::error::Error;
use crate::error::Kind;
use crate::error::Result;
use crate::text::Safe;
use crate::text::repeated;
use crate::text::visible;
use crate::text::visible_bytes;
use crate::time::Zone;

/// A message for the person, without the secrets that an argument, a file's name or a transcript brought into it.
pub fn message(text: &str) -> Cow<'_, str> {
    let mut salt = [0; 32];
    // Without chance the marks can be compared with guesses; that is all.
    let _ = getrandom::fill(&mut salt);
    crate::secrets::Masker::new(salt).text(text)
}

/// The face of the program: where output goes and what it may look like. It takes nothing but [`Safe`] text, and bytes that are escaped
/// wherever a terminal would read them.
pub struct Ui<'a> {
    out: &'a mut dyn Write,
    err: &'a mut dyn Write,
    /// Whether styles are written.
    pub color: bool,
    /// Standard output is a terminal of this many columns.
    pub columns: Option<usize>,
    /// Zone that times are shown in.
    pub zone: Zone,
}

/// To HTML it is text like any other.
impl maud::Render for Safe {
    fn render_to(&self, page: &mut String) {
        str::render_to(self, page);
    }
}

/// When to colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Color {
    /// On a terminal, unless `NO_COLOR` is set.
    Auto,
    /// Wherever the output goes.
    Always,
    /// Nowhere, terminals included.
    Never,
}

impl Color {
    /// Whether standard output takes colour. `NO_COLOR` is honoured unless colour is asked for by name.
    pub fn decide(self, no_color: bool) -> bool {
        match self {
            Self::Always => true,
            Self::Never => false,
            Self::Auto => std::io::stdout().is_terminal() && !no_color,
        }
    }
}

/// Titles and headings.
pub const BOLD: Style = Style::new().bold();
/// What matters less.
pub const DIM: Style = Style::new().dimmed();
/// What a pattern matched.
pub const MATCH: Style = Style::new().bold().fg_color(Some(anstyle::Color::Ansi(AnsiColor::Red)));
/// Names, such as an owner's.
pub const NAME: Style = Style::new().fg_color(Some(anstyle::Color::Ansi(AnsiColor::Cyan)));
/// What a reader must know, such as flaws.
pub const WARN: Style = Style::new().fg_color(Some(anstyle::Color::Ansi(AnsiColor::Yellow)));

impl<'a> Ui<'a> {
    /// Data goes to `out`, what is said to the person to `err`; there is no colour, no terminal, and UTC, unless the fields say otherwise.
    pub fn new(out: &'a mut dyn Write, err: &'a mut dyn Write) -> Self {
        Self { out, err, color: false, columns: None, zone: Zone::Utc }
    }

    /// Text in a style, if there is colour.
    pub fn paint(&self, style: Style, text: impl Into<Safe>) -> Safe {
        let text = text.into();
        if self.color { text.styled(style) } else { text }
    }

    /// A line of data.
    ///
    /// # Errors
    /// When standard output cannot be written to.
    pub fn line(&mut self, text: impl Into<Safe>) -> Result<()> {
        self.text(text)?;
        self.text("\n")
    }

    /// Data that is no line of its own.
    ///
    /// # Errors
    /// When standard output cannot be written to.
    pub fn text(&mut self, text: impl Into<Safe>) -> Result<()> {
        self.out.write_all(text.into().as_bytes()).map_err(|it| broken(&it))
    }

    /// The bytes of a file, as they are; on a terminal, what acts is shown as escapes.
    ///
    /// # Errors
    /// When standard output cannot be written to.
    pub fn bytes(&mut self, bytes: &[u8]) -> Result<()> {
        match self.columns {
            Some(_) => self.text(visible_bytes(bytes)),
            None => self.out.write_all(bytes).map_err(|it| broken(&it)),
        }
    }

    /// All data is written by now.
    ///
    /// # Errors
    /// When standard output cannot be written to.
    pub fn flush(&mut self) -> Result<()> {
        self.out.flush().map_err(|it| broken(&it))
    }

    /// The terminal itself, for what draws on it cell by cell.
    pub(crate) fn terminal(&mut self) -> &mut dyn Write {
        self.out
    }

    /// A line for the person, on standard error. Trouble with it is no trouble.
    pub fn note(&mut self, text: impl Into<Safe>) {
        // Data and notes meet on one terminal: what was said first is shown first.
        let _ = self.out.flush();
        let _ = writeln!(self.err, "{}", message(&text.into()));
    }

    /// Text with its matches marked, harmless and on one line.
    pub fn marked(&self, text: &str, spans: &[(usize, usize)]) -> Safe {
        let mut out = Safe::default();
        let mut at = 0;
        for (from, to) in spans {
            let (from, to) = ((*from).max(at), (*to).min(text.len()));
            if from < to && text.is_char_boundary(from) && text.is_char_boundary(to) {
                out.push(&&text[at..from]);
                out.push(&self.paint(MATCH, visible(&text[from..to])));
                at = to;
            }
        }
        out.push(&&text[at..]);
        out
    }

    /// Rows in columns, each as wide as it must be; those named in `right` stand at its right edge. The last column is cut to the
    /// terminal's width if there is one.
    ///
    /// # Errors
    /// When standard output cannot be written to.
    pub fn table<H>(&mut self, head: &[H], right: &[usize], rows: &[Vec<Safe>]) -> Result<()>
    where
        H: Into<Safe> + Clone,
    {
        let head: Vec<Safe> = head.iter().map(|it| it.clone().into()).collect();
        let mut widths: Vec<usize> = head.iter().map(Safe::width).collect();
        for row in rows {
            for (widest, text) in widths.iter_mut().zip(row) {
                *widest = (*widest).max(text.width());
            }
        }
        let head: Vec<Safe> = head.into_iter().map(|it| self.paint(BOLD, it)).collect();
        for row in std::iter::once(&head).chain(rows) {
            let mut line = Safe::default();
            let mut used = 0;
            for (nth, (text, width)) in row.iter().zip(&widths).enumerate() {
                let pad = repeated(" ", width.saturating_sub(text.width()));
                if nth > 0 {
                    line.push(&"  ");
                }
                if right.contains(&nth) {
                    line.push(&pad);
                    line.push(text);
                } else if nth + 1 < widths.len() {
                    line.push(text);
                    line.push(&pad);
                } else {
                    let text = text.clone();
                    let most = self.columns.map(|it| it.saturating_sub(used).max(24));
                    line.push(&most.map_or(text.clone(), |it| text.fitting(it)));
                }
                used += width + 2;
            }
            self.line(line.trimmed())?;
        }
        Ok(())
    }
}

fn broken(it: &std::io::Error) -> Error {
    if it.kind() == std::io::ErrorKind::BrokenPipe {
        // Whoever read our output has seen enough. `main` leaves politely.
        return Error::new(Kind::Closed, "broken pipe");
    }
    Error::new(Kind::Refused, format!("cannot write the output: {it}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_match_is_marked_on_a_terminal_and_everything_around_it_is_harmless() {
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let ui = Ui { color: true, ..Ui::new(&mut out, &mut err) };
        let shown = ui.marked("a\x1bb sudo c", &[(4, 8)]);
        assert_eq!(*shown, format!("a\\x1bb {MATCH}sudo{MATCH:#} c"));
    }
}
