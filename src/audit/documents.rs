//! Checks of Session documents: is a record made at all, and can it be switched off by choosing another document.
//!
//! Nobody else looks here: no published scanner reads Session Manager's preferences.

use std::collections::BTreeMap;

use super::buckets;
use super::check::About;
use super::check::Check;
use super::frameworks::Group;
use super::names::quote;
use super::preferences::Input;
use super::preferences::Minutes;
use super::preferences::NAME;
use super::preferences::Preferences;
use super::profile;
use super::subject::OwnPreferences;
use super::verdict::Answer;
use super::verdict::Judged;
use super::verdict::Severity::Critical;
use super::verdict::Severity::High;
use super::verdict::Severity::Low;
use super::verdict::Severity::Medium;
use super::verdict::unclear;
use super::view::View;
use crate::settings::Corner;
use crate::settings::Document;
use crate::settings::Existence;
use crate::settings::Reason;
use crate::settings::Unread;

pub(super) const CHECKS: &[Check] = &[
    Check {
        id: "PREF-DOC-01",
        title: "Session Manager preferences exist",
        severity: Critical,
        groups: &[Group::Generation],
        reads: &["ssm:GetDocument", "ssm:DescribeInstanceInformation"],
        why: "Without the document sessions run with built-in defaults, and nothing is logged.",
        then: "Create the preferences in this Region; they are not inherited from anywhere.",
        ask: &About::<Corner>(exists),
    },
    Check {
        id: "PREF-LOG-01",
        title: "A destination for transcripts is set",
        severity: Critical,
        groups: &[Group::Generation],
        reads: &["ssm:GetDocument"],
        why: "Preferences that name neither a bucket nor a log group record nothing.",
        then: "Name a bucket and a log group in the preferences.",
        ask: &About::<OwnPreferences>(destination),
    },
    Check {
        id: "PREF-LOG-02",
        title: "Sessions are streamed while they run",
        severity: High,
        groups: &[Group::Generation, Group::Failure],
        reads: &["ssm:GetDocument"],
        why: "What is uploaded when a session ends is lost when the instance is stopped first, or the agent is killed.",
        then: "Name a log group and switch streaming on; keep the bucket as the second copy.",
        ask: &About::<OwnPreferences>(streaming),
    },
    Check {
        id: "PREF-ENF-01",
        title: "Sessions are refused where their log would not be encrypted",
        severity: Medium,
        groups: &[Group::Encryption],
        reads: &["ssm:GetDocument"],
        why: "With the flags off nobody notices a later downgrade, and a role that may not write loses its logs in silence.",
        then: "Switch on the encryption flag of each destination, once PREF-ENF-02 passes.",
        ask: &About::<OwnPreferences>(enforced),
    },
    Check {
        id: "PREF-ENF-02",
        title: "The encryption flags agree with the destinations",
        severity: High,
        groups: &[Group::Failure],
        reads: &[
            "ssm:GetDocument",
            "logs:DescribeLogGroups",
            "s3:GetEncryptionConfiguration",
            "s3:ListBucket",
        ],
        why: "Where they disagree the agent refuses every session, with a message that names another cause.",
        then: "Mend the named cause: the key, the group or the kind of encryption.",
        ask: &About::<OwnPreferences>(contradiction),
    },
    Check {
        id: "PREF-DOC-02",
        title: "No other Session document lets a shell run unlogged",
        severity: High,
        groups: &[Group::Generation],
        reads: &["ssm:ListDocuments", "ssm:GetDocument"],
        why: "The document of a session replaces the preferences: whoever may choose it chooses whether there is a log.",
        then: "Give the document fixed destinations or delete it, and pin users to approved documents.",
        ask: &About::<Document>(side_door),
    },
    Check {
        id: "PREF-DOC-03",
        title: "Session documents are not shared with everybody",
        severity: High,
        groups: &[Group::Access],
        reads: &["ssm:DescribeDocumentPermission", "ssm:GetDocument", "ssm:ListDocuments"],
        why: "A public document tells everybody the names of your buckets, groups and keys.",
        then: "Stop sharing it.",
        ask: &About::<Document>(shared),
    },
    Check {
        id: "PREF-KMS-01",
        title: "Session data are encrypted with your key",
        severity: Medium,
        groups: &[Group::Transport, Group::Keys],
        reads: &["ssm:GetDocument", "kms:DescribeKey"],
        why: "A key of your own lets you refuse a session by its key policy. It never applies to port forwarding.",
        then: "Set kmsKeyId in the preferences, and allow kms:Decrypt to the nodes and kms:GenerateDataKey to those who start sessions.",
        ask: &About::<OwnPreferences>(session_key),
    },
    Check {
        id: "PREF-TIME-01",
        title: "Idle sessions end in time",
        severity: Low,
        groups: &[Group::Session],
        reads: &["ssm:GetDocument"],
        why: "A shell that is left open is a shell for the next one at the desk.",
        then: "Set idleSessionTimeout.",
        ask: &About::<OwnPreferences>(idle),
    },
    Check {
        id: "PREF-TIME-02",
        title: "Sessions have a longest duration",
        severity: Low,
        groups: &[Group::Session],
        reads: &["ssm:GetDocument"],
        why: "A session that never ends is never uploaded to S3.",
        then: "Set maxSessionDuration.",
        ask: &About::<OwnPreferences>(longest),
    },
    Check {
        id: "PREF-RUNAS-01",
        title: "Sessions run as a named operating-system user",
        severity: Medium,
        groups: &[Group::Accountability],
        reads: &["ssm:GetDocument", "ssm:DescribeInstanceInformation"],
        why: "Otherwise everybody is ssm-user, who may become root.",
        then: "Switch Run As on, and tag principals with SSMSessionRunAs.",
        ask: &About::<OwnPreferences>(run_as),
    },
    Check {
        id: "PREF-DRIFT-01",
        title: "Preferences are the same everywhere, and the newest are in force",
        severity: Medium,
        groups: &[Group::Failure],
        reads: &["ssm:GetDocument", "ssm:DescribeDocument"],
        why: "The Region that differs is the one where logging was forgotten, or switched off.",
        then: "Make the Regions equal, and the newest version the default.",
        ask: &About::<OwnPreferences>(drift),
    },
    Check {
        id: "PREF-PROF-01",
        title: "The shell profile neither weakens the record nor holds secrets",
        severity: Medium,
        groups: &[Group::Generation],
        reads: &["ssm:GetDocument"],
        why: "It runs in every session: what it switches off is off for everybody, what it holds everybody can read.",
        then: "Remove the line.",
        ask: &About::<OwnPreferences>(shell_profile),
    },
];

