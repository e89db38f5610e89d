//! Whether a request is granted once the policy of the thing itself is read, too: no simulator knows the policies of buckets and keys.
//!
//! Source: "Cross-account policy evaluation logic" (AWS IAM User Guide); amazon-ssm-agent: agent/s3util/s3util.go.

use crate::audit::iam::conditions::Truth;
use crate::audit::iam::permission::Call;
use crate::audit::iam::permission::Permission;
use crate::audit::iam::permission::carried;
use crate::audit::iam::permission::context;
use crate::audit::iam::permission::may;
use crate::audit::iam::policy::PolicyDocument;
use crate::audit::iam::request::Request;
use crate::audit::iam::request::Said;
use crate::audit::names::via_s3;
use crate::audit::view::View;
use crate::aws_names::AccountId;
use crate::aws_names::Arn;
use crate::aws_names::Partition;
use crate::settings::Bucket;
use crate::settings::Key;
use crate::settings::Reason;
use crate::settings::Role;
use crate::settings::Unread;

/// Whether a request is granted; if it is denied by a policy of the thing itself, by which statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Granted {
    Yes,
    No,
    DeniedBy(String),
}

impl From<bool> for Granted {
    fn from(it: bool) -> Self {
        if it { Self::Yes } else { Self::No }
    }
}

/// The headers of encryption that come with an upload, and those that surely do not.
type Headers = (Vec<(String, String)>, &'static [&'static str]);

/// Nobody knows what comes with it.
const UNKNOWN: Headers = (Vec::new(), &[]);

/// It comes without any.
const NOTHING: Headers = (
    Vec::new(),
    &["s3:x-amz-server-side-encryption", "s3:x-amz-server-side-encryption-aws-kms-key-id"],
);

/// From this version on the agent asks for the bucket's default encryption and says it with the upload.
/// Source: amazon-ssm-agent: RELEASENOTES.md.
const SAYS_ENCRYPTION: [u64; 4] = [3, 0, 502, 0];

/// Whether a version that is known is older than another.
fn is_before(version: &[u64], other: [u64; 4]) -> bool {
    !version.is_empty() && version < other.as_slice()
}

/// What the agents that write by this role say of encryption: they copy the bucket's default, if they may read it.
fn sent(bucket: &Bucket, role: &Role, view: &View<'_>) -> Vec<Headers> {
    let partition = Arn::parse(&role.arn).map_or(Partition::AWS, |it| it.partition);
    let arn = partition.bucket(&bucket.name);
    let call = Call { role, action: "s3:GetEncryptionConfiguration", resource: &arn };
    let may_ask =
        may(&call, view).and_then(|it| by_bucket_alone(bucket, &call, &it, &UNKNOWN, view));
    let usual: Headers = match (view.take(&bucket.encryption), may_ask) {
        (Ok(None), _) | (_, Ok(Granted::No | Granted::DeniedBy(_))) => NOTHING,
        (Ok(Some(it)), _) if it.algorithm == "aws:kms:dsse" => NOTHING,
        (Ok(Some(it)), Ok(Granted::Yes)) => {
            let all = carried(Some(it)).into_iter();
            let said = all.filter(|it| it.0.contains("server-side-encryption"));
            (said.map(|it| (it.0.to_lowercase(), it.2)).collect(), &[])
        }
        _ => UNKNOWN,
    };
    let is_old = |id: &str, region: &str| {
        let corners = view.survey.corners.iter().filter(|it| it.region == region);
        let mut nodes = corners.filter_map(|it| view.take(&it.nodes).ok()).flatten();
        nodes.any(|it| it.id == id && is_before(&it.version(), SAYS_ENCRYPTION))
    };
    let old = role.nodes.iter().any(|it| is_old(&it.0, &it.1));
    // How old an agent is that cannot be listed nobody knows.
    let hidden =
        view.survey.corners.iter().any(|it| {
            view.take(&it.nodes).is_err() && role.nodes.iter().any(|one| one.1 == it.region)
        });
    let more = [old.then_some(NOTHING), hidden.then_some(UNKNOWN)];
    [usual].into_iter().chain(more.into_iter().flatten()).collect()
}

/// Whether a bucket's own policy settles a request: allows what the role's policies do not, or denies what they allow.
pub(crate) fn by_bucket(
    bucket: &Bucket,
    call: &Call<'_>,
    said: &Permission,
    view: &View<'_>,
) -> Result<Granted, Unread> {
    if call.action != "s3:PutObject" {
        return by_bucket_alone(bucket, call, said, &UNKNOWN, view);
    }
    // Every agent must get through.
    let mut worst = Granted::Yes;
    let mut unknown = None;
    for headers in sent(bucket, call.role, view) {
        match by_bucket_alone(bucket, call, said, &headers, view) {
            Ok(Granted::Yes) => {}
            Ok(other) => worst = other,
            Err(it) => unknown = Some(it),
        }
    }
    match (worst, unknown) {
        (Granted::Yes, Some(it)) => Err(it),
        (it, _) => Ok(it),
    }
}

