//! What `verify` found as one page: no script, no network, its style allowed by its hash and all else forbidden.

use maud::DOCTYPE;
use maud::Markup;
use maud::PreEscaped;
use maud::html;

use super::report::html::STYLE;
use super::report::html::hash;
use crate::audit::Finding;
use crate::audit::Judgement;
use crate::audit::Verdict;
use crate::audit::promise::Promise;
use crate::settings::Survey;
use crate::text::visible as text;

/// The page: failures and unknowns by place, each with its fix, then every outcome, then who was asked what.
pub fn html(survey: &Survey, promise: &Promise, judgement: &Judgement) -> String {
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{}'; base-uri 'none'; form-action 'none'",
        hash(STYLE)
    );
    let title = "Where sessions are logged to";
    let counts = [
        (Verdict::Fail, "fail"),
        (Verdict::Unknown, "open"),
        (Verdict::Pass, "pass"),
        (Verdict::Info, "quiet"),
        (Verdict::NotApplicable, "quiet"),
    ];
    let places = || judgement.findings.chunk_by(|one, other| one.place == other.place);
    let loud = |it: &&Finding| matches!(it.status, Verdict::Fail | Verdict::Unknown);
    let missing = judgement.missing();
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(policy);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="referrer" content="no-referrer";
                title { (title) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                header class="cover" {
                    h1 { (title) }
                    dl {
                        dt { "Settings as of" } dd { (survey.taken_at) }
                        dt { "Asked by" } dd { @for it in &survey.callers { (text(&it.arn)) " " } }
                        dt { "Promise" } dd { (promise.profile) ": " (text(&promise.words())) }
                        dt { "Basis" } dd { (text(promise.basis)) }
                        dt { "Outcomes" } dd { @for (verdict, class) in counts {
                            span class=(class) { (verdict.word()) " " (judgement.count(verdict)) } " · "
                        } }
                        dt { "Made with" } dd { (text(&survey.taken_by)) }
                    }
                }
                main {
                    @if !survey.unread.is_empty() {
                        h2 { "Not looked into" }
                        ul class="limits" { @for it in &survey.unread { li { (text(&it.what)) ": " (text(&it.unread.why)) } } }
                    }
                    h2 { "What fails, and what is unknown" }
                    @for some in places() {
                        @if some.iter().any(|it| loud(&it)) {
                            h3 { (text(&some[0].place)) }
                            @for it in some.iter().filter(loud) { (one(it)) }
                        }
                    }
                    @if !judgement.findings.iter().any(|it| loud(&it)) { p { "Nothing." } }
                    @if !missing.is_empty() {
                        h2 { "Permissions that were missing" }
                        ul class="limits" { @for (action, checks) in &missing {
                            li { code { (text(action)) } ": " (checks.join(", ")) }
                        } }
                    }
                    h2 { "Every outcome" }
                    (every_outcome(judgement))
                }
                footer { p { "ssmtrail " (env!("CARGO_PKG_VERSION")) } }
            }
        }
    }
    .into_string()
}

fn every_outcome(judgement: &Judgement) -> Markup {
    html! {
        div class="wrap" tabindex="0" role="group" aria-label="Every outcome" { table {
            thead { tr {
                th scope="col" { "Check" } th scope="col" { "Outcome" } th scope="col" { "Resource" }
                th scope="col" { "Seen" } th scope="col" { "Evidence" }
            } }
            tbody { @for it in &judgement.findings { tr {
                td { (it.check_id) }
                td { (it.status.word()) }
                td class="id" { (text(&it.resource)) }
                td { (text(&it.seen)) @if !it.details.is_empty() { ul { @for it in &it.details { li { (text(it)) } } } } }
                td class="id" { @for it in &it.evidence {
                    (text(&it.api)) " " (it.at) @if let Some(id) = &it.request_id { " " (text(id)) } br;
                } }
            } } }
        } }
    }
}

fn one(it: &Finding) -> Markup {
    let class = match (it.muted.is_some(), it.status) {
        (true, _) => "quiet",
        (false, Verdict::Fail) => "fail",
        (false, _) => "open",
    };
    html! {
        section {
            p {
                span class=(class) { (it.status.word()) @if it.status == Verdict::Fail { " (" (it.severity.word()) ")" } }
                " " strong { (it.check_id) } " " (it.title)
            }
            p { (text(&it.seen)) @if !it.promised.is_empty() { "; promised: " (text(&it.promised)) } }
            @if !it.details.is_empty() { ul { @for it in &it.details { li { (text(it)) } } } }
            @if let Some(mute) = &it.muted { p class="quiet" { "accepted until " (mute.until) ": " (text(&mute.reason)) } }
            @for fix in &it.fixes {
                pre class="wrap" tabindex="0" { code { (text(&fix.command)) } }
                @if let Some(warning) = &fix.warning { p class="open" { "Careful: " (warning) "." } }
            }
            p class="quiet" { @for one in &it.mappings { (one.standard) ": " (one.controls.join(", ")) "; " } }
        }
    }
}
