//! `search`: who ran a command, or what a session showed.

use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Range;

use clap::Args;
use polars::prelude::DataFrame;
use polars::prelude::PolarsResult;

use super::answer::Answer;
use super::answer::Ending;
use super::filters::Filters;
use super::filters::tell_edge;
use super::formats::FORMATS;
use super::formats::checked;
use super::formats::one_of;
use super::hits::command_line;
use super::hits::heading;
use super::hits::text_line;
use super::reader::Reader;
use super::replay::Replay;
use super::revealing;
use super::revealing::Revealing;
use super::revealing::Whose;
use crate::archive::Archive;
use crate::archive::Which;
use crate::archive::schema::COMMANDS;
use crate::archive::schema::CommandRow;
use crate::archive::schema::Handling;
use crate::archive::schema::SessionRow;
use crate::error::Result;
use crate::masking;
use crate::masking::LineMasker;
use crate::render::Format;
use crate::render::Rows;
use crate::render::Ui;
use crate::search;
use crate::search::LineHit;
use crate::search::Pattern;
use crate::search::Shared;
use crate::secrets;
use crate::secrets::Masker;
use crate::text;
use crate::text::Safe;
use crate::text::Visible;
use crate::text::safe;
use crate::transcript::commands::CommandKind;

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
    revealing: Revealing,

    /// How to write hits
    #[arg(long, value_name = "FORMAT", default_value = "table", value_parser = one_of(FORMATS))]
    format: Format,

    /// Most hits of the table, the newest, oldest first; other formats have no limit
    #[arg(long, value_name = "N", default_value_t = 1000)]
    limit: usize,
}

/// Gets hits, a part at a time.
type Take<'a, H> = &'a mut dyn FnMut(Vec<H>) -> Result<()>;

/// Shows rows of a session: those at these places, of which a hit is one.
type Around<'a> = dyn Fn(&mut Ui<'_>, &mut Masker, &SessionRow, i64, Range<i64>) -> Result<()> + 'a;

/// A command, or the text of a line.
type Start = (Option<i64>, Option<String>);

/// What differs between the tables that are searched.
struct Searched<'a, H> {
    /// What machine formats call the hits, and which of their columns hold several words.
    what: (&'static str, &'static [&'static str]),
    /// The key of a hit's session, and the hit's place there.
    place: fn(&H) -> (&str, i64),
    /// Hits by what may be shown of them, a part at a time; what else matches.
    find: &'a dyn Fn(&Masker, Take<'_, H>) -> Result<Others>,
    mask: &'a dyn Fn(&mut Masker, &mut [H]) -> Result<()>,
    frame: fn(&[H]) -> PolarsResult<DataFrame>,
    show: &'a dyn Fn(&mut Ui<'_>, &H) -> Result<()>,
    around: &'a Around<'a>,
    /// Where a player begins.
    start: fn(&mut Masker, &H) -> Start,
}

impl Search {
    pub(super) fn run(self, reader: &Reader<'_>, ui: &mut Ui<'_>) -> Result<Answer> {
        checked(self.format, ui)?;
        let pattern = &Pattern::new(
            self.text.as_deref().or(self.pattern.as_deref()).unwrap_or_default(),
            self.regex,
            self.ignore_case,
        )?;
        reader.ask_for(&self.filters, ui, |archive, which, ui| match self.output {
            true => self.lines(reader, ui, (archive, which), pattern),
            false => self.commands(reader, ui, (archive, which), pattern),
        })
    }

    /// Searches what was shown.
    fn lines(
        &self,
        reader: &Reader<'_>,
        ui: &mut Ui<'_>,
        (archive, which): (&Archive, &Which),
        pattern: &Pattern,
    ) -> Result<Ending> {
        let lines = LineMasker::new(archive);
        let searched = Searched {
            what: ("lines", &[]),
            place: |it: &LineHit| (&it.session.session_key, it.line.line_number),
            find: &|masker, take| shown_lines(archive, which, pattern, (masker, &lines), take),
            mask: &|masker, hits| lines.apply(masker, hits),
            frame: LineHit::frame,
            show: &|ui, it| text_line(ui, &it.line, pattern, true),
            around: &|ui, masker, session, _, places| {
                masker.start();
                for mut it in archive.lines_of(session) {
                    let is_near = places.contains(&it.line_number);
                    let is_hit = pattern.matches(&it.text);
                    // A private key may begin far above.
                    if masker.in_key() || is_near || it.text.contains("PRIVATE KEY") {
                        masker.apply_line(&mut it.text);
                    }
                    if is_near {
                        text_line(ui, &it, pattern, is_hit)?;
                    }
                }
                Ok(())
            },
            start: |masker, it| (None, Some(masker.text(&it.line.text).into_owned())),
        };
        self.answer(reader, ui, (archive, which), &searched)
    }

