//! Where sessions are logged to, as AWS itself is set up: the sources that nobody needs to type.
//!
//! Session Manager's preferences are one document in each Region of each account, and any other Session document can name
//! destinations of its own; ECS Exec has its own in each cluster. All of these are read; what may not be read is told with
//! the permission that is missing, because a Region that could not be looked into is not one without sessions.

use std::collections::BTreeSet;

use aws_sdk_ssm::types::DocumentFormat;
use aws_sdk_ssm::types::DocumentKeyValuesFilter;
use futures_util::StreamExt;

use crate::aws_names::Arn;
use crate::aws_names::Home;
use crate::aws_names::Partition;
use crate::config::Access;
use crate::config::Learned;
use crate::config::Origin;
use crate::config::Place;
use crate::config::Told;
use crate::source::Refusal;
use crate::source::aws::Connection;
use crate::source::aws::Need;

/// The document that a session uses unless its starter names another ("Create a Session Manager preferences document").
pub const PREFERENCES: &str = "SSM-SessionManagerRunShell";
/// Regions of all accounts that are looked into at once.
const AT_ONCE: usize = 8;

/// What a look around found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Discovery {
    /// Destinations that were found, each once.
    pub learned: Vec<Learned>,
    /// What a person should know: no logging, a destination chosen by whoever starts the session.
    pub notes: Vec<String>,
    /// What could not be read, and why.
    pub unread: Vec<(String, Refusal)>,
    /// Accounts and Regions that were looked into.
    pub looked_into: Vec<(String, String)>,
}

/// What to look into.
#[derive(Clone, Debug, Default)]
pub struct Where {
    /// The way to each account: our own, and one for each role.
    pub accounts: Vec<Access>,
    /// All that are enabled if empty.
    pub regions: Vec<String>,
    /// Name of a role to assume in every other account of the organization.
    pub organization_role: Option<String>,
}

/// Looks around.
pub async fn discover(wanted: &Where) -> Discovery {
    let mut found = Discovery::default();
    let mut accounts = wanted.accounts.clone();
    if let (Some(role), Some(own)) = (&wanted.organization_role, wanted.accounts.first()) {
        match in_members(own, role).await {
            Ok(roles) => accounts.extend(roles.into_iter().map(|value| Access {
                role_arn: Some(Told { value, from: Origin::Argument }),
                ..own.clone()
            })),
            Err(it) => found.unread.push(("the organization's accounts".into(), it)),
        }
    }
    let mut corners = Vec::new();
    for access in &accounts {
        let name =
            access.role_arn.as_ref().map_or("this account".to_owned(), |it| it.value.clone());
        let opened = async {
            let connection = anywhere(Connection::open(access).await?);
            let identity = connection.identity().await?;
            Ok::<_, Refusal>((connection, identity.account))
        };
        let (connection, account) = match opened.await {
            Ok(it) => it,
            Err(it) => {
                found.unread.push((name, it));
                continue;
            }
        };
        let regions = match wanted.regions.is_empty() {
            false => wanted.regions.clone(),
            true => match enabled_regions(&connection).await {
                Ok(it) => it,
                Err(it) => {
                    // Better one Region than none; that there are others is said.
                    let here: Vec<String> = connection.region().into_iter().collect();
                    found.notes.push(format!(
                        "only {} of {account} was looked into; name other Regions with --region",
                        here.first().map_or("no Region", String::as_str)
                    ));
                    found.unread.push((format!("the enabled Regions of {account}"), it));
                    here
                }
            },
        };
        for region in regions {
            corners.push((connection.in_region(&region), account.clone(), region));
        }
    }
    let looks =
        futures_util::stream::iter(corners)
            .map(|(connection, account, region)| async move {
                corner(&connection, &account, &region).await
            })
            // In order, so that the file does not depend on who answers first.
            .buffered(AT_ONCE)
            .collect::<Vec<Discovery>>();
    for it in looks.await {
        found.add(it);
    }
    found
}

