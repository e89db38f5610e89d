//! The exit code: one list for all commands, and what makes an answer partial.

use crate::render::Ui;
use crate::session::Skip;
use crate::text;
use crate::text::Safe;
use crate::text::safe;

/// The exit code. One list for all commands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// 0: found, clean, complete.
    Yes,
    /// 1: nothing found, a check failed, a broken archive.
    No,
    /// 2: the question could not be answered.
    Failed,
    /// 3: answered from part of the evidence.
    Partial,
}

impl Answer {
    /// The number that the process exits with: 0 to 3.
    pub fn code(self) -> u8 {
        match self {
            Self::Yes => 0,
            Self::No => 1,
            Self::Failed => 2,
            Self::Partial => 3,
        }
    }

    pub(super) fn found(any: bool) -> Self {
        if any { Self::Yes } else { Self::No }
    }

    /// The answer when part of the evidence was unreadable: a definite no stays one.
    pub(super) fn with(self, damages: &[Skip]) -> Self {
        match self {
            Self::Yes if damages.iter().any(|it| it.loses) => Self::Partial,
            Self::No if damages.iter().any(|it| it.loses) => Self::Partial,
            it => it,
        }
    }
}

/// How an answer from the archive ends: whether anything was found, before what was lost is told.
pub(super) struct Ending {
    pub(super) any: bool,
    /// What is said if nothing was. It is not said where something could not be read: what is not found is not absent then.
    pub(super) nothing: Safe,
    /// What could not be said of it, beside what the archive could not read.
    pub(super) lost: Vec<Skip>,
}

impl Ending {
    pub(super) fn any(any: bool) -> Self {
        Self::or(any, Safe::default())
    }

    pub(super) fn or(any: bool, nothing: impl Into<Safe>) -> Self {
        Self { any, nothing: nothing.into(), lost: Vec::new() }
    }
}

/// Says what was unreadable, so that no gap is silent.
pub(super) fn tell_lost(ui: &mut Ui<'_>, damages: &[Skip]) {
    // A manifest that is gone leaves every file without a name: the first say enough.
    const SHOWN: usize = 10;
    for it in damages.iter().take(SHOWN) {
        ui.note(safe!("unreadable: {}: {}", it.locator, it.why));
    }
    let more = damages.len().saturating_sub(SHOWN) as u64;
    if more > 0 {
        ui.note(safe!("unreadable: {} more", text::count(more)));
    }
    if damages.iter().any(|it| it.loses) {
        ui.note("hint: the answer is from what could be read; `ssmtrail archive verify` says more");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_definite_answer_outranks_a_partial_one_only_when_it_cannot_change() {
        let lost = [Skip { locator: "x".into(), why: "y".into(), loses: true }];
        assert_eq!(Answer::Yes.with(&lost), Answer::Partial);
        assert_eq!(Answer::No.with(&lost), Answer::Partial);
        assert_eq!(Answer::Yes.with(&[]), Answer::Yes);
    }
}
