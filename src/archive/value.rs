//! What a column can hold, and how a Rust value gets into one and out of it.

use std::borrow::Cow;
use std::cmp::Ordering;

use polars::prelude::*;
use serde::Deserialize;
use serde::Deserializer;
use serde::Serialize;
use serde::Serializer;

use crate::time::At;

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
    /// The value as a text that can be masked, if it is one.
    fn text(&mut self) -> Option<&mut String> {
        None
    }
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
    fn text(&mut self) -> Option<&mut String> {
        Some(self)
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
    fn text(&mut self) -> Option<&mut String> {
        self.as_mut()
    }
    fn absent(rows: usize) -> Option<Vec<Self>> {
        Some(vec![None; rows])
    }
}

/// Values that polars holds as they are.
macro_rules! plain {
    ($($type:ident in $chunked:ident: $holds:ident,)*) => {
        $(impl Value for $type {
            const TYPE: Type = Type::$holds;
            fn column<'a>(name: &str, values: impl Iterator<Item = &'a Self>) -> Column0 {
                $chunked::from_iter_values(name.into(), values.copied()).into_column()
            }
            fn read(column: &Column0) -> PolarsResult<Vec<Self>> {
                Ok(column.$type()?.iter().map(Option::unwrap_or_default).collect())
            }
        })*
    };
}

plain! { i64 in Int64Chunked: Integer, f64 in Float64Chunked: Real, bool in BooleanChunked: Truth, }

impl Value for Option<i64> {
    const TYPE: Type = Type::Integer;
    fn column<'a>(name: &str, values: impl Iterator<Item = &'a Self>) -> Column0 {
        Int64Chunked::from_iter_options(name.into(), values.copied()).into_column()
    }
    fn read(column: &Column0) -> PolarsResult<Vec<Self>> {
        Ok(column.i64()?.iter().collect())
    }
}

impl Value for Option<At> {
    const TYPE: Type = Type::Instant;
    fn column<'a>(name: &str, values: impl Iterator<Item = &'a Self>) -> Column0 {
        Int64Chunked::from_iter_options(name.into(), values.map(|it| it.map(|it| it.0)))
            .into_datetime(TimeUnit::Microseconds, Some(TimeZone::UTC))
            .into_column()
    }
    fn read(column: &Column0) -> PolarsResult<Vec<Self>> {
        Ok(column.datetime()?.physical().iter().map(|it| it.map(At)).collect())
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

/// An instant, to compare a column with.
pub(crate) fn instant(it: At) -> Expr {
    lit(it.0).cast(Type::Instant.of_polars())
}

/// An enum whose values stand in a column as words.
pub trait Named: Copy + PartialEq + 'static {
    /// All values that this version knows.
    const ALL: &'static [Self];
    /// The word in the column.
    fn name(self) -> &'static str;
}

/// A word of a column.
///
/// What this version does not know stays as it stands: a newer version may have written it. It is shown, and written again, and no
/// question takes it for one of the words that it knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Word<T> {
    /// A word that this version knows.
    Known(T),
    /// Any other.
    Unknown(String),
}

impl<T: Named> Word<T> {
    /// The word that this text is.
    pub fn of(text: &str) -> Self {
        let known = T::ALL.iter().find(|it| it.name() == text);
        known.map_or_else(|| Self::Unknown(text.to_owned()), |it| Self::Known(*it))
    }

    /// What it means; `None` if this version does not know it.
    pub fn known(&self) -> Option<T> {
        match self {
            Self::Known(it) => Some(*it),
            Self::Unknown(_) => None,
        }
    }

    /// Whether it is one of these.
    pub fn is_in(&self, these: &[T]) -> bool {
        self.known().is_some_and(|it| these.contains(&it))
    }

    /// The word as it stands in the column.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Known(it) => it.name(),
            Self::Unknown(it) => it,
        }
    }
}

impl<T> Default for Word<T> {
    fn default() -> Self {
        Self::Unknown(String::new())
    }
}

impl<T> From<T> for Word<T> {
    fn from(it: T) -> Self {
        Self::Known(it)
    }
}

impl<T: PartialEq> PartialEq<T> for Word<T> {
    fn eq(&self, other: &T) -> bool {
        matches!(self, Self::Known(it) if it == other)
    }
}

impl<T: Named + Eq> Ord for Word<T> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.as_str().cmp(other.as_str())
    }
}

impl<T: Named + Eq> PartialOrd for Word<T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<T: Named> Serialize for Word<T> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.as_str())
    }
}

impl<'de, T: Named> Deserialize<'de> for Word<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Ok(Self::of(&String::deserialize(from)?))
    }
}

impl<T: Named> Value for Word<T> {
    const TYPE: Type = Type::Text;
    fn column<'a>(name: &str, values: impl Iterator<Item = &'a Self>) -> Column0 {
        StringChunked::from_iter_values(name.into(), values.map(Self::as_str)).into_column()
    }
    fn read(column: &Column0) -> PolarsResult<Vec<Self>> {
        Ok(column.str()?.iter().map(|it| Self::of(it.unwrap_or_default())).collect())
    }
}

