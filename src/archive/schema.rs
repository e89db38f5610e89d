//! The tables of the archive, column by column. The only place that names columns.
//!
//! The archive is a public interface: other engines read these Parquet files as they are. So each column says
//! what it means, `archive schema` prints this file's words, and a column may be added but never renamed or
//! given another meaning. Instants are UTC microseconds. Unknown is null. Rows of one session stand together.

use polars::prelude::*;

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    /// UTF-8 text.
    Text,
    /// A signed integer of 64 bits.
    Integer,
    /// A floating-point number of 64 bits.
    Real,
    /// UTC microseconds.
    Instant,
    /// True or false.
    Truth,
    /// Bytes as they are, of any length.
    Bytes,
}

impl Type {
    /// The type as `archive schema` prints it, such as `int64` or `timestamp[us, UTC]`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Integer => "int64",
            Self::Real => "float64",
            Self::Instant => "timestamp[us, UTC]",
            Self::Truth => "bool",
            Self::Bytes => "binary",
        }
    }

    fn of_polars(self) -> DataType {
        match self {
            Self::Text => DataType::String,
            Self::Integer => DataType::Int64,
            Self::Real => DataType::Float64,
            Self::Instant => DataType::Datetime(TimeUnit::Microseconds, Some(TimeZone::UTC)),
            Self::Truth => DataType::Boolean,
            Self::Bytes => DataType::Binary,
        }
    }
}

/// One column and what it means.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    /// The column's name in the Parquet files.
    pub name: &'static str,
    /// Type of the column's values.
    pub holds: Type,
    /// What the column tells, in words that `archive schema` prints.
    pub means: &'static str,
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

    /// A data frame with all columns of the table and without rows.
    pub fn empty(&self) -> DataFrame {
        DataFrame::empty_with_schema(&self.schema())
    }
}

/// An instant as a column value, so that it is not taken for a number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Instant(pub Option<i64>);

impl Instant {
    /// UTC microseconds; `None` if the instant is not known.
    pub fn micros(self) -> Option<i64> {
        self.0
    }
}

/// A Rust type that a column can hold.
pub trait Value: Sized {
    /// Type of the columns that hold it.
    const TYPE: Type;
    /// A column of this name with these values.
    fn column<'a>(name: &str, values: impl Iterator<Item = &'a Self>) -> Column0
    where
        Self: 'a;
    /// The values of a column.
    ///
    /// # Errors
    /// When the column holds another type.
    fn read(column: &Column0) -> PolarsResult<Vec<Self>>;
    /// What stands for this many values of a column that a file does not have, if anything can.
    fn absent(_rows: usize) -> Option<Vec<Self>> {
        None
    }
}

/// polars' own word for it; ours above describes one.
type Column0 = polars::prelude::Column;

impl Value for String {
    const TYPE: Type = Type::Text;
    fn column<'a>(name: &str, values: impl Iterator<Item = &'a Self>) -> Column0 {
        StringChunked::from_iter_values(name.into(), values.map(Self::as_str)).into_column()
    }
    fn read(column: &Column0) -> PolarsResult<Vec<Self>> {
        Ok(column.str()?.iter().map(|it| it.unwrap_or_default().to_owned()).collect())
    }
}

impl Value for Option<String> {
    const TYPE: Type = Type::Text;
    fn column<'a>(name: &str, values: impl Iterator<Item = &'a Self>) -> Column0 {
        StringChunked::from_iter_options(name.into(), values.map(|it| it.as_deref())).into_column()
    }
    fn read(column: &Column0) -> PolarsResult<Vec<Self>> {
        Ok(column.str()?.iter().map(|it| it.map(str::to_owned)).collect())
    }
    fn absent(rows: usize) -> Option<Vec<Self>> {
        Some(vec![None; rows])
    }
}

impl Value for i64 {
    const TYPE: Type = Type::Integer;
    fn column<'a>(name: &str, values: impl Iterator<Item = &'a Self>) -> Column0 {
        Int64Chunked::from_iter_values(name.into(), values.copied()).into_column()
    }
    fn read(column: &Column0) -> PolarsResult<Vec<Self>> {
        Ok(column.i64()?.iter().map(|it| it.unwrap_or_default()).collect())
    }
}

