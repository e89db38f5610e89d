//! Saved questions over a fixed small archive; none forgotten.

use expect_test::expect;
use expect_test::expect_file;

use crate::world::World;

#[test]
fn every_saved_question_has_its_golden_answer() {
    let world = World::with_demo();
    for (name, _) in ssmtrail::query::SAVED {
        let said = world.run(&format!("query {name} --format csv"));
        let path = format!("{}/tests/answers/query-{name}.csv", env!("CARGO_MANIFEST_DIR"));
        said.is_file(expect_file![path]);
    }
}

#[test]
fn questions_are_listed_shown_and_changed() {
    let world = World::with_demo();
    world.run("query --list").is(expect![[r#"
        NAME              QUESTION                           PARAMS
        became-root       Sessions that became root
        by-owner          What one owner did
        download-and-run  Downloads that were executed
        first-time        First time an owner ran a program
        monthly-summary   Monthly summary
        on-target         What happened on one target
        one-target-only   Commands seen on one target only
        who-ran           Who ran a command like this        like=.
    "#]]);
    let (sql, _, _) = world.parts(&crate::world::words("query --show who-ran"));
    world.file("mine.sql", sql.as_bytes());
    world.run("query mine.sql --param like=auditd").is(expect![[r#"
        AT_EARLIEST  AT_LATEST             OWNER    TARGET               OS_USER  COMMAND                CONFIDENCE  SESSION_KEY                SEQ
        -            2026-11-20 03:12:45Z  mallory  i-0b1d8de9e3b8f40ca  root     systemctl stop auditd       0.989  mallory-0c0ffee0c0ffee001    5
    "#]]);
}

#[test]
fn a_question_is_asked_of_the_sessions_that_the_same_filters_find_elsewhere() {
    let world = World::with_demo();
    for filters in [
        "",
        "--owner mallory",
        "--owner MALLORY",
        "--owner-contains MALL",
        "--owner-contains ''",
        "--target i-0b1d8de9e3b8f40ca",
        "--from 2026-11-20T03:12:00Z --to 2026-11-20T03:13:00Z",
        "--to 2026-11-10",
        "--from 2026-11-19 --owner mallory --owner alice",
    ] {
        let found = world.run(&format!("search --format jsonl {filters} ''")).0;
        let ran = found
            .lines()
            .filter(|it| it.contains("\"kind\":\"shell\"") || it.contains("\"kind\":\"repl\""));
        let ran = ran.count();
        let sql = "SELECT COUNT(*) AS n FROM ran";
        let said = world.run(&format!("query {filters} --format csv -e '{sql}'")).0;
        let asked: Vec<&str> = said.lines().filter(|it| !it.starts_with('!')).collect();
        assert_eq!(asked, ["n", &ran.to_string()], "{filters}");
        let months = world.run(&format!("query monthly-summary {filters} --format jsonl")).0;
        let summed: usize = months
            .lines()
            .filter_map(|it| serde_json::from_str::<serde_json::Value>(it).ok())
            .filter_map(|it| it["command_count"].as_u64())
            .sum::<u64>() as usize;
        assert_eq!(summed, ran, "{filters}");
    }
    world.run("query by-owner --owner MALLORY").is(expect![[r#"
        ! owner MALLORY: no session of the archive has such an owner; the nearest are mallory, carol, alice, dan@example.com, haruka.sato@example.com; `--owner-contains MALLORY` matches a part
        ! no rows
        [exit 1]
    "#]]);
    world.run("query who-ran --param since=2026-11-01").is(expect![[r#"
        ! ssmtrail: the query has no param since
        ! hint: `--from` does that; its params: like
        [exit 2]
    "#]]);
    // What was first, or is found on one target alone, is so in the whole archive.
    world.run("query first-time --owner mallory --from 2026-11-20").is(expect![[r#"
        FIRST_AT              OWNER    PROGRAM
        2026-11-20 03:12:45Z  mallory  curl
        2026-11-20 03:12:45Z  mallory  grep
        2026-11-20 03:12:45Z  mallory  history
        2026-11-20 03:12:45Z  mallory  sudo
        2026-11-20 03:12:45Z  mallory  systemctl
        2026-11-20 03:12:45Z  mallory  whoami
        ! window: 2026-11-20 00:00:00Z to now
        ! owner mallory: mallory
    "#]]);
    let (all, later) = ("SELECT COUNT(*) AS n FROM all_sessions", "--from 2027-01-01");
    let whole = world.run(&format!("query -e '{all}'")).0;
    let lines = |it: &str| it.lines().filter(|it| !it.starts_with('!')).collect::<String>();
    assert_eq!(lines(&world.run(&format!("query {later} -e '{all}'")).0), lines(&whole));
}

#[test]
fn every_table_can_be_asked_with_a_filter() {
    let world = World::with_demo();
    for table in ssmtrail::archive::schema::TABLES {
        for before in ["", "all_"] {
            let name = format!("{before}{}", table.name);
            let line = format!("query --from 2026-11-20 -e 'SELECT COUNT(*) AS n FROM {name}'");
            let said = world.run(&format!("{line} --format csv")).0;
            assert!(said.starts_with("n\n"), "{name}: {said}");
        }
    }
}

#[test]
fn a_question_only_reads() {
    let world = World::with_demo();
    for sql in [
        "DELETE FROM ran",
        "/* x */ -- y\n drop TABLE sessions",
        "TRUNCATE TABLE sessions",
        "CREATE TABLE x AS SELECT 1 AS a",
        "UPDATE sessions SET owner = 1",
        "",
    ] {
        world.file("mine.sql", sql.as_bytes());
        let said = world.run("query mine.sql").0;
        assert!(said.contains("[exit 2]") && !said.contains("no rows"), "{sql}: {said}");
    }
    world.run("query -e 'DELETE FROM ran'").is(expect![[r#"
        ! ssmtrail: a query only reads, and DELETE does not
        ! hint: begin with SELECT or WITH
        [exit 2]
    "#]]);
    world.file("mine.sql", b"-- title: mine\n/* a note */ (SELECT COUNT(*) AS n FROM ran)");
    assert!(world.run("query mine.sql --format csv").0.starts_with("n\n"));
}

#[test]
fn a_param_is_a_value_and_never_sql() {
    let world = World::with_demo();
    world.run("query who-ran --param \"like=' OR 1=1 --\"").is(expect![[r#"
        ! no rows
        [exit 1]
    "#]]);
    world.run("query who-ran --param lke=x").is(expect![[r#"
        ! ssmtrail: the query has no param lke
        ! hint: its params: like
        [exit 2]
    "#]]);
    world.run("query who-ran --param like=(").is(expect![[r#"
        ! ssmtrail: param like: "(" is no regular expression
        [exit 2]
    "#]]);
    world
        .run("query -e 'SELECT nope FROM sessions'")
        .0
        .contains("archive schema")
        .then_some(())
        .expect("a hint");
}
