//! What an outside party answers, written down: by hand, or by `koppel dev`,
//! which records it.

use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::Path;
use url::Url;

/// An answer as it is written.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct WrittenAnswer {
    /// To what it is the answer: `GET https://api.example.nl/v1/*`. `*` stands
    /// for any text; the query counts only if there is a `?`;
    /// with nothing behind it, there is none.
    pub to: String,
    /// What the request must hold, in its query (decoded) or its body.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contains: Option<String>,
    /// Only after a request like this arrived.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
    /// How often it is given; without, always.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub times: Option<u32>,
    /// The status; 200 if it is not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// The headers.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
    /// The body, as JSON in TOML.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub json: Option<toml::Value>,
    /// The body, as text. `{1}` stands for what the first `*` of `to` stood
    /// for, `{2}` for the second.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// The body, in a file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
}

/// An answer that can be given.
#[derive(Clone, Debug)]
pub struct Answer {
    /// To what it is the answer.
    to: Request,
    contains: Option<String>,
    /// Only after a request like this arrived.
    after: Option<Request>,
    /// How often it is given.
    pub(crate) times: Option<u32>,
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Vec<u8>,
}

/// Which requests are meant.
#[derive(Clone, Debug)]
struct Request {
    method: Method,
    url: String,
}

impl Request {
    fn read(text: &str) -> Result<Self, String> {
        let wrong = || format!("\"{text}\" must be like \"GET https://api.example.nl/v1/*\"");
        let (method, url) = text.split_once(' ').ok_or_else(wrong)?;
        let capitals = !method.is_empty() && method.bytes().all(|b| b.is_ascii_uppercase());
        if !capitals || !url.contains("://") {
            return Err(wrong());
        }
        Ok(Self {
            method: Method::from_bytes(method.as_bytes()).map_err(|_| wrong())?,
            url: url.to_owned(),
        })
    }

    /// What the stars stand for, if it is a request like this.
    fn matches(&self, method: &Method, url: &Url) -> Option<Vec<String>> {
        let mut seen = url.clone();
        if !self.url.contains('?') {
            seen.set_query(None);
        } else if self.url.ends_with('?') && url.query().is_none() {
            // Written so, it is without a query.
            seen.set_query(Some(""));
        }
        (self.method == *method).then(|| matches(&self.url, seen.as_str()))?
    }
}

/// What each `*` of a pattern stands for in a text, if the text is like that.
fn matches(pattern: &str, text: &str) -> Option<Vec<String>> {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let mut rest = text.strip_prefix(first)?;
    let mut stars = Vec::new();
    let mut parts = parts.peekable();
    while let Some(part) = parts.next() {
        let at = match parts.peek() {
            // The last reaches to the end.
            None => rest.strip_suffix(part)?.len(),
            Some(_) => rest.find(part)?,
        };
        stars.push(rest[..at].to_owned());
        rest = &rest[at + part.len()..];
    }
    rest.is_empty().then_some(stars)
}

impl Answer {
    /// Checks an answer that was written down. Files are relative to `base`.
    ///
    /// # Errors
    ///
    /// What is wrong with it.
    pub fn read(written: WrittenAnswer, base: &Path) -> Result<Self, String> {
        let mut headers = HeaderMap::new();
        for (name, value) in &written.headers {
            let wrong = |_| format!("{name} = {value:?} is no header");
            let wrong_name = |_| format!("{name} is no name of a header");
            headers.append(
                HeaderName::from_bytes(name.as_bytes()).map_err(wrong_name)?,
                HeaderValue::from_str(value).map_err(wrong)?,
            );
        }
        let body = match (written.json, written.body, written.file) {
            (Some(json), None, None) => {
                headers
                    .entry(http::header::CONTENT_TYPE)
                    .or_insert(HeaderValue::from_static("application/json"));
                serde_json::to_vec(&json).map_err(|error| format!("json: {error}"))?
            }
            (None, Some(text), None) => text.into_bytes(),
            (None, None, Some(file)) => {
                let path = base.join(&file);
                std::fs::read(&path).map_err(|error| format!("{}: {error}", path.display()))?
            }
            (None, None, None) => Vec::new(),
            _ => return Err("it has more than one of json, body and file".to_owned()),
        };
        let status = written.status.unwrap_or(200);
        let status =
            StatusCode::from_u16(status).map_err(|_| format!("status {status} is none"))?;
        Ok(Self {
            to: Request::read(&written.to)?,
            contains: written.contains,
            after: written.after.as_deref().map(Request::read).transpose()?,
            times: written.times,
            status,
            headers,
            body,
        })
    }

