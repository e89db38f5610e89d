//! Policies evaluated by us and by a second implementation: iam-simulate, which knows nothing of ours.
//!
//! Left out, because it does there what AWS does not say: variables in policies of the old version, which it fills in; blocks of no bits,
//! which hold nobody for it; addresses of IPv6 beside blocks of IPv4, which a negation leaves out for it. Our own tables hold them.

use std::collections::BTreeMap;
use std::process::Command;

use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::ValueTree;
use proptest::test_runner::Config;
use proptest::test_runner::RngAlgorithm;
use proptest::test_runner::TestRng;
use proptest::test_runner::TestRunner;
use serde_json::Value;
use serde_json::json;
use ssmtrail::audit::iam::policy::PolicyDocument;
use ssmtrail::audit::iam::request::Request;
use ssmtrail::audit::iam::request::Said;

use crate::needs::node_modules;
use crate::world::World;

const ROLE: &str = "arn:aws:iam::111122223333:role/node";
const OBJECT: &str = "arn:aws:s3:::acme/prod/111122223333/a.log";

type Words = &'static [&'static str];

/// Keys that a request may carry, what it carries under them, and what policies compare them with.
const KEYS: &[(&str, Words, Words, Words)] = &[
    ("aws:SourceVpce", &["vpce-1", "vpce-2"], &["vpce-1", "vpce-*", "VPCE-1", "vpce-?", "*"], TEXT),
    ("aws:PrincipalOrgID", &["o-1"], &["o-1", "o-2", "o-*"], TEXT),
    (
        "aws:PrincipalTag/team",
        &["ops", "Dev"],
        &["ops", "dev", "${aws:SourceVpce}", "${aws:PrincipalTag/none, 'ops'}", "o?s"],
        TEXT,
    ),
    ("aws:UserAgent", &["aws-cli"], &["aws-*", "AWS-CLI"], TEXT),
    ("aws:TagKeys", &["a"], &["a", "b"], SETS),
    (
        "aws:SecureTransport",
        &["true", "false"],
        &["true", "false"],
        &["Bool", "BoolIfExists", "Null"],
    ),
    ("aws:MultiFactorAuthAge", &["300", "-1"], &["300", "3600", "0"], NUMBERS),
    (
        "aws:SourceIp",
        &["10.1.2.3", "203.0.113.9"],
        &["10.0.0.0/8", "10.1.2.3", "10.1.2.3/32", "203.0.113.0/24", "8.0.0.0/5"],
        &["IpAddress", "NotIpAddress", "IpAddressIfExists", "NotIpAddressIfExists", "Null"],
    ),
    (
        "aws:CurrentTime",
        &["2026-01-01T00:00:00Z"],
        &["2026-01-01T00:00:00Z", "2020-06-30T23:59:59Z", "2030-01-01T00:00:00Z"],
        &[
            "DateEquals",
            "DateNotEquals",
            "DateLessThan",
            "DateLessThanEquals",
            "DateGreaterThan",
            "DateGreaterThanEquals",
        ],
    ),
    (
        "aws:SourceArn",
        &["arn:aws:s3:::acme", "arn:aws:logs:eu-west-1:111122223333:log-group:/ssm"],
        &[
            "arn:aws:s3:::acme",
            "arn:aws:s3:::*",
            "arn:*:logs:*:111122223333:*",
            "arn:aws:logs:eu-west-1:*:log-group:/s?m",
        ],
        &[
            "ArnEquals",
            "ArnLike",
            "ArnNotEquals",
            "ArnNotLike",
            "ArnLikeIfExists",
            "StringLike",
            "StringNotLike",
            "Null",
        ],
    ),
];

const TEXT: &[&str] = &[
    "StringEquals",
    "StringNotEquals",
    "StringEqualsIgnoreCase",
    "StringNotEqualsIgnoreCase",
    "StringLike",
    "StringNotLike",
    "StringEqualsIfExists",
    "StringNotEqualsIfExists",
    "StringLikeIfExists",
    "Null",
];

