//! How the places are set: asked of AWS, each answer kept with its call, time and request id, each refusal as unread.
//!
//! From use to settings: the documents of each Region name the places, the places name the keys. Nothing is judged here.

use crate::aws_names::NodeKind;
use crate::config::Access;
use crate::settings::*;

pub(super) use accounts::OpenedAccounts;
pub(super) use accounts::open_account;
pub(super) use context::AwsContext;
pub use context::Clock;
use context::each;
pub use places::SurveyTarget;
use places::SurveyedPlaces;
pub(super) use ssm::session_documents;

/// One way to AWS, and how its answers become settings.
mod context;

/// Answers that come in pages.
mod pages;

/// The ways to AWS.
mod accounts;

/// What is asked about.
mod places;

/// Documents and nodes.
mod ssm;

/// Log groups.
mod logs;

/// Buckets.
mod s3;

/// Transcripts in a bucket.
mod sample;

/// Keys.
mod kms;

/// Trails.
mod cloudtrail;

/// The network in front of the nodes.
mod ec2;

/// Roles of nodes and of those who start sessions.
mod iam;

/// What to look into.
#[derive(Clone, Debug, Default)]
pub struct SurveyScope {
    /// The way to each account whose Session documents are read; none if places alone are asked for.
    pub accounts: Vec<Access>,
    /// All that are enabled if empty.
    pub regions: Vec<String>,
    /// Places that are asked about beside those that Session documents name.
    pub targets: Vec<SurveyTarget>,
    /// Transcripts of each prefix that are looked at beside the newest and oldest five.
    pub sample: usize,
    /// ARNs of principals that start sessions.
    pub starters: Vec<String>,
    /// What our own archive knows of transcripts that came.
    pub arrivals: Vec<Arrival>,
}

/// Asks. `progress` is told what is looked at.
pub async fn survey(scope: &SurveyScope, clock: Clock, progress: &(dyn Fn(&str) + Sync)) -> Survey {
    let taken_at = clock.now();
    let mut accounts = OpenedAccounts::new(clock);
    let regions = accounts.regions(&scope.accounts, &scope.regions).await;
    let mut corners = each(regions, async |aws| {
        progress(&format!("Session Manager in {} of {}", aws.region, aws.account));
        (corner(&aws).await, aws)
    })
    .await;
    let mut places = SurveyedPlaces::default();
    for (corner, aws) in &corners {
        places.add_named(corner, aws);
    }
    for it in &scope.targets {
        places.add_target(it, &mut accounts).await;
    }
    add_corners(&mut corners, &places).await;
    let groups = each(places.groups, async |(it, aws)| {
        progress(&format!("logs:{}", it.name));
        (logs::group(&aws, it).await, aws)
    })
    .await;
    let owners: Vec<String> = accounts.callers.iter().map(|it| it.account.clone()).collect();
    let buckets = each(places.buckets, async |(it, aws)| {
        progress(&format!("s3://{}", it.name));
        s3::bucket(&aws, it, scope.sample, &owners).await
    })
    .await;
    let keys = kms::used(&corners, &groups, &buckets);
    let keys = each(keys, async |(it, aws)| kms::key(&aws, it).await).await;
    let of_buckets = s3::accounts(&buckets).await;
    let (corners, contexts): (Vec<Corner>, Vec<AwsContext>) = corners.into_iter().unzip();
    let mut out = Survey {
        version: VERSION,
        taken_by: format!("ssmtrail {}", env!("CARGO_PKG_VERSION")),
        taken_at,
        callers: accounts.callers.clone(),
        corners,
        groups: groups.into_iter().map(|it| it.0).collect(),
        buckets: buckets.into_iter().map(|it| it.0).collect(),
        keys,
        accounts: of_buckets,
        unread: accounts.gaps(),
        ..Survey::default()
    };
    iam::principals(&mut out, &contexts, &scope.starters, progress).await;
    out.arrivals.clone_from(&scope.arrivals);
    out.calls = accounts.calls();
    out
}

/// One Region of one account.
async fn corner(aws: &AwsContext) -> Corner {
    let mut it = empty_corner(aws);
    it.preferences = ssm::preferences(aws).await;
    it.documents = ssm::documents(aws).await;
    it.nodes = ssm::nodes(aws).await;
    logs::add_account_settings(aws, &mut it).await;
    it.trails = cloudtrail::trails(aws).await;
    it.network = ec2::network(aws).await;
    if let Outcome::Is(instances) = &mut it.network.instances.outcome {
        iam::profiles(aws, instances).await;
    }
    if it
        .nodes
        .known()
        .is_ok_and(|it| it.iter().any(|it| NodeKind::of(&it.id) == Some(NodeKind::Instance)))
    {
        it.default_role = ssm::default_role(aws).await;
    }
    it
}

/// A log group alone still lies in a Region whose account policies are about it.
async fn add_corners(corners: &mut Vec<(Corner, AwsContext)>, places: &SurveyedPlaces) {
    for (group, aws) in &places.groups {
        let same = |it: &Corner| it.account == group.account && it.region == group.region;
        if !corners.iter().any(|it| same(&it.0)) {
            let mut it = empty_corner(aws);
            logs::add_account_settings(aws, &mut it).await;
            corners.push((it, aws.clone()));
        }
    }
}

fn empty_corner(aws: &AwsContext) -> Corner {
    Corner { account: aws.account.clone(), region: aws.region.clone(), ..Corner::default() }
}
