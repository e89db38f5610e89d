//! A real AWS emulator beside the tests: built from `tests/peer`, started once, gone when the tests are.

use std::io::BufRead;
use std::io::BufReader;
use std::path::Path;
use std::process::Child;
use std::process::Command;
use std::process::Stdio;
use std::sync::Mutex;
use std::sync::OnceLock;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering;

use aws_sdk_cloudwatchlogs as logs;
use aws_sdk_s3 as s3;
use aws_sdk_s3::config::Credentials;
use aws_sdk_s3::config::Region;

use crate::needs::faketime;
use crate::needs::target;
use crate::world::Said;
use crate::world::World;
use crate::world::words;

/// Region of everything that a test does not put elsewhere.
pub(crate) const REGION: &str = "us-east-1";
/// Account of the emulator's own credentials.
pub(crate) const ACCOUNT: &str = "123456789012";

struct Peer {
    address: String,
    /// Its standard input ends with us, and it with that.
    _process: Child,
}

fn peer() -> &'static Peer {
    static PEER: OnceLock<Peer> = OnceLock::new();
    PEER.get_or_init(|| start(&[]))
}

fn start(environment: &[(&str, &str)]) -> Peer {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/peer/Cargo.toml");
    let folder = target().join("peer");
    let built = Command::new(env!("CARGO"))
        .args(["build", "--locked", "--quiet", "--manifest-path"])
        .arg(&manifest)
        .arg("--target-dir")
        .arg(&folder)
        .status()
        .expect("cargo runs");
    assert!(built.success(), "the emulator in tests/peer is built");
    let mut process = Command::new(folder.join("debug/awspeer"))
        .arg("127.0.0.1:0")
        .envs(environment.iter().copied())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the emulator starts");
    let mut address = String::new();
    let out = process.stdout.take().expect("its standard output");
    BufReader::new(out).read_line(&mut address).expect("its address");
    Peer { address: address.trim().to_owned(), _process: process }
}

/// An emulator whose clock is sixty days behind, and may be set right by writing `+0` into the file. It keeps what is
/// too old for one with a right clock.
pub(crate) fn aged(clock: &Path) -> String {
    static PEERS: Mutex<Vec<Peer>> = Mutex::new(Vec::new());
    let library = faketime();
    std::fs::write(clock, "-60d").expect("the clock is set");
    let peer = start(&[
        ("FAKETIME_TIMESTAMP_FILE", clock.to_str().expect("a path")),
        ("FAKETIME_NO_CACHE", "1"),
        ("FAKETIME_DONT_FAKE_MONOTONIC", "1"),
        ("LD_PRELOAD", library.to_str().expect("a path")),
    ]);
    let address = peer.address.clone();
    PEERS.lock().expect("the emulators").push(peer);
    address
}

/// Where requests go when nothing stands between.
pub(crate) fn address() -> &'static str {
    &peer().address
}

pub(crate) fn block_on<T>(it: impl Future<Output = T>) -> T {
    static RUNTIME: OnceLock<tokio::runtime::Runtime> = OnceLock::new();
    let runtime = RUNTIME.get_or_init(|| tokio::runtime::Runtime::new().expect("a runtime"));
    runtime.block_on(it)
}

/// An account in AWS, and a person's machine from which it is reached.
pub(crate) struct Aws {
    pub(crate) world: World,
    key: String,
    secret: String,
    /// Where the program sends its requests: the emulator, or a proxy before it.
    pub(crate) endpoint: String,
    /// Where the emulator is, for filling it.
    emulator: String,
    pub(crate) environment: Vec<(String, String)>,
    /// Part of every name, so that tests do not meet; always as long, so that tables keep their widths.
    pub(crate) tag: String,
}

