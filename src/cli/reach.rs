//! How to reach AWS, as arguments that several commands share.

use clap::Args;

use super::setup::Setup;
use crate::config::Access;
use crate::config::Origin;
use crate::config::SourceSpec;
use crate::config::Told;
use crate::error::Error;
use crate::error::Result;

#[derive(Args, Debug, Clone, Default)]
#[command(next_help_heading = "How to reach AWS")]
pub(super) struct Reach {
    /// Profile of the AWS configuration files
    #[arg(long, value_name = "NAME")]
    profile: Option<String>,
    /// Region, as eu-west-1
    #[arg(long, value_name = "REGION")]
    region: Vec<String>,
    /// Role to assume for reading
    #[arg(long, value_name = "ARN")]
    pub(super) role_arn: Vec<String>,
    /// External id that the role's trust policy asks for
    #[arg(long, value_name = "ID")]
    external_id: Option<String>,
    /// Another endpoint than Amazon's: an emulator, a compatible store, a private endpoint
    #[arg(long, value_name = "URL")]
    endpoint_url: Option<String>,
}

impl Reach {
    /// The Regions to look into; none are all.
    pub(super) fn regions(&self) -> Vec<String> {
        let all = self.region.iter().any(|it| it == "all");
        if all { Vec::new() } else { self.region.clone() }
    }

    /// What the arguments say, of a list the first.
    pub(super) fn general(&self) -> Access {
        let region = self.region.first().map(String::as_str);
        self.said(region, self.role_arn.first().map(String::as_str))
    }

    /// The ways that the arguments name: by each role, or by none.
    pub(super) fn ways(&self) -> Vec<Access> {
        let regions = self.regions();
        let region = regions.first().map(String::as_str);
        let roles = self.role_arn.iter().map(|it| self.said(region, Some(it)));
        match self.role_arn.is_empty() {
            true => vec![self.said(region, None)],
            false => roles.collect(),
        }
    }

    /// What the arguments say of one Region and role.
    fn said(&self, region: Option<&str>, role_arn: Option<&str>) -> Access {
        let told = |value: Option<&str>| {
            value.map(|it| Told { value: it.to_owned(), from: Origin::Argument })
        };
        Access {
            profile: told(self.profile.as_deref()),
            region: told(region),
            role_arn: told(role_arn),
            external_id: told(self.external_id.as_deref()),
            endpoint_url: told(self.endpoint_url.as_deref()),
        }
    }

    /// How a source is reached: arguments first, then its own settings, then the environment, then the file's.
    pub(super) fn access(&self, setup: &Setup<'_>, spec: &SourceSpec) -> Result<Access> {
        let one = |what: &str, given: &[String]| match given {
            [] => Ok(None),
            [it] => Ok(Some(it.clone())),
            _ => Err(Error::misused(format!("{what} is given twice, and a source has one"))
                .hint("give each source its own in ssmtrail.toml; `ssmtrail init` takes many")),
        };
        let region = one("--region", &self.region)?;
        if region.as_deref() == Some("all") {
            return Err(Error::misused("a source lies in one Region")
                .hint("`ssmtrail init --region all` finds the sources of every Region"));
        }
        let role = one("--role-arn", &self.role_arn)?;
        let said = self.said(region.as_deref(), role.as_deref());
        Ok(said.or(&spec.access).or(&setup.access()?))
    }
}
