//! How the places are set: asked of AWS, each answer kept with its call, time and request id, each refusal as unread.
//!
//! From use to settings: the documents of each Region name the places, the places name the keys. Nothing is judged here.

use std::collections::BTreeMap;

use aws_sdk_s3::error::ProvideErrorMetadata;
use aws_sdk_s3::operation::RequestId;
use aws_sdk_ssm::types::DocumentFormat;
use aws_sdk_ssm::types::DocumentKeyValuesFilter;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use futures_util::StreamExt;
use sha2::Digest;
use sha2::Sha256;

use crate::audit::View;
use crate::audit::iam::policy::account_of;
use crate::audit::iam::questions;
use crate::audit::iam::questions::keys_of;
use crate::audit::preferences::NAME;
use crate::audit::preferences::Preferences;
use crate::audit::promise::Promise;
use crate::config::Access;
use crate::config::Place;
use crate::config::partition_of;
use crate::settings::*;
use crate::source::Refusal;
use crate::source::aws::Connection;
use crate::source::aws::Need;
use crate::source::discover::anywhere;
use crate::source::discover::enabled_regions;
use crate::source::network;
use crate::source::roles;

/// Things asked about at once.
const AT_ONCE: usize = 16;
/// Keys of one prefix that are listed at most: ten pages.
const LISTED: u64 = 10_000;

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

/// What every answer is stamped with: the time at which the run began, and what has passed since.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    /// UTC microseconds.
    pub began: i64,
    pub since: std::time::Instant,
}

impl Clock {
    fn now(self) -> At {
        let passed = i64::try_from(self.since.elapsed().as_micros()).unwrap_or(0);
        At(self.began.saturating_add(passed))
    }
}

/// One way to AWS, and the time.
#[derive(Clone)]
pub(super) struct Way {
    pub(super) connection: Connection,
    pub(super) account: String,
    pub(super) region: String,
    clock: Clock,
}

impl Way {
    pub(super) fn need(&self, action: &'static str, on: impl Into<String>) -> Need {
        Need::of(action, on)
    }

    /// Keeps an answer or a refusal. `absent` names the error codes that mean "not set".
    pub(super) fn read<T, O, E>(
        &self,
        api: &str,
        need: &Need,
        answer: Result<O, SdkError<E, HttpResponse>>,
        absent: &[&str],
        nothing: T,
        take: impl FnOnce(O) -> T,
    ) -> Read<T>
    where
        O: RequestId,
        E: ProvideErrorMetadata + std::error::Error + 'static,
        SdkError<E, HttpResponse>: RequestId,
    {
        let request_id = match &answer {
            Ok(it) => it.request_id(),
            Err(it) => it.request_id(),
        };
        let asked = Asked {
            api: api.to_owned(),
            action: need.action.to_owned(),
            at: self.clock.now(),
            request_id: request_id.map(str::to_owned),
        };
        let outcome = match answer {
            Ok(it) => Outcome::Is(take(it)),
            Err(it) => {
                let code =
                    it.as_service_error().and_then(|it| it.meta().code()).unwrap_or_default();
                match absent.contains(&code) {
                    true => Outcome::Is(nothing),
                    false => Outcome::Unread(self.connection.unread(&it, need)),
                }
            }
        };
        Read { asked, outcome }
    }
}

/// Pages of one answer that are read at most: more than any account has, and an end for one that never ends.
const PAGES: usize = 1000;

/// Where the next page is.
pub(super) enum Next {
    End,
    At(String),
    /// There is one, and no way to it was told.
    Untold,
}

impl Next {
    pub(super) fn at(token: Option<&str>) -> Self {
        token.filter(|it| !it.is_empty()).map_or(Self::End, |it| Self::At(it.to_owned()))
    }

    /// For answers that tell apart whether they go on and where.
    pub(super) fn if_truncated(goes_on: Option<bool>, token: Option<&str>) -> Self {
        match (goes_on, Self::at(token)) {
            (Some(true), Self::End) => Self::Untold,
            (Some(true), it) => it,
            _ => Self::End,
        }
    }
}

/// The pages of one answer, counted: a part of them is no answer.
#[derive(Default)]
pub(super) struct Pages {
    read: usize,
    token: Option<String>,
}

impl Pages {
    /// Whether there is a next page, which `token` then names.
    pub(super) fn next(&mut self, api: &str, told: Next) -> Result<bool, Unread> {
        self.read += 1;
        let read = self.read;
        let why = match told {
            Next::End => return Ok(false),
            Next::At(it) if self.token.as_ref() == Some(&it) => {
                format!("{api} does not go on: page {read} names itself as the next")
            }
            Next::At(_) if read >= PAGES => {
                format!("{api} has more than {read} pages, and the rest was not read")
            }
            Next::At(it) => {
                self.token = Some(it);
                return Ok(true);
            }
            Next::Untold => format!("{api} goes on behind page {read} and does not say where"),
        };
        Err(Unread::new(Reason::PartialPage, why))
    }

    pub(super) fn token(&self) -> Option<String> {
        self.token.clone()
    }
}

