//! What all transcripts of a session together tell of it: who, where and when.

use super::draft::Draft;
use crate::archive::LONGEST;
use crate::archive::schema::AtFrom;
use crate::archive::schema::OwnerFrom;
use crate::archive::schema::SessionRow;
use crate::archive::value::NullIfEmpty;
use crate::archive::value::Word;
use crate::config::Place;
use crate::time::At;
use crate::transcript::decoder::Claims;
use crate::transcript::wire::CLOCKS;
use crate::transcript::wire::FIRST;

/// Whether a session can have ended when its transcript says, given when that was stored. Of a file, the time of its last
/// change is what copying left: it says only that nothing in it is later.
fn contradicts(draft: &Draft) -> bool {
    let Some(ended) = draft.claims.frame.ended_at else { return false };
    let by_aws = Place::parse(&draft.source).is_ok_and(|it| it.is_in_aws());
    ended < FIRST
        || draft.stored_at.is_some_and(|stored| {
            ended > stored.plus(CLOCKS) || by_aws && ended < stored.plus(-LONGEST)
        })
}

/// Who, where and when, as all transcripts of a session together tell and its row says it, all else of which is empty; and whether
/// the machine claims an end that when the transcript was stored contradicts.
pub(super) fn facts(drafts: &[Draft]) -> (SessionRow, bool) {
    let first = |pick: fn(&Claims) -> Option<&String>| {
        drafts.iter().find_map(|it| pick(&it.claims).cloned())
    };
    let told = first(|it| it.owner.as_ref());
    let hint = drafts.first().and_then(|it| it.session_id.owner_hint().map(str::to_owned));
    let owner_from = match (&told, &hint) {
        (Some(_), _) => Some(OwnerFrom::Event),
        (None, Some(_)) => Some(OwnerFrom::SessionId),
        (None, None) => None,
    };
    let (when, clock) = when(drafts);
    let says = |pick: fn(&Claims) -> bool| drafts.iter().any(|it| pick(&it.claims));
    let backs = |told: Option<&String>, pick: fn(&Draft) -> Option<&String>| {
        told.is_none() || drafts.iter().any(|it| pick(it) == told)
    };
    // The names of objects and log streams are those that AWS knows; what stands behind `#` is read from inside.
    let named = |it: &Draft| {
        let object = it.locator.split('#').next().unwrap_or_default();
        object.contains(it.session_id.as_str())
    };
    let is_named = drafts.iter().any(named);
    let (account, region) = (first(|it| it.account.as_ref()), first(|it| it.region.as_ref()));
    let claims = [
        ("session_id", !is_named),
        ("account_id", !backs(account.as_ref(), |it| it.place.0.as_ref())),
        ("region", !backs(region.as_ref(), |it| it.place.1.as_ref())),
        ("owner", told.is_some() || hint.is_some() && !is_named),
        ("target", says(|it| it.target.is_some() || it.frame.target.is_some())),
        ("run_as", says(|it| it.run_as.is_some())),
        ("session_type", says(|it| it.frame.session_type.is_some())),
    ];
    let claims = claims.into_iter().filter(|it| it.1).map(|it| it.0.to_owned()).collect();
    let row = SessionRow {
        account_id: account.or_else(|| drafts.iter().find_map(|it| it.place.0.clone())),
        region: region.or_else(|| drafts.iter().find_map(|it| it.place.1.clone())),
        owner: told.or(hint),
        owner_from: owner_from.map(Word::Known),
        target: first(|it| it.target.as_ref()).or_else(|| first(|it| it.frame.target.as_ref())),
        run_as: first(|it| it.run_as.as_ref()),
        session_type: first(|it| it.frame.session_type.as_ref()),
        claims: NullIfEmpty(claims),
        ..when
    };
    (SessionRow { partition: partition(&row), ..row }, clock)
}

