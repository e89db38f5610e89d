//! The filters that many commands share, and what is said of them: whom a name matched, which window is in force.

use clap::Args;

use crate::archive::Archive;
use crate::archive::Which;
use crate::archive::schema::SessionRow;
use crate::error::Error;
use crate::error::Result;
use crate::render::Ui;
use crate::secrets::Masker;
use crate::session::Window;
use crate::session::is_owner;
use crate::session::short_owner;
use crate::text;
use crate::text::safe;
use crate::time;
use crate::time::At;
use crate::time::Zone;
use crate::transcript::decoder::FlawKind;

/// Filters that many commands share.
#[derive(Args, Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Filters {
    /// Sessions of this owner: an IAM user, a role session name, an e-mail address or an ARN (repeatable)
    #[arg(long, value_name = "NAME", help_heading = "Which sessions")]
    pub(super) owner: Vec<String>,
    /// Sessions whose owner's ARN contains this (repeatable)
    #[arg(long, value_name = "TEXT", help_heading = "Which sessions")]
    pub(super) owner_contains: Vec<String>,
    /// Sessions whose target contains this (repeatable)
    #[arg(long, value_name = "TEXT", help_heading = "Which sessions")]
    pub(super) target: Vec<String>,
    /// Sessions whose id contains this (repeatable)
    #[arg(long, value_name = "ID", help_heading = "Which sessions")]
    pub(super) session: Vec<String>,
    /// Sessions that began as this operating-system user
    #[arg(long, value_name = "USER", help_heading = "Which sessions")]
    pub(super) run_as: Vec<String>,
    /// Sessions of the last while: 90m, 12h, 7d, 4w
    #[arg(long, value_name = "AGE", conflicts_with = "from", help_heading = "Which sessions")]
    pub(super) since: Option<String>,
    /// Sessions on or after this: 2026-11-01, 2026-11-01T09:00:00Z
    #[arg(long, value_name = "TIME", help_heading = "Which sessions")]
    pub(super) from: Option<String>,
    /// Sessions before this
    #[arg(long, value_name = "TIME", help_heading = "Which sessions")]
    pub(super) to: Option<String>,
}

impl Filters {
    pub(super) fn which(&self, now: At, zone: Zone) -> Result<Which> {
        let read = |text: &Option<String>| {
            text.as_deref().map(|it| time::instant(it, now, zone)).transpose()
        };
        let since = self.since.as_deref().map(|it| time::age(it, now)).transpose()?;
        let window = Window { from: since.or(read(&self.from)?), to: read(&self.to)? };
        if let (Some(from), Some(to)) = (window.from, window.to)
            && from >= to
        {
            return Err(Error::misused("--from is not before --to, so nothing can lie between"));
        }
        Ok(Which {
            owners: self.owner.clone(),
            owners_containing: self.owner_contains.clone(),
            targets: self.target.clone(),
            sessions: self.session.clone(),
            run_as: self.run_as.clone(),
            window,
        })
    }
}

/// Says which window is in force, where one was asked for.
pub(super) fn tell_window(ui: &mut Ui<'_>, window: Window) {
    if window.is_open() {
        return;
    }
    let show = |it: Option<At>, otherwise: &str| {
        it.map_or_else(|| otherwise.to_owned(), |it| ui.zone.show(it))
    };
    ui.note(safe!("window: {} to {}", show(window.from, "the beginning"), show(window.to, "now")));
}

/// Says how many sessions are in a window only because they may have begun before their end, which is all that is known.
pub(super) fn tell_edge(ui: &mut Ui<'_>, sessions: &[SessionRow], window: Window) {
    let Some(to) = window.to else { return };
    let may = |it: &&SessionRow| {
        let claimed = it.ended_at.filter(|_| !it.flaws.contains(&FlawKind::Clock.into()));
        let end = claimed.or(it.at);
        it.first_event_at.is_none() && end.is_some_and(|end| end >= to)
    };
    let many = sessions.iter().filter(may).count() as u64;
    if many > 0 {
        let sessions = text::plural(many, "session");
        ui.note(safe!(
            "note: {} ended after the window and may have begun in it, at most 24 hours before; only the end is known",
            sessions
        ));
    }
}

/// Names that are said, at most, where there may be many.
const SHOWN: usize = 5;

/// The names that come nearest to a text, the nearest first.
pub(super) fn nearest<'a>(names: impl Iterator<Item = &'a str>, text: &str) -> Vec<&'a str> {
    let folded = text.to_lowercase();
    let mut near: Vec<&str> = names.collect();
    near.sort_unstable();
    near.dedup();
    near.sort_by_cached_key(|it| {
        let likeness = strsim::jaro_winkler(&folded, &it.to_lowercase());
        std::cmp::Reverse((likeness * 1000.0) as u32)
    });
    near.truncate(SHOWN);
    near
}

/// Says whom an owner filter matched, so that nobody takes a name for the person that was meant; and where it matched nobody,
/// which names come near.
pub(super) fn tell_owners(ui: &mut Ui<'_>, archive: &Archive, which: &Which) -> Result<()> {
    if which.owners.is_empty() && which.owners_containing.is_empty() {
        return Ok(());
    }
    let mut all: Vec<String> = archive.owners()?;
    let mut masker = Masker::new(archive.salt());
    all.iter_mut().for_each(|it| masker.apply(it));
    all.sort_unstable();
    // Not found in a part is not absent.
    let among = if archive.damages().is_empty() { "of the archive" } else { "that could be read" };
    let asked = |exact: bool| if exact { &which.owners } else { &which.owners_containing };
    for (exact, text) in
        [true, false].into_iter().flat_map(|it| asked(it).iter().map(move |t| (it, t)))
    {
        let folded = text.to_lowercase();
        if folded.is_empty() {
            continue;
        }
        let matched: Vec<&String> = all
            .iter()
            .filter(|it| match exact {
                true => is_owner(it, text),
                false => it.to_lowercase().contains(&folded),
            })
            .collect();
        let names: Vec<&str> = matched.iter().take(SHOWN).map(|it| it.as_str()).collect();
        let more = match matched.len().saturating_sub(SHOWN) {
            0 => String::new(),
            many => format!(" and {many} more"),
        };
        let said = if exact { "owner" } else { "owner contains" };
        if !matched.is_empty() {
            let names = names.join(", ");
            ui.note(safe!("{} {}: {}{}", said, text, names, more));
            continue;
        }
        let near = nearest(all.iter().map(|it| short_owner(it)), text);
        let hint = match exact && all.iter().any(|it| it.to_lowercase().contains(&folded)) {
            true => format!("; `--owner-contains {text}` matches a part"),
            false => String::new(),
        };
        let near = match near.is_empty() {
            true => String::new(),
            false => format!("; the nearest are {}", near.join(", ")),
        };
        ui.note(safe!("{} {}: no session {} has such an owner{}{}", said, text, among, near, hint));
    }
    Ok(())
}
