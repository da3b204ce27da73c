use crate::admission::{admit, inspect};
use crate::authorization::ActivitySet;
use crate::sandbox::Sandbox;
use std::sync::LazyLock;

static SANDBOX: LazyLock<Sandbox> = LazyLock::new(|| match Sandbox::new() {
    Ok(sandbox) => sandbox,
    Err(error) => panic!("no sandbox: {error:#}"),
});

/// A component: any bytes are refused with a reason, or are a connector whose
/// imports are a request that only what it names can satisfy.
pub fn admission(data: &[u8]) {
    let engine = SANDBOX.engine();
    let inspection = match inspect(engine, data) {
        Ok((_, inspection)) => inspection,
        Err(refusal) => {
            assert!(!refusal.to_string().is_empty());
            return;
        }
    };
    assert!(!inspection.kinds.is_empty());
    assert!(inspection.unknown.is_empty());
    assert_eq!(inspection.size, data.len());
    let admitted = |granted: &ActivitySet, http, exports| {
        admit("fuzzed", &inspection, granted, http, exports).is_ok()
    };
    let all: ActivitySet = inspection.activities.iter().copied().collect();
    assert!(admitted(&all, true, true));
    assert_eq!(admitted(&all, false, true), !inspection.http);
    assert_eq!(admitted(&all, true, false), !inspection.exports);
    for missing in &inspection.activities {
        let others = inspection.activities.iter().copied();
        let others = others.filter(|activity| activity != missing).collect();
        assert!(!admitted(&others, true, true), "without {missing}");
    }
}
