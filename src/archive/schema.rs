//! The tables of the archive, column by column. The only place that names columns.
//!
//! The archive is a public interface: other engines read these Parquet files as they are. So each column says
//! what it means, `archive schema` prints this file's words, and a column may be added but never renamed or
//! given another meaning. Instants are UTC microseconds. Unknown is null. Rows of one session stand together.

use std::borrow::Cow;

use polars::prelude::*;
use serde::Serialize;
use serde::Serializer;

use super::value::ListItem;
use super::value::Named;
use super::value::NullIfEmpty;
pub use super::value::Type;
use super::value::Value;
use super::value::Word;
use crate::audit::Severity;
use crate::audit::Verdict;
use crate::time::At;
use crate::transcript::commands::CommandFlaw;
use crate::transcript::commands::CommandKind;
use crate::transcript::commands::Evidence;
use crate::transcript::decoder::FlawKind;
use crate::transcript::wire::Form;

/// One column and what it means.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    /// The column's name in the Parquet files.
    pub name: &'static str,
    /// Type of the column's values.
    pub holds: Type,
    /// What the column tells, in words that `archive schema` prints.
    pub means: &'static str,
    /// How its values are handled.
    pub handling: &'static [Handling],
}

/// How the values of a column are handled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Handling {
    /// Machine formats of `sessions` and `search` have it. Columns are added, never renamed.
    Listed,
    /// The recorded machine may have said it: secrets in it are masked before it is shown. A session's own row keeps its id and where its
    /// transcript lay: by these it is asked for, and its bytes are found.
    Foreign,
    /// Only the archive itself needs it: no form of `export` has it.
    Inner,
}

impl Column {
    /// Whether its values are handled so.
    pub fn is(&self, how: Handling) -> bool {
        self.handling.contains(&how)
    }
}

/// One table.
#[derive(Clone, Copy, Debug)]
pub struct Table {
    /// The table's name, which its folder in the archive has too.
    pub name: &'static str,
    /// What one row stands for, in words that `archive schema` prints.
    pub about: &'static str,
    /// The columns in the order of the files.
    pub columns: &'static [Column],
}

impl Table {
    /// The columns as a polars schema, in the same order.
    pub fn schema(&self) -> Schema {
        self.columns.iter().map(|it| Field::new(it.name.into(), it.holds.of_polars())).collect()
    }

    /// Names of the columns that are handled so, in the order of the files.
    pub fn handled(&self, how: Handling) -> Vec<&'static str> {
        self.columns.iter().filter(|it| it.is(how)).map(|it| it.name).collect()
    }

    /// A data frame with all columns of the table and without rows.
    pub fn empty(&self) -> DataFrame {
        DataFrame::empty_with_schema(&self.schema())
    }
}

/// Words that a column holds, of an enum that has `ALL` and `name` of its own.
macro_rules! named {
    ($($type:ty,)*) => {
        $(impl Named for $type {
            const ALL: &'static [Self] = &<$type>::ALL;
            fn name(self) -> &'static str {
                <$type>::name(self)
            }
        })*
    };
}

named! { CommandKind, CommandFlaw, FlawKind, Form, }

impl Named for Severity {
    const ALL: &'static [Self] = &Self::ALL;
    fn name(self) -> &'static str {
        self.word()
    }
}

impl Named for Verdict {
    const ALL: &'static [Self] =
        &[Self::Fail, Self::Unknown, Self::Pass, Self::Info, Self::NotApplicable];
    fn name(self) -> &'static str {
        match self {
            Self::NotApplicable => "not_applicable",
            it => it.word(),
        }
    }
}

/// Declares an enum and the words that stand for its values in a column.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$about:meta])* $value:ident = $word:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $name {
            $($(#[$about])* $value,)*
        }

        impl Named for $name {
            const ALL: &'static [Self] = &[$(Self::$value),*];
            fn name(self) -> &'static str {
                match self {
                    $(Self::$value => $word,)*
                }
            }
        }
    };
}

words! {
    /// What told who started a session.
    OwnerFrom {
        /// An event of its stream.
        Event = "event",
        /// The part of its id before the last hyphen: a hint and no proof.
        SessionId = "session-id",
    }
}

words! {
    /// What told the best known time of a session.
    AtFrom {
        /// Its first event.
        Event = "event",
        /// The transcript's own header.
        Header = "header",
        /// When the object was stored.
        Stored = "stored",
    }
}

words! {
    /// What a line of a session is.
    LineKind {
        /// What a program wrote.
        Output = "output",
        /// Typed behind a prompt.
        Input = "input",
        /// On the screen of a full-screen program.
        Screen = "screen",
        /// An older version of a repainted row.
        Overwritten = "overwritten",
    }
}

