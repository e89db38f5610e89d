//! Policy documents: who may do what to which thing, as far as it can be read from the document alone.
//!
//! Only what a check needs is modelled. A condition that is not modelled is never ignored: whoever asks learns that there
//! is one, so that a grant under an unknown condition is neither called open nor called safe.
//! Source: "IAM JSON policy elements reference", "Grammar of the IAM JSON policy language" (AWS IAM User Guide).

use serde_json::Value;

use super::conditions;
use super::conditions::Carried;
use super::conditions::Operator;
use super::conditions::Resolved;
use super::conditions::Truth;

/// A policy document.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    pub statements: Vec<Statement>,
}

/// The version of the policy language that has variables.
const WITH_VARIABLES: &str = "2012-10-17";

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    pub sid: Option<String>,
    pub allows: bool,
    pub principals: Who,
    pub actions: Which,
    pub resources: Which,
    /// Operator, key, values; keys in lower case, as they are not told apart by case.
    pub conditions: Vec<Condition>,
    /// Whether its policy is of a version that has variables.
    pub has_variables: bool,
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

    pub fn services(&self) -> Vec<&str> {
        match &self.principals {
            Who::These(many) => {
                many.iter().filter(|it| it.0 == "Service").map(|it| it.1.as_str()).collect()
            }
            Who::AllBut(_) => Vec::new(),
        }
    }

    /// Whom an Allow lets in. `is_ours` says whether what a condition names is ours, `None` where nobody knows.
    ///
    /// A condition holds its principals to what its values name, and these are judged as principals are. A foreign account that is named
    /// as principal is told, whatever else the statement says.
    pub fn admits(&self, is_ours: &dyn Fn(Named<'_>) -> Option<bool>) -> Admits {
        let foreign = |account: &String| is_ours(Named::Account(account)) != Some(true);
        let named: Vec<String> = self.accounts().into_iter().flatten().filter(foreign).collect();
        if !named.is_empty() {
            return Admits::Foreign(named);
        }
        let is_unnamed = self.accounts().contains(&None);
        let mut bound: Vec<Admits> =
            self.conditions.iter().filter_map(|it| it.binds(self.has_variables, is_ours)).collect();
        if !self.means_everybody() && !is_unnamed {
            // A service acts for whom the condition names ("The confused deputy problem").
            if self.services().is_empty() {
                return Admits::Ours;
            }
            let foreign = bound.iter().find(|it| matches!(it, Admits::Foreign(_)));
            let unknown = bound.iter().find(|it| matches!(it, Admits::Unknown(_)));
            return match (foreign, bound.contains(&Admits::Ours), unknown) {
                (Some(it), ..) => it.clone(),
                (None, false, Some(it)) => it.clone(),
                _ => Admits::Ours,
            };
        }
        // All conditions hold at once, so the narrowest says most.
        // But one that names a foreign account is told, whatever the others say.
        bound.sort_by_key(|it| match it {
            Admits::Foreign(_) => 0,
            Admits::Ours => 1,
            Admits::Unknown(_) => 2,
            Admits::Everybody => 3,
        });
        match bound.into_iter().next() {
            Some(it) => it,
            None if is_unnamed => Admits::Unknown("somebody whose account it does not tell".into()),
            None => Admits::Everybody,
        }
    }

    /// Whether some ARN of a pattern is among its resources.
    pub fn touches(&self, pattern: &str) -> bool {
        self.resources.touches(pattern, self.has_variables)
    }

    pub fn condition(&self, key: &str) -> Option<&Condition> {
        self.conditions.iter().find(|it| it.key == key)
    }
}

