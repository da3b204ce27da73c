//! Signatures of components, verified once per content and policy.

use super::{Content, lock};
use crate::admission::{MAX_BYTES, Refusal};
use crate::config::Client;
use crate::distribution::{Policy, SignatureError, signature_file};
use sha2::{Digest, Sha256};
use std::collections::HashSet;
use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::Mutex;

/// The longest signature that is read, in bytes; one of minisign has about 300.
const SIGNATURE_BYTES: u64 = 8 << 10;

/// What was verified: the digest of the content, and the policy.
#[derive(Default)]
pub(super) struct Verified(Mutex<HashSet<([u8; 32], Policy)>>);

impl Verified {
    /// Whether no signature is required, or it was verified before.
    pub(super) fn knows(&self, policy: &Policy, content: &Content) -> bool {
        !policy.required || lock(&self.0).contains(&(content.digest(), policy.clone()))
    }

    /// Verifies the signature of a component.
    ///
    /// # Errors
    ///
    /// [`Refusal::Signature`].
    pub(super) fn check(
        &self,
        client: &Client,
        policy: &Policy,
        content: &Content,
    ) -> Result<(), Refusal> {
        let known = (content.digest(), policy.clone());
        let refused = |error: SignatureError| Refusal::Signature {
            component: client.component.clone(),
            error,
        };
        let signature = signature(&client.component);
        let verified = match content {
            Content::Read { bytes, .. } => policy.verify(bytes, signature.as_deref()),
            // What it was compiled from is not kept; it is read again.
            Content::Known(_) => match again(&client.component) {
                Some(bytes) if Sha256::digest(&bytes)[..] == known.0 => {
                    policy.verify(&bytes, signature.as_deref())
                }
                _ => Err(SignatureError::Malformed),
            },
        };
        verified.map_err(refused)?;
        lock(&self.0).insert(known);
        Ok(())
    }
}

/// The signature beside a file, if there is one.
fn signature(component: &Path) -> Option<String> {
    let file = File::open(signature_file(component)).ok()?;
    let mut text = String::new();
    file.take(SIGNATURE_BYTES).read_to_string(&mut text).ok()?;
    Some(text)
}

fn again(component: &Path) -> Option<Vec<u8>> {
    let file = File::open(component).ok()?;
    let mut bytes = Vec::new();
    file.take(MAX_BYTES as u64 + 1)
        .read_to_end(&mut bytes)
        .ok()?;
    Some(bytes)
}
