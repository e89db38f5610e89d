//! What a column can hold, and how a Rust value gets into one and out of it.

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

    pub(super) fn of_polars(self) -> DataType {
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
pub(super) type Column0 = polars::prelude::Column;

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
