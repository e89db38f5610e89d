//! What every command that shows transcripts does before it shows them: mask, or record that it did not.

use std::collections::HashMap;
use std::collections::HashSet;

use clap::Args;
use polars::prelude::*;

use super::Run;
use crate::archive::Archive;
use crate::archive::Which;
use crate::archive::schema::CommandRow;
use crate::error::Error;
use crate::error::Kind;
use crate::error::Result;
use crate::render;
use crate::search::LineHit;
use crate::secrets::Masker;

#[derive(Args, Debug, Clone, Copy, Default)]
pub(super) struct Masking {
    /// Show secrets as they are; the archive records that it was done
    #[arg(long)]
    pub(super) reveal: bool,
}

impl Masking {
    /// The masker in force. Whoever reveals leaves a line in the archive, or is refused.
    pub(super) fn masker(
        self,
        run: &mut Run<'_, '_>,
        archive: &Archive,
        doing: &str,
    ) -> Result<Masker> {
        if !self.reveal {
            return Ok(Masker::new(archive.salt()));
        }
        let at = chrono::DateTime::from_timestamp_micros(run.world.now)
            .map(|it| it.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true));
        let line = serde_json::json!({
            "at": at,
            "user": run.world.environment.get("USER"),
            "command": doing,
        });
        archive.record_reveal(&render::json(&line))?;
        run.ui.note("note: secrets are shown as they are; reveals.jsonl in the archive records it");
        Ok(Masker::revealing())
    }
}

/// Says how much was masked, if anything was.
pub(super) fn tell(run: &mut Run<'_, '_>, masker: &Masker) {
    if masker.masked > 0 {
        let (verb, them) = if masker.masked == 1 { ("is", "it") } else { ("are", "them") };
        let text = format!(
            "note: {} {verb} masked; --reveal shows {them}",
            render::plural(masker.masked, "secret")
        );
        run.ui.note(&text);
    }
}

pub(super) fn commands(masker: &mut Masker, rows: &mut [CommandRow]) {
    for it in rows {
        masker.apply(&mut it.command);
        masker.apply(&mut it.prompt);
        masker.apply(&mut it.evidence);
    }
}

/// Lines that were found apart from each other: one that may be inside a private key is looked at in its place.
pub(super) struct LineMasker<'a> {
    archive: &'a Archive,
    /// Lines inside private keys, by session.
    keys: HashMap<String, HashSet<i64>>,
}

impl<'a> LineMasker<'a> {
    pub(super) fn new(archive: &'a Archive) -> Self {
        Self { archive, keys: HashMap::new() }
    }

    pub(super) fn apply(&mut self, masker: &mut Masker, hits: &mut [LineHit]) -> Result<()> {
        for it in hits {
            if !masker.reveals() && crate::secrets::may_be_in_key(&it.line.text) {
                if !self.keys.contains_key(&it.session_key) {
                    let inside = lines_in_keys(self.archive, it)?;
                    self.keys.insert(it.session_key.clone(), inside);
                }
                let inside = self.keys.get(&it.session_key);
                if inside.is_some_and(|lines| lines.contains(&it.line.line_number)) {
                    masker.key_body(&mut it.line.text);
                    continue;
                }
            }
            masker.apply(&mut it.line.text);
        }
        Ok(())
    }
}

fn lines_in_keys(archive: &Archive, hit: &LineHit) -> Result<HashSet<i64>> {
    let which = Which { sessions: vec![hit.session_id.clone()], ..Which::default() };
    let mut inside = HashSet::new();
    for session in archive.sessions(&which)?.iter().filter(|it| it.session_key == hit.session_key) {
        let mut masker = Masker::new([0; 32]);
        for it in archive.lines_of(session) {
            masker.line(&it.text);
            if masker.in_key() {
                inside.insert(it.line_number);
            }
        }
    }
    Ok(inside)
}

/// Every text of a frame that nobody knows the columns of. Bytes cannot be masked, so they are left out.
pub(super) fn frame(masker: &mut Masker, frame: &DataFrame) -> Result<(DataFrame, bool)> {
    let mut columns = Vec::with_capacity(frame.width());
    let mut left_out = false;
    for column in frame.columns() {
        let masked = match column.dtype() {
            DataType::String if !masker.reveals() => {
                let texts = column.str().map_err(|it| damaged(&it))?;
                let texts: Vec<Option<String>> =
                    texts.iter().map(|it| it.map(|text| masker.text(text).into_owned())).collect();
                StringChunked::from_iter_options(column.name().clone(), texts.into_iter())
                    .into_column()
            }
            DataType::Binary if !masker.reveals() => {
                left_out = true;
                StringChunked::full_null(column.name().clone(), column.len()).into_column()
            }
            _ => column.clone(),
        };
        columns.push(masked);
    }
    let frame = DataFrame::new(frame.height(), columns).map_err(|it| damaged(&it))?;
    Ok((frame, left_out))
}

fn damaged(it: &PolarsError) -> Error {
    Error::new(Kind::Damaged, it.to_string())
}
