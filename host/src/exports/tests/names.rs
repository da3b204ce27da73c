use super::*;
use proptest::prelude::*;

#[track_caller]
fn refused(name: &str, why: &str) {
    let exports = Exports::new();
    let error = error(exports.dir.create(name));
    assert_eq!(error, ExportError::InvalidName(why.to_owned()), "{name:?}");
    assert_eq!(error.to_string(), format!("invalid name: {why}"));
    assert!(exports.staged().is_empty());
}

#[track_caller]
fn accepted(name: &str) {
    let exports = Exports::new();
    exports.publish(name, b"x");
    assert_eq!(exports.names(), [name]);
}

#[test]
fn an_empty_name_is_refused() {
    refused("", "it has 0 bytes; 1 to 128 are allowed");
}

#[test]
fn a_name_has_128_bytes_at_most() {
    accepted(&"a".repeat(128));
    refused(&"a".repeat(129), "it has 129 bytes; 1 to 128 are allowed");
    // 65 characters of two bytes.
    refused(&"é".repeat(65), "it has 130 bytes; 1 to 128 are allowed");
}

#[test]
fn characters_other_than_letters_digits_and_three_more_are_refused() {
    let cases = [
        // Separators and paths.
        ("a/b", "'/'"),
        ("/etc/passwd", "'/'"),
        ("../a", "'/'"),
        ("a/../../b", "'/'"),
        ("a\\b", "'\\\\'"),
        ("..\\a", "'\\\\'"),
        ("C:a", "':'"),
        ("a.txt:stream", "':'"),
        ("%2e%2e%2fa", "'%'"),
        // Control characters.
        ("a\0.xaf", "'\\0'"),
        ("a\n", "'\\n'"),
        ("a\tb", "'\\t'"),
        ("a\u{7f}", "'\\u{7f}'"),
        // What a shell or a wildcard takes for something else.
        ("a b", "' '"),
        (" a", "' '"),
        ("a ", "' '"),
        ("a*", "'*'"),
        ("a?", "'?'"),
        ("~a", "'~'"),
        ("$HOME", "'$'"),
        ("a;b", "';'"),
        ("a|b", "'|'"),
        ("`a`", "'`'"),
        ("a\"b", "'\"'"),
        ("a'b", "'\\''"),
        ("a<b>", "'<'"),
        ("CONIN$", "'$'"),
        // Letters, digits and signs that only look like the allowed ones.
        ("\u{430}.xaf", "'а'"),
        ("a\u{ff0f}b", "'／'"),
        ("a\u{2215}b", "'∕'"),
        ("a\u{2024}xaf", "'․'"),
        ("\u{ff0e}\u{ff0e}", "'．'"),
        ("a\u{2010}b", "'‐'"),
        ("\u{664}.xaf", "'٤'"),
        ("COM\u{b9}", "'¹'"),
        ("é", "'é'"),
        ("e\u{301}", "'\\u{301}'"),
        ("fax.\u{202e}exe", "'\\u{202e}'"),
        ("a\u{200b}", "'\\u{200b}'"),
        ("\u{feff}a", "'\\u{feff}'"),
    ];
    for (name, shown) in cases {
        refused(
            name,
            &format!("{shown} is not allowed; letters, digits, `-`, `_` and `.` are"),
        );
    }
}

#[test]
fn a_leading_dot_or_dash_is_refused() {
    for name in [".", "..", "...", ".hidden", STAGING, "-rf", "-", "--help"] {
        refused(name, "it may not start with `.` or `-`");
    }
}

#[test]
fn a_trailing_dot_is_refused() {
    for name in ["a.", "a..", "a.xaf.", "CON."] {
        refused(name, "it may not end with `.`");
    }
}

#[test]
fn the_devices_of_windows_are_refused_in_any_case_and_with_any_extension() {
    for stem in ["CON", "PRN", "AUX", "NUL"] {
        for name in [stem.to_owned(), stem.to_lowercase()] {
            for extension in ["", ".xaf", ".tar.gz", "..x"] {
                refused(
                    &format!("{name}{extension}"),
                    &format!("{stem} is the name of a device on Windows"),
                );
            }
        }
    }
    for port in ["COM", "LPT"] {
        for number in 0..=9 {
            refused(
                &format!("{port}{number}"),
                &format!("{port}{number} is the name of a device on Windows"),
            );
            refused(
                &format!("{}{number}.xml", port.to_lowercase()),
                &format!("{port}{number} is the name of a device on Windows"),
            );
        }
    }
}

#[test]
fn names_that_only_begin_like_a_device_are_allowed() {
    for name in [
        "CONTO", "aux-1", "NUL_", "COM", "COM10", "COMA", "LPT.1", "a.CON", "x.nul",
    ] {
        accepted(name);
    }
}

#[test]
fn ordinary_names_are_allowed() {
    for name in [
        "XAF32_1001_2025-06_6.xaf",
        "a",
        "0",
        "_",
        "_-.a",
        "a..b",
        "A-",
        "loonaangifte.2025.01.xml",
    ] {
        accepted(name);
    }
}

/// Names of every sort, about half of which are allowed.
fn any_name() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        "[A-Za-z0-9_.-]{0,130}",
        "[A-Za-z0-9_][A-Za-z0-9_.-]{0,126}[a-z]",
        "[a.:/\\\\~% \u{0}\u{ff0f}\u{202e}-]{1,8}",
        "(?i)(con|prn|aux|nul|com[0-9]|lpt[0-9])(\\.[a-z]{0,3})?",
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn an_accepted_name_holds_allowed_characters_and_makes_exactly_that_file(name in any_name()) {
        let exports = Exports::new();
        let created = exports.dir.create(&name);
        if matches!(created, Err(ExportError::InvalidName(_))) {
            prop_assert!(exports.staged().is_empty());
            prop_assert_eq!(names_in(exports.folder.path()), ["exports"]);
            return Ok(());
        }
        let allowed = |c: char| matches!(c, 'a'..='z' | 'A'..='Z' | '0'..='9' | '-' | '_' | '.');
        prop_assert!(name.chars().all(allowed), "{:?}", name);
        prop_assert!((1..=128).contains(&name.len()));
        prop_assert!(!name.starts_with(['.', '-']) && !name.ends_with('.'));

        let mut writer = created.map_err(|error| TestCaseError::fail(error.to_string()))?;
        writer.write(b"bytes").unwrap();
        writer.seal().unwrap().publish().unwrap();
        prop_assert_eq!(exports.names(), [name.as_str()]);
        prop_assert_eq!(exports.read(&name), b"bytes");
        prop_assert!(exports.path().join(&name).metadata().unwrap().is_file());
        prop_assert!(exports.staged().is_empty());
        // Nothing beside the directory either.
        prop_assert_eq!(names_in(exports.folder.path()), ["exports"]);
    }
}
