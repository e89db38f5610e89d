//! Which rows the page holds, and the JSON that its script works on.

use std::collections::HashMap;

use serde_json::Value;
use serde_json::json;

use super::super::paper::Paper;
use super::super::paper::flaw_names;
use super::super::paper::sure;
use crate::archive::schema::LineKind;
use crate::archive::value::list_text;
use crate::notable;
use crate::replay::Timing;
use crate::report::Played;
use crate::report::ReportedCommand;
use crate::text::Safe;
use crate::text::count;
use crate::text::json;
use crate::text::safe;
use crate::text::visible as text;
use crate::text::visible_lines;
use crate::time::At;
use crate::transcript::commands::CommandKind;

/// Bytes of each part, which together stay below 30 MB.
const SESSIONS: usize = 12_000_000;

const COMMANDS: usize = 7_000_000;

/// Characters of one command; the rest of a longer one is in the twins.
const LONGEST: usize = 4_000;

/// A command, cut if it is very long. Lines stay lines.
pub(super) fn command(it: &str) -> Safe {
    let shown = visible_lines(it);
    match shown.char_indices().nth(LONGEST) {
        None => shown,
        Some((end, _)) => {
            let left = count((shown.len() - end) as u64);
            safe!("{} … (+{})", visible_lines(&shown[..end]), left)
        }
    }
}

/// Which sessions and commands the page holds, by their places in the report.
pub(super) struct ShownRows {
    pub(super) sessions: Vec<usize>,
    pub(super) commands: Vec<usize>,
    /// Place in the page of a session of the report.
    pub(super) place: HashMap<usize, usize>,
}

/// Picks what the page holds: the notable first, then in order of time.
pub(super) fn keep(paper: &Paper<'_>) -> ShownRows {
    let report = paper.report;
    let mut notable = vec![false; report.sessions.len()];
    report.commands.iter().filter(|it| !it.rules.is_empty()).for_each(|it| {
        notable[it.session] = true;
    });
    let mut order: Vec<usize> = (0..report.sessions.len()).collect();
    order.sort_by_key(|it| (!notable[*it], *it));
    let mut left = SESSIONS;
    order.retain(|nth| {
        let it = &report.sessions[*nth];
        // An owner or target is written once, and is a number here.
        let cost = it.session_key.len() + list_text(&it.flaws).len() + 80;
        left = left.saturating_sub(cost);
        left > 0
    });
    order.sort_unstable();
    let place: HashMap<usize, usize> =
        order.iter().enumerate().map(|(here, nth)| (*nth, here)).collect();
    let mut commands: Vec<usize> = (0..report.commands.len())
        .filter(|nth| place.contains_key(&report.commands[*nth].session))
        .collect();
    commands.sort_by_key(|nth| (report.commands[*nth].rules.is_empty(), *nth));
    let mut left = COMMANDS;
    commands.retain(|nth| {
        let it = &report.commands[*nth];
        // A line end, a quote or a sign of another script may take six bytes.
        left = left.saturating_sub(it.text.len().min(LONGEST * 2) * 5 / 4 + 70);
        left > 0
    });
    commands.sort_unstable();
    ShownRows { sessions: order, commands, place }
}

/// Numbers of texts that come again and again.
#[derive(Default)]
struct Pool {
    whole: Vec<Safe>,
    shown: Vec<Safe>,
    places: HashMap<String, usize>,
}

impl Pool {
    fn place(&mut self, whole: &str, shown: &str) -> usize {
        if let Some(at) = self.places.get(whole) {
            return *at;
        }
        self.whole.push(text(whole));
        self.shown.push(text(shown));
        self.places.insert(whole.to_owned(), self.whole.len() - 1);
        self.whole.len() - 1
    }
}

