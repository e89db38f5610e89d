//! What a shell profile does to the record: it runs in every session, so what it switches off is off for everybody.
//!
//! A profile is read as simple commands, word by word, as far as that goes without running it: what a shell would build from variables is
//! not seen, and the check says that it is not sure.
//! Source: "Bash Variables", "Shell Builtin Commands" (Bash Reference Manual); "Parameters Used By The Shell" (Zsh);
//! "Set-PSReadLineOption", "Stop-Transcript" (PowerShell).

const HISTORY: &str = "it changes or drops the shell's own history";
const ELSEWHERE: &str = "it sends what is shown elsewhere";
const SHELL: &str = "it starts a shell without its settings";

/// Words before the command that they run, or that a shell reads before one.
const BEFORE: [&str; 19] = [
    "exec", "command", "builtin", "sudo", "doas", "env", "nohup", "time", "nice", "export",
    "declare", "readonly", "typeset", "then", "do", "else", "if", "while", "!",
];

/// Commands whose quoted words are commands, too.
const RUNS_WORDS: [&str; 7] = ["eval", "trap", "sh", "bash", "zsh", "dash", "su"];

/// What ends processes, and services by one of these words.
const KILLERS: [&str; 6] = ["kill", "pkill", "killall", "taskkill", "stop-service", "stop-process"];
const MANAGERS: [&str; 6] = ["systemctl", "service", "snap", "net", "sc", "sc.exe"];
const ENDS: [&str; 5] = ["stop", "disable", "mask", "kill", "remove"];

/// What takes a file away, or its content.
const REMOVERS: [&str; 6] = ["rm", "ln", "truncate", "shred", "mv", "unlink"];

/// Whether a word names the agent or a process of it that keeps the record.
/// Source: amazon-ssm-agent: agent/appconfig/constants_unix.go.
fn is_agent(word: &str) -> bool {
    ["amazon-ssm-agent", "amazonssmagent", "ssm-agent-worker", "ssm-session-"]
        .iter()
        .any(|it| word.contains(it))
}

/// What a profile does, each effect once for each command that has it.
pub(super) fn effects(text: &str) -> impl Iterator<Item = &'static str> {
    commands(text).into_iter().flat_map(|it| effect(&it))
}

/// The simple commands of a text, as words without their quotes.
fn commands(text: &str) -> Vec<Vec<String>> {
    let mut out = vec![Vec::new()];
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut signs = text.chars().peekable();
    while let Some(sign) = signs.next() {
        match (quote, sign) {
            (Some(open), sign) if sign == open => quote = None,
            // Within `"` it escapes these alone.
            (Some('"'), '\\') if signs.peek().is_some_and(|it| "\"\\$`".contains(*it)) => {
                word.get_or_insert_default().extend(signs.next());
            }
            (Some(_), sign) => word.get_or_insert_default().push(sign),
            (None, '"' | '\'') => {
                quote = Some(sign);
                word.get_or_insert_default();
            }
            (None, '\\') => {
                if let Some(next) = signs.next().filter(|it| *it != '\n') {
                    word.get_or_insert_default().push(next);
                }
            }
            (None, '#') if word.is_none() => {
                while signs.peek().is_some_and(|it| *it != '\n') {
                    signs.next();
                }
            }
            (None, sign) => {
                // `&>`, `>&` and `2>&1` redirect.
                let redirects = sign == '&'
                    && (signs.peek() == Some(&'>')
                        || word.as_ref().is_some_and(|it| it.ends_with('>')));
                let ends = "\n;&|(){}`".contains(sign) && !redirects;
                if ends || sign.is_whitespace() {
                    out.last_mut().into_iter().for_each(|it| it.extend(word.take()));
                } else {
                    word.get_or_insert_default().push(sign);
                }
                if ends {
                    out.push(Vec::new());
                }
            }
        }
    }
    out.last_mut().into_iter().for_each(|it| it.extend(word.take()));
    out.retain(|it| !it.is_empty());
    out
}

