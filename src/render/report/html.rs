//! The report as one page that needs nobody: no network, no other file, and a content security policy that allows its own
//! style and script by their hashes and forbids all else.
//!
//! Text enters the page in two ways: escaped by maud, behind [`text`], and as JSON in which no `<` is left, which the
//! script makes text nodes of. The page stays small enough to be opened: what it leaves out, it says.

use std::collections::BTreeMap;
use std::collections::HashMap;

use base64::Engine as _;
use maud::DOCTYPE;
use maud::Markup;
use maud::PreEscaped;
use maud::html;
use serde_json::Value;
use serde_json::json;
use sha2::Digest;
use sha2::Sha256;

use super::paper::Paper;
use super::paper::flaw_names;
use super::paper::outcome;
use super::paper::sure;
use super::text::span_name;
use super::words::fill;
use crate::archive::schema::LineKind;
use crate::archive::schema::SessionRow;
use crate::archive::value::joined;
use crate::audit::Finding;
use crate::audit::Verdict;
use crate::notable;
use crate::replay::Pace;
use crate::report::Command;
use crate::report::Tally;
use crate::text::Safe;
use crate::text::count;
use crate::text::json;
use crate::text::safe;
use crate::text::size;
use crate::text::visible as text;
use crate::text::visible_lines;
use crate::transcript::commands::Kind;

pub(in crate::render) const STYLE: &str = include_str!("report.css");
const SCRIPT: &str = include_str!("report.js");

/// Bytes of each part, which together stay below 30 MB.
const SESSIONS: usize = 12_000_000;
const COMMANDS: usize = 7_000_000;
const NOTABLE: usize = 2_000_000;
const EVIDENCE: usize = 3_000_000;
/// Rows that are there without a script.
const FIRST: usize = 100;
/// Characters of one command; the rest of a longer one is in the twins.
const LONGEST: usize = 4_000;

/// A command, cut if it is very long. Lines stay lines.
fn command(it: &str) -> Safe {
    let shown = visible_lines(it);
    match shown.char_indices().nth(LONGEST) {
        None => shown,
        Some((end, _)) => {
            let left = count((shown.len() - end) as u64);
            safe!("{} … (+{})", visible_lines(&shown[..end]), left)
        }
    }
}

/// A digest as a content security policy names it.
pub(in crate::render) fn hash(it: &str) -> String {
    base64::engine::general_purpose::STANDARD.encode(Sha256::digest(it.as_bytes()))
}

/// Which sessions and commands the page holds, by their places in the report.
struct ShownRows {
    sessions: Vec<usize>,
    commands: Vec<usize>,
    /// Place in the page of a session of the report.
    place: HashMap<usize, usize>,
}

