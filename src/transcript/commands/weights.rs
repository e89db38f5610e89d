//! What speaks for or against a command, and how much: the one table that its confidence comes from.
//!
//! A weight is a share of the log-odds of the text being exactly what was typed. The weights of a command are added up; below `FLOOR`
//! it is merely *possible*, and `confidence` maps the sum to a probability.
//!
//! The weights were set by hand, in tenths, and then held against a logistic regression (ridge toward the hand-set values, standard deviation
//! 0.7) over the 6,300 commands that are read in the recorded sessions and in a corpus in two forms. Where the fit says more clearly than we
//! did that a row speaks against a command, its weight was moved; what the fit would raise was left, because the sessions it knows
//! are cleaner than those it does not. The figures are in `benches/README.md`. `tests/it/weights.rs` lists for each row how many recorded commands
//! carry it and how many of those are wrong; a third of the rows are about attacks and faults that no recording has.

/// One thing that spoke for or against a command. The sum of weights is the log-odds of being right.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Evidence {
    /// What was seen, in words that the `evidence` column holds.
    pub what: &'static str,
    /// Its share of the log-odds; below zero it speaks against the command.
    pub weight: f32,
}

impl Evidence {
    /// Whether this row of the table says the same, whatever it is worth here.
    pub(super) fn is(&self, row: Self) -> bool {
        self.what == row.what
    }
}

/// What all of it says together.
pub(super) fn sum(evidence: &[Evidence]) -> f32 {
    evidence.iter().map(|it| it.weight).sum()
}

/// Evidence below this sum leaves a command merely possible.
pub(super) const FLOOR: f32 = 0.0;

/// However sure it is that something was typed: of the commands with a guess in them, five in six are exact.
pub(super) const MOST_IF_GUESSED: f32 = 1.6;

/// However much speaks for a command, it is wrong in 4 of 1,000: those are exact that have a sum of 4 and more, in the weakest of the sets
/// (0.996; 0.998 over all).
const CEILING: f64 = 0.996;

/// Probability that a command with this sum of weights is exactly what was typed: 0 to `CEILING`.
///
/// The logistic of the sum. A fit of slope and offset gives 0.74 to 1.43 and −0.3 to 3.1 on the five sets: the line of slope 1 through 0
/// lies at or below what was measured wherever a half unit of the sum has twenty commands or more in a set. The weakest are 0.93 (said: 0.78) for a
/// sum of 1 to 1.5, 0.85 (0.85) for 1.5 to 2, 0.97 (0.96) for 3 to 3.5, 0.97 (0.98) for 4 to 4.5.
pub(super) fn confidence(sum: f32) -> f64 {
    CEILING / (1.0 + (-f64::from(sum)).exp())
}

macro_rules! weights {
    ($($name:ident: $weight:literal, $what:literal;)*) => {
        $(pub(super) const $name: Evidence = Evidence { what: $what, weight: $weight };)*

        /// All rows, in the order above.
        pub const TABLE: &[Evidence] = &[$($name),*];
    };
}

