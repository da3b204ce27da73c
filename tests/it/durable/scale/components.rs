//! A host that does not have a component gets it where the hosts share them.

use super::{EXACT, Installation, Party, clients};
use crate::harness::component;
use koppel_host::durable::State;
use sha2::{Digest, Sha256};

#[tokio::test(flavor = "multi_thread")]
async fn a_pinned_component_that_is_not_there_is_fetched_by_its_digest() {
    let party = Party::start().await;
    let own = clients(party.port, "", "");
    let Some(installation) = Installation::new(8, &own, "").await else {
        return;
    };
    let published = installation.koppel(&["components", "publish", EXACT]);
    assert!(published.status.success(), "{published:?}");
    let here = component("plugins/journal-exact.wasm");
    let digest = hex::encode(Sha256::digest(std::fs::read(&here).unwrap()));
    assert!(String::from_utf8_lossy(&published.stdout).contains(&digest));

    // Another machine, which has the configuration only.
    let folder = installation.folder("elsewhere", installation.servers.ports());
    let path = folder.join("platform.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    let pinned = format!("component = \"components/exact.wasm\"\nsha256 = \"{digest}\"");
    let text = text.replacen(&format!("component = {here:?}"), &pinned, 1);
    std::fs::write(&path, text).unwrap();
    let _serve = super::Serve::start(&folder);
    let run = installation.book(1).await;
    super::super::until(&installation.office, run.id, &[State::Succeeded]).await;
    let fetched = std::fs::read(folder.join("components/exact.wasm")).unwrap();
    assert_eq!(hex::encode(Sha256::digest(&fetched)), digest);
}
