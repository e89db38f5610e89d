//! Saved questions over a fixed small archive; none forgotten.

use expect_test::expect;
use expect_test::expect_file;

use crate::world::World;

#[test]
fn every_saved_question_has_its_golden_answer() {
    let world = World::with_demo();
    for (name, _) in ssmtrail::query::SAVED {
        let said = world.run(&format!("query {name} --param since=2020-01-01 --format csv"));
        let path = format!("{}/tests/answers/query-{name}.csv", env!("CARGO_MANIFEST_DIR"));
        said.is_file(expect_file![path]);
    }
}

#[test]
fn questions_are_listed_shown_and_changed() {
    let world = World::with_demo();
    world.run("query --list").is(expect![[r#"
        NAME              QUESTION                           PARAMS
        became-root       Sessions that became root          since=30d owner=.
        by-owner          What one owner did in a window     owner=. since=30d until=now
        download-and-run  Downloads that were executed       since=30d
        first-time        First time an owner ran a program  since=30d
        monthly-summary   Monthly summary                    since=10y
        on-target         What happened on one target        target=. since=30d
        one-target-only   Commands seen on one target only   since=30d
        who-ran           Who ran a command like this        like=. since=10y
    "#]]);
    let (sql, _, _) = world.parts(&crate::world::words("query --show who-ran"));
    world.file("mine.sql", sql.as_bytes());
    world.run("query mine.sql --param like=auditd").is(expect![[r#"
        AT_LATEST             OWNER    TARGET               OS_USER  COMMAND                CONFIDENCE  SESSION_ID                 SEQ
        2026-11-20 03:12:45Z  mallory  i-0b1d8de9e3b8f40ca  root     systemctl stop auditd       0.993  mallory-0c0ffee0c0ffee001    5
    "#]]);
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
        ! hint: its params are like, since
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
