//! Whether the bytes that came are those that were stored: what S3 promised of the whole, hashed while it is read.
//!
//! A checksum of the whole goes before the ETag, which is an MD5 for plain objects alone. A checksum of checksums of parts
//! cannot be proved from the bytes, so that it is neither compared nor written down.

use aws_sdk_s3::operation::get_object::GetObjectOutput;
use aws_sdk_s3::types::ChecksumType;
use aws_sdk_s3::types::ServerSideEncryption;
use aws_smithy_checksums::ChecksumAlgorithm;
use aws_smithy_checksums::http::HttpChecksum;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use md5::Digest;
use md5::Md5;

/// The promise and the hash of what came so far.
pub(super) enum ChecksumProof {
    Checksum {
        hasher: Box<dyn HttpChecksum>,
        value: Vec<u8>,
        /// As it is recorded: `crc64nvme:…`.
        text: String,
    },
    Md5 {
        hasher: Md5,
        value: Vec<u8>,
    },
    /// Nothing was promised but length and ETag.
    None,
}

impl ChecksumProof {
    /// What an answer that brings the whole object promises of it.
    pub(super) fn of(it: &GetObjectOutput, bucket: &str) -> Self {
        let of_parts = it.checksum_type() == Some(&ChecksumType::Composite);
        let sums = [
            ("crc64nvme", it.checksum_crc64_nvme()),
            ("sha256", it.checksum_sha256()),
            ("crc32c", it.checksum_crc32_c()),
            ("crc32", it.checksum_crc32()),
            ("sha1", it.checksum_sha1()),
        ];
        for (name, value) in sums {
            // "-3": of a multipart upload's parts ("Checking object integrity", Amazon S3 User Guide).
            let Some(text) = value.filter(|it| !of_parts && !it.contains('-')) else { continue };
            if let (Ok(value), Ok(algorithm)) =
                (STANDARD.decode(text), name.parse::<ChecksumAlgorithm>())
            {
                let hasher = algorithm.into_impl();
                return Self::Checksum { hasher, value, text: format!("{name}:{text}") };
            }
        }
        match md5_of(it, bucket) {
            Some(value) => Self::Md5 { hasher: Md5::new(), value },
            None => Self::None,
        }
    }

    pub(super) fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Checksum { hasher, .. } => hasher.update(bytes),
            Self::Md5 { hasher, .. } => hasher.update(bytes),
            Self::None => {}
        }
    }

    /// The checksum that is proved now, where there was one.
    ///
    /// # Errors
    /// What the bytes are not.
    pub(super) fn settle(self) -> Result<Option<String>, &'static str> {
        match self {
            Self::Checksum { hasher, value, text } => match hasher.finalize() == value {
                true => Ok(Some(text)),
                false => Err(CHECKSUM),
            },
            Self::Md5 { hasher, value } => match hasher.finalize().as_slice() == value {
                true => Ok(None),
                false => Err("its bytes do not have the MD5 that its ETag is"),
            },
            Self::None => Ok(None),
        }
    }
}

pub(super) const CHECKSUM: &str = "its bytes do not have the checksum they were stored with";

/// The MD5 that an ETag is: of objects that were put whole, and that are plain or encrypted by S3's own keys. Source: "Object",
/// `ETag` (Amazon S3 API Reference). Directory buckets, whose names end with `--x-s3`, have other ETags.
fn md5_of(it: &GetObjectOutput, bucket: &str) -> Option<Vec<u8>> {
    let digest = hex::decode(it.e_tag()?.trim_matches('"')).ok().filter(|it| it.len() == 16)?;
    let plain = matches!(it.server_side_encryption(), None | Some(ServerSideEncryption::Aes256))
        && it.sse_customer_algorithm().is_none();
    (plain && !bucket.ends_with("--x-s3")).then_some(digest)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// "hello", by each algorithm.
    const MD5: &str = "5d41402abc4b2a76b9719d911017c592";

    fn outcome(it: &GetObjectOutput, bytes: &[u8]) -> Result<Option<String>, &'static str> {
        let mut proof = ChecksumProof::of(it, "acme");
        for chunk in bytes.chunks(2) {
            proof.update(chunk);
        }
        proof.settle()
    }

    #[test]
    fn each_algorithm_proves_the_whole_and_nothing_else() {
        let answer = || GetObjectOutput::builder().e_tag("\"x\"");
        let answers = [
            answer().checksum_crc32("NhCmhg==").build(),
            answer().checksum_crc32_c("mnG7TA==").build(),
            answer().checksum_sha1("qvTGHdzF6KLavt4PO0gs2a6pQ00=").build(),
            answer().checksum_sha256("LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=").build(),
            answer().checksum_crc64_nvme("M3eFcAZSQlc=").build(),
        ];
        for it in &answers {
            let proved = outcome(it, b"hello").unwrap_or_else(|_| panic!("{it:?}"));
            assert!(proved.is_some(), "{it:?}");
            assert_eq!(outcome(it, b"hellO"), Err(CHECKSUM));
            assert_eq!(outcome(it, b"hell"), Err(CHECKSUM));
        }
    }

    #[test]
    fn a_checksum_of_parts_is_neither_compared_nor_recorded() {
        let parts = GetObjectOutput::builder()
            .e_tag("\"5d41402abc4b2a76b9719d911017c592-3\"")
            .checksum_crc32("NhCmhg==-3")
            .build();
        assert_eq!(outcome(&parts, b"anything"), Ok(None));
        let parts = GetObjectOutput::builder()
            .checksum_crc32("AAAAAA==")
            .checksum_type(ChecksumType::Composite)
            .build();
        assert_eq!(outcome(&parts, b"anything"), Ok(None));
    }

    #[test]
    fn an_etag_is_an_md5_only_where_the_bytes_are_plain_and_were_put_whole() {
        let answer = || GetObjectOutput::builder().e_tag(format!("\"{MD5}\""));
        assert_eq!(outcome(&answer().build(), b"hello"), Ok(None));
        assert!(outcome(&answer().build(), b"hellO").is_err());
        let own = answer().server_side_encryption(ServerSideEncryption::Aes256).build();
        assert!(outcome(&own, b"hellO").is_err());
        let kms = answer().server_side_encryption(ServerSideEncryption::AwsKms).build();
        assert_eq!(outcome(&kms, b"hellO"), Ok(None));
        assert!(matches!(
            ChecksumProof::of(&answer().build(), "acme--use1-az4--x-s3"),
            ChecksumProof::None
        ));
    }
}
