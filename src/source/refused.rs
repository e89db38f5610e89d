//! What a refusal of AWS means: what is missing, and the policy line or the command that mends it. Answers are values here, and
//! nothing is asked.

use crate::config::Access;
use crate::settings::Reason;
use crate::settings::Unread;
use crate::source::Refusal;
use crate::source::RefusalKind;
use crate::source::calls::is_throttled;
use crate::source::folder::plain;

impl Refusal {
    /// What it means for a setting: that it is not known, and why.
    pub(crate) fn unread(self, need: &Need) -> Unread {
        let denied = self.is_denied();
        Unread {
            reason: match self.kind {
                RefusalKind::Unread(it) => it,
                _ => Reason::SdkError,
            },
            why: self.why,
            missing: denied.then(|| need.action.to_owned()),
            on: denied.then(|| need.resource.clone()),
        }
    }
}

pub(crate) fn no_region() -> Refusal {
    Refusal::new("no Region is set")
        .hint("name one: --region eu-west-1, region in ssmtrail.toml, or AWS_REGION")
        .ending()
}

/// The innermost reason of an error, in the system's words.
pub(super) fn innermost(it: &dyn std::error::Error) -> String {
    let mut it = it;
    while let Some(beneath) = it.source() {
        it = beneath;
    }
    plain(&it)
}

/// Why there are no credentials, from what the SDK's chain said.
pub(super) fn no_credentials(text: &str, access: &Access) -> Refusal {
    let lower = text.to_lowercase();
    let profile =
        access.profile.as_ref().map_or(String::new(), |it| format!(" --profile {}", it.value));
    // A token that was never fetched has no file; one that is too old has.
    let no_token = lower.contains("sso/cache") || lower.contains("sso\\cache");
    let it = if no_token
        || (lower.contains("sso") && (lower.contains("expired") || lower.contains("token")))
    {
        Refusal::new("there is no single sign-on session, or it has expired")
            .hint(format!("run `aws sso login{profile}`, then the same command again"))
    } else if let Some(role) = access
        .role_arn
        .as_ref()
        .filter(|_| lower.contains("assumerole") || lower.contains("not authorized"))
    {
        let id = match &access.external_id {
            Some(_) => "the external id may be wrong",
            None => "it may want an --external-id",
        };
        Refusal::new(format!("cannot assume {}: {}", role.value, service_message(text)))
            .hint(format!("the caller needs sts:AssumeRole on it, its trust policy must name the caller, and {id}"))
    } else if lower.contains("expired") {
        Refusal::new("the credentials have expired")
            .hint("renew them, then run the same command again; what was read is kept")
    } else if lower.contains("could not find profile")
        || (lower.contains("profile") && lower.contains("not defined"))
    {
        Refusal::new(format!("there is no profile{}", profile.replace(" --profile", "")))
            .hint("`aws configure list-profiles` lists those there are")
    } else {
        Refusal::new("there are no AWS credentials")
            .hint("set AWS_PROFILE, use --profile, or run where a role is attached")
    };
    it.kind(Reason::Credentials).ending()
}

/// What the service said, within an error chain of the SDK.
fn service_message(text: &str) -> String {
    let rest = text.split("message: \"").nth(1).and_then(|it| it.split('"').next());
    rest.filter(|it| !it.is_empty()).unwrap_or("AWS refused").to_owned()
}

/// What a request needs to be allowed.
#[derive(Clone, Debug)]
pub(crate) struct Need {
    pub action: &'static str,
    pub resource: String,
}

impl Need {
    pub(crate) fn of(action: &'static str, resource: impl Into<String>) -> Self {
        Self { action, resource: resource.into() }
    }

    /// The statement that would allow it.
    pub(crate) fn statement(action: &str, resource: &str) -> String {
        format!(r#"{{"Effect":"Allow","Action":"{action}","Resource":"{resource}"}}"#)
    }
}

/// An answer that is a refusal, reduced to values.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct RefusedAnswer<'a> {
    pub(super) code: Option<&'a str>,
    pub(super) message: Option<&'a str>,
    pub(super) status: Option<u16>,
    pub(super) region: Option<&'a str>,
}

