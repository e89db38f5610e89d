//! One way to AWS and the time, as every collector gets it: how an answer or a refusal becomes a setting that is known or unread.

use aws_sdk_s3::operation::RequestId;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use futures_util::StreamExt;

use crate::aws_names::Home;
use crate::settings::*;
use crate::source::aws::Connection;
use crate::source::aws::OperationError;
use crate::source::refused::Need;
use crate::time::At;

/// Things asked about at once.
const AT_ONCE: usize = 16;

/// What every answer is stamped with: the time at which the run began, and what has passed since.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    /// When the run began.
    pub began: At,
    /// The same moment on the monotonic clock, for telling what has passed.
    pub since: std::time::Instant,
}

impl Clock {
    pub(super) fn now(self) -> At {
        let passed = i64::try_from(self.since.elapsed().as_micros()).unwrap_or(0);
        self.began.plus(passed)
    }
}

/// One way to AWS, and the time.
#[derive(Clone)]
pub(crate) struct AwsContext {
    pub(crate) connection: Connection,
    pub(crate) account: String,
    pub(crate) region: String,
    pub(super) clock: Clock,
}

impl AwsContext {
    /// The same account in another Region.
    pub(super) fn in_region(&self, region: &str) -> Self {
        let connection = self.connection.in_region(region);
        Self { connection, region: region.to_owned(), ..self.clone() }
    }

    /// Where the ARNs of what is there lie.
    pub(crate) fn home(&self) -> Home<'_> {
        Home::new(&self.region, &self.account)
    }

    /// A call about `resource`, by the permission of the same name.
    pub(super) fn call(&self, api: &'static str, resource: impl Into<String>) -> ReadCall<'_> {
        ReadCall { aws: self, api, need: Need::of(api, resource), absent: &[] }
    }
}

/// A call that reads a setting.
pub(super) struct ReadCall<'a> {
    aws: &'a AwsContext,
    pub(super) api: &'static str,
    need: Need,
    absent: &'static [&'static str],
}

impl ReadCall<'_> {
    /// It needs a permission of another name.
    pub(super) fn allowed_by(mut self, action: &'static str) -> Self {
        self.need.action = action;
        self
    }

    /// Error codes that mean "not set".
    pub(super) fn absent(mut self, codes: &'static [&'static str]) -> Self {
        self.absent = codes;
        self
    }

    /// Keeps an answer or a refusal. What is not set is the default.
    pub(super) fn read<T: Default, O: RequestId, E: OperationError>(
        &self,
        answer: Result<O, SdkError<E, HttpResponse>>,
        take: impl FnOnce(O) -> T,
    ) -> Read<T> {
        self.read_or(T::default(), answer, take)
    }

    /// Keeps an answer or a refusal. What is not set is `nothing`.
    pub(super) fn read_or<T, O: RequestId, E: OperationError>(
        &self,
        nothing: T,
        answer: Result<O, SdkError<E, HttpResponse>>,
        take: impl FnOnce(O) -> T,
    ) -> Read<T> {
        let asked = Asked {
            api: self.api.to_owned(),
            action: self.need.action.to_owned(),
            at: self.aws.clock.now(),
            request_id: answer.request_id().map(str::to_owned),
        };
        let outcome = match answer {
            Ok(it) => Outcome::Is(take(it)),
            Err(it) => {
                let code = it.as_service_error().and_then(|it| it.meta().code());
                match self.absent.contains(&code.unwrap_or_default()) {
                    true => Outcome::Is(nothing),
                    false => Outcome::Unread(
                        self.aws.connection.refused(&it, &self.need).unread(&self.need),
                    ),
                }
            }
        };
        Read { asked, outcome }
    }
}

/// A bucket and the way to it, for the calls that are about it.
pub(super) struct BucketContext {
    pub(super) aws: AwsContext,
    pub(super) client: aws_sdk_s3::Client,
    pub(super) name: String,
    pub(super) arn: String,
    /// The account that must own it, where the configuration says so.
    pub(super) owner: Option<String>,
}

/// What an answer told; that it did not tell it is unread.
pub(super) fn told<T>(it: Read<Option<T>>, why: &str) -> Read<T> {
    it.and_then(|it| it.ok_or_else(|| Reason::NotUnderstood.because(why)))
}

/// Asks about each, some at once. The answers come in the order of what is asked about.
pub(super) async fn each<T, F: Future>(
    about: impl IntoIterator<Item = T>,
    ask: impl FnMut(T) -> F,
) -> Vec<F::Output> {
    futures_util::stream::iter(about).map(ask).buffered(AT_ONCE).collect().await
}

/// The first in the list that is so, else this one, put behind the others.
pub(super) fn one<T>(list: &mut Vec<T>, is_so: impl FnMut(&T) -> bool, new: T) -> &mut T {
    let at = list.iter().position(is_so).unwrap_or_else(|| {
        list.push(new);
        list.len() - 1
    });
    &mut list[at]
}

pub(super) fn millis(it: Option<i64>) -> Option<At> {
    it.and_then(At::of_millis)
}

/// A text of an answer, or a word of the SDK's; nothing where there is none.
pub(super) fn own(it: Option<impl AsRef<str>>) -> String {
    it.map_or_else(String::new, |it| it.as_ref().to_owned())
}