/// Picks what the page holds: the notable first, then in order of time.
fn keep(paper: &Paper<'_>) -> ShownRows {
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
        let cost = it.session_key.len() + joined(&it.flaws).len() + 80;
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
fn data(paper: &Paper<'_>, kept: &ShownRows) -> String {
    let (report, words) = (paper.report, paper.words);
    let (mut owners, mut targets, mut users) = (Pool::default(), Pool::default(), Pool::default());
    let mut rules = Pool::default();
    let sessions: Vec<Value> = kept
        .sessions
        .iter()
        .map(|nth| {
            let it = &report.sessions[*nth];
            let notable = report.commands_of(*nth).iter().filter(|it| !it.rules.is_empty()).count();
            json!([
                text(&it.session_key),
                paper.when(it),
                owners.place(paper.owner(it), paper.known_as(it)),
                targets.place(paper.target(it), paper.target(it)),
                it.command_count,
                flaw_names(&it.flaws),
                notable
            ])
        })
        .collect();
    let commands: Vec<Value> = kept
        .commands
        .iter()
        .map(|nth| {
            let it = &report.commands[*nth];
            let when = match (it.earliest, it.latest) {
                (None, None) => String::new(),
                _ => paper.typed(it),
            };
            let titles: Vec<usize> = it
                .rules
                .iter()
                .map(|nth| {
                    let rule = &notable::RULES[*nth];
                    let title = words.pick((rule.title, rule.title_ja));
                    rules.place(rule.id, title)
                })
                .collect();
            let user = it.os_user.as_deref().unwrap_or(words.unknown);
            json!([
                kept.place[&it.session],
                it.seq,
                users.place(user, user),
                command(&it.text),
                sure(it.confidence),
                match words.marks(it) {
                    Some(marks) => marks,
                    None if it.kind == Kind::Shell => String::new(),
                    None => it.kind.as_str().to_owned(),
                },
                titles,
                when
            ])
        })
        .collect();
    let (mut lines, mut paces) = (serde_json::Map::new(), serde_json::Map::new());
    for it in paper.played {
        let Some(place) = kept.place.get(&it.session) else { continue };
        let mut told: Option<i64> = None;
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
        let mut rows: Vec<Value> = rows.collect();
        if it.is_cut {
            rows.push(json!(["s", format!("[{}]", words.player_end)]));
        }
        lines.insert(place.to_string(), rows.into());
        let timed = it.lines.iter().filter(|it| it.at.is_some()).count();
        paces.insert(place.to_string(), words.pace(Pace::of(timed, it.lines.len())).into());
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
        "owners": owners.whole,
        "names": owners.shown,
        "targets": targets.shown,
        "users": users.shown,
        "rules": rules.shown,
        "lines": lines,
        "paces": paces,
    });
    // Within a script element `<` can end it or open a comment; in JSON it stands in strings alone.
    json(&told).replace('<', "\\u003c")
}

/// The page.
pub fn html(paper: &Paper<'_>) -> String {
    let words = paper.words;
    let kept = keep(paper);
    let policy = format!(
        "default-src 'none'; script-src 'sha256-{}'; style-src 'sha256-{}'; base-uri 'none'; form-action 'none'",
        hash(SCRIPT),
        hash(STYLE)
    );
    let parts: [(&str, &str); 11] = [
        ("summary", words.summary),
        ("activity", words.activity),
        ("notable", words.notable),
        ("commands", words.who_ran_what),
        ("sessions", words.sessions),
        ("player", words.player),
        ("coverage", words.coverage),
        ("findings", words.findings),
        ("evidence", words.evidence),
        ("limits", words.limits),
        ("scope", words.scope),
    ];
    html! {
        (DOCTYPE)
        html lang=(words.lang) {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(policy);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="referrer" content="no-referrer";
                meta name="generator" content={ "ssmtrail " (env!("CARGO_PKG_VERSION")) };
                title { (words.title) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                a class="skip" href="#content" { (words.skip) }
                header class="cover" {
                    h1 { (words.title) }
                    p class="quiet" { (words.subtitle) }
                    section id="scope" aria-labelledby="scope-head" {
                        h2 id="scope-head" { (words.scope) }
                        dl {
                            @for (name, value) in paper.cover() {
                                dt { (name) }
                                dd { (text(&value)) }
                            }
                        }
                    }
                }
                nav class="contents" aria-label=(words.contents) {
                    ul { @for (id, name) in &parts[..10] { li { a href={ "#" (id) } { (name) } } } }
                }
                main id="content" {
                    (part("summary", words.summary, html! {
                        @for it in paper.summary() { p class="lead" { (text(&it)) } }
                    }))
                    (part("activity", words.activity, activity(paper)))
                    (part("notable", words.notable, notable_commands(paper, &kept)))
                    (part("commands", words.who_ran_what, commands(paper, &kept)))
                    (part("sessions", words.sessions, sessions(paper, &kept)))
                    (player(paper, &kept))
                    (part("coverage", words.coverage, html! { p { (words.coverage_note) } }))
                    (part("findings", words.findings, findings(paper)))
                    (part("evidence", words.evidence, evidence(paper)))
                    (part("limits", words.limits, html! {
                        ul class="limits" { @for it in paper.limits() { li { (text(&it)) } } }
                    }))
                }
                footer { p { "ssmtrail " (env!("CARGO_PKG_VERSION")) } }
                script type="application/json" id="data" { (PreEscaped(data(paper, &kept))) }
                script { (PreEscaped(SCRIPT)) }
            }
        }
    }
    .into_string()
}

