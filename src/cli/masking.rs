//! What every command that shows transcripts does before it shows them: mask, or record that it did not.

use clap::Args;

use super::run::Run;
use crate::archive::Archive;
use crate::archive::Which;
use crate::archive::schema::SessionRow;
use crate::error::Result;
use crate::secrets::Masker;
use crate::text;
use crate::time::At;

#[derive(Args, Debug, Clone, Copy, Default)]
pub(super) struct Masking {
    /// Show secrets as they are; the archive records that it was done
    #[arg(long)]
    pub(super) reveal: bool,
}

/// Which sessions may have secrets shown: known before anything is.
pub(super) enum Shown<'a> {
    Of(&'a Which),
    One(&'a SessionRow),
    /// Any SQL may read any of them.
    Any,
}

/// So many ids are recorded; beyond, their number.
const RECORDED: usize = 1000;

impl Masking {
    /// The masker in force. Whoever reveals leaves a line in the archive, or is refused.
    pub(super) fn masker(
        self,
        run: &mut Run<'_, '_>,
        archive: &Archive,
        doing: &str,
        shown: Shown<'_>,
    ) -> Result<Masker> {
        if !self.reveal {
            return Ok(Masker::new(archive.salt()));
        }
        let at = At(run.world.now).rfc3339();
        let ids = match shown {
            Shown::One(it) => Some(vec![it.session_key.clone()]),
            Shown::Of(which) if !which.is_all() => {
                Some(archive.sessions(which)?.into_iter().map(|it| it.session_key).collect())
            }
            Shown::Of(_) | Shown::Any => None,
        };
        let who = &run.world.user;
        let line = serde_json::json!({
            "at": at,
            "user": who.name,
            "uid": who.uid,
            "login_uid": who.login_uid,
            "command": doing,
            "arguments": run.world.arguments,
            "session_count": ids.as_ref().map(Vec::len),
            "sessions": ids.map(|it| it.into_iter().take(RECORDED).collect::<Vec<_>>()),
        });
        archive.record_reveal(&text::json(&line))?;
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
            text::plural(masker.masked, "secret")
        );
        run.ui.note(&text);
    }
}
