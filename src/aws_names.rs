//! The names that AWS gives: partitions, Regions, accounts, ARNs and nodes, built and taken apart here alone.
//!
//! A name that AWS or a policy wrote stays as it was written: what is read of it here is borrowed from it, so nothing is
//! normalised away. What is not understood is `None`, and left to the caller as unknown.
//!
//! Source: "Amazon Resource Names (ARNs)", "AWS service endpoints", `partitions.json` of the AWS SDKs.

use std::fmt;

/// A partition as it is known: its name, what its Region codes begin with, the domain of its services, and the Region in which those
/// services answer that have one endpoint for all.
struct KnownPartition(&'static str, &'static [&'static str], &'static str, &'static str);

/// Longer beginnings of Region codes stand before shorter ones.
const PARTITIONS: [KnownPartition; 8] = [
    KnownPartition("aws-cn", &["cn-"], "amazonaws.com.cn", "cn-northwest-1"),
    KnownPartition("aws-us-gov", &["us-gov-"], "amazonaws.com", "us-gov-west-1"),
    KnownPartition("aws-eusc", &["eusc-"], "amazonaws.eu", "eusc-de-east-1"),
    KnownPartition("aws-iso", &["us-iso-"], "c2s.ic.gov", "us-iso-east-1"),
    KnownPartition("aws-iso-b", &["us-isob-"], "sc2s.sgov.gov", "us-isob-east-1"),
    KnownPartition("aws-iso-e", &["eu-isoe-"], "cloud.adc-e.uk", "eu-isoe-west-1"),
    KnownPartition("aws-iso-f", &["us-isof-"], "csp.hci.ic.gov", "us-isof-south-1"),
    KnownPartition(
        "aws",
        &["us-", "eu-", "ap-", "sa-", "ca-", "me-", "af-", "il-", "mx-"],
        "amazonaws.com",
        "us-east-1",
    ),
];

/// A separate part of AWS with its own accounts and domain, as ARNs name it: `aws`, `aws-cn`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Partition<'a>(&'a str);

impl<'a> Partition<'a> {
    /// The commercial partition.
    pub const AWS: Partition<'static> = Partition("aws");

    /// Its name, as the ARN has it.
    pub fn as_str(self) -> &'a str {
        self.0
    }

    /// ARN of a bucket, which names neither Region nor account.
    pub fn bucket(self, name: &str) -> String {
        format!("arn:{self}:s3:::{name}")
    }

    /// ARN of an object, or of all that a pattern of keys means.
    pub fn object(self, bucket: &str, key: &str) -> String {
        format!("arn:{self}:s3:::{bucket}/{key}")
    }

    /// ARN of something of IAM, which lies in no Region: `role/NAME`, `user/*`.
    pub fn iam(self, account: &str, resource: &str) -> String {
        format!("arn:{self}:iam::{account}:{resource}")
    }

    /// ARN of a role; its name may begin with a path.
    pub fn role(self, account: &str, name: &str) -> String {
        self.iam(account, &format!("role/{name}"))
    }

    /// The principal that stands for a whole account.
    pub fn root(self, account: &str) -> String {
        self.iam(account, "root")
    }
}

impl fmt::Display for Partition<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.0)
    }
}

/// The code of a Region, as `eu-west-1`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RegionCode<'a>(pub &'a str);

