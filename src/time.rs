//! Instants, all of them UTC microseconds: as people write them, as programs write them, and as they are shown in a zone.

use std::fmt;
use std::str::FromStr;

use chrono::DateTime;
use chrono::FixedOffset;
use chrono::NaiveDate;
use chrono::NaiveDateTime;
use chrono::NaiveTime;
use chrono::SecondsFormat;
use chrono::TimeZone;
use chrono::Utc;
use serde::Deserialize;
use serde::Deserializer;
use serde::Serialize;
use serde::Serializer;
use serde::de::Error as _;

use crate::error::Error;
use crate::error::Result;

/// An instant, UTC microseconds since 1970; in a file an RFC 3339 text, null if it is beyond what a calendar has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct At(pub i64);

impl At {
    /// An instant that a program wrote as RFC 3339, with any offset.
    ///
    /// ```
    /// use ssmtrail::time::At;
    /// assert_eq!(At::read("2026-08-02T14:32:40.25+09:00"), Some(At(1_785_648_760_250_000)));
    /// assert_eq!(At::read("2026-08-02"), None);
    /// ```
    pub fn read(text: &str) -> Option<Self> {
        Some(Self(DateTime::parse_from_rfc3339(text).ok()?.timestamp_micros()))
    }

    /// One in the form of mail and of HTTP headers: `Mon, 23 Nov 2026 00:00:00 GMT`.
    pub fn read_rfc2822(text: &str) -> Option<Self> {
        Some(Self(DateTime::parse_from_rfc2822(text).ok()?.timestamp_micros()))
    }

    /// One without an offset, which is UTC: `2026-11-23 13:39:19.123`.
    pub fn read_plain(text: &str) -> Option<Self> {
        let at = NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S%.f").ok()?;
        Some(Self(at.and_utc().timestamp_micros()))
    }

    /// The beginning of a day, UTC.
    pub fn of_day(day: NaiveDate) -> Self {
        Self(day.and_time(NaiveTime::MIN).and_utc().timestamp_micros())
    }

    /// By the calendar, UTC; `None` if it is beyond what that has.
    pub fn utc(self) -> Option<DateTime<Utc>> {
        DateTime::from_timestamp_micros(self.0)
    }

    /// As programs write it (RFC 3339, with `Z`), with as many digits of a second as it has; `None` if it is beyond what a
    /// calendar has.
    ///
    /// ```
    /// use ssmtrail::time::At;
    /// assert_eq!(At(1_785_648_760_250_000).rfc3339().as_deref(), Some("2026-08-02T05:32:40.250Z"));
    /// assert_eq!(At(i64::MAX).rfc3339(), None);
    /// ```
    pub fn rfc3339(self) -> Option<String> {
        Some(self.utc()?.to_rfc3339_opts(SecondsFormat::AutoSi, true))
    }

    /// The same in whole seconds, as entries of the manifest hold it.
    pub fn rfc3339_seconds(self) -> String {
        self.utc().unwrap_or_default().to_rfc3339_opts(SecondsFormat::Secs, true)
    }

    /// Its day, UTC, as `2026-11-23`; that of 1970 if it is beyond what a calendar has.
    pub fn day(self) -> String {
        self.utc().unwrap_or_default().format("%Y-%m-%d").to_string()
    }

    /// One as CloudWatch Logs tells it: whole milliseconds since 1970; `None` if that is beyond what an instant can be.
    pub fn of_millis(millis: i64) -> Option<Self> {
        millis.checked_mul(1000).map(Self)
    }

    /// So many microseconds later, as far as there is such an instant.
    #[must_use]
    pub fn plus(self, micros: i64) -> Self {
        Self(self.0.saturating_add(micros))
    }

    /// Whole milliseconds since 1970.
    pub fn millis(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// Whole seconds since 1970.
    pub fn seconds(self) -> i64 {
        self.0.div_euclid(1_000_000)
    }

    /// Whole days from `self` to `other`; negative if `other` was before.
    pub fn days_until(self, other: Self) -> i64 {
        (other.0 - self.0).div_euclid(86_400_000_000)
    }
}

impl fmt::Display for At {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = self.utc().unwrap_or_default();
        out.write_str(&at.to_rfc3339_opts(SecondsFormat::AutoSi, true))
    }
}

impl Serialize for At {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        self.rfc3339().serialize(to)
    }
}

impl<'de> Deserialize<'de> for At {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        Self::read(&text).ok_or_else(|| D::Error::custom(format!("{text} is no RFC 3339 time")))
    }
}

/// A day as people and configurations write it: `2027-01-31`.
pub fn day(text: &str) -> Option<NaiveDate> {
    NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()
}

/// Zone in which people want to read times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Zone {
    /// Coordinated Universal Time, shown with `Z`.
    Utc,
    /// A fixed offset from UTC, such as `+09:00`.
    Offset(chrono::FixedOffset),
    /// A zone of the IANA database, such as `Asia/Tokyo`.
    Named(chrono_tz::Tz),
}

impl Zone {
    /// The instant with its offset: `2026-08-02 05:32:40Z`, `2026-08-02 14:32:40+09:00`.
    pub fn show(self, at: At) -> String {
        let Some(at) = at.utc() else { return "?".into() };
        match self {
            Self::Utc => at.format("%Y-%m-%d %H:%M:%SZ").to_string(),
            Self::Offset(it) => at.with_timezone(&it).format("%Y-%m-%d %H:%M:%S%:z").to_string(),
            Self::Named(it) => at.with_timezone(&it).format("%Y-%m-%d %H:%M:%S%:z").to_string(),
        }
    }
}

