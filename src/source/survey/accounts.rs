//! The accounts that are asked: each opened once for all that reach it alike, and what could not be opened.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::json;

use super::context::AwsContext;
use super::context::Clock;
use crate::config::Access;
use crate::settings::Caller;
use crate::settings::Gap;
use crate::settings::Reason;
use crate::settings::Unread;
use crate::source::Refusal;
use crate::source::aws::ANY_REGION;
use crate::source::aws::Connection;
use crate::source::light;
use crate::source::light::AwsAnswer;
use crate::source::refused::Need;

/// Ways to AWS that are open.
pub(crate) struct OpenedAccounts {
    clock: Clock,
    opened: Vec<(Access, AwsContext)>,
    pub(super) callers: Vec<Caller>,
    /// Accounts of which one Region stands for all, because those that are enabled could not be listed.
    pub(crate) narrowed: Vec<AwsContext>,
    /// What could not be looked into, why, and by which permission it is.
    pub(crate) unread: Vec<(String, Refusal, &'static str)>,
}

impl OpenedAccounts {
    pub(crate) fn new(clock: Clock) -> Self {
        Self {
            clock,
            opened: Vec::new(),
            callers: Vec::new(),
            narrowed: Vec::new(),
            unread: Vec::new(),
        }
    }

    /// One context for each Region of these accounts; where none is named, for all that are enabled.
    pub(crate) async fn regions(
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
                self.unread.push((what, it, "sts:AssumeRole"));
                None
            }
        }
    }

    /// What could not be looked into, as a survey keeps it.
    pub(super) fn gaps(&mut self) -> Vec<Gap> {
        let gaps = self.unread.drain(..).map(|(what, why, action)| {
            let mut unread = why.unread(&Need::of(action, "*"));
            // STS knows the credentials of every Region: what it does not know is wrong everywhere.
            if action.starts_with("sts:") && unread.reason == Reason::RegionNotEnabled {
                unread.reason = Reason::Credentials;
            }
            Gap { what, unread: Unread { on: None, ..unread } }
        });
        gaps.collect()
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
            // Better one Region than none; that there are others is said.
            let what = format!("the enabled Regions of {}", aws.account);
            self.unread.push((what, it, "account:ListRegions"));
            self.narrowed.push(aws.clone());
            vec![aws.region.clone()]
        })
    }
}

/// A way to AWS, and whose it is.
///
/// # Errors
/// When there are no credentials, or AWS does not tell whose they are.
pub(crate) async fn open_account(access: &Access) -> Result<(Connection, Caller), Refusal> {
    let connection = Connection::open(access).await?;
    // Services that know no Region still want one named.
    let connection = match connection.region() {
        Some(_) => connection,
        None => connection.in_region(ANY_REGION),
    };
    let identity = connection.identity().await?;
    Ok((connection, identity))
}

/// A page of the Regions of an account ("ListRegions", AWS Account Management Reference Guide).
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct RegionsPage {
    regions: Vec<AccountRegion>,
    next_token: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct AccountRegion {
    region_name: Option<String>,
}

async fn enabled_regions(connection: &Connection) -> Result<Vec<String>, Refusal> {
    let need = Need::of("account:ListRegions", "*");
    let ask = async |token: Option<String>| {
        let mut asked = json!({ "RegionOptStatusContains": ["ENABLED", "ENABLED_BY_DEFAULT"] });
        if let Some(it) = token {
            asked["NextToken"] = it.into();
        }
        light::regions::<RegionsPage>(connection, &asked).await
    };
    let mut regions = Vec::new();
    let page = |it: AwsAnswer<RegionsPage>| (Some(it.body.regions), it.body.next_token);
    connection.list(&need, &mut regions, ask, page).await?;
    let mut names: Vec<String> = regions.into_iter().filter_map(|it| it.region_name).collect();
    names.sort_unstable();
    Ok(names)
}
