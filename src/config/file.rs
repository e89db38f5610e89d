//! The text of the file becomes settings, or the first thing that is wrong, with its line.

use std::ops::Range;
use std::path::PathBuf;

use toml_edit::Document;
use toml_edit::Item;
use toml_edit::TableLike;

use super::access::Access;
use super::access::Origin;
use super::access::Told;
use super::place::Place;
use crate::aws_names::AccountId;
use crate::error::Error;
use crate::error::Result;
use crate::time;

/// Name of the file, in the working folder or below the user's configuration folder.
pub const NAME: &str = "ssmtrail.toml";

/// One source, and how to reach it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceSpec {
    /// What the file calls it; `None` if it has no name there.
    pub name: Option<String>,
    /// Where its transcripts lie.
    pub place: Place,
    /// Where it was said.
    pub from: Origin,
    /// Its own settings alone.
    pub access: Access,
    /// Account of the sessions that are kept there, where the place does not tell.
    pub account: Option<String>,
    /// The bucket must belong to this account.
    pub bucket_owner: Option<String>,
    /// We pay for the requests ("Using Requester Pays buckets").
    pub requester_pays: bool,
    /// Read older versions of objects too.
    pub versions: bool,
}

impl SourceSpec {
    /// A place without settings of its own.
    pub fn of(place: Place, from: Origin) -> Self {
        Self {
            name: None,
            place,
            from,
            access: Access::default(),
            account: None,
            bucket_owner: None,
            requester_pays: false,
            versions: false,
        }
    }
}

/// The whole file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Config {
    /// Folder of the archive; `None` if the file names none.
    pub archive: Option<Told>,
    /// Settings for every source that has none of its own.
    pub access: Access,
    /// Each `[[source]]`, in the order of the file.
    pub sources: Vec<SourceSpec>,
    /// What the evidence is measured by.
    pub promise: PromiseSpec,
    /// Each `[[mute]]`, in the order of the file.
    pub mutes: Vec<MuteSpec>,
}

/// `[promise]`: a profile, and own numbers in place of its.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PromiseSpec {
    /// Profile that the other settings change; `None` leaves the default one.
    pub profile: Option<Told>,
    /// Days that evidence is kept; `None` leaves the profile's.
    pub retention_days: Option<i64>,
    /// Days that evidence stays at hand; `None` leaves the profile's.
    pub hot_days: Option<i64>,
    /// Days beyond which nothing is kept; `None` if that was not promised.
    pub max_days: Option<i64>,
    /// `no`, `governance` or `compliance`.
    pub worm: Option<Told>,
    /// Whether a customer managed key is asked for; `None` leaves the profile's.
    pub customer_key: Option<bool>,
    /// Minutes that a session may be idle; `None` leaves the profile's.
    pub idle_minutes: Option<i64>,
    /// Minutes that a session may last; `None` if that was not promised.
    pub max_session_minutes: Option<i64>,
    /// Account ids that may have a part in it, beside those surveyed.
    pub accounts: Vec<String>,
    /// Regions where evidence may lie; all if empty.
    pub regions: Vec<String>,
    /// ARNs of principals that start sessions.
    pub starters: Vec<String>,
    /// Each of its settings as it is written, and where.
    pub said: Vec<(String, Told)>,
}

/// `[[mute]]`: a finding that was accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MuteSpec {
    /// Id of the check.
    pub check: String,
    /// Pattern of the resource's ARN: `*` is any text.
    pub resource: String,
    /// Why the finding is accepted; never empty.
    pub reason: String,
    /// The last day on which it holds, as 2027-01-31.
    pub until: String,
    /// Where it was said.
    pub from: Origin,
}

impl Config {
    /// Reads the text of a configuration file; `name` is what it is called in messages.
    ///
    /// # Errors
    /// The first thing that is wrong, with its line, and the nearest word where one is misspelt.
    pub fn read(text: &str, name: &str) -> Result<Self> {
        let mut reader = FileReader { text, name, complaints: Vec::new() };
        let document = Document::parse(text).map_err(|it| {
            let line = reader.line(start(it.span()));
            Error::misused(format!("{name} line {line}: {}", it.message()))
        })?;
        let config = reader.section(document.as_table(), 0).config();
        match reader.complaints.into_iter().min_by_key(|it| it.0) {
            Some((_, first)) => Err(first),
            None => config.without_twins(),
        }
    }

