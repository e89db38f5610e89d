//! What a shell profile does to the record: it runs in every session, so what it switches off is off for everybody.
//!
//! A profile is read as simple commands, word by word, as far as that goes without running it: what a shell would build from variables is
//! not seen, and the check says that it is not sure.
//! Source: "Bash Variables", "Shell Builtin Commands" (Bash Reference Manual); "Parameters Used By The Shell" (Zsh);
//! "Set-PSReadLineOption", "Stop-Transcript" (PowerShell).

const HISTORY: &str = "it changes or drops the shell's own history";
const ELSEWHERE: &str = "it sends what is shown elsewhere";
const SHELL: &str = "it starts a shell without its settings";

/// Words that end processes or services.
const ENDING: [&str; 8] =
    ["kill", "pkill", "killall", "systemctl", "service", "snap", "stop-service", "stop-process"];

/// Whether a word names the agent or a process of it that keeps the record.
/// Source: amazon-ssm-agent: agent/appconfig/constants_unix.go.
fn is_agent(word: &str) -> bool {
    ["amazon-ssm-agent", "amazonssmagent", "ssm-agent-worker", "ssm-session-"]
        .iter()
        .any(|it| word.contains(it))
}

/// Words that run the command behind them.
const RUNNERS: [&str; 8] = ["exec", "command", "builtin", "sudo", "env", "nohup", "eval", "export"];

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
    if lower.iter().any(|it| is_history_off(it)) {
        return Some(HISTORY);
    }
    // What a variable holds is run where a shell runs it: PROMPT_COMMAND at each prompt.
    let held = lower.iter().filter_map(|it| it.split_once('='));
    let mut held = held.filter(|it| it.1.contains(char::is_whitespace));
    if let Some(it) = held.find_map(|it| effects(it.1).next()) {
        return Some(it);
    }
    let is_prefix = |it: &&String| {
        RUNNERS.contains(&it.as_str()) || it.contains('=') || it.starts_with("$env:")
    };
    let words: Vec<&str> = lower.iter().skip_while(is_prefix).map(String::as_str).collect();
    let (name, rest) = words.split_first()?;
    // `exec >file` has no command behind it.
    let target = name.trim_start_matches(|it: char| it.is_ascii_digit() || it == '&');
    if lower[0] == "exec" && target.starts_with('>') {
        return Some(ELSEWHERE);
    }
    if ENDING.contains(name) && rest.iter().any(|it| is_agent(it)) && !rest.contains(&"status") {
        return Some("it stops the agent that records");
    }
    let name = name.rsplit('/').next().unwrap_or(name);
    let has = |it: &str| rest.contains(&it);
    match name {
        "unset" if rest.iter().any(|it| is_history_name(it)) => Some(HISTORY),
        "history" if rest.iter().any(|it| it.starts_with('-') && it.contains(['c', 'd'])) => {
            Some(HISTORY)
        }
        "set" if rest.windows(2).any(|it| it == ["+o", "history"]) => Some(HISTORY),
        "set-psreadlineoption" if has("savenothing") => Some(HISTORY),
        "clear-history" => Some(HISTORY),
        "script" | "asciinema" => Some("it records into another place"),
        "stop-transcript" => Some("it ends the transcript"),
        "stty" if has("-echo") => Some("it hides what is typed"),
        "bash" if has("--norc") || has("--noprofile") => Some(SHELL),
        "zsh" if has("-f") || has("--no-rcs") => Some(SHELL),
        _ => None,
    }
}

/// Variables that say what of the history is kept, and where.
fn is_history_name(name: &str) -> bool {
    ["histfile", "histsize", "histfilesize", "savehist", "histcontrol", "histignore"]
        .contains(&name)
}

/// Whether a word keeps a shell from keeping its history: a variable set so, or the file itself.
fn is_history_off(word: &str) -> bool {
    let Some((name, value)) = word.split_once('=') else {
        return word.ends_with("_history") && word.contains('/');
    };
    let name = name.trim_start_matches("$env:");
    match name {
        "histfile" | "histcontrol" | "histignore" => true,
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
            ("systemctl status amazon-ssm-agent", None),
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
