//! `search`: who ran a command, or what a session showed.

use std::borrow::Cow;
use std::collections::HashMap;

use clap::Args;
use polars::prelude::*;

use super::answer::Answer;
use super::filters::Filters;
use super::filters::tell_edge;
use super::filters::tell_owners;
use super::filters::tell_window;
use super::formats::FormatName;
use super::formats::checked;
use super::hits::command_line;
use super::hits::heading;
use super::hits::text_line;
use super::masking;
use super::masking::Masking;
use super::masking::Shown;
use super::replay::Replay;
use super::run::Run;
use crate::archive::Archive;
use crate::archive::Which;
use crate::archive::schema::CommandRow;
use crate::archive::schema::SessionRow;
use crate::error::Error;
use crate::error::Kind;
use crate::error::Result;
use crate::masking::LineMasker;
use crate::render::Format;
use crate::render::Rows;
use crate::search;
use crate::search::LineHit;
use crate::search::Pattern;
use crate::search::Shared;
use crate::secrets;
use crate::secrets::Masker;
use crate::text;
use crate::text::Visible;
use crate::text::safe;
use crate::transcript::commands::Kind as CommandKind;

const EXAMPLES: &str = "\
Examples:
  ssmtrail search 'systemctl restart'
  ssmtrail search --regex 'curl .*\\| *(ba)?sh' --since 30d
  ssmtrail search --owner alice sudo -C 2
  ssmtrail search --output 'Permission denied' --target i-0e24f79031c6414e1
  ssmtrail search '' --format jsonl            every command, one JSON object a line

A time after ≤ says not later than: a transcript file tells only when its session ended.";

#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(super) struct Search {
    /// What to look for, as it stands; '' matches everything
    #[arg(value_name = "PATTERN", required_unless_present = "text", conflicts_with = "text")]
    pattern: Option<String>,

    /// What to look for, where it begins with a hyphen
    #[arg(
        short = 'e',
        long = "pattern",
        id = "text",
        value_name = "PATTERN",
        allow_hyphen_values = true
    )]
    text: Option<String>,

    /// The pattern is a regular expression
    #[arg(short = 'E', long)]
    regex: bool,

    /// Take small and capital letters for the same
    #[arg(short, long)]
    ignore_case: bool,

    /// Search what sessions showed instead of what was typed
    #[arg(long)]
    output: bool,

    /// Also commands with too little evidence, marked as possible
    #[arg(long, conflicts_with = "output")]
    possible: bool,

    /// Show this many commands or lines around each hit
    #[arg(short = 'C', long, value_name = "N", default_value_t = 0)]
    context: usize,

    /// Count the hits and show none
    #[arg(long, conflicts_with = "context")]
    count: bool,

    /// Play the session of the first hit, from there
    #[arg(long, conflicts_with_all = ["count", "context"])]
    replay: bool,

    #[command(flatten)]
    filters: Filters,

    #[command(flatten)]
    masking: Masking,

    /// How to write hits
    #[arg(long, value_name = "FORMAT", default_value = "table")]
    format: FormatName,

    /// Most hits of the table, the newest, oldest first; other formats have no limit
    #[arg(long, value_name = "N", default_value_t = 1000)]
    limit: usize,
}

/// The machine contract: fields may be added, never renamed.
const COMMAND_FIELDS: [&str; 24] = [
    "session_id",
    "session_key",
    "seq",
    "command",
    "kind",
    "confidence",
    "at",
    "at_earliest",
    "at_latest",
    "owner",
    "target",
    "account_id",
    "region",
    "os_user",
    "cwd",
    "depth",
    "source",
    "locator",
    "byte_start",
    "byte_end",
    "flaws",
    "host",
    "run_as",
    "line_number",
];