impl Value for Option<i64> {
    const TYPE: Type = Type::Integer;
    fn column<'a>(name: &str, values: impl Iterator<Item = &'a Self>) -> Column0 {
        Int64Chunked::from_iter_options(name.into(), values.copied()).into_column()
    }
    fn read(column: &Column0) -> PolarsResult<Vec<Self>> {
        Ok(column.i64()?.iter().collect())
    }
}

impl Value for f64 {
    const TYPE: Type = Type::Real;
    fn column<'a>(name: &str, values: impl Iterator<Item = &'a Self>) -> Column0 {
        Float64Chunked::from_iter_values(name.into(), values.copied()).into_column()
    }
    fn read(column: &Column0) -> PolarsResult<Vec<Self>> {
        Ok(column.f64()?.iter().map(|it| it.unwrap_or_default()).collect())
    }
}

impl Value for bool {
    const TYPE: Type = Type::Truth;
    fn column<'a>(name: &str, values: impl Iterator<Item = &'a Self>) -> Column0 {
        BooleanChunked::from_iter_values(name.into(), values.copied()).into_column()
    }
    fn read(column: &Column0) -> PolarsResult<Vec<Self>> {
        Ok(column.bool()?.iter().map(|it| it.unwrap_or_default()).collect())
    }
}

impl Value for Instant {
    const TYPE: Type = Type::Instant;
    fn column<'a>(name: &str, values: impl Iterator<Item = &'a Self>) -> Column0 {
        Int64Chunked::from_iter_options(name.into(), values.map(|it| it.0))
            .into_datetime(TimeUnit::Microseconds, Some(TimeZone::UTC))
            .into_column()
    }
    fn read(column: &Column0) -> PolarsResult<Vec<Self>> {
        Ok(column.datetime()?.physical().iter().map(Self).collect())
    }
}

impl Value for Vec<u8> {
    const TYPE: Type = Type::Bytes;
    fn column<'a>(name: &str, values: impl Iterator<Item = &'a Self>) -> Column0 {
        BinaryChunked::from_iter_values(name.into(), values.map(Self::as_slice)).into_column()
    }
    fn read(column: &Column0) -> PolarsResult<Vec<Self>> {
        Ok(column.binary()?.iter().map(|it| it.unwrap_or_default().to_vec()).collect())
    }
}