const SETS: &[&str] = &[
    "ForAnyValue:StringEquals",
    "ForAllValues:StringEquals",
    "ForAnyValue:StringNotEquals",
    "ForAllValues:StringLike",
];

const NUMBERS: &[&str] = &[
    "NumericEquals",
    "NumericNotEquals",
    "NumericLessThan",
    "NumericLessThanEquals",
    "NumericGreaterThan",
    "NumericGreaterThanEquals",
    "NumericLessThanIfExists",
    "Null",
];

const ACTIONS: &[&str] =
    &["*", "s3:*", "s3:PutObject", "S3:putobject", "s3:Put*", "s3:Get*", "s3:P?tObject", "logs:*"];

const RESOURCES: &[&str] = &[
    "*",
    OBJECT,
    "arn:aws:s3:::acme/*",
    "arn:aws:s3:::acme/prod/${aws:PrincipalAccount}/*",
    "arn:aws:s3:::acme/${aws:PrincipalTag/team}/*",
    "arn:aws:s3:::acme/prod/*/?.log",
    "arn:aws:s3:::other/*",
    "arn:aws:s3:::*/a.log",
];

const PRINCIPALS: &[&str] = &[
    r#""*""#,
    r#"{"AWS":"*"}"#,
    r#"{"AWS":"111122223333"}"#,
    r#"{"AWS":"arn:aws:iam::111122223333:root"}"#,
    r#"{"AWS":"arn:aws:iam::111122223333:role/node"}"#,
    r#"{"AWS":"arn:aws:iam::111122223333:role/other"}"#,
    r#"{"AWS":["arn:aws:iam::999988887777:root","arn:aws:iam::111122223333:role/node"]}"#,
    r#"{"AWS":"999988887777"}"#,
    r#"{"Service":"logs.amazonaws.com"}"#,
];

fn condition() -> impl Strategy<Value = (String, String, Vec<String>)> {
    select(KEYS).prop_flat_map(|(key, _, values, operators)| {
        let values = proptest::sample::subsequence(values.to_vec(), 1..=2.min(values.len()));
        (select(operators), values).prop_map(|(operator, values)| {
            let values: Vec<String> = match operator {
                "Null" => vec!["true".into()],
                _ => values.into_iter().map(str::to_owned).collect(),
            };
            (operator.to_owned(), key.to_owned(), values)
        })
    })
}

fn statement(on_resource: bool) -> impl Strategy<Value = Value> {
    let some = |of: &'static [&'static str]| proptest::sample::subsequence(of, 1..=2);
    (
        proptest::bool::weighted(0.6),
        (proptest::bool::weighted(0.85), some(ACTIONS)),
        (proptest::bool::weighted(0.85), some(RESOURCES)),
        select(PRINCIPALS),
        proptest::collection::vec(condition(), 0..=2),
    )
        .prop_map(
            move |(allows, (action, actions), (resource, resources), principal, conditions)| {
                let mut it = json!({ "Effect": if allows { "Allow" } else { "Deny" } });
                it[if action { "Action" } else { "NotAction" }] = json!(actions);
                it[if resource { "Resource" } else { "NotResource" }] = json!(resources);
                if on_resource {
                    it["Principal"] = serde_json::from_str(principal).expect("a principal");
                }
                for (operator, key, values) in conditions {
                    it["Condition"][operator][key] = json!(values);
                }
                it
            },
        )
}

fn case() -> impl Strategy<Value = Value> {
    let carried = KEYS.iter().map(|it| proptest::option::weighted(0.6, select(it.1)));
    (any::<bool>(), carried.collect::<Vec<_>>()).prop_flat_map(|(on_resource, carried)| {
        proptest::collection::vec(statement(on_resource), 1..=3).prop_map(move |statements| {
            let context: BTreeMap<&str, &str> = KEYS
                .iter()
                .zip(&carried)
                .filter_map(|(key, value)| Some((key.0, (*value)?)))
                .collect();
            json!({
                "policy": { "Version": "2012-10-17", "Statement": statements },
                "onResource": on_resource,
                "context": context,
            })
        })
    })
}

