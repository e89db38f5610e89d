//! What is read of the answers of ECS, by the names of the "Amazon ECS API Reference". A list that every answer has and this one
//! has not makes it no answer.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::source::Refusal;

/// "ListClusters" and "ListTasks".
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ArnsPage {
    #[serde(rename = "clusterArns", alias = "taskArns")]
    pub(super) arns: Vec<String>,
    pub(super) next_token: Option<String>,
}

/// "DescribeClusters".
#[derive(Debug, Deserialize)]
pub(super) struct Clusters {
    pub(super) clusters: Vec<Cluster>,
    pub(super) failures: Option<Vec<Failure>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Cluster {
    pub(super) cluster_name: Option<String>,
    pub(super) cluster_arn: Option<String>,
    configuration: Option<Configuration>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Configuration {
    execute_command_configuration: Option<Exec>,
}

/// "ExecuteCommandConfiguration".
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Exec {
    pub(super) logging: Option<String>,
    pub(super) log_configuration: Option<ExecLog>,
}

/// "ExecuteCommandLogConfiguration".
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ExecLog {
    pub(super) s3_bucket_name: Option<String>,
    pub(super) s3_key_prefix: Option<String>,
    pub(super) cloud_watch_log_group_name: Option<String>,
}

impl Cluster {
    /// How its sessions are logged; `None` if nobody said.
    pub(super) fn exec(&self) -> Option<&Exec> {
        self.configuration.as_ref()?.execute_command_configuration.as_ref()
    }
}

/// What an answer says that it does not tell of one thing ("API failures messages", Amazon ECS Developer Guide).
#[derive(Debug, Deserialize)]
pub(super) struct Failure {
    pub(super) arn: Option<String>,
    pub(super) reason: Option<String>,
}

impl Failure {
    pub(super) fn refusal(&self) -> Refusal {
        let reason = self.reason.as_deref().unwrap_or("without a reason");
        Refusal::new(format!("AWS did not describe it: {reason}"))
    }
}

/// "DescribeTasks".
#[derive(Debug, Deserialize)]
pub(super) struct Tasks {
    pub(super) tasks: Vec<Task>,
    pub(super) failures: Option<Vec<Failure>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Task {
    pub(super) enable_execute_command: Option<bool>,
    pub(super) task_definition_arn: Option<String>,
}

/// "DescribeTaskDefinition".
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct TaskDefinitionAnswer {
    pub(super) task_definition: TaskDefinition,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct TaskDefinition {
    pub(super) container_definitions: Vec<TaskContainer>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct TaskContainer {
    pub(super) log_configuration: Option<LogConfiguration>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct LogConfiguration {
    pub(super) log_driver: String,
    pub(super) options: Option<BTreeMap<String, String>>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_without_its_list_is_none_and_an_empty_list_is_one() {
        let read = |it: &str| serde_json::from_str::<ArnsPage>(it).map(|it| it.arns);
        assert!(read("{}").is_err());
        assert_eq!(read(r#"{"clusterArns":[]}"#).unwrap(), Vec::<String>::new());
        assert_eq!(read(r#"{"taskArns":["a"]}"#).unwrap(), ["a"]);
    }

    #[test]
    fn a_cluster_whose_logging_nobody_set_has_none() {
        let it: Cluster = serde_json::from_str(r#"{"clusterName":"a","settings":[]}"#).unwrap();
        assert!(it.exec().is_none());
        let log = r#"{"executeCommandConfiguration":{"logging":"OVERRIDE","logConfiguration":{"s3BucketName":"b"}}}"#;
        let it: Cluster = serde_json::from_str(&format!(r#"{{"configuration":{log}}}"#)).unwrap();
        let log = it.exec().unwrap().log_configuration.clone().unwrap();
        assert_eq!(log.s3_bucket_name.as_deref(), Some("b"));
    }
}
