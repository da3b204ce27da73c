//! The keys that what is stored is encrypted with.

use super::*;

const SOME: &str = "[platform]\n[encryption]\nactive = \"2026\"\n[encryption.keys]\n";

#[test]
fn keys_are_references_and_tell_where_they_are_written() {
    let config = resolved(&format!(
        "{SOME}2026 = {{ env = \"KEY\" }}\n2025 = {{ file = \"old.key\" }}\n"
    ));
    let key = |value, line: &str| EncryptionKey {
        value,
        place: format!("{PATH}:{line}"),
    };
    let expected = Encryption {
        active: Some("2026".to_owned()),
        keys: [
            (
                "2026".to_owned(),
                key(SecretReference::Env("KEY".to_owned()), "5:8"),
            ),
            (
                "2025".to_owned(),
                key(SecretReference::File("/etc/koppel/old.key".into()), "6:8"),
            ),
        ]
        .into(),
        place: format!("{PATH}:2:1"),
    };
    assert_eq!(*config.encryption, expected);
}

#[test]
fn without_encryption_there_is_no_active_key() {
    let config = resolved("[platform]\n");
    assert_eq!(config.encryption.active, None);
    assert!(config.encryption.keys.is_empty());
}

#[test]
fn an_active_key_must_be_one_of_the_keys() {
    assert_eq!(
        fault(&format!("{SOME}2025 = {{ env = \"KEY\" }}\n")),
        "3: [encryption] has no key \"2026\": add `2026 = { env = \"…\" }` under [encryption.keys]; its keys are: \"2025\""
    );
    assert_eq!(
        fault("[platform]\n[encryption]\nactive = \"2026\"\n"),
        "3: [encryption] has no key \"2026\": add `2026 = { env = \"…\" }` under [encryption.keys]"
    );
}

#[test]
fn the_name_of_a_key_is_plain_and_a_key_itself_is_refused_without_repeating_it() {
    assert_eq!(
        fault(&format!(
            "{SOME}2026 = {{ env = \"KEY\" }}\n\"a:b\" = {{ env = \"KEY\" }}\n"
        )),
        "6: [encryption.keys] \"a:b\" must be letters, digits, `-` and `_`, at most 64"
    );
    let told = fault(&format!("{SOME}2026 = \"c2VjcmV0\"\n"));
    assert!(
        told.contains("the secret itself is never in this file"),
        "{told}"
    );
    assert!(!told.contains("c2VjcmV0"), "{told}");
}
