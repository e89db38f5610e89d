//! Titles and notices in which a shell names the command that it runs or has run: they speak for what was drawn, or replace it.

use crate::transcript::commands::command::CommandKind;
use crate::transcript::commands::command::JUDGED_BYTES;
use crate::transcript::commands::text;
use crate::transcript::commands::walk::Walk;
use crate::transcript::commands::weights;
use crate::transcript::screen::ToldWhen;
use crate::transcript::shell;

/// Commands that a shell must have named as they were drawn before it is believed of one that was drawn otherwise.
const SAYS: u32 = 3;

impl Walk {
    /// A window title. Many shells put the command there that they are about to run, whole or its beginning; some
    /// with what no line editor draws.
    pub(super) fn title(&mut self, title: &str) {
        let Some(current) = self.pending.current.as_mut().filter(|it| it.outputs == 0 && !it.named)
        else {
            return;
        };
        let text = &current.command.text;
        if text.len() < 2 || text.len() > JUDGED_BYTES || text.contains('\n') {
            return;
        }
        if let Some(whole) = named(title, text) {
            current.named = true;
            current.command.evidence.push(weights::NAMED_BY_TITLE);
            if whole != *text {
                current.command.text = whole;
            }
        }
    }

    /// The shell says what it runs or has run. Any program can say so too, of itself. So it speaks for the text that was drawn where
    /// the two agree; and it replaces that text only where the text itself is doubtful, and where this shell has named each of its
    /// last commands.
    pub(super) fn told(&mut self, told: &str, when: ToldWhen) {
        let Some(current) = self.pending.current.as_mut() else { return };
        let Some(level) = self.known.stack.last_mut() else { return };
        let told = told.trim_end();
        let late = when == ToldWhen::Starts && current.outputs > 0;
        let is_text = !told.is_empty()
            && told.len() <= JUDGED_BYTES
            && !told.chars().any(|it| it.is_control() && it != '\n');
        if current.said || late || !is_text || current.command.kind != CommandKind::Shell {
            return;
        }
        current.said = true;
        let command = &mut current.command;
        // What has ended is told with blanks for semicolons.
        let is_told = |it: &char| when == ToldWhen::Starts || *it != ';';
        let drawn = without_blanks(&command.text).filter(is_told);
        let same = drawn.eq(without_blanks(told).filter(is_told));
        let doubtful =
            command.damaged || text::doubts(&command.text, &command.prompt).next().is_some();
        let trusted = when == ToldWhen::Starts && level.habits.says >= SAYS;
        if same {
            level.habits.says = level.habits.says.saturating_add(1);
            command.evidence.push(weights::SAID);
        }
        let prompt = command.prompt.to_string();
        if doubtful && trusted && (same || alike(&command.text, told)) {
            let drawn = std::mem::replace(&mut command.text, told.to_owned());
            command.evidence.push(weights::SAID_OF_DOUBTFUL);
            command.runner_up = self.known.lessons.explains.then_some((prompt, drawn));
            self.known.after.may_change = shell::change(told);
            self.known.after.last = Some(told.to_owned());
        } else if !same && trusted && alike(&command.text, told) {
            command.evidence.push(weights::SAID_OTHERWISE);
            command.runner_up = self.known.lessons.explains.then(|| (prompt, told.to_owned()));
        } else if !same {
            level.habits.says = 0;
        }
    }
}

fn without_blanks(text: &str) -> impl Iterator<Item = char> + '_ {
    text.chars().filter(|it| !it.is_whitespace())
}

/// Whether most of one stands at both ends of the other.
fn alike(one: &str, other: &str) -> bool {
    let (one, other): (Vec<char>, Vec<char>) =
        (without_blanks(one).collect(), without_blanks(other).collect());
    let ahead = one.iter().zip(&other).take_while(|it| it.0 == it.1).count();
    let behind = one.iter().rev().zip(other.iter().rev()).take_while(|it| it.0 == it.1).count();
    ahead > 0 && (ahead + behind) * 5 >= one.len().max(other.len()) * 3
}

/// The beginning of the title that is this command, if it is: with the joiners and selectors that no line editor
/// draws, and with nothing else, since whatever the command prints may set a title.
fn named(title: &str, command: &str) -> Option<String> {
    let mut drawn = command.chars().peekable();
    let mut end = 0;
    for (at, ch) in title.char_indices() {
        let joins = matches!(ch, '\u{200c}' | '\u{200d}' | '\u{fe00}'..='\u{fe0f}');
        let undrawn = joins && drawn.peek().is_some();
        if drawn.next_if_eq(&ch).is_none() && !undrawn {
            break;
        }
        end = at + ch.len_utf8();
    }
    let whole = drawn.peek().is_none();
    (whole && title[end..].chars().next().is_none_or(char::is_whitespace))
        .then(|| title[..end].to_owned())
}

#[cfg(test)]
mod tests {
    use crate::transcript::testing::check;

    /// A line of a shell that names its command behind Enter. Sources: vscode: shellIntegration-bash.sh; fish-shell: src/reader.rs.
    fn said(drawn: &str, said: &str, read: &str) -> String {
        format!("␛[?2004h[dana@h ~]$ {drawn}\n// shell: {read}\n␛[?2004l␍␛]633;E;{said};0b1c␇␄\n")
    }

    #[test]
    fn what_a_shell_says_of_its_command_decides_between_what_is_alike() {
        let before: String = ["id", "ls", "w"].iter().map(|it| said(it, it, it)).collect();
        let is_read = |drawn: &str, told: &str, read: &str| {
            check(&(before.clone() + &said(drawn, told, read)));
        };
        let tail = "tail -n 5 /var/log/x";
        is_read("tail -n 5      /var/log/x", tail, tail);
        is_read(tail, "cat /etc/passwd", tail);
        // A program may say so.
        is_read("cat evil.txt", "cat good.txt", "cat evil.txt");
        is_read("cat evil.txt", "cate vil.txt", "cat evil.txt");
    }
}
