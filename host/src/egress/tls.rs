//! The client side of TLS.

use std::sync::Arc;

/// TLS 1.2 or 1.3 with the certificate authorities of the operating system.
///
/// # Errors
///
/// When it cannot be set up.
pub(crate) fn config() -> anyhow::Result<rustls::ClientConfig> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier = rustls_platform_verifier::Verifier::new(provider.clone())?;
    Ok(rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth())
}
