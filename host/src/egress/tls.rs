//! The client side of TLS: whom the host trusts, and who it says it is.

use super::error::EgressError;
use anyhow::Context;
use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::Verifier;
use secrecy::zeroize::Zeroize;
use std::fmt;
use std::path::Path;
use std::sync::Arc;

/// A client certificate with its private key (mutual TLS, RFC 8446 section
/// 4.4.2). The key never leaves the host: it signs the handshake.
pub struct Identity {
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Identity({} certificates)", self.chain.len())
    }
}

impl Drop for Identity {
    fn drop(&mut self) {
        self.key.zeroize();
    }
}

impl Identity {
    /// Reads a certificate chain, the client's own first, and its private key
    /// (PKCS #8, PKCS #1 or SEC 1, not encrypted), both PEM (RFC 7468).
    ///
    /// # Errors
    ///
    /// In words for the operator; never the key.
    pub fn from_pem(chain: &str, key: &str) -> Result<Self, String> {
        let chain = certificates(chain.as_bytes()).map_err(|why| format!("certificate: {why}"))?;
        let key = PrivateKeyDer::from_pem_slice(key.as_bytes())
            .map_err(|_| "private-key: it holds no private key in PEM that is not encrypted")?;
        let provider = rustls::crypto::ring::default_provider();
        CertifiedKey::from_der(chain.clone(), key.clone_key(), &provider)
            .map_err(|error| format!("the private key does not fit the certificate: {error}"))?;
        Ok(Self { chain, key })
    }
}

fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, String> {
    let all = CertificateDer::pem_slice_iter(pem).collect::<Result<Vec<_>, _>>();
    match all {
        Ok(all) if all.is_empty() => Err("it holds no certificate in PEM".to_owned()),
        Ok(all) => Ok(all),
        Err(error) => Err(format!("it is not PEM: {error}")),
    }
}

/// TLS 1.2 or 1.3 with the certificate authorities of the operating system, as
/// nobody.
///
/// # Errors
///
/// When it cannot be set up.
pub(crate) fn config() -> anyhow::Result<ClientConfig> {
    trusting(None)
}

/// The same, trusting the certificate authorities in a file instead.
///
/// # Errors
///
/// When it cannot be set up or the file cannot be read.
pub(crate) fn trusting(roots: Option<&Path>) -> anyhow::Result<ClientConfig> {
    Ok(Tls::new()?.config(None, roots)?)
}

/// Makes the client side of TLS for each request.
pub(super) struct Tls {
    provider: Arc<CryptoProvider>,
    /// Trusts the certificate authorities of the operating system.
    system: Arc<dyn ServerCertVerifier>,
}

impl Tls {
    pub(super) fn new() -> anyhow::Result<Self> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let system = Verifier::new(provider.clone()).context(
            "no certificate authority is trusted: install those of the operating system (the package ca-certificates), or name a file of them in SSL_CERT_FILE",
        )?;
        let system = Arc::new(system);
        Ok(Self { provider, system })
    }

    /// TLS 1.2 or 1.3, trusting the certificate authorities in the file
    /// `roots`, PEM, and no others, or without it those of the operating
    /// system; as `identity`, or without it as nobody.
    ///
    /// # Errors
    ///
    /// [`EgressError::TrustedRoots`] or [`EgressError::Host`].
    pub(super) fn config(
        &self,
        identity: Option<&Identity>,
        roots: Option<&Path>,
    ) -> Result<ClientConfig, EgressError> {
        let fault = |error: rustls::Error| EgressError::Host(format!("TLS: {error}"));
        let builder = ClientConfig::builder_with_provider(self.provider.clone())
            .with_safe_default_protocol_versions()
            .map_err(fault)?;
        let builder = match roots {
            Some(path) => builder.with_root_certificates(trusted(path)?),
            None => builder
                .dangerous()
                .with_custom_certificate_verifier(self.system.clone()),
        };
        match identity {
            Some(identity) => builder
                .with_client_auth_cert(identity.chain.clone(), identity.key.clone_key())
                .map_err(fault),
            None => Ok(builder.with_no_client_auth()),
        }
    }
}

fn trusted(path: &Path) -> Result<RootCertStore, EgressError> {
    let wrong = |why: String| EgressError::TrustedRoots {
        path: path.to_owned(),
        why,
    };
    let pem = std::fs::read(path).map_err(|error| wrong(format!("it cannot be read: {error}")))?;
    let mut roots = RootCertStore::empty();
    for certificate in certificates(&pem).map_err(wrong)? {
        roots
            .add(certificate)
            .map_err(|error| wrong(error.to_string()))?;
    }
    Ok(roots)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::{CertificateParams, KeyPair};

    fn made() -> (String, String) {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec!["client.test".to_owned()]).unwrap();
        (params.self_signed(&key).unwrap().pem(), key.serialize_pem())
    }

    #[test]
    fn an_identity_is_a_certificate_with_its_own_key() {
        let ((certificate, key), (_, other)) = (made(), made());
        let identity = Identity::from_pem(&certificate, &key).unwrap();
        assert_eq!(format!("{identity:?}"), "Identity(1 certificates)");
        for (certificate, key, why) in [
            (
                "",
                key.as_str(),
                "certificate: it holds no certificate in PEM",
            ),
            (
                "-----BEGIN CERTIFICATE-----\n*",
                &key,
                "certificate: it is not PEM: ",
            ),
            (
                &certificate,
                &certificate,
                "private-key: it holds no private key in PEM that is not encrypted",
            ),
            (
                &certificate,
                &other,
                "the private key does not fit the certificate: ",
            ),
        ] {
            let error = Identity::from_pem(certificate, key).unwrap_err();
            assert!(error.starts_with(why), "{error}");
            assert!(!error.contains("PRIVATE"), "{error}");
        }
    }

    #[test]
    fn trusted_roots_that_are_none_are_named() {
        let tls = Tls::new().unwrap();
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("roots.pem");
        let refused = || {
            let error = tls.config(None, Some(&path)).unwrap_err().to_string();
            error.replace(&*path.to_string_lossy(), "roots.pem")
        };
        assert!(refused().starts_with("trusted-roots roots.pem: it cannot be read: "));
        std::fs::write(&path, "").unwrap();
        assert_eq!(
            refused(),
            "trusted-roots roots.pem: it holds no certificate in PEM"
        );
        std::fs::write(&path, made().0).unwrap();
        assert!(tls.config(None, Some(&path)).is_ok());
    }
}