/// What a refusal means. Codes are of "Error responses" (Amazon S3 API Reference) and "Common errors" of the services.
pub(super) fn judge(it: &RefusedAnswer<'_>, need: &Need, profile: Option<&str>) -> Refusal {
    let code = it.code.unwrap_or_default();
    let message = it.message.unwrap_or_default();
    let login = profile.map_or("renew the credentials".to_owned(), |it| {
        format!("renew the credentials (`aws sso login --profile {it}`)")
    });
    match (code, it.status) {
        ("ExpiredToken" | "ExpiredTokenException" | "RequestExpired" | "TokenRefreshRequired", _) => {
            Refusal::new("the credentials have expired")
                .kind(Reason::Credentials)
                .hint(format!("{login}, then run the same command again; what was read is kept"))
                .ending()
        }
        ("RequestTimeTooSkewed", _) => skew(),
        ("InvalidSignatureException" | "SignatureDoesNotMatch", _)
            if message.contains("expired") || message.contains("not yet current") =>
        {
            skew()
        }
        (
            "InvalidAccessKeyId" | "InvalidClientTokenId" | "UnrecognizedClientException" | "SignatureDoesNotMatch"
            | "InvalidSignatureException" | "AuthFailure" | "MissingAuthenticationToken" | "InvalidToken",
            _,
        ) => Refusal::new(format!("AWS does not accept the credentials ({code})"))
            .kind(match code {
                // A Region that is not enabled knows no credentials of the account.
                "InvalidClientTokenId" | "UnrecognizedClientException" => Reason::RegionNotEnabled,
                _ => Reason::Credentials,
            })
            .hint("check AWS_ACCESS_KEY_ID, AWS_SESSION_TOKEN and the profile; `aws sts get-caller-identity` must work")
            .ending(),
        ("PermanentRedirect" | "AuthorizationHeaderMalformed" | "IllegalLocationConstraintException" | "TemporaryRedirect", _)
        | (_, Some(301 | 307)) => match it.region {
            Some(region) => Refusal::new(format!("it is in the Region {region}"))
                .hint(format!("set region = \"{region}\" for this source")),
            None => Refusal::new("it is in another Region").hint("set the region of this source"),
        }
        .ending(),
        ("NoSuchBucket", _) => no_bucket(),
        ("NoSuchKey" | "NoSuchVersion", _) => deleted(),
        ("ResourceNotFoundException", _) if need.action == "logs:GetLogEvents" => deleted(),
        ("ResourceNotFoundException", _) => {
            Refusal::new("there is no such log group in this account and Region")
                .hint("check its name, the Region and the account")
                .ending()
        }
        ("InvalidObjectState", _) => {
            Refusal::new("it is archived and needs a restore").kind(RefusalKind::Archived)
        }
        (code, _) if is_throttled(code) => {
            Refusal::new(format!("AWS throttled every try ({code})"))
                .kind(Reason::Throttled)
                .hint("run the same command again later; what was read is kept")
        }
        (code, _) if code.starts_with("KMS") || code.contains("KMSInvalidState") => {
            let why = if message.is_empty() { code } else { message };
            Refusal::new(format!("its KMS key cannot be used: {why}"))
                .hint("`aws kms describe-key` tells the key's state; a key scheduled for deletion can be saved with `aws kms cancel-key-deletion`")
        }
        ("AccessDenied" | "AccessDeniedException" | "UnauthorizedOperation" | "AllAccessDisabled" | "Forbidden", _)
        | ("", Some(403)) => denied(message, need),
        ("", Some(404)) => Refusal::new("it does not exist").ending(),
        (_, Some(500..=599)) => Refusal::new(format!(
            "AWS failed at every try ({})",
            if code.is_empty() { "5xx" } else { code }
        ))
        .again(),
        ("", Some(200..=299)) => {
            Refusal::new("the answer came in a form that is not known").kind(Reason::NotUnderstood)
        }
        ("", _) => Refusal::new(format!("AWS refused (status {})", it.status.unwrap_or(0))),
        (code, _) => in_words(code, message),
    }
}

/// A code of which we say no more than AWS does.
fn in_words(code: &str, message: &str) -> Refusal {
    let why = if message.is_empty() { code.to_owned() } else { format!("{code}: {message}") };
    Refusal::new(why).kind(match code {
        "MethodNotAllowed" => Reason::NotOwner.into(),
        "OptInRequired" => Reason::RegionNotEnabled.into(),
        "PreconditionFailed" => RefusalKind::Replaced,
        "InvalidRange" => RefusalKind::Shorter,
        _ => Reason::SdkError.into(),
    })
}

pub(super) fn no_bucket() -> Refusal {
    Refusal::new("there is no such bucket").hint("check its name and the account").ending()
}

fn deleted() -> Refusal {
    Refusal::new("it was deleted after it was listed")
}

fn skew() -> Refusal {
    Refusal::new(
        "this machine's clock is wrong: AWS accepts five minutes of difference for signatures",
    )
    .hint("set the clock (for example `timedatectl set-ntp true`), then run the same command again")
    .ending()
}

