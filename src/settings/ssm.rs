//! Session documents and managed nodes, by Systems Manager.

use serde::Deserialize;
use serde::Serialize;

use super::read::Read;
use super::read::Reason;
use super::read::Unread;

/// A Session document.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Document {
    /// Name of the document, as `SSM-SessionManagerRunShell`.
    pub name: String,
    /// The version that a session would use.
    pub version: String,
    /// Which versions there are, and its status.
    pub described: Read<Described>,
    /// The same in surveys that did not yet tell how they knew it.
    #[serde(flatten)]
    pub old: Described,
    /// As AWS gave it: JSON.
    pub content: Read<String>,
    /// Accounts it is shared with; `all` is everybody.
    pub shared_with: Read<Vec<String>>,
}

/// Which versions of a document there are. Source: "DescribeDocument" (AWS Systems Manager API Reference).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Described {
    /// `DefaultVersion`, a number as a text; `None` where Systems Manager does not say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default_version: Option<String>,
    /// `LatestVersion`, a number as a text; `None` where Systems Manager does not say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub latest_version: Option<String>,
    /// `Creating`, `Active`, `Updating`, `Deleting`, `Failed`; `None` where Systems Manager does not say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
}

impl Document {
    /// Which versions there are, as far as it is known.
    ///
    /// # Errors
    /// When DescribeDocument was refused or not asked, and the survey has no older word of it.
    pub fn described(&self) -> Result<&Described, Unread> {
        match self.described.known() {
            Err(it) if it.reason == Reason::NotAsked && self.old.latest_version.is_some() => {
                Ok(&self.old)
            }
            it => it,
        }
    }
}

/// A managed node, as Systems Manager knows it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Node {
    /// `i-…` of an EC2 instance, `mi-…` of any other machine.
    pub id: String,
    /// `Online`, `ConnectionLost`, `Inactive`.
    pub ping: String,
    /// Platform type: `Linux`, `Windows`, `MacOS`.
    pub platform: String,
    /// Version of amazon-ssm-agent, as `3.3.987.0`; empty if it is not known.
    pub agent_version: String,
    /// Role of a hybrid node, or of the Default Host Management Configuration.
    pub role: Option<String>,
}

impl Node {
    /// The agent's version, part by part; empty if it is not known.
    pub fn version(&self) -> Vec<u64> {
        let parts = self.agent_version.split('.').map(str::parse);
        parts.collect::<Result<_, _>>().unwrap_or_default()
    }
}
