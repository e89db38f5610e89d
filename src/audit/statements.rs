//! Policy documents: who may do what to which thing, as far as it can be read from the document alone.
//!
//! Only what a check needs is modelled. A condition that is not modelled is never ignored: whoever asks learns that there
//! is one, so that a grant under an unknown condition is neither called open nor called safe.
//! Source: "IAM JSON policy elements reference", "Grammar of the IAM JSON policy language" (AWS IAM User Guide).

use serde_json::Value;

/// A policy document.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    pub statements: Vec<Statement>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    pub sid: Option<String>,
    pub allows: bool,
    pub principals: Who,
    pub actions: Which,
    pub resources: Which,
    /// Operator, key, values; keys in lower case, as they are not told apart by case.
    pub conditions: Vec<Condition>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condition {
    pub operator: String,
    pub key: String,
    pub values: Vec<String>,
}

/// Patterns that are meant, or all but those.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Which {
    These(Vec<String>),
    AllBut(Vec<String>),
}

/// Principals, as kind (`AWS`, `Service`, …) and name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Who {
    These(Vec<(String, String)>),
    AllBut(Vec<(String, String)>),
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

impl Policy {
    /// Reads a document; `None` if it is none.
    pub fn read(text: &str) -> Option<Self> {
        let it: Value = serde_json::from_str(text).ok()?;
        let statements = match it.get("Statement")? {
            Value::Array(many) => many.clone(),
            one => vec![one.clone()],
        };
        statements
            .iter()
            .map(Statement::read)
            .collect::<Option<_>>()
            .map(|it| Self { statements: it })
    }
}

impl Statement {
    fn read(it: &Value) -> Option<Self> {
        let it = it.as_object()?;
        let which = |yes: &str, no: &str| match (it.get(yes), it.get(no)) {
            (Some(these), _) => Which::These(texts(these)),
            (None, Some(but)) => Which::AllBut(texts(but)),
            (None, None) => Which::These(Vec::new()),
        };
        let who = match (it.get("Principal"), it.get("NotPrincipal")) {
            (Some(these), _) => Who::These(principals(these)),
            (None, Some(but)) => Who::AllBut(principals(but)),
            (None, None) => Who::These(Vec::new()),
        };
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
            principals: who,
            actions: which("Action", "NotAction"),
            resources: which("Resource", "NotResource"),
            conditions,
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
    pub fn accounts(&self) -> Vec<Option<String>> {
        match &self.principals {
            Who::These(many) => many
                .iter()
                .filter(|it| {
                    ["AWS", "CanonicalUser", "Federated"].contains(&it.0.as_str()) && it.1 != "*"
                })
                .map(|it| account_of(&it.1))
                .collect(),
            Who::AllBut(_) => Vec::new(),
        }
    }

    /// Whether it lets in somebody whose account its principals do not tell: a canonical user, an id of one who is gone.
    pub fn admits_unnamed(&self) -> bool {
        self.allows && !self.is_bound() && self.accounts().contains(&None)
    }

    pub fn services(&self) -> Vec<&str> {
        match &self.principals {
            Who::These(many) => {
                many.iter().filter(|it| it.0 == "Service").map(|it| it.1.as_str()).collect()
            }
            Who::AllBut(_) => Vec::new(),
        }
    }

    /// Whether its principals are held to known accounts by a condition, whoever is named.
    pub fn is_bound(&self) -> bool {
        const BOUND: [&str; 11] = [
            "aws:principalorgid",
            "aws:principalorgpaths",
            "aws:principalaccount",
            "aws:principalarn",
            "aws:sourceaccount",
            "aws:sourcearn",
            "aws:sourceorgid",
            "aws:sourceorgpaths",
            "kms:calleraccount",
            "aws:sourcevpce",
            "aws:sourcevpc",
        ];
        self.conditions.iter().any(|it| {
            let negated = it.operator.contains("Not") || it.operator.ends_with("IfExists");
            let anything = it.values.iter().any(|it| it == "*" || it.is_empty());
            BOUND.contains(&it.key.as_str()) && !negated && !anything
        })
    }

    pub fn condition(&self, key: &str) -> Option<&Condition> {
        self.conditions.iter().find(|it| it.key == key)
    }
}

impl Which {
    /// Whether this action or ARN is among them. Actions are not told apart by case.
    pub fn holds(&self, name: &str, cased: bool) -> bool {
        let matches = |it: &String| match cased {
            true => glob(it, name),
            false => glob(&it.to_lowercase(), &name.to_lowercase()),
        };
        match self {
            Self::These(many) => many.iter().any(matches),
            Self::AllBut(many) => !many.iter().any(matches),
        }
    }

    pub fn holds_action(&self, name: &str) -> bool {
        self.holds(name, false)
    }

