//! The secrets of the host: read when they are needed, from where the
//! configuration says. They go into outside requests and nowhere else.
//!
//! What koppel itself holds of a secret is wiped when it is no longer needed.
//! The libraries for HTTP, TLS and OAuth make copies of their own, which are
//! not.

mod keyring;
#[cfg(test)]
mod tests;

pub use secrecy::{ExposeSecret, SecretString};

use crate::config::{self, CredentialPlace, SecretReference};
use crate::egress::{Credential, Identity};
use crate::ledger::Redactor;
use http::{HeaderName, HeaderValue};
use secrecy::zeroize::Zeroizing;

/// Reads a secret. It is made known to the redactor first.
///
/// # Errors
///
/// In words for the operator; never the secret.
pub fn read(reference: &SecretReference, redactor: &Redactor) -> Result<SecretString, String> {
    let text = text(reference)?;
    let secret = text.trim();
    if secret.is_empty() {
        return Err("it is empty".to_owned());
    }
    redactor.add(secret);
    Ok(secret.into())
}

fn text(reference: &SecretReference) -> Result<Zeroizing<String>, String> {
    match reference {
        SecretReference::Env(name) => std::env::var(name)
            .map(Zeroizing::new)
            .map_err(|_| format!("environment variable {name} is not set")),
        SecretReference::File(path) => std::fs::read_to_string(path)
            .map(Zeroizing::new)
            .map_err(|error| format!("{} cannot be read: {error}", path.display())),
        SecretReference::Keyring(key) => keyring::read(key),
    }
}

/// Reads a credential and makes what is put into a request.
///
/// # Errors
///
/// In words for the operator; never the secret.
pub fn credential(
    credential: &config::Credential,
    redactor: &Redactor,
) -> Result<Credential, String> {
    let secret = read(&credential.value, redactor)?;
    let secret = secret.expose_secret();
    let (name, scheme) = match &credential.place {
        CredentialPlace::Handshake { certificate } => {
            let chain = text(certificate)?;
            let identity = Identity::from_pem(&chain, secret)?;
            return Ok(Credential::certificate(identity, secret));
        }
        CredentialPlace::Query { name } => return Ok(Credential::query(name.clone(), secret)),
        CredentialPlace::Header { name, scheme } => (name, scheme),
    };
    let value = Zeroizing::new(match scheme {
        Some(scheme) => format!("{scheme} {secret}"),
        None => secret.to_owned(),
    });
    let name = HeaderName::try_from(name)
        .map_err(|_| format!("\"{name}\" is not the name of a header"))?;
    let value = HeaderValue::from_str(&value)
        .map_err(|_| "it has characters that a header cannot hold".to_owned())?;
    Ok(Credential::header(name, value, secret))
}