    fn without_twins(self) -> Result<Self> {
        for (nth, one) in self.sources.iter().enumerate() {
            let Some(name) = &one.name else { continue };
            if let Some(before) = self.sources[..nth].iter().find(|it| it.name == one.name) {
                let why = format!("{}: {name} is the name of two sources", one.from);
                return Err(Error::misused(why).hint(format!("the other is at {}", before.from)));
            }
        }
        Ok(self)
    }
}

/// The text, and what was found wrong with it so far.
struct FileReader<'a> {
    text: &'a str,
    name: &'a str,
    /// Each with its place in the text.
    complaints: Vec<(usize, Error)>,
}

impl<'a> FileReader<'a> {
    fn line(&self, at: usize) -> usize {
        let before = self.text.as_bytes().iter().take(at);
        before.filter(|it| **it == b'\n').count() + 1
    }

    fn origin(&self, at: usize) -> Origin {
        Origin::File { name: self.name.to_owned(), line: self.line(at) }
    }

    /// Notes what is wrong there; what was read goes on with less, and is thrown away.
    fn complain(&mut self, at: usize, why: Error) {
        let what = format!("{}: {}", self.origin(at), why.what);
        self.complaints.push((at, Error { what, ..why }));
    }

    fn section<'r>(&'r mut self, table: &'r dyn TableLike, at: usize) -> Section<'r, 'a> {
        let sound = self.complaints.len();
        Section { reader: self, table, at, known: Vec::new(), sound }
    }
}

/// A table while it is read: a setting is asked for by its name, and what nobody asked for is no setting.
struct Section<'r, 'a> {
    reader: &'r mut FileReader<'a>,
    table: &'r dyn TableLike,
    /// Where it begins.
    at: usize,
    /// Names that were asked for.
    known: Vec<&'static str>,
    /// Complaints there were before it.
    sound: usize,
}