/// "User: ARN is not authorized to perform: ACTION on resource: ARN because …": AWS says what is missing where it may.
fn denied(message: &str, need: &Need) -> Refusal {
    let after = |mark: &str| {
        let rest = message.split(mark).nth(1)?;
        let word = rest.split_whitespace().next()?.trim_end_matches([',', '.']).trim_matches('"');
        (!word.is_empty()).then_some(word)
    };
    let action =
        after("not authorized to perform: ").filter(|it| it.contains(':')).unwrap_or(need.action);
    let resource =
        after("on resource: ").filter(|_| action != need.action).unwrap_or(&need.resource);
    if message.contains("explicit deny") {
        let policy = match message {
            it if it.contains("service control policy") => "a service control policy",
            it if it.contains("resource-based") => "the policy of the resource",
            it if it.contains("VPC endpoint") => "the policy of a VPC endpoint",
            it if it.contains("permissions boundary") => "a permissions boundary",
            _ => "a policy",
        };
        return Refusal::new(format!("access denied: {policy} denies {action} explicitly"))
            .kind(Reason::ExplicitDeny)
            .hint("no other policy can allow it: that one must change");
    }
    Refusal::new(format!("access denied: {action} is missing"))
        .kind(Reason::AccessDenied)
        .hint(format!("allow {}", Need::statement(action, resource)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(code: &str, message: &str, status: u16) -> String {
        let answer = RefusedAnswer {
            code: Some(code).filter(|it| !it.is_empty()),
            message: Some(message),
            status: Some(status),
            region: Some("eu-west-1").filter(|_| status == 301),
        };
        let need = Need::of("s3:GetObject", "arn:aws:s3:::b/*");
        let it = judge(&answer, &need, Some("audit"));
        format!("{}{}; {}", if it.ends { "ENDS " } else { "" }, it.why, it.hint.unwrap_or_default())
    }

    #[test]
    fn a_refusal_says_the_one_missing_action_and_the_line_that_allows_it() {
        assert_eq!(
            words("AccessDenied", "Access Denied", 403),
            r#"access denied: s3:GetObject is missing; allow {"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::b/*"}"#
        );
        assert_eq!(words("", "", 403), words("AccessDenied", "", 403));
        let kms = "User: arn:aws:sts::1:assumed-role/a/b is not authorized to perform: kms:Decrypt on resource: \
                   arn:aws:kms:eu-west-1:1:key/k because no identity-based policy allows the kms:Decrypt action";
        assert_eq!(
            words("AccessDenied", kms, 403),
            r#"access denied: kms:Decrypt is missing; allow {"Effect":"Allow","Action":"kms:Decrypt","Resource":"arn:aws:kms:eu-west-1:1:key/k"}"#
        );
        let deny = "User: a is not authorized to perform: s3:GetObject on resource: \"r\" with an explicit deny in a resource-based policy";
        assert_eq!(
            words("AccessDenied", deny, 403),
            "access denied: the policy of the resource denies s3:GetObject explicitly; no other policy can allow it: that one must change"
        );
    }

    #[test]
    fn a_refusal_has_the_kind_that_a_setting_is_unread_for() {
        let judged = |code, message, status| {
            let (code, message, status) = (Some(code), Some(message), Some(status));
            let need = Need::of("s3:GetObject", "*");
            judge(&RefusedAnswer { code, message, status, region: None }, &need, None).unread(&need)
        };
        let deny = "User: a is not authorized to perform: s3:GetObject with an explicit deny";
        for (code, message, status, reason) in [
            ("AccessDenied", "", 403, Reason::AccessDenied),
            ("AccessDenied", deny, 403, Reason::ExplicitDeny),
            ("MethodNotAllowed", "", 405, Reason::NotOwner),
            ("OptInRequired", "", 403, Reason::RegionNotEnabled),
            ("UnrecognizedClientException", "", 400, Reason::RegionNotEnabled),
            ("ExpiredToken", "", 400, Reason::Credentials),
            ("SlowDown", "", 503, Reason::Throttled),
            ("TooManyRequestsException", "", 429, Reason::Throttled),
            ("", "", 200, Reason::NotUnderstood),
            ("", "", 404, Reason::SdkError),
            ("Odd", "access denied: credentials", 400, Reason::SdkError),
        ] {
            let it = judged(code, message, status);
            assert_eq!(it.reason, reason, "{code} {message}");
            let denied = matches!(reason, Reason::AccessDenied | Reason::ExplicitDeny);
            assert_eq!((it.missing.is_some(), it.on.is_some()), (denied, denied), "{code}");
        }
    }

    #[test]
    fn an_answer_that_is_not_understood_is_no_refusal() {
        assert_eq!(words("", "", 200), "the answer came in a form that is not known; ");
    }

    #[test]
    fn what_concerns_the_whole_source_ends_it_and_what_concerns_one_object_does_not() {
        for code in ["ExpiredToken", "InvalidClientTokenId", "RequestTimeTooSkewed", "NoSuchBucket"]
        {
            assert!(words(code, "", 400).starts_with("ENDS "), "{code}");
        }
        for code in
            ["NoSuchKey", "AccessDenied", "SlowDown", "InvalidObjectState", "KMS.DisabledException"]
        {
            assert!(!words(code, "", 400).starts_with("ENDS "), "{code}");
        }
        assert!(words("ExpiredToken", "", 400).contains("aws sso login --profile audit"));
        assert!(words("PermanentRedirect", "", 301).contains("it is in the Region eu-west-1"));
        assert!(
            words("SignatureDoesNotMatch", "Signature not yet current: 1 is still later", 403)
                .contains("clock")
        );
    }
}
