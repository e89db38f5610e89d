//! What is asked of AWS, watched: how often, how many at once, how far its clock is off, and whether answers come.
//!
//! One interceptor in every client. How many requests are under way is halved whenever one must be repeated, and grows
//! again while all is well; whether asking goes on at all is judged by `patience`.

use std::collections::BTreeMap;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::time::Instant;
use std::time::UNIX_EPOCH;

use aws_config::retry::RetryConfig;
use aws_runtime::retries::classifiers::THROTTLING_ERRORS;
use aws_sdk_s3::config::ConfigBag;
use aws_sdk_s3::config::Intercept;
use aws_sdk_s3::config::RuntimeComponents;
use aws_sdk_s3::config::interceptors::BeforeDeserializationInterceptorContextRef;
use aws_sdk_s3::config::interceptors::BeforeSerializationInterceptorContextRef;
use aws_sdk_s3::config::interceptors::BeforeTransmitInterceptorContextRef;
use aws_sdk_s3::config::interceptors::FinalizerInterceptorContextRef;
use aws_sdk_s3::error::BoxError;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::orchestrator::Metadata;
use aws_smithy_runtime_api::client::retries::RequestAttempts;
use aws_smithy_types::config_bag::Storable;
use aws_smithy_types::config_bag::StoreReplace;
use tokio::sync::Notify;

use crate::source::patience::Health;
use crate::source::patience::Limits;
use crate::source::patience::words;
use crate::time::At;

/// Requests of one source under way at once, at most.
const AT_ONCE: usize = 32;
/// Bytes of a refusal in which its code is looked for.
const REFUSAL: usize = 4 << 10;

/// Requests made, by operation, tries that were repeated too; and how many may be under way at once.
#[derive(Clone, Debug)]
pub struct Calls {
    shared: Arc<SharedLimits>,
    /// Where the service is that is asked: each Region fails for itself.
    region: String,
}

#[derive(Debug)]
struct SharedLimits {
    limits: Limits,
    turn: Notify,
    watch: Mutex<Watch>,
}

/// What was asked, and whether answers come.
#[derive(Debug)]
struct Watch {
    counted: BTreeMap<String, u64>,
    /// Seconds by which AWS's clock was ahead of ours at the last answer.
    skew: Option<i64>,
    pace: Concurrency,
    /// Questions and bodies that are waited for.
    under_way: usize,
    /// When the last good thing came, or the waiting began.
    heard: Instant,
    /// What came instead.
    last: String,
    /// By service and Region, and by operation within that.
    health: HashMap<(String, String, Option<String>), Health>,
}

impl Calls {
    pub(super) fn new(limits: Limits) -> Self {
        let watch = Mutex::new(Watch {
            counted: BTreeMap::new(),
            skew: None,
            pace: Concurrency::of(AT_ONCE),
            under_way: 0,
            heard: Instant::now(),
            last: String::new(),
            health: HashMap::new(),
        });
        let shared = Arc::new(SharedLimits { limits, turn: Notify::new(), watch });
        Self { shared, region: String::new() }
    }

    fn watch(&self) -> MutexGuard<'_, Watch> {
        self.shared.watch.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The same count, in another Region.
    pub(super) fn in_region(&self, region: &str) -> Self {
        Self { shared: Arc::clone(&self.shared), region: region.to_owned() }
    }

    pub(super) fn limits(&self) -> &Limits {
        &self.shared.limits
    }

    /// Calls made so far by name, such as `ListObjectsV2`, and how often each was.
    pub fn by_name(&self) -> BTreeMap<String, u64> {
        self.watch().counted.clone()
    }

    /// Seconds by which AWS's clock is ahead of ours, if it has answered.
    pub fn skew(&self) -> Option<i64> {
        self.watch().skew
    }

    /// The same where it is more than AWS takes: "within 15 minutes of the time on the server" ("Common errors", Amazon S3).
    pub fn far_off(&self) -> Option<i64> {
        self.skew().filter(|it| it.abs() > 15 * 60)
    }

    /// What a person who waits should know: that nothing good came for a while.
    pub fn waiting(&self) -> Option<String> {
        let watch = self.watch();
        let silent = watch.heard.elapsed();
        if watch.under_way == 0 || silent < self.shared.limits.quiet {
            return None;
        }
        let last = match &*watch.last {
            "" => String::new(),
            it => format!(" ({it})"),
        };
        Some(format!("no good answer from AWS for {}{last}", words(silent)))
    }

    /// Why this source is asked no more, if so.
    pub(super) fn over(&self) -> Option<String> {
        let watch = self.watch();
        let (now, limits) = (Instant::now(), &self.shared.limits);
        let over = watch.health.iter().filter_map(|it| Some((&it.0.2, it.1.over(now, limits)?)));
        // Of a service and its operation, the service tells more.
        let (operation, last) = over.min()?;
        let what = operation.as_deref().unwrap_or("anything");
        Some(format!(
            "AWS gave no good answer to {what} for more than {} ({last})",
            words(limits.end)
        ))
    }

