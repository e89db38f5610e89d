//! Which controls of which standards a check speaks to, and who says so.
//!
//! A check belongs to groups; a group expands to controls. Auditors ask where a mapping comes from, so each has its origin:
//! Security Hub and AWS Config texts, Prowler's compliance files, AWS Japan's FISC material, or our own judgement.

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

const fn map(
    standard: &'static str,
    controls: &'static [&'static str],
    origin: &'static str,
) -> Mapping {
    Mapping { standard, controls, origin }
}

impl Group {
    /// Controls that a check of this group speaks for, one row for each standard.
    pub fn mappings(self) -> &'static [Mapping] {
        match self {
            Self::Retention => {
                const {
                    &[
                        map(PCI, &["10.5.1"], P),
                        map(HIPAA, &["164.312(b)"], P),
                        map(NIST, &["AU-11", "AU-11(1)", "SI-12"], H),
                        map(ISO, &["A.8.15"], P),
                        map(SOC, &["CC7.2", "CC7.3", "C1.2"], P),
                        map(HUB, &["CloudWatch.16", "S3.13", "S3.10"], H),
                        map(
                            CONFIG,
                            &["cw-loggroup-retention-period-check", "s3-lifecycle-policy-check"],
                            H,
                        ),
                        map(FISC, &["実10"], A),
                    ]
                }
            }
            Self::Encryption => {
                const {
                    &[
                        map(PCI, &["10.3.2"], P),
                        map(HIPAA, &["164.312(a)(2)(iv)", "164.312(e)(2)(ii)"], P),
                        map(NIST, &["AU-9(3)", "SC-28(1)"], P),
                        map(ISO, &["A.8.24", "A.8.15"], P),
                        map(SOC, &["CC6.1"], A),
                        map(HUB, &["S3.17"], H),
                        map(
                            CONFIG,
                            &["cloudwatch-log-group-encrypted", "s3-default-encryption-kms"],
                            H,
                        ),
                        map(FISC, &["実3"], F),
                    ]
                }
            }
            Self::Keys => {
                const {
                    &[
                        map(HIPAA, &["164.312(a)(2)(iv)"], P),
                        map(NIST, &["SC-12", "SC-12(2)"], P),
                        map(ISO, &["A.8.24"], P),
                        map(SOC, &["PI1.5"], P),
                        map(CIS, &["4.6"], P),
                        map(HUB, &["KMS.3", "KMS.4", "KMS.5"], H),
                        map(
                            CONFIG,
                            &[
                                "cmk-backing-key-rotation-enabled",
                                "kms-cmk-not-scheduled-for-deletion",
                            ],
                            H,
                        ),
                        map(FISC, &["実30", "実13"], F),
                    ]
                }
            }
            Self::Integrity => {
                const {
                    &[
                        map(PCI, &["10.3.2", "10.3.4"], P),
                        map(HIPAA, &["164.312(c)(1)"], P),
                        map(NIST, &["AU-9(2)"], P),
                        map(ISO, &["A.5.33", "A.5.28"], A),
                        map(SOC, &["PI1.5", "CC7.4"], P),
                        map(CIS, &["3.1.2"], P),
                        map(HUB, &["S3.14", "S3.15", "S3.20"], H),
                        map(
                            CONFIG,
                            &["s3-bucket-versioning-enabled", "s3-bucket-default-lock-enabled"],
                            H,
                        ),
                        map(FISC, &["実18"], F),
                    ]
                }
            }
            Self::Access => {
                const {
                    &[
                        map(PCI, &["10.3.1"], A),
                        map(HIPAA, &["164.312(a)(1)"], P),
                        map(NIST, &["AC-3", "AC-6"], P),
                        map(ISO, &["A.8.3"], P),
                        map(SOC, &["CC6.1"], P),
                        map(CIS, &["3.1.4", "2.21"], P),
                        map(HUB, &["S3.1", "S3.2", "S3.3", "S3.6", "S3.8", "S3.12"], H),
                        map(FISC, &["実3", "実25"], F),
                    ]
                }
            }
            Self::Transport => {
                const {
                    &[
                        map(PCI, &["4.2.1"], A),
                        map(HIPAA, &["164.312(e)(1)"], P),
                        map(NIST, &["SC-8(1)", "AC-17(2)"], P),
                        map(ISO, &["A.8.24"], A),
                        map(CIS, &["3.1.1"], P),
                        map(HUB, &["S3.5"], H),
                        map(CONFIG, &["s3-bucket-ssl-requests-only"], H),
                        map(FISC, &["実7"], F),
                    ]
                }
            }
            Self::Generation => {
                const {
                    &[
                        map(PCI, &["10.2.1", "10.2.1.2", "10.2.2"], A),
                        map(HIPAA, &["164.312(b)"], A),
                        map(NIST, &["AU-2", "AU-3", "AU-12", "AU-14", "AC-17(1)"], A),
                        map(ISO, &["A.8.15", "A.8.2"], A),
                        map(SOC, &["CC7.2"], A),
                        map(FISC, &["実10"], A),
                        map(FISC, &["実38"], F),
                    ]
                }
            }
            Self::Failure => {
                const {
                    &[
                        map(PCI, &["10.7.2", "10.7.3"], A),
                        map(HIPAA, &["164.308(a)(1)(ii)(D)"], A),
                        map(NIST, &["AU-5", "SI-4"], A),
                        map(ISO, &["A.8.16"], A),
                        map(SOC, &["CC7.2", "CC7.3"], A),
                        map(FISC, &["実16", "実18"], A),
                    ]
                }
            }
            Self::Review => {
                const {
                    &[
                        map(PCI, &["10.4.1", "10.4.1.1"], A),
                        map(HIPAA, &["164.308(a)(1)(ii)(D)"], P),
                        map(NIST, &["AU-6", "AU-6(1)", "AU-7"], A),
                        map(ISO, &["A.8.16"], A),
                        map(SOC, &["CC7.2"], A),
                        map(FISC, &["実18"], F),
                    ]
                }
            }
            Self::Session => {
                const {
                    &[
                        map(PCI, &["8.2.8"], A),
                        map(HIPAA, &["164.312(a)(2)(iii)"], A),
                        map(NIST, &["AC-12", "AC-11", "AC-2(5)"], A),
                        map(ISO, &["A.8.5"], A),
                        map(SOC, &["CC6.1"], A),
                    ]
                }
            }
            Self::Accountability => {
                const {
                    &[
                        map(PCI, &["8.2.1", "8.2.2", "10.2.2"], A),
                        map(HIPAA, &["164.312(a)(2)(i)"], A),
                        map(NIST, &["IA-2", "AU-3", "AU-10"], A),
                        map(ISO, &["A.5.16", "A.8.2"], A),
                        map(SOC, &["CC6.1"], A),
                        map(FISC, &["実10"], A),
                    ]
                }
            }
            Self::Trail => {
                const {
                    &[
                        map(PCI, &["10.2.1", "10.3.4"], P),
                        map(HIPAA, &["164.312(b)"], P),
                        map(NIST, &["AU-2", "AU-12", "AU-9", "SI-7"], P),
                        map(ISO, &["A.8.15"], P),
                        map(SOC, &["CC7.2", "CC7.3"], P),
                        map(CIS, &["4.1", "4.2", "4.5", "4.8", "4.9"], P),
                        map(
                            HUB,
                            &["CloudTrail.1", "CloudTrail.2", "CloudTrail.4", "S3.22", "S3.23"],
                            H,
                        ),
                        map(
                            CONFIG,
                            &[
                                "multi-region-cloudtrail-enabled",
                                "cloud-trail-log-file-validation-enabled",
                            ],
                            H,
                        ),
                        map(FISC, &["実10", "実16"], F),
                    ]
                }
            }
            Self::Network => {
                const {
                    &[
                        map(HIPAA, &["164.312(e)(1)"], A),
                        map(NIST, &["SC-7", "AU-12"], A),
                        map(ISO, &["A.8.20"], A),
                        map(SOC, &["CC6.6"], A),
                        map(HUB, &["EC2.57", "EC2.10", "SSM.1"], H),
                        map(FISC, &["実14", "実15"], F),
                    ]
                }
            }
            Self::Capacity => {
                const { &[map(NIST, &["AU-4"], A), map(ISO, &["A.8.6"], A), map(SOC, &["A1.1"], A)] }
            }
        }
    }
}
