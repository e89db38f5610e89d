//! Where sessions are logged to, as AWS itself is set up: the sources that nobody needs to type.
//!
//! Session Manager's preferences are one document in each Region of each account, and any other Session document can name
//! destinations of its own; ECS Exec has its own in each cluster. All of these are read; what may not be read is told with
//! the permission that is missing, because a Region that could not be looked into is not one without sessions.

use std::collections::BTreeSet;
use std::fmt;

use aws_sdk_ssm::operation::list_documents::ListDocumentsOutput;
use aws_sdk_ssm::types::DocumentFormat;
use futures_util::StreamExt;
use serde::Deserialize;
use serde_json::Value;
use serde_json::json;

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
use crate::source::ecs::ArnsPage;
use crate::source::ecs::Cluster;
use crate::source::ecs::Clusters;
use crate::source::ecs::Failure;
use crate::source::ecs::TaskDefinitionAnswer;
use crate::source::ecs::Tasks;
use crate::source::light::AwsAnswer;
use crate::source::light::ECS;
use crate::source::light::ORGANIZATIONS;
use crate::source::light::Understood;
use crate::source::refused::Need;
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

/// A page of the accounts of an organization ("ListAccounts", AWS Organizations API Reference).
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct OrgAccountsPage {
    accounts: Vec<OrgAccount>,
    next_token: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct OrgAccount {
    id: Option<String>,
    status: Option<String>,
}

/// The role of this name in all open accounts of the organization but our own.
async fn in_members(own: &Access, role: &str) -> Result<Vec<String>, Refusal> {
    let (connection, caller) = open_account(own).await?;
    let partition = Arn::parse(&caller.arn).map_or(Partition::AWS, |it| it.partition);
    let need = Need::of("organizations:ListAccounts", "*");
    let ask = async |token: Option<String>| {
        let asked = token.map_or(json!({}), |it| json!({ "NextToken": it }));
        ORGANIZATIONS.asked::<OrgAccountsPage>(&connection, "ListAccounts", &asked).await
    };
    let page = |it: AwsAnswer<OrgAccountsPage>| (Some(it.body.accounts), it.body.next_token);
    let mut members = Vec::new();
    connection.list(&need, &mut members, ask, page).await?;
    let open = members.iter().filter(|it| it.status.as_deref().is_none_or(|it| it == "ACTIVE"));
    let others = open.filter_map(|it| it.id.as_deref()).filter(|it| *it != caller.account);
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

    /// Asks ECS.
    ///
    /// # Errors
    /// Why it did not answer.
    async fn ecs<T: Understood>(&self, need: &'static str, asked: &Value) -> Result<T, Refusal> {
        let connection = &self.aws.connection;
        let answer = ECS.asked(connection, need.trim_start_matches("ecs:"), asked).await;
        answer.map(|it| it.body).map_err(|it| connection.refused(&it, &Need::of(need, "*")))
    }

    /// All ARNs of a listing of ECS, asked for with these words and the token of a page.
    ///
    /// # Errors
    /// A page that is refused, and a listing that goes on and not to another page.
    async fn arns(&self, need: &'static str, asked: Value) -> Result<Vec<String>, Refusal> {
        let connection = &self.aws.connection;
        let ask = async |token: Option<String>| {
            let mut asked = asked.clone();
            if let Some(it) = token {
                asked["nextToken"] = it.into();
            }
            ECS.asked::<ArnsPage>(connection, need.trim_start_matches("ecs:"), &asked).await
        };
        let page = |it: AwsAnswer<ArnsPage>| (Some(it.body.arns), it.body.next_token);
        let mut arns = Vec::new();
        connection.list(&Need::of(need, "*"), &mut arns, ask, page).await?;
        Ok(arns)
    }

    /// # Errors
    /// What could not be read, and why.
    async fn clusters(&mut self) -> Result<(), (&'static str, Refusal)> {
        let fail = |it| ("the ECS clusters", it);
        let arns = self.arns("ecs:ListClusters", json!({})).await.map_err(fail)?;
        // "up to 100 clusters" ("DescribeClusters").
        for some in arns.chunks(100) {
            let asked = json!({ "clusters": some, "include": ["CONFIGURATIONS"] });
            let answer: Clusters = self.ecs("ecs:DescribeClusters", &asked).await.map_err(fail)?;
            for it in answer.failures.iter().flatten() {
                let arn = it.arn.as_deref().unwrap_or("?");
                self.unread(format!("the ECS cluster {arn}"), it.refusal());
            }
            for it in &answer.clusters {
                self.cluster(it).await;
            }
        }
        Ok(())
    }

    async fn cluster(&mut self, it: &Cluster) {
        let name = it.cluster_name.as_deref().unwrap_or_default();
        let from = format!("ECS Exec of the cluster {name} in {}", self.here());
        let exec = it.exec();
        match exec.and_then(|it| it.logging.as_deref()) {
            Some("NONE") => self.found.notes.push(format!("{from}: logging is off")),
            Some("OVERRIDE") => {
                let log = exec.and_then(|it| it.log_configuration.clone()).unwrap_or_default();
                let named = Destinations::of(&Preferences {
                    bucket: Input::read(log.s3_bucket_name.as_deref()),
                    prefix: cleaned(log.s3_key_prefix.as_deref().unwrap_or_default()),
                    group: Input::read(log.cloud_watch_log_group_name.as_deref()),
                    ..Preferences::default()
                });
                self.take(&from, &self.aws.region.clone(), &named);
            }
            // "DEFAULT: The awslogs configuration in the task definition is used" ("ExecuteCommandConfiguration").
            _ => {
                let arn = it.cluster_arn.as_deref().unwrap_or(name);
                if let Err((what, why)) = self.tasks(arn, &from).await {
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
    async fn tasks(&mut self, cluster: &str, from: &str) -> Result<(), (&'static str, Refusal)> {
        let fail = |it| ("the tasks", it);
        let arns = self.arns("ecs:ListTasks", json!({ "cluster": cluster })).await;
        let arns = arns.map_err(fail)?;
        let mut definitions = BTreeSet::new();
        // "up to 100 tasks" ("DescribeTasks").
        for some in arns.chunks(100) {
            let asked = json!({ "cluster": cluster, "tasks": some });
            let answer: Tasks = self.ecs("ecs:DescribeTasks", &asked).await.map_err(fail)?;
            // A task that ended meanwhile is none that runs now.
            let is_fault = |it: &&Failure| it.reason.as_deref() != Some("MISSING");
            if let Some(it) = answer.failures.iter().flatten().find(is_fault) {
                return Err(fail(it.refusal()));
            }
            let open =
                answer.tasks.into_iter().filter(|it| it.enable_execute_command == Some(true));
            definitions.extend(open.filter_map(|it| it.task_definition_arn));
        }
        if definitions.is_empty() {
            self.found.notes.push(format!(
                "{from}: sessions go to the awslogs group of each task definition, and no task runs now that allows them"
            ));
        }
        for arn in definitions {
            let asked = json!({ "taskDefinition": arn });
            let answer = self.ecs("ecs:DescribeTaskDefinition", &asked).await;
            let answer: TaskDefinitionAnswer = answer.map_err(|it| ("the task definitions", it))?;
            let name = Arn::parse(&arn).map_or(arn.as_str(), Arn::name);
            let from = format!("{from}, task definition {name}");
            let mut logged = false;
            let containers = answer.task_definition.container_definitions.into_iter();
            for it in containers.filter_map(|it| it.log_configuration) {
                let option = |key: &str| it.options.as_ref()?.get(key).map(String::as_str);
                if it.log_driver == "awslogs" {
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
