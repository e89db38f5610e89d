//! Saved questions: read the header, bind the params, run.
//!
//! A question is one SQL file that explains itself in its header. Params are a one-row table of typed
//! values, never text put into the SQL: an audit tool must not be injected by the name of an instance. The SQL stays
//! within what polars, DuckDB, Spark and Athena share.

use std::collections::HashSet;

use polars::prelude::*;
use polars::sql::SQLContext;

use crate::archive::Archive;
use crate::archive::Which;
use crate::archive::schema::COMMANDS;
use crate::archive::schema::LINES;
use crate::archive::schema::TABLES;
use crate::archive::schema::Table;
use crate::error::Error;
use crate::error::Kind;
use crate::error::Result;
use crate::notable;
use crate::secrets::Masker;
use crate::time::At;
use crate::transcript::commands::CommandKind;

/// The files of the folder `queries` by name, as a test holds: what they ask and take stands in the header of each.
macro_rules! saved {
    ($($name:literal,)*) => {
        &[$(($name, include_str!(concat!("../queries/", $name, ".sql"))),)*]
    };
}

/// The questions that come with the tool: name and text.
pub const SAVED: &[(&str, &str)] = saved![
    "became-root",
    "by-owner",
    "download-and-run",
    "first-time",
    "monthly-summary",
    "on-target",
    "one-target-only",
    "who-ran",
];

/// The view of the commands that ran: nothing that was typed and thrown away, and nothing that is only possible.
pub const RAN: &str = "ran";

/// Before the name of a table or view: all that the archive holds, whatever was asked for.
pub const ALL: &str = "all_";

/// What filters do and a param does not, and the filter's flag.
const FILTERS: [(&str, &str); 6] = [
    ("owner", "--owner"),
    ("target", "--target"),
    ("since", "--from"),
    ("from", "--from"),
    ("until", "--to"),
    ("to", "--to"),
];

/// What a param holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParamType {
    /// Any text.
    Text,
    /// A regular expression, checked before it is used.
    Regex,
    /// A day, an instant, or an age such as `30d`.
    Date,
    /// A number.
    Number,
}

/// One typed input of a question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Param {
    /// The param's name, as the SQL and the command line write it.
    pub name: String,
    /// What its value must be.
    pub holds: ParamType,
    /// Value that it has unless another is given, as text.
    pub default: String,
    /// What it is for, in words.
    pub means: String,
}

/// What the header of a question says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Header {
    /// What the question asks, in a few words.
    pub title: String,
    /// How bad a row of the answer is; `None` if the header does not say.
    pub severity: Option<String>,
    /// What a row of the answer tells, in a sentence or more.
    pub about: String,
    /// What to do with the answer; `None` if the header does not say.
    pub then: Option<String>,
    /// Inputs in the order of the header.
    pub params: Vec<Param>,
}

impl Header {
    /// Reads the comment lines at the top of a question.
    ///
    /// # Errors
    /// A key or a param type that is none.
    pub fn read(sql: &str) -> Result<Self> {
        let mut header = Self::default();
        let mut last = String::new();
        for (nth, line) in sql.lines().enumerate() {
            let Some(text) = line.trim().strip_prefix("--") else { break };
            let bad =
                |what: String| Error::misused(format!("line {} of the query: {what}", nth + 1));
            match text.split_once(':') {
                Some((key, value)) if !key.trim().is_empty() && !key.trim().contains(' ') => {
                    let value = value.trim();
                    last = key.trim().to_owned();
                    match last.as_str() {
                        "title" => header.title = value.to_owned(),
                        "severity" => header.severity = Some(value.to_owned()),
                        "about" => header.about = value.to_owned(),
                        "then" => header.then = Some(value.to_owned()),
                        "param" => header.params.push(param(value).map_err(bad)?),
                        other => return Err(bad(format!("{other:?} is no key of a header"))),
                    }
                }
                _ => {
                    let more = text.trim();
                    match last.as_str() {
                        "about" => header.about = format!("{} {more}", header.about),
                        "then" => header.then = header.then.map(|it| format!("{it} {more}")),
                        _ => {}
                    }
                }
            }
        }
        Ok(header)
    }
}

fn param(text: &str) -> std::result::Result<Param, String> {
    let mut words = text.split_whitespace();
    let (Some(name), Some(holds), Some(default)) = (words.next(), words.next(), words.next())
    else {
        return Err("a param is: name type default meaning".into());
    };
    let holds = match holds {
        "text" => ParamType::Text,
        "regex" => ParamType::Regex,
        "date" => ParamType::Date,
        "number" => ParamType::Number,
        other => return Err(format!("{other:?} is no type: text, regex, date or number")),
    };
    let default = default.trim_matches('"').to_owned();
    Ok(Param { name: name.to_owned(), holds, default, means: words.collect::<Vec<_>>().join(" ") })
}

