//! Real shells as people dress them, and what was really typed. The prompts are none that the decoder knows: it learns
//! each from the bytes of its session.

use expect_test::expect;
use proptest::prelude::*;
use serde::Deserialize;
use ssmtrail::transcript::commands::Command;
use ssmtrail::transcript::commands::CommandKind;
use ssmtrail::transcript::decoder::Decoder;
use ssmtrail::transcript::screen::Screen;
use ssmtrail::transcript::screen::bits;
use ssmtrail::transcript::wire::Form;
use ssmtrail::transcript::wire::RawLine;

#[derive(Deserialize)]
pub(crate) struct Truth {
    width: usize,
    commands: Vec<Typed>,
}

impl Truth {
    /// A command as the shell's log has it: a pasted block may be read as one command of several lines.
    pub(crate) fn as_typed(&self, text: &str) -> Vec<String> {
        let block = self.commands.iter().find(|it| !it.parts.is_empty() && it.text == text);
        let same = self.commands.iter().find(|it| it.accept.iter().any(|it| it == text));
        match (block, same) {
            (Some(block), _) => block.parts.clone(),
            (_, Some(same)) => vec![same.text.clone()],
            _ => vec![text.to_owned()],
        }
    }
}

#[derive(Deserialize)]
struct Typed {
    text: String,
    kind: String,
    #[serde(default)]
    parts: Vec<String>,
    /// Other forms that say the same, as a shell's log has them.
    #[serde(default)]
    accept: Vec<String>,
}

pub(crate) struct Session {
    pub(crate) name: String,
    bytes: Vec<u8>,
    pub(crate) truth: Truth,
}

/// The recordings in a folder, by name.
pub(crate) fn sessions(folder: &str) -> Vec<Session> {
    let root = format!("{}/tests/transcripts/{folder}", env!("CARGO_MANIFEST_DIR"));
    let mut found: Vec<_> = std::fs::read_dir(root)
        .expect("a recording")
        .map(|it| it.expect("a recording").path())
        .filter(|it| it.is_dir())
        .collect();
    found.sort();
    found
        .into_iter()
        .map(|it| Session {
            name: it.file_name().expect("a recording").to_string_lossy().into_owned(),
            bytes: std::fs::read(it.join("session.log")).expect("a recording"),
            truth: serde_json::from_slice(
                &std::fs::read(it.join("truth.json")).expect("a recording"),
            )
            .expect("a recording"),
        })
        .collect()
}

/// Commands of a shell that were really typed, in order; a pasted block is its lines.
pub(crate) fn typed(truth: &Truth) -> Vec<String> {
    let shell = truth.commands.iter().filter(|it| it.kind == "shell");
    shell
        .flat_map(|it| if it.parts.is_empty() { vec![it.text.clone()] } else { it.parts.clone() })
        .collect()
}

/// Its commands as they are read.
pub(crate) fn read(session: &Session) -> Vec<Command> {
    let mut decoder = Decoder::new(Form::Script);
    decoder.push(&session.bytes);
    let (piece, ..) = decoder.finish();
    piece.commands.into_iter().map(|it| it.command).collect()
}

/// All commands in a folder that may be a shell's, and whether each is exactly what was typed.
pub(crate) fn judged(folder: &str) -> Vec<(Command, bool)> {
    let mut out = Vec::new();
    for it in sessions(folder) {
        let mut truth = typed(&it.truth);
        for command in read(&it) {
            if !matches!(
                command.kind,
                CommandKind::Shell | CommandKind::Unconfirmed | CommandKind::Possible
            ) {
                continue;
            }
            // Twice the same command is right twice.
            let texts = it.truth.as_typed(&command.text);
            let found: Vec<usize> =
                texts.iter().filter_map(|it| truth.iter().position(|other| other == it)).collect();
            let is_right = found.len() == texts.len();
            found.first().filter(|_| is_right).map(|it| truth.remove(*it));
            out.push((command, is_right));
        }
    }
    out
}

/// What stands in one list and not in the other, in order (longest common subsequence).
pub(crate) fn differences(truth: &[String], read: &[String]) -> (Vec<String>, Vec<String>) {
    let mut longest = vec![vec![0usize; read.len() + 1]; truth.len() + 1];
    for a in (0..truth.len()).rev() {
        for b in (0..read.len()).rev() {
            longest[a][b] = if truth[a] == read[b] {
                longest[a + 1][b + 1] + 1
            } else {
                longest[a + 1][b].max(longest[a][b + 1])
            };
        }
    }
    let (mut missed, mut invented) = (Vec::new(), Vec::new());
    let (mut a, mut b) = (0, 0);
    while a < truth.len() || b < read.len() {
        if a < truth.len() && b < read.len() && truth[a] == read[b] {
            (a, b) = (a + 1, b + 1);
        } else if b == read.len() || a < truth.len() && longest[a + 1][b] >= longest[a][b + 1] {
            missed.push(truth[a].clone());
            a += 1;
        } else {
            invented.push(read[b].clone());
            b += 1;
        }
    }
    (missed, invented)
}

