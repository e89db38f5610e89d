//! `config`: what is in force, and where it was said.

use clap::Args;
use clap::Subcommand;
use serde::Serialize;
use serde_json::json;

use super::answer::Answer;
use super::formats::ANSWERS;
use super::formats::one_of;
use super::reach::Reach;
use super::setup::Setup;
use crate::config;
use crate::config::Access;
use crate::config::Config;
use crate::error::Result;
use crate::render::Format;
use crate::render::Ui;
use crate::text;
use crate::text::Safe;

#[derive(Args, Debug)]
#[command(after_help = "Example:\n  ssmtrail config show")]
pub(super) struct ConfigArgs {
    #[command(subcommand)]
    what: ConfigVerb,
}

#[derive(Subcommand, Debug)]
enum ConfigVerb {
    /// Print every setting and where it was said
    #[command(
        after_help = "Examples:\n  ssmtrail config show --profile audit\n  ssmtrail config show --format json"
    )]
    Show {
        /// How to write it
        #[arg(long, value_name = "FORMAT", default_value = "table", value_parser = one_of(ANSWERS))]
        format: Format,

        #[command(flatten)]
        reach: Reach,
    },
}

/// The setting that a source begins with.
const PLACE: &str = "place";

/// One setting in force.
#[derive(Serialize)]
struct Setting {
    /// Name of the source that it is about.
    source: Option<String>,
    #[serde(rename = "setting")]
    key: String,
    value: String,
    from: String,
}

impl ConfigArgs {
    pub(super) fn run(self, setup: &Setup<'_>, ui: &mut Ui<'_>) -> Result<Answer> {
        let ConfigVerb::Show { format, reach } = self.what;
        let config = setup.config()?;
        let rows = settings(setup, config, &reach)?;
        if format == Format::Json {
            let value = json!({ "version": 1, "settings": rows });
            return ui.line(text::json(&value)).map(|()| Answer::Yes);
        }
        let rows: Vec<Vec<Safe>> = rows
            .iter()
            .map(|it| {
                let key = match &it.source {
                    None => it.key.clone(),
                    Some(name) if it.key == PLACE => name.clone(),
                    Some(_) => format!("  {}", it.key),
                };
                [&key, &it.value, &it.from].map(|it| text::visible(it)).into()
            })
            .collect();
        ui.table(&["SETTING", "VALUE", "FROM"], &[], &rows)?;
        if config.sources.is_empty() {
            ui.note("no source is configured; `ssmtrail init` finds them");
        }
        Ok(Answer::Yes)
    }
}

/// Settings as they are gathered: the general ones, then those of each source.
#[derive(Default)]
struct Gathered {
    /// The source that the next are about.
    source: Option<String>,
    rows: Vec<Setting>,
}

impl Gathered {
    fn add(&mut self, key: &str, value: impl ToString, from: impl ToString) {
        self.rows.push(Setting {
            source: self.source.clone(),
            key: key.to_owned(),
            value: value.to_string(),
            from: from.to_string(),
        });
    }

    fn add_access(&mut self, access: &Access) {
        for (key, it) in access.each() {
            it.iter().for_each(|it| self.add(key, &it.value, &it.from));
        }
    }
}

/// Every setting in force.
fn settings(setup: &Setup<'_>, config: &Config, reach: &Reach) -> Result<Vec<Setting>> {
    let mut all = Gathered::default();
    let path = setup.config_place();
    match path.exists() {
        true => all.add("config", path.display(), ""),
        false => all.add("config", "-", format!("there is no {}", config::NAME)),
    }
    let from = match (&setup.archive, &config.archive) {
        (Some(_), _) => "the command line or SSMTRAIL_ARCHIVE".to_owned(),
        (None, Some(it)) => it.from.to_string(),
        (None, None) => "the default".to_owned(),
    };
    all.add("archive", setup.root()?.display(), from);
    all.add_access(&reach.general().or(&setup.access()?));
    for (key, it) in &config.promise.said {
        all.add(&format!("promise.{key}"), &it.value, &it.from);
    }
    for it in &config.mutes {
        let value = format!("{} for {} until {}: {}", it.check, it.resource, it.until, it.reason);
        all.add("mute", value, &it.from);
    }
    for (nth, it) in config.sources.iter().enumerate() {
        all.source = Some(it.name.clone().unwrap_or_else(|| format!("source {}", nth + 1)));
        all.add(PLACE, &it.place, &it.from);
        let flags = [("requester_pays", it.requester_pays), ("versions", it.versions)];
        flags.iter().filter(|it| it.1).for_each(|flag| all.add(flag.0, "true", &it.from));
        for (key, value) in [("account", &it.account), ("bucket_owner", &it.bucket_owner)] {
            value.iter().for_each(|value| all.add(key, value, &it.from));
        }
        match it.place.is_in_aws() {
            true => all.add_access(&reach.access(setup, it)?),
            false => all.add_access(&it.access),
        }
    }
    Ok(all.rows)
}
