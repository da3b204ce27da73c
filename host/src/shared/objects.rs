//! An object store of NATS whose objects are called by their SHA-256. What is in
//! it is trusted for nothing.

use super::nats::told;
use async_nats::jetstream::Context;
use async_nats::jetstream::object_store::{Config, ObjectStore};
use async_nats::jetstream::stream::StorageType;
use sha2::{Digest, Sha256};
use tokio::io::AsyncReadExt;

/// The objects of one bucket.
#[derive(Clone)]
pub(super) struct Objects {
    store: ObjectStore,
    /// The largest that is taken, in bytes.
    most: usize,
}

impl Objects {
    /// Opens a bucket that is there.
    pub(super) async fn find(context: &Context, bucket: &str, most: usize) -> Result<Self, String> {
        let store = context.get_object_store(bucket).await.map_err(told)?;
        Ok(Self { store, most })
    }

    /// Opens a bucket, or makes it.
    pub(super) async fn open(
        context: &Context,
        bucket: &str,
        replicas: usize,
        most: usize,
    ) -> Result<Self, String> {
        if let Ok(found) = Self::find(context, bucket, most).await {
            return Ok(found);
        }
        let made = context.create_object_store(Config {
            bucket: bucket.to_owned(),
            storage: StorageType::File,
            num_replicas: replicas,
            ..Config::default()
        });
        let store = made.await.map_err(told)?;
        Ok(Self { store, most })
    }

    /// Puts an object there; gives its digest.
    pub(super) async fn put(&self, bytes: &[u8]) -> Result<String, String> {
        if bytes.len() > self.most {
            let (size, most) = (bytes.len(), self.most);
            return Err(format!("it has {size} bytes, and may have {most}"));
        }
        let digest = hex::encode(Sha256::digest(bytes));
        if self.store.info(&digest).await.is_ok() {
            return Ok(digest);
        }
        let mut reader = bytes;
        let put = self.store.put(digest.as_str(), &mut reader).await;
        put.map_err(told)?;
        Ok(digest)
    }

    /// Puts something under a name of its own, in place of what was there.
    pub(super) async fn put_as(&self, name: &str, bytes: &[u8]) -> Result<(), String> {
        let mut reader = bytes;
        let put = self.store.put(name, &mut reader).await;
        put.map(|_| ()).map_err(told)
    }

    /// What is under a name, at most so many bytes of it; none if nothing is.
    pub(super) async fn small(&self, name: &str, most: u64) -> Option<Vec<u8>> {
        let object = self.store.get(name).await.ok()?;
        let mut bytes = Vec::new();
        object.take(most).read_to_end(&mut bytes).await.ok()?;
        Some(bytes)
    }

    /// The object of a digest.
    pub(super) async fn fetch(&self, digest: &str) -> Result<Vec<u8>, String> {
        let object = self.store.get(digest).await;
        let mut object =
            object.map_err(|error| format!("the object store has no {digest}: {error}"))?;
        if object.info().size > self.most {
            return Err(format!(
                "the object {digest} has {} bytes, and may have {}",
                object.info().size,
                self.most
            ));
        }
        let mut bytes = Vec::new();
        let read = (&mut object)
            .take(self.most as u64 + 1)
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
}
