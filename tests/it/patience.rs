//! AWS that does not answer, stands still or refuses everything: waiting has an end, says so while it lasts, and says why it
//! ended. In this process, with limits that are as short as a test.

use std::sync::atomic::AtomicBool;
use std::time::Duration;

use aws_sdk_s3::config::Credentials;
use ssmtrail::archive::writer::Writer;
use ssmtrail::config::Access;
use ssmtrail::config::Origin;
use ssmtrail::config::Place;
use ssmtrail::config::SourceSpec;
use ssmtrail::source::aws::Connection;
use ssmtrail::source::patience::Limits;
use ssmtrail::source::s3::S3Source;
use ssmtrail::sync::Options;
use ssmtrail::sync::Progress;
use ssmtrail::sync::Summary;

use crate::faults::Fault;
use crate::faults::Faults;
use crate::faults::s3_error;
use crate::peer::Aws;
use crate::peer::REGION;
use crate::peer::address;
use crate::world::FOOTER;
use crate::world::HEADER;
use crate::world::NOW;

/// A hundredth of what is waited for in earnest, and less.
fn short() -> Limits {
    Limits {
        connect: Duration::from_secs(5),
        first_byte: Duration::from_millis(300),
        question: Duration::from_millis(900),
        stalled: Duration::from_millis(300),
        pause: Duration::from_millis(2),
        doubt: Duration::from_millis(300),
        end: Duration::from_millis(600),
        quiet: Duration::from_millis(100),
    }
}

/// Keeps what the person who waits was told.
#[derive(Default)]
struct Heard(Vec<String>);

impl Progress for Heard {
    fn waiting(&mut self, words: Option<&str>) {
        self.0.extend(words.map(str::to_owned));
    }
}

/// Syncs a bucket through a proxy, and tells what came of it.
fn sync(aws: &Aws, faults: &Faults, bucket: &str) -> (Summary, Vec<String>) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime");
    let place = Place::S3 { bucket: bucket.into(), prefix: String::new() };
    let spec = SourceSpec::of(place, Origin::Argument);
    let source = runtime.block_on(async {
        let sdk = aws_config::defaults(aws_config::BehaviorVersion::latest())
            .credentials_provider(Credentials::new("test", "test", None, None, "tests"))
            .region(aws_config::Region::new(REGION))
            .endpoint_url(&faults.endpoint)
            .load()
            .await;
        let connection = Connection::over(sdk, &Access::default(), short());
        S3Source::open(&spec, bucket, "", connection).await.expect("the bucket")
    });
    let mut writer = Writer::open(&aws.world.path("archive")).expect("an archive");
    let go_on = AtomicBool::new(false);
    let options = Options { now: NOW, threads: 2, stop: &go_on };
    let mut heard = Heard::default();
    let summary = ssmtrail::sync::sync(&runtime, &mut writer, &[&source], &options, &mut heard)
        .expect("a summary");
    runtime.shutdown_background();
    (summary, heard.0)
}

fn filled(aws: &Aws, many: u32) -> String {
    let body = format!("{HEADER}sh-4.2$ whoami\r\r\n{FOOTER}");
    let bucket = aws.bucket("acme-logs", &[]);
    for it in 0..many {
        aws.put(&bucket, &format!("alice-0{it:016x}.log"), body.as_bytes());
    }
    bucket
}

/// The reasons of failures, each once, with how many there are.
fn reasons(it: &Summary) -> Vec<(String, usize)> {
    let mut out: Vec<(String, usize)> = Vec::new();
    for it in &it.failed {
        match out.iter_mut().find(|one| one.0 == it.why) {
            Some(one) => one.1 += 1,
            None => out.push((it.why.clone(), 1)),
        }
    }
    out.sort();
    out
}

#[test]
fn an_answer_that_never_comes_is_asked_for_again_and_given_up() {
    let aws = Aws::new();
    let bucket = filled(&aws, 2);
    let faults = Faults::before(address());
    faults.on("GetObject", 0, 1, Fault::Hang);
    let (summary, _) = sync(&aws, &faults, &bucket);
    assert_eq!((summary.stored, summary.failed.len()), (2, 0), "once is no matter");

    let aws = Aws::new();
    let bucket = filled(&aws, 1);
    faults.clear();
    faults.on("GetObject", 0, 99, Fault::Hang);
    let (summary, heard) = sync(&aws, &faults, &bucket);
    assert_eq!(summary.stored, 0);
    let reasons = reasons(&summary);
    assert!(reasons[0].0.starts_with("AWS did not answer within "), "{reasons:?}");
    assert!(heard.iter().any(|it| it.starts_with("no good answer from AWS for ")), "{heard:?}");
}

