//! What a person settled beforehand: the sources, how to reach them, where the archive is.
//!
//! Text in, settings out, each with where it was said, so that `config show` can tell and a typo is met with its line, the
//! word and the nearest one that exists. Arguments win over the environment, the environment over the file. No files are
//! opened here.

use std::fmt;
use std::ops::Range;
use std::path::PathBuf;

use toml_edit::Document;
use toml_edit::Item;
use toml_edit::TableLike;

use crate::aws_names::AccountId;
use crate::aws_names::Arn;
use crate::aws_names::Home;
use crate::aws_names::Partition;
use crate::aws_names::without_any_stream;
use crate::error::Error;
use crate::error::Result;

/// Name of the file, in the working folder or below the user's configuration folder.
pub const NAME: &str = "ssmtrail.toml";

/// Where a setting was said. Later ones are stronger.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// Line of the file, from 1.
    File {
        /// The file as messages show it.
        name: String,
        /// Line in it, from 1.
        line: usize,
    },
    /// Name of the variable.
    Environment(&'static str),
    /// The command line.
    Argument,
}

impl fmt::Display for Origin {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { name, line } => write!(out, "{name} line {line}"),
            Self::Environment(name) => write!(out, "{name}"),
            Self::Argument => out.write_str("the command line"),
        }
    }
}

/// A text and where it was said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// The setting, as text.
    pub value: String,
    /// Where it was said.
    pub from: Origin,
}

/// How AWS is reached. What is not said is left to the SDK's own chain: environment, profiles, single sign-on, roles of
/// instances and containers ("AWS SDKs and Tools: standardized credential providers").
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Access {
    /// AWS profile, as the shared config and credentials files name it.
    pub profile: Option<Told>,
    /// Region to ask in.
    pub region: Option<Told>,
    /// ARN of the IAM role to assume first.
    pub role_arn: Option<Told>,
    /// External id that AssumeRole is called with.
    pub external_id: Option<Told>,
    /// URL that is asked in place of the service's own endpoint.
    pub endpoint_url: Option<Told>,
}

