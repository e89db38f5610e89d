//! The everyday disasters, from the settings that cause them to the words that mend them: roles by IAM's simulator in the
//! emulator, the network by answers in EC2's published form, which that emulator does not have (`moto.rs` asks a real one).

use expect_test::expect;
use serde_json::Value;
use serde_json::json;

use crate::judging::set;
use crate::judging::sound;
use crate::peer::Aws;
use crate::peer::REGION;
use crate::peer::query;
use crate::world::Said;
use crate::world::World;

const NODE: &str = "i-0123456789abcdef0";

/// Amazon EC2 API Reference, "DescribeInstances" and its neighbours: one instance in a public subnet, without a public address,
/// and no endpoint.
fn network(aws: &Aws, account: &str) {
    let instance = format!(
        "<DescribeInstancesResponse><reservationSet><item><instancesSet><item><instanceId>{NODE}</instanceId><instanceState><name>running</name></instanceState>\
         <vpcId>vpc-1</vpcId><subnetId>subnet-1</subnetId><privateIpAddress>10.0.0.5</privateIpAddress><iamInstanceProfile><arn>arn:aws:iam::{account}:instance-profile/node</arn></iamInstanceProfile>\
         <networkInterfaceSet><item><groupSet><item><groupId>sg-1</groupId></item></groupSet></item></networkInterfaceSet></item></instancesSet></item></reservationSet></DescribeInstancesResponse>"
    );
    let routes = "<R><routeTableSet><item><routeTableId>rtb-1</routeTableId><vpcId>vpc-1</vpcId><associationSet><item><main>true</main></item></associationSet>\
                  <routeSet><item><destinationCidrBlock>0.0.0.0/0</destinationCidrBlock><gatewayId>igw-1</gatewayId><state>active</state></item></routeSet></item></routeTableSet></R>";
    let dns = "<R><vpcId>vpc-1</vpcId><enableDnsSupport><value>true</value></enableDnsSupport><enableDnsHostnames><value>true</value></enableDnsHostnames></R>";
    for (action, xml) in [
        ("DescribeInstances", instance.as_str()),
        ("DescribeRouteTables", routes),
        ("DescribeVpcEndpoints", "<R><vpcEndpointSet/></R>"),
        ("DescribeSecurityGroups", "<R><securityGroupInfo/></R>"),
        ("DescribeNetworkAcls", "<R><networkAclSet/></R>"),
        ("DescribeVpcAttribute", dns),
    ] {
        aws.canned_whole_for(action, json!(xml));
    }
}

/// A node whose role may keep it connected and put events, and nothing else; preferences that refuse what is not encrypted.
pub(crate) fn disaster(account: &str) -> Aws {
    let aws = Aws::new().in_account(account);
    let bucket = aws.bucket("acme-session-logs", &[]);
    let inputs = json!({
        "s3BucketName": bucket, "s3KeyPrefix": "prod", "s3EncryptionEnabled": true,
        "cloudWatchLogGroupName": aws.group("/ssm"), "cloudWatchEncryptionEnabled": true, "cloudWatchStreamingEnabled": true,
    });
    aws.document(REGION, "SSM-SessionManagerRunShell", inputs);
    aws.role("node", None);
    let policy = json!({ "Version": "2012-10-17", "Statement": [
        { "Effect": "Allow", "Action": ["ssm:UpdateInstanceInformation", "ssmmessages:*"], "Resource": "*" },
        { "Effect": "Allow", "Action": "logs:PutLogEvents", "Resource": "*" },
        { "Effect": "Allow", "Action": "s3:*", "Resource": "arn:aws:s3:::acme-*/*" },
    ] });
    let policy = policy.to_string();
    for words in [
        &[
            ("Action", "PutRolePolicy"),
            ("RoleName", "node"),
            ("PolicyName", "p"),
            ("PolicyDocument", &policy),
        ][..],
        &[("Action", "CreateInstanceProfile"), ("InstanceProfileName", "node")],
        &[
            ("Action", "AddRoleToInstanceProfile"),
            ("InstanceProfileName", "node"),
            ("RoleName", "node"),
        ],
    ] {
        let mut words = words.to_vec();
        words.push(("Version", "2010-05-08"));
        let answer = query(&aws, REGION, "iam", &words);
        assert!(answer.contains("200 OK"), "{answer}");
    }
    // AWS Systems Manager API Reference: DescribeInstanceInformation.
    let node = json!({ "InstanceId": NODE, "PingStatus": "ConnectionLost", "PlatformType": "Linux", "AgentVersion": "3.3.40.0" });
    aws.canned(
        "AmazonSSM.DescribeInstanceInformation",
        REGION,
        "InstanceInformationList",
        json!([node]),
    );
    network(&aws, account);
    aws
}

