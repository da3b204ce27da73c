//! Where the grants are published: their text beside that of the file, and what
//! this host lacks for them.

use super::Resolver;
use super::raw;
use crate::authorization::ActivitySet;
use crate::config::{Credential, Fault, published, read};
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use std::ops::Range;
use std::path::PathBuf;
use toml::Spanned;

impl Resolver<'_> {
    /// Where the text of the published grants begins, as spans count: after that
    /// of the file.
    fn begin(&self) -> usize {
        self.text.len() + 1
    }

    /// Whether a span is in the published grants.
    pub(super) fn is_published(&self, span: &Range<usize>) -> bool {
        span.start >= self.begin()
    }

    /// A fault with its place.
    pub(super) fn told(&self, span: Option<&Range<usize>>, mut text: String) -> Fault {
        let mut values = self.values.iter();
        if let Some(value) = values.find(|value| span == Some(&value.span)) {
            text = format!("{text} (the value is that of {})", value.origin);
        }
        let published = span.is_some_and(|span| self.is_published(span));
        let place = span.map(|span| {
            let (of, at) = if published {
                (self.published, span.start - self.begin())
            } else {
                (self.text, span.start)
            };
            let before = of.get(..at).unwrap_or(of);
            let line = before.rsplit('\n').next().unwrap_or_default();
            (before.matches('\n').count() + 1, line.chars().count() + 1)
        });
        Fault {
            line: place.map(|(line, _)| line),
            column: place.map(|(_, column)| column),
            published,
            text,
        }
    }

    /// Reads a text.
    pub(super) fn read<T: DeserializeOwned>(&mut self, text: &str) -> Option<T> {
        let (read, values) = read::read(text, self.base);
        self.values.extend(values);
        read.map_err(|faults| {
            for (span, text) in faults {
                self.fault(span.as_ref(), text);
            }
        })
        .ok()
    }

    /// The file with the grants in it, where they are published; then it may
    /// have none of its own.
    pub(super) fn granted(&mut self, mut file: raw::File, published: bool) -> Option<raw::File> {
        let queue = file.queue.as_ref();
        self.follows = queue.is_some_and(|queue| queue.get_ref().is_published());
        if !self.follows {
            let passwords = file
                .passwords
                .values()
                .map(|hash| ("passwords", hash.span()));
            let roots = file.trusted_roots.values();
            let roots = roots.map(|file| ("trusted-roots", file.span()));
            let mine: Vec<_> = passwords.chain(roots).collect();
            for (key, span) in mine {
                let place = match key {
                    "passwords" => "`password-hash` of the user",
                    _ => "`trusted-roots` of the rule",
                };
                self.fault(
                    Some(&span),
                    format!("[{key}] is for hosts whose grants are published; write {place}"),
                );
            }
            return Some(file);
        }
        for (span, text) in published::not_of_one_host(self.text) {
            self.fault(Some(&span), text);
        }
        let roots = std::mem::take(&mut file.trusted_roots).into_iter();
        let roots = roots.map(|(name, file)| (name, self.base.join(file.into_inner())));
        self.roots = roots.collect();
        if published {
            // So that spans in it are none in the file.
            let text = " ".repeat(self.begin()) + self.published;
            let misplaced = published::of_one_host(&text);
            if !misplaced.is_empty() {
                for (span, text) in misplaced {
                    self.fault(Some(&span), text);
                }
                return None;
            }
            let granted = self.read(&text)?;
            self.elsewhere = published::put(granted, &mut file);
        }
        Some(file)
    }

    /// Something that the file lacks: a fault, or where the grants are
    /// published, of which other hosts may have what it takes, something that
    /// this host does without. Says whether it can be used all the same.
    pub(super) fn lacks(&mut self, span: &Range<usize>, text: String) -> bool {
        if self.follows {
            let fault = self.told(Some(span), text);
            self.lacking.push(fault);
            return false;
        }
        self.fault(Some(span), text);
        true
    }

    /// The file of certificate authorities of a rule. A published rule has the
    /// name that it has under `[trusted-roots]` of each host.
    pub(super) fn roots(&mut self, file: &Spanned<PathBuf>) -> Option<PathBuf> {
        if !self.follows {
            return Some(self.base.join(file.get_ref()));
        }
        let name = file.get_ref().to_string_lossy();
        if !super::is_name(&name) {
            let text = format!(
                "trusted-roots = {name:?} is a path, which is of one host: write a name of letters, digits, `-` and `_`, and the path as `<name> = {name:?}` under [trusted-roots] in the file of each host"
            );
            self.fault(Some(&file.span()), text);
            return None;
        }
        let found = self.roots.get(name.as_ref()).cloned();
        if found.is_none() {
            let text = format!(
                "there are no trusted roots \"{name}\"; add `{name} = \"<file>\"` under [trusted-roots]"
            );
            self.lacks(&file.span(), text);
        }
        found
    }

    /// A client that was published, and of which this host has nothing else. Its
    /// rules are read all the same: a fault in them is one on every host.
    pub(super) fn client_elsewhere(
        &mut self,
        name: &str,
        client: Spanned<raw::Client>,
        granted: ActivitySet,
        credentials: &BTreeMap<String, Credential>,
    ) {
        let (span, before) = (client.span(), self.lacking.len());
        self.client(name, PathBuf::new(), client, granted, credentials);
        // Whether it has their credentials matters no more.
        self.lacking.truncate(before);
        let text = format!(
            "this host has no client \"{name}\", so it does not run here; add `[clients.{name}]` with `component` or `application`"
        );
        self.lacks(&span, text);
    }
}
