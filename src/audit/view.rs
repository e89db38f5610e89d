//! Everything that a check may look at beside its subject: the survey, the promise, and who is ours.

use std::cell::RefCell;
use std::collections::BTreeSet;

use super::iam::admits::Admits;
use super::iam::admits::Boundary;
use super::iam::conditions::Condition;
use super::iam::policy::Statement;
use super::promise::Promise;
use crate::settings::Asked;
use crate::settings::Bucket;
use crate::settings::Corner;
use crate::settings::Described;
use crate::settings::Document;
use crate::settings::Key;
use crate::settings::LogGroup;
use crate::settings::Outcome;
use crate::settings::Read;
use crate::settings::Survey;
use crate::settings::Unread;

/// Everything a check may look at beside its subject. It remembers which settings were taken: they are the evidence.
pub struct View<'a> {
    pub(crate) survey: &'a Survey,
    pub(crate) promise: &'a Promise,
    taken: RefCell<BTreeSet<Asked>>,
}

impl<'a> View<'a> {
    pub(crate) fn new(survey: &'a Survey, promise: &'a Promise) -> Self {
        Self { survey, promise, taken: RefCell::default() }
    }

    /// The value of a setting, or why it is not known. The only door to settings: the call is noted as evidence.
    pub(crate) fn take<'x, T>(&self, it: &'x Read<T>) -> Result<&'x T, Unread> {
        self.note(&it.asked);
        it.known()
    }

    /// Which versions of a document there are; surveys of old told it in another way.
    pub(crate) fn described<'x>(&self, it: &'x Document) -> Result<&'x Described, Unread> {
        self.note(&it.described.asked);
        it.described()
    }

    /// Notes a call as evidence, if it was made.
    pub(super) fn note(&self, it: &Asked) {
        if !it.api.is_empty() {
            self.taken.borrow_mut().insert(it.clone());
        }
    }

    /// The calls that were noted since this was last asked, in order.
    pub(super) fn taken(&self) -> Vec<Asked> {
        self.taken.take().into_iter().collect()
    }

    /// The group of this name in this corner.
    pub(crate) fn group(&self, name: &str, account: &str, region: &str) -> Option<&'a LogGroup> {
        self.survey
            .groups
            .iter()
            .find(|it| it.name == name && it.account == account && it.region == region)
    }

    pub(crate) fn bucket(&self, name: &str) -> Option<&'a Bucket> {
        self.survey.buckets.iter().find(|it| it.name == name)
    }

    /// The key of this ARN, id or alias, as it is named or as it turned out to be. To find it is no judgement.
    pub(crate) fn key(&self, id: &str) -> Option<&'a Key> {
        self.survey.keys.iter().find(|it| {
            let arn = it.state.known().ok().and_then(Option::as_ref).map(|it| it.arn.as_str());
            it.id == id || arn == Some(id)
        })
    }

    pub(crate) fn corner(&self, account: &str, region: &str) -> Option<&'a Corner> {
        self.survey.corners.iter().find(|it| it.account == account && it.region == region)
    }

    /// Whether what a policy names is ours; `None` where nobody knows.
    pub(crate) fn knows(&self, named: Boundary<'_>) -> Option<bool> {
        let networks = || self.survey.corners.iter().map(|it| &it.network);
        match named {
            Boundary::Account(it) => Some(self.is_ours(it)),
            Boundary::Organization(_) => None,
            Boundary::Vpc(id) => {
                networks().any(|it| it.vpcs.iter().any(|it| it.id == id)).then_some(true)
            }
            Boundary::Endpoint(id) => networks()
                .filter_map(|it| self.take(&it.endpoints).ok())
                .any(|it| it.iter().any(|it| it.id == id))
                .then_some(true),
        }
    }

    /// Whether a condition of a statement holds it to somebody of ours.
    pub(crate) fn binds(&self, by: &Statement, condition: &Condition) -> bool {
        let bound = condition.binds(by.has_variables, &|it| self.knows(it));
        matches!(bound, Some(Admits::Ours))
    }

    /// Whom a statement lets in.
    pub(crate) fn admitted(&self, by: &Statement) -> Admits {
        by.admits(&|it| self.knows(it))
    }

    /// Whether an account is one that was surveyed or is named in the promise.
    pub(crate) fn is_ours(&self, account: &str) -> bool {
        self.promise.accounts.iter().any(|it| it == account)
            || self.survey.corners.iter().any(|it| it.account == account)
            || self.survey.callers.iter().any(|it| it.account == account)
    }
}

/// A corner as it would be without one of its endpoints.
pub(crate) fn without_endpoint(corner: &Corner, id: &str) -> Corner {
    let mut out = corner.clone();
    if let Outcome::Is(many) = &mut out.network.endpoints.outcome {
        many.retain(|it| it.id != id);
    }
    out
}
