//! As much shell grammar as the decoder needs: is this line the end of its command, and may what follows
//! come from another shell?
//!
//! Not a parser. A wrong "open" only means that a continuation prompt would be believed; a wrong "closed"
//! that it would be asked for better evidence.

use std::collections::HashMap;
use std::collections::HashSet;
use std::collections::VecDeque;
use std::hash::BuildHasherDefault;
use std::sync::LazyLock;

use crate::transcript::prompt::Hashed;

/// What a command may do to the prompt that follows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// Another shell, perhaps another user or host.
    Shell,
    /// A program with prompts of its own.
    Repl,
    /// This shell ends.
    Leave,
    /// The same shell under another prompt.
    Prompt,
}

/// Whether the shell would ask for more: an open quote, a here-document, a loop, a trailing `\`, `|`, `&&`.
pub fn is_open(text: &str) -> bool {
    if is_plain(text) {
        return false;
    }
    let mut depth = Depth::default();
    let mut pending: VecDeque<(String, bool)> = VecDeque::new();
    let lines = text.split('\n');
    let mut quote: Option<char> = None;
    let mut trailing = false;
    for line in lines {
        if quote.is_none()
            && let Some((word, strip)) = pending.front()
        {
            let body = if *strip { line.trim_start_matches('\t') } else { line };
            if body == word {
                pending.pop_front();
            }
            trailing = false;
            continue;
        }
        trailing = scan(line, &mut quote, &mut depth, &mut pending);
    }
    quote.is_some() || !depth.0.is_empty() || !pending.is_empty() || trailing
}

/// What closes the constructs that are open, the innermost last.
#[derive(Default)]
struct Depth(Vec<&'static str>);

/// Constructs held that are open at once. No one types as many in each other, and each closing word looks through all.
const DEEPEST: usize = 256;

impl Depth {
    fn push(&mut self, end: &'static str) {
        if self.0.len() < DEEPEST {
            self.0.push(end);
        }
    }

    fn last(&self) -> Option<&'static str> {
        self.0.last().copied()
    }

    fn close(&mut self, word: &str) {
        if let Some(at) = self.0.iter().rposition(|it| *it == word) {
            self.0.truncate(at);
        }
    }
}

/// A block of lines, apart where the shell would run what has come so far.
pub fn apart(block: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut start = 0;
    for (at, _) in block.match_indices('\n').chain([(block.len(), "")]) {
        let piece = &block[start..at];
        if !is_open(piece) {
            if !piece.trim().is_empty() {
                found.push(piece);
            }
            start = at + 1;
        }
    }
    if start < block.len() {
        found.push(&block[start..]);
    }
    found
}

/// Words and nothing that could ask for more, as most commands are.
fn is_plain(text: &str) -> bool {
    let first = text.split(' ').next().unwrap_or_default();
    !matches!(
        first,
        "if" | "case" | "for" | "select" | "while" | "until" | "{" | "!" | "then" | "do" | "else"
    ) && !first.contains('=')
        && text.bytes().all(|it| {
            it >= 0x80
                || it.is_ascii_alphanumeric()
                || matches!(
                    it,
                    b' ' | b'-'
                        | b'_'
                        | b'.'
                        | b'/'
                        | b','
                        | b':'
                        | b'='
                        | b'@'
                        | b'%'
                        | b'+'
                        | b'~'
                        | b'*'
                        | b'$'
                )
        })
}

