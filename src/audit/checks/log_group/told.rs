//! A log group as its checks read it: its settings, its name in commands, and the account policies that select it.

use crate::audit::names::aws;
use crate::audit::view::View;
use crate::settings::Corner;
use crate::settings::GroupSettings;
use crate::settings::LogGroup;
use crate::settings::Reason;
use crate::settings::Unread;

pub(super) fn settings<'a>(it: &'a LogGroup, view: &View<'_>) -> Result<&'a GroupSettings, Unread> {
    view.take(&it.settings)?
        .as_ref()
        .ok_or_else(|| Reason::NotThere.because("there is no such log group"))
}

/// Where the group is: what its account settled there for all groups.
pub(super) fn corner_of<'a>(it: &LogGroup, view: &View<'a>) -> Result<&'a Corner, Unread> {
    view.corner(&it.account, &it.region)
        .ok_or_else(|| Reason::NotAsked.because("the Region was not surveyed"))
}

/// A command about a group; the rest of it as it stands.
pub(super) fn logs(command: &str, it: &LogGroup, rest: &str) -> String {
    let group = [("region", it.region.as_str()), ("log-group-name", &it.name)];
    aws(&format!("logs {command}"), &group) + " " + rest
}

/// A command of those that call the name of a group its identifier.
pub(super) fn logs_identified(command: &str, it: &LogGroup, rest: &str) -> String {
    let group = [("region", it.region.as_str()), ("log-group-identifier", &it.name)];
    aws(&format!("logs {command}"), &group) + " " + rest
}

/// Whether an account policy's selection criteria hold a group; `None` if they are of a form that is not known.
/// Source: "PutAccountPolicy", `selectionCriteria`: `LogGroupName NOT IN ["a", "b"]`, `LogGroupNamePrefix IN ["c"]`.
pub(super) fn selects(criteria: Option<&str>, group: &str) -> Option<bool> {
    let criteria = criteria.unwrap_or_default().trim();
    if criteria.is_empty() {
        return Some(true);
    }
    let (head, list) = criteria.split_once('[')?;
    let names: Vec<String> = serde_json::from_str(&format!("[{list}")).ok()?;
    let is_meant = |by_prefix: bool| {
        names.iter().any(|it| if by_prefix { group.starts_with(it.as_str()) } else { group == it })
    };
    match head.split_whitespace().collect::<Vec<_>>().as_slice() {
        ["LogGroupName", "IN"] => Some(is_meant(false)),
        ["LogGroupName", "NOT", "IN"] => Some(!is_meant(false)),
        ["LogGroupNamePrefix", "IN"] => Some(is_meant(true)),
        ["LogGroupNamePrefix", "NOT", "IN"] => Some(!is_meant(true)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_selection_holds_the_groups_it_names_and_no_others() {
        for (criteria, group, held) in [
            (None, "/ssm", Some(true)),
            (Some(""), "/ssm", Some(true)),
            (Some(r#"LogGroupName IN ["/ssm"]"#), "/ssm", Some(true)),
            (Some(r#"LogGroupName IN ["/ss"]"#), "/ssm", Some(false)),
            (Some(r#"LogGroupName NOT IN ["/ssm", "/b"]"#), "/ssm", Some(false)),
            (Some(r#"LogGroupName NOT IN ["/Prefix", "/b"]"#), "/Prefixed", Some(true)),
            (Some(r#"LogGroupName NOT IN ["/NOT IN"]"#), "/NOT IN", Some(false)),
            (Some(r#"LogGroupNamePrefix IN ["/ss"]"#), "/ssm", Some(true)),
            (Some(r#"LogGroupNamePrefix NOT IN ["/ss"]"#), "/ssm", Some(false)),
            (Some(r#"LogGroupName NOT IN []"#), "/ssm", Some(true)),
            (Some(r#"LogGroupName NOT IN ["/a"] AND LogGroupName NOT IN ["/ssm"]"#), "/ssm", None),
            (Some(r#"DataSourceName IN ["x"]"#), "/ssm", None),
            (Some("LogGroupName = /ssm"), "/ssm", None),
        ] {
            assert_eq!(selects(criteria, group), held, "{criteria:?} {group}");
        }
    }
}
