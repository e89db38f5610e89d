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
        ! head: 1:…
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
        audit/: it is a folder, and a package holds files alone
        audit/transcripts/: it is a folder, and a package holds files alone
        the tar was not written by ssmtrail: 13 of its headers differ, first that of audit/report.csv
        the files are not in the order of a package, first report.html
        report.md was changed
        NOT SOUND: 13 files, 2 transcripts; not signed
        [exit 1]
    "#]]);
    world.run("verify-evidence missing.tar").is(expect![[r#"
        audit/: it is a folder, and a package holds files alone
        audit/transcripts/: it is a folder, and a package holds files alone
        the tar was not written by ssmtrail: 12 of its headers differ, first that of audit/report.csv
        the files are not in the order of a package, first report.html
        transcripts/00001-alice-z81w3ijgndz9r8603r8bxzygn2.log is missing
        transcripts/00001-alice-z81w3ijgndz9r8603r8bxzygn2.log is cited and missing
        NOT SOUND: 12 files, 2 transcripts; not signed
        [exit 1]
    "#]]);
    world.run("verify-evidence added.tar").is(expect![[r#"
        audit/: it is a folder, and a package holds files alone
        audit/transcripts/: it is a folder, and a package holds files alone
        more.txt was added: a package holds no such file
        the tar was not written by ssmtrail: 13 of its headers differ, first that of audit/report.csv
        the files are not in the order of a package, first report.html
        NOT SOUND: 13 files, 2 transcripts; not signed
        [exit 1]
    "#]]);
    world.run("verify-evidence resealed.tar").is(expect![[r#"
        audit/: it is a folder, and a package holds files alone
        audit/transcripts/: it is a folder, and a package holds files alone
        the tar was not written by ssmtrail: 13 of its headers differ, first that of audit/report.csv
        the files are not in the order of a package, first report.html
        transcripts/00001-alice-z81w3ijgndz9r8603r8bxzygn2.log is not what was read from logs/alice-z81w3ijgndz9r8603r8bxzygn2.log
        NOT SOUND: 13 files, 2 transcripts; not signed
        [exit 1]
    "#]]);
    let bytes = std::fs::read(world.path("audit.tar")).expect("a package");
    std::fs::write(world.path("cut.tar"), &bytes[..bytes.len() / 2]).expect("a part of it");
    world.run("verify-evidence cut.tar").is(expect![[r#"
        the package was cut in the middle of audit/report.json
        NOT SOUND: 3 files, 0 transcripts; not signed
        [exit 1]
    "#]]);
    std::fs::write(world.path("none.tar"), "no tar").expect("no package");
    world.run("verify-evidence none.tar").is(expect![[r#"
        it is no package
        NOT SOUND: 0 files, 0 transcripts; not signed
        [exit 1]
    "#]]);
    world.run("verify-evidence nowhere.tar").is(expect![[r#"
        ! ssmtrail: cannot read nowhere.tar: No such file or directory (os error 2)
        [exit 2]
    "#]]);
}

/// A key's id as minisign tells it.
fn id(pair: &minisign::KeyPair) -> String {
    let digits = pair.pk.keynum().iter().rev().map(|it| format!("{it:02X}"));
    digits.collect()
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
    assert!(said.contains("NOT SOUND") && said.contains("the signature was not checked"), "{said}");
    let said = world.run("verify-evidence audit.tar").0;
    let told = format!(
        "; a signature of key {} lies beside it and was not checked: --public-key checks it\n",
        id(&pair)
    );
    assert!(said.starts_with("sound: ") && said.contains(&told), "{said}");
    // A signature of the same key over something else.
    let signature = std::fs::read_to_string(world.path("audit.tar.minisig")).expect("a signature");
    let another = minisign::sign(None, &pair.sk, b"x".as_slice(), None, None).expect("a signature");
    std::fs::write(world.path("audit.tar.minisig"), another.to_string()).expect("a signature");
    let said = world.run("verify-evidence audit.tar --public-key key.pub").0;
    let told = format!("the signature of key {} does not hold", id(&pair));
    assert!(said.starts_with(&told) && said.contains("[exit 1]"), "{said}");
    std::fs::write(world.path("audit.tar.minisig"), signature).expect("a signature");
    std::fs::remove_file(world.path("audit.tar.minisig")).expect("the signature goes");
    let said = world.run("verify-evidence audit.tar --public-key key.pub").0;
    assert!(said.contains("audit.tar.minisig is missing") && said.contains("[exit 1]"), "{said}");
    world.run("report --owner alice --evidence -o x.tar --sign survey.json").is(expect![[r#"
        ! ssmtrail: survey.json cannot sign: it has no second line
        ! hint: a key is made by `minisign -G`; its password is read from SSMTRAIL_SIGN_PASSWORD
        [exit 2]
    "#]]);
    assert!(!world.path("x.tar").exists(), "a package without the signature that was asked for");
}

#[test]
fn a_signature_that_is_none_is_a_fault() {
    let world = world();
    world.run("report --owner alice --evidence -o audit.tar");
    let short = "untrusted comment: x\nRUQ=\ntrusted comment: x\nAAAA\n";
    for text in ["garbage\n", "", short] {
        std::fs::write(world.path("audit.tar.minisig"), text).expect("no signature");
        for line in ["", " --public-key RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3"] {
            let said = world.run(&format!("verify-evidence audit.tar{line}")).0;
            assert!(said.starts_with("audit.tar.minisig is no signature: "), "{said}");
            assert!(
                said.contains("NOT SOUND") && said.ends_with("; not signed\n[exit 1]\n"),
                "{said}"
            );
        }
    }
    // A signature lies beside one package and no other.
    world.run("report --owner alice --evidence -o audit.tar --force").is(expect![[r#"
        ! ssmtrail: audit.tar.minisig would lie beside another package
        ! hint: --sign makes a new one; or remove it
        [exit 2]
    "#]]);
    std::fs::remove_file(world.path("audit.tar.minisig")).expect("it goes");
    shell(&world, "mkfifo audit.tar.minisig");
    world.run("verify-evidence audit.tar").is(expect![[r#"
        audit.tar.minisig is no signature: it is no file
        NOT SOUND: 13 files, 2 transcripts; not signed
        [exit 1]
    "#]]);
}

/// `report --sign` by the program, with a password in its environment or without.
fn signed(world: &World, name: &str, key: &str, password: Option<&str>) -> (bool, String) {
    let mut program = Command::new(env!("CARGO_BIN_EXE_ssmtrail"));
    program.env_clear().arg("--archive").arg(world.path("archive")).current_dir(world.path("."));
    program.envs(password.map(|it| ("SSMTRAIL_SIGN_PASSWORD", it)));
    program.args(["report", "--owner", "alice", "--evidence", "-o", name, "--sign", key]);
    let out = program.output().expect("it runs");
    (out.status.success(), String::from_utf8_lossy(&out.stderr).into_owned())
}

#[test]
fn keys_sign_with_a_password_and_without_one() {
    let world = world();
    let plain = minisign::KeyPair::generate_unencrypted_keypair().expect("a pair of keys");
    let sealed = minisign::KeyPair::generate_encrypted_keypair(Some("open sesame".into()))
        .expect("a pair of keys");
    for (name, pair) in [("plain", &plain), ("sealed", &sealed)] {
        let secret = pair.sk.to_box(None).expect("a key").into_string();
        std::fs::write(world.path(&format!("{name}.key")), secret).expect("a key");
    }
    let holds = |name: &str, pair: &minisign::KeyPair| {
        let said =
            world.run(&format!("verify-evidence {name} --public-key {}", pair.pk.to_base64())).0;
        assert!(said.starts_with("sound: ") && said.contains(&id(pair)), "{said}");
    };
    assert!(signed(&world, "one.tar", "plain.key", None).0);
    holds("one.tar", &plain);
    assert!(signed(&world, "two.tar", "plain.key", Some("not asked for")).0);
    holds("two.tar", &plain);
    assert!(signed(&world, "three.tar", "sealed.key", Some("open sesame")).0);
    holds("three.tar", &sealed);
    let (done, said) = signed(&world, "four.tar", "sealed.key", Some("wrong"));
    assert!(!done);
    expect![[r#"
        ssmtrail: the password in SSMTRAIL_SIGN_PASSWORD is not that of sealed.key
    "#]]
    .assert_eq(&said);
    let (done, said) = signed(&world, "four.tar", "sealed.key", None);
    assert!(!done);
    expect![[r#"
        ssmtrail: sealed.key has a password, and none was given
        hint: it is read from SSMTRAIL_SIGN_PASSWORD
    "#]]
    .assert_eq(&said);
    assert!(!world.path("four.tar").exists() && !world.path("four.tar.minisig").exists());
}

#[test]
#[ignore = "needs minisign 0.11"]
fn a_key_that_minisign_made_signs_and_minisign_verifies() {
    let world = world();
    assert!(shell(&world, "minisign -G -W -p min.pub -s min.key").0, "minisign makes keys");
    let said = world.run("report --owner alice --evidence -o audit.tar --sign min.key").0;
    assert!(said.starts_with("audit.tar\naudit.tar.minisig\n"), "{said}");
    let (holds, said) = shell(&world, "minisign -V -m audit.tar -p min.pub");
    assert!(holds, "{said}");
    let said = world.run("verify-evidence audit.tar --public-key min.pub").0;
    assert!(said.starts_with("sound: "), "{said}");
    // And the other way round.
    let (_, said) = shell(&world, "rm audit.tar.minisig && minisign -S -W -s min.key -m audit.tar");
    let said = said + &world.run("verify-evidence audit.tar --public-key min.pub").0;
    assert!(said.contains("sound: ") && !said.contains("NOT"), "{said}");
}

#[test]
fn a_package_names_no_session_that_it_does_not_hold() {
    let world = world();
    world.run("report --owner alice --evidence --survey survey.json -o audit.tar");
    let (opened, said) = shell(
        &world,
        "tar -xf audit.tar && cd audit && rm manifest.jsonl && \
         python3 -c 'import zipfile; zipfile.ZipFile(\"report.xlsx\").extractall(\"xlsx\")' && rm report.xlsx",
    );
    assert!(opened, "{said}");
    let sessions = world.run("sessions --format jsonl").0;
    let mut others = Vec::new();
    for line in sessions.lines() {
        let it: serde_json::Value = serde_json::from_str(line).expect("a session");
        let id = it["session_id"].as_str().expect("an id").to_owned();
        if !id.starts_with("alice-") {
            others.push(id);
            let locator = it["locator"].as_str().expect("a locator");
            others.push(locator.rsplit('/').next().expect("a name").to_owned());
        }
    }
    assert!(others.len() >= 8, "{others:?}");
    let mut files = 0;
    for it in walkdir::WalkDir::new(world.path("audit")).into_iter().filter_map(Result::ok) {
        if it.file_type().is_file() {
            files += 1;
            let bytes = std::fs::read(it.path()).expect("a file of the package");
            let text = String::from_utf8_lossy(&bytes);
            let named = others.iter().find(|one| text.contains(one.as_str()));
            assert_eq!(named, None, "in {}", it.path().display());
        }
    }
    assert!(files > 15, "{files} files");
}

#[test]
fn a_package_is_written_whatever_it_is_called() {
    let world = world();
    for name in ["...tar", "a b;$(x).tar", "監査.tar"] {
        let line = ["report", "--owner", "alice", "--evidence", "-o", name].map(str::to_owned);
        world.play(&line);
        let said = world.play(&["verify-evidence".to_owned(), name.to_owned()]).0;
        assert!(said.starts_with("sound: "), "{name}: {said}");
        let (sound, said) = shell(
            &world,
            &format!(
                "mkdir out && tar -xf '{name}' -C out && cd out/* && sha256sum --check --strict --quiet SHA256SUMS; x=$?; rm -rf ../../out; exit $x"
            ),
        );
        assert!(sound, "{name}: {said}");
    }
}

#[test]
fn a_package_goes_through_a_pipe_and_its_signature_beside_it() {
    let world = world();
    let pair = minisign::KeyPair::generate_unencrypted_keypair().expect("a pair of keys");
    let secret = pair.sk.to_box(None).expect("a key").into_string();
    std::fs::write(world.path("key"), secret).expect("a key");
    shell(&world, "mkfifo pipe.tar");
    let mut reader = Command::new("sh")
        .args(["-c", "cat pipe.tar > through.tar"])
        .current_dir(world.path("."))
        .spawn()
        .expect("a reader");
    let done = world.run("report --owner alice --evidence -o pipe.tar --sign key").0;
    reader.wait().expect("it ends");
    assert!(done.starts_with("pipe.tar\npipe.tar.minisig\n"), "{done}");
    shell(&world, "mv pipe.tar.minisig through.tar.minisig");
    let key = pair.pk.to_base64();
    let said = world.run(&format!("verify-evidence through.tar --public-key {key}")).0;
    assert!(said.starts_with("sound: "), "{said}");
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
        ! head: 1:…
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
