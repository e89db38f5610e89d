//! How the places are set: asked of AWS, each answer kept with its call, time and request id, each refusal as unread.
//!
//! From use to settings: the documents of each Region name the places, the places name the keys. Nothing is judged here.

use std::collections::BTreeMap;

use aws_sdk_ssm::types::DocumentKeyValuesFilter;
use futures_util::StreamExt;

use crate::audit::buckets::keys_of;
use crate::audit::preferences::NAME;
use crate::audit::preferences::Preferences;
use crate::config::Access;
use crate::config::Place;
use crate::config::partition_of;
use crate::settings::*;
use crate::source::Refusal;
use crate::source::aws::Connection;
use crate::source::discover::anywhere;
use crate::source::discover::enabled_regions;

use cloudtrail::trails;
use context::AT_ONCE;
use context::AwsContext;
pub use context::Clock;
use context::own;
use ec2::network;
use iam::principals;
use iam::profiles;
use kms::add_key;
use kms::key;
use logs::group;
use logs::logs_of;
use pages::NextPage;
use s3::account;
use s3::bucket;
use ssm::document;
use ssm::named;

mod cloudtrail;
mod context;
mod ec2;
mod iam;
mod kms;
mod logs;
mod pages;
mod s3;
mod sample;
mod ssm;

/// A place, the way there, and what made us look.
#[derive(Clone, Debug)]
pub struct Target {
    pub place: Place,
    pub access: Access,
    pub named_by: String,
    pub bucket_owner: Option<String>,
}

/// What to look into.
#[derive(Clone, Debug, Default)]
pub struct Scope {
    /// The way to each account whose Session documents are read; none if places alone are asked for.
    pub accounts: Vec<Access>,
    /// All that are enabled if empty.
    pub regions: Vec<String>,
    pub targets: Vec<Target>,
    /// Transcripts of each prefix that are looked at beside the newest and oldest five.
    pub sample: usize,
    /// ARNs of principals that start sessions.
    pub starters: Vec<String>,
    /// What our own archive knows of transcripts that came.
    pub arrivals: Vec<Arrival>,
}

