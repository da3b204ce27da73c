//! A credential on its way into a request, and out of the reply again.

use super::error::EgressError;
use super::{Hop, Identity, Reply};
use crate::ledger::Redactor;
use http::{HeaderName, HeaderValue, header};
use secrecy::{ExposeSecret, SecretString};
use std::fmt;
use url::{Url, form_urlencoded};

/// A credential with its secret.
pub struct Credential {
    place: Place,
    /// Knows this secret only.
    redactor: Redactor,
}

enum Place {
    Header(HeaderName, HeaderValue),
    Query(String, SecretString),
    Handshake(Identity),
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Place::Header(name, _) => write!(f, "Credential(header {name})"),
            Place::Query(name, _) => write!(f, "Credential(query parameter {name})"),
            Place::Handshake(identity) => write!(f, "Credential({identity:?})"),
        }
    }
}

impl Credential {
    /// One that goes in a header, in place of any of that name. `value` holds
    /// `secret`.
    pub fn header(name: HeaderName, mut value: HeaderValue, secret: &str) -> Self {
        value.set_sensitive(true);
        Self::new(Place::Header(name, value), secret)
    }

    /// One that is a parameter of the query.
    pub fn query(name: String, secret: &str) -> Self {
        Self::new(Place::Query(name, secret.into()), secret)
    }

    /// A client certificate, which is shown in the handshake of TLS. `key` is
    /// its private key, PEM.
    pub fn certificate(identity: Identity, key: &str) -> Self {
        Self::new(Place::Handshake(identity), key)
    }

    /// The client certificate, if it is one.
    pub(super) fn identity(&self) -> Option<&Identity> {
        match &self.place {
            Place::Handshake(identity) => Some(identity),
            Place::Header(..) | Place::Query(..) => None,
        }
    }

    fn new(place: Place, secret: &str) -> Self {
        let redactor = Redactor::default();
        redactor.add(secret);
        Self { place, redactor }
    }

    /// Refuses a URL that has the parameter already: which of the two a server
    /// would read is not certain.
    ///
    /// # Errors
    ///
    /// [`EgressError::Parameter`].
    pub(super) fn check(&self, url: &Url) -> Result<(), EgressError> {
        let Place::Query(name, _) = &self.place else {
            return Ok(());
        };
        let taken = url
            .query_pairs()
            .any(|(given, _)| given.eq_ignore_ascii_case(name));
        if taken {
            Err(EgressError::Parameter(name.clone()))
        } else {
            Ok(())
        }
    }

    /// The URL and the headers of a request as they leave.
    pub(super) fn add(&self, hop: &Hop, headers: &mut http::HeaderMap) -> Url {
        let mut url = hop.url.clone();
        match &self.place {
            Place::Header(name, value) => {
                headers.insert(name, value.clone());
            }
            Place::Query(name, secret) => {
                // Appended by hand, so that what was checked stays as it is.
                let pair = form_urlencoded::Serializer::new(String::new())
                    .append_pair(name, secret.expose_secret())
                    .finish();
                let query = match url.query() {
                    Some(query) if !query.is_empty() => format!("{query}&{pair}"),
                    _ => pair,
                };
                url.set_query(Some(&query));
            }
            Place::Handshake(_) => {}
        }
        url
    }