/// A saved question by its name, as any engine can run it: where it names a rule of [`notable`], the rule's pattern stands,
/// so that a question and a report never differ in what they find.
pub fn saved(name: &str) -> Option<String> {
    let sql = SAVED.iter().find(|it| it.0 == name)?.1;
    let mut out = String::with_capacity(sql.len());
    let mut rest = sql;
    while let Some((before, behind)) = rest.split_once("{{") {
        let (id, after) = behind.split_once("}}")?;
        out.push_str(before);
        out.push_str(&format!("'{}'", notable::pattern(id)?.replace('\'', "''")));
        rest = after;
    }
    out.push_str(rest);
    Some(out)
}

/// Columns with text of the recorded machine. Secrets in them are masked before a question is asked: what a query makes of a text, and
/// what it finds by one, is then made of what may be shown.
const FOREIGN: [&str; 14] = [
    "command",
    "prompt",
    "evidence",
    "cwd",
    "host",
    "os_user",
    "locator",
    "text",
    "owner",
    "target",
    "run_as",
    "session_type",
    "region",
    "source",
];

/// Lines as they may be shown: each in its place, for the body of a private key is known by the line that begins it.
fn shown_lines(frame: LazyFrame, masker: &Masker) -> LazyFrame {
    let masker = masker.clone();
    let mask = move |column: Column| {
        let mut masker = masker.clone();
        let both = column.struct_()?.fields_as_series();
        let [keys, texts] = both.as_slice() else {
            polars_bail!(ComputeError: "a line has a session and a text");
        };
        let mut last: Option<String> = None;
        let mut out = Vec::with_capacity(texts.len());
        for (key, text) in keys.str()?.iter().zip(texts.str()?.iter()) {
            if last.as_deref() != key {
                masker.start();
                last = key.map(str::to_owned);
            }
            let shown = text.map(|it| masker.line(it).into_owned());
            out.push(shown.map(|it| masker.alone(&it).into_owned()));
        }
        Ok(StringChunked::from_iter_options(column.name().clone(), out.into_iter()).into_column())
    };
    let both = as_struct(vec![col("session_key"), col("text")]);
    let text = both.map(mask, |_, it| Ok(Field::new(it.name().clone(), DataType::String)));
    frame.with_column(text.alias("text"))
}

/// A table as it may be shown.
fn shown(frame: LazyFrame, table: &Table, masker: &Masker) -> LazyFrame {
    if masker.reveals() {
        return frame;
    }
    let is_lines = table.name == LINES.name;
    let frame = if is_lines { shown_lines(frame, masker) } else { frame };
    let foreign = table.columns.iter().filter(|it| FOREIGN.contains(&it.name));
    let foreign = foreign.filter(|it| !(is_lines && it.name == "text"));
    let masked = foreign.map(|it| {
        let masker = masker.clone();
        let mask = move |column: Column| {
            let mut masker = masker.clone();
            let texts = column.str()?.iter();
            let texts: Vec<Option<std::borrow::Cow<'_, str>>> =
                texts.map(|it| it.map(|it| masker.alone(it))).collect();
            let name = column.name().clone();
            Ok(StringChunked::from_iter_options(name, texts.into_iter()).into_column())
        };
        col(it.name).map(mask, |_, field| Ok(field.clone()))
    });
    frame.with_columns(masked.collect::<Vec<_>>())
}

