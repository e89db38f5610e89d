//! Trails of a Region: whether they log, and which events they record.

use super::context::AwsContext;
use super::context::own;
use crate::settings::*;
use crate::source::aws::at;

pub(super) async fn trails(aws: &AwsContext) -> Read<Vec<Trail>> {
    let client = aws.connection.cloudtrail();
    let got = client.describe_trails().send().await;
    let mut read = aws.call("cloudtrail:DescribeTrails", "*").read(got, |it| {
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
        let got = client.get_trail_status().name(&it.arn).send().await;
        it.status = aws.call("cloudtrail:GetTrailStatus", &it.arn).read(got, |it| TrailStatus {
            logging: it.is_logging().unwrap_or(false),
            delivery_error: it.latest_delivery_error().map(str::to_owned),
            digest_error: it.latest_digest_delivery_error().map(str::to_owned),
            delivered_at: it.latest_delivery_time().and_then(at),
        });
        let got = client.get_event_selectors().trail_name(&it.arn).send().await;
        it.selectors = aws.call("cloudtrail:GetEventSelectors", &it.arn).read(got, |it| {
            let plain = it.event_selectors().iter().map(|it| Selector::Plain {
                read_write: it.read_write_type().map_or("All".into(), |it| it.as_str().to_owned()),
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
