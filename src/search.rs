//! Pattern and filters → hits, exact: what is there is found, and nothing is found that is not there.
//!
//! Filters are settled first, on the sessions table alone; then only the row groups of these sessions are
//! read. Hits leave one file's worth at a time, so that ten million of them need no more memory than one.

use std::collections::BTreeMap;

use memchr::memmem::Finder;
use polars::prelude::*;
use regex::Regex;
use regex::RegexBuilder;

use crate::archive::Archive;
use crate::archive::Which;
use crate::archive::schema::CommandRow;
use crate::archive::schema::LineRow;
use crate::archive::schema::SessionRow;
use crate::error::Error;
use crate::error::Result;

/// What is looked for.
pub enum Pattern {
    /// Everything.
    All,
    /// A literal text, byte for byte.
    Literal(Box<Finder<'static>>),
    Regex(Regex),
}

impl Pattern {
    /// # Errors
    /// A regular expression that is none.
    pub fn new(text: &str, regex: bool, ignore_case: bool) -> Result<Self> {
        if text.is_empty() {
            return Ok(Self::All);
        }
        if !regex && !ignore_case {
            return Ok(Self::Literal(Box::new(Finder::new(text).into_owned())));
        }
        let pattern = if regex { text.to_owned() } else { regex::escape(text) };
        RegexBuilder::new(&pattern).case_insensitive(ignore_case).build().map(Self::Regex).map_err(
            |it| {
                let why = it.to_string();
                let why =
                    why.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
                Error::misused(format!("the pattern is no regular expression: {why}"))
                    .hint("without --regex the pattern is taken as it stands")
            },
        )
    }

    pub fn matches(&self, text: &str) -> bool {
        match self {
            Self::All => true,
            Self::Literal(it) => it.find(text.as_bytes()).is_some(),
            Self::Regex(it) => it.is_match(text),
        }
    }

    /// Byte spans of all matches, for showing them.
    pub fn spans(&self, text: &str) -> Vec<(usize, usize)> {
        match self {
            Self::All => Vec::new(),
            Self::Literal(it) => {
                let length = it.needle().len();
                it.find_iter(text.as_bytes()).map(|at| (at, at + length)).collect()
            }
            Self::Regex(it) => it.find_iter(text).map(|it| (it.start(), it.end())).collect(),
        }
    }

