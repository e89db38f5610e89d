//! Everything that can go wrong on the way to AWS, on order: a proxy before the emulator that throttles, breaks, lies and
//! is slow, as told.

use std::io::Read;
use std::io::Write;
use std::net::Shutdown;
use std::net::TcpListener;
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::Mutex;
use std::time::Duration;

/// What happens to a request.
#[derive(Clone)]
pub(crate) enum Fault {
    /// This answer instead: status, content type, body.
    Answer(u16, &'static str, String),
    /// The connection ends without an answer.
    Reset,
    /// The headers promise the whole body, and the connection ends after this many bytes of it.
    Truncated(usize),
    /// The body comes in this many pieces with a pause between them.
    Slow(usize, Duration),
    /// The request is taken, and nothing comes, until the other side has had enough.
    Hang,
    /// The headers and this many bytes of the body come, and nothing more, with the connection left open.
    Stall(usize),
    /// The answer is changed, headers and body, as nothing that keeps its promises would.
    Changed(Arc<dyn Fn(Vec<u8>) -> Vec<u8> + Send + Sync>),
    /// One text of the answer is another.
    Edited(&'static str, &'static str),
    /// An answer made from the request's body: status 200, JSON.
    Made(Arc<dyn Fn(&str) -> String + Send + Sync>),
    /// This is done before the request goes on.
    First(Arc<dyn Fn() + Send + Sync>),
}

struct Rule {
    operation: &'static str,
    /// Requests that pass before it counts.
    after: u32,
    times: u32,
    fault: Fault,
}

/// A proxy on a port of its own.
#[derive(Clone)]
pub(crate) struct Faults {
    pub(crate) endpoint: String,
    rules: Arc<Mutex<Vec<Rule>>>,
    asked: Arc<Mutex<Vec<String>>>,
}

/// An error as S3 says it ("Error responses", Amazon S3 API Reference).
pub(crate) fn s3_error(status: u16, code: &str) -> Fault {
    let body = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Error><Code>{code}</Code><Message>{code}</Message></Error>"
    );
    Fault::Answer(status, "application/xml", body)
}

/// An error as services with JSON protocols say it.
pub(crate) fn json_error(status: u16, code: &str) -> Fault {
    let body = format!(r#"{{"__type":"{code}","message":"{code}"}}"#);
    Fault::Answer(status, "application/x-amz-json-1.1", body)
}

impl Faults {
    pub(crate) fn before(upstream: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let endpoint = format!("http://{}", listener.local_addr().expect("its address"));
        let faults = Self { endpoint, rules: Arc::default(), asked: Arc::default() };
        let (it, upstream) = (faults.clone(), upstream.to_owned());
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let (it, upstream) = (it.clone(), upstream.clone());
                std::thread::spawn(move || it.serve(client, &upstream));
            }
        });
        faults
    }

    /// Does this to an operation, so many times, after so many have passed.
    pub(crate) fn on(
        &self,
        operation: &'static str,
        after: u32,
        times: u32,
        fault: Fault,
    ) -> &Self {
        self.rules.lock().expect("rules").push(Rule { operation, after, times, fault });
        self
    }

    pub(crate) fn clear(&self) {
        self.rules.lock().expect("rules").clear();
        self.asked.lock().expect("requests").clear();
    }

    /// How often an operation was asked for.
    pub(crate) fn count(&self, operation: &str) -> usize {
        self.asked.lock().expect("requests").iter().filter(|it| *it == operation).count()
    }

    fn fault(&self, operation: &str, head: &str) -> Option<Fault> {
        let mut rules = self.rules.lock().expect("rules");
        let path = head.split(' ').nth(1).unwrap_or_default();
        let path = path.split('?').next().unwrap_or_default();
        // An operation, or an operation on one object.
        let meant = |it: &&mut Rule| match it.operation.split_once(' ') {
            Some((name, key)) => name == operation && path.ends_with(key),
            None => it.operation == operation,
        };
        for rule in rules.iter_mut().filter(meant) {
            if rule.after > 0 {
                rule.after -= 1;
                return None;
            }
            if rule.times > 0 {
                rule.times -= 1;
                return Some(rule.fault.clone());
            }
        }
        None
    }

    /// One request, one answer, and the end.
    fn serve(&self, mut client: TcpStream, upstream: &str) {
        let Some((head, body)) = request(&mut client) else { return };
        let operation = operation(&head);
        self.asked.lock().expect("requests").push(operation.clone());
        let fault = self.fault(&operation, &head);
        match &fault {
            Some(Fault::Reset) => {
                let _ = client.shutdown(Shutdown::Both);
                return;
            }
            Some(Fault::Hang) => {
                until_gone(&mut client);
                return;
            }
            Some(Fault::Answer(status, kind, body)) => {
                let length = body.len();
                let _ = write!(
                    client,
                    "HTTP/1.1 {status} x\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
                );
                return;
            }
            Some(Fault::Made(answer)) => {
                let body = answer(&String::from_utf8_lossy(&body));
                let length = body.len();
                let _ = write!(
                    client,
                    "HTTP/1.1 200 OK\r\nContent-Type: application/x-amz-json-1.1\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
                );
                return;
            }
            Some(Fault::First(act)) => act(),
            _ => {}
        }
        let Ok(mut server) = TcpStream::connect(upstream) else { return };
        let head: Vec<&str> =
            head.lines().filter(|it| !it.to_ascii_lowercase().starts_with("connection:")).collect();
        let _ = write!(server, "{}\r\nConnection: close\r\n\r\n", head.join("\r\n"));
        let _ = server.write_all(&body);
        let mut answer = Vec::new();
        let _ = server.read_to_end(&mut answer);
        let at =
            answer.windows(4).position(|it| it == b"\r\n\r\n").map_or(answer.len(), |it| it + 4);
        match fault {
            Some(Fault::Truncated(bytes)) => {
                let end = (at + bytes).min(answer.len());
                let _ = client.write_all(&answer[..end]);
            }
            Some(Fault::Stall(bytes)) => {
                let end = (at + bytes).min(answer.len());
                let _ = client.write_all(&answer[..end]);
                until_gone(&mut client);
            }
            Some(Fault::Changed(change)) => {
                let _ = client.write_all(&change(answer));
            }
            Some(Fault::Slow(pieces, pause)) => {
                let _ = client.write_all(&answer[..at]);
                let piece = ((answer.len() - at) / pieces.max(1)).max(1);
                for it in answer[at..].chunks(piece) {
                    std::thread::sleep(pause);
                    let _ = client.write_all(it);
                }
            }
            Some(Fault::Edited(from, to)) => {
                assert_eq!(from.len(), to.len(), "lengths are part of the answer");
                let text = String::from_utf8_lossy(&answer).replace(from, to);
                let _ = client.write_all(text.as_bytes());
            }
            _ => {
                let _ = client.write_all(&answer);
            }
        }
    }
}

