//! Components in the object store of NATS: a host that does not have one gets it
//! there, by its digest.

use crate::config::{Client, Nats};
use crate::distribution::signature_file;
use async_nats::jetstream::Context;
use async_nats::jetstream::object_store::{Config, ObjectStore};
use async_nats::jetstream::stream::StorageType;
use sha2::{Digest, Sha256};
use std::io::Write;
use std::path::Path;
use tokio::io::AsyncReadExt;

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
pub(crate) struct Components(ObjectStore);

impl Components {
    /// Opens the store, or makes it.
    pub(crate) async fn open(context: &Context, config: &Nats) -> Result<Self, String> {
        let bucket = format!("{}-components", config.name);
        if let Ok(store) = context.get_object_store(&bucket).await {
            return Ok(Self(store));
        }
        let made = context.create_object_store(Config {
            bucket,
            storage: StorageType::File,
            num_replicas: config.replicas,
            ..Config::default()
        });
        let store = made.await.map_err(|error| format!("NATS: {error}"))?;
        Ok(Self(store))
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
        if let Some(mut signature) = signature {
            let name = signature_of(&digest);
            let put = self.0.put(name.as_str(), &mut signature).await;
            put.map_err(|error| format!("NATS: {error}"))?;
        }
        if self.0.info(&digest).await.is_ok() {
            return Ok(digest);
        }
        let mut reader = bytes;
        let put = self.0.put(digest.as_str(), &mut reader).await;
        put.map_err(|error| format!("NATS: {error}"))?;
        Ok(digest)
    }

    /// The signature of a component, if one was published. What it is worth is
    /// found out when the component is loaded.
    async fn signature(&self, digest: &str) -> Option<Vec<u8>> {
        let object = self.0.get(signature_of(digest)).await.ok()?;
        let mut bytes = Vec::new();
        object.take(SIGNATURE).read_to_end(&mut bytes).await.ok()?;
        Some(bytes)
    }

    /// The component of a digest. What is there under it is not trusted.
    pub(crate) async fn fetch(&self, digest: &str) -> Result<Vec<u8>, String> {
        let object = self.0.get(digest).await;
        let mut object =
            object.map_err(|error| format!("the object store has no {digest}: {error}"))?;
        if object.info().size > MOST {
            return Err(format!(
                "the object {digest} has {} bytes, and a component may have {MOST}",
                object.info().size
            ));
        }
        let mut bytes = Vec::new();
        let read = (&mut object)
            .take(MOST as u64 + 1)
            .read_to_end(&mut bytes)
            .await;
        read.map_err(|error| format!("the object {digest} cannot be read: {error}"))?;
        let found = hex::encode(Sha256::digest(&bytes));
        if found != digest {
            return Err(format!(
                "the object {digest} of the object store has SHA-256 {found}, and is not used"
            ));
        }
        Ok(bytes)
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
        let bytes = self.fetch(digest).await?;
        if let Some(signature) = self.signature(digest).await {
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
