//! The accounts that are asked: each opened once for all that reach it alike, and what could not be opened.

use std::collections::BTreeMap;

use super::context::AwsContext;
use super::context::Clock;
use crate::config::Access;
use crate::settings::Caller;
use crate::settings::Gap;
use crate::settings::Unread;
use crate::source::Refusal;
use crate::source::aws::Need;
use crate::source::discover::enabled_regions;
use crate::source::discover::open_account;

/// Ways to AWS that are open.
pub(super) struct OpenedAccounts {
    clock: Clock,
    opened: Vec<(Access, AwsContext)>,
    pub(super) callers: Vec<Caller>,
    pub(super) unread: Vec<Gap>,
}

impl OpenedAccounts {
    pub(super) fn new(clock: Clock) -> Self {
        Self { clock, opened: Vec::new(), callers: Vec::new(), unread: Vec::new() }
    }

    /// One context for each Region of these accounts; where none is named, for all that are enabled.
    pub(super) async fn regions(
        &mut self,
        accounts: &[Access],
        regions: &[String],
    ) -> Vec<AwsContext> {
        let mut out = Vec::new();
        for access in accounts {
            let role = access.role_arn.as_ref();
            let what = role.map_or("this account".to_owned(), |it| it.value.clone());
            let Some(aws) = self.open(access, what).await else { continue };
            let regions = match regions {
                [] => self.enabled(&aws).await,
                named => named.to_vec(),
            };
            out.extend(regions.iter().map(|it| aws.in_region(it)));
        }
        out
    }

    /// The way to an account; `what` cannot be looked into if there is none.
    pub(super) async fn open(&mut self, access: &Access, what: String) -> Option<AwsContext> {
        if let Some((_, aws)) = self.opened.iter().find(|it| it.0.reaches_like(access)) {
            return Some(aws.clone());
        }
        match self.connect(access).await {
            Ok(aws) => {
                self.opened.push((access.clone(), aws.clone()));
                Some(aws)
            }
            Err(it) => {
                self.unread.push(Gap { what, unread: unread(it, "sts:AssumeRole") });
                None
            }
        }
    }

    /// Requests made over all ways, by operation.
    pub(super) fn calls(&self) -> BTreeMap<String, u64> {
        let mut calls = BTreeMap::new();
        for (name, many) in self.opened.iter().flat_map(|it| it.1.connection.calls.by_name()) {
            *calls.entry(name).or_default() += many;
        }
        calls
    }

    async fn connect(&mut self, access: &Access) -> Result<AwsContext, Refusal> {
        let (connection, caller) = open_account(access).await?;
        let account = caller.account.clone();
        if !self.callers.contains(&caller) {
            self.callers.push(caller);
        }
        let region = connection.region().unwrap_or_default();
        Ok(AwsContext { connection, account, region, clock: self.clock })
    }

    async fn enabled(&mut self, aws: &AwsContext) -> Vec<String> {
        enabled_regions(&aws.connection).await.unwrap_or_else(|it| {
            let what = format!("the enabled Regions of {}", aws.account);
            self.unread.push(Gap { what, unread: unread(it, "account:ListRegions") });
            vec![aws.region.clone()]
        })
    }
}

fn unread(it: Refusal, action: &'static str) -> Unread {
    Unread { on: None, ..it.unread(&Need::of(action, "*")) }
}
