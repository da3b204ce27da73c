//! Where a component comes from, as far as it is known, and what it was made
//! with.

use super::Pulled;
use super::signature::{self, Key, Policy, SignatureError, signature_file};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use wasmparser::{Parser, Payload, ProducersSectionReader};

/// The custom section in which the SDK says its version.
const SDK: &str = "koppel-sdk";

/// The most of a text of others that is kept, in bytes.
const TEXT: usize = 1_000;

/// Where a component was had from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Source {
    /// A file.
    File(PathBuf),
    /// A registry, by digest.
    Oci(String),
}

/// A tool that had a part in making it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Producer {
    /// `language`, `processed-by` or `sdk`.
    pub field: String,
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
}

/// What is known of the signature of a component.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Signature {
    /// The number of the key that it says it is by.
    pub key: String,
    /// Whether it was verified by a key that is trusted.
    pub verified: bool,
    /// What the signer says of it; none unless it was verified.
    pub comment: Option<String>,
    /// Why it was not verified.
    pub fault: Option<String>,
}

/// Where a component comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Provenance {
    /// Where it was had from.
    pub source: Source,
    /// The SHA-256 of the component, lower-case hexadecimal.
    pub sha256: String,
    /// When it was made, as whoever pushed it says, RFC 3339.
    pub created: Option<String>,
    /// When it was pulled, RFC 3339.
    pub pulled: Option<String>,
    /// Its signature, if there is one.
    pub signature: Option<Signature>,
    /// The version of the SDK of koppel, if it says so.
    pub sdk: Option<String>,
    /// The tools that it says it was made with.
    pub producers: Vec<Producer>,
    /// What else whoever pushed it says.
    pub annotations: BTreeMap<String, String>,
}

/// What is kept beside a component that was pulled.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Origin {
    /// The component that this is about.
    sha256: String,
    reference: String,
    created: Option<String>,
    pulled: String,
    annotations: BTreeMap<String, String>,
}

impl Origin {
    pub(super) fn of(pulled: &Pulled) -> Self {
        Self {
            sha256: pulled.artifact.sha256.clone(),
            reference: pulled.pinned.to_string(),
            created: pulled.artifact.created.clone(),
            pulled: jiff::Timestamp::now().to_string(),
            annotations: pulled.artifact.annotations.clone(),
        }
    }
}

/// Where it is kept where a component was pulled from.
pub fn provenance_file(component: &Path) -> PathBuf {
    let mut name = component.as_os_str().to_owned();
    name.push(".provenance.json");
    name.into()
}

pub(super) fn write_origin(component: &Path, origin: &Origin) -> std::io::Result<()> {
    let json = serde_json::to_vec_pretty(origin)?;
    std::fs::write(provenance_file(component), json)
}

impl Pulled {
    /// Writes the component to a file, with its signature and where it comes
    /// from beside it.
    ///
    /// # Errors
    ///
    /// What the operating system says.
    pub fn write(&self, component: &Path) -> std::io::Result<()> {
        std::fs::write(component, &self.component)?;
        if let Some(signature) = &self.artifact.signature {
            std::fs::write(signature_file(component), signature)?;
        }
        write_origin(component, &Origin::of(self))
    }
}

impl Provenance {
    /// What is known of a component in a file. `keys` are those by which its
    /// signature is verified.
    pub fn of_file(path: &Path, bytes: &[u8], keys: &[Key]) -> Self {
        let signature = std::fs::read_to_string(signature_file(path)).ok();
        let origin = std::fs::read(provenance_file(path)).ok();
        let origin = origin.and_then(|json| serde_json::from_slice::<Origin>(&json).ok());
        let sha256 = hex::encode(Sha256::digest(bytes));
        // What is said of another component says nothing of this one.
        let origin = origin.filter(|origin| origin.sha256 == sha256);
        let source = match &origin {
            Some(origin) => Source::Oci(clean(&origin.reference)),
            None => Source::File(path.to_owned()),
        };
        Self::of(source, sha256, bytes, signature.as_deref(), origin, keys)
    }

    /// What is known of a component that was pulled.
    pub fn of_pulled(pulled: &Pulled, keys: &[Key]) -> Self {
        Self::of(
            Source::Oci(pulled.pinned.to_string()),
            pulled.artifact.sha256.clone(),
            &pulled.component,
            pulled.artifact.signature.as_deref(),
            Some(Origin::of(pulled)),
            keys,
        )
    }

    fn of(
        source: Source,
        sha256: String,
        bytes: &[u8],
        signature: Option<&str>,
        origin: Option<Origin>,
        keys: &[Key],
    ) -> Self {
        let (sdk, producers) = made_with(bytes);
        let annotations = origin.as_ref().map(|origin| origin.annotations.clone());
        let annotations = annotations.unwrap_or_default().into_iter();
        Self {
            source,
            sha256,
            created: origin
                .as_ref()
                .and_then(|origin| origin.created.as_deref())
                .map(clean),
            pulled: origin.as_ref().map(|origin| clean(&origin.pulled)),
            signature: signature.map(|text| seen(bytes, text, keys)),
            sdk,
            producers,
            annotations: annotations
                .map(|(key, value)| (clean(&key), clean(&value)))
                .collect(),
        }
    }
}

fn seen(bytes: &[u8], text: &str, keys: &[Key]) -> Signature {
    let policy = Policy {
        required: true,
        keys: keys.to_vec(),
    };
    let (verified, comment, fault) = match policy.verify(bytes, Some(text)) {
        Ok((_, comment)) => (true, Some(clean(&comment)), None),
        Err(error) => (false, None, Some(error)),
    };
    Signature {
        key: signature::signed_by(text).unwrap_or_else(|| "unknown".to_owned()),
        verified,
        comment,
        fault: fault.map(|fault: SignatureError| fault.to_string()),
    }
}

/// The version of the SDK, and the tools, that a component says it was made
/// with. It may say what it likes.
fn made_with(bytes: &[u8]) -> (Option<String>, Vec<Producer>) {
    let (mut sdk, mut producers) = (None, BTreeSet::new());
    for payload in Parser::new(0).parse_all(bytes) {
        let Ok(payload) = payload else { break };
        let Payload::CustomSection(section) = payload else {
            continue;
        };
        if section.name() == SDK && sdk.is_none() {
            sdk = Some(clean(&String::from_utf8_lossy(section.data())));
        }
        if section.name() != "producers" {
            continue;
        }
        let reader = wasmparser::BinaryReader::new(section.data(), section.data_offset());
        let Ok(fields) = ProducersSectionReader::new(reader) else {
            continue;
        };
        for field in fields.into_iter().flatten() {
            for value in field.values.into_iter().flatten() {
                producers.insert(Producer {
                    field: clean(field.name),
                    name: clean(value.name),
                    version: clean(value.version),
                });
            }
        }
    }
    (sdk, producers.into_iter().collect())
}

/// A text of others, in one line.
fn clean(text: &str) -> String {
    crate::text::one_line(&crate::text::clipped(text, TEXT))
}