/// What the value of a condition names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Named<'a> {
    Account(&'a str),
    /// An organization's id, `o-…`.
    Organization(&'a str),
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
    Everybody,
    /// In words, what is not known to be ours.
    Unknown(String),
}

fn is_account(key: &str) -> bool {
    // A delegation to access points, and endpoints' owners ("The meaning of public").
    let of_others = ["s3:dataaccesspointaccount", "aws:vpceaccount"];
    ["aws:principalaccount", "aws:sourceaccount", "kms:calleraccount"].contains(&key)
        || of_others.contains(&key)
}

/// Whether a block is of so many addresses that AWS calls it public: wider than a /8, or a /32 of IPv6 ("The meaning of public").
fn is_public_block(text: &str) -> bool {
    conditions::block(text).is_some_and(|it| it.is_wider_than(8, 32))
}

impl Condition {
    /// Whom it holds principals to; `None` if to nobody, as a wildcard in the place of an account does.
    /// Source: "AWS global condition context keys", "AWS KMS condition keys".
    pub(crate) fn binds(
        &self,
        variables: bool,
        is_ours: &dyn Fn(Named<'_>) -> Option<bool>,
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
            let account;
            // The account of the thing that the policy is attached to, which is the one it is judged for.
            if variables
                && value.eq_ignore_ascii_case("${aws:ResourceAccount}")
                && is_account(&self.key)
            {
                continue;
            }
            let named = match self.key.as_str() {
                key if is_account(key) => Named::Account(value),
                "aws:principalarn" | "aws:sourcearn" | "s3:dataaccesspointarn" => {
                    account = value.split(':').nth(4).unwrap_or_default();
                    // Of a text a star reaches over colons, and a path may hold them.
                    let before = value.split(':').take(4).any(|it| it.contains(['*', '?']));
                    if before && operator.has_wildcards() && !operator.is_arn() {
                        return None;
                    }
                    if account.is_empty() && value.starts_with("arn:") {
                        // The ARN of a bucket tells no account.
                        unknown =
                            Some(format!("what comes from {value}, whose account is not known"));
                        continue;
                    }
                    Named::Account(account)
                }
                "aws:principalorgid" | "aws:sourceorgid" => Named::Organization(value),
                "aws:principalorgpaths" | "aws:sourceorgpaths" => {
                    Named::Organization(value.split('/').next().unwrap_or_default())
                }
                "aws:sourcevpc" => Named::Vpc(value),
                "aws:sourcevpce" => Named::Endpoint(value),
                // What AWS calls not public, too ("The meaning of public").
                "aws:sourceip" if is_public_block(value) => return None,
                "aws:sourceip" | "aws:userid" if value != "*" => {
                    unknown = Some(format!("whoever comes by {} {value}", self.key));
                    continue;
                }
                _ => return None,
            };
            let (what, name) = match named {
                Named::Account(it) => ("the account", it),
                Named::Organization(it) => ("the organization", it),
                Named::Vpc(it) => ("the VPC", it),
                Named::Endpoint(it) => ("the endpoint", it),
            };
            // One value that admits anybody admits all.
            if is_open(name) {
                return None;
            }
            match (is_ours(named), named) {
                (Some(true), _) => {}
                (_, Named::Account(it)) => foreign.push(it.to_owned()),
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

    /// Whether an ARN is among them, as far as variables in them are known.
    pub fn covers(&self, arn: &str, variables: bool, carried: &dyn Fn(&str) -> Carried) -> Truth {
        let found = |many: &[String]| {
            many.iter().fold(Truth::No, |so_far, it| {
                so_far.or(match conditions::resolve(it, variables, carried) {
                    Resolved::Known(pattern) => conditions::is_like(&pattern, arn).into(),
                    Resolved::Unknown => Truth::Unknown,
                })
            })
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
                let it = if variables { with_any(it) } else { it.clone() };
                can_meet(&it, pattern)
            }),
            Self::AllBut(many) => !many.iter().any(|it| holds_all(it, pattern)),
        }
    }
}

/// Whether a pattern holds whatever another one holds. Of one with signs in the middle that may be missed, and is then said not to.
pub fn holds_all(one: &str, other: &str) -> bool {
    // What no pattern has stands for what the signs may be: some text, none, and any one character.
    ["", "\u{1}", "\u{1}\u{2}\u{3}"]
        .iter()
        .all(|some| glob(one, &other.replace('*', some).replace('?', "\u{4}")))
}

/// A request that somebody might make.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// ARN of a role or user, or the name of a service.
    pub principal: &'a str,
    pub action: &'a str,
    pub resource: &'a str,
    /// Condition keys in lower case, and what the request would carry.
    pub context: &'a [(String, String)],
    /// Condition keys in lower case that it surely does not carry.
    pub absent: &'a [&'a str],
}

