//! The words of a judgement: how bad, how sure, what came of it, what was seen and what to do.

use crate::settings::Unread;
use serde::Serialize;

/// How bad it is if the check fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// A failure is a fact to know and asks for nothing.
    Info,
    /// A failure matters little by itself.
    Low,
    /// A failure weakens the evidence or its protection.
    Medium,
    /// A failure puts evidence or a promise at risk.
    High,
    /// A failure loses evidence or lays it open to the public.
    Critical,
}

impl Severity {
    /// All five, the mildest first.
    pub const ALL: [Self; 5] = [Self::Info, Self::Low, Self::Medium, Self::High, Self::Critical];

    /// The word in outputs, in lower case.
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
    /// The least sure of the three; no check gives it.
    Low,
    /// The settings alone do not prove it: it rests on an inference.
    Medium,
    /// The settings say it themselves.
    High,
}

impl Confidence {
    /// The word in outputs, in lower case.
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
    /// What must hold does not.
    Fail,
    /// It cannot be told: a setting is not known.
    Unknown,
    /// What must hold does.
    Pass,
    /// A fact to know, which is neither good nor bad.
    Info,
    /// The thing that the check is about is not there, or is not in use.
    NotApplicable,
}

impl Verdict {
    /// The word in outputs for people, in lower case with blanks.
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
    /// What came of it.
    pub verdict: Verdict,
    /// What was found, in words.
    pub seen: String,
    /// What was promised, in words; empty where there is nothing to compare with.
    pub promised: String,
    /// One line each, where one is not enough.
    pub details: Vec<String>,
    /// Commands that mend it, in the order they are shown in; empty where no command does.
    pub fixes: Vec<Fix>,
    /// Where it differs from the check's.
    pub severity: Option<Severity>,
    /// How sure it is; `High` unless the check says otherwise.
    pub confidence: Confidence,
    /// Why it is unknown; `None` for every other verdict.
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

    /// A failure for one cause, in its words, or for several, which are told one by one: `lead` stands before either.
    pub(crate) fn failures(lead: &str, causes: Vec<String>, of_many: &str) -> Self {
        match causes.as_slice() {
            [one] => Self::fail(format!("{lead} {one}")),
            many => Self::fail(format!("{lead} {} {of_many}", many.len())).details(causes),
        }
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

/// What was found wrong, and what is not known: one thing that was read and is wrong proves a failure, whatever the rest would have said.
#[derive(Debug, Default)]
pub(crate) struct Causes<T> {
    pub(crate) found: Vec<T>,
    pub(crate) unknown: Option<Unread>,
}

impl<T> Causes<T> {
    /// Takes what one look found, or why it told nothing; of such reasons the last stays.
    pub(crate) fn add(&mut self, it: Result<impl IntoIterator<Item = T>, Unread>) {
        match it {
            Ok(some) => self.found.extend(some),
            Err(why) => self.unknown = Some(why),
        }
    }

    /// Takes why a look told nothing; of such reasons the first stays.
    pub(crate) fn lack(&mut self, why: Unread) {
        self.unknown.get_or_insert(why);
    }

    /// All that was found.
    ///
    /// # Errors
    /// What is not known, where nothing was found.
    pub(crate) fn proved(self) -> Result<Vec<T>, Unread> {
        match self.unknown {
            Some(why) if self.found.is_empty() => Err(why),
            _ => Ok(self.found),
        }
    }
}
