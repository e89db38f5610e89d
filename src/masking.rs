//! Rows of the archive as they may be shown: secrets in them masked, each in its place.
//!
//! A masker knows texts. What it cannot know stands here: which columns of a row are foreign text, that a line may lie inside a private
//! key that begins lines before, and that bytes cannot be masked at all.

use std::cell::RefCell;
use std::collections::HashMap;
use std::collections::HashSet;
use std::collections::hash_map::Entry;

use polars::prelude::*;

use crate::archive::Archive;
use crate::archive::Which;
use crate::archive::schema::CommandRow;
use crate::archive::schema::SessionRow;
use crate::error::Error;
use crate::error::Kind;
use crate::error::Result;
use crate::search::LineHit;
use crate::secrets::ByteSearch;
use crate::secrets::Masker;

/// Commands as they may be shown.
///
/// ```
/// use ssmtrail::archive::schema::CommandRow;
/// use ssmtrail::secrets::Masker;
/// let mut rows = [CommandRow { command: "export AWS_ACCESS_KEY_ID=AKIAQYLPMN5HHHFPZAM2".into(), ..Default::default() }];
/// ssmtrail::masking::commands(&mut Masker::new([0; 32]), &mut rows);
/// assert!(rows[0].command.starts_with("export AWS_ACCESS_KEY_ID=[masked:"));
/// ```
pub fn commands(masker: &mut Masker, rows: &mut [CommandRow]) {
    rows.iter_mut().flat_map(CommandRow::foreign).for_each(|it| masker.apply(it));
}

/// A file may be named by a secret, and whoever is recorded writes headers.
pub fn sessions(masker: &mut Masker, rows: &mut [SessionRow]) {
    for it in rows {
        masker.apply(&mut it.locator);
        masker.apply(&mut it.source);
        names(masker, it);
    }
}

/// Who and where. Where its transcript lay stays, for that is how its bytes are found.
pub fn names(masker: &mut Masker, it: &mut SessionRow) {
    it.foreign().for_each(|it| masker.apply(it));
}

/// Lines that were found apart from each other: one that may be inside a private key is looked at in its place.
pub struct LineMasker<'a> {
    archive: &'a Archive,
    /// Lines inside private keys, by session.
    keys: RefCell<HashMap<String, HashSet<i64>>>,
}

impl<'a> LineMasker<'a> {
    /// Lines of this archive.
    pub fn new(archive: &'a Archive) -> Self {
        Self { archive, keys: RefCell::default() }
    }

    /// Masks the secrets in these hits, in their places.
    ///
    /// # Errors
    /// When the sessions table cannot be read.
    pub fn apply(&self, masker: &mut Masker, hits: &mut [LineHit]) -> Result<()> {
        for it in hits {
            it.session.foreign().for_each(|it| masker.apply(it));
            if !masker.reveals() && crate::secrets::may_be_in_key(&it.line.text) {
                let mut keys = self.keys.borrow_mut();
                let inside = match keys.entry(it.session.session_key.clone()) {
                    Entry::Occupied(it) => it.into_mut(),
                    Entry::Vacant(place) => place.insert(lines_in_keys(self.archive, it)?),
                };
                if inside.contains(&it.line.line_number) {
                    masker.key_body(&mut it.line.text);
                    continue;
                }
            }
            masker.apply(&mut it.line.text);
        }
        Ok(())
    }
}

fn lines_in_keys(archive: &Archive, hit: &LineHit) -> Result<HashSet<i64>> {
    let hit = &hit.session;
    let which = Which { sessions: vec![hit.session_id.clone()], ..Which::default() };
    let mut inside = HashSet::new();
    for session in archive.sessions(&which)?.iter().filter(|it| it.session_key == hit.session_key) {
        let mut masker = Masker::new([0; 32]);
        for it in archive.lines_of(session) {
            masker.line(&it.text);
            if masker.in_key() {
                inside.insert(it.line_number);
            }
        }
    }
    Ok(inside)
}

