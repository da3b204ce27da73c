//! From a host to its addresses.

use async_trait::async_trait;
use std::net::IpAddr;

/// Resolves names. Tests put their own in its place.
#[async_trait]
pub trait Resolve: Send + Sync {
    /// All addresses of a host.
    ///
    /// # Errors
    ///
    /// What the operating system says.
    async fn resolve(&self, host: &str) -> std::io::Result<Vec<IpAddr>>;
}

/// The resolver of the operating system.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemResolver;

#[async_trait]
impl Resolve for SystemResolver {
    async fn resolve(&self, host: &str) -> std::io::Result<Vec<IpAddr>> {
        // The port does not matter here; the URL's is used to connect.
        let addresses = tokio::net::lookup_host((host, 0)).await?;
        Ok(addresses.map(|address| address.ip()).collect())
    }
}