#[test]
fn a_listing_that_never_comes_is_told_while_it_lasts_and_given_up() {
    let aws = Aws::new();
    let bucket = filled(&aws, 1);
    let faults = Faults::before(address());
    faults.on("ListObjectsV2", 0, 99, Fault::Hang);
    let (summary, heard) = sync(&aws, &faults, &bucket);
    assert!(summary.is_blind());
    assert!(
        summary.closed[0].why.starts_with("AWS did not answer within "),
        "{:?}",
        summary.closed
    );
    assert!(!heard.is_empty());
}

#[test]
fn a_body_that_stands_still_is_taken_up_again_and_given_up() {
    let large: String =
        (0..200_000).map(|it| format!("line {it} of a long listing\r\r\n")).collect();
    let large = format!("{HEADER}sh-4.2$ cat long\r\r\n{large}{FOOTER}");
    for (size, body) in [("small", format!("{HEADER}sh-4.2$ id\r\r\n{FOOTER}")), ("large", large)] {
        let aws = Aws::new();
        let bucket = aws.bucket("acme-logs", &[("alice-0123456789abcdef0.log", body.as_bytes())]);
        let faults = Faults::before(address());
        faults.on("GetObject", 0, 1, Fault::Stall(20));
        let (summary, _) = sync(&aws, &faults, &bucket);
        assert_eq!((summary.stored, reasons(&summary)), (1, vec![]), "{size}");

        let aws = Aws::new();
        let bucket = aws.bucket("acme-logs", &[("alice-0123456789abcdef0.log", body.as_bytes())]);
        faults.clear();
        faults.on("GetObject", 0, 99, Fault::Stall(20));
        let (summary, heard) = sync(&aws, &faults, &bucket);
        assert_eq!(summary.stored, 0, "{size}");
        let told: Vec<&str> = [&summary.failed, &summary.unlisted, &summary.closed]
            .iter()
            .flat_map(|it| it.iter().map(|it| it.why.as_str()))
            .collect();
        let word = "its bytes stopped coming";
        assert!(told.iter().any(|it| it.contains(word)), "{size}: {told:?}");
        assert!(
            heard.iter().any(|it| it.starts_with("no good answer from AWS for ")),
            "{size}: {heard:?}"
        );
    }
}

#[test]
fn a_service_that_refuses_everything_ends_the_source_and_says_so() {
    // Enough that most are left when the end is called, however fast each of the first fails.
    const MANY: usize = 600;
    for (name, fault, word) in [
        ("throttled", s3_error(503, "SlowDown"), "503 SlowDown"),
        ("failing", s3_error(500, "InternalError"), "500 InternalError"),
        ("hanging", Fault::Hang, "no answer in time"),
        ("standing still", Fault::Stall(0), "its bytes stopped coming"),
    ] {
        let aws = Aws::new();
        let bucket = filled(&aws, MANY as u32);
        let faults = Faults::before(address());
        faults.on("GetObject", 0, 99_999, fault);
        let (summary, heard) = sync(&aws, &faults, &bucket);
        let reasons = reasons(&summary);
        let end = format!("AWS gave no good answer to anything for more than 600 ms ({word})");
        // A body that stands still fails its own object, too, until the end is called.
        let ends = |it: &str| it.starts_with(word) || it.starts_with("AWS gave no good answer");
        let own = |it: &str| name == "standing still" && ends(it);
        let told: usize =
            reasons.iter().filter(|it| it.0 == end || own(&it.0)).map(|it| it.1).sum();
        assert!(told > 100, "{name}: {reasons:?}");
        assert_eq!(summary.failed.len(), MANY, "{name}");
        let asked = faults.count("GetObject");
        assert!(asked < MANY * 2, "{name}: asked {asked} times");
        assert!(summary.hints.iter().any(|it| it.contains("run the same command again later")));
        let heard_of = |it: &String| it.contains(word) || name == "standing still";
        assert!(heard.iter().any(heard_of), "{name}: {heard:?}");
        // When it is well again, the next run brings everything.
        faults.clear();
        let (summary, _) = sync(&aws, &faults, &bucket);
        assert_eq!(summary.stored, MANY as u64, "{name}");
    }
}

#[test]
fn one_object_that_always_fails_ends_nothing() {
    for fault in [s3_error(500, "InternalError"), Fault::Hang, Fault::Stall(9)] {
        let aws = Aws::new();
        let bucket = filled(&aws, 60);
        let faults = Faults::before(address());
        faults.on("GetObject alice-00000000000000007.log", 0, 999, fault);
        let (summary, _) = sync(&aws, &faults, &bucket);
        assert_eq!((summary.stored, summary.failed.len()), (59, 1), "{:?}", reasons(&summary));
    }
}
