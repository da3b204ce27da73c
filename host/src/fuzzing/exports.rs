use crate::exports::check_name;
use std::path::{Component, Path};

/// The name of an export file: one that is not refused names one file in its
/// directory, on every system.
pub fn export_name(data: &[u8]) {
    let Ok(name) = std::str::from_utf8(data) else {
        return;
    };
    if let Err(why) = check_name(name) {
        assert!(!why.is_empty());
        // It is told to the connector and the operator.
        assert!(!why.contains(char::is_control), "{why:?}");
        return;
    }
    assert!((1..=128).contains(&name.len()));
    let mut components = Path::new(name).components();
    assert!(matches!(components.next(), Some(Component::Normal(one)) if one == name));
    assert_eq!(components.next(), None);
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    assert!(name.chars().all(plain), "{name}");
    assert!(
        !name.starts_with(['.', '-']) && !name.ends_with('.'),
        "{name}"
    );
    // Where names differ in their case only, or end at the first dot.
    let stem = name.split('.').next().map(str::to_ascii_lowercase);
    let device = ["con", "prn", "aux", "nul", "com1", "lpt1"];
    assert!(
        stem.is_none_or(|stem| !device.contains(&stem.as_str())),
        "{name}"
    );
}
