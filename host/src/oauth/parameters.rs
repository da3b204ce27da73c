//! The parameters of an OAuth request, from a query or a form.

use std::collections::BTreeMap;

/// Parameters, each of which is there once at most.
#[derive(Debug, Default)]
pub(crate) struct Parameters(BTreeMap<String, String>);

impl Parameters {
    /// Reads `application/x-www-form-urlencoded`. An empty parameter counts as
    /// none (RFC 6749, section 3.1).
    ///
    /// # Errors
    ///
    /// The name of one that is there more than once (same section).
    pub(crate) fn read(text: &[u8]) -> Result<Self, String> {
        let mut parameters = BTreeMap::new();
        for (name, value) in url::form_urlencoded::parse(text) {
            if value.is_empty() {
                continue;
            }
            if parameters
                .insert(name.to_string(), value.into_owned())
                .is_some()
            {
                return Err(name.into_owned());
            }
        }
        Ok(Self(parameters))
    }

    /// The value of one, if it is there.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parameter_is_there_once_or_not_at_all() {
        let parameters = Parameters::read(b"a=1&b=&c=x%20y+z").unwrap();
        assert_eq!(parameters.get("a"), Some("1"));
        assert_eq!(parameters.get("b"), None);
        assert_eq!(parameters.get("c"), Some("x y z"));
        assert_eq!(Parameters::read(b"a=1&b=2&a=1").unwrap_err(), "a");
    }
}
