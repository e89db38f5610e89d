//! Pattern and filters → hits, exact: what is there is found, and nothing is found that is not there.
//!
//! Filters are settled first, on the sessions table alone; then only the row groups of these sessions are
//! read. Hits leave one file's worth at a time, so that ten million of them need no more memory than one.

use std::collections::BTreeMap;
use std::collections::HashSet;

use memchr::memmem::Finder;
use polars::prelude::*;
use regex::Regex;
use regex::RegexBuilder;

use crate::archive::Archive;
use crate::archive::Which;
use crate::archive::schema;
use crate::archive::schema::CommandRow;
use crate::archive::schema::Handling;
use crate::archive::schema::LINES;
use crate::archive::schema::LineRow;
use crate::archive::schema::LineSession;
use crate::archive::schema::SessionRow;
use crate::archive::value::Value;
use crate::archive::value::Word;
use crate::error::Error;
use crate::error::Result;
use crate::session::Window;
use crate::session::owner_apart;
use crate::session::short_owner;
use crate::transcript::commands::CommandKind;

/// What is looked for.
pub enum Pattern {
    /// Everything.
    All,
    /// A literal text, byte for byte.
    Literal(Box<Finder<'static>>),
    /// A regular expression, or a literal text whatever its case.
    Regex(Regex),
}

impl Pattern {
    /// Whether it matches whatever there is.
    pub fn is_all(&self) -> bool {
        matches!(self, Self::All)
    }

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

    /// Whether a text matches anywhere.
    pub fn matches(&self, text: &str) -> bool {
        match self {
            Self::All => true,
            Self::Literal(it) => it.find(text.as_bytes()).is_some(),
            Self::Regex(it) => it.is_match(text),
        }
    }