weights! {
    // What a line editor or the shell itself says.
    MARKED: 3.0, "between the line editor's own marks";
    INPUT_MARKED: 1.5, "the shell marks where input begins";
    GOES_BACK: 1.5, "the line editor returns to where the prompt ends";
    EDITED: 1.5, "edited in place";
    EDITED_IN_MARKS: 1.0, "edited in place";
    SEARCHED: 0.5, "found by a search in the history";
    SAID: 2.0, "the shell itself says so";
    SAID_OF_DOUBTFUL: 1.0, "what was drawn is doubtful, and the shell itself says this";
    SAID_OTHERWISE: -1.5, "the shell itself says something like it";
    NAMED_BY_TITLE: 1.5, "the window's title names it";
    ANNOUNCED: 2.0, "what this shell sends before each prompt came just before";
    ANNOUNCED_UNEXPLAINED: 1.5, "what this shell sends before each prompt came just before";
    ANNOUNCED_LEFT: 1.0, "what this shell sends before each prompt came just before";
    UNANNOUNCED: -4.0, "what this shell sends before each prompt did not come";

    // The prompt it stands behind.
    KNOWN_SHAPE: 1.5, "a prompt of a known shape";
    KNOWN_SHAPE_IN_MARKS: 1.0, "a prompt of a known shape";
    KNOWN_WEAK_SHAPE: 0.6, "a prompt of a known shape";
    BARE_SIGN: 0.2, "a bare prompt sign";
    SESSIONS_PROMPT: 0.8, "the prompt of this session";
    REPEATS_IN_MARKS: 0.8, "a prompt that repeats in this session";
    REPEATS_AND_EDITS: 0.8, "a prompt that this session repeats and edits";
    SELDOM: -2.0, "a prompt seen too seldom to be sure of";
    FOUR_NAMED: 1.5, "one command after another stands behind this prompt";
    TWO_NAMED: 1.0, "one command after another stands behind this prompt";
    ALONE: 0.3, "one command after another stands behind this prompt";
    EMPTIED: 1.0, "a window title was set, and the prompt was emptied";
    BEHIND_OUTPUT: 0.5, "the prompt stands behind output without a newline";
    ANOTHER_ENVIRONMENT: 1.0, "the prompt of this shell, in another environment";
    IN_A_PANE: -0.5, "read from a pane that a multiplexer drew";
    PANES_PROMPT: 1.5, "a prompt of this session";

    // The shells that the session is in.
    FIRST: 0.5, "the session's first prompt";
    THIS_SHELL: 1.0, "the prompt of this shell";
    AROUND_KNOWN: 1.5, "the prompt of a shell around it";
    AROUND: 1.0, "the prompt of a shell around it";
    AROUND_UNEXPLAINED: 0.5, "the prompt of a shell around it";
    LEFT_BEFORE: 0.5, "the prompt of a shell that was left before";
    OPENED: 1.0, "a new prompt, after a command that opens one";
    NEXT_OPENED: 3.0, "a new shell's prompt follows at once";
    SET: 0.8, "a new prompt, after a command that sets it";
    NEW_AFTER_END: 0.0, "a prompt not seen before, after a shell ended";
    NEW: 0.0, "a prompt not seen before";
    NEW_ELSEWHERE: -0.5, "a prompt not seen before";
    UNMARKED: -4.0, "without the marks that this shell sets";
    UNOPENED: -2.5, "no command that opens this shell, as far as we know";
    MOVED: -1.5, "the directory changed without a reason";
    AGENTS_EXIT: 5.0, "the agent's own `exit` follows and ends the transcript";

    // What may be output that somebody else wrote.
    PRINTS_OWN_FIRST: 0.0, "the command before prints what others wrote";
    PRINTS_OWN: -0.3, "the command before prints what others wrote";
    PRINTS: -0.6, "the command before prints what others wrote";
    PRINTS_OWN_AMONG_PROMPTS: -0.7, "the command before prints what others wrote";
    PRINTS_FIRST: -1.2, "the command before prints what others wrote";
    PRINTS_AMONG_PROMPTS: -3.0, "the command before prints what others wrote";
    ONE_BURST: -9.0, "it came in one burst with a command that prints what others wrote";
    JOB_WROTE: -3.5, "a job in the background may have written it behind the prompt";
    JOB_WROTE_ABOVE: -4.0, "a job in the background may have written into it";
    ECHOES: -3.0, "it repeats what was just typed";
    ECHO_OFF_COMMON: -1.0, "echo was off";
    ECHO_OFF: -5.0, "echo was off";
    FOREIGN_MARKS: -5.0, "marks of a shell that no command opened";
    MARK_WITHOUT_END: -5.0, "the line editor's mark has no end";
    IN_A_STRING: -4.0, "it stands in a control string, which no terminal shows";
    ON_A_SCREEN: -4.0, "it stands on the screen of a program";
    TAKEN_BACK: -2.0, "the line was left, and what stood below it cleared";

    // The text itself.
    DAMAGED_CHARACTER: -1.5, "a character was damaged";
    LOST: -0.7, "part of the line was lost in streaming, and is the likeliest reading";
    WRITTEN_INTO: -0.5, "a job in the background may have written into it";
    OPEN_SYNTAX: -1.5, "its syntax is open at the end";
    HAS_BLANKS: -1.5, "it has a run of blanks, as where something was cleared";
    HAS_PROMPT_WITHIN: -3.5, "a prompt stands within one of its words";
    HAS_PROMPT: -2.0, "a prompt stands in it";
    HAS_ORNAMENTS: -3.0, "signs stand in it that prompts are built of";
    DRAWN_TWICE: -4.0, "it repeats its own beginning, as a line drawn twice";
}