fn part(id: &str, name: &str, body: Markup) -> Markup {
    html! {
        section id=(id) aria-labelledby={ (id) "-head" } {
            h2 id={ (id) "-head" } { (name) }
            (body)
        }
    }
}

fn name_of<'a>(paper: &Paper<'a>, it: &'a Tally) -> &'a str {
    if it.name.is_empty() { paper.words.unknown } else { &it.name }
}

/// Our own words, in which a command stands between backticks.
fn prose(it: &str) -> Markup {
    html! {
        @for (nth, it) in it.split('`').enumerate() {
            @if nth % 2 == 1 { code { (it) } } @else { (it) }
        }
    }
}

/// Beginning and end of a long name: the end tells more.
fn short(it: &str) -> String {
    let shown: Vec<char> = text(it).chars().collect();
    if shown.len() <= 30 {
        return shown.into_iter().collect();
    }
    let (start, end): (String, String) =
        (shown[..10].iter().collect(), shown[shown.len() - 19..].iter().collect());
    format!("{start}…{end}")
}

fn activity(paper: &Paper<'_>) -> Markup {
    let (report, words) = (paper.report, paper.words);
    html! {
        @if report.spans.is_empty() {
            p { (words.summary_empty) }
        } @else {
            p class="legend" {
                i class="is-bar" {} (words.sessions)
                i class="is-hot" {} (words.with_notable)
            }
            figure {
                figcaption id="over-time" { (span_name(paper)) }
                (over_time(paper))
                details {
                    summary { (words.numbers) }
                    div class="wrap" tabindex="0" role="group" aria-label=(words.numbers) { table {
                        thead { tr {
                            th scope="col" { (words.when) }
                            th scope="col" class="num" { (words.sessions) }
                            th scope="col" class="num" { (words.with_notable) }
                        } }
                        tbody { @for it in report.spans.iter().filter(|it| it.sessions > 0) { tr {
                            td class="when" { (it.name) }
                            td class="num" { (count(it.sessions)) }
                            td class="num" { (count(it.notable)) }
                        } } }
                    } }
                }
            }
            div class="charts" {
                (ranking(paper, "by-owner", words.by_owner, words.owner, &report.owners))
                (ranking(paper, "by-target", words.by_target, words.target, &report.targets))
            }
        }
    }
}

/// Bars over time, the notable part of each at its foot.
fn over_time(paper: &Paper<'_>) -> Markup {
    let spans = &paper.report.spans;
    let most = spans.iter().map(|it| it.sessions).max().unwrap_or(1).max(1);
    let (width, height) = (960.0, 150.0);
    let step = (width - 46.0) / spans.len() as f64;
    // A few bars are not made broad for want of more.
    let step = step.min(48.0);
    let bar = (step * 0.8).max(0.6);
    let tall = |it: u64| it as f64 / most as f64 * height;
    let middle = spans.len() / 2;
    let label = |nth: usize| format!("{:.1}", 46.0 + step * nth as f64);
    html! {
        svg viewBox="0 0 960 190" role="img" aria-labelledby="over-time" {
            text class="faint" x="40" y="20" text-anchor="end" { (count(most)) }
            text class="faint" x="40" y="164" text-anchor="end" { "0" }
            line class="axis" x1="44" x2="960" y1="160" y2="160" {}
            line class="axis" x1="44" x2="44" y1="10" y2="160" {}
            @for (nth, it) in spans.iter().enumerate().filter(|it| it.1.sessions > 0) {
                g {
                    title { (it.name) ": " (count(it.sessions)) @if it.notable > 0 { " (" (count(it.notable)) ")" } }
                    rect class="bar" x=(label(nth)) y=(format!("{:.1}", 160.0 - tall(it.sessions)))
                        width=(format!("{bar:.1}")) height=(format!("{:.1}", tall(it.sessions))) {}
                    @if it.notable > 0 {
                        rect class="hot" x=(label(nth)) y=(format!("{:.1}", 160.0 - tall(it.notable)))
                            width=(format!("{bar:.1}")) height=(format!("{:.1}", tall(it.notable))) {}
                    }
                }
            }
            @if let Some(it) = spans.first() { text class="faint" x="46" y="180" { (it.name) } }
            @if spans.len() > 8 && step * middle as f64 > 180.0 {
                text class="faint" x=(label(middle)) y="180" { (spans[middle].name) }
            }
            @if spans.len() > 3 && step * spans.len() as f64 > 180.0 {
                text class="faint" x=(label(spans.len())) y="180" text-anchor="end" { (spans[spans.len() - 1].name) }
            }
        }
    }
}

