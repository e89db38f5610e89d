//! Services whose SDK takes minutes to build, asked without it: what is asked and the XML or JSON of the answer are read here;
//! credentials, signature, retries, the count of calls and the connection are those of the SDK's own runtime.
//!
//! EC2, ECS, Organizations, Account Management and the account settings of S3 are asked this way, and only questions that change
//! nothing.

use aws_runtime::auth::SigV4OperationSigningConfig;
use aws_runtime::auth::sigv4;
use aws_runtime::invocation_id::InvocationIdInterceptor;
use aws_runtime::request_info::RequestInfoInterceptor;
use aws_runtime::retries::classifiers::AwsErrorCodeClassifier;
use aws_runtime::service_clock_skew::ServiceClockSkewClassifier;
use aws_runtime::service_clock_skew::ServiceClockSkewInterceptor;
use aws_runtime::user_agent::ApiMetadata;
use aws_runtime::user_agent::UserAgentInterceptor;
use aws_sdk_s3::error::ErrorMetadata;
use aws_sdk_s3::operation::RequestId;
use aws_sdk_s3::primitives::SdkBody;
use aws_smithy_runtime::client::orchestrator::operation::Operation;
use aws_smithy_runtime::client::retries::classifiers::HttpStatusCodeClassifier;
use aws_smithy_runtime::client::retries::classifiers::TransientErrorClassifier;
use aws_smithy_runtime_api::client::auth::AuthSchemeOptionResolverParams;
use aws_smithy_runtime_api::client::auth::static_resolver::StaticAuthSchemeOptionResolver;
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::orchestrator::OrchestratorError;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponentsBuilder;
use aws_smithy_runtime_api::client::runtime_plugin::StaticRuntimePlugin;
use aws_smithy_types::config_bag::Layer;
use aws_types::service_config::ServiceConfigKey;
use percent_encoding::AsciiSet;
use percent_encoding::NON_ALPHANUMERIC;
use percent_encoding::utf8_percent_encode;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::aws_names::RegionCode;
use crate::source::aws::ANY_REGION;
use crate::source::aws::Connection;
use crate::source::aws::patience;

/// Most bytes of an answer that are read.
const MOST: usize = 64 << 20;

/// What a service answered.
#[derive(Debug)]
pub(crate) struct AwsAnswer<T> {
    pub(crate) body: T,
    request_id: Option<String>,
}

impl AwsAnswer<String> {
    /// What is read of XML, from its root on.
    pub(crate) fn read<T>(&self, take: impl FnOnce(Element<'_, '_>) -> Option<T>) -> Option<T> {
        let document = roxmltree::Document::parse(&self.body).ok()?;
        take(Element(document.root_element()))
    }
}

impl<T> RequestId for AwsAnswer<T> {
    fn request_id(&self) -> Option<&str> {
        self.request_id.as_deref()
    }
}

/// What it answered, or code and message of what it answered instead.
pub(crate) type Answer<T> = Result<AwsAnswer<T>, SdkError<ErrorMetadata, HttpResponse>>;

/// A service, as it names itself.
pub(crate) struct Service {
    /// As the SDK calls it.
    name: &'static str,
    /// As configuration calls it.
    id: &'static str,
    /// As it is signed, and its host begins.
    signed: &'static str,
    /// One endpoint for all Regions of a partition.
    is_global: bool,
    /// What stands before an action in the header `x-amz-target`; empty where there is no such header.
    target: &'static str,
}

const EC2: Service =
    Service { name: "EC2", id: "EC2", signed: "ec2", is_global: false, target: "" };
const S3_CONTROL: Service =
    Service { name: "S3Control", id: "S3 Control", signed: "s3", is_global: false, target: "" };
const ACCOUNT: Service =
    Service { name: "Account", id: "Account", signed: "account", is_global: true, target: "" };

/// Source: "Amazon ECS API Reference".
pub(crate) const ECS: Service = Service {
    name: "ECS",
    id: "ECS",
    signed: "ecs",
    is_global: false,
    target: "AmazonEC2ContainerServiceV20141113",
};

