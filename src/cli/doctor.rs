//! `doctor`: why a source cannot be read, and why sessions do not do what they should, each with the cause and the fix.

use std::path::PathBuf;

use clap::Args;
use serde_json::Value;
use serde_json::json;

use super::answer::Answer;
use super::asking;
use super::formats::ANSWERS;
use super::formats::one_of;
use super::progress::patiently;
use super::reach::Reach;
use super::setup::Setup;
use super::sync;
use super::sync::runtime;
use crate::audit;
use crate::audit::Finding;
use crate::audit::promise::Promise;
use crate::audit::symptoms;
use crate::audit::symptoms::Explained;
use crate::aws_names::NodeKind;
use crate::error::Error;
use crate::error::Kind;
use crate::error::Result;
use crate::render;
use crate::render::Format;
use crate::render::Ui;
use crate::render::verdicts;
use crate::settings::Survey;
use crate::source::probe::Probe;
use crate::source::probe::probe_source;
use crate::text;
use crate::text::Visible;
use crate::text::safe;

const EXAMPLES: &str = "\
Examples:
  ssmtrail doctor                          every source in ssmtrail.toml, then every node in every Region
  ssmtrail doctor s3://acme-session-logs   can this one place be read
  ssmtrail doctor i-0123456789abcdef0      why this node refuses sessions, logs nothing or does not appear
  ssmtrail doctor --survey settings.json   the same from a file of `verify --save-survey`, without AWS

A source is tried: who we are, the clock, the place, listing it, reading one thing in it (and so decrypting it). What is missing is
said with the statement that would allow it. Sessions are explained from settings: what the agent would refuse and in which words, who
may not write, what cannot be reached. Exit 0: all is well. Exit 1: a cause was found. Exit 3: none was, and something is unknown.";

#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(super) struct Doctor {
    /// s3://bucket/prefix, logs:GROUP, a folder, a name from ssmtrail.toml, or a node: i-… or mi-…
    #[arg(value_name = "SOURCE|NODE")]
    sources: Vec<String>,

    /// Explain from this file of `ssmtrail verify --save-survey`; AWS is not asked
    #[arg(long, value_name = "FILE")]
    survey: Option<PathBuf>,

    /// How to write it
    #[arg(long, value_name = "FORMAT", default_value = "table", value_parser = one_of(ANSWERS))]
    format: Format,

    #[command(flatten)]
    reach: Reach,
}

impl Doctor {
    pub(super) fn run(self, setup: &Setup<'_>, ui: &mut Ui<'_>) -> Result<Answer> {
        let (nodes, sources): (Vec<String>, Vec<String>) =
            self.sources.iter().cloned().partition(|it| NodeKind::is_id(it));
        let mut tried = (true, Vec::new());
        let configured = !setup.config()?.sources.is_empty();
        if !sources.is_empty() || (nodes.is_empty() && self.survey.is_none() && configured) {
            tried = self.try_all(setup, ui, &sources)?;
        }
        let (sound, told) = tried;
        let mut answer = Answer::found(sound);
        let mut explained = Vec::new();
        // Sources that are named are all that was asked about.
        if sources.is_empty() || !nodes.is_empty() {
            let file = self.survey.as_deref();
            let survey = asking::survey(setup, ui, file, &[], &self.reach, 0)?;
            asking::tell_unread(ui, &survey);
            if survey.corners.is_empty() {
                return Ok(Answer::Failed);
            }
            let promise = Promise::told(&setup.config()?.promise, None)?;
            let judgement = audit::judge(&survey, &promise, &[], &[]);
            let about: Vec<Option<&str>> = match nodes.is_empty() {
                true => vec![None],
                false => nodes.iter().map(|it| Some(it.as_str())).collect(),
            };
            let (mut causes, mut unknown) = (false, !survey.unread.is_empty());
            for node in about {
                node.map_or(Ok(()), |it| known(it, &survey))?;
                let them = symptoms::explain(&survey, &judgement, node);
                causes |= them.iter().any(|it| !it.causes.is_empty());
                unknown |= them.iter().any(|it| !it.unknown.is_empty());
                match self.format {
                    Format::Json => explained.push(json!({
                        "node": node,
                        "symptoms": them.iter().map(symptom_json).collect::<Vec<_>>(),
                    })),
                    _ => tell_symptoms(ui, node, &them)?,
                }
            }
            answer = match (sound && !causes, unknown) {
                (false, _) => Answer::No,
                (true, true) => Answer::Partial,
                (true, false) => Answer::Yes,
            };
        }
        if self.format == Format::Json {
            let value = json!({ "version": 1, "sources": told, "sessions": explained });
            ui.line(text::json(&value))?;
        }
        Ok(answer)
    }