/// Waits for the end of the connection.
fn until_gone(client: &mut TcpStream) {
    let mut buffer = [0; 64];
    while client.read(&mut buffer).is_ok_and(|it| it > 0) {}
}

/// An answer with a header taken off or another body, its length as it is then.
pub(crate) fn changed(
    without: &'static [&'static str],
    body: impl Fn(Vec<u8>) -> Vec<u8> + Send + Sync + 'static,
) -> Fault {
    Fault::Changed(Arc::new(move |answer| {
        let at = answer.windows(4).position(|it| it == b"\r\n\r\n").expect("a head") + 4;
        let body = body(answer[at..].to_vec());
        let head = String::from_utf8_lossy(&answer[..at - 4]).into_owned();
        let lines = head.lines().filter(|it| {
            let name = it.split(':').next().unwrap_or_default().to_ascii_lowercase();
            name != "content-length" && !without.iter().any(|it| name.starts_with(it))
        });
        let lines: Vec<&str> = lines.collect();
        let head = format!("{}\r\nContent-Length: {}\r\n\r\n", lines.join("\r\n"), body.len());
        [head.as_bytes(), &body].concat()
    }))
}

/// Head without its end, and body.
fn request(client: &mut TcpStream) -> Option<(String, Vec<u8>)> {
    let mut bytes = Vec::new();
    let mut buffer = [0; 8192];
    loop {
        if let Some(at) = bytes.windows(4).position(|it| it == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&bytes[..at]).into_owned();
            let length = head
                .lines()
                .find_map(|it| {
                    it.to_ascii_lowercase().strip_prefix("content-length:").map(str::to_owned)
                })
                .and_then(|it| it.trim().parse().ok())
                .unwrap_or(0);
            let mut body = bytes.split_off(at + 4);
            while body.len() < length {
                let used = client.read(&mut buffer).ok().filter(|it| *it > 0)?;
                body.extend_from_slice(&buffer[..used]);
            }
            return Some((head, body));
        }
        let used = client.read(&mut buffer).ok().filter(|it| *it > 0)?;
        bytes.extend_from_slice(&buffer[..used]);
    }
}

/// The name that the API Reference has for a request.
fn operation(head: &str) -> String {
    let target = head.lines().find_map(|it| {
        let (name, value) = it.split_once(':')?;
        name.eq_ignore_ascii_case("x-amz-target").then(|| value.trim().to_owned())
    });
    if let Some(it) = target {
        return it.rsplit('.').next().unwrap_or_default().to_owned();
    }
    let mut words = head.lines().next().unwrap_or_default().split(' ');
    let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let in_bucket = path.trim_matches('/').contains('/');
    match (method, in_bucket) {
        ("GET", false) if query.contains("list-type=2") => "ListObjectsV2",
        ("GET", false) if query.contains("versions") => "ListObjectVersions",
        ("GET", false) if query.contains("intelligent-tiering") => {
            "ListBucketIntelligentTieringConfigurations"
        }
        ("HEAD", false) => "HeadBucket",
        ("HEAD", true) => "HeadObject",
        ("GET", true) => "GetObject",
        ("POST", _) => "Query",
        _ => "other",
    }
    .to_owned()
}
