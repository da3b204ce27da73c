//! The manifest and the configuration of a component in a registry.

use crate::admission::{Inspection, MAX_BYTES};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// The type of a manifest.
pub(super) const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

/// The type of the configuration.
pub(super) const CONFIG: &str = "application/vnd.wasm.config.v0+json";

/// The type of the layer that is the component.
pub(super) const LAYER: &str = "application/wasm";

/// The annotation that holds the signature, as minisign writes it.
pub const SIGNATURE: &str = "io.github.koppel-host.minisig";

const CREATED: &str = "org.opencontainers.image.created";
const TITLE: &str = "org.opencontainers.image.title";

/// The most that a manifest may be, in bytes.
pub(super) const MANIFEST_BYTES: usize = 1 << 20;

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct Descriptor {
    media_type: String,
    digest: String,
    size: u64,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct Manifest {
    schema_version: u32,
    #[serde(default)]
    media_type: Option<String>,
    config: Descriptor,
    layers: Vec<Descriptor>,
    #[serde(default)]
    annotations: BTreeMap<String, String>,
}

/// The configuration: what the component is, without its layers being fetched.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Config<'a> {
    created: &'a str,
    architecture: &'static str,
    os: &'static str,
    layer_digests: [&'a str; 1],
    component: Component,
}

#[derive(Serialize)]
struct Component {
    exports: Vec<String>,
    imports: Vec<String>,
}

/// What a manifest says of a component.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Artifact {
    /// The SHA-256 of the component, lower-case hexadecimal.
    pub sha256: String,
    /// The size of the component in bytes.
    pub size: u64,
    /// The signature, as minisign writes it, if there is one.
    pub signature: Option<String>,
    /// When it was made, RFC 3339, as whoever pushed it says.
    pub created: Option<String>,
    /// The other annotations.
    pub annotations: BTreeMap<String, String>,
}

/// What is pushed.
pub(super) struct Made {
    pub(super) config: Vec<u8>,
    pub(super) manifest: Vec<u8>,
}

/// `sha256:` and the digest.
pub(super) fn digest(bytes: &[u8]) -> String {
    format!("sha256:{}", hex::encode(Sha256::digest(bytes)))
}

/// Makes the manifest of a component.
pub(super) fn make(
    component: &[u8],
    inspection: &Inspection,
    title: &str,
    created: &str,
    signature: Option<&str>,
) -> serde_json::Result<Made> {
    let layer = digest(component);
    let version = inspection.wit_versions.iter().next_back();
    let exported = |name: &str| match version {
        Some(version) => format!("koppel:connector/{name}@{version}"),
        None => format!("koppel:connector/{name}"),
    };
    let kinds = inspection
        .kinds
        .iter()
        .map(|kind| exported(kind.interface()));
    let mut imports: Vec<String> = inspection.interfaces.iter().cloned().collect();
    imports.extend(inspection.activities.iter().map(ToString::to_string));
    let config = serde_json::to_vec(&Config {
        created,
        architecture: "wasm",
        os: "wasip2",
        layer_digests: [&layer],
        component: Component {
            exports: std::iter::once(exported("connector"))
                .chain(kinds)
                .collect(),
            imports,
        },
    })?;
    let mut annotations = BTreeMap::from([
        (CREATED.to_owned(), created.to_owned()),
        (TITLE.to_owned(), title.to_owned()),
    ]);
    annotations.extend(signature.map(|text| (SIGNATURE.to_owned(), text.to_owned())));
    let manifest = serde_json::to_vec(&Manifest {
        schema_version: 2,
        media_type: Some(MANIFEST.to_owned()),
        config: Descriptor {
            media_type: CONFIG.to_owned(),
            digest: digest(&config),
            size: config.len() as u64,
        },
        layers: vec![Descriptor {
            media_type: LAYER.to_owned(),
            digest: layer,
            size: component.len() as u64,
        }],
        annotations,
    })?;
    Ok(Made { config, manifest })
}

impl Artifact {
    /// Reads a manifest.
    ///
    /// # Errors
    ///
    /// When it is none, or none of a component.
    pub fn read(manifest: &[u8]) -> Result<Self, String> {
        if manifest.len() > MANIFEST_BYTES {
            return Err(format!("the manifest has more than {MANIFEST_BYTES} bytes"));
        }
        let manifest: Manifest = serde_json::from_slice(manifest)
            .map_err(|error| format!("it is no image manifest: {error}"))?;
        let Some(layer) = manifest
            .layers
            .first()
            .filter(|layer| layer.media_type == LAYER)
        else {
            let types: Vec<_> = manifest
                .layers
                .iter()
                .map(|layer| layer.media_type.as_str())
                .collect();
            return Err(format!(
                "its first layer is no component ({LAYER}); it has: {}",
                types.join(", ")
            ));
        };
        if layer.size > MAX_BYTES as u64 {
            return Err(format!(
                "the component has {} bytes; a component has at most {MAX_BYTES}",
                layer.size
            ));
        }
        let Some(sha256) = layer.digest.strip_prefix("sha256:") else {
            return Err(format!(
                "its layer is called {}, which is no SHA-256",
                layer.digest
            ));
        };
        let mut annotations = manifest.annotations;
        Ok(Self {
            sha256: sha256.to_owned(),
            size: layer.size,
            signature: annotations.remove(SIGNATURE),
            created: annotations.remove(CREATED),
            annotations,
        })
    }
}
