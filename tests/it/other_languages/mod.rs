//! Connectors that are not written in Rust, as components in a real host.
//! `cargo xtask other-languages` builds them.

mod address_pdok;
mod journal_xlsx;

use crate::harness::repository;

/// The lines of a client for one of them, or none with a notice when it was not
/// built; then `.ci/run` fails.
fn plugin(name: &str, more: &str) -> Option<String> {
    let path = repository().join(format!("dist/plugins/{name}.wasm"));
    if path.exists() {
        return Some(crate::harness::plugin(name, more));
    }
    assert!(
        std::env::var_os("KOPPEL_REQUIRE_SERVERS").is_none(),
        "{} is missing: run `cargo xtask other-languages`",
        path.display()
    );
    eprintln!("skipped: {} is missing", path.display());
    None
}