    /// Searches what was typed.
    fn commands(
        &self,
        reader: &Reader<'_>,
        ui: &mut Ui<'_>,
        (archive, which): (&Archive, &Which),
        pattern: &Pattern,
    ) -> Result<Ending> {
        let kinds = self.kinds();
        let searched = Searched {
            what: ("commands", &["flaws"]),
            place: |it: &CommandRow| (&it.session_key, it.seq),
            find: &|masker, take| shown_commands(archive, which, pattern, (masker, kinds), take),
            mask: &|masker, hits| {
                masking::commands(masker, hits);
                Ok(())
            },
            frame: |hits| CommandRow::frame(hits)?.select(COMMANDS.handled(Handling::Listed)),
            show: &|ui, it| command_line(ui, it, pattern, true),
            around: &|ui, masker, session, hit, places| {
                let mut rows = archive.commands_of(session);
                rows.retain(|it| it.seq == hit || it.kind.is_asked_by(kinds));
                for it in rows.iter_mut().filter(|it| places.contains(&it.seq)) {
                    let is_hit = pattern.matches(&it.command);
                    masking::commands(masker, std::slice::from_mut(it));
                    command_line(ui, it, pattern, is_hit)?;
                }
                Ok(())
            },
            start: |_, it| (Some(it.seq), None),
        };
        self.answer(reader, ui, (archive, which), &searched)
    }

    /// Kinds that are hits. Machine formats carry the kind, so that a reader can choose; a count is of what ran.
    fn kinds(&self) -> &'static [CommandKind] {
        match (self.possible, self.count) {
            (true, true) => &CommandKind::RAN_OR_POSSIBLE,
            (true, false) => &CommandKind::ALL,
            (false, true) => &CommandKind::RAN,
            (false, false) => &CommandKind::TYPED,
        }
    }

    fn answer<H>(
        &self,
        reader: &Reader<'_>,
        ui: &mut Ui<'_>,
        (archive, which): (&Archive, &Which),
        searched: &Searched<'_, H>,
    ) -> Result<Ending> {
        if self.replay {
            return self.replay(reader, ui, archive, searched);
        }
        let mut masker = self.revealing.masker(reader, ui, archive, "search", Whose::Of(which))?;
        let (hits, others) = self.hits(ui, (archive, which), &mut masker, searched)?;
        if !which.window.is_open() && hits > 0 {
            tell_edge(ui, &archive.sessions(which)?, which.window);
        }
        revealing::tell(ui, &masker);
        others.tell(ui);
        let mut nothing = Safe::default();
        if !self.count && others == Others::default() {
            let case = if self.ignore_case { "" } else { ", -i ignores case" };
            let output = if self.output { "" } else { ", --output searches what was shown" };
            // Said whether or not there is any: it must not tell.
            let secrets = if masker.reveals() { "" } else { ", --reveal searches secrets, too" };
            let hints = format!("{output}{case}{secrets}");
            nothing = match hints.strip_prefix(", ") {
                Some(hints) => safe!("nothing found; {}", hints),
                None => "nothing found".into(),
            };
        }
        Ok(Ending::or(hits > 0, nothing))
    }

    /// Plays the first hit; says how many others there are.
    fn replay<H>(
        &self,
        reader: &Reader<'_>,
        ui: &mut Ui<'_>,
        archive: &Archive,
        searched: &Searched<'_, H>,
    ) -> Result<Ending> {
        // The player records a reveal before it shows anything.
        let mut masker = match self.revealing.reveal {
            true => Masker::revealing(),
            false => Masker::new(archive.salt()),
        };
        let mut first = None;
        let mut hits = 0;
        (searched.find)(&masker, &mut |rows| {
            hits += rows.len();
            first = first.take().or(rows.into_iter().next());
            Ok(())
        })?;
        let Some(first) = first else {
            return Ok(Ending::or(false, "nothing matches, so there is nothing to play"));
        };
        let (from, behind) = (searched.start)(&mut masker, &first);
        let key = (searched.place)(&first).0.to_owned();
        let replay = Replay::hit(key, from, behind, self.revealing);
        replay.check(ui)?;
        let found = replay.play(reader, archive, ui, None)?;
        if hits > 1 {
            ui.note(safe!(
                "note: this was the first of {}; --session picks another",
                text::plural(hits as u64, "hit")
            ));
        }
        Ok(found)
    }

    /// Writes the hits, or how many there are; returns their number, and what else matches.
    fn hits<H>(
        &self,
        ui: &mut Ui<'_>,
        asked: (&Archive, &Which),
        masker: &mut Masker,
        searched: &Searched<'_, H>,
    ) -> Result<(usize, Others)> {
        if self.format == Format::Table && !self.count {
            return self.table(ui, asked, masker, searched);
        }
        let hider = masker.clone();
        let mut hits = 0;
        if self.count {
            let others = (searched.find)(&hider, &mut |rows| {
                hits += rows.len();
                Ok(())
            })?;
            ui.line(hits.safe())?;
            return Ok((hits, others));
        }
        let mut rows = Rows::new(searched.what.0, self.format, searched.what.1);
        let others = (searched.find)(&hider, &mut |mut hits| {
            (searched.mask)(masker, &mut hits)?;
            rows.write(ui, &(searched.frame)(&hits)?)
        })?;
        Ok((rows.finish(ui, &(searched.frame)(&[])?)?, others))
    }

    /// The newest hits below the headings of their sessions, each among its neighbours.
    fn table<H>(
        &self,
        ui: &mut Ui<'_>,
        (archive, which): (&Archive, &Which),
        masker: &mut Masker,
        searched: &Searched<'_, H>,
    ) -> Result<(usize, Others)> {
        let mut sessions = archive.sessions(which)?;
        sessions.iter_mut().for_each(|it| masking::names(masker, it));
        let sessions: HashMap<&str, &SessionRow> =
            sessions.iter().map(|it| (it.session_key.as_str(), it)).collect();
        // By the time of its session, then in its place.
        let order = |it: &H| {
            let (key, place) = (searched.place)(it);
            (sessions.get(key).and_then(|it| it.at), key.to_owned(), place)
        };
        let mut newest = Newest { limit: self.limit, order, held: Vec::new(), total: 0 };
        let others = (searched.find)(&masker.clone(), &mut |rows| {
            newest.extend(rows);
            Ok(())
        })?;
        newest.cut();
        let Newest { held: mut found, total, .. } = newest;
        let shared = Shared::of(archive)?;
        let reach = self.context as i64;
        if reach == 0 {
            (searched.mask)(masker, &mut found)?;
        }
        let mut last: Option<&str> = None;
        let mut shown_to = 0;
        for hit in &found {
            let (key, place) = (searched.place)(hit);
            let Some(session) = sessions.get(key) else { continue };
            if last != Some(key) {
                if last.is_some() {
                    ui.line("")?;
                }
                heading(ui, session, &shared)?;
                (last, shown_to) = (Some(key), i64::MIN);
            }
            if reach == 0 {
                (searched.show)(ui, hit)?;
                continue;
            }
            let end = place.saturating_add(reach).saturating_add(1);
            let places = place.saturating_sub(reach).max(shown_to)..end;
            (searched.around)(ui, masker, session, place, places)?;
            shown_to = end;
        }
        if found.len() < total {
            let shown = found.len();
            ui.note(safe!("showing the newest {} of {} hits; --limit N shows more", shown, total));
        }
        Ok((total, others))
    }
}

