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

/// Keys of `[promise]`.
const PROMISE_KEYS: [&str; 11] = [
    "profile",
    "retention_days",
    "hot_days",
    "max_days",
    "worm",
    "customer_key",
    "idle_minutes",
    "max_session_minutes",
    "accounts",
    "regions",
    "starters",
];

/// Keys of a mute.
const MUTE_KEYS: [&str; 4] = ["check", "resource", "reason", "until"];

/// Keys of a source beside those of [`Access`].
const SOURCE_KEYS: [&str; 6] =
    ["name", "place", "account", "bucket_owner", "requester_pays", "versions"];

impl Config {
    /// Reads the text of a configuration file; `name` is what it is called in messages.
    ///
    /// # Errors
    /// The first thing that is wrong, with its line, and the nearest word where one is misspelt.
    pub fn read(text: &str, name: &str) -> Result<Self> {
        let reader = FileReader { text, name };
        let document = Document::parse(text).map_err(|it| {
            let line = reader.line(it.span());
            Error::misused(format!("{name} line {line}: {}", it.message()))
        })?;
        let mut config = Self::default();
        for (key, item) in document.as_table().iter() {
            let at = reader.at(document.as_table(), key, item);
            if key == "archive" {
                config.archive = Some(reader.told(key, item, &at)?);
            } else if let Some(slot) = config.access.slot(key) {
                *slot = Some(reader.told(key, item, &at)?);
            } else if key == "source" {
                let Some(tables) = item.as_array_of_tables() else {
                    return Err(
                        reader.wrong(&at, "a source begins with [[source]], in two brackets")
                    );
                };
                for table in tables {
                    config.sources.push(reader.source(table, &reader.origin(table.span()))?);
                }
            } else if key == "promise" {
                let Some(table) = item.as_table_like() else {
                    return Err(reader.wrong(&at, "the promise begins with [promise]"));
                };
                config.promise = reader.promise(table)?;
            } else if key == "mute" {
                let Some(tables) = item.as_array_of_tables() else {
                    return Err(reader.wrong(&at, "a mute begins with [[mute]], in two brackets"));
                };
                for table in tables {
                    config.mutes.push(reader.mute(table, &reader.origin(table.span()))?);
                }
            } else {
                let known =
                    ["archive", "source", "promise", "mute"].into_iter().chain(Access::KEYS);
                return Err(reader.unknown(key, &at, known));
            }
        }
        for (nth, one) in config.sources.iter().enumerate() {
            let twice =
                config.sources[..nth].iter().find(|it| it.name.is_some() && it.name == one.name);
            if let (Some(before), Some(twin)) = (twice, &one.name) {
                return Err(reader
                    .wrong(&one.from, &format!("{twin} is the name of two sources"))
                    .hint(format!("the other is at {}", before.from)));
            }
        }
        Ok(config)
    }
}

struct FileReader<'a> {
    text: &'a str,
    name: &'a str,
}

