//! What a Session document says: where its sessions are logged, and how.
//!
//! Read as the agent reads it: booleans may be texts, numbers are texts, blanks around a name do not count, and a value may
//! be a parameter that whoever starts the session fills in.
//! Source: "Session document schema" (AWS Systems Manager User Guide); amazon-ssm-agent:
//! agent/framework/docparser/docparser.go.

use serde_json::Value;

/// The document that a session uses unless its starter names another.
pub const NAME: &str = "SSM-SessionManagerRunShell";

/// One value of a document.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Input {
    /// The document does not give it, or gives a blank.
    #[default]
    Absent,
    /// The text itself, blanks around it removed.
    Is(String),
    /// A parameter: whoever starts a session chooses.
    Chosen(String),
}

impl Input {
    /// A value as a document or a cluster gives it.
    pub(crate) fn read(text: Option<&str>) -> Self {
        match text.map(str::trim) {
            Some(it) if it.contains("{{") => Self::Chosen(it.to_owned()),
            Some(it) if !it.is_empty() => Self::Is(it.to_owned()),
            _ => Self::Absent,
        }
    }

    /// The text that the document fixes; `None` if it is absent or a parameter.
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Is(it) => Some(it),
            _ => None,
        }
    }

    /// The parameter, as the document has it; `None` if whoever starts a session does not choose.
    pub(crate) fn chosen(&self) -> Option<&str> {
        match self {
            Self::Chosen(it) => Some(it),
            _ => None,
        }
    }
}

/// A prefix as the agent cleans it: empty, or ends with `/`.
/// Source: amazon-ssm-agent: agent/fileutil/fileutil.go, BuildS3Path.
pub(crate) fn cleaned(prefix: &str) -> String {
    let parts = prefix.trim().split('/').filter(|it| !it.is_empty());
    parts.map(|it| format!("{it}/")).collect()
}

/// A duration in minutes, as a document gives it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Minutes {
    /// The document does not give it, or gives a blank.
    #[default]
    Absent,
    /// Minutes within the range that Systems Manager takes.
    Is(i64),
    /// A parameter: whoever starts a session chooses.
    Chosen(String),
    /// What is no number of the range that Systems Manager takes, in words.
    Strange(String),
}

/// Minutes of `idleSessionTimeout`: "Specify an idle session timeout value".
const IDLE: std::ops::RangeInclusive<i64> = 1..=60;
/// Minutes of `maxSessionDuration`: "Specify maximum session duration".
const LONGEST: std::ops::RangeInclusive<i64> = 1..=1440;

/// A Session document, understood.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Preferences {
    /// `Standard_Stream`, `InteractiveCommands`, `NonInteractiveCommands`, `Port`.
    pub session_type: String,
    /// `s3BucketName`: the bucket that transcripts are uploaded to.
    pub bucket: Input,
    /// Cleaned as the agent cleans it: empty, or ends with `/`.
    pub prefix: String,
    /// `s3KeyPrefix` where it is a parameter, as the document has it; else `None`.
    pub prefix_chosen: Option<String>,
    /// `s3EncryptionEnabled`: the agent insists on an encrypted bucket.
    pub bucket_encrypted: bool,
    /// `cloudWatchLogGroupName`: the log group that transcripts go to.
    pub group: Input,
    /// `cloudWatchEncryptionEnabled`: the agent insists on an encrypted log group.
    pub group_encrypted: bool,
    /// `cloudWatchStreamingEnabled` is the boolean true: sessions are streamed as they go, not uploaded at their end.
    pub streaming: bool,
    /// The flag is a text: "true" in quotes, which the agent cannot read.
    pub streaming_is_text: bool,
    /// `kmsKeyId`: the key that encrypts session data.
    pub key: Input,
    /// `runAsEnabled`: sessions run as a named operating-system user, not as `ssm-user`.
    pub run_as: bool,
    /// `runAsDefaultUser`: the operating-system user for sessions whose principal has none of its own.
    pub run_as_user: Input,
    /// `idleSessionTimeout`: minutes without input before a session ends, 1 to 60.
    pub idle: Minutes,
    /// `maxSessionDuration`: minutes before a session ends, 1 to 1440.
    pub longest: Minutes,
    /// `shellProfile`: the operating system (`linux`, `windows`) and what runs at the start; blank ones left out.
    pub shell_profiles: Vec<(String, String)>,
}

