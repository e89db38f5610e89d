//! The way to AWS: credentials by the SDK's own chain, and a role where one is named.
//!
//! Everything AWS can answer instead of an answer becomes a [`Refusal`] here, by what `refused` makes of
//! it. Single requests are tried again by the SDK, each later than the last ("Retry behavior", AWS
//! SDKs and Tools), within the limits of `patience`. All clients are made here, so that none goes uncounted or impatient.

use std::sync::Arc;
use std::sync::OnceLock;

use aws_config::AppName;
use aws_config::BehaviorVersion;
use aws_config::Region;
use aws_config::SdkConfig;
use aws_config::profile::ProfileFileCredentialsProvider;
use aws_config::provider_config::ProviderConfig;
use aws_config::retry::RetryConfig;
use aws_config::stalled_stream_protection::StalledStreamProtectionConfig;
use aws_config::sts::AssumeRoleProvider;
use aws_config::timeout::TimeoutConfig;
use aws_sdk_s3::config::ProvideCredentials;
use aws_sdk_s3::config::SharedCredentialsProvider;
use aws_sdk_s3::error::DisplayErrorContext;
use aws_sdk_s3::error::ProvideErrorMetadata;
use aws_sdk_s3::error::SdkError;
use aws_smithy_runtime::client::retries::RetryPartition;
use aws_smithy_runtime::client::retries::TokenBucket;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_types::DateTime;

use crate::aws_names::RegionCode;
use crate::config::Access;
use crate::config::Origin;
use crate::settings::Caller;
use crate::settings::Reason;
use crate::source::Refusal;
use crate::source::calls::Calls;
use crate::source::calls::is_throttled;
use crate::source::patience::Limits;
use crate::source::patience::words;
use crate::source::refused::Need;
use crate::source::refused::RefusedAnswer;
use crate::source::refused::innermost;
use crate::source::refused::judge;
use crate::source::refused::no_credentials;
use crate::source::refused::no_region;
use crate::time::At;

/// Tries of one request, the first included.
const TRIES: u32 = 8;

/// Where services are asked that want a Region named and know none, or that tell the right one.
pub(super) const ANY_REGION: &str = "us-east-1";

/// A way to AWS: credentials, a Region, and a count of what was asked.
#[derive(Clone)]
pub struct Connection {
    /// Credentials, Region, tries and time limits that clients are made with.
    pub sdk: SdkConfig,
    /// The settings that led here.
    pub access: Access,
    /// Counts and limits of the calls, shared by all Regions.
    pub calls: Calls,
    /// What ended all asking, shared by all Regions.
    ended: Arc<OnceLock<Refusal>>,
}

/// What an operation of any service answers instead of an answer.
pub(crate) trait OperationError: ProvideErrorMetadata + std::error::Error + 'static {}

impl<T: ProvideErrorMetadata + std::error::Error + 'static> OperationError for T {}

/// Requests are tried again as often as [`TRIES`] says, however many others were: a service that throttles is slow, not
/// broken, and an answer is worth the wait.
pub(crate) fn patience() -> RetryPartition {
    RetryPartition::custom("ssmtrail").token_bucket(TokenBucket::unlimited()).build()
}

/// Tries and their pauses.
fn retries(limits: &Limits) -> RetryConfig {
    RetryConfig::standard().with_max_attempts(TRIES).with_initial_backoff(limits.pause)
}

fn timeouts(limits: &Limits) -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(limits.connect)
        .read_timeout(limits.first_byte)
        .operation_timeout(limits.question)
        .build()
}

