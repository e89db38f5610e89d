//! What every command that shows transcripts does before it shows them: mask, or record that it did not.

use clap::Args;

use super::reader::Reader;
use crate::archive::Archive;
use crate::archive::Which;
use crate::archive::schema::SessionRow;
use crate::error::Result;
use crate::render::Ui;
use crate::secrets::Masker;
use crate::text;
use crate::text::safe;

#[derive(Args, Debug, Clone, Copy, Default)]
pub(super) struct Revealing {
    /// Show secrets as they are; the archive records that it was done
    #[arg(long)]
    pub(super) reveal: bool,
}

/// Which sessions may have secrets shown: known before anything is.
pub(super) enum Whose<'a> {
    Of(&'a Which),
    One(&'a SessionRow),
    /// Any SQL may read any of them.
    Any,
}

/// So many ids are recorded; beyond, their number.
const RECORDED: usize = 1000;

impl Revealing {
    /// The masker in force. Whoever reveals leaves a line in the archive, or is refused.
    pub(super) fn masker(
        self,
        reader: &Reader<'_>,
        ui: &mut Ui<'_>,
        archive: &Archive,
        doing: &str,
        whose: Whose<'_>,
    ) -> Result<Masker> {
        if !self.reveal {
            return Ok(Masker::new(archive.salt()));
        }
        let at = reader.here.now.rfc3339();
        let ids = match whose {
            Whose::One(it) => Some(vec![it.session_key.clone()]),
            Whose::Of(which) if !which.is_all() => {
                Some(archive.sessions(which)?.into_iter().map(|it| it.session_key).collect())
            }
            Whose::Of(_) | Whose::Any => None,
        };
        let who = reader.user;
        let line = serde_json::json!({
            "at": at,
            "user": who.name,
            "uid": who.uid,
            "login_uid": who.login_uid,
            "command": doing,
            "arguments": reader.arguments,
            "session_count": ids.as_ref().map(Vec::len),
            "sessions": ids.map(|it| it.into_iter().take(RECORDED).collect::<Vec<_>>()),
        });
        archive.record_reveal(&text::json(&line))?;
        ui.note("note: secrets are shown as they are; reveals.jsonl in the archive records it");
        Ok(Masker::revealing())
    }
}

/// Says how much was masked, if anything was.
pub(super) fn tell(ui: &mut Ui<'_>, masker: &Masker) {
    if masker.masked > 0 {
        let (verb, them) = if masker.masked == 1 { ("is", "it") } else { ("are", "them") };
        let secrets = text::plural(masker.masked, "secret");
        ui.note(safe!("note: {} {} masked; --reveal shows {}", secrets, verb, them));
    }
}
