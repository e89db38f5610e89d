//! What an archive says of a window, gathered once for every form of the report.
//!
//! The same archive and the same question give the same facts in the same order, whichever machine gathers them and in
//! whatever order the archive was filled: rows are sorted by what they say, and no name that the archive made up (file,
//! generation, key) stands in them. Secrets are masked here, before anything is written. Absent: the form it is written in, and
//! the clock.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::collections::HashMap;

use sha2::Digest;
use sha2::Sha256;

use crate::archive::Archive;
use crate::archive::Which;
use crate::archive::schema::LineKind;
use crate::archive::schema::SessionRow;
use crate::archive::schema::TranscriptRow;
use crate::archive::value::Word;
use crate::error::Result;
use crate::notable;
use crate::search;
use crate::search::Pattern;
use crate::secrets::Masker;
use crate::session::Skip;
use crate::session::Window;
use crate::time::At;
use crate::transcript::commands::CommandFlaw;
use crate::transcript::commands::CommandKind;
use crate::transcript::decoder::FlawKind;

/// Which sessions the report is about.
#[derive(Clone, Debug, Default)]
pub struct Scope {
    /// Filters of sessions, their window of time included.
    pub which: Which,
    /// Accounts; none means all.
    pub accounts: Vec<String>,
}

/// One command, ready to be written: masked, and without what the archive made up.
#[derive(Clone, Debug, PartialEq)]
pub struct ReportedCommand {
    /// Place of its session in [`Report::sessions`].
    pub session: usize,
    /// Place in the session, 1-based.
    pub seq: i64,
    /// What was typed, lines joined by LF.
    pub text: String,
    /// What the typed line was for.
    pub kind: Word<CommandKind>,
    /// Probability that it is exactly what was typed, 0 to 1.
    pub confidence: f64,
    /// The first instant at which it can have been typed; `None` if not known.
    pub earliest: Option<At>,
    /// The last instant at which it can have been typed; `None` if not known.
    pub latest: Option<At>,
    /// Operating-system user that the prompt shows; `None` if it shows none.
    pub os_user: Option<String>,
    /// Host that the prompt shows; `None` if it shows none.
    pub host: Option<String>,
    /// Directory that the prompt shows; `None` if it shows none.
    pub cwd: Option<String>,
    /// Shells around it: 0 is the session's own.
    pub depth: i64,
    /// First byte of the transcript that it was read from, 0-based.
    pub byte_start: i64,
    /// One past the last byte that it was read from.
    pub byte_end: i64,
    /// Line of the session that it starts on, 1-based.
    pub line_number: i64,
    /// What is wrong with it; empty if nothing.
    pub flaws: Vec<Word<CommandFlaw>>,
    /// Rules that speak on it, by their place in [`notable::RULES`].
    pub rules: Vec<usize>,
}

impl ReportedCommand {
    /// Whether it surely ran: it is `shell` or `repl`.
    pub fn has_run(&self) -> bool {
        self.kind.is_in(&CommandKind::RAN)
    }
}

/// How much of something there was.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// The owner or the target, empty where it is not known.
    pub name: String,
    /// Sessions of it.
    pub sessions: u64,
    /// Commands of it that ran.
    pub commands: u64,
    /// Commands of it on which a rule speaks.
    pub notable: u64,
}

/// One stretch of time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    /// Its first day: `2026-11-20`; of a month `2026-11`.
    pub name: String,
    /// Sessions whose time lies in it.
    pub sessions: u64,
    /// Sessions in which a rule spoke.
    pub notable: u64,
}

/// How long the spans are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// Each is a day, where the sessions lie less than 62 days apart.
    Day,
    /// Each is a week from Monday on, where they lie 62 to 399 days apart.
    Week,
    /// Each is a calendar month, where they lie 400 days or more apart.
    Month,
}

