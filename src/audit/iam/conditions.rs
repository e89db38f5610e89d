//! Conditions of policies: whether they hold for a request, as far as that is known.
//!
//! Three values, not two: what depends on what only a real request carries is unknown, and an operator, a value or a variable that is
//! not understood is unknown, too. Pure: what a request carries is asked of the caller, key by key.
//! Source: "IAM JSON policy elements: Condition operators", "Condition context keys with multiple values" (AWS IAM User Guide).

use core::cmp::Ordering;
use core::net::IpAddr;

use crate::audit::iam::patterns::Carried;
use crate::audit::iam::patterns::Resolved;
use crate::audit::iam::patterns::Token;
use crate::audit::iam::patterns::is_like;
use crate::audit::iam::patterns::literal;
use crate::audit::iam::patterns::resolve;
use crate::aws_names::parts;
use crate::time;
use crate::time::At;

/// Whether something holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Truth {
    /// It holds.
    Yes,
    /// It does not hold.
    No,
    /// It depends on what is not known.
    Unknown,
}

impl From<bool> for Truth {
    fn from(it: bool) -> Self {
        if it { Self::Yes } else { Self::No }
    }
}

impl Truth {
    /// Whether both hold: one `No` is enough for `No`.
    pub fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::No, _) | (_, Self::No) => Self::No,
            (Self::Yes, Self::Yes) => Self::Yes,
            _ => Self::Unknown,
        }
    }

    /// Whether either holds: one `Yes` is enough for `Yes`.
    pub fn or(self, other: Self) -> Self {
        self.negated().and(other.negated()).negated()
    }

    /// Whether any of these holds.
    pub(crate) fn any(all: impl Iterator<Item = Self>) -> Self {
        all.fold(Self::No, Self::or)
    }

    /// Whether all of these hold.
    pub(crate) fn every(all: impl Iterator<Item = Self>) -> Self {
        all.fold(Self::Yes, Self::and)
    }

    /// The opposite; what is not known stays so.
    #[must_use]
    pub fn negated(self) -> Self {
        match self {
            Self::Yes => Self::No,
            Self::No => Self::Yes,
            Self::Unknown => Self::Unknown,
        }
    }
}

/// One condition of a statement: an operator, a key and the values it is compared with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condition {
    /// The operator as the policy has it, as `StringEquals` or `ForAnyValue:StringLike`.
    pub operator: String,
    /// The condition key in lower case, as `aws:sourceip`.
    pub key: String,
    /// The values it is compared with, as texts; numbers and booleans are written out.
    pub values: Vec<String>,
}

/// How a key of many values is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Set {
    Single,
    ForAny,
    ForAll,
}

/// What values are compared as; of numbers and dates, which order holds.
#[derive(Clone, Copy, Debug)]
enum ComparedAs {
    Text,
    Folded,
    Like,
    Arn,
    Number(fn(Ordering) -> bool),
    Date(fn(Ordering) -> bool),
    Truth,
    Address,
    Bytes,
    Null,
}

/// An operator, taken apart.
#[derive(Clone, Copy, Debug)]
pub struct Operator {
    set: Set,
    kind: ComparedAs,
    /// It asks that none of the values match.
    pub is_negated: bool,
    /// It holds where the request has no such key.
    pub if_exists: bool,
}

impl Operator {
    /// `None` if there is no such operator.
    pub fn read(name: &str) -> Option<Self> {
        let name = name.to_ascii_lowercase();
        let (set, rest) = match name.split_once(':') {
            Some(("foranyvalue", rest)) => (Set::ForAny, rest),
            Some(("forallvalues", rest)) => (Set::ForAll, rest),
            Some(_) => return None,
            None => (Set::Single, name.as_str()),
        };
        let before = rest.strip_suffix("ifexists");
        let (rest, if_exists) = (before.unwrap_or(rest), before.is_some());
        let (kind, is_negated) = match rest {
            "stringequals" => (ComparedAs::Text, false),
            "stringnotequals" => (ComparedAs::Text, true),
            "stringequalsignorecase" => (ComparedAs::Folded, false),
            "stringnotequalsignorecase" => (ComparedAs::Folded, true),
            "stringlike" => (ComparedAs::Like, false),
            "stringnotlike" => (ComparedAs::Like, true),
            "arnequals" | "arnlike" => (ComparedAs::Arn, false),
            "arnnotequals" | "arnnotlike" => (ComparedAs::Arn, true),
            "numericequals" => (ComparedAs::Number(Ordering::is_eq), false),
            "numericnotequals" => (ComparedAs::Number(Ordering::is_eq), true),
            "numericlessthan" => (ComparedAs::Number(Ordering::is_lt), false),
            "numericlessthanequals" => (ComparedAs::Number(Ordering::is_le), false),
            "numericgreaterthan" => (ComparedAs::Number(Ordering::is_gt), false),
            "numericgreaterthanequals" => (ComparedAs::Number(Ordering::is_ge), false),
            "dateequals" => (ComparedAs::Date(Ordering::is_eq), false),
            "datenotequals" => (ComparedAs::Date(Ordering::is_eq), true),
            "datelessthan" => (ComparedAs::Date(Ordering::is_lt), false),
            "datelessthanequals" => (ComparedAs::Date(Ordering::is_le), false),
            "dategreaterthan" => (ComparedAs::Date(Ordering::is_gt), false),
            "dategreaterthanequals" => (ComparedAs::Date(Ordering::is_ge), false),
            "bool" => (ComparedAs::Truth, false),
            "binaryequals" => (ComparedAs::Bytes, false),
            "ipaddress" => (ComparedAs::Address, false),
            "notipaddress" => (ComparedAs::Address, true),
            // Of this one there is no other form.
            "null" if !if_exists => (ComparedAs::Null, false),
            _ => return None,
        };
        Some(Self { set, kind, is_negated, if_exists })
    }

