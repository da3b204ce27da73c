//! Passwords: hashed with Argon2id, compared where it may take its time.

use argon2::{Argon2, PasswordHasher, PasswordVerifier, password_hash::phc::PasswordHash};
use secrecy::zeroize::Zeroizing;
use tokio::sync::Semaphore;

/// The longest password, in bytes.
const MAX_BYTES: usize = 1024;

/// How many are compared at a time: each takes 19 MiB and some 20 ms.
static PLACES: Semaphore = Semaphore::const_new(4);

/// Compared with when there is no user, so that it takes as long as when there
/// is one. It is no hash of any password: its bytes are made up.
const NOBODY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$bm9ib2R5LW5vYm9keQ$c29tZSBieXRlcyB0aGF0IGFyZSBubyBoYXNoIQ";

/// The Argon2id hash of a password, in PHC string format, with the parameters
/// of RFC 9106 as the OWASP recommends them (19 MiB, two passes).
///
/// # Errors
///
/// When the password is empty or longer than 1024 bytes, or there is no
/// randomness.
pub fn hash(password: &str) -> Result<String, String> {
    if password.is_empty() || password.len() > MAX_BYTES {
        return Err(format!("a password has 1 to {MAX_BYTES} bytes"));
    }
    Argon2::default()
        .hash_password(password.as_bytes())
        .map(|hash| hash.to_string())
        .map_err(|error| error.to_string())
}

/// Whether a password is the one of this hash; never without a hash.
pub(crate) async fn verify(password: String, hash: Option<String>) -> bool {
    let password = Zeroizing::new(password);
    if password.len() > MAX_BYTES {
        return false;
    }
    // Closed never: it is static.
    let Ok(_place) = PLACES.acquire().await else {
        return false;
    };
    let compared = tokio::task::spawn_blocking(move || {
        let known = hash.is_some();
        let hash = hash.unwrap_or_else(|| NOBODY.to_owned());
        let fits = PasswordHash::new(&hash).is_ok_and(|hash| {
            Argon2::default()
                .verify_password(password.as_bytes(), &hash)
                .is_ok()
        });
        known && fits
    });
    compared.await.unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_password_fits_its_own_hash_only() {
        let first = hash("correct horse").unwrap();
        assert!(
            first.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"),
            "{first}"
        );
        assert_ne!(first, hash("correct horse").unwrap());
        assert!(verify("correct horse".to_owned(), Some(first.clone())).await);
        assert!(!verify("correct hors".to_owned(), Some(first)).await);
        assert!(!verify(String::new(), None).await);
    }

    #[test]
    fn the_hash_of_nobody_can_be_compared_with() {
        assert!(PasswordHash::new(NOBODY).unwrap().hash.is_some());
    }

    #[test]
    fn a_password_has_bounds() {
        assert_eq!(hash("").unwrap_err(), "a password has 1 to 1024 bytes");
        assert!(hash(&"x".repeat(1025)).is_err());
    }
}