/// One physical line; says whether it ends in something that asks for the next.
fn scan(
    line: &str,
    quote: &mut Option<char>,
    depth: &mut Depth,
    pending: &mut VecDeque<(String, bool)>,
) -> bool {
    let mut chars = line.chars().peekable();
    let mut word = String::new();
    let mut command_place = true;
    let mut last_sign = ' ';
    let mut escaped_end = false;
    while let Some(ch) = chars.next() {
        escaped_end = false;
        if let Some(open) = *quote {
            if ch == '\\' && open != '\'' {
                escaped_end = chars.next().is_none();
            } else if ch == open {
                *quote = None;
            }
            word.push('q');
            continue;
        }
        match ch {
            '\\' => match chars.next() {
                None => escaped_end = true,
                Some(_) => word.push('x'),
            },
            '\'' | '"' | '`' => {
                *quote = Some(ch);
                word.push('q');
            }
            '#' if word.is_empty() => return false,
            '<' if chars.peek() == Some(&'<') => {
                chars.next();
                if chars.peek() == Some(&'<') {
                    chars.next();
                    continue;
                }
                here_document(&mut chars, pending);
                last_sign = 'x';
            }
            '(' if word.is_empty() || word.ends_with('$') => {
                depth.push(")");
                word.clear();
                command_place = true;
                last_sign = ' ';
            }
            ')' => {
                close_word(&mut word, &mut command_place, depth);
                if depth.last() == Some(")") {
                    depth.0.pop();
                }
                last_sign = ')';
                command_place = depth.last() == Some("esac");
            }
            ' ' | '\t' => close_word(&mut word, &mut command_place, depth),
            ';' | '|' | '&' => {
                close_word(&mut word, &mut command_place, depth);
                command_place = true;
                let doubled = chars.next_if_eq(&ch).is_some();
                last_sign = if ch == '&' && doubled { 'A' } else { ch };
            }
            _ => {
                word.push(ch);
                last_sign = 'x';
            }
        }
        if !word.is_empty() {
            last_sign = 'x';
        }
    }
    close_word(&mut word, &mut command_place, depth);
    escaped_end || (quote.is_none() && matches!(last_sign, '|' | 'A'))
}

fn here_document(
    chars: &mut std::iter::Peekable<std::str::Chars<'_>>,
    pending: &mut VecDeque<(String, bool)>,
) {
    let strip = chars.next_if_eq(&'-').is_some();
    while chars.next_if_eq(&' ').is_some() {}
    let mut word = String::new();
    while let Some(ch) = chars.peek().copied() {
        if ch.is_whitespace() || matches!(ch, ';' | '|' | '&' | '>' | '<' | ')') {
            break;
        }
        chars.next();
        if !matches!(ch, '\'' | '"' | '\\') {
            word.push(ch);
        }
    }
    if !word.is_empty() {
        pending.push_back((word, strip));
    }
}

/// Reserved words open and close where a command could stand.
fn close_word(word: &mut String, command_place: &mut bool, depth: &mut Depth) {
    if word.is_empty() {
        return;
    }
    let mut stays = false;
    if *command_place {
        stays = true;
        match word.as_str() {
            "if" => depth.push("fi"),
            "case" => {
                depth.push("esac");
                stays = false;
            }
            "for" | "select" => {
                depth.push("done");
                stays = false;
            }
            "while" | "until" => depth.push("done"),
            "{" => depth.push("}"),
            "fi" | "done" | "esac" | "}" => depth.close(word),
            "then" | "do" | "else" | "elif" | "!" => {}
            _ => stays = word.ends_with("()") || (word.contains('=') && !word.starts_with('-')),
        }
    } else if matches!(word.as_str(), "{") && depth.0.is_empty() {
        depth.push("}");
        stays = true;
    } else if word == "()" {
        stays = true;
    }
    *command_place = stays;
    word.clear();
}

/// The agent's own recorder, around the session's shell (agents before 2.3.978, and Windows).
pub fn starts_the_logger(text: &str) -> bool {
    const NAME: &[u8] = b"ssm-session-logger";
    text.len() >= NAME.len() && memchr::memmem::find(text.as_bytes(), NAME).is_some()
}

/// What a command line may do to the next prompt. `None` for the great majority.
pub fn change(text: &str) -> Option<Change> {
    if starts_the_logger(text) {
        return Some(Change::Shell);
    }
    let mut found = None;
    let mut rest = text;
    let mut is_piped = false;
    loop {
        let end = rest.find(['\n', ';', '|', '&', '(', ')']);
        let part = &rest[..end.unwrap_or(rest.len())];
        // What reads a pipe does not read the terminal, and what ends behind one ends alone.
        if !is_piped && let Some(it) = change_of_one(part) {
            found = Some(it);
        }
        let Some(end) = end else { return found };
        let (sign, after) = rest[end..].split_at(1);
        let pipes = sign == "|" && !after.starts_with('|');
        let within = is_piped && part.trim().is_empty() && matches!(sign, "(" | "&");
        is_piped = pipes || within;
        rest = if sign == "|" && after.starts_with('|') { &after[1..] } else { after };
    }
}