/// Source: "AWS Organizations API Reference".
pub(crate) const ORGANIZATIONS: Service = Service {
    name: "Organizations",
    id: "Organizations",
    signed: "organizations",
    is_global: true,
    target: "AWSOrganizationsV20161128",
};

/// One question.
#[derive(Clone, Debug)]
struct SignedRequest {
    method: &'static str,
    path: &'static str,
    headers: Vec<(&'static str, String)>,
    body: String,
}

/// Asks EC2 by its Query protocol. Source: "Query requests for Amazon EC2" (Amazon EC2 API Reference).
pub(crate) async fn ec2(
    way: &Connection,
    action: &'static str,
    words: &[(&str, &str)],
) -> Answer<String> {
    let mut body = format!("Action={action}&Version=2016-11-15");
    for (key, value) in words {
        body.push_str(&format!("&{key}={}", utf8_percent_encode(value, SPECIAL)));
    }
    let headers = vec![("content-type", "application/x-www-form-urlencoded".to_owned())];
    let question = SignedRequest { method: "POST", path: "/", headers, body };
    let host = EC2.host(way, "ec2");
    EC2.ask(way, action, &host, question, xml).await
}

/// Asks how public access is blocked for a whole account.
/// Source: "GetPublicAccessBlock" (Amazon S3 API Reference, S3 Control).
pub(crate) async fn account_public_access(way: &Connection, account: &str) -> Answer<String> {
    let question = SignedRequest {
        method: "GET",
        path: "/v20180820/configuration/publicAccessBlock",
        headers: vec![("x-amz-account-id", account.to_owned())],
        body: String::new(),
    };
    let host = format!("{account}.{}", S3_CONTROL.host(way, "s3-control"));
    S3_CONTROL.ask(way, "GetPublicAccessBlock", &host, question, xml).await
}

/// Asks which Regions an account has. Source: "ListRegions" (AWS Account Management Reference Guide).
pub(crate) async fn regions<T: Understood>(way: &Connection, asked: &Value) -> Answer<T> {
    let question = SignedRequest {
        method: "POST",
        path: "/listRegions",
        headers: vec![("content-type", "application/json".to_owned())],
        body: asked.to_string(),
    };
    let host = ACCOUNT.host(way, "account");
    ACCOUNT.ask(way, "ListRegions", &host, question, json).await
}

/// What is escaped within a form: all but what is never special.
const SPECIAL: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

impl Service {
    /// Asks in the protocol that AWS calls JSON 1.1 ("AWS JSON 1.1 protocol", Smithy).
    pub(crate) async fn asked<T: Understood>(
        &self,
        way: &Connection,
        action: &'static str,
        asked: &Value,
    ) -> Answer<T> {
        let headers = vec![
            ("content-type", "application/x-amz-json-1.1".to_owned()),
            ("x-amz-target", format!("{}.{action}", self.target)),
        ];
        let question =
            SignedRequest { method: "POST", path: "/", headers, body: asked.to_string() };
        self.ask(way, action, &self.host(way, self.signed), question, json).await
    }

    /// The Region that is asked, and signed for.
    fn region(&self, way: &Connection) -> String {
        let region = way.region().unwrap_or_else(|| ANY_REGION.into());
        match self.is_global {
            true => RegionCode(&region).global().0.to_owned(),
            false => region,
        }
    }

    /// The endpoint that a person named, for this service or for all ("Service-specific endpoints", AWS SDKs and Tools).
    fn endpoint(&self, way: &Connection) -> Option<String> {
        let all = way.sdk.endpoint_url().map(str::to_owned);
        if way.sdk.get_origin("endpoint_url").is_client_config() {
            return all;
        }
        let key = ServiceConfigKey::builder();
        let key = key.service_id(self.id).env("AWS_ENDPOINT_URL").profile("endpoint_url").build();
        let own = way.sdk.service_config().zip(key.ok()).and_then(|(it, key)| it.load_config(key));
        own.or(all)
    }

