//! The audit report: the same facts in every form, the same bytes every time, and a clear word where it cannot be.

use std::collections::BTreeMap;
use std::path::Path;

use expect_test::expect;
use expect_test::expect_file;
use serde_json::Value;
use ssmtrail::archive::Archive;
use ssmtrail::render::report::Language;
use ssmtrail::render::report::Paper;
use ssmtrail::render::report::html;
use ssmtrail::render::report::text;
use ssmtrail::report;
use ssmtrail::report::ReportedCommand;
use ssmtrail::report::Scope;
use ssmtrail::secrets::Masker;
use ssmtrail::time::Zone;

use crate::hostile;
use crate::judging::sound;
use crate::needs::python;
use crate::world::FOOTER;
use crate::world::HEADER;
use crate::world::World;

const FORMS: [&str; 7] = ["html", "md", "json", "csv", "sessions.csv", "evidence.csv", "xlsx"];

fn bytes(world: &World, stem: &str) -> BTreeMap<&'static str, Vec<u8>> {
    let take = |form: &&'static str| {
        (*form, std::fs::read(world.path(&format!("{stem}.{form}"))).expect("a form"))
    };
    FORMS.iter().map(take).collect()
}

fn read(world: &World, name: &str) -> String {
    std::fs::read_to_string(world.path(name)).expect("a text")
}

fn json(world: &World, name: &str) -> Value {
    serde_json::from_str(&read(world, name)).expect("JSON")
}

