//! Checks of the preferences: is a record made at all, while a session runs, and encrypted.
//!
//! Nobody else looks here: no published scanner reads Session Manager's preferences.

use crate::audit::check::About;
use crate::audit::check::Check;
use crate::audit::checks::bucket::told::encrypt;
use crate::audit::checks::document::told::chosen;
use crate::audit::checks::document::told::read;
use crate::audit::frameworks::Group;
use crate::audit::names::aws;
use crate::audit::preferences::Input;
use crate::audit::preferences::NAME;
use crate::audit::preferences::Preferences;
use crate::audit::subject::OwnPreferences;
use crate::audit::verdict::Answer;
use crate::audit::verdict::Causes;
use crate::audit::verdict::Judged;
use crate::audit::verdict::Severity;
use crate::audit::view::View;
use crate::aws_names::Arn;
use crate::settings::Corner;
use crate::settings::Document;
use crate::settings::Existence;
use crate::settings::Reason;
use crate::settings::Unread;

/// The checks below, in the order of the table.
pub(crate) const CHECKS: &[Check] = &[EXISTS, DESTINATION, STREAMING, ENFORCED, CONTRADICTION];

const EXISTS: Check = Check {
    id: "PREF-DOC-01",
    title: "Session Manager preferences exist",
    severity: Severity::Critical,
    groups: &[Group::Generation],
    reads: &[&["ssm:GetDocument", "ssm:DescribeInstanceInformation"]],
    why: "Without the document sessions run with built-in defaults, and nothing is logged.",
    then: "Create the preferences in this Region; they are not inherited from anywhere.",
    ask: &About::<Corner>(exists),
};

fn exists(it: &Corner, view: &View<'_>) -> Answer {
    if let Some(document) = view.take(&it.preferences)? {
        let version = &document.version;
        return Ok(Judged::pass(format!("version {version} of {NAME}")));
    }
    // A Region without nodes has no sessions: that must be known, not supposed.
    let nodes = view.take(&it.nodes)?.len();
    if nodes == 0 {
        return Ok(Judged::absent("there are no managed nodes here"));
    }
    let options = [
        ("region", it.region.as_str()),
        ("name", NAME),
        ("document-type", "Session"),
        ("document-format", "JSON"),
        ("content", "file://preferences.json"),
    ];
    Ok(Judged::fail(format!("there is no {NAME}, and there are {nodes} managed nodes"))
        .promised("sessions are logged")
        .fix(aws("ssm create-document", &options)))
}

const DESTINATION: Check = Check {
    id: "PREF-LOG-01",
    title: "A destination for transcripts is set",
    severity: Severity::Critical,
    groups: &[Group::Generation],
    reads: &[&["ssm:GetDocument"]],
    why: "Preferences that name neither a bucket nor a log group record nothing.",
    then: "Name a bucket and a log group in the preferences.",
    ask: &About::<OwnPreferences>(destination),
};

fn destination((it, corner): (&Document, &Corner), view: &View<'_>) -> Answer {
    let told = read(it, view)?;
    let mut named = Causes::default();
    for (what, input) in [("s3://", &told.bucket), ("logs:", &told.group)] {
        named.add(match input {
            Input::Is(name) => Ok(Some(format!("{what}{name}"))),
            Input::Chosen(name) => Err(chosen(name)),
            Input::Absent => Ok(None),
        });
    }
    let named = named.proved()?;
    let promised = "a bucket or a log group, best both";
    if let Some(name) = told.bucket.text().filter(|it| !is_bucket(it)) {
        let seen = format!("{name} is no name of a bucket: sessions are refused or not logged");
        let edit = ".inputs.s3BucketName=\"NAME-OF-BUCKET\"";
        return Ok(Judged::fail(seen).promised(promised).edited(it, corner, edit));
    }
    if let Some(name) = told.group.text().filter(|it| !is_group(it)) {
        let right = Arn::parse(name).and_then(Arn::log_group).unwrap_or("NAME-OF-LOG-GROUP");
        let edit = format!(".inputs.cloudWatchLogGroupName={}", serde_json::Value::from(right));
        let seen = format!("{name} is no name of a log group: sessions are refused or not logged");
        return Ok(Judged::fail(seen).promised(promised).edited(it, corner, &edit));
    }
    let judged = match named.is_empty() {
        true => {
            Judged::fail("neither a bucket nor a log group is named").edited(it, corner, STREAM_TO)
        }
        false => Judged::pass(named.join(" and ")),
    };
    Ok(judged.promised(promised))
}

