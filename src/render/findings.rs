//! Findings → the forms that other programs and people read: JUnit for pipelines, SARIF for code scanning, Markdown for
//! tickets. Names of resources are foreign text, and are made harmless for each.

use quick_junit::NonSuccessKind;
use quick_junit::Report;
use quick_junit::TestCase;
use quick_junit::TestCaseStatus;
use quick_junit::TestSuite;
use serde_json::Value;
use serde_json::json;

use super::feed;
use super::feed::OCSF;
use super::markdown::Markdown;
use super::markdown::MarkdownPage;
use crate::audit::Check;
use crate::audit::Confidence;
use crate::audit::Finding;
use crate::audit::Judgement;
use crate::audit::Severity;
use crate::audit::Verdict;
use crate::audit::promise::Promise;
use crate::settings::Survey;
use crate::text::Safe;
use crate::text::Visible;
use crate::text::joined;
use crate::text::safe;
use crate::text::visible;

/// What was seen, promised and said, in lines.
fn words(it: &Finding) -> Safe {
    let mut lines = vec![it.seen.clone()];
    if !it.promised.is_empty() {
        lines.push(format!("promised: {}", it.promised));
    }
    lines.extend(it.details.iter().cloned());
    lines.extend(it.muted.iter().map(|it| format!("accepted until {}: {}", it.until, it.reason)));
    lines.extend(it.fixes.iter().map(|it| format!("$ {}", it.command)));
    joined(lines, "\n")
}

/// Text as XML allows it: it forbids two characters that are text elsewhere ("Extensible Markup Language 1.0", production 2).
fn allowed(text: &str) -> String {
    text.replace(['\u{fffe}', '\u{ffff}'], "\u{fffd}")
}

/// Foreign text within XML.
fn xml(text: &str) -> String {
    allowed(&visible(text))
}

/// JUnit XML as Jenkins, GitLab and GitHub read it: a suite for each place, a case for each check. There is no formal
/// standard; the shape is that of the Jenkins xUnit plugin. What is unknown is an error, not a failure.
pub fn junit(survey: &Survey, judgement: &Judgement) -> String {
    let mut report = Report::new("ssmtrail verify");
    let at = survey.taken_at.utc();
    for some in judgement.findings.chunk_by(|one, other| one.place == other.place) {
        let place = xml(&some[0].place);
        let mut suite = TestSuite::new(place.as_str());
        if let Some(it) = at {
            suite.set_timestamp(it);
        }
        for it in some {
            let name = format!("{}: {} ({})", it.check_id, xml(it.title), xml(&it.resource));
            let mut case = TestCase::new(name, junit_status(it));
            case.set_classname(place.as_str());
            suite.add_test_case(case);
        }
        report.add_test_suite(suite);
    }
    report.to_string().expect("writing into memory does not fail")
}

fn junit_status(it: &Finding) -> TestCaseStatus {
    let seen = xml(&it.seen);
    let told = |kind: NonSuccessKind, code: &str| {
        let body = allowed(&words(it).replace(" ⏎ ", "\n"));
        let mut status = TestCaseStatus::non_success(kind);
        status.set_type(code).set_message(seen.as_str()).set_description(body);
        status
    };
    let mut skipped = TestCaseStatus::skipped();
    match (it.status, it.muted.is_some()) {
        (_, true) => {
            skipped.set_message(format!("muted: {seen}"));
            skipped
        }
        (Verdict::Fail, _) => told(NonSuccessKind::Failure, it.severity.word()),
        (Verdict::Unknown, _) => {
            let code = it.unread.as_ref().map(|it| it.reason.to_string());
            told(NonSuccessKind::Error, code.as_deref().unwrap_or("unknown"))
        }
        (Verdict::Info | Verdict::NotApplicable, _) => {
            skipped.set_message(seen.as_str());
            skipped
        }
        (Verdict::Pass, _) => TestCaseStatus::success(),
    }
}