/// Commands of these kinds that match by what is shown of them, a part at a time; how many match of the kinds that are left out.
///
/// What is masked is not searched: whoever may not see a secret must not find it letter by letter either.
fn shown_commands(
    archive: &Archive,
    which: &Which,
    pattern: &Pattern,
    (masker, kinds): (&Masker, &[CommandKind]),
    take: Take<'_, CommandRow>,
) -> Result<Others> {
    let mut others = Others::default();
    let mut masker = masker.clone();
    search::commands(archive, which, pattern, &CommandKind::ALL, |mut rows| {
        rows.retain(|it| match masker.text(&it.command) {
            Cow::Borrowed(_) => true,
            Cow::Owned(shown) => pattern.matches_beside(&shown, &secrets::marks(&shown)),
        });
        rows.retain(|it| {
            let is_hit = it.kind.is_asked_by(kinds);
            if !is_hit {
                *match it.kind.known() {
                    Some(CommandKind::Possible) | None => &mut others.possible,
                    Some(CommandKind::Unconfirmed) => &mut others.unconfirmed,
                    _ => &mut others.abandoned,
                } += 1;
            }
            is_hit
        });
        if rows.is_empty() { Ok(()) } else { take(rows) }
    })?;
    Ok(others)
}

/// Lines that match by what is shown of them. Nothing else matches.
fn shown_lines(
    archive: &Archive,
    which: &Which,
    pattern: &Pattern,
    (masker, lines): (&Masker, &LineMasker<'_>),
    take: Take<'_, LineHit>,
) -> Result<Others> {
    let mut masker = masker.clone();
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
    })?;
    Ok(Others::default())
}

/// What matches and is of a kind that is left out, so that "nothing" is never said of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Others {
    unconfirmed: usize,
    abandoned: usize,
    possible: usize,
}

impl Others {
    fn tell(self, ui: &mut Ui<'_>) {
        let Self { unconfirmed, abandoned, possible } = self;
        if unconfirmed > 0 {
            ui.note(safe!("note: {} more typed; nothing tells whether they ran", unconfirmed));
        }
        if abandoned > 0 {
            ui.note(safe!("note: {} more typed and not run", abandoned));
        }
        if possible > 0 {
            let matches = if possible == 1 { "match" } else { "matches" };
            ui.note(safe!("note: {} possible {}; --possible shows them", possible, matches));
        }
    }
}

/// The newest hits of any number, in little more memory than these need.
struct Newest<T, F> {
    limit: usize,
    order: F,
    held: Vec<T>,
    total: usize,
}

impl<T, K: Ord, F: Fn(&T) -> K> Newest<T, F> {
    fn extend(&mut self, more: Vec<T>) {
        self.total += more.len();
        for it in more {
            self.held.push(it);
            if self.held.len() >= self.limit.saturating_mul(2).max(1000) {
                self.cut();
            }
        }
    }

    /// Leaves the newest, oldest first.
    fn cut(&mut self) {
        self.held.sort_by_cached_key(&self.order);
        let old = self.held.len().saturating_sub(self.limit);
        self.held.drain(..old);
    }
}
