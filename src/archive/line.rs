//! Lines on their way into columns: a session has too many to make a struct of each while they are written.

use polars::prelude::*;

use super::schema::LineKind;
use super::schema::SessionRow;
use super::value::Named;
use super::value::Value;
use crate::time::At;

/// A line on its way into the columns.
pub struct NewLine<'a> {
    /// Number of the line in its session, from 1.
    pub number: i64,
    /// What it showed.
    pub text: &'a str,
    /// What it is.
    pub kind: LineKind,
    /// Whether the next line goes on with this one.
    pub continued: bool,
    /// The earliest and the latest time.
    pub at: Option<(Option<At>, Option<At>)>,
    /// First byte of the transcript that it was drawn from.
    pub start: i64,
    /// One past the last byte.
    pub end: i64,
}

/// Columns of `lines` while they are filled; by default without rows, and without a session to fill them for.
#[derive(Default)]
pub struct LineColumns {
    number: Vec<i64>,
    /// All texts, one behind the other, and where each ends.
    text: String,
    text_ends: Vec<usize>,
    kind: Vec<LineKind>,
    continued: Vec<bool>,
    earliest: Vec<Option<At>>,
    latest: Vec<Option<At>>,
    start: Vec<i64>,
    end: Vec<i64>,
    /// What the rows of a session repeat, and where they begin.
    sessions: Vec<(usize, SessionRow)>,
}

impl LineColumns {
    /// Bytes of text held.
    pub fn bytes(&self) -> usize {
        self.text.len()
    }

    /// Lines held.
    pub fn len(&self) -> usize {
        self.number.len()
    }

    /// Whether no line is held.
    pub fn is_empty(&self) -> bool {
        self.number.is_empty()
    }

    /// Lines pushed from here on belong to this session.
    pub fn begin(&mut self, session: SessionRow) {
        self.sessions.push((self.number.len(), session));
    }

    /// Adds one line of the session last begun.
    pub fn push(&mut self, it: NewLine<'_>) {
        self.number.push(it.number);
        self.text.push_str(it.text);
        self.text_ends.push(self.text.len());
        self.kind.push(it.kind);
        self.continued.push(it.continued);
        self.earliest.push(it.at.and_then(|it| it.0));
        self.latest.push(it.at.and_then(|it| it.1));
        self.start.push(it.start);
        self.end.push(it.end);
    }

    fn texts(&self) -> impl Iterator<Item = &str> {
        let starts = std::iter::once(&0).chain(&self.text_ends);
        starts.zip(&self.text_ends).map(|(from, to)| &self.text[*from..*to])
    }

    /// Takes all rows out as one data frame; the session last begun goes on.
    ///
    /// # Errors
    /// When the columns make no data frame.
    pub fn take(&mut self) -> PolarsResult<DataFrame> {
        let it = std::mem::take(self);
        if let Some((_, session)) = it.sessions.last() {
            self.begin(session.clone());
        }
        let rows = it.number.len();
        let text = |name: &str, pick: fn(&SessionRow) -> Option<&str>| {
            let values = repeated(&it.sessions, rows, pick);
            StringChunked::from_iter_options(name.into(), values).into_column()
        };
        let generation = it.sessions.first().map_or(0, |it| it.1.generation);
        let counts: Vec<i64> = it.end.iter().zip(&it.start).map(|(end, from)| end - from).collect();
        DataFrame::new(
            rows,
            vec![
                text("session_id", |it| Some(&it.session_id)),
                text("session_key", |it| Some(&it.session_key)),
                text("account_id", |it| it.account_id.as_deref()),
                text("region", |it| it.region.as_deref()),
                text("owner", |it| it.owner.as_deref()),
                text("target", |it| it.target.as_deref()),
                i64::column("line_number", it.number.iter()),
                StringChunked::from_iter_values("text".into(), it.texts()).into_column(),
                StringChunked::from_iter_values("kind".into(), it.kind.iter().map(|it| it.name()))
                    .into_column(),
                bool::column("continued", it.continued.iter()),
                Option::column("at_earliest", it.earliest.iter()),
                Option::column("at_latest", it.latest.iter()),
                text("locator", |it| Some(&it.locator)),
                i64::column("byte_start", it.start.iter()),
                i64::column("byte_count", counts.iter()),
                i64::column("generation", vec![generation; rows].iter()),
            ],
        )
    }
}

/// One value for each row, from one for each session.
fn repeated(
    sessions: &[(usize, SessionRow)],
    rows: usize,
    pick: fn(&SessionRow) -> Option<&str>,
) -> impl Iterator<Item = Option<&str>> {
    sessions.iter().enumerate().flat_map(move |(nth, (from, it))| {
        let to = sessions.get(nth + 1).map_or(rows, |it| it.0);
        std::iter::repeat_n(pick(it), to - from)
    })
}

#[cfg(test)]
mod tests {
    use super::super::schema::LINES;
    use super::*;

    #[test]
    fn lines_are_written_with_the_columns_they_are_declared_with() {
        let mut lines = LineColumns::default();
        lines.begin(SessionRow { session_id: "alice-1".into(), ..SessionRow::default() });
        lines.push(NewLine {
            number: 1,
            text: "ls",
            kind: LineKind::Input,
            continued: false,
            at: None,
            start: 0,
            end: 4,
        });
        let frame = lines.take().unwrap();
        assert_eq!(*frame.schema().as_ref(), LINES.schema());
    }
}
