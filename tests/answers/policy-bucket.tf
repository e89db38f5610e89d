resource "aws_s3_bucket_policy" "bucket_acme" {
  bucket = "acme"
  policy = jsonencode({
    "Version": "2012-10-17",
    "Statement": [
      {
        "Sid": "DenyInsecureTransport",
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": [
          "arn:aws:s3:::acme",
          "arn:aws:s3:::acme/*"
        ],
        "Condition": {
          "Bool": {
            "aws:SecureTransport": "false"
          }
        }
      },
      {
        "Sid": "WritersPutTranscripts",
        "Effect": "Allow",
        "Action": [
          "s3:PutObject",
          "s3:PutObjectAcl"
        ],
        "Resource": "arn:aws:s3:::acme/prod/*",
        "Principal": "*",
        "Condition": {
          "StringEquals": {
            "aws:PrincipalOrgID": "o-example1"
          }
        }
      },
      {
        "Sid": "WritersProbeEncryption",
        "Effect": "Allow",
        "Action": "s3:GetEncryptionConfiguration",
        "Resource": "arn:aws:s3:::acme",
        "Principal": "*",
        "Condition": {
          "StringEquals": {
            "aws:PrincipalOrgID": "o-example1"
          }
        }
      },
      {
        "Sid": "NodesOnlyWrite",
        "Effect": "Deny",
        "Principal": {
          "AWS": [
            "arn:aws:iam::111122223333:role/node",
            "arn:aws:iam::111122223333:role/service-role/default"
          ]
        },
        "Action": [
          "s3:GetObject",
          "s3:GetObjectVersion",
          "s3:DeleteObject",
          "s3:DeleteObjectVersion",
          "s3:BypassGovernanceRetention"
        ],
        "Resource": "arn:aws:s3:::acme/prod/*"
      }
    ]
  })
}