/// Everything a report says.
pub struct Report {
    /// The stretch of time that was asked for.
    pub window: Window,
    /// The filters that were asked for.
    pub scope: Scope,
    /// In order of time, account and id.
    pub sessions: Vec<SessionRow>,
    /// In order of session and place.
    pub commands: Vec<ReportedCommand>,
    /// Commands with too little evidence, which are not in it.
    pub possible: u64,
    /// How long each of the spans is.
    pub pace: Pace,
    /// The spans in order of time, empty ones included.
    pub spans: Vec<Span>,
    /// Sessions without any time.
    pub timeless: u64,
    /// Counts for each owner, the one with most sessions first.
    pub owners: Vec<Tally>,
    /// Counts for each target, the one with most sessions first.
    pub targets: Vec<Tally>,
    /// Every transcript that the sessions were read from, without its content.
    pub transcripts: Vec<TranscriptRow>,
    /// Ids of the accounts that the sessions ran in, where known.
    pub accounts: BTreeSet<String>,
    /// Regions that the sessions ran in, where known.
    pub regions: BTreeSet<String>,
    /// Sessions whose account nobody told.
    pub without_account: u64,
    /// Versions of the decoder that the sessions were read by.
    pub decoders: BTreeSet<i64>,
    /// Flaws of sessions, and how many have each.
    pub flaws: BTreeMap<Word<FlawKind>, u64>,
    /// SHA-256 over the digests of all transcripts in the archive, whatever the window: sorted, each once, in
    /// hexadecimal with a line feed behind it.
    pub archive_digest: String,
    /// `ENTRY:DIGEST` of the chain's last entry, which `archive verify --expect` takes.
    pub archive_head: Option<String>,
    /// Transcripts in the archive, whatever the window.
    pub archive_transcripts: u64,
    /// Session ids in the archive, whatever the window.
    pub archive_sessions: u64,
    /// What could not be read.
    pub damages: Vec<Skip>,
    /// Locators with a secret in them, and how they are shown.
    pub masked_locators: HashMap<String, String>,
    /// How many secrets were masked while it was gathered.
    pub masked: u64,
    /// Whether secrets are shown as they are.
    pub reveals: bool,
}

/// What can be played of one session.
#[derive(Clone, Debug, PartialEq)]
pub struct Played {
    /// Place of the session in [`Report::sessions`].
    pub session: usize,
    /// The lines from the session's start, masked unless secrets are shown.
    pub lines: Vec<PlayedLine>,
    /// There is more than is here.
    pub is_cut: bool,
}

/// One line that a session showed.
#[derive(Clone, Debug, PartialEq)]
pub struct PlayedLine {
    /// What the line is.
    pub kind: Word<LineKind>,
    /// What it shows, control sequences carried out.
    pub text: String,
    /// Places of the commands that begin here, and their kinds.
    pub seqs: Vec<i64>,
    /// Kinds of these commands, in the same order.
    pub kinds: Vec<Word<CommandKind>>,
    /// When it had been shown, if that is recorded.
    pub at: Option<At>,
}

/// Lines for the player, of sessions with notable commands first, until they are this many bytes. What cannot be read is
/// added to the report's damages.
pub fn played(
    archive: &Archive,
    report: &mut Report,
    masker: &mut Masker,
    mut most: usize,
) -> Vec<Played> {
    const MOST_OF_ONE: usize = 200_000;
    let mut order: Vec<usize> = (0..report.sessions.len()).collect();
    let notable: BTreeSet<usize> =
        report.commands.iter().filter(|it| !it.rules.is_empty()).map(|it| it.session).collect();
    order.sort_by_key(|it| (!notable.contains(it), *it));
    let mut out = Vec::new();
    for nth in order {
        if most < 1000 {
            break;
        }
        let mut starts: HashMap<i64, (Vec<i64>, Vec<Word<CommandKind>>)> = HashMap::new();
        for it in report.commands_of(nth) {
            let start = starts.entry(it.line_number).or_default();
            start.0.push(it.seq);
            start.1.push(it.kind.clone());
        }
        let mut left = MOST_OF_ONE.min(most);
        let mut lines = Vec::new();
        let mut is_cut = false;
        masker.start();
        for it in archive.lines_of(&report.sessions[nth]) {
            let text = masker.line(&it.text).into_owned();
            if text.len() + 16 > left {
                is_cut = true;
                break;
            }
            left -= text.len() + 16;
            most -= text.len() + 16;
            let (seqs, kinds) = starts.remove(&it.line_number).unwrap_or_default();
            let at = it.at_latest;
            lines.push(PlayedLine { kind: it.kind, text, seqs, kinds, at });
        }
        if !lines.is_empty() {
            out.push(Played { session: nth, lines, is_cut });
        }
    }
    out.sort_by_key(|it| it.session);
    report.damages = damages(archive, masker);
    out
}

/// What could not be read so far, in order.
fn damages(archive: &Archive, masker: &mut Masker) -> Vec<Skip> {
    let mut damages = archive.damages();
    for it in &mut damages {
        masker.apply(&mut it.locator);
        masker.apply(&mut it.why);
    }
    damages.sort_by(|one, other| (&one.locator, &one.why).cmp(&(&other.locator, &other.why)));
    damages
}