impl RegionCode<'_> {
    fn known(self) -> Option<&'static KnownPartition> {
        PARTITIONS.iter().find(|it| it.1.iter().any(|it| self.0.starts_with(it)))
    }

    /// The partition that the Region belongs to; `None` if no partition that is known has such Regions.
    ///
    /// ```
    /// use ssmtrail::aws_names::RegionCode;
    /// let partition = |it| RegionCode(it).partition().map(|it| it.as_str());
    /// assert_eq!(partition("cn-north-1"), Some("aws-cn"));
    /// assert_eq!(partition("eu-west-1"), Some("aws"));
    /// assert_eq!(partition("moon-east-1"), None);
    /// ```
    pub fn partition(self) -> Option<Partition<'static>> {
        self.known().map(|it| Partition(it.0))
    }

    /// The same for an ARN that has to be written whatever the Region: `aws` where the partition is not known. New Regions
    /// of the commercial partition begin with words that are in no table yet.
    pub fn partition_or_aws(self) -> Partition<'static> {
        self.partition().unwrap_or(Partition::AWS)
    }

    /// Domain of its services, that of the commercial partition where the partition is not known.
    pub fn domain(self) -> &'static str {
        self.known().map_or("amazonaws.com", |it| it.2)
    }

    /// The Region in which services answer for the whole partition that have one endpoint for all its Regions, as Organizations.
    ///
    /// ```
    /// use ssmtrail::aws_names::RegionCode;
    /// assert_eq!(RegionCode("eu-west-1").global().0, "us-east-1");
    /// assert_eq!(RegionCode("us-gov-east-1").global().0, "us-gov-west-1");
    /// ```
    pub fn global(self) -> RegionCode<'static> {
        RegionCode(self.known().map_or("us-east-1", |it| it.3))
    }

    /// Domain of its services for IPv6 and IPv4; `None` where it is not known.
    pub fn dual_stack_domain(self) -> Option<&'static str> {
        match self.known()?.0 {
            "aws" | "aws-us-gov" => Some("api.aws"),
            "aws-cn" => Some("api.amazonwebservices.com.cn"),
            _ => None,
        }
    }

    /// Host of a service there, as endpoints, service principals and `kms:ViaService` name it.
    ///
    /// ```
    /// use ssmtrail::aws_names::RegionCode;
    /// assert_eq!(RegionCode("cn-north-1").host("s3"), "s3.cn-north-1.amazonaws.com.cn");
    /// assert_eq!(RegionCode("us-gov-west-1").host("logs"), "logs.us-gov-west-1.amazonaws.com");
    /// ```
    pub fn host(self, service: &str) -> String {
        format!("{service}.{}.{}", self.0, self.domain())
    }
}

/// The id of an account: twelve digits.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct AccountId([u8; 12]);

impl AccountId {
    /// `None` of anything but twelve digits.
    pub fn parse(text: &str) -> Option<Self> {
        let digits: [u8; 12] = text.as_bytes().try_into().ok()?;
        digits.iter().all(u8::is_ascii_digit).then_some(Self(digits))
    }

    /// The digits.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// The account that a principal is of: the one in its ARN, or an account by itself, as policies name it.
    ///
    /// ```
    /// use ssmtrail::aws_names::AccountId;
    /// let of = |it| AccountId::of(it).map(|it| it.to_string());
    /// assert_eq!(of("arn:aws:iam::111122223333:role/ops/reader").as_deref(), Some("111122223333"));
    /// assert_eq!(of("111122223333").as_deref(), Some("111122223333"));
    /// assert_eq!(of("arn:aws:iam::aws:policy/ReadOnlyAccess"), None);
    /// ```
    pub fn of(principal: &str) -> Option<Self> {
        Self::parse(principal).or_else(|| Arn::parse(principal)?.account_id())
    }
}

impl fmt::Display for AccountId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.as_str())
    }
}

impl From<AccountId> for String {
    fn from(it: AccountId) -> Self {
        it.as_str().to_owned()
    }
}

impl fmt::Debug for AccountId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "AccountId({self})")
    }
}

impl<T: AsRef<str>> PartialEq<T> for AccountId {
    fn eq(&self, other: &T) -> bool {
        self.as_str() == other.as_ref()
    }
}

/// An ARN, and its parts as they stand in it. A part may be empty, a pattern, or masked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arn<'a> {
    text: &'a str,
    /// Part of AWS.
    pub partition: Partition<'a>,
    /// Namespace of the service, as `s3`.
    pub service: &'a str,
    /// Region code; empty where the service has none in its ARNs.
    pub region: &'a str,
    /// Account id; empty in the ARN of a bucket, `aws` in that of a managed policy.
    pub account: &'a str,
    /// All that stands behind the account; may hold colons and slashes.
    pub resource: &'a str,
}

impl<'a> Arn<'a> {
    /// `None` of what has not all six parts, or names no partition or no service.
    ///
    /// ```
    /// use ssmtrail::aws_names::Arn;
    /// let arn = Arn::parse("arn:aws:logs:eu-west-1:111122223333:log-group:/aws/ssm:*").unwrap();
    /// assert_eq!((arn.region, arn.log_group()), ("eu-west-1", Some("/aws/ssm")));
    /// assert!(Arn::parse("arn:aws:s3").is_none());
    /// ```
    pub fn parse(text: &'a str) -> Option<Self> {
        let mut parts = parts(text);
        let mut next = || parts.next();
        let ("arn", partition, service) = (next()?, next()?, next()?) else { return None };
        let (region, account, resource) = (next()?, next()?, next()?);
        let is_named = !partition.is_empty() && !service.is_empty();
        let partition = Partition(partition);
        is_named.then_some(Self { text, partition, service, region, account, resource })
    }