impl Search {
    /// Plays the first hit; says how many others there are.
    fn replay(
        &self,
        run: &mut Run<'_, '_>,
        archive: &Archive,
        which: &Which,
        pattern: &Pattern,
    ) -> Result<Answer> {
        let mut first = None;
        let mut hits = 0;
        // The player records a reveal before it shows anything.
        let masker = match self.masking.reveal {
            true => Masker::revealing(),
            false => Masker::new(archive.salt()),
        };
        if self.output {
            shown_lines(archive, which, pattern, &masker, |rows| {
                hits += rows.len();
                if let (None, Some(it)) = (&first, rows.into_iter().next()) {
                    let text = Masker::new(archive.salt()).text(&it.line.text).into_owned();
                    first = Some(Replay::hit(it.session_key, None, Some(text), self.masking));
                }
                Ok(())
            })?;
        } else {
            self.hits(archive, which, pattern, &masker, |rows| {
                hits += rows.len();
                if let (None, Some(it)) = (&first, rows.into_iter().next()) {
                    first = Some(Replay::hit(it.session_key, Some(it.seq), None, self.masking));
                }
                Ok(())
            })?;
        }
        let Some(replay) = first else {
            let damages = archive.damages();
            run.tell(&damages);
            run.ui.note("nothing matches, so there is nothing to play");
            return Ok(Answer::No.with(&damages));
        };
        let answer = replay.run(run)?;
        if hits > 1 {
            run.ui.note(safe!(
                "note: this was the first of {}; --session picks another",
                text::plural(hits as u64, "hit")
            ));
        }
        Ok(answer)
    }

    pub(super) fn run(self, run: &mut Run<'_, '_>) -> Result<Answer> {
        let format = checked(self.format, run.world)?;
        let pattern = Pattern::new(
            self.text.as_deref().or(self.pattern.as_deref()).unwrap_or_default(),
            self.regex,
            self.ignore_case,
        )?;
        let which = self.filters.which(run.world.now, run.ui.zone)?;
        tell_window(run.ui, which.window);
        let archive = run.archive()?;
        tell_owners(run.ui, &archive, &which)?;
        if self.replay {
            return self.replay(run, &archive, &which, &pattern);
        }
        let mut masker = self.masking.masker(run, &archive, "search", Shown::Of(&which))?;
        let masker = &mut masker;
        let (hits, others) = if self.output {
            let hits = self.lines(run, &archive, masker, &which, &pattern, format)?;
            (hits, Others::default())
        } else {
            self.commands(run, &archive, masker, &which, &pattern, format)?
        };
        if self.count {
            run.ui.line(hits.safe())?;
        }
        if !which.window.is_open() && hits > 0 {
            tell_edge(run.ui, &archive.sessions(&which)?, which.window);
        }
        let damages = archive.damages();
        run.tell(&damages);
        masking::tell(run, masker);
        others.tell(run);
        if hits == 0 && !self.count && others == Others::default() {
            let case = if self.ignore_case { "" } else { ", -i ignores case" };
            let output = if self.output { "" } else { ", --output searches what was shown" };
            // Said whether or not there is any: it must not tell.
            let secrets = if masker.reveals() { "" } else { ", --reveal searches secrets, too" };
            let hints = format!("{output}{case}{secrets}");
            run.ui.note(match hints.strip_prefix(", ") {
                Some(hints) => safe!("nothing found; {}", hints),
                None => "nothing found".into(),
            });
        }
        Ok(Answer::found(hits > 0).with(&damages))
    }

