//! A check: one row that says what must hold, why, what to do, which permissions it reads, and what it asks.

use super::frameworks::Group;
use super::frameworks::Mapping;
use super::subject::Label;
use super::subject::Subject;
use super::verdict::Answer;
use super::verdict::Severity;
use super::view::View;
use crate::settings::Asked;

/// What a row asks, of all that it is about.
pub(crate) trait Asks: Sync {
    /// Asks it of each; tells where that is, the calls that the answer rests on, and the answer.
    fn ask(&self, view: &View<'_>, tell: &mut dyn FnMut(Label, Vec<Asked>, Answer));

    /// Permissions by which it is known whether one is there.
    fn found_by(&self) -> &'static [&'static str];
}

/// A question about one kind of subject.
pub(super) struct About<S: Subject>(pub(super) for<'a> fn(S::One<'a>, &View<'a>) -> Answer);

impl<S: Subject> Asks for About<S> {
    fn ask(&self, view: &View<'_>, tell: &mut dyn FnMut(Label, Vec<Asked>, Answer)) {
        for it in S::each(view.survey) {
            let answer = it.one.and_then(|one| {
                if let Some(judged) = S::absent(one, view) {
                    return Ok(judged);
                }
                // That it is there is no evidence of what is judged of it.
                view.taken();
                (self.0)(one, view)
            });
            it.by.into_iter().for_each(|by| view.note(by));
            tell(it.label, view.taken(), answer);
        }
    }

    fn found_by(&self) -> &'static [&'static str] {
        S::FOUND_BY
    }
}

/// Which nodes there are.
pub(crate) const NODES: &[&str] = &["ssm:DescribeInstanceInformation", "ec2:DescribeInstances"];

/// By which role a node writes.
pub(crate) const WRITER: &[&str] = &["iam:GetInstanceProfile", "ssm:GetServiceSetting"];

/// What a role may do.
pub(crate) const ROLE: &[&str] =
    &["iam:SimulatePrincipalPolicy", "iam:GetRolePolicy", "iam:GetPolicyVersion"];

/// Where sessions go.
pub(crate) const DOCUMENTS: &[&str] = &["ssm:GetDocument", "ssm:ListDocuments"];

/// How an instance gets to a service.
pub(crate) const WAYS: &[&str] =
    &["ec2:DescribeInstances", "ec2:DescribeRouteTables", "ec2:DescribeVpcEndpoints"];

/// Whether an endpoint that a policy names is ours.
pub(crate) const ENDPOINTS: &[&str] = &["ec2:DescribeVpcEndpoints"];

/// What trails record.
pub(crate) const TRAILS: &[&str] =
    &["cloudtrail:DescribeTrails", "cloudtrail:GetTrailStatus", "cloudtrail:GetEventSelectors"];

/// What a bucket's ACL grants, and whether that counts.
pub(crate) const ACLS: &[&str] = &[
    "s3:GetBucketAcl",
    "s3:GetBucketOwnershipControls",
    "s3:GetBucketPublicAccessBlock",
    "s3:GetAccountPublicAccessBlock",
];

/// One row of the table of checks.
#[derive(Clone, Copy)]
pub struct Check {
    /// Stable, never used again for something else.
    pub id: &'static str,
    /// What must hold.
    pub title: &'static str,
    /// How bad a failure is, unless a judgement says otherwise.
    pub severity: Severity,
    /// Groups of controls that it speaks for.
    pub groups: &'static [Group],
    /// Permissions whose answers it judges from, together where they are asked for together.
    pub(crate) reads: &'static [&'static [&'static str]],
    /// What happens where it does not hold, in a sentence or two for a person.
    pub why: &'static str,
    /// What to do about it, in a sentence or two for a person.
    pub then: &'static str,
    pub(crate) ask: &'static dyn Asks,
}

impl Check {
    /// Permissions whose answers it judges from; see also [`Check::found_by`].
    pub fn reads(&self) -> impl Iterator<Item = &'static str> {
        self.reads.iter().copied().flatten().copied()
    }

    /// Permissions by which it is known whether what it is about is there. Each is read by some other check, too.
    pub fn found_by(&self) -> &'static [&'static str] {
        self.ask.found_by()
    }

    /// Controls of all its groups, one row for each standard of each group.
    pub fn mappings(&self) -> impl Iterator<Item = &'static Mapping> {
        self.groups.iter().flat_map(|it| it.mappings())
    }
}
