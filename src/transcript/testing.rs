//! Marked transcripts, for tests: what a terminal was sent, and under each line what must be read from it.
//!
//! ```text
//! sh-4.2$ cat README
//! //      ^^^^^^^^^^ shell
//! $ rm -rf /
//! ```
//!
//! The carets stand under the text of a command, its kind behind them; where it is edited or of several lines, the mark says it:
//! `// shell: ls -l␊id`. A line without a mark must stay silent. `␛`, `␈`, `␇` and `␍` stand for the characters they show, and each line
//! ends as a line does that `script` recorded, unless `␄` ends it.

use crate::transcript::decoder::Decoder;
use crate::transcript::decoder::Piece;
use crate::transcript::screen::bits;
use crate::transcript::wire::Form;

/// A marked transcript: its bytes, and the commands that must be read from it, behind their kinds.
fn read(transcript: &str) -> (String, Vec<String>) {
    let (mut shown, mut wanted, mut last) = (String::new(), Vec::new(), "");
    for line in transcript.trim_matches('\n').lines() {
        let Some(mark) = line.strip_prefix("//") else {
            shown.extend(line.chars().filter(|it| *it != '␄').map(|it| match it {
                '␛' => '\x1b',
                '␈' => '\x08',
                '␇' => '\x07',
                '␍' => '\r',
                it => it,
            }));
            shown += if line.ends_with('␄') { "" } else { "\r\r\n" };
            last = line;
            continue;
        };
        wanted.push(match mark.split_once(": ") {
            Some((kind, text)) => format!("{} {}", kind.trim(), text.replace('␊', "\n")),
            None => {
                let start = line.chars().take_while(|it| *it != '^').count();
                let many = line.chars().filter(|it| *it == '^').count();
                let text: String = last.chars().skip(start).take(many).collect();
                format!("{} {text}", mark.trim_matches(['^', ' ']))
            }
        });
    }
    (shown, wanted)
}

fn decoded(bytes: &str) -> Piece {
    let mut decoder = Decoder::new(Form::Script);
    decoder.push(format!("Script started on x\n{bytes}\nScript done on x\n").as_bytes());
    decoder.finish().0
}

/// Reads a marked transcript: its commands must be those that it marks, and no others.
#[track_caller]
pub(crate) fn check(transcript: &str) {
    let (bytes, wanted) = read(transcript);
    let told: Vec<String> = decoded(&bytes)
        .commands
        .into_iter()
        .map(|it| format!("{} {}", it.command.kind.name(), it.command.text))
        .collect();
    assert_eq!(told, wanted, "{transcript}");
}

/// The lines that a transcript leaves; what was painted over stands behind `older: `.
pub(crate) fn lines(transcript: &str) -> Vec<String> {
    let piece = decoded(&read(transcript).0);
    let told = |it: &crate::transcript::screen::Line| {
        let older = if it.bits & bits::OVERWRITTEN != 0 { "older: " } else { "" };
        format!("{older}{}", piece.line_text(it))
    };
    piece.lines.iter().map(told).collect()
}
