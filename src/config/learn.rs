//! What was found is added to the file, behind everything that is there.

use super::file::Config;
use super::file::SourceSpec;
use super::place::Place;
use crate::aws_names::Home;
use crate::error::Result;

/// One destination of sessions that was found, and everything that names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Learned {
    /// Where sessions go.
    pub place: Place,
    /// AWS profile that reaches it; `None` if none was named.
    pub profile: Option<String>,
    /// ARN of the role that reaches it; `None` if none is assumed.
    pub role_arn: Option<String>,
    /// External id for that role; `None` without a role, or if none is asked for.
    pub external_id: Option<String>,
    /// What named it, in words.
    pub from: Vec<String>,
}

/// A configuration with what was learned added to it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Merged {
    /// The whole file, as it is to be written.
    pub text: String,
    /// Places that were not there before.
    pub added: Vec<String>,
    /// Places that are configured already.
    pub known: Vec<String>,
    /// Places that somebody has commented out.
    pub declined: Vec<String>,
}

const HEADER: &str = "\
# Sources of session transcripts, for ssmtrail. `ssmtrail init` adds what it finds and changes nothing else: edit freely.
# To leave a source out, put # before its lines rather than delete them, so that it is not added again.
#
# Settings of a source: place, name, region, profile, role_arn, external_id, endpoint_url, account (of its sessions, where the
# place does not tell), bucket_owner, requester_pays, versions. Those of the way to AWS may also stand above all sources.
# `[promise]` says what `ssmtrail verify` measures by, `[[mute]]` what was accepted, why and until when.
# `archive = \"DIR\"` names the folder of the archive. `ssmtrail config show` tells what is in force, and from where.
";

/// Adds what was learned to the text of a configuration, behind everything that is there.
///
/// # Errors
/// The text is no sound configuration; nothing can be added to it safely.
pub fn merge(text: &str, name: &str, learned: &[Learned], today: &str) -> Result<Merged> {
    let config = Config::read(text, name)?;
    let begun = if text.trim().is_empty() { HEADER } else { text };
    let mut out = Merged { text: begun.to_owned(), ..Merged::default() };
    if !out.text.ends_with('\n') {
        out.text.push('\n');
    }
    let quoted = |text: &str| toml_edit::Value::from(text).to_string();
    for it in learned {
        let written = it.written();
        let place = quoted(&written);
        let declined = text.lines().any(|line| {
            line.trim_start().starts_with('#')
                && line.contains(place.trim())
                && line.contains("place")
        });
        let is_known = config.sources.iter().any(|one| it.is(one));
        if is_known || declined {
            if is_known { &mut out.known } else { &mut out.declined }.push(written);
            continue;
        }
        out.text.push('\n');
        for (nth, from) in it.from.iter().enumerate() {
            let words = if nth == 0 { format!("learned {today} from") } else { "and from".into() };
            let from: String = from.chars().filter(|it| !it.is_control()).collect();
            out.text.push_str(&format!("# {words} {from}\n"));
        }
        out.text.push_str(&format!("[[source]]\nplace = {}\n", place.trim()));
        let settings = [
            ("profile", &it.profile),
            ("role_arn", &it.role_arn),
            ("external_id", &it.external_id),
        ];
        for (key, value) in settings.iter().filter_map(|it| Some((it.0, it.1.as_ref()?))) {
            out.text.push_str(&format!("{key} = {}\n", quoted(value).trim()));
        }
        out.added.push(written);
    }
    // What was written must be what was meant.
    Config::read(&out.text, name)?;
    Ok(out)
}

impl Learned {
    /// The place with all that is known of it: a log group as its ARN.
    pub fn written(&self) -> String {
        match &self.place {
            Place::Logs { group, account: Some(account), region: Some(region) } => {
                format!("logs:{}", Home::new(region, account).log_group(group))
            }
            it => it.to_string(),
        }
    }

    /// Whether a configured source reads this place.
    fn is(&self, one: &SourceSpec) -> bool {
        match (&self.place, &one.place) {
            (
                Place::Logs { group, account, region },
                Place::Logs { group: theirs, account: their_account, region: their_region },
            ) => {
                let told = one.access.region.as_ref().map(|it| &it.value);
                let fits = |ours: &Option<String>, theirs: Option<&String>| {
                    theirs.is_none() || ours.as_ref() == theirs
                };
                group == theirs
                    && fits(account, their_account.as_ref())
                    && fits(region, their_region.as_ref().or(told))
                    && (their_account.is_some()
                        || self.role_arn.as_ref()
                            == one.access.role_arn.as_ref().map(|it| &it.value))
            }
            (one, other) => one == other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::NAME;

    #[test]
    fn what_was_learned_is_added_behind_and_no_edit_is_lost() {
        let learned = |place: &str, from: &str| Learned {
            place: Place::parse(place).unwrap(),
            profile: None,
            role_arn: Some("arn:aws:iam::1:role/r".into()),
            external_id: None,
            from: vec![from.into(), "another\nplace".into()],
        };
        let bucket = learned("s3://acme/prod", "the preferences");
        let group = learned("logs:arn:aws:logs:eu-west-1:111122223333:log-group:/s", "a cluster");
        let first = merge("", NAME, &[bucket.clone(), group.clone()], "2026-11-23").unwrap();
        assert!(first.text.starts_with("# Sources of session transcripts"));
        assert!(first.text.ends_with(
            "\n# learned 2026-11-23 from a cluster\n# and from anotherplace\n[[source]]\nplace = \"logs:arn:aws:logs:eu-west-1:111122223333:log-group:/s\"\nrole_arn = \"arn:aws:iam::1:role/r\"\n"
        ));
        assert_eq!((first.added.len(), first.known.len()), (2, 0));
        // Edited by hand: a name given, one source commented out.
        let edited = first.text.replace(
            "place = \"s3://acme/prod/\"",
            "place = \"s3://acme/prod/\" # ours\nname = \"prod\"",
        );
        let at = edited.rfind("[[source]]").unwrap();
        let off: String = edited[at..].lines().map(|it| format!("# {it}\n")).collect();
        let edited = format!("{}{off}", &edited[..at]);
        let again = merge(&edited, NAME, &[bucket, group], "2026-12-01").unwrap();
        assert_eq!(again.text, edited);
        assert_eq!((again.added.len(), again.known.len(), again.declined.len()), (0, 1, 1));
        assert!(merge("x =", NAME, &[], "2026-11-23").is_err());
    }
}