fn change_of_one(part: &str) -> Option<Change> {
    let mut words = part.split_ascii_whitespace().peekable();
    while let Some(word) = words.next() {
        let name = word.rsplit('/').next().unwrap_or(word);
        match name {
            "exec" | "command" | "builtin" | "env" | "time" | "nice" | "nohup" | "then" | "do"
            | "else" | "{" | "!" => {}
            "exit" | "logout" | "reboot" | "shutdown" | "poweroff" | "halt" => {
                return Some(Change::Leave);
            }
            "sudo" | "doas" => {
                if opens_as_another(&mut words) {
                    return Some(Change::Shell);
                }
            }
            "export" | "declare" | "readonly" | "set" => {
                if words.clone().any(is_prompt_variable) {
                    return Some(Change::Prompt);
                }
                return None;
            }
            "source" | "." | "unset" | "prompt" | "conda" | "starship" | "workon" | "bind" => {
                return Some(Change::Prompt);
            }
            _ if is_prompt_variable(word) => return Some(Change::Prompt),
            _ if word.contains('=') && !word.starts_with('-') => {}
            _ => return program(name, words),
        }
    }
    None
}

fn is_prompt_variable(word: &str) -> bool {
    ["PS1", "PS2", "PROMPT", "PROMPT_COMMAND", "RPROMPT", "RPS1"]
        .iter()
        .any(|it| word.strip_prefix(it).is_some_and(|rest| rest.starts_with(['=', '+'])))
}

/// Reads the options of `sudo`, up to the command it runs: whether they say that it opens a shell.
fn opens_as_another<'a>(words: &mut std::iter::Peekable<impl Iterator<Item = &'a str>>) -> bool {
    while let Some(word) = words.next_if(|it| it.starts_with('-') || it.contains('=')) {
        match word {
            "-u" | "-g" | "-h" | "-p" | "-C" | "-r" | "-t" | "-U" | "-T" => {
                words.next();
            }
            "-i" | "-s" | "--login" | "--shell" => return true,
            _ if word.starts_with('-') && !word.starts_with("--") && word.contains(['i', 's']) => {
                return true;
            }
            _ => {}
        }
    }
    false
}

#[rustfmt::skip]
const SHELLS: &[&str] = &[
    "bash", "sh", "dash", "zsh", "fish", "ksh", "ksh93", "mksh", "ash", "busybox", "tcsh", "csh",
    "su", "ssh", "mosh", "telnet", "docker", "podman", "nerdctl", "kubectl", "oc", "k", "crictl",
    "ctr", "chroot", "nsenter", "unshare", "tmux", "screen", "byobu", "script", "login", "newgrp",
    "sg", "runuser", "machinectl", "lxc", "incus", "vagrant", "rlwrap", "pwsh", "powershell",
    "powershell.exe", "cmd", "cmd.exe", "nix-shell", "pipenv", "poetry", "setpriv", "capsh",
    "systemd-run", "aws", "copilot", "heroku", "fg", "elvish", "nu", "xonsh", "expect", "watch",
];