impl Discovery {
    fn add(&mut self, other: Self) {
        for it in other.learned {
            let same = |one: &&mut Learned| one.place == it.place && one.role_arn == it.role_arn;
            // One bucket often serves many Regions and accounts.
            let same_bucket =
                |one: &&mut Learned| matches!(it.place, Place::S3 { .. }) && one.place == it.place;
            match self.learned.iter_mut().find(|one| same(one) || same_bucket(one)) {
                Some(one) => {
                    // Containers of one task often share a group.
                    let new = it.from.into_iter().filter(|it| !one.from.contains(it));
                    let new: Vec<String> = new.collect();
                    one.from.extend(new);
                }
                None => self.learned.push(it),
            }
        }
        self.notes.extend(other.notes);
        self.unread.extend(other.unread);
        self.looked_into.extend(other.looked_into);
    }
}

/// The role of this name in all open accounts of the organization but our own.
async fn in_members(own: &Access, role: &str) -> Result<Vec<String>, Refusal> {
    let connection = anywhere(Connection::open(own).await?);
    let identity = connection.identity().await?;
    let partition = Arn::parse(&identity.arn).map_or(Partition::AWS, |it| it.partition);
    let need = Need::of("organizations:ListAccounts", "*");
    let client = connection.organizations();
    let mut pages = client.list_accounts().into_paginator().send();
    let mut ids = Vec::new();
    while let Some(page) = pages.next().await {
        let page = page.map_err(|it| connection.refused(&it, &need))?;
        let open = |it: &&aws_sdk_organizations::types::Account| {
            it.status().is_none_or(|it| it.as_str() == "ACTIVE")
        };
        ids.extend(page.accounts().iter().filter(open).filter_map(|it| it.id().map(str::to_owned)));
    }
    ids.retain(|it| *it != identity.account);
    Ok(ids.iter().map(|it| partition.role(it, role)).collect())
}

/// Services that know no Region still want one named.
pub(crate) fn anywhere(connection: Connection) -> Connection {
    match connection.region() {
        Some(_) => connection,
        None => connection.in_region("us-east-1"),
    }
}

pub(crate) async fn enabled_regions(connection: &Connection) -> Result<Vec<String>, Refusal> {
    use aws_sdk_account::types::RegionOptStatus;
    let need = Need::of("account:ListRegions", "*");
    let client = connection.account();
    let mut pages = client
        .list_regions()
        .region_opt_status_contains(RegionOptStatus::Enabled)
        .region_opt_status_contains(RegionOptStatus::EnabledByDefault)
        .into_paginator()
        .send();
    let mut names = Vec::new();
    while let Some(page) = pages.next().await {
        let page = page.map_err(|it| connection.refused(&it, &need))?;
        names.extend(page.regions().iter().filter_map(|it| it.region_name().map(str::to_owned)));
    }
    names.sort_unstable();
    Ok(names)
}

/// One Region of one account.
async fn corner(connection: &Connection, account: &str, region: &str) -> Discovery {
    let mut found = Discovery::default();
    found.looked_into.push((account.to_owned(), region.to_owned()));
    documents(connection, account, region, &mut found).await;
    clusters(connection, account, region, &mut found).await;
    found
}