    /// Waits until one more request may be under way; it is until the turn is dropped.
    pub(crate) async fn turn(&self) -> Turn {
        if self.doubts(None) {
            // Who refuses everything is asked slowly.
            tokio::time::sleep(self.shared.limits.pause).await;
        }
        loop {
            let waiting = self.shared.turn.notified();
            if self.watch().pace.begin() {
                return Turn(self.clone());
            }
            waiting.await;
        }
    }

    /// Something is waited for until the guard is dropped.
    pub(super) fn wait(&self) -> Wait {
        let mut it = self.watch();
        if it.under_way == 0 {
            it.heard = Instant::now();
        }
        it.under_way += 1;
        Wait(self.clone())
    }

    /// Bytes of a body came.
    pub(super) fn came(&self) {
        let mut it = self.watch();
        it.heard = Instant::now();
        it.last.clear();
    }

    /// Whether each question is asked only once: of this service and operation, or of any service.
    pub(super) fn doubts(&self, asked: Option<(&str, &str)>) -> bool {
        let watch = self.watch();
        let (now, limits) = (Instant::now(), &self.shared.limits);
        let keys = asked.map(|(service, operation)| self.keys(service, operation));
        let mut asked =
            watch.health.iter().filter(|it| keys.as_ref().is_none_or(|keys| keys.contains(it.0)));
        asked.any(|it| it.1.in_doubt(now, limits))
    }

    fn keys(&self, service: &str, operation: &str) -> [(String, String, Option<String>); 2] {
        let key =
            |it: Option<&str>| (service.to_owned(), self.region.clone(), it.map(str::to_owned));
        [key(None), key(Some(operation))]
    }

    /// What came of one try, or of a body that is read behind its answer.
    pub(super) fn note(&self, service: &str, operation: &str, came: &Came) {
        let mut watch = self.watch();
        let now = Instant::now();
        match came {
            Came::Good => {
                watch.heard = now;
                watch.last.clear();
            }
            Came::Trouble(what) => what.clone_into(&mut watch.last),
            Came::GivenUp | Came::Neither => {}
        }
        for key in self.keys(service, operation) {
            let health = watch.health.entry(key).or_default();
            match came {
                Came::Good => health.good(),
                Came::Trouble(what) => health.trouble(now, what),
                Came::GivenUp => health.gave_up(),
                Came::Neither => {}
            }
        }
    }
}

/// What came of one try.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Came {
    /// An answer: a refusal is one, too.
    Good,
    /// None, or that the service cannot now; the word for it.
    Trouble(String),
    /// The last try was trouble, too.
    GivenUp,
    /// Nothing that tells of the service: the beginning of a body, a request that was never sent.
    Neither,
}

/// One request under way.
pub(crate) struct Turn(Calls);

impl Drop for Turn {
    fn drop(&mut self) {
        self.0.watch().pace.end();
        self.0.shared.turn.notify_waiters();
    }
}

/// Something that is waited for.
#[derive(Debug)]
pub(super) struct Wait(Calls);

impl Storable for Wait {
    type Storer = StoreReplace<Self>;
}

impl Drop for Wait {
    fn drop(&mut self) {
        let mut it = self.0.watch();
        it.under_way = it.under_way.saturating_sub(1);
    }
}

/// How many requests may be under way: half as many after trouble, one more after as many good answers.
#[derive(Debug)]
struct Concurrency {
    most: usize,
    limit: usize,
    under_way: usize,
    good: usize,
}

impl Concurrency {
    fn of(most: usize) -> Self {
        Self { most, limit: most, under_way: 0, good: 0 }
    }

    fn begin(&mut self) -> bool {
        let may = self.under_way < self.limit;
        self.under_way += usize::from(may);
        may
    }

    fn end(&mut self) {
        self.under_way = self.under_way.saturating_sub(1);
        self.good += 1;
        if self.good >= self.limit && self.limit < self.most {
            self.limit += 1;
            self.good = 0;
        }
    }

    fn trouble(&mut self) {
        // Many requests meet the same trouble at once: it counts once.
        if self.good > 0 || self.limit == self.most {
            self.limit = (self.limit / 2).max(1);
        }
        self.good = 0;
    }
}

/// Whether a code says that there were too many requests: those for which the SDK asks again.
pub(super) fn is_throttled(code: &str) -> bool {
    THROTTLING_ERRORS.contains(&code) || code.contains("Throttl")
}

/// Whether a code says that the service has too much to do. A limit of the account, such as that of queries at once, says nothing
/// of the service ("StartQuery", CloudWatch Logs).
fn is_trouble(code: &str) -> bool {
    is_throttled(code) && code != "LimitExceededException"
}