#[rustfmt::skip]
const REPLS: &[&str] = &[
    "python", "python2", "python3", "ipython", "ipython3", "node", "nodejs", "deno",
    "bun", "irb", "pry", "ruby", "perl", "php", "lua", "R", "julia", "ghci", "scala", "jshell",
    "psql", "mysql", "mariadb", "sqlite3", "sqlite", "redis-cli", "valkey-cli", "mongo",
    "mongosh", "cqlsh", "sqlplus", "clickhouse-client", "duckdb", "gdb", "lldb", "pdb", "bc",
    "dc", "ftp", "sftp", "lftp", "nslookup", "gnuplot", "octave", "maxima", "rails", "iex", "erl",
    "sqlcmd", "etcdctl", "beeline", "hive", "spark-shell", "pyspark", "vault", "fdisk", "parted",
    "ptpython", "ptipython", "bpython", "guile", "clisp", "sbcl", "scheme", "racket", "ocaml", "utop", "swipl", "prolog", "gprolog",
    "elixir", "groovysh", "kotlinc", "tclsh", "calc", "units", "gp", "sage", "coqtop", "janet", "crystal", "evcxr", "lein", "clj",
    "pgcli", "mycli", "litecli", "iredis", "usql", "cypher-shell", "influx", "trino", "presto", "snowsql", "impala-shell",
    "osqueryi", "smbclient", "zkCli.sh", "ipdb", "jdb", "rdbg", "ansible-console", "openssl", "telnet", "virsh", "nmcli", "vtysh", "wg", "bluetoothctl", "diskpart", "netsh",
];

/// Both, to be found at once. A name in both opens a shell.
static OPENERS: LazyLock<HashMap<&str, Change, ByBytes>> = LazyLock::new(|| {
    let repls = REPLS.iter().map(|it| (*it, Change::Repl));
    repls.chain(SHELLS.iter().map(|it| (*it, Change::Shell))).collect()
});

#[rustfmt::skip]
const INTERPRETERS: &[&str] = &[
    "bash", "sh", "dash", "zsh", "fish", "ksh", "mksh", "ash", "python", "node", "nodejs", "perl", "ruby", "php", "lua",
];

fn is_given_a_script<'a>(words: impl Iterator<Item = &'a str>) -> bool {
    let mut value = false;
    for word in words {
        if value {
            value = false;
        } else if matches!(word, "-i" | "-l" | "--login" | "-s" | "-") {
            return false;
        } else if matches!(word, "-c" | "-e" | "-m") {
            return true;
        } else if matches!(word, "--rcfile" | "--init-file" | "-o" | "-O" | "-W" | "-X") {
            value = true;
        } else if !word.starts_with(['-', '+']) && !word.starts_with(['<', '>']) {
            return true;
        }
    }
    false
}

fn program<'a>(name: &str, words: impl Iterator<Item = &'a str> + Clone) -> Option<Change> {
    let base = name.trim_end_matches(|it: char| it.is_ascii_digit() || it == '.');
    let known = |name: &str| OPENERS.get(name).copied();
    let found = known(name)
        .or_else(|| if base == name { None } else { known(base).filter(|it| *it == Change::Repl) });
    // An interpreter that is given a script or a command reads neither from the terminal.
    if (found.is_some() || base != name)
        && INTERPRETERS.contains(&base)
        && is_given_a_script(words.clone())
    {
        return None;
    }
    if name.starts_with("bash-") {
        return Some(Change::Shell);
    }
    if found == Some(Change::Shell)
        && let Some(it) = runs_in(name, words.clone(), known)
    {
        return it;
    }
    if found.is_some() {
        return found;
    }
    // A script or an alias may start a shell; its name does not say. Those with `exec` in them do.
    words
        .clone()
        .any(|it| it == "exec" || it == "shell" || it == "console")
        .then_some(Change::Shell)
}

/// What a program that runs others elsewhere opens: a shell, a REPL, or nothing that reads the terminal. `None` for other programs, and
/// where its words do not tell.
fn runs_in<'a>(
    name: &str,
    words: impl Iterator<Item = &'a str> + Clone,
    known: impl Fn(&str) -> Option<Change>,
) -> Option<Option<Change>> {
    let base = |it: &'a str| it.rsplit('/').next().unwrap_or(it);
    match name {
        "docker" | "podman" | "nerdctl" | "kubectl" | "oc" | "k" | "crictl" => {
            let mut inner = words.skip_while(|it| {
                !matches!(*it, "exec" | "run" | "attach" | "debug" | "start" | "rsh" | "login")
            });
            if inner.next().is_none() {
                // `logs`, `build`, `apply` and the like read nothing.
                return Some(None);
            }
            // The last name that is known: a container may have any.
            inner.filter_map(|it| known(base(it))).last().map(Some)
        }
        "ssh" => {
            let mut takes = false;
            let mut inner = words.skip_while(|it| {
                let is_value = std::mem::take(&mut takes);
                takes = it.len() == 2
                    && it.starts_with('-')
                    && it.ends_with(|it| "BbcDEeFIiJLlmOopQRSWw".contains(it));
                is_value || it.starts_with('-')
            });
            inner.next()?;
            // Behind the host stands what is run there.
            change_within(inner)
        }
        "aws" => {
            let opens = |it: &str| matches!(it, "start-session" | "execute-command");
            Some(words.clone().any(opens).then_some(Change::Shell))
        }
        "su" | "runuser" => {
            let mut inner = words.skip_while(|it| !matches!(*it, "-c" | "--command"));
            inner.next()?;
            change_within(inner)
        }
        _ => None,
    }
}