    /// Tries each source; whether all can be read, and for JSON what was seen.
    fn try_all(
        &self,
        setup: &Setup<'_>,
        ui: &mut Ui<'_>,
        sources: &[String],
    ) -> Result<(bool, Vec<Value>)> {
        let (mut sound, mut told) = (true, Vec::new());
        let runtime = runtime()?;
        for spec in &sync::specs(setup, sources)? {
            let access = self.reach.access(setup, spec)?;
            let place = spec.place.to_string();
            let probe = probe_source(spec, &access);
            let mut say = |it| ui.note(it);
            let probes = patiently(&runtime, &mut say, setup.here.stop, &place, probe)?;
            sound &= probes.iter().all(|it| it.outcome.is_ok());
            if self.format == Format::Json {
                let tried: Vec<_> = probes.iter().map(as_json).collect();
                told.push(json!({ "name": spec.name, "place": place, "tried": tried }));
                continue;
            }
            let name = spec.name.as_ref().map_or(String::new(), |it| format!("{it}: "));
            ui.line(ui.paint(render::NAME, safe!("{}{}", name, place)))?;
            probes.iter().try_for_each(|it| tell(ui, it))?;
        }
        runtime.shutdown_background();
        Ok((sound, told))
    }
}

/// Refuses a node that nobody knows, where everything was looked into.
fn known(node: &str, survey: &Survey) -> Result<()> {
    if !symptoms::corners_of(node, survey).is_empty() {
        return Ok(());
    }
    let unread = survey
        .corners
        .iter()
        .find_map(|it| it.nodes.known().err().or(it.network.instances.known().err()));
    if let Some(it) = unread {
        let why = format!("{node} was not found, and not every list could be read: {}", it.why);
        return Err(Error::new(Kind::Refused, why).hint("allow what is missing, then ask again"));
    }
    let mut regions: Vec<&str> = survey.corners.iter().map(|it| it.region.as_str()).collect();
    regions.sort_unstable();
    regions.dedup();
    Err(Error::new(
        Kind::Missing,
        format!("neither EC2 nor Systems Manager knows {node} in {}", regions.join(", ")),
    )
    .hint("check its id, the account (--profile, --role-arn) and the Region (--region)"))
}

fn tell(ui: &mut Ui<'_>, it: &Probe) -> Result<()> {
    match &it.outcome {
        Ok(words) => ui.line(safe!("  ok    {} {}", text::left(9, it.what), words)),
        Err(refusal) => {
            let no = ui.paint(render::WARN, "no");
            ui.line(safe!("  {}    {} {}", no, text::left(9, it.what), refusal.why))?;
            match &refusal.hint {
                Some(hint) => ui.line(safe!("        {} {}", text::left(9, ""), hint)),
                None => Ok(()),
            }
        }
    }
}

fn tell_symptoms(ui: &mut Ui<'_>, node: Option<&str>, them: &[Explained<'_>]) -> Result<()> {
    ui.line(ui.paint(render::NAME, node.unwrap_or("all nodes").safe()))?;
    for it in them {
        let words = it.symptom.words;
        let verdict = match (it.causes.len(), it.unknown.len()) {
            (0, 0) if it.passed == 0 => "nothing to go by".into(),
            (0, 0) => safe!(
                "no cause found; {} speak against it",
                text::plural(it.passed as u64, "check")
            ),
            (0, _) => "no cause found, and not everything could be read".into(),
            (some, _) => text::plural(some as u64, "cause"),
        };
        let mark = match (it.causes.is_empty(), it.unknown.is_empty()) {
            (false, _) => ui.paint(render::MATCH, "!!"),
            (true, false) => ui.paint(render::WARN, "??"),
            (true, true) => ui.paint(render::DIM, "ok"),
        };
        ui.line(safe!("  {}  {}: {}", mark, words, verdict))?;
        for one in &it.causes {
            tell_cause(ui, one)?;
        }
        for one in &it.unknown {
            ui.line(safe!("      unknown {}: {}", one.check_id, one.seen))?;
        }
    }
    Ok(())
}

fn tell_cause(ui: &mut Ui<'_>, it: &Finding) -> Result<()> {
    ui.line(safe!("      {} {}: {}", it.check_id, it.place, it.seen))?;
    for one in &it.details {
        ui.line(safe!("        - {}", one))?;
    }
    let mut asked: Vec<String> = Vec::new();
    for it in &it.evidence {
        if !asked.iter().any(|one| one.starts_with(&format!("{} at ", it.api))) {
            asked.push(format!("{} at {}", it.api, it.at));
        }
    }
    if !asked.is_empty() {
        let by = ui.paint(render::DIM, safe!("by {}", asked.join(", ")));
        ui.line(safe!("        {}", by))?;
    }
    verdicts::fixes(ui, &text::repeated(" ", 8), &it.fixes)
}

fn symptom_json(it: &Explained<'_>) -> Value {
    json!({
        "symptom": it.symptom.code,
        "words": it.symptom.words,
        "causes": it.causes,
        "unknown": it.unknown,
        "passed": it.passed,
    })
}

fn as_json(it: &Probe) -> Value {
    let (seen, refusal) = match &it.outcome {
        Ok(words) => (Some(words), None),
        Err(it) => (None, Some(it)),
    };
    json!({
        "what": it.what,
        "ok": refusal.is_none(),
        "seen": seen,
        "why": refusal.map(|it| &it.why),
        "hint": refusal.and_then(|it| it.hint.as_ref()),
    })
}
