//! The AWS that ssmtrail's tests talk to: S3, CloudWatch Logs, SSM, KMS, IAM, STS, CloudTrail and Organizations on loopback, composed from
//! the fakecloud crates, in a process of its own.
//!
//! Usage: `awspeer ADDRESS`. It ends when its standard input does, so that it never outlives the tests that started it.
//! Routes below `/_peer` are ours: `health`, `admin` (an access key in any account), `role`, `asked` (what a key has asked for), `canned`,
//! which answers operations that fakecloud does not model with what a test says they answer, and `copies`, which fills a bucket or a log group
//! with more than anybody would send through the API.

use std::collections::BTreeMap;
use std::collections::HashMap;
use std::io::Read;
use std::sync::Arc;

use axum::Extension;
use axum::Router;
use axum::extract::Json;
use axum::extract::Request;
use axum::extract::State;
use axum::middleware::Next;
use axum::response::IntoResponse;
use axum::response::Response;
use axum::routing::get;
use axum::routing::post;
use fakecloud_core::auth::IamMode;
use fakecloud_core::auth::MultiResourcePolicyProvider;
use fakecloud_core::delivery::DeliveryBus;
use fakecloud_core::delivery::KmsHook;
use fakecloud_core::dispatch;
use fakecloud_core::dispatch::DispatchConfig;
use fakecloud_core::multi_account::MultiAccountState;
use fakecloud_core::registry::ServiceRegistry;
use fakecloud_kms::hook::KmsServiceHook;
use parking_lot::RwLock;
use serde_json::Value;
use serde_json::json;

const ACCOUNT: &str = "123456789012";
const REGION: &str = "us-east-1";

/// What a test says AWS answers.
#[derive(Clone)]
struct Answer {
    /// `Service.Operation` of X-Amz-Target, the Action of the Query protocol, or the path of a REST operation.
    target: String,
    /// Part of the Authorization header: an access key, or a key and a Region.
    scope: String,
    /// Name of the list in the answer, its items, items a page.
    member: String,
    items: Vec<Value>,
    page: usize,
    /// The answer as it is, where it is no list: JSON, or XML as a text.
    whole: Option<Value>,
}

type Canned = Arc<RwLock<Vec<Answer>>>;

/// Who asked (access key), which service, and what (the operation, or method and path with query): how often.
type Asked = Arc<RwLock<BTreeMap<(String, String, String), u64>>>;

/// Notes a request that was signed.
fn note(noted: &Asked, target: &str, authorization: &str, method: &str, uri: &str) {
    // `Credential=KEY/DAY/REGION/SERVICE/aws4_request`.
    let credential = authorization.split("Credential=").nth(1).unwrap_or_default();
    let parts: Vec<&str> = credential.split([',', '/']).collect();
    let (Some(key), Some(service)) = (parts.first(), parts.get(3)) else { return };
    let what = match target.starts_with('/') {
        true => format!("{method} {uri}"),
        false => target.to_owned(),
    };
    *noted.write().entry(((*key).to_owned(), (*service).to_owned(), what)).or_default() += 1;
}

/// What is asked, and by whom.
fn asked(request: &Request) -> (String, String) {
    let header = |name: &str| {
        request.headers().get(name).and_then(|it| it.to_str().ok()).unwrap_or("").to_owned()
    };
    let target = header("x-amz-target");
    // Some SDKs put a package before the service.
    let mut words: Vec<&str> = target.rsplitn(3, '.').take(2).collect();
    words.reverse();
    let operation = words.join(".");
    let path = || request.uri().path().to_owned();
    (Some(operation).filter(|it| !it.is_empty()).unwrap_or_else(path), header("authorization"))
}