/// Longest command within another that is looked into: each may hold one more.
const WITHIN: usize = 512;

/// What a command line that another one is given opens, its quotes aside. `None` where there is none, or it is too long to tell.
fn change_within<'a>(words: impl Iterator<Item = &'a str>) -> Option<Option<Change>> {
    let mut text = String::new();
    for word in words {
        if text.len() + word.len() > WITHIN {
            return None;
        }
        text.push_str(word);
        text.push(' ');
    }
    let text = text.trim().trim_matches(['"', '\'']);
    (!text.is_empty()).then(|| change(text))
}

/// Whether it opens another shell than bash by its name: those print nothing at Ctrl-D.
pub fn names_another_shell(text: &str) -> bool {
    let last = text.rsplit(['|', ';', '&']).next().unwrap_or(text);
    let mut names =
        last.split_ascii_whitespace().rev().map(|it| it.rsplit('/').next().unwrap_or(it));
    // The last one counts: a container may have any name.
    names.find_map(|it| match it {
        "bash" => Some(false),
        "dash" | "ash" | "ksh" | "ksh93" | "mksh" | "oksh" | "yash" | "tcsh" | "csh" | "zsh"
        | "fish" | "elvish" | "nu" | "xonsh" | "busybox" => Some(true),
        _ => None,
    }) == Some(true)
}

/// Whether what it prints may end without a line feed.
pub fn may_leave_a_line_open(text: &str) -> bool {
    text.split(['\n', ';', '|', '&', '(']).any(|part| {
        let mut words = part.split_ascii_whitespace();
        let name = words.find(|it| *it != "sudo" && !it.contains('=')).unwrap_or_default();
        match name.rsplit('/').next().unwrap_or(name) {
            "printf" => true,
            "echo" | "head" => words.any(|it| it.starts_with('-')),
            _ => false,
        }
    })
}

/// Whether it turns the terminal's echo off.
pub fn hides_what_is_typed(text: &str) -> bool {
    text.contains("stty")
        && text.split(['\n', ';', '|', '&']).any(|part| {
            let mut words = part.split_ascii_whitespace();
            words.next() == Some("stty") && words.any(|it| it == "-echo")
        })
}

/// Whether it leaves a job in the background whose output goes to the terminal.
pub fn starts_a_job(text: &str) -> bool {
    let bare = text.trim_end();
    let elsewhere = bare.contains('>') || bare.starts_with("nohup ") || bare.starts_with("setsid ");
    bare == "bg" || bare.ends_with('&') && !bare.ends_with("&&") && !elsewhere
}

/// Whether the command may change the directory that the prompt shows.
pub fn moves(text: &str) -> bool {
    #[rustfmt::skip]
    const MOVERS: &[&str] = &[
        "cd", "pushd", "popd", "z", "j", "..", "Set-Location", "sl", "chdir", "Push-Location",
        "Pop-Location", "zi", "autojump", "fasd", "dirs", "cdh",
    ];
    text.split(['\n', ';', '|', '&', '(', ')', '{', '}', ' '])
        .any(|it| MOVERS.contains(&it) || it.ends_with('/') && text.trim() == it)
        || change(text).is_some()
}

