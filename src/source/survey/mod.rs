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
pub use context::Clock;
use context::Way;
use context::own;
use ec2::network;
use iam::principals;
use iam::profiles;
use kms::add_key;
use kms::key;
use logs::group;
use logs::logs_of;
use pages::Next;
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
    let mut opened: Vec<(Access, Way)> = Vec::new();
    let mut ways = Vec::new();
    for access in &scope.accounts {
        let what =
            access.role_arn.as_ref().map_or("this account".to_owned(), |it| it.value.clone());
        match open(access, clock, &mut opened, &mut out).await {
            Ok(way) => {
                let regions = match scope.regions.is_empty() {
                    false => scope.regions.clone(),
                    true => match enabled_regions(&way.connection).await {
                        Ok(it) => it,
                        Err(it) => {
                            let what = format!("the enabled Regions of {}", way.account);
                            out.unread
                                .push(Gap { what, unread: refused(it, "account:ListRegions") });
                            vec![way.region.clone()]
                        }
                    },
                };
                for region in regions {
                    let connection = way.connection.in_region(&region);
                    ways.push(Way { connection, region, ..way.clone() });
                }
            }
            Err(it) => out.unread.push(Gap { what, unread: refused(it, "sts:AssumeRole") }),
        }
    }
    let corners = futures_util::stream::iter(ways).map(|way| async move {
        progress(&format!("Session Manager in {} of {}", way.region, way.account));
        (corner(&way).await, way)
    });
    let corners: Vec<(Corner, Way)> = corners.buffered(AT_ONCE).collect().await;
    let mut targets: Vec<(Target, Way, Option<String>)> = Vec::new();
    for (corner, way) in &corners {
        for (place, named_by) in named(corner) {
            let access = way.connection.access.clone();
            let target = Target { place, access, named_by, bucket_owner: None };
            targets.push((target, way.clone(), Some(corner.region.clone())));
        }
    }
    for it in &scope.targets {
        match open(&it.access, clock, &mut opened, &mut out).await {
            Ok(mut way) => {
                if let Place::Logs { region: Some(region), .. } = &it.place {
                    way = Way {
                        connection: way.connection.in_region(region),
                        region: region.clone(),
                        ..way
                    };
                }
                targets.push((it.clone(), way, None));
            }
            Err(why) => out
                .unread
                .push(Gap { what: it.place.to_string(), unread: refused(why, "sts:AssumeRole") }),
        }
    }
    let (mut buckets, mut groups) = (Vec::<(Bucket, Way)>::new(), Vec::<(LogGroup, Way)>::new());
    for (target, way, session_region) in targets {
        match &target.place {
            Place::S3 { bucket, prefix } => {
                add_bucket(&mut buckets, bucket, prefix, &target, way, session_region)
            }
            Place::Logs { group, .. } => {
                let same = |it: &&mut (LogGroup, Way)| {
                    it.0.name == *group && it.0.account == way.account && it.0.region == way.region
                };
                match groups.iter_mut().find(same) {
                    Some((it, _)) => it.named_by.push(target.named_by),
                    None => groups.push((
                        LogGroup {
                            name: group.clone(),
                            account: way.account.clone(),
                            region: way.region.clone(),
                            named_by: vec![target.named_by],
                            ..LogGroup::default()
                        },
                        way,
                    )),
                }
            }
            Place::Folder(_) => {}
        }
    }
    // A log group alone still lies in a Region whose account policies are about it.
    let mut corners: Vec<(Corner, Way)> = corners;
    for (it, way) in &groups {
        if !corners.iter().any(|one| one.0.account == it.account && one.0.region == it.region) {
            let mut corner = Corner {
                account: it.account.clone(),
                region: it.region.clone(),
                ..Corner::default()
            };
            logs_of(way, &mut corner).await;
            corners.push((corner, way.clone()));
        }
    }
    let asked = futures_util::stream::iter(groups).map(|(it, way)| async move {
        progress(&format!("logs:{}", it.name));
        (group(&way, it).await, way)
    });
    let groups: Vec<(LogGroup, Way)> = asked.buffered(AT_ONCE).collect().await;
    // That which asks first: it most likely owns it.
    let known: Vec<String> = out.callers.iter().map(|it| it.account.clone()).collect();
    let known = &known;
    let asked = futures_util::stream::iter(buckets).map(|(it, way)| async move {
        progress(&format!("s3://{}", it.name));
        let mut accounts = known.clone();
        accounts.sort_by_key(|one| *one != it.account);
        accounts.dedup();
        bucket(&way, it, scope.sample, &accounts).await
    });
    let buckets: Vec<(Bucket, Way)> = asked.buffered(AT_ONCE).collect().await;
    let mut keys: Vec<(Key, Way)> = Vec::new();
    for (it, way) in &corners {
        if let Ok(Some(document)) = it.preferences.known()
            && let Ok(content) = document.content.known()
            && let Some(told) = Preferences::read(content)
            && let Some(key) = told.key.text()
        {
            add_key(&mut keys, key, KeyUse::Sessions(format!("{NAME} in {}", it.region)), way);
        }
    }
    for (it, way) in &groups {
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
            add_key(&mut keys, key, KeyUse::LogGroup(arn), way);
        }
    }
    for (it, way) in &buckets {
        for (key, use_) in keys_of(it) {
            add_key(&mut keys, &key, use_, way);
        }
    }
    let asked =
        futures_util::stream::iter(keys).map(|(it, way)| async move { key(&way, it).await });
    out.keys = asked.buffered(AT_ONCE).collect().await;
    out.groups = groups.into_iter().map(|it| it.0).collect();
    let mut accounts: Vec<(String, Way)> = Vec::new();
    for (it, way) in &buckets {
        if !accounts.iter().any(|one| one.0 == it.account) {
            accounts.push((it.account.clone(), way.clone()));
        }
    }
    out.buckets = buckets.into_iter().map(|it| it.0).collect();
    for (id, way) in accounts {
        out.accounts.push(account(&way, id).await);
    }
    let (corners, ways): (Vec<Corner>, Vec<Way>) = corners.into_iter().unzip();
    out.corners = corners;
    principals(&mut out, &ways, &scope.starters, progress).await;
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
    opened: &mut Vec<(Access, Way)>,
    out: &mut Survey,
) -> Result<Way, Refusal> {
    if let Some((_, way)) = opened.iter().find(|it| it.0.reaches_like(access)) {
        return Ok(way.clone());
    }
    let connection = anywhere(Connection::open(access).await?);
    let identity = connection.identity().await?;
    let caller = Caller { account: identity.account.clone(), arn: identity.arn };
    if !out.callers.contains(&caller) {
        out.callers.push(caller);
    }
    let region = connection.region().unwrap_or_default();
    let way = Way { connection, account: identity.account, region, clock };
    opened.push((access.clone(), way.clone()));
    Ok(way)
}

