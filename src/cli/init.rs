//! `init`: find the sources, and write them down.

use std::time::Instant;

use clap::Args;

use super::answer::Answer;
use super::progress::patiently;
use super::reach::Reach;
use super::setup::Setup;
use super::sync::runtime;
use crate::config;
use crate::config::Merged;
use crate::error::Error;
use crate::error::Result;
use crate::output::Replace;
use crate::output::Target;
use crate::render::Ui;
use crate::source::discover;
use crate::source::discover::Discovery;
use crate::source::discover::Where;
use crate::source::survey::Clock;
use crate::text;
use crate::text::safe;

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
    pub(super) fn run(self, setup: &Setup<'_>, ui: &mut Ui<'_>) -> Result<Answer> {
        // A file that is named and not there yet is the one to write.
        let otherwise = match setup.config_place().exists() {
            true => setup.access()?,
            false => setup.environment(),
        };
        let wanted = Where {
            accounts: self.reach.ways().iter().map(|it| it.or(&otherwise)).collect(),
            regions: self.reach.regions(),
            organization_role: self.organization_role.clone(),
        };
        let clock = Clock { began: setup.here.now, since: Instant::now() };
        let found = patiently(
            &runtime()?,
            &mut |it| ui.note(it),
            setup.here.stop,
            "the places of sessions",
            discover::discover(&wanted, clock),
        )?;

        let path = setup.config_place();
        let name = path.file_name().map_or(config::NAME.into(), |it| it.to_string_lossy());
        let text = match std::fs::read_to_string(&path) {
            Ok(it) => it,
            Err(it) if it.kind() == std::io::ErrorKind::NotFound => String::new(),
            Err(it) => return Err(Error::file("read", &path, it)),
        };
        let today = setup.here.now.day();
        let merged = config::merge(&text, &name, &found.learned, &today)?;
        let changed = !merged.added.is_empty();
        if self.dry_run {
            ui.bytes(merged.text.as_bytes())?;
        } else if changed {
            let folder = path.parent().filter(|it| !it.as_os_str().is_empty());
            folder
                .map_or(Ok(()), std::fs::create_dir_all)
                .map_err(|it| Error::file("write", &path, it))?;
            Target::look(&path, &path.to_string_lossy(), Replace::Yes)?
                .keeping_mode()
                .write(merged.text.as_bytes(), setup.here.stop)?;
        }
        tell(ui, &found, &merged);
        if changed && !self.dry_run {
            ui.note(safe!("wrote {}; next: `ssmtrail sync`", path.display()));
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
fn tell(ui: &mut Ui<'_>, found: &Discovery, merged: &Merged) {
    let regions = found.looked_into.len() as u64;
    ui.note(safe!(
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
            ui.note(safe!("{} {}", word, it));
        }
    }
    for it in &found.notes {
        ui.note(safe!("note: {}", it));
    }
    let mut hints = std::collections::BTreeSet::new();
    for (what, refusal) in &found.unread {
        ui.note(safe!("could not read {}: {}", what, refusal.why));
        hints.extend(refusal.hint.clone());
    }
    for it in hints {
        ui.note(safe!("hint: {}", it));
    }
}
