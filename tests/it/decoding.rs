//! Decoding is total: any bytes give a transcript and a list of flaws, in any chunks.

use proptest::prelude::*;
use ssmtrail::time::At;
use ssmtrail::transcript::decoder::Claims;
use ssmtrail::transcript::decoder::Decoder;
use ssmtrail::transcript::decoder::Flaw;
use ssmtrail::transcript::decoder::Piece;
use ssmtrail::transcript::decoder::Typed;
use ssmtrail::transcript::wire::Form;

fn decode(form: Form, chunks: &[&[u8]]) -> (Piece, Claims, Vec<Flaw>) {
    let mut decoder = Decoder::new(form);
    for chunk in chunks {
        decoder.push(chunk);
    }
    decoder.finish()
}

fn commands(form: Form, bytes: &[u8]) -> Vec<String> {
    let (piece, _, _) = decode(form, &[bytes]);
    piece
        .commands
        .into_iter()
        .map(|it| format!("{} {}", it.command.kind.name(), it.command.text))
        .collect()
}

fn flaws(form: Form, bytes: &[u8]) -> Vec<&'static str> {
    decode(form, &[bytes]).2.iter().map(|it| it.kind.name()).collect()
}

fn lines(form: Form, bytes: &[u8]) -> Vec<String> {
    let (piece, _, _) = decode(form, &[bytes]);
    piece.lines.iter().map(|it| piece.line_text(it).to_owned()).collect()
}

const HEADERS: [(&str, &str); 6] = [
    ("Script started on Mon Nov 23 13:39:18 2026\n", "\nScript done on Mon Nov 23 13:39:18 2026\n"),
    ("Script started on 2026-11-23 13:39:19+0000\n", "\nScript done on 2026-11-23 13:39:19+0000\n"),
    (
        "Script started on 2026-11-23 13:39:19+00:00\n",
        "\nScript done on 2026-11-23 13:39:19+00:00\n",
    ),
    (
        "Script started on 2026-11-23 13:39:19+00:00 [<not executed on terminal>]\n",
        "\nScript done on 2026-11-23 13:39:19+00:00 [COMMAND_EXIT_CODE=\"0\"]\n",
    ),
    (
        "Script started on 2026-11-23 13:39:19+00:00 [COMMAND=\"cat /var/lib/amazon/ssm/i-0e24f79031c6414e1/session/orchestration/alice-0123456789abcdef0/Standard_Stream/ipcTempFile.log\" <not executed on terminal>]\n",
        "\nScript done on 2026-11-23 13:39:19+00:00 [COMMAND_EXIT_CODE=\"0\"]\n",
    ),
    (
        "Script started on Tue Jan  2 15:04:05 2024\nCommand: cat /var/lib/amazon/ssm/ipcTempFile.log\n",
        "\nCommand exit status: 0\nScript done on Tue Jan  2 15:04:05 2024\n",
    ),
];

#[test]
fn every_shape_of_header_and_footer_comes_off() {
    for (header, footer) in HEADERS {
        let whole = format!("{header}sh-4.2$ id\r\r\nuid=0(root)\r\r\n{footer}");
        assert_eq!(
            lines(Form::Script, whole.as_bytes()),
            ["sh-4.2$ id", "uid=0(root)"],
            "{header}"
        );
        assert_eq!(commands(Form::Script, whole.as_bytes()), ["shell id"], "{header}");
        let (_, claims, flaws) = decode(Form::Script, &[whole.as_bytes()]);
        assert!(claims.frame.has_footer, "{header}");
        assert!(!flaws.iter().any(|it| it.kind.name() == "no-footer"));
    }
}

#[test]
fn the_header_tells_target_session_and_the_end_but_never_the_start() {
    let (header, footer) = HEADERS[4];
    let whole = format!("{header}sh-4.2$ id\r\r\n{footer}");
    let (_, claims, _) = decode(Form::Script, &[whole.as_bytes()]);
    assert_eq!(claims.frame.target.as_deref(), Some("i-0e24f79031c6414e1"));
    assert_eq!(claims.frame.session_id.as_deref(), Some("alice-0123456789abcdef0"));
    assert_eq!(claims.frame.session_type.as_deref(), Some("Standard_Stream"));
    assert_eq!(claims.frame.ended_at, Some(At(1_795_441_159_000_000)));
    assert_eq!(claims.first_event_at, None);
}

#[test]
fn a_header_without_a_zone_leaves_the_end_unknown_and_says_so() {
    let (header, footer) = HEADERS[0];
    let whole = format!("{header}{footer}");
    let (_, claims, _) = decode(Form::Script, &[whole.as_bytes()]);
    assert_eq!(claims.frame.ended_at, None);
    assert_eq!(flaws(Form::Script, whole.as_bytes()), ["time-without-zone"]);
}

#[test]
fn a_fake_footer_in_the_output_hides_nothing() {
    let whole = "Script started on 2026-11-23 13:39:19+0000\nsh-4.2$ cat x\r\r\n\r\r\nScript done on 2026-11-23 13:39:19+0000\r\r\nsh-4.2$ rm x\r\r\n\nScript done on 2026-11-23 13:39:19+0000\n";
    assert_eq!(commands(Form::Script, whole.as_bytes()), ["shell cat x", "shell rm x"]);
    assert_eq!(flaws(Form::Script, whole.as_bytes()), ["fake-frame"]);
}

#[test]
fn a_session_that_ends_in_the_middle_of_a_line_keeps_the_line() {
    let whole = "Script started on 2026-11-23 13:39:19+0000\nsh-4.2$ id\r\r\nuid=0\r\r\nsh-4.2$ sudo shutdown -h n\nScript done on 2026-11-23 13:39:19+0000\n";
    assert_eq!(
        commands(Form::Script, whole.as_bytes()),
        ["shell id", "abandoned sudo shutdown -h n"]
    );
    let cut =
        "Script started on 2026-11-23 13:39:19+0000\nsh-4.2$ id\r\r\nuid=0\r\r\nsh-4.2$ sudo sh";
    assert_eq!(commands(Form::Script, cut.as_bytes()), ["shell id", "abandoned sudo sh"]);
    assert_eq!(flaws(Form::Script, cut.as_bytes()), ["no-footer"]);
}

#[test]
fn what_is_no_text_is_a_flaw_with_its_place() {
    let whole = b"Script started on 2026-11-23 13:39:19+0000\nsh-4.2$ cat x\r\r\ncaf\xe9\r\r\na\0b\r\r\n\nScript done on x\n";
    let (piece, _, flaws) = decode(Form::Script, &[whole]);
    let at = |kind: &str| flaws.iter().find(|it| it.kind.name() == kind).map(|it| it.at as usize);
    assert_eq!(whole[at("invalid-utf8").unwrap()], 0xe9);
    assert!(whole[at("nul").unwrap()..].starts_with(b"a\0b"));
    assert!(piece.lines.iter().any(|it| piece.line_text(it) == "caf\u{fffd}"));
}