impl Connection {
    /// Finds credentials and proves that there are some; asks AWS nothing yet unless a role is to be assumed.
    ///
    /// # Errors
    /// When credentials are missing, or the role cannot be assumed.
    pub async fn open(access: &Access) -> Result<Self, Refusal> {
        let limits = Limits::default();
        // Credentials are asked for over the network, too.
        let mut loader = aws_config::defaults(BehaviorVersion::latest())
            .retry_config(retries(&limits))
            .timeout_config(timeouts(&limits));
        if let Ok(name) = AppName::new("ssmtrail") {
            loader = loader.app_name(name);
        }
        if let Some(it) = &access.profile {
            loader = loader.profile_name(&it.value);
            // Keys in the environment come before a profile that the environment names, and after one that a person names
            // ("Configuration settings and precedence", AWS CLI): else another account is read and judged.
            if !matches!(it.from, Origin::Environment(_)) {
                let mut config = ProviderConfig::without_region();
                config = match &access.region {
                    Some(it) => config.with_region(Some(Region::new(it.value.clone()))),
                    None => config.load_default_region().await,
                };
                let profile = ProfileFileCredentialsProvider::builder()
                    .configure(&config)
                    .profile_name(&it.value)
                    .build();
                loader = loader.credentials_provider(profile);
            }
        }
        if let Some(it) = &access.region {
            loader = loader.region(Region::new(it.value.clone()));
        }
        if let Some(it) = &access.endpoint_url {
            loader = loader.endpoint_url(&it.value);
        }
        let mut sdk = loader.load().await;
        if let Some(role) = &access.role_arn {
            let mut provider =
                AssumeRoleProvider::builder(&role.value).session_name("ssmtrail").configure(&sdk);
            if let Some(it) = &access.external_id {
                provider = provider.external_id(&it.value);
            }
            let provider = SharedCredentialsProvider::new(provider.build().await);
            sdk = sdk.into_builder().credentials_provider(provider).build();
        }
        let Some(provider) = sdk.credentials_provider() else {
            return Err(no_credentials("", access));
        };
        if let Err(it) = provider.provide_credentials().await {
            return Err(no_credentials(&DisplayErrorContext(&it).to_string(), access));
        }
        Ok(Self::over(sdk, access, limits))
    }

    /// A way whose credentials were found, with these limits.
    pub fn over(sdk: SdkConfig, access: &Access, limits: Limits) -> Self {
        let region = sdk.region().map(|it| it.as_ref().to_owned()).unwrap_or_default();
        let bodies = StalledStreamProtectionConfig::enabled().grace_period(limits.stalled);
        let sdk = sdk
            .into_builder()
            .retry_config(retries(&limits))
            .timeout_config(timeouts(&limits))
            .stalled_stream_protection(bodies.build())
            .build();
        let calls = Calls::new(limits).in_region(&region);
        Self { sdk, access: access.clone(), calls, ended: Arc::default() }
    }

    /// The same credentials in another Region.
    #[must_use]
    pub fn in_region(&self, region: &str) -> Self {
        let sdk = self.sdk.clone().into_builder().region(Region::new(region.to_owned())).build();
        Self { sdk, calls: self.calls.in_region(region), ..self.clone() }
    }

    /// Region that clients ask in; `None` if none is set.
    pub fn region(&self) -> Option<String> {
        self.sdk.region().map(|it| it.as_ref().to_owned())
    }

    /// The ARN of a bucket, in the partition of this Region.
    pub(crate) fn bucket_arn(&self, bucket: &str) -> String {
        let region = self.region().unwrap_or_default();
        RegionCode(&region).partition_or_aws().bucket(bucket)
    }

    /// Asks STS's GetCallerIdentity whose the credentials are.
    ///
    /// # Errors
    /// When AWS refuses, does not answer, or names no account.
    pub async fn identity(&self) -> Result<Caller, Refusal> {
        let region = self.region().unwrap_or_else(|| ANY_REGION.into());
        let client = self.in_region(&region).sts();
        let need = Need::of("sts:GetCallerIdentity", "*");
        let it =
            client.get_caller_identity().send().await.map_err(|it| self.refused(&it, &need))?;
        let (Some(account), Some(arn)) = (it.account(), it.arn()) else {
            return Err(Refusal::new("AWS did not tell whose the credentials are")
                .hint("check --endpoint-url; `aws sts get-caller-identity` must name an account"));
        };
        Ok(Caller { account: account.to_owned(), arn: arn.to_owned() })
    }

    /// Whether anything more is asked of a source: what ended one question of it ends all.
    ///
    /// # Errors
    /// What ended it.
    pub(crate) fn goes_on(&self) -> Result<(), Refusal> {
        let ended = self.ended.get().cloned().or_else(|| self.silence());
        ended.map_or(Ok(()), |it| Err(self.met(it)))
    }

