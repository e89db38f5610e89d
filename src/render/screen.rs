//! Cells of a replayed screen → what a terminal draws, and asciicast files.
//!
//! Only these sequences are ever written: cursor position, erase to the end of the line, and the attributes of a cell. Nothing
//! of what the session wrote is among them.

use std::io::Write;

use avt::Color;
use avt::Pen;
use serde_json::json;

use crate::error::Error;
use crate::error::Kind;
use crate::error::Result;
use crate::replay::DrawnCell;
use crate::replay::Film;
use crate::replay::Picture;
use crate::replay::Stage;
use crate::text::is_hostile;
use crate::text::json;
use crate::text::visible;

/// Draws only what has changed.
#[derive(Default)]
pub struct Canvas {
    last: Vec<Vec<DrawnCell>>,
    cursor: Option<(usize, usize)>,
    plain: bool,
}

impl Canvas {
    /// Nothing drawn yet; `color` says whether attributes of cells are written.
    pub fn new(color: bool) -> Self {
        Self { plain: !color, ..Self::default() }
    }

    /// All is drawn again the next time.
    pub fn forget(&mut self) {
        *self = Self { plain: self.plain, ..Self::default() };
    }

    /// What a terminal must be told to show this picture, cut to so many columns; empty if nothing is new.
    pub fn draw(&mut self, picture: Picture, columns: usize) -> String {
        let mut out = String::new();
        for (nth, row) in picture.rows.iter().enumerate() {
            if self.last.get(nth) == Some(row) {
                continue;
            }
            // Erased first: behind a row that fills the screen the cursor stands on the last cell, and would erase that.
            out.push_str(&format!("\x1b[{};1H\x1b[0m\x1b[K", nth + 1));
            self.row(row, columns, &mut out);
            out.push_str("\x1b[0m");
        }
        if (!out.is_empty() || picture.cursor != self.cursor)
            && let Some((column, row)) = picture.cursor
        {
            out.push_str(&format!("\x1b[{};{}H", row + 1, column.min(columns) + 1));
        }
        self.last = picture.rows;
        self.cursor = picture.cursor;
        out
    }

    fn row(&self, row: &[DrawnCell], columns: usize, out: &mut String) {
        let end = row.iter().rposition(|it| it.ch != ' ' || !it.pen.is_default());
        let mut pen = None;
        let mut used = 0;
        for it in &row[..end.map_or(0, |it| it + 1)] {
            used += usize::from(it.width);
            if used > columns {
                break;
            }
            if !self.plain && pen != Some(it.pen) {
                attributes(&it.pen, out);
                pen = Some(it.pen);
            }
            out.push(if is_hostile(it.ch) { '\u{fffd}' } else { it.ch });
        }
    }
}

/// Everything of a pen but blinking, which only tires.
fn attributes(pen: &Pen, out: &mut String) {
    out.push_str("\x1b[0");
    let flags = [
        (pen.is_bold(), ";1"),
        (pen.is_faint(), ";2"),
        (pen.is_italic(), ";3"),
        (pen.is_underline(), ";4"),
        (pen.is_inverse(), ";7"),
        (pen.is_strikethrough(), ";9"),
    ];
    flags.iter().filter(|it| it.0).for_each(|it| out.push_str(it.1));
    for (color, base) in [(pen.foreground(), 38), (pen.background(), 48)] {
        match color {
            Some(Color::Indexed(it @ 0..8)) => {
                out.push_str(&format!(";{}", base - 8 + u32::from(it)));
            }
            Some(Color::Indexed(it)) => out.push_str(&format!(";{base};5;{it}")),
            Some(Color::RGB(it)) => {
                out.push_str(&format!(";{base};2;{};{};{}", it.r, it.g, it.b));
            }
            None => {}
        }
    }
    out.push('m');
}

/// Which asciicast ("asciicast v2", "asciicast v3": docs.asciinema.org).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cast {
    /// asciicast v2: each event has its time since the beginning.
    V2,
    /// asciicast v3: each event has its time since the event before.
    V3,
}

/// Writes the film as an asciicast: redrawn screens, and a marker at each command.
///
/// `idle` is the longest wait, in microseconds; it goes into the header, so that nothing of the times is lost.
///
/// # Errors
/// What stopped the writing.
pub fn cast(
    film: &Film,
    version: Cast,
    (columns, rows): (usize, usize),
    idle: u64,
    title: &str,
    out: &mut dyn Write,
) -> Result<()> {
    let broken =
        |it: std::io::Error| Error::new(Kind::Refused, format!("cannot write the cast: {it}"));
    let idle = idle as f64 / 1e6;
    let mut head = match version {
        Cast::V2 => json!({ "version": 2, "width": columns, "height": rows }),
        Cast::V3 => json!({ "version": 3, "term": { "cols": columns, "rows": rows } }),
    };
    if let Some(began) = film.began {
        head["timestamp"] = began.seconds().into();
    }
    head["idle_time_limit"] = idle.into();
    head["title"] = visible(title).into();
    writeln!(out, "{}", &*json(&head)).map_err(broken)?;
    let mut said = 0;
    let mut event = |at: u64, code: &str, data: &str| {
        let time = match version {
            Cast::V2 => at,
            Cast::V3 => at - said,
        };
        said = at;
        let seconds = time as f64 / 1e6;
        writeln!(out, "{}", &*json(&json!([seconds, code, data]))).map_err(broken)
    };
    let mut stage = Stage::new(film, columns, rows);
    let mut canvas = Canvas::new(true);
    let mut marks = film.marks.iter().peekable();
    for (nth, beat) in film.beats.iter().enumerate() {
        while let Some(it) = marks.next_if(|it| it.beat <= nth) {
            event(beat.at, "m", &visible(&format!("#{} {}", it.seq, it.command)))?;
        }
        // What comes at once is drawn at once.
        if film.beats.get(nth + 1).is_some_and(|it| it.at < beat.at + 8_000) {
            continue;
        }
        stage.seek(nth + 1);
        let drawn = canvas.draw(stage.picture(), columns);
        if !drawn.is_empty() {
            event(beat.at, "o", &drawn)?;
        }
    }
    for it in marks {
        event(film.length(), "m", &visible(&format!("#{} {}", it.seq, it.command)))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn terminal(fed: &str) -> avt::Terminal {
        let mut it = avt::Terminal::new(6, 2).unwrap();
        it.feed(fed);
        it
    }

    fn texts(it: &avt::Terminal) -> Vec<String> {
        it.screen().visible_lines().map(|it| it.text().trim_end().to_owned()).collect()
    }

    #[test]
    fn a_row_that_fills_the_screen_is_drawn_whole() {
        let source = terminal("abcde\u{1b}[31mf\u{1b}[0mgh");
        let cell = |it: &avt::Cell| DrawnCell {
            ch: it.char(),
            width: it.width(),
            pen: it.pen().to_owned(),
        };
        let lines = source.screen().visible_lines();
        let rows = lines.map(|it| it.cells().iter().map(cell).collect()).collect();
        let drawn = Canvas::new(true).draw(Picture { rows, cursor: None }, 6);
        // As our own screen is, with no wrap at the margin, and as that of a cast's player.
        for margin in ["\u{1b}[?7l", "\u{1b}[?7h"] {
            let it = terminal(&format!("{margin}{drawn}"));
            assert_eq!(texts(&it), ["abcdef", "gh"]);
        }
    }
}