/// When a session was, as its transcripts and their places tell; and whether the machine's clock was wrong.
fn when(drafts: &[Draft]) -> (SessionRow, bool) {
    let streamed = |it: &&Draft| it.claims.streamed;
    let first_event_at =
        drafts.iter().filter(streamed).filter_map(|it| it.claims.first_event_at).min();
    let last_event_at =
        drafts.iter().filter(streamed).filter_map(|it| it.claims.last_event_at).max();
    // A whole file in CloudWatch Logs is written when the session has ended.
    let uploaded = drafts.iter().filter_map(|it| it.claims.last_event_at).max();
    let ended_at = drafts.iter().find_map(|it| it.claims.frame.ended_at).or(uploaded);
    let stored_at = drafts.iter().filter_map(|it| it.stored_at).min();
    let clock = drafts.iter().any(contradicts);
    // A window holds the session by what it claims and by what AWS says; it stands where AWS says.
    let claimed = drafts.iter().filter_map(|it| it.claims.claimed);
    let claimed = claimed.reduce(|one, other| (one.0.min(other.0), one.1.max(other.1)));
    let trusted = first_event_at.or(uploaded.filter(|_| claimed.is_some()));
    let first_event_at = claimed.map(|it| it.0).into_iter().chain(first_event_at).min();
    let last_event_at = claimed.map(|it| it.1).into_iter().chain(last_event_at).max();
    let (at, at_from) = match (trusted, ended_at, stored_at) {
        (Some(it), ..) => (Some(it), Some(AtFrom::Event)),
        (None, Some(_), Some(it)) if clock => (Some(it), Some(AtFrom::Stored)),
        (None, Some(it), _) => (Some(it), Some(AtFrom::Header)),
        (None, None, Some(it)) => (Some(it), Some(AtFrom::Stored)),
        (None, None, None) => (None, None),
    };
    let row = SessionRow {
        at,
        at_from: at_from.map(Word::Known),
        first_event_at,
        last_event_at,
        ended_at,
        stored_at,
        ..SessionRow::default()
    };
    (row, clock)
}

/// The folder of a session's files. Only what an account, a Region and a month can look like gets into a path:
/// all of it was claimed by a transcript.
fn partition(row: &SessionRow) -> String {
    let unknown = "__HIVE_DEFAULT_PARTITION__";
    let region = row.region.as_deref().filter(|it| {
        (4..=32).contains(&it.len())
            && it.bytes().all(|it| it.is_ascii_lowercase() || it.is_ascii_digit() || it == b'-')
    });
    let month = row
        .at
        .and_then(At::utc)
        .map(|it| it.format("%Y-%m").to_string())
        .filter(|it| it.len() == 7);
    format!(
        "account_id={}/region={}/month={}",
        row.account_id.as_deref().unwrap_or(unknown),
        region.unwrap_or(unknown),
        month.as_deref().unwrap_or(unknown),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_transcript_claims_never_leaves_its_folder() {
        let row = SessionRow { region: Some("../../etc".into()), ..SessionRow::default() };
        assert!(!partition(&row).contains(".."));
    }

    #[test]
    fn a_session_stands_where_its_header_says_unless_that_cannot_be() {
        let started = "Script started on 2026-11-23 13:39:19+0000\n$ ls\r\n";
        let ended = At::read("2026-11-23T13:39:19Z").unwrap().0;
        let day = 24 * 3_600_000_000;
        // Text, when it was stored, what tells the time, whether the clock was wrong.
        let table = [
            ("$ ls\r\n", None, None, false),
            ("$ ls\r\n", Some(ended), Some(AtFrom::Stored), false),
            (started, None, Some(AtFrom::Header), false),
            (started, Some(ended + day), Some(AtFrom::Header), false),
            (started, Some(ended - day), Some(AtFrom::Stored), true),
        ];
        for (text, stored_at, from, clock) in table {
            let mut draft = Draft::sample("a.log", text);
            draft.stored_at = stored_at.map(At);
            let (row, is_wrong) = facts(&[draft]);
            let told = row.at_from.and_then(|it| it.known());
            assert_eq!((told, is_wrong), (from, clock), "{stored_at:?}");
            assert_eq!(*row.claims, ["session_id", "owner"], "a file's name is anybody's");
        }
    }
}
