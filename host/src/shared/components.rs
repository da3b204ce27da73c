//! Components in the object store of NATS: a host that does not have one gets it
//! there, by its digest.

use super::objects::Objects;
use crate::config::{Client, Nats};
use crate::distribution::signature_file;
use async_nats::jetstream::Context;
use sha2::{Digest, Sha256};
use std::io::Write;
use std::path::Path;

/// The largest component that is taken, in bytes.
const MOST: usize = 64 << 20;

/// The largest signature that is taken, in bytes.
const SIGNATURE: u64 = 8 << 10;

/// Under what the signature of a component is.
fn signature_of(digest: &str) -> String {
    format!("{digest}.minisig")
}

/// The object store of components. Each is called by its SHA-256.
#[derive(Clone)]
pub(crate) struct Components(Objects);

impl Components {
    /// Opens the store, or makes it.
    pub(crate) async fn open(context: &Context, config: &Nats) -> Result<Self, String> {
        let bucket = format!("{}-components", config.name);
        let objects = Objects::open(context, &bucket, config.replicas, MOST).await?;
        Ok(Self(objects))
    }

    /// Puts a component there, with its signature if it has one; gives its
    /// digest.
    pub(crate) async fn publish(
        &self,
        bytes: &[u8],
        signature: Option<&[u8]>,
    ) -> Result<String, String> {
        let digest = hex::encode(Sha256::digest(bytes));
        // First, so that whoever finds the component finds it too.
        if let Some(signature) = signature {
            self.0.put_as(&signature_of(&digest), signature).await?;
        }
        self.0.put(bytes).await
    }

    /// Gets the component of a client that is pinned by its digest, if its file
    /// is not there.
    pub(crate) async fn ensure(&self, client: &Client) -> Result<(), String> {
        let Some(digest) = &client.sha256 else {
            return Ok(());
        };
        if client.component.exists() {
            return Ok(());
        }
        let bytes = self.0.fetch(digest).await?;
        // What it is worth is found out when the component is loaded.
        if let Some(signature) = self.0.small(&signature_of(digest), SIGNATURE).await {
            let file = signature_file(&client.component);
            write(&file, &signature).map_err(|error| format!("{}: {error}", file.display()))?;
        }
        write(&client.component, &bytes)
            .map_err(|error| format!("{}: {error}", client.component.display()))?;
        tracing::info!(client = client.name, digest, "a component was fetched");
        Ok(())
    }
}

/// Writes a file as a whole or not at all.
fn write(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let folder = match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    };
    std::fs::create_dir_all(folder)?;
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    Ok(())
}