/// What the script works on.
pub(super) fn data(paper: &Paper<'_>, kept: &ShownRows) -> String {
    let words = paper.words;
    let mut pools = Pools::default();
    let sessions: Vec<Value> =
        kept.sessions.iter().map(|nth| session(paper, *nth, &mut pools)).collect();
    let commands: Vec<Value> = kept
        .commands
        .iter()
        .map(|nth| command_row(paper, kept, &paper.report.commands[*nth], &mut pools))
        .collect();
    let (mut lines, mut paces) = (serde_json::Map::new(), serde_json::Map::new());
    for it in paper.played {
        let Some(place) = kept.place.get(&it.session) else { continue };
        lines.insert(place.to_string(), played(paper, it));
        let timed = it.lines.iter().filter(|it| it.at.is_some()).count();
        paces.insert(place.to_string(), words.pace(Timing::of(timed, it.lines.len())).into());
    }
    let told = json!({
        "words": {
            "shown_of": words.shown_of,
            "page": words.page,
            "play": words.play,
            "player_pause": words.player_pause,
            "player_end": words.player_end,
        },
        "sessions": sessions,
        "commands": commands,
        "owners": pools.owners.whole,
        "names": pools.owners.shown,
        "targets": pools.targets.shown,
        "users": pools.users.shown,
        "rules": pools.rules.shown,
        "lines": lines,
        "paces": paces,
    });
    // Within a script element `<` can end it or open a comment; in JSON it stands in strings alone.
    json(&told).replace('<', "\\u003c")
}

#[derive(Default)]
struct Pools {
    owners: Pool,
    targets: Pool,
    users: Pool,
    rules: Pool,
}

fn session(paper: &Paper<'_>, nth: usize, pools: &mut Pools) -> Value {
    let it = &paper.report.sessions[nth];
    json!([
        text(&it.session_key),
        paper.when(it),
        pools.owners.place(paper.owner(it), paper.known_as(it)),
        pools.targets.place(paper.target(it), paper.target(it)),
        it.command_count,
        flaw_names(&it.flaws),
        paper.notable_in(nth)
    ])
}

fn command_row(
    paper: &Paper<'_>,
    kept: &ShownRows,
    it: &ReportedCommand,
    pools: &mut Pools,
) -> Value {
    let words = paper.words;
    let when = match (it.earliest, it.latest) {
        (None, None) => String::new(),
        _ => paper.typed(it),
    };
    let rules = it.rules.iter().map(|nth| &notable::RULES[*nth]);
    let titles: Vec<usize> =
        rules.map(|it| pools.rules.place(it.id, words.pick((it.title, it.title_ja)))).collect();
    let user = it.os_user.as_deref().unwrap_or(words.unknown);
    json!([
        kept.place[&it.session],
        it.seq,
        pools.users.place(user, user),
        command(&it.text),
        sure(it.confidence),
        match words.marks(it) {
            Some(marks) => marks,
            None if it.kind == CommandKind::Shell => String::new(),
            None => text(it.kind.as_str()).into(),
        },
        titles,
        when
    ])
}

/// The lines of a session, as the player shows them.
fn played(paper: &Paper<'_>, it: &Played) -> Value {
    let words = paper.words;
    let mut told: Option<At> = None;
    let rows = it.lines.iter().map(|line| {
        let kind = match line.kind.known() {
            Some(LineKind::Input) => "i",
            Some(LineKind::Output) => "o",
            Some(LineKind::Screen | LineKind::Overwritten) | None => "s",
        };
        let mut marks: Vec<&str> = line.kinds.iter().filter_map(|it| words.mark(it)).collect();
        marks.dedup();
        let mark = marks.join(", ");
        // A time is told where it changes.
        let when = line.at.filter(|it| told != Some(*it)).map(|it| paper.zone.show(it));
        told = line.at.or(told);
        let text = visible_lines(&line.text);
        match (line.seqs.is_empty(), when) {
            (true, None) => json!([kind, text]),
            (false, None) if mark.is_empty() => json!([kind, text, line.seqs]),
            (_, when) => json!([kind, text, line.seqs, mark, when.unwrap_or_default()]),
        }
    });
    let end = it.is_cut.then(|| json!(["s", format!("[{}]", words.player_end)]));
    rows.chain(end).collect()
}
