//! What a sync did, or would do, in lines for a person.

use std::collections::BTreeMap;

use crate::session::Skip;
use crate::sync::Summary;
use crate::sync::Would;
use crate::sync::plan;
use crate::text;
use crate::text::Safe;
use crate::text::safe;

/// A summary that adds up, then what was not read and why.
pub fn words(it: &Summary, dry_run: bool) -> Vec<Safe> {
    let mut words = Vec::new();
    if dry_run {
        words.extend(it.would.iter().flat_map(would));
    } else if !it.is_blind() {
        let (others, failed) = (it.others.len() as u64, it.failed.len() as u64);
        // What a run that was stopped listed and did not come to.
        let left = it.listed.saturating_sub(it.stored + it.held + others + failed);
        let left = match left {
            0 => Safe::default(),
            many => safe!(" + left {}", text::count(many)),
        };
        words.push(safe!(
            "listed {} = stored {} + held {} + skipped {} + failed {}{}",
            text::count(it.listed),
            text::count(it.stored),
            text::count(it.held),
            text::count(others),
            text::count(failed),
            left
        ));
    }
    if it.stored > 0 {
        words.push(safe!(
            "{}, {} changed; {} read, {} found",
            text::plural(it.sessions_new, "new session"),
            text::count(it.sessions_changed),
            text::size(it.bytes),
            text::plural(it.commands, "command"),
        ));
    }
    let lists = [
        ("skipped", &it.others),
        ("skipped a part of", &it.parts),
        ("note:", &it.told),
        ("read only a part of", &it.damaged),
        ("failed", &it.failed),
        ("could not list", &it.closed),
        ("could not list all of", &it.unlisted),
        ("unreadable in the archive:", &it.archive),
    ];
    for (word, list) in lists {
        reasons(word, list, &mut words);
    }
    if it.listed == 0 && it.closed.is_empty() && it.unlisted.is_empty() {
        words.push("nothing was found there; is it the right place?".into());
    }
    if it.interrupted {
        words.push(
            "interrupted: what was stored is kept; run the same command again to go on".into(),
        );
    }
    if !it.archive.is_empty() {
        words.push("hint: `ssmtrail archive verify` says what is damaged; nothing that was kept was changed".into());
    }
    words.extend(it.hints.iter().map(|it| safe!("hint: {}", it)));
    words
}

/// Each thing and its reason; one line for many of the same reason.
fn reasons(word: &'static str, list: &[Skip], words: &mut Vec<Safe>) {
    const ALONE: usize = 5;
    let mut same: BTreeMap<&str, usize> = BTreeMap::new();
    for it in list {
        *same.entry(&it.why).or_default() += 1;
    }
    let mut told = 0;
    for it in list {
        let Some(count) = same.get(it.why.as_str()).copied() else { continue };
        let (place, why) = (&it.locator, &it.why);
        if told == 20 {
            let rest: usize = same.values().sum();
            words.push(safe!("{} {} more", word, text::count(rest as u64)));
            return;
        }
        told += 1;
        if count > ALONE {
            same.remove(it.why.as_str());
            let more = text::count(count as u64 - 1);
            words.push(safe!("{} {} and {} more: {}", word, place, more, why));
        } else {
            if let Some(it) = same.get_mut(it.why.as_str()) {
                *it -= 1;
            }
            words.push(safe!("{} {}: {}", word, place, why));
        }
    }
}

/// What a run would do to one source.
fn would(it: &Would) -> Vec<Safe> {
    let size = match it.bytes {
        0 => Safe::default(),
        some => safe!(" ({})", text::size(some)),
    };
    let continued = match it.continued {
        0 => Safe::default(),
        many => safe!(", {} of them to go on with", text::count(many)),
    };
    let mut words = vec![safe!(
        "would read {}{} of {} listed in {}{}; {} held already",
        text::plural(it.take, "object"),
        size,
        text::count(it.listed),
        it.source,
        continued,
        text::count(it.held)
    )];
    let cost = plan::cost(it);
    if !cost.calls.is_empty() {
        let calls = cost.calls.iter().map(|(name, many)| safe!("{} {}", text::count(*many), name));
        let transfer = match it.bytes {
            0 => Safe::default(),
            _ => safe!(", transfer up to {} if it leaves the Region", usd(cost.transfer_usd)),
        };
        words.push(safe!(
            "  calls: {}; requests {}{} (list prices of us-east-1, {})",
            text::joined(calls, ", "),
            usd(cost.requests_usd),
            transfer,
            plan::PRICED,
        ));
    }
    words
}

fn usd(it: f64) -> String {
    match it {
        it if it <= 0.0 => "free".into(),
        it if it < 0.01 => "under USD 0.01".into(),
        it => format!("USD {it:.2}"),
    }
}
