//! Signatures in minisign's form: a package is signed by its packer's key, and whoever has the public key checks it, with this tool
//! or with minisign itself.

use std::io::Read;
use std::io::Seek;
use std::path::Path;
use std::path::PathBuf;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use minisign::PublicKey;
use minisign::SecretKey;
use minisign::SecretKeyBox;
use minisign::SignatureBox;

use crate::error::Error;
use crate::error::Kind;

/// A key as minisign writes it: the eight bytes as one number.
pub fn key_id(keynum: &[u8]) -> String {
    hex::encode(keynum.iter().rev().copied().collect::<Vec<u8>>()).to_uppercase()
}

/// Longest signature file that is read: minisign's own comments end at 1024 and 8192 bytes (jedisct1/minisign: src/minisign.h).
pub const MOST_SIGNATURE: u64 = 16 << 10;

/// A signature file, if it is one by its shape: two comments, a signature of 74 bytes over the file's hash, one of 64 over the comment.
///
/// # Errors
/// Why it is none.
pub fn signature(text: &str) -> Result<SignatureBox, String> {
    let lines: Vec<&str> = text.lines().collect();
    let [_, signature, _, global] = lines.as_slice() else {
        return Err(format!("it has {} lines, and a signature has four", lines.len()));
    };
    // `minisign::verify` takes these lengths for granted.
    for (line, length) in [(signature, 74), (global, 64)] {
        if BASE64.decode(line).map(|it| it.len()) != Ok(length) {
            return Err(format!("a line of it is no base64 of {length} bytes"));
        }
    }
    let it = SignatureBox::from_string(text).map_err(|it| it.to_string())?;
    match it.is_prehashed() {
        true => Ok(it),
        false => Err("it is of the old form, which minisign no longer writes".into()),
    }
}

/// Why a key cannot sign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyTrouble {
    /// The text cannot be read as a secret key, for this reason.
    NoKey(String),
    /// The key is encrypted, and no password was given.
    NeedsPassword,
    /// The password does not open the key.
    WrongPassword,
}

/// Length of a secret key, and where in it the way of encryption and the checksum stand (jedisct1/minisign: src/minisign.h, SeckeyStruct).
const SECRET_KEY: usize = 158;
const KDF: std::ops::Range<usize> = 2..4;
const CHECKSUM: std::ops::Range<usize> = 126..158;

/// A secret key from minisign's file, which has a password or none.
///
/// # Errors
/// What stands in the way.
pub fn secret_key(text: &str, password: Option<&str>) -> Result<SecretKey, KeyTrouble> {
    let no_key = |why: &str| KeyTrouble::NoKey(why.to_owned());
    let line = text.lines().nth(1).ok_or_else(|| no_key("it has no second line"))?;
    let bytes = BASE64.decode(line.trim()).map_err(|_| no_key("its second line is no base64"))?;
    if bytes.len() != SECRET_KEY {
        return Err(no_key("its second line is no secret key"));
    }
    let whole = |it: minisign::PError| KeyTrouble::NoKey(it.to_string());
    let key = match &bytes[KDF] {
        // `minisign -G -W` leaves the checksum of such a key empty (0.11), where the crate demands one.
        [0, 0] if bytes[CHECKSUM].iter().all(|it| *it == 0) => {
            SecretKey::from_bytes(&bytes).map_err(whole)?
        }
        [0, 0] => {
            SecretKey::from_unencrypted_box(SecretKeyBox::from(text.to_owned())).map_err(whole)?
        }
        _ => {
            let password = password.ok_or(KeyTrouble::NeedsPassword)?.to_owned();
            let sealed = SecretKeyBox::from(text.to_owned());
            SecretKey::from_box(sealed, Some(password)).map_err(|it| match it.kind() {
                minisign::ErrorKind::Verify => KeyTrouble::WrongPassword,
                _ => KeyTrouble::NoKey(it.to_string()),
            })?
        }
    };
    // What it signs must hold by the public key in it.
    let public = PublicKey::from_secret_key(&key).map_err(whole)?;
    let tried = minisign::sign(Some(&public), &key, std::io::empty(), None, None);
    tried.map_err(|_| no_key("its two halves do not belong together"))?;
    Ok(key)
}

/// Signs what a reader gives: the text of a signature file.
///
/// ```
/// use std::io::Cursor;
/// use ssmtrail::evidence::signature::{SignatureState, check, sign, signature};
/// let pair = minisign::KeyPair::generate_unencrypted_keypair().unwrap();
/// let text = sign(&pair.sk, b"a package".as_slice()).unwrap();
/// let signature = signature(&text).unwrap();
/// let holds = check(&signature, Some(&pair.pk), Cursor::new(b"a package"));
/// assert!(matches!(holds, SignatureState::Holds { .. }));
/// let forged = check(&signature, Some(&pair.pk), Cursor::new(b"another"));
/// assert!(matches!(forged, SignatureState::DoesNotHold { .. }));
/// ```
///
/// # Errors
/// A reader that fails.
pub fn sign(secret: &SecretKey, package: impl Read) -> Result<String, Error> {
    let comment = "signed by ssmtrail: evidence of Session Manager sessions";
    minisign::sign(None, secret, package, Some(comment), Some("signature of a ssmtrail package"))
        .map(minisign::SignatureBox::into_string)
        .map_err(|it| Error::new(Kind::Refused, format!("cannot sign the package: {it}")))
}

