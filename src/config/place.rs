//! Where transcripts lie, as people write it.

use std::fmt;
use std::path::PathBuf;

use crate::aws_names::Arn;
use crate::aws_names::Partition;
use crate::aws_names::without_any_stream;
use crate::error::Error;
use crate::error::Result;

/// A place, as it is written on the command line and in the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// `s3://bucket/prefix`. The prefix is empty or ends with `/`.
    S3 {
        /// The bucket's name, without its ARN.
        bucket: String,
        /// What the keys begin with; empty or ending with `/`.
        prefix: String,
    },
    /// `logs:GROUP`, or `logs:` and the group's ARN.
    Logs {
        /// The log group's name, without its ARN.
        group: String,
        /// Account id that the ARN holds; `None` if the place is a mere name.
        account: Option<String>,
        /// Region that the ARN holds; `None` if the place is a mere name.
        region: Option<String>,
    },
    /// A folder or file.
    Folder(PathBuf),
}

impl Place {
    /// Reads a place.
    ///
    /// ```
    /// use ssmtrail::config::Place;
    /// let place = Place::parse("s3://acme-session-logs/prod").unwrap();
    /// assert_eq!(place.to_string(), "s3://acme-session-logs/prod/");
    /// let arn = "logs:arn:aws:logs:eu-west-1:111122223333:log-group:/aws/ssm/sessions:*";
    /// assert_eq!(Place::parse(arn).unwrap().to_string(), "logs:/aws/ssm/sessions");
    /// assert!(Place::parse("s3://").is_err());
    /// ```
    ///
    /// # Errors
    /// When the text names no bucket or log group, or an ARN of something else.
    pub fn parse(text: &str) -> Result<Self> {
        let wrong = |why: &str, like: &str| {
            Err(Error::misused(format!("{text} is no place: {why}"))
                .hint(format!("a place is written like {like}")))
        };
        let s3 = match text.strip_prefix("s3://") {
            Some(rest) => Some(rest.split_once('/').unwrap_or((rest, ""))),
            None => Arn::parse(text).and_then(Arn::bucket),
        };
        if let Some((bucket, prefix)) = s3 {
            if bucket.is_empty() {
                return wrong("it names no bucket", "s3://bucket/prefix");
            }
            let slash = if prefix.is_empty() || prefix.ends_with('/') { "" } else { "/" };
            return Ok(Self::S3 { bucket: bucket.into(), prefix: format!("{prefix}{slash}") });
        }
        let of_logs = |it: &&str| Arn::is_begun(it) && it.contains(":logs:");
        if let Some(rest) = text.strip_prefix("logs:").or(Some(text).filter(of_logs)) {
            let like = "logs:/aws/ssm/sessions";
            let (group, account, region) = if Arn::is_begun(rest) {
                let arn = Arn::parse(without_any_stream(rest)).filter(|it| it.service == "logs");
                let named = arn.and_then(|it| Some((it, it.resource.strip_prefix("log-group:")?)));
                let Some((arn, group)) = named else {
                    return wrong("it is not the ARN of a log group", like);
                };
                (group, Some(arn.account.to_owned()), Some(arn.region.to_owned()))
            } else {
                (rest, None, None)
            };
            if group.is_empty() {
                return wrong("it names no log group", like);
            }
            return Ok(Self::Logs { group: group.into(), account, region });
        }
        if Arn::is_begun(text) {
            let like = Partition::AWS.bucket("bucket");
            return wrong("an ARN of neither a bucket nor a log group", &like);
        }
        Ok(Self::Folder(text.into()))
    }

    /// Whether AWS is asked for it.
    pub fn is_in_aws(&self) -> bool {
        !matches!(self, Self::Folder(_))
    }
}

impl fmt::Display for Place {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::S3 { bucket, prefix } => write!(out, "s3://{bucket}/{prefix}"),
            Self::Logs { group, .. } => write!(out, "logs:{group}"),
            Self::Folder(it) => write!(out, "{}", it.display()),
        }
    }
}