/// SARIF 2.1.0 ("Static Analysis Results Interchange Format", OASIS). A level is said of failures alone, as the standard
/// asks; a place in a file is made up, because GitHub shows no result without one.
pub fn sarif<'a>(
    survey: &Survey,
    judgement: &Judgement,
    checks: impl Iterator<Item = &'a Check>,
) -> Value {
    let number = |it: Severity| match it {
        Severity::Critical => "9.5",
        Severity::High => "8.0",
        Severity::Medium => "5.5",
        Severity::Low => "3.0",
        Severity::Info => "0.0",
    };
    let rules: Vec<Value> = checks
        .map(|it| {
            let tags: Vec<String> = it
                .mappings()
                .flat_map(|one| one.controls.iter().map(|it| format!("{} {it}", one.standard)))
                .collect::<std::collections::BTreeSet<_>>()
                .into_iter()
                .collect();
            json!({
                "id": it.id,
                "shortDescription": { "text": it.title },
                "fullDescription": { "text": it.why },
                "help": { "text": it.then },
                "properties": { "security-severity": number(it.severity), "tags": tags },
            })
        })
        .collect();
    let results: Vec<Value> = judgement.findings.iter().map(sarif_result).collect();
    json!({
        "version": "2.1.0",
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "runs": [{
            "tool": { "driver": {
                "name": "ssmtrail",
                "version": env!("CARGO_PKG_VERSION"),
                "informationUri": "https://github.com/ssmtrail/ssmtrail",
                "rules": rules,
            } },
            "invocations": [{ "executionSuccessful": survey.unread.is_empty(), "endTimeUtc": survey.taken_at }],
            "results": results,
        }],
    })
}

fn sarif_result(it: &Finding) -> Value {
    let kind = match it.status {
        Verdict::Fail => "fail",
        Verdict::Unknown => "open",
        Verdict::Pass => "pass",
        Verdict::Info => "informational",
        Verdict::NotApplicable => "notApplicable",
    };
    let level = match (it.status, it.severity) {
        (Verdict::Fail, Severity::Critical | Severity::High) => "error",
        (Verdict::Fail, Severity::Medium) => "warning",
        (Verdict::Fail, _) => "note",
        _ => "none",
    };
    let file: String = it
        .resource
        .chars()
        .map(|it| if it.is_ascii_alphanumeric() || "-_./".contains(it) { it } else { '_' })
        .collect();
    let mut result = json!({
        "ruleId": it.check_id,
        "kind": kind,
        "level": level,
        "message": { "text": words(it) },
        "locations": [{
            "physicalLocation": { "artifactLocation": { "uri": format!("aws/{}", file.trim_start_matches(['/', '.'])) } },
            "logicalLocations": [{ "fullyQualifiedName": it.resource, "kind": "resource" }],
        }],
        "partialFingerprints": { "finding/v1": it.uid },
    });
    if let Some(mute) = &it.muted {
        result["suppressions"] = json!([{ "kind": "external", "justification": mute.reason }]);
    }
    result
}

/// Findings as OCSF Compliance Finding (2003), one event each. What is unknown is a *warning*, which OCSF calls "did not yield a
/// result due to missing information". Times are milliseconds, those of the survey.
pub fn ocsf(survey: &Survey, judgement: &Judgement) -> Vec<Value> {
    let time = survey.taken_at.0 / 1000;
    judgement.findings.iter().map(|it| ocsf_event(it, time)).collect()
}

fn ocsf_event(it: &Finding, time: i64) -> Value {
    let (status_id, status) = ocsf_status(it.status);
    let fails = it.status == Verdict::Fail;
    let (severity_id, severity) = ocsf_severity(it);
    let standards: Vec<&str> = it.mappings.iter().map(|it| it.standard).collect();
    let requirements: Vec<String> = it
        .mappings
        .iter()
        .flat_map(|it| it.controls.iter().map(|one| format!("{} {one}", it.standard)))
        .collect();
    let details: Vec<Safe> =
        std::iter::once(&it.seen).chain(&it.details).map(|it| visible(it)).collect();
    let confidence = ocsf_confidence(it.confidence);
    let mut resource = json!({ "uid": visible(&it.resource), "name": visible(&it.place) });
    if !it.region.is_empty() {
        resource["region"] = visible(&it.region).into();
    }
    let mut out = json!({
        "category_uid": 2,
        "class_uid": 2003,
        "activity_id": 1,
        "activity_name": "Create",
        "type_uid": 200_301,
        "time": time,
        "severity_id": severity_id,
        "severity": severity,
        "confidence_id": confidence.0,
        "confidence": confidence.1,
        // A finding that somebody accepted is suppressed, and is here all the same.
        "status_id": if it.muted.is_some() { 3 } else { 1 },
        "status": if it.muted.is_some() { "Suppressed" } else { "New" },
        "message": visible(&it.seen),
        "cloud": feed::cloud(known(&it.account_id), known(&it.region)),
        "finding_info": { "uid": it.uid, "title": it.title, "desc": it.why },
        "compliance": {
            "control": it.check_id,
            "standards": standards,
            "requirements": requirements,
            "status_id": status_id,
            "status": status,
            "status_details": details,
        },
        "resources": [resource],
        "metadata": {
            "version": OCSF,
            "profiles": ["cloud"],
            "uid": it.uid,
            "event_code": it.check_id,
            "product": feed::product(),
        },
        "unmapped": {
            "promised": visible(&it.promised),
            "reason": it.unread.as_ref().map(|it| it.reason),
            "missing_permission": it.unread.as_ref().and_then(|it| it.missing.clone()),
            "evidence": it.evidence,
        },
    });
    if fails {
        let commands = joined(it.fixes.iter().map(|it| &it.command), " ; ");
        out["remediation"] = json!({ "desc": safe!("{} {}", it.then, commands).trimmed() });
    }
    if let Some(mute) = &it.muted {
        out["comment"] = safe!("accepted until {}: {}", mute.until, mute.reason).into();
    }
    out
}

