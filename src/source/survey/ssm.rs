//! What Systems Manager tells of a Region: its Session documents, its nodes, and the role that nodes without one get.

use aws_sdk_ssm::Client;
use aws_sdk_ssm::operation::list_documents::builders::ListDocumentsFluentBuilder;
use aws_sdk_ssm::types::DocumentFormat;
use aws_sdk_ssm::types::DocumentKeyValuesFilter;
use aws_sdk_ssm::types::DocumentPermissionType;

use super::context::AwsContext;
use super::context::own;
use super::context::told;
use super::pages::NextPage;
use super::pages::listed;
use crate::audit::preferences::NAME;
use crate::settings::*;

/// The document that a session uses unless its starter names another; `None` if there is none.
pub(super) async fn preferences(aws: &AwsContext) -> Read<Option<Document>> {
    match document(aws, &aws.connection.ssm(), NAME).await {
        Ok(it) => Read { asked: it.content.asked.clone(), outcome: Outcome::Is(Some(it)) },
        Err(content) => content.and_then(|_| Ok(None)),
    }
}

/// The Session documents of the account.
pub(crate) fn session_documents(client: &aws_sdk_ssm::Client) -> ListDocumentsFluentBuilder {
    let filter =
        |key: &str, value: &str| DocumentKeyValuesFilter::builder().key(key).values(value).build();
    client
        .list_documents()
        .filters(filter("Owner", "Self"))
        .filters(filter("DocumentType", "Session"))
}

/// All other Session documents of the account.
pub(super) async fn documents(aws: &AwsContext) -> Read<Vec<Document>> {
    let client = aws.connection.ssm();
    let call = aws.call("ssm:ListDocuments", "*");
    let listed =
        listed!(call, session_documents(&client), document_identifiers, |it| own(it.name()));
    let mut out = Vec::new();
    for name in listed.known().into_iter().flatten().filter(|it| *it != NAME) {
        let it = document(aws, &client, name).await.unwrap_or_else(|content| {
            // It was listed, so that it exists: its content is what is not known.
            let content = content
                .and_then(|_| Err(Reason::NotThere.because("it was deleted after it was listed")));
            Document { name: name.clone(), content, ..Document::default() }
        });
        out.push(it);
    }
    listed.and_then(|_| Ok(out))
}

/// A document with its sharing.
///
/// # Errors
/// The refusal of its content, or that there is no such document.
async fn document(
    aws: &AwsContext,
    client: &Client,
    name: &str,
) -> Result<Document, Read<Option<String>>> {
    let arn = aws.home().document(name);
    let got = client.get_document().name(name).document_format(DocumentFormat::Json).send().await;
    let mut version = String::new();
    let content = aws.call("ssm:GetDocument", &arn).absent(&["InvalidDocument"]).read(got, |it| {
        version = own(it.document_version());
        Some(own(it.content()))
    });
    if !matches!(content.outcome, Outcome::Is(Some(_))) {
        return Err(content);
    }
    let content = content.and_then(|it| Ok(it.unwrap_or_default()));
    let mut it = Document { name: name.into(), version, content, ..Document::default() };
    // Which of its versions is in force counts for the preferences alone: of any other document a session names one.
    if name == NAME {
        let got = client.describe_document().name(name).send().await;
        let read = aws.call("ssm:DescribeDocument", &arn).read(got, |it| {
            let told = it.document()?;
            Some(Described {
                default_version: told.default_version().map(str::to_owned),
                latest_version: told.latest_version().map(str::to_owned),
                status: told.status().map(|it| it.as_str().to_owned()),
            })
        });
        it.described = told(read, "ssm:DescribeDocument answered without a document");
    }
    it.shared_with = listed!(
        aws.call("ssm:DescribeDocumentPermission", &arn),
        client
            .describe_document_permission()
            .name(name)
            .permission_type(DocumentPermissionType::Share),
        account_ids,
        String::clone
    );
    Ok(it)
}

/// The managed nodes.
pub(super) async fn nodes(aws: &AwsContext) -> Read<Vec<Node>> {
    let client = aws.connection.ssm();
    listed!(
        aws.call("ssm:DescribeInstanceInformation", "*"),
        client.describe_instance_information(),
        instance_information_list,
        |it| Node {
            id: own(it.instance_id()),
            ping: own(it.ping_status()),
            platform: own(it.platform_type()),
            agent_version: own(it.agent_version()),
            role: it.iam_role().map(str::to_owned),
        }
    )
}

/// Role of the Default Host Management Configuration; `None` if that is off.
pub(super) async fn default_role(aws: &AwsContext) -> Read<Option<String>> {
    let id = "/ssm/managed-instance/default-ec2-instance-management-role";
    let got = aws.connection.ssm().get_service_setting().setting_id(id).send().await;
    aws.call("ssm:GetServiceSetting", aws.home().arn("ssm", &format!("servicesetting{id}")))
        .absent(&["ServiceSettingNotFound"])
        .read(got, |it| {
            let value = it.service_setting().and_then(|it| it.setting_value()).unwrap_or_default();
            Some(value.to_owned()).filter(|it| !it.is_empty() && it != "$None")
        })
}