    /// Whether a condition of this kind can only hold for a request that has the key with one of the values.
    pub fn demands(self) -> bool {
        !self.is_negated
            && !self.if_exists
            && self.set != Set::ForAll
            && !matches!(self.kind, ComparedAs::Null)
    }

    /// Whether it compares the parts of an ARN, each for itself.
    pub fn is_arn(self) -> bool {
        matches!(self.kind, ComparedAs::Arn)
    }

    /// Whether `*` and `?` in its values stand for other characters.
    pub fn has_wildcards(self) -> bool {
        matches!(self.kind, ComparedAs::Like | ComparedAs::Arn)
    }

    /// "You can use policy variables in the Condition element with string and ARN operators."
    fn has_variables(self) -> bool {
        matches!(
            self.kind,
            ComparedAs::Text | ComparedAs::Folded | ComparedAs::Like | ComparedAs::Arn
        )
    }
}

/// Whether a condition holds. `variables` says whether the policy's version has any.
pub fn holds(condition: &Condition, variables: bool, carried: &dyn Fn(&str) -> Carried) -> Truth {
    let Some(operator) = Operator::read(&condition.operator) else { return Truth::Unknown };
    let there = carried(&condition.key);
    if matches!(operator.kind, ComparedAs::Null) {
        let wants = |value: &str| condition.values.iter().any(|it| it.eq_ignore_ascii_case(value));
        return match there {
            Carried::Absent => wants("true").into(),
            Carried::Values(_) => wants("false").into(),
            Carried::Unknown => Truth::Unknown,
        };
    }
    let values = match there {
        Carried::Unknown => return Truth::Unknown,
        Carried::Absent => {
            // "If the key is not present": negated operators match, and so does ForAllValues.
            let matches = match operator.set {
                Set::ForAll => true,
                Set::ForAny => operator.if_exists,
                Set::Single => operator.is_negated || operator.if_exists,
            };
            return matches.into();
        }
        Carried::Values(it) => it,
    };
    let patterns: Vec<Resolved> = condition
        .values
        .iter()
        .map(|it| resolve(it, variables && operator.has_variables(), carried))
        .collect();
    let test = |value: &String| {
        let found = Truth::any(patterns.iter().map(|it| match it {
            Resolved::Known(pattern) => operator.kind.matches(pattern, value),
            Resolved::Unknown => Truth::Unknown,
        }));
        if operator.is_negated { found.negated() } else { found }
    };
    match (operator.set, operator.is_negated) {
        (Set::ForAll, _) | (Set::Single, true) => Truth::every(values.iter().map(test)),
        (Set::ForAny, _) | (Set::Single, false) => Truth::any(values.iter().map(test)),
    }
}

impl ComparedAs {
    fn matches(self, pattern: &[Token], value: &str) -> Truth {
        let said = literal(pattern);
        let known = |it: Option<bool>| it.map_or(Truth::Unknown, Truth::from);
        match self {
            Self::Text | Self::Bytes => (said == value).into(),
            Self::Folded => (said.to_lowercase() == value.to_lowercase()).into(),
            Self::Like => is_like(pattern, value).into(),
            Self::Arn => is_arn_like(pattern, value),
            Self::Number(holds) => {
                let both = said.parse::<f64>().ok().zip(value.parse::<f64>().ok());
                known(both.and_then(|it| it.1.partial_cmp(&it.0)).map(holds))
            }
            Self::Date(holds) => {
                known(date(&said).zip(date(value)).map(|it| holds(it.1.cmp(&it.0))))
            }
            Self::Truth => known(truth(&said).zip(truth(value)).map(|it| it.0 == it.1)),
            Self::Address => known(block(&said).zip(value.parse().ok()).map(|it| it.0.holds(it.1))),
            Self::Null => Truth::Unknown,
        }
    }
}

