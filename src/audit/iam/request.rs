//! What a policy document says of one request: it allows, it denies, or that depends on what is not known.
//!
//! Source: "Policy evaluation logic", "AWS JSON policy elements: Principal" (AWS IAM User Guide).

use crate::audit::iam::conditions::Truth;
use crate::audit::iam::conditions::holds;
use crate::audit::iam::patterns::Carried;
use crate::audit::iam::policy::PolicyDocument;
use crate::audit::iam::policy::Statement;
use crate::audit::iam::policy::Who;
use crate::aws_names;
use crate::aws_names::AccountId;
use crate::aws_names::Arn;

/// A request that somebody might make.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// ARN of a role or user, or the name of a service.
    pub principal: &'a str,
    /// The action, as `s3:PutObject`.
    pub action: &'a str,
    /// ARN of what it is done to.
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
    /// The statement so called denies it, whatever else allows it.
    Denies(String),
    /// No statement is about it.
    Nothing,
    /// Nothing denies it, and whether anything allows it depends on what is not known, in words.
    MayAllow(String),
    /// It may deny it; so.
    MayDeny(String),
}

impl PolicyDocument {
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
        Truth::any(allows.map(|it| it.meets(request, true)))
    }
}

impl Request<'_> {
    fn is_service(&self) -> bool {
        aws_names::is_service(self.principal)
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
        let account = AccountId::of(self.principal);
        let arn = Arn::parse(self.principal);
        let kind = arn.map_or("", |it| it.resource);
        let name = arn.map_or("", Arn::name);
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
        // One that does not hold settles it, whatever the others depend on.
        let conditions = self.conditions.iter().map(|it| holds(it, self.has_variables, &carried));
        resource.and(meant).and(Truth::every(conditions))
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
        let account = AccountId::of(principal);
        let is_root = |name: &str| {
            let delegates = name.ends_with(":root") || AccountId::parse(name).is_some();
            delegates && account.is_some() && AccountId::of(name) == account
        };
        // A session of the role, or an id that AWS put in the place of somebody's ARN.
        let may_be = |name: &str| {
            let of_session = Arn::parse(name).and_then(Arn::session_role);
            of_session.is_some_and(|it| principal.rsplit('/').next() == Some(it))
                && AccountId::of(name) == account
                || (name.starts_with("AROA") || name.starts_with("AIDA")) && !name.contains(':')
        };
        match &self.principals {
            Who::These(many) => Truth::any(many.iter().map(|(kind, name)| match kind.as_str() {
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
            })),
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

#[cfg(test)]
mod tests {
    use super::*;

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
            match PolicyDocument::read(&text).unwrap().says(&request, true) {
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
            PolicyDocument::read(&text).unwrap().says(&request, true) == Said::Allows("S".into())
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
        let policy =
            |text: &str| PolicyDocument::read(&format!(r#"{{"Statement":[{text}]}}"#)).unwrap();
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
}
