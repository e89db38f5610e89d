//! Which controls of which standards a check speaks to, and who says so.
//!
//! A check belongs to groups; a group expands to controls. Auditors ask where a mapping comes from, so each has its origin:
//! Security Hub and AWS Config texts, Prowler's compliance files, AWS Japan's FISC material, or our own judgement.

use Group::*;
use serde::Serialize;

/// What a check is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Group {
    /// Evidence is kept as long as promised.
    Retention,
    /// It is encrypted where it lies.
    Encryption,
    /// The life of the keys.
    Keys,
    /// It cannot be changed unnoticed.
    Integrity,
    /// Who can read it.
    Access,
    /// It is encrypted on its way.
    Transport,
    /// A record is made at all.
    Generation,
    /// A failure to record is noticed.
    Failure,
    /// It can be reviewed.
    Review,
    /// Limits of sessions.
    Session,
    /// Who is accountable.
    Accountability,
    /// AWS CloudTrail.
    Trail,
    /// The way through the network.
    Network,
    /// Capacity and cost.
    Capacity,
}

/// One standard and its controls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Mapping {
    /// The standard and its version, as `PCI DSS 4.0.1`.
    pub standard: &'static str,
    /// Its control ids, as `10.5.1`.
    pub controls: &'static [&'static str],
    /// Who says so.
    pub origin: &'static str,
}

const PCI: &str = "PCI DSS 4.0.1";
const HIPAA: &str = "HIPAA 45 CFR";
const NIST: &str = "NIST SP 800-53 r5";
const ISO: &str = "ISO/IEC 27001:2022";
const SOC: &str = "SOC 2";
const CIS: &str = "CIS AWS Foundations 7.0.0";
const HUB: &str = "AWS Security Hub";
const CONFIG: &str = "AWS Config";
const FISC: &str = "FISC";

const P: &str = "Prowler";
const H: &str = "Security Hub";
const F: &str = "AWS Japan, BLEA for FSI";
const A: &str = "our judgement";

const fn row(
    group: Group,
    standard: &'static str,
    controls: &'static [&'static str],
    origin: &'static str,
) -> (Group, Mapping) {
    (group, Mapping { standard, controls, origin })
}