    /// The same refusal, remembered if it ends the source.
    pub(crate) fn met(&self, it: Refusal) -> Refusal {
        if it.ends {
            let _ = self.ended.set(it.clone());
        }
        it
    }

    /// Why nothing more is asked, once AWS answers nothing.
    fn silence(&self) -> Option<Refusal> {
        let it = Refusal::new(self.calls.over()?)
            .hint("AWS or the way to it is out of order: run the same command again later; what was read is kept");
        Some(it.ending())
    }

    /// Adds all of a listing to `all`, page by page: `take` tells what is on a page, and the token of the next. The SDK's own
    /// paginators end where a token comes again, as if that were all.
    ///
    /// # Errors
    /// A page that is refused, and a listing that goes on and not to another page.
    pub(super) async fn list<T, O, E: OperationError>(
        &self,
        need: &Need,
        all: &mut Vec<T>,
        ask: impl AsyncFn(Option<String>) -> Result<O, SdkError<E, HttpResponse>>,
        take: impl Fn(O) -> (Option<Vec<T>>, Option<String>),
    ) -> Result<(), Refusal> {
        let ask = async |token| ask(token).await.map_err(|it| self.refused(&it, need));
        each_page(ask, async |page| {
            let (some, token) = take(page);
            all.extend(some.unwrap_or_default());
            let token = token.filter(|it| !it.is_empty());
            Some((token.is_some(), token))
        })
        .await
    }

    /// What an error of the SDK means, and what to do.
    pub(crate) fn refused<E: OperationError>(
        &self,
        it: &SdkError<E, HttpResponse>,
        need: &Need,
    ) -> Refusal {
        let profile = self.access.profile.as_ref().map(|it| it.value.as_str());
        let response = it.raw_response();
        let answer = RefusedAnswer {
            code: it
                .as_service_error()
                .and_then(|it| it.meta().code())
                .or_else(|| it.meta().code()),
            message: it.as_service_error().and_then(|it| it.meta().message()),
            status: response.map(|it| it.status().as_u16()),
            region: response.and_then(|it| it.headers().get("x-amz-bucket-region")),
        };
        let limits = self.calls.limits();
        let late = match it {
            SdkError::TimeoutError(_) => Some(limits.question),
            // One that cannot be connected to is not reached.
            SdkError::DispatchFailure(why) if why.is_timeout() => {
                let text = DisplayErrorContext(it).to_string().to_lowercase();
                (!text.contains("connect timeout")).then_some(limits.first_byte)
            }
            _ => None,
        };
        let throttled = answer.code.is_some_and(is_throttled);
        let kind = match answer.status {
            _ if throttled => Reason::Throttled,
            None => Reason::Unreachable,
            Some(..300) => Reason::NotUnderstood,
            Some(_) => Reason::SdkError,
        };
        let unanswered = throttled || answer.status.is_none_or(|it| it >= 500 || it == 429);
        if unanswered && let Some(it) = self.silence() {
            return it.kind(kind);
        }
        if let Some(late) = late {
            return Refusal::new(format!("AWS did not answer within {}", words(late)))
                .kind(kind)
                .again();
        }
        let judged = matches!(it, SdkError::ServiceError(_));
        if judged || answer.status.is_some_and(|it| it >= 400) {
            return judge(&answer, need, profile);
        }
        // What went wrong on this side has no code, but words of the SDK's.
        let text = DisplayErrorContext(it).to_string();
        let lower = text.to_lowercase();
        if ["credential", "sso", "assumerole"].iter().any(|it| lower.contains(it)) {
            return no_credentials(&text, &self.access);
        }
        if lower.contains("region must be set") || lower.contains("a region") {
            return no_region().kind(kind);
        }
        if lower.contains("checksum") {
            let why = "the bytes that came are not those that were stored";
            return Refusal::new(format!("{why}: {}", innermost(it))).kind(kind);
        }
        let place = self.sdk.endpoint_url().unwrap_or("AWS");
        Refusal::new(format!("cannot reach {place}: {}", innermost(it))).kind(kind).hint(
            "check the network, the Region and --endpoint-url, then run the same command again",
        )
    }
}

