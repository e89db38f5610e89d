//! Names of programs that are met everywhere: shells, REPLs, what prints files, and what else people type.

use std::collections::HashSet;
use std::hash::BuildHasherDefault;
use std::sync::LazyLock;

use crate::transcript::prompt::Hashed;

#[rustfmt::skip]
pub(super) const SHELLS: &[&str] = &[
    "bash", "sh", "dash", "zsh", "fish", "ksh", "ksh93", "mksh", "ash", "busybox", "tcsh", "csh",
    "su", "ssh", "mosh", "telnet", "docker", "podman", "nerdctl", "kubectl", "oc", "k", "crictl",
    "ctr", "chroot", "nsenter", "unshare", "tmux", "screen", "byobu", "script", "login", "newgrp",
    "sg", "runuser", "machinectl", "lxc", "incus", "vagrant", "rlwrap", "pwsh", "powershell",
    "powershell.exe", "cmd", "cmd.exe", "nix-shell", "pipenv", "poetry", "setpriv", "capsh",
    "systemd-run", "aws", "copilot", "heroku", "fg", "elvish", "nu", "xonsh", "expect", "watch",
];

#[rustfmt::skip]
pub(super) const REPLS: &[&str] = &[
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

#[rustfmt::skip]
pub(super) const PRINTERS: &[&str] = &[
    "cat", "less", "more", "head", "tail", "grep", "egrep", "zcat", "bat", "history", "echo",
    "printf", "sed", "awk", "strings", "man", "git", "diff", "curl", "tac", "nl", "journalctl",
    "Get-Content", "gc", "type", "Select-String", "python3", "python", "fc", "zgrep", "rg",
    "dmesg", "wget", "aws", "script",
];

/// Tables of our own names need no hash that strangers cannot foresee.
pub(super) type ByBytes = BuildHasherDefault<Hashed>;

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
    [COMMON, SHELLS, REPLS, PRINTERS].iter().any(|it| it.contains(&name))
}