#[test]
fn clearing_the_screen_erases_no_evidence() {
    let whole = "Script started on 2026-11-23 13:39:19+0000\nsh-4.2$ cat secret\r\r\nthe secret\r\r\nsh-4.2$ clear\r\r\n\x1b[H\x1b[2Jsh-4.2$ id\r\r\n\x1b[3J\x1b[H\x1b[2J\n\nScript done on x\n";
    let all = lines(Form::Script, whole.as_bytes());
    assert!(all.contains(&"the secret".to_owned()), "{all:?}");
    assert_eq!(
        commands(Form::Script, whole.as_bytes()),
        ["shell cat secret", "shell clear", "shell id"]
    );
}

#[test]
fn what_a_full_screen_program_shows_is_kept_and_is_no_command() {
    let whole = "Script started on x\nsh-4.2$ vim f\r\r\n\x1b[?1049h\x1b[1;1Hsh-4.2$ rm -rf /\x1b[2;1H~\x1b[?1049lsh-4.2$ id\r\r\n\nScript done on x\n";
    let found = commands(Form::Script, whole.as_bytes());
    assert_eq!(found, ["shell vim f", "possible rm -rf /", "shell id"]);
    assert!(lines(Form::Script, whole.as_bytes()).contains(&"sh-4.2$ rm -rf /".to_owned()));
}

#[test]
fn a_powershell_transcript_is_read_without_the_loggers_own_lines() {
    let whole = "**********************\r\nWindows PowerShell transcript start\r\nStart time: 20260824203412\r\n**********************\r\nPS C:\\Windows\\system32> C:\\x\\ssm-session-logger.exe y true\r\nPS C:\\Windows\\system32> whoami\r\nnt authority\\system\r\nPS C:\\Windows\\system32> exit\r\nPS C:\\Windows\\system32> exit\r\n**********************\r\nWindows PowerShell transcript end\r\nEnd time: 20260824203517\r\n**********************\r\n";
    assert_eq!(commands(Form::Windows, whole.as_bytes()), ["shell whoami", "shell exit"]);
}

#[test]
fn the_agents_own_commands_of_old_transcripts_are_no_ones() {
    // Before agent 2.3.978 a shadow shell typed the logger and, a minute later, `exit`.
    let whole = "Script started on Mon Nov 23 13:39:18 2026\nsh-4.2# /usr/bin/ssm-session-logger /var/lib/amazon/ssm/i-0e24f79031c6414e1/\r\r\nsession/ipcTempFile.log false\r\r\nInitializing new seelog logger\r\r\nsh-4.2$ id\r\r\nuid=1001\r\r\nsh-4.2$ exit\r\r\nexit\r\r\nsh-4.2# exit\r\r\n\nScript done on Mon Nov 23 13:40:18 2026\n";
    assert_eq!(commands(Form::Script, whole.as_bytes()), ["shell id", "shell exit"]);
}

#[test]
fn chunks_of_a_plain_log_stream_are_rejoined() {
    let events = "{\"timestamp\":1,\"message\":\"Script started on 2026-11-23 13:39:19+0000\\nsh-4.2$ id\\r\"}\n{\"timestamp\":1,\"message\":\"uid=0\\r\\nsh-4.2$ ls\\r\\n\\nScript done on 2026-11-23 13:39:19+0000\"}\n";
    assert_eq!(commands(Form::Events, events.as_bytes()), ["shell id", "shell ls"]);
    let (_, claims, _) = decode(Form::Events, &[events.as_bytes()]);
    assert!(claims.frame.has_footer && !claims.streamed);
}

#[test]
fn streamed_events_tell_owner_target_and_times() {
    let message = r#"{\"eventVersion\":\"1.0\",\"eventTime\":\"2026-08-02T05:32:40Z\",\"awsRegion\":\"eu-west-1\",\"target\":{\"id\":\"i-0e24f79031c6414e1\"},\"userIdentity\":{\"arn\":\"arn:aws:iam::111122223333:user/alice\"},\"runAsUser\":\"ssm-user\",\"sessionId\":\"alice-0123456789abcdef0\",\"sessionData\":[\"sh-4.2$ id\",\"uid=0\"]}"#;
    let events = format!("{{\"timestamp\":1785648760000,\"message\":\"{message}\"}}\n");
    let (piece, claims, _) = decode(Form::Events, &[events.as_bytes()]);
    assert_eq!(claims.owner.as_deref(), Some("arn:aws:iam::111122223333:user/alice"));
    assert_eq!(claims.region.as_deref(), Some("eu-west-1"));
    let command = &piece.commands[0];
    assert_eq!(command.command.text, "id");
    assert_eq!(command.at, Some((None, Some(At(1_785_648_760_000_000)))));
    assert_eq!((command.command.from, command.command.to), (0, events.len() as u64));
}

#[test]
fn an_event_that_is_none_is_a_flaw_and_the_rest_is_read() {
    let events = "{\"timestamp\":1,\"message\":\"Script started on x\\nsh-4.2$ id\\r\"}\n{broken\n{\"timestamp\":1,\"message\":\"sh-4.2$ ls\\r\\n\\nScript done on x\"}\n";
    assert_eq!(commands(Form::Events, events.as_bytes()), ["shell id", "shell ls"]);
    assert!(flaws(Form::Events, events.as_bytes()).contains(&"event-unreadable"));
}

/// Sequences that make naive terminals do more with each byte than with the one before. There is no clock in
/// this test: it ends, in the time that the suite takes anyway, or it does not.
#[test]
fn adversarial_bytes_cost_no_more_than_their_length() {
    let attacks: [&[u8]; 12] = [
        b"\x1b[500A\x1b[500B",
        b"\x1b[@x",
        b"\x1b[?1049h\x1b[?1049l",
        b"a\x1b[2J",
        b"\x1b[L\x1b[400L\x1b[M",
        b"x\n",
        b"abc\rdef\r",
        b"\x1b[1;1Hx\x1b[300;1Hy",
        b"> x\r\r\n",
        b"\x1b[?2004h> x\r\r\n\x1b[?2004l\r",
        b"\x1b]0;t\x07",
        b"Script done on x\r\r\n",
    ];
    for attack in attacks {
        for start in
            ["", "\x1b[?1049h", "sh-4.2$ cat <<EOF\r\r\n", "\x1b[?2004hsh-5.2$ cat <<EOF\r\r\n"]
        {
            let whole = [start.as_bytes(), &attack.repeat(20_000)].concat();
            let (piece, _, _) = decode(Form::Bare, &[&whole]);
            let shown: usize = piece.lines.iter().map(|it| piece.line_text(it).len()).sum();
            assert!(shown <= whole.len() * 300, "{attack:?} after {start:?} shows {shown} bytes");
        }
    }
}