impl Preferences {
    /// Reads the content of a document; `None` if it is no JSON object.
    pub fn read(content: &str) -> Option<Self> {
        let it: Value = serde_json::from_str(content).ok()?;
        let document = it.as_object()?;
        let none = Value::Null;
        let inputs = document.get("inputs").unwrap_or(&none);
        let text = |name: &str| Input::read(inputs.get(name).and_then(Value::as_str));
        let flag = |name: &str| match inputs.get(name) {
            Some(Value::Bool(it)) => *it,
            Some(Value::String(it)) => it.trim().eq_ignore_ascii_case("true"),
            _ => false,
        };
        let minutes = |name: &str, range: std::ops::RangeInclusive<i64>| {
            let (text, number) = match inputs.get(name) {
                None | Some(Value::Null) => return Minutes::Absent,
                Some(Value::String(it)) if it.trim().is_empty() => return Minutes::Absent,
                Some(Value::String(it)) if it.contains("{{") => {
                    return Minutes::Chosen(it.trim().to_owned());
                }
                Some(Value::String(it)) => (it.trim().to_owned(), it.trim().parse().ok()),
                Some(it) => (it.to_string(), it.as_i64()),
            };
            match number.filter(|it| range.contains(it)) {
                Some(it) => Minutes::Is(it),
                None => {
                    let (from, to) = (range.start(), range.end());
                    Minutes::Strange(format!("{text} is no number of minutes from {from} to {to}"))
                }
            }
        };
        let prefix = text("s3KeyPrefix");
        let shells = inputs.get("shellProfile").and_then(Value::as_object);
        Some(Self {
            session_type: document
                .get("sessionType")
                .and_then(Value::as_str)
                .unwrap_or("Standard_Stream")
                .to_owned(),
            bucket: text("s3BucketName"),
            prefix: cleaned(prefix.text().unwrap_or_default()),
            prefix_chosen: prefix.chosen().map(str::to_owned),
            bucket_encrypted: flag("s3EncryptionEnabled"),
            group: text("cloudWatchLogGroupName"),
            group_encrypted: flag("cloudWatchEncryptionEnabled"),
            // amazon-ssm-agent: agent/framework/docparser/docparser.go declares this one a bool, and the other flags interfaces.
            streaming: inputs.get("cloudWatchStreamingEnabled") == Some(&Value::Bool(true)),
            streaming_is_text: inputs
                .get("cloudWatchStreamingEnabled")
                .is_some_and(Value::is_string),
            key: text("kmsKeyId"),
            run_as: flag("runAsEnabled"),
            run_as_user: text("runAsDefaultUser"),
            idle: minutes("idleSessionTimeout", IDLE),
            longest: minutes("maxSessionDuration", LONGEST),
            shell_profiles: shells
                .into_iter()
                .flatten()
                .filter_map(|(system, it)| Some((system.clone(), it.as_str()?.to_owned())))
                .filter(|it| !it.1.trim().is_empty())
                .collect(),
        })
    }

    /// Sessions by this document forward ports or run programs; the former are never logged.
    pub fn is_shell(&self) -> bool {
        self.session_type != "Port"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_as_the_agent_reads_them() {
        let it = Preferences::read(
            r#"{"sessionType":"Standard_Stream","inputs":{
                "s3BucketName":" acme ","s3KeyPrefix":"/a//b","s3EncryptionEnabled":"true",
                "cloudWatchLogGroupName":"{{ group }}","cloudWatchStreamingEnabled":true,
                "idleSessionTimeout":"15","maxSessionDuration":60,"kmsKeyId":"",
                "shellProfile":{"linux":"exec bash","windows":" "}}}"#,
        )
        .unwrap();
        assert_eq!(it.bucket, Input::Is("acme".into()));
        assert_eq!(it.prefix, "a/b/");
        assert_eq!(it.group, Input::Chosen("{{ group }}".into()));
        assert_eq!(it.key, Input::Absent);
        assert!(it.bucket_encrypted && it.streaming && !it.group_encrypted);
        assert_eq!((it.idle, it.longest), (Minutes::Is(15), Minutes::Is(60)));
        assert_eq!(it.shell_profiles, [("linux".to_owned(), "exec bash".to_owned())]);
        assert_eq!(Preferences::read("- yaml"), None);
    }

    #[test]
    fn what_is_no_number_of_minutes_is_neither_absent_nor_one() {
        for (value, wanted) in [
            ("\"0\"", Minutes::Strange("0 is no number of minutes from 1 to 60".into())),
            ("61", Minutes::Strange("61 is no number of minutes from 1 to 60".into())),
            ("\"15m\"", Minutes::Strange("15m is no number of minutes from 1 to 60".into())),
            ("\"\"", Minutes::Absent),
            ("null", Minutes::Absent),
            ("\" 60 \"", Minutes::Is(60)),
        ] {
            let text = format!("{{\"inputs\":{{\"idleSessionTimeout\":{value}}}}}");
            assert_eq!(Preferences::read(&text).unwrap().idle, wanted, "{value}");
        }
    }
}