/// Keys of those of these sessions whose bytes hold secrets, whether they were shown, or typed and erased again, or stand in
/// a window's title. Bytes cannot be masked: wherever they would be shown or packed, this decides.
///
/// # Errors
/// Transcripts that cannot be read.
pub fn showing_secrets(archive: &Archive, sessions: &[SessionRow]) -> Result<HashSet<String>> {
    let mut showing: HashSet<String> = HashSet::new();
    for session in sessions {
        let mut masker = Masker::new([0; 32]);
        archive.lines_of(session).iter().for_each(|it| drop(masker.line(&it.text)));
        archive.commands_of(session).iter().for_each(|it| drop(masker.text(&it.command)));
        if masker.masked > 0 {
            showing.insert(session.session_key.clone());
        }
    }
    let mut seen = HashSet::new();
    let keys = sessions.iter().map(|it| it.session_key.as_str());
    let rest: Vec<&str> = keys.filter(|it| !showing.contains(*it) && seen.insert(*it)).collect();
    let mut found = Vec::new();
    let mut looking: Option<(String, ByteSearch)> = None;
    let mut close = |it: Option<(String, ByteSearch)>| {
        found.extend(it.and_then(|(key, it)| it.finish().then_some(key)));
    };
    archive.transcripts_of(&rest, |row| {
        // A transcript begins with its first part; a stream's later stretches go on in the same text.
        if row.part == 0 || looking.as_ref().is_none_or(|it| it.0 != row.session_key) {
            close(looking.replace((row.session_key, ByteSearch::default())));
        }
        if let Some((_, it)) = &mut looking {
            it.push(&row.content);
        }
        Ok(())
    })?;
    close(looking);
    showing.extend(found);
    Ok(showing)
}

/// Whether a stretch of a transcript holds secrets, given the lines that it begins and ends in.
pub fn span_shows_secrets(bytes: &[u8], from: usize, to: usize) -> bool {
    let (from, to) = (from.min(bytes.len()), to.min(bytes.len()));
    let begin = memchr::memrchr(b'\n', &bytes[..from]).map_or(0, |it| it + 1);
    let end = memchr::memchr(b'\n', &bytes[to..]).map_or(bytes.len(), |it| to + it);
    let mut search = ByteSearch::default();
    search.push(&bytes[begin..end.max(begin)]);
    search.finish()
}

/// Everything in a frame that nobody knows the columns of. Only what can hold no text passes as it is; what cannot be masked,
/// as bytes, is left out; the second value says whether anything was.
///
/// # Errors
/// Columns that are not what they say.
pub fn frame(masker: &mut Masker, frame: &DataFrame) -> Result<(DataFrame, bool)> {
    if masker.reveals() {
        return Ok((frame.clone(), false));
    }
    let masker = std::cell::RefCell::new(masker);
    let left_out = std::cell::Cell::new(false);
    let mut columns = Vec::with_capacity(frame.width());
    for column in frame.columns() {
        let series = column.as_materialized_series();
        let masked = values(&masker, &left_out, series).map_err(|it| damaged(&it))?;
        columns.push(masked.into_column());
    }
    let frame = DataFrame::new(frame.height(), columns).map_err(|it| damaged(&it))?;
    Ok((frame, left_out.get()))
}

/// The values of one column, masked; of lists, what is in them.
fn values(
    masker: &std::cell::RefCell<&mut Masker>,
    left_out: &std::cell::Cell<bool>,
    series: &Series,
) -> PolarsResult<Series> {
    match series.dtype() {
        DataType::Null
        | DataType::Boolean
        | DataType::Date
        | DataType::Datetime(..)
        | DataType::Duration(..)
        | DataType::Time => Ok(series.clone()),
        it if it.is_primitive_numeric() => Ok(series.clone()),
        DataType::String => {
            let mut masker = masker.borrow_mut();
            let texts: Vec<Option<String>> = series
                .str()?
                .iter()
                .map(|it| {
                    let before = masker.masked;
                    let shown = masker.alone(it?).into_owned();
                    // Most of it was masked before the query was asked.
                    masker.masked = before + crate::secrets::marks(&shown).len() as u64;
                    Some(shown)
                })
                .collect();
            Ok(StringChunked::from_iter_options(series.name().clone(), texts.into_iter())
                .into_series())
        }
        DataType::List(_) => {
            let within = |it: Series| values(masker, left_out, &it);
            Ok(series.list()?.apply_to_inner(&within)?.into_series())
        }
        // Bytes, and whatever else a later version may bring.
        _ => {
            left_out.set(true);
            Ok(StringChunked::full_null(series.name().clone(), series.len()).into_series())
        }
    }
}

fn damaged(it: &PolarsError) -> Error {
    Error::new(Kind::Damaged, it.to_string())
}
