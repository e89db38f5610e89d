//! Any bytes give a transcript, the same however they are cut, and every place in it lies within the bytes.
//!
//! The first byte chooses the form and how the rest is cut. A panic, a hang, or an answer that depends on
//! the cut is a finding. With its fifth bit set, the rest is turned into what line editors send, and our rows must be those of
//! a ready emulator (avt).
#![no_main]
#![allow(dead_code)]

#[path = "../../../src/aws_names.rs"]
mod aws_names;
#[path = "../../../src/error.rs"]
mod error;
#[path = "../../../src/session.rs"]
mod session;
#[path = "../../../src/time.rs"]
mod time;
#[path = "../../../src/transcript/mod.rs"]
mod transcript;

use libfuzzer_sys::fuzz_target;
use transcript::decoder::Decoder;
use transcript::decoder::Piece;
use transcript::screen::Screen;
use transcript::screen::bits;
use transcript::wire::Form;
use transcript::wire::RawLine;

fn decoded(form: Form, bytes: &[u8], cut: usize) -> (Piece, usize) {
    let mut decoder = Decoder::new(form);
    let mut whole = Piece::default();
    for chunk in bytes.chunks(cut.max(1)) {
        decoder.push(chunk);
        whole.append(decoder.take());
    }
    let (last, _, flaws) = decoder.finish();
    whole.append(last);
    (whole, flaws.len())
}

/// Streamed lines as the agent sends them: the fuzzer's bytes, a JSON event a line.
fn events(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    for (nth, line) in bytes.split(|it| *it == b'\n').enumerate() {
        let text = String::from_utf8_lossy(line).replace('\r', "");
        let message = serde_json::json!({ "eventVersion": "1.0", "sessionId": "a-0", "sessionData": [text] });
        let event = serde_json::json!({ "timestamp": 1_700_000_000_000u64 + nth as u64, "message": message.to_string() });
        out.extend_from_slice(event.to_string().as_bytes());
        out.push(b'\n');
    }
    out
}

/// Columns and rows enough for whatever [`edits`] makes.
const COLUMNS: usize = 600;
const ROWS: usize = 80;

/// Bytes as line editors and progress bars send them on rows without margins: text, CR, BS, line ends, erasing, inserting,
/// moving left and right, colours.
fn edits(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut rows = 1;
    // No farther to the right than this, so that margins stay out of it.
    let mut right = 0;
    for pair in bytes.chunks_exact(2).take(500) {
        let count = pair[1] % 24;
        right = match pair[0] {
            b'\r' | b'\n' => 0,
            _ => right + usize::from(count.max(1)),
        };
        if right + 24 > COLUMNS {
            break;
        }
        match pair[0] {
            it @ 0x20..=0x7e => out.push(it),
            b'\n' if rows + 2 < ROWS => {
                rows += 1;
                out.extend_from_slice(b"\r\n");
            }
            it @ (b'\r' | 7 | 8) => out.push(it),
            it @ 0x80..=0xbf => {
                let end = b"CDPX@GK"[usize::from(it) % 7];
                let count = if end == b'K' { count % 3 } else { count };
                out.extend_from_slice(format!("\x1b[{count}{}", char::from(end)).as_bytes());
            }
            it @ 0xc0..=0xcf => out.extend_from_slice(format!("\x1b[{}m", it & 7).as_bytes()),
            _ => {}
        }
    }
    out.extend_from_slice(b"\r\n");
    out
}

fn rows_of_ours(bytes: &[u8]) -> Vec<String> {
    let mut screen = Screen::default();
    screen.set_width(Some(COLUMNS));
    let mut at = 0;
    for raw in bytes.split_inclusive(|it| *it == b'\n') {
        let line = raw.strip_suffix(b"\n").unwrap_or(raw);
        let bare = line.iter().rposition(|it| *it != b'\r').map_or(0, |it| it + 1);
        let (to, crs) = (at + raw.len() as u64, (line.len() - bare) as u8);
        let raw = RawLine { bytes: &line[..bare], crs, ended: true, from: at, to };
        if !screen.plain(raw) {
            screen.line(raw);
        }
        at = to;
    }
    screen.finish(at);
    let drawn = screen.take();
    (0..drawn.lines.len() as u32)
        .filter(|it| drawn.lines[*it as usize].bits & bits::OVERWRITTEN == 0)
        .map(|it| drawn.line_text(it).trim_end().to_owned())
        .filter(|it| !it.is_empty())
        .collect()
}

fn rows_of_avt(bytes: &[u8]) -> Vec<String> {
    let Ok(mut terminal) = avt::Terminal::new(COLUMNS, ROWS) else { return Vec::new() };
    terminal.feed(String::from_utf8_lossy(bytes).as_ref());
    let rows = terminal.screen().text();
    rows.into_iter().map(|it| it.trim_end().to_owned()).filter(|it| !it.is_empty()).collect()
}

fuzz_target!(|data: &[u8]| {
    let Some((first, rest)) = data.split_first() else { return };
    if first & 16 != 0 {
        let bytes = edits(rest);
        assert_eq!(rows_of_ours(&bytes), rows_of_avt(&bytes), "{:?}", String::from_utf8_lossy(&bytes));
    }
    let form = Form::ALL[usize::from(first & 3)];
    let streamed;
    let bytes = if form == Form::Events && first & 4 != 0 {
        streamed = events(rest);
        &streamed[..]
    } else {
        rest
    };
    let whole = decoded(form, bytes, usize::MAX);
    let cut = decoded(form, bytes, usize::from(first >> 3) + 1);
    assert_eq!(whole, cut, "the cut changes the answer");
    for it in &whole.0.lines {
        assert!(it.from <= it.to && it.to <= bytes.len() as u64, "{it:?}");
        whole.0.line_text(it);
    }
    for it in &whole.0.commands {
        assert!(it.command.from <= it.command.to && it.command.to <= bytes.len() as u64);
    }
});
