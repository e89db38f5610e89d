//! Any bytes give a transcript, the same however they are cut, and every place in it lies within the bytes.
//!
//! The first byte chooses the form and how the rest is cut. A panic, a hang, or an answer that depends on
//! the cut is a finding.
#![no_main]
#![allow(dead_code)]

#[path = "../../../src/transcript/mod.rs"]
mod transcript;

use libfuzzer_sys::fuzz_target;
use transcript::decoder::Decoder;
use transcript::decoder::Piece;
use transcript::wire::Form;

fn decoded(form: Form, bytes: &[u8], cut: usize) -> (Piece, usize) {
    let mut decoder = Decoder::new(form);
    let mut whole = Piece::default();
    let mut add = |mut piece: Piece| {
        let shift = whole.text.len() as u32;
        whole.text.push_str(&piece.text);
        for it in &mut piece.lines {
            it.text = (it.text.0 + shift, it.text.1 + shift);
        }
        whole.lines.append(&mut piece.lines);
        whole.commands.append(&mut piece.commands);
    };
    for chunk in bytes.chunks(cut.max(1)) {
        decoder.push(chunk);
        add(decoder.take());
    }
    let (last, _, flaws) = decoder.finish();
    add(last);
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

fuzz_target!(|data: &[u8]| {
    let Some((first, rest)) = data.split_first() else { return };
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