words! {
    /// What a row of a survey is about.
    SurveyPart {
        /// Who asked, and what could not be begun.
        Head = "survey",
        /// One Region of one account.
        Corner = "corner",
        /// A log group.
        Group = "group",
        /// A bucket.
        Bucket = "bucket",
        /// A key.
        Key = "key",
        /// An account.
        Account = "account",
        /// A role that sessions run with.
        Role = "role",
        /// A role that starts sessions.
        Starter = "starter",
        /// When transcripts of a target last came.
        Arrival = "arrival",
    }
}

/// A flaw as the row of a session names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionFlaw {
    /// What is wrong.
    pub kind: Word<FlawKind>,
    /// What stands behind `@`: where the copies of the session begin to differ, as [`Self::places`] reads it.
    pub place: Option<String>,
}

impl SessionFlaw {
    /// A byte of the transcript and one of the stream, as they are written.
    pub fn places(&self) -> Option<(&str, &str)> {
        self.place.as_deref()?.split_once('~')
    }

    /// A flaw, with a byte of the transcript and one of the stream if it has such places.
    pub fn new(kind: Word<FlawKind>, places: Option<(u64, u64)>) -> Self {
        Self { kind, place: places.map(|(bytes, stream)| format!("{bytes}~{stream}")) }
    }
}

impl From<FlawKind> for SessionFlaw {
    fn from(kind: FlawKind) -> Self {
        Self::new(kind.into(), None)
    }
}

impl Serialize for SessionFlaw {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&self.text())
    }
}

impl ListItem for SessionFlaw {
    fn of(text: &str) -> Self {
        let (kind, place) = match text.split_once('@') {
            Some((kind, place)) => (kind, Some(place.to_owned())),
            None => (text, None),
        };
        Self { kind: Word::of(kind), place }
    }
    fn text(&self) -> Cow<'_, str> {
        match &self.place {
            Some(it) => format!("{}@{it}", self.kind.as_str()).into(),
            None => self.kind.as_str().into(),
        }
    }
}

/// Declares a row and the passage between rows and the columns of a data frame, from one list.
macro_rules! row {
    ($(#[$doc:meta])* $row:ident {
        $($column:ident : $type:ty $([$($how:ident),+])? = $means:literal,)*
    }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Default, PartialEq, Serialize)]
        pub struct $row {
            $(#[doc = $means] pub $column: $type,)*
        }

        impl $row {
            /// What its fields are as columns, in this order.
            pub const COLUMNS: &[Column] = &[$(Column {
                name: stringify!($column),
                holds: <$type as Value>::TYPE,
                means: $means,
                handling: &[$($(Handling::$how),+)?],
            },)*];

            /// Every text of it that is [`Handling::Foreign`]: nothing of it is shown before secrets in it are masked.
            pub fn foreign(&mut self) -> impl Iterator<Item = &mut String> {
                let texts = [$(
                    Some(&mut self.$column)
                        .filter(|_| [$($(Handling::$how),+)?].contains(&Handling::Foreign))
                        .and_then(Value::text),
                )*];
                texts.into_iter().flatten()
            }

            /// Rows as a data frame, in this order.
            ///
            /// # Errors
            /// When the columns make no data frame.
            pub fn frame<'a>(rows: impl IntoIterator<Item = &'a Self, IntoIter: Clone>) -> PolarsResult<DataFrame> {
                let rows = rows.into_iter();
                DataFrame::new_infer_height(vec![$(
                    <$type as Value>::column(stringify!($column), rows.clone().map(|it| &it.$column)),
                )*])
            }

            /// The rows of a data frame that has all columns; those that came later may be missing.
            ///
            /// # Errors
            /// When a column is missing or holds another type.
            pub fn rows(frame: &DataFrame) -> PolarsResult<Vec<Self>> {
                $(let mut $column = match frame.column(stringify!($column)) {
                    Ok(it) => <$type as Value>::read(it)?,
                    // Written before the column came to be.
                    Err(it) => <$type as Value>::absent(frame.height()).ok_or(it)?,
                }
                .into_iter();)*
                let mut rows = Vec::with_capacity(frame.height());
                for _ in 0..frame.height() {
                    rows.push(Self { $($column: $column.next().ok_or_else(|| {
                        polars_err!(ShapeMismatch: "columns of unequal length")
                    })?,)* });
                }
                Ok(rows)
            }
        }
    };
}

