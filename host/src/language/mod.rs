//! The languages of the pages. All their texts are in `table.rs`, each in every
//! language, so that none can be missing; what the REST API, connectors and the
//! configuration say is shown as it is.

mod table;

pub(crate) use table::Texts;

use crate::oauth::Cookie;
use http::{HeaderMap, header};
use std::fmt::Display;

/// A language.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Language {
    English,
    Dutch,
}

impl Language {
    /// All, in the order in which they are offered.
    pub(crate) const ALL: [Self; 2] = [Self::Dutch, Self::English];

    /// Its code (BCP 47).
    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Dutch => "nl",
        }
    }

    /// Its name, in itself.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::English => "English",
            Self::Dutch => "Nederlands",
        }
    }

    /// The one of this code.
    pub(crate) fn of_code(code: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|language| language.code() == code)
    }

    /// The one that `Accept-Language` likes best (RFC 9110, section 12.5.4);
    /// English if it likes none.
    pub(crate) fn accepted(field: &str) -> Self {
        let mut best = (0.0, Self::English);
        for range in field.split(',') {
            let mut parts = range.split(';');
            let tag = parts.next().unwrap_or_default().trim().to_ascii_lowercase();
            let quality = parts
                .filter_map(|part| part.trim().strip_prefix("q="))
                .find_map(|quality| quality.parse::<f32>().ok())
                .unwrap_or(1.0);
            let primary = tag.split('-').next().unwrap_or_default();
            if let Some(language) = Self::of_code(primary)
                && quality > best.0
            {
                best = (quality, language);
            }
        }
        best.1
    }

    /// The name of the cookie that holds the one that somebody chose.
    pub(crate) const COOKIE: &str = "koppel-language";

    /// The one that somebody wants: that was chosen here, or that the browser
    /// asks for.
    pub(crate) fn wanted(cookie: &Cookie, headers: &HeaderMap) -> Self {
        let chosen = cookie.get(headers).and_then(Self::of_code);
        chosen.unwrap_or_else(|| {
            let field = headers.get(header::ACCEPT_LANGUAGE);
            let field = field.and_then(|field| field.to_str().ok());
            Self::accepted(field.unwrap_or_default())
        })
    }

    /// The texts.
    pub(crate) fn texts(self) -> &'static Texts {
        match self {
            Self::English => &table::ENGLISH,
            Self::Dutch => &table::DUTCH,
        }
    }
}

/// Puts values into a text, each in the place of a `{}`.
pub(crate) fn fill(text: &str, values: &[&dyn Display]) -> String {
    let mut parts = text.split("{}");
    let mut filled = parts.next().unwrap_or_default().to_owned();
    let mut values = values.iter();
    for part in parts {
        if let Some(value) = values.next() {
            filled.push_str(&value.to_string());
        }
        filled.push_str(part);
    }
    filled
}

#[cfg(test)]
mod tests;
