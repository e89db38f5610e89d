use ssmtrail::transcript::{decoder::*, wire::Form};
fn main() {
    let dir = std::env::args().nth(1).unwrap();
    let form = std::env::args().nth(2).unwrap_or("s3".into());
    let mut names: Vec<_> = std::fs::read_dir(&dir)
        .unwrap()
        .map(|e| e.unwrap().path())
        .filter(|p| p.join("truth.json").exists())
        .collect();
    names.sort();
    for p in names {
        let id = p.file_name().unwrap().to_string_lossy().into_owned();
        let (f, n) = if form == "s3" {
            (Form::Script, "session.log")
        } else {
            (Form::Events, "cloudwatch.jsonl")
        };
        let Ok(b) = std::fs::read(p.join(n)) else { continue };
        let f = if b.starts_with(b"*****") {
            Form::Windows
        } else if form == "s3" && !b.starts_with(b"Script") {
            Form::Bare
        } else {
            f
        };
        let mut d = Decoder::new(f);
        d.push(&b);
        let (piece, _claims, _flaws) = d.finish();
        let c: Vec<_> = piece.commands.iter().filter(|it| it.command.kind.name() != "possible").map(|it| serde_json::json!({"text": it.command.text, "kind": it.command.kind.name(), "confidence": it.command.confidence()})).collect();
        println!("{}", serde_json::json!({"session": id, "commands": c}));
    }
}