/// A parameter that is filled in by whoever starts a session.
fn chosen(name: &str) -> Unread {
    unclear(Reason::NotUnderstood, format!("{name} is filled in by whoever starts a session"))
}

fn read(it: &Document, view: &View<'_>) -> Result<Preferences, Unread> {
    let content = view.take(&it.content)?;
    Preferences::read(content).ok_or_else(|| {
        unclear(Reason::NotUnderstood, format!("the content of {} is no JSON", it.name))
    })
}

/// The commands that change one document with jq, keeping everything else in it.
fn edit(it: &Document, corner: &Corner, filter: &str) -> [String; 2] {
    let (region, name) = (quote(&corner.region), quote(&it.name));
    let filter = quote(filter);
    [
        format!(
            "aws ssm get-document --region {region} --name {name} --query Content --output text | jq {filter} > document.json && \
             aws ssm update-document --region {region} --name {name} --document-version '$LATEST' --content file://document.json"
        ),
        format!(
            "aws ssm update-document-default-version --region {region} --name {name} --document-version \
             \"$(aws ssm describe-document --region {region} --name {name} --query Document.LatestVersion --output text)\""
        ),
    ]
}

impl Judged {
    fn edited(self, it: &Document, corner: &Corner, filter: &str) -> Self {
        let [one, two] = edit(it, corner, filter);
        self.fix(one).fix(two)
    }
}