/// Answers canned operations, page by page.
async fn canned(
    State((canned, noted)): State<(Canned, Asked)>,
    request: Request,
    next: Next,
) -> Response {
    let (mut target, authorization) = asked(&request);
    let (method, uri) = (request.method().to_string(), request.uri().to_string());
    let mut request = request;
    let form = "application/x-www-form-urlencoded";
    if request.headers().get("content-type").is_some_and(|it| it == form) {
        let (head, body) = request.into_parts();
        let bytes = axum::body::to_bytes(body, 1 << 20).await.unwrap_or_default();
        let text = String::from_utf8_lossy(&bytes);
        let action = text.split('&').find_map(|it| it.strip_prefix("Action="));
        target = action.map_or(target, str::to_owned);
        request = Request::from_parts(head, axum::body::Body::from(bytes.clone()));
    }
    note(&noted, &target, &authorization, &method, &uri);
    let found = canned
        .read()
        .iter()
        .rfind(|it| it.target == target && authorization.contains(&it.scope))
        .cloned();
    let Some(it) = found else { return in_turn(request, &authorization, next).await };
    match it.whole {
        Some(Value::String(it)) => return ([("content-type", "text/xml")], it).into_response(),
        Some(it) => return Json(it).into_response(),
        None => {}
    }
    let body = axum::body::to_bytes(request.into_body(), 1 << 20).await.unwrap_or_default();
    let asked: Value = serde_json::from_slice(&body).unwrap_or_default();
    let page = asked["MaxResults"].as_u64().map_or(it.page, |it| it as usize);
    let at: usize = asked["NextToken"].as_str().and_then(|it| it.parse().ok()).unwrap_or(0);
    let some: Vec<&Value> = it.items.iter().skip(at).take(page).collect();
    let mut answer = json!({ it.member: some });
    if at + page < it.items.len() {
        answer["NextToken"] = (at + page).to_string().into();
    }
    ([("content-type", "application/x-amz-json-1.1")], answer.to_string()).into_response()
}

/// Passes a request on, to S3 so that nothing is read while something is written. fakecloud-s3 0.51.0 takes its lock a second time
/// while it decrypts an object (`get_object`, `bucket_region`); a writer that came between the two waits for the first, and the
/// second waits for the writer, for ever.
async fn in_turn(request: Request, authorization: &str, next: Next) -> Response {
    static S3: tokio::sync::RwLock<()> = tokio::sync::RwLock::const_new(());
    if !authorization.contains("/s3/") {
        return next.run(request).await;
    }
    if matches!(request.method().as_str(), "GET" | "HEAD") {
        let _shared = S3.read().await;
        return next.run(request).await;
    }
    let _alone = S3.write().await;
    next.run(request).await
}

/// S3 and SSM ask KMS through this.
struct Keys(KmsServiceHook);

impl KmsHook for Keys {
    fn encrypt(
        &self,
        account: &str,
        region: &str,
        key: &str,
        plain: &[u8],
        service: &str,
        context: HashMap<String, String>,
    ) -> Result<String, String> {
        self.0.encrypt(account, region, key, plain, service, context).map_err(|it| it.to_string())
    }

    fn decrypt(
        &self,
        account: &str,
        cipher: &str,
        service: &str,
        context: HashMap<String, String>,
    ) -> Result<Vec<u8>, String> {
        self.0.decrypt(account, cipher, service, context).map_err(|it| it.to_string())
    }

    fn resolve_key_arn(
        &self,
        account: &str,
        region: &str,
        key: &str,
        service: &str,
    ) -> Result<String, String> {
        self.0
            .resolve_key_arn_tracked(account, region, key, service)
            .map(|it| it.0)
            .map_err(|it| it.to_string())
    }

    fn aws_managed_key_arn(
        &self,
        account: &str,
        region: &str,
        service: &str,
        principal: &str,
    ) -> Result<String, String> {
        Ok(self.0.aws_managed_key_arn_tracked(account, region, service, principal).0)
    }
}

/// An administrator in an account, by state rather than by API: no account has one to begin with.
fn admin(iam: &fakecloud_iam::SharedIamState, account: &str) -> Value {
    let (key, secret, user) =
        (format!("AKIAPEER{account}"), format!("secret-{account}"), "admin".to_owned());
    let allow_all =
        r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#;
    let mut states = iam.write();
    let state = states.get_or_create(account);
    state.users.insert(
        user.clone(),
        fakecloud_iam::IamUser {
            user_name: user.clone(),
            user_id: format!("AIDA{account}0000"),
            arn: format!("arn:aws:iam::{account}:user/admin"),
            path: "/".into(),
            created_at: chrono::Utc::now(),
            tags: Vec::new(),
            permissions_boundary: None,
        },
    );
    state.access_keys.insert(
        user.clone(),
        vec![fakecloud_iam::IamAccessKey {
            access_key_id: key.clone(),
            secret_access_key: secret.clone(),
            user_name: user.clone(),
            status: "Active".into(),
            created_at: chrono::Utc::now(),
        }],
    );
    state.user_inline_policies.insert(user, [("all".to_owned(), allow_all.to_owned())].into());
    json!({ "accessKeyId": key, "secretAccessKey": secret })
}

