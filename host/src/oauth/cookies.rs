//! The cookies of koppel: for its own pages only, and not for scripts.

use crate::config::Server;
use http::{HeaderMap, HeaderValue, header};

/// A cookie of koppel. Over TLS its name has a prefix that browsers let nobody
/// else set (RFC 6265bis, section 4.1.3.2).
pub(crate) struct Cookie {
    name: String,
    secure: bool,
}

impl Cookie {
    /// The one of this name.
    pub(crate) fn new(server: &Server, name: &str) -> Self {
        let secure = server.is_https();
        let prefix = if secure { "__Host-" } else { "" };
        Self {
            name: format!("{prefix}{name}"),
            secure,
        }
    }

    /// What a browser sends; none when it sends none.
    pub(crate) fn get<'a>(&self, headers: &'a HeaderMap) -> Option<&'a str> {
        headers
            .get_all(header::COOKIE)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(';'))
            .filter_map(|pair| pair.trim().split_once('='))
            .find(|(name, _)| *name == self.name)
            .map(|(_, value)| value)
    }

    /// Has a browser keep a value: for so many seconds, or until it is closed.
    pub(crate) fn set(&self, headers: &mut HeaderMap, value: &str, seconds: Option<u32>) {
        let secure = if self.secure { "; Secure" } else { "" };
        let age = seconds.map_or_else(String::new, |seconds| format!("; Max-Age={seconds}"));
        let text = format!(
            "{}={value}; Path=/; HttpOnly; SameSite=Lax{secure}{age}",
            self.name
        );
        // Values are our own: base64url and names.
        if let Ok(text) = HeaderValue::try_from(text) {
            headers.append(header::SET_COOKIE, text);
        }
    }

    /// Has a browser forget it.
    pub(crate) fn clear(&self, headers: &mut HeaderMap) {
        self.set(headers, "", Some(0));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Issuer, Tokens};

    fn server(url: &str) -> Server {
        Server {
            listen: "127.0.0.1:0".parse().unwrap(),
            public_url: url.parse().unwrap(),
            tls: None,
            tokens: Tokens::Issuer(Issuer {
                signing_key: "key".into(),
                data: "data".into(),
                access_token_seconds: 10,
                refresh_token_days: 1,
            }),
            console: None,
            notice_seconds: 5,
        }
    }

    #[test]
    fn a_cookie_is_for_koppel_only_and_over_tls_only_where_there_is_tls() {
        for (url, expected) in [
            (
                "https://koppel.example",
                "__Host-a=b; Path=/; HttpOnly; SameSite=Lax; Secure; Max-Age=5",
            ),
            (
                "http://127.0.0.1:8080",
                "a=b; Path=/; HttpOnly; SameSite=Lax; Max-Age=5",
            ),
        ] {
            let cookie = Cookie::new(&server(url), "a");
            let mut headers = HeaderMap::new();
            cookie.set(&mut headers, "b", Some(5));
            assert_eq!(headers[header::SET_COOKIE], expected);
        }
    }

    #[test]
    fn a_cookie_is_found_by_its_whole_name() {
        let cookie = Cookie::new(&server("http://127.0.0.1:8080"), "a");
        for (sent, expected) in [
            ("a=1", Some("1")),
            ("aa=2; a=1; b=3", Some("1")),
            ("__Host-a=1", None),
            ("b=a=1", None),
            ("", None),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::COOKIE, HeaderValue::from_static(sent));
            assert_eq!(cookie.get(&headers), expected, "{sent}");
        }
    }
}