fn known(it: &str) -> Option<&str> {
    Some(it).filter(|it| !it.is_empty())
}

fn ocsf_status(it: Verdict) -> (u8, &'static str) {
    match it {
        Verdict::Pass => (1, "Pass"),
        Verdict::Unknown => (2, "Warning"),
        Verdict::Fail => (3, "Fail"),
        Verdict::Info => (99, "Info"),
        Verdict::NotApplicable => (99, "Not applicable"),
    }
}

/// What does not fail is informational, however bad it would be.
fn ocsf_severity(it: &Finding) -> (u8, &'static str) {
    let fails = it.status == Verdict::Fail;
    match it.severity {
        Severity::Critical if fails => (5, "Critical"),
        Severity::High if fails => (4, "High"),
        Severity::Medium if fails => (3, "Medium"),
        Severity::Low if fails => (2, "Low"),
        _ => (1, "Informational"),
    }
}

fn ocsf_confidence(it: Confidence) -> (u8, &'static str) {
    match it {
        Confidence::Low => (1, "Low"),
        Confidence::Medium => (2, "Medium"),
        Confidence::High => (3, "High"),
    }
}

/// Markdown for a ticket or a wiki: failures and unknowns by place, then what holds in one table.
pub fn markdown(survey: &Survey, promise: &Promise, judgement: &Judgement) -> String {
    let mut out = MarkdownPage::default();
    let as_set = [
        Markdown::text(&survey.taken_at.to_string()),
        promise.profile.into(),
        Markdown::text(&promise.words()),
    ];
    out.line("# Where sessions are logged to\n\nAs set on {}. Promise: {} ({}).\n", as_set);
    out.line("Basis: {}.\n", [promise.basis.into()]);
    let counts = [Verdict::Fail, Verdict::Unknown, Verdict::Pass];
    let counts = counts.map(|it| judgement.count(it).safe().into());
    out.line("{} fail, {} unknown, {} pass.\n", counts);
    for some in judgement.findings.chunk_by(|one, other| one.place == other.place) {
        let mut loud = some
            .iter()
            .filter(|it| matches!(it.status, Verdict::Fail | Verdict::Unknown))
            .peekable();
        if loud.peek().is_some() {
            out.line("## {}\n", [Markdown::text(&some[0].place)]);
            loud.for_each(|it| markdown_of(it, &mut out));
            out.line("", []);
        }
    }
    out.line("## All\n", []);
    out.head(&["check", "outcome", "resource", "seen"]);
    for it in &judgement.findings {
        let (resource, seen) = (Markdown::text(&it.resource), Markdown::text(&it.seen));
        out.row([it.check_id.into(), it.status.word().into(), resource, seen]);
    }
    out.finish()
}

fn markdown_of(it: &Finding, out: &mut MarkdownPage) {
    let status = match &it.muted {
        Some(mute) => {
            let mute = [Markdown::text(&mute.until), Markdown::text(&mute.reason)];
            Markdown::filled("muted until {} ({})", mute)
        }
        None if it.status == Verdict::Fail => {
            Markdown::filled("**fail**, {}", [it.severity.word().into()])
        }
        None => "**unknown**".into(),
    };
    let seen = Markdown::text(&it.seen);
    out.line("- {} ({}): {}. {}", [it.check_id.into(), it.title.into(), status, seen]);
    if !it.promised.is_empty() {
        out.line("  - promised: {}", [Markdown::text(&it.promised)]);
    }
    for detail in &it.details {
        out.line("  - {}", [Markdown::text(detail)]);
    }
    for fix in &it.fixes {
        out.shell(&fix.command);
        if let Some(warning) = &fix.warning {
            out.line("\n  Careful: {}.", [Markdown::text(warning)]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_xml_forbids_is_shown_as_a_sign_of_its_own() {
        assert_eq!(xml("a\u{fffe}\u{ffff}\x1b[31m\nb"), "a\u{fffd}\u{fffd}\\x1b[31m ⏎ b");
    }
}
