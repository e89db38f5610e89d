//! What a role writes to and with: the buckets, log groups and keys of the documents where its nodes are, as ARNs.

use std::collections::BTreeSet;

use crate::audit::preferences::NAME;
use crate::audit::preferences::Preferences;
use crate::audit::undoing;
use crate::audit::undoing::On;
use crate::audit::view::View;
use crate::aws_names::AccountId;
use crate::aws_names::Arn;
use crate::aws_names::Partition;
use crate::settings::Corner;
use crate::settings::Key;
use crate::settings::KeyUse;
use crate::settings::Role;
use crate::settings::Unread;

/// Corners whose nodes act by a role.
pub(crate) fn corners_of<'a>(role: &Role, view: &View<'a>) -> Vec<&'a Corner> {
    let account = AccountId::of(&role.arn);
    let corners = view.survey.corners.iter();
    corners
        .filter(|it| account.is_none_or(|one| one == it.account))
        .filter(|it| role.nodes.iter().any(|one| one.1 == it.region))
        .collect()
}

/// That the documents of all these corners could be read: places that are not known are not judged.
pub(crate) fn documents_known(corners: &[&Corner], view: &View<'_>) -> Result<(), Unread> {
    for it in corners {
        if let Some(it) = view.take(&it.preferences)?.as_ref() {
            view.take(&it.content)?;
        }
        for it in view.take(&it.documents)? {
            view.take(&it.content)?;
        }
    }
    Ok(())
}

/// The preferences of a corner, as far as they are known.
pub(crate) fn own_preferences(corner: &Corner, view: &View<'_>) -> Option<Preferences> {
    let document = view.take(&corner.preferences).ok()?.as_ref()?;
    Preferences::read(view.take(&document.content).ok()?)
}

/// Places that the documents of these corners send sessions to, as buckets with prefixes and as groups.
pub(crate) fn destinations(
    corners: &[&Corner],
    view: &View<'_>,
) -> (Vec<(String, String)>, Vec<String>) {
    let (mut buckets, mut groups) = (BTreeSet::new(), BTreeSet::new());
    for corner in corners {
        let own = view.take(&corner.preferences).ok().and_then(Option::as_ref);
        let others = view.take(&corner.documents).into_iter().flatten();
        for document in own.into_iter().chain(others) {
            let told = view.take(&document.content).ok().and_then(|it| Preferences::read(it));
            let Some(told) = told.filter(Preferences::is_shell) else { continue };
            if let Some(it) = told.bucket.text() {
                buckets.insert((it.to_owned(), told.prefix.clone()));
            }
            if let Some(it) = told.group.text() {
                groups.insert(corner.home().log_group(it));
            }
        }
    }
    (Vec::from_iter(buckets), Vec::from_iter(groups))
}

/// Keys of the buckets and sessions of these corners, as ARNs where they are known; and whether the key serves a bucket.
pub(crate) fn keys_used<'a>(corners: &[&Corner], view: &View<'a>) -> Vec<(&'a Key, bool)> {
    let (buckets, _) = destinations(corners, view);
    let mut out: Vec<(&Key, bool)> = Vec::new();
    for key in &view.survey.keys {
        for it in &key.used_by {
            let used = match it {
                KeyUse::Bucket(name) => buckets.iter().any(|it| it.0 == *name).then_some(true),
                KeyUse::Sessions(name) => {
                    let mut own = corners.iter().filter(|it| it.account == key.account);
                    own.any(|it| *name == format!("{NAME} in {}", it.region)).then_some(false)
                }
                _ => None,
            };
            out.extend(used.filter(|it| !out.contains(&(key, *it))).map(|it| (key, it)));
        }
    }
    out
}

pub(crate) fn key_arn<'a>(key: &'a Key, view: &View<'_>) -> Option<&'a str> {
    let state = view.take(&key.state).ok().and_then(Option::as_ref);
    state.map(|it| it.arn.as_str()).or(Some(key.id.as_str())).filter(|it| Arn::is_begun(it))
}

/// An object that a session would become.
pub(crate) fn object_arn(bucket: &str, prefix: &str, partition: Partition<'_>) -> String {
    partition.object(bucket, &format!("{prefix}someone-0123456789abcdef0.log"))
}

/// A stream as the service names it when it refuses: with the group's name alone for what concerns the whole group.
pub(crate) fn stream_arn(group: &str) -> String {
    format!("{group}:log-stream:someone-0123456789abcdef0")
}

/// What CloudWatch Logs names where all groups of a Region are asked for, which a policy by `log-group:*` allows, too.
pub(crate) fn any_group(group: &str) -> String {
    let place = group.split(":log-group:").next().unwrap_or_default();
    format!("{place}:log-group::log-stream:")
}

pub(crate) fn whole_group(group: &str) -> String {
    format!("{group}:log-stream:")
}

/// What no writer needs of a thing: what undoes the record there, and what reads it back.
pub(crate) fn unneeded(on: On) -> Vec<&'static str> {
    let mut out = undoing::actions(on);
    match on {
        On::Object => out.extend(["s3:GetObject", "s3:GetObjectVersion"]),
        On::Stream => out.push("logs:GetLogEvents"),
        _ => {}
    }
    out
}
