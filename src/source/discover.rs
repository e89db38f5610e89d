//! Where sessions are logged to, as AWS itself is set up: the sources that nobody needs to type.
//!
//! Session Manager's preferences are one document in each Region of each account, and any other Session document can name
//! destinations of its own; ECS Exec has its own in each cluster. All of these are read; what may not be read is told with
//! the permission that is missing, because a Region that could not be looked into is not one without sessions.

use std::collections::BTreeSet;
use std::fmt;

use aws_sdk_ecs::types::Cluster;
use aws_sdk_ecs::types::ClusterField;
use aws_sdk_ssm::operation::list_documents::ListDocumentsOutput;
use aws_sdk_ssm::types::DocumentFormat;
use futures_util::StreamExt;

use crate::audit::preferences::Input;
use crate::audit::preferences::NAME;
use crate::audit::preferences::Preferences;
use crate::audit::preferences::cleaned;
use crate::aws_names::Arn;
use crate::aws_names::Partition;
use crate::config::Access;
use crate::config::Learned;
use crate::config::Origin;
use crate::config::Place;
use crate::config::Told;
use crate::source::Refusal;
use crate::source::aws::Need;
use crate::source::survey::AwsContext;
use crate::source::survey::Clock;
use crate::source::survey::OpenedAccounts;
use crate::source::survey::open_account;
use crate::source::survey::session_documents;

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
pub async fn discover(wanted: &Where, clock: Clock) -> Discovery {
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
    let mut opened = OpenedAccounts::new(clock);
    let looks = opened.regions(&accounts, &wanted.regions).await.into_iter();
    found.notes.extend(opened.narrowed.iter().map(|it| {
        let (region, account) = (&it.region, &it.account);
        format!("only {region} of {account} was looked into; name other Regions with --region")
    }));
    found.unread.extend(opened.unread.into_iter().map(|(what, why, _)| (what, why)));
    let looks = looks.map(|aws| Look { aws, found: Discovery::default() }.corner());
    // In order, so that the file does not depend on who answers first.
    let looks = futures_util::stream::iter(looks).buffered(AT_ONCE);
    for it in looks.collect::<Vec<Discovery>>().await {
        found.add(it);
    }
    found
}

