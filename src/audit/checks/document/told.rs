//! A Session document as its checks read it, and the commands that change it.

use crate::audit::names::quote;
use crate::audit::preferences::Preferences;
use crate::audit::verdict::Judged;
use crate::audit::view::View;
use crate::settings::Corner;
use crate::settings::Document;
use crate::settings::Reason;
use crate::settings::Unread;

/// A parameter that is filled in by whoever starts a session.
pub(super) fn chosen(name: &str) -> Unread {
    Reason::NotUnderstood.because(format!("{name} is filled in by whoever starts a session"))
}

pub(super) fn read(it: &Document, view: &View<'_>) -> Result<Preferences, Unread> {
    let content = view.take(&it.content)?;
    Preferences::read(content).ok_or_else(|| {
        Reason::NotUnderstood.because(format!("the content of {} is no JSON", it.name))
    })
}

impl Judged {
    /// With the commands that change one document with jq, keeping everything else in it.
    pub(super) fn edited(self, it: &Document, corner: &Corner, filter: &str) -> Self {
        let (region, name) = (quote(&corner.region), quote(&it.name));
        let filter = quote(filter);
        self.fix(format!(
            "aws ssm get-document --region {region} --name {name} --query Content --output text | jq {filter} > document.json && \
             aws ssm update-document --region {region} --name {name} --document-version '$LATEST' --content file://document.json"
        ))
        .fix(format!(
            "aws ssm update-document-default-version --region {region} --name {name} --document-version \
             \"$(aws ssm describe-document --region {region} --name {name} --query Document.LatestVersion --output text)\""
        ))
    }
}