    /// Whether a text is meant to be an ARN, whole or not.
    pub fn is_begun(text: &str) -> bool {
        text.starts_with("arn:")
    }

    /// The whole, as it was written.
    pub fn as_str(self) -> &'a str {
        self.text
    }

    /// Its account, if that is an id.
    pub fn account_id(self) -> Option<AccountId> {
        AccountId::parse(self.account)
    }

    /// What stands behind the last slash, else behind the last colon: the name of a role or user without its path, of a role
    /// session, of a task definition, the id of a key.
    pub fn name(self) -> &'a str {
        match self.resource.rsplit_once('/') {
            Some((_, name)) => name,
            None => self.resource.rsplit(':').next().unwrap_or(self.resource),
        }
    }

    /// The role that an assumed-role session is of; `None` of anything else.
    pub fn session_role(self) -> Option<&'a str> {
        self.resource.strip_prefix("assumed-role/")?.split_once('/').map(|it| it.0)
    }

    /// Name of the bucket, and what stands behind its slash; `None` if it is of no bucket.
    pub fn bucket(self) -> Option<(&'a str, &'a str)> {
        let is_bucket = self.service == "s3" && self.region.is_empty() && self.account.is_empty();
        is_bucket.then(|| self.resource.split_once('/').unwrap_or((self.resource, "")))
    }

    /// Name of the log group, without the `:*` or the stream behind it; `None` if it is of none.
    pub fn log_group(self) -> Option<&'a str> {
        let name = self.resource.strip_prefix("log-group:").filter(|_| self.service == "logs")?;
        name.split(':').next()
    }
}

impl fmt::Display for Arn<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.text)
    }
}

/// The parts of a text that is meant to be an ARN or a pattern of some, as many as there are, six at most.
pub fn parts(text: &str) -> impl Iterator<Item = &str> {
    text.splitn(6, ':')
}

/// The ARN of a log group without the `:*` that the service puts behind some.
pub fn without_any_stream(arn: &str) -> &str {
    arn.strip_suffix(":*").unwrap_or(arn)
}

/// Whether a principal is a service, as `logs.eu-west-1.amazonaws.com` in the domain of any partition.
pub fn is_service(principal: &str) -> bool {
    let service = |domain| principal.strip_suffix(domain).is_some_and(|it| it.ends_with('.'));
    PARTITIONS.iter().any(|it| service(it.2))
}

/// Whether a key is named by an alias that AWS keeps for the keys that it manages ("AWS KMS: Aliases").
pub fn is_alias_of_aws(key: &str) -> bool {
    key.split(':').next_back().is_some_and(|it| it.starts_with("alias/aws/"))
}

/// One Region of one account, where the ARNs of most things lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Home<'a> {
    /// Part of AWS.
    pub partition: Partition<'a>,
    /// Region code.
    pub region: &'a str,
    /// Account id.
    pub account: &'a str,
}

impl<'a> Home<'a> {
    /// In the partition of the Region, see [`RegionCode::partition_or_aws`].
    pub fn new(region: &'a str, account: &'a str) -> Self {
        Self { partition: RegionCode(region).partition_or_aws(), region, account }
    }

    /// ARN of something there.
    ///
    /// ```
    /// use ssmtrail::aws_names::Home;
    /// let home = Home::new("cn-north-1", "111122223333");
    /// assert_eq!(home.arn("ecs", "task/any/any"), "arn:aws-cn:ecs:cn-north-1:111122223333:task/any/any");
    /// ```
    pub fn arn(self, service: &str, resource: &str) -> String {
        let Self { partition, region, account } = self;
        format!("arn:{partition}:{service}:{region}:{account}:{resource}")
    }

    /// ARN of a document of Systems Manager.
    pub fn document(self, name: &str) -> String {
        self.arn("ssm", &format!("document/{name}"))
    }

    /// ARN of a log group.
    pub fn log_group(self, name: &str) -> String {
        self.arn("logs", &format!("log-group:{name}"))
    }

    /// ARN of a node, by what its id says of its kind; one whose kind is not known has the ARN of an instance.
    pub fn node(self, id: &str) -> String {
        match NodeKind::of(id) {
            Some(NodeKind::Managed) => self.arn("ssm", &format!("managed-instance/{id}")),
            Some(NodeKind::Instance) | None => self.arn("ec2", &format!("instance/{id}")),
        }
    }

    /// ARN of a KMS key that is told by its id or by an alias.
    pub fn key(self, id: &str) -> String {
        match id.starts_with("alias/") {
            true => self.arn("kms", id),
            false => self.arn("kms", &format!("key/{id}")),
        }
    }
}

