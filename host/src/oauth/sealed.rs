//! Something that a browser carries for koppel and cannot make or change.

use super::base64url;
use super::store::now;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::hmac;
use ring::rand::SystemRandom;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// Seals and opens. With a key of its own, new with each start: what was sealed
/// does not outlive the process.
pub(crate) struct Seal(hmac::Key);

#[derive(Serialize, Deserialize)]
struct Sealed<T> {
    what: T,
    /// When it is too old, in seconds since 1970.
    until: i64,
}

impl Seal {
    /// # Errors
    ///
    /// When there is no randomness.
    pub(crate) fn new() -> anyhow::Result<Self> {
        hmac::Key::generate(hmac::HMAC_SHA256, &SystemRandom::new())
            .map(Self)
            .map_err(|error| anyhow::anyhow!("there is no randomness: {error}"))
    }

    /// Seals something for so many seconds, for whoever can show `to` again.
    /// It can be read, but not changed.
    ///
    /// # Errors
    ///
    /// When it has no JSON form.
    pub(crate) fn seal<T: Serialize>(
        &self,
        what: &T,
        seconds: i64,
        to: &str,
    ) -> serde_json::Result<String> {
        let until = now() + seconds;
        let text = serde_json::to_vec(&Sealed { what, until })?;
        let tag = hmac::sign(&self.0, &bound(&text, to));
        Ok(format!("{}.{}", base64url(&text), base64url(tag.as_ref())))
    }

    /// Opens what was sealed here for `to`, unless it is too old.
    pub(crate) fn open<T: DeserializeOwned>(&self, sealed: &str, to: &str) -> Option<T> {
        let (text, tag) = sealed.split_once('.')?;
        let text = URL_SAFE_NO_PAD.decode(text).ok()?;
        let tag = URL_SAFE_NO_PAD.decode(tag).ok()?;
        hmac::verify(&self.0, &bound(&text, to), &tag).ok()?;
        let sealed: Sealed<T> = serde_json::from_slice(&text).ok()?;
        (sealed.until >= now()).then_some(sealed.what)
    }
}

fn bound(text: &[u8], to: &str) -> Vec<u8> {
    // JSON holds no NUL, so the two parts have one border.
    [text, &[0], to.as_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_sealed_is_opened_here_by_whom_it_was_for_while_it_is_good() {
        let seal = Seal::new().unwrap();
        let sealed = seal.seal(&"a", 60, "anna").unwrap();
        assert_eq!(seal.open::<String>(&sealed, "anna"), Some("a".to_owned()));
        assert_eq!(seal.open::<String>(&sealed, "bas"), None);
        assert_eq!(Seal::new().unwrap().open::<String>(&sealed, "anna"), None);
        let (text, tag) = sealed.split_once('.').unwrap();
        let other = base64url(br#"{"what":"b","until":9999999999}"#);
        for forged in [
            format!("{other}.{tag}"),
            format!("{text}."),
            text.to_owned(),
        ] {
            assert_eq!(seal.open::<String>(&forged, "anna"), None, "{forged}");
        }
        let old = seal.seal(&"a", -1, "anna").unwrap();
        assert_eq!(seal.open::<String>(&old, "anna"), None);
    }
}
