//! What CloudWatch Logs has set: for an account and Region, and for each log group that sessions are logged to.

use aws_sdk_cloudwatchlogs::Client;
use aws_sdk_cloudwatchlogs::types::LogGroup as GroupAnswer;
use aws_sdk_cloudwatchlogs::types::PolicyScope;
use aws_sdk_cloudwatchlogs::types::PolicyType;

use super::context::AwsContext;
use super::context::millis;
use super::context::own;
use super::pages::NextPage;
use super::pages::PageCount;
use crate::settings::*;

/// Adds what is set for a whole account and Region.
pub(super) async fn add_account_settings(aws: &AwsContext, it: &mut Corner) {
    let client = aws.connection.logs();
    let policies = async |kind: PolicyType| {
        let ask = async |token| {
            let ask = client.describe_account_policies().policy_type(kind.clone());
            ask.set_next_token(token).send().await
        };
        aws.call("logs:DescribeAccountPolicies", "*")
            .paged(ask, |it| {
                let policies = it.account_policies().iter().map(|it| AccountPolicy {
                    name: own(it.policy_name()),
                    document: own(it.policy_document()),
                    selection: it.selection_criteria().map(str::to_owned),
                    updated_at: millis(it.last_updated_time()),
                });
                (policies.collect(), NextPage::at(it.next_token()))
            })
            .await
    };
    // The SDK may not know the newest kind by name; the service does.
    it.retention_policies = policies(PolicyType::from("RETENTION_POLICY")).await;
    it.subscription_policies = policies(PolicyType::SubscriptionFilterPolicy).await;
    let ask = async |token| client.describe_destinations().set_next_token(token).send().await;
    it.destinations = aws
        .call("logs:DescribeDestinations", "*")
        .paged(ask, |it| {
            let all = it
                .destinations()
                .iter()
                .map(|it| Destination { arn: own(it.arn()), target: own(it.target_arn()) });
            (all.collect(), NextPage::at(it.next_token()))
        })
        .await;
    it.logs_policies = resource_policies(aws, &client, None).await;
}

/// Resource policies of one group, or those of account scope.
async fn resource_policies(
    aws: &AwsContext,
    client: &Client,
    group: Option<&str>,
) -> Read<Vec<ResourcePolicy>> {
    let ask = async |token| {
        let mut ask = client.describe_resource_policies().set_next_token(token);
        if let Some(arn) = group {
            ask = ask.resource_arn(arn).policy_scope(PolicyScope::Resource);
        }
        ask.send().await
    };
    aws.call("logs:DescribeResourcePolicies", "*")
        .absent(&["ResourceNotFoundException"])
        .paged(ask, |it| {
            let all = it.resource_policies().iter().map(|it| ResourcePolicy {
                name: own(it.policy_name()),
                document: own(it.policy_document()),
            });
            (all.collect(), NextPage::at(it.next_token()))
        })
        .await
}

/// Reads a log group; of one that is not there no more than that.
pub(super) async fn group(aws: &AwsContext, mut it: LogGroup) -> LogGroup {
    let client = aws.connection.logs();
    it.settings = settings(aws, &client, &it.name).await;
    if matches!(it.settings.known(), Ok(None)) {
        return it;
    }
    let arn = aws.home().log_group(&it.name);
    let ask = async |token| {
        let ask = client.describe_subscription_filters().log_group_name(&it.name);
        ask.set_next_token(token).send().await
    };
    it.subscriptions = aws
        .call("logs:DescribeSubscriptionFilters", &arn)
        .paged(ask, |it| {
            let all = it.subscription_filters().iter().map(|it| Subscription {
                name: own(it.filter_name()),
                destination: own(it.destination_arn()),
                pattern: own(it.filter_pattern()),
            });
            (all.collect(), NextPage::at(it.next_token()))
        })
        .await;
    it.policies = resource_policies(aws, &client, Some(&arn)).await;
    it
}

/// What is set for the group itself. Its name as a prefix finds siblings too, so that it may be on any page.
async fn settings(aws: &AwsContext, client: &Client, name: &str) -> Read<Option<GroupSettings>> {
    let call = aws.call("logs:DescribeLogGroups", "*");
    let mut pages = PageCount::default();
    loop {
        let ask = client.describe_log_groups().log_group_name_prefix(name);
        let mut next = NextPage::End;
        let read = call.read(ask.set_next_token(pages.token()).send().await, |page| {
            next = NextPage::at(page.next_token());
            page.log_groups()
                .iter()
                .find(|it| it.log_group_name() == Some(name))
                .map(group_settings)
        });
        if !matches!(read.known(), Ok(None)) {
            return read;
        }
        match pages.next(call.api, next) {
            Ok(true) => {}
            Ok(false) => return read,
            Err(why) => return read.and_then(|_| Err(why)),
        }
    }
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