impl<'r> Section<'r, '_> {
    fn find(&mut self, key: &'static str) -> Option<(&'r Item, usize)> {
        self.known.push(key);
        let item = self.table.get(key)?;
        Some((item, self.at_key(key, item)))
    }

    fn at_key(&self, key: &str, item: &Item) -> usize {
        let span = self.table.get_key_value(key).and_then(|it| it.0.span());
        start(span.or_else(|| item.span()))
    }

    /// A text that has to be something, if it is there.
    fn checked<T>(&mut self, key: &'static str, read: impl FnOnce(Told) -> Result<T>) -> Option<T> {
        let (item, at) = self.find(key)?;
        let from = self.reader.origin(at);
        let read = match item.as_str() {
            Some(value) => read(Told { value: value.to_owned(), from }),
            None => Err(Error::misused(format!("{key} is a text, in quotes"))),
        };
        read.map_err(|it| self.reader.complain(at, it)).ok()
    }

    fn told(&mut self, key: &'static str) -> Option<Told> {
        self.checked(key, Ok)
    }

    fn text(&mut self, key: &'static str) -> Option<String> {
        self.checked(key, |it| Ok(it.value))
    }

    fn account(&mut self, key: &'static str) -> Option<String> {
        self.checked(key, |it| match AccountId::parse(&it.value) {
            Some(_) => Ok(it.value),
            None => Err(Error::misused(format!("{key} is an account: twelve digits in quotes"))),
        })
    }

    /// Another setting; `is` says in a message what it has to be.
    fn value<T>(
        &mut self,
        key: &'static str,
        is: &str,
        read: impl FnOnce(&Item) -> Option<T>,
    ) -> Option<T> {
        let (item, at) = self.find(key)?;
        let out = read(item);
        if out.is_none() {
            self.reader.complain(at, Error::misused(format!("{key} {is}")));
        }
        out
    }

    fn flag(&mut self, key: &'static str) -> Option<bool> {
        self.value(key, "is true or false", Item::as_bool)
    }

    fn number(&mut self, key: &'static str) -> Option<i64> {
        self.value(key, "is a whole number", |it| it.as_integer().filter(|it| *it >= 0))
    }

    fn list(&mut self, key: &'static str) -> Vec<String> {
        let texts = |it: &Item| {
            it.as_array()?.iter().map(|it| it.as_str().map(str::to_owned)).collect::<Option<_>>()
        };
        self.value(key, "is a list of texts: [\"…\"]", texts).unwrap_or_default()
    }

    /// Tables under one name, each begun in two brackets.
    fn each<T>(&mut self, key: &'static str, read: impl Fn(Section<'_, '_>) -> T) -> Vec<T> {
        let Some((item, at)) = self.find(key) else { return Vec::new() };
        let Some(tables) = item.as_array_of_tables() else {
            let why = format!("a {key} begins with [[{key}]], in two brackets");
            self.reader.complain(at, Error::misused(why));
            return Vec::new();
        };
        tables.iter().map(|it| read(self.reader.section(it, start(it.span())))).collect()
    }

    /// The one table under a name.
    fn one<T: Default>(&mut self, key: &'static str, read: impl Fn(Section<'_, '_>) -> T) -> T {
        let Some((item, at)) = self.find(key) else { return T::default() };
        if let Some(table) = item.as_table_like() {
            return read(self.reader.section(table, at));
        }
        self.reader.complain(at, Error::misused(format!("the {key} begins with [{key}]")));
        T::default()
    }

    /// Complains of settings that nobody asked for.
    fn end(&mut self) {
        for (key, item) in self.table.iter().filter(|it| !self.known.contains(&it.0)) {
            let hint = match nearest(key, &self.known) {
                Some(it) => format!("did you mean {it}?"),
                None => format!("the settings here are {}", self.known.join(", ")),
            };
            let why = Error::misused(format!("there is no setting {key}")).hint(hint);
            self.reader.complain(self.at_key(key, item), why);
        }
    }

    /// Notes what is wrong with the table as a whole, unless something in it is wrong already.
    fn complain(&mut self, why: Error) {
        if self.reader.complaints.len() == self.sound {
            self.reader.complain(self.at, why);
        }
    }

    fn config(mut self) -> Config {
        let out = Config {
            archive: self.told("archive"),
            sources: self.each("source", |it| it.source()),
            promise: self.one("promise", |it| it.promise()),
            mutes: self.each("mute", |it| it.mute()),
            access: self.access(),
        };
        self.end();
        out
    }

    fn access(&mut self) -> Access {
        Access {
            profile: self.told("profile"),
            region: self.told("region"),
            role_arn: self.told("role_arn"),
            external_id: self.told("external_id"),
            endpoint_url: self.told("endpoint_url"),
        }
    }

    fn source(mut self) -> SourceSpec {
        let name = self.text("name");
        let place = self.checked("place", |it| Place::parse(&it.value));
        let out = SourceSpec {
            name,
            account: self.account("account"),
            bucket_owner: self.account("bucket_owner"),
            requester_pays: self.flag("requester_pays").unwrap_or_default(),
            versions: self.flag("versions").unwrap_or_default(),
            access: self.access(),
            from: self.reader.origin(self.at),
            place: place.unwrap_or_else(|| Place::Folder(PathBuf::new())),
        };
        self.end();
        if self.table.get("place").is_none() {
            let why = Error::misused("this source has no place");
            self.complain(why.hint("place = \"s3://bucket/prefix\", \"logs:GROUP\" or a folder"));
        }
        out
    }

    fn promise(mut self) -> PromiseSpec {
        let out = PromiseSpec {
            profile: self.told("profile"),
            retention_days: self.number("retention_days"),
            hot_days: self.number("hot_days"),
            max_days: self.number("max_days"),
            worm: self.checked("worm", |it| match it.value.as_str() {
                "no" | "governance" | "compliance" => Ok(it),
                _ => Err(Error::misused("worm is no, governance or compliance")),
            }),
            customer_key: self.flag("customer_key"),
            idle_minutes: self.number("idle_minutes"),
            max_session_minutes: self.number("max_session_minutes"),
            accounts: self.list("accounts"),
            regions: self.list("regions"),
            starters: self.list("starters"),
            said: self.said(),
        };
        self.end();
        out
    }

    /// Each setting as it is written, and where.
    fn said(&self) -> Vec<(String, Told)> {
        let said = self.table.iter().map(|(key, item)| {
            let text = item.as_str().map(str::to_owned);
            let value = text.unwrap_or_else(|| item.to_string().trim().to_owned());
            (key.to_owned(), Told { value, from: self.reader.origin(self.at_key(key, item)) })
        });
        said.collect()
    }

    fn mute(mut self) -> MuteSpec {
        let texts = ["check", "resource", "reason", "until"].map(|it| (it, self.text(it)));
        self.end();
        // The day first, then as they stand.
        for (key, text) in texts.iter().cycle().skip(3).take(4) {
            let why = match (*key, text) {
                (key, None) => Error::misused(format!("this mute has no {key}"))
                    .hint("a mute has check, resource, reason and until"),
                ("until", Some(it)) if time::day(it).is_none() => {
                    Error::misused(format!("{it} is no day; until = \"2027-01-31\""))
                }
                ("reason", Some(it)) if it.trim().is_empty() => {
                    Error::misused("a mute without a reason is none")
                }
                _ => continue,
            };
            self.complain(why);
        }
        let [check, resource, reason, until] = texts.map(|it| it.1.unwrap_or_default());
        MuteSpec { check, resource, reason, until, from: self.reader.origin(self.at) }
    }
}

