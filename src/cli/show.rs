//! `show`: one session, as text, as commands, as bytes, or with the reasons.

use clap::Args;

use super::answer::Answer;
use super::answer::Ending;
use super::formats::FORMATS;
use super::formats::checked;
use super::formats::one_of;
use super::hits::command_line;
use super::hits::heading;
use super::reader::Reader;
use super::revealing;
use super::revealing::Revealing;
use super::revealing::Whose;
use crate::archive::Archive;
use crate::archive::Which;
use crate::archive::schema::CommandRow;
use crate::archive::schema::LineKind;
use crate::archive::schema::SessionRow;
use crate::error::Error;
use crate::error::Result;
use crate::masking;
use crate::render::DIM;
use crate::render::Format;
use crate::render::Rows;
use crate::render::Ui;
use crate::render::WARN;
use crate::search;
use crate::search::Pattern;
use crate::search::Shared;
use crate::secrets::Masker;
use crate::text;
use crate::text::Safe;
use crate::text::Visible;
use crate::text::safe;
use crate::time::At;
use crate::transcript::commands::Command;
use crate::transcript::commands::CommandKind;
use crate::transcript::decoder::Decoder;
use crate::transcript::decoder::FlawKind;
use crate::transcript::wire::Form;

const EXAMPLES: &str = "\
Examples:
  ssmtrail show alice-0e24               the text of the one session whose id contains that
  ssmtrail show alice-0e24 --commands    what was typed, numbered
  ssmtrail show alice-0e24 --explain=7   why command 7 is thought to be one
  ssmtrail show alice-0e24 --raw > session.log

On a terminal, --raw shows control bytes as escapes; into a file or pipe it writes them as they are.";

#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(super) struct Show {
    /// Id of the session, or a part that no other has
    #[arg(value_name = "SESSION")]
    session: String,

    /// What was typed, numbered
    #[arg(long, group = "what")]
    commands: bool,

    /// Also commands with too little evidence, marked as possible
    #[arg(long, requires = "commands")]
    possible: bool,

    /// The transcript's bytes
    #[arg(long, group = "what")]
    raw: bool,

    /// Why each command, or this one, is thought to be one
    #[arg(long, group = "what", value_name = "SEQ", num_args = 0..=1, require_equals = true,
        default_missing_value = "0", value_parser = clap::value_parser!(i64).range(0..))]
    explain: Option<i64>,

    #[command(flatten)]
    revealing: Revealing,

    /// How to write commands
    #[arg(long, value_name = "FORMAT", default_value = "table", value_parser = one_of(FORMATS))]
    format: Format,
}

impl Show {
    pub(super) fn run(self, reader: &Reader<'_>, ui: &mut Ui<'_>) -> Result<Answer> {
        checked(self.format, ui)?;
        reader.ask(ui, |archive, ui| self.show(reader, archive, ui))
    }

    fn show(&self, reader: &Reader<'_>, archive: &Archive, ui: &mut Ui<'_>) -> Result<Ending> {
        let mut session = search::session(archive, &self.session)?;
        let mut masker =
            self.revealing.masker(reader, ui, archive, "show", Whose::One(&session))?;
        masking::names(&mut masker, &mut session);
        let mut one = OneSession { archive, masker, session };
        let ending = match (self.commands, self.raw, self.explain) {
            (_, true, _) => Ending::or(one.raw(ui)?, "none of its bytes are kept"),
            (_, _, Some(seq)) => Ending::or(one.explain(ui, seq)?, "no commands were found in it"),
            (true, ..) => one.commands(ui, self.format, self.possible)?,
            _ if self.format != Format::Table => {
                return Err(Error::misused("--format goes with --commands")
                    .hint("`ssmtrail search --output '' --session ID --format …` writes lines"));
            }
            _ => Ending::any(one.text(ui)?),
        };
        revealing::tell(ui, &one.masker);
        Ok(ending)
    }
}

/// The session that is shown.
struct OneSession<'a> {
    archive: &'a Archive,
    masker: Masker,
    session: SessionRow,
}