async fn documents(connection: &Connection, account: &str, region: &str, found: &mut Discovery) {
    let here = format!("{region} of {account}");
    let client = connection.ssm();
    let mut names = vec![PREFERENCES.to_owned()];
    let filter =
        |key: &str, value: &str| DocumentKeyValuesFilter::builder().key(key).values(value).build();
    let mut pages = client
        .list_documents()
        .filters(filter("Owner", "Self"))
        .filters(filter("DocumentType", "Session"))
        .into_paginator()
        .send();
    while let Some(page) = pages.next().await {
        match page {
            Ok(page) => names.extend(
                page.document_identifiers()
                    .iter()
                    .filter_map(|it| it.name().map(str::to_owned))
                    .filter(|it| it != PREFERENCES),
            ),
            Err(it) => {
                let need = Need::of("ssm:ListDocuments", "*");
                let refusal = connection.refused(&it, &need);
                found.unread.push((format!("the Session documents in {here}"), refusal));
                break;
            }
        }
    }
    for name in names {
        let got =
            client.get_document().name(&name).document_format(DocumentFormat::Json).send().await;
        let got = match got {
            Ok(it) => it,
            Err(it) if it.as_service_error().is_some_and(|it| it.is_invalid_document()) => {
                if name == PREFERENCES {
                    found.notes.push(format!(
                        "{here}: there are no Session Manager preferences, so sessions there are not logged unless they name another document"
                    ));
                }
                continue;
            }
            Err(it) => {
                let need = Need::of("ssm:GetDocument", Home::new(region, account).document(&name));
                found.unread.push((format!("{name} in {here}"), connection.refused(&it, &need)));
                continue;
            }
        };
        let version = got.document_version().unwrap_or("$DEFAULT");
        let from = format!("{name} (version {version}) in {here}");
        let named = Destinations::of_document(got.content().unwrap_or_default());
        found.take(&named, &from, connection, account, region);
        if named.is_empty() && named.notes.is_empty() {
            found
                .notes
                .push(format!("{from}: it names no destination, so its sessions are not logged"));
        }
    }
}

async fn clusters(connection: &Connection, account: &str, region: &str, found: &mut Discovery) {
    use aws_sdk_ecs::types::ClusterField;
    let here = format!("{region} of {account}");
    let client = connection.ecs();
    let mut arns = Vec::new();
    let mut pages = client.list_clusters().into_paginator().send();
    while let Some(page) = pages.next().await {
        match page {
            Ok(page) => arns.extend(page.cluster_arns().iter().cloned()),
            Err(it) => {
                let refusal = connection.refused(&it, &Need::of("ecs:ListClusters", "*"));
                found.unread.push((format!("the ECS clusters in {here}"), refusal));
                return;
            }
        }
    }
    // "up to 100 clusters" ("DescribeClusters").
    for some in arns.chunks(100) {
        let answer = client
            .describe_clusters()
            .set_clusters(Some(some.to_vec()))
            .include(ClusterField::Configurations)
            .send()
            .await;
        let answer = match answer {
            Ok(it) => it,
            Err(it) => {
                let need = Need::of("ecs:DescribeClusters", "*");
                found
                    .unread
                    .push((format!("the ECS clusters in {here}"), connection.refused(&it, &need)));
                return;
            }
        };
        for it in answer.failures() {
            found.unread.push((
                format!("the ECS cluster {} in {here}", it.arn().unwrap_or("?")),
                failed(it),
            ));
        }
        for cluster in answer.clusters() {
            let name = cluster.cluster_name().unwrap_or_default();
            let from = format!("ECS Exec of the cluster {name} in {here}");
            let exec = cluster.configuration().and_then(|it| it.execute_command_configuration());
            match exec.and_then(|it| it.logging()).map(|it| it.as_str()) {
                Some("NONE") => {
                    found.notes.push(format!("{from}: logging is off"));
                }
                Some("OVERRIDE") => {
                    let log = exec.and_then(|it| it.log_configuration());
                    let named = Destinations::of(
                        log.and_then(|it| it.s3_bucket_name()),
                        log.and_then(|it| it.s3_key_prefix()),
                        log.and_then(|it| it.cloud_watch_log_group_name()),
                    );
                    found.take(&named, &from, connection, account, region);
                }
                // "DEFAULT: The awslogs configuration in the task definition is used" ("ExecuteCommandConfiguration").
                _ => {
                    let arn = cluster.cluster_arn().unwrap_or(name);
                    let corner = (connection, account, region);
                    if let Err((what, refusal)) = tasks(&client, corner, arn, &from, found).await {
                        found
                            .unread
                            .push((format!("{what} of the cluster {name} in {here}"), refusal));
                    }
                }
            }
        }
    }
}

