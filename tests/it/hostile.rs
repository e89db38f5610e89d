//! A transcript is written by whoever was recorded. Nothing of it may act on its reader, in any output.

use polars::prelude::*;
use ssmtrail::archive::manifest::Entry;
use ssmtrail::archive::schema::TABLES;
use ssmtrail::archive::writer::Segment;
use ssmtrail::archive::writer::Writer;

use crate::world::World;
use crate::world::words;

const ATTACKS: [&str; 14] = [
    "echo \x1b]0;owned\x07",
    "echo \u{9b}31mred",
    "echo \u{202e}gpj.exe",
    "=cmd|' /C calc'!A0",
    "@SUM(1+1)*cmd",
    "-2+3",
    "echo <script>alert(1)</script>",
    "echo a\u{200b}b\u{feff}",
    "echo \x1b[8mhidden\x1b[0m",
    "echo '<img src=x onerror=alert(1)><svg/onload=alert(1)>'",
    "echo '{{7*7}}' '${alert(1)}' '<%= 7*7 %>' 'javascript:alert(1)'",
    "echo \x1b]52;c;cm0gLXJmIC8=\x07\x1b]8;;https://evil.example\x1b\\link\x1b]8;;\x1b\\",
    "+HYPERLINK(\"http://evil.example\",\"x\")",
    "echo </script><!--<script>]]>",
];

pub(crate) fn world() -> World {
    let world = World::new();
    for (nth, attack) in ATTACKS.iter().enumerate() {
        // In a streamed event the bytes of a command can be anything JSON can say.
        let event = serde_json::json!({
            "eventVersion": "1.0",
            "eventTime": "2026-11-20T10:00:00Z",
            "awsRegion": "eu-west-1\u{1b}[31m",
            "target": { "id": "i-0e24\u{1b}[2J\u{202e}" },
            "userIdentity": { "arn": "=HYPERLINK(\"http://evil\")\u{9b}1m" },
            "runAsUser": "\u{1b}[5mroot",
            "sessionId": format!("x\u{202e}-0123456789abcdef{nth}"),
            "sessionData": [format!("sh-4.2$ {attack}"), (*attack).to_owned()],
        });
        let line = serde_json::json!({ "timestamp": 1, "message": event.to_string() }).to_string();
        world.file(&format!("logs/e{nth}.jsonl"), line.as_bytes());
        world.transcript(
            &format!("logs/y-0123456789abcde1{nth}.log"),
            &[&format!("sh-4.2$ {attack}"), attack],
        );
    }
    let long = format!("sh-4.2$ echo {}", "w".repeat(200_000));
    world.transcript("logs/y-0123456789abcdeff.log", &[&long, &long[8..], "sh-4.2$ exit"]);
    world.run("sync logs");
    world
}

pub(crate) fn acts(ch: char) -> bool {
    (ch.is_control() && ch != '\n' && ch != '\t')
        || matches!(ch, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200b}' | '\u{feff}')
}

#[test]
fn no_output_in_any_format_carries_a_control_sequence() {
    let world = world();
    let lines = [
        "sessions",
        "sessions --format json",
        "sessions --format jsonl",
        "sessions --format csv",
        "search ''",
        "search '' --format json",
        "search '' --format jsonl",
        "search '' --format csv",
        "search --output ''",
        "search --output '' --format jsonl",
        "search --output '' --format csv",
        "search -C 2 echo",
        "show e0123456789",
        "archive stats",
        "query who-ran",
        "query who-ran --format csv",
        "query who-ran --format json",
        "query -e 'SELECT * FROM lines' --format csv",
        "query -e 'SELECT * FROM sessions'",
        "show y-0123456789abcde10",
        "show y-0123456789abcde11 --commands",
        "show y-0123456789abcde12 --explain",
        "show y-0123456789abcde13 --commands --format csv",
    ];
    for line in lines {
        let (out, err, _) = world.parts(&words(line));
        for text in [&out, &err] {
            let found = text.chars().find(|it| acts(*it));
            assert!(found.is_none(), "`{line}` lets {found:?} through:\n{text}");
        }
    }
}

#[test]
fn no_cell_of_a_spreadsheet_is_a_formula() {
    let world = world();
    for line in
        ["search '' --format csv", "sessions --format csv", "search --output '' --format csv"]
    {
        let (out, _, _) = world.parts(&words(line));
        let mut reader = csv::Reader::from_reader(out.as_bytes());
        for record in reader.records() {
            for cell in record.unwrap().iter() {
                let number = cell.parse::<f64>().is_ok();
                assert!(number || !cell.starts_with(['=', '+', '-', '@']), "`{line}`: {cell:?}");
            }
        }
    }
}

/// In every text of every row of an archive that somebody handed over.
const IN_EACH_FIELD: &str = "=evil\x1b]0;owned\x07\u{9b}31m\u{202e}\u{200b}\r\nFORGED line";

fn handed_over() -> World {
    let world = World::new();
    let root = world.path("archive");
    let mut writer = Writer::open(&root).expect("an archive");
    let mut segment = Segment::new(&root, 1).expect("an archive");
    for table in &TABLES {
        let column = |it: Field| match it.dtype() {
            DataType::String => Column::new(it.name().clone(), [IN_EACH_FIELD]),
            DataType::Binary => Column::new(it.name().clone(), [IN_EACH_FIELD.as_bytes()]),
            other => Column::new(it.name().clone(), [1i64]).cast(other).expect("an archive"),
        };
        let columns: Vec<Column> = table.schema().iter_fields().map(column).collect();
        let partition = "account_id=1/region=x/month=2026-11";
        segment
            .write(table, partition, &DataFrame::new(1, columns).expect("an archive"))
            .expect("an archive");
    }
    let at = "2026-11-20T10:00:00Z";
    let note =
        Entry { did: "sync".into(), written_at: at.into(), generation: 1, ..Entry::default() };
    writer.publish(segment, note, Vec::new()).expect("an archive");
    world
}

#[test]
fn no_field_of_an_archive_that_was_handed_over_acts_or_forges_a_line() {
    let world = handed_over();
    let mut lines: Vec<String> = [
        "search '' --possible -C 2",
        "show evil --explain",
        "archive stats",
        "archive verify",
        "archive rebuild",
        "report -o - --format md",
        "report -o - --format json",
        "report -o - --format html",
        "export",
        "export --format ocsf",
        "replay evil --cast -",
    ]
    .map(str::to_owned)
    .into();
    let tables = TABLES.iter().map(|it| format!("query -e 'SELECT * FROM {}'", it.name));
    let rows = ["sessions", "search '' --possible", "search --output ''", "show evil --commands"];
    let rows = rows.map(str::to_owned).into_iter().chain(tables);
    for form in ["table", "json", "jsonl"] {
        lines.extend(rows.clone().map(|it| format!("{it} --format {form}")));
    }
    let mut told = 0;
    for line in &lines {
        let (out, err, _) = world.parts(&words(line));
        for text in [&out, &err] {
            let found = text.chars().find(|it| acts(*it));
            assert!(found.is_none(), "`{line}` lets {found:?} through:\n{text}");
            assert!(!text.lines().any(|it| it.starts_with("FORGED")), "`{line}`:\n{text}");
        }
        told += usize::from(out.contains("evil"));
    }
    assert!(told * 2 > lines.len(), "only {told} of {} show what they are about", lines.len());
}