/// What we say: `None` where it depends on what is not known.
fn ours(case: &Value) -> Option<&'static str> {
    let context: Vec<(String, String)> = KEYS
        .iter()
        .filter_map(|it| Some((it.0.to_lowercase(), case["context"][it.0].as_str()?.to_owned())))
        .collect();
    let mut absent: Vec<String> = KEYS.iter().map(|it| it.0.to_lowercase()).collect();
    absent.push("aws:principaltag/none".into());
    absent.retain(|it| !context.iter().any(|one| one.0 == *it));
    let absent: Vec<&str> = absent.iter().map(String::as_str).collect();
    let request = Request {
        principal: ROLE,
        action: "s3:PutObject",
        resource: OBJECT,
        context: &context,
        absent: &absent,
    };
    let on_resource = case["onResource"] == json!(true);
    let policy = PolicyDocument::read(&case["policy"].to_string()).expect("a policy");
    match policy.says(&request, on_resource) {
        Said::Allows(_) => Some("Allowed"),
        Said::Denies(_) => Some("ExplicitlyDenied"),
        Said::Nothing => Some("ImplicitlyDenied"),
        Said::MayAllow(_) | Said::MayDeny(_) => None,
    }
}

#[test]
#[ignore = "needs Node.js and iam-simulate"]
fn a_second_implementation_says_the_same_of_any_policy() {
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[21; 32]);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let strategy = case();
    let cases: Vec<Value> =
        (0..3000).map(|_| strategy.new_tree(&mut runner).expect("a case").current()).collect();
    let asked: Vec<Value> = cases
        .iter()
        .map(|it| {
            let mut it = it.clone();
            it["principal"] = json!(ROLE);
            it["resource"] = json!(OBJECT);
            // Of another account, so that a statement for the principal's account counts by itself.
            it["owner"] = json!("444455556666");
            it["context"]["aws:PrincipalArn"] = json!(ROLE);
            it["context"]["aws:PrincipalAccount"] = json!("111122223333");
            let tags = it["context"]["aws:TagKeys"].take();
            match tags {
                Value::Null => {
                    drop(it["context"].as_object_mut().map(|it| it.remove("aws:TagKeys")))
                }
                one => it["context"]["aws:TagKeys"] = json!([one]),
            }
            it
        })
        .collect();
    let world = World::new();
    world.file("cases.json", json!(asked).to_string().as_bytes());
    let done = Command::new("node")
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/evaluator/simulate.mjs"))
        .arg(node_modules())
        .arg(world.path("cases.json"))
        .output()
        .expect("node runs");
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let theirs: Vec<Value> = serde_json::from_slice(&done.stdout).expect("a list");
    assert_eq!(theirs.len(), cases.len());
    let mut differ = Vec::new();
    let mut said: BTreeMap<&str, usize> = BTreeMap::new();
    for (case, other) in cases.iter().zip(&theirs) {
        let name = if case["onResource"] == json!(true) { "resource" } else { "identity" };
        let one = ours(case);
        *said.entry(one.unwrap_or("unknown")).or_default() += 1;
        // What it says of the account counts for the role, whose own policy allows everything.
        let other_said = match other[name].as_str() {
            Some("AllowedForAccount") => Some("Allowed"),
            Some("DeniedForAccount") => Some("ExplicitlyDenied"),
            said => said,
        };
        // AWS does not say what becomes of a variable that the request has not.
        let text = case["policy"].to_string();
        let lacks =
            |key: &str| text.contains(&format!("${{{key}}}")) && case["context"][key].is_null();
        let open = one.is_none() && (lacks("aws:PrincipalTag/team") || lacks("aws:SourceVpce"));
        if one != other_said && !open {
            differ.push(format!("{one:?} {other} {case}"));
        }
    }
    assert!(
        differ.is_empty(),
        "{} differ, {said:?}:\n{}",
        differ.len(),
        differ[..differ.len().min(12)].join("\n")
    );
    // Each outcome is there often.
    assert!(said.iter().all(|it| *it.1 > 300 || *it.0 == "unknown") && said.len() == 4, "{said:?}");
}
