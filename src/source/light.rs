//! Services whose SDK takes minutes and gigabytes to build, asked without it: what is asked and the XML of the answer are read
//! here; credentials, signature, retries, the count of calls and the connection are those of the SDK's own runtime.
//!
//! Only EC2 and the account settings of S3 are asked this way, and only questions that change nothing.

use aws_runtime::auth::SigV4OperationSigningConfig;
use aws_runtime::auth::sigv4;
use aws_runtime::retries::classifiers::AwsErrorCodeClassifier;
use aws_sdk_s3::error::ErrorMetadata;
use aws_sdk_s3::operation::RequestId;
use aws_sdk_s3::primitives::SdkBody;
use aws_smithy_runtime::client::orchestrator::operation::Operation;
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
use percent_encoding::AsciiSet;
use percent_encoding::NON_ALPHANUMERIC;
use percent_encoding::utf8_percent_encode;

use crate::aws_names::RegionCode;
use crate::source::aws::ANY_REGION;
use crate::source::aws::Connection;
use crate::source::aws::patience;

/// Most bytes of an answer that are read.
const MOST: usize = 64 << 20;

/// What a service answered.
#[derive(Debug)]
pub(crate) struct Xml {
    text: String,
    request_id: Option<String>,
}

impl Xml {
    /// What is read of it, from its root on.
    pub(crate) fn read<T>(&self, take: impl FnOnce(Element<'_, '_>) -> Option<T>) -> Option<T> {
        let document = roxmltree::Document::parse(&self.text).ok()?;
        take(Element(document.root_element()))
    }
}

impl RequestId for Xml {
    fn request_id(&self) -> Option<&str> {
        self.request_id.as_deref()
    }
}

/// What it answered, or code and message of what it answered instead.
pub(crate) type Answer = Result<Xml, SdkError<ErrorMetadata, HttpResponse>>;

/// One question.
#[derive(Clone, Debug)]
struct SignedRequest {
    method: &'static str,
    path: &'static str,
    headers: Vec<(&'static str, String)>,
    body: String,
}

/// Asks EC2 by its Query protocol. Source: "Query requests for Amazon EC2" (Amazon EC2 API Reference).
pub(crate) async fn ec2(way: &Connection, action: &'static str, words: &[(&str, &str)]) -> Answer {
    let mut body = format!("Action={action}&Version=2016-11-15");
    for (key, value) in words {
        body.push_str(&format!("&{key}={}", utf8_percent_encode(value, SPECIAL)));
    }
    let headers = vec![("content-type", "application/x-www-form-urlencoded".to_owned())];
    let question = SignedRequest { method: "POST", path: "/", headers, body };
    ask(way, "ec2", action, "ec2", question).await
}

/// Asks how public access is blocked for a whole account.
/// Source: "GetPublicAccessBlock" (Amazon S3 API Reference, S3 Control).
pub(crate) async fn account_public_access(way: &Connection, account: &str) -> Answer {
    let question = SignedRequest {
        method: "GET",
        path: "/v20180820/configuration/publicAccessBlock",
        headers: vec![("x-amz-account-id", account.to_owned())],
        body: String::new(),
    };
    ask(way, "s3", "GetPublicAccessBlock", &format!("{account}.s3-control"), question).await
}

/// What is escaped within a form: all but what is never special.
const SPECIAL: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// `host` is what its host begins with in any Region.
async fn ask(
    way: &Connection,
    service: &'static str,
    operation: &'static str,
    host: &str,
    question: SignedRequest,
) -> Answer {
    let region = way.region().unwrap_or_else(|| ANY_REGION.into());
    let host = format!("https://{}", RegionCode(&region).host(host));
    let sdk = &way.sdk;
    let mut signing = Layer::new("signing");
    signing.store_put(SigV4OperationSigningConfig {
        region: Some(aws_config::Region::new(region).into()),
        name: Some(service.into()),
        signing_options: {
            let mut it = aws_runtime::auth::SigningOptions::default();
            it.content_sha256_header = service == "s3";
            it.double_uri_encode = service != "s3";
            it
        },
        ..Default::default()
    });
    signing.store_put(AuthSchemeOptionResolverParams::new(()));
    signing.store_put(patience());
    let mut components = RuntimeComponentsBuilder::new("signing")
        .with_auth_scheme(sigv4::SigV4AuthScheme::new())
        .with_auth_scheme_option_resolver(Some(StaticAuthSchemeOptionResolver::new(vec![
            sigv4::SCHEME_ID,
        ])))
        .with_identity_cache(sdk.identity_cache());
    if let Some(it) = sdk.credentials_provider() {
        components = components.with_identity_resolver(sigv4::SCHEME_ID, it);
    }
    let mut builder = Operation::builder()
        .service_name(if service == "s3" { "S3Control" } else { "EC2" })
        .operation_name(operation)
        .behavior_version(aws_config::BehaviorVersion::latest())
        .endpoint_url(sdk.endpoint_url().unwrap_or(&host))
        .interceptor(way.calls.clone())
        .retry_classifier(TransientErrorClassifier::<ErrorMetadata>::new())
        .retry_classifier(AwsErrorCodeClassifier::<ErrorMetadata>::new())
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

fn understood(response: &HttpResponse) -> Result<Xml, OrchestratorError<ErrorMetadata>> {
    let bytes = response.body().bytes().unwrap_or_default();
    if bytes.len() > MOST {
        return Err(OrchestratorError::response("the answer is too long to be read".into()));
    }
    let text = String::from_utf8_lossy(bytes).into_owned();
    let request_id = response.request_id().map(str::to_owned);
    if response.status().is_success() {
        // What is no XML is no answer: nobody behind this may take it for an empty one.
        return match roxmltree::Document::parse(&text) {
            Ok(_) => Ok(Xml { text, request_id }),
            Err(it) => Err(OrchestratorError::response(it.into())),
        };
    }
    // "Error codes for the Amazon EC2 API": Response/Errors/Error; S3 has Error alone.
    let document = roxmltree::Document::parse(&text).ok();
    // Of the first element so called, whatever its namespace.
    let told = |name: &str| {
        let it = document.as_ref()?.descendants().find(|it| it.tag_name().name() == name)?;
        it.text().map(str::trim)
    };
    let (code, message) = (told("Code").unwrap_or_default(), told("Message").unwrap_or_default());
    Err(OrchestratorError::operation(ErrorMetadata::builder().code(code).message(message).build()))
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