/// Runs a question over what is asked for. `given` are params by name; `instant` reads a date relative to now. It sees what
/// `masker` shows.
///
/// # Errors
/// A param that the question does not have or that is not of its type; SQL that polars refuses.
pub fn run(
    archive: &Archive,
    sql: &str,
    which: &Which,
    given: &[(String, String)],
    masker: &Masker,
    instant: impl Fn(&str) -> Result<At>,
) -> Result<DataFrame> {
    let header = Header::read(sql)?;
    only_reads(sql)?;
    if let Some((name, _)) = given.iter().find(|it| !header.params.iter().any(|p| p.name == it.0)) {
        let names: Vec<&str> = header.params.iter().map(|it| it.name.as_str()).collect();
        let hint = match names.as_slice() {
            [] => "it takes no params".to_owned(),
            names => format!("its params: {}", names.join(", ")),
        };
        let hint = match FILTERS.iter().find(|it| it.0 == name) {
            Some((_, flag)) => format!("`{flag}` does that; {hint}"),
            None => hint,
        };
        return Err(Error::misused(format!("the query has no param {name}")).hint(hint));
    }
    let refuse = |it: PolarsError| {
        let text = it.to_string();
        Error::new(
            Kind::Misused,
            format!("the query cannot be run: {}", text.lines().next().unwrap_or("")),
        )
        .hint("`ssmtrail archive schema` prints the tables and their columns")
    };
    let mut columns = Vec::new();
    for param in &header.params {
        let value = given.iter().find(|it| it.0 == param.name).map_or(&param.default, |it| &it.1);
        columns.push(column(param, value, &instant)?);
    }
    let mut context = SQLContext::new();
    // What a query reads is checked before; a table whose name does not stand in it is not read.
    let text = sql.to_ascii_lowercase();
    let is_sign = |it: char| !it.is_alphanumeric() && it != '_';
    let words: HashSet<&str> = text.split(is_sign).collect();
    let everything = Which::default();
    let keys = archive.asked(which)?;
    for (before, which, keys) in [("", which, keys.as_ref()), (ALL, &everything, None)] {
        for table in TABLES {
            let ran = format!("{before}{RAN}");
            let asks_ran = table.name == COMMANDS.name && words.contains(ran.as_str());
            let name = format!("{before}{}", table.name);
            let frame = match words.contains(name.as_str()) || asks_ran {
                true => {
                    let frame = archive.scan_of(&table, which, keys).map_err(refuse)?;
                    shown(frame, &table, masker)
                }
                false => table.empty().lazy(),
            };
            if asks_ran {
                // What is not of a kind that ran is not in it, whatever kinds are yet to come.
                let kinds = CommandKind::RAN.iter().map(|it| col("kind").eq(lit(it.name())));
                let kinds = kinds.reduce(Expr::or);
                context.register(&ran, frame.clone().filter(kinds.unwrap_or(lit(false))));
            }
            context.register(&name, frame);
        }
    }
    if !columns.is_empty() {
        context.register("params", DataFrame::new(1, columns).map_err(refuse)?.lazy());
    }
    archive.guarded(|| context.execute(sql).and_then(LazyFrame::collect)).map_err(refuse)
}

/// Refuses what would change something: the archive is never changed by a question, so an answer would be none.
fn only_reads(sql: &str) -> Result<()> {
    let mut rest = sql.trim_start();
    loop {
        rest = match (rest.strip_prefix("--"), rest.strip_prefix("/*")) {
            (Some(it), _) => it.split_once('\n').map_or("", |it| it.1).trim_start(),
            (_, Some(it)) => it.split_once("*/").map_or("", |it| it.1).trim_start(),
            _ => break,
        };
    }
    let rest = rest.trim_start_matches(|it: char| it == '(' || it.is_whitespace());
    let word = rest.split(|it: char| !it.is_ascii_alphabetic()).next().unwrap_or_default();
    match word.to_ascii_uppercase().as_str() {
        "SELECT" | "WITH" | "FROM" | "VALUES" | "SHOW" | "EXPLAIN" => Ok(()),
        "" => Err(Error::misused("there is no SQL in the query")),
        word => Err(Error::misused(format!("a query only reads, and {word} does not"))
            .hint("begin with SELECT or WITH")),
    }
}

fn column(param: &Param, value: &str, instant: &impl Fn(&str) -> Result<At>) -> Result<Column> {
    let name: PlSmallStr = param.name.as_str().into();
    Ok(match param.holds {
        ParamType::Text => StringChunked::from_iter_values(name, [value].into_iter()).into_column(),
        ParamType::Regex => {
            regex::Regex::new(value).map_err(|_| {
                Error::misused(format!("param {}: {value:?} is no regular expression", param.name))
            })?;
            StringChunked::from_iter_values(name, [value].into_iter()).into_column()
        }
        ParamType::Date => {
            let at = instant(value)?.0;
            Int64Chunked::from_iter_values(name, [at].into_iter())
                .into_datetime(TimeUnit::Microseconds, Some(TimeZone::UTC))
                .into_column()
        }
        ParamType::Number => {
            let number: i64 = value.parse().map_err(|_| {
                Error::misused(format!("param {}: {value:?} is no whole number", param.name))
            })?;
            Int64Chunked::from_iter_values(name, [number].into_iter()).into_column()
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_saved_query_explains_itself_and_uses_the_params_it_declares() {
        for (name, sql) in SAVED {
            let header = Header::read(sql).unwrap();
            assert!(!header.title.is_empty() && header.about.ends_with('.'), "{name}");
            for param in &header.params {
                assert!(sql.contains(&format!("p.{}", param.name)), "{name} uses {}", param.name);
            }
            assert!(sql.trim_end().ends_with(';'), "{name} ends its statement");
        }
    }

    #[test]
    fn every_file_of_the_folder_is_saved() {
        let mut files: Vec<String> =
            std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/queries"))
                .unwrap()
                .map(|it| it.unwrap().path().file_stem().unwrap().to_string_lossy().into_owned())
                .collect();
        files.sort();
        let names: Vec<&str> = SAVED.iter().map(|it| it.0).collect();
        assert_eq!(files, names);
    }
}
