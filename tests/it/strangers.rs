//! Sessions that resemble no other material here: programs that draw for themselves, connections that break, prompts that nobody
//! edits. What the decoder gets wrong in them is written down, and so is what its confidence is worth.

use std::collections::BTreeMap;

use expect_test::expect;
use sha2::Digest;
use sha2::Sha256;
use ssmtrail::transcript::commands::CommandKind;

use crate::worn::Session;
use crate::worn::differences;
use crate::worn::judged;
use crate::worn::read;
use crate::worn::sessions;
use crate::worn::typed;

const FOLDER: &str = "strangers";

/// Commands that were typed, and that were read as typed.
fn compared(session: &Session) -> (Vec<String>, Vec<String>) {
    let shells = read(session).into_iter().filter(|it| it.kind == CommandKind::Shell);
    (typed(&session.truth), shells.flat_map(|it| session.truth.as_typed(&it.text)).collect())
}

#[test]
fn commands_of_strangers_are_read_as_they_were_typed() {
    let mut out = String::new();
    let (mut total, mut told, mut wrong) = (0, 0, 0);
    for it in sessions(FOLDER) {
        let (truth, read) = compared(&it);
        let (missed, invented) = differences(&truth, &read);
        (total, told, wrong) = (total + truth.len(), told + read.len(), wrong + invented.len());
        for (sign, texts) in [('-', missed), ('+', invented)] {
            for text in texts {
                let text: String = text.replace('\n', "⏎").chars().take(72).collect();
                out += &format!("{:<16} {sign} {}\n", it.name, text.trim_end());
            }
        }
    }
    out += &format!("of {total} typed; {wrong} of {told} told are wrong\n");
    expect![[r#"
        broken_ssh-1     - grep -rn TODO src
        broken_ssh-3     - echo $HOME
        broken_ssh-3     - git diff
        clears-2         - clear
        clears-2         - cp README.md /tmp/r.md
        clears-2         - for i in 1 2 3; do echo $i; done
        clears-2         - a=$(date +%Y); echo $a
        clears-2         - type ls
        clears-2         - tput clear
        clears-2         - uname -a
        clears-2         - journalctl -u shop -n 3
        clears-2         - cat ansi.txt
        clears-2         - ls
        clears-2         - tail -n 5 app.log
        clears-2         - exit
        edits-3          - echo one two four
        irb-2            - curl -sS http://127.0.0.1:9/
        irb-2            - printf 'no newline'
        irb-2            - exit
        irb-2            + ⏎[22:20] (4) ~> printf 'no newline'
        jobs-1           - cd ~/shop
        jobs-1           - who
        jobs-1           - kill %1
        jobs-2           - [ -d src ] && echo there
        jobs-3           - kill %1
        jobs-3           - cd ~/shop
        lisps-2          - cut -d' ' -f2 app.log | sort | uniq -c
        pastes-2         - docker run --rm -it -v $PWD:/work -w /work -e AWS_REGION=eu-west-1 -e ST
        pastes-2         + docker run --rm -it -v $PWD:/work -w /work -e AWS_REGION=eu-west-1 -e ST
        pip-2            - pip list
        piped-3          - set -o | head -2
        piped-3          - curl -fsSL http://deb.example.org:8099/install.sh
        piped-3          - for i in 1 2 3; do echo $i; done
        piped-3          - curl -sSL http://deb.example.org:8099/install.sh | sudo sh -s -- --yes
        piped-3          - grep ERROR app.log | head -3
        piped-3          - id
        piped-3          - who
        piped-3          - cat install.sh
        piped-3          - touch build/x
        piped-3          - exit
        prolog-2         - cd ..
        prolog-2         - cd
        psql-1           - trap
        ptpython-1       - git status
        ptpython-1       - vmstat 1 1
        ptpython-1       - uptime
        ptpython-1       - exit
        reboots-2        - logout
        resizes-1        - aws ec2 describe-instances --filters Name=tag:Environment,Values=product
        resizes-1        + aws ec2 describe-instances --filters Name=tag:Environmen pkg-a.tgz
        resizes-2        - find /usr/share/doc -maxdepth 1 -name 'b*' -type d | sort | head -n 7 |
        resizes-2        + for f in /etc/passwd /etc/group /etc/hostname /etc/os-release /etc/debia
        resizes-3        - find /usr/share/doc -maxdepth 1 -name 'b*' -type d | sort | head -n 7 |
        resizes-3        - for f in /etc/passwd /etc/group /etc/hostname /etc/os-release /etc/debia
        screen-1         - systemctl status shop
        screen-1         - export STAGE=prod
        screen-1         - cd /var/log
        screen-1         - sudo -n id
        screen-1         - exit
        screen-3         - exit
        tmux-1           - cp README.md /tmp/r.md
        tmux-1           - cd ~/shop
        tmux-1           - exit
        tmux-2           - exit
        tmux-3           - df -h /
        tmux-3           - ls -1 | wc -l
        tmux-3           - exit
        tmux-3           + df -h /
        tmux-3           + exitsh* 1:bash-                         "web-prod-2" 22:22 29-Nov-26
        transfers-2      - curl -O http://deb.example.org:8099/big.bin
        transfers-2      + ~/shop⏎g:8099/big.bin
        two-2            - cd
        of 1774 typed; 7 of 1716 told are wrong
    "#]]
    .assert_eq(&out);
}

#[test]
fn confidence_says_how_often_a_command_is_exact() {
    let mut told: BTreeMap<u32, (u32, u32)> = BTreeMap::new();
    for (command, is_right) in judged(FOLDER).iter().filter(|it| it.0.kind == CommandKind::Shell) {
        let tenth = (command.confidence() * 10.0).floor().min(9.0) as u32;
        let seen = told.entry(tenth).or_default();
        *seen = (seen.0 + 1, seen.1 + u32::from(*is_right));
    }
    let share =
        |tenth| told.get(&tenth).map_or(1.0, |it: &(u32, u32)| f64::from(it.1) / f64::from(it.0));
    assert!(share(9) >= 0.97, "0.9 and more: {:?}", told[&9]);
    assert!(share(8) >= 0.80, "0.8 to 0.9: {:?}", told[&8]);
}

#[test]
fn what_was_set_aside_is_what_was_set_aside() {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/transcripts/strangers");
    let listed = std::fs::read_to_string(format!("{root}/aside.sha256")).expect("a list");
    for line in listed.lines() {
        let (digest, name) = line.split_once("  ").expect("a digest and a name");
        let bytes = std::fs::read(format!("{root}/{name}")).expect("a recording");
        let found: String = Sha256::digest(&bytes).iter().map(|it| format!("{it:02x}")).collect();
        assert_eq!(found, digest, "{name}");
    }
}
