//! Connectors that are not written in Rust, as components in a real host.
//! `cargo xtask other-languages` builds them.

mod address_pdok;
mod journal_xlsx;
mod legal_entity_gleif;

use crate::harness::{TestHost, repository};
use std::path::Path;
use tokio::sync::Mutex;

/// Whether the source of a connector is among those.
pub(crate) fn is_one(source: &Path) -> bool {
    source.starts_with(repository().join("plugins/other-languages"))
}

/// Whether one of them was built; said if not.
pub(crate) fn is_built(name: &str) -> bool {
    let built = repository()
        .join(format!("dist/plugins/{name}.wasm"))
        .exists();
    if !built {
        crate::servers::required(&format!(
            "dist/plugins/{name}.wasm is missing: run `cargo xtask other-languages`"
        ));
    }
    built
}

/// The lines of a client for one of them, if it was built.
fn plugin(name: &str, more: &str) -> Option<String> {
    is_built(name).then(|| crate::harness::plugin(name, more))
}

/// A host with one of them, if it was built. The first of the tests waits until
/// it is compiled, which takes long; the others find it compiled.
async fn host(name: &str, more: &str) -> Option<TestHost> {
    static COMPILING: Mutex<()> = Mutex::const_new(());
    let host = TestHost::new(&plugin(name, more)?).await;
    let _alone = COMPILING.lock().await;
    host.host.load(name).await.unwrap();
    Some(host)
}