#[rustfmt::skip]
const PRINTERS: &[&str] = &[
    "cat", "less", "more", "head", "tail", "grep", "egrep", "zcat", "bat", "history", "echo",
    "printf", "sed", "awk", "strings", "man", "git", "diff", "curl", "tac", "nl", "journalctl",
    "Get-Content", "gc", "type", "Select-String", "python3", "python", "fc", "zgrep", "rg",
    "dmesg", "wget", "aws", "script",
];

static PRINTING: LazyLock<HashSet<&str, ByBytes>> =
    LazyLock::new(|| PRINTERS.iter().copied().collect());

/// Tables of our own names need no hash that strangers cannot foresee.
type ByBytes = BuildHasherDefault<Hashed>;

/// What a command's programs do to what can be told of the output that follows.
#[derive(Clone, Copy, Default)]
pub struct Does {
    /// One prints what other people wrote: then prompts in its output mean little.
    pub prints_files: bool,
    /// One draws shells in panes.
    pub draws_panes: bool,
}

impl Does {
    pub fn of(text: &str) -> Self {
        let mut does = Self::default();
        for part in text.split(['\n', ';', '|', '&']) {
            let mut words =
                part.split_ascii_whitespace().filter(|it| *it != "sudo" && !it.contains('='));
            let Some(mut name) = words.next() else { continue };
            if name == "exec" {
                name = words.next().unwrap_or_default();
            }
            let name = name.rsplit('/').next().unwrap_or(name);
            // What `echo` is given in plain words, it prints, and nothing else.
            let given = name == "echo" && is_plain(part) && !part.contains(['$', '*']);
            does.prints_files |= !given && PRINTING.contains(name) && !writes_to_a_file(part);
            does.draws_panes |= matches!(name, "tmux" | "screen" | "byobu" | "zellij" | "dvtm");
        }
        does
    }
}

/// Whether what it prints goes to a file.
fn writes_to_a_file(part: &str) -> bool {
    let mut quote = None;
    let mut before = ' ';
    for (at, ch) in part.char_indices() {
        match quote {
            Some(it) if it == ch => quote = None,
            None if matches!(ch, '\'' | '"') => quote = Some(ch),
            None if ch == '>' && (before == ' ' || before == '1') => {
                let target = part[at + 1..].trim_start_matches('>').trim_start();
                let other = target.is_empty()
                    || target.starts_with(['&', '('])
                    || target.starts_with("/dev/") && !target.starts_with("/dev/null");
                if !other {
                    return true;
                }
            }
            _ => {}
        }
        before = ch;
    }
    false
}

#[rustfmt::skip]
const COMMON: &[&str] = &[
    "apt", "apt-get", "yum", "dnf", "apk", "pip", "pip3", "npm", "npx", "yarn", "cargo", "go", "make", "cmake",
    "ls", "ll", "la", "pwd", "cp", "mv", "rm", "mkdir", "rmdir", "touch", "ln", "chmod", "chown", "stat", "file",
    "find", "locate", "which", "whereis", "type", "wc", "sort", "uniq", "cut", "tr", "tee", "xargs", "seq",
    "tar", "gzip", "gunzip", "zip", "unzip", "df", "du", "free", "uptime", "top", "htop", "ps", "pgrep", "kill",
    "pkill", "killall", "systemctl", "service", "crontab", "uname", "hostname", "whoami", "id", "groups", "w",
    "who", "last", "date", "cal", "env", "export", "set", "unset", "alias", "source", "true", "false", "test",
    "sleep", "wait", "jobs", "bg", "fg", "ip", "ifconfig", "ss", "netstat", "ping", "dig", "host", "nslookup",
    "traceroute", "scp", "rsync", "nc", "openssl", "mount", "umount", "lsblk", "fdisk", "vi", "vim", "nano",
    "emacs", "clear", "exit", "logout", "reboot", "shutdown", "passwd", "useradd", "usermod", "userdel", "visudo",
    "sudo", "terraform", "ansible", "helm", "vault", "jq", "yq", "sha256sum", "md5sum", "base64", "lsof",
    "strace", "tcpdump", "iptables", "getent", "read", "cd", "for", "while", "if", "time", "watch", "screen",
];

