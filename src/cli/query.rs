//! `query`: a saved question, a file, or any SQL.

use clap::Args;

use super::answer::Answer;
use super::filters::Filters;
use super::filters::tell_owners;
use super::filters::tell_window;
use super::formats::FormatName;
use super::formats::checked;
use super::run::Run;
use crate::error::Error;
use crate::error::Kind;
use crate::error::Result;
use crate::query;
use crate::query::Header;
use crate::render::Rows;
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
    masking: super::masking::Masking,

    /// How to write the rows
    #[arg(long, value_name = "FORMAT", default_value = "table")]
    format: FormatName,
}

impl Query {
    pub(super) fn run(self, run: &mut Run<'_, '_>) -> Result<Answer> {
        if self.list {
            return list(run);
        }
        let sql = match (&self.sql, &self.name) {
            (Some(sql), _) => sql.clone(),
            (None, Some(name)) => find(name)?,
            (None, None) => return Err(Error::misused("no question was asked")),
        };
        if self.show {
            // The person's own file or ours: still no byte reaches a terminal raw.
            run.ui.text(text::visible_lines(&sql))?;
            return Ok(Answer::Yes);
        }
        let format = checked(self.format, run.world)?;
        let given = self
            .param
            .iter()
            .map(|it| match it.split_once('=') {
                Some((name, value)) => Ok((name.to_owned(), value.to_owned())),
                None => Err(Error::misused(format!("{it:?} gives a param no value"))
                    .hint("write --param NAME=VALUE")),
            })
            .collect::<Result<Vec<_>>>()?;
        let archive = run.archive()?;
        let (now, zone) = (run.world.now, run.ui.zone);
        let which = self.filters.which(now, zone)?;
        tell_window(run.ui, which.window);
        tell_owners(run.ui, &archive, &which)?;
        let mut masker = self.masking.masker(run, &archive, "query", super::masking::Shown::Any)?;
        let frame =
            query::run(&archive, &sql, &which, &given, &masker, |it| time::instant(it, now, zone))?;
        let (frame, left_out) = crate::masking::frame(&mut masker, &frame)?;
        let mut rows = Rows::new("rows", format, &[]);
        if frame.height() > 0 {
            rows.write(run.ui, &frame)?;
        }
        let many = rows.finish(run.ui, &frame)?;
        let damages = archive.damages();
        run.tell(&damages);
        super::masking::tell(run, &masker);
        if left_out {
            run.ui.note("note: bytes cannot be masked and are left out; --reveal shows them");
        }
        if many == 0 {
            run.ui.note("no rows");
        }
        Ok(Answer::found(many > 0).with(&damages))
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

fn list(run: &mut Run<'_, '_>) -> Result<Answer> {
    let mut rows = Vec::new();
    for (name, sql) in query::SAVED {
        let header = Header::read(sql)?;
        let params = header.params.iter().map(|it| safe!("{}={}", it.name, it.default));
        rows.push(vec![(*name).into(), header.title.safe(), text::joined(params, " ")]);
    }
    run.ui.table(&["NAME", "QUESTION", "PARAMS"], &[], &rows)?;
    Ok(Answer::Yes)
}
