//! What a command does to the output that follows it.

use crate::transcript::shell::change::change;
use crate::transcript::shell::names::PRINTERS;
use crate::transcript::shell::syntax::is_plain;

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

/// What a command's programs do to what can be told of the output that follows.
#[derive(Clone, Copy, Default)]
pub struct Does {
    /// One prints what other people wrote: then prompts in its output mean little.
    pub prints_files: bool,
    /// One draws shells in panes.
    pub draws_panes: bool,
}

impl Does {
    /// What the programs do that this command text names.
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
            does.prints_files |= !given && PRINTERS.contains(&name) && !writes_to_a_file(part);
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