/// A role with this trust policy, by state as well.
fn role(iam: &fakecloud_iam::SharedIamState, account: &str, name: &str, trust: &str) {
    let role = fakecloud_iam::IamRole {
        role_name: name.to_owned(),
        role_id: format!("AROA{account}0000"),
        arn: format!("arn:aws:iam::{account}:role/{name}"),
        path: "/".into(),
        assume_role_policy_document: trust.to_owned(),
        created_at: chrono::Utc::now(),
        description: None,
        max_session_duration: 3600,
        tags: Vec::new(),
        permissions_boundary: None,
    };
    iam.write().get_or_create(account).roles.insert(name.to_owned(), role);
}

/// The name of the n-th copy of something.
fn copy_of(nth: u64) -> String {
    format!("u{}-0{nth:016x}", nth % 50)
}

/// Copies of one object below `prod/`, which share its bytes.
fn copies_of_object(
    s3: &fakecloud_s3::SharedS3State,
    bucket: &str,
    key: &str,
    count: u64,
) -> Option<()> {
    let mut states = s3.write();
    let bucket = states.get_or_create(ACCOUNT).buckets.get_mut(bucket)?;
    let one = bucket.objects.get(key)?.clone();
    for nth in 0..count {
        let key = format!("prod/{}.log", copy_of(nth));
        let mut copy = one.clone();
        copy.key.clone_from(&key);
        bucket.objects.insert(key, copy);
    }
    Some(())
}

/// Copies of one log stream, whose name in the events becomes their own.
fn copies_of_stream(
    logs: &fakecloud_logs::SharedLogsState,
    group: &str,
    stream: &str,
    count: u64,
) -> Option<()> {
    let mut states = logs.write();
    let group = states.get_or_create(ACCOUNT).region_mut(REGION).log_groups.get_mut(group)?;
    let one = group.log_streams.get(stream)?.clone();
    for nth in 0..count {
        let name = copy_of(nth);
        let mut copy = one.clone();
        copy.arn = copy.arn.replace(stream, &name);
        copy.persistence_id = name.clone();
        copy.events.iter_mut().for_each(|it| it.message = it.message.replace(stream, &name));
        copy.name = name.clone();
        group.log_streams.insert(name, copy);
    }
    Some(())
}

