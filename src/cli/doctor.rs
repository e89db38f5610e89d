//! `doctor`: why a source cannot be read, with the one thing that is missing.

use clap::Args;

use super::Answer;
use super::Run;
use super::reach::Reach;
use super::sync::runtime;
use crate::error::Result;
use crate::render;
use crate::source::probe::probe_source;

const EXAMPLES: &str = "\
Examples:
  ssmtrail doctor                          every source in ssmtrail.toml
  ssmtrail doctor s3://acme-session-logs   one place, configured or not

Each source is tried: who we are, the clock, the place, listing it, reading one thing in it (and so decrypting it). What is
missing is said with the statement that would allow it. Exit 0: all can be read. Exit 1: one cannot.";

#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(super) struct Doctor {
    /// Where transcripts are: s3://bucket/prefix, logs:GROUP, a folder, or a name from ssmtrail.toml
    #[arg(value_name = "SOURCE")]
    sources: Vec<String>,

    #[command(flatten)]
    reach: Reach,
}

impl Doctor {
    pub(super) fn run(self, run: &mut Run<'_, '_>) -> Result<Answer> {
        let specs = super::sync::specs(run, &self.sources)?;
        let runtime = runtime()?;
        let mut sound = true;
        for spec in &specs {
            let access = self.reach.access(run, spec)?;
            let probes = runtime.block_on(probe_source(spec, &access));
            let name = spec.name.as_ref().map_or(String::new(), |it| format!("{it}: "));
            let head = format!("{name}{}", spec.place);
            let head = run.ui.paint(render::NAME, &render::visible(&head));
            run.ui.line(&head)?;
            for it in probes {
                match it.outcome {
                    Ok(words) => {
                        let line = format!("  ok    {:<9} {}", it.what, render::visible(&words));
                        run.ui.line(&line)?;
                    }
                    Err(refusal) => {
                        sound = false;
                        let no = run.ui.paint(render::WARN, "no");
                        let why = render::visible(&refusal.why).into_owned();
                        run.ui.line(&format!("  {no}    {:<9} {why}", it.what))?;
                        if let Some(hint) = &refusal.hint {
                            let hint = render::visible(hint).into_owned();
                            run.ui.line(&format!("        {:<9} {hint}", ""))?;
                        }
                    }
                }
            }
        }
        runtime.shutdown_background();
        Ok(Answer::found(sound))
    }
}
