//! Surveys and what was found in them, kept: a row for each thing that was asked about, so that SQL reaches it, and put together
//! again as the survey that it was.

use polars::prelude::*;

use super::filter::Which;
use super::kept::Archive;
use super::value;
use super::value::Named;
use crate::archive::manifest::Entry;
use crate::archive::schema::FINDINGS;
use crate::archive::schema::FindingRow;
use crate::archive::schema::SURVEYS;
use crate::archive::schema::SurveyPart;
use crate::archive::schema::SurveyRow;
use crate::archive::writer::Segment;
use crate::archive::writer::Writer;
use crate::audit::Finding;
use crate::config::Place;
use crate::error::Error;
use crate::error::Kind;
use crate::error::Result;
use crate::session::Window;
use crate::settings::Arrival;
use crate::settings::Survey;
use crate::time::At;
use crate::transcript::wire::Form;

/// The rows of a survey: its head first.
fn rows(survey: &Survey) -> Vec<SurveyRow> {
    let taken_at = Some(survey.taken_at);
    let mut out = Vec::new();
    let mut add = |kind: SurveyPart, account: &str, region: &str, subject: &str, answer: String| {
        let told = |it: &str| Some(it.to_owned()).filter(|it| !it.is_empty());
        out.push(SurveyRow {
            taken_at,
            kind: kind.into(),
            account_id: told(account),
            region: told(region),
            subject: subject.into(),
            answer,
        });
    };
    fn json(it: &impl serde::Serialize) -> String {
        serde_json::to_string(it).unwrap_or_default()
    }
    let head = Survey {
        version: survey.version,
        taken_by: survey.taken_by.clone(),
        taken_at: survey.taken_at,
        callers: survey.callers.clone(),
        unread: survey.unread.clone(),
        calls: survey.calls.clone(),
        ..Survey::default()
    };
    add(SurveyPart::Head, "", "", "", json(&head));
    for it in &survey.corners {
        add(SurveyPart::Corner, &it.account, &it.region, "", json(it));
    }
    for it in &survey.groups {
        add(SurveyPart::Group, &it.account, &it.region, &it.name, json(it));
    }
    for it in &survey.buckets {
        let region = it.region.as_deref().unwrap_or_default();
        add(SurveyPart::Bucket, &it.account, region, &it.name, json(it));
    }
    for it in &survey.keys {
        add(SurveyPart::Key, &it.account, &it.region, &it.id, json(it));
    }
    for it in &survey.accounts {
        add(SurveyPart::Account, &it.id, "", &it.id, json(it));
    }
    for it in &survey.roles {
        add(SurveyPart::Role, "", "", &it.arn, json(it));
    }
    for it in &survey.starters {
        add(SurveyPart::Starter, "", "", &it.arn, json(it));
    }
    for it in &survey.arrivals {
        add(SurveyPart::Arrival, "", "", &it.target, json(it));
    }
    out
}

/// The survey whose rows these are.
fn survey(rows: &[SurveyRow]) -> serde_json::Result<Survey> {
    let mut out = Survey::default();
    for it in rows.iter().filter(|it| it.kind == SurveyPart::Head) {
        out = serde_json::from_str(&it.answer)?;
    }
    for it in rows {
        match it.kind.known() {
            Some(SurveyPart::Corner) => out.corners.push(serde_json::from_str(&it.answer)?),
            Some(SurveyPart::Group) => out.groups.push(serde_json::from_str(&it.answer)?),
            Some(SurveyPart::Bucket) => out.buckets.push(serde_json::from_str(&it.answer)?),
            Some(SurveyPart::Key) => out.keys.push(serde_json::from_str(&it.answer)?),
            Some(SurveyPart::Account) => out.accounts.push(serde_json::from_str(&it.answer)?),
            Some(SurveyPart::Role) => out.roles.push(serde_json::from_str(&it.answer)?),
            Some(SurveyPart::Starter) => out.starters.push(serde_json::from_str(&it.answer)?),
            Some(SurveyPart::Arrival) => out.arrivals.push(serde_json::from_str(&it.answer)?),
            Some(SurveyPart::Head) | None => {}
        }
    }
    Ok(out)
}