/// Declares a table, and the row that it is made of.
macro_rules! table {
    ($table:ident, $name:literal, $about:literal, $(#[$doc:meta])* $row:ident { $($columns:tt)* }) => {
        row! { $(#[$doc])* $row { $($columns)* } }

        impl $row {
            /// The table that these rows are of.
            pub const TABLE: Table = $table;
        }

        /// The table that these rows are of: its name, its meaning and its columns.
        pub const $table: Table = Table { name: $name, about: $about, columns: $row::COLUMNS };
    };
}

table! {
    SESSIONS, "sessions",
    "One row a session: who, where, when, and where its other rows stand.",
    /// One session.
    SessionRow {
        session_id: String [Listed] = "the session's id, as Session Manager gives it",
        session_key: String [Listed] = "the session inside this archive: its id, with #2 and on where two accounts used one id",
        account_id: Option<String> [Listed] = "account the session ran in",
        region: Option<String> [Listed, Foreign] = "Region the session ran in",
        owner: Option<String> [Listed, Foreign] = "who started it: the ARN where a streamed event told it, else the part of the id before its last hyphen",
        owner_from: Option<Word<OwnerFrom>> [Listed] = "what told the owner: event or session-id (a hint, no proof)",
        target: Option<String> [Listed, Foreign] = "what was connected to: i-…, mi-… or ecs:…",
        run_as: Option<String> [Listed, Foreign] = "operating-system user at the start",
        session_type: Option<String> [Listed, Foreign] = "Standard_Stream, InteractiveCommands or NonInteractiveCommands, where the header tells",
        claims: NullIfEmpty<String> [Listed] = "which of the columns before only the recorded machine says, joined by +: claims, no proof",
        at: Option<At> [Listed] = "best known time of the session, for order: first event, else end, else when the object was stored; where these contradict each other (flaw clock), when it was stored",
        at_from: Option<Word<AtFrom>> [Listed] = "what told `at`: event, header or stored",
        first_event_at: Option<At> [Listed] = "time of the first streamed event: the session started before",
        last_event_at: Option<At> [Listed] = "time of the last event",
        ended_at: Option<At> [Listed] = "time in the transcript's own header, which is written at the end: the machine's claim",
        stored_at: Option<At> = "when the first of its transcripts was stored: by AWS's own word, or of a file when it was last changed",
        forms: Vec<Word<Form>> [Listed] = "forms of its transcripts: script, bare, windows, events; joined by +",
        transcripts: i64 [Listed] = "transcripts kept of it, versions included",
        transcript_bytes: i64 [Listed] = "bytes of these transcripts",
        line_count: i64 [Listed] = "rows in lines",
        command_count: i64 [Listed] = "rows in commands that ran: of kind shell or repl",
        abandoned_count: Option<i64> [Listed] = "rows in commands of kind abandoned: typed, never run",
        unconfirmed_count: Option<i64> [Listed] = "rows in commands of kind unconfirmed: typed, and nothing tells whether they ran",
        possible_count: i64 [Listed] = "rows in commands of kind possible",
        flaws: Vec<SessionFlaw> [Listed] = "what a reader must know before trusting it, joined by +, a place behind @; empty if nothing",
        locator: String [Listed] = "where the transcript that lines and commands were read from lay",
        source: String [Listed] = "the source that held it",
        decoder: i64 = "version of the decoder that read it",
        withdrawn: NullIfEmpty<String> [Inner] = "names of commands that an earlier reading of it had and this one has not, joined by +: what a feed withdraws",
        generation: i64 [Inner] = "manifest entry that wrote this row; only the newest of a session_key is current",
        commands_at: i64 [Inner] = "first row in its commands file",
        commands_rows: i64 [Inner] = "rows in its commands file",
        lines_at: i64 [Inner] = "first row in its lines file",
        lines_rows: i64 [Inner] = "rows in its lines file",
        partition: String [Inner] = "folder of its files inside each table",
    }
}

table! {
    COMMANDS, "commands",
    "One row a command: what was typed, as inferred, with how sure we are and where it stands.",
    /// One command.
    CommandRow {
        session_id: String [Listed] = "the session it was typed in",
        session_key: String [Listed] = "the session inside this archive",
        account_id: Option<String> [Listed] = "account of the session",
        region: Option<String> [Listed, Foreign] = "Region of the session",
        owner: Option<String> [Listed, Foreign] = "who started the session",
        target: Option<String> [Listed, Foreign] = "what the session was connected to",
        run_as: Option<String> [Listed, Foreign] = "operating-system user at the session's start",
        seq: i64 [Listed] = "place in the session, from 1",
        command: String [Listed, Foreign] = "the text, lines joined by LF",
        kind: Word<CommandKind> [Listed] = "shell, repl, unconfirmed (typed, nothing tells whether it ran), abandoned (typed, never run) or possible (too little evidence)",
        confidence: f64 [Listed] = "probability that it is exactly what was typed, 0 to 1",
        at: Option<At> [Listed] = "when it was typed; null unless known to the instant",
        at_earliest: Option<At> [Listed] = "not before this; null if not known",
        at_latest: Option<At> [Listed] = "not after this; null if not known",
        os_user: Option<String> [Listed, Foreign] = "operating-system user, as the prompt shows it",
        host: Option<String> [Listed, Foreign] = "host, as the prompt shows it",
        cwd: Option<String> [Listed, Foreign] = "directory, as the prompt shows it",
        depth: i64 [Listed] = "shells around it: 0 is the session's own",
        prompt: String [Foreign, Inner] = "the prompt it stood behind",
        source: String [Listed, Foreign] = "the source that held the transcript",
        locator: String [Listed, Foreign] = "where the transcript lay",
        byte_start: i64 [Listed] = "first byte of the transcript it was read from",
        byte_end: i64 [Listed] = "one past the last byte",
        line_number: i64 [Listed] = "line it starts on, from 1",
        evidence: String [Foreign, Inner] = "what spoke for and against it: weight and words, joined by ;",
        flaws: Vec<Word<CommandFlaw>> [Listed] = "what is wrong with it, joined by +; empty if nothing",
        decoder: i64 = "version of the decoder",
        generation: i64 [Inner] = "manifest entry that wrote this row",
    }
}

table! {
    TRANSCRIPTS, "transcripts",
    "The bytes of every transcript, from which all else can be derived again; long ones in parts.",
    /// One part of one transcript.
    TranscriptRow {
        session_id: String = "the session",
        session_key: String = "the session inside this archive",
        account_id: Option<String> = "account, as far as this transcript tells",
        region: Option<String> = "Region, as far as this transcript tells",
        source: String = "the source that held it",
        locator: String = "where exactly it lay",
        version: String = "which version of it: the object's version id, or ETag and size; size and time of a file; times of a log stream as first read",
        form: Word<Form> = "script, bare, windows or events",
        digest: String = "SHA-256 of the object as the source held it, compressed or not; of a log stream, of the stretch that was read",
        content_digest: String = "SHA-256 of the content kept from one reading: the whole, or what a log stream had grown by",
        stored_bytes: i64 = "size of the object at its source",
        content_bytes: i64 = "size of the whole content",
        stored_at: Option<At> = "when the source last changed it",
        read_at: Option<At> = "when it was read",
        etag: Option<String> = "S3's entity tag of the bytes that were read",
        version_id: Option<String> = "S3's version id of the bytes that were read; null where versions are off",
        checksum: Option<String> = "S3's checksum as algorithm:value in base64, verified while reading; null if none was stored",
        encryption: Option<String> = "how S3 said it was encrypted when it was read: AES256, or aws:kms: and the key",
        storage_class: Option<String> = "S3 storage class when it was read",
        position: Option<String> = "where reading a log stream stopped, as JSON: the next run goes on there",
        object_flaws: NullIfEmpty<Word<FlawKind>> = "flaws of the object rather than of its bytes, joined by +",
        part: i64 = "number of this part, from 0; a log stream that grew goes on counting",
        part_start: i64 = "place of this part in the content",
        content: Vec<u8> = "bytes of this part; for events, one JSON object a line",
        generation: i64 = "manifest entry that wrote this row",
    }
}

table! {
    SURVEYS, "surveys",
    "How the sources were set, and when: what `verify` asked, a row a thing.",
    /// Answers about one thing.
    SurveyRow {
        taken_at: Option<At> = "when the survey began that it belongs to",
        kind: Word<SurveyPart> = "survey (who asked, and what could not be begun), corner (one Region of one account), group, bucket, key, account, role, starter or arrival",
        account_id: Option<String> = "account",
        region: Option<String> = "Region",
        subject: String = "name of the bucket, log group, key, role or account; empty of others",
        answer: String = "the answers, each with call, time and request id, or why there was none: JSON in the form of `verify --save-survey`",
    }
}

table! {
    FINDINGS, "findings",
    "What checks found.",
    /// One finding.
    FindingRow {
        account_id: Option<String> = "account",
        region: Option<String> = "Region",
        session_id: Option<String> = "the session, where it is about one",
        check: String = "id of the check",
        resource: String = "ARN of what it is about",
        verdict: Word<Verdict> = "pass, fail, unknown, not_applicable or info",
        severity: Word<Severity> = "how bad",
        found_at: Option<At> = "when the survey was taken that it was found in",
        seen: String = "what was seen",
        promised: String = "what was promised",
        muted: bool = "somebody had accepted it",
    }
}

row! {
    /// What every line of a session repeats.
    LineSession {
        session_id: String [Listed] = "the session",
        session_key: String [Listed] = "the session inside this archive",
        account_id: Option<String> [Listed] = "account of the session",
        region: Option<String> [Listed, Foreign] = "Region of the session",
        owner: Option<String> [Listed, Foreign] = "who started the session",
        target: Option<String> [Listed, Foreign] = "what the session was connected to",
        locator: String [Listed, Foreign] = "where the transcript lay",
        generation: i64 = "manifest entry that wrote this row",
    }
}

row! {
    /// One line, without what it shares with the others of its session: a session has too many to repeat it in memory.
    LineRow {
        line_number: i64 [Listed] = "number of the line, from 1",
        text: String [Listed, Foreign] = "what it showed, control sequences carried out",
        kind: Word<LineKind> [Listed] = "output, input (typed behind a prompt), screen (full-screen program) or overwritten (an older version of a repainted row)",
        continued: bool = "the next row goes on with this line",
        at_earliest: Option<At> [Listed] = "not before this; null if not known",
        at_latest: Option<At> [Listed] = "not after this; null if not known",
        byte_start: i64 [Listed] = "first byte of the transcript it was drawn from",
        byte_count: i64 = "how many bytes it was drawn from; a count shrinks far better than an end",
    }
}

impl LineRow {
    /// One past the last byte of the transcript that the line was drawn from.
    pub fn byte_end(&self) -> i64 {
        // An archive that is handed over can hold any number.
        self.byte_start.saturating_add(self.byte_count)
    }
}

/// The table of lines: what they share stands beside what each shows.
pub const LINES: Table = {
    let [session_id, session_key, account_id, region, owner, target, locator, generation] =
        *LineSession::COLUMNS
    else {
        panic!("a column more")
    };
    let [number, text, kind, continued, earliest, latest, start, count] = *LineRow::COLUMNS else {
        panic!("a column more")
    };
    Table {
        name: "lines",
        about: "One row a visible line: what the session showed.",
        columns: &[
            session_id,
            session_key,
            account_id,
            region,
            owner,
            target,
            number,
            text,
            kind,
            continued,
            earliest,
            latest,
            locator,
            start,
            count,
            generation,
        ],
    }
};

/// Every table, in the order in which one reads about them.
pub const TABLES: [Table; 6] = [SESSIONS, COMMANDS, LINES, TRANSCRIPTS, SURVEYS, FINDINGS];

impl Word<CommandKind> {
    /// Whether commands of this kind are asked for by these. One that this version does not know is asked for with the possible ones.
    pub fn is_asked_by(&self, kinds: &[CommandKind]) -> bool {
        kinds.contains(&self.known().unwrap_or(CommandKind::Possible))
    }

    /// What stands behind the text of a command that is not a shell's, or did not run; empty of one that is.
    pub fn mark(&self) -> &str {
        match self.known() {
            Some(CommandKind::Shell) => "",
            Some(CommandKind::Abandoned) => "not run",
            _ => self.as_str(),
        }
    }
}

impl CommandRow {
    /// The `evidence` column. It stays a text in memory: each hit of a search has one, and nobody looks into it but to print it.
    pub fn evidence_of(evidence: &[Evidence]) -> String {
        let texts = evidence.iter().map(|it| format!("{:+.1} {}", it.weight, it.what));
        texts.collect::<Vec<_>>().join(";")
    }

    /// What spoke for and against it, one by one.
    pub fn reasons(&self) -> impl Iterator<Item = &str> {
        self.evidence.split(';').filter(|it| !it.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_of_a_newer_version_is_asked_for_with_the_possible_ones() {
        let dreamt = Word::<CommandKind>::of("dreamt");
        assert!(dreamt.is_asked_by(&CommandKind::ALL) && !dreamt.is_asked_by(&CommandKind::TYPED));
        assert!(!Word::from(CommandKind::Shell).is_asked_by(&[CommandKind::Possible]));
    }

    #[test]
    fn every_column_says_what_it_means_and_stands_once_in_its_table() {
        for table in TABLES {
            let mut names = std::collections::HashSet::new();
            for column in table.columns {
                assert!(column.means.len() > 3, "{}.{}", table.name, column.name);
                assert!(names.insert(column.name), "{}.{} stands twice", table.name, column.name);
            }
            assert!(table.about.ends_with('.'), "{} is introduced by a sentence", table.name);
        }
    }
}
