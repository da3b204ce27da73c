//! Connectors that are not written in Rust, as components in a real host.
//! `cargo xtask other-languages` builds them.

mod address_pdok;
mod journal_xlsx;
mod legal_entity_gleif;

use crate::harness::{TestHost, repository};
use crate::lookups::Party;
use koppel_host::ledger::Kind;
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

/// The party was asked this once, and the ledger has the request and its reply.
async fn asked_once(party: &Party, host: &TestHost, asked: &str) {
    let seen = party.seen();
    assert_eq!(seen.len(), 1);
    assert_eq!(seen[0].uri, asked);
    let rows = host.rows(&Kind::MESSAGES).await;
    let summary = format!("GET http://party.test:{}{asked}", party.port);
    let summaries: Vec<&str> = rows.iter().map(|row| row.summary.as_str()).collect();
    assert_eq!(summaries, [summary.as_str(), summary.as_str()]);
}
