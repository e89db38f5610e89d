//! A package of evidence: proved by this tool, by `sha256sum` alone, and by minisign's own form of a signature.

use std::process::Command;

use expect_test::expect;

use crate::judging::sound;
use crate::world::World;

/// Sessions that show no secrets; the demo has one that does.
fn world() -> World {
    let world = World::with_demo();
    std::fs::write(world.path("survey.json"), sound().to_string()).expect("a survey");
    world
}

fn shell(world: &World, line: &str) -> (bool, String) {
    let out =
        Command::new("sh").args(["-c", line]).current_dir(world.path(".")).output().expect("sh");
    let text = [out.stdout, out.stderr].concat();
    (out.status.success(), String::from_utf8_lossy(&text).into_owned())
}

#[test]
fn a_package_is_proved_by_the_tool_and_by_sha256sum_alone() {
    let world = world();
    world.run("report --owner alice --survey survey.json --evidence -o audit.tar").is(expect![[
        r#"
            audit.tar
            ! 1 session, 21 commands, 1 of them notable
        "#
    ]]);
    world.run("verify-evidence audit.tar").is(expect![[r#"
        sound: 15 files, 2 transcripts; not signed
    "#]]);
    let (sound, said) =
        shell(&world, "tar -xf audit.tar && cd audit && sha256sum --check --strict SHA256SUMS");
    assert!(sound, "{said}");
    let (_, files) = shell(&world, "cd audit && find . -type f | sort");
    expect![[r#"
        ./README.txt
        ./SHA256SUMS
        ./evidence.json
        ./manifest.jsonl
        ./report.csv
        ./report.evidence.csv
        ./report.findings.csv
        ./report.html
        ./report.json
        ./report.md
        ./report.sessions.csv
        ./report.xlsx
        ./survey.json
        ./transcripts/00001-alice-z81w3ijgndz9r8603r8bxzygn2.log
        ./transcripts/00002-alice-z81w3ijgndz9r8603r8bxzygn2.jsonl
    "#]]
    .assert_eq(&files);
    // The bytes are those that lay in the folder.
    let (same, said) =
        shell(&world, "cmp audit/transcripts/*.log logs/alice-z81w3ijgndz9r8603r8bxzygn2.log");
    assert!(same, "{said}");
}

#[test]
fn the_same_report_is_the_same_package() {
    let world = world();
    world.run("report --owner alice --evidence -o one.tar");
    world.run("report --owner alice --evidence -o one.tar --force");
    std::fs::create_dir(world.path("other")).expect("a folder");
    world.run("report --owner alice --evidence -o other/one.tar");
    let read = |name: &str| std::fs::read(world.path(name)).expect("a package");
    assert!(read("one.tar") == read("other/one.tar"));
}

#[test]
fn whatever_was_changed_in_a_package_is_named() {
    let world = world();
    world.run("report --owner alice --evidence -o audit.tar");
    shell(&world, "tar -xf audit.tar");
    for (what, change) in [
        ("changed", "echo x >> audit/report.md"),
        ("missing", "rm audit/transcripts/00001-*"),
        ("added", "echo x > audit/more.txt"),
        (
            "resealed",
            "f=$(ls -d audit/transcripts/00001-*); echo x >> $f; cd audit; find . -type f ! -name SHA256SUMS -printf '%P\\n' | sort | xargs sha256sum > SHA256SUMS",
        ),
    ] {
        shell(&world, &format!("rm -rf {what}; cp -r audit kept; {change}"));
        shell(&world, &format!("tar -cf {what}.tar audit; rm -rf audit; mv kept audit"));
    }
    world.run("verify-evidence changed.tar").is(expect![[r#"
        report.md was changed
        NOT SOUND: 13 files, 2 transcripts; not signed
        [exit 1]
    "#]]);
    world.run("verify-evidence missing.tar").is(expect![[r#"
        transcripts/00001-alice-z81w3ijgndz9r8603r8bxzygn2.log is missing
        transcripts/00001-alice-z81w3ijgndz9r8603r8bxzygn2.log is cited and missing
        NOT SOUND: 12 files, 2 transcripts; not signed
        [exit 1]
    "#]]);
    world.run("verify-evidence added.tar").is(expect![[r#"
        more.txt was added: no sum speaks of it
        NOT SOUND: 14 files, 2 transcripts; not signed
        [exit 1]
    "#]]);
    world.run("verify-evidence resealed.tar").is(expect![[r#"
        transcripts/00001-alice-z81w3ijgndz9r8603r8bxzygn2.log is not what was read from logs/alice-z81w3ijgndz9r8603r8bxzygn2.log
        NOT SOUND: 13 files, 2 transcripts; not signed
        [exit 1]
    "#]]);
    let bytes = std::fs::read(world.path("audit.tar")).expect("a package");
    std::fs::write(world.path("cut.tar"), &bytes[..bytes.len() / 2]).expect("a part of it");
    world.run("verify-evidence cut.tar").is(expect![[r#"
        ! ssmtrail: cut.tar is no package, or only a part of one: unexpected EOF during skip
        [exit 2]
    "#]]);
    std::fs::write(world.path("none.tar"), "no tar").expect("no package");
    world.run("verify-evidence none.tar").is(expect![[r#"
        ! ssmtrail: none.tar is no package, or only a part of one: failed to read entire block
        [exit 2]
    "#]]);
    world.run("verify-evidence nowhere.tar").is(expect![[r#"
        ! ssmtrail: cannot read nowhere.tar: No such file or directory (os error 2)
        [exit 2]
    "#]]);
}

#[test]
fn a_signature_tells_whose_key_packed_it() {
    let world = world();
    let pair = minisign::KeyPair::generate_unencrypted_keypair().expect("a pair of keys");
    let secret = pair.sk.to_box(None).expect("a key").into_string();
    std::fs::write(world.path("key"), secret).expect("a key");
    let public = pair.pk.to_box().expect("a key").into_string();
    std::fs::write(world.path("key.pub"), public).expect("a key");
    let other = minisign::KeyPair::generate_unencrypted_keypair().expect("a pair of keys");
    let said = world.run("report --owner alice --evidence -o audit.tar --sign key").0;
    assert!(said.starts_with("audit.tar\naudit.tar.minisig\n"), "{said}");
    let said = world.run("verify-evidence audit.tar --public-key key.pub").0;
    assert!(
        said.starts_with("sound: ") && said.contains("the signature is that of key "),
        "{said}"
    );
    let said =
        world.run(&format!("verify-evidence audit.tar --public-key {}", pair.pk.to_base64())).0;
    assert!(said.starts_with("sound: "), "{said}");
    let said =
        world.run(&format!("verify-evidence audit.tar --public-key {}", other.pk.to_base64())).0;
    assert!(said.contains("NOT SOUND") && said.contains("[exit 1]"), "{said}");
    let said = world.run("verify-evidence audit.tar").0;
    assert!(said.contains("signed; --public-key says whose signature it must be"), "{said}");
    std::fs::remove_file(world.path("audit.tar.minisig")).expect("the signature goes");
    let said = world.run("verify-evidence audit.tar --public-key key.pub").0;
    assert!(said.contains("audit.tar.minisig is missing") && said.contains("[exit 1]"), "{said}");
    world.run("report --owner alice --evidence -o x.tar --sign survey.json").is(expect![[r#"
        ! ssmtrail: survey.json cannot sign: Missing encoded key in secret key
        ! hint: a key is made by `minisign -G`; its password is read from SSMTRAIL_SIGN_PASSWORD
        [exit 2]
    "#]]);
    assert!(!world.path("x.tar").exists(), "a package without the signature that was asked for");
}

#[test]
fn bytes_that_show_secrets_are_packed_only_by_request() {
    let world = world();
    world.run("report --evidence -o audit").is(expect![[r#"
        ! ssmtrail: 1 session of the report shows secrets, and bytes that are evidence cannot be masked
        ! hint: --reveal packs them as they are, and the archive records it; or leave --evidence out
        [exit 2]
    "#]]);
    let said = world.run("report --evidence -o audit --reveal").0;
    assert!(said.contains("audit.tar"), "{said}");
    world.run("report --evidence -o audit.html").is(expect![[r#"
        ! ssmtrail: --evidence writes one .tar
        ! hint: name it so: -o audit.tar
        [exit 2]
    "#]]);
    world.run("verify-evidence audit.tar").is(expect![[r#"
        sound: 20 files, 9 transcripts; not signed
    "#]]);
}

#[test]
fn a_secret_that_only_the_bytes_hold_is_not_packed_unasked() {
    let world = World::new();
    world.transcript(
        "logs/alice-0123456789abcdef0.log",
        &["sh-4.2$ ls", "a", "sh-4.2$ id", "uid=0(root)"],
    );
    world.run("sync logs");
    let said = world.run("report --evidence -o sound.tar").0;
    assert!(said.starts_with("sound.tar\n"), "{said}");
    world.transcript(
        "logs/bob-0123456789abcdef0.log",
        &["sh-4.2$ ls", "a", "\x1b]0;mysql -u root -phunter2x\x07sh-4.2$ id", "uid=0(root)"],
    );
    world.run("sync logs");
    let shown = world.run("show bob").0;
    assert!(!shown.contains("hunter2x") && !shown.contains("masked"), "{shown}");
    world.run("report --evidence -o audit.tar").is(expect![[r#"
        ! ssmtrail: 1 session of the report shows secrets, and bytes that are evidence cannot be masked
        ! hint: --reveal packs them as they are, and the archive records it; or leave --evidence out
        [exit 2]
    "#]]);
}

#[test]
fn a_transcript_whose_bytes_are_gone_is_told_and_not_cited() {
    let world = world();
    for it in
        walkdir::WalkDir::new(world.path("archive/transcripts")).into_iter().filter_map(Result::ok)
    {
        if it.file_type().is_file() {
            std::fs::write(it.path(), b"PAR1 no longer PAR1").expect("it breaks");
        }
    }
    let said = world.run("report --owner alice --evidence -o audit.tar").0;
    assert!(said.contains("unreadable: "), "{said}");
    assert!(said.contains("[exit 3]") || said.contains("[exit 2]"), "{said}");
}
