//! How AWS is reached, each setting with where it was said.

use std::fmt;

/// Where a setting was said. Later ones are stronger.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// Line of the file, from 1.
    File {
        /// The file as messages show it.
        name: String,
        /// Line in it, from 1.
        line: usize,
    },
    /// Name of the variable.
    Environment(&'static str),
    /// The command line.
    Argument,
}

impl fmt::Display for Origin {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { name, line } => write!(out, "{name} line {line}"),
            Self::Environment(name) => write!(out, "{name}"),
            Self::Argument => out.write_str("the command line"),
        }
    }
}

/// A text and where it was said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// The setting, as text.
    pub value: String,
    /// Where it was said.
    pub from: Origin,
}

/// How AWS is reached. What is not said is left to the SDK's own chain: environment, profiles, single sign-on, roles of
/// instances and containers ("AWS SDKs and Tools: standardized credential providers").
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Access {
    /// AWS profile, as the shared config and credentials files name it.
    pub profile: Option<Told>,
    /// Region to ask in.
    pub region: Option<Told>,
    /// ARN of the IAM role to assume first.
    pub role_arn: Option<Told>,
    /// External id that AssumeRole is called with.
    pub external_id: Option<Told>,
    /// URL that is asked in place of the service's own endpoint.
    pub endpoint_url: Option<Told>,
}

impl Access {
    /// The settings by name, as the file writes it.
    pub fn each(&self) -> [(&'static str, &Option<Told>); 5] {
        [
            ("profile", &self.profile),
            ("region", &self.region),
            ("role_arn", &self.role_arn),
            ("external_id", &self.external_id),
            ("endpoint_url", &self.endpoint_url),
        ]
    }

    /// Whether both lead the same way, whoever said so.
    pub(crate) fn reaches_like(&self, other: &Self) -> bool {
        let values = |it: &Self| it.each().map(|it| it.1.as_ref().map(|it| it.value.clone()));
        values(self) == values(other)
    }

    /// What is said here, and where nothing is, there.
    #[must_use]
    pub fn or(&self, there: &Self) -> Self {
        let pick = |one: &Option<Told>, other: &Option<Told>| one.clone().or_else(|| other.clone());
        // An external id belongs to its role.
        let external_id = match (&self.role_arn, &self.external_id) {
            (Some(_), it) | (None, it @ Some(_)) => it.clone(),
            (None, None) => there.external_id.clone(),
        };
        Self {
            profile: pick(&self.profile, &there.profile),
            region: pick(&self.region, &there.region),
            role_arn: pick(&self.role_arn, &there.role_arn),
            external_id,
            endpoint_url: pick(&self.endpoint_url, &there.endpoint_url),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_external_id_never_goes_with_another_role() {
        let told = |value: &str| Some(Told { value: value.into(), from: Origin::Argument });
        let file = Access { role_arn: told("a"), external_id: told("x"), ..Access::default() };
        let arguments = Access { role_arn: told("b"), ..Access::default() };
        let both = arguments.or(&file);
        assert_eq!((both.role_arn, both.external_id), (told("b"), None));
        assert_eq!(Access::default().or(&file), file);
    }
}
