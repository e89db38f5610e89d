//! Where the prompt ends in a line of a shell that sets no marks, and how sure that is: this shell's own, and any other only where one
//! may appear.

use crate::transcript::commands::command::EVIDENCE;
use crate::transcript::commands::context::FoundPrompt;
use crate::transcript::commands::context::PromptClues;
use crate::transcript::commands::context::ShownPrompt;
use crate::transcript::commands::known::Known;
use crate::transcript::commands::signs::shares_a_sign;
use crate::transcript::commands::stack::Level;
use crate::transcript::commands::weights;
use crate::transcript::commands::weights::Evidence;
use crate::transcript::prompt;
use crate::transcript::prompt::Candidate;
use crate::transcript::prompt::Identity;
use crate::transcript::prompt::Reads;
use crate::transcript::prompt::Shape;
use crate::transcript::shell::ShellChange;

impl Known {
    /// Where the prompt of a line ends, if this shell may show it here.
    pub(super) fn plain_prompt(&self, clues: &PromptClues<'_>) -> Option<FoundPrompt> {
        if let Some(top) = self.stack.last().filter(|it| !it.prompt.marked) {
            let settled = self.after.may_change.is_none();
            let same = self.same_prompt(top, clues);
            // This shell sets a title before each prompt; here is none.
            let bare = top.habits.titled && !clues.titled && top.reads == Reads::Shell;
            if bare && settled && same.is_none() {
                return None;
            }
            let printed = self.after.prints && clues.outputs > 0;
            let crs = top.habits.crs;
            let margin = clues.text.len() >= 60
                && crs.is_some_and(|it| clues.crs == it + 1)
                && (clues.titled || !printed);
            if settled && !clues.edited && !margin && crs.is_some_and(|it| clues.crs > it) {
                // A stored transcript printed again: its lines end in one CR more than live ones.
                return None;
            }
            if let Some((end, shape)) = same {
                let evidence = self.judge_same(top, clues, shape.as_ref(), bare);
                return Some(FoundPrompt { end, shape, evidence });
            }
            if clues.titled && top.habits.titled && settled && !self.after.unsure {
                // The title says a prompt, and the prompt is not the one we know: it was emptied.
                return None;
            }
        }
        self.other_prompt(clues)
    }

    /// What speaks for this shell's own prompt. `bare`: what it sends before each prompt did not come.
    fn judge_same(
        &self,
        top: &Level,
        clues: &PromptClues<'_>,
        shape: Option<&Shape>,
        bare: bool,
    ) -> Vec<Evidence> {
        let prints = self.after.prints;
        let mut evidence = Vec::with_capacity(EVIDENCE);
        evidence.extend(clues.titled.then_some(weights::ANNOUNCED));
        evidence.extend(bare.then_some(weights::UNANNOUNCED));
        let strong = shape.is_some_and(|it| it.strong);
        evidence.push(if strong { weights::KNOWN_SHAPE } else { weights::SESSIONS_PROMPT });
        let dirs = shape.zip(top.prompt.shape.as_ref()).map(|(it, was)| (&it.dir, &was.dir));
        let moved = matches!(dirs, Some((Some(dir), Some(was))) if dir != was);
        let unexplained = moved && !clues.titled && !self.after.moves();
        evidence.extend(unexplained.then_some(weights::MOVED));
        if prints && !clues.edited && !clues.titled {
            // A README shows default prompts; it does not know this host or this style.
            let words = top.prompt.text.chars().filter(|it| it.is_alphanumeric()).count();
            let own = shape.map_or(top.skeleton.len() >= 5 || words >= 3, |it| it.user.is_some());
            evidence.push(match (clues.decoys > 0, own, clues.outputs > 0) {
                (true, false, _) => weights::PRINTS_AMONG_PROMPTS,
                (true, true, _) => weights::PRINTS_OWN_AMONG_PROMPTS,
                (false, true, true) => weights::PRINTS_OWN,
                (false, true, false) => weights::PRINTS_OWN_FIRST,
                (false, false, true) => weights::PRINTS,
                // Nothing else was printed yet: this may be all there is.
                (false, false, false) => weights::PRINTS_FIRST,
            });
        }
        evidence
    }

