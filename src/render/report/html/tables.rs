//! The tables of the page: commands, sessions, findings and evidence, each no longer than the page can hold.

use std::collections::BTreeMap;

use maud::Markup;
use maud::html;

use super::super::paper::Paper;
use super::super::paper::flaw_names;
use super::super::paper::outcome;
use super::super::paper::sure;
use super::super::words::fill;
use super::data::ShownRows;
use super::data::command;
use crate::archive::schema::SessionRow;
use crate::audit::Finding;
use crate::audit::Verdict;
use crate::notable;
use crate::report::ReportedCommand;
use crate::text::count;
use crate::text::size;
use crate::text::visible as text;

/// Bytes of a part of the page.
const NOTABLE: usize = 2_000_000;

const EVIDENCE: usize = 3_000_000;

/// Rows that are there without a script.
const FIRST: usize = 100;

/// Our own words, in which a command stands between backticks.
pub(super) fn prose(it: &str) -> Markup {
    html! {
        @for (nth, it) in it.split('`').enumerate() {
            @if nth % 2 == 1 { code { (it) } } @else { (it) }
        }
    }
}

/// Opens the player where the command was typed; hidden while there is no script.
fn play(paper: &Paper<'_>, kept: &ShownRows, it: &ReportedCommand) -> Markup {
    let session = &paper.report.sessions[it.session];
    let can = paper.played.binary_search_by_key(&it.session, |it| it.session).is_ok();
    html! {
        @if let (true, Some(place)) = (can, kept.place.get(&it.session)) {
            " " button type="button" class="play" hidden data-play=(place) data-seq=(it.seq)
                aria-label={ (paper.words.play) " " (text(&session.session_key)) " #" (it.seq) } { "▶" }
        }
    }
}

pub(super) fn notable_commands(paper: &Paper<'_>, kept: &ShownRows) -> Markup {
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
                        (names(&[
                            (words.when, ""), (words.owner, ""), (words.target, ""), (words.user, ""),
                            (words.command, "wide"), (words.session, ""),
                        ]))
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

/// The names of columns, each with its class.
pub(super) fn names(columns: &[(&str, &str)]) -> Markup {
    html! {
        thead { tr { @for (name, class) in columns {
            th scope="col" class=[(!class.is_empty()).then_some(class)] { (name) }
        } } }
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

pub(super) fn commands(paper: &Paper<'_>, kept: &ShownRows) -> Markup {
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

pub(super) fn sessions(paper: &Paper<'_>, kept: &ShownRows) -> Markup {
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

pub(super) fn findings(paper: &Paper<'_>) -> Markup {
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
                (names(&[
                    (words.outcome, ""), (words.check, ""), (words.place, ""), (words.seen, ""), (words.promised, ""),
                    (words.frameworks, ""),
                ]))
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

pub(super) fn evidence(paper: &Paper<'_>) -> Markup {
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
                td class="when" { @match it.stored_at { Some(at) => (paper.zone.show(at)), None => (words.unknown) } }
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
            (names(&[
                (words.locator, ""), (words.version, ""), (words.sha256, ""), (words.size, "num"), (words.stored, ""),
                (words.encryption, ""), (words.retention, ""),
            ]))
            tbody { @for it in &rows { (it) } }
        } }
        @if rows.len() < report.transcripts.len() {
            p class="quiet" { (fill(words.left_to_twins, &[&count(rows.len() as u64), &count(report.transcripts.len() as u64)])) }
        }
    }
}