impl FromStr for Zone {
    type Err = String;

    /// A zone by name or offset: `utc`, `+09:00`, `Asia/Tokyo`.
    fn from_str(text: &str) -> Result<Self, String> {
        if text.eq_ignore_ascii_case("utc") || text == "Z" {
            return Ok(Self::Utc);
        }
        if let Ok(it) = text.parse::<FixedOffset>() {
            return Ok(Self::Offset(it));
        }
        text.parse::<chrono_tz::Tz>()
            .map(Self::Named)
            .map_err(|_| format!("{text:?} is no zone; try utc, +09:00 or Asia/Tokyo"))
    }
}

/// When something was: an instant, a range, or what is known of it. `≤` says not after, `≥` not before.
pub fn range(earliest: Option<At>, latest: Option<At>, zone: Zone) -> String {
    match (earliest, latest) {
        (None, None) => "-".into(),
        (Some(one), Some(other)) if one == other => zone.show(one),
        (Some(one), Some(other)) => {
            let (one, other) = (zone.show(one), zone.show(other));
            // The day is said once.
            match (one.split_once(' '), other.split_once(' ')) {
                (Some((day, from)), Some((same, to))) if day == same => {
                    let from: String = from.chars().take(8).collect();
                    format!("{day} {from}–{to}")
                }
                _ => format!("{one} – {other}"),
            }
        }
        (None, Some(it)) => format!("≤ {}", zone.show(it)),
        (Some(it), None) => format!("≥ {}", zone.show(it)),
    }
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

/// The instant that lies this long before now: `90m`, `7d`.
///
/// # Errors
/// A text that is no age, or leads beyond what an instant can be.
pub fn age(text: &str, now: At) -> Result<At> {
    let bad = || Error::misused(format!("{text:?} is no age")).hint("write 90m, 12h, 7d, 4w or 1y");
    let digits = text.chars().take_while(char::is_ascii_digit).count();
    let number: i64 = text[..digits].parse().map_err(|_| bad())?;
    let unit = &text[digits..];
    let (_, secs) = AGES.iter().find(|it| it.0 == unit).ok_or_else(bad)?;
    let micros = number.checked_mul(secs * 1_000_000);
    micros.and_then(|it| now.0.checked_sub(it)).map(At).ok_or_else(bad)
}

/// An instant: a day, a day and a time, RFC 3339, `now`, or an age. Without an offset it is in
/// the zone.
///
/// # Errors
/// A text that is none of these.
pub fn instant(text: &str, now: At, zone: Zone) -> Result<At> {
    if text == "now" {
        return Ok(now);
    }
    if let Some(it) = At::read(text) {
        return Ok(it);
    }
    let naive = day(text)
        .map(|it| it.and_time(NaiveTime::MIN))
        .or_else(|| NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S").ok())
        .or_else(|| NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S").ok())
        .or_else(|| NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M").ok());
    if let Some(naive) = naive {
        let at = match zone {
            Zone::Utc => Some(Utc.from_utc_datetime(&naive)),
            Zone::Offset(it) => it.from_local_datetime(&naive).earliest().map(|it| it.to_utc()),
            Zone::Named(it) => it.from_local_datetime(&naive).earliest().map(|it| it.to_utc()),
        };
        if let Some(at) = at {
            return Ok(At(at.timestamp_micros()));
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

    const NOW: At = At(1_795_000_000_000_000);

    #[test]
    fn people_write_times_in_many_ways() {
        let day = instant("2026-11-01", NOW, Zone::Utc).unwrap();
        assert_eq!(instant("2026-11-01T00:00:00Z", NOW, Zone::Utc).unwrap(), day);
        assert_eq!(instant("2026-11-01T09:00:00+09:00", NOW, Zone::Utc).unwrap(), day);
        let tokyo = "Asia/Tokyo".parse().unwrap();
        assert_eq!(instant("2026-11-01 09:00", NOW, tokyo).unwrap(), day);
        assert_eq!(age("7d", NOW).unwrap(), At(NOW.0 - 7 * 86_400_000_000));
        assert_eq!(instant("now", NOW, Zone::Utc).unwrap(), NOW);
    }

    #[test]
    fn a_bad_time_is_an_error_that_shows_a_good_one() {
        for bad in ["yesterday", "7", "d", "2026-13-01", "99999999999999999999d", ""] {
            let error = instant(bad, NOW, Zone::Utc).unwrap_err();
            assert!(error.hint.unwrap().contains("2026-11-01"), "{bad}");
        }
        assert!("Mars/Base".parse::<Zone>().is_err());
    }

    #[test]
    fn a_range_says_its_day_once() {
        let at = |text: &str| At::read(text).unwrap();
        let (one, other) = (at("2026-08-02T05:32:40Z"), at("2026-08-02T05:32:44Z"));
        assert_eq!(range(Some(one), Some(other), Zone::Utc), "2026-08-02 05:32:40–05:32:44Z");
        assert_eq!(range(None, Some(one), Zone::Utc), "≤ 2026-08-02 05:32:40Z");
        assert_eq!(range(Some(one), Some(one), Zone::Utc), "2026-08-02 05:32:40Z");
        assert_eq!(range(None, None, Zone::Utc), "-");
    }
}