impl Discovery {
    fn add(&mut self, other: Self) {
        for it in other.learned {
            // One bucket often serves many Regions and accounts.
            let shared = matches!(it.place, Place::S3 { .. });
            let same = |one: &&mut Learned| {
                one.place == it.place && (shared || one.role_arn == it.role_arn)
            };
            match self.learned.iter_mut().find(same) {
                Some(one) => {
                    // Containers of one task often share a group.
                    let new = it.from.into_iter().filter(|it| !one.from.contains(it));
                    one.from.extend(new.collect::<Vec<_>>());
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
    let (connection, caller) = open_account(own).await?;
    let partition = Arn::parse(&caller.arn).map_or(Partition::AWS, |it| it.partition);
    let need = Need::of("organizations:ListAccounts", "*");
    let client = connection.organizations();
    let mut accounts = Vec::new();
    let ask = async |token| client.list_accounts().set_next_token(token).send().await;
    connection.list(&need, &mut accounts, ask, |it| (it.accounts, it.next_token)).await?;
    let open = accounts.iter().filter(|it| it.status().is_none_or(|it| it.as_str() == "ACTIVE"));
    let others = open.filter_map(|it| it.id()).filter(|it| *it != caller.account);
    Ok(others.map(|it| partition.role(it, role)).collect())
}

/// One Region of one account, and what was found there.
struct Look {
    aws: AwsContext,
    found: Discovery,
}

impl Look {
    async fn corner(mut self) -> Discovery {
        self.found.looked_into.push((self.aws.account.clone(), self.aws.region.clone()));
        self.documents().await;
        if let Err((what, why)) = self.clusters().await {
            self.unread(what, why);
        }
        self.found
    }

    fn here(&self) -> String {
        format!("{} of {}", self.aws.region, self.aws.account)
    }

    fn unread(&mut self, what: impl fmt::Display, why: Refusal) {
        self.found.unread.push((format!("{what} in {}", self.here()), why));
    }

    /// What names destinations in this Region.
    fn take(&mut self, from: &str, region: &str, named: &Destinations) {
        self.found.notes.extend(named.notes.iter().map(|it| format!("{from}: {it}")));
        let value = |it: &Option<Told>| it.as_ref().map(|it| it.value.clone());
        let access = &self.aws.connection.access;
        let said = access.profile.as_ref().filter(|it| it.from == Origin::Argument);
        let group = named.group.as_ref().map(|group| Place::Logs {
            group: group.clone(),
            account: Some(self.aws.account.clone()),
            region: Some(region.to_owned()),
        });
        for place in named.bucket.clone().into_iter().chain(group) {
            self.found.learned.push(Learned {
                place,
                profile: said.map(|it| it.value.clone()),
                role_arn: value(&access.role_arn),
                external_id: access.role_arn.as_ref().and_then(|_| value(&access.external_id)),
                from: vec![from.to_owned()],
            });
        }
    }

    async fn documents(&mut self) {
        let client = self.aws.connection.ssm();
        let mut documents = Vec::new();
        let need = Need::of("ssm:ListDocuments", "*");
        let ask = async |token| session_documents(&client).set_next_token(token).send().await;
        let page = |it: ListDocumentsOutput| (it.document_identifiers, it.next_token);
        // Those that came before it was refused are looked at.
        if let Err(it) = self.aws.connection.list(&need, &mut documents, ask, page).await {
            self.unread("the Session documents", it);
        }
        let others = documents.into_iter().filter_map(|it| it.name).filter(|it| it != NAME);
        let here = self.here();
        for name in std::iter::once(NAME.to_owned()).chain(others) {
            let ask = client.get_document().name(&name).document_format(DocumentFormat::Json);
            let got = match ask.send().await {
                Ok(it) => it,
                Err(it) if it.as_service_error().is_some_and(|it| it.is_invalid_document()) => {
                    if name == NAME {
                        self.found.notes.push(format!(
                            "{here}: there are no Session Manager preferences, so sessions there are not logged unless they name another document"
                        ));
                    }
                    continue;
                }
                Err(it) => {
                    let arn = self.aws.home().document(&name);
                    let need = Need::of("ssm:GetDocument", arn);
                    self.unread(name, self.aws.connection.refused(&it, &need));
                    continue;
                }
            };
            let version = got.document_version().unwrap_or("$DEFAULT");
            let from = format!("{name} (version {version}) in {here}");
            let named = Destinations::of_document(got.content().unwrap_or_default());
            self.take(&from, &self.aws.region.clone(), &named);
            if named.is_empty() && named.notes.is_empty() {
                self.found.notes.push(format!(
                    "{from}: it names no destination, so its sessions are not logged"
                ));
            }
        }
    }

    /// # Errors
    /// What could not be read, and why.
    async fn clusters(&mut self) -> Result<(), (&'static str, Refusal)> {
        let connection = self.aws.connection.clone();
        let client = connection.ecs();
        let need = Need::of("ecs:ListClusters", "*");
        let mut arns = Vec::new();
        let ask = async |token| client.list_clusters().set_next_token(token).send().await;
        let listed = connection.list(&need, &mut arns, ask, |it| (it.cluster_arns, it.next_token));
        listed.await.map_err(|it| ("the ECS clusters", it))?;
        // "up to 100 clusters" ("DescribeClusters").
        for some in arns.chunks(100) {
            let need = Need::of("ecs:DescribeClusters", "*");
            let ask = client.describe_clusters().set_clusters(Some(some.to_vec()));
            let answer = ask.include(ClusterField::Configurations).send().await;
            let answer =
                answer.map_err(|it| ("the ECS clusters", connection.refused(&it, &need)))?;
            for it in answer.failures() {
                self.unread(format!("the ECS cluster {}", it.arn().unwrap_or("?")), failed(it));
            }
            for it in answer.clusters() {
                self.cluster(&client, it).await;
            }
        }
        Ok(())
    }

    async fn cluster(&mut self, client: &aws_sdk_ecs::Client, it: &Cluster) {
        let name = it.cluster_name().unwrap_or_default();
        let from = format!("ECS Exec of the cluster {name} in {}", self.here());
        let exec = it.configuration().and_then(|it| it.execute_command_configuration());
        match exec.and_then(|it| it.logging()).map(|it| it.as_str()) {
            Some("NONE") => self.found.notes.push(format!("{from}: logging is off")),
            Some("OVERRIDE") => {
                let log = exec.and_then(|it| it.log_configuration());
                let prefix = log.and_then(|it| it.s3_key_prefix()).unwrap_or_default();
                let named = Destinations::of(&Preferences {
                    bucket: Input::read(log.and_then(|it| it.s3_bucket_name())),
                    prefix: cleaned(prefix),
                    group: Input::read(log.and_then(|it| it.cloud_watch_log_group_name())),
                    ..Preferences::default()
                });
                self.take(&from, &self.aws.region.clone(), &named);
            }
            // "DEFAULT: The awslogs configuration in the task definition is used" ("ExecuteCommandConfiguration").
            _ => {
                let arn = it.cluster_arn().unwrap_or(name);
                if let Err((what, why)) = self.tasks(client, arn, &from).await {
                    self.unread(format!("{what} of the cluster {name}"), why);
                }
            }
        }
    }

    /// Log groups of the tasks of a cluster that sessions can be opened in: those that run now, since a task definition alone does
    /// not tell whether it is used.
    ///
    /// # Errors
    /// What could not be read, and why.
    async fn tasks(
        &mut self,
        client: &aws_sdk_ecs::Client,
        cluster: &str,
        from: &str,
    ) -> Result<(), (&'static str, Refusal)> {
        let connection = self.aws.connection.clone();
        let need = Need::of("ecs:ListTasks", "*");
        let mut arns = Vec::new();
        let ask =
            async |token| client.list_tasks().cluster(cluster).set_next_token(token).send().await;
        let listed = connection.list(&need, &mut arns, ask, |it| (it.task_arns, it.next_token));
        listed.await.map_err(|it| ("the tasks", it))?;
        let mut definitions = BTreeSet::new();
        // "up to 100 tasks" ("DescribeTasks").
        for some in arns.chunks(100) {
            let need = Need::of("ecs:DescribeTasks", "*");
            let ask = client.describe_tasks().cluster(cluster).set_tasks(Some(some.to_vec()));
            let answer =
                ask.send().await.map_err(|it| ("the tasks", connection.refused(&it, &need)))?;
            // A task that ended meanwhile is none that runs now.
            if let Some(it) = answer.failures().iter().find(|it| it.reason() != Some("MISSING")) {
                return Err(("the tasks", failed(it)));
            }
            let open = answer.tasks().iter().filter(|it| it.enable_execute_command());
            definitions.extend(open.filter_map(|it| it.task_definition_arn().map(str::to_owned)));
        }
        if definitions.is_empty() {
            self.found.notes.push(format!(
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
                let option = |key: &str| it.options()?.get(key).map(String::as_str);
                if it.log_driver().as_str() == "awslogs" {
                    let group = Input::read(option("awslogs-group"));
                    let named = Destinations::of(&Preferences { group, ..Preferences::default() });
                    logged |= !named.is_empty();
                    let region = option("awslogs-region").unwrap_or(&self.aws.region).to_owned();
                    self.take(&from, &region, &named);
                }
            }
            if !logged {
                self.found.notes.push(format!(
                    "{from}: no container logs to CloudWatch Logs, so its sessions are not logged"
                ));
            }
        }
        Ok(())
    }
}

/// What an answer says that it does not tell of one thing ("API failures messages", Amazon ECS Developer Guide).
fn failed(it: &aws_sdk_ecs::types::Failure) -> Refusal {
    let reason = it.reason().unwrap_or("without a reason");
    Refusal::new(format!("AWS did not describe it: {reason}"))
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

    fn of(it: &Preferences) -> Self {
        // "parameters … {{ name }}": then whoever starts a session chooses ("Session document schema").
        let chosen = [
            ("bucket", it.bucket.chosen()),
            ("prefix", it.prefix_chosen.as_deref()),
            ("log group", it.group.chosen()),
        ];
        let note = |(what, text): (&str, Option<&str>)| {
            Some(format!("its {what} is {}: whoever starts a session chooses it", text?))
        };
        let (bucket, prefix) = (it.bucket.text(), &it.prefix);
        Self {
            bucket: bucket.map(|it| Place::S3 { bucket: it.to_owned(), prefix: prefix.clone() }),
            group: it.group.text().map(str::to_owned),
            notes: chosen.into_iter().filter_map(note).collect(),
        }
    }

    fn of_document(content: &str) -> Self {
        let note = match Preferences::read(content) {
            Some(it) if it.is_shell() => return Self::of(&it),
            Some(_) => "it forwards ports, which is never logged",
            None => "its content is no JSON",
        };
        Self { notes: vec![note.into()], ..Self::default() }
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