/// Who or what had most sessions.
fn ranking(paper: &Paper<'_>, id: &str, title: &str, head: &str, tallies: &[Tally]) -> Markup {
    const MOST: usize = 12;
    const NUMBERS: usize = 1000;
    let words = paper.words;
    let some = &tallies[..tallies.len().min(MOST)];
    let most = some.iter().map(|it| it.sessions).max().unwrap_or(1).max(1);
    let long = |it: u64| format!("{:.1}", it as f64 / most as f64 * 230.0);
    html! {
        figure {
            figcaption id=(id) { (title) }
            svg viewBox={ "0 0 520 " (some.len() * 24 + 4) } role="img" aria-labelledby=(id) {
                @for (nth, it) in some.iter().enumerate() {
                    @let y = nth * 24;
                    g {
                        title { (text(name_of(paper, it))) ": " (count(it.sessions)) }
                        @let name = name_of(paper, it);
                        text x="230" y=(y + 16) text-anchor="end" { (short(paper.names.get(name).copied().unwrap_or(name))) }
                        rect class="bar" x="238" y=(y + 4) width=(long(it.sessions)) height="16" {}
                        text class="faint" x=(format!("{:.1}", 244.0 + it.sessions as f64 / most as f64 * 230.0)) y=(y + 16) { (count(it.sessions)) }
                    }
                }
            }
            @if tallies.len() > MOST {
                p class="quiet" { (fill(words.others_n, &[&count((tallies.len() - MOST) as u64)])) }
            }
            details {
                summary { (words.numbers) }
                div class="wrap" tabindex="0" role="group" aria-label=(title) { table {
                    thead { tr {
                        th scope="col" { (head) }
                        th scope="col" class="num" { (words.sessions) }
                        th scope="col" class="num" { (words.commands) }
                        th scope="col" class="num" { (words.notable) }
                    } }
                    tbody { @for it in tallies.iter().take(NUMBERS) { tr {
                        td { (text(name_of(paper, it))) }
                        td class="num" { (count(it.sessions)) }
                        td class="num" { (count(it.commands)) }
                        td class="num" { (count(it.notable)) }
                    } } }
                } }
                @if tallies.len() > NUMBERS {
                    p class="quiet" { (fill(words.left_to_twins, &[&count(NUMBERS as u64), &count(tallies.len() as u64)])) }
                }
            }
        }
    }
}

/// Opens the player where the command was typed; hidden while there is no script.
fn play(paper: &Paper<'_>, kept: &ShownRows, it: &Command) -> Markup {
    let session = &paper.report.sessions[it.session];
    let can = paper.played.binary_search_by_key(&it.session, |it| it.session).is_ok();
    html! {
        @if let (true, Some(place)) = (can, kept.place.get(&it.session)) {
            " " button type="button" class="play" hidden data-play=(place) data-seq=(it.seq)
                aria-label={ (paper.words.play) " " (text(&session.session_key)) " #" (it.seq) } { "▶" }
        }
    }
}

