//! Distribution of components: OCI registries, a cache by digest, signatures,
//! and what is known of where a component comes from.
//!
//! A component is distributed as the CNCF has it for WebAssembly ("Wasm OCI
//! Artifact layout"), as `wkg` and others read and write it: an image manifest
//! with the configuration `application/vnd.wasm.config.v0+json` and one layer
//! `application/wasm`. The signature (minisign) is an annotation of the
//! manifest, so that whoever pins the manifest pins it too, and no registry
//! needs to know of it.

mod artifact;
mod cache;
mod provenance;
mod reference;
mod registry;
mod signature;

pub use artifact::{Artifact, SIGNATURE};
pub use cache::{Cache, CacheError};
pub use provenance::{Producer, Provenance, Signature as SignatureShown, Source, provenance_file};
pub use reference::{OciReference, Pinned, ReferenceError};
pub use registry::{Access, Pulled, Registry, RegistryError};
pub use signature::{
    Key, KeyError, Policy, SignError, SignatureError, generate, public_of, sign, signature_file,
};