fn exists(it: &Corner, view: &View<'_>) -> Answer {
    if let Some(document) = view.take(&it.preferences)? {
        let version = &document.version;
        return Ok(Judged::pass(format!("version {version} of {NAME}")));
    }
    let region = quote(&it.region);
    let create = format!(
        "aws ssm create-document --region {region} --name {NAME} --document-type Session --document-format JSON --content file://preferences.json"
    );
    // A Region without nodes has no sessions: that must be known, not supposed.
    if view.take(&it.nodes)?.is_empty() {
        return Ok(Judged::absent("there are no managed nodes here"));
    }
    let nodes = view.take(&it.nodes)?.len();
    Ok(Judged::fail(format!("there is no {NAME}, and there are {nodes} managed nodes"))
        .promised("sessions are logged")
        .fix(create))
}

fn destination((it, corner): (&Document, &Corner), view: &View<'_>) -> Answer {
    let told = read(it, view)?;
    let mut named = Vec::new();
    let mut unknown = None;
    for (what, input) in [("s3://", &told.bucket), ("logs:", &told.group)] {
        match input {
            Input::Is(name) => named.push(format!("{what}{name}")),
            Input::Chosen(name) => unknown = Some(chosen(name)),
            Input::Absent => {}
        }
    }
    if let (true, Some(it)) = (named.is_empty(), unknown) {
        return Err(it);
    }
    let promised = "a bucket or a log group, best both";
    // "Log group names consist of … a-z, A-Z, 0-9, '_', '-', '/', '.', and '#'" ("CreateLogGroup"): the agent asks for a group of
    // this very name, and AWS refuses the question.
    let is_name = |it: char| it.is_ascii_alphanumeric() || "_-/.#".contains(it);
    // 3 to 63 small letters, digits, dots and hyphens, a letter or a digit at both ends, no two dots, no address ("General purpose bucket
    // naming rules").
    let is_bucket = |it: &str| {
        let inner = |it: u8| it.is_ascii_lowercase() || it.is_ascii_digit() || b".-".contains(&it);
        let ends = |it: Option<u8>| it.is_some_and(|it| it.is_ascii_alphanumeric());
        (3..=63).contains(&it.len())
            && it.bytes().all(inner)
            && ends(it.bytes().next())
            && ends(it.bytes().next_back())
            && !it.contains("..")
            && it.parse::<core::net::Ipv4Addr>().is_err()
    };
    if let Some(name) = told.bucket.text().filter(|it| !is_bucket(it)) {
        let seen = format!("{name} is no name of a bucket: sessions are refused or not logged");
        return Ok(Judged::fail(seen).promised(promised).edited(
            it,
            corner,
            ".inputs.s3BucketName=\"NAME-OF-BUCKET\"",
        ));
    }
    let is_group = |it: &str| it.len() <= 512 && it.chars().all(is_name);
    if let Some(name) = told.group.text().filter(|it| !is_group(it)) {
        let right = name.split(":log-group:").nth(1).and_then(|it| it.split(':').next());
        let right = right.unwrap_or("NAME-OF-LOG-GROUP");
        let edit = format!(".inputs.cloudWatchLogGroupName={}", serde_json::Value::from(right));
        let seen = format!("{name} is no name of a log group: sessions are refused or not logged");
        return Ok(Judged::fail(seen).promised(promised).edited(it, corner, &edit));
    }
    Ok(match named.len() {
        0 => Judged::fail("neither a bucket nor a log group is named")
            .promised(promised)
            .edited(it, corner, r#".inputs.cloudWatchLogGroupName="NAME-OF-LOG-GROUP" | .inputs.cloudWatchStreamingEnabled=true"#),
        _ => Judged::pass(named.join(" and ")).promised(promised),
    })
}

fn streaming((it, corner): (&Document, &Corner), view: &View<'_>) -> Answer {
    let told = read(it, view)?;
    let promised = "CloudWatch streaming";
    Ok(match (&told.group, told.streaming) {
        (Input::Absent, _) => match told.bucket {
            Input::Absent => Judged::absent("there is no destination (PREF-LOG-01)"),
            _ => Judged::fail("transcripts are uploaded to S3 when a session ends")
                .promised(promised)
                .edited(it, corner, r#".inputs.cloudWatchLogGroupName="NAME-OF-LOG-GROUP" | .inputs.cloudWatchStreamingEnabled=true"#),
        },
        (Input::Chosen(it), true) => return Err(chosen(it)),
        (_, true) => Judged::pass("events are streamed to CloudWatch Logs").promised(promised),
        (_, false) if told.streaming_is_text => {
            Judged::fail("cloudWatchStreamingEnabled is a text in quotes, and the agent reads a JSON boolean alone")
                .promised(promised)
                .edited(it, corner, ".inputs.cloudWatchStreamingEnabled=true")
        }
        (_, false) => Judged::fail("transcripts are sent to CloudWatch Logs when a session ends")
            .promised(promised)
            .edited(it, corner, ".inputs.cloudWatchStreamingEnabled=true"),
    })
}

fn enforced((it, corner): (&Document, &Corner), view: &View<'_>) -> Answer {
    let told = read(it, view)?;
    let flags = [
        ("s3EncryptionEnabled", told.bucket != Input::Absent, told.bucket_encrypted),
        ("cloudWatchEncryptionEnabled", told.group != Input::Absent, told.group_encrypted),
    ];
    let off: Vec<&str> = flags.iter().filter(|it| it.1 && !it.2).map(|it| it.0).collect();
    if flags.iter().all(|it| !it.1) {
        return Ok(Judged::absent("there is no destination (PREF-LOG-01)"));
    }
    if off.is_empty() {
        return Ok(Judged::pass("on for each destination").promised("on"));
    }
    let filter: Vec<String> = off.iter().map(|it| format!(".inputs.{it}=true")).collect();
    Ok(Judged::fail(format!("{} off", off.join(" and "))).promised("on").edited(
        it,
        corner,
        &filter.join(" | "),
    ))
}

/// What the agent would answer to whoever starts a session.
/// Source: amazon-ssm-agent: agent/session/shell/shell.go, agent/s3util/s3util.go,
/// agent/agentlogstocloudwatch/cloudwatchlogspublisher/cloudwatchlogsservice.go.
pub(super) const CW_REFUSAL: &str =
    "\"encryption is not set up on the selected CloudWatch Logs log group\"";
pub(super) const S3_REFUSAL: &str = "\"unable to validate encryption on Amazon S3 bucket\" (older agents: \"encryption is not set up\")";

/// A reason for which sessions are refused, and the command that mends it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clash {
    pub why: String,
    /// What whoever starts a session is told.
    pub told: &'static str,
    pub fix: Option<String>,
}

/// All reasons for which the agent would refuse sessions by these preferences; and what could not be known.
pub fn clashes(
    told: &Preferences,
    corner: &Corner,
    view: &View<'_>,
) -> (Vec<Clash>, Option<Unread>) {
    let mut out = Vec::new();
    let mut lacking = None;
    let region = quote(&corner.region);
    let mut clash = |why: String, told: &'static str, fix: Option<String>| {
        out.push(Clash { why, told, fix });
    };
    for (input, flagged) in
        [(&told.group, told.group_encrypted), (&told.bucket, told.bucket_encrypted)]
    {
        if let (Input::Chosen(it), true) = (input, flagged) {
            lacking = Some(chosen(it));
        }
    }
    if let (Input::Is(group), true) = (&told.group, told.group_encrypted) {
        let name = quote(group);
        match view.group(group, &corner.account, &corner.region).map(|it| view.take(&it.settings)) {
            Some(Ok(None)) => clash(
                format!(
                    "cloudWatchEncryptionEnabled is on, and the log group {group} does not exist"
                ),
                CW_REFUSAL,
                Some(format!(
                    "aws logs create-log-group --region {region} --log-group-name {name} --kms-key-id KEY-ARN"
                )),
            ),
            Some(Ok(Some(it))) if it.kms_key.is_none() => clash(
                format!(
                    "cloudWatchEncryptionEnabled is on, and the log group {group} has no KMS key"
                ),
                CW_REFUSAL,
                Some(format!(
                    "aws logs associate-kms-key --region {region} --log-group-name {name} --kms-key-id KEY-ARN"
                )),
            ),
            Some(Ok(_)) => {}
            Some(Err(it)) => lacking = Some(it),
            None => {
                let why = format!("the log group {group} was not surveyed");
                lacking = Some(unclear(Reason::NotAsked, why));
            }
        }
    }
    if let (Input::Is(bucket), true) = (&told.bucket, told.bucket_encrypted) {
        match view.bucket(bucket) {
            Some(it) => {
                match view.take(&it.existence) {
                    Ok(Existence::Missing) => clash(
                        format!(
                            "s3EncryptionEnabled is on, and the bucket {bucket} does not exist"
                        ),
                        S3_REFUSAL,
                        None,
                    ),
                    Ok(_) => {}
                    Err(it) => lacking = Some(it),
                }
                match view.take(&it.encryption) {
                    Ok(Some(it)) if it.algorithm == "aws:kms:dsse" => clash(
                        format!(
                            "s3EncryptionEnabled is on, and {bucket} encrypts by aws:kms:dsse, which the agent takes for no encryption"
                        ),
                        S3_REFUSAL,
                        Some(format!(
                            "aws s3api put-bucket-encryption --bucket {} --server-side-encryption-configuration '{{\"Rules\":[{{\"ApplyServerSideEncryptionByDefault\":{{\"SSEAlgorithm\":\"aws:kms\",\"KMSMasterKeyID\":\"KEY-ARN\"}},\"BucketKeyEnabled\":true}}]}}'",
                            quote(bucket)
                        )),
                    ),
                    Ok(_) => {}
                    Err(it) => lacking = Some(it),
                }
            }
            None => {
                let why = format!("the bucket {bucket} was not surveyed");
                lacking = Some(unclear(Reason::NotAsked, why));
            }
        }
    }
    (out, lacking)
}