    /// Where the service is, whose host begins so.
    fn host(&self, way: &Connection, begins: &str) -> String {
        let (fips, dual) = (way.sdk.use_fips(), way.sdk.use_dual_stack());
        host(RegionCode(&self.region(way)), begins, fips == Some(true), dual == Some(true))
    }

    async fn ask<T: Send + Sync + std::fmt::Debug + 'static>(
        &self,
        way: &Connection,
        operation: &'static str,
        host: &str,
        question: SignedRequest,
        understood: fn(&HttpResponse) -> Result<AwsAnswer<T>, OrchestratorError<ErrorMetadata>>,
    ) -> Answer<T> {
        let sdk = &way.sdk;
        let mut signing = Layer::new("signing");
        signing.store_put(SigV4OperationSigningConfig {
            region: Some(aws_config::Region::new(self.region(way)).into()),
            name: Some(self.signed.into()),
            signing_options: {
                let mut it = aws_runtime::auth::SigningOptions::default();
                it.content_sha256_header = self.signed == "s3";
                it.double_uri_encode = self.signed != "s3";
                it
            },
            ..Default::default()
        });
        signing.store_put(AuthSchemeOptionResolverParams::new(()));
        signing.store_put(patience());
        signing.store_put(ApiMetadata::new(self.signed, env!("CARGO_PKG_VERSION")));
        if let Some(it) = sdk.app_name() {
            signing.store_put(it.clone());
        }
        let schemes = StaticAuthSchemeOptionResolver::new(vec![sigv4::SCHEME_ID]);
        let mut components = RuntimeComponentsBuilder::new("signing")
            .with_auth_scheme(sigv4::SigV4AuthScheme::new())
            .with_auth_scheme_option_resolver(Some(schemes))
            .with_identity_cache(sdk.identity_cache());
        if let Some(it) = sdk.credentials_provider() {
            components = components.with_identity_resolver(sigv4::SCHEME_ID, it);
        }
        let mut builder = Operation::builder()
            .service_name(self.name)
            .operation_name(operation)
            .behavior_version(aws_config::BehaviorVersion::latest())
            .endpoint_url(&self.endpoint(way).unwrap_or_else(|| format!("https://{host}")))
            .interceptor(way.calls.clone())
            // What each client of the SDK has, too ("ServiceRuntimePlugin" of its crates).
            .interceptor(ServiceClockSkewInterceptor::new())
            .interceptor(RequestInfoInterceptor::new())
            .interceptor(UserAgentInterceptor::new())
            .interceptor(InvocationIdInterceptor::new())
            .retry_classifier(TransientErrorClassifier::<ErrorMetadata>::new())
            .retry_classifier(HttpStatusCodeClassifier::default())
            .retry_classifier(AwsErrorCodeClassifier::<ErrorMetadata>::new())
            .retry_classifier(ServiceClockSkewClassifier::<ErrorMetadata>::new())
            .runtime_plugin(
                StaticRuntimePlugin::new()
                    .with_config(signing.freeze())
                    .with_runtime_components(components),
            );
        if let Some(it) = sdk.retry_config() {
            builder = builder.standard_retry(it);
        }
        if let Some(it) = sdk.timeout_config() {
            builder = builder.timeout_config(it.clone());
        }
        if let Some(it) = sdk.http_client() {
            builder = builder.http_client(it);
        }
        let operation = builder
            .serializer(|it: SignedRequest| {
                let mut request = HttpRequest::new(SdkBody::from(it.body));
                request.set_method(it.method)?;
                request.set_uri(it.path)?;
                for (key, value) in it.headers {
                    request.headers_mut().try_insert(key, value)?;
                }
                Ok(request)
            })
            .deserializer(understood)
            .build();
        operation.invoke(question).await
    }
}