/// Controls that a check of a group speaks for.
const MAPPINGS: &[(Group, Mapping)] = &[
    row(Retention, PCI, &["10.5.1"], P),
    row(Retention, HIPAA, &["164.312(b)"], P),
    row(Retention, NIST, &["AU-11", "AU-11(1)", "SI-12"], H),
    row(Retention, ISO, &["A.8.15"], P),
    row(Retention, SOC, &["CC7.2", "CC7.3", "C1.2"], P),
    row(Retention, HUB, &["CloudWatch.16", "S3.13", "S3.10"], H),
    row(Retention, CONFIG, &["cw-loggroup-retention-period-check", "s3-lifecycle-policy-check"], H),
    row(Retention, FISC, &["実10"], A),
    row(Encryption, PCI, &["10.3.2"], P),
    row(Encryption, HIPAA, &["164.312(a)(2)(iv)", "164.312(e)(2)(ii)"], P),
    row(Encryption, NIST, &["AU-9(3)", "SC-28(1)"], P),
    row(Encryption, ISO, &["A.8.24", "A.8.15"], P),
    row(Encryption, SOC, &["CC6.1"], A),
    row(Encryption, HUB, &["S3.17"], H),
    row(Encryption, CONFIG, &["cloudwatch-log-group-encrypted", "s3-default-encryption-kms"], H),
    row(Encryption, FISC, &["実3"], F),
    row(Keys, HIPAA, &["164.312(a)(2)(iv)"], P),
    row(Keys, NIST, &["SC-12", "SC-12(2)"], P),
    row(Keys, ISO, &["A.8.24"], P),
    row(Keys, SOC, &["PI1.5"], P),
    row(Keys, CIS, &["4.6"], P),
    row(Keys, HUB, &["KMS.3", "KMS.4", "KMS.5"], H),
    row(
        Keys,
        CONFIG,
        &["cmk-backing-key-rotation-enabled", "kms-cmk-not-scheduled-for-deletion"],
        H,
    ),
    row(Keys, FISC, &["実30", "実13"], F),
    row(Integrity, PCI, &["10.3.2", "10.3.4"], P),
    row(Integrity, HIPAA, &["164.312(c)(1)"], P),
    row(Integrity, NIST, &["AU-9(2)"], P),
    row(Integrity, ISO, &["A.5.33", "A.5.28"], A),
    row(Integrity, SOC, &["PI1.5", "CC7.4"], P),
    row(Integrity, CIS, &["3.1.2"], P),
    row(Integrity, HUB, &["S3.14", "S3.15", "S3.20"], H),
    row(Integrity, CONFIG, &["s3-bucket-versioning-enabled", "s3-bucket-default-lock-enabled"], H),
    row(Integrity, FISC, &["実18"], F),
    row(Access, PCI, &["10.3.1"], A),
    row(Access, HIPAA, &["164.312(a)(1)"], P),
    row(Access, NIST, &["AC-3", "AC-6"], P),
    row(Access, ISO, &["A.8.3"], P),
    row(Access, SOC, &["CC6.1"], P),
    row(Access, CIS, &["3.1.4", "2.21"], P),
    row(Access, HUB, &["S3.1", "S3.2", "S3.3", "S3.6", "S3.8", "S3.12"], H),
    row(Access, FISC, &["実3", "実25"], F),
    row(Transport, PCI, &["4.2.1"], A),
    row(Transport, HIPAA, &["164.312(e)(1)"], P),
    row(Transport, NIST, &["SC-8(1)", "AC-17(2)"], P),
    row(Transport, ISO, &["A.8.24"], A),
    row(Transport, CIS, &["3.1.1"], P),
    row(Transport, HUB, &["S3.5"], H),
    row(Transport, CONFIG, &["s3-bucket-ssl-requests-only"], H),
    row(Transport, FISC, &["実7"], F),
    row(Generation, PCI, &["10.2.1", "10.2.1.2", "10.2.2"], A),
    row(Generation, HIPAA, &["164.312(b)"], A),
    row(Generation, NIST, &["AU-2", "AU-3", "AU-12", "AU-14", "AC-17(1)"], A),
    row(Generation, ISO, &["A.8.15", "A.8.2"], A),
    row(Generation, SOC, &["CC7.2"], A),
    row(Generation, FISC, &["実10"], A),
    row(Generation, FISC, &["実38"], F),
    row(Failure, PCI, &["10.7.2", "10.7.3"], A),
    row(Failure, HIPAA, &["164.308(a)(1)(ii)(D)"], A),
    row(Failure, NIST, &["AU-5", "SI-4"], A),
    row(Failure, ISO, &["A.8.16"], A),
    row(Failure, SOC, &["CC7.2", "CC7.3"], A),
    row(Failure, FISC, &["実16", "実18"], A),
    row(Review, PCI, &["10.4.1", "10.4.1.1"], A),
    row(Review, HIPAA, &["164.308(a)(1)(ii)(D)"], P),
    row(Review, NIST, &["AU-6", "AU-6(1)", "AU-7"], A),
    row(Review, ISO, &["A.8.16"], A),
    row(Review, SOC, &["CC7.2"], A),
    row(Review, FISC, &["実18"], F),
    row(Session, PCI, &["8.2.8"], A),
    row(Session, HIPAA, &["164.312(a)(2)(iii)"], A),
    row(Session, NIST, &["AC-12", "AC-11", "AC-2(5)"], A),
    row(Session, ISO, &["A.8.5"], A),
    row(Session, SOC, &["CC6.1"], A),
    row(Accountability, PCI, &["8.2.1", "8.2.2", "10.2.2"], A),
    row(Accountability, HIPAA, &["164.312(a)(2)(i)"], A),
    row(Accountability, NIST, &["IA-2", "AU-3", "AU-10"], A),
    row(Accountability, ISO, &["A.5.16", "A.8.2"], A),
    row(Accountability, SOC, &["CC6.1"], A),
    row(Accountability, FISC, &["実10"], A),
    row(Trail, PCI, &["10.2.1", "10.3.4"], P),
    row(Trail, HIPAA, &["164.312(b)"], P),
    row(Trail, NIST, &["AU-2", "AU-12", "AU-9", "SI-7"], P),
    row(Trail, ISO, &["A.8.15"], P),
    row(Trail, SOC, &["CC7.2", "CC7.3"], P),
    row(Trail, CIS, &["4.1", "4.2", "4.5", "4.8", "4.9"], P),
    row(Trail, HUB, &["CloudTrail.1", "CloudTrail.2", "CloudTrail.4", "S3.22", "S3.23"], H),
    row(
        Trail,
        CONFIG,
        &["multi-region-cloudtrail-enabled", "cloud-trail-log-file-validation-enabled"],
        H,
    ),
    row(Trail, FISC, &["実10", "実16"], F),
    row(Network, HIPAA, &["164.312(e)(1)"], A),
    row(Network, NIST, &["SC-7", "AU-12"], A),
    row(Network, ISO, &["A.8.20"], A),
    row(Network, SOC, &["CC6.6"], A),
    row(Network, HUB, &["EC2.57", "EC2.10", "SSM.1"], H),
    row(Network, FISC, &["実14", "実15"], F),
    row(Capacity, NIST, &["AU-4"], A),
    row(Capacity, ISO, &["A.8.6"], A),
    row(Capacity, SOC, &["A1.1"], A),
];

impl Group {
    /// Controls that a check of this group speaks for, in the order of the standards.
    pub fn mappings(self) -> impl Iterator<Item = &'static Mapping> {
        MAPPINGS.iter().filter(move |it| it.0 == self).map(|it| &it.1)
    }
}
