//! The house keeps its own rules: the map in `lib.rs` is the order of the rooms, and what is absent is absent.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::path::Path;

use expect_test::expect;
use syn::spanned::Spanned;
use syn::visit;
use syn::visit::Visit;

struct Room {
    name: String,
    text: String,
}

/// The rooms in the order of the map, each with all its text, tests cut off.
fn rooms() -> Vec<Room> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let map = std::fs::read_to_string(source.join("lib.rs")).expect("the map");
    map.lines()
        .filter_map(|it| it.strip_prefix("pub mod ")?.strip_suffix(';'))
        .map(|name| {
            let file = source.join(format!("{name}.rs"));
            let text = std::fs::read_to_string(&file).unwrap_or_default();
            let mut text = without_tests(&text).to_owned();
            for it in walkdir::WalkDir::new(source.join(name)).into_iter().filter_map(|it| it.ok())
            {
                if it.path().extension().is_some_and(|it| it == "rs") {
                    let more = std::fs::read_to_string(it.path()).expect("a room");
                    text.push_str(without_tests(&more));
                }
            }
            assert!(!text.is_empty(), "{name} is on the map and is no room");
            Room { name: name.to_owned(), text }
        })
        .collect()
}

fn without_tests(text: &str) -> &str {
    // A field or a method for tests alone stands anywhere.
    text.split("#[cfg(test)]\nmod ").next().unwrap_or(text)
}

#[test]
fn a_room_uses_only_the_rooms_above_it() {
    let rooms = rooms();
    for (nth, room) in rooms.iter().enumerate() {
        for below in &rooms[nth + 1..] {
            let path = format!("crate::{}", below.name);
            let reaches = room.text.match_indices(&path).any(|(at, _)| {
                !room.text[at + path.len()..]
                    .starts_with(|it: char| it.is_alphanumeric() || it == '_')
            });
            assert!(!reaches, "{} reaches down to {}", room.name, below.name);
        }
    }
}

#[test]
fn what_is_absent_is_absent() {
    // The word, and the rooms where it may stand.
    let table: &[(&str, &[&str])] = &[
        ("clap", &["cli"]),
        ("tokio", &["source", "sync", "cli"]),
        ("polars", &["archive", "sync", "search", "masking", "query", "render", "cli"]),
        ("std::fs", &["error", "source", "archive", "output", "intake", "sync", "player", "cli"]),
        ("std::net", &[]),
        ("SystemTime", &[]),
        ("Utc::now", &[]),
        ("println!", &[]),
        ("std::process", &[]),
        ("aws_sdk", &["source"]),
        ("crate::source", &["sync", "cli"]),
    ];
    for room in rooms() {
        for (word, allowed) in table {
            let inside = room.name == "source" && *word == "crate::source";
            let found = room
                .text
                .lines()
                .filter(|it| !it.trim_start().starts_with("//"))
                .any(|it| it.contains(word));
            assert!(
                inside || !found || allowed.contains(&room.name.as_str()),
                "{word} stands in {}",
                room.name
            );
        }
    }
}

#[test]
fn what_a_person_names_is_written_through_one_door() {
    let commands = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/cli");
    let words = [
        "fs::write",
        "fs::copy",
        "fs::rename",
        "File::create",
        "create_new",
        ".persist",
        "NamedTempFile",
    ];
    for it in walkdir::WalkDir::new(commands).into_iter().filter_map(|it| it.ok()) {
        if it.file_type().is_file() {
            let text = std::fs::read_to_string(it.path()).expect("a command");
            for word in words {
                let found = without_tests(&text).contains(word);
                assert!(!found, "{word} stands in {}, and not in `output`", it.path().display());
            }
        }
    }
}

#[test]
fn one_factory_makes_all_clients_of_aws() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    for it in walkdir::WalkDir::new(source).into_iter().filter_map(|it| it.ok()) {
        let name = it.file_name().to_string_lossy().into_owned();
        if !name.ends_with(".rs") || name == "aws.rs" {
            continue;
        }
        let text = std::fs::read_to_string(it.path()).expect("a file");
        for word in ["Client::new(", "Client::from_conf("] {
            assert!(!without_tests(&text).contains(word), "{} makes a client", it.path().display());
        }
    }
}