fn notable_commands(paper: &Paper<'_>, kept: &ShownRows) -> Markup {
    let (report, words) = (paper.report, paper.words);
    let rules = report.notable();
    let mut acts: BTreeMap<notable::Act, Vec<&(usize, Vec<usize>)>> = BTreeMap::new();
    for it in &rules {
        acts.entry(notable::RULES[it.0].act).or_default().push(it);
    }
    let most = rules.iter().map(|it| it.1.len()).max().unwrap_or(1).max(1);
    let mut left = NOTABLE;
    let mut row = |nth: &usize| -> Option<Markup> {
        let it = &report.commands[*nth];
        let session = &report.sessions[it.session];
        let row = html! { tr {
            td class="when" { (paper.typed(it)) }
            td { (text(paper.known_as(session))) }
            td class="id" { (text(paper.target(session))) }
            td { (text(it.os_user.as_deref().unwrap_or(words.unknown))) }
            td class="code" { (command(&it.text)) @if let Some(mark) = words.marks(it) { " " em { "[" (mark) "]" } } }
            td class="id" { (text(&session.session_key)) (play(paper, kept, it)) }
        } };
        left = left.saturating_sub(row.0.len());
        (left > 0).then_some(row)
    };
    html! {
        p class="quiet" { (words.notable_note) }
        @if rules.is_empty() {
            p { (words.notable_none) }
        } @else {
            figure {
                figcaption id="by-rule" { (words.notable) }
                svg width="760" viewBox={ "0 0 760 " (rules.len() * 24 + 4) } role="img" aria-labelledby="by-rule" {
                    @for (nth, (rule, places)) in rules.iter().enumerate() {
                        @let it = &notable::RULES[*rule];
                        @let long = places.len() as f64 / most as f64 * 380.0;
                        g {
                            text x="310" y=(nth * 24 + 16) text-anchor="end" { (words.pick((it.title, it.title_ja))) }
                            rect class="hot" x="318" y=(nth * 24 + 4) width=(format!("{long:.1}")) height="16" {}
                            text class="faint" x=(format!("{:.1}", 324.0 + long)) y=(nth * 24 + 16) { (count(places.len() as u64)) }
                        }
                    }
                }
            }
            @for (act, rules) in &acts {
                h3 { (words.pick(act.says())) }
                p { (words.pick(act.why())) }
                @for (rule, places) in rules {
                    @let it = &notable::RULES[*rule];
                    @let title = words.pick((it.title, it.title_ja));
                    @let rows: Vec<Markup> = places.iter().map_while(&mut row).collect();
                    div class="wrap" tabindex="0" role="group" aria-label=(title) { table {
                        caption { (title) " (" (it.id) "): " (count(places.len() as u64)) }
                        thead { tr {
                            th scope="col" { (words.when) }
                            th scope="col" { (words.owner) }
                            th scope="col" { (words.target) }
                            th scope="col" { (words.user) }
                            th scope="col" class="wide" { (words.command) }
                            th scope="col" { (words.session) }
                        } }
                        tbody { @for it in &rows { (it) } }
                    } }
                    @if rows.len() < places.len() {
                        p class="quiet" { (fill(words.left_to_twins, &[&count(rows.len() as u64), &count(places.len() as u64)])) }
                    }
                }
            }
        }
    }
}

/// The search field, pages and count of a table, hidden while there is no script.
fn tools(paper: &Paper<'_>, label: &str) -> Markup {
    let words = paper.words;
    html! {
        div class="tools" hidden {
            label { (label) " " input type="search" placeholder=(words.filter_hint) autocomplete="off" spellcheck="false"; }
            label { input type="checkbox"; " " (words.only_notable) }
            span role="status" {}
            button type="button" data-page="back" { (words.previous) }
            button type="button" data-page="forth" { (words.next) }
        }
    }
}

fn left_out(paper: &Paper<'_>, shown: usize, all: usize) -> Markup {
    html! {
        @if shown < all {
            p class="quiet" { (fill(paper.words.left_to_csv, &[&count(shown as u64), &count(all as u64)])) }
        }
    }
}

/// Heads by which a table can be sorted, each with its class.
fn head(columns: &[(&str, &str)]) -> Markup {
    html! {
        thead { tr { @for (name, class) in columns {
            th scope="col" class=[(!class.is_empty()).then_some(class)] { button type="button" { (name) } }
        } } }
    }
}