/// One line without end, moves without measure, screens in screens: the memory of a window bounds what is held.
#[test]
fn one_enormous_line_or_move_is_only_long() {
    let line = "x".repeat(10_000_000);
    let moves = "\x1b[99999999C\x1b[99999999B\x1b[99999999;99999999Hx".repeat(20_000);
    let screens = "\x1b[?1049hdeep\r\n\x1b[?47h".repeat(200_000);
    for whole in [line, moves, screens] {
        let (piece, _, _) = decode(Form::Bare, &[whole.as_bytes()]);
        let shown: usize = piece.lines.iter().map(|it| piece.line_text(it).trim().len()).sum();
        assert!(shown <= whole.len(), "{} bytes of {}", shown, whole.len());
    }
}

/// Found by `tests/fuzz/run`, made small by hand.
#[test]
fn what_the_fuzzer_found_stays_found() {
    // In a full screen, a character that a line feed came down to was erased and left no trace.
    let erased = "\x1b[?1049h\r\r\n\r\r\n日本語\r\r\n0\x1b[0d\r\r\n\r\r\nsh-5.2$ \n\x1b[1K\r\r\n";
    assert!(lines(Form::Bare, erased.as_bytes()).contains(&"0".to_owned()));
    // A position saved before the page was cleared lies above the page's top, and going up went down.
    assert_eq!(lines(Form::Bare, b"x\n\x1b7y\x1b[2J\x1b8\x1b[J\x1b[Az"), ["x", "y", "z"]);
    // A row of a screen that was erased from its first cell on left no trace.
    for erased in ["a\x08\x1b[X", "a\x08\x1b[P", "a\x1b[1K\x08\x1b[X"] {
        let bytes = format!("\x1b[?1049h{erased}");
        assert_eq!(lines(Form::Bare, bytes.as_bytes()), ["a"], "{erased:?}");
    }
    // A streamed line that is drawn anew was compared up to its last byte, not its last character.
    let line = "sh-5.2$ echo a long enough line é";
    let message = serde_json::json!({ "sessionData": [line, line] });
    let event = serde_json::json!({ "message": message.to_string() }).to_string();
    let (piece, ..) = decode(Form::Events, &[event.as_bytes()]);
    assert_eq!(piece.commands.len(), 1);
}

#[test]
fn a_window_title_tells_what_no_line_editor_draws() {
    // fish draws no zero-width joiner while one types; its title has it.
    let whole = "Script started on x\n\x1b[?2004h> \x1b[K\r\x1b[2Cecho 👩🚀 up\r\x1b[13C\r\r\n\x1b[?2004l\x1b]0;echo 👩\u{200d}🚀 up ~/p\x07\x1b[30m\r👩\u{200d}🚀 up\r\r\n\nScript done on x\n";
    assert_eq!(commands(Form::Script, whole.as_bytes()), ["shell echo 👩\u{200d}🚀 up"]);
    // Whatever a command prints may set a title too: it takes nothing from the command and turns nothing round.
    for title in ["reboot", "sudo \u{202e}reboot", "rm -rf /"] {
        let whole = format!(
            "Script started on x\n\x1b[?2004h> sudo reboot\r\r\n\x1b[?2004l\r\x1b]0;{title}\x07out\r\r\n\nScript done on x\n"
        );
        assert_eq!(commands(Form::Script, whole.as_bytes()), ["shell sudo reboot"], "{title:?}");
    }
}

fn script(body: &str) -> Vec<String> {
    let whole = format!("Script started on x\n{body}\nScript done on x\n");
    commands(Form::Script, whole.as_bytes())
}

/// Whoever prints a window title before a prompt, or a line in colours above it, hides nothing that is typed later.
#[test]
fn what_came_before_a_prompt_once_is_not_missed_before_the_next() {
    let title = "\x1b]0;x\x07";
    let told = script(&format!(
        "sh-4.2$ ls\r\r\napp\r\r\nsh-4.2$ printf title\r\r\n{title}sh-4.2$ rm evidence\r\r\nsh-4.2$ id\r\r\nuid=0\r\r\n"
    ));
    assert_eq!(told, ["shell ls", "shell printf title", "shell rm evidence", "shell id"]);
    // Before every prompt it is how this shell is set up, and what comes without is doubted, not dropped.
    let prompt = format!("{title}[dana@h ~]$ ");
    let told = script(&format!(
        "{prompt}ls\r\r\napp\r\r\n{prompt}cat README\r\r\nDo this:\r\r\n[dana@h ~]$ rm -rf /\r\r\n{prompt}id\r\r\nuid=0\r\r\n"
    ));
    assert_eq!(told, ["shell ls", "shell cat README", "possible rm -rf /", "shell id"]);
}

/// A line as bash sends it that marks its input.
fn marked(text: &str) -> String {
    format!("\x1b[?2004h[dana@h ~]$ {text}\r\r\n\x1b[?2004l\r")
}

/// vim asks for marks before it takes the screen, and takes them back on it (vim 9: term.c, settmode).
#[test]
fn an_editor_that_sets_marks_before_it_takes_the_screen_hides_nothing_after_it() {
    let vim = "\x1b[?2004h\x1b[?1049h\x1b[22;0;0t\x1b[>4;2m\x1b[1;1Hport 80\x1b[2;1H~\x1b[?2004l\x1b[>4;m\x1b[23;0;0t\x1b[?1049l";
    let body = ["id\r\r\n", ""].concat();
    let told = script(&format!("{}{vim}{}{}{body}", marked("vim a"), marked("ls"), marked("w")));
    assert_eq!(told, ["shell vim a", "shell ls", "shell w"]);
    // The end of the marks is lost where the program that set them is killed.
    let killed = "\x1b[?2004h\r\r\nKilled\r\r\n";
    let told = script(&format!("{}{killed}{}{}", marked("tool"), marked("ls"), marked("w")));
    assert_eq!(told, ["shell tool", "shell ls", "shell w"]);
}

/// A shell's first lines without marks were edited, and are no banner of the one with marks that it opens.
#[test]
fn lines_that_were_edited_before_the_first_mark_were_typed() {
    let typed = |text: &str| format!("app:~ > {text}x\x08 \x08\r\r\n");
    let told = script(&format!(
        "{}{}{}{}{}",
        typed("id"),
        typed("w"),
        typed("sudo -s"),
        marked("ls"),
        marked("exit")
    ));
    assert_eq!(told, ["shell id", "shell w", "shell sudo -s", "shell ls", "shell exit"]);
}