/// Where the signature of a file is.
pub fn signature_of(path: &Path) -> PathBuf {
    path.with_added_extension("minisig")
}

/// A public key: the text of minisign's file, or the key itself.
///
/// # Errors
/// Why it is none.
pub fn public_key(text: &str) -> Result<PublicKey, minisign::PError> {
    let text = text.trim();
    match text.lines().count() > 1 {
        true => minisign::PublicKeyBox::from_string(text)?.into_public_key(),
        false => PublicKey::from_base64(text),
    }
}

/// What a signature says of a package. Keys are named as [`key_id`] names them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SignatureState {
    /// There was no key to check it by.
    Unchecked {
        /// Id of the key that made it.
        key: String,
    },
    /// It is of another key than the one that was asked for.
    OfAnother {
        /// Id of the key that made it.
        key: String,
        /// Id of the key that was asked for.
        asked: String,
    },
    /// `comment` is what the signer said, which the signature covers.
    Holds {
        /// Id of the key that made it.
        key: String,
        /// What the signer said; empty if nothing.
        comment: String,
    },
    /// It is of the right key, and not of these bytes.
    DoesNotHold {
        /// Id of the key that it names.
        key: String,
        /// Why, in minisign's words.
        why: String,
    },
}

/// Checks a signature of a package by this key.
pub fn check(
    signature: &SignatureBox,
    public: Option<&PublicKey>,
    package: impl Read + Seek,
) -> SignatureState {
    let key = key_id(signature.keynum());
    let Some(public) = public else { return SignatureState::Unchecked { key } };
    if public.keynum() != signature.keynum() {
        return SignatureState::OfAnother { key, asked: key_id(public.keynum()) };
    }
    match minisign::verify(public, signature, package, true, false, false) {
        Ok(()) => {
            let comment = signature.trusted_comment().unwrap_or_default();
            SignatureState::Holds { key, comment }
        }
        Err(it) => SignatureState::DoesNotHold { key, why: it.to_string() },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_has_one_shape() {
        let pair = minisign::KeyPair::generate_unencrypted_keypair().unwrap();
        let sound = minisign::sign(None, &pair.sk, b"x".as_slice(), Some("mine"), None).unwrap();
        let text = sound.to_string();
        assert_eq!(signature(&text).unwrap().keynum(), pair.pk.keynum());
        assert!(signature(&text.replace('\n', "\r\n")).is_ok());
        let lines: Vec<&str> = text.lines().collect();
        let old = BASE64.encode([b"Ed".as_slice(), &[7; 72]].concat());
        for (what, text) in [
            ("nothing", String::new()),
            ("garbage", "garbage\n".into()),
            ("four lines", "a\nb\nc\nd\n".into()),
            ("more", format!("{text}more\n")),
            ("a line less", lines[..3].join("\n")),
            (
                "a short signature",
                text.replace(lines[1], &BASE64.encode([b"ED".as_slice(), &[7; 20]].concat())),
            ),
            (
                "a long signature",
                text.replace(lines[1], &BASE64.encode([b"ED".as_slice(), &[7; 73]].concat())),
            ),
            ("a short one of the comment", text.replace(lines[3], &BASE64.encode([7; 8]))),
            ("the old form", text.replace(lines[1], &old)),
            ("another form", text.replace(lines[1], &BASE64.encode([7; 74]))),
            ("no comment", text.replace("untrusted comment", "comment")),
            ("no trusted comment", text.replace("\ntrusted comment", "\ncomment")),
        ] {
            assert!(signature(&text).is_err(), "{what}");
        }
    }

    #[test]
    fn keys_with_and_without_a_password_sign() {
        let plain = minisign::KeyPair::generate_unencrypted_keypair().unwrap();
        let text = plain.sk.to_box(None).unwrap().into_string();
        assert!(secret_key(&text, None).unwrap() == plain.sk);
        // A password that is not needed does no harm.
        assert!(secret_key(&text, Some("x")).is_ok());
        // As `minisign -G -W` writes it (0.11): all that encryption needs is zero, the checksum too.
        let line = text.lines().nth(1).unwrap();
        let mut bytes = BASE64.decode(line).unwrap();
        bytes[CHECKSUM].fill(0);
        let bare = text.replace(line, &BASE64.encode(&bytes));
        assert!(secret_key(&bare, None).unwrap() == plain.sk);
        let mut wrong = bytes.clone();
        wrong[70] ^= 1;
        let broken = text.replace(line, &BASE64.encode(&wrong));
        let why = secret_key(&broken, None).unwrap_err();
        assert_eq!(why, KeyTrouble::NoKey("its two halves do not belong together".into()));
        let sealed = minisign::KeyPair::generate_encrypted_keypair(Some("open".into())).unwrap();
        let text = sealed.sk.to_box(None).unwrap().into_string();
        assert!(secret_key(&text, Some("open")).is_ok());
        assert_eq!(secret_key(&text, Some("shut")).unwrap_err(), KeyTrouble::WrongPassword);
        assert_eq!(secret_key(&text, None).unwrap_err(), KeyTrouble::NeedsPassword);
        for no_key in ["", "one\n", "one\ntwo\n", "one\nAAAA\n"] {
            assert!(matches!(secret_key(no_key, None), Err(KeyTrouble::NoKey(_))), "{no_key:?}");
        }
    }
}
