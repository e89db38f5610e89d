//! The report as one page that needs nobody: no network, no other file, and a content security policy that allows its own
//! style and script by their hashes and forbids all else.
//!
//! Text enters the page in two ways: escaped by maud, behind [`text`], and as JSON in which no `<` is left, which the
//! script makes text nodes of. The page stays small enough to be opened: what it leaves out, it says.

use base64::Engine as _;
use maud::DOCTYPE;
use maud::Markup;
use maud::PreEscaped;
use maud::html;
use sha2::Digest;
use sha2::Sha256;

use super::super::paper::Paper;
use super::super::words::fill;
use super::charts::activity;
use super::data::ShownRows;
use super::data::data;
use super::data::keep;
use super::tables::commands;
use super::tables::evidence;
use super::tables::findings;
use super::tables::notable_commands;
use super::tables::prose;
use super::tables::sessions;
use crate::text::count;
use crate::text::visible as text;

pub(in crate::render) const STYLE: &str = include_str!("../report.css");

const SCRIPT: &str = include_str!("../report.js");

/// A digest as a content security policy names it.
pub(in crate::render) fn hash(it: &str) -> String {
    base64::engine::general_purpose::STANDARD.encode(Sha256::digest(it.as_bytes()))
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