/// What one policy document says of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// By the statement so called.
    Allows(String),
    Denies(String),
    Nothing,
    /// Nothing denies it, and whether anything allows it depends on what is not known, in words.
    MayAllow(String),
    /// It may deny it; so.
    MayDeny(String),
}

impl Policy {
    /// What this document says. Of a policy that is attached to a resource `names_principals` is true.
    pub fn says(&self, request: &Request<'_>, names_principals: bool) -> Said {
        let (mut allowed, mut perhaps, mut denied) = (None, None, None);
        for it in &self.statements {
            match it.meets(request, names_principals) {
                Truth::No => {}
                Truth::Yes if it.allows => allowed = Some(it.name()),
                // A denial ends all.
                Truth::Yes => return Said::Denies(it.name()),
                Truth::Unknown => {
                    let what = if it.allows { "allows" } else { "denies" };
                    let why = format!("{} {what} it by {}", it.name(), it.depends_on());
                    *if it.allows { &mut perhaps } else { &mut denied } = Some(why);
                }
            }
        }
        // What may be allowed once more is allowed no less.
        match (denied, allowed, perhaps) {
            (Some(it), ..) => Said::MayDeny(it),
            (None, Some(it), _) => Said::Allows(it),
            (None, None, Some(it)) => Said::MayAllow(it),
            (None, None, None) => Said::Nothing,
        }
    }
}

impl Policy {
    /// Whether a document that is attached to a thing grants a request by itself: it names the principal, or everybody. What names an
    /// account only hands on to the policies of its roles ("AWS JSON policy elements: Principal").
    pub fn grants(&self, request: &Request<'_>) -> Truth {
        let names = |it: &Statement| match &it.principals {
            Who::These(many) => {
                many.iter().any(|it| it.0 == "AWS" && (it.1 == "*" || it.1 == request.principal))
            }
            Who::AllBut(_) => true,
        };
        let allows = self.statements.iter().filter(|it| it.allows && names(it));
        allows.fold(Truth::No, |so_far, it| so_far.or(it.meets(request, true)))
    }
}

impl Request<'_> {
    fn is_service(&self) -> bool {
        !self.principal.starts_with("arn:") && self.principal.contains(".amazonaws.com")
    }

    /// What it carries under a key in lower case.
    /// Source: "AWS global condition context keys".
    fn carries(&self, key: &str) -> Carried {
        if let Some((_, value)) = self.context.iter().find(|it| it.0 == key) {
            return Carried::one(value.clone());
        }
        if self.absent.contains(&key) {
            return Carried::Absent;
        }
        if self.is_service() {
            return match key {
                "aws:principalisawsservice" => Carried::one("true"),
                "aws:principalservicename" => Carried::one(self.principal),
                "aws:principalarn"
                | "aws:principalaccount"
                | "aws:principalorgid"
                | "aws:username" => Carried::Absent,
                _ => Carried::Unknown,
            };
        }
        let account = account_of(self.principal);
        let kind = self.principal.split(':').nth(5).unwrap_or_default();
        let name = kind.rsplit('/').next().unwrap_or_default();
        match key {
            "aws:principalarn" => Carried::one(self.principal),
            "aws:principalaccount" | "kms:calleraccount" => {
                account.map_or(Carried::Unknown, Carried::one)
            }
            "aws:principalisawsservice" => Carried::one("false"),
            "aws:principalservicename" | "aws:principalservicenameslist" => Carried::Absent,
            "aws:principaltype" if kind.starts_with("role/") => Carried::one("AssumedRole"),
            "aws:principaltype" if kind.starts_with("user/") => Carried::one("User"),
            "aws:username" if kind.starts_with("user/") => Carried::one(name),
            "aws:username" if kind.starts_with("role/") => Carried::Absent,
            _ => Carried::Unknown,
        }
    }
}

