//! One way to AWS and the time, as every collector gets it: how an answer or a refusal becomes a setting that is known or unread.

use aws_sdk_s3::error::ProvideErrorMetadata;
use aws_sdk_s3::operation::RequestId;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;

use crate::settings::*;
use crate::source::aws::Connection;
use crate::source::aws::Need;

/// Things asked about at once.
pub(super) const AT_ONCE: usize = 16;

/// What every answer is stamped with: the time at which the run began, and what has passed since.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    /// UTC microseconds.
    pub began: i64,
    pub since: std::time::Instant,
}

impl Clock {
    pub(super) fn now(self) -> At {
        let passed = i64::try_from(self.since.elapsed().as_micros()).unwrap_or(0);
        At(self.began.saturating_add(passed))
    }
}

/// One way to AWS, and the time.
#[derive(Clone)]
pub(super) struct AwsContext {
    pub(super) connection: Connection,
    pub(super) account: String,
    pub(super) region: String,
    pub(super) clock: Clock,
}

impl AwsContext {
    pub(super) fn need(&self, action: &'static str, on: impl Into<String>) -> Need {
        Need::of(action, on)
    }

    /// Keeps an answer or a refusal. `absent` names the error codes that mean "not set".
    pub(super) fn read<T, O, E>(
        &self,
        api: &str,
        need: &Need,
        answer: Result<O, SdkError<E, HttpResponse>>,
        absent: &[&str],
        nothing: T,
        take: impl FnOnce(O) -> T,
    ) -> Read<T>
    where
        O: RequestId,
        E: ProvideErrorMetadata + std::error::Error + 'static,
        SdkError<E, HttpResponse>: RequestId,
    {
        let request_id = match &answer {
            Ok(it) => it.request_id(),
            Err(it) => it.request_id(),
        };
        let asked = Asked {
            api: api.to_owned(),
            action: need.action.to_owned(),
            at: self.clock.now(),
            request_id: request_id.map(str::to_owned),
        };
        let outcome = match answer {
            Ok(it) => Outcome::Is(take(it)),
            Err(it) => {
                let code =
                    it.as_service_error().and_then(|it| it.meta().code()).unwrap_or_default();
                match absent.contains(&code) {
                    true => Outcome::Is(nothing),
                    false => Outcome::Unread(self.connection.unread(&it, need)),
                }
            }
        };
        Read { asked, outcome }
    }
}

/// What an answer told; that it did not tell it is unread.
pub(super) fn told<T>(it: Read<Option<T>>, why: &str) -> Read<T> {
    let outcome = match it.outcome {
        Outcome::Is(Some(it)) => Outcome::Is(it),
        Outcome::Is(None) => Outcome::Unread(Unread::new(Reason::NotUnderstood, why)),
        Outcome::Unread(it) => Outcome::Unread(it),
    };
    Read { asked: it.asked, outcome }
}

pub(super) fn at(it: &aws_smithy_types::DateTime) -> Option<At> {
    it.to_millis().ok().map(|it| At(it * 1000))
}

pub(super) fn millis(it: Option<i64>) -> Option<At> {
    it.map(|it| At(it * 1000))
}

pub(super) fn own(it: Option<&str>) -> String {
    it.unwrap_or_default().to_owned()
}
