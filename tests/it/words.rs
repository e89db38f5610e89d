//! The words on the screen and in the README are true.

use expect_test::expect_file;

use crate::world::World;
use crate::world::words;

#[test]
fn the_help_says_what_there_is_and_what_exit_codes_mean() {
    let world = World::new();
    let (_, help, _) = world.parts(&words("--help"));
    expect_file![concat!(env!("CARGO_MANIFEST_DIR"), "/tests/answers/help.txt")].assert_eq(&help);
}

/// The help of a verb, and of the verbs below it.
fn help_of(world: &World, verb: &str, out: &mut String) {
    let (_, help, _) = world.parts(&words(&format!("{verb} --help")));
    if !verb.is_empty() {
        out.push_str(&format!("$ ssmtrail {verb} --help\n{help}\n"));
    }
    let below = help.split("\nCommands:\n").nth(1).unwrap_or_default();
    // A name, two blanks or more, and what it does; what does not fit goes on below, farther in.
    for line in below.lines().take_while(|it| !it.is_empty()) {
        let name = line.strip_prefix("  ").and_then(|it| it.split(' ').next()).unwrap_or_default();
        if !name.is_empty() && name != "help" {
            help_of(world, format!("{verb} {name}").trim_start(), out);
        }
    }
}

#[test]
fn the_help_of_each_verb_is_what_it_was() {
    let mut out = String::new();
    help_of(&World::new(), "", &mut out);
    expect_file![concat!(env!("CARGO_MANIFEST_DIR"), "/tests/answers/helps.txt")].assert_eq(&out);
}

#[test]
fn the_demo_shows_the_whole_way() {
    let world = World::new();
    world
        .run("demo")
        .is_file(expect_file![concat!(env!("CARGO_MANIFEST_DIR"), "/tests/answers/demo.txt")]);
}

#[test]
fn completions_and_the_manual_are_made() {
    let world = World::new();
    for shell in ["bash", "zsh", "fish", "powershell"] {
        let said = world.run(&format!("completions {shell}")).0;
        assert!(said.contains("ssmtrail") && said.len() > 1000, "{shell}");
    }
    assert!(world.run("man").0.contains(".TH ssmtrail"));
}

/// Every `$ ssmtrail …` of the README is played on the demo's archive, and what follows it is what it says.
#[test]
fn the_readme_is_true() {
    for name in ["README.md", "README.ja.md"] {
        let text =
            std::fs::read_to_string(format!("{}/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap();
        let world = World::with_demo();
        let mut played = 0;
        for block in text.split("```console\n").skip(1) {
            let block = block.split("```").next().unwrap_or_default();
            for part in block.split("$ ssmtrail ").skip(1) {
                let (line, shown) = part.split_once('\n').unwrap_or((part, ""));
                let said = world.run(line).0;
                let said: String = said
                    .lines()
                    .filter(|it| !it.starts_with("! "))
                    .map(|it| format!("{it}\n"))
                    .collect();
                assert_eq!(said.trim_end(), shown.trim_end(), "{name}: $ ssmtrail {line}");
                played += 1;
            }
        }
        assert!(played >= 4, "{name} shows the tool at work");
    }
}

#[test]
fn the_checks_in_the_readme_are_those_in_the_table() {
    let table: String = ssmtrail::audit::checks()
        .map(|it| format!("| {} | {} | {} |\n", it.id, it.severity.word(), it.title))
        .collect();
    let table = format!("| check | severity | what must hold |\n|---|---|---|\n{table}");
    for name in ["README.md", "README.ja.md"] {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
        let text = std::fs::read_to_string(&path).expect("a readme");
        let (head, rest) = text.split_once("<!-- checks -->\n").expect("a mark");
        let (inside, tail) = rest.split_once("<!-- /checks -->").expect("its end");
        if std::env::var_os("UPDATE_EXPECT").is_some() {
            let whole = format!("{head}<!-- checks -->\n{table}<!-- /checks -->{tail}");
            std::fs::write(&path, whole).expect("a readme");
        } else {
            assert_eq!(inside, table, "{name}; UPDATE_EXPECT=1 writes it");
        }
    }
}