impl Statement {
    /// Whether it is about a request.
    fn meets(&self, request: &Request<'_>, names_principals: bool) -> Truth {
        if !self.actions.holds_action(request.action) {
            return Truth::No;
        }
        let carried = |key: &str| request.carries(key);
        let resource = self.resources.covers(request.resource, self.has_variables, &carried);
        let meant = if names_principals { self.means(request) } else { Truth::Yes };
        self.conditions.iter().fold(resource.and(meant), |so_far, it| {
            // One that does not hold settles it, whatever the others depend on.
            so_far.and(conditions::holds(it, self.has_variables, &carried))
        })
    }

    /// In words, what it depends on.
    fn depends_on(&self) -> String {
        let keys: Vec<&str> = self.conditions.iter().map(|it| it.key.as_str()).collect();
        match keys.is_empty() {
            true => "whom or what it names".to_owned(),
            false => keys.join(", "),
        }
    }

    /// Whether a role, a user or a service is meant, by itself, as everybody, or through its account.
    /// Source: "AWS JSON policy elements: Principal", "AWS JSON policy elements: NotPrincipal".
    fn means(&self, request: &Request<'_>) -> Truth {
        let principal = request.principal;
        let account = account_of(principal);
        let is_root = |name: &str| {
            let delegates = name.ends_with(":root") || account_of(name).as_deref() == Some(name);
            delegates && account.is_some() && account_of(name) == account
        };
        // A session of the role, or an id that AWS put in the place of somebody's ARN.
        let may_be = |name: &str| {
            let role = principal.rsplit('/').next().unwrap_or_default();
            let session = format!(":assumed-role/{role}/");
            name.contains(&session) && account_of(name) == account
                || (name.starts_with("AROA") || name.starts_with("AIDA")) && !name.contains(':')
        };
        match &self.principals {
            Who::These(many) => many.iter().fold(Truth::No, |so_far, (kind, name)| {
                so_far.or(match kind.as_str() {
                    "AWS" if name == "*" => Truth::Yes,
                    "AWS" if !request.is_service() => match name == principal || is_root(name) {
                        true => Truth::Yes,
                        false if may_be(name) => Truth::Unknown,
                        false => Truth::No,
                    },
                    "Service" if request.is_service() => {
                        (name == "*" || is_service(name, principal)).into()
                    }
                    _ => Truth::No,
                })
            }),
            // "You must specify both the account ARN and the ARN of the principal": the account's root alone exempts nobody but the root.
            Who::AllBut(many) => {
                let names = |is: &dyn Fn(&str) -> bool| many.iter().any(|it| is(&it.1));
                let by_name = names(&|it| it == principal || is_service(it, principal));
                let by_account = request.is_service() || names(&is_root);
                match (by_name, by_account, names(&may_be)) {
                    (true, true, _) => Truth::No,
                    (false, _, false) => Truth::Yes,
                    _ => Truth::Unknown,
                }
            }
        }
    }
}

/// Whether a service is called so: by its name in its Region, or by the name that stands for it in all.
fn is_service(name: &str, service: &str) -> bool {
    let (first, rest) = service.split_once('.').unwrap_or((service, ""));
    let everywhere = rest.split_once('.').map(|it| format!("{first}.{}", it.1));
    name == service || everywhere.as_deref() == Some(name)
}

