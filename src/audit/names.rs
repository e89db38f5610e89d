//! How things are called in a finding: ARNs, words for a shell, spans of days.

use crate::config::domain_of;
use crate::config::partition_of;
use crate::settings::Bucket;
use crate::settings::Corner;
use crate::settings::Key;
use crate::settings::LogGroup;

/// A word for a POSIX shell: quoted unless it is plainly one word. Names of resources are foreign text.
///
/// ```
/// use ssmtrail::audit::names::quote;
/// assert_eq!(quote("/aws/ssm"), "/aws/ssm");
/// assert_eq!(quote("a'b; rm -rf /"), r"'a'\''b; rm -rf /'");
/// ```
pub fn quote(word: &str) -> String {
    let plain = |it: char| it.is_ascii_alphanumeric() || "/_.:@%+=,-".contains(it);
    if !word.is_empty() && !word.starts_with('-') && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// A command of the AWS CLI with these options, their values quoted.
pub(crate) fn aws(command: &str, options: &[(&str, &str)]) -> String {
    let said = options.iter().map(|(name, value)| format!(" --{name} {}", quote(value)));
    format!("aws {command}{}", said.collect::<String>())
}

/// What `kms:ViaService` is in a request that S3 makes in the Region of a key.
pub(crate) fn via_s3(key: &Key) -> String {
    format!("s3.{}.{}", key.region, domain_of(&key.region))
}

/// Days as people say them.
pub(crate) fn days(it: i64) -> String {
    if it == 1 { "1 day".into() } else { format!("{it} days") }
}

/// ARN of the document of this name.
pub(crate) fn document_arn(name: &str, corner: &Corner) -> String {
    let (region, account) = (&corner.region, &corner.account);
    format!("arn:{}:ssm:{region}:{account}:document/{name}", partition_of(region))
}

pub(crate) fn group_arn(it: &LogGroup) -> String {
    let (region, account) = (&it.region, &it.account);
    format!("arn:{}:logs:{region}:{account}:log-group:{}", partition_of(region), it.name)
}

pub(crate) fn bucket_arn(it: &Bucket) -> String {
    let partition = it.region.as_deref().map_or("aws", partition_of);
    format!("arn:{partition}:s3:::{}", it.name)
}
