//! `query`: a saved question, a file, or any SQL.

use clap::Args;

use super::answer::Answer;
use super::answer::Ending;
use super::filters::Filters;
use super::formats::FORMATS;
use super::formats::checked;
use super::formats::one_of;
use super::reader::Reader;
use super::revealing;
use super::revealing::Revealing;
use super::revealing::Whose;
use crate::error::Error;
use crate::error::Kind;
use crate::error::Result;
use crate::masking;
use crate::query;
use crate::query::Header;
use crate::render::Format;
use crate::render::Rows;
use crate::render::Ui;
use crate::text;
use crate::text::Visible;
use crate::text::safe;
use crate::time;

const EXAMPLES: &str = "\
Examples:
  ssmtrail query --list
  ssmtrail query became-root --from 2026-01-01
  ssmtrail query who-ran --param 'like=^sudo' --owner alice --format csv > sudo.csv
  ssmtrail query --show who-ran > mine.sql && ssmtrail query mine.sql
  ssmtrail query -e 'SELECT owner, COUNT(*) AS n FROM ran GROUP BY owner ORDER BY n DESC'

`ssmtrail archive schema` prints the tables. Filters apply to each that
has sessions; `all_` before its name, as in `all_ran`, is the table without
them. A time is compared with a text: at >= '2026-11-01'.";

#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(super) struct Query {
    /// Name of a saved question, or a file
    #[arg(value_name = "NAME|FILE", required_unless_present_any = ["list", "sql"])]
    name: Option<String>,

    /// List the saved questions
    #[arg(long, conflicts_with_all = ["name", "sql"])]
    list: bool,

    /// Print the question instead of asking it
    #[arg(long, requires = "name")]
    show: bool,

    /// SQL to run
    #[arg(short = 'e', long = "sql", value_name = "SQL", conflicts_with = "name")]
    sql: Option<String>,

    /// A value for what the question leaves open; --list shows the names and what they are otherwise (repeatable)
    #[arg(long, value_name = "NAME=VALUE")]
    param: Vec<String>,

    #[command(flatten)]
    filters: Filters,

    #[command(flatten)]
    revealing: Revealing,

    /// How to write the rows
    #[arg(long, value_name = "FORMAT", default_value = "table", value_parser = one_of(FORMATS))]
    format: Format,
}

impl Query {
    pub(super) fn run(self, reader: &Reader<'_>, ui: &mut Ui<'_>) -> Result<Answer> {
        if self.list {
            return list(ui);
        }
        let sql = match &self.sql {
            Some(sql) => sql.clone(),
            None => find(self.name.as_deref().unwrap_or_default())?,
        };
        if self.show {
            // The person's own file or ours: still no byte reaches a terminal raw.
            ui.text(text::visible_lines(&sql))?;
            return Ok(Answer::Yes);
        }
        checked(self.format, ui)?;
        let given = self
            .param
            .iter()
            .map(|it| match it.split_once('=') {
                Some((name, value)) => Ok((name.to_owned(), value.to_owned())),
                None => Err(Error::misused(format!("{it:?} gives a param no value"))
                    .hint("write --param NAME=VALUE")),
            })
            .collect::<Result<Vec<_>>>()?;
        let (now, zone) = (reader.here.now, ui.zone);
        reader.ask_for(&self.filters, ui, |archive, which, ui| {
            let mut masker = self.revealing.masker(reader, ui, archive, "query", Whose::Any)?;
            let instant = |it: &str| time::instant(it, now, zone);
            let frame = query::run(archive, &sql, which, &given, &masker, instant)?;
            let (frame, left_out) = masking::frame(&mut masker, &frame)?;
            let mut rows = Rows::new("rows", self.format, &[]);
            if frame.height() > 0 {
                rows.write(ui, &frame)?;
            }
            let many = rows.finish(ui, &frame)?;
            revealing::tell(ui, &masker);
            if left_out {
                ui.note("note: bytes cannot be masked and are left out; --reveal shows them");
            }
            Ok(Ending::or(many > 0, "no rows"))
        })
    }
}

fn find(name: &str) -> Result<String> {
    if let Some(sql) = query::saved(name) {
        return Ok(sql);
    }
    let path = std::path::Path::new(name);
    match std::fs::read_to_string(path) {
        Ok(it) => Ok(it),
        Err(it) if it.kind() == std::io::ErrorKind::NotFound => {
            let names: Vec<&str> = query::SAVED.iter().map(|it| it.0).collect();
            Err(Error::new(Kind::Missing, format!("no saved question and no file {name}"))
                .hint(format!("saved are {}", names.join(", "))))
        }
        Err(it) => Err(Error::file("read", path, it)),
    }
}

fn list(ui: &mut Ui<'_>) -> Result<Answer> {
    let mut rows = Vec::new();
    for (name, sql) in query::SAVED {
        let header = Header::read(sql)?;
        let params = header.params.iter().map(|it| safe!("{}={}", it.name, it.default));
        rows.push(vec![(*name).into(), header.title.safe(), text::joined(params, " ")]);
    }
    ui.table(&["NAME", "QUESTION", "PARAMS"], &[], &rows)?;
    Ok(Answer::Yes)
}
