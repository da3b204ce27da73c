//! A key, and what is encrypted with it: AES-256-GCM (NIST SP 800-38D).
//!
//! What is encrypted reads `sealed:NAME:FINGERPRINT:`, then twelve random bytes
//! (the nonce), the cipher text and its tag. With random nonces, a key is good
//! for 2³² of them; the keys that many contents are encrypted with are keys of
//! their own, one for each ([`DataKey`]).

use super::EncryptionError;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::rand::{SecureRandom, SystemRandom};
use secrecy::zeroize::Zeroizing;
use sha2::{Digest, Sha256};

/// What everything that is encrypted begins with; no JSON does.
const SEALED: &str = "sealed:";

/// The longest name of a key, in bytes.
pub(crate) const LONGEST_NAME: usize = 64;

/// How many bytes of the hash of a key tell it from others of its name.
const FINGERPRINT: usize = 8;

/// A key with its name.
pub(crate) struct Key {
    /// What begins all that it encrypted.
    header: Vec<u8>,
    key: LessSafeKey,
}

impl Key {
    /// The key that a secret holds.
    pub(super) fn new(id: &str, secret: &str) -> Result<Self, String> {
        let bytes = STANDARD.decode(secret).map(Zeroizing::new).ok();
        let Some(bytes) = bytes.filter(|bytes| bytes.len() == AES_256_GCM.key_len()) else {
            return Err(
                "it is no key: it must be 32 bytes in Base64; `koppel keys new` makes one"
                    .to_owned(),
            );
        };
        let hash = Sha256::new()
            .chain_update(b"koppel key 1")
            .chain_update(&*bytes)
            .finalize();
        let header = format!("{SEALED}{id}:{}:", hex::encode(&hash[..FINGERPRINT]));
        Ok(Self {
            header: header.into_bytes(),
            key: unbound(&bytes).map_err(|error| error.to_string())?,
        })
    }

    /// What begins all that it encrypted.
    pub(crate) fn header(&self) -> &[u8] {
        &self.header
    }

    /// Whether it encrypted this.
    pub(crate) fn sealed(&self, stored: &[u8]) -> bool {
        stored.starts_with(&self.header)
    }

    pub(crate) fn seal(&self, about: &str, plain: &[u8]) -> Result<Vec<u8>, EncryptionError> {
        seal(&self.key, &self.header, about, plain)
    }

    pub(super) fn open(&self, about: &str, stored: &[u8]) -> Result<Vec<u8>, EncryptionError> {
        open(&self.key, self.header.len(), about, stored)
    }
}

/// A key for one content. It is kept encrypted with another, which can be
/// replaced without touching the content, and it is what an erased content is
/// lost with.
pub(crate) struct DataKey {
    bytes: Zeroizing<[u8; 32]>,
}

impl DataKey {
    pub(crate) fn random() -> Result<Self, EncryptionError> {
        let bytes = Zeroizing::new(random()?);
        Ok(Self { bytes })
    }

    /// The key that [`DataKey::encoded`] gave.
    pub(crate) fn decoded(text: &str) -> Result<Self, EncryptionError> {
        let bytes = STANDARD.decode(text).map(Zeroizing::new);
        let bytes = bytes.map_err(|_| EncryptionError::Changed)?;
        let bytes = <[u8; 32]>::try_from(&bytes[..]).map_err(|_| EncryptionError::Changed)?;
        let bytes = Zeroizing::new(bytes);
        Ok(Self { bytes })
    }

    pub(crate) fn encoded(&self) -> String {
        STANDARD.encode(*self.bytes)
    }

    pub(crate) fn seal(&self, about: &str, plain: &[u8]) -> Result<Vec<u8>, EncryptionError> {
        seal(&unbound(&*self.bytes)?, &[], about, plain)
    }

    pub(crate) fn open(&self, about: &str, stored: &[u8]) -> Result<Vec<u8>, EncryptionError> {
        open(&unbound(&*self.bytes)?, 0, about, stored)
    }
}

/// The name of the key that this was encrypted with, if it is encrypted.
pub(super) fn id_of(stored: &[u8]) -> Option<&str> {
    let rest = stored.strip_prefix(SEALED.as_bytes())?;
    let end = rest
        .iter()
        .take(LONGEST_NAME + 1)
        .position(|b| *b == b':')?;
    std::str::from_utf8(&rest[..end]).ok()
}

pub(crate) fn random<const N: usize>() -> Result<[u8; N], EncryptionError> {
    let mut bytes = [0; N];
    let filled = SystemRandom::new().fill(&mut bytes);
    filled.map_err(|_| EncryptionError::Random)?;
    Ok(bytes)
}

fn unbound(bytes: &[u8]) -> Result<LessSafeKey, EncryptionError> {
    let key = UnboundKey::new(&AES_256_GCM, bytes);
    Ok(LessSafeKey::new(key.map_err(|_| EncryptionError::Changed)?))
}

/// What is authenticated with it: the header, and what it belongs to.
fn aad(header: &[u8], about: &str) -> Aad<Vec<u8>> {
    Aad::from([header, about.as_bytes()].concat())
}

fn seal(
    key: &LessSafeKey,
    header: &[u8],
    about: &str,
    plain: &[u8],
) -> Result<Vec<u8>, EncryptionError> {
    let nonce = random::<NONCE_LEN>()?;
    let begin = header.len() + NONCE_LEN;
    let mut sealed = Vec::with_capacity(begin + plain.len() + AES_256_GCM.tag_len());
    sealed.extend_from_slice(header);
    sealed.extend_from_slice(&nonce);
    sealed.extend_from_slice(plain);
    let tag = key
        .seal_in_place_separate_tag(
            Nonce::assume_unique_for_key(nonce),
            aad(header, about),
            &mut sealed[begin..],
        )
        // Only for more than 64 GiB.
        .map_err(|_| EncryptionError::Changed)?;
    sealed.extend_from_slice(tag.as_ref());
    Ok(sealed)
}

fn open(
    key: &LessSafeKey,
    header: usize,
    about: &str,
    stored: &[u8],
) -> Result<Vec<u8>, EncryptionError> {
    let changed = |_| EncryptionError::Changed;
    let (header, rest) = stored
        .split_at_checked(header)
        .ok_or(EncryptionError::Changed)?;
    let (nonce, sealed) = rest
        .split_at_checked(NONCE_LEN)
        .ok_or(EncryptionError::Changed)?;
    let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(changed)?;
    let mut plain = sealed.to_vec();
    let size = key
        .open_in_place(nonce, aad(header, about), &mut plain)
        .map_err(changed)?
        .len();
    plain.truncate(size);
    Ok(plain)
}