#[test]
fn a_check_takes_settings_through_its_view_alone() {
    let audit = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/audit");
    // The door; what names a subject; what judges nothing: questions to ask next, and another order of the findings.
    let free = ["view.rs", "subject.rs", "iam/questions.rs", "symptoms.rs"];
    for it in walkdir::WalkDir::new(&audit).into_iter().filter_map(|it| it.ok()) {
        let path = it.path().strip_prefix(&audit).expect("below it").to_string_lossy();
        if path.ends_with(".rs") && !free.contains(&&*path) {
            let text = std::fs::read_to_string(it.path()).expect("a file");
            for word in [".known()", ".described()", ".outcome", "Outcome::"] {
                let found = without_tests(&text).contains(word);
                assert!(!found, "{word} in {path}: evidence would not tell that it was read");
            }
        }
    }
}

#[test]
fn names_of_aws_are_built_and_taken_apart_in_one_module() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let words = [
        "\"arn:",
        ":s3:::",
        "split(':').nth(",
        "splitn(6, ':')",
        "splitn(7, ':')",
        "with(\"i-\")",
        "prefix(\"i-\")",
        "with(\"mi-\")",
        "prefix(\"mi-\")",
    ];
    for it in walkdir::WalkDir::new(&source).into_iter().filter_map(|it| it.ok()) {
        let path = it.path().strip_prefix(&source).expect("below it").to_string_lossy();
        if path.ends_with(".rs") && path != "aws_names.rs" {
            let text = std::fs::read_to_string(it.path()).expect("a file");
            let code = without_tests(&text).lines().filter(|it| !it.trim_start().starts_with("//"));
            for line in code {
                let found = words.iter().find(|it| line.contains(**it));
                assert!(found.is_none(), "{path} knows how AWS names things: {line}");
            }
        }
    }
}

#[test]
fn instants_are_read_and_written_in_one_module() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let words = ["from_rfc3339", "to_rfc3339", "from_rfc2822", "parse_from_str", "from_timestamp"];
    for it in walkdir::WalkDir::new(&source).into_iter().filter_map(|it| it.ok()) {
        let path = it.path().strip_prefix(&source).expect("below it").to_string_lossy();
        // What the agents of some systems put around a transcript is stamped in forms of their own.
        let free = path == "time.rs" || path == "transcript/wire/frame.rs";
        if path.ends_with(".rs") && !free {
            let text = std::fs::read_to_string(it.path()).expect("a file");
            for word in words {
                let found = without_tests(&text).contains(word);
                assert!(!found, "{word} in {path}: `time` reads and writes instants");
            }
        }
    }
}

#[test]
fn every_file_begins_with_why_it_exists() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    for it in walkdir::WalkDir::new(source).into_iter().filter_map(|it| it.ok()) {
        if it.path().extension().is_some_and(|it| it == "rs") {
            let text = std::fs::read_to_string(it.path()).unwrap();
            assert!(text.starts_with("//! "), "{} does not say why it exists", it.path().display());
        }
    }
}

/// A file of the library, read as Rust, its tests cut off.
struct Source {
    /// `transcript/screen/mod` is `transcript::screen`.
    module: String,
    items: Vec<syn::Item>,
}

fn is_test(attributes: &[syn::Attribute]) -> bool {
    let is = |it: &syn::Attribute| {
        it.path().is_ident("cfg")
            && it.meta.require_list().is_ok_and(|it| it.tokens.to_string() == "test")
    };
    attributes.iter().any(is)
}

