//! What undoes a protection: for each check that passes because something is set, the calls that unset it.
//!
//! Not a list of bad words: a row stands here because a check relies on the setting that its calls change. Who may write transcripts, and
//! whoever a bucket's policy names, must have none of them; the same rows are asked of IAM's simulator, of the bucket's policy and of
//! the key's. A test holds that every check that protects has a row, or a reason why it needs none.
//! Source: "Actions, resources, and condition keys for Amazon S3", "… for Amazon CloudWatch Logs", "… for AWS Key Management Service",
//! "… for AWS Systems Manager" (Service Authorization Reference).

/// What a call is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum On {
    /// Objects of a bucket: the transcripts.
    Object,
    /// The bucket itself and its settings.
    Bucket,
    /// Streams of a log group, one for each session.
    Stream,
    /// The log group itself and its settings.
    Group,
    /// All of an account's groups in a Region.
    Logs,
    /// A KMS key.
    Key,
    /// A Session document.
    Document,
}

/// One protection and what undoes it.
#[derive(Clone, Copy, Debug)]
pub struct Undoing {
    /// The check that passes because of it.
    pub check: &'static str,
    /// What the calls are asked about.
    pub on: On,
    /// Permissions of those calls, as `s3:DeleteBucket`.
    pub actions: &'static [&'static str],
}

const fn row(check: &'static str, on: On, actions: &'static [&'static str]) -> Undoing {
    Undoing { check, on, actions }
}

/// All rows, by service: S3, CloudWatch Logs, KMS, Systems Manager.
pub const UNDOING: &[Undoing] = &[
    // What replicates a delete marker hides a transcript as well.
    row(
        "S3-EXIST-01",
        On::Object,
        &["s3:DeleteObject", "s3:DeleteObjectVersion", "s3:ReplicateDelete"],
    ),
    row("S3-EXIST-01", On::Bucket, &["s3:DeleteBucket"]),
    row("S3-RET-01", On::Bucket, &["s3:PutLifecycleConfiguration"]),
    row("S3-RET-03", On::Bucket, &["s3:PutIntelligentTieringConfiguration"]),
    row("S3-VER-01", On::Bucket, &["s3:PutBucketVersioning"]),
    row("S3-LOCK-01", On::Bucket, &["s3:PutBucketObjectLockConfiguration"]),
    row(
        "S3-LOCK-02",
        On::Object,
        &["s3:BypassGovernanceRetention", "s3:PutObjectRetention", "s3:PutObjectLegalHold"],
    ),
    row("S3-ENC-01", On::Bucket, &["s3:PutEncryptionConfiguration"]),
    row("S3-ENC-03", On::Object, &["s3:UpdateObjectEncryption"]),
    row("S3-PUB-01", On::Bucket, &["s3:PutBucketPublicAccessBlock"]),
    row("S3-PUB-02", On::Bucket, &["s3:PutBucketAcl"]),
    row("S3-TLS-01", On::Bucket, &["s3:PutBucketPolicy", "s3:DeleteBucketPolicy"]),
    row("S3-OWN-01", On::Bucket, &["s3:PutBucketOwnershipControls"]),
    row("S3-LOG-01", On::Bucket, &["s3:PutBucketLogging"]),
    row("S3-REP-01", On::Bucket, &["s3:PutReplicationConfiguration"]),
    row("CWL-EXIST-01", On::Stream, &["logs:DeleteLogStream"]),
    row("CWL-EXIST-01", On::Group, &["logs:DeleteLogGroup"]),
    row("CWL-RET-01", On::Group, &["logs:PutRetentionPolicy"]),
    row("CWL-RET-03", On::Logs, &["logs:PutAccountPolicy"]),
    row("CWL-ENC-01", On::Group, &["logs:DisassociateKmsKey", "logs:AssociateKmsKey"]),
    row("CWL-DPP-01", On::Group, &["logs:PutDataProtectionPolicy"]),
    row("CWL-DEL-01", On::Group, &["logs:PutLogGroupDeletionProtection"]),
    row("CWL-ACC-01", On::Logs, &["logs:PutResourcePolicy"]),
    row("CWL-ACC-02", On::Group, &["logs:PutBearerTokenAuthentication"]),
    row("CWL-SUB-01", On::Group, &["logs:PutSubscriptionFilter"]),
    row(
        "KMS-STATE-01",
        On::Key,
        &["kms:ScheduleKeyDeletion", "kms:DisableKey", "kms:DeleteImportedKeyMaterial"],
    ),
    row("KMS-POL-01", On::Key, &["kms:PutKeyPolicy"]),
    row("KMS-ROT-01", On::Key, &["kms:DisableKeyRotation"]),
    row("PREF-LOG-01", On::Document, &["ssm:UpdateDocument", "ssm:UpdateDocumentDefaultVersion"]),
    row("PREF-DOC-01", On::Document, &["ssm:DeleteDocument"]),
    row("PREF-DOC-03", On::Document, &["ssm:ModifyDocumentPermission"]),
];

/// All calls about a thing, each once.
pub fn actions(on: On) -> Vec<&'static str> {
    let mut out: Vec<&'static str> = Vec::new();
    for it in UNDOING.iter().filter(|it| it.on == on).flat_map(|it| it.actions) {
        if !out.contains(it) {
            out.push(it);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Checks that pass by what nothing above unsets, and why.
    const NONE: &[(&str, &str)] = &[
        ("S3-REGION-01", "a bucket's Region is for ever"),
        ("S3-ENC-02", "it tells of keys, and KMS-STATE-01 and KMS-POL-01 judge them"),
        ("S3-ENC-04", "set by the same call as S3-ENC-01"),
        ("S3-RET-02", "set by the same call as S3-RET-01"),
        ("S3-RET-04", "it looks at objects"),
        ("S3-VER-02", "MFA delete is set by the root user alone, with the call of S3-VER-01"),
        ("S3-XACC-01", "it judges the policy that S3-TLS-01 names the calls of"),
        (
            "CWL-RET-02",
            "it is about an end, which DeleteRetentionPolicy takes away and no evidence with it",
        ),
        ("CWL-CLASS-01", "a group's class is for ever"),
        ("KMS-POL-02", "set by the same call as KMS-POL-01"),
    ];

    #[test]
    fn every_check_of_a_place_has_what_undoes_it_or_a_reason_for_none() {
        let is_place = |id: &str| ["S3-", "CWL-", "KMS-"].iter().any(|it| id.starts_with(it));
        for it in crate::audit::checks().filter(|it| is_place(it.id)) {
            let has = UNDOING.iter().any(|one| one.check == it.id);
            let reason = NONE.iter().any(|one| one.0 == it.id && !one.1.is_empty());
            assert!(has != reason, "{}: a row {has}, a reason {reason}", it.id);
        }
        for it in UNDOING {
            assert!(crate::audit::checks().any(|one| one.id == it.check), "{}", it.check);
            assert!(!it.actions.is_empty());
        }
    }
}
