//! `config`: what is in force, and where it was said.

use clap::Args;
use clap::Subcommand;
use serde_json::json;

use super::answer::Answer;
use super::formats::AnswerForm;
use super::reach::Reach;
use super::run::Run;
use crate::config;
use crate::config::Config;
use crate::config::Told;
use crate::error::Result;
use crate::text;

#[derive(Args, Debug)]
#[command(after_help = "Example:\n  ssmtrail config show")]
pub(super) struct ConfigArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand, Debug)]
enum What {
    /// Print every setting and where it was said
    #[command(
        after_help = "Examples:\n  ssmtrail config show --profile audit\n  ssmtrail config show --format json"
    )]
    Show {
        /// How to write it
        #[arg(long, value_name = "FORMAT", default_value = "table")]
        format: AnswerForm,

        #[command(flatten)]
        reach: Reach,
    },
}

/// The setting that a source begins with.
const PLACE: &str = "place";

/// One setting in force.
struct Row {
    /// Name of the source that it is about.
    source: Option<String>,
    key: String,
    value: String,
    from: String,
}

impl ConfigArgs {
    pub(super) fn run(self, run: &mut Run<'_, '_>) -> Result<Answer> {
        let What::Show { format, reach } = self.what;
        let config = run.config()?;
        let rows = settings(run, &config, &reach)?;
        if format == AnswerForm::Json {
            let settings: Vec<_> = rows
                .iter()
                .map(|it| json!({ "source": it.source, "setting": it.key, "value": it.value, "from": it.from }))
                .collect();
            let value = json!({ "version": 1, "settings": settings });
            return run.ui.line(&text::json(&value)).map(|()| Answer::Yes);
        }
        let rows: Vec<Vec<String>> = rows
            .iter()
            .map(|it| {
                let key = match &it.source {
                    None => it.key.clone(),
                    Some(name) if it.key == PLACE => name.clone(),
                    Some(_) => format!("  {}", it.key),
                };
                [&key, &it.value, &it.from].map(|it| text::visible(it).into_owned()).into()
            })
            .collect();
        run.ui.table(&["SETTING", "VALUE", "FROM"], &[], &rows)?;
        if config.sources.is_empty() {
            run.ui.note("no source is configured; `ssmtrail init` finds them");
        }
        Ok(Answer::Yes)
    }
}

/// Every setting in force: the general ones, then those of each source.
fn settings(run: &mut Run<'_, '_>, config: &Config, reach: &Reach) -> Result<Vec<Row>> {
    let path = run.config_place();
    let mut rows = Vec::new();
    let file = match path.exists() {
        true => (path.display().to_string(), String::new()),
        false => ("-".to_owned(), format!("there is no {}", config::NAME)),
    };
    let archive = match (&run.root, &config.archive) {
        (Some(_), _) => "the command line or SSMTRAIL_ARCHIVE".to_owned(),
        (None, Some(it)) => it.from.to_string(),
        (None, None) => "the default".to_owned(),
    };
    let archive = (run.root()?.display().to_string(), archive);
    for (key, (value, from)) in [("config", file), ("archive", archive)] {
        rows.push(Row { source: None, key: key.into(), value, from });
    }
    let role = reach.role_arn.first().map(String::as_str);
    let said = reach.said(reach.region.first().map(String::as_str), role);
    let general = said.or(&run.environment()).or(&config.access);
    let told = |source: Option<&String>, key: &str, it: &Told| Row {
        source: source.cloned(),
        key: key.into(),
        value: it.value.clone(),
        from: it.from.to_string(),
    };
    for (key, it) in general.each() {
        rows.extend(it.as_ref().map(|it| told(None, key, it)));
    }
    for (key, it) in &config.promise.said {
        rows.push(told(None, &format!("promise.{key}"), it));
    }
    for it in &config.mutes {
        let value = format!("{} for {} until {}: {}", it.check, it.resource, it.until, it.reason);
        rows.push(Row { source: None, key: "mute".into(), value, from: it.from.to_string() });
    }
    for (nth, it) in config.sources.iter().enumerate() {
        let name = it.name.clone().unwrap_or_else(|| format!("source {}", nth + 1));
        let mut row = |key: &str, value: &str| {
            let (source, value) = (Some(name.clone()), value.to_owned());
            rows.push(Row { source, key: key.into(), value, from: it.from.to_string() });
        };
        row(PLACE, &it.place.to_string());
        let flags = [("requester_pays", it.requester_pays), ("versions", it.versions)];
        flags.iter().filter(|it| it.1).for_each(|it| row(it.0, "true"));
        for (key, value) in [("account", &it.account), ("bucket_owner", &it.bucket_owner)] {
            value.iter().for_each(|it| row(key, it));
        }
        let access = if it.place.is_in_aws() { reach.access(run, it)? } else { it.access.clone() };
        for (key, it) in access.each() {
            rows.extend(it.as_ref().map(|it| told(Some(&name), key, it)));
        }
    }
    Ok(rows)
}
