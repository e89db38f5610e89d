//! `verify` with the real program against the emulator: what a person sees, what a machine reads, what is refused.

use aws_sdk_s3::types as s3;
use expect_test::expect;
use serde_json::json;

use crate::peer::ACCOUNT;
use crate::peer::Aws;
use crate::peer::REGION;
use crate::peer::block_on;
use crate::world::Said;

/// A bucket whose rule deletes after a day, a group that keeps thirty days, preferences that name both.
fn careless(account: &str) -> (Aws, String, String) {
    let aws = Aws::new().in_account(account);
    let bucket =
        aws.bucket("acme-session-logs", &[("prod/alice-0a1b2c3d4e5f6a7b8.log", b"$ ls\n")]);
    let group = aws.group("/aws/ssm/sessions");
    block_on(async {
        let retention =
            aws.logs().put_retention_policy().log_group_name(&group).retention_in_days(30);
        retention.send().await.expect("a retention");
        let rule = s3::LifecycleRule::builder()
            .id("tidy up")
            .status(s3::ExpirationStatus::Enabled)
            .filter(s3::LifecycleRuleFilter::builder().prefix("prod/").build())
            .expiration(s3::LifecycleExpiration::builder().days(1).build())
            .build()
            .expect("a rule");
        let rules = s3::BucketLifecycleConfiguration::builder().rules(rule).build().expect("rules");
        let put = aws.s3().put_bucket_lifecycle_configuration().bucket(&bucket);
        put.lifecycle_configuration(rules).send().await.expect("a lifecycle");
    });
    let inputs = json!({
        "s3BucketName": bucket, "s3KeyPrefix": "prod", "s3EncryptionEnabled": true,
        "cloudWatchLogGroupName": group, "cloudWatchEncryptionEnabled": true, "cloudWatchStreamingEnabled": true,
    });
    aws.document(REGION, "SSM-SessionManagerRunShell", inputs);
    (aws, bucket, group)
}

/// What depends on the emulator's day and counting.
fn steady(said: Said) -> Said {
    let mut text = said.0;
    for (pattern, word) in [(r"\d{4}-\d\d-\d\d", "DAY"), (r"\d+ calls? asked", "N calls asked")] {
        text = regex::Regex::new(pattern).expect("a pattern").replace_all(&text, word).into_owned();
    }
    Said(text)
}

