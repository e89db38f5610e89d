//! What keeping the transcripts costs: today, once the promise is kept, and in the other places.
//!
//! Prices are list prices of one day, written down here with it. They inform and judge nothing: a fleet's bill also knows
//! discounts, requests and taxes.

use crate::audit::check::About;
use crate::audit::check::Check;
use crate::audit::frameworks::Group;
use crate::audit::names::days;
use crate::audit::subject::Store;
use crate::audit::verdict::Answer;
use crate::audit::verdict::Judged;
use crate::audit::verdict::Severity::Info;
use crate::audit::verdict::unclear;
use crate::audit::view::View;
use crate::settings::Reason;

pub(crate) const CHECKS: &[Check] = &[COST];

/// The day of the prices below.
const PRICED: &str = "2026-11-23";

/// USD of one Region: a month of a GB, and the taking in of a GB.
/// Source: "Amazon CloudWatch Pricing", "Amazon S3 pricing".
struct Prices {
    region: &'static str,
    logs_in: f64,
    logs_kept: f64,
    /// Class, a GB a month, bytes that are billed at least, bytes beside each object at its own price and at that of Standard.
    classes: [(&'static str, f64, u64, u64, u64); 5],
}

const KIB: u64 = 1024;

const PRICES: [Prices; 2] = [
    Prices {
        region: "us-east-1",
        logs_in: 0.50,
        logs_kept: 0.03,
        classes: [
            ("STANDARD", 0.023, 0, 0, 0),
            ("STANDARD_IA", 0.0125, 128 * KIB, 0, 0),
            ("GLACIER_IR", 0.004, 128 * KIB, 0, 0),
            ("GLACIER", 0.0036, 0, 32 * KIB, 8 * KIB),
            ("DEEP_ARCHIVE", 0.00099, 0, 32 * KIB, 8 * KIB),
        ],
    },
    Prices {
        region: "ap-northeast-1",
        logs_in: 0.76,
        logs_kept: 0.033,
        classes: [
            ("STANDARD", 0.025, 0, 0, 0),
            ("STANDARD_IA", 0.0138, 128 * KIB, 0, 0),
            ("GLACIER_IR", 0.005, 128 * KIB, 0, 0),
            ("GLACIER", 0.0045, 0, 32 * KIB, 8 * KIB),
            ("DEEP_ARCHIVE", 0.002, 0, 32 * KIB, 8 * KIB),
        ],
    },
];

const GB: f64 = 1e9;

const MONTH: f64 = 30.0;

fn usd(it: f64) -> String {
    if it < 0.01 && it > 0.0 { "under 0.01 USD".into() } else { format!("{it:.2} USD") }
}

fn size(bytes: f64) -> String {
    match bytes {
        it if it < 1e6 => format!("{:.1} KB", it / 1e3),
        it if it < GB => format!("{:.1} MB", it / 1e6),
        it => format!("{:.1} GB", it / GB),
    }
}

/// A month of so many objects with so many bytes in a class.
fn month(class: &(&str, f64, u64, u64, u64), objects: f64, bytes: f64, standard: f64) -> f64 {
    let (_, price, least, beside, beside_standard) = *class;
    let billed = bytes.max(objects * least as f64) + objects * beside as f64;
    (billed * price + objects * beside_standard as f64 * standard) / GB
}

const COST: Check = Check {
    id: "COST-EST-01",
    title: "What keeping transcripts costs",
    severity: Info,
    groups: &[Group::Capacity],
    reads: &["logs:DescribeLogGroups", "s3:ListBucket"],
    why: "Retention is cut when a bill surprises somebody; CloudWatch Logs costs by what is taken in, S3 by what is kept.",
    then: "Keep both copies for the hot window, and the one in S3 Standard for the rest; small objects cost more in archive classes.",
    ask: &About::<Store>(cost),
};

fn cost(it: Store<'_>, view: &View<'_>) -> Answer {
    let now = view.survey.taken_at;
    let (region, objects, bytes, since, kept_days) = match it {
        Store::Group(it) => {
            let Some(settings) = view.take(&it.settings)?.as_ref() else {
                return Ok(Judged::absent("there is no such log group"));
            };
            let Some(bytes) = settings.stored_bytes else {
                return Err(unclear(Reason::NotUnderstood, "its size is not told"));
            };
            (it.region.as_str(), 0.0, bytes as f64, settings.created_at, settings.retention_days)
        }
        Store::Prefix(it, bucket) => {
            let sample = view.take(&it.sample)?;
            if !sample.complete {
                let why = format!("only its first {} objects were listed", sample.listed);
                return Err(unclear(Reason::PartialPage, why));
            }
            let region = bucket.region.as_deref().unwrap_or_default();
            (region, sample.listed as f64, sample.bytes as f64, sample.oldest, None)
        }
    };
    let own = PRICES.iter().find(|it| it.region == region);
    let prices = own.unwrap_or(&PRICES[0]);
    let standard = prices.classes[0].1;
    let is_group = matches!(it, Store::Group(_));
    let today = match is_group {
        true => bytes * prices.logs_kept / GB,
        false => month(&prices.classes[0], objects, bytes, standard),
    };
    let mut details = Vec::new();
    // What is kept now has come in since the oldest of it.
    let age = since.map(|it| it.days_until(now)).filter(|it| *it > 0);
    let age = age.map(|it| kept_days.map_or(it, |kept| it.min(kept)));
    if let Some(age) = age {
        let daily = bytes / age as f64;
        let promised = view.promise.retention_days;
        let (then, then_objects) =
            (daily * promised as f64, objects / age as f64 * promised as f64);
        let at_promise = match is_group {
            true => then * prices.logs_kept / GB,
            false => month(&prices.classes[0], then_objects, then, standard),
        };
        details.push(format!(
            "kept for {}: {}, {} a month, if as much comes as in the last {}",
            days(promised),
            size(then),
            usd(at_promise),
            days(age)
        ));
        if is_group {
            let taken_in = daily * MONTH * prices.logs_in / GB;
            details.push(format!("taking in {} a month: {}", size(daily * MONTH), usd(taken_in)));
            details.push(format!(
                "the same bytes in S3 Standard: {} a month",
                usd(then * standard / GB)
            ));
        } else {
            for class in &prices.classes[1..] {
                let cost = month(class, then_objects, then, standard);
                let verdict = if cost < at_promise { "" } else { ", no saving" };
                details.push(format!("in {}: {} a month{verdict}", class.0, usd(cost)));
            }
        }
    }
    let whose = match own {
        Some(it) => it.region,
        None => "us-east-1, as those of its Region are not written down",
    };
    details.push(format!("list prices of {whose}, of {PRICED}"));
    let below = match it {
        Store::Prefix(it, _) if !it.prefix.is_empty() => format!("below {}: ", it.prefix),
        _ => String::new(),
    };
    let what = match is_group {
        true => format!("{} kept: {} a month", size(bytes), usd(today)),
        false => {
            format!(
                "{below}{objects} objects, {}: {} a month in S3 Standard",
                size(bytes),
                usd(today)
            )
        }
    };
    Ok(Judged::info(what).details(details))
}
