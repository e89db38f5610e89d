//! One question to AWS and what came of it: an answer, or why there is none.

use std::fmt;

use serde::Deserialize;
use serde::Serialize;

use crate::time::At;

/// One question to AWS and what came of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Read<T> {
    /// The question itself, flattened into the same JSON object.
    #[serde(flatten)]
    pub asked: Asked,
    /// The answer or the reason for its absence, flattened as `is` or `unread`.
    #[serde(flatten)]
    pub outcome: Outcome<T>,
}

/// What was asked, and when: the evidence beneath a verdict.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Asked {
    /// The operation, as `s3:GetBucketLifecycleConfiguration`.
    pub api: String,
    /// The permission it needs, as `s3:GetLifecycleConfiguration`.
    pub action: String,
    /// When the answer or the refusal came.
    pub at: At,
    /// The request id that AWS returned; `None` if the answer carried none or nothing was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
}

/// The two ends of a question: an answer, or a reason why it is not known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome<T> {
    /// AWS answered; where something can be unset, that too is an answer.
    Is(T),
    /// The setting is not known.
    Unread(Unread),
}

/// Why a setting is not known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unread {
    /// The code of the reason, for machines to branch on.
    pub reason: Reason,
    /// In the words of a message.
    pub why: String,
    /// The permission that would have been needed, where one was missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub missing: Option<String>,
    /// The ARN it would be needed on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on: Option<String>,
}

/// Reason codes of what is unknown. Machines branch on them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// A permission is missing: AWS refused without naming a deny.
    AccessDenied,
    /// A policy denies the call explicitly, as the refusal says.
    ExplicitDeny,
    /// AWS answered that there were too many requests.
    Throttled,
    /// No HTTP response came back at all.
    Unreachable,
    /// The Region is not enabled for the account, or takes no token of these credentials.
    RegionNotEnabled,
    /// S3 answered `MethodNotAllowed`, as it does where only the owner of the bucket may ask.
    NotOwner,
    /// Credentials are missing, expired or refused, or the role could not be assumed.
    Credentials,
    /// The thing was listed and is gone by the time it is asked about.
    NotThere,
    /// The answer was there, but not in a form we can judge.
    NotUnderstood,
    /// Nothing to look at: an empty prefix.
    SampleEmpty,
    /// A list ended before its last page, so that what is missing from it proves nothing.
    PartialPage,
    /// A condition depends on what only a real request would carry.
    MissingContextKey,
    /// The API does not reach back so far.
    HorizonExceeded,
    /// It was not asked for in this survey.
    NotAsked,
    /// Any other error that AWS answered with.
    SdkError,
}

/// The word in files and JSON, in snake case: `access_denied`.
impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(f)
    }
}

impl Reason {
    /// Something that is not known, for this reason; in words. No permission is missing for it, and no ARN is told.
    pub(crate) fn because(self, why: impl Into<String>) -> Unread {
        Unread { reason: self, why: why.into(), missing: None, on: None }
    }
}

impl<T> Read<T> {
    /// The answer by reference, for a caller that can go on with either.
    ///
    /// # Errors
    /// When the setting is not known: a copy of the reason.
    pub fn known(&self) -> Result<&T, Unread> {
        match &self.outcome {
            Outcome::Is(it) => Ok(it),
            Outcome::Unread(it) => Err(it.clone()),
        }
    }

    /// The answer or why there is none, each beside what was asked.
    pub(crate) fn into_result(self) -> Result<(Asked, T), Box<(Asked, Unread)>> {
        match self.outcome {
            Outcome::Is(it) => Ok((self.asked, it)),
            Outcome::Unread(why) => Err(Box::new((self.asked, why))),
        }
    }

    pub(crate) fn from_result(it: Result<(Asked, T), Box<(Asked, Unread)>>) -> Self {
        let (asked, outcome) = match it {
            Ok((asked, it)) => (asked, Outcome::Is(it)),
            Err(it) => (it.0, Outcome::Unread(it.1)),
        };
        Self { asked, outcome }
    }

    /// The same question with what is made of its answer, or why that is none.
    pub(crate) fn and_then<U>(self, make: impl FnOnce(T) -> Result<U, Unread>) -> Read<U> {
        let outcome = match self.outcome {
            Outcome::Is(it) => make(it).map_or_else(Outcome::Unread, Outcome::Is),
            Outcome::Unread(why) => Outcome::Unread(why),
        };
        Read { asked: self.asked, outcome }
    }
}

impl<T> Default for Read<T> {
    /// A question that was not asked.
    fn default() -> Self {
        let why = Reason::NotAsked.because("it was not read in this survey");
        Self { asked: Asked::default(), outcome: Outcome::Unread(why) }
    }
}
