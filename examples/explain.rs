use ssmtrail::transcript::{decoder::*, wire::Form};
fn main() {
    let p = std::env::args().nth(1).unwrap();
    let b = std::fs::read(&p).unwrap();
    let f = if p.ends_with("jsonl") {
        Form::Events
    } else if b.starts_with(b"*****") {
        Form::Windows
    } else if b.starts_with(b"Script") {
        Form::Script
    } else {
        Form::Bare
    };
    let mut d = Decoder::new(f);
    d.push(&b);
    let (piece, claims, flaws) = d.finish();
    eprintln!("{claims:?}\n{flaws:?}");
    let mut c = piece.commands.iter().peekable();
    for (n, l) in piece.lines.iter().enumerate() {
        println!("{n:4} {:>6}-{:<6} {:08b} {:?}", l.from, l.to, l.bits, piece.line_text(l));
        while let Some(t) = c.peek() {
            if t.command.line > n as u64 {
                break;
            }
            let t = c.next().unwrap();
            println!(
                "     ==> {} {:.2} d{} {:?} {:?} @{:?} prompt {:?} {:?}",
                t.command.kind.name(),
                t.command.confidence(),
                t.command.depth,
                t.command.os_user,
                t.command.cwd,
                t.command.host,
                t.command.prompt,
                t.command.text
            );
            for e in &t.command.evidence {
                print!("         {:+.1} {};", e.weight, e.what);
            }
            println!();
        }
    }
    for t in c {
        println!("  ==> {:?}", t.command);
    }
}