impl OneSession<'_> {
    /// What a reader must know first, on standard error so that the text stays clean.
    fn flaws(&mut self, ui: &mut Ui<'_>, shared: &Shared) -> Result<()> {
        for it in self.session.flaws.clone() {
            let Some(kind) = it.kind.known() else { continue };
            let place = match it.places() {
                Some((bytes, stream)) => {
                    safe!(
                        ": first at byte {} of the bytes and byte {} of the stream",
                        bytes,
                        stream
                    )
                }
                None if kind == FlawKind::Diverges => self.others(shared)?,
                None if kind == FlawKind::Clock => {
                    let show = |it: Option<At>| {
                        it.map_or_else(|| "unknown".to_owned(), |it| ui.zone.show(it))
                    };
                    let (ended, stored) = (self.session.ended_at, self.session.stored_at);
                    safe!(
                        ": it says that it ended {}, and was stored {}",
                        show(ended),
                        show(stored)
                    )
                }
                None => Safe::default(),
            };
            ui.note(ui.paint(WARN, safe!("note: {}{}", kind.says(), place)));
        }
        Ok(())
    }

    /// The other sessions of its id, each with where its transcript lay.
    fn others(&mut self, shared: &Shared) -> Result<Safe> {
        let Self { archive, masker, session } = self;
        let which = Which { sessions: vec![session.session_id.clone()], ..Which::default() };
        let all = archive.sessions(&which)?;
        let others = all.iter().filter(|it| it.session_id == session.session_id);
        let others = others
            .map(|it| safe!("{} from {}", search::name_of(it, shared), masker.text(&it.locator)));
        Ok(safe!(": {}", text::joined(others, ", ")))
    }

    fn text(&mut self, ui: &mut Ui<'_>) -> Result<bool> {
        self.flaws(ui, &Shared::of(self.archive)?)?;
        let Self { archive, masker, session } = self;
        let lines = archive.lines_of(session);
        for it in &lines {
            let shown = masker.line(&it.text);
            let body = text::visible_lines(&shown);
            let text = match it.kind.known() {
                Some(LineKind::Overwritten) => ui.paint(DIM, safe!("{}  (painted over)", body)),
                Some(LineKind::Screen) => ui.paint(DIM, body),
                _ => body,
            };
            ui.line(text)?;
        }
        Ok(!lines.is_empty())
    }

    fn commands(&mut self, ui: &mut Ui<'_>, format: Format, with_possible: bool) -> Result<Ending> {
        let Self { archive, masker, session } = self;
        let mut commands = archive.commands_of(session);
        let all = commands.len();
        commands.retain(|it| with_possible || it.kind != CommandKind::Possible);
        let possible = all - commands.len();
        masking::commands(masker, &mut commands);
        if format != Format::Table {
            let frame = CommandRow::frame(&commands)?;
            let frame = frame.drop_many(["session_key", "generation", "decoder"]);
            let mut rows = Rows::new("commands", format, &["flaws"]);
            rows.write(ui, &frame)?;
            rows.finish(ui, &frame)?;
            return Ok(Ending::any(!commands.is_empty()));
        }
        let shared = Shared::of(archive)?;
        self.flaws(ui, &shared)?;
        heading(ui, &self.session, &shared)?;
        for it in &commands {
            command_line(ui, it, &Pattern::All, false)?;
        }
        if possible > 0 {
            let commands = if possible == 1 { "command" } else { "commands" };
            ui.note(safe!("note: {} possible {}; --possible shows them", possible, commands));
            return Ok(Ending::any(!commands.is_empty()));
        }
        Ok(Ending::or(!commands.is_empty(), "no commands were found in it"))
    }

    fn explain(&mut self, ui: &mut Ui<'_>, seq: i64) -> Result<bool> {
        let Self { archive, masker, session } = self;
        let mut commands = archive.commands_of(session);
        let many = commands.len();
        commands.retain(|it| seq == 0 || it.seq == seq);
        if commands.is_empty() && many > 0 {
            return Err(archive.absent(
                &format!("the session has no command {seq}"),
                &format!("its commands are 1 to {many}"),
            ));
        }
        heading(ui, session, &Shared::of(archive)?)?;
        let (bytes, form) = archive.primary_bytes(session)?;
        let again = read_again(&bytes, form);
        for it in &mut commands {
            let typed = it.command.clone();
            let before = masker.masked;
            masking::commands(masker, std::slice::from_mut(it));
            let (from, to) = (it.byte_start as usize, it.byte_end as usize);
            let is_masked = masker.masked > before
                || !masker.reveals() && masking::span_shows_secrets(&bytes, from, to);
            command_line(ui, it, &Pattern::All, false)?;
            let place = safe!(
                "       prompt {}, line {}, bytes {} to {} of {}",
                quoted(&it.prompt),
                it.line_number,
                it.byte_start,
                it.byte_end,
                it.locator
            );
            ui.line(ui.paint(DIM, place))?;
            for evidence in it.reasons() {
                ui.line(safe!("       {}", evidence))?;
            }
            ui.line(safe!("       = {} % sure", format!("{:.1}", it.confidence * 100.0)))?;
            let second = again
                .iter()
                .find(|other| other.from as i64 == it.byte_start && other.text == typed)
                .and_then(|other| other.runner_up.as_ref());
            ui.line(match second {
                Some((prompt, text)) => safe!(
                    "       runner-up: {} behind the prompt {}",
                    quoted(&masker.text(text)),
                    quoted(&masker.text(prompt))
                ),
                None => "       runner-up: output that looks like a prompt and a command".into(),
            })?;
            if is_masked {
                ui.line("       | (its bytes hold what is masked; --reveal shows them)")?;
            } else if let Some(span) = bytes.get(from..to.min(bytes.len()).max(from)) {
                for line in span[..span.len().min(2000)].split(|it| *it == b'\n') {
                    let line = safe!("       | {}", text::visible_bytes(line));
                    ui.line(ui.paint(DIM, line).trimmed())?;
                }
            }
        }
        Ok(!commands.is_empty())
    }

    /// The bytes of the transcript that was read, as they are; on a terminal, harmless.
    fn raw(&mut self, ui: &mut Ui<'_>) -> Result<bool> {
        let Self { archive, masker, session } = self;
        if !masker.reveals()
            && !masking::showing_secrets(archive, std::slice::from_ref(session))?.is_empty()
        {
            return Err(Error::misused(
                "the session's bytes hold secrets, and bytes cannot be masked",
            )
            .hint(
                "--reveal shows them, and the archive records it; without --raw they are masked",
            ));
        }
        let mut newest: Option<(Option<At>, String)> = None;
        let mut others = 0;
        archive.transcripts_of(&[&session.session_key], |row| {
            if row.part == 0 {
                others += 1;
                let version = (row.stored_at, row.version);
                if row.locator == session.locator && newest.as_ref().is_none_or(|it| *it <= version)
                {
                    newest = Some(version);
                }
            }
            Ok(())
        })?;
        let Some((_, version)) = newest else { return Ok(false) };
        archive.transcripts_of(&[&session.session_key], |row| {
            if row.locator != session.locator || row.version != version {
                return Ok(());
            }
            ui.bytes(&row.content)
        })?;
        if others > 1 {
            ui.note(safe!(
                "note: {} transcripts are kept of this session; this is the one that was read",
                others
            ));
        }
        Ok(true)
    }
}

/// In quotation marks, so that its ends are seen.
fn quoted(text: &str) -> Safe {
    format!("{:?}", &*text::visible(text)).safe()
}

/// The commands once more, with the readings that came second.
fn read_again(bytes: &[u8], form: Option<Form>) -> Vec<Command> {
    let Some(form) = form else { return Vec::new() };
    let mut decoder = Decoder::new(form).explaining();
    decoder.push(bytes);
    let (piece, ..) = decoder.finish();
    piece.commands.into_iter().map(|it| it.command).collect()
}