/// The sessions of the scope, in the report's order.
///
/// # Errors
/// When the index of sessions cannot be read.
pub fn sessions(archive: &Archive, scope: &Scope) -> Result<Vec<SessionRow>> {
    let mut sessions = archive.sessions(&scope.which)?;
    if !scope.accounts.is_empty() {
        sessions.retain(|it| {
            it.account_id.as_ref().is_some_and(|account| scope.accounts.contains(account))
        });
    }
    sessions.sort_by(|one, other| {
        (one.at, &one.account_id, &one.session_id, &one.locator).cmp(&(
            other.at,
            &other.account_id,
            &other.session_id,
            &other.locator,
        ))
    });
    Ok(sessions)
}

/// Gathers what the archive says.
///
/// # Errors
/// An index that cannot be read. What else cannot be read becomes a damage, which the report names.
pub fn gather(archive: &Archive, scope: Scope, masker: &mut Masker) -> Result<Report> {
    let mut sessions = sessions(archive, &scope)?;
    for it in &mut sessions {
        // Where transcripts lay stays: that is how they are found, and what is written of it is masked below.
        it.foreign().for_each(|it| masker.apply(it));
    }
    let place: HashMap<&str, usize> =
        sessions.iter().enumerate().map(|(nth, it)| (it.session_key.as_str(), nth)).collect();
    let commands = commands(archive, &scope.which, &place, masker)?;
    let all = archive.transcript_notes()?;
    let archive_digest = archive_digest(&all);
    let archive_transcripts = all
        .iter()
        .map(|it| (&it.locator, &it.version, &it.content_digest))
        .collect::<BTreeSet<_>>()
        .len() as u64;
    let transcripts = transcripts_of(all, &place);
    let masked_locators = masked_locators(&sessions, &transcripts, masker);
    let (pace, spans) = spans(&sessions, &commands);
    Ok(Report {
        window: scope.which.window,
        possible: sessions.iter().map(|it| it.possible_count as u64).sum(),
        pace,
        spans,
        timeless: sessions.iter().filter(|it| it.at.is_none()).count() as u64,
        owners: tally(&sessions, &commands, |it| it.owner.clone()),
        targets: tally(&sessions, &commands, |it| it.target.clone()),
        transcripts,
        accounts: sessions.iter().filter_map(|it| it.account_id.clone()).collect(),
        regions: sessions.iter().filter_map(|it| it.region.clone()).collect(),
        without_account: sessions.iter().filter(|it| it.account_id.is_none()).count() as u64,
        decoders: sessions.iter().map(|it| it.decoder).collect(),
        flaws: flaws(&sessions),
        archive_digest,
        archive_head: archive.manifest.head(),
        archive_transcripts,
        archive_sessions: archive.session_ids()?.len() as u64,
        damages: damages(archive, masker),
        masked_locators,
        masked: masker.masked,
        reveals: masker.reveals(),
        sessions,
        commands,
        scope,
    })
}

/// The commands that were typed in these sessions, masked and in the report's order.
fn commands(
    archive: &Archive,
    which: &Which,
    place: &HashMap<&str, usize>,
    masker: &mut Masker,
) -> Result<Vec<ReportedCommand>> {
    let mut commands = Vec::new();
    search::commands(archive, which, &Pattern::All, &CommandKind::TYPED, |rows| {
        for it in rows {
            let Some(session) = place.get(it.session_key.as_str()) else { continue };
            // What did not run did nothing that is worth a note. What may have run is worth one, with its mark.
            let rules = match it.kind.is_in(&CommandKind::MAY_HAVE_RUN) {
                true => notable::notable(&it.command),
                false => Vec::new(),
            };
            let text = masker.text(&it.command).into_owned();
            commands.push(ReportedCommand {
                session: *session,
                seq: it.seq,
                text,
                kind: it.kind,
                confidence: it.confidence,
                earliest: it.at_earliest,
                latest: it.at_latest,
                os_user: it.os_user.map(|it| masker.text(&it).into_owned()),
                host: it.host.map(|it| masker.text(&it).into_owned()),
                cwd: it.cwd.map(|it| masker.text(&it).into_owned()),
                depth: it.depth,
                byte_start: it.byte_start,
                byte_end: it.byte_end,
                line_number: it.line_number,
                flaws: it.flaws,
                rules,
            });
        }
        Ok(())
    })?;
    commands.sort_unstable_by_key(|it| (it.session, it.seq));
    Ok(commands)
}