/// Asks. `progress` is told what is looked at.
pub async fn survey(scope: &Scope, clock: Clock, progress: &(dyn Fn(&str) + Sync)) -> Survey {
    let mut out = Survey {
        version: VERSION,
        taken_by: format!("ssmtrail {}", env!("CARGO_PKG_VERSION")),
        taken_at: clock.now(),
        ..Survey::default()
    };
    let mut opened: Vec<(Access, AwsContext)> = Vec::new();
    let mut contexts = Vec::new();
    for access in &scope.accounts {
        let what =
            access.role_arn.as_ref().map_or("this account".to_owned(), |it| it.value.clone());
        match open(access, clock, &mut opened, &mut out).await {
            Ok(aws) => {
                let regions = match scope.regions.is_empty() {
                    false => scope.regions.clone(),
                    true => match enabled_regions(&aws.connection).await {
                        Ok(it) => it,
                        Err(it) => {
                            let what = format!("the enabled Regions of {}", aws.account);
                            out.unread
                                .push(Gap { what, unread: refused(it, "account:ListRegions") });
                            vec![aws.region.clone()]
                        }
                    },
                };
                for region in regions {
                    let connection = aws.connection.in_region(&region);
                    contexts.push(AwsContext { connection, region, ..aws.clone() });
                }
            }
            Err(it) => out.unread.push(Gap { what, unread: refused(it, "sts:AssumeRole") }),
        }
    }
    let corners = futures_util::stream::iter(contexts).map(|aws| async move {
        progress(&format!("Session Manager in {} of {}", aws.region, aws.account));
        (corner(&aws).await, aws)
    });
    let corners: Vec<(Corner, AwsContext)> = corners.buffered(AT_ONCE).collect().await;
    let mut targets: Vec<(Target, AwsContext, Option<String>)> = Vec::new();
    for (corner, aws) in &corners {
        for (place, named_by) in named(corner) {
            let access = aws.connection.access.clone();
            let target = Target { place, access, named_by, bucket_owner: None };
            targets.push((target, aws.clone(), Some(corner.region.clone())));
        }
    }
    for it in &scope.targets {
        match open(&it.access, clock, &mut opened, &mut out).await {
            Ok(mut aws) => {
                if let Place::Logs { region: Some(region), .. } = &it.place {
                    aws = AwsContext {
                        connection: aws.connection.in_region(region),
                        region: region.clone(),
                        ..aws
                    };
                }
                targets.push((it.clone(), aws, None));
            }
            Err(why) => out
                .unread
                .push(Gap { what: it.place.to_string(), unread: refused(why, "sts:AssumeRole") }),
        }
    }
    let (mut buckets, mut groups) =
        (Vec::<(Bucket, AwsContext)>::new(), Vec::<(LogGroup, AwsContext)>::new());
    for (target, aws, session_region) in targets {
        match &target.place {
            Place::S3 { bucket, prefix } => {
                add_bucket(&mut buckets, bucket, prefix, &target, aws, session_region)
            }
            Place::Logs { group, .. } => {
                let same = |it: &&mut (LogGroup, AwsContext)| {
                    it.0.name == *group && it.0.account == aws.account && it.0.region == aws.region
                };
                match groups.iter_mut().find(same) {
                    Some((it, _)) => it.named_by.push(target.named_by),
                    None => groups.push((
                        LogGroup {
                            name: group.clone(),
                            account: aws.account.clone(),
                            region: aws.region.clone(),
                            named_by: vec![target.named_by],
                            ..LogGroup::default()
                        },
                        aws,
                    )),
                }
            }
            Place::Folder(_) => {}
        }
    }
    // A log group alone still lies in a Region whose account policies are about it.
    let mut corners: Vec<(Corner, AwsContext)> = corners;
    for (it, aws) in &groups {
        if !corners.iter().any(|one| one.0.account == it.account && one.0.region == it.region) {
            let mut corner = Corner {
                account: it.account.clone(),
                region: it.region.clone(),
                ..Corner::default()
            };
            logs_of(aws, &mut corner).await;
            corners.push((corner, aws.clone()));
        }
    }
    let asked = futures_util::stream::iter(groups).map(|(it, aws)| async move {
        progress(&format!("logs:{}", it.name));
        (group(&aws, it).await, aws)
    });
    let groups: Vec<(LogGroup, AwsContext)> = asked.buffered(AT_ONCE).collect().await;
    // That which asks first: it most likely owns it.
    let known: Vec<String> = out.callers.iter().map(|it| it.account.clone()).collect();
    let known = &known;
    let asked = futures_util::stream::iter(buckets).map(|(it, aws)| async move {
        progress(&format!("s3://{}", it.name));
        let mut accounts = known.clone();
        accounts.sort_by_key(|one| *one != it.account);
        accounts.dedup();
        bucket(&aws, it, scope.sample, &accounts).await
    });
    let buckets: Vec<(Bucket, AwsContext)> = asked.buffered(AT_ONCE).collect().await;
    let mut keys: Vec<(Key, AwsContext)> = Vec::new();
    for (it, aws) in &corners {
        if let Ok(Some(document)) = it.preferences.known()
            && let Ok(content) = document.content.known()
            && let Some(told) = Preferences::read(content)
            && let Some(key) = told.key.text()
        {
            add_key(&mut keys, key, KeyUse::Sessions(format!("{NAME} in {}", it.region)), aws);
        }
    }
    for (it, aws) in &groups {
        if let Ok(Some(settings)) = it.settings.known()
            && let Some(key) = &settings.kms_key
        {
            let arn = format!(
                "arn:{}:logs:{}:{}:log-group:{}",
                partition_of(&it.region),
                it.region,
                it.account,
                it.name
            );
            add_key(&mut keys, key, KeyUse::LogGroup(arn), aws);
        }
    }
    for (it, aws) in &buckets {
        for (key, use_) in keys_of(it) {
            add_key(&mut keys, &key, use_, aws);
        }
    }
    let asked =
        futures_util::stream::iter(keys).map(|(it, aws)| async move { key(&aws, it).await });
    out.keys = asked.buffered(AT_ONCE).collect().await;
    out.groups = groups.into_iter().map(|it| it.0).collect();
    let mut accounts: Vec<(String, AwsContext)> = Vec::new();
    for (it, aws) in &buckets {
        if !accounts.iter().any(|one| one.0 == it.account) {
            accounts.push((it.account.clone(), aws.clone()));
        }
    }
    out.buckets = buckets.into_iter().map(|it| it.0).collect();
    for (id, aws) in accounts {
        out.accounts.push(account(&aws, id).await);
    }
    let (corners, contexts): (Vec<Corner>, Vec<AwsContext>) = corners.into_iter().unzip();
    out.corners = corners;
    principals(&mut out, &contexts, &scope.starters, progress).await;
    out.arrivals.clone_from(&scope.arrivals);
    let mut calls: BTreeMap<String, u64> = BTreeMap::new();
    for (name, many) in opened.iter().flat_map(|it| it.1.connection.calls.by_name()) {
        *calls.entry(name).or_default() += many;
    }
    out.calls = calls;
    out
}

fn refused(it: Refusal, action: &str) -> Unread {
    let reason = if it.why.starts_with("access denied") {
        Reason::AccessDenied
    } else {
        Reason::Credentials
    };
    let missing = (reason == Reason::AccessDenied).then(|| action.to_owned());
    Unread { missing, ..Unread::new(reason, it.why) }
}

/// Opens a way, once for all that are reached alike.
async fn open(
    access: &Access,
    clock: Clock,
    opened: &mut Vec<(Access, AwsContext)>,
    out: &mut Survey,
) -> Result<AwsContext, Refusal> {
    if let Some((_, aws)) = opened.iter().find(|it| it.0.reaches_like(access)) {
        return Ok(aws.clone());
    }
    let connection = anywhere(Connection::open(access).await?);
    let identity = connection.identity().await?;
    let caller = Caller { account: identity.account.clone(), arn: identity.arn };
    if !out.callers.contains(&caller) {
        out.callers.push(caller);
    }
    let region = connection.region().unwrap_or_default();
    let aws = AwsContext { connection, account: identity.account, region, clock };
    opened.push((access.clone(), aws.clone()));
    Ok(aws)
}