impl Access {
    /// These settings as the file writes them.
    pub const KEYS: [&'static str; 5] =
        ["profile", "region", "role_arn", "external_id", "endpoint_url"];

    /// The settings by name, in the order of [`Self::KEYS`].
    pub fn each(&self) -> [(&'static str, &Option<Told>); 5] {
        [
            ("profile", &self.profile),
            ("region", &self.region),
            ("role_arn", &self.role_arn),
            ("external_id", &self.external_id),
            ("endpoint_url", &self.endpoint_url),
        ]
    }

    /// Whether both lead the same way, whoever said so.
    pub(crate) fn reaches_like(&self, other: &Self) -> bool {
        let values = |it: &Self| it.each().map(|it| it.1.as_ref().map(|it| it.value.clone()));
        values(self) == values(other)
    }

    fn slot(&mut self, key: &str) -> Option<&mut Option<Told>> {
        Some(match key {
            "profile" => &mut self.profile,
            "region" => &mut self.region,
            "role_arn" => &mut self.role_arn,
            "external_id" => &mut self.external_id,
            "endpoint_url" => &mut self.endpoint_url,
            _ => return None,
        })
    }

    /// What is said here, and where nothing is, there.
    #[must_use]
    pub fn or(&self, there: &Self) -> Self {
        let pick = |one: &Option<Told>, other: &Option<Told>| one.clone().or_else(|| other.clone());
        // An external id belongs to its role.
        let external_id = match (&self.role_arn, &self.external_id) {
            (Some(_), it) | (None, it @ Some(_)) => it.clone(),
            (None, None) => there.external_id.clone(),
        };
        Self {
            profile: pick(&self.profile, &there.profile),
            region: pick(&self.region, &there.region),
            role_arn: pick(&self.role_arn, &there.role_arn),
            external_id,
            endpoint_url: pick(&self.endpoint_url, &there.endpoint_url),
        }
    }
}

/// A place, as it is written on the command line and in the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// `s3://bucket/prefix`. The prefix is empty or ends with `/`.
    S3 {
        /// The bucket's name, without its ARN.
        bucket: String,
        /// What the keys begin with; empty or ending with `/`.
        prefix: String,
    },
    /// `logs:GROUP`, or `logs:` and the group's ARN.
    Logs {
        /// The log group's name, without its ARN.
        group: String,
        /// Account id that the ARN holds; `None` if the place is a mere name.
        account: Option<String>,
        /// Region that the ARN holds; `None` if the place is a mere name.
        region: Option<String>,
    },
    /// A folder or file.
    Folder(PathBuf),
}

impl Place {
    /// Reads a place.
    ///
    /// ```
    /// use ssmtrail::config::Place;
    /// let place = Place::parse("s3://acme-session-logs/prod").unwrap();
    /// assert_eq!(place.to_string(), "s3://acme-session-logs/prod/");
    /// let arn = "logs:arn:aws:logs:eu-west-1:111122223333:log-group:/aws/ssm/sessions:*";
    /// assert_eq!(Place::parse(arn).unwrap().to_string(), "logs:/aws/ssm/sessions");
    /// assert!(Place::parse("s3://").is_err());
    /// ```
    ///
    /// # Errors
    /// When the text names no bucket or log group, or an ARN of something else.
    pub fn parse(text: &str) -> Result<Self> {
        let wrong = |why: &str, like: &str| {
            Err(Error::misused(format!("{text} is no place: {why}"))
                .hint(format!("a place is written like {like}")))
        };
        let s3 = match text.strip_prefix("s3://") {
            Some(rest) => Some(rest.split_once('/').unwrap_or((rest, ""))),
            None => Arn::parse(text).and_then(Arn::bucket),
        };
        if let Some((bucket, prefix)) = s3 {
            if bucket.is_empty() {
                return wrong("it names no bucket", "s3://bucket/prefix");
            }
            let slash = if prefix.is_empty() || prefix.ends_with('/') { "" } else { "/" };
            return Ok(Self::S3 { bucket: bucket.into(), prefix: format!("{prefix}{slash}") });
        }
        let of_logs = |it: &&str| Arn::is_begun(it) && it.contains(":logs:");
        if let Some(rest) = text.strip_prefix("logs:").or(Some(text).filter(of_logs)) {
            let like = "logs:/aws/ssm/sessions";
            let (group, account, region) = if Arn::is_begun(rest) {
                let arn = Arn::parse(without_any_stream(rest)).filter(|it| it.service == "logs");
                let named = arn.and_then(|it| Some((it, it.resource.strip_prefix("log-group:")?)));
                let Some((arn, group)) = named else {
                    return wrong("it is not the ARN of a log group", like);
                };
                (group, Some(arn.account.to_owned()), Some(arn.region.to_owned()))
            } else {
                (rest, None, None)
            };
            if group.is_empty() {
                return wrong("it names no log group", like);
            }
            return Ok(Self::Logs { group: group.into(), account, region });
        }
        if Arn::is_begun(text) {
            let like = Partition::AWS.bucket("bucket");
            return wrong("an ARN of neither a bucket nor a log group", &like);
        }
        Ok(Self::Folder(text.into()))
    }
}

impl fmt::Display for Place {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::S3 { bucket, prefix } => write!(out, "s3://{bucket}/{prefix}"),
            Self::Logs { group, .. } => write!(out, "logs:{group}"),
            Self::Folder(it) => write!(out, "{}", it.display()),
        }
    }
}

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

/// One destination of sessions that was found, and everything that names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Learned {
    /// Where sessions go.
    pub place: Place,
    /// AWS profile that reaches it; `None` if none was named.
    pub profile: Option<String>,
    /// ARN of the role that reaches it; `None` if none is assumed.
    pub role_arn: Option<String>,
    /// External id for that role; `None` without a role, or if none is asked for.
    pub external_id: Option<String>,
    /// What named it, in words.
    pub from: Vec<String>,
}

/// A configuration with what was learned added to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Merged {
    /// The whole file, as it is to be written.
    pub text: String,
    /// Places that were not there before.
    pub added: Vec<String>,
    /// Places that are configured already.
    pub known: Vec<String>,
    /// Places that somebody has commented out.
    pub declined: Vec<String>,
}

const HEADER: &str = "\
# Sources of session transcripts, for ssmtrail. `ssmtrail init` adds what it finds and changes nothing else: edit freely.
# To leave a source out, put # before its lines rather than delete them, so that it is not added again.
#
# Settings of a source: place, name, region, profile, role_arn, external_id, endpoint_url, account (of its sessions, where the
# place does not tell), bucket_owner, requester_pays, versions. Those of the way to AWS may also stand above all sources.
# `[promise]` says what `ssmtrail verify` measures by, `[[mute]]` what was accepted, why and until when.
# `archive = \"DIR\"` names the folder of the archive. `ssmtrail config show` tells what is in force, and from where.
";