fn contradiction((it, corner): (&Document, &Corner), view: &View<'_>) -> Answer {
    let told = read(it, view)?;
    if !told.bucket_encrypted && !told.group_encrypted {
        return Ok(Judged::absent("both flags are off"));
    }
    let (clashes, lacking) = clashes(&told, corner, view);
    let promised = "sessions start";
    if clashes.is_empty() {
        if let Some(it) = lacking {
            return Err(it);
        }
        return Ok(
            Judged::pass("the flags agree with what the destinations are").promised(promised)
        );
    }
    let mut judged = Judged::fail("sessions are refused").promised(promised);
    for it in clashes {
        judged.details.push(format!("{}; whoever starts one reads {}", it.why, it.told));
        if let Some(fix) = it.fix {
            judged = judged.fix(fix);
        }
    }
    Ok(judged)
}

fn side_door((it, corner): (&Document, &Corner), view: &View<'_>) -> Answer {
    if it.name == NAME {
        return Ok(Judged::absent("these are the preferences (PREF-LOG-01)"));
    }
    if it.name.is_empty() {
        return Err(unclear(Reason::NotUnderstood, "it has no name"));
    }
    let told = read(it, view)?;
    if !told.is_shell() {
        return Ok(Judged::info("it forwards ports, which is never logged"));
    }
    let promised = "fixed destinations";
    let delete = format!(
        "aws ssm delete-document --region {} --name {}",
        quote(&corner.region),
        quote(&it.name)
    );
    let chosen = [&told.bucket, &told.group].into_iter().find_map(|it| match it {
        Input::Chosen(it) => Some(it),
        _ => None,
    });
    // Rules of a bucket's life and locks of its objects are by prefix.
    let chosen = chosen.or(told.prefix_chosen.as_ref().filter(|_| told.bucket != Input::Absent));
    let fixed = told.bucket.text().is_some() || told.group.text().is_some();
    let kind = &told.session_type;
    Ok(match (chosen, fixed) {
        (Some(it), _) => Judged::fail(format!("{kind}: whoever starts a session chooses {it}")),
        (None, false) => {
            Judged::fail(format!("{kind}: it names no destination, so its sessions are not logged"))
        }
        (None, true) => return Ok(Judged::pass("it names its destinations").promised(promised)),
    }
    .promised(promised)
    .risky(delete, "sessions that name this document no longer start"))
}