#[tokio::main]
async fn main() {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:4566".into());
    let endpoint = format!("http://{address}");
    macro_rules! state {
        () => {
            Arc::new(RwLock::new(MultiAccountState::new(ACCOUNT, REGION, &endpoint)))
        };
    }
    let iam: fakecloud_iam::SharedIamState = state!();
    let ssm: fakecloud_ssm::SharedSsmState = state!();
    let s3: fakecloud_s3::SharedS3State = state!();
    let logs: fakecloud_logs::SharedLogsState = state!();
    let kms: fakecloud_kms::SharedKmsState = state!();
    let trails: fakecloud_cloudtrail::SharedCloudTrailState = state!();
    let organizations: fakecloud_organizations::SharedOrganizationsState =
        Arc::new(RwLock::new(Default::default()));

    let keys: Arc<dyn KmsHook> =
        Arc::new(Keys(KmsServiceHook::new(kms.clone(), Default::default())));
    let resolver = fakecloud_iam::credential_resolver::IamCredentialResolver::shared(iam.clone());
    let delivery = Arc::new(fakecloud_s3::delivery::S3DeliveryImpl::new(s3.clone()));
    let store: Arc<dyn fakecloud_persistence::S3Store> =
        Arc::new(fakecloud_persistence::s3::MemoryS3Store::new());
    let mut services = ServiceRegistry::new();
    services.register(Arc::new(fakecloud_iam::iam_service::IamService::new(iam.clone())));
    services.register(Arc::new(fakecloud_iam::sts_service::StsService::new(iam.clone())));
    services.register(Arc::new(
        fakecloud_ssm::SsmService::new(ssm.clone()).with_kms_hook(keys.clone()),
    ));
    services.register(Arc::new(fakecloud_kms::KmsService::new(kms.clone())));
    services.register(Arc::new(fakecloud_cloudtrail::CloudTrailService::new(trails)));
    services.register(Arc::new(fakecloud_organizations::OrganizationsService::new(
        organizations.clone(),
    )));
    services.register(Arc::new(fakecloud_logs::LogsService::new(
        logs.clone(),
        Arc::new(DeliveryBus::new().with_s3(delivery)),
    )));
    services.register(Arc::new(
        fakecloud_s3::S3Service::with_store(s3.clone(), Arc::new(DeliveryBus::new()), store)
            .with_iam_mode(IamMode::Off)
            .with_kms(kms.clone())
            .with_kms_hook(keys)
            .with_credential_resolver(resolver.clone()),
    ));
    let config = DispatchConfig {
        region: REGION.into(),
        account_id: ACCOUNT.into(),
        // Signatures of keys that do not begin with `test` are checked where a test asks for it.
        verify_sigv4: std::env::var("PEER_SIGV4").is_ok(),
        iam_mode: IamMode::Off,
        credential_resolver: Some(resolver),
        policy_evaluator: Some(fakecloud_iam::policy_evaluator::IamPolicyEvaluatorImpl::shared(
            iam.clone(),
        )),
        resource_policy_provider: Some(MultiResourcePolicyProvider::shared(vec![
            fakecloud_s3::resource_policy::S3ResourcePolicyProvider::shared(s3.clone()),
            fakecloud_kms::resource_policy::KmsResourcePolicyProvider::shared(kms.clone()),
            fakecloud_iam::resource_policy::StsResourcePolicyProvider::shared(iam.clone()),
        ])),
        scp_resolver: None,
    };

    let answers = Canned::default();
    let noted = Asked::default();
    let told = {
        let noted = noted.clone();
        move |Json(it): Json<Value>| {
            let key = it["key"].as_str().unwrap_or_default().to_owned();
            let all = noted.read();
            let of_key = all.iter().filter(|it| it.0.0 == key).map(|it| json!([it.0.1, it.0.2, it.1]));
            let of_key: Vec<Value> = of_key.collect();
            async move { Json(of_key) }
        }
    };
    let set = {
        let answers = answers.clone();
        move |Json(it): Json<Value>| {
            let text = |key: &str| it[key].as_str().unwrap_or_default().to_owned();
            answers.write().push(Answer {
                target: text("target"),
                scope: text("scope"),
                member: text("member"),
                items: it["items"].as_array().cloned().unwrap_or_default(),
                page: it["page"].as_u64().unwrap_or(50) as usize,
                whole: it.get("whole").cloned(),
            });
            async { "{}" }
        }
    };
    let admins = {
        let iam = iam.clone();
        move |Json(it): Json<Value>| {
            let key = admin(&iam, it["accountId"].as_str().unwrap_or(ACCOUNT));
            async move { Json(key) }
        }
    };
    let roles = {
        let iam = iam.clone();
        move |Json(it): Json<Value>| {
            let text = |key: &str| it[key].as_str().unwrap_or_default().to_owned();
            role(&iam, &text("accountId"), &text("name"), &text("trust"));
            async { "{}" }
        }
    };
    let copies = {
        let (s3, logs) = (s3.clone(), logs.clone());
        move |Json(it): Json<Value>| {
            let text = |key: &str| it[key].as_str().unwrap_or_default().to_owned();
            let count = it["count"].as_u64().unwrap_or(0);
            let done = match it["group"].is_string() {
                true => copies_of_stream(&logs, &text("group"), &text("stream"), count),
                false => copies_of_object(&s3, &text("bucket"), &text("key"), count),
            };
            async move { if done.is_some() { "{}" } else { "there is no such thing" } }
        }
    };
    let app = Router::new()
        .route("/_peer/copies", post(copies))
        .route("/_peer/health", get(|| async { "ok" }))
        .route("/_peer/canned", post(set))
        .route("/_peer/asked", post(told))
        .route("/_peer/admin", post(admins))
        .route("/_peer/role", post(roles))
        .fallback(dispatch::dispatch)
        .layer(axum::middleware::from_fn_with_state((answers, noted), canned))
        .layer(Extension(Arc::new(services)))
        .layer(Extension(Arc::new(config)));

    std::thread::spawn(|| {
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        std::process::exit(0);
    });
    let listener = tokio::net::TcpListener::bind(&address).await.expect("the address is free");
    // Whoever started us asked for any free port.
    println!("{}", listener.local_addr().expect("it is bound"));
    axum::serve(listener, app.into_make_service_with_connect_info::<std::net::SocketAddr>())
        .await
        .expect("it serves");
}