fn effect(command: &[String]) -> Option<&'static str> {
    let lower: Vec<String> = command.iter().map(|it| it.to_lowercase()).collect();
    let is_set = |it: &str| it.contains('=') && !it.starts_with('-') || it.starts_with("$env:");
    let is_before =
        |it: &&String| BEFORE.contains(&it.as_str()) || it.starts_with('-') || is_set(it);
    let before = lower.iter().take_while(is_before).count();
    if lower[..before].iter().any(|it| is_history_off(it)) {
        return Some(HISTORY);
    }
    // What a variable holds is run where a shell runs it: PROMPT_COMMAND at each prompt.
    let held = lower[..before].iter().filter_map(|it| it.split_once('='));
    let mut held = held.filter(|it| it.1.contains(char::is_whitespace));
    if let Some(it) = held.find_map(|it| effects(it.1).next()) {
        return Some(it);
    }
    let (name, rest) = lower[before..].split_first()?;
    // `exec >file` has no command behind it.
    let target = name.trim_start_matches(|it: char| it.is_ascii_digit() || it == '&');
    let fd = &name[..name.len() - target.len()];
    // Errors alone, or files beside the terminal, take nothing from what is shown; `> >(tee f)` shows it, too.
    if lower[0] == "exec"
        && target.starts_with('>')
        && ["", "1", "&"].contains(&fd)
        && !target.starts_with(">&")
        && rest.first().is_none_or(|it| it != ">")
    {
        return Some(ELSEWHERE);
    }
    let name = name.rsplit('/').next().unwrap_or(name);
    let has = |it: &str| rest.iter().any(|one| one == it);
    if RUNS_WORDS.contains(&name) {
        let words = rest.iter().filter(|it| it.contains(char::is_whitespace));
        if let Some(it) = words.flat_map(|it| effects(it)).next() {
            return Some(it);
        }
    }
    let ends = KILLERS.contains(&name)
        || MANAGERS.contains(&name) && rest.iter().any(|it| ENDS.contains(&it.as_str()));
    if ends && rest.iter().any(|it| is_agent(it)) {
        return Some("it stops the agent that records");
    }
    let is_file = |it: &String| it.ends_with("_history") || it.contains("$histfile");
    if REMOVERS.contains(&name) && rest.iter().any(is_file)
        || rest.windows(2).any(|it| it[0].starts_with('>') && is_file(&it[1]))
        || lower.iter().any(|it| it.starts_with('>') && is_file(it))
    {
        return Some(HISTORY);
    }
    let has_flag =
        |letters: &[char]| rest.iter().any(|it| it.starts_with('-') && it.contains(letters));
    let drops_history = match name {
        "unset" => has("histfile"),
        "shopt" => has("history") && has_flag(&['u']),
        "remove-module" => has("psreadline"),
        "history" => has_flag(&['c', 'd']),
        "set" => rest.windows(2).any(|it| it == ["+o", "history"]),
        "set-psreadlineoption" => rest.iter().any(|it| it.contains("savenothing")),
        "clear-history" => true,
        _ => false,
    };
    match name {
        _ if drops_history => Some(HISTORY),
        "script" | "asciinema" => Some("it records into another place"),
        "stop-transcript" => Some("it ends the transcript"),
        "stty" if has("-echo") => Some("it hides what is typed"),
        "bash" if has("--norc") || has("--noprofile") => Some(SHELL),
        "zsh" if has("-f") || has("--no-rcs") => Some(SHELL),
        _ => None,
    }
}

