//! Components in the object store of NATS: a host that does not have one gets it
//! there, by its digest.

use super::objects::Objects;
use crate::config::{Client, Nats};
use async_nats::jetstream::Context;
use std::io::Write;
use std::path::Path;

/// The largest component that is taken, in bytes.
const MOST: usize = 64 << 20;

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

    /// Puts a component there; gives its digest.
    pub(crate) async fn publish(&self, bytes: &[u8]) -> Result<String, String> {
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