/// Source: the endpoint rules of the AWS SDKs.
fn host(region: RegionCode<'_>, begins: &str, fips: bool, dual_stack: bool) -> String {
    let own = region.partition().is_some_and(|it| it.as_str() == "aws-us-gov")
        && ["ec2", "organizations"].contains(&begins);
    let begins = if fips && !own { format!("{begins}-fips") } else { begins.to_owned() };
    match region.dual_stack_domain().filter(|_| dual_stack) {
        // Of S3 they are in the domain of the others.
        Some(_) if begins.contains("s3-control") => region.host(&format!("{begins}.dualstack")),
        Some(domain) => format!("{begins}.{}.{domain}", region.0),
        None => region.host(&begins),
    }
}

/// The bytes of an answer, if they are few enough to be read.
fn body(response: &HttpResponse) -> Result<&[u8], OrchestratorError<ErrorMetadata>> {
    let bytes = response.body().bytes().unwrap_or_default();
    match bytes.len() > MOST {
        true => Err(OrchestratorError::response("the answer is too long to be read".into())),
        false => Ok(bytes),
    }
}

/// What a service says instead of an answer. An answer of another form is a fault without a code, and comes no better when it is
/// asked for again.
fn fault(code: Option<String>, message: Option<String>) -> OrchestratorError<ErrorMetadata> {
    let (code, message) = (code.unwrap_or_default(), message.unwrap_or_default());
    OrchestratorError::operation(ErrorMetadata::builder().code(code).message(message).build())
}

/// What is no XML is no answer: nobody behind this may take it for an empty one.
fn xml(response: &HttpResponse) -> Result<AwsAnswer<String>, OrchestratorError<ErrorMetadata>> {
    let body = String::from_utf8_lossy(body(response)?).into_owned();
    let request_id = response.request_id().map(str::to_owned);
    if response.status().is_success() {
        return match roxmltree::Document::parse(&body) {
            Ok(_) => Ok(AwsAnswer { body, request_id }),
            Err(it) => Err(fault(None, Some(it.to_string()))),
        };
    }
    // "Error codes for the Amazon EC2 API": Response/Errors/Error; S3 has Error alone.
    let document = roxmltree::Document::parse(&body).ok();
    // Of the first element so called, whatever its namespace.
    let told = |name: &str| {
        let it = document.as_ref()?.descendants().find(|it| it.tag_name().name() == name)?;
        it.text().map(|it| it.trim().to_owned())
    };
    Err(fault(told("Code"), told("Message")))
}

/// What is read of an answer in JSON: a list that must be there and is not makes it no answer.
pub(crate) trait Understood:
    DeserializeOwned + Send + Sync + std::fmt::Debug + 'static
{
}

impl<T: DeserializeOwned + Send + Sync + std::fmt::Debug + 'static> Understood for T {}

fn json<T: Understood>(
    response: &HttpResponse,
) -> Result<AwsAnswer<T>, OrchestratorError<ErrorMetadata>> {
    let bytes = body(response)?;
    let request_id = response.request_id().map(str::to_owned);
    if response.status().is_success() {
        let body = serde_json::from_slice(bytes);
        let body = body.map_err(|it| fault(None, Some(it.to_string())))?;
        return Ok(AwsAnswer { body, request_id });
    }
    let told: Value = serde_json::from_slice(bytes).unwrap_or_default();
    let text = |it: &Value| it.as_str().map(str::to_owned);
    let header = response.headers().get("x-amzn-errortype").map(str::to_owned);
    let code = header.or_else(|| text(&told["__type"])).or_else(|| text(&told["code"]));
    let message = text(&told["message"]).or_else(|| text(&told["Message"]));
    Err(fault(code.map(|it| code_of(&it).to_owned()), message))
}

/// The code within what an answer calls the type of an error: behind a namespace and before an address, as in
/// `com.amazonaws.ecs#ClientException:http://…` ("Operation error serialization", Smithy).
fn code_of(told: &str) -> &str {
    let told = told.split(':').next().unwrap_or(told);
    told.rsplit('#').next().unwrap_or(told)
}

/// One element, read by the names of its children, whatever their namespace.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Element<'a, 'i>(roxmltree::Node<'a, 'i>);

