//! Redaction: secrets are taken out before anything is stored in the ledger.

use super::spelling::find;
use secrecy::zeroize::Zeroizing;
use std::sync::{Arc, PoisonError, RwLock};

const REDACTED: &str = "[redacted]";

/// Headers whose value is always a secret.
const SECRET_HEADERS: [&str; 7] = [
    "authorization",
    "proxy-authorization",
    "cookie",
    "set-cookie",
    "x-api-key",
    "apikey",
    "api-key",
];

/// The shortest secret that is looked for, in bytes. Taking out shorter ones
/// would destroy ordinary text.
const SHORTEST: usize = 4;

/// Knows the secrets of the host and takes them out of what is stored: the
/// value itself and its base64 forms, each as it is, percent-encoded, or escaped
/// as in JSON or XML. Cloning gives another handle on the same secrets.
#[derive(Clone, Default)]
pub struct Redactor(Arc<RwLock<Vec<Secret>>>);

struct Secret {
    value: Zeroizing<String>,
    /// What is looked for: the value, and its base64 at each alignment.
    forms: Vec<Zeroizing<String>>,
}

impl std::fmt::Debug for Redactor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Redactor")
    }
}

impl Redactor {
    /// Adds a secret. Values shorter than four bytes are not looked for.
    pub fn add(&self, secret: &str) {
        if secret.len() < SHORTEST {
            return;
        }
        let mut secrets = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if secrets.iter().any(|known| *known.value == secret) {
            return;
        }
        let mut forms = vec![Zeroizing::new(secret.to_owned())];
        for form in base64_forms(secret.as_bytes()) {
            if !forms.contains(&form) {
                forms.push(form);
            }
        }
        secrets.push(Secret {
            value: Zeroizing::new(secret.to_owned()),
            forms,
        });
    }

    /// Removes a secret that is no longer one, such as an access token that
    /// ended long ago.
    pub fn forget(&self, secret: &str) {
        let mut secrets = self.0.write().unwrap_or_else(PoisonError::into_inner);
        secrets.retain(|known| *known.value != secret);
    }

    /// Whether it knows none.
    pub fn is_empty(&self) -> bool {
        let secrets = self.0.read().unwrap_or_else(PoisonError::into_inner);
        secrets.is_empty()
    }

    /// Takes secrets out of bytes.
    pub fn bytes(&self, bytes: Vec<u8>) -> Vec<u8> {
        self.without(&bytes).unwrap_or(bytes)
    }

    /// The bytes without the secrets in them; none if there are none.
    pub(crate) fn without(&self, bytes: &[u8]) -> Option<Vec<u8>> {
        let secrets = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let forms = secrets.iter().flat_map(|secret| &secret.forms);
        let mut found: Vec<_> = forms.flat_map(|form| find(bytes, form)).collect();
        if found.is_empty() {
            return None;
        }
        found.sort_by_key(|range| range.start);
        let mut out = Vec::with_capacity(bytes.len());
        let mut from = 0;
        for range in found {
            // One that overlaps the one before is part of the same hole, so
            // that neither leaves a rest.
            if range.start >= from {
                out.extend_from_slice(&bytes[from..range.start]);
                out.extend_from_slice(REDACTED.as_bytes());
            }
            from = from.max(range.end);
        }
        out.extend_from_slice(&bytes[from..]);
        Some(out)
    }

    /// Takes secrets out of text.
    pub fn text(&self, text: String) -> String {
        // Only whole characters are replaced, so the rest stays valid.
        String::from_utf8(self.bytes(text.into_bytes()))
            .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
    }

    /// Takes secrets out of headers, and whole values out of those that carry
    /// nothing else.
    pub fn headers(&self, headers: Vec<(String, String)>) -> Vec<(String, String)> {
        headers
            .into_iter()
            .map(|(name, value)| {
                if SECRET_HEADERS.contains(&name.to_lowercase().as_str()) {
                    (name, REDACTED.to_owned())
                } else {
                    (name, self.text(value))
                }
            })
            .collect()
    }
}

/// The base64 of a secret at each of the three alignments within a longer
/// text, without the characters that depend on its neighbours.
fn base64_forms(secret: &[u8]) -> Vec<Zeroizing<String>> {
    use base64::Engine as _;
    use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
    let mut forms = Vec::new();
    for shift in 0..3 {
        let mut padded = Zeroizing::new(vec![0; shift + secret.len()]);
        padded[shift..].copy_from_slice(secret);
        for text in [
            STANDARD_NO_PAD.encode(&*padded),
            URL_SAFE_NO_PAD.encode(&*padded),
        ] {
            let text = Zeroizing::new(text);
            // The characters that hold bits of the padding before, and of
            // whatever follows.
            let head = [0, 2, 3][shift];
            let tail = usize::from(!padded.len().is_multiple_of(3));
            if let Some(core) = text.get(head..text.len() - tail) {
                forms.push(Zeroizing::new(core.to_owned()));
            }
        }
    }
    forms
}