fn commands(paper: &Paper<'_>, kept: &ShownRows) -> Markup {
    let (report, words) = (paper.report, paper.words);
    html! {
        p class="quiet" { (words.commands_note) }
        noscript { p { (words.no_javascript) } }
        (left_out(paper, kept.commands.len(), report.commands.len()))
        (tools(paper, words.filter_commands))
        div class="wrap" tabindex="0" role="group" aria-label=(words.who_ran_what) { table {
            (head(&[
                (words.when, ""), (words.owner, ""), (words.target, ""), (words.user, ""),
                (words.command, "wide"), (words.sure, "num"), (words.session, ""),
            ]))
            tbody { @for nth in kept.commands.iter().take(FIRST) {
                @let it = &report.commands[*nth];
                @let session = &report.sessions[it.session];
                tr {
                    td class="when" { (paper.typed(it)) }
                    td { (text(paper.known_as(session))) }
                    td class="id" { (text(paper.target(session))) }
                    td { (text(it.os_user.as_deref().unwrap_or(words.unknown))) }
                    td class="code" { (command(&it.text)) @if let Some(mark) = words.marks(it) { " " em { "[" (mark) "]" } } }
                    td class="num" { (sure(it.confidence)) " %" }
                    td class="id" { (text(&session.session_key)) }
                }
            } }
        } }
    }
}

fn session_row(paper: &Paper<'_>, it: &SessionRow) -> Markup {
    html! { tr {
        td class="when" { (paper.when(it)) }
        td { (text(paper.owner(it))) }
        td class="id" { (text(paper.target(it))) }
        td class="num" { (it.command_count) }
        td { (flaw_names(&it.flaws)) }
        td class="id" { (text(&it.session_key)) }
    } }
}

fn sessions(paper: &Paper<'_>, kept: &ShownRows) -> Markup {
    let (report, words) = (paper.report, paper.words);
    html! {
        (left_out(paper, kept.sessions.len(), report.sessions.len()))
        (tools(paper, words.filter_sessions))
        div class="wrap" tabindex="0" role="group" aria-label=(words.sessions) { table {
            (head(&[
                (words.when, ""), (words.owner, ""), (words.target, ""),
                (words.commands, "num"), (words.flaws, ""), (words.session, ""),
            ]))
            tbody { @for nth in kept.sessions.iter().take(FIRST) { (session_row(paper, &report.sessions[*nth])) } }
        } }
    }
}

fn player(paper: &Paper<'_>, kept: &ShownRows) -> Markup {
    let words = paper.words;
    let here = paper.played.iter().filter(|it| kept.place.contains_key(&it.session)).count();
    html! {
        section id="player" aria-labelledby="player-head" hidden {
            h2 id="player-head" { (words.player) }
            p class="quiet" { (words.player_note) }
            @if here < paper.report.sessions.len() {
                p class="quiet" { (prose(&fill(words.player_left, &[&count(here as u64), &count(paper.report.sessions.len() as u64)]))) }
            }
            div class="tools" {
                label { (words.session) " " select name="session" {} }
                button type="button" name="go" aria-pressed="false" { (words.play) }
                button type="button" name="previous" { (words.player_previous) }
                button type="button" name="next" { (words.player_next) }
                label { (words.player_speed) " " select name="speed" {
                    option value="0.5" { "0.5×" }
                    option value="1" { "1×" }
                    option value="2" selected { "2×" }
                    option value="5" { "5×" }
                    option value="20" { "20×" }
                } }
            }
            p id="player-told" class="quiet" role="status" { (words.player_pick) }
            pre id="screen" tabindex="0" role="group" aria-label=(words.player) {}
        }
    }
}