/// Every file of the library, by path.
fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let files =
        walkdir::WalkDir::new(&root).sort_by_file_name().into_iter().filter_map(|it| it.ok());
    files
        .filter(|it| it.path().extension().is_some_and(|it| it == "rs"))
        .map(|it| {
            let text = std::fs::read_to_string(it.path()).expect("a file");
            let path = it.path().strip_prefix(&root).expect("below the root").with_extension("");
            let parts: Vec<_> =
                path.iter().map(|it| it.to_string_lossy()).filter(|it| it != "mod").collect();
            let items = syn::parse_file(&text).expect("Rust").items;
            let items = items
                .into_iter()
                .filter(|it| !matches!(it, syn::Item::Mod(it) if is_test(&it.attrs)))
                .collect();
            Source { module: parts.join("::"), items }
        })
        .collect()
}

/// What the rules below look for in a file.
#[derive(Default)]
struct Seen {
    /// Names of types and traits that it declares.
    types: Vec<String>,
    /// Functions: name, lines, arguments.
    functions: Vec<(String, usize, usize)>,
    /// All paths in it, those of `use` too.
    paths: Vec<String>,
}

impl Seen {
    fn of(source: &Source) -> Self {
        let mut seen = Self::default();
        source.items.iter().for_each(|it| seen.visit_item(it));
        seen
    }

    fn function(&mut self, signature: &syn::Signature, block: &syn::Block) {
        let lines = block.span().end().line - signature.span().start().line + 1;
        self.functions.push((signature.ident.to_string(), lines, signature.inputs.len()));
    }

    fn tree(&mut self, before: &str, tree: &syn::UseTree) {
        match tree {
            syn::UseTree::Path(it) => self.tree(&format!("{before}{}::", it.ident), &it.tree),
            syn::UseTree::Name(it) => self.paths.push(format!("{before}{}", it.ident)),
            syn::UseTree::Rename(it) => self.paths.push(format!("{before}{}", it.ident)),
            syn::UseTree::Glob(_) => self.paths.push(before.to_owned()),
            syn::UseTree::Group(it) => it.items.iter().for_each(|it| self.tree(before, it)),
        }
    }
}

impl<'ast> Visit<'ast> for Seen {
    fn visit_item_struct(&mut self, it: &'ast syn::ItemStruct) {
        self.types.push(it.ident.to_string());
        visit::visit_item_struct(self, it);
    }
    fn visit_item_enum(&mut self, it: &'ast syn::ItemEnum) {
        self.types.push(it.ident.to_string());
        visit::visit_item_enum(self, it);
    }
    fn visit_item_trait(&mut self, it: &'ast syn::ItemTrait) {
        self.types.push(it.ident.to_string());
        visit::visit_item_trait(self, it);
    }
    fn visit_item_fn(&mut self, it: &'ast syn::ItemFn) {
        self.function(&it.sig, &it.block);
        visit::visit_item_fn(self, it);
    }
    fn visit_impl_item_fn(&mut self, it: &'ast syn::ImplItemFn) {
        self.function(&it.sig, &it.block);
        visit::visit_impl_item_fn(self, it);
    }
    fn visit_item_use(&mut self, it: &'ast syn::ItemUse) {
        self.tree("", &it.tree);
    }
    fn visit_path(&mut self, it: &'ast syn::Path) {
        let parts: Vec<_> = it.segments.iter().map(|it| it.ident.to_string()).collect();
        self.paths.push(parts.join("::"));
        visit::visit_path(self, it);
    }
}

#[test]
fn a_type_name_is_declared_once() {
    let mut places: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for it in sources() {
        for name in Seen::of(&it).types {
            places.entry(name).or_default().push(it.module.clone());
        }
    }
    places.retain(|_, it| it.len() > 1);
    let out: String =
        places.iter().map(|(name, it)| format!("{name}: {}\n", it.join(", "))).collect();
    // One word for one thing: this list only becomes shorter.
    expect![""].assert_eq(&out);
}

#[test]
fn a_function_fits_a_screen() {
    let mut out = String::new();
    for it in sources() {
        for (name, lines, arguments) in Seen::of(&it).functions {
            if lines > 80 || arguments > 7 {
                out += &format!("{}::{name}: {lines} lines, {arguments} arguments\n", it.module);
            }
        }
    }
    // This list only becomes shorter. Tables are no functions.
    expect![""].assert_eq(&out);
}

