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
use crate::audit::verdict::Severity;
use crate::audit::view::View;
use crate::settings::Reason;
use crate::settings::Unread;
use crate::time::At;

/// The checks below, in the order of the table.
pub(crate) const CHECKS: &[Check] = &[COST];

/// The day of the prices below.
const PRICED: &str = "2026-11-23";

/// USD of one Region: a month of a GB, and the taking in of a GB.
/// Source: "Amazon CloudWatch Pricing", "Amazon S3 pricing".
struct Prices {
    region: &'static str,
    logs_in: f64,
    logs_kept: f64,
    /// Of S3 Standard.
    standard: f64,
    /// Of [`CLASSES`], in their order.
    classes: [f64; 4],
}

const PRICES: [Prices; 2] = [
    Prices {
        region: "us-east-1",
        logs_in: 0.50,
        logs_kept: 0.03,
        standard: 0.023,
        classes: [0.0125, 0.004, 0.0036, 0.00099],
    },
    Prices {
        region: "ap-northeast-1",
        logs_in: 0.76,
        logs_kept: 0.033,
        standard: 0.025,
        classes: [0.0138, 0.005, 0.0045, 0.002],
    },
];

const KIB: u64 = 1024;

/// A class beside Standard: bytes that are billed at least, bytes beside each object at its own price and at that of Standard.
type Class = (&'static str, u64, u64, u64);

const CLASSES: [Class; 4] = [
    ("STANDARD_IA", 128 * KIB, 0, 0),
    ("GLACIER_IR", 128 * KIB, 0, 0),
    ("GLACIER", 0, 32 * KIB, 8 * KIB),
    ("DEEP_ARCHIVE", 0, 32 * KIB, 8 * KIB),
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

/// A month of so many objects with so many bytes in a class at this price.
fn month(class: &Class, price: f64, objects: f64, bytes: f64, standard: f64) -> f64 {
    let (_, least, beside, beside_standard) = *class;
    let billed = bytes.max(objects * least as f64) + objects * beside as f64;
    (billed * price + objects * beside_standard as f64 * standard) / GB
}

const COST: Check = Check {
    id: "COST-EST-01",
    title: "What keeping transcripts costs",
    severity: Severity::Info,
    groups: &[Group::Capacity],
    reads: &[&["logs:DescribeLogGroups", "s3:ListBucket"]],
    why: "Retention is cut when a bill surprises somebody; CloudWatch Logs costs by what is taken in, S3 by what is kept.",
    then: "Keep both copies for the hot window, and the one in S3 Standard for the rest; small objects cost more in archive classes.",
    ask: &About::<Store>(cost),
};

fn cost(it: Store<'_>, view: &View<'_>) -> Answer {
    let stock = stock(it, view)?;
    let own = PRICES.iter().find(|it| it.region == stock.region);
    let prices = own.unwrap_or(&PRICES[0]);
    let today = usd(stock.a_month(stock.bytes, prices));
    let mut details = forecast(&stock, prices, view);
    let whose = match own {
        Some(it) => it.region,
        None => "us-east-1, as those of its Region are not written down",
    };
    details.push(format!("list prices of {whose}, of {PRICED}"));
    let bytes = size(stock.bytes);
    let what = match it {
        Store::Group(_) => format!("{bytes} kept: {today} a month"),
        Store::Prefix(it, _) => {
            let below = match it.prefix.as_str() {
                "" => String::new(),
                prefix => format!("below {prefix}: "),
            };
            let objects = stock.objects;
            format!("{below}{objects} objects, {bytes}: {today} a month in S3 Standard")
        }
    };
    Ok(Judged::info(what).details(details))
}

/// What a place keeps.
struct Stock<'a> {
    region: &'a str,
    is_group: bool,
    objects: f64,
    bytes: f64,
    /// When the oldest of it came.
    since: Option<At>,
    /// Days after which it goes; `None` where that is not known or never.
    kept_days: Option<i64>,
}

fn stock<'a>(it: Store<'a>, view: &View<'_>) -> Result<Stock<'a>, Unread> {
    match it {
        Store::Group(it) => {
            let gone = || Reason::NotThere.because("there is no such log group");
            let settings = view.take(&it.settings)?.as_ref().ok_or_else(gone)?;
            let untold = || Reason::NotUnderstood.because("its size is not told");
            Ok(Stock {
                region: &it.region,
                is_group: true,
                objects: 0.0,
                bytes: settings.stored_bytes.ok_or_else(untold)? as f64,
                since: settings.created_at,
                kept_days: settings.retention_days,
            })
        }
        Store::Prefix(it, bucket) => {
            let sample = view.take(&it.sample)?;
            if !sample.complete {
                let why = format!("only its first {} objects were listed", sample.listed);
                return Err(Reason::PartialPage.because(why));
            }
            Ok(Stock {
                region: bucket.region.as_deref().unwrap_or_default(),
                is_group: false,
                objects: sample.listed as f64,
                bytes: sample.bytes as f64,
                since: sample.oldest,
                kept_days: None,
            })
        }
    }
}

impl Stock<'_> {
    /// USD a month of so many bytes there; of a bucket, in S3 Standard.
    fn a_month(&self, bytes: f64, prices: &Prices) -> f64 {
        let price = if self.is_group { prices.logs_kept } else { prices.standard };
        bytes * price / GB
    }
}

/// What it will cost once the promise is kept, there and elsewhere, if as much comes as did.
fn forecast(stock: &Stock<'_>, prices: &Prices, view: &View<'_>) -> Vec<String> {
    // What is kept now has come in since the oldest of it.
    let age = stock.since.map(|it| it.days_until(view.survey.taken_at)).filter(|it| *it > 0);
    let Some(age) = age.map(|it| stock.kept_days.map_or(it, |kept| it.min(kept))) else {
        return Vec::new();
    };
    let promised = view.promise.retention_days;
    let daily = stock.bytes / age as f64;
    let (bytes, objects) = (daily * promised as f64, stock.objects / age as f64 * promised as f64);
    let at_promise = stock.a_month(bytes, prices);
    let mut out = vec![format!(
        "kept for {}: {}, {} a month, if as much comes as in the last {}",
        days(promised),
        size(bytes),
        usd(at_promise),
        days(age)
    )];
    if stock.is_group {
        let taken_in = daily * MONTH * prices.logs_in / GB;
        out.push(format!("taking in {} a month: {}", size(daily * MONTH), usd(taken_in)));
        let kept = usd(bytes * prices.standard / GB);
        out.push(format!("the same bytes in S3 Standard: {kept} a month"));
        return out;
    }
    for (class, price) in CLASSES.iter().zip(prices.classes) {
        let cost = month(class, price, objects, bytes, prices.standard);
        let verdict = if cost < at_promise { "" } else { ", no saving" };
        out.push(format!("in {}: {} a month{verdict}", class.0, usd(cost)));
    }
    out
}
