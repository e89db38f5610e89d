//! How fast bytes become lines and commands, on one core, beside a bare `vte` parse of the same bytes and beside ready
//! emulators of 120 columns, which keep no commands, places or versions.
//!
//! `cargo bench --bench decode [-- KIND]` prints one row a kind of transcript; with `CORPUS=FOLDER`, one more for all
//! `session.log` in its folders, one behind the other. Each kind is repeated to 16 MB; the best of five runs
//! counts, because everything else on the machine can only make it slower.

use std::io::Write;
use std::time::Instant;

use alacritty_terminal::event::VoidListener;
use alacritty_terminal::grid::Dimensions;
use alacritty_terminal::term::Config;
use alacritty_terminal::term::Term;
use ssmtrail::transcript::decoder::CHUNK;
use ssmtrail::transcript::decoder::Decoder;
use ssmtrail::transcript::decoder::Piece;
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

/// The bodies of all transcripts of a corpus, one behind the other.
fn corpus() -> Option<Vec<u8>> {
    let root = std::env::var_os("CORPUS")?;
    let mut folders: Vec<_> =
        std::fs::read_dir(root).ok()?.flatten().map(|it| it.path().join("session.log")).collect();
    folders.sort();
    let scripts = folders.iter().filter_map(|it| std::fs::read(it).ok());
    Some(scripts.flat_map(|it| body(&it)).collect())
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

/// The slow ones run once, on a quarter of the bytes.
fn once(run: impl FnOnce()) -> f64 {
    let begin = Instant::now();
    run();
    begin.elapsed().as_secs_f64()
}

struct Window;

impl Dimensions for Window {
    fn total_lines(&self) -> usize {
        40
    }

    fn screen_lines(&self) -> usize {
        40
    }

    fn columns(&self) -> usize {
        120
    }
}

fn main() {
    let screen = include_bytes!("../tests/transcripts/bench/fullscreen.log");
    let typed = include_bytes!(
        "../tests/transcripts/demo/bob.tanaka@example.com-rdob1n45o9axldi2ukjualhj8s.log"
    );
    let events = include_bytes!("../tests/transcripts/demo/alice-z81w3ijgndz9r8603r8bxzygn2.jsonl");
    let mix: Vec<u8> = [
        &include_bytes!("../tests/transcripts/worn/b-star/session.log")[..],
        include_bytes!("../tests/transcripts/worn/z-omz/session.log"),
        include_bytes!("../tests/transcripts/worn/f-terlar/session.log"),
        include_bytes!("../tests/transcripts/worn/b-powerline/session.log"),
    ]
    .iter()
    .flat_map(|it| body(it))
    .chain(body(screen))
    .chain(body(typed))
    .chain(plain())
    .chain(colours())
    .collect();
    let mut rows = vec![
        (Form::Bare, filled("plain output", &plain())),
        (Form::Bare, filled("colour listing", &colours())),
        (Form::Bare, filled("full screen", &body(screen))),
        (Form::Bare, filled("typed commands", &body(typed))),
        (Form::Bare, filled("mix of all", &mix)),
        (Form::Events, filled("streamed events", events)),
    ];
    if let Some(corpus) = corpus() {
        rows.push((Form::Bare, filled("whole corpus", &corpus)));
    }
    let mut out = std::io::stdout().lock();
    let _ = writeln!(
        out,
        "{:<16} {:>9} {:>9} {:>6} {:>6} {:>10} {:>9}",
        "kind, MB/s", "ssmtrail", "vte only", "vt100", "avt", "alacritty", "commands"
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
            let mut piece = Piece::default();
            for chunk in bytes.chunks(CHUNK) {
                decoder.push(chunk);
                decoder.take_into(&mut piece);
                commands += piece.commands.len();
            }
            commands += decoder.finish().0.commands.len();
        });
        let theirs = best(|| {
            let mut parser = vte::Parser::new();
            parser.advance(&mut Nothing, bytes);
        });
        let one = std::num::NonZeroU16::MIN;
        let short = &bytes[..bytes.len().min(4 << 20)];
        let vt100 = once(|| {
            let mut terminal =
                vt100::Parser::new(one.saturating_add(39), one.saturating_add(119), 1000);
            terminal.process(short);
        });
        let text = String::from_utf8_lossy(short);
        let avt = once(|| {
            if let Ok(mut terminal) = avt::Terminal::new(120, 40) {
                terminal.feed(text.as_ref());
            }
        });
        let alacritty = once(|| {
            let mut parser: alacritty_terminal::vte::ansi::Processor =
                alacritty_terminal::vte::ansi::Processor::new();
            let mut terminal = Term::new(Config::default(), &Window, VoidListener);
            parser.advance(&mut terminal, short);
        });
        let rate = |bytes: usize, secs: f64| bytes as f64 / secs / 1e6;
        let _ = writeln!(
            out,
            "{name:<16} {:>9.0} {:>9.0} {:>6.0} {:>6.0} {:>10.0} {commands:>9}",
            rate(bytes.len(), ours),
            rate(bytes.len(), theirs),
            rate(short.len(), vt100),
            rate(short.len(), avt),
            rate(short.len(), alacritty)
        );
    }
}