impl Aws {
    pub(crate) fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let tag = format!("t{:03}", COUNT.fetch_add(1, Ordering::Relaxed));
        Self {
            world: World::new(),
            key: "test".into(),
            secret: "test".into(),
            endpoint: format!("http://{}", address()),
            emulator: address().to_owned(),
            environment: Vec::new(),
            tag,
        }
    }

    /// In another emulator, of another make.
    pub(crate) fn at(emulator: &str) -> Self {
        let mut aws = Self::new();
        aws.emulator = emulator.to_owned();
        aws.endpoint = format!("http://{emulator}");
        aws
    }

    pub(crate) fn ecs(&self) -> aws_sdk_ecs::Client {
        let config = aws_sdk_ecs::Config::builder()
            .behavior_version_latest()
            .region(aws_sdk_ecs::config::Region::new(REGION))
            .endpoint_url(format!("http://{}", self.emulator))
            .credentials_provider(self.credentials());
        aws_sdk_ecs::Client::from_conf(config.build())
    }

    /// As an administrator of another account.
    pub(crate) fn in_account(mut self, account: &str) -> Self {
        let body = format!(r#"{{"accountId":"{account}"}}"#);
        let answer = post("/_peer/admin", &body);
        let it: serde_json::Value = serde_json::from_str(&answer).expect("an access key");
        self.key = it["accessKeyId"].as_str().expect("its id").to_owned();
        self.secret = it["secretAccessKey"].as_str().expect("its secret").to_owned();
        self
    }

    /// A name that no other test has.
    pub(crate) fn name(&self, name: &str) -> String {
        format!("{name}-{}", self.tag)
    }

    pub(crate) fn credentials(&self) -> Credentials {
        Credentials::new(&self.key, &self.secret, None, None, "tests")
    }

    /// Straight to the emulator, whatever stands before it for the program.
    pub(crate) fn s3(&self) -> s3::Client {
        let config = s3::Config::builder()
            .behavior_version_latest()
            .region(Region::new(REGION))
            .endpoint_url(format!("http://{}", self.emulator))
            .force_path_style(true)
            .credentials_provider(self.credentials());
        s3::Client::from_conf(config.build())
    }

    pub(crate) fn logs(&self) -> logs::Client {
        let config = logs::Config::builder()
            .behavior_version_latest()
            .region(Region::new(REGION))
            .endpoint_url(format!("http://{}", self.emulator))
            .credentials_provider(self.credentials());
        logs::Client::from_conf(config.build())
    }

    /// A bucket with these objects; its name is made this test's own.
    pub(crate) fn bucket(&self, name: &str, objects: &[(&str, &[u8])]) -> String {
        let bucket = self.name(name);
        block_on(async {
            self.s3().create_bucket().bucket(&bucket).send().await.expect("a bucket made");
        });
        for (key, bytes) in objects {
            self.put(&bucket, key, bytes);
        }
        bucket
    }

    pub(crate) fn put(&self, bucket: &str, key: &str, bytes: &[u8]) {
        block_on(async {
            let put = self.s3().put_object().bucket(bucket).key(key).body(bytes.to_vec().into());
            put.send().await.expect("an object put");
        });
    }

    pub(crate) fn group(&self, name: &str) -> String {
        let group = self.name(name);
        block_on(async {
            self.logs().create_log_group().log_group_name(&group).send().await.expect("a group");
        });
        group
    }

    /// Events behind those of a stream, which is made if there is none. Times in milliseconds.
    pub(crate) fn events(&self, group: &str, stream: &str, events: &[(i64, String)]) {
        block_on(async {
            let client = self.logs();
            let _ = client
                .create_log_stream()
                .log_group_name(group)
                .log_stream_name(stream)
                .send()
                .await;
            for some in events.chunks(1000) {
                let mut put = client.put_log_events().log_group_name(group).log_stream_name(stream);
                for (at, message) in some {
                    let event =
                        logs::types::InputLogEvent::builder().timestamp(*at).message(message);
                    put = put.log_events(event.build().expect("an event"));
                }
                put.send().await.expect("events put");
            }
        });
    }

    /// Plays one command line with the real program, and tells standard output, standard error and exit code.
    pub(crate) fn run(&self, line: &str) -> Said {
        self.program(&words(line), &[])
    }

    /// The same in another world: its archive, its configuration.
    pub(crate) fn run_in(&self, world: &World, line: &str) -> Said {
        let mut command = self.command(&words(line));
        command.current_dir(world.path(".")).env("HOME", world.path("."));
        let out = command.env("SSMTRAIL_ARCHIVE", world.path("archive")).output().expect("it runs");
        Said(String::from_utf8_lossy(&out.stderr).into_owned())
    }

    pub(crate) fn ssm(&self, region: &str) -> aws_sdk_ssm::Client {
        let config = aws_sdk_ssm::Config::builder()
            .behavior_version_latest()
            .region(aws_sdk_ssm::config::Region::new(region.to_owned()))
            .endpoint_url(format!("http://{}", self.emulator))
            .credentials_provider(self.credentials());
        aws_sdk_ssm::Client::from_conf(config.build())
    }

    /// A Session document with these inputs.
    pub(crate) fn document(&self, region: &str, name: &str, inputs: serde_json::Value) {
        let content = serde_json::json!({
            "schemaVersion": "1.0",
            "description": "where sessions go",
            "sessionType": "Standard_Stream",
            "inputs": inputs,
        });
        let create = self
            .ssm(region)
            .create_document()
            .name(name)
            .document_type(aws_sdk_ssm::types::DocumentType::Session)
            .document_format(aws_sdk_ssm::types::DocumentFormat::Json)
            .content(content.to_string());
        block_on(create.send()).expect("a document");
    }

    /// What AWS answers to this account, and in one Region if one is named: no emulator here has the operation.
    pub(crate) fn canned(
        &self,
        target: &str,
        region: &str,
        member: &str,
        items: serde_json::Value,
    ) {
        let scope = match region {
            "" => format!("{}/", self.key),
            // The scope of a signature is key, day, Region, service.
            _ => format!("/{region}/"),
        };
        let body = serde_json::json!({ "target": target, "scope": scope, "member": member, "items": items });
        assert_eq!(post("/_peer/canned", &body.to_string()), "{}");
    }

    /// What this account's key has asked for, as JSON: service, operation (or method and path), how often.
    pub(crate) fn asked(&self) -> String {
        post("/_peer/asked", &serde_json::json!({ "key": self.key }).to_string())
    }

    /// The same for an answer that is no list.
    pub(crate) fn canned_whole(&self, target: &str, region: &str, answer: serde_json::Value) {
        let scope = format!("/{region}/");
        let body = serde_json::json!({ "target": target, "scope": scope, "whole": answer });
        assert_eq!(post("/_peer/canned", &body.to_string()), "{}");
    }

    /// The same for an operation of the Query protocol, in every Region of this account.
    pub(crate) fn canned_whole_for(&self, action: &str, answer: serde_json::Value) {
        let scope = format!("{}/", self.key);
        let body = serde_json::json!({ "target": action, "scope": scope, "whole": answer });
        assert_eq!(post("/_peer/canned", &body.to_string()), "{}");
    }

    /// A role that anybody may assume who knows the external id.
    pub(crate) fn role(&self, name: &str, external_id: Option<&str>) {
        let condition = external_id.map_or(String::new(), |it| {
            format!(r#","Condition":{{"StringEquals":{{"sts:ExternalId":"{it}"}}}}"#)
        });
        let trust = format!(
            r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"AWS":"*"}},"Action":"sts:AssumeRole"{condition}}}]}}"#
        );
        let body = serde_json::json!({ "accountId": self.key.trim_start_matches("AKIAPEER"), "name": name, "trust": trust });
        assert_eq!(post("/_peer/role", &body.to_string()), "{}");
    }

    pub(crate) fn command(&self, words: &[String]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ssmtrail"));
        command
            .env_clear()
            .env("HOME", self.world.path("."))
            .env("PATH", "/usr/bin:/bin")
            .env("AWS_ACCESS_KEY_ID", &self.key)
            .env("AWS_SECRET_ACCESS_KEY", &self.secret)
            .env("AWS_REGION", REGION)
            .env("AWS_ENDPOINT_URL", &self.endpoint)
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .env("AWS_CONFIG_FILE", self.world.path("aws-config"))
            .env("AWS_SHARED_CREDENTIALS_FILE", self.world.path("aws-credentials"))
            .envs(self.environment.iter().map(|it| (&it.0, &it.1)))
            .env("SSMTRAIL_ARCHIVE", self.world.path("archive"))
            .args(words)
            .current_dir(self.world.path("."))
            .stdin(Stdio::null());
        command
    }

    pub(crate) fn program(&self, words: &[String], environment: &[(&str, &str)]) -> Said {
        let out = self.command(words).envs(environment.iter().copied()).output().expect("it runs");
        let mut said = String::from_utf8_lossy(&out.stdout).into_owned();
        // What only says how long something lasts comes and goes with the load of the machine.
        let lasts = |it: &&str| !it.starts_with("still asking about ");
        for line in String::from_utf8_lossy(&out.stderr).lines().filter(lasts) {
            said.push_str(&format!("! {line}\n"));
        }
        match out.status.code() {
            Some(0) => {}
            Some(code) => said.push_str(&format!("[exit {code}]\n")),
            None => said.push_str("[killed]\n"),
        }
        let here = self.world.path(".").canonicalize().expect("this world");
        let said =
            said.replace(&format!("{}/", here.display()), "").replace(&self.endpoint, "ENDPOINT");
        let tags = regex::Regex::new(r"-t[0-9]+\b").expect("a pattern");
        Said(headless(&undated(&tags.replace_all(&said, ""))))
    }
}

