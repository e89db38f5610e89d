//! What CloudWatch Logs has set: for an account and Region, and for each log group that sessions are logged to.

use super::context::AwsContext;
use super::context::millis;
use super::context::own;
use super::pages::NextPage;
use super::pages::PageCount;
use crate::config::partition_of;
use crate::settings::*;

/// What CloudWatch Logs has set for a whole account and Region.
pub(super) async fn logs_of(aws: &AwsContext, it: &mut Corner) {
    use aws_sdk_cloudwatchlogs::types::PolicyType;
    let client = aws.connection.logs();
    let need = aws.need("logs:DescribeAccountPolicies", "*");
    let policies = async |kind: PolicyType| {
        aws.paged(
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
                (policies.collect(), NextPage::at(it.next_token()))
            },
        )
        .await
    };
    // The SDK may not know the newest kind by name; the service does.
    it.retention_policies = policies(PolicyType::from("RETENTION_POLICY")).await;
    it.subscription_policies = policies(PolicyType::SubscriptionFilterPolicy).await;
    let need = aws.need("logs:DescribeDestinations", "*");
    it.destinations = aws
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
                (all, NextPage::at(it.next_token()))
            },
        )
        .await;
    it.logs_policies = policies_of(aws, &client, None).await;
}

async fn policies_of(
    aws: &AwsContext,
    client: &aws_sdk_cloudwatchlogs::Client,
    arn: Option<String>,
) -> Read<Vec<ResourcePolicy>> {
    let need = aws.need("logs:DescribeResourcePolicies", "*");
    aws.paged(
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
            (all.collect(), NextPage::at(it.next_token()))
        },
    )
    .await
}

pub(super) async fn group(aws: &AwsContext, mut it: LogGroup) -> LogGroup {
    let client = aws.connection.logs();
    let need = aws.need("logs:DescribeLogGroups", "*");
    let mut pages = PageCount::default();
    // A prefix finds siblings too, by the page.
    loop {
        let ask = client
            .describe_log_groups()
            .log_group_name_prefix(&it.name)
            .set_next_token(pages.token());
        let mut token = NextPage::End;
        it.settings =
            aws.read("logs:DescribeLogGroups", &need, ask.send().await, &[], None, |page| {
                token = NextPage::at(page.next_token());
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
    let need = aws.need("logs:DescribeSubscriptionFilters", &arn);
    it.subscriptions = aws
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
                (all.collect(), NextPage::at(it.next_token()))
            },
        )
        .await;
    it.policies = policies_of(aws, &client, Some(arn)).await;
    it
}