    pub fn holds_resource(&self, arn: &str) -> bool {
        self.holds(arn, true)
    }

    /// Whether some ARN that begins like this may be among them: what is asked of a pattern, not of one ARN.
    pub fn touches(&self, arn: &str) -> bool {
        match self {
            Self::These(many) => {
                many.iter().any(|it| glob(it, arn) || glob(arn, it) || glob(&format!("{arn}*"), it))
            }
            Self::AllBut(many) => !many.iter().any(|it| glob(it, arn)),
        }
    }
}

/// A request that somebody might make.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// ARN of a role or user.
    pub principal: &'a str,
    pub action: &'a str,
    pub resource: &'a str,
    /// Condition keys in lower case, and what the request would carry.
    pub context: &'a [(String, String)],
}

/// What one policy document says of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// By the statement so called.
    Allows(String),
    Denies(String),
    Nothing,
    /// It depends on what is not known, in words.
    Unclear(String),
}

impl Policy {
    /// What this document says. Of a policy that is attached to a resource `names_principals` is true.
    pub fn says(&self, request: &Request<'_>, names_principals: bool) -> Said {
        let mut allowed = None;
        let mut unclear = None;
        for it in &self.statements {
            if !it.actions.holds_action(request.action)
                || !it.resources.holds_resource(request.resource)
                || (names_principals && !it.means(request.principal))
            {
                continue;
            }
            match it.holds(request) {
                Some(true) if it.allows => allowed = Some(it.name()),
                // A denial ends all.
                Some(true) => return Said::Denies(it.name()),
                Some(false) => {}
                None => {
                    let keys: Vec<&str> = it.conditions.iter().map(|it| it.key.as_str()).collect();
                    let what = if it.allows { "allows" } else { "denies" };
                    unclear = Some(format!("{} {what} it by {}", it.name(), keys.join(", ")));
                }
            }
        }
        match (unclear, allowed) {
            (Some(it), _) => Said::Unclear(it),
            (None, Some(it)) => Said::Allows(it),
            (None, None) => Said::Nothing,
        }
    }
}

impl Statement {
    /// Whether a role or user is meant, by itself, as everybody, or through its account.
    fn means(&self, principal: &str) -> bool {
        let account = account_of(principal);
        let meant = |it: &(String, String)| {
            let delegated = it.1.ends_with(":root") || account_of(&it.1).as_ref() == Some(&it.1);
            it.0 == "AWS"
                && (it.1 == "*"
                    || it.1 == principal
                    || (delegated && account.is_some() && account_of(&it.1) == account))
        };
        match &self.principals {
            Who::These(many) => many.iter().any(meant),
            Who::AllBut(many) => !many.iter().any(meant),
        }
    }

    /// Whether its conditions hold for a request; `None` if one depends on what only a real request carries.
    fn holds(&self, request: &Request<'_>) -> Option<bool> {
        let account = account_of(request.principal);
        let mut clear = true;
        for it in &self.conditions {
            let carried = match it.key.as_str() {
                "aws:principalarn" => Some(request.principal.to_owned()),
                "aws:principalaccount" | "kms:calleraccount" => account.clone(),
                key => request.context.iter().find(|it| it.0 == key).map(|it| it.1.clone()),
            };
            let any = |same: fn(&str, &str) -> bool| {
                carried.as_ref().map(|carried| it.values.iter().any(|it| same(it, carried)))
            };
            let equal: fn(&str, &str) -> bool = |one, other| one == other;
            let folded: fn(&str, &str) -> bool = |one, other| one.eq_ignore_ascii_case(other);
            let operator = it.operator.trim_end_matches("IfExists");
            let held = match operator {
                "StringEquals" => any(equal),
                "StringEqualsIgnoreCase" | "Bool" => any(folded),
                "StringNotEquals" => any(equal).map(|it| !it),
                "StringLike" | "ArnEquals" | "ArnLike" => any(glob),
                "StringNotLike" | "ArnNotEquals" | "ArnNotLike" => any(glob).map(|it| !it),
                "Null" => carried.as_ref().map(|_| it.values.iter().any(|it| it == "false")),
                _ => None,
            };
            match held {
                Some(true) => {}
                // One that does not hold settles it, whatever the others depend on.
                Some(false) => return Some(false),
                None => clear = false,
            }
        }
        clear.then_some(true)
    }
}

/// The account in an ARN, or an account id by itself.
pub fn account_of(principal: &str) -> Option<String> {
    let is_id = |it: &str| it.len() == 12 && it.bytes().all(|it| it.is_ascii_digit());
    if is_id(principal) {
        return Some(principal.to_owned());
    }
    principal.split(':').nth(4).filter(|it| is_id(it)).map(str::to_owned)
}

