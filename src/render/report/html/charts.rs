//! Bars: sessions over time, and who or what had most of them.

use maud::Markup;
use maud::html;

use super::super::paper::Paper;
use super::super::text::span_name;
use super::super::words::fill;
use super::tables::names;
use crate::report::Tally;
use crate::text::count;
use crate::text::visible as text;

fn name_of<'a>(paper: &Paper<'a>, it: &'a Tally) -> &'a str {
    if it.name.is_empty() { paper.words.unknown } else { &it.name }
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

pub(super) fn activity(paper: &Paper<'_>) -> Markup {
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
                        (names(&[(words.when, ""), (words.sessions, "num"), (words.with_notable, "num")]))
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
                    (names(&[(head, ""), (words.sessions, "num"), (words.commands, "num"), (words.notable, "num")]))
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
