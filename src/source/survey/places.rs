//! The places to look into: those that Session documents name and those that a person does, each once, with all that name it.

use super::accounts::OpenedAccounts;
use super::context::AwsContext;
use super::context::one;
use crate::audit::preferences::Preferences;
use crate::config::Access;
use crate::config::Place;
use crate::settings::Bucket;
use crate::settings::Corner;
use crate::settings::LogGroup;
use crate::settings::Prefix;

/// A place, the way there, and what made us look.
#[derive(Clone, Debug)]
pub struct SurveyTarget {
    /// A bucket and prefix, or a log group; folders are passed over.
    pub place: Place,
    /// How AWS is reached there.
    pub access: Access,
    /// What named the place, in words.
    pub named_by: String,
    /// Account id that the bucket must belong to; `None` if any will do.
    pub bucket_owner: Option<String>,
}

/// Places that are not asked about yet, and through which account and Region each is.
#[derive(Default)]
pub(super) struct SurveyedPlaces {
    pub(super) groups: Vec<(LogGroup, AwsContext)>,
    pub(super) buckets: Vec<(Bucket, AwsContext)>,
}

impl SurveyedPlaces {
    /// Adds those that the documents of a Region send sessions to.
    pub(super) fn add_named(&mut self, corner: &Corner, aws: &AwsContext) {
        let own = corner.preferences.known().ok().and_then(Option::as_ref);
        let others = corner.documents.known().into_iter().flatten();
        for document in own.into_iter().chain(others) {
            let content = document.content.known().ok();
            let told = content.and_then(|it| Preferences::read(it)).filter(|it| it.is_shell());
            let Some(told) = told else { continue };
            let from = format!("{} in {} of {}", document.name, corner.region, corner.account);
            if let Some(name) = told.bucket.text() {
                let it = prefix(self.bucket(name, aws), &told.prefix);
                it.named_by.push(from.clone());
                if !it.session_regions.contains(&corner.region) {
                    it.session_regions.push(corner.region.clone());
                }
            }
            if let Some(name) = told.group.text() {
                self.group(name, aws).named_by.push(from);
            }
        }
    }

    /// Adds one that a person named, if there is a way to it.
    pub(super) async fn add_target(&mut self, it: &SurveyTarget, accounts: &mut OpenedAccounts) {
        let Some(aws) = accounts.open(&it.access, it.place.to_string()).await else { return };
        match &it.place {
            Place::S3 { bucket, prefix: below } => {
                let bucket = self.bucket(bucket, &aws);
                bucket.expected_owner = bucket.expected_owner.take().or(it.bucket_owner.clone());
                prefix(bucket, below).named_by.push(it.named_by.clone());
            }
            Place::Logs { group, region, .. } => {
                let aws = region.as_ref().map_or(aws.clone(), |it| aws.in_region(it));
                self.group(group, &aws).named_by.push(it.named_by.clone());
            }
            Place::Folder(_) => {}
        }
    }

    fn bucket(&mut self, name: &str, aws: &AwsContext) -> &mut Bucket {
        let it = Bucket { name: name.into(), account: aws.account.clone(), ..Bucket::default() };
        &mut one(&mut self.buckets, |it| it.0.name == name, (it, aws.clone())).0
    }

    fn group(&mut self, name: &str, aws: &AwsContext) -> &mut LogGroup {
        let (account, region) = (aws.account.clone(), aws.region.clone());
        let it = LogGroup { name: name.into(), account, region, ..LogGroup::default() };
        let same = |(it, _): &(LogGroup, AwsContext)| {
            it.name == name && it.account == aws.account && it.region == aws.region
        };
        &mut one(&mut self.groups, same, (it, aws.clone())).0
    }
}

fn prefix<'a>(bucket: &'a mut Bucket, prefix: &str) -> &'a mut Prefix {
    let it = Prefix { prefix: prefix.into(), ..Prefix::default() };
    one(&mut bucket.prefixes, |it| it.prefix == prefix, it)
}
