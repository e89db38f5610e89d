//! How things are said in a finding: words for a shell, calls of AWS's own program, spans of days.

use crate::aws_names::RegionCode;
use crate::settings::Key;

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
    RegionCode(&key.region).host("s3")
}

/// Days as people say them.
pub(crate) fn days(it: i64) -> String {
    if it == 1 { "1 day".into() } else { format!("{it} days") }
}