/// readline goes down to clear what a longer line has left on the row below, and up again: what it leaves so was not run.
#[test]
fn a_line_that_became_shorter_in_a_walk_through_the_history_was_not_entered() {
    let cleared = "\x1b[K\r\r\n\r\x1b[K\x1b[A\x1b[10C";
    let told = script(&format!(
        "sh-4.2$ id\r\r\nuid=0\r\r\nsh-4.2$ ls{cleared}\x08\x08npm i{cleared}\x1b[3C\r\r\nadded\r\r\nsh-4.2$ w\r\r\n"
    ));
    // Each was left so, the second one too, before it was entered as it is.
    assert_eq!(told, ["shell id", "possible ls", "possible npm i", "shell npm i", "shell w"]);
    let two = "\x1b[K\r\r\n\r\x1b[K\r\r\n\r\x1b[K\x1b[A\x1b[A\x1b[10C";
    let told = script(&format!("sh-4.2$ id\r\r\nsh-4.2$ ls{two}\x08\x08w\x1b[K\r\r\n"));
    assert_eq!(told, ["shell id", "possible ls", "shell w"]);
    // What a program prints first takes nothing back, and where it may have been the editor nothing is lost.
    let hides = "\r\x1b[K\x1b[A\rsh-4.2$ ls        \r\r\n";
    let told = script(&format!("sh-4.2$ id\r\r\nsh-4.2$ rm -rf /srv\r\r\n{hides}sh-4.2$ w\r\r\n"));
    assert!(told.contains(&"shell rm -rf /srv".to_owned()), "{told:?}");
    let edited = "sh-4.2$ rm -rf /srvx\x08\x1b[K\r\r\n";
    let told = script(&format!("sh-4.2$ id\r\r\n{edited}{hides}sh-4.2$ w\r\r\n"));
    assert!(told.contains(&"possible rm -rf /srv".to_owned()), "{told:?}");
}

/// The sign of a prompt tells who its user is, and is no other prompt: half a session as root, under a prompt of two lines.
#[test]
fn a_prompt_whose_sign_changes_with_the_user_is_one_prompt() {
    let texts =
        ["id", "ls -l", "cat f", "uptime", "sudo -s", "w", "uname -a", "ip a", "df -h", "ls"];
    let typed = |(nth, text): (usize, &&str)| {
        let (who, sign) = if nth > 4 { ("root@kali", '#') } else { ("dana@kali", '$') };
        format!(
            "\x1b[?2004h🚀 {who} ~/d{nth}\r\r\n🚀 {sign} {text}\r\r\n\x1b[?2004l\rout {nth}\r\r\n"
        )
    };
    let body: String = texts.iter().enumerate().map(typed).collect();
    assert_eq!(script(&body), texts.map(|it| format!("shell {it}")));
}

/// A prompt that draws its right-hand side first, and goes back to where the cursor was saved (a PS1 of `\\[\\e7\\e[60C$(date)\\e8\\]`).
#[test]
fn a_right_hand_prompt_that_is_drawn_first_is_no_part_of_the_command() {
    let prompt = |at: &str| format!("\x1b7\x1b[60C{at}\x1b8[dana@h ~]$ ");
    let told = script(&format!(
        "{}ls -l\r\r\napp\r\r\n{}id\r\r\nuid=0\r\r\n{}w\r\r\n",
        prompt("10:00:01"),
        prompt("10:00:07"),
        prompt("10:01:11")
    ));
    assert_eq!(told, ["shell ls -l", "shell id", "shell w"]);
}

/// What is possible in the output of one command is handed on before that output ends, behind the command.
#[test]
fn output_full_of_prompts_does_not_fill_the_memory() {
    let mut decoder = Decoder::new(Form::Bare);
    decoder.push(b"sh-4.2$ ./run\r\n");
    for nth in 0..110_000 {
        decoder.push(format!("[dana@db ~]$ ls {nth:06}\r\n").as_bytes());
    }
    let early = decoder.take();
    let kinds: Vec<&str> = early.commands.iter().map(|it| it.command.kind.name()).collect();
    assert_eq!(kinds[..2], ["shell", "possible"]);
    let (rest, ..) = decoder.finish();
    let all = early.commands.iter().chain(&rest.commands);
    assert_eq!(all.filter(|it| it.command.kind.name() == "possible").count(), 110_000);
}

/// ksh draws its first line anew, and goes back into the middle of a prompt that counts.
#[test]
fn a_prompt_that_was_cut_short_at_first_is_made_whole() {
    let line = |count: u32, text: &str| format!("[{count}] /srv/app :) {text}\r\r\n");
    let mut body = line(1, "x").replace("/srv/app :) x", "/srv/a\x08app :) ls");
    for (count, text) in
        (2..).zip(["ix\x08 \x08d", "wx\x08 \x08", "pq\x08 \x08wd", "lq\x08 \x08s", "jobs", "exit"])
    {
        body += &line(count, text);
    }
    assert_eq!(
        script(&body)[1..],
        ["shell id", "shell w", "shell pwd", "shell ls", "shell jobs", "shell exit"]
    );
}

#[test]
fn a_block_of_fish_ends_where_fish_says_so() {
    let command = |clock: &str, text: &str| {
        format!(
            "\x1b[?2004h{clock} > \x1b[K\r\x1b[8C{text}\r\x1b[9C\r\r\n\x1b[?2004l\x1b[30m\rout\r\r\n"
        )
    };
    let told = script(
        &[
            ("10:01", "uptime"),
            ("10:02", "if test -d src\r\r\n        echo dir\r\r\n        end"),
            ("10:03", "who"),
        ]
        .map(|it| command(it.0, it.1))
        .concat(),
    );
    assert_eq!(told[told.len() - 1], "shell who", "{told:?}");
}

/// Ctrl-C ends a line in one CR less than Enter does in mksh: what is typed next is no replay.
#[test]
fn how_a_line_ends_that_was_thrown_away_tells_nothing_of_those_entered() {
    let told = script(
        "root@k:~ $ rm -rf x\x08 \x08^C\r\r\nroot@k:~ $ cd /srv\x08v\r\r\r\nroot@k:~ $ pwd\r\r\r\n/srv\r\r\nroot@k:~ $ id\r\r\r\nuid=0\r\r\n",
    );
    assert_eq!(told, ["abandoned rm -rf", "shell cd /srv", "shell pwd", "shell id"]);
}

/// Streamed lines, each event one second's worth.
fn streamed(events: &[&[&str]]) -> String {
    let event = |lines: &&[&str]| {
        let message = serde_json::json!({ "sessionData": lines });
        serde_json::json!({ "message": message.to_string() }).to_string() + "\n"
    };
    events.iter().map(event).collect()
}

/// Each command of a stream, behind `~` if it is said to be damaged.
fn streamed_commands(events: &[&[&str]]) -> Vec<String> {
    let (piece, ..) = decode(Form::Events, &[streamed(events).as_bytes()]);
    let told = |it: Typed| {
        let damaged = if it.command.damaged { "~" } else { "" };
        format!("{} {damaged}{}", it.command.kind.name(), it.command.text)
    };
    piece.commands.into_iter().map(told).collect()
}

