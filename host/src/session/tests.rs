use super::*;
use std::path::Path;

#[test]
fn a_question_is_asked_again_if_anything_was_replaced_since() {
    let text = "[platform]\ndata = \"koppel.db\"\nledger = \"ledger.db\"\n";
    let config = || Arc::new(Config::parse(Path::new("platform.toml"), text).unwrap());
    let before = Grounds {
        config: config(),
        revoked: Some(Arc::default()),
        modules: Arc::default(),
    };
    assert!(before.clone().are(&before));
    // By the same, even: what is in it is not compared.
    let replaced = [
        Grounds {
            config: config(),
            ..before.clone()
        },
        Grounds {
            revoked: Some(Arc::default()),
            ..before.clone()
        },
        Grounds {
            revoked: None,
            ..before.clone()
        },
        Grounds {
            modules: Arc::default(),
            ..before.clone()
        },
    ];
    for (at, now) in replaced.iter().enumerate() {
        assert!(!now.are(&before), "{at}");
    }
}
