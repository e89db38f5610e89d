//! Policy documents, read: statements, whom they name and what they are about.
//!
//! Only what a check needs is modelled. A condition that is not modelled is never ignored: whoever asks learns that there
//! is one, so that a grant under an unknown condition is neither called open nor called safe.
//! Source: "IAM JSON policy elements reference", "Grammar of the IAM JSON policy language" (AWS IAM User Guide).

use std::fmt::Display;

use serde_json::Map;
use serde_json::Value;

use crate::audit::iam::conditions::Condition;
use crate::audit::iam::conditions::Truth;
use crate::audit::iam::patterns;
use crate::audit::iam::patterns::Carried;
use crate::audit::iam::patterns::Resolved;
use crate::aws_names::AccountId;
use crate::settings::Reason;
use crate::settings::Unread;

/// A policy document.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PolicyDocument {
    /// Its statements, in their order.
    pub statements: Vec<Statement>,
}

/// The version of the policy language that has variables.
const WITH_VARIABLES: &str = "2012-10-17";

/// One statement of a policy document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// `Sid`; `None` if it has none.
    pub sid: Option<String>,
    /// True for `Allow`, false for `Deny`.
    pub allows: bool,
    /// `Principal` or `NotPrincipal`; none in a policy that is attached to a principal.
    pub principals: Who,
    /// `Action` or `NotAction`, as patterns.
    pub actions: Which,
    /// `Resource` or `NotResource`, as patterns.
    pub resources: Which,
    /// Operator, key, values; keys in lower case, as they are not told apart by case.
    pub conditions: Vec<Condition>,
    /// Whether its policy is of a version that has variables.
    pub has_variables: bool,
}

/// What a statement means, or all but that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Meant<T> {
    /// Of `Principal`, `Action` or `Resource`.
    These(Vec<T>),
    /// Of `NotPrincipal`, `NotAction` or `NotResource`.
    AllBut(Vec<T>),
}

/// Actions or resources, as patterns.
pub type Which = Meant<String>;

/// Principals, as kind (`AWS`, `Service`, …) and name; a bare `*` is of kind `AWS`.
pub type Who = Meant<(String, String)>;

impl<T> Meant<T> {
    /// Reads what stands under either name of a statement; nothing is meant where neither stands.
    fn read(of: &Map<String, Value>, yes: &str, no: &str, read: fn(&Value) -> Vec<T>) -> Self {
        match (of.get(yes), of.get(no)) {
            (None, Some(but)) => Self::AllBut(read(but)),
            (these, _) => Self::These(these.map(read).unwrap_or_default()),
        }
    }

    /// What it names itself; of all but some that is nothing.
    fn these(&self) -> &[T] {
        match self {
            Self::These(many) => many,
            Self::AllBut(_) => &[],
        }
    }
}

fn texts(it: &Value) -> Vec<String> {
    match it {
        Value::String(it) => vec![it.clone()],
        Value::Bool(it) => vec![it.to_string()],
        Value::Number(it) => vec![it.to_string()],
        Value::Array(many) => many.iter().flat_map(texts).collect(),
        _ => Vec::new(),
    }
}

fn principals(it: &Value) -> Vec<(String, String)> {
    match it {
        Value::Object(map) => map
            .iter()
            .flat_map(|(kind, names)| texts(names).into_iter().map(|it| (kind.clone(), it)))
            .collect(),
        it => texts(it).into_iter().map(|it| ("AWS".to_owned(), it)).collect(),
    }
}

impl PolicyDocument {
    /// Reads a document; where it is none, `what` it was to be is told.
    pub(crate) fn understood(text: &str, what: impl Display) -> Result<Self, Unread> {
        let strange =
            || Reason::NotUnderstood.because(format!("{what} is of a form that is not known"));
        Self::read(text).ok_or_else(strange)
    }

    /// Reads a document; `None` if it is none.
    pub fn read(text: &str) -> Option<Self> {
        let it: Value = serde_json::from_str(text).ok()?;
        let statements = match it.get("Statement")? {
            Value::Array(many) => many.clone(),
            one => vec![one.clone()],
        };
        let has_variables = it.get("Version").and_then(Value::as_str) == Some(WITH_VARIABLES);
        statements
            .iter()
            .map(|it| Statement::read(it, has_variables))
            .collect::<Option<_>>()
            .map(|it| Self { statements: it })
    }
}

impl Statement {
    fn read(it: &Value, has_variables: bool) -> Option<Self> {
        let it = it.as_object()?;
        let mut conditions = Vec::new();
        if let Some(Value::Object(operators)) = it.get("Condition") {
            for (operator, keys) in operators {
                for (key, values) in keys.as_object()? {
                    conditions.push(Condition {
                        operator: operator.clone(),
                        key: key.to_lowercase(),
                        values: texts(values),
                    });
                }
            }
        }
        Some(Self {
            sid: it.get("Sid").and_then(|it| it.as_str()).map(str::to_owned),
            allows: match it.get("Effect")?.as_str()? {
                "Allow" => true,
                "Deny" => false,
                _ => return None,
            },
            principals: Who::read(it, "Principal", "NotPrincipal", principals),
            actions: Which::read(it, "Action", "NotAction", texts),
            resources: Which::read(it, "Resource", "NotResource", texts),
            conditions,
            has_variables,
        })
    }