/// The program's own clock is the world's: what it writes of today says DATE.
pub(crate) fn undated(text: &str) -> String {
    let day = regex::Regex::new(r"learned \d{4}-\d\d-\d\d").expect("a pattern");
    day.replace_all(text, "learned DATE").into_owned()
}

/// A digest is taken over the names of this world's folder and the hour, too.
pub(crate) fn headless(text: &str) -> String {
    let head = regex::Regex::new(r"\b([0-9]+:)[0-9a-f]{64}\b").expect("a pattern");
    head.replace_all(text, "${1}…").into_owned()
}

/// Asks a route of the emulator's own.
pub(crate) fn post(path: &str, body: &str) -> String {
    let answer = send(address(), path, "Content-Type: application/json\r\n", body);
    answer.split("\r\n\r\n").nth(1).unwrap_or_default().to_owned()
}

/// Sets something up by the Query protocol, unsigned: the emulators here look at the scope alone.
pub(crate) fn query(aws: &Aws, region: &str, service: &str, words: &[(&str, &str)]) -> String {
    let escape = |it: &str| {
        it.bytes()
            .map(|it| match it.is_ascii_alphanumeric() {
                true => char::from(it).to_string(),
                false => format!("%{it:02X}"),
            })
            .collect::<String>()
    };
    let body: Vec<String> =
        words.iter().map(|it| format!("{}={}", escape(it.0), escape(it.1))).collect();
    let headers = format!(
        "Content-Type: application/x-www-form-urlencoded\r\nX-Amz-Date: 20261123T000000Z\r\nAuthorization: AWS4-HMAC-SHA256 Credential={}/20261123/{region}/{service}/aws4_request, SignedHeaders=host, Signature=0\r\n",
        aws.key
    );
    send(&aws.emulator, "/", &headers, &body.join("&"))
}