/// "Each of the six colon-delimited components of the ARN is checked separately and each can include a multi-character match wildcard
/// (*) or a single-character match wildcard (?)." What a pattern of fewer components means is said nowhere.
fn is_arn_like(pattern: &[Token], value: &str) -> Truth {
    if pattern == [Token::Star] {
        return Truth::Yes;
    }
    let patterns: Vec<&[Token]> = pattern.splitn(6, |it| *it == Token::Char(':')).collect();
    let values: Vec<&str> = parts(value).collect();
    if patterns.len() == values.len() {
        return patterns.iter().zip(&values).all(|(one, other)| is_like(one, other)).into();
    }
    let may_go_on = pattern.last() == Some(&Token::Star) && is_like(pattern, value);
    if may_go_on { Truth::Unknown } else { Truth::No }
}

fn truth(text: &str) -> Option<bool> {
    text.to_ascii_lowercase().parse().ok()
}

/// Seconds since 1970 of a date in a form of ISO 8601, or of seconds.
fn date(text: &str) -> Option<i64> {
    if let Ok(seconds) = text.parse() {
        return Some(seconds);
    }
    At::read(text).or_else(|| time::day(text).map(At::of_day)).map(At::seconds)
}

/// Addresses that share their first bits.
pub(crate) struct Block {
    address: IpAddr,
    bits: u32,
}

/// Reads `10.0.0.0/8`, or one address.
pub(crate) fn block(text: &str) -> Option<Block> {
    let (address, bits) = match text.split_once('/') {
        Some((address, bits)) => (address, Some(bits.parse().ok()?)),
        None => (text, None),
    };
    let address: IpAddr = address.parse().ok()?;
    let most = if address.is_ipv4() { 32 } else { 128 };
    let bits: u32 = bits.unwrap_or(most);
    (bits <= most).then_some(Block { address, bits })
}

impl Block {
    /// Whether it holds more addresses than a block of so many bits, of IPv4 and of IPv6.
    pub(crate) fn is_wider_than(&self, four: u32, six: u32) -> bool {
        self.bits < if self.address.is_ipv4() { four } else { six }
    }