fn steady(said: &Said) -> Said {
    let time = regex::Regex::new(r"\d{4}-\d\d-\d\dT[\d:.]+Z").expect("a pattern");
    Said(time.replace_all(&said.0, "TIME").into_owned())
}

#[test]
fn a_node_that_refuses_logs_nothing_and_is_barely_there_is_explained() {
    let aws = disaster("430000000001");
    steady(&aws.run(&format!("doctor {NODE} --region us-east-1"))).is(expect![[r#"
        i-0123456789abcdef0
          !!  sessions refuse to start: 4 causes
              PREF-ENF-02 Session Manager in us-east-1 of 430000000001: sessions are refused
                - cloudWatchEncryptionEnabled is on, and the log group /ssm has no KMS key; whoever starts one reads "encryption is not set up on the selected CloudWatch Logs log group"
                by logs:DescribeLogGroups at TIME, s3:GetBucketEncryption at TIME, s3:HeadBucket at TIME, ssm:GetDocument at TIME
                $ aws logs associate-kms-key --region us-east-1 --log-group-name /ssm --kms-key-id KEY-ARN
              IAM-ROLE-03 role arn:aws:iam::430000000001:role/node: it lacks s3:GetEncryptionConfiguration on arn:aws:s3:::acme-session-logs
                - the encryption flag is on, so that every session is refused; whoever starts one reads "unable to validate encryption on Amazon S3 bucket" (older agents: "encryption is not set up")
                by iam:SimulatePrincipalPolicy at TIME, s3:GetBucketEncryption at TIME, s3:GetBucketPolicy at TIME, s3:HeadBucket at TIME, ssm:DescribeInstanceInformation at TIME, ssm:GetDocument at TIME, ssm:ListDocuments at TIME
                $ ssmtrail policy writer > writer.json && aws iam put-role-policy --role-name node --policy-name session-transcripts --policy-document file://writer.json
              IAM-ROLE-04 role arn:aws:iam::430000000001:role/node: it lacks 2 permissions
                - logs:DescribeLogGroups on arn:aws:logs:us-east-1:430000000001:log-group::log-stream:
                - logs:CreateLogStream on arn:aws:logs:us-east-1:430000000001:log-group:/ssm:log-stream:someone-0123456789abcdef0
                - the encryption flag is on, so that every session is refused; whoever starts one reads "encryption is not set up on the selected CloudWatch Logs log group"
                by iam:SimulatePrincipalPolicy at TIME, ssm:GetDocument at TIME, ssm:ListDocuments at TIME
                $ ssmtrail policy writer > writer.json && aws iam put-role-policy --role-name node --policy-name session-transcripts --policy-document file://writer.json
              NET-04 node i-0123456789abcdef0 in us-east-1 of 430000000001: logs: its default route leads to igw-1, and it has no public address
                by ec2:DescribeInstances at TIME, ec2:DescribeRouteTables at TIME, ec2:DescribeVpcEndpoints at TIME, ssm:DescribeInstanceInformation at TIME, ssm:GetDocument at TIME
                $ aws ec2 create-vpc-endpoint --region us-east-1 --vpc-id vpc-1 --vpc-endpoint-type Interface --service-name com.amazonaws.us-east-1.logs --subnet-ids subnet-1 --security-group-ids GROUP-THAT-ADMITS-443 --private-dns-enabled
          !!  sessions work, and nothing is logged: 4 causes
              IAM-ROLE-03 role arn:aws:iam::430000000001:role/node: it lacks s3:GetEncryptionConfiguration on arn:aws:s3:::acme-session-logs
                - the encryption flag is on, so that every session is refused; whoever starts one reads "unable to validate encryption on Amazon S3 bucket" (older agents: "encryption is not set up")
                by iam:SimulatePrincipalPolicy at TIME, s3:GetBucketEncryption at TIME, s3:GetBucketPolicy at TIME, s3:HeadBucket at TIME, ssm:DescribeInstanceInformation at TIME, ssm:GetDocument at TIME, ssm:ListDocuments at TIME
                $ ssmtrail policy writer > writer.json && aws iam put-role-policy --role-name node --policy-name session-transcripts --policy-document file://writer.json
              IAM-ROLE-04 role arn:aws:iam::430000000001:role/node: it lacks 2 permissions
                - logs:DescribeLogGroups on arn:aws:logs:us-east-1:430000000001:log-group::log-stream:
                - logs:CreateLogStream on arn:aws:logs:us-east-1:430000000001:log-group:/ssm:log-stream:someone-0123456789abcdef0
                - the encryption flag is on, so that every session is refused; whoever starts one reads "encryption is not set up on the selected CloudWatch Logs log group"
                by iam:SimulatePrincipalPolicy at TIME, ssm:GetDocument at TIME, ssm:ListDocuments at TIME
                $ ssmtrail policy writer > writer.json && aws iam put-role-policy --role-name node --policy-name session-transcripts --policy-document file://writer.json
              NET-03 node i-0123456789abcdef0 in us-east-1 of 430000000001: s3: its default route leads to igw-1, and it has no public address
                by ec2:DescribeInstances at TIME, ec2:DescribeRouteTables at TIME, ec2:DescribeVpcEndpoints at TIME, ssm:DescribeInstanceInformation at TIME, ssm:GetDocument at TIME
                $ aws ec2 create-vpc-endpoint --region us-east-1 --vpc-id vpc-1 --vpc-endpoint-type Gateway --service-name com.amazonaws.us-east-1.s3 --route-table-ids rtb-1
              NET-04 node i-0123456789abcdef0 in us-east-1 of 430000000001: logs: its default route leads to igw-1, and it has no public address
                by ec2:DescribeInstances at TIME, ec2:DescribeRouteTables at TIME, ec2:DescribeVpcEndpoints at TIME, ssm:DescribeInstanceInformation at TIME, ssm:GetDocument at TIME
                $ aws ec2 create-vpc-endpoint --region us-east-1 --vpc-id vpc-1 --vpc-endpoint-type Interface --service-name com.amazonaws.us-east-1.logs --subnet-ids subnet-1 --security-group-ids GROUP-THAT-ADMITS-443 --private-dns-enabled
          !!  the instance does not appear: 2 causes
              NET-01 node i-0123456789abcdef0 in us-east-1 of 430000000001: ssm: its default route leads to igw-1, and it has no public address; ssmmessages: its default route leads to igw-1, and it has no public address
                by ec2:DescribeInstances at TIME, ec2:DescribeRouteTables at TIME, ec2:DescribeVpcEndpoints at TIME, ssm:DescribeInstanceInformation at TIME
                $ aws ec2 create-vpc-endpoint --region us-east-1 --vpc-id vpc-1 --vpc-endpoint-type Interface --service-name com.amazonaws.us-east-1.ssm --subnet-ids subnet-1 --security-group-ids GROUP-THAT-ADMITS-443 --private-dns-enabled
                $ aws ec2 create-vpc-endpoint --region us-east-1 --vpc-id vpc-1 --vpc-endpoint-type Interface --service-name com.amazonaws.us-east-1.ssmmessages --subnet-ids subnet-1 --security-group-ids GROUP-THAT-ADMITS-443 --private-dns-enabled
              NET-02 node i-0123456789abcdef0 in us-east-1 of 430000000001: its subnet is public, and it has no public address
                by ec2:DescribeInstances at TIME, ec2:DescribeRouteTables at TIME, ec2:DescribeVpcEndpoints at TIME, ssm:DescribeInstanceInformation at TIME
                $ aws ec2 create-vpc-endpoint --region us-east-1 --vpc-id vpc-1 --vpc-endpoint-type Interface --service-name com.amazonaws.us-east-1.ssm --subnet-ids subnet-1 --security-group-ids GROUP-THAT-ADMITS-443 --private-dns-enabled
                $ aws ec2 create-vpc-endpoint --region us-east-1 --vpc-id vpc-1 --vpc-endpoint-type Interface --service-name com.amazonaws.us-east-1.ssmmessages --subnet-ids subnet-1 --security-group-ids GROUP-THAT-ADMITS-443 --private-dns-enabled
        [exit 1]
    "#]]);
}

#[test]
fn an_answer_of_another_form_is_no_network_without_instances() {
    let aws = disaster("430000000003");
    aws.canned_whole_for("DescribeInstances", json!("<html><body>log in</body></html>"));
    let said = aws.run("verify --region us-east-1 --check NET-01").0;
    assert!(said.contains("ec2:DescribeInstances answered without reservationSet"), "{said}");
    assert!(said.contains("0 fail, 1 unknown, 0 pass"), "{said}");
}

#[test]
fn a_node_that_nobody_knows_is_no_node_without_trouble() {
    let aws = disaster("430000000002");
    aws.run("doctor i-0fedcba9876543210 --region us-east-1").is(expect![[r#"
        ! ssmtrail: neither EC2 nor Systems Manager knows i-0fedcba9876543210 in us-east-1
        ! hint: check its id, the account (--profile, --role-arn) and the Region (--region)
        [exit 2]
    "#]]);
}

fn survey(change: impl Fn(&mut Value)) -> World {
    let world = World::new();
    let mut it = sound();
    change(&mut it);
    world.file("survey.json", it.to_string().as_bytes());
    world
}

#[test]
fn all_is_well_where_all_is_well() {
    survey(|_| {}).run("doctor --survey survey.json").is(expect![[r#"
        all nodes
          ok  sessions refuse to start: no cause found; 11 checks speak against it
          ok  sessions work, and nothing is logged: no cause found; 21 checks speak against it
          ok  the instance does not appear: no cause found; 10 checks speak against it
    "#]]);
}

#[test]
fn what_could_not_be_read_is_no_all_clear() {
    let world = survey(|it| {
        let refused = json!({ "reason": "access_denied", "why": "access denied: ec2:DescribeRouteTables is missing", "missing": "ec2:DescribeRouteTables" });
        let tables = it
            .pointer_mut("/corners/0/network/route_tables")
            .and_then(Value::as_object_mut)
            .expect("it");
        tables.remove("is");
        tables.insert("unread".into(), refused);
        set(it, "/corners/0/network/endpoints/is/4/route_tables", json!([]));
    });
    world.run("doctor --survey survey.json").is(expect![[r#"
        all nodes
          ok  sessions refuse to start: no cause found; 11 checks speak against it
          ??  sessions work, and nothing is logged: no cause found, and not everything could be read
              unknown NET-03: access denied: ec2:DescribeRouteTables is missing
              unknown NET-03: access denied: ec2:DescribeRouteTables is missing
          ??  the instance does not appear: no cause found, and not everything could be read
              unknown NET-02: access denied: ec2:DescribeRouteTables is missing
              unknown NET-02: access denied: ec2:DescribeRouteTables is missing
        [exit 3]
    "#]]);
    let said = world.run("doctor --survey survey.json --format json").0;
    let (json, _) = said.rsplit_once('[').expect("an exit code");
    let told: Value = serde_json::from_str(json).expect("JSON");
    assert_eq!(told["sessions"][0]["symptoms"][2]["symptom"], "absent");
    assert_eq!(told["sessions"][0]["symptoms"][2]["causes"], json!([]));
}