impl<T: Named> Value for Option<Word<T>> {
    const TYPE: Type = Type::Text;
    fn column<'a>(name: &str, values: impl Iterator<Item = &'a Self>) -> Column0 {
        let words = values.map(|it| it.as_ref().map(Word::as_str));
        StringChunked::from_iter_options(name.into(), words).into_column()
    }
    fn read(column: &Column0) -> PolarsResult<Vec<Self>> {
        Ok(column.str()?.iter().map(|it| it.map(Word::of)).collect())
    }
    fn absent(rows: usize) -> Option<Vec<Self>> {
        Some(vec![None; rows])
    }
}

/// What a list in a column is made of.
pub trait ListItem: Sized {
    /// What stands between two of them.
    const BETWEEN: char = '+';
    /// The item that this text is.
    fn of(text: &str) -> Self;
    /// The text in the column.
    fn text(&self) -> Cow<'_, str>;
}

impl ListItem for String {
    fn of(text: &str) -> Self {
        text.to_owned()
    }
    fn text(&self) -> Cow<'_, str> {
        self.into()
    }
}

impl<T: Named> ListItem for Word<T> {
    fn of(text: &str) -> Self {
        Self::of(text)
    }
    fn text(&self) -> Cow<'_, str> {
        self.as_str().into()
    }
}

/// The items of a list as one text.
pub fn list_text<T: ListItem>(items: &[T]) -> String {
    let mut out = String::new();
    for (nth, it) in items.iter().enumerate() {
        if nth > 0 {
            out.push(T::BETWEEN);
        }
        out.push_str(&it.text());
    }
    out
}

/// The items of a text that [`list_text`] wrote.
fn parted<T: ListItem>(text: &str) -> Vec<T> {
    match text {
        "" => Vec::new(),
        text => text.split(T::BETWEEN).map(T::of).collect(),
    }
}

impl<T: ListItem> Value for Vec<T> {
    const TYPE: Type = Type::Text;
    fn column<'a>(name: &str, values: impl Iterator<Item = &'a Self>) -> Column0
    where
        Self: 'a,
    {
        let texts = values.map(|it| list_text(it));
        StringChunked::from_iter_values(name.into(), texts).into_column()
    }
    fn read(column: &Column0) -> PolarsResult<Vec<Self>> {
        Ok(column.str()?.iter().map(|it| parted(it.unwrap_or_default())).collect())
    }
}

/// A list that is null in its column where it is empty.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NullIfEmpty<T>(pub Vec<T>);

impl<T> Default for NullIfEmpty<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> std::ops::Deref for NullIfEmpty<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.0
    }
}

impl<T: ListItem + Clone> Value for NullIfEmpty<T> {
    const TYPE: Type = Type::Text;
    fn column<'a>(name: &str, values: impl Iterator<Item = &'a Self>) -> Column0
    where
        Self: 'a,
    {
        let texts = values.map(|it| (!it.is_empty()).then(|| list_text(it)));
        StringChunked::from_iter_options(name.into(), texts).into_column()
    }
    fn read(column: &Column0) -> PolarsResult<Vec<Self>> {
        let texts = column.str()?.iter();
        Ok(texts.map(|it| Self(parted(it.unwrap_or_default()))).collect())
    }
    fn absent(rows: usize) -> Option<Vec<Self>> {
        Some(vec![Self::default(); rows])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transcript::commands::CommandKind;

    #[test]
    fn a_word_and_a_list_are_written_as_they_were_read_whether_or_not_they_are_known() {
        let kinds = ["shell", "possible", "dreamt", "", "Shell", "\u{1b}[2J"];
        let column = StringChunked::from_slice("kind".into(), &kinds).into_column();
        let read = Word::<CommandKind>::read(&column).unwrap();
        assert_eq!(read[0], CommandKind::Shell);
        assert_eq!(read[2].known(), None);
        assert!(Word::column("kind", read.iter()).equals_missing(&column));
        let lists = ["", "shell", "shell+dreamt", "+", "a++b"];
        let column = StringChunked::from_slice("kinds".into(), &lists).into_column();
        let read = Vec::<Word<CommandKind>>::read(&column).unwrap();
        assert_eq!(read[2], [Word::Known(CommandKind::Shell), Word::Unknown("dreamt".into())]);
        assert!(Vec::column("kinds", read.iter()).equals_missing(&column));
        let lists = [None, Some("a"), Some("a+b")];
        let column = StringChunked::from_slice_options("names".into(), &lists).into_column();
        let read = NullIfEmpty::<String>::read(&column).unwrap();
        assert_eq!(*read[2], ["a", "b"]);
        assert!(NullIfEmpty::column("names", read.iter()).equals_missing(&column));
    }
}
