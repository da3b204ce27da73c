//! The key that signs access tokens: made on first use, and kept in a file
//! that only its owner can read.

use super::crypto;
use crate::private_file;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::{
    AlgorithmParameters, CommonParameters, EllipticCurve, EllipticCurveKeyParameters,
    EllipticCurveKeyType, Jwk, JwkSet, KeyAlgorithm, PublicKeyUse, ThumbprintHash,
};
use jsonwebtoken::{DecodingKey, EncodingKey};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use secrecy::zeroize::Zeroizing;
use std::path::Path;

/// The label of a PKCS#8 private key (RFC 7468, section 10).
const LABEL: &str = "PRIVATE KEY";

/// A P-256 key pair for ES256.
pub(crate) struct SigningKey {
    /// Its name in the header of tokens: the RFC 7638 thumbprint.
    pub(crate) id: String,
    pub(crate) encoding: EncodingKey,
    pub(crate) decoding: DecodingKey,
    jwk: Jwk,
}

impl SigningKey {
    /// Reads the key from a PKCS#8 PEM file, which is made if there is none.
    ///
    /// # Errors
    ///
    /// When the file cannot be read or made, others can read it, or it holds
    /// no P-256 key. In words for the operator.
    pub(crate) fn open(path: &Path) -> Result<Self, String> {
        private_file::read_or_create(path, generate)
            .and_then(|bytes| {
                let text = std::str::from_utf8(&bytes).map_err(|error| error.to_string())?;
                Self::from_pem(text)
            })
            .map_err(|why| format!("{}: {why}", path.display()))
    }

    fn from_pem(text: &str) -> Result<Self, String> {
        let block = pem::parse(text).map_err(|error| error.to_string())?;
        let tag = block.tag().to_owned();
        let key = Zeroizing::new(block.into_contents());
        if tag != LABEL {
            return Err(format!("it holds a {tag}; a {LABEL} (PKCS#8) is needed"));
        }
        let pair =
            EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &key, &SystemRandom::new())
                .map_err(|error| format!("it is no P-256 key in PKCS#8 form: {error}"))?;
        crypto::install();
        // An uncompressed point (SEC 1, section 2.3.3): 04, x, y.
        let point = pair.public_key().as_ref();
        let coordinate = |range| {
            point
                .get(range)
                .map(|bytes| URL_SAFE_NO_PAD.encode(bytes))
                .unwrap_or_default()
        };
        let mut jwk = Jwk {
            common: CommonParameters {
                public_key_use: Some(PublicKeyUse::Signature),
                key_algorithm: Some(KeyAlgorithm::ES256),
                ..CommonParameters::default()
            },
            algorithm: AlgorithmParameters::EllipticCurve(EllipticCurveKeyParameters {
                key_type: EllipticCurveKeyType::EC,
                curve: EllipticCurve::P256,
                x: coordinate(1..33),
                y: coordinate(33..65),
            }),
        };
        let id = jwk
            .thumbprint(ThumbprintHash::SHA256)
            .map_err(|error| error.to_string())?;
        jwk.common.key_id = Some(id.clone());
        Ok(Self {
            id,
            encoding: EncodingKey::from_ec_der(&key),
            decoding: DecodingKey::from_jwk(&jwk).map_err(|error| error.to_string())?,
            jwk,
        })
    }

    /// The public half, for whoever wants to verify tokens (RFC 7517).
    pub(crate) fn public(&self) -> JwkSet {
        JwkSet {
            keys: vec![self.jwk.clone()],
        }
    }
}

/// A new key, PKCS#8 in PEM.
fn generate() -> Result<Zeroizing<Vec<u8>>, String> {
    let random = SystemRandom::new();
    let key = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random)
        .map_err(|error| error.to_string())?;
    Ok(Zeroizing::new(
        pem::encode(&pem::Pem::new(LABEL, key.as_ref())).into_bytes(),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_made_once_and_for_its_owner_only() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("data/key.pem");
        let first = SigningKey::open(&path).unwrap();
        let again = SigningKey::open(&path).unwrap();
        assert_eq!(first.id, again.id);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = std::fs::metadata(&path).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
            std::fs::set_permissions(&path, PermissionsExt::from_mode(0o640)).unwrap();
            assert_eq!(
                SigningKey::open(&path).err().unwrap(),
                format!(
                    "{}: others can read it (mode 640): `chmod 600` it, and replace it if someone may have",
                    path.display()
                )
            );
        }
    }

    #[test]
    fn what_is_no_p256_key_is_refused() {
        assert_eq!(
            SigningKey::from_pem(
                "-----BEGIN EC PRIVATE KEY-----\nAAAA\n-----END EC PRIVATE KEY-----\n"
            )
            .err()
            .unwrap(),
            "it holds a EC PRIVATE KEY; a PRIVATE KEY (PKCS#8) is needed"
        );
        assert_eq!(
            SigningKey::from_pem("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n")
                .err()
                .unwrap(),
            "it is no P-256 key in PKCS#8 form: InvalidEncoding"
        );
    }

    #[test]
    fn the_public_half_holds_nothing_of_the_private_one() {
        let dir = tempfile::tempdir().unwrap();
        let key = SigningKey::open(&dir.path().join("key.pem")).unwrap();
        let public = serde_json::to_value(key.public()).unwrap();
        let mut names: Vec<_> = public["keys"][0].as_object().unwrap().keys().collect();
        names.sort();
        assert_eq!(names, ["alg", "crv", "kid", "kty", "use", "x", "y"]);
    }
}