    /// How it is called in a message.
    pub fn name(&self) -> String {
        self.sid.clone().unwrap_or_else(|| "a statement without Sid".into())
    }

    /// Whether anybody at all is meant by its principals.
    pub fn means_everybody(&self) -> bool {
        match &self.principals {
            Who::These(many) => many.iter().any(|(kind, name)| kind == "AWS" && name == "*"),
            Who::AllBut(_) => true,
        }
    }

    /// Accounts of its principals. `None` stands for one that names no account.
    pub fn accounts(&self) -> Vec<Option<AccountId>> {
        let kinds = ["AWS", "CanonicalUser", "Federated"];
        let named = self.principals.these().iter();
        let named = named.filter(|it| kinds.contains(&it.0.as_str()) && it.1 != "*");
        named.map(|it| AccountId::of(&it.1)).collect()
    }

    /// Service principals it names, as `delivery.logs.amazonaws.com`.
    pub fn services(&self) -> Vec<&str> {
        let named = self.principals.these().iter();
        named.filter(|it| it.0 == "Service").map(|it| it.1.as_str()).collect()
    }

    /// Whether some ARN of a pattern is among its resources.
    pub fn touches(&self, pattern: &str) -> bool {
        self.resources.touches(pattern, self.has_variables)
    }
}

impl Which {
    /// Whether this action is among them. Actions are not told apart by case.
    pub fn holds_action(&self, name: &str) -> bool {
        let name = name.to_lowercase();
        let matches = |it: &String| patterns::glob(&it.to_lowercase(), &name);
        match self {
            Self::These(many) => many.iter().any(matches),
            Self::AllBut(many) => !many.iter().any(matches),
        }
    }

    /// Whether an ARN is among them, as far as variables in them are known.
    pub fn covers(&self, arn: &str, variables: bool, carried: &dyn Fn(&str) -> Carried) -> Truth {
        let found = |many: &[String]| {
            Truth::any(many.iter().map(|it| match patterns::resolve(it, variables, carried) {
                Resolved::Known(pattern) => patterns::is_like(&pattern, arn).into(),
                Resolved::Unknown => Truth::Unknown,
            }))
        };
        match self {
            Self::These(many) => found(many),
            Self::AllBut(many) => found(many).negated(),
        }
    }

    /// Whether some ARN may be of a pattern and among them, too.
    fn touches(&self, pattern: &str, variables: bool) -> bool {
        match self {
            Self::These(many) => many.iter().any(|it| {
                let it = if variables { patterns::with_any(it) } else { it.clone() };
                patterns::can_meet(&it, pattern)
            }),
            Self::AllBut(many) => !many.iter().any(|it| patterns::holds_all(it, pattern)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(statement: &str) -> Statement {
        let policy = PolicyDocument::read(&format!(r#"{{"Statement":[{statement}]}}"#)).unwrap();
        policy.statements[0].clone()
    }

    #[test]
    fn principals_are_everybody_accounts_or_services() {
        for all in [r#""*""#, r#"{"AWS":"*"}"#, r#"{"AWS":["*"]}"#] {
            assert!(
                one(&format!(r#"{{"Effect":"Allow","Principal":{all},"Action":"*"}}"#))
                    .means_everybody()
            );
        }
        assert!(
            one(r#"{"Effect":"Allow","NotPrincipal":{"AWS":"111122223333"},"Action":"*"}"#)
                .means_everybody()
        );
        let it = one(
            r#"{"Effect":"Allow","Principal":{"AWS":["arn:aws:iam::111122223333:root","444455556666","AIDAX"],"Service":"logs.eu-west-1.amazonaws.com"},"Action":"*"}"#,
        );
        assert!(!it.means_everybody());
        assert_eq!(
            it.accounts(),
            [AccountId::parse("111122223333"), AccountId::parse("444455556666"), None]
        );
        assert_eq!(it.services(), ["logs.eu-west-1.amazonaws.com"]);
    }

    #[test]
    fn what_is_no_policy_is_told_from_an_empty_one() {
        assert_eq!(PolicyDocument::read("{}"), None);
        assert_eq!(PolicyDocument::read("x"), None);
        assert_eq!(PolicyDocument::read(r#"{"Statement":[{"Effect":"Maybe"}]}"#), None);
        assert_eq!(PolicyDocument::read(r#"{"Statement":[]}"#), Some(PolicyDocument::default()));
    }
}
