//! Session documents of a Region as Systems Manager tells them, and the places that they send sessions to.

use aws_sdk_ssm::types::DocumentFormat;

use super::context::AwsContext;
use super::context::own;
use super::context::told;
use super::pages::NextPage;
use crate::audit::preferences::NAME;
use crate::audit::preferences::Preferences;
use crate::config::Place;
use crate::config::partition_of;
use crate::settings::*;

/// Places that the documents of a Region send sessions to.
pub(super) fn named(it: &Corner) -> Vec<(Place, String)> {
    let mut out = Vec::new();
    let own = it.preferences.known().ok().and_then(Option::as_ref);
    let others = it.documents.known().into_iter().flatten();
    for document in own.into_iter().chain(others) {
        let Some(told) = document.content.known().ok().and_then(|it| Preferences::read(it)) else {
            continue;
        };
        if !told.is_shell() {
            continue;
        }
        let from = format!("{} in {} of {}", document.name, it.region, it.account);
        if let Some(bucket) = told.bucket.text() {
            out.push((
                Place::S3 { bucket: bucket.into(), prefix: told.prefix.clone() },
                from.clone(),
            ));
        }
        if let Some(group) = told.group.text() {
            let (account, region) = (Some(it.account.clone()), Some(it.region.clone()));
            out.push((Place::Logs { group: group.into(), account, region }, from));
        }
    }
    out
}

/// A document with its sharing; else the refusal, or that there is none.
pub(super) async fn document(
    aws: &AwsContext,
    client: &aws_sdk_ssm::Client,
    name: &str,
) -> Result<Document, Read<Option<Document>>> {
    let arn = format!(
        "arn:{}:ssm:{}:{}:document/{name}",
        partition_of(&aws.region),
        aws.region,
        aws.account
    );
    let need = aws.need("ssm:GetDocument", &arn);
    let got = client.get_document().name(name).document_format(DocumentFormat::Json).send().await;
    let mut version = String::new();
    let read = aws.read("ssm:GetDocument", &need, got, &["InvalidDocument"], None, |it| {
        version = own(it.document_version());
        Some(own(it.content()))
    });
    let content = match read.outcome {
        Outcome::Is(Some(it)) => Read { asked: read.asked, outcome: Outcome::Is(it) },
        Outcome::Is(None) => return Err(Read { asked: read.asked, outcome: Outcome::Is(None) }),
        Outcome::Unread(it) => {
            return Err(Read { asked: read.asked, outcome: Outcome::Unread(it) });
        }
    };
    let mut it = Document { name: name.into(), version, content, ..Document::default() };
    // Which of its versions is in force counts for the preferences alone: of any other document a session names one.
    if name == NAME {
        let described = aws.need("ssm:DescribeDocument", &arn);
        let got = client.describe_document().name(name).send().await;
        let read = aws.read("ssm:DescribeDocument", &described, got, &[], None, |it| {
            let told = it.document()?;
            Some(Described {
                default_version: told.default_version().map(str::to_owned),
                latest_version: told.latest_version().map(str::to_owned),
                status: told.status().map(|it| it.as_str().to_owned()),
            })
        });
        it.described = told(read, "ssm:DescribeDocument answered without a document");
    }
    let need = aws.need("ssm:DescribeDocumentPermission", &arn);
    it.shared_with = aws
        .paged(
            "ssm:DescribeDocumentPermission",
            &need,
            &[],
            async |token| {
                client
                    .describe_document_permission()
                    .name(name)
                    .permission_type(aws_sdk_ssm::types::DocumentPermissionType::Share)
                    .set_next_token(token)
                    .send()
                    .await
            },
            |it| (it.account_ids().to_vec(), NextPage::at(it.next_token())),
        )
        .await;
    Ok(it)
}