/// Makes one client for each service: counted, watched and patient; and as said where the endpoint is not Amazon's.
macro_rules! clients {
    ($($name:ident: $sdk:ident $(with $other:ident)?),+ $(,)?) => {
        impl Connection {
            $(pub(crate) fn $name(&self) -> $sdk::Client {
                let config = $sdk::config::Builder::from(&self.sdk)
                    $(.$other(self.sdk.endpoint_url().is_some()))?
                    .retry_partition(patience())
                    .interceptor(self.calls.clone());
                $sdk::Client::from_conf(config.build())
            })+
        }
    };
}

clients! {
    cloudtrail: aws_sdk_cloudtrail,
    iam: aws_sdk_iam,
    kms: aws_sdk_kms,
    logs: aws_sdk_cloudwatchlogs,
    s3: aws_sdk_s3 with force_path_style,
    ssm: aws_sdk_ssm,
    sts: aws_sdk_sts,
}

/// The token of the next page of a listing; `None` at its end. `last` is that of the page that told it.
///
/// # Errors
/// When the listing goes on, and not to another page.
pub(super) fn next_page<T: PartialEq>(
    goes_on: bool,
    token: Option<T>,
    last: Option<&T>,
) -> Result<Option<T>, Refusal> {
    match token {
        _ if !goes_on => Ok(None),
        Some(it) if last != Some(&it) => Ok(Some(it)),
        _ => Err(Refusal::new("the listing does not go on: AWS repeats the same page").again()),
    }
}

/// Asks for a listing page by page. `take` has each page, and tells whether the listing goes on and by which token; or that it wants
/// no more.
///
/// # Errors
/// What `ask` meets, and a listing that goes on and not to another page.
pub(super) async fn each_page<P, T: Clone + PartialEq>(
    mut ask: impl AsyncFnMut(Option<T>) -> Result<P, Refusal>,
    mut take: impl AsyncFnMut(P) -> Option<(bool, Option<T>)>,
) -> Result<(), Refusal> {
    let mut token = None;
    loop {
        let page = ask(token.clone()).await?;
        let Some((goes_on, next)) = take(page).await else { return Ok(()) };
        token = next_page(goes_on, next, token.as_ref())?;
        if token.is_none() {
            return Ok(());
        }
    }
}

/// An instant of AWS's answers.
pub(crate) fn at(it: &DateTime) -> Option<At> {
    At::of_millis(it.to_millis().ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listing_that_repeats_its_token_is_no_end() {
        assert_eq!(next_page(false, None::<&str>, None), Ok(None));
        assert_eq!(next_page(true, Some("b"), Some(&"a")), Ok(Some("b")));
        assert!(next_page(true, Some("a"), Some(&"a")).is_err());
        assert!(next_page(true, None::<&str>, None).is_err());
    }

    #[tokio::test]
    async fn a_listing_ends_behind_its_last_page_and_one_that_repeats_a_page_says_so() {
        let sdk = SdkConfig::builder().build();
        let connection = Connection::over(sdk, &Access::default(), Limits::default());
        let listed = async |tokens: &[&str]| {
            let ask = async |token: Option<String>| {
                let at = tokens.iter().position(|it| token.as_deref() == Some(it));
                let next = tokens[at.map_or(0, |it| it + 1)].to_owned();
                Ok::<_, SdkError<aws_sdk_s3::error::ErrorMetadata, HttpResponse>>(next)
            };
            let mut all = Vec::new();
            let need = Need::of("ecs:ListClusters", "*");
            let take = |next: String| (Some(vec![next.clone()]), Some(next));
            let told = connection.list(&need, &mut all, ask, take).await;
            (all.join(" "), told.map_err(|it| it.why))
        };
        assert_eq!(listed(&["a", "b", ""]).await, ("a b ".into(), Ok(())));
        let why = "the listing does not go on: AWS repeats the same page";
        assert_eq!(listed(&["a", "a"]).await, ("a a".into(), Err(why.into())));
    }
}