/// `*` is any text, `?` one character; linear in time for any pattern by falling back to the last star alone.
///
/// ```
/// use ssmtrail::audit::statements::glob;
/// assert!(glob("arn:aws:logs:*:*:log-group:/aws/*", "arn:aws:logs:eu-west-1:1:log-group:/aws/ssm"));
/// assert!(glob("s3:Get?cl", "s3:GetAcl") && !glob("s3:*x", "s3:GetAcl"));
/// ```
pub fn glob(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
    let (mut at, mut from) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while from < text.len() {
        match pattern.get(at) {
            Some(b'*') => {
                star = Some((at, from));
                at += 1;
            }
            Some(it) if *it == b'?' || *it == text[from] => {
                at += 1;
                from += 1;
            }
            _ => match &mut star {
                Some((back, taken)) => {
                    *taken += 1;
                    at = *back + 1;
                    from = *taken;
                }
                None => return false,
            },
        }
    }
    pattern[at..].iter().all(|it| *it == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(statement: &str) -> Statement {
        let policy = Policy::read(&format!(r#"{{"Statement":[{statement}]}}"#)).unwrap();
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
        assert_eq!(it.accounts(), [Some("111122223333".into()), Some("444455556666".into()), None]);
        assert_eq!(it.services(), ["logs.eu-west-1.amazonaws.com"]);
    }

    #[test]
    fn a_condition_binds_unless_it_is_negated_or_admits_anything() {
        let with = |condition: &str| {
            one(&format!(
                r#"{{"Effect":"Allow","Principal":"*","Action":"*","Condition":{{{condition}}}}}"#
            ))
            .is_bound()
        };
        assert!(with(r#""StringEquals":{"aws:PrincipalOrgID":"o-1"}"#));
        assert!(!with(r#""StringNotEquals":{"aws:PrincipalOrgID":"o-1"}"#));
        assert!(!with(r#""StringLike":{"aws:PrincipalArn":"*"}"#));
        assert!(!with(r#""StringEqualsIfExists":{"aws:PrincipalOrgID":"o-1"}"#));
        assert!(!with(r#""Bool":{"aws:SecureTransport":"true"}"#));
    }

    #[test]
    fn a_denial_ends_all_and_what_only_a_request_carries_is_unclear() {
        let policy = |text: &str| Policy::read(&format!(r#"{{"Statement":[{text}]}}"#)).unwrap();
        let context = [("aws:securetransport".to_owned(), "true".to_owned())];
        let says = |text: &str| {
            let request = Request {
                principal: "arn:aws:iam::111122223333:role/node",
                action: "s3:PutObject",
                resource: "arn:aws:s3:::b/a.log",
                context: &context,
            };
            policy(text).says(&request, true)
        };
        let allow = r#"{"Sid":"A","Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":"s3:Put*","Resource":"arn:aws:s3:::b/*"}"#;
        let deny = |condition: &str| {
            format!(
                r#"{{"Sid":"D","Effect":"Deny","Principal":"*","Action":"*","Resource":"*","Condition":{{{condition}}}}},{allow}"#
            )
        };
        assert_eq!(says(allow), Said::Allows("A".into()));
        assert_eq!(says(&allow.replace("111122223333", "444455556666")), Said::Nothing);
        assert_eq!(says(&allow.replace("b/*", "c/*")), Said::Nothing);
        let tls = r#""Bool":{"aws:SecureTransport":"false"}"#;
        assert_eq!(says(&deny(tls)), Said::Allows("A".into()));
        let own = r#""ArnLike":{"aws:PrincipalArn":"arn:aws:iam::*:role/node"}"#;
        assert_eq!(says(&deny(own)), Said::Denies("D".into()));
        let endpoint = r#""StringNotEquals":{"aws:SourceVpce":"vpce-1"}"#;
        assert_eq!(says(&deny(endpoint)), Said::Unclear("D denies it by aws:sourcevpce".into()));
        let both = format!("{endpoint},{tls}");
        assert_eq!(says(&deny(&both)), Said::Allows("A".into()), "one condition fails anyway");
    }

    #[test]
    fn what_is_no_policy_is_told_from_an_empty_one() {
        assert_eq!(Policy::read("{}"), None);
        assert_eq!(Policy::read("x"), None);
        assert_eq!(Policy::read(r#"{"Statement":[{"Effect":"Maybe"}]}"#), None);
        assert_eq!(Policy::read(r#"{"Statement":[]}"#), Some(Policy::default()));
    }

    #[test]
    fn a_pattern_of_many_stars_takes_no_time() {
        assert!(!glob(&format!("{}b", "a*".repeat(200)), &"a".repeat(5000)));
        assert!(glob("*a*b*", "xxaxxbxx"));
    }
}
