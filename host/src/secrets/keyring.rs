//! Secrets in the keyring of the operating system: that of the Linux kernel
//! (keyrings(7)), which needs no daemon and no desktop, and forgets at a
//! restart of the machine.
//!
//! Secret Service, the keyring of desktops, was not chosen: it takes D-Bus and
//! someone who unlocks it.

use secrecy::zeroize::Zeroizing;

/// The secret in the key of type `user` with this description: of the session
/// keyring, which a service manager may have filled, and all that is linked to
/// it, or else of the keyring of the user.
///
/// # Errors
///
/// In words for the operator.
#[cfg(target_os = "linux")]
pub(super) fn read(description: &str) -> Result<Zeroizing<String>, String> {
    use linux_keyutils::{KeyError, KeyRing, KeyRingIdentifier};
    let found = |ring| KeyRing::from_special_id(ring, false)?.search(description);
    let key = found(KeyRingIdentifier::Session)
        .or_else(|_| found(KeyRingIdentifier::User))
        .map_err(|error| match error {
            KeyError::KeyDoesNotExist => format!(
                "the keyring has no key \"{description}\"; `keyctl padd user {description} @u` adds it"
            ),
            error => unusable(description, error),
        })?;
    let mut bytes = Zeroizing::new(vec![0; LARGEST]);
    let size = key
        .read(&mut bytes)
        .map_err(|error| unusable(description, error))?;
    let text = bytes
        .get(..size)
        .and_then(|bytes| std::str::from_utf8(bytes).ok());
    match text {
        Some(text) => Ok(Zeroizing::new(text.to_owned())),
        None => Err(format!("key \"{description}\" of the keyring is not text")),
    }
}

/// The largest key of type `user`, in bytes (keyrings(7)).
#[cfg(target_os = "linux")]
const LARGEST: usize = 32_767;

#[cfg(target_os = "linux")]
fn unusable(description: &str, error: linux_keyutils::KeyError) -> String {
    use linux_keyutils::KeyError;
    match error {
        // What is in no keyring of its session is not for this process.
        KeyError::AccessDenied | KeyError::PermissionDenied => format!(
            "key \"{description}\" of the keyring may not be read by this process: link the keyring that holds it to its session (`keyctl link @u @s`; systemd: KeyringMode=shared)"
        ),
        error => format!("key \"{description}\" of the keyring cannot be used: {error}"),
    }
}

/// There is none.
///
/// # Errors
///
/// Always.
#[cfg(not(target_os = "linux"))]
pub(super) fn read(_: &str) -> Result<Zeroizing<String>, String> {
    Err("the keyring is that of Linux; use { env = … } or { file = … } here".to_owned())
}