/// Whether the line begins as commands do: with a name met everywhere, a path, or a variable that is set.
pub fn begins_with_a_command(text: &str) -> bool {
    let text = text.trim_start_matches(['(', '!', ' ']);
    let mut words = text.split_ascii_whitespace();
    let Some(mut first) = words.next() else { return false };
    if matches!(first, "sudo" | "time" | "nohup" | "exec") && words.clone().next().is_some() {
        return true;
    }
    first = first.trim_end_matches([';', ')']);
    let sets = first.split_once('=').is_some_and(|(name, _)| {
        !name.is_empty() && name.chars().all(|it| it.is_ascii_alphanumeric() || it == '_')
    });
    // A directory alone is part of a prompt.
    let path = first.starts_with("./") || first.contains("bin/");
    let name = first.rsplit('/').next().unwrap_or(first);
    let base = name.trim_end_matches(|it: char| it.is_ascii_digit() || it == '.');
    if sets || path && !name.is_empty() {
        return true;
    }
    (NAMES.contains(name) || base != name && NAMES.contains(base)) && !is_prose(text)
}

/// Whether it begins with a known name, or has the signs of a command.
pub fn looks_typed(text: &str) -> bool {
    begins_with_a_command(text) || text.contains(['-', '/', '|', '$', '=', '<', '>', '~', '*'])
}

/// Words and nothing else, as people write to people: many of them, or one that no command is followed by.
fn is_prose(text: &str) -> bool {
    let mut words = text.split_ascii_whitespace().skip(1);
    let is_word = |it: &str| {
        it.trim_end_matches(['.', ',', '!', ':']).bytes().all(|it| it.is_ascii_alphabetic())
    };
    let second = words.clone().next().unwrap_or_default();
    let tells = matches!(
        second,
        "is" | "are" | "was" | "the" | "a" | "an" | "this" | "that" | "has" | "not" | "been" | "be"
    ) || second.len() > 4 && second.ends_with("ed") && is_word(second)
        || second == "done";
    tells || words.clone().count() >= 3 && words.all(is_word)
}

/// Names that begin commands.
static NAMES: LazyLock<HashSet<&str, ByBytes>> = LazyLock::new(|| {
    [COMMON, SHELLS, REPLS, PRINTERS, OTHERS].into_iter().flatten().copied().collect()
});

#[rustfmt::skip]
const OTHERS: &[&str] = &[
    ".", "[", "[[", "trap", "ulimit", "umask", "hash", "local", "pushd", "popd", "dirs", "shopt",
    "case", "until", "{", "ansible-playbook", "gcloud", "az", "gh", "mvn", "gradle", "java", "javac", "gcc", "rustc", "deactivate",
    "tree", "vimdiff", "tig", "sha1sum", "printenv", "nproc", "lscpu", "lsmod", "modprobe", "sysctl", "vmstat", "iostat",
    "loginctl", "timedatectl", "hostnamectl", "nmap", "arp", "route", "ufw", "firewall-cmd", "nginx", "apachectl",
    "certbot", "composer", "artisan", "bundle", "gem", "rake", "cd..", "cls", "dir", "ipconfig", "fish_config", "math",
];

/// Whether a command of this name is met everywhere.
pub fn is_common(name: &str) -> bool {
    COMMON.contains(&name)
        || SHELLS.contains(&name)
        || REPLS.contains(&name)
        || PRINTERS.contains(&name)
}

#[cfg(test)]
mod tests {
    use super::Change;
    use super::change;
    use super::is_open;
    use super::names_another_shell;

    #[test]
    fn a_command_is_open_until_the_shell_would_run_it() {
        for open in [
            "cat <<EOF",
            "cat > f <<'EOF'\nline",
            "for i in 1 2; do",
            "if [ -f x ]; then\n  echo y",
            "echo \"first",
            "echo one \\",
            "ls |",
            "true &&",
            "deploy() {",
            "case $x in",
            "while read -r l; do\n echo $l",
            "echo $(date",
        ] {
            assert!(is_open(open), "{open:?} asks for more");
        }
        for closed in [
            "ls -l",
            "cat <<EOF\nbody\nEOF",
            "for i in 1 2; do echo $i; done",
            "if true; then echo y; fi",
            "echo done",
            "echo \"a\nb\"",
            "echo one \\\ntwo",
            "deploy() {\n  echo\n}",
            "case $x in a) echo;; esac",
            "echo $(date)",
            "grep -c x <<< word",
            "# for i in",
            "echo it\\'s",
            "sleep 1 &",
        ] {
            assert!(!is_open(closed), "{closed:?} is complete");
        }
    }

