use super::*;
use crate::authorization::Revoked;

/// A configuration, with what was taken back shared with other hosts, and what
/// the checks look at.
fn grounds(dir: &tempfile::TempDir) -> (Live, Grounds) {
    let path = dir.path().join("platform.toml");
    let text = "[platform]\ndata = \"koppel.db\"\nledger = \"ledger.db\"\n";
    std::fs::write(&path, text).unwrap();
    let mut config = Config::load(&path).unwrap();
    config.grants.revoked = Revoked::shared();
    let live = Live::new(config);
    let config = live.now();
    let grounds = Grounds {
        revoked: config.grants.revoked.now(),
        config,
        modules: Some(Arc::default()),
    };
    (live, grounds)
}

#[test]
fn a_question_is_asked_again_if_anything_was_replaced_since() {
    let dir = tempfile::tempdir().unwrap();
    let (live, before) = grounds(&dir);
    let modules = before.modules.as_ref();
    assert!(before.hold(&live, modules));
    // Each by the same, even: what is in it is not compared.
    assert!(!before.hold(&live, Some(&Arc::default())));
    assert!(!before.hold(&live, None));
    live.now().grants.revoked.replace(Revocations::default());
    assert!(!before.hold(&live, modules));

    let (live, before) = grounds(&dir);
    assert!(before.hold(&live, before.modules.as_ref()));
    live.reload();
    assert!(!before.hold(&live, before.modules.as_ref()));
}

#[test]
fn nothing_was_replaced_where_nothing_is_taken_back() {
    let shared = Revoked::shared();
    let then = shared.now();
    assert!(shared.is(then.as_ref()));
    assert!(!shared.is(None));
    assert!(Revoked::default().is(None));
    assert!(!Revoked::default().is(then.as_ref()));
}