    pub(crate) fn holds(&self, other: IpAddr) -> bool {
        let (apart, bits) = match (self.address, other) {
            (IpAddr::V4(one), IpAddr::V4(other)) => {
                (u128::from(one.to_bits() ^ other.to_bits()), 32)
            }
            (IpAddr::V6(one), IpAddr::V6(other)) => (one.to_bits() ^ other.to_bits(), 128),
            _ => return false,
        };
        apart.checked_shr(bits - self.bits).unwrap_or(0) == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(operator: &str, values: &[&str], carried: &Carried) -> Truth {
        let condition = Condition {
            operator: operator.into(),
            key: "k".into(),
            values: values.iter().map(|it| (*it).to_owned()).collect(),
        };
        let there = |key: &str| match key {
            "k" => carried.clone(),
            "aws:principalaccount" => Carried::one("111122223333"),
            "aws:username" => Carried::Absent,
            _ => Carried::Unknown,
        };
        holds(&condition, true, &there)
    }

    /// Operator, values of the policy, what the request carries, the answer. From the tables of "IAM JSON policy elements: Condition
    /// operators" and "Condition context keys with multiple values".
    #[test]
    fn operators_hold_as_the_user_guide_says() {
        use Truth::No;
        use Truth::Unknown;
        use Truth::Yes;
        let one = |it: &str| Carried::one(it);
        let many = |all: &[&str]| Carried::Values(all.iter().map(|it| (*it).to_owned()).collect());
        let table: Vec<(&str, &[&str], Carried, Truth)> = vec![
            ("StringEquals", &["a", "b"], one("b"), Yes),
            ("StringEquals", &["a"], one("A"), No),
            ("StringEquals", &["a*"], one("ab"), No),
            ("StringEquals", &["a"], Carried::Absent, No),
            ("StringEquals", &["a"], Carried::Unknown, Unknown),
            ("StringNotEquals", &["a", "b"], one("b"), No),
            ("StringNotEquals", &["a", "b"], one("c"), Yes),
            ("StringNotEquals", &["a"], Carried::Absent, Yes),
            ("StringEqualsIfExists", &["a"], Carried::Absent, Yes),
            ("StringEqualsIfExists", &["a"], one("b"), No),
            ("StringEqualsIgnoreCase", &["A"], one("a"), Yes),
            ("StringNotEqualsIgnoreCase", &["A"], one("a"), No),
            ("StringLike", &["a*", "x?"], one("xy"), Yes),
            ("StringNotLike", &["a*"], one("ab"), No),
            ("stringlike", &["*"], one("ab"), Yes),
            ("ArnLike", &["arn:aws:iam::*:role/*"], one("arn:aws:iam::1:role/x"), Yes),
            ("ArnEquals", &["arn:aws:iam::1:*"], one("arn:aws:iam::1:role/a:b"), Yes),
            ("ArnLike", &["arn:aws:*"], one("arn:aws:iam::1:role/x"), Unknown),
            ("ArnLike", &["*"], one("arn:aws:iam::1:role/x"), Yes),
            ("ArnLike", &["arn:*:role/x"], one("arn:aws:iam::1:role/x"), No),
            ("ArnNotEquals", &["arn:aws:iam::1:role/x"], one("arn:aws:iam::1:role/x"), No),
            ("NumericLessThan", &["1.2"], one("1.1"), Yes),
            ("NumericLessThan", &["1.2"], one("1.2"), No),
            ("NumericLessThanEquals", &["10"], one("10"), Yes),
            ("NumericGreaterThan", &["10"], one("9"), No),
            ("NumericNotEquals", &["10"], one("9"), Yes),
            ("NumericEquals", &["ten"], one("10"), Unknown),
            ("DateLessThan", &["2026-11-29T00:00:00Z"], one("2026-11-28T00:00:00Z"), Yes),
            ("DateGreaterThan", &["2026-11-29"], one("1795910401"), Yes),
            ("Bool", &["false"], one("False"), Yes),
            ("Bool", &["true"], Carried::Absent, No),
            ("BoolIfExists", &["true"], Carried::Absent, Yes),
            ("IpAddress", &["10.0.0.0/8"], one("10.1.2.3"), Yes),
            ("NotIpAddress", &["10.0.0.0/8"], one("10.1.2.3"), No),
            ("IpAddress", &["0.0.0.0/0"], one("198.51.100.7"), Yes),
            ("IpAddress", &["2001:db8::/32"], one("2001:db8::1"), Yes),
            ("IpAddress", &["10.0.0.0/33"], one("10.0.0.1"), Unknown),
            ("Null", &["true"], Carried::Absent, Yes),
            ("Null", &["true"], one("a"), No),
            ("Null", &["false"], one("a"), Yes),
            ("Null", &["false"], Carried::Unknown, Unknown),
            ("ForAllValues:StringEquals", &["a", "b"], many(&["a", "b"]), Yes),
            ("ForAllValues:StringEquals", &["a"], many(&["a", "b"]), No),
            ("ForAllValues:StringEquals", &["a"], Carried::Absent, Yes),
            ("ForAnyValue:StringEquals", &["a"], many(&["a", "b"]), Yes),
            ("ForAnyValue:StringEquals", &["c"], many(&["a", "b"]), No),
            ("ForAnyValue:StringEquals", &["a"], Carried::Absent, No),
            ("ForAnyValue:StringNotEquals", &["a"], many(&["a", "b"]), Yes),
            ("ForAllValues:StringNotEquals", &["a"], many(&["a", "b"]), No),
            ("StringEquals", &["${aws:PrincipalAccount}"], one("111122223333"), Yes),
            ("StringEquals", &["${aws:PrincipalAccount}"], one("444455556666"), No),
            ("StringLike", &["x/${aws:principalaccount}/*"], one("x/111122223333/y"), Yes),
            ("StringEquals", &["${aws:PrincipalTag/team}"], one("a"), Unknown),
            ("StringNotEquals", &["${aws:PrincipalTag/team}"], one("a"), Unknown),
            ("StringEquals", &["a", "${aws:PrincipalTag/team}"], one("a"), Yes),
            ("StringEquals", &["${aws:username, 'nobody'}"], one("nobody"), Yes),
            ("StringEquals", &["${aws:username}"], one("nobody"), Unknown),
            ("StringLike", &["a${*}c"], one("abc"), No),
            ("StringLike", &["a${*}c"], one("a*c"), Yes),
            ("StringSortOfEquals", &["a"], one("a"), Unknown),
            ("ForSomeValues:StringEquals", &["a"], one("a"), Unknown),
        ];
        for (operator, values, carried, wanted) in table {
            let got = of(operator, values, &carried);
            assert_eq!(got, wanted, "{operator} {values:?} of {carried:?}");
        }
    }

    #[test]
    fn three_values_are_joined_as_logic_has_it() {
        use Truth::No;
        use Truth::Unknown;
        use Truth::Yes;
        for (one, other, and, or) in [
            (Yes, Yes, Yes, Yes),
            (Yes, No, No, Yes),
            (Yes, Unknown, Unknown, Yes),
            (No, Unknown, No, Unknown),
            (Unknown, Unknown, Unknown, Unknown),
        ] {
            assert_eq!((one.and(other), one.or(other)), (and, or));
            assert_eq!((other.and(one), other.or(one)), (and, or));
        }
    }
}