    /// Kinds that are hits. Machine formats carry the kind, so that a reader can choose; a count is of what ran.
    fn kinds(&self) -> &'static [&'static str] {
        match (self.possible, self.count) {
            (true, true) => &CommandKind::RAN_OR_POSSIBLE,
            (true, false) => &CommandKind::PERHAPS,
            (false, true) => &CommandKind::RAN,
            (false, false) => &CommandKind::TYPED,
        }
    }

    /// Hits, a part at a time; returns how many more match of the kinds that are left out.
    ///
    /// What is masked is not searched: whoever may not see a secret must not find it letter by letter either.
    fn hits(
        &self,
        archive: &Archive,
        which: &Which,
        pattern: &Pattern,
        masker: &Masker,
        mut take: impl FnMut(Vec<CommandRow>) -> Result<()>,
    ) -> Result<Others> {
        let kinds = self.kinds();
        let mut others = Others::default();
        let mut masker = masker.clone();
        search::commands(archive, which, pattern, &CommandKind::PERHAPS, |mut rows| {
            rows.retain(|it| match masker.text(&it.command) {
                Cow::Borrowed(_) => true,
                Cow::Owned(shown) => pattern.matches_beside(&shown, &secrets::marks(&shown)),
            });
            rows.retain(|it| {
                let is_hit = kinds.contains(&it.kind.as_str());
                if !is_hit {
                    *match it.kind.as_str() {
                        "possible" => &mut others.possible,
                        "unconfirmed" => &mut others.unconfirmed,
                        _ => &mut others.abandoned,
                    } += 1;
                }
                is_hit
            });
            if rows.is_empty() { Ok(()) } else { take(rows) }
        })?;
        Ok(others)
    }

    fn commands(
        &self,
        run: &mut Run<'_, '_>,
        archive: &Archive,
        masker: &mut Masker,
        which: &Which,
        pattern: &Pattern,
        format: Format,
    ) -> Result<(usize, Others)> {
        let kinds = self.kinds();
        if self.count {
            let mut hits = 0;
            let others = self.hits(archive, which, pattern, masker, |rows| {
                hits += rows.len();
                Ok(())
            })?;
            return Ok((hits, others));
        }
        if format != Format::Table {
            let mut rows = Rows::new("commands", format, &["flaws"]);
            let frame = |hits: &[CommandRow]| {
                CommandRow::frame(hits)
                    .and_then(|it| it.select(COMMAND_FIELDS))
                    .map_err(|it| Error::new(Kind::Damaged, it.to_string()))
            };
            let hider = masker.clone();
            let others = self.hits(archive, which, pattern, &hider, |mut hits| {
                crate::masking::commands(masker, &mut hits);
                rows.write(run.ui, &frame(&hits)?)
            })?;
            return Ok((rows.finish(run.ui, &frame(&[])?)?, others));
        }
        let sessions = sessions_of(archive, masker, which)?;
        let mut newest = Newest::new(self.limit);
        let others = self.hits(archive, which, pattern, masker, |rows| {
            newest.extend(rows, |it| order(&sessions, &it.session_key, it.seq));
            Ok(())
        })?;
        let shared = Shared::of(archive)?;
        let (mut found, total) = newest.sorted(|it| order(&sessions, &it.session_key, it.seq));
        if self.context == 0 {
            crate::masking::commands(masker, &mut found);
        }
        let mut last: Option<&str> = None;
        for (nth, hit) in found.iter().enumerate() {
            let Some(session) = sessions.get(&hit.session_key) else { continue };
            if last != Some(hit.session_key.as_str()) {
                if last.is_some() {
                    run.ui.line("")?;
                }
                heading(run, session, &shared)?;
                last = Some(hit.session_key.as_str());
            }
            if self.context == 0 {
                command_line(run, hit, pattern, true)?;
                continue;
            }
            let all = archive.commands_of(session);
            let near = |it: &CommandRow| (it.seq - hit.seq).unsigned_abs() as usize <= self.context;
            let before = found[..nth].last().filter(|it| it.session_key == hit.session_key);
            for mut it in all.into_iter().filter(|it| near(it)) {
                let shown = before.is_some_and(|last| it.seq <= last.seq + self.context as i64);
                let is_hit = pattern.matches(&it.command);
                if !shown && (kinds.contains(&it.kind.as_str()) || it.seq == hit.seq) {
                    crate::masking::commands(masker, std::slice::from_mut(&mut it));
                    command_line(run, &it, pattern, is_hit)?;
                }
            }
        }
        limited(run, total, found.len());
        Ok((total, others))
    }

    fn lines(
        &self,
        run: &mut Run<'_, '_>,
        archive: &Archive,
        masker: &mut Masker,
        which: &Which,
        pattern: &Pattern,
        format: Format,
    ) -> Result<usize> {
        if self.count {
            let mut hits = 0;
            shown_lines(archive, which, pattern, masker, |rows| {
                hits += rows.len();
                Ok(())
            })?;
            return Ok(hits);
        }
        if format != Format::Table {
            let mut rows = Rows::new("lines", format, &[]);
            let mut lines = LineMasker::new(archive);
            let hider = masker.clone();
            shown_lines(archive, which, pattern, &hider, |mut hits| {
                lines.apply(masker, &mut hits)?;
                rows.write(run.ui, &line_frame(&hits)?)
            })?;
            return rows.finish(run.ui, &line_frame(&[])?);
        }
        let sessions = sessions_of(archive, masker, which)?;
        let mut newest = Newest::new(self.limit);
        shown_lines(archive, which, pattern, masker, |rows| {
            newest.extend(rows, |it| order(&sessions, &it.session_key, it.line.line_number));
            Ok(())
        })?;
        let shared = Shared::of(archive)?;
        let (mut found, total) =
            newest.sorted(|it| order(&sessions, &it.session_key, it.line.line_number));
        if self.context == 0 {
            LineMasker::new(archive).apply(masker, &mut found)?;
        }
        let mut last: Option<&str> = None;
        let mut shown_to = 0;
        for hit in &found {
            let Some(session) = sessions.get(&hit.session_key) else { continue };
            if last != Some(hit.session_key.as_str()) {
                if last.is_some() {
                    run.ui.line("")?;
                }
                heading(run, session, &shared)?;
                last = Some(hit.session_key.as_str());
                shown_to = 0;
            }
            if self.context == 0 {
                text_line(run, &hit.line, pattern, true)?;
                continue;
            }
            let reach = self.context as i64;
            masker.start();
            for mut it in archive.lines_of(session) {
                let near = (it.line_number - hit.line.line_number).abs() <= reach;
                let is_hit = pattern.matches(&it.text);
                if masker.in_key() || near || it.text.contains("PRIVATE KEY") {
                    masker.apply_line(&mut it.text);
                }
                if near && it.line_number > shown_to {
                    shown_to = it.line_number;
                    text_line(run, &it, pattern, is_hit)?;
                }
            }
        }
        limited(run, total, found.len());
        Ok(total)
    }
}

