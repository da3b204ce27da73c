//! What the file says of the keys that what is stored is encrypted with.

use super::{Resolver, is_name};
use crate::config::encryption::WrittenEncryption;
use crate::config::{Encryption, EncryptionKey};
use crate::encryption::LONGEST_NAME as LONGEST;
use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;
use toml::Spanned;

impl Resolver<'_> {
    pub(super) fn encryption(
        &mut self,
        path: &Path,
        written: Option<Spanned<WrittenEncryption>>,
    ) -> Encryption {
        let Some(written) = written else {
            return Encryption {
                place: path.display().to_string(),
                ..Encryption::default()
            };
        };
        let place = self.place(path, &written.span());
        let WrittenEncryption { active, keys } = written.into_inner();
        let mut resolved = BTreeMap::new();
        for (id, reference) in keys {
            let span = reference.span();
            if !is_name(&id) || id.len() > LONGEST {
                let text = format!(
                    "[encryption.keys] {id:?} must be letters, digits, `-` and `_`, at most {LONGEST}"
                );
                self.fault(Some(&span), text);
            }
            let key = EncryptionKey {
                value: self.secret(reference.into_inner()),
                place: self.place(path, &span),
            };
            resolved.insert(id, key);
        }
        if !resolved.contains_key(active.get_ref()) {
            let known: Vec<_> = resolved.keys().map(|id| format!("\"{id}\"")).collect();
            let known = match &known[..] {
                [] => String::new(),
                known => format!("; its keys are: {}", known.join(", ")),
            };
            let text = format!(
                "[encryption] has no key \"{0}\": add `{0} = {{ env = \"…\" }}` under [encryption.keys]{known}",
                active.get_ref()
            );
            self.fault(Some(&active.span()), text);
        }
        Encryption {
            active: Some(active.into_inner()),
            keys: resolved,
            place,
        }
    }

    /// A place in the file, as a fault tells it.
    fn place(&self, path: &Path, span: &Range<usize>) -> String {
        let fault = self.told(Some(span), String::new());
        let places = [fault.line, fault.column].into_iter().flatten();
        places.fold(path.display().to_string(), |place, number| {
            format!("{place}:{number}")
        })
    }
}