/// What an answer says that it does not tell of one thing ("API failures messages", Amazon ECS Developer Guide).
fn failed(it: &aws_sdk_ecs::types::Failure) -> Refusal {
    let reason = it.reason().unwrap_or("without a reason");
    Refusal::new(format!("AWS did not describe it: {reason}"))
}

/// Log groups of the tasks of a cluster that sessions can be opened in: those that run now, since a task definition alone does
/// not tell whether it is used.
///
/// # Errors
/// What could not be read, and why.
async fn tasks(
    client: &aws_sdk_ecs::Client,
    (connection, account, region): (&Connection, &str, &str),
    cluster: &str,
    from: &str,
    found: &mut Discovery,
) -> Result<(), (&'static str, Refusal)> {
    let mut arns = Vec::new();
    let mut pages = client.list_tasks().cluster(cluster).into_paginator().send();
    while let Some(page) = pages.next().await {
        let need = Need::of("ecs:ListTasks", "*");
        let page = page.map_err(|it| ("the tasks", connection.refused(&it, &need)))?;
        arns.extend(page.task_arns().iter().cloned());
    }
    let mut definitions = BTreeSet::new();
    // "up to 100 tasks" ("DescribeTasks").
    for some in arns.chunks(100) {
        let need = Need::of("ecs:DescribeTasks", "*");
        let ask = client.describe_tasks().cluster(cluster).set_tasks(Some(some.to_vec()));
        let answer =
            ask.send().await.map_err(|it| ("the tasks", connection.refused(&it, &need)))?;
        // A task that ended meanwhile is none that runs now.
        let gone = |it: &&aws_sdk_ecs::types::Failure| it.reason() != Some("MISSING");
        if let Some(it) = answer.failures().iter().find(gone) {
            return Err(("the tasks", failed(it)));
        }
        let open = answer.tasks().iter().filter(|it| it.enable_execute_command());
        definitions.extend(open.filter_map(|it| it.task_definition_arn().map(str::to_owned)));
    }
    if definitions.is_empty() {
        found.notes.push(format!(
            "{from}: sessions go to the awslogs group of each task definition, and no task runs now that allows them"
        ));
    }
    for arn in definitions {
        let need = Need::of("ecs:DescribeTaskDefinition", "*");
        let answer = client.describe_task_definition().task_definition(&arn).send().await;
        let answer =
            answer.map_err(|it| ("the task definitions", connection.refused(&it, &need)))?;
        let name = Arn::parse(&arn).map_or(arn.as_str(), Arn::name);
        let from = format!("{from}, task definition {name}");
        let containers =
            answer.task_definition().into_iter().flat_map(|it| it.container_definitions());
        let mut logged = false;
        for it in containers.filter_map(|it| it.log_configuration()) {
            let option = |key: &str| it.options().and_then(|it| it.get(key)).map(String::as_str);
            if it.log_driver().as_str() == "awslogs" {
                let named = Destinations::of(None, None, option("awslogs-group"));
                let region = option("awslogs-region").unwrap_or(region);
                logged |= !named.is_empty();
                found.take(&named, &from, connection, account, region);
            }
        }
        if !logged {
            found.notes.push(format!(
                "{from}: no container logs to CloudWatch Logs, so its sessions are not logged"
            ));
        }
    }
    Ok(())
}