/// SHA-256 over the digests of all transcripts, as [`Report::archive_digest`] says it.
fn archive_digest(transcripts: &[TranscriptRow]) -> String {
    let digests: BTreeSet<&str> = transcripts.iter().map(|it| it.digest.as_str()).collect();
    let mut hasher = Sha256::new();
    digests.iter().for_each(|it| hasher.update(format!("{it}\n")));
    hex::encode(hasher.finalize())
}

/// Those of these sessions, in an order that says nothing of the archive's own.
fn transcripts_of(mut all: Vec<TranscriptRow>, place: &HashMap<&str, usize>) -> Vec<TranscriptRow> {
    all.retain(|it| place.contains_key(it.session_key.as_str()));
    all.sort_unstable_by(|one, other| {
        (&one.session_id, &one.locator, &one.version, one.part).cmp(&(
            &other.session_id,
            &other.locator,
            &other.version,
            other.part,
        ))
    });
    all
}

/// Places with a secret in them, and how they are shown.
fn masked_locators(
    sessions: &[SessionRow],
    transcripts: &[TranscriptRow],
    masker: &mut Masker,
) -> HashMap<String, String> {
    let of_sessions = sessions.iter().map(|it| &it.locator);
    let all: BTreeSet<&String> =
        of_sessions.chain(transcripts.iter().map(|it| &it.locator)).collect();
    all.into_iter()
        .filter_map(|it| match masker.text(it) {
            Cow::Owned(shown) => Some((it.clone(), shown)),
            Cow::Borrowed(_) => None,
        })
        .collect()
}

/// How many sessions have each flaw, whatever its place.
fn flaws(sessions: &[SessionRow]) -> BTreeMap<Word<FlawKind>, u64> {
    let mut flaws = BTreeMap::new();
    for flaw in sessions.iter().flat_map(|it| &it.flaws) {
        *flaws.entry(flaw.kind.clone()).or_default() += 1;
    }
    flaws
}

impl Report {
    /// How many commands ran.
    pub fn ran(&self) -> u64 {
        self.commands.iter().filter(|it| it.has_run()).count() as u64
    }

    /// How many commands are of a kind.
    pub fn count(&self, kind: CommandKind) -> u64 {
        self.commands.iter().filter(|it| it.kind == kind).count() as u64
    }

    /// Commands of one session.
    pub fn commands_of(&self, session: usize) -> &[ReportedCommand] {
        let from = self.commands.partition_point(|it| it.session < session);
        let to = self.commands.partition_point(|it| it.session <= session);
        &self.commands[from..to]
    }

    /// Places of the commands on which a rule speaks, rule by rule, in the table's order.
    pub fn notable(&self) -> Vec<(usize, Vec<usize>)> {
        let mut by_rule: Vec<Vec<usize>> = vec![Vec::new(); notable::RULES.len()];
        for (nth, it) in self.commands.iter().enumerate() {
            it.rules.iter().for_each(|rule| by_rule[*rule].push(nth));
        }
        by_rule.into_iter().enumerate().filter(|it| !it.1.is_empty()).collect()
    }

    /// Sessions in which something was done as root.
    pub fn rooted(&self) -> usize {
        let mut rooted: Vec<usize> = self
            .commands
            .iter()
            .filter(|it| it.has_run())
            .filter(|it| {
                it.os_user.as_deref() == Some("root")
                    || it
                        .rules
                        .iter()
                        .any(|rule| notable::RULES[*rule].act == notable::Act::BecameRoot)
            })
            .map(|it| it.session)
            .collect();
        rooted.dedup();
        rooted.len()
    }

    /// When a session was, as far as is known: not before, not after.
    pub fn when(session: &SessionRow) -> (Option<At>, Option<At>) {
        let last = session.ended_at.or(session.last_event_at);
        match (session.first_event_at, last) {
            (None, None) => (None, session.at),
            it => it,
        }
    }
}

fn tally(
    sessions: &[SessionRow],
    commands: &[ReportedCommand],
    name: impl Fn(&SessionRow) -> Option<String>,
) -> Vec<Tally> {
    let mut by_name: BTreeMap<String, Tally> = BTreeMap::new();
    let names: Vec<String> = sessions.iter().map(|it| name(it).unwrap_or_default()).collect();
    for it in &names {
        let new = || Tally { name: it.clone(), ..Tally::default() };
        by_name.entry(it.clone()).or_insert_with(new).sessions += 1;
    }
    for it in commands {
        if let Some(tally) = by_name.get_mut(&names[it.session]) {
            tally.commands += u64::from(it.has_run());
            tally.notable += u64::from(!it.rules.is_empty());
        }
    }
    let mut tallies: Vec<Tally> = by_name.into_values().collect();
    tallies.sort_by(|one, other| (other.sessions, &one.name).cmp(&(one.sessions, &other.name)));
    tallies
}