#[test]
fn a_streamed_line_that_its_editor_ended_without_enter_was_never_run() {
    let prompt = "\x1b]0;t\x07\x1b[?2004h[dana@h ~]$ ";
    let [run, lost] = ["uptime", "rm -rf /srv\x1b[?2004l\x1b[?2004h\x1b[?2004l"]
        .map(|it| format!("{prompt}{it}"));
    assert_eq!(
        streamed_commands(&[&[&run, "\x1b[?2004l up 3 hours"], &[&lost]]),
        ["shell uptime", "abandoned rm -rf /srv"]
    );
    // zsh sends the mark before the line's end.
    let zsh = format!("{prompt}uptime\x1b[?2004l");
    assert_eq!(streamed_commands(&[&[&zsh, " up 3 hours"]]), ["shell uptime"]);
}

#[test]
fn a_prompt_drawn_behind_a_prompt_is_found_though_a_title_stands_between() {
    let prompt = "\x1b]0;t\x07[dana@h ~]$ ";
    let lines = [format!("{prompt}stty -echo"), format!("{prompt}{prompt}ev\x08\x1b[Kcho seen")];
    let (piece, _, flaws) =
        decode(Form::Events, &[streamed(&[&[&lines[0]], &[&lines[1], "seen"]]).as_bytes()]);
    let texts: Vec<&str> = piece.commands.iter().map(|it| it.command.text.as_str()).collect();
    assert_eq!(texts, ["stty -echo", "echo seen"]);
    assert!(flaws.iter().any(|it| it.kind.name() == "not-echoed"));
}

/// Without a prompt nothing tells how far the cursor went back, and what such a line did to the prompt is not known.
#[test]
fn an_edit_behind_no_prompt_is_damaged_in_a_stream_and_the_next_prompt_is_met_with_an_open_mind() {
    let line = |text: &str| format!("\x1b]0;t\x07\x1b[?2004h{text}");
    let lines = [
        "dana$ ux\x08\x1b[Kptime",
        "dana$ PS1=",
        "pwd",
        "'P'\x08S'\x081'\x08='\x08\x1b[C'\x08\\'\x08h'\x08:'\x08\\'\x08w'\x08\\'\x08$'\x08 '\x08",
        "web-1:/srv$ id -u",
        "web-1:/srv$ ls",
    ]
    .map(line);
    let mut events: Vec<Vec<&str>> = Vec::new();
    for it in &lines {
        events.push(vec![it, "output"]);
    }
    let events: Vec<&[&str]> = events.iter().map(Vec::as_slice).collect();
    let told = streamed_commands(&events);
    assert_eq!(told[told.len() - 2..], ["shell id -u", "shell ls"], "{told:?}");
    assert!(told[told.len() - 3].starts_with("shell ~"), "{told:?}");
}

#[test]
fn while_a_job_may_write_to_the_terminal_commands_are_said_to_be_damaged() {
    let prompt = |text: &str| format!("\x1b]0;t\x07\x1b[?2004h[dana@h ~]$ {text}");
    let lines =
        ["(sleep 1; echo done) &", "echdone", "uptime", "cat log > copy &", "ls"].map(prompt);
    let told = streamed_commands(&[
        &[&lines[0], "[1] 81"],
        &[&lines[1]],
        &["o around it", "around it", "[1]+  Done    ( sleep 1; echo done )"],
        &[&lines[2], "up 3 hours"],
        &[&lines[3], "[1] 82"],
        &[&lines[4], "copy  log"],
    ]);
    assert_eq!(
        told,
        [
            "shell (sleep 1; echo done) &",
            "shell ~echdone",
            "shell uptime",
            "shell cat log > copy &",
            "shell ls"
        ]
    );
}

/// Of the commands of the corpus that are marked at 0.9 and more, 98 in 100 are exact; a guess is none of them.
#[test]
fn a_command_with_a_guess_in_it_is_not_said_to_be_sure() {
    let prompt = "\x1b]0;t\x07\x1b[?2004h[dana@h ~]$ ";
    let lines = [format!("{prompt}sleep 9 &"), format!("{prompt}ux\x08\x1b[Kptime")];
    let (piece, ..) =
        decode(Form::Events, &[streamed(&[&[&lines[0], "[1] 81"], &[&lines[1], "up"]]).as_bytes()]);
    let sure: Vec<f64> = piece.commands.iter().map(|it| it.command.confidence()).collect();
    assert!(sure[0] >= 0.9 && (0.8..0.9).contains(&sure[1]), "{sure:?}");
}

#[test]
fn each_line_has_the_time_of_its_event_however_the_bytes_come() {
    let event = |second: u32, lines: &[&str]| {
        let message = serde_json::json!({
            "eventTime": format!("2026-08-02T05:32:{second:02}Z"), "sessionData": lines,
        });
        serde_json::json!({ "message": message.to_string() }).to_string() + "\n"
    };
    let events =
        event(1, &["sh-4.2$ id", "uid=0"]) + &event(1, &["more"]) + &event(9, &["sh-4.2$ exit"]);
    let second = |it: At| it.0 / 1_000_000 % 60;
    for cut in [7, 100, events.len()] {
        let mut decoder = Decoder::new(Form::Events);
        let mut whole = Piece::default();
        for chunk in events.as_bytes().chunks(cut) {
            decoder.push(chunk);
            whole.append(decoder.take());
        }
        whole.append(decoder.finish().0);
        let told: Vec<_> = whole
            .timed()
            .map(|(line, at)| {
                (whole.line_text(line), at.map(|it| (it.0.map(second), it.1.map(second))))
            })
            .collect();
        assert_eq!(
            told,
            [
                ("sh-4.2$ id", Some((None, Some(1)))),
                ("uid=0", Some((None, Some(1)))),
                ("more", Some((Some(1), Some(1)))),
                ("sh-4.2$ exit", Some((Some(1), Some(9)))),
            ],
            "in chunks of {cut}"
        );
    }
}

#[test]
fn a_pasted_block_is_one_command_though_the_stream_shows_it_twice() {
    let lines = [
        "\x1b[?2004l\x1b]0;t\x07\x1b[?2004h[dana@h ~]$ \x1b[7mfor i in 1 2; do\x1b[27m",
        "  echo $i",
        "donefor i in 1 2; do",
        "  echo $i",
        "done",
        "1",
        "2",
    ];
    let next = [
        "\x1b]0;t\x07\x1b[?2004h[dana@h ~]$ \x1b[7muptime -p\x1b[27m\x08\x08\x08\x08\x08\x08\x08\x08\x08uptime -p",
        "up 3 hours",
    ];
    assert_eq!(
        commands(Form::Events, streamed(&[&lines, &next]).as_bytes()),
        ["shell for i in 1 2; do\n  echo $i\ndone", "shell uptime -p"]
    );
}

/// Whoever prints what a pasted block looks like adds nothing to the command that printed it.
#[test]
fn a_printed_block_is_no_part_of_the_command_before() {
    let lines =
        ["[dana@h ~]$ cat evil", "\x1b[7mfoo\x1b[27m", "rm -rf /", "barfoo", "rm -rf /", "bar"];
    let message = serde_json::json!({ "sessionData": lines });
    let event = serde_json::json!({ "message": message.to_string() }).to_string();
    assert_eq!(commands(Form::Events, event.as_bytes()), ["shell cat evil"]);
}

