//! `init`: find the sources, and write them down.

use clap::Args;

use super::answer::Answer;
use super::output::Replace;
use super::output::Target;
use super::progress::patiently;
use super::reach::Reach;
use super::run::Run;
use super::sync::runtime;
use crate::config;
use crate::config::Access;
use crate::config::Merged;
use crate::error::Error;
use crate::error::Result;
use crate::source::discover;
use crate::source::discover::Discovery;
use crate::source::discover::Where;
use crate::text;
use crate::time::At;

const EXAMPLES: &str = "\
Examples:
  ssmtrail init                                    this account, every enabled Region
  ssmtrail init --region eu-west-1 --region us-east-1
  ssmtrail init --role-arn arn:aws:iam::111122223333:role/audit --role-arn arn:aws:iam::444455556666:role/audit
  ssmtrail init --organization-role audit          every account of the organization, through the role of that name
  ssmtrail init --dry-run                          print the file, write nothing

It reads the Session Manager preferences, all other Session documents and the ECS clusters. Running it again adds what is
new and changes nothing else.

It needs ssm:ListDocuments, ssm:GetDocument, ecs:ListClusters, ecs:DescribeClusters; account:ListRegions unless Regions are
named; organizations:ListAccounts and sts:AssumeRole for --organization-role.";

#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(super) struct Init {
    /// Print what the file would be, and write nothing
    #[arg(long)]
    dry_run: bool,

    /// Name of a role to assume in each other account of the organization
    #[arg(long, value_name = "NAME")]
    organization_role: Option<String>,

    #[command(flatten)]
    reach: Reach,
}

impl Init {
    pub(super) fn run(self, run: &mut Run<'_, '_>) -> Result<Answer> {
        // A file that is named and not there yet is the one to write.
        let file = match run.config_place().exists() {
            true => run.config()?.access,
            false => Access::default(),
        };
        let all = self.reach.region.iter().any(|it| it == "all");
        let regions = if all { Vec::new() } else { self.reach.region.clone() };
        let region = regions.first().map(String::as_str);
        let way = |role: Option<&str>| -> Access {
            self.reach.said(region, role).or(&run.environment()).or(&file)
        };
        let mut accounts = Vec::new();
        if self.reach.role_arn.is_empty() {
            accounts.push(way(None));
        }
        accounts.extend(self.reach.role_arn.iter().map(|it| way(Some(it))));
        let wanted = Where { accounts, regions, organization_role: self.organization_role.clone() };
        let found = patiently(
            &runtime()?,
            &mut |it| run.ui.note(it),
            run.world.stop,
            "the places of sessions",
            discover::discover(&wanted),
        )?;

        let path = run.config_place();
        let name = path.file_name().map_or(config::NAME.into(), |it| it.to_string_lossy());
        let text = match std::fs::read_to_string(&path) {
            Ok(it) => it,
            Err(it) if it.kind() == std::io::ErrorKind::NotFound => String::new(),
            Err(it) => return Err(Error::file("read", &path, it)),
        };
        let today = At(run.world.now).day();
        let merged = config::merge(&text, &name, &found.learned, &today)?;
        let changed = !merged.added.is_empty();
        if self.dry_run {
            run.ui.raw(merged.text.as_bytes())?;
        } else if changed {
            let folder = path.parent().filter(|it| !it.as_os_str().is_empty());
            folder
                .map_or(Ok(()), std::fs::create_dir_all)
                .map_err(|it| Error::file("write", &path, it))?;
            Target::look(&path, &path.to_string_lossy(), Replace::Yes)?
                .keeping_mode()
                .write(merged.text.as_bytes(), run.world.stop)?;
        }
        tell(run, &found, &merged);
        if changed && !self.dry_run {
            run.ui.note(&format!("wrote {}; next: `ssmtrail sync`", path.display()));
        }
        Ok(
            match (found.looked_into.is_empty(), found.unread.is_empty(), found.learned.is_empty())
            {
                (true, ..) => Answer::Failed,
                (_, false, _) => Answer::Partial,
                (.., found_none) => Answer::found(!found_none),
            },
        )
    }
}

/// Says what was found, what is in the file now, and what could not be read.
fn tell(run: &mut Run<'_, '_>, found: &Discovery, merged: &Merged) {
    let regions = found.looked_into.len() as u64;
    run.ui.note(&format!(
        "looked into {}: {} added, {} known{}",
        text::plural(regions, "Region"),
        text::plural(merged.added.len() as u64, "source"),
        merged.known.len(),
        match merged.declined.len() {
            0 => String::new(),
            many => format!(", {many} commented out"),
        }
    ));
    for (word, places) in
        [("added", &merged.added), ("known", &merged.known), ("commented out", &merged.declined)]
    {
        for it in places {
            run.ui.note(&format!("{word} {}", text::visible(it)));
        }
    }
    for it in &found.notes {
        run.ui.note(&format!("note: {}", text::visible(it)));
    }
    let mut hints = std::collections::BTreeSet::new();
    for (what, refusal) in &found.unread {
        let (what, why) = (text::visible(what), text::visible(&refusal.why));
        run.ui.note(&format!("could not read {what}: {why}"));
        hints.extend(refusal.hint.clone());
    }
    for it in hints {
        run.ui.note(&format!("hint: {}", text::visible(&it)));
    }
}