#[test]
fn files_use_each_other_in_one_direction() {
    let sources = sources();
    let names: BTreeSet<&str> = sources.iter().map(|it| it.module.as_str()).collect();
    // The file that a path leads to: the longest beginning of it that is one.
    let file = |path: &str| {
        let mut path = path;
        loop {
            if names.contains(path) {
                return Some(path.to_owned());
            }
            path = path.rsplit_once("::")?.0;
        }
    };
    let mut uses: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for it in sources.iter().filter(|it| it.module != "main" && it.module != "lib") {
        let paths = Seen::of(it).paths;
        let found = paths.iter().filter_map(|path| {
            let (mut module, mut rest) = (it.module.as_str(), path.as_str());
            if let Some(path) = rest.strip_prefix("crate::") {
                return file(path);
            }
            while let Some(after) = rest.strip_prefix("super::") {
                (module, rest) = (module.rsplit_once("::").map_or("", |it| it.0), after);
            }
            if rest != path {
                return file(&format!("{module}::{rest}"));
            }
            // A child, named by its parent.
            let child = format!("{module}::{}", rest.split("::").next()?);
            names.contains(child.as_str()).then_some(child)
        });
        uses.entry(it.module.clone())
            .or_default()
            .extend(found.filter(|other| *other != it.module));
    }
    // What two files reach from each other is a circle.
    let reach = |from: &str| {
        let (mut seen, mut todo) = (BTreeSet::new(), vec![from.to_owned()]);
        while let Some(it) = todo.pop() {
            for next in uses.get(&it).into_iter().flatten() {
                if seen.insert(next.clone()) {
                    todo.push(next.clone());
                }
            }
        }
        seen
    };
    let reached: BTreeMap<&str, BTreeSet<String>> =
        uses.keys().map(|it| (it.as_str(), reach(it))).collect();
    let mut circles = BTreeSet::new();
    for (from, seen) in &reached {
        let circle: BTreeSet<&str> = seen
            .iter()
            .map(String::as_str)
            .filter(|it| reached.get(it).is_some_and(|it| it.contains(*from)))
            .collect();
        if circle.len() > 1 {
            circles.insert(circle.into_iter().collect::<Vec<_>>().join(" "));
        }
    }
    let out: String = circles.into_iter().map(|it| it + "\n").collect();
    // This list only becomes shorter.
    expect![""].assert_eq(&out);
}

/// The table's rows of a manifest: names of crates.
fn dependencies(manifest: &str, table: &str) -> Vec<String> {
    let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(manifest))
        .expect("a manifest");
    let document: toml_edit::DocumentMut = text.parse().expect("TOML");
    document[table]
        .as_table_like()
        .into_iter()
        .flat_map(|it| it.iter())
        .map(|it| it.0.to_owned())
        .collect()
}

fn texts(folders: &[&str]) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let files =
        folders.iter().flat_map(|it| walkdir::WalkDir::new(root.join(it))).filter_map(|it| it.ok());
    files
        .filter(|it| it.path().extension().is_some_and(|it| it == "rs"))
        .map(|it| std::fs::read_to_string(it.path()).expect("a file"))
        .collect()
}

#[test]
fn each_dependency_is_used() {
    // Named for a feature alone: places in the files that `syn` reads.
    const FEATURES: [&str; 1] = ["proc-macro2"];
    let (library, tests) = (texts(&["src"]), texts(&["src", "tests", "benches"]));
    let mut unused = Vec::new();
    for (table, text) in [("dependencies", &library), ("dev-dependencies", &tests)] {
        for name in dependencies("Cargo.toml", table) {
            let word = if name == "md-5" { "md5".to_owned() } else { name.replace('-', "_") };
            let is_used =
                regex::Regex::new(&format!(r"\b{word}\b")).expect("a word").is_match(text);
            if !is_used && !FEATURES.contains(&name.as_str()) {
                unused.push(name);
            }
        }
    }
    assert_eq!(unused, Vec::<String>::new());
}

