//! The words of a judgement: how bad, how sure, what came of it, what was seen and what to do.

use crate::settings::Reason;
use crate::settings::Unread;
use serde::Serialize;

/// How bad it is if the check fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    Info,
    Low,
    Medium,
    High,
    Critical,
}

impl Severity {
    pub const ALL: [Self; 5] = [Self::Info, Self::Low, Self::Medium, Self::High, Self::Critical];

    pub fn word(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}

/// How sure the judgement is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Confidence {
    Low,
    Medium,
    High,
}

impl Confidence {
    pub fn word(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
        }
    }
}

/// The outcome of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    Fail,
    Unknown,
    Pass,
    Info,
    NotApplicable,
}

impl Verdict {
    pub fn word(self) -> &'static str {
        match self {
            Self::Fail => "fail",
            Self::Unknown => "unknown",
            Self::Pass => "pass",
            Self::Info => "info",
            Self::NotApplicable => "not applicable",
        }
    }
}

/// A command that mends a finding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Fix {
    /// For a POSIX shell, every foreign word quoted.
    pub command: String,
    /// What it replaces or destroys, where it does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub warning: Option<String>,
}

/// What a check says of one thing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judged {
    pub verdict: Verdict,
    pub seen: String,
    pub promised: String,
    /// One line each, where one is not enough.
    pub details: Vec<String>,
    pub fixes: Vec<Fix>,
    /// Where it differs from the check's.
    pub severity: Option<Severity>,
    pub confidence: Confidence,
    pub unread: Option<Unread>,
}

/// A judgement, or the setting that could not be read.
pub type Answer = Result<Judged, Unread>;

impl Judged {
    fn new(verdict: Verdict, seen: impl Into<String>) -> Self {
        Self {
            verdict,
            seen: seen.into(),
            promised: String::new(),
            details: Vec::new(),
            fixes: Vec::new(),
            severity: None,
            confidence: Confidence::High,
            unread: None,
        }
    }

    pub(crate) fn pass(seen: impl Into<String>) -> Self {
        Self::new(Verdict::Pass, seen)
    }

    pub(crate) fn fail(seen: impl Into<String>) -> Self {
        Self::new(Verdict::Fail, seen)
    }

    pub(crate) fn info(seen: impl Into<String>) -> Self {
        Self::new(Verdict::Info, seen)
    }

    pub(crate) fn absent(why: impl Into<String>) -> Self {
        Self::new(Verdict::NotApplicable, why)
    }

    pub(crate) fn unknown(unread: Unread) -> Self {
        Self { unread: Some(unread.clone()), ..Self::new(Verdict::Unknown, unread.why) }
    }

    #[must_use]
    pub(crate) fn promised(mut self, what: impl Into<String>) -> Self {
        self.promised = what.into();
        self
    }

    #[must_use]
    pub(crate) fn fix(mut self, command: impl Into<String>) -> Self {
        self.fixes.push(Fix { command: command.into(), warning: None });
        self
    }

    #[must_use]
    pub(crate) fn risky(mut self, command: impl Into<String>, warning: &str) -> Self {
        self.fixes.push(Fix { command: command.into(), warning: Some(warning.into()) });
        self
    }

    #[must_use]
    pub(crate) fn severity(mut self, it: Severity) -> Self {
        self.severity = Some(it);
        self
    }

    #[must_use]
    pub(crate) fn unsure(mut self) -> Self {
        self.confidence = Confidence::Medium;
        self
    }

    #[must_use]
    pub(crate) fn details(mut self, them: impl IntoIterator<Item = String>) -> Self {
        self.details.extend(them);
        self
    }
}

/// Something that cannot be judged from what was read.
pub(crate) fn unclear(reason: Reason, why: impl Into<String>) -> Unread {
    Unread::new(reason, why)
}
