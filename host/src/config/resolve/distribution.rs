//! References to components in registries, the registries, and trusted keys.

use super::Resolver;
use crate::config::distribution::{Distribution, Registry, Signatures, Written, WrittenRegistry};
use crate::distribution::{Key, Pinned, Policy};
use std::collections::BTreeMap;
use toml::Spanned;

impl Resolver<'_> {
    pub(super) fn distribution(
        &mut self,
        written: Written,
        registries: BTreeMap<String, Spanned<WrittenRegistry>>,
    ) -> Distribution {
        let mut keys = Vec::new();
        for text in &written.trusted_keys {
            match text.get_ref().parse::<Key>() {
                Ok(key) => keys.push(key),
                Err(error) => self.fault(Some(&text.span()), error.to_string()),
            }
        }
        let signatures = written.signatures.as_ref().map(|word| *word.get_ref());
        match (signatures, written.trusted_keys.first()) {
            (Some(Signatures::Required), None) => {
                let span = written.signatures.as_ref().map(Spanned::span);
                self.fault(
                    span.as_ref(),
                    "signatures = \"required\" needs the keys that are trusted: add trusted-keys = [\"RW…\"]".to_owned(),
                );
            }
            (None, Some(first)) => self.fault(
                Some(&first.span()),
                "trusted-keys are used only with signatures = \"required\": add that, or signatures = \"optional\"".to_owned(),
            ),
            _ => {}
        }
        let registries = registries.into_iter().map(|(name, registry)| {
            let resolved = self.registry(&name, registry);
            (name, resolved)
        });
        Distribution {
            registries: registries.collect(),
            cache: self.base.join(written.cache),
            signatures: Policy {
                required: signatures == Some(Signatures::Required),
                keys,
            },
        }
    }

    fn registry(&mut self, name: &str, written: Spanned<WrittenRegistry>) -> Registry {
        let span = written.span();
        let WrittenRegistry {
            username,
            password,
            plain_http,
            trusted_roots,
        } = written.into_inner();
        if name.contains('/') || !(name.contains(['.', ':']) || name == "localhost") {
            self.fault(
                Some(&span),
                format!("{name:?} is no registry: write its host, and its port if it has one, such as [registries.\"registry.example.nl:5000\"]"),
            );
        }
        let credential = match (username, password) {
            (Some(user), Some(password)) => Some((user, self.secret(password))),
            (None, None) => None,
            _ => {
                let text = format!("[registries.\"{name}\"] username and password go together");
                self.fault(Some(&span), text);
                None
            }
        };
        if plain_http && credential.is_some() && !is_local(name) {
            let text = format!(
                "[registries.\"{name}\"] a password does not go over plain HTTP, but to this machine: remove plain-http"
            );
            self.fault(Some(&span), text);
        }
        Registry {
            credential,
            plain_http,
            trusted_roots: trusted_roots.map(|path| self.base.join(path)),
        }
    }

    /// A reference that is pinned, or a fault.
    pub(super) fn oci(&mut self, text: &Spanned<String>) -> Option<Pinned> {
        match text.get_ref().parse() {
            Ok(pinned) => Some(pinned),
            Err(error) => {
                let error: crate::distribution::ReferenceError = error;
                self.fault(Some(&text.span()), format!("oci: {error}"));
                None
            }
        }
    }
}

/// Whether a registry is on this machine.
fn is_local(name: &str) -> bool {
    url::Url::parse(&format!("http://{name}"))
        .is_ok_and(|url| super::application::is_loopback(&url))
}
