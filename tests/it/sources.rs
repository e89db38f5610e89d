//! One suite over every kind of source: a folder, a bucket and a log group are equal citizens.

use crate::logs::hours_ago;
use crate::peer::Aws;
use crate::world::FOOTER;
use crate::world::HEADER;

/// A place that a test can fill.
trait Shelf {
    fn aws(&self) -> &Aws;
    /// How it is named on the command line.
    fn place(&self) -> String;
    /// A session's transcript, as this place keeps it.
    fn put(&self, session: &str, lines: &[&str]);
    /// What is no transcript.
    fn put_other(&self);
}

struct Folder(Aws);
struct Bucket(Aws, String);
struct Group(Aws, String);

fn file(lines: &[&str]) -> String {
    let body: String = lines.iter().map(|it| format!("{it}\r\r\n")).collect();
    format!("{HEADER}{body}{FOOTER}")
}

impl Shelf for Folder {
    fn aws(&self) -> &Aws {
        &self.0
    }
    fn place(&self) -> String {
        self.0.world.path("logs").display().to_string()
    }
    fn put(&self, session: &str, lines: &[&str]) {
        self.0.world.file(&format!("logs/{session}.log"), file(lines).as_bytes());
    }
    fn put_other(&self) {
        self.0.world.file("logs/logo.png", b"\x89PNG\r\n\x1a\n");
    }
}

impl Shelf for Bucket {
    fn aws(&self) -> &Aws {
        &self.0
    }
    fn place(&self) -> String {
        format!("s3://{}", self.1)
    }
    fn put(&self, session: &str, lines: &[&str]) {
        self.0.put(&self.1, &format!("{session}.log"), file(lines).as_bytes());
    }
    fn put_other(&self) {
        self.0.put(&self.1, "logo.png", b"\x89PNG\r\n\x1a\n");
    }
}

impl Shelf for Group {
    fn aws(&self) -> &Aws {
        &self.0
    }
    fn place(&self) -> String {
        format!("logs:{}", self.1)
    }
    fn put(&self, session: &str, lines: &[&str]) {
        // The agent folds line ends and takes the last one off.
        let text = file(lines).replace("\r\r\n", "\r\n");
        self.0.events(&self.1, session, &[(hours_ago(30), text.trim_end().to_owned())]);
    }
    fn put_other(&self) {
        self.0.events(&self.1, "worker", &[(hours_ago(30), "started".into())]);
    }
}

fn every_kind(check: impl Fn(&dyn Shelf)) {
    check(&Folder(Aws::new()));
    let aws = Aws::new();
    let bucket = aws.bucket("shelf", &[]);
    check(&Bucket(aws, bucket));
    let aws = Aws::new();
    let group = aws.group("shelf");
    check(&Group(aws, group));
}

const ALICE: &str = "alice-0123456789abcdef0";
const BOB: &str = "bob-0123456789abcdef1";

fn commands(it: &dyn Shelf) -> String {
    it.aws().run("query -e 'SELECT session_id, command FROM commands ORDER BY session_id, seq' --format csv").0
}

#[test]
fn what_is_there_is_archived_and_said_in_a_sum_that_adds_up() {
    every_kind(|it| {
        it.put(ALICE, &["sh-4.2$ whoami", "ssm-user", "sh-4.2$ uptime"]);
        it.put(BOB, &["sh-4.2$ id"]);
        it.put_other();
        let said = it.aws().run(&format!("sync {}", it.place())).0;
        let sum = "listed 3 = stored 2 + held 0 + skipped 1 + failed 0\n";
        assert!(said.contains(sum) && !said.contains("[exit"), "{}: {said}", it.place());
        let wanted = format!("session_id,command\n{ALICE},whoami\n{ALICE},uptime\n{BOB},id\n");
        assert_eq!(commands(it), wanted, "{}", it.place());
    });
}

#[test]
fn a_second_run_stores_nothing_and_what_came_meanwhile_is_found() {
    every_kind(|it| {
        it.put(BOB, &["sh-4.2$ id"]);
        it.aws().run(&format!("sync {}", it.place()));
        let said = it.aws().run(&format!("sync {}", it.place())).0;
        assert!(said.contains("listed 1 = stored 0 + held 1"), "{}: {said}", it.place());
        it.put(ALICE, &["sh-4.2$ whoami"]);
        let said = it.aws().run(&format!("sync {}", it.place())).0;
        assert!(said.contains("listed 2 = stored 1 + held 1"), "{}: {said}", it.place());
        let wanted = format!("session_id,command\n{ALICE},whoami\n{BOB},id\n");
        assert_eq!(commands(it), wanted, "{}", it.place());
    });
}

#[test]
fn an_empty_place_is_a_no_and_a_missing_one_could_not_be_asked() {
    every_kind(|it| {
        std::fs::create_dir_all(it.aws().world.path("logs")).unwrap();
        let said = it.aws().run(&format!("sync {}", it.place())).0;
        assert!(said.ends_with("is it the right place?\n[exit 1]\n"), "{}: {said}", it.place());
        let said = it.aws().run(&format!("sync {}-gone", it.place())).0;
        assert!(said.ends_with("[exit 2]\n"), "{}: {said}", it.place());
    });
}

#[test]
fn the_archive_proves_itself_whatever_it_was_filled_from() {
    every_kind(|it| {
        it.put(ALICE, &["sh-4.2$ whoami"]);
        it.aws().run(&format!("sync {}", it.place()));
        assert!(it.aws().run("archive verify").0.starts_with("sound"), "{}", it.place());
        let before = commands(it);
        it.aws().run("archive rebuild");
        assert_eq!(commands(it), before, "{}", it.place());
    });
}

#[test]
fn all_kinds_in_one_run_make_one_session_of_all_its_copies() {
    let aws = Aws::new();
    let (bucket, group) = (aws.bucket("shelf", &[]), aws.group("shelf"));
    let place = format!("sync s3://{bucket} logs:{group} {}", aws.world.path("logs").display());
    let bucket = Bucket(aws, bucket);
    bucket.put(ALICE, &["sh-4.2$ whoami", "ssm-user"]);
    let group = Group(bucket.0, group);
    group.put(ALICE, &["sh-4.2$ whoami", "ssm-user"]);
    let folder = Folder(group.0);
    folder.put(ALICE, &["sh-4.2$ whoami", "ssm-user"]);
    let said = folder.0.run(&place).0;
    assert!(said.contains("listed 3 = stored 3"), "{said}");
    assert_eq!(commands(&folder), format!("session_id,command\n{ALICE},whoami\n"));
    let sessions = folder
        .0
        .run("query -e 'SELECT transcripts, account_id, region FROM sessions' --format csv")
        .0;
    assert_eq!(sessions, "transcripts,account_id,region\n3,123456789012,us-east-1\n");
}
