//! Signatures of components: minisign (Ed25519 over BLAKE2b), beside a file as
//! `FILE.minisig`, as minisign itself writes and reads it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use std::fmt;
use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// A public key.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Key(String);

/// Why a text is no public key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no public key of minisign; it is the second line of a .pub file, such as RWQ…")]
pub struct KeyError(String);

impl FromStr for Key {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        match minisign_verify::PublicKey::from_base64(text) {
            Ok(_) => Ok(Self(text.to_owned())),
            Err(_) => Err(KeyError(text.to_owned())),
        }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({})", self.0)
    }
}

impl Key {
    /// The number that minisign shows for it, hexadecimal.
    pub fn number(&self) -> String {
        number(&self.0).unwrap_or_default()
    }

    fn verify(&self, bytes: &[u8], signature: &minisign_verify::Signature) -> bool {
        let key = minisign_verify::PublicKey::from_base64(&self.0);
        key.is_ok_and(|key| key.verify(bytes, signature, false).is_ok())
    }
}

/// The number of the key in the base64 of a public key or a signature: after two
/// bytes that say which algorithm it is, eight bytes, least significant first.
fn number(base64: &str) -> Option<String> {
    let bytes = STANDARD.decode(base64).ok()?;
    let number: [u8; 8] = bytes.get(2..10)?.try_into().ok()?;
    Some(format!("{:016X}", u64::from_le_bytes(number)))
}

/// What the operator asks of signatures.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Policy {
    /// Whether a component without a signature by one of the keys is refused.
    pub required: bool,
    /// The keys that are trusted.
    pub keys: Vec<Key>,
}

/// Why a component may not be used: its signature.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// There is none.
    #[error("its component has no signature")]
    Missing,
    /// It cannot be read.
    #[error("its signature cannot be read: it is none of minisign")]
    Malformed,
    /// Nobody trusted made it.
    #[error("its component was signed by key {0}, which is none of the trusted ones")]
    Untrusted(String),
    /// It was made of something else.
    #[error("its signature by key {0} does not fit: the component is not what was signed")]
    Wrong(String),
}

impl Policy {
    /// Verifies a component; gives the key that it was signed by, and what the
    /// signer says of it.
    ///
    /// # Errors
    ///
    /// See [`SignatureError`].
    pub fn verify(
        &self,
        bytes: &[u8],
        signature: Option<&str>,
    ) -> Result<(Key, String), SignatureError> {
        let text = signature.ok_or(SignatureError::Missing)?;
        let read = minisign_verify::Signature::decode(text);
        let signature = read.map_err(|_| SignatureError::Malformed)?;
        let by = signed_by(text).ok_or(SignatureError::Malformed)?;
        let mut keys = self.keys.iter().filter(|key| key.number() == by).peekable();
        if keys.peek().is_none() {
            return Err(SignatureError::Untrusted(by));
        }
        match keys.find(|key| key.verify(bytes, &signature)) {
            Some(key) => Ok((key.clone(), signature.trusted_comment().to_owned())),
            None => Err(SignatureError::Wrong(by)),
        }
    }
}

/// The number of the key that a signature says it is by; not proven.
pub(super) fn signed_by(signature: &str) -> Option<String> {
    number(signature.lines().nth(1)?.trim())
}

/// Where the signature of a file is.
pub fn signature_file(component: &Path) -> PathBuf {
    let mut name = component.as_os_str().to_owned();
    name.push(".minisig");
    name.into()
}

/// Why nothing was signed.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct SignError(String);

impl SignError {
    #[expect(
        clippy::needless_pass_by_value,
        reason = "it is given to map_err, which passes errors by value"
    )]
    fn of(error: minisign::PError) -> Self {
        Self(error.to_string())
    }
}

/// Makes a pair of keys: the text of the file of the secret key, protected by
/// the password if there is one, and the public key.
///
/// # Errors
///
/// When there are no random numbers.
pub fn generate(password: Option<&str>) -> Result<(String, Key), SignError> {
    let pair = match password {
        Some(password) => minisign::KeyPair::generate_encrypted_keypair(Some(password.to_owned())),
        None => minisign::KeyPair::generate_unencrypted_keypair(),
    };
    let pair = pair.map_err(SignError::of)?;
    let key = Key(pair.pk.to_base64());
    let comment = format!("koppel secret key {}", key.number());
    let secret = pair.sk.to_box(Some(&comment)).map_err(SignError::of)?;
    Ok((secret.into_string(), key))
}