impl Discovery {
    fn take(
        &mut self,
        named: &Destinations,
        from: &str,
        connection: &Connection,
        account: &str,
        region: &str,
    ) {
        self.notes.extend(named.notes.iter().map(|it| format!("{from}: {it}")));
        let value = |it: &Option<Told>| it.as_ref().map(|it| it.value.clone());
        let access = &connection.access;
        let said = |it: &Option<Told>| match it {
            Some(it) if it.from == Origin::Argument => Some(it.value.clone()),
            _ => None,
        };
        let group = named.group.as_ref().map(|group| Place::Logs {
            group: group.clone(),
            account: Some(account.to_owned()),
            region: Some(region.to_owned()),
        });
        for place in named.bucket.clone().into_iter().chain(group) {
            self.learned.push(Learned {
                place,
                profile: said(&access.profile),
                role_arn: value(&access.role_arn),
                external_id: access.role_arn.as_ref().and_then(|_| value(&access.external_id)),
                from: vec![from.to_owned()],
            });
        }
    }
}

/// Where one document or cluster sends sessions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Destinations {
    bucket: Option<Place>,
    group: Option<String>,
    notes: Vec<String>,
}

impl Destinations {
    fn is_empty(&self) -> bool {
        self.bucket.is_none() && self.group.is_none()
    }

    fn of(bucket: Option<&str>, prefix: Option<&str>, group: Option<&str>) -> Self {
        let mut out = Self::default();
        let mut sound = |it: Option<&str>, what: &str| {
            let text = it?.trim();
            // "parameters … {{ name }}": then whoever starts a session chooses ("Session document schema").
            if text.contains("{{") {
                out.notes
                    .push(format!("its {what} is {text}: whoever starts a session chooses it"));
                return None;
            }
            (!text.is_empty()).then(|| text.to_owned())
        };
        let bucket = sound(bucket, "bucket");
        let prefix = sound(prefix, "prefix");
        let group = sound(group, "log group");
        // The agent cleans the prefix as a path (amazon-ssm-agent: agent/fileutil/fileutil.go, BuildS3Path).
        let prefix: Vec<&str> =
            prefix.iter().flat_map(|it| it.split('/')).filter(|it| !it.is_empty()).collect();
        out.bucket = bucket.map(|bucket| Place::S3 {
            bucket,
            prefix: prefix.iter().map(|it| format!("{it}/")).collect(),
        });
        out.group = group;
        out
    }

    fn of_document(content: &str) -> Self {
        let Ok(document) = serde_json::from_str::<serde_json::Value>(content) else {
            let notes = vec!["its content is no JSON".to_owned()];
            return Self { notes, ..Self::default() };
        };
        let input = |name: &str| document.pointer(&format!("/inputs/{name}"))?.as_str();
        if document.get("sessionType").and_then(|it| it.as_str()) == Some("Port") {
            let notes = vec!["it forwards ports, which is never logged".to_owned()];
            return Self { notes, ..Self::default() };
        }
        Self::of(input("s3BucketName"), input("s3KeyPrefix"), input("cloudWatchLogGroupName"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(inputs: &str) -> String {
        let it = Destinations::of_document(&format!(
            r#"{{"sessionType":"Standard_Stream","inputs":{inputs}}}"#
        ));
        let place = it.bucket.map_or("-".into(), |it| it.to_string());
        format!("{place} {} {}", it.group.unwrap_or("-".into()), it.notes.join("; "))
    }

    #[test]
    fn a_document_names_a_bucket_a_group_both_or_neither() {
        assert_eq!(of(r#"{"s3BucketName":"b","s3KeyPrefix":"/a//c/"}"#), "s3://b/a/c/ - ");
        assert_eq!(of(r#"{"s3BucketName":" ","cloudWatchLogGroupName":"/g"}"#), "- /g ");
        assert_eq!(of("{}"), "- - ");
        assert_eq!(
            of(r#"{"s3BucketName":"{{ bucket }}","cloudWatchLogGroupName":"g"}"#),
            "- g its bucket is {{ bucket }}: whoever starts a session chooses it"
        );
        assert_eq!(Destinations::of_document("x").notes, ["its content is no JSON"]);
        let port = Destinations::of_document(r#"{"sessionType":"Port"}"#);
        assert_eq!(port.notes, ["it forwards ports, which is never logged"]);
    }
}