fn add_bucket(
    buckets: &mut Vec<(Bucket, Way)>,
    name: &str,
    prefix: &str,
    target: &Target,
    way: Way,
    session_region: Option<String>,
) {
    if !buckets.iter().any(|it| it.0.name == name) {
        let account = way.account.clone();
        buckets.push((Bucket { name: name.into(), account, ..Bucket::default() }, way));
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

async fn corner(way: &Way) -> Corner {
    let mut it =
        Corner { account: way.account.clone(), region: way.region.clone(), ..Corner::default() };
    let client = way.connection.ssm();
    it.preferences = match document(way, &client, NAME).await {
        Ok(it) => Read { asked: it.content.asked.clone(), outcome: Outcome::Is(Some(it)) },
        Err(it) => it,
    };
    let filter =
        |key: &str, value: &str| DocumentKeyValuesFilter::builder().key(key).values(value).build();
    let need = way.need("ssm:ListDocuments", "*");
    let listed = way
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
                (names, Next::at(page.next_token()))
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
            match document(way, &client, name).await {
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
    let need = way.need("ssm:DescribeInstanceInformation", "*");
    it.nodes = way
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
                (nodes.collect(), Next::at(page.next_token()))
            },
        )
        .await;
    logs_of(way, &mut it).await;
    it.trails = trails(way).await;
    it.network = network(way).await;
    if let Outcome::Is(instances) = &mut it.network.instances.outcome {
        profiles(way, instances).await;
    }
    if it.nodes.known().is_ok_and(|it| it.iter().any(|it| it.id.starts_with("i-"))) {
        let id = "/ssm/managed-instance/default-ec2-instance-management-role";
        let (partition, region, account) = (partition_of(&way.region), &way.region, &way.account);
        let need = way.need(
            "ssm:GetServiceSetting",
            format!("arn:{partition}:ssm:{region}:{account}:servicesetting{id}"),
        );
        let got = client.get_service_setting().setting_id(id).send().await;
        let absent = &["ServiceSettingNotFound"];
        it.default_role = way.read("ssm:GetServiceSetting", &need, got, absent, None, |it| {
            let value = it.service_setting().and_then(|it| it.setting_value()).unwrap_or_default();
            Some(value.to_owned()).filter(|it| !it.is_empty() && it != "$None")
        });
    }
    it
}