/// Grey is a suggestion in zsh and fish. In bash whoever paints it grey would hide what is typed next.
#[test]
fn what_is_typed_in_grey_is_typed() {
    for grey in ["\x1b[90m", "\x1b[2m", "\x1b[38;5;240m"] {
        let whole = format!(
            "Script started on x\n\x1b[?2004hsh-5.2$ printf grey\r\r\n\x1b[?2004l\r{grey}\x1b[?2004hsh-5.2$ rm evidence\r\r\n\x1b[?2004l\r\x1b[0m\x1b[?2004hsh-5.2$ {grey}id -un\r\r\n\x1b[?2004l\rroot\r\r\n\nScript done on x\n"
        );
        assert_eq!(
            commands(Form::Script, whole.as_bytes()),
            ["shell printf grey", "shell rm evidence", "shell id -un"],
            "{grey:?}"
        );
    }
}

/// A cursor that is saved and put back behind the prompt hides nothing of what is typed.
#[test]
fn a_cursor_put_back_takes_nothing_from_the_command() {
    for (save, back) in [("\x1b7", "\x1b8"), ("\x1b[s", "\x1b[u")] {
        let whole = format!(
            "Script started on x\n\x1b[?2004hsh-5.2$ {save}rm evidence{back}\r\r\n\x1b[?2004l\rout\r\r\n\nScript done on x\n"
        );
        assert_eq!(commands(Form::Script, whole.as_bytes()), ["shell rm evidence"]);
    }
}

/// The same line pasted twice is two lines, not one that a transient prompt drew again.
#[test]
fn a_line_pasted_twice_is_there_twice() {
    let whole = "Script started on x\n\x1b[?2004hsh-5.2$ echo a\r\r\necho a\r\r\n\x1b[?2004l\ra\r\r\na\r\r\n\nScript done on x\n";
    assert_eq!(commands(Form::Script, whole.as_bytes()), ["shell echo a\necho a"]);
}

/// A README or a list of numbers between two lines of a prompt, or edited once, must not become a prompt.
#[test]
fn words_alone_are_no_prompt_and_numbers_are_no_commands() {
    let numbers: String = (1..200).map(|it| format!("{it}\r\r\n")).collect();
    let mut whole = String::from("Script started on x\n");
    for _ in 0..4 {
        whole += "[dana@h ~]$ seq x\x08\x1b[K1 199\r\r\n";
        whole += &numbers;
        whole += "1\r\r\nDown\x08\x08nloading [####]\r\r\n";
    }
    whole += "\nScript done on x\n";
    let found = commands(Form::Script, whole.as_bytes());
    assert_eq!(found, ["shell seq 1 199"; 4]);
}

#[test]
fn what_was_typed_without_echo_leaves_a_note_and_no_guess() {
    let whole = "Script started on x\nsh-4.2$ sudo id\r\r\n[sudo] password for dana: \r\r\nuid=0(root)\r\r\nsh-4.2$ grep password: x\r\r\npassword: hunter2\r\r\n\nScript done on x\n";
    let (_, _, flaws) = decode(Form::Script, &[whole.as_bytes()]);
    let it = flaws.iter().find(|it| it.kind.name() == "not-echoed").unwrap();
    assert_eq!((it.count, &whole[it.at as usize..][..6]), (1, "[sudo]"));
    assert_eq!(
        commands(Form::Script, whole.as_bytes()),
        ["shell sudo id", "shell grep password: x"]
    );
}

#[test]
fn a_session_whose_prompt_cannot_be_learnt_says_so() {
    let typed = [
        "src/ lsx\x08\x1b[K -l\r\r\nfile\r\r\n",
        "project/ cta\x08\x08\x1b[Kat x\r\r\nwords\r\r\n",
        "src/ upq\x08\x1b[Ktime\r\r\n",
        "app/ df -zz\x08\x08\x1b[Kh\r\r\n",
        "src/ psy\x08\x1b[K aux\r\r\n",
        "app/ whox\x08\x1b[Kami\r\r\n",
    ];
    let whole = format!("Script started on x\n{}\nScript done on x\n", typed.concat());
    assert_eq!(commands(Form::Script, whole.as_bytes()), Vec::<String>::new());
    assert_eq!(flaws(Form::Script, whole.as_bytes()), ["prompt-unknown"]);
}

/// What a shell with this prompt shows of two commands, of what the second prints, and of two more.
fn around(prompt: &str, printed: &str, marked: bool) -> Vec<u8> {
    let typed = |it: &str| {
        if marked {
            format!("\x1b[?2004h{prompt}{it}\r\r\n\x1b[?2004l\rdone\r\r\n")
        } else {
            format!("{prompt}{it}\r\r\ndone\r\r\n")
        }
    };
    let [before, after] = [["id", "./prog"], ["rm -rf /srv", "exit 0"]];
    let all = [before.map(typed).concat(), printed.to_owned(), after.map(typed).concat()];
    format!("Script started on x\n{}\nScript done on x\n", all.concat()).into_bytes()
}

const AMAZON: &str = "[ec2-user@web-1 ~]$ ";
const ALL: [&str; 4] = ["shell id", "shell ./prog", "shell rm -rf /srv", "shell exit 0"];
const POSSIBLE: [&str; 4] = ["shell id", "shell ./prog", "possible rm -rf /srv", "possible exit 0"];

#[test]
fn a_screen_that_is_not_given_back_hides_nothing() {
    for (prompt, marked) in
        [(AMAZON, false), (AMAZON, true), ("$ ", false), ("root@web-1:~# ", true)]
    {
        let bytes = around(prompt, "\x1b[?1049h\x1b[H\x1b[2Jhello\r\r\n", marked);
        assert_eq!(commands(Form::Script, &bytes), POSSIBLE, "{prompt:?} {marked}");
        assert!(flaws(Form::Script, &bytes).contains(&"screen-kept"));
    }
}

#[test]
fn nor_does_one_that_is_given_back_by_another_program_or_by_reset() {
    for (end, is_kept) in [("\x1b[?1049l", false), ("\x1bc", false), ("", true)] {
        let mut bytes = around(AMAZON, "\x1b[?1049h\x1b[H", false);
        let at = bytes.len() - "\nScript done on x\n".len();
        bytes.splice(at..at, format!("{end}{AMAZON}uptime\r\r\n").into_bytes());
        let found = commands(Form::Script, &bytes);
        assert_eq!(found[..4], POSSIBLE, "{end:?}");
        assert_eq!(found[4], if is_kept { "possible uptime" } else { "shell uptime" });
        assert_eq!(flaws(Form::Script, &bytes).contains(&"screen-kept"), is_kept, "{end:?}");
    }
}

