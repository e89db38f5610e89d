//! A check: one row that says what must hold, why, what to do, which permissions it reads, and what it asks.

use super::frameworks::Group;
use super::frameworks::Mapping;
use super::verdict::Answer;
use super::verdict::Severity;
use super::view::View;
use crate::settings::Bucket;
use crate::settings::Corner;
use crate::settings::Document;
use crate::settings::Instance;
use crate::settings::Key;
use crate::settings::LogGroup;
use crate::settings::Node;
use crate::settings::Prefix;
use crate::settings::Role;

/// What a check looks at, one at a time.
#[derive(Clone, Copy)]
pub enum Ask {
    Account(fn(&str, &View<'_>) -> Answer),
    Corner(fn(&Corner, &View<'_>) -> Answer),
    /// The preferences of a corner, where there are any that can be read.
    Preferences(fn(&Document, &Corner, &View<'_>) -> Answer),
    /// Any Session document, the preferences too.
    Document(fn(&Document, &Corner, &View<'_>) -> Answer),
    Group(fn(&LogGroup, &View<'_>) -> Answer),
    Bucket(fn(&Bucket, &View<'_>) -> Answer),
    Prefix(fn(&Prefix, &Bucket, &View<'_>) -> Answer),
    Key(fn(&Key, &View<'_>) -> Answer),
    Node(fn(&Node, &Corner, &View<'_>) -> Answer),
    /// An EC2 instance, managed or not.
    Instance(fn(&Instance, &Corner, &View<'_>) -> Answer),
    /// A role by which nodes write.
    Role(fn(&Role, &View<'_>) -> Answer),
    /// A principal that starts sessions, as the promise names it.
    Starter(fn(&Role, &View<'_>) -> Answer),
    /// A place that keeps transcripts, of either kind.
    Store(fn(Store<'_>, &View<'_>) -> Answer),
}

/// A place that keeps transcripts.
#[derive(Clone, Copy)]
pub enum Store<'a> {
    Group(&'a LogGroup),
    Prefix(&'a Prefix, &'a Bucket),
}

/// One row of the table of checks.
#[derive(Clone, Copy)]
pub struct Check {
    /// Stable, never used again for something else.
    pub id: &'static str,
    /// What must hold.
    pub title: &'static str,
    pub severity: Severity,
    pub groups: &'static [Group],
    /// Permissions whose answers it judges from.
    pub reads: &'static [&'static str],
    pub why: &'static str,
    pub then: &'static str,
    pub ask: Ask,
}

impl Check {
    pub fn mappings(&self) -> impl Iterator<Item = &'static Mapping> {
        self.groups.iter().flat_map(|it| it.mappings())
    }
}