/// Reads the text of a file with a secret key.
fn secret_key(text: &str, password: Option<&str>) -> Result<minisign::SecretKey, SignError> {
    let boxed = minisign::SecretKeyBox::from_string(text).map_err(SignError::of)?;
    let key = match password {
        Some(password) => boxed.into_secret_key(Some(password.to_owned())),
        None => boxed.into_unencrypted_secret_key(),
    };
    key.map_err(SignError::of)
}

/// The public key that belongs to a secret one.
///
/// # Errors
///
/// When the text is no secret key, or the password is not right.
pub fn public_of(secret: &str, password: Option<&str>) -> Result<Key, SignError> {
    let key = secret_key(secret, password)?;
    let public = minisign::PublicKey::from_secret_key(&key).map_err(SignError::of)?;
    Ok(Key(public.to_base64()))
}

/// Signs a component; `comment` is what the signer says of it, and is signed as
/// well. Gives the text of `FILE.minisig`.
///
/// # Errors
///
/// When the text is no secret key, or the password is not right.
pub fn sign(
    bytes: &[u8],
    secret: &str,
    password: Option<&str>,
    comment: &str,
) -> Result<String, SignError> {
    let key = secret_key(secret, password)?;
    let signed = minisign::sign(
        None,
        &key,
        Cursor::new(bytes),
        Some(comment),
        Some("signature of a koppel component"),
    );
    signed
        .map(|signature| signature.into_string())
        .map_err(SignError::of)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(keys: &[&Key]) -> Policy {
        Policy {
            required: true,
            keys: keys.iter().map(|key| (*key).clone()).collect(),
        }
    }

    #[test]
    fn what_was_signed_by_a_trusted_key_is_verified() {
        let (secret, key) = generate(None).unwrap();
        let signature = sign(b"component", &secret, None, "version 1").unwrap();
        assert_eq!(public_of(&secret, None).unwrap(), key);
        let verified = policy(&[&key]).verify(b"component", Some(&signature));
        assert_eq!(verified, Ok((key, "version 1".to_owned())));
    }

    #[test]
    fn everything_else_is_refused() {
        let (secret, key) = generate(None).unwrap();
        let (_, other) = generate(None).unwrap();
        let signature = sign(b"component", &secret, None, "version 1").unwrap();
        let policy = policy(&[&key]);
        assert_eq!(
            policy.verify(b"component", None),
            Err(SignatureError::Missing)
        );
        assert_eq!(
            policy.verify(b"component", Some("none")),
            Err(SignatureError::Malformed)
        );
        assert_eq!(
            policy.verify(b"another", Some(&signature)),
            Err(SignatureError::Wrong(key.number()))
        );
        assert_eq!(
            self::policy(&[&other]).verify(b"component", Some(&signature)),
            Err(SignatureError::Untrusted(key.number()))
        );
        // What the signer says of it is signed too.
        let forged = signature.replace("version 1", "version 2");
        assert_eq!(
            policy.verify(b"component", Some(&forged)),
            Err(SignatureError::Wrong(key.number()))
        );
    }

    #[test]
    fn a_password_protects_the_secret_key() {
        let (secret, key) = generate(Some("correct horse")).unwrap();
        assert!(sign(b"component", &secret, None, "").is_err());
        assert!(sign(b"component", &secret, Some("wrong"), "").is_err());
        let signature = sign(b"component", &secret, Some("correct horse"), "v").unwrap();
        assert!(
            policy(&[&key])
                .verify(b"component", Some(&signature))
                .is_ok()
        );
    }

    #[test]
    fn what_is_no_key_is_refused() {
        assert_eq!(
            "RWQ".parse::<Key>().unwrap_err().to_string(),
            "\"RWQ\" is no public key of minisign; it is the second line of a .pub file, such as RWQ…"
        );
    }
}