/// A pattern in which each variable may be anything.
fn with_any(pattern: &str) -> String {
    let (mut out, mut rest) = (String::new(), pattern);
    while let Some((before, behind)) = rest.split_once("${") {
        let Some((_, after)) = behind.split_once('}') else { break };
        out.push_str(before);
        out.push('*');
        rest = after;
    }
    out + rest
}

/// Whether some text is of both patterns. In time of the product of their lengths.
fn can_meet(one: &str, other: &str) -> bool {
    let (one, other): (Vec<char>, Vec<char>) = (one.chars().collect(), other.chars().collect());
    // Whether what is left of both can meet, for each rest of the other.
    let mut below = vec![false; other.len() + 1];
    for at in (0..=one.len()).rev() {
        let mut row = vec![false; other.len() + 1];
        for from in (0..=other.len()).rev() {
            let (a, b) = (one.get(at), other.get(from));
            row[from] = match (a, b) {
                (None, None) => true,
                (Some('*'), Some('*')) => below[from] || row[from + 1],
                (Some('*'), Some(_)) => below[from] || row[from + 1],
                (Some(_), Some('*')) => row[from + 1] || below[from],
                (Some('*'), None) => below[from],
                (None, Some('*')) => row[from + 1],
                (Some(a), Some(b)) => (a == b || *a == '?' || *b == '?') && below[from + 1],
                _ => false,
            };
        }
        below = row;
    }
    below[0]
}

/// The account in an ARN, or an account id by itself.
pub fn account_of(principal: &str) -> Option<String> {
    let is_id = |it: &str| it.len() == 12 && it.bytes().all(|it| it.is_ascii_digit());
    if is_id(principal) {
        return Some(principal.to_owned());
    }
    principal.split(':').nth(4).filter(|it| is_id(it)).map(str::to_owned)
}

