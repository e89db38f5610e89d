//! Whether a shell would ask for more: quotes, here-documents, loops, and lines that go on.

use std::collections::VecDeque;
use std::iter::Peekable;
use std::str::Chars;

/// Whether the shell would ask for more: an open quote, a here-document, a loop, a trailing `\`, `|`, `&&`.
pub fn is_open(text: &str) -> bool {
    if is_plain(text) {
        return false;
    }
    let mut scan = Scan::default();
    let mut trailing = false;
    for line in text.split('\n') {
        trailing = !scan.is_of_here_document(line) && scan.line(line);
    }
    scan.quote.is_some() || !scan.depth.is_empty() || !scan.pending.is_empty() || trailing
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

/// Constructs held that are open at once. No one types as many in each other, and each closing word looks through all.
const DEEPEST: usize = 256;

/// A scan through the lines of a command.
#[derive(Default)]
struct Scan {
    /// The quote that is open.
    quote: Option<char>,
    /// What closes the constructs that are open, the innermost last.
    depth: Vec<&'static str>,
    /// Here-documents that have not come: the line that ends each, and whether TABs may stand before it.
    pending: VecDeque<(String, bool)>,
    /// The word that is read, and whether a command could stand there.
    word: String,
    command_place: bool,
}

impl Scan {
    /// Whether the line is one of a here-document.
    fn is_of_here_document(&mut self, line: &str) -> bool {
        let Some((word, strip)) = self.pending.front().filter(|_| self.quote.is_none()) else {
            return false;
        };
        let body = if *strip { line.trim_start_matches('\t') } else { line };
        if body == word {
            self.pending.pop_front();
        }
        true
    }

    /// One physical line; says whether it ends in something that asks for the next.
    fn line(&mut self, line: &str) -> bool {
        let mut chars = line.chars().peekable();
        self.command_place = true;
        let mut last_sign = ' ';
        let mut escaped_end = false;
        while let Some(ch) = chars.next() {
            escaped_end = false;
            if let Some(open) = self.quote {
                if ch == '\\' && open != '\'' {
                    escaped_end = chars.next().is_none();
                } else if ch == open {
                    self.quote = None;
                }
                self.word.push('q');
                continue;
            }
            match ch {
                '\\' => match chars.next() {
                    None => escaped_end = true,
                    Some(_) => self.word.push('x'),
                },
                '\'' | '"' | '`' => {
                    self.quote = Some(ch);
                    self.word.push('q');
                }
                '#' if self.word.is_empty() => return false,
                '<' if chars.peek() == Some(&'<') => {
                    chars.next();
                    if chars.next_if_eq(&'<').is_some() {
                        continue;
                    }
                    self.here_document(&mut chars);
                    last_sign = 'x';
                }
                '(' if self.word.is_empty() || self.word.ends_with('$') => {
                    self.open(")");
                    self.word.clear();
                    self.command_place = true;
                    last_sign = ' ';
                }
                ')' => {
                    self.close_word();
                    self.depth.pop_if(|it| *it == ")");
                    last_sign = ')';
                    self.command_place = self.depth.last() == Some(&"esac");
                }
                ' ' | '\t' => self.close_word(),
                ';' | '|' | '&' => {
                    self.close_word();
                    self.command_place = true;
                    let doubled = chars.next_if_eq(&ch).is_some();
                    last_sign = if ch == '&' && doubled { 'A' } else { ch };
                }
                _ => {
                    self.word.push(ch);
                    last_sign = 'x';
                }
            }
            if !self.word.is_empty() {
                last_sign = 'x';
            }
        }
        self.close_word();
        escaped_end || (self.quote.is_none() && matches!(last_sign, '|' | 'A'))
    }

    fn here_document(&mut self, chars: &mut Peekable<Chars<'_>>) {
        let strip = chars.next_if_eq(&'-').is_some();
        while chars.next_if_eq(&' ').is_some() {}
        let mut word = String::new();
        let goes_on =
            |it: &char| !it.is_whitespace() && !matches!(it, ';' | '|' | '&' | '>' | '<' | ')');
        while let Some(ch) = chars.next_if(goes_on) {
            if !matches!(ch, '\'' | '"' | '\\') {
                word.push(ch);
            }
        }
        if !word.is_empty() {
            self.pending.push_back((word, strip));
        }
    }

    /// A construct opens that this word closes.
    fn open(&mut self, end: &'static str) {
        if self.depth.len() < DEEPEST {
            self.depth.push(end);
        }
    }

    /// Reserved words open and close where a command could stand.
    fn close_word(&mut self) {
        let mut word = std::mem::take(&mut self.word);
        if word.is_empty() {
            return;
        }
        let mut stays = false;
        if self.command_place {
            stays = !matches!(word.as_str(), "case" | "for" | "select");
            match word.as_str() {
                "if" => self.open("fi"),
                "case" => self.open("esac"),
                "for" | "select" | "while" | "until" => self.open("done"),
                "{" => self.open("}"),
                "fi" | "done" | "esac" | "}" => {
                    if let Some(at) = self.depth.iter().rposition(|it| *it == word) {
                        self.depth.truncate(at);
                    }
                }
                "then" | "do" | "else" | "elif" | "!" => {}
                _ => stays = word.ends_with("()") || (word.contains('=') && !word.starts_with('-')),
            }
        } else if word == "{" && self.depth.is_empty() {
            self.open("}");
            stays = true;
        } else if word == "()" {
            stays = true;
        }
        self.command_place = stays;
        word.clear();
        self.word = word;
    }
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
