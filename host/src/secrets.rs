//! The secrets of the host: read when they are needed, from where the
//! configuration says. They go into outside requests and nowhere else.

use crate::config::{Credential, SecretReference};
use crate::ledger::Redactor;
use http::{HeaderName, HeaderValue};

/// Reads a secret. It is made known to the redactor first.
///
/// # Errors
///
/// In words for the operator; never the secret.
pub fn read(reference: &SecretReference, redactor: &Redactor) -> Result<String, String> {
    let secret = match reference {
        SecretReference::Env(name) => {
            std::env::var(name).map_err(|_| format!("environment variable {name} is not set"))?
        }
        SecretReference::File(path) => std::fs::read_to_string(path)
            .map_err(|error| format!("{} cannot be read: {error}", path.display()))?,
    };
    let secret = secret.trim();
    if secret.is_empty() {
        return Err("it is empty".to_owned());
    }
    redactor.add(secret);
    Ok(secret.to_owned())
}

/// Reads a credential and makes the header that carries it.
///
/// # Errors
///
/// In words for the operator; never the secret.
pub fn header(
    credential: &Credential,
    redactor: &Redactor,
) -> Result<(HeaderName, HeaderValue), String> {
    let secret = read(&credential.value, redactor)?;
    let value = match &credential.scheme {
        Some(scheme) => format!("{scheme} {secret}"),
        None => secret,
    };
    let name = HeaderName::try_from(&credential.header)
        .map_err(|_| format!("\"{}\" is not the name of a header", credential.header))?;
    let mut value = HeaderValue::try_from(value)
        .map_err(|_| "it has characters that a header cannot hold".to_owned())?;
    value.set_sensitive(true);
    Ok((name, value))
}