fn shared((it, corner): (&Document, &Corner), view: &View<'_>) -> Answer {
    let with = view.take(&it.shared_with)?;
    let promised = "not with everybody";
    if with.iter().any(|it| it.eq_ignore_ascii_case("all")) {
        let fix = format!(
            "aws ssm modify-document-permission --region {} --name {} --permission-type Share --account-ids-to-remove all",
            quote(&corner.region),
            quote(&it.name)
        );
        return Ok(Judged::fail("shared with everybody").promised(promised).fix(fix));
    }
    let foreign: Vec<String> = with.iter().filter(|it| !view.is_ours(it)).cloned().collect();
    Ok(match foreign.is_empty() {
        true => Judged::pass("not shared outside").promised(promised),
        false => Judged::info(format!("shared with {}", foreign.join(", "))).promised(promised),
    })
}

fn session_key((it, corner): (&Document, &Corner), view: &View<'_>) -> Answer {
    let told = read(it, view)?;
    let promised = "a customer managed key";
    let edit = r#".inputs.kmsKeyId="KEY-ARN""#;
    Ok(match (&told.key, view.promise.customer_key) {
        (Input::Chosen(it), _) => return Err(chosen(it)),
        (Input::Is(key), true) if buckets::is_managed(Some(key), view)? => {
            Judged::fail(format!("with {key}, a key that AWS manages"))
                .promised(promised)
                .edited(it, corner, edit)
        }
        (Input::Is(key), _) => Judged::pass(format!("with {key}")),
        (Input::Absent, false) => Judged::info("with TLS alone, which was not promised otherwise"),
        (Input::Absent, true) => {
            Judged::fail("with TLS alone").promised(promised).edited(it, corner, edit)
        }
    })
}

