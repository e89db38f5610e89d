//! Times as people write them. A bad one is an error that shows a good one.

use chrono::DateTime;
use chrono::FixedOffset;
use chrono::NaiveDate;
use chrono::NaiveDateTime;
use chrono::TimeZone;
use chrono::Utc;

use crate::error::Error;
use crate::error::Result;
use crate::render::Zone;

/// A zone by name or offset.
pub(super) fn zone(text: &str) -> std::result::Result<Zone, String> {
    if text.eq_ignore_ascii_case("utc") || text == "Z" {
        return Ok(Zone::Utc);
    }
    if let Ok(it) = text.parse::<FixedOffset>() {
        return Ok(Zone::Offset(it));
    }
    text.parse::<chrono_tz::Tz>()
        .map(Zone::Named)
        .map_err(|_| format!("{text:?} is no zone; try utc, +09:00 or Asia/Tokyo"))
}

const AGES: [(&str, i64); 7] = [
    ("s", 1),
    ("m", 60),
    ("h", 3600),
    ("d", 86_400),
    ("w", 7 * 86_400),
    ("mo", 30 * 86_400),
    ("y", 365 * 86_400),
];

/// The instant that lies this long ago: `90m`, `7d`.
pub(super) fn age(text: &str, now: i64) -> Result<i64> {
    let bad = || Error::misused(format!("{text:?} is no age")).hint("write 90m, 12h, 7d, 4w or 1y");
    let digits = text.chars().take_while(char::is_ascii_digit).count();
    let number: i64 = text[..digits].parse().map_err(|_| bad())?;
    let unit = &text[digits..];
    let (_, secs) = AGES.iter().find(|it| it.0 == unit).ok_or_else(bad)?;
    number.checked_mul(secs * 1_000_000).and_then(|it| now.checked_sub(it)).ok_or_else(bad)
}

/// An instant, UTC microseconds: a day, a day and a time, RFC 3339, `now`, or an age. Without an offset it is in
/// the zone.
pub(super) fn instant(text: &str, now: i64, zone: Zone) -> Result<i64> {
    if text == "now" {
        return Ok(now);
    }
    if let Ok(it) = DateTime::parse_from_rfc3339(text) {
        return Ok(it.timestamp_micros());
    }
    let naive = NaiveDate::parse_from_str(text, "%Y-%m-%d")
        .ok()
        .and_then(|it| it.and_hms_opt(0, 0, 0))
        .or_else(|| NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S").ok())
        .or_else(|| NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S").ok())
        .or_else(|| NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M").ok());
    if let Some(naive) = naive {
        let at = match zone {
            Zone::Utc => Some(Utc.from_utc_datetime(&naive).timestamp_micros()),
            Zone::Offset(it) => {
                it.from_local_datetime(&naive).earliest().map(|it| it.timestamp_micros())
            }
            Zone::Named(it) => {
                it.from_local_datetime(&naive).earliest().map(|it| it.timestamp_micros())
            }
        };
        if let Some(at) = at {
            return Ok(at);
        }
    }
    age(text, now).map_err(|_| {
        Error::misused(format!("{text:?} is no time"))
            .hint("write 2026-11-01, 2026-11-01T09:00:00Z, or an age such as 7d")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_795_000_000_000_000;

    #[test]
    fn people_write_times_in_many_ways() {
        let day = instant("2026-11-01", NOW, Zone::Utc).unwrap();
        assert_eq!(instant("2026-11-01T00:00:00Z", NOW, Zone::Utc).unwrap(), day);
        assert_eq!(instant("2026-11-01T09:00:00+09:00", NOW, Zone::Utc).unwrap(), day);
        let tokyo = zone("Asia/Tokyo").unwrap();
        assert_eq!(instant("2026-11-01 09:00", NOW, tokyo).unwrap(), day);
        assert_eq!(age("7d", NOW).unwrap(), NOW - 7 * 86_400_000_000);
        assert_eq!(instant("now", NOW, Zone::Utc).unwrap(), NOW);
    }

    #[test]
    fn a_bad_time_is_an_error_that_shows_a_good_one() {
        for bad in ["yesterday", "7", "d", "2026-13-01", "99999999999999999999d", ""] {
            let error = instant(bad, NOW, Zone::Utc).unwrap_err();
            assert!(error.hint.unwrap().contains("2026-11-01"), "{bad}");
        }
        assert!(zone("Mars/Base").is_err());
    }
}