/// The same of a request with these headers, beside what each of the agent's carries.
fn by_bucket_alone(
    bucket: &Bucket,
    call: &Call<'_>,
    said: &Permission,
    (more, absent): &Headers,
    view: &View<'_>,
) -> Result<Granted, Unread> {
    let Call { role, action, resource } = *call;
    let policy = match view.take(&bucket.policy)? {
        None => PolicyDocument::default(),
        Some(text) => PolicyDocument::understood(text, OF_BUCKET)?,
    };
    let mut context = context();
    context.extend(more.iter().cloned());
    for key in ["aws:resourceaccount", "s3:resourceaccount"] {
        context.extend(bucket.proved().map(|it| (key.to_owned(), it.to_owned())));
    }
    // The agent brings no key of its own.
    let never = ["s3:x-amz-server-side-encryption-customer-algorithm"];
    let absent = &[*absent, &never].concat();
    let request = Request { principal: &role.arn, action, resource, context: &context, absent };
    let (says, grants) = (policy.says(&request, true), policy.grants(&request));
    // Whose bucket it is decides whether it must say so itself. That nobody was proved to own it is S3-EXIST-01's to tell; it is taken for
    // the account's that asked, as the preferences name it.
    let owner = bucket.proved().unwrap_or(&bucket.account);
    let ours = AccountId::of(&role.arn).is_some_and(|it| it == owner);
    // What a role may do in its own account by its own policies needs no word of the bucket's; another account's must say so itself.
    weighed(said, says, grants, ours, ours, OF_BUCKET)
}

const OF_BUCKET: &str = "the bucket's policy";

const OF_KEY: &str = "the key's policy";

/// What comes of what a role's own policies and that of the thing itself say. `ours` says whether both are of one account, `suffices`
/// whether the role's own policies are enough there.
fn weighed(
    said: &Permission,
    says: Said,
    grants: Truth,
    ours: bool,
    suffices: bool,
    of: &str,
) -> Result<Granted, Unread> {
    let unknown = |why: String| Err(Reason::MissingContextKey.because(format!("{of}: {why}")));
    match (said, says) {
        (_, Said::Denies(name)) => Ok(Granted::DeniedBy(name)),
        (Permission::Denied(Some(_)), _) => Ok(Granted::No),
        (Permission::Allowed, Said::MayAllow(_)) if suffices => Ok(Granted::Yes),
        (_, Said::MayAllow(it) | Said::MayDeny(it)) => unknown(it),
        (Permission::Allowed, Said::Allows(_)) => Ok(Granted::Yes),
        (Permission::Allowed, Said::Nothing) => Ok(suffices.into()),
        // A statement that names the role needs nothing beside it in its own account; one that names its account does.
        (Permission::Denied(None), Said::Allows(name)) => match grants {
            Truth::Yes => Ok(ours.into()),
            Truth::No => Ok(Granted::No),
            Truth::Unknown => unknown(format!("{name} and what only a real request carries")),
        },
        (Permission::Denied(None), Said::Nothing) => Ok(Granted::No),
    }
}

/// Whether a key's own policy lets the role in, by name or through its account.
pub(crate) fn by_key(
    key: &Key,
    of_bucket: bool,
    call: &Call<'_>,
    said: &Permission,
    view: &View<'_>,
) -> Result<bool, Unread> {
    let Call { role, action, .. } = *call;
    let Some(state) = view.take(&key.state)?.as_ref() else {
        return Err(Reason::NotThere.because("there is no such key"));
    };
    if state.manager == "AWS" {
        // Its policy admits everybody of the account who may use the service, unless something of theirs denies it.
        return Ok(!matches!(said, Permission::Denied(Some(_))));
    }
    let policy = PolicyDocument::understood(view.take(&key.policy)?, OF_KEY)?;
    let (says, grants) = of_key(&policy, key, &state.arn, &role.arn, action, of_bucket);
    let ours = AccountId::of(&role.arn) == AccountId::of(&state.arn);
    Ok(weighed(said, says, grants, ours, false, OF_KEY)? == Granted::Yes)
}

/// What a key's policy says of a role that uses it, by itself as for sessions, or through S3; and whether it grants that by itself.
///
/// The guard against a confused deputy denies by `aws:SourceAccount`, for whom a service acts; a grant by it holds for services alone.
pub(crate) fn of_key(
    policy: &PolicyDocument,
    key: &Key,
    resource: &str,
    principal: &str,
    action: &str,
    of_bucket: bool,
) -> (Said, Truth) {
    let service = via_s3(key);
    let mut context = vec![("aws:securetransport".to_owned(), "true".to_owned())];
    let mut absent = vec!["aws:sourceaccount", "aws:sourcearn"];
    match of_bucket {
        true => context.push(("kms:viaservice".to_owned(), service)),
        false => absent.push("kms:viaservice"),
    }
    let of = |allows: bool| PolicyDocument {
        statements: policy.statements.iter().filter(|it| it.allows == allows).cloned().collect(),
    };
    let request = Request { principal, action, resource, context: &context, absent: &absent };
    let (allowed, grants) = (of(true).says(&request, true), of(true).grants(&request));
    let account = AccountId::of(resource).map(String::from).unwrap_or_default();
    context.push(("aws:sourceaccount".to_owned(), account));
    let request = Request { principal, action, resource, context: &context, absent: &[] };
    let said = match of(false).says(&request, true) {
        Said::Nothing => allowed,
        denied => denied,
    };
    (said, grants)
}