    /// How much of a line's end is needed to find a match that goes on in the next piece of it.
    fn overlap(&self) -> usize {
        match self {
            Self::All => 0,
            Self::Literal(it) => it.needle().len().saturating_sub(1),
            Self::Regex(_) => 4096,
        }
    }
}

/// Which rows of which files: of all files if `None`, which saves reading the index.
struct Places {
    files: Vec<(String, Vec<(i64, i64)>)>,
}

fn places(archive: &Archive, which: &Which, table: &str) -> Result<Places> {
    let mut by_file: BTreeMap<String, Vec<(i64, i64)>> = BTreeMap::new();
    if which.is_all() && archive.superseded().is_empty() {
        for note in archive.files(table) {
            by_file.insert(note.path.clone(), vec![(0, note.rows as i64)]);
        }
    } else {
        for it in archive.sessions(which)? {
            let span = match table {
                "commands" => (it.commands_at, it.commands_rows),
                _ => (it.lines_at, it.lines_rows),
            };
            if span.1 > 0 {
                by_file.entry(Archive::file_of(table, &it)).or_default().push(span);
            }
        }
    }
    let mut files: Vec<(String, Vec<(i64, i64)>)> = by_file.into_iter().collect();
    // Oldest month first, then as they were written.
    files.sort_by_cached_key(|it| {
        let month = it.0.split("month=").nth(1).unwrap_or_default().to_owned();
        (month, it.0.clone())
    });
    for (_, spans) in &mut files {
        spans.sort_unstable();
    }
    Ok(Places { files })
}

/// Commands that match, a file's worth at a time, each worth in order of session and place. `kinds` are names
/// of command kinds.
pub fn commands(
    archive: &Archive,
    which: &Which,
    pattern: &Pattern,
    kinds: &[&str],
    mut take: impl FnMut(Vec<CommandRow>) -> Result<()>,
) -> Result<()> {
    for (path, spans) in places(archive, which, "commands")?.files {
        let mut hits = Vec::new();
        archive.read_spans(&path, &spans, None, |_, frame| {
            let text = frame.column("command")?.str()?.clone();
            let kind = frame.column("kind")?.str()?.clone();
            let mask: BooleanChunked = text
                .iter()
                .zip(kind.iter())
                .map(|(text, kind)| {
                    kinds.contains(&kind.unwrap_or_default())
                        && pattern.matches(text.unwrap_or_default())
                })
                .collect();
            if mask.any() {
                hits.extend(CommandRow::rows(&frame.filter(&mask)?)?);
            }
            Ok(())
        });
        hits.retain(|it| {
            let latest = it.at_latest.micros();
            // A session known only by its end keeps its commands with it.
            it.at_earliest.micros().is_none()
                || which.window.may_hold(it.at_earliest.micros(), latest)
        });
        if !hits.is_empty() {
            take(hits)?;
        }
    }
    Ok(())
}

/// One line that matches, with the session it was shown in.
pub struct LineHit {
    pub session_id: String,
    pub session_key: String,
    pub owner: Option<String>,
    pub target: Option<String>,
    pub account_id: Option<String>,
    pub region: Option<String>,
    pub locator: String,
    pub line: LineRow,
}

/// Lines that match, a row group's worth at a time. Only the text of all lines is read; the rest of the rows
/// where it matches.
pub fn lines(
    archive: &Archive,
    which: &Which,
    pattern: &Pattern,
    mut take: impl FnMut(Vec<LineHit>) -> Result<()>,
) -> Result<()> {
    for (path, spans) in places(archive, which, "lines")?.files {
        // Text at the end of the row before, where its line goes on.
        let mut tail = String::new();
        let mut found: Vec<(i64, i64)> = Vec::new();
        archive.read_spans(&path, &spans, Some(&["text", "continued"]), |first, frame| {
            let text = frame.column("text")?.str()?.clone();
            let continued = frame.column("continued")?.bool()?.clone();
            for (row, (text, continued)) in text.iter().zip(continued.iter()).enumerate() {
                let text = text.unwrap_or_default();
                let across = !tail.is_empty() && {
                    let next = head(text, pattern.overlap());
                    pattern.matches(&format!("{tail}{next}"))
                };
                if across || pattern.matches(text) {
                    let row = first + row as i64;
                    match found.last_mut() {
                        Some((at, rows)) if *at + *rows == row => *rows += 1,
                        _ => found.push((row, 1)),
                    }
                }
                tail.clear();
                if continued == Some(true) {
                    tail.push_str(end(text, pattern.overlap()));
                }
            }
            Ok(())
        });
        let mut failed = Ok(());
        archive.read_spans(&path, &found, None, |_, frame| {
            if failed.is_ok() {
                failed = take(line_hits(&frame)?);
            }
            Ok(())
        });
        failed?;
    }
    Ok(())
}

fn head(text: &str, most: usize) -> &str {
    let mut at = most.min(text.len());
    while !text.is_char_boundary(at) {
        at += 1;
    }
    &text[..at]
}

fn end(text: &str, most: usize) -> &str {
    let mut at = text.len().saturating_sub(most);
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    &text[at..]
}

fn line_hits(frame: &DataFrame) -> PolarsResult<Vec<LineHit>> {
    let text = |name: &str| -> PolarsResult<Vec<Option<String>>> {
        Ok(frame.column(name)?.str()?.iter().map(|it| it.map(str::to_owned)).collect())
    };
    let ids = text("session_id")?;
    let keys = text("session_key")?;
    let owners = text("owner")?;
    let targets = text("target")?;
    let accounts = text("account_id")?;
    let regions = text("region")?;
    let locators = text("locator")?;
    let rows = LineRow::rows(frame)?;
    Ok(rows
        .into_iter()
        .enumerate()
        .map(|(nth, line)| LineHit {
            session_id: ids[nth].clone().unwrap_or_default(),
            session_key: keys[nth].clone().unwrap_or_default(),
            owner: owners[nth].clone(),
            target: targets[nth].clone(),
            account_id: accounts[nth].clone(),
            region: regions[nth].clone(),
            locator: locators[nth].clone().unwrap_or_default(),
            line,
        })
        .collect())
}

/// The one session that a person means: by its whole id, or by a part that no other has.
///
/// # Errors
/// None, or more than one.
pub fn session(archive: &Archive, text: &str) -> Result<SessionRow> {
    let which = Which { sessions: vec![text.to_owned()], ..Which::default() };
    let mut found = archive.sessions(&which)?;
    if let Some(at) = found.iter().position(|it| it.session_id == text || it.session_key == text) {
        return Ok(found.swap_remove(at));
    }
    match found.len() {
        1 => Ok(found.swap_remove(0)),
        0 => Err(Error::new(crate::error::Kind::Missing, format!("no session like {text}"))
            .hint("`ssmtrail sessions` lists what the archive holds")),
        many => Err(Error::misused(format!("{many} sessions are like {text}"))
            .hint(format!("say more of the id; the first is {}", found[0].session_id))),
    }
}

#[cfg(test)]
mod tests {
    use super::Pattern;

    #[test]
    fn a_pattern_is_literal_unless_asked() {
        let literal = Pattern::new("a.c", false, false).unwrap();
        assert!(literal.matches("xa.cx") && !literal.matches("abc"));
        let regex = Pattern::new("a.c", true, false).unwrap();
        assert!(regex.matches("abc"));
        let folded = Pattern::new("SuDo", false, true).unwrap();
        assert!(folded.matches("sudo su"));
        assert_eq!(Pattern::new("aa", false, false).unwrap().spans("aaa aa"), [(0, 2), (4, 6)]);
        assert!(Pattern::new("a(", true, false).is_err());
    }
}
