//! Keys that protect transcripts or sessions: their state, policy and rotation.

use super::context::AwsContext;
use super::context::at;
use super::context::own;
use crate::settings::*;

pub(super) fn add_key(keys: &mut Vec<(Key, AwsContext)>, id: &str, used: KeyUse, aws: &AwsContext) {
    // An ARN names its Region.
    let region = id.strip_prefix("arn:").and_then(|it| it.split(':').nth(2)).unwrap_or(&aws.region);
    let same = |it: &&mut (Key, AwsContext)| {
        it.0.id == id && it.0.account == aws.account && it.0.region == region
    };
    match keys.iter_mut().find(same) {
        Some((it, _)) => it.used_by.push(used),
        None => keys.push((
            Key {
                id: id.into(),
                account: aws.account.clone(),
                region: region.into(),
                used_by: vec![used],
                ..Key::default()
            },
            AwsContext {
                connection: aws.connection.in_region(region),
                region: region.into(),
                ..aws.clone()
            },
        )),
    }
}

pub(super) async fn key(aws: &AwsContext, mut it: Key) -> Key {
    let client = aws.connection.kms();
    let need = aws.need("kms:DescribeKey", &it.id);
    let got = client.describe_key().key_id(&it.id).send().await;
    it.state = aws.read("kms:DescribeKey", &need, got, &["NotFoundException"], None, |it| {
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
    let need = aws.need("kms:GetKeyPolicy", &arn);
    let got = client.get_key_policy().key_id(&arn).policy_name("default").send().await;
    it.policy = aws.read("kms:GetKeyPolicy", &need, got, &[], String::new(), |it| own(it.policy()));
    let need = aws.need("kms:GetKeyRotationStatus", &arn);
    let got = client.get_key_rotation_status().key_id(&arn).send().await;
    it.rotation = aws.read(
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