impl FileReader<'_> {
    fn line(&self, span: Option<Range<usize>>) -> usize {
        let end = span.map_or(0, |it| it.start).min(self.text.len());
        self.text.as_bytes()[..end].iter().filter(|it| **it == b'\n').count() + 1
    }

    fn origin(&self, span: Option<Range<usize>>) -> Origin {
        Origin::File { name: self.name.to_owned(), line: self.line(span) }
    }

    fn at(&self, table: &dyn TableLike, key: &str, item: &Item) -> Origin {
        let key = table.get_key_value(key).and_then(|it| it.0.span());
        self.origin(key.or_else(|| item.span()))
    }

    fn wrong(&self, at: &Origin, why: &str) -> Error {
        Error::misused(format!("{at}: {why}"))
    }

    fn unknown<'k>(&self, key: &str, at: &Origin, known: impl Iterator<Item = &'k str>) -> Error {
        let known: Vec<&str> = known.collect();
        let error = self.wrong(at, &format!("there is no setting {key}"));
        match nearest(key, &known) {
            Some(it) => error.hint(format!("did you mean {it}?")),
            None => error.hint(format!("the settings here are {}", known.join(", "))),
        }
    }

    fn told(&self, key: &str, item: &Item, at: &Origin) -> Result<Told> {
        match item.as_str() {
            Some(value) => Ok(Told { value: value.to_owned(), from: at.clone() }),
            None => Err(self.wrong(at, &format!("{key} is a text, in quotes"))),
        }
    }

    fn promise(&self, table: &dyn TableLike) -> Result<PromiseSpec> {
        let mut out = PromiseSpec::default();
        for (key, item) in table.iter() {
            let at = self.at(table, key, item);
            let number = || match item.as_integer() {
                Some(it) if it >= 0 => Ok(Some(it)),
                _ => Err(self.wrong(&at, &format!("{key} is a whole number"))),
            };
            let list = || {
                let texts = item.as_array().and_then(|it| {
                    it.iter().map(|it| it.as_str().map(str::to_owned)).collect::<Option<Vec<_>>>()
                });
                texts.ok_or_else(|| self.wrong(&at, &format!("{key} is a list of texts: [\"…\"]")))
            };
            match key {
                "profile" => out.profile = Some(self.told(key, item, &at)?),
                "retention_days" => out.retention_days = number()?,
                "hot_days" => out.hot_days = number()?,
                "max_days" => out.max_days = number()?,
                "worm" => {
                    let told = self.told(key, item, &at)?;
                    if !["no", "governance", "compliance"].contains(&told.value.as_str()) {
                        return Err(self.wrong(&at, "worm is no, governance or compliance"));
                    }
                    out.worm = Some(told);
                }
                "customer_key" => {
                    let flag = item.as_bool();
                    let wrong = || self.wrong(&at, "customer_key is true or false");
                    out.customer_key = Some(flag.ok_or_else(wrong)?);
                }
                "idle_minutes" => out.idle_minutes = number()?,
                "max_session_minutes" => out.max_session_minutes = number()?,
                "accounts" => out.accounts = list()?,
                "regions" => out.regions = list()?,
                "starters" => out.starters = list()?,
                _ => return Err(self.unknown(key, &at, PROMISE_KEYS.into_iter())),
            }
            let value = item.as_str().map_or_else(|| item.to_string().trim().into(), str::to_owned);
            out.said.push((key.to_owned(), Told { value, from: at }));
        }
        Ok(out)
    }

    fn mute(&self, table: &toml_edit::Table, from: &Origin) -> Result<MuteSpec> {
        for (key, item) in table.iter() {
            if !MUTE_KEYS.contains(&key) {
                let at = self.at(table, key, item);
                return Err(self.unknown(key, &at, MUTE_KEYS.into_iter()));
            }
        }
        let text = |key: &str| match table.get(key) {
            Some(item) => Ok(self.told(key, item, &self.at(table, key, item))?.value),
            None => Err(self
                .wrong(from, &format!("this mute has no {key}"))
                .hint("a mute has check, resource, reason and until")),
        };
        let until = text("until")?;
        if chrono::NaiveDate::parse_from_str(&until, "%Y-%m-%d").is_err() {
            return Err(self.wrong(from, &format!("{until} is no day; until = \"2027-01-31\"")));
        }
        let (check, resource, reason) = (text("check")?, text("resource")?, text("reason")?);
        if reason.trim().is_empty() {
            return Err(self.wrong(from, "a mute without a reason is none"));
        }
        Ok(MuteSpec { check, resource, reason, until, from: from.clone() })
    }

    fn source(&self, table: &toml_edit::Table, at: &Origin) -> Result<SourceSpec> {
        let mut place = None;
        let mut spec = SourceSpec::of(Place::Folder(PathBuf::new()), at.clone());
        for (key, item) in table.iter() {
            let at = self.at(table, key, item);
            let flag = || {
                item.as_bool().ok_or_else(|| self.wrong(&at, &format!("{key} is true or false")))
            };
            let account = || -> Result<Option<String>> {
                let it = self.told(key, item, &at)?.value;
                if AccountId::parse(&it).is_some() {
                    return Ok(Some(it));
                }
                Err(self.wrong(&at, &format!("{key} is an account: twelve digits in quotes")))
            };
            match key {
                "place" => {
                    let text = self.told(key, item, &at)?.value;
                    place = Some(
                        Place::parse(&text)
                            .map_err(|it| Error { what: format!("{at}: {}", it.what), ..it })?,
                    );
                }
                "name" => spec.name = Some(self.told(key, item, &at)?.value),
                "account" => spec.account = account()?,
                "bucket_owner" => spec.bucket_owner = account()?,
                "requester_pays" => spec.requester_pays = flag()?,
                "versions" => spec.versions = flag()?,
                _ => match spec.access.slot(key) {
                    Some(slot) => *slot = Some(self.told(key, item, &at)?),
                    None => {
                        let known = SOURCE_KEYS.into_iter().chain(Access::KEYS);
                        return Err(self.unknown(key, &at, known));
                    }
                },
            }
        }
        spec.place = place.ok_or_else(|| {
            self.wrong(at, "this source has no place")
                .hint("place = \"s3://bucket/prefix\", \"logs:GROUP\" or a folder")
        })?;
        Ok(spec)
    }
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