fn idle((it, corner): (&Document, &Corner), view: &View<'_>) -> Answer {
    let (minutes, seen) = match read(it, view)?.idle {
        Minutes::Is(it) => (Some(it), format!("after {it} minutes")),
        // "Specify an idle session timeout value": 20 minutes unless another is set.
        Minutes::Absent => (Some(20), "after 20 minutes (the default)".into()),
        Minutes::Strange(it) => (None, it),
        Minutes::Chosen(it) => return Err(chosen(&it)),
    };
    let most = view.promise.idle_minutes;
    at_most(
        it,
        corner,
        (minutes, seen),
        most,
        |most| format!("within {most} minutes"),
        "idleSessionTimeout",
    )
}

fn longest((it, corner): (&Document, &Corner), view: &View<'_>) -> Answer {
    let (minutes, seen) = match read(it, view)?.longest {
        Minutes::Is(it) => (Some(it), format!("{it} minutes")),
        Minutes::Absent => (None, "none".into()),
        Minutes::Strange(it) => (None, it),
        Minutes::Chosen(it) => return Err(chosen(&it)),
    };
    let most = view.promise.max_session_minutes;
    at_most(
        it,
        corner,
        (minutes, seen),
        most,
        |most| format!("{most} minutes at most"),
        "maxSessionDuration",
    )
}

/// A duration against the promise: minutes where there are any, and what is seen, in words. `input` is what sets it.
fn at_most(
    it: &Document,
    corner: &Corner,
    (minutes, seen): (Option<i64>, String),
    most: Option<i64>,
    promised: fn(i64) -> String,
    input: &str,
) -> Answer {
    let Some(most) = most else { return Ok(Judged::info(seen)) };
    Ok(match minutes.is_some_and(|it| it <= most) {
        true => Judged::pass(seen).promised(promised(most)),
        false => Judged::fail(seen).promised(promised(most)).edited(
            it,
            corner,
            &format!(".inputs.{input}=\"{most}\""),
        ),
    })
}

fn run_as((it, corner): (&Document, &Corner), view: &View<'_>) -> Answer {
    let told = read(it, view)?;
    if told.run_as {
        let user = match &told.run_as_user {
            Input::Absent => "the user in the tag SSMSessionRunAs".to_owned(),
            Input::Chosen(it) => return Err(chosen(it)),
            Input::Is(root) if root == "root" => {
                let seen = "everybody is root, unless the tag SSMSessionRunAs names another";
                return Ok(Judged::fail(seen).promised("Run As").edited(
                    it,
                    corner,
                    "del(.inputs.runAsDefaultUser)",
                ));
            }
            Input::Is(user) => format!("{user}, or the user in the tag SSMSessionRunAs"),
        };
        return Ok(Judged::pass(format!("as {user}")));
    }
    let nodes = view.take(&corner.nodes)?;
    if !nodes.is_empty() && nodes.iter().all(|it| it.platform == "Windows") {
        return Ok(Judged::absent("all nodes run Windows, which has no Run As"));
    }
    Ok(Judged::fail("everybody is ssm-user").promised("Run As").edited(
        it,
        corner,
        ".inputs.runAsEnabled=true",
    ))
}