    /// [`prompt::known`], remembered where the last prompt stands here again: its shape ends in a sign and a blank,
    /// and no shape looks beyond.
    pub(super) fn shape_of(&self, text: &str) -> Option<Shape> {
        if let Some(top) = self.stack.last()
            && let ShownPrompt { text: shown, shape: Some(shape), .. } = &top.prompt
            && shape.end == shown.len()
            && shown.ends_with(' ')
            && text.starts_with(&**shown)
        {
            return Some(shape.clone());
        }
        prompt::known(text)
    }

    /// Whether the line begins with the innermost shell's prompt as it was: no other one is looked for in it.
    pub(super) fn is_own_again(&self, text: &str) -> bool {
        let own = self.stack.last().map(|it| &*it.prompt.text);
        own.is_some_and(|it| !it.trim().is_empty() && text.starts_with(it))
    }

    /// Where the prompt of this shell ends, if the line begins with it: as it was, or as it may be elsewhere.
    fn same_prompt(&self, top: &Level, clues: &PromptClues<'_>) -> Option<(usize, Option<Shape>)> {
        let (text, own, shape) = (clues.text, &*top.prompt.text, clues.shape.as_ref());
        if let Some(shape) = shape
            && (Identity::of(&text[..shape.end], Some(shape)) == top.identity
                || shape.strong && text[..shape.end].trim_end() == own)
        {
            return Some((shape.end, Some(shape.clone())));
        }
        if own.is_empty()
            && top.habits.titled
            && clues.titled
            && !shape.is_some_and(|it| it.strong)
            && self.after.may_change != Some(ShellChange::Prompt)
        {
            return Some((0, None));
        }
        if !own.is_empty() && text.starts_with(own) {
            let shape = shape.filter(|it| it.end == own.len());
            let end = if shape.is_none() && !self.lessons.learnt.is_empty() {
                self.lessons.farthest(text, own.len(), clues.low)
            } else {
                own.len()
            };
            return Some((end, shape.cloned()));
        }
        if !own.trim_end().is_empty() && text == own.trim_end() {
            return Some((text.len(), None));
        }
        if (shape.is_none() || top.user.is_none())
            && !prompt::is_wordy(own)
            && shares_a_sign(own, text)
        {
            return self.like_prompt(top, clues).map(|end| (end, None));
        }
        None
    }

    /// Where a prompt of the same kind ends, with other words in it.
    fn like_prompt(&self, top: &Level, clues: &PromptClues<'_>) -> Option<usize> {
        let (text, low) = (clues.text, clues.low);
        let mut found = prompt::bounded(text, low, None);
        if let Some(low) = low {
            // An edit that went back exactly to the prompt's end says where that is.
            found.sort_by_key(|it| it.end != low);
        }
        let alike = top.prompt.text.len();
        if clues.titled && text.is_char_boundary(alike) && alike <= low.unwrap_or(usize::MAX) {
            // A clock behind the prompt is as long as it was.
            found.insert(0, Candidate { end: alike, weight: 0.8 });
        }
        found
            .into_iter()
            .filter(|it| {
                // Output may look like it by chance: of several words at least one stays as it was.
                clues.titled
                    || low.is_some()
                    || self.after.moves()
                    || prompt::shares_a_word(&top.prompt.text, &text[..it.end])
            })
            .find(|it| {
                let shown = &text[..it.end];
                prompt::skeleton(shown.trim_end()) == top.skeleton
                    && (self.lessons.learnt.line_score(shown, it.weight) > 0.0
                        || prompt::has_words(shown) && self.repeats.believes(shown))
            })
            .map(|it| self.lessons.farthest(text, it.end, low))
    }

    /// A prompt other than this shell's: only where one may appear.
    fn other_prompt(&self, clues: &PromptClues<'_>) -> Option<FoundPrompt> {
        let change = self.after.may_change;
        let found = self
            .prompt_around(clues)
            .or_else(|| self.prompt_of_an_environment(clues))
            .or_else(|| self.repeated_prompt(clues));
        if found.is_some() {
            return found;
        }
        if !self.stack.is_empty() && change.is_none() {
            return self.unopened_prompt(clues);
        }
        let found = self.prompt_of_a_shape(clues);
        if found.is_some() || change == Some(ShellChange::Repl) {
            return found;
        }
        self.learnt_prompt(clues)
    }