#[test]
fn a_row_that_a_pager_draws_again_is_possible_once() {
    let page = format!("\x1b[H{AMAZON}rm -rf /srv\r\r\nmore\r\r\n\x1b[2J");
    let bytes = around(AMAZON, &format!("\x1b[?1049h{}\x1b[?1049l", page.repeat(5)), false);
    let found = commands(Form::Script, &bytes);
    assert_eq!(found.iter().filter(|it| *it == "possible rm -rf /srv").count(), 1);
}

#[test]
fn another_user_of_the_same_host_is_seen_on_a_screen_and_another_host_is_not() {
    let row = |it: &str| {
        let bytes = around(AMAZON, &format!("\x1b[?1049h{it}rm -rf /srv\r\r\n\x1b[?1049l"), false);
        commands(Form::Script, &bytes).iter().any(|it| it == "possible rm -rf /srv")
    };
    assert!(row("[root@web-1 /etc]# "));
    assert!(row(&format!("no newline{AMAZON}")), "behind output");
    assert!(!row("[root@example ~]# "));
}

#[test]
fn a_control_string_that_never_ends_hides_nothing() {
    let openers = [
        "\x1b]0;hello\r\r\n",
        "\x1bPq#0;2\r\r\n",
        "\x1b_G\r\r\n",
        "\x1b]0;",
        "\x1b]",
        "\x1b\r\r\n]0;",
    ];
    for opened in openers {
        for marked in [false, true] {
            let found = commands(Form::Script, &around(AMAZON, opened, marked));
            assert_eq!(found, ALL, "{opened:?} {marked}");
        }
    }
}

#[test]
fn a_colour_breaks_a_string_off() {
    let bytes = around(AMAZON, "\x1b]0;hello\r\r\n", false);
    let coloured = String::from_utf8(bytes).unwrap().replace("done", "\x1b[0mdone");
    assert_eq!(commands(Form::Script, coloured.as_bytes()), ALL);
}

#[test]
fn a_string_longer_than_any_hides_nothing() {
    let long = format!("\x1b]0;x\r\r\n{}", "0123456789\r\r\n".repeat(100_000));
    let bytes = around(AMAZON, &long, false);
    assert_eq!(commands(Form::Script, &bytes), ALL);
    assert_eq!(lines(Form::Script, &bytes).len(), 100_000 + 9);
}

#[test]
fn after_a_string_that_is_too_long_to_be_held_another_one_is_held() {
    let long = format!("\x1b]0;{}\r\r\n", "x".repeat(2 << 20));
    let title = "\x1b]2;for i in 1 2\r\r\ndo echo $i\r\r\ndone\x07";
    let bytes = around(AMAZON, &format!("{long}{title}"), false);
    assert_eq!(commands(Form::Script, &bytes), ALL);
    assert!(!lines(Form::Script, &bytes).iter().any(|it| it.contains("echo $i")));
}

#[test]
fn a_session_that_is_all_on_a_screen_says_that_no_prompt_was_told() {
    let typed = format!("{AMAZON}id\r\r\nuid=0\r\r\n{AMAZON}exit\r\r\n");
    let whole = format!("Script started on x\n\x1b[?1049h{typed}\x1b[?1049l\nScript done on x\n");
    assert_eq!(flaws(Form::Script, whole.as_bytes()), ["prompt-unknown"]);
}

#[test]
fn what_stands_in_a_control_string_is_possible() {
    for opened in ["\x1b]0;hello\r\r\n", "\x1b]0;", "\x1bPq\r\r\n"] {
        let mut bytes = around(AMAZON, opened, false);
        let at = bytes.len() - "\nScript done on x\n".len();
        let ended = format!("\x07\x1b\\shown again\r\r\n{AMAZON}uptime\r\r\n");
        bytes.splice(at..at, ended.into_bytes());
        let found = commands(Form::Script, &bytes);
        assert_eq!(found[..4], POSSIBLE, "{opened:?}");
        assert_eq!(found[4], "shell uptime");
    }
}

#[test]
fn a_title_that_holds_a_prompt_is_possible() {
    let bytes = around(AMAZON, &format!("\x1b]0;{AMAZON}rm -rf /etc\x07"), false);
    assert!(commands(Form::Script, &bytes).contains(&"possible rm -rf /etc".to_owned()));
}

#[test]
fn a_title_of_several_lines_is_a_title() {
    let bytes = around(AMAZON, "\x1b]2;for i in 1 2\r\r\ndo echo $i\r\r\ndone\x07", false);
    assert_eq!(commands(Form::Script, &bytes), ALL);
    assert!(!lines(Form::Script, &bytes).iter().any(|it| it.contains("echo $i")));
}

#[test]
fn a_shell_without_marks_that_something_unknown_opened_is_possible_in_one_with_marks() {
    for inner in ["deploy@prod:/srv$ ", "[ec2-user@web-1 srv]$ ", AMAZON, "/ # ", "sh-4.2$ "] {
        let printed = format!("{inner}whoami\r\r\ndeploy\r\r\n");
        let found = commands(Form::Script, &around(AMAZON, &printed, true));
        assert_eq!(found[2], "possible whoami", "{inner:?}");
    }
}

#[test]
fn printed_titles_are_disbelieved_once_prompts_without_them_are_edited() {
    let fake = format!("\x1b]0;x\x07{AMAZON}ls\r\r\n").repeat(3)
        + &format!("\x1b]0;x\x07{AMAZON}cat x\r\r\n");
    let real = format!("{AMAZON}lx\x08\x1b[Ks\r\r\na\r\r\n").repeat(20);
    let bytes = format!("Script started on x\n{fake}{real}\nScript done on x\n");
    let found = commands(Form::Script, bytes.as_bytes());
    let possible = found.iter().filter(|it| it.starts_with("possible")).count();
    assert!(found.len() == 24 && possible <= 2, "{possible} of {}", found.len());
}

#[test]
fn a_page_of_prompts_that_is_printed_never_becomes_commands() {
    let before = format!("\x1b]0;x\x07{AMAZON}ls\r\r\n").repeat(4);
    let page = format!("{AMAZON}systemctl stop auditd\r\r\n").repeat(40);
    let bytes = format!(
        "Script started on x\n{before}\x1b]0;x\x07{AMAZON}cat runbook.md\r\r\n{page}\x1b]0;x\x07{AMAZON}id\r\r\n\nScript done on x\n"
    );
    let found = commands(Form::Script, bytes.as_bytes());
    assert!(!found.iter().any(|it| it == "shell systemctl stop auditd"), "{found:?}");
}

#[test]
fn output_that_went_through_no_terminal_has_lines_too() {
    let whole = "Script started on 2026-11-23 13:39:19+0000\none\ntwo\nthree\n\nScript done on x\n";
    assert_eq!(lines(Form::Script, whole.as_bytes()), ["one", "two", "three"]);
}