/// Sessions over time, in spans of which there are not too many to look at, empty ones included.
fn spans(sessions: &[SessionRow], commands: &[ReportedCommand]) -> (Pace, Vec<Span>) {
    use chrono::Datelike;
    use chrono::NaiveDate;
    let days: Vec<Option<NaiveDate>> =
        sessions.iter().map(|it| Some(it.at?.utc()?.date_naive())).collect();
    let (Some(first), Some(last)) = (days.iter().flatten().min(), days.iter().flatten().max())
    else {
        return (Pace::Day, Vec::new());
    };
    let long = (*last - *first).num_days();
    let pace = match long {
        ..62 => Pace::Day,
        62..400 => Pace::Week,
        _ => Pace::Month,
    };
    let start = |day: NaiveDate| match pace {
        Pace::Day => day,
        Pace::Week => day.week(chrono::Weekday::Mon).first_day(),
        Pace::Month => day.with_day(1).unwrap_or(day),
    };
    let mut is_notable = vec![false; sessions.len()];
    for it in commands.iter().filter(|it| !it.rules.is_empty()) {
        is_notable[it.session] = true;
    }
    let mut counts: BTreeMap<NaiveDate, (u64, u64)> = BTreeMap::new();
    let mut day = start(*first);
    // An attacker's clock must not draw a million bars.
    while day <= *last && counts.len() < 1200 {
        counts.insert(day, (0, 0));
        let next = match pace {
            Pace::Day => day.succ_opt(),
            Pace::Week => day.checked_add_days(chrono::Days::new(7)),
            Pace::Month => day.checked_add_months(chrono::Months::new(1)),
        };
        let Some(next) = next else { break };
        day = next;
    }
    for (nth, day) in days.iter().enumerate() {
        let Some(day) = day else { continue };
        let count = counts.entry(start(*day)).or_default();
        count.0 += 1;
        count.1 += u64::from(is_notable[nth]);
    }
    let form = if pace == Pace::Month { "%Y-%m" } else { "%Y-%m-%d" };
    let spans = counts
        .into_iter()
        .map(|(day, (sessions, notable))| Span {
            name: day.format(form).to_string(),
            sessions,
            notable,
        })
        .collect();
    (pace, spans)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::archive::schema::SessionFlaw;

    fn session(flaws: Vec<SessionFlaw>, owner: Option<&str>) -> SessionRow {
        let owner = owner.map(str::to_owned);
        SessionRow { flaws, owner, ..SessionRow::default() }
    }

    #[test]
    fn a_flaw_counts_once_a_session_wherever_it_stands() {
        let placed = SessionFlaw::new(FlawKind::Diverges.into(), Some((5, 9)));
        let sessions = [
            session(vec![FlawKind::Clock.into(), placed], None),
            session(vec![FlawKind::Diverges.into()], None),
            session(Vec::new(), None),
        ];
        let told: Vec<(Word<FlawKind>, u64)> = flaws(&sessions).into_iter().collect();
        assert_eq!(told, [(FlawKind::Clock.into(), 1), (FlawKind::Diverges.into(), 2)]);
    }

    #[test]
    fn the_digest_of_an_archive_is_that_of_its_transcripts_each_once_in_any_order() {
        let row =
            |digest: &str| TranscriptRow { digest: digest.into(), ..TranscriptRow::default() };
        let (one, other) = (row("a1"), row("b2"));
        let digest = archive_digest(&[one.clone(), other.clone()]);
        assert_eq!(digest, archive_digest(&[other, one.clone(), one]));
        assert_eq!(digest, hex::encode(Sha256::digest("a1\nb2\n")));
    }

    #[test]
    fn whoever_has_most_sessions_comes_first_and_nobody_is_a_name() {
        let sessions = [
            session(Vec::new(), Some("bob")),
            session(Vec::new(), None),
            session(Vec::new(), Some("bob")),
        ];
        let tallies = tally(&sessions, &[], |it| it.owner.clone());
        let told: Vec<_> = tallies.iter().map(|it| (it.name.as_str(), it.sessions)).collect();
        assert_eq!(told, [("bob", 2), ("", 1)]);
    }
}