/// Lines that match by what is shown of them.
fn shown_lines(
    archive: &Archive,
    which: &Which,
    pattern: &Pattern,
    masker: &Masker,
    mut take: impl FnMut(Vec<LineHit>) -> Result<()>,
) -> Result<()> {
    let mut masker = masker.clone();
    let mut lines = LineMasker::new(archive);
    search::lines(archive, which, pattern, |rows| {
        if pattern.is_all() || masker.reveals() {
            return take(rows);
        }
        let mut shown = rows.clone();
        lines.apply(&mut masker, &mut shown)?;
        let is_hit = |raw: &LineHit, shown: &LineHit| {
            let (raw, shown) = (&raw.line.text, &shown.line.text);
            if raw == shown {
                return true;
            }
            let marks = secrets::marks(shown);
            // A long line is kept in pieces, and a match may begin in the one before.
            let begins_before = !pattern.matches(raw)
                && marks.first().is_none_or(|it| it.0 > pattern.overlap().min(shown.len()));
            begins_before || pattern.matches_beside(shown, &marks)
        };
        let both = rows.into_iter().zip(shown);
        let rows: Vec<LineHit> = both.filter(|it| is_hit(&it.0, &it.1)).map(|it| it.0).collect();
        if rows.is_empty() { Ok(()) } else { take(rows) }
    })
}

/// What matches and is of a kind that is left out, so that "nothing" is never said of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Others {
    unconfirmed: usize,
    abandoned: usize,
    possible: usize,
}