/// Whether AWS would call a bucket so: 3 to 63 small letters, digits, dots and hyphens, a letter or a digit at both ends, no two dots, no
/// address ("General purpose bucket naming rules").
fn is_bucket(name: &str) -> bool {
    let inner = |it: u8| it.is_ascii_lowercase() || it.is_ascii_digit() || b".-".contains(&it);
    let ends = |it: char| it.is_ascii_alphanumeric();
    (3..=63).contains(&name.len())
        && name.bytes().all(inner)
        && name.starts_with(ends)
        && name.ends_with(ends)
        && !name.contains("..")
        && name.parse::<core::net::Ipv4Addr>().is_err()
}

/// "Log group names consist of … a-z, A-Z, 0-9, '_', '-', '/', '.', and '#'" ("CreateLogGroup"): the agent asks for a group of this very
/// name, and AWS refuses the question.
fn is_group(name: &str) -> bool {
    name.len() <= 512 && name.chars().all(|it| it.is_ascii_alphanumeric() || "_-/.#".contains(it))
}

const STREAMING: Check = Check {
    id: "PREF-LOG-02",
    title: "Sessions are streamed while they run",
    severity: Severity::High,
    groups: &[Group::Generation, Group::Failure],
    reads: &[&["ssm:GetDocument"]],
    why: "What is uploaded when a session ends is lost when the instance is stopped first, or the agent is killed.",
    then: "Name a log group and switch streaming on; keep the bucket as the second copy.",
    ask: &About::<OwnPreferences>(streaming),
};

fn streaming((it, corner): (&Document, &Corner), view: &View<'_>) -> Answer {
    let told = read(it, view)?;
    let on = ".inputs.cloudWatchStreamingEnabled=true";
    let (seen, edit) = match (&told.group, told.streaming) {
        (Input::Absent, _) if told.bucket == Input::Absent => {
            return Ok(Judged::absent("there is no destination (PREF-LOG-01)"));
        }
        (Input::Absent, _) => ("transcripts are uploaded to S3 when a session ends", STREAM_TO),
        (Input::Chosen(it), true) => return Err(chosen(it)),
        (_, true) => {
            let seen = "events are streamed to CloudWatch Logs";
            return Ok(Judged::pass(seen).promised("CloudWatch streaming"));
        }
        (_, false) if told.streaming_is_text => (
            "cloudWatchStreamingEnabled is a text in quotes, and the agent reads a JSON boolean alone",
            on,
        ),
        (_, false) => ("transcripts are sent to CloudWatch Logs when a session ends", on),
    };
    Ok(Judged::fail(seen).promised("CloudWatch streaming").edited(it, corner, edit))
}

/// The edit that names a log group and streams to it.
const STREAM_TO: &str = r#".inputs.cloudWatchLogGroupName="NAME-OF-LOG-GROUP" | .inputs.cloudWatchStreamingEnabled=true"#;

const ENFORCED: Check = Check {
    id: "PREF-ENF-01",
    title: "Sessions are refused where their log would not be encrypted",
    severity: Severity::Medium,
    groups: &[Group::Encryption],
    reads: &[&["ssm:GetDocument"]],
    why: "With the flags off nobody notices a later downgrade, and a role that may not write loses its logs in silence.",
    then: "Switch on the encryption flag of each destination, once PREF-ENF-02 passes.",
    ask: &About::<OwnPreferences>(enforced),
};

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
    let judged = Judged::fail(format!("{} off", off.join(" and "))).promised("on");
    Ok(judged.edited(it, corner, &filter.join(" | ")))
}

const CONTRADICTION: Check = Check {
    id: "PREF-ENF-02",
    title: "The encryption flags agree with the destinations",
    severity: Severity::High,
    groups: &[Group::Failure],
    reads: &[&[
        "ssm:GetDocument",
        "logs:DescribeLogGroups",
        "s3:GetEncryptionConfiguration",
        "s3:ListBucket",
    ]],
    why: "Where they disagree the agent refuses every session, with a message that names another cause.",
    then: "Mend the named cause: the key, the group or the kind of encryption.",
    ask: &About::<OwnPreferences>(contradiction),
};

