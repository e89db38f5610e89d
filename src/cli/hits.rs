//! A session's heading, and a command or line below it, as search, show and demo print them.

use super::sessions::session_name;
use super::sessions::short_owner;
use super::sessions::short_target;
use crate::archive::schema::CommandRow;
use crate::archive::schema::LineRow;
use crate::archive::schema::OwnerFrom;
use crate::archive::schema::SessionRow;
use crate::error::Result;
use crate::render::DIM;
use crate::render::NAME;
use crate::render::Ui;
use crate::render::WARN;
use crate::search::Pattern;
use crate::search::Shared;
use crate::text;
use crate::text::Safe;
use crate::text::safe;
use crate::time;
use crate::transcript::commands::CommandFlaw;
use crate::transcript::commands::CommandKind;

/// Whose hits follow: time, owner, target, session.
pub(super) fn heading(ui: &mut Ui<'_>, it: &SessionRow, shared: &Shared) -> Result<()> {
    let zone = ui.zone;
    let time = match (it.first_event_at, it.ended_at.or(it.last_event_at)) {
        (None, None) => time::range(None, it.at, zone),
        (first, last) => time::range(first, last, zone),
    };
    let hint = if it.owner_from == Some(OwnerFrom::SessionId.into()) {
        " (by its session id)"
    } else {
        ""
    };
    let owner = ui.paint(NAME, short_owner(it.owner.as_deref(), shared));
    let target = match &it.target {
        Some(it) => short_target(Some(it)),
        None => "an unknown target".into(),
    };
    let id = ui.paint(DIM, session_name(it, shared));
    ui.line(safe!("{}  {}{} on {}  {}", time, owner, hint, target, id))
}

/// One command below its session's heading: number, user, text.
pub(super) fn command_line(
    ui: &mut Ui<'_>,
    it: &CommandRow,
    pattern: &Pattern,
    is_hit: bool,
) -> Result<()> {
    let user = it.os_user.as_deref().unwrap_or("?");
    let mark = match it.kind.mark() {
        "" => Safe::default(),
        mark => ui.paint(WARN, safe!(" [{}]", mark)),
    };
    let is_damaged = it.flaws.contains(&CommandFlaw::Damaged.into());
    let doubt = if (it.confidence < 0.8 || is_damaged) && it.kind != CommandKind::Possible {
        let damaged = if is_damaged { "damaged, " } else { "" };
        let sure = format!("{:.0}", it.confidence * 100.0);
        ui.paint(WARN, safe!(" [{}{} % sure]", damaged, sure))
    } else {
        Safe::default()
    };
    let spans = if is_hit { pattern.spans(&it.command) } else { Vec::new() };
    let body = ui.marked(&it.command, &spans);
    let number = ui.paint(DIM, text::right(5, it.seq));
    let user = text::left(10, user);
    ui.line(safe!("{}  {} {}{}{}", number, user, body, mark, doubt).trimmed())
}

pub(super) fn text_line(
    ui: &mut Ui<'_>,
    it: &LineRow,
    pattern: &Pattern,
    is_hit: bool,
) -> Result<()> {
    let spans = if is_hit { pattern.spans(&it.text) } else { Vec::new() };
    let body = ui.marked(&it.text, &spans);
    let sign = if is_hit { ":" } else { "-" };
    let number = ui.paint(DIM, safe!("{}{}", text::right(6, it.line_number), sign));
    ui.line(safe!("{} {}", number, body).trimmed())
}