/// Whether a variable is set so that a shell keeps no history.
fn is_history_off(word: &str) -> bool {
    let Some((name, value)) = word.split_once('=') else { return false };
    let name = name.trim_start_matches("$env:");
    match name {
        "histfile" => true,
        // What is empty leaves nothing out.
        "histcontrol" | "histignore" => !value.is_empty(),
        "histsize" | "histfilesize" | "savehist" => value.parse::<i64>().is_ok_and(|it| it == 0),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profile_is_judged_by_what_its_commands_do() {
        for (text, wanted) in [
            ("cd ~", None),
            ("# HISTFILE=/dev/null", None),
            ("export HISTFILE=/dev/null", Some(HISTORY)),
            ("HISTFILE='' exec bash", Some(HISTORY)),
            ("unset HISTFILE", Some(HISTORY)),
            ("export HISTSIZE=0", Some(HISTORY)),
            ("HISTSIZE=\"0\"", Some(HISTORY)),
            ("export HISTSIZE=0100", None),
            ("export HISTSIZE=1000", None),
            ("HISTCONTROL=ignoreboth", Some(HISTORY)),
            ("set  +o   history", Some(HISTORY)),
            ("set +o vi", None),
            ("history -c", Some(HISTORY)),
            ("echo 'read the history -c of this host'", None),
            ("ln -sf /dev/null ~/.bash_history", Some(HISTORY)),
            ("Set-PSReadLineOption -HistorySaveStyle SaveNothing", Some(HISTORY)),
            ("echo \"this script is for operators\"", None),
            ("script -q /tmp/x", Some("it records into another place")),
            ("exec /usr/bin/script -f /var/log/x", Some("it records into another place")),
            ("./deploy-script now", None),
            ("exec > /dev/null", Some(ELSEWHERE)),
            ("exec >/dev/null 2>&1", Some(ELSEWHERE)),
            ("echo hi > /tmp/motd", None),
            ("exec 1>/dev/null 2>&1", Some(ELSEWHERE)),
            ("exec &>/dev/null", Some(ELSEWHERE)),
            ("make 2>&1; cd /", None),
            ("PROMPT_COMMAND='history -c'", Some(HISTORY)),
            ("PS1='$ ' ; export EDITOR='vim -n'", None),
            ("sudo systemctl stop amazon-ssm-agent", Some("it stops the agent that records")),
            ("pkill -f ssm-session-logger", Some("it stops the agent that records")),
            (
                "sudo -n /bin/systemctl stop amazon-ssm-agent",
                Some("it stops the agent that records"),
            ),
            ("systemctl status amazon-ssm-agent", None),
            ("systemctl restart amazon-ssm-agent", None),
            ("if [ -n \"$PS1\" ]; then unset HISTFILE; fi", Some(HISTORY)),
            ("trap 'history -c' EXIT", Some(HISTORY)),
            ("eval \"history -c\"", Some(HISTORY)),
            ("echo \"a \\\" b\"; history -c", Some(HISTORY)),
            ("Set-PSReadLineOption -HistorySaveStyle:SaveNothing", Some(HISTORY)),
            ("cp ~/.bash_history /var/backup/", None),
            (": > ~/.bash_history", Some(HISTORY)),
            ("echo HISTFILE=$HISTFILE", None),
            ("rm -f \"$HISTFILE\"", Some(HISTORY)),
            ("cd ~; ln -sf /dev/null .bash_history", Some(HISTORY)),
            ("chattr +a ~/.bash_history; chmod 600 ~/.bash_history", None),
            ("export HISTCONTROL=", None),
            ("shopt -uo history", Some(HISTORY)),
            ("net stop AmazonSSMAgent", Some("it stops the agent that records")),
            ("exec > >(tee -a /var/log/x)", None),
            ("exec 3>/tmp/lock", None),
            ("exec 2>&1", None),
            ("exec bash", None),
            ("exec zsh -f", Some(SHELL)),
            ("bash --norc", Some(SHELL)),
            ("stty -echo", Some("it hides what is typed")),
            ("stty sane; cd /", None),
            ("Stop-Transcript", Some("it ends the transcript")),
        ] {
            assert_eq!(effects(text).next(), wanted, "{text}");
        }
    }
}