impl<'a, 'i> Element<'a, 'i> {
    /// Its own name.
    pub(crate) fn name(self) -> &'a str {
        self.0.tag_name().name()
    }

    pub(crate) fn child(self, name: &str) -> Option<Self> {
        self.0.children().map(Self).find(|it| it.name() == name)
    }

    /// Its own text.
    pub(crate) fn itself(self) -> Option<String> {
        self.0.text().map(|it| it.trim().to_owned()).filter(|it| !it.is_empty())
    }

    /// The text of the child below the child of these names.
    pub(crate) fn text(self, path: &str) -> Option<String> {
        path.split('/').try_fold(self, Self::child)?.itself()
    }

    pub(crate) fn own(self, path: &str) -> String {
        self.text(path).unwrap_or_default()
    }

    pub(crate) fn number(self, path: &str) -> Option<i64> {
        self.text(path)?.parse().ok()
    }

    pub(crate) fn flag(self, path: &str) -> bool {
        self.text(path).as_deref() == Some("true")
    }

    /// The items of the list so called.
    pub(crate) fn items(self, list: &str) -> impl Iterator<Item = Self> {
        let items = self.child(list).map(|it| it.0.children());
        items.into_iter().flatten().map(Self).filter(|it| it.name() == "item")
    }

    /// One text of each item of a list.
    pub(crate) fn texts(self, list: &str, path: &str) -> Vec<String> {
        self.items(list).filter_map(|it| it.text(path)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_in_a_form_cannot_become_another_word() {
        let escaped = |it: &str| utf8_percent_encode(it, SPECIAL).to_string();
        assert_eq!(escaped("a b&c=d/é"), "a%20b%26c%3Dd%2F%C3%A9");
        assert_eq!(escaped("i-0_a.b~C%+*"), "i-0_a.b~C%25%2B%2A");
        assert_eq!(escaped("\0\n\x7f"), "%00%0A%7F");
    }

    #[test]
    fn a_service_is_where_the_sdk_would_look_for_it() {
        let at = |region, begins, fips, dual| host(RegionCode(region), begins, fips, dual);
        assert_eq!(at("eu-west-1", "ecs", false, false), "ecs.eu-west-1.amazonaws.com");
        assert_eq!(at("us-east-1", "ecs", true, false), "ecs-fips.us-east-1.amazonaws.com");
        assert_eq!(at("us-east-1", "ecs", true, true), "ecs-fips.us-east-1.api.aws");
        assert_eq!(
            at("us-gov-west-1", "organizations", true, false),
            "organizations.us-gov-west-1.amazonaws.com"
        );
        assert_eq!(
            at("cn-north-1", "ec2", false, true),
            "ec2.cn-north-1.api.amazonwebservices.com.cn"
        );
        assert_eq!(
            at("us-east-1", "1.s3-control", false, true),
            "1.s3-control.dualstack.us-east-1.amazonaws.com"
        );
        assert_eq!(at("us-iso-east-1", "ecs", false, true), "ecs.us-iso-east-1.c2s.ic.gov");
    }

    #[test]
    fn the_code_of_an_error_stands_behind_a_namespace_and_before_an_address() {
        assert_eq!(code_of("com.amazonaws.ecs#ClientException:http://a/b"), "ClientException");
        assert_eq!(code_of("AccessDeniedException"), "AccessDeniedException");
    }

    #[test]
    fn lists_and_texts_are_read_whatever_their_namespace() {
        let text = r#"<R xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><set><item><id> a </id><in><x>1</x></in></item><item/></set></R>"#;
        let document = roxmltree::Document::parse(text).unwrap();
        let root = Element(document.root_element());
        let items: Vec<_> = root.items("set").collect();
        assert_eq!(items.len(), 2);
        assert_eq!(items[0].own("id"), "a");
        assert_eq!(items[0].number("in/x"), Some(1));
        assert_eq!(items[1].text("id"), None);
        assert_eq!(root.items("nothing").count(), 0);
    }
}