/// What a node is, by the beginning of its id ("Setting up managed nodes").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NodeKind {
    /// An EC2 instance: `i-…`.
    Instance,
    /// A machine that was registered by an activation: `mi-…`.
    Managed,
}

impl NodeKind {
    /// `None` of other targets: a container (`ecs:…`), a masked id, a word.
    ///
    /// ```
    /// use ssmtrail::aws_names::NodeKind;
    /// assert_eq!(NodeKind::of("mi-0123456789abcdef0"), Some(NodeKind::Managed));
    /// assert_eq!(NodeKind::of("ecs:prod_0123_456"), None);
    /// ```
    pub fn of(id: &str) -> Option<Self> {
        Self::split(id).map(|it| it.0)
    }

    /// Whether a text is the whole id of a node, rather than the name of something.
    pub fn is_id(text: &str) -> bool {
        Self::split(text).is_some_and(|(_, digits)| {
            digits.len() >= 8 && digits.bytes().all(|it| it.is_ascii_hexdigit())
        })
    }

    fn split(id: &str) -> Option<(Self, &str)> {
        let instance = id.strip_prefix("i-").map(|it| (Self::Instance, it));
        instance.or_else(|| Some((Self::Managed, id.strip_prefix("mi-")?)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_region_tells_its_partition_and_domain() {
        for (region, partition, host) in [
            ("eu-west-1", "aws", "s3.eu-west-1.amazonaws.com"),
            ("mx-central-1", "aws", "s3.mx-central-1.amazonaws.com"),
            ("cn-north-1", "aws-cn", "s3.cn-north-1.amazonaws.com.cn"),
            ("us-gov-west-1", "aws-us-gov", "s3.us-gov-west-1.amazonaws.com"),
            ("eusc-de-east-1", "aws-eusc", "s3.eusc-de-east-1.amazonaws.eu"),
            ("us-iso-east-1", "aws-iso", "s3.us-iso-east-1.c2s.ic.gov"),
            ("us-isob-east-1", "aws-iso-b", "s3.us-isob-east-1.sc2s.sgov.gov"),
            ("eu-isoe-west-1", "aws-iso-e", "s3.eu-isoe-west-1.cloud.adc-e.uk"),
            ("us-isof-south-1", "aws-iso-f", "s3.us-isof-south-1.csp.hci.ic.gov"),
        ] {
            assert_eq!(RegionCode(region).partition().unwrap().as_str(), partition);
            assert_eq!(RegionCode(region).host("s3"), host);
        }
    }

    #[test]
    fn a_region_of_no_known_partition_is_unknown_and_written_as_aws() {
        for it in ["", "moon-east-1", "EU-WEST-1", "us"] {
            assert_eq!(RegionCode(it).partition(), None);
            assert_eq!(RegionCode(it).partition_or_aws(), Partition::AWS);
        }
    }

    #[test]
    fn an_arn_is_taken_apart_and_kept_as_it_was_written() {
        for (text, parts) in [
            (
                "arn:aws:iam::111122223333:role/ops/eu/reader",
                ("aws", "iam", "", "111122223333", "role/ops/eu/reader", "reader"),
            ),
            (
                "arn:aws-us-gov:sts::111122223333:assumed-role/Admin/bob@example.com",
                (
                    "aws-us-gov",
                    "sts",
                    "",
                    "111122223333",
                    "assumed-role/Admin/bob@example.com",
                    "bob@example.com",
                ),
            ),
            ("arn:aws:s3:::acme", ("aws", "s3", "", "", "acme", "acme")),
            (
                "arn:aws-eusc:logs:eusc-de-east-1:1:log-group:a:*",
                ("aws-eusc", "logs", "eusc-de-east-1", "1", "log-group:a:*", "*"),
            ),
            ("arn:aws-next:kms:*:*:key/mrk-1", ("aws-next", "kms", "*", "*", "key/mrk-1", "mrk-1")),
            ("arn:aws:iam::***:root", ("aws", "iam", "", "***", "root", "root")),
        ] {
            let it = Arn::parse(text).unwrap();
            let said =
                (it.partition.as_str(), it.service, it.region, it.account, it.resource, it.name());
            assert_eq!(said, parts);
            assert_eq!(it.as_str(), text);
        }
        for it in ["", "arn", "arn:", "arn:aws:s3", "arn:::::", "arn:aws:::::a", "ARN:aws:s3:::a"] {
            assert_eq!(Arn::parse(it), None, "{it}");
        }
        assert_eq!(Arn::parse("urn:aws:s3:::a"), None);
    }

    #[test]
    fn buckets_groups_and_role_sessions_are_named_by_their_arns() {
        let arn = |it: &'static str| Arn::parse(it).unwrap();
        assert_eq!(arn("arn:aws:s3:::acme").bucket(), Some(("acme", "")));
        assert_eq!(arn("arn:aws-cn:s3:::acme/a/b.log").bucket(), Some(("acme", "a/b.log")));
        assert_eq!(arn("arn:aws:s3:eu-west-1:1:accesspoint/x").bucket(), None);
        let group = "arn:aws:logs:eu-west-1:111122223333:log-group:/ssm:log-stream:a";
        assert_eq!(arn(group).log_group(), Some("/ssm"));
        assert_eq!(arn("arn:aws:logs:eu-west-1:1:destination:x").log_group(), None);
        assert_eq!(without_any_stream("arn:aws:logs:r:1:log-group:/ssm:*"), arn_of("/ssm"));
        assert_eq!(without_any_stream(&arn_of("/ssm")), arn_of("/ssm"));
        let session = arn("arn:aws:sts::111122223333:assumed-role/Admin/bob");
        assert_eq!((session.session_role(), session.name()), (Some("Admin"), "bob"));
        assert_eq!(arn("arn:aws:iam::1:user/bob").session_role(), None);
        assert!(is_service("logs.eusc-de-east-1.amazonaws.eu") && is_service("s3.amazonaws.com"));
        assert!(!is_service("notamazonaws.com") && !is_service(&arn_of("a.b")));
        assert!(is_alias_of_aws("alias/aws/s3"));
        assert!(is_alias_of_aws("arn:aws:kms:eu-west-1:1:alias/aws/s3"));
        assert!(!is_alias_of_aws("alias/awsome"));
    }

    fn arn_of(group: &str) -> String {
        Home { partition: Partition::AWS, region: "r", account: "1" }.log_group(group)
    }

    #[test]
    fn an_account_is_twelve_digits() {
        let id = AccountId::parse("012345678901").unwrap();
        assert_eq!((id.to_string().as_str(), id == "012345678901"), ("012345678901", true));
        for it in ["", "12345678901", "1234567890123", "12345678901x", "١٢٣٤٥٦"] {
            assert_eq!(AccountId::parse(it), None, "{it}");
        }
        for it in ["arn:aws:s3:::acme", "arn:aws:iam::*:root", "alice", "arn:aws:iam::***:root"] {
            assert_eq!(AccountId::of(it), None, "{it}");
        }
    }

    #[test]
    fn what_lies_in_a_region_of_an_account_has_its_arn() {
        let home = Home::new("us-gov-west-1", "111122223333");
        let of = |it: String| it.strip_prefix("arn:aws-us-gov:").unwrap().to_owned();
        assert_eq!(of(home.document("A")), "ssm:us-gov-west-1:111122223333:document/A");
        assert_eq!(of(home.log_group("/a")), "logs:us-gov-west-1:111122223333:log-group:/a");
        assert_eq!(of(home.node("mi-1")), "ssm:us-gov-west-1:111122223333:managed-instance/mi-1");
        assert_eq!(of(home.node("i-1")), "ec2:us-gov-west-1:111122223333:instance/i-1");
        assert_eq!(of(home.node("*")), "ec2:us-gov-west-1:111122223333:instance/*");
        assert_eq!(of(home.key("alias/a")), "kms:us-gov-west-1:111122223333:alias/a");
        assert_eq!(of(home.key("1-2")), "kms:us-gov-west-1:111122223333:key/1-2");
        assert_eq!(of(home.partition.bucket("b")), "s3:::b");
        assert_eq!(of(home.partition.object("b", "p/*")), "s3:::b/p/*");
        assert_eq!(of(home.partition.role("1", "p/r")), "iam::1:role/p/r");
        assert_eq!(of(home.partition.root("1")), "iam::1:root");
    }

    #[test]
    fn the_id_of_a_node_tells_its_kind() {
        assert_eq!(NodeKind::of("i-0123456789abcdef0"), Some(NodeKind::Instance));
        assert_eq!(NodeKind::of("*"), None);
        assert!(NodeKind::is_id("i-01234567") && NodeKind::is_id("mi-0123456789abcdef0"));
        assert!(!NodeKind::is_id("i-0123") && !NodeKind::is_id("mi-a-machine"));
    }
}