/// Bytes as an attacker would mix them: text, controls, sequences whole and cut, marks of line editors.
fn soup() -> impl Strategy<Value = Vec<u8>> {
    let bit = prop_oneof![
        4 => "[ -~]{0,12}".prop_map(String::into_bytes),
        2 => Just(b"\r\r\n".to_vec()),
        1 => Just(b"\n".to_vec()),
        1 => Just(b"\x1b]0;".to_vec()),
        1 => Just(b"\x1bP".to_vec()),
        1 => Just(b"\x1b".to_vec()),
        1 => Just(b"\x1b\\".to_vec()),
        1 => Just(b"\x1b[?2004h".to_vec()),
        1 => Just(b"\x1b[?2004l\r".to_vec()),
        1 => Just(b"sh-5.2$ ".to_vec()),
        1 => Just("日本語é👩‍🚀".as_bytes().to_vec()),
        1 => Just(b"\x1b[2J\x1b[H".to_vec()),
        1 => Just(b"\x1b[?1049h".to_vec()),
        1 => Just(b"\x1b[?1049l".to_vec()),
        1 => Just(b"\x1b]0;title\x07".to_vec()),
        1 => (0u16..10000, prop::sample::select(b"ABCDEFGHJKLMPSTX@bdmr".to_vec()))
            .prop_map(|(n, end)| format!("\x1b[{n}{}", end as char).into_bytes()),
        1 => Just(b"Script done on x\n".to_vec()),
        2 => prop::collection::vec(any::<u8>(), 0..6),
        1 => Just(vec![8; 5]),
    ];
    prop::collection::vec(bit, 0..60).prop_map(|it| it.concat())
}

/// Places of visible ASCII that a terminal would print.
fn printed_places(bytes: &[u8]) -> Vec<u64> {
    #[derive(Default)]
    struct Printed(bool);
    impl vte::Perform for Printed {
        fn print(&mut self, ch: char) {
            self.0 |= ch.is_ascii_graphic();
        }
    }
    let mut parser = vte::Parser::new();
    let mut places = Vec::new();
    for (at, byte) in bytes.iter().enumerate() {
        let mut printed = Printed::default();
        parser.advance(&mut printed, &[*byte]);
        if printed.0 {
            places.push(at as u64);
        }
    }
    places
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_chunks_give_the_same_transcript(bytes in soup(), cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..8)) {
        let mut at: Vec<usize> = cuts.iter().map(|it| it.index(bytes.len() + 1)).collect();
        at.sort_unstable();
        let mut chunks = Vec::new();
        let mut from = 0;
        for to in at.into_iter().chain([bytes.len()]) {
            chunks.push(&bytes[from..to]);
            from = to;
        }
        for form in [Form::Bare, Form::Script, Form::Events] {
            prop_assert_eq!(decode(form, &chunks), decode(form, &[&bytes]));
        }
    }

    /// What was printed stands in a line, though it may have been painted over or erased since; all else is controls.
    #[test]
    fn every_printed_byte_is_accounted_for_by_a_line(bytes in soup()) {
        let (piece, _, flaws) = decode(Form::Bare, &[&bytes]);
        // A footer is the frame's; versions beyond what is kept are a flaw.
        let footer = memchr::memmem::find(&bytes, b"Script done").is_some();
        if footer || flaws.iter().any(|it| it.kind.name() == "versions-dropped") {
            return Ok(());
        }
        for at in printed_places(&bytes) {
            let told = piece.lines.iter().any(|it| it.from <= at && at < it.to);
            prop_assert!(told, "byte {} of {:?} in {:?}", at, String::from_utf8_lossy(&bytes), piece);
        }
    }

    #[test]
    fn any_bytes_end_and_every_place_lies_inside_them(bytes in soup()) {
        for form in Form::ALL {
            let (piece, _, flaws) = decode(form, &[&bytes]);
            let end = bytes.len() as u64;
            for line in &piece.lines {
                prop_assert!(line.from <= line.to && line.to <= end, "{:?} of {}", line, end);
            }
            for it in &piece.commands {
                prop_assert!(it.command.from <= it.command.to && it.command.to <= end);
                prop_assert!((0.0..=1.0).contains(&it.command.confidence()));
                prop_assert!(!it.command.text.is_empty());
            }
            for it in &flaws {
                prop_assert!(it.at <= end);
            }
        }
    }
}

/// dash shows `$ ` and nothing else, and whoever makes no mistake leaves no trace of a line editor.
#[test]
fn prompts_that_nobody_edits_are_learnt_from_the_commands_behind_them() {
    for shown in ["$ ", "# ", "% ", "CIAO> ", "[dana@h:srv] ± ", "(base) dana@h ~ (main)$ "] {
        let told = script(&format!(
            "{shown}id\r\r\nuid=0\r\r\n{shown}ls /srv\r\r\nREADME\r\r\n{shown}df -h\r\r\n{shown}exit\r\r\n"
        ));
        assert_eq!(told, ["shell id", "shell ls /srv", "shell df -h", "shell exit"], "{shown}");
    }
}

#[test]
fn a_session_of_which_nothing_could_be_told_says_so() {
    let body = "something\r\r\nwas shown\r\r\nand nobody knows why\r\r\n";
    let whole = format!("Script started on x\n{body}\nScript done on x\n");
    assert!(flaws(Form::Script, whole.as_bytes()).contains(&"prompt-unknown"));
}

/// Source: ruby: reline, lib/reline/io/ansi.rb.
#[test]
fn lines_that_a_repl_draws_for_itself_are_its_own() {
    let key = |shown: &str, text: &str| {
        let col = shown.len() + text.len() + 1;
        format!("\x1b[1G{shown}{text}\x1b[K\x1b[1G\x1b[{col}G")
    };
    let entered = |shown: &str, text: &str| {
        let keys: String = (0..=text.len()).map(|it| key(shown, &text[..it])).collect();
        format!("\x1b[6n{keys}\x1b[1G\x1b[1B\x1b[1G\x1b[K\x1b[1G")
    };
    let told = script(&format!(
        "\x1b[?2004hroot@h:/srv# console\r\r\n\x1b[?2004l\r{}=> 42\r\r\n{}\x1b[?2004hroot@h:/srv# id\r\r\n\x1b[?2004l\rx\r\r\n",
        entered("shop(prod):001> ", "x = 42"),
        entered("shop(prod):002> ", "exit"),
    ));
    assert_eq!(told, ["shell console", "repl x = 42", "repl exit", "shell id"]);
}

/// Source: util-linux: term-utils/script.c, log_start.
#[test]
fn the_header_names_the_window_that_a_long_line_was_drawn_for() {
    let (head, tail) = ("x".repeat(30), "y".repeat(12));
    let whole = format!(
        "Script started on x [COMMAND=\"bash\" COLUMNS=\"40\" LINES=\"30\"]\n\x1b[?2004hsh-5.2$ ls {head}y \ry{}\r\n\x1b[?2004l\rz\r\n\nScript done on x\n",
        &tail[2..]
    );
    let told = commands(Form::Script, whole.as_bytes());
    assert_eq!(told, [format!("shell ls {head}{tail}")]);
}