    #[test]
    fn only_some_commands_may_be_followed_by_another_prompt() {
        assert_eq!(change("sudo su -"), Some(Change::Shell));
        assert_eq!(change("sudo -u app -i"), Some(Change::Shell));
        assert_eq!(change("PS1='% '"), Some(Change::Prompt));
        assert_eq!(change("export PS1='x'"), Some(Change::Prompt));
        assert_eq!(change("python3.11 -q"), Some(Change::Repl));
        assert_eq!(change("exit"), Some(Change::Leave));
        assert_eq!(change("sudo reboot"), Some(Change::Leave));
        assert_eq!(change("false || bash"), Some(Change::Shell));
        assert_eq!(change("make | tee log; bash"), Some(Change::Shell));
        assert_eq!(change("tmux attach | cat"), Some(Change::Shell));
        for reads_a_pipe in
            ["curl -s x | bash", "curl x |sudo bash -s --", "yes | (sh)", "cat f |& ssh h"]
        {
            assert_eq!(change(reads_a_pipe), None, "{reads_a_pipe}");
        }
        assert_eq!(change("sudo cat /etc/hosts"), None);
        assert_eq!(change("ls -l"), None);
        assert_eq!(change("echo bash"), None);
        assert_eq!(change("sudo -u app A=1 sudo -n -- bash"), Some(Change::Shell));
        assert_eq!(change("sudo -u"), None);
    }

    #[test]
    fn what_is_run_elsewhere_decides_what_opens() {
        for shell in [
            "ssh web-1",
            "ssh -p 22 -i key dana@vault",
            "ssh -t web-1 \"sudo -i\"",
            "ssh web-1 'sudo su -'",
            "ssh web-1 bash -l",
            "su - app -c bash",
            "kubectl exec -it redis-0 -- sh",
            "docker exec -it mysql bash",
            "aws ssm start-session --target i-0",
        ] {
            assert_eq!(change(shell), Some(Change::Shell), "{shell}");
        }
        for repl in ["docker exec -it db mongosh", "ssh db psql -U app", "kubectl exec db -- psql"]
        {
            assert_eq!(change(repl), Some(Change::Repl), "{repl}");
        }
        for nothing in [
            "ssh web-1 cat README.md",
            "su - app -c 'cat README.md'",
            "kubectl logs web",
            "docker build .",
            "aws s3 ls",
        ] {
            assert_eq!(change(nothing), None, "{nothing}");
        }
        let deep = "ssh h ".repeat(1 << 14);
        assert_eq!(change(&deep), Some(Change::Shell), "only long");
    }

    #[test]
    fn the_last_shell_that_is_named_is_the_one_that_opens() {
        assert!(names_another_shell("docker exec -it c busybox ash"));
        assert!(names_another_shell("mksh"));
        assert!(!names_another_shell("docker exec busybox bash"));
        assert!(!names_another_shell("sudo -i"));
    }

    /// Rows hold 65,536 characters, and what is recorded may be anything.
    #[test]
    fn a_command_in_a_command_without_end_is_only_long() {
        let many = 1 << 16;
        assert_eq!(change(&"sudo ".repeat(many)), None);
        assert_eq!(change(&("sudo -n ".repeat(many) + "bash")), Some(Change::Shell));
        assert_eq!(change(&("env ".repeat(many) + "exit")), Some(Change::Leave));
        assert!(is_open(&("if ".repeat(many) + &"done ".repeat(many))));
        let words: String = (0..many).map(|it| format!("<<{it} ")).collect();
        let bodies: String = (0..many).map(|it| format!("\n{it}")).collect();
        assert!(is_open(&format!("cat {words}")));
        assert!(!is_open(&format!("cat {words}{bodies}")));
    }
}