    /// Whether it matches in what is shown of a text that it matches: beside the secrets, whatever stands in their place. The
    /// answer must not depend on a secret, so that nobody finds one letter by letter; so no match may reach into one, and what
    /// asks how a word or line ends may not even touch one.
    pub fn matches_beside(&self, shown: &str, secrets: &[(usize, usize)]) -> bool {
        let asks = |it: &Regex, marks: &[&str]| marks.iter().any(|mark| it.as_str().contains(mark));
        let next = |at: usize| shown[at..].chars().next().map_or(at, |it| at + it.len_utf8());
        let mut from = 0;
        let ends = secrets.iter().copied().chain([(shown.len(), shown.len())]);
        for (to, behind) in ends {
            let (is_first, is_last) = (from == 0, to == shown.len());
            let found = match self {
                Self::All => true,
                Self::Literal(it) => it.find(&shown.as_bytes()[from..to]).is_some(),
                Self::Regex(it) => {
                    let asks_before = asks(it, &["^", "\\A", "\\b", "\\B", "\\<"]);
                    let asks_behind = asks(it, &["$", "\\z", "\\b", "\\B", "\\>"]);
                    let start = if asks_before && !is_first { next(from).min(to) } else { from };
                    let end = it.shortest_match_at(&shown[..to], start);
                    end.is_some_and(|end| !asks_behind || is_last || end < to)
                }
            };
            if found {
                return true;
            }
            from = behind;
        }
        false
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
    pub fn overlap(&self) -> usize {
        match self {
            Self::All => 0,
            Self::Literal(it) => it.needle().len().saturating_sub(1),
            Self::Regex(_) => 4096,
        }
    }
}

/// Rows of one file: its path, and where they stand.
type RowPlaces = (String, Vec<(i64, i64)>);

/// Which rows of which files: of all files where all are asked for, which saves reading the index.
fn places(archive: &Archive, which: &Which, table: &str) -> Result<Vec<RowPlaces>> {
    let mut by_file: BTreeMap<String, Vec<(i64, i64)>> = BTreeMap::new();
    if which.is_all() && archive.replaced().is_empty() {
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
    let mut files: Vec<RowPlaces> = by_file.into_iter().collect();
    // Oldest month first, then as they were written.
    files.sort_by_cached_key(|it| {
        let month = it.0.split("month=").nth(1).unwrap_or_default().to_owned();
        (month, it.0.clone())
    });
    for (_, spans) in &mut files {
        spans.sort_unstable();
    }
    Ok(files)
}

/// Commands of these kinds that match, a row group's worth at a time, each worth in order of session and place.
///
/// # Errors
/// An index that cannot be read, and whatever `take` says.
pub fn commands(
    archive: &Archive,
    which: &Which,
    pattern: &Pattern,
    kinds: &[CommandKind],
    mut take: impl FnMut(Vec<CommandRow>) -> Result<()>,
) -> Result<()> {
    whole_commands(archive, which, pattern, kinds, |mut hits| {
        hits.retain(|it| may_lie_in(which.window, it));
        if hits.is_empty() { Ok(()) } else { take(hits) }
    })
}

/// The same with all commands of the sessions that may lie in the window, whenever each was typed.
///
/// # Errors
/// An index that cannot be read, and whatever `take` says.
pub fn whole_commands(
    archive: &Archive,
    which: &Which,
    pattern: &Pattern,
    kinds: &[CommandKind],
    mut take: impl FnMut(Vec<CommandRow>) -> Result<()>,
) -> Result<()> {
    for (path, spans) in places(archive, which, "commands")? {
        commands_at(archive, &path, &spans, pattern, kinds, &mut take)?;
    }
    Ok(())
}

/// Whether a command may have been typed in this window. A session known only by its end keeps its commands with it.
pub fn may_lie_in(window: Window, it: &CommandRow) -> bool {
    let (earliest, latest) = (it.at_earliest, it.at_latest);
    earliest.is_none() || window.may_hold(earliest, latest)
}

/// The same of one session alone, whatever the window.
///
/// # Errors
/// Whatever `take` says.
pub fn commands_of(
    archive: &Archive,
    session: &SessionRow,
    kinds: &[CommandKind],
    take: impl FnMut(Vec<CommandRow>) -> Result<()>,
) -> Result<()> {
    let spans = [(session.commands_at, session.commands_rows)];
    let path = Archive::file_of("commands", session);
    commands_at(archive, &path, &spans, &Pattern::All, kinds, take)
}

fn commands_at(
    archive: &Archive,
    path: &str,
    spans: &[(i64, i64)],
    pattern: &Pattern,
    kinds: &[CommandKind],
    mut take: impl FnMut(Vec<CommandRow>) -> Result<()>,
) -> Result<()> {
    let mut failed = Ok(());
    archive.read_spans(path, spans, None, |_, frame| {
        if failed.is_err() {
            return Ok(());
        }
        let text = frame.column("command")?.str()?.clone();
        let kind = frame.column("kind")?.str()?.clone();
        let mask: BooleanChunked = text
            .iter()
            .zip(kind.iter())
            .map(|(text, kind)| {
                Word::<CommandKind>::of(kind.unwrap_or_default()).is_asked_by(kinds)
                    && pattern.matches(text.unwrap_or_default())
            })
            .collect();
        if mask.any() {
            failed = take(CommandRow::rows(&frame.filter(&mask)?)?);
        }
        Ok(())
    });
    failed
}

/// One line that matches, with the session it was shown in.
#[derive(Clone, Debug)]
pub struct LineHit {
    /// Who and where.
    pub session: LineSession,
    /// The line itself, with its times and its place.
    pub line: LineRow,
}

impl LineHit {
    /// Hits as a frame, each field a column.
    ///
    /// # Errors
    /// Never today: the columns are of one length.
    pub fn frame(hits: &[Self]) -> PolarsResult<DataFrame> {
        let ends: Vec<i64> = hits.iter().map(|it| it.line.byte_end()).collect();
        let mut frame = LineSession::frame(hits.iter().map(|it| &it.session))?;
        frame.hstack_mut(LineRow::frame(hits.iter().map(|it| &it.line))?.columns())?;
        frame.with_column(i64::column("byte_end", ends.iter()))?;
        frame.select([LINES.handled(Handling::Listed), vec!["byte_end"]].concat())
    }
}

/// Lines that match, a row group's worth at a time. Only the text of all lines is read; the rest of the rows
/// where it matches.
///
/// # Errors
/// When the sessions table cannot be read, or when `take` fails.
pub fn lines(
    archive: &Archive,
    which: &Which,
    pattern: &Pattern,
    mut take: impl FnMut(Vec<LineHit>) -> Result<()>,
) -> Result<()> {
    for (path, spans) in places(archive, which, "lines")? {
        // Text at the end of the row before, where its line goes on.
        let mut tail = String::new();
        let mut found: Vec<(i64, i64)> = Vec::new();
        archive.read_spans(&path, &spans, Some(&["text", "continued"]), |first, frame| {
            let text = frame.column("text")?.str()?.clone();
            let continued = frame.column("continued")?.bool()?.clone();
            for (row, (text, continued)) in text.iter().zip(continued.iter()).enumerate() {
                let text = text.unwrap_or_default();
                let across = !tail.is_empty() && {
                    let next = &text[..text.ceil_char_boundary(pattern.overlap())];
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
                    let end = text.len().saturating_sub(pattern.overlap());
                    tail.push_str(&text[text.floor_char_boundary(end)..]);
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

fn line_hits(frame: &DataFrame) -> PolarsResult<Vec<LineHit>> {
    let both = LineSession::rows(frame)?.into_iter().zip(LineRow::rows(frame)?);
    Ok(both.map(|(session, line)| LineHit { session, line }).collect())
}

/// Names that mean more than one thing in the archive, so that something must stand beside them.
#[derive(Debug, Default)]
pub struct Shared {
    /// Ids that several sessions have, because several accounts used them.
    pub ids: HashSet<String>,
    /// Short names that several principals have.
    pub owners: HashSet<String>,
}

impl Shared {
    /// # Errors
    /// An index that cannot be read.
    pub fn of(archive: &Archive) -> Result<Self> {
        // The first of them has its id for its key, every other one more than that.
        let frame = archive
            .scan(&schema::SESSIONS, Some(&["session_id", "session_key", "generation"]))
            .and_then(|it| {
                let others = it.filter(col("session_key").neq(crate::archive::own_key()));
                archive.guarded(|| others.select([col("session_id")]).collect())
            })?;
        let ids = frame.column("session_id")?.str()?;
        let mut seen = HashSet::new();
        let mut owners = HashSet::new();
        for it in archive.owners()? {
            let short = short_owner(&it).to_owned();
            if !seen.insert(short.clone()) {
                owners.insert(short);
            }
        }
        Ok(Self { ids: ids.iter().flatten().map(str::to_owned).collect(), owners })
    }

    /// An owner by the short name, and what tells it apart where another has that, too.
    pub fn owner(&self, owner: &str) -> String {
        let short = short_owner(owner);
        match self.owners.contains(short) {
            true => format!("{short} ({})", owner_apart(owner)),
            false => short.to_owned(),
        }
    }
}

/// What a session can be asked for by, and no other: its id, or of one that shares its id the key; that of the first is told as `#1`.
pub fn name_of(session: &SessionRow, shared: &Shared) -> String {
    let is_first = session.session_key == session.session_id.replace('#', "#~");
    match shared.ids.contains(&session.session_id) && is_first {
        true => format!("{}#1", session.session_key),
        false => session.session_key.clone(),
    }
}

/// The one session that a person means: by its whole id, by a part that no other has, or by its name in the archive, `id#2`.
///
/// # Errors
/// None, or more than one.
pub fn session(archive: &Archive, text: &str) -> Result<SessionRow> {
    let which = Which { sessions: vec![text.to_owned()], ..Which::default() };
    let shared = Shared::of(archive)?;
    let mut found = archive.sessions(&which)?;
    // By its name, which no other has; else by its id.
    let plain = |it: &str| it.replace("#~", "#");
    let named = |it: &SessionRow| plain(&name_of(it, &shared)) == plain(text);
    let is_exact = |it: &SessionRow| name_of(it, &shared) == text;
    let has_id = |it: &SessionRow| it.session_id == text;
    let ways: [&dyn Fn(&SessionRow) -> bool; 3] = [&is_exact, &has_id, &named];
    if let Some(way) = ways.into_iter().find(|way| found.iter().any(way)) {
        found.retain(way);
    }
    match found.as_slice() {
        [] => Err(archive.absent(
            &format!("no session like {text}"),
            "`ssmtrail sessions` lists what the archive holds",
        )),
        [_] => Ok(found.swap_remove(0)),
        [first, rest @ ..] if rest.iter().all(|it| it.session_id == first.session_id) => {
            let names: Vec<String> = found
                .iter()
                .map(|it| {
                    let account = it.account_id.as_deref().unwrap_or("unknown");
                    format!("{} (account {account})", name_of(it, &shared))
                })
                .collect();
            let many = found.len();
            Err(Error::misused(format!("{many} sessions have the id {}", first.session_id))
                .hint(format!("say which: {}", names.join(", "))))
        }
        [first, ..] => Err(Error::misused(format!("{} sessions are like {text}", found.len()))
            .hint(format!("say more of the id; the first is {}", name_of(first, &shared)))),
    }
}

/// The session of this key.
///
/// # Errors
/// None.
pub fn session_of_key(archive: &Archive, key: &str) -> Result<SessionRow> {
    let which = Which { sessions: vec![key.to_owned()], ..Which::default() };
    let found = archive.sessions(&which)?.into_iter().find(|it| it.session_key == key);
    found.ok_or_else(|| {
        archive.absent(
            &format!("no session {key}"),
            "`ssmtrail sessions` lists what the archive holds",
        )
    })
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