impl Way {
    /// Keeps all pages of an answer, or why they are not known. `take` tells the items of one and where the next is.
    pub(super) async fn paged<T, O, E>(
        &self,
        api: &str,
        need: &Need,
        absent: &[&str],
        mut ask: impl AsyncFnMut(Option<String>) -> Result<O, SdkError<E, HttpResponse>>,
        take: impl Fn(O) -> (Vec<T>, Next),
    ) -> Read<Vec<T>>
    where
        O: RequestId,
        E: ProvideErrorMetadata + std::error::Error + 'static,
        SdkError<E, HttpResponse>: RequestId,
    {
        let (mut all, mut pages) = (Vec::new(), Pages::default());
        loop {
            let answer = ask(pages.token()).await;
            let Read { asked, outcome } =
                self.read(api, need, answer, absent, (Vec::new(), Next::End), &take);
            let told = match outcome {
                Outcome::Is((some, told)) => {
                    all.extend(some);
                    told
                }
                Outcome::Unread(it) => return Read { asked, outcome: Outcome::Unread(it) },
            };
            match pages.next(api, told) {
                Ok(true) => {}
                Ok(false) => return Read { asked, outcome: Outcome::Is(all) },
                Err(it) => return Read { asked, outcome: Outcome::Unread(it) },
            }
        }
    }
}

fn at(it: &aws_smithy_types::DateTime) -> Option<At> {
    it.to_millis().ok().map(|it| At(it * 1000))
}

fn millis(it: Option<i64>) -> Option<At> {
    it.map(|it| At(it * 1000))
}

fn own(it: Option<&str>) -> String {
    it.unwrap_or_default().to_owned()
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
    principals(&mut out, &ways, scope, progress).await;
    out.arrivals.clone_from(&scope.arrivals);
    let mut calls: BTreeMap<String, u64> = BTreeMap::new();
    for (name, many) in opened.iter().flat_map(|it| it.1.connection.calls.by_name()) {
        *calls.entry(name).or_default() += many;
    }
    out.calls = calls;
    out
}

/// What is set once for an account.
async fn account(way: &Way, id: String) -> Account {
    let need = way.need("s3:GetAccountPublicAccessBlock", "*");
    let answer = super::light::account_public_access(&way.connection, &id).await;
    let absent = &["NoSuchPublicAccessBlockConfiguration"];
    // Never set is an answer; one of another form is none.
    let read =
        way.read("s3:GetAccountPublicAccessBlock", &need, answer, absent, Some(None), |it| {
            let document = roxmltree::Document::parse(&it.text).ok()?;
            if document.root_element().tag_name().name() != "PublicAccessBlockConfiguration" {
                return None;
            }
            let it = super::light::Element::root(&document);
            Some(Some(PublicAccess {
                block_acls: it.flag("BlockPublicAcls"),
                ignore_acls: it.flag("IgnorePublicAcls"),
                block_policy: it.flag("BlockPublicPolicy"),
                restrict_buckets: it.flag("RestrictPublicBuckets"),
            }))
        });
    let mut public_access =
        network::told(read, "s3:GetAccountPublicAccessBlock answered in another form");
    // A private endpoint or an emulator is one for S3, and what it says of a path that it takes for a bucket's tells nothing.
    if let Outcome::Unread(it) = &mut public_access.outcome
        && it.missing.is_none()
        && way.connection.sdk.endpoint_url().is_some()
    {
        it.why = "the endpoint that is set does not answer for the account (S3 Control)".into();
    }
    Account { id, public_access }
}