/// Keeps a survey and what was found in it, as one entry of the manifest.
///
/// # Errors
/// What the disk refuses.
pub fn keep(
    writer: &mut Writer,
    survey: &Survey,
    findings: &[Finding],
    written_at: &str,
) -> Result<()> {
    let fail =
        |it: PolarsError| Error::new(Kind::Refused, format!("the survey cannot be kept: {it}"));
    let found_at = Some(survey.taken_at);
    let found: Vec<FindingRow> = findings
        .iter()
        .map(|it| FindingRow {
            account_id: Some(it.account_id.clone()).filter(|it| !it.is_empty()),
            region: Some(it.region.clone()).filter(|it| !it.is_empty()),
            session_id: None,
            check: it.check_id.into(),
            resource: it.resource.clone(),
            verdict: it.status.into(),
            severity: it.severity.into(),
            found_at,
            seen: it.seen.clone(),
            promised: it.promised.clone(),
            muted: it.muted.is_some(),
        })
        .collect();
    let generation = writer.generation();
    let mut segment = Segment::new(writer.root(), generation)?;
    let month = format!("month={}", &survey.taken_at.to_string()[..7]);
    segment.write(&SURVEYS, &month, &SurveyRow::frame(&rows(survey)).map_err(fail)?)?;
    if !found.is_empty() {
        segment.write(&FINDINGS, &month, &FindingRow::frame(&found).map_err(fail)?)?;
    }
    let entry = Entry {
        did: "verify".into(),
        written_at: written_at.into(),
        generation,
        ..Entry::default()
    };
    writer.publish(segment, entry, Vec::new())
}

impl Archive {
    /// When the surveys were taken that are kept here, the newest first.
    ///
    /// # Errors
    /// What cannot be read.
    pub fn surveys(&self) -> Result<Vec<At>> {
        let frame = self
            .scan(&SURVEYS, None)
            .and_then(|it| it.filter(col("kind").eq(lit(SurveyPart::Head.name()))).collect())?;
        let rows = SurveyRow::rows(&frame)?;
        let mut out: Vec<At> = rows.iter().filter_map(|it| it.taken_at).collect();
        out.sort_unstable();
        out.dedup();
        out.reverse();
        Ok(out)
    }

    /// When transcripts of each target last came to a bucket and to a log group, of those that came since then.
    ///
    /// # Errors
    /// When the sessions table cannot be read.
    pub fn arrivals(&self, since: At) -> Result<Vec<Arrival>> {
        let window = Window { from: Some(since), to: None };
        let mut out: Vec<Arrival> = Vec::new();
        for it in self.sessions(&Which { window, ..Which::default() })? {
            // What no calendar has is no day on which anything came.
            let last = it.last_event_at.or(it.ended_at).or(it.at).filter(|it| it.utc().is_some());
            let (Some(target), Some(at)) = (it.target, last) else { continue };
            let streamed = it.forms.contains(&Form::Events.into());
            let whole = it.forms.iter().any(|it| *it != Form::Events);
            let in_bucket = matches!(Place::parse(&it.source), Ok(Place::S3 { .. }));
            for (kind, came) in [("s3", whole && in_bucket), ("logs", streamed)] {
                match out.iter_mut().find(|it| it.target == target && it.kind == kind) {
                    _ if !came => {}
                    Some(it) => it.at = it.at.max(at),
                    None => out.push(Arrival { target: target.clone(), kind: kind.into(), at }),
                }
            }
        }
        Ok(out)
    }

    /// The survey that was taken then.
    ///
    /// # Errors
    /// What cannot be read.
    pub fn survey(&self, taken_at: At) -> Result<Survey> {
        let then = value::instant(taken_at);
        let frame = self
            .scan(&SURVEYS, None)
            .and_then(|it| it.filter(col("taken_at").eq(then)).collect())?;
        let rows = SurveyRow::rows(&frame)?;
        survey(&rows).map_err(|it| {
            Error::new(Kind::Damaged, format!("the survey of {taken_at} is no survey: {it}"))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Account;
    use crate::settings::Arrival;
    use crate::settings::Bucket;
    use crate::settings::Corner;
    use crate::settings::Key;
    use crate::settings::LogGroup;
    use crate::settings::Role;

    #[test]
    fn a_survey_in_rows_is_the_survey_that_it_was() {
        let it = Survey {
            version: 1,
            taken_at: At(1_795_392_000_000_000),
            corners: vec![Corner { account: "1".into(), region: "r".into(), ..Corner::default() }],
            groups: vec![LogGroup { name: "/g".into(), ..LogGroup::default() }],
            buckets: vec![Bucket { name: "b".into(), ..Bucket::default() }],
            keys: vec![Key { id: "k".into(), ..Key::default() }],
            accounts: vec![Account { id: "1".into(), ..Account::default() }],
            roles: vec![Role { arn: "arn:x".into(), ..Role::default() }],
            starters: vec![Role { arn: "arn:y".into(), ..Role::default() }],
            arrivals: vec![Arrival { target: "i-1".into(), ..Arrival::default() }],
            ..Survey::default()
        };
        // Every list of a survey has something in it: a new kind of thing cannot be lost in silence.
        let lists = serde_json::to_value(&it).unwrap();
        let empty = ["callers", "unread"];
        for (name, list) in lists.as_object().unwrap() {
            let is_empty = list.as_array().is_some_and(Vec::is_empty);
            assert_eq!(is_empty, empty.contains(&name.as_str()), "{name}");
        }
        assert_eq!(survey(&rows(&it)).unwrap(), it);
    }
}
