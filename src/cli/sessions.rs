//! `sessions`: who was where, when.

use clap::Args;

use super::answer::Answer;
use super::answer::Ending;
use super::filters::Filters;
use super::filters::tell_edge;
use super::formats::FORMATS;
use super::formats::checked;
use super::formats::one_of;
use super::reader::Reader;
use crate::archive::Archive;
use crate::archive::Which;
use crate::archive::schema::Handling;
use crate::archive::schema::SESSIONS;
use crate::archive::schema::SessionRow;
use crate::archive::value::ListItem;
use crate::error::Result;
use crate::masking;
use crate::render::DIM;
use crate::render::Format;
use crate::render::NAME;
use crate::render::Rows;
use crate::render::Ui;
use crate::render::WARN;
use crate::search;
use crate::search::Shared;
use crate::secrets::Masker;
use crate::text;
use crate::text::Safe;
use crate::text::Visible;
use crate::text::safe;

const EXAMPLES: &str = "\
Examples:
  ssmtrail sessions --since 7d
  ssmtrail sessions --owner alice --from 2026-11-01 --to 2026-12-01
  ssmtrail sessions --target i-0e24f79031c6414e1 --format csv > sessions.csv

A session is listed if it may lie in the window. A time after ≤ is the session's end, which is all that a
transcript file tells: it began at most 24 hours before.";

#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(super) struct Sessions {
    #[command(flatten)]
    filters: Filters,

    /// How to write them
    #[arg(long, value_name = "FORMAT", default_value = "table", value_parser = one_of(FORMATS))]
    format: Format,

    /// Most rows of the table; other formats have no limit
    #[arg(long, value_name = "N", default_value_t = 200)]
    limit: usize,
}

impl Sessions {
    pub(super) fn run(self, reader: &Reader<'_>, ui: &mut Ui<'_>) -> Result<Answer> {
        checked(self.format, ui)?;
        reader.ask_for(&self.filters, ui, |archive, which, ui| self.list(archive, which, ui))
    }

    fn list(&self, archive: &Archive, which: &Which, ui: &mut Ui<'_>) -> Result<Ending> {
        let mut sessions = archive.sessions(which)?;
        masking::sessions(&mut Masker::new(archive.salt()), &mut sessions);
        if self.format == Format::Table {
            table(ui, &sessions, &Shared::of(archive)?, self.limit)?;
        } else {
            let frame = SessionRow::frame(&sessions)?.select(SESSIONS.handled(Handling::Listed))?;
            let mut rows = Rows::new("sessions", self.format, &["flaws", "forms"]);
            rows.write(ui, &frame)?;
            rows.finish(ui, &frame)?;
        }
        tell_edge(ui, &sessions, which.window);
        Ok(Ending::or(!sessions.is_empty(), "no session matches"))
    }
}

/// The name that people know an owner by; told apart where two principals have it.
pub(super) fn short_owner(owner: Option<&str>, shared: &Shared) -> Safe {
    owner.map_or_else(|| "-".into(), |it| shared.owner(it).safe())
}

/// A target as people name it; of an ECS task the cluster and the beginning of its id.
pub(super) fn short_target(target: Option<&str>) -> Safe {
    let Some(target) = target else { return "-".into() };
    let parts: Vec<&str> =
        target.strip_prefix("ecs:").map(|it| it.rsplitn(3, '_').collect()).unwrap_or_default();
    match parts.as_slice() {
        [_, task, cluster] if task.len() > 8 && task.is_ascii() => {
            safe!("ecs:{}_{}…", cluster, &task[..8])
        }
        _ => target.safe(),
    }
}

/// A session as it can be asked for; with its account, where another has its id.
pub(super) fn session_name(it: &SessionRow, shared: &Shared) -> Safe {
    let name = search::name_of(it, shared);
    match shared.ids.contains(&it.session_id) {
        true => safe!("{} (account {})", name, it.account_id.as_deref().unwrap_or("unknown")),
        false => name.safe(),
    }
}

pub(super) fn table(
    ui: &mut Ui<'_>,
    sessions: &[SessionRow],
    shared: &Shared,
    limit: usize,
) -> Result<()> {
    let shown = &sessions[sessions.len().saturating_sub(limit)..];
    let zone = ui.zone;
    let mut rows = Vec::with_capacity(shown.len());
    for it in shown {
        let possible = match it.possible_count {
            0 => Safe::default(),
            many => safe!("+{}?", many),
        };
        rows.push(vec![
            match (it.at, it.first_event_at) {
                (None, _) => "-".into(),
                (Some(at), Some(_)) => zone.show(at).safe(),
                // Only the end is known, or when it was stored.
                (Some(at), None) => safe!("≤ {}", zone.show(at)),
            },
            ui.paint(NAME, short_owner(it.owner.as_deref(), shared)),
            short_target(it.target.as_deref()),
            safe!("{}{}", it.command_count, possible),
            session_name(it, shared),
            ui.paint(WARN, text::joined(it.flaws.iter().map(ListItem::text), ", ")),
        ]);
    }
    if !rows.is_empty() {
        ui.table(&["WHEN", "OWNER", "TARGET", "COMMANDS", "SESSION", "FLAWS"], &[3], &rows)?;
    }
    if shown.len() < sessions.len() {
        let (shown, all) = (shown.len(), sessions.len());
        let text = safe!("showing the last {} of {}; --limit N shows more", shown, all);
        ui.note(ui.paint(DIM, text));
    }
    Ok(())
}
