//! `config`: what is in force, and where it was said.

use clap::Args;
use clap::Subcommand;

use super::Answer;
use super::Run;
use super::reach::Reach;
use crate::config;
use crate::config::Place;
use crate::error::Result;
use crate::render;

#[derive(Args, Debug)]
#[command(after_help = "Example:\n  ssmtrail config show")]
pub(super) struct ConfigArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand, Debug)]
enum What {
    /// Print every setting and where it was said
    #[command(after_help = "Example:\n  ssmtrail config show --profile audit")]
    Show {
        #[command(flatten)]
        reach: Reach,
    },
}

impl ConfigArgs {
    pub(super) fn run(self, run: &mut Run<'_, '_>) -> Result<Answer> {
        let What::Show { reach } = self.what;
        let config = run.config()?;
        let path = run.config_place();
        let mut rows: Vec<[String; 3]> = Vec::new();
        let file = match path.exists() {
            true => (path.display().to_string(), String::new()),
            false => ("-".to_owned(), format!("there is no {}", config::NAME)),
        };
        rows.push(["config".into(), file.0, file.1]);
        let archive = match (&run.root, &config.archive) {
            (Some(_), _) => "the command line or SSMTRAIL_ARCHIVE".to_owned(),
            (None, Some(it)) => it.from.to_string(),
            (None, None) => "the default".to_owned(),
        };
        rows.push(["archive".into(), run.root()?.display().to_string(), archive]);
        let role = reach.role_arn.first().map(String::as_str);
        let said = reach.said(reach.region.first().map(String::as_str), role);
        let general = said.or(&run.environment()).or(&config.access);
        for (key, told) in general.each() {
            if let Some(it) = told {
                rows.push([key.into(), it.value.clone(), it.from.to_string()]);
            }
        }
        for (nth, it) in config.sources.iter().enumerate() {
            let name = it.name.clone().unwrap_or_else(|| format!("source {}", nth + 1));
            let at = it.from.to_string();
            rows.push([name.clone(), it.place.to_string(), at.clone()]);
            let access = match it.place {
                // A folder is not reached through AWS.
                Place::Folder(_) => it.access.clone(),
                _ => reach.access(run, it)?,
            };
            for (key, told) in access.each() {
                if let Some(it) = told {
                    rows.push([format!("  {key}"), it.value.clone(), it.from.to_string()]);
                }
            }
            let flags = [("requester_pays", it.requester_pays), ("versions", it.versions)];
            for (key, _) in flags.iter().filter(|it| it.1) {
                rows.push([format!("  {key}"), "true".into(), at.clone()]);
            }
            for (key, value) in [("account", &it.account), ("bucket_owner", &it.bucket_owner)] {
                if let Some(value) = value {
                    rows.push([format!("  {key}"), value.clone(), at.clone()]);
                }
            }
        }
        let rows: Vec<Vec<String>> = rows
            .iter()
            .map(|it| it.iter().map(|it| render::visible(it).into_owned()).collect())
            .collect();
        run.ui.table(&["SETTING", "VALUE", "FROM"], &[], &rows)?;
        if config.sources.is_empty() {
            run.ui.note("no source is configured; `ssmtrail init` finds them");
        }
        Ok(Answer::Yes)
    }
}