    /// Whether it is the answer to a request. `arrived` says whether a request
    /// like the one that it waits for arrived.
    pub(crate) fn fits<'a>(
        &self,
        method: &Method,
        url: &Url,
        body: &[u8],
        mut arrived: impl Iterator<Item = (&'a Method, &'a Url)>,
    ) -> bool {
        let holds = |text: &String| {
            let query = url
                .query_pairs()
                .map(|(name, value)| format!("{name}={value}"));
            let query: Vec<String> = query.collect();
            query.join("&").contains(text.as_str())
                || String::from_utf8_lossy(body).contains(text.as_str())
        };
        self.to.matches(method, url).is_some()
            && self.contains.as_ref().is_none_or(holds)
            && self.after.as_ref().is_none_or(|after| {
                arrived.any(|(method, url)| after.matches(method, url).is_some())
            })
    }

    /// The body, for a request that it fits.
    pub(crate) fn body_for(&self, method: &Method, url: &Url) -> Vec<u8> {
        let stars = self.to.matches(method, url).unwrap_or_default();
        let Ok(text) = std::str::from_utf8(&self.body) else {
            return self.body.clone();
        };
        let filled = (1..)
            .zip(&stars)
            .fold(text.to_owned(), |text, (number, star)| {
                text.replace(&format!("{{{number}}}"), star)
            });
        filled.into_bytes()
    }

    /// Whether it is given only after another request arrived.
    pub(super) fn waits(&self) -> bool {
        self.after.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_any_text() {
        for (pattern, text, fits) in [
            ("https://a/b", "https://a/b", Some(vec![])),
            ("https://a/b", "https://a/bc", None),
            ("https://a/*", "https://a/", Some(vec![""])),
            ("https://a/*/c", "https://a/b/c", Some(vec!["b"])),
            ("https://a/*/c", "https://a/b/d", None),
            ("*b*d", "abcd", Some(vec!["a", "c"])),
            ("*b*d", "adcb", None),
            ("https://a/*", "https://b/", None),
        ] {
            let fits = fits.map(|stars| stars.iter().map(ToString::to_string).collect());
            assert_eq!(matches(pattern, text), fits, "{pattern} {text}");
        }
    }

    #[test]
    fn an_answer_can_hold_what_was_asked_for() {
        let answer = Answer::read(
            WrittenAnswer {
                to: "GET https://a.nl/*/responses/*".to_owned(),
                body: Some("<to>{1}</to><name>{2}</name>".to_owned()),
                ..WrittenAnswer::default()
            },
            Path::new(""),
        )
        .unwrap();
        let url = Url::parse("https://a.nl/REF-1/responses/R-2").unwrap();
        assert_eq!(
            answer.body_for(&Method::GET, &url),
            b"<to>REF-1</to><name>R-2</name>"
        );
    }

    #[test]
    fn an_answer_waits_for_what_it_is_after() {
        let answer = Answer::read(
            WrittenAnswer {
                to: "GET https://a.nl/entries".to_owned(),
                after: Some("POST https://a.nl/entries".to_owned()),
                contains: Some("marker=a b".to_owned()),
                ..WrittenAnswer::default()
            },
            Path::new(""),
        )
        .unwrap();
        let url = Url::parse("https://a.nl/entries?marker=a%20b").unwrap();
        let posted = (&Method::POST, &Url::parse("https://a.nl/entries").unwrap());
        assert!(!answer.fits(&Method::GET, &url, b"", std::iter::empty()));
        assert!(answer.fits(&Method::GET, &url, b"", [posted].into_iter()));
        let other = Url::parse("https://a.nl/entries?marker=c").unwrap();
        assert!(!answer.fits(&Method::GET, &other, b"", [posted].into_iter()));
    }

    #[test]
    fn what_is_written_wrongly_is_said() {
        let read = |to: &str, body: Option<&str>, file: Option<&str>| {
            let written = WrittenAnswer {
                to: to.to_owned(),
                body: body.map(ToOwned::to_owned),
                file: file.map(ToOwned::to_owned),
                ..WrittenAnswer::default()
            };
            Answer::read(written, Path::new("/nowhere")).unwrap_err()
        };
        assert_eq!(
            read("https://a.nl", None, None),
            "\"https://a.nl\" must be like \"GET https://api.example.nl/v1/*\""
        );
        assert_eq!(
            read("GET https://a.nl", Some("a"), Some("b")),
            "it has more than one of json, body and file"
        );
        assert_eq!(
            read("GET https://a.nl", None, Some("b")),
            "/nowhere/b: No such file or directory (os error 2)"
        );
    }
}
