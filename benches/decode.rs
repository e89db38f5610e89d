//! How fast bytes become lines and commands, on one core, beside a bare `vte` parse of the same bytes.
//!
//! `cargo bench --bench decode [-- KIND]` prints one row a kind of transcript. Each kind is repeated to 16 MB; the best of five runs
//! counts, because everything else on the machine can only make it slower.

use std::io::Write;
use std::time::Instant;

use ssmtrail::transcript::decoder::Decoder;
use ssmtrail::transcript::wire::Form;

const BYTES: usize = 16 << 20;

struct Nothing;

impl vte::Perform for Nothing {}

fn filled(form: &str, unit: &[u8]) -> (String, Vec<u8>) {
    let mut bytes = Vec::with_capacity(BYTES + unit.len());
    while bytes.len() < BYTES {
        bytes.extend_from_slice(unit);
    }
    (form.to_owned(), bytes)
}

fn plain() -> Vec<u8> {
    let mut out = Vec::new();
    for it in 0..2000 {
        let _ = write!(
            out,
            "2026-03-02T09:{:02}:{:02}Z INFO request id={it} path=/api/items/{it} took={}ms\r\r\n",
            it / 60 % 60,
            it % 60,
            it * 7 % 900
        );
    }
    out
}

fn colours() -> Vec<u8> {
    let mut out = Vec::new();
    for it in 0..2000 {
        let _ = write!(
            out,
            "-rw-r--r-- 1 root root {:>7} Nov 23 14:14 \x1b[0m\x1b[01;3{}mfile-{it:05}.tar.gz\x1b[0m\r\r\n",
            it * 311,
            it % 8
        );
    }
    out
}

fn body(script: &[u8]) -> Vec<u8> {
    let start = script.iter().position(|it| *it == b'\n').map_or(0, |it| it + 1);
    let end = script.windows(12).rposition(|it| it == b"\nScript done").unwrap_or(script.len());
    script[start..end].to_vec()
}

fn best(mut run: impl FnMut()) -> f64 {
    (0..5)
        .map(|_| {
            let begin = Instant::now();
            run();
            begin.elapsed().as_secs_f64()
        })
        .fold(f64::INFINITY, f64::min)
}

fn main() {
    let screen = include_bytes!("../tests/transcripts/bench/fullscreen.log");
    let typed = include_bytes!(
        "../tests/transcripts/demo/bob.tanaka@example.com-rdob1n45o9axldi2ukjualhj8s.log"
    );
    let events = include_bytes!("../tests/transcripts/demo/alice-z81w3ijgndz9r8603r8bxzygn2.jsonl");
    let rows = [
        (Form::Bare, filled("plain output", &plain())),
        (Form::Bare, filled("colour listing", &colours())),
        (Form::Bare, filled("full screen", &body(screen))),
        (Form::Bare, filled("typed commands", &body(typed))),
        (Form::Events, filled("streamed events", events)),
    ];
    let mut out = std::io::stdout().lock();
    let _ = writeln!(
        out,
        "{:<16} {:>14} {:>14} {:>9}",
        "kind", "ssmtrail MB/s", "vte alone MB/s", "commands"
    );
    let only = std::env::args().skip(1).find(|it| !it.starts_with('-'));
    for (form, (name, bytes)) in &rows {
        if only.as_ref().is_some_and(|it| !name.contains(it.as_str())) {
            continue;
        }
        let mut commands = 0;
        let ours = best(|| {
            let mut decoder = Decoder::new(*form);
            commands = 0;
            for chunk in bytes.chunks(1 << 20) {
                decoder.push(chunk);
                commands += decoder.take().commands.len();
            }
            commands += decoder.finish().0.commands.len();
        });
        let theirs = best(|| {
            let mut parser = vte::Parser::new();
            parser.advance(&mut Nothing, bytes);
        });
        let rate = |secs: f64| bytes.len() as f64 / secs / 1e6;
        let _ =
            writeln!(out, "{name:<16} {:>14.0} {:>14.0} {commands:>9}", rate(ours), rate(theirs));
    }
}
