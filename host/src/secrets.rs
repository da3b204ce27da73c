//! The secrets of the host: read when they are needed, from where the
//! configuration says. They go into outside requests and nowhere else.

use crate::config::{self, CredentialPlace, SecretReference};
use crate::egress::{Credential, Identity};
use crate::ledger::Redactor;
use http::{HeaderName, HeaderValue};

/// Reads a secret. It is made known to the redactor first.
///
/// # Errors
///
/// In words for the operator; never the secret.
pub fn read(reference: &SecretReference, redactor: &Redactor) -> Result<String, String> {
    let secret = text(reference)?;
    let secret = secret.trim();
    if secret.is_empty() {
        return Err("it is empty".to_owned());
    }
    redactor.add(secret);
    Ok(secret.to_owned())
}

fn text(reference: &SecretReference) -> Result<String, String> {
    match reference {
        SecretReference::Env(name) => {
            std::env::var(name).map_err(|_| format!("environment variable {name} is not set"))
        }
        SecretReference::File(path) => std::fs::read_to_string(path)
            .map_err(|error| format!("{} cannot be read: {error}", path.display())),
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
    let (name, scheme) = match &credential.place {
        CredentialPlace::Handshake { certificate } => {
            let chain = text(certificate)?;
            let identity = Identity::from_pem(&chain, &secret)?;
            return Ok(Credential::certificate(identity, &secret));
        }
        CredentialPlace::Query { name } => return Ok(Credential::query(name.clone(), &secret)),
        CredentialPlace::Header { name, scheme } => (name, scheme),
    };
    let value = match scheme {
        Some(scheme) => format!("{scheme} {secret}"),
        None => secret.clone(),
    };
    let name = HeaderName::try_from(name)
        .map_err(|_| format!("\"{name}\" is not the name of a header"))?;
    let value = HeaderValue::try_from(value)
        .map_err(|_| "it has characters that a header cannot hold".to_owned())?;
    Ok(Credential::header(name, value, &secret))
}