/// Declares a row, its table and the passage between the two, from one list.
macro_rules! table {
    ($table:ident, $name:literal, $about:literal, $(#[$doc:meta])* $row:ident {
        $($column:ident : $type:ty = $means:literal,)*
    }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Default, PartialEq)]
        pub struct $row {
            $(#[doc = $means] pub $column: $type,)*
        }

        /// The table that these rows are of: its name, its meaning and its columns.
        pub const $table: Table = Table {
            name: $name,
            about: $about,
            columns: &[$(Column {
                name: stringify!($column),
                holds: <$type as Value>::TYPE,
                means: $means,
            },)*],
        };

        impl $row {
            /// The table that these rows are of.
            pub const TABLE: Table = $table;

            /// Rows as a data frame, in this order.
            ///
            /// # Errors
            /// When the columns make no data frame.
            pub fn frame(rows: &[Self]) -> PolarsResult<DataFrame> {
                DataFrame::new(rows.len(), vec![$(
                    <$type as Value>::column(stringify!($column), rows.iter().map(|it| &it.$column)),
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

table! {
    SESSIONS, "sessions",
    "One row a session: who, where, when, and where its other rows stand.",
    /// One session.
    SessionRow {
        session_id: String = "the session's id, as Session Manager gives it",
        session_key: String = "the session inside this archive: its id, with #2 and on where two accounts used one id",
        account_id: Option<String> = "account the session ran in",
        region: Option<String> = "Region the session ran in",
        owner: Option<String> = "who started it: the ARN where a streamed event told it, else the part of the id before its last hyphen",
        owner_from: Option<String> = "what told the owner: event or session-id (a hint, no proof)",
        target: Option<String> = "what was connected to: i-…, mi-… or ecs:…",
        run_as: Option<String> = "operating-system user at the start",
        session_type: Option<String> = "Standard_Stream, InteractiveCommands or NonInteractiveCommands, where the header tells",
        claims: Option<String> = "which of the columns before only the recorded machine says, joined by +: claims, no proof",
        at: Instant = "best known time of the session, for order: first event, else end, else when the object was stored; where these contradict each other (flaw clock), when it was stored",
        at_from: Option<String> = "what told `at`: event, header or stored",
        first_event_at: Instant = "time of the first streamed event: the session started before",
        last_event_at: Instant = "time of the last event",
        ended_at: Instant = "time in the transcript's own header, which is written at the end: the machine's claim",
        stored_at: Instant = "when the first of its transcripts was stored: by AWS's own word, or of a file when it was last changed",
        forms: String = "forms of its transcripts: script, bare, windows, events; joined by +",
        transcripts: i64 = "transcripts kept of it, versions included",
        transcript_bytes: i64 = "bytes of these transcripts",
        line_count: i64 = "rows in lines",
        command_count: i64 = "rows in commands that ran: of kind shell or repl",
        abandoned_count: Option<i64> = "rows in commands of kind abandoned: typed, never run",
        unconfirmed_count: Option<i64> = "rows in commands of kind unconfirmed: typed, and nothing tells whether they ran",
        possible_count: i64 = "rows in commands of kind possible",
        flaws: String = "what a reader must know before trusting it, joined by +, a place behind @; empty if nothing",
        locator: String = "where the transcript that lines and commands were read from lay",
        source: String = "the source that held it",
        decoder: i64 = "version of the decoder that read it",
        withdrawn: Option<String> = "names of commands that an earlier reading of it had and this one has not, joined by +: what a feed withdraws",
        generation: i64 = "manifest entry that wrote this row; only the newest of a session_key is current",
        commands_at: i64 = "first row in its commands file",
        commands_rows: i64 = "rows in its commands file",
        lines_at: i64 = "first row in its lines file",
        lines_rows: i64 = "rows in its lines file",
        partition: String = "folder of its files inside each table",
    }
}

table! {
    COMMANDS, "commands",
    "One row a command: what was typed, as inferred, with how sure we are and where it stands.",
    /// One command.
    CommandRow {
        session_id: String = "the session it was typed in",
        session_key: String = "the session inside this archive",
        account_id: Option<String> = "account of the session",
        region: Option<String> = "Region of the session",
        owner: Option<String> = "who started the session",
        target: Option<String> = "what the session was connected to",
        run_as: Option<String> = "operating-system user at the session's start",
        seq: i64 = "place in the session, from 1",
        command: String = "the text, lines joined by LF",
        kind: String = "shell, repl, unconfirmed (typed, nothing tells whether it ran), abandoned (typed, never run) or possible (too little evidence)",
        confidence: f64 = "probability that it is exactly what was typed, 0 to 1",
        at: Instant = "when it was typed; null unless known to the instant",
        at_earliest: Instant = "not before this; null if not known",
        at_latest: Instant = "not after this; null if not known",
        os_user: Option<String> = "operating-system user, as the prompt shows it",
        host: Option<String> = "host, as the prompt shows it",
        cwd: Option<String> = "directory, as the prompt shows it",
        depth: i64 = "shells around it: 0 is the session's own",
        prompt: String = "the prompt it stood behind",
        source: String = "the source that held the transcript",
        locator: String = "where the transcript lay",
        byte_start: i64 = "first byte of the transcript it was read from",
        byte_end: i64 = "one past the last byte",
        line_number: i64 = "line it starts on, from 1",
        evidence: String = "what spoke for and against it: weight and words, joined by ;",
        flaws: String = "what is wrong with it, joined by +; empty if nothing",
        decoder: i64 = "version of the decoder",
        generation: i64 = "manifest entry that wrote this row",
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
        form: String = "script, bare, windows or events",
        digest: String = "SHA-256 of the object as the source held it, compressed or not; of a log stream, of the stretch that was read",
        content_digest: String = "SHA-256 of the content kept from one reading: the whole, or what a log stream had grown by",
        stored_bytes: i64 = "size of the object at its source",
        content_bytes: i64 = "size of the whole content",
        stored_at: Instant = "when the source last changed it",
        read_at: Instant = "when it was read",
        etag: Option<String> = "S3's entity tag of the bytes that were read",
        version_id: Option<String> = "S3's version id of the bytes that were read; null where versions are off",
        checksum: Option<String> = "S3's checksum as algorithm:value in base64, verified while reading; null if none was stored",
        encryption: Option<String> = "how S3 said it was encrypted when it was read: AES256, or aws:kms: and the key",
        storage_class: Option<String> = "S3 storage class when it was read",
        position: Option<String> = "where reading a log stream stopped, as JSON: the next run goes on there",
        object_flaws: Option<String> = "flaws of the object rather than of its bytes, joined by +",
        part: i64 = "number of this part, from 0; a log stream that grew goes on counting",
        part_start: i64 = "place of this part in the content",
        content: Vec<u8> = "bytes of this part; for events, one JSON object a line",
        generation: i64 = "manifest entry that wrote this row",
    }
}

table! {
    SESSION_RECORDS, "session_records",
    "What AWS said of sessions: DescribeSessions and CloudTrail.",
    /// One statement of AWS about one session.
    SessionRecordRow {
        session_id: String = "the session",
        account_id: Option<String> = "account",
        region: Option<String> = "Region",
        said_by: String = "describe-sessions or cloudtrail",
        owner: Option<String> = "who started it",
        target: Option<String> = "what it was connected to",
        document: Option<String> = "session document",
        reason: Option<String> = "what the owner wrote at the start",
        started_at: Instant = "when it started",
        ended_at: Instant = "when it ended",
        record: String = "the whole statement, as JSON",
    }
}

table! {
    SURVEYS, "surveys",
    "How the sources were set, and when: what `verify` asked, a row a thing.",
    /// Answers about one thing.
    SurveyRow {
        taken_at: Instant = "when the survey began that it belongs to",
        kind: String = "survey (who asked, and what could not be begun), corner (one Region of one account), group, bucket, key, account, role, starter or arrival",
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
        verdict: String = "pass, fail, unknown, not_applicable or info",
        severity: String = "how bad",
        found_at: Instant = "when the survey was taken that it was found in",
        seen: String = "what was seen",
        promised: String = "what was promised",
        muted: bool = "somebody had accepted it",
    }
}

/// Name, type and meaning of the columns of `lines`, which is written without rows of its own: a session has
/// too many to make a struct of each.
pub const LINES: Table = Table {
    name: "lines",
    about: "One row a visible line: what the session showed.",
    columns: &[
        Column { name: "session_id", holds: Type::Text, means: "the session" },
        Column { name: "session_key", holds: Type::Text, means: "the session inside this archive" },
        Column { name: "account_id", holds: Type::Text, means: "account of the session" },
        Column { name: "region", holds: Type::Text, means: "Region of the session" },
        Column { name: "owner", holds: Type::Text, means: "who started the session" },
        Column { name: "target", holds: Type::Text, means: "what the session was connected to" },
        Column { name: "line_number", holds: Type::Integer, means: "number of the line, from 1" },
        Column {
            name: "text",
            holds: Type::Text,
            means: "what it showed, control sequences carried out",
        },
        Column {
            name: "kind",
            holds: Type::Text,
            means: "output, input (typed behind a prompt), screen (full-screen program) or overwritten (an older version of a repainted row)",
        },
        Column {
            name: "continued",
            holds: Type::Truth,
            means: "the next row goes on with this line",
        },
        Column {
            name: "at_earliest",
            holds: Type::Instant,
            means: "not before this; null if not known",
        },
        Column {
            name: "at_latest",
            holds: Type::Instant,
            means: "not after this; null if not known",
        },
        Column { name: "locator", holds: Type::Text, means: "where the transcript lay" },
        Column {
            name: "byte_start",
            holds: Type::Integer,
            means: "first byte of the transcript it was drawn from",
        },
        Column {
            name: "byte_count",
            holds: Type::Integer,
            means: "how many bytes it was drawn from; a count shrinks far better than an end",
        },
        Column {
            name: "generation",
            holds: Type::Integer,
            means: "manifest entry that wrote this row",
        },
    ],
};

/// A line as the search reads it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LineRow {
    /// Number of the line in its session, from 1.
    pub line_number: i64,
    /// What the line showed, control sequences carried out.
    pub text: String,
    /// `output`, `input`, `screen` or `overwritten`.
    pub kind: String,
    /// Whether the next row goes on with this line.
    pub continued: bool,
    /// The line was not shown before this.
    pub at_earliest: Instant,
    /// The line was not shown after this.
    pub at_latest: Instant,
    /// First byte of the transcript that the line was drawn from.
    pub byte_start: i64,
    /// One past the last byte that the line was drawn from.
    pub byte_end: i64,
}

impl LineRow {
    /// The lines of a data frame that has the columns named like these fields, and `byte_count`.
    ///
    /// # Errors
    /// When a column is missing or holds another type.
    pub fn rows(frame: &DataFrame) -> PolarsResult<Vec<Self>> {
        let number = i64::read(frame.column("line_number")?)?;
        let text = String::read(frame.column("text")?)?;
        let kind = String::read(frame.column("kind")?)?;
        let continued = bool::read(frame.column("continued")?)?;
        let earliest = Instant::read(frame.column("at_earliest")?)?;
        let latest = Instant::read(frame.column("at_latest")?)?;
        let start = i64::read(frame.column("byte_start")?)?;
        let end: Vec<i64> = i64::read(frame.column("byte_count")?)?
            .into_iter()
            .zip(&start)
            .map(|(count, start)| start + count)
            .collect();
        let rest = kind.into_iter().zip(continued).zip(earliest).zip(latest).zip(start).zip(end);
        Ok(number
            .into_iter()
            .zip(text)
            .zip(rest)
            .map(
                |((line_number, text), (((((kind, continued), earliest), latest), start), end))| {
                    Self {
                        line_number,
                        text,
                        kind,
                        continued,
                        at_earliest: earliest,
                        at_latest: latest,
                        byte_start: start,
                        byte_end: end,
                    }
                },
            )
            .collect())
    }
}

/// Facts that every row of a session repeats.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Shared {
    /// Id of the session, as Session Manager gives it.
    pub session_id: String,
    /// The session inside this archive: its id, with `#2` and on where several share it.
    pub session_key: String,
    /// Account that the session ran in; `None` if nothing tells.
    pub account_id: Option<String>,
    /// Region that the session ran in; `None` if nothing tells.
    pub region: Option<String>,
    /// Who started the session; `None` if nothing tells.
    pub owner: Option<String>,
    /// What was connected to: `i-…`, `mi-…` or `ecs:…`; `None` if nothing tells.
    pub target: Option<String>,
    /// Where the transcript lay that the lines were drawn from.
    pub locator: String,
    /// Number of the manifest entry that writes the rows.
    pub generation: i64,
}

/// Columns of `lines` while they are filled.
pub struct LineColumns {
    number: Vec<i64>,
    /// All texts, one behind the other, and where each ends.
    text: String,
    text_ends: Vec<usize>,
    kind: Vec<&'static str>,
    continued: Vec<bool>,
    earliest: Vec<Option<i64>>,
    latest: Vec<Option<i64>>,
    start: Vec<i64>,
    end: Vec<i64>,
    shared: Vec<(usize, Shared)>,
}

impl Default for LineColumns {
    fn default() -> Self {
        Self::new()
    }
}

impl LineColumns {
    /// Columns without rows, and without a session to fill them for.
    pub fn new() -> Self {
        Self {
            number: Vec::new(),
            text: String::new(),
            text_ends: Vec::new(),
            kind: Vec::new(),
            continued: Vec::new(),
            earliest: Vec::new(),
            latest: Vec::new(),
            start: Vec::new(),
            end: Vec::new(),
            shared: Vec::new(),
        }
    }

    /// Bytes of text held.
    pub fn bytes(&self) -> usize {
        self.text.len()
    }

    /// Lines held.
    pub fn len(&self) -> usize {
        self.number.len()
    }

    /// Whether no line is held.
    pub fn is_empty(&self) -> bool {
        self.number.is_empty()
    }

    /// Lines pushed from here on belong to this session.
    pub fn begin(&mut self, shared: Shared) {
        self.shared.push((self.number.len(), shared));
    }

    /// Adds one line of the session last begun; `at` holds the earliest and the latest time, UTC microseconds.
    #[expect(clippy::too_many_arguments, reason = "one argument a column")]
    pub fn push(
        &mut self,
        number: i64,
        text: &str,
        kind: &'static str,
        continued: bool,
        at: Option<(Option<i64>, Option<i64>)>,
        start: i64,
        end: i64,
    ) {
        self.number.push(number);
        self.text.push_str(text);
        self.text_ends.push(self.text.len());
        self.kind.push(kind);
        self.continued.push(continued);
        self.earliest.push(at.and_then(|it| it.0));
        self.latest.push(at.and_then(|it| it.1));
        self.start.push(start);
        self.end.push(end);
    }

    fn texts(&self) -> impl Iterator<Item = &str> {
        let starts = std::iter::once(&0).chain(&self.text_ends);
        starts.zip(&self.text_ends).map(|(from, to)| &self.text[*from..*to])
    }

    /// Takes all rows out as one data frame; the session last begun goes on.
    ///
    /// # Errors
    /// When the columns make no data frame.
    pub fn take(&mut self) -> PolarsResult<DataFrame> {
        let it = std::mem::take(self);
        if let Some((_, shared)) = it.shared.last() {
            self.begin(shared.clone());
        }
        let rows = it.number.len();
        let text = |name: &str, pick: fn(&Shared) -> Option<&str>| {
            let values = repeated(&it.shared, rows, pick);
            StringChunked::from_iter_options(name.into(), values).into_column()
        };
        let instant = |name: &str, values: &[Option<i64>]| {
            Int64Chunked::from_iter_options(name.into(), values.iter().copied())
                .into_datetime(TimeUnit::Microseconds, Some(TimeZone::UTC))
                .into_column()
        };
        let generation = it.shared.first().map_or(0, |it| it.1.generation);
        let counts: Vec<i64> = it.end.iter().zip(&it.start).map(|(end, from)| end - from).collect();
        DataFrame::new(
            rows,
            vec![
                text("session_id", |it| Some(&it.session_id)),
                text("session_key", |it| Some(&it.session_key)),
                text("account_id", |it| it.account_id.as_deref()),
                text("region", |it| it.region.as_deref()),
                text("owner", |it| it.owner.as_deref()),
                text("target", |it| it.target.as_deref()),
                i64::column("line_number", it.number.iter()),
                StringChunked::from_iter_values("text".into(), it.texts()).into_column(),
                StringChunked::from_iter_values("kind".into(), it.kind.iter().copied())
                    .into_column(),
                bool::column("continued", it.continued.iter()),
                instant("at_earliest", &it.earliest),
                instant("at_latest", &it.latest),
                text("locator", |it| Some(&it.locator)),
                i64::column("byte_start", it.start.iter()),
                i64::column("byte_count", counts.iter()),
                i64::column("generation", vec![generation; rows].iter()),
            ],
        )
    }
}

/// One value for each row, from one for each session.
fn repeated(
    shared: &[(usize, Shared)],
    rows: usize,
    pick: fn(&Shared) -> Option<&str>,
) -> impl Iterator<Item = Option<&str>> {
    shared.iter().enumerate().flat_map(move |(nth, (from, it))| {
        let to = shared.get(nth + 1).map_or(rows, |it| it.0);
        std::iter::repeat_n(pick(it), to - from)
    })
}

/// Every table, in the order in which one reads about them.
pub const TABLES: [Table; 7] =
    [SESSIONS, COMMANDS, LINES, TRANSCRIPTS, SESSION_RECORDS, SURVEYS, FINDINGS];

impl SessionRow {
    /// Who and where, as the recorded machine may have said: nothing of it is shown before secrets in it are masked. The session's
    /// own name is none of it, for by that it is asked for; nor is where its transcript lay, by which its bytes are found.
    pub fn claimed(&mut self) -> impl Iterator<Item = &mut String> {
        let texts = [
            &mut self.owner,
            &mut self.target,
            &mut self.run_as,
            &mut self.session_type,
            &mut self.region,
        ];
        texts.into_iter().filter_map(Option::as_mut)
    }
}

impl CommandRow {
    /// Every text of it but the name of its session: nothing of it is shown before secrets in it are masked.
    pub fn foreign(&mut self) -> impl Iterator<Item = &mut String> {
        let texts = [&mut self.command, &mut self.prompt, &mut self.evidence, &mut self.locator];
        let told = [
            &mut self.owner,
            &mut self.target,
            &mut self.run_as,
            &mut self.region,
            &mut self.os_user,
            &mut self.host,
            &mut self.cwd,
        ];
        texts.into_iter().chain(told.into_iter().filter_map(Option::as_mut))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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

    #[test]
    fn lines_are_written_with_the_columns_they_are_declared_with() {
        let mut lines = LineColumns::new();
        lines.begin(Shared { session_id: "alice-1".into(), ..Shared::default() });
        lines.push(1, "ls", "input", false, None, 0, 4);
        let frame = lines.take().unwrap();
        assert_eq!(*frame.schema().as_ref(), LINES.schema());
    }
}