impl Others {
    fn tell(self, run: &mut Run<'_, '_>) {
        let Self { unconfirmed, abandoned, possible } = self;
        if unconfirmed > 0 {
            run.ui.note(safe!("note: {} more typed; nothing tells whether they ran", unconfirmed));
        }
        if abandoned > 0 {
            run.ui.note(safe!("note: {} more typed and not run", abandoned));
        }
        if possible > 0 {
            let matches = if possible == 1 { "match" } else { "matches" };
            run.ui.note(safe!("note: {} possible {}; --possible shows them", possible, matches));
        }
    }
}

fn limited(run: &mut Run<'_, '_>, total: usize, shown: usize) {
    if shown < total {
        run.ui.note(safe!("showing the newest {} of {} hits; --limit N shows more", shown, total));
    }
}

/// Where a hit stands among the others: by the time of its session, then in its place.
type Order = (Option<i64>, String, i64);

fn order(sessions: &HashMap<String, SessionRow>, key: &str, place: i64) -> Order {
    (sessions.get(key).and_then(|it| it.at.micros()), key.to_owned(), place)
}

/// The newest hits of any number, in little more memory than these need.
struct Newest<T> {
    limit: usize,
    held: Vec<T>,
    total: usize,
}

impl<T> Newest<T> {
    fn new(limit: usize) -> Self {
        Self { limit, held: Vec::new(), total: 0 }
    }

    fn extend(&mut self, more: Vec<T>, order: impl Fn(&T) -> Order) {
        self.total += more.len();
        for it in more {
            self.held.push(it);
            if self.held.len() >= self.limit.saturating_mul(2).max(1000) {
                self.cut(&order);
            }
        }
    }

    fn cut(&mut self, order: impl Fn(&T) -> Order) {
        self.held.sort_by_cached_key(order);
        let old = self.held.len().saturating_sub(self.limit);
        self.held.drain(..old);
    }

    /// The newest, oldest first, and how many there were in all.
    fn sorted(mut self, order: impl Fn(&T) -> Order) -> (Vec<T>, usize) {
        self.cut(order);
        (self.held, self.total)
    }
}

/// Sessions by key, as they may be shown.
fn sessions_of(
    archive: &Archive,
    masker: &mut Masker,
    which: &Which,
) -> Result<HashMap<String, SessionRow>> {
    let mut all = archive.sessions(which)?;
    all.iter_mut().for_each(|it| crate::masking::names(masker, it));
    Ok(all.into_iter().map(|it| (it.session_key.clone(), it)).collect())
}

fn line_frame(hits: &[LineHit]) -> Result<DataFrame> {
    let text = |name: &str, pick: fn(&LineHit) -> Option<&str>| {
        StringChunked::from_iter_options(name.into(), hits.iter().map(pick)).into_column()
    };
    let number = |name: &str, pick: fn(&LineHit) -> i64| {
        Int64Chunked::from_iter_values(name.into(), hits.iter().map(pick)).into_column()
    };
    let instant = |name: &str, pick: fn(&LineHit) -> Option<i64>| {
        Int64Chunked::from_iter_options(name.into(), hits.iter().map(pick))
            .into_datetime(TimeUnit::Microseconds, Some(TimeZone::UTC))
            .into_column()
    };
    DataFrame::new(
        hits.len(),
        vec![
            text("session_id", |it| Some(&it.session_id)),
            text("session_key", |it| Some(&it.session_key)),
            number("line_number", |it| it.line.line_number),
            text("text", |it| Some(&it.line.text)),
            text("kind", |it| Some(&it.line.kind)),
            instant("at_earliest", |it| it.line.at_earliest.micros()),
            instant("at_latest", |it| it.line.at_latest.micros()),
            text("owner", |it| it.owner.as_deref()),
            text("target", |it| it.target.as_deref()),
            text("account_id", |it| it.account_id.as_deref()),
            text("region", |it| it.region.as_deref()),
            text("locator", |it| Some(&it.locator)),
            number("byte_start", |it| it.line.byte_start),
            number("byte_end", |it| it.line.byte_end),
        ],
    )
    .map_err(|it| Error::new(Kind::Damaged, it.to_string()))
}