fn findings(paper: &Paper<'_>) -> Markup {
    let words = paper.words;
    let Some(places) = paper.places else {
        return html! { p { (prose(words.findings_none)) } };
    };
    let (loud, quiet): (Vec<&Finding>, Vec<&Finding>) =
        paper.findings().into_iter().partition(|it| {
            it.muted.is_some() || matches!(it.status, Verdict::Fail | Verdict::Unknown)
        });
    let counts = [(Verdict::Fail, "fail"), (Verdict::Unknown, "open"), (Verdict::Pass, "pass")];
    html! {
        p { (text(&fill(words.findings_taken, &[&places.survey.taken_at.to_string(), places.promise.profile]))) }
        p class="quiet" { (text(places.promise.basis)) ". " @if words.lang != "en" { (words.findings_language) } }
        p { @for (verdict, class) in counts {
            span class=(class) { (verdict.word()) " " (count(places.judgement.count(verdict) as u64)) } " · "
        } }
        @if !loud.is_empty() {
            div class="wrap" tabindex="0" role="group" aria-label=(words.findings) { table {
                thead { tr {
                    th scope="col" { (words.outcome) }
                    th scope="col" { (words.check) }
                    th scope="col" { (words.place) }
                    th scope="col" { (words.seen) }
                    th scope="col" { (words.promised) }
                    th scope="col" { (words.frameworks) }
                } }
                tbody { @for it in loud { tr {
                    td {
                        @let class = match (it.muted.is_some(), it.status) { (false, Verdict::Fail) => "fail", (false, _) => "open", _ => "quiet" };
                        span class=(class) { (outcome(it)) }
                        @if it.status == Verdict::Fail { " " (it.severity.word()) }
                    }
                    td { (it.check_id) ": " (it.title) }
                    td { (text(&it.place)) }
                    td {
                        (text(&it.seen))
                        @if !it.details.is_empty() { ul { @for it in &it.details { li { (text(it)) } } } }
                        @if let Some(it) = &it.muted { p { (text(&fill(words.accepted, &[&it.until, &it.reason]))) } }
                        @for it in &it.evidence {
                            p class="quiet" { (text(&it.api)) ", " (it.at) @if let Some(id) = &it.request_id { ", " (text(id)) } }
                        }
                    }
                    td { (text(&it.promised)) }
                    td { @for one in &it.mappings { (one.standard) ": " (one.controls.join(", ")) br; } }
                } } }
            } }
        }
        @if !quiet.is_empty() {
            p class="quiet" { (fill(words.findings_rest, &[&count(quiet.len() as u64)])) }
        }
    }
}

fn evidence(paper: &Paper<'_>) -> Markup {
    let (report, words) = (paper.report, paper.words);
    let mut left = EVIDENCE;
    let rows: Vec<Markup> = report
        .transcripts
        .iter()
        .map_while(|it| {
            let row = html! { tr {
                td class="hash" { (text(paper.locator(&it.locator))) }
                td class="hash" { (text(it.version_id.as_deref().unwrap_or(&it.version))) }
                td class="hash code" { (text(&it.digest)) }
                td class="num" { (size(it.stored_bytes.max(0) as u64)) }
                td class="when" { @match it.stored_at.micros() { Some(at) => (paper.zone.show(at)), None => (words.unknown) } }
                td {
                    (text(it.encryption.as_deref().unwrap_or(words.unknown)))
                    @if let Some(it) = &it.storage_class { br; (text(it)) }
                }
                td { (text(paper.retention(&it.locator))) }
            } };
            left = left.saturating_sub(row.0.len());
            (left > 0).then_some(row)
        })
        .collect();
    html! {
        p { (words.evidence_note) }
        div class="wrap" tabindex="0" role="group" aria-label=(words.evidence) { table {
            thead { tr {
                th scope="col" { (words.locator) }
                th scope="col" { (words.version) }
                th scope="col" { (words.sha256) }
                th scope="col" class="num" { (words.size) }
                th scope="col" { (words.stored) }
                th scope="col" { (words.encryption) }
                th scope="col" { (words.retention) }
            } }
            tbody { @for it in &rows { (it) } }
        } }
        @if rows.len() < report.transcripts.len() {
            p class="quiet" { (fill(words.left_to_twins, &[&count(rows.len() as u64), &count(report.transcripts.len() as u64)])) }
        }
    }
}