    /// The prompt of a shell around this one.
    fn prompt_around(&self, clues: &PromptClues<'_>) -> Option<FoundPrompt> {
        if self.after.may_change.is_none() && !self.stack.in_a_repl() {
            return None;
        }
        let Some(shape) = &clues.shape else {
            let (end, _) = self.stack.around().find_map(|it| {
                let fits = !it.prompt.marked
                    && !it.prompt.text.trim().is_empty()
                    && (clues.titled || !it.habits.titled);
                fits.then(|| self.same_prompt(it, clues)).flatten()
            })?;
            return Some(FoundPrompt { end, shape: None, evidence: vec![weights::AROUND] });
        };
        let identity = Identity::of(&clues.text[..shape.end], Some(shape));
        let is_known = self.stack.around().any(|it| !it.prompt.marked && it.identity == identity);
        is_known.then(|| FoundPrompt {
            end: shape.end,
            shape: Some(shape.clone()),
            evidence: vec![weights::AROUND_KNOWN],
        })
    }

    /// This shell's prompt if the name of an environment was put before it or taken away, as `activate` and `deactivate` do
    /// (Python: venv, conda).
    fn prompt_of_an_environment(&self, clues: &PromptClues<'_>) -> Option<FoundPrompt> {
        let text = clues.text;
        let named = |it: &str| it.starts_with('(');
        let own = self.stack.last().map(|it| &*it.prompt.text);
        let own = own.filter(|it| named(text) || named(it))?;
        let changes = self.after.may_change == Some(ShellChange::Prompt)
            || self.after.last.as_deref().is_some_and(|it| it.contains("activate"));
        if !changes || own.trim().is_empty() {
            return None;
        }
        let behind = |it: &str| {
            let name = it.strip_prefix('(')?.split_once(") ")?.0;
            let is_name = |it: char| it.is_alphanumeric() || matches!(it, '-' | '_' | '.');
            (!name.is_empty() && name.chars().all(is_name)).then_some(name.len() + 3)
        };
        let end = match behind(text) {
            Some(at) if text[at..].starts_with(own) => at + own.len(),
            _ => {
                let own = &own[behind(own)?..];
                (!own.trim().is_empty() && text.starts_with(own)).then_some(own.len())?
            }
        };
        let shape = clues.shape.clone().filter(|it| it.end == end);
        Some(FoundPrompt { end, shape, evidence: vec![weights::ANOTHER_ENVIRONMENT] })
    }

    /// A prompt that the session repeats before commands.
    fn repeated_prompt(&self, clues: &PromptClues<'_>) -> Option<FoundPrompt> {
        let change = self.after.may_change;
        let nested = !self.stack.is_empty();
        let may_be_new = matches!(change, Some(ShellChange::Shell | ShellChange::Prompt));
        let is_strong = clues.shape.as_ref().is_some_and(|it| it.strong);
        if is_strong || !(may_be_new || !nested || change.is_none()) {
            return None;
        }
        let (end, named) = self.repeats.prompt_end(clues, nested)?;
        if let Some(top) = self.stack.last().filter(|_| change.is_none()) {
            // The same shell elsewhere, with more or fewer parts in its prompt.
            let (own, shown) = (&*top.prompt.text, &clues.text[..end]);
            let sign = |it: &str| it.trim_end().chars().next_back();
            let alike = prompt::shared_words(own, shown);
            // What others wrote does not know user, directory and branch.
            let is_own = self.repeats.believes_any()
                && (alike >= 3 || !self.after.prints && (self.after.moves() || alike >= 2))
                && sign(own) == sign(shown)
                && prompt::shares_a_word(own, shown);
            if !is_own {
                return None;
            }
        }
        Some(clues.found(end, clues.shape.clone().filter(|it| it.end == end), named))
    }

