//! How long AWS is waited for, and when waiting ends: limits, and a judgement from what came and what did not.
//!
//! One request that fails is tried again, each time later. A service that gave no good answer for a while is still asked
//! for everything, but once each, so that one bad hour of AWS costs minutes here; and one that answers nobody ends the
//! source, with words. One object's failure never does. No I/O and no clock here: the tests below tell the time.

use std::time::Duration;
use std::time::Instant;

/// How long is waited, for what. Tests shorten it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Until a connection stands.
    pub connect: Duration,
    /// From a request to the first byte of its answer.
    pub first_byte: Duration,
    /// For one question with all its tries and the pauses between.
    pub question: Duration,
    /// For the next bytes of a body.
    pub stalled: Duration,
    /// Pause before the second try; it doubles with each.
    pub pause: Duration,
    /// Without one good answer for so long, everything is asked for once only.
    pub doubt: Duration,
    /// Without one good answer for so long, the source ends.
    pub end: Duration,
    /// Silence of so long is told to the person who waits.
    pub quiet: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            // S3 answers in 100 to 200 ms ("Best practices design patterns: optimizing Amazon S3 performance"), and AWS's own
            // tools wait for 60 s ("Configuration and credential file settings", `cli_read_timeout`). Half of that is more
            // than any of our questions needs, and a stalled connection is noticed four times within one question.
            first_byte: Duration::from_secs(30),
            question: Duration::from_secs(120),
            // Lost packets are sent again within this time; whoever sends nothing for longer has gone.
            stalled: Duration::from_secs(20),
            pause: Duration::from_millis(200),
            // All tries of one request take up to 25 s where each fails at once.
            doubt: Duration::from_secs(30),
            end: Duration::from_secs(60),
            quiet: Duration::from_secs(10),
        }
    }
}

/// Tries without a good answer before a service is doubted: not the three of one unlucky request.
const TRIES_IN_DOUBT: u32 = 4;
/// Requests given up one after another before a source ends: as many as are under way at once.
const GIVEN_UP: u32 = 32;

/// What came of asking one service, since its last good answer.
#[derive(Clone, Debug, Default)]
pub(super) struct Health {
    since: Option<Instant>,
    tries: u32,
    given_up: u32,
    last: String,
}

impl Health {
    pub(super) fn good(&mut self) {
        *self = Self::default();
    }

    pub(super) fn trouble(&mut self, now: Instant, what: &str) {
        self.since.get_or_insert(now);
        self.tries += 1;
        what.clone_into(&mut self.last);
    }

    pub(super) fn gave_up(&mut self) {
        self.given_up += 1;
    }

    fn lasts(&self, now: Instant) -> Duration {
        self.since.map_or(Duration::ZERO, |it| now.saturating_duration_since(it))
    }

    /// Everything is asked for once only.
    pub(super) fn in_doubt(&self, now: Instant, limits: &Limits) -> bool {
        self.tries >= TRIES_IN_DOUBT && self.lasts(now) >= limits.doubt
    }

    /// Why nothing more is asked, if so.
    pub(super) fn over(&self, now: Instant, limits: &Limits) -> Option<&str> {
        (self.given_up >= GIVEN_UP && self.lasts(now) >= limits.end).then_some(&*self.last)
    }
}

/// A time as it is said: `30 seconds`, `2 minutes`.
pub(super) fn words(it: Duration) -> String {
    match it.as_secs() {
        0 => format!("{} ms", it.as_millis()),
        1 => "1 second".into(),
        secs @ 2..120 => format!("{secs} seconds"),
        secs => format!("{} minutes", secs / 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: fn() -> Limits = Limits::default;

    #[test]
    fn a_service_is_doubted_after_some_tries_and_some_time_and_trusted_after_one_good_answer() {
        let began = Instant::now();
        let at = |secs| began + Duration::from_secs(secs);
        let mut it = Health::default();
        for _ in 0..3 {
            it.trouble(at(0), "SlowDown");
        }
        assert!(!it.in_doubt(at(99), &LIMITS()), "three tries of one request");
        it.trouble(at(1), "SlowDown");
        assert!(!it.in_doubt(at(29), &LIMITS()));
        assert!(it.in_doubt(at(30), &LIMITS()));
        it.good();
        assert!(!it.in_doubt(at(99), &LIMITS()));
    }

    #[test]
    fn a_source_ends_when_many_requests_in_a_row_were_given_up_over_some_time() {
        let began = Instant::now();
        let at = |secs| began + Duration::from_secs(secs);
        let mut it = Health::default();
        for nth in 0..31 {
            it.trouble(at(nth), "SlowDown");
            it.gave_up();
        }
        assert_eq!(it.over(at(999), &LIMITS()), None, "31 broken objects are no broken service");
        it.trouble(at(31), "SlowDown");
        it.gave_up();
        assert_eq!(it.over(at(59), &LIMITS()), None);
        assert_eq!(it.over(at(60), &LIMITS()), Some("SlowDown"));
        it.good();
        assert_eq!(it.over(at(60), &LIMITS()), None);
    }
}