fn contradiction((it, corner): (&Document, &Corner), view: &View<'_>) -> Answer {
    let told = read(it, view)?;
    if !told.bucket_encrypted && !told.group_encrypted {
        return Ok(Judged::absent("both flags are off"));
    }
    let clashes = clashes(&told, corner, view)?;
    let promised = "sessions start";
    if clashes.is_empty() {
        let seen = "the flags agree with what the destinations are";
        return Ok(Judged::pass(seen).promised(promised));
    }
    let mut judged = Judged::fail("sessions are refused").promised(promised);
    for it in clashes {
        judged.details.push(format!("{}; whoever starts one reads {}", it.why, it.told));
        judged = it.fix.into_iter().fold(judged, Judged::fix);
    }
    Ok(judged)
}

/// What the agent would answer to whoever starts a session.
/// Source: amazon-ssm-agent: agent/session/shell/shell.go, agent/s3util/s3util.go,
/// agent/agentlogstocloudwatch/cloudwatchlogspublisher/cloudwatchlogsservice.go.
pub(crate) const CW_REFUSAL: &str =
    "\"encryption is not set up on the selected CloudWatch Logs log group\"";

pub(crate) const S3_REFUSAL: &str = "\"unable to validate encryption on Amazon S3 bucket\" (older agents: \"encryption is not set up\")";

/// A reason for which sessions are refused, and the command that mends it.
#[derive(Debug, Default)]
struct Clash {
    why: String,
    /// What whoever starts a session is told.
    told: &'static str,
    fix: Option<String>,
}

fn clashes(told: &Preferences, corner: &Corner, view: &View<'_>) -> Result<Vec<Clash>, Unread> {
    let mut out = Causes::default();
    for (input, flagged) in
        [(&told.group, told.group_encrypted), (&told.bucket, told.bucket_encrypted)]
    {
        if let (Input::Chosen(it), true) = (input, flagged) {
            out.unknown = Some(chosen(it));
        }
    }
    if let (Input::Is(group), true) = (&told.group, told.group_encrypted) {
        out.add(clash_of_group(group, corner, view));
    }
    if let (Input::Is(bucket), true) = (&told.bucket, told.bucket_encrypted) {
        clashes_of_bucket(bucket, view).into_iter().for_each(|it| out.add(it));
    }
    out.proved()
}

/// What is wrong with a log group for which the flag is on.
fn clash_of_group(name: &str, corner: &Corner, view: &View<'_>) -> Result<Option<Clash>, Unread> {
    let none = || Reason::NotAsked.because(format!("the log group {name} was not surveyed"));
    let group = view.group(name, &corner.account, &corner.region).ok_or_else(none)?;
    let (what, command) = match view.take(&group.settings)? {
        None => ("does not exist", "create-log-group"),
        Some(it) if it.kms_key.is_none() => ("has no KMS key", "associate-kms-key"),
        Some(_) => return Ok(None),
    };
    Ok(Some(Clash {
        why: format!("cloudWatchEncryptionEnabled is on, and the log group {name} {what}"),
        told: CW_REFUSAL,
        fix: Some(aws(
            &format!("logs {command}"),
            &[("region", &corner.region), ("log-group-name", name), ("kms-key-id", "KEY-ARN")],
        )),
    }))
}

/// What is wrong with a bucket for which the flag is on: that it is there, and how it encrypts.
fn clashes_of_bucket(name: &str, view: &View<'_>) -> Vec<Result<Option<Clash>, Unread>> {
    let Some(bucket) = view.bucket(name) else {
        return vec![Err(Reason::NotAsked.because(format!("the bucket {name} was not surveyed")))];
    };
    let clash = |why: String, fix| Clash { why, told: S3_REFUSAL, fix };
    let missing = view.take(&bucket.existence).map(|it| {
        let why = format!("s3EncryptionEnabled is on, and the bucket {name} does not exist");
        (*it == Existence::Missing).then(|| clash(why, None))
    });
    let strange = view.take(&bucket.encryption).map(|it| {
        let is_strange = it.as_ref().is_some_and(|it| it.algorithm == "aws:kms:dsse");
        let why = format!(
            "s3EncryptionEnabled is on, and {name} encrypts by aws:kms:dsse, which the agent takes for no encryption"
        );
        is_strange.then(|| clash(why, Some(encrypt(bucket))))
    });
    vec![missing, strange]
}