    /// Takes the secret out of a reply: what the party repeats of it is not for
    /// the connector.
    pub(super) fn clean(&self, mut reply: Reply) -> Reply {
        for value in reply.headers.values_mut() {
            let bytes = self.redactor.bytes(value.as_bytes().to_vec());
            if bytes != value.as_bytes() {
                *value = HeaderValue::from_bytes(&bytes)
                    .unwrap_or(HeaderValue::from_static("[redacted]"));
            }
        }
        let body = self.redactor.bytes(reply.body.to_vec());
        if body != reply.body {
            if reply.headers.contains_key(header::CONTENT_LENGTH) {
                reply
                    .headers
                    .insert(header::CONTENT_LENGTH, body.len().into());
            }
            reply.body = body.into();
        }
        reply
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::id;
    use http::{HeaderMap, Method, StatusCode};

    const SECRET: &str = "AIza+Sy/D&x=1";

    fn key() -> Credential {
        Credential::query("key".to_owned(), SECRET)
    }

    fn sent(credential: &Credential, url: &str, headers: &mut HeaderMap) -> String {
        let hop = Hop {
            exchange: uuid::Uuid::now_v7(),
            activity: id::GetGeocodeByAddress,
            method: Method::GET,
            url: Url::parse(url).unwrap(),
            headers: headers.clone(),
            body: bytes::Bytes::new(),
            repeatable: false,
        };
        credential.add(&hop, headers).into()
    }

    #[test]
    fn a_parameter_is_appended_and_the_rest_stays_as_it_was_checked() {
        let added = "key=AIza%2BSy%2FD%26x%3D1";
        for (url, expected) in [
            ("https://a.test/b", format!("https://a.test/b?{added}")),
            ("https://a.test/b?", format!("https://a.test/b?{added}")),
            (
                "https://a.test/b?c=%7e+d&e",
                format!("https://a.test/b?c=%7e+d&e&{added}"),
            ),
        ] {
            let mut headers = HeaderMap::new();
            assert_eq!(sent(&key(), url, &mut headers), expected);
            assert!(headers.is_empty());
        }
    }

    #[test]
    fn a_header_takes_the_place_of_the_connectors_own() {
        let value = HeaderValue::from_static("AIza");
        let header = Credential::header(HeaderName::from_static("apikey"), value, "AIza");
        let mut headers = HeaderMap::new();
        headers.append("apikey", HeaderValue::from_static("one"));
        headers.append("apikey", HeaderValue::from_static("two"));
        assert_eq!(
            sent(&header, "https://a.test/", &mut headers),
            "https://a.test/"
        );
        let values: Vec<_> = headers.get_all("apikey").iter().collect();
        assert_eq!(values, ["AIza"]);
        assert!(values[0].is_sensitive());
    }

    #[test]
    fn a_url_that_has_the_parameter_already_is_refused() {
        for url in [
            "https://a.test/?key=1",
            "https://a.test/?a=1&KEY",
            "https://a.test/?%6bey=1",
        ] {
            let url = Url::parse(url).unwrap();
            let refused = Err(EgressError::Parameter("key".to_owned()));
            assert_eq!(key().check(&url), refused, "{url}");
        }
        let url = Url::parse("https://a.test/key?keys=key").unwrap();
        assert_eq!(key().check(&url), Ok(()));
    }

    #[test]
    fn what_a_reply_repeats_of_the_secret_is_taken_out() {
        let body = format!("{{\"self\": \"/b?key=AIza%2BSy%2FD%26x%3D1\", \"key\": \"{SECRET}\"}}");
        let mut headers = HeaderMap::new();
        headers.insert("content-length", body.len().into());
        headers.insert("x-key", HeaderValue::from_static("is AIza+Sy/D&x=1!"));
        headers.insert("x-other", HeaderValue::from_static("AIza"));
        let reply = Reply {
            status: StatusCode::OK,
            headers,
            body: body.into(),
        };
        let cleaned = key().clean(reply);
        let expected = "{\"self\": \"/b?key=[redacted]\", \"key\": \"[redacted]\"}";
        assert_eq!(cleaned.body, expected);
        let length = expected.len().to_string();
        assert_eq!(cleaned.headers["content-length"], length.as_str());
        assert_eq!(cleaned.headers["x-key"], "is [redacted]!");
        assert_eq!(cleaned.headers["x-other"], "AIza");
    }

    #[test]
    fn a_secret_is_not_shown_by_debug() {
        assert_eq!(format!("{:?}", key()), "Credential(query parameter key)");
    }
}