#[test]
fn prompts_never_seen_before_are_learnt_from_their_session() {
    let mut out = String::new();
    let mut total = 0;
    for it in sessions("worn") {
        let truth = typed(&it.truth);
        total += truth.len();
        let shells = read(&it).into_iter().filter(|it| it.kind == CommandKind::Shell);
        let read: Vec<String> =
            shells.flat_map(|command| it.truth.as_typed(&command.text)).collect();
        let (missed, invented) = differences(&truth, &read);
        for text in missed {
            out += &format!("{:<16} - {text}\n", it.name);
        }
        for text in invented {
            out += &format!("{:<16} + {text}\n", it.name);
        }
    }
    out += &format!("of {total} commands\n");
    expect![[r#"
        b-fzf            - echo restarted
        b-rps            - uname -a
        b-rps            + una
        b-title          - history | grep echo | tail -5
        b-title          + history | grep ech5 | tail -
        b3-nm-wave       + cat <<EOF
        b5-cyrillic-nm   + exit
        b5-words-nm      + ls /usr/share/doc/libc
        f5-narrow        - echo thought better of it
        f5-narrow        - ls    -1    src
        f5-narrow        - echo keep-me
        f5-narrow        + echo thought 
        better of it
        f5-narrow        + ls
        k5-mksh          - echo "dear all,

        see you"
        k5-mksh          - aws ec2 describe-instances --region eu-central-1 --filters 'Name=tag:Environment,Values=production' 'Name=instance-state-name,Values=running' --query 'Reservations[].Instances[].{Id:InstanceId,Ip:PrivateIpAddress,Name:Tags[?Key==`Name`]|[0].Value}' --output table
        k5-mksh          + echo "dear all,^J^Jsee you"
        z-p9k-two        - exit
        z5-transient     + vim /etc/ssh/sshd_conf
        z5-vi            - cd src
        ls -1
        cd ..
        z5-vi            + cd src
        z5-vi            + ls -1
        z5-vi            + cd ..
        of 2118 commands
    "#]]
    .assert_eq(&out);
}

/// The terminal bytes of a session up to the first thing that makes rows vanish from a terminal: clearing, and
/// programs that take the whole screen.
fn printed(bytes: &[u8]) -> Vec<u8> {
    let start = bytes.iter().position(|it| *it == b'\n').map_or(0, |it| it + 1);
    let body = &bytes[start..];
    let end = [&b"\x1b[2J"[..], b"\x1b[?1049h", b"\nScript done on "]
        .iter()
        .filter_map(|it| memchr::memmem::find(body, it))
        .min()
        .unwrap_or(body.len());
    let end = body[..end].iter().rposition(|it| *it == b'\n').map_or(0, |it| it + 1);
    body[..end].to_vec()
}

/// Rows as a ready terminal emulator shows them at the window's true width, wrapped rows joined.
fn rows_of_avt(bytes: &[u8], width: usize, rows: usize) -> Vec<String> {
    let mut terminal = avt::Terminal::new(width, rows).expect("a size");
    terminal.feed(String::from_utf8_lossy(bytes).as_ref());
    let rows = terminal.screen().text();
    rows.into_iter().map(|it| it.trim_end().to_owned()).filter(|it| !it.is_empty()).collect()
}

fn rows_of_ours(bytes: &[u8], width: usize) -> Vec<String> {
    let mut screen = Screen::default();
    screen.set_width(Some(width));
    let mut at = 0;
    for raw in bytes.split_inclusive(|it| *it == b'\n') {
        let ended = raw.ends_with(b"\n");
        let line = raw.strip_suffix(b"\n").unwrap_or(raw);
        let bare = line.iter().rposition(|it| *it != b'\r').map_or(0, |it| it + 1);
        let to = at + raw.len() as u64;
        let crs = (line.len() - bare) as u8;
        let raw = RawLine { bytes: &line[..bare], crs, ended, from: at, to };
        if !screen.plain(raw) {
            screen.line(raw);
        }
        at = to;
    }
    screen.finish(at);
    let drawn = screen.take();
    (0..drawn.lines.len() as u32)
        .filter(|it| drawn.lines[*it as usize].bits & bits::OVERWRITTEN == 0)
        .map(|it| drawn.line_text(it).replace('\t', "        ").trim_end().to_owned())
        .filter(|it| !it.is_empty())
        .collect()
}

#[test]
fn a_ready_emulator_shows_the_same_rows_at_the_known_width() {
    let mut out = String::new();
    let (mut compared, mut kept) = (0, 0);
    for it in sessions("worn") {
        let bytes = printed(&it.bytes);
        let expand = |rows: Vec<String>| -> Vec<String> {
            // Tabs are kept as tabs by us and as blanks by a terminal.
            rows.into_iter().map(|it| it.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
        };
        let theirs = expand(rows_of_avt(&bytes, it.truth.width, 500));
        let ours = expand(rows_of_ours(&bytes, it.truth.width));
        compared += theirs.len();
        let (lost, more) = differences(&theirs, &ours);
        for text in lost {
            out += &format!("{:<16} only in avt  {text}\n", it.name);
        }
        // What a line editor took back, a terminal forgets and we keep.
        kept += more.len();
    }
    out += &format!("{compared} rows compared, and {kept} that were taken back\n");
    expect![[r#"
        b-right          only in avt  ~/project/out/new/out/new ▶ echo mendedco hello
        f5-transient     only in avt  ~/shop (main)
        f5-transient     only in avt  ⟶ clear
        z-pure           only in avt  root@vm ~/project main
        4782 rows compared, and 115 that were taken back
    "#]]
    .assert_eq(&out);
}

/// Found by `tests/fuzz/run` beside the ready emulator.
#[test]
fn what_changes_a_full_row_undoes_its_margin() {
    for change in ["\x1b[6P", "\x1b[K", "\x1b[2X"] {
        let bytes = format!("ab\x1b[20C!{change}:f\r\n");
        assert_eq!(rows_of_ours(bytes.as_bytes(), 10), ["ab       :f"], "{change:?}");
    }
}

/// Found by the property below: a wide character that does not fit takes nothing from the last column.
#[test]
fn a_wide_character_that_does_not_fit_leaves_the_last_column_as_it_is() {
    let bytes = "aaaaaaaaa!\raaaaaaaaa漢\r\n";
    let ours = rows_of_ours(bytes.as_bytes(), 10);
    assert_eq!(ours, rows_of_avt(bytes.as_bytes(), 10, 9));
    assert_eq!(ours, ["aaaaaaaaa!漢"]);
}

/// What line editors and progress bars send on one row: text, CR, BS, erasing, inserting, moving left and right,
/// colours, line ends.
fn editing() -> impl Strategy<Value = Vec<u8>> {
    let bit = prop_oneof![
        6 => "[ -~]{1,12}".prop_map(String::into_bytes),
        3 => Just(b"\r\n".to_vec()),
        2 => Just(b"\r".to_vec()),
        2 => (1usize..6).prop_map(|it| vec![8; it]),
        2 => (0u8..3).prop_map(|it| format!("\x1b[{it}K").into_bytes()),
        2 => (1u8..20, prop::sample::select(b"CDPX@G".to_vec()))
            .prop_map(|(n, end)| format!("\x1b[{n}{}", end as char).into_bytes()),
        1 => Just(b"\x1b[1;31m".to_vec()),
        1 => Just(b"\x1b[0m".to_vec()),
        1 => Just(b"\x07".to_vec()),
    ];
    prop::collection::vec(bit, 0..30).prop_map(|it| it.concat())
}

/// Text over margins. What erasing does to a full row differs between terminals, and no line editor leaves it to them.
fn wrapping() -> impl Strategy<Value = Vec<u8>> {
    let bit = prop_oneof![
        3 => "[ -~]{1,12}".prop_map(String::into_bytes),
        2 => "[a-z ]{30,90}".prop_map(String::into_bytes),
        2 => Just(b"\r\n".to_vec()),
        1 => Just(b"\r".to_vec()),
        1 => Just("漢字かな".as_bytes().to_vec()),
    ];
    prop::collection::vec(bit, 0..30).prop_map(|it| it.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn editing_shows_what_a_ready_emulator_shows(bytes in editing()) {
        let bytes = [bytes, b"\r\n".to_vec()].concat();
        prop_assert_eq!(rows_of_ours(&bytes, 400), rows_of_avt(&bytes, 400, 31));
    }

    #[test]
    fn margins_are_where_a_ready_emulator_has_them(bytes in wrapping()) {
        let bytes = [bytes, b"\r\n".to_vec()].concat();
        // Where a wide character does not fit, a terminal leaves a blank that no one wrote.
        let bare = |rows: Vec<String>| -> Vec<String> {
            rows.into_iter().map(|it| it.replace(' ', "")).filter(|it| !it.is_empty()).collect()
        };
        prop_assert_eq!(bare(rows_of_ours(&bytes, 40)), bare(rows_of_avt(&bytes, 40, 120)));
    }
}