#[test]
fn a_person_sees_what_fails_first_with_what_was_promised_and_the_command_that_mends_it() {
    let (aws, ..) = careless("420000000001");
    let said =
        aws.run("verify --region us-east-1 --check CWL-RET-01 --check S3-RET-01 --check PREF");
    steady(said).is(expect![[r#"
        s3://acme-session-logs
          FAIL     critical  S3-RET-01      No lifecycle rule destroys transcripts early
                             deleted after 1 day; promised: 365 days
                             - the rule tidy up hides them after 1 day, and they are gone after 1 day
                             $ aws s3api get-bucket-lifecycle-configuration --bucket acme-session-logs | jq '{Rules: .Rules} | (.Rules[] | select(.ID=="tidy up") | .Expiration) = {"Days":365}' > lifecycle.json && aws s3api put-bucket-lifecycle-configuration --bucket acme-session-logs --transition-default-minimum-object-size all_storage_classes_128K --lifecycle-configuration file://lifecycle.json
                               careful: it replaces the whole lifecycle configuration; read lifecycle.json first
        Session Manager in us-east-1 of 420000000001
          FAIL     high      PREF-ENF-02    The encryption flags agree with the destinations
                             sessions are refused; promised: sessions start
                             - cloudWatchEncryptionEnabled is on, and the log group /aws/ssm/sessions has no KMS key; whoever starts one reads "encryption is not set up on the selected CloudWatch Logs log group"
                             $ aws logs associate-kms-key --region us-east-1 --log-group-name /aws/ssm/sessions --kms-key-id KEY-ARN
          FAIL     medium    PREF-RUNAS-01  Sessions run as a named operating-system user
                             everybody is ssm-user; promised: Run As
                             $ aws ssm get-document --region us-east-1 --name SSM-SessionManagerRunShell --query Content --output text | jq .inputs.runAsEnabled=true > document.json && aws ssm update-document --region us-east-1 --name SSM-SessionManagerRunShell --document-version '$LATEST' --content file://document.json
                             $ aws ssm update-document-default-version --region us-east-1 --name SSM-SessionManagerRunShell --document-version "$(aws ssm describe-document --region us-east-1 --name SSM-SessionManagerRunShell --query Document.LatestVersion --output text)"
        logs:/aws/ssm/sessions in us-east-1 of 420000000001
          FAIL     high      CWL-RET-01     The log group keeps transcripts as long as promised
                             30 days; promised: 365 days
                             $ aws logs put-retention-policy --region us-east-1 --log-group-name /aws/ssm/sessions --retention-in-days 365
        ! promise: default (kept 365 days, 90 at hand)
        ! basis: one year, three months at hand: what AWS Config, Security Hub CloudWatch.16, Prowler and Checkov take when nothing is said
        ! 15 findings: 4 fail, 0 unknown, 6 pass, 3 info, 2 not applicable; 1 log group, 1 bucket, 0 keys; N calls asked; --all shows every one
        [exit 1]
    "#]]);
}

#[test]
fn what_aws_said_is_a_file_that_gives_the_same_findings_without_aws() {
    let (mut aws, bucket, _) = careless("420000000002");
    let online = aws.run("verify --region us-east-1 --save-survey kept.json --format json").0;
    // Nothing answers there.
    aws.endpoint = "http://127.0.0.1:1".into();
    let offline = aws.run("verify --survey kept.json --format json").0;
    assert_eq!(online, offline);
    assert!(offline.contains("\"check_id\":\"S3-RET-01\""), "{offline}");
    assert!(
        offline.contains("\"api\":\"s3:GetBucketLifecycleConfiguration\""),
        "evidence: {offline}"
    );
    // Another promise, the same settings.
    let promised =
        aws.run("verify --survey kept.json --promise hipaa --check CWL-RET-01 --format csv").0;
    assert!(promised.contains("2192 days"), "{promised}");
    // A file of a later day, in which a retention was shortened.
    let text = std::fs::read_to_string(aws.world.path("kept.json")).expect("a survey");
    aws.world.file(
        "later.json",
        text.replace("\"retention_days\": 30", "\"retention_days\": 7").as_bytes(),
    );
    let said = aws.run("verify --survey later.json --diff=kept.json").0;
    assert!(said.contains("settings.retention_days  30      7"), "{said}");
    assert!(said.contains("[exit 1]"), "{said}");
    let said = aws.run("verify --survey kept.json --diff=kept.json").0;
    assert!(said.contains("nothing has changed") && !said.contains("[exit"), "{said}");
    let _ = bucket;
}

#[test]
fn a_place_alone_is_looked_at_alone() {
    let (aws, bucket, _) = careless("420000000003");
    let said = aws.run(&format!("verify s3://{bucket}/prod --check S3-RET-01"));
    steady(said).is(expect![[r#"
        s3://acme-session-logs
          FAIL     critical  S3-RET-01      No lifecycle rule destroys transcripts early
                             deleted after 1 day; promised: 365 days
                             - the rule tidy up hides them after 1 day, and they are gone after 1 day
                             $ aws s3api get-bucket-lifecycle-configuration --bucket acme-session-logs | jq '{Rules: .Rules} | (.Rules[] | select(.ID=="tidy up") | .Expiration) = {"Days":365}' > lifecycle.json && aws s3api put-bucket-lifecycle-configuration --bucket acme-session-logs --transition-default-minimum-object-size all_storage_classes_128K --lifecycle-configuration file://lifecycle.json
                               careful: it replaces the whole lifecycle configuration; read lifecycle.json first
        ! promise: default (kept 365 days, 90 at hand)
        ! basis: one year, three months at hand: what AWS Config, Security Hub CloudWatch.16, Prowler and Checkov take when nothing is said
        ! 1 finding: 1 fail, 0 unknown, 0 pass, 0 info, 0 not applicable; 0 log groups, 1 bucket, 0 keys; N calls asked; --all shows every one
        [exit 1]
    "#]]);
    // The rule is about another prefix there.
    let said = aws.run(&format!("verify s3://{bucket}/test --check S3-RET-01"));
    steady(said).is(expect![[r#"
        ! promise: default (kept 365 days, 90 at hand)
        ! basis: one year, three months at hand: what AWS Config, Security Hub CloudWatch.16, Prowler and Checkov take when nothing is said
        ! 1 finding: 0 fail, 0 unknown, 1 pass, 0 info, 0 not applicable; 0 log groups, 1 bucket, 0 keys; N calls asked; --all shows every one
    "#]]);
}

#[test]
fn what_is_missing_is_a_failure_of_its_own_and_of_nothing_else() {
    let aws = Aws::new();
    let (bucket, group) = (aws.name("no-such-bucket"), aws.name("no-such-group"));
    let said = aws.run(&format!("verify s3://{bucket} logs:{group} --all --check S3-EXIST --check S3-VER --check CWL-EXIST --check CWL-RET-01"));
    steady(said).is(expect![[r#"
        logs:no-such-group in us-east-1 of 123456789012
          FAIL     critical  CWL-EXIST-01   The log group exists
                             there is no such log group; promised: it is there
                             - named by the command line
                             $ aws logs create-log-group --region us-east-1 --log-group-name no-such-group --kms-key-id KEY-ARN
                             $ aws logs put-retention-policy --region us-east-1 --log-group-name no-such-group --retention-in-days 365
          n/a                CWL-RET-01     The log group keeps transcripts as long as promised
                             there is no such log group
        s3://no-such-bucket
          FAIL     critical  S3-EXIST-01    The bucket exists, and is ours
                             there is no such bucket; promised: it is there
                             - named by the command line
                             $ aws s3api create-bucket --bucket no-such-bucket
          n/a                S3-VER-01      Versioning is on
                             there is no such bucket
          n/a                S3-VER-02      Versions are deleted with a second factor alone
                             there is no such bucket
        ! promise: default (kept 365 days, 90 at hand)
        ! basis: one year, three months at hand: what AWS Config, Security Hub CloudWatch.16, Prowler and Checkov take when nothing is said
        ! 5 findings: 2 fail, 0 unknown, 0 pass, 0 info, 3 not applicable; 1 log group, 1 bucket, 0 keys; N calls asked
        [exit 1]
    "#]]);
    let _ = ACCOUNT;
}

#[test]
fn a_mute_needs_a_reason_and_a_day_and_what_it_mutes_stays_visible() {
    let (aws, bucket, _) = careless("420000000004");
    let arn = format!("arn:aws:s3:::{bucket}/*");
    let mute = |until: &str| {
        format!(
            "[[mute]]\ncheck = \"S3-RET-01\"\nresource = \"{arn}\"\nreason = \"copied to the vault each hour\"\nuntil = \"{until}\"\n"
        )
    };
    aws.world.file("ssmtrail.toml", mute("2999-01-31").as_bytes());
    let line = format!("verify s3://{bucket}/prod --check S3-RET-01");
    steady(aws.run(&line)).is(expect![[r#"
        s3://acme-session-logs
          muted    critical  S3-RET-01      No lifecycle rule destroys transcripts early
                             deleted after 1 day; promised: 365 days
                             - the rule tidy up hides them after 1 day, and they are gone after 1 day
                             accepted until DAY: copied to the vault each hour
        ! note: ssmtrail.toml of this folder is in force: 1 mute
        ! promise: default (kept 365 days, 90 at hand)
        ! basis: one year, three months at hand: what AWS Config, Security Hub CloudWatch.16, Prowler and Checkov take when nothing is said
        ! 1 finding: 0 fail, 0 unknown, 0 pass, 0 info, 0 not applicable, 1 muted; 0 log groups, 1 bucket, 0 keys; N calls asked; --all shows every one
    "#]]);
    aws.world.file("ssmtrail.toml", mute("2020-01-31").as_bytes());
    let said = aws.run(&line).0;
    assert!(
        said.contains("[exit 1]") && said.contains("ssmtrail.toml line 1: the mute of S3-RET-01"),
        "{said}"
    );
    aws.world.file("ssmtrail.toml", mute("soon").as_bytes());
    aws.run(&line).is(expect![[r#"
        ! ssmtrail: ssmtrail.toml line 1: soon is no day; until = "2027-01-31"
        [exit 2]
    "#]]);
    aws.world.file("ssmtrail.toml", b"[promise]\nretention_day = 400\n");
    aws.run(&line).is(expect![[r#"
        ! ssmtrail: ssmtrail.toml line 2: there is no setting retention_day
        ! hint: did you mean retention_days?
        [exit 2]
    "#]]);
}

#[test]
fn a_wrong_word_is_met_with_the_right_one() {
    let aws = Aws::new();
    aws.run("verify --explain s3-ret-1").is(expect![[r#"
        ! ssmtrail: there is no check s3-ret-1
        ! hint: did you mean S3-RET-01?
        [exit 2]
    "#]]);
    aws.run("verify --promise pci").is(expect![[r#"
        ! ssmtrail: there is no profile pci
        ! hint: the profiles are default, pci-4.0.1, hipaa, nist-800-53, soc2, iso27001-2022, cis-aws-7.0.0, jp-jpcert, fisc, ismap
        [exit 2]
    "#]]);
    aws.run("verify --explain S3-RET-01").is(expect![[r#"
        S3-RET-01: No lifecycle rule destroys transcripts early
        severity  high
        why       A rule that deletes after a day passes every check that asks whether there is a rule.
        then      Raise the days of the rule; the whole configuration is replaced by each change.
        reads     s3:GetLifecycleConfiguration, s3:GetBucketVersioning, s3:GetBucketObjectLockConfiguration, s3:ListBucket, s3:GetObject
                  PCI DSS 4.0.1: 10.5.1 (by Prowler)
                  HIPAA 45 CFR: 164.312(b) (by Prowler)
                  NIST SP 800-53 r5: AU-11, AU-11(1), SI-12 (by Security Hub)
                  ISO/IEC 27001:2022: A.8.15 (by Prowler)
                  SOC 2: CC7.2, CC7.3, C1.2 (by Prowler)
                  AWS Security Hub: CloudWatch.16, S3.13, S3.10 (by Security Hub)
                  AWS Config: cw-loggroup-retention-period-check, s3-lifecycle-policy-check (by Security Hub)
                  FISC: 実10 (by our judgement)
    "#]]);
}

#[test]
fn the_archive_keeps_what_was_seen_and_tells_what_has_changed_since() {
    let (aws, bucket, group) = careless("420000000005");
    aws.run("verify --region us-east-1 --diff").is(expect![[r#"
        ! ssmtrail: the archive has kept no survey yet
        ! hint: `ssmtrail verify` keeps one each time it asks about everything; or name a file
        [exit 2]
    "#]]);
    aws.run(&format!("sync s3://{bucket}/prod"));
    aws.run("verify --region us-east-1 --strict");
    // One place alone is no survey of everything.
    aws.run(&format!("verify s3://{bucket}/prod"));
    block_on(async {
        let shorter = aws.logs().put_retention_policy().log_group_name(&group).retention_in_days(7);
        shorter.send().await.expect("a retention");
    });
    let said = aws.run("verify --region us-east-1 --diff").0;
    let changed: Vec<&str> = said.lines().filter(|it| it.contains("retention_days")).collect();
    assert_eq!(changed.len(), 1, "{said}");
    assert!(changed[0].ends_with("settings.retention_days  30      7"), "{said}");
    assert!(said.contains("[exit 1]"), "{said}");
    aws.run("query -e \"SELECT COUNT(DISTINCT taken_at) AS surveys FROM surveys\"").is(expect![[
        r#"
            SURVEYS
                  2
        "#
    ]]);
    aws.run("query -e \"SELECT verdict, COUNT(*) AS n FROM findings WHERE check = 'CWL-RET-01' GROUP BY verdict\"").is(expect![[r#"
        VERDICT  N
        fail     2
    "#]]);
    // The archive proves what it keeps, and decoding again leaves it alone.
    let said = aws.run("archive verify").0;
    assert!(!said.contains("[exit"), "{said}");
    aws.run("archive rebuild");
    let said = aws.run("verify --region us-east-1 --diff").0;
    assert!(said.contains("nothing has changed"), "{said}");
}

#[test]
fn the_accounts_own_block_counts_for_a_bucket_that_has_none() {
    let (aws, ..) = careless("420000000006");
    let line = "verify --region us-east-1 --check S3-PUB-01 --all";
    let said = aws.run(line).0;
    assert!(said.contains("does not answer for the account (S3 Control)"), "{said}");
    // Amazon S3 API Reference, S3 Control: GetPublicAccessBlock.
    let block = |on: &str| {
        let flags =
            ["BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"];
        let flags: String = flags.iter().map(|it| format!("<{it}>{on}</{it}>")).collect();
        json!(format!("<PublicAccessBlockConfiguration>{flags}</PublicAccessBlockConfiguration>"))
    };
    aws.canned_whole_for("/v20180820/configuration/publicAccessBlock", block("true"));
    let said = aws.run(line).0;
    assert!(said.contains("by the account") && !said.contains("[exit"), "{said}");
    // A page of somebody in between is neither "never set" nor "off".
    for page in ["<html><body>log in</body></html>", "no XML"] {
        aws.canned_whole_for("/v20180820/configuration/publicAccessBlock", json!(page));
        let said = aws.run(line).0;
        assert!(said.contains("0 fail, 1 unknown"), "{said}");
    }
    aws.canned_whole_for("/v20180820/configuration/publicAccessBlock", block("false"));
    let said = aws.run(line).0;
    assert!(said.contains("neither bucket nor account has BlockPublicAcls"), "{said}");
}
