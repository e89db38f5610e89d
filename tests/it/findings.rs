//! Findings in the forms that other programs read: sound by the published schemas, and harmless whatever names a resource has.

use serde_json::Value;
use serde_json::json;
use ssmtrail::audit;
use ssmtrail::audit::Judgement;
use ssmtrail::audit::promise::Mute;
use ssmtrail::audit::promise::Promise;
use ssmtrail::render::findings;
use ssmtrail::settings::Survey;

use crate::export::is_ocsf;
use crate::judging::set;
use crate::judging::sound;

/// A log group whose name is an attack on whoever reads of it.
pub(crate) const HOSTILE: &str =
    "/x<script>alert(1)</script>`|![a](https://evil)\u{1b}[31m\u{202e}\"'&]]>=cmd()";

fn judged(name: &str) -> (Survey, Judgement) {
    let mut it = sound();
    set(&mut it, "/groups/0/name", json!(name));
    set(&mut it, "/groups/0/settings/is/retention_days", json!(7));
    set(&mut it, "/buckets/0/versioning/is/status", json!("Suspended"));
    let versioning =
        it.pointer_mut("/buckets/0/logging").and_then(Value::as_object_mut).expect("it");
    versioning.remove("is");
    versioning.insert(
        "unread".into(),
        json!({ "reason": "access_denied", "why": "access denied: s3:GetBucketLogging is missing", "missing": "s3:GetBucketLogging" }),
    );
    set(&mut it, "/corners/0/trails/is/0/selectors/is", json!([]));
    let survey = Survey::read(&it.to_string()).expect("a survey");
    let mute = Mute {
        check: "S3-VER-01".into(),
        resource: "*".into(),
        reason: "moves next month".into(),
        until: "2999-01-01".into(),
        from: "ssmtrail.toml line 1".into(),
    };
    let judgement = audit::judge(&survey, &Promise::default(), &[mute], &[]);
    (survey, judgement)
}

#[test]
fn sarif_is_sound_by_its_schema_and_says_a_level_of_failures_alone() {
    let schema = include_str!("../schemas/sarif-2.1.0.schema.json");
    let mut schema: Value = serde_json::from_str(schema).expect("a schema");
    // As published, one pattern is no sound regular expression; nothing of ours has that property.
    for of in ["run", "toolComponent"] {
        let language = schema.pointer_mut(&format!("/definitions/{of}/properties/language"));
        language.and_then(Value::as_object_mut).expect("it").remove("pattern");
    }
    let schema = jsonschema::validator_for(&schema).expect("a sound schema");
    for name in ["/ssm", HOSTILE] {
        let (survey, judgement) = judged(name);
        let sarif = findings::sarif(&survey, &judgement, audit::checks());
        let wrong: Vec<String> = schema.iter_errors(&sarif).map(|it| it.to_string()).collect();
        assert_eq!(wrong, Vec::<String>::new());
        let results = sarif["runs"][0]["results"].as_array().expect("results");
        assert_eq!(results.len(), judgement.findings.len());
        for it in results {
            assert_eq!(it["kind"] == "fail", it["level"] != "none", "{it}");
        }
        let of = |id: &str| results.iter().find(|it| it["ruleId"] == id).expect("a result");
        assert_eq!(of("S3-LOG-01")["kind"], "open");
        assert_eq!(of("S3-VER-01")["suppressions"][0]["justification"], "moves next month");
    }
}

#[test]
fn junit_tells_failures_from_what_is_unknown_and_is_xml_whatever_the_names() {
    let (survey, judgement) = judged(HOSTILE);
    let text = findings::junit(&survey, &judgement);
    assert!(!text.chars().any(|it| it.is_control() && it != '\n'), "{text}");
    assert!(!text.contains("<script") && !text.contains('\u{202e}'));
    // Every tag that is opened is closed, in order.
    let mut open: Vec<&str> = Vec::new();
    for tag in text.split('<').skip(2).map(|it| it.split('>').next().expect("a tag")) {
        match tag.strip_prefix('/') {
            Some(name) => assert_eq!(open.pop(), Some(name)),
            None if tag.ends_with('/') => {}
            None => open.push(tag.split(' ').next().expect("its name")),
        }
    }
    assert_eq!(open, Vec::<&str>::new());
    assert!(text.contains("<failure message=\"7 days\" type=\"high\">"), "{text}");
    assert!(text.contains("type=\"access_denied\""), "{text}");
    assert!(text.contains("<skipped message=\"muted: Suspended\"/>"), "{text}");
}

#[test]
fn markdown_shows_names_as_text() {
    let (survey, judgement) = judged(HOSTILE);
    let text = findings::markdown(&survey, &Promise::default(), &judgement);
    let outside: String = text.split("```").step_by(2).collect::<String>().replace("\\<", "");
    assert!(!outside.contains("<script") && !outside.contains("https://evil"), "{outside}");
    assert!(!text.contains('\u{1b}') && !text.contains('\u{202e}'));
    // No name breaks out of its table.
    for row in text.lines().filter(|it| it.starts_with("| ")) {
        assert_eq!(row.replace("\\|", "").matches('|').count(), 5, "{row}");
    }
    assert!(text.contains(
        "- CWL-RET-01 (The log group keeps transcripts as long as promised): **fail**, high. 7 days"
    ));
    assert!(text.contains("muted until 2999-01-01 (moves next month)"));
}

#[test]
#[ignore = "needs Python and ocsf-json-schema"]
fn ocsf_findings_hold_by_the_published_schema() {
    for name in ["/ssm", HOSTILE] {
        let (survey, judgement) = judged(name);
        let events = findings::ocsf(&survey, &judgement);
        assert_eq!(events.len(), judgement.findings.len());
        is_ocsf(&events);
        let of = |id: &str| {
            events.iter().find(|it| it["compliance"]["control"] == id).expect("a finding")
        };
        assert_eq!(of("CWL-RET-01")["compliance"]["status"], "Fail");
        assert_eq!(of("CWL-RET-01")["time"], 1_795_392_000_000_i64, "milliseconds");
        // What is unknown is OCSF's warning: no result for want of information.
        assert_eq!(of("S3-LOG-01")["compliance"]["status_id"], 2);
        assert_eq!(of("S3-LOG-01")["unmapped"]["missing_permission"], "s3:GetBucketLogging");
        assert_eq!(of("S3-VER-01")["status"], "Suppressed");
        let text = serde_json::to_string(&events).expect("JSON");
        assert!(!text.contains('\u{202e}') && !text.contains("\\u001b"), "{text}");
    }
}