fn send(to: &str, path: &str, headers: &str, body: &str) -> String {
    use std::io::Read;
    use std::io::Write;
    let mut stream = std::net::TcpStream::connect(to).expect("the emulator");
    let length = body.len();
    write!(
        stream,
        "POST {path} HTTP/1.1\r\nHost: peer\r\n{headers}Content-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    )
    .expect("asked");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("answered");
    answer
}

/// The event that a streaming agent writes.
/// Source: amazon-ssm-agent: agent/agentlogstocloudwatch/cloudwatchlogspublisher/cloudwatchlogsservice.go.
pub(crate) fn streamed(account: &str, session: &str, at: i64, lines: &[&str]) -> (i64, String) {
    let time = chrono::DateTime::from_timestamp_millis(at).expect("a time");
    let owner = session.rsplit_once('-').map_or(session, |it| it.0);
    let event = serde_json::json!({
        "eventVersion": "1.0",
        "eventTime": time.to_rfc3339_opts(chrono::SecondsFormat::Secs, true),
        "awsRegion": REGION,
        "target": { "id": "i-0123456789abcdef0" },
        "userIdentity": { "arn": format!("arn:aws:sts::{account}:assumed-role/Ops/{owner}") },
        "runAsUser": "ssm-user",
        "sessionId": session,
        "sessionData": lines,
    });
    (at, event.to_string())
}
