use super::*;
use crate::config::EncryptionKey;
use std::collections::BTreeMap;

impl Vault {
    /// Keys of these names, of which the first is active. The same name is the
    /// same key.
    pub(crate) fn of(ids: &[&str]) -> Self {
        let keys = ids.iter().map(|id| ((*id).to_owned(), *id));
        Self::with(keys.collect(), ids.first().copied())
    }

    /// Keys by name, each made from a text.
    fn with(made: BTreeMap<String, &str>, active: Option<&str>) -> Self {
        let reference = |id: &str| SecretReference::Env(format!("KOPPEL_TEST_{id}"));
        let keys = made.keys().map(|id| {
            let key = EncryptionKey {
                value: reference(id),
                place: format!("platform.toml:9:{}", id.len()),
            };
            (id.clone(), key)
        });
        let vault = Self::new(
            Arc::new(Encryption {
                active: active.map(ToOwned::to_owned),
                keys: keys.collect(),
                place: "platform.toml:7:1".to_owned(),
            }),
            Redactor::default(),
        );
        for (id, text) in &made {
            let mut bytes = [b'.'; 32];
            bytes[..text.len()].copy_from_slice(text.as_bytes());
            let key = Key::new(id, &STANDARD.encode(bytes)).unwrap();
            let mut read = vault.0.read.lock().unwrap();
            read.insert(id.clone(), (reference(id), Arc::new(key)));
        }
        vault
    }
}

const PLAIN: &[u8] = b"{\"bsn\":\"999993653\"}";

fn sealed(vault: &Vault) -> Vec<u8> {
    vault.seal("row 1", PLAIN.to_vec()).unwrap()
}

#[test]
fn what_is_encrypted_is_read_with_its_key_and_tells_only_its_name() {
    let vault = Vault::of(&["2026"]);
    let stored = sealed(&vault);
    assert!(stored.starts_with(b"sealed:2026:"));
    assert!(memchr::memmem::find(&stored, b"999993653").is_none());
    assert_eq!(vault.open("row 1", stored.clone()).unwrap(), PLAIN);
    // The same is never stored the same.
    assert_ne!(sealed(&vault), stored);
}

#[test]
fn without_keys_nothing_is_encrypted_and_what_is_in_clear_text_is_read_with_keys() {
    assert_eq!(sealed(&Vault::default()), PLAIN);
    let read = Vault::of(&["2026"]).open("row 1", PLAIN.to_vec());
    assert_eq!(read.unwrap(), PLAIN);
}

#[test]
fn another_key_takes_over_and_the_old_one_is_still_read() {
    let stored = sealed(&Vault::of(&["2025"]));
    let both = Vault::of(&["2026", "2025"]);
    assert_eq!(both.open("row 1", stored).unwrap(), PLAIN);
    assert!(sealed(&both).starts_with(b"sealed:2026:"));
}

#[test]
fn what_is_changed_or_moved_is_not_read() {
    let vault = Vault::of(&["2026"]);
    let stored = sealed(&vault);
    let moved = vault.open("row 2", stored.clone());
    assert_eq!(moved, Err(EncryptionError::Changed));
    let begin = stored.len() - PLAIN.len() - 16 - 12;
    for at in begin..stored.len() {
        let mut changed = stored.clone();
        changed[at] ^= 1;
        let read = vault.open("row 1", changed);
        assert_eq!(read, Err(EncryptionError::Changed), "byte {at}");
    }
    for size in begin..stored.len() {
        let read = vault.open("row 1", stored[..size].to_vec());
        assert_eq!(read, Err(EncryptionError::Changed), "{size} bytes");
    }
}

#[test]
fn a_missing_key_and_another_of_its_name_are_named_with_their_line() {
    let stored = sealed(&Vault::of(&["2025"]));
    let missing = Vault::of(&["2026"]).open("row 1", stored.clone());
    assert_eq!(
        missing.unwrap_err().to_string(),
        "it is encrypted with key \"2025\", which is not in the configuration: add `\"2025\" = { env = \"…\" }` under [encryption.keys] (platform.toml:7:1)"
    );
    let other = Vault::with([("2025".to_owned(), "other")].into(), Some("2025"));
    assert_eq!(
        other.open("row 1", stored).unwrap_err().to_string(),
        "platform.toml:9:4: [encryption.keys] \"2025\" is not the key of this name that it was encrypted with: give each key a name of its own"
    );
}

#[test]
fn what_is_no_key_is_told_without_it() {
    for secret in ["short", "not Base64 at all, and longer than a key is", ""] {
        let told = Key::new("2026", secret).err().unwrap();
        assert_eq!(
            told,
            "it is no key: it must be 32 bytes in Base64; `koppel keys new` makes one"
        );
    }
    assert!(Key::new("2026", &new_key().unwrap()).is_ok());
}