/// What the roles behind nodes may do, and those who start sessions: once for each.
async fn principals(
    out: &mut Survey,
    ways: &[Way],
    scope: &Scope,
    progress: &(dyn Fn(&str) + Sync),
) {
    // Role, nodes with their Regions, places of its corners.
    type Wanted = (String, Vec<(String, String)>, Vec<usize>);
    let mut wanted: Vec<Wanted> = Vec::new();
    for (nth, corner) in out.corners.iter().enumerate() {
        for (arn, nodes) in questions::candidates(corner) {
            let nodes = nodes.into_iter().map(|it| (it, corner.region.clone()));
            match wanted.iter_mut().find(|it| it.0 == arn) {
                Some(it) => {
                    it.1.extend(nodes);
                    it.2.push(nth);
                }
                None => wanted.push((arn, nodes.collect(), vec![nth])),
            }
        }
    }
    // No promise is needed to ask.
    let promise = Promise::default();
    let view = View::new(out, &promise);
    let asked = wanted.into_iter().filter_map(|(arn, nodes, at)| {
        let corners: Vec<&Corner> = at.iter().map(|it| &out.corners[*it]).collect();
        let way = ways.get(*at.first()?)?;
        Some((way, arn, nodes, questions::questions(&corners, &view)))
    });
    let asked: Vec<_> = asked.collect();
    let roles = futures_util::stream::iter(asked).map(|(way, arn, nodes, questions)| async move {
        progress(&format!("the role {arn}"));
        roles::simulate(way, &arn, nodes, questions).await
    });
    let roles: Vec<Role> = roles.buffered(AT_ONCE).collect().await;
    let mut starters = Vec::new();
    for arn in &scope.starters {
        let account = account_of(arn);
        let at = out.corners.iter().position(|it| account.as_ref() == Some(&it.account));
        let Some(way) = at.and_then(|it| ways.get(it)) else {
            let why = Unread::new(Reason::NotAsked, "no Region of its account was looked into");
            starters.push(Role {
                arn: arn.clone(),
                simulations: vec![Simulation {
                    resource: "*".into(),
                    decisions: Read { outcome: Outcome::Unread(why), ..Read::default() },
                }],
                ..Role::default()
            });
            continue;
        };
        let corners: Vec<&Corner> =
            out.corners.iter().filter(|it| account.as_ref() == Some(&it.account)).collect();
        let questions = questions::starter_questions(&corners);
        starters.push(roles::simulate(way, arn, Vec::new(), questions).await);
    }
    (out.roles, out.starters) = (roles, starters);
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

/// Places that the documents of a Region send sessions to.
fn named(it: &Corner) -> Vec<(Place, String)> {
    let mut out = Vec::new();
    let own = it.preferences.known().ok().and_then(Option::as_ref);
    let others = it.documents.known().into_iter().flatten();
    for document in own.into_iter().chain(others) {
        let Some(told) = document.content.known().ok().and_then(|it| Preferences::read(it)) else {
            continue;
        };
        if !told.is_shell() {
            continue;
        }
        let from = format!("{} in {} of {}", document.name, it.region, it.account);
        if let Some(bucket) = told.bucket.text() {
            out.push((
                Place::S3 { bucket: bucket.into(), prefix: told.prefix.clone() },
                from.clone(),
            ));
        }
        if let Some(group) = told.group.text() {
            let (account, region) = (Some(it.account.clone()), Some(it.region.clone()));
            out.push((Place::Logs { group: group.into(), account, region }, from));
        }
    }
    out
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

fn add_key(keys: &mut Vec<(Key, Way)>, id: &str, used: KeyUse, way: &Way) {
    // An ARN names its Region.
    let region = id.strip_prefix("arn:").and_then(|it| it.split(':').nth(2)).unwrap_or(&way.region);
    let same = |it: &&mut (Key, Way)| {
        it.0.id == id && it.0.account == way.account && it.0.region == region
    };
    match keys.iter_mut().find(same) {
        Some((it, _)) => it.used_by.push(used),
        None => keys.push((
            Key {
                id: id.into(),
                account: way.account.clone(),
                region: region.into(),
                used_by: vec![used],
                ..Key::default()
            },
            Way {
                connection: way.connection.in_region(region),
                region: region.into(),
                ..way.clone()
            },
        )),
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
    it.network = network::network(way).await;
    if let Outcome::Is(instances) = &mut it.network.instances.outcome {
        roles::profiles(way, instances).await;
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

/// A document with its sharing; else the refusal, or that there is none.
async fn document(
    way: &Way,
    client: &aws_sdk_ssm::Client,
    name: &str,
) -> Result<Document, Read<Option<Document>>> {
    let arn = format!(
        "arn:{}:ssm:{}:{}:document/{name}",
        partition_of(&way.region),
        way.region,
        way.account
    );
    let need = way.need("ssm:GetDocument", &arn);
    let got = client.get_document().name(name).document_format(DocumentFormat::Json).send().await;
    let mut version = String::new();
    let read = way.read("ssm:GetDocument", &need, got, &["InvalidDocument"], None, |it| {
        version = own(it.document_version());
        Some(own(it.content()))
    });
    let content = match read.outcome {
        Outcome::Is(Some(it)) => Read { asked: read.asked, outcome: Outcome::Is(it) },
        Outcome::Is(None) => return Err(Read { asked: read.asked, outcome: Outcome::Is(None) }),
        Outcome::Unread(it) => {
            return Err(Read { asked: read.asked, outcome: Outcome::Unread(it) });
        }
    };
    let mut it = Document { name: name.into(), version, content, ..Document::default() };
    // Which of its versions is in force counts for the preferences alone: of any other document a session names one.
    if name == NAME {
        let described = way.need("ssm:DescribeDocument", &arn);
        let got = client.describe_document().name(name).send().await;
        let read = way.read("ssm:DescribeDocument", &described, got, &[], None, |it| {
            let told = it.document()?;
            Some(Described {
                default_version: told.default_version().map(str::to_owned),
                latest_version: told.latest_version().map(str::to_owned),
                status: told.status().map(|it| it.as_str().to_owned()),
            })
        });
        it.described = network::told(read, "ssm:DescribeDocument answered without a document");
    }
    let need = way.need("ssm:DescribeDocumentPermission", &arn);
    it.shared_with = way
        .paged(
            "ssm:DescribeDocumentPermission",
            &need,
            &[],
            async |token| {
                client
                    .describe_document_permission()
                    .name(name)
                    .permission_type(aws_sdk_ssm::types::DocumentPermissionType::Share)
                    .set_next_token(token)
                    .send()
                    .await
            },
            |it| (it.account_ids().to_vec(), Next::at(it.next_token())),
        )
        .await;
    Ok(it)
}

/// What CloudWatch Logs has set for a whole account and Region.
async fn logs_of(way: &Way, it: &mut Corner) {
    use aws_sdk_cloudwatchlogs::types::PolicyType;
    let client = way.connection.logs();
    let need = way.need("logs:DescribeAccountPolicies", "*");
    let policies = async |kind: PolicyType| {
        way.paged(
            "logs:DescribeAccountPolicies",
            &need,
            &[],
            async |token| {
                let ask = client.describe_account_policies().policy_type(kind.clone());
                ask.set_next_token(token).send().await
            },
            |it| {
                let policies = it.account_policies().iter().map(|it| AccountPolicy {
                    name: own(it.policy_name()),
                    document: own(it.policy_document()),
                    selection: it.selection_criteria().map(str::to_owned),
                    updated_at: millis(it.last_updated_time()),
                });
                (policies.collect(), Next::at(it.next_token()))
            },
        )
        .await
    };
    // The SDK may not know the newest kind by name; the service does.
    it.retention_policies = policies(PolicyType::from("RETENTION_POLICY")).await;
    it.subscription_policies = policies(PolicyType::SubscriptionFilterPolicy).await;
    let need = way.need("logs:DescribeDestinations", "*");
    it.destinations = way
        .paged(
            "logs:DescribeDestinations",
            &need,
            &[],
            async |token| client.describe_destinations().set_next_token(token).send().await,
            |it| {
                let all = it.destinations().iter();
                let all = all
                    .map(|it| Destination { arn: own(it.arn()), target: own(it.target_arn()) })
                    .collect();
                (all, Next::at(it.next_token()))
            },
        )
        .await;
    it.logs_policies = policies_of(way, &client, None).await;
}

async fn policies_of(
    way: &Way,
    client: &aws_sdk_cloudwatchlogs::Client,
    arn: Option<String>,
) -> Read<Vec<ResourcePolicy>> {
    let need = way.need("logs:DescribeResourcePolicies", "*");
    way.paged(
        "logs:DescribeResourcePolicies",
        &need,
        &["ResourceNotFoundException"],
        async |token| {
            let mut ask = client.describe_resource_policies().set_next_token(token);
            if let Some(arn) = &arn {
                ask = ask
                    .resource_arn(arn)
                    .policy_scope(aws_sdk_cloudwatchlogs::types::PolicyScope::Resource);
            }
            ask.send().await
        },
        |it| {
            let all = it.resource_policies().iter().map(|it| ResourcePolicy {
                name: own(it.policy_name()),
                document: own(it.policy_document()),
            });
            (all.collect(), Next::at(it.next_token()))
        },
    )
    .await
}

async fn group(way: &Way, mut it: LogGroup) -> LogGroup {
    let client = way.connection.logs();
    let need = way.need("logs:DescribeLogGroups", "*");
    let mut pages = Pages::default();
    // A prefix finds siblings too, by the page.
    loop {
        let ask = client
            .describe_log_groups()
            .log_group_name_prefix(&it.name)
            .set_next_token(pages.token());
        let mut token = Next::End;
        it.settings =
            way.read("logs:DescribeLogGroups", &need, ask.send().await, &[], None, |page| {
                token = Next::at(page.next_token());
                let one = page
                    .log_groups()
                    .iter()
                    .find(|one| one.log_group_name() == Some(it.name.as_str()))?;
                Some(GroupSettings {
                    created_at: millis(one.creation_time()),
                    retention_days: one.retention_in_days().map(i64::from),
                    retention_policy: one.retention_policy_name().map(str::to_owned),
                    kms_key: one.kms_key_id().map(str::to_owned),
                    class: one.log_group_class().map(|it| it.as_str().to_owned()),
                    deletion_protection: one.deletion_protection_enabled(),
                    bearer_token: one.bearer_token_authentication_enabled(),
                    stored_bytes: one.stored_bytes(),
                    data_protection: one.data_protection_status().map(|it| it.as_str().to_owned()),
                    inherited: one
                        .inherited_properties()
                        .iter()
                        .map(|it| it.as_str().to_owned())
                        .collect(),
                })
            });
        if !matches!(it.settings.known(), Ok(None)) {
            break;
        }
        match pages.next("logs:DescribeLogGroups", token) {
            Ok(true) => {}
            Ok(false) => break,
            Err(why) => {
                it.settings.outcome = Outcome::Unread(why);
                break;
            }
        }
    }
    if matches!(it.settings.known(), Ok(None)) {
        return it;
    }
    let arn = format!(
        "arn:{}:logs:{}:{}:log-group:{}",
        partition_of(&it.region),
        it.region,
        it.account,
        it.name
    );
    let need = way.need("logs:DescribeSubscriptionFilters", &arn);
    it.subscriptions = way
        .paged(
            "logs:DescribeSubscriptionFilters",
            &need,
            &[],
            async |token| {
                let ask = client.describe_subscription_filters().log_group_name(&it.name);
                ask.set_next_token(token).send().await
            },
            |it| {
                let all = it.subscription_filters().iter().map(|it| Subscription {
                    name: own(it.filter_name()),
                    destination: own(it.destination_arn()),
                    pattern: own(it.filter_pattern()),
                });
                (all.collect(), Next::at(it.next_token()))
            },
        )
        .await;
    it.policies = policies_of(way, &client, Some(arn)).await;
    it
}

async fn bucket(way: &Way, mut it: Bucket, more: usize, accounts: &[String]) -> (Bucket, Way) {
    let arn = format!("arn:{}:s3:::{}", partition_of(&way.region), it.name);
    let need = way.need("s3:ListBucket", &arn);
    let mut way = way.clone();
    let mut client = way.connection.s3();
    let owner = it.expected_owner.clone();
    let mut asked =
        client.head_bucket().bucket(&it.name).set_expected_bucket_owner(owner.clone()).send().await;
    if let Err(wrong) = &asked
        && let Some(region) =
            wrong.raw_response().and_then(|it| it.headers().get("x-amz-bucket-region"))
    {
        it.region = Some(region.to_owned());
        if wrong
            .raw_response()
            .is_some_and(|it| it.status().as_u16() == 301 || it.status().as_u16() == 400)
        {
            way = Way {
                connection: way.connection.in_region(region),
                region: region.to_owned(),
                ..way
            };
            client = way.connection.s3();
            asked = client
                .head_bucket()
                .bucket(&it.name)
                .set_expected_bucket_owner(owner.clone())
                .send()
                .await;
        }
    }
    let status =
        asked.as_ref().err().and_then(|it| it.raw_response()).map(|it| it.status().as_u16());
    if let Ok(told) = &asked {
        it.region = told.bucket_region().map(str::to_owned).or(Some(way.region.clone()));
    }
    it.existence = way.read(
        "s3:HeadBucket",
        &need,
        asked,
        &["NotFound", "NoSuchBucket"],
        Existence::Missing,
        |_| Existence::Exists,
    );
    if status == Some(404) {
        it.existence.outcome = Outcome::Is(Existence::Missing);
    }
    if status == Some(403)
        && owner.is_some()
        && client.head_bucket().bucket(&it.name).send().await.is_ok()
    {
        it.existence.outcome = Outcome::Is(Existence::Foreign);
    }
    if matches!(it.existence.known(), Ok(Existence::Missing | Existence::Foreign)) {
        return (it, way);
    }
    // Whose it is S3 tells only if it is asked about an account ("Verifying bucket ownership with bucket owner condition").
    if owner.is_none() && it.existence.known().is_ok() {
        for account in accounts {
            let ask = client.head_bucket().bucket(&it.name).expected_bucket_owner(account);
            if ask.send().await.is_ok() {
                it.owner = Some(account.clone());
                it.account.clone_from(account);
                break;
            }
        }
    }
    if let Some(region) = it.region.clone().filter(|it| *it != way.region) {
        way = Way { connection: way.connection.in_region(&region), region, ..way };
        client = way.connection.s3();
    }
    let name = it.name.clone();
    macro_rules! ask {
        ($call:ident, $api:literal, $action:literal, $absent:expr, $nothing:expr, $take:expr) => {{
            let need = way.need($action, &arn);
            let got =
                client.$call().bucket(&name).set_expected_bucket_owner(owner.clone()).send().await;
            way.read($api, &need, got, $absent, $nothing, $take)
        }};
    }
    it.encryption = ask!(
        get_bucket_encryption,
        "s3:GetBucketEncryption",
        "s3:GetEncryptionConfiguration",
        &["ServerSideEncryptionConfigurationNotFoundError"],
        None,
        |it| {
            let rule = it.server_side_encryption_configuration()?.rules().first()?.clone();
            let default = rule.apply_server_side_encryption_by_default()?;
            Some(Encryption {
                algorithm: default.sse_algorithm().as_str().to_owned(),
                kms_key: default.kms_master_key_id().map(str::to_owned),
                bucket_key: rule.bucket_key_enabled().unwrap_or(false),
                blocked: rule.blocked_encryption_types().map(|it| {
                    it.encryption_type().iter().map(|it| it.as_str().to_owned()).collect()
                }),
            })
        }
    );
    it.lifecycle = ask!(
        get_bucket_lifecycle_configuration,
        "s3:GetBucketLifecycleConfiguration",
        "s3:GetLifecycleConfiguration",
        &["NoSuchLifecycleConfiguration"],
        None,
        |it| {
            Some(Lifecycle {
                rules: it.rules().iter().map(rule).collect(),
                minimum_size: it
                    .transition_default_minimum_object_size()
                    .map(|it| it.as_str().to_owned()),
            })
        }
    );
    it.versioning = ask!(
        get_bucket_versioning,
        "s3:GetBucketVersioning",
        "s3:GetBucketVersioning",
        &[],
        Versioning::default(),
        |it| Versioning {
            status: it.status().map(|it| it.as_str().to_owned()),
            mfa_delete: it.mfa_delete().is_some_and(|it| it.as_str() == "Enabled"),
        }
    );
    it.lock = ask!(
        get_object_lock_configuration,
        "s3:GetObjectLockConfiguration",
        "s3:GetBucketObjectLockConfiguration",
        &["ObjectLockConfigurationNotFoundError"],
        None,
        |it| {
            let it = it.object_lock_configuration()?;
            let default = it.rule().and_then(|it| it.default_retention());
            Some(Lock {
                mode: default.and_then(|it| it.mode()).map(|it| it.as_str().to_owned()),
                days: default.and_then(|it| {
                    it.days().map(i64::from).or(it.years().map(|it| i64::from(it) * 365))
                }),
            })
        }
    );
    it.public_access = ask!(
        get_public_access_block,
        "s3:GetPublicAccessBlock",
        "s3:GetBucketPublicAccessBlock",
        &["NoSuchPublicAccessBlockConfiguration"],
        None,
        |it| {
            let it = it.public_access_block_configuration()?;
            Some(PublicAccess {
                block_acls: it.block_public_acls().unwrap_or(false),
                ignore_acls: it.ignore_public_acls().unwrap_or(false),
                block_policy: it.block_public_policy().unwrap_or(false),
                restrict_buckets: it.restrict_public_buckets().unwrap_or(false),
            })
        }
    );
    it.policy = ask!(
        get_bucket_policy,
        "s3:GetBucketPolicy",
        "s3:GetBucketPolicy",
        &["NoSuchBucketPolicy"],
        None,
        |it| it.policy().map(str::to_owned)
    );
    it.policy_is_public = ask!(
        get_bucket_policy_status,
        "s3:GetBucketPolicyStatus",
        "s3:GetBucketPolicyStatus",
        &["NoSuchBucketPolicy"],
        None,
        |it| it.policy_status()?.is_public()
    );
    it.acl =
        ask!(get_bucket_acl, "s3:GetBucketAcl", "s3:GetBucketAcl", &[], Acl::default(), |it| Acl {
            owner: it.owner().and_then(|it| it.id()).map(str::to_owned),
            grants: it
                .grants()
                .iter()
                .map(|it| {
                    let whom = it.grantee().and_then(|it| it.uri().or(it.id())).unwrap_or("?");
                    (
                        whom.to_owned(),
                        it.permission().map_or(String::new(), |it| it.as_str().to_owned()),
                    )
                })
                .collect(),
        });
    it.ownership = ask!(
        get_bucket_ownership_controls,
        "s3:GetBucketOwnershipControls",
        "s3:GetBucketOwnershipControls",
        &["OwnershipControlsNotFoundError"],
        None,
        |it| {
            it.ownership_controls()?
                .rules()
                .first()
                .map(|it| it.object_ownership().as_str().to_owned())
        }
    );
    it.logging =
        ask!(get_bucket_logging, "s3:GetBucketLogging", "s3:GetBucketLogging", &[], None, |it| {
            let it = it.logging_enabled()?;
            Some(format!("{}/{}", it.target_bucket(), it.target_prefix()))
        });
    let need = way.need("s3:GetIntelligentTieringConfiguration", &arn);
    it.tiering = way
        .paged(
            "s3:ListBucketIntelligentTieringConfigurations",
            &need,
            &["NoSuchConfiguration"],
            async |token| {
                client
                    .list_bucket_intelligent_tiering_configurations()
                    .bucket(&name)
                    .set_continuation_token(token)
                    .set_expected_bucket_owner(owner.clone())
                    .send()
                    .await
            },
            |page| {
                let all = page.intelligent_tiering_configuration_list().iter().map(|it| Tiering {
                    id: it.id().to_owned(),
                    enabled: it.status().as_str() == "Enabled",
                    prefix: own(it
                        .filter()
                        .and_then(|it| it.prefix().or(it.and().and_then(|it| it.prefix())))),
                    tagged: it.filter().is_some_and(|it| {
                        it.tag().is_some() || it.and().is_some_and(|it| !it.tags().is_empty())
                    }),
                    tiers: it
                        .tierings()
                        .iter()
                        .map(|it| (it.access_tier().as_str().to_owned(), i64::from(it.days())))
                        .collect(),
                });
                (
                    all.collect(),
                    Next::if_truncated(page.is_truncated(), page.next_continuation_token()),
                )
            },
        )
        .await;
    it.replication = ask!(
        get_bucket_replication,
        "s3:GetBucketReplication",
        "s3:GetReplicationConfiguration",
        &["ReplicationConfigurationNotFoundError"],
        Vec::new(),
        |it| {
            it.replication_configuration()
                .into_iter()
                .flat_map(|it| it.rules())
                .map(|it| Replica {
                    enabled: it.status().as_str() == "Enabled",
                    prefix: own(it
                        .filter()
                        .and_then(|it| it.prefix().or(it.and().and_then(|it| it.prefix())))),
                    bucket: own(it.destination().map(|it| it.bucket())),
                    account: it.destination().and_then(|it| it.account()).map(str::to_owned),
                    kms_objects: it
                        .source_selection_criteria()
                        .and_then(|it| it.sse_kms_encrypted_objects())
                        .is_some_and(|it| it.status().as_str() == "Enabled"),
                })
                .collect()
        }
    );
    for prefix in &mut it.prefixes {
        prefix.sample =
            sample(&way, &client, &name, &arn, &prefix.prefix, owner.as_deref(), more).await;
    }
    (it, way)
}

fn rule(it: &aws_sdk_s3::types::LifecycleRule) -> Rule {
    let filter = it.filter();
    let and = filter.and_then(|it| it.and());
    #[expect(deprecated, reason = "old configurations still carry the prefix there")]
    let old = it.prefix();
    let prefix = and.and_then(|it| it.prefix()).or(filter.and_then(|it| it.prefix())).or(old);
    let sizes = [
        filter.and_then(|it| it.object_size_greater_than()),
        filter.and_then(|it| it.object_size_less_than()),
        and.and_then(|it| it.object_size_greater_than()),
        and.and_then(|it| it.object_size_less_than()),
    ];
    let expiration = it.expiration();
    let noncurrent = it.noncurrent_version_expiration();
    let days = |it: Option<i32>| it.map(i64::from);
    let now = it.transitions().iter().map(|it| Transition {
        class: it.storage_class().map_or(String::new(), |it| it.as_str().to_owned()),
        days: days(it.days()),
        on: it.date().and_then(at),
        noncurrent: false,
    });
    let later = it.noncurrent_version_transitions().iter().map(|it| Transition {
        class: it.storage_class().map_or(String::new(), |it| it.as_str().to_owned()),
        days: days(it.noncurrent_days()),
        on: None,
        noncurrent: true,
    });
    Rule {
        id: own(it.id()),
        enabled: it.status().as_str() == "Enabled",
        prefix: own(prefix),
        tagged: filter.is_some_and(|it| it.tag().is_some())
            || and.is_some_and(|it| !it.tags().is_empty()),
        sized: sizes.iter().any(Option::is_some),
        expire_days: days(expiration.and_then(|it| it.days())),
        expire_on: expiration.and_then(|it| it.date()).and_then(at),
        noncurrent_days: days(noncurrent.and_then(|it| it.noncurrent_days())),
        noncurrent_kept: days(noncurrent.and_then(|it| it.newer_noncurrent_versions())),
        transitions: now.chain(later).collect(),
        aborts_uploads: it.abort_incomplete_multipart_upload().is_some(),
    }
}

/// Lists a prefix, and looks at the newest five, the oldest five and as many others, the same on every run.
async fn sample(
    way: &Way,
    client: &aws_sdk_s3::Client,
    bucket: &str,
    arn: &str,
    prefix: &str,
    owner: Option<&str>,
    more: usize,
) -> Read<Sample> {
    let need = way.need("s3:ListBucket", arn);
    let mut out = Sample::default();
    let mut listed: Vec<(At, String)> = Vec::new();
    let mut pages = Pages::default();
    let mut read;
    loop {
        let ask = client
            .list_objects_v2()
            .bucket(bucket)
            .prefix(prefix)
            .set_expected_bucket_owner(owner.map(str::to_owned))
            .set_continuation_token(pages.token());
        let mut token = Next::End;
        read =
            way.read("s3:ListObjectsV2", &need, ask.send().await, &[], Sample::default(), |page| {
                token = Next::if_truncated(page.is_truncated(), page.next_continuation_token());
                for it in page.contents() {
                    let size = it.size().unwrap_or(0).unsigned_abs();
                    out.listed += 1;
                    out.bytes += size;
                    out.small += u64::from(size < 128 * 1024);
                    listed
                        .push((it.last_modified().and_then(at).unwrap_or_default(), own(it.key())));
                }
                Sample::default()
            });
        if matches!(read.outcome, Outcome::Unread(_)) {
            return read;
        }
        match pages.next("s3:ListObjectsV2", token) {
            Ok(true) if out.listed < LISTED => {}
            Ok(more) => {
                out.complete = !more;
                break;
            }
            Err(why) => return Read { asked: read.asked, outcome: Outcome::Unread(why) },
        }
    }
    listed.sort();
    out.oldest = listed.first().map(|it| it.0);
    out.newest = listed.last().map(|it| it.0);
    let mut chosen: Vec<String> =
        listed.iter().take(5).chain(listed.iter().rev().take(5)).map(|it| it.1.clone()).collect();
    let mut others: Vec<(Vec<u8>, &String)> =
        listed.iter().map(|it| (Sha256::digest(it.1.as_bytes()).to_vec(), &it.1)).collect();
    others.sort();
    chosen.extend(others.into_iter().take(more).map(|it| it.1.clone()));
    chosen.sort();
    chosen.dedup();
    let heads = futures_util::stream::iter(chosen).map(|key| async move {
        let need = way.need("s3:GetObject", format!("{arn}/{prefix}*"));
        let got = client
            .head_object()
            .bucket(bucket)
            .key(&key)
            .set_expected_bucket_owner(owner.map(str::to_owned))
            .send()
            .await;
        let head = way.read("s3:HeadObject", &need, got, &[], Head::default(), |it| Head {
            encryption: it.server_side_encryption().map(|it| it.as_str().to_owned()),
            kms_key: it.ssekms_key_id().map(str::to_owned),
            customer_key: it.sse_customer_algorithm().is_some(),
            class: it.storage_class().map(|it| it.as_str().to_owned()),
            lock_mode: it.object_lock_mode().map(|it| it.as_str().to_owned()),
            lock_until: it.object_lock_retain_until_date().and_then(at),
            legal_hold: it.object_lock_legal_hold_status().map(|it| it.as_str().to_owned()),
            expiration: it.expiration().map(str::to_owned),
            modified: it.last_modified().and_then(at),
        });
        Object { key, head }
    });
    out.objects = heads.buffered(AT_ONCE).collect().await;
    Read { asked: read.asked, outcome: Outcome::Is(out) }
}

async fn key(way: &Way, mut it: Key) -> Key {
    let client = way.connection.kms();
    let need = way.need("kms:DescribeKey", &it.id);
    let got = client.describe_key().key_id(&it.id).send().await;
    it.state = way.read("kms:DescribeKey", &need, got, &["NotFoundException"], None, |it| {
        let it = it.key_metadata()?;
        Some(KeyState {
            arn: own(it.arn()),
            state: it.key_state().map_or(String::new(), |it| it.as_str().to_owned()),
            manager: it.key_manager().map_or(String::new(), |it| it.as_str().to_owned()),
            spec: it.key_spec().map_or(String::new(), |it| it.as_str().to_owned()),
            origin: it.origin().map_or(String::new(), |it| it.as_str().to_owned()),
            deletion_at: it.deletion_date().and_then(at),
            valid_to: it.valid_to().and_then(at),
        })
    });
    let Ok(Some(state)) = it.state.known() else { return it };
    if state.manager == "AWS" {
        return it;
    }
    // The calls below take no alias.
    let arn = state.arn.clone();
    let need = way.need("kms:GetKeyPolicy", &arn);
    let got = client.get_key_policy().key_id(&arn).policy_name("default").send().await;
    it.policy = way.read("kms:GetKeyPolicy", &need, got, &[], String::new(), |it| own(it.policy()));
    let need = way.need("kms:GetKeyRotationStatus", &arn);
    let got = client.get_key_rotation_status().key_id(&arn).send().await;
    it.rotation = way.read(
        "kms:GetKeyRotationStatus",
        &need,
        got,
        &["UnsupportedOperationException"],
        None,
        |it| {
            Some(Rotation {
                enabled: it.key_rotation_enabled(),
                period_days: it.rotation_period_in_days().map(i64::from),
            })
        },
    );
    it
}

async fn trails(way: &Way) -> Read<Vec<Trail>> {
    let client = way.connection.cloudtrail();
    let need = way.need("cloudtrail:DescribeTrails", "*");
    let got = client.describe_trails().send().await;
    let mut read = way.read("cloudtrail:DescribeTrails", &need, got, &[], Vec::new(), |it| {
        let all = it.trail_list().iter().map(|it| Trail {
            arn: own(it.trail_arn()),
            name: own(it.name()),
            bucket: own(it.s3_bucket_name()),
            multi_region: it.is_multi_region_trail().unwrap_or(false),
            organization: it.is_organization_trail().unwrap_or(false),
            validated: it.log_file_validation_enabled().unwrap_or(false),
            ..Trail::default()
        });
        all.collect()
    });
    let Outcome::Is(trails) = &mut read.outcome else { return read };
    for it in trails {
        let need = way.need("cloudtrail:GetTrailStatus", &it.arn);
        let got = client.get_trail_status().name(&it.arn).send().await;
        it.status =
            way.read("cloudtrail:GetTrailStatus", &need, got, &[], TrailStatus::default(), |it| {
                TrailStatus {
                    logging: it.is_logging().unwrap_or(false),
                    delivery_error: it.latest_delivery_error().map(str::to_owned),
                    digest_error: it.latest_digest_delivery_error().map(str::to_owned),
                    delivered_at: it.latest_delivery_time().and_then(at),
                }
            });
        let need = way.need("cloudtrail:GetEventSelectors", &it.arn);
        let got = client.get_event_selectors().trail_name(&it.arn).send().await;
        it.selectors =
            way.read("cloudtrail:GetEventSelectors", &need, got, &[], Vec::new(), |it| {
                let plain = it.event_selectors().iter().map(|it| Selector::Plain {
                    read_write: it
                        .read_write_type()
                        .map_or("All".into(), |it| it.as_str().to_owned()),
                    management: it.include_management_events().unwrap_or(true),
                    data: it
                        .data_resources()
                        .iter()
                        .map(|it| (own(it.r#type()), it.values().to_vec()))
                        .collect(),
                });
                let advanced = it.advanced_event_selectors().iter().map(|it| Selector::Advanced {
                    fields: it
                        .field_selectors()
                        .iter()
                        .map(|it| FieldSelector {
                            field: it.field().to_owned(),
                            equals: it.equals().to_vec(),
                            starts_with: it.starts_with().to_vec(),
                            not_equals: it.not_equals().to_vec(),
                            not_starts_with: it.not_starts_with().to_vec(),
                            ends_with: it.ends_with().to_vec(),
                            not_ends_with: it.not_ends_with().to_vec(),
                        })
                        .collect(),
                });
                plain.chain(advanced).collect()
            });
    }
    read
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_that_was_not_read_makes_the_answer_unread() {
        let why = |it: Result<bool, Unread>| it.map_err(|it| (it.reason, it.why));
        let mut pages = Pages::default();
        assert_eq!(why(pages.next("a:B", Next::at(Some("x")))), Ok(true));
        assert_eq!(why(pages.next("a:B", Next::at(Some("")))), Ok(false), "an empty token is none");
        let itself = why(pages.next("a:B", Next::at(Some("x")))).unwrap_err();
        assert_eq!(itself.0, Reason::PartialPage);
        assert_eq!(itself.1, "a:B does not go on: page 3 names itself as the next");
        let untold = why(pages.next("a:B", Next::if_truncated(Some(true), None))).unwrap_err();
        assert_eq!(untold.1, "a:B goes on behind page 4 and does not say where");
        assert_eq!(why(pages.next("a:B", Next::if_truncated(Some(false), Some("y")))), Ok(false));
        let mut endless = Pages::default();
        let end = (0..)
            .find_map(|nth: u32| why(endless.next("a:B", Next::at(Some(&nth.to_string())))).err());
        assert_eq!(end.unwrap().1, "a:B has more than 1000 pages, and the rest was not read");
    }
}
