//! Pushing and pulling.

use super::artifact::{self, Artifact, MANIFEST_BYTES};
use super::{OciReference, Pinned};
use crate::admission::{Inspection, MAX_BYTES};
use crate::egress::causes;
use futures_util::StreamExt;
use http::HeaderValue;
use oci_client::client::{Certificate, CertificateEncoding, ClientConfig, ClientProtocol};
use oci_client::errors::OciDistributionError;
use oci_client::secrets::RegistryAuth;
use oci_client::{Client, RegistryOperation};
use secrecy::{ExposeSecret, SecretString};
use std::time::Duration;

const CONNECT: Duration = Duration::from_secs(5);

/// How long nothing may arrive.
const SILENCE: Duration = Duration::from_secs(30);

/// How a registry is reached.
#[derive(Clone, Debug, Default)]
pub struct Access {
    /// The name of the user and the password or token, if it asks for one.
    pub credential: Option<(String, SecretString)>,
    /// Whether it speaks plain HTTP.
    pub plain_http: bool,
    /// Certificate authorities that are trusted besides, PEM.
    pub trusted_roots: Option<Vec<u8>>,
}

/// A registry.
pub struct Registry {
    client: Client,
    auth: RegistryAuth,
}

/// Why something was not pushed or pulled.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reference}: {why}")]
pub struct RegistryError {
    /// What it is about.
    pub reference: String,
    /// What went wrong.
    pub why: String,
}

/// What was pulled.
pub struct Pulled {
    /// The manifest, as it is.
    pub manifest: Vec<u8>,
    /// What it says.
    pub artifact: Artifact,
    /// Where it is, by digest.
    pub pinned: Pinned,
    /// The component, whose digest is that in the manifest.
    pub component: Vec<u8>,
}

impl Registry {
    /// The registry of a reference. Nothing is connected to yet.
    pub fn new(reference: &OciReference, access: &Access) -> Self {
        // oci-client takes the provider of the process; whoever set one before
        // keeps it.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let registry = reference.registry().to_owned();
        let roots = access.trusted_roots.iter().map(|pem| Certificate {
            encoding: CertificateEncoding::Pem,
            data: pem.clone(),
        });
        let config = ClientConfig {
            protocol: if access.plain_http {
                ClientProtocol::HttpsExcept(vec![registry])
            } else {
                ClientProtocol::Https
            },
            extra_root_certificates: roots.collect(),
            // A component is for every machine; an index of several is none.
            platform_resolver: None,
            connect_timeout: Some(CONNECT),
            read_timeout: Some(SILENCE),
            user_agent: concat!("koppel/", env!("CARGO_PKG_VERSION")),
            ..ClientConfig::default()
        };
        let auth = match &access.credential {
            Some((user, secret)) => {
                RegistryAuth::Basic(user.clone(), secret.expose_secret().to_owned())
            }
            None => RegistryAuth::Anonymous,
        };
        Self {
            client: Client::new(config),
            auth,
        }
    }

    /// Pushes a component; gives its reference by digest. `title` is the name of
    /// its file, `created` a moment, RFC 3339.
    ///
    /// # Errors
    ///
    /// What the registry or the connection says.
    pub async fn push(
        &self,
        reference: &OciReference,
        component: &[u8],
        inspection: &Inspection,
        title: &str,
        created: &str,
        signature: Option<&str>,
    ) -> Result<Pinned, RegistryError> {
        let failed = |why: String| RegistryError {
            reference: reference.to_string(),
            why,
        };
        let made = artifact::make(component, inspection, title, created, signature)
            .map_err(|error| failed(error.to_string()))?;
        let digest = artifact::digest(&made.manifest);
        let inner = reference.inner();
        let pushing = async {
            self.client
                .auth(inner, &self.auth, RegistryOperation::Push)
                .await?;
            for blob in [component, &made.config] {
                let digest = artifact::digest(blob);
                if !self
                    .client
                    .blob_exists(inner, &digest)
                    .await
                    .unwrap_or(false)
                {
                    self.client.push_blob(inner, blob.to_vec(), &digest).await?;
                }
            }
            let kind = HeaderValue::from_static(artifact::MANIFEST);
            self.client
                .push_manifest_raw(inner, made.manifest, kind)
                .await
        };
        pushing.await.map_err(|error| failed(said(&error)))?;
        reference
            .pinned(&digest)
            .map_err(|error| failed(error.to_string()))
    }

    /// Pulls a component.
    ///
    /// # Errors
    ///
    /// What the registry or the connection says, and when what came is not what
    /// was asked for.
    pub async fn pull(&self, reference: &OciReference) -> Result<Pulled, RegistryError> {
        let failed = |why: String| RegistryError {
            reference: reference.to_string(),
            why,
        };
        let inner = reference.inner();
        let manifest = self
            .client
            .pull_manifest_raw(inner, &self.auth, &[artifact::MANIFEST])
            .await;
        let (manifest, _) = manifest.map_err(|error| failed(said(&error)))?;
        if manifest.len() > MANIFEST_BYTES {
            return Err(failed(format!(
                "the manifest has more than {MANIFEST_BYTES} bytes"
            )));
        }
        // Its word is not taken for it.
        let digest = artifact::digest(&manifest);
        if let Some(asked) = reference.digest().filter(|asked| *asked != digest) {
            return Err(failed(format!(
                "the manifest that came has the digest {digest}, and not {asked}"
            )));
        }
        let artifact = Artifact::read(&manifest).map_err(failed)?;
        let layer = format!("sha256:{}", artifact.sha256);
        let stream = self.client.pull_blob_stream(inner, layer.as_str()).await;
        let mut stream = stream.map_err(|error| failed(said(&error)))?.stream;
        let mut component = Vec::new();
        while let Some(part) = stream.next().await {
            let part = part.map_err(|error| failed(error.to_string()))?;
            if component.len() + part.len() > MAX_BYTES {
                return Err(failed(format!("a component has at most {MAX_BYTES} bytes")));
            }
            component.extend_from_slice(&part);
        }
        let found = artifact::digest(&component);
        if found != layer {
            return Err(failed(format!(
                "the layer that came has the digest {found}, and not {layer}"
            )));
        }
        Ok(Pulled {
            pinned: reference
                .pinned(&digest)
                .map_err(|error| failed(error.to_string()))?,
            manifest: manifest.to_vec(),
            artifact,
            component,
        })
    }
}

/// What went wrong, in words for the operator.
fn said(error: &OciDistributionError) -> String {
    match error {
        OciDistributionError::ImageManifestNotFoundError(_) => {
            "the registry has no such artifact".to_owned()
        }
        OciDistributionError::UnauthorizedError { .. }
        | OciDistributionError::ServerError { code: 401 | 403, .. }
        | OciDistributionError::AuthenticationFailure(_) => {
            "the registry does not accept the credential, or asks for one: set username and password in [registries]".to_owned()
        }
        OciDistributionError::RegistryError { envelope, .. } => {
            let errors = envelope.errors.iter();
            let texts: Vec<_> = errors.map(|error| format!("{:?}: {}", error.code, error.message)).collect();
            format!("the registry says {}", texts.join("; "))
        }
        error => causes(error),
    }
}
