//! Keys that protect transcripts or sessions: which there are, and the state, policy and rotation of each.

use super::context::AwsContext;
use super::context::one;
use super::context::own;
use crate::audit::iam::questions::keys_of;
use crate::audit::preferences::NAME;
use crate::audit::preferences::Preferences;
use crate::aws_names::Arn;
use crate::settings::*;
use crate::source::aws::at;

/// The keys that documents, log groups and buckets name, each once, with all that use it.
pub(super) fn used(
    corners: &[(Corner, AwsContext)],
    groups: &[(LogGroup, AwsContext)],
    buckets: &[(Bucket, AwsContext)],
) -> Vec<(Key, AwsContext)> {
    let mut keys = Vec::new();
    for (it, aws) in corners {
        if let Ok(Some(document)) = it.preferences.known()
            && let Ok(content) = document.content.known()
            && let Some(told) = Preferences::read(content)
            && let Some(key) = told.key.text()
        {
            add(&mut keys, key, KeyUse::Sessions(format!("{NAME} in {}", it.region)), aws);
        }
    }
    for (it, aws) in groups {
        if let Ok(Some(settings)) = it.settings.known()
            && let Some(key) = &settings.kms_key
        {
            let arn = aws.home().log_group(&it.name);
            add(&mut keys, key, KeyUse::LogGroup(arn), aws);
        }
    }
    for (it, aws) in buckets {
        for (key, used) in keys_of(it) {
            add(&mut keys, &key, used, aws);
        }
    }
    keys
}

fn add(keys: &mut Vec<(Key, AwsContext)>, id: &str, used: KeyUse, aws: &AwsContext) {
    // An ARN names its Region.
    let region = Arn::parse(id).map_or(aws.region.as_str(), |it| it.region);
    let same = |(it, _): &(Key, AwsContext)| {
        it.id == id && it.account == aws.account && it.region == region
    };
    let account = aws.account.clone();
    let new = Key { id: id.into(), account, region: region.into(), ..Key::default() };
    one(keys, same, (new, aws.in_region(region))).0.used_by.push(used);
}

/// Reads a key; of one that is AWS's own or not there no more than that.
pub(super) async fn key(aws: &AwsContext, mut it: Key) -> Key {
    let client = aws.connection.kms();
    let got = client.describe_key().key_id(&it.id).send().await;
    let described = aws.call("kms:DescribeKey", &it.id).absent(&["NotFoundException"]);
    it.state = described.read(got, |it| {
        let it = it.key_metadata()?;
        Some(KeyState {
            arn: own(it.arn()),
            state: own(it.key_state()),
            manager: own(it.key_manager()),
            spec: own(it.key_spec()),
            origin: own(it.origin()),
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
    let got = client.get_key_policy().key_id(&arn).policy_name("default").send().await;
    it.policy = aws.call("kms:GetKeyPolicy", &arn).read(got, |it| own(it.policy()));
    let got = client.get_key_rotation_status().key_id(&arn).send().await;
    it.rotation = aws
        .call("kms:GetKeyRotationStatus", &arn)
        .absent(&["UnsupportedOperationException"])
        .read(got, |it| {
            Some(Rotation {
                enabled: it.key_rotation_enabled(),
                period_days: it.rotation_period_in_days().map(i64::from),
            })
        });
    it
}
