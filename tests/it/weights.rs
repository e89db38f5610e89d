//! What each piece of evidence was measured by: how many of the recorded commands carry it, and how many of those are wrong.

use std::collections::BTreeMap;
use std::fmt::Write;

use expect_test::expect;
use ssmtrail::transcript::commands::Command;
use ssmtrail::transcript::commands::CommandKind;
use ssmtrail::transcript::commands::weights;

use crate::worn::judged;

/// The recorded sessions of both folders.
fn all_judged() -> Vec<(Command, bool)> {
    [judged("strangers"), judged("worn")].concat()
}

#[test]
fn each_weight_stands_beside_what_it_was_measured_by() {
    let judged = all_judged();
    let mut out =
        format!("{:>6} {:>5} {:>5}  {:>8} {:>5}\n", "weight", "told", "wrong", "possible", "typed");
    for row in weights::TABLE {
        let (mut told, mut wrong, mut possible, mut was_typed) = (0, 0, 0, 0);
        // Rows of one text are told apart by their weight. A guess is held down where the rest is sure, so its weight varies.
        let is_alone = weights::TABLE.iter().filter(|it| it.what == row.what).count() == 1;
        for (command, is_right) in &judged {
            let carries = command
                .evidence
                .iter()
                .any(|it| it.what == row.what && (is_alone || it.weight == row.weight));
            if !carries {
                continue;
            }
            if command.kind == CommandKind::Possible {
                (possible, was_typed) = (possible + 1, was_typed + u32::from(*is_right));
            } else {
                (told, wrong) = (told + 1, wrong + u32::from(!is_right));
            }
        }
        let counts = format!("{told:>5} {wrong:>5}  {possible:>8} {was_typed:>5}");
        let _ = writeln!(out, "{:>+6.1} {counts}  {}", row.weight, row.what);
    }
    expect![[r#"
        weight  told wrong  possible typed
          +3.0  2838    14         4     0  between the line editor's own marks
          +1.5   824     4         0     0  the shell marks where input begins
          +1.5   443     3         0     0  the line editor returns to where the prompt ends
          +1.5   236     1         0     0  edited in place
          +1.0  1677    10         0     0  edited in place
          +0.5     0     0         0     0  found by a search in the history
          +2.0    62     0         0     0  the shell itself says so
          +1.0     0     0         0     0  what was drawn is doubtful, and the shell itself says this
          -1.5     0     0         0     0  the shell itself says something like it
          +1.5   414     1         0     0  the window's title names it
          +2.0   280     4         0     0  what this shell sends before each prompt came just before
          +1.5     0     0         0     0  what this shell sends before each prompt came just before
          +1.0     0     0         0     0  what this shell sends before each prompt came just before
          -4.0     0     0         0     0  what this shell sends before each prompt did not come
          +1.5   252     1         2     1  a prompt of a known shape
          +1.0   415     2         0     0  a prompt of a known shape
          +0.6     1     0         0     0  a prompt of a known shape
          +0.2     0     0         0     0  a bare prompt sign
          +0.8   602     8        15    12  the prompt of this session
          +0.8  1152     5         0     0  a prompt that repeats in this session
          +0.8     4     0         0     0  a prompt that this session repeats and edits
          -2.0     4     0         1     0  a prompt seen too seldom to be sure of
          +1.5    48     0         0     0  one command after another stands behind this prompt
          +1.0     2     0         0     0  one command after another stands behind this prompt
          +0.3     2     0         0     0  one command after another stands behind this prompt
          +1.0     0     0         0     0  a window title was set, and the prompt was emptied
          +0.5    22     0         0     0  the prompt stands behind output without a newline
          +1.0     2     0         0     0  the prompt of this shell, in another environment
          -0.5    34     1         0     0  read from a pane that a multiplexer drew
          +1.5    34     1         0     0  a prompt of this session
          +0.5   218     0         0     0  the session's first prompt
          +1.0  3302    20         2     0  the prompt of this shell
          +1.5    21     0         0     0  the prompt of a shell around it
          +1.0    68     1         0     0  the prompt of a shell around it
          +0.5    55     1         0     0  the prompt of a shell around it
          +0.5     0     0         0     0  the prompt of a shell that was left before
          +1.0    56     0         0     0  a new prompt, after a command that opens one
          +3.0     5     0         0     0  a new shell's prompt follows at once
          +0.8     2     0         0     0  a new prompt, after a command that sets it
          +0.0     2     0         0     0  a prompt not seen before, after a shell ended
          +0.0   113     1         1     0  a prompt not seen before
          -0.5     2     0         0     0  a prompt not seen before
          -4.0     0     0         2     1  without the marks that this shell sets
          -2.5     0     0         0     0  no command that opens this shell, as far as we know
          -1.5     0     0         0     0  the directory changed without a reason
          +5.0     0     0         0     0  the agent's own `exit` follows and ends the transcript
          +0.0     9     1         0     0  the command before prints what others wrote
          -0.3   106     0         0     0  the command before prints what others wrote
          -0.6    41     1         2     0  the command before prints what others wrote
          -0.7     8     0         0     0  the command before prints what others wrote
          -1.2     0     0         0     0  the command before prints what others wrote
          -3.0     0     0        13    12  the command before prints what others wrote
          -9.0     0     0         0     0  it came in one burst with a command that prints what others wrote
          -3.5     0     0         2     0  a job in the background may have written it behind the prompt
          -4.0     0     0         0     0  a job in the background may have written into it
          -3.0     0     0         0     0  it repeats what was just typed
          -1.0     0     0         0     0  echo was off
          -5.0     0     0         0     0  echo was off
          -5.0     0     0         3     0  marks of a shell that no command opened
          -5.0     0     0         0     0  the line editor's mark has no end
          -4.0     0     0         0     0  it stands in a control string, which no terminal shows
          -4.0     0     0         2     0  it stands on the screen of a program
          -2.0     0     0         2     0  the line was left, and what stood below it cleared
          -1.5     0     0         0     0  a character was damaged
          -0.7     0     0         0     0  part of the line was lost in streaming, and is the likeliest reading
          -0.5     0     0         0     0  a job in the background may have written into it
          -1.5    12     2         0     0  its syntax is open at the end
          -1.5     3     0         0     0  it has a run of blanks, as where something was cleared
          -3.5     0     0         0     0  a prompt stands within one of its words
          -2.0     4     0         0     0  a prompt stands in it
          -3.0     0     0         0     0  signs stand in it that prompts are built of
          -4.0     1     1         1     0  it repeats its own beginning, as a line drawn twice
    "#]].assert_eq(&out);
}

#[test]
fn a_command_is_as_often_exact_as_its_confidence_says() {
    let mut told: BTreeMap<i64, (u32, u32, f64)> = BTreeMap::new();
    for (command, is_right) in all_judged().iter().filter(|it| it.0.kind != CommandKind::Possible) {
        let sum: f32 = command.evidence.iter().map(|it| it.weight).sum();
        // In half units; from 4 on all are as good.
        let band = (f64::from(sum) * 2.0).floor().min(8.0) as i64;
        let seen = told.entry(band).or_default();
        *seen = (seen.0 + 1, seen.1 + u32::from(*is_right), seen.2 + command.confidence());
    }
    let mut out = String::new();
    for (band, (many, exact, confidence)) in told {
        let (from, share) = (band as f64 / 2.0, f64::from(exact) / f64::from(many));
        let said = confidence / f64::from(many);
        let _ =
            writeln!(out, "sum from {from:.1}: {many:>4} told, exact {share:.3}, said {said:.3}");
        // What is said is a lower bound; two commands in a band may be bad luck.
        assert!(share + 2.0 / f64::from(many) >= said, "{out}");
    }
    expect![[r#"
        sum from 0.0:    1 told, exact 1.000, said 0.572
        sum from 0.5:    2 told, exact 1.000, said 0.687
        sum from 1.0:   82 told, exact 0.976, said 0.748
        sum from 1.5:  313 told, exact 0.990, said 0.842
        sum from 2.0:   91 told, exact 0.978, said 0.885
        sum from 2.5:   78 told, exact 1.000, said 0.920
        sum from 3.0:  135 told, exact 1.000, said 0.961
        sum from 3.5:  157 told, exact 0.975, said 0.974
        sum from 4.0: 2982 told, exact 0.996, said 0.992
    "#]]
    .assert_eq(&out);
}