/// `*` is any text, `?` one character; no variables in it.
///
/// ```
/// use ssmtrail::audit::statements::glob;
/// assert!(glob("arn:aws:logs:*:*:log-group:/aws/*", "arn:aws:logs:eu-west-1:1:log-group:/aws/ssm"));
/// assert!(glob("s3:Get?cl", "s3:GetAcl") && !glob("s3:*x", "s3:GetAcl"));
/// ```
pub fn glob(pattern: &str, text: &str) -> bool {
    match conditions::resolve(pattern, false, &|_| Carried::Unknown) {
        Resolved::Known(pattern) => conditions::is_like(&pattern, text),
        Resolved::Unknown => false,
    }
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
    fn a_condition_binds_to_what_its_values_name() {
        let with = |principal: &str, condition: &str| {
            one(&format!(
                r#"{{"Effect":"Allow","Principal":{principal},"Action":"*","Condition":{{{condition}}}}}"#
            ))
            .admits(&|it| match it {
                Named::Account(it) => Some(it == "111122223333"),
                Named::Vpc(it) => (it == "vpc-1").then_some(true),
                Named::Organization(_) | Named::Endpoint(_) => None,
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

    /// Statement, what it says of a role's request to put an object into a bucket; and by it of what kind the statement is.
    #[test]
    fn a_request_is_allowed_denied_or_unclear() {
        let context = [("s3:x-amz-server-side-encryption".to_owned(), "aws:kms".to_owned())];
        let request = Request {
            principal: "arn:aws:iam::111122223333:role/node",
            action: "s3:PutObject",
            resource: "arn:aws:s3:::acme/AWSLogs/111122223333/a.log",
            context: &context,
            absent: &[],
        };
        let says = |statements: &str| {
            let text = format!(r#"{{"Version":"2012-10-17","Statement":[{statements}]}}"#);
            match Policy::read(&text).unwrap().says(&request, true) {
                Said::Allows(_) => "allows",
                Said::Denies(_) => "denies",
                Said::Nothing => "nothing",
                Said::MayAllow(_) | Said::MayDeny(_) => "unclear",
            }
        };
        let deny = |rest: &str| {
            format!(
                r#"{{"Effect":"Allow","Principal":{{"AWS":"111122223333"}},"Action":"s3:*","Resource":"*"}},{{"Effect":"Deny",{rest}}}"#
            )
        };
        let allow = |rest: &str| format!(r#"{{"Effect":"Allow",{rest}}}"#);
        let put = r#""Action":"s3:PutObject","Resource":"*""#;
        for (statements, wanted) in [
            (allow(&format!(r#""Principal":"*",{put}"#)), "allows"),
            (
                allow(&format!(r#""Principal":{{"AWS":"arn:aws:iam::111122223333:root"}},{put}"#)),
                "allows",
            ),
            (
                allow(&format!(r#""Principal":{{"AWS":"arn:aws:iam::999988887777:root"}},{put}"#)),
                "nothing",
            ),
            (
                allow(&format!(
                    r#""Principal":{{"AWS":"arn:aws:sts::111122223333:assumed-role/node/i-1"}},{put}"#
                )),
                "unclear",
            ),
            (allow(&format!(r#""Principal":{{"AWS":"AROAEXAMPLE"}},{put}"#)), "unclear"),
            (allow(&format!(r#""Principal":{{"Service":"ssm.amazonaws.com"}},{put}"#)), "nothing"),
            (allow(r#""Principal":"*","NotAction":"s3:Delete*","Resource":"*""#), "allows"),
            (
                allow(r#""Principal":"*","Action":"s3:*","NotResource":"arn:aws:s3:::acme/*""#),
                "nothing",
            ),
            (
                allow(
                    r#""Principal":"*","Action":"s3:*","Resource":"arn:aws:s3:::acme/AWSLogs/${aws:PrincipalAccount}/*""#,
                ),
                "allows",
            ),
            (
                allow(
                    r#""Principal":"*","Action":"s3:*","Resource":"arn:aws:s3:::acme/${aws:PrincipalTag/team}/*""#,
                ),
                "unclear",
            ),
            (
                deny(
                    r#""Principal":"*","Action":"s3:*","NotResource":"arn:aws:s3:::acme/AWSLogs/${aws:PrincipalAccount}/*""#,
                ),
                "allows",
            ),
            (
                deny(
                    r#""Principal":"*","Action":"s3:*","Resource":"arn:aws:s3:::acme/AWSLogs/${aws:PrincipalAccount}/*""#,
                ),
                "denies",
            ),
            // One exempts a role by naming it and its account; the account alone exempts its root.
            (
                deny(&format!(
                    r#""NotPrincipal":{{"AWS":["arn:aws:iam::111122223333:role/node","111122223333"]}},{put}"#
                )),
                "allows",
            ),
            (deny(&format!(r#""NotPrincipal":{{"AWS":"111122223333"}},{put}"#)), "denies"),
            (
                deny(&format!(
                    r#""NotPrincipal":{{"AWS":"arn:aws:iam::111122223333:role/node"}},{put}"#
                )),
                "unclear",
            ),
            // What depends on a request denies perhaps; what may allow it once more takes nothing away.
            (
                deny(&format!(
                    r#""Principal":"*",{put},"Condition":{{"StringNotEquals":{{"aws:SourceVpce":"vpce-1"}}}}"#
                )),
                "unclear",
            ),
            (
                format!(
                    "{},{}",
                    allow(&format!(r#""Principal":"*",{put}"#)),
                    allow(&format!(
                        r#""Principal":"*",{put},"Condition":{{"StringEquals":{{"aws:SourceVpce":"vpce-1"}}}}"#
                    ))
                ),
                "allows",
            ),
            (
                deny(&format!(
                    r#""Principal":"*",{put},"Condition":{{"StringNotEquals":{{"s3:x-amz-server-side-encryption":"aws:kms"}}}}"#
                )),
                "allows",
            ),
            (
                deny(&format!(
                    r#""Principal":"*",{put},"Condition":{{"StringNotEquals":{{"s3:x-amz-server-side-encryption":"AES256"}}}}"#
                )),
                "denies",
            ),
            (
                deny(&format!(
                    r#""Principal":"*",{put},"Condition":{{"StringNotEquals":{{"aws:PrincipalAccount":"111122223333"}}}}"#
                )),
                "allows",
            ),
            (
                deny(&format!(
                    r#""Principal":"*",{put},"Condition":{{"StringNotEquals":{{"aws:PrincipalAccount":"999988887777"}}}}"#
                )),
                "denies",
            ),
            (
                deny(&format!(
                    r#""Principal":"*",{put},"Condition":{{"SomethingElse":{{"aws:PrincipalAccount":"999988887777"}}}}"#
                )),
                "unclear",
            ),
        ] {
            assert_eq!(says(&statements), wanted, "{statements}");
        }
    }

    #[test]
    fn a_service_is_meant_by_its_name_here_or_everywhere() {
        let context = [("aws:sourceaccount".to_owned(), "111122223333".to_owned())];
        let request = Request {
            principal: "logs.eu-west-1.amazonaws.com",
            action: "kms:Decrypt",
            resource: "arn:aws:kms:eu-west-1:111122223333:key/1",
            context: &context,
            absent: &[],
        };
        let says = |principal: &str, condition: &str| {
            let text = format!(
                r#"{{"Statement":[{{"Sid":"S","Effect":"Allow","Principal":{principal},"Action":"kms:*","Resource":"*","Condition":{{{condition}}}}}]}}"#
            );
            Policy::read(&text).unwrap().says(&request, true) == Said::Allows("S".into())
        };
        assert!(says(r#"{"Service":"logs.eu-west-1.amazonaws.com"}"#, ""));
        assert!(says(r#"{"Service":"logs.amazonaws.com"}"#, ""));
        assert!(!says(r#"{"Service":"logs.us-east-1.amazonaws.com"}"#, ""));
        assert!(!says(r#"{"AWS":"111122223333"}"#, ""));
        let service = r#"{"Service":"logs.eu-west-1.amazonaws.com"}"#;
        assert!(says(service, r#""StringEquals":{"aws:SourceAccount":"111122223333"}"#));
        assert!(!says(service, r#""StringNotEquals":{"aws:SourceAccount":"111122223333"}"#));
        assert!(says(service, r#""Bool":{"aws:PrincipalIsAWSService":"true"}"#));
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
                absent: &[],
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
        assert_eq!(says(&deny(endpoint)), Said::MayDeny("D denies it by aws:sourcevpce".into()));
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
    fn two_patterns_meet_where_some_text_is_of_both() {
        for (one, other, wanted) in [
            ("a*", "*b", true),
            ("a*c", "ab?", true),
            ("a*c", "ab", false),
            ("*", "", true),
            ("a", "b", false),
            ("log-group:*:log-stream:a*", "log-group:/ssm:*", true),
            ("log-group:/s*:log-stream:a*", "log-group:/ssm:*", true),
            ("log-group:/other:*", "log-group:/ssm:*", false),
            ("*:log-group:/ssm", "arn:x:log-group:/ssm", true),
        ] {
            assert_eq!(can_meet(one, other), wanted, "{one} {other}");
            assert_eq!(can_meet(other, one), wanted, "{other} {one}");
        }
        assert!(!can_meet(&format!("{}b", "a*".repeat(200)), &"a".repeat(2000)));
    }

    #[test]
    fn a_pattern_of_many_stars_takes_no_time() {
        assert!(!glob(&format!("{}b", "a*".repeat(200)), &"a".repeat(5000)));
        assert!(glob("*a*b*", "xxaxxbxx"));
    }
}