/// Adds what was learned to the text of a configuration, behind everything that is there.
///
/// # Errors
/// The text is no sound configuration; nothing can be added to it safely.
pub fn merge(text: &str, name: &str, learned: &[Learned], today: &str) -> Result<Merged> {
    let config = Config::read(text, name)?;
    let begun = if text.trim().is_empty() { HEADER } else { text };
    let mut out = Merged {
        text: begun.to_owned(),
        added: Vec::new(),
        known: Vec::new(),
        declined: Vec::new(),
    };
    if !out.text.ends_with('\n') {
        out.text.push('\n');
    }
    let quoted = |text: &str| toml_edit::Value::from(text).to_string();
    for it in learned {
        let written = it.written();
        let place = quoted(&written);
        let declined = text.lines().any(|line| {
            line.trim_start().starts_with('#')
                && line.contains(place.trim())
                && line.contains("place")
        });
        if config.sources.iter().any(|one| it.is(one)) {
            out.known.push(written);
            continue;
        }
        if declined {
            out.declined.push(written);
            continue;
        }
        out.text.push('\n');
        for (nth, from) in it.from.iter().enumerate() {
            let words = if nth == 0 { format!("learned {today} from") } else { "and from".into() };
            let from: String = from.chars().filter(|it| !it.is_control()).collect();
            out.text.push_str(&format!("# {words} {from}\n"));
        }
        out.text.push_str(&format!("[[source]]\nplace = {}\n", place.trim()));
        let settings = [
            ("profile", &it.profile),
            ("role_arn", &it.role_arn),
            ("external_id", &it.external_id),
        ];
        for (key, value) in settings {
            if let Some(value) = value {
                out.text.push_str(&format!("{key} = {}\n", quoted(value).trim()));
            }
        }
        out.added.push(written);
    }
    // What was written must be what was meant.
    Config::read(&out.text, name)?;
    Ok(out)
}

impl Learned {
    /// The place with all that is known of it: a log group as its ARN.
    pub fn written(&self) -> String {
        match &self.place {
            Place::Logs { group, account: Some(account), region: Some(region) } => {
                format!("logs:{}", Home::new(region, account).log_group(group))
            }
            it => it.to_string(),
        }
    }

    /// Whether a configured source reads this place.
    fn is(&self, one: &SourceSpec) -> bool {
        match (&self.place, &one.place) {
            (
                Place::Logs { group, account, region },
                Place::Logs { group: theirs, account: their_account, region: their_region },
            ) => {
                let told = one.access.region.as_ref().map(|it| &it.value);
                let fits = |ours: &Option<String>, theirs: Option<&String>| {
                    theirs.is_none() || ours.as_ref() == theirs
                };
                group == theirs
                    && fits(account, their_account.as_ref())
                    && fits(region, their_region.as_ref().or(told))
                    && (their_account.is_some()
                        || self.role_arn.as_ref()
                            == one.access.role_arn.as_ref().map(|it| &it.value))
            }
            (one, other) => one == other,
        }
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

    #[test]
    fn an_external_id_never_goes_with_another_role() {
        let told = |value: &str| Some(Told { value: value.into(), from: Origin::Argument });
        let file = Access { role_arn: told("a"), external_id: told("x"), ..Access::default() };
        let arguments = Access { role_arn: told("b"), ..Access::default() };
        let both = arguments.or(&file);
        assert_eq!((both.role_arn, both.external_id), (told("b"), None));
        assert_eq!(Access::default().or(&file), file);
    }

    #[test]
    fn what_was_learned_is_added_behind_and_no_edit_is_lost() {
        let learned = |place: &str, from: &str| Learned {
            place: Place::parse(place).unwrap(),
            profile: None,
            role_arn: Some("arn:aws:iam::1:role/r".into()),
            external_id: None,
            from: vec![from.into(), "another\nplace".into()],
        };
        let bucket = learned("s3://acme/prod", "the preferences");
        let group = learned("logs:arn:aws:logs:eu-west-1:111122223333:log-group:/s", "a cluster");
        let first = merge("", NAME, &[bucket.clone(), group.clone()], "2026-11-23").unwrap();
        assert!(first.text.starts_with("# Sources of session transcripts"));
        assert!(first.text.ends_with(
            "\n# learned 2026-11-23 from a cluster\n# and from anotherplace\n[[source]]\nplace = \"logs:arn:aws:logs:eu-west-1:111122223333:log-group:/s\"\nrole_arn = \"arn:aws:iam::1:role/r\"\n"
        ));
        assert_eq!((first.added.len(), first.known.len()), (2, 0));
        // Edited by hand: a name given, one source commented out.
        let edited = first.text.replace(
            "place = \"s3://acme/prod/\"",
            "place = \"s3://acme/prod/\" # ours\nname = \"prod\"",
        );
        let at = edited.rfind("[[source]]").unwrap();
        let off: String = edited[at..].lines().map(|it| format!("# {it}\n")).collect();
        let edited = format!("{}{off}", &edited[..at]);
        let again = merge(&edited, NAME, &[bucket, group], "2026-12-01").unwrap();
        assert_eq!(again.text, edited);
        assert_eq!((again.added.len(), again.known.len(), again.declined.len()), (0, 1, 1));
        assert!(merge("x =", NAME, &[], "2026-11-23").is_err());
    }
}
