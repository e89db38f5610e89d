//! Which sessions are asked for, and the conditions by which tables are filtered for them.

use polars::prelude::*;

use super::value::instant;
use crate::session::Window;
use crate::time::At;

/// Which sessions, parts of texts whatever their case; empty fields match all, those that nothing is known of included.
#[derive(Clone, Debug, Default)]
pub struct Which {
    /// Whole names, in this very case: an IAM user's, a role session's, an e-mail address, an ARN.
    pub owners: Vec<String>,
    /// Parts of an owner.
    pub owners_containing: Vec<String>,
    /// Parts of a target.
    pub targets: Vec<String>,
    /// Parts of an id, or one session of those that share it: `id#2`.
    pub sessions: Vec<String>,
    /// Whole names of operating-system users.
    pub run_as: Vec<String>,
    /// Time span that the sessions may lie in; an open window matches all.
    pub window: Window,
}

impl Which {
    /// Whether nothing is asked for, so that every session matches.
    pub fn is_all(&self) -> bool {
        self.owners.is_empty()
            && self.owners_containing.is_empty()
            && self.targets.is_empty()
            && self.sessions.is_empty()
            && self.run_as.is_empty()
            && self.window.is_open()
    }
}

/// The filter as an expression, which polars hands to the scan of the files.
pub(super) fn condition(which: &Which) -> Option<Expr> {
    let any = |column: &str, texts: &[String]| {
        // A part that all have is one of what is not known, too.
        if texts.iter().any(String::is_empty) {
            return Some(lit(true));
        }
        texts
            .iter()
            .map(|it| {
                col(column)
                    .str()
                    .to_lowercase()
                    .str()
                    .contains_literal(lit(it.to_lowercase()))
                    .fill_null(lit(false))
            })
            .reduce(Expr::or)
    };
    let owners = (!which.owners.is_empty()).then(|| {
        let names = which.owners.clone();
        let named = move |column: Column| {
            let owners = column.str()?.iter();
            let named = owners.map(|owner| {
                owner.is_some_and(|it| names.iter().any(|name| crate::session::is_owner(it, name)))
            });
            let mut named: BooleanChunked = named.collect();
            named.rename(column.name().clone());
            Ok(named.into_column())
        };
        col("owner").map(named, |_, it| Ok(Field::new(it.name().clone(), DataType::Boolean)))
    });
    let owners = owners.into_iter().chain(any("owner", &which.owners_containing)).reduce(Expr::or);
    // `id#2` is one session, and not the twentieth; the first of those that share an id has no number in its key.
    let numbered = |it: &String| {
        let number = it.rsplit_once('#').map(|it| it.1).filter(|it| !it.is_empty());
        number.is_some_and(|it| it.bytes().all(|it| it.is_ascii_digit()))
    };
    let (numbered, parts): (Vec<String>, Vec<String>) =
        which.sessions.iter().cloned().partition(numbered);
    let ends = |column: &str, text: &str| {
        col(column).str().to_lowercase().str().ends_with(lit(text.to_lowercase()))
    };
    let numbered = numbered.iter().map(|it| {
        let (id, number) = it.rsplit_once('#').unwrap_or((it, ""));
        let key = format!("{}#{number}", id.replace("#~", "#").replace('#', "#~"));
        let named = ends("session_key", &key);
        let is_first = || col("session_key").eq(own_key()).and(ends("session_id", id));
        if number == "1" { named.or(is_first()) } else { named }
    });
    let sessions = any("session_key", &parts)
        .into_iter()
        .chain(any("session_id", &parts))
        .chain(numbered)
        .reduce(Expr::or);
    let parts = [
        owners,
        any("target", &which.targets),
        sessions,
        which
            .run_as
            .iter()
            .map(|it| col("run_as").eq(lit(it.clone())).fill_null(lit(it.is_empty())))
            .reduce(Expr::or),
        may_lie_in(which.window),
    ];
    parts.into_iter().flatten().reduce(Expr::and)
}

/// The key of a session as if it were the first of its id, see `sync::gather`.
pub(crate) fn own_key() -> Expr {
    col("session_id").str().replace_all(lit("#"), lit("#~"), true)
}

/// Whether a command may have been typed in a window, see [`Window::may_hold`]. Of a session known only by its end all may.
pub(super) fn command_may_lie_in(window: Window) -> Expr {
    let bound = |bound: Option<At>, holds: &dyn Fn(Expr) -> Expr| {
        bound.map_or(lit(true), |it| holds(instant(it)).fill_null(lit(true)))
    };
    let after = bound(window.from, &|from| col("at_latest").gt_eq(from));
    let before = bound(window.to, &|to| col("at_earliest").lt(to));
    col("at_earliest").is_null().or(after.and(before))
}

/// Longest that a session lasts ("maxSessionDuration": at most 1,440 minutes).
pub(crate) const LONGEST: i64 = 24 * 60 * 60 * 1_000_000;

/// Whether a session may lie in a window: by what it claims, and where that is contradicted by when it was stored, too. One of
/// which only the end is known may have begun as long before as any session lasts.
fn may_lie_in(window: Window) -> Option<Expr> {
    if window.is_open() {
        return None;
    }
    let no = || lit(false);
    let (mut claimed, mut stored) = (lit(true), lit(true));
    if let Some(from) = window.from {
        let after = |name: &str| col(name).gt_eq(instant(from)).fill_null(no());
        let untold = col("ended_at").is_null().and(col("last_event_at").is_null());
        claimed =
            claimed.and(after("ended_at").or(after("last_event_at")).or(untold.and(after("at"))));
        stored = stored.and(after("stored_at"));
    }
    if let Some(to) = window.to {
        let end = to.plus(LONGEST);
        let before = |name: &str, to: At| col(name).lt(instant(to)).fill_null(no());
        let ended = col("ended_at").fill_null(col("at")).lt(instant(end)).fill_null(no());
        claimed = claimed
            .and(before("first_event_at", to).or(col("first_event_at").is_null().and(ended)));
        stored = stored.and(before("stored_at", end));
    }
    let clock = col("flaws").str().contains_literal(lit("clock")).fill_null(no());
    Some(claimed.or(clock.and(stored)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::archive::schema::CommandRow;

    #[test]
    fn a_query_sees_the_commands_of_a_window_that_a_search_finds() {
        let bounds = [None, Some(5), Some(10), Some(15), Some(20), Some(25)].map(|it| it.map(At));
        let pairs = || bounds.iter().flat_map(|from| bounds.iter().map(move |to| (*from, *to)));
        let rows: Vec<CommandRow> = pairs()
            .map(|(earliest, latest)| CommandRow {
                at_earliest: earliest,
                at_latest: latest,
                ..CommandRow::default()
            })
            .collect();
        let frame = CommandRow::frame(&rows).unwrap();
        for (from, to) in pairs() {
            let window = Window { from, to };
            let found: Vec<bool> =
                rows.iter().map(|it| crate::search::may_lie_in(window, it)).collect();
            let seen = frame.clone().lazy().select([command_may_lie_in(window).alias("seen")]);
            let seen = seen.collect().unwrap();
            let seen: Vec<bool> =
                seen.column("seen").unwrap().bool().unwrap().iter().flatten().collect();
            // Where the window is open a constant stands for all rows.
            let seen = if seen.len() == 1 { vec![seen[0]; rows.len()] } else { seen };
            assert_eq!(seen, found, "{window:?}");
        }
    }
}
