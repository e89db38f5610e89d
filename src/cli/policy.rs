//! `policy`: the policies that the places need, from what they really are. Printed, never applied.

use std::path::PathBuf;

use clap::Args;
use clap::ValueEnum;

use super::answer::Answer;
use super::asking;
use super::formats::one_of;
use super::reach::Reach;
use super::setup::Setup;
use crate::error::Error;
use crate::error::Kind;
use crate::error::Result;
use crate::policy;
use crate::policy::Holder;
use crate::policy::Job;
use crate::policy::Policy;
use crate::render::Ui;
use crate::text;
use crate::text::safe;

const EXAMPLES: &str = "\
Examples:
  ssmtrail policy writer > writer.json                 for the role behind the nodes
  ssmtrail policy auditor --for sync,verify            for whoever runs ssmtrail: no more than these need
  ssmtrail policy bucket --organization o-exampleorgid  TLS alone, and nodes that only write
  ssmtrail policy key --on arn:aws:kms:eu-west-1:111122223333:key/…
  ssmtrail policy guard --format terraform             for those who start sessions: logged documents alone
  ssmtrail policy writer --survey settings.json        from a file of `verify --save-survey`, without AWS

Buckets, groups, keys and roles are those that the Session documents name and AWS shows; nothing is applied. The safe order: the
key's policy, the bucket and its policy, the log group, the role; then the preferences; then a session, and `ssmtrail doctor`.";

#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(super) struct PolicyArgs {
    /// For whom, or for what
    #[arg(value_name = "WHAT")]
    what: PolicyFor,

    /// What the auditor is to do
    #[arg(
        long = "for",
        value_name = "JOB",
        value_delimiter = ',',
        default_value = "sync,verify",
        value_parser = one_of(JOBS)
    )]
    jobs: Vec<Job>,

    /// Which bucket or key, where there are several: its name, or a part of its ARN
    #[arg(long, value_name = "NAME")]
    on: Option<String>,

    /// Admit writers by their organization rather than by their accounts
    #[arg(long, value_name = "ID")]
    organization: Option<String>,

    /// How to write it
    #[arg(long, value_name = "FORMAT", default_value = "json")]
    format: PolicyForm,

    /// Take the places from this file of `ssmtrail verify --save-survey`; AWS is not asked
    #[arg(long, value_name = "FILE")]
    survey: Option<PathBuf>,

    #[command(flatten)]
    reach: Reach,
}

#[derive(Clone, Copy, Debug, ValueEnum, PartialEq, Eq)]
enum PolicyFor {
    /// The role behind the nodes
    Writer,
    /// Whoever runs ssmtrail
    Auditor,
    /// The keys
    Key,
    /// The buckets
    Bucket,
    /// Those who start sessions
    Guard,
}

const JOBS: &[(&str, Job)] = &[
    ("init", Job::Init),
    ("sync", Job::Sync),
    // These ask for the same settings.
    ("verify", Job::Verify),
    ("doctor", Job::Verify),
    ("policy", Job::Verify),
];

#[derive(Clone, Copy, Debug, ValueEnum, PartialEq, Eq)]
enum PolicyForm {
    Json,
    Terraform,
    Cloudformation,
}

impl PolicyArgs {
    pub(super) fn run(self, setup: &Setup<'_>, ui: &mut Ui<'_>) -> Result<Answer> {
        let survey = asking::survey(setup, ui, self.survey.as_deref(), &[], &self.reach, 0)?;
        asking::tell_unread(ui, &survey);
        if survey.is_empty() && !survey.unread.is_empty() {
            return Ok(Answer::Failed);
        }
        if self.what == PolicyFor::Key && !survey.unread.is_empty() {
            // A key's policy is replaced as a whole: whoever is not in it can no longer open or write a session.
            return Err(Error::new(
                Kind::Refused,
                "not all that uses the keys could be read, so no policy is printed: applied, it would stop the sessions of the rest",
            )
            .hint("allow what is named above, or leave the account or Region out with --region, then run the same command again"));
        }
        let mut policies = match self.what {
            PolicyFor::Writer => policy::writer(&survey),
            PolicyFor::Auditor => policy::auditor(&survey, &self.jobs),
            PolicyFor::Key => policy::key(&survey),
            PolicyFor::Bucket => policy::bucket(&survey, self.organization.as_deref()),
            PolicyFor::Guard => policy::guard(&survey),
        };
        if let Some(on) = &self.on {
            policies.retain(|it| match &it.holder {
                Holder::Bucket(name) => name == on,
                Holder::Key(arn) => arn.contains(on.as_str()),
                Holder::Principal => true,
            });
        }
        let destinations = survey.buckets.len() + survey.groups.len();
        if policies.is_empty() || (self.what == PolicyFor::Writer && destinations == 0) {
            let what = match self.what {
                PolicyFor::Key => "there is no key of yours among the places",
                PolicyFor::Bucket => {
                    "no bucket is named by a Session document or the configuration"
                }
                PolicyFor::Guard => {
                    "no Session document names a destination, so that none is logged"
                }
                _ => "no Session document names a destination, and none is configured",
            };
            return Err(Error::new(Kind::Missing, what)
                .hint("`ssmtrail verify` shows what there is; --region names other Regions"));
        }
        self.print(ui, &policies)?;
        let unread = survey.keys.iter().filter(|it| it.state.known().is_err()).count();
        if unread > 0 {
            ui.note(safe!(
                "note: {} could not be read; check that the policy names what it should",
                text::plural(unread as u64, "key")
            ));
        }
        Ok(if survey.unread.is_empty() && unread == 0 { Answer::Yes } else { Answer::Partial })
    }

    /// The policies in the form that was asked for.
    fn print(&self, ui: &mut Ui<'_>, policies: &[Policy]) -> Result<()> {
        match self.format {
            PolicyForm::Json => {
                let [it] = policies else {
                    let names: Vec<&str> = policies.iter().map(on).collect();
                    return Err(Error::misused(format!(
                        "there are {} of them, and a file holds one: {}",
                        policies.len(),
                        names.join(", ")
                    ))
                    .hint("choose one with --on, or take --format terraform or cloudformation"));
                };
                ui.line(text::json_lines(&it.document))?;
            }
            PolicyForm::Terraform => {
                ui.text(text::harmless_json(&policy::terraform(policies)))?;
            }
            PolicyForm::Cloudformation => {
                ui.line(text::json_lines(&policy::cloudformation(policies)))?;
            }
        }
        Ok(())
    }
}

fn on(it: &Policy) -> &str {
    match &it.holder {
        Holder::Bucket(it) | Holder::Key(it) => it,
        Holder::Principal => &it.name,
    }
}
