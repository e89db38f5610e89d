//! What a command may do to the prompt that follows it: another shell, a REPL, an end, another prompt.

use std::collections::HashMap;
use std::sync::LazyLock;

use crate::transcript::shell::names::ByBytes;
use crate::transcript::shell::names::REPLS;
use crate::transcript::shell::names::SHELLS;

/// What a command may do to the prompt that follows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ShellChange {
    /// Another shell, perhaps another user or host.
    Shell,
    /// A program with prompts of its own.
    Repl,
    /// This shell ends.
    Leave,
    /// The same shell under another prompt.
    Prompt,
}

/// The agent's own recorder, around the session's shell (agents before 2.3.978, and Windows).
pub fn starts_the_logger(text: &str) -> bool {
    const NAME: &[u8] = b"ssm-session-logger";
    text.len() >= NAME.len() && memchr::memmem::find(text.as_bytes(), NAME).is_some()
}

/// What a command line may do to the next prompt. `None` for the great majority.
pub fn change(text: &str) -> Option<ShellChange> {
    if starts_the_logger(text) {
        return Some(ShellChange::Shell);
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

fn change_of_one(part: &str) -> Option<ShellChange> {
    let mut words = part.split_ascii_whitespace().peekable();
    while let Some(word) = words.next() {
        let name = word.rsplit('/').next().unwrap_or(word);
        match name {
            "exec" | "command" | "builtin" | "env" | "time" | "nice" | "nohup" | "then" | "do"
            | "else" | "{" | "!" => {}
            "exit" | "logout" | "reboot" | "shutdown" | "poweroff" | "halt" => {
                return Some(ShellChange::Leave);
            }
            "sudo" | "doas" => {
                if opens_as_another(&mut words) {
                    return Some(ShellChange::Shell);
                }
            }
            "export" | "declare" | "readonly" | "set" => {
                return words.any(is_prompt_variable).then_some(ShellChange::Prompt);
            }
            "source" | "." | "unset" | "prompt" | "conda" | "starship" | "workon" | "bind" => {
                return Some(ShellChange::Prompt);
            }
            _ if is_prompt_variable(word) => return Some(ShellChange::Prompt),
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

/// Both, to be found at once. A name in both opens a shell.
static OPENERS: LazyLock<HashMap<&str, ShellChange, ByBytes>> = LazyLock::new(|| {
    let repls = REPLS.iter().map(|it| (*it, ShellChange::Repl));
    repls.chain(SHELLS.iter().map(|it| (*it, ShellChange::Shell))).collect()
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

fn program<'a>(name: &str, words: impl Iterator<Item = &'a str> + Clone) -> Option<ShellChange> {
    let base = name.trim_end_matches(|it: char| it.is_ascii_digit() || it == '.');
    let known = |name: &str| OPENERS.get(name).copied();
    let found = known(name).or_else(|| known(base).filter(|it| *it == ShellChange::Repl));
    // An interpreter that is given a script or a command reads neither from the terminal.
    if (found.is_some() || base != name)
        && INTERPRETERS.contains(&base)
        && is_given_a_script(words.clone())
    {
        return None;
    }
    if name.starts_with("bash-") {
        return Some(ShellChange::Shell);
    }
    if found == Some(ShellChange::Shell)
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
        .then_some(ShellChange::Shell)
}

/// What a program that runs others elsewhere opens: a shell, a REPL, or nothing that reads the terminal. `None` for other programs, and
/// where its words do not tell.
fn runs_in<'a>(
    name: &str,
    words: impl Iterator<Item = &'a str> + Clone,
    known: impl Fn(&str) -> Option<ShellChange>,
) -> Option<Option<ShellChange>> {
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
            Some(words.clone().any(opens).then_some(ShellChange::Shell))
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
fn change_within<'a>(words: impl Iterator<Item = &'a str>) -> Option<Option<ShellChange>> {
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

#[cfg(test)]
mod tests {
    use super::ShellChange;
    use super::change;
    use super::names_another_shell;
    use crate::transcript::shell::syntax::is_open;

    #[test]
    fn only_some_commands_may_be_followed_by_another_prompt() {
        assert_eq!(change("sudo su -"), Some(ShellChange::Shell));
        assert_eq!(change("sudo -u app -i"), Some(ShellChange::Shell));
        assert_eq!(change("PS1='% '"), Some(ShellChange::Prompt));
        assert_eq!(change("export PS1='x'"), Some(ShellChange::Prompt));
        assert_eq!(change("python3.11 -q"), Some(ShellChange::Repl));
        assert_eq!(change("exit"), Some(ShellChange::Leave));
        assert_eq!(change("sudo reboot"), Some(ShellChange::Leave));
        assert_eq!(change("false || bash"), Some(ShellChange::Shell));
        assert_eq!(change("make | tee log; bash"), Some(ShellChange::Shell));
        assert_eq!(change("tmux attach | cat"), Some(ShellChange::Shell));
        for reads_a_pipe in
            ["curl -s x | bash", "curl x |sudo bash -s --", "yes | (sh)", "cat f |& ssh h"]
        {
            assert_eq!(change(reads_a_pipe), None, "{reads_a_pipe}");
        }
        assert_eq!(change("sudo cat /etc/hosts"), None);
        assert_eq!(change("ls -l"), None);
        assert_eq!(change("echo bash"), None);
        assert_eq!(change("sudo -u app A=1 sudo -n -- bash"), Some(ShellChange::Shell));
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
            assert_eq!(change(shell), Some(ShellChange::Shell), "{shell}");
        }
        for repl in ["docker exec -it db mongosh", "ssh db psql -U app", "kubectl exec db -- psql"]
        {
            assert_eq!(change(repl), Some(ShellChange::Repl), "{repl}");
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
        assert_eq!(change(&deep), Some(ShellChange::Shell), "only long");
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
        assert_eq!(change(&("sudo -n ".repeat(many) + "bash")), Some(ShellChange::Shell));
        assert_eq!(change(&("env ".repeat(many) + "exit")), Some(ShellChange::Leave));
        assert!(is_open(&("if ".repeat(many) + &"done ".repeat(many))));
        let words: String = (0..many).map(|it| format!("<<{it} ")).collect();
        let bodies: String = (0..many).map(|it| format!("\n{it}")).collect();
        assert!(is_open(&format!("cat {words}")));
        assert!(!is_open(&format!("cat {words}{bodies}")));
    }
}