fn start(span: Option<Range<usize>>) -> usize {
    span.map_or(0, |it| it.start)
}

/// The known word that a misspelt one most likely means.
pub fn nearest<'a>(word: &str, known: &[&'a str]) -> Option<&'a str> {
    known
        .iter()
        .map(|it| (strsim::damerau_levenshtein(word, it), *it))
        .filter(|(far, it)| *far <= 1 + it.len() / 4)
        .min()
        .map(|(_, it)| it)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complaint(text: &str) -> String {
        let it = Config::read(text, NAME).unwrap_err();
        format!("{}; {}", it.what, it.hint.unwrap_or_default())
    }

    #[test]
    fn a_source_has_a_place_and_its_own_way_there() {
        let text = r#"
region = "eu-west-1"

[[source]]
name = "prod"
place = "s3://acme-session-logs/prod"
role_arn = "arn:aws:iam::111122223333:role/reader"
versions = true
"#;
        let config = Config::read(text, NAME).unwrap();
        let source = &config.sources[0];
        assert_eq!(source.place.to_string(), "s3://acme-session-logs/prod/");
        assert!(source.versions && !source.requester_pays);
        let access = source.access.or(&config.access);
        assert_eq!(access.region.unwrap().value, "eu-west-1");
        assert_eq!(access.role_arn.unwrap().from.to_string(), "ssmtrail.toml line 7");
    }

    #[test]
    fn a_typo_is_met_with_its_line_the_word_and_the_nearest_key() {
        let cases = [
            (
                "[[source]]\nplace = \"s3://a\"\nregoin = \"x\"\n",
                "ssmtrail.toml line 3: there is no setting regoin; did you mean region?",
            ),
            (
                "\narchiv = \"x\"\n",
                "ssmtrail.toml line 2: there is no setting archiv; did you mean archive?",
            ),
            (
                "[[source]]\nplace = \"s3://a\"\nversions = \"yes\"\n",
                "ssmtrail.toml line 3: versions is true or false; ",
            ),
            (
                "[[source]]\nname = \"x\"\n",
                "ssmtrail.toml line 1: this source has no place; place = \"s3://bucket/prefix\", \"logs:GROUP\" or a folder",
            ),
            (
                "[source]\nplace = \"s3://a\"\n",
                "ssmtrail.toml line 1: a source begins with [[source]], in two brackets; ",
            ),
            (
                "[[source]]\nplace = \"logs:\"\n",
                "ssmtrail.toml line 2: logs: is no place: it names no log group; a place is written like logs:/aws/ssm/sessions",
            ),
            (
                "[[source]]\nplace = \"s3://a\"\naccount = \"12\"\n",
                "ssmtrail.toml line 3: account is an account: twelve digits in quotes; ",
            ),
        ];
        for (text, wanted) in cases {
            assert_eq!(complaint(text), wanted);
        }
        assert!(complaint("a = \n").starts_with("ssmtrail.toml line 1: "));
    }
}
