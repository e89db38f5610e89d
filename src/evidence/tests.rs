//! What is packed proves; what differs from it in any bit, order, name or end does not.

use std::io::Read;

use sha2::Digest;
use sha2::Sha256;

use super::citation::links;
use super::form::BLOCK;
use super::form::INDEX;
use super::form::MANIFEST;
use super::form::SUMS;
use super::form::VERSION;
use super::form::header;
use super::form::transcript_path;
use super::pack::Packer;
use super::proof::MOST_FAULTS;
use super::proof::verify;
use crate::archive::manifest::Brought;
use crate::archive::manifest::Entry;
use crate::archive::manifest::Seal;
use crate::archive::schema::TranscriptRow;
use crate::transcript::wire::Form;

/// Two transcripts, of which one fills its last block and the other does not.
fn package() -> Vec<u8> {
    let first = [b'a'; BLOCK];
    let cited = |nth: u64, id: &str, bytes: &[u8]| {
        serde_json::json!({
            "path": transcript_path(nth, id, &Form::Script.into()), "session_id": id, "account_id": null, "region": null, "locator": format!("logs/{id}.log"),
            "version": "", "form": "script", "content_digest": hex::encode(Sha256::digest(bytes)), "digest": "", "stored_bytes": bytes.len(),
            "stored_at": null, "read_at": null, "etag": null, "version_id": null, "checksum": null, "encryption": null, "storage_class": null,
        })
    };
    let transcripts = vec![cited(1, "one", &first), cited(2, "two", b"other")];
    let (manifest, head) = chain_of(&transcripts);
    let index =
        serde_json::json!({ "version": VERSION, "archive_head": head, "transcripts": transcripts });
    let mut packer = Packer::new(Vec::new(), "it");
    packer.add("README.txt", b"read me").unwrap();
    packer.add("report.md", b"# it").unwrap();
    packer.add(MANIFEST, manifest.as_bytes()).unwrap();
    packer.add("transcripts/00001-one.log", &first).unwrap();
    packer.add("transcripts/00002-two.log", b"other").unwrap();
    packer.add(INDEX, index.to_string().as_bytes()).unwrap();
    packer.finish().unwrap()
}

/// A chain that brought these, and its head.
fn chain_of(cited: &[serde_json::Value]) -> (String, String) {
    let text = |it: &serde_json::Value, name: &str| it[name].as_str().unwrap().to_owned();
    let list: Vec<Brought> = cited
        .iter()
        .map(|it| Brought {
            locator: text(it, "locator"),
            version: text(it, "version"),
            digest: text(it, "digest"),
            content_digest: text(it, "content_digest"),
        })
        .collect();
    let entry = Entry { did: "sync".into(), sides: Some(Default::default()), ..Entry::default() };
    let one = entry.clone().chained(1, "");
    let two = Entry { brought: Some(Seal::of(&list)), ..entry }.chained(2, &one.digest);
    let rows: Vec<TranscriptRow> = list
        .iter()
        .map(|it| TranscriptRow {
            locator: it.locator.clone(),
            version: it.version.clone(),
            digest: it.digest.clone(),
            content_digest: it.content_digest.clone(),
            ..TranscriptRow::default()
        })
        .collect();
    let brought = |it: &Entry| (it.entry == 2).then(|| list.clone());
    (links(&[one, two.clone()], brought, rows.iter()), two.head())
}

