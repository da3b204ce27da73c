use super::*;
use crate::ledger::Redactor;

const SECRET: &str = "s3cret-value";

fn file(text: &str) -> (tempfile::TempDir, SecretReference) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("secret");
    std::fs::write(&path, text).unwrap();
    (dir, SecretReference::File(path))
}

#[test]
fn a_secret_is_read_without_the_space_around_it_and_made_known_to_the_redactor() {
    let (_dir, reference) = file("  s3cret-value\r\n");
    let redactor = Redactor::default();
    let secret = read(&reference, &redactor).unwrap();
    assert_eq!(secret.expose_secret(), SECRET);
    assert_eq!(redactor.text(format!("a {SECRET}")), "a [redacted]");
}

#[test]
fn a_secret_that_is_not_there_is_named_by_its_reference() {
    let redactor = Redactor::default();
    let fault = |reference: &SecretReference| read(reference, &redactor).unwrap_err();
    let (dir, reference) = file(" \n");
    assert_eq!(fault(&reference), "it is empty");
    let none = dir.path().join("none");
    assert_eq!(
        fault(&SecretReference::File(none.clone())),
        format!(
            "{} cannot be read: No such file or directory (os error 2)",
            none.display()
        )
    );
    assert_eq!(
        fault(&SecretReference::Env("KOPPEL_NO_SUCH_VARIABLE".to_owned())),
        "environment variable KOPPEL_NO_SUCH_VARIABLE is not set"
    );
}

#[test]
fn what_holds_a_secret_does_not_show_it() {
    let (_dir, reference) = file(SECRET);
    let redactor = Redactor::default();
    let secret = read(&reference, &redactor).unwrap();
    assert_eq!(format!("{secret:?}"), "SecretBox<str>([REDACTED])");
    assert!(!format!("{reference:?} {redactor:?}").contains(SECRET));
    for place in [
        CredentialPlace::Header {
            name: "x-key".to_owned(),
            scheme: Some("Bearer".to_owned()),
        },
        CredentialPlace::Query {
            name: "key".to_owned(),
        },
    ] {
        let configured = config::Credential {
            place,
            value: reference.clone(),
        };
        let made = credential(&configured, &redactor).unwrap();
        assert!(!format!("{configured:?} {made:?}").contains(SECRET));
    }
}

#[test]
fn a_secret_that_no_header_can_hold_is_not_quoted() {
    let (_dir, value) = file("s3cret\nvalue");
    let place = CredentialPlace::Header {
        name: "x-key".to_owned(),
        scheme: None,
    };
    let credential = config::Credential { place, value };
    assert_eq!(
        super::credential(&credential, &Redactor::default()).unwrap_err(),
        "it has characters that a header cannot hold"
    );
}

#[cfg(target_os = "linux")]
mod keyring {
    use super::*;
    use linux_keyutils::{Key, KeyRing, KeyRingIdentifier};

    /// A key that is removed at the end of a test.
    struct TestKey(Key);

    impl Drop for TestKey {
        fn drop(&mut self) {
            // It also goes with the machine.
            let _ = self.0.invalidate();
        }
    }

    /// Puts a key into a keyring of this kernel, or says why there is none: a
    /// container often may not.
    fn key(ring: KeyRingIdentifier, description: &str, secret: &[u8]) -> Option<TestKey> {
        let added =
            KeyRing::from_special_id(ring, true).and_then(|ring| ring.add_key(description, secret));
        match added {
            Ok(key) => Some(TestKey(key)),
            Err(error) => {
                eprintln!("skipped: this kernel gives no keyring: {error}");
                None
            }
        }
    }

    fn read(description: &str) -> Result<String, String> {
        let reference = SecretReference::Keyring(description.to_owned());
        let secret = super::read(&reference, &Redactor::default())?;
        Ok(secret.expose_secret().to_owned())
    }

    // Each test is a thread of its own, and so has a session keyring of its
    // own from where it makes one.

    #[test]
    fn a_secret_is_read_from_the_keyring_of_the_user() {
        let name = format!("koppel-test-{}", uuid::Uuid::now_v7());
        let Some(key) = key(KeyRingIdentifier::User, &name, b"s3cret-value\n") else {
            return;
        };
        assert_eq!(read(&name).as_deref(), Ok(SECRET));
        // A secret that is replaced is read anew.
        key.0.update(b"another-value").unwrap();
        assert_eq!(read(&name).as_deref(), Ok("another-value"));
        key.0.revoke().unwrap();
        assert_eq!(
            read(&name).unwrap_err(),
            format!("key \"{name}\" of the keyring cannot be used: KeyRevoked")
        );
        assert_eq!(
            read("koppel-test-no-such-key").unwrap_err(),
            "the keyring has no key \"koppel-test-no-such-key\"; `keyctl padd user koppel-test-no-such-key @u` adds it"
        );
    }

    #[test]
    fn a_secret_is_read_from_the_keyring_of_the_session_alone_if_that_is_private() {
        let [name, other] =
            ["session", "user"].map(|ring| format!("koppel-test-{ring}-{}", uuid::Uuid::now_v7()));
        let (Some(_key), Some(_other)) = (
            key(KeyRingIdentifier::Session, &name, b"s3cret-value"),
            key(KeyRingIdentifier::User, &other, b"another-value"),
        ) else {
            return;
        };
        assert_eq!(read(&name).as_deref(), Ok(SECRET));
        assert_eq!(
            read(&other).unwrap_err(),
            format!(
                "key \"{other}\" of the keyring may not be read by this process: link the keyring that holds it to its session (`keyctl link @u @s`; systemd: KeyringMode=shared)"
            )
        );
    }

    #[test]
    fn a_key_that_is_no_text_or_has_no_name_is_no_secret() {
        let name = format!("koppel-test-{}", uuid::Uuid::now_v7());
        let Some(_key) = key(KeyRingIdentifier::User, &name, &[0xff, 0xfe]) else {
            return;
        };
        assert_eq!(
            read(&name).unwrap_err(),
            format!("key \"{name}\" of the keyring is not text")
        );
        assert_eq!(
            read("a\0b").unwrap_err(),
            "key \"a\0b\" of the keyring cannot be used: InvalidDescription"
        );
    }
}