#[test]
fn a_report_is_a_page_and_its_twins() {
    let world = World::with_demo();
    world.run("report").is(expect![[r#"
        ssmtrail-report.html
        ssmtrail-report.md
        ssmtrail-report.json
        ssmtrail-report.csv
        ssmtrail-report.sessions.csv
        ssmtrail-report.evidence.csv
        ssmtrail-report.xlsx
        ! note: 1 secret is masked; --reveal shows it
        ! 7 sessions, 109 commands, 9 of them notable
    "#]]);
    world.run("report --owner alice -o alice.html").is(expect![[r#"
        alice.html
        ! 1 session, 21 commands, 1 of them notable
    "#]]);
    world.run("report --format json,csv -o rows").is(expect![[r#"
        rows.json
        rows.csv
        rows.sessions.csv
        rows.evidence.csv
        ! note: 1 secret is masked; --reveal shows it
        ! 7 sessions, 109 commands, 9 of them notable
    "#]]);
}

#[test]
fn markdown_tells_the_demo_in_plain_words() {
    let world = World::with_demo();
    for (lang, name) in [("en", "report.md"), ("ja", "report.ja.md")] {
        let out = world
            .run(&format!("report --format md -o - --lang {lang} --target i-0b1d8de9e3b8f40ca"))
            .0;
        let path = format!("{}/tests/answers/{name}", env!("CARGO_MANIFEST_DIR"));
        expect_file![path].assert_eq(&out);
    }
}

#[test]
fn the_same_transcripts_make_the_same_bytes_in_whatever_order_they_came() {
    let world = World::with_demo();
    world.run("report -o one");
    world.run("report -o again");
    std::fs::rename(world.path("archive"), world.path("first")).expect("the first archive");
    world.salted();
    let mut names: Vec<_> = std::fs::read_dir(world.path("logs"))
        .expect("logs")
        .map(|it| it.expect("an entry").file_name().to_string_lossy().into_owned())
        .collect();
    names.sort_unstable_by(|one, other| other.cmp(one));
    // One by one, backwards, and some twice.
    for name in &names {
        world.run(&format!("sync logs/{name}"));
    }
    world.run("sync logs");
    world.run("report -o other");
    let (one, again, other) =
        (bytes(&world, "one"), bytes(&world, "again"), bytes(&world, "other"));
    // The head of the chain names one archive, and so the order; all else does not.
    let head = regex::bytes::Regex::new("[0-9]+:[0-9a-f]{64}").expect("a pattern");
    let headless = |it: &[u8]| head.replace_all(it, &b"HEAD"[..]).into_owned();
    for form in FORMS {
        assert!(one[form] == again[form], "{form} differs from itself");
        assert!(
            headless(&one[form]) == headless(&other[form]),
            "{form} tells the order of reading"
        );
    }
}

#[test]
fn every_form_says_as_much() {
    let world = World::with_demo();
    std::fs::write(world.path("survey.json"), sound().to_string()).expect("a survey");
    world.run("report -o all --survey survey.json --promise pci-4.0.1");
    let told = json(&world, "all.json");
    for name in ["commands", "sessions", "evidence", "findings"] {
        let file = match name {
            "commands" => "all.csv".to_owned(),
            it => format!("all.{it}.csv"),
        };
        let rows = csv::Reader::from_reader(read(&world, &file).as_bytes()).into_records().count();
        let many = told[name].as_array().map_or(0, Vec::len);
        assert_eq!(rows, many, "{name}");
        assert!(many > 0, "{name}");
    }
    let page = read(&world, "all.html");
    for it in ["PCI DSS", "S3-RET-01", "sudo su -"] {
        assert!(page.contains(it) || told.to_string().contains(it), "{it}");
    }
}

#[test]
fn an_empty_window_is_a_report_that_says_so() {
    let world = World::with_demo();
    world.run("report --from 2020-01-01 --to 2020-02-01 -o none.md").is(expect![[r#"
        none.md
        ! window: 2020-01-01 00:00:00Z to 2020-02-01 00:00:00Z
        ! no session matches; the report says so
        [exit 1]
    "#]]);
    assert!(read(&world, "none.md").contains("No session of the archive lies in this window"));
}

#[test]
fn what_cannot_be_done_is_said_and_nothing_is_half_written() {
    let world = World::with_demo();
    world.run("report --owner alcie -o x").is(expect![[r#"
        ! ssmtrail: no session of the archive has an owner like alcie
        ! hint: the nearest are alice, mallory, dan@example.com, bob.tanaka@example.com, haruka.sato@example.com
        [exit 2]
    "#]]);
    // The filter knows small letters from capitals, so this would find nothing.
    world.run("report --owner ALICE -o x").is(expect![[r#"
        ! ssmtrail: no session of the archive has an owner like ALICE
        ! hint: the nearest are alice, mallory, dan@example.com, bob.tanaka@example.com, haruka.sato@example.com
        [exit 2]
    "#]]);
    world.run("report --account 999999999999 -o x").is(expect![[r#"
        ! ssmtrail: no session of the archive has an account like 999999999999
        ! hint: the nearest are 111122223333, 444455556666
        [exit 2]
    "#]]);
    world.run("report -o there.html");
    let before = read(&world, "there.html");
    world.run("report -o there").is(expect![[r#"
        ! ssmtrail: there.html exists
        ! hint: --force writes over it; -o names another
        [exit 2]
    "#]]);
    world.run("report -o there.html --since 1d").is(expect![[r#"
        ! ssmtrail: there.html exists
        ! hint: --force writes over it; -o names another
        [exit 2]
    "#]]);
    assert_eq!(read(&world, "there.html"), before);
    assert!(!world.path("there.md").exists());
    world.run("report -o there.html --owner carol --force").is(expect![[r#"
        there.html
        ! 1 session, 13 commands, 1 of them notable
    "#]]);
    assert_ne!(read(&world, "there.html"), before);
    world.run("report -o there.html --format md").is(expect![[r#"
        ! ssmtrail: there.html ends like html, and --format names another form
        ! hint: leave the ending out, and each form gets its own
        [exit 2]
    "#]]);
    world.run("report -o -").is(expect![[r#"
        ! ssmtrail: standard output takes one form of one file
        ! hint: say which: --format html, md, json or xlsx
        [exit 2]
    "#]]);
    world.run("report -o nowhere/report").is(expect![[r#"
        ! ssmtrail: there is no folder nowhere
        ! hint: make it first: mkdir -p nowhere
        [exit 2]
    "#]]);
    world.run("report --promise pci-4.0.1").is(expect![[r#"
        ! error: the following required arguments were not provided:
        !   --survey <FILE>
        ! 
        ! Usage: ssmtrail report --survey <FILE> --promise <PROFILE>
        ! 
        ! For more information, try '--help'.
        [exit 2]
    "#]]);
}

#[test]
fn a_part_of_the_archive_that_is_gone_or_damaged_is_named_in_the_limits() {
    for (table, what) in [("commands", "gone"), ("lines", "damaged")] {
        let world = World::with_demo();
        let path = walkdir::WalkDir::new(world.path("archive").join(table))
            .sort_by_file_name()
            .into_iter()
            .filter_map(Result::ok)
            .find(|it| it.file_type().is_file())
            .expect("a part")
            .into_path();
        match what {
            "gone" => std::fs::remove_file(&path).expect("it goes"),
            _ => std::fs::write(&path, b"PAR1 no longer PAR1").expect("it breaks"),
        }
        let said = world.run("report -o it").0;
        assert!(said.contains("unreadable: ") && said.contains("[exit 3]"), "{said}");
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        for form in ["html", "md"] {
            let text = read(&world, &format!("it.{form}"));
            assert!(text.contains(&name), "{form} does not name {name}");
            assert!(text.contains("could not be read"), "{form}");
        }
        assert_eq!(json(&world, "it.json")["complete"], false);
    }
}

#[test]
fn a_year_of_a_hundred_thousand_sessions_is_a_page_below_30_mb_that_says_what_it_leaves_out() {
    let world = World::with_demo();
    let asked = Archive::ask(&world.path("archive"), |archive| {
        let mut masker = Masker::new([7; 32]);
        let mut report = report::gather(archive, Scope::default(), &mut masker)?;
        let played = report::played(archive, &mut report, &mut masker, 4_000_000);
        Ok((report, played))
    });
    let (mut report, played) = asked.expect("a report").answer;
    let (sessions, commands) = (report.sessions.clone(), report.commands.clone());
    let many = sessions.len();
    for nth in many..100_000 {
        let mut it = sessions[nth % many].clone();
        it.session_id = format!("{}-{nth:017x}", it.owner.as_deref().unwrap_or("x"));
        report.sessions.push(it);
        for it in commands.iter().filter(|it| it.session == nth % many).take(8) {
            report.commands.push(ReportedCommand { session: nth, ..it.clone() });
        }
    }
    let paper = Paper::new(&report, None, &played, Language::English, Zone::Utc);
    let page = html(&paper);
    assert!(page.len() < 30_000_000, "{}", page.len());
    assert!(page.len() > 15_000_000, "{}: there was room for more", page.len());
    let all = String::from(ssmtrail::text::count(report.commands.len() as u64));
    assert!(page.contains(&format!(" of {all}, the notable first; all of them are in the CSV")));
    let mut rows = Vec::new();
    text::csv(&paper, 0, &mut rows).expect("the twin");
    let lines = csv::Reader::from_reader(rows.as_slice()).into_records().count();
    assert_eq!(lines, report.commands.len());
}

const KEY: &str = "AKIAQYLPMN5HHHFPZAM2";
const PASSWORD: &str = "hunter2-Tr0ub4dor";

/// A session with secrets in it, archived.
fn secretive() -> World {
    let world = World::new();
    world.transcript(
        "logs/zoe-0123456789abcdef0.log",
        &[
            &format!("sh-4.2$ export AWS_ACCESS_KEY_ID={KEY}"),
            &format!("sh-4.2$ mysql -u root -p{PASSWORD} -h db"),
            &format!("sh-4.2$ curl -H 'X-Key: {KEY}' https://example.com | sh"),
            "sh-4.2$ exit",
        ],
    );
    world.run("sync logs");
    world
}

#[test]
#[ignore = "needs Python and openpyxl"]
fn the_spreadsheet_shows_no_secret() {
    let world = secretive();
    world.run("report -o masked.xlsx");
    let cells = cells(&world.path("masked.xlsx"));
    assert!(cells.contains("mysql") && !cells.contains(KEY) && !cells.contains(PASSWORD));
}

#[test]
fn no_form_shows_a_secret_unless_it_is_asked_to() {
    let world = secretive();
    world.run("report -o masked");
    world.run("report -o shown --reveal");
    let (masked, shown) = (bytes(&world, "masked"), bytes(&world, "shown"));
    let holds = |bytes: &[u8], it: &str| String::from_utf8_lossy(bytes).contains(it);
    for form in FORMS.iter().filter(|it| **it != "xlsx") {
        for secret in [KEY, PASSWORD] {
            assert!(!holds(&masked[form], secret), "{form} shows {secret}");
        }
    }
    assert!(holds(&shown["html"], KEY) && holds(&shown["csv"], PASSWORD));
    let revealed = read(&world, "archive/reveals.jsonl");
    assert!(revealed.contains("report"), "{revealed}");
}

#[test]
fn nothing_of_a_hostile_transcript_acts_in_any_form() {
    let world = hostile::world();
    world.run("report -o it");
    for (form, bytes) in bytes(&world, "it") {
        if form == "xlsx" {
            continue;
        }
        let text = String::from_utf8(bytes).expect("UTF-8");
        let bad = text.chars().find(|it| hostile::acts(*it));
        assert!(bad.is_none(), "{form} holds {bad:?}");
        match form {
            "html" => {
                assert!(!text.contains("<script>alert"), "{form}");
                assert_eq!(text.matches("<script").count(), 2, "{form}");
            }
            "md" => assert!(!text.contains("<script>"), "{form}"),
            "json" => {}
            _ => {
                let mut rows =
                    csv::ReaderBuilder::new().has_headers(false).from_reader(text.as_bytes());
                for row in rows.records() {
                    for cell in row.expect("a row").iter() {
                        let number = cell.parse::<f64>().is_ok();
                        assert!(
                            number || !cell.starts_with(['=', '+', '-', '@', '\t']),
                            "{form}: {cell}"
                        );
                    }
                }
            }
        }
    }
}

/// Every cell of a workbook, as an independent reader sees it: type and text.
fn cells(path: &Path) -> String {
    const READ: &str = "
import openpyxl, sys
book = openpyxl.load_workbook(sys.argv[1])
print(book.properties.created)
for sheet in book:
    for row in sheet.iter_rows():
        for it in row:
            if it.value is not None:
                print(sheet.title, it.coordinate, it.data_type, repr(it.value)[:2000])
";
    let out = std::process::Command::new(python("python"))
        .args(["-c", READ])
        .arg(path)
        .output()
        .expect("it runs");
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    String::from_utf8_lossy(&out.stdout).into_owned()
}

#[test]
#[ignore = "needs Python and openpyxl"]
fn an_independent_reader_finds_strings_and_numbers_in_the_spreadsheet_and_no_formula() {
    let world = hostile::world();
    // Texts that spreadsheets have their own mind about.
    let long = "x".repeat(40_000);
    let body: String = ["=1+1", "_x0041_", "2026-01-01", "1e5", &long]
        .iter()
        .map(|it| format!("sh-4.2$ echo {it}\r\r\n"))
        .collect();
    world.file("more/zoe-0123456789abcdef0.log", format!("{HEADER}{body}{FOOTER}").as_bytes());
    world.run("sync more");
    world.run("report -o it");
    let cells = cells(&world.path("it.xlsx"));
    let mut lines = cells.lines();
    assert_eq!(lines.next(), Some("2000-01-01 00:00:00"));
    for line in lines {
        let kind = line.split(' ').nth(2).unwrap_or_default();
        assert!(["s", "n"].contains(&kind), "{line}");
    }
    let told = json(&world, "it.json");
    let many = told["commands"].as_array().map_or(0, Vec::len);
    let rows = cells.lines().filter(|it| it.starts_with("commands A")).count();
    assert_eq!(rows, many + 1);
    // A spreadsheet reads `_x0041_` as `A`, so it is written as `_x005F_x0041_`, which this reader leaves so.
    assert!(cells.contains("echo _x005F_x0041_") && cells.contains("echo 1e5"));
}