fn drift((it, corner): (&Document, &Corner), view: &View<'_>) -> Answer {
    let promised = "the newest version in force, the same in every Region";
    let told = view.described(it);
    let versions = told.as_ref().ok().copied().cloned().unwrap_or_default();
    if let (Some(default), Some(latest)) = (&versions.default_version, &versions.latest_version)
        && default != latest
    {
        let fix = format!(
            "aws ssm update-document-default-version --region {} --name {} --document-version {}",
            quote(&corner.region),
            quote(&it.name),
            quote(latest)
        );
        return Ok(Judged::fail(format!("version {default} is in force, the newest is {latest}"))
            .promised(promised)
            .fix(fix));
    }
    if let Some(status) = versions.status.as_ref().filter(|it| *it != "Active") {
        return Ok(Judged::fail(format!("its status is {status}")).promised(promised));
    }
    let content = view.take(&it.content)?;
    // Most Regions have the very same text.
    let mut read: BTreeMap<&str, String> = BTreeMap::new();
    let mut others: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for one in &view.survey.corners {
        if let Ok(Some(document)) = view.take(&one.preferences)
            && let Ok(text) = view.take(&document.content)
        {
            let place = format!("{} of {}", one.region, one.account);
            let text = read.entry(text).or_insert_with(|| normal(text));
            others.entry(text.clone()).or_default().push(place);
        }
    }
    let ours = normal(content);
    let mine = others.get(&ours).map_or(0, Vec::len);
    let most = others.iter().filter(|it| *it.0 != ours).max_by_key(|it| it.1.len());
    if versions.latest_version.is_none() && most.is_none_or(|it| it.1.len() <= mine) {
        told?;
        return Err(unclear(Reason::NotUnderstood, "which version is the newest was not told"));
    }
    Ok(match most {
        None => {
            Judged::pass("the newest version is in force, and no Region differs").promised(promised)
        }
        Some((_, them)) if them.len() > mine => Judged::fail(format!(
            "it differs from {} other{}",
            them.len(),
            if them.len() == 1 { "" } else { "s" }
        ))
        .promised(promised)
        .details([format!("these agree: {}", them.join(", "))]),
        Some((_, them)) if them.len() == mine => {
            Judged::info(format!("it differs from {}", them.join(", "))).promised(promised)
        }
        Some(_) => Judged::pass("the newest version is in force; most Regions are like it")
            .promised(promised),
    })
}

/// Inputs of a document, without what must differ between Regions.
fn normal(content: &str) -> String {
    let mut it: serde_json::Value = serde_json::from_str(content).unwrap_or_default();
    let mut sorted: BTreeMap<String, String> = BTreeMap::new();
    if let Some(inputs) = it.get_mut("inputs").and_then(|it| it.as_object_mut()) {
        for (key, value) in inputs {
            let text = match value.as_str() {
                Some(it) => it.trim().to_owned(),
                None => value.to_string(),
            };
            if !text.is_empty() && text != "false" {
                // A key is Regional, and so often is a bucket.
                let regional = ["kmsKeyId", "s3BucketName"].contains(&key.as_str());
                sorted.insert(key.clone(), if regional { "set".into() } else { text });
            }
        }
    }
    format!("{sorted:?}")
}

fn shell_profile((it, _): (&Document, &Corner), view: &View<'_>) -> Answer {
    let told = read(it, view)?;
    if told.shell_profiles.is_empty() {
        return Ok(Judged::absent("there is no shell profile"));
    }
    let mut found = Vec::new();
    for (system, text) in &told.shell_profiles {
        let mut effects: Vec<&str> = profile::effects(text).collect();
        if !crate::secrets::find(text).is_empty() {
            effects.push("it holds a secret");
        }
        found.extend(effects.into_iter().map(|it| format!("{system}: {it}")));
    }
    found.sort_unstable();
    found.dedup();
    Ok(match found.is_empty() {
        true => Judged::pass("nothing of the kind").unsure(),
        false => Judged::fail(found.join("; ")).unsure(),
    })
}