#[test]
fn a_transcript_that_no_entry_brought_and_a_chain_that_was_changed_are_faults() {
    let sound = package();
    let manifest = members(&sound).into_iter().find(|it| it.path.ends_with(MANIFEST)).unwrap();
    let manifest = String::from_utf8(manifest.bytes).unwrap();
    let lines: Vec<&str> = manifest.split_inclusive('\n').collect();
    let refuse = |what: &str, text: &str, why: &str| {
        refused(what, &resealed(&sound, MANIFEST, text.as_bytes()), why);
    };
    refuse("an entry dropped", lines[1], "the entry before it is missing");
    refuse("the end dropped", lines[0], "names another head");
    refuse("the end dropped", lines[0], "no entry of the chain brought it");
    refuse("an entry changed", &manifest.replacen("sync", "cnys", 1), "it was changed after");
    let other = chain_of(&[]).0;
    refuse("another chain", &other, "no entry of the chain brought it");
    let forged = manifest.replace(lines[1].rsplit_once(r#""brought":["#).unwrap().1, "\"00\"]}\n");
    refuse("another list", &forged, "it did not bring what stands beside it");
}

struct Member {
    path: String,
    header: tar::Header,
    bytes: Vec<u8>,
}

fn members(package: &[u8]) -> Vec<Member> {
    let mut archive = tar::Archive::new(package);
    archive
        .entries()
        .unwrap()
        .map(|it| {
            let mut it = it.unwrap();
            let path = it.path().unwrap().to_string_lossy().into_owned();
            let mut bytes = Vec::new();
            it.read_to_end(&mut bytes).unwrap();
            Member { path, header: it.header().clone(), bytes }
        })
        .collect()
}

/// The same members by another hand, each after a change of its header.
fn packed(members: &[Member], change: impl Fn(&str, &mut tar::Header)) -> Vec<u8> {
    let mut out = Vec::new();
    for it in members {
        let mut header = it.header.clone();
        change(&it.path, &mut header);
        header.set_cksum();
        out.extend_from_slice(header.as_bytes());
        out.extend_from_slice(&it.bytes);
        out.resize(out.len().next_multiple_of(BLOCK), 0);
    }
    out.resize(out.len() + 2 * BLOCK, 0);
    out
}

/// Members with other content for one of them, and sums that fit.
fn resealed(package: &[u8], path: &str, bytes: &[u8]) -> Vec<u8> {
    let mut packer = Packer::new(Vec::new(), "it");
    for it in members(package) {
        let name = it.path.strip_prefix("it/").unwrap();
        if name != SUMS {
            packer.add(name, if name == path { bytes } else { &it.bytes }).unwrap();
        }
    }
    packer.finish().unwrap()
}

fn faults(package: &[u8]) -> Vec<String> {
    verify(package).unwrap().faults
}

#[track_caller]
fn refused(what: &str, package: &[u8], why: &str) {
    let faults = faults(package);
    assert!(faults.iter().any(|it| it.contains(why)), "{what}: {faults:?}");
}

#[test]
fn a_package_is_sound_and_the_same_every_time() {
    let proof = verify(package().as_slice()).unwrap();
    assert_eq!(proof.faults, Vec::<String>::new());
    assert_eq!((proof.files, proof.transcripts), (7, 2));
    assert_eq!(package(), package());
    // The hand that packs for the attacks below packs the same, where it changes nothing.
    assert_eq!(packed(&members(&package()), |_, _| {}), package());
}

#[test]
fn every_changed_bit_is_noticed() {
    let sound = package();
    for at in 0..sound.len() {
        let mut bytes = sound.clone();
        bytes[at] ^= 1 << (at % 8);
        assert!(!faults(&bytes).is_empty(), "byte {at} of {} was changed", sound.len());
    }
}

#[test]
fn every_cut_is_noticed_and_so_is_whatever_follows_the_end() {
    let sound = package();
    for length in 0..sound.len() {
        assert!(!faults(&sound[..length]).is_empty(), "cut to {length} of {}", sound.len());
    }
    let mut other = Packer::new(Vec::new(), "it");
    other.add("report.html", b"forged").unwrap();
    for more in [
        vec![0],
        vec![b'x'],
        vec![0; BLOCK],
        vec![0; 9 * 1024],
        vec![0; 1 << 20],
        other.finish().unwrap(),
    ] {
        let bytes = [sound.as_slice(), &more].concat();
        refused(&format!("{} more", more.len()), &bytes, "follow behind the end");
    }
    // What `tar -xi` finds behind blocks of zeros that a plain `tar -x` takes for the end.
    let end = sound.len() - 2 * BLOCK;
    for zeros in [BLOCK, 2 * BLOCK] {
        let bytes = [&sound[..end], &vec![0; zeros], sound.as_slice()].concat();
        refused("a second tar", &bytes, "follow behind the end");
    }
    refused("one block of zeros", &sound[..end + BLOCK], "cut within its end");
    refused("no end", &sound[..end], "its end is missing");
}

#[test]
fn a_header_that_is_not_ours_is_a_fault() {
    let sound = members(&package());
    type Change = fn(&mut tar::Header);
    let changes: [(&str, Change); 14] = [
        ("mode", |it| it.set_mode(0o4755)),
        ("owner", |it| it.set_uid(1000)),
        ("group", |it| it.set_gid(1000)),
        ("time", |it| it.set_mtime(1)),
        ("user", |it| it.as_ustar_mut().unwrap().uname[0] = b'r'),
        ("group's name", |it| it.as_ustar_mut().unwrap().gname[0] = b'r'),
        ("device", |it| it.as_ustar_mut().unwrap().set_device_major(8)),
        ("link", |it| it.as_old_mut().linkname[0] = b'x'),
        ("padding", |it| it.as_ustar_mut().unwrap().pad[3] = 1),
        ("magic of GNU", |it| it.as_mut_bytes()[257..265].copy_from_slice(b"ustar  \0")),
        ("no magic", |it| it.as_mut_bytes()[257..265].fill(0)),
        ("type of old tars", |it| it.as_old_mut().linkflag = [0]),
        ("blanks in the size", |it| it.as_old_mut().size[0] = b' '),
        ("a name behind the name", |it| it.as_old_mut().name[90] = b'x'),
    ];
    for (what, change) in changes {
        let bytes = packed(&sound, |path, it| {
            if path == "it/report.md" {
                change(it)
            }
        });
        refused(what, &bytes, "not written by ssmtrail: 1 of its headers");
    }
    // The same number, written in base 256.
    let bytes = packed(&sound, |path, it| {
        if path == "it/report.md" {
            it.as_old_mut().size = [0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4];
        }
    });
    refused("size in base 256", &bytes, "not written by ssmtrail");
    // The checksum as some tars wrote it: right, in another form.
    let mut bytes = package();
    let sum = tar::Header::from_byte_slice(&bytes[..BLOCK]).cksum().unwrap();
    bytes[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    assert!(!faults(&bytes).is_empty());
}

#[test]
fn a_member_that_is_no_plain_file_is_a_fault() {
    use tar::EntryType as Kind;
    for (kind, why) in [
        (Kind::Directory, "it is a folder"),
        (Kind::Symlink, "it is a link"),
        (Kind::Link, "it is a link"),
        (Kind::Char, "a device"),
        (Kind::Block, "a device"),
        (Kind::Fifo, "a pipe"),
        (Kind::Continuous, "no plain file"),
        (Kind::GNUSparse, "holes"),
        (Kind::GNULongName, "names what follows anew"),
        (Kind::GNULongLink, "names what follows anew"),
        (Kind::XHeader, "names what follows anew"),
        (Kind::XGlobalHeader, "names what follows anew"),
        (Kind::new(b'V'), "no plain file"),
        (Kind::new(b'M'), "no plain file"),
    ] {
        let mut all = members(&package());
        let mut header = header("it/report.html", 0).unwrap();
        header.set_entry_type(kind);
        all.insert(1, Member { path: "it/report.html".into(), header, bytes: Vec::new() });
        refused(&format!("{kind:?}"), &packed(&all, |_, _| {}), why);
    }
    // A name told in an extended header, as GNU tar and pax write it.
    for (kind, content) in [
        (Kind::GNULongName, b"it/report.html\0".to_vec()),
        (Kind::XHeader, b"23 path=it/report.html\n".to_vec()),
        (Kind::XGlobalHeader, b"23 path=it/report.html\n".to_vec()),
    ] {
        let mut all = members(&package());
        let mut header = header("it/report.html", content.len() as u64).unwrap();
        header.set_entry_type(kind);
        all.insert(1, Member { path: "it/report.html".into(), header, bytes: content });
        refused(&format!("{kind:?}"), &packed(&all, |_, _| {}), "names what follows anew");
    }
}

#[test]
fn a_member_that_does_not_belong_is_a_fault() {
    for (path, why) in [
        ("it/more.txt", "was added"),
        ("it/report.pdf", "was added"),
        ("it/transcripts/00003-x/y.log", "was added"),
        ("it/transcripts/3-x.log", "was added"),
        ("it/transcripts/00003-x.exe", "was added"),
        ("it/Report.md", "was added"),
        ("it/report.ḿd", "was added"),
        ("it/transcripts/00003-x.log", "cited nowhere"),
        ("other/report.html", "beside the package's folder"),
        ("more.txt", "beside the package's folder"),
        ("it", "beside the package's folder"),
        ("it/../../etc/passwd", "leads out"),
        ("../report.html", "leads out"),
        ("/etc/passwd", "leads out"),
        ("it//report.html", "leads out"),
        ("it/./report.html", "leads out"),
        ("it\\..\\report.html", "leads out"),
        ("it/transcripts/..\\x", "leads out"),
    ] {
        let mut all = members(&package());
        let mut header = header("it/x", 1).unwrap();
        header.as_old_mut().name = [0; 100];
        header.as_old_mut().name[..path.len()].copy_from_slice(path.as_bytes());
        let at = all.len() - 2;
        all.insert(at, Member { path: path.into(), header, bytes: b"x".to_vec() });
        refused(path, &packed(&all, |_, _| {}), why);
    }
}

#[test]
fn members_stand_once_and_in_one_order() {
    let sound = || members(&package());
    let mut twice = sound();
    let again = sound().remove(1);
    twice.insert(2, again);
    refused("twice", &packed(&twice, |_, _| {}), "it is there twice");
    refused("twice", &packed(&twice, |_, _| {}), "not in the order");
    for (one, other) in [(0, 1), (3, 4), (4, 5), (5, 6)] {
        let mut all = sound();
        all.swap(one, other);
        refused("swapped", &packed(&all, |_, _| {}), "not in the order");
    }
    for gone in 0..7 {
        let mut all = sound();
        all.remove(gone);
        assert!(!faults(&packed(&all, |_, _| {})).is_empty(), "file {gone} is gone");
    }
}

#[test]
fn sums_are_what_the_packer_writes() {
    let sound = package();
    let text = String::from_utf8(members(&sound).pop().unwrap().bytes).unwrap();
    let first = text.lines().next().unwrap().to_owned();
    let mut backwards: Vec<&str> = text.lines().collect();
    backwards.reverse();
    for (what, sums, why) in [
        ("a line twice", format!("{text}{first}\n"), "two lines of README.txt"),
        ("line ends", text.replace('\n', "\r\n"), "like one of Windows"),
        (
            "a name that is not there",
            format!("{text}{}  gone.txt\n", "0".repeat(64)),
            "gone.txt is missing",
        ),
        (
            "a name that leads out",
            format!("{text}{}  ../../x\n", "0".repeat(64)),
            "../../x is missing",
        ),
        ("binary mode", text.replace("  ", " *"), "no sum"),
        ("an escaped name", format!("\\{text}"), "README.txt was changed"),
        ("a comment", format!("# sums\n{text}"), "no sum"),
        ("order", backwards.join("\n") + "\n", "not written as ssmtrail writes it"),
        ("no last line end", text.trim_end().to_owned(), "not written as ssmtrail writes it"),
        ("capital digits", text.to_uppercase(), "no sum speaks of it"),
        ("an empty line", format!("{text}\n"), "no sum"),
        ("nothing", String::new(), "no sum speaks of it"),
    ] {
        let mut all = members(&sound);
        let last = all.last_mut().unwrap();
        last.bytes = sums.clone().into_bytes();
        last.header = header("it/SHA256SUMS", sums.len() as u64).unwrap();
        refused(what, &packed(&all, |_, _| {}), why);
    }
}

#[test]
fn the_index_and_the_transcripts_are_of_each_other() {
    let sound = package();
    let index = members(&sound).swap_remove(5).bytes;
    let index: serde_json::Value = serde_json::from_slice(&index).unwrap();
    type Change = fn(&mut serde_json::Value);
    let changes: [(&str, Change, &str); 6] = [
        (
            "another session",
            |it| it["transcripts"][0]["session_id"] = "bob".into(),
            "not what transcript 1 is called",
        ),
        (
            "one twice",
            |it| it["transcripts"][1] = it["transcripts"][0].clone(),
            "not what transcript 2 is called",
        ),
        (
            "one gone",
            |it| drop(it["transcripts"].as_array_mut().unwrap().pop()),
            "1 transcript is cited nowhere",
        ),
        (
            "another digest",
            |it| it["transcripts"][0]["content_digest"] = "00".into(),
            "not what was read from logs/one.log",
        ),
        ("a newer version", |it| it["version"] = 99.into(), "newer version"),
        ("no transcript", |it| it["transcripts"][0] = 1.into(), "cannot be read"),
    ];
    for (what, change, why) in changes {
        let mut index = index.clone();
        change(&mut index);
        refused(what, &resealed(&sound, INDEX, index.to_string().as_bytes()), why);
    }
    let version = format!("\"version\":{VERSION}");
    let twice = index.to_string().replacen(&version, &format!("{version},{version}"), 1);
    refused("a field twice", &resealed(&sound, INDEX, twice.as_bytes()), "duplicate field");
    refused(
        "changed bytes",
        &resealed(&sound, "transcripts/00002-two.log", b"forged"),
        "not what was read",
    );
}

#[test]
fn what_claims_to_be_giant_is_a_part_of_a_package_and_takes_no_memory() {
    for length in [8 << 30, u64::MAX / 2] {
        let mut bytes = package();
        let end = bytes.len() - 2 * BLOCK;
        bytes.truncate(end);
        let mut header = header("it/report.html", 0).unwrap();
        header.set_size(length);
        header.set_cksum();
        bytes.extend_from_slice(header.as_bytes());
        bytes.extend_from_slice(&[0; 4 * BLOCK]);
        refused("giant", &bytes, "in the middle of it/report.html");
        let mut header = tar::Header::new_ustar();
        header.set_path("it/SHA256SUMS").unwrap();
        header.set_size(length);
        header.set_cksum();
        refused("giant sums", header.as_bytes(), "too long to be read");
    }
}

#[test]
fn what_is_no_package_is_told_in_one_line() {
    for bytes in [b"".as_slice(), b"no tar", &[b'x'; 4096], &[0; 100]] {
        assert_eq!(faults(bytes), ["it is no package"]);
    }
    let many = Packer::new(Vec::new(), "it").finish().unwrap();
    let mut bytes = Vec::new();
    for _ in 0..1000 {
        bytes.extend_from_slice(&many[..BLOCK]);
    }
    let proof = verify(bytes.as_slice()).unwrap();
    assert_eq!((proof.faults.len(), proof.more_faults > 700), (MOST_FAULTS, true));
}

#[test]
fn a_packer_packs_nothing_that_the_proof_would_refuse() {
    let mut packer = Packer::new(Vec::new(), "it");
    packer.add("report.md", b"").unwrap();
    for (path, why) in [
        ("report.html", "in another place"),
        ("report.md", "in another place"),
        ("transcripts/00002-x.log", "in another place"),
        ("more.txt", "no file of a package"),
        ("../x", "no file of a package"),
    ] {
        assert!(packer.add(path, b"").unwrap_err().to_string().contains(why), "{path}");
    }
    for length in [0, 2] {
        let why = packer.add_from("report.json", length, b"x".as_slice()).unwrap_err();
        assert!(why.to_string().contains("its length changed"), "{why}");
    }
    let long = "x".repeat(300);
    let ids = [long.as_str(), "a/b", "..", "日本", "a\\b", "a\0b", "-rf", ""];
    for name in [
        "..",
        "...",
        ".",
        "",
        "-x",
        "a/b",
        "a\\b",
        "監査",
        &"監".repeat(90),
        &long,
        "a\u{202e}b",
        "C:",
        "~",
    ] {
        let mut packer = Packer::new(Vec::new(), name);
        let mut index = Vec::new();
        for (nth, id) in ids.iter().enumerate() {
            let path = transcript_path(nth as u64 + 1, id, &Form::Windows.into());
            index.push(serde_json::json!({
                "path": path, "session_id": id, "locator": "", "version": "", "form": "windows",
                "content_digest": hex::encode(Sha256::digest(b"")), "digest": "", "stored_bytes": 0,
            }));
        }
        let (manifest, head) = chain_of(&index);
        packer.add(MANIFEST, manifest.as_bytes()).unwrap();
        for it in &index {
            packer.add(it["path"].as_str().unwrap(), b"").unwrap();
        }
        let index =
            serde_json::json!({ "version": VERSION, "archive_head": head, "transcripts": index });
        packer.add(INDEX, index.to_string().as_bytes()).unwrap();
        let bytes = packer.finish().unwrap();
        assert_eq!(faults(&bytes), Vec::<String>::new(), "{name:?}");
    }
}
