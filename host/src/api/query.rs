//! The query of a call: names that the route knows, each once.

use super::call::invalid;
use crate::bindings::koppel::loket::types::ActivityError;
use std::collections::BTreeMap;

/// The parameters of a query.
#[derive(Debug, Default)]
pub(super) struct Query(BTreeMap<String, String>);

impl Query {
    /// Reads a query. What a route does not know is refused: a filter that is
    /// passed over would give more than was asked for.
    ///
    /// # Errors
    ///
    /// `invalid`, for the first one that is unknown or there twice.
    pub(super) fn read(text: &str, known: &[&str]) -> Result<Self, ActivityError> {
        let mut parameters = BTreeMap::new();
        for (name, value) in url::form_urlencoded::parse(text.as_bytes()) {
            if !known.contains(&name.as_ref()) {
                return Err(invalid(&name, "is not a parameter of this resource"));
            }
            if parameters
                .insert(name.to_string(), value.into_owned())
                .is_some()
            {
                return Err(invalid(&name, "is there more than once"));
            }
        }
        Ok(Self(parameters))
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }
}