#[test]
fn tests_install_nothing() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it");
    for it in std::fs::read_dir(folder).expect("tests").filter_map(Result::ok) {
        let text = std::fs::read_to_string(it.path()).expect("a file");
        let installs = ["apt-get", "pip", "npm"].map(|it| format!("Command::new(\"{it}\")"));
        assert!(!installs.iter().any(|it| text.contains(it)), "that is for `tests/run`: {it:?}");
    }
}

#[test]
fn the_fuzzer_has_what_the_decoder_needs() {
    let listed = dependencies("tests/fuzz/Cargo.toml", "dependencies");
    let ours = dependencies("Cargo.toml", "dependencies");
    let main = std::fs::read_to_string(
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/src/main.rs"),
    )
    .expect("the fuzzer");
    for it in sources().iter().filter(|it| it.module.starts_with("transcript")) {
        for path in Seen::of(it).paths {
            if let Some(room) = path.strip_prefix("crate::").and_then(|it| it.split("::").next()) {
                assert!(
                    main.contains(&format!("mod {room};")),
                    "the fuzzer lacks {room}, which {} uses",
                    it.module
                );
            } else if let Some((name, _)) = path.split_once("::") {
                let name = name.replace('_', "-");
                let is_ours = ours.iter().any(|it| it.replace('_', "-") == name);
                let is_listed = listed.iter().any(|it| it.replace('_', "-") == name);
                assert!(
                    !is_ours || is_listed,
                    "the fuzzer's manifest lacks {name}, which {} uses",
                    it.module
                );
            }
        }
    }
}

/// Lines of the library that hold a word, tests and comments left out, each with its file.
fn lines_with(words: &[&str]) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let files =
        walkdir::WalkDir::new(&root).sort_by_file_name().into_iter().filter_map(|it| it.ok());
    let mut out = String::new();
    for it in files.filter(|it| it.path().extension().is_some_and(|it| it == "rs")) {
        let name = it.path().strip_prefix(&root).expect("below the root").display().to_string();
        let text = std::fs::read_to_string(it.path()).expect("a file");
        for line in without_tests(&text).lines().map(str::trim) {
            if !line.starts_with("//") && words.iter().any(|it| line.contains(it)) {
                out += &format!("{name}: {line}\n");
            }
        }
    }
    out
}

#[test]
fn nothing_foreign_comes_past_what_escapes_it() {
    // `text::Safe`, which alone is shown, cannot be made of foreign text; one that lives for ever would pass for our own words.
    expect![""].assert_eq(&lines_with(&["leak("]));
    // maud escapes everything else.
    expect![[r#"
        render/places.rs: style { (PreEscaped(STYLE)) }
        render/report/html/page.rs: style { (PreEscaped(STYLE)) }
        render/report/html/page.rs: script type="application/json" id="data" { (PreEscaped(data(paper, &kept))) }
        render/report/html/page.rs: script { (PreEscaped(SCRIPT)) }
    "#]]
    .assert_eq(&lines_with(&["PreEscaped("]));
    // The one writer of CSV escapes each text.
    expect![[r#"
        render/csv.rs: writer: csv::Writer<W>,
        render/csv.rs: Self { writer: csv::Writer::from_writer(out), what }
    "#]]
    .assert_eq(&lines_with(&["csv::Writer"]));
    // Who draws on a terminal cell by cell.
    expect![[r#"
        cli/replay.rs: player::play(&film, &who(&session), how, ui.terminal(), reader.here.stop)?;
    "#]]
    .assert_eq(&lines_with(&[".terminal()"]));
    // Who writes sequences of a terminal, beside the decoder and the masker, which read them.
    let files: BTreeSet<String> = lines_with(&["\\x1b", "\\u{1b}", "\\x9b", "\\u{9b}"])
        .lines()
        .filter_map(|it| Some(it.split_once(':')?.0.to_owned()))
        .filter(|it| !it.starts_with("transcript/"))
        .collect();
    let files: Vec<String> = files.into_iter().collect();
    expect!["player.rs, render/screen.rs, replay.rs, secrets/bytes.rs, text.rs"]
        .assert_eq(&files.join(", "));
}