    /// A prompt of a known shape where no command has opened another shell.
    fn unopened_prompt(&self, clues: &PromptClues<'_>) -> Option<FoundPrompt> {
        let text = clues.text;
        let shape = clues.shape.clone().filter(|it| it.strong)?;
        let end = shape.end;
        let identity = Identity::of(&text[..end], Some(&shape));
        if clues.titled && (self.after.unsure || self.stack.has_left(&identity)) {
            let evidence = vec![weights::LEFT_BEFORE, weights::ANNOUNCED_LEFT];
            return Some(FoundPrompt { end, shape: Some(shape), evidence });
        }
        // A script of somebody's own may have opened a shell: what is edited there is typed, the rest may be.
        let own = self.stack.last().is_some_and(|it| text.contains(it.prompt.text.trim_end()));
        let typed =
            shape.reads == Reads::Shell && shape.user.is_some() && !self.after.prints && !own;
        let mut evidence = vec![weights::KNOWN_SHAPE, weights::UNOPENED];
        evidence.extend(clues.titled.then_some(weights::ANNOUNCED_UNEXPLAINED));
        typed.then_some(FoundPrompt { end, shape: Some(shape), evidence })
    }

    /// A prompt of a known shape where the session begins, or behind a command that may have opened what shows it.
    fn prompt_of_a_shape(&self, clues: &PromptClues<'_>) -> Option<FoundPrompt> {
        let first = self.stack.is_empty();
        let shape = clues.shape.as_ref()?;
        let wanted = match self.after.may_change {
            Some(ShellChange::Repl) => {
                shape.reads == Reads::Repl || shape.strong && shape.user.is_some()
            }
            Some(ShellChange::Leave) => shape.reads != Reads::Repl,
            _ => shape.reads != Reads::Repl || first,
        };
        let within = clues.low.is_none_or(|it| shape.end <= it);
        let learnt = self.lessons.learnt.line_score(&clues.text[..shape.end], 1.0) > 0.0;
        let enough = shape.strong || !first || learnt || (clues.edited && shape.root != Some(true));
        if !(wanted && within && enough) {
            return None;
        }
        let known = if shape.strong { weights::KNOWN_SHAPE } else { weights::KNOWN_WEAK_SHAPE };
        Some(clues.found(shape.end, Some(shape.clone()), known))
    }

    /// A learnt prompt: the line editor has shown its hand more than once.
    fn learnt_prompt(&self, clues: &PromptClues<'_>) -> Option<FoundPrompt> {
        let first = self.stack.is_empty();
        let floor = if first && !clues.edited && !clues.titled { 1.7 } else { 1.0 };
        let found = self.lessons.line_end(clues.text, clues.low).filter(|it| it.1 >= floor);
        let Some((end, _)) = found else {
            let emptied = self.after.may_change == Some(ShellChange::Prompt)
                && clues.titled
                && !clues.text.is_empty();
            let evidence = vec![weights::EMPTIED];
            return emptied.then_some(FoundPrompt { end: 0, shape: None, evidence });
        };
        Some(clues.found(end, None, weights::REPEATS_AND_EDITS))
    }
}

#[cfg(test)]
mod tests {
    use crate::transcript::testing::check;

    #[test]
    fn the_name_of_an_environment_makes_no_other_shell() {
        check(
            "
sh-4.2$ . env/bin/activate
//      ^^^^^^^^^^^^^^^^^^ shell
(env) sh-4.2$ pip list
//            ^^^^^^^^ shell
x
(env) sh-4.2$ deactivate
//            ^^^^^^^^^^ shell
sh-4.2$ id
//      ^^ shell
",
        );
    }

    /// What somebody's own script does is not known: a prompt that comes then may be another machine's. What is edited there
    /// was typed, and settles it; before that it is possible, and nothing is lost.
    #[test]
    fn a_shell_that_an_unknown_command_opened_is_read_with_doubt() {
        check(
            "
sh-4.2$ ./jump.sh
//      ^^^^^^^^^ shell
Welcome
[dana@db ~]$ ls
//           ^^ possible
app
[dana@db ~]$ rm -rq␈ ␈f /srv
// shell: rm -rf /srv
[dana@db ~]$ id
//           ^^ shell
uid=0
[dana@db ~]$ exit
//           ^^^^ shell
logout
sh-4.2$ w
//      ^ shell
",
        );
        // The same from a shell without marks into one that sets them: printed, or opened by something unknown.
        check(
            "
sh-4.2$ ./jump.sh
//      ^^^^^^^^^ shell
␛[?2004h[dana@db ~]$ reboot
// possible: reboot
␛[?2004l␍sh-4.2$ w
// shell: w
",
        );
    }
}
