//! References to artifacts: `registry.example.nl/acme/journal@sha256:…`.

use std::fmt;
use std::str::FromStr;

/// A reference by tag or by digest. The registry is always named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OciReference {
    inner: oci_client::Reference,
}

/// A reference that cannot come to mean something else: by digest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pinned {
    inner: oci_client::Reference,
    /// The SHA-256 of the manifest, lower-case hexadecimal.
    digest: String,
}

/// Why a text is no reference, or none that is pinned.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReferenceError {
    /// It is none.
    #[error(
        "{0:?} is no reference to an artifact; write it as registry.example.nl/name@sha256:<64 hexadecimal digits>"
    )]
    Malformed(String),
    /// It is by tag, which can be moved to something else.
    #[error(
        "{0} names a tag, which can be moved to another component; pin it: `koppel pull {0}` says the line to write, oci = \"{1}@sha256:…\""
    )]
    Tag(String, String),
}

impl OciReference {
    /// The registry, with its port.
    pub fn registry(&self) -> &str {
        self.inner.registry()
    }

    /// The digest, if it is by digest.
    pub fn digest(&self) -> Option<&str> {
        self.inner.digest()
    }

    /// The same artifact by its digest (`sha256:…`).
    pub fn pinned(&self, digest: &str) -> Result<Pinned, ReferenceError> {
        let text = format!(
            "{}/{}@{digest}",
            self.inner.registry(),
            self.inner.repository()
        );
        text.parse()
    }

    pub(super) fn inner(&self) -> &oci_client::Reference {
        &self.inner
    }
}

impl FromStr for OciReference {
    type Err = ReferenceError;

    fn from_str(text: &str) -> Result<Self, ReferenceError> {
        let wrong = || ReferenceError::Malformed(text.to_owned());
        // Without a registry, others take one that the writer may not mean.
        let (registry, _) = text.split_once('/').ok_or_else(wrong)?;
        let named = registry.contains(['.', ':']) || registry == "localhost";
        let inner: oci_client::Reference = text.parse().map_err(|_| wrong())?;
        let digest = inner.digest().is_none_or(is_sha256);
        if named && digest {
            Ok(Self { inner })
        } else {
            Err(wrong())
        }
    }
}

fn is_sha256(digest: &str) -> bool {
    digest.strip_prefix("sha256:").is_some_and(|hex| {
        hex.len() == 64
            && hex
                .bytes()
                .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
    })
}

impl fmt::Display for OciReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

impl Pinned {
    /// The SHA-256 of the manifest, lower-case hexadecimal.
    pub fn sha256(&self) -> &str {
        &self.digest
    }

    /// As a reference like any other.
    pub fn reference(&self) -> OciReference {
        OciReference {
            inner: self.inner.clone(),
        }
    }
}

impl FromStr for Pinned {
    type Err = ReferenceError;

    fn from_str(text: &str) -> Result<Self, ReferenceError> {
        let OciReference { inner } = text.parse()?;
        let Some(digest) = inner
            .digest()
            .and_then(|digest| digest.strip_prefix("sha256:"))
        else {
            let name = format!("{}/{}", inner.registry(), inner.repository());
            return Err(ReferenceError::Tag(text.to_owned(), name));
        };
        Ok(Self {
            digest: digest.to_owned(),
            inner,
        })
    }
}

impl fmt::Display for Pinned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A tag beside the digest means nothing, and is not shown.
        write!(
            f,
            "{}/{}@sha256:{}",
            self.inner.registry(),
            self.inner.repository(),
            self.digest
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIGEST: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    #[test]
    fn a_reference_is_pinned_by_its_digest() {
        let text = format!("registry.example.nl/acme/journal@sha256:{DIGEST}");
        let pinned: Pinned = text.parse().unwrap();
        assert_eq!((pinned.sha256(), pinned.to_string()), (DIGEST, text));
        let both = format!("localhost:5000/journal:1.0@sha256:{DIGEST}");
        let pinned: Pinned = both.parse().unwrap();
        assert_eq!(
            pinned.to_string(),
            format!("localhost:5000/journal@sha256:{DIGEST}")
        );
    }

    #[test]
    fn a_tag_is_refused_with_what_to_do() {
        let error = "registry.example.nl/acme/journal:1.0"
            .parse::<Pinned>()
            .unwrap_err();
        assert_eq!(
            error.to_string(),
            "registry.example.nl/acme/journal:1.0 names a tag, which can be moved to another component; pin it: `koppel pull registry.example.nl/acme/journal:1.0` says the line to write, oci = \"registry.example.nl/acme/journal@sha256:…\""
        );
    }

    #[test]
    fn what_is_no_reference_is_refused() {
        for text in [
            "",
            "journal",
            "acme/journal:1.0",
            "registry.example.nl/Acme@sha256:00",
            "registry.example.nl/a@sha512:00",
            "https://registry.example.nl/a",
        ] {
            assert_eq!(
                text.parse::<Pinned>(),
                Err(ReferenceError::Malformed(text.to_owned())),
                "{text}"
            );
        }
    }
}
