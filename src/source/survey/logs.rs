//! What CloudWatch Logs has set: for an account and Region, and for each log group that sessions are logged to.

use aws_sdk_cloudwatchlogs::Client;
use aws_sdk_cloudwatchlogs::types::LogGroup as GroupAnswer;
use aws_sdk_cloudwatchlogs::types::PolicyScope;
use aws_sdk_cloudwatchlogs::types::PolicyType;

use super::context::AwsContext;
use super::context::millis;
use super::context::own;
use super::pages::NextPage;
use super::pages::listed;
use crate::settings::*;

/// Adds what is set for a whole account and Region.
pub(super) async fn add_account_settings(aws: &AwsContext, it: &mut Corner) {
    let client = aws.connection.logs();
    let policies = async |kind: PolicyType| {
        listed!(
            aws.call("logs:DescribeAccountPolicies", "*"),
            client.describe_account_policies().policy_type(kind.clone()),
            account_policies,
            |it| AccountPolicy {
                name: own(it.policy_name()),
                document: own(it.policy_document()),
                selection: it.selection_criteria().map(str::to_owned),
                updated_at: millis(it.last_updated_time()),
            }
        )
    };
    // The SDK may not know the newest kind by name; the service does.
    it.retention_policies = policies(PolicyType::from("RETENTION_POLICY")).await;
    it.subscription_policies = policies(PolicyType::SubscriptionFilterPolicy).await;
    it.destinations = listed!(
        aws.call("logs:DescribeDestinations", "*"),
        client.describe_destinations(),
        destinations,
        |it| Destination { arn: own(it.arn()), target: own(it.target_arn()) }
    );
    it.logs_policies = resource_policies(aws, &client, None).await;
}

/// Resource policies of one group, or those of account scope.
async fn resource_policies(
    aws: &AwsContext,
    client: &Client,
    group: Option<&str>,
) -> Read<Vec<ResourcePolicy>> {
    listed!(
        aws.call("logs:DescribeResourcePolicies", "*").absent(&["ResourceNotFoundException"]),
        client
            .describe_resource_policies()
            .set_resource_arn(group.map(str::to_owned))
            .set_policy_scope(group.map(|_| PolicyScope::Resource)),
        resource_policies,
        |it| ResourcePolicy { name: own(it.policy_name()), document: own(it.policy_document()) }
    )
}

/// Reads a log group; of one that is not there no more than that.
pub(super) async fn group(aws: &AwsContext, mut it: LogGroup) -> LogGroup {
    let client = aws.connection.logs();
    it.settings = settings(aws, &client, &it.name).await;
    if matches!(it.settings.known(), Ok(None)) {
        return it;
    }
    let arn = aws.home().log_group(&it.name);
    it.subscriptions = listed!(
        aws.call("logs:DescribeSubscriptionFilters", &arn),
        client.describe_subscription_filters().log_group_name(&it.name),
        subscription_filters,
        |it| Subscription {
            name: own(it.filter_name()),
            destination: own(it.destination_arn()),
            pattern: own(it.filter_pattern()),
        }
    );
    it.policies = resource_policies(aws, &client, Some(&arn)).await;
    it
}

/// What is set for the group itself. Its name as a prefix finds siblings too, so that it may be on any page.
async fn settings(aws: &AwsContext, client: &Client, name: &str) -> Read<Option<GroupSettings>> {
    let ask = async |token| {
        let ask = client.describe_log_groups().log_group_name_prefix(name);
        ask.set_next_token(token).send().await
    };
    let found = aws.call("logs:DescribeLogGroups", "*").paged(ask, |page| {
        match page.log_groups().iter().find(|it| it.log_group_name() == Some(name)) {
            Some(it) => (vec![group_settings(it)], NextPage::End),
            None => (Vec::new(), NextPage::at(page.next_token())),
        }
    });
    found.await.and_then(|it| Ok(it.into_iter().next()))
}

fn group_settings(it: &GroupAnswer) -> GroupSettings {
    GroupSettings {
        created_at: millis(it.creation_time()),
        retention_days: it.retention_in_days().map(i64::from),
        retention_policy: it.retention_policy_name().map(str::to_owned),
        kms_key: it.kms_key_id().map(str::to_owned),
        class: it.log_group_class().map(|it| it.as_str().to_owned()),
        deletion_protection: it.deletion_protection_enabled(),
        bearer_token: it.bearer_token_authentication_enabled(),
        stored_bytes: it.stored_bytes(),
        data_protection: it.data_protection_status().map(|it| it.as_str().to_owned()),
        inherited: it.inherited_properties().iter().map(|it| it.as_str().to_owned()).collect(),
    }
}