/// What one try came to, from its answer and its error.
fn came(context: &FinalizerInterceptorContextRef<'_>, operation: &str) -> Came {
    let error = match context.output_or_error() {
        Some(Err(it)) => Some(it),
        _ => None,
    };
    let Some(response) = context.response() else {
        return match error {
            Some(it) if it.is_timeout_error() || it.is_connector_error() => {
                let late = it.as_connector_error().is_none_or(|it| it.is_timeout());
                Came::Trouble(if late { "no answer in time" } else { "no connection" }.into())
            }
            _ => Came::Neither,
        };
    };
    let status = response.status().as_u16();
    let code = code(response);
    match status {
        500.. | 429 => Came::Trouble(match code {
            Some(it) => format!("{status} {it}"),
            None => status.to_string(),
        }),
        // Throttled by one of the services that say so in words alone ("Common errors").
        400 if code.as_deref().is_some_and(is_trouble) => Came::Trouble(code.unwrap_or_default()),
        _ if error.is_some_and(|it| it.is_timeout_error()) => {
            Came::Trouble("half an answer".into())
        }
        // Its body comes later, and tells.
        200..=299 if operation == "GetObject" => Came::Neither,
        _ => Came::Good,
    }
}

/// The code of a refusal, by whichever protocol.
fn code(response: &HttpResponse) -> Option<String> {
    if response.status().is_success() {
        return None;
    }
    let sound = |it: &str| -> Option<String> {
        let it = it.rsplit('#').next()?.split(':').next()?.trim();
        let plain = it.bytes().all(|it| it.is_ascii_alphanumeric() || it == b'.');
        (plain && (1..=64).contains(&it.len())).then(|| it.to_owned())
    };
    if let Some(it) = response.headers().get("x-amzn-errortype").and_then(sound) {
        return Some(it);
    }
    let bytes = response.body().bytes().unwrap_or_default();
    let text = String::from_utf8_lossy(bytes.get(..REFUSAL).unwrap_or(bytes));
    let between = |from: &str, to: &str| {
        let rest = text.split(from).nth(1)?;
        sound(rest.split(to).next()?)
    };
    between("<Code>", "</Code>").or_else(|| between("\"__type\":\"", "\""))
}

impl Intercept for Calls {
    fn name(&self) -> &'static str {
        "count"
    }

    fn read_before_execution(
        &self,
        _context: &BeforeSerializationInterceptorContextRef<'_>,
        settings: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        settings.interceptor_state().store_put(self.wait());
        Ok(())
    }

    fn read_before_transmit(
        &self,
        _context: &BeforeTransmitInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        settings: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let mut watch = self.watch();
        if let Some(it) = settings.load::<Metadata>() {
            *watch.counted.entry(it.name().to_owned()).or_default() += 1;
        }
        if settings.load::<RequestAttempts>().is_some_and(|it| it.attempts() > 1) {
            watch.pace.trouble();
        }
        Ok(())
    }

    fn read_before_deserialization(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        components: &RuntimeComponents,
        _settings: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let theirs = context.response().headers().get("date");
        let theirs = theirs.and_then(At::read_rfc2822);
        let ours = components.time_source().map(|it| it.now());
        let ours = ours.and_then(|it| it.duration_since(UNIX_EPOCH).ok());
        if let (Some(theirs), Some(ours)) = (theirs, ours) {
            self.watch().skew = i64::try_from(ours.as_secs()).ok().map(|it| theirs.seconds() - it);
        }
        Ok(())
    }

    fn read_after_attempt(
        &self,
        context: &FinalizerInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        settings: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let Some(asked) = settings.load::<Metadata>().cloned() else { return Ok(()) };
        let came = came(context, asked.name());
        self.note(asked.service(), asked.name(), &came);
        if matches!(came, Came::Trouble(_))
            && self.doubts(Some((asked.service(), asked.name())))
            && let Some(it) = settings.load::<RetryConfig>().cloned()
        {
            // Whether to try again is decided behind this.
            settings.interceptor_state().store_put(it.with_max_attempts(1));
        }
        Ok(())
    }

    fn read_after_execution(
        &self,
        context: &FinalizerInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        settings: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if let Some(asked) = settings.load::<Metadata>()
            && matches!(came(context, asked.name()), Came::Trouble(_))
        {
            self.note(asked.service(), asked.name(), &Came::GivenUp);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trouble_halves_the_requests_under_way_and_good_answers_bring_them_back() {
        let mut pace = Concurrency::of(8);
        for _ in 0..8 {
            assert!(pace.begin());
        }
        assert!(!pace.begin());
        pace.trouble();
        pace.trouble();
        assert_eq!(pace.limit, 4, "what meets many at once counts once");
        for _ in 0..8 {
            pace.end();
        }
        assert!(pace.limit > 4 && pace.limit < 8);
        for _ in 0..99 {
            pace.trouble();
            pace.end();
        }
        assert!(pace.begin(), "one request may always be under way");
    }

    #[test]
    fn silence_is_told_while_something_is_waited_for() {
        let limits = Limits { quiet: std::time::Duration::ZERO, ..Limits::default() };
        let calls = Calls::new(limits);
        assert_eq!(calls.waiting(), None, "nothing was asked");
        let wait = calls.wait();
        calls.note("S3", "GetObject", &Came::Trouble("503 SlowDown".into()));
        let said = calls.waiting().unwrap();
        assert!(said.starts_with("no good answer from AWS for "), "{said}");
        assert!(said.ends_with(" (503 SlowDown)"), "{said}");
        drop(wait);
        assert_eq!(calls.waiting(), None);
    }
}