fn add_bucket(
    buckets: &mut Vec<(Bucket, AwsContext)>,
    name: &str,
    prefix: &str,
    target: &Target,
    aws: AwsContext,
    session_region: Option<String>,
) {
    if !buckets.iter().any(|it| it.0.name == name) {
        let account = aws.account.clone();
        buckets.push((Bucket { name: name.into(), account, ..Bucket::default() }, aws));
    }
    let Some((it, _)) = buckets.iter_mut().find(|it| it.0.name == name) else { return };
    it.expected_owner = it.expected_owner.take().or(target.bucket_owner.clone());
    if !it.prefixes.iter().any(|it| it.prefix == prefix) {
        it.prefixes.push(Prefix { prefix: prefix.into(), ..Prefix::default() });
    }
    if let Some(it) = it.prefixes.iter_mut().find(|it| it.prefix == prefix) {
        it.named_by.push(target.named_by.clone());
        let new = session_region.filter(|one| !it.session_regions.contains(one));
        it.session_regions.extend(new);
    }
}

async fn corner(aws: &AwsContext) -> Corner {
    let mut it =
        Corner { account: aws.account.clone(), region: aws.region.clone(), ..Corner::default() };
    let client = aws.connection.ssm();
    it.preferences = match document(aws, &client, NAME).await {
        Ok(it) => Read { asked: it.content.asked.clone(), outcome: Outcome::Is(Some(it)) },
        Err(it) => it,
    };
    let filter =
        |key: &str, value: &str| DocumentKeyValuesFilter::builder().key(key).values(value).build();
    let need = aws.need("ssm:ListDocuments", "*");
    let listed = aws
        .paged(
            "ssm:ListDocuments",
            &need,
            &[],
            async |token| {
                client
                    .list_documents()
                    .filters(filter("Owner", "Self"))
                    .filters(filter("DocumentType", "Session"))
                    .set_next_token(token)
                    .send()
                    .await
            },
            |page| {
                let names = page.document_identifiers().iter().map(|it| own(it.name())).collect();
                (names, NextPage::at(page.next_token()))
            },
        )
        .await;
    let (names, outcome) = match listed.outcome {
        Outcome::Is(names) => (names, Outcome::Is(Vec::new())),
        Outcome::Unread(it) => (Vec::<String>::new(), Outcome::Unread(it)),
    };
    let mut last = Read { asked: listed.asked, outcome };
    if let Outcome::Is(many) = &mut last.outcome {
        for name in names.iter().filter(|it| *it != NAME) {
            match document(aws, &client, name).await {
                Ok(it) => many.push(it),
                // It was listed, so that it exists: its content is what is not known.
                Err(it) => many.push(Document {
                    name: name.clone(),
                    content: Read {
                        asked: it.asked,
                        outcome: Outcome::Unread(match it.outcome {
                            Outcome::Unread(why) => why,
                            Outcome::Is(_) => {
                                Unread::new(Reason::NotThere, "it was deleted after it was listed")
                            }
                        }),
                    },
                    ..Document::default()
                }),
            }
        }
    }
    it.documents = last;
    let need = aws.need("ssm:DescribeInstanceInformation", "*");
    it.nodes = aws
        .paged(
            "ssm:DescribeInstanceInformation",
            &need,
            &[],
            async |token| client.describe_instance_information().set_next_token(token).send().await,
            |page| {
                let nodes = page.instance_information_list().iter().map(|it| Node {
                    id: own(it.instance_id()),
                    ping: it.ping_status().map_or(String::new(), |it| it.as_str().to_owned()),
                    platform: it.platform_type().map_or(String::new(), |it| it.as_str().to_owned()),
                    agent_version: own(it.agent_version()),
                    role: it.iam_role().map(str::to_owned),
                });
                (nodes.collect(), NextPage::at(page.next_token()))
            },
        )
        .await;
    logs_of(aws, &mut it).await;
    it.trails = trails(aws).await;
    it.network = network(aws).await;
    if let Outcome::Is(instances) = &mut it.network.instances.outcome {
        profiles(aws, instances).await;
    }
    if it.nodes.known().is_ok_and(|it| it.iter().any(|it| it.id.starts_with("i-"))) {
        let id = "/ssm/managed-instance/default-ec2-instance-management-role";
        let (partition, region, account) = (partition_of(&aws.region), &aws.region, &aws.account);
        let need = aws.need(
            "ssm:GetServiceSetting",
            format!("arn:{partition}:ssm:{region}:{account}:servicesetting{id}"),
        );
        let got = client.get_service_setting().setting_id(id).send().await;
        let absent = &["ServiceSettingNotFound"];
        it.default_role = aws.read("ssm:GetServiceSetting", &need, got, absent, None, |it| {
            let value = it.service_setting().and_then(|it| it.setting_value()).unwrap_or_default();
            Some(value.to_owned()).filter(|it| !it.is_empty() && it != "$None")
        });
    }
    it
}
