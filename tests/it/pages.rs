//! What was not read of AWS's settings is unread: a page behind the first, a refusal beside an answer.

use serde_json::Value;
use serde_json::json;

use crate::faults::Fault;
use crate::faults::Faults;
use crate::faults::json_error;
use crate::peer::Aws;
use crate::peer::REGION;
use crate::peer::address;

const JSON: &str = "application/x-amz-json-1.1";

fn page(it: Value) -> Fault {
    Fault::Answer(200, JSON, it.to_string())
}

/// A corner with preferences that name a bucket, and a proxy before it.
fn corner(account: &str) -> (Aws, Faults) {
    let mut aws = Aws::new().in_account(account);
    let bucket = aws.bucket("acme-session-logs", &[]);
    aws.document(REGION, "SSM-SessionManagerRunShell", json!({ "s3BucketName": bucket }));
    let faults = Faults::before(address());
    aws.endpoint = faults.endpoint.clone();
    (aws, faults)
}

fn survey(aws: &Aws) -> Value {
    aws.run(&format!("verify --region {REGION} --save-survey kept.json --check PREF"));
    let text = std::fs::read_to_string(aws.world.path("kept.json")).expect("a survey");
    serde_json::from_str(&text).expect("its JSON")
}

#[test]
fn what_stands_on_a_second_page_is_read() {
    let (aws, faults) = corner("440000000001");
    let first = page(json!({ "AccountIds": ["111122223333"], "NextToken": "2" }));
    faults.on("DescribeDocumentPermission", 0, 1, first);
    faults.on("DescribeDocumentPermission", 0, 1, page(json!({ "AccountIds": ["all"] })));
    let policy = |name: &str| json!({ "policyName": name, "policyDocument": "{}" });
    let first = page(json!({ "accountPolicies": [policy("a")], "nextToken": "2" }));
    faults.on("DescribeAccountPolicies", 0, 1, first);
    let second = page(json!({ "accountPolicies": [policy("b")] }));
    faults.on("DescribeAccountPolicies", 0, 1, second);
    let of = |name: &str| json!({ "arn": name, "targetArn": name });
    let first = page(json!({ "destinations": [of("a")], "nextToken": "2" }));
    faults.on("DescribeDestinations", 0, 1, first);
    faults.on("DescribeDestinations", 0, 1, page(json!({ "destinations": [of("b")] })));
    let tiering = |name: &str, rest: &str| {
        let one = format!(
            "<IntelligentTieringConfiguration><Id>{name}</Id><Status>Enabled</Status><Tiering><Days>90</Days><AccessTier>ARCHIVE_ACCESS</AccessTier></Tiering></IntelligentTieringConfiguration>"
        );
        let it = format!(
            "<ListBucketIntelligentTieringConfigurationsOutput xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">{rest}{one}</ListBucketIntelligentTieringConfigurationsOutput>"
        );
        Fault::Answer(200, "application/xml", it)
    };
    let more = "<IsTruncated>true</IsTruncated><NextContinuationToken>2</NextContinuationToken>";
    faults.on("ListBucketIntelligentTieringConfigurations", 0, 1, tiering("a", more));
    let end = "<IsTruncated>false</IsTruncated>";
    faults.on("ListBucketIntelligentTieringConfigurations", 0, 1, tiering("b", end));
    let survey = survey(&aws);
    let corner = &survey["corners"][0];
    assert_eq!(
        corner["preferences"]["is"]["shared_with"]["is"],
        json!(["111122223333", "all"]),
        "{corner}"
    );
    let names = |it: &Value, name: &str| -> Vec<String> {
        let many = it["is"].as_array().unwrap_or_else(|| panic!("{it}"));
        many.iter().map(|it| it[name].as_str().unwrap_or_default().to_owned()).collect()
    };
    assert_eq!(names(&corner["retention_policies"], "name"), ["a", "b"]);
    assert_eq!(names(&corner["destinations"], "arn"), ["a", "b"]);
    assert_eq!(names(&survey["buckets"][0]["tiering"], "id"), ["a", "b"]);
}

#[test]
fn an_answer_that_does_not_come_to_its_end_is_unread() {
    let (aws, faults) = corner("440000000002");
    let same = |member: &str, token: &str| page(json!({ member: [], token: "same" }));
    faults.on("DescribeDocumentPermission", 0, 99, same("AccountIds", "NextToken"));
    faults.on("DescribeAccountPolicies", 0, 99, same("accountPolicies", "nextToken"));
    faults.on("DescribeDestinations", 0, 99, same("destinations", "nextToken"));
    faults.on("DescribeResourcePolicies", 0, 99, same("resourcePolicies", "nextToken"));
    faults.on("DescribeInstanceInformation", 0, 99, same("InstanceInformationList", "NextToken"));
    let body = "<ListBucketIntelligentTieringConfigurationsOutput><IsTruncated>true</IsTruncated></ListBucketIntelligentTieringConfigurationsOutput>";
    let answer = Fault::Answer(200, "application/xml", body.into());
    faults.on("ListBucketIntelligentTieringConfigurations", 0, 99, answer);
    let survey = survey(&aws);
    let corner = &survey["corners"][0];
    let all = [
        &corner["preferences"]["is"]["shared_with"],
        &corner["retention_policies"],
        &corner["subscription_policies"],
        &corner["destinations"],
        &corner["logs_policies"],
        &corner["nodes"],
        &survey["buckets"][0]["tiering"],
    ];
    for it in all {
        assert_eq!(it["unread"]["reason"], "partial_page", "{it}");
    }
}

#[test]
fn a_document_that_may_not_be_described_is_unread_with_the_call_that_was_refused() {
    let (aws, faults) = corner("440000000003");
    faults.on("DescribeDocument", 0, 99, json_error(400, "AccessDeniedException"));
    let refused = survey(&aws);
    let described = &refused["corners"][0]["preferences"]["is"]["described"];
    assert_eq!(described["api"], "ssm:DescribeDocument");
    assert_eq!(described["unread"]["reason"], "access_denied", "{described}");
    let said = aws.run("verify --survey kept.json --check PREF-DRIFT-01 --format json").0;
    assert!(said.contains("\"api\":\"ssm:DescribeDocument\""), "{said}");
    assert!(said.contains("access_denied"), "{said}");
    // No answer is another reason than a refusal.
    faults.clear();
    faults.on("DescribeDocument", 0, 99, json_error(400, "InternalServerError"));
    let described = &survey(&aws)["corners"][0]["preferences"]["is"]["described"];
    assert_eq!(described["unread"]["reason"], "sdk_error", "{described}");
}
