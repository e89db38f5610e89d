//! Whether a shell would ask for more: quotes, here-documents, loops, and lines that go on.

use std::collections::VecDeque;

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
pub(super) fn is_plain(text: &str) -> bool {
    let first = text.split(' ').next().unwrap_or_default();
    !matches!(
        first,
        "if" | "case" | "for" | "select" | "while" | "until" | "{" | "!" | "then" | "do" | "else"
    ) && !first.contains('=')
        && text
            .bytes()
            .all(|it| it >= 0x80 || it.is_ascii_alphanumeric() || b" -_./,:=@%+~*$".contains(&it))
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

#[cfg(test)]
mod tests {
    use super::is_open;

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
}
