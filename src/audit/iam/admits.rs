//! Whom a statement lets in: ours, foreign accounts, everybody, or somebody of whom nobody knows.
//!
//! Source: "AWS global condition context keys", "The meaning of public", "The confused deputy problem".

use crate::audit::iam::conditions;
use crate::audit::iam::conditions::Condition;
use crate::audit::iam::conditions::Operator;
use crate::audit::iam::policy::Statement;
use crate::aws_names::AccountId;
use crate::aws_names::Arn;
use crate::aws_names::parts;

/// What the value of a condition names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Boundary<'a> {
    /// An account id, 12 digits.
    Account(&'a str),
    /// An organization's id, `o-…`.
    Organization(&'a str),
    /// A VPC id, `vpc-…`.
    Vpc(&'a str),
    /// A VPC endpoint's id.
    Endpoint(&'a str),
}

/// Whom a statement lets in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Admits {
    /// Nobody of another account.
    Ours,
    /// These accounts.
    Foreign(Vec<String>),
    /// Anybody at all: no condition holds it to anybody.
    Everybody,
    /// In words, what is not known to be ours.
    Unknown(String),
}

impl Admits {
    /// Whom from outside, in words; `None` is nobody.
    ///
    /// # Errors
    /// In words, what is not known to be ours.
    pub(crate) fn outsiders(self) -> Result<Option<String>, String> {
        match self {
            Self::Ours => Ok(None),
            Self::Foreign(them) => Ok(Some(them.join(", "))),
            Self::Everybody => Ok(Some("everybody".to_owned())),
            Self::Unknown(whom) => Err(whom),
        }
    }
}

fn is_account(key: &str) -> bool {
    let of_callers = ["aws:principalaccount", "aws:sourceaccount", "kms:calleraccount"];
    // A delegation to access points, and endpoints' owners ("The meaning of public").
    of_callers.contains(&key) || ["s3:dataaccesspointaccount", "aws:vpceaccount"].contains(&key)
}

/// Whether a block is of so many addresses that AWS calls it public: wider than a /8, or a /32 of IPv6 ("The meaning of public").
fn is_public_block(text: &str) -> bool {
    conditions::block(text).is_some_and(|it| it.is_wider_than(8, 32))
}

impl Statement {
    /// Whom an Allow lets in. `is_ours` says whether what a condition names is ours, `None` where nobody knows.
    ///
    /// A condition holds its principals to what its values name, and these are judged as principals are. A foreign account that is named
    /// as principal is told, whatever else the statement says.
    pub fn admits(&self, is_ours: &dyn Fn(Boundary<'_>) -> Option<bool>) -> Admits {
        let foreign = |it: &AccountId| is_ours(Boundary::Account(it.as_str())) != Some(true);
        let named = self.accounts().into_iter().flatten().filter(foreign);
        let named: Vec<String> = named.map(|it| it.to_string()).collect();
        if !named.is_empty() {
            return Admits::Foreign(named);
        }
        let is_unnamed = self.accounts().contains(&None);
        // All conditions hold at once, so the narrowest says most.
        // But one that names a foreign account is told, whatever the others say.
        let bound = self.conditions.iter().filter_map(|it| it.binds(self.has_variables, is_ours));
        let narrowest = bound.min_by_key(|it| match it {
            Admits::Foreign(_) => 0,
            Admits::Ours => 1,
            Admits::Unknown(_) | Admits::Everybody => 2,
        });
        match narrowest {
            None if is_unnamed => Admits::Unknown("somebody whose account it does not tell".into()),
            None if self.means_everybody() => Admits::Everybody,
            // A service acts for whom the condition names ("The confused deputy problem").
            Some(it) if is_unnamed || self.means_everybody() || !self.services().is_empty() => it,
            _ => Admits::Ours,
        }
    }
}

impl Condition {
    /// Whom it holds principals to; `None` if to nobody, as a wildcard in the place of an account does.
    /// Source: "AWS global condition context keys", "AWS KMS condition keys".
    pub(crate) fn binds(
        &self,
        variables: bool,
        is_ours: &dyn Fn(Boundary<'_>) -> Option<bool>,
    ) -> Option<Admits> {
        let operator = Operator::read(&self.operator).filter(|it| it.demands())?;
        let is_open = |it: &str| {
            it.is_empty()
                || it.contains("${")
                || operator.has_wildcards() && it.contains(['*', '?'])
                // Text is compared as it stands, and nothing is called so.
                || it == "*"
        };
        let mut foreign = Vec::new();
        let mut unknown = None;
        for value in &self.values {
            // The account of the thing that the policy is attached to, which is the one it is judged for.
            if variables
                && value.eq_ignore_ascii_case("${aws:ResourceAccount}")
                && is_account(&self.key)
            {
                continue;
            }
            let named = match self.names(value, operator) {
                Ok(it) => it,
                Err(why) => {
                    unknown = Some(why?);
                    continue;
                }
            };
            let (what, name) = match named {
                Boundary::Account(it) => ("the account", it),
                Boundary::Organization(it) => ("the organization", it),
                Boundary::Vpc(it) => ("the VPC", it),
                Boundary::Endpoint(it) => ("the endpoint", it),
            };
            // One value that admits anybody admits all.
            if is_open(name) {
                return None;
            }
            match (is_ours(named), named) {
                (Some(true), _) => {}
                (_, Boundary::Account(it)) => foreign.push(it.to_owned()),
                _ => {
                    unknown =
                        Some(format!("whoever is in {what} {name}, which is not known to be ours"));
                }
            }
        }
        Some(match (foreign.is_empty(), unknown) {
            (false, _) => Admits::Foreign(foreign),
            (true, Some(it)) => Admits::Unknown(it),
            (true, None) if self.values.is_empty() => return None,
            (true, None) => Admits::Ours,
        })
    }

    /// What a value names; else in words who comes by it, or `None` where that is anybody.
    fn names<'a>(
        &self,
        value: &'a str,
        operator: Operator,
    ) -> Result<Boundary<'a>, Option<String>> {
        Ok(match self.key.as_str() {
            key if is_account(key) => Boundary::Account(value),
            "aws:principalarn" | "aws:sourcearn" | "s3:dataaccesspointarn" => {
                let account = parts(value).nth(4).unwrap_or_default();
                // Of a text a star reaches over colons, and a path may hold them.
                let before = parts(value).take(4).any(|it| it.contains(['*', '?']));
                if before && operator.has_wildcards() && !operator.is_arn() {
                    return Err(None);
                }
                if account.is_empty() && Arn::is_begun(value) {
                    // The ARN of a bucket tells no account.
                    let why = format!("what comes from {value}, whose account is not known");
                    return Err(Some(why));
                }
                Boundary::Account(account)
            }
            "aws:principalorgid" | "aws:sourceorgid" => Boundary::Organization(value),
            "aws:principalorgpaths" | "aws:sourceorgpaths" => {
                Boundary::Organization(value.split('/').next().unwrap_or_default())
            }
            "aws:sourcevpc" => Boundary::Vpc(value),
            "aws:sourcevpce" => Boundary::Endpoint(value),
            // What AWS calls not public, too ("The meaning of public").
            "aws:sourceip" if is_public_block(value) => return Err(None),
            "aws:sourceip" | "aws:userid" if value != "*" => {
                return Err(Some(format!("whoever comes by {} {value}", self.key)));
            }
            _ => return Err(None),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::iam::policy::PolicyDocument;

    #[test]
    fn a_condition_binds_to_what_its_values_name() {
        let with = |principal: &str, condition: &str| {
            let statement = format!(
                r#"{{"Effect":"Allow","Principal":{principal},"Action":"*","Condition":{{{condition}}}}}"#
            );
            let policy = PolicyDocument::read(&format!(r#"{{"Statement":{statement}}}"#)).unwrap();
            policy.statements[0].admits(&|it| match it {
                Boundary::Account(it) => Some(it == "111122223333"),
                Boundary::Vpc(it) => (it == "vpc-1").then_some(true),
                Boundary::Organization(_) | Boundary::Endpoint(_) => None,
            })
        };
        let all = |condition: &str| with(r#""*""#, condition);
        let foreign = |it: Admits| it == Admits::Foreign(vec!["999988887777".into()]);
        assert_eq!(all(r#""StringEquals":{"aws:PrincipalAccount":"111122223333"}"#), Admits::Ours);
        assert!(foreign(all(r#""StringEquals":{"aws:PrincipalAccount":"999988887777"}"#)));
        assert!(foreign(all(
            r#""StringEquals":{"kms:CallerAccount":["111122223333","999988887777"]}"#
        )));
        let arn = |it: &str| all(&format!(r#""ArnLike":{{"aws:PrincipalArn":"{it}"}}"#));
        assert_eq!(arn("arn:aws:iam::111122223333:role/*"), Admits::Ours);
        assert!(foreign(arn("arn:aws:iam::999988887777:role/x")));
        for open in ["*", "arn:aws:iam::*:role/*", "arn:aws:iam::*:*", "arn:aws:iam::1111*:role/x"]
        {
            assert_eq!(arn(open), Admits::Everybody, "{open}");
        }
        assert_eq!(all(r#""StringLike":{"aws:PrincipalOrgID":"o-*"}"#), Admits::Everybody);
        let unknown = |it: Admits| matches!(it, Admits::Unknown(_));
        assert!(unknown(all(r#""StringEquals":{"aws:PrincipalOrgID":"o-1"}"#)));
        assert!(unknown(all(r#""ForAnyValue:StringLike":{"aws:PrincipalOrgPaths":"o-1/r-2/*"}"#)));
        assert!(unknown(all(r#""StringEquals":{"aws:SourceVpc":"vpc-attacker"}"#)));
        assert_eq!(all(r#""StringEquals":{"aws:SourceVpc":"vpc-1"}"#), Admits::Ours);
        for open in [
            r#""StringNotEquals":{"aws:PrincipalOrgID":"o-1"}"#,
            r#""StringEqualsIfExists":{"aws:PrincipalAccount":"111122223333"}"#,
            r#""ForAllValues:StringEquals":{"aws:PrincipalAccount":"111122223333"}"#,
            r#""Bool":{"aws:SecureTransport":"true"}"#,
            r#""StringSortOf":{"aws:PrincipalAccount":"111122223333"}"#,
            r#""StringEquals":{"aws:PrincipalAccount":[]}"#,
        ] {
            assert_eq!(all(open), Admits::Everybody, "{open}");
        }
        // The narrowest of several conditions says most.
        let both =
            r#""StringEquals":{"aws:PrincipalOrgID":"o-1","aws:PrincipalAccount":"111122223333"}"#;
        assert_eq!(all(both), Admits::Ours);
        // A foreign account that is named is told.
        let root = r#"{"AWS":"arn:aws:iam::999988887777:root"}"#;
        assert!(foreign(with(root, both)));
        assert!(foreign(with(root, r#""StringEquals":{"aws:SourceVpc":"vpc-1"}"#)));
        assert!(unknown(with(r#"{"AWS":"AIDAEXAMPLE"}"#, "")));
        assert_eq!(with(r#"{"Service":"logs.amazonaws.com"}"#, ""), Admits::Ours);
    }
}
